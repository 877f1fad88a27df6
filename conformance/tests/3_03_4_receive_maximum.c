/* 3.3.4 PUBLISH Actions: Receive Maximum of either side */
#include "3_03_publish.h"
#include "4_09_window.h"

/* ---- The client's -------------------------------------------------------------------------------- */

/* The publisher's messages "1" to "6" at `qos` have all reached a subscriber without limit. */
static void publish_six(struct test *t, const char *a, int qos)
{
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *control = connect_client(t, .name = "control", .clean_start = true);
    subscribe(control, a, .qos = qos);
    for (int i = 1; i <= 6; i++) {
        publish(publisher, .topic = a, .payload = text(t, "%d", i), .qos = qos);
        expect_publish(control, .topic = a, .payload = text(t, "%d", i));
    }
    disconnect(control);
}

/* Nothing may come now: the server has dealt with the publisher's packets (the control subscriber has the
 * messages), and answers this client's, which must not be held back. */
static void expect_held_back(struct client *subscriber)
{
    struct test *t = subscriber->test;
    settle(subscriber);
    const struct received *early;
    if (receive_publish(subscriber, now(t), &early) == RECEIVED_PACKET)
        fail_expected(t, "no PUBLISH before one of those under way is acknowledged", "%s",
                      describe_packet(t, &early->packet));
}

/* The six messages of publish_six, in order, never more than `maximum` under way. */
static void take_six(struct client *subscriber, const char *a, unsigned maximum)
{
    struct test *t = subscriber->test;
    const struct received *got[6];
    take_through_window(subscriber, a, maximum, got, 6);
    for (int i = 0; i < 6; i++)
        if (!is_text(got[i]->packet.publish.payload, text(t, "%d", i + 1)))
            fail_expected(t, text(t, "message %d", i + 1), "%s", describe_packet(t, &got[i]->packet));
}

static void check_client_maximum(struct test *t, int qos, int maximum)
{
    const char *a = topic(t, text(t, "a%d", maximum));
    struct client *subscriber =
        connect_client(t, .name = "subscriber", .clean_start = true, .receive_maximum = maximum);
    if (subscribe(subscriber, a, .qos = qos) != qos)
        skip(t, "the server granted less than QoS %d", qos);
    publish_six(t, a, qos);
    take_six(subscriber, a, (unsigned)maximum);
}

CONFORMANCE_TEST(receive_maximum_of_client_holds_at_qos_1, V5, NEEDS_QOS1,
                 "No more QoS 1 PUBLISH packets are under way to a client than its Receive Maximum",
                 MQTT_3_3_4_9, MQTT_4_9_0_2, MQTT_4_9_0_1, MQTT_3_3_4_10)
{
    for (int maximum = 1; maximum <= 3; maximum++)
        check_client_maximum(t, 1, maximum);
}

CONFORMANCE_TEST(receive_maximum_of_client_holds_at_qos_2, V5, NEEDS_QOS2,
                 "No more QoS 2 PUBLISH packets are under way to a client than its Receive Maximum",
                 MQTT_3_3_4_9, MQTT_4_9_0_2, MQTT_4_9_0_1, MQTT_3_3_4_10)
{
    for (int maximum = 1; maximum <= 2; maximum++)
        check_client_maximum(t, 2, maximum);
}

CONFORMANCE_TEST(pubrec_does_not_make_room, V5, NEEDS_QOS2,
                 "A PUBREC leaves the Receive Maximum used up; the PUBCOMP makes room", MQTT_3_3_4_9,
                 MQTT_4_9_0_2, MQTT_3_3_4_10)
{
    const char *a = topic(t, "a");
    struct client *subscriber =
        connect_client(t, .name = "subscriber", .clean_start = true, .receive_maximum = 1);
    if (subscribe(subscriber, a, .qos = 2) != 2)
        skip(t, "the server granted less than QoS 2");
    publish_six(t, a, 2);
    const struct received *first =
        expect_publish(subscriber, .topic = a, .payload = "1", .qos = 2, .acknowledge = false);
    uint16_t id = first->packet.publish.packet_identifier;
    expect_held_back(subscriber);
    send_acknowledgement(subscriber, PACKET_PUBREC, id, 0);
    expect_pubrel(subscriber, id);
    expect_held_back(subscriber);
    send_acknowledgement(subscriber, PACKET_PUBCOMP, id, 0);
    expect_publish(subscriber, .topic = a, .payload = "2", .qos = 2);
}

