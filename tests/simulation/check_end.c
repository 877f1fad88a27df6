/* check_end: deadlines are met, connections are not closed for nothing, and when all sessions have ended
 * nothing is
 * left of them, neither in memory nor in the store. */
#include "simulation.h"

void check_deadline(struct world *world)
{
    const uint64_t due = book_deadline(world);
    const uint64_t deadline = broker_deadline(world->broker);
    if (due != NEVER && deadline > world->start + due)
        world_violation(
            world, "deadline",
            "a session ends or a Will is due in %llu ms, but the broker wants to be called in %lld ms only",
            (unsigned long long)(due - world_ms(world)),
            deadline == UINT64_MAX ? -1LL : (long long)(deadline - world->start - world_ms(world)));
}

void check_closed(struct world *world, struct link *link)
{
    if (link->close_foreseen || world->trouble || world->orderly)
        return;
    world_violation(world, "closed", "the broker closes the connection of %s for no reason",
                    actor_name(link->actor));
}

void check_nothing_left(struct world *world)
{
    const struct broker_statistics statistics = broker_statistics(world->broker);
    if (statistics.sessions || statistics.subscriptions || statistics.retained_messages ||
        statistics.connections)
        world_violation(
            world, "left-over",
            "all sessions have ended, but there are %llu sessions, %llu subscriptions, %llu retained "
            "messages, %llu connections",
            (unsigned long long)statistics.sessions, (unsigned long long)statistics.subscriptions,
            (unsigned long long)statistics.retained_messages, (unsigned long long)statistics.connections);
}

void check_store_empty(struct world *world)
{
    if (world->storage == STORAGE_NONE)
        return;
    for (unsigned table = TABLE_META + 1; table < TABLE_COUNT; table++)
        if (world->store.tables[table].count > 0)
            world_violation(world, "orphan",
                            "all sessions have ended, but the store still has %u records of %s",
                            world->store.tables[table].count, record_table_name((enum record_table)table));
}
