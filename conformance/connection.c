#include "connection.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "result.h"

#define RAW_SIZE 65536U
#define HEAD_LIMIT 16384U /* of the answer to the upgrade */
#define CLOSE_NORMAL 1000U

/* Bytes that wait; those before `start` are gone. */
struct waiting {
    uint8_t *data;
    size_t start;
    size_t end;
    size_t capacity;
};

struct connection {
    int socket;
    struct tls *tls; /* NULL: none */
    bool websocket;
    struct websocket_answer answer;
    struct websocket_reader reader;
    struct waiting input; /* read below WebSocket, not yet taken apart */
    struct waiting output;
    size_t frame_size; /* 0: no limit */
    bool fragmented;
    bool told_to_close; /* the server has sent a Close frame */
    bool said_farewell; /* we have */
    unsigned close_code;
    char farewell[200];
    char description[400];
};

/* ---- Bytes that wait ----------------------------------------------------------------------------- */

static size_t waiting_length(const struct waiting *waiting)
{
    return waiting->end - waiting->start;
}

static uint8_t *waiting_room(struct waiting *waiting, size_t size)
{
    if (waiting->start == waiting->end)
        waiting->start = waiting->end = 0;
    if (waiting->end + size > waiting->capacity) {
        waiting->capacity = (waiting->end + size) * 2;
        waiting->data = grow(waiting->data, waiting->capacity, 1);
    }
    return waiting->data + waiting->end;
}

static uint8_t *waiting_append(struct waiting *waiting, const void *data, size_t size)
{
    uint8_t *room = waiting_room(waiting, size);
    if (size > 0)
        memcpy(room, data, size);
    waiting->end += size;
    return room;
}

/* ---- Below WebSocket ----------------------------------------------------------------------------- */

static ssize_t read_below(struct connection *connection, void *buffer, size_t size)
{
    const char *farewell = NULL;
    ssize_t got = connection->tls == NULL ? transport_read(connection->socket, buffer, size)
                                          : tls_read(connection->tls, buffer, size, &farewell);
    if (got == 0 && farewell != NULL && connection->farewell[0] == '\0')
        snprintf(connection->farewell, sizeof connection->farewell, "%s", farewell);
    return got;
}

static ssize_t write_below(struct connection *connection, const void *data, size_t size)
{
    return connection->tls == NULL ? transport_write(connection->socket, data, size)
                                   : tls_write(connection->tls, data, size);
}

size_t connection_unsent(const struct connection *connection)
{
    return waiting_length(&connection->output);
}

ssize_t connection_flush(struct connection *connection)
{
    struct waiting *output = &connection->output;
    ssize_t left = 0;
    while (output->start < output->end) {
        ssize_t written = write_below(connection, output->data + output->start, waiting_length(output));
        if (written < 0)
            return left > 0 ? left : written;
        output->start += (size_t)written;
        left += written;
    }
    return left;
}

/* ---- Opening ------------------------------------------------------------------------------------- */

static double seconds_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Reads once more below WebSocket, waiting until `limit`; false at the end of the stream or of the time. */
static bool read_more(struct connection *connection, double limit)
{
    struct pollfd wait = {.fd = connection->socket, .events = POLLIN};
    for (;;) {
        uint8_t *room = waiting_room(&connection->input, RAW_SIZE);
        ssize_t got = read_below(connection, room, RAW_SIZE);
        if (got > 0) {
            connection->input.end += (size_t)got;
            return true;
        }
        double left = limit - seconds_now();
        if (got != TRANSPORT_WOULD_BLOCK || left <= 0)
            return false;
        (void)poll(&wait, 1, (int)(left * 1000) + 1);
    }
}

static void judge_head(struct connection *connection, size_t length, const char *key)
{
    char head[HEAD_LIMIT + 1];
    memcpy(head, connection->input.data + connection->input.start, length);
    head[length] = '\0';
    connection->input.start += length;
    websocket_judge_answer(&connection->answer, head, length, key);
}

/* The opening handshake of RFC 6455. False: there was no answer. */
static bool upgrade(struct connection *connection, const struct connection_wishes *wishes, double limit)
{
    char key[WEBSOCKET_KEY_SIZE];
    char host[300];
    char request[2048];
    bool brackets = strchr(wishes->host, ':') != NULL;
    struct waiting *input = &connection->input;
    size_t length = 0;
    snprintf(host, sizeof host, "%s%s%s:%s", brackets ? "[" : "", wishes->host, brackets ? "]" : "",
             wishes->port);
    websocket_make_key(key);
    if (!websocket_write_request(request, sizeof request, host, wishes->path, key, wishes->subprotocols))
        return false;
    connection_queue_raw(connection, request, strlen(request));
    (void)connection_flush(connection); /* a request always fits into an empty socket buffer */
    while (length == 0 && waiting_length(input) < HEAD_LIMIT) {
        if (!read_more(connection, limit))
            return false;
        length = websocket_head_length(input->data + input->start, waiting_length(input));
    }
    if (length == 0 || length > HEAD_LIMIT)
        return false;
    judge_head(connection, length, key);
    return true;
}

