/* identifier_set: a set of non-zero 16-bit identifiers, small while it holds few. Open addressing, linear
 * probing. Used for the Packet Identifiers of QoS 2 messages received and not yet released (section 4.3.3). */
#ifndef ETALON_BASE_IDENTIFIER_SET_H
#define ETALON_BASE_IDENTIFIER_SET_H

#include <stdbool.h>
#include <stdint.h>

/* Zero-initialised means empty; an empty set owns no memory. */
struct identifier_set {
    uint16_t *slots; /* 0 = free */
    uint32_t capacity;
    uint32_t count;
};

/* Adds `identifier` (not 0). False when there is no memory; adding what is there already succeeds. */
bool identifier_set_add(struct identifier_set *set, uint16_t identifier);

/* Whether `identifier` is in the set. */
bool identifier_set_has(const struct identifier_set *set, uint16_t identifier);

/* Removes `identifier`; false when it was not there. Frees the memory when the set becomes empty and is
 * large. */
bool identifier_set_remove(struct identifier_set *set, uint16_t identifier);

/* Removes everything and frees the memory. */
void identifier_set_clear(struct identifier_set *set);

#endif
