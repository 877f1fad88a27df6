/* 3.9 SUBACK - Subscribe acknowledgement. Prefix: suback_ */
#include "3_09_suback.h"

#include "2_2_1_packet_identifier.h"
#include "2_4_reason_code.h"

/* 3.9.3 of MQTT 3.1.1 */
static const char *return_code_meaning(uint8_t code)
{
    static const char *const granted[] = {"Success - Maximum QoS 0", "Success - Maximum QoS 1",
                                          "Success - Maximum QoS 2"};
    return code <= 2 ? granted[code] : code == 0x80 ? "Failure" : NULL;
}

static struct verdict decode_return_code(struct decoder *decoder)
{
    const size_t offset = decoder_offset(decoder);
    uint8_t code;
    GUARD(take_byte(decoder, &code));
    const char *meaning = return_code_meaning(code);
    observe_number(decoder, (struct field){"Return Code", "3.9.3"}, offset, 1, FIELD_INTEGER, code,
                   meaning == NULL ? "reserved" : meaning);
    if (meaning == NULL) /* [MQTT3-3.9.3-2] */
        return refuse(MQTT3_3_9_3_2, REASON_PROTOCOL_ERROR, offset, "return code is reserved");
    return accept();
}

static struct verdict decode_reason_code(struct decoder *decoder)
{
    uint8_t code;
    if (decoder->version != PROTOCOL_5_0)
        return decode_return_code(decoder);
    return reason_code_read(decoder, (struct field){"Subscribe Reason Code", "3.9.3"}, /* [MQTT-3.9.3-2] */
                            MQTT_3_9_3_2, &code);
}

struct verdict suback_decode(struct decoder *decoder, struct packet *packet)
{
    struct suback *suback = &packet->suback;
    GUARD(packet_identifier_read(decoder, "3.9.2", &suback->packet_identifier));
    GUARD(properties_decode(decoder, CONTEXT_SUBACK, &suback->properties));
    if (decoder_left(decoder) == 0) /* [MQTT-3.8.4-6] [MQTT3-3.8.4-5] */
        return refuse_protocol_error(decoder, MQTT_3_8_4_6, MQTT3_3_8_4_5, decoder_offset(decoder),
                                     "SUBACK without a Reason Code");
    suback->reason_codes = bytes_of(decoder->at, decoder_left(decoder));
    while (decoder_left(decoder) > 0)
        GUARD(decode_reason_code(decoder));
    return accept();
}

size_t suback_size(const struct packet *packet)
{
    return 2 + properties_size_by_version(packet->version, &packet->suback.properties) +
           packet->suback.reason_codes.length;
}

/* Packet Identifier, Properties, then the payload: [D-3.9.2-1, D3-3.9.2-1] */
void suback_encode(struct writer *writer, const struct packet *packet)
{
    write_two_byte_integer(writer, packet->suback.packet_identifier);
    properties_encode_by_version(writer, packet->version, &packet->suback.properties);
    write_raw(writer, packet->suback.reason_codes.data, packet->suback.reason_codes.length);
}
