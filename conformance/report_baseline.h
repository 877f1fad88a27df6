/* report_baseline: what changed since a run before, for CI: a broker with known failures passes as long as
 * nothing gets worse. */
#ifndef ETALON_CONFORMANCE_REPORT_BASELINE_H
#define ETALON_CONFORMANCE_REPORT_BASELINE_H

#include <stdio.h>

#include "selection.h"

enum change {
    CHANGE_NONE,
    CHANGE_WORSE, /* it fails and did not fail before, or it passed and is now skipped, an error, or missing */
    CHANGE_BETTER, /* it failed or could not be run, and passes */
    CHANGE_OTHER,  /* any other; warnings come and go without being better or worse */
    CHANGE_COUNT
};

/* How a test changed; NULL: it was, or is, not there. A property that does not hold is worse if it held
 * before, or if properties must hold. Tests that are new and pass or are skipped are no change. */
enum change change_of(const struct run *run, const struct result *was, const struct result *is);

/* Prints what changed between the two runs, as far as `wishes` select it, and a line that counts it.
 * Returns how many tests got worse. */
size_t baseline_compare(FILE *out, const struct run *run, const struct run *baseline,
                        const struct wishes *wishes);

#endif
