/*
 * The null relay: the practical limit of one core.
 *
 * It answers CONNECT, SUBSCRIBE and PINGREQ, and forwards the bytes of every PUBLISH as they came. It knows
 * no topics, no sessions and no QoS but 0 (a PUBLISH of another QoS closes the connection), and it trusts its
 * peers. What it shares with a real broker is what no broker can avoid: reading, finding the ends of packets,
 * copying, writing. Where it forwards is decided by the client identifier alone:
 *
 *      pairPub7   the subscribed connection with the same last number (pairSub7)
 *      others     every subscribed connection
 *
 * One read per wake-up, output gathered during a loop turn, one send per connection and turn, TCP_NODELAY on.
 *
 * usage: bench-relay -p PORT
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_SIZE = 512 * 1024, EVENTS = 512, BACKLOG = 4096, PAIRS = 65536, SMALLEST_OUTPUT = 4096 };
enum { CONNECT = 0x10, PUBLISH = 0x30, SUBSCRIBE = 0x80, PINGREQ = 0xC0 };

struct connection {
    int fd;
    uint32_t pair; /* last number of the client identifier */
    bool paired;
    bool subscribed;
    bool mqtt5;
    bool dirty;
    bool watches_output;
    bool closed;
    uint8_t *partial; /* an incomplete packet, else NULL */
    size_t partial_length;
    uint8_t *output;
    size_t output_length;
    size_t output_capacity;
    struct connection *next_dirty;
    struct connection *next_closed;
    struct connection *next_subscribed;
    struct connection *previous_subscribed;
};

struct relay {
    int epoll;
    int listener;
    struct connection *dirty;
    struct connection *closed;
    struct connection *subscribed;
    struct connection *pairs[PAIRS];
    uint8_t input[READ_SIZE];
};

struct packet {
    const uint8_t *start;
    const uint8_t *body;
    uint32_t length;
};

/* ---- output ---- */

static void watch(const struct relay *relay, struct connection *connection, int operation, bool output)
{
    uint32_t events = output ? EPOLLIN | EPOLLOUT : EPOLLIN;
    struct epoll_event event = {.events = events, .data = {.ptr = connection}};
    connection->watches_output = output;
    if (epoll_ctl(relay->epoll, operation, connection->fd, &event) != 0) {
        perror("bench-relay: epoll_ctl");
        exit(EXIT_FAILURE);
    }
}

static void grow_output(struct connection *connection, size_t more)
{
    size_t capacity = connection->output_capacity > 0 ? connection->output_capacity : SMALLEST_OUTPUT;
    while (capacity - connection->output_length < more) {
        capacity *= 2;
    }
    connection->output = realloc(connection->output, capacity);
    connection->output_capacity = capacity;
    if (connection->output == NULL) {
        abort();
    }
}

static void gather(struct relay *relay, struct connection *connection, const uint8_t *bytes, size_t length)
{
    if (connection->output_capacity - connection->output_length < length) {
        grow_output(connection, length);
    }
    memcpy(connection->output + connection->output_length, bytes, length);
    connection->output_length += length;
    if (!connection->dirty) {
        connection->dirty = true;
        connection->next_dirty = relay->dirty;
        relay->dirty = connection;
    }
}

static void close_connection(struct relay *relay, struct connection *connection)
{
    if (connection->closed) {
        return;
    }
    close(connection->fd);
    connection->closed = true;
    connection->next_closed = relay->closed;
    relay->closed = connection;
    if (!connection->subscribed) {
        return;
    }
    *(connection->previous_subscribed != NULL ? &connection->previous_subscribed->next_subscribed
                                              : &relay->subscribed) = connection->next_subscribed;
    if (connection->next_subscribed != NULL) {
        connection->next_subscribed->previous_subscribed = connection->previous_subscribed;
    }
    if (relay->pairs[connection->pair] == connection) {
        relay->pairs[connection->pair] = NULL;
    }
}

