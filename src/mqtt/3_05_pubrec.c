/* 3.5 PUBREC - Publish received (QoS 2 delivery part 1). Prefix: pubrec_ */
#include "3_05_pubrec.h"

#include "3_04_puback.h"

static const struct acknowledgement_rule pubrec_rule = {
    .reason_code_name = "PUBREC Reason Code",
    .identifier_section = "3.5.2",
    .reason_code_section = "3.5.2.1",
    .context = CONTEXT_PUBREC,
    .reason_code_statement = MQTT_3_5_2_1, /* [MQTT-3.5.2-1] */
};

struct verdict pubrec_decode(struct decoder *decoder, struct packet *packet)
{
    return acknowledgement_decode(decoder, &pubrec_rule, packet);
}
