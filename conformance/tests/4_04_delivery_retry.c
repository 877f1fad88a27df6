/* 4.4 Message delivery retry */
#include "3_03_publish.h"
#include "4_09_window.h"

#define MESSAGES 5

static const char *payload_of_message(struct test *t, size_t i)
{
    return text(t, "message %zu", i);
}

/* What a subscriber got and did not acknowledge; [i] is NULL for a message that did not come yet. */
struct unacknowledged {
    const struct received *message[MESSAGES];
    size_t count;
};

static struct client *subscribe_lasting(struct test *t, const char *filter, int qos)
{
    struct client *subscriber = connect_lasting(t, "sub");
    if (subscribe(subscriber, filter, .qos = qos) < qos)
        skip(t, "the server granted less than QoS %d", qos);
    return subscriber;
}

static void publish_messages(struct test *t, const char *topic_name, int qos)
{
    struct client *publisher = connect_client(t, .name = "source", .clean_start = true);
    for (size_t i = 0; i < MESSAGES; i++)
        publish(publisher, .topic = topic_name, .payload = payload_of_message(t, i), .qos = qos);
    disconnect(publisher);
}

/* Takes them in order, as many as the server has under way at a time: a server need not send them all. */
static struct unacknowledged take_messages(struct client *subscriber, int qos)
{
    struct test *t = subscriber->test;
    struct unacknowledged taken = {.count = 1};
    taken.message[0] = expect_publish(subscriber, .payload = payload_of_message(t, 0), .qos = qos, .dup = 0,
                                      .acknowledge = false);
    ping(subscriber);
    ping(subscriber);
    const struct received *next;
    while (taken.count < MESSAGES && receive_publish(subscriber, now(t), &next) == RECEIVED_PACKET)
        taken.message[taken.count++] = next;
    return taken;
}

static uint16_t identifier_of(const struct received *publish)
{
    return publish->packet.publish.packet_identifier;
}

/* Message `i` comes again with DUP and its identifier, or for the first time without DUP. */
static const struct received *expect_again(struct client *subscriber, const struct unacknowledged *taken,
                                           size_t i, int qos, bool acknowledge)
{
    struct test *t = subscriber->test;
    bool known = i < taken->count;
    const struct received *got = expect_publish(subscriber, .payload = payload_of_message(t, i), .qos = qos,
                                                .dup = known ? 1 : 0, .acknowledge = acknowledge);
    if (known && identifier_of(got) != identifier_of(taken->message[i]))
        fail_expected(t, text(t, "Packet Identifier %u again", identifier_of(taken->message[i])), "%s",
                      describe_packet(t, &got->packet));
    return got;
}

/* ---- What is sent again ------------------------------------------------------------------------------- */

/* The first message is acknowledged, the others are not, over connections that end in different ways. */
static void check_resending(struct test *t, int qos)
{
    const char *a = topic(t, "a");
    struct client *subscriber = subscribe_lasting(t, a, qos);
    publish_messages(t, a, qos);
    struct unacknowledged taken = take_messages(subscriber, qos);
    acknowledge(subscriber, taken.message[0]);
    ping(subscriber);
    const struct received *next; /* the acknowledgement may have made room for another */
    while (taken.count < MESSAGES && receive_publish(subscriber, now(t), &next) == RECEIVED_PACKET)
        taken.message[taken.count++] = next;
    for (int ending = 0; ending < 3; ending++) {
        if (ending == 0)
            close_abruptly(subscriber);
        if (ending == 1)
            disconnect(subscriber);
        subscriber = resume(t, "sub"); /* the third time it takes over */
        for (size_t i = 1; i < taken.count; i++)
            expect_again(subscriber, &taken, i, qos, false);
    }
    reset_connection(subscriber);
    subscriber = resume(t, "sub");
    for (size_t i = 1; i < MESSAGES; i++)
        expect_again(subscriber, &taken, i, qos, true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = qos);
}

CONFORMANCE_TEST(unacknowledged_qos_1_messages_are_sent_again, V_ALL, NEEDS_QOS1,
                 "After each reconnection the unacknowledged QoS 1 messages come again: DUP, same "
                 "identifiers, same order",
                 MQTT_4_4_0_1, MQTT3_4_4_0_1, MQTT_4_3_2_3, MQTT3_4_3_2_1, MQTT_4_6_0_5, MQTT3_4_6_0_6)
{
    check_resending(t, 1);
}

