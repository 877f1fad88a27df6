/* report: the one interface of all forms of output. A form sets what it wants to hear of; the rest stays
 * NULL. */
#ifndef ETALON_CONFORMANCE_REPORT_H
#define ETALON_CONFORMANCE_REPORT_H

#include <stdio.h>

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
    const char *rerun; /* the options with which a test has to be run again: " --profile FOLDER", or "" */
    double begun;      /* the rest is the report's own: when the tests began, seconds, */
    size_t ran;        /* and how many have ended that were not skipped at once */
};
struct report report_terminal(struct terminal_options *options);

/* ---- Reports to files, written when all is over ---- */

/* Which packets the HTML report holds, each with its dissection. */
enum report_packets {
    PACKETS_BRIEF,    /* the first and last of each test, more of them where the verdict is not `pass` */
    PACKETS_FAILURES, /* none where the verdict is `pass` */
    PACKETS_FULL,     /* up to a thousand of each test */
    PACKETS_COUNT
};

/* What a report is about: one run, or several to be compared. */
struct report_input {
    const struct run *const *runs;
    size_t count;
    enum report_packets packets;
};

/* A form of report. `write` cannot fail; what goes wrong on the way to the file stays in the stream. */
struct report_format {
    const char *option; /* of the command line: "--json" */
    bool takes_many;    /* otherwise it is about exactly one run */
    void (*write)(FILE *out, const struct report_input *input);
};

/* The version of the JSON form. Readers take files up to it; see docs/REPORT-SCHEMA.md for when it grows. */
#define REPORT_SCHEMA 1

extern const struct report_format report_json;     /* everything: docs/REPORT-SCHEMA.md */
extern const struct report_format report_junit;    /* JUnit XML, for CI servers */
extern const struct report_format report_tap;      /* Test Anything Protocol 14 */
extern const struct report_format report_markdown; /* tables; of several runs: a matrix */
extern const struct report_format report_html;     /* a page that needs nothing else */

#endif
