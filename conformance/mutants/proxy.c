/* The event loop: accept, read, write, close. Nothing here knows of MQTT. */
#include "proxy.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define READ_SIZE 65536U
#define OUTPUT_LIMIT (4U << 20) /* bytes waiting for one side above which the other is not read */
#define EVENTS 64

struct delayed {
    struct delayed *next;
    struct half *half;
    double due;
    size_t size;
    uint8_t bytes[];
};

static double seconds_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- Queues -------------------------------------------------------------------------------------- */

void queue_append(struct queue *queue, const void *data, size_t size)
{
    if (size == 0)
        return;
    if (queue->start > 0 && queue->start + queue->length + size > queue->capacity) {
        memmove(queue->data, queue->data + queue->start, queue->length);
        queue->start = 0;
    }
    if (queue->length + size > queue->capacity) {
        queue->capacity = (queue->length + size) * 2;
        queue->data = grow_or_die(queue->data, queue->capacity);
    }
    memcpy(queue->data + queue->start + queue->length, data, size);
    queue->length += size;
}

void queue_take(struct queue *queue, size_t size)
{
    assert(size <= queue->length);
    queue->length -= size;
    queue->start = queue->length == 0 ? 0 : queue->start + size;
}

/* ---- Links --------------------------------------------------------------------------------------- */

static struct half *other_half(struct half *half)
{
    return &half->link->half[half->side == FROM_CLIENT ? FROM_SERVER : FROM_CLIENT];
}

/* Brings what epoll watches in line with what the half waits for. */
static void watch(struct half *half)
{
    if (half->socket < 0)
        return;
    const bool read =
        !half->ended && !half->over && half->route.bytes + other_half(half)->output.length < OUTPUT_LIMIT;
    const uint32_t wanted = (read ? EPOLLIN : 0U) | (half->output.length > 0 ? EPOLLOUT : 0U);
    if (wanted == half->watched)
        return;
    struct epoll_event event = {.events = wanted, .data.ptr = half};
    epoll_ctl(half->link->connection.proxy->poll, EPOLL_CTL_MOD, half->socket, &event);
    half->watched = wanted;
}

static void close_half(struct half *half, bool reset)
{
    if (half->socket < 0)
        return;
    socket_close(half->socket, reset);
    half->socket = -1;
}

/* The link is freed at the end of the turn: events of this turn may still point to it. */
static void kill_link(struct link *link, bool reset)
{
    link->dead = true;
    close_half(&link->half[FROM_CLIENT], reset);
    close_half(&link->half[FROM_SERVER], reset);
}

static void settle(struct half *half)
{
    struct link *link = half->link;
    if (half->socket >= 0 && half->finish && !half->finished && half->output.length == 0) {
        socket_finish(half->socket);
        half->finished = true;
    }
    if (half->link->half[FROM_CLIENT].finished && half->link->half[FROM_SERVER].finished)
        kill_link(link, false);
    watch(half);
    watch(other_half(half));
}

static void write_output(struct half *half)
{
    while (half->output.length > 0) {
        const ssize_t sent = socket_write(half->socket, queue_front(&half->output), half->output.length);
        if (sent == SOCKET_LATER)
            break;
        /* Where nobody is any more the rest is lost; reading tells the other side. */
        queue_take(&half->output, sent < 0 ? half->output.length : (size_t)sent);
    }
    settle(half);
}

void proxy_send(struct half *half, const void *bytes, size_t size)
{
    if (half->socket >= 0 && !half->finish)
        queue_append(&half->output, bytes, size);
}

void proxy_close_link(struct link *link)
{
    link->half[FROM_CLIENT].finish = true;
    link->half[FROM_SERVER].finish = true;
}

/* One side has finished sending, or broke. */
static void end_half(struct half *half, bool broken)
{
    struct link *link = half->link;
    half->ended = true;
    passage_end(half);
    if (half->side == FROM_SERVER && passage_keeps_open(link)) {
        link->connection.pretending = true;
        close_half(half, false);
        return;
    }
    if (broken || link->connection.pretending) {
        kill_link(link, broken);
        return;
    }
    other_half(half)->finish = true;
}

