/* 4.1.1: what waits for the store, what does not, and what becomes of it when the store is in trouble. */
#include <stdlib.h>

#include "broker_harness.h"
#include "mqtt/4_02_network_connection.h"

static struct harness *h;

static void begin(void)
{
    h = harness_create_stored(NULL, STORAGE_PROMISED);
}

/* Nothing came yet; it comes when the batch that gathers is stored, and not before. */
static void waits(struct client *c, const char *answer)
{
    client_expect_silence(c);
    ck_assert_int_eq(stored_collect(h), COLLECTED_CHANGES);
    client_expect_silence(c);
    stored_done(h);
    client_expect(c, answer);
}

#define CONNECT_5 "10 [<'MQTT'> 05 00 0000 [11 FFFFFFFF] <'a'>]"
#define CONNECT_3 "10 [<'MQTT'> 04 00 0000 <'a'>]"
#define CONNACK_5 "20 [00 00 [22 000A]]"

static struct client *open_with(const char *connect)
{
    struct client *c = client_open(h);
    c->five = strstr(connect, "<'MQTT'> 05") != NULL;
    client_send(c, connect);
    return c;
}

/* What waits */

START_TEST(connack_of_a_durable_session_waits)
{
    begin();
    waits(open_with(CONNECT_5), CONNACK_5);
    waits(open_with(CONNECT_3), "20 02 01 00"); /* taken over */
    stored_finish(h);
}
END_TEST

START_TEST(connack_that_rests_on_nothing_does_not_wait)
{
    begin();
    client_connect(h, "10 [<'MQTT'> 05 02 0000 [] <'a'>]", CONNACK_5);
    client_connect(h, "10 [<'MQTT'> 04 02 0000 <'b'>]", "20 02 00 00");
    client_connect(h, "10 [<'MQTT'> 04 02 0000 <'b'>]", "20 02 00 00"); /* taken over */
    ck_assert(!broker_wants_collect(h->broker));
    stored_finish(h);
}
END_TEST

START_TEST(connack_with_a_will_waits) /* the Will is a promise, too */
{
    begin();
    waits(open_with("10 [<'MQTT'> 04 06 0000 <'a'> <'w'> <'bye'>]"), "20 02 00 00");
    stored_finish(h);
}
END_TEST

START_TEST(connack_waits_for_the_end_of_the_session_before)
{
    begin();
    client_drop(stored_resume(h, PROTOCOL_3_1_1, "a", false));
    waits(open_with("10 [<'MQTT'> 05 02 0000 [] <'a'>]"), CONNACK_5);
    stored_finish(h);
}
END_TEST

/* The second Clean Start finds no session any more, but it's still there on the disk. */
START_TEST(connack_waits_for_the_end_that_another_has_brought)
{
    begin();
    client_drop(stored_resume(h, PROTOCOL_3_1_1, "a", false));
    client_drop(open_with("10 [<'MQTT'> 05 02 0000 [] <'a'>]"));
    struct client *c = open_with("10 [<'MQTT'> 05 02 0000 [] <'a'>]");
    waits(c, CONNACK_5);
    client_drop(c);
    stored_crash(h, false, 0);
    stored_resume(h, PROTOCOL_5_0, "a", false);
    stored_finish(h);
}
END_TEST

START_TEST(suback_and_unsuback_of_a_durable_session_wait)
{
    begin();
    struct client *c = stored_resume(h, PROTOCOL_5_0, "a", false);
    client_send(c, "82 [0001 [] <'t'> 01]");
    waits(c, "90 04 0001 00 01");
    client_send(c, "A2 [0002 [] <'t'>]");
    waits(c, "B0 04 0002 00 00");
    struct client *old = stored_resume(h, PROTOCOL_3_1_1, "b", false);
    client_send(old, "82 [0001 <'t'> 01]");
    waits(old, "90 03 0001 01");
    client_send(old, "A2 [0002 <'t'>]");
    waits(old, "B0 02 0002");
    client_send(old, "A2 [0002 <'t'>]"); /* nothing to undo */
    client_expect(old, "B0 02 0002");
    stored_finish(h);
}
END_TEST

START_TEST(suback_of_another_session_does_not_wait)
{
    begin();
    struct client *durable = open_with(CONNECT_5);
    struct client *c = client_join(h, PROTOCOL_5_0, "c");
    client_subscribe(c, "t", 2);
    client_send(c, "A2 [0002 [] <'t'>]");
    client_expect(c, "B0 04 0002 00 00");
    waits(durable, CONNACK_5);
    stored_finish(h);
}
END_TEST

START_TEST(an_acknowledgement_waits_for_the_queue_of_another)
{
    begin();
    struct client *away = stored_resume(h, PROTOCOL_5_0, "away", false);
    stored_subscribe(away, "t", 2);
    client_drop(away);
    stored_all(h);
    struct client *from = client_join(h, PROTOCOL_5_0, "from");
    client_send(from, "32 [<'t'> 0001 [] 'x']");
    waits(from, "40 02 0001");
    client_send(from, "34 [<'t'> 0002 [] 'x']");
    waits(from, "50 02 0002");
    client_send(from, "62 02 0002"); /* the sender is not durable */
    client_expect(from, "70 02 0002");
    stored_finish(h);
}
END_TEST

