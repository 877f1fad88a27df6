/* 3.1.2.11.2 Session Expiry Interval */
#include "3_01_session.h"

/* A client that comes back with Clean Start 0 and looks whether its session is there. */
static void demand_after(struct test *t, const char *identifier, bool present)
{
    struct client *after = connect_lasting_client(t, identifier);
    demand_session_present(after, present);
}

CONFORMANCE_TEST(session_without_expiry_interval_ends_with_connection, V5, NEEDS_QOS1,
                 "A session whose Session Expiry Interval is absent or 0 ends with its connection",
                 D_3_1_2_11_2_2, D_3_1_2_11_2_1, MQTT_3_2_2_3, MQTT_4_1_0_2)
{
    static const int64_t intervals[] = {ABSENT, 0};
    need_sessions(t, 10);
    for (size_t i = 0; i < 2; i++) {
        const char *name = i == 0 ? "absent" : "zero";
        const char *a = topic(t, name);
        struct client *before = connect_client(t, .name = name, .client_identifier = client_id(t, name),
                                               .clean_start = false, .session_expiry_interval = intervals[i]);
        if (granted_session_expiry(before) != 0)
            skip(t, "the server gives the session %u s of its own accord", granted_session_expiry(before));
        subscribe(before, a, .qos = 1);
        leave(before);
        struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
        publish(publisher, .topic = a, .payload = "while away", .qos = 1);
        struct client *after = connect_lasting_client(t, name);
        demand_session_present(after, false);
        expect_nothing_more(after);
        disconnect(after);
        demand_after(t, name, true); /* positive control: with an interval it is there */
    }
}

CONFORMANCE_TEST(session_expires, V5, NEEDS_TIME,
                 "A session is there until its Session Expiry Interval has passed, and not afterwards",
                 MQTT_3_1_2_23, MQTT_4_1_0_2, MQTT_3_2_2_3, D_3_1_2_11_2_3, D_3_2_2_3_2_1)
{
    need_sessions(t, 10);
    struct client *brief = connect_lasting_client(t, "brief", .session_expiry_interval = 1);
    struct client *within = connect_lasting_client(t, "within", .session_expiry_interval = 3);
    struct client *lasting = connect_lasting_client(t, "lasting");
    struct client *forever = connect_lasting_client(t, "forever", .session_expiry_interval = UINT32_MAX);
    if (granted_session_expiry(brief) != 1 || granted_session_expiry(within) != 3)
        skip(t, "the server grants other Session Expiry Intervals than 1 s and 3 s");
    disconnect(brief);
    disconnect(lasting);
    disconnect(forever);
    double ended = now(t);
    disconnect(within);
    wait_until(t, ended + 1); /* well before the 3 s of `within` */
    struct client *early = send_connect(t, .name = "within", .client_identifier = client_id(t, "within"),
                                        .session_expiry_interval = LONG_SESSION);
    const struct received *connack = expect_connack(early);
    if (connack->time < ended + 2.9) /* else this machine was too slow to tell anything */
        demand_session_present(early, true);
    /* Servers look for expired sessions now and then: 4 s is 1 s and a generous while. */
    wait_until(t, ended + 4);
    demand_after(t, "brief", false);
    demand_after(t, "lasting", true);
    demand_after(t, "forever", true);
}

CONFORMANCE_TEST(latest_session_expiry_interval_counts, V5, NEEDS_NOTHING,
                 "A session lasts as long as the latest CONNECT said, not an earlier one", D_4_1_1,
                 D_3_1_2_11_2_2, MQTT_3_1_2_23, MQTT_3_2_2_3)
{
    need_sessions(t, 10);
    struct client *first = connect_lasting_client(t, "shorter");
    disconnect(first);
    struct client *second = connect_lasting_client(t, "shorter", .session_expiry_interval = 0);
    demand_session_present(second, true);
    if (granted_session_expiry(second) != 0)
        skip(t, "the server gives the session %u s of its own accord", granted_session_expiry(second));
    leave(second);
    demand_after(t, "shorter", false);

    struct client *brief = connect_lasting_client(t, "longer", .session_expiry_interval = 0);
    struct client *longer = connect_lasting_client(t, "longer"); /* ends the session of `brief` */
    expect_closed(brief);
    disconnect(longer);
    demand_after(t, "longer", true);
}
