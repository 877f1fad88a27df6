/* 3.8.4 The retained messages that answer a SUBSCRIBE: as much as the client takes, and no more. */
#include "broker_harness.h"

#include <stdio.h>
#include <string.h>

enum { MESSAGES = 1500, QUEUED = 1000 };

static struct harness *h;
static struct client *from, *to;

/* So many retained messages "r/0" and up, in a broker that sends little to who does not read. */
static void begin(enum protocol_version version)
{
    struct broker_settings settings = harness_settings();
    settings.maximum_output = 100;
    settings.maximum_inflight = 10;
    h = harness_create(&settings);
    from = client_join(h, PROTOCOL_3_1_1, "from");
    for (int i = 0; i < MESSAGES; i++) {
        char text[64];
        snprintf(text, sizeof text, "31 [<'r/%d'> 'x']", i);
        client_send(from, text);
    }
    to = client_join(h, version, "to");
}

static uint64_t queued(void)
{
    return broker_statistics(h->broker).held_bytes;
}

START_TEST(who_reads_gets_all)
{
    begin(PROTOCOL_5_0);
    client_send(to, "82 [0001 [] <'r/+'> 00 <'r/#'> 00 <'r/7'> 00]");
    ck_assert_uint_eq(client_count(to, PACKET_SUBACK), 1);
    ck_assert_uint_eq(client_count(to, PACKET_PUBLISH), 2 * MESSAGES + 1);
    ck_assert_uint_eq(queued(), 0);
    harness_destroy(h);
}
END_TEST

START_TEST(who_does_not_read_costs_little)
{
    begin(PROTOCOL_5_0);
    to->stalled = true;
    client_send(to, "82 [0001 [] <'#'> 00 <'#'> 00 <'#'> 00 <'#'> 00]");
    const uint64_t once = queued();
    ck_assert_uint_lt(once, (uint64_t)QUEUED * 1000);
    client_send(to, "82 [0001 [] <'#'> 00]"); /* has to wait behind it, and costs nothing at all */
    ck_assert_uint_eq(queued(), once);
    client_read(to);
    ck_assert_uint_eq(client_count(to, PACKET_SUBACK), 2);
    ck_assert_uint_eq(client_count(to, PACKET_PUBLISH), 5 * MESSAGES);
    ck_assert_uint_eq(queued(), 0);
    ck_assert_uint_eq(broker_statistics(h->broker).messages_dropped, 0);
    harness_destroy(h);
}
END_TEST

START_TEST(others_are_served_meanwhile)
{
    begin(PROTOCOL_5_0);
    to->stalled = true;
    client_send(to, "82 [0001 [] <'#'> 00 <'#'> 00]");
    struct client *other = client_join(h, PROTOCOL_3_1_1, "other");
    client_subscribe(other, "t", 0);
    client_send(from, "30 [<'t'> 'x']");
    client_expect(other, "30 [<'t'> 'x']");
    harness_destroy(h);
}
END_TEST

/* A message that changes before its turn is delivered as it is then; one that goes is not. */
START_TEST(what_changes_meanwhile)
{
    begin(PROTOCOL_5_0);
    to->stalled = true;
    client_send(to, "82 [0001 [] <'r/1'> 00 <'#'> 00 <'r/1'> 00 <'r/2'> 00 <'s'> 00]");
    client_send(from, "31 [<'r/1'> 'new'] 31 [<'r/2'> ] 31 [<'s'> 'later']");
    client_read(to);
    size_t changed = 0, later = 0;
    for (size_t i = 0; i + 7 <= to->inbox_length; i++) {
        changed += memcmp(to->inbox + i, "r/1\0new", 7) == 0;
        later += memcmp(to->inbox + i, "s\0later", 7) == 0;
    }
    ck_assert_uint_eq(changed, 2); /* the answer to the first filter had been made before */
    ck_assert_uint_ge(later, 1);
    ck_assert_uint_eq(broker_statistics(h->broker).retained_messages, MESSAGES);
    harness_destroy(h);
}
END_TEST

/* All of it may go while somebody is in the middle of it. */
START_TEST(everything_goes_meanwhile)
{
    begin(PROTOCOL_5_0);
    to->stalled = true;
    client_send(to, "82 [0001 [] <'#'> 00 <'r/+'> 00]");
    for (int i = 0; i < MESSAGES; i++) {
        char text[64];
        snprintf(text, sizeof text, "31 [<'r/%d'> ]", i);
        client_send(from, text);
    }
    ck_assert_uint_eq(broker_statistics(h->broker).retained_messages, 0);
    client_read(to);
    const size_t had = client_count(to, PACKET_PUBLISH); /* what was queued already */
    ck_assert_uint_ge(had, QUEUED);
    ck_assert_uint_lt(had, MESSAGES);
    client_ignore(to);
    client_send(from, "31 [<'r/1'> 'x']"); /* the tree is in order */
    client_send(to, "82 [0001 [] <'r/1'> 20]");
    client_ignore(to);
    client_send(to, "82 [0001 [] <'r/1'> 00]");
    client_expect(to, "90 [0001 [] 00] 31 [<'r/1'> [] 'x']");
    harness_destroy(h);
}
END_TEST

