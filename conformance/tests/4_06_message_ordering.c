/* 4.6 Message ordering. Order among messages that come again: 4_04 */
#include "3_03_publish.h"

/* The number of a message is its payload. */
static int number_of(const struct received *publish)
{
    struct bytes payload = publish->packet.publish.payload;
    int number = 0;
    for (size_t i = 0; i < payload.length; i++)
        number = number * 10 + (payload.data[i] - '0');
    return number;
}

/* Publishes numbers without waiting for each acknowledgement, as many at a time as the server allows. */
static void publish_numbers(struct client *publisher, const char *topic_name, int first, int count, int qos)
{
    struct test *t = publisher->test;
    const int window = t->capabilities->receive_maximum < 10 ? 1 : 10;
    uint16_t sent[10];
    for (int i = 0; i < count; i += window) {
        int several = count - i < window ? count - i : window;
        for (int j = 0; j < several; j++)
            sent[j] = send_publish(publisher, .topic = topic_name, .payload = text(t, "%d", first + i + j),
                                   .qos = qos);
        for (int j = 0; j < several && qos == 1; j++)
            expect_puback(publisher, sent[j]);
        for (int j = 0; j < several && qos == 2; j++)
            expect_pubrec(publisher, sent[j]);
        for (int j = 0; j < several && qos == 2; j++)
            send_acknowledgement(publisher, PACKET_PUBREL, sent[j], 0);
        for (int j = 0; j < several && qos == 2; j++)
            expect_pubcomp(publisher, sent[j]);
    }
}

static void expect_numbers(struct client *subscriber, const char *topic_name, int first, int count)
{
    for (int i = first; i < first + count; i++)
        expect_publish(subscriber, .topic = topic_name, .payload = text(subscriber->test, "%d", i), .dup = 0);
}

#define MANY 100

static void check_order(struct test *t, int published, int granted)
{
    const char *a = topic(t, text(t, "a%d%d", published, granted));
    struct client *subscribers[2];
    for (size_t i = 0; i < 2; i++) {
        subscribers[i] = connect_client(t, .clean_start = true);
        subscribe(subscribers[i], a, .qos = granted);
    }
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    publish_numbers(publisher, a, 0, MANY, published);
    for (size_t i = 0; i < 2; i++)
        expect_numbers(subscribers[i], a, 0, MANY);
}

CONFORMANCE_TEST(order_is_kept_at_qos_0, V_ALL, NEEDS_QOS1,
                 "Messages of one client on one topic at QoS 0 keep their order", MQTT_4_6_0_5, MQTT3_4_6_0_6,
                 MQTT_4_6_0_6, MQTT3_4_6_0_5)
{
    check_order(t, 0, 0);
    check_order(t, 1, 0);
}

CONFORMANCE_TEST(order_is_kept_at_qos_1, V_ALL, NEEDS_QOS1,
                 "Messages of one client on one topic at QoS 1 keep their order", MQTT_4_6_0_5, MQTT3_4_6_0_6,
                 MQTT_4_6_0_6, MQTT3_4_6_0_5)
{
    check_order(t, 1, 1);
}

CONFORMANCE_TEST(order_is_kept_at_qos_2, V_ALL, NEEDS_QOS2,
                 "Messages of one client on one topic at QoS 2 keep their order", MQTT_4_6_0_5, MQTT3_4_6_0_6,
                 MQTT_4_6_0_6, MQTT3_4_6_0_5)
{
    check_order(t, 2, 2);
    check_order(t, 2, 1);
}

/* Order binds the messages of one topic and one QoS; what comes between them is free. */
CONFORMANCE_TEST(order_is_kept_for_each_topic_and_qos, V_ALL, NEEDS_QOS2 | NEEDS_WILDCARD,
                 "Messages of several clients, topics and QoS levels in turn: each sequence keeps its order",
                 MQTT_4_6_0_5, MQTT3_4_6_0_6)
{
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    struct client *publishers[2];
    subscribe(subscriber, topic(t, "x/+/+"), .qos = 2);
    for (int p = 0; p < 2; p++)
        publishers[p] = connect_client(t, .clean_start = true);
    for (int i = 0; i < 20; i++)
        for (int qos = 0; qos <= 2; qos++)
            for (int p = 0; p < 2; p++)
                publish(publishers[p], .topic = topic(t, text(t, "x/%d/%d", p, i % 2)),
                        .payload = text(t, "%d", i), .qos = qos);
    int last[2][2][3] = {0};
    for (int i = 0; i < 20 * 3 * 2; i++) {
        const struct received *got = expect_publish(subscriber, .dup = 0);
        struct bytes name = got->packet.publish.topic;
        int p = name.data[name.length - 3] - '0';
        int which = name.data[name.length - 1] - '0';
        require(t, p >= 0 && p < 2 && which >= 0 && which < 2, "%s", describe_packet(t, &got->packet));
        int *before = &last[p][which][got->packet.publish.qos];
        if (number_of(got) + 1 <= *before)
            fail_expected(t, text(t, "a number above %d", *before - 1), "%s",
                          describe_packet(t, &got->packet));
        *before = number_of(got) + 1;
    }
}

/* ---- With few messages under way ---------------------------------------------------------------------- */

static void check_order_with_maximum(struct test *t, int qos, int maximum)
{
    const char *a = topic(t, text(t, "a%d%d", qos, maximum));
    struct client *subscriber = connect_client(t, .name = text(t, "Receive Maximum %d", maximum),
                                               .clean_start = true, .receive_maximum = maximum);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    subscribe(subscriber, a, .qos = qos);
    publish_numbers(publisher, a, 0, 20, qos);
    expect_numbers(subscriber, a, 0, 20);
}

