/* 1.5 Data representation: integers, UTF-8 Encoded Strings, Binary Data, string pairs. */
#include "support.h"

static const struct field a_field = {"Field", "1.5"};

static struct decoder decoder_over(struct bytes input, enum protocol_version version)
{
    return (struct decoder){.start = input.data,
                            .at = input.data,
                            .end = input.data + input.length,
                            .version = version,
                            .sender = SENDER_CLIENT,
                            .type = PACKET_PUBLISH};
}

/* The same for every field that reaches beyond the end. */
static void check_beyond_end(struct verdict verdict, const struct decoder *decoder)
{
    ck_assert(verdict.refused);
    ck_assert_uint_eq(verdict.reason_code, REASON_MALFORMED_PACKET);
    ck_assert_uint_eq(verdict.statement, MQTT_4_13_1_1);
    ck_assert_uint_eq(verdict.offset, 0);
    ck_assert_uint_eq(decoder_offset(decoder), 0);
}

/* 1.5.1 - 1.5.3: most significant byte first; any byte less is refused. */

START_TEST(integers_are_big_endian)
{
    const struct bytes input = octets("AB 0102 DEADBEEF");
    struct decoder decoder = decoder_over(input, PROTOCOL_5_0);
    uint8_t byte;
    uint16_t two;
    uint32_t four;
    ck_assert(!read_byte(&decoder, a_field, &byte).refused);
    ck_assert(!read_two_byte_integer(&decoder, a_field, &two).refused);
    ck_assert(!read_four_byte_integer(&decoder, a_field, &four).refused);
    ck_assert_uint_eq(byte, 0xAB);
    ck_assert_uint_eq(two, 0x0102);
    ck_assert_uint_eq(four, 0xDEADBEEF);
    ck_assert_uint_eq(decoder_left(&decoder), 0);
    octets_free(input);
}
END_TEST

START_TEST(integers_need_all_their_bytes)
{
    const struct bytes input = octets("010203");
    for (size_t length = 0; length < 4; length++) {
        struct decoder decoder = decoder_over(bytes_of(input.data, length), PROTOCOL_5_0);
        uint8_t byte;
        uint16_t two;
        uint32_t four;
        check_beyond_end(read_four_byte_integer(&decoder, a_field, &four), &decoder);
        if (length < 2)
            check_beyond_end(read_two_byte_integer(&decoder, a_field, &two), &decoder);
        if (length < 1)
            check_beyond_end(read_byte(&decoder, a_field, &byte), &decoder);
    }
    octets_free(input);
}
END_TEST

START_TEST(integers_are_written_as_they_are_read)
{
    uint8_t room[6];
    struct writer writer = writer_into(room, sizeof room);
    write_two_byte_integer(&writer, 0xA1B2);
    write_four_byte_integer(&writer, 0x01020304);
    const struct bytes expected = octets("A1B2 01020304");
    ck_assert(bytes_equal(bytes_of(room, writer_size(&writer)), expected));
    write_byte(&writer, 0);
    ck_assert(writer.overflow);
    ck_assert_uint_eq(writer_size(&writer), 6);
    octets_free(expected);
}
END_TEST

/* 1.5.4: what is well-formed (Unicode, table 3-7) and what is not. `bad` is where the first ill-formed
 * sequence begins, -1 if there is none. [MQTT-1.5.4-1] [MQTT-1.5.4-2] [MQTT-1.5.4-3] */
