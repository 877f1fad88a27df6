/* 3.14 DISCONNECT. Prefix: disconnect_ */
#ifndef ETALON_MQTT_3_14_DISCONNECT_H
#define ETALON_MQTT_3_14_DISCONNECT_H

#include "3_packet.h"

/* Decodes what follows the fixed header; the decoder stands behind it, `packet` holds type, version and
 * flags. */
struct verdict disconnect_decode(struct decoder *decoder, struct packet *packet);

/* Bytes that disconnect_encode writes: the Remaining Length. */
size_t disconnect_size(const struct packet *packet);

/* Writes what follows the fixed header. */
void disconnect_encode(struct writer *writer, const struct packet *packet);

#endif
