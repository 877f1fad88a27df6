/* 1.5 Data representation. Prefix: read_ / write_ */
#include "1_5_data_representation.h"

#include <assert.h>

struct verdict refuse_form(const struct decoder *decoder, size_t offset, const char *what)
{
    if (decoder->type == PACKET_CONNECT) /* [MQTT-3.1.4-1] [MQTT3-3.1.4-1] */
        return refuse_malformed(decoder, MQTT_3_1_4_1, MQTT3_3_1_4_1, offset, what);
    return refuse_malformed(decoder, MQTT_4_13_1_1, MQTT3_4_8_0_1, offset,
                            what); /* [MQTT-4.13.1-1] [MQTT3-4.8.0-1] */
}

/* Refuses when fewer than `count` bytes are left. */
static struct verdict need(const struct decoder *decoder, size_t count)
{
    if (decoder_left(decoder) < count)
        return refuse_form(decoder, decoder_offset(decoder), "field reaches beyond the end of what holds it");
    return accept();
}

/* 1.5.1 Bits */

struct verdict take_byte(struct decoder *decoder, uint8_t *value)
{
    GUARD(need(decoder, 1));
    *value = *decoder->at++;
    return accept();
}

struct verdict read_byte(struct decoder *decoder, struct field field, uint8_t *value)
{
    GUARD(take_byte(decoder, value));
    observe_number(decoder, field, decoder_offset(decoder) - 1, 1, FIELD_INTEGER, *value, NULL);
    return accept();
}

/* 1.5.2 Two Byte Integer, 1.5.3 Four Byte Integer: big-endian */

struct verdict take_integer(struct decoder *decoder, size_t size, uint32_t *value)
{
    GUARD(need(decoder, size));
    uint32_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = sum << 8 | decoder->at[i];
    decoder->at += size;
    *value = sum;
    return accept();
}

struct verdict read_two_byte_integer(struct decoder *decoder, struct field field, uint16_t *value)
{
    uint32_t wide;
    GUARD(take_integer(decoder, 2, &wide));
    *value = (uint16_t)wide;
    observe_number(decoder, field, decoder_offset(decoder) - 2, 2, FIELD_INTEGER, wide, NULL);
    return accept();
}

struct verdict read_four_byte_integer(struct decoder *decoder, struct field field, uint32_t *value)
{
    GUARD(take_integer(decoder, 4, value));
    observe_number(decoder, field, decoder_offset(decoder) - 4, 4, FIELD_INTEGER, *value, NULL);
    return accept();
}

void write_two_byte_integer(struct writer *writer, uint16_t value)
{
    const uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value}; /* [D3-1.5.2-1] */
    write_raw(writer, bytes, sizeof bytes);
}

void write_four_byte_integer(struct writer *writer, uint32_t value)
{
    const uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                              (uint8_t)value};
    write_raw(writer, bytes, sizeof bytes);
}

/* 1.5.4 UTF-8 Encoded String */

/* The well-formed sequences of two to four bytes (Unicode, table 3-7): the bounds of the second byte keep out
 * overlong forms, surrogates and everything above U+10FFFF; all later bytes are 80 to BF. */
