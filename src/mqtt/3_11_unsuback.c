/* 3.11 UNSUBACK - Unsubscribe acknowledgement. Prefix: unsuback_ */
#include "3_11_unsuback.h"

#include "2_2_1_packet_identifier.h"
#include "2_4_reason_code.h"

struct verdict unsuback_decode(struct decoder *decoder, struct packet *packet)
{
    struct suback *unsuback = &packet->suback;
    GUARD(packet_identifier_read(decoder, "3.11.2", &unsuback->packet_identifier));
    GUARD(properties_decode(decoder, CONTEXT_UNSUBACK, &unsuback->properties));
    unsuback->reason_codes = (struct bytes){NULL, 0};
    if (decoder->version != PROTOCOL_5_0) /* no payload before 5.0 */
        return accept();

    if (decoder_left(decoder) == 0) /* [MQTT-3.11.3-2] */
        return refuse(MQTT_3_11_3_2, REASON_PROTOCOL_ERROR, decoder_offset(decoder),
                      "UNSUBACK without a Reason Code");
    unsuback->reason_codes = bytes_of(decoder->at, decoder_left(decoder));
    uint8_t code;
    while (decoder_left(decoder) > 0) /* [MQTT-3.11.3-2] */
        GUARD(reason_code_read(decoder, (struct field){"Unsubscribe Reason Code", "3.11.3"}, MQTT_3_11_3_2,
                               &code));
    return accept();
}

size_t unsuback_size(const struct packet *packet)
{
    if (packet->version != PROTOCOL_5_0)
        return 2;
    return 2 + properties_encoded_size(&packet->suback.properties) + packet->suback.reason_codes.length;
}

/* Packet Identifier, Properties, then the payload: [D-3.11.2-1, D3-3.11.1-1, D3-3.11.2-1] */
void unsuback_encode(struct writer *writer, const struct packet *packet)
{
    write_two_byte_integer(writer, packet->suback.packet_identifier);
    if (packet->version != PROTOCOL_5_0) /* [D3-3.11.3-1] */
        return;
    properties_encode(writer, &packet->suback.properties);
    write_raw(writer, packet->suback.reason_codes.data, packet->suback.reason_codes.length);
}
