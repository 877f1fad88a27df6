/* 3.2 CONNACK */
#include "support.h"

static const struct accepted accepted[] = {
    {"accepted", V5, SERVER, "20 [00 00 []]", NULL},
    {"Session Present", V5, SERVER, "20 [01 00 []]", NULL},
    {"refused", V5, SERVER, "20 [00 87 []]", NULL},
    {"refused, with properties", V5, SERVER, "20 [00 9D [1C <'host'> 1F <'why'> 26 <'n'> <'v'>]]", NULL},
    {"accepted", V3, SERVER, "20 02 00 00", NULL},
    {"refused", V3, SERVER, "20 02 00 05", NULL},
    {"Session Present", V311, SERVER, "20 02 01 00", NULL},
    {"the byte before the return code means nothing in 3.1", V31, SERVER, "20 02 01 00", "20 02 00 00"},
};

/* clang-format off */
static const struct refused refused[] = {
    {"reserved flag, bit 1", V5, SERVER, 0x81, 2, {MQTT_3_2_2_1}, {NONE},
     "20 [02 00 []]",
     "20 [00 00 []]"},
    {"reserved flag, bit 7", V5, SERVER, 0x81, 2, {MQTT_3_2_2_1}, {NONE},
     "20 [81 00 []]",
     "20 [01 00 []]"},
    {"reserved flag, bit 4", V311, SERVER, 0x81, 2, {NONE}, {U3_3_2_2_1_1},
     "20 02 10 00",
     "20 02 00 00"},
    {"Session Present of a refused connection", V5, SERVER, EITHER, 2, {MQTT_3_2_2_6}, {NONE},
     "20 [01 87 []]",
     "20 [00 87 []]"},
    {"Session Present of a refused connection", V311, SERVER, EITHER, 2, {NONE}, {MQTT3_3_2_2_4},
     "20 02 01 05",
     "20 02 00 05"},
    {"return code 6", V3, SERVER, EITHER, 3, {NONE}, {P3_3_2_2_3_1},
     "20 02 00 06",
     "20 02 00 05"},
    {"return code 255", V3, SERVER, EITHER, 3, {NONE}, {P3_3_2_2_3_1},
     "20 02 00 FF",
     "20 02 00 00"},
    {"no Property Length", V5, SERVER, 0x81, 4, {MQTT_2_2_2_1, MQTT_4_13_1_1}, {NONE},
     "20 02 00 00",
     "20 03 00 00 00"},
    {"a payload [D-3.2.3-1]", V5, SERVER, 0x81, 5, {MQTT_4_13_1_1, D_3_2_3_1}, {NONE},
     "20 04 00 00 00 00",
     "20 03 00 00 00"},
    {"a byte too many", V3, SERVER, 0x81, 4, {NONE}, {MQTT3_4_8_0_1},
     "20 03 00 00 00",
     "20 02 00 00"},
    {"no return code", V3, SERVER, 0x81, 3, {NONE}, {MQTT3_4_8_0_1},
     "20 01 00",
     "20 02 00 00"},
    {"nothing", V5, SERVER, 0x81, 2, {MQTT_4_13_1_1}, {NONE},
     "20 00",
     "20 03 00 00 00"},
    {"nothing", V3, SERVER, 0x81, 2, {NONE}, {MQTT3_4_8_0_1},
     "20 00",
     "20 02 00 00"},
};
/* clang-format on */

static const struct cut cuts[] = {
    {"20 [00 00 [11 00000001 26 <'n'> <'v'>]]", V5, SERVER, ""},
    {"20 02 00 00", V3, SERVER, ""},
};

/* Table 3-1. [MQTT-3.2.2-8] */
static const struct codes codes = {"20 [00 %02X []]",
                                   PROTOCOL_5_0,
                                   NULL,
                                   "00 80 81 82 83 84 85 86 87 88 89 8A 8C 90 95 97 99 9A 9B 9C 9D 9F",
                                   "",
                                   MQTT_3_2_2_8,
                                   3};

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
    const struct bytes five = octets("20 [01 00 [13 0102]]");
    const struct bytes refused5 = octets("20 [00 9F []]");
    const struct bytes three = octets("20 02 01 00");
    const struct bytes refused3 = octets("20 02 00 04");
    struct packet packet;
    check_decodes(&packet, PROTOCOL_5_0, SENDER_SERVER, five);
    ck_assert(packet.connack.session_present);
    ck_assert_uint_eq(packet.connack.reason_code, 0);
    ck_assert_uint_eq(properties_number(&packet.connack.properties, ORDINAL_SERVER_KEEP_ALIVE, 0), 0x0102);
    check_decodes(&packet, PROTOCOL_5_0, SENDER_SERVER, refused5);
    ck_assert(!packet.connack.session_present);
    ck_assert_uint_eq(packet.connack.reason_code, 0x9F);
    check_decodes(&packet, PROTOCOL_3_1_1, SENDER_SERVER, three);
    ck_assert(packet.connack.session_present);
    ck_assert_uint_eq(packet.connack.properties.present, 0);
    check_decodes(&packet, PROTOCOL_3_1, SENDER_SERVER, three);
    ck_assert(!packet.connack.session_present);
    check_decodes(&packet, PROTOCOL_3_1_1, SENDER_SERVER, refused3);
    ck_assert_uint_eq(packet.connack.reason_code, 4);
    octets_free(five);
    octets_free(refused5);
    octets_free(three);
    octets_free(refused3);
}
END_TEST

/* 3.1 has no Session Present to send. */
START_TEST(session_present_is_encoded_by_version)
{
    struct packet packet = {
        .type = PACKET_CONNACK, .version = PROTOCOL_5_0, .connack = {.session_present = true}};
    check_encodes(&packet, "20 [01 00 []]");
    packet.version = PROTOCOL_3_1_1;
    check_encodes(&packet, "20 02 01 00");
    packet.version = PROTOCOL_3_1;
    check_encodes(&packet, "20 02 00 00");
}
END_TEST

Suite *suite_3_02_connack(void)
{
    Suite *suite = suite_create("3.2 CONNACK");
    TCase *rules = tcase_create("rules");
    tcase_add_loop_test(rules, accepts, 0, COUNT(accepted));
    tcase_add_loop_test(rules, refuses, 0, COUNT(refused));
    tcase_add_loop_test(rules, every_cut, 0, COUNT(cuts));
    tcase_add_test(rules, reason_codes);
    tcase_add_test(rules, every_field);
    tcase_add_test(rules, session_present_is_encoded_by_version);
    suite_add_tcase(suite, rules);
    return suite;
}