START_TEST(an_acknowledgement_that_rests_on_nothing_does_not_wait)
{
    begin();
    struct client *to = client_join(h, PROTOCOL_3_1_1, "to");
    struct client *from = client_join(h, PROTOCOL_5_0, "from");
    client_subscribe(to, "t", 2);
    client_send(from, "32 [<'t'> 0001 [] 'x'] 34 [<'t'> 0002 [] 'y'] 62 02 0002 32 [<'u'> 0003 [] 'x']");
    client_expect(from, "40 02 0001 50 02 0002 70 02 0002 40 [0003 10]");
    client_expect(to, "32 [<'t'> 0001 'x'] 34 [<'t'> 0002 'y']");
    client_send(to, "50 02 0002");
    client_expect(to, "62 02 0002");
    ck_assert(!broker_wants_collect(h->broker));
    stored_finish(h);
}
END_TEST

START_TEST(an_acknowledgement_waits_for_a_retained_message)
{
    begin();
    struct client *c = client_join(h, PROTOCOL_5_0, "c");
    client_send(c, "33 [<'t'> 0001 [] 'x']");
    waits(c, "40 [0001 10]");
    client_send(c, "35 [<'t'> 0002 [] 'x']");
    waits(c, "50 [0002 10]");
    client_send(c, "33 [<'t'> 0003 []]"); /* cleared */
    waits(c, "40 [0003 10]");
    client_send(c, "33 [<'t'> 0004 []]"); /* nothing there */
    client_expect(c, "40 [0004 10]");
    stored_finish(h);
}
END_TEST

/* The second one finds nothing to clear, but it's still there on the disk. */
START_TEST(an_acknowledgement_waits_for_what_another_has_cleared)
{
    begin();
    struct client *one = client_join(h, PROTOCOL_3_1_1, "one");
    struct client *two = client_join(h, PROTOCOL_3_1_1, "two");
    client_send(one, "31 [<'t'> 'x']");
    stored_all(h);
    client_send(one, "31 [<'t'>]");
    client_send(two, "33 [<'t'> 0001]");
    waits(two, "40 02 0001");
    client_send(one, "31 [<'t'> 'x']");
    stored_all(h);
    client_send(one, "31 [<'t'>]");
    ck_assert_int_eq(stored_collect(h), COLLECTED_CHANGES);
    client_send(two, "33 [<'t'> 0002]"); /* cleared by the batch that is on its way */
    client_expect_silence(two);
    stored_done(h);
    stored_all(h);
    client_expect(two, "40 02 0002");
    stored_finish(h);
}
END_TEST

START_TEST(pubrec_and_pubcomp_of_a_durable_sender_wait)
{
    begin();
    struct client *c = stored_resume(h, PROTOCOL_3_1_1, "a", false);
    client_send(c, "34 [<'t'> 0001 'x']");
    waits(c, "50 02 0001");
    client_send(c, "62 02 0001");
    waits(c, "70 02 0001");
    client_send(c, "32 [<'t'> 0002 'x']"); /* at QoS 1 to nobody: nothing is kept */
    client_expect(c, "40 02 0002");
    stored_finish(h);
}
END_TEST

START_TEST(publish_at_qos_2_and_pubrel_wait)
{
    begin();
    struct client *to = stored_resume(h, PROTOCOL_5_0, "a", false);
    stored_subscribe(to, "t", 2);
    struct client *from = client_join(h, PROTOCOL_3_1_1, "from");
    client_send(from, "34 [<'t'> 0001 'x']");
    waits(to, "34 [<'t'> 0001 [] 'x']"); /* its Packet Identifier must not be forgotten */
    client_expect(from, "50 02 0001");
    client_send(to, "50 02 0001");
    waits(to, "62 02 0001");
    client_send(to, "70 02 0001");
    client_expect_silence(to);
    stored_finish(h);
}
END_TEST

START_TEST(publish_at_qos_0_and_1_goes_early)
{
    begin();
    struct client *to = stored_resume(h, PROTOCOL_5_0, "a", false);
    stored_subscribe(to, "t", 1);
    struct client *from = client_join(h, PROTOCOL_3_1_1, "from");
    client_send(from, "32 [<'t'> 0001 'x'] 30 [<'t'> 'y']");
    client_expect(to, "32 [<'t'> 0001 [] 'x'] 30 [<'t'> [] 'y']");
    client_send(to, "C0 00");
    client_expect(to, "D0 00");
    waits(from, "40 02 0001");
    stored_finish(h);
}
END_TEST

/* Order */

START_TEST(what_comes_behind_waits_as_well)
{
    begin();
    struct client *c = client_join(h, PROTOCOL_5_0, "c");
    struct client *other = client_join(h, PROTOCOL_3_1_1, "other");
    client_subscribe(c, "u", 0);
    client_send(c, "33 [<'t'> 0001 [] 'x'] C0 00");
    client_send(other, "30 [<'u'> 'y'] C0 00");
    client_expect(other, "D0 00"); /* nobody else waits */
    waits(c, "40 [0001 10] D0 00 30 [<'u'> [] 'y']");
    client_send(c, "C0 00");
    client_expect(c, "D0 00");
    stored_finish(h);
}
END_TEST

