/* 4.12 Enhanced authentication, by SCRAM-SHA-256: a server that offers it, in the configuration
 * `enhanced-auth` of its profile. What is not about a method is in 3_15_auth.c. */
#include "../scram.h"
#include "../test.h"

#include <string.h>

#define USER "alice"
#define PASSWORD "secret"

/* ---- The steps -------------------------------------------------------------------------------------- */

static struct bytes data_of(const char *message)
{
    return bytes_of_text(message);
}

static void send_auth(struct client *client, uint8_t reason_code, const char *method, const char *data)
{
    struct packet auth = {.type = PACKET_AUTH};
    auth.auth.reason_code = reason_code;
    properties_set_bytes(&auth.auth.properties, ORDINAL_AUTHENTICATION_METHOD, bytes_of_text(method));
    if (data != NULL)
        properties_set_bytes(&auth.auth.properties, ORDINAL_AUTHENTICATION_DATA, data_of(data));
    send_packet(client, &auth);
}

/* [MQTT-4.12.0-5] */
static void expect_method(struct test *t, const struct received *received,
                          const struct properties *properties)
{
    if (!properties_has(properties, ORDINAL_AUTHENTICATION_METHOD) ||
        !is_text(properties->value[ORDINAL_AUTHENTICATION_METHOD].bytes, SCRAM_METHOD))
        fail_statement(t, MQTT_4_12_0_5, STATEMENT_NONE, "the Authentication Method of the CONNECT", "%s",
                       describe_packet(t, &received->packet));
}

/* The first AUTH in the inbox, whatever else has come: during re-authentication other packets may. A server
 * may refuse at any point of an exchange; then nothing can be said about what would have come. */
static bool is_auth(const struct packet *packet, const void *context)
{
    (void)context;
    return packet->type == PACKET_AUTH;
}

static const struct received *expect_auth(struct client *client, uint8_t reason_code,
                                          enum statement statement)
{
    struct test *t = client->test;
    const struct received *received;
    const char *expected = text(t, "AUTH with Reason Code 0x%02X", reason_code);
    const enum outcome outcome = receive_matching(client, now(t) + t->patience, is_auth, NULL, &received);
    if (outcome == RECEIVED_CLOSED)
        error(t, "the server refuses the authentication: %s", describe_state(client, outcome));
    if (outcome == RECEIVED_TIMEOUT)
        fail_statement(t, statement, STATEMENT_NONE, expected, "%s", describe_state(client, outcome));
    if (received->packet.auth.reason_code != reason_code)
        fail_statement(t, statement, STATEMENT_NONE, expected, "%s", describe_packet(t, &received->packet));
    expect_method(t, received, &received->packet.auth.properties);
    return received;
}

/* The server's challenge, and what the user's password makes of it. */
static const struct received *take_challenge(struct client *client, struct scram *scram)
{
    struct test *t = client->test;
    const struct received *received = expect_auth(client, REASON_CONTINUE_AUTHENTICATION, MQTT_4_12_0_2);
    const struct properties *properties = &received->packet.auth.properties;
    const char *wrong = scram_answer(scram, properties_bytes(properties, ORDINAL_AUTHENTICATION_DATA));
    if (wrong != NULL)
        error(t, "the server's first message is not that of SCRAM: %s", wrong);
    return received;
}

static struct client *begin(struct test *t, const struct broker *broker, const char *name,
                            struct scram *scram, const char *password)
{
    scram_begin(scram, USER, password, text(t, "%s%s", t->run, name));
    return send_connect(t, .broker = broker, .name = name, .clean_start = true, .anonymous = true,
                        .authentication_method = SCRAM_METHOD, .authentication_data = data_of(scram->first));
}

/* A client that owes its last message. */
static struct client *challenged(struct test *t, const struct broker *broker, const char *name,
                                 struct scram *scram)
{
    struct client *client = begin(t, broker, name, scram, PASSWORD);
    take_challenge(client, scram);
    return client;
}

