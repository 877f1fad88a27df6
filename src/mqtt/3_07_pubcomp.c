/* 3.7 PUBCOMP - Publish complete (QoS 2 delivery part 3). Prefix: pubcomp_ */
#include "3_07_pubcomp.h"

#include "3_04_puback.h"

static const struct acknowledgement_rule pubcomp_rule = {
    .reason_code_name = "PUBCOMP Reason Code",
    .identifier_section = "3.7.2",
    .reason_code_section = "3.7.2.1",
    .context = CONTEXT_PUBCOMP,
    .reason_code_statement = MQTT_3_7_2_1, /* [MQTT-3.7.2-1] */
};

struct verdict pubcomp_decode(struct decoder *decoder, struct packet *packet)
{
    return acknowledgement_decode(decoder, &pubcomp_rule, packet);
}
