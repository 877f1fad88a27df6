/* 3.2.2.3 CONNACK Properties: servers that lack a feature or set a limit say so, and refuse what goes
 * beyond. Each test starts a broker of the profile in such a configuration. */
#include "../test.h"

#define SLACK 0.05
#define LATE 10.0
#define LONG 300 /* seconds of a session that outlives the test */

static uint32_t announced(const struct client *client, enum property_ordinal ordinal, uint32_t absent)
{
    return properties_number(&client->connack->packet.connack.properties, ordinal, absent);
}

/* Connects to a broker that was started in a configuration which lacks a feature, and demands that it
 * says so. */
static struct client *connect_without(struct broker *broker, enum property_ordinal ordinal)
{
    struct test *t = broker->test;
    struct client *client = connect_client(t, .name = "client", .broker = broker, .clean_start = true);
    if (announced(client, ordinal, 1) != 0)
        fail_expected(t, text(t, "CONNACK that rules %s out", broker->configuration), "%s",
                      describe_packet(t, &client->connack->packet));
    return client;
}

/* ---- Maximum QoS --------------------------------------------------------------------------------- */

static void publish_above(struct broker *broker, const char *a, uint8_t maximum)
{
    struct test *t = broker->test;
    for (uint8_t qos = (uint8_t)(maximum + 1); qos <= 2; qos++) {
        struct client *client = connect_client(t, .name = text(t, "publishes at QoS %u", qos),
                                               .broker = broker, .clean_start = true);
        if (maximum > 0)
            publish(client, .topic = a, .payload = "allowed", .qos = maximum); /* positive control */
        ping(client);
        send_publish(client, .topic = a, .payload = "not allowed", .qos = qos);
        expect_refused(client, .reason_code = REASON_QOS_NOT_SUPPORTED);
    }
}

static void publish_up_to(const char *configuration, struct test *t, uint8_t maximum)
{
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, configuration);
    struct client *subscriber =
        connect_client(t, .name = "subscriber", .broker = broker, .clean_start = true);
    if (announced(subscriber, ORDINAL_MAXIMUM_QOS, 2) != maximum)
        fail_statement(t, MQTT_3_2_2_9, STATEMENT_NONE, text(t, "Maximum QoS %u", maximum), "%s",
                       describe_packet(t, &subscriber->connack->packet));
    for (int qos = 0; qos <= 2; qos++) {
        uint8_t code = subscribe(subscriber, text(t, "%s/%d", a, qos), .qos = qos, .may_be_refused = true);
        if (code >= 0x80)
            fail_statement(t, MQTT_3_2_2_10, STATEMENT_NONE,
                           text(t, "a subscription at QoS %d to be granted", qos), "SUBACK 0x%02X", code);
    }
    struct client *publisher = connect_client(t, .name = "publisher", .broker = broker, .clean_start = true);
    publish(publisher, .topic = text(t, "%s/2", a), .payload = "delivered", .qos = maximum);
    expect_publish(subscriber, .payload = "delivered", .qos = maximum);
    publish_above(broker, a, maximum);
}

CONFORMANCE_TEST(
    maximum_qos_0_is_announced_and_enforced, V5, NEEDS_PROFILE,
    "A server without QoS 1 says Maximum QoS 0, grants subscriptions, and refuses to be sent QoS 1 and 2",
    MQTT_3_2_2_9, MQTT_3_2_2_10, MQTT_3_2_2_11, P_3_2_2_3_4_2, R_3_2_2_3_4_1, R_3_3_1_2_1)
{
    publish_up_to("maximum-qos-0", t, 0);
}

CONFORMANCE_TEST(
    maximum_qos_1_is_announced_and_enforced, V5, NEEDS_PROFILE,
    "A server without QoS 2 says Maximum QoS 1, grants subscriptions, and refuses to be sent QoS 2",
    MQTT_3_2_2_9, MQTT_3_2_2_10, MQTT_3_2_2_11, P_3_2_2_3_4_2, R_3_2_2_3_4_1, R_3_3_1_2_1)
{
    publish_up_to("maximum-qos-1", t, 1);
}