CONFORMANCE_TEST(
    refusing_pubrec_makes_room, V5, NEEDS_QOS2,
    "A PUBREC with a Reason Code of 0x80 or greater ends its PUBLISH and makes room for the next",
    MQTT_3_3_4_9, MQTT_4_4_0_2)
{
    const char *a = topic(t, "a");
    struct client *subscriber =
        connect_client(t, .name = "subscriber", .clean_start = true, .receive_maximum = 1);
    if (subscribe(subscriber, a, .qos = 2) != 2)
        skip(t, "the server granted less than QoS 2");
    publish_six(t, a, 2);
    const struct received *first =
        expect_publish(subscriber, .topic = a, .payload = "1", .qos = 2, .acknowledge = false);
    expect_held_back(subscriber);
    send_acknowledgement(subscriber, PACKET_PUBREC, first->packet.publish.packet_identifier,
                         REASON_UNSPECIFIED_ERROR);
    expect_publish(subscriber, .topic = a, .payload = "2", .qos = 2);
}

/* The next PUBLISH comes without anything more from this client: a PINGREQ, as expect_publish sends one to a
 * server that is late, would wake up a server that looks at its queue only when it hears something. Whether the server
 * is alive is for another client to ask. */
static void expect_publish_unprompted(struct client *subscriber, struct client *other, const char *payload)
{
    struct test *t = subscriber->test;
    const struct received *next = NULL;
    if (receive_publish(subscriber, now(t) + 2 * t->patience, &next) == RECEIVED_TIMEOUT) {
        ping(other);
        if (receive_publish(subscriber, now(t), &next) == RECEIVED_TIMEOUT)
            fail_expected(t, "the next PUBLISH, now that the one before it is acknowledged",
                          "nothing for %.1f s, while another client's PINGREQ is answered", 2 * t->patience);
        note(t, "the server was slow with everything");
    }
    require(t,
            next != NULL && next->packet.type == PACKET_PUBLISH &&
                is_text(next->packet.publish.payload, payload),
            "the message %s did not come next", payload);
    acknowledge(subscriber, next);
}

static void check_reopening(struct test *t, int qos)
{
    const char *a = topic(t, text(t, "a%d", qos));
    struct client *subscriber =
        connect_client(t, .name = "subscriber", .clean_start = true, .receive_maximum = 1);
    if (subscribe(subscriber, a, .qos = qos) != qos)
        skip(t, "the server granted less than QoS %d", qos);
    publish_six(t, a, qos);
    struct client *other = connect_client(t, .name = "other", .clean_start = true);
    for (int i = 1; i <= 6; i++)
        expect_publish_unprompted(subscriber, other, text(t, "%d", i));
}

CONFORMANCE_TEST(receive_maximum_is_a_window_at_qos_1, V5, NEEDS_QOS1,
                 "A PUBACK alone makes the server go on with a message that the Receive Maximum held back",
                 D_4_9_2)
{
    check_reopening(t, 1);
}

CONFORMANCE_TEST(receive_maximum_is_a_window_at_qos_2, V5, NEEDS_QOS2,
                 "A PUBCOMP alone makes the server go on with a message that the Receive Maximum held back",
                 D_4_9_2)
{
    check_reopening(t, 2);
}

