/* 3 MQTT Control Packets: framing, and the dispatch to the codec of every type. What a type itself demands is
 * in its own test; the fixed header is in that of 2.1. */
#include "support.h"

/* One packet of every type in the shortest form that the encoder has, so that it comes out unchanged. The
 * version CONNECT is decoded with is not used. */
static const struct {
    enum packet_type type;
    enum protocol_version version;
    enum sender sender;
    const char *packet;
} kinds[] = {
    {PACKET_CONNECT, PROTOCOL_5_0, SENDER_CLIENT, "10 [<'MQTT'> 05 02 003C [21 000A] <'a'>]"},
    {PACKET_CONNACK, PROTOCOL_5_0, SENDER_SERVER, "20 [01 00 [22 000A]]"},
    {PACKET_PUBLISH, PROTOCOL_5_0, SENDER_CLIENT, "3D [<'a/b'> 0007 [] 'old']"},
    {PACKET_PUBACK, PROTOCOL_5_0, SENDER_SERVER, "40 [0007 10]"},
    {PACKET_PUBREC, PROTOCOL_5_0, SENDER_CLIENT, "50 [0007]"},
    {PACKET_PUBREL, PROTOCOL_5_0, SENDER_CLIENT, "62 [0007 92]"},
    {PACKET_PUBCOMP, PROTOCOL_5_0, SENDER_SERVER, "70 [0007 92 [1F <'why'>]]"},
    {PACKET_SUBSCRIBE, PROTOCOL_5_0, SENDER_CLIENT, "82 [0007 [0B 01] <'a/#'> 2D <'b'> 00]"},
    {PACKET_SUBACK, PROTOCOL_5_0, SENDER_SERVER, "90 [0007 [] 02 87]"},
    {PACKET_UNSUBSCRIBE, PROTOCOL_5_0, SENDER_CLIENT, "A2 [0007 [] <'a/#'> <'b'>]"},
    {PACKET_UNSUBACK, PROTOCOL_5_0, SENDER_SERVER, "B0 [0007 [] 00 11]"},
    {PACKET_PINGREQ, PROTOCOL_5_0, SENDER_CLIENT, "C0 []"},
    {PACKET_PINGRESP, PROTOCOL_5_0, SENDER_SERVER, "D0 []"},
    {PACKET_DISCONNECT, PROTOCOL_5_0, SENDER_SERVER, "E0 [8B]"},
    {PACKET_AUTH, PROTOCOL_5_0, SENDER_SERVER, "F0 [18 [15 <'m'>]]"},
    {PACKET_CONNECT, PROTOCOL_3_1_1, SENDER_CLIENT, "10 [<'MQTT'> 04 C2 003C <'a'> <'u'> <'p'>]"},
    {PACKET_CONNACK, PROTOCOL_3_1_1, SENDER_SERVER, "20 [00 05]"},
    {PACKET_PUBLISH, PROTOCOL_3_1_1, SENDER_SERVER, "30 [<'a/b'> 'old']"},
    {PACKET_PUBACK, PROTOCOL_3_1_1, SENDER_SERVER, "40 [0007]"},
    {PACKET_PUBREC, PROTOCOL_3_1_1, SENDER_CLIENT, "50 [0007]"},
    {PACKET_PUBREL, PROTOCOL_3_1_1, SENDER_CLIENT, "62 [0007]"},
    {PACKET_PUBCOMP, PROTOCOL_3_1_1, SENDER_SERVER, "70 [0007]"},
    {PACKET_SUBSCRIBE, PROTOCOL_3_1_1, SENDER_CLIENT, "82 [0007 <'a/#'> 02 <'b'> 00]"},
    {PACKET_SUBACK, PROTOCOL_3_1_1, SENDER_SERVER, "90 [0007 02 80]"},
    {PACKET_UNSUBSCRIBE, PROTOCOL_3_1_1, SENDER_CLIENT, "A2 [0007 <'a/#'> <'b'>]"},
    {PACKET_UNSUBACK, PROTOCOL_3_1_1, SENDER_SERVER, "B0 [0007]"},
    {PACKET_PINGREQ, PROTOCOL_3_1_1, SENDER_CLIENT, "C0 []"},
    {PACKET_PINGRESP, PROTOCOL_3_1_1, SENDER_SERVER, "D0 []"},
    {PACKET_DISCONNECT, PROTOCOL_3_1_1, SENDER_CLIENT, "E0 []"},
    {PACKET_CONNECT, PROTOCOL_3_1, SENDER_CLIENT, "10 [<'MQIsdp'> 03 02 003C <'a'>]"},
    {PACKET_PUBREL, PROTOCOL_3_1, SENDER_CLIENT, "6A [0007]"}, /* 3.1 has DUP here */
    {PACKET_SUBSCRIBE, PROTOCOL_3_1, SENDER_CLIENT, "8A [0007 <'a'> 01]"},
    {PACKET_UNSUBSCRIBE, PROTOCOL_3_1, SENDER_CLIENT, "AA [0007 <'a'>]"},
};