CONFORMANCE_TEST(will_above_maximum_qos_is_refused, V5, NEEDS_PROFILE,
                 "A CONNECT whose Will QoS exceeds Maximum QoS is refused with 0x9B", MQTT_3_2_2_12)
{
    for (uint8_t maximum = 0; maximum <= 1; maximum++) {
        struct broker *broker = start_broker(t, text(t, "maximum-qos-%u", maximum));
        connect_client(t, .name = "will at the maximum", .broker = broker, .clean_start = true,
                       .will = {.topic = "will", .payload = "x", .qos = maximum}); /* positive control */
        struct client *client =
            send_connect(t, .name = "will above it", .broker = broker, .clean_start = true,
                         .will = {.topic = "will", .payload = "x", .qos = maximum + 1});
        if (expect_refused(client, .reason_code = REASON_QOS_NOT_SUPPORTED) == ABSENT)
            warn(t, "closed without a CONNACK with 0x9B");
    }
}

/* ---- Retain Available ---------------------------------------------------------------------------- */

CONFORMANCE_TEST(publish_with_retain_is_refused_without_retain, V5, NEEDS_PROFILE,
                 "A server without retained messages says so, and refuses a PUBLISH with RETAIN with 0x9A",
                 MQTT_3_2_2_14, P_3_2_2_3_5_2, R_3_3_1_3_1, S_3_2_2_3_5_1)
{
    struct broker *broker = start_broker(t, "retain-off");
    struct client *client = connect_without(broker, ORDINAL_RETAIN_AVAILABLE);
    subscribe(client, "a");
    publish(client, .topic = "a", .payload = "not retained"); /* positive control */
    expect_publish(client, .topic = "a", .payload = "not retained", .retain = false);
    send_publish(client, .topic = "a", .payload = "retained", .retain = true);
    if (expect_refused(client, .reason_code = REASON_RETAIN_NOT_SUPPORTED) == ABSENT)
        warn(t, "closed without a DISCONNECT with 0x9A");
}

CONFORMANCE_TEST(will_retain_is_refused_without_retain, V5, NEEDS_PROFILE,
                 "A server without retained messages refuses a CONNECT with Will Retain with 0x9A",
                 MQTT_3_2_2_13)
{
    struct broker *broker = start_broker(t, "retain-off");
    connect_without(broker, ORDINAL_RETAIN_AVAILABLE);
    connect_client(t, .name = "will", .broker = broker, .clean_start = true,
                   .will = {.topic = "will", .payload = "x"}); /* positive control */
    struct client *client =
        send_connect(t, .name = "will to be retained", .broker = broker, .clean_start = true,
                     .will = {.topic = "will", .payload = "x", .retain = true});
    if (expect_refused(client, .reason_code = REASON_RETAIN_NOT_SUPPORTED) == ABSENT)
        warn(t, "closed without a CONNACK with 0x9A");
}

/* ---- Subscriptions ------------------------------------------------------------------------------- */

CONFORMANCE_TEST(
    wildcards_are_refused_where_unavailable, V5, NEEDS_PROFILE,
    "A server without wildcard subscriptions says so, and refuses a SUBSCRIBE with one with 0xA2",
    P_3_2_2_3_11_2, R_3_2_2_3_11_1)
{
    static const char *const filters[] = {"#", "a/#", "+", "+/a", "a/+/b"};
    struct broker *broker = start_broker(t, "wildcard-off");
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        struct client *client = connect_without(broker, ORDINAL_WILDCARD_SUBSCRIPTION_AVAILABLE);
        subscribe(client, "a/b"); /* positive control */
        send_subscribe(client, filters[i]);
        expect_refused(client, .reason_code = REASON_WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED);
    }
}

