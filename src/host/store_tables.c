#include "store_tables.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../mqtt/broker.h"
#include "store_directory.h"

enum {
    /* A page is as large as what disks and file systems write whole or not at all: then a crash can't leave half a
     * page, which the log could not mend. Larger pages were not faster. */
    PAGE_SIZE = 4096,
    DEFAULT_CACHE_SIZE = 64 << 20,
    FIRST_MUTEXES = 1000,
    LOG_BUFFER_SIZE = 1 << 20, /* a transaction that doesn't fit is written before it is committed */
    LOG_FILE_SIZE =
        8 << 20, /* whole files go; recovery writes the rest of the last one, and a copy has all of it */
    FIRST_LOG_FILE_SIZE =
        256 << 10 /* so the first after a start is small: many stores change little between two */
};

/* What the head of a file says (DBMETA of Berkeley DB's db_page.h). */
enum { MAGIC_OFFSET = 12 };

/* A disk in trouble is tried again and again, and has something to say for every page. */
enum { MOST_LINES = 10 };

static void forget_complaint(struct tables *tables)
{
    pthread_mutex_lock(&tables->mutex);
    tables->complaint[0] = '\0';
    pthread_mutex_unlock(&tables->mutex);
}

/* Returns whether it is to be logged, too. */
static bool remember_complaint(struct tables *tables, const char *text)
{
    pthread_mutex_lock(&tables->mutex);
    snprintf(tables->complaint, sizeof tables->complaint, "%s", text);
    const bool logged = tables->lines_left > 0;
    tables->lines_left -= logged;
    pthread_mutex_unlock(&tables->mutex);
    return logged;
}

static void allow_lines(struct tables *tables)
{
    pthread_mutex_lock(&tables->mutex);
    tables->lines_left = MOST_LINES;
    pthread_mutex_unlock(&tables->mutex);
}

static void complain(const DB_ENV *environment, const char *prefix, const char *text)
{
    (void)prefix;
    struct tables *tables = environment->app_private;
    if (!remember_complaint(tables, text) || !tables->options.log)
        return;
    char line[STORE_ERROR_SIZE];
    snprintf(line, sizeof line, "store %s: Berkeley DB: %s", tables->options.path, text);
    tables->options.log(tables->options.context, LOG_WARNING, line);
}

const char *tables_reason(struct tables *tables, int error, char reason[TABLES_REASON_SIZE])
{
    pthread_mutex_lock(&tables->mutex);
    const bool more = tables->complaint[0] != '\0';
    snprintf(reason, TABLES_REASON_SIZE, "%.120s%s%.240s%s", db_strerror(error), more ? " (" : "",
             tables->complaint, more ? ")" : "");
    pthread_mutex_unlock(&tables->mutex);
    return reason;
}

void tables_create(struct tables *tables, const struct tables_options *options)
{
    *tables = (struct tables){.options = *options, .lines_left = MOST_LINES};
    pthread_mutex_init(&tables->mutex, NULL);
}

void tables_destroy(struct tables *tables)
{
    pthread_mutex_destroy(&tables->mutex);
}

bool tables_are_open(const struct tables *tables)
{
    return tables->environment != NULL;
}

/* Berkeley DB would repeat a failed fsync, and the second one succeeds although the data are lost. The error must
 * come through, so that the store can write everything again. */
static int sync_once(int descriptor)
{
    while (fdatasync(descriptor) != 0) {
        if (errno != EINTR)
            return errno;
    }
    return 0;
}

static bool has_btree_head(const char *path)
{
    uint8_t page[PAGE_SIZE];
    uint32_t magic = 0;
    FILE *file = fopen(path, "rbe");
    if (!file)
        return false;
    const bool whole = fread(page, 1, sizeof page, file) == sizeof page;
    fclose(file);
    memcpy(&magic, page + MAGIC_OFFSET, sizeof magic);
    return whole && magic == DB_BTREEMAGIC;
}

