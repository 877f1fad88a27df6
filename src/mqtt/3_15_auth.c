/* 3.15 AUTH - Authentication exchange; not before MQTT 5.0. Prefix: auth_ */
#include "3_15_auth.h"

#include "2_4_reason_code.h"

/* The form without Reason Code and properties is Success [R-3.15.2.1-1]: only a Server's [MQTT-3.15.2-1]. */
static struct verdict check_short_form(const struct decoder *decoder)
{
    if (decoder->sender == SENDER_CLIENT)
        return refuse(MQTT_3_15_2_1, REASON_PROTOCOL_ERROR, 1,
                      "AUTH without Reason Code means Success, not for a Client to send");
    return accept();
}

struct verdict auth_decode(struct decoder *decoder, struct packet *packet)
{
    struct auth *auth = &packet->auth;
    auth->reason_code = REASON_SUCCESS;
    properties_clear(&auth->properties);
    if (packet->remaining_length == 0)
        return check_short_form(decoder);

    /* [MQTT-3.15.2-1] */
    GUARD(reason_code_read(decoder, (struct field){"Authenticate Reason Code", "3.15.2.1"}, MQTT_3_15_2_1,
                           &auth->reason_code));
    const size_t offset = decoder_offset(decoder);
    GUARD(properties_decode(decoder, CONTEXT_AUTH, &auth->properties));
    if (!properties_has(&auth->properties, ORDINAL_AUTHENTICATION_METHOD)) /* [P-3.15.2.2.2-1] */
        return refuse(P_3_15_2_2_2_1, REASON_PROTOCOL_ERROR, offset, "AUTH without Authentication Method");
    return accept();
}

/* [R-3.15.2.1-1] */
static bool is_short(const struct packet *packet)
{
    return packet->auth.reason_code == REASON_SUCCESS && packet->auth.properties.present == 0;
}

size_t auth_size(const struct packet *packet)
{
    return is_short(packet) ? 0 : 1 + properties_encoded_size(&packet->auth.properties);
}

/* Reason Code, then Properties: [D-3.15.2-1] */
void auth_encode(struct writer *writer, const struct packet *packet)
{
    if (is_short(packet))
        return;
    write_byte(writer, packet->auth.reason_code);
    properties_encode(writer, &packet->auth.properties);
}
