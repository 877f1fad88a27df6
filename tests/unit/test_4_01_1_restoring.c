/* 4.1.1: what a broker makes of what another one has stored, seen through the protocol. */
#include <stdio.h>

#include "broker_harness.h"
#include "mqtt/4_03_qos_flows.h"
#include "mqtt/broker_state.h"

static struct harness *h;

static void begin(void)
{
    h = harness_create_stored(NULL, STORAGE_BEHIND); /* what waits is the matter of another test */
}

/* Stores everything, and the broker dies; `ms` later there is another. */
static void crash(uint64_t ms)
{
    stored_all(h);
    stored_crash(h, false, ms);
}

/* As client_resume, with what comes behind CONNACK left in the inbox. */
static struct client *back(enum protocol_version version, const char *client_identifier)
{
    return client_resume(h, version, client_identifier, true);
}

static struct client *with(const char *connect, const char *connack)
{
    return client_connect(h, connect, connack);
}

#define FRESH "20 [00 00 [22 000A]]"
#define PRESENT "20 [01 00 [22 000A]]"

/* Sessions */

START_TEST(a_session_is_there_again)
{
    begin();
    client_resume(h, PROTOCOL_5_0, "five", false);
    client_drop(client_resume(h, PROTOCOL_3_1_1, "three", false));
    client_join(h, PROTOCOL_5_0, "fleeting");
    crash(1000);
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 2);
    back(PROTOCOL_5_0, "five");
    back(PROTOCOL_3_1_1, "three");
    client_resume(h, PROTOCOL_5_0, "fleeting", false);
    stored_finish(h);
}
END_TEST

START_TEST(what_was_not_stored_is_lost_and_what_was_on_its_way_may_not_be)
{
    for (int arrives = 0; arrives < 2; arrives++) {
        begin();
        client_resume(h, PROTOCOL_5_0, "stored", false);
        stored_all(h);
        client_resume(h, PROTOCOL_5_0, "way", false);
        ck_assert_int_eq(stored_collect(h), COLLECTED_CHANGES);
        client_resume(h, PROTOCOL_5_0, "gathering", false);
        stored_crash(h, arrives, 0);
        back(PROTOCOL_5_0, "stored");
        client_resume(h, PROTOCOL_5_0, "way", arrives);
        client_resume(h, PROTOCOL_5_0, "gathering", false);
        stored_finish(h);
    }
}
END_TEST

START_TEST(what_was_promised_is_kept) /* and what was not, may or may not be */
{
    h = harness_create_stored(NULL, STORAGE_PROMISED);
    struct client *to = stored_resume(h, PROTOCOL_5_0, "to", false);
    stored_subscribe(to, "t", 2);
    client_drop(to);
    stored_all(h);
    struct client *from = client_join(h, PROTOCOL_3_1_1, "from");
    client_send(from, "34 [<'t'> 0001 'x']");
    stored_all(h);
    client_expect(from, "50 02 0001");
    client_send(from, "32 [<'t'> 0002 'y']");
    client_expect_silence(from);
    stored_crash(h, false, 0);
    stored_connect(h, "10 [<'MQTT'> 05 00 0000 [11 FFFFFFFF] <'to'>]", PRESENT "34 [<'t'> 0001 [] 'x']");
    stored_finish(h);
}
END_TEST

static void expire(const char *connect, bool drop, uint64_t down, uint64_t then, bool present)
{
    begin();
    struct client *c = with(connect, FRESH);
    if (drop)
        client_drop(c);
    crash(down);
    harness_advance(h, then);
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, present);
    with("10 [<'MQTT'> 05 00 0000 [11 0000003C] <'a'>]", present ? PRESENT : FRESH);
    stored_finish(h);
}

START_TEST(sessions_expire_while_no_broker_runs) /* [MQTT-3.1.2-23] to the millisecond */
{
    static const char *const minute = "10 [<'MQTT'> 05 00 0000 [11 0000003C] <'a'>]";
    expire(minute, true, 59999, 0, true);
    expire(minute, true, 60000, 0, false);
    expire(minute, true, 1000000, 0, false);
    expire(minute, true, 20000, 39999, true);
    expire(minute, true, 20000, 40000, false);
    expire("10 [<'MQTT'> 05 00 0000 [11 FFFFFFFF] <'a'>]", true, UINT64_C(100000000000), 0, true);
}
END_TEST

START_TEST(a_client_that_was_connected_counts_from_the_last_sign_of_life)
{
    static const char *const minute = "10 [<'MQTT'> 05 00 0000 [11 0000003C] <'a'>]";
    expire(minute, false, 5000, 59999, true); /* dead for less than ten seconds: from now */
    expire(minute, false, 5000, 60000, false);
    expire(minute, false, 10000, 59999, true);
    expire(minute, false, 10000, 60000, false);
    expire(minute, false, 30000, 39999, true); /* else from ten seconds after that sign */
    expire(minute, false, 30000, 40000, false);
    expire(minute, false, 69999, 0, true);
    expire(minute, false, 70000, 0, false);
    expire("10 [<'MQTT'> 05 00 0000 [11 FFFFFFFF] <'a'>]", false, UINT64_C(100000000000), 0, true);
}
END_TEST

START_TEST(the_sign_of_life_is_renewed)
{
    begin();
    with("10 [<'MQTT'> 05 00 0000 [11 0000003C] <'a'>]", FRESH);
    stored_all(h);
    for (int i = 0; i < 10; i++) { /* 80 s, the last sign after 80 */
        harness_advance(h, 8000);
        stored_all(h);
    }
    stored_crash(h, false, 69999);
    with("10 [<'MQTT'> 05 00 0000 [11 0000003C] <'a'>]", PRESENT);
    stored_finish(h);
}
END_TEST

