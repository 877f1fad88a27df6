/* 2.2.1 Packet Identifier. Prefix: packet_identifier_ */
#ifndef ETALON_MQTT_2_2_1_PACKET_IDENTIFIER_H
#define ETALON_MQTT_2_2_1_PACKET_IDENTIFIER_H

#include "1_5_data_representation.h"

/* Reads the Packet Identifier of the decoder's packet and refuses 0; `section` is where the packet describes
 * it. */
struct verdict packet_identifier_read(struct decoder *decoder, const char *section,
                                      uint16_t *packet_identifier);

#endif
