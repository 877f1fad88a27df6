/* nearest: which known word somebody may have meant. Prefix: nearest_ */
#ifndef ETALON_HOST_NEAREST_H
#define ETALON_HOST_NEAREST_H

#include <stddef.h>

enum { NEAREST_LONGEST = 63 }; /* characters of a known word */

/* How many letters must be inserted, removed or replaced to make one word of the other (Levenshtein).
 * `known` has NEAREST_LONGEST characters at most; `word` may have any length. */
size_t nearest_distance(const char *word, const char *known);

#endif