START_TEST(deadlines_survive_a_second_crash)
{
    begin();
    with("10 [<'MQTT'> 05 00 0000 [11 0000003C] <'a'>]", FRESH);
    crash(30000); /* ended at +10000, expires at +70000 */
    EXPECT_BATCH(h, "+S1 'a' expiry 60 until +70000");
    crash(20000);
    stored_expect_nothing(h);
    crash(19999);
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 1);
    harness_advance(h, 1);
    EXPECT_BATCH(h, "-S1");
    stored_finish(h);
}
END_TEST

START_TEST(without_a_batch_between_two_crashes_it_is_the_same)
{
    begin();
    with("10 [<'MQTT'> 05 00 0000 [11 0000003C] <'a'>]", FRESH);
    crash(30000);
    stored_crash(h, false, 39999); /* the deadline was not stored; it's found again: +70000 */
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 1);
    harness_advance(h, 1);
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 0);
    stored_finish(h);
}
END_TEST

START_TEST(a_clock_that_was_set_back_harms_nobody)
{
    begin();
    with("10 [<'MQTT'> 05 00 0000 [11 0000003C] <'a'>]", FRESH);
    crash((uint64_t)-100000);
    harness_advance(h, 59999);
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 1);
    harness_advance(h, 1);
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 0);
    stored_finish(h);
}
END_TEST

START_TEST(a_session_that_was_to_end_with_its_connection_has_ended)
{
    begin();
    client_drop(client_resume(h, PROTOCOL_5_0, "a", false));
    with("10 [<'MQTT'> 05 00 0000 [] <'a'>]", PRESENT);
    crash(0);
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 0);
    EXPECT_BATCH(h, "-S1");
    stored_finish(h);
}
END_TEST

/* Subscriptions */

START_TEST(subscriptions_keep_their_options)
{
    begin();
    struct client *c = client_resume(h, PROTOCOL_5_0, "a", false);
    client_send(c, "82 [0001 [0B 85 01] <'t/#'> 0D] 82 [0002 [] <'u'> 02 <'v'> 20]");
    client_ignore(c);
    client_subscribe(client_resume(h, PROTOCOL_3_1_1, "old", false), "$share/g/t",
                     1); /* an ordinary filter */
    crash(0);
    ck_assert_uint_eq(broker_statistics(h->broker).subscriptions, 4);
    ck_assert_uint_eq(broker_statistics(h->broker).subscriptions_shared, 0);
    c = back(PROTOCOL_5_0, "a");
    client_send(c, "30 [<'t/x'> [] 'own']"); /* No Local */
    struct client *from = client_join(h, PROTOCOL_5_0, "from");
    client_send(from, "33 [<'t/x'> 0001 [] '1'] 35 [<'u'> 0002 [] '2'] 31 [<'v'> [] '3']");
    client_expect(c, "33 [<'t/x'> 0001 [0B 85 01] '1'] 34 [<'u'> 0002 [] '2'] 30 [<'v'> [] '3']");
    client_send(c, "A2 [0003 [] <'t/#'> <'nothing'>]");
    client_expect(c, "B0 [0003 [] 00 11]");
    struct client *old = back(PROTOCOL_3_1_1, "old");
    client_send(old, "A2 [0001 <'$share/g/t'>]");
    client_expect(old, "B0 02 0001");
    stored_check(h);
    ck_assert_uint_eq(stored_count(h, TABLE_SUBSCRIPTIONS), 2);
    stored_finish(h);
}
END_TEST

/* "$share/..." is an ordinary filter in 3.1.1, but one session has each filter once, whatever it means. */
START_TEST(a_session_that_changes_its_version_has_each_filter_once)
{
    begin();
    client_subscribe(client_resume(h, PROTOCOL_3_1_1, "a", false), "$share/g/t", 1);
    struct client *a = client_resume(h, PROTOCOL_5_0, "a", true);
    client_subscribe(a, "$share/g/t", 2);
    ck_assert_uint_eq(broker_statistics(h->broker).subscriptions, 1);
    ck_assert_uint_eq(broker_statistics(h->broker).subscriptions_shared, 1);
    stored_check(h);
    a = client_resume(h, PROTOCOL_3_1_1, "a", true);
    client_subscribe(a, "$share/g/t", 0);
    ck_assert_uint_eq(broker_statistics(h->broker).subscriptions_shared, 0);
    stored_check(h);
    a = client_resume(h, PROTOCOL_5_0, "a", true);
    client_send(a, "A2 [0001 [] <'$share/g/t'>]");
    client_expect(a, "B0 [0001 [] 00]");
    stored_check(h);
    ck_assert_uint_eq(stored_count(h, TABLE_SUBSCRIPTIONS), 0);
    stored_finish(h);
}
END_TEST

START_TEST(share_groups_hand_over_after_a_restart) /* [S-4.8.2-1] */
{
    begin();
    struct client *a = with("10 [<'MQTT'> 05 00 0000 [11 0000003C] <'a'>]", FRESH);
    client_subscribe(a, "$share/other/u", 1); /* has the first number, but comes second */
    client_subscribe(a, "$share/g/t", 1);
    client_drop(a);
    client_send(client_join(h, PROTOCOL_5_0, "from"), "32 [<'t'> 0001 [] 'x']");
    struct client *b = client_resume(h, PROTOCOL_5_0, "b", false);
    client_subscribe(b, "$share/g/t", 1);
    client_drop(b);
    crash(59999);
    ck_assert_uint_eq(broker_statistics(h->broker).subscriptions_shared, 3);
    b = back(PROTOCOL_5_0, "b");
    client_expect_silence(b);
    harness_advance(h, 1); /* the session of a ends */
    client_expect(b, "32 [<'t'> 0001 [] 'x']");
    stored_finish(h);
}
END_TEST

START_TEST(share_groups_take_turns_after_a_restart)
{
    begin();
    client_subscribe(client_resume(h, PROTOCOL_5_0, "a", false), "$share/g/t", 0);
    client_subscribe(client_resume(h, PROTOCOL_5_0, "b", false), "$share/g/t", 0);
    crash(0);
    struct client *a = back(PROTOCOL_5_0, "a"), *b = back(PROTOCOL_5_0, "b");
    client_send(client_join(h, PROTOCOL_3_1_1, "from"), "30 [<'t'> 'x'] 30 [<'t'> 'x']");
    client_expect(a, "30 [<'t'> [] 'x']");
    client_expect(b, "30 [<'t'> [] 'x']");
    stored_finish(h);
}
END_TEST

