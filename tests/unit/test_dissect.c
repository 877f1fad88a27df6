/* dissect: what is shown of a packet, where the mark stands, what is never shown. */
#include <stdio.h>

#include "base/text.h"
#include "mqtt/dissect.h"
#include "support.h"

#define SHOWN_SIZE (1 << 17)

/* The table, and the line, of a packet in a buffer that the next call uses again. */
static const char *table_of(struct bytes packet, enum protocol_version version, enum sender sender,
                            const struct dissect_options *options)
{
    static char text[SHOWN_SIZE];
    if (dissect_to_buffer(packet, version, sender, options, text, sizeof text) >= sizeof text)
        ck_abort_msg("too much is written"); /* not ck_assert: each one is a message to the parent */
    return text;
}

static const char *line_of(struct bytes packet, enum protocol_version version, enum sender sender)
{
    static char text[SHOWN_SIZE];
    if (dissect_summary_to_buffer(packet, version, sender, NULL, text, sizeof text) >= sizeof text)
        ck_abort_msg("too much is written");
    return text;
}

/* Tables, whole */

/* Takes out the explanation, whose words are the catalogue's. */
static void drop_explanation(char *text)
{
    char *start = strstr(text, "          section ");
    if (start == NULL)
        return;
    char *end = start;
    while (strncmp(end, "          ", 10) == 0)
        end = strchr(end, '\n') + 1;
    memmove(start, end, strlen(end) + 1);
}

static void check_table(const char *notation, enum protocol_version version, enum sender sender,
                        const char *expected)
{
    const struct bytes packet = octets(notation);
    char *text = strdup(table_of(packet, version, sender, NULL));
    drop_explanation(text);
    ck_assert_str_eq(text, expected);
    free(text);
    octets_free(packet);
}

START_TEST(table_of_publish)
{
    check_table("33 [<'a/b'> 0007 [] 'old']", PROTOCOL_5_0, SENDER_CLIENT,
                "PUBLISH from client, MQTT 5.0, 13 bytes\n"
                "    0  33                    MQTT Control Packet type               3 (PUBLISH)"
                "                   2.1.2\n"
                "                               .... 0011 = Flags                    0x03"
                "                          2.1.3\n"
                "                               .... 0... = DUP                      0"
                "                             3.3.1.1\n"
                "                               .... .01. = QoS                      1"
                "                             3.3.1.2\n"
                "                               .... ...1 = RETAIN                   1"
                "                             3.3.1.3\n"
                "    1  0b                    Remaining Length                       11"
                "                            2.1.4\n"
                "    2  00 03 61 2f 62        Topic Name                             \"a/b\""
                "                         3.3.2.1\n"
                "    7  00 07                 Packet Identifier                      7"
                "                             3.3.2.2\n"
                "    9  00                    Property Length                        0"
                "                             3.3.2.3.1\n"
                "   10  6f 6c 64              Payload                                3 bytes \"old\""
                "                 3.3.3\n");
}
END_TEST

/* The verdict stands below the bits of its byte, though the decoder gives it after the whole fixed header. */
START_TEST(table_of_refused_publish)
{
    check_table("36 [<'a/b'> 0007 'old']", PROTOCOL_3_1_1, SENDER_SERVER,
                "PUBLISH from server, MQTT 3.1.1, 12 bytes\n"
                "    0  36                    MQTT Control Packet type               3 (PUBLISH)"
                "                   2.1.2\n"
                "                               .... 0110 = Flags                    0x06"
                "                          2.1.3\n"
                "                               .... 0... = DUP                      0"
                "                             3.3.1.1\n"
                "                               .... .11. = QoS                      3"
                "                             3.3.1.2\n"
                "                               .... ...0 = RETAIN                   0"
                "                             3.3.1.3\n"
                "       ^^ byte 0: QoS bits are both 1 [MQTT3-3.3.1-4] Malformed Packet (0x81)\n"
                "    1  0a                    Remaining Length                       10"
                "                            2.1.4\n"
                "    2  00 03 61 2f 62 00 ..  not examined                           10 bytes\n");
}
END_TEST

/* Below the verdict stands what the catalogue says of the statement, wrapped. */
START_TEST(verdict_is_explained)
{
    const struct bytes packet = octets("36 [<'a'> 0007 []]");
    const char *gloss = statement_describe(MQTT_3_3_1_4)->gloss;
    const char *at = strstr(table_of(packet, PROTOCOL_5_0, SENDER_CLIENT, NULL), "section 3.3.1.2: ");
    ck_assert(at != NULL && strlen(gloss) > 0);
    at += strlen("section 3.3.1.2: ");
    while (*gloss != '\0') { /* word by word, whatever blanks and line ends are between */
        const size_t length = strcspn(gloss, " ");
        at += strspn(at, " \n");
        ck_assert_int_eq(strncmp(at, gloss, length), 0);
        at += length;
        gloss += length;
        gloss += strspn(gloss, " ");
    }
    octets_free(packet);
}
END_TEST

