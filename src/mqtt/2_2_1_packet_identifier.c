/* 2.2.1 Packet Identifier. Prefix: packet_identifier_ */
#include "2_2_1_packet_identifier.h"

/* What a Packet Identifier of 0 violates. The packet can be parsed: a Protocol Error, as 1.2 defines it. */
static struct verdict refuse_zero(const struct decoder *decoder, size_t offset)
{
    static const char what[] = "Packet Identifier is 0";
    switch (decoder->type) {
    case PACKET_PUBLISH:
        if (decoder->sender == SENDER_SERVER) /* [MQTT-2.2.1-4] [MQTT3-2.3.1-4] */
            return refuse_protocol_error(decoder, MQTT_2_2_1_4, MQTT3_2_3_1_4, offset, what);
        break;
    case PACKET_PUBACK:
    case PACKET_PUBREC:
    case PACKET_PUBREL:
    case PACKET_PUBCOMP: /* [MQTT-2.2.1-5] [MQTT3-2.3.1-6] */
        return refuse_protocol_error(decoder, MQTT_2_2_1_5, MQTT3_2_3_1_6, offset, what);
    case PACKET_SUBACK:
    case PACKET_UNSUBACK: /* [MQTT-2.2.1-6] [MQTT3-2.3.1-7] */
        return refuse_protocol_error(decoder, MQTT_2_2_1_6, MQTT3_2_3_1_7, offset, what);
    default:
        break;
    }
    /* [MQTT-2.2.1-3] [MQTT3-2.3.1-1] */
    return refuse_protocol_error(decoder, MQTT_2_2_1_3, MQTT3_2_3_1_1, offset, what);
}

struct verdict packet_identifier_read(struct decoder *decoder, const char *section,
                                      uint16_t *packet_identifier)
{
    const size_t offset = decoder_offset(decoder);
    GUARD(read_two_byte_integer(decoder, (struct field){"Packet Identifier", section}, packet_identifier));
    if (*packet_identifier == 0)
        return refuse_zero(decoder, offset);
    return accept();
}
