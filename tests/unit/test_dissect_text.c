/* dissect_text: what reaches a terminal of the strings of strangers, and the small pieces of which the
 * dissector's lines are made. */
#include <stdio.h>

#include "mqtt/dissect_text.h"

#include "support.h"

enum { TEXT_SIZE = 2000 };

struct output {
    char text[TEXT_SIZE];
    size_t length;
    size_t calls;
};

static void collect(void *context, const char *text, size_t length)
{
    struct output *output = context;
    if (output->length + length >= TEXT_SIZE)
        ck_abort_msg("too much is written");
    memcpy(output->text + output->length, text, length);
    output->length += length;
    output->text[output->length] = '\0';
    output->calls++;
}

static struct output output;
static struct dissect_options options;
static const struct dissect_sink sink = {.text = collect, .context = &output};

static struct printer begin(size_t limit)
{
    output = (struct output){.length = 0};
    options = (struct dissect_options){.value_limit = limit};
    return printer_to(&sink, &options);
}

static const char *end(struct printer *printer)
{
    printer_flush(printer);
    return output.text;
}

static const char *quoted(struct bytes text, size_t limit)
{
    struct printer printer = begin(limit);
    printer_quoted(&printer, text);
    return end(&printer);
}

/* Strings in quotes */

/* The first and the last of every range of characters that are shown as their bytes: C1 controls (terminals
 * obey them), what has no width, what turns the direction of text, tags. */
static const char *const hidden[] = {
    "C280", "C29F", "C2AD", "CD8F", "D89C", "E1859F", "E185A0", "E19EB4", "E19EB5", "E1A08B", "E1A08F",
    "E2808B", "E2808F", "E280A8", "E280AE", "E281A0", "E281AF", "E385A4", "EFB880", "EFB88F", "EFBBBF",
    "EFBEA0", "EFBFB0", "EFBFBB", "EFBFBE", "EFBFBF", "F09D85B3", "F09D85BA", "F3A08080", "F3A0BFBF",
    /* ASCII controls: NUL, BEL, tab, line ends, ESC, DEL */
    "00", "01", "07", "08", "09", "0A", "0D", "1B", "1F", "7F",
    /* not UTF-8: alone, overlong, surrogates, beyond U+10FFFF, cut off */
    "80", "BF", "C080", "C1BF", "E08080", "E09FBF", "F0808080", "F08FBFBF", "EDA080", "EDBFBF", "F4908080",
    "F5808080", "F8", "FE", "FF", "C3", "E282", "F09F98", "F0"};

/* Their neighbours, and a selection of what people write. */
static const char *const visible[] = {"C2A0",
                                      "C2AC",
                                      "C2AE",
                                      "CD8E",
                                      "CD90",
                                      "D89B",
                                      "D89D",
                                      "E1859E",
                                      "E185A1",
                                      "E19EB3",
                                      "E19EB6",
                                      "E1A08A",
                                      "E1A090",
                                      "E2808A",
                                      "E28090",
                                      "E280A7",
                                      "E280AF",
                                      "E2819F",
                                      "E281B0",
                                      "E385A3",
                                      "E385A5",
                                      "EFB7BF",
                                      "EFB890",
                                      "EFBBBE",
                                      "EFBC80",
                                      "EFBE9F",
                                      "EFBEA1",
                                      "EFBFAF",
                                      "EFBFBC",
                                      "EFBFBD",
                                      "F0908080",
                                      "F09D85B2",
                                      "F09D85BB",
                                      "F39FBFBF",
                                      "F3A18080",
                                      "20",
                                      "7E",
                                      "'/+#$'",
                                      "C3A9",
                                      "E282AC",
                                      "F09F9880",
                                      "DFBF",
                                      "E0A080",
                                      "ED9FBF",
                                      "EE8080",
                                      "F48FBFBF",
                                      "D7A9D79CD795D79D"};

