/* 3.10.4 UNSUBSCRIBE Actions. */
#include <stdio.h>
#include <stdlib.h>

#include "broker_harness.h"

static struct harness *h;
static struct client *five, *four;

static void begin(void)
{
    h = harness_create(NULL);
    five = client_join(h, PROTOCOL_5_0, "five");
    four = client_join(h, PROTOCOL_3_1_1, "four");
}

/* [MQTT-3.10.4-4] [MQTT-3.10.4-5] [MQTT-3.10.4-6] [MQTT-3.11.3-1] [MQTT-3.11.3-2] [MQTT3-3.10.4-4]
 * [MQTT3-3.10.4-5] [MQTT3-3.10.4-6] */
START_TEST(one_unsuback_in_the_order_of_the_filters)
{
    begin();
    client_subscribe(five, "t", 0);
    client_subscribe(four, "t", 0);
    client_send(five, "A2 [1234 [] <'u'> <'t'> <'t'>]");
    client_expect(five, "B0 [1234 [] 11 00 11]");
    client_send(four, "A2 [1234 <'u'> <'t'>]");
    client_expect(four, "B0 02 1234");
    ck_assert_uint_eq(broker_statistics(h->broker).subscriptions, 0);
    client_send(four, "A2 [0001 <'t'>]");
    client_expect(four, "B0 02 0001");
    struct client *three = client_join(h, PROTOCOL_3_1, "three");
    client_send(three, "A2 [0001 <'t'>]");
    client_expect(three, "B0 02 0001");
    harness_destroy(h);
}
END_TEST

START_TEST(filters_are_compared_character_by_character) /* [MQTT-3.10.4-1] [MQTT3-3.10.4-1] */
{
    begin();
    client_subscribe(five, "t/#", 0);
    client_send(five, "A2 [0001 [] <'t'> <'t/+'> <'#'> <'T/#'> <'t/#/'>]");
    ck_assert(five->closed_by_broker); /* the last one is no Topic Filter at all */
    harness_destroy(h);
    begin();
    client_subscribe(five, "t/#", 0);
    client_send(five, "A2 [0001 [] <'t'> <'t/+'> <'#'> <'T/#'>]");
    client_expect(five, "B0 [0001 [] 11 11 11 11]");
    client_send(four, "30 [<'t/1'> 'x']");
    client_expect(five, "30 [<'t/1'> [] 'x']");
    harness_destroy(h);
}
END_TEST

START_TEST(nothing_new_is_added) /* [MQTT-3.10.4-2] [MQTT3-3.10.4-2] */
{
    begin();
    client_subscribe(five, "t", 0);
    client_send(five, "A2 [0001 [] <'t'>]");
    client_expect(five, "B0 [0001 [] 00]");
    client_send(four, "30 [<'t'> 'x']");
    client_expect_silence(five);
    harness_destroy(h);
}
END_TEST

START_TEST(what_was_begun_is_completed) /* [MQTT-3.10.4-3] [MQTT3-3.10.4-3] */
{
    begin();
    struct client *c =
        client_connect(h, "10 [<'MQTT'> 05 02 0000 [21 0001] <'c'>]", "20 06 00 00 03 22 000A");
    client_subscribe(c, "t", 2);
    client_send(four, "34 [<'t'> 0001 'x'] 34 [<'t'> 0002 'y']"); /* one in flight, one in the queue */
    client_expect(c, "34 [<'t'> 0001 [] 'x']");
    client_send(c, "A2 [0001 [] <'t'>] 50 02 0001 70 02 0001");
    client_expect(c, "B0 [0001 [] 00] 62 02 0001 34 [<'t'> 0002 [] 'y']");
    harness_destroy(h);
}
END_TEST

START_TEST(a_shared_subscription) /* [D-4.8.2-8] */
{
    begin();
    client_subscribe(five, "$share/g/t", 0);
    client_send(five, "A2 [0001 [] <'t'> <'$share/h/t'> <'$share/g/t'>]");
    client_expect(five, "B0 [0001 [] 11 11 00]");
    harness_destroy(h);
}
END_TEST

/* A great many filters: it is not answered at once, and others are served meanwhile. */
enum { MANY = 35000 };
#define CONNACK_5 "20 06 00 00 03 22 000A"
#define CONNACK_3 "20 02 00 00"

/* UNSUBSCRIBE with Packet Identifier 7 for 'u', MANY times, and at last for 't'; then what `behind` says. */
static void send_many(struct client *client, const char *behind)
{
    char *notation = NULL;
    size_t size = 0;
    FILE *text = open_memstream(&notation, &size);
    ck_assert_ptr_nonnull(text);
    fprintf(text, "A2 [0007 %s", client == four ? "" : "[]");
    for (int i = 0; i < MANY; i++)
        fputs("<'u'>", text);
    fprintf(text, "<'t'>] %s", behind);
    ck_assert_int_eq(fclose(text), 0);
    client_send(client, notation);
    free(notation);
}

static void expect_many(struct client *client, const char *behind)
{
    char expected[100];
    snprintf(expected, sizeof expected, "B0 [0007 [] 11*%d 00] %s", MANY, behind);
    client_expect(client, expected);
}

