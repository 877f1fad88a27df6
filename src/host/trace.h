/* trace: every packet, field by field, on standard error. Prefix: trace_ */
#ifndef ETALON_HOST_TRACE_H
#define ETALON_HOST_TRACE_H

#include "../base/bytes.h"
#include "../mqtt/protocol.h"

/* Writes one block: a line that says who sent the packet to whom and in which version of MQTT, then the
 * packet dissected, indented. It has the form of broker_environment.trace; `context` is not used. */
void trace_packet(void *context, enum sender sender, struct bytes client_identifier,
                  enum protocol_version version, struct bytes packet);

#endif
