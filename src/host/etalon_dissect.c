/* etalon-dissect: explains MQTT Control Packets given in hexadecimal or as raw bytes. See docs/DISSECT.md. */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../mqtt/dissect.h"

enum { EXIT_WELL_FORMED = 0, EXIT_MALFORMED = 1, EXIT_USAGE = 2 };

enum colour_choice { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

struct settings {
    struct dissect_options table;
    enum protocol_version version;
    bool sender_given;
    enum sender sender;
    enum colour_choice colour;
    bool raw;
    bool summary;
};

/* The packets, as they are gathered. */
struct input {
    uint8_t *data;
    size_t length;
    size_t capacity;
};

/* A program of one pass: whatever is wrong ends it. */
static _Noreturn void fail(const char *message, const char *detail)
{
    fprintf(stderr, "etalon-dissect: %s%s%s\n", message, detail == NULL ? "" : ": ",
            detail == NULL ? "" : detail);
    exit(EXIT_USAGE);
}

static void make_room(struct input *input, size_t count)
{
    if (input->capacity - input->length >= count)
        return;
    const size_t capacity = 2 * input->capacity + count;
    uint8_t *data = realloc(input->data, capacity);
    if (data == NULL)
        fail("out of memory", NULL);
    input->data = data;
    input->capacity = capacity;
}

static void add_byte(struct input *input, uint8_t byte)
{
    make_room(input, 1);
    input->data[input->length++] = byte;
}

/* Hexadecimal text */

/* Where in the input the reader stands, for complaints. */
struct place {
    const char *unit; /* "argument" or "line" */
    size_t number;
};

struct hex_reader {
    struct input *input;
    struct place place;
    bool offsets; /* an earlier line began with an offset: this is a dump */
};

static _Noreturn void fail_at(const struct place *place, size_t index, const char *what, const char *text,
                              size_t length)
{
    fprintf(stderr, "etalon-dissect: %s %zu, character %zu: ", place->unit, place->number, index + 1);
    for (size_t i = 0; i < length && i < 20; i++) {
        if (isprint((unsigned char)text[i]))
            fputc(text[i], stderr);
        else
            fprintf(stderr, "\\x%02x", (unsigned)(unsigned char)text[i]);
    }
    fprintf(stderr, "%s: %s\n", length > 20 ? "..." : "", what);
    exit(EXIT_USAGE);
}

static bool is_blank(char character)
{
    return character == ' ' || character == '\t' || character == '\r';
}

static bool is_hex(char character)
{
    return isxdigit((unsigned char)character) != 0;
}

static uint8_t digit_value(char digit)
{
    const int lower = tolower((unsigned char)digit);
    return (uint8_t)(lower <= '9' ? lower - '0' : lower - 'a' + 10);
}

static size_t count_digits(const char *text, const char *end)
{
    size_t count = 0;
    while (text + count < end && is_hex(text[count]))
        count++;
    return count;
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && is_blank(*at))
        at++;
    return at;
}

/* Whether "0x" or "\x" stands here. */
static bool has_prefix(const char *at, const char *end)
{
    return end - at > 2 && (at[0] == '0' || at[0] == '\\') && (at[1] == 'x' || at[1] == 'X') && is_hex(at[2]);
}

/* The end of the bytes in a line of a dump: where the column of characters begins. */
static const char *before_gutter(const char *at, const char *end, char mark)
{
    for (const char *here = at; here < end; here++) {
        if (mark == '\0' ? end - here > 1 && is_blank(here[0]) && is_blank(here[1]) : *here == mark)
            return here;
    }
    return end;
}

/* Passes over the offset at the start of a line of a dump, and cuts off the characters at its end:
 *     "00000010: 1234 5678  ..xV"      xxd, tcpdump
 *     "00000010  12 34 56  |..V|"      hexdump -C; the last line has the offset only
 *     "0000020 12 34 56  >.4V<"        od, with six digits or seven; without characters only seven are safe */
