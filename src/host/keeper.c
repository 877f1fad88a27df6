#include "keeper.h"

#include <assert.h>
#include <inttypes.h>

#include "../mqtt/4_01_1_records.h"

enum {
    MEMORY_RETRY_TIME = 100, /* ms until the next attempt after there was no memory for a batch */
    PROGRESS_TIME = 2000,    /* ms between two lines that say how far loading has come */
    RECORDS_PER_LOOK = 4096, /* at the clock while loading */
    MILLISECONDS = 1000
};

void keeper_begin(struct keeper *keeper)
{
    *keeper = (struct keeper){.retry_time = UINT64_MAX};
}

/* Loading. */

struct loading {
    struct keeper *keeper;
    uint64_t began, told; /* ms */
    uint64_t records;
    uint64_t count[TABLE_COUNT];
};

static uint64_t clock_now(const struct keeper *keeper)
{
    return keeper->options.clock(keeper->options.context);
}

/* Who waits for the broker shall see that it works. */
static void tell_progress(struct loading *loading)
{
    const uint64_t now = clock_now(loading->keeper);
    if (now - loading->told < PROGRESS_TIME)
        return;
    loading->told = now;
    log_write(loading->keeper->options.log, LOG_NOTICE, "loading %s: %" PRIu64 " records so far",
              loading->keeper->options.directory, loading->records);
}

static const char *load_record(void *context, uint8_t table, struct bytes key, struct bytes value)
{
    struct loading *loading = context;
    const char *problem = broker_restore(loading->keeper->options.broker, table, key, value);
    if (problem)
        return problem;
    if (table < TABLE_COUNT)
        loading->count[table]++;
    if (++loading->records % RECORDS_PER_LOOK == 0)
        tell_progress(loading);
    return NULL;
}

static void tell_loaded(const struct loading *loading)
{
    const struct keeper *keeper = loading->keeper;
    const uint64_t time = clock_now(keeper) - loading->began;
    if (store_statistics(keeper->store).recovered)
        log_write(keeper->options.log, LOG_NOTICE,
                  "%s: the broker before had no orderly end, the store was recovered",
                  keeper->options.directory);
    log_write(keeper->options.log, LOG_NOTICE,
              "%s: loaded %" PRIu64 " sessions, %" PRIu64 " subscriptions and %" PRIu64
              " messages in %" PRIu64 ".%03" PRIu64 " s",
              keeper->options.directory, loading->count[TABLE_SESSIONS], loading->count[TABLE_SUBSCRIPTIONS],
              loading->count[TABLE_MESSAGES], time / MILLISECONDS, time % MILLISECONDS);
}

static bool load(struct loading *loading, char error[STORE_ERROR_SIZE])
{
    struct keeper *keeper = loading->keeper;
    if (!store_load(keeper->store, load_record, loading, error)) {
        log_write(keeper->options.log, LOG_ERROR, "%s", error);
        return false;
    }
    const char *problem = broker_restored(keeper->options.broker, clock_now(keeper));
    if (problem) {
        log_write(keeper->options.log, LOG_ERROR, "%s: %s", keeper->options.directory, problem);
        return false;
    }
    tell_loaded(loading);
    return true;
}

/* Called on any thread. */

static void lend_log(void *context, int level, const char *text)
{
    const struct keeper *keeper = context;
    log_write(keeper->options.log, (enum log_level)level, "%s", text);
}

static void lend_wake(void *context)
{
    const struct keeper *keeper = context;
    keeper->options.wake(keeper->options.context);
}

void keeper_close(struct keeper *keeper)
{
    store_close(keeper->store);
    changes_free(&keeper->changes);
    keeper->store = NULL;
    keeper->under_way = false;
}

