/* 2.4 Reason Code: reading one; the codes are in the generated reason_code.h. Prefix: reason_code_ */
#ifndef ETALON_MQTT_2_4_REASON_CODE_H
#define ETALON_MQTT_2_4_REASON_CODE_H

#include "1_5_data_representation.h"

/* Reads the Reason Code of a 5.0 packet and refuses one that the table of the decoder's packet does not have
 * for its sender, citing `statement`. That is a Protocol Error: the packet can be
 * parsed (definition in 1.2). */
struct verdict reason_code_read(struct decoder *decoder, struct field field, enum statement statement,
                                uint8_t *code);

#endif
