/* link: the network. Delays, splits, breaks; never reorders. Prefix: link_ */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "simulation.h"

static uint64_t delay(struct world *world, const struct link *link)
{
    return world->now + prng_below(&world->prng, link->latency);
}

static void notes_push(struct notes *notes, const struct note *note)
{
    if (notes->first == notes->count)
        notes->first = notes->count = 0;
    if (notes->count == notes->capacity) {
        notes->capacity = notes->capacity ? notes->capacity * 2 : 64;
        notes->notes = realloc(notes->notes, notes->capacity * sizeof *notes->notes);
        assert(notes->notes);
    }
    notes->notes[notes->count++] = *note;
}

/* The next note that has arrived whole when `offset` bytes have; NULL: none. */
static const struct note *notes_next(struct notes *notes, uint32_t offset)
{
    if (notes->first == notes->count || notes->notes[notes->first].end > offset)
        return NULL;
    return &notes->notes[notes->first++];
}

/* Whether the stream is cut within a packet. */
static bool notes_split(const struct notes *notes, uint32_t offset, uint32_t written)
{
    if (offset >= written)
        return false;
    for (uint32_t i = 0; i < notes->count; i++)
        if (notes->notes[i].end == offset)
            return false;
    return true;
}

static struct link *free_link(struct world *world)
{
    for (unsigned i = 0; i < LINKS; i++)
        if (!world->links[i].used)
            return &world->links[i];
    return NULL;
}

static void reset(struct link *link)
{
    const struct notes up = {.notes = link->up_notes.notes, .capacity = link->up_notes.capacity};
    const struct notes down = {.notes = link->down_notes.notes, .capacity = link->down_notes.capacity};
    uint8_t *bytes = link->up;
    const uint32_t capacity = link->up_capacity;
    memset(link, 0, offsetof(struct link, partial));
    memset((uint8_t *)link + offsetof(struct link, partial_length), 0,
           sizeof *link - offsetof(struct link, partial_length));
    link->up = bytes;
    link->up_capacity = capacity;
    link->up_notes = up;
    link->down_notes = down;
}

struct link *link_open(struct world *world, unsigned actor, bool five)
{
    struct link *link = free_link(world);
    if (!link || !world->broker)
        return NULL;
    reset(link);
    link->used = true;
    link->attached = true;
    link->actor = (uint8_t)actor;
    link->five = five;
    link->up_limit = link->down_limit = UINT32_MAX;
    link->latency = prng_chance(&world->prng, 700) ? 400 : 20000;
    link->window = prng_chance(&world->prng, world->character.small_windows)
                       ? prng_between(&world->prng, 20, 300)
                       : LARGE_WINDOW;
    struct step step = {.kind = STEP_ACCEPTED, .host = link, .peer = actor_name(actor)};
    book_time(world);
    broker_step(world->broker, world->start + world_ms(world), &step);
    world->steps++;
    link->connection = step.connection;
    assert(link->connection);
    host_plan(world);
    return link;
}

static void reserve_up(struct link *link, uint32_t size)
{
    if (link->up_given == link->up_written && link->up_notes.first == link->up_notes.count) {
        /* an empty stream begins anew, so that it does not grow with the time it lives */
        link->up_written -= link->up_given;
        if (link->up_limit != UINT32_MAX)
            link->up_limit -= link->up_given;
        link->up_given = 0;
    }
    if (link->up_written + size <= link->up_capacity)
        return;
    link->up_capacity = (link->up_written + size) * 2;
    link->up = realloc(link->up, link->up_capacity);
    assert(link->up);
}

void link_write(struct world *world, struct link *link, const struct wire *wire, struct note note)
{
    const uint32_t size = (uint32_t)(wire->end - wire->begin);
    if (link->broken)
        return; /* into the void */
    reserve_up(link, size);
    memcpy(link->up + link->up_written, wire->data + wire->begin, size);
    link->up_written += size;
    note.end = link->up_written;
    notes_push(&link->up_notes, &note);
    world->packets++;
    uint64_t *due = &world->due[DUE_UP + link_number(world, link)];
    if (*due == NEVER)
        *due = delay(world, link);
}

static uint32_t some(struct world *world, uint32_t available)
{
    const uint32_t kind = prng_below(&world->prng, 8);
    if (kind < 5 || available == 1)
        return available;
    return kind == 5 ? 1 : prng_between(&world->prng, 1, available);
}

