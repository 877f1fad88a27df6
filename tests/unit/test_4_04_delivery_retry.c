/* 4.4 Message delivery retry: what is sent again when a client comes back, and only then. */
#include "broker_harness.h"

static struct harness *h;
static struct client *sender;
static struct client *c;

/* A client with a lasting session and five messages on their way: 1 unacknowledged, 2 acknowledged, 3
 * unacknowledged at QoS 2, 4 released, 5 complete. */
static void begin(enum protocol_version version)
{
    h = harness_create(NULL);
    sender = client_join(h, PROTOCOL_3_1_1, "s");
    c = client_resume(h, version, "c", false);
    client_subscribe(c, "t", 2);
    client_send(sender, "32 [<'t'> 0001 '1'] 32 [<'t'> 0001 '2'] 34 [<'t'> 0003 '3'] 34 [<'t'> 0004 '4'] 34 "
                        "[<'t'> 0005 '5']");
    ck_assert_uint_eq(client_count(c, PACKET_PUBLISH), 5);
    client_ignore(c);
    client_send(c, "40 02 0002 50 02 0004 50 02 0005 70 02 0005");
    client_expect(c, "62 02 0004 62 02 0005");
}

/* [MQTT-4.4.0-1] [MQTT-4.6.0-1] [MQTT-3.3.1-1] [MQTT3-4.4.0-1] [MQTT3-4.6.0-6] [MQTT3-3.3.1-1] */
START_TEST(it_is_sent_again_in_the_original_order)
{
    for (int v = 0; v < 3; v++) {
        begin(unit_versions[v]);
        for (int times = 0; times < 2; times++) {
            client_drop(c);
            c = client_resume(h, unit_versions[v], "c", true);
            client_expect(c, v == 2 ? "3A [<'t'> 0001 [] '1'] 3C [<'t'> 0003 [] '3'] 62 02 0004"
                                    : "3A [<'t'> 0001 '1'] 3C [<'t'> 0003 '3'] 62 02 0004");
        }
        client_send(c, "40 02 0001 50 02 0003 70 02 0003 70 02 0004"); /* [MQTT-4.3.3-5] complete after all */
        client_expect(c, "62 02 0003");
        client_drop(c);
        client_resume(h, unit_versions[v], "c", true);
        client_expect_silence(h->clients);
        harness_destroy(h);
    }
}
END_TEST

START_TEST(nothing_is_sent_again_on_a_living_connection) /* [MQTT-4.4.0-1] */
{
    begin(PROTOCOL_3_1_1);
    harness_advance(h, 86400000);
    client_send(c, "C0 00");
    client_expect(c, "D0 00");
    harness_destroy(h);
}
END_TEST

/* [MQTT-4.3.3-6] the message is forgotten once PUBREC has come */
START_TEST(nothing_is_sent_again_after_an_answer)
{
    begin(PROTOCOL_5_0);
    client_send(c, "40 03 0001 80 50 02 0003");
    client_expect(c, "62 02 0003");
    client_drop(c);
    c = client_resume(h, PROTOCOL_5_0, "c", true);
    client_expect(c, "62 02 0003 62 02 0004");
    harness_destroy(h);
}
END_TEST

START_TEST(a_clean_start_forgets_it) /* [MQTT-3.1.2-4] */
{
    begin(PROTOCOL_5_0);
    client_drop(c);
    c = client_join(h, PROTOCOL_5_0, "c");
    client_expect_silence(c);
    harness_destroy(h);
}
END_TEST

START_TEST(what_waits_comes_behind_it) /* [MQTT-4.6.0-5] [MQTT3-4.6.0-6] */
{
    begin(PROTOCOL_3_1_1);
    client_drop(c);
    client_send(sender, "32 [<'t'> 0001 '6']");
    c = client_resume(h, PROTOCOL_3_1_1, "c", true);
    client_expect(c, "3A [<'t'> 0001 '1'] 3C [<'t'> 0003 '3'] 62 02 0004 32 [<'t'> 0006 '6']");
    client_drop(c);
    c = client_resume(h, PROTOCOL_3_1_1, "c", true);
    client_expect(c, "3A [<'t'> 0001 '1'] 3C [<'t'> 0003 '3'] 62 02 0004 3A [<'t'> 0006 '6']");
    harness_destroy(h);
}
END_TEST

START_TEST(a_client_that_takes_less_now) /* [MQTT-3.1.2-24] [MQTT-3.1.2-25] */
{
    h = harness_create(NULL);
    sender = client_join(h, PROTOCOL_3_1_1, "s");
    c = client_resume(h, PROTOCOL_5_0, "c", false);
    client_subscribe(c, "t", 1);
    client_send(sender, "32 [<'t'> 0001 61*50] 32 [<'t'> 0001 'x']");
    client_drop(c);
    c = client_connect(h, "10 [<'MQTT'> 05 00 0000 [11 FFFFFFFF 27 00000014] <'c'>]",
                       "20 06 01 00 03 22 000A 3A [<'t'> 0002 [] 'x']");
    client_drop(c);
    c = client_resume(h, PROTOCOL_5_0, "c", true); /* completed as if it had been sent */
    client_expect(c, "3A [<'t'> 0002 [] 'x']");
    harness_destroy(h);
}
END_TEST

START_TEST(a_take_over_sends_it_again_too)
{
    begin(PROTOCOL_5_0);
    struct client *old = c;
    c = client_resume(h, PROTOCOL_5_0, "c", true);
    client_expect_closed(old, "E0 01 8E");
    client_expect(c, "3A [<'t'> 0001 [] '1'] 3C [<'t'> 0003 [] '3'] 62 02 0004");
    harness_destroy(h);
}
END_TEST

Suite *suite_4_04_delivery_retry(void);
Suite *suite_4_04_delivery_retry(void)
{
    HARNESS_SUITE("4.4 Message delivery retry", it_is_sent_again_in_the_original_order,
                  nothing_is_sent_again_on_a_living_connection, nothing_is_sent_again_after_an_answer,
                  a_clean_start_forgets_it, what_waits_comes_behind_it, a_client_that_takes_less_now,
                  a_take_over_sends_it_again_too);
}
