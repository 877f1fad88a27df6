/* 3.1.4 CONNECT Actions (3.1.1: Response) */
#include "3_01_connect.h"
#include "3_01_session.h"

/* ---- Taking over --------------------------------------------------------------------------------- */

CONFORMANCE_TEST(
    same_client_identifier_takes_over, V_ALL, NEEDS_NOTHING,
    "A second client with the same Client Identifier makes the server end the first one's connection",
    MQTT_3_1_4_3, MQTT3_3_1_4_2, MQTT_3_1_3_2, MQTT3_3_1_3_2)
{
    const char *identifier = client_id(t, "same");
    struct client *bystander = connect_client(t, .name = "another identifier", .clean_start = true);
    struct client *first = connect_client(t, .client_identifier = identifier, .clean_start = true);
    ping(first);
    struct client *second = connect_client(t, .client_identifier = identifier, .clean_start = true);
    int code = expect_closed(first);
    if (is_v5(t))
        judge_reason_code(t, code, REASON_SESSION_TAKEN_OVER, text(t, "DISCONNECT 0x%02X", (unsigned)code));
    if (is_v5(t) && code == ABSENT)
        note(t, "the server closed without DISCONNECT 0x8E; only the closing is a MUST");
    ping(second);
    expect_open(bystander);

    struct client *third = connect_client(t, .client_identifier = identifier, .clean_start = false);
    expect_closed(second);
    ping(third);
}

CONFORMANCE_TEST(takeover_continues_the_session, V_ALL, NEEDS_QOS1,
                 "A takeover with Clean Start 0 continues the session; messages go to the new connection",
                 MQTT_3_1_2_5, MQTT3_3_1_2_4, MQTT_3_2_2_3, MQTT3_3_2_2_2, MQTT_3_1_4_3, MQTT3_3_1_4_2,
                 MQTT_3_1_4_4, MQTT3_3_1_4_3)
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *first = connect_lasting_client(t, "session");
    subscribe(first, a, .qos = 1);
    struct client *second = connect_lasting_client(t, "session");
    demand_session_present(second, true);
    expect_closed(first);
    publish(publisher, .topic = a, .payload = "for the second", .qos = 1);
    expect_publish(second, .topic = a, .payload = "for the second");
    expect_nothing_before(second, .publisher = publisher, .topic = a, .qos = 1);
}

CONFORMANCE_TEST(takeover_with_clean_start_begins_anew, V_ALL, NEEDS_NOTHING,
                 "A takeover with Clean Start 1 begins a new session, without the old subscriptions",
                 MQTT_3_1_2_4, MQTT3_3_1_2_6, MQTT_3_2_2_2, MQTT3_3_2_2_1, MQTT_3_1_4_4, MQTT3_3_1_4_3)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *witness = connect_client(t, .name = "witness", .clean_start = true);
    struct client *first = connect_lasting_client(t, "session");
    subscribe(witness, a);
    subscribe(first, a);
    struct client *second = connect_lasting_client(t, "session", .clean_start = true);
    demand_session_present(second, false);
    expect_closed(first);
    publish(publisher, .topic = a, .payload = "not for the second");
    expect_publish(witness, .topic = a, .payload = "not for the second");
    expect_nothing_more(second);
}

CONFORMANCE_TEST(takeover_of_a_session_that_ends_begins_anew, V_ALL, NEEDS_NOTHING,
                 "A takeover of a client whose session ends with its connection finds no session",
                 MQTT_3_2_2_3, MQTT3_3_2_2_3, MQTT3_3_1_2_6, D_3_1_2_11_2_2)
{
    const char *identifier = client_id(t, "same");
    struct client *first = connect_client(t, .client_identifier = identifier, .clean_start = true);
    if (is_v5(t) && granted_session_expiry(first) != 0)
        skip(t, "the server gives the session %u s of its own accord", granted_session_expiry(first));
    subscribe(first, topic(t, "a"));
    struct client *second = connect_lasting_client(t, "same");
    demand_session_present(second, false);
    expect_closed(first);
    expect_nothing_more(second);
}

