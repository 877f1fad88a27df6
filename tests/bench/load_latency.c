/* Latency samples: the last SAMPLES ones are kept. */
#include "load.h"

#include <stdlib.h>

enum { SAMPLES = 1 << 17 };

void latency_make(struct latency *latency, struct load *load)
{
    latency->samples = load_allocate(load, SAMPLES, sizeof *latency->samples);
    latency->seen = 0;
}

void latency_reset(struct latency *latency)
{
    latency->seen = 0;
}

void latency_add(struct latency *latency, uint64_t nanoseconds)
{
    latency->samples[latency->seen++ % SAMPLES] = nanoseconds;
}

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

double latency_quantile(struct latency *latency, double share)
{
    size_t count = latency->seen < SAMPLES ? (size_t)latency->seen : SAMPLES;
    if (count == 0) {
        return 0;
    }
    qsort(latency->samples, count, sizeof *latency->samples, compare);
    return (double)latency->samples[(size_t)((double)(count - 1) * share)] / 1000;
}
