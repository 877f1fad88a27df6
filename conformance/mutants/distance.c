#include "distance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

struct segment {
    struct segment *next;
    double due;
    enum segment_end end;
    size_t size;
    uint8_t bytes[];
};

bool distance_is_none(const struct distance *distance)
{
    return distance->latency <= 0 && distance->share <= 0;
}

/* From 0 up to, not including, 1; xorshift64. */
static double next_fraction(struct distance *distance)
{
    uint64_t x = distance->random == 0 ? 0x9E3779B97F4A7C15U : distance->random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    distance->random = x;
    return (double)(x >> 11) / 9007199254740992.0;
}

void route_append(struct route *route, struct distance *distance, double now, const void *bytes, size_t size,
                  enum segment_end end)
{
    struct segment *segment = allocate_or_die(sizeof *segment + size);
    const bool late = next_fraction(distance) < distance->share;
    *segment = (struct segment){
        .due = now + distance->latency + (late ? distance->more : 0), .end = end, .size = size};
    if (size > 0)
        memcpy(segment->bytes, bytes, size);
    if (route->last == NULL) {
        route->first = segment;
    } else {
        if (segment->due < route->last->due) /* TCP keeps the order */
            segment->due = route->last->due;
        route->last->next = segment;
    }
    route->last = segment;
    route->bytes += size;
}

double route_due(const struct route *route)
{
    return route->first == NULL ? HUGE_VAL : route->first->due;
}

bool route_take(struct route *route, double now, struct segment **segment, const uint8_t **bytes,
                size_t *size, enum segment_end *end)
{
    if (route_due(route) > now)
        return false;
    *segment = route->first;
    *bytes = route->first->bytes;
    *size = route->first->size;
    *end = route->first->end;
    route->bytes -= *size;
    route->first = route->first->next;
    if (route->first == NULL)
        route->last = NULL;
    return true;
}

void route_clear(struct route *route)
{
    while (route->first != NULL) {
        struct segment *segment = route->first;
        route->first = segment->next;
        free(segment);
    }
    *route = (struct route){NULL, NULL, 0};
}