CONFORMANCE_TEST(unacknowledged_qos_2_messages_are_sent_again, V_ALL, NEEDS_QOS2,
                 "After each reconnection the QoS 2 messages without PUBREC come again: DUP, same "
                 "identifiers, same order",
                 MQTT_4_4_0_1, MQTT3_4_4_0_1, MQTT_4_3_3_3, MQTT3_4_3_3_1, MQTT_4_6_0_5, MQTT3_4_6_0_6)
{
    check_resending(t, 2);
}

CONFORMANCE_TEST(pubrel_is_sent_again_instead_of_publish, V_ALL, NEEDS_QOS2,
                 "After a reconnection an exchange that has come to PUBREL goes on with PUBREL, not PUBLISH",
                 MQTT_4_3_3_5, MQTT_4_3_3_6, MQTT3_4_3_3_1, MQTT_4_4_0_1, MQTT3_4_4_0_1)
{
    const char *a = topic(t, "a");
    struct client *subscriber = subscribe_lasting(t, a, 2);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    publish(publisher, .topic = a, .payload = "m", .qos = 2);
    uint16_t id = identifier_of(expect_publish(subscriber, .payload = "m", .qos = 2, .acknowledge = false));
    send_acknowledgement(subscriber, PACKET_PUBREC, id, 0);
    expect_pubrel(subscriber, id);
    for (int i = 0; i < 3; i++) {
        close_abruptly(subscriber);
        subscriber = resume(t, "sub");
        expect_pubrel(subscriber, id);
        settle(
            subscriber); /* another message would prove no more: it may have to wait until this one is complete */
        const struct received *again;
        if (receive_publish(subscriber, now(t), &again) == RECEIVED_PACKET)
            fail_expected(t, "PUBREL only", "%s as well", describe_packet(t, &again->packet));
    }
    send_acknowledgement(subscriber, PACKET_PUBCOMP, id, 0);
    ping(subscriber);
    disconnect(subscriber);
    subscriber = resume(t, "sub"); /* complete now */
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 2);
    expect_no_reaction(subscriber, PACKET_PUBREL);
}

/* ---- What is not sent again --------------------------------------------------------------------------- */

CONFORMANCE_TEST(acknowledged_messages_are_not_sent_again, V_ALL, NEEDS_QOS2,
                 "Messages whose exchange is complete do not come again after a reconnection", MQTT_4_4_0_1,
                 MQTT3_4_4_0_1)
{
    const char *a = topic(t, "a");
    struct client *subscriber = subscribe_lasting(t, a, 2);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    publish(publisher, .topic = a, .payload = "one", .qos = 1);
    publish(publisher, .topic = a, .payload = "two", .qos = 2);
    expect_publish(subscriber, .payload = "one");
    expect_publish(subscriber, .payload = "two");
    ping(subscriber);
    close_abruptly(subscriber);
    subscriber = resume(t, "sub");
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 2);
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 1);
    expect_no_reaction(subscriber, PACKET_PUBREL);
}

CONFORMANCE_TEST(message_refused_by_client_is_not_sent_again, V5, NEEDS_QOS2,
                 "A message that the client refused with PUBACK or PUBREC does not come again", MQTT_4_4_0_2)
{
    const char *a = topic(t, "a");
    struct client *subscriber = subscribe_lasting(t, a, 2);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    publish(publisher, .topic = a, .payload = "one", .qos = 1);
    publish(publisher, .topic = a, .payload = "two", .qos = 2);
    const struct received *one = expect_publish(subscriber, .payload = "one", .acknowledge = false);
    send_acknowledgement(subscriber, PACKET_PUBACK, identifier_of(one), REASON_UNSPECIFIED_ERROR);
    const struct received *two = expect_publish(subscriber, .payload = "two", .acknowledge = false);
    send_acknowledgement(subscriber, PACKET_PUBREC, identifier_of(two), REASON_QUOTA_EXCEEDED);
    ping(subscriber);
    publish(publisher, .topic = a, .payload = "control", .qos = 2);
    expect_publish(subscriber, .payload = "control", .acknowledge = false);
    close_abruptly(subscriber);
    subscriber = resume(t, "sub");
    expect_publish(subscriber, .payload = "control", .dup = 1);
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 1);
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 2);
}