static enum framing frame(struct bytes input, enum protocol_version version, uint32_t maximum, size_t *size,
                          struct verdict *verdict)
{
    return packet_frame(input, version, maximum, size, verdict);
}

/* Framing */

/* Cut off anywhere a packet is incomplete; what follows it is not its own. The size is known as soon as the
 * fixed header is whole: with these, after two bytes. */
START_TEST(framing_at_every_length)
{
    const struct bytes one = octets(kinds[_i].packet);
    char twice[NOTATION_SIZE];
    octets_print(twice, "%s %s", kinds[_i].packet, kinds[_i].packet);
    const struct bytes two = octets(twice);
    for (size_t length = 0; length <= two.length; length++) {
        size_t size = 99;
        struct verdict verdict;
        const enum framing found = frame(bytes_of(two.data, length), kinds[_i].version, 0, &size, &verdict);
        ck_assert_int_eq(found, length < one.length ? FRAMING_INCOMPLETE : FRAMING_COMPLETE);
        ck_assert_uint_eq(size, length < 2 ? 0 : one.length);
    }
    octets_free(one);
    octets_free(two);
}
END_TEST

/* The limit counts the whole packet, and is applied before the packet is there. [P-3.2.2.3.6-2]
 * [MQTT3-4.8.0-1] */
START_TEST(framing_at_the_limit)
{
    const struct bytes input = octets(kinds[_i].packet);
    const uint32_t exact = (uint32_t)input.length;
    const bool five = kinds[_i].version == PROTOCOL_5_0;
    size_t size;
    struct verdict verdict;
    ck_assert_int_eq(frame(input, kinds[_i].version, exact, &size, &verdict), FRAMING_COMPLETE);
    ck_assert_int_eq(frame(input, kinds[_i].version, exact + 1, &size, &verdict), FRAMING_COMPLETE);
    ck_assert_int_eq(frame(input, kinds[_i].version, exact - 1, &size, &verdict), FRAMING_REFUSED);
    ck_assert_uint_eq(verdict.reason_code, REASON_PACKET_TOO_LARGE);
    ck_assert_uint_eq(verdict.statement, five ? P_3_2_2_3_6_2 : MQTT3_4_8_0_1);
    if (input.length > 2) {
        const struct bytes start = bytes_of(input.data, 2);
        ck_assert_int_eq(frame(start, kinds[_i].version, exact, &size, &verdict), FRAMING_INCOMPLETE);
        ck_assert_int_eq(frame(start, kinds[_i].version, exact - 1, &size, &verdict), FRAMING_REFUSED);
    }
    octets_free(input);
}
END_TEST

/* Decoding and encoding */

START_TEST(decoding_finds_the_codec_of_the_type)
{
    const struct bytes input = octets(kinds[_i].packet);
    struct packet packet;
    check_decodes(&packet, kinds[_i].version, kinds[_i].sender, input);
    ck_assert_int_eq(packet.type, kinds[_i].type);
    ck_assert_int_eq(packet.version, kinds[_i].version);
    ck_assert_uint_eq(packet.flags, input.data[0] & 15);
    ck_assert_uint_eq(packet.size, input.length);
    ck_assert_uint_eq(packet.remaining_length, input.length - 2);
    octets_free(input);
}
END_TEST