CONFORMANCE_TEST(order_is_kept_with_small_receive_maximum, V5, NEEDS_QOS2,
                 "Messages that wait for a client's acknowledgements keep their order", MQTT_4_6_0_5,
                 MQTT_4_6_0_6)
{
    for (int maximum = 1; maximum <= 3; maximum++) {
        check_order_with_maximum(t, 1, maximum);
        check_order_with_maximum(t, 2, maximum);
    }
}

/* A client at QoS 1 is told to acknowledge in order, but nothing goes wrong at the server if it does not. */
CONFORMANCE_TEST(order_is_kept_when_later_messages_are_acknowledged_first, V_ALL, NEEDS_QOS1,
                 "New messages keep their order while an earlier one is not yet acknowledged", MQTT_4_6_0_5,
                 MQTT3_4_6_0_6)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    subscribe(subscriber, a, .qos = 1);
    publish_numbers(publisher, a, 0, 30, 1);
    const struct received *first = expect_publish(subscriber, .payload = "0", .dup = 0, .acknowledge = false);
    for (int i = 1; i < 30; i++) {
        const struct received *got;
        enum outcome outcome = receive_publish(subscriber, now(t) + 1 + t->latency, &got);
        if (outcome == RECEIVED_TIMEOUT && first != NULL) { /* a server may have few under way at a time */
            acknowledge(subscriber, first);
            first = NULL;
            got = expect_publish(subscriber, .acknowledge = false);
        } else if (outcome != RECEIVED_PACKET) {
            fail_expected(t, text(t, "message %d", i), "%s", describe_state(subscriber, outcome));
        }
        if (number_of(got) != i)
            fail_expected(t, text(t, "message %d", i), "%s", describe_packet(t, &got->packet));
        acknowledge(subscriber, got);
    }
}

/* ---- Through reconnections ---------------------------------------------------------------------------- */

/* A subscriber that acknowledges a few messages on each connection. On each the messages come in order, and
 * begin with the first that it has not acknowledged. */
static void check_order_through_reconnections(struct test *t, int qos, int64_t maximum)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_lasting(t, "sub");
    if (subscribe(subscriber, a, .qos = qos) < qos)
        skip(t, "the server granted less than QoS %d", qos);
    publish_numbers(publisher, a, 0, 5, qos);
    int next = 0;
    for (int connection = 0; next < 25; connection++) {
        for (int i = 0; i < 3 && next < 25; i++) {
            expect_publish(subscriber, .topic = a, .payload = text(t, "%d", next), .qos = qos);
            next++;
        }
        ping(subscriber);
        close_abruptly(subscriber);
        if (connection < 4)
            publish_numbers(publisher, a, 5 + 5 * connection, 5, qos);
        subscriber =
            connect_client(t, .name = "sub", .client_identifier = client_id(t, "sub"), .clean_start = false,
                           .session_expiry_interval = SESSION_SECONDS, .receive_maximum = maximum);
        demand_session(subscriber);
    }
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = qos);
}

CONFORMANCE_TEST(order_is_kept_through_reconnections_at_qos_1, V_ALL, NEEDS_QOS1,
                 "QoS 1 messages sent again, waiting and new come in order on each connection", MQTT_4_6_0_5,
                 MQTT3_4_6_0_6, MQTT_4_4_0_1, MQTT3_4_4_0_1)
{
    check_order_through_reconnections(t, 1, ABSENT);
}

CONFORMANCE_TEST(order_is_kept_through_reconnections_at_qos_2, V_ALL, NEEDS_QOS2,
                 "QoS 2 messages sent again, waiting and new come in order on each connection", MQTT_4_6_0_5,
                 MQTT3_4_6_0_6, MQTT_4_4_0_1, MQTT3_4_4_0_1)
{
    check_order_through_reconnections(t, 2, ABSENT);
}

CONFORMANCE_TEST(order_is_kept_through_reconnections_with_small_receive_maximum, V5, NEEDS_QOS1,
                 "The same with a Receive Maximum of 2 on the later connections", MQTT_4_6_0_5, MQTT_4_4_0_1)
{
    check_order_through_reconnections(t, 1, 2);
}

/* ---- 3.1.1 binds the server's acknowledgements too ---------------------------------------------------- */

CONFORMANCE_TEST(pubrels_come_in_the_order_of_pubrecs, V3, NEEDS_QOS2,
                 "The server sends PUBREL in the order in which PUBRECs came", MQTT3_4_6_0_6)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    subscribe(subscriber, a, .qos = 2);
    publish_numbers(publisher, a, 0, 5, 2);
    const struct received *got[5];
    size_t count = 0;
    ping(subscriber);
    got[count++] = expect_publish(subscriber, .payload = "0", .acknowledge = false);
    while (count < 5 && receive_publish(subscriber, now(t), &got[count]) == RECEIVED_PACKET)
        count++;
    if (count < 2)
        skip(t, "the server has only one message under way at a time");
    for (size_t i = 0; i < count; i++)
        send_acknowledgement(subscriber, PACKET_PUBREC, got[i]->packet.publish.packet_identifier, 0);
    for (size_t i = 0; i < count; i++) {
        uint16_t wanted = got[i]->packet.publish.packet_identifier;
        const struct received *pubrel;
        do
            if (receive(subscriber, &pubrel) != RECEIVED_PACKET)
                fail_expected(t, text(t, "PUBREL %u", wanted), "nothing, or the end of the connection");
        while (pubrel->packet.type == PACKET_PUBLISH);
        if (pubrel->packet.type != PACKET_PUBREL ||
            pubrel->packet.acknowledgement.packet_identifier != wanted)
            fail_expected(t, text(t, "PUBREL %u", wanted), "%s", describe_packet(t, &pubrel->packet));
    }
}
