/* 3.1.2.5 Will Flag: when the Will is published, when it is discarded, and what it looks like then. */
#include "broker_harness.h"

static struct harness *h;
static struct client *watcher; /* a 5.0 client that subscribed to w */

static void begin(void)
{
    h = harness_create(NULL);
    watcher = client_join(h, PROTOCOL_5_0, "watcher");
    client_subscribe(watcher, "w", 2);
}

static struct client *with_will(const char *connect)
{
    struct client *c = client_open(h);
    client_send(c, connect);
    ck_assert_uint_ge(c->inbox_length, 4);
    ck_assert_uint_eq(c->inbox[3], 0);
    client_ignore(c);
    return c;
}

/* Will QoS 0; in 3.1, 3.1.1, 5.0 */
static const char *const plain[3] = {"10 [<'MQIsdp'> 03 06 0000 <'a'> <'w'> <'bye'>]",
                                     "10 [<'MQTT'> 04 06 0000 <'a'> <'w'> <'bye'>]",
                                     "10 [<'MQTT'> 05 06 0000 [] <'a'> [] <'w'> <'bye'>]"};

/* [MQTT-3.1.2-8] [D-3.1.2.5-1] [D-3.1.2.5-3] [MQTT3-3.1.2-8] */
START_TEST(a_broken_connection_publishes_the_will)
{
    for (int v = 0; v < 3; v++) {
        begin();
        struct client *c = with_will(plain[v]);
        client_expect_silence(watcher);
        client_drop(c);
        client_expect(watcher, "30 [<'w'> [] 'bye']");
        harness_destroy(h);
    }
}
END_TEST

/* [MQTT-3.1.2-10] [MQTT-3.14.4-3] [MQTT3-3.1.2-10] [MQTT3-3.14.4-3] */
START_TEST(a_disconnect_discards_the_will)
{
    for (int v = 0; v < 3; v++) {
        begin();
        struct client *c = with_will(plain[v]);
        client_send(c, "E0 00");
        client_expect_closed(c, "");
        client_expect_silence(watcher);
        harness_destroy(h);
    }
}
END_TEST

/* [D-3.1.2.5-4] 3.14.2.1: 0x04 Disconnect with Will Message */
START_TEST(a_disconnect_can_ask_for_the_will)
{
    begin();
    struct client *c = with_will(plain[2]);
    client_send(c, "E0 01 04");
    client_expect_closed(c, "");
    client_expect(watcher, "30 [<'w'> [] 'bye']");
    c = with_will(plain[2]); /* any code but 0x00 */
    client_send(c, "E0 02 80 00");
    client_expect_closed(c, "");
    client_expect(watcher, "30 [<'w'> [] 'bye']");
    harness_destroy(h);
}
END_TEST

START_TEST(without_will_flag_there_is_none) /* [MQTT3-3.1.2-12] */
{
    begin();
    client_subscribe(watcher, "#", 0);
    client_drop(client_join(h, PROTOCOL_3_1_1, "a"));
    client_drop(client_join(h, PROTOCOL_5_0, "a"));
    client_expect_silence(watcher);
    harness_destroy(h);
}
END_TEST

START_TEST(an_error_publishes_the_will) /* [D-3.1.2.5-4] */
{
    begin();
    struct client *c = with_will(plain[2]);
    client_send(c, "36 [<'t'> 0001 [] 'x']");
    client_expect_disconnect(c, 0x81, "[MQTT-3.3.1-4]");
    client_expect(watcher, "30 [<'w'> [] 'bye']");
    c = with_will(plain[1]);
    client_send(c, "36 [<'t'> 0001 'x']");
    client_expect_closed(c, "");
    client_expect(watcher, "30 [<'w'> [] 'bye']");
    harness_destroy(h);
}
END_TEST

START_TEST(silence_publishes_the_will) /* [D-3.1.2.5-2] */
{
    begin();
    struct client *c = with_will("10 [<'MQTT'> 04 06 0002 <'a'> <'w'> <'bye'>]");
    harness_advance(h, 2999);
    client_expect_silence(watcher);
    harness_advance(h, 1);
    client_expect_closed(c, "");
    client_expect(watcher, "30 [<'w'> [] 'bye']");
    harness_destroy(h);
}
END_TEST