START_TEST(what_is_hidden_is_shown_byte_by_byte)
{
    char notation[NOTATION_SIZE];
    char expected[100] = "\"a";
    const struct bytes bytes = octets(hidden[_i]);
    for (size_t i = 0; i < bytes.length; i++)
        snprintf(expected + strlen(expected), 5, "\\x%02x", bytes.data[i]);
    octets_free(bytes);
    strcat(expected, "b\"");
    octets_print(notation, "'a' %s 'b'", hidden[_i]);
    const struct bytes text = octets(notation);
    ck_assert_str_eq(quoted(text, 0), expected);
    octets_free(text);
}
END_TEST

START_TEST(what_is_visible_is_left_alone)
{
    char notation[NOTATION_SIZE];
    octets_print(notation, "'a' %s 'b'", visible[_i]);
    const struct bytes text = octets(notation);
    const char *shown = quoted(text, 0);
    ck_assert_uint_eq(strlen(shown), text.length + 2);
    ck_assert_int_eq(shown[0], '"');
    ck_assert_int_eq(memcmp(shown + 1, text.data, text.length), 0);
    ck_assert_int_eq(shown[text.length + 1], '"');
    octets_free(text);
}
END_TEST

static const struct {
    const char *bytes;
    size_t limit;
    const char *shown;
} strings[] = {
    {"", 0, "\"\""},
    {"", 1, "\"\""},
    {"'a\"b\\c'", 0, "\"a\\\"b\\\\c\""}, /* so that the end of a string can't be feigned */
    {"'\\x41'", 0, "\"\\\\x41\""},       /* nor an escape */
    {"1B '[2J' 1B ']0;title' 07", 0, "\"\\x1b[2J\\x1b]0;title\\x07\""},
    {"C29B '31m'", 0, "\"\\xc2\\x9b31m\""},
    {"E2 'a' 82", 0, "\"\\xe2a\\x82\""}, /* a sequence that is interrupted */
    {"C3 C3A9", 0, "\"\\xc3\xC3\xA9\""},
    /* the limit counts bytes of the string, and cuts between characters */
    {"'abc'", 3, "\"abc\""},
    {"'abc'", 4, "\"abc\""},
    {"'abcd'", 3, "\"abc\"... (4 bytes)"},
    {"'a' E282AC 'b'", 4, "\"a\xE2\x82\xAC\"... (5 bytes)"},
    {"'a' E282AC 'b'", 3, "\"a\"... (5 bytes)"},
    {"'a' E282AC", 2, "\"a\"... (4 bytes)"},
    {"E282AC", 1, "\"\"... (3 bytes)"},
    {"E280AE", 2, "\"\"... (3 bytes)"}, /* also of one that is hidden */
    {"E280AE 'a'", 3, "\"\\xe2\\x80\\xae\"... (4 bytes)"},
    {"00 00 00", 2, "\"\\x00\\x00\"... (3 bytes)"},
    {"C3", 1, "\"\\xc3\""},
    {"'\"\"'", 1, "\"\\\"\"... (2 bytes)"},
    {"61*1000", 4, "\"aaaa\"... (1000 bytes)"},
};

START_TEST(strings_in_quotes)
{
    const struct bytes text = octets(strings[_i].bytes);
    ck_assert_str_eq(quoted(text, strings[_i].limit), strings[_i].shown);
    output = (struct output){.length = 0};
    dissect_text(text, strings[_i].limit, &sink); /* the public name of the same */
    ck_assert_str_eq(output.text, strings[_i].shown);
    octets_free(text);
}
END_TEST

/* Undoes the escaping; false where the text is not of its form. */
static bool unescape(const char *text, uint8_t *bytes, size_t *count)
{
    if (*text++ != '"')
        return false;
    for (*count = 0; *text != '"'; text++) {
        unsigned value = (uint8_t)*text;
        if (value < 0x20 || value == 0x7F)
            return false;
        if (value == '\\') {
            value = (uint8_t) * ++text;
            if (value == 'x') {
                if (sscanf(text + 1, "%2x", &value) != 1)
                    return false;
                text += 2;
            }
        }
        bytes[(*count)++] = (uint8_t)value;
    }
    return text[1] == '\0';
}