bool tables_check_files(const struct tables_options *options, char error[STORE_ERROR_SIZE])
{
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        char name[STORE_FILE_NAME_SIZE];
        char path[STORE_ERROR_SIZE * 4];
        store_directory_table_file(i, name);
        snprintf(path, sizeof path, "%s/%s", options->path, name);
        if (has_btree_head(path))
            continue;
        snprintf(error, STORE_ERROR_SIZE,
                 "%s is damaged: the file %s does not begin as a table does. Restore a backup (`etalon-store "
                 "verify DIRECTORY` tells what is left). Nothing was changed.",
                 options->path, name);
        return false;
    }
    return true;
}

static int configure(struct tables *tables)
{
    DB_ENV *environment = tables->environment;
    const uint64_t cache = tables->options.cache_size ? tables->options.cache_size : DEFAULT_CACHE_SIZE;
    environment->app_private = tables;
    environment->set_errcall(environment, complain);
    int error = environment->set_cachesize(environment, (uint32_t)(cache >> 30),
                                           (uint32_t)(cache & ((1U << 30) - 1)), 1);
    if (error ==
        0) /* more are made when they are needed; as many as the cache may need at most take 30 ms to make */
        error = environment->mutex_set_init(environment, FIRST_MUTEXES);
    if (error == 0)
        error = environment->set_lg_bsize(environment, LOG_BUFFER_SIZE);
    if (error == 0)
        error = environment->set_lg_max(environment, FIRST_LOG_FILE_SIZE);
    if (error == 0)
        error = environment->log_set_config(environment, DB_LOG_AUTO_REMOVE, 1);
    return error;
}

static int open_environment(struct tables *tables)
{
    db_env_set_func_fsync(sync_once);
    int error = db_env_create(&tables->environment, 0);
    if (error != 0) {
        tables->environment = NULL;
        return error;
    }
    error = configure(tables);
    if (error != 0)
        return error;
    /* Recovery after an orderly end finds nothing to do and is cheap, so that nobody need decide. */
    error = tables->environment->open(
        tables->environment, tables->options.path,
        DB_PRIVATE | DB_CREATE | DB_INIT_TXN | DB_INIT_LOG | DB_INIT_MPOOL | DB_THREAD | DB_RECOVER, 0600);
    return error != 0 ? error : tables->environment->set_lg_max(tables->environment, LOG_FILE_SIZE);
}

static int open_table(struct tables *tables, unsigned number, DB_TXN *transaction, bool make)
{
    DB *table;
    char name[STORE_FILE_NAME_SIZE];
    int error = db_create(&table, tables->environment, 0);
    if (error != 0)
        return error;
    tables->tables[number] = table;
    if (make) {
        error = table->set_flags(table, DB_CHKSUM);
        if (error == 0)
            error = table->set_pagesize(table, PAGE_SIZE);
    }
    if (error != 0)
        return error;
    return table->open(table, transaction, store_directory_table_file(number, name), NULL, DB_BTREE,
                       DB_THREAD | (make ? DB_CREATE : 0U), 0600);
}

static int open_tables(struct tables *tables, bool make)
{
    DB_TXN *transaction;
    int error = tables->environment->txn_begin(tables->environment, NULL, &transaction, 0);
    if (error != 0)
        return error;
    for (unsigned i = 0; i < TABLE_COUNT && error == 0; i++)
        error = open_table(tables, i, transaction, make);
    if (error == 0)
        return transaction->commit(transaction, DB_TXN_SYNC);
    transaction->abort(transaction);
    return error;
}

int tables_open(struct tables *tables, bool make)
{
    forget_complaint(tables);
    int error = open_environment(tables);
    if (error == 0)
        error = open_tables(tables, make);
    /* A new store is complete when it's in the files: the log is not asked whether they ought to exist. */
    if (error == 0 && make)
        error = tables->environment->txn_checkpoint(tables->environment, 0, 0, DB_FORCE);
    if (error != 0)
        tables_close(tables);
    return error;
}

int tables_close(struct tables *tables)
{
    int first = 0;
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        DB *table = tables->tables[i];
        const int error = table ? table->close(table, DB_NOSYNC) : 0;
        tables->tables[i] = NULL;
        if (first == 0)
            first = error;
    }
    if (tables->environment) {
        const int error = tables->environment->close(tables->environment, 0);
        tables->environment = NULL;
        if (first == 0)
            first = error;
    }
    return first;
}

