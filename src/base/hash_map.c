/* hash_map: a table of pointers, found by a hash that the caller computes. Prefix: hash_map_ */
#include "hash_map.h"

#include <assert.h>
#include <stdlib.h>

#define SMALLEST 8U
#define LARGEST (UINT32_C(1) << 31)

/* The slots that `count` items may share before the table grows: at most 4 in 5 are taken. */
static bool is_full(uint64_t capacity, uint64_t count)
{
    return count * 5 > capacity * 4;
}

/* Where `hash` would best stand. A multiplication in place of a mask allows capacities that are not powers of
 * two, and with them growth by half: less idle memory. Order of hashes is order of slots, so that
 * copying into a larger table writes from front to back. */
static uint32_t home_of(const struct hash_map *map, uint64_t hash)
{
    return (uint32_t)(((hash >> 32) * map->capacity) >> 32);
}

static uint32_t after(const struct hash_map *map, uint32_t at)
{
    return at + 1 == map->capacity ? 0 : at + 1;
}

/* How far the slot at `at`, which holds `hash`, lies behind the hash's home. */
static uint32_t distance(const struct hash_map *map, uint32_t at, uint64_t hash)
{
    const uint32_t home = home_of(map, hash);
    return at >= home ? at - home : at + map->capacity - home;
}

/* Puts a slot in; there is a free one. */
static void place(struct hash_map *map, struct hash_map_slot new)
{
    uint32_t at = home_of(map, new.hash);
    uint32_t gone = 0;
    for (;; at = after(map, at), gone++) {
        struct hash_map_slot *slot = &map->slots[at];
        if (slot->item == NULL) {
            *slot = new;
            return;
        }
        const uint32_t other = distance(map, at, slot->hash);
        if (other < gone) { /* the one here is nearer to its home: it moves on */
            const struct hash_map_slot moved = *slot;
            *slot = new;
            new = moved;
            gone = other;
        }
    }
}

static bool resize(struct hash_map *map, uint64_t capacity)
{
    if (capacity > LARGEST)
        return false;
    struct hash_map larger = {.capacity = (uint32_t)capacity, .count = map->count};
    larger.slots = calloc(larger.capacity, sizeof *larger.slots);
    if (larger.slots == NULL)
        return false;

    for (uint32_t i = 0; i < map->capacity; i++)
        if (map->slots[i].item != NULL)
            place(&larger, map->slots[i]);
    free(map->slots);
    *map = larger;
    return true;
}

bool hash_map_reserve(struct hash_map *map, uint32_t additional)
{
    const uint64_t wanted = (uint64_t)map->count + additional;
    if (!is_full(map->capacity, wanted))
        return true;
    uint64_t capacity = (uint64_t)map->capacity + map->capacity / 2;
    if (capacity < SMALLEST)
        capacity = SMALLEST;
    if (is_full(capacity, wanted))
        capacity = wanted * 5 / 4 + 1;
    return resize(map, capacity);
}

bool hash_map_insert(struct hash_map *map, uint64_t hash, void *item)
{
    assert(item != NULL);
    if (!hash_map_reserve(map, 1))
        return false;
    place(map, (struct hash_map_slot){.hash = hash, .item = item});
    map->count++;
    return true;
}

void *hash_map_find(const struct hash_map *map, uint64_t hash,
                    bool (*same)(const void *item, const void *key), const void *key)
{
    if (map->count == 0)
        return NULL;
    uint32_t at = home_of(map, hash);
    for (uint32_t gone = 0;; at = after(map, at), gone++) {
        const struct hash_map_slot *slot = &map->slots[at];
        if (slot->item == NULL)
            return NULL;
        if (slot->hash == hash) {
            if (same(slot->item, key))
                return slot->item;
        } else if (distance(map, at, slot->hash) < gone) {
            return NULL; /* it would have displaced the one that stands here */
        }
    }
}

/* Closes the gap at `at`: those behind it that are away from home move up by one. */
static void close_gap(struct hash_map *map, uint32_t at)
{
    for (;;) {
        const uint32_t next = after(map, at);
        const struct hash_map_slot *slot = &map->slots[next];
        if (slot->item == NULL || distance(map, next, slot->hash) == 0)
            break;
        map->slots[at] = *slot;
        at = next;
    }
    map->slots[at] = (struct hash_map_slot){.hash = 0, .item = NULL};
}

/* Gives memory back when less than a quarter is used. Without memory for the smaller table, the larger one
 * stays. */
static void shrink(struct hash_map *map)
{
    if (map->count == 0)
        hash_map_clear(map);
    else if (map->capacity > SMALLEST && map->count < map->capacity / 4)
        (void)resize(map, (uint64_t)map->count * 2 < SMALLEST ? SMALLEST : (uint64_t)map->count * 2);
}

bool hash_map_remove(struct hash_map *map, uint64_t hash, const void *item)
{
    if (map->count == 0)
        return false;
    uint32_t at = home_of(map, hash);
    for (uint32_t gone = 0; map->slots[at].item != item; at = after(map, at), gone++)
        if (map->slots[at].item == NULL || distance(map, at, map->slots[at].hash) < gone)
            return false;
    close_gap(map, at);
    map->count--;
    shrink(map);
    return true;
}

void hash_map_each(const struct hash_map *map, bool (*each)(void *context, void *item), void *context)
{
    for (uint32_t i = 0; i < map->capacity; i++)
        if (map->slots[i].item != NULL && !each(context, map->slots[i].item))
            return;
}

void *hash_map_any(const struct hash_map *map, uint32_t *at)
{
    if (map->count == 0)
        return NULL;
    uint32_t slot = *at < map->capacity ? *at : 0; /* it may have shrunk */
    while (map->slots[slot].item == NULL)
        slot = after(map, slot);
    *at = slot;
    return map->slots[slot].item;
}

void hash_map_clear(struct hash_map *map)
{
    free(map->slots);
    *map = (struct hash_map){.slots = NULL, .capacity = 0, .count = 0};
}
