/* store_copy: copies the directory of a store, also while a broker uses it. Prefix: store_copy_
 *
 * The broker writes under a shared lock of the file `copying` (store_directory.h); the copy is made under an
 * exclusive one, so it shows the store between two batches. What is copied looks like what a crash leaves
 * behind: whoever opens it recovers it. The original is read only. */
#ifndef ETALON_HOST_STORE_COPY_H
#define ETALON_HOST_STORE_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"

struct store_copy {
    uint64_t files;
    uint64_t bytes;     /* of data; holes are not counted and stay holes */
    uint64_t lock_time; /* us during which the broker could not write */
};

/* Waits until nobody writes to the store in `from`, and keeps it so. Returns what to give to store_copy, or
 * -1: `error` says why. */
int store_copy_lock(const char *from, char error[STORE_ERROR_SIZE]);

/* Makes the directory `to`, which must not exist, and copies the store in `from` there, down to the disk.
 * Gives the lock back as soon as the files are copied. False: `error` says why, and what had been made is
 * removed. */
bool store_copy(const char *from, const char *to, int lock, struct store_copy *copy,
                char error[STORE_ERROR_SIZE]);

/* Removes the directory of a copy and all that is in it. False: errno says why. */
bool store_copy_remove(const char *directory);

/* Whether a signal to end the program waits. Programs that leave something behind to remove block these
 * signals (store_copy_hold_signals) once they have the lock, and ask at every turn of their loops. */
bool store_copy_interrupted(void);
void store_copy_hold_signals(void);

/* Lets the signals through, which ends the program if one waits. */
void store_copy_release_signals(void);

#endif
