/* 2.2.1 Packet Identifier: its reader alone, and which packets have one. */
#include "mqtt/2_2_1_packet_identifier.h"

#include "support.h"

/* What a Packet Identifier of 0 violates, by who chose it: the sender of a new packet, or the peer whose
 * packet is answered. */
static const struct {
    enum packet_type type;
    enum sender sender;
    enum statement five;
    enum statement three;
} types[] = {
    {PACKET_PUBLISH, SENDER_CLIENT, MQTT_2_2_1_3, MQTT3_2_3_1_1},
    {PACKET_PUBLISH, SENDER_SERVER, MQTT_2_2_1_4, MQTT3_2_3_1_4},
    {PACKET_PUBACK, SENDER_CLIENT, MQTT_2_2_1_5, MQTT3_2_3_1_6},
    {PACKET_PUBACK, SENDER_SERVER, MQTT_2_2_1_5, MQTT3_2_3_1_6},
    {PACKET_PUBREC, SENDER_CLIENT, MQTT_2_2_1_5, MQTT3_2_3_1_6},
    {PACKET_PUBREL, SENDER_SERVER, MQTT_2_2_1_5, MQTT3_2_3_1_6},
    {PACKET_PUBCOMP, SENDER_CLIENT, MQTT_2_2_1_5, MQTT3_2_3_1_6},
    {PACKET_SUBSCRIBE, SENDER_CLIENT, MQTT_2_2_1_3, MQTT3_2_3_1_1},
    {PACKET_SUBACK, SENDER_SERVER, MQTT_2_2_1_6, MQTT3_2_3_1_7},
    {PACKET_UNSUBSCRIBE, SENDER_CLIENT, MQTT_2_2_1_3, MQTT3_2_3_1_1},
    {PACKET_UNSUBACK, SENDER_SERVER, MQTT_2_2_1_6, MQTT3_2_3_1_7},
};

struct told {
    int count;
    struct decoded_field field;
};

static void on_field(void *context, const struct decoded_field *field)
{
    struct told *told = context;
    told->count++;
    told->field = *field;
}

/* A decoder that stands on the fourth byte of `packet`. */
static struct decoder decoder_on(struct bytes packet, enum protocol_version version, int row)
{
    return (struct decoder){.start = packet.data,
                            .at = packet.data + 3,
                            .end = packet.data + packet.length,
                            .version = version,
                            .sender = types[row].sender,
                            .type = types[row].type};
}

START_TEST(zero_is_refused_by_whose_rule_it_breaks)
{
    const struct bytes packet = octets("FF FF FF 0000 FF");
    for (int v = 0; v < 3; v++) {
        struct decoder decoder = decoder_on(packet, unit_versions[v], _i);
        uint16_t value = 7;
        const struct verdict verdict = packet_identifier_read(&decoder, "3.4.2", &value);
        const bool five = unit_versions[v] == PROTOCOL_5_0;
        ck_assert(verdict.refused);
        ck_assert_uint_eq(verdict.reason_code, REASON_PROTOCOL_ERROR);
        ck_assert_uint_eq(verdict.statement, five ? types[_i].five : types[_i].three);
        ck_assert_uint_eq(verdict.offset, 3);
    }
    octets_free(packet);
}
END_TEST

/* The neighbours of 0, and those that show which byte is the high one. */
START_TEST(any_other_is_taken)
{
    static const struct {
        const char *packet;
        uint16_t value;
    } good[] = {{"FF FF FF 0001 FF", 1},
                {"FF FF FF FFFF FF", 65535},
                {"00 00 00 0100 00", 256},
                {"FF FF FF 00FF FF", 255},
                {"00 00 00 1234", 4660}};
    for (int i = 0; i < COUNT(good); i++) {
        const struct bytes packet = octets(good[i].packet);
        struct decoder decoder = decoder_on(packet, PROTOCOL_5_0, _i);
        uint16_t value = 0;
        ck_assert(!packet_identifier_read(&decoder, "3.4.2", &value).refused);
        ck_assert_uint_eq(value, good[i].value);
        ck_assert_uint_eq(decoder_offset(&decoder), 5);
        octets_free(packet);
    }
}
END_TEST

START_TEST(two_bytes_are_needed)
{
    static const char *const cut[] = {"00 00 00 01", "00 00 00"};
    for (int i = 0; i < COUNT(cut); i++) {
        const struct bytes packet = octets(cut[i]);
        struct decoder decoder = decoder_on(packet, PROTOCOL_5_0, 1);
        uint16_t value;
        const struct verdict verdict = packet_identifier_read(&decoder, "3.4.2", &value);
        ck_assert(verdict.refused);
        ck_assert_uint_eq(verdict.reason_code, REASON_MALFORMED_PACKET);
        ck_assert_uint_eq(verdict.statement, MQTT_4_13_1_1);
        octets_free(packet);
    }
}
END_TEST