/* Of every form there is one size, the encoder keeps to it, and what it writes is what was read. */
START_TEST(size_and_encoding_agree)
{
    const struct bytes input = octets(kinds[_i].packet);
    struct packet packet;
    check_decodes(&packet, kinds[_i].version, kinds[_i].sender, input);
    ck_assert_uint_eq(packet_encoded_size(&packet), input.length);

    uint8_t *room = octets_room(input.length + 2);
    memset(room, 0xEE, input.length + 2);
    struct writer writer = writer_into(room, input.length + 2);
    write_byte(&writer, 0xAA); /* behind what is there already */
    ck_assert_uint_eq(packet_encode(&packet, &writer), input.length);
    ck_assert_uint_eq(writer_size(&writer), input.length + 1);
    ck_assert_uint_eq(room[0], 0xAA);
    ck_assert_int_eq(memcmp(room + 1, input.data, input.length), 0);
    ck_assert_uint_eq(room[input.length + 1], 0xEE);
    free(room);
    octets_free(input);
}
END_TEST

/* One byte too few, or none: nothing is written. One more: everything is. */
START_TEST(a_writer_that_is_too_small)
{
    const struct bytes input = octets(kinds[_i].packet);
    struct packet packet;
    check_decodes(&packet, kinds[_i].version, kinds[_i].sender, input);
    for (size_t capacity = 0; capacity <= input.length; capacity++) {
        uint8_t *room = octets_room(capacity);
        struct writer writer = writer_into(room, capacity);
        const size_t written = packet_encode(&packet, &writer);
        if (written != (capacity == input.length ? input.length : 0) || written != writer_size(&writer))
            ck_abort_msg("%zu bytes written into %zu", written, capacity);
        free(room);
    }
    uint8_t *room = octets_room(input.length + 1);
    struct writer writer = writer_into(room, input.length + 1);
    writer.overflow = true; /* something before it did not fit */
    ck_assert_uint_eq(packet_encode(&packet, &writer), 0);
    ck_assert_uint_eq(writer_size(&writer), 0);
    free(room);
    octets_free(input);
}
END_TEST

/* Before CONNECT: [MQTT-3.1.0-1] [MQTT3-3.1.0-1]. A CONNECT tells its version itself, whatever the
 * connection's was, and does so also when it is refused further on. */
START_TEST(version_unknown)
{
    const struct bytes input = octets(kinds[_i].packet);
    const bool dup_of_31 = kinds[_i].version == PROTOCOL_3_1 && kinds[_i].type != PACKET_CONNECT;
    struct packet packet;
    const struct verdict verdict = packet_decode(&packet, PROTOCOL_UNKNOWN, kinds[_i].sender, input, NULL);
    if (kinds[_i].type == PACKET_CONNECT) {
        ck_assert(!verdict.refused);
        ck_assert_int_eq(packet.version, kinds[_i].version);
        for (int v = 0; v < 3; v++) {
            check_decodes(&packet, unit_versions[v], SENDER_CLIENT, input);
            ck_assert_int_eq(packet.version, kinds[_i].version);
        }
    } else {
        ck_assert(verdict.refused);
        ck_assert_int_eq(packet.version, PROTOCOL_UNKNOWN);
        /* the flags are looked at first */
        ck_assert_uint_eq(verdict.reason_code, dup_of_31 ? REASON_MALFORMED_PACKET : REASON_PROTOCOL_ERROR);
        ck_assert(dup_of_31 || verdict.statement == MQTT_3_1_0_1);
    }
    octets_free(input);
}
END_TEST

START_TEST(a_refused_connect_tells_its_version)
{
    static const struct {
        const char *packet;
        enum protocol_version version;
    } rows[] = {
        {"10 [<'MQTT'> 05 03 003C [] <'a'>]", PROTOCOL_5_0}, /* reserved flag [MQTT-3.1.2-3] */
        {"10 [<'MQTT'> 04 03 003C <'a'>]", PROTOCOL_3_1_1},
        {"10 [<'MQIsdp'> 03 02 003C <'a'> 00]", PROTOCOL_3_1},   /* a byte is left over */
        {"10 [<'MQTT'> 06 02 003C [] <'a'>]", PROTOCOL_UNKNOWN}, /* not one of ours [MQTT-3.1.2-2] */
        {"10 [<'MQTX'> 05 02 003C [] <'a'>]", PROTOCOL_UNKNOWN}, /* [MQTT-3.1.2-1] */
    };
    for (int i = 0; i < COUNT(rows); i++) {
        const struct bytes input = octets(rows[i].packet);
        struct packet packet;
        ck_assert(packet_decode(&packet, PROTOCOL_3_1_1, SENDER_CLIENT, input, NULL).refused);
        ck_assert_msg(packet.version == rows[i].version, "%s: %d", rows[i].packet, packet.version);
        octets_free(input);
    }
}
END_TEST

