/* broker_harness: see the header. No ck_assert here, for the reason given in octets.c. */
#include "broker_harness.h"

#include <stdio.h>
#include <stdlib.h>

enum { START_OF_TIME = 1000000, VECTOR = 16 };

static void *must(void *memory)
{
    if (!memory)
        harness_fail("out of memory");
    return memory;
}

static void enter(const struct harness *harness)
{
    if (harness->enter)
        harness->enter();
}

static void leave(const struct harness *harness)
{
    if (harness->leave)
        harness->leave();
}

/* What the host lends to the broker */

static void lend_random(void *context, void *bytes, size_t length)
{
    struct harness *harness = context;
    uint8_t *at = bytes;
    for (size_t i = 0; i < length; i++) {
        harness->random_state = harness->random_state * 6364136223846793005U + 1442695040888963407U;
        at[i] = (uint8_t)(harness->random_state >> 56);
    }
}

static void lend_log(void *context, enum log_level level, const char *text)
{
    struct harness *harness = context;
    (void)level;
    const size_t room = sizeof harness->log - harness->log_length;
    const size_t length = strlen(text);
    if (length + 2 > room)
        return;
    memcpy(harness->log + harness->log_length, text, length);
    harness->log_length += length;
    harness->log[harness->log_length++] = '\n';
    harness->log[harness->log_length] = '\0';
}

static void lend_trace(void *context, enum sender sender, struct bytes client_identifier,
                       enum protocol_version version, struct bytes packet)
{
    struct harness *harness = context;
    (void)client_identifier;
    (void)version;
    size_t size = 0;
    struct verdict verdict;
    if (packet_frame(packet, PROTOCOL_UNKNOWN, 0, &size, &verdict) != FRAMING_COMPLETE ||
        size != packet.length)
        harness_fail("what is traced is not one packet");
    if (sender == SENDER_CLIENT)
        harness->traced_received++;
    else
        harness->traced_sent++;
}

/* The judge has a context of its own. */
static struct authentication_answer lend_authenticate(void *context,
                                                      const struct authentication_request *request)
{
    const struct harness_judge *judge = &((struct harness *)context)->judge;
    return judge->authenticate(judge->context, request);
}

static void lend_authentication_ended(void *context, void *host)
{
    const struct harness_judge *judge = &((struct harness *)context)->judge;
    judge->authentication_ended(judge->context, host);
}

static bool lend_authorise(void *context, const struct authorisation *question)
{
    const struct harness_judge *judge = &((struct harness *)context)->judge;
    return judge->authorise(judge->context, question);
}

static struct broker_environment lend(struct harness *harness)
{
    const struct harness_judge *judge = &harness->judge;
    return (struct broker_environment){.context = harness,
                                       .authenticate = judge->authenticate ? lend_authenticate : NULL,
                                       .authentication_ended =
                                           judge->authentication_ended ? lend_authentication_ended : NULL,
                                       .authorise = judge->authorise ? lend_authorise : NULL,
                                       .random = lend_random,
                                       .log = lend_log};
}

struct broker_settings harness_settings(void)
{
    struct broker_settings settings = broker_default_settings();
    settings.receive_maximum = 0;
    settings.connect_timeout = 10000;
    settings.maximum_packet_size = 0;
    return settings;
}

static struct harness *make(const struct broker_settings *settings)
{
    struct harness *harness = must(calloc(1, sizeof *harness));
    harness->settings = settings ? *settings : harness_settings();
    harness->now = START_OF_TIME;
    return harness;
}

static struct harness *create(const struct broker_settings *settings, bool traced)
{
    struct harness *harness = make(settings);
    struct broker_environment environment = lend(harness);
    environment.trace = traced ? lend_trace : NULL;
    harness->broker = must(broker_create(&harness->settings, &environment));
    harness_advance(harness, 0);
    return harness;
}

struct broker *harness_broker(struct harness *harness)
{
    struct broker_environment environment = lend(harness);
    environment.storage = stored_mode(harness);
    environment.wall_clock = stored_wall_clock;
    return broker_create(&harness->settings, &environment);
}