START_TEST(what_went_before_does_not_wait)
{
    begin();
    struct client *c = client_join(h, PROTOCOL_5_0, "c");
    client_send(c, "C0 00 33 [<'t'> 0001 [] 'x'] C0 00");
    client_expect(c, "D0 00");
    waits(c, "40 [0001 10] D0 00");
    stored_finish(h);
}
END_TEST

START_TEST(two_batches_are_released_in_order)
{
    begin();
    struct client *c = stored_resume(h, PROTOCOL_5_0, "a", false);
    client_send(c, "82 [0001 [] <'t'> 01]");
    ck_assert_int_eq(stored_collect(h), COLLECTED_CHANGES);
    client_send(c, "C0 00"); /* behind the first */
    client_send(c, "82 [0002 [] <'u'> 01] C0 00");
    client_expect_silence(c);
    stored_done(h);
    client_expect(c, "90 04 0001 00 01 D0 00");
    client_expect_silence(c);
    ck_assert_int_eq(stored_collect(h), COLLECTED_CHANGES);
    client_send(c, "82 [0003 [] <'v'> 01]");
    client_expect_silence(c);
    stored_done(h);
    client_expect(c, "90 04 0002 00 01 D0 00");
    waits(c, "90 04 0003 00 01");
    stored_finish(h);
}
END_TEST

/* The answer says something about what is not stored yet. */
START_TEST(an_answer_waits_for_earlier_changes_of_its_session)
{
    begin();
    struct client *c = stored_resume(h, PROTOCOL_5_0, "a", false);
    client_send(c, "82 [0001 [] <'t'> 01]");
    ck_assert_int_eq(stored_collect(h), COLLECTED_CHANGES);
    client_send(c, "A2 [0002 [] <'u'>]"); /* changes nothing */
    client_expect_silence(c);
    stored_done(h); /* both: the second does not wait for the next batch */
    client_expect(c, "90 04 0001 00 01 B0 04 0002 00 11");
    stored_expect_nothing(h);
    stored_finish(h);
}
END_TEST

/* "Not found" rests on an end that is not stored yet, though nothing is held before it. */
START_TEST(an_answer_waits_for_the_end_of_a_delivery)
{
    begin();
    struct client *to = stored_resume(h, PROTOCOL_5_0, "a", false);
    stored_subscribe(to, "t", 2);
    client_send(client_join(h, PROTOCOL_3_1_1, "from"), "34 [<'t'> 0001 'x']");
    stored_all(h);
    client_send(to, "50 02 0001");
    stored_all(h);
    client_ignore(to);
    client_send(to, "70 02 0001 50 02 0001");
    waits(to, "62 [0001 92]");
    client_send(to, "50 02 0001");
    client_expect(to, "62 [0001 92]"); /* stored */
    stored_finish(h);
}
END_TEST

START_TEST(a_repeated_publish_waits_for_the_first)
{
    begin();
    struct client *to = client_join(h, PROTOCOL_3_1_1, "to");
    client_subscribe(to, "t", 0);
    struct client *c = stored_resume(h, PROTOCOL_3_1_1, "a", false);
    client_send(c, "34 [<'t'> 0001 'x']");
    ck_assert_int_eq(stored_collect(h), COLLECTED_CHANGES);
    client_drop(c);
    c = open_with(CONNECT_3);
    client_send(c, "3C [<'t'> 0001 'x']");
    client_expect_silence(c);
    stored_done(h);
    waits(c, "20 02 01 00 50 02 0001");
    client_expect(to, "30 [<'t'> 'x']"); /* once */
    client_send(c, "3C [<'t'> 0001 'x']");
    client_expect(c, "50 02 0001");
    stored_finish(h);
}
END_TEST

START_TEST(a_batch_of_nothing_releases_what_waits)
{
    begin();
    struct client *to = stored_resume(h, PROTOCOL_5_0, "a", false);
    stored_subscribe(to, "t", 1);
    struct client *from = client_join(h, PROTOCOL_3_1_1, "from");
    client_send(from, "32 [<'t'> 0001 'x']");
    client_expect(to, "32 [<'t'> 0001 [] 'x']");
    client_send(to, "40 02 0001");
    client_expect_silence(from);
    ck_assert(broker_wants_collect(h->broker));
    ck_assert_int_eq(stored_collect(h), COLLECTED_NOTHING);
    client_expect(from, "40 02 0001");
    stored_finish(h);
}
END_TEST

START_TEST(storage_behind_never_waits)
{
    h = harness_create_stored(NULL, STORAGE_BEHIND);
    struct client *c = client_connect(h, CONNECT_5, CONNACK_5);
    client_subscribe(c, "t", 2);
    client_send(c, "34 [<'t'> 0001 [] 'x'] C0 00");
    client_expect(c, "34 [<'t'> 0001 [] 'x'] 50 02 0001 D0 00");
    ck_assert_int_eq(stored_collect(h), COLLECTED_CHANGES);
    stored_trouble(h); /* concerns nobody */
    client_send(c, "33 [<'u'> 0002 [] 'x'] 82 [0003 [] <'u'> 00]");
    client_expect(c, "40 [0002 10] 90 04 0003 00 00 31 [<'u'> [] 'x']");
    ck_assert(harness_logged(h, "the disk is full"));
    stored_done(h);
    stored_finish(h);
}
END_TEST

