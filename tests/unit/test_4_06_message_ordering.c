/* 4.6 Message ordering: the queue of a session, its limits, and who does not read. */
#include "broker_harness.h"

static struct harness *h;
static struct client *from, *to;

static void begin_with(const struct broker_settings *settings, const char *receive_maximum)
{
    char notation[NOTATION_SIZE];
    h = harness_create(settings);
    from = client_join(h, PROTOCOL_5_0, "from");
    octets_print(notation, "10 [<'MQTT'> 05 00 0000 [11 FFFFFFFF 21 %s] <'to'>]", receive_maximum);
    to = client_connect(h, notation, "20 06 00 00 03 22 000A");
    client_subscribe(to, "t", 2);
}

/* [MQTT-4.6.0-5] [MQTT-4.6.0-6] [MQTT3-4.6.0-5] [MQTT3-4.6.0-6] */
START_TEST(nothing_overtakes_what_waits)
{
    const struct broker_settings settings = harness_settings();
    begin_with(&settings, "0002");
    client_send(
        from, "32 [<'t'> 0001 [] '1'] 34 [<'t'> 0002 [] '2'] 32 [<'t'> 0003 [] '3'] 34 [<'t'> 0004 [] '4']");
    client_expect(to, "32 [<'t'> 0001 [] '1'] 34 [<'t'> 0002 [] '2']");
    client_send(to, "50 02 0002"); /* frees nothing yet */
    client_expect(to, "62 02 0002");
    client_send(to, "70 02 0002");
    client_expect(to, "32 [<'t'> 0003 [] '3']");
    client_send(from, "32 [<'t'> 0005 [] '5']"); /* behind 4, though it was not in the window either */
    client_send(to, "40 02 0001");
    client_expect(to, "34 [<'t'> 0004 [] '4']");
    client_send(to, "40 02 0003");
    client_expect(to, "32 [<'t'> 0005 [] '5']");
    harness_destroy(h);
}
END_TEST

/* 1 is in flight, 2 and 3 wait, the queue is full when 4 comes. */
static void overfill(bool drop_oldest)
{
    struct broker_settings settings = harness_settings();
    settings.maximum_queued = 2;
    settings.drop_oldest = drop_oldest;
    begin_with(&settings, "0001");
    client_send(
        from, "32 [<'t'> 0001 [] '1'] 32 [<'t'> 0001 [] '2'] 32 [<'t'> 0001 [] '3'] 32 [<'t'> 0001 [] '4']");
    client_expect(from, "40 02 0001 40 02 0001 40 02 0001 40 02 0001");
    client_expect(to, "32 [<'t'> 0001 [] '1']");
    ck_assert_uint_eq(broker_statistics(h->broker).messages_dropped, 1);
}

START_TEST(a_full_queue_loses_the_newest)
{
    overfill(false);
    client_send(to, "40 02 0001");
    client_expect(to, "32 [<'t'> 0002 [] '2']");
    client_send(to, "40 02 0002");
    client_expect(to, "32 [<'t'> 0003 [] '3']");
    client_send(to, "40 02 0003");
    client_expect_silence(to);
    harness_destroy(h);
}
END_TEST

START_TEST(a_full_queue_loses_the_oldest)
{
    overfill(true);
    client_send(to, "40 02 0001");
    client_expect(to, "32 [<'t'> 0002 [] '3']");
    client_send(to, "40 02 0002");
    client_expect(to, "32 [<'t'> 0003 [] '4']");
    client_send(to, "40 02 0003");
    client_expect_silence(to);
    harness_destroy(h);
}
END_TEST

START_TEST(a_queue_without_room)
{
    for (int drop_oldest = 0; drop_oldest < 2; drop_oldest++) {
        struct broker_settings settings = harness_settings();
        settings.maximum_queued = 0;
        settings.drop_oldest = drop_oldest;
        begin_with(&settings, "0001");
        client_send(from, "32 [<'t'> 0001 [] '1'] 32 [<'t'> 0001 [] '2']");
        client_expect(to, "32 [<'t'> 0001 [] '1']");
        client_send(to, "40 02 0001");
        client_expect_silence(to);
        ck_assert_uint_eq(broker_statistics(h->broker).messages_dropped, 1);
        harness_destroy(h);
    }
}
END_TEST

START_TEST(the_queue_of_who_is_away_is_limited_too)
{
    struct broker_settings settings = harness_settings();
    settings.maximum_queued = 3;
    begin_with(&settings, "0009");
    client_drop(to);
    for (int i = 0; i < 10; i++)
        client_send(from, "32 [<'t'> 0001 [] 'x']");
    to = client_resume(h, PROTOCOL_5_0, "to", true);
    client_expect(to, "32 [<'t'> 0001 [] 'x'] 32 [<'t'> 0002 [] 'x'] 32 [<'t'> 0003 [] 'x']");
    ck_assert_uint_eq(broker_statistics(h->broker).messages_dropped, 7);
    harness_destroy(h);
}
END_TEST

