/* 3.15.4 AUTH Actions. */
#include "broker_harness.h"

START_TEST(auth_without_a_method_is_a_protocol_error) /* [MQTT-4.12.0-7] */
{
    struct harness *h = harness_create(NULL);
    struct client *c = client_join(h, PROTOCOL_5_0, "a");
    client_send(c, "F0 [19 [15 <'X'>]]");
    client_expect_disconnect(c, 0x82, "[MQTT-4.12.0-7]");
    c = client_join(h, PROTOCOL_3_1_1, "a"); /* 3.1.1 has no such packet */
    client_send(c, "F0");
    client_expect_closed(c, "");
    harness_destroy(h);
}
END_TEST

Suite *suite_3_15_4_auth_actions(void);
Suite *suite_3_15_4_auth_actions(void)
{
    HARNESS_SUITE("3.15.4 AUTH Actions", auth_without_a_method_is_a_protocol_error);
}
