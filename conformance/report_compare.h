/* report_compare: `etalon-conformance --compare A.json B.json …`, reports of runs that are over. */
#ifndef ETALON_CONFORMANCE_REPORT_COMPARE_H
#define ETALON_CONFORMANCE_REPORT_COMPARE_H

#include "options.h"

/* Reads the files of the command line and writes the reports that it asks for, Markdown to standard output
 * if it asks for none. Selections (-s, -V …) narrow what is shown. False with messages on standard error. */
bool compare_reports(const struct options *options);

/* Reads the file of --baseline into `*baseline`, NULL if there is none; the caller's to report_unload. False
 * with a message on standard error when it cannot be read. */
bool load_baseline(const struct options *options, struct run **baseline);

#endif
