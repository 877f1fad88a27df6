/* 3.2 CONNACK */
#include "3_01_connect.h"
#include "3_01_session.h"

/* ---- Its place ----------------------------------------------------------------------------------- */

CONFORMANCE_TEST(connack_comes_first_and_once, V_ALL, NEEDS_QOS1,
                 "CONNACK is the first packet on a connection, also when messages wait, and comes once",
                 MQTT_3_2_0_1, MQTT3_3_2_0_1, MQTT_3_2_0_2, MQTT_3_1_4_5, MQTT3_3_1_4_4)
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *before = connect_lasting_client(t, "session");
    subscribe(before, a, .qos = 1);
    leave(before);
    for (int i = 0; i < 5; i++)
        publish(publisher, .topic = a, .payload = text(t, "kept %d", i), .qos = 1);
    struct client *after = send_connect(t, .client_identifier = client_id(t, "session"), .clean_start = false,
                                        .session_expiry_interval = LONG_SESSION);
    expect_connack(after); /* the very next packet */
    for (int i = 0; i < 5; i++)
        expect_publish(after, .topic = a, .payload = text(t, "kept %d", i));
    subscribe(after, topic(t, "b"));
    expect_no_reaction(after, PACKET_CONNACK);
}

/* ---- Its form ------------------------------------------------------------------------------------ */

/* What the bytes of a CONNACK must be, whatever our decoder thinks of them. */
static void judge_bytes(struct test *t, const struct received *connack)
{
    const uint8_t *at = connack->bytes.data;
    const char *observed = describe_packet(t, &connack->packet);
    if (at[0] != 0x20)
        fail_expected(t, "a CONNACK to begin with 0x20", "0x%02X: %s", at[0], observed);
    if (!is_v5(t) && (at[1] != 2 || connack->bytes.length != 4))
        fail_expected(t, "a CONNACK with Remaining Length 2", "%u: %s", at[1], observed);
    if (at[1] < 0x80 && t->version != PROTOCOL_3_1 && (at[2] & 0xFE) != 0)
        fail_statement(t, MQTT_3_2_2_1, STATEMENT_NONE,
                       "bits 7 to 1 of the Connect Acknowledge Flags to be 0", "0x%02X: %s", at[2], observed);
    /* a Remaining Length and a Property Length of one byte each: the properties reach to the end */
    if (is_v5(t) && at[1] < 0x80 && (at[1] < 3 || at[4] != at[1] - 3))
        fail_expected(t, "nothing behind the properties of a CONNACK", "%s", observed);
}

CONFORMANCE_TEST(connack_is_well_formed, V_ALL, NEEDS_NOTHING,
                 "The CONNACK is well-formed, whatever the CONNECT wished for", MQTT_3_2_2_1, MQTT3_3_2_2_1,
                 MQTT_3_2_2_8, MQTT_3_1_4_5, MQTT3_3_1_4_4, P_3_2_2_3_2_1, P_3_2_2_3_3_1, P_3_2_2_3_4_1,
                 P_3_2_2_3_5_1, P_3_2_2_3_6_1, P_3_2_2_3_7_1, P_3_2_2_3_8_1, P_3_2_2_3_9_1, P_3_2_2_3_11_1,
                 P_3_2_2_3_12_1, P_3_2_2_3_13_1, P_3_2_2_3_14_1, P_3_2_2_3_15_1, P_3_2_2_3_16_1,
                 P_3_2_2_3_17_1, P_3_2_2_3_18_1, D_3_2_2_1, D_3_2_3_1, U3_3_2_2_1_1, P3_3_2_2_3_1, D3_3_2_1_1,
                 D3_3_2_3_1, D3_7_1_1_1)
{
    struct client *plain = send_connect(t, .name = "plain", .clean_start = true);
    judge_bytes(t, expect_connack(plain));
    struct client *lasting = send_connect(t, .name = "lasting", .session_expiry_interval = LONG_SESSION);
    judge_bytes(t, expect_connack(lasting, .session_present = false));
    struct client *wishes = send_connect(t, .name = "all wishes", .clean_start = true, .keep_alive = 65535,
                                         .session_expiry_interval = UINT32_MAX, .receive_maximum = 65535,
                                         .maximum_packet_size = 1000000, .topic_alias_maximum = 65535,
                                         .request_response_information = 1, .request_problem_information = 1,
                                         .user_properties = {{"name", "value"}});
    judge_bytes(t, expect_connack(wishes));
    if (is_v5(t)) {
        const struct received *received;
        struct client *nameless =
            send_connect(t, .name = "nameless", .client_identifier = "", .clean_start = true);
        if (receive(nameless, &received) == RECEIVED_PACKET) /* it may be closed without one */
            judge_bytes(t, received);
    }
}

