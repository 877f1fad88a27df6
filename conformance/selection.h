/* selection: which tests run, and in which order. */
#ifndef ETALON_CONFORMANCE_SELECTION_H
#define ETALON_CONFORMANCE_SELECTION_H

#include "result.h"

/* Lists of wishes; an empty list (count 0) asks for everything. A test runs when it satisfies every kind
 * of wish by at least one of its entries. */
struct wishes {
    const char **sections; /* "3.3": any statement of the test of that section or below, in either version */
    size_t section_count;
    enum statement *statements;
    size_t statement_count;
    const char **names; /* globs on test names */
    size_t name_count;
    const char **groups; /* names of groups.h */
    size_t group_count;
    const char **groups_left_out; /* the one kind that takes away */
    size_t left_out_count;
    unsigned versions; /* mask; 0: all */
};

/* All tests that were linked in, in the suite's order. The array belongs to the caller (free); the tests
 * are static. */
const struct conformance_test **all_tests(size_t *count);

/* Whether `section` is `prefix` or lies below it: "3.3" takes 3.3.1 but not 3.30. */
bool section_is_within(const char *section, const char *prefix);

/* Whether test x version is wanted. */
bool is_selected(const struct wishes *wishes, const struct conformance_test *test,
                 enum protocol_version version);

/* Results, not yet run, for all that is selected; *count may become 0. The array belongs to the caller. */
struct result *select_tests(const struct wishes *wishes, const struct conformance_test **tests,
                            size_t test_count, size_t *count);

/* A permutation of 0..count-1, the same for the same seed. */
void shuffle(size_t *order, size_t count, uint64_t seed);

#endif
