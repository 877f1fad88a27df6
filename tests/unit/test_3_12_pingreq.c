/* 3.12 PINGREQ: two bytes, and no others. */
#include "support.h"

static const struct accepted accepted = {"PINGREQ", ALL, CLIENT, "C0 00", NULL};

/* [D-3.12.2-1] [D-3.12.3-1]: neither variable header nor payload */
/* clang-format off */
static const struct refused refused[] = {
    {"a byte behind the fixed header", ALL, CLIENT, 0x81, 1, {D_3_12_2_1, MQTT_4_13_1_1}, {D3_3_12_2_1},
     "C0 01 00",
     "C0 00"},
    {"a Packet Identifier", ALL, CLIENT, 0x81, 1, {D_3_12_2_1, MQTT_4_13_1_1}, {D3_3_12_2_1},
     "C0 02 0001",
     "C0 00"},
    {"an empty property list", V5, CLIENT, 0x81, 1, {D_3_12_2_1, MQTT_4_13_1_1}, {NONE},
     "C0 01 00",
     "C0 00"},
};
/* clang-format on */

START_TEST(accepts)
{
    check_accepted(&accepted);
    check_mutations(&accepted);
}
END_TEST

START_TEST(refuses)
{
    check_refused(&refused[_i]);
}
END_TEST

START_TEST(is_encoded)
{
    for (int v = 0; v < 3; v++) {
        const struct packet packet = {.type = PACKET_PINGREQ, .version = unit_versions[v]};
        check_encodes(&packet, "C0 00");
    }
}
END_TEST

Suite *suite_3_12_pingreq(void)
{
    Suite *suite = suite_create("3.12 PINGREQ");
    TCase *rules = tcase_create("rules");
    tcase_add_test(rules, accepts);
    tcase_add_loop_test(rules, refuses, 0, COUNT(refused));
    tcase_add_test(rules, is_encoded);
    suite_add_tcase(suite, rules);
    return suite;
}
