/* Durability of retained messages and of Will Messages. */
#include "3_01_will.h"
#include "durability.h"

/* ---- Retained messages --------------------------------------------------------------------------- */

DURABILITY_TEST(retained_message, V311 | V5, NEEDS_RETAIN | NEEDS_QOS1,
                "A retained message that was acknowledged is there, whole")
{
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, "durable");
    publish(visit(broker, "publisher"), .topic = a, .payload = "kept", .qos = 1, .retain = true,
            .content_type = "text/plain", .user_properties = {{"b", "1"}, {"a", "2"}});
    end_and_resume(broker, ending);
    struct client *subscriber = visit(broker, "subscriber");
    subscribe(subscriber, a, .qos = 1);
    const struct received *got =
        expect_publish(subscriber, .topic = a, .payload = "kept", .qos = 1, .retain = true);
    if (is_v5(t)) {
        const struct properties *properties = &got->packet.publish.properties;
        expect_user_property(subscriber, properties, 0, "b", "1");
        expect_user_property(subscriber, properties, 1, "a", "2");
        require(t, is_text(properties_bytes(properties, ORDINAL_CONTENT_TYPE), "text/plain"),
                "the Content Type was lost: %s", describe_packet(t, &got->packet));
    }
}

DURABILITY_TEST(retained_message_replaced, V311 | V5, NEEDS_RETAIN | NEEDS_QOS1,
                "Of two acknowledged retained messages of one topic the later is there")
{
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, "durable");
    struct client *publisher = visit(broker, "publisher");
    publish(publisher, .topic = a, .payload = "old", .qos = 1, .retain = true);
    end_and_resume(broker, ending); /* so that the old one is there to stay */
    publish(visit(broker, "publisher 2"), .topic = a, .payload = "new", .qos = 1, .retain = true);
    end_and_resume(broker, ending);
    struct client *subscriber = visit(broker, "subscriber");
    subscribe(subscriber, a, .qos = 1);
    expect_publish(subscriber, .topic = a, .payload = "new", .retain = true);
}

DURABILITY_TEST(retained_message_removed, V311 | V5, NEEDS_RETAIN | NEEDS_QOS1,
                "A retained message whose removal was acknowledged does not come back")
{
    const char *gone = topic(t, "gone");
    const char *kept = topic(t, "kept");
    struct broker *broker = start_broker(t, "durable");
    struct client *publisher = visit(broker, "publisher");
    publish(publisher, .topic = gone, .payload = "gone", .qos = 1, .retain = true);
    publish(publisher, .topic = kept, .payload = "kept", .qos = 1, .retain = true);
    end_and_resume(broker, ending);
    publish(visit(broker, "publisher 2"), .topic = gone, .payload = "", .qos = 1, .retain = true);
    end_and_resume(broker, ending);
    struct client *subscriber = visit(broker, "subscriber");
    subscribe(subscriber, kept, .qos = 1);
    expect_publish(subscriber, .topic = kept, .payload = "kept", .retain = true); /* positive control */
    subscribe(subscriber, gone, .qos = 1);
    expect_live(subscriber, visit(broker, "publisher 3"), gone, 1);
}

LONE_DURABILITY_TEST(
    retained_message_expiry_goes_on, V5, NEEDS_RETAIN | NEEDS_QOS1,
    "A retained message whose Message Expiry Interval ran out while the broker was down is gone")
{
    const char *brief = topic(t, "brief");
    const char *lasting = topic(t, "lasting");
    struct broker *broker = start_broker(t, "durable");
    struct client *publisher = visit(broker, "publisher");
    publish(publisher, .topic = brief, .payload = "short", .qos = 1, .retain = true,
            .message_expiry_interval = 1);
    publish(publisher, .topic = lasting, .payload = "long", .qos = 1, .retain = true,
            .message_expiry_interval = 100);
    double acknowledged = now(t);
    end_broker(broker, ending);
    wait_until(t, acknowledged + 2.6);
    resume_broker(broker);
    double asked = now(t);
    struct client *subscriber = visit(broker, "subscriber");
    subscribe(subscriber, lasting, .qos = 1);
    const struct received *got =
        expect_publish(subscriber, .topic = lasting, .payload = "long", .retain = true);
    double left = properties_number(&got->packet.publish.properties, ORDINAL_MESSAGE_EXPIRY_INTERVAL, 0);
    double most = 100 - (asked - acknowledged) + 1; /* seconds may be rounded */
    if (left > most || left < 50)
        fail_expected(t, text(t, "a Message Expiry Interval of at most %.2f s", most), "%.0f s", left);
    subscribe(subscriber, brief, .qos = 1);
    expect_live(subscriber, visit(broker, "publisher 2"), brief, 1);
}

/* ---- Will Messages ------------------------------------------------------------------------------- */

/* A client of the test's own broker that is going to die, its will going to `name` with its name as
 * payload. */
#define join_mortal(broker, name, who, ...)                                                                  \
    join(broker, who, .will = {.topic = (name), .payload = (who), .qos = 1, __VA_ARGS__})