static const struct {
    const char *what;
    const char *text;
    enum utf8_finding finding;
    int bad;
} utf8_rows[] = {
    {"empty", "", UTF8_WELL_FORMED, -1},
    {"U+0001, the least", "01", UTF8_WELL_FORMED, -1},
    {"U+007F, the greatest of one byte", "7F", UTF8_WELL_FORMED, -1},
    {"U+0080, the least of two bytes", "C280", UTF8_WELL_FORMED, -1},
    {"U+07FF, the greatest of two bytes", "DFBF", UTF8_WELL_FORMED, -1},
    {"U+0800, the least of three bytes", "E0A080", UTF8_WELL_FORMED, -1},
    {"U+FFFF, the greatest of three bytes", "EFBFBF", UTF8_WELL_FORMED, -1},
    {"U+10000, the least of four bytes", "F0908080", UTF8_WELL_FORMED, -1},
    {"U+10FFFF, the greatest", "F48FBFBF", UTF8_WELL_FORMED, -1},
    {"U+D7FF, before the surrogates", "ED9FBF", UTF8_WELL_FORMED, -1},
    {"U+E000, after the surrogates", "EE8080", UTF8_WELL_FORMED, -1},
    {"U+FEFF, at the start", "EFBBBF 'a'", UTF8_WELL_FORMED, -1},
    {"U+2A6D4, the example of the specification", "'A' F0AA9B94", UTF8_WELL_FORMED, -1},
    {"U+FFFD", "EFBFBD", UTF8_WELL_FORMED, -1},
    {"U+0000", "00", UTF8_NUL, 0},
    {"U+0000 among letters", "'a' 00 'b'", UTF8_NUL, 1},
    {"U+0000 as eighth byte", "'abcdefg' 00", UTF8_NUL, 7},
    {"U+0000 before an ill-formed byte", "'a' 00 FF", UTF8_NUL, 1},
    {"U+0000 after an ill-formed byte", "'a' FF 00", UTF8_ILL_FORMED, 1},
    {"U+0000 in two bytes (overlong)", "C080", UTF8_ILL_FORMED, 0},
    {"'/' in two bytes (overlong)", "C0AF", UTF8_ILL_FORMED, 0},
    {"U+007F in two bytes (overlong)", "C1BF", UTF8_ILL_FORMED, 0},
    {"U+0000 in three bytes (overlong)", "E08080", UTF8_ILL_FORMED, 0},
    {"U+07FF in three bytes (overlong)", "E09FBF", UTF8_ILL_FORMED, 0},
    {"U+0000 in four bytes (overlong)", "F0808080", UTF8_ILL_FORMED, 0},
    {"U+FFFF in four bytes (overlong)", "F08FBFBF", UTF8_ILL_FORMED, 0},
    {"U+D800, the first surrogate", "EDA080", UTF8_ILL_FORMED, 0},
    {"U+DBFF, the last high surrogate", "EDAFBF", UTF8_ILL_FORMED, 0},
    {"U+DC00, the first low surrogate", "EDB080", UTF8_ILL_FORMED, 0},
    {"U+DFFF, the last surrogate", "EDBFBF", UTF8_ILL_FORMED, 0},
    {"a pair of surrogates", "EDA181EDB091", UTF8_ILL_FORMED, 0},
    {"U+110000, one too great", "F4908080", UTF8_ILL_FORMED, 0},
    {"U+13FFFF", "F4BFBFBF", UTF8_ILL_FORMED, 0},
    {"first byte F5", "F5808080", UTF8_ILL_FORMED, 0},
    {"first byte F8, of five bytes", "F888808080", UTF8_ILL_FORMED, 0},
    {"first byte FC, of six bytes", "FC8480808080", UTF8_ILL_FORMED, 0},
    {"byte FE", "FE", UTF8_ILL_FORMED, 0},
    {"byte FF", "FF", UTF8_ILL_FORMED, 0},
    {"a continuation byte alone", "80", UTF8_ILL_FORMED, 0},
    {"the last continuation byte alone", "BF", UTF8_ILL_FORMED, 0},
    {"one continuation byte too many", "C3A4 80", UTF8_ILL_FORMED, 2},
    {"two bytes, cut after one", "C3", UTF8_ILL_FORMED, 0},
    {"two bytes, second is a letter", "C3 'a'", UTF8_ILL_FORMED, 0},
    {"two bytes, second begins another", "C3 C3A4", UTF8_ILL_FORMED, 0},
    {"three bytes, cut after one", "E2", UTF8_ILL_FORMED, 0},
    {"three bytes, cut after two", "E282", UTF8_ILL_FORMED, 0},
    {"three bytes, third is a letter", "E282 'a'", UTF8_ILL_FORMED, 0},
    {"three bytes, third begins another", "E282 C3A4", UTF8_ILL_FORMED, 0},
    {"four bytes, cut after one", "F0", UTF8_ILL_FORMED, 0},
    {"four bytes, cut after two", "F09F", UTF8_ILL_FORMED, 0},
    {"four bytes, cut after three", "F09F92", UTF8_ILL_FORMED, 0},
    {"four bytes, fourth is a letter", "F09F92 'a'", UTF8_ILL_FORMED, 0},
    {"four bytes, third is a letter", "F09F 'a' A9", UTF8_ILL_FORMED, 0},
    {"behind a well-formed sequence", "F09F92A9 C3A4 E282AC 'x' ED A0 80", UTF8_ILL_FORMED, 10},
};