START_TEST(the_observer_is_told_of_it) /* also of a 0, which a dissection has to show */
{
    static const char *const packets[] = {"FF FF FF 0000", "FF FF FF 0102"};
    for (int i = 0; i < COUNT(packets); i++) {
        struct told told = {.count = 0};
        const struct decode_observer observer = {.field = on_field, .context = &told};
        const struct bytes packet = octets(packets[i]);
        struct decoder decoder = decoder_on(packet, PROTOCOL_5_0, 1);
        decoder.observer = &observer;
        uint16_t value;
        ck_assert(packet_identifier_read(&decoder, "3.4.2", &value).refused == (i == 0));
        ck_assert_int_eq(told.count, 1);
        ck_assert_str_eq(told.field.name, "Packet Identifier");
        ck_assert_str_eq(told.field.section, "3.4.2");
        ck_assert_uint_eq(told.field.offset, 3);
        ck_assert_uint_eq(told.field.length, 2);
        ck_assert_uint_eq(told.field.number, i == 0 ? 0 : 258);
        octets_free(packet);
    }
}
END_TEST

/* Table 2-2 (5.0), table 2.3.1 (3.1.1): which packets have a Packet Identifier. Whole packets; `%04X` is
 * where it stands. */
static const struct {
    const char *packet;
    enum protocol_version version;
    enum sender sender;
    size_t offset;
} carriers[] = {
    {"32 [<'a'> %04X []]", PROTOCOL_5_0, SENDER_CLIENT, 5},
    {"34 [<'a'> %04X]", PROTOCOL_3_1_1, SENDER_SERVER, 5},
    {"40 [%04X]", PROTOCOL_5_0, SENDER_CLIENT, 2},
    {"50 [%04X]", PROTOCOL_5_0, SENDER_SERVER, 2},
    {"62 [%04X]", PROTOCOL_3_1_1, SENDER_CLIENT, 2},
    {"70 [%04X]", PROTOCOL_3_1, SENDER_SERVER, 2},
    {"82 [%04X [] <'a'> 00]", PROTOCOL_5_0, SENDER_CLIENT, 2},
    {"82 [%04X <'a'> 00]", PROTOCOL_3_1, SENDER_CLIENT, 2},
    {"90 [%04X [] 00]", PROTOCOL_5_0, SENDER_SERVER, 2},
    {"A2 [%04X <'a'>]", PROTOCOL_3_1_1, SENDER_CLIENT, 2},
    {"B0 [%04X [] 00]", PROTOCOL_5_0, SENDER_SERVER, 2},
    {"B0 [%04X]", PROTOCOL_3_1_1, SENDER_SERVER, 2},
};

START_TEST(packets_that_have_one)
{
    for (unsigned identifier = 0; identifier < 2; identifier++) {
        char notation[NOTATION_SIZE];
        struct packet packet;
        octets_print(notation, carriers[_i].packet, identifier);
        const struct bytes input = octets(notation);
        const struct verdict verdict =
            packet_decode(&packet, carriers[_i].version, carriers[_i].sender, input, NULL);
        ck_assert_int_eq(verdict.refused, identifier == 0);
        ck_assert(!verdict.refused || verdict.offset == carriers[_i].offset);
        octets_free(input);
    }
}
END_TEST

START_TEST(a_publish_of_qos_0_has_none) /* [MQTT-2.2.1-2] [MQTT3-2.3.1-5] */
{
    const struct bytes five = octets("30 [<'a'> 00 0007]");
    const struct bytes three = octets("30 [<'a'> 0007]");
    struct packet packet;
    check_decodes(&packet, PROTOCOL_5_0, SENDER_CLIENT, five);
    ck_assert_uint_eq(packet.publish.packet_identifier, 0);
    ck_assert_uint_eq(packet.publish.payload.length, 2); /* the two bytes are payload */
    packet.publish.packet_identifier = 7;
    check_encodes(&packet, "30 [<'a'> 00 0007]");
    packet.publish.qos = 1; /* the neighbour that has one */
    check_encodes(&packet, "32 [<'a'> 0007 00 0007]");
    check_decodes(&packet, PROTOCOL_3_1_1, SENDER_CLIENT, three);
    ck_assert_uint_eq(packet.publish.packet_identifier, 0);
    ck_assert_uint_eq(packet.publish.payload.length, 2);
    octets_free(five);
    octets_free(three);
}
END_TEST

Suite *suite_2_2_1_packet_identifier(void);
Suite *suite_2_2_1_packet_identifier(void)
{
    Suite *suite = suite_create("2.2.1 Packet Identifier");
    TCase *tcase = tcase_create("2.2.1 Packet Identifier");
    tcase_add_loop_test(tcase, zero_is_refused_by_whose_rule_it_breaks, 0, COUNT(types));
    tcase_add_loop_test(tcase, any_other_is_taken, 0, COUNT(types));
    tcase_add_test(tcase, two_bytes_are_needed);
    tcase_add_test(tcase, the_observer_is_told_of_it);
    tcase_add_loop_test(tcase, packets_that_have_one, 0, COUNT(carriers));
    tcase_add_test(tcase, a_publish_of_qos_0_has_none);
    suite_add_tcase(suite, tcase);
    return suite;
}