/* Bytes of any kind, with those in favour of which longer sequences are made. Nothing gets lost, and the
 * result is well-formed text without controls. */
START_TEST(any_bytes_come_back)
{
    static const uint8_t favoured[] = {0x80, 0xBF, 0xC2, 0xE2, 0xED, 0xF0, 0xF4, 0x9F, 0xA0, 0x22, 0x5C, 'x'};
    uint64_t state = 88172645463325252U + (uint64_t)_i;
    for (int round = 0; round < 4000; round++) {
        uint8_t buffer[24];
        uint8_t back[TEXT_SIZE];
        size_t length = 0, count = 0, bad;
        do {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            buffer[length++] =
                state >> 60 < 11 ? favoured[(state >> 32) % sizeof favoured] : (uint8_t)(state >> 40);
        } while (length < sizeof buffer && (state >> 20) % 16 != 0);
        uint8_t *exact = octets_room(length);
        memcpy(exact, buffer, length);
        const char *shown = quoted(bytes_of(exact, length), 0);
        free(exact);
        if (utf8_check(bytes_of_text(shown), &bad) != UTF8_WELL_FORMED || !unescape(shown, back, &count) ||
            !bytes_equal(bytes_of(back, count), bytes_of(buffer, length)))
            ck_abort_msg("round %d: %s", round, shown);
    }
}
END_TEST

/* Binary data */

static const struct {
    const char *bytes;
    size_t limit;
    const char *shown;
} binaries[] = {
    {"", 0, "0 bytes"},
    {"'a'", 0, "1 byte \"a\""},
    {"'{' 0A 09 '}' 0D", 0, "5 bytes \"{\\x0a\\x09}\\x0d\""}, /* text has line ends and tabs */
    {"'a' 00", 0, "2 bytes 61 00"},
    {"'a' 1B", 0, "2 bytes 61 1b"},
    {"C3A9", 0, "2 bytes \"\xC3\xA9\""},
    {"C3", 0, "1 byte c3"},
    {"E280AE", 0, "3 bytes e2 80 ae"},
    {"'abcd'", 4, "4 bytes \"abcd\""},
    {"'abcde'", 4, "5 bytes \"abcd\"..."},
    {"FF FE FD", 3, "3 bytes ff fe fd"},
    {"FF FE FD FC", 3, "4 bytes ff fe fd ..."},
    {"'abc' 00", 3, "4 bytes \"abc\"..."}, /* judged by what is shown */
    {"'abc' 00", 4, "4 bytes 61 62 63 00"},
    {"'ab' C3A9", 3, "4 bytes \"ab\"..."},
    {"'ab' C3", 3, "3 bytes 61 62 c3"},
};

START_TEST(binary_data)
{
    const struct bytes data = octets(binaries[_i].bytes);
    struct printer printer = begin(binaries[_i].limit);
    printer_binary(&printer, data);
    ck_assert_str_eq(end(&printer), binaries[_i].shown);
    octets_free(data);
}
END_TEST

/* Numbers, columns, lines */

START_TEST(numbers)
{
    static const struct {
        uint64_t number;
        const char *decimal;
        const char *hexadecimal;
        const char *count;
    } rows[] = {
        {0, "0", "0x00", "0 bytes"},
        {1, "1", "0x01", "1 byte"},
        {2, "2", "0x02", "2 bytes"},
        {255, "255", "0xff", "255 bytes"},
        {256, "256", "0x0100", "256 bytes"},
        {65536, "65536", "0x010000", "65536 bytes"},
        {UINT64_C(1) << 56, "72057594037927936", "0x0100000000000000", "72057594037927936 bytes"},
        {UINT64_MAX, "18446744073709551615", "0xffffffffffffffff", "18446744073709551615 bytes"},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct printer printer = begin(0);
        printer_number(&printer, rows[i].number);
        ck_assert_str_eq(end(&printer), rows[i].decimal);
        printer = begin(0);
        printer_hex_number(&printer, rows[i].number);
        ck_assert_str_eq(end(&printer), rows[i].hexadecimal);
        printer = begin(0);
        printer_count(&printer, rows[i].number, "byte");
        ck_assert_str_eq(end(&printer), rows[i].count);
    }
}
END_TEST

