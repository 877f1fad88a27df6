/* check_entitled: a client gets what it has subscribed to and nothing else, at the right QoS, with the right
 * Subscription Identifiers, and no more often than it was routed to it. Wills are not published before
 * they are due,
 * and never after DISCONNECT with 0x00. */
#include "simulation.h"

static const char *checker_of(const struct publication *publication)
{
    return publication->will ? "will" : "subscription";
}

static void check_shared(struct world *world, const struct link *link, const struct note *note)
{
    if (note->filter_mask >> FIRST_SHARED == 0)
        world_violation(world, "subscription", "%s gets publication %u without the identifier of its share",
                        actor_name(link->actor), note->publication);
}

static void check_form(struct world *world, const struct link *link, const struct note *note,
                       const struct reception *reception)
{
    if (reception->flags & MIXED)
        return;
    if (note->qos != reception->qos)
        world_violation(world, "subscription", "%s gets publication %u at QoS %u instead of %u",
                        actor_name(link->actor), note->publication, note->qos, reception->qos);
    if (link->five && note->filter_mask != reception->filters)
        world_violation(world, "subscription",
                        "%s gets publication %u with Subscription Identifiers %04x instead of %04x",
                        actor_name(link->actor), note->publication, note->filter_mask, reception->filters);
}

static void check_count(struct world *world, const struct link *link, const struct note *note,
                        struct reception *reception)
{
    if (note->dup)
        return;
    if (reception->fresh < UINT8_MAX)
        reception->fresh++;
    /* a crash may forget that a copy was sent, if it was at QoS 1 */
    const unsigned most = reception->routed * (1U + world->crashes);
    if (reception->fresh > most && reception->routed < UINT8_MAX)
        world_violation(
            world, "needless-copy",
            "%s gets publication %u for the %u. time without DUP, though it was published %u times",
            actor_name(link->actor), note->publication, reception->fresh, reception->routed);
}

void check_entitled(struct world *world, const struct link *link, const struct note *note)
{
    /* what waited on a connection whose session was taken away meanwhile concerns nobody any more */
    if (!note->publication || world->book.sessions[link->actor].epoch != link->epoch)
        return;
    if (world->revived[link->actor] == link->epoch) /* what was noted of it was overwritten in part */
        return;
    const struct publication *publication = &world->publications[note->publication];
    struct reception *reception = reception_of(world, link->actor, note->publication);
    if (topic_class(publication->topic) == TOPIC_SHARED) {
        check_shared(world, link, note);
        return;
    }
    if (reception->epoch != link->epoch || !(reception->flags & ENTITLED)) {
        world_violation(
            world, checker_of(publication),
            "%s gets publication %u (of %s to %s), which is not for it, or not yet, or not any more",
            actor_name(link->actor), note->publication, actor_name(publication->publisher),
            topic_names[publication->topic]);
        return;
    }
    check_form(world, link, note, reception);
    check_count(world, link, note, reception);
}