static const struct received *expect_admission(struct client *client)
{
    const struct received *connack = expect_connack(client);
    expect_method(client->test, connack, &connack->packet.connack.properties);
    return connack;
}

static struct client *authenticated(struct test *t, const struct broker *broker, const char *name)
{
    struct scram scram;
    struct client *client = challenged(t, broker, name, &scram);
    send_auth(client, REASON_CONTINUE_AUTHENTICATION, SCRAM_METHOD, scram.final);
    expect_admission(client);
    return client;
}

/* Changes the proof, which ends in base64 of 32 bytes. */
static void spoil(struct scram *scram)
{
    char *letter = scram->final + strlen(scram->final) - 10;
    *letter = *letter == 'A' ? 'B' : 'A';
}

/* ---- Admission -------------------------------------------------------------------------------------- */

CONFORMANCE_TEST(
    enhanced_authentication_admits_the_user, V5, NEEDS_PROFILE,
    "A client that proves its password in an exchange of AUTH packets gets CONNACK 0x00 with the server's "
    "last data",
    MQTT_4_12_0_2, MQTT_4_12_0_5, R_4_12_1, D_4_12_1, D_3_15_2_1, R_3_15_2_1_1)
{
    struct scram scram;
    struct broker *broker = start_broker(t, "enhanced-auth");
    struct client *client = challenged(t, broker, "user", &scram);
    send_auth(client, REASON_CONTINUE_AUTHENTICATION, SCRAM_METHOD, scram.final);
    const struct received *connack = expect_admission(client);
    const struct properties *properties = &connack->packet.connack.properties;
    if (!scram_is_proved(&scram, properties_bytes(properties, ORDINAL_AUTHENTICATION_DATA)))
        fail_statement(t, D_4_12_1, STATEMENT_NONE, "the server's last message as Authentication Data", "%s",
                       describe_packet(t, &connack->packet));
    ping(client);
}

CONFORMANCE_TEST(failed_authentication_ends_the_connection, V5, NEEDS_PROFILE,
                 "A client that does not prove its password is not admitted", MQTT_4_12_0_4)
{
    static const char *const answers[] = {NULL, "", "c=biws", "no message of SCRAM"};
    struct scram scram;
    struct broker *broker = start_broker(t, "enhanced-auth");
    authenticated(t, broker, "control");
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct client *client = challenged(t, broker, text(t, "spoiled%zu", i), &scram);
        spoil(&scram);
        send_auth(client, REASON_CONTINUE_AUTHENTICATION, SCRAM_METHOD,
                  answers[i] ? answers[i] : scram.final);
        expect_refused(client);
    }
    struct client *client = begin(t, broker, "wrong", &scram, "not " PASSWORD);
    take_challenge(client, &scram);
    send_auth(client, REASON_CONTINUE_AUTHENTICATION, SCRAM_METHOD, scram.final);
    expect_refused(client);
}

/* ---- What a client may not do ----------------------------------------------------------------------- */

CONFORMANCE_TEST(
    packets_before_authentication_are_refused, V5, NEEDS_PROFILE,
    "A client that sends another packet than AUTH or DISCONNECT before CONNACK loses its connection",
    MQTT_3_1_2_30, MQTT_4_13_1_1)
{
    struct scram scram;
    struct broker *broker = start_broker(t, "enhanced-auth");
    const char *a = topic(t, "a");
    struct client *subscriber = authenticated(t, broker, "subscriber");
    struct client *publisher = authenticated(t, broker, "publisher");
    subscribe(subscriber, a);

    struct client *client = challenged(t, broker, "publish", &scram);
    send_publish(client, .topic = a, .payload = "unauthenticated");
    expect_refused(client, .reason_code = REASON_PROTOCOL_ERROR);
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a);
    client = challenged(t, broker, "subscribe", &scram);
    send_subscribe(client, a);
    expect_refused(client, .reason_code = REASON_PROTOCOL_ERROR);
    client = challenged(t, broker, "ping", &scram);
    send_pingreq(client);
    expect_refused(client, .reason_code = REASON_PROTOCOL_ERROR);
}

