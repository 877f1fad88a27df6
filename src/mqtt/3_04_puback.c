/* 3.4 PUBACK - Publish acknowledgement, and the form that it shares with PUBREC, PUBREL and PUBCOMP.
 * Prefix: puback_ / acknowledgement_ */
#include "3_04_puback.h"

#include "2_2_1_packet_identifier.h"
#include "2_4_reason_code.h"

struct verdict acknowledgement_decode(struct decoder *decoder, const struct acknowledgement_rule *rule,
                                      struct packet *packet)
{
    struct acknowledgement *acknowledgement = &packet->acknowledgement;
    acknowledgement->reason_code = REASON_SUCCESS;
    properties_clear(&acknowledgement->properties);
    GUARD(packet_identifier_read(decoder, rule->identifier_section, &acknowledgement->packet_identifier));
    if (decoder->version != PROTOCOL_5_0)
        return accept();

    /* Remaining Length 2: Success. [R-3.4.2.1-1] [D-3.4.2.1-1] [R-3.5.2.1-1] [R-3.6.2.1-1] [R-3.7.2.1-1] */
    if (packet->remaining_length == 2)
        return accept();
    GUARD(reason_code_read(decoder, (struct field){rule->reason_code_name, rule->reason_code_section},
                           rule->reason_code_statement, &acknowledgement->reason_code));
    /* Below 4 no Property Length. [D-3.4.2.2.1-1] [D-3.5.2.2.1-1] [D-3.6.2.2.1-1] [D-3.7.2.2.1-1] */
    if (packet->remaining_length < 4)
        return accept();
    return properties_decode(decoder, rule->context, &acknowledgement->properties);
}

/* Each part may be left out when nothing behind it says anything: the shortest form is sent.
 * [R-3.4.2.1-2] [R-3.5.2.1-2] [R-3.6.2.1-2] [R-3.7.2.1-2] */
static bool has_properties(const struct packet *packet)
{
    return packet->version == PROTOCOL_5_0 && packet->acknowledgement.properties.present != 0;
}

static bool has_reason_code(const struct packet *packet)
{
    return packet->version == PROTOCOL_5_0 &&
           (packet->acknowledgement.reason_code != REASON_SUCCESS || has_properties(packet));
}

size_t acknowledgement_size(const struct packet *packet)
{
    return 2U + (has_reason_code(packet) ? 1U : 0U) +
           (has_properties(packet) ? properties_encoded_size(&packet->acknowledgement.properties) : 0);
}

/* Packet Identifier, Reason Code, Properties: [D-3.4.2-1] [D-3.5.2-1] [D-3.6.2-1] [D-3.7.2-1]; before 5.0 the
 * two bytes of the identifier and nothing behind them: [D3-3.4.1-1, D3-3.4.2-1, D3-3.4.3-1]
 * [D3-3.5.1-1, D3-3.5.2-1, D3-3.5.3-1] [D3-3.6.1-1, D3-3.6.2-1, D3-3.6.3-1]
 * [D3-3.7.1-1, D3-3.7.2-1, D3-3.7.3-1] */
void acknowledgement_encode(struct writer *writer, const struct packet *packet)
{
    write_two_byte_integer(writer, packet->acknowledgement.packet_identifier);
    if (has_reason_code(packet))
        write_byte(writer, packet->acknowledgement.reason_code);
    if (has_properties(packet))
        properties_encode(writer, &packet->acknowledgement.properties);
}

static const struct acknowledgement_rule puback_rule = {
    .reason_code_name = "PUBACK Reason Code",
    .identifier_section = "3.4.2",
    .reason_code_section = "3.4.2.1",
    .context = CONTEXT_PUBACK,
    .reason_code_statement = MQTT_3_4_2_1, /* [MQTT-3.4.2-1] */
};

struct verdict puback_decode(struct decoder *decoder, struct packet *packet)
{
    return acknowledgement_decode(decoder, &puback_rule, packet);
}
