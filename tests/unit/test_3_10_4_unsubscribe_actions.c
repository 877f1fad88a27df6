/* 3.10.4 UNSUBSCRIBE Actions. */
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

Suite *suite_3_10_4_unsubscribe_actions(void);
Suite *suite_3_10_4_unsubscribe_actions(void)
{
    HARNESS_SUITE("3.10.4 UNSUBSCRIBE Actions", one_unsuback_in_the_order_of_the_filters,
                  filters_are_compared_character_by_character, nothing_new_is_added,
                  what_was_begun_is_completed, a_shared_subscription);
}
