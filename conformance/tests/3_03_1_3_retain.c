/* 3.3.1.3 RETAIN */
#include "3_01_session.h"
#include "3_03_publish.h"

/* After SUBACK a server may still be looking for retained messages. Where one is published next, a PINGREQ in between
 * keeps it from being found as one of those. */

/* Demands that a new subscriber to `a` gets no retained message. `publisher` publishes the sentinel. */
static void expect_nothing_retained(struct client *publisher, const char *a, int qos)
{
    struct test *t = publisher->test;
    struct client *subscriber = connect_client(t, .clean_start = true);
    subscribe(subscriber, a, .qos = qos);
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = qos);
}

/* Demands that a new subscriber to `a` gets this retained message, and no other. */
static void expect_retained(struct client *publisher, const char *a, const char *payload, int qos)
{
    struct test *t = publisher->test;
    struct client *subscriber = connect_client(t, .clean_start = true);
    subscribe(subscriber, a, .qos = qos);
    expect_publish(subscriber, .topic = a, .payload = payload, .retain = 1);
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = qos);
}

/* ---- What is stored ------------------------------------------------------------------------------ */

CONFORMANCE_TEST(retained_message_is_stored, V_ALL, NEEDS_RETAIN | NEEDS_QOS1,
                 "A PUBLISH with RETAIN 1 is there for later subscribers, also after its publisher has left",
                 MQTT_3_3_1_5, MQTT3_3_3_1_5, MQTT_3_3_1_9, MQTT3_3_3_1_6, D_3_3_1_3_1, D_3_3_1_3_2)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *other = connect_client(t, .name = "other", .clean_start = true);
    publish(publisher, .topic = a, .payload = "kept", .qos = 1, .retain = true);
    expect_retained(publisher, a, "kept", 1);
    disconnect(publisher);
    expect_retained(other, a, "kept", 1);
}

CONFORMANCE_TEST(retained_message_is_replaced, V_ALL, NEEDS_RETAIN | NEEDS_QOS1,
                 "A PUBLISH with RETAIN 1 takes the place of the retained message before it", MQTT_3_3_1_5,
                 MQTT3_3_3_1_5, MQTT3_3_3_1_6)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *other = connect_client(t, .name = "other publisher", .clean_start = true);
    publish(publisher, .topic = a, .payload = "first", .qos = 1, .retain = true);
    publish(publisher, .topic = a, .payload = "second", .qos = 1, .retain = true);
    expect_retained(publisher, a, "second", 1);
    publish(other, .topic = a, .payload = "third", .qos = 1, .retain = true);
    expect_retained(other, a, "third", 1);
}

CONFORMANCE_TEST(retained_message_keeps_its_qos, V_ALL, NEEDS_RETAIN | NEEDS_QOS2,
                 "A retained message is delivered at the QoS it was published with, or the lower one granted",
                 MQTT_3_3_1_5, MQTT3_3_3_1_5, MQTT_3_8_4_8, MQTT3_3_8_4_6)
{
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    for (int published = 1; published <= 2; published++) {
        const char *a = topic(t, text(t, "a%d", published));
        publish(publisher, .topic = a, .payload = "kept", .qos = published, .retain = true);
        for (int wish = 0; wish <= 2; wish++) {
            struct client *subscriber = connect_client(t, .clean_start = true);
            int granted = subscribe(subscriber, a, .qos = wish);
            expect_publish(subscriber, .topic = a, .payload = "kept", .retain = 1,
                           .qos = delivered_qos(published, granted));
        }
    }
}

/* A QoS 0 message may be dropped at any time, but the older one must never come back. */
CONFORMANCE_TEST(retained_qos_0_message_replaces, V_ALL, NEEDS_RETAIN | NEEDS_QOS1,
                 "A QoS 0 PUBLISH with RETAIN 1 takes the place of an older message of QoS 1", MQTT_3_3_1_5,
                 MQTT3_3_3_1_7, S_3_3_1_3_1)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    publish(publisher, .topic = a, .payload = "old", .qos = 1, .retain = true);
    expect_retained(publisher, a, "old", 1);
    publish(publisher, .topic = a, .payload = "new", .qos = 0, .retain = true);
    ping(publisher);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    subscribe(subscriber, a, .qos = 0);
    const struct received *got[2];
    size_t count = collect_before(subscriber, got, 2, .publisher = publisher, .topic = a, .qos = 0);
    if (count == 0) {
        warn(t, "the server did not keep a QoS 0 message with RETAIN 1");
        return;
    }
    require(t, count == 1, "%zu retained messages came for one topic", count);
    if (!is_text(got[0]->packet.publish.payload, "new"))
        fail_expected(t, "the retained message \"new\", or none", "%s", describe_packet(t, &got[0]->packet));
}

