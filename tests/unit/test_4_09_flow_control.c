/* 4.9 Flow control. */
#include "broker_harness.h"

#include "mqtt/4_09_flow_control.h"

START_TEST(the_smaller_of_both_limits) /* [MQTT-4.9.0-1] [D-3.1.2.11.3-2] */
{
    ck_assert_uint_eq(flow_send_maximum(0, 0), 65535);
    ck_assert_uint_eq(flow_send_maximum(5, 0), 5);
    ck_assert_uint_eq(flow_send_maximum(0, 5), 5);
    ck_assert_uint_eq(flow_send_maximum(5, 6), 5);
    ck_assert_uint_eq(flow_send_maximum(6, 5), 5);
    ck_assert_uint_eq(flow_send_maximum(65535, 65535), 65535);
}
END_TEST

START_TEST(the_window_of_the_client) /* [MQTT-4.9.0-2] [MQTT-3.3.4-9] [D-4.9-2]; [MQTT-4.9.0-3] */
{
    struct harness *h = harness_create(NULL);
    struct client *from = client_join(h, PROTOCOL_3_1_1, "from");
    struct client *to =
        client_connect(h, "10 [<'MQTT'> 05 02 0000 [21 0002] <'to'>]", "20 06 00 00 03 22 000A");
    client_subscribe(to, "t", 2);
    for (int i = 0; i < 4; i++)
        client_send(from, "34 [<'t'> 0001 'x'] 62 02 0001");
    client_expect(to, "34 [<'t'> 0001 [] 'x'] 34 [<'t'> 0002 [] 'x']");
    client_send(from, "30 [<'t'> '0']"); /* [D-4.9-1] QoS 0 is not held back here */
    client_expect(to, "30 [<'t'> [] '0']");
    client_send(to,
                "50 02 0001 50 02 0002 C0 00 82 [0001 [] <'u'> 00]"); /* other packets are never held back */
    client_expect(to, "62 02 0001 62 02 0002 D0 00 90 [0001 [] 00]");
    client_send(to, "70 03 0002 92"); /* error or not */
    client_expect(to, "34 [<'t'> 0003 [] 'x']");
    client_send(to, "50 03 0003 80"); /* PUBREC with an error */
    client_expect(to, "34 [<'t'> 0004 [] 'x']");
    harness_destroy(h);
}
END_TEST

START_TEST(our_own_limit_holds_for_everybody)
{
    struct broker_settings settings = harness_settings();
    settings.maximum_inflight = 1;
    struct harness *h = harness_create(&settings);
    struct client *from = client_join(h, PROTOCOL_3_1_1, "from");
    for (int v = 0; v < 3; v++) {
        char name[2] = {(char)('a' + v), '\0'};
        struct client *to = client_join(h, unit_versions[v], name);
        client_subscribe(to, "t", 1);
        client_send(from, "32 [<'t'> 0001 'x'] 32 [<'t'> 0002 'y']");
        client_expect(to, v == 2 ? "32 [<'t'> 0001 [] 'x']" : "32 [<'t'> 0001 'x']");
        client_send(to, "40 02 0001");
        client_expect(to, v == 2 ? "32 [<'t'> 0002 [] 'y']" : "32 [<'t'> 0002 'y']");
    }
    harness_destroy(h);
}
END_TEST

START_TEST(each_connection_begins_anew) /* [D-4.9-4] [D-3.1.2.11.3-1] */
{
    struct harness *h = harness_create(NULL);
    struct client *from = client_join(h, PROTOCOL_3_1_1, "from");
    struct client *to =
        client_connect(h, "10 [<'MQTT'> 05 00 0000 [21 0001 11 FFFFFFFF] <'to'>]", "20 06 00 00 03 22 000A");
    client_subscribe(to, "t", 1);
    client_send(from, "32 [<'t'> 0001 '1'] 32 [<'t'> 0002 '2'] 32 [<'t'> 0003 '3']");
    client_expect(to, "32 [<'t'> 0001 [] '1']");
    client_drop(to);
    to = client_connect(h, "10 [<'MQTT'> 05 00 0000 [21 0002 11 FFFFFFFF] <'to'>]",
                        "20 06 01 00 03 22 000A 3A [<'t'> 0001 [] '1'] 32 [<'t'> 0002 [] '2']");
    client_send(to, "40 02 0001");
    client_expect(to, "32 [<'t'> 0003 [] '3']");
    harness_destroy(h);
}
END_TEST