/* What was read has arrived; `size` 0: nothing but the end of the stream, as `end` says. */
static void arrive(struct half *half, const void *bytes, size_t size, enum segment_end end)
{
    if (size > 0) {
        queue_append(&half->input, bytes, size);
        passage_read(half);
    }
    if (end != STREAM_GOES_ON && !half->link->dead)
        end_half(half, end == STREAM_BREAKS);
    if (half->link->dead)
        return;
    write_output(&half->link->half[FROM_CLIENT]);
    if (!half->link->dead)
        write_output(&half->link->half[FROM_SERVER]);
}

static void receive_segment(struct half *half, const void *bytes, size_t size, enum segment_end end)
{
    struct proxy *proxy = half->link->connection.proxy;
    if (distance_is_none(&proxy->distance)) {
        arrive(half, bytes, size, end);
        return;
    }
    half->over = half->over || end != STREAM_GOES_ON;
    route_append(&half->route, &proxy->distance, seconds_now(), bytes, size, end);
    watch(half);
}

static void read_input(struct half *half)
{
    uint8_t buffer[READ_SIZE];
    const ssize_t got = socket_read(half->socket, buffer, sizeof buffer);
    if (got == SOCKET_LATER)
        return;
    receive_segment(half, buffer, got > 0 ? (size_t)got : 0,
                    got > 0    ? STREAM_GOES_ON
                    : got == 0 ? STREAM_ENDS
                               : STREAM_BREAKS);
}

/* Nothing is left to be read from this socket, and nobody reads what is written to it. */
static void lose_peer(struct half *half, bool broken)
{
    struct proxy *proxy = half->link->connection.proxy;
    if (distance_is_none(&proxy->distance)) {
        kill_link(half->link, broken);
        return;
    }
    epoll_ctl(proxy->poll, EPOLL_CTL_DEL, half->socket, NULL); /* it would be reported for ever */
    if (!half->over)
        receive_segment(half, NULL, 0, broken ? STREAM_BREAKS : STREAM_ENDS);
}

static void take_arrivals(struct half *half)
{
    struct segment *segment;
    const uint8_t *bytes;
    size_t size;
    enum segment_end end;
    while (!half->link->dead && route_take(&half->route, seconds_now(), &segment, &bytes, &size, &end)) {
        arrive(half, bytes, size, end);
        free(segment);
    }
}

static void take_all_arrivals(struct proxy *proxy)
{
    for (struct link *link = proxy->links; link != NULL; link = link->next)
        for (int side = 0; side < 2; side++)
            take_arrivals(&link->half[side]);
}

/* ---- Accepting ----------------------------------------------------------------------------------- */

static void start_half(struct proxy *proxy, struct link *link, enum side side, int socket)
{
    struct half *half = &link->half[side];
    *half = (struct half){.link = link, .side = side, .socket = socket, .watched = EPOLLIN};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = half};
    epoll_ctl(proxy->poll, EPOLL_CTL_ADD, socket, &event);
}

static void accept_client(struct proxy *proxy)
{
    const int client = socket_take(proxy->listener);
    if (client < 0)
        return;
    const int server = socket_connect(&proxy->target);
    if (server < 0) {
        socket_close(client, true);
        return;
    }
    struct link *link = allocate_or_die(sizeof *link);
    link->connection.proxy = proxy;
    if (proxy->mutant != NULL)
        link->connection.context = allocate_or_die(proxy->mutant->behaviour->context_size);
    start_half(proxy, link, FROM_CLIENT, client);
    start_half(proxy, link, FROM_SERVER, server);
    link->next = proxy->links;
    proxy->links = link;
}

/* ---- Delayed bytes ------------------------------------------------------------------------------- */

void proxy_send_later(struct half *half, const void *bytes, size_t size, double seconds)
{
    struct delayed *item = allocate_or_die(sizeof *item + size);
    item->half = half;
    item->due = seconds_now() + seconds;
    item->size = size;
    memcpy(item->bytes, bytes, size);
    struct delayed **place = &half->link->connection.proxy->delayed;
    while (*place != NULL && (*place)->due <= item->due)
        place = &(*place)->next;
    item->next = *place;
    *place = item;
}