START_TEST(utf8)
{
    const struct bytes text = octets(utf8_rows[_i].text);
    size_t bad = SIZE_MAX;
    ck_assert_msg(utf8_check(text, &bad) == utf8_rows[_i].finding, "%s", utf8_rows[_i].what);
    if (utf8_rows[_i].bad >= 0)
        ck_assert_msg(bad == (size_t)utf8_rows[_i].bad, "%s: at %zu", utf8_rows[_i].what, bad);
    octets_free(text);
}
END_TEST

/* An independent decoder, by arithmetic instead of by table: the code point of the sequence, or -1. */
static long code_point(const uint8_t *text, size_t length)
{
    static const long least[] = {0, 0, 0x80, 0x800, 0x10000};
    const uint8_t first = text[0];
    const size_t wanted = first < 0x80             ? 1
                          : (first & 0xE0) == 0xC0 ? 2
                          : (first & 0xF0) == 0xE0 ? 3
                          : (first & 0xF8) == 0xF0 ? 4
                                                   : 0;
    if (wanted != length)
        return -1;
    long point = length == 1 ? first : first & (0x7F >> length);
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xC0) != 0x80)
            return -1;
        point = point * 64 + (text[i] & 0x3F);
    }
    return point < least[length] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF) ? -1 : point;
}

/* Two bytes that begin above ASCII in every combination, those behind them with each bound. (No assertion
 * of Check within the loops: each costs a message to the parent process.) */
START_TEST(utf8_agrees_with_arithmetic)
{
    static const uint8_t edges[] = {0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF};
    for (unsigned first = 0x80; first <= 0xFF; first++) {
        for (unsigned second = 0; second <= 0xFF; second++) {
            for (unsigned rest = 0; rest < 100; rest++) {
                const uint8_t text[] = {(uint8_t)first, (uint8_t)second, edges[rest / 10], edges[rest % 10]};
                const size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
                size_t bad = 0;
                const bool well_formed = utf8_check(bytes_of(text, length), &bad) == UTF8_WELL_FORMED;
                if (well_formed != (code_point(text, length) > 0) || bad != 0)
                    ck_abort_msg("%02X %02X %02X %02X", text[0], text[1], text[2], text[3]);
            }
        }
    }
}
END_TEST

/* The check may look at several bytes at once: a bad byte at each place of strings of each length up to
 * 40, and every sequence across each boundary. */
static void check_place(size_t length, size_t place, uint8_t byte, uint8_t filler, enum utf8_finding expected)
{
    uint8_t text[40];
    uint8_t *exact = octets_room(length); /* so that a sanitizer sees a step beyond the end */
    memset(text, filler, length);
    text[place] = byte;
    memcpy(exact, text, length);
    size_t bad = place;
    const enum utf8_finding finding = utf8_check(bytes_of(exact, length), &bad);
    if (finding != expected || bad != place)
        ck_abort_msg("0x%02X at %zu of %zu: finding %d at %zu", byte, place, length, (int)finding, bad);
    free(exact);
}

START_TEST(utf8_at_every_place)
{
    for (size_t length = 1; length <= 40; length++) {
        for (size_t place = 0; place < length; place++) {
            check_place(length, place, 0x00, 'z', UTF8_NUL);
            check_place(length, place, 0x00, 0x01, UTF8_NUL);
            check_place(length, place, 0x80, 'z', UTF8_ILL_FORMED);
            check_place(length, place, 0xFF, 0x01, UTF8_ILL_FORMED);
            check_place(length, place, 0xC3, 0x7F, UTF8_ILL_FORMED);
            check_place(length, place, 0x01, 'z', UTF8_WELL_FORMED);
            check_place(length, place, 0x7F, 0x01, UTF8_WELL_FORMED);
        }
    }
}
END_TEST

