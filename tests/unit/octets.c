/* octets: literal bytes in a readable notation, see support.h. Prefix: octets_
 *
 * No ck_assert in here: Check reports each one to the parent process, passed or not, and these functions
 * run by the hundred thousand. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include "support.h"

/* The notation is read once to write the bytes into a growing block; what a bracket encloses is written
 * first and moved to make room for its length when the bracket closes. */
struct reader {
    const char *at;
    uint8_t *data;
    size_t length;
    size_t capacity;
};

static void put(struct reader *reader, uint8_t byte)
{
    if (reader->length == reader->capacity) {
        reader->capacity = reader->capacity * 2 + 64;
        reader->data = realloc(reader->data, reader->capacity);
        if (reader->data == NULL)
            ck_abort_msg("out of memory");
    }
    reader->data[reader->length++] = byte;
}

static void insert(struct reader *reader, size_t where, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put(reader, 0);
    memmove(reader->data + where + count, reader->data + where, reader->length - where - count);
    memcpy(reader->data + where, bytes, count);
}

static void insert_string_length(struct reader *reader, size_t where)
{
    const size_t length = reader->length - where;
    if (length > 65535)
        ck_abort_msg("a string of %zu bytes", length);
    insert(reader, where, (const uint8_t[]){(uint8_t)(length >> 8), (uint8_t)length}, 2);
}

/* By division, as section 1.5.5 puts it; the codec shifts. */
static void insert_variable_length(struct reader *reader, size_t where)
{
    size_t rest = reader->length - where;
    uint8_t bytes[8];
    size_t count = 0;
    do {
        bytes[count] = (uint8_t)(rest % 128);
        rest /= 128;
        bytes[count] = (uint8_t)(bytes[count] + (rest > 0 ? 128 : 0));
        count++;
    } while (rest > 0);
    insert(reader, where, bytes, count);
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void read_octet(struct reader *reader)
{
    const int high = digit(reader->at[0]);
    const int low = high < 0 ? -1 : digit(reader->at[1]);
    if (low < 0)
        ck_abort_msg("not a byte: %s", reader->at);
    const uint8_t byte = (uint8_t)(high * 16 + low);
    reader->at += 2;
    unsigned long times = 1;
    if (*reader->at == '*') {
        char *end;
        times = strtoul(reader->at + 1, &end, 10);
        reader->at = end;
    }
    while (times-- > 0)
        put(reader, byte);
}

static void read_until(struct reader *reader, char end);

static void read_bracket(struct reader *reader)
{
    const char open = *reader->at++;
    const size_t where = reader->length;
    read_until(reader, open == '<' ? '>' : ']');
    reader->at++;
    if (open == '<')
        insert_string_length(reader, where);
    else
        insert_variable_length(reader, where);
}

static void read_text(struct reader *reader)
{
    for (reader->at++; *reader->at != '\''; reader->at++) {
        if (*reader->at == '\0')
            ck_abort_msg("text without an end");
        put(reader, (uint8_t)*reader->at);
    }
    reader->at++;
}

static void read_until(struct reader *reader, char end)
{
    while (*reader->at != end) {
        if (*reader->at == '\0')
            ck_abort_msg("a bracket is not closed");
        if (*reader->at == '<' || *reader->at == '[')
            read_bracket(reader);
        else if (*reader->at == '\'')
            read_text(reader);
        else if (isspace((unsigned char)*reader->at))
            reader->at++;
        else
            read_octet(reader);
    }
}

uint8_t *octets_room(size_t size)
{
    uint8_t *room = malloc(size == 0 ? 1 : size);
    if (room == NULL)
        ck_abort_msg("out of memory");
    return room;
}

struct bytes octets(const char *notation)
{
    struct reader reader = {.at = notation};
    read_until(&reader, '\0');
    uint8_t *exact = octets_room(reader.length);
    if (reader.length > 0)
        memcpy(exact, reader.data, reader.length);
    free(reader.data);
    return bytes_of(exact, reader.length);
}

void octets_free(struct bytes octets)
{
    free((void *)(uintptr_t)octets.data);
}

void octets_print(char *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(text, NOTATION_SIZE, format, arguments);
    va_end(arguments);
    if (length < 0 || length >= NOTATION_SIZE)
        ck_abort_msg("too long: %s", text);
}
