/* memory: what a mutant keeps beyond one packet and one connection. */
#ifndef ETALON_CONFORMANCE_MUTANT_MEMORY_H
#define ETALON_CONFORMANCE_MUTANT_MEMORY_H

#include <stddef.h>

#include "../../src/base/bytes.h"

struct memory_entry;
struct memory {
    struct memory_entry *first;
};

/* Allocates `count` zeroed bytes, or ends the program: a proxy without memory has nothing to prove. */
void *allocate_or_die(size_t count);

/* Grows a block; likewise. */
void *grow_or_die(void *block, size_t size);

void memory_put(struct memory *memory, const char *kind, struct bytes key, struct bytes value);
struct bytes memory_get(const struct memory *memory, const char *kind, struct bytes key);
void memory_remove(struct memory *memory, const char *kind, struct bytes key);
void memory_clear(struct memory *memory);

#endif
