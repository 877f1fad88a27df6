/* 3.1 CONNECT. Prefix: connect_ */
#ifndef ETALON_MQTT_3_01_CONNECT_H
#define ETALON_MQTT_3_01_CONNECT_H

#include "3_packet.h"

/* Decodes what follows the fixed header; the decoder stands behind it, `packet` holds type, version and
 * flags. */
struct verdict connect_decode(struct decoder *decoder, struct packet *packet);

/* Bytes that connect_encode writes: the Remaining Length. */
size_t connect_size(const struct packet *packet);

/* Writes what follows the fixed header. */
void connect_encode(struct writer *writer, const struct packet *packet);

#endif