START_TEST(utf8_cut_at_every_place)
{
    static const char *const sequences[] = {"C3A4", "E282AC", "F09F92A9"};
    for (size_t before = 0; before <= 40; before++) {
        for (int s = 0; s < COUNT(sequences); s++) {
            const struct bytes sequence = octets(sequences[s]);
            for (size_t kept = 1; kept <= sequence.length; kept++) {
                uint8_t *text = octets_room(before + kept);
                memset(text, 'a', before);
                memcpy(text + before, sequence.data, kept);
                size_t bad = SIZE_MAX;
                const bool whole = kept == sequence.length;
                ck_assert(utf8_check(bytes_of(text, before + kept), &bad) ==
                          (whole ? UTF8_WELL_FORMED : UTF8_ILL_FORMED));
                ck_assert(whole || bad == before);
                free(text);
            }
            octets_free(sequence);
        }
    }
}
END_TEST

/* A string is a Two Byte Integer length and that many bytes; [D-1.5.4-1] 0 to 65,535. */
static const struct {
    size_t length;
} lengths[] = {{0}, {1}, {7}, {8}, {9}, {127}, {128}, {255}, {256}, {65534}, {65535}};

START_TEST(strings_of_every_length)
{
    const size_t length = lengths[_i].length;
    uint8_t *input = octets_room(2 + length);
    memset(input, 'x', 2 + length);
    input[0] = (uint8_t)(length / 256);
    input[1] = (uint8_t)(length % 256);

    struct decoder decoder = decoder_over(bytes_of(input, 2 + length), PROTOCOL_5_0);
    struct bytes value;
    ck_assert(!read_utf8_string(&decoder, a_field, &value).refused);
    ck_assert_uint_eq(value.length, length);
    ck_assert_uint_eq(decoder_left(&decoder), 0);
    decoder = decoder_over(bytes_of(input, 2 + length), PROTOCOL_5_0);
    ck_assert(!read_binary_data(&decoder, a_field, &value).refused);
    ck_assert_uint_eq(value.length, length);

    for (size_t cut = 0; cut < 2 + length; cut = cut < 3 ? cut + 1 : 2 * cut) {
        decoder = decoder_over(bytes_of(input, cut), PROTOCOL_5_0);
        check_beyond_end(read_utf8_string(&decoder, a_field, &value), &decoder);
        check_beyond_end(read_binary_data(&decoder, a_field, &value), &decoder);
    }
    decoder = decoder_over(bytes_of(input, 1 + length), PROTOCOL_5_0);
    check_beyond_end(read_secret(&decoder, a_field, &value), &decoder);

    uint8_t *output = octets_room(2 + length);
    struct writer writer = writer_into(output, 2 + length);
    write_string(&writer, bytes_of(input + 2, length));
    ck_assert(!writer.overflow && writer_size(&writer) == 2 + length &&
              memcmp(input, output, 2 + length) == 0);
    free(output);
    free(input);
}
END_TEST

/* [MQTT-1.5.4-3] U+FEFF stays where it is; [D-1.5.6-1] Binary Data is no text. */
START_TEST(nothing_is_stripped)
{
    const struct bytes input = octets("<EFBBBF 'a' EFBBBF> <00FFC3EDA080>");
    struct decoder decoder = decoder_over(input, PROTOCOL_5_0);
    struct bytes value;
    ck_assert(!read_utf8_string(&decoder, a_field, &value).refused);
    ck_assert_uint_eq(value.length, 7);
    ck_assert_ptr_eq(value.data, input.data + 2);
    ck_assert(!read_binary_data(&decoder, a_field, &value).refused);
    ck_assert_uint_eq(value.length, 6);
    octets_free(input);
}
END_TEST

/* Which statement a bad string violates, by version, and where. */
static const struct {
    const char *input;
    enum protocol_version version;
    enum statement statement;
    size_t offset;
} string_rows[] = {
    {"<'ab' FF>", PROTOCOL_5_0, MQTT_1_5_4_1, 4},        {"<'ab' 00>", PROTOCOL_5_0, MQTT_1_5_4_2, 4},
    {"<'ab' EDA080>", PROTOCOL_3_1_1, MQTT3_1_5_3_1, 4}, {"<'ab' 00>", PROTOCOL_3_1_1, MQTT3_1_5_3_2, 4},
    {"<C080>", PROTOCOL_3_1, MQTT3_1_5_3_1, 2},          {"<00>", PROTOCOL_3_1, MQTT3_1_5_3_2, 2},
    {"<FF>", PROTOCOL_UNKNOWN, MQTT_1_5_4_1, 2},         {"<'abcdefgh' 00>", PROTOCOL_5_0, MQTT_1_5_4_2, 10},
};

