/* host: what stands around the broker: the loop, the store, start and end. Prefix: host_ */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "simulation.h"

static uint64_t broker_now(const struct world *world)
{
    return world->start + world_ms(world);
}

static uint64_t lend_wall_clock(void *context)
{
    const struct world *world = context;
    return world->wall + world_ms(world);
}

static void lend_random(void *context, void *bytes, size_t length)
{
    struct world *world = context;
    uint8_t *at = bytes;
    for (size_t i = 0; i < length; i++)
        at[i] = (uint8_t)prng_next(&world->prng);
}

static void lend_log(void *context, enum log_level level, const char *text)
{
    const struct world *world = context;
    (void)level;
    if (world->verbose)
        world_log(world, "        broker: %s", text);
}

/* Output */

enum { VECTOR = 16 };

static void closed_by_broker(struct world *world, struct link *link)
{
    struct step step = {.kind = STEP_CLOSED, .connection = link->connection};
    check_closed(world, link);
    book_detach(world, link);
    broker_step(world->broker, broker_now(world), &step);
    world->steps++;
    link_broker_closed(world, link);
}

static size_t take_output(struct world *world, struct link *link, size_t room)
{
    struct bytes vector[VECTOR];
    const size_t count = connection_output(link->connection, vector, VECTOR);
    size_t total = 0;
    for (size_t i = 0; i < count && total < room; i++) {
        size_t length = vector[i].length;
        if (length > room - total) {
            length = room - total;
            world_mark(world, MARK_network_full);
        }
        link_carry(world, link, bytes_of(vector[i].data, length));
        total += length;
    }
    return total;
}

void host_send(struct world *world, struct link *link)
{
    struct bytes first;
    link->blocked = false;
    for (;;) {
        const uint32_t on_the_way =
            link->broken || !link->attached ? 0 : link->down_written - link->down_read;
        const size_t room = on_the_way < link->window ? link->window - on_the_way : 0;
        const size_t total = room ? take_output(world, link, room) : 0;
        if (total == 0)
            break;
        connection_sent(world->broker, link->connection, total);
    }
    link->blocked = connection_output(link->connection, &first, 1) > 0;
    if (!link->blocked && connection_closing(link->connection))
        closed_by_broker(world, link);
}

void host_let_go(struct world *world)
{
    struct connection *connection;
    while ((connection = broker_next_ready(world->broker)) != NULL) {
        struct link *link = connection_host(connection);
        host_send(world, link);
    }
}

/* Plans */

void host_plan(struct world *world)
{
    const uint64_t deadline = broker_deadline(world->broker);
    world->due[DUE_BROKER] = deadline == UINT64_MAX ? NEVER : (deadline - world->start) * 1000;
    if (world->due[DUE_BROKER] < world->now)
        world->due[DUE_BROKER] = world->now;
    if (!world->trouble)
        check_deadline(world);
    if (world->storage != STORAGE_NONE && !world->store.working && world->due[DUE_COLLECT] == NEVER &&
        broker_wants_collect(world->broker))
        world->due[DUE_COLLECT] =
            world->now + prng_below(&world->prng, prng_chance(&world->prng, 500) ? 1 : 400);
}

/* Store trouble ends connections, and one that ends may end others, by its Will. */
static void detach_closed(struct world *world)
{
    for (unsigned i = 0; i < ACTORS; i++) {
        const struct book_session *session = &world->book.sessions[i];
        if (!session->exists || !session->connected)
            continue;
        struct link *link = &world->links[session->link];
        if (link->connection && !connection_closing(link->connection))
            continue;
        link->close_foreseen = true;
        book_detach(world, link);
    }
}

void host_step(struct world *world, struct step step, struct link *link)
{
    (void)link;
    book_time(world);
    broker_step(world->broker, broker_now(world), &step);
    world->steps++;
    if (world->trouble)
        detach_closed(world);
    host_let_go(world);
    host_plan(world);
}

/* A packet that the broker may refuse as a whole. The others it takes, even if it can't answer them. */
static bool refusable(const struct note *note)
{
    return note->type == PACKET_CONNECT || note->type == PACKET_PUBLISH || note->type == PACKET_SUBSCRIBE ||
           note->type == PACKET_UNSUBSCRIBE;
}

/* During store trouble the broker may refuse: then the packet has changed nothing. */
static void receive_in_trouble(struct world *world, struct link *link, struct step step,
                               const struct note *note)
{
    const struct book before = world->book;
    const uint8_t number = before.sessions[link->actor].link;
    struct link *present = &world->links[number == NOBODY ? 0 : number]; /* which a CONNECT would take over */
    const bool present_foreseen = present->close_foreseen;
    const uint32_t sequence = before.sequence + 1;
    world->refused = false;
    link->window = LARGE_WINDOW; /* so that the answer is seen at once */
    book_take(world, link, note);
    const bool foreseen = link->close_foreseen;
    link->close_foreseen = true;
    host_step(world, step, link);
    const bool closed = (!link->connection || connection_closing(link->connection)) && !foreseen;
    link->close_foreseen = foreseen || closed;
    if (closed)
        book_detach(world, link);
    if (!refusable(note) || (!world->refused && !closed))
        return;
    world_mark(world, MARK_trouble_refused);
    if (present != link)
        present->close_foreseen = present_foreseen;
    const uint32_t now = world->book.sequence;
    world->book = before;
    world->book.sequence = now;
    book_refused(world, sequence);
    detach_closed(world);
}

