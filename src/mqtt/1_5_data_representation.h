/* 1.5 Data representation: the seven types of which every Control Packet is made. Prefix: read_ / write_
 *
 * A decoder walks over the bytes of one complete Control Packet, in place. Everything that it yields borrows
 * these bytes. Where a dissection is wanted, an observer is told of each field as it is read; the broker's
 * hot path has none and pays one comparison per field. So there is one codec, and the dissector is its
 * commentary. */
#ifndef ETALON_MQTT_1_5_DATA_REPRESENTATION_H
#define ETALON_MQTT_1_5_DATA_REPRESENTATION_H

#include "../base/bytes.h"
#include "../base/verdict.h"
#include "../base/writer.h"
#include "protocol.h"

/* How a field's value wants to be shown. */
enum field_kind {
    FIELD_INTEGER, /* number */
    FIELD_FLAGS,   /* number, shown as bits */
    FIELD_TEXT,    /* bytes, UTF-8 */
    FIELD_BINARY,  /* bytes */
    FIELD_SECRET,  /* bytes that must not be shown (Password): only their count */
    FIELD_HEADING  /* no value: names the group of fields that follows (e.g. "Will Properties") */
};

/* One field of a packet, as told to an observer. Texts are static; bytes are borrowed from the packet. */
struct decoded_field {
    const char *name;    /* the specification's name of the field, e.g. "Keep Alive" */
    const char *section; /* of MQTT 5.0, e.g. "3.1.2.10" */
    const char *meaning; /* NULL, or what the value means, e.g. "Not authorized" */
    size_t offset;       /* first byte, counted from the start of the packet */
    size_t length;       /* in bytes; 0 for a heading, and for some bits of the field told before */
    enum field_kind kind;
    uint64_t number;
    struct bytes bytes;
};

struct decode_observer {
    void (*field)(void *context, const struct decoded_field *field);
    void *context;
};

struct decoder {
    const uint8_t *start; /* first byte of the Control Packet */
    const uint8_t *at;
    const uint8_t *end; /* one past its last byte */
    enum protocol_version version;
    enum sender sender;
    enum packet_type type;
    const struct decode_observer *observer; /* NULL: nobody listens */
};

struct string_pair {
    struct bytes name;
    struct bytes value;
};

/* A field's name and section, for the observer. */
struct field {
    const char *name;
    const char *section;
};

#define VARIABLE_BYTE_INTEGER_MAXIMUM 268435455U /* section 1.5.5 */

/* Offset of the decoder's position from the start of the packet. */
static inline size_t decoder_offset(const struct decoder *decoder)
{
    return (size_t)(decoder->at - decoder->start);
}

/* Bytes not read yet. */
static inline size_t decoder_left(const struct decoder *decoder)
{
    return (size_t)(decoder->end - decoder->at);
}

/* The statement that a protocol version has for a rule: `three` for 3.1 and 3.1.1, `five` for 5.0 and as long
 * as the version is not known. */
static inline enum statement version_cite(enum protocol_version version, enum statement five,
                                          enum statement three)
{
    return version == PROTOCOL_3_1_1 || version == PROTOCOL_3_1 ? three : five;
}

/* version_cite for the packet's protocol version. */
static inline enum statement decoder_cite(const struct decoder *decoder, enum statement five,
                                          enum statement three)
{
    return version_cite(decoder->version, five, three);
}

/* A refusal with Reason Code 0x81 (Malformed Packet) or 0x82 (Protocol Error), for all that has no code of
 * its own [R-4.13.1-1] [R-4.13.1-4], citing by version as decoder_cite does. `offset` counts from the start
 * of the packet. */
static inline struct verdict refuse_malformed(const struct decoder *decoder, enum statement five,
                                              enum statement three, size_t offset, const char *what)
{
    return refuse(decoder_cite(decoder, five, three), REASON_MALFORMED_PACKET, offset, what);
}
static inline struct verdict refuse_protocol_error(const struct decoder *decoder, enum statement five,
                                                   enum statement three, size_t offset, const char *what)
{
    return refuse(decoder_cite(decoder, five, three), REASON_PROTOCOL_ERROR, offset, what);
}

/* The refusal of a packet whose fields and lengths do not fit together: too few bytes, or some left over. No
 * statement of its own speaks of it, so it rests on [MQTT-3.1.4-1] in a CONNECT and on [MQTT-4.13.1-1]
 * elsewhere. */
struct verdict refuse_form(const struct decoder *decoder, size_t offset, const char *what);

/* Each reads one value at the decoder's position and moves behind it; a value that does not fit into the
 * packet is refused as malformed. Strings are checked: well-formed UTF-8 without surrogates, overlong forms
 * and U+0000 [MQTT-1.5.4-1], [MQTT-1.5.4-2]; U+FEFF is kept [MQTT-1.5.4-3]. */