/* Lines, by what they contain. `lines` are separated by |; each must occur in this order, blanks squeezed. */
struct shown {
    enum protocol_version version;
    enum sender sender;
    const char *packet;
    const char *lines;
};
static const struct shown shown[] = {
    {PROTOCOL_5_0, SENDER_CLIENT,
     "10 [<'MQTT'> 05 EE 003C [11 00000E10 21 000A] <'id'> [18 00000005 26 <'k'> <'v'>] <'will'> <FF00> "
     "<'joe'> <'secret'>]",
     "CONNECT from client, MQTT 5.0, 61 bytes|"
     " 2 00 04 4d 51 54 54 Protocol Name \"MQTT\" 3.1.2.1|"
     " 8 05 Protocol Version 5 (MQTT 5.0) 3.1.2.2|"
     " 9 ee Connect Flags 0xee 3.1.2.3| 1... .... = User Name Flag 1| .1.. .... = Password Flag 1|"
     " ..1. .... = Will Retain 1| ...0 1... = Will QoS 1| .... .1.. = Will Flag 1|"
     " .... ..1. = Clean Start 1| 10 00 3c Keep Alive 60| 12 08 Property Length 8|"
     " 13 11 Identifier 0x11 (Session Expiry Interval) 2.2.2.2|"
     " 14 00 00 0e 10 Session Expiry Interval 3600 seconds 3.1.2.11.2|"
     " 19 00 0a Receive Maximum 10| 21 00 02 69 64 Client Identifier \"id\" 3.1.3.1|"
     " Will Properties 3.1.3.2| 25 0c Property Length 12| Will Delay Interval 5 seconds|"
     " User Property name \"k\" 3.1.3.2.8| User Property value \"v\" 3.1.3.2.8|"
     " Will Topic \"will\"| Will Payload 2 bytes ff 00 3.1.3.4| User Name \"joe\"|"
     " 00 06 .. Password 6 bytes, not shown 3.1.3.6"},
    {PROTOCOL_UNKNOWN, SENDER_CLIENT, "10 [<'MQTT'> 04 02 003C <'id'>]",
     "CONNECT from client, MQTT 3.1.1, | .... ..1. = Clean Session 1"},
    {PROTOCOL_UNKNOWN, SENDER_CLIENT, "10 [<'MQIsdp'> 03 00 003C <'id'>]", "CONNECT from client, MQTT 3.1, "},
    {PROTOCOL_5_0, SENDER_SERVER, "20 [01 00 [16 <'x'>]]",
     " Connect Acknowledge Flags 0x01| .... ...1 = Session Present 1| Connect Reason Code 0x00 (Success)"},
    {PROTOCOL_3_1_1, SENDER_SERVER, "20 02 00 05", " 3 05 Connect Return code 0x05 (not authorized)"},
    {PROTOCOL_5_0, SENDER_CLIENT, "82 [0001 [0B 07] <'a/#'> 2D]",
     " Subscription Identifier 7| Topic Filter \"a/#\"| 2d Subscription Options 0x2d|"
     " ..10 .... = Retain Handling 2| .... 1... = Retain As Published 1| .... .1.. = No Local 1|"
     " .... ..01 = Maximum QoS 1"},
    {PROTOCOL_5_0, SENDER_SERVER, "90 [0001 [] 02 87]",
     " Subscribe Reason Code 0x02 (Granted QoS 2)| Subscribe Reason Code 0x87 (Not authorized)"},
    {PROTOCOL_5_0, SENDER_CLIENT, "30 [<'a'> []]", " 6 Payload 0 bytes 3.3.3"},
    {PROTOCOL_5_0, SENDER_CLIENT, "30 [<'a'> [] 01*100]",
     " 01 01 01 01 01 01 .. Payload 100 bytes 01 01| 01 ... 3.3.3"},
    /* Refusals: at a byte that was told, at one that was not, and behind the end. */
    {PROTOCOL_5_0, SENDER_CLIENT, "30 [<'a'> [01 02]]",
     " Payload Format Indicator 2|^^ byte 7: property has a value other than 0 or 1"},
    {PROTOCOL_5_0, SENDER_CLIENT, "30 [<'a'> [78 00] 'x']",
     " Identifier 0x78 (unknown)| ^^ byte 6: unknown Property Identifier [P-2.2.2.2-1] Malformed Packet "
     "(0x81)|"
     " 7 00 78 not examined 2 bytes"},
    {PROTOCOL_5_0, SENDER_CLIENT, "30 [0009 'abc']",
     " 2 00 09 61 62 63 not examined 5 bytes| ^^ byte 2: length reaches beyond the end"},
    {PROTOCOL_5_0, SENDER_CLIENT, "00 00", " 0 (Reserved)|^^ byte 0: Control Packet type 0 is reserved"},
    {PROTOCOL_5_0, SENDER_CLIENT, "30 FF FF FF FF 01", " not examined 5 bytes| ^^ byte 4: Remaining Length"},
    {PROTOCOL_5_0, SENDER_CLIENT, "40 02 0000", " Packet Identifier 0|^^ byte 2: Packet Identifier is 0"},
    /* A byte that the column of bytes is too narrow for: a line with its neighbours. */
    {PROTOCOL_5_0, SENDER_CLIENT, "30 [<'abcdefghijkl' FF 'mn'> [] 'x']",
     " 2 00 0f 61 62 63 64 .. Topic Name \"abcdefghijkl\\xffmn\"| 14 6b 6c ff 6d 6e| ^^ byte 16: "},
    /* Packets that are cut off. */
    {PROTOCOL_5_0, SENDER_CLIENT, "30 05 00 01",
     " 2 00 01 not examined 2 bytes| ^^ incomplete: 3 bytes are missing; by its Remaining Length the packet "
     "has 7"},
    {PROTOCOL_5_0, SENDER_CLIENT, "C0", "^^ incomplete: the packet ends within its fixed header"},
    {PROTOCOL_5_0, SENDER_CLIENT, "E0 01", " incomplete: 1 byte is missing; "},
    {PROTOCOL_5_0, SENDER_CLIENT, "", "Nothing from client, MQTT 5.0, 0 bytes|^^ incomplete: "},
};

