/* store_directory: the directory that holds a store: whose it is, who uses it, and which files belong to it.
 * Prefix: store_directory_
 *
 *   etalon-store      "etalon store, format N": it is one, and who may read it. Looked at before all else. While a
 *                     store is being made it is called etalon-store.new; a directory with that file is made anew.
 *   lock              locked (flock) by the process that uses the store, with its number as text; empty when the
 *                     last one closed the store in an orderly way
 *   copying           locked (flock, shared) by whoever writes; locked (exclusive) by whoever copies the files
 *   <table>.db, log.* Berkeley DB's */
#ifndef ETALON_HOST_STORE_DIRECTORY_H
#define ETALON_HOST_STORE_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"

struct store_directory {
    char *path;     /* owned */
    int descriptor; /* of the directory */
    int lock;       /* of the file `lock` */
    bool made;      /* the directory did not exist before */
    bool is_new;    /* it holds no store yet */
    bool unclean;   /* the process before did not close the store */
};

/* Makes sure that it is a store or can become one, and locks it. False: neither; `error` says why and the
 * directory is as it was. */
bool store_directory_open(struct store_directory *directory, const char *path, char error[STORE_ERROR_SIZE]);

/* The store in it is complete and in use from now on. */
bool store_directory_settle(struct store_directory *directory, char error[STORE_ERROR_SIZE]);

/* Gives the lock back. `clean`: everything is in the tables and closed. What there is of a store that did not
 * become complete is removed. */
void store_directory_close(struct store_directory *directory, bool clean);

/* A descriptor of the file `copying` (each user locks one of its own: a lock belongs to the descriptor). -1:
 * errno says why. */
int store_directory_open_copying(const struct store_directory *directory);

/* Makes the directory's entries durable. 0 or errno. */
int store_directory_sync(const struct store_directory *directory);

/* Writes all of Berkeley DB's files over with the bytes they have, and syncs them. 0 or errno. After a failed
 * fsync this is the only way to be sure: the kernel counts what it could not write as written. */
int store_directory_rewrite(const struct store_directory *directory);

/* Bytes that all files take on the disk. */
uint64_t store_directory_size(const struct store_directory *directory);

/* The name of a table's file ("sessions.db"). */
enum { STORE_FILE_NAME_SIZE = 64 };
const char *store_directory_table_file(unsigned table, char name[STORE_FILE_NAME_SIZE]);

#endif
