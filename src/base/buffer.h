/* buffer: bytes that come in at the end and go out at the front. Prefix: buffer_
 *
 *   bytes ▶ |  gone  | start ... end |  room  |
 *
 * Grows by doubling; gives its memory back when asked. */
#ifndef ETALON_BASE_BUFFER_H
#define ETALON_BASE_BUFFER_H

#include "bytes.h"

/* Zero-initialised means empty. */
struct buffer {
    uint8_t *bytes; /* owned */
    size_t start;
    size_t end;
    size_t capacity;
};

/* What is in it; valid until the buffer is changed. */
static inline struct bytes buffer_all(const struct buffer *buffer)
{
    return bytes_of(buffer->end == buffer->start ? NULL : buffer->bytes + buffer->start,
                    buffer->end - buffer->start);
}

/* Room for `size` bytes at the end, to be filled and then confirmed with buffer_grew. NULL: no memory, nothing
 * has changed. */
uint8_t *buffer_room(struct buffer *buffer, size_t size);

/* `count` bytes of the room were filled. */
static inline void buffer_grew(struct buffer *buffer, size_t count)
{
    buffer->end += count;
}

/* Appends a copy. False: no memory, nothing has changed. */
bool buffer_append(struct buffer *buffer, struct bytes bytes);

/* Takes `count` bytes off the front. */
void buffer_take(struct buffer *buffer, size_t count);

/* Empties it; keeps the memory. */
static inline void buffer_clear(struct buffer *buffer)
{
    buffer->start = buffer->end = 0;
}

/* Gives the memory back. */
void buffer_free(struct buffer *buffer);

#endif
