/* 3.1 CONNECT: its place on a connection */
#include "3_01_connect.h"

static bool has_type(const struct packet *packet, const void *context)
{
    return packet->type == *(const enum packet_type *)context;
}

/* The server refuses and closes, and on the way sends no packet of `forbidden`. */
static void expect_refused_without(struct client *client, enum packet_type forbidden, enum statement five,
                                   enum statement three)
{
    struct test *t = client->test;
    const struct received *stray;
    enum outcome outcome = receive_matching(client, now(t) + 2 * t->patience, has_type, &forbidden, &stray);
    if (outcome == RECEIVED_PACKET)
        fail_statement(t, five, three, text(t, "no %s", packet_type_name(forbidden)), "%s",
                       describe_packet(t, &stray->packet));
    if (outcome == RECEIVED_TIMEOUT)
        fail_expected(t, text(t, "the server to close the connection of %s", client->name),
                      "it was still open at %.3f s", now(t));
    expect_refused(client, .reason_code = REASON_PROTOCOL_ERROR);
}

CONFORMANCE_TEST(first_packet_must_be_connect, V_ALL, NEEDS_NOTHING,
                 "A first packet other than CONNECT ends the connection", MQTT_3_1_0_1, MQTT3_3_1_0_1,
                 MQTT_3_2_0_1, MQTT3_3_2_0_1)
{
    static const struct {
        const char *name;
        const char *bytes;
    } firsts[] = {
        {"PINGREQ", "c0 00"},
        {"PUBLISH", "30 04 {a} 00"},
        {"PUBACK", "40 02 00 01"},
        {"SUBSCRIBE", "82 06 00 01 {a} 00"},
        {"UNSUBSCRIBE", "a2 05 00 01 {a}"},
        {"DISCONNECT", "e0 00"},
        {"AUTH", "f0 00"},
    };
    accept_connect_bytes(t); /* positive control: what comes first is what makes the difference */
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++) {
        struct client *client = open_connection(t, .name = text(t, "%s first", firsts[i].name));
        SEND_HEX(client, firsts[i].bytes);
        expect_refused_without(client, PACKET_PINGRESP, MQTT_3_2_0_1, MQTT3_3_2_0_1);
    }
}

CONFORMANCE_TEST(nothing_before_connect_is_carried_out, V_ALL, NEEDS_NOTHING,
                 "A PUBLISH in front of the CONNECT reaches nobody, and the connection ends", MQTT_3_1_0_1,
                 MQTT3_3_1_0_1)
{
    const char *a = topic(t, "a");
    const char *property_length = is_v5(t) ? "00" : "";
    unsigned size = (unsigned)strlen(a) + (is_v5(t) ? 4 : 3);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    subscribe(subscriber, a);
    SEND_TEMPLATE(publisher, "30 %02x {%s} %s 41", size, a, property_length);
    expect_publish(subscriber, .topic = a, .payload = "A"); /* positive control: the same bytes */

    struct client *early = open_connection(t, .name = "early");
    SEND_TEMPLATE(early, "30 %02x {%s} %s 42", size, a, property_length);
    send_connect_bytes(early);
    expect_refused(early, .reason_code = REASON_PROTOCOL_ERROR);
    expect_nothing_more(subscriber);
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a);
}

CONFORMANCE_TEST(second_connect_is_refused, V_ALL, NEEDS_NOTHING,
                 "A second CONNECT on one connection ends it, unanswered by a CONNACK", MQTT_3_1_0_2,
                 MQTT3_3_1_0_2, MQTT_3_2_0_2, D_3_1_1, D3_3_1_1)
{
    struct client *other = connect_client(t, .name = "another identifier", .clean_start = true);
    ping(other); /* positive control: the connection is in use */
    send_connect_bytes(other, .client_identifier = client_id(t, "other"));
    expect_refused_without(other, PACKET_CONNACK, MQTT_3_2_0_2, MQTT3_3_1_0_2);

    struct client *same = connect_client(t, .name = "the same identifier", .clean_start = true);
    ping(same);
    send_connect_bytes(same);
    expect_refused_without(same, PACKET_CONNACK, MQTT_3_2_0_2, MQTT3_3_1_0_2);
}

CONFORMANCE_TEST(
    connect_twice_without_waiting_is_refused, V_ALL, NEEDS_NOTHING,
    "Two CONNECT packets, the second before any answer, end the connection, with one CONNACK at most",
    MQTT_3_1_0_2, MQTT3_3_1_0_2, MQTT_3_2_0_2)
{
    static const enum packet_type connack = PACKET_CONNACK;
    const struct received *first;
    const struct received *rest;
    struct client *client = open_connection(t);
    stop_reading(client); /* so that both CONNECTs are on their way before any answer is read */
    send_connect_bytes(client);
    send_connect_bytes(client);
    start_reading(client);
    enum outcome outcome = receive_matching(client, now(t) + 2 * t->patience, has_type, &connack, &first);
    if (outcome == RECEIVED_PACKET)
        note(t, "the first CONNECT was answered with %s", describe_packet(t, &first->packet));
    if (outcome == RECEIVED_PACKET &&
        receive_matching(client, now(t) + 2 * t->patience, has_type, &connack, &rest) == RECEIVED_PACKET)
        fail_statement(t, MQTT_3_2_0_2, MQTT3_3_1_0_2, "at most one CONNACK", "another: %s",
                       describe_packet(t, &rest->packet));
    expect_closed(client);
}