static const char *skip_offset(struct hex_reader *reader, const char *line, const char **end)
{
    const char *digits = has_prefix(line, *end) ? line + 2 : line;
    const size_t count = count_digits(digits, *end);
    const char *after = digits + count;
    const bool alone = after == *end;
    if (count >= 4 && after < *end && *after == ':' && (after + 1 == *end || is_blank(after[1]))) {
        after = skip_blanks(after + 1, *end);
        *end = before_gutter(after, *end, '\0');
    } else if (count >= 8 && *end - after > 1 && is_blank(after[0]) && is_blank(after[1]) &&
               before_gutter(after, *end, '|') < *end) {
        *end = before_gutter(after, *end, '|');
    } else if (!alone && is_blank(*after) &&
               (count == 7 || (count == 6 && before_gutter(after, *end, '>') < *end))) {
        *end = before_gutter(after, *end, '>');
    } else if (!(count >= 6 && alone && reader->offsets)) {
        return line;
    }
    reader->offsets = true;
    return after;
}

/* Reads digits that stand together: one digit alone, or pairs. */
static const char *read_group(struct hex_reader *reader, const char *line, const char *at, const char *end)
{
    const char *digits = has_prefix(at, end) ? at + 2 : at;
    const size_t count = count_digits(digits, end);
    const size_t index = (size_t)(at - line);
    if (count == 0)
        fail_at(&reader->place, index, "not a hexadecimal digit", at, 1);
    if (count > 1 && count % 2 != 0)
        fail_at(&reader->place, index, "odd number of digits", digits, count);
    if (count == 1)
        add_byte(reader->input, digit_value(digits[0]));
    for (size_t i = 0; i + 1 < count; i += 2)
        add_byte(reader->input, (uint8_t)(digit_value(digits[i]) << 4 | digit_value(digits[i + 1])));
    return digits + count;
}

/* Separators may stand anywhere between groups; the rest of a line behind a # is a comment. */
static void read_hex_line(struct hex_reader *reader, const char *line, const char *end)
{
    const char *comment = memchr(line, '#', (size_t)(end - line));
    const char *start = skip_blanks(line, end);
    const char *stop = end;
    const char *at = skip_offset(reader, start, &stop);
    if (at == start) /* not a dump, whose characters may include the sign */
        stop = comment == NULL ? end : comment;
    while (at < stop) {
        if (strchr(" \t\r\v\f,:;-_{}[]()\"'", *at) != NULL && *at != '\0')
            at++;
        else
            at = read_group(reader, line, at, stop);
    }
}

/* Lines of one text; `place` counts arguments, in which there is usually one line only, or lines. */
static void read_hex_text(struct hex_reader *reader, const char *text, size_t length, bool count_lines)
{
    const char *end = text + length;
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *line_end = newline == NULL ? end : newline;
        if (line_end > text)
            read_hex_line(reader, text, line_end);
        text = newline == NULL ? end : newline + 1;
        reader->place.number += count_lines;
    }
}

/* Sources */

static void read_all(FILE *file, struct input *input)
{
    size_t count;
    do {
        make_room(input, 65536);
        count = fread(input->data + input->length, 1, 65536, file);
        input->length += count;
    } while (count > 0);
    if (ferror(file))
        fail("cannot read standard input", strerror(errno));
}

static void read_standard_input(struct input *input, bool raw)
{
    if (raw) {
        read_all(stdin, input);
        return;
    }
    if (isatty(STDIN_FILENO))
        fprintf(stderr, "etalon-dissect: reading hexadecimal digits from the terminal; end with Ctrl-D\n");
    struct input text = {0};
    read_all(stdin, &text);
    struct hex_reader reader = {.input = input, .place = {"line", 1}};
    read_hex_text(&reader, (const char *)text.data, text.length, true);
    free(text.data);
}

static void read_arguments(struct input *input, char **arguments)
{
    struct hex_reader reader = {.input = input, .place = {"argument", 1}};
    for (; *arguments != NULL; arguments++, reader.place.number++)
        read_hex_text(&reader, *arguments, strlen(*arguments), false);
}

/* Who sent it */

