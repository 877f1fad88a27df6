/* 3.15.4 AUTH Actions (4.12 Enhanced authentication, which is optional [D-4.12-3]). No Authentication Method
 * is offered yet: a CONNECT with one is refused, so an AUTH can only come from a client whose CONNECT had
 * none [P-3.15-1]. */
#include "actions.h"

struct verdict auth_actions(struct broker *broker, struct connection *connection, const struct packet *packet)
{
    (void)broker;
    (void)connection;
    (void)packet;
    return refuse(MQTT_4_12_0_7, REASON_PROTOCOL_ERROR, 0,
                  "AUTH though CONNECT had no Authentication Method");
}
