/* fuzz_dissect: arbitrary bytes explained. Whatever they are, the text is fit for a terminal, tells what the
 * decoder thinks, and does not depend on a Password or on Authentication Data.
 *
 * Byte 0 selects version and sender, byte 1 the options, the rest is the packet. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "mqtt/dissect.h"

typedef struct verdict dissector(struct bytes packet, enum protocol_version version, enum sender sender,
                                 const struct dissect_options *options, const struct dissect_sink *sink);
typedef size_t to_buffer(struct bytes packet, enum protocol_version version, enum sender sender,
                         const struct dissect_options *options, char *buffer, size_t size);

struct subject {
    struct bytes bytes;
    struct fuzz_connection connection;
    struct dissect_options options;
};

struct text {
    char *characters;
    size_t length;
    size_t room;
};

static void append(void *context, const char *text, size_t length)
{
    struct text *into = context;
    REQUIRE(length > 0);
    if (into->length + length + 1 > into->room) {
        into->room = 2 * (into->length + length + 1);
        into->characters = realloc(into->characters, into->room);
        if (into->characters == NULL)
            exit(2);
    }
    memcpy(into->characters + into->length, text, length);
    into->length += length;
}

static struct text dissect(dissector *how, const struct subject *subject, struct bytes bytes,
                           struct verdict *verdict)
{
    struct text text = {NULL, 0, 0};
    const struct dissect_sink sink = {.text = append, .context = &text};
    *verdict = how(bytes, subject->connection.version, subject->connection.sender, &subject->options, &sink);
    REQUIRE(text.length > 0);
    return text;
}

static bool same_verdict(struct verdict first, struct verdict second)
{
    return first.refused == second.refused && first.offset == second.offset &&
           first.statement == second.statement && first.reason_code == second.reason_code &&
           first.what == second.what;
}

/* Fit for a terminal: an opinion of its own on UTF-8 and on controls. */

/* The character at the start of `rest`, and in `*size` its bytes; 0 is also what is ill-formed. */
static uint32_t character_at(const uint8_t *rest, size_t left, size_t *size)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const uint8_t first = rest[0];
    *size = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0x80)
        return first;
    if (first < 0xC0 || first > 0xF7 || *size > left)
        return 0;
    uint32_t character = first & (0x7FU >> *size);
    for (size_t i = 1; i < *size; i++) {
        if (rest[i] >> 6 != 2)
            return 0;
        character = character << 6 | (rest[i] & 0x3FU);
    }
    const bool legal =
        character >= least[*size] && character <= 0x10FFFF && (character < 0xD800 || character > 0xDFFF);
    return legal ? character : 0;
}

static bool is_harmless(uint32_t character)
{
    const bool control = character < 0x20 || (character >= 0x7F && character < 0xA0);
    const bool turns_text =
        (character >= 0x202A && character <= 0x202E) || (character >= 0x2066 && character <= 0x2069);
    const bool invisible = (character >= 0x200B && character <= 0x200F) || character == 0xFEFF ||
                           character == 0x2028 || character == 0x2029;
    return !control && !turns_text && !invisible;
}

static void check_characters(const struct text *text, bool newlines)
{
    for (size_t at = 0; at < text->length;) {
        size_t size;
        const uint32_t character =
            character_at((const uint8_t *)text->characters + at, text->length - at, &size);
        REQUIRE((newlines && character == '\n') || is_harmless(character));
        at += size;
    }
    REQUIRE((text->characters[text->length - 1] == '\n') == newlines);
}

/* What is left without the escape sequences of colour. */
static void remove_colour(struct text *text)
{
    size_t kept = 0;
    for (size_t at = 0; at < text->length; at++) {
        if (text->characters[at] != 0x1B) {
            text->characters[kept++] = text->characters[at];
            continue;
        }
        while (at < text->length && text->characters[at] != 'm')
            at++;
        REQUIRE(at < text->length);
    }
    text->length = kept;
}

static void require_same_text(const struct text *first, const struct text *second)
{
    REQUIRE(first->length == second->length &&
            memcmp(first->characters, second->characters, first->length) == 0);
}

static void check_colour(dissector *how, const struct subject *subject, const struct text *plain)
{
    struct subject coloured = *subject;
    struct verdict verdict;
    coloured.options.colour = true;
    struct text text = dissect(how, &coloured, subject->bytes, &verdict);
    remove_colour(&text);
    require_same_text(plain, &text);
    free(text.characters);
}

