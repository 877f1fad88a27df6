/* distance: a broker that is far away. What is read from a socket arrives at the proxy only after a while, in the
 * order in which it was sent, and so does the end of a stream. Every read counts as one segment. */
#ifndef ETALON_CONFORMANCE_MUTANT_DISTANCE_H
#define ETALON_CONFORMANCE_MUTANT_DISTANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct distance {
    double latency; /* seconds that every segment needs, each way; 0: none */
    double share;   /* of the segments, 0 to 1, */
    double more;    /* that need so many seconds more; those behind them wait */
    uint64_t random;
};

/* Segments under way to the proxy, the first one first. All zero: none. */
struct segment;
struct route {
    struct segment *first;
    struct segment *last;
    size_t bytes; /* of all of them */
};

/* How a segment ends what can be read. */
enum segment_end { STREAM_GOES_ON, STREAM_ENDS, STREAM_BREAKS };

bool distance_is_none(const struct distance *distance);

/* Sends a copy of the bytes, read at the moment `now`, on their way. */
void route_append(struct route *route, struct distance *distance, double now, const void *bytes, size_t size,
                  enum segment_end end);

/* When the next segment arrives; a moment that never comes if there is none. */
double route_due(const struct route *route);

/* Takes the next segment if it has arrived; the caller frees `*segment`. False: none yet. */
bool route_take(struct route *route, double now, struct segment **segment, const uint8_t **bytes,
                size_t *size, enum segment_end *end);

void route_clear(struct route *route);

#endif