CONFORMANCE_TEST(wildcards_are_rejected_where_unavailable, V311, NEEDS_PROFILE,
                 "A server without wildcard subscriptions grants none", MQTT3_3_8_3_2)
{
    static const char *const filters[] = {"#", "a/#", "+", "+/a", "a/+/b"};
    struct broker *broker = start_broker(t, "wildcard-off");
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        const struct received *received;
        struct client *client = connect_client(t, .name = filters[i], .broker = broker, .clean_start = true);
        subscribe(client, "a/b"); /* positive control */
        send_subscribe(client, filters[i]);
        enum outcome outcome = receive(client, &received);
        if (outcome == RECEIVED_CLOSED) {
            note(t, "%s: rejected by closing", filters[i]);
        } else if (outcome == RECEIVED_TIMEOUT || received->packet.type != PACKET_SUBACK ||
                   received->packet.suback.reason_codes.length != 1 ||
                   received->packet.suback.reason_codes.data[0] != 0x80) {
            fail_expected(t, "SUBACK 0x80, or the connection closed", "%s",
                          outcome == RECEIVED_PACKET ? describe_packet(t, &received->packet)
                                                     : describe_state(client, outcome));
        }
    }
}

/* 3.1 knows no failure code: such a subscription is granted in form, and brings nothing. */
CONFORMANCE_TEST(suback_of_3_1_has_no_failure_code, V31, NEEDS_PROFILE,
                 "In 3.1 a subscription that is not allowed is not answered with 0x80", MQTT3_3_9_3_2,
                 MQTT3_3_8_4_1)
{
    struct broker *broker = start_broker(t, "wildcard-off");
    struct client *client = connect_client(t, .name = "client", .broker = broker, .clean_start = true);
    subscribe(client, "a/b", .qos = 0); /* positive control */
    uint16_t identifier = send_subscribe(client, "a/#", .qos = 1);
    const struct received *suback = expect_suback(client, identifier, 1);
    uint8_t code = suback->packet.suback.reason_codes.data[0];
    if (code >= 0x80)
        warn(t, "a subscription that is not allowed was answered with 0x%02X, which 3.1 does not know", code);
    else
        note(t, "a subscription that is not allowed was answered with 0x%02X", code);
    publish(client, .topic = "a/c", .payload = "not for this client", .qos = 0);
    publish(client, .topic = "a/b", .payload = "for this client", .qos = 0);
    expect_publish(client, .topic = "a/b", .payload = "for this client");
}

CONFORMANCE_TEST(
    subscription_identifier_is_refused_where_unavailable, V5, NEEDS_PROFILE,
    "A server without Subscription Identifiers says so, and refuses a SUBSCRIBE with one with 0xA1",
    P_3_2_2_3_12_2, R_3_2_2_3_12_1)
{
    struct broker *broker = start_broker(t, "subscription-identifier-off");
    struct client *client = connect_without(broker, ORDINAL_SUBSCRIPTION_IDENTIFIER_AVAILABLE);
    subscribe(client, "a"); /* positive control */
    send_subscribe(client, "b", .subscription_identifier = 1);
    expect_refused(client, .reason_code = REASON_SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED);
}

CONFORMANCE_TEST(shared_subscription_is_refused_where_unavailable, V5, NEEDS_PROFILE,
                 "A server without Shared Subscriptions says so, and refuses a SUBSCRIBE with one with 0x9E",
                 P_3_2_2_3_13_2, R_3_2_2_3_13_1)
{
    struct broker *broker = start_broker(t, "shared-off");
    struct client *client = connect_without(broker, ORDINAL_SHARED_SUBSCRIPTION_AVAILABLE);
    subscribe(client, "a"); /* positive control */
    send_subscribe(client, "$share/group/a");
    expect_refused(client, .reason_code = REASON_SHARED_SUBSCRIPTIONS_NOT_SUPPORTED);
}