CONFORMANCE_TEST(receive_maximum_of_client_counts_both_qos, V5, NEEDS_QOS2,
                 "QoS 1 and QoS 2 together stay within the Receive Maximum", MQTT_3_3_4_9, MQTT_4_9_0_2)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *control = connect_client(t, .name = "control", .clean_start = true);
    struct client *subscriber =
        connect_client(t, .name = "subscriber", .clean_start = true, .receive_maximum = 2);
    subscribe(control, a, .qos = 2);
    if (subscribe(subscriber, a, .qos = 2) != 2)
        skip(t, "the server granted less than QoS 2");
    for (int i = 1; i <= 4; i++) {
        publish(publisher, .topic = a, .payload = text(t, "%d", i), .qos = 1 + i % 2);
        expect_publish(control, .topic = a);
    }
    const struct received *got[4];
    take_through_window(subscriber, a, 2, got, 4);
}

CONFORMANCE_TEST(receive_maximum_of_new_connection_holds, V5, NEEDS_QOS1,
                 "Resending on a new connection keeps to the Receive Maximum of that connection",
                 MQTT_3_3_4_9, MQTT_4_9_0_2, D_4_9_4)
{
    const char *a = topic(t, "a");
    const char *identifier = client_id(t, "sub");
    struct client *subscriber =
        connect_client(t, .name = "subscriber", .client_identifier = identifier, .clean_start = true,
                       .session_expiry_interval = SESSION_SECONDS, .receive_maximum = 4);
    subscribe(subscriber, a, .qos = 1);
    publish_six(t, a, 1);
    expect_publish(subscriber, .topic = a, .payload = "1", .acknowledge = false);
    settle(subscriber); /* whatever the server wants to have under way now is */
    close_abruptly(subscriber);
    subscriber =
        connect_client(t, .name = "subscriber again", .client_identifier = identifier, .clean_start = false,
                       .session_expiry_interval = SESSION_SECONDS, .receive_maximum = 2);
    demand_session(subscriber);
    take_six(subscriber, a, 2);
}

CONFORMANCE_TEST(other_packets_are_not_held_back, V5, NEEDS_QOS1,
                 "With the Receive Maximum used up the server still sends every packet that is no PUBLISH",
                 MQTT_3_3_4_10, MQTT_4_9_0_3)
{
    const char *a = topic(t, "a");
    const char *b = topic(t, "b");
    struct client *subscriber =
        connect_client(t, .name = "subscriber", .clean_start = true, .receive_maximum = 1);
    subscribe(subscriber, a, .qos = 1);
    publish_six(t, a, 1);
    const struct received *first =
        expect_publish(subscriber, .topic = a, .payload = "1", .acknowledge = false);
    subscribe(subscriber, b, .qos = 1);                                    /* SUBACK */
    unsubscribe(subscriber, b);                                            /* UNSUBACK */
    ping(subscriber);                                                      /* PINGRESP */
    publish(subscriber, .topic = topic(t, "c"), .payload = "m", .qos = 1); /* PUBACK */
    if (t->capabilities->maximum_qos > 1)
        publish(subscriber, .topic = topic(t, "c"), .payload = "m", .qos = 2); /* PUBREC, PUBCOMP */
    expect_held_back(subscriber);
    acknowledge(subscriber, first);
    expect_publish(subscriber, .topic = a, .payload = "2");
}

/* ---- The server's -------------------------------------------------------------------------------- */

/* More than this many unfinished messages are not worth their time: the rule is the same for all numbers. */
#define LARGEST_MAXIMUM 5000

/* Sends QoS 2 messages, of which none is finished, until the Receive Maximum is used up. */
static struct client *use_up_server_maximum(struct test *t, const char *a)
{
    struct client *client = connect_client(t, .name = "publisher", .clean_start = true);
    uint32_t maximum =
        properties_number(&client->connack->packet.connack.properties, ORDINAL_RECEIVE_MAXIMUM, UINT16_MAX);
    if (maximum > LARGEST_MAXIMUM)
        skip(t, "the server's Receive Maximum is %u; the test goes up to %d", maximum, LARGEST_MAXIMUM);
    for (uint32_t i = 1; i <= maximum; i++)
        send_publish(client, .topic = a, .payload = "m", .qos = 2, .packet_identifier = (uint16_t)i);
    for (uint32_t i = 1; i <= maximum; i++)
        expect_pubrec(client, (uint16_t)i); /* a refusal ends in `error`: nothing is then used up */
    expect_open(client);
    client->last_packet_identifier = (uint16_t)maximum;
    return client;
}

