/* store_state: what a store consists of, for store_bdb.c (its users' side) and store_thread.c (its threads' side).
 * Prefix: store_
 *
 * Three threads: the caller's, one that commits, one that makes checkpoints, so that a checkpoint, which may take a
 * second, delays no commit (store_tables.h says why the two may run side by side). When anything fails that is
 * more than a full disk, the committing thread closes the environment and opens it again, with recovery: then
 * what is committed is what the disk says, and the batch under way is applied once more, which does no harm if it
 * was committed after all. */
#ifndef ETALON_HOST_STORE_STATE_H
#define ETALON_HOST_STORE_STATE_H

#include <pthread.h>

#include "store_directory.h"
#include "store_tables.h"

enum store_phase {
    PHASE_IDLE,     /* no batch */
    PHASE_WORKING,  /* a batch waits for its commit, whether or not attempts have failed */
    PHASE_COMMITTED /* the caller has not been told yet */
};

struct store {
    struct store_options options; /* .directory is store->directory.path */
    struct store_directory directory;
    struct tables tables;
    pthread_t committer;
    pthread_t checkpointer;
    int committer_copying; /* descriptors of the file `copying` */
    int checkpointer_copying;

    pthread_mutex_t mutex; /* for all that follows, but see batch and tables */
    pthread_cond_t changed;
    enum store_phase phase;
    struct changes batch; /* the committing thread's while PHASE_WORKING, else the caller's */
    bool trouble;         /* the batch has failed, and the caller has been told or will be */
    bool trouble_news;    /* ... will be */
    char reason[TABLES_REASON_SIZE];       /* of the last failure */
    char reason_shown[TABLES_REASON_SIZE]; /* what the caller looks at */
    bool stopping;                         /* the threads are to end */
    bool hurry;                            /* try now, don't wait for retry_time */
    bool checkpoint_wanted;
    bool checkpoint_running; /* the tables must stay open */
    bool suspect;            /* the tables must be closed and opened again before the next batch */
    bool rewrite;            /* ... and all files be written again before that */
    uint64_t log_position;   /* after the last batch */
    uint64_t log_needed;     /* where the last checkpoint that is complete has begun */
    uint32_t log_file;       /* the log file whose name is durable */
    uint64_t syncs_before;   /* of environments that are closed */
    struct store_statistics statistics;
};

/* Starts and ends both threads. Ending waits for the attempt under way. False: they could not be started. */
bool store_threads_begin(struct store *store);
void store_threads_end(struct store *store);

/* Runs Berkeley DB's side of something that writes while nobody copies the files: waits for that. */
void store_begin_writing(int copying);
void store_end_writing(int copying);

#endif
