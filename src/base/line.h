/* line: a short text put together piece by piece in a buffer of its own, cut off when it is full. For log
 * lines and Reason Strings; strings of strangers go through line_stranger, which lets nothing through that a
 * terminal or a log reader could be fooled with. */
#ifndef ETALON_BASE_LINE_H
#define ETALON_BASE_LINE_H

#include "bytes.h"
#include "text.h"

struct line {
    size_t length;
    char text[320]; /* always ended by a NUL */
};

static inline void line_bytes(struct line *line, const char *bytes, size_t length)
{
    const size_t room = sizeof line->text - 1 - line->length;
    const size_t count = length < room ? length : room;
    memcpy(line->text + line->length, bytes, count);
    line->length += count;
    line->text[line->length] = '\0';
}

static inline void line_text(struct line *line, const char *text)
{
    line_bytes(line, text, strlen(text));
}

static inline void line_number(struct line *line, uint64_t number)
{
    char digits[TEXT_DECIMAL_SIZE];
    line_bytes(line, digits, text_decimal(digits, number));
}

static inline void line_hex_byte(struct line *line, uint8_t value)
{
    char digits[2];
    text_hex_byte(digits, value);
    line_bytes(line, digits, sizeof digits);
}

/* A string that somebody else chose: what is not printable ASCII appears as \xNN, at most 64 bytes of it. */
static inline void line_stranger(struct line *line, struct bytes string)
{
    for (size_t i = 0; i < string.length && i < 64; i++) {
        const char character = (char)string.data[i];
        if (character >= ' ' && character < 0x7F && character != '\\') {
            line_bytes(line, &character, 1);
        } else {
            line_text(line, "\\x");
            line_hex_byte(line, string.data[i]);
        }
    }
    if (string.length > 64)
        line_text(line, "...");
}

#endif
