/* hash_map: a table of pointers, found by a hash that the caller computes. Prefix: hash_map_
 *
 * Open addressing with linear probing in Robin Hood order (who is farther from home goes first), so that a
 * search for something absent ends early even in a full table. A slot keeps the whole hash: growing reads no
 * item, and an item is compared only if all 64 bits agree. The table holds 20 to 40 bytes per item, grows and
 * shrinks by itself, and gives all memory back when empty.
 *
 * Keys that strangers choose must be hashed with hash_bytes (hash.h) under a secret key. The items stay the
 * caller's. */
#ifndef ETALON_BASE_HASH_MAP_H
#define ETALON_BASE_HASH_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hash_map_slot {
    uint64_t hash;
    void *item; /* NULL: the slot is free */
};

/* Zero-initialised it is an empty map. Read `count` freely; the rest is private. */
struct hash_map {
    struct hash_map_slot *slots;
    uint32_t capacity;
    uint32_t count;
};

/* Makes room for `additional` more items: as many insertions then need no memory, provided that nothing is
 * removed meanwhile. False: no memory (or more than 2^31 items), the map is unchanged. */
bool hash_map_reserve(struct hash_map *map, uint32_t additional);

/* Adds `item` (not NULL) under `hash`. Doesn't look whether an equal one is there: find first.
 * False: no memory, the map is unchanged. */
bool hash_map_insert(struct hash_map *map, uint64_t hash, void *item);

/* The item under `hash` for which `same(item, key)` is true, or NULL. */
void *hash_map_find(const struct hash_map *map, uint64_t hash,
                    bool (*same)(const void *item, const void *key), const void *key);

/* Removes exactly this pointer, which was inserted under `hash`; false: it isn't there. Never fails for lack
 * of memory. */
bool hash_map_remove(struct hash_map *map, uint64_t hash, const void *item);

/* Calls `each` for every item, in no particular order, until it returns false. It must not change the map. */
void hash_map_each(const struct hash_map *map, bool (*each)(void *context, void *item), void *context);

/* Any item of the map, NULL when it's empty; for emptying a map item by item. `*at`, 0 at first, keeps where to
 * look next: a search that began anew each time would pass over all free slots again and again. */
void *hash_map_any(const struct hash_map *map, uint32_t *at);

/* Frees the table (not the items); the map is then empty and can be used again. */
void hash_map_clear(struct hash_map *map);

#endif
