/* 3.12.4 PINGREQ Actions */
#include "actions.h"

struct verdict pingreq_actions(struct broker *broker, struct connection *connection,
                               const struct packet *packet)
{
    (void)packet; /* it has no content */
    struct packet pingresp = {.type = PACKET_PINGRESP, .flags = 0};
    connection_send(broker, connection, &pingresp); /* [MQTT-3.12.4-1] [MQTT3-3.12.4-1] */
    return accept();
}
