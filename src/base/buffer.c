#include "buffer.h"

#include <assert.h>
#include <stdlib.h>

enum { SMALLEST = 512 };

static void move_to_front(struct buffer *buffer)
{
    const size_t length = buffer->end - buffer->start;
    if (length > 0 && buffer->start > 0)
        memmove(buffer->bytes, buffer->bytes + buffer->start, length);
    buffer->start = 0;
    buffer->end = length;
}

uint8_t *buffer_room(struct buffer *buffer, size_t size)
{
    if (buffer->capacity - buffer->end >= size && buffer->bytes)
        return buffer->bytes + buffer->end;
    const size_t length = buffer->end - buffer->start;
    if (size > SIZE_MAX / 4 - length)
        return NULL;
    if (length + size > buffer->capacity) {
        size_t capacity = buffer->capacity ? buffer->capacity : SMALLEST;
        while (capacity < length + size)
            capacity *= 2;
        uint8_t *larger = realloc(buffer->bytes, capacity);
        if (!larger)
            return NULL;
        buffer->bytes = larger;
        buffer->capacity = capacity;
    }
    if (buffer->capacity - buffer->end < size)
        move_to_front(buffer);
    return buffer->bytes + buffer->end;
}

bool buffer_append(struct buffer *buffer, struct bytes bytes)
{
    if (bytes.length == 0)
        return true;
    uint8_t *room = buffer_room(buffer, bytes.length);
    if (!room)
        return false;
    memcpy(room, bytes.data, bytes.length);
    buffer_grew(buffer, bytes.length);
    return true;
}

void buffer_take(struct buffer *buffer, size_t count)
{
    assert(count <= buffer->end - buffer->start);
    buffer->start += count;
    if (buffer->start == buffer->end)
        buffer_clear(buffer);
}

void buffer_free(struct buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct buffer){0};
}
