/* 2.1 Structure of an MQTT Control Packet: type, flags, Remaining Length; and who may send what. */
#include "support.h"

/* Table 2-2: the flags that a type must have; PUBLISH uses all four. `three` cites 3.1.1, in which DUP is
 * ignored nowhere; `resent` are the flags that MQTT 3.1 has for a packet that is sent again
 * (spec/mqtt-3.1.md). */
static const struct {
    enum packet_type type;
    uint8_t flags;
    uint8_t resent;
    enum statement five;
    enum statement three;
} types[] = {
    {PACKET_CONNECT, 0, 0, MQTT_2_1_3_1, MQTT_2_1_3_1}, /* the version is not known yet */
    {PACKET_CONNACK, 0, 0, MQTT_2_1_3_1, MQTT3_2_2_2_1},
    {PACKET_PUBACK, 0, 0, MQTT_2_1_3_1, MQTT3_2_2_2_1},
    {PACKET_PUBREC, 0, 0, MQTT_2_1_3_1, MQTT3_2_2_2_1},
    {PACKET_PUBREL, 2, 10, MQTT_3_6_1_1, MQTT3_3_6_1_1},
    {PACKET_PUBCOMP, 0, 0, MQTT_2_1_3_1, MQTT3_2_2_2_1},
    {PACKET_SUBSCRIBE, 2, 10, MQTT_3_8_1_1, MQTT3_3_8_1_1},
    {PACKET_SUBACK, 0, 0, MQTT_2_1_3_1, MQTT3_2_2_2_1},
    {PACKET_UNSUBSCRIBE, 2, 10, MQTT_3_10_1_1, MQTT3_3_10_1_1},
    {PACKET_UNSUBACK, 0, 0, MQTT_2_1_3_1, MQTT3_2_2_2_1},
    {PACKET_PINGREQ, 0, 0, MQTT_2_1_3_1, MQTT3_2_2_2_1},
    {PACKET_PINGRESP, 0, 0, MQTT_2_1_3_1, MQTT3_2_2_2_1},
    {PACKET_DISCONNECT, 0, 0, MQTT_3_14_1_1, MQTT3_3_14_1_1},
    {PACKET_AUTH, 0, 0, MQTT_3_15_1_1, NONE},
};

static enum framing frame(struct bytes input, enum protocol_version version, struct verdict *verdict)
{
    size_t size = 0;
    return packet_frame(input, version, 0, &size, verdict);
}

/* [MQTT-2.1.3-1] [P-2.1.3-1] [MQTT3-2.2.2-1] [MQTT3-2.2.2-2]: every value of the four bits, of every type
 * and version. The first byte alone is enough to refuse. */
START_TEST(flags_of_every_type)
{
    for (int v = 0; v < 3; v++) {
        const enum protocol_version version = unit_versions[v];
        if (types[_i].type == PACKET_AUTH && version != PROTOCOL_5_0)
            continue;
        for (uint8_t flags = 0; flags < 16; flags++) {
            const uint8_t first = (uint8_t)(types[_i].type << 4 | flags);
            const bool good = flags == types[_i].flags ||
                              (version == PROTOCOL_3_1 && types[_i].resent != 0 && flags == types[_i].resent);
            const enum protocol_version known = types[_i].type == PACKET_CONNECT ? PROTOCOL_UNKNOWN : version;
            struct verdict verdict;
            const enum framing framing = frame(bytes_of(&first, 1), known, &verdict);
            ck_assert_msg(framing == (good ? FRAMING_INCOMPLETE : FRAMING_REFUSED), "0x%02X in %s", first,
                          version_name(version));
            if (good)
                continue;
            ck_assert_uint_eq(verdict.reason_code, REASON_MALFORMED_PACKET);
            ck_assert_uint_eq(verdict.offset, 0);
            const enum statement expected = version == PROTOCOL_5_0 ? types[_i].five : types[_i].three;
            ck_assert_msg(verdict.statement == expected || verdict.statement == MQTT_2_1_3_1,
                          "0x%02X in %s: %s", first, version_name(version),
                          statement_describe(verdict.statement)->id);
        }
    }
}
END_TEST

/* The same verdict comes from decoding, whatever follows. */
START_TEST(flags_are_checked_in_decoding)
{
    for (uint8_t flags = 0; flags < 16; flags++) {
        if (flags == types[_i].flags)
            continue;
        const uint8_t input[] = {(uint8_t)(types[_i].type << 4 | flags), 0x00};
        struct packet packet;
        const struct verdict verdict =
            packet_decode(&packet, PROTOCOL_5_0, SENDER_CLIENT, bytes_of(input, sizeof input), NULL);
        ck_assert(verdict.refused);
        ck_assert_uint_eq(verdict.offset, 0);
        ck_assert_uint_eq(verdict.statement, types[_i].five);
        ck_assert_uint_eq(verdict.reason_code, REASON_MALFORMED_PACKET);
    }
}
END_TEST

