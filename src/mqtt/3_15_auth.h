/* 3.15 AUTH. Prefix: auth_ */
#ifndef ETALON_MQTT_3_15_AUTH_H
#define ETALON_MQTT_3_15_AUTH_H

#include "3_packet.h"

/* Decodes what follows the fixed header; the decoder stands behind it, `packet` holds type, version and
 * flags. */
struct verdict auth_decode(struct decoder *decoder, struct packet *packet);

/* Bytes that auth_encode writes: the Remaining Length. */
size_t auth_size(const struct packet *packet);

/* Writes what follows the fixed header. */
void auth_encode(struct writer *writer, const struct packet *packet);

#endif