static void squeeze(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        if (*from != ' ' || from[1] != ' ')
            *to++ = *from;
    }
    *to = '\0';
}

START_TEST(tables_contain)
{
    const struct shown *row = &shown[_i];
    const struct bytes packet = octets(row->packet);
    char *text = strdup(table_of(packet, row->version, row->sender, NULL));
    squeeze(text);
    const char *at = text;
    for (const char *line = row->lines; *line != '\0'; line += *line == '|') {
        const size_t length = strcspn(line, "|");
        char *wanted = strndup(line, length);
        at = strstr(at, wanted);
        ck_assert_msg(at != NULL, "missing: %s\n%s", wanted, text);
        free(wanted);
        line += length;
    }
    free(text);
    octets_free(packet);
}
END_TEST

/* Summaries */

static const struct shown summaries[] = {
    {PROTOCOL_5_0, SENDER_CLIENT, "33 [<'a/b'> 0007 [] 'old']",
     "PUBLISH qos 1 retain id 7 topic \"a/b\" payload 3 bytes \"old\""},
    {PROTOCOL_3_1_1, SENDER_CLIENT, "3C [<'a'> 0007]", "PUBLISH qos 2 dup id 7 topic \"a\" payload 0 bytes"},
    {PROTOCOL_5_0, SENDER_SERVER, "30 [<'a'> [0B 01 0B 80 01 26 <'k'> <'v'> 08 <'r'> 09 <00>]]",
     "PUBLISH qos 0 topic \"a\" { Response Topic \"r\", Correlation Data 1 byte 00, Subscription Identifier "
     "1, "
     "Subscription Identifier 128, User Property \"k\"=\"v\" } payload 0 bytes"},
    {PROTOCOL_UNKNOWN, SENDER_CLIENT, "10 [<'MQTT'> 04 C2 003C <'id'> <'joe'> <'secret'>]",
     "CONNECT MQTT 3.1.1 client \"id\" clean session keep alive 60 user \"joe\" password 6 bytes"},
    {PROTOCOL_UNKNOWN, SENDER_CLIENT,
     "10 [<'MQTT'> 05 2C 0000 [15 <'m'> 16 <'secret'>] <> [18 00000001] <'w'> <'gone'>]",
     "CONNECT MQTT 5.0 client \"\" keep alive 0 { Authentication Method \"m\", Authentication Data 6 bytes } "
     "will qos 1 retain topic \"w\" payload 4 bytes \"gone\" { Will Delay Interval 1 }"},
    {PROTOCOL_UNKNOWN, SENDER_CLIENT, "10 [<'MQIsdp'> 03 00 0001 <'id'>]",
     "CONNECT MQTT 3.1 client \"id\" keep alive 1"},
    {PROTOCOL_5_0, SENDER_SERVER, "20 [01 00 [22 000A]]",
     "CONNACK 0x00 Success session present { Topic Alias Maximum 10 }"},
    {PROTOCOL_3_1_1, SENDER_SERVER, "20 02 00 05", "CONNACK 0x05 not authorized"},
    {PROTOCOL_5_0, SENDER_SERVER, "40 03 0007 10", "PUBACK id 7 0x10 No matching subscribers"},
    {PROTOCOL_5_0, SENDER_SERVER, "50 02 0007", "PUBREC id 7"},
    {PROTOCOL_3_1_1, SENDER_CLIENT, "62 02 0007", "PUBREL id 7"},
    {PROTOCOL_3_1_1, SENDER_CLIENT, "70 02 0007", "PUBCOMP id 7"},
    {PROTOCOL_5_0, SENDER_CLIENT, "82 [0001 [] <'a'> 2D <'b'> 00]",
     "SUBSCRIBE id 1 filter \"a\" qos 1 no local retain as published retain handling 2, filter \"b\" qos 0"},
    {PROTOCOL_3_1_1, SENDER_CLIENT,
     "82 [0001 <'a'> 00 <'a'> 00 <'a'> 00 <'a'> 00 <'a'> 00 <'a'> 00 <'a'> 00 <'a'> 00 <'a'> 00 <'a'> 00]",
     "SUBSCRIBE id 1 filter \"a\" qos 0, filter \"a\" qos 0, filter \"a\" qos 0, filter \"a\" qos 0, "
     "filter \"a\" qos 0, filter \"a\" qos 0, filter \"a\" qos 0, filter \"a\" qos 0, and 2 more"},
    {PROTOCOL_5_0, SENDER_SERVER, "90 [0001 [] 02 87]",
     "SUBACK id 1 0x02 Granted QoS 2, 0x87 Not authorized"},
    {PROTOCOL_5_0, SENDER_CLIENT, "A2 [0001 [] <'a'> <'b'>]", "UNSUBSCRIBE id 1 filter \"a\", filter \"b\""},
    {PROTOCOL_5_0, SENDER_SERVER, "B0 [0001 [] 11]", "UNSUBACK id 1 0x11 No subscription existed"},
    {PROTOCOL_3_1_1, SENDER_SERVER, "B0 02 0001", "UNSUBACK id 1"},
    {PROTOCOL_5_0, SENDER_CLIENT, "C0 00", "PINGREQ"},
    {PROTOCOL_5_0, SENDER_SERVER, "D0 00", "PINGRESP"},
    {PROTOCOL_5_0, SENDER_CLIENT, "E0 00", "DISCONNECT"},
    {PROTOCOL_5_0, SENDER_SERVER, "E0 [8B [1F <'bye'>]]",
     "DISCONNECT 0x8b Server shutting down { Reason String \"bye\" }"},
    {PROTOCOL_5_0, SENDER_SERVER, "F0 [18 [15 <'m'>]]",
     "AUTH 0x18 Continue authentication { Authentication Method \"m\" }"},
    {PROTOCOL_5_0, SENDER_CLIENT, "36 [<'a'> 0001 []]",
     "PUBLISH refused: byte 0: QoS bits are both 1 [MQTT-3.3.1-4] Malformed Packet (0x81)"},
    {PROTOCOL_5_0, SENDER_CLIENT, "30 05 00 01",
     "PUBLISH incomplete: 3 bytes are missing; by its Remaining Length the packet has 7"},
    {PROTOCOL_5_0, SENDER_CLIENT, "", "Nothing incomplete: the packet ends within its fixed header"},
};

