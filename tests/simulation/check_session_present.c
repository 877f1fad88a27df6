/* check_session_present: CONNACK says whether the session is there; it is there until it ends, and then it
 * is not:
 * expired neither early nor late, kept through crashes when it was promised. */
#include "simulation.h"

void check_session_present(struct world *world, const struct link *link, const struct note *note)
{
    if (note->code != 0) {
        if (!world->trouble && !world->orderly)
            world_violation(world, "session-present", "%s is refused with %02X, for no reason",
                            actor_name(link->actor), note->code);
        return;
    }
    if (note->present == link->expect_present)
        return;
    world_violation(world, "session-present", "CONNACK of %s says Session Present %d, but %s",
                    actor_name(link->actor), note->present,
                    link->expect_present ? "its session must be there"
                                         : "its session has ended or never was");
}
