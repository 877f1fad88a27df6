/* 3.3 PUBLISH */
#include "support.h"

static const struct accepted accepted[] = {
    {"QoS 0", V5, BOTH, "30 [<'a'> [] 'p']", NULL},
    {"QoS 0, retained", V5, BOTH, "31 [<'a'> [] 'p']", NULL},
    {"QoS 1", V5, BOTH, "32 [<'a'> 0001 [] 'p']", NULL},
    {"QoS 1, retained", V5, BOTH, "33 [<'a'> FFFF [] 'p']", NULL},
    {"QoS 1, again", V5, BOTH, "3A [<'a'> 0100 [] 'p']", NULL},
    {"QoS 1, again, retained", V5, BOTH, "3B [<'a'> 0001 [] 'p']", NULL},
    {"QoS 2", V5, BOTH, "34 [<'a'> 0001 [] 'p']", NULL},
    {"QoS 2, retained", V5, BOTH, "35 [<'a'> 0001 [] 'p']", NULL},
    {"QoS 2, again", V5, BOTH, "3C [<'a'> 0001 [] 'p']", NULL},
    {"QoS 2, again, retained", V5, BOTH, "3D [<'a'> 0001 [] 'p']", NULL},
    {"no payload [D-3.3.3-1]", V5, BOTH, "30 [<'a'> []]", NULL},
    {"payload of any bytes", V5, BOTH, "30 [<'a'> [01 01] 00FFC0EDA080]", NULL},
    {"payload that looks like properties", V5, BOTH, "30 [<'a'> [] 26 <'n'> <'v'>]", NULL},
    {"long payload", V5, BOTH, "30 [<'a'> [] 00*20000]", NULL},
    {"longest Topic Name [MQTT-4.7.3-3]", V5, BOTH, "30 [<61*65535> []]", NULL},
    {"Topic Name '/'", V5, BOTH, "30 [<'/'> []]", NULL},
    {"Topic Name with blanks and capitals", V5, BOTH, "30 [<' A b/ '> []]", NULL},
    {"Topic Name that begins with $", V5, BOTH, "30 [<'$SYS/x'> []]", NULL},
    {"Topic Name with U+FEFF [MQTT-1.5.4-3]", V5, BOTH, "30 [<EFBBBF 'a'> []]", NULL},
    {"Topic Alias beside the Topic Name", V5, BOTH, "30 [<'a'> [23 0001]]", NULL},
    {"Topic Alias instead of the Topic Name", V5, BOTH, "30 [<> [23 0001]]", NULL},
    {"Topic Alias instead of the Topic Name, QoS 2", V5, BOTH, "34 [<> 0001 [23 0001] 'p']", NULL},
    {"Subscription Identifiers", V5, SERVER, "30 [<'a'> [0B 01 0B FFFFFF7F 0B 01]]", NULL},

    {"QoS 0", V3, BOTH, "30 [<'a'> 'p']", NULL},
    {"QoS 0, retained", V3, BOTH, "31 [<'a'> 'p']", NULL},
    {"QoS 1, again, retained", V3, BOTH, "3B [<'a'> 0001 'p']", NULL},
    {"QoS 2", V3, BOTH, "34 [<'a'> 0001 'p']", NULL},
    {"QoS 2, no payload", V3, BOTH, "34 [<'a'> 0001]", NULL},
    {"no payload", V3, BOTH, "30 [<'a'>]", NULL},
    {"longest Topic Name", V3, BOTH, "30 [<61*65535>]", NULL},
    {"payload that begins like properties", V3, BOTH, "30 [<'a'> 00FF]", NULL},
};

