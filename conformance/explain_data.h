/* explain_data: what the sources of mutants and tests say, within the program. Made by explain-data. */
#ifndef ETALON_CONFORMANCE_EXPLAIN_DATA_H
#define ETALON_CONFORMANCE_EXPLAIN_DATA_H

#include <stddef.h>
#include <stdint.h>

struct mutant_description {
    const char *name; /* NULL ends the list */
    const char *breaks;
    const char *tests;          /* that must fail; names with a blank before and behind each */
    const uint16_t *statements; /* ended by STATEMENT_NONE */
};
extern const struct mutant_description mutant_descriptions[];

/* The comment above a test. */
struct test_remark {
    const char *name; /* NULL ends the list */
    const char *remark;
};
extern const struct test_remark test_remarks[];

#endif
