/* world: one run from one seed: what it is like, who is due next, and how it ends. Prefix: world_ */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulation.h"

void world_log(const struct world *world, const char *format, ...)
{
    if (!world->verbose)
        return;
    va_list arguments;
    printf("%12.6f  ", (double)world->now / 1e6);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

void world_violation(struct world *world, const char *checker, const char *format, ...)
{
    if (world->failed)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(world->violation, sizeof world->violation, format, arguments);
    va_end(arguments);
    world->failed = true;
    world->checker = checker;
    world_log(world, "VIOLATION of %s: %s", checker, world->violation);
}

uint32_t world_publication(struct world *world, struct publication publication)
{
    if (world->publication_count + 1 >= PUBLICATIONS) {
        world->actions = 0;
        return 0;
    }
    publication.number = ++world->clients[publication.publisher].number;
    publication.deadline = publication.earliest_deadline = NEVER;
    world->publications[++world->publication_count] = publication;
    for (unsigned i = 0; i < ACTORS; i++)
        world->receptions[i][world->publication_count] = (struct reception){.owed = 0};
    return world->publication_count;
}

/* Character: every feature is on or off by chance, so that rare combinations come up */

static uint32_t maybe(struct world *world, uint32_t chance, uint32_t value)
{
    return prng_chance(&world->prng, chance) ? value : 0;
}

static void draw_character(struct world *world)
{
    struct character *character = &world->character;
    struct prng *prng = &world->prng;
    *character = (struct character){.clients = prng_between(prng, 2, CLIENTS)};
    character->actions = prng_between(prng, 100, 900);
    character->gap = prng_chance(prng, 600) ? 500 : prng_chance(prng, 600) ? 10000 : 100000;
    character->long_gaps = maybe(world, 500, 20);
    character->drops = maybe(world, 700, prng_between(prng, 2, 40));
    character->abandons = maybe(world, 600, prng_between(prng, 2, 30));
    character->disconnects = maybe(world, 700, prng_between(prng, 2, 50));
    character->stalls = maybe(world, 400, 20);
    const uint32_t length = character->gap * 2 * character->actions / character->clients;
    character->crash_every = maybe(world, 800, length / prng_between(prng, 1, 12) + 1);
    character->trouble_every = maybe(world, 250, length / prng_between(prng, 1, 4) + 1);
    character->orderly = maybe(world, 500, 300);
    character->down = prng_chance(prng, 500) ? 5 * SECONDS : 40 * SECONDS;
    character->commit = prng_chance(prng, 500) ? 300 : 20000;
    character->wills = maybe(world, 600, 600);
    character->shared = maybe(world, 350, 300);
    character->message_expiry = maybe(world, 400, 300);
    character->retained = maybe(world, 600, 250);
    character->short_sessions = maybe(world, 600, 500);
    character->no_sessions = maybe(world, 500, 200);
    character->small_windows = maybe(world, 300, 300);
    character->bulk = prng_chance(prng, 200);
}

/* Phases */

static bool client_calm(const struct world *world, unsigned actor)
{
    const struct client *client = &world->clients[actor];
    return client->state == CLIENT_ONLINE && client->settled && client->outgoing_count == 0 &&
           client->acknowledgement_count == 0 && client->incoming_count == 0 &&
           link_idle(&world->links[client->link]) && !world->links[client->link].blocked;
}

static bool store_calm(const struct world *world)
{
    return !world->store.working && world->due[DUE_COLLECT] == NEVER;
}

static bool all_calm(const struct world *world)
{
    if (!world->broker || !store_calm(world))
        return false;
    for (unsigned i = 0; i < world->character.clients; i++)
        if (!client_calm(world, i))
            return false;
    return true;
}

static bool all_done(const struct world *world)
{
    for (unsigned i = 0; i < world->character.clients; i++)
        if (world->clients[i].state != CLIENT_DONE)
            return false;
    for (unsigned i = 0; i < LINKS; i++)
        if (world->links[i].used && world->links[i].actor != AUDITOR)
            return false;
    return store_calm(world);
}

static bool all_clear(const struct world *world)
{
    for (unsigned i = 0; i < LINKS; i++)
        if (world->links[i].used)
            return false;
    return world->clients[AUDITOR].state == CLIENT_DONE && store_calm(world);
}

static bool phase_finished(const struct world *world)
{
    switch (world->phase) {
    case PHASE_RUN:
        return world->actions == 0;
    case PHASE_DRAIN:
        return all_calm(world);
    case PHASE_AUDIT:
        return world->audit_whole;
    case PHASE_END:
        return all_done(world);
    case PHASE_CLEAR:
        return all_clear(world);
    case PHASE_OVER:
        break;
    }
    return true;
}

/* From here on nothing breaks any more, and everybody comes back. */
static void begin_drain(struct world *world)
{
    world->failing = false;
    world->due[DUE_CRASH] = world->due[DUE_TROUBLE] = NEVER;
    world->character.small_windows = 0;
    for (unsigned i = 0; i < ACTORS; i++) {
        world->clients[i].stalled_until = 0;
        if ((i < world->character.clients || i == AUDITOR) && world->due[DUE_ACTION + i] > world->now + 1000)
            world->due[DUE_ACTION + i] = world->now + 1000;
    }
    for (unsigned i = 0; i < LINKS; i++)
        if (world->links[i].used && world->links[i].attached && world->due[DUE_DOWN + i] > world->now)
            world->due[DUE_DOWN + i] = world->now + 1;
}

static void report_stuck(struct world *world)
{
    static const char *const names[] = {"run", "drain", "audit", "end", "clear", "over"};
    for (unsigned i = 0; i < world->character.clients; i++) {
        const struct client *client = &world->clients[i];
        if (world->phase == PHASE_DRAIN && !client_calm(world, i))
            world_violation(
                world, "stuck",
                "it has calmed down long ago, but %s is in state %u with %u messages in flight to the "
                "broker (the first with Packet Identifier %u), %u to it, %u acknowledgements to send",
                actor_name(i), client->state, client->outgoing_count, client->outgoing[0].identifier,
                client->incoming_count, client->acknowledgement_count);
    }
    world_violation(world, "stuck", "phase '%s' does not end (batch under way: %d)", names[world->phase],
                    world->store.working);
}

static void next_phase(struct world *world)
{
    world->phase++;
    world->phase_began = world->now;
    if (world->phase == PHASE_DRAIN)
        begin_drain(world);
    else if (world->phase == PHASE_AUDIT)
        check_at_least_once(world);
}

static void phase_due(struct world *world)
{
    static const uint64_t longest[] = {
        (uint64_t)50000 * SECONDS, 300U * SECONDS, 60U * SECONDS, 60U * SECONDS, 60U * SECONDS, NEVER};
    world->due[DUE_PHASE] = world->now + 25000;
    if (phase_finished(world))
        next_phase(world);
    else if (world->now - world->phase_began > longest[world->phase])
        report_stuck(world);
}

/* Who is due */

enum { ENDS = 16 }; /* of the broker in one run, at most: time must be left for something to happen */

static void crash_due(struct world *world)
{
    world->due[DUE_CRASH] = NEVER;
    if (world->character.crash_every)
        world->due[DUE_CRASH] = world->now + 1 + prng_below(&world->prng, world->character.crash_every * 2);
    if (!world->broker || world->ends_left == 0)
        return;
    world->ends_left--;
    if (prng_chance(&world->prng, world->character.orderly))
        host_shut_down(world);
    else
        host_crash(world);
}

static void trouble_due(struct world *world)
{
    world->failing = !world->failing;
    const uint32_t wait = world->failing ? 300000 : world->character.trouble_every * 2;
    world->due[DUE_TROUBLE] = world->now + 1 + prng_below(&world->prng, wait);
}

static void actor_due(struct world *world, unsigned slot)
{
    if (slot < DUE_ACKNOWLEDGE)
        client_act(world, &world->clients[slot - DUE_ACTION]);
    else if (slot < DUE_UP)
        client_acknowledge_due(world, &world->clients[slot - DUE_ACKNOWLEDGE]);
    else if (slot < DUE_DOWN)
        link_up_due(world, &world->links[slot - DUE_UP]);
    else if (slot < DUE_CLOSE)
        link_down_due(world, &world->links[slot - DUE_DOWN]);
    else
        link_close_due(world, &world->links[slot - DUE_CLOSE]);
}

static void due(struct world *world, unsigned slot)
{
    switch (slot) {
    case DUE_BROKER:
        host_step(world, (struct step){.kind = STEP_TIME}, NULL);
        break;
    case DUE_COLLECT:
        host_collect(world);
        break;
    case DUE_COMMIT:
        host_commit(world);
        break;
    case DUE_CRASH:
        crash_due(world);
        break;
    case DUE_START:
        host_start(world);
        break;
    case DUE_TROUBLE:
        trouble_due(world);
        break;
    case DUE_PHASE:
        phase_due(world);
        break;
    case DUE_SCENE:
        scenario_due(world);
        break;
    default:
        actor_due(world, slot);
        break;
    }
}

static unsigned earliest(const struct world *world)
{
    unsigned slot = 0;
    uint64_t moment = world->due[0];
    for (unsigned i = 1; i < DUE_COUNT; i++)
        if (world->due[i] < moment) {
            moment = world->due[i];
            slot = i;
        }
    return slot;
}

enum { TURNS_WITHOUT_TIME = 100000 };

static void loop(struct world *world)
{
    uint32_t turns = 0;
    while (!world->failed && world->phase != PHASE_OVER) {
        const unsigned slot = earliest(world);
        assert(world->due[slot] != NEVER);
        turns = world->due[slot] > world->now ? 0 : turns + 1;
        if (turns == 0)
            world->now = world->due[slot];
        if (turns > TURNS_WITHOUT_TIME)
            world_violation(world, "stuck", "time stands still: slot %u is due again and again", slot);
        due(world, slot);
    }
}

/* Begin and end */

static void clear(struct world *world, uint64_t seed)
{
    memset(world->revived, 0, sizeof world->revived);
    memset(world->order, 0, sizeof world->order);
    memset(world->audit_seen, 0, sizeof world->audit_seen);
    world->seed = seed;
    world->prng = (struct prng){.state = seed * 0x2545F4914F6CDD1DU + 1};
    world->now = 0;
    world->phase = PHASE_RUN;
    world->failing = world->trouble = world->orderly = world->refused = world->storing = false;
    world->last_commit = world->started = world->went_down = world->gone_low = world->phase_began = 0;
    world->publication_count = 0;
    world->epochs = world->crashes = 0;
    world->audit_stage = 0;
    world->audit_whole = false;
    world->failed = false;
    world->digest = 0xCBF29CE484222325U;
    world->fault_state = world->fault_done = 0;
    for (unsigned i = 0; i < DUE_COUNT; i++)
        world->due[i] = NEVER;
    for (unsigned i = 0; i < TOPICS; i++)
        world->topic_masks[i] = topic_filters(i);
    book_clear(world);
}

static void begin(struct world *world, uint64_t seed)
{
    clear(world, seed);
    world->blocks_before = memory_blocks();
    draw_character(world);
    world->scene = 0;
    if (world->scenario) {
        scenario_character(&world->character);
        world->due[DUE_SCENE] = 1000;
    }
    world->wall = 1700000000000U + prng_below(&world->prng, 1000000);
    world->actions = world->character.actions;
    world->ends_left = ENDS;
    if (world->fault) {
        world->store.filter = fault_commit;
        world->store.context = world;
        world->storage = fault_needs_store(world->fault) ? STORAGE_PROMISED : STORAGE_NONE;
    }
    host_start(world);
    for (unsigned i = 0; i < world->character.clients; i++)
        client_begin(world, i);
    for (unsigned i = 0; i < world->character.clients && world->scenario; i++)
        world->clients[i].five = true;
    client_begin(world, AUDITOR);
    world->due[DUE_PHASE] = 1000;
    if (world->character.crash_every)
        world->due[DUE_CRASH] = prng_below(&world->prng, world->character.crash_every * 2);
    if (world->character.trouble_every && world->storage != STORAGE_NONE)
        world->due[DUE_TROUBLE] = prng_below(&world->prng, world->character.trouble_every * 2);
}

enum { IDLE_BLOCKS = 64 }; /* pools and tables that an idle broker keeps */

static void check_memory(struct world *world)
{
    const long before = memory_blocks();
    broker_destroy(world->broker);
    world->broker = NULL;
    if (before - memory_blocks() > IDLE_BLOCKS)
        world_violation(world, "memory", "all sessions have ended, but the broker still holds %ld blocks",
                        before - memory_blocks());
}

static void destroy_broker(struct world *world)
{
    if (!world->broker)
        return;
    for (unsigned i = 0; i < LINKS; i++) {
        struct link *link = &world->links[i];
        struct step step = {.kind = STEP_CLOSED, .connection = link->connection};
        if (link->used && link->connection)
            broker_step(world->broker, world->start + world_ms(world), &step);
    }
    broker_destroy(world->broker);
    world->broker = NULL;
}

void world_end(struct world *world)
{
    destroy_broker(world);
    link_free_all(world);
    store_sim_clear(&world->store);
    world->store = (struct store_sim){.working = false};
    changes_free(&world->collected);
    world->collected = (struct changes){0};
}

void world_run(struct world *world, uint64_t seed)
{
    begin(world, seed);
    loop(world);
    if (!world->failed) {
        check_nothing_left(world);
        check_store_empty(world);
        check_memory(world);
    }
    world_end(world);
    if (memory_blocks() != world->blocks_before)
        world_violation(world, "memory", "%ld blocks were not freed", memory_blocks() - world->blocks_before);
}
