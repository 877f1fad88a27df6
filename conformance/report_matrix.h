/* report_matrix: requirements by runs: what the tests of each requirement say about each broker. */
#ifndef ETALON_CONFORMANCE_REPORT_MATRIX_H
#define ETALON_CONFORMANCE_REPORT_MATRIX_H

#include "report.h"

/* What `result` says about one of the statements that its test claims. That is its verdict, unless it ended
 * on a violation of another statement, which it met on its way: then this one could not be looked at. */
enum verdict_kind verdict_on(const struct result *result, enum statement statement);

/* The verdict that counts among several: fail, error, warn, pass, skip, in this order. */
enum verdict_kind worse_verdict(enum verdict_kind left, enum verdict_kind right);

struct matrix_cell {
    bool tested;               /* the run had a test of the statement, if only to skip it */
    enum verdict_kind verdict; /* the worst */
};

struct matrix {
    size_t runs;
    struct matrix_cell *cells;
};

/* Of all statements, runs and versions; free it with matrix_clear. */
struct matrix matrix_make(const struct report_input *input);
void matrix_clear(struct matrix *matrix);

const struct matrix_cell *matrix_at(const struct matrix *matrix, enum statement statement, size_t run,
                                    enum protocol_version version);

/* Whether the brokers differ in a version for which two or more were tested. */
bool matrix_differs(const struct matrix *matrix, enum statement statement);

/* Whether any run had a test of it. */
bool matrix_has(const struct matrix *matrix, enum statement statement);

#endif