START_TEST(what_was_unsubscribed_is_not_answered_any_more) /* [MQTT-3.10.4-2] */
{
    begin(PROTOCOL_5_0);
    to->stalled = true;
    client_send(to, "82 [0001 [] <'#'> 00 <'r/#'> 00] A2 [0002 [] <'#'> <'r/#'>]");
    client_read(to);
    ck_assert_uint_lt(client_count(to, PACKET_PUBLISH), QUEUED + 20);
    harness_destroy(h);
}
END_TEST

/* The window bounds what is in flight, the queue what waits; the rest is made as the client acknowledges. */
START_TEST(acknowledgements_bring_more)
{
    begin(PROTOCOL_3_1_1);
    client_send(from, "33 [<'q/0'> 0001 'x'] 33 [<'q/1'> 0001 'x']");
    client_ignore(from);
    client_send(to, "82 [0001 <'q/#'> 01 <'q/#'> 01 <'q/#'> 01 <'q/#'> 01 <'q/#'> 01 <'q/#'> 01]");
    ck_assert_uint_eq(client_count(to, PACKET_PUBLISH), 10);
    client_ignore(to);
    client_send(to, "40 02 0001 40 02 0002 40 02 0003");
    ck_assert_uint_eq(client_count(to, PACKET_PUBLISH), 2); /* there were twelve */
    harness_destroy(h);
}
END_TEST

/* [MQTT-3.3.1-9] for a session that goes on, also if the client has to come back for it */
START_TEST(a_session_gets_the_rest_later)
{
    begin(PROTOCOL_5_0);
    struct client *back = client_resume(h, PROTOCOL_5_0, "back", false);
    back->stalled = true;
    client_send(back, "82 [0001 [] <'r/+'> 00 <'r/+'> 00]");
    client_drop(back);
    back = client_open(h);
    client_send(back, "10 [<'MQTT'> 05 00 0000 [11 FFFFFFFF] <'back'>]");
    ck_assert_uint_gt(client_count(back, PACKET_PUBLISH), MESSAGES);
    client_drop(back);
    client_join(h, PROTOCOL_5_0, "back"); /* and its end forgets it */
    harness_destroy(h);
}
END_TEST

START_TEST(the_end_of_a_client_forgets_it)
{
    begin(PROTOCOL_5_0);
    to->stalled = true;
    client_send(to, "82 [0001 [] <'#'> 00 <'#'> 00]");
    client_drop(to);
    ck_assert_uint_eq(queued(), 0);
    client_send(from, "31 [<'r/1'> ]");
    harness_destroy(h);
}
END_TEST

/* Who has more than a MiB of SUBSCRIBEs waiting does not get another one. */
START_TEST(patience_has_an_end)
{
    begin(PROTOCOL_5_0);
    to->stalled = true;
    client_send(to, "82 [0001 [] <'#'> 00 <'#'> 00]");
    for (int i = 0; i < 20; i++)
        client_send(to, "82 [0002 [] <61*65000> 00]");
    client_send(to, "82 [0003 [] <'t'> 20 <'u'> 00]");
    client_read(to);
    ck_assert_uint_gt(broker_statistics(h->broker).refused[LIMIT_ANSWERS], 2);
    client_ignore(to);
    client_send(to, "82 [0004 [] <'u'> 00]"); /* now it does */
    client_expect(to, "90 [0004 [] 00]");
    harness_destroy(h);
}
END_TEST

/* Looking takes time even if nothing is found: after a while others have their turn. */
START_TEST(looking_makes_pauses)
{
    begin(PROTOCOL_5_0);
    char text[4096] = "82 [0001 []";
    for (int i = 0; i < 60; i++)
        strcat(text, " <'r/+/none'> 00");
    strcat(text, " <'r/5'> 00]");
    client_send(to, text);
    ck_assert_uint_eq(client_count(to, PACKET_SUBACK), 1);
    ck_assert_uint_eq(client_count(to, PACKET_PUBLISH), 0);
    ck_assert_uint_eq(broker_deadline(h->broker), h->now); /* it goes on at once */
    for (int i = 0; i < 20 && broker_deadline(h->broker) == h->now; i++)
        harness_advance(h, 0);
    ck_assert_uint_gt(broker_deadline(h->broker), h->now);
    ck_assert_uint_eq(client_count(to, PACKET_PUBLISH), 1);
    harness_destroy(h);
}
END_TEST

Suite *suite_3_08_4_subscribe_answers(void);
Suite *suite_3_08_4_subscribe_answers(void)
{
    HARNESS_SUITE("3.8.4 Answers to SUBSCRIBE", who_reads_gets_all, who_does_not_read_costs_little,
                  others_are_served_meanwhile, what_changes_meanwhile, everything_goes_meanwhile,
                  what_was_unsubscribed_is_not_answered_any_more, acknowledgements_bring_more,
                  a_session_gets_the_rest_later, the_end_of_a_client_forgets_it, patience_has_an_end,
                  looking_makes_pauses);
}
