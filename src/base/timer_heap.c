#include "timer_heap.h"

#include <assert.h>
#include <stdlib.h>

static void place(struct timer_heap *heap, uint32_t index, struct timer *timer)
{
    heap->timers[index] = timer;
    timer->position = index + 1;
}

static void sift_up(struct timer_heap *heap, uint32_t index, struct timer *timer)
{
    while (index > 0) {
        const uint32_t parent = (index - 1) / 2;
        if (heap->timers[parent]->deadline <= timer->deadline)
            break;
        place(heap, index, heap->timers[parent]);
        index = parent;
    }
    place(heap, index, timer);
}

static void sift_down(struct timer_heap *heap, uint32_t index, struct timer *timer)
{
    for (;;) {
        uint32_t child = 2 * index + 1;
        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && heap->timers[child + 1]->deadline < heap->timers[child]->deadline)
            child++;
        if (timer->deadline <= heap->timers[child]->deadline)
            break;
        place(heap, index, heap->timers[child]);
        index = child;
    }
    place(heap, index, timer);
}

bool timer_heap_reserve(struct timer_heap *heap, uint32_t timers)
{
    if (timers <= heap->capacity)
        return true;
    uint32_t capacity = heap->capacity ? heap->capacity : 16;
    while (capacity < timers)
        capacity *= 2;
    struct timer **larger = realloc(heap->timers, capacity * sizeof *larger);
    if (!larger)
        return false;
    heap->timers = larger;
    heap->capacity = capacity;
    return true;
}

void timer_heap_set(struct timer_heap *heap, struct timer *timer, uint64_t deadline)
{
    if (timer->position == 0) {
        assert(heap->count < heap->capacity);
        timer->deadline = deadline;
        sift_up(heap, heap->count++, timer);
        return;
    }
    const bool earlier = deadline < timer->deadline;
    timer->deadline = deadline;
    if (earlier)
        sift_up(heap, timer->position - 1, timer);
    else
        sift_down(heap, timer->position - 1, timer);
}

void timer_heap_cancel(struct timer_heap *heap, struct timer *timer)
{
    if (timer->position == 0)
        return;
    const uint32_t index = timer->position - 1;
    assert(index < heap->count && heap->timers[index] == timer);
    struct timer *last = heap->timers[--heap->count];
    timer->position = 0;
    if (last == timer)
        return;
    if (index > 0 && last->deadline < heap->timers[(index - 1) / 2]->deadline)
        sift_up(heap, index, last);
    else
        sift_down(heap, index, last);
}

uint64_t timer_heap_deadline(const struct timer_heap *heap)
{
    return heap->count ? heap->timers[0]->deadline : TIMER_NEVER;
}

struct timer *timer_heap_expire(struct timer_heap *heap, uint64_t now)
{
    if (heap->count == 0 || heap->timers[0]->deadline > now)
        return NULL;
    struct timer *timer = heap->timers[0];
    timer_heap_cancel(heap, timer);
    return timer;
}

void timer_heap_destroy(struct timer_heap *heap)
{
    free(heap->timers);
    *heap = (struct timer_heap){0};
}
