#include "test.h"

#include <assert.h>
#include <ctype.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "connection.h"
#include "record.h"
#include "verdicts.h"

#define READ_SIZE 16384U /* bytes, at least, that are read at a time */
#define SMALL_RECEIVE_BUFFER (16 * 1024)
#define LARGE_RECEIVE_BUFFER (4 * 1024 * 1024)
#define CLIENT_LIMIT 4096U /* clients of one test */
#define SHORT_WAIT 20      /* milliseconds for which records may be held back */
#define LEAVE_LIMIT 1.0    /* seconds that a server is given to close its side, too */

/* ---- The exchange, for the report ---------------------------------------------------------------- */

/* An entry that is kept back. */
struct kept_entry {
    double time;
    enum direction direction;
    const char *text;
    struct bytes bytes;
    struct kept_entry *next;
};

static void keep(struct client *client, enum direction direction, const char *what, struct bytes bytes)
{
    struct test *t = client->test;
    struct kept_entry *entry = test_allocate(t, sizeof *entry);
    uint8_t *copy = test_allocate(t, bytes.length);
    if (bytes.length > 0)
        memcpy(copy, bytes.data, bytes.length);
    *entry = (struct kept_entry){now(t), direction, what, bytes_of(copy, bytes.length), NULL};
    if (client->kept_last == NULL)
        client->kept = entry;
    else
        client->kept_last->next = entry;
    client->kept_last = entry;
}

static void record(struct client *client, enum direction direction, const char *what, struct bytes bytes)
{
    struct test *t = client->test;
    if (client->connected_with.kept_back)
        keep(client, direction, what, bytes);
    else
        record_exchange(t, now(t), direction, client->version, client->name, what, bytes);
}

void reveal(struct client *client)
{
    for (const struct kept_entry *entry = client->kept; entry != NULL; entry = entry->next)
        record_exchange(client->test, entry->time, entry->direction, client->version, client->name,
                        entry->text, entry->bytes);
    client->kept = NULL;
    client->kept_last = NULL;
    client->connected_with.kept_back = false;
}

static void record_event(struct client *client, const char *what)
{
    record(client, DIRECTION_EVENT, what, bytes_of(NULL, 0));
}

/* ---- Arrival ------------------------------------------------------------------------------------- */

static void mark_closed(struct client *client, bool reset)
{
    client->closed = true;
    client->reset = reset;
    client->closed_at = now(client->test);
    const char *farewell = connection_farewell(client->connection);
    record_event(client, reset ? "connection reset by the server"
                         : farewell[0] == '\0'
                             ? "connection closed by the server"
                             : text(client->test, "connection closed by the server: %s", farewell));
}

/* The server broke the WebSocket protocol. What is no rule of MQTT is nothing to be failed for; but the test
 * cannot go on. */
_Noreturn static void end_violated(struct client *client)
{
    struct test *t = client->test;
    const char *fault = connection_farewell(client->connection);
    if (connection_got_text(client->connection))
        fail_statement(t, MQTT_6_0_0_1, MQTT3_6_0_0_1, "MQTT in binary frames", "the server sends %s to %s",
                       fault, client->name);
    error(t, "the server breaks the WebSocket protocol (RFC 6455): %s to %s", fault, client->name);
}

/* A packet of the server breaks a rule; nothing behind it can be trusted. */
static void reject(struct client *client, struct verdict verdict)
{
    struct test *t = client->test;
    const char *observed =
        text(t, "byte %u of a packet to %s: %s", verdict.offset, client->name, verdict.what);
    if (client->connected_with.forgiving) {
        client->nonsense = observed;
        client->nonsense_of = verdict.statement;
        client->reading = false;
        return;
    }
    reveal(client);
    test_finish(t, VERDICT_FAIL, verdict.statement,
                text(t, "the server sent a packet that breaks a rule: %s", observed),
                "a well-formed packet that a server may send", observed);
}

/* A server that does not speak the version of the CONNECT answers in the form of the one it speaks: a
 * CONNACK of 3.1.1 with return code 1 to 5, which is no malformed CONNACK of 5.0. */
static bool decode_old_refusal(struct received *received)
{
    const uint8_t *bytes = received->bytes.data;
    if (received->bytes.length != 4 || bytes[0] != 0x20 || bytes[3] == 0 || bytes[3] > 5)
        return false;
    return !packet_decode(&received->packet, PROTOCOL_3_1_1, SENDER_SERVER, received->bytes, NULL).refused;
}