/* 3.3.1: all flags of PUBLISH are data to the fixed header; its own section has rules on their values. */
START_TEST(publish_flags_are_free)
{
    for (uint8_t flags = 0; flags < 16; flags++) {
        const uint8_t first = (uint8_t)(PACKET_PUBLISH << 4 | flags);
        struct verdict verdict;
        for (int v = 0; v < 3; v++)
            ck_assert_int_eq(frame(bytes_of(&first, 1), unit_versions[v], &verdict), FRAMING_INCOMPLETE);
    }
}
END_TEST

/* Table 2-1: type 0 is forbidden everywhere, type 15 before 5.0. */
START_TEST(forbidden_types)
{
    for (uint8_t flags = 0; flags < 16; flags++) {
        const uint8_t zero = flags;
        const uint8_t fifteen = (uint8_t)(0xF0 | flags);
        struct verdict verdict;
        for (int v = 0; v < 3; v++) {
            const bool five = unit_versions[v] == PROTOCOL_5_0;
            ck_assert_int_eq(frame(bytes_of(&zero, 1), unit_versions[v], &verdict), FRAMING_REFUSED);
            ck_assert_uint_eq(verdict.statement, five ? MQTT_4_13_1_1 : P3_2_2_1_1);
            ck_assert_uint_eq(verdict.reason_code, REASON_MALFORMED_PACKET);
            ck_assert_int_eq(frame(bytes_of(&fifteen, 1), unit_versions[v], &verdict),
                             five && flags == 0 ? FRAMING_INCOMPLETE : FRAMING_REFUSED);
            ck_assert(five || verdict.statement == P3_2_2_1_2);
            ck_assert(!verdict.refused || verdict.reason_code == REASON_MALFORMED_PACKET);
        }
        ck_assert_int_eq(frame(bytes_of(&zero, 1), PROTOCOL_UNKNOWN, &verdict), FRAMING_REFUSED);
    }
}
END_TEST

/* 2.1.4: the boundaries of the Remaining Length, on a PUBLISH; `size` is what framing has to report. */
static const struct {
    const char *input;
    enum framing framing;
    size_t size;
} lengths[] = {
    {"", FRAMING_INCOMPLETE, 0},
    {"30", FRAMING_INCOMPLETE, 0},
    {"30 80", FRAMING_INCOMPLETE, 0},
    {"30 FF FF", FRAMING_INCOMPLETE, 0},
    {"30 FF FF FF", FRAMING_INCOMPLETE, 0},
    {"30 00", FRAMING_COMPLETE, 2},
    {"30 00 FF", FRAMING_COMPLETE, 2},
    {"30 01", FRAMING_INCOMPLETE, 3},
    {"30 01 AA", FRAMING_COMPLETE, 3},
    {"30 01 AA BB", FRAMING_COMPLETE, 3},
    {"30 7F", FRAMING_INCOMPLETE, 129},
    {"30 80 01", FRAMING_INCOMPLETE, 131},
    {"30 FF 7F", FRAMING_INCOMPLETE, 16386},
    {"30 80 80 01", FRAMING_INCOMPLETE, 16388},
    {"30 FF FF 7F", FRAMING_INCOMPLETE, 2097155},
    {"30 80 80 80 01", FRAMING_INCOMPLETE, 2097157},
    {"30 FF FF FF 7F", FRAMING_INCOMPLETE, 268435460},
    {"30 [00*127]", FRAMING_COMPLETE, 129},
    {"30 [00*128]", FRAMING_COMPLETE, 131},
    {"30 [00*16383]", FRAMING_COMPLETE, 16386},
    {"30 [00*16384]", FRAMING_COMPLETE, 16388},
    {"30 [00*2097151]", FRAMING_COMPLETE, 2097155},
    {"30 [00*2097152]", FRAMING_COMPLETE, 2097157},
};

START_TEST(remaining_length)
{
    const struct bytes input = octets(lengths[_i].input);
    for (int v = 0; v < 3; v++) {
        size_t size = SIZE_MAX;
        struct verdict verdict;
        ck_assert_int_eq(packet_frame(input, unit_versions[v], 0, &size, &verdict), lengths[_i].framing);
        ck_assert_uint_eq(size, lengths[_i].size);
        ck_assert(!verdict.refused);
    }
    octets_free(input);
}
END_TEST

