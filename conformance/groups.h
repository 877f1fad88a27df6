/* groups: tests that are about one behaviour, whatever sections they stand in: "exactly-once", "takeover".
 * A test may belong to several, or to none. The table is in groups.c; nothing is written in the tests. */
#ifndef ETALON_CONFORMANCE_GROUPS_H
#define ETALON_CONFORMANCE_GROUPS_H

#include "result.h"

#define GROUP_PATTERNS 28

/* One behaviour. A test x version belongs to it when a pattern takes the test's file or its name, or when it
 * is a property of this group (PROPERTY_TEST). Lists end with NULL. */
struct group {
    const char *name;
    const char *title;                 /* one line: what it is about */
    const char *files[GROUP_PATTERNS]; /* globs on the names of files in tests/ */
    const char *names[GROUP_PATTERNS]; /* globs on the names of tests */
    unsigned versions;                 /* all tests of these versions belong to it; 0: none for that */
    bool on_request;                   /* who asks for it wants its tests with NEEDS_REQUEST, too */
};

/* The groups in the order in which they are shown, conformance first; *count is their number. */
const struct group *all_groups(size_t *count);

/* The group of that name, or NULL. */
const struct group *group_find(const char *name);

/* Whether test x version belongs to the group. */
bool group_has(const struct group *group, const struct conformance_test *test, enum protocol_version version);

/* The known group whose name is the most like this word; never NULL. */
const char *group_nearest(const char *word);

/* Prints the groups with the number of their tests; `verbose`: and what each pattern takes. False, after a
 * message on standard error, when a pattern takes nothing or a test is of a group that is not in the table:
 * the table is then wrong. */
bool groups_print(bool verbose);

#endif