/* What a session may be left by, besides a wish for it. */
static void learn_from_connack(struct client *client, const struct connack *connack)
{
    struct bytes assigned = properties_bytes(&connack->properties, ORDINAL_ASSIGNED_CLIENT_IDENTIFIER);
    uint32_t expiry =
        properties_number(&connack->properties, ORDINAL_SESSION_EXPIRY_INTERVAL, client->lasting);
    const char *identifier = client->client_identifier;
    if (client->version != PROTOCOL_5_0 || connack->reason_code != 0 || expiry == 0)
        return;
    if (assigned.data != NULL)
        identifier = text(client->test, "%.*s", (int)assigned.length, (const char *)assigned.data);
    if (client->connected_with.broker == NULL && !client->test->finished)
        leave_session(client->test, identifier);
}

static void enqueue(struct client *client, const uint8_t *data, size_t size)
{
    struct test *t = client->test;
    struct received *received = test_allocate(t, sizeof *received);
    uint8_t *copy = test_allocate(t, size);
    memcpy(copy, data, size);
    received->bytes = bytes_of(copy, size);
    received->time = now(t);
    record(client, DIRECTION_RECEIVED, "", received->bytes);
    struct verdict verdict =
        packet_decode(&received->packet, client->version, SENDER_SERVER, received->bytes, NULL);
    if (verdict.refused && (client->connack != NULL || !decode_old_refusal(received))) {
        reject(client, verdict);
        return;
    }
    if (received->packet.type == PACKET_CONNACK && client->connack == NULL) {
        client->connack = received;
        learn_from_connack(client, &received->packet.connack);
    }
    if (client->inbox_last == NULL)
        client->inbox = received;
    else
        client->inbox_last->next = received;
    client->inbox_last = received;
}

/* Takes all whole packets out of the input. */
static void split_input(struct client *client)
{
    size_t at = 0;
    while (at < client->input_length && client->nonsense == NULL) {
        size_t size = 0;
        struct verdict verdict = accept();
        struct bytes rest = bytes_of(client->input + at, client->input_length - at);
        enum framing framing = packet_frame(rest, client->version, 0, &size, &verdict);
        if (framing == FRAMING_REFUSED) {
            record(client, DIRECTION_RECEIVED, "", rest);
            reject(client, verdict);
        }
        if (framing != FRAMING_COMPLETE)
            break;
        enqueue(client, rest.data, size);
        at += size;
    }
    if (at > 0) /* else a large packet would be moved with each part of it */
        memmove(client->input, client->input + at, client->input_length - at);
    client->input_length -= at;
}

/* Most clients get little, and there are many of them; the others get more room each time. */
static void make_room(struct client *client)
{
    if (client->input_capacity - client->input_length >= READ_SIZE)
        return;
    client->input_capacity = (client->input_length + READ_SIZE) * 2;
    client->input = grow(client->input, client->input_capacity, 1);
}

static void read_once(struct client *client)
{
    make_room(client);
    size_t room = client->input_capacity - client->input_length;
    ssize_t got = connection_read(client->connection, client->input + client->input_length, room);
    if (got == TRANSPORT_WOULD_BLOCK || (got > 0 && client->leaving))
        return;
    if (client->leaving) {
        client->closed = true; /* of which nobody need be told: we were first */
        return;
    }
    if (got == CONNECTION_VIOLATED)
        end_violated(client);
    if (got <= 0) {
        mark_closed(client, got == TRANSPORT_BROKEN);
        return;
    }
    client->input_length += (size_t)got;
    split_input(client);
}

/* Reads what has come; of that, poll cannot see what TLS or WebSocket hold back. */
static void read_connection(struct client *client)
{
    do {
        read_once(client);
    } while (!client->closed && client->reading && connection_has_more(client->connection));
}

static int milliseconds_until(struct test *t, double moment)
{
    double left = (moment - now(t)) * 1000.0;
    return left <= 0 ? 0 : left > 60000.0 ? 60000 : (int)left + 1;
}

