/* capability: learns what the target can do before the tests begin. */
#ifndef ETALON_CONFORMANCE_CAPABILITY_H
#define ETALON_CONFORMANCE_CAPABILITY_H

#include "runner.h"

/* Probes the versions in `versions` (mask) and fills run->capabilities. Returns false with a sentence in
 * `problem` when nothing that speaks MQTT answers there. */
bool probe_target(struct run *run, const struct runner_options *options, unsigned versions, char *problem,
                  size_t size);

/* NULL when a test's needs are met for a version, else why they are not: a sentence in `reason` (size
 * bytes). */
const char *unmet_need(const struct run *run, const struct runner_options *options,
                       const struct conformance_test *test, enum protocol_version version, char *reason,
                       size_t size);

#endif