static void flush(struct relay *relay, struct connection *connection)
{
    ssize_t sent = send(connection->fd, connection->output, connection->output_length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        close_connection(relay, connection);
        return;
    }
    size_t rest = connection->output_length - (sent > 0 ? (size_t)sent : 0);
    memmove(connection->output, connection->output + connection->output_length - rest, rest);
    connection->output_length = rest;
    if (connection->watches_output == (rest == 0)) {
        watch(relay, connection, EPOLL_CTL_MOD, rest > 0);
    }
    if (!connection->subscribed && rest == 0) {
        /* An idle connection keeps no buffer; a subscriber will need it again at once. */
        free(connection->output);
        connection->output = NULL;
        connection->output_capacity = 0;
    }
}

/* ---- packets ---- */

static uint16_t get_u16(const uint8_t *from)
{
    return (uint16_t)(from[0] << 8 | from[1]);
}

static bool handle_connect(struct relay *relay, struct connection *connection, const struct packet *packet)
{
    static const uint8_t connack[] = {0x20, 3, 0, 0, 0};
    uint32_t at = 10;
    if (packet->length < 12) {
        return false;
    }
    connection->mqtt5 = packet->body[6] == 5;
    at += connection->mqtt5 ? packet->body[10] + 1U : 0;
    if (at + 2 > packet->length || at + 2U + get_u16(packet->body + at) > packet->length) {
        return false;
    }
    const uint8_t *identifier = packet->body + at + 2;
    uint16_t length = get_u16(packet->body + at);
    connection->paired = length >= 4 && memcmp(identifier, "pair", 4) == 0;
    for (uint16_t i = 0; i < length; i++) {
        bool digit = identifier[i] >= '0' && identifier[i] <= '9';
        connection->pair = digit ? (connection->pair * 10 + identifier[i] - '0') % PAIRS : 0;
    }
    uint8_t answer[sizeof connack];
    memcpy(answer, connack, sizeof connack);
    answer[1] = connection->mqtt5 ? 3 : 2;
    gather(relay, connection, answer, connection->mqtt5 ? 5 : 4);
    return true;
}

static bool handle_subscribe(struct relay *relay, struct connection *connection, const struct packet *packet)
{
    uint8_t answer[] = {0x90, 3, 0, 0, 0, 0};
    if (packet->length < 2) {
        return false;
    }
    if (!connection->subscribed) {
        connection->subscribed = true;
        connection->next_subscribed = relay->subscribed;
        if (relay->subscribed != NULL) {
            relay->subscribed->previous_subscribed = connection;
        }
        relay->subscribed = connection;
    }
    if (connection->paired) {
        relay->pairs[connection->pair] = connection;
    }
    answer[1] = connection->mqtt5 ? 4 : 3;
    memcpy(answer + 2, packet->body, 2);
    gather(relay, connection, answer, connection->mqtt5 ? 6 : 5);
    return true;
}

static void forward(struct relay *relay, const struct connection *from, const uint8_t *bytes, size_t length)
{
    if (from->paired) {
        struct connection *to = relay->pairs[from->pair];
        if (to != NULL) {
            gather(relay, to, bytes, length);
        }
        return;
    }
    for (struct connection *to = relay->subscribed; to != NULL; to = to->next_subscribed) {
        gather(relay, to, bytes, length);
    }
}

/* False: the connection ends. */
static bool handle_packet(struct relay *relay, struct connection *connection, const struct packet *packet)
{
    static const uint8_t pingresp[] = {0xD0, 0};
    switch (packet->start[0] & 0xF0) {
    case CONNECT:
        return handle_connect(relay, connection, packet);
    case SUBSCRIBE:
        return handle_subscribe(relay, connection, packet);
    case PINGREQ:
        gather(relay, connection, pingresp, sizeof pingresp);
        return true;
    default:
        return false;
    }
}

/* False while the packet at `from` is incomplete. */
static bool find_packet(const uint8_t *from, size_t available, struct packet *packet)
{
    uint32_t length = 0;
    for (size_t at = 1; at < available && at < 5; at++) {
        length |= (uint32_t)(from[at] & 0x7F) << (7 * (at - 1));
        if ((from[at] & 0x80) == 0) {
            *packet = (struct packet){.start = from, .body = from + at + 1, .length = length};
            return available - at - 1 >= length;
        }
    }
    return false;
}

