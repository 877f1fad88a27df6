/* 4.1.1 Storing Session State, where the server stops in good order and is started again.
 *
 * No statement demands that anything survives that: comments of 4.1 allow an administrator to discard
 * Session State, which ends the session. But what comes back must be right: a session is there as a whole or
 * not at all, and CONNACK says which; time goes on while the server is down; a will waits for the next start
 * at most. How much survives is told by the tests in the files named durability_*.
 */
#include "3_01_will.h"
#include "durability.h"

/* What the tests below are about: skips where the server kept no session. */
static struct client *come_back_or_skip(struct broker *broker, const char *who)
{
    struct client *client = join(broker, who);
    if (!client->connack->packet.connack.session_present)
        skip(broker->test, "the server kept no session through its restart");
    return client;
}

CONFORMANCE_TEST(
    session_after_restart_is_whole_or_absent, V311 | V5, SHARES_STOP | NEEDS_QOS1,
    "After a restart Session Present tells whether the session is there, with all that belongs to it",
    MQTT_3_2_2_3, MQTT3_3_2_2_2, MQTT3_3_2_2_3, MQTT_3_1_2_5, MQTT_3_1_2_6, MQTT3_3_1_2_4, D_4_1_2, D_4_1_4,
    D3_3_1_2_4_3, D3_3_1_2_4_5)
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, "durable");
    leave_subscription(broker, "sub", a, 1);
    publish(visit(broker, "publisher"), .topic = a, .payload = "kept", .qos = 1);
    restart_broker(broker);
    struct client *subscriber = join(broker, "sub");
    struct client *publisher = visit(broker, "publisher 2");
    if (subscriber->connack->packet.connack.session_present) {
        expect_publish(subscriber, .topic = a, .payload = "kept", .qos = 1);
        expect_live(subscriber, publisher, a, 1);
        return;
    }
    note(t, "the server kept no session through its restart");
    publish(publisher, .topic = a, .payload = "not subscribed to", .qos = 1);
    expect_nothing_more(subscriber);
    subscribe(subscriber, a, .qos = 1); /* positive control */
    expect_live(subscriber, publisher, a, 1);
}

CONFORMANCE_TEST(session_after_restart_has_its_shared_subscriptions, V5,
                 SHARES_STOP | NEEDS_QOS1 | NEEDS_SHARED,
                 "Shared Subscriptions belong to a session that is there after a restart like any other",
                 MQTT_3_1_2_5, D_4_1_2)
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, "durable");
    leave_subscription(broker, "sub", shared_filter(t, "g", a), 1);
    restart_broker(broker);
    expect_live(come_back_or_skip(broker, "sub"), visit(broker, "publisher"), a, 1);
}

CONFORMANCE_TEST(unacknowledged_messages_come_again_after_restart, V311 | V5, SHARES_STOP | NEEDS_QOS2,
                 "A session that is there after a restart sends again what was not acknowledged",
                 MQTT_4_4_0_1, MQTT3_4_4_0_1, D_4_1_3, D3_3_1_2_4_4)
{
    need_sessions(t, 10);
    struct broker *broker = start_broker(t, "durable");
    struct client *publisher = visit(broker, "publisher");
    static const char *const names[] = {"", "sub1",
                                        "sub2"}; /* a server may have one message under way to each */
    const struct received *first[3] = {NULL};
    for (int qos = 1; qos <= 2; qos++) {
        struct client *subscriber = join(broker, names[qos]);
        const char *name = topic(t, names[qos]);
        subscribe(subscriber, name, .qos = qos);
        publish(publisher, .topic = name, .payload = text(t, "QoS %d", qos), .qos = qos);
        first[qos] = expect_publish(subscriber, .topic = name, .qos = qos, .acknowledge = false);
    }
    restart_broker(broker);
    for (int qos = 1; qos <= 2; qos++)
        expect_again(come_back_or_skip(broker, names[qos]), first[qos]);
}

CONFORMANCE_TEST(received_identifiers_are_known_after_restart, V311 | V5, SHARES_STOP | NEEDS_QOS2,
                 "A session that is there after a restart knows the QoS 2 messages that it received",
                 MQTT_4_3_3_10, MQTT3_4_3_3_2, D_4_1_5, D3_3_1_2_4_6)
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, "durable");
    leave_subscription(broker, "sub", a, 2);
    struct client *publisher = join(broker, "pub");
    uint16_t identifier = send_publish(publisher, .topic = a, .payload = "once", .qos = 2);
    expect_pubrec(publisher, identifier);
    restart_broker(broker);
    publisher = come_back_or_skip(broker, "pub");
    send_publish(publisher, .topic = a, .payload = "once", .qos = 2, .dup = true,
                 .packet_identifier = identifier);
    expect_pubrec(publisher, identifier);
    send_acknowledgement(publisher, PACKET_PUBREL, identifier, REASON_SUCCESS);
    expect_pubcomp(publisher, identifier);
    struct client *subscriber = come_back_or_skip(broker, "sub");
    expect_publish(subscriber, .topic = a, .payload = "once", .qos = 2);
    expect_live(subscriber, publisher, a, 2);
}

