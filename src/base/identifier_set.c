#include "identifier_set.h"

#include <assert.h>
#include <stdlib.h>

enum { SMALLEST_CAPACITY = 8, CAPACITY_TO_KEEP = 64 };

/* Identifiers are mostly consecutive: spread by an odd multiplier so that runs of them do not build clusters. */
static uint32_t home(const struct identifier_set *set, uint16_t identifier)
{
    return (uint32_t)((identifier * 0x9E3779B1U) >> 15) & (set->capacity - 1);
}

/* The slot that holds `identifier`, or the free one where it belongs. Needs at least one free slot. */
static uint32_t find_slot(const struct identifier_set *set, uint16_t identifier)
{
    uint32_t slot = home(set, identifier);
    while (set->slots[slot] != 0 && set->slots[slot] != identifier)
        slot = (slot + 1) & (set->capacity - 1);
    return slot;
}

static bool grow(struct identifier_set *set)
{
    struct identifier_set larger = {.capacity = set->capacity ? set->capacity * 2 : SMALLEST_CAPACITY,
                                    .count = set->count};
    larger.slots = calloc(larger.capacity, sizeof *larger.slots);
    if (!larger.slots)
        return false;
    for (uint32_t i = 0; i < set->capacity; i++)
        if (set->slots[i] != 0)
            larger.slots[find_slot(&larger, set->slots[i])] = set->slots[i];
    free(set->slots);
    *set = larger;
    return true;
}

bool identifier_set_add(struct identifier_set *set, uint16_t identifier)
{
    assert(identifier != 0);
    if (identifier_set_has(set, identifier))
        return true;
    if ((set->count + 1) * 4 > set->capacity * 3 && !grow(set))
        return false;
    set->slots[find_slot(set, identifier)] = identifier;
    set->count++;
    return true;
}

bool identifier_set_has(const struct identifier_set *set, uint16_t identifier)
{
    return set->count > 0 && set->slots[find_slot(set, identifier)] == identifier;
}

/* Closes the hole at `hole` by moving back what probed past it, so that no tombstones are needed. */
static void close_hole(struct identifier_set *set, uint32_t hole)
{
    const uint32_t mask = set->capacity - 1;
    for (uint32_t slot = (hole + 1) & mask; set->slots[slot] != 0; slot = (slot + 1) & mask) {
        const uint32_t distance_home = (slot - home(set, set->slots[slot])) & mask;
        const uint32_t distance_hole = (slot - hole) & mask;
        if (distance_home < distance_hole)
            continue;
        set->slots[hole] = set->slots[slot];
        hole = slot;
    }
    set->slots[hole] = 0;
}

bool identifier_set_remove(struct identifier_set *set, uint16_t identifier)
{
    if (set->count == 0)
        return false;
    const uint32_t slot = find_slot(set, identifier);
    if (set->slots[slot] != identifier)
        return false;
    close_hole(set, slot);
    if (--set->count == 0 && set->capacity > CAPACITY_TO_KEEP)
        identifier_set_clear(set);
    return true;
}

void identifier_set_clear(struct identifier_set *set)
{
    free(set->slots);
    *set = (struct identifier_set){0};
}