START_TEST(summaries_are)
{
    const struct shown *row = &summaries[_i];
    const struct bytes packet = octets(row->packet);
    ck_assert_str_eq(line_of(packet, row->version, row->sender), row->lines);
    octets_free(packet);
}
END_TEST

/* The table of what has a summary without "refused" leaves no byte out, and every bit stands somewhere. */

static void check_bits(void *context, const struct decoded_field *field)
{
    char wanted[80] = " = ";
    if (field->length != 0 || (field->kind != FIELD_INTEGER && field->kind != FIELD_FLAGS))
        return;
    strcat(wanted, field->name);
    ck_assert_msg(strstr(context, wanted) != NULL, "no place in the byte for %s", field->name);
}

START_TEST(nothing_is_left_out)
{
    const struct shown *row = &summaries[_i];
    const struct bytes packet = octets(row->packet);
    struct packet decoded;
    if (!packet_decode(&decoded, row->version, row->sender, packet, NULL).refused) {
        char *text = strdup(table_of(packet, row->version, row->sender, NULL));
        ck_assert(strstr(text, "not examined") == NULL);
        const struct decode_observer observer = {.field = check_bits, .context = text};
        packet_decode(&decoded, row->version, row->sender, packet, &observer);
        free(text);
    }
    octets_free(packet);
}
END_TEST

/* Strings of strangers */

