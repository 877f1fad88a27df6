/* 3.6 PUBREL - Publish release (QoS 2 delivery part 2). Prefix: pubrel_ */
#include "3_06_pubrel.h"

#include "3_04_puback.h"

static const struct acknowledgement_rule pubrel_rule = {
    .reason_code_name = "PUBREL Reason Code",
    .identifier_section = "3.6.2",
    .reason_code_section = "3.6.2.1",
    .context = CONTEXT_PUBREL,
    .reason_code_statement = MQTT_3_6_2_1, /* [MQTT-3.6.2-1] */
};

struct verdict pubrel_decode(struct decoder *decoder, struct packet *packet)
{
    return acknowledgement_decode(decoder, &pubrel_rule, packet);
}