/* Answers mostly come at once, and the runner need not hear of each packet before the next. */
static int wait_for_any(struct test *t, struct pollfd *waits, nfds_t count, int milliseconds)
{
    if (milliseconds <= SHORT_WAIT)
        return poll(waits, count, milliseconds);
    int ready = poll(waits, count, SHORT_WAIT);
    if (ready != 0)
        return ready;
    record_flush(t);
    return poll(waits, count, milliseconds - SHORT_WAIT);
}

/* Reads what arrives at any client until something did, `writer` can be written to, or `moment` has come. */
static void pump(struct test *t, double moment, const struct client *writer)
{
    struct pollfd waits[CLIENT_LIMIT];
    struct client *clients[CLIENT_LIMIT];
    nfds_t count = 0;
    for (struct client *client = t->clients; client != NULL && count < CLIENT_LIMIT; client = client->next) {
        if (client->connection == NULL || client->closed)
            continue;
        bool writing = client == writer || connection_unsent(client->connection) > 0;
        short events = (short)((client->reading ? POLLIN : 0) | (writing ? POLLOUT : 0));
        if (events == 0)
            continue;
        clients[count] = client;
        waits[count++] = (struct pollfd){.fd = connection_socket(client->connection), .events = events};
    }
    if (wait_for_any(t, waits, count, milliseconds_until(t, moment)) <= 0)
        return;
    for (nfds_t i = 0; i < count; i++) {
        if ((waits[i].revents & POLLOUT) != 0 && clients[i] != writer)
            (void)connection_flush(clients[i]->connection); /* reading tells when it is broken */
        if ((waits[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && clients[i]->reading)
            read_connection(clients[i]);
    }
}

void wait_until(struct test *t, double moment)
{
    while (now(t) < moment)
        pump(t, moment, NULL);
}

/* ---- Receiving ----------------------------------------------------------------------------------- */

/* Takes the first acceptable packet out of the inbox. `*seen` is the last packet looked at, so that a long
 * inbox is not searched anew for each arrival. */
static const struct received *take_from_inbox(struct client *client, wanted_packet *wanted,
                                              const void *context, struct received **seen)
{
    struct received *before = *seen;
    struct received *at = before == NULL ? client->inbox : before->next;
    for (; at != NULL; before = at, at = at->next) {
        if (wanted != NULL && !wanted(&at->packet, context))
            continue;
        if (before == NULL)
            client->inbox = at->next;
        else
            before->next = at->next;
        if (client->inbox_last == at)
            client->inbox_last = before;
        return at;
    }
    *seen = before;
    return NULL;
}

enum outcome receive_matching(struct client *client, double moment, wanted_packet *wanted,
                              const void *context, const struct received **received)
{
    struct received *seen = NULL;
    for (;;) {
        *received = take_from_inbox(client, wanted, context, &seen);
        if (*received != NULL)
            return RECEIVED_PACKET;
        if (client->closed || client->connection == NULL || client->nonsense != NULL)
            return RECEIVED_CLOSED;
        if (now(client->test) >= moment)
            return RECEIVED_TIMEOUT;
        pump(client->test, moment, NULL);
    }
}

enum outcome receive_until(struct client *client, double moment, const struct received **received)
{
    return receive_matching(client, moment, NULL, NULL, received);
}

enum outcome receive(struct client *client, const struct received **received)
{
    return receive_until(client, now(client->test) + 2 * client->test->patience, received);
}

/* ---- Sending ------------------------------------------------------------------------------------- */

/* Sends what is queued. */
static bool send_queued(struct client *client)
{
    struct test *t = client->test;
    double limit = now(t) + t->patience * 2;
    while (!client->closed && connection_unsent(client->connection) > 0) {
        ssize_t written = connection_flush(client->connection);
        if (written == TRANSPORT_BROKEN) {
            read_connection(client); /* what the server said before it closed is still there to be read */
            if (!client->closed)
                mark_closed(client, true);
        } else if (written == TRANSPORT_WOULD_BLOCK) {
            if (now(t) > limit)
                error(t, "the server took no bytes from %s for %.0f s", client->name, t->patience * 2);
            pump(t, limit, client);
        } else {
            limit = now(t) + t->patience * 2;
        }
    }
    return !client->closed;
}

static void require_own_side(const struct client *client)
{
    if (client->connection == NULL)
        error(client->test, "the test sends on the connection of %s, which it closed itself", client->name);
}

static const char *copy_of(struct test *t, struct bytes bytes)
{
    return text(t, "%.*s", (int)bytes.length, (const char *)bytes.data);
}

/* A CONNECT that asks for a session, or has a will that is to be retained. One that the codec refuses may be taken
 * by a server that does not look as closely. */
static void foresee_from_connect(struct client *client, const struct packet *packet, bool refused)
{
    struct test *t = client->test;
    const struct connect *connect = &packet->connect;
    client->lasting =
        refused || (packet->version == PROTOCOL_5_0
                        ? properties_number(&connect->properties, ORDINAL_SESSION_EXPIRY_INTERVAL, 0) > 0
                        : !connect->clean_start);
    const char *identifier = refused ? client->client_identifier : copy_of(t, connect->client_identifier);
    if (client->lasting && identifier[0] != '\0')
        leave_session(t, identifier);
    if (!refused && connect->will.present && connect->will.retain)
        leave_retained(t, copy_of(t, connect->will.topic));
}

/* Remembers what the server may keep of what it is sent, whoever made the bytes. */
static void foresee_leftovers(struct client *client, struct bytes bytes)
{
    struct test *t = client->test;
    if (t->finished || client->connected_with.broker != NULL)
        return;
    while (bytes.length > 0) {
        size_t size = 0;
        struct packet packet;
        struct verdict verdict;
        if (packet_frame(bytes, client->version, 0, &size, &verdict) != FRAMING_COMPLETE)
            return;
        bool refused =
            packet_decode(&packet, client->version, SENDER_CLIENT, bytes_of(bytes.data, size), NULL).refused;
        if (bytes.data[0] >> 4 == PACKET_CONNECT)
            foresee_from_connect(client, &packet, refused);
        if (!refused && packet.type == PACKET_PUBLISH && packet.publish.retain &&
            packet.publish.topic.length > 0)
            leave_retained(t, copy_of(t, packet.publish.topic));
        bytes = bytes_of(bytes.data + size, bytes.length - size);
    }
}

bool send_more(struct client *client, const void *data, size_t count)
{
    require_own_side(client);
    if (!client->closed)
        connection_queue(client->connection, data, count);
    return send_queued(client);
}

bool send_bytes(struct client *client, const void *data, size_t count)
{
    require_own_side(client);
    foresee_leftovers(client, bytes_of(data, count));
    record(client, DIRECTION_SENT, "", bytes_of(data, count));
    return send_more(client, data, count);
}

static int hex_digit(char digit)
{
    const char *digits = "0123456789abcdef";
    const char *found = strchr(digits, tolower((unsigned char)digit));
    return found == NULL || digit == '\0' ? -1 : (int)(found - digits);
}

struct bytes template_bytes(struct test *t, const char *template)
{
    struct writer writer = writer_into(test_allocate(t, strlen(template) + 2), strlen(template) + 2);
    while (*template != '\0') {
        if (isspace((unsigned char)*template)) {
            template ++;
        } else if (*template == '{') {
            size_t length = strcspn(template + 1, "}");
            write_string(&writer, bytes_of(template + 1, length));
            template += length + 2;
        } else {
            int high = hex_digit(template[0]);
            int low = hex_digit(template[1]);
            if (high < 0 || low < 0)
                error(t, "the test's bytes are not hexadecimal: '%s'", template);
            write_byte(&writer, (uint8_t)(high * 16 + low));
            template += 2;
        }
    }
    assert(!writer.overflow);
    return bytes_of(writer.start, writer_size(&writer));
}

bool send_template(struct client *client, const char *template)
{
    struct bytes bytes = template_bytes(client->test, template);
    return send_bytes(client, bytes.data, bytes.length);
}

bool send_frame_template(struct client *client, const char *template)
{
    struct bytes bytes = template_bytes(client->test, template);
    require_own_side(client);
    record_event(client, text(client->test, "WebSocket bytes sent: %.160s", template));
    if (!client->closed)
        connection_queue_raw(client->connection, bytes.data, bytes.length);
    return send_queued(client);
}

bool send_hex(struct client *client, const char *hex)
{
    return send_template(client, hex);
}

bool send_packet(struct client *client, const struct packet *packet)
{
    struct test *t = client->test;
    struct packet own = *packet;
    if (own.version == PROTOCOL_UNKNOWN)
        own.version = client->version;
    size_t size = packet_encoded_size(&own);
    if (size == 0)
        error(t, "the test builds a packet that is larger than MQTT allows");
    struct writer writer = writer_into(test_allocate(t, size), size);
    if (packet_encode(&own, &writer) != size)
        error(t, "the encoder did not keep to its own size");
    return send_bytes(client, writer.start, size);
}

uint16_t next_packet_identifier(struct client *client)
{
    client->last_packet_identifier++;
    if (client->last_packet_identifier == 0) /* 0 is no identifier, 2.2.1 */
        client->last_packet_identifier = 1;
    return client->last_packet_identifier;
}

/* ---- Building packets ---------------------------------------------------------------------------- */

static void set_number(struct properties *properties, enum property_ordinal ordinal, int64_t number)
{
    if (number != ABSENT)
        properties_set_number(properties, ordinal, (uint32_t)number);
}

static void set_text(struct properties *properties, enum property_ordinal ordinal, const char *value)
{
    if (value != NULL)
        properties_set_bytes(properties, ordinal, bytes_of_text(value));
}

static void set_bytes(struct properties *properties, enum property_ordinal ordinal, struct bytes value)
{
    if (value.data != NULL)
        properties_set_bytes(properties, ordinal, value);
}

/* Puts the repeatable properties into the list, in wire form. */
static void set_repeated(struct test *t, struct properties *properties, const struct user_property *users,
                         int64_t subscription_identifier)
{
    size_t room = 8;
    for (size_t i = 0; users[i].name != NULL; i++)
        room += 8 + strlen(users[i].name) + strlen(users[i].value);
    struct writer writer = writer_into(test_allocate(t, room), room);
    for (size_t i = 0; users[i].name != NULL; i++) {
        properties_write_user_property(&writer, (struct string_pair){.name = bytes_of_text(users[i].name),
                                                                     .value = bytes_of_text(users[i].value)});
        properties_mark(properties, ORDINAL_USER_PROPERTY);
    }
    if (subscription_identifier != ABSENT) {
        properties_write_subscription_identifier(&writer, (uint32_t)subscription_identifier);
        properties_mark(properties, ORDINAL_SUBSCRIPTION_IDENTIFIER);
    }
    properties->repeated = bytes_of(writer.start, writer_size(&writer));
}

static struct bytes payload_of(const char *payload, struct bytes payload_bytes)
{
    return payload == NULL ? payload_bytes : bytes_of_text(payload);
}

static int64_t unless_zero(int64_t number)
{
    return number == 0 ? ABSENT : number;
}

static void build_will(struct test *t, struct will *will, const struct will_options *options)
{
    will->present = options->topic != NULL;
    if (!will->present)
        return;
    struct properties *properties = &will->properties;
    will->qos = (uint8_t)options->qos;
    will->retain = options->retain;
    will->topic = bytes_of_text(options->topic);
    will->payload = payload_of(options->payload, options->payload_bytes);
    set_number(properties, ORDINAL_WILL_DELAY_INTERVAL, unless_zero(options->delay_interval));
    set_number(properties, ORDINAL_MESSAGE_EXPIRY_INTERVAL, unless_zero(options->message_expiry_interval));
    set_number(properties, ORDINAL_PAYLOAD_FORMAT_INDICATOR, unless_zero(options->payload_format_indicator));
    set_text(properties, ORDINAL_CONTENT_TYPE, options->content_type);
    set_text(properties, ORDINAL_RESPONSE_TOPIC, options->response_topic);
    set_bytes(properties, ORDINAL_CORRELATION_DATA, options->correlation_data);
    set_repeated(t, properties, options->user_properties, ABSENT);
}

static void build_credentials(const struct test *t, struct connect *connect,
                              const struct connect_options *options)
{
    const struct target *target = t->target;
    const struct broker *broker = options->broker;
    bool own =
        options->user_name != NULL || options->password != NULL || options->password_bytes.data != NULL;
    if (options->anonymous)
        return;
    if (!own && target->has_user_name && broker == NULL) {
        connect->has_user_name = true;
        connect->user_name = bytes_of_text(target->user_name);
        connect->has_password = target->has_password;
        connect->password = bytes_of_text(target->password);
        return;
    }
    if (!own && broker != NULL && broker->user_name != NULL) {
        connect->has_user_name = true;
        connect->user_name = bytes_of_text(broker->user_name);
        connect->has_password = true;
        connect->password = bytes_of_text(broker->password);
        return;
    }
    connect->has_user_name = options->user_name != NULL;
    connect->user_name = options->user_name == NULL ? bytes_of(NULL, 0) : bytes_of_text(options->user_name);
    connect->has_password = options->password != NULL || options->password_bytes.data != NULL;
    connect->password = payload_of(options->password, options->password_bytes);
}

static void build_connect(struct client *client, struct packet *packet)
{
    struct test *t = client->test;
    const struct connect_options *options = &client->connected_with;
    struct connect *connect = &packet->connect;
    struct properties *properties = &connect->properties;
    *packet = (struct packet){.type = PACKET_CONNECT, .version = client->version};
    connect->clean_start = options->clean_start;
    connect->keep_alive = options->keep_alive;
    connect->client_identifier = bytes_of_text(client->client_identifier);
    build_credentials(t, connect, options);
    build_will(t, &connect->will, &options->will);
    set_number(properties, ORDINAL_SESSION_EXPIRY_INTERVAL, options->session_expiry_interval);
    set_number(properties, ORDINAL_RECEIVE_MAXIMUM, options->receive_maximum);
    set_number(properties, ORDINAL_MAXIMUM_PACKET_SIZE, options->maximum_packet_size);
    set_number(properties, ORDINAL_TOPIC_ALIAS_MAXIMUM, options->topic_alias_maximum);
    set_number(properties, ORDINAL_REQUEST_RESPONSE_INFORMATION, options->request_response_information);
    set_number(properties, ORDINAL_REQUEST_PROBLEM_INFORMATION, options->request_problem_information);
    set_text(properties, ORDINAL_AUTHENTICATION_METHOD, options->authentication_method);
    set_bytes(properties, ORDINAL_AUTHENTICATION_DATA, options->authentication_data);
    set_repeated(t, properties, options->user_properties, ABSENT);
}

/* ---- Connecting ---------------------------------------------------------------------------------- */

static struct client *make_client(struct test *t, const struct connect_options *options)
{
    struct client *client = test_allocate(t, sizeof *client);
    client->test = t;
    client->connected_with = *options;
    client->version = options->version == PROTOCOL_UNKNOWN ? t->version : options->version;
    client->reading = true;
    t->client_count++;
    if (options->name == NULL)
        snprintf(client->name, sizeof client->name, "client %u", t->client_count);
    else
        snprintf(client->name, sizeof client->name, "%s", options->name);
    client->client_identifier = options->client_identifier;
    if (client->client_identifier == NULL)
        client->client_identifier = client_id(t, text(t, "c%u", t->client_count));
    struct client **end = &t->clients;
    while (*end != NULL)
        end = &(*end)->next;
    *end = client;
    return client;
}

/* Where to, and through what. Brokers that the test starts speak what the target speaks (broker.h). */
static struct connection_wishes wishes_of(struct test *t, const struct connect_options *options)
{
    const struct target *target = t->target;
    const struct broker *broker = options->broker;
    const struct websocket_options *websocket = &options->websocket;
    struct connection_wishes wishes = {.host = broker == NULL ? target->host : "127.0.0.1",
                                       .port = broker == NULL ? target->port : text(t, "%u", broker->port),
                                       .tls = target->tls};
    if (!target->websocket)
        return wishes;
    wishes.path = websocket->path == NULL ? target->path : websocket->path;
    wishes.subprotocols = websocket->subprotocols == NULL ? "mqtt" : websocket->subprotocols;
    if (wishes.subprotocols[0] == '\0')
        wishes.subprotocols = NULL;
    return wishes;
}

struct client *client_request(struct test *t, const struct connect_options *options)
{
    char problem[256];
    struct client *client = make_client(t, options);
    if (options->broker == NULL && (t->definition->needs & (NEEDS_PROFILE | NEEDS_RESTART)) != 0)
        error(t, "the test starts brokers of its own, and must leave the target to others");
    if (t->client_count > CLIENT_LIMIT)
        error(t, "the test makes more than %u clients", CLIENT_LIMIT);
    struct connection_wishes wishes = wishes_of(t, options);
    client->connection = connection_open(&wishes, t->patience * 2, problem, sizeof problem);
    if (client->connection == NULL)
        error(t, "%s", problem);
    connection_cut(client->connection, options->websocket.frame_size, options->websocket.fragmented);
    record_event(client, text(t, "connection opened: %s", connection_description(client->connection)));
    return client;
}

/* Whether the server chose "mqtt" is judged by the tests of chapter 6 alone. */
struct client *client_open(struct test *t, const struct connect_options *options)
{
    struct client *client = client_request(t, options);
    const struct websocket_answer *answer = connection_answer(client->connection);
    if (answer != NULL && !answer->accepted)
        error(t, "%s", answer->problem);
    return client;
}

void send_own_connect(struct client *client)
{
    struct packet packet;
    build_connect(client, &packet);
    send_packet(client, &packet);
}

struct client *client_send_connect(struct test *t, const struct connect_options *options)
{
    struct client *client = client_open(t, options);
    send_own_connect(client);
    return client;
}

struct client *client_connect(struct test *t, const struct connect_options *options)
{
    struct client *client = client_send_connect(t, options);
    const struct received *received;
    enum outcome outcome = receive_until(client, now(t) + 2 * t->patience, &received);
    if (outcome != RECEIVED_PACKET)
        error(t, "set-up: %s got no CONNACK: %s", client->name, describe_state(client, outcome));
    if (received->packet.type != PACKET_CONNACK || received->packet.connack.reason_code != 0)
        error(t, "set-up: %s was not let in: %s", client->name, describe_packet(t, &received->packet));
    struct bytes assigned =
        properties_bytes(&received->packet.connack.properties, ORDINAL_ASSIGNED_CLIENT_IDENTIFIER);
    if (client->version == PROTOCOL_5_0 && assigned.data != NULL)
        client->client_identifier = text(t, "%.*s", (int)assigned.length, (const char *)assigned.data);
    return client;
}

void client_send_disconnect(struct client *client, const struct disconnect_options *options)
{
    struct packet packet = {.type = PACKET_DISCONNECT};
    packet.disconnect.reason_code = (uint8_t)options->reason_code;
    set_number(&packet.disconnect.properties, ORDINAL_SESSION_EXPIRY_INTERVAL,
               options->session_expiry_interval);
    set_text(&packet.disconnect.properties, ORDINAL_REASON_STRING, options->reason_string);
    send_packet(client, &packet);
}

/* Until the server has read to the end of the stream, and so knows: then it closes its side. */
static void await_other_side(struct client *client)
{
    struct test *t = client->test;
    double limit = now(t) + LEAVE_LIMIT + t->latency;
    client->leaving = true;
    while (!client->closed && now(t) < limit)
        pump(t, limit, NULL);
}

static void close_connection(struct client *client, enum connection_end how, const char *what)
{
    if (client->connection == NULL)
        return;
    record_event(client, what);
    if (how != CONNECTION_RESET && client->reading && !client->closed) {
        connection_part(client->connection, how);
        await_other_side(client);
        how = CONNECTION_ABRUPT;
    }
    connection_close(client->connection, how);
    client->connection = NULL;
}

void client_release(struct client *client)
{
    if (client->connection != NULL)
        connection_close(client->connection, CONNECTION_ABRUPT);
    client->connection = NULL;
    free(client->input);
    client->input = NULL;
}

void client_disconnect(struct client *client, const struct disconnect_options *options)
{
    client_send_disconnect(client, options);
    close_connection(client, CONNECTION_IN_ORDER, "connection closed by the client");
}

void close_abruptly(struct client *client)
{
    close_connection(client, CONNECTION_ABRUPT, "connection closed by the client, without DISCONNECT");
}

void reset_connection(struct client *client)
{
    close_connection(client, CONNECTION_RESET, "connection reset by the client");
}

void finish_sending(struct client *client)
{
    record_event(client, "sending direction closed by the client");
    connection_finish_sending(client->connection);
}

void stop_reading(struct client *client)
{
    client->reading = false;
    transport_set_receive_buffer(connection_socket(client->connection), SMALL_RECEIVE_BUFFER);
}

void start_reading(struct client *client)
{
    client->reading = true;
    transport_set_receive_buffer(connection_socket(client->connection), LARGE_RECEIVE_BUFFER);
}

/* ---- Single packets ------------------------------------------------------------------------------ */

uint16_t client_send_publish(struct client *client, const struct publish_options *options)
{
    struct test *t = client->test;
    struct packet packet = {.type = PACKET_PUBLISH};
    struct publish *publish = &packet.publish;
    struct properties *properties = &publish->properties;
    publish->dup = options->dup;
    publish->qos = (uint8_t)options->qos;
    publish->retain = options->retain;
    publish->topic = options->topic == NULL ? bytes_of(NULL, 0) : bytes_of_text(options->topic);
    publish->payload = payload_of(options->payload, options->payload_bytes);
    publish->packet_identifier = options->packet_identifier;
    if (options->qos > 0 && options->packet_identifier == 0)
        publish->packet_identifier = next_packet_identifier(client);
    set_number(properties, ORDINAL_TOPIC_ALIAS, options->topic_alias);
    set_number(properties, ORDINAL_MESSAGE_EXPIRY_INTERVAL, options->message_expiry_interval);
    set_number(properties, ORDINAL_PAYLOAD_FORMAT_INDICATOR, options->payload_format_indicator);
    set_text(properties, ORDINAL_CONTENT_TYPE, options->content_type);
    set_text(properties, ORDINAL_RESPONSE_TOPIC, options->response_topic);
    set_bytes(properties, ORDINAL_CORRELATION_DATA, options->correlation_data);
    set_repeated(t, properties, options->user_properties, ABSENT);
    send_packet(client, &packet);
    return publish->packet_identifier;
}

static uint16_t send_subscribe_packet(struct client *client, const struct subscription_request *requests,
                                      size_t count, uint16_t packet_identifier,
                                      const struct user_property *users, int64_t subscription_identifier)
{
    struct test *t = client->test;
    size_t room = 0;
    for (size_t i = 0; i < count; i++)
        room += requests[i].topic_filter.length + 3;
    struct writer writer = writer_into(test_allocate(t, room), room);
    for (size_t i = 0; i < count; i++)
        subscribe_write(&writer, &requests[i]);
    struct packet packet = {.type = PACKET_SUBSCRIBE};
    packet.subscribe.packet_identifier =
        packet_identifier == 0 ? next_packet_identifier(client) : packet_identifier;
    packet.subscribe.payload = bytes_of(writer.start, writer_size(&writer));
    packet.subscribe.count = (uint32_t)count;
    set_repeated(t, &packet.subscribe.properties, users, subscription_identifier);
    send_packet(client, &packet);
    return packet.subscribe.packet_identifier;
}

uint16_t client_send_subscribe(struct client *client, const char *filter,
                               const struct subscribe_options *options)
{
    bool five = client->version == PROTOCOL_5_0;
    struct subscription_request request = {.topic_filter = bytes_of_text(filter),
                                           .qos = (uint8_t)options->qos,
                                           .no_local = five && options->no_local,
                                           .retain_as_published = five && options->retain_as_published,
                                           .retain_handling = five ? (uint8_t)options->retain_handling : 0};
    return send_subscribe_packet(client, &request, 1, options->packet_identifier, options->user_properties,
                                 options->subscription_identifier);
}

uint16_t send_subscribe_list(struct client *client, const struct subscription_request *requests, size_t count,
                             int64_t subscription_identifier)
{
    static const struct user_property none[] = {{NULL, NULL}};
    return send_subscribe_packet(client, requests, count, 0, none, subscription_identifier);
}

uint16_t client_send_unsubscribe(struct client *client, const char *const *filters)
{
    size_t room = 0;
    struct packet packet = {.type = PACKET_UNSUBSCRIBE};
    for (size_t i = 0; filters[i] != NULL; i++)
        room += strlen(filters[i]) + 2;
    struct writer writer = writer_into(test_allocate(client->test, room), room);
    for (size_t i = 0; filters[i] != NULL; i++, packet.unsubscribe.count++)
        unsubscribe_write(&writer, bytes_of_text(filters[i]));
    packet.unsubscribe.packet_identifier = next_packet_identifier(client);
    packet.unsubscribe.payload = bytes_of(writer.start, writer_size(&writer));
    send_packet(client, &packet);
    return packet.unsubscribe.packet_identifier;
}

bool send_acknowledgement(struct client *client, enum packet_type type, uint16_t packet_identifier,
                          uint8_t reason_code)
{
    struct packet packet = {.type = type};
    packet.acknowledgement.packet_identifier = packet_identifier;
    packet.acknowledgement.reason_code = reason_code;
    return send_packet(client, &packet);
}

bool send_pingreq(struct client *client)
{
    return send_packet(client, &(struct packet){.type = PACKET_PINGREQ});
}
