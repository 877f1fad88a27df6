/* check_retained: who subscribes gets exactly the message of each topic that was retained last. */
#include "simulation.h"

void check_retained(struct world *world)
{
    for (unsigned topic = 0; topic < TOPICS; topic++) {
        const uint32_t expected = world->audit_expected[topic];
        const uint32_t seen = world->audit_seen[topic];
        if (expected == seen || world->audit_unsure[topic])
            continue;
        if (expected && world->publications[expected].deadline <= world_ms(world) + 5)
            continue;
        world_violation(world, "retained",
                        "the retained message of %s is publication %u, but %u was sent (0: none)",
                        topic_names[topic], expected, seen);
    }
}
