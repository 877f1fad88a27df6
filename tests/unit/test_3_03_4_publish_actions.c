/* 3.3.4 PUBLISH Actions: receiving a message at each QoS, retained messages, expiry, and the payload's
 * format. */
#include "broker_harness.h"

static struct harness *h;
static struct client *publisher; /* 5.0 */
static struct client *old;       /* 3.1.1 */

static void begin_with(const struct broker_settings *settings)
{
    h = harness_create(settings);
    publisher = client_join(h, PROTOCOL_5_0, "publisher");
    old = client_join(h, PROTOCOL_3_1_1, "old");
}

static void begin(void)
{
    begin_with(NULL);
}

/* [MQTT-3.3.4-1] [MQTT-4.3.2-4] [MQTT-4.3.3-8] [MQTT3-3.3.4-1] [MQTT3-4.3.2-2] */
START_TEST(the_answer_depends_on_the_qos)
{
    begin();
    client_subscribe(old, "t", 0);
    client_send(publisher, "30 [<'t'> [] '0']");
    client_expect_silence(publisher);
    client_send(publisher, "32 [<'t'> 1234 [] '1']");
    client_expect(publisher, "40 02 1234");
    client_send(publisher, "34 [<'t'> FFFF [] '2']");
    client_expect(publisher, "50 02 FFFF");
    client_expect(old, "30 [<'t'> '0'] 30 [<'t'> '1'] 30 [<'t'> '2']");
    client_send(old, "30 [<'u'> '0'] 32 [<'u'> 0001 '1'] 34 [<'u'> 0002 '2']");
    client_expect(old, "40 02 0001 50 02 0002"); /* no Reason Code there, though nobody subscribed */
    ck_assert_uint_eq(broker_statistics(h->broker).messages_received, 6);
    ck_assert_uint_eq(broker_statistics(h->broker).messages_sent, 3);
    harness_destroy(h);
}
END_TEST

START_TEST(nobody_subscribed) /* 3.4.2.1, 3.5.2.1: 0x10 */
{
    begin();
    client_send(publisher, "32 [<'t'> 0001 [] 'x']");
    client_expect(publisher, "40 03 0001 10");
    client_send(publisher, "34 [<'t'> 0002 [] 'x']");
    client_expect(publisher, "50 03 0002 10");
    harness_destroy(h);
}
END_TEST

/* [MQTT-4.3.3-10] [MQTT-4.3.3-11] [MQTT-4.3.3-12] [MQTT3-4.3.3-2] */
START_TEST(a_qos_2_message_is_passed_on_once)
{
    begin();
    client_subscribe(old, "t", 0);
    client_send(publisher, "34 [<'t'> 0001 [] 'x']");
    client_expect(publisher, "50 02 0001");
    client_send(publisher, "3C [<'t'> 0001 [] 'x']");
    client_expect(publisher, "50 02 0001");
    client_expect(old, "30 [<'t'> 'x']");
    client_send(publisher, "62 02 0001");
    client_expect(publisher, "70 02 0001");
    client_send(publisher, "62 02 0001"); /* 3.7.2.1 not found */
    client_expect(publisher, "70 03 0001 92");
    client_send(publisher, "34 [<'t'> 0001 [] 'y']"); /* released: a new message */
    client_expect(publisher, "50 02 0001");
    client_expect(old, "30 [<'t'> 'y']");
    harness_destroy(h);
}
END_TEST

START_TEST(a_pubrel_is_always_answered) /* [MQTT-4.3.3-11] [MQTT3-4.3.3-2] */
{
    begin();
    client_send(old, "62 02 0007");
    client_expect(old, "70 02 0007");
    client_send(publisher, "62 02 0007");
    client_expect(publisher, "70 03 0007 92");
    client_send(publisher, "62 04 0007 92 00");
    client_expect(publisher, "70 03 0007 92");
    harness_destroy(h);
}
END_TEST

