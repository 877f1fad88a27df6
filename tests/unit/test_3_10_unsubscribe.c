/* 3.10 UNSUBSCRIBE */
#include "support.h"

static const struct accepted accepted[] = {
    {"one Topic Filter", V5, CLIENT, "A2 [0001 [] <'a'>]", NULL},
    {"three Topic Filters", V5, CLIENT, "A2 [FFFF [] <'a/+/b'> <'#'> <'/'>]", NULL},
    {"the same Topic Filter twice", V5, CLIENT, "A2 [0001 [] <'a'> <'a'>]", NULL},
    {"properties", V5, CLIENT, "A2 [0001 [26 <'n'> <'v'> 26 <'n'> <'v'>] <'a'>]", NULL},
    {"Shared Subscription", V5, CLIENT, "A2 [0001 [] <'$share/g/a/#'>]", NULL},
    {"longest Topic Filter", V5, CLIENT, "A2 [0001 [] <61*65535>]", NULL},
    {"one Topic Filter", V3, CLIENT, "A2 [0001 <'a'>]", NULL},
    {"three Topic Filters", V3, CLIENT, "A2 [0001 <'a/#'> <'+'> <'$share//x'>]", NULL},
    {"sent again with DUP (spec/mqtt-3.1.md)", V31, CLIENT, "AA [0001 <'a'>]", NULL},
};

/* clang-format off */
static const struct refused refused[] = {
    {"Packet Identifier 0", V5, CLIENT, EITHER, 2, {MQTT_2_2_1_3}, {NONE},
     "A2 [0000 [] <'a'>]",
     "A2 [0001 [] <'a'>]"},
    {"Packet Identifier 0", V3, CLIENT, EITHER, 2, {NONE}, {MQTT3_2_3_1_1},
     "A2 [0000 <'a'>]",
     "A2 [0001 <'a'>]"},
    {"with DUP", V5, CLIENT, 0x81, 0, {MQTT_3_10_1_1}, {NONE},
     "AA [0001 [] <'a'>]",
     "A2 [0001 [] <'a'>]"},
    {"with DUP", V311, CLIENT, 0x81, 0, {NONE}, {MQTT3_3_10_1_1},
     "AA [0001 <'a'>]",
     "A2 [0001 <'a'>]"},
    {"no payload", V5, CLIENT, 0x82, 5, {MQTT_3_10_3_2, P_3_10_3_1}, {NONE},
     "A2 [0001 []]",
     "A2 [0001 [] <'a'>]"},
    {"no payload", V3, CLIENT, EITHER, 4, {NONE}, {MQTT3_3_10_3_2},
     "A2 [0001]",
     "A2 [0001 <'a'>]"},
    {"no Property Length", V5, CLIENT, 0x81, 4, {MQTT_2_2_2_1, MQTT_4_13_1_1}, {NONE},
     "A2 02 0001",
     "A2 [0001 [] <'a'>]"},
    {"Topic Filter beyond the end", V5, CLIENT, 0x81, 5, {MQTT_4_13_1_1}, {NONE},
     "A2 06 0001 00 0002 'a'",
     "A2 06 0001 00 0001 'a'"},
    {"a byte behind the Topic Filter", V5, CLIENT, 0x81, 8, {MQTT_4_13_1_1}, {NONE},
     "A2 07 0001 00 0001 'a' 00",
     "A2 06 0001 00 0001 'a'"},
    {"a byte behind the Topic Filter", V3, CLIENT, 0x81, 7, {NONE}, {MQTT3_4_8_0_1},
     "A2 06 0001 0001 'a' 00",
     "A2 05 0001 0001 'a'"},
    {"Topic Filter ill-formed", V5, CLIENT, 0x81, 8, {MQTT_1_5_4_1, MQTT_3_10_3_1}, {NONE},
     "A2 [0001 [] <'a' FF>]",
     "A2 [0001 [] <'ab'>]"},
    {"Topic Filter ill-formed", V3, CLIENT, 0x81, 7, {NONE}, {MQTT3_1_5_3_1, MQTT3_3_10_3_1},
     "A2 [0001 <'a' FF>]",
     "A2 [0001 <'ab'>]"},
    {"Topic Filter with U+0000", V5, CLIENT, 0x81, 7, {MQTT_1_5_4_2, MQTT_4_7_3_2}, {NONE},
     "A2 [0001 [] <00>]",
     "A2 [0001 [] <'a'>]"},
    {"Topic Filter empty", V5, CLIENT, EITHER, 7, {MQTT_4_7_3_1}, {NONE},
     "A2 [0001 [] <>]",
     "A2 [0001 [] <'a'>]"},
    {"Topic Filter empty", V3, CLIENT, EITHER, 9, {NONE}, {MQTT3_4_7_3_1},
     "A2 [0001 <'a'> <>]",
     "A2 [0001 <'a'> <'b'>]"},
    {"'#' not last", V5, CLIENT, EITHER, 7, {MQTT_4_7_1_1}, {NONE},
     "A2 [0001 [] <'#/a'>]",
     "A2 [0001 [] <'+/a'>]"},
    {"'+' not alone", V3, CLIENT, EITHER, 7, {NONE}, {MQTT3_4_7_1_3},
     "A2 [0001 <'a' '+'>]",
     "A2 [0001 <'a' '-'>]"},
    {"Shared Subscription without ShareName", V5, CLIENT, EITHER, 14, {MQTT_4_8_2_1}, {NONE},
     "A2 [0001 [] <'$share//a'>]",
     "A2 [0001 [] <'$share/g/a'>]"},
};
/* clang-format on */

