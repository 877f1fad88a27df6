/* 3.8 SUBSCRIBE. Prefix: subscribe_ */
#ifndef ETALON_MQTT_3_08_SUBSCRIBE_H
#define ETALON_MQTT_3_08_SUBSCRIBE_H

#include "3_packet.h"

/* Decodes what follows the fixed header; the decoder stands behind it, `packet` holds type, version and
 * flags. */
struct verdict subscribe_decode(struct decoder *decoder, struct packet *packet);

/* Bytes that subscribe_encode writes: the Remaining Length. */
size_t subscribe_size(const struct packet *packet);

/* Writes what follows the fixed header. */
void subscribe_encode(struct writer *writer, const struct packet *packet);

#endif