static int steps_until_done(void)
{
    int steps = 0;
    for (; broker_deadline(h->broker) == h->now; steps++) {
        ck_assert_int_lt(steps, 100);
        harness_advance(h, 0);
    }
    return steps;
}

/* [MQTT-3.10.4-4] [MQTT-3.10.4-6] [MQTT-4.6.0-5]: what comes behind waits for it. */
START_TEST(many_filters_take_several_turns)
{
    begin();
    client_subscribe(five, "t", 0);
    client_subscribe(four, "t", 0);
    send_many(five, "C0 00 82 [0008 [] <'v'> 00]");
    client_expect_silence(five);
    ck_assert(!connection_wants_input(five->connection));
    client_send(four, "30 [<'t'> 'x']"); /* somebody else */
    client_expect(four, "30 [<'t'> 'x']");
    client_expect(five, "30 [<'t'> [] 'x']"); /* it is still subscribed */
    ck_assert_int_gt(steps_until_done(), 0);
    expect_many(five, "D0 00 90 [0008 [] 00]");
    ck_assert(connection_wants_input(five->connection));
    client_send(four, "30 [<'t'> 'x']");
    client_expect_silence(five);
    client_expect(four, "30 [<'t'> 'x']");
    send_many(four, "");
    steps_until_done();
    client_expect(four, "B0 02 0007");
    harness_destroy(h);
}
END_TEST

/* Two at a time have their turns one after the other. */
START_TEST(many_filters_of_several_clients)
{
    begin();
    struct client *other = client_join(h, PROTOCOL_5_0, "other");
    client_subscribe(five, "t", 0);
    client_subscribe(other, "t", 0);
    send_many(five, "");
    send_many(other, "C0 00");
    steps_until_done();
    expect_many(five, "");
    expect_many(other, "D0 00");
    harness_destroy(h);
}
END_TEST

/* Nothing goes on for a connection that has ended, or is about to. */
START_TEST(many_filters_and_an_end)
{
    begin();
    struct client *other = client_join(h, PROTOCOL_5_0, "other");
    client_subscribe(five, "t", 0);
    send_many(five, "C0 00");
    send_many(other, "");
    client_drop(five);
    ck_assert_int_gt(steps_until_done(), 0);
    client_expect(other, "B0 [0007 [] 11*35000 11]");
    send_many(other, "C0 00");
    other->stalled = true;
    harness_shutdown(h);
    harness_advance(h, 0);
    ck_assert_uint_gt(broker_deadline(h->broker), h->now);
    harness_destroy(h);
    begin();
    send_many(five, "");
    harness_destroy(h);
}
END_TEST

/* 4.1.1: what the first turns have ended is stored before the answer, whatever the last one does. */
START_TEST(many_filters_that_are_stored)
{
    h = harness_create_stored(NULL, STORAGE_PROMISED);
    struct client *c = client_open(h);
    client_send(c, "10 [<'MQTT'> 05 02 0000 [11 FFFFFFFF] <'c'>] 82 [0001 [] <'u'> 00]");
    stored_collect(h);
    stored_done(h);
    client_expect(c, CONNACK_5 " 90 [0001 [] 00]");
    send_many(c, "");
    steps_until_done();
    client_expect_silence(c); /* 'u' was the first one */
    stored_collect(h);
    client_expect_silence(c);
    stored_done(h);
    client_expect(c, "B0 [0007 [] 00 11*34999 11]");
    harness_destroy(h);
}
END_TEST

/* As for a short one: [MQTT3-4.8.0-2], and the codes of 5.0. */
START_TEST(many_filters_and_a_store_in_trouble)
{
    h = harness_create_stored(NULL, STORAGE_PROMISED);
    five = client_open(h);
    four = client_open(h);
    client_send(five, "10 [<'MQTT'> 05 02 0000 [11 FFFFFFFF] <'c'>]");
    client_send(four, "10 [<'MQTT'> 04 00 0000 <'d'>]");
    stored_collect(h);
    stored_done(h);
    client_expect(five, CONNACK_5);
    client_expect(four, CONNACK_3);
    client_send(client_join(h, PROTOCOL_5_0, "e"), "31 [<'r'> [] 'x']"); /* something to be stored */
    stored_collect(h);
    send_many(five, ""); /* two turns of 10,000 filters, and another one when the next client comes */
    send_many(four, "");
    stored_trouble(h);
    steps_until_done();
    ck_assert(four->closed_by_broker);
    client_expect(five, "B0 [0007 [] 11*30000 83*5001]");
    harness_destroy(h);
}
END_TEST

Suite *suite_3_10_4_unsubscribe_actions(void);
Suite *suite_3_10_4_unsubscribe_actions(void)
{
    HARNESS_SUITE("3.10.4 UNSUBSCRIBE Actions", one_unsuback_in_the_order_of_the_filters,
                  filters_are_compared_character_by_character, nothing_new_is_added,
                  what_was_begun_is_completed, a_shared_subscription, many_filters_take_several_turns,
                  many_filters_of_several_clients, many_filters_and_an_end, many_filters_that_are_stored,
                  many_filters_and_a_store_in_trouble);
}
