/* 3.8 SUBSCRIBE */
#include "support.h"

static const struct accepted accepted[] = {
    {"one Topic Filter", V5, CLIENT, "82 [0001 [] <'a'> 00]", NULL},
    {"Maximum QoS 1", V5, CLIENT, "82 [0001 [] <'a'> 01]", NULL},
    {"Maximum QoS 2", V5, CLIENT, "82 [0001 [] <'a'> 02]", NULL},
    {"No Local", V5, CLIENT, "82 [0001 [] <'a'> 04]", NULL},
    {"Retain As Published", V5, CLIENT, "82 [0001 [] <'a'> 08]", NULL},
    {"Retain Handling 1", V5, CLIENT, "82 [0001 [] <'a'> 10]", NULL},
    {"Retain Handling 2", V5, CLIENT, "82 [0001 [] <'a'> 20]", NULL},
    {"all options", V5, CLIENT, "82 [0001 [] <'a'> 2E]", NULL},
    {"three Topic Filters", V5, CLIENT, "82 [FFFF [] <'a/+/b'> 02 <'#'> 00 <'/'> 15]", NULL},
    {"the same Topic Filter twice", V5, CLIENT, "82 [0001 [] <'a'> 00 <'a'> 01]", NULL},
    {"properties", V5, CLIENT, "82 [0001 [0B FFFFFF7F 26 <'n'> <'v'>] <'a'> 00]", NULL},
    {"Shared Subscription", V5, CLIENT, "82 [0001 [] <'$share/g/a'> 0A]", NULL},
    {"No Local on what only looks shared", V5, CLIENT, "82 [0001 [] <'$shared/g/a'> 04]", NULL},
    {"longest Topic Filter", V5, CLIENT, "82 [0001 [] <61*65535> 00]", NULL},
    {"Topic Filter with U+FEFF [MQTT-1.5.4-3]", V5, CLIENT, "82 [0001 [] <EFBBBF> 00]", NULL},
    {"one Topic Filter", V3, CLIENT, "82 [0001 <'a'> 00]", NULL},
    {"QoS 2 and QoS 1", V3, CLIENT, "82 [0001 <'a/#'> 02 <'+'> 01]", NULL},
    {"$share is a level like any other before 5.0", V3, CLIENT,
     "82 [0001 <'$share//a'> 00 <'$share/+/a'> 00]", NULL},
    {"sent again with DUP (spec/mqtt-3.1.md)", V31, CLIENT, "8A [0001 <'a'> 00]", NULL},
};

