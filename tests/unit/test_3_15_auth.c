/* 3.15 AUTH, new in 5.0 */
#include "support.h"

static const struct accepted accepted[] = {
    {"Continue authentication", V5, BOTH, "F0 [18 [15 <'m'>]]", NULL},
    {"with data", V5, BOTH, "F0 [18 [15 <'m'> 16 <00FF>]]", NULL},
    {"everything", V5, BOTH, "F0 [18 [15 <'m'> 16 <> 1F <'why'> 26 <'n'> <'v'> 26 <'n'> <'v'>]]", NULL},
    {"Re-authenticate", V5, CLIENT, "F0 [19 [15 <'m'>]]", NULL},
    {"Success", V5, SERVER, "F0 [00 [15 <'m'>]]", NULL},
    /* [R-3.15.2.1-1], though P-3.15.2.2.2-1 wants a Method in every AUTH: the text contradicts itself */
    {"Success, the short form", V5, SERVER, "F0 00", NULL},
};

/* clang-format off */
static const struct refused refused[] = {
    {"the short form from a Client: Success is not for it to say", V5, CLIENT, EITHER, 1,
     {MQTT_3_15_2_1, P_3_15_2_2_2_1}, {NONE},
     "F0 00",
     "F0 [18 [15 <'m'>]]"},
    {"Success from a Client", V5, CLIENT, EITHER, 2, {MQTT_3_15_2_1}, {NONE},
     "F0 [00 [15 <'m'>]]",
     "F0 [18 [15 <'m'>]]"},
    {"Re-authenticate from a Server", V5, SERVER, EITHER, 2, {MQTT_3_15_2_1}, {NONE},
     "F0 [19 [15 <'m'>]]",
     "F0 [18 [15 <'m'>]]"},
    {"no Authentication Method", V5, BOTH, 0x82, 3, {P_3_15_2_2_2_1}, {NONE},
     "F0 [18 [16 <'m'>]]",
     "F0 [18 [15 <'m'>]]"},
    {"no properties", V5, BOTH, 0x82, 3, {P_3_15_2_2_2_1}, {NONE},
     "F0 [18 []]",
     "F0 [18 [15 <>]]"},
    {"no Property Length", V5, BOTH, 0x81, 3, {MQTT_2_2_2_1, P_3_15_2_2_2_1}, {NONE},
     "F0 01 18",
     "F0 [18 [15 <'m'>]]"},
    {"a byte behind the properties", V5, BOTH, 0x81, 8, {MQTT_4_13_1_1}, {NONE},
     "F0 [18 [15 <'m'>] 00]",
     "F0 [18 [15 <'m'>]]"},
    {"reserved flags", V5, BOTH, 0x81, 0, {MQTT_3_15_1_1, MQTT_2_1_3_1}, {NONE},
     "F1 [18 [15 <'m'>]]",
     "F0 [18 [15 <'m'>]]"},
};
/* clang-format on */

static const struct cut cuts[] = {
    {"F0 [18 [15 <'m'> 16 <'d'>]]", V5, CLIENT, ""},
    {"F0 [00 [15 <'m'> 16 <'d'>]]", V5, SERVER, "0"},
};

/* Table 3-11. [MQTT-3.15.2-1] */
static const struct codes codes = {
    "F0 [%02X [15 <'m'>]]", PROTOCOL_5_0, "18 19", "00 18", "", MQTT_3_15_2_1, 2};

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

/* Before 5.0 there is no such packet: refused by its first byte, whoever sends it. [MQTT3-4.8.0-1] */
START_TEST(not_before_5)
{
    const struct bytes input = octets("F0 [18 [15 <'m'>]]");
    struct packet packet;
    check_decodes(&packet, PROTOCOL_5_0, SENDER_CLIENT, input);
    for (int v = 0; v < 2; v++) {
        const struct verdict verdict = packet_decode(&packet, unit_versions[v], SENDER_CLIENT, input, NULL);
        ck_assert(verdict.refused);
        ck_assert_uint_eq(verdict.statement, P3_2_2_1_2);
        ck_assert_uint_eq(verdict.offset, 0);
    }
    octets_free(input);
}
END_TEST

START_TEST(every_field)
{
    const struct bytes all = octets("F0 [19 [15 <'method'> 16 <'data'> 1F <'why'>]]");
    const struct bytes none = octets("F0 00");
    struct packet packet;
    check_decodes(&packet, PROTOCOL_5_0, SENDER_CLIENT, all);
    ck_assert_uint_eq(packet.auth.reason_code, 0x19);
    check_text(properties_bytes(&packet.auth.properties, ORDINAL_AUTHENTICATION_METHOD), "method");
    check_text(properties_bytes(&packet.auth.properties, ORDINAL_AUTHENTICATION_DATA), "data");
    check_text(properties_bytes(&packet.auth.properties, ORDINAL_REASON_STRING), "why");
    memset(&packet, 0xFF, sizeof packet);
    check_decodes(&packet, PROTOCOL_5_0, SENDER_SERVER, none);
    ck_assert_uint_eq(packet.auth.reason_code, 0);
    ck_assert_uint_eq(packet.auth.properties.present, 0);
    octets_free(all);
    octets_free(none);
}
END_TEST

Suite *suite_3_15_auth(void)
{
    Suite *suite = suite_create("3.15 AUTH");
    TCase *rules = tcase_create("rules");
    tcase_add_loop_test(rules, accepts, 0, COUNT(accepted));
    tcase_add_loop_test(rules, refuses, 0, COUNT(refused));
    tcase_add_loop_test(rules, every_cut, 0, COUNT(cuts));
    tcase_add_test(rules, reason_codes);
    tcase_add_test(rules, not_before_5);
    tcase_add_test(rules, every_field);
    suite_add_tcase(suite, rules);
    return suite;
}