START_TEST(a_new_share_group_has_a_new_number)
{
    begin();
    struct client *a = client_resume(h, PROTOCOL_5_0, "a", false);
    client_subscribe(a, "$share/g/t", 1);
    client_subscribe(a, "$share/h/t", 1);
    client_drop(a);
    client_send(client_join(h, PROTOCOL_5_0, "from"), "32 [<'t'> 0001 [] 'x']");
    a = client_resume(h, PROTOCOL_5_0, "a", true);
    client_send(a, "A2 [0001 [] <'$share/h/t'>]"); /* its number is named by a delivery alone */
    client_ignore(a);
    crash(0);
    a = client_resume(h, PROTOCOL_5_0, "a", true);
    client_ignore(a);
    stored_all(h);
    client_subscribe(a, "$share/i/t", 1);
    EXPECT_BATCH(h, "+U1 '$share/i/t' qos 1 group 3");
    stored_finish(h);
}
END_TEST

/* Messages */

START_TEST(a_queue_keeps_its_order)
{
    begin();
    struct client *a = client_resume(h, PROTOCOL_5_0, "a", false);
    client_subscribe(a, "#", 2);
    client_drop(a);
    struct client *from = client_join(h, PROTOCOL_5_0, "from");
    client_send(from, "32 [<'t'> 0001 [] '1'] 34 [<'u'> 0002 [26 <'n'> <'v'>] '2'] 30 [<'t'> [] '0']");
    crash(0);
    from = client_join(h, PROTOCOL_5_0, "from");
    client_send(from, "32 [<'t'> 0001 [] '3']"); /* behind those of before */
    crash(0);
    a = back(PROTOCOL_5_0, "a");
    client_expect(a, "32 [<'t'> 0001 [] '1'] 34 [<'u'> 0002 [26 <'n'> <'v'>] '2'] 32 [<'t'> 0003 [] '3']");
    stored_finish(h);
}
END_TEST

START_TEST(what_was_in_flight_is_sent_again)
{
    begin();
    struct client *a = client_resume(h, PROTOCOL_3_1_1, "a", false);
    client_subscribe(a, "#", 2);
    struct client *from = client_join(h, PROTOCOL_3_1_1, "from");
    client_send(from, "32 [<'t'> 0001 '1'] 34 [<'t'> 0002 '2'] 34 [<'t'> 0003 '3'] 32 [<'t'> 0004 '4']"
                      "34 [<'t'> 0005 '5']");
    client_send(a, "40 02 0001 50 02 0003 50 02 0005 70 02 0005");
    crash(0);
    a = back(PROTOCOL_3_1_1, "a");
    /* [MQTT3-4.4.0-1] [MQTT3-3.3.1-1] the same Packet Identifiers, DUP, and PUBREL where PUBREC had come */
    client_expect(a, "3C [<'t'> 0002 '2'] 62 02 0003 3A [<'t'> 0004 '4']");
    client_send(client_join(h, PROTOCOL_3_1_1, "from"), "32 [<'t'> 0001 '6']");
    client_expect(a, "32 [<'t'> 0005 '6']"); /* the next free one */
    client_send(a, "50 02 0002 70 02 0002 70 02 0003 40 02 0004 40 02 0005");
    client_expect(a, "62 02 0002");
    stored_check(h);
    ck_assert_uint_eq(stored_count(h, TABLE_DELIVERIES), 0);
    ck_assert_uint_eq(stored_count(h, TABLE_MESSAGES), 0);
    stored_finish(h);
}
END_TEST

START_TEST(retained_and_flags_of_a_delivery_are_kept)
{
    begin();
    client_send(client_join(h, PROTOCOL_5_0, "from"), "33 [<'t'> 0001 [01 01] 'x']");
    struct client *a = client_resume(h, PROTOCOL_5_0, "a", false);
    client_send(a, "82 [0001 [0B 07] <'t'> 01]");
    client_expect(a, "90 04 0001 00 01 33 [<'t'> 0001 [0B 07 01 01] 'x']");
    crash(0);
    client_expect(back(PROTOCOL_5_0, "a"), "3B [<'t'> 0001 [0B 07 01 01] 'x']");
    stored_finish(h);
}
END_TEST

START_TEST(a_window_and_a_queue_are_told_apart)
{
    begin();
    struct client *a = with("10 [<'MQTT'> 05 00 0000 [11 FFFFFFFF 21 0002] <'a'>]", FRESH);
    client_subscribe(a, "t", 1);
    struct client *from = client_join(h, PROTOCOL_3_1_1, "from");
    client_send(from, "32 [<'t'> 0001 '1'] 32 [<'t'> 0001 '2'] 32 [<'t'> 0001 '3'] 32 [<'t'> 0001 '4']");
    crash(0);
    a = with("10 [<'MQTT'> 05 00 0000 [11 FFFFFFFF 21 0001] <'a'>]", PRESENT "3A [<'t'> 0001 [] '1']");
    client_send(a, "40 02 0001");
    client_expect(a, "3A [<'t'> 0002 [] '2']");
    client_send(a, "40 02 0002");
    client_expect(a, "32 [<'t'> 0003 [] '3']"); /* was never sent: no DUP */
    client_send(a, "40 02 0003");
    client_expect(a, "32 [<'t'> 0004 [] '4']");
    stored_finish(h);
}
END_TEST

