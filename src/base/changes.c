#include "changes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SMALLEST = 4096 };

bool changes_reserve(struct changes *changes, size_t size)
{
    if (changes->capacity - changes->length >= size)
        return true;
    size_t capacity = changes->capacity ? changes->capacity : SMALLEST;
    while (capacity - changes->length < size) {
        if (capacity > SIZE_MAX / 2)
            return false;
        capacity *= 2;
    }
    uint8_t *larger = realloc(changes->bytes, capacity);
    if (!larger)
        return false;
    changes->bytes = larger;
    changes->capacity = capacity;
    return true;
}

uint8_t *changes_room(struct changes *changes, enum change_kind kind, uint8_t table, size_t key_length,
                      size_t value_length)
{
    assert(kind == CHANGE_PUT || value_length == 0);
    assert(key_length <= UINT32_MAX && value_length <= UINT32_MAX);
    const uint32_t lengths[2] = {(uint32_t)key_length, (uint32_t)value_length};
    const uint8_t head[2] = {(uint8_t)kind, table};
    static_assert(sizeof head + sizeof lengths == CHANGE_OVERHEAD, "what the header promises");
    if (!changes_reserve(changes, CHANGE_OVERHEAD + key_length + value_length))
        return NULL;
    uint8_t *at = changes->bytes + changes->length;
    memcpy(at, head, sizeof head);
    memcpy(at + sizeof head, lengths, sizeof lengths);
    changes->length += CHANGE_OVERHEAD + key_length + value_length;
    changes->count++;
    return at + CHANGE_OVERHEAD;
}

static void copy(uint8_t *to, struct bytes from)
{
    if (from.length > 0)
        memcpy(to, from.data, from.length);
}

bool changes_add(struct changes *changes, const struct change *change)
{
    uint8_t *room =
        changes_room(changes, change->kind, change->table, change->key.length, change->value.length);
    if (!room)
        return false;
    copy(room, change->key);
    copy(room + change->key.length, change->value);
    return true;
}

static void take(struct bytes *rest, void *data, size_t count)
{
    assert(rest->length >= count); /* the block is our own work */
    memcpy(data, rest->data, count);
    *rest = bytes_after(*rest, count);
}

bool changes_next(struct bytes *rest, struct change *change)
{
    if (rest->length == 0)
        return false;
    uint8_t head[2];
    uint32_t lengths[2];
    take(rest, head, sizeof head);
    take(rest, lengths, sizeof lengths);
    assert(rest->length >= (size_t)lengths[0] + lengths[1]);
    change->kind = (enum change_kind)head[0];
    change->table = head[1];
    change->key = bytes_of(rest->data, lengths[0]);
    *rest = bytes_after(*rest, lengths[0]);
    change->value = bytes_of(rest->data, lengths[1]);
    *rest = bytes_after(*rest, lengths[1]);
    return true;
}

void changes_free(struct changes *changes)
{
    free(changes->bytes);
    *changes = (struct changes){0};
}
