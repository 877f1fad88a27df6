/* keeper: keeps the broker's state in a store: carries batches of changes there and the news of them back.
 * Prefix: keeper_
 *
 *      end of a turn ──▶ keeper_collect() ──▶ broker_collect(), store_commit()
 *      the store wakes the loop up ──▶ keeper_take_news() ──▶ STEP_STORED, STEP_STORE_TROUBLE
 *
 * One batch is under way at a time; what changes meanwhile gathers in the core and is the next one. So the slower
 * the disk is, the more is written at once. Without a store (memory only) no function has anything to do. */
#ifndef ETALON_HOST_KEEPER_H
#define ETALON_HOST_KEEPER_H

#include "../mqtt/broker.h"
#include "log.h"
#include "store.h"

struct keeper_options {
    struct broker *broker;
    const struct log *log;
    const char *directory;
    enum store_durability durability;
    void *context;                    /* for both of these */
    uint64_t (*clock)(void *context); /* the present time, ms as for broker_step */
    void (*wake)(void *context);      /* there is news for keeper_take_news; called on another thread */
};

struct keeper {
    struct keeper_options options;
    struct store *store;    /* NULL: memory only */
    struct changes changes; /* empty between two calls; keeps its memory */
    bool under_way;         /* a batch is with the store */
    uint64_t batch_changes;
    uint64_t batch_time; /* ms; when it was collected */
    uint64_t
        retry_time; /* ms; when to collect again after there was no memory for it; UINT64_MAX: no such need */
};

/* A keeper without a store. */
void keeper_begin(struct keeper *keeper);

/* Opens the store and gives the broker, which must be new, what is in it. What `options` refers to is
 * borrowed. False: the reason was logged, the keeper is without a store again, and of the broker nothing may be
 * used but broker_destroy. */
bool keeper_open(struct keeper *keeper, const struct keeper_options *options);

/* Hands what has changed to the store, unless a batch is under way. Returns whether that has released output
 * without the store: it then should be sent, and the call be repeated. `now` as for broker_step. */
bool keeper_collect(struct keeper *keeper, uint64_t now);

/* The figures of the store, for $SYS. False: memory only. `context` is the keeper. */
bool keeper_figures(void *context, struct store_statistics *statistics);

/* Tells the broker what has become of the batch, if there is news. */
void keeper_take_news(struct keeper *keeper, uint64_t now);

/* When to call keeper_collect at the latest (ms); UINT64_MAX: not before something happens. */
static inline uint64_t keeper_deadline(const struct keeper *keeper)
{
    return keeper->retry_time;
}

/* Whether the store has not yet taken what it was given. */
static inline bool keeper_busy(const struct keeper *keeper)
{
    return keeper->under_way;
}

/* The last connection is closed: stores what is not stored yet, and waits for it. False: the disk refuses it;
 * what is lost was logged. */
bool keeper_finish(struct keeper *keeper, uint64_t now);

/* Closes the store. Harmless without one. */
void keeper_close(struct keeper *keeper);

#endif
