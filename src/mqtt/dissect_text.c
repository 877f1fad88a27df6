/* dissect_text: how the dissector puts characters into a sink. Prefix: printer_ */
#include "dissect_text.h"

#include "../base/text.h"

struct printer printer_to(const struct dissect_sink *sink, const struct dissect_options *options)
{
    return (struct printer){.sink = sink, .options = options};
}

void printer_flush(struct printer *printer)
{
    if (printer->used > 0)
        printer->sink->text(printer->sink->context, printer->pending, printer->used);
    printer->used = 0;
}

static void put(struct printer *printer, char character)
{
    if (printer->used == sizeof printer->pending)
        printer_flush(printer);
    printer->pending[printer->used++] = character;
}

void printer_run(struct printer *printer, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        put(printer, text[i]);
        if (((uint8_t)text[i] & 0xC0) != 0x80) /* what continues a character of UTF-8 takes no column */
            printer->column++;
    }
}

void printer_text(struct printer *printer, const char *text)
{
    printer_run(printer, text, strlen(text));
}

void printer_number(struct printer *printer, uint64_t number)
{
    char digits[TEXT_DECIMAL_SIZE];
    printer_run(printer, digits, text_decimal(digits, number));
}

void printer_hex_byte(struct printer *printer, uint8_t byte)
{
    char digits[2];
    text_hex_byte(digits, byte);
    printer_run(printer, digits, sizeof digits);
}

void printer_count(struct printer *printer, uint64_t count, const char *unit)
{
    printer_number(printer, count);
    printer_text(printer, " ");
    printer_text(printer, unit);
    if (count != 1)
        printer_text(printer, "s");
}

void printer_hex_number(struct printer *printer, uint64_t number)
{
    unsigned shift = 0;
    while (shift < 56 && number >> shift > 0xFF)
        shift += 8;
    printer_text(printer, "0x");
    for (; shift > 0; shift -= 8)
        printer_hex_byte(printer, (uint8_t)(number >> shift));
    printer_hex_byte(printer, (uint8_t)number);
}

void printer_pad(struct printer *printer, size_t column)
{
    if (printer->column >= column && column > 0)
        printer_text(printer, "  ");
    while (printer->column < column)
        printer_text(printer, " ");
}

void printer_newline(struct printer *printer)
{
    put(printer, '\n');
    printer->column = 0;
}

void printer_wrapped(struct printer *printer, const char *text, size_t width)
{
    const size_t margin = printer->column;
    while (*text != '\0') {
        const size_t length = strcspn(text, " ");
        if (printer->column > margin && printer->column + 1 + length > width) {
            printer_newline(printer);
            printer_pad(printer, margin);
        } else if (printer->column > margin) {
            printer_text(printer, " ");
        }
        printer_run(printer, text, length);
        text += length;
        text += strspn(text, " ");
    }
}

void printer_colour(struct printer *printer, enum colour colour)
{
    static const char *const sequences[] = {
        [COLOUR_NONE] = "\x1b[0m",
        [COLOUR_DIM] = "\x1b[2m",
        [COLOUR_BYTES] = "\x1b[36m",
        [COLOUR_ERROR] = "\x1b[1;31m",
    };
    if (!printer->options->colour)
        return;
    for (const char *at = sequences[colour]; *at != '\0'; at++)
        put(printer, *at);
}

/* Strings of strangers */

/* Characters that a terminal obeys, that cannot be seen, or that turn the direction of text: the C1
 * controls, and what could make a line look like another. */
static const struct {
    uint32_t first, last;
} hidden_characters[] = {
    {0x0080, 0x009F}, {0x00AD, 0x00AD},   {0x034F, 0x034F},   {0x061C, 0x061C}, {0x115F, 0x1160},
    {0x17B4, 0x17B5}, {0x180B, 0x180F},   {0x200B, 0x200F},   {0x2028, 0x202E}, {0x2060, 0x206F},
    {0x3164, 0x3164}, {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFFB},
    {0xFFFE, 0xFFFF}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
};

static bool is_hidden(uint32_t character)
{
    for (size_t i = 0; i < sizeof hidden_characters / sizeof *hidden_characters; i++) {
        if (character >= hidden_characters[i].first && character <= hidden_characters[i].last)
            return true;
    }
    return false;
}

/* The code point of a well-formed sequence of two to four bytes. */
static uint32_t code_point(struct bytes sequence)
{
    uint32_t character = sequence.data[0] & (0x7FU >> sequence.length);
    for (size_t i = 1; i < sequence.length; i++)
        character = character << 6 | (sequence.data[i] & 0x3F);
    return character;
}

