/* report: the one interface of all forms of output. A form sets what it wants to hear of; the rest stays
 * NULL. */
#ifndef ETALON_CONFORMANCE_REPORT_H
#define ETALON_CONFORMANCE_REPORT_H

#include "result.h"

struct report {
    void (*begin)(void *context, const struct run *run);
    void (*started)(void *context, const struct run *run, const struct result *result);
    void (*ended)(void *context, const struct run *run, const struct result *result);
    void (*end)(void *context, const struct run *run); /* all results are in */
    void *context;
};

/* The terminal: progress while it runs, failures with their packets, a summary. */
struct terminal_options {
    bool progress; /* the line that is overwritten */
    bool verbose;  /* a line for each test, and every packet of a failure field by field */
    bool colour;
    const char *const *groups; /* those that were asked for: they are counted; when verbose, all are */
    size_t group_count;
};
struct report report_terminal(struct terminal_options *options);

/* Reports to files, written when all is over: false with a message on standard error. A new form is a
 * function like these and a line in the table of options.c.
 * JSON: one object with `suite`, `target`, `seed`, `summary`, `properties`, `capabilities`, `tests`.
 * `summary` counts tests of kind "conformance"; those of kind "property" are counted in `properties`, by
 * group. */
bool report_json_write(const struct run *run, const char *path);

#endif
