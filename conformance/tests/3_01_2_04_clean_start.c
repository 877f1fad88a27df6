/* 3.1.2.4 Clean Start (3.1.1: Clean Session), with 3.2.2.1.1 Session Present, which tells the outcome */
#include "3_01_session.h"

CONFORMANCE_TEST(new_session_is_not_present, V_ALL, NEEDS_NOTHING,
                 "Without a session of before Session Present is 0, whatever Clean Start says", MQTT_3_2_2_3,
                 MQTT3_3_2_2_3, MQTT_3_2_2_2, MQTT3_3_2_2_1, MQTT_3_1_2_6, MQTT3_3_1_2_4, MQTT_3_1_4_5,
                 MQTT3_3_1_4_4)
{
    const char *a = topic(t, "a");
    struct client *fresh = send_connect(t, .name = "Clean Start 1", .clean_start = true);
    expect_connack(fresh, .session_present = false);
    struct client *continued = send_connect(t, .name = "Clean Start 0", .clean_start = false,
                                            .session_expiry_interval = LONG_SESSION);
    expect_connack(continued, .session_present = false);
    subscribe(continued, a); /* it is a session like any other */
    publish(fresh, .topic = a, .payload = "served");
    expect_publish(continued, .topic = a, .payload = "served");
}

CONFORMANCE_TEST(
    session_is_resumed, V_ALL, NEEDS_QOS1,
    "With Clean Start 0 the session of before goes on: subscriptions are there, messages were kept",
    MQTT_3_1_2_5, MQTT3_3_1_2_4, MQTT_3_1_2_23, MQTT3_3_1_2_5, MQTT_3_2_2_3, MQTT3_3_2_2_2, MQTT_3_1_3_2,
    MQTT3_3_1_3_2, MQTT_3_1_4_4, MQTT3_3_1_4_3)
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *before = connect_lasting_client(t, "session");
    demand_session_present(before, false);
    subscribe(before, a, .qos = 1);
    disconnect(before);
    publish(publisher, .topic = a, .payload = "kept 1", .qos = 1);
    publish(publisher, .topic = a, .payload = "kept 2", .qos = 1);

    struct client *after = connect_lasting_client(t, "session");
    demand_session_present(after, true);
    expect_publish(after, .topic = a, .payload = "kept 1");
    expect_publish(after, .topic = a, .payload = "kept 2");
    publish(publisher, .topic = a, .payload = "live", .qos = 1); /* without a new SUBSCRIBE */
    expect_publish(after, .topic = a, .payload = "live");
    expect_nothing_before(after, .publisher = publisher, .topic = a, .qos = 1);
}

/* Both texts name the existence of the session first among what it consists of, for itself. */
CONFORMANCE_TEST(empty_session_is_present, V5 | V311, NEEDS_NOTHING,
                 "A session without subscriptions and messages is a session: Session Present is 1",
                 MQTT_3_2_2_3, MQTT3_3_2_2_2, D3_3_1_2_4_2)
{
    need_sessions(t, 10);
    leave(connect_lasting_client(t, "session"));
    demand_session_present(connect_lasting_client(t, "session"), true);
}

CONFORMANCE_TEST(session_keeps_messages_of_qos_2, V_ALL, NEEDS_QOS2,
                 "Messages of QoS 2 published while a client is away wait in its session", MQTT_3_1_2_23,
                 MQTT3_3_1_2_5, MQTT3_3_1_2_4)
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *before = connect_lasting_client(t, "session");
    subscribe(before, a, .qos = 2);
    disconnect(before);
    publish(publisher, .topic = a, .payload = "kept", .qos = 2);
    struct client *after = connect_lasting_client(t, "session");
    demand_session_present(after, true);
    expect_publish(after, .topic = a, .payload = "kept", .qos = 2);
    expect_nothing_before(after, .publisher = publisher, .topic = a, .qos = 2);
}

CONFORMANCE_TEST(session_survives_lost_connection, V_ALL, NEEDS_QOS1,
                 "A session outlives a connection that ends without DISCONNECT", MQTT_3_1_2_23, MQTT3_3_1_2_4,
                 MQTT3_3_1_2_5)
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *before = connect_lasting_client(t, "session");
    subscribe(before, a, .qos = 1);
    reset_connection(before);
    publish(publisher, .topic = a, .payload = "kept", .qos = 1);
    struct client *after = connect_lasting_client(t, "session");
    demand_session_present(after, true);
    /* the server may have found the end of the connection only after it sent: then it sends again */
    expect_publish(after, .topic = a, .payload = "kept");
}