/* Type 0 in every version, type 15 before 5.0. There is no statement of their own: [MQTT-4.13.1-1]
 * [MQTT3-4.8.0-1]. */
START_TEST(reserved_types)
{
    static const struct {
        const char *packet;
        enum protocol_version version;
        bool reserved;
    } rows[] = {
        {"00 []", PROTOCOL_UNKNOWN, true},
        {"00 []", PROTOCOL_3_1, true},
        {"00 []", PROTOCOL_3_1_1, true},
        {"00 []", PROTOCOL_5_0, true},
        {"F0 []", PROTOCOL_3_1, true},
        {"F0 []", PROTOCOL_3_1_1, true},
        {"E0 []", PROTOCOL_3_1, false},
        {"E0 []", PROTOCOL_3_1_1, false},
        {"F0 [18 [15 <'m'>]]", PROTOCOL_5_0, false},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        const struct bytes input = octets(rows[i].packet);
        const bool three = rows[i].version == PROTOCOL_3_1 || rows[i].version == PROTOCOL_3_1_1;
        struct packet packet;
        size_t size;
        struct verdict framed;
        ck_assert_int_eq(frame(input, rows[i].version, 0, &size, &framed),
                         rows[i].reserved ? FRAMING_REFUSED : FRAMING_COMPLETE);
        const struct verdict decoded = packet_decode(&packet, rows[i].version, SENDER_CLIENT, input, NULL);
        if (rows[i].reserved) {
            ck_assert_uint_eq(framed.reason_code, REASON_MALFORMED_PACKET);
            const enum statement reserved = input.data[0] >> 4 == 0 ? P3_2_2_1_1 : P3_2_2_1_2;
            ck_assert_uint_eq(framed.statement, three ? reserved : MQTT_4_13_1_1);
            ck_assert_uint_eq(framed.offset, 0);
            ck_assert_uint_eq(decoded.statement, framed.statement);
            ck_assert_uint_eq(decoded.reason_code, framed.reason_code);
        }
        ck_assert_int_eq(decoded.refused, rows[i].reserved);
        octets_free(input);
    }
}
END_TEST

START_TEST(nothing_may_be_left_over)
{
    static const struct {
        const char *packet;
        size_t offset; /* 0: nothing is */
    } rows[] = {
        {"C0 []", 0},
        {"C0 [00]", 1}, /* here the Remaining Length itself is wrong */
        {"40 [0007 00 []]", 0},
        {"40 [0007 00 [] 00]", 6},
        {"E0 [00 []]", 0},
        {"E0 [00 [] 00]", 4},
        {"10 [<'MQTT'> 04 02 003C <'a'>]", 0},
        {"10 [<'MQTT'> 04 02 003C <'a'> 00]", 15},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        const struct bytes input = octets(rows[i].packet);
        struct packet packet;
        const struct verdict verdict = packet_decode(&packet, PROTOCOL_5_0, SENDER_CLIENT, input, NULL);
        ck_assert_msg(verdict.refused == (rows[i].offset != 0), "%s", rows[i].packet);
        ck_assert_uint_eq(verdict.offset, rows[i].offset);
        ck_assert(!verdict.refused || verdict.reason_code == REASON_MALFORMED_PACKET);
        octets_free(input);
    }
}
END_TEST

/* Walks */