START_TEST(the_will_has_its_qos) /* [MQTT-3.1.2-7] 3.1.2.6 */
{
    begin();
    client_drop(with_will("10 [<'MQTT'> 05 0E 0000 [] <'a'> [] <'w'> <'bye'>]"));
    client_expect(watcher, "32 [<'w'> 0001 [] 'bye']");
    client_drop(with_will("10 [<'MQTT'> 04 16 0000 <'a'> <'w'> <'bye'>]"));
    client_expect(watcher, "34 [<'w'> 0002 [] 'bye']");
    harness_destroy(h);
}
END_TEST

/* [MQTT-3.1.2-14] [MQTT-3.1.2-15] [MQTT3-3.1.2-16] [MQTT3-3.1.2-17] */
START_TEST(the_will_is_retained_if_it_says_so)
{
    begin();
    client_drop(with_will("10 [<'MQTT'> 05 06 0000 [] <'a'> [] <'w'> <'bye'>]"));
    client_drop(with_will("10 [<'MQTT'> 04 06 0000 <'a'> <'w'> <'bye'>]"));
    ck_assert_uint_eq(broker_statistics(h->broker).retained_messages, 0);
    client_drop(with_will("10 [<'MQTT'> 05 26 0000 [] <'a'> [] <'w'> <'bye'>]"));
    ck_assert_uint_eq(broker_statistics(h->broker).retained_messages, 1);
    client_expect(watcher, "30 [<'w'> [] 'bye'] 30 [<'w'> [] 'bye'] 30 [<'w'> [] 'bye']");
    client_send(watcher, "82 [0001 [] <'w'> 00]");
    client_expect(watcher, "90 [0001 [] 00] 31 [<'w'> [] 'bye']");
    client_drop(with_will("10 [<'MQTT'> 04 26 0000 <'a'> <'w'> <'BYE'>]"));
    client_ignore(watcher);
    client_send(watcher, "82 [0001 [] <'w'> 00]");
    client_expect(watcher, "90 [0001 [] 00] 31 [<'w'> [] 'BYE']");
    harness_destroy(h);
}
END_TEST

START_TEST(will_properties_travel_in_order) /* [MQTT-3.1.3-10] [MQTT-3.3.2-17] [MQTT-3.3.2-18] */
{
    begin();
    client_drop(
        with_will("10 [<'MQTT'> 05 06 0000 [] <'a'> [26 <'n'> <'1'> 01 01 08 <'r'> 09 <'c'> 03 <'text'>"
                  " 26 <'m'> <'2'> 26 <'n'> <'3'>] <'w'> <'bye'>]"));
    /* all as they came, when nothing has to be left out */
    client_expect(watcher, "30 [<'w'> [26 <'n'> <'1'> 01 01 08 <'r'> 09 <'c'> 03 <'text'>"
                           " 26 <'m'> <'2'> 26 <'n'> <'3'>] 'bye']");
    harness_destroy(h);
}
END_TEST

START_TEST(the_expiry_interval_runs_from_publication) /* 3.1.3.2.4 [MQTT-3.3.2-6] */
{
    begin();
    struct client *c = with_will("10 [<'MQTT'> 05 06 0000 [] <'a'> [02 0000000A] <'w'> <'bye'>]");
    harness_advance(h, 60000);
    client_drop(c);
    client_expect(watcher, "30 [<'w'> [02 0000000A] 'bye']");
    harness_destroy(h);
}
END_TEST

START_TEST(the_delay_is_exact) /* [MQTT-3.1.2-8] 3.1.3.2.2 */
{
    begin();
    client_drop(with_will("10 [<'MQTT'> 05 06 0000 [11 00000064] <'a'> [18 00000005] <'w'> <'bye'>]"));
    harness_advance(h, 4999);
    client_expect_silence(watcher);
    ck_assert_uint_eq(broker_deadline(h->broker), h->now + 1);
    harness_advance(h, 1);
    client_expect(watcher, "30 [<'w'> [] 'bye']");
    harness_advance(h, 95000); /* the session ends; the Will is not sent again [MQTT-3.1.2-10] */
    client_expect_silence(watcher);
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 1);
    harness_destroy(h);
}
END_TEST