CONFORMANCE_TEST(
    session_expires_while_server_is_down, V5, NEEDS_RESTART | NEEDS_TIME,
    "A session whose Session Expiry Interval passed while the server was down is gone after its start",
    MQTT_4_1_0_2, D_4_1_1, MQTT_3_2_2_3)
{
    need_sessions(t, 10);
    struct broker *broker = start_broker(t, "durable");
    struct client *brief = join(broker, "brief", .session_expiry_interval = 1);
    if (granted_session_expiry(brief) != 1)
        skip(t, "the server grants another Session Expiry Interval than 1 s");
    leave(brief);
    leave(join(broker, "lasting"));
    double left = now(t);
    stop_broker(broker);
    wait_until(t, left + 2.2);
    resume_broker(broker);
    come_back_or_skip(broker, "lasting"); /* positive control */
    wait_until(t, left + 3.5);            /* a generous while for servers that look now and then */
    brief = join(broker, "brief");
    demand_session_present(brief, false);
}

CONFORMANCE_TEST(message_expires_while_server_is_down, V5, NEEDS_RESTART | NEEDS_QOS1 | NEEDS_TIME,
                 "A message whose Message Expiry Interval passed while the server was down is not delivered",
                 MQTT_3_3_2_5)
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, "durable");
    leave_subscription(broker, "sub", a, 1);
    struct client *publisher = visit(broker, "publisher");
    publish(publisher, .topic = a, .payload = "short", .qos = 1, .message_expiry_interval = 1);
    publish(publisher, .topic = a, .payload = "long", .qos = 1, .message_expiry_interval = 100);
    double sent = now(t);
    stop_broker(broker);
    wait_until(t, sent + 2.2);
    resume_broker(broker);
    struct client *subscriber = come_back_or_skip(broker, "sub");
    expect_publish(subscriber, .topic = a, .payload = "long", .qos = 1);
}

CONFORMANCE_TEST(
    will_is_published_at_shutdown_or_restart, V311 | V5, NEEDS_RESTART | NEEDS_QOS1,
    "The will of a client whose connection the server's end closed is published, then or after its start",
    MQTT_3_1_2_8, MQTT3_3_1_2_8, D_3_1_2_5_5, D3_3_1_2_5_5)
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, "durable");
    leave_subscription(broker, "sub", a, 1);
    visit(broker, "mortal", .will = {.topic = a, .payload = "will", .qos = 1});
    restart_broker(broker);
    double due = now(t);
    struct client *subscriber = come_back_or_skip(broker, "sub");
    expect_will(subscriber, a, "will", due);
}

CONFORMANCE_TEST(retained_messages_after_restart_are_current, V311 | V5,
                 SHARES_STOP | NEEDS_RETAIN | NEEDS_QOS1,
                 "A retained message that is there after a restart is the latest of its topic", MQTT_3_3_1_5,
                 MQTT_3_3_1_6, MQTT3_3_3_1_5, MQTT3_3_3_1_10, S3_4_1_1)
{
    const char *replaced = topic(t, "replaced");
    const char *removed = topic(t, "removed");
    const struct received *got;
    struct broker *broker = start_broker(t, "durable");
    struct client *publisher = visit(broker, "publisher");
    publish(publisher, .topic = replaced, .payload = "old", .qos = 1, .retain = true);
    publish(publisher, .topic = replaced, .payload = "new", .qos = 1, .retain = true);
    publish(publisher, .topic = removed, .payload = "old", .qos = 1, .retain = true);
    publish(publisher, .topic = removed, .payload = "", .qos = 1, .retain = true);
    restart_broker(broker);
    publisher = visit(broker, "publisher 2");
    struct client *subscriber = visit(broker, "subscriber");
    subscribe(subscriber, replaced, .qos = 1);
    publish(publisher, .topic = replaced, .payload = "live", .qos = 1);
    if (receive_publish(subscriber, now(t) + t->patience, &got) == RECEIVED_PACKET &&
        is_text(got->packet.publish.payload, "live")) {
        if (is_v5(t))
            skip(t, "the server kept no retained message through its restart");
        warn(t, "the server kept no retained message through its restart [S3-4.1-1]");
        return;
    }
    if (!is_text(got->packet.publish.payload, "new"))
        fail_expected(t, "the retained message \"new\"", "%s", describe_packet(t, &got->packet));
    acknowledge(subscriber, got);
    subscribe(subscriber, removed, .qos = 1);
    expect_publish(subscriber, .topic = replaced, .payload = "live");
    expect_live(subscriber, publisher, removed, 1);
}
