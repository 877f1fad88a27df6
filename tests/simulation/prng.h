/* prng: the simulation's own random numbers (splitmix64): the seed decides everything. Prefix: prng_ */
#ifndef ETALON_SIMULATION_PRNG_H
#define ETALON_SIMULATION_PRNG_H

#include <stdbool.h>
#include <stdint.h>

struct prng {
    uint64_t state;
};

static inline uint64_t prng_next(struct prng *prng)
{
    uint64_t z = prng->state += 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

/* 0 to `limit` - 1; `limit` at least 1. */
static inline uint32_t prng_below(struct prng *prng, uint32_t limit)
{
    return (uint32_t)(((prng_next(prng) >> 32) * limit) >> 32);
}

/* `low` to `high`, both included. */
static inline uint32_t prng_between(struct prng *prng, uint32_t low, uint32_t high)
{
    return low + prng_below(prng, high - low + 1);
}

static inline bool prng_chance(struct prng *prng, uint32_t in_thousand)
{
    return prng_below(prng, 1000) < in_thousand;
}

#endif