START_TEST(what_has_expired_makes_room) /* [MQTT-3.3.2-5] */
{
    struct broker_settings settings = harness_settings();
    settings.maximum_queued = 2;
    begin_with(&settings, "0001");
    client_send(from,
                "32 [<'t'> 0001 [] '1'] 32 [<'t'> 0001 [02 00000001] '2'] 32 [<'t'> 0001 [02 00000001] '3']");
    client_expect(to, "32 [<'t'> 0001 [] '1']");
    harness_advance(h, 1000);
    client_send(from, "32 [<'t'> 0001 [] '4']");
    ck_assert_uint_eq(broker_statistics(h->broker).messages_dropped, 0);
    client_send(to, "40 02 0001");
    client_expect(to, "32 [<'t'> 0002 [] '4']");
    harness_destroy(h);
}
END_TEST

START_TEST(who_does_not_read_loses_qos_0_only) /* the output limit */
{
    struct broker_settings settings = harness_settings();
    settings.maximum_output = 1000;
    begin_with(&settings, "FFFF");
    struct client *other = client_join(h, PROTOCOL_3_1_1, "other");
    client_subscribe(other, "t", 0);
    to->stalled = true;
    client_send(from, "30 [<'t'> [] 61*997]"); /* 1 + 2 + 3 + 1 + 997: above the limit from now on */
    client_send(from, "30 [<'t'> [] '0'] 32 [<'t'> 0001 [] '1'] 30 [<'t'> [] '0'] 34 [<'t'> 0002 [] '2']");
    ck_assert_uint_eq(broker_statistics(h->broker).messages_dropped, 2);
    ck_assert_uint_eq(client_count(other, PACKET_PUBLISH), 5); /* nobody else notices */
    client_read(to);
    client_expect(to, "30 [<'t'> [] 61*997] 32 [<'t'> 0001 [] '1'] 34 [<'t'> 0002 [] '2']");
    client_send(from, "30 [<'t'> [] '0']");
    client_expect(to, "30 [<'t'> [] '0']");
    harness_destroy(h);
}
END_TEST

START_TEST(at_the_limit_there_is_still_room)
{
    struct broker_settings settings = harness_settings();
    settings.maximum_output = 1004;
    begin_with(&settings, "FFFF");
    to->stalled = true;
    client_send(from, "30 [<'t'> [] 61*997] 30 [<'t'> [] '1'] 30 [<'t'> [] '2']"); /* 1004, then more */
    ck_assert_uint_eq(broker_statistics(h->broker).messages_dropped, 1);
    client_read(to);
    client_expect(to, "30 [<'t'> [] 61*997] 30 [<'t'> [] '1']");
    harness_destroy(h);
}
END_TEST

START_TEST(retained_messages_wait_in_order_with_live_ones) /* [MQTT-4.6.0-6] */
{
    struct broker_settings settings = harness_settings();
    settings.maximum_output = 0;
    settings.maximum_queued = 1;
    begin_with(&settings, "FFFF");
    client_send(from, "31 [<'r'> [] 'old']");
    to->stalled = true;
    client_send(to, "82 [0001 [] <'r'> 00]"); /* the SUBACK waits, so does the retained message */
    client_send(from, "30 [<'r'> [] 'new'] 30 [<'r'> [] 'lost']"); /* one place in the queue: none is left */
    client_read(to);
    client_expect(to, "90 [0001 [] 00] 31 [<'r'> [] 'old']");
    ck_assert_uint_eq(broker_statistics(h->broker).messages_dropped, 2);
    harness_destroy(h);
}
END_TEST

START_TEST(who_is_away_gets_no_qos_0) /* [D-4.1-4] */
{
    const struct broker_settings settings = harness_settings();
    begin_with(&settings, "0001");
    client_drop(to);
    client_send(from, "30 [<'t'> [] '0']");
    to = client_resume(h, PROTOCOL_5_0, "to", true);
    client_expect_silence(to);
    harness_destroy(h);
}
END_TEST

START_TEST(a_queued_message_that_is_too_large) /* [MQTT-3.1.2-25] */
{
    const struct broker_settings settings = harness_settings();
    begin_with(&settings, "0001");
    client_drop(to);
    client_send(from, "32 [<'t'> 0001 [] 61*50] 32 [<'t'> 0001 [] 'x']");
    to = client_connect(h, "10 [<'MQTT'> 05 00 0000 [11 FFFFFFFF 21 0001 27 00000014] <'to'>]",
                        "20 06 01 00 03 22 000A 32 [<'t'> 0002 [] 'x']");
    harness_destroy(h);
}
END_TEST

Suite *suite_4_06_message_ordering(void);
Suite *suite_4_06_message_ordering(void)
{
    HARNESS_SUITE("4.6 Message ordering", nothing_overtakes_what_waits, a_full_queue_loses_the_newest,
                  a_full_queue_loses_the_oldest, a_queue_without_room,
                  the_queue_of_who_is_away_is_limited_too, what_has_expired_makes_room,
                  who_does_not_read_loses_qos_0_only, at_the_limit_there_is_still_room,
                  retained_messages_wait_in_order_with_live_ones, who_is_away_gets_no_qos_0,
                  a_queued_message_that_is_too_large);
}
