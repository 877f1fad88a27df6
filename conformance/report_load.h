/* report_load: runs read back from the JSON that --json wrote, for comparisons, baselines and other forms of
 * report. */
#ifndef ETALON_CONFORMANCE_REPORT_LOAD_H
#define ETALON_CONFORMANCE_REPORT_LOAD_H

#include "result.h"

/* Reads the report in the file `path`, of this schema version or an older one. Everything is looked at, so
 * that nobody else has to: NULL, with a sentence in `problem` (size bytes) that says which file, where and
 * what, when it is no such report. Statements that this program does not know are left out and counted in
 * `*unknown`. The run belongs to the caller, who frees it with report_unload. */
struct run *report_load(const char *path, size_t *unknown, char *problem, size_t size);

/* NULL is welcome. */
void report_unload(struct run *run);

#endif