/* Nor is there more to be lost in a crash than some seconds' worth. */
START_TEST(storage_behind_waits_when_much_has_gathered)
{
    h = harness_create_stored(NULL, STORAGE_BEHIND);
    struct client *c = client_connect(h, CONNECT_5, CONNACK_5);
    ck_assert_int_eq(stored_collect(h), COLLECTED_CHANGES); /* which takes its time */
    for (int i = 0; i < 200; i++) {
        client_send(c, "82 [0001 [] <61*60000> 00]");
        client_expect(c, "90 04 0001 00 00");
    }
    for (int i = 0; i < 100; i++) /* 16 MiB are reached */
        client_send(c, "82 [0001 [] <61*60000> 00]");
    client_ignore(c);
    client_send(c, "82 [0002 [] <'v'> 00]");
    client_expect_silence(c);
    stored_done(h);
    client_expect_silence(c);
    ck_assert_int_eq(stored_collect(h), COLLECTED_CHANGES);
    client_expect_silence(c);
    stored_done(h);
    ck_assert_uint_gt(c->inbox_length, 6);
    client_ignore(c);
    client_send(c, "82 [0003 [] <'v'> 00]");
    client_expect(c, "90 04 0003 00 00");
    stored_finish(h);
}
END_TEST

/* What is logged for a store that fails has a bound, though nobody waits for it. */
START_TEST(storage_behind_logs_only_so_much)
{
    h = harness_create_stored(NULL, STORAGE_BEHIND);
    struct client *c = client_connect(h, CONNECT_5, CONNACK_5);
    client_send(c, "82 [0001 [] <'u'> 00]");
    client_expect(c, "90 04 0001 00 00");
    ck_assert_int_eq(stored_collect(h), COLLECTED_CHANGES);
    stored_trouble(h);
    for (int i = 0; i < 1100; i++) { /* 64 MiB are reached before 1,119 of them */
        client_send(c, "82 [0001 [] <61*60000> 00]");
        client_expect(c, "90 04 0001 00 00");
    }
    for (int i = 0; i < 20; i++)
        client_send(c, "82 [0001 [] <61*60000> 00]");
    client_ignore(c);
    client_send(c, "82 [0001 [] <'v'> 00]");
    client_expect(c, "90 04 0001 00 97");
    stored_done(h);
    ck_assert_int_eq(stored_collect(h), COLLECTED_CHANGES);
    stored_done(h);
    client_send(c, "82 [0001 [] <'v'> 00]");
    client_expect(c, "90 04 0001 00 00");
    stored_finish(h);
}
END_TEST

/* Connections that end meanwhile */

START_TEST(a_closing_connection_stays_until_all_is_sent)
{
    begin();
    struct client *c = client_join(h, PROTOCOL_5_0, "c");
    client_send(c, "33 [<'t'> 0001 [] 'x'] E0 00");
    client_expect_silence(c);
    ck_assert(!connection_closing(c->connection));
    ck_assert(!connection_wants_input(c->connection));
    ck_assert_int_eq(stored_collect(h), COLLECTED_CHANGES);
    ck_assert(!connection_closing(c->connection));
    stored_done(h);
    client_expect_closed(c, "40 [0001 10]");
    stored_finish(h);
}
END_TEST

START_TEST(a_connection_taken_over_gets_its_answer_first)
{
    begin();
    struct client *one = stored_resume(h, PROTOCOL_5_0, "a", false);
    client_send(one, "82 [0001 [] <'t'> 01]");
    struct client *two = open_with(CONNECT_5);
    client_expect_silence(one);
    client_expect_silence(two);
    stored_all(h);
    client_expect_closed(one, "90 04 0001 00 01 E0 01 8E");
    client_expect(two, "20 [01 00 [22 000A]]");
    stored_finish(h);
}
END_TEST

START_TEST(a_connection_may_break_while_its_answer_waits)
{
    begin();
    struct client *c = client_join(h, PROTOCOL_5_0, "c");
    struct client *d = client_join(h, PROTOCOL_5_0, "d");
    client_send(c, "33 [<'t'> 0001 [] 'x']");
    client_send(d, "33 [<'u'> 0001 [] 'x']");
    client_drop(c);
    waits(d, "40 [0001 10]");
    client_expect(c, "");
    /* and while the batch is on its way */
    client_send(d, "33 [<'u'> 0002 [] 'y']");
    ck_assert_int_eq(stored_collect(h), COLLECTED_CHANGES);
    client_drop(d);
    stored_done(h);
    client_expect(d, "");
    stored_finish(h);
}
END_TEST

START_TEST(at_shutdown_the_answers_come_first)
{
    begin();
    struct client *c = client_join(h, PROTOCOL_5_0, "c");
    client_send(c, "33 [<'t'> 0001 [] 'x']");
    harness_shutdown(h);
    client_expect_silence(c);
    stored_all(h);
    client_expect_closed(c, "40 [0001 10] E0 01 8B");
    harness_destroy(h);
}
END_TEST

