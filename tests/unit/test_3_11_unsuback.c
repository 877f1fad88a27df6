/* 3.11 UNSUBACK */
#include "support.h"

static const struct accepted accepted[] = {
    {"one Reason Code", V5, SERVER, "B0 [0001 [] 00]", NULL},
    {"several Reason Codes", V5, SERVER, "B0 [FFFF [] 00 11 87]", NULL},
    {"properties", V5, SERVER, "B0 [0001 [1F <'why'> 26 <'n'> <'v'>] 80]", NULL},
    {"no payload before 5.0", V3, SERVER, "B0 02 0001", NULL},
};

/* clang-format off */
static const struct refused refused[] = {
    {"Packet Identifier 0", V5, SERVER, EITHER, 2, {MQTT_2_2_1_6}, {NONE},
     "B0 [0000 [] 00]",
     "B0 [0001 [] 00]"},
    {"Packet Identifier 0", V3, SERVER, EITHER, 2, {NONE}, {MQTT3_2_3_1_7},
     "B0 02 0000",
     "B0 02 0001"},
    {"no Reason Code", V5, SERVER, EITHER, 5, {MQTT_3_11_3_2}, {NONE},
     "B0 [0001 []]",
     "B0 [0001 [] 00]"},
    {"no Property Length", V5, SERVER, 0x81, 4, {MQTT_2_2_2_1, MQTT_4_13_1_1}, {NONE},
     "B0 02 0001",
     "B0 04 0001 00 00"},
    {"the second Reason Code is unknown", V5, SERVER, EITHER, 6, {MQTT_3_11_3_2}, {NONE},
     "B0 [0001 [] 00 10]",
     "B0 [0001 [] 00 11]"},
    {"a payload before 5.0", V3, SERVER, 0x81, 4, {NONE}, {MQTT3_4_8_0_1},
     "B0 03 0001 00",
     "B0 02 0001"},
    {"half a Packet Identifier", V3, SERVER, 0x81, 2, {NONE}, {MQTT3_4_8_0_1},
     "B0 01 01",
     "B0 02 0101"},
};
/* clang-format on */

static const struct cut cuts[] = {
    {"B0 [0001 [1F <'why'>] 00 11 80]", V5, SERVER, "10 11"},
    {"B0 02 0001", V3, SERVER, ""},
};

/* Table 3-9. [MQTT-3.11.3-2] */
static const struct codes codes = {
    "B0 [0001 [] %02X]", PROTOCOL_5_0, NULL, "00 11 80 83 87 8F 91", "", MQTT_3_11_3_2, 5};

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
    check_codes(&codes);
}
END_TEST

START_TEST(every_field)
{
    const struct bytes five = octets("B0 [0102 [1F <'why'>] 11 87]");
    const struct bytes three = octets("B0 02 0304");
    struct packet packet;
    check_decodes(&packet, PROTOCOL_5_0, SENDER_SERVER, five);
    ck_assert_uint_eq(packet.suback.packet_identifier, 0x0102);
    check_text(properties_bytes(&packet.suback.properties, ORDINAL_REASON_STRING), "why");
    check_text(packet.suback.reason_codes, "\x11\x87");
    check_decodes(&packet, PROTOCOL_3_1_1, SENDER_SERVER, three);
    ck_assert_uint_eq(packet.suback.packet_identifier, 0x0304);
    ck_assert_uint_eq(packet.suback.reason_codes.length, 0);
    ck_assert_uint_eq(packet.suback.properties.present, 0);
    octets_free(five);
    octets_free(three);
}
END_TEST

Suite *suite_3_11_unsuback(void)
{
    Suite *suite = suite_create("3.11 UNSUBACK");
    TCase *rules = tcase_create("rules");
    tcase_add_loop_test(rules, accepts, 0, COUNT(accepted));
    tcase_add_loop_test(rules, refuses, 0, COUNT(refused));
    tcase_add_loop_test(rules, every_cut, 0, COUNT(cuts));
    tcase_add_test(rules, reason_codes);
    tcase_add_test(rules, every_field);
    suite_add_tcase(suite, rules);
    return suite;
}
