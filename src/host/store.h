/* store: keeps records on disk. Prefix: store_
 *
 *                 loop thread                               store's own thread
 *      broker_collect ──▶ store_commit(changes) ──▶ one transaction, synced as `durability` says
 *      STEP_STORED    ◀── store_outcome() ◀── `notify` (wakes the loop up)
 *
 * One directory holds one store, and one process at a time uses it. The store knows tables, keys and values
 * (4_01_1_records.h says what they mean) and nothing of MQTT. store_bdb.c is the one on Berkeley DB. */
#ifndef ETALON_HOST_STORE_H
#define ETALON_HOST_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/bytes.h"
#include "../base/changes.h"

struct store;

enum store_durability {
    STORE_SYNC,  /* committed means: on the disk (fdatasync) */
    STORE_ASYNC, /* committed means: with the operating system; survives the end of the process, not of power */
    STORE_LAZY   /* for who doesn't wait for commits; this store makes no difference between it and STORE_ASYNC,
                  * because what is only in the process's memory is lost when a disk in trouble is opened anew */
};

enum { STORE_ERROR_SIZE = 1024 };

struct store_options {
    const char *directory; /* made when it is missing (its parent must exist) */
    enum store_durability durability;
    uint64_t cache_size; /* bytes for pages in memory; 0: a default */
    uint32_t retry_time; /* ms between two attempts to commit a batch that failed; 0: 1000 */
    void *context;       /* for notify and log */
    /* Called on the store's thread when store_outcome has something new. */
    void (*notify)(void *context);
    /* A line of log, level as enum log_level of broker.h. Called on any of the store's threads. */
    void (*log)(void *context, int level, const char *text);
};

/* Opens the store in `directory`, recovering it when the process before did not close it. Takes the lock. NULL:
 * it can't be used; `error` says what, where and what to do (another broker uses it, it is damaged, it was
 * written by a newer version, it is not a store, it can't be written, ...). A directory that is refused is left
 * exactly as it was; only when the damage shows while the log is repeated, tables may have got what the log has. */
struct store *store_open(const struct store_options *options, char error[STORE_ERROR_SIZE]);

/* Calls `each` for every record, tables and keys in ascending order. `each` returns NULL to go on or a text that
 * says what is wrong with the record; then, or when reading fails, the result is false and `error` names table, key
 * and cause. Before the first store_commit only. */
bool store_load(struct store *store,
                const char *(*each)(void *context, uint8_t table, struct bytes key, struct bytes value),
                void *context, char error[STORE_ERROR_SIZE]);

/* Hands a batch to the store's thread, which takes the memory of `changes` over and leaves it empty (with memory
 * of an earlier batch, perhaps). At most one batch is under way: the one before must have come to STORE_COMMITTED. */
void store_commit(struct store *store, struct changes *changes);

enum store_outcome {
    STORE_IDLE,      /* no batch is under way */
    STORE_WORKING,   /* a batch is under way and nothing is new */
    STORE_COMMITTED, /* told once: the batch is committed; then STORE_IDLE */
    STORE_TROUBLE    /* told once per batch: the batch could not be committed; it is tried again and again until
                      * STORE_COMMITTED */
};

/* What has become of the batch. For STORE_TROUBLE `*reason` is set (valid until the next call). */
enum store_outcome store_outcome(struct store *store, const char **reason);

/* Waits for the end of the batch under way, for an orderly end of the program; gives up after the attempt that is
 * running. Returns whether everything is committed. */
bool store_finish(struct store *store);

struct store_statistics {
    uint64_t batches, changes;   /* committed */
    uint64_t syncs;              /* of the log */
    uint64_t bytes;              /* size of all files on disk */
    uint64_t checkpoints, failures;
    uint64_t commit_time;        /* us spent in commits, all together */
    bool recovered;              /* the process before had not closed the store */
};
struct store_statistics store_statistics(struct store *store);

/* Checkpoints, closes, gives the lock back. A batch that could not be committed is lost (its changes were never
 * promised). NULL is fine. */
void store_close(struct store *store);

#endif
