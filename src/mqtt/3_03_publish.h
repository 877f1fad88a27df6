/* 3.3 PUBLISH. Prefix: publish_ */
#ifndef ETALON_MQTT_3_03_PUBLISH_H
#define ETALON_MQTT_3_03_PUBLISH_H

#include "3_packet.h"

/* DUP, QoS and RETAIN as the low four bits of the first byte. 3.3.1 */
uint8_t publish_flags(const struct packet *packet);

/* Decodes what follows the fixed header; the decoder stands behind it, `packet` holds type, version and
 * flags. */
struct verdict publish_decode(struct decoder *decoder, struct packet *packet);

/* Bytes that publish_encode writes: the Remaining Length. */
size_t publish_size(const struct packet *packet);

/* Writes what follows the fixed header. */
void publish_encode(struct writer *writer, const struct packet *packet);

#endif
