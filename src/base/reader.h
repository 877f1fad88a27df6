/* reader: takes values off the front of a run of bytes and remembers whether there were enough: the other end
 * of writer. The bytes are trusted with nothing; what is read behind the end is 0, and `short_of` says so
 * once for all. */
#ifndef ETALON_BASE_READER_H
#define ETALON_BASE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool short_of; /* sticky: something was asked for that was not there */
};

/* A reader of `bytes`, which must outlive what is taken from it. */
static inline struct reader reader_of(struct bytes bytes)
{
    return (struct reader){.at = bytes.data, .end = bytes.length ? bytes.data + bytes.length : bytes.data};
}

/* Bytes not taken yet. */
static inline size_t reader_left(const struct reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

/* Whether everything was there and nothing is left over. */
static inline bool reader_complete(const struct reader *reader)
{
    return !reader->short_of && reader->at == reader->end;
}

/* Takes `count` bytes; none when there are fewer. */
static inline struct bytes reader_take(struct reader *reader, size_t count)
{
    if (reader_left(reader) < count) {
        reader->short_of = true;
        reader->at = reader->end;
        return bytes_of(NULL, 0);
    }
    const struct bytes taken = bytes_of(reader->at, count);
    if (count > 0)
        reader->at += count;
    return taken;
}

/* Takes all that is left. */
static inline struct bytes reader_rest(struct reader *reader)
{
    return reader_take(reader, reader_left(reader));
}

/* Takes a big-endian integer of `size` bytes, 1 to 8; 0 when there are fewer. */
static inline uint64_t reader_integer(struct reader *reader, size_t size)
{
    const struct bytes taken = reader_take(reader, size);
    uint64_t value = 0;
    for (size_t i = 0; i < taken.length; i++)
        value = value << 8 | taken.data[i];
    return value;
}

#endif