struct utf8_form {
    uint8_t first_minimum, first_maximum;
    uint8_t second_minimum, second_maximum;
    uint8_t length;
};
static const struct utf8_form utf8_forms[] = {
    {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3},
    {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
    {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
};

/* Bytes of the well-formed sequence that begins with the non-ASCII byte at `text`, or 0. */
static size_t utf8_sequence(const uint8_t *text, size_t left)
{
    const struct utf8_form *form = utf8_forms;
    const struct utf8_form *const end = utf8_forms + sizeof utf8_forms / sizeof *utf8_forms;
    while (form < end && text[0] > form->first_maximum)
        form++;
    if (form == end || text[0] < form->first_minimum || left < form->length)
        return 0;
    if (text[1] < form->second_minimum || text[1] > form->second_maximum)
        return 0;
    for (size_t i = 2; i < form->length; i++) {
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    }
    return form->length;
}

/* Whether all eight bytes are U+0001 to U+007F. Subtracting one from each byte sets a high bit only by
 * borrowing from a zero byte, as long as no high bit was set before. */
static bool utf8_eight_plain(const uint8_t *text)
{
    const uint64_t ones = 0x0101010101010101U;
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return ((word | (word - ones)) & (ones << 7)) == 0;
}

enum utf8_finding utf8_check(struct bytes text, size_t *bad)
{
    size_t at = 0;
    while (at < text.length) {
        const size_t left = text.length - at;
        if (left >= 8 && utf8_eight_plain(text.data + at)) {
            at += 8;
            continue;
        }
        const uint8_t byte = text.data[at];
        const size_t length = byte < 0x80 ? 1 : utf8_sequence(text.data + at, left);
        if (byte == 0 || length == 0) {
            *bad = at;
            return byte == 0 ? UTF8_NUL : UTF8_ILL_FORMED;
        }
        at += length;
    }
    return UTF8_WELL_FORMED;
}

/* Reads a Two Byte Integer length and that many bytes, 0 to 65,535: the form of strings and of Binary Data.
 * [D-1.5.4-1, D3-1.5.3-1] [D-1.5.6-1] Not told. */
static struct verdict take_prefixed(struct decoder *decoder, struct bytes *value)
{
    GUARD(need(decoder, 2));
    const size_t length = (size_t)(decoder->at[0] << 8 | decoder->at[1]);
    if (decoder_left(decoder) - 2 < length)
        return refuse_form(decoder, decoder_offset(decoder),
                           "length reaches beyond the end of what holds the field");
    *value = bytes_of(decoder->at + 2, length);
    decoder->at += 2 + length;
    return accept();
}

/* [S-1.5.4-1, S3-1.5.3-1] [P-1.5.4-3, D3-1.5.3-2]: control characters and non-characters may be refused;
 * accepting them conforms as well and turns nobody away. [MQTT-1.5.4-3] [MQTT3-1.5.3-3]: U+FEFF is a character like any other. */
static struct verdict check_string(const struct decoder *decoder, struct bytes text, size_t offset)
{
    size_t bad = 0;
    switch (utf8_check(text, &bad)) {
    case UTF8_WELL_FORMED:
        break;
    case UTF8_ILL_FORMED: /* [MQTT-1.5.4-1] [P-1.5.4-1] [MQTT3-1.5.3-1] */
        return refuse_malformed(decoder, MQTT_1_5_4_1, MQTT3_1_5_3_1, offset + bad,
                                "string is not well-formed UTF-8");
    case UTF8_NUL: /* [MQTT-1.5.4-2] [P-1.5.4-2] [MQTT3-1.5.3-2] */
        return refuse_malformed(decoder, MQTT_1_5_4_2, MQTT3_1_5_3_2, offset + bad, "string contains U+0000");
    }
    return accept();
}

static struct verdict read_prefixed(struct decoder *decoder, struct field field, enum field_kind kind,
                                    const char *meaning, struct bytes *value)
{
    const size_t offset = decoder_offset(decoder);
    GUARD(take_prefixed(decoder, value));
    observe_bytes(decoder, field, offset, 2 + value->length, kind, *value, meaning);
    return kind == FIELD_TEXT ? check_string(decoder, *value, offset + 2) : accept();
}

struct verdict read_utf8_string(struct decoder *decoder, struct field field, struct bytes *value)
{
    return read_prefixed(decoder, field, FIELD_TEXT, NULL, value);
}

void write_string(struct writer *writer, struct bytes value)
{
    assert(value.length <= UINT16_MAX);
    write_two_byte_integer(writer, (uint16_t)value.length);
    write_raw(writer, value.data, value.length);
}

/* 1.5.5 Variable Byte Integer */

enum variable_byte_integer_finding variable_byte_integer_scan(struct bytes input, uint32_t *value,
                                                              size_t *size)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < 4; i++) { /* at most four bytes [D-1.5.5-1, D3-2.2.3-3] */
        if (i == input.length)
            return INTEGER_INCOMPLETE;
        const uint8_t byte = input.data[i];
        sum |= (uint32_t)(byte & 0x7F) << (7 * i);
        if (byte < 0x80) {
            *value = sum;
            *size = i + 1;
            return i > 0 && byte == 0 ? INTEGER_NOT_MINIMAL : INTEGER_COMPLETE;
        }
    }
    return INTEGER_TOO_LONG;
}