CONFORMANCE_TEST(nothing_is_sent_again_in_a_new_session, V_ALL, NEEDS_QOS2,
                 "After Clean Start nothing of the session before comes again", MQTT_4_4_0_1, MQTT3_4_4_0_1,
                 MQTT_3_1_2_4, MQTT3_3_1_2_6)
{
    const char *a = topic(t, "a");
    struct client *subscriber = subscribe_lasting(t, a, 2);
    publish_messages(t, a, 2);
    struct unacknowledged taken = take_messages(subscriber, 2);
    if (taken.count > 1) {
        send_acknowledgement(subscriber, PACKET_PUBREC, identifier_of(taken.message[0]), 0);
        expect_pubrel(subscriber, identifier_of(taken.message[0]));
    }
    close_abruptly(subscriber);
    subscriber = resume(t, "sub"); /* the control: they are there */
    expect_again(subscriber, &taken, taken.count > 1 ? 1 : 0, 2, false);
    close_abruptly(subscriber);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    subscriber =
        connect_client(t, .name = "new", .client_identifier = client_id(t, "sub"), .clean_start = true);
    subscribe(subscriber, a, .qos = 2);
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 2);
    expect_no_reaction(subscriber, PACKET_PUBREL);
}

/* Nothing that waits for an acknowledgement has come a second time. */
static void expect_nothing_sent_again(struct client *client)
{
    struct test *t = client->test;
    const struct received *again;
    settle(client);
    while (receive_until(client, now(t), &again) == RECEIVED_PACKET)
        if (again->packet.type == PACKET_PUBLISH || again->packet.type == PACKET_PUBREL)
            fail_expected(t, "nothing to be sent again within the connection", "%s",
                          describe_packet(t, &again->packet));
}

/* 3.1.1 does not forbid this. That the server does not do it after some time cannot be shown; the usual
 * patience of those that do may be longer than the test's (sleep-allowed); some do it at once. */
CONFORMANCE_TEST(nothing_is_sent_again_within_a_connection, V5, NEEDS_QOS2 | NEEDS_TIME,
                 "On an unbroken connection neither PUBLISH nor PUBREL is sent a second time", MQTT_4_4_0_1)
{
    static const char *const names[] = {"no PUBACK", "no PUBREC", "no PUBCOMP"};
    static const int qos[] = {1, 2, 2};
    struct client *subscribers[3];
    const struct received *got[3];
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    for (size_t i = 0; i < 3; i++) { /* one message each: a server may have no more under way */
        const char *a = topic(t, text(t, "%zu", i));
        subscribers[i] = connect_client(t, .name = names[i], .clean_start = true);
        if (subscribe(subscribers[i], a, .qos = 2) < 2)
            skip(t, "the server granted less than QoS 2");
        publish(publisher, .topic = a, .payload = "m", .qos = qos[i]);
        got[i] =
            expect_publish(subscribers[i], .topic = a, .payload = "m", .qos = qos[i], .acknowledge = false);
    }
    send_acknowledgement(subscribers[2], PACKET_PUBREC, identifier_of(got[2]), 0);
    expect_pubrel(subscribers[2], identifier_of(got[2]));
    wait_until(t, now(t) + 3);
    for (size_t i = 0; i < 3; i++) {
        subscribe(subscribers[i], topic(t, "b"), .qos = 0);
        expect_nothing_sent_again(subscribers[i]);
    }
    acknowledge(subscribers[0], got[0]);
    acknowledge(subscribers[1], got[1]);
    send_acknowledgement(subscribers[2], PACKET_PUBCOMP, identifier_of(got[2]), 0);
    for (size_t i = 0; i < 3; i++)
        expect_nothing_before(subscribers[i], .publisher = publisher, .topic = topic(t, text(t, "%zu", i)),
                              .qos = qos[i]);
}

/* ---- Within a connection, before 5.0 ------------------------------------------------------------- */

/* 3.1.1 asks nobody to, and forbids it to nobody; what comes again must say so. */
CONFORMANCE_TEST(
    message_may_come_again_within_a_connection, V3, NEEDS_QOS1,
    "Before 5.0 an unacknowledged message may come again on the same connection, as a repetition", D3_4_4_1,
    MQTT3_3_3_1_1, MQTT3_2_3_1_4)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    subscribe(subscriber, a, .qos = 1);
    publish(publisher, .topic = a, .payload = "repeated", .qos = 1);
    const struct received *first = expect_publish(subscriber, .topic = a, .qos = 1, .acknowledge = false);
    const struct received *again;
    wait_until(t, now(t) + 2);
    if (receive_publish(subscriber, now(t), &again) != RECEIVED_PACKET) {
        note(t, "the message did not come again within 2 s");
    } else {
        const struct publish *publish = &again->packet.publish;
        if (!publish->dup || publish->packet_identifier != first->packet.publish.packet_identifier)
            fail_expected(t, "a repetition with DUP 1 and the same Packet Identifier", "%s",
                          describe_packet(t, &again->packet));
        note(t, "the message came again after %.1f s", again->time - first->time);
    }
    acknowledge(subscriber, first);
    ping(subscriber);
}
