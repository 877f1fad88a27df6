/* check_at_least_once: when everything has calmed down, every message that was acknowledged to its
 * publisher, or was
 * committed, has come to every session that had subscribed to it and lasted, unless it expired. */
#include "simulation.h"

static const char *checker_of(const struct publication *publication)
{
    return publication->will ? "will" : "at-least-once";
}

static void check_reception(struct world *world, unsigned actor, uint32_t number)
{
    const struct publication *publication = &world->publications[number];
    const struct book_session *session = &world->book.sessions[actor];
    const struct reception *reception = reception_of(world, actor, number);
    if (!reception->owed || !session->exists || reception->epoch != session->epoch || publication->refused)
        return;
    if (publication->earliest_deadline <= world_ms(world)) {
        world_mark(world, MARK_expired_waiting);
        return;
    }
    world_violation(
        world, checker_of(publication),
        "publication %u (number %u of %s to %s, QoS %u) never came to %s, whose session had subscribed",
        number, publication->number, actor_name(publication->publisher), topic_names[publication->topic],
        publication->qos, actor_name(actor));
}

void check_at_least_once(struct world *world)
{
    for (uint32_t number = 1; number <= world->publication_count; number++) {
        for (unsigned actor = 0; actor < ACTORS; actor++)
            check_reception(world, actor, number);
        const struct publication *publication = &world->publications[number];
        for (unsigned group = 0; group < GROUPS; group++)
            if (publication->group_owed[group] && !publication->refused &&
                publication->earliest_deadline > world_ms(world))
                world_violation(world, "at-least-once", "publication %u never came to anybody of %s", number,
                                filter_names[FIRST_SHARED + group]);
    }
}