/* Partial sends */

/* Sends up to `most` bytes of the stalled client's output; returns how many. */
static size_t take(struct client *c, size_t most)
{
    struct bytes vector[3];
    const size_t count = connection_output(c->connection, vector, 3);
    size_t taken = 0;
    for (size_t i = 0; i < count && taken < most; i++) {
        const size_t length = vector[i].length < most - taken ? vector[i].length : most - taken;
        c->inbox = realloc(c->inbox, c->inbox_length + length + 1);
        ck_assert_ptr_nonnull(c->inbox);
        c->inbox_capacity = c->inbox_length + length + 1;
        memcpy(c->inbox + c->inbox_length, vector[i].data, length);
        c->inbox_length += length;
        taken += length;
    }
    connection_sent(h->broker, c->connection, taken);
    return taken;
}

static size_t take_all(struct client *c, size_t piece)
{
    size_t total = 0, taken;
    while ((taken = take(c, piece)) > 0)
        total += taken;
    return total;
}

/* 5007 and 5009 bytes */
#define LARGE_0 "30 [<'t'> [] 61*5000]"
#define LARGE_2 "34 [<'t'> 0001 [] 62*5000]"

START_TEST(large_payloads_wait_and_are_sent_in_pieces)
{
    static const size_t pieces[] = {1, 7, 999, 5009, 100000};
    for (int i = 0; i < COUNT(pieces); i++) {
        begin();
        struct client *to = stored_resume(h, PROTOCOL_5_0, "a", false);
        stored_subscribe(to, "t", 2);
        to->stalled = true;
        struct client *from = client_join(h, PROTOCOL_5_0, "from");
        client_send(from, LARGE_0 LARGE_2 "30 [<'t'> [] 63*4096]"); /* referenced, referenced, referenced */
        ck_assert_uint_eq(take_all(to, pieces[i]), 5007);
        ck_assert_uint_eq(take(to, 1), 0);
        ck_assert_int_eq(stored_collect(h), COLLECTED_CHANGES);
        client_send(from, "30 [<'t'> [] 64*100]");
        ck_assert_uint_eq(take(to, 1), 0);
        stored_done(h);
        ck_assert_uint_eq(take_all(to, pieces[i]), 5009 + 4103 + 106);
        client_expect(to, LARGE_0 LARGE_2 "30 [<'t'> [] 63*4096] 30 [<'t'> [] 64*100]");
        client_read(to);
        client_expect_silence(to);
        stored_finish(h);
    }
}
END_TEST

START_TEST(what_was_free_to_go_still_goes_when_there_is_trouble)
{
    begin();
    struct client *to = stored_resume(h, PROTOCOL_5_0, "a", false);
    stored_subscribe(to, "t", 2);
    to->stalled = true;
    struct client *from = client_join(h, PROTOCOL_5_0, "from");
    client_send(from, LARGE_0 "30 [<'t'> [] 64*10]" LARGE_2 "30 [<'t'> [] 65*10]");
    ck_assert_uint_eq(take(to, 50), 50);
    ck_assert_int_eq(stored_collect(h), COLLECTED_CHANGES);
    stored_trouble(h);
    client_read(to);
    client_expect_closed(to, LARGE_0 "30 [<'t'> [] 64*10] E0 01 97");
    stored_done(h);
    stored_finish(h);
}
END_TEST

/* Trouble */

/* A batch that can't be stored, with nobody waiting for it. */
static void bring_trouble(struct client *by)
{
    client_send(by, by->five ? "31 [<'trouble'> [] 'x']" : "31 [<'trouble'> 'x']");
    ck_assert_int_eq(stored_collect(h), COLLECTED_CHANGES);
    stored_trouble(h);
    client_expect_silence(by);
}

START_TEST(trouble_closes_the_connections_that_wait)
{
    begin();
    struct client *five = stored_resume(h, PROTOCOL_5_0, "five", false);
    struct client *three = stored_resume(h, PROTOCOL_3_1_1, "three", false);
    struct client *next = client_join(h, PROTOCOL_5_0, "next");
    struct client *idle = client_join(h, PROTOCOL_5_0, "idle");
    struct client *leaving = client_join(h, PROTOCOL_5_0, "leaving");
    client_send(five, "82 [0001 [] <'t'> 01] C0 00");
    client_send(three, "82 [0001 <'t'> 01] C0 00");
    client_send(leaving, "33 [<'l'> 0001 [] 'x'] E0 00");
    ck_assert_int_eq(stored_collect(h), COLLECTED_CHANGES);
    client_send(next, "33 [<'u'> 0001 [] 'x']"); /* the batch that gathers can't be stored either */
    stored_trouble(h);
    client_expect_closed(five, "E0 01 97");
    client_expect_closed(three, "");
    client_expect_closed(next, "E0 01 97");
    client_expect_closed(leaving, ""); /* nothing behind a DISCONNECT of its own */
    client_expect_silence(idle);
    ck_assert(harness_logged(h, "the disk is full"));
    stored_trouble(h); /* again */
    client_expect_silence(idle);
    stored_done(h);
    ck_assert(harness_logged(h, "the store takes changes again"));
    /* what was not acknowledged may have happened nevertheless */
    stored_resume(h, PROTOCOL_5_0, "five", true);
    stored_finish(h);
}
END_TEST