void host_receive(struct world *world, struct link *link, uint32_t count)
{
    const struct step step = {.kind = STEP_RECEIVED,
                              .connection = link->connection,
                              .bytes = bytes_of(link->up + link->up_given, count)};
    struct notes *notes = &link->up_notes;
    link->up_given += count;
    book_time(world);
    while (notes->first < notes->count && notes->notes[notes->first].end <= link->up_given) {
        const struct note *note = &notes->notes[notes->first++];
        if (world->trouble) {
            receive_in_trouble(world, link, step, note);
            return;
        }
        book_take(world, link, note);
    }
    host_step(world, step, link);
}

void host_disconnect(struct world *world, struct link *link)
{
    struct step step = {.kind = STEP_CLOSED, .connection = link->connection};
    link->connection = NULL;
    book_time(world);
    book_detach(world, link);
    host_step(world, step, link);
}

/* The store */

void host_collect(struct world *world)
{
    world->due[DUE_COLLECT] = NEVER;
    if (world->store.working || !broker_wants_collect(world->broker))
        return;
    book_time(world);
    switch (broker_collect(world->broker, broker_now(world), &world->collected)) {
    case COLLECTED_NOTHING:
        world->committed = world->book;
        world_mark(world, MARK_annihilated);
        break;
    case COLLECTED_CHANGES:
        store_sim_begin(&world->store, &world->collected);
        world->batch_book = world->book;
        world->due[DUE_COMMIT] = world->now + 20 + prng_below(&world->prng, world->character.commit);
        break;
    case COLLECTED_LATER:
        world->due[DUE_COLLECT] = world->now + 1000;
        break;
    }
    host_let_go(world);
    host_plan(world);
}

static void commit(struct world *world)
{
    if (world->fault && fault_drops_commit(world))
        store_sim_lose(&world->store);
    else
        store_sim_commit(&world->store);
    world->committed = world->batch_book;
    world->last_commit = world->now;
}

static unsigned open_connections(const struct world *world)
{
    unsigned count = 0;
    for (unsigned i = 0; i < LINKS; i++)
        count += world->links[i].used && world->links[i].connection;
    return count;
}

static void commit_failed(struct world *world)
{
    const unsigned before = open_connections(world);
    world->due[DUE_COMMIT] = world->now + 5000;
    if (world->trouble)
        return;
    world->trouble = true;
    world_mark(world, MARK_trouble);
    world_log(world, "        store: trouble");
    host_step(world, (struct step){.kind = STEP_STORE_TROUBLE, .text = "no space left on the simulated disk"},
              NULL);
    if (open_connections(world) < before)
        world_mark(world, MARK_trouble_waiting);
}

void host_commit(struct world *world)
{
    world->due[DUE_COMMIT] = NEVER;
    if (world->failing) {
        commit_failed(world);
        return;
    }
    commit(world);
    if (world->trouble)
        world_log(world, "        store: works again");
    world->trouble = false;
    world->storing = true;
    host_step(world, (struct step){.kind = STEP_STORED}, NULL);
    world->storing = false;
}

/* The end of the broker */

static void destroy(struct world *world)
{
    for (unsigned i = 0; i < LINKS; i++) {
        struct link *link = &world->links[i];
        struct step step = {.kind = STEP_CLOSED, .connection = link->connection};
        if (link->used && link->connection)
            broker_step(world->broker, broker_now(world), &step);
        link_crash(world, link);
    }
    broker_destroy(world->broker);
    world->broker = NULL;
    world->due[DUE_BROKER] = world->due[DUE_COLLECT] = world->due[DUE_COMMIT] = NEVER;
    world->went_down = world->now;
    world->trouble = false;
    const uint32_t down = prng_chance(&world->prng, 300) ? world->character.down : 50000;
    world->due[DUE_START] = world->now + 1 + prng_below(&world->prng, down);
}

static void mark_crash(struct world *world)
{
    world_mark(world, MARK_crash);
    if (world->trouble)
        world_mark(world, MARK_crash_in_trouble);
    if (!world->store.working && world->book.sequence > world->committed.sequence)
        world_mark(world, MARK_crash_uncollected);
    for (unsigned i = 0; i < ACTORS; i++) {
        const struct client *client = &world->clients[i];
        for (unsigned j = 0; j < client->outgoing_count; j++)
            if (client->outgoing[j].released)
                world_mark(world, MARK_crash_publisher_2);
        if (client->incoming_count > 0)
            world_mark(world, MARK_crash_subscriber_2);
        if (client->state == CLIENT_CONNECTING)
            world_mark(world, MARK_crash_connecting);
    }
}

/* Has the disk worked lately? If not, the broker could not note that it was still alive. */
static uint64_t certainly_alive(const struct world *world)
{
    return world->failing || world->trouble ? world->last_commit / 1000 : world_ms(world);
}