/* [MQTT-1.5.5-1] not minimal, [D-1.5.5-1] more than four bytes. `enough` is how many bytes already tell. */
static const struct {
    const char *input;
    enum statement five;
    size_t offset;
    size_t enough;
} bad_lengths[] = {
    {"30 80 00", MQTT_1_5_5_1, 2, 3},       {"30 FF 00", MQTT_1_5_5_1, 2, 3},
    {"30 80 80 00", MQTT_1_5_5_1, 3, 4},    {"30 FF FF FF 00", MQTT_1_5_5_1, 4, 5},
    {"30 80 80 80 80 01", D_1_5_5_1, 4, 5}, {"30 FF FF FF FF 7F", D_1_5_5_1, 4, 5},
    {"30 FF FF FF FF 00", D_1_5_5_1, 4, 5}, {"C0 80 00", MQTT_1_5_5_1, 2, 3},
};

START_TEST(bad_remaining_length)
{
    const struct bytes input = octets(bad_lengths[_i].input);
    for (int v = 0; v < 3; v++) {
        const bool five = unit_versions[v] == PROTOCOL_5_0;
        struct verdict verdict;
        for (size_t length = 1; length < bad_lengths[_i].enough; length++)
            ck_assert_int_eq(frame(bytes_of(input.data, length), unit_versions[v], &verdict),
                             FRAMING_INCOMPLETE);
        for (size_t length = bad_lengths[_i].enough; length <= input.length; length++) {
            ck_assert_int_eq(frame(bytes_of(input.data, length), unit_versions[v], &verdict),
                             FRAMING_REFUSED);
            enum statement three = bad_lengths[_i].five == D_1_5_5_1 ? D3_2_2_3_3 : D3_2_2_3_2;
            ck_assert_uint_eq(verdict.statement, five ? bad_lengths[_i].five : three);
            ck_assert_uint_eq(verdict.reason_code, REASON_MALFORMED_PACKET);
            ck_assert_uint_eq(verdict.offset, bad_lengths[_i].offset);
        }
    }
    octets_free(input);
}
END_TEST

/* [P-3.2.2.3.6-2]: the limit counts the whole packet, and is applied before the packet has arrived. */
static const struct {
    const char *input;
    uint32_t maximum;
    enum framing framing;
} limits[] = {
    {"30 7F", 129, FRAMING_INCOMPLETE},
    {"30 7F", 128, FRAMING_REFUSED},
    {"30 7F", 1, FRAMING_REFUSED},
    {"30 7F", 0, FRAMING_INCOMPLETE},
    {"30 80", 1, FRAMING_INCOMPLETE},
    {"C0 00", 2, FRAMING_COMPLETE},
    {"C0 00", 1, FRAMING_REFUSED},
    {"30 FF FF FF 7F", 268435460, FRAMING_INCOMPLETE},
    {"30 FF FF FF 7F", 268435459, FRAMING_REFUSED},
    {"30 FF FF FF 7F", 4294967295, FRAMING_INCOMPLETE},
    {"30 FF FF FF", 16, FRAMING_INCOMPLETE},
};

START_TEST(maximum_packet_size)
{
    const struct bytes input = octets(limits[_i].input);
    for (int v = 0; v < 3; v++) {
        const bool five = unit_versions[v] == PROTOCOL_5_0;
        size_t size;
        struct verdict verdict;
        ck_assert_int_eq(packet_frame(input, unit_versions[v], limits[_i].maximum, &size, &verdict),
                         limits[_i].framing);
        if (limits[_i].framing != FRAMING_REFUSED)
            continue;
        ck_assert_uint_eq(verdict.reason_code, REASON_PACKET_TOO_LARGE);
        ck_assert(verdict.statement == (five ? P_3_2_2_3_6_2 : MQTT3_4_8_0_1) ||
                  (five && verdict.statement == MQTT_3_2_2_15));
        ck_assert_uint_eq(verdict.offset, 1);
    }
    octets_free(input);
}
END_TEST

/* Who sends what: table 2-1. A packet of the wrong direction is a Protocol Error; nothing is wrong with
 * its form. */