/* The types that only one side sends, table 2-1. DISCONNECT became mutual with MQTT 5.0. */
static bool only_from_server(enum packet_type type)
{
    return type == PACKET_CONNACK || type == PACKET_SUBACK || type == PACKET_UNSUBACK ||
           type == PACKET_PINGRESP;
}

static enum sender find_sender(const struct settings *settings, struct bytes packet)
{
    if (settings->sender_given)
        return settings->sender;
    return only_from_server((enum packet_type)(packet.data[0] >> 4)) ? SENDER_SERVER : SENDER_CLIENT;
}

/* The sender was a guess: if the packet is well-formed as one of the other side, say so. */
static void hint_at_sender(const struct settings *settings, struct bytes packet,
                           enum protocol_version version, enum sender sender)
{
    struct packet decoded;
    if (settings->sender_given || sender == SENDER_SERVER ||
        packet_decode(&decoded, version, SENDER_SERVER, packet, NULL).refused)
        return;
    puts("Sent by a server this packet would be well-formed: see --from server.");
}

/* Output */

static void to_stdout(void *context, const char *text, size_t length)
{
    (void)context;
    fwrite(text, 1, length, stdout);
}

static bool want_colour(enum colour_choice choice)
{
    if (choice != COLOUR_AUTO)
        return choice == COLOUR_ALWAYS;
    const char *no_colour = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) && (no_colour == NULL || no_colour[0] == '\0') &&
           (terminal == NULL || strcmp(terminal, "dumb") != 0);
}

/* Whether the packet was accepted. */
static bool show_packet(const struct settings *settings, struct bytes packet, enum protocol_version version)
{
    const struct dissect_sink sink = {.text = to_stdout};
    const enum sender sender = find_sender(settings, packet);
    const struct verdict verdict = settings->summary
                                       ? dissect_summary(packet, version, sender, &settings->table, &sink)
                                       : dissect_packet(packet, version, sender, &settings->table, &sink);
    if (settings->summary)
        puts("");
    if (verdict.refused)
        hint_at_sender(settings, packet, version, sender);
    return !verdict.refused;
}

static int show_stream(struct settings *settings, struct bytes stream)
{
    bool well_formed = true;
    bool first = true;
    settings->table.titles = true;
    while (stream.length > 0) {
        if (!first && !settings->summary)
            puts("");
        const struct bytes packet = dissect_next(&stream, &settings->version);
        well_formed = show_packet(settings, packet, settings->version) && well_formed;
        settings->table.titles = false;
        first = false;
    }
    return well_formed ? EXIT_WELL_FORMED : EXIT_MALFORMED;
}

/* The command line */

static const char help_text[] =
    "usage: etalon-dissect [options] [HEX ...]\n"
    "\n"
    "Explains MQTT Control Packets, one after the other: every field with its offset, its bytes, its value "
    "and\n"
    "the section of MQTT 5.0 that describes it; and what is wrong, at the byte where it is wrong.\n"
    "\n"
    "HEX is hexadecimal digits in any grouping: 100d0004, 10 0d 00 04, 0x10,0x0d, 10:0d:00:04. Without HEX "
    "the\n"
    "digits are read from standard input, where the output of xxd, hexdump -C and od -t x1 is understood, "
    "too.\n"
    "\n"
    "  -V, --protocol VERSION   3.1, 3.1.1 or 5.0, until a CONNECT tells its own (default: 5.0)\n"
    "  -f, --from SIDE          client or server (default: by the type of the packet, else client)\n"
    "  -r, --raw                standard input holds the packets themselves\n"
    "  -s, --summary            one line for each packet\n"
    "  -l, --limit N            show at most N bytes of a value; 0: all of them (default: 48)\n"
    "      --no-bytes           without the column of bytes\n"
    "      --color WHEN         auto, always or never (default: auto; NO_COLOR in the environment is "
    "heeded)\n"
    "  -h, --help               this text\n"
    "      --version            the version of this program\n"
    "\n"
    "Passwords and Authentication Data are never shown.\n"
    "Exit status: 0 if all packets are well-formed, 1 if one is malformed or incomplete, 2 for wrong "
    "usage.\n";

