/* The threads of a store: one commits, one makes checkpoints. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "../mqtt/broker.h"
#include "store_state.h"

enum {
    DEFAULT_RETRY_TIME = 1000,
    CHECKPOINT_SIZE = 32 << 20, /* bytes of log; recovery has to read about that much */
    LOG_LIMIT = 128 << 20,      /* a checkpoint that takes so long is waited for: the log must not fill the disk */
    TAKE_OVER_LIMIT = 8 << 20   /* a batch's memory above this goes back to the system */
};

void store_begin_writing(int copying)
{
    while (flock(copying, LOCK_SH) != 0 && errno == EINTR)
        ;
}

void store_end_writing(int copying)
{
    flock(copying, LOCK_UN);
}

static void say(struct store *store, int level, const char *what, const char *reason)
{
    char line[STORE_ERROR_SIZE];
    snprintf(line, sizeof line, "store %s: %s%s%s", store->directory.path, what, reason ? ": " : "",
             reason ? reason : "");
    if (store->options.log)
        store->options.log(store->options.context, level, line);
}

static uint64_t microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Waits until something changes or `milliseconds` have passed; returns whether the time is over. */
static bool wait_changed(struct store *store, uint32_t milliseconds)
{
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += milliseconds / 1000;
    end.tv_nsec += (long)(milliseconds % 1000) * 1000000;
    if (end.tv_nsec >= 1000000000) {
        end.tv_sec++;
        end.tv_nsec -= 1000000000;
    }
    return pthread_cond_timedwait(&store->changed, &store->mutex, &end) == ETIMEDOUT;
}

static void wait_retry(struct store *store, const bool *awaited)
{
    const uint32_t time = store->options.retry_time ? store->options.retry_time : DEFAULT_RETRY_TIME;
    while (!store->stopping && !*awaited && !wait_changed(store, time))
        ;
}

/* What fails for lack of room leaves nothing in doubt. After anything else the disk's content may not be what the
 * kernel's memory says: an fsync that failed has given its pages up. */
static bool is_lack_of_room(int error)
{
    return error == ENOSPC || error == EDQUOT || error == EROFS || error == EFBIG;
}

/* Remembers what a failure demands before the next batch. */
static void note_failure(struct store *store, int error)
{
    pthread_mutex_lock(&store->mutex);
    store->statistics.failures++;
    store->suspect = true;
    store->rewrite |= !is_lack_of_room(error);
    pthread_mutex_unlock(&store->mutex);
}

/* While the store is suspect no checkpoint begins. */
static void close_tables(struct store *store)
{
    pthread_mutex_lock(&store->mutex);
    while (store->checkpoint_running)
        pthread_cond_wait(&store->changed, &store->mutex);
    pthread_mutex_unlock(&store->mutex);
    if (!tables_are_open(&store->tables))
        return;
    const uint64_t syncs = tables_log(&store->tables).syncs;
    tables_close(&store->tables);
    pthread_mutex_lock(&store->mutex);
    store->syncs_before += syncs;
    pthread_mutex_unlock(&store->mutex);
}

/* The tables as the disk has them. */
static int reopen(struct store *store)
{
    close_tables(store);
    if (store->rewrite) {
        const int error = store_directory_rewrite(&store->directory);
        if (error != 0)
            return error;
    }
    const int error = tables_open(&store->tables, false);
    if (error != 0)
        return error;
    const struct tables_log log = tables_log(&store->tables);
    pthread_mutex_lock(&store->mutex);
    store->log_needed = store->log_position = log.position; /* recovery ends with a checkpoint */
    store->rewrite = false;
    store->suspect = false;
    pthread_mutex_unlock(&store->mutex);
    return 0;
}

/* A new log file is of no use when its name gets lost. */
static int sync_log_name(struct store *store, const struct tables_log *log)
{
    if (log->file == store->log_file || store->options.durability != STORE_SYNC)
        return 0;
    const int error = store_directory_sync(&store->directory);
    if (error == 0)
        store->log_file = log->file;
    return error;
}

/* With the mutex locked. */
static void want_checkpoint(struct store *store)
{
    if (store->log_position - store->log_needed < CHECKPOINT_SIZE)
        return;
    store->checkpoint_wanted = true;
    pthread_cond_broadcast(&store->changed);
}

static int apply(struct store *store)
{
    pthread_mutex_lock(&store->mutex);
    while (store->checkpoint_running && store->log_position - store->log_needed > LOG_LIMIT)
        pthread_cond_wait(&store->changed, &store->mutex);
    const bool suspect = store->suspect;
    pthread_mutex_unlock(&store->mutex);
    int error = suspect ? reopen(store) : 0;
    if (error == 0)
        error = tables_apply(&store->tables, &store->batch, store->options.durability);
    if (error != 0)
        return error;
    const struct tables_log log = tables_log(&store->tables);
    pthread_mutex_lock(&store->mutex);
    store->statistics.syncs = store->syncs_before + log.syncs;
    store->log_position = log.position;
    want_checkpoint(store);
    pthread_mutex_unlock(&store->mutex);
    return sync_log_name(store, &log);
}

