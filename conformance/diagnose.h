/* diagnose: why nothing can be measured at a target: what was seen there, and what to do. */
#ifndef ETALON_CONFORMANCE_DIAGNOSE_H
#define ETALON_CONFORMANCE_DIAGNOSE_H

#include <stddef.h>

#include "../src/mqtt/3_packet.h"
#include "target.h"

/* Looks at a target at which no probe succeeded, with connections of its own, and puts a sentence or two into
 * `problem` (size bytes). `version` is one that was tried; each look waits `seconds` at most. `found` is what the
 * probe found, and what is said when nothing better is known. */
void diagnose_target(const struct target *target, enum protocol_version version, double seconds,
                     const char *found, char *problem, size_t size);

#endif
