/* 3.6 PUBREL */
#include "acknowledgement.h"

/* clang-format off */
static const struct accepted accepted[] = {
    ACKNOWLEDGEMENTS_ACCEPTED("62", "92"),
    {"with DUP (spec/mqtt-3.1.md: sent again)", V31, BOTH, "6A 02 0001", NULL},
};

static const struct refused refused[] = {
    ACKNOWLEDGEMENTS_REFUSED("62", "92"),
    {"with DUP", V311, BOTH, 0x81, 0, {NONE}, {MQTT3_3_6_1_1},
     "6A 02 0001",
     "62 02 0001"},
    {"with DUP", V5, BOTH, 0x81, 0, {MQTT_3_6_1_1}, {NONE},
     "6A 02 0001",
     "62 02 0001"},
};

static const struct cut cuts[] = {
    ACKNOWLEDGEMENT_CUTS("62", "92")
};
/* clang-format on */

/* The table of 3.6.2.1, [MQTT-3.6.2-1] */
static const struct codes codes[] = {
    {"62 03 0001 %02X", PROTOCOL_5_0, "00 92", "00 92", "", MQTT_3_6_2_1, 4},
    {"62 04 0001 %02X 00", PROTOCOL_5_0, "00 92", "00 92", "", MQTT_3_6_2_1, 4},
};

START_TEST(accepts)
{
    check_accepted(&accepted[_i]);
    check_mutations(&accepted[_i]);
}
END_TEST

START_TEST(refuses)
{
    check_refused(&refused[_i]);
}
END_TEST

START_TEST(every_cut)
{
    check_cuts(&cuts[_i]);
}
END_TEST

START_TEST(reason_codes)
{
    check_codes(&codes[_i]);
}
END_TEST

START_TEST(every_field)
{
    check_acknowledgement_fields("62", 0x92);
    check_acknowledgement_encoding(PACKET_PUBREL, "62", 0x92);
}
END_TEST

/* DUP goes out only where the version has it; the other flags are not the caller's to choose. */
START_TEST(dup_is_encoded_in_3_1_only)
{
    struct packet packet = {.type = PACKET_PUBREL, .version = PROTOCOL_3_1, .flags = 0x0F};
    packet.acknowledgement.packet_identifier = 1;
    check_encodes(&packet, "6A 02 0001");
    packet.version = PROTOCOL_3_1_1;
    check_encodes(&packet, "62 02 0001");
    packet.version = PROTOCOL_5_0;
    check_encodes(&packet, "62 02 0001");
    packet.version = PROTOCOL_3_1;
    packet.flags = 0;
    check_encodes(&packet, "62 02 0001");
}
END_TEST

Suite *suite_3_06_pubrel(void)
{
    Suite *suite = suite_create("3.6 PUBREL");
    TCase *rules = tcase_create("rules");
    tcase_add_loop_test(rules, accepts, 0, COUNT(accepted));
    tcase_add_loop_test(rules, refuses, 0, COUNT(refused));
    tcase_add_loop_test(rules, every_cut, 0, COUNT(cuts));
    tcase_add_loop_test(rules, reason_codes, 0, COUNT(codes));
    tcase_add_test(rules, every_field);
    tcase_add_test(rules, dup_is_encoded_in_3_1_only);
    suite_add_tcase(suite, rules);
    return suite;
}
