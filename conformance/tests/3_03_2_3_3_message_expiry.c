/* 3.3.2.3.3 Message Expiry Interval. All of it is about time, so these tests wait; a second is the unit of
 * the interval, and the finest that a server need distinguish. */
#include "3_01_session.h"
#include "3_03_publish.h"

static uint32_t expiry_of(struct test *t, const struct received *received)
{
    const struct properties *properties = &received->packet.publish.properties;
    if (!properties_has(properties, ORDINAL_MESSAGE_EXPIRY_INTERVAL))
        fail_expected(t, "a Message Expiry Interval in the PUBLISH", "%s",
                      describe_packet(t, &received->packet));
    return properties_number(properties, ORDINAL_MESSAGE_EXPIRY_INTERVAL, 0);
}

/* Demands that `received` carries `sent` less the time in the server: it waited at least from the moment the
 * server had it (`acknowledged`) until it was asked for (`asked`), and at most from `published` to arrival.
 * Seconds may be rounded up or down. */
static void require_remaining(struct test *t, const struct received *received, uint32_t sent,
                              double published, double acknowledged, double asked)
{
    double remaining = expiry_of(t, received);
    double most = sent - (asked - acknowledged) + 1;
    double least = sent - (received->time - published) - 1;
    if (remaining > most || remaining < least)
        fail_expected(t, text(t, "a Message Expiry Interval from %.2f to %.2f s", least, most), "%.0f s",
                      remaining);
}

CONFORMANCE_TEST(message_expiry_interval_is_passed_on, V5, NEEDS_NOTHING,
                 "A message that does not wait is passed on with its Message Expiry Interval", MQTT_3_3_2_6)
{
    static const uint32_t intervals[] = {10, 100000, UINT32_MAX};
    const char *a = topic(t, "a");
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    int highest = t->capabilities->maximum_qos;
    subscribe(subscriber, a, .qos = highest);
    for (int qos = 0; qos <= highest; qos++) {
        for (size_t i = 0; i < sizeof intervals / sizeof *intervals; i++) {
            double published = now(t);
            publish(publisher, .topic = a, .payload = "m", .qos = qos,
                    .message_expiry_interval = intervals[i]);
            const struct received *got = expect_publish(subscriber, .topic = a, .payload = "m");
            require_remaining(t, got, intervals[i], published, got->time, got->time);
        }
    }
}

CONFORMANCE_TEST(message_expiry_interval_is_reduced_in_queue, V5, NEEDS_QOS1 | NEEDS_TIME,
                 "A message that waited for its subscriber comes with what is left of its interval",
                 MQTT_3_3_2_6)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_lasting(t, "sub");
    subscribe(subscriber, a, .qos = 1);
    leave(subscriber);
    double published = now(t);
    publish(publisher, .topic = a, .payload = "m", .qos = 1, .message_expiry_interval = 100);
    double acknowledged = now(t);
    wait_until(t, acknowledged + 2.2);
    double asked = now(t);
    subscriber = resume(t, "sub");
    const struct received *got = expect_publish(subscriber, .topic = a, .payload = "m");
    require_remaining(t, got, 100, published, acknowledged, asked);
}

CONFORMANCE_TEST(message_expiry_interval_is_reduced_when_retained, V5, NEEDS_RETAIN | NEEDS_QOS1 | NEEDS_TIME,
                 "A retained message comes with what is left of its interval", MQTT_3_3_2_6)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    double published = now(t);
    publish(publisher, .topic = a, .payload = "m", .qos = 1, .retain = true, .message_expiry_interval = 100);
    double acknowledged = now(t);
    wait_until(t, acknowledged + 2.2);
    double asked = now(t);
    subscribe(subscriber, a, .qos = 1);
    const struct received *got = expect_publish(subscriber, .topic = a, .payload = "m", .retain = 1);
    require_remaining(t, got, 100, published, acknowledged, asked);
}

CONFORMANCE_TEST(message_expires_in_queue, V5, NEEDS_QOS1 | NEEDS_TIME,
                 "A message whose interval has passed is not delivered to a subscriber who comes back later",
                 MQTT_3_3_2_5, D_3_3_2_3_3_1)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_lasting(t, "sub");
    subscribe(subscriber, a, .qos = 1);
    leave(subscriber); /* else delivery of the first could have begun */
    publish(publisher, .topic = a, .payload = "expiring first", .qos = 1, .message_expiry_interval = 1);
    publish(publisher, .topic = a, .payload = "lasting", .qos = 1, .message_expiry_interval = 100);
    publish(publisher, .topic = a, .payload = "expiring", .qos = 1, .message_expiry_interval = 1);
    publish(publisher, .topic = a, .payload = "unlimited", .qos = 1);
    wait_until(t, now(t) + 2.5);
    subscriber = resume(t, "sub");
    expect_publish(subscriber, .topic = a, .payload = "lasting");
    expect_publish(subscriber, .topic = a, .payload = "unlimited");
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 1);
}

