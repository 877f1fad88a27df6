/* 4.5 One message to many subscribers, and many publishers to one */
#include "3_01_session.h"
#include "3_08_subscribe.h"

#define MANY 36
#define MESSAGES 4

static const char *const filters[] = {"f/a", "f/+", "f/#", "+/a"};

/* Subscribers with all pairs of filter and QoS. */
static struct client *subscribe_one_of_many(struct test *t, size_t i)
{
    struct client *client = connect_client(t, .name = text(t, "subscriber %zu", i), .clean_start = true);
    subscribe(client, topic(t, filters[i % (sizeof filters / sizeof *filters)]), .qos = (int)(i % 3));
    return client;
}

CONFORMANCE_TEST(fan_out_reaches_each_subscriber_once, V_ALL, NEEDS_QOS2 | NEEDS_WILDCARD,
                 "A message with many subscribers goes to each of them, once, at the QoS of its subscription",
                 MQTT_4_5_0_1, MQTT3_4_5_0_1, MQTT_3_8_4_8, MQTT3_3_8_4_6, D_3_3_4_1)
{
    const char *a = topic(t, "f/a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscribers[MANY];
    for (size_t i = 0; i < MANY; i++)
        subscribers[i] = subscribe_one_of_many(t, i);
    for (int i = 0; i < MESSAGES; i++)
        publish(publisher, .topic = a, .payload = text(t, "%d", i), .qos = 2);
    for (size_t s = 0; s < MANY; s++)
        for (int i = 0; i < MESSAGES; i++) /* a second copy would come before the next message */
            expect_publish(subscribers[s], .topic = a, .payload = text(t, "%d", i), .qos = (int)(s % 3),
                           .retain = 0, .dup = 0);
    for (size_t s = 0; s < 3; s++)
        expect_nothing_before(subscribers[s], .publisher = publisher, .topic = a, .qos = 2);
}

CONFORMANCE_TEST(fan_out_includes_absent_clients, V_ALL, NEEDS_QOS1,
                 "A message goes to the sessions of its connected and of its absent subscribers alike",
                 MQTT_4_5_0_1, MQTT3_4_5_0_1, MQTT3_3_1_2_5)
{
    enum { SESSIONS = 10 };
    need_sessions(t, 30);
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscribers[SESSIONS];
    for (size_t i = 0; i < SESSIONS; i++) {
        subscribers[i] = connect_lasting_client(t, text(t, "s%zu", i));
        subscribe(subscribers[i], a, .qos = 1);
        if (i % 2 == 0)
            leave(subscribers[i]);
    }
    for (int i = 0; i < MESSAGES; i++)
        publish(publisher, .topic = a, .payload = text(t, "%d", i), .qos = 1);
    for (size_t i = 0; i < SESSIONS; i += 2) {
        subscribers[i] = connect_lasting_client(t, text(t, "s%zu", i));
        demand_session_present(subscribers[i], true);
    }
    for (size_t s = 0; s < SESSIONS; s++) {
        for (int i = 0; i < MESSAGES; i++)
            expect_publish(subscribers[s], .topic = a, .payload = text(t, "%d", i), .qos = 1);
        expect_nothing_before(subscribers[s], .publisher = publisher, .topic = a, .qos = 1);
    }
}

/* Some megabytes wait for one that does not read. What becomes of it, of its messages and of its connection is
 * the server's choice; the others are served, and so is the publisher. */
CONFORMANCE_TEST(fan_out_passes_a_subscriber_that_does_not_read, V_ALL, NEEDS_QOS1,
                 "A subscriber that has stopped reading holds up neither the others nor the publisher",
                 D_4_3_2, MQTT_4_5_0_1, MQTT3_4_5_0_1)
{
    enum { LARGE = 60 * 1024, COUNT = 80 };
    if (t->capabilities->maximum_packet_size != 0 && t->capabilities->maximum_packet_size < LARGE + 200)
        skip(t, "the server's Maximum Packet Size is %u", t->capabilities->maximum_packet_size);
    abridge(t, 64);
    const char *a = topic(t, "a");
    uint8_t *payload = test_allocate(t, LARGE);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *deaf = connect_client(t, .name = "deaf", .clean_start = true);
    struct client *others[2];
    subscribe(deaf, a, .qos = 0);
    for (size_t i = 0; i < 2; i++) {
        others[i] = connect_client(t, .name = text(t, "other %zu", i), .clean_start = true);
        subscribe(others[i], a, .qos = 1);
    }
    stop_reading(deaf);
    for (int i = 0; i < COUNT; i++) {
        payload[0] = (uint8_t)i;
        publish(publisher, .topic = a, .payload_bytes = bytes_of(payload, LARGE), .qos = 1);
        for (size_t other = 0; other < 2; other++) {
            const struct received *got = expect_publish(others[other], .topic = a, .qos = 1, .dup = 0);
            require(t, bytes_equal(got->packet.publish.payload, bytes_of(payload, LARGE)),
                    "message %d was altered, or is another one", i);
        }
    }
}

/* ---- Many to one -------------------------------------------------------------------------------------- */

/* The payload is the publisher's number and the message's. */
CONFORMANCE_TEST(fan_in_keeps_the_order_of_each_publisher, V_ALL, NEEDS_QOS1,
                 "Messages of many publishers on one topic all arrive, those of each in their order",
                 MQTT_4_6_0_5, MQTT3_4_6_0_6, MQTT_4_5_0_1, MQTT3_4_5_0_1)
{
    enum { PUBLISHERS = 20, EACH = 5 };
    const char *a = topic(t, "a");
    int next[PUBLISHERS] = {0};
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    struct client *publishers[PUBLISHERS];
    uint16_t identifiers[PUBLISHERS];
    subscribe(subscriber, a, .qos = 1);
    for (size_t p = 0; p < PUBLISHERS; p++)
        publishers[p] = connect_client(t, .name = text(t, "publisher %zu", p), .clean_start = true);
    for (int i = 0; i < EACH; i++) {
        for (size_t p = 0; p < PUBLISHERS; p++)
            identifiers[p] =
                send_publish(publishers[p], .topic = a, .payload = text(t, "%02zu %d", p, i), .qos = 1);
        for (size_t p = 0; p < PUBLISHERS; p++)
            expect_puback(publishers[p], identifiers[p]);
    }
    for (int i = 0; i < PUBLISHERS * EACH; i++) {
        const struct received *got = expect_publish(subscriber, .topic = a, .qos = 1, .dup = 0);
        const struct bytes payload = got->packet.publish.payload;
        const int p = payload.length == 4 ? (payload.data[0] - '0') * 10 + payload.data[1] - '0' : PUBLISHERS;
        require(t, p >= 0 && p < PUBLISHERS && payload.data[3] == '0' + next[p],
                "%s came instead of number %d", describe_packet(t, &got->packet),
                p < PUBLISHERS ? next[p] : 0);
        next[p]++;
    }
    expect_nothing_before(subscriber, .publisher = publishers[0], .topic = a, .qos = 1);
}