/* Whatever identifiers are in flight, the table of those has room for them. */
START_TEST(packet_identifiers_that_collide_in_a_small_table)
{
    static const uint16_t identifiers[] = {8, 16, 24, 0x1008, 0xF008, 65535, 1, 9};
    begin();
    stored_put(h, &(struct record){.table = TABLE_SESSIONS,
                                   .session = {.session = 7,
                                               .expires_at = MOMENT_NEVER,
                                               .expiry_interval = UINT32_MAX,
                                               .client_identifier = bytes_of_text("a")}});
    stored_put(h, &(struct record){.table = TABLE_MESSAGES,
                                   .message = {.message = 3,
                                               .expires_at = MOMENT_NEVER,
                                               .qos = 1,
                                               .topic = bytes_of_text("t"),
                                               .payload = bytes_of_text("x")}});
    for (unsigned i = 0; i < 8; i++)
        stored_put(h, &(struct record){.table = TABLE_DELIVERIES,
                                       .delivery = {.delivery = 10 + i,
                                                    .session = 7,
                                                    .message = 3,
                                                    .packet_identifier = identifiers[i],
                                                    .qos = 1,
                                                    .state = SENDER_AWAIT_PUBACK,
                                                    .sent = true}});
    stored_crash(h, false, 0);
    struct client *a = back(PROTOCOL_3_1_1, "a");
    client_expect(a, "3A [<'t'> 0008 'x'] 3A [<'t'> 0010 'x'] 3A [<'t'> 0018 'x'] 3A [<'t'> 1008 'x']"
                     "3A [<'t'> F008 'x'] 3A [<'t'> FFFF 'x'] 3A [<'t'> 0001 'x'] 3A [<'t'> 0009 'x']");
    client_subscribe(a, "t", 1);
    client_send(client_join(h, PROTOCOL_3_1_1, "from"), "32 [<'t'> 0001 'y']");
    client_expect(a, "32 [<'t'> 000A 'y']");
    client_send(a, "40 02 0008 40 02 0010 40 02 0018 40 02 1008 40 02 F008 40 02 FFFF 40 02 0001 40 02 0009");
    stored_check(h);
    ck_assert_uint_eq(stored_count(h, TABLE_DELIVERIES), 1);
    stored_finish(h);
}
END_TEST

START_TEST(qos_2_is_received_once) /* [MQTT-4.3.3-10] across a restart */
{
    begin();
    struct client *to = client_resume(h, PROTOCOL_3_1_1, "to", false);
    client_subscribe(to, "t", 1);
    struct client *a = client_resume(h, PROTOCOL_3_1_1, "a", false);
    client_send(a, "34 [<'t'> 0102 'x']");
    client_expect(a, "50 02 0102");
    client_send(to, "40 02 0001");
    client_ignore(to);
    crash(0);
    to = back(PROTOCOL_3_1_1, "to");
    a = back(PROTOCOL_3_1_1, "a");
    client_send(a, "3C [<'t'> 0102 'x']");
    client_expect(a, "50 02 0102");
    client_expect_silence(to);
    client_send(a, "62 02 0102");
    client_expect(a, "70 02 0102");
    client_send(a, "34 [<'t'> 0102 'y']"); /* a new message */
    client_expect(a, "50 02 0102");
    client_expect(to, "32 [<'t'> 0001 'y']");
    stored_finish(h);
}
END_TEST

START_TEST(messages_expire_while_no_broker_runs) /* [MQTT-3.3.2-5] [MQTT-3.3.2-6] */
{
    begin();
    struct client *a = client_resume(h, PROTOCOL_5_0, "a", false);
    client_subscribe(a, "t", 1);
    client_drop(a);
    client_send(client_join(h, PROTOCOL_5_0, "from"), "32 [<'t'> 0001 [02 00000005] '1'] 32 [<'t'> 0002 [02 "
                                                      "00000002] '2'] 32 [<'t'> 0003 [02 00000064] '3']");
    harness_advance(h, 1000);
    crash(1000);
    client_expect(back(PROTOCOL_5_0, "a"),
                  "32 [<'t'> 0001 [02 00000003] '1'] 32 [<'t'> 0002 [02 00000062] '3']");
    stored_finish(h);
}
END_TEST

START_TEST(one_message_for_two_is_shared_again)
{
    begin();
    struct client *a = client_resume(h, PROTOCOL_5_0, "a", false);
    struct client *b = client_resume(h, PROTOCOL_5_0, "b", false);
    client_subscribe(a, "t", 1);
    client_subscribe(b, "t", 1);
    client_drop(a);
    client_drop(b);
    client_send(client_join(h, PROTOCOL_5_0, "from"), "33 [<'t'> 0001 [] 'x']");
    crash(0);
    a = back(PROTOCOL_5_0, "a");
    client_send(a, "40 02 0001");
    EXPECT_BATCH(h, "+S1 'a' connected expiry never", "-D1", "+alive +0");
    client_send(client_join(h, PROTOCOL_5_0, "from"), "31 [<'t'> []]");
    EXPECT_BATCH(h, "+M1 't' qos 1 'x'"); /* not retained any more */
    b = back(PROTOCOL_5_0, "b");
    client_send(b, "40 02 0001");
    EXPECT_BATCH(h, "+S2 'b' connected expiry never", "-D2", "-M1");
    stored_finish(h);
}
END_TEST

START_TEST(numbers_go_on)
{
    begin();
    struct client *a = client_resume(h, PROTOCOL_5_0, "a", false);
    client_subscribe(a, "t", 1);
    client_drop(a);
    client_send(client_join(h, PROTOCOL_5_0, "from"), "32 [<'t'> 0001 [] 'x']");
    crash(0);
    client_resume(h, PROTOCOL_5_0, "b", false);
    client_send(client_join(h, PROTOCOL_5_0, "from"), "32 [<'t'> 0001 [] 'y']");
    EXPECT_BATCH(h, "+S2 'b' connected expiry never", "+M2 't' qos 1 'y'", "+D2 S1 M2 qos 1 queued",
                 "+alive +0");
    stored_finish(h);
}
END_TEST

/* Retained messages */

