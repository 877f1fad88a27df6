/* 3.9 SUBACK. Prefix: suback_ */
#ifndef ETALON_MQTT_3_09_SUBACK_H
#define ETALON_MQTT_3_09_SUBACK_H

#include "3_packet.h"

/* Decodes what follows the fixed header; the decoder stands behind it, `packet` holds type, version and
 * flags. */
struct verdict suback_decode(struct decoder *decoder, struct packet *packet);

/* Bytes that suback_encode writes: the Remaining Length. */
size_t suback_size(const struct packet *packet);

/* Writes what follows the fixed header. */
void suback_encode(struct writer *writer, const struct packet *packet);

#endif
