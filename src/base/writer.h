/* writer: appends bytes to a buffer of fixed size and remembers whether everything fitted.
 * Writers of packets compute the size first, so an overflow is a bug of ours, never of the input. */
#ifndef ETALON_BASE_WRITER_H
#define ETALON_BASE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "bytes.h"

struct writer {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    bool overflow; /* sticky: something did not fit, and nothing was written since */
};

/* A writer into `capacity` bytes at `buffer`, which the caller keeps. */
static inline struct writer writer_into(void *buffer, size_t capacity)
{
    uint8_t *bytes = buffer;
    return (struct writer){.start = bytes, .at = bytes, .end = bytes + capacity, .overflow = false};
}

/* Bytes written so far. */
static inline size_t writer_size(const struct writer *writer)
{
    return (size_t)(writer->at - writer->start);
}

/* Appends `count` bytes, or sets `overflow` and appends nothing. */
static inline void write_raw(struct writer *writer, const void *data, size_t count)
{
    if (writer->overflow || (size_t)(writer->end - writer->at) < count) {
        writer->overflow = true;
        return;
    }
    if (count > 0)
        memcpy(writer->at, data, count);
    writer->at += count;
}

/* Appends one byte. */
static inline void write_byte(struct writer *writer, uint8_t value)
{
    write_raw(writer, &value, 1);
}

#endif
