/* The store on Berkeley DB, its users' side. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../mqtt/broker.h"
#include "store_state.h"

static bool open_copying(struct store *store, char error[STORE_ERROR_SIZE])
{
    store->committer_copying = store_directory_open_copying(&store->directory);
    store->checkpointer_copying = store_directory_open_copying(&store->directory);
    if (store->committer_copying >= 0 && store->checkpointer_copying >= 0)
        return true;
    snprintf(error, STORE_ERROR_SIZE, "%s: cannot write the file copying: %s", store->directory.path,
             strerror(errno));
    return false;
}

static bool open_tables(struct store *store, char error[STORE_ERROR_SIZE])
{
    char reason[TABLES_REASON_SIZE];
    if (!store->directory.is_new && !tables_check_files(&store->tables.options, error))
        return false;
    store_begin_writing(store->committer_copying);
    const int failure = tables_open(&store->tables, store->directory.is_new);
    store_end_writing(store->committer_copying);
    if (failure == 0)
        return true;
    snprintf(error, STORE_ERROR_SIZE,
             "%s cannot be opened: %s. If it is damaged, restore a backup (`etalon-store verify DIRECTORY` tells "
             "what is left).",
             store->directory.path, tables_reason(&store->tables, failure, reason));
    return false;
}

static void close_descriptor(int descriptor)
{
    if (descriptor >= 0)
        close(descriptor);
}

static void release(struct store *store, bool clean)
{
    store_directory_close(&store->directory, clean);
    close_descriptor(store->committer_copying);
    close_descriptor(store->checkpointer_copying);
    tables_destroy(&store->tables);
    changes_free(&store->batch);
    pthread_cond_destroy(&store->changed);
    pthread_mutex_destroy(&store->mutex);
    free(store);
}

static struct store *create(const struct store_options *options)
{
    struct store *store = calloc(1, sizeof *store);
    if (!store)
        return NULL;
    store->options = *options;
    store->directory.descriptor = store->directory.lock = -1;
    store->committer_copying = store->checkpointer_copying = -1;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&store->mutex, NULL);
    pthread_cond_init(&store->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return store;
}

static bool open_all(struct store *store, char error[STORE_ERROR_SIZE])
{
    const struct store_options *options = &store->options;
    const struct tables_options tables = {
        .path = store->directory.path,
        .cache_size = options->cache_size,
        .context = options->context,
        .log = options->log,
    };
    tables_create(&store->tables, &tables);
    if (!open_copying(store, error) || !open_tables(store, error) ||
        !store_directory_settle(&store->directory, error))
        return false;
    store->statistics.recovered = store->directory.unclean;
    store->log_needed = store->log_position = tables_log(&store->tables).position;
    if (store_threads_begin(store))
        return true;
    snprintf(error, STORE_ERROR_SIZE, "%s: cannot start a thread", options->directory);
    return false;
}

struct store *store_open(const struct store_options *options, char error[STORE_ERROR_SIZE])
{
    struct store *store = create(options);
    if (!store) {
        snprintf(error, STORE_ERROR_SIZE, "%s: not enough memory", options->directory);
        return NULL;
    }
    if (store_directory_open(&store->directory, options->directory, error)) {
        store->options.directory = store->directory.path;
        if (open_all(store, error))
            return store;
        tables_close(&store->tables);
    }
    release(store, false);
    return NULL;
}

bool store_load(struct store *store,
                const char *(*each)(void *context, uint8_t table, struct bytes key, struct bytes value),
                void *context, char error[STORE_ERROR_SIZE])
{
    return tables_load(&store->tables, each, context, error);
}

void store_commit(struct store *store, struct changes *changes)
{
    pthread_mutex_lock(&store->mutex);
    const struct changes memory = store->batch;
    store->batch = *changes;
    *changes = memory;
    store->phase = PHASE_WORKING;
    pthread_cond_broadcast(&store->changed);
    pthread_mutex_unlock(&store->mutex);
}

static enum store_outcome take_outcome(struct store *store, const char **reason)
{
    if (store->phase == PHASE_IDLE)
        return STORE_IDLE;
    if (store->phase == PHASE_COMMITTED) {
        store->phase = PHASE_IDLE;
        return STORE_COMMITTED;
    }
    if (!store->trouble_news)
        return STORE_WORKING;
    store->trouble_news = false;
    memcpy(store->reason_shown, store->reason, sizeof store->reason);
    *reason = store->reason_shown;
    return STORE_TROUBLE;
}

enum store_outcome store_outcome(struct store *store, const char **reason)
{
    pthread_mutex_lock(&store->mutex);
    const enum store_outcome outcome = take_outcome(store, reason);
    pthread_mutex_unlock(&store->mutex);
    return outcome;
}

bool store_finish(struct store *store)
{
    pthread_mutex_lock(&store->mutex);
    store->hurry = true;
    pthread_cond_broadcast(&store->changed);
    while (store->phase == PHASE_WORKING && store->hurry)
        pthread_cond_wait(&store->changed, &store->mutex);
    store->hurry = false;
    const bool committed = store->phase != PHASE_WORKING;
    pthread_mutex_unlock(&store->mutex);
    return committed;
}

struct store_statistics store_statistics(struct store *store)
{
    pthread_mutex_lock(&store->mutex);
    struct store_statistics statistics = store->statistics;
    pthread_mutex_unlock(&store->mutex);
    statistics.bytes = store_directory_size(&store->directory);
    return statistics;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    store_threads_end(store);
    store_begin_writing(store->committer_copying);
    bool clean = tables_are_open(&store->tables) && !store->suspect && tables_checkpoint(&store->tables) == 0;
    clean = tables_close(&store->tables) == 0 && clean;
    store_end_writing(store->committer_copying);
    release(store, clean);
}