START_TEST(a_qos_2_identifier_outlives_the_connection) /* [D-4.1-5] [MQTT-4.3.3-10] */
{
    begin();
    client_subscribe(old, "t", 0);
    struct client *c = client_resume(h, PROTOCOL_5_0, "a", false);
    client_send(c, "34 [<'t'> 0001 [] 'x']");
    client_expect(c, "50 02 0001");
    client_drop(c);
    c = client_resume(h, PROTOCOL_5_0, "a", true);
    client_send(c, "3C [<'t'> 0001 [] 'x']");
    client_expect(c, "50 02 0001");
    client_expect(old, "30 [<'t'> 'x']");
    client_drop(c);
    c = client_join(h, PROTOCOL_5_0, "a");
    client_send(c, "3C [<'t'> 0001 [] 'x']"); /* another session: another message */
    client_expect(c, "50 02 0001");
    client_expect(old, "30 [<'t'> 'x']");
    harness_destroy(h);
}
END_TEST

START_TEST(an_identifier_serves_one_message_at_a_time) /* 3.4.2.1: 0x91 [MQTT-2.2.1-3] */
{
    begin();
    client_subscribe(old, "t", 0);
    client_send(publisher, "34 [<'t'> 0001 [] 'x']");
    client_send(publisher, "32 [<'t'> 0001 [] 'y']");
    client_expect(publisher, "50 02 0001 40 03 0001 91");
    client_expect(old, "30 [<'t'> 'x']");
    harness_destroy(h);
}
END_TEST

START_TEST(many_identifiers_at_once)
{
    begin();
    client_subscribe(old, "t", 0);
    char notation[NOTATION_SIZE];
    for (unsigned i = 1; i <= 65535; i += 13) {
        octets_print(notation, "34 [<'t'> %04X [] 'x']", i);
        client_send(publisher, notation);
    }
    ck_assert_uint_eq(client_count(publisher, PACKET_PUBREC), 5042);
    client_ignore(publisher);
    for (unsigned i = 1; i <= 65535; i += 13) {
        octets_print(notation, "62 02 %04X", i);
        client_send(publisher, notation);
        octets_print(notation, "70 02 %04X", i);
        client_expect(publisher, notation);
    }
    ck_assert_uint_eq(client_count(old, PACKET_PUBLISH), 5042);
    harness_destroy(h);
}
END_TEST

/* [MQTT-3.3.1-5] [MQTT-3.3.1-6] [MQTT-3.3.1-7] [MQTT-3.3.1-8] [MQTT3-3.3.1-5] [MQTT3-3.3.1-10]
 * [MQTT3-3.3.1-11] [MQTT3-3.3.1-12] */
START_TEST(the_retained_message_is_replaced_and_removed)
{
    begin();
    client_send(publisher, "31 [<'t'> [] 'one']");
    client_send(publisher, "33 [<'t'> 0001 [] 'two']");
    client_expect(publisher, "40 03 0001 10");
    client_send(publisher, "30 [<'t'> [] 'three'] 30 [<'t'> []]"); /* neither stored nor removing */
    client_send(old, "82 [0001 <'t'> 01]");
    client_expect(old, "90 03 0001 01 33 [<'t'> 0001 'two']");
    client_send(old, "31 [<'t'> '']"); /* removes, and is sent to who is subscribed */
    client_expect(old, "30 [<'t'>]");
    ck_assert_uint_eq(broker_statistics(h->broker).retained_messages, 0);
    client_send(old, "82 [0001 <'t'> 01]");
    client_expect(old, "90 03 0001 01");
    client_send(old, "31 [<'t'> '']");
    client_expect(old, "30 [<'t'>]");
    harness_destroy(h);
}
END_TEST

START_TEST(the_retained_message_survives_the_session) /* [MQTT3-3.1.2-7] [D-4.1-6] */
{
    begin();
    client_send(publisher, "31 [<'t'> [] 'x']");
    client_send(publisher, "E0 00");
    client_send(old, "82 [0001 <'#'> 00]");
    client_expect(old, "90 03 0001 00 31 [<'t'> 'x']");
    harness_destroy(h);
}
END_TEST

