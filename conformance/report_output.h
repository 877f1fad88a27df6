/* report_output: the files that reports go to. They are opened before the run, so that a name that cannot be
 * written to costs nobody a run, and written when all is over; what stood in a file stays until then. */
#ifndef ETALON_CONFORMANCE_REPORT_OUTPUT_H
#define ETALON_CONFORMANCE_REPORT_OUTPUT_H

#include "report.h"

/* A report that was asked for. Zero-initialise what follows the first two members. */
struct output {
    const struct report_format *format;
    const char *path; /* "-": standard output */
    int file;         /* when opened */
    bool opened;
    bool created; /* there was no such file before */
};

/* Opens them all, for reports of `run_count` runs. With "-" among them, everything else that is printed to
 * standard output goes to standard error from then on. False, with a message on standard error and nothing
 * left open or created, when one cannot be opened, two are the same file, or a format takes one run only. */
bool outputs_open(struct output *outputs, size_t count, size_t run_count);

/* Writes and closes them all. False with a message on standard error if one could not be written. */
bool outputs_write(struct output *outputs, size_t count, const struct report_input *input);

/* Closes what is still open, for a run that did not come to its end, and removes the files made for it. */
void outputs_discard(struct output *outputs, size_t count);

#endif
