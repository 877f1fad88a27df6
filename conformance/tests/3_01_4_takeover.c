/* 3.1.4 Many connections with one Client Identifier. Which of them remains is the server's choice: nothing orders
 * CONNECT packets of different connections. One remains, and all others are closed. */
#include "3_01_session.h"

#define CROWD 10

/* Clients with one Client Identifier. */
struct crowd {
    size_t count;
    struct client *members[CROWD];
    bool accepted[CROWD]; /* CONNACK 0 came */
    struct client *last;  /* the one that remains */
};

/* All are connected before the first CONNECT goes out, so that a server with several threads has a choice. */
static void send_all_connects(struct crowd *crowd)
{
    for (size_t i = 0; i < crowd->count; i++)
        send_own_connect(crowd->members[i]);
}

/* A member that is closed may have been told why: by 0x8E and nothing else. */
static void judge_farewell(struct client *member, const struct packet *packet)
{
    struct test *t = member->test;
    if (packet->type == PACKET_DISCONNECT && packet->disconnect.reason_code != REASON_SESSION_TAKEN_OVER)
        fail_expected(t, "DISCONNECT 0x8E (Session taken over)", "%s", describe_packet(t, packet));
}

/* The answer to the CONNECT: CONNACK, or the end of a connection that was taken over before it. */
static void take_answer(struct crowd *crowd, size_t i)
{
    struct client *member = crowd->members[i];
    struct test *t = member->test;
    const struct received *answer;
    enum outcome outcome = receive_until(member, now(t) + 2 * t->patience, &answer);
    if (outcome == RECEIVED_TIMEOUT)
        fail_expected(t, text(t, "CONNACK to %s, or its connection closed", member->name), "%s",
                      describe_state(member, outcome));
    if (outcome == RECEIVED_CLOSED)
        return;
    if (answer->packet.type != PACKET_CONNACK) {
        judge_farewell(member, &answer->packet);
        return;
    }
    crowd->accepted[i] = answer->packet.connack.reason_code == 0;
    if (!crowd->accepted[i])
        note(t, "%s was refused: %s", member->name, describe_packet(t, &answer->packet));
}

static bool is_sign_of_life(const struct packet *packet, const void *context)
{
    (void)context;
    return packet->type == PACKET_PINGRESP || packet->type == PACKET_DISCONNECT;
}

/* Whether the server answers on this connection. */
static bool is_alive(struct client *member)
{
    struct test *t = member->test;
    const struct received *answer;
    if (member->closed || !send_pingreq(member))
        return false;
    enum outcome outcome = receive_matching(member, now(t) + 2 * t->patience, is_sign_of_life, NULL, &answer);
    if (outcome == RECEIVED_TIMEOUT)
        fail_expected(t, text(t, "PINGRESP to %s, or its connection closed", member->name), "%s",
                      describe_state(member, outcome));
    if (outcome == RECEIVED_PACKET)
        judge_farewell(member, &answer->packet);
    return outcome == RECEIVED_PACKET && answer->packet.type == PACKET_PINGRESP;
}

static size_t count_living(struct crowd *crowd)
{
    size_t living = 0;
    for (size_t i = 0; i < crowd->count; i++)
        if (is_alive(crowd->members[i])) {
            crowd->last = crowd->members[i];
            living++;
        }
    return living;
}

/* Until one is left. A connection that was taken over may answer until it is closed, which need not be at once. */
static void wait_for_the_last(struct crowd *crowd)
{
    struct test *t = crowd->members[0]->test;
    size_t accepted = 0;
    for (size_t i = 0; i < crowd->count; i++)
        take_answer(crowd, i);
    for (size_t i = 0; i < crowd->count; i++)
        accepted += crowd->accepted[i];
    if (accepted == 0)
        error(t, "set-up: none of %zu clients was let in", crowd->count);
    double deadline = now(t) + 2 * t->patience;
    size_t living = count_living(crowd);
    while (living > 1 && now(t) < deadline) {
        wait_until(t, now(t) + 0.02);
        living = count_living(crowd);
    }
    if (living != 1)
        fail_expected(t, text(t, "of %zu connections with one Client Identifier one to remain", crowd->count),
                      "%zu remain", living);
    note(t, "of %zu clients %zu got a CONNACK; %s remains", crowd->count, accepted, crowd->last->name);
}

#define open_member(t, i, ...)                                                                               \
    open_connection((t), .name = text((t), "number %zu", (i)), .client_identifier = client_id((t), "same"),  \
                    __VA_ARGS__)

/* ---- One remains -------------------------------------------------------------------------------------- */

static void check_that_one_remains(struct test *t, size_t count)
{
    const char *a = topic(t, "a");
    struct crowd crowd = {.count = count};
    for (size_t i = 0; i < count; i++)
        crowd.members[i] = open_member(t, i, .clean_start = true);
    send_all_connects(&crowd);
    wait_for_the_last(&crowd);
    subscribe(crowd.last, a);
    publish(crowd.last, .topic = a, .payload = "alive");
    expect_publish(crowd.last, .topic = a, .payload = "alive");
    expect_nothing_before(crowd.last, .publisher = crowd.last, .topic = a);
}

