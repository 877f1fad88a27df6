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

static void append(struct changes *changes, const void *data, size_t count)
{
    if (count > 0)
        memcpy(changes->bytes + changes->length, data, count);
    changes->length += count;
}

bool changes_add(struct changes *changes, const struct change *change)
{
    assert(change->kind == CHANGE_PUT || change->value.length == 0);
    assert(change->key.length <= UINT32_MAX && change->value.length <= UINT32_MAX);
    const uint32_t lengths[2] = {(uint32_t)change->key.length, (uint32_t)change->value.length};
    const uint8_t head[2] = {(uint8_t)change->kind, change->table};
    static_assert(sizeof head + sizeof lengths == CHANGE_OVERHEAD, "what the header promises");
    if (!changes_reserve(changes, CHANGE_OVERHEAD + change->key.length + change->value.length))
        return false;
    append(changes, head, sizeof head);
    append(changes, lengths, sizeof lengths);
    append(changes, change->key.data, change->key.length);
    append(changes, change->value.data, change->value.length);
    changes->count++;
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