CONFORMANCE_TEST(clean_start_discards_session, V_ALL, NEEDS_QOS1,
                 "With Clean Start 1 the session of before is gone: subscriptions and kept messages",
                 MQTT_3_1_2_4, MQTT3_3_1_2_6, MQTT_3_2_2_2, MQTT3_3_2_2_1, D_3_1_2_4_1, MQTT_3_1_4_4,
                 MQTT3_3_1_4_3)
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *control = connect_lasting_client(t, "control");
    struct client *before = connect_lasting_client(t, "session");
    subscribe(control, a, .qos = 1);
    subscribe(before, a, .qos = 1);
    disconnect(control);
    disconnect(before);
    publish(publisher, .topic = a, .payload = "kept", .qos = 1);

    control = connect_lasting_client(t, "control"); /* positive control: the same, but Clean Start 0 */
    expect_publish(control, .topic = a, .payload = "kept");
    struct client *after = connect_lasting_client(t, "session", .clean_start = true);
    demand_session_present(after, false);
    publish(publisher, .topic = a, .payload = "live", .qos = 1);
    expect_publish(control, .topic = a, .payload = "live");
    expect_nothing_more(after);

    subscribe(after, a, .qos = 1); /* the old messages do not come with a new subscription either */
    expect_nothing_before(after, .publisher = publisher, .topic = a, .qos = 1);
}

CONFORMANCE_TEST(discarded_session_does_not_come_back, V_ALL, NEEDS_QOS1,
                 "A session discarded by Clean Start 1 is not there for a later Clean Start 0 either",
                 MQTT_3_1_2_4, MQTT3_3_1_2_6, MQTT_3_2_2_3, MQTT3_3_2_2_3)
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *first = connect_lasting_client(t, "session");
    subscribe(first, a, .qos = 1);
    disconnect(first);
    struct client *resumed = connect_lasting_client(t, "session"); /* positive control */
    demand_session_present(resumed, true);
    publish(publisher, .topic = a, .payload = "there", .qos = 1);
    expect_publish(resumed, .topic = a, .payload = "there");
    disconnect(resumed);

    struct client *clean =
        connect_client(t, .client_identifier = client_id(t, "session"), .clean_start = true);
    demand_session_present(clean, false);
    leave(clean);
    struct client *last = connect_lasting_client(t, "session");
    demand_session_present(last, false);
    expect_nothing_more(last);
    publish(publisher, .topic = a, .payload = "not there", .qos = 1);
    expect_nothing_more(last);
}

CONFORMANCE_TEST(clean_session_ends_with_connection, V311 | V31, NEEDS_QOS1,
                 "A session of Clean Session 1 ends with its connection and is not used again", MQTT3_3_1_2_6,
                 MQTT3_3_2_2_3)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *clean =
        connect_client(t, .name = "clean", .client_identifier = client_id(t, "session"), .clean_start = true);
    subscribe(clean, a, .qos = 1);
    publish(publisher, .topic = a, .payload = "there", .qos = 1);
    expect_publish(clean, .topic = a, .payload = "there"); /* positive control */
    leave(clean);
    publish(publisher, .topic = a, .payload = "while away", .qos = 1);
    struct client *after = connect_lasting_client(t, "session");
    demand_session_present(after, false);
    expect_nothing_more(after);
}

CONFORMANCE_TEST(clean_start_begins_a_session_that_lasts, V5, NEEDS_QOS1,
                 "A session begun with Clean Start 1 lasts as long as its Session Expiry Interval",
                 MQTT_3_1_2_23, MQTT_3_1_2_5, MQTT_3_2_2_3)
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *before = connect_lasting_client(t, "session", .clean_start = true);
    subscribe(before, a, .qos = 1);
    disconnect(before);
    publish(publisher, .topic = a, .payload = "kept", .qos = 1);
    struct client *after = connect_lasting_client(t, "session");
    demand_session_present(after, true);
    expect_publish(after, .topic = a, .payload = "kept");
}

CONFORMANCE_TEST(sessions_are_told_apart_by_client_identifier, V_ALL, NEEDS_QOS1,
                 "A session belongs to one Client Identifier, and capitals make a difference", MQTT_3_1_3_2,
                 MQTT3_3_1_3_2, MQTT_3_2_2_3, MQTT3_3_2_2_3)
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *owner = connect_lasting_client(t, "shared");
    subscribe(owner, a, .qos = 1);
    disconnect(owner);
    publish(publisher, .topic = a, .payload = "for the owner", .qos = 1);

    struct client *capitals = connect_lasting_client(t, "SHARED");
    demand_session_present(capitals, false);
    struct client *longer = connect_lasting_client(t, "shared2");
    demand_session_present(longer, false);
    expect_nothing_more(capitals);
    expect_nothing_more(longer);
    owner = connect_lasting_client(t, "shared"); /* positive control */
    demand_session_present(owner, true);
    expect_publish(owner, .topic = a, .payload = "for the owner");
}

CONFORMANCE_TEST(retained_messages_outlive_the_session, V_ALL, NEEDS_RETAIN,
                 "Retained messages stay when the session of their publisher ends", MQTT3_3_1_2_7, D_4_1_6,
                 D3_4_1_1)
{
    const char *a = topic(t, "a");
    struct client *publisher =
        connect_client(t, .name = "publisher", .clean_start = true, .client_identifier = client_id(t, "pub"));
    publish(publisher, .topic = a, .payload = "retained", .retain = true, .qos = storing_qos(t));
    ping(publisher);
    leave(publisher);
    disconnect(connect_client(t, .clean_start = true, .client_identifier = client_id(t, "pub")));
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    subscribe(subscriber, a, .qos = 1);
    expect_publish(subscriber, .topic = a, .payload = "retained", .retain = true);
}
