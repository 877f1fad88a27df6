/* trace: prints packets for people. The one place of the suite that knows the dissector. */
#ifndef ETALON_CONFORMANCE_TRACE_H
#define ETALON_CONFORMANCE_TRACE_H

#include <stdio.h>

#include "result.h"

/* Prints the exchange of a result, indented: a line for each packet, the last ones also field by field.
 * With `whole` every packet is shown field by field, and nothing is left out however long the exchange. */
void trace_print(FILE *out, const struct result *result, bool whole, bool colour);

/* Calls `each` for every packet of an exchange that is no event: bytes that were sent in one go may be several.
 * The bytes live as long as the exchange. */
void trace_packets(const struct exchange *exchange,
                   void (*each)(void *context, struct bytes packet, enum protocol_version version,
                                enum sender sender),
                   void *context);

/* The type of the Control Packet that begins at `bytes`, e.g. "PUBLISH"; "" for none. */
const char *trace_type(struct bytes bytes);

#endif