/* Into buffers of all sizes around a given one: the text's beginning, ended by a NUL. */
static void check_buffer(to_buffer *how, const struct subject *subject, const struct text *text, size_t size)
{
    const struct fuzz_connection *connection = &subject->connection;
    char *buffer = malloc(size + 1);
    if (buffer == NULL)
        exit(2);
    buffer[size] = 'x';
    const size_t length =
        how(subject->bytes, connection->version, connection->sender, &subject->options, buffer, size);
    REQUIRE(length == text->length && buffer[size] == 'x');
    if (size > 0) {
        const size_t written = strnlen(buffer, size);
        REQUIRE(written < size && memcmp(buffer, text->characters, written) == 0);
        REQUIRE(length >= size || written == length);
        REQUIRE(written == text->length || ((uint8_t)text->characters[written] & 0xC0) != 0x80);
    }
    free(buffer);
}

/* Also where the cut would go through a character. */
static void check_buffers(to_buffer *how, const struct subject *subject, const struct text *text, size_t size)
{
    check_buffer(how, subject, text, size);
    check_buffer(how, subject, text, text->length);
    check_buffer(how, subject, text, text->length + 1);
    for (size_t at = 0; at < text->length; at++) {
        if (((uint8_t)text->characters[at] & 0xC0) == 0x80) {
            check_buffer(how, subject, text, at + 1);
            return;
        }
    }
}

/* Secrets: with other bytes in their place, the text stays the same. */

struct secrets {
    struct bytes packet;
    uint8_t *changed; /* a copy of the packet with other secrets */
    size_t told;      /* bytes of the packet that the decoder has told of */
    bool any;
};

static void on_field(void *context, const struct decoded_field *field)
{
    struct secrets *secrets = context;
    if (field->offset + field->length > secrets->told)
        secrets->told = field->offset + field->length;
    const bool authentication_data = strcmp(field->name, "Authentication Data") == 0;
    const bool password = strcmp(field->name, "Password") == 0;
    if (!authentication_data && !password)
        return;
    for (size_t i = 0; i + 2 < field->length; i++) { /* behind its length */
        secrets->changed[field->offset + 2 + i] ^= 0x15;
        secrets->any = true;
    }
}

/* What was not decoded may hold a Password: who can say what the sender meant? */
static void change_untold(struct secrets *secrets, const struct verdict *verdict)
{
    const unsigned type = secrets->packet.data[0] >> 4;
    if (!verdict->refused || (type != PACKET_CONNECT && type != PACKET_CONNACK && type != PACKET_AUTH))
        return;
    for (size_t i = secrets->told; i < secrets->packet.length; i++) {
        if (i <= verdict->offset)
            continue;
        secrets->changed[i] ^= 0x15;
        secrets->any = true;
    }
}

static void check_secrets(dissector *how, const struct subject *subject, const struct text *text,
                          struct verdict verdict)
{
    const struct bytes copy = fuzz_exact_copy(subject->bytes);
    struct secrets secrets = {.packet = subject->bytes, .changed = (uint8_t *)(uintptr_t)copy.data};
    const struct decode_observer observer = {.field = on_field, .context = &secrets};
    struct packet packet;
    packet_decode(&packet, subject->connection.version, subject->connection.sender, subject->bytes,
                  &observer);
    change_untold(&secrets, &verdict);
    if (secrets.any) {
        struct verdict other;
        struct text changed = dissect(how, subject, copy, &other);
        if (same_verdict(verdict, other)) /* the change may have ended what was ill-formed elsewhere */
            require_same_text(text, &changed);
        else
            REQUIRE(verdict.refused);
        free(changed.characters);
    }
    fuzz_free(copy);
}

static void check_dissector(dissector *how, to_buffer *into, const struct subject *subject, bool newlines,
                            uint8_t size)
{
    struct packet packet;
    struct verdict verdict;
    const struct text text = dissect(how, subject, subject->bytes, &verdict);
    REQUIRE(same_verdict(verdict, packet_decode(&packet, subject->connection.version,
                                                subject->connection.sender, subject->bytes, NULL)));
    check_characters(&text, newlines);
    check_colour(how, subject, &text);
    check_buffers(into, subject, &text, size);
    if (subject->bytes.length > 0)
        check_secrets(how, subject, &text, verdict);
    free(text.characters);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t limits[] = {DISSECT_VALUE_LIMIT, 0, 1, 7};
    struct input input = {.at = data, .end = data + size};
    struct subject subject = {.connection = fuzz_connection_of(input_byte(&input))};
    const uint8_t options = input_byte(&input);
    subject.options = (struct dissect_options){.indent = options & 4 ? 3 : 0,
                                               .value_limit = limits[options & 3],
                                               .titles = (options & 8) != 0,
                                               .no_bytes = (options & 16) != 0};
    subject.bytes = fuzz_exact_copy(input_rest(&input));
    check_dissector(dissect_packet, dissect_to_buffer, &subject, true, options);
    check_dissector(dissect_summary, dissect_summary_to_buffer, &subject, false, options);
    fuzz_free(subject.bytes);
    return 0;
}
