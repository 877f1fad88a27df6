/* 3.8.4 SUBSCRIBE Actions: SUBACK, replacing, and the retained messages that answer. */
#include "broker_harness.h"

static struct harness *h;
static struct client *c[3]; /* 3.1, 3.1.1, 5.0 */

static void begin(void)
{
    h = harness_create(NULL);
    for (int v = 0; v < 3; v++) {
        char name[2] = {(char)('a' + v), '\0'};
        c[v] = client_join(h, unit_versions[v], name);
    }
}

/* [MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-3.8.4-5] [MQTT-3.8.4-6] [MQTT-3.8.4-7] [MQTT-3.9.3-1]
 * [MQTT-3.9.3-2] [MQTT3-3.8.4-1] [MQTT3-3.8.4-2] [MQTT3-3.8.4-4] [MQTT3-3.8.4-5] */
START_TEST(one_suback_in_the_order_of_the_filters)
{
    begin();
    for (int v = 0; v < 2; v++) {
        client_send(c[v], "82 [1234 <'x'> 02 <'y'> 00 <'z'> 01]");
        client_expect(c[v], "90 05 1234 02 00 01");
    }
    client_send(c[2], "82 [FFFF [] <'x'> 02 <'y'> 00 <'z'> 01]");
    client_expect(c[2], "90 [FFFF [] 02 00 01]");
    ck_assert_uint_eq(broker_statistics(h->broker).subscriptions, 9);
    harness_destroy(h);
}
END_TEST

START_TEST(a_repeated_filter_replaces_the_subscription) /* [MQTT-3.8.4-3] [MQTT3-3.8.4-3] */
{
    begin();
    client_send(c[2], "31 [<'t'> [] 'x']");
    client_send(c[1], "82 [0001 <'t'> 00] 82 [0001 <'t'> 01]");
    client_expect(c[1], "90 03 0001 00 31 [<'t'> 'x'] 90 03 0001 01 31 [<'t'> 'x']"); /* retained again */
    ck_assert_uint_eq(broker_statistics(h->broker).subscriptions, 1);
    client_send(c[2], "32 [<'t'> 0001 [] 'y']");
    client_expect(c[1], "32 [<'t'> 0001 'y']");       /* once, at the new QoS */
    client_send(c[1], "82 [0001 <'t'> 00 <'t'> 00]"); /* within one packet too */
    client_expect(c[1], "90 [0001 00 00] 31 [<'t'> 'x'] 31 [<'t'> 'x']");
    harness_destroy(h);
}
END_TEST

START_TEST(the_lower_qos_is_delivered) /* [MQTT-3.8.4-8] [MQTT3-3.8.4-6] */
{
    begin();
    for (unsigned granted = 0; granted < 3; granted++) {
        client_subscribe(c[1], "t", granted);
        client_send(c[0], "30 [<'t'> '0'] 32 [<'t'> 0001 '1'] 34 [<'t'> 0002 '2'] 62 02 0002");
        client_expect(c[0], "40 02 0001 50 02 0002 70 02 0002");
        client_expect(c[1], granted == 0   ? "30 [<'t'> '0'] 30 [<'t'> '1'] 30 [<'t'> '2']"
                            : granted == 1 ? "30 [<'t'> '0'] 32 [<'t'> 0001 '1'] 32 [<'t'> 0002 '2']"
                                           : "30 [<'t'> '0'] 32 [<'t'> 0003 '1'] 34 [<'t'> 0004 '2']");
    }
    harness_destroy(h);
}
END_TEST

START_TEST(retained_messages_answer) /* [MQTT-3.3.1-9] [MQTT3-3.3.1-6] [MQTT3-3.3.1-8] [D-3.3.1.3-2] */
{
    begin();
    client_send(c[0], "31 [<'t/1'> 'one'] 33 [<'t/2'> 0001 'two'] 35 [<'t/3'> 0002 'three'] 31 [<'u'> 'u']");
    client_send(c[2], "82 [0001 [0B 07] <'t/1'> 01 <'t/+'> 20 <'t/2'> 01 <'t/3'> 01]");
    client_expect(c[2], "90 [0001 [] 01 00 01 01] 31 [<'t/1'> [0B 07] 'one'] 33 [<'t/2'> 0001 [0B 07] 'two']"
                        " 33 [<'t/3'> 0002 [0B 07] 'three']");
    client_send(c[1], "82 [0001 <'t/2'> 02 <'u'> 00]");
    client_expect(c[1], "90 04 0001 02 00 33 [<'t/2'> 0001 'two'] 31 [<'u'> 'u']");
    harness_destroy(h);
}
END_TEST

START_TEST(retain_handling) /* [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11] */
{
    begin();
    client_send(c[0], "31 [<'t'> 'x']");
    client_send(c[2],
                "82 [0001 [] <'t'> 20] 82 [0001 [] <'t'> 10] 82 [0001 [] <'t'> 00] 82 [0001 [] <'t'> 10]");
    client_expect(c[2], "90 [0001 [] 00] 90 [0001 [] 00] 90 [0001 [] 00] 31 [<'t'> [] 'x'] 90 [0001 [] 00]");
    client_send(c[2], "A2 [0001 [] <'t'>] 82 [0001 [] <'t'> 10]"); /* new again */
    client_expect(c[2], "B0 [0001 [] 00] 90 [0001 [] 00] 31 [<'t'> [] 'x']");
    harness_destroy(h);
}
END_TEST