/* A CONNECT is held back while nobody can say whether its session exists: the broker may be right either
 * way. */
static bool doubtful(const struct world *world, const struct link *link)
{
    const struct notes *notes = &link->up_notes;
    const struct book_session *session = &world->book.sessions[link->actor];
    if (notes->first == notes->count || notes->notes[notes->first].type != PACKET_CONNECT ||
        !session->exists || session->connected)
        return false;
    const uint64_t now = world_ms(world);
    const bool ends = session->ends_low < session->ends_high && now >= session->ends_low;
    const struct book_will *will = &session->will;
    return ends || (will->publication && will->due_low < will->due_high && now >= will->due_low);
}

static void give(struct world *world, struct link *link, uint32_t available)
{
    uint32_t count = some(world, available);
    if (world->trouble) { /* one packet at a time, so that each answer can be told apart */
        const struct notes *notes = &link->up_notes;
        const uint32_t end = notes->first < notes->count ? notes->notes[notes->first].end : link->up_written;
        if (link->up_given + count > end)
            count = end - link->up_given;
    }
    host_receive(world, link, count);
}

void link_up_due(struct world *world, struct link *link)
{
    uint64_t *due = &world->due[DUE_UP + link_number(world, link)];
    const uint32_t end = link->up_written < link->up_limit ? link->up_written : link->up_limit;
    *due = NEVER;
    if (!link->connection || link->up_given >= end)
        return;
    book_time(world);
    if (doubtful(world, link) || !connection_wants_input(link->connection)) {
        *due = world->now + 20000;
        if (!link->attached && !doubtful(world, link))
            world->due[DUE_CLOSE + link_number(world, link)] = world->now;
        return;
    }
    give(world, link, end - link->up_given);
    if (!link->used || !link->connection)
        return;
    if (link->up_given < end)
        *due = world->now + 1 + prng_below(&world->prng, 1 + link->latency / 8);
    else if (link->client_ends)
        world->due[DUE_CLOSE + link_number(world, link)] = world->now;
}

/* The broker's output */

static size_t packet_size(const struct link *link)
{
    size_t size = 0;
    for (uint32_t i = 1; i < link->partial_length && i < 5; i++) {
        size |= (size_t)(link->partial[i] & 0x7F) << 7 * (i - 1);
        if (!(link->partial[i] & 0x80))
            return size + i + 1;
    }
    return 0;
}

static void take_packet(struct world *world, struct link *link)
{
    if (world->fault && !fault_listen(world, link, link->partial, link->partial_length))
        return;
    listen_packet(world, link, bytes_of(link->partial, link->partial_length));
}

void link_carry(struct world *world, struct link *link, struct bytes bytes)
{
    while (bytes.length > 0) {
        const size_t size = packet_size(link);
        size_t wanted = size ? size - link->partial_length : 1;
        if (wanted > bytes.length)
            wanted = bytes.length;
        assert(link->partial_length + wanted <= PARTIAL);
        memcpy(link->partial + link->partial_length, bytes.data, wanted);
        link->partial_length += (uint32_t)wanted;
        bytes = bytes_after(bytes, wanted);
        if (packet_size(link) != link->partial_length)
            continue;
        take_packet(world, link);
        link->partial_length = 0;
    }
}

void link_deliver(struct world *world, struct link *link, struct note note, size_t size)
{
    uint64_t *due = &world->due[DUE_DOWN + link_number(world, link)];
    world->packets++;
    if (link->broken || !link->attached)
        return;
    link->down_written += (uint32_t)size;
    note.end = link->down_written;
    notes_push(&link->down_notes, &note);
    if (*due == NEVER)
        *due = delay(world, link);
}

static void finish_if_done(struct world *world, struct link *link)
{
    if (!link->attached && !link->connection && link->used) {
        link->used = false;
        for (unsigned i = 0; i < 3; i++)
            world->due[DUE_UP + i * LINKS + link_number(world, link)] = NEVER;
    }
}

/* The client learns that the connection is gone. */
static void client_end(struct world *world, struct link *link)
{
    if (!link->attached)
        return;
    struct client *client = &world->clients[link->actor];
    link->attached = false;
    world->due[DUE_DOWN + link_number(world, link)] = NEVER;
    client_lost_connection(world, client);
    finish_if_done(world, link);
}