struct text_case {
    const char *bytes;
    size_t limit;
    const char *shown;
};
static const struct text_case texts[] = {
    {"'plain'", 0, "\"plain\""},
    {"22 5C", 0, "\"\\\"\\\\\""},
    {"00 07 0A 1B 5B 7F", 0, "\"\\x00\\x07\\x0a\\x1b[\\x7f\""},
    {"C3A9 E282AC F09F9880", 0, "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\""},
    {"C29B 'm'", 0, "\"\\xc2\\x9bm\""},                         /* CSI of ISO 6429 */
    {"'a' E280AE 'b'", 0, "\"a\\xe2\\x80\\xaeb\""},             /* right-to-left override */
    {"E2808B EFBBBF", 0, "\"\\xe2\\x80\\x8b\\xef\\xbb\\xbf\""}, /* no width */
    {"F3A08081", 0, "\"\\xf3\\xa0\\x80\\x81\""},                /* a tag */
    {"FF C0AF EDA080 C3", 0, "\"\\xff\\xc0\\xaf\\xed\\xa0\\x80\\xc3\""},
    {"C3 'x'", 0, "\"\\xc3x\""},
    {"E2 82", 0, "\"\\xe2\\x82\""},
    {"'abcdef'", 6, "\"abcdef\""},
    {"'abcdef'", 5, "\"abcde\"... (6 bytes)"},
    {"'a' E282AC 'b'", 3, "\"a\"... (5 bytes)"}, /* not within a character */
    {"", 0, "\"\""},
};

static void collect(void *context, const char *text, size_t length)
{
    strncat(context, text, length);
}

START_TEST(strings_are_escaped)
{
    const struct bytes text = octets(texts[_i].bytes);
    char found[200] = "";
    const struct dissect_sink sink = {.text = collect, .context = found};
    dissect_text(text, texts[_i].limit, &sink);
    ck_assert_str_eq(found, texts[_i].shown);
    octets_free(text);
}
END_TEST

START_TEST(numbers_are_written_whole)
{
    static const struct {
        uint64_t number;
        const char *text;
    } numbers[] = {
        {0, "0"}, {9, "9"}, {10, "10"}, {4294967296, "4294967296"}, {UINT64_MAX, "18446744073709551615"}};
    for (int i = 0; i < COUNT(numbers); i++) {
        char digits[TEXT_DECIMAL_SIZE + 1] = "";
        ck_assert_uint_eq(text_decimal(digits, numbers[i].number), strlen(numbers[i].text));
        ck_assert_str_eq(digits, numbers[i].text);
    }
}
END_TEST

/* Secrets. In every one the word "secret" is a Password or Authentication Data, and "joe" is not. */

static const char *const with_secret[] = {
    "10 [<'MQTT'> 04 C2 003C <'joe'> <'joe'> <'secret'>]",
    "10 [<'MQTT'> 05 C2 003C [] <'joe'> <'joe'> <'secret'>]",
    "10 [<'MQIsdp'> 03 C2 003C <'joe'> <'joe'> <'secret'>]",
    "10 [<'MQTT'> 05 02 003C [15 <'joe'> 16 <'secret'>] <'i'>]",
    "F0 [18 [15 <'joe'> 16 <'secret'>]]",
    /* Refused before, within or behind the secret. */
    "11 [<'MQTT'> 05 C2 003C [] <'joe'> <'joe'> <'secret'>]",
    "10 [<'MQTT'> 05 C3 003C [] <'joe'> <'joe'> <'secret'>]",
    "10 [<'MQTT'> 05 C2 003C [] <'joe'> <FF> <'secret'>]",
    "10 [<'MQTT'> 05 C2 003C [] <'joe'> <'joe'> 0007 'secret']",
    "10 [<'MQTT'> 05 82 003C [] <'joe'> <'joe'> <'secret'>]",
    "10 [<'MQTT'> 05 C2 003C [] <'joe'> <'joe'> <'secret'> 00]",
    "10 [<'MQTT'> 07 C2 003C [] <'joe'> <'joe'> <'secret'>]",
    "10 FF FF FF FF 01 <'MQTT'> 05 C2 003C 00 <'joe'> <'joe'> <'secret'>",
    "10 [<'MQTT'> 05 02 003C [15 <'joe'> 16 <'secret'> 16 <'secret'>] <'i'>]",
    "10 [<'MQTT'> 05 02 003C [16 <'secret'>] <'i'>]",
    "F0 [55 [15 <'joe'> 16 <'secret'>]]",
    "F1 [18 [15 <'joe'> 16 <'secret'>]]",
};

static void check_hidden(const char *text)
{
    static const char *const traces[] = {"secret", "73 65", "65 63", "63 72", "72 65", "65 74", "7365"};
    for (int i = 0; i < COUNT(traces); i++)
        ck_assert_msg(strstr(text, traces[i]) == NULL, "%s is shown:\n%s", traces[i], text);
}

