/* 3.2 CONNACK - Connect acknowledgement. Prefix: connack_ */
#include "3_02_connack.h"

#include "2_4_reason_code.h"

/* Return codes of 3.1 and 3.1.1, table 3.1 there. */
static const char *const return_codes[] = {
    "Connection Accepted", "unacceptable protocol version", "identifier rejected",
    "Server unavailable",  "bad user name or password",     "not authorized",
};
#define RETURN_CODES (sizeof return_codes / sizeof *return_codes)

/* 3.2.2.1 Connect Acknowledge Flags; MQTT 3.1 does not use the byte */
static struct verdict decode_flags(struct decoder *decoder, struct connack *connack)
{
    const size_t offset = decoder_offset(decoder);
    uint8_t flags;
    GUARD(take_byte(decoder, &flags));
    observe_number(decoder, (struct field){"Connect Acknowledge Flags", "3.2.2.1"}, offset, 1, FIELD_FLAGS,
                   flags, NULL);
    connack->session_present = false;
    if (decoder->version == PROTOCOL_3_1)
        return accept();
    observe_bits(decoder, (struct field){"Session Present", "3.2.2.1.1"}, offset, flags & 1, NULL);
    if ((flags & 0xFE) != 0) /* [MQTT-3.2.2-1] [U3-3.2.2.1-1] */
        return refuse_malformed(decoder, MQTT_3_2_2_1, U3_3_2_2_1_1, offset,
                                "reserved bits of the Connect Acknowledge Flags are not 0");
    connack->session_present = (flags & 1) != 0;
    return accept();
}

/* 3.2.2.3 of MQTT 3.1.1 */
static struct verdict decode_return_code(struct decoder *decoder, struct connack *connack)
{
    const size_t offset = decoder_offset(decoder);
    GUARD(take_byte(decoder, &connack->reason_code));
    const bool known = connack->reason_code < RETURN_CODES;
    observe_number(decoder, (struct field){"Connect Return code", "3.2.2.2"}, offset, 1, FIELD_INTEGER,
                   connack->reason_code, known ? return_codes[connack->reason_code] : "reserved");
    if (!known) /* [P3-3.2.2.3-1] */
        return refuse(P3_3_2_2_3_1, REASON_PROTOCOL_ERROR, offset, "Connect Return code is reserved");
    return accept();
}

struct verdict connack_decode(struct decoder *decoder, struct packet *packet)
{
    struct connack *connack = &packet->connack;
    const size_t offset = decoder_offset(decoder);
    GUARD(decode_flags(decoder, connack));
    if (decoder->version == PROTOCOL_5_0) /* [MQTT-3.2.2-8] */
        GUARD(reason_code_read(decoder, (struct field){"Connect Reason Code", "3.2.2.2"}, MQTT_3_2_2_8,
                               &connack->reason_code));
    else
        GUARD(decode_return_code(decoder, connack));
    if (connack->session_present && connack->reason_code != 0) /* [MQTT-3.2.2-6] [MQTT3-3.2.2-4] */
        return refuse_protocol_error(decoder, MQTT_3_2_2_6, MQTT3_3_2_2_4, offset,
                                     "Session Present is 1 though the connection is refused");
    return properties_decode(decoder, CONTEXT_CONNACK, &connack->properties);
}

size_t connack_size(const struct packet *packet)
{
    return 2 + properties_size_by_version(packet->version, &packet->connack.properties);
}

/* Flags, Reason Code, Properties, and no payload: [D-3.2.2-1, D3-3.2.1-1] [D-3.2.3-1, D3-3.2.3-1] */
void connack_encode(struct writer *writer, const struct packet *packet)
{
    /* [MQTT-3.2.2-1] [U3-3.2.2.1-1] */
    write_byte(writer, packet->connack.session_present && packet->version != PROTOCOL_3_1 ? 1 : 0);
    write_byte(writer, packet->connack.reason_code);
    properties_encode_by_version(writer, packet->version, &packet->connack.properties);
}
