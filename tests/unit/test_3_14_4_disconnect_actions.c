/* 3.14.4 DISCONNECT Actions. What becomes of the Will is in test_3_01_2_05_will.c. */
#include "broker_harness.h"

#define STAYS "10 [<'MQTT'> 05 02 0000 [11 00000064] <'a'>]"
#define CONNACK "20 06 00 00 03 22 000A"

START_TEST(the_connection_is_closed) /* [MQTT-3.14.4-2] 3.14.4 */
{
    static const char *const forms[] = {"E0 00", "E0 01 00", "E0 02 00 00", "E0 01 04",
                                        "E0 [81 [1F <'why'> 26 <'n'> <'v'>]]"};
    struct harness *h = harness_create(NULL);
    for (int v = 0; v < 3; v++) {
        for (int i = 0; i < (v == 2 ? COUNT(forms) : 1); i++) {
            struct client *c = client_join(h, unit_versions[v], "a");
            client_send(c, forms[i]);
            client_expect_closed(c, "");
        }
    }
    ck_assert_uint_eq(broker_statistics(h->broker).clients, 0);
    ck_assert_uint_eq(broker_statistics(h->broker).connections, 0);
    ck_assert(harness_logged(h, "client 'a' (peer-1): disconnects"));
    harness_destroy(h);
}
END_TEST

START_TEST(nothing_behind_it_is_heard) /* [MQTT3-3.14.4-2] */
{
    struct harness *h = harness_create(NULL);
    struct client *watcher = client_join(h, PROTOCOL_3_1_1, "w");
    client_subscribe(watcher, "#", 0);
    struct client *c = client_join(h, PROTOCOL_3_1_1, "a");
    client_send(c, "30 [<'t'> 'x'] E0 00 30 [<'t'> 'y'] C0 00");
    client_expect_closed(c, "");
    client_expect(watcher, "30 [<'t'> 'x']");
    harness_destroy(h);
}
END_TEST

START_TEST(the_session_outlives_it_as_connect_said) /* [D-3.14.2.2.2-1] [MQTT-3.1.2-23] */
{
    struct harness *h = harness_create(NULL);
    client_send(client_connect(h, STAYS, CONNACK), "E0 00");
    harness_advance(h, 99999);
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 1);
    harness_advance(h, 1);
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 0);
    harness_destroy(h);
}
END_TEST

START_TEST(it_can_change_the_session_expiry_interval) /* 3.14.2.2.2 */
{
    struct broker_settings settings = harness_settings();
    settings.maximum_session_expiry = 200;
    struct harness *h = harness_create(&settings);
    client_send(client_connect(h, STAYS, CONNACK), "E0 [00 [11 00000005]]"); /* shorter */
    harness_advance(h, 4999);
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 1);
    harness_advance(h, 1);
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 0);
    client_send(client_connect(h, STAYS, CONNACK), "E0 [00 [11 00000000]]"); /* at once */
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 0);
    client_send(client_connect(h, STAYS, CONNACK), "E0 [00 [11 FFFFFFFF]]"); /* longer, up to our own limit */
    harness_advance(h, 199999);
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 1);
    harness_advance(h, 1);
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 0);
    harness_destroy(h);
}
END_TEST

/* [P-3.14.2.2.2-2] [R-3.14.2.2.2-1] [D-3.14.2.2.2-2] */
START_TEST(it_cannot_raise_the_interval_from_zero)
{
    struct harness *h = harness_create(NULL);
    struct client *c = client_join(h, PROTOCOL_5_0, "a");
    client_send(c, "E0 [00 [11 00000005]]");
    client_expect_disconnect(c, 0x82, "[P-3.14.2.2.2-2]");
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 0);
    c = client_join(h, PROTOCOL_5_0, "a");
    client_send(c, "E0 [00 [11 00000000]]");
    client_expect_closed(c, "");
    harness_destroy(h);
}
END_TEST

Suite *suite_3_14_4_disconnect_actions(void);
Suite *suite_3_14_4_disconnect_actions(void)
{
    HARNESS_SUITE("3.14.4 DISCONNECT Actions", the_connection_is_closed, nothing_behind_it_is_heard,
                  the_session_outlives_it_as_connect_said, it_can_change_the_session_expiry_interval,
                  it_cannot_raise_the_interval_from_zero);
}