struct harness *harness_create_asking(const struct broker_settings *settings, enum storage storage,
                                      const struct harness_judge *judge)
{
    struct harness *harness = make(settings);
    harness->judge = *judge;
    stored_begin(harness, storage);
    const char *wrong = stored_load(harness);
    if (wrong)
        harness_fail("a broker over an empty store: %s", wrong);
    return harness;
}

struct harness *harness_create_stored(const struct broker_settings *settings, enum storage storage)
{
    const struct harness_judge nobody = {.context = NULL};
    return harness_create_asking(settings, storage, &nobody);
}

struct harness *harness_create(const struct broker_settings *settings)
{
    return create(settings, false);
}

struct harness *harness_create_traced(const struct broker_settings *settings)
{
    return create(settings, true);
}

void harness_destroy(struct harness *harness)
{
    for (struct client *client = harness->clients; client; client = client->next)
        client_drop(client);
    broker_destroy(harness->broker);
    while (harness->clients) {
        struct client *client = harness->clients;
        harness->clients = client->next;
        free(client->inbox);
        free(client);
    }
    stored_free(harness);
    free(harness);
}

/* Steps */

static void step(struct harness *harness, struct step what)
{
    enter(harness);
    broker_step(harness->broker, harness->now, &what);
    leave(harness);
    harness_settle(harness);
}

void harness_step(struct harness *harness, struct step what)
{
    step(harness, what);
}

void harness_advance(struct harness *harness, uint64_t ms)
{
    harness->now += ms;
    stored_wall(harness, ms);
    step(harness, (struct step){.kind = STEP_TIME});
}

void harness_publish(struct harness *harness, const char *topic, const char *payload)
{
    step(harness,
         (struct step){.kind = STEP_PUBLISH, .topic = bytes_of_text(topic), .bytes = bytes_of_text(payload)});
}

void harness_shutdown(struct harness *harness)
{
    step(harness, (struct step){.kind = STEP_SHUTDOWN});
}

bool harness_logged(const struct harness *harness, const char *text)
{
    return strstr(harness->log, text) != NULL;
}

static void keep(struct client *client, struct bytes bytes)
{
    if (client->inbox_length + bytes.length > client->inbox_capacity) {
        client->inbox_capacity = (client->inbox_length + bytes.length) * 2;
        client->inbox = must(realloc(client->inbox, client->inbox_capacity));
    }
    memcpy(client->inbox + client->inbox_length, bytes.data, bytes.length);
    client->inbox_length += bytes.length;
}

/* Takes everything that one connection has to send. */
static void drain(struct harness *harness, struct client *client)
{
    struct bytes vector[VECTOR];
    size_t count;
    while (client->connection && (count = connection_output(client->connection, vector, VECTOR)) > 0) {
        size_t total = 0;
        for (size_t i = 0; i < count; i++) {
            keep(client, vector[i]);
            total += vector[i].length;
        }
        enter(harness);
        connection_sent(harness->broker, client->connection, total);
        leave(harness);
    }
}

static void close_connection(struct harness *harness, struct client *client)
{
    struct step closed = {.kind = STEP_CLOSED, .connection = client->connection};
    client->connection = NULL;
    enter(harness);
    broker_step(harness->broker, harness->now, &closed);
    leave(harness);
}

void harness_disconnect_all(struct harness *harness)
{
    for (struct client *client = harness->clients; client; client = client->next)
        if (client->connection)
            close_connection(harness, client);
}

void harness_settle(struct harness *harness)
{
    struct connection *connection;
    while ((connection = broker_next_ready(harness->broker)) != NULL) {
        struct client *client = connection_host(connection);
        if (client->stalled)
            continue;
        drain(harness, client);
        if (!connection_closing(connection))
            continue;
        client->closed_by_broker = true;
        close_connection(harness, client);
    }
}

/* Clients */

struct client *client_open(struct harness *harness)
{
    struct client *client = must(calloc(1, sizeof *client));
    client->harness = harness;
    client->next = harness->clients;
    harness->clients = client;
    char peer[32];
    snprintf(peer, sizeof peer, "peer-%zu", ++harness->opened);
    struct step accepted = {.kind = STEP_ACCEPTED, .host = client, .peer = peer};
    enter(harness);
    broker_step(harness->broker, harness->now, &accepted);
    leave(harness);
    client->connection = accepted.connection;
    harness_settle(harness);
    return client->connection ? client : NULL;
}