CONFORMANCE_TEST(
    overlapping_copies_have_their_own_identifier, V5, NEEDS_PROFILE,
    "A server that sends a copy for each overlapping subscription puts that one's identifier into it",
    MQTT_3_3_4_5, MQTT_3_3_4_3, D_3_3_4_3)
{
    struct broker *broker = start_broker(t, "overlapping-separate");
    struct client *client = connect_client(t, .broker = broker, .clean_start = true);
    subscribe(client, "a/b", .qos = 1, .subscription_identifier = 1);
    subscribe(client, "a/#", .qos = 1, .subscription_identifier = 2);
    subscribe(client, "a/+", .qos = 1);
    publish(client, .topic = "a/b", .payload = "x", .qos = 1);
    unsigned with[3] = {0};
    for (unsigned i = 0; i < 3; i++) {
        const struct received *copy = expect_publish(client, .topic = "a/b", .payload = "x");
        const struct publish *seen = &copy->packet.publish;
        uint32_t identifier = properties_number(&seen->properties, ORDINAL_SUBSCRIPTION_IDENTIFIER, 0);
        if (identifier > 2 || with[identifier]++ != 0)
            fail_expected(t, "copies with 1, with 2 and with no Subscription Identifier, one of each", "%s",
                          describe_packet(t, &copy->packet));
    }
}

/* ---- Limits -------------------------------------------------------------------------------------- */

/* The whole size of a PUBLISH at QoS 1 with this much payload. */
static size_t size_of_publish(const char *a, size_t payload)
{
    size_t remaining = 2 + strlen(a) + 2 + 1 + payload;
    size_t length = remaining < 128 ? 1 : remaining < 16384 ? 2 : 3;
    return 1 + length + remaining;
}

CONFORMANCE_TEST(packet_above_maximum_size_is_refused, V5, NEEDS_PROFILE,
                 "Packets up to Maximum Packet Size are accepted; a larger one ends the connection with 0x95",
                 MQTT_3_2_2_15, P_3_2_2_3_6_2)
{
    struct broker *broker = start_broker(t, "packet-size-small");
    struct client *client = connect_client(t, .broker = broker, .clean_start = true);
    uint32_t maximum = announced(client, ORDINAL_MAXIMUM_PACKET_SIZE, 0);
    require(t, maximum > 0 && maximum < 100000, "CONNACK has no Maximum Packet Size, or one of %u", maximum);
    uint8_t *bytes = test_allocate(t, maximum);
    size_t largest = 0;
    while (size_of_publish("a", largest + 1) <= maximum)
        largest++;
    publish(client, .topic = "a", .payload_bytes = {bytes, largest}, .qos = 1); /* positive control */
    send_publish(client, .topic = "a", .payload_bytes = {bytes, largest + 1}, .qos = 1);
    expect_refused(client, .reason_code = REASON_PACKET_TOO_LARGE);
    /* the beginning of one that is far larger: the rest need not be waited for */
    client = connect_client(t, .name = "far larger", .broker = broker, .clean_start = true);
    send_publish(client, .topic = "a", .payload_bytes = {test_allocate(t, 200000), 200000}, .qos = 1);
    expect_closed(client);
}

/* DISCONNECT 0x93, or closing. A server that turns the message down at once, with PUBREC, never has too many
 * that it has not answered. */
static void expect_one_too_many_refused(struct client *client, uint16_t identifier)
{
    struct test *t = client->test;
    const struct received *answer;
    enum outcome outcome = receive(client, &answer);
    if (outcome == RECEIVED_TIMEOUT)
        fail_expected(t, "DISCONNECT 0x93, or the connection closed", "%s", describe_state(client, outcome));
    if (outcome == RECEIVED_CLOSED)
        return;
    const char *seen = describe_packet(t, &answer->packet);
    note(t, "the answer to one too many: %s", seen);
    if (answer->packet.type == PACKET_PUBREC && answer->packet.acknowledgement.reason_code >= 0x80 &&
        answer->packet.acknowledgement.packet_identifier == identifier)
        return;
    if (answer->packet.type != PACKET_DISCONNECT || answer->packet.disconnect.reason_code < 0x80)
        fail_expected(t, "DISCONNECT 0x93, or the connection closed", "%s", seen);
    judge_reason_code(t, answer->packet.disconnect.reason_code, REASON_RECEIVE_MAXIMUM_EXCEEDED, seen);
    expect_closed(client);
}