/* ---- Refusals ------------------------------------------------------------------------------------ */

/* A client with a session asks for something that is to be refused: if a CONNACK comes, it says Session
 * Present 0, and the connection is closed. */
static void judge_refusal_of_session(struct client *client)
{
    struct test *t = client->test;
    const struct received *connack;
    enum outcome outcome = receive(client, &connack);
    if (outcome == RECEIVED_TIMEOUT)
        outcome = receive(client, &connack); /* once more, for slow servers */
    if (outcome == RECEIVED_TIMEOUT)
        fail_expected(t, "a CONNACK, or the connection closed", "%s", describe_state(client, outcome));
    if (outcome == RECEIVED_CLOSED) {
        note(t, "%s: the server closed the connection without a CONNACK", client->name);
        return;
    }
    if (connack->packet.type != PACKET_CONNACK || connack->packet.connack.reason_code == 0)
        fail_expected(t, "the connection to be refused", "%s", describe_packet(t, &connack->packet));
    if (connack->bytes.data[2] != 0)
        fail_statement(t, MQTT_3_2_2_6, MQTT3_3_2_2_4, "Session Present 0 in a refusal", "%s",
                       describe_packet(t, &connack->packet));
    note(t, "%s: refused with %s", client->name, describe_packet(t, &connack->packet));
    expect_closed(client);
}

CONFORMANCE_TEST(
    refusing_connack_has_no_session_and_closes, V5 | V311, NEEDS_NOTHING,
    "A refusing CONNACK says Session Present 0, though there is a session, and the connection is closed",
    MQTT_3_2_2_6, MQTT3_3_2_2_4, MQTT_3_2_2_7, MQTT3_3_2_2_5, MQTT_3_2_2_8, R_3_2_2_2_1, R_3_1_4_1)
{
    need_sessions(t, 10);
    struct client *before = connect_lasting_client(t, "session");
    subscribe(before, topic(t, "a")); /* whether a session may be empty is another test's subject */
    leave(before);
    const char *identifier = client_id(t, "session");
    struct client *version = open_connection(t, .name = "unknown version", .client_identifier = identifier,
                                             .version = PROTOCOL_5_0);
    send_connect_bytes(version, .flags = 0x00, .protocol_level = 0x7F);
    judge_refusal_of_session(version);
    if (is_v5(t)) {
        struct client *method = open_connection(t, .name = "unknown method", .client_identifier = identifier);
        send_connect_bytes(method, .flags = 0x00, .properties = "15 {etalon-none}");
        judge_refusal_of_session(method);
        struct client *twice = open_connection(t, .name = "protocol error", .client_identifier = identifier);
        send_connect_bytes(twice, .flags = 0x00, .properties = "21 00 00");
        judge_refusal_of_session(twice);
    }
    demand_session_present(connect_lasting_client(t, "session"), true); /* positive control: it was there */
}

/* ---- What the CONNACK says is so ----------------------------------------------------------------- */

/* A property of the CONNACK of `client`, or its default. */
static uint32_t connack_number(const struct client *client, enum property_ordinal ordinal, uint32_t absent)
{
    return properties_number(&client->connack->packet.connack.properties, ordinal, absent);
}

/* Subscribes as a server without limits in its CONNACK must allow; it may still refuse this client. */
static void expect_granted(struct client *client, const char *what, const char *filter, uint8_t unsupported,
                           int64_t subscription_identifier)
{
    struct test *t = client->test;
    uint8_t code =
        subscribe(client, filter, .subscription_identifier = subscription_identifier, .may_be_refused = true);
    if (code == unsupported)
        fail_expected(t, text(t, "%s to be supported, as the CONNACK says", what), "SUBACK with 0x%02X",
                      code);
    if (code >= 0x80)
        note(t, "%s: the server refused this one with 0x%02X", what, code);
}