struct client *client_connect(struct harness *harness, const char *connect, const char *connack)
{
    struct client *client = client_open(harness);
    if (!client)
        harness_fail("the broker did not take the connection");
    client->five = strstr(connect, "<'MQTT'> 05") != NULL;
    client_send(client, connect);
    client_expect(client, connack);
    return client;
}

static struct client *join(struct harness *harness, const char *connect, bool present, bool five)
{
    struct client *client = client_open(harness);
    if (!client)
        harness_fail("the broker did not take the connection");
    client->five = five;
    client_send(client, connect);
    if (client->inbox_length < 4 || client->inbox[0] != 0x20 || client->inbox[2] != present ||
        client->inbox[3] != 0)
        harness_fail("no CONNACK of success to %s, %zu bytes", connect, client->inbox_length);
    const size_t size = five ? 2 + (size_t)client->inbox[1] : 4;
    if (client->inbox[1] > 127 || client->inbox_length < size)
        harness_fail("CONNACK is too long for this");
    memmove(client->inbox, client->inbox + size, client->inbox_length - size);
    client->inbox_length -= size;
    return client;
}

struct client *client_join(struct harness *harness, enum protocol_version version,
                           const char *client_identifier)
{
    char notation[NOTATION_SIZE];
    if (version == PROTOCOL_5_0)
        octets_print(notation, "10 [<'MQTT'> 05 02 0000 [] <'%s'>]", client_identifier);
    else if (version == PROTOCOL_3_1_1)
        octets_print(notation, "10 [<'MQTT'> 04 02 0000 <'%s'>]", client_identifier);
    else
        octets_print(notation, "10 [<'MQIsdp'> 03 02 0000 <'%s'>]", client_identifier);
    return join(harness, notation, false, version == PROTOCOL_5_0);
}

struct client *client_resume(struct harness *harness, enum protocol_version version,
                             const char *client_identifier, bool present)
{
    char notation[NOTATION_SIZE];
    if (version == PROTOCOL_5_0)
        octets_print(notation, "10 [<'MQTT'> 05 00 0000 [11 FFFFFFFF] <'%s'>]", client_identifier);
    else if (version == PROTOCOL_3_1_1)
        octets_print(notation, "10 [<'MQTT'> 04 00 0000 <'%s'>]", client_identifier);
    else
        octets_print(notation, "10 [<'MQIsdp'> 03 00 0000 <'%s'>]", client_identifier);
    return join(harness, notation, present && version != PROTOCOL_3_1, version == PROTOCOL_5_0);
}

void client_send_bytes(struct client *client, struct bytes bytes)
{
    if (client->connection)
        step(client->harness,
             (struct step){.kind = STEP_RECEIVED, .connection = client->connection, .bytes = bytes});
}

void client_send(struct client *client, const char *notation)
{
    const struct bytes bytes = octets(notation);
    client_send_bytes(client, bytes);
    octets_free(bytes);
}

void client_send_slowly(struct client *client, const char *notation)
{
    const struct bytes bytes = octets(notation);
    for (size_t i = 0; i < bytes.length; i++) {
        uint8_t *alone = octets_room(1); /* a block of its own, so that a sanitizer sees a step beyond it */
        *alone = bytes.data[i];
        client_send_bytes(client, bytes_of(alone, 1));
        free(alone);
    }
    octets_free(bytes);
}

void client_drop(struct client *client)
{
    if (!client->connection)
        return;
    close_connection(client->harness, client);
    harness_settle(client->harness);
}

void client_read(struct client *client)
{
    client->stalled = false;
    if (!client->connection)
        return;
    drain(client->harness, client);
    if (connection_closing(client->connection)) {
        client->closed_by_broker = true;
        close_connection(client->harness, client);
    }
    harness_settle(client->harness);
}

/* Expectations */

