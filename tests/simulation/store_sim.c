#include "store_sim.h"

#include <assert.h>
#include <stdlib.h>

/* As the keys of a tree on disk are ordered. */
static int compare(struct bytes a, struct bytes b)
{
    const size_t shorter = a.length < b.length ? a.length : b.length;
    const int order = shorter ? memcmp(a.data, b.data, shorter) : 0;
    if (order != 0)
        return order;
    return (a.length > b.length) - (a.length < b.length);
}

/* Where the key is, or would have to be. */
static uint32_t place_of(const struct store_table *table, struct bytes key, bool *found)
{
    uint32_t low = 0;
    uint32_t high = table->count;
    *found = false;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const int order = compare(store_record_key(table->records[middle]), key);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct store_record *make(const struct change *change)
{
    struct store_record *record = malloc(sizeof *record + change->key.length + change->value.length);
    assert(record);
    record->key_length = (uint32_t)change->key.length;
    record->value_length = (uint32_t)change->value.length;
    memcpy(record->bytes, change->key.data, change->key.length);
    if (change->value.length > 0)
        memcpy(record->bytes + change->key.length, change->value.data, change->value.length);
    return record;
}

static void grow(struct store_table *table)
{
    if (table->count < table->capacity)
        return;
    table->capacity = table->capacity ? table->capacity * 2 : 64;
    table->records = realloc(table->records, table->capacity * sizeof *table->records);
    assert(table->records);
}

static void put(struct store_table *table, const struct change *change)
{
    bool found;
    const uint32_t at = place_of(table, change->key, &found);
    if (found) {
        free(table->records[at]);
        table->records[at] = make(change);
        return;
    }
    grow(table);
    memmove(table->records + at + 1, table->records + at, (table->count - at) * sizeof *table->records);
    table->records[at] = make(change);
    table->count++;
}

static void remove_run(struct store_table *table, uint32_t at, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        free(table->records[at + i]);
    if (count > 0)
        memmove(table->records + at, table->records + at + count,
                (table->count - at - count) * sizeof *table->records);
    table->count -= count;
}

static bool has_prefix(const struct store_record *record, struct bytes prefix)
{
    return record->key_length >= prefix.length && memcmp(record->bytes, prefix.data, prefix.length) == 0;
}

static void apply(struct store_table *table, const struct change *change)
{
    bool found;
    uint32_t at;
    uint32_t count = 0;
    switch (change->kind) {
    case CHANGE_PUT:
        put(table, change);
        break;
    case CHANGE_DELETE:
        at = place_of(table, change->key, &found);
        if (found)
            remove_run(table, at, 1);
        break;
    case CHANGE_DELETE_PREFIX:
        at = place_of(table, change->key, &found);
        while (at + count < table->count && has_prefix(table->records[at + count], change->key))
            count++;
        remove_run(table, at, count);
        break;
    }
}

void store_sim_begin(struct store_sim *store, struct changes *changes)
{
    assert(!store->working);
    const struct changes empty = store->batch;
    store->batch = *changes;
    *changes = empty;
    changes_clear(changes);
    store->working = true;
}

void store_sim_commit(struct store_sim *store)
{
    assert(store->working);
    struct bytes rest = changes_all(&store->batch);
    struct change change;
    while (changes_next(&rest, &change)) {
        assert(change.table < TABLE_COUNT);
        store->changes++;
        if (!store->filter || store->filter(store->context, &change, store->changes))
            apply(&store->tables[change.table], &change);
    }
    store->batches++;
    store->working = false;
}

void store_sim_lose(struct store_sim *store)
{
    store->working = false;
    changes_clear(&store->batch);
}

void store_sim_clear(struct store_sim *store)
{
    for (int i = 0; i < TABLE_COUNT; i++) {
        remove_run(&store->tables[i], 0, store->tables[i].count);
        free(store->tables[i].records);
        store->tables[i] = (struct store_table){0};
    }
    store_sim_lose(store);
    changes_free(&store->batch);
    store->batch = (struct changes){0};
}
