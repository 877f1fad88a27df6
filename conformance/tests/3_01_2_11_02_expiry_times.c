/* 3.1.2.11.2 When sessions end. A will that has a longer delay than its session has an interval is published when
 * the session ends: so the end is seen without asking, which would begin the interval anew. */
#include "3_01_session.h"

#define LAST 3

/* Intervals are whole seconds, and so are the clocks of some servers. */
#define CLOCK_STEP 1.05

/* Sessions of 1, 2 and 3 s, lost at the same time and begun in another order; the wills bear their number. */
static double lose_sessions(struct test *t, const char *wills)
{
    struct client *clients[LAST + 1];
    static const int order[LAST] = {2, 3, 1};
    for (size_t i = 0; i < LAST; i++) {
        const int seconds = order[i];
        const char *name = text(t, "for%ds", seconds);
        clients[seconds] = connect_client(
            t, .name = name, .client_identifier = client_id(t, name), .clean_start = true,
            .session_expiry_interval = seconds,
            .will = {.topic = wills, .payload = text(t, "%d", seconds), .qos = 0, .delay_interval = 600});
        if (granted_session_expiry(clients[seconds]) != (uint32_t)seconds)
            skip(t, "the server grants another Session Expiry Interval than %d s", seconds);
    }
    double lost = now(t);
    for (int seconds = LAST; seconds >= 1; seconds--)
        reset_connection(clients[seconds]);
    return lost;
}

/* The next PUBLISH, and how long a machine that is busy with other things makes everybody wait meanwhile, by the
 * answers to PINGREQ. */
static const struct received *expect_will_by_the_way(struct client *watcher, double latest, double *busy)
{
    struct test *t = watcher->test;
    const struct received *will;
    for (;;) {
        const double asked = now(t);
        ping(watcher);
        enum outcome outcome = receive_publish(watcher, now(t) + 0.05, &will);
        const double taken = now(t) - asked;
        *busy = taken > *busy ? taken : *busy;
        if (outcome == RECEIVED_PACKET)
            return will;
        if (outcome == RECEIVED_CLOSED || now(t) > latest + t->latency + *busy)
            fail_expected(t, text(t, "the will of a session that is over, before %.1f s", latest), "%s",
                          describe_state(watcher, outcome));
    }
}

/* Takes the wills, each not before its session was over and not later than `tolerance` behind that. */
static void expect_ends(struct test *t, double tolerance)
{
    const char *wills = topic(t, "wills");
    struct client *watcher = connect_client(t, .name = "watcher", .clean_start = true);
    subscribe(watcher, wills);
    const double lost = lose_sessions(t, wills);
    bool came[LAST + 1] = {false};
    double busy = 0;
    for (int i = 0; i < LAST; i++) {
        const struct received *will = expect_will_by_the_way(watcher, lost + LAST + tolerance, &busy);
        const struct bytes payload = will->packet.publish.payload;
        const int seconds = payload.length == 1 ? payload.data[0] - '0' : 0;
        require(t, seconds >= 1 && seconds <= LAST && !came[seconds], "an unexpected will came: %s",
                describe_packet(t, &will->packet));
        came[seconds] = true;
        if (will->time < lost + seconds - CLOCK_STEP)
            fail_expected(t, text(t, "the session to last %d s", seconds), "its will after %.3f s",
                          will->time - lost);
        if (will->time > lost + seconds + tolerance + t->latency + busy)
            fail_expected(
                t, text(t, "the session to be over after %d s, and %.1f s at most", seconds, tolerance),
                "its will after %.3f s", will->time - lost);
        note(t, "a session of %d s was over after %.2f s", seconds, will->time - lost);
    }
}

CONFORMANCE_TEST(session_expiry_intervals_run_side_by_side, V5, NEEDS_TIME,
                 "Sessions with intervals of 1, 2 and 3 s each last that long, whatever the others do",
                 MQTT_4_1_0_2, MQTT_3_1_2_23, D_3_1_3_2_2_2)
{
    need_sessions(t, LAST + 1);
    expect_ends(t, 2 * t->patience);
}

/* How soon a server notices is not laid down. */
PROPERTY_TEST(session_expiry_is_noticed_within_a_second, "expiry", V5, NEEDS_TIME,
              "A session is over one second after its interval at the latest")
{
    need_sessions(t, LAST + 1);
    expect_ends(t, 1.0);
}

/* ---- The will itself may expire ----------------------------------------------------------------------- */

/* About time (sleep-allowed): the will waits for a subscriber that is away. */
CONFORMANCE_TEST(will_expiry_counts_from_its_publication, V5, NEEDS_QOS1 | NEEDS_TIME,
                 "A will with a Message Expiry Interval waits that long for an absent subscriber, no longer",
                 MQTT_3_3_2_5, D_3_1_3_2_4_1)
{
    need_sessions(t, 10);
    const char *wills = topic(t, "wills");
    struct client *away = connect_lasting_client(t, "away");
    struct client *watcher = connect_client(t, .name = "watcher", .clean_start = true);
    subscribe(away, wills, .qos = 1);
    subscribe(watcher, wills, .qos = 1);
    leave(away);
    static const char *const names[] = {"brief", "longer"};
    for (int i = 0; i < 2; i++) {
        struct client *client = connect_client(
            t, .name = names[i], .clean_start = true,
            .will = {
                .topic = wills, .payload = names[i], .qos = 1, .message_expiry_interval = i == 0 ? 1 : 100});
        close_abruptly(client);
        const struct received *will = expect_publish(watcher, .topic = wills, .payload = names[i]);
        require(t, properties_has(&will->packet.publish.properties, ORDINAL_MESSAGE_EXPIRY_INTERVAL),
                "the will came without its Message Expiry Interval");
    }
    wait_until(t, now(t) + 2.2);
    away = connect_lasting_client(t, "away");
    demand_session_present(away, true);
    expect_publish(away, .topic = wills, .payload = "longer"); /* the first that comes */
    expect_nothing_before(away, .publisher = watcher, .topic = wills, .qos = 1);
}
