/* Durability of sessions: that they are there, or gone, and their subscriptions. */
#include "durability.h"

/* ---- The session itself -------------------------------------------------------------------------- */

DURABILITY_TEST(session_present, V311 | V5, NEEDS_NOTHING,
                "Sessions are there, of clients that were connected and of clients that were away")
{
    struct broker *broker = start_broker(t, "durable");
    leave(join(broker, "away"));
    leave(join(broker, "forever", .session_expiry_interval = UINT32_MAX));
    join(broker, "here");
    end_and_resume(broker, ending);
    come_back(broker, "away");
    come_back(broker, "forever");
    come_back(broker, "here");
    demand_session_present(join(broker, "stranger"), false); /* positive control */
}

DURABILITY_TEST(session_that_ends_with_its_connection, V311 | V5, NEEDS_QOS1,
                "A session that was to end with its connection is gone with the broker that held it")
{
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, "durable");
    struct client *brief = connect_client(t, .broker = broker, .client_identifier = client_id(t, "brief"),
                                          .name = "brief", .clean_start = true);
    subscribe(brief, a, .qos = 1);
    leave_subscription(broker, "lasting", a, 1);
    end_and_resume(broker, ending);
    struct client *publisher = visit(broker, "publisher");
    expect_live(come_back(broker, "lasting"), publisher, a, 1); /* positive control */
    brief = join(broker, "brief");
    demand_session_present(brief, false);
    expect_nothing_more(brief);
    publish(publisher, .topic = a, .payload = "not wanted", .qos = 1);
    expect_nothing_more(brief);
}

DURABILITY_TEST(session_discarded_by_clean_start, V311 | V5, NEEDS_QOS1,
                "A session that CONNACK to Clean Start 1 has ended does not come back")
{
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, "durable");
    leave_subscription(broker, "sub", a, 1);
    leave_subscription(broker, "control", a, 1);
    struct client *publisher = visit(broker, "publisher");
    publish(publisher, .topic = a, .payload = "kept", .qos = 1);
    join(broker, "sub", .clean_start = true);
    end_and_resume(broker, ending);
    expect_publish(come_back(broker, "control"), .topic = a, .payload = "kept"); /* positive control */
    struct client *subscriber = join(broker, "sub");
    if (t->version != PROTOCOL_5_0) /* with Clean Session 1 there is nothing to come back to */
        demand_session_present(subscriber, false);
    publish(visit(broker, "publisher 2"), .topic = a, .payload = "live", .qos = 1);
    expect_nothing_more(subscriber);
}

LONE_DURABILITY_TEST(
    session_expiry_goes_on, V5, NEEDS_QOS1,
    "A session whose Session Expiry Interval ran out while the broker was down is gone; others are not")
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, "durable");
    struct client *brief = join(broker, "brief", .session_expiry_interval = 1);
    subscribe(brief, a, .qos = 1);
    leave(brief);
    leave_subscription(broker, "lasting", a, 1);
    publish(visit(broker, "publisher"), .topic = a, .payload = "kept", .qos = 1);
    double ended = now(t);
    end_broker(broker, ending);
    wait_until(t, ended + 2.5);
    resume_broker(broker);
    struct client *lasting = come_back(broker, "lasting");
    expect_publish(lasting, .topic = a, .payload = "kept");
    brief = join(broker, "brief");
    demand_session_present(brief, false);
    expect_nothing_more(brief);
}

LONE_DURABILITY_TEST(
    session_expiry_is_not_begun_anew, V5, NEEDS_QOS1,
    "The Session Expiry Interval counts from the end of the connection, not from the broker's start")
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, "durable");
    struct client *brief = join(broker, "brief", .session_expiry_interval = 3);
    leave(brief);
    double left = now(t);
    leave_subscription(broker, "lasting", a, 1);
    publish(visit(broker, "publisher"), .topic = a, .payload = "kept", .qos = 1);
    end_broker(broker, ending);
    wait_until(t, left + 2.8);
    resume_broker(broker);
    come_back(broker, "lasting"); /* positive control */
    wait_until(t, left + 4.6);    /* counted anew it would last until 5.8 */
    struct client *again = join(broker, "brief");
    demand_session_present(again, false);
    if (again->connack->time > left + 5.6)
        skip(t, "this machine was too slow to tell anything");
}

/* ---- Subscriptions ------------------------------------------------------------------------------- */

DURABILITY_TEST(subscriptions_with_their_qos, V311 | V5, NEEDS_QOS2,
                "Subscriptions acknowledged by SUBACK are there, each with the QoS that was granted")
{
    const char *names[] = {topic(t, "0"), topic(t, "1"), topic(t, "2")};
    struct broker *broker = start_broker(t, "durable");
    struct client *subscriber = join(broker, "sub");
    for (int qos = 0; qos <= 2; qos++)
        subscribe(subscriber, names[qos], .qos = qos);
    end_and_resume(broker, ending);
    subscriber = come_back(broker, "sub");
    struct client *publisher = visit(broker, "publisher");
    for (int qos = 0; qos <= 2; qos++) {
        publish(publisher, .topic = names[qos], .payload = "live", .qos = 2);
        expect_publish(subscriber, .topic = names[qos], .payload = "live", .qos = qos);
    }
}

