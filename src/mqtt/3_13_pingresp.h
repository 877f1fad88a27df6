/* 3.13 PINGRESP. Prefix: pingresp_ */
#ifndef ETALON_MQTT_3_13_PINGRESP_H
#define ETALON_MQTT_3_13_PINGRESP_H

#include "3_packet.h"

/* Decodes what follows the fixed header; the decoder stands behind it, `packet` holds type, version and
 * flags. */
struct verdict pingresp_decode(struct decoder *decoder, struct packet *packet);

#endif
