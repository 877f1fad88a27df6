#include "socket.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "first_bytes.h"

enum {
    INPUT_SIZE = 256 * 1024,
    /* Output is also sent in the middle of a turn when this much was read: libuv may handle thousands of
     * wake-ups before a turn ends, and what they cause must neither pile up nor fall out of the cache. */
    UNFLUSHED_MAXIMUM = 256 * 1024,
    RUNS_PER_WRITE = 128,  /* entries of one writev */
    WRITES_PER_FLUSH = 16, /* a fast reader may not keep all others waiting */
    FILTERED_RUN = 64 * 1024, /* output goes through the filters of a transport in portions of this size */
    /* Filters answer by themselves (key updates, pings). Who asks and does not read is not listened to any more. */
    DOWN_MAXIMUM = 4 * 1024 * 1024,
    DRAIN_TIME = 5000,     /* ms for a client to take its last packets */
    LINGER_TIME = 1000,    /* ms for a client to close after us */
    LINGER_READS = 64,     /* and how often it may still send something */
    EVENTS_PER_WAKE_UP = 1024
};

enum phase { OPEN, DRAINING, LINGERING, GONE };

/* One of these per connection, idle or not: every byte counts a million times. */
struct client {
    struct connection *connection; /* the core's; NULL once the core knows that it is closed */
    struct transport *transport;   /* NULL: plain TCP */
    struct list_node node;         /* in the list of its phase */
    int descriptor;
    uint32_t deadline;   /* DRAINING, LINGERING: the low bits of the time in ms; it is only seconds away */
    uint16_t reads_left; /* LINGERING */
    uint8_t phase;
    uint8_t watched; /* WATCH_...; WATCH_OUTPUT means that the socket took no more */
    uint8_t group;
    bool begun;  /* bytes have come */
    bool spoken; /* ... and through the transport something of MQTT */
};
static_assert(sizeof(struct client) <= 48, "an idle connection costs what was promised");

enum { WATCH_INPUT = 1, WATCH_OUTPUT = 2, WATCH_END = 4 /* of what the other side sends, while it isn't read */ };

enum outcome { DRAINED, UNFINISHED, BLOCKED, FAILED };

static struct list *list_of(struct sockets *sockets, enum phase phase)
{
    struct list *lists[] = {
        [OPEN] = &sockets->open, [DRAINING] = &sockets->draining, [LINGERING] = &sockets->lingering, [GONE] = &sockets->gone};
    return lists[phase];
}

static void watch(const struct sockets *sockets, struct client *client, int wanted)
{
    if (client->watched == wanted)
        return;
    client->watched = (uint8_t)wanted;
    struct epoll_event event = {.data.ptr = client};
    event.events = (wanted & WATCH_INPUT ? EPOLLIN : 0U) | (wanted & WATCH_OUTPUT ? EPOLLOUT : 0U) |
                   (wanted & WATCH_END ? EPOLLRDHUP : 0U);
    /* Fails only for a descriptor that epoll does not know, and ours it does. */
    int result = epoll_ctl(sockets->epoll, EPOLL_CTL_MOD, client->descriptor, &event);
    assert(result == 0);
}

static void enter(struct sockets *sockets, struct client *client, enum phase phase, uint32_t time)
{
    list_remove(list_of(sockets, (enum phase)client->phase), &client->node);
    client->phase = (uint8_t)phase;
    client->deadline = (uint32_t)uv_now(sockets->loop) + time;
    list_append(list_of(sockets, phase), &client->node);
}

/* `why`: for the log; NULL: the client closed. */
static void report_closed(struct sockets *sockets, struct client *client, const char *why)
{
    if (!client->connection)
        return;
    sockets->statistics.handshakes_failed += client->transport && !client->spoken;
    struct step step = {.kind = STEP_CLOSED, .connection = client->connection, .text = why};
    client->connection = NULL;
    sockets->population[client->group]--;
    broker_step(sockets->broker, uv_now(sockets->loop), &step);
}

