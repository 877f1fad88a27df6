/* 3.15.4 AUTH Actions: all of them are in 4.12. */
#include "4_12_enhanced_authentication.h"
#include "actions.h"

struct verdict auth_actions(struct broker *broker, struct connection *connection, const struct packet *packet)
{
    return authentication_continue(broker, connection, packet);
}