static void take_notes(struct world *world, struct link *link)
{
    const struct note *note;
    while (link->used && link->attached && (note = notes_next(&link->down_notes, link->down_read)) != NULL) {
        const struct note copy = *note;
        client_take(world, &world->clients[link->actor], &copy);
    }
}

void link_down_due(struct world *world, struct link *link)
{
    uint64_t *due = &world->due[DUE_DOWN + link_number(world, link)];
    const struct client *client = &world->clients[link->actor];
    *due = NEVER;
    if (!link->attached)
        return;
    if (client->stalled_until > world->now && !link->broken) {
        *due = client->stalled_until;
        return;
    }
    const uint32_t end = link->down_written < link->down_limit ? link->down_written : link->down_limit;
    if (link->down_read < end)
        link->down_read += some(world, end - link->down_read);
    take_notes(world, link);
    if (!link->used || !link->attached)
        return;
    if (link->blocked && link->connection) {
        host_send(world, link);
        host_let_go(world);
        host_plan(world);
    }
    if (!link->used || !link->attached)
        return;
    if (link->down_read < (link->down_written < link->down_limit ? link->down_written : link->down_limit))
        *due = world->now + 1 + prng_below(&world->prng, 1 + link->latency / 8);
    else if (link->broken || link->broker_ended)
        client_end(world, link);
}

/* Ends */

void link_close_due(struct world *world, struct link *link)
{
    world->due[DUE_CLOSE + link_number(world, link)] = NEVER;
    if (link->connection)
        host_disconnect(world, link);
    link->broker_ended = true;
    if (link->attached && world->due[DUE_DOWN + link_number(world, link)] == NEVER)
        world->due[DUE_DOWN + link_number(world, link)] = world->now;
    finish_if_done(world, link);
}

void link_broker_closed(struct world *world, struct link *link)
{
    link->broker_ended = true;
    link->connection = NULL;
    world->due[DUE_UP + link_number(world, link)] = NEVER;
    world->due[DUE_CLOSE + link_number(world, link)] = NEVER;
    if (link->attached && world->due[DUE_DOWN + link_number(world, link)] == NEVER)
        world->due[DUE_DOWN + link_number(world, link)] = delay(world, link);
    finish_if_done(world, link);
}

static void cut(struct world *world, struct link *link)
{
    const uint32_t up = link->up_written - link->up_given;
    const uint32_t down = link->down_written - link->down_read;
    link->up_limit = link->up_given + (up ? prng_below(&world->prng, up + 1) : 0);
    link->down_limit = link->down_read + (down ? prng_below(&world->prng, down + 1) : 0);
    if (notes_split(&link->up_notes, link->up_limit, link->up_written))
        world_mark(world, MARK_half_delivered_up);
    if (notes_split(&link->down_notes, link->down_limit, link->down_written))
        world_mark(world, MARK_half_delivered_down);
    link->broken = true;
}

void link_break(struct world *world, struct link *link)
{
    const unsigned number = link_number(world, link);
    if (link->broken)
        return;
    cut(world, link);
    const uint32_t slow = prng_chance(&world->prng, 200) ? 3 * SECONDS : 30000;
    world->due[DUE_CLOSE + number] = world->now + prng_below(&world->prng, slow);
    if (link->attached)
        world->due[DUE_DOWN + number] = world->now + prng_below(&world->prng, 20000);
}

void link_leave(struct world *world, struct link *link)
{
    if (!link->broken && !link->client_ends)
        link_break(world, link);
    link->attached = false;
    world->due[DUE_DOWN + link_number(world, link)] = NEVER;
    if (link->client_ends && link->connection && link->up_given == link->up_written)
        world->due[DUE_CLOSE + link_number(world, link)] = world->now;
    finish_if_done(world, link);
}

void link_crash(struct world *world, struct link *link)
{
    if (!link->used)
        return;
    if (!link->broken)
        cut(world, link);
    link_broker_closed(world, link);
}

void link_free_all(struct world *world)
{
    for (unsigned i = 0; i < LINKS; i++) {
        struct link *link = &world->links[i];
        free(link->up);
        free(link->up_notes.notes);
        free(link->down_notes.notes);
        *link = (struct link){.used = false};
    }
}
