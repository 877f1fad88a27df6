/* world: see world.h */
#include "world.h"

#include <signal.h>

enum { BACKLOG = 10000 };

/* The generator is Knuth's: what matters is that a seed says when kills come, not that they are
 * unpredictable. */
uint32_t world_random(struct world *world, uint32_t limit)
{
    world->random = world->random * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)((world->random >> 33) % limit);
}

void world_trap(struct world *world, enum packet_type type)
{
    struct trap *trap = &world->trap;
    if (!trap->set || trap->type != type || --trap->left > 0)
        return;
    kill(trap->victim, SIGKILL);
    trap->set = false;
    trap->sprung = true;
}

bool world_forge(struct world *world, enum forge forge)
{
    if (world->forge != forge || world->forged)
        return false;
    world->forged = true;
    return true;
}

bool world_congested(const struct world *world)
{
    for (unsigned i = 0; i < world->subscriber_count; i++) {
        if (world->subscribers[i]->expected - world->subscribers[i]->distinct > BACKLOG)
            return true;
    }
    return false;
}