/* clang-format off */
static const struct refused refused[] = {
    {"Packet Identifier 0", V5, CLIENT, EITHER, 2, {MQTT_2_2_1_3}, {NONE},
     "82 [0000 [] <'a'> 00]",
     "82 [0001 [] <'a'> 00]"},
    {"Packet Identifier 0", V3, CLIENT, EITHER, 2, {NONE}, {MQTT3_2_3_1_1},
     "82 [0000 <'a'> 00]",
     "82 [0001 <'a'> 00]"},
    {"with DUP", V5, CLIENT, 0x81, 0, {MQTT_3_8_1_1}, {NONE},
     "8A [0001 [] <'a'> 00]",
     "82 [0001 [] <'a'> 00]"},
    {"with DUP", V311, CLIENT, 0x81, 0, {NONE}, {MQTT3_3_8_1_1},
     "8A [0001 <'a'> 00]",
     "82 [0001 <'a'> 00]"},
    {"no payload", V5, CLIENT, 0x82, 5, {MQTT_3_8_3_2, P_3_8_3_1}, {NONE},
     "82 [0001 []]",
     "82 [0001 [] <'a'> 00]"},
    {"no payload, but properties", V5, CLIENT, 0x82, 7, {MQTT_3_8_3_2, P_3_8_3_1}, {NONE},
     "82 [0001 [0B 01]]",
     "82 [0001 [0B 01] <'a'> 00]"},
    {"no payload", V3, CLIENT, EITHER, 4, {NONE}, {MQTT3_3_8_3_3},
     "82 [0001]",
     "82 [0001 <'a'> 00]"},
    {"no Property Length", V5, CLIENT, 0x81, 4, {MQTT_2_2_2_1, MQTT_4_13_1_1}, {NONE},
     "82 02 0001",
     "82 [0001 [] <'a'> 00]"},
    {"no options", V5, CLIENT, 0x81, 8, {MQTT_4_13_1_1, MQTT_3_8_3_2}, {NONE},
     "82 06 0001 00 0001 'a'",
     "82 07 0001 00 0001 'a' 00"},
    {"no options on the second", V5, CLIENT, 0x81, 12, {MQTT_4_13_1_1, MQTT_3_8_3_2}, {NONE},
     "82 [0001 [] <'a'> 00 <'b'>]",
     "82 [0001 [] <'a'> 00 <'b'> 00]"},
    {"no QoS", V3, CLIENT, 0x81, 7, {NONE}, {MQTT3_4_8_0_1, MQTT3_3_8_3_3},
     "82 05 0001 0001 'a'",
     "82 06 0001 0001 'a' 00"},
    {"Topic Filter beyond the end", V5, CLIENT, 0x81, 5, {MQTT_4_13_1_1}, {NONE},
     "82 07 0001 00 0003 'a' 00",
     "82 07 0001 00 0001 'a' 00"},
    {"Topic Filter ill-formed", V5, CLIENT, 0x81, 7, {MQTT_1_5_4_1, MQTT_3_8_3_1}, {NONE},
     "82 [0001 [] <FF> 00]",
     "82 [0001 [] <'a'> 00]"},
    {"Topic Filter ill-formed", V3, CLIENT, 0x81, 6, {NONE}, {MQTT3_1_5_3_1, MQTT3_3_8_3_1},
     "82 [0001 <FF> 00]",
     "82 [0001 <'a'> 00]"},
    {"Topic Filter with U+0000", V5, CLIENT, 0x81, 8, {MQTT_1_5_4_2, MQTT_4_7_3_2}, {NONE},
     "82 [0001 [] <'a' 00> 00]",
     "82 [0001 [] <'a' 01> 00]"},
    {"Topic Filter empty", V5, CLIENT, EITHER, 7, {MQTT_4_7_3_1}, {NONE},
     "82 [0001 [] <> 00]",
     "82 [0001 [] <'a'> 00]"},
    {"Topic Filter empty", V3, CLIENT, EITHER, 6, {NONE}, {MQTT3_4_7_3_1},
     "82 [0001 <> 00]",
     "82 [0001 <'a'> 00]"},
    {"'#' not last", V5, CLIENT, EITHER, 7, {MQTT_4_7_1_1}, {NONE},
     "82 [0001 [] <'#/a'> 00]",
     "82 [0001 [] <'+/a'> 00]"},
    {"'+' not alone in the second filter", V5, CLIENT, EITHER, 12, {MQTT_4_7_1_2}, {NONE},
     "82 [0001 [] <'a'> 00 <'b+'> 00]",
     "82 [0001 [] <'a'> 00 <'b-'> 00]"},
    {"'#' not alone", V3, CLIENT, EITHER, 7, {NONE}, {MQTT3_4_7_1_2},
     "82 [0001 <'a#'> 00]",
     "82 [0001 <'a-'> 00]"},

    {"Maximum QoS 3", V5, CLIENT, 0x82, 8, {P_3_8_3_1_1}, {NONE},
     "82 [0001 [] <'a'> 03]",
     "82 [0001 [] <'a'> 02]"},
    {"Maximum QoS 3 of the second", V5, CLIENT, 0x82, 12, {P_3_8_3_1_1}, {NONE},
     "82 [0001 [] <'a'> 00 <'b'> 03]",
     "82 [0001 [] <'a'> 00 <'b'> 01]"},
    {"Retain Handling 3", V5, CLIENT, 0x82, 8, {P_3_8_3_1_2}, {NONE},
     "82 [0001 [] <'a'> 30]",
     "82 [0001 [] <'a'> 20]"},
    {"reserved option, bit 6", V5, CLIENT, 0x81, 8, {MQTT_3_8_3_5}, {NONE},
     "82 [0001 [] <'a'> 40]",
     "82 [0001 [] <'a'> 00]"},
    {"reserved option, bit 7", V5, CLIENT, 0x81, 8, {MQTT_3_8_3_5}, {NONE},
     "82 [0001 [] <'a'> 82]",
     "82 [0001 [] <'a'> 02]"},
    {"a reserved option and QoS 3: malformed comes first", V5, CLIENT, 0x81, 8, {MQTT_3_8_3_5}, {NONE},
     "82 [0001 [] <'a'> 43]",
     "82 [0001 [] <'a'> 02]"},
    {"No Local on a Shared Subscription", V5, CLIENT, 0x82, 17, {MQTT_3_8_3_4}, {NONE},
     "82 [0001 [] <'$share/g/a'> 04]",
     "82 [0001 [] <'$share/g/a'> 00]"},
    {"Requested QoS 3", V3, CLIENT, 0x81, 7, {NONE}, {MQTT3_3_8_3_4},
     "82 [0001 <'a'> 03]",
     "82 [0001 <'a'> 02]"},
    {"reserved bit 2", V3, CLIENT, 0x81, 7, {NONE}, {MQTT3_3_8_3_4},
     "82 [0001 <'a'> 04]",
     "82 [0001 <'a'> 00]"},
    {"reserved bit 3", V3, CLIENT, 0x81, 7, {NONE}, {MQTT3_3_8_3_4},
     "82 [0001 <'a'> 08]",
     "82 [0001 <'a'> 00]"},
    {"reserved bit 4", V3, CLIENT, 0x81, 7, {NONE}, {MQTT3_3_8_3_4},
     "82 [0001 <'a'> 10]",
     "82 [0001 <'a'> 00]"},
    {"reserved bit 5", V3, CLIENT, 0x81, 7, {NONE}, {MQTT3_3_8_3_4},
     "82 [0001 <'a'> 20]",
     "82 [0001 <'a'> 00]"},
    {"reserved bit 6", V3, CLIENT, 0x81, 7, {NONE}, {MQTT3_3_8_3_4},
     "82 [0001 <'a'> 41]",
     "82 [0001 <'a'> 01]"},
    {"reserved bit 7", V3, CLIENT, 0x81, 7, {NONE}, {MQTT3_3_8_3_4},
     "82 [0001 <'a'> 80]",
     "82 [0001 <'a'> 00]"},

    {"Shared Subscription without ShareName", V5, CLIENT, EITHER, 14, {MQTT_4_8_2_1}, {NONE},
     "82 [0001 [] <'$share//a'> 00]",
     "82 [0001 [] <'$share/g/a'> 00]"},
    {"Shared Subscription without Topic Filter", V5, CLIENT, EITHER, 15, {MQTT_4_8_2_2, MQTT_4_7_3_1}, {NONE},
     "82 [0001 [] <'$share/g/'> 00]",
     "82 [0001 [] <'$share/g//'> 00]"},
    {"ShareName with '+'", V5, CLIENT, EITHER, 14, {MQTT_4_8_2_2}, {NONE},
     "82 [0001 [] <'$share/+/a'> 00]",
     "82 [0001 [] <'$share/-/a'> 00]"},
};
/* clang-format on */