/* clang-format off */
static const struct refused refused[] = {
    {"QoS 3", V5, BOTH, 0x81, 0, {MQTT_3_3_1_4, P_3_3_1_2_1}, {NONE},
     "36 [<'a'> 0001 [] 'p']",
     "32 [<'a'> 0001 [] 'p']"},
    {"QoS 3, retained", V5, BOTH, 0x81, 0, {MQTT_3_3_1_4, P_3_3_1_2_1}, {NONE},
     "37 [<'a'> 0001 [] 'p']",
     "35 [<'a'> 0001 [] 'p']"},
    {"QoS 3, DUP", V5, BOTH, 0x81, 0, {MQTT_3_3_1_4, P_3_3_1_2_1}, {NONE},
     "3E [<'a'> 0001 [] 'p']",
     "3C [<'a'> 0001 [] 'p']"},
    {"QoS 3, DUP, retained", V5, BOTH, 0x81, 0, {MQTT_3_3_1_4, P_3_3_1_2_1}, {NONE},
     "3F [<'a'> 0001 [] 'p']",
     "3D [<'a'> 0001 [] 'p']"},
    {"QoS 3", V3, BOTH, EITHER, 0, {NONE}, {MQTT3_3_3_1_4},
     "36 [<'a'> 0001 'p']",
     "34 [<'a'> 0001 'p']"},
    {"DUP at QoS 0", V5, BOTH, EITHER, 0, {MQTT_3_3_1_2}, {NONE},
     "38 [<'a'> [] 'p']",
     "30 [<'a'> [] 'p']"},
    {"DUP at QoS 0, retained", V5, BOTH, EITHER, 0, {MQTT_3_3_1_2}, {NONE},
     "39 [<'a'> [] 'p']",
     "31 [<'a'> [] 'p']"},
    {"DUP at QoS 0", V3, BOTH, EITHER, 0, {NONE}, {MQTT3_3_3_1_2},
     "38 [<'a'> 'p']",
     "30 [<'a'> 'p']"},

    {"no Topic Name", V5, BOTH, 0x81, 2, {MQTT_4_13_1_1, MQTT_3_3_2_1}, {NONE},
     "30 00",
     "30 04 0001 'a' 00"},
    {"no Topic Name", V3, BOTH, 0x81, 2, {NONE}, {MQTT3_4_8_0_1, MQTT3_3_3_2_1},
     "30 00",
     "30 03 0001 'a'"},
    {"Topic Name beyond the end", V5, BOTH, 0x81, 2, {MQTT_4_13_1_1, MQTT_3_3_2_1}, {NONE},
     "30 04 0003 'a' 00",
     "30 04 0001 'a' 00"},
    {"Topic Name beyond the end", V3, BOTH, 0x81, 2, {NONE}, {MQTT3_4_8_0_1, MQTT3_3_3_2_1},
     "30 03 0002 'a'",
     "30 03 0001 'a'"},
    {"Topic Name ill-formed", V5, BOTH, 0x81, 5, {MQTT_1_5_4_1, MQTT_3_3_2_1}, {NONE},
     "30 [<'a' FF 'b'> []]",
     "30 [<'a.b'> []]"},
    {"Topic Name ill-formed", V3, BOTH, 0x81, 5, {NONE}, {MQTT3_1_5_3_1, MQTT3_3_3_2_1},
     "30 [<'a' FF 'b'>]",
     "30 [<'a.b'>]"},
    {"Topic Name with U+0000", V5, BOTH, 0x81, 5, {MQTT_1_5_4_2, MQTT_4_7_3_2}, {NONE},
     "30 [<'a' 00> []]",
     "30 [<'a' 01> []]"},
    {"Topic Name with U+0000", V3, BOTH, 0x81, 5, {NONE}, {MQTT3_1_5_3_2, MQTT3_4_7_3_2},
     "30 [<'a' 00>]",
     "30 [<'a' 01>]"},
    {"Topic Name empty, no Topic Alias", V5, BOTH, 0x82, 2, {P_3_3_2_1_1}, {NONE},
     "30 [<> [] 'p']",
     "30 [<> [23 0001] 'p']"},
    {"Topic Name empty, no Topic Alias, QoS 1", V5, BOTH, 0x82, 2, {P_3_3_2_1_1}, {NONE},
     "32 [<> 0001 [26 <> <>] 'p']",
     "32 [<> 0001 [23 0001] 'p']"},
    {"Topic Name empty", V3, BOTH, EITHER, 4, {NONE}, {MQTT3_4_7_3_1},
     "30 [<> 'p']",
     "30 [<'a'> 'p']"},
    {"'#' alone", V5, BOTH, EITHER, 4, {MQTT_3_3_2_2, MQTT_4_7_0_1}, {NONE},
     "30 [<'#'> []]",
     "30 [<'a'> []]"},
    {"'+' alone", V5, BOTH, EITHER, 4, {MQTT_3_3_2_2, MQTT_4_7_0_1}, {NONE},
     "30 [<'+'> []]",
     "30 [<'a'> []]"},
    {"'#' within a level", V5, BOTH, EITHER, 7, {MQTT_3_3_2_2, MQTT_4_7_0_1}, {NONE},
     "30 [<'a/b#c'> []]",
     "30 [<'a/b-c'> []]"},
    {"'+' as last character", V5, BOTH, EITHER, 7, {MQTT_3_3_2_2, MQTT_4_7_0_1}, {NONE},
     "30 [<'a/b+'> []]",
     "30 [<'a/b-'> []]"},
    {"a wildcard beside a Topic Alias", V5, BOTH, EITHER, 4, {MQTT_3_3_2_2, MQTT_4_7_0_1}, {NONE},
     "30 [<'#'> [23 0001]]",
     "30 [<'a'> [23 0001]]"},
    {"'+' in a level of its own", V3, BOTH, EITHER, 6, {NONE}, {MQTT3_3_3_2_2, MQTT3_4_7_1_1},
     "30 [<'a/+/b'>]",
     "30 [<'a/-/b'>]"},
    {"'#'", V3, BOTH, EITHER, 4, {NONE}, {MQTT3_3_3_2_2, MQTT3_4_7_1_1},
     "30 [<'#'>]",
     "30 [<'a'>]"},

    {"Packet Identifier 0, QoS 1", V5, CLIENT, EITHER, 5, {MQTT_2_2_1_3}, {NONE},
     "32 [<'a'> 0000 [] 'p']",
     "32 [<'a'> 0001 [] 'p']"},
    {"Packet Identifier 0, QoS 2", V5, CLIENT, EITHER, 5, {MQTT_2_2_1_3}, {NONE},
     "34 [<'a'> 0000 [] 'p']",
     "34 [<'a'> 0100 [] 'p']"},
    {"Packet Identifier 0", V5, SERVER, EITHER, 5, {MQTT_2_2_1_4}, {NONE},
     "32 [<'a'> 0000 [] 'p']",
     "32 [<'a'> 0001 [] 'p']"},
    {"Packet Identifier 0", V3, CLIENT, EITHER, 5, {NONE}, {MQTT3_2_3_1_1},
     "34 [<'a'> 0000 'p']",
     "34 [<'a'> 0001 'p']"},
    {"Packet Identifier 0", V3, SERVER, EITHER, 5, {NONE}, {MQTT3_2_3_1_4, MQTT3_2_3_1_1},
     "32 [<'a'> 0000 'p']",
     "32 [<'a'> 0001 'p']"},
    {"Packet Identifier cut", V5, BOTH, 0x81, 5, {MQTT_4_13_1_1}, {NONE},
     "32 04 0001 'a' 01",
     "32 06 0001 'a' 0101 00"},
    {"Packet Identifier missing", V3, BOTH, 0x81, 5, {NONE}, {MQTT3_4_8_0_1},
     "32 03 0001 'a'",
     "32 05 0001 'a' 0001"},
    {"no Property Length", V5, BOTH, 0x81, 5, {MQTT_2_2_2_1, MQTT_4_13_1_1}, {NONE},
     "30 03 0001 'a'",
     "30 04 0001 'a' 00"},
    {"no Property Length, QoS 1", V5, BOTH, 0x81, 7, {MQTT_2_2_2_1, MQTT_4_13_1_1}, {NONE},
     "32 05 0001 'a' 0001",
     "32 06 0001 'a' 0001 00"},
    {"Property Length beyond the end", V5, BOTH, 0x81, 5, {MQTT_4_13_1_1}, {NONE},
     "30 05 0001 'a' 02 'p'",
     "30 05 0001 'a' 00 'p'"},
    {"Topic Alias 0", V5, BOTH, 0x94, 7, {MQTT_3_3_2_8, P_3_3_4_2}, {NONE},
     "30 [<'a'> [23 0000]]",
     "30 [<'a'> [23 0001]]"},
    {"Topic Alias 0, Topic Name empty", V5, BOTH, 0x94, 6, {MQTT_3_3_2_8, P_3_3_4_2}, {NONE},
     "30 [<> [23 0000]]",
     "30 [<> [23 0001]]"},
    {"Subscription Identifier of a Client", V5, CLIENT, 0x82, 6, {MQTT_3_3_4_6}, {NONE},
     "30 [<'a'> [0B 01]]",
     "30 [<'a'> [01 01]]"},
};
/* clang-format on */