START_TEST(trouble_refuses_whoever_still_waits_for_connack) /* [MQTT-3.14.0-1] no DISCONNECT before CONNACK */
{
    begin();
    struct client *five = open_with(CONNECT_5);
    struct client *three = open_with("10 [<'MQTT'> 04 00 0000 <'b'>]");
    struct client *eager = open_with("10 [<'MQTT'> 05 00 0000 [11 FFFFFFFF] <'c'>]");
    client_send(eager, "82 [0001 [] <'t'> 01] C0 00");
    struct client *will = open_with("10 [<'MQTT'> 05 06 0000 [] <'d'> [] <'w'> <'bye'>]");
    ck_assert_int_eq(stored_collect(h), COLLECTED_CHANGES);
    struct client *late = open_with("10 [<'MQTT'> 05 00 0000 [11 FFFFFFFF] <'e'>]");
    stored_trouble(h);
    client_expect_refusal(five, 0x97, "the store takes no changes");
    client_expect_closed(three, "20 02 00 03");
    client_expect_refusal(eager, 0x97, "the store takes no changes");
    client_expect_refusal(will, 0x97, "the store takes no changes");
    client_expect_refusal(late, 0x97, "the store takes no changes");
    stored_done(h);
    stored_resume(h, PROTOCOL_5_0, "a", true);
    stored_finish(h);
}
END_TEST

START_TEST(in_trouble_publish_is_refused_where_it_needs_the_store)
{
    begin();
    struct client *away = stored_resume(h, PROTOCOL_5_0, "away", false);
    stored_subscribe(away, "t", 2);
    stored_subscribe(away, "$share/g/s", 2);
    client_drop(away);
    stored_all(h);
    struct client *c = client_join(h, PROTOCOL_5_0, "c");
    struct client *old = client_join(h, PROTOCOL_3_1_1, "old");
    struct client *old2 = client_join(h, PROTOCOL_3_1_1, "old2");
    struct client *durable = stored_resume(h, PROTOCOL_5_0, "durable", false);
    bring_trouble(c);
    client_send(
        c, "32 [<'t'> 0001 [] '1'] 34 [<'t'> 0002 [] '2'] 33 [<'u'> 0003 [] '3'] 32 [<'s'> 0004 [] '4']");
    client_expect(c, "40 [0001 97] 50 [0002 97] 40 [0003 97] 40 [0004 97]");
    client_send(c, "30 [<'t'> [] '5'] 31 [<'u'> [] '6']"); /* nothing is promised */
    client_send(durable, "34 [<'v'> 0001 [] '7']");        /* its identifier could not be stored */
    client_expect(durable, "50 [0001 97]");
    client_send(durable, "32 [<'v'> 0002 [] '8']");
    client_expect(durable, "40 [0002 10]");
    client_send(old, "32 [<'t'> 0001 '9']");
    client_expect_closed(old, "");
    client_send(old2, "34 [<'t'> 0001 'A']");
    client_expect_closed(old2, "");
    ck_assert(harness_logged(h, "PUBLISH declined: the store takes no changes"));

    stored_done(h);
    stored_all(h);
    client_send(c, "62 02 0002"); /* was not taken: the identifier is not known */
    client_expect(c, "70 [0002 92]");
    client_send(durable, "62 02 0001");
    client_expect(durable, "70 [0001 92]");
    client_send(c, "32 [<'t'> 0001 [] 'B']");
    waits(c, "40 02 0001");
    away = open_with("10 [<'MQTT'> 05 00 0000 [11 FFFFFFFF] <'away'>]");
    waits(away, "20 [01 00 [22 000A]] 32 [<'t'> 0001 [] 'B']"); /* and nothing of the rest */
    client_send(c, "82 [0005 [] <'u'> 00]");
    client_expect(c, "90 04 0005 00 00 31 [<'u'> [] '6']");
    stored_finish(h);
}
END_TEST

START_TEST(in_trouble_subscribe_is_refused_where_it_needs_the_store)
{
    begin();
    struct client *c = client_join(h, PROTOCOL_5_0, "c");
    struct client *five = stored_resume(h, PROTOCOL_5_0, "five", false);
    struct client *three = stored_resume(h, PROTOCOL_3_1_1, "three", false);
    stored_subscribe(five, "t", 1);
    stored_subscribe(three, "t", 1);
    bring_trouble(c);
    client_send(five, "82 [0001 [] <'u'> 01 <'t'> 00]");
    client_expect(five, "90 [0001 [] 97 97]");
    client_send(three, "82 [0001 <'u'> 01]");
    client_expect(three, "90 03 0001 80");
    client_send(five, "A2 [0002 [] <'t'>]");
    client_expect(five, "B0 [0002 [] 83]");
    client_send(three, "A2 [0002 <'t'>]");
    client_expect_closed(three, "");
    client_subscribe(c, "t", 2); /* ends with its connection */
    client_send(c, "A2 [0003 [] <'t'>]");
    client_expect(c, "B0 [0003 [] 00]");

    stored_done(h);
    stored_all(h);
    client_send(c, "30 [<'u'> [] 'x'] 32 [<'t'> 0001 [] 'y']");
    client_expect(five, "32 [<'t'> 0001 [] 'y']"); /* as it was before: not u, and t at QoS 1 */
    waits(c, "40 02 0001");
    three = open_with("10 [<'MQTT'> 04 00 0000 <'three'>]");
    waits(three, "20 02 01 00 32 [<'t'> 0001 'y']");
    stored_subscribe(five, "u", 0);
    stored_finish(h);
}
END_TEST

