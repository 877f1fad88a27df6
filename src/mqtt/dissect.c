/* dissect: Control Packets explained to people, as a table. Prefix: dissect_ */
#include "dissect.h"

#include "dissect_text.h"

/* Columns, counted from the indent. */
#define BYTES_COLUMN 7U
#define BYTES_SHOWN 6U /* at most; two dots stand for the others */
#define BYTES_WIDTH (BYTES_SHOWN * 3U + 2U)
#define FIELD_COLUMN (BYTES_COLUMN + BYTES_WIDTH + 2U)
#define FIELD_COLUMN_WITHOUT_BYTES BYTES_COLUMN
#define FIELD_WIDTH 39U
#define VALUE_WIDTH 30U
#define TEXT_WIDTH 110U /* where explanations are wrapped */

/* The bytes that the last line of the table stands for, for the mark below it. */
struct row {
    size_t offset;
    size_t length;
    size_t shown; /* how many of them are visible, from the first on */
    bool hidden;  /* the others must not be shown */
};

struct table {
    struct printer printer;
    struct bytes packet;
    struct verdict verdict; /* known before the first line is written */
    size_t promised;        /* if it is cut off: see dissect_is_cut_off */
    bool cut_off;
    bool verdict_shown;
    struct row row;
    size_t properties_end; /* offset behind the property list that is being told */
    unsigned group_depth;  /* 1 below a heading */
    bool has_held;
    struct decoded_field held; /* not shown yet: see on_field */
};

/* The bits that have names, by their place in the byte. No two fields share a name. */
static const struct named_bits {
    const char *name;
    uint8_t mask;
} named_bits[] = {
    {"Flags", 0x0F},
    {"DUP", 0x08},
    {"QoS", 0x06},
    {"RETAIN", 0x01},
    {"User Name Flag", 0x80},
    {"Password Flag", 0x40},
    {"Will Retain", 0x20},
    {"Will QoS", 0x18},
    {"Will Flag", 0x04},
    {"Clean Start", 0x02},
    {"Clean Session", 0x02},
    {"Session Present", 0x01},
    {"Retain Handling", 0x30},
    {"Retain As Published", 0x08},
    {"No Local", 0x04},
    {"Maximum QoS", 0x03},
};

static uint8_t find_mask(const char *name)
{
    for (size_t i = 0; i < sizeof named_bits / sizeof *named_bits; i++) {
        if (strcmp(named_bits[i].name, name) == 0)
            return named_bits[i].mask;
    }
    return 0;
}

static size_t at_column(const struct table *table, size_t column)
{
    return table->printer.options->indent + column;
}

static size_t field_column(const struct table *table)
{
    const bool no_bytes = table->printer.options->no_bytes;
    return at_column(table, no_bytes ? FIELD_COLUMN_WITHOUT_BYTES : FIELD_COLUMN);
}

static size_t value_column(const struct table *table)
{
    return field_column(table) + FIELD_WIDTH;
}

/* The first two columns */

static void show_offset(struct table *table, size_t offset)
{
    size_t digits = 1;
    for (size_t rest = offset; rest >= 10; rest /= 10)
        digits++;
    printer_pad(&table->printer, at_column(table, 0));
    while (digits++ < BYTES_COLUMN - 2)
        printer_text(&table->printer, " ");
    printer_colour(&table->printer, COLOUR_DIM);
    printer_number(&table->printer, offset);
    printer_colour(&table->printer, COLOUR_NONE);
}

static void show_bytes(struct table *table)
{
    const struct row *row = &table->row;
    if (table->printer.options->no_bytes)
        return;
    printer_pad(&table->printer, at_column(table, BYTES_COLUMN));
    printer_colour(&table->printer, COLOUR_BYTES);
    for (size_t i = 0; i < row->shown; i++) {
        if (i > 0)
            printer_text(&table->printer, " ");
        printer_hex_byte(&table->printer, table->packet.data[row->offset + i]);
    }
    if (row->shown < row->length)
        printer_text(&table->printer, row->shown > 0 ? " .." : "..");
    printer_colour(&table->printer, COLOUR_NONE);
}

/* Begins the line of a run of bytes, `visible` of which may be shown. */
static void begin_row(struct table *table, size_t offset, size_t length, size_t visible)
{
    table->row = (struct row){.offset = offset,
                              .length = length,
                              .shown = visible < BYTES_SHOWN ? visible : BYTES_SHOWN,
                              .hidden = visible < length};
    show_offset(table, offset);
    show_bytes(table);
}

/* What is wrong */