CONFORMANCE_TEST(messages_above_receive_maximum_are_refused, V5, NEEDS_PROFILE,
                 "One QoS 2 message more under way than the server's Receive Maximum is refused",
                 MQTT_3_3_4_7, R_3_3_4_2)
{
    struct broker *broker = start_broker(t, "receive-maximum-small");
    struct client *client = connect_client(t, .broker = broker, .clean_start = true);
    uint32_t maximum = announced(client, ORDINAL_RECEIVE_MAXIMUM, 65535);
    require(t, maximum < 100, "CONNACK has a Receive Maximum of %u", maximum);
    uint16_t first = 0;
    for (uint32_t i = 0; i < maximum; i++) {
        uint16_t identifier = send_publish(client, .topic = "a", .payload = "under way", .qos = 2);
        expect_pubrec(client, identifier);
        first = i == 0 ? identifier : first;
    }
    send_acknowledgement(client, PACKET_PUBREL, first, REASON_SUCCESS);
    expect_pubcomp(client, first); /* that makes room for one */
    expect_pubrec(client, send_publish(client, .topic = "a", .payload = "fits", .qos = 2));
    expect_one_too_many_refused(client,
                                send_publish(client, .topic = "a", .payload = "one too many", .qos = 2));
}

CONFORMANCE_TEST(alias_is_refused_where_unavailable, V5, NEEDS_PROFILE,
                 "A Topic Alias to a server that allows none ends the connection with 0x94", MQTT_3_2_2_18,
                 P_3_3_4_2, D_3_2_2_3_8_1)
{
    struct broker *broker = start_broker(t, "alias-off");
    struct client *client = connect_client(t, .broker = broker, .clean_start = true);
    require(t, announced(client, ORDINAL_TOPIC_ALIAS_MAXIMUM, 0) == 0, "CONNACK allows Topic Aliases");
    publish(client, .topic = "a", .payload = "without alias", .qos = 1); /* positive control */
    send_publish(client, .topic = "a", .payload = "with alias", .qos = 1, .topic_alias = 1);
    expect_refused(client, .reason_code = REASON_TOPIC_ALIAS_INVALID,
                   .or_reason_code = REASON_PROTOCOL_ERROR);
}

CONFORMANCE_TEST(
    server_keep_alive_is_in_force, V5, NEEDS_PROFILE | NEEDS_TIME,
    "Server Keep Alive replaces the client's: silence for one and a half times as long ends the connection",
    MQTT_3_1_2_21, MQTT_3_2_2_21, MQTT_3_1_2_22)
{
    static const uint16_t wishes[] = {600, 0};
    struct broker *broker = start_broker(t, "server-keep-alive");
    struct client *clients[2];
    double begun[2];
    for (unsigned i = 0; i < 2; i++) {
        begun[i] = now(t);
        clients[i] = connect_client(t, .name = text(t, "Keep Alive %u", wishes[i]), .broker = broker,
                                    .clean_start = true, .keep_alive = wishes[i]);
    }
    for (unsigned i = 0; i < 2; i++) {
        uint32_t seconds = announced(clients[i], ORDINAL_SERVER_KEEP_ALIVE, 0);
        require(t, seconds > 0 && seconds <= 10, "%s: CONNACK has a Server Keep Alive of %u",
                clients[i]->name, seconds);
        allow_time(t, 1.5 * seconds + LATE);
        int code = expect_closed(clients[i], .earliest = begun[i] + seconds - SLACK,
                                 .latest = begun[i] + 1.5 * seconds + LATE);
        note(t, "%s: closed after %.2f times Server Keep Alive, Reason Code 0x%02X", clients[i]->name,
             (clients[i]->closed_at - begun[i]) / seconds, code == ABSENT ? 0U : (unsigned)code);
    }
}