START_TEST(a_retained_message_expires) /* [MQTT-3.3.2-5] [MQTT-3.3.2-6] */
{
    begin();
    client_send(publisher, "31 [<'t'> [02 0000000A] 'x']");
    ck_assert_uint_eq(broker_deadline(h->broker), h->now + 10000);
    harness_advance(h, 3001); /* a begun second counts whole */
    client_send(publisher, "82 [0001 [] <'t'> 00]");
    client_expect(publisher, "90 [0001 [] 00] 31 [<'t'> [02 00000007] 'x']");
    harness_advance(h, 6998);
    ck_assert_uint_eq(broker_statistics(h->broker).retained_messages, 1);
    client_send(publisher, "82 [0001 [] <'t'> 00]");
    client_expect(publisher, "90 [0001 [] 00] 31 [<'t'> [02 00000001] 'x']");
    harness_advance(h, 1);
    ck_assert_uint_eq(broker_statistics(h->broker).retained_messages, 0);
    client_send(publisher, "82 [0001 [] <'t'> 00]");
    client_expect(publisher, "90 [0001 [] 00]");
    ck_assert_uint_eq(broker_deadline(h->broker), UINT64_MAX);
    harness_destroy(h);
}
END_TEST

START_TEST(a_replaced_retained_message_does_not_expire) /* [MQTT-3.3.2-5] */
{
    begin();
    client_send(publisher,
                "31 [<'t'> [02 0000000A] 'x'] 31 [<'t'> [] 'y'] 31 [<'u'> [02 0000000A] 'x'] 31 [<'u'> []]");
    client_send(publisher, "31 [<'v'> [02 0000000A] 'x'] 31 [<'v'> [02 00000014] 'x']");
    harness_advance(h, 10000);
    ck_assert_uint_eq(broker_statistics(h->broker).retained_messages, 2);
    client_send(publisher, "82 [0001 [] <'t'> 00]");
    client_expect(publisher, "90 [0001 [] 00] 31 [<'t'> [] 'y']");
    harness_advance(h, 10000);
    ck_assert_uint_eq(broker_statistics(h->broker).retained_messages, 1);
    harness_destroy(h); /* with a timer set or without */
}
END_TEST

START_TEST(many_retained_messages_expire_while_clients_come) /* every timer has its room */
{
    begin();
    char notation[NOTATION_SIZE];
    for (int i = 0; i < 200; i++) {
        octets_print(notation, "31 [<'t/%d'> [02 0000000A] 'x']", i);
        client_send(publisher, notation);
    }
    for (int i = 0; i < 300; i++) {
        octets_print(notation, "10 [<'MQTT'> 04 00 0100 <'c%d'>]", i);
        client_connect(h, notation, "20 02 00 00");
    }
    harness_advance(h, 10000);
    ck_assert_uint_eq(broker_statistics(h->broker).retained_messages, 0);
    ck_assert_uint_eq(broker_statistics(h->broker).clients, 302);
    harness_destroy(h);
}
END_TEST

START_TEST(the_broker_can_limit_the_expiry)
{
    struct broker_settings settings = harness_settings();
    settings.maximum_message_expiry = 10;
    begin_with(&settings);
    client_subscribe(publisher, "t", 0);
    client_send(publisher, "30 [<'t'> [] 'x']");
    client_expect(publisher, "30 [<'t'> [02 0000000A] 'x']");
    client_send(publisher, "30 [<'t'> [02 0000000B] 'x']");
    client_expect(publisher, "30 [<'t'> [02 0000000A] 'x']");
    client_send(publisher, "30 [<'t'> [02 00000009] 'x']");
    client_expect(publisher, "30 [<'t'> [02 00000009] 'x']");
    client_send(old, "30 [<'t'> 'x']");
    client_expect(publisher, "30 [<'t'> [02 0000000A] 'x']");
    harness_destroy(h);
}
END_TEST