CONFORMANCE_TEST(message_does_not_expire_too_early, V5, NEEDS_QOS1 | NEEDS_TIME,
                 "A message that waits for less than its interval is delivered", MQTT_3_3_2_5, MQTT_3_3_2_6)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_lasting(t, "sub");
    subscribe(subscriber, a, .qos = 1);
    disconnect(subscriber);
    double published = now(t);
    publish(publisher, .topic = a, .payload = "m", .qos = 1, .message_expiry_interval = 10);
    publish(publisher, .topic = a, .payload = "unlimited", .qos = 1);
    wait_until(t, now(t) + 2);
    subscriber = resume(t, "sub");
    const struct received *got = expect_publish(subscriber, .topic = a);
    bool expired = !is_text(got->packet.publish.payload, "m");
    if (expired && got->time >= published + 9)
        error(t, "the server answered too slowly to judge: %s", describe_packet(t, &got->packet));
    if (expired)
        fail_expected(t, "the message, two seconds into an interval of ten", "%s",
                      describe_packet(t, &got->packet));
}

/* The subscriber is there, but its Receive Maximum is used up: delivery of the second has not begun. */
CONFORMANCE_TEST(message_expires_behind_receive_maximum, V5, NEEDS_QOS1 | NEEDS_TIME,
                 "A message that expires while the subscriber's Receive Maximum is used up is not delivered",
                 MQTT_3_3_2_5)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber =
        connect_client(t, .name = "subscriber", .clean_start = true, .receive_maximum = 1);
    subscribe(subscriber, a, .qos = 1);
    publish(publisher, .topic = a, .payload = "first", .qos = 1);
    const struct received *first =
        expect_publish(subscriber, .topic = a, .payload = "first", .acknowledge = false);
    publish(publisher, .topic = a, .payload = "expiring", .qos = 1, .message_expiry_interval = 1);
    publish(publisher, .topic = a, .payload = "unlimited", .qos = 1);
    wait_until(t, now(t) + 2.5);
    acknowledge(subscriber, first);
    const struct received *next;
    enum outcome outcome = receive_publish(subscriber, now(t) + t->patience, &next);
    if (outcome != RECEIVED_PACKET)
        fail_statement(t, MQTT_4_5_0_1, STATEMENT_NONE, "the message that does not expire, after the PUBACK",
                       "%s", describe_state(subscriber, outcome));
    require(t, is_text(next->packet.publish.payload, "unlimited"), "there came %s",
            describe_packet(t, &next->packet));
    acknowledge(subscriber, next);
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 1);
}

CONFORMANCE_TEST(retained_message_expires, V5, NEEDS_RETAIN | NEEDS_QOS1 | NEEDS_TIME,
                 "A retained message whose interval has passed is discarded", D_3_3_1_3_3, MQTT_3_3_2_5)
{
    const char *a = topic(t, "a");
    const char *b = topic(t, "b");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *early = connect_client(t, .name = "early", .clean_start = true);
    struct client *late = connect_client(t, .name = "late", .clean_start = true);
    uint32_t interval = 2 + (uint32_t)t->latency; /* `early` has to get there before */
    publish(publisher, .topic = b, .payload = "older", .qos = 1, .retain = true);
    publish(publisher, .topic = b, .payload = "unlimited", .qos = 1, .retain = true);
    publish(publisher, .topic = a, .payload = "older", .qos = 1, .retain = true);
    publish(publisher, .topic = a, .payload = "expiring", .qos = 1, .retain = true,
            .message_expiry_interval = interval);
    subscribe(early, a, .qos = 1);
    expect_publish(early, .topic = a, .payload = "expiring", .retain = 1);
    wait_until(t, now(t) + interval + 1.5);
    subscribe(late, b, .qos = 1);
    expect_publish(late, .topic = b, .payload = "unlimited", .retain = 1);
    subscribe(late, a, .qos = 1);
    expect_nothing_before(late, .publisher = publisher, .topic = a, .qos = 1);
}