/* Where the mark below the byte at `offset` stands. */
static size_t mark_column(const struct table *table, size_t offset)
{
    if (table->printer.options->no_bytes)
        return field_column(table);
    const size_t index = offset - table->row.offset;
    return at_column(table, BYTES_COLUMN + 3 * (index < table->row.shown ? index : table->row.shown));
}

/* If the bad byte is not among those that the last line shows: one more line with its neighbours. */
static void show_neighbours(struct table *table, size_t offset)
{
    const struct row row = table->row;
    if (table->printer.options->no_bytes || row.hidden || offset >= row.offset + row.length ||
        offset < row.offset + row.shown)
        return;
    const size_t end = row.offset + row.length;
    const size_t start = offset - 2;
    begin_row(table, start, end - start, end - start);
    printer_newline(&table->printer);
}

static void show_statement(struct table *table)
{
    const struct statement_description *statement =
        statement_describe((enum statement)table->verdict.statement);
    if (statement->gloss[0] == '\0')
        return;
    printer_pad(&table->printer, at_column(table, BYTES_COLUMN + 3));
    printer_text(&table->printer, "section ");
    printer_text(&table->printer, statement->section);
    printer_text(&table->printer, ": ");
    printer_wrapped(&table->printer, statement->gloss, at_column(table, TEXT_WIDTH));
    printer_newline(&table->printer);
}

static void show_verdict(struct table *table)
{
    if (!table->verdict.refused || table->verdict_shown)
        return;
    table->verdict_shown = true;
    show_neighbours(table, table->verdict.offset);
    printer_pad(&table->printer, mark_column(table, table->verdict.offset));
    printer_colour(&table->printer, COLOUR_ERROR);
    printer_text(&table->printer, "^^ ");
    if (table->cut_off)
        printer_cut_off(&table->printer, table->packet, table->promised);
    else
        printer_verdict(&table->printer, &table->verdict);
    printer_colour(&table->printer, COLOUR_NONE);
    printer_newline(&table->printer);
    if (!table->cut_off)
        show_statement(table);
}

/* Shows the verdict if the lines so far reach its byte. */
static void show_verdict_if_reached(struct table *table)
{
    if (table->verdict.offset < table->row.offset + table->row.length)
        show_verdict(table);
}

/* Fields */

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text);
    return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

/* Numbers that the specification writes in hexadecimal: Reason Codes and Property Identifiers. */
static bool is_hexadecimal(const struct decoded_field *field)
{
    return field->kind == FIELD_FLAGS || ends_with(field->name, " Code") || ends_with(field->name, " code") ||
           strcmp(field->name, "Identifier") == 0;
}

static void show_number(struct printer *printer, const struct decoded_field *field)
{
    if (is_hexadecimal(field))
        printer_hex_number(printer, field->number);
    else
        printer_number(printer, field->number);
    if (field->meaning == NULL)
        return;
    const bool is_unit = strcmp(field->meaning, "seconds") == 0 || strcmp(field->meaning, "bytes") == 0;
    printer_text(printer, is_unit ? " " : " (");
    printer_text(printer, field->meaning);
    printer_text(printer, is_unit ? "" : ")");
}

static void show_value(struct printer *printer, const struct decoded_field *field)
{
    switch (field->kind) {
    case FIELD_INTEGER:
    case FIELD_FLAGS:
        show_number(printer, field);
        break;
    case FIELD_TEXT:
        printer_quoted(printer, field->bytes);
        break;
    case FIELD_BINARY:
        printer_binary(printer, field->bytes);
        break;
    case FIELD_SECRET:
        printer_count(printer, field->bytes.length, "byte");
        printer_text(printer, ", not shown");
        break;
    case FIELD_HEADING:
        break;
    }
}

static bool is_number(const struct decoded_field *field)
{
    return field->kind == FIELD_INTEGER || field->kind == FIELD_FLAGS;
}

/* Some bits of the byte told before; an empty field that has a kind of its own is none. */
static bool is_part(const struct decoded_field *field)
{
    return field->length == 0 && is_number(field);
}

/* How deep the field stands below the headings: properties below their Property Length, a value below its
 * Identifier. */
static unsigned field_depth(struct table *table, const struct decoded_field *field)
{
    if (strcmp(field->name, "Property Length") == 0) {
        table->properties_end = field->offset + field->length + field->number;
        return table->group_depth;
    }
    if (field->offset < table->properties_end)
        return table->group_depth + (strcmp(field->name, "Identifier") == 0 ? 1 : 2);
    table->group_depth = 0;
    return 0;
}