CONFORMANCE_TEST(features_not_ruled_out_are_there, V5, NEEDS_NOTHING,
                 "What the CONNACK does not rule out is supported: subscriptions of all kinds",
                 D_3_2_2_3_11_1, D_3_2_2_3_12_1, D_3_2_2_3_13_1)
{
    struct client *client = connect_client(t, .clean_start = true);
    if (connack_number(client, ORDINAL_WILDCARD_SUBSCRIPTION_AVAILABLE, 1) == 1)
        expect_granted(client, "Wildcard Subscriptions", topic(t, "wild/#"),
                       REASON_WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED, ABSENT);
    if (connack_number(client, ORDINAL_SUBSCRIPTION_IDENTIFIER_AVAILABLE, 1) == 1)
        expect_granted(client, "Subscription Identifiers", topic(t, "identified"),
                       REASON_SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED, 7);
    if (connack_number(client, ORDINAL_SHARED_SUBSCRIPTION_AVAILABLE, 1) == 1)
        expect_granted(client, "Shared Subscriptions", shared_filter(t, "group", topic(t, "shared")),
                       REASON_SHARED_SUBSCRIPTIONS_NOT_SUPPORTED, ABSENT);
    expect_open(client);
}

CONFORMANCE_TEST(retained_messages_not_ruled_out_are_there, V5, NEEDS_RETAIN,
                 "Without Retain Available 0 in the CONNACK, retained messages are kept", D_3_2_2_3_5_1)
{
    const char *a = topic(t, "a");
    struct client *client = connect_client(t, .clean_start = true);
    publish(client, .topic = a, .payload = "retained", .retain = true, .qos = storing_qos(t));
    ping(client);
    subscribe(client, a);
    expect_publish(client, .topic = a, .payload = "retained", .retain = true);
}

CONFORMANCE_TEST(maximum_qos_not_ruled_out_is_there, V5, NEEDS_QOS2,
                 "Without a Maximum QoS in the CONNACK, a PUBLISH of QoS 2 is taken", D_3_2_2_3_4_1)
{
    struct client *client = connect_client(t, .clean_start = true);
    if (publish(client, .topic = topic(t, "a"), .qos = 2, .may_be_refused = true) == REASON_QOS_NOT_SUPPORTED)
        fail_expected(t, "QoS 2 to be supported, as the CONNACK says", "PUBREC with 0x9B");
    expect_open(client);
}

#define MANY 1000U /* messages in flight that show that the default is no small number */

CONFORMANCE_TEST(
    receive_maximum_of_server_is_granted, V5, NEEDS_QOS2,
    "The server takes as many unfinished messages as its Receive Maximum says, 65,535 by default",
    D_3_2_2_3_3_1)
{
    struct client *client = connect_client(t, .clean_start = true);
    uint32_t maximum = connack_number(client, ORDINAL_RECEIVE_MAXIMUM, 65535);
    unsigned count = maximum < MANY ? maximum : MANY;
    for (unsigned i = 0; i < count; i++) /* PUBREL never comes, so all of them stay unfinished */
        send_publish(client, .topic = topic(t, "a"), .payload = "unfinished", .qos = 2);
    expect_open(client);
    note(t, "%u unfinished messages of QoS 2, Receive Maximum %u", count, maximum);
}

/* ---- Topic Alias Maximum ------------------------------------------------------------------------- */

CONFORMANCE_TEST(
    topic_alias_above_maximum_is_refused, V5, NEEDS_TOPIC_ALIAS,
    "A Topic Alias above the server's Topic Alias Maximum ends the connection, one equal to it is fine",
    MQTT_3_2_2_17)
{
    const char *a = topic(t, "a");
    struct client *client = connect_client(t, .clean_start = true);
    uint32_t maximum = connack_number(client, ORDINAL_TOPIC_ALIAS_MAXIMUM, 0);
    if (maximum == 0)
        error(t, "set-up: this CONNACK has no Topic Alias Maximum, an earlier one had");
    if (maximum == 65535)
        skip(t, "the server allows every Topic Alias there is");
    send_publish(client, .topic = a, .topic_alias = maximum);
    expect_open(client); /* positive control */
    send_publish(client, .topic = a, .topic_alias = maximum + 1);
    expect_refused(client, .reason_code = REASON_TOPIC_ALIAS_INVALID);
}

CONFORMANCE_TEST(topic_alias_without_maximum_is_refused, V5, NEEDS_NO_TOPIC_ALIAS,
                 "A Topic Alias to a server without Topic Alias Maximum ends the connection", MQTT_3_2_2_18,
                 D_3_2_2_3_8_1)
{
    const char *a = topic(t, "a");
    struct client *client = connect_client(t, .clean_start = true);
    send_publish(client, .topic = a);
    expect_open(client); /* positive control */
    send_publish(client, .topic = a, .topic_alias = 1);
    expect_refused(client, .reason_code = REASON_TOPIC_ALIAS_INVALID);
}