/* Closes the socket at once. `client` must not be used any more; it stays allocated until the events at hand
 * have been dealt with, because one of them may be its own. */
static void drop(struct sockets *sockets, struct client *client)
{
    report_closed(sockets, client, NULL);
    enter(sockets, client, GONE, 0);
    sockets->count--;
    address_limits_leave(&sockets->addresses, client->descriptor);
    close(client->descriptor); /* which epoll notices by itself */
    transport_destroy(client->transport);
    client->transport = NULL;
}

static void free_gone(struct sockets *sockets)
{
    while (!list_empty(&sockets->gone)) {
        struct client *client = LIST_OWNER(sockets->gone.first, struct client, node);
        list_remove(&sockets->gone, &client->node);
        free(client);
    }
}

/* As drop; the kernel throws away what it has not sent yet instead of trying on for minutes. */
static void cut(struct sockets *sockets, struct client *client)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    setsockopt(client->descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    drop(sockets, client);
}

/* Reads and throws away. Returns false when that was the end and the socket is closed. */
static bool discard(struct sockets *sockets, struct client *client)
{
    ssize_t count = read(client->descriptor, sockets->input, INPUT_SIZE);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (count > 0 && --client->reads_left > 0)
        return true;
    drop(sockets, client);
    return false;
}

/* Writes what the transport has for the socket. */
static enum outcome write_down(struct client *client)
{
    struct buffer *down = &client->transport->down;
    while (buffer_all(down).length > 0) {
        const struct bytes bytes = buffer_all(down);
        const ssize_t sent = write(client->descriptor, bytes.data, bytes.length);
        if (sent < 0)
            return errno == EAGAIN || errno == EINTR ? BLOCKED : FAILED;
        buffer_take(down, (size_t)sent);
    }
    buffer_free(down); /* an idle connection owns no buffer */
    return DRAINED;
}

/* The farewells of the transport, as far as the socket takes them at once. */
static void say_farewell(struct sockets *sockets, struct client *client)
{
    if (!client->transport)
        return;
    transport_close(client->transport, &sockets->scratch);
    (void)write_down(client);
}

static void begin_to_linger(struct sockets *sockets, struct client *client, const char *why)
{
    report_closed(sockets, client, why);
    say_farewell(sockets, client);
    client->reads_left = LINGER_READS;
    /* Most clients close right after their DISCONNECT, and there is nobody left to wait for. */
    if (!discard(sockets, client))
        return;
    if (shutdown(client->descriptor, SHUT_WR) != 0) {
        drop(sockets, client);
        return;
    }
    enter(sockets, client, LINGERING, LINGER_TIME);
    watch(sockets, client, WATCH_INPUT);
}

/* Sends up to RUNS_PER_WRITE runs. Returns UNFINISHED when the socket took them all: there may be more. */
static enum outcome send_once(struct sockets *sockets, struct client *client)
{
    struct bytes runs[RUNS_PER_WRITE];
    struct iovec vector[RUNS_PER_WRITE];
    size_t count = connection_output(client->connection, runs, RUNS_PER_WRITE);
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        vector[i] = (struct iovec){.iov_base = (void *)(uintptr_t)runs[i].data, .iov_len = runs[i].length};
        total += runs[i].length;
    }
    if (total == 0)
        return DRAINED;
    ssize_t sent = writev(client->descriptor, vector, (int)count);
    if (sent < 0)
        return errno == EAGAIN || errno == EINTR ? BLOCKED : FAILED;
    connection_sent(sockets->broker, client->connection, (size_t)sent);
    return (size_t)sent == total ? UNFINISHED : BLOCKED;
}

/* Puts the beginning of the output into one piece. False: no memory. */
static bool gather_output(const struct client *client, struct buffer *piece)
{
    struct bytes runs[RUNS_PER_WRITE];
    const size_t count = connection_output(client->connection, runs, RUNS_PER_WRITE);
    size_t room = FILTERED_RUN;
    buffer_clear(piece);
    for (size_t i = 0; i < count && room > 0; i++) {
        const size_t length = runs[i].length < room ? runs[i].length : room;
        if (!buffer_append(piece, bytes_of(runs[i].data, length)))
            return false;
        room -= length;
    }
    return true;
}