static int delete_prefix_at(DBC *cursor, DBT *key, struct bytes prefix)
{
    DBT nothing = {.flags = DB_DBT_USERMEM | DB_DBT_PARTIAL};
    int error = cursor->get(cursor, key, &nothing, DB_SET_RANGE);
    while (error == 0) {
        if (key->size < prefix.length || memcmp(key->data, prefix.data, prefix.length) != 0)
            return 0;
        error = cursor->del(cursor, 0);
        if (error == 0)
            error = cursor->get(cursor, key, &nothing, DB_NEXT);
    }
    return error == DB_NOTFOUND ? 0 : error;
}

static int delete_prefix(DB *table, DB_TXN *transaction, struct bytes prefix)
{
    DBC *cursor;
    DBT key = {.size = (uint32_t)prefix.length, .flags = DB_DBT_REALLOC};
    key.data = malloc(prefix.length ? prefix.length : 1);
    if (!key.data)
        return ENOMEM;
    if (prefix.length > 0)
        memcpy(key.data, prefix.data, prefix.length);
    int error = table->cursor(table, transaction, &cursor, 0);
    if (error == 0) {
        error = delete_prefix_at(cursor, &key, prefix);
        const int closed = cursor->close(cursor);
        if (error == 0)
            error = closed;
    }
    free(key.data);
    return error;
}

/* Berkeley DB only reads what goes in, although DBT has no const. */
static DBT in(struct bytes bytes)
{
    return (DBT){.data = (void *)(uintptr_t)bytes.data, .size = (uint32_t)bytes.length};
}

static int apply_change(struct tables *tables, DB_TXN *transaction, const struct change *change)
{
    if (change->table >= TABLE_COUNT)
        return EINVAL;
    DB *table = tables->tables[change->table];
    DBT key = in(change->key);
    DBT value = in(change->value);
    switch (change->kind) {
    case CHANGE_PUT:
        return table->put(table, transaction, &key, &value, 0);
    case CHANGE_DELETE: {
        const int error = table->del(table, transaction, &key, 0);
        return error == DB_NOTFOUND ? 0 : error;
    }
    case CHANGE_DELETE_PREFIX:
        return delete_prefix(table, transaction, change->key);
    }
    return EINVAL;
}

static int apply_all(struct tables *tables, DB_TXN *transaction, const struct changes *changes)
{
    struct bytes rest = changes_all(changes);
    struct change change;
    int error = 0;
    while (error == 0 && changes_next(&rest, &change))
        error = apply_change(tables, transaction, &change);
    return error;
}

int tables_apply(struct tables *tables, const struct changes *changes, enum store_durability durability)
{
    /* Not even STORE_LAZY leaves a committed batch in the process's own memory: closing and opening again, which
     * is the answer to any trouble, would lose it. One write per batch on a thread of its own is cheap. */
    const uint32_t flags = durability == STORE_SYNC ? DB_TXN_SYNC : DB_TXN_WRITE_NOSYNC;
    DB_TXN *transaction;
    forget_complaint(tables);
    int error = tables->environment->txn_begin(tables->environment, NULL, &transaction, flags);
    if (error != 0)
        return error;
    error = apply_all(tables, transaction, changes);
    if (error != 0) {
        transaction->abort(transaction);
        return error;
    }
    error = transaction->commit(transaction, flags); /* aborts when it fails */
    if (error == 0)
        allow_lines(tables);
    return error;
}

int tables_checkpoint(struct tables *tables)
{
    /* Forced: unforced it is skipped when nothing was logged since the end of the last one, but what was logged
     * while that one was running needs another. */
    return tables->environment->txn_checkpoint(tables->environment, 0, 0, DB_FORCE);
}

struct tables_log tables_log(struct tables *tables)
{
    DB_LOG_STAT *statistics;
    if (!tables->environment || tables->environment->log_stat(tables->environment, &statistics, 0) != 0)
        return (struct tables_log){0};
    const struct tables_log result = {
        .position = (uint64_t)statistics->st_cur_file * LOG_FILE_SIZE + statistics->st_cur_offset,
        .syncs = statistics->st_scount,
        .file = statistics->st_cur_file,
    };
    free(statistics);
    return result;
}
