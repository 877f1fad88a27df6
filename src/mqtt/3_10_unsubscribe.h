/* 3.10 UNSUBSCRIBE. Prefix: unsubscribe_ */
#ifndef ETALON_MQTT_3_10_UNSUBSCRIBE_H
#define ETALON_MQTT_3_10_UNSUBSCRIBE_H

#include "3_packet.h"

/* Decodes what follows the fixed header; the decoder stands behind it, `packet` holds type, version and
 * flags. */
struct verdict unsubscribe_decode(struct decoder *decoder, struct packet *packet);

/* Bytes that unsubscribe_encode writes: the Remaining Length. */
size_t unsubscribe_size(const struct packet *packet);

/* Writes what follows the fixed header. */
void unsubscribe_encode(struct writer *writer, const struct packet *packet);

#endif