START_TEST(bad_strings_name_their_statement)
{
    const struct bytes input = octets(string_rows[_i].input);
    struct decoder decoder = decoder_over(input, string_rows[_i].version);
    struct bytes value;
    const struct verdict verdict = read_utf8_string(&decoder, a_field, &value);
    ck_assert(verdict.refused);
    ck_assert_uint_eq(verdict.reason_code, REASON_MALFORMED_PACKET);
    ck_assert_uint_eq(verdict.statement, string_rows[_i].statement);
    ck_assert_uint_eq(verdict.offset, string_rows[_i].offset);
    octets_free(input);
}
END_TEST

/* 1.5.5: both sides of every boundary of the size, from the specification's table 1-1. */
static const struct {
    uint32_t value;
    const char *encoded;
} integer_rows[] = {
    {0, "00"},
    {1, "01"},
    {127, "7F"},
    {128, "80 01"},
    {321, "C1 02"},
    {16383, "FF 7F"},
    {16384, "80 80 01"},
    {2097151, "FF FF 7F"},
    {2097152, "80 80 80 01"},
    {268435455, "FF FF FF 7F"},
};

START_TEST(variable_byte_integers)
{
    const struct bytes expected = octets(integer_rows[_i].encoded);
    uint8_t room[4];
    struct writer writer = writer_into(room, sizeof room);
    write_variable_byte_integer(&writer, integer_rows[_i].value);
    ck_assert(bytes_equal(bytes_of(room, writer_size(&writer)), expected));
    ck_assert_uint_eq(variable_byte_integer_size(integer_rows[_i].value), expected.length);

    uint32_t value = 1;
    size_t size = 0;
    ck_assert_int_eq(variable_byte_integer_scan(expected, &value, &size), INTEGER_COMPLETE);
    ck_assert_uint_eq(value, integer_rows[_i].value);
    ck_assert_uint_eq(size, expected.length);
    struct decoder decoder = decoder_over(expected, PROTOCOL_5_0);
    ck_assert(!read_variable_byte_integer(&decoder, a_field, &value).refused);
    ck_assert_uint_eq(value, integer_rows[_i].value);

    for (size_t cut = 0; cut < expected.length; cut++) {
        ck_assert_int_eq(variable_byte_integer_scan(bytes_of(expected.data, cut), &value, &size),
                         INTEGER_INCOMPLETE);
        decoder = decoder_over(bytes_of(expected.data, cut), PROTOCOL_5_0);
        check_beyond_end(read_variable_byte_integer(&decoder, a_field, &value), &decoder);
    }
    octets_free(expected);
}
END_TEST

/* [MQTT-1.5.5-1] the least number of bytes; [D-1.5.5-1] at most four. */
static const struct {
    const char *input;
    enum variable_byte_integer_finding finding;
    enum statement statement;
    size_t offset;
} bad_integer_rows[] = {
    {"80 00", INTEGER_NOT_MINIMAL, MQTT_1_5_5_1, 1},
    {"FF 00", INTEGER_NOT_MINIMAL, MQTT_1_5_5_1, 1},
    {"80 80 00", INTEGER_NOT_MINIMAL, MQTT_1_5_5_1, 2},
    {"FF FF 00", INTEGER_NOT_MINIMAL, MQTT_1_5_5_1, 2},
    {"80 80 80 00", INTEGER_NOT_MINIMAL, MQTT_1_5_5_1, 3},
    {"FF FF FF 00", INTEGER_NOT_MINIMAL, MQTT_1_5_5_1, 3},
    {"80 80 80 80", INTEGER_TOO_LONG, D_1_5_5_1, 3},
    {"FF FF FF FF", INTEGER_TOO_LONG, D_1_5_5_1, 3},
    {"80 80 80 80 01", INTEGER_TOO_LONG, D_1_5_5_1, 3},
    {"80 80 80 80 00", INTEGER_TOO_LONG, D_1_5_5_1, 3},
    {"FF FF FF FF 7F", INTEGER_TOO_LONG, D_1_5_5_1, 3},
};

