/* broker: steps, statistics, settings, shutting down. */
#include "broker_harness.h"

#include "mqtt/broker_state.h"

START_TEST(a_shutdown_tells_everybody) /* [MQTT-4.13.2-1] 3.14.2.1: 0x8B */
{
    struct harness *h = harness_create(NULL);
    struct client *five = client_join(h, PROTOCOL_5_0, "five");
    struct client *four = client_join(h, PROTOCOL_3_1_1, "four");
    struct client *three = client_join(h, PROTOCOL_3_1, "three");
    struct client *silent = client_open(h);
    harness_shutdown(h);
    client_expect_closed(five, "E0 01 8B");
    client_expect_closed(four, "");
    client_expect_closed(three, "");
    client_expect_closed(silent, "");
    struct client *late = client_open(h);
    client_send(late, "10 [<'MQTT'> 05 02 0000 [] <'late'>]");
    client_expect_refusal(late, 0x88, "[MQTT-3.1.4-2]"); /* [MQTT-3.2.2-8] 0x8B is for DISCONNECT */
    late = client_open(h);
    client_send(late, "10 [<'MQTT'> 04 02 0000 <'late'>]");
    client_expect_closed(late, "20 02 00 03");
    harness_destroy(h);
}
END_TEST

START_TEST(a_shutdown_ends_with_wills) /* [D-3.1.2.5-4] */
{
    struct harness *h = harness_create(NULL);
    client_connect(h, "10 [<'MQTT'> 05 26 0000 [] <'a'> [] <'w'> <'bye'>]", "20 06 00 00 03 22 000A");
    client_connect(h, "10 [<'MQTT'> 05 26 0000 [11 00000064] <'b'> [18 00000005] <'v'> <'bye'>]",
                   "20 06 00 00 03 22 000A");
    harness_shutdown(h);
    harness_shutdown(h);                                                  /* once is enough */
    ck_assert_uint_eq(broker_statistics(h->broker).retained_messages, 1); /* the other one's delay runs */
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 1);
    harness_destroy(h); /* [D-3.1.2.5-5] it is not published on the way out */
}
END_TEST

START_TEST(figures)
{
    struct harness *h = harness_create(NULL);
    struct client *a = client_join(h, PROTOCOL_3_1_1, "a"); /* 2 + 10 + 3 = 15 in, 4 out */
    struct client *b = client_join(h, PROTOCOL_3_1_1, "b");
    client_subscribe(a, "t", 0);      /* 2 + 2 + 4 = 8 in, 5 out */
    client_send(b, "30 [<'t'> 'x']"); /* 6 in, 6 out */
    client_expect(a, "30 [<'t'> 'x']");
    client_drop(b);
    client_send(a, "31 [<'r'> 'x']");
    const struct broker_statistics s = broker_statistics(h->broker);
    ck_assert_uint_eq(s.connections, 1);
    ck_assert_uint_eq(s.connections_maximum, 2);
    ck_assert_uint_eq(s.connections_total, 2);
    ck_assert_uint_eq(s.clients, 1);
    ck_assert_uint_eq(s.clients_maximum, 2);
    ck_assert_uint_eq(s.sessions, 1);
    ck_assert_uint_eq(s.subscriptions, 1);
    ck_assert_uint_eq(s.subscriptions_shared, 0);
    ck_assert_uint_eq(s.retained_messages, 1);
    ck_assert_uint_eq(s.bytes_received, 15 + 15 + 8 + 6 + 6);
    ck_assert_uint_eq(s.bytes_sent, 4 + 4 + 5 + 6);
    ck_assert_uint_eq(s.packets_received, 5);
    ck_assert_uint_eq(s.messages_received, 2);
    ck_assert_uint_eq(s.messages_sent, 1);
    ck_assert_uint_eq(s.messages_dropped, 0);
    harness_destroy(h);
}
END_TEST

START_TEST(an_empty_broker)
{
    struct harness *h = harness_create(NULL);
    ck_assert_uint_eq(broker_deadline(h->broker), UINT64_MAX);
    ck_assert_ptr_null(broker_next_ready(h->broker));
    harness_advance(h, 1);
    harness_destroy(h);
    broker_destroy(NULL);
}
END_TEST

START_TEST(without_log_all_is_the_same)
{
    struct harness *h = harness_create(NULL);
    h->broker->environment.log = NULL;
    struct client *c = client_join(h, PROTOCOL_5_0, "a");
    client_send(c, "C0 00 36 [<'t'> 0001 [] 'x']");
    ck_assert(c->closed_by_broker);
    ck_assert_uint_eq(h->log_length, 0);
    harness_destroy(h);
}
END_TEST

START_TEST(two_brokers_do_not_know_of_each_other)
{
    struct harness *one = harness_create(NULL);
    struct harness *two = harness_create(NULL);
    struct client *a = client_join(one, PROTOCOL_3_1_1, "a");
    struct client *b = client_join(two, PROTOCOL_3_1_1, "a");
    client_subscribe(a, "t", 0);
    client_subscribe(b, "t", 0);
    client_send(a, "30 [<'t'> 'x']");
    client_expect(a, "30 [<'t'> 'x']");
    client_expect_silence(b);
    harness_destroy(one);
    harness_destroy(two);
}
END_TEST

START_TEST(timers_run_before_what_comes_late)
{
    struct harness *h = harness_create(NULL);
    struct client *watcher = client_join(h, PROTOCOL_3_1_1, "w");
    client_subscribe(watcher, "w", 0);
    client_drop(client_connect(h, "10 [<'MQTT'> 05 06 0000 [11 00000064] <'a'> [18 00000005] <'w'> <'bye'>]",
                               "20 06 00 00 03 22 000A"));
    h->now += 5000;
    client_send(watcher, "C0 00");
    client_expect(watcher, "30 [<'w'> 'bye'] D0 00");
    harness_destroy(h);
}
END_TEST

START_TEST(everything_left_over_is_freed) /* a sanitizer judges */
{
    struct harness *h = harness_create(NULL);
    struct client *c = client_resume(h, PROTOCOL_5_0, "a", false);
    struct client *from = client_join(h, PROTOCOL_5_0, "from");
    client_subscribe(c, "t", 2);
    client_send(from, "34 [<'t'> 0001 [] '1'] 34 [<'t'> 0002 [] 61*5000] 35 [<'t'> 0003 [02 00000005] '2']");
    client_drop(c);
    client_send(from, "34 [<'t'> 0004 [] '3'] 31 [<'r'> [02 00000005 23 0001] 'x']");
    client_send(from, "30 7F 00");
    harness_destroy(h);
}
END_TEST

Suite *suite_broker(void);
Suite *suite_broker(void)
{
    HARNESS_SUITE("broker", a_shutdown_tells_everybody, a_shutdown_ends_with_wills, figures, an_empty_broker,
                  without_log_all_is_the_same, two_brokers_do_not_know_of_each_other,
                  timers_run_before_what_comes_late, everything_left_over_is_freed);
}