CONFORMANCE_TEST(retained_message_is_one_per_topic, V_ALL, NEEDS_RETAIN | NEEDS_QOS1 | NEEDS_WILDCARD,
                 "A new wildcard subscription gets the last retained message of every matching topic",
                 MQTT_3_3_1_9, MQTT3_3_3_1_6, D_3_3_1_3_1, D_3_3_1_3_2, MQTT3_3_3_1_8)
{
    static const char *const names[] = {"a/b", "a/c", "a/c/d", "a"};
    bool seen[4] = {false};
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    for (size_t i = 0; i < 4; i++) {
        publish(publisher, .topic = topic(t, names[i]), .payload = "old", .qos = 1, .retain = true);
        publish(publisher, .topic = topic(t, names[i]), .payload = names[i], .qos = 1, .retain = true);
    }
    publish(publisher, .topic = topic(t, "b"), .payload = "b", .qos = 1, .retain = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    subscribe(subscriber, topic(t, "a/#"), .qos = 1);
    for (size_t i = 0; i < 4; i++) { /* in any order */
        const struct received *got = expect_publish(subscriber, .retain = 1);
        size_t at = 0;
        while (at < 4 && !is_text(got->packet.publish.topic, topic(t, names[at])))
            at++;
        if (at == 4 || seen[at] || !is_text(got->packet.publish.payload, names[at]))
            fail_expected(t, "the last retained message of each of four topics, once", "%s",
                          describe_packet(t, &got->packet));
        seen[at] = true;
    }
    expect_nothing_before(subscriber, .publisher = publisher, .topic = topic(t, "a"), .qos = 1);
}

/* ---- What removes it, and what does not ---------------------------------------------------------- */

CONFORMANCE_TEST(empty_payload_removes_retained, V5 | V311, NEEDS_RETAIN | NEEDS_QOS1,
                 "A PUBLISH with RETAIN 1 and no payload removes the retained message of its topic",
                 MQTT_3_3_1_6, MQTT3_3_3_1_10)
{
    for (int qos = 0; qos <= 1; qos++) {
        const char *a = topic(t, text(t, "a%d", qos));
        struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
        publish(publisher, .topic = a, .payload = "kept", .qos = 1, .retain = true);
        expect_retained(publisher, a, "kept", 1);
        publish(publisher, .topic = a, .payload = "", .qos = qos, .retain = true);
        ping(publisher);
        struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
        subscribe(subscriber, a, .qos = 1);
        const struct received *got[1];
        if (collect_before(subscriber, got, 1, .publisher = publisher, .topic = a, .qos = 1) == 0)
            continue;
        if (got[0]->packet.publish.payload.length == 0)
            fail_statement(t, MQTT_3_3_1_7, MQTT3_3_3_1_11, "no retained message without payload", "%s",
                           describe_packet(t, &got[0]->packet));
        fail_expected(t, "no retained message any more", "%s", describe_packet(t, &got[0]->packet));
    }
}

CONFORMANCE_TEST(
    empty_retained_message_is_delivered, V5 | V311, NEEDS_RETAIN | NEEDS_QOS1,
    "A PUBLISH with RETAIN 1 and no payload is otherwise processed as normal: subscribers get it",
    MQTT_3_3_1_6, MQTT3_3_3_1_10, MQTT_3_3_1_12, MQTT3_3_3_1_9, D3_3_3_1_3_1)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    subscribe(subscriber, a, .qos = 1);
    ping(subscriber);
    publish(publisher, .topic = a, .payload = "kept", .qos = 1, .retain = true);
    expect_publish(subscriber, .topic = a, .payload = "kept", .retain = 0);
    publish(publisher, .topic = a, .payload = "", .qos = 1, .retain = true);
    expect_publish(subscriber, .topic = a, .payload = "", .retain = 0);
}

CONFORMANCE_TEST(empty_message_is_not_retained, V5 | V311, NEEDS_RETAIN | NEEDS_QOS1,
                 "A PUBLISH with RETAIN 1 and no payload is not stored as a retained message", MQTT_3_3_1_7,
                 MQTT3_3_3_1_11)
{
    const char *a = topic(t, "a");
    const char *b = topic(t, "b");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    publish(publisher, .topic = a, .payload = "", .qos = 1, .retain = true);
    publish(publisher, .topic = b, .payload = "control", .qos = 1, .retain = true);
    expect_retained(publisher, b, "control", 1);
    expect_nothing_retained(publisher, a, 1);
}

