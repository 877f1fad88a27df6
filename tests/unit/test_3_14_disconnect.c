/* 3.14 DISCONNECT */
#include "support.h"

static const struct accepted accepted[] = {
    {"the short form means Normal disconnection", V5, BOTH, "E0 00", NULL},
    {"Normal disconnection, written out", V5, BOTH, "E0 01 00", "E0 00"},
    {"Normal disconnection and no properties, written out", V5, BOTH, "E0 02 00 00", "E0 00"},
    {"Reason Code without Property Length", V5, BOTH, "E0 01 82", NULL},
    {"Reason Code, no properties", V5, BOTH, "E0 02 82 00", "E0 01 82"},
    {"Normal disconnection with a property", V5, BOTH, "E0 [00 [1F <'why'>]]", NULL},
    {"Disconnect with Will Message", V5, CLIENT, "E0 01 04", NULL},
    {"everything a Client has", V5, CLIENT, "E0 [00 [11 00000000 1F <'why'> 26 <'n'> <'v'>]]", NULL},
    {"everything a Server has", V5, SERVER, "E0 [9C [1C <'host'> 1F <'why'> 26 <'n'> <'v'>]]", NULL},
    {"the only form before 5.0", V3, CLIENT, "E0 00", NULL},
};

/* clang-format off */
static const struct refused refused[] = {
    {"Session Expiry Interval from a Server", V5, SERVER, 0x82, 4, {MQTT_3_14_2_2}, {NONE},
     "E0 [00 [11 00000001]]",
     "E0 [00 [26 0001 'n' 0000]]"},
    {"Reason Code unknown", V5, BOTH, EITHER, 2, {MQTT_3_14_2_1}, {NONE},
     "E0 02 01 00",
     "E0 02 00 00"},
    {"Reason Code of the other side", V5, SERVER, EITHER, 2, {MQTT_3_14_2_1}, {NONE},
     "E0 01 04",
     "E0 01 00"},
    {"Reason Code of the other side", V5, CLIENT, EITHER, 2, {MQTT_3_14_2_1}, {NONE},
     "E0 01 8E",
     "E0 01 04"},
    {"Property Length beyond the end", V5, BOTH, 0x81, 3, {MQTT_4_13_1_1}, {NONE},
     "E0 02 00 01",
     "E0 02 00 00"},
    {"a byte behind the properties", V5, BOTH, 0x81, 4, {MQTT_4_13_1_1}, {NONE},
     "E0 03 00 00 00",
     "E0 02 00 00"},
    {"a Reason Code before 5.0", V3, CLIENT, 0x81, 1, {NONE}, {D3_3_14_2_1},
     "E0 01 00",
     "E0 00"},
    {"reserved flags", V311, CLIENT, 0x81, 0, {NONE}, {MQTT3_3_14_1_1, MQTT3_2_2_2_1},
     "E1 00",
     "E0 00"},
    {"reserved flags", V5, BOTH, 0x81, 0, {MQTT_3_14_1_1, MQTT_2_1_3_1}, {NONE},
     "E8 00",
     "E0 00"},
};
/* clang-format on */

static const struct cut cuts[] = {
    {"E0 [00 [11 00000001 26 <'n'> <'v'>]]", V5, CLIENT, "0 1"},
    {"E0 [9D [1C <'h'>]]", V5, SERVER, "0 1"},
};

/* Table 3-10 [MQTT-3.14.2-1]. 0x8C stands in table 2-6 as one of DISCONNECT, but not in table 3-10. */
#define BOTH_SIDES "00 80 81 82 83 90 93 94 95 96 97 98 99"
static const struct codes codes[] = {
    {"E0 01 %02X", PROTOCOL_5_0, BOTH_SIDES " 04", BOTH_SIDES " 87 89 8B 8D 8E 8F 9A 9B 9C 9D 9E 9F A0 A1 A2",
     "8C", MQTT_3_14_2_1, 2},
    {"E0 02 %02X 00", PROTOCOL_5_0, BOTH_SIDES " 04",
     BOTH_SIDES " 87 89 8B 8D 8E 8F 9A 9B 9C 9D 9E 9F A0 A1 A2", "8C", MQTT_3_14_2_1, 2},
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
    const struct bytes all = octets("E0 [04 [11 00000102 1F <'why'>]]");
    const struct bytes none = octets("E0 00");
    struct packet packet;
    check_decodes(&packet, PROTOCOL_5_0, SENDER_CLIENT, all);
    ck_assert_uint_eq(packet.disconnect.reason_code, 4);
    ck_assert_uint_eq(properties_number(&packet.disconnect.properties, ORDINAL_SESSION_EXPIRY_INTERVAL, 0),
                      0x0102);
    check_text(properties_bytes(&packet.disconnect.properties, ORDINAL_REASON_STRING), "why");
    for (int v = 0; v < 3; v++) {
        memset(&packet, 0xFF, sizeof packet);
        check_decodes(&packet, unit_versions[v], SENDER_CLIENT, none);
        ck_assert_uint_eq(packet.disconnect.reason_code, 0);
        ck_assert_uint_eq(packet.disconnect.properties.present, 0);
    }
    octets_free(all);
    octets_free(none);
}
END_TEST

/* A Reason Code is not sent where the version has none. */
START_TEST(is_encoded_by_version)
{
    struct packet packet = {
        .type = PACKET_DISCONNECT, .version = PROTOCOL_5_0, .disconnect = {.reason_code = 0x8E}};
    check_encodes(&packet, "E0 01 8E");
    packet.version = PROTOCOL_3_1_1;
    check_encodes(&packet, "E0 00");
}
END_TEST

Suite *suite_3_14_disconnect(void)
{
    Suite *suite = suite_create("3.14 DISCONNECT");
    TCase *rules = tcase_create("rules");
    tcase_add_loop_test(rules, accepts, 0, COUNT(accepted));
    tcase_add_loop_test(rules, refuses, 0, COUNT(refused));
    tcase_add_loop_test(rules, every_cut, 0, COUNT(cuts));
    tcase_add_loop_test(rules, reason_codes, 0, COUNT(codes));
    tcase_add_test(rules, every_field);
    tcase_add_test(rules, is_encoded_by_version);
    suite_add_tcase(suite, rules);
    return suite;
}
