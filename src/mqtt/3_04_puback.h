/* 3.4 PUBACK. Prefix: puback_ */
#ifndef ETALON_MQTT_3_04_PUBACK_H
#define ETALON_MQTT_3_04_PUBACK_H

#include "3_packet.h"

/* What differs between PUBACK, PUBREC, PUBREL and PUBCOMP, whose form is the same. */
struct acknowledgement_rule {
    const char *reason_code_name;
    const char *identifier_section;
    const char *reason_code_section;
    enum property_context context;
    enum statement reason_code_statement; /* violated by a Reason Code that the packet does not have */
};

/* Decodes, measures and encodes the variable header of any of the four. 3.4.2 */
struct verdict acknowledgement_decode(struct decoder *decoder, const struct acknowledgement_rule *rule,
                                      struct packet *packet);
size_t acknowledgement_size(const struct packet *packet);
void acknowledgement_encode(struct writer *writer, const struct packet *packet);

/* Decodes what follows the fixed header; the decoder stands behind it, `packet` holds type, version and
 * flags. */
struct verdict puback_decode(struct decoder *decoder, struct packet *packet);

#endif