CONFORMANCE_TEST(message_without_retain_is_not_stored, V_ALL, NEEDS_RETAIN | NEEDS_QOS1,
                 "A PUBLISH with RETAIN 0 is not stored as a retained message", MQTT_3_3_1_8, MQTT3_3_3_1_12)
{
    for (int qos = 0; qos <= 1; qos++) {
        const char *a = topic(t, text(t, "a%d", qos));
        struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
        struct client *present = connect_client(t, .name = "present", .clean_start = true);
        subscribe(present, a, .qos = 1);
        publish(publisher, .topic = a, .payload = "passing", .qos = qos);
        expect_publish(present, .topic = a, .payload = "passing"); /* it did arrive at the server */
        expect_nothing_retained(publisher, a, qos);
        publish(publisher, .topic = a, .payload = "control", .qos = 1, .retain = true);
        expect_retained(publisher, a, "control", 1);
    }
}

CONFORMANCE_TEST(message_without_retain_leaves_retained, V_ALL, NEEDS_RETAIN | NEEDS_QOS1,
                 "A PUBLISH with RETAIN 0, with or without payload, leaves the retained message as it is",
                 MQTT_3_3_1_8, MQTT3_3_3_1_12)
{
    static const char *const payloads[] = {"passing", ""};
    for (size_t i = 0; i < 2; i++) {
        const char *a = topic(t, text(t, "a%zu", i));
        struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
        publish(publisher, .topic = a, .payload = "kept", .qos = 1, .retain = true);
        publish(publisher, .topic = a, .payload = payloads[i], .qos = 0);
        publish(publisher, .topic = a, .payload = payloads[i], .qos = 1);
        expect_retained(publisher, a, "kept", 1);
    }
}

/* ---- Retain Handling ----------------------------------------------------------------------------- */

CONFORMANCE_TEST(retain_handling_0_sends_always, V5 | V311, NEEDS_RETAIN | NEEDS_QOS1,
                 "With Retain Handling 0 (and before 5.0) every SUBSCRIBE brings the retained message",
                 MQTT_3_3_1_9, MQTT3_3_3_1_6, MQTT3_3_3_1_8, MQTT3_3_8_4_3, MQTT_3_8_4_4)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    publish(publisher, .topic = a, .payload = "kept", .qos = 1, .retain = true);
    subscribe(subscriber, a, .qos = 1);
    expect_publish(subscriber, .topic = a, .payload = "kept", .retain = 1);
    subscribe(subscriber, a, .qos = 1);
    expect_publish(subscriber, .topic = a, .payload = "kept", .retain = 1);
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 1);
}

CONFORMANCE_TEST(retain_handling_1_sends_for_new_subscription, V5, NEEDS_RETAIN | NEEDS_QOS1,
                 "With Retain Handling 1 a new subscription brings the retained message", MQTT_3_3_1_10)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    publish(publisher, .topic = a, .payload = "kept", .qos = 1, .retain = true);
    subscribe(subscriber, a, .qos = 1, .retain_handling = 1);
    expect_publish(subscriber, .topic = a, .payload = "kept", .retain = 1);
    unsubscribe(subscriber, a);
    subscribe(subscriber, a, .qos = 1, .retain_handling = 1); /* new again */
    expect_publish(subscriber, .topic = a, .payload = "kept", .retain = 1);
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 1);
}

CONFORMANCE_TEST(retain_handling_1_regards_the_filter, V5, NEEDS_RETAIN | NEEDS_QOS1 | NEEDS_WILDCARD,
                 "With Retain Handling 1 a subscription is new although another one matches the topic",
                 MQTT_3_3_1_10)
{
    const char *b = topic(t, "a/b");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    publish(publisher, .topic = b, .payload = "kept", .qos = 1, .retain = true);
    subscribe(subscriber, topic(t, "a/+"), .qos = 1, .retain_handling = 1);
    expect_publish(subscriber, .topic = b, .payload = "kept", .retain = 1);
    subscribe(subscriber, b, .qos = 1, .retain_handling = 1);
    expect_publish(subscriber, .topic = b, .payload = "kept", .retain = 1);
}