CONFORMANCE_TEST(session_expiry_of_server_is_in_force, V5, NEEDS_PROFILE | NEEDS_TIME,
                 "A Session Expiry Interval in CONNACK replaces the client's: the session ends by it",
                 MQTT_4_1_0_2, MQTT_3_1_2_23, D_4_1_1)
{
    struct broker *broker = start_broker(t, "session-expiry-short");
    const char *names[] = {client_id(t, "early"), client_id(t, "late")};
    uint32_t seconds = 0;
    for (unsigned i = 0; i < 2; i++) {
        struct client *before = connect_client(t, .broker = broker, .client_identifier = names[i],
                                               .session_expiry_interval = LONG);
        seconds = announced(before, ORDINAL_SESSION_EXPIRY_INTERVAL, LONG);
        require(t, seconds > 0 && seconds <= 5, "CONNACK has a Session Expiry Interval of %u", seconds);
        disconnect(before);
    }
    double ended = now(t);
    struct client *early = connect_client(t, .name = "early", .broker = broker, .client_identifier = names[0],
                                          .session_expiry_interval = LONG);
    if (early->connack->time < ended + 0.9 * seconds)
        require(t, early->connack->packet.connack.session_present, "the session had ended at once");
    wait_until(t, ended + seconds + 2.5);
    struct client *late = connect_client(t, .name = "late", .broker = broker, .client_identifier = names[1],
                                         .session_expiry_interval = LONG);
    require(t, !late->connack->packet.connack.session_present,
            "the session was there %.1f s after its connection, with a Session Expiry Interval of %u s",
            late->connack->time - ended, seconds);
}

/* ---- Who may enter, who may publish -------------------------------------------------------------- */

/* 3.1.1 recommends what 5.0 permits: to say why. */
static void judge_return_code(struct client *client, int code)
{
    struct test *t = client->test;
    if (code == ABSENT)
        warn(t, "%s: closed without a CONNACK that says why [S3-3.1.4-2]", client->name);
    else if (code != 4 && code != 5)
        warn(t, "%s: CONNACK with return code %d instead of 4 or 5 [R3-3.2.2.3-4] [R3-3.2.2.3-5]",
             client->name, code);
}

CONFORMANCE_TEST(wrong_credentials_are_refused, V5 | V311, NEEDS_PROFILE,
                 "Where users have to name themselves, nobody else gets in", MQTT_3_1_4_2, R_3_1_4_2,
                 S_4_12_2, MQTT_4_13_2_1, S3_3_1_4_2, U3_3_1_4_1, S3_3_2_2_3_1, R3_3_2_2_3_4, R3_3_2_2_3_5,
                 D3_3_1_3_4_1, D3_3_1_4_2)
{
    struct broker *broker = start_broker(t, "users");
    struct client *alice = connect_client(t, .name = "alice", .broker = broker, .clean_start = true,
                                          .user_name = "alice", .password = "secret"); /* positive control */
    struct client *intruders[] = {
        send_connect(t, .name = "wrong password", .broker = broker, .clean_start = true, .user_name = "alice",
                     .password = "Secret"),
        send_connect(t, .name = "no password", .broker = broker, .clean_start = true, .user_name = "alice"),
        send_connect(t, .name = "unknown user", .broker = broker, .clean_start = true, .user_name = "mallory",
                     .password = "secret"),
        send_connect(t, .name = "anonymous", .broker = broker, .clean_start = true, .anonymous = true),
    };
    for (size_t i = 0; i < sizeof intruders / sizeof *intruders; i++) {
        int code =
            expect_refused(intruders[i], .reason_code = is_v5(t) ? REASON_BAD_USER_NAME_OR_PASSWORD : 0,
                           .or_reason_code = is_v5(t) ? REASON_NOT_AUTHORIZED : 0);
        if (!is_v5(t))
            judge_return_code(intruders[i], code);
    }
    expect_open(alice);
}

