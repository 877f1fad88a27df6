/* store_salvage: reads what can still be read of a damaged store. Prefix: store_salvage */
#ifndef ETALON_HOST_STORE_SALVAGE_H
#define ETALON_HOST_STORE_SALVAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/bytes.h"

struct salvage_sink {
    void *context;
    /* A record. Returns whether to go on. */
    bool (*record)(void *context, uint8_t table, struct bytes key, struct bytes value);
    /* A table has come to its end; `wrong` is NULL, or why not all of it could be read (static, or the
     * system's). */
    void (*table)(void *context, uint8_t table, const char *wrong);
};

/* Opens the file of every table from `first` on by itself, read only, and gives its records in the order of
 * their keys, up to the first that cannot be read. What is only in the log, and so came last, is not among
 * them. */
void store_salvage(const char *directory, unsigned first, const struct salvage_sink *sink);

#endif