static const struct cut cuts[] = {
    {"82 [0001 [0B 01 26 <'n'> <'v'>] <'abc'> 00 <'d/#'> 02]", V5, CLIENT, "18"},
    {"82 [0001 <'abc'> 00 <'d/#'> 02]", V3, CLIENT, "8"},
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

/* 3.8.3.1: all 256 values of the options. */
START_TEST(every_option)
{
    for (unsigned options = 0; options < 256; options++) {
        const uint8_t five[] = {0x82, 7, 0, 1, 0, 0, 1, 'a', (uint8_t)options};
        const uint8_t three[] = {0x82, 6, 0, 1, 0, 1, 'a', (uint8_t)options};
        struct packet packet;
        const struct verdict verdict5 =
            packet_decode(&packet, PROTOCOL_5_0, SENDER_CLIENT, bytes_of(five, sizeof five), NULL);
        const bool good5 = options < 0x40 && options % 4 < 3 && options / 16 < 3;
        ck_assert_msg(verdict5.refused == !good5, "options 0x%02X", options);
        ck_assert(good5 || verdict5.reason_code == (options >= 0x40 ? 0x81 : 0x82));
        const struct verdict verdict3 =
            packet_decode(&packet, PROTOCOL_3_1_1, SENDER_CLIENT, bytes_of(three, sizeof three), NULL);
        ck_assert_msg(verdict3.refused == (options > 2), "requested QoS 0x%02X", options);
    }
}
END_TEST

START_TEST(every_field)
{
    const struct bytes input = octets("82 [0102 [0B C102] <'a/+'> 2E <'#'> 00 <'b'> 11]");
    struct packet packet;
    struct subscription_request request;
    check_decodes(&packet, PROTOCOL_5_0, SENDER_CLIENT, input);
    ck_assert_uint_eq(packet.subscribe.packet_identifier, 0x0102);
    ck_assert_uint_eq(packet.subscribe.count, 3);
    ck_assert_uint_eq(properties_number(&packet.subscribe.properties, ORDINAL_SUBSCRIPTION_IDENTIFIER, 0),
                      321);

    struct bytes rest = packet.subscribe.payload;
    ck_assert(subscribe_next(&rest, &request));
    check_text(request.topic_filter, "a/+");
    ck_assert(request.qos == 2 && request.no_local && request.retain_as_published &&
              request.retain_handling == 2);
    ck_assert(subscribe_next(&rest, &request));
    check_text(request.topic_filter, "#");
    ck_assert(request.qos == 0 && !request.no_local && !request.retain_as_published &&
              request.retain_handling == 0);
    ck_assert(subscribe_next(&rest, &request));
    check_text(request.topic_filter, "b");
    ck_assert(request.qos == 1 && !request.no_local && !request.retain_as_published &&
              request.retain_handling == 1);
    ck_assert(!subscribe_next(&rest, &request));
    ck_assert_uint_eq(rest.length, 0);
    octets_free(input);
}
END_TEST

START_TEST(payloads_are_built)
{
    uint8_t room[32];
    struct writer writer = writer_into(room, sizeof room);
    subscribe_write(&writer, &(struct subscription_request){.topic_filter = bytes_of_text("a"), .qos = 1});
    subscribe_write(
        &writer, &(struct subscription_request){
                     .topic_filter = bytes_of_text("b/#"), .qos = 2, .no_local = true, .retain_handling = 2});
    subscribe_write(&writer, &(struct subscription_request){.topic_filter = bytes_of_text("c"),
                                                            .retain_as_published = true});
    struct packet packet = {.type = PACKET_SUBSCRIBE, .version = PROTOCOL_5_0};
    packet.subscribe.packet_identifier = 7;
    packet.subscribe.payload = bytes_of(room, writer_size(&writer));
    check_encodes(&packet, "82 [0007 [] <'a'> 01 <'b/#'> 26 <'c'> 08]");
}
END_TEST

/* The walk over a payload that nobody has checked ends. */
START_TEST(the_walk_trusts_nothing)
{
    static const char *const broken[] = {"", "00", "0000", "0001", "0001 'a'", "FFFF 'a' 00"};
    for (int i = 0; i < COUNT(broken); i++) {
        const struct bytes input = octets(broken[i]);
        struct bytes rest = input;
        struct subscription_request request;
        ck_assert_msg(!subscribe_next(&rest, &request), "%s", broken[i]);
        octets_free(input);
    }
}
END_TEST

Suite *suite_3_08_subscribe(void)
{
    Suite *suite = suite_create("3.8 SUBSCRIBE");
    TCase *rules = tcase_create("rules");
    tcase_add_loop_test(rules, accepts, 0, COUNT(accepted));
    tcase_add_loop_test(rules, refuses, 0, COUNT(refused));
    tcase_add_loop_test(rules, every_cut, 0, COUNT(cuts));
    tcase_add_test(rules, every_option);
    tcase_add_test(rules, every_field);
    tcase_add_test(rules, payloads_are_built);
    tcase_add_test(rules, the_walk_trusts_nothing);
    suite_add_tcase(suite, rules);
    return suite;
}