START_TEST(in_trouble_connect_is_refused_where_it_needs_the_store)
{
    begin();
    struct client *c = client_join(h, PROTOCOL_5_0, "c");
    struct client *durable = stored_resume(h, PROTOCOL_5_0, "durable", false);
    bring_trouble(c);
    client_expect_refusal(open_with(CONNECT_5), 0x97, "cannot be stored at present");
    client_expect_closed(open_with(CONNECT_3), "20 02 00 03");
    client_expect_refusal(open_with("10 [<'MQTT'> 05 06 0000 [] <'a'> [] <'w'> <'bye'>]"), 0x97, "stored");
    /* would end a session that is stored; and that goes on undisturbed */
    client_expect_refusal(open_with("10 [<'MQTT'> 05 02 0000 [] <'durable'>]"), 0x97, "stored");
    client_expect_closed(open_with("10 [<'MQTT'> 04 02 0000 <'durable'>]"), "20 02 00 03");
    client_send(durable, "C0 00");
    client_expect(durable, "D0 00");
    client_join(h, PROTOCOL_3_1_1, "b");
    stored_done(h);
    stored_all(h);
    stored_resume(h, PROTOCOL_5_0, "a", false); /* nothing of the refused ones has stayed */
    stored_finish(h);
}
END_TEST

START_TEST(in_trouble_what_needs_no_store_goes_on)
{
    begin();
    struct client *durable = stored_resume(h, PROTOCOL_5_0, "durable", false);
    stored_subscribe(durable, "d", 1);
    stored_subscribe(durable, "e", 0);
    struct client *c = client_join(h, PROTOCOL_5_0, "c");
    bring_trouble(c);
    client_send(c, "32 [<'e'> 0001 [] 'x'] 34 [<'e'> 0002 [] 'y'] 62 02 0002"); /* at QoS 0 nothing is kept */
    client_expect(c, "40 02 0001 50 02 0002 70 02 0002");
    client_expect(durable, "30 [<'e'> [] 'x'] 30 [<'e'> [] 'y']");
    struct client *to = client_join(h, PROTOCOL_3_1_1, "to");
    client_subscribe(to, "t", 2);
    client_send(c, "32 [<'t'> 0001 [] 'x'] 34 [<'t'> 0002 [] 'y'] 62 02 0002 30 [<'d'> [] 'z'] C0 00");
    client_expect(c, "40 02 0001 50 02 0002 70 02 0002 D0 00");
    client_expect(to, "32 [<'t'> 0001 'x'] 34 [<'t'> 0002 'y']");
    client_send(to, "40 02 0001 50 02 0002 70 02 0002");
    client_expect(to, "62 02 0002");
    client_expect(durable, "30 [<'d'> [] 'z']");
    client_send(durable, "32 [<'t'> 0001 [] 'x']");
    client_expect(durable, "40 02 0001");
    stored_done(h);
    stored_finish(h);
}
END_TEST

START_TEST(in_trouble_a_durable_client_may_finish_what_it_received)
{
    begin();
    struct client *durable = stored_resume(h, PROTOCOL_5_0, "durable", false);
    stored_subscribe(durable, "d", 2);
    struct client *c = client_join(h, PROTOCOL_5_0, "c");
    client_send(c, "32 [<'d'> 0001 [] 'x'] 34 [<'d'> 0002 [] 'y']");
    stored_all(h);
    client_ignore(c);
    client_expect(durable, "32 [<'d'> 0001 [] 'x'] 34 [<'d'> 0002 [] 'y']");
    bring_trouble(c);
    client_send(durable, "40 02 0001 C0 00"); /* has no answer */
    client_expect(durable, "D0 00");
    client_send(durable, "50 02 0002"); /* has one that rests on the store */
    client_expect_closed(durable, "E0 01 97");
    stored_done(h);
    stored_all(h);
    durable = open_with("10 [<'MQTT'> 05 00 0000 [11 FFFFFFFF] <'durable'>]");
    waits(durable, "20 [01 00 [22 000A]] 62 02 0002");
    stored_finish(h);
}
END_TEST

/* The old connection's Will is stored and goes, but the new CONNACK does not promise that. */
START_TEST(in_trouble_a_session_with_a_will_can_be_taken_over)
{
    begin();
    struct client *one = stored_connect(h, "10 [<'MQTT'> 05 06 0000 [] <'a'> [] <'w'> <'bye'>]", CONNACK_5);
    struct client *c = client_join(h, PROTOCOL_5_0, "c");
    client_subscribe(c, "w", 0);
    bring_trouble(c);
    struct client *two = open_with("10 [<'MQTT'> 05 02 0000 [] <'a'>]");
    client_expect_closed(one, "E0 01 8E");
    client_expect(two, CONNACK_5);
    client_expect(c, "30 [<'w'> [] 'bye']");
    stored_done(h);
    stored_finish(h);
}
END_TEST

