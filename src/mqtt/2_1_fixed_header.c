/* 2.1 Structure of an MQTT Control Packet: the fixed header. Prefix: fixed_header_ */
#include "2_1_fixed_header.h"

/* 2.1.2 and 2.1.3: what the first byte of each type may be. */
struct first_byte {
    const char *name;
    uint8_t flags;       /* the value that is required; PUBLISH has none */
    uint8_t free_in_31;  /* bits that MQTT 3.1 leaves free: DUP in what is sent again */
    enum statement five; /* violated by other flags */
    enum statement three;
};
#define DUP_BIT 0x08
static const struct first_byte first_bytes[16] = {
    [PACKET_RESERVED] = {"Reserved", 0, 0, MQTT_4_13_1_1, P3_2_2_1_1},
    [PACKET_CONNECT] = {"CONNECT", 0, 0, MQTT_2_1_3_1, MQTT3_2_2_2_1},
    [PACKET_CONNACK] = {"CONNACK", 0, 0, MQTT_2_1_3_1, MQTT3_2_2_2_1},
    [PACKET_PUBLISH] = {"PUBLISH", 0, 0, STATEMENT_NONE, STATEMENT_NONE},
    [PACKET_PUBACK] = {"PUBACK", 0, 0, MQTT_2_1_3_1, MQTT3_2_2_2_1},
    [PACKET_PUBREC] = {"PUBREC", 0, 0, MQTT_2_1_3_1, MQTT3_2_2_2_1},
    [PACKET_PUBREL] = {"PUBREL", 2, DUP_BIT, MQTT_3_6_1_1, MQTT3_3_6_1_1},
    [PACKET_PUBCOMP] = {"PUBCOMP", 0, 0, MQTT_2_1_3_1, MQTT3_2_2_2_1},
    [PACKET_SUBSCRIBE] = {"SUBSCRIBE", 2, DUP_BIT, MQTT_3_8_1_1, MQTT3_3_8_1_1},
    [PACKET_SUBACK] = {"SUBACK", 0, 0, MQTT_2_1_3_1, MQTT3_2_2_2_1},
    [PACKET_UNSUBSCRIBE] = {"UNSUBSCRIBE", 2, DUP_BIT, MQTT_3_10_1_1, MQTT3_3_10_1_1},
    [PACKET_UNSUBACK] = {"UNSUBACK", 0, 0, MQTT_2_1_3_1, MQTT3_2_2_2_1},
    [PACKET_PINGREQ] = {"PINGREQ", 0, 0, MQTT_2_1_3_1, MQTT3_2_2_2_1},
    [PACKET_PINGRESP] = {"PINGRESP", 0, 0, MQTT_2_1_3_1, MQTT3_2_2_2_1},
    [PACKET_DISCONNECT] = {"DISCONNECT", 0, 0, MQTT_3_14_1_1, MQTT3_3_14_1_1},
    [PACKET_AUTH] = {"AUTH", 0, 0, MQTT_3_15_1_1, P3_2_2_1_2},
};

const char *packet_type_name(enum packet_type type)
{
    return first_bytes[type & 15].name;
}

uint8_t fixed_header_flags(enum packet_type type, enum protocol_version version, uint8_t wanted)
{
    const struct first_byte *rule = &first_bytes[type & 15];
    const unsigned free = version == PROTOCOL_3_1 ? rule->free_in_31 : 0;
    return (uint8_t)(rule->flags | (wanted & free));
}

static struct verdict check_type(enum packet_type type, enum protocol_version version)
{
    /* Forbidden values of the table: [MQTT-4.13.1-1] [P3-2.2.1-1] [P3-2.2.1-2] [MQTT3-4.8.0-1] */
    if (type == PACKET_RESERVED)
        return refuse(version_cite(version, MQTT_4_13_1_1, P3_2_2_1_1), REASON_MALFORMED_PACKET, 0,
                      "Control Packet type 0 is reserved");
    if (type == PACKET_AUTH && (version == PROTOCOL_3_1 || version == PROTOCOL_3_1_1))
        return refuse(P3_2_2_1_2, REASON_MALFORMED_PACKET, 0,
                      "Control Packet type 15 is reserved before MQTT 5.0");
    return accept();
}

static struct verdict check_flags(enum packet_type type, uint8_t flags, enum protocol_version version)
{
    if (type == PACKET_PUBLISH)
        return accept();
    const struct first_byte *rule = &first_bytes[type];
    const unsigned free = version == PROTOCOL_3_1 ? rule->free_in_31 : 0;
    /* [MQTT-2.1.3-1] [P-2.1.3-1] [MQTT3-2.2.2-1] [MQTT3-2.2.2-2], or the rule in the packet's own section */
    if ((flags & ~free) != rule->flags)
        return refuse(version_cite(version, rule->five, rule->three), REASON_MALFORMED_PACKET, 0,
                      "reserved flags of the fixed header have the wrong value");
    return accept();
}

static enum framing refused(struct verdict *verdict, struct verdict why)
{
    *verdict = why;
    return FRAMING_REFUSED;
}

enum framing fixed_header_read(struct bytes input, enum protocol_version version, struct fixed_header *header,
                               struct verdict *verdict)
{
    *verdict = accept();
    if (input.length == 0)
        return FRAMING_INCOMPLETE;
    header->type = (enum packet_type)(input.data[0] >> 4);
    header->flags = input.data[0] & 0x0F;
    *verdict = check_type(header->type, version);
    if (!verdict->refused)
        *verdict = check_flags(header->type, header->flags, version);
    if (verdict->refused)
        return FRAMING_REFUSED;

    size_t size = 0;
    switch (variable_byte_integer_scan(bytes_after(input, 1), &header->remaining_length, &size)) {
    case INTEGER_COMPLETE:
        break;
    case INTEGER_INCOMPLETE:
        return FRAMING_INCOMPLETE;
    case INTEGER_TOO_LONG: /* [D-1.5.5-1, D3-2.2.3-3] [MQTT3-4.8.0-1] */
        return refused(verdict, refuse(version_cite(version, D_1_5_5_1, D3_2_2_3_3), REASON_MALFORMED_PACKET,
                                       4, "Remaining Length is longer than four bytes"));
    case INTEGER_NOT_MINIMAL: /* [MQTT-1.5.5-1] [D3-2.2.3-2] [MQTT3-4.8.0-1] */
        return refused(verdict,
                       refuse(version_cite(version, MQTT_1_5_5_1, D3_2_2_3_2), REASON_MALFORMED_PACKET, size,
                              "Remaining Length is longer than its value needs"));
    }
    header->size = 1 + size;
    return FRAMING_COMPLETE;
}

void fixed_header_observe_first(const struct decoder *decoder, const struct fixed_header *header)
{
    observe_number(decoder, (struct field){"MQTT Control Packet type", "2.1.2"}, 0, 1, FIELD_INTEGER,
                   header->type, packet_type_name(header->type));
    observe_number(decoder, (struct field){"Flags", "2.1.3"}, 0, 0, FIELD_FLAGS, header->flags, NULL);
}

void fixed_header_observe_length(const struct decoder *decoder, const struct fixed_header *header)
{
    observe_number(decoder, (struct field){"Remaining Length", "2.1.4"}, 1, header->size - 1, FIELD_INTEGER,
                   header->remaining_length, NULL);
}