START_TEST(columns_are_characters)
{
    struct printer printer = begin(0);
    printer_text(&printer, "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
    ck_assert_uint_eq(printer.column, 4);
    printer_pad(&printer, 6);
    ck_assert_uint_eq(printer.column, 6);
    printer_pad(&printer, 6); /* there already: two, so that the columns stay apart */
    ck_assert_uint_eq(printer.column, 8);
    printer_pad(&printer, 0);
    ck_assert_uint_eq(printer.column, 8);
    printer_newline(&printer);
    ck_assert_uint_eq(printer.column, 0);
    printer_pad(&printer, 2);
    printer_hex_byte(&printer, 0x0A);
    ck_assert_uint_eq(printer.column, 4);
    ck_assert_str_eq(end(&printer), "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80    \n  0a");
}
END_TEST

START_TEST(words_are_wrapped)
{
    static const struct {
        size_t margin;
        size_t width;
        const char *text;
        const char *shown;
    } rows[] = {
        {0, 5, "aa bb cc", "aa bb\ncc"},
        {0, 4, "aa bb cc", "aa\nbb\ncc"},
        {0, 8, "aa bb cc", "aa bb cc"},
        {2, 7, "aa bb cc", "  aa bb\n  cc"},
        {2, 6, "aa bb cc", "  aa\n  bb\n  cc"},
        {0, 3, "aaaaaa b", "aaaaaa\nb"},
        {0, 20, "aa   bb", "aa bb"},
        {0, 20, "", ""},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct printer printer = begin(0);
        printer_pad(&printer, rows[i].margin);
        printer_wrapped(&printer, rows[i].text, rows[i].width);
        ck_assert_str_eq(end(&printer), rows[i].shown);
    }
}
END_TEST

/* Characters are collected: the sink sees long runs, in order, and nothing stays behind. */
START_TEST(runs_are_collected)
{
    char text[1000];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i % 26);
    struct printer printer = begin(0);
    for (size_t i = 0; i < sizeof text; i++)
        printer_run(&printer, text + i, 1);
    printer_flush(&printer);
    ck_assert_uint_eq(output.length, sizeof text);
    ck_assert_int_eq(memcmp(output.text, text, sizeof text), 0);
    ck_assert_uint_le(output.calls, 1 + sizeof text / sizeof printer.pending);
    printer_flush(&printer); /* nothing new: no call */
    ck_assert_uint_le(output.calls, 1 + sizeof text / sizeof printer.pending);
}
END_TEST

START_TEST(colour_only_when_asked_for)
{
    for (int colour = 0; colour < 2; colour++) {
        struct printer printer = begin(0);
        options.colour = colour;
        printer_colour(&printer, COLOUR_ERROR);
        printer_text(&printer, "a");
        printer_colour(&printer, COLOUR_NONE);
        ck_assert_uint_eq(printer.column, 1); /* takes no column */
        ck_assert_str_eq(end(&printer), colour ? "\x1b[1;31ma\x1b[0m" : "a");
    }
}
END_TEST

/* Refusals, and packets that are cut off */

