/* 4.8.1 Non-shared Subscriptions */
#include "3_08_subscribe.h"

#define SUBSCRIBERS 5

CONFORMANCE_TEST(every_subscriber_gets_a_copy, V_ALL, NEEDS_QOS1 | NEEDS_WILDCARD,
                 "A message goes to each client that subscribed to its topic, in whatever words, once",
                 D_4_8_1_2, D_4_7_3_7, D3_4_7_3_7)
{
    static const char *const filters[SUBSCRIBERS] = {"a/b", "a/b", "a/+", "a/#", "+/b"};
    const char *b = topic(t, "a/b");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscribers[SUBSCRIBERS];
    for (size_t i = 0; i < SUBSCRIBERS; i++) {
        subscribers[i] = connect_client(t, .name = text(t, "%zu: %s", i, filters[i]), .clean_start = true);
        subscribe(subscribers[i], topic(t, filters[i]), .qos = 1);
    }
    for (int round = 0; round < 3; round++)
        publish(publisher, .topic = b, .payload = text(t, "%d", round), .qos = 1);
    publish(publisher, .topic = b, .payload = "last", .qos = 1);
    for (size_t i = 0; i < SUBSCRIBERS; i++) {
        for (int round = 0; round < 3; round++)
            expect_publish(subscribers[i], .topic = b, .payload = text(t, "%d", round), .qos = 1);
        expect_publish(subscribers[i], .topic = b, .payload = "last", .qos = 1);
    }
}

/* 4.1 has it among the state of a session; here it is the key of a subscription. */
CONFORMANCE_TEST(subscription_belongs_to_its_session, V_ALL, NEEDS_QOS2,
                 "Two sessions with the same Topic Filter have two subscriptions, each with its own options",
                 D_4_8_1_1, D_4_8_1_2, MQTT_3_8_4_3, MQTT3_3_8_4_3, D3_1_2_1)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *low = connect_client(t, .name = "QoS 0", .clean_start = true);
    struct client *high = connect_client(t, .name = "QoS 1", .clean_start = true);
    subscribe(high, a, .qos = 0);
    int granted = subscribe(high, a, .qos = 1);
    subscribe(low, a, .qos = 1);
    subscribe(low, a, .qos = 0);
    publish(publisher, .topic = a, .payload = "message", .qos = 2);
    expect_publish(low, .topic = a, .payload = "message", .qos = 0);
    expect_publish(high, .topic = a, .payload = "message", .qos = delivered_qos(2, granted));
    unsubscribe(low, a);
    publish(publisher, .topic = a, .payload = "second", .qos = 2);
    expect_publish(high, .topic = a, .payload = "second");
    expect_nothing_more(low);
}