START_TEST(secrets_are_hidden)
{
    static const struct dissect_options everything = {.value_limit = 0};
    const struct bytes packet = octets(with_secret[_i]);
    for (size_t length = 1; length <= packet.length; length++) {
        const struct bytes cut = bytes_of(packet.data, length);
        check_hidden(table_of(cut, PROTOCOL_5_0, SENDER_CLIENT, &everything));
        check_hidden(line_of(cut, PROTOCOL_5_0, SENDER_CLIENT));
    }
    octets_free(packet);
}
END_TEST

START_TEST(what_is_no_secret_is_shown)
{
    const struct bytes packet = octets(with_secret[_i]);
    ck_assert(strstr(table_of(packet, PROTOCOL_5_0, SENDER_CLIENT, NULL), "\"joe\"") != NULL);
    ck_assert(strstr(table_of(packet, PROTOCOL_5_0, SENDER_CLIENT, NULL), "6 bytes, not shown") != NULL);
    octets_free(packet);
}
END_TEST

/* Options */

START_TEST(indent_titles_and_bytes)
{
    const struct bytes packet = octets("C0 00");
    const struct dissect_options options = {.indent = 2, .titles = true, .no_bytes = true};
    ck_assert_str_eq(table_of(packet, PROTOCOL_5_0, SENDER_CLIENT, &options),
                     "  PINGREQ from client, MQTT 5.0, 2 bytes\n"
                     "  offset field                                  value                         section\n"
                     "      0  MQTT Control Packet type               12 (PINGREQ)                  2.1.2\n"
                     "           .... 0000 = Flags                    0x00                          2.1.3\n"
                     "      1  Remaining Length                       0                             2.1.4\n");
    octets_free(packet);
}
END_TEST

START_TEST(titles_of_all_columns)
{
    const struct bytes packet = octets("C0 00");
    const struct dissect_options options = {.titles = true};
    const char *text = table_of(packet, PROTOCOL_5_0, SENDER_CLIENT, &options);
    const char *titles = strchr(text, '\n') + 1;
    const char *first = strchr(titles, '\n') + 1;
    ck_assert_int_eq(strncmp(titles, "offset", 6), 0);
    /* each title stands above its column */
    ck_assert_int_eq(strstr(titles, "bytes") - titles, strstr(first, "c0") - first);
    ck_assert_int_eq(strstr(titles, "field") - titles, strstr(first, "MQTT Control") - first);
    ck_assert_int_eq(strstr(titles, "value") - titles, strstr(first, "12 (PINGREQ)") - first);
    octets_free(packet);
}
END_TEST

/* Without the column of bytes the mark has no byte to stand below: it stands below the fields. */
START_TEST(a_mark_without_bytes)
{
    const struct bytes packet = octets("40 02 0000");
    const struct dissect_options options = {.no_bytes = true};
    const char *text = table_of(packet, PROTOCOL_5_0, SENDER_CLIENT, &options);
    const char *field = strstr(text, "Packet Identifier  ");
    const char *mark = strstr(text, "^^ byte 2: Packet Identifier is 0");
    ck_assert(field != NULL && mark != NULL);
    const char *field_line = field, *mark_line = mark;
    while (field_line[-1] != '\n')
        field_line--;
    while (mark_line[-1] != '\n')
        mark_line--;
    ck_assert_int_eq(mark - mark_line, field - field_line);
    ck_assert_ptr_null(strstr(text, "00 00"));
    octets_free(packet);
}
END_TEST

static void strip_colours(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        if (*from == '\x1b')
            from = strchr(from, 'm');
        else
            *to++ = *from;
    }
    *to = '\0';
}

/* Colour changes no character; a stranger's escape sequence is none of ours. */
START_TEST(colour_is_only_added)
{
    struct dissect_options options = dissect_defaults();
    const struct bytes packet = octets("36 [<'a' 1B '[0m'> 0007 [] 'old']");
    char *plain = strdup(table_of(packet, PROTOCOL_5_0, SENDER_CLIENT, &options));
    ck_assert(strchr(plain, '\x1b') == NULL);
    options.colour = true;
    char *coloured = strdup(table_of(packet, PROTOCOL_5_0, SENDER_CLIENT, &options));
    ck_assert(strstr(coloured, "\x1b[1;31m^^ byte 0") != NULL);
    strip_colours(coloured);
    ck_assert_str_eq(coloured, plain);
    free(plain);
    free(coloured);
    octets_free(packet);
}
END_TEST