START_TEST(verdicts)
{
    static const struct {
        struct verdict verdict;
        const char *shown;
    } rows[] = {
        {{.what = "seen", .offset = 7, .statement = MQTT_3_3_1_4, .reason_code = 0x81, .refused = true},
         "byte 7: seen [MQTT-3.3.1-4] Malformed Packet (0x81)"},
        {{.what = "seen", .offset = 0, .statement = MQTT3_3_3_1_4, .reason_code = 0x82, .refused = true},
         "byte 0: seen [MQTT3-3.3.1-4] Protocol Error (0x82)"},
        {{.what = "seen", .offset = 4294967295, .statement = NONE, .reason_code = 0x95, .refused = true},
         "byte 4294967295: seen Packet too large (0x95)"},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct printer printer = begin(0);
        printer_verdict(&printer, &rows[i].verdict);
        ck_assert_str_eq(end(&printer), rows[i].shown);
    }
}
END_TEST

static const struct {
    const char *packet;
    enum protocol_version version;
    const char *shown; /* NULL: it is not cut off */
} cut[] = {
    {"", PROTOCOL_5_0, "incomplete: the packet ends within its fixed header"},
    {"30", PROTOCOL_5_0, "incomplete: the packet ends within its fixed header"},
    {"30 80", PROTOCOL_5_0, "incomplete: the packet ends within its fixed header"},
    {"30 05 00 01", PROTOCOL_5_0,
     "incomplete: 3 bytes are missing; by its Remaining Length the packet has 7"},
    {"40 02 00", PROTOCOL_3_1_1, "incomplete: 1 byte is missing; by its Remaining Length the packet has 4"},
    {"40 02 00 01", PROTOCOL_3_1_1, NULL},
    {"40 02 00 01 00", PROTOCOL_3_1_1, NULL},
    {"30 FF FF FF FF", PROTOCOL_5_0, NULL}, /* other things are wrong with these */
    {"C1 02", PROTOCOL_5_0, NULL},
    {"00 02", PROTOCOL_5_0, NULL},
    {"F0 01", PROTOCOL_3_1_1, NULL},
    {"F0 01", PROTOCOL_5_0, "incomplete: 1 byte is missing; by its Remaining Length the packet has 3"},
    {"10 01", PROTOCOL_3_1, "incomplete: 1 byte is missing; by its Remaining Length the packet has 3"},
};

START_TEST(cut_off_packets)
{
    const struct bytes packet = octets(cut[_i].packet);
    size_t promised = 99;
    const bool is_cut_off = dissect_is_cut_off(packet, cut[_i].version, &promised);
    ck_assert_int_eq(is_cut_off, cut[_i].shown != NULL);
    if (is_cut_off) {
        struct printer printer = begin(0);
        printer_cut_off(&printer, packet, promised);
        ck_assert_str_eq(end(&printer), cut[_i].shown);
    }
    octets_free(packet);
}
END_TEST

Suite *suite_dissect_text(void);
Suite *suite_dissect_text(void)
{
    Suite *suite = suite_create("dissect: text");
    TCase *strangers = tcase_create("strings of strangers");
    tcase_add_loop_test(strangers, what_is_hidden_is_shown_byte_by_byte, 0, COUNT(hidden));
    tcase_add_loop_test(strangers, what_is_visible_is_left_alone, 0, COUNT(visible));
    tcase_add_loop_test(strangers, strings_in_quotes, 0, COUNT(strings));
    tcase_add_loop_test(strangers, any_bytes_come_back, 0, 3);
    tcase_add_loop_test(strangers, binary_data, 0, COUNT(binaries));
    tcase_set_timeout(strangers, 60);
    suite_add_tcase(suite, strangers);

    TCase *pieces = tcase_create("pieces");
    tcase_add_test(pieces, numbers);
    tcase_add_test(pieces, columns_are_characters);
    tcase_add_test(pieces, words_are_wrapped);
    tcase_add_test(pieces, runs_are_collected);
    tcase_add_test(pieces, colour_only_when_asked_for);
    tcase_add_test(pieces, verdicts);
    tcase_add_loop_test(pieces, cut_off_packets, 0, COUNT(cut));
    suite_add_tcase(suite, pieces);
    return suite;
}