/* Bytes of the character at the start of `rest`, which is not empty; 1 if it is not well-formed. */
static size_t take_character(struct bytes rest, bool *printable)
{
    const uint8_t first = rest.data[0];
    *printable = false;
    if (first < 0x80) {
        *printable = first >= 0x20 && first != 0x7F;
        return 1;
    }
    const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    size_t bad;
    if (length > rest.length || utf8_check(bytes_of(rest.data, length), &bad) != UTF8_WELL_FORMED)
        return 1;
    *printable = !is_hidden(code_point(bytes_of(rest.data, length)));
    return length;
}

static void print_character(struct printer *printer, struct bytes character, bool printable)
{
    if (!printable) {
        for (size_t i = 0; i < character.length; i++) {
            printer_text(printer, "\\x");
            printer_hex_byte(printer, character.data[i]);
        }
        return;
    }
    if (character.data[0] == '"' || character.data[0] == '\\')
        printer_text(printer, "\\");
    printer_run(printer, (const char *)character.data, character.length);
}

/* How many bytes of `data` the limit lets through. */
static size_t shown_size(const struct printer *printer, struct bytes data)
{
    const size_t limit = printer->options->value_limit;
    return limit != 0 && data.length > limit ? limit : data.length;
}

/* In quotes, whole characters only; true if something was left out. */
static bool print_characters(struct printer *printer, struct bytes text)
{
    const size_t shown = shown_size(printer, text);
    size_t at = 0;
    printer_text(printer, "\"");
    while (at < shown) {
        bool printable;
        const size_t size = take_character(bytes_after(text, at), &printable);
        if (at + size > shown)
            break;
        print_character(printer, bytes_of(text.data + at, size), printable);
        at += size;
    }
    printer_text(printer, at < text.length ? "\"..." : "\"");
    return at < text.length;
}

void printer_quoted(struct printer *printer, struct bytes text)
{
    if (!print_characters(printer, text))
        return;
    printer_text(printer, " (");
    printer_count(printer, text.length, "byte");
    printer_text(printer, ")");
}

/* Whether the part that is shown reads as text: line ends and tabs may occur. */
static bool is_text(const struct printer *printer, struct bytes data)
{
    const size_t shown = shown_size(printer, data);
    for (size_t at = 0; at < shown;) {
        bool printable;
        const uint8_t first = data.data[at];
        at += take_character(bytes_after(data, at), &printable);
        if (!printable && first != '\n' && first != '\r' && first != '\t')
            return false;
    }
    return true;
}

void printer_binary(struct printer *printer, struct bytes data)
{
    printer_count(printer, data.length, "byte");
    if (data.length == 0)
        return;
    if (is_text(printer, data)) {
        printer_text(printer, " ");
        print_characters(printer, data);
        return;
    }
    const size_t shown = shown_size(printer, data);
    for (size_t i = 0; i < shown; i++) {
        printer_text(printer, " ");
        printer_hex_byte(printer, data.data[i]);
    }
    if (shown < data.length)
        printer_text(printer, " ...");
}

void printer_verdict(struct printer *printer, const struct verdict *verdict)
{
    printer_text(printer, "byte ");
    printer_number(printer, verdict->offset);
    printer_text(printer, ": ");
    printer_text(printer, verdict->what);
    if (verdict->statement != STATEMENT_NONE) {
        printer_text(printer, " [");
        printer_text(printer, statement_describe((enum statement)verdict->statement)->id);
        printer_text(printer, "]");
    }
    printer_text(printer, " ");
    printer_text(printer, reason_code_name(PACKET_DISCONNECT, verdict->reason_code));
    printer_text(printer, " (");
    printer_hex_number(printer, verdict->reason_code);
    printer_text(printer, ")");
}

bool dissect_is_cut_off(struct bytes packet, enum protocol_version version, size_t *promised)
{
    struct verdict verdict;
    const bool is_connect = packet.length > 0 && packet.data[0] >> 4 == PACKET_CONNECT;
    return packet_frame(packet, is_connect ? PROTOCOL_UNKNOWN : version, 0, promised, &verdict) ==
           FRAMING_INCOMPLETE;
}

void printer_cut_off(struct printer *printer, struct bytes packet, size_t promised)
{
    printer_text(printer, "incomplete: ");
    if (promised == 0) {
        printer_text(printer, "the packet ends within its fixed header");
        return;
    }
    const size_t missing = promised - packet.length;
    printer_count(printer, missing, "byte");
    printer_text(printer, missing == 1 ? " is" : " are");
    printer_text(printer, " missing; by its Remaining Length the packet has ");
    printer_number(printer, promised);
}

void dissect_text(struct bytes text, size_t limit, const struct dissect_sink *sink)
{
    const struct dissect_options options = {.value_limit = limit};
    struct printer printer = printer_to(sink, &options);
    printer_quoted(&printer, text);
    printer_flush(&printer);
}
