/* Sockets: opening, gathering of output, cutting the input into packets. */
#include "load.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <netinet/tcp.h>
#include <unistd.h>

enum { TURN_MILLISECONDS = 100, LEAVE_MILLISECONDS = 5000, EVENTS = 512, SOURCE_ADDRESSES = 50 };
enum { SMALLEST_BUFFER = 128, CONNECT_SIZE = 128 };

static void buffer_reserve(struct buffer *buffer, size_t more)
{
    if (buffer->capacity - buffer->length >= more) {
        return;
    }
    size_t capacity = buffer->capacity > 0 ? buffer->capacity : SMALLEST_BUFFER;
    while (capacity - buffer->length < more) {
        capacity *= 2;
    }
    buffer->bytes = realloc(buffer->bytes, capacity);
    if (buffer->bytes == NULL) {
        abort();
    }
    buffer->capacity = capacity;
}

static void buffer_release(struct buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct buffer){0};
}

/* The loopback net has 16 million addresses: with several of them as source the ports do not run out. */
static void bind_source(const struct connection *connection, int fd)
{
    uint32_t host = ntohl(connection->load->address.sin_addr.s_addr);
    if (host >> 24 != 127) {
        return;
    }
    struct sockaddr_in source = {.sin_family = AF_INET};
    source.sin_addr.s_addr = htonl((UINT32_C(127) << 24) + 2 + connection->number % SOURCE_ADDRESSES);
    int on = 1;
    (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)&source, sizeof source) != 0) {
        load_fail(connection->load, "bind: %s", strerror(errno));
    }
}

static void watch(struct connection *connection, int operation, bool output)
{
    uint32_t events = output ? EPOLLIN | EPOLLOUT : EPOLLIN;
    struct epoll_event event = {.events = events, .data = {.ptr = connection}};
    connection->watches_output = output;
    if (epoll_ctl(connection->load->epoll, operation, connection->fd, &event) != 0) {
        load_fail(connection->load, "epoll_ctl: %s", strerror(errno));
    }
}

static ssize_t socket_send(struct connection *connection, const uint8_t *bytes, size_t size)
{
    return connection->tls != NULL ? tls_send(connection, bytes, size)
                                   : send(connection->fd, bytes, size, MSG_NOSIGNAL);
}

static ssize_t socket_receive(struct connection *connection, uint8_t *to, size_t size)
{
    return connection->tls != NULL ? tls_receive(connection, to, size) : recv(connection->fd, to, size, 0);
}

/* Something is left to send, and room in the socket is what it waits for. */
static bool waits_for_room(const struct connection *connection)
{
    bool handshake = connection->tls != NULL && tls_waits_for_input(connection);
    return connection->output.length > 0 && !handshake;
}

/* Sends what the socket takes; empties the buffer when that was all. */
static void connection_send(struct connection *connection)
{
    struct buffer *output = &connection->output;
    ssize_t sent = socket_send(connection, output->bytes + connection->output_sent,
                               output->length - connection->output_sent);
    if (sent < 0 && errno != EAGAIN) {
        load_fail(connection->load, "send on connection %u: %s", connection->number, strerror(errno));
        return;
    }
    connection->output_sent += sent > 0 ? (size_t)sent : 0;
    if (connection->output_sent == output->length) {
        output->length = 0;
        connection->output_sent = 0;
    }
}

static void make_known(struct connection *connection)
{
    if (!connection->known) {
        connection->known = true;
        connection->next_known = connection->load->known;
        connection->load->known = connection;
    }
}

void connection_open(struct connection *connection, const char *client_identifier)
{
    struct load *load = connection->load;
    int on = 1;
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->fd < 0) {
        load_fail(load, "socket: %s", strerror(errno));
        return;
    }
    connection->state = CONNECTION_OPENING;
    make_known(connection);
    bind_source(connection, connection->fd);
    (void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const struct sockaddr *address = (const struct sockaddr *)&load->address;
    if (connect(connection->fd, address, sizeof load->address) != 0 && errno != EINPROGRESS) {
        load_fail(load, "connect: %s", strerror(errno));
        return;
    }
    if (load->tls != NULL) {
        tls_open(connection);
    }
    buffer_reserve(&connection->output, CONNECT_SIZE);
    uint8_t *to = connection->output.bytes + connection->output.length;
    connection->output.length +=
        write_connect(to, load->options.mqtt5, connection->durable, client_identifier);
    /* On loopback the connection mostly stands when connect() returns: no wake-up need say so. */
    connection_send(connection);
    watch(connection, EPOLL_CTL_ADD, waits_for_room(connection));
}

void connections_release(struct load *load)
{
    for (struct connection *connection = load->known; connection != NULL;
         connection = connection->next_known) {
        buffer_release(&connection->output);
        buffer_release(&connection->partial);
        tls_forget(connection);
    }
    load->known = NULL;
}

void connection_close(struct connection *connection)
{
    if (connection->tls != NULL) {
        tls_close(connection);
    }
    close(connection->fd);
    connection->load->ready -= connection->state == CONNECTION_READY ? 1 : 0;
    connection->state = CONNECTION_CLOSED;
    connection->fd = -1;
    connection->output.length = 0;
    connection->output_sent = 0;
    connection->partial.length = 0;
}

void connection_leave(struct connection *connection)
{
    struct pollfd socket = {.fd = connection->fd, .events = POLLIN};
    size_t size = write_disconnect(connection_gather(connection, 2));
    connection_ungather(connection, 2 - size);
    connection_flush(connection);
    while (poll(&socket, 1, LEAVE_MILLISECONDS) == 1) {
        ssize_t received = socket_receive(connection, connection->load->input, READ_SIZE);
        if (received == 0 || (received < 0 && errno != EAGAIN)) {
            connection_close(connection);
            return;
        }
    }
    load_fail(connection->load, "a DISCONNECT did not end the connection");
}

