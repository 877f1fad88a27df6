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

#define QOS0 "30 [<'a'> [] 'p']"
#define QOS1 "32 [<'a'> 0001 [] 'p']"

static const struct refused refused[] = {
    {"QoS 3", V5, BOTH, "36 [<'a'> 0001 [] 'p']", MQTT_3_3_1_4, STATEMENT_NONE, 0x81, 0, QOS1, P_3_3_1_2_1,
     STATEMENT_NONE},
    {"QoS 3, retained", V5, BOTH, "37 [<'a'> 0001 [] 'p']", MQTT_3_3_1_4, STATEMENT_NONE, 0x81, 0,
     "35 [<'a'> 0001 [] 'p']", P_3_3_1_2_1, STATEMENT_NONE},
    {"QoS 3, DUP", V5, BOTH, "3E [<'a'> 0001 [] 'p']", MQTT_3_3_1_4, STATEMENT_NONE, 0x81, 0, "3C [<'a'> 0001 [] 'p']",
     P_3_3_1_2_1, STATEMENT_NONE},
    {"QoS 3, DUP, retained", V5, BOTH, "3F [<'a'> 0001 [] 'p']", MQTT_3_3_1_4, STATEMENT_NONE, 0x81, 0,
     "3D [<'a'> 0001 [] 'p']", P_3_3_1_2_1, STATEMENT_NONE},
    {"QoS 3", V3, BOTH, "36 [<'a'> 0001 'p']", STATEMENT_NONE, MQTT3_3_3_1_4, MALFORMED_OR_PROTOCOL_ERROR, 0,
     "34 [<'a'> 0001 'p']", STATEMENT_NONE, STATEMENT_NONE},
    {"DUP at QoS 0", V5, BOTH, "38 [<'a'> [] 'p']", MQTT_3_3_1_2, STATEMENT_NONE, MALFORMED_OR_PROTOCOL_ERROR, 0, QOS0,
     STATEMENT_NONE, STATEMENT_NONE},
    {"DUP at QoS 0, retained", V5, BOTH, "39 [<'a'> [] 'p']", MQTT_3_3_1_2, STATEMENT_NONE, MALFORMED_OR_PROTOCOL_ERROR,
     0, "31 [<'a'> [] 'p']", STATEMENT_NONE, STATEMENT_NONE},
    {"DUP at QoS 0", V3, BOTH, "38 [<'a'> 'p']", STATEMENT_NONE, MQTT3_3_3_1_2, MALFORMED_OR_PROTOCOL_ERROR, 0,
     "30 [<'a'> 'p']", STATEMENT_NONE, STATEMENT_NONE},

    {"no Topic Name", V5, BOTH, "30 00", MQTT_4_13_1_1, STATEMENT_NONE, 0x81, 2, "30 04 0001 'a' 00", MQTT_3_3_2_1,
     STATEMENT_NONE},
    {"no Topic Name", V3, BOTH, "30 00", STATEMENT_NONE, MQTT3_4_8_0_1, 0x81, 2, "30 03 0001 'a'", STATEMENT_NONE,
     MQTT3_3_3_2_1},
    {"Topic Name beyond the end", V5, BOTH, "30 04 0003 'a' 00", MQTT_4_13_1_1, STATEMENT_NONE, 0x81, 2,
     "30 04 0001 'a' 00", MQTT_3_3_2_1, STATEMENT_NONE},
    {"Topic Name beyond the end", V3, BOTH, "30 03 0002 'a'", STATEMENT_NONE, MQTT3_4_8_0_1, 0x81, 2, "30 03 0001 'a'",
     STATEMENT_NONE, MQTT3_3_3_2_1},
    {"Topic Name ill-formed", V5, BOTH, "30 [<'a' FF 'b'> []]", MQTT_1_5_4_1, STATEMENT_NONE, 0x81, 5,
     "30 [<'a.b'> []]", MQTT_3_3_2_1, STATEMENT_NONE},
    {"Topic Name ill-formed", V3, BOTH, "30 [<'a' FF 'b'>]", STATEMENT_NONE, MQTT3_1_5_3_1, 0x81, 5, "30 [<'a.b'>]",
     STATEMENT_NONE, MQTT3_3_3_2_1},
    {"Topic Name with U+0000", V5, BOTH, "30 [<'a' 00> []]", MQTT_1_5_4_2, STATEMENT_NONE, 0x81, 5, "30 [<'a' 01> []]",
     MQTT_4_7_3_2, STATEMENT_NONE},
    {"Topic Name with U+0000", V3, BOTH, "30 [<'a' 00>]", STATEMENT_NONE, MQTT3_1_5_3_2, 0x81, 5, "30 [<'a' 01>]",
     STATEMENT_NONE, MQTT3_4_7_3_2},
    {"Topic Name empty, no Topic Alias", V5, BOTH, "30 [<> [] 'p']", P_3_3_2_1_1, STATEMENT_NONE, 0x82, 2,
     "30 [<> [23 0001] 'p']", STATEMENT_NONE, STATEMENT_NONE},
    {"Topic Name empty, no Topic Alias, QoS 1", V5, BOTH, "32 [<> 0001 [26 <> <>] 'p']", P_3_3_2_1_1, STATEMENT_NONE,
     0x82, 2, "32 [<> 0001 [23 0001] 'p']", STATEMENT_NONE, STATEMENT_NONE},
    {"Topic Name empty", V3, BOTH, "30 [<> 'p']", STATEMENT_NONE, MQTT3_4_7_3_1, MALFORMED_OR_PROTOCOL_ERROR, 4,
     "30 [<'a'> 'p']", STATEMENT_NONE, STATEMENT_NONE},
    {"'#' alone", V5, BOTH, "30 [<'#'> []]", MQTT_3_3_2_2, STATEMENT_NONE, MALFORMED_OR_PROTOCOL_ERROR, 4,
     "30 [<'a'> []]", MQTT_4_7_0_1, STATEMENT_NONE},
    {"'+' alone", V5, BOTH, "30 [<'+'> []]", MQTT_3_3_2_2, STATEMENT_NONE, MALFORMED_OR_PROTOCOL_ERROR, 4,
     "30 [<'a'> []]", MQTT_4_7_0_1, STATEMENT_NONE},
    {"'#' within a level", V5, BOTH, "30 [<'a/b#c'> []]", MQTT_3_3_2_2, STATEMENT_NONE, MALFORMED_OR_PROTOCOL_ERROR, 7,
     "30 [<'a/b-c'> []]", MQTT_4_7_0_1, STATEMENT_NONE},
    {"'+' as last character", V5, BOTH, "30 [<'a/b+'> []]", MQTT_3_3_2_2, STATEMENT_NONE, MALFORMED_OR_PROTOCOL_ERROR,
     7, "30 [<'a/b-'> []]", MQTT_4_7_0_1, STATEMENT_NONE},
    {"a wildcard beside a Topic Alias", V5, BOTH, "30 [<'#'> [23 0001]]", MQTT_3_3_2_2, STATEMENT_NONE,
     MALFORMED_OR_PROTOCOL_ERROR, 4, "30 [<'a'> [23 0001]]", MQTT_4_7_0_1, STATEMENT_NONE},
    {"'+' in a level of its own", V3, BOTH, "30 [<'a/+/b'>]", STATEMENT_NONE, MQTT3_3_3_2_2,
     MALFORMED_OR_PROTOCOL_ERROR, 6, "30 [<'a/-/b'>]", STATEMENT_NONE, MQTT3_4_7_1_1},
    {"'#'", V3, BOTH, "30 [<'#'>]", STATEMENT_NONE, MQTT3_3_3_2_2, MALFORMED_OR_PROTOCOL_ERROR, 4, "30 [<'a'>]",
     STATEMENT_NONE, MQTT3_4_7_1_1},

    {"Packet Identifier 0, QoS 1", V5, CLIENT, "32 [<'a'> 0000 [] 'p']", MQTT_2_2_1_3, STATEMENT_NONE,
     MALFORMED_OR_PROTOCOL_ERROR, 5, QOS1, STATEMENT_NONE, STATEMENT_NONE},
    {"Packet Identifier 0, QoS 2", V5, CLIENT, "34 [<'a'> 0000 [] 'p']", MQTT_2_2_1_3, STATEMENT_NONE,
     MALFORMED_OR_PROTOCOL_ERROR, 5, "34 [<'a'> 0100 [] 'p']", STATEMENT_NONE, STATEMENT_NONE},
    {"Packet Identifier 0", V5, SERVER, "32 [<'a'> 0000 [] 'p']", MQTT_2_2_1_4, STATEMENT_NONE,
     MALFORMED_OR_PROTOCOL_ERROR, 5, QOS1, STATEMENT_NONE, STATEMENT_NONE},
    {"Packet Identifier 0", V3, CLIENT, "34 [<'a'> 0000 'p']", STATEMENT_NONE, MQTT3_2_3_1_1,
     MALFORMED_OR_PROTOCOL_ERROR, 5, "34 [<'a'> 0001 'p']", STATEMENT_NONE, STATEMENT_NONE},
    {"Packet Identifier 0", V3, SERVER, "32 [<'a'> 0000 'p']", STATEMENT_NONE, MQTT3_2_3_1_4,
     MALFORMED_OR_PROTOCOL_ERROR, 5, "32 [<'a'> 0001 'p']", STATEMENT_NONE, MQTT3_2_3_1_1},
    {"Packet Identifier cut", V5, BOTH, "32 04 0001 'a' 01", MQTT_4_13_1_1, STATEMENT_NONE, 0x81, 5,
     "32 06 0001 'a' 0101 00", STATEMENT_NONE, STATEMENT_NONE},
    {"Packet Identifier missing", V3, BOTH, "32 03 0001 'a'", STATEMENT_NONE, MQTT3_4_8_0_1, 0x81, 5,
     "32 05 0001 'a' 0001", STATEMENT_NONE, STATEMENT_NONE},
    {"no Property Length", V5, BOTH, "30 03 0001 'a'", MQTT_2_2_2_1, STATEMENT_NONE, 0x81, 5, "30 04 0001 'a' 00",
     MQTT_4_13_1_1, STATEMENT_NONE},
    {"no Property Length, QoS 1", V5, BOTH, "32 05 0001 'a' 0001", MQTT_2_2_2_1, STATEMENT_NONE, 0x81, 7,
     "32 06 0001 'a' 0001 00", MQTT_4_13_1_1, STATEMENT_NONE},
    {"Property Length beyond the end", V5, BOTH, "30 05 0001 'a' 02 'p'", MQTT_4_13_1_1, STATEMENT_NONE, 0x81, 5,
     "30 05 0001 'a' 00 'p'", STATEMENT_NONE, STATEMENT_NONE},
    {"Topic Alias 0", V5, BOTH, "30 [<'a'> [23 0000]]", MQTT_3_3_2_8, STATEMENT_NONE, 0x94, 7, "30 [<'a'> [23 0001]]",
     P_3_3_4_2, STATEMENT_NONE},
    {"Topic Alias 0, Topic Name empty", V5, BOTH, "30 [<> [23 0000]]", MQTT_3_3_2_8, STATEMENT_NONE, 0x94, 6,
     "30 [<> [23 0001]]", P_3_3_4_2, STATEMENT_NONE},
    {"Subscription Identifier of a Client", V5, CLIENT, "30 [<'a'> [0B 01]]", MQTT_3_3_4_6, STATEMENT_NONE, 0x82, 6,
     "30 [<'a'> [01 01]]", STATEMENT_NONE, STATEMENT_NONE},
};

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
