/* check_exactly_once: a message delivered at QoS 2 reaches the application of a session once; one of a Shared
 * Subscription reaches one member. And what is sent again at QoS 2 says so. */
#include "simulation.h"

static void check_group(struct world *world, const struct client *client, const struct link *link,
                        const struct note *note, unsigned group)
{
    struct publication *publication = &world->publications[note->publication];
    const uint8_t holder = publication->group_holder[group];
    const bool elsewhere =
        holder && (holder != client->actor + 1 || publication->group_epoch[group] != link->epoch);
    /* a holder whose session ended may have been forgotten by a crash, with all it had */
    if (holder && !elsewhere)
        world_violation(world, "exactly-once", "%s gets publication %u twice from one Shared Subscription",
                        actor_name(client->actor), note->publication);
    else if (elsewhere && publication->group_crashes[group] == world->crashes)
        world_violation(world, "exactly-once", "%s gets publication %u, which %s has got from the same share",
                        actor_name(client->actor), note->publication, actor_name(holder - 1U));
    publication->group_holder[group] = (uint8_t)(client->actor + 1);
    publication->group_epoch[group] = link->epoch;
    publication->group_crashes[group] = world->crashes;
}

void check_exactly_once(struct world *world, const struct client *client, const struct link *link,
                        const struct note *note)
{
    if (note->qos != 2)
        return;
    const struct publication *publication = &world->publications[note->publication];
    const struct reception *reception = reception_of(world, client->actor, note->publication);
    if (topic_class(publication->topic) == TOPIC_SHARED) {
        for (unsigned group = 0; group < GROUPS; group++)
            if (note->filter_mask >> (FIRST_SHARED + group) & 1)
                check_group(world, client, link, note, group);
        return;
    }
    if (topic_class(publication->topic) == TOPIC_RETAINED || publication->retain)
        return; /* may come again, as a retained message */
    if (reception->epoch == link->epoch && reception->flags & GOT_AT_2)
        world_violation(world, "exactly-once", "%s gets publication %u (number %u of %s) twice at QoS 2",
                        actor_name(client->actor), note->publication, publication->number,
                        actor_name(publication->publisher));
}

void check_duplicate_flag(struct world *world, const struct client *client, const struct note *note,
                          const struct incoming *known)
{
    if (!known)
        return;
    if (!note->dup)
        world_violation(world, "dup", "%s gets Packet Identifier %u at QoS 2 again, but without DUP",
                        actor_name(client->actor), note->identifier);
    if (known->publication != note->publication)
        world_violation(world, "dup", "%s gets publication %u under Packet Identifier %u, which %u still has",
                        actor_name(client->actor), note->publication, note->identifier, known->publication);
}
