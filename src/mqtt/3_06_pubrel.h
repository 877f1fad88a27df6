/* 3.6 PUBREL. Prefix: pubrel_ */
#ifndef ETALON_MQTT_3_06_PUBREL_H
#define ETALON_MQTT_3_06_PUBREL_H

#include "3_packet.h"

/* Decodes what follows the fixed header; the decoder stands behind it, `packet` holds type, version and
 * flags. */
struct verdict pubrel_decode(struct decoder *decoder, struct packet *packet);

#endif
