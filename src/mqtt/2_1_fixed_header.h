/* 2.1 Structure of an MQTT Control Packet: the fixed header. Prefix: fixed_header_ */
#ifndef ETALON_MQTT_2_1_FIXED_HEADER_H
#define ETALON_MQTT_2_1_FIXED_HEADER_H

#include "3_packet.h"

struct fixed_header {
    enum packet_type type;
    uint8_t flags;             /* low four bits of the first byte */
    uint32_t remaining_length; /* bytes after the fixed header */
    size_t size;               /* of the fixed header itself in bytes, 2 to 5 */
};

/* Reads the fixed header at the start of `input`. Refuses a type or reserved flags that `version` does not
 * have, and a Remaining Length that is too long or not minimal; `type` and `flags` are set even then, if
 * there is a byte at all. FRAMING_COMPLETE means that the fixed header, not necessarily the packet, is
 * complete. Sections 2.1.2 to 2.1.4 */
enum framing fixed_header_read(struct bytes input, enum protocol_version version, struct fixed_header *header,
                               struct verdict *verdict);

/* The flags that a type has to carry; 0 for PUBLISH, whose flags are data. Of `wanted` only that bit counts
 * which MQTT 3.1 leaves to the sender: DUP in PUBREL, SUBSCRIBE and UNSUBSCRIBE. Table 2-2 */
uint8_t fixed_header_flags(enum packet_type type, enum protocol_version version, uint8_t wanted);

/* Tell the observer of the first byte, and of the Remaining Length. */
void fixed_header_observe_first(const struct decoder *decoder, const struct fixed_header *header);
void fixed_header_observe_length(const struct decoder *decoder, const struct fixed_header *header);

#endif
