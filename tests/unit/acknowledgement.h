/* acknowledgement: the rows that PUBACK, PUBREC, PUBREL and PUBCOMP share. `first` is the first byte of
 * the packet, `code` a Reason Code other than Success that both sides may send; both as text. */
#ifndef ETALON_UNIT_ACKNOWLEDGEMENT_H
#define ETALON_UNIT_ACKNOWLEDGEMENT_H

#include "support.h"

/* clang-format off */
#define ACKNOWLEDGEMENTS_ACCEPTED(first, code)                                                               \
    {"the short form means Success", V5, BOTH, first " 02 0001", NULL},                                      \
    {"greatest Packet Identifier", ALL, BOTH, first " 02 FFFF", NULL},                                       \
    {"Packet Identifier with a low byte of 0", ALL, BOTH, first " 02 0100", NULL},                           \
    {"Success, written out", V5, BOTH, first " 03 0001 00", first " 02 0001"},                               \
    {"Success and no properties, written out", V5, BOTH, first " 04 0001 00 00", first " 02 0001"},          \
    {"Reason Code without Property Length", V5, BOTH, first " 03 0001 " code, NULL},                         \
    {"Reason Code, no properties", V5, BOTH, first " 04 0001 " code " 00", first " 03 0001 " code},          \
    {"Success with a property", V5, BOTH, first " [0001 00 [1F <'why'>]]", NULL},                            \
    {"everything", V5, BOTH, first " [0001 " code " [1F <'why'> 26 <'n'> <'v'> 26 <'n'> <'v'>]]", NULL},     \
    {"the only form before 5.0", V3, BOTH, first " 02 0001", NULL}

/* [MQTT-2.2.1-5] [MQTT3-2.3.1-6] Packet Identifier; forms that do not fit their length */
#define ACKNOWLEDGEMENTS_REFUSED(first, code)                                                                \
    {"Packet Identifier 0", ALL, BOTH, EITHER, 2, {MQTT_2_2_1_5}, {MQTT3_2_3_1_6},                           \
     first " 02 0000",                                                                                       \
     first " 02 0001"},                                                                                      \
    {"nothing", ALL, BOTH, 0x81, 2, {MQTT_4_13_1_1}, {MQTT3_4_8_0_1},                                        \
     first " 00",                                                                                            \
     first " 02 0001"},                                                                                      \
    {"half a Packet Identifier", ALL, BOTH, 0x81, 2, {MQTT_4_13_1_1}, {MQTT3_4_8_0_1},                       \
     first " 01 01",                                                                                         \
     first " 02 0101"},                                                                                      \
    {"a byte too many", V3, BOTH, 0x81, 4, {NONE}, {MQTT3_4_8_0_1},                                          \
     first " 03 0001 00",                                                                                    \
     first " 02 0001"},                                                                                      \
    {"the long form before 5.0", V3, BOTH, 0x81, 4, {NONE}, {MQTT3_4_8_0_1},                                 \
     first " 04 0001 00 00",                                                                                 \
     first " 02 0001"},                                                                                      \
    {"a byte behind the properties", V5, BOTH, 0x81, 6, {MQTT_4_13_1_1}, {NONE},                             \
     first " 05 0001 " code " 00 00",                                                                        \
     first " 04 0001 " code " 00"},                                                                          \
    {"Property Length beyond the end", V5, BOTH, 0x81, 5, {MQTT_4_13_1_1}, {NONE},                           \
     first " 04 0001 00 01",                                                                                 \
     first " 04 0001 00 00"}

#define ACKNOWLEDGEMENT_CUTS(first, code)                                                                    \
    {first " [0001 " code " [1F <'why'> 26 <'n'> <'v'>]]", V5, BOTH, "2 3"},                                 \
    {first " 02 0001", V3, BOTH, ""}
/* clang-format on */

/* Decodes three forms and looks at the fields. */
static inline void check_acknowledgement_fields(const char *first, unsigned code)
{
    char notation[3][NOTATION_SIZE];
    struct packet packet;
    octets_print(notation[0], "%s [0102 %02X [1F <'why'>]]", first, code);
    octets_print(notation[1], "%s 03 0304 %02X", first, code);
    octets_print(notation[2], "%s 02 0506", first);

    const struct bytes all = octets(notation[0]);
    check_decodes(&packet, PROTOCOL_5_0, SENDER_CLIENT, all);
    ck_assert_uint_eq(packet.acknowledgement.packet_identifier, 0x0102);
    ck_assert_uint_eq(packet.acknowledgement.reason_code, code);
    check_text(properties_bytes(&packet.acknowledgement.properties, ORDINAL_REASON_STRING), "why");
    octets_free(all);

    const struct bytes some = octets(notation[1]);
    check_decodes(&packet, PROTOCOL_5_0, SENDER_CLIENT, some);
    ck_assert_uint_eq(packet.acknowledgement.packet_identifier, 0x0304);
    ck_assert_uint_eq(packet.acknowledgement.reason_code, code);
    ck_assert_uint_eq(packet.acknowledgement.properties.present, 0);
    octets_free(some);

    const struct bytes least = octets(notation[2]);
    for (int v = 0; v < 3; v++) {
        memset(&packet, 0xFF, sizeof packet);
        check_decodes(&packet, unit_versions[v], SENDER_SERVER, least);
        ck_assert_uint_eq(packet.acknowledgement.packet_identifier, 0x0506);
        ck_assert_uint_eq(packet.acknowledgement.reason_code, 0);
        ck_assert_uint_eq(packet.acknowledgement.properties.present, 0);
    }
    octets_free(least);
}

/* A Reason Code is not sent where the version has none. */
static inline void check_acknowledgement_encoding(enum packet_type type, const char *first, unsigned code)
{
    char notation[NOTATION_SIZE];
    struct packet packet = {.type = type, .version = PROTOCOL_5_0};
    packet.acknowledgement.packet_identifier = 0x0102;
    packet.acknowledgement.reason_code = (uint8_t)code;
    octets_print(notation, "%s 03 0102 %02X", first, code);
    check_encodes(&packet, notation);
    packet.version = PROTOCOL_3_1_1;
    octets_print(notation, "%s 02 0102", first);
    check_encodes(&packet, notation);
}

#endif
