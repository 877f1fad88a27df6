/* 2.4 Reason Code: the reader alone, against tables 3-1 to 3-12 of who may send what. Whole packets are in
 * the test of each. */
#include "mqtt/2_4_reason_code.h"

#include "support.h"

/* Which codes each side may send, in hexadecimal; NULL: none at all. `open`: not judged; 0x8C stands in the
 * table of all codes as one of DISCONNECT, but not in DISCONNECT's own. */
static const struct {
    enum packet_type type;
    const char *client;
    const char *server;
    const char *open;
} tables[] = {
    {PACKET_CONNACK, "", "00 80 81 82 83 84 85 86 87 88 89 8A 8C 90 95 97 99 9A 9B 9C 9D 9F", ""},
    {PACKET_PUBACK, "00 80 83 87 90 91 97 99", "00 10 80 83 87 90 91 97 99", ""},
    {PACKET_PUBREC, "00 80 83 87 90 91 97 99", "00 10 80 83 87 90 91 97 99", ""},
    {PACKET_PUBREL, "00 92", "00 92", ""},
    {PACKET_PUBCOMP, "00 92", "00 92", ""},
    {PACKET_SUBACK, "", "00 01 02 80 83 87 8F 91 97 9E A1 A2", ""},
    {PACKET_UNSUBACK, "", "00 11 80 83 87 8F 91", ""},
    {PACKET_DISCONNECT, "00 04 80 81 82 83 90 93 94 95 96 97 98 99",
     "00 80 81 82 83 87 89 8B 8D 8E 8F 90 93 94 95 96 97 98 99 9A 9B 9C 9D 9E 9F A0 A1 A2", "8C"},
    {PACKET_AUTH, "18 19", "00 18", ""},
    /* no Reason Code in these */
    {PACKET_RESERVED, "", "", ""},
    {PACKET_CONNECT, "", "", ""},
    {PACKET_PUBLISH, "", "", ""},
    {PACKET_SUBSCRIBE, "", "", ""},
    {PACKET_UNSUBSCRIBE, "", "", ""},
    {PACKET_PINGREQ, "", "", ""},
    {PACKET_PINGRESP, "", "", ""},
};

static bool listed(const char *list, unsigned code)
{
    for (; *list != '\0'; list += 2 + (list[2] == ' ')) {
        if (strtoul((const char[]){list[0], list[1], '\0'}, NULL, 16) == code)
            return true;
    }
    return false;
}

static struct verdict read_code(struct bytes packet, enum packet_type type, enum sender sender,
                                const struct decode_observer *observer, uint8_t *code)
{
    struct decoder decoder = {.start = packet.data,
                              .at = packet.data + 2,
                              .end = packet.data + packet.length,
                              .version = PROTOCOL_5_0,
                              .sender = sender,
                              .type = type,
                              .observer = observer};
    const struct verdict verdict =
        reason_code_read(&decoder, (struct field){"Test Reason Code", "9.9"}, MQTT_3_4_2_1, code);
    ck_assert_uint_eq(decoder_left(&decoder), 0);
    return verdict;
}

static bool is_as_told(const struct verdict *verdict, bool good)
{
    if (good)
        return !verdict->refused;
    return verdict->refused && verdict->statement == MQTT_3_4_2_1 &&
           verdict->reason_code == REASON_PROTOCOL_ERROR && verdict->offset == 2;
}

START_TEST(every_code_from_both_sides)
{
    for (int s = 0; s < 2; s++) {
        const char *const list = s == 0 ? tables[_i].client : tables[_i].server;
        for (unsigned code = 0; code < 256; code++) {
            const uint8_t packet[] = {0xFF, 0xFF, (uint8_t)code};
            uint8_t found = (uint8_t)~code;
            if (listed(tables[_i].open, code))
                continue;
            const struct verdict verdict = read_code(bytes_of(packet, sizeof packet), tables[_i].type,
                                                     s == 0 ? SENDER_CLIENT : SENDER_SERVER, NULL, &found);
            if (!is_as_told(&verdict, listed(list, code)) || found != code)
                ck_abort_msg("0x%02X of %s from side %d", code, packet_type_name(tables[_i].type), s);
        }
    }
}
END_TEST

START_TEST(a_byte_is_needed)
{
    const struct bytes packet = octets("40 00");
    uint8_t code;
    const struct verdict verdict = read_code(packet, PACKET_PUBACK, SENDER_SERVER, NULL, &code);
    ck_assert(verdict.refused);
    ck_assert_uint_eq(verdict.reason_code, REASON_MALFORMED_PACKET);
    ck_assert_uint_eq(verdict.statement, MQTT_4_13_1_1);
    octets_free(packet);
}
END_TEST

/* The name of a code depends on the packet where 0x00 is concerned; a code that is refused is told, too. */
static const struct {
    enum packet_type type;
    unsigned code;
    const char *name;
} names[] = {
    {PACKET_PUBACK, 0x00, "Success"},
    {PACKET_SUBACK, 0x00, "Granted QoS 0"},
    {PACKET_UNSUBACK, 0x00, "Success"},
    {PACKET_DISCONNECT, 0x00, "Normal disconnection"},
    {PACKET_SUBACK, 0x01, "Granted QoS 1"},
    {PACKET_PUBACK, 0x10, "No matching subscribers"},
    {PACKET_DISCONNECT, 0x8E, "Session taken over"},
    {PACKET_DISCONNECT, 0xA2, "Wildcard Subscriptions not supported"},
    {PACKET_PUBACK, 0x55, "unknown"},
    {PACKET_DISCONNECT, 0xFF, "unknown"},
};

static void keep_field(void *context, const struct decoded_field *field)
{
    *(struct decoded_field *)context = *field;
}

START_TEST(the_observer_is_told_the_name)
{
    const uint8_t packet[] = {0xFF, 0xFF, (uint8_t)names[_i].code};
    struct decoded_field told = {.name = NULL};
    const struct decode_observer observer = {.field = keep_field, .context = &told};
    uint8_t code;
    read_code(bytes_of(packet, sizeof packet), names[_i].type, SENDER_SERVER, &observer, &code);
    ck_assert_ptr_nonnull(told.name);
    ck_assert_str_eq(told.name, "Test Reason Code");
    ck_assert_str_eq(told.section, "9.9");
    ck_assert_str_eq(told.meaning, names[_i].name);
    ck_assert_uint_eq(told.number, names[_i].code);
    ck_assert_uint_eq(told.offset, 2);
    ck_assert_uint_eq(told.length, 1);
}
END_TEST

Suite *suite_2_4_reason_code(void);
Suite *suite_2_4_reason_code(void)
{
    Suite *suite = suite_create("2.4 Reason Code");
    TCase *tcase = tcase_create("2.4 Reason Code");
    tcase_add_loop_test(tcase, every_code_from_both_sides, 0, COUNT(tables));
    tcase_add_test(tcase, a_byte_is_needed);
    tcase_add_loop_test(tcase, the_observer_is_told_the_name, 0, COUNT(names));
    suite_add_tcase(suite, tcase);
    return suite;
}