START_TEST(retained_messages_are_there_again)
{
    begin();
    struct client *from = client_join(h, PROTOCOL_5_0, "from");
    client_send(from,
                "33 [<'a/b'> 0001 [26 <'n'> <'v'>] 'x'] 31 [<'c'> [] 'y'] 31 [<'d'> [] 'z'] 31 [<'d'> []]");
    harness_publish(h, "$SYS/broker/uptime", "1");
    crash(0);
    ck_assert_uint_eq(broker_statistics(h->broker).retained_messages, 2);
    struct client *c = client_join(h, PROTOCOL_5_0, "c");
    client_send(c, "82 [0001 [] <'a/b'> 02 <'c'> 02 <'$SYS/#'> 00]");
    client_expect(c, "90 06 0001 00 02 02 00 33 [<'a/b'> 0001 [26 <'n'> <'v'>] 'x'] 31 [<'c'> [] 'y']");
    client_send(c, "31 [<'a/b'> []] 31 [<'c'> [] 'new']");
    client_ignore(c);
    stored_check(h);
    EXPECT_STORE(h, "+M3 'c' qos 0 retained 'new'");
    stored_finish(h);
}
END_TEST

START_TEST(retained_messages_expire_while_no_broker_runs)
{
    begin();
    struct client *from = client_join(h, PROTOCOL_5_0, "from");
    client_send(from, "31 [<'a'> [02 00000005] 'x'] 31 [<'b'> [02 00000002] 'y']");
    crash(2000);
    ck_assert_uint_eq(broker_statistics(h->broker).retained_messages, 1);
    EXPECT_BATCH(h, "-M2");
    struct client *c = client_join(h, PROTOCOL_5_0, "c");
    client_send(c, "82 [0001 [] <'#'> 00]");
    client_expect(c, "90 04 0001 00 00 31 [<'a'> [02 00000003] 'x']");
    harness_advance(h, 2999);
    stored_expect_nothing(h);
    harness_advance(h, 1);
    EXPECT_BATCH(h, "-M1");
    stored_expect_empty(h);
    stored_finish(h);
}
END_TEST

/* Wills */

/* A session that hears of w whatever happens. */
static void watch(void)
{
    begin();
    struct client *watcher = client_resume(h, PROTOCOL_5_0, "watcher", false);
    client_subscribe(watcher, "w", 1);
    client_drop(watcher);
}

#define HEARD "32 [<'w'> 0001 [] 'bye']"

START_TEST(the_will_of_a_client_that_was_connected_is_published_at_start) /* [MQTT-3.1.2-8] */
{
    static const char *const connects[] = {
        "10 [<'MQTT'> 05 0E 0000 [11 0000003C] <'a'> [] <'w'> <'bye'>]",
        "10 [<'MQTT'> 05 0E 0000 [] <'a'> [] <'w'> <'bye'>]"}; /* fleeting */
    for (int i = 0; i < COUNT(connects); i++) {
        watch();
        with(connects[i], FRESH);
        crash(0);
        client_expect(back(PROTOCOL_5_0, "watcher"), HEARD);
        stored_check(h);
        ck_assert_uint_eq(stored_count(h, TABLE_WILLS), 0);
        crash(0);
        client_expect(back(PROTOCOL_5_0, "watcher"), "3A [<'w'> 0001 [] 'bye']"); /* the same one, once */
        stored_finish(h);
    }
}
END_TEST

START_TEST(a_fleeting_session_does_not_come_back_with_its_will)
{
    watch();
    with("10 [<'MQTT'> 05 2E 0000 [] <'a'> [02 0000000A] <'w'> <'bye'>]", FRESH);
    crash(100000);
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 1);
    /* retained, and its interval runs from now on */
    EXPECT_BATCH(h, "-W2", "+M1 'w' qos 1 retained until +110000 'bye'", "+D1 S1 M1 qos 1 queued");
    client_resume(h, PROTOCOL_5_0, "a", false);
    EXPECT_BATCH(h, "+S3 'a' connected expiry never", "+alive +100000"); /* the number 2 was taken */
    stored_finish(h);
}
END_TEST

START_TEST(a_will_that_was_discarded_is_not_published)
{
    watch();
    client_send(with("10 [<'MQTT'> 05 0E 0000 [11 0000003C] <'a'> [18 00000005] <'w'> <'bye'>]", FRESH),
                "E0 00");
    client_send(with("10 [<'MQTT'> 05 0E 0000 [] <'b'> [] <'w'> <'bye'>]", FRESH), "E0 00");
    crash(30000);
    client_expect_silence(back(PROTOCOL_5_0, "watcher"));
    stored_finish(h);
}
END_TEST

START_TEST(a_will_delay_goes_on_while_no_broker_runs) /* 3.1.3.2.2 */
{
    static const char *const connect =
        "10 [<'MQTT'> 05 0E 0000 [11 0000003C] <'a'> [18 00000005] <'w'> <'bye'>]";
    watch();
    client_drop(with(connect, FRESH));
    crash(2000);
    struct client *watcher = back(PROTOCOL_5_0, "watcher");
    harness_advance(h, 2999);
    client_expect_silence(watcher);
    harness_advance(h, 1);
    client_expect(watcher, HEARD);
    stored_finish(h);

    watch(); /* due meanwhile */
    client_drop(with(connect, FRESH));
    crash(5000);
    client_expect(back(PROTOCOL_5_0, "watcher"), HEARD);
    stored_finish(h);

    watch(); /* the client comes back in time [MQTT-3.1.3-9] */
    client_drop(with(connect, FRESH));
    crash(4999);
    with("10 [<'MQTT'> 05 00 0000 [11 0000003C] <'a'>]", PRESENT);
    watcher = back(PROTOCOL_5_0, "watcher");
    harness_advance(h, 10000);
    client_expect_silence(watcher);
    stored_finish(h);
}
END_TEST