bool keeper_open(struct keeper *keeper, const struct keeper_options *options)
{
    char error[STORE_ERROR_SIZE];
    const struct store_options store = {
        .directory = options->directory,
        .durability = options->durability,
        .context = keeper,
        .notify = lend_wake,
        .log = lend_log,
    };
    keeper->options = *options;
    struct loading loading = {.keeper = keeper, .began = clock_now(keeper)};
    loading.told = loading.began;
    keeper->store = store_open(&store, error);
    if (!keeper->store) {
        log_write(options->log, LOG_ERROR, "%s", error);
        return false;
    }
    if (load(&loading, error))
        return true;
    keeper_close(keeper); /* what a broker that was loaded by halves has changed must not be stored */
    return false;
}

/* Running. */

static void commit(struct keeper *keeper, uint64_t now)
{
    keeper->under_way = true;
    keeper->batch_changes = keeper->changes.count;
    keeper->batch_time = now;
    store_commit(keeper->store, &keeper->changes);
    changes_clear(&keeper->changes);
}

static enum collected collect(struct keeper *keeper, uint64_t now)
{
    const enum collected collected = broker_collect(keeper->options.broker, now, &keeper->changes);
    keeper->retry_time = UINT64_MAX;
    if (collected == COLLECTED_CHANGES)
        commit(keeper, now);
    else
        changes_clear(&keeper->changes);
    if (collected == COLLECTED_LATER)
        keeper->retry_time = now + MEMORY_RETRY_TIME;
    return collected;
}

bool keeper_collect(struct keeper *keeper, uint64_t now)
{
    const bool waiting = keeper->retry_time != UINT64_MAX && now < keeper->retry_time;
    if (!keeper->store || keeper->under_way || waiting || !broker_wants_collect(keeper->options.broker))
        return false;
    return collect(keeper, now) == COLLECTED_NOTHING;
}

static void report_stored(struct keeper *keeper, uint64_t now)
{
    struct step step = {.kind = STEP_STORED};
    keeper->under_way = false;
    broker_step(keeper->options.broker, now, &step);
}

void keeper_take_news(struct keeper *keeper, uint64_t now)
{
    const char *reason = NULL;
    if (!keeper->store || !keeper->under_way)
        return;
    const enum store_outcome outcome = store_outcome(keeper->store, &reason);
    if (outcome == STORE_COMMITTED)
        report_stored(keeper, now);
    if (outcome != STORE_TROUBLE)
        return;
    struct step step = {.kind = STEP_STORE_TROUBLE, .text = reason};
    broker_step(keeper->options.broker, now, &step);
}

bool keeper_figures(void *context, struct store_statistics *statistics)
{
    const struct keeper *keeper = context;
    if (!keeper->store)
        return false;
    *statistics = store_statistics(keeper->store);
    return true;
}

/* The end. */

static void tell_lost(const struct keeper *keeper)
{
    const char *reason = NULL;
    store_outcome(keeper->store, &reason);
    const uint64_t age = clock_now(keeper) - keeper->batch_time;
    log_write(keeper->options.log, LOG_ERROR,
              "%s: %" PRIu64
              " changes and whatever came after them could not be stored: what happened in the "
              "last %" PRIu64 ".%03" PRIu64 " s is lost%s%s%s",
              keeper->options.directory, keeper->batch_changes, age / MILLISECONDS, age % MILLISECONDS,
              keeper->options.durability == STORE_LAZY ? "" : " (none of it was acknowledged)",
              reason ? ": " : "", reason ? reason : "");
}

bool keeper_finish(struct keeper *keeper, uint64_t now)
{
    if (!keeper->store)
        return true;
    for (;;) {
        if (keeper->under_way && !store_finish(keeper->store)) {
            tell_lost(keeper);
            return false;
        }
        if (keeper->under_way)
            report_stored(keeper, now);
        if (!broker_wants_collect(keeper->options.broker))
            return true;
        if (collect(keeper, now) == COLLECTED_LATER) {
            log_write(keeper->options.log, LOG_ERROR, "%s: there is no memory to store the last changes",
                      keeper->options.directory);
            return false;
        }
    }
}