static void describe(struct connection *connection, const struct connection_wishes *wishes)
{
    char layers[120] = "TCP";
    if (connection->tls != NULL)
        tls_describe(connection->tls, layers, sizeof layers);
    if (!connection->websocket)
        snprintf(connection->description, sizeof connection->description, "%s", layers);
    else if (!connection->answer.accepted)
        snprintf(connection->description, sizeof connection->description, "%s; %.100s: %s", layers,
                 wishes->path, connection->answer.problem);
    else
        snprintf(connection->description, sizeof connection->description,
                 "%s, WebSocket at %.100s, subprotocol %s", layers, wishes->path,
                 connection->answer.chosen ? connection->answer.subprotocol : "none");
}

struct connection *connection_open(const struct connection_wishes *wishes, double seconds, char *problem,
                                   size_t size)
{
    double limit = seconds_now() + seconds;
    int socket = transport_connect(wishes->host, wishes->port, seconds, problem, size);
    if (socket < 0)
        return NULL;
    struct connection *connection = allocate(1, sizeof *connection);
    *connection = (struct connection){.socket = socket, .websocket = wishes->path != NULL};
    if (wishes->tls != NULL) {
        connection->tls = tls_open(wishes->tls, socket, wishes->host, limit - seconds_now(), problem, size);
        if (connection->tls == NULL) {
            connection_close(connection, CONNECTION_ABRUPT);
            return NULL;
        }
    }
    if (connection->websocket && !upgrade(connection, wishes, limit))
        snprintf(connection->answer.problem, sizeof connection->answer.problem,
                 "no answer to the request for a WebSocket");
    describe(connection, wishes);
    return connection;
}

/* ---- Reading ------------------------------------------------------------------------------------- */

int connection_socket(const struct connection *connection)
{
    return connection->socket;
}

bool connection_has_more(const struct connection *connection)
{
    return waiting_length(&connection->input) > 0 ||
           (connection->tls != NULL && tls_has_more(connection->tls));
}

static void queue_frame(struct connection *connection, uint8_t first, const void *data, size_t size)
{
    uint8_t mask[4];
    uint8_t header[WEBSOCKET_HEADER_LIMIT];
    websocket_make_mask(mask);
    size_t length = websocket_write_header(header, first, size, mask);
    waiting_append(&connection->output, header, length);
    websocket_mask(waiting_append(&connection->output, data, size), size, mask);
}

static void say_farewell(struct connection *connection, unsigned code)
{
    const uint8_t payload[] = {(uint8_t)(code >> 8), (uint8_t)code};
    if (!connection->said_farewell)
        queue_frame(connection, WEBSOCKET_FIN | WEBSOCKET_CLOSE, payload, code == 0 ? 0 : sizeof payload);
    connection->said_farewell = true;
    (void)connection_flush(connection);
}

/* A control frame of the server. A Ping is answered; a Close frame is answered, too, and is the end. */
static void react(struct connection *connection)
{
    const struct websocket_reader *reader = &connection->reader;
    if (reader->opcode == WEBSOCKET_PING) {
        queue_frame(connection, WEBSOCKET_FIN | WEBSOCKET_PONG, reader->control, reader->control_length);
        (void)connection_flush(connection);
    }
    if (reader->opcode != WEBSOCKET_CLOSE)
        return;
    connection->told_to_close = true;
    connection->close_code = websocket_close_code(reader->control, reader->control_length);
    size_t reason = reader->control_length > 2 ? reader->control_length - 2 : 0;
    int made = snprintf(connection->farewell, sizeof connection->farewell,
                        connection->close_code == 0 ? "Close frame without a code" : "Close frame, code %u",
                        connection->close_code);
    if (reason > 0)
        snprintf(connection->farewell + made, sizeof connection->farewell - (size_t)made, ", \"%.*s\"",
                 (int)reason, (const char *)reader->control + 2);
    say_farewell(connection, connection->close_code);
}