CONFORMANCE_TEST(retain_handling_1_sends_nothing_for_existing_subscription, V5, NEEDS_RETAIN | NEEDS_QOS1,
                 "With Retain Handling 1 a subscription that exists brings no retained message",
                 MQTT_3_3_1_10)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_lasting(t, "sub");
    publish(publisher, .topic = a, .payload = "kept", .qos = 1, .retain = true);
    subscribe(subscriber, a, .qos = 1, .retain_handling = 1);
    expect_publish(subscriber, .topic = a, .payload = "kept", .retain = 1);
    subscribe(subscriber, a, .qos = 1, .retain_handling = 1);
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 1);
    subscribe(subscriber, a, .qos = 1, .retain_handling = 1, .no_local = true); /* other options, same one */
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 1);
    disconnect(subscriber);
    subscriber = resume(t, "sub");
    subscribe(subscriber, a, .qos = 1, .retain_handling = 1); /* in the session it still exists */
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 1);
    subscribe(subscriber, a, .qos = 1, .retain_handling = 0); /* positive control */
    expect_publish(subscriber, .topic = a, .payload = "kept", .retain = 1);
}

CONFORMANCE_TEST(retain_handling_2_sends_nothing, V5, NEEDS_RETAIN | NEEDS_QOS1,
                 "With Retain Handling 2 no SUBSCRIBE brings a retained message", MQTT_3_3_1_11)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    publish(publisher, .topic = a, .payload = "kept", .qos = 1, .retain = true);
    subscribe(subscriber, a, .qos = 1, .retain_handling = 2);
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 1);
    subscribe(subscriber, a, .qos = 1, .retain_handling = 2);
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 1);
    subscribe(subscriber, a, .qos = 1, .retain_handling = 0); /* positive control */
    expect_publish(subscriber, .topic = a, .payload = "kept", .retain = 1);
}

/* ---- The flag of what is sent -------------------------------------------------------------------- */

CONFORMANCE_TEST(retain_is_1_for_new_subscription, V_ALL, NEEDS_RETAIN | NEEDS_QOS1,
                 "A retained message sent because of a new subscription has RETAIN 1", D_3_3_1_3_2,
                 MQTT3_3_3_1_8)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    publish(publisher, .topic = a, .payload = "kept", .qos = 1, .retain = true);
    for (int qos = 0; qos <= 1; qos++) {
        for (int as_published = 0; as_published <= (is_v5(t) ? 1 : 0); as_published++) {
            struct client *subscriber = connect_client(t, .clean_start = true);
            subscribe(subscriber, a, .qos = qos, .retain_as_published = as_published != 0);
            expect_publish(subscriber, .topic = a, .payload = "kept", .retain = 1);
        }
    }
}

CONFORMANCE_TEST(retain_is_0_for_established_subscription, V_ALL, NEEDS_RETAIN | NEEDS_QOS1,
                 "A message for an established subscription has RETAIN 0, whatever the publisher set",
                 MQTT_3_3_1_12, MQTT3_3_3_1_9)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    subscribe(subscriber, a, .qos = 1);
    ping(subscriber);
    for (int qos = 0; qos <= 1; qos++) {
        publish(publisher, .topic = a, .payload = "retained", .qos = qos, .retain = true);
        expect_publish(subscriber, .topic = a, .payload = "retained", .qos = qos, .retain = 0);
        publish(publisher, .topic = a, .payload = "passing", .qos = qos);
        expect_publish(subscriber, .topic = a, .payload = "passing", .qos = qos, .retain = 0);
    }
}

CONFORMANCE_TEST(retain_is_0_in_queued_message, V_ALL, NEEDS_RETAIN | NEEDS_QOS1,
                 "A message that waited for a subscriber who was away has RETAIN 0", MQTT_3_3_1_12,
                 MQTT3_3_3_1_9)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_lasting(t, "sub");
    subscribe(subscriber, a, .qos = 1);
    leave(subscriber);
    publish(publisher, .topic = a, .payload = "retained", .qos = 1, .retain = true);
    subscriber = resume(t, "sub");
    expect_publish(subscriber, .topic = a, .payload = "retained", .qos = 1, .retain = 0);
}

CONFORMANCE_TEST(retain_as_published_keeps_the_flag, V5, NEEDS_RETAIN | NEEDS_QOS1,
                 "With Retain As Published 1 a message goes out with the RETAIN flag it came in with",
                 MQTT_3_3_1_13)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    subscribe(subscriber, a, .qos = 1, .retain_as_published = true);
    ping(subscriber);
    for (int qos = 0; qos <= 1; qos++) {
        publish(publisher, .topic = a, .payload = "retained", .qos = qos, .retain = true);
        expect_publish(subscriber, .topic = a, .payload = "retained", .qos = qos, .retain = 1);
        publish(publisher, .topic = a, .payload = "passing", .qos = qos);
        expect_publish(subscriber, .topic = a, .payload = "passing", .qos = qos, .retain = 0);
    }
}