/* Buffers of every size: what is kept is a beginning of the text, cut behind a line. */
START_TEST(buffers_are_cut_safely)
{
    const struct bytes packet = octets("30 [<E282AC E282AC> [] C3A9]");
    char *whole = strdup(table_of(packet, PROTOCOL_5_0, SENDER_CLIENT, NULL));
    const size_t full = strlen(whole);
    ck_assert_uint_eq(dissect_to_buffer(packet, PROTOCOL_5_0, SENDER_CLIENT, NULL, NULL, 0), full);
    for (size_t size = 1; size <= full + 2; size++) {
        char *text = malloc(size);
        ck_assert_uint_eq(dissect_to_buffer(packet, PROTOCOL_5_0, SENDER_CLIENT, NULL, text, size), full);
        const size_t kept = strlen(text);
        ck_assert_int_eq(memcmp(text, whole, kept), 0);
        ck_assert(size <= full || kept == full);
        ck_assert(strchr(text, '\n') == NULL || text[kept - 1] == '\n');
        free(text);
    }
    free(whole);
    octets_free(packet);
}
END_TEST

START_TEST(summaries_are_cut_between_characters)
{
    const struct bytes packet = octets("30 [<E282AC E282AC> [] C3A9]");
    char *whole = strdup(line_of(packet, PROTOCOL_5_0, SENDER_CLIENT));
    for (size_t size = 1; size <= strlen(whole) + 1; size++) {
        char *text = malloc(size);
        size_t bad;
        dissect_summary_to_buffer(packet, PROTOCOL_5_0, SENDER_CLIENT, NULL, text, size);
        ck_assert_int_eq(memcmp(text, whole, strlen(text)), 0);
        ck_assert_uint_gt(strlen(text) + 4, size);
        ck_assert_int_eq(utf8_check(bytes_of_text(text), &bad), UTF8_WELL_FORMED);
        free(text);
    }
    free(whole);
    octets_free(packet);
}
END_TEST

/* Streams */

START_TEST(streams_are_taken_apart)
{
    const struct bytes all = octets("10 [<'MQTT'> 04 02 003C <'i'>] C0 00 31 [<'a'>] 00 8000 E0 05 00");
    static const struct {
        size_t length;
        enum protocol_version version;
    } expected[] = {{15, PROTOCOL_3_1_1}, {2, PROTOCOL_3_1_1}, {5, PROTOCOL_3_1_1},
                    {3, PROTOCOL_3_1_1},  {3, PROTOCOL_3_1_1}, {0, PROTOCOL_3_1_1}};
    enum protocol_version version = PROTOCOL_5_0;
    struct bytes stream = all;
    for (int i = 0; i < COUNT(expected); i++) {
        const struct bytes packet = dissect_next(&stream, &version);
        ck_assert_uint_eq(packet.length, expected[i].length);
        ck_assert_uint_eq(version, expected[i].version);
    }
    octets_free(all);
}
END_TEST

/* A CONNECT that does not say which version it is of leaves what was known. */
START_TEST(unknown_version_changes_nothing)
{
    const struct bytes all = octets("10 [<'MQTT'> 09 02 003C <'i'>] C0 FFFFFFFF 00");
    enum protocol_version version = PROTOCOL_3_1;
    struct bytes stream = all;
    ck_assert_uint_eq(dissect_next(&stream, &version).length, 15);
    ck_assert_uint_eq(version, PROTOCOL_3_1);
    ck_assert_uint_eq(dissect_next(&stream, &version).length, 6);
    ck_assert_uint_eq(stream.length, 0);
    octets_free(all);
}
END_TEST

/* Anything at all */

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 8;
}

/* A packet with a sound fixed header, mostly, and small bytes, which are lengths, identifiers and codes. */
static size_t random_packet(uint32_t *state, uint8_t *packet)
{
    const size_t length = 2 + next_random(state) % 40;
    for (size_t i = 0; i < length; i++) {
        const uint32_t kind = next_random(state) % 8;
        packet[i] = kind < 5 ? (uint8_t)(next_random(state) % 5) : (uint8_t)next_random(state);
    }
    const uint8_t type = (uint8_t)(next_random(state) % 16);
    packet[0] = (uint8_t)(type << 4 | (type == 6 || type == 8 || type == 10 ? 2 : 0));
    if (type == 3 || next_random(state) % 16 == 0)
        packet[0] |= (uint8_t)(next_random(state) % 16);
    if (next_random(state) % 8 != 0)
        packet[1] = (uint8_t)(length - 2);
    return length;
}

static int hex_at(const char *line, size_t column)
{
    unsigned value;
    return strlen(line) > column + 1 && sscanf(line + column, "%2x", &value) == 1 && line[column] != ' '
               ? (int)value
               : -1;
}

