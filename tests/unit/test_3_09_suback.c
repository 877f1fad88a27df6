/* 3.9 SUBACK */
#include "support.h"

static const struct accepted accepted[] = {
    {"one Reason Code", V5, SERVER, "90 [0001 [] 00]", NULL},
    {"several Reason Codes", V5, SERVER, "90 [FFFF [] 02 01 00 80 8F A2]", NULL},
    {"properties", V5, SERVER, "90 [0001 [1F <'why'> 26 <'n'> <'v'>] 87]", NULL},
    {"200 Reason Codes", V5, SERVER, "90 [0001 [] 01*200]", NULL},
    {"one return code", V3, SERVER, "90 [0001 00]", NULL},
    {"every return code", V3, SERVER, "90 [0001 02 01 00 80]", NULL},
};

/* clang-format off */
static const struct refused refused[] = {
    {"Packet Identifier 0", V5, SERVER, EITHER, 2, {MQTT_2_2_1_6}, {NONE},
     "90 [0000 [] 00]",
     "90 [0001 [] 00]"},
    {"Packet Identifier 0", V3, SERVER, EITHER, 2, {NONE}, {MQTT3_2_3_1_7},
     "90 [0000 00]",
     "90 [0001 00]"},
    {"no Reason Code", V5, SERVER, EITHER, 5, {MQTT_3_8_4_6, MQTT_3_9_3_2}, {NONE},
     "90 [0001 []]",
     "90 [0001 [] 00]"},
    {"no return code", V3, SERVER, EITHER, 4, {NONE}, {MQTT3_3_8_4_5, MQTT3_4_8_0_1},
     "90 [0001]",
     "90 [0001 00]"},
    {"no Property Length", V5, SERVER, 0x81, 4, {MQTT_2_2_2_1, MQTT_4_13_1_1}, {NONE},
     "90 02 0001",
     "90 04 0001 00 00"},
    {"Property Length takes the Reason Codes", V5, SERVER, 0x81, 4, {MQTT_4_13_1_1}, {NONE},
     "90 04 0001 02 00",
     "90 04 0001 00 00"},
    {"the second Reason Code is unknown", V5, SERVER, EITHER, 6, {MQTT_3_9_3_2}, {NONE},
     "90 [0001 [] 00 03]",
     "90 [0001 [] 00 02]"},
    {"the second return code is reserved", V3, SERVER, EITHER, 5, {NONE}, {MQTT3_3_9_3_2},
     "90 [0001 00 03]",
     "90 [0001 00 02]"},
    {"half a Packet Identifier", ALL, SERVER, 0x81, 2, {MQTT_4_13_1_1}, {MQTT3_4_8_0_1},
     "90 01 01",
     "90 04 0101 00 00"},
};
/* clang-format on */

static const struct cut cuts[] = {
    {"90 [0001 [1F <'why'>] 00 01 80]", V5, SERVER, "10 11"},
    {"90 [0001 00 01 80]", V3, SERVER, "3 4"},
};

/* Table 3-8 [MQTT-3.9.3-2], and the four codes of 3.1.1 [MQTT3-3.9.3-2] */
static const struct codes codes[] = {
    {"90 [0001 [] %02X]", PROTOCOL_5_0, NULL, "00 01 02 80 83 87 8F 91 97 9E A1 A2", "", MQTT_3_9_3_2, 5},
    {"90 [0001 [] 00 %02X]", PROTOCOL_5_0, NULL, "00 01 02 80 83 87 8F 91 97 9E A1 A2", "", MQTT_3_9_3_2, 6},
    {"90 [0001 %02X]", PROTOCOL_3_1_1, NULL, "00 01 02 80", "", MQTT3_3_9_3_2, 4},
    /* 3.1 has no 0x80, but brokers send it all the same */
    {"90 [0001 %02X]", PROTOCOL_3_1, NULL, "00 01 02", "80", MQTT3_3_9_3_2, 4},
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
    const struct bytes five = octets("90 [0102 [1F <'why'>] 02 8F]");
    const struct bytes three = octets("90 [0304 80 01 00]");
    struct packet packet;
    check_decodes(&packet, PROTOCOL_5_0, SENDER_SERVER, five);
    ck_assert_uint_eq(packet.suback.packet_identifier, 0x0102);
    check_text(properties_bytes(&packet.suback.properties, ORDINAL_REASON_STRING), "why");
    check_text(packet.suback.reason_codes, "\x02\x8F");
    check_decodes(&packet, PROTOCOL_3_1_1, SENDER_SERVER, three);
    ck_assert_uint_eq(packet.suback.packet_identifier, 0x0304);
    ck_assert_uint_eq(packet.suback.reason_codes.length, 3);
    ck_assert_uint_eq(packet.suback.reason_codes.data[0], 0x80);
    ck_assert_uint_eq(packet.suback.properties.present, 0);
    octets_free(five);
    octets_free(three);
}
END_TEST

Suite *suite_3_09_suback(void)
{
    Suite *suite = suite_create("3.9 SUBACK");
    TCase *rules = tcase_create("rules");
    tcase_add_loop_test(rules, accepts, 0, COUNT(accepted));
    tcase_add_loop_test(rules, refuses, 0, COUNT(refused));
    tcase_add_loop_test(rules, every_cut, 0, COUNT(cuts));
    tcase_add_loop_test(rules, reason_codes, 0, COUNT(codes));
    tcase_add_test(rules, every_field);
    suite_add_tcase(suite, rules);
    return suite;
}