CONFORMANCE_TEST(
    refused_qos_2_publish_frees_its_packet_identifier, V5, NEEDS_PROFILE,
    "After PUBREC with an error the Packet Identifier is free: the next PUBLISH is a new message",
    MQTT_4_3_3_9, R_4_4_1)
{
    struct broker *broker = start_broker(t, "publish-refused");
    struct client *client = connect_client(t, .broker = broker, .clean_start = true);
    subscribe(client, "allowed", .qos = 2);
    uint8_t code = publish(client, .topic = "refused/a", .payload = "refused", .qos = 2,
                           .packet_identifier = 7, .may_be_refused = true);
    if (code < 0x80)
        skip(t, "the PUBLISH was answered with PUBREC 0x%02X, which is no refusal", code);
    publish(client, .topic = "allowed", .payload = "new", .qos = 2, .packet_identifier = 7);
    expect_publish(client, .topic = "allowed", .payload = "new", .qos = 2);
}

/* 3.1 does not offer the choice to close. */
CONFORMANCE_TEST(refused_publish_is_acknowledged_or_ends_the_connection, V3, NEEDS_PROFILE | NEEDS_QOS1,
                 "A PUBLISH that the server does not allow is acknowledged as usual, or ends the connection",
                 MQTT3_3_3_5_2, D3_4_7_3_9)
{
    static const enum packet_type answers[] = {PACKET_PINGRESP, PACKET_PUBACK, PACKET_PUBREC};
    struct broker *broker = start_broker(t, "publish-refused");
    for (int qos = 1; qos <= t->capabilities->maximum_qos; qos++) {
        const struct received *received;
        struct client *client =
            connect_client(t, .name = text(t, "QoS %d", qos), .broker = broker, .clean_start = true);
        publish(client, .topic = "allowed", .payload = "allowed", .qos = qos); /* positive control */
        send_publish(client, .topic = "refused/a", .payload = "refused", .qos = qos);
        enum outcome outcome = receive(client, &received);
        if (outcome == RECEIVED_CLOSED && t->version == PROTOCOL_3_1)
            warn(t, "QoS %d: the connection was closed; 3.1 has the message acknowledged", qos);
        else if (outcome == RECEIVED_CLOSED)
            note(t, "QoS %d: the connection was closed", qos);
        else if (outcome == RECEIVED_TIMEOUT || received->packet.type != answers[qos])
            fail_expected(t, "an acknowledgement, or the connection closed", "%s",
                          outcome == RECEIVED_PACKET ? describe_packet(t, &received->packet)
                                                     : describe_state(client, outcome));
        else
            note(t, "QoS %d: acknowledged", qos);
    }
}

CONFORMANCE_TEST(topics_may_be_forbidden, V5, NEEDS_PROFILE,
                 "A server may forbid a client to publish on a topic, and tell it or not", D_4_7_3_9,
                 MQTT_4_3_2_4)
{
    struct broker *broker = start_broker(t, "publish-refused");
    struct client *client = connect_client(t, .broker = broker, .clean_start = true);
    publish(client, .topic = "allowed", .payload = "allowed", .qos = 1); /* positive control */
    uint16_t identifier = send_publish(client, .topic = "refused/a", .payload = "refused", .qos = 1);
    const struct received *answer;
    enum outcome outcome = receive(client, &answer);
    if (outcome == RECEIVED_CLOSED ||
        (outcome == RECEIVED_PACKET && answer->packet.type == PACKET_DISCONNECT)) {
        note(t, "the connection was closed");
        expect_closed(client);
        return;
    }
    if (outcome == RECEIVED_TIMEOUT || answer->packet.type != PACKET_PUBACK ||
        answer->packet.acknowledgement.packet_identifier != identifier)
        fail_statement(t, MQTT_4_3_2_4, STATEMENT_NONE, "a PUBACK, or the connection closed", "%s",
                       outcome == RECEIVED_PACKET ? describe_packet(t, &answer->packet)
                                                  : describe_state(client, outcome));
    uint8_t code = answer->packet.acknowledgement.reason_code;
    if (code >= 0x80)
        note(t, "the publisher was told: PUBACK with 0x%02X", code);
    else
        note(t, "the publisher was not told: PUBACK with 0x%02X", code);
    expect_open(client);
}
