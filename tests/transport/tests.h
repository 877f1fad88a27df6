/* The groups of tests. */
#ifndef ETALON_TESTS_TRANSPORT_TESTS_H
#define ETALON_TESTS_TRANSPORT_TESTS_H

#include <check.h>

/* The folder of tests/certs/make. */
extern const char *certificates;

void add_first_bytes(TCase *test_case);
void add_tls_context(TCase *test_case);
void add_tls_filter(TCase *test_case);
void add_tls_refused(TCase *test_case);

#endif