CONFORMANCE_TEST(refused_connect_takes_nothing_over, V5 | V311, NEEDS_NOTHING,
                 "A CONNECT that is refused leaves the client with the same Client Identifier alone",
                 MQTT_3_1_4_1, MQTT3_3_1_4_1)
{
    struct client *first = connect_client(t, .client_identifier = client_id(t, "same"), .clean_start = true);
    ping(first);
    struct client *refused = open_connection(t, .client_identifier = client_id(t, "same"));
    send_connect_bytes(refused, .flags = 0x03); /* the reserved flag */
    expect_connect_refused(refused, REASON_MALFORMED_PACKET);
    expect_open(first);
    struct client *second = connect_client(t, .client_identifier = client_id(t, "same"), .clean_start = true);
    expect_closed(first); /* positive control: a good one does take over */
    ping(second);
}

/* ---- Packets behind the CONNECT ------------------------------------------------------------------ */

/* SUBSCRIBE to `a` with Packet Identifier 1 at QoS 0, PUBLISH of "early" to `b`, PINGREQ. */
static const char *packets_behind(struct test *t, const char *a, const char *b)
{
    bool five = is_v5(t);
    return text(t, "82 %02x 00 01 %s {%s} 00  30 %02x {%s} %s 65 61 72 6c 79  c0 00",
                (unsigned)strlen(a) + (five ? 6 : 5), five ? "00" : "", a,
                (unsigned)strlen(b) + (five ? 8 : 7), b, five ? "00" : "");
}

CONFORMANCE_TEST(packets_behind_connect_are_accepted, V_ALL, NEEDS_NOTHING,
                 "A client need not wait for the CONNACK: packets right behind its CONNECT are carried out",
                 D_3_1_4_3, MQTT_3_2_0_1, MQTT3_3_2_0_1, MQTT_3_1_4_5, MQTT3_3_1_4_4, D3_3_1_4_4)
{
    const char *a = topic(t, "a");
    const char *b = topic(t, "b");
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    subscribe(subscriber, b);
    struct client *hasty = open_connection(t, .name = "hasty");
    send_connect_bytes(hasty, .behind = packets_behind(t, a, b));
    expect_connack(hasty); /* the very first packet */
    expect_suback(hasty, 1, 1);
    expect_publish(subscriber, .topic = b, .payload = "early");
    ping(hasty);
}

/* Well-formed, and to be refused by 3.1.1. That it is refused at all is another test's subject. */
static void refuse_nameless_with_packets_behind(struct test *t, const char *a, const char *b)
{
    struct client *control = open_connection(t, .name = "without");
    send_connect_bytes(control, .flags = 0x00, .client_identifier = "");
    const struct received *connack;
    if (receive(control, &connack) == RECEIVED_PACKET && connack->packet.type == PACKET_CONNACK &&
        connack->packet.connack.reason_code == 0) {
        note(t, "the server accepts a CONNECT without Client Identifier and with Clean Session 0");
        return;
    }
    struct client *nameless = open_connection(t, .name = "no Client Identifier");
    send_connect_bytes(nameless, .flags = 0x00, .client_identifier = "", .behind = packets_behind(t, a, b));
    expect_refused(nameless);
}

CONFORMANCE_TEST(packets_behind_a_refused_connect_are_ignored, V5 | V311, NEEDS_NOTHING,
                 "What a client sends behind a CONNECT that is refused is not carried out", MQTT_3_1_4_6,
                 MQTT3_3_1_4_5)
{
    const char *a = topic(t, "a");
    const char *b = topic(t, "b");
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    subscribe(subscriber, b);
    struct client *control = open_connection(t, .name = "control");
    send_connect_bytes(control, .behind = packets_behind(t, a, b));
    expect_publish(subscriber, .topic = b, .payload = "early"); /* positive control: the same bytes */
    expect_connack(control);

    struct client *malformed = open_connection(t, .name = "reserved flag");
    send_connect_bytes(malformed, .flags = 0x03, .behind = packets_behind(t, a, b));
    expect_refused(malformed, .reason_code = REASON_MALFORMED_PACKET);
    struct client *version = open_connection(t, .name = "unknown version", .version = PROTOCOL_5_0);
    send_connect_bytes(version, .protocol_level = 0x7F, .behind = packets_behind(t, a, b));
    expect_refused(version, .reason_code = REASON_UNSUPPORTED_PROTOCOL_VERSION);
    if (is_v5(t)) { /* refused for what it asks: [MQTT-4.12.0-1], or a challenge by AUTH */
        struct client *method = open_connection(t, .name = "unknown method");
        send_connect_bytes(method, .properties = "15 {etalon-none}", .behind = packets_behind(t, a, b));
        expect_refused(method, .reason_code = REASON_BAD_AUTHENTICATION_METHOD,
                       .or_reason_code = REASON_NOT_AUTHORIZED);
    }
    expect_nothing_before(subscriber, .publisher = control, .topic = b);
    if (t->version == PROTOCOL_3_1_1)
        refuse_nameless_with_packets_behind(t, a, b);
    expect_nothing_more(subscriber);
}