static void send_due(struct proxy *proxy)
{
    while (proxy->delayed != NULL && proxy->delayed->due <= seconds_now()) {
        struct delayed *item = proxy->delayed;
        proxy->delayed = item->next;
        proxy_send(item->half, item->bytes, item->size);
        write_output(item->half);
        free(item);
    }
}

static void forget_delayed(struct proxy *proxy, const struct link *link)
{
    for (struct delayed **place = &proxy->delayed; *place != NULL;) {
        struct delayed *item = *place;
        if (item->half->link != link) {
            place = &item->next;
            continue;
        }
        *place = item->next;
        free(item);
    }
}

/* Milliseconds that epoll may wait. */
static int waiting_time(const struct proxy *proxy)
{
    double due = proxy->delayed == NULL ? HUGE_VAL : proxy->delayed->due;
    for (const struct link *link = proxy->links; link != NULL; link = link->next)
        for (int side = 0; side < 2; side++)
            due = fmin(due, route_due(&link->half[side].route));
    if (isinf(due))
        return -1;
    const double left = due - seconds_now();
    return left <= 0 ? 0 : 1 + (int)(left * 1000);
}

/* ---- The loop ------------------------------------------------------------------------------------ */

static void free_link(struct link *link)
{
    for (int side = 0; side < 2; side++) {
        free(link->half[side].input.data);
        free(link->half[side].output.data);
        route_clear(&link->half[side].route);
    }
    free(link->identifier.data);
    free(link->connection.context);
    free(link);
}

static void bury_dead(struct proxy *proxy)
{
    for (struct link **place = &proxy->links; *place != NULL;) {
        struct link *link = *place;
        if (!link->dead) {
            place = &link->next;
            continue;
        }
        *place = link->next;
        forget_delayed(proxy, link);
        free_link(link);
    }
}

static void handle(struct half *half, uint32_t events)
{
    if (half->link->dead)
        return;
    if ((events & EPOLLOUT) != 0)
        write_output(half);
    if (half->link->dead)
        return;
    if ((events & EPOLLIN) != 0)
        read_input(half);
    else if ((events & (EPOLLHUP | EPOLLERR)) != 0) /* nothing left to read: the peer is gone altogether */
        lose_peer(half, (events & EPOLLERR) != 0);
}

/* Mutants may send on any connection, so everything that has something to send is looked at. */
static void write_all(struct proxy *proxy)
{
    for (struct link *link = proxy->links; link != NULL; link = link->next)
        for (int side = 0; side < 2 && !link->dead; side++)
            write_output(&link->half[side]);
}

uint16_t proxy_open(struct proxy *proxy, uint16_t port)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    proxy->poll = epoll_create1(EPOLL_CLOEXEC);
    proxy->listener = socket_listen(&port);
    if (proxy->poll < 0 || proxy->listener < 0)
        return 0;
    return epoll_ctl(proxy->poll, EPOLL_CTL_ADD, proxy->listener, &event) != 0 ? 0 : port;
}

bool proxy_run(struct proxy *proxy, const volatile int *stop)
{
    struct epoll_event events[EVENTS];
    while (!*stop) {
        const int count = epoll_wait(proxy->poll, events, EVENTS, waiting_time(proxy));
        if (count < 0 && errno != EINTR)
            return false;
        for (int i = 0; i < count; i++)
            if (events[i].data.ptr == NULL)
                accept_client(proxy);
            else
                handle(events[i].data.ptr, events[i].events);
        send_due(proxy);
        take_all_arrivals(proxy);
        write_all(proxy);
        bury_dead(proxy);
    }
    return true;
}

void proxy_close(struct proxy *proxy)
{
    for (struct link *link = proxy->links; link != NULL; link = link->next)
        kill_link(link, false);
    bury_dead(proxy);
    memory_clear(&proxy->memory);
    close(proxy->listener);
    close(proxy->poll);
}
