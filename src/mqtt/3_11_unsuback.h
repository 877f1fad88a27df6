/* 3.11 UNSUBACK. Prefix: unsuback_ */
#ifndef ETALON_MQTT_3_11_UNSUBACK_H
#define ETALON_MQTT_3_11_UNSUBACK_H

#include "3_packet.h"

/* Decodes what follows the fixed header; the decoder stands behind it, `packet` holds type, version and
 * flags. */
struct verdict unsuback_decode(struct decoder *decoder, struct packet *packet);

/* Bytes that unsuback_encode writes: the Remaining Length. */
size_t unsuback_size(const struct packet *packet);

/* Writes what follows the fixed header. */
void unsuback_encode(struct writer *writer, const struct packet *packet);

#endif
