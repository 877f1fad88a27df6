/* 3.12.4 PINGREQ Actions. */
#include "broker_harness.h"

START_TEST(a_ping_is_answered) /* [MQTT-3.12.4-1] [MQTT3-3.12.4-1] */
{
    for (int v = 0; v < 3; v++) {
        struct harness *h = harness_create(NULL);
        struct client *c = client_join(h, unit_versions[v], "a");
        client_send(c, "C0 00");
        client_expect(c, "D0 00");
        client_send(c, "C0 00 C0 00 C0 00");
        client_expect(c, "D0 00 D0 00 D0 00");
        harness_destroy(h);
    }
}
END_TEST

Suite *suite_3_12_4_pingreq_actions(void);
Suite *suite_3_12_4_pingreq_actions(void)
{
    HARNESS_SUITE("3.12.4 PINGREQ Actions", a_ping_is_answered);
}