/* ".... .1.. = ": where in the byte the bits stand. */
static void show_pattern(struct printer *printer, const struct decoded_field *field)
{
    const unsigned mask = find_mask(field->name);
    if (mask == 0)
        return;
    const uint64_t value = field->number << __builtin_ctz(mask);
    for (unsigned bit = 0x80; bit != 0; bit >>= 1) {
        printer_text(printer, (mask & bit) == 0 ? "." : (value & bit) == 0 ? "0" : "1");
        if (bit == 0x10)
            printer_text(printer, " ");
    }
    printer_text(printer, " = ");
}

static void show_name(struct table *table, const struct decoded_field *field, unsigned depth)
{
    struct printer *printer = &table->printer;
    printer_pad(printer, field_column(table) + 2 * depth);
    if (is_part(field))
        show_pattern(printer, field);
    printer_text(printer, field->name);
    if (!is_number(field) && field->meaning != NULL) { /* which half of a User Property */
        printer_text(printer, " ");
        printer_text(printer, field->meaning);
    }
}

static void end_row(struct table *table, const char *section)
{
    printer_pad(&table->printer, value_column(table) + VALUE_WIDTH);
    printer_colour(&table->printer, COLOUR_DIM);
    printer_text(&table->printer, section);
    printer_colour(&table->printer, COLOUR_NONE);
    printer_newline(&table->printer);
}

static void show_heading(struct table *table, const struct decoded_field *field)
{
    show_name(table, field, 0);
    end_row(table, field->section);
    table->group_depth = 1;
}

static void show_part(struct table *table, const struct decoded_field *field)
{
    show_name(table, field, 1);
    printer_pad(&table->printer, value_column(table));
    show_value(&table->printer, field);
    end_row(table, field->section);
}

static void show_field(struct table *table, const struct decoded_field *field)
{
    const size_t length_prefix = 2;
    const unsigned depth = field_depth(table, field);
    begin_row(table, field->offset, field->length,
              field->kind == FIELD_SECRET ? length_prefix : field->length);
    show_name(table, field, depth);
    printer_pad(&table->printer, value_column(table));
    show_value(&table->printer, field);
    end_row(table, field->section);
}

static void release_held(struct table *table)
{
    if (!table->has_held)
        return;
    table->has_held = false;
    show_verdict_if_reached(table);
    if (table->held.kind == FIELD_HEADING)
        show_heading(table, &table->held);
    else
        show_field(table, &table->held);
}

/* Every field is held back until the next one: PUBLISH tells of the bits of its first byte only after the
 * Remaining Length, and they belong below that byte. */
static void on_field(void *context, const struct decoded_field *field)
{
    struct table *table = context;
    if (!is_part(field)) {
        release_held(table);
        table->held = *field;
        table->has_held = true;
        return;
    }
    if (table->has_held && field->offset >= table->held.offset)
        release_held(table);
    show_part(table, field);
}

/* The whole table */

/* Whether bytes that were not understood may hold a Password or Authentication Data. */
static bool may_hold_secrets(struct bytes packet)
{
    const enum packet_type type = (enum packet_type)(packet.data[0] >> 4);
    return type == PACKET_CONNECT || type == PACKET_CONNACK || type == PACKET_AUTH;
}

/* The bytes behind the last field that was told. */
static void show_rest(struct table *table)
{
    const size_t told = table->row.offset + table->row.length;
    const size_t length = table->packet.length - told;
    if (length == 0)
        return;
    begin_row(table, told, length, may_hold_secrets(table->packet) ? 0 : length);
    printer_pad(&table->printer, field_column(table));
    printer_text(&table->printer, "not examined");
    printer_pad(&table->printer, value_column(table));
    printer_count(&table->printer, length, "byte");
    printer_newline(&table->printer);
}

static const char *version_text(enum protocol_version version)
{
    return version == PROTOCOL_5_0     ? "MQTT 5.0"
           : version == PROTOCOL_3_1_1 ? "MQTT 3.1.1"
           : version == PROTOCOL_3_1   ? "MQTT 3.1"
                                       : "unknown version of MQTT";
}

static void show_headline(struct table *table, enum protocol_version version, enum sender sender)
{
    struct printer *printer = &table->printer;
    const struct bytes packet = table->packet;
    printer_pad(printer, at_column(table, 0));
    printer_text(printer,
                 packet.length == 0 ? "Nothing" : packet_type_name((enum packet_type)(packet.data[0] >> 4)));
    printer_text(printer, sender == SENDER_CLIENT ? " from client, " : " from server, ");
    printer_text(printer, version_text(version));
    printer_text(printer, ", ");
    printer_count(printer, packet.length, "byte");
    printer_newline(printer);
}