static const struct cut cuts[] = {
    {"30 [<'a/b'> [01 01 26 <'n'> <'v'>]]", V5, BOTH, ""},
    {"34 [<'a/b'> 0001 [01 01 26 <'n'> <'v'>] 'pay']", V5, BOTH, "17 18 19"},
    {"30 [<'a/b'> 'pay']", V3, BOTH, "5 6 7"},
    {"32 [<'a/b'> 0001]", V3, BOTH, ""},
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

START_TEST(every_field)
{
    const struct bytes five = octets("3D [<'a/b'> 0102 [02 00000003] 'payload']");
    const struct bytes zero = octets("30 [<'a/b'> [] 00]");
    const struct bytes three = octets("32 [<'a/b'> 0304 'payload']");
    struct packet packet;
    check_decodes(&packet, PROTOCOL_5_0, SENDER_CLIENT, five);
    ck_assert(packet.publish.dup && packet.publish.retain);
    ck_assert_uint_eq(packet.publish.qos, 2);
    ck_assert_uint_eq(packet.publish.packet_identifier, 0x0102);
    check_text(packet.publish.topic, "a/b");
    check_text(packet.publish.payload, "payload");
    ck_assert_uint_eq(properties_number(&packet.publish.properties, ORDINAL_MESSAGE_EXPIRY_INTERVAL, 0), 3);

    check_decodes(&packet, PROTOCOL_5_0, SENDER_CLIENT, zero);
    ck_assert(!packet.publish.dup && !packet.publish.retain);
    ck_assert_uint_eq(packet.publish.qos, 0);
    ck_assert_uint_eq(packet.publish.packet_identifier, 0);
    ck_assert_uint_eq(packet.publish.payload.length, 1);

    check_decodes(&packet, PROTOCOL_3_1_1, SENDER_SERVER, three);
    ck_assert_uint_eq(packet.publish.qos, 1);
    ck_assert_uint_eq(packet.publish.packet_identifier, 0x0304);
    ck_assert_uint_eq(packet.publish.properties.present, 0);
    check_text(packet.publish.payload, "payload");
    octets_free(five);
    octets_free(zero);
    octets_free(three);
}
END_TEST

/* Decoding is in place: topic and payload point into the input. */
START_TEST(nothing_is_copied)
{
    const struct bytes input = octets("30 [<'topic'> [03 <'type'>] 'payload']");
    struct packet packet;
    check_decodes(&packet, PROTOCOL_5_0, SENDER_CLIENT, input);
    ck_assert_ptr_eq(packet.publish.topic.data, input.data + 4);
    ck_assert_ptr_eq(packet.publish.payload.data, input.data + input.length - 7);
    octets_free(input);
}
END_TEST

Suite *suite_3_03_publish(void)
{
    Suite *suite = suite_create("3.3 PUBLISH");
    TCase *rules = tcase_create("rules");
    tcase_add_loop_test(rules, accepts, 0, COUNT(accepted));
    tcase_add_loop_test(rules, refuses, 0, COUNT(refused));
    tcase_add_loop_test(rules, every_cut, 0, COUNT(cuts));
    tcase_add_test(rules, every_field);
    tcase_add_test(rules, nothing_is_copied);
    suite_add_tcase(suite, rules);
    return suite;
}