START_TEST(bad_variable_byte_integers)
{
    const struct bytes input = octets(bad_integer_rows[_i].input);
    uint32_t value;
    size_t size;
    ck_assert_int_eq(variable_byte_integer_scan(input, &value, &size), bad_integer_rows[_i].finding);
    struct decoder decoder = decoder_over(input, PROTOCOL_5_0);
    const struct verdict verdict = read_variable_byte_integer(&decoder, a_field, &value);
    ck_assert(verdict.refused);
    ck_assert_uint_eq(verdict.reason_code, REASON_MALFORMED_PACKET);
    ck_assert_uint_eq(verdict.statement, bad_integer_rows[_i].statement);
    ck_assert_uint_eq(verdict.offset, bad_integer_rows[_i].offset);
    octets_free(input);
}
END_TEST

/* 1.5.7: both strings of a pair are strings. [MQTT-1.5.7-1] [P-1.5.7-1] */
static const struct {
    const char *input;
    bool refused;
    enum statement statement;
    size_t offset;
} pair_rows[] = {
    {"<'name'> <'value'>", false, NONE, 0},
    {"<> <>", false, NONE, 0},
    {"<'name' FF> <'value'>", true, MQTT_1_5_7_1, 6},
    {"<'name'> <'value' FF>", true, MQTT_1_5_7_1, 13},
    {"<'nam' 00> <'value'>", true, MQTT_1_5_4_2, 5},
    {"<'name'> <'valu' 00>", true, MQTT_1_5_4_2, 12},
    {"<'name'>", true, MQTT_4_13_1_1, 6},
    {"<'name'> 00", true, MQTT_4_13_1_1, 6},
    {"<'name'> 0001", true, MQTT_4_13_1_1, 6},
    {"0005 'name'", true, MQTT_4_13_1_1, 0},
};

START_TEST(string_pairs)
{
    const struct bytes input = octets(pair_rows[_i].input);
    struct decoder decoder = decoder_over(input, PROTOCOL_5_0);
    struct string_pair pair;
    const struct verdict verdict = read_utf8_string_pair(&decoder, a_field, &pair);
    ck_assert_int_eq(verdict.refused, pair_rows[_i].refused);
    if (pair_rows[_i].refused) {
        ck_assert_uint_eq(verdict.reason_code, REASON_MALFORMED_PACKET);
        /* U+0000 breaks the rule of strings and, through it, that of pairs */
        ck_assert(verdict.statement == pair_rows[_i].statement ||
                  (pair_rows[_i].statement == MQTT_1_5_4_2 && verdict.statement == MQTT_1_5_7_1));
        ck_assert_uint_eq(verdict.offset, pair_rows[_i].offset);
    }
    octets_free(input);
}
END_TEST

START_TEST(a_pair_keeps_name_and_value_apart)
{
    const struct bytes input = octets("<'name'> <'value'>");
    struct decoder decoder = decoder_over(input, PROTOCOL_5_0);
    struct string_pair pair;
    ck_assert(!read_utf8_string_pair(&decoder, a_field, &pair).refused);
    check_text(pair.name, "name");
    check_text(pair.value, "value");
    ck_assert_uint_eq(decoder_left(&decoder), 0);
    octets_free(input);
}
END_TEST

/* What the observer is told of each type. */
static void remember(void *context, const struct decoded_field *field)
{
    struct decoded_field **next = context;
    *(*next)++ = *field;
}

