/* 3.14 DISCONNECT - Disconnect notification. Prefix: disconnect_ */
#include "3_14_disconnect.h"

#include "2_4_reason_code.h"

/* 3.14 of MQTT 3.1.1: only the Client sends it, and it has neither variable header nor payload */
static struct verdict check_before_5(const struct decoder *decoder, const struct packet *packet)
{
    if (decoder->sender == SENDER_SERVER) /* [P3-2.2.1-4] */
        return refuse(P3_2_2_1_4, REASON_PROTOCOL_ERROR, 0,
                      "a Server does not send DISCONNECT before MQTT 5.0");
    if (packet->remaining_length != 0) /* [D3-3.14.2-1] [D3-3.14.3-1] [MQTT3-4.8.0-1] */
        return refuse(D3_3_14_2_1, REASON_MALFORMED_PACKET, 1, "Remaining Length of a DISCONNECT is not 0");
    return accept();
}

struct verdict disconnect_decode(struct decoder *decoder, struct packet *packet)
{
    struct disconnect *disconnect = &packet->disconnect;
    disconnect->reason_code = REASON_NORMAL_DISCONNECTION;
    properties_clear(&disconnect->properties);
    if (decoder->version != PROTOCOL_5_0)
        return check_before_5(decoder, packet);

    if (packet->remaining_length == 0) /* Normal disconnection [R-3.14.2.1-1] */
        return accept();
    /* [MQTT-3.14.2-1] */
    GUARD(reason_code_read(decoder, (struct field){"Disconnect Reason Code", "3.14.2.1"}, MQTT_3_14_2_1,
                           &disconnect->reason_code));
    if (packet->remaining_length < 2) /* no Property Length [D-3.14.2.2.1-1] */
        return accept();
    /* [MQTT-3.14.2-2] Session Expiry Interval of a Server, [R-3.14.2.2.5-1] Server Reference of a Client: in
     * the table */
    return properties_decode(decoder, CONTEXT_DISCONNECT, &disconnect->properties);
}

/* The shortest form: [R-3.14.2.1-2], down to nothing [D-3.14.2.1-1] */
static bool has_properties(const struct packet *packet)
{
    return packet->version == PROTOCOL_5_0 && packet->disconnect.properties.present != 0;
}

static bool has_reason_code(const struct packet *packet)
{
    return packet->version == PROTOCOL_5_0 &&
           (packet->disconnect.reason_code != REASON_NORMAL_DISCONNECTION || has_properties(packet));
}

size_t disconnect_size(const struct packet *packet)
{
    return (has_reason_code(packet) ? 1U : 0U) +
           (has_properties(packet) ? properties_encoded_size(&packet->disconnect.properties) : 0);
}

/* Reason Code, then Properties: [D-3.14.2-1] */
void disconnect_encode(struct writer *writer, const struct packet *packet)
{
    if (has_reason_code(packet))
        write_byte(writer, packet->disconnect.reason_code);
    if (has_properties(packet))
        properties_encode(writer, &packet->disconnect.properties);
}