struct verdict take_variable_byte_integer(struct decoder *decoder, uint32_t *value)
{
    const size_t offset = decoder_offset(decoder);
    size_t size = 0;
    switch (variable_byte_integer_scan(bytes_of(decoder->at, decoder_left(decoder)), value, &size)) {
    case INTEGER_COMPLETE:
        break;
    case INTEGER_INCOMPLETE:
        return refuse_form(decoder, offset, "field reaches beyond the end of what holds it");
    case INTEGER_TOO_LONG: /* [D-1.5.5-1] */
        return refuse_malformed(decoder, D_1_5_5_1, MQTT3_4_8_0_1, offset + 3,
                                "Variable Byte Integer is longer than four bytes");
    case INTEGER_NOT_MINIMAL: /* [MQTT-1.5.5-1] */
        return refuse_malformed(decoder, MQTT_1_5_5_1, MQTT3_4_8_0_1, offset + size - 1,
                                "Variable Byte Integer is longer than its value needs");
    }
    decoder->at += size;
    return accept();
}

struct verdict read_variable_byte_integer(struct decoder *decoder, struct field field, uint32_t *value)
{
    const size_t offset = decoder_offset(decoder);
    GUARD(take_variable_byte_integer(decoder, value));
    observe_number(decoder, field, offset, decoder_offset(decoder) - offset, FIELD_INTEGER, *value, NULL);
    return accept();
}

size_t variable_byte_integer_size(uint32_t value)
{
    assert(value <= VARIABLE_BYTE_INTEGER_MAXIMUM);
    return value < 1U << 7 ? 1 : value < 1U << 14 ? 2 : value < 1U << 21 ? 3 : 4;
}

void write_variable_byte_integer(struct writer *writer, uint32_t value)
{
    assert(value <= VARIABLE_BYTE_INTEGER_MAXIMUM);
    for (; value >= 0x80; value >>= 7)
        write_byte(writer, (uint8_t)(value | 0x80));
    write_byte(writer, (uint8_t)value); /* no empty byte follows: minimal [MQTT-1.5.5-1] [D3-2.2.3-2] */
}

/* 1.5.6 Binary Data */

struct verdict read_binary_data(struct decoder *decoder, struct field field, struct bytes *value)
{
    return read_prefixed(decoder, field, FIELD_BINARY, NULL, value);
}

struct verdict read_secret(struct decoder *decoder, struct field field, struct bytes *value)
{
    return read_prefixed(decoder, field, FIELD_SECRET, NULL, value);
}

struct bytes read_rest(struct decoder *decoder, struct field field, enum field_kind kind)
{
    const size_t offset = decoder_offset(decoder);
    const struct bytes rest = bytes_of(decoder->at, decoder_left(decoder));
    decoder->at = decoder->end;
    observe_bytes(decoder, field, offset, rest.length, kind, rest, NULL);
    return rest;
}

/* 1.5.7 UTF-8 String Pair */

/* A string of a pair answers to the pair's own rule. */
static struct verdict as_part_of_pair(struct verdict verdict)
{
    if (verdict.refused && verdict.statement == MQTT_1_5_4_1)
        verdict.statement = MQTT_1_5_7_1; /* [MQTT-1.5.7-1] [P-1.5.7-1] */
    return verdict;
}

struct verdict read_utf8_string_pair(struct decoder *decoder, struct field field, struct string_pair *pair)
{
    GUARD(as_part_of_pair(read_prefixed(decoder, field, FIELD_TEXT, "name", &pair->name)));
    return as_part_of_pair(read_prefixed(decoder, field, FIELD_TEXT, "value", &pair->value));
}