static const struct {
    const char *what;
    const char *packet;
    enum protocol_version version;
    int senders;
} directions[] = {
    {"CONNECT", "10 [<'MQTT'> 05 02 003C [] <'a'>]", PROTOCOL_5_0, CLIENT},
    {"CONNACK", "20 [00 00 []]", PROTOCOL_5_0, SERVER},
    {"PUBLISH", "30 [<'a'> []]", PROTOCOL_5_0, BOTH},
    {"PUBACK", "40 [0001]", PROTOCOL_5_0, BOTH},
    {"PUBREC", "50 [0001]", PROTOCOL_5_0, BOTH},
    {"PUBREL", "62 [0001]", PROTOCOL_5_0, BOTH},
    {"PUBCOMP", "70 [0001]", PROTOCOL_5_0, BOTH},
    {"SUBSCRIBE", "82 [0001 [] <'a'> 00]", PROTOCOL_5_0, CLIENT},
    {"SUBACK", "90 [0001 [] 00]", PROTOCOL_5_0, SERVER},
    {"UNSUBSCRIBE", "A2 [0001 [] <'a'>]", PROTOCOL_5_0, CLIENT},
    {"UNSUBACK", "B0 [0001 [] 00]", PROTOCOL_5_0, SERVER},
    {"PINGREQ", "C0 00", PROTOCOL_5_0, CLIENT},
    {"PINGRESP", "D0 00", PROTOCOL_5_0, SERVER},
    {"DISCONNECT", "E0 00", PROTOCOL_5_0, BOTH},
    {"AUTH", "F0 [18 [15 <'m'>]]", PROTOCOL_5_0, BOTH},
    {"CONNACK", "20 [00 00]", PROTOCOL_3_1_1, SERVER},
    {"PUBLISH", "30 [<'a'>]", PROTOCOL_3_1_1, BOTH},
    {"PUBACK", "40 [0001]", PROTOCOL_3_1_1, BOTH},
    {"PUBREC", "50 [0001]", PROTOCOL_3_1_1, BOTH},
    {"PUBREL", "62 [0001]", PROTOCOL_3_1_1, BOTH},
    {"PUBCOMP", "70 [0001]", PROTOCOL_3_1_1, BOTH},
    {"SUBSCRIBE", "82 [0001 <'a'> 00]", PROTOCOL_3_1_1, CLIENT},
    {"SUBACK", "90 [0001 00]", PROTOCOL_3_1_1, SERVER},
    {"UNSUBSCRIBE", "A2 [0001 <'a'>]", PROTOCOL_3_1_1, CLIENT},
    {"UNSUBACK", "B0 [0001]", PROTOCOL_3_1_1, SERVER},
    {"PINGREQ", "C0 00", PROTOCOL_3_1_1, CLIENT},
    {"PINGRESP", "D0 00", PROTOCOL_3_1_1, SERVER},
    {"DISCONNECT", "E0 00", PROTOCOL_3_1_1, CLIENT}, /* the Server just closes before 5.0 */
    {"DISCONNECT", "E0 00", PROTOCOL_3_1, CLIENT},
};

START_TEST(direction)
{
    const struct bytes input = octets(directions[_i].packet);
    const bool five = directions[_i].version == PROTOCOL_5_0;
    for (int s = 0; s < 2; s++) {
        struct packet packet;
        const struct verdict verdict = packet_decode(&packet, directions[_i].version,
                                                     s == 0 ? SENDER_CLIENT : SENDER_SERVER, input, NULL);
        ck_assert_msg(verdict.refused == ((directions[_i].senders >> s & 1) == 0), "%s from sender %d",
                      directions[_i].what, s);
        if (!verdict.refused)
            continue;
        ck_assert_uint_eq(verdict.reason_code, REASON_PROTOCOL_ERROR);
        ck_assert_uint_eq(verdict.offset, 0);
        ck_assert(verdict.statement == (five     ? MQTT_4_13_1_1
                                        : s == 0 ? P3_2_2_1_3
                                                 : MQTT3_4_8_0_1) ||
                  (!five && verdict.statement == P3_2_2_1_4));
    }
    ck_assert_str_eq(packet_type_name((enum packet_type)(input.data[0] >> 4)), directions[_i].what);
    octets_free(input);
}
END_TEST

/* Before CONNECT no other packet is in order, whatever its form. [MQTT-3.1.0-1] */
START_TEST(connect_comes_first)
{
    for (int i = 0; i < COUNT(directions); i++) {
        const struct bytes input = octets(directions[i].packet);
        for (int s = 0; s < 2; s++) {
            if ((directions[i].senders >> s & 1) == 0)
                continue;
            struct packet packet;
            const struct verdict verdict =
                packet_decode(&packet, PROTOCOL_UNKNOWN, s == 0 ? SENDER_CLIENT : SENDER_SERVER, input, NULL);
            const bool is_connect = input.data[0] == 0x10;
            ck_assert_msg(verdict.refused == !is_connect, "%s", directions[i].what);
            if (is_connect)
                continue;
            ck_assert_uint_eq(verdict.statement, MQTT_3_1_0_1);
            ck_assert_uint_eq(verdict.reason_code, REASON_PROTOCOL_ERROR);
            ck_assert_uint_eq(verdict.offset, 0);
        }
        octets_free(input);
    }
}
END_TEST