CONFORMANCE_TEST(retain_as_published_keeps_the_flag_in_queue, V5, NEEDS_RETAIN | NEEDS_QOS1,
                 "With Retain As Published 1 a message that waited has the RETAIN flag it came in with",
                 MQTT_3_3_1_13)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_lasting(t, "sub");
    subscribe(subscriber, a, .qos = 1, .retain_as_published = true);
    leave(subscriber);
    publish(publisher, .topic = a, .payload = "retained", .qos = 1, .retain = true);
    publish(publisher, .topic = a, .payload = "passing", .qos = 1);
    subscriber = resume(t, "sub");
    expect_publish(subscriber, .topic = a, .payload = "retained", .qos = 1, .retain = 1);
    expect_publish(subscriber, .topic = a, .payload = "passing", .qos = 1, .retain = 0);
}

/* Two subscribers with opposite options: the flag belongs to the subscription, not to the message. */
CONFORMANCE_TEST(retain_as_published_is_per_subscription, V5, NEEDS_RETAIN | NEEDS_QOS1,
                 "Retain As Published of one subscriber does not change what another one gets", MQTT_3_3_1_12,
                 MQTT_3_3_1_13)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *with = connect_client(t, .name = "with", .clean_start = true);
    struct client *without = connect_client(t, .name = "without", .clean_start = true);
    subscribe(with, a, .qos = 1, .retain_as_published = true);
    subscribe(without, a, .qos = 1);
    ping(without);
    ping(with);
    publish(publisher, .topic = a, .payload = "retained", .qos = 1, .retain = true);
    expect_publish(with, .topic = a, .payload = "retained", .retain = 1);
    expect_publish(without, .topic = a, .payload = "retained", .retain = 0);
}

CONFORMANCE_TEST(retain_as_published_can_be_changed, V5, NEEDS_RETAIN | NEEDS_QOS1,
                 "Subscribing again with another Retain As Published replaces the one before", MQTT_3_3_1_12,
                 MQTT_3_3_1_13, MQTT_3_8_4_3)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    for (int as_published = 1; as_published >= 0; as_published--) {
        subscribe(subscriber, a, .qos = 1, .retain_handling = 2, .retain_as_published = as_published != 0);
        publish(publisher, .topic = a, .payload = "retained", .qos = 1, .retain = true);
        expect_publish(subscriber, .topic = a, .payload = "retained", .retain = as_published);
    }
}

/* ---- More than one Topic Filter, more than one sending --------------------------------------------- */

CONFORMANCE_TEST(each_filter_of_a_subscribe_brings_retained_messages, V_ALL, NEEDS_RETAIN | NEEDS_QOS1,
                 "A SUBSCRIBE with several Topic Filters brings the retained messages for all of them",
                 MQTT_3_8_4_5, MQTT3_3_8_4_4, MQTT_3_3_1_9, MQTT3_3_3_1_6)
{
    static const char *const levels[] = {"a", "b", "c"};
    struct subscription_request requests[3];
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    for (size_t i = 0; i < 3; i++) {
        const char *name = topic(t, levels[i]);
        publish(publisher, .topic = name, .payload = levels[i], .qos = 1, .retain = true);
        requests[i] = (struct subscription_request){.topic_filter = bytes_of_text(name), .qos = 1};
    }
    send_subscribe_list(subscriber, requests, 3, ABSENT);
    bool seen[3] = {false};
    for (int i = 0; i < 3; i++) { /* in any order, and the SUBACK anywhere among them */
        const struct received *publish = expect_publish(subscriber, .retain = 1);
        for (size_t level = 0; level < 3; level++)
            seen[level] |= is_text(publish->packet.publish.payload, levels[level]);
    }
    require(t, seen[0] && seen[1] && seen[2], "not all of the three retained messages came");
    expect_nothing_before(subscriber, .publisher = publisher, .topic = topic(t, "a"), .qos = 1);
}

CONFORMANCE_TEST(retained_message_sent_again_has_retain, V_ALL, NEEDS_RETAIN | NEEDS_QOS1,
                 "A retained message that is sent again after a reconnection still has RETAIN 1",
                 MQTT_4_4_0_1, MQTT3_3_3_1_8, MQTT3_4_4_0_1, D_3_3_1_3_2)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_lasting(t, "sub");
    publish(publisher, .topic = a, .payload = "kept", .qos = 1, .retain = true);
    if (subscribe(subscriber, a, .qos = 1) != 1)
        skip(t, "the server granted less than QoS 1");
    expect_publish(subscriber, .payload = "kept", .qos = 1, .retain = 1, .acknowledge = false);
    close_abruptly(subscriber);
    subscriber = resume(t, "sub");
    expect_publish(subscriber, .payload = "kept", .qos = 1, .retain = 1, .dup = 1);
}
