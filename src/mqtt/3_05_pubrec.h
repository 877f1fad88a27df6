/* 3.5 PUBREC. Prefix: pubrec_ */
#ifndef ETALON_MQTT_3_05_PUBREC_H
#define ETALON_MQTT_3_05_PUBREC_H

#include "3_packet.h"

/* Decodes what follows the fixed header; the decoder stands behind it, `packet` holds type, version and
 * flags. */
struct verdict pubrec_decode(struct decoder *decoder, struct packet *packet);

#endif
