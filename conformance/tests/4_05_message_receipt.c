/* 4.5 Message receipt */
#include "3_01_session.h"
#include "3_03_publish.h"

/* Publishes at `qos` and demands the message at each subscriber, and nothing else before the next one. */
static void check_receipt(struct client *publisher, const char *topic_name, struct client *const *subscribers,
                          size_t count, int qos)
{
    struct test *t = publisher->test;
    for (int turn = 1; turn <= 2; turn++) {
        const char *payload = text(t, "%d at QoS %d", turn, qos);
        publish(publisher, .topic = topic_name, .payload = payload, .qos = qos);
        for (size_t i = 0; i < count; i++)
            expect_publish(subscribers[i], .topic = topic_name, .payload = payload);
    }
}

CONFORMANCE_TEST(message_goes_to_all_matching_subscriptions, V_ALL, NEEDS_QOS2 | NEEDS_WILDCARD,
                 "A message reaches every client with a matching subscription, the publisher included",
                 MQTT_4_5_0_1, MQTT3_4_5_0_1, D_4_3_2, D3_4_3_2)
{
    const char *a = topic(t, "a/b");
    struct client *subscribers[4];
    const char *const filters[] = {a, topic(t, "a/+"), topic(t, "#"), topic(t, "+/b")};
    for (size_t i = 0; i < 4; i++) {
        subscribers[i] = connect_client(t, .clean_start = true);
        subscribe(subscribers[i], filters[i], .qos = 2);
    }
    struct client *stranger = connect_client(t, .name = "stranger", .clean_start = true);
    subscribe(stranger, topic(t, "a"), .qos = 2);
    for (int qos = 0; qos <= 2; qos++)
        check_receipt(subscribers[0], a, subscribers, 4, qos);
    expect_nothing_before(stranger, .publisher = subscribers[0], .topic = topic(t, "a"), .qos = 2);
}

static struct client *lasting_subscriber(struct test *t, const char *name, const char *filter)
{
    struct client *subscriber = connect_lasting(t, name);
    if (subscribe(subscriber, filter, .qos = 2) < 1)
        skip(t, "the server granted QoS 0 only");
    ping(subscriber);
    return subscriber;
}

CONFORMANCE_TEST(messages_are_queued_while_offline, V_ALL, NEEDS_QOS2,
                 "QoS 1 and 2 messages for a client that is not connected wait in its session, in order",
                 MQTT_4_5_0_1, MQTT3_4_5_0_1, MQTT_4_6_0_5, MQTT3_4_6_0_6)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *gone = lasting_subscriber(t, "gone", a);
    struct client *lost = lasting_subscriber(t, "lost", a);
    leave(gone);
    close_abruptly(lost);
    for (int qos = 1; qos <= 2; qos++)
        for (int i = 0; i < 5; i++)
            publish(publisher, .topic = a, .payload = text(t, "%d at QoS %d", i, qos), .qos = qos);
    static const char *const names[] = {"gone", "lost"};
    for (size_t n = 0; n < 2; n++) {
        struct client *subscriber = resume(t, names[n]);
        int next[] = {0, 0, 0};
        for (int i = 0; i < 10; i++) {
            const struct received *got = expect_publish(subscriber, .topic = a);
            uint8_t qos = got->packet.publish.qos;
            require(t, qos > 0, "a message of QoS 1 or 2 came at QoS 0");
            const char *wanted = text(t, "%d at QoS %d", next[qos], qos);
            if (!is_text(got->packet.publish.payload, wanted))
                fail_expected(t, wanted, "%s", describe_packet(t, &got->packet));
            next[qos]++;
        }
        expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 2);
        disconnect(subscriber);
    }
}

CONFORMANCE_TEST(
    queued_messages_are_kept_until_acknowledged, V_ALL, NEEDS_QOS1,
    "Messages that waited in a session wait on when the client leaves without acknowledging them",
    MQTT_4_5_0_1, MQTT3_4_5_0_1, MQTT_4_3_2_3, MQTT3_4_3_2_1)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    leave(lasting_subscriber(t, "sub", a));
    for (int i = 0; i < 3; i++)
        publish(publisher, .topic = a, .payload = text(t, "%d", i), .qos = 1);
    for (int visit = 0; visit < 3; visit++) {
        struct client *subscriber = resume(t, "sub");
        expect_publish(subscriber, .topic = a, .payload = "0", .acknowledge = false, .repeated = visit > 0);
        close_abruptly(subscriber);
    }
    struct client *subscriber = resume(t, "sub");
    for (int i = 0; i < 3; i++)
        expect_publish(subscriber, .topic = a, .payload = text(t, "%d", i), .repeated = true);
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 1);
}

/* The Will's way leads through the same door. */
CONFORMANCE_TEST(will_goes_to_connected_and_absent_subscribers, V_ALL, NEEDS_QOS1,
                 "A Will Message reaches the connected subscriber and waits for the one that is not",
                 MQTT_4_5_0_1, MQTT3_4_5_0_1)
{
    const char *a = topic(t, "a");
    struct client *present = connect_client(t, .name = "present", .clean_start = true);
    subscribe(present, a, .qos = 1);
    leave(lasting_subscriber(t, "absent", a));
    struct client *dying = connect_client(t, .name = "dying", .clean_start = true,
                                          .will = {.topic = a, .payload = "will", .qos = 1});
    close_abruptly(dying);
    expect_publish(present, .topic = a, .payload = "will");
    struct client *absent = resume(t, "absent");
    expect_publish(absent, .topic = a, .payload = "will");
}
