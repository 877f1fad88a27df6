/* 3.12 PINGREQ. Prefix: pingreq_ */
#ifndef ETALON_MQTT_3_12_PINGREQ_H
#define ETALON_MQTT_3_12_PINGREQ_H

#include "3_packet.h"

/* Decodes what follows the fixed header; the decoder stands behind it, `packet` holds type, version and
 * flags. */
struct verdict pingreq_decode(struct decoder *decoder, struct packet *packet);

#endif