START_TEST(subscribe_walk) /* 3.8.3 */
{
    static const struct {
        const char *filter;
        uint8_t qos;
        bool no_local;
        bool as_published;
        uint8_t handling;
    } expected[] = {
        {"a/#", 1, true, true, 2}, {"+", 2, false, false, 1}, {"b", 0, false, true, 0}, {"/", 0, true, 0, 0}};
    const struct bytes input = octets("82 [0007 [] <'a/#'> 2D <'+'> 12 <'b'> 08 <'/'> 04]");
    struct packet packet;
    check_decodes(&packet, PROTOCOL_5_0, SENDER_CLIENT, input);
    ck_assert_uint_eq(packet.subscribe.count, COUNT(expected));

    struct bytes rest = packet.subscribe.payload;
    struct subscription_request request;
    uint8_t *room = octets_room(rest.length);
    struct writer writer = writer_into(room, rest.length);
    for (int i = 0; i < COUNT(expected); i++) {
        ck_assert(subscribe_next(&rest, &request));
        check_text(request.topic_filter, expected[i].filter);
        ck_assert_uint_eq(request.qos, expected[i].qos);
        ck_assert_int_eq(request.no_local, expected[i].no_local);
        ck_assert_int_eq(request.retain_as_published, expected[i].as_published);
        ck_assert_uint_eq(request.retain_handling, expected[i].handling);
        subscribe_write(&writer, &request);
    }
    ck_assert(!subscribe_next(&rest, &request));
    ck_assert(!subscribe_next(&rest, &request)); /* and so it stays */
    ck_assert(!writer.overflow);
    ck_assert(bytes_equal(bytes_of(room, writer_size(&writer)), packet.subscribe.payload));
    ck_assert_uint_eq(packet.subscribe.payload.length, input.length - 5); /* the walk is on a copy */
    free(room);
    octets_free(input);
}
END_TEST

START_TEST(unsubscribe_walk) /* 3.10.3 */
{
    static const char *const expected[] = {"a/#", "+", "$share/g/b", "/"};
    const struct bytes input = octets("A2 [0007 <'a/#'> <'+'> <'$share/g/b'> <'/'>]");
    struct packet packet;
    check_decodes(&packet, PROTOCOL_3_1_1, SENDER_CLIENT, input);
    ck_assert_uint_eq(packet.unsubscribe.count, COUNT(expected));

    struct bytes rest = packet.unsubscribe.payload;
    struct bytes filter;
    uint8_t *room = octets_room(rest.length);
    struct writer writer = writer_into(room, rest.length);
    for (int i = 0; i < COUNT(expected); i++) {
        ck_assert(unsubscribe_next(&rest, &filter));
        check_text(filter, expected[i]);
        unsubscribe_write(&writer, filter);
    }
    ck_assert(!unsubscribe_next(&rest, &filter));
    ck_assert(!unsubscribe_next(&rest, &filter));
    ck_assert(bytes_equal(bytes_of(room, writer_size(&writer)), packet.unsubscribe.payload));
    free(room);
    octets_free(input);
}
END_TEST

START_TEST(type_names) /* table 2-1 */
{
    static const char *const names[16] = {
        "Reserved",  "CONNECT", "CONNACK",     "PUBLISH",  "PUBACK",  "PUBREC",   "PUBREL",     "PUBCOMP",
        "SUBSCRIBE", "SUBACK",  "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH"};
    for (unsigned type = 0; type < 16; type++)
        ck_assert_str_eq(packet_type_name((enum packet_type)type), names[type]);
}
END_TEST

Suite *suite_3_packet(void);
Suite *suite_3_packet(void)
{
    Suite *suite = suite_create("3 Control Packets");
    TCase *framing = tcase_create("framing");
    tcase_add_loop_test(framing, framing_at_every_length, 0, COUNT(kinds));
    tcase_add_loop_test(framing, framing_at_the_limit, 0, COUNT(kinds));
    tcase_add_test(framing, reserved_types);
    suite_add_tcase(suite, framing);

    TCase *dispatch = tcase_create("dispatch");
    tcase_add_loop_test(dispatch, decoding_finds_the_codec_of_the_type, 0, COUNT(kinds));
    tcase_add_loop_test(dispatch, size_and_encoding_agree, 0, COUNT(kinds));
    tcase_add_loop_test(dispatch, a_writer_that_is_too_small, 0, COUNT(kinds));
    tcase_add_loop_test(dispatch, version_unknown, 0, COUNT(kinds));
    tcase_add_test(dispatch, a_refused_connect_tells_its_version);
    tcase_add_test(dispatch, nothing_may_be_left_over);
    tcase_add_test(dispatch, subscribe_walk);
    tcase_add_test(dispatch, unsubscribe_walk);
    tcase_add_test(dispatch, type_names);
    suite_add_tcase(suite, dispatch);
    return suite;
}