/* Passes a portion of the output down through the filters. Returns DRAINED when there was none. In one piece,
 * because they make a record or a frame of each; and of limited size, however large a message is, because it is
 * there several times then. */
static enum outcome filter_output(struct sockets *sockets, struct client *client)
{
    if (!gather_output(client, &sockets->plain))
        return FAILED;
    const struct bytes piece = buffer_all(&sockets->plain);
    const size_t total = piece.length;
    if (total == 0)
        return DRAINED;
    if (transport_send(client->transport, &sockets->scratch, piece) != FILTER_GOES_ON)
        return FAILED;
    connection_sent(sockets->broker, client->connection, total);
    return UNFINISHED;
}

static enum outcome send_filtered(struct sockets *sockets, struct client *client)
{
    const enum outcome written = write_down(client);
    if (written != DRAINED)
        return written;
    const enum outcome filtered = filter_output(sockets, client);
    if (filtered != UNFINISHED)
        return filtered;
    const enum outcome outcome = write_down(client);
    return outcome == DRAINED ? UNFINISHED : outcome;
}

static enum outcome send_output(struct sockets *sockets, struct client *client)
{
    for (int writes = 0; writes < WRITES_PER_FLUSH; writes++) {
        enum outcome outcome = client->transport ? send_filtered(sockets, client) : send_once(sockets, client);
        if (outcome != UNFINISHED)
            return outcome;
    }
    return BLOCKED; /* in effect: the next turn goes on with it */
}

static bool wants_input(const struct client *client)
{
    const bool room = !client->transport || buffer_all(&client->transport->down).length < DOWN_MAXIMUM;
    return room && connection_wants_input(client->connection);
}

/* Decides what the connection waits for after its output was sent, as far as the socket took it. Returns
 * whether it is still OPEN. */
static bool settle(struct sockets *sockets, struct client *client, enum outcome outcome)
{
    if (outcome == FAILED) {
        drop(sockets, client);
        return false;
    }
    int writable = outcome == BLOCKED ? WATCH_OUTPUT : 0;
    if (!connection_closing(client->connection)) {
        watch(sockets, client, writable | (wants_input(client) ? WATCH_INPUT : WATCH_END));
        return true;
    }
    if (outcome == DRAINED) {
        begin_to_linger(sockets, client, NULL);
        return false;
    }
    if (client->phase == OPEN)
        enter(sockets, client, DRAINING, DRAIN_TIME);
    watch(sockets, client, writable);
    return false;
}

void sockets_flush(struct sockets *sockets)
{
    struct connection *connection;
    while ((connection = broker_next_ready(sockets->broker)) != NULL) {
        struct client *client = connection_host(connection);
        bool full = (client->watched & WATCH_OUTPUT) != 0;
        settle(sockets, client, full ? BLOCKED : send_output(sockets, client));
    }
    sockets->unflushed = 0;
}

/* The last thing a callback does with its client, because sending may close it. */
static void count_input(struct sockets *sockets, size_t count)
{
    sockets->unflushed += count;
    if (sockets->unflushed >= UNFLUSHED_MAXIMUM)
        sockets_flush(sockets);
}

static void hand_in(struct sockets *sockets, struct client *client, struct bytes bytes)
{
    struct step step = {.kind = STEP_RECEIVED, .connection = client->connection, .bytes = bytes};
    if (bytes.length == 0)
        return;
    client->spoken = true;
    broker_step(sockets->broker, uv_now(sockets->loop), &step);
}

/* Passes what came up through the filters. Returns whether the client is still there. */
static bool receive_filtered(struct sockets *sockets, struct client *client, struct bytes bytes)
{
    buffer_clear(&sockets->plain);
    const enum filter_outcome outcome =
        transport_receive(client->transport, &sockets->scratch, bytes, &sockets->plain);
    hand_in(sockets, client, buffer_all(&sockets->plain));
    if (outcome == FILTER_GOES_ON && write_down(client) != FAILED)
        return true;
    begin_to_linger(sockets, client,
                    outcome == FILTER_FAILED ? transport_complaint(client->transport) : NULL);
    return false;
}