START_TEST(a_will_delay_of_a_connected_client_begins_with_the_end_of_the_broker)
{
    static const char *const connect =
        "10 [<'MQTT'> 05 0E 0000 [11 0000003C] <'a'> [18 00000014] <'w'> <'bye'>]";
    watch();
    with(connect, FRESH);
    crash(1000); /* from now on: 20 s */
    struct client *watcher = back(PROTOCOL_5_0, "watcher");
    harness_advance(h, 19999);
    client_expect_silence(watcher);
    harness_advance(h, 1);
    client_expect(watcher, HEARD);
    stored_finish(h);

    watch();
    with(connect, FRESH);
    crash(15000); /* since 10 s after the last sign of life: 15 s are left */
    EXPECT_BATCH(h, "+S2 'a' expiry 60 until +70000", "+W2 M1 qos 1 delay 20 due +30000");
    watcher = back(PROTOCOL_5_0, "watcher");
    harness_advance(h, 14999);
    client_expect_silence(watcher);
    harness_advance(h, 1);
    client_expect(watcher, HEARD);
    stored_finish(h);
}
END_TEST

START_TEST(a_session_that_expired_meanwhile_publishes_its_will) /* [MQTT-3.1.2-8] its end comes first */
{
    watch();
    client_drop(with("10 [<'MQTT'> 05 0E 0000 [11 00000005] <'a'> [18 00000064] <'w'> <'bye'>]", FRESH));
    crash(5000);
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 1);
    client_expect(back(PROTOCOL_5_0, "watcher"), HEARD);
    stored_finish(h);
}
END_TEST

/* What is damaged */

#define SESSION(number, name)                                                                                \
    {                                                                                                        \
        .table = TABLE_SESSIONS, .session = {                                                                \
            .session = (number),                                                                             \
            .expires_at = MOMENT_NEVER,                                                                      \
            .expiry_interval = UINT32_MAX,                                                                   \
            .client_identifier = {(const uint8_t *)(name), 1}                                                \
        }                                                                                                    \
    }
#define MESSAGE(number, retain)                                                                              \
    {                                                                                                        \
        .table = TABLE_MESSAGES, .message = {                                                                \
            .message = (number),                                                                             \
            .expires_at = MOMENT_NEVER,                                                                      \
            .retained = (retain),                                                                            \
            .topic = {(const uint8_t *)"t", 1},                                                              \
            .payload = {(const uint8_t *)"x", 1}                                                             \
        }                                                                                                    \
    }
#define DELIVERY(number, of, what, identifier)                                                               \
    {                                                                                                        \
        .table = TABLE_DELIVERIES, .delivery = {                                                             \
            .delivery = (number),                                                                            \
            .session = (of),                                                                                 \
            .message = (what),                                                                               \
            .packet_identifier = (identifier),                                                               \
            .qos = 1,                                                                                        \
            .state = (identifier) ? SENDER_AWAIT_PUBACK : SENDER_QUEUED                                      \
        }                                                                                                    \
    }
#define WILL(of, what)                                                                                       \
    {                                                                                                        \
        .table = TABLE_WILLS, .will = {                                                                      \
            .session = (of),                                                                                 \
            .message = (what),                                                                               \
            .due = MOMENT_NEVER,                                                                             \
            .expiry_interval = UINT32_MAX                                                                    \
        }                                                                                                    \
    }
#define SUBSCRIPTION(of)                                                                                     \
    {                                                                                                        \
        .table = TABLE_SUBSCRIPTIONS, .subscription = {                                                      \
            .session = (of),                                                                                 \
            .topic_filter = {(const uint8_t *)"t", 1}                                                        \
        }                                                                                                    \
    }
#define RECEIVED(of)                                                                                         \
    {                                                                                                        \
        .table = TABLE_RECEIVED, .received = {.session = (of), .packet_identifier = 1 }                      \
    }

static const struct damage {
    const char *wrong;
    struct record records[7];
    int count;
} damages[] = {
    {"two sessions have this Client Identifier", {SESSION(1, "a"), SESSION(2, "b"), SESSION(3, "a")}, 3},
    {"it belongs to a session that is not there", {SESSION(1, "a"), SUBSCRIPTION(1), SUBSCRIPTION(2)}, 3},
    {"two retained messages have this topic", {MESSAGE(1, true), MESSAGE(2, false), MESSAGE(3, true)}, 3},
    {"it belongs to a session that is not there",
     {SESSION(1, "a"), MESSAGE(1, false), DELIVERY(1, 1, 1, 0), DELIVERY(2, 2, 1, 0)},
     4},
    {"its message is not there",
     {SESSION(1, "a"), MESSAGE(1, false), DELIVERY(1, 1, 1, 1), DELIVERY(2, 1, 2, 2)},
     4},
    {"its Packet Identifier is in use",
     {SESSION(1, "a"), MESSAGE(1, false), DELIVERY(1, 1, 1, 5), DELIVERY(2, 1, 1, 0), DELIVERY(3, 1, 1, 5)},
     5},
    {"it belongs to a session that is not there", {SESSION(1, "a"), RECEIVED(1), RECEIVED(2)}, 3},
    {"its message is not there", {SESSION(1, "a"), MESSAGE(1, false), WILL(1, 1), WILL(2, 1), WILL(3, 2)}, 5},
};

/* What is refused holds all that came before it; destroying it must leave nothing (see the leak checks). */
START_TEST(references_that_lead_nowhere_are_refused)
{
    for (int i = 0; i < COUNT(damages); i++) {
        const struct damage *damage = &damages[i];
        begin();
        stored_die(h, false);
        for (int j = 0; j < damage->count; j++)
            stored_put(h, &damage->records[j]);
        const char *wrong = stored_load(h);
        ck_assert_msg(wrong && strcmp(wrong, damage->wrong) == 0, "%d: %s", i, wrong ? wrong : "taken");
        /* the positive control: without the last one it's taken */
        stored_delete(h, &damage->records[damage->count - 1]);
        wrong = stored_load(h);
        ck_assert_msg(!wrong, "%d: %s", i, wrong);
        harness_destroy(h);
    }
}
END_TEST