LONE_DURABILITY_TEST(
    will_of_connected_client, V311 | V5, NEEDS_QOS1,
    "The will of a client that was connected when the broker ended is published, then or at the start")
{
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, "durable");
    leave_subscription(broker, "sub", a, 1);
    join_mortal(broker, a, "lasting");
    visit(broker, "brief", .will = {.topic = a, .payload = "brief", .qos = 1});
    end_and_resume(broker, ending);
    const struct received *list[2];
    struct client *subscriber = come_back(broker, "sub");
    list[0] = expect_publish(subscriber, .topic = a, .qos = 1);
    list[1] = expect_publish(subscriber, .topic = a, .qos = 1);
    bool brief = is_text(list[0]->packet.publish.payload, "brief");
    require(t,
            is_text(list[0]->packet.publish.payload, brief ? "brief" : "lasting") &&
                is_text(list[1]->packet.publish.payload, brief ? "lasting" : "brief"),
            "not one will of each client came");
    expect_live(subscriber, visit(broker, "publisher"), a, 1);
}

LONE_DURABILITY_TEST(will_is_published_once, V311 | V5, NEEDS_QOS1,
                     "A will that was published does not come again when the broker ends a second time")
{
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, "durable");
    leave_subscription(broker, "sub", a, 1);
    join_mortal(broker, a, "mortal");
    end_and_resume(broker, ending);
    struct client *subscriber = come_back(broker, "sub");
    expect_publish(subscriber, .topic = a, .payload = "mortal");
    publish(subscriber, .topic = topic(t, "b"), .payload = "acknowledged later than the will", .qos = 1);
    leave(subscriber);
    leave_subscription(broker, "other", a, 1);
    join_mortal(broker, a, "control");
    end_and_resume(broker, ending);
    struct client *other = come_back(broker, "other");
    expect_publish(other, .topic = a, .payload = "control"); /* positive control */
    expect_live(other, visit(broker, "publisher"), a, 1);
}

LONE_DURABILITY_TEST(
    will_taken_back, V311 | V5, NEEDS_QOS1,
    "A will that DISCONNECT took back, before something else was acknowledged, is not published")
{
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, "durable");
    leave_subscription(broker, "sub", a, 1);
    leave(join_mortal(broker, a, "taken"));
    publish(visit(broker, "publisher"), .topic = a, .payload = "acknowledged later", .qos = 1);
    join_mortal(broker, a, "control");
    end_and_resume(broker, ending);
    struct client *subscriber = come_back(broker, "sub");
    expect_publish(subscriber, .topic = a, .payload = "acknowledged later");
    expect_publish(subscriber, .topic = a, .payload = "control"); /* positive control */
    expect_live(subscriber, visit(broker, "publisher 2"), a, 1);
}

LONE_DURABILITY_TEST(
    will_of_client_that_came_back, V5, NEEDS_QOS1,
    "A delayed will is not published if its client was back, in the same session, when the broker ended")
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, "durable");
    leave_subscription(broker, "sub", a, 1);
    struct client *mortal = join_mortal(broker, a, "back", .delay_interval = 1);
    reset_connection(mortal);
    demand_session(join(broker, "back")); /* without a will */
    join_mortal(broker, a, "control");
    double ended = now(t);
    end_broker(broker, ending);
    wait_until(t, ended + 1.5);
    resume_broker(broker);
    struct client *subscriber = come_back(broker, "sub");
    expect_publish(subscriber, .topic = a, .payload = "control"); /* positive control */
    expect_live(subscriber, visit(broker, "publisher"), a, 1);
}

LONE_DURABILITY_TEST(
    will_delay_goes_on, V5, NEEDS_QOS1,
    "A will whose delay ran when the broker ended is published when that is over, not before")
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, "durable");
    leave_subscription(broker, "sub", a, 1);
    struct client *mortal = join_mortal(broker, a, "mortal", .delay_interval = 3);
    double died = now(t);
    disconnect(mortal, .reason_code = REASON_DISCONNECT_WITH_WILL_MESSAGE);
    publish(visit(broker, "publisher"), .topic = a, .payload = "acknowledged later", .qos = 1);
    end_broker(broker, ending);
    wait_until(t, died + 1.5);
    resume_broker(broker);
    double resumed = now(t);
    struct client *subscriber = come_back(broker, "sub");
    expect_publish(subscriber, .topic = a, .payload = "acknowledged later");
    /* nobody had acknowledged that the connection had ended: the delay may count from the start, too */
    expect_publish(subscriber, .topic = a, .payload = "mortal", .earliest = died + 2.9,
                   .latest = resumed + 3 + 2 * t->patience);
}

LONE_DURABILITY_TEST(will_due_while_down, V5, NEEDS_QOS1,
                     "A will whose delay is over while the broker is down is published at the start")
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, "durable");
    leave_subscription(broker, "sub", a, 1);
    struct client *mortal = join_mortal(broker, a, "mortal", .delay_interval = 1);
    disconnect(mortal, .reason_code = REASON_DISCONNECT_WITH_WILL_MESSAGE);
    double died = now(t);
    publish(visit(broker, "publisher"), .topic = a, .payload = "acknowledged later", .qos = 1);
    end_broker(broker, ending);
    wait_until(t, died + 2);
    resume_broker(broker);
    double resumed = now(t);
    struct client *subscriber = come_back(broker, "sub");
    expect_publish(subscriber, .topic = a, .payload = "acknowledged later");
    expect_publish(subscriber, .topic = a, .payload = "mortal", .latest = resumed + 2 * t->patience);
}