static const struct cut cuts[] = {
    {"A2 [0001 [26 <'n'> <'v'>] <'abc'> <'d/#'>]", V5, CLIENT, "15"},
    {"A2 [0001 <'abc'> <'d/#'>]", V3, CLIENT, "7"},
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
    const struct bytes input = octets("A2 [0102 [26 <'n'> <'v'>] <'a/+'> <'#'>]");
    struct packet packet;
    struct bytes filter;
    check_decodes(&packet, PROTOCOL_5_0, SENDER_CLIENT, input);
    ck_assert_uint_eq(packet.unsubscribe.packet_identifier, 0x0102);
    ck_assert_uint_eq(packet.unsubscribe.count, 2);
    struct bytes rest = packet.unsubscribe.payload;
    ck_assert(unsubscribe_next(&rest, &filter));
    check_text(filter, "a/+");
    ck_assert(unsubscribe_next(&rest, &filter));
    check_text(filter, "#");
    ck_assert(!unsubscribe_next(&rest, &filter));
    octets_free(input);
}
END_TEST

START_TEST(payloads_are_built)
{
    uint8_t room[32];
    struct writer writer = writer_into(room, sizeof room);
    unsubscribe_write(&writer, bytes_of_text("a"));
    unsubscribe_write(&writer, bytes_of_text("b/#"));
    struct packet packet = {.type = PACKET_UNSUBSCRIBE, .version = PROTOCOL_5_0};
    packet.unsubscribe.packet_identifier = 7;
    packet.unsubscribe.payload = bytes_of(room, writer_size(&writer));
    check_encodes(&packet, "A2 [0007 [] <'a'> <'b/#'>]");
}
END_TEST

/* The walk over a payload that nobody has checked ends. */
START_TEST(the_walk_trusts_nothing)
{
    static const char *const broken[] = {"", "00", "0001", "0003 'ab'", "FFFF"};
    for (int i = 0; i < COUNT(broken); i++) {
        const struct bytes input = octets(broken[i]);
        struct bytes rest = input;
        struct bytes filter;
        ck_assert_msg(!unsubscribe_next(&rest, &filter), "%s", broken[i]);
        octets_free(input);
    }
}
END_TEST

Suite *suite_3_10_unsubscribe(void)
{
    Suite *suite = suite_create("3.10 UNSUBSCRIBE");
    TCase *rules = tcase_create("rules");
    tcase_add_loop_test(rules, accepts, 0, COUNT(accepted));
    tcase_add_loop_test(rules, refuses, 0, COUNT(refused));
    tcase_add_loop_test(rules, every_cut, 0, COUNT(cuts));
    tcase_add_test(rules, every_field);
    tcase_add_test(rules, payloads_are_built);
    tcase_add_test(rules, the_walk_trusts_nothing);
    suite_add_tcase(suite, rules);
    return suite;
}