CONFORMANCE_TEST(takeover_by_two_at_once_leaves_one, V_ALL, NEEDS_NOTHING,
                 "Of two clients that connect with one Client Identifier at once one remains connected",
                 MQTT_3_1_4_3, MQTT3_3_1_4_2)
{
    for (int i = 0; i < 5; i++)
        check_that_one_remains(t, 2);
}

CONFORMANCE_TEST(takeover_by_ten_at_once_leaves_one, V_ALL, NEEDS_NOTHING,
                 "Of ten clients that connect with one Client Identifier at once one remains connected",
                 MQTT_3_1_4_3, MQTT3_3_1_4_2)
{
    for (int i = 0; i < 3; i++)
        check_that_one_remains(t, CROWD);
}

/* ---- The session -------------------------------------------------------------------------------------- */

#define UNDER_WAY 3

/* A session with messages that are not acknowledged; the connection stays open. */
static struct client *leave_messages_under_way(struct test *t, struct client *publisher, const char *a)
{
    struct client *first = connect_lasting_client(t, "same");
    subscribe(first, a, .qos = 1);
    for (int i = 0; i < UNDER_WAY; i++)
        publish(publisher, .topic = a, .payload = text(t, "%d", i), .qos = 1);
    expect_publish(first, .topic = a, .payload = "0", .acknowledge = false);
    return first;
}

CONFORMANCE_TEST(takeover_by_ten_at_once_keeps_the_session, V_ALL, NEEDS_QOS1,
                 "When ten clients take one session over at once, the last has all of it: subscriptions, and "
                 "messages under way",
                 MQTT_3_1_2_5, MQTT3_3_1_2_4, MQTT_4_4_0_1, MQTT3_4_4_0_1, MQTT_3_1_4_3, MQTT3_3_1_4_2)
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *first = leave_messages_under_way(t, publisher, a);
    struct crowd crowd = {.count = CROWD};
    for (size_t i = 0; i < CROWD; i++)
        crowd.members[i] = open_member(t, i, .clean_start = false, .session_expiry_interval = LONG_SESSION);
    send_all_connects(&crowd);
    wait_for_the_last(&crowd);
    expect_closed(first);
    demand_session_present(crowd.last, true);
    for (int i = 0; i < UNDER_WAY; i++)
        expect_publish(crowd.last, .topic = a, .payload = text(t, "%d", i), .qos = 1, .repeated = true);
    ping(crowd.last);
    publish(publisher, .topic = a, .payload = "new", .qos = 1);
    expect_publish(crowd.last, .topic = a, .payload = "new", .qos = 1, .dup = 0);
    expect_nothing_before(crowd.last, .publisher = publisher, .topic = a, .qos = 1);
}

/* The client comes back again and again, without closing, while messages go on. Of those that it has not
 * acknowledged some come again; each comes, and none before the first sending of one published earlier. */
CONFORMANCE_TEST(
    takeover_amid_a_stream_loses_nothing, V_ALL, NEEDS_QOS1,
    "A client that takes its own session over again and again gets every QoS 1 message, in order",
    MQTT_4_4_0_1, MQTT3_4_4_0_1, MQTT_3_1_2_5, MQTT3_3_1_2_4, MQTT_4_6_0_5, MQTT3_4_6_0_6)
{
    enum { TIMES = 8, AT_A_TIME = 5 };
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_lasting_client(t, "same");
    subscribe(subscriber, a, .qos = 1);
    int next = 0;
    for (int time = 0; time < TIMES; time++) {
        for (int i = 0; i < AT_A_TIME; i++)
            publish(publisher, .topic = a, .payload = text(t, "%d", time * AT_A_TIME + i), .qos = 1);
        for (int i = 0; i < 2; i++, next++) /* the others come when they like */
            expect_publish(subscriber, .topic = a, .payload = text(t, "%d", next), .qos = 1);
        ping(subscriber);
        subscriber = connect_lasting_client(t, "same");
        demand_session_present(subscriber, true);
    }
    for (; next < TIMES * AT_A_TIME; next++)
        expect_publish(subscriber, .topic = a, .payload = text(t, "%d", next), .qos = 1);
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 1);
}

/* The server has more for the first connection than its socket takes. */
CONFORMANCE_TEST(takeover_of_a_connection_that_does_not_read, V_ALL, NEEDS_NOTHING,
                 "A connection that has stopped reading is taken over like any other", MQTT_3_1_4_3,
                 MQTT3_3_1_4_2, MQTT_3_1_4_5, MQTT3_3_1_4_4)
{
    enum { MESSAGES = 80, SIZE = 60 * 1024 };
    abridge(t, 64);
    const char *a = topic(t, "a");
    uint8_t *payload = test_allocate(t, SIZE);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *first =
        connect_client(t, .name = "deaf", .client_identifier = client_id(t, "same"), .clean_start = true);
    if (t->capabilities->maximum_packet_size != 0 && t->capabilities->maximum_packet_size < SIZE + 200)
        skip(t, "the server's Maximum Packet Size is %u", t->capabilities->maximum_packet_size);
    subscribe(first, a);
    stop_reading(first);
    for (int i = 0; i < MESSAGES; i++)
        publish(publisher, .topic = a, .payload_bytes = bytes_of(payload, SIZE));
    ping(publisher);
    struct client *second =
        connect_client(t, .name = "second", .client_identifier = client_id(t, "same"), .clean_start = true);
    ping(second);
    start_reading(first);
    const struct received *ignored;
    enum outcome outcome;
    do
        outcome = receive_until(first, now(t) + 2 * t->patience, &ignored);
    while (outcome == RECEIVED_PACKET);
    if (outcome != RECEIVED_CLOSED)
        fail_expected(t, "the first connection closed", "%s", describe_state(first, outcome));
    ping(second);
}

