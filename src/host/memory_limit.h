/* memory_limit: watches how much memory the broker needs, and tells it when that is too much. Prefix: memory_limit_
 *
 * Resident memory is cheap to ask for, but what was freed may still be in it; so what the allocator has handed out
 * decides once the former is above the limit. */
#ifndef ETALON_HOST_MEMORY_LIMIT_H
#define ETALON_HOST_MEMORY_LIMIT_H

#include "../mqtt/broker.h"
#include "log.h"

struct memory_limit {
    struct broker *broker;
    const struct log *log;
    uint64_t limit; /* bytes; 0: none */
    uint64_t next;  /* ms; when to look again */
    int statm;      /* /proc/self/statm; -1: there is none, and the allocator is asked at once */
    bool is_short;
};

/* Broker and log are borrowed. `limit` as in struct configuration. */
void memory_limit_begin(struct memory_limit *memory, struct broker *broker, const struct log *log);
void memory_limit_configure(struct memory_limit *memory, uint64_t limit);

/* Looks, if it's time again at `now` (ms). Called at the end of every turn. */
void memory_limit_look(struct memory_limit *memory, uint64_t now);

/* When to look although nothing happens (ms); UINT64_MAX: no need to. */
uint64_t memory_limit_deadline(const struct memory_limit *memory);

void memory_limit_end(struct memory_limit *memory);

#endif