static void show_titles(struct table *table)
{
    struct printer *printer = &table->printer;
    if (!printer->options->titles)
        return;
    printer_pad(printer, at_column(table, 0));
    printer_colour(printer, COLOUR_DIM);
    printer_text(printer, "offset");
    if (!printer->options->no_bytes) {
        printer_pad(printer, at_column(table, BYTES_COLUMN));
        printer_text(printer, "bytes");
    }
    printer_pad(printer, field_column(table));
    printer_text(printer, "field");
    printer_pad(printer, value_column(table));
    printer_text(printer, "value");
    printer_pad(printer, value_column(table) + VALUE_WIDTH);
    printer_text(printer, "section");
    printer_colour(printer, COLOUR_NONE);
    printer_newline(printer);
}

struct verdict dissect_packet(struct bytes packet, enum protocol_version version, enum sender sender,
                              const struct dissect_options *options, const struct dissect_sink *sink)
{
    const struct dissect_options defaults = dissect_defaults();
    struct packet decoded;
    const struct verdict verdict = packet_decode(&decoded, version, sender, packet, NULL);
    struct table table = {.printer = printer_to(sink, options == NULL ? &defaults : options),
                          .packet = packet,
                          .verdict = verdict};
    if (dissect_is_cut_off(packet, version, &table.promised)) {
        table.cut_off = true;
        table.verdict.offset = (uint32_t)packet.length; /* to be told at the end */
    }
    show_headline(&table, decoded.version, sender);
    show_titles(&table);

    /* Once more, now that it is known below which byte the verdict goes. */
    const struct decode_observer observer = {.field = on_field, .context = &table};
    packet_decode(&decoded, version, sender, packet, &observer);
    release_held(&table);
    show_verdict_if_reached(&table);
    show_rest(&table);
    show_verdict(&table);
    printer_flush(&table.printer);
    return verdict;
}

/* Into a buffer */

struct buffer {
    char *text;
    size_t size;
    size_t length; /* of everything, whether it fitted or not */
};

static void append(void *context, const char *text, size_t length)
{
    struct buffer *buffer = context;
    if (buffer->length < buffer->size) {
        const size_t room = buffer->size - buffer->length;
        memcpy(buffer->text + buffer->length, text, length < room ? length : room);
    }
    buffer->length += length;
}

/* Where text of which only `room` bytes fit is cut: behind a line, or else not within a character. */
static size_t cut_at(const char *text, size_t room)
{
    for (size_t at = room; at > 0; at--) {
        if (text[at - 1] == '\n')
            return at;
    }
    while (room > 0 && ((uint8_t)text[room] & 0xC0) == 0x80)
        room--;
    return room;
}

static size_t finish(struct buffer *buffer)
{
    if (buffer->size > 0) {
        const bool fits = buffer->length < buffer->size;
        buffer->text[fits ? buffer->length : cut_at(buffer->text, buffer->size - 1)] = '\0';
    }
    return buffer->length;
}

size_t dissect_to_buffer(struct bytes packet, enum protocol_version version, enum sender sender,
                         const struct dissect_options *options, char *buffer, size_t size)
{
    struct buffer into = {.text = buffer, .size = size};
    const struct dissect_sink sink = {.text = append, .context = &into};
    dissect_packet(packet, version, sender, options, &sink);
    return finish(&into);
}

size_t dissect_summary_to_buffer(struct bytes packet, enum protocol_version version, enum sender sender,
                                 const struct dissect_options *options, char *buffer, size_t size)
{
    struct buffer into = {.text = buffer, .size = size};
    const struct dissect_sink sink = {.text = append, .context = &into};
    dissect_summary(packet, version, sender, options, &sink);
    return finish(&into);
}

/* Streams */

struct bytes dissect_next(struct bytes *stream, enum protocol_version *version)
{
    struct bytes packet = *stream;
    uint32_t remaining;
    size_t size = 0;
    if (packet.length == 0)
        return packet;
    const enum variable_byte_integer_finding found =
        variable_byte_integer_scan(bytes_after(packet, 1), &remaining, &size);
    if ((found == INTEGER_COMPLETE || found == INTEGER_NOT_MINIMAL) && packet.length - 1 - size > remaining)
        packet.length = 1 + size + remaining;
    *stream = bytes_after(*stream, packet.length);

    struct packet decoded;
    if (packet.data[0] >> 4 == PACKET_CONNECT) {
        packet_decode(&decoded, *version, SENDER_CLIENT, packet, NULL);
        if (decoded.version != PROTOCOL_UNKNOWN)
            *version = decoded.version;
    }
    return packet;
}