/* Takes apart what waits; TRANSPORT_WOULD_BLOCK: there is no data in it. */
static ssize_t read_frames(struct connection *connection, void *buffer, size_t size)
{
    struct waiting *input = &connection->input;
    while (waiting_length(input) > 0) {
        const uint8_t *payload = NULL;
        size_t payload_length = 0;
        const uint8_t *data = input->data + input->start;
        size_t length = waiting_length(input) < size ? waiting_length(input) : size;
        enum websocket_event event =
            websocket_read(&connection->reader, &data, &length, &payload, &payload_length);
        input->start = (size_t)(data - input->data);
        if (event == WEBSOCKET_VIOLATION) {
            snprintf(connection->farewell, sizeof connection->farewell, "%s", connection->reader.problem);
            return CONNECTION_VIOLATED;
        }
        if (event == WEBSOCKET_CONTROL)
            react(connection);
        if (connection->told_to_close)
            return 0;
        if (event == WEBSOCKET_DATA) {
            memcpy(buffer, payload, payload_length);
            return (ssize_t)payload_length;
        }
    }
    return TRANSPORT_WOULD_BLOCK;
}

ssize_t connection_read(struct connection *connection, void *buffer, size_t size)
{
    if (!connection->websocket)
        return read_below(connection, buffer, size);
    if (connection->told_to_close || !connection->answer.accepted)
        return 0;
    ssize_t taken = read_frames(connection, buffer, size);
    while (taken == TRANSPORT_WOULD_BLOCK) {
        uint8_t *room = waiting_room(&connection->input, RAW_SIZE);
        ssize_t got = read_below(connection, room, RAW_SIZE);
        if (got == 0 && connection->farewell[0] == '\0')
            snprintf(connection->farewell, sizeof connection->farewell, "without a Close frame");
        if (got <= 0)
            return got;
        connection->input.end += (size_t)got;
        taken = read_frames(connection, buffer, size);
    }
    return taken;
}

const char *connection_farewell(const struct connection *connection)
{
    return connection->farewell;
}

bool connection_got_text(const struct connection *connection)
{
    return connection->reader.text;
}

/* ---- Writing ------------------------------------------------------------------------------------- */

void connection_queue_raw(struct connection *connection, const void *data, size_t size)
{
    waiting_append(&connection->output, data, size);
}

void connection_queue(struct connection *connection, const void *data, size_t size)
{
    const uint8_t *at = data;
    if (!connection->websocket) {
        connection_queue_raw(connection, data, size);
        return;
    }
    for (bool first = true; size > 0; first = false) {
        size_t part =
            connection->frame_size == 0 || size < connection->frame_size ? size : connection->frame_size;
        uint8_t final = !connection->fragmented || part == size ? WEBSOCKET_FIN : 0;
        uint8_t opcode = connection->fragmented && !first ? WEBSOCKET_CONTINUATION : WEBSOCKET_BINARY;
        queue_frame(connection, final | opcode, at, part);
        at += part;
        size -= part;
    }
}

void connection_cut(struct connection *connection, size_t frame_size, bool fragmented)
{
    connection->frame_size = frame_size;
    connection->fragmented = fragmented;
}

/* ---- The end ------------------------------------------------------------------------------------- */

static void say_all_farewells(struct connection *connection)
{
    if (connection->websocket && connection->answer.accepted)
        say_farewell(connection, CLOSE_NORMAL);
    if (connection->tls != NULL)
        tls_finish_sending(connection->tls);
}

void connection_part(struct connection *connection, enum connection_end how)
{
    if (how == CONNECTION_IN_ORDER)
        say_all_farewells(connection);
    transport_finish_sending(connection->socket);
}

void connection_close(struct connection *connection, enum connection_end how)
{
    if (how == CONNECTION_IN_ORDER)
        say_all_farewells(connection);
    tls_destroy(connection->tls);
    transport_close(connection->socket, how == CONNECTION_RESET);
    free(connection->input.data);
    free(connection->output.data);
    free(connection);
}

void connection_finish_sending(struct connection *connection)
{
    if (connection->tls != NULL)
        tls_finish_sending(connection->tls);
    transport_finish_sending(connection->socket);
}

bool connection_is_gone(struct connection *connection)
{
    uint8_t dropped[4096];
    ssize_t got;
    do {
        got = read_below(connection, dropped, sizeof dropped);
    } while (got > 0);
    return got != TRANSPORT_WOULD_BLOCK;
}

/* ---- Telling ------------------------------------------------------------------------------------- */

const char *connection_description(const struct connection *connection)
{
    return connection->description;
}

const struct websocket_answer *connection_answer(const struct connection *connection)
{
    return connection->websocket ? &connection->answer : NULL;
}

unsigned connection_frames(const struct connection *connection)
{
    return connection->reader.data_frames;
}

bool connection_was_told_to_close(const struct connection *connection, unsigned *code)
{
    *code = connection->close_code;
    return connection->told_to_close;
}
