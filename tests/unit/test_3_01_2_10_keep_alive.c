/* 3.1.2.10 Keep Alive, and the time that a client has for its CONNECT. */
#include "broker_harness.h"

static const char *const connects[3] = {"10 [<'MQIsdp'> 03 02 000A <'a'>]", "10 [<'MQTT'> 04 02 000A <'a'>]",
                                        "10 [<'MQTT'> 05 02 000A [] <'a'>]"};

START_TEST(one_and_a_half_times_to_the_millisecond) /* [MQTT-3.1.2-22] [MQTT3-3.1.2-24] */
{
    for (int v = 0; v < 3; v++) {
        struct harness *h = harness_create(NULL);
        const bool five = unit_versions[v] == PROTOCOL_5_0;
        struct client *c = client_connect(h, connects[v], five ? "20 [00 00 [22 000A]]" : "20 02 00 00");
        ck_assert_uint_eq(broker_deadline(h->broker), h->now + 15000);
        harness_advance(h, 14999);
        client_expect_silence(c);
        harness_advance(h, 1);
        client_expect_closed(c, five ? "E0 01 8D" : "");
        ck_assert_uint_eq(broker_deadline(h->broker), UINT64_MAX);
        harness_destroy(h);
    }
}
END_TEST

START_TEST(every_packet_counts)
{
    static const char *const packets[] = {"C0 00", "30 [<'t'> 'x']", "40 02 0001", "82 [0001 <'t'> 00]",
                                          "A2 [0001 <'t'>]"};
    struct harness *h = harness_create(NULL);
    struct client *c = client_connect(h, connects[1], "20 02 00 00");
    for (int i = 0; i < COUNT(packets); i++) {
        harness_advance(h, 14999);
        client_send(c, packets[i]);
        client_ignore(c);
    }
    harness_advance(h, 14999);
    client_expect_silence(c);
    harness_advance(h, 1);
    client_expect_closed(c, "");
    harness_destroy(h);
}
END_TEST

START_TEST(what_the_server_sends_does_not_count)
{
    struct harness *h = harness_create(NULL);
    struct client *c = client_connect(h, connects[1], "20 02 00 00");
    client_subscribe(c, "t", 0);
    harness_advance(h, 14000);
    harness_publish(h, "t", "x");
    client_expect(c, "30 [<'t'> 'x']");
    harness_advance(h, 1000);
    client_expect_closed(c, "");
    harness_destroy(h);
}
END_TEST

START_TEST(half_a_packet_does_not_count)
{
    struct harness *h = harness_create(NULL);
    struct client *c = client_connect(h, connects[1], "20 02 00 00");
    harness_advance(h, 14999);
    client_send(c, "C0");
    harness_advance(h, 1);
    client_expect_closed(c, "");
    harness_destroy(h);
}
END_TEST

START_TEST(what_comes_too_late_is_not_heard)
{
    struct harness *h = harness_create(NULL);
    struct client *c = client_connect(h, connects[1], "20 02 00 00");
    h->now += 15000; /* the timer runs first, in the step that brings the packet */
    client_send(c, "C0 00");
    client_expect_closed(c, "");
    harness_destroy(h);
}
END_TEST

START_TEST(zero_turns_it_off) /* [D-3.1.2.10-1] */
{
    struct harness *h = harness_create(NULL);
    struct client *c = client_join(h, PROTOCOL_5_0, "a");
    ck_assert_uint_eq(broker_deadline(h->broker), UINT64_MAX);
    harness_advance(h, 1000ULL * 86400 * 365);
    client_expect_silence(c);
    harness_destroy(h);
}
END_TEST

START_TEST(the_greatest_value)
{
    struct harness *h = harness_create(NULL);
    struct client *c = client_connect(h, "10 [<'MQTT'> 04 02 FFFF <'a'>]", "20 02 00 00");
    harness_advance(h, 65535 * 1500 - 1);
    client_expect_silence(c);
    harness_advance(h, 1);
    client_expect_closed(c, "");
    harness_destroy(h);
}
END_TEST

START_TEST(the_server_can_shorten_it) /* [MQTT-3.2.2-22] 3.2.2.3.14 */
{
    struct broker_settings settings = harness_settings();
    settings.topic_alias_maximum = 0;
    settings.server_keep_alive = 6;
    struct harness *h = harness_create(&settings);
    client_connect(h, "10 [<'MQTT'> 05 02 0006 [] <'equal'>]", "20 [00 00 []]");
    struct client *shorter = client_connect(h, "10 [<'MQTT'> 05 02 0005 [] <'shorter'>]", "20 [00 00 []]");
    struct client *longer =
        client_connect(h, "10 [<'MQTT'> 05 02 0007 [] <'longer'>]", "20 [00 00 [13 0006]]");
    client_connect(h, "10 [<'MQTT'> 05 02 0000 [] <'off'>]", "20 [00 00 [13 0006]]");
    harness_advance(h, 7500);
    client_expect_closed(shorter, "E0 01 8D");
    harness_advance(h, 1499);
    client_expect_silence(longer);
    harness_advance(h, 1);
    client_expect_closed(longer, "E0 01 8D");
    ck_assert_uint_eq(broker_statistics(h->broker).clients, 0);
    harness_destroy(h);
}
END_TEST

START_TEST(connect_has_to_come_in_time) /* [S-3.1.4-1] */
{
    struct harness *h = harness_create(NULL);
    struct client *silent = client_open(h);
    struct client *half = client_open(h);
    client_send(half, "10 20 00 04 'MQ'");
    ck_assert_uint_eq(broker_deadline(h->broker), h->now + 10000);
    harness_advance(h, 9999);
    ck_assert(!silent->closed_by_broker && !half->closed_by_broker);
    harness_advance(h, 1);
    client_expect_closed(silent, "");
    client_expect_closed(half, "");
    ck_assert(harness_logged(h, "sent no CONNECT in time"));
    harness_destroy(h);
}
END_TEST

START_TEST(the_time_for_connect_can_be_endless)
{
    struct broker_settings settings = harness_settings();
    settings.connect_timeout = 0;
    struct harness *h = harness_create(&settings);
    struct client *c = client_open(h);
    ck_assert_uint_eq(broker_deadline(h->broker), UINT64_MAX);
    harness_advance(h, 86400000);
    client_expect_silence(c);
    client_send(c, "10 [<'MQTT'> 04 02 0000 <'a'>]");
    client_expect(c, "20 02 00 00");
    harness_destroy(h);
}
END_TEST

Suite *suite_3_01_2_10_keep_alive(void);
Suite *suite_3_01_2_10_keep_alive(void)
{
    HARNESS_SUITE("3.1.2.10 Keep Alive", one_and_a_half_times_to_the_millisecond, every_packet_counts,
                  what_the_server_sends_does_not_count, half_a_packet_does_not_count,
                  what_comes_too_late_is_not_heard, zero_turns_it_off, the_greatest_value,
                  the_server_can_shorten_it, connect_has_to_come_in_time,
                  the_time_for_connect_can_be_endless);
}