START_TEST(the_end_of_the_session_ends_the_delay) /* [MQTT-3.1.2-8] whichever happens first */
{
    begin();
    client_drop(with_will("10 [<'MQTT'> 05 06 0000 [11 00000003] <'a'> [18 00000005] <'w'> <'bye'>]"));
    harness_advance(h, 2999);
    client_expect_silence(watcher);
    harness_advance(h, 1);
    client_expect(watcher, "30 [<'w'> [] 'bye']");
    /* with a Session Expiry Interval of 0 at once */
    client_drop(with_will("10 [<'MQTT'> 05 06 0000 [] <'a'> [18 00000005] <'w'> <'bye'>]"));
    client_expect(watcher, "30 [<'w'> [] 'bye']");
    harness_destroy(h);
}
END_TEST

START_TEST(a_delay_without_end_ends_with_the_session)
{
    begin();
    client_drop(with_will("10 [<'MQTT'> 05 06 0000 [11 FFFFFFFF] <'a'> [18 FFFFFFFF] <'w'> <'bye'>]"));
    harness_advance(h, 400ULL * 86400 * 1000);
    client_expect_silence(watcher);
    client_join(h, PROTOCOL_5_0, "a"); /* Clean Start ends it */
    client_expect(watcher, "30 [<'w'> [] 'bye']");
    harness_destroy(h);
}
END_TEST

START_TEST(who_comes_back_in_time_keeps_the_will_unsent) /* [MQTT-3.1.3-9] */
{
    begin();
    client_drop(with_will("10 [<'MQTT'> 05 06 0000 [11 00000064] <'a'> [18 00000005] <'w'> <'bye'>]"));
    harness_advance(h, 4000);
    struct client *c = client_resume(h, PROTOCOL_5_0, "a", true); /* has no Will of its own */
    harness_advance(h, 5000);
    client_drop(c);
    harness_advance(h, 200000);
    client_expect_silence(watcher);
    harness_destroy(h);
}
END_TEST

START_TEST(a_take_over_ends_the_connection_as_any_other) /* [D-3.1.4-2] [MQTT-3.1.3-9] */
{
    begin();
    struct client *c = with_will("10 [<'MQTT'> 05 06 0000 [11 00000064] <'a'> [] <'w'> <'bye'>]");
    struct client *next = client_resume(h, PROTOCOL_5_0, "a", true); /* no delay: published */
    client_expect_closed(c, "E0 01 8E");
    client_expect(watcher, "30 [<'w'> [] 'bye']");
    client_drop(next);
    c = with_will("10 [<'MQTT'> 05 04 0000 [11 00000064] <'a'> [18 00000005] <'w'> <'bye'>]");
    client_resume(h, PROTOCOL_5_0, "a", true); /* with a delay: not */
    client_expect_closed(c, "E0 01 8E");
    harness_advance(h, 10000);
    client_expect_silence(watcher);
    c = with_will("10 [<'MQTT'> 05 04 0000 [11 00000064] <'a'> [18 00000005] <'w'> <'bye'>]");
    client_join(h, PROTOCOL_5_0, "a"); /* Clean Start ends the session: published */
    client_expect_closed(c, "E0 01 8E");
    client_expect(watcher, "30 [<'w'> [] 'bye']");
    harness_destroy(h);
}
END_TEST

START_TEST(a_will_reaches_who_took_over)
{
    begin();
    struct client *c = client_connect(h, "10 [<'MQTT'> 05 04 0000 [11 00000064] <'a'> [] <'w'> <'bye'>]",
                                      "20 [00 00 [22 000A]]");
    client_subscribe(c, "w", 1);
    struct client *next = client_resume(h, PROTOCOL_5_0, "a", true);
    client_expect_closed(c, "E0 01 8E");
    client_expect(watcher, "30 [<'w'> [] 'bye']");
    client_expect_silence(next); /* QoS 0, published while nobody was connected */
    harness_destroy(h);
}
END_TEST