CONFORMANCE_TEST(refused_connect_keeps_the_session, V5 | V311, NEEDS_NOTHING,
                 "A refused CONNECT with Clean Start 1 discards nothing", MQTT_3_1_4_1, MQTT3_3_1_4_1,
                 MQTT_3_1_2_23, MQTT3_3_1_2_4)
{
    need_sessions(t, 10);
    struct client *before = connect_lasting_client(t, "session");
    subscribe(before, topic(t, "a")); /* whether a session may be empty is another test's subject */
    leave(before);
    struct client *refused = open_connection(t, .client_identifier = client_id(t, "session"));
    send_connect_bytes(refused, .flags = 0x03); /* Clean Start and the reserved flag */
    expect_connect_refused(refused, REASON_MALFORMED_PACKET);
    struct client *after = connect_lasting_client(t, "session");
    demand_session_present(after, true);
}

/* ---- No CONNECT ---------------------------------------------------------------------------------- */

/* Seconds. What is reasonable is not said; a client on the slowest of links has sent its CONNECT by then. */
#define REASONABLE 14.0

CONFORMANCE_TEST(silent_connection_is_closed, V_ALL, NEEDS_TIME,
                 "A connection on which no CONNECT comes is closed after a reasonable time", S_3_1_4_1,
                 S3_3_1_4_1)
{
    struct client *silent = open_connection(t, .name = "silent");
    const struct received *received;
    allow_time(t, REASONABLE);
    double begun = now(t);
    enum outcome outcome = receive_until(silent, begun + REASONABLE, &received);
    if (outcome == RECEIVED_PACKET)
        fail_statement(t, MQTT_3_2_0_1, MQTT3_3_2_0_1, "no packet before a CONNECT", "%s",
                       describe_packet(t, &received->packet));
    if (outcome == RECEIVED_TIMEOUT)
        warn(t, "a connection without CONNECT was still open after %.0f s", REASONABLE);
    else
        note(t, "closed after %.1f s", silent->closed_at - begun);
}

/* ---- Other versions ------------------------------------------------------------------------------ */

/* A server of one version alone conforms, and so does one of all three; what it does not serve it refuses. */
CONFORMANCE_TEST(other_versions_are_served_or_refused, V_ALL, NEEDS_NOTHING,
                 "A CONNECT of another version of MQTT at the same port is served, or refused", D_3_1_4_1,
                 D3_3_1_4_1, MQTT_3_1_2_2, MQTT3_3_1_2_2)
{
    static const enum protocol_version versions[] = {PROTOCOL_3_1, PROTOCOL_3_1_1, PROTOCOL_5_0};
    static const char *const names[] = {"3.1", "3.1.1", "5.0"};
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        if (versions[i] == t->version)
            continue;
        const struct received *answer;
        struct client *client = send_connect(t, .name = names[i], .client_identifier = client_id(t, "other"),
                                             .version = versions[i], .clean_start = true);
        enum outcome outcome = receive(client, &answer);
        if (outcome == RECEIVED_PACKET && answer->packet.type == PACKET_CONNACK &&
            answer->packet.connack.reason_code == 0) {
            note(t, "MQTT %s is served as well", names[i]);
            ping(client);
            disconnect(client);
            continue;
        }
        if (outcome == RECEIVED_TIMEOUT)
            fail_expected(t, "a CONNACK, or the connection closed", "%s", describe_state(client, outcome));
        if (outcome == RECEIVED_PACKET)
            expect_closed(client);
        note(t, "MQTT %s is not served here%s", names[i],
             outcome == RECEIVED_PACKET ? "" : ", which no CONNACK says");
    }
}
