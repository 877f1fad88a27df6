/* check_order: messages of one publisher, topic and QoS come for the first time in the order in which they
 * were
 * published [MQTT-4.6.0-5] [MQTT-4.6.0-6]. */
#include <string.h>

#include "simulation.h"

void check_order(struct world *world, struct client *client, const struct link *link, const struct note *note)
{
    const struct publication *publication = &world->publications[note->publication];
    const struct reception *reception = reception_of(world, client->actor, note->publication);
    if (topic_class(publication->topic) != TOPIC_ORDINARY ||
        publication->repeated) /* counts from the repetition */
        return;
    if (client->order_epoch != link->epoch) {
        memset(world->order[client->actor], 0, sizeof world->order[client->actor]);
        client->order_epoch = link->epoch;
    }
    uint32_t *last =
        &world->order[client->actor][publication->publisher][publication->topic][publication->qos][note->qos];
    if (reception->epoch == link->epoch && reception->flags & GOT)
        return; /* a repetition */
    if (publication->number < *last)
        world_violation(world, "order",
                        "%s gets number %u of %s on %s for the first time, but had number %u before",
                        actor_name(client->actor), publication->number, actor_name(publication->publisher),
                        topic_names[publication->topic], *last);
    else
        *last = publication->number;
}
