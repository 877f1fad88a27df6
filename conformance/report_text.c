#include "report_text.h"

#include <stdlib.h>
#include <string.h>

#include "../src/mqtt/1_5_data_representation.h"
#include "result.h"

#define ESCAPED 4U /* characters of \xNN */

static bool is_control(unsigned char byte)
{
    return (byte < 0x20 && byte != '\t' && byte != '\n') || byte == 0x7F;
}

/* Bytes of a character that begins at `at` and must not be shown as it is. */
static size_t unprintable_length(const unsigned char *at)
{
    if (is_control(*at))
        return 1;
    if (at[0] == 0xC2 && at[1] >= 0x80 && at[1] <= 0x9F) /* controls of Latin 1 */
        return 2;
    return at[0] == 0xEF && at[1] == 0xBF && at[2] >= 0xBE ? 3 : 0;
}

static char *put_escaped(char *to, const unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to += sprintf(to, "\\x%02X", bytes[i]);
    return to;
}

/* `count` bytes of well-formed UTF-8. */
static char *put_good(char *to, const unsigned char *bytes, size_t count, bool printable)
{
    for (size_t i = 0; i < count;) {
        size_t hidden = printable ? unprintable_length(bytes + i) : 0;
        if (hidden == 0)
            *to++ = (char)bytes[i++];
        else {
            to = put_escaped(to, bytes + i, hidden);
            i += hidden;
        }
    }
    return to;
}

char *text_clean(const char *text, bool printable)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t left = strlen(text);
    char *clean = allocate(left * ESCAPED + 1, 1);
    char *to = clean;
    while (left > 0) {
        size_t bad = left;
        bool good = utf8_check(bytes_of(at, left), &bad) == UTF8_WELL_FORMED;
        size_t count = good ? left : bad;
        to = put_good(to, at, count, printable);
        if (!good)
            to = put_escaped(to, at + count++, 1);
        at += count;
        left -= count;
    }
    *to = '\0';
    return clean;
}

void text_put_json(FILE *out, const char *text)
{
    char *clean = text_clean(text, false);
    fputc('"', out);
    for (const char *at = clean; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte == '"' || byte == '\\')
            fprintf(out, "\\%c", byte);
        else if (byte < 0x20 || byte == 0x7F || byte == '<')
            fprintf(out, "\\u%04x", byte);
        else
            fputc(byte, out);
    }
    fputc('"', out);
    free(clean);
}

/* Writes the printable text; characters that `escapes` tells of as it says. */
static void put_replaced(FILE *out, const char *text, const char *(*escape)(char character))
{
    char *clean = text_clean(text, true);
    for (const char *at = clean; *at != '\0'; at++) {
        const char *replacement = escape(*at);
        if (replacement == NULL)
            fputc(*at, out);
        else
            fputs(replacement, out);
    }
    free(clean);
}

static const char *xml_escape(char character)
{
    switch (character) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;"; /* for the sake of "]]>" */
    case '"':
        return "&quot;";
    default:
        return NULL;
    }
}

void text_put_xml(FILE *out, const char *text)
{
    put_replaced(out, text, xml_escape);
}

static const char *attribute_escape(char character)
{
    switch (character) {
    case '\n':
        return "&#10;"; /* a reader would make a blank of it */
    case '\t':
        return "&#9;";
    default:
        return xml_escape(character);
    }
}

void text_put_xml_attribute(FILE *out, const char *text)
{
    put_replaced(out, text, attribute_escape);
}

static const char *markdown_escape(char character)
{
    switch (character) {
    case '\n':
        return " ";
    case '\t':
        return " ";
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '|':
        return "\\|";
    case '\\':
        return "\\\\";
    case '`':
        return "\\`";
    case '*':
        return "\\*";
    case '_':
        return "\\_";
    case '[':
        return "\\[";
    case ']':
        return "\\]";
    case '#':
        return "\\#";
    case '~':
        return "\\~";
    case '$':
        return "\\$";
    case '!':
        return "\\!";
    default:
        return NULL;
    }
}

void text_put_markdown(FILE *out, const char *text)
{
    put_replaced(out, text, markdown_escape);
}

static const char *tap_escape(char character)
{
    switch (character) {
    case '\n':
        return " ";
    case '\\':
        return "\\\\";
    case '#':
        return "\\#";
    default:
        return NULL;
    }
}

void text_put_tap(FILE *out, const char *text)
{
    put_replaced(out, text, tap_escape);
}
