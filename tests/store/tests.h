/* The groups of tests. */
#ifndef ETALON_TESTS_STORE_TESTS_H
#define ETALON_TESTS_STORE_TESTS_H

#include <check.h>

void add_kept(TCase *test_case);
void add_refused(TCase *test_case);
void add_killed(TCase *test_case);
void add_trouble(TCase *test_case);

/* How many of them cannot run here (a file system of their own needs a privilege). */
int tests_skipped(void);

#endif
