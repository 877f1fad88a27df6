/* 3.2 CONNACK. Prefix: connack_ */
#ifndef ETALON_MQTT_3_02_CONNACK_H
#define ETALON_MQTT_3_02_CONNACK_H

#include "3_packet.h"

/* Decodes what follows the fixed header; the decoder stands behind it, `packet` holds type, version and
 * flags. */
struct verdict connack_decode(struct decoder *decoder, struct packet *packet);

/* Bytes that connack_encode writes: the Remaining Length. */
size_t connack_size(const struct packet *packet);

/* Writes what follows the fixed header. */
void connack_encode(struct writer *writer, const struct packet *packet);

#endif
