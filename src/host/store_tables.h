/* store_tables: the tables of a store in Berkeley DB, one B-tree in one file each. Prefix: tables_
 *
 * One environment, private to the process (its memory is on the heap, so there is nothing to clean up after a
 * crash but the log), with transactions and a log, but without the lock subsystem: there is one writer, the
 * store's thread. tables_checkpoint alone may run beside tables_apply: it touches no record. It looks at a page
 * under the page's own latch, which a writer holds exclusively while it changes the page, and the page goes to the
 * disk only after the log of its last change: that is the buffer pool's own discipline and needs no lock
 * subsystem. All else is for one thread at a time.
 *
 * An int is 0 or an error of Berkeley DB: errno (positive) or DB_... (negative). */
#ifndef ETALON_HOST_STORE_TABLES_H
#define ETALON_HOST_STORE_TABLES_H

#include <db.h>
#include <pthread.h>
#include <stdbool.h>

#include "../mqtt/4_01_1_records.h"
#include "store.h"

struct tables_options {
    const char *path;    /* of the directory; borrowed while the tables live */
    uint64_t cache_size; /* bytes; 0: a default */
    void *context;       /* for log */
    void (*log)(void *context, int level, const char *text);
};

enum { TABLES_REASON_SIZE = 384 };

struct tables {
    struct tables_options options;
    DB_ENV *environment;
    DB *tables[TABLE_COUNT];
    pthread_mutex_t mutex;              /* for what follows */
    unsigned lines_left;                /* of Berkeley DB's that are logged until a batch is committed */
    char complaint[TABLES_REASON_SIZE]; /* what Berkeley DB said last */
};

/* Prepares `tables`; they are closed. */
void tables_create(struct tables *tables, const struct tables_options *options);
void tables_destroy(struct tables *tables);

/* Whether each table's file begins as one of Berkeley DB's. Changes nothing, so it comes before tables_open. */
bool tables_check_files(const struct tables_options *options, char error[STORE_ERROR_SIZE]);

/* Opens the environment, which repeats from the log what the files lack, and the tables, which are made when
 * `make` says so. When that fails everything is closed again. */
int tables_open(struct tables *tables, bool make);

/* Whether they are open. */
bool tables_are_open(const struct tables *tables);

/* Closes without bringing anything to the disk but the log. Works on an environment in any state. */
int tables_close(struct tables *tables);

/* All changes as one transaction. Any error: nothing was changed; whether this is also so on the disk is known
 * only when the tables have been closed and opened again. */
int tables_apply(struct tables *tables, const struct changes *changes, enum store_durability durability);

/* Brings the tables' files up to date, so that the log before is no longer needed, and removes it. */
int tables_checkpoint(struct tables *tables);

/* What store_load does. */
bool tables_load(struct tables *tables,
                 const char *(*each)(void *context, uint8_t table, struct bytes key, struct bytes value),
                 void *context, char error[STORE_ERROR_SIZE]);

struct tables_log {
    uint64_t position; /* bytes that were ever logged, about */
    uint64_t syncs;    /* since tables_open */
    uint32_t file;     /* number of the log file in use */
};
struct tables_log tables_log(struct tables *tables);

/* Says in words what `error` means, with what Berkeley DB said about it. */
const char *tables_reason(struct tables *tables, int error, char reason[TABLES_REASON_SIZE]);

#endif
