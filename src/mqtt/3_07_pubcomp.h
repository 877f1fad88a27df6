/* 3.7 PUBCOMP. Prefix: pubcomp_ */
#ifndef ETALON_MQTT_3_07_PUBCOMP_H
#define ETALON_MQTT_3_07_PUBCOMP_H

#include "3_packet.h"

/* Decodes what follows the fixed header; the decoder stands behind it, `packet` holds type, version and
 * flags. */
struct verdict pubcomp_decode(struct decoder *decoder, struct packet *packet);

#endif