uint8_t *connection_gather(struct connection *connection, size_t size)
{
    buffer_reserve(&connection->output, size);
    uint8_t *room = connection->output.bytes + connection->output.length;
    connection->output.length += size;
    if (!connection->dirty) {
        connection->dirty = true;
        connection->next_dirty = connection->load->dirty;
        connection->load->dirty = connection;
    }
    return room;
}

void connection_ungather(struct connection *connection, size_t size)
{
    connection->output.length -= size;
}

void connection_flush(struct connection *connection)
{
    if (connection->state == CONNECTION_CLOSED || connection->output.length == 0) {
        return;
    }
    connection_send(connection);
    bool waits = waits_for_room(connection);
    if (connection->watches_output != waits) {
        watch(connection, EPOLL_CTL_MOD, waits);
    }
}

static void flush_dirty(struct load *load)
{
    while (load->dirty != NULL) {
        struct connection *connection = load->dirty;
        load->dirty = connection->next_dirty;
        connection->dirty = false;
        if (!connection->watches_output) {
            connection_flush(connection);
        }
    }
}

static void handle_connack(struct connection *connection, const struct packet *packet)
{
    bool accepted = (packet->first & 0xF0) == CONNACK && packet->length >= 2 && packet->body[1] == 0;
    if (!accepted) {
        load_fail(connection->load, "connection %u was refused", connection->number);
        return;
    }
    connection->session_present = (packet->body[0] & 0x01) != 0;
    connection->state = CONNECTION_READY;
    connection->load->ready++;
    /* Thousands of clients that stay idle need no output buffer here either. */
    buffer_release(&connection->output);
    if (connection->events->ready != NULL) {
        connection->events->ready(connection);
    }
}

/* Reads the fixed header at `from`; returns its length, or 0 while the packet is incomplete. */
static size_t packet_header(const uint8_t *from, size_t available, struct packet *packet)
{
    uint32_t length = 0;
    for (size_t at = 1; at < available && at < 5; at++) {
        length |= (uint32_t)(from[at] & 0x7F) << (7 * (at - 1));
        if ((from[at] & 0x80) == 0) {
            *packet = (struct packet){.first = from[0], .length = length, .body = from + at + 1};
            return available - at - 1 >= length ? at + 1 : 0;
        }
    }
    return 0;
}

/* Hands out all complete packets; returns how many bytes they took. */
static size_t take_packets(struct connection *connection, const uint8_t *from, size_t available)
{
    struct packet packet;
    size_t taken = 0;
    for (;;) {
        size_t header = packet_header(from + taken, available - taken, &packet);
        if (header == 0) {
            return taken;
        }
        taken += header + packet.length;
        if (connection->state == CONNECTION_READY) {
            connection->events->packet(connection, &packet);
        } else {
            handle_connack(connection, &packet);
        }
        if (connection->state != CONNECTION_READY) {
            return available;
        }
    }
}

static void connection_read(struct connection *connection)
{
    struct load *load = connection->load;
    struct buffer *partial = &connection->partial;
    size_t kept = partial->length;
    if (kept > 0) {
        memcpy(load->input, partial->bytes, kept);
    }
    ssize_t received = socket_receive(connection, load->input + kept, READ_SIZE - kept);
    if (received < 0 && errno == EAGAIN) {
        return;
    }
    if (received <= 0) {
        load_fail(load, "connection %u was closed by the broker", connection->number);
        return;
    }
    size_t available = kept + (size_t)received;
    partial->length = 0;
    size_t taken = take_packets(connection, load->input, available);
    if (taken < available) {
        buffer_reserve(partial, available - taken);
        memcpy(partial->bytes, load->input + taken, available - taken);
        partial->length = available - taken;
    }
}

/* The CONNECT goes as soon as TLS lets it: SSL_write() has to be asked again. */
static void continue_handshake(struct connection *connection)
{
    bool waits = connection->tls != NULL && connection->state == CONNECTION_WAITS_FOR_CONNACK;
    if (waits && !load_failed(connection->load)) {
        connection_flush(connection);
    }
}

static void connection_opened(struct connection *connection)
{
    int error = 0;
    socklen_t size = sizeof error;
    (void)getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
        load_fail(connection->load, "connect: %s", strerror(error));
        return;
    }
    connection->state = CONNECTION_WAITS_FOR_CONNACK;
}

static void handle_event(struct connection *connection, uint32_t events)
{
    if (connection->state == CONNECTION_CLOSED) {
        return;
    }
    if (connection->state == CONNECTION_OPENING) {
        connection_opened(connection);
    }
    if ((events & EPOLLOUT) != 0 && !load_failed(connection->load)) {
        connection_flush(connection);
    }
    if ((events & ~(uint32_t)EPOLLOUT) != 0 && !load_failed(connection->load)) {
        connection_read(connection);
        continue_handshake(connection);
    }
}

bool load_turn(struct load *load)
{
    struct epoll_event events[EVENTS];
    if (load_failed(load)) {
        return false;
    }
    flush_dirty(load);
    int count = epoll_wait(load->epoll, events, EVENTS, TURN_MILLISECONDS);
    load->now = clock_now();
    for (int i = 0; i < count; i++) {
        handle_event(events[i].data.ptr, events[i].events);
    }
    if (load->now > load->deadline) {
        load_fail(load, "deadline");
    }
    return !load_failed(load);
}