START_TEST(the_observer_is_told)
{
    const struct bytes input = octets("07 0102 00000003 C102 <'text'> <FF> <'secret'> <'n'> <'v'> 'rest'");
    struct decoded_field told[16];
    struct decoded_field *next = told;
    const struct decode_observer observer = {.field = remember, .context = &next};
    struct decoder decoder = decoder_over(input, PROTOCOL_5_0);
    decoder.observer = &observer;
    uint8_t byte;
    uint16_t two;
    uint32_t four;
    struct bytes value;
    struct string_pair pair;
    ck_assert(!read_byte(&decoder, a_field, &byte).refused);
    ck_assert(!read_two_byte_integer(&decoder, a_field, &two).refused);
    ck_assert(!read_four_byte_integer(&decoder, a_field, &four).refused);
    ck_assert(!read_variable_byte_integer(&decoder, a_field, &four).refused);
    ck_assert(!read_utf8_string(&decoder, a_field, &value).refused);
    ck_assert(!read_binary_data(&decoder, a_field, &value).refused);
    ck_assert(!read_secret(&decoder, a_field, &value).refused);
    ck_assert(!read_utf8_string_pair(&decoder, a_field, &pair).refused);
    check_text(read_rest(&decoder, a_field, FIELD_BINARY), "rest");

    static const struct {
        enum field_kind kind;
        size_t offset, length;
        uint64_t number;
    } expected[] = {
        {FIELD_INTEGER, 0, 1, 7},   {FIELD_INTEGER, 1, 2, 258}, {FIELD_INTEGER, 3, 4, 3},
        {FIELD_INTEGER, 7, 2, 321}, {FIELD_TEXT, 9, 6, 0},      {FIELD_BINARY, 15, 3, 0},
        {FIELD_SECRET, 18, 8, 0},   {FIELD_TEXT, 26, 3, 0},     {FIELD_TEXT, 29, 3, 0},
        {FIELD_BINARY, 32, 4, 0},
    };
    ck_assert_int_eq(next - told, COUNT(expected));
    for (int i = 0; i < COUNT(expected); i++) {
        ck_assert_int_eq(told[i].kind, expected[i].kind);
        ck_assert_uint_eq(told[i].offset, expected[i].offset);
        ck_assert_uint_eq(told[i].length, expected[i].length);
        ck_assert_uint_eq(told[i].number, expected[i].number);
    }
    octets_free(input);
}
END_TEST

/* The notation of the tests themselves, against bytes written out. */
START_TEST(the_notation_says_what_it_means)
{
    static const uint8_t expected[] = {0x10, 0x0A, 0x00, 0x02, 'a', 'b', 0x00, 0x00, 0x02, 0xFF, 0xFF, 0x00};
    const struct bytes actual = octets("10 [<'ab'> <> [FF*2] [] ]");
    ck_assert(bytes_equal(actual, bytes_of(expected, sizeof expected)));
    octets_free(actual);
    const struct bytes longer = octets("30 [61*321]");
    ck_assert_uint_eq(longer.length, 324);
    ck_assert(longer.data[1] == 0xC1 && longer.data[2] == 0x02 && longer.data[3] == 'a');
    octets_free(longer);
}
END_TEST

Suite *suite_1_5_data_representation(void)
{
    Suite *suite = suite_create("1.5 Data representation");
    TCase *integers = tcase_create("1.5.1-1.5.3 integers");
    tcase_add_test(integers, integers_are_big_endian);
    tcase_add_test(integers, integers_need_all_their_bytes);
    tcase_add_test(integers, integers_are_written_as_they_are_read);
    suite_add_tcase(suite, integers);

    TCase *strings = tcase_create("1.5.4 UTF-8 Encoded String");
    tcase_add_loop_test(strings, utf8, 0, COUNT(utf8_rows));
    tcase_add_test(strings, utf8_agrees_with_arithmetic);
    tcase_add_test(strings, utf8_at_every_place);
    tcase_add_test(strings, utf8_cut_at_every_place);
    tcase_add_loop_test(strings, strings_of_every_length, 0, COUNT(lengths));
    tcase_add_test(strings, nothing_is_stripped);
    tcase_add_loop_test(strings, bad_strings_name_their_statement, 0, COUNT(string_rows));
    suite_add_tcase(suite, strings);

    TCase *others = tcase_create("1.5.5-1.5.7");
    tcase_add_loop_test(others, variable_byte_integers, 0, COUNT(integer_rows));
    tcase_add_loop_test(others, bad_variable_byte_integers, 0, COUNT(bad_integer_rows));
    tcase_add_loop_test(others, string_pairs, 0, COUNT(pair_rows));
    tcase_add_test(others, a_pair_keeps_name_and_value_apart);
    tcase_add_test(others, the_observer_is_told);
    tcase_add_test(others, the_notation_says_what_it_means);
    suite_add_tcase(suite, others);
    return suite;
}
