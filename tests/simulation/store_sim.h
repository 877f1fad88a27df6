/* store_sim: a store in memory that keeps what was committed and forgets everything else. Prefix: store_sim_
 *
 * One batch at a time is under way; the simulation decides when it commits, whether the disk works, and
 * what a
 * crash leaves: all of the batch or nothing of it. */
#ifndef ETALON_SIMULATION_STORE_SIM_H
#define ETALON_SIMULATION_STORE_SIM_H

#include "base/changes.h"
#include "mqtt/4_01_1_records.h"

struct store_record {
    uint32_t key_length;
    uint32_t value_length;
    uint8_t bytes[]; /* key, then value */
};

struct store_table {
    struct store_record **records; /* in the order of their keys */
    uint32_t count;
    uint32_t capacity;
};

struct store_sim {
    struct store_table tables[TABLE_COUNT];
    struct changes batch; /* under way, while `working` */
    bool working;
    uint64_t batches;
    uint64_t changes;
    /* Looks at a change that is about to be committed; false: it is lost. NULL mostly; for planted faults. */
    bool (*filter)(void *context, const struct change *change, uint64_t index);
    void *context;
};

static inline struct bytes store_record_key(const struct store_record *record)
{
    return bytes_of(record->bytes, record->key_length);
}

static inline struct bytes store_record_value(const struct store_record *record)
{
    return bytes_of(record->bytes + record->key_length, record->value_length);
}

/* Takes a batch over; `changes` is empty afterwards. */
void store_sim_begin(struct store_sim *store, struct changes *changes);
/* The batch under way is committed. */
void store_sim_commit(struct store_sim *store);
/* The batch under way is lost. */
void store_sim_lose(struct store_sim *store);
/* Forgets all records and gives the memory back. */
void store_sim_clear(struct store_sim *store);

#endif