/* ---- Wills -------------------------------------------------------------------------------------------- */

/* Counts the wills that came: their payloads are the members' numbers. */
static void count_will(struct test *t, const struct received *received, unsigned *copies)
{
    struct bytes payload = received->packet.publish.payload;
    const size_t number = payload.length == 1 ? (size_t)(payload.data[0] - '0') : CROWD;
    require(t, number < CROWD, "an unexpected message came: %s", describe_packet(t, &received->packet));
    copies[number]++;
}

static bool wills_are_missing(const struct crowd *crowd, const unsigned *copies)
{
    for (size_t i = 0; i < crowd->count; i++)
        if (crowd->accepted[i] && crowd->members[i] != crowd->last && copies[i] == 0)
            return true;
    return false;
}

static void judge_wills(struct test *t, const struct crowd *crowd, const unsigned *copies)
{
    for (size_t i = 0; i < crowd->count; i++) {
        const struct client *member = crowd->members[i];
        const bool remains = member == crowd->last;
        if (remains)
            require(t, copies[i] == 0, "the will of %s came, which is connected", member->name);
        else if (crowd->accepted[i])
            require(t, copies[i] == 1, "the will of %s, which was taken over, came %u times", member->name,
                    copies[i]);
        else /* it was closed before its CONNACK: accepted or not, who knows */
            require(t, copies[i] <= 1, "the will of %s came %u times", member->name, copies[i]);
    }
}

CONFORMANCE_TEST(
    takeover_by_ten_at_once_publishes_each_will_once, V_ALL, NEEDS_NOTHING,
    "Ten clients with one Client Identifier at once: each that is taken over leaves its own will, "
    "once; the last leaves none",
    MQTT_3_1_2_8, MQTT3_3_1_2_8, MQTT_3_1_2_10, MQTT3_3_1_2_10, D_3_1_4_2)
{
    const char *wills = topic(t, "wills");
    const int qos = storing_qos(t);
    unsigned copies[CROWD] = {0};
    struct client *watcher = connect_client(t, .name = "watcher", .clean_start = true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    subscribe(watcher, wills, .qos = qos);
    struct crowd crowd = {.count = CROWD};
    for (size_t i = 0; i < CROWD; i++)
        crowd.members[i] = open_member(t, i, .clean_start = true,
                                       .will = {.topic = wills, .payload = text(t, "%zu", i), .qos = qos});
    send_all_connects(&crowd);
    wait_for_the_last(&crowd);
    const struct received *received;
    double deadline = now(t) + 2 * t->patience;
    while (wills_are_missing(&crowd, copies) &&
           receive_publish(watcher, deadline, &received) == RECEIVED_PACKET) {
        acknowledge(watcher, received);
        count_will(t, received, copies);
    }
    disconnect(crowd.last);
    const struct received *more[CROWD];
    size_t count = collect_before(watcher, more, CROWD, .publisher = publisher, .topic = wills, .qos = qos);
    for (size_t i = 0; i < count && i < CROWD; i++)
        count_will(t, more[i], copies);
    judge_wills(t, &crowd, copies);
}

/* About time (sleep-allowed): the delay would be over. */
CONFORMANCE_TEST(takeover_by_ten_at_once_cancels_delayed_wills, V5, NEEDS_TIME,
                 "Ten clients that continue one session at once leave no delayed will", MQTT_3_1_3_9,
                 MQTT_3_1_2_8)
{
    need_sessions(t, 10);
    const char *wills = topic(t, "wills");
    struct client *watcher = connect_client(t, .name = "watcher", .clean_start = true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    subscribe(watcher, wills);
    struct client *control = connect_lasting_client(
        t, "control", .will = {.topic = wills, .payload = "control", .delay_interval = 1});
    struct crowd crowd = {.count = CROWD};
    for (size_t i = 0; i < CROWD; i++)
        crowd.members[i] =
            open_member(t, i, .clean_start = false, .session_expiry_interval = LONG_SESSION,
                        .will = {.topic = wills, .payload = text(t, "%zu", i), .delay_interval = 1});
    send_all_connects(&crowd);
    wait_for_the_last(&crowd);
    double lost = now(t);
    close_abruptly(control);
    expect_publish(watcher, .topic = wills, .payload = "control", .latest = lost + 1 + 2 * t->patience);
    wait_until(t, lost + 2.2);
    ping(crowd.last);
    expect_nothing_before(watcher, .publisher = publisher, .topic = wills);
}