enum { OPTION_COLOUR = 256, OPTION_NO_BYTES, OPTION_VERSION };

static const struct option long_options[] = {
    {"protocol", required_argument, NULL, 'V'},
    {"from", required_argument, NULL, 'f'},
    {"raw", no_argument, NULL, 'r'},
    {"summary", no_argument, NULL, 's'},
    {"limit", required_argument, NULL, 'l'},
    {"no-bytes", no_argument, NULL, OPTION_NO_BYTES},
    {"color", required_argument, NULL, OPTION_COLOUR},
    {"colour", required_argument, NULL, OPTION_COLOUR},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

struct choice {
    const char *word;
    int value;
};
static const struct choice versions[] = {{"3.1", PROTOCOL_3_1},        {"3.1.1", PROTOCOL_3_1_1},
                                         {"5.0", PROTOCOL_5_0},        {"mqttv31", PROTOCOL_3_1},
                                         {"311", PROTOCOL_3_1_1},      {"31", PROTOCOL_3_1},
                                         {"mqttv311", PROTOCOL_3_1_1}, {"5", PROTOCOL_5_0},
                                         {"mqttv5", PROTOCOL_5_0},     {NULL, 0}};
static const struct choice senders[] = {{"client", SENDER_CLIENT}, {"server", SENDER_SERVER}, {NULL, 0}};
static const struct choice colours[] = {
    {"auto", COLOUR_AUTO}, {"always", COLOUR_ALWAYS}, {"never", COLOUR_NEVER}, {NULL, 0}};

static int choose(const struct choice *choices, const char *word, const char *complaint)
{
    for (; choices->word != NULL; choices++) {
        if (strcmp(choices->word, word) == 0)
            return choices->value;
    }
    fail(complaint, word);
}

static size_t parse_limit(const char *text)
{
    char *end;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || errno != 0 || value > SIZE_MAX)
        fail("--limit needs a number of bytes", text);
    return (size_t)value;
}

static _Noreturn void print_and_exit(const char *text)
{
    fputs(text, stdout);
    exit(fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_USAGE);
}

static void apply_option(struct settings *settings, int option, const char *value)
{
    switch (option) {
    case 'V':
        settings->version =
            (enum protocol_version)choose(versions, value, "--protocol needs 3.1, 3.1.1 or 5.0");
        break;
    case 'f':
        settings->sender = (enum sender)choose(senders, value, "--from needs client or server");
        settings->sender_given = true;
        break;
    case 'r':
        settings->raw = true;
        break;
    case 's':
        settings->summary = true;
        break;
    case 'l':
        settings->table.value_limit = parse_limit(value);
        break;
    case OPTION_NO_BYTES:
        settings->table.no_bytes = true;
        break;
    case OPTION_COLOUR:
        settings->colour = (enum colour_choice)choose(colours, value, "--color needs auto, always or never");
        break;
    case 'h':
        print_and_exit(help_text);
    case OPTION_VERSION:
        print_and_exit("etalon-dissect " ETALON_VERSION "\n");
    default:
        fail("see etalon-dissect --help", NULL);
    }
}

int main(int count, char **arguments)
{
    struct settings settings = {.table = dissect_defaults(), .version = PROTOCOL_5_0};
    int option;
    while ((option = getopt_long(count, arguments, "V:f:rsl:h", long_options, NULL)) != -1)
        apply_option(&settings, option, optarg);
    settings.table.colour = want_colour(settings.colour);
    if (settings.raw && arguments[optind] != NULL)
        fail("--raw reads standard input and takes no hexadecimal digits", arguments[optind]);

    struct input input = {0};
    if (arguments[optind] != NULL)
        read_arguments(&input, arguments + optind);
    else
        read_standard_input(&input, settings.raw);
    if (input.length == 0)
        fail("no bytes given; see etalon-dissect --help", NULL);

    const int status = show_stream(&settings, bytes_of(input.data, input.length));
    free(input.data);
    if (fflush(stdout) != 0 || ferror(stdout))
        fail("cannot write", strerror(errno));
    return status;
}