START_TEST(what_cannot_be_read_is_refused)
{
    begin();
    const struct bytes key = bytes_of_text("12345678"), nothing = {NULL, 0};
    ck_assert_str_eq(broker_restore(h->broker, TABLE_COUNT, key, nothing), "there is no such table");
    ck_assert_str_eq(broker_restore(h->broker, 255, key, nothing), "there is no such table");
    ck_assert_ptr_nonnull(broker_restore(h->broker, TABLE_SESSIONS, key, nothing));
    ck_assert_ptr_nonnull(broker_restore(h->broker, TABLE_SESSIONS, nothing, nothing));
    harness_destroy(h);
}
END_TEST

START_TEST(a_store_of_a_newer_format_is_refused)
{
    begin();
    stored_die(h, false);
    stored_put(h, &(struct record){.table = TABLE_META, .meta = {META_FORMAT, RECORD_FORMAT}});
    ck_assert_ptr_null(stored_load(h));
    stored_die(h, false);
    stored_put(h, &(struct record){.table = TABLE_META, .meta = {META_FORMAT, RECORD_FORMAT + 1}});
    const char *wrong = stored_load(h);
    ck_assert_ptr_nonnull(wrong);
    ck_assert_ptr_nonnull(strstr(wrong, "newer"));
    stored_put(h, &(struct record){.table = TABLE_META, .meta = {META_FORMAT, RECORD_FORMAT}});
    ck_assert_ptr_null(stored_load(h));
    stored_finish(h);
}
END_TEST

START_TEST(a_message_that_nobody_needs_goes)
{
    begin();
    stored_die(h, false);
    stored_put(h, &(struct record)MESSAGE(5, false));
    ck_assert_ptr_null(stored_load(h));
    EXPECT_BATCH(h, "-M5");
    stored_finish(h);
}
END_TEST

START_TEST(what_was_restored_goes_with_its_session)
{
    begin();
    struct client *a = client_resume(h, PROTOCOL_5_0, "a", false);
    client_subscribe(a, "t", 2);
    client_send(a, "34 [<'t'> 0001 [] 'x'] 34 [<'t'> 0002 [] 'y'] 50 02 0001");
    crash(0);
    client_join(h, PROTOCOL_5_0, "a");
    EXPECT_BATCH(h, "-S1", "-U1*", "-R1*", "-D1", "-D2", "-M2");
    stored_expect_empty(h);
    stored_finish(h);
}
END_TEST

START_TEST(without_storage_there_is_nothing_to_restore)
{
    h = harness_create(NULL);
    ck_assert_ptr_null(broker_restored(h->broker, h->now));
    ck_assert(!broker_wants_collect(h->broker));
    client_join(h, PROTOCOL_5_0, "a");
    harness_destroy(h);
}
END_TEST

/* Lives at random: whatever happens, the store holds what the broker does, before a crash and after it. */

enum { CLIENTS = 4, DEEDS = 400 };

struct life {
    uint64_t random;
    struct client *clients[CLIENTS];
    bool three[CLIENTS]; /* as it connected last */
};

static unsigned chance(struct life *life, unsigned below)
{
    life->random = life->random * 6364136223846793005U + 1442695040888963407U;
    return (unsigned)(life->random >> 33) % below;
}

static void connect_one(struct life *life, unsigned who)
{
    static const char *const expiries[] = {"", "11 00000005", "11 0000003C", "11 FFFFFFFF"};
    static const char *const wills[] = {"", "", "[] <'t'> <'bye'>",
                                        "[18 00000003 02 00000004] <'u'> <'bye'>"};
    char notation[NOTATION_SIZE];
    const unsigned will = chance(life, 4), clean = chance(life, 4) == 0 ? 2 : 0;
    const unsigned flags = clean | (will > 1 ? 0x04U | chance(life, 3) << 3 | chance(life, 2) << 5 : 0);
    life->three[who] = chance(life, 3) == 0;
    if (life->three[who])
        octets_print(notation, "10 [<'MQTT'> 04 %02X 0000 <'c%u'> %s]", flags, who,
                     will > 1 ? "<'t'> <'bye'>" : "");
    else
        octets_print(notation, "10 [<'MQTT'> 05 %02X 0000 [%s 21 000%u] <'c%u'> %s]", flags,
                     expiries[chance(life, 4)], 1 + chance(life, 3), who, wills[will]);
    life->clients[who] = client_open(h);
    client_send(life->clients[who], notation);
}

static void publish_one(struct life *life, struct client *c, bool three)
{
    char notation[NOTATION_SIZE];
    const unsigned qos = chance(life, 3);
    char identifier[5] = "";
    if (qos > 0)
        snprintf(identifier, sizeof identifier, "%04X", 1 + chance(life, 3));
    octets_print(notation, "3%X [<'%c'> %s %s %s]", qos << 1 | (chance(life, 3) == 0), "tuv"[chance(life, 3)],
                 identifier,
                 three             ? ""
                 : chance(life, 3) ? "[]"
                                   : "[02 00000004]",
                 chance(life, 5) ? "'x'" : "");
    client_send(c, notation);
}

static void subscribe_one(struct life *life, struct client *c, bool three)
{
    static const char *const filters[] = {"t", "u", "+", "#", "$share/g/t", "$share/h/+"};
    char notation[NOTATION_SIZE];
    const char *filter = filters[chance(life, 6)];
    if (chance(life, 3) == 0)
        octets_print(notation, "A2 [0001 %s <'%s'>]", three ? "" : "[]", filter);
    else
        octets_print(notation, "82 [0001 %s <'%s'> %02X]",
                     three             ? ""
                     : chance(life, 2) ? "[]"
                                       : "[0B 07]",
                     filter, chance(life, 3));
    client_send(c, notation);
}