CONFORMANCE_TEST(authentication_is_continued_by_0x18_only, V5, NEEDS_PROFILE,
                 "An AUTH with another Reason Code than 0x18 in answer to the server's ends the connection",
                 MQTT_4_12_0_3, MQTT_4_13_1_1)
{
    static const uint8_t codes[] = {REASON_RE_AUTHENTICATE, REASON_SUCCESS};
    struct broker *broker = start_broker(t, "enhanced-auth");
    authenticated(t, broker, "control");
    for (size_t i = 0; i < sizeof codes; i++) {
        struct scram scram;
        struct client *client = challenged(t, broker, text(t, "code%02x", codes[i]), &scram);
        send_auth(client, codes[i], SCRAM_METHOD, scram.final);
        expect_refused(client, .reason_code = REASON_PROTOCOL_ERROR,
                       .or_reason_code = REASON_MALFORMED_PACKET);
    }
}

CONFORMANCE_TEST(authentication_method_does_not_change, V5, NEEDS_PROFILE,
                 "An AUTH with another Authentication Method than that of CONNECT ends the connection",
                 P_3_15_1, MQTT_4_13_1_1)
{
    struct scram scram;
    struct broker *broker = start_broker(t, "enhanced-auth");
    authenticated(t, broker, "control");
    struct client *client = challenged(t, broker, "other", &scram);
    send_auth(client, REASON_CONTINUE_AUTHENTICATION, "SCRAM-SHA-1", scram.final);
    expect_refused(client, .reason_code = REASON_PROTOCOL_ERROR,
                   .or_reason_code = REASON_BAD_AUTHENTICATION_METHOD);
}

/* ---- 4.12.1 Re-authentication ----------------------------------------------------------------------- */

static void begin_again(struct client *client, const char *name, struct scram *scram)
{
    struct test *t = client->test;
    scram_begin(scram, USER, PASSWORD, text(t, "%s%s", t->run, name));
    send_auth(client, REASON_RE_AUTHENTICATE, SCRAM_METHOD, scram->first);
}

CONFORMANCE_TEST(re_authentication_succeeds, V5, NEEDS_PROFILE,
                 "A client that authenticates again gets AUTH 0x18 and in the end AUTH 0x00", R_4_12_1_1,
                 MQTT_4_12_0_5)
{
    struct scram scram;
    struct broker *broker = start_broker(t, "enhanced-auth");
    struct client *client = authenticated(t, broker, "user");
    for (int round = 0; round < 2; round++) {
        begin_again(client, text(t, "again%d", round), &scram);
        take_challenge(client, &scram);
        send_auth(client, REASON_CONTINUE_AUTHENTICATION, SCRAM_METHOD, scram.final);
        const struct received *auth = expect_auth(client, REASON_SUCCESS, R_4_12_1_1);
        const struct properties *properties = &auth->packet.auth.properties;
        if (!scram_is_proved(&scram, properties_bytes(properties, ORDINAL_AUTHENTICATION_DATA)))
            note(t, "AUTH 0x00 does not carry the server's last message");
        ping(client);
    }
}

CONFORMANCE_TEST(traffic_goes_on_during_re_authentication, V5, NEEDS_PROFILE | NEEDS_QOS1,
                 "While a client authenticates again its other packets are served as before", D_4_12_1_1)
{
    struct scram scram;
    struct broker *broker = start_broker(t, "enhanced-auth");
    const char *a = topic(t, "a");
    struct client *client = authenticated(t, broker, "user");
    begin_again(client, "again", &scram);
    take_challenge(client, &scram);
    subscribe(client, a, .qos = 1);
    publish(client, .topic = a, .payload = "meanwhile", .qos = 1);
    expect_publish(client, .topic = a, .payload = "meanwhile");
    ping(client);
    send_auth(client, REASON_CONTINUE_AUTHENTICATION, SCRAM_METHOD, scram.final);
    expect_auth(client, REASON_SUCCESS, R_4_12_1_1);
}