DURABILITY_TEST(subscription_with_wildcards, V311 | V5, NEEDS_QOS1 | NEEDS_WILDCARD,
                "Subscriptions with wildcards are there and match as before")
{
    struct broker *broker = start_broker(t, "durable");
    struct client *subscriber = join(broker, "sub");
    subscribe(subscriber, topic(t, "a/+/c"), .qos = 1);
    subscribe(subscriber, topic(t, "b/#"), .qos = 1);
    end_and_resume(broker, ending);
    subscriber = come_back(broker, "sub");
    struct client *publisher = visit(broker, "publisher");
    publish(publisher, .topic = topic(t, "a/b/d"), .payload = "no match", .qos = 1);
    expect_live(subscriber, publisher, topic(t, "a/b/c"), 1);
    expect_live(subscriber, publisher, topic(t, "b"), 1);
    expect_live(subscriber, publisher, topic(t, "b/c/d"), 1);
}

DURABILITY_TEST(subscription_with_identifier, V5, NEEDS_QOS1 | NEEDS_SUBSCRIPTION_IDENTIFIER,
                "The Subscription Identifier is there, and stands in messages that waited and in later ones")
{
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, "durable");
    struct client *subscriber = join(broker, "sub");
    subscribe(subscriber, a, .qos = 1, .subscription_identifier = 268435455);
    leave(subscriber);
    publish(visit(broker, "publisher"), .topic = a, .payload = "kept", .qos = 1);
    end_and_resume(broker, ending);
    subscriber = come_back(broker, "sub");
    expect_publish(subscriber, .topic = a, .payload = "kept", .subscription_identifier = 268435455);
    publish(visit(broker, "publisher 2"), .topic = a, .payload = "live", .qos = 1);
    expect_publish(subscriber, .topic = a, .payload = "live", .subscription_identifier = 268435455);
}

DURABILITY_TEST(subscription_with_no_local, V5, NEEDS_QOS1, "No Local is there")
{
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, "durable");
    struct client *subscriber = join(broker, "sub");
    subscribe(subscriber, a, .qos = 1, .no_local = true);
    end_and_resume(broker, ending);
    subscriber = come_back(broker, "sub");
    publish(subscriber, .topic = a, .payload = "my own", .qos = 1);
    expect_live(subscriber, visit(broker, "publisher"), a, 1);
}

DURABILITY_TEST(subscription_with_retain_as_published, V5, NEEDS_QOS1 | NEEDS_RETAIN,
                "Retain As Published is there")
{
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, "durable");
    struct client *subscriber = join(broker, "sub");
    subscribe(subscriber, a, .qos = 1, .retain_as_published = true);
    end_and_resume(broker, ending);
    subscriber = come_back(broker, "sub");
    publish(visit(broker, "publisher"), .topic = a, .payload = "live", .qos = 1, .retain = true);
    expect_publish(subscriber, .topic = a, .payload = "live", .retain = true);
}

DURABILITY_TEST(shared_subscription, V5, NEEDS_QOS1 | NEEDS_SHARED,
                "A Shared Subscription is there with all of its clients: each message goes to one of them")
{
    const char *a = topic(t, "a");
    const char *filter = shared_filter(t, "g", a);
    const struct received *ones[20];
    const struct received *others[20];
    struct broker *broker = start_broker(t, "durable");
    subscribe(join(broker, "one"), filter, .qos = 1);
    subscribe(join(broker, "other"), filter, .qos = 1);
    end_and_resume(broker, ending);
    struct client *one = come_back(broker, "one");
    struct client *other = come_back(broker, "other");
    struct client *publisher = visit(broker, "publisher");
    for (unsigned i = 0; i < 20; i++)
        publish(publisher, .topic = a, .payload = text(t, "%u", i), .qos = 1);
    const char *mine = topic(t, "one"); /* sentinels that reach each by itself */
    const char *yours = topic(t, "other");
    subscribe(one, mine, .qos = 1);
    subscribe(other, yours, .qos = 1);
    size_t by_one = collect_before(one, ones, 20, .publisher = publisher, .topic = mine, .qos = 1);
    size_t by_other = collect_before(other, others, 20, .publisher = publisher, .topic = yours, .qos = 1);
    note(t, "of 20 messages one client got %zu, the other %zu", by_one, by_other);
    if (by_one + by_other != 20)
        fail_expected(t, "each of 20 messages to one of the two clients", "%zu to one and %zu to the other",
                      by_one, by_other);
}

DURABILITY_TEST(unsubscribed, V311 | V5, NEEDS_QOS1,
                "What UNSUBACK acknowledged stays so; other subscriptions of the client stay, too")
{
    const char *gone = topic(t, "gone");
    const char *kept = topic(t, "kept");
    struct broker *broker = start_broker(t, "durable");
    struct client *subscriber = join(broker, "sub");
    subscribe(subscriber, gone, .qos = 1);
    subscribe(subscriber, kept, .qos = 1);
    unsubscribe(subscriber, gone);
    end_and_resume(broker, ending);
    subscriber = come_back(broker, "sub");
    struct client *publisher = visit(broker, "publisher");
    publish(publisher, .topic = gone, .payload = "not wanted", .qos = 1);
    expect_live(subscriber, publisher, kept, 1);
    expect_nothing_more(subscriber);
}

DURABILITY_TEST(subscription_replaced, V311 | V5, NEEDS_QOS2,
                "Of two SUBSCRIBE packets with one Topic Filter the later counts")
{
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, "durable");
    struct client *subscriber = join(broker, "sub");
    subscribe(subscriber, a, .qos = 2);
    subscribe(subscriber, a, .qos = 1);
    end_and_resume(broker, ending);
    subscriber = come_back(broker, "sub");
    publish(visit(broker, "publisher"), .topic = a, .payload = "live", .qos = 2);
    expect_publish(subscriber, .topic = a, .payload = "live", .qos = 1);
}
