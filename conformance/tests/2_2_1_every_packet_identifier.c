/* 2.2.1 Packet Identifier: 0, and the limits of the others, wherever a client has to choose or to repeat one. */
#include "2_1_by_hand.h"

/* Packets in which the client chooses. */
static const struct {
    const char *name;
    unsigned first_byte;
    const char *before; /* the Packet Identifier; & stands for a topic */
    const char *behind; /* the properties */
} choosers[] = {
    {"PUBLISH of QoS 1", 0x32, "&", ""},
    {"PUBLISH of QoS 1 with DUP", 0x3a, "&", ""},
    {"PUBLISH of QoS 2", 0x34, "&", ""},
    {"PUBLISH of QoS 2 with DUP", 0x3c, "&", ""},
    {"PUBLISH of QoS 1 with RETAIN", 0x33, "&", ""},
    {"SUBSCRIBE", 0x82, "", "& 00"},
    {"UNSUBSCRIBE", 0xa2, "", "&"},
};

/* And in which it repeats what was chosen before: what 0 does there is not stated. */
static const struct {
    const char *name;
    unsigned first_byte;
} repeaters[] = {{"PUBACK", 0x40}, {"PUBREC", 0x50}, {"PUBREL", 0x62}, {"PUBCOMP", 0x70}};

static const char *with_topic(struct test *t, const char *template)
{
    return template[0] == '&' ? text(t, "{%s} %s", topic(t, "a"), template + 1) : template;
}

CONFORMANCE_TEST(
    every_packet_identifier_but_0_is_accepted, V5 | V311, NEEDS_QOS2 | NEEDS_RETAIN,
    "A PUBLISH above QoS 0, a SUBSCRIBE and an UNSUBSCRIBE may have any Packet Identifier from 1 to "
    "65,535; with 0 they end the connection",
    MQTT_2_2_1_3, MQTT3_2_3_1_1)
{
    static const unsigned identifiers[] = {1, 0, 2, 127, 128, 255, 256, 32767, 32768, 65280, 65534, 65535};
    struct table *table = table_begin(t, .packet = "Packet Identifiers", .situation = CONNECTED);
    for (size_t i = 0; i < sizeof choosers / sizeof *choosers; i++)
        for (size_t j = 0; j < sizeof identifiers / sizeof *identifiers; j++)
            table_add(table, .name = text(t, "%u in %s", identifiers[j], choosers[i].name),
                      .demand = j == 0                ? ROW_CONTROL
                                : identifiers[j] == 0 ? ROW_REFUSED
                                                      : ROW_ACCEPTED,
                      .five = MQTT_2_2_1_3, .three = MQTT3_2_3_1_1,
                      .bytes =
                          bytes_by_hand(t, choosers[i].first_byte,
                                        text(t, "%s %04x", with_topic(t, choosers[i].before), identifiers[j]),
                                        "", with_topic(t, choosers[i].behind)));
    for (size_t i = 0; i < sizeof repeaters / sizeof *repeaters; i++)
        table_add(table, .name = text(t, "0 in %s", repeaters[i].name), .demand = ROW_OPEN,
                  .bytes = bytes_by_hand(t, repeaters[i].first_byte, "0000", NULL, NULL));
    table_judge(table);
}