/* Forwards runs of PUBLISH packets as one piece, handles the others. Returns the bytes used. */
static size_t take_packets(struct relay *relay, struct connection *connection, size_t available, bool *alive)
{
    const uint8_t *input = relay->input;
    struct packet packet;
    size_t run = 0;
    size_t at = 0;
    while (*alive && find_packet(input + at, available - at, &packet)) {
        size_t end = (size_t)(packet.body - input) + packet.length;
        bool publish = (packet.start[0] & 0xF6) == PUBLISH;
        if (!publish) {
            forward(relay, connection, input + run, at - run);
            *alive = handle_packet(relay, connection, &packet);
            run = end;
        }
        at = end;
    }
    if (at > run) {
        forward(relay, connection, input + run, at - run);
    }
    return at;
}

static void read_connection(struct relay *relay, struct connection *connection)
{
    size_t kept = connection->partial_length;
    if (kept > 0) {
        memcpy(relay->input, connection->partial, kept);
        free(connection->partial);
        connection->partial = NULL;
        connection->partial_length = 0;
    }
    ssize_t received = recv(connection->fd, relay->input + kept, READ_SIZE - kept, 0);
    bool alive = received > 0;
    size_t available = kept + (alive ? (size_t)received : 0);
    size_t taken = take_packets(relay, connection, available, &alive);
    if (!alive) {
        close_connection(relay, connection);
        return;
    }
    if (taken < available) {
        connection->partial_length = available - taken;
        connection->partial = malloc(connection->partial_length);
        if (connection->partial == NULL) {
            abort();
        }
        memcpy(connection->partial, relay->input + taken, connection->partial_length);
    }
}

/* ---- the loop ---- */

static void accept_all(struct relay *relay)
{
    int fd;
    while ((fd = accept4(relay->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct connection *connection = calloc(1, sizeof *connection);
        int on = 1;
        if (connection == NULL) {
            abort();
        }
        connection->fd = fd;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(relay, connection, EPOLL_CTL_ADD, false);
    }
}

static void end_turn(struct relay *relay)
{
    while (relay->dirty != NULL) {
        struct connection *connection = relay->dirty;
        relay->dirty = connection->next_dirty;
        connection->dirty = false;
        if (!connection->watches_output && !connection->closed) {
            flush(relay, connection);
        }
    }
    while (relay->closed != NULL) {
        struct connection *connection = relay->closed;
        relay->closed = connection->next_closed;
        free(connection->partial);
        free(connection->output);
        free(connection);
    }
}

static void handle_event(struct relay *relay, struct connection *connection, uint32_t events)
{
    if (connection == NULL) {
        accept_all(relay);
        return;
    }
    if (!connection->closed && (events & EPOLLOUT) != 0) {
        flush(relay, connection);
    }
    if (!connection->closed && (events & ~(uint32_t)EPOLLOUT) != 0) {
        read_connection(relay, connection);
    }
}

static void start(struct relay *relay, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = NULL}};
    int on = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    relay->epoll = epoll_create1(EPOLL_CLOEXEC);
    relay->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    (void)setsockopt(relay->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(relay->listener, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(relay->listener, BACKLOG) != 0 ||
        epoll_ctl(relay->epoll, EPOLL_CTL_ADD, relay->listener, &event) != 0) {
        perror("bench-relay: listen");
        exit(EXIT_FAILURE);
    }
}

static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int count, char **arguments)
{
    struct epoll_event events[EVENTS];
    struct relay *relay = calloc(1, sizeof *relay);
    long port = count == 3 && strcmp(arguments[1], "-p") == 0 ? strtol(arguments[2], NULL, 10) : 0;
    if (relay == NULL || port < 1 || port > UINT16_MAX) {
        fputs("usage: bench-relay -p PORT\n", stderr);
        return EXIT_FAILURE;
    }
    raise_file_limit();
    start(relay, (uint16_t)port);
    for (;;) {
        int ready = epoll_wait(relay->epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            handle_event(relay, events[i].data.ptr, events[i].events);
        }
        end_turn(relay);
    }
}