/* 1.5.1 */
struct verdict read_byte(struct decoder *decoder, struct field field, uint8_t *value);
/* 1.5.2 */
struct verdict read_two_byte_integer(struct decoder *decoder, struct field field, uint16_t *value);
/* 1.5.3 */
struct verdict read_four_byte_integer(struct decoder *decoder, struct field field, uint32_t *value);
/* 1.5.4 */
struct verdict read_utf8_string(struct decoder *decoder, struct field field, struct bytes *value);
/* 1.5.5 */
struct verdict read_variable_byte_integer(struct decoder *decoder, struct field field, uint32_t *value);
/* 1.5.6 */
struct verdict read_binary_data(struct decoder *decoder, struct field field, struct bytes *value);
/* 1.5.7 */
struct verdict read_utf8_string_pair(struct decoder *decoder, struct field field, struct string_pair *pair);

/* Reads one byte without telling the observer: for fields whose bits or meaning the caller tells itself. */
struct verdict take_byte(struct decoder *decoder, uint8_t *value);

/* Likewise a big-endian integer of `size` bytes (1, 2 or 4), and a Variable Byte Integer. */
struct verdict take_integer(struct decoder *decoder, size_t size, uint32_t *value);
struct verdict take_variable_byte_integer(struct decoder *decoder, uint32_t *value);

/* Takes all bytes that are left; told as `kind`. */
struct bytes read_rest(struct decoder *decoder, struct field field, enum field_kind kind);

/* Reads Binary Data that must not be shown (Password, Authentication Data); told as FIELD_SECRET. */
struct verdict read_secret(struct decoder *decoder, struct field field, struct bytes *value);

/* Finds the end of a Variable Byte Integer at the start of `input` (section 1.5.5). `*value` and `*size`
 * (bytes, 1 to 4) are set unless it is incomplete or too long. */
enum variable_byte_integer_finding {
    INTEGER_COMPLETE,
    INTEGER_INCOMPLETE, /* the input ends before the integer does */
    INTEGER_TOO_LONG,   /* a fifth byte would follow */
    INTEGER_NOT_MINIMAL /* complete, but fewer bytes would have been enough */
};
enum variable_byte_integer_finding variable_byte_integer_scan(struct bytes input, uint32_t *value,
                                                              size_t *size);

/* Whether `text` is a well-formed UTF-8 Encoded String (section 1.5.4). On refusal `*bad` is the index of the
 * U+0000 or of the first byte of the ill-formed sequence. Length is not judged. */
enum utf8_finding { UTF8_WELL_FORMED, UTF8_ILL_FORMED, UTF8_NUL };
enum utf8_finding utf8_check(struct bytes text, size_t *bad);

/* Encoders for the same types; strings must be at most 65,535 bytes (asserted). */
void write_two_byte_integer(struct writer *writer, uint16_t value);
void write_four_byte_integer(struct writer *writer, uint32_t value);
void write_variable_byte_integer(struct writer *writer, uint32_t value); /* always minimal [MQTT-1.5.5-1] */
void write_string(struct writer *writer, struct bytes value);            /* also Binary Data: same form */

/* Bytes (1 to 4) of the minimal encoding of `value`, at most VARIABLE_BYTE_INTEGER_MAXIMUM. */
size_t variable_byte_integer_size(uint32_t value);

/* Tells the observer, when there is one, of a field that spans `length` bytes from `offset`. */
static inline void observe_number(const struct decoder *decoder, struct field field, size_t offset,
                                  size_t length, enum field_kind kind, uint64_t number, const char *meaning)
{
    if (decoder->observer == NULL)
        return;
    const struct decoded_field told = {.name = field.name,
                                       .section = field.section,
                                       .meaning = meaning,
                                       .offset = offset,
                                       .length = length,
                                       .kind = kind,
                                       .number = number};
    decoder->observer->field(decoder->observer->context, &told);
}
static inline void observe_bytes(const struct decoder *decoder, struct field field, size_t offset,
                                 size_t length, enum field_kind kind, struct bytes bytes, const char *meaning)
{
    if (decoder->observer == NULL)
        return;
    const struct decoded_field told = {.name = field.name,
                                       .section = field.section,
                                       .meaning = meaning,
                                       .offset = offset,
                                       .length = length,
                                       .kind = kind,
                                       .bytes = bytes};
    decoder->observer->field(decoder->observer->context, &told);
}

/* Tells of some bits of the byte told before it. */
static inline void observe_bits(const struct decoder *decoder, struct field field, size_t offset,
                                unsigned bits, const char *meaning)
{
    observe_number(decoder, field, offset, 0, FIELD_INTEGER, bits, meaning);
}

#endif