/* [S-4.7.2-1] what a client may not publish it may not leave behind as its Will either */
START_TEST(a_will_is_not_for_topics_of_the_broker)
{
    begin();
    client_subscribe(watcher, "$SYS/#", 1);
    struct client *c = client_open(h);
    client_send(c, "10 [<'MQTT'> 05 26 0000 [] <'a'> [] <'$SYS/broker/version'> <'bye'>]");
    client_expect_refusal(c, 0x90, "[S-4.7.2-1]");
    for (int v = 0; v < 2; v++) { /* these have no return code for it */
        c = client_open(h);
        client_send(c, v == 0 ? "10 [<'MQIsdp'> 03 26 0000 <'a'> <'$SYS/broker/version'> <'bye'>]"
                              : "10 [<'MQTT'> 04 26 0000 <'a'> <'$SYS/broker/version'> <'bye'>]");
        client_expect_closed(c, "");
    }
    client_expect_silence(watcher);
    ck_assert_uint_eq(broker_statistics(h->broker).retained_messages, 0);
    harness_publish(h, "$SYS/broker/version", "1"); /* it would have been heard */
    client_expect(watcher, "30 [<'$SYS/broker/version'> [] '1']");
    harness_destroy(h);
}
END_TEST

/* 4.8.2: the session that ends is no member any more */
START_TEST(a_will_is_not_left_to_the_session_that_ends)
{
    h = harness_create(NULL);
    struct client *c = with_will("10 [<'MQTT'> 05 16 0000 [] <'a'> [] <'w'> <'bye'>]");
    client_send(c, "82 [0001 [] <'$share/g/w'> 02]"); /* first in turn */
    client_expect(c, "90 [0001 [] 02]");
    struct client *away = client_resume(h, PROTOCOL_5_0, "away", false);
    client_subscribe(away, "$share/g/w", 2);
    client_drop(away);
    client_drop(c);
    away = client_resume(h, PROTOCOL_5_0, "away", true);
    client_expect(away, "34 [<'w'> 0001 [] 'bye']");
    harness_destroy(h);
}
END_TEST

START_TEST(a_will_is_of_the_format_that_it_declares) /* [R-3.1.3.2.3-1] */
{
    begin();
    struct client *c = client_open(h);
    client_send(c, "10 [<'MQTT'> 05 06 0000 [] <'a'> [01 01] <'w'> <C3>]");
    client_expect_refusal(c, 0x99, "[R-3.1.3.2.3-1]");
    c = with_will("10 [<'MQTT'> 05 06 0000 [] <'a'> [01 01] <'w'> <C3 BC>]");
    client_drop(c);
    client_expect(watcher, "30 [<'w'> [01 01] C3 BC]");
    c = with_will("10 [<'MQTT'> 05 06 0000 [] <'a'> [01 00] <'w'> <C3>]");
    client_drop(c);
    client_expect(watcher, "30 [<'w'> [01 00] C3]");
    harness_destroy(h);
}
END_TEST

START_TEST(an_empty_will_payload)
{
    begin();
    client_drop(with_will("10 [<'MQTT'> 04 06 0000 <'a'> <'w'> <>]"));
    client_expect(watcher, "30 [<'w'> []]");
    harness_destroy(h);
}
END_TEST

START_TEST(a_will_with_long_properties) /* a Property Length of two bytes */
{
    begin();
    client_drop(with_will("10 [<'MQTT'> 05 06 0000 [] <'a'> [26 <61*200> <62*300>] <'w'> <'bye'>]"));
    client_expect(watcher, "30 [<'w'> [26 <61*200> <62*300>] 'bye']");
    harness_destroy(h);
}
END_TEST

Suite *suite_3_01_2_05_will(void);
Suite *suite_3_01_2_05_will(void)
{
    HARNESS_SUITE("3.1.2.5 Will", a_broken_connection_publishes_the_will, a_disconnect_discards_the_will,
                  a_disconnect_can_ask_for_the_will, without_will_flag_there_is_none,
                  an_error_publishes_the_will, silence_publishes_the_will, the_will_has_its_qos,
                  the_will_is_retained_if_it_says_so, will_properties_travel_in_order,
                  the_expiry_interval_runs_from_publication, the_delay_is_exact,
                  the_end_of_the_session_ends_the_delay, a_delay_without_end_ends_with_the_session,
                  who_comes_back_in_time_keeps_the_will_unsent, a_take_over_ends_the_connection_as_any_other,
                  a_will_reaches_who_took_over, an_empty_will_payload, a_will_is_not_for_topics_of_the_broker,
                  a_will_is_not_left_to_the_session_that_ends, a_will_is_of_the_format_that_it_declares,
                  a_will_with_long_properties);
}