START_TEST(a_payload_that_is_not_what_it_says) /* 3.3.2.3.2: 0x99 */
{
    struct broker_settings settings = harness_settings();
    settings.validate_payload_format = true;
    begin_with(&settings);
    client_subscribe(old, "t", 0);
    client_send(publisher, "32 [<'t'> 0001 [01 01] C3 28] 34 [<'t'> 0002 [01 01] FF]");
    client_expect(publisher, "40 03 0001 99 50 03 0002 99");
    client_expect_silence(old);
    client_send(publisher, "34 [<'t'> 0002 [01 01] C3 A4] 32 [<'t'> 0001 [01 00] FF] 30 [<'t'> [] FF]");
    client_expect(publisher, "50 02 0002 40 02 0001");
    client_expect(old, "30 [<'t'> C3 A4] 30 [<'t'> FF] 30 [<'t'> FF]");
    client_send(publisher, "30 [<'t'> [01 01] FF]");
    client_expect_disconnect(publisher, 0x99, "[MQTT-4.13.2-1]");
    harness_destroy(h);
}
END_TEST

START_TEST(the_payload_is_not_looked_at_unless_asked)
{
    struct broker_settings settings = harness_settings();
    settings.validate_payload_format = false;
    begin_with(&settings);
    client_subscribe(old, "t", 0);
    client_send(publisher, "30 [<'t'> [01 01] FF]");
    client_expect(old, "30 [<'t'> FF]");
    harness_destroy(h);
}
END_TEST

START_TEST(more_in_flight_than_was_announced) /* [R-3.3.4-2] [MQTT-3.3.4-7] */
{
    struct broker_settings settings = harness_settings();
    settings.receive_maximum = 2;
    begin_with(&settings);
    client_subscribe(old, "t", 0);
    client_send(publisher, "34 [<'t'> 0001 [] '1'] 34 [<'t'> 0002 [] '2'] 3C [<'t'> 0002 [] '2']");
    client_expect(publisher, "50 02 0001 50 02 0002 50 02 0002");
    client_send(publisher, "62 02 0001 32 [<'t'> 0003 [] '3'] 34 [<'t'> 0003 [] '4']");
    client_expect(publisher, "70 02 0001 40 02 0003 50 02 0003");
    client_send(publisher, "32 [<'t'> 0004 [] '5']");
    client_expect_disconnect(publisher, 0x93, "[R-3.3.4-2]");
    client_expect(old, "30 [<'t'> '1'] 30 [<'t'> '2'] 30 [<'t'> '3'] 30 [<'t'> '4']");
    /* 3.1.1 knows no such limit */
    client_send(old, "34 [<'u'> 0001 ''] 34 [<'u'> 0002 ''] 34 [<'u'> 0003 '']");
    client_expect(old, "50 02 0001 50 02 0002 50 02 0003");
    harness_destroy(h);
}
END_TEST

Suite *suite_3_03_4_publish_actions(void);
Suite *suite_3_03_4_publish_actions(void)
{
    HARNESS_SUITE("3.3.4 PUBLISH Actions", the_answer_depends_on_the_qos, nobody_subscribed,
                  a_qos_2_message_is_passed_on_once, a_pubrel_is_always_answered,
                  a_qos_2_identifier_outlives_the_connection, an_identifier_serves_one_message_at_a_time,
                  many_identifiers_at_once, the_retained_message_is_replaced_and_removed,
                  the_retained_message_survives_the_session, a_retained_message_expires,
                  a_replaced_retained_message_does_not_expire,
                  many_retained_messages_expire_while_clients_come, the_broker_can_limit_the_expiry,
                  a_payload_that_is_not_what_it_says, the_payload_is_not_looked_at_unless_asked,
                  more_in_flight_than_was_announced);
}
