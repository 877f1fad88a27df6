/* timer_heap: deadlines in order. A binary heap of pointers to timers that their owners embed.
 *
 *            [0] earliest
 *           /            \
 *        [1]              [2]      heap[i]->deadline <= heap[2i+1]->deadline, heap[2i+2]->deadline
 *
 * Setting, moving and cancelling cost O(log n); looking at the earliest costs nothing. Nothing is ever
 * scanned. */
#ifndef ETALON_BASE_TIMER_HEAP_H
#define ETALON_BASE_TIMER_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIMER_NEVER UINT64_MAX

/* Embedded in whatever waits; zero-initialised means "not set". */
struct timer {
    uint64_t deadline; /* ms, on the clock that the caller hands in */
    uint32_t position; /* index in the heap plus 1; 0 = not set */
    uint8_t kind;      /* for the owner: tells what structure the timer is embedded in */
};

struct timer_heap {
    struct timer **timers;
    uint32_t count;
    uint32_t capacity;
};

/* Makes room for `timers` timers in all, so that setting one of them cannot fail later, when there would be
 * nobody to tell. False: no memory, the heap is unchanged. */
bool timer_heap_reserve(struct timer_heap *heap, uint32_t timers);

/* Sets or moves `timer` to `deadline`. Room for it must have been reserved. */
void timer_heap_set(struct timer_heap *heap, struct timer *timer, uint64_t deadline);

/* Cancels `timer`; harmless when it is not set. */
void timer_heap_cancel(struct timer_heap *heap, struct timer *timer);

/* The deadline of the earliest timer, TIMER_NEVER when none is set. */
uint64_t timer_heap_deadline(const struct timer_heap *heap);

/* Takes out the earliest timer whose deadline is at or before `now`; NULL when there is none. */
struct timer *timer_heap_expire(struct timer_heap *heap, uint64_t now);

/* Frees the heap's own memory; the timers belong to their owners. */
void timer_heap_destroy(struct timer_heap *heap);

#endif
