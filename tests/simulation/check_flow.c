/* check_flow: never more QoS 1 and 2 messages in flight to a client than its Receive Maximum allows
 * [MQTT-3.3.4-9]. */
#include "simulation.h"

void check_flow_sent(struct world *world, struct link *link, const struct note *note)
{
    if (note->qos == 0)
        return;
    link->in_flight++;
    if (!link->receive_maximum || !link->five)
        return;
    if (link->in_flight == link->receive_maximum)
        world_mark(world, MARK_window_full);
    if (link->in_flight > link->receive_maximum)
        world_violation(world, "receive-maximum", "%s has Receive Maximum %u and gets a message more",
                        actor_name(link->actor), link->receive_maximum);
}

void check_flow_acknowledged(struct world *world, struct link *link, const struct note *note)
{
    (void)world;
    const bool last = note->type == PACKET_PUBACK || (note->type == PACKET_PUBCOMP && note->code == 0);
    if (last && link->in_flight > 0)
        link->in_flight--;
}