START_TEST(type_zero_has_a_name)
{
    ck_assert_str_eq(packet_type_name(PACKET_RESERVED), "Reserved");
}
END_TEST

/* Decoding trusts no framing: a Remaining Length that does not match what follows is refused. */
START_TEST(remaining_length_must_match)
{
    static const char *const inputs[] = {"30 05 <'a'> 00", "30 03 <'a'> 00", "C0 01", "C0 00 00",
                                         "30 FF FF FF 7F 00"};
    const struct bytes good = octets("30 04 <'a'> 00");
    struct packet packet;
    check_decodes(&packet, PROTOCOL_5_0, SENDER_CLIENT, good);
    octets_free(good);
    for (int i = 0; i < COUNT(inputs); i++) {
        const struct bytes input = octets(inputs[i]);
        const struct verdict verdict = packet_decode(&packet, PROTOCOL_5_0, SENDER_CLIENT, input, NULL);
        ck_assert_msg(verdict.refused, "%s", inputs[i]);
        ck_assert_uint_eq(verdict.offset, 1);
        ck_assert_uint_eq(verdict.reason_code, REASON_MALFORMED_PACKET);
        octets_free(input);
    }
}
END_TEST

/* A decoder must take an empty input, too. */
START_TEST(nothing_at_all)
{
    struct packet packet;
    const struct verdict verdict =
        packet_decode(&packet, PROTOCOL_5_0, SENDER_CLIENT, bytes_of(NULL, 0), NULL);
    ck_assert(verdict.refused);
    ck_assert_uint_eq(verdict.reason_code, REASON_MALFORMED_PACKET);
}
END_TEST

/* The largest packet there is, 268,435,460 bytes, and the first that there is not. */
START_TEST(largest_packet)
{
    const size_t size = 268435460;
    uint8_t *input = calloc(1, size);
    ck_assert_ptr_nonnull(input);
    const uint8_t head[] = {0x30, 0xFF, 0xFF, 0xFF, 0x7F, 0x00, 0x01, 'a', 0x00};
    memcpy(input, head, sizeof head);
    struct packet packet;
    check_decodes(&packet, PROTOCOL_5_0, SENDER_CLIENT, bytes_of(input, size));
    ck_assert_uint_eq(packet.publish.payload.length, 268435455 - 4);
    ck_assert_uint_eq(packet.remaining_length, 268435455);
    ck_assert_uint_eq(packet_encoded_size(&packet), size);

    packet.publish.payload.length++; /* never read: it is refused for its size */
    uint8_t room[64];
    struct writer writer = writer_into(room, sizeof room);
    ck_assert_uint_eq(packet_encoded_size(&packet), 0);
    ck_assert_uint_eq(packet_encode(&packet, &writer), 0);
    free(input);
}
END_TEST

Suite *suite_2_1_fixed_header(void)
{
    Suite *suite = suite_create("2.1 Fixed header");
    TCase *flags = tcase_create("2.1.2 type, 2.1.3 flags");
    tcase_add_loop_test(flags, flags_of_every_type, 0, COUNT(types));
    tcase_add_loop_test(flags, flags_are_checked_in_decoding, 0, COUNT(types));
    tcase_add_test(flags, publish_flags_are_free);
    tcase_add_test(flags, forbidden_types);
    tcase_add_loop_test(flags, direction, 0, COUNT(directions));
    tcase_add_test(flags, connect_comes_first);
    tcase_add_test(flags, type_zero_has_a_name);
    suite_add_tcase(suite, flags);

    TCase *length = tcase_create("2.1.4 Remaining Length");
    tcase_add_loop_test(length, remaining_length, 0, COUNT(lengths));
    tcase_add_loop_test(length, bad_remaining_length, 0, COUNT(bad_lengths));
    tcase_add_loop_test(length, maximum_packet_size, 0, COUNT(limits));
    tcase_add_test(length, remaining_length_must_match);
    tcase_add_test(length, nothing_at_all);
    tcase_add_test(length, largest_packet);
    suite_add_tcase(suite, length);
    return suite;
}