/* [MQTT-4.9.0-2] [MQTT-3.3.4-9] holds for what is sent again as well */
START_TEST(a_smaller_window_than_before)
{
    struct harness *h = harness_create(NULL);
    struct client *from = client_join(h, PROTOCOL_3_1_1, "from");
    struct client *to = client_resume(h, PROTOCOL_5_0, "to", false);
    client_subscribe(to, "t", 2);
    client_send(from, "32 [<'t'> 0001 '1'] 34 [<'t'> 0002 '2'] 32 [<'t'> 0003 '3'] 34 [<'t'> 0004 '4'] 34 "
                      "[<'t'> 0005 '5']");
    ck_assert_uint_eq(client_count(to, PACKET_PUBLISH), 5);
    client_send(to, "50 02 0004");
    client_drop(to);
    client_send(from, "32 [<'t'> 0006 '6']");
    to = client_connect(
        h, "10 [<'MQTT'> 05 00 0000 [21 0001 11 FFFFFFFF] <'to'>]",
        "20 06 01 00 03 22 000A 62 02 0004"); /* is in flight until PUBCOMP, wherever it was sent */
    client_send(from, "32 [<'t'> 0007 '7']");
    client_expect_silence(to);
    client_send(to, "70 02 0004");
    client_expect(to, "3A [<'t'> 0001 [] '1']");
    client_send(to, "40 02 0001");
    client_expect(to, "3C [<'t'> 0002 [] '2']");
    client_send(to, "50 02 0002 70 02 0002");
    client_expect(to, "62 02 0002 3A [<'t'> 0003 [] '3']");
    client_drop(to); /* some were sent twice by now, some once */
    to = client_connect(h, "10 [<'MQTT'> 05 00 0000 [21 0002 11 FFFFFFFF] <'to'>]",
                        "20 06 01 00 03 22 000A 3A [<'t'> 0003 [] '3'] 3C [<'t'> 0005 [] '5']");
    client_send(to, "40 02 0003");
    client_expect(to, "32 [<'t'> 0006 [] '6']");
    client_send(to, "40 02 0006");
    client_expect(to, "32 [<'t'> 0007 [] '7']");
    harness_destroy(h);
}
END_TEST

START_TEST(an_answer_before_its_message_is_sent_again)
{
    struct harness *h = harness_create(NULL);
    struct client *from = client_join(h, PROTOCOL_3_1_1, "from");
    struct client *to = client_resume(h, PROTOCOL_5_0, "to", false);
    client_subscribe(to, "t", 1);
    client_send(from, "32 [<'t'> 0001 '1'] 32 [<'t'> 0002 '2'] 32 [<'t'> 0003 '3']");
    client_drop(to);
    to = client_connect(h, "10 [<'MQTT'> 05 00 0000 [21 0001 11 FFFFFFFF] <'to'>]",
                        "20 06 01 00 03 22 000A 3A [<'t'> 0001 [] '1']");
    client_send(to, "40 02 0002 40 02 0001");
    client_expect(to, "3A [<'t'> 0003 [] '3']");
    client_send(to, "40 02 0003");
    client_send(from, "32 [<'t'> 0004 '4']");
    client_expect(to, "32 [<'t'> 0004 [] '4']");
    harness_destroy(h);
}
END_TEST

/* [D-4.9-4] [R-3.3.4-2] what an earlier connection left behind doesn't count against this one */
START_TEST(our_receive_maximum_begins_anew)
{
    struct broker_settings settings = harness_settings();
    settings.receive_maximum = 2;
    struct harness *h = harness_create(&settings);
    const char *const connect = "10 [<'MQTT'> 05 00 0000 [11 FFFFFFFF] <'from'>]";
    struct client *from = client_connect(h, connect, "20 09 00 00 06 21 0002 22 000A");
    client_send(from, "34 [<'t'> 0001 [] 'x'] 34 [<'t'> 0002 [] 'x']");
    client_expect(from, "50 03 0001 10 50 03 0002 10");
    client_drop(from);
    from = client_connect(h, connect, "20 09 01 00 06 21 0002 22 000A");
    client_send(from, "34 [<'t'> 0003 [] 'x'] 34 [<'t'> 0004 [] 'x']");
    client_expect(from, "50 03 0003 10 50 03 0004 10");
    client_send(from, "62 02 0001 62 02 0002 62 02 0003 62 02 0004");
    client_expect(from, "70 02 0001 70 02 0002 70 02 0003 70 02 0004");
    client_send(from, "34 [<'t'> 0001 [] 'x'] 34 [<'t'> 0002 [] 'x']");
    client_expect(from, "50 03 0001 10 50 03 0002 10");
    client_send(from, "34 [<'t'> 0005 [] 'x']"); /* nothing of old is left that could excuse it */
    client_expect_disconnect(from, 0x93, "[R-3.3.4-2]");
    harness_destroy(h);
}
END_TEST

Suite *suite_4_09_flow_control(void);
Suite *suite_4_09_flow_control(void)
{
    HARNESS_SUITE("4.9 Flow control", the_smaller_of_both_limits, the_window_of_the_client,
                  our_own_limit_holds_for_everybody, each_connection_begins_anew,
                  a_smaller_window_than_before, an_answer_before_its_message_is_sent_again,
                  our_receive_maximum_begins_anew);
}
