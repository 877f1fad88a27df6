/* runner: runs tests in processes of their own, many at a time, and gathers what they found. */
#ifndef ETALON_CONFORMANCE_RUNNER_H
#define ETALON_CONFORMANCE_RUNNER_H

#include "report.h"
#include "result.h"

struct runner_options {
    unsigned jobs;             /* tests at the same time */
    double patience;           /* seconds */
    double limit;              /* seconds a test may take before it is ended; 0: as the patience suggests */
    const char *profile;       /* directory, or NULL */
    bool properties_must_hold; /* one that does not is a failure of the run */
};

/* Runs every result of `run` that is not finished, in an order drawn from run->seed, but those that take long
 * first, and those that must have the target for themselves last. `report` hears of each as it ends. False when interrupted. */
bool run_tests(struct run *run, const struct runner_options *options, const struct report *report);

/* Runs one body for `version` in a process of its own and waits for it: for probes. What it reports with
 * record_capabilities is put into run->capabilities. `result` is the caller's to clear. */
void run_probe(struct run *run, const struct runner_options *options, const struct conformance_test *probe,
               enum protocol_version version, struct result *result);

#endif