START_TEST(retain_as_published) /* [MQTT-3.3.1-12] [MQTT-3.3.1-13] [MQTT3-3.3.1-9] */
{
    begin();
    client_send(c[2], "82 [0001 [] <'t'> 08]");
    client_expect(c[2], "90 [0001 [] 00]");
    client_subscribe(c[1], "t", 0);
    client_send(c[0], "31 [<'t'> 'x'] 30 [<'t'> 'y']");
    client_expect(c[2], "31 [<'t'> [] 'x'] 30 [<'t'> [] 'y']");
    client_expect(c[1], "30 [<'t'> 'x'] 30 [<'t'> 'y']");
    harness_destroy(h);
}
END_TEST

START_TEST(no_local) /* [MQTT-3.8.3-3] */
{
    begin();
    client_send(c[2], "82 [0001 [] <'t'> 04]");
    client_expect(c[2], "90 [0001 [] 00]");
    client_send(c[2], "30 [<'t'> [] 'own']");
    client_expect_silence(c[2]);
    client_send(c[1], "30 [<'t'> 'other']");
    client_expect(c[2], "30 [<'t'> [] 'other']");
    harness_publish(h, "t", "broker");
    client_expect(c[2], "30 [<'t'> [] 'broker']");
    client_send(c[2], "82 [0001 [] <'$share/g/t'> 04]"); /* [MQTT-3.8.3-4] */
    ck_assert(c[2]->closed_by_broker);
    harness_destroy(h);
}
END_TEST

START_TEST(no_retained_messages_for_a_group) /* [D-4.8.2-3] [D-4.8.2-6] */
{
    begin();
    client_send(c[0], "31 [<'t'> 'x']");
    harness_publish(h, "$share/g/t", "y"); /* [S-4.7.2-1] clients may not */
    client_subscribe(c[2], "$share/g/t", 0);
    client_send(c[1], "82 [0001 <'$share/g/t'> 00]"); /* an ordinary filter before 5.0 */
    client_expect(c[1], "90 03 0001 00 31 [<'$share/g/t'> 'y']");
    harness_destroy(h);
}
END_TEST

START_TEST(a_message_that_expires_in_this_very_moment) /* [MQTT-3.3.2-5] */
{
    begin();
    client_send(c[2], "31 [<'t'> [02 00000000] 'x'] 82 [0001 [] <'t'> 00]"); /* in one step */
    client_expect(c[2], "90 [0001 [] 00]");
    harness_destroy(h);
}
END_TEST

/* More than a connection's output may hold: the rest waits in the queue, whatever the limits, and comes
 * in the end. */
START_TEST(a_hundred_thousand_retained_messages) /* [MQTT-3.3.1-9] */
{
    enum { MESSAGES = 100500 };
    struct broker_settings settings = harness_settings();
    settings.maximum_output = 65536;
    settings.maximum_queued = 10;
    h = harness_create(&settings);
    struct client *publisher = client_join(h, PROTOCOL_3_1_1, "p");
    uint8_t publish[] = {0x31, 0x08, 0x00, 0x05, 't', '0', '0', '0', '0', 'x'};
    for (unsigned i = 0; i < MESSAGES; i++) {
        publish[4] = (uint8_t)('A' + i / 65536);
        for (unsigned digit = 0; digit < 4; digit++)
            publish[5 + digit] = (uint8_t)('a' + (i >> (4 * digit) & 15));
        client_send_bytes(publisher, bytes_of(publish, sizeof publish));
    }
    ck_assert_uint_eq(broker_statistics(h->broker).retained_messages, MESSAGES);
    for (unsigned qos = 0; qos < 2; qos++) {
        struct client *reader = client_join(h, PROTOCOL_3_1_1, qos ? "one" : "zero");
        reader->stalled = true;
        client_send(reader, qos ? "82 [0001 <'#'> 01]" : "82 [0001 <'#'> 00]");
        ck_assert_uint_eq(reader->inbox_length, 0);
        client_send(publisher,
                    "30 [<'live'> 'x']"); /* waits its turn behind the retained ones, or is dropped */
        client_read(reader);
        const size_t publishes = client_count(reader, PACKET_PUBLISH);
        ck_assert_uint_ge(publishes, MESSAGES);
        ck_assert_uint_le(publishes, MESSAGES + 1);
        client_drop(reader);
    }
    harness_destroy(h);
}
END_TEST

START_TEST(a_suback_that_does_not_fit_is_not_sent) /* [MQTT-3.1.2-24] [MQTT-3.1.2-25] */
{
    begin();
    struct client *small =
        client_connect(h, "10 [<'MQTT'> 05 02 0000 [27 00000008] <'s'>]", "20 06 00 00 03 22 000A");
    client_send(small, "82 [0001 [] <'t'> 00 <'u'> 00 <'v'> 00]");
    client_expect(small, "90 06 0001 00 00 00 00");
    client_send(small, "82 [0001 [] <'t'> 00 <'u'> 00 <'v'> 00 <'w'> 00]");
    client_expect_silence(small);
    client_send(c[1], "30 [<'w'> 'x']"); /* subscribed all the same */
    client_expect(small, "30 [<'w'> [] 'x']");
    harness_destroy(h);
}
END_TEST

Suite *suite_3_08_4_subscribe_actions(void);
Suite *suite_3_08_4_subscribe_actions(void)
{
    HARNESS_SUITE("3.8.4 SUBSCRIBE Actions", one_suback_in_the_order_of_the_filters,
                  a_repeated_filter_replaces_the_subscription, the_lower_qos_is_delivered,
                  retained_messages_answer, retain_handling, retain_as_published, no_local,
                  no_retained_messages_for_a_group, a_message_that_expires_in_this_very_moment,
                  a_hundred_thousand_retained_messages, a_suback_that_does_not_fit_is_not_sent);
}
