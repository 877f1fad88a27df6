/* shelf: a store in a directory of its own, and beside it in memory what it must hold. Prefix: shelf_ */
#ifndef ETALON_TESTS_STORE_SHELF_H
#define ETALON_TESTS_STORE_SHELF_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/changes.h"
#include "host/store.h"

enum { SHELF_PATH_SIZE = 256, SHELF_LIMIT = 60 /* s; who waits longer has failed */ };

struct shelf_record {
    uint8_t table;
    uint8_t *key; /* owned; the value is behind it */
    size_t key_length;
    size_t value_length;
};

/* Sorted by table and key. */
struct model {
    struct shelf_record *records; /* owned */
    size_t count;
    size_t capacity;
};

struct shelf {
    char folder[SHELF_PATH_SIZE];    /* removed in the end */
    char directory[SHELF_PATH_SIZE]; /* of the store, in the folder */
    struct store_options options;
    struct store *store;
    pthread_mutex_t mutex; /* for notices and log */
    pthread_cond_t changed;
    unsigned notices;
    char log[8192];
};

/* A new folder, and a store that is not open yet. `parent`: where, NULL for the usual place. */
void shelf_create(struct shelf *shelf, const char *parent);

/* Closes the store and removes the folder. */
void shelf_destroy(struct shelf *shelf);

/* Opens the store, which must work. */
void shelf_open(struct shelf *shelf);
void shelf_close(struct shelf *shelf);

/* Waits for the next notice and returns what has become of the batch; fails after SHELF_LIMIT. */
enum store_outcome shelf_wait(struct shelf *shelf, const char **reason);

/* Commits, waits, and fails the test unless it worked at once. */
void shelf_commit(struct shelf *shelf, struct changes *changes);

/* Commits and waits until it has worked, through any trouble; returns whether there was any. */
bool shelf_commit_at_last(struct shelf *shelf, struct changes *changes);

/* Appends a change. */
void shelf_put(struct changes *changes, uint8_t table, struct bytes key, struct bytes value);
void shelf_delete(struct changes *changes, uint8_t table, struct bytes key);
void shelf_delete_prefix(struct changes *changes, uint8_t table, struct bytes prefix);

/* Does to the model what the store is to do. */
void model_apply(struct model *model, const struct changes *changes);
void model_free(struct model *model);

/* Reads the store and compares; returns NULL or what is different (static text). */
const char *shelf_difference(struct shelf *shelf, const struct model *model);

/* Numbers that are the same in every run. */
uint64_t random_next(uint64_t *state);

/* `count` changes such as a broker makes, but with few keys, so that they meet. */
void random_changes(uint64_t *state, struct changes *changes, unsigned count, size_t largest);

/* Removes a folder with all that is in it. */
void remove_folder(const char *path);

#endif