/* Answers the packets that have come, some of them not. */
static void answer(struct life *life, struct client *c, bool three)
{
    const struct bytes all = bytes_of(c->inbox, c->inbox_length);
    struct bytes rest = all;
    char notation[NOTATION_SIZE];
    uint8_t copy[4096];
    ck_assert_uint_lt(all.length, sizeof copy);
    if (all.length > 0)
        memcpy(copy, all.data, all.length);
    rest = bytes_of(copy, all.length);
    client_ignore(c);
    while (rest.length > 0) {
        struct packet packet;
        size_t size;
        struct verdict verdict;
        const enum protocol_version version = three ? PROTOCOL_3_1_1 : PROTOCOL_5_0;
        ck_assert_int_eq(packet_frame(rest, version, 0, &size, &verdict), FRAMING_COMPLETE);
        ck_assert(!packet_decode(&packet, version, SENDER_SERVER, bytes_of(rest.data, size), NULL).refused);
        rest = bytes_after(rest, size);
        const bool publish = packet.type == PACKET_PUBLISH && packet.publish.qos > 0;
        if (chance(life, 8) == 0)
            continue;
        if (publish)
            octets_print(notation, "%u0 02 %04X", packet.publish.qos == 1 ? 4 : 5,
                         packet.publish.packet_identifier);
        else if (packet.type == PACKET_PUBREC || packet.type == PACKET_PUBREL)
            octets_print(notation, "%s 02 %04X", packet.type == PACKET_PUBREC ? "62" : "70",
                         packet.acknowledgement.packet_identifier);
        if (publish || packet.type == PACKET_PUBREC || packet.type == PACKET_PUBREL)
            client_send(c, notation);
    }
}

static void act(struct life *life, unsigned who)
{
    struct client *c = life->clients[who];
    if (!c || !c->connection) {
        connect_one(life, who);
        return;
    }
    const bool three = life->three[who];
    const unsigned what = chance(life, 16);
    if (what == 0)
        client_drop(c);
    else if (what == 1)
        client_send(c, three || chance(life, 2) ? "E0 00" : "E0 [04]");
    else if (what == 2)
        connect_one(life, who); /* taken over */
    else if (what < 6)
        subscribe_one(life, c, three);
    else if (what < 12)
        publish_one(life, c, three);
    else
        answer(life, c, three);
}

static void befall(struct life *life)
{
    const unsigned what = chance(life, 40);
    if (what < 12 && stored_on_way(h))
        stored_done(h);
    else if (what < 12)
        stored_collect(h);
    else if (what == 12 && stored_on_way(h))
        stored_trouble(h);
    else if (what == 13)
        stored_crash(h, chance(life, 2), chance(life, 8000));
    else if (what < 17)
        harness_advance(h, chance(life, 3000));
    else if (what == 17 && stored_on_way(h))
        stored_done(h);
    else if (what == 17)
        stored_check(h);
}

START_TEST(whatever_happens_the_store_holds_what_the_broker_does)
{
    for (unsigned seed = 0; seed < 60; seed++) {
        struct broker_settings settings = harness_settings();
        settings.maximum_queued = 5;
        settings.drop_oldest = seed % 2;
        h = harness_create_stored(&settings, seed % 3 ? STORAGE_PROMISED : STORAGE_BEHIND);
        struct life life = {.random = seed};
        for (unsigned deed = 0; deed < DEEDS; deed++) {
            act(&life, chance(&life, CLIENTS));
            befall(&life);
        }
        if (stored_on_way(h))
            stored_done(h);
        stored_check(h);
        for (unsigned i = 0; i < CLIENTS; i++) { /* everything ends */
            char notation[NOTATION_SIZE];
            octets_print(notation, "10 [<'MQTT'> 04 02 0000 <'c%u'>]", i);
            client_send(client_open(h), notation);
        }
        struct client *c = client_open(h);
        client_send(c, "10 [<'MQTT'> 04 02 0000 <'last'>] 31 [<'t'>] 31 [<'u'>] 31 [<'v'>]");
        stored_check(h);
        stored_expect_empty(h);
        harness_destroy(h);
    }
}
END_TEST

Suite *suite_4_01_1_restoring(void);
Suite *suite_4_01_1_restoring(void)
{
    HARNESS_SUITE(
        "4.1.1 restoring", a_session_is_there_again,
        what_was_not_stored_is_lost_and_what_was_on_its_way_may_not_be, what_was_promised_is_kept,
        sessions_expire_while_no_broker_runs, a_client_that_was_connected_counts_from_the_last_sign_of_life,
        the_sign_of_life_is_renewed, deadlines_survive_a_second_crash,
        without_a_batch_between_two_crashes_it_is_the_same, a_clock_that_was_set_back_harms_nobody,
        a_session_that_was_to_end_with_its_connection_has_ended, subscriptions_keep_their_options,
        a_session_that_changes_its_version_has_each_filter_once, share_groups_hand_over_after_a_restart,
        share_groups_take_turns_after_a_restart, a_new_share_group_has_a_new_number, a_queue_keeps_its_order,
        what_was_in_flight_is_sent_again, retained_and_flags_of_a_delivery_are_kept,
        a_window_and_a_queue_are_told_apart, packet_identifiers_that_collide_in_a_small_table,
        qos_2_is_received_once, messages_expire_while_no_broker_runs, one_message_for_two_is_shared_again,
        numbers_go_on, retained_messages_are_there_again, retained_messages_expire_while_no_broker_runs,
        the_will_of_a_client_that_was_connected_is_published_at_start,
        a_fleeting_session_does_not_come_back_with_its_will, a_will_that_was_discarded_is_not_published,
        a_will_delay_goes_on_while_no_broker_runs,
        a_will_delay_of_a_connected_client_begins_with_the_end_of_the_broker,
        a_session_that_expired_meanwhile_publishes_its_will, references_that_lead_nowhere_are_refused,
        what_cannot_be_read_is_refused, a_store_of_a_newer_format_is_refused,
        a_message_that_nobody_needs_goes, what_was_restored_goes_with_its_session,
        without_storage_there_is_nothing_to_restore, whatever_happens_the_store_holds_what_the_broker_does);
}
