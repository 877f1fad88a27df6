/* changes: puts and deletes on numbered tables, one behind the other in one block of memory. Prefix: changes_
 *
 * This is what the core hands to whoever stores its state: self-contained bytes, so that a thread that knows
 * nothing of the core's structures can work on them. One block is one transaction.
 *
 *   | kind 1 | table 1 | key length 4 | value length 4 | key | value | kind ...        (native byte order) */
#ifndef ETALON_BASE_CHANGES_H
#define ETALON_BASE_CHANGES_H

#include <stdbool.h>

#include "bytes.h"

enum change_kind {
    CHANGE_PUT,          /* the key gets this value, whether or not it had one */
    CHANGE_DELETE,       /* the key goes; harmless when it's not there */
    CHANGE_DELETE_PREFIX /* every key that begins with these bytes goes */
};

struct change {
    enum change_kind kind;
    uint8_t table;
    struct bytes key;
    struct bytes value; /* CHANGE_PUT only */
};

/* Zero-initialised means empty. */
struct changes {
    uint8_t *bytes; /* owned */
    size_t length;
    size_t capacity;
    uint64_t count; /* how many changes */
};

/* Appends a change; key and value are copied. False: no memory, nothing has changed. */
bool changes_add(struct changes *changes, const struct change *change);

/* Appends a change whose key and value the caller writes himself, one behind the other, at the address that
 * is returned (good until the next call). Both lengths are at most UINT32_MAX. NULL: no memory, nothing has
 * changed. */
uint8_t *changes_room(struct changes *changes, enum change_kind kind, uint8_t table, size_t key_length,
                      size_t value_length);

/* Makes room for `size` more bytes (CHANGE_OVERHEAD and key and value for each change), so that adding as
 * much cannot fail. False: no memory. */
bool changes_reserve(struct changes *changes, size_t size);

/* Bytes that a change takes on top of its key and value. */
#define CHANGE_OVERHEAD ((size_t)10)

/* Takes the first change off `rest`, which begins as changes_all(). It borrows from the block. False: that
 * was the last one. */
bool changes_next(struct bytes *rest, struct change *change);

/* All bytes, for changes_next. */
static inline struct bytes changes_all(const struct changes *changes)
{
    return bytes_of(changes->bytes, changes->length);
}

/* Forgets the changes, keeps the memory for the next ones. */
static inline void changes_clear(struct changes *changes)
{
    changes->length = 0;
    changes->count = 0;
}

/* Gives the memory back. */
void changes_free(struct changes *changes);

#endif