void host_crash(struct world *world)
{
    mark_crash(world);
    world->crashes++;
    if (world->last_commit >
        world->started) /* else what is stored is from before the crash before this one */
        world->gone_low = certainly_alive(world);
    if (world->store.working && !world->failing && prng_chance(&world->prng, 500)) {
        commit(world);
        world_mark(world, MARK_crash_after_commit);
    } else if (world->store.working) {
        store_sim_lose(&world->store);
        world_mark(world, MARK_crash_in_commit);
    }
    world_log(world, "======= crash; committed up to %u of %u", world->committed.sequence,
              world->book.sequence);
    destroy(world);
}

static void store_all(struct world *world)
{
    for (unsigned i = 0; i < 4; i++) {
        if (world->store.working) {
            commit(world);
            book_time(world);
            broker_step(world->broker, broker_now(world), &(struct step){.kind = STEP_STORED});
            host_let_go(world);
        }
        if (!broker_wants_collect(world->broker))
            return;
        if (broker_collect(world->broker, broker_now(world), &world->collected) == COLLECTED_CHANGES) {
            store_sim_begin(&world->store, &world->collected);
            world->batch_book = world->book;
        } else {
            world->committed = world->book;
        }
    }
    world_violation(world, "shutdown", "after four batches there is still something to be stored");
}

void host_shut_down(struct world *world)
{
    if (world->failing) {
        host_crash(world);
        return;
    }
    world_mark(world, MARK_orderly_restart);
    world_log(world, "======= orderly shutdown");
    book_time(world);
    world->orderly = true;
    book_detach_all(world);
    for (unsigned i = 0; i < LINKS; i++)
        world->links[i].close_foreseen = true;
    world->gone_low = world_ms(world);
    host_step(world, (struct step){.kind = STEP_SHUTDOWN}, NULL);
    if (world->storage != STORAGE_NONE)
        store_all(world);
    world->orderly = false;
    destroy(world);
}

/* Its beginning */

static bool restore_record(struct world *world, unsigned table, const struct store_record *record)
{
    const char *wrong =
        broker_restore(world->broker, (uint8_t)table, store_record_key(record), store_record_value(record));
    if (wrong)
        world_violation(world, "recovery", "the broker does not take its own record of %s: %s",
                        record_table_name((enum record_table)table), wrong);
    return !wrong;
}

/* False: it crashed again, or failed. */
static bool restore_all(struct world *world)
{
    uint32_t left = UINT32_MAX;
    if (world->fault)
        fault_damage(world);
    if (world->phase == PHASE_RUN && world->character.crash_every && prng_chance(&world->prng, 60))
        left = prng_below(&world->prng, 40);
    for (unsigned table = 0; table < TABLE_COUNT; table++)
        for (uint32_t i = 0; i < world->store.tables[table].count; i++) {
            if (left-- == 0) {
                world_mark(world, MARK_crash_in_recovery);
                return false;
            }
            if (!restore_record(world, table, world->store.tables[table].records[i]))
                return false;
        }
    return true;
}

static bool recover(struct world *world)
{
    if (world->storage == STORAGE_NONE || !restore_all(world))
        return world->storage == STORAGE_NONE;
    const char *wrong = broker_restored(world->broker, broker_now(world));
    if (wrong)
        world_violation(world, "recovery", "the broker does not start: %s", wrong);
    if (wrong)
        return false;
    if (world->phase == PHASE_RUN && world->character.crash_every && prng_chance(&world->prng, 60)) {
        world_mark(world, MARK_crash_after_recovery);
        return false;
    }
    return true;
}

static void mark_expired_while_down(struct world *world)
{
    for (uint32_t number = 1; number <= world->publication_count; number++) {
        const struct publication *publication = &world->publications[number];
        if (publication->deadline > world->went_down / 1000 && publication->deadline <= world_ms(world))
            world_mark(world, MARK_message_expired_down);
    }
}

void host_start(struct world *world)
{
    struct broker_settings settings = broker_default_settings();
    settings.connect_timeout = 0;
    settings.maximum_queued = 100000;
    settings.maximum_inflight = 100;
    settings.receive_maximum = OUTGOING + 4;
    const struct broker_environment environment = {.context = world,
                                                   .storage = fault_storage(world->fault, world->storage),
                                                   .wall_clock = lend_wall_clock,
                                                   .random = lend_random,
                                                   .log = world->verbose ? lend_log : NULL};
    world->start = prng_below(&world->prng, 1U << 30);
    world->due[DUE_START] = NEVER;
    world->broker = broker_create(&settings, &environment);
    assert(world->broker);
    if (!recover(world)) {
        world_log(world, "======= crash during recovery");
        destroy(world);
        return;
    }
    world_log(world, "======= broker starts");
    world->started = world->now;
    mark_expired_while_down(world);
    if (world->storage == STORAGE_NONE)
        book_clear(world);
    book_restart(world, world->gone_low);
    host_step(world, (struct step){.kind = STEP_TIME}, NULL);
}