CONFORMANCE_TEST(receive_maximum_of_server_is_accepted, V5, NEEDS_QOS2,
                 "As many unfinished PUBLISH packets as the server's Receive Maximum are accepted", R_3_3_4_2,
                 MQTT_4_9_0_3, MQTT_3_3_4_1)
{
    const char *a = topic(t, "a");
    struct client *client = use_up_server_maximum(t, a);
    uint16_t last = client->last_packet_identifier;
    publish(client, .topic = a, .payload = "QoS 0 does not count");
    ping(client);
    unsigned step = 1 + last / 20U; /* a thousand one by one would take their time with a distant server */
    for (unsigned i = 1; i <= last; i += step) { /* PUBREL is answered, and each makes room for one more */
        unsigned end = i + step <= last ? i + step : last + 1U;
        for (unsigned id = i; id < end; id++)
            send_acknowledgement(client, PACKET_PUBREL, (uint16_t)id, 0);
        for (unsigned id = i; id < end; id++)
            expect_pubcomp(client, (uint16_t)id);
        for (unsigned id = i; id < end; id++)
            send_publish(client, .topic = a, .payload = "m", .qos = 2, .packet_identifier = (uint16_t)id);
        for (unsigned id = i; id < end; id++)
            expect_pubrec(client, (uint16_t)id);
    }
    expect_open(client);
}

/* A server that turns the message down, and so answers it at once, never has too many unanswered ones. */
static bool is_refusing_acknowledgement(const struct received *received)
{
    enum packet_type type = received->packet.type;
    return (type == PACKET_PUBACK || type == PACKET_PUBREC) &&
           received->packet.acknowledgement.reason_code >= 0x80;
}

CONFORMANCE_TEST(receive_maximum_of_server_exceeded, V5, NEEDS_QOS2,
                 "One PUBLISH more than the server's Receive Maximum ends the connection", R_3_3_4_2,
                 MQTT_3_3_4_7)
{
    for (int qos = 1; qos <= 2; qos++) {
        const char *a = topic(t, text(t, "a%d", qos));
        struct client *client = use_up_server_maximum(t, a);
        send_publish(client, .topic = a, .payload = "one too many", .qos = qos);
        send_pingreq(client);
        const struct received *answer;
        enum outcome outcome = receive(client, &answer);
        if (outcome == RECEIVED_PACKET && is_refusing_acknowledgement(answer)) {
            note(t, "the server refuses the message only: %s", describe_packet(t, &answer->packet));
            continue;
        }
        const char *seen = outcome == RECEIVED_PACKET ? describe_packet(t, &answer->packet)
                                                      : describe_state(client, outcome);
        if (outcome == RECEIVED_TIMEOUT ||
            (outcome == RECEIVED_PACKET && answer->packet.type != PACKET_DISCONNECT))
            fail_expected(t, "DISCONNECT 0x93 (Receive Maximum exceeded), or the connection closed", "%s",
                          seen);
        note(t, "the server's reaction: %s", seen);
        if (outcome == RECEIVED_PACKET && answer->packet.disconnect.reason_code < 0x80)
            fail_expected(t, "a Reason Code of 0x80 or greater", "%s", seen);
        if (outcome == RECEIVED_PACKET)
            judge_reason_code(t, answer->packet.disconnect.reason_code, REASON_RECEIVE_MAXIMUM_EXCEEDED,
                              seen);
        expect_closed(client);
    }
}
