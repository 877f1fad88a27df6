/* check_message_expiry: a message that has expired is not sent for the first time, and the interval passed
 * on is
 * what is left of it, also after a time in which no broker ran. */
#include "simulation.h"

enum {
    TOLERANCE = 1500
}; /* ms: whole seconds in the packet, and the time that an answer may wait for the store */

void check_message_expiry(struct world *world, const struct link *link, const struct note *note)
{
    if (!note->publication || !link->five)
        return;
    const struct publication *publication = &world->publications[note->publication];
    const uint64_t now = world_ms(world);
    if (publication->deadline == NEVER) {
        if (note->has_expiry && !publication->interval)
            world_violation(world, "message-expiry",
                            "publication %u never expires, but is sent with an interval", note->publication);
        return;
    }
    const uint64_t left = publication->deadline > now ? publication->deadline - now : 0;
    if (!note->has_expiry)
        world_violation(world, "message-expiry", "publication %u expires, but is sent without an interval",
                        note->publication);
    else if (left == 0)
        world_mark(world, MARK_expired_in_flight);
    if (left == 0 && !note->dup && now - publication->deadline > 6 * TOLERANCE && !link->blocked &&
        link->window > 1000)
        world_violation(world, "message-expiry", "publication %u is sent %llu ms after it expired",
                        note->publication, (unsigned long long)(now - publication->deadline));
    const uint64_t least = publication->earliest_deadline > now ? publication->earliest_deadline - now : 0;
    if ((uint64_t)note->expiry * 1000 > left + TOLERANCE || (uint64_t)note->expiry * 1000 + TOLERANCE < least)
        world_violation(world, "message-expiry", "publication %u has %llu ms left, but is sent with %u s",
                        note->publication, (unsigned long long)left, note->expiry);
}
