/* text_file: a file of lines that the user has written, read whole. Prefix: text_file_ / text_
 *
 * For the files that the configuration names (passwords, access rules). The readers themselves work on text
 * in memory; they tell mistakes to a text_sink and go on, so that the user sees all of them. */
#ifndef ETALON_HOST_TEXT_FILE_H
#define ETALON_HOST_TEXT_FILE_H

#include "../base/bytes.h"

enum {
    TEXT_FILE_LARGEST =
        256 << 20, /* bytes; far more than a million users, and /dev/zero shall not fill the memory */
    TEXT_MOST_MISTAKES = 100 /* then the rest is not read: the file is something else */
};

/* Where mistakes are told. `line` counts from 1; 0: the file as a whole. The text lives during the call. It
 * never holds anything that might be a password. */
struct text_sink {
    void *context;
    void (*mistake)(void *context, size_t line, const char *text);
};

/* Reads the file called `name`. Returns its bytes, to be freed by text_file_free, and their number; NULL:
 * `sink` was told why not. */
char *text_file_read(const char *name, size_t *length, const struct text_sink *sink);

/* Wipes and frees. NULL is fine. */
void text_file_free(char *bytes, size_t length);

/* Lines of a text, one after the other, without their ends (LF or CR LF). */
struct text_lines {
    struct bytes rest;
    size_t number; /* of the line taken last, from 1 */
};

static inline struct text_lines text_lines_of(struct bytes text)
{
    /* What some editors put in front of UTF-8 belongs to no line. */
    if (text.length >= 3 && memcmp(text.data, "\xEF\xBB\xBF", 3) == 0)
        text = bytes_after(text, 3);
    return (struct text_lines){.rest = text};
}

/* False: there was none left. */
static inline bool text_next_line(struct text_lines *lines, struct bytes *line)
{
    if (lines->rest.length == 0)
        return false;
    const uint8_t *end = memchr(lines->rest.data, '\n', lines->rest.length);
    const size_t length = end ? (size_t)(end - lines->rest.data) : lines->rest.length;
    *line = bytes_of(lines->rest.data, length);
    lines->rest = bytes_after(lines->rest, end ? length + 1 : length);
    lines->number++;
    if (length > 0 && line->data[length - 1] == '\r')
        line->length--;
    return true;
}

#endif