/* To look whether a message needs the store is not to pass the turn on. */
START_TEST(in_trouble_share_groups_keep_their_turn)
{
    begin();
    struct client *from = client_join(h, PROTOCOL_5_0, "from");
    struct client *to[2] = {client_join(h, PROTOCOL_5_0, "a"), client_join(h, PROTOCOL_5_0, "b")};
    client_subscribe(to[0], "$share/g/t", 1);
    client_subscribe(to[1], "$share/g/t", 1);
    bring_trouble(from);
    char notation[NOTATION_SIZE];
    for (unsigned i = 0; i < 4; i++) {
        client_send(from, "32 [<'t'> 0001 [] 'x']");
        client_expect(from, "40 02 0001");
        octets_print(notation, "32 [<'t'> %04X [] 'x']", i / 2 + 1);
        client_expect(to[i % 2], notation);
        client_expect_silence(to[(i + 1) % 2]);
    }
    stored_done(h);
    stored_finish(h);
}
END_TEST

START_TEST(in_trouble_a_durable_member_of_a_share_group_needs_the_store)
{
    begin();
    struct client *from = client_join(h, PROTOCOL_5_0, "from");
    struct client *durable = stored_resume(h, PROTOCOL_5_0, "a", false);
    struct client *fleeting = client_join(h, PROTOCOL_5_0, "b");
    stored_subscribe(durable, "$share/g/t", 1);
    client_subscribe(fleeting, "$share/g/t", 1);
    bring_trouble(from);
    client_send(from, "32 [<'t'> 0001 [] 'x']"); /* the durable one's turn */
    client_expect(from, "40 [0001 97]");
    client_expect_silence(durable);
    stored_done(h);
    client_send(from, "32 [<'t'> 0002 [] 'y']");
    client_expect(durable, "32 [<'t'> 0001 [] 'y']");
    stored_all(h);
    client_expect(from, "40 02 0002");
    stored_finish(h);
}
END_TEST

START_TEST(trouble_that_ends_is_forgotten)
{
    begin();
    struct client *c = client_join(h, PROTOCOL_5_0, "c");
    bring_trouble(c);
    stored_done(h);
    client_send(c, "33 [<'t'> 0001 [] 'x']");
    waits(c, "40 [0001 10]");
    waits(open_with(CONNECT_5), CONNACK_5);
    bring_trouble(c); /* and can come again */
    client_send(c, "33 [<'t'> 0002 [] 'y']");
    client_expect(c, "40 [0002 97]");
    stored_done(h);
    stored_finish(h);
}
END_TEST

Suite *suite_4_01_1_promises(void);
Suite *suite_4_01_1_promises(void)
{
    HARNESS_SUITE(
        "4.1.1 promises", connack_of_a_durable_session_waits, connack_that_rests_on_nothing_does_not_wait,
        connack_with_a_will_waits, connack_waits_for_the_end_of_the_session_before,
        connack_waits_for_the_end_that_another_has_brought, suback_and_unsuback_of_a_durable_session_wait,
        suback_of_another_session_does_not_wait, an_acknowledgement_waits_for_the_queue_of_another,
        an_acknowledgement_that_rests_on_nothing_does_not_wait,
        an_acknowledgement_waits_for_a_retained_message,
        an_acknowledgement_waits_for_what_another_has_cleared, pubrec_and_pubcomp_of_a_durable_sender_wait,
        publish_at_qos_2_and_pubrel_wait, publish_at_qos_0_and_1_goes_early, what_comes_behind_waits_as_well,
        what_went_before_does_not_wait, two_batches_are_released_in_order,
        an_answer_waits_for_earlier_changes_of_its_session, an_answer_waits_for_the_end_of_a_delivery,
        a_repeated_publish_waits_for_the_first, a_batch_of_nothing_releases_what_waits,
        storage_behind_never_waits, storage_behind_waits_when_much_has_gathered,
        storage_behind_logs_only_so_much, a_closing_connection_stays_until_all_is_sent,
        a_connection_taken_over_gets_its_answer_first, a_connection_may_break_while_its_answer_waits,
        at_shutdown_the_answers_come_first, large_payloads_wait_and_are_sent_in_pieces,
        what_was_free_to_go_still_goes_when_there_is_trouble, trouble_closes_the_connections_that_wait,
        trouble_refuses_whoever_still_waits_for_connack,
        in_trouble_publish_is_refused_where_it_needs_the_store,
        in_trouble_subscribe_is_refused_where_it_needs_the_store,
        in_trouble_connect_is_refused_where_it_needs_the_store, in_trouble_what_needs_no_store_goes_on,
        in_trouble_a_durable_client_may_finish_what_it_received,
        in_trouble_a_session_with_a_will_can_be_taken_over, in_trouble_share_groups_keep_their_turn,
        in_trouble_a_durable_member_of_a_share_group_needs_the_store, trouble_that_ends_is_forgotten);
}