/* What the first bytes of a plain connection are instead of MQTT; NULL: nothing that's known. */
static const char *find_stranger(struct client *client, struct bytes bytes)
{
    const enum spoken spoken = client->begun || client->transport ? SPOKEN_UNKNOWN : first_bytes_tell(bytes);
    client->begun = true;
    if (spoken == SPOKEN_TLS)
        return "the client speaks TLS, and this listener has no TLS";
    return spoken == SPOKEN_HTTP ? "the client speaks HTTP, and this listener speaks MQTT" : NULL;
}

static void receive(struct sockets *sockets, struct client *client)
{
    /* Another connection's input may have changed this since the socket was polled (a Session is taken
     * over, a queue is full). The bytes stay in the socket; the flush at the end of the turn settles what
     * is watched. */
    if (connection_closing(client->connection) || !wants_input(client))
        return;
    ssize_t count = read(client->descriptor, sockets->input, INPUT_SIZE);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (count <= 0) {
        drop(sockets, client);
        return;
    }
    const struct bytes bytes = bytes_of(sockets->input, (size_t)count);
    const char *stranger = find_stranger(client, bytes);
    if (stranger) {
        begin_to_linger(sockets, client, stranger);
        return;
    }
    if (!client->transport)
        hand_in(sockets, client, bytes);
    else if (!receive_filtered(sockets, client, bytes))
        return;
    /* When the socket is full, the end of the turn does not look at this connection: it cannot send
     * anyway. */
    const bool answers_left = client->transport && buffer_all(&client->transport->down).length > 0;
    if ((client->watched & WATCH_OUTPUT) || answers_left)
        settle(sockets, client, BLOCKED);
    count_input(sockets, (size_t)count);
}

/* The other side will send no more, and nothing is read from it at present: it may have sent something before, which
 * then is waited for, or it has left, for instance while its password was being checked. */
static void on_end(struct sockets *sockets, struct client *client)
{
    uint8_t byte;
    const ssize_t count = recv(client->descriptor, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT);
    if (count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR)))
        watch(sockets, client, client->watched & ~WATCH_END);
    else
        drop(sockets, client);
}

static void on_event(struct sockets *sockets, struct client *client, uint32_t events)
{
    const bool broken = (events & (EPOLLERR | EPOLLHUP)) != 0; /* reading tells the details */
    if (client->phase == GONE)
        return;
    if (client->phase == LINGERING) {
        discard(sockets, client);
        return;
    }
    if ((events & EPOLLOUT) && !settle(sockets, client, send_output(sockets, client)))
        return;
    if (broken && !(client->watched & WATCH_INPUT)) /* nothing is read from it, so nothing else would tell */
        drop(sockets, client);
    else if ((events & EPOLLIN) || broken)
        receive(sockets, client);
    else if (events & EPOLLRDHUP)
        on_end(sockets, client);
}

/* Some of the sockets are ready. Level-triggered: what does not fit into one call comes with the next wake-up. */
static void on_wake_up(uv_poll_t *gate, int status, int events)
{
    struct sockets *sockets = gate->loop->data;
    struct epoll_event ready[EVENTS_PER_WAKE_UP];
    (void)status;
    (void)events;
    int count = epoll_wait(sockets->epoll, ready, EVENTS_PER_WAKE_UP, 0);
    for (int i = 0; i < count; i++)
        on_event(sockets, ready[i].data.ptr, ready[i].events);
    free_gone(sockets);
}

static bool watch_first(const struct sockets *sockets, struct client *client)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    client->watched = WATCH_INPUT;
    return epoll_ctl(sockets->epoll, EPOLL_CTL_ADD, client->descriptor, &event) == 0;
}