CONFORMANCE_TEST(
    re_authentication_keeps_its_method, V5, NEEDS_PROFILE,
    "A re-authentication by another Authentication Method than that of CONNECT ends the connection",
    MQTT_4_12_1_1, MQTT_4_13_1_1)
{
    struct scram scram;
    struct broker *broker = start_broker(t, "enhanced-auth");
    struct client *control = authenticated(t, broker, "control");
    begin_again(control, "again", &scram);
    take_challenge(control, &scram);
    struct client *client = authenticated(t, broker, "user");
    send_auth(client, REASON_RE_AUTHENTICATE, "SCRAM-SHA-1", scram.first);
    expect_refused(client, .reason_code = REASON_PROTOCOL_ERROR,
                   .or_reason_code = REASON_BAD_AUTHENTICATION_METHOD);
}

CONFORMANCE_TEST(
    failed_re_authentication_ends_the_connection, V5, NEEDS_PROFILE,
    "A re-authentication without the password ends the connection, which DISCONNECT should say first",
    MQTT_4_12_1_2)
{
    struct scram scram;
    struct broker *broker = start_broker(t, "enhanced-auth");
    struct client *client = authenticated(t, broker, "user");
    begin_again(client, "again", &scram);
    take_challenge(client, &scram);
    spoil(&scram);
    send_auth(client, REASON_CONTINUE_AUTHENTICATION, SCRAM_METHOD, scram.final);
    if (expect_refused(client) == ABSENT)
        warn(t, "no DISCONNECT came before the connection was closed");
}

/* ---- Maximum Packet Size ---------------------------------------------------------------------------- */

/* How much of an AUTH is diagnostics, which have to go where they do not fit. */
static size_t diagnostics_in(const struct received *auth)
{
    struct packet bare = auth->packet;
    bare.auth.properties.repeated = (struct bytes){NULL, 0};
    bare.auth.properties.present &= ~(1U << ORDINAL_REASON_STRING | 1U << ORDINAL_USER_PROPERTY);
    return auth->bytes.length - packet_encoded_size(&bare);
}

CONFORMANCE_TEST(
    auth_keeps_to_the_maximum_packet_size, V5, NEEDS_PROFILE,
    "An AUTH has a Reason String or User Properties only where the client's Maximum Packet Size allows it",
    MQTT_3_15_2_2, MQTT_3_15_2_3)
{
    struct scram scram;
    struct broker *broker = start_broker(t, "enhanced-auth");
    struct client *control = begin(t, broker, "name1", &scram, PASSWORD);
    const struct received *auth = take_challenge(control, &scram);
    const size_t limit = auth->bytes.length - diagnostics_in(auth);
    const struct received *received;

    scram_begin(&scram, USER, PASSWORD, text(t, "%sname2", t->run));
    struct client *client =
        send_connect(t, .broker = broker, .name = "limited", .clean_start = true, .anonymous = true,
                     .maximum_packet_size = (int64_t)limit, .authentication_method = SCRAM_METHOD,
                     .authentication_data = data_of(scram.first));
    const enum outcome outcome = receive(client, &received);
    if (outcome == RECEIVED_CLOSED) { /* its nonce may be longer this time */
        note(t, "closed: the challenge does not fit into %zu bytes", limit);
        return;
    }
    if (outcome == RECEIVED_TIMEOUT)
        error(t, "neither AUTH nor the end of the connection: %s", describe_state(client, outcome));
    if (received->bytes.length <= limit)
        return;
    const struct properties *properties = &received->packet.auth.properties;
    const bool reason = properties_has(properties, ORDINAL_REASON_STRING);
    const bool user = properties_has(properties, ORDINAL_USER_PROPERTY);
    fail_statement(t,
                   reason ? MQTT_3_15_2_2
                   : user ? MQTT_3_15_2_3
                          : MQTT_3_1_2_24,
                   STATEMENT_NONE, text(t, "a packet of at most %zu bytes", limit), "%s, of %zu bytes",
                   describe_packet(t, &received->packet), received->bytes.length);
}