static void print_hex(char *text, size_t size, const uint8_t *data, size_t length)
{
    size_t at = 0;
    text[0] = '\0';
    for (size_t i = 0; i < length && at + 4 < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%02X ", data[i]);
}

void client_expect_bytes(struct client *client, struct bytes expected)
{
    char actual_hex[700], expected_hex[700];
    if (!bytes_equal(bytes_of(client->inbox, client->inbox_length), expected)) {
        print_hex(actual_hex, sizeof actual_hex, client->inbox, client->inbox_length);
        print_hex(expected_hex, sizeof expected_hex, expected.data, expected.length);
        harness_fail("expected %zu bytes: %s, got %zu bytes: %s; log: %s", expected.length, expected_hex,
                     client->inbox_length, actual_hex, client->harness->log);
    }
    client->inbox_length = 0;
}

void client_expect(struct client *client, const char *notation)
{
    const struct bytes expected = octets(notation);
    client_expect_bytes(client, expected);
    octets_free(expected);
}

static void expect_gone(const struct client *client)
{
    if (!client->closed_by_broker)
        harness_fail("the broker did not close; log: %s", client->harness->log);
}

void client_expect_closed(struct client *client, const char *notation)
{
    client_expect(client, notation);
    expect_gone(client);
}

/* One packet of 5.0 fills the inbox, and its Reason String is as expected. */
static void expect_explained(struct client *client, enum packet_type type, unsigned reason_code,
                             const char *why)
{
    struct packet packet;
    const struct bytes all = bytes_of(client->inbox, client->inbox_length);
    const struct verdict verdict = packet_decode(&packet, PROTOCOL_5_0, SENDER_SERVER, all, NULL);
    char hex[300];
    print_hex(hex, sizeof hex, client->inbox, client->inbox_length);
    if (verdict.refused || packet.type != type)
        harness_fail("expected one %s, got %s; log: %s", packet_type_name(type), hex, client->harness->log);
    const bool connack = type == PACKET_CONNACK;
    const unsigned actual = connack ? packet.connack.reason_code : packet.disconnect.reason_code;
    if (actual != reason_code || (connack && packet.connack.session_present))
        harness_fail("expected Reason Code %02X, got %s; log: %s", reason_code, hex, client->harness->log);
    const struct bytes text = properties_bytes(
        connack ? &packet.connack.properties : &packet.disconnect.properties, ORDINAL_REASON_STRING);
    const bool found = why ? memmem(text.data, text.length, why, strlen(why)) != NULL : text.length == 0;
    if (!found)
        harness_fail("Reason String is '%.*s', not about %s", (int)text.length, (const char *)text.data,
                     why ? why : "nothing");
    client->inbox_length = 0;
    expect_gone(client);
}

void client_expect_disconnect(struct client *client, unsigned reason_code, const char *why)
{
    expect_explained(client, PACKET_DISCONNECT, reason_code, why);
}

void client_expect_refusal(struct client *client, unsigned reason_code, const char *why)
{
    expect_explained(client, PACKET_CONNACK, reason_code, why);
}

void client_expect_silence(struct client *client)
{
    client_expect(client, "");
    if (!client->connection)
        harness_fail("the connection is closed; log: %s", client->harness->log);
}

void client_ignore(struct client *client)
{
    client->inbox_length = 0;
}

size_t client_count(const struct client *client, enum packet_type type)
{
    size_t count = 0;
    struct bytes rest = bytes_of(client->inbox, client->inbox_length);
    struct verdict verdict;
    size_t size;
    while (rest.length > 0) {
        if (packet_frame(rest, PROTOCOL_UNKNOWN, 0, &size, &verdict) != FRAMING_COMPLETE)
            harness_fail("the inbox ends within a packet");
        count += (enum packet_type)(rest.data[0] >> 4) == type;
        rest = bytes_after(rest, size);
    }
    return count;
}

void client_subscribe(struct client *client, const char *filter, unsigned qos)
{
    char notation[NOTATION_SIZE];
    octets_print(notation, "82 [0001 %s <'%s'> %02X]", client->five ? "[]" : "", filter, qos);
    client_send(client, notation);
    octets_print(notation, client->five ? "90 04 0001 00 %02X" : "90 03 0001 %02X", qos);
    client_expect(client, notation);
}

Suite *harness_suite(const char *name, const TTest *const *tests, size_t count)
{
    Suite *suite = suite_create(name);
    TCase *cases = tcase_create(name);
    tcase_set_timeout(cases, 60); /* under a sanitizer, on a busy machine */
    for (size_t i = 0; i < count; i++)
        tcase_add_test(cases, tests[i]);
    suite_add_tcase(suite, cases);
    return suite;
}