static int attempt(struct store *store)
{
    store_begin_writing(store->committer_copying);
    const int error = apply(store);
    if (error != 0) {
        note_failure(store, error);
        close_tables(store);
    }
    store_end_writing(store->committer_copying);
    return error;
}

static void notify(struct store *store)
{
    if (store->options.notify)
        store->options.notify(store->options.context);
}

static void report_committed(struct store *store, uint64_t time)
{
    const bool over = store->trouble;
    if (over)
        say(store, LOG_NOTICE, "can be written again", NULL);
    pthread_mutex_lock(&store->mutex);
    store->statistics.batches++;
    store->statistics.changes += store->batch.count;
    store->statistics.commit_time += time;
    if (store->batch.capacity > TAKE_OVER_LIMIT)
        changes_free(&store->batch);
    changes_clear(&store->batch);
    store->trouble = store->trouble_news = false;
    store->phase = PHASE_COMMITTED;
    pthread_cond_broadcast(&store->changed);
    pthread_mutex_unlock(&store->mutex);
    notify(store);
}

static void report_trouble(struct store *store, int error)
{
    char reason[TABLES_REASON_SIZE];
    tables_reason(&store->tables, error, reason);
    pthread_mutex_lock(&store->mutex);
    const bool first = !store->trouble;
    memcpy(store->reason, reason, sizeof reason);
    store->trouble = true;
    store->trouble_news |= first;
    store->hurry = false;
    pthread_cond_broadcast(&store->changed);
    pthread_mutex_unlock(&store->mutex);
    if (!first)
        return;
    say(store, LOG_ERROR, "cannot be written; trying again until it works", reason);
    notify(store);
}

static void work_on_batch(struct store *store)
{
    const uint64_t begin = microseconds();
    const int error = attempt(store);
    if (error == 0)
        report_committed(store, microseconds() - begin);
    else
        report_trouble(store, error);
}

static void *commit_batches(void *context)
{
    struct store *store = context;
    pthread_mutex_lock(&store->mutex);
    for (;;) {
        while (store->phase != PHASE_WORKING && !store->stopping)
            pthread_cond_wait(&store->changed, &store->mutex);
        if (store->trouble)
            wait_retry(store, &store->hurry);
        if (store->phase != PHASE_WORKING || (store->stopping && store->trouble))
            break;
        pthread_mutex_unlock(&store->mutex);
        work_on_batch(store);
        pthread_mutex_lock(&store->mutex);
    }
    pthread_mutex_unlock(&store->mutex);
    return NULL;
}

static void make_checkpoint(struct store *store)
{
    store_begin_writing(store->checkpointer_copying);
    const uint64_t begin = tables_log(&store->tables).position;
    const int error = tables_checkpoint(&store->tables);
    store_end_writing(store->checkpointer_copying);
    if (error == 0) {
        pthread_mutex_lock(&store->mutex);
        store->statistics.checkpoints++;
        store->log_needed = begin;
        if (store->log_position < begin) /* checkpoints write to the log, too */
            store->log_position = begin;
        want_checkpoint(store);
        pthread_mutex_unlock(&store->mutex);
        return;
    }
    char reason[TABLES_REASON_SIZE];
    note_failure(store, error);
    say(store, LOG_WARNING, "a checkpoint failed", tables_reason(&store->tables, error, reason));
}

static void *make_checkpoints(void *context)
{
    struct store *store = context;
    pthread_mutex_lock(&store->mutex);
    while (!store->stopping) {
        if (!store->checkpoint_wanted || store->suspect) {
            pthread_cond_wait(&store->changed, &store->mutex);
            continue;
        }
        store->checkpoint_wanted = false;
        store->checkpoint_running = true;
        pthread_mutex_unlock(&store->mutex);
        make_checkpoint(store);
        pthread_mutex_lock(&store->mutex);
        store->checkpoint_running = false;
        pthread_cond_broadcast(&store->changed);
    }
    pthread_mutex_unlock(&store->mutex);
    return NULL;
}

bool store_threads_begin(struct store *store)
{
    if (pthread_create(&store->committer, NULL, commit_batches, store) != 0)
        return false;
    if (pthread_create(&store->checkpointer, NULL, make_checkpoints, store) == 0)
        return true;
    pthread_mutex_lock(&store->mutex);
    store->stopping = true;
    pthread_cond_broadcast(&store->changed);
    pthread_mutex_unlock(&store->mutex);
    pthread_join(store->committer, NULL);
    return false;
}

void store_threads_end(struct store *store)
{
    pthread_mutex_lock(&store->mutex);
    store->stopping = true;
    pthread_cond_broadcast(&store->changed);
    pthread_mutex_unlock(&store->mutex);
    pthread_join(store->committer, NULL);
    pthread_join(store->checkpointer, NULL);
}