void sockets_adopt(struct sockets *sockets, int descriptor, const char *peer, struct transport *transport,
                   uint8_t group)
{
    struct client *client = calloc(1, sizeof *client);
    if (!client) {
        transport_destroy(transport);
        address_limits_leave(&sockets->addresses, descriptor);
        close(descriptor);
        return;
    }
    client->descriptor = descriptor;
    client->transport = transport;
    client->group = group;
    list_append(&sockets->open, &client->node);
    sockets->count++;
    struct step step = {.kind = STEP_ACCEPTED, .host = client, .peer = peer};
    broker_step(sockets->broker, uv_now(sockets->loop), &step);
    client->connection = step.connection;
    sockets->population[group] += step.connection != NULL;
    if (!step.connection || !watch_first(sockets, client))
        drop(sockets, client);
}

uint8_t sockets_group(const void *host)
{
    const struct client *client = host;
    return client->group;
}

struct address_key sockets_address(const void *host)
{
    const struct client *client = host;
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t length = sizeof address;
    if (getpeername(client->descriptor, (struct sockaddr *)&address, &length) != 0)
        address.ss_family = AF_UNSPEC; /* it is gone already */
    return address_key_of((const struct sockaddr *)&address);
}

const struct peer_identity *sockets_identity(const void *host)
{
    const struct client *client = host;
    return transport_identity(client->transport);
}

/* Whether the first of a list is due; the low bits of both times suffice, see struct client. */
static struct client *first_due(const struct sockets *sockets, const struct list *list)
{
    if (list_empty(list))
        return NULL;
    struct client *client = LIST_OWNER(list->first, struct client, node);
    return (int32_t)((uint32_t)uv_now(sockets->loop) - client->deadline) >= 0 ? client : NULL;
}

void sockets_expire(struct sockets *sockets)
{
    struct client *client;
    while ((client = first_due(sockets, &sockets->draining)) != NULL)
        cut(sockets, client);
    while ((client = first_due(sockets, &sockets->lingering)) != NULL)
        drop(sockets, client);
}

static uint64_t first_deadline(const struct sockets *sockets, const struct list *list)
{
    if (list_empty(list))
        return UINT64_MAX;
    uint64_t now = uv_now(sockets->loop);
    int32_t left = (int32_t)(LIST_OWNER(list->first, struct client, node)->deadline - (uint32_t)now);
    return left > 0 ? now + (uint64_t)left : now;
}

uint64_t sockets_deadline(const struct sockets *sockets)
{
    uint64_t draining = first_deadline(sockets, &sockets->draining);
    uint64_t lingering = first_deadline(sockets, &sockets->lingering);
    return draining < lingering ? draining : lingering;
}

bool sockets_create(struct sockets *sockets, uv_loop_t *loop, struct broker *broker)
{
    *sockets = (struct sockets){.loop = loop, .broker = broker, .epoll = epoll_create1(EPOLL_CLOEXEC)};
    loop->data = sockets;
    struct hash_key key;
    const bool drawn = uv_random(NULL, NULL, &key, sizeof key, 0, NULL) == 0;
    address_limits_begin(&sockets->addresses, &key);
    sockets->input = malloc(INPUT_SIZE);
    if (drawn && sockets->input && sockets->epoll >= 0 && uv_poll_init(loop, &sockets->gate, sockets->epoll) == 0 &&
        uv_poll_start(&sockets->gate, UV_READABLE, on_wake_up) == 0)
        return true;
    free(sockets->input);
    sockets->input = NULL;
    return false;
}

static void cut_all(struct sockets *sockets, struct list *list)
{
    while (!list_empty(list))
        cut(sockets, LIST_OWNER(list->first, struct client, node));
}

void sockets_destroy(struct sockets *sockets)
{
    cut_all(sockets, &sockets->open);
    cut_all(sockets, &sockets->draining);
    cut_all(sockets, &sockets->lingering);
    free_gone(sockets);
    address_limits_end(&sockets->addresses);
    free(sockets->input);
    sockets->input = NULL;
    buffer_free(&sockets->plain);
    transport_scratch_free(&sockets->scratch);
    uv_poll_stop(&sockets->gate);
    close(sockets->epoll);
}