/* The mark of a refusal stands below its byte, in the last line before it that shows bytes. */
static void check_mark(const char *text, struct bytes packet, const struct verdict *verdict)
{
    const char *mark = strstr(text, "^^ byte ");
    if (mark == NULL || strstr(mark + 1, "^^ ") != NULL)
        ck_abort_msg("one mark:\n%s", text);
    const unsigned type = packet.data[0] >> 4;
    if (verdict->offset >= packet.length || type == PACKET_CONNECT || type == PACKET_CONNACK ||
        type == PACKET_AUTH)
        return;
    const char *start = mark;
    while (start > text && start[-1] != '\n')
        start--;
    const size_t column = (size_t)(mark - start);
    const char *line = start;
    do { /* lines of bits and of a heading have no offset */
        line--;
        while (line > text && line[-1] != '\n')
            line--;
    } while (line > text && line[4] == ' ');
    if (hex_at(line, column) != packet.data[verdict->offset])
        ck_abort_msg("byte %u:\n%s", verdict->offset, text);
}

static void check_harmless(const char *text)
{
    size_t bad;
    const char *at = text;
    while ((uint8_t)*at >= 0x20 || *at == '\n')
        at++;
    if (*at != '\0' || utf8_check(bytes_of_text(text), &bad) != UTF8_WELL_FORMED)
        ck_abort_msg("not fit for a terminal: %s", text);
}

static void check_any(struct bytes packet, enum protocol_version version, enum sender sender)
{
    struct packet decoded;
    const struct verdict verdict = packet_decode(&decoded, version, sender, packet, NULL);
    const char *text = table_of(packet, version, sender, NULL);
    const char *line = line_of(packet, version, sender);
    check_harmless(text);
    check_harmless(line);
    const bool incomplete = strstr(text, "^^ incomplete: ") != NULL;
    if (strchr(line, '\n') != NULL ||
        (incomplete && (!verdict.refused || strstr(line, " incomplete: ") == NULL)) ||
        (strstr(line, " refused: ") != NULL) != (verdict.refused && !incomplete))
        ck_abort_msg("not what the decoder says: %s", line);
    if (verdict.refused && !incomplete)
        check_mark(text, packet, &verdict);
    else if (!verdict.refused && (strstr(text, "^^ ") != NULL || strstr(text, "not examined") != NULL))
        ck_abort_msg("a mark in what is accepted:\n%s", text);
}

START_TEST(any_bytes_can_be_shown)
{
    uint32_t state = (uint32_t)_i;
    int accepted = 0;
    for (int round = 0; round < 4000; round++) {
        uint8_t buffer[64];
        const size_t length = random_packet(&state, buffer);
        uint8_t *exact = malloc(length);
        memcpy(exact, buffer, length);
        const enum protocol_version version = unit_versions[next_random(&state) % 3];
        const enum sender sender = next_random(&state) % 2 == 0 ? SENDER_CLIENT : SENDER_SERVER;
        const struct bytes packet = bytes_of(exact, length);
        struct packet decoded;
        accepted += !packet_decode(&decoded, version, sender, packet, NULL).refused;
        check_any(packet, version, sender);
        free(exact);
    }
    ck_assert_int_gt(accepted, 20); /* else the packets say nothing about those that are accepted */
}
END_TEST

Suite *suite_dissect(void)
{
    Suite *suite = suite_create("dissect");
    TCase *tables = tcase_create("tables");
    tcase_add_test(tables, table_of_publish);
    tcase_add_test(tables, table_of_refused_publish);
    tcase_add_test(tables, verdict_is_explained);
    tcase_add_loop_test(tables, tables_contain, 0, COUNT(shown));
    tcase_add_loop_test(tables, nothing_is_left_out, 0, COUNT(summaries));
    tcase_add_loop_test(tables, summaries_are, 0, COUNT(summaries));
    suite_add_tcase(suite, tables);

    TCase *strangers = tcase_create("strangers");
    tcase_add_loop_test(strangers, strings_are_escaped, 0, COUNT(texts));
    tcase_add_test(strangers, numbers_are_written_whole);
    tcase_add_loop_test(strangers, secrets_are_hidden, 0, COUNT(with_secret));
    tcase_add_loop_test(strangers, what_is_no_secret_is_shown, 0, 5); /* those that are accepted */
    tcase_add_loop_test(strangers, any_bytes_can_be_shown, 1, 6);
    tcase_set_timeout(strangers, 60);
    suite_add_tcase(suite, strangers);

    TCase *forms = tcase_create("forms");
    tcase_add_test(forms, indent_titles_and_bytes);
    tcase_add_test(forms, titles_of_all_columns);
    tcase_add_test(forms, a_mark_without_bytes);
    tcase_add_test(forms, colour_is_only_added);
    tcase_add_test(forms, buffers_are_cut_safely);
    tcase_add_test(forms, summaries_are_cut_between_characters);
    tcase_add_test(forms, streams_are_taken_apart);
    tcase_add_test(forms, unknown_version_changes_nothing);
    suite_add_tcase(suite, forms);
    return suite;
}
