/* 3.1 CONNECT. The version stands in the packet itself, so each row has one. */
#include "support.h"

static const struct accepted accepted[] = {
    {"the least CONNECT", V5, CLIENT, "10 [<'MQTT'> 05 02 003C [] <'a'>]", NULL},
    {"empty Client Identifier, Clean Start 1", V5, CLIENT, "10 [<'MQTT'> 05 02 0000 [] <>]", NULL},
    {"empty Client Identifier, Clean Start 0: the Server may assign one", V5, CLIENT,
     "10 [<'MQTT'> 05 00 0000 [] <>]", NULL},
    {"long Client Identifier", V5, CLIENT, "10 [<'MQTT'> 05 02 FFFF [] <61*65535>]", NULL},
    {"Client Identifier with U+FEFF [MQTT-1.5.4-3]", V5, CLIENT, "10 [<'MQTT'> 05 02 003C [] <EFBBBF 'a'>]",
     NULL},
    {"Will, QoS 0", V5, CLIENT, "10 [<'MQTT'> 05 06 003C [] <'a'> [] <'w'> <'m'>]", NULL},
    {"Will, QoS 1", V5, CLIENT, "10 [<'MQTT'> 05 0E 003C [] <'a'> [] <'w'> <'m'>]", NULL},
    {"Will, QoS 2, retained", V5, CLIENT, "10 [<'MQTT'> 05 36 003C [] <'a'> [] <'w/x'> <'m'>]", NULL},
    {"Will with an empty payload", V5, CLIENT, "10 [<'MQTT'> 05 06 003C [] <'a'> [] <'w'> <>]", NULL},
    {"Will Payload of any bytes", V5, CLIENT, "10 [<'MQTT'> 05 06 003C [] <'a'> [] <'w'> <00FFC3>]", NULL},
    {"User Name alone", V5, CLIENT, "10 [<'MQTT'> 05 82 003C [] <'a'> <'u'>]", NULL},
    {"empty User Name", V5, CLIENT, "10 [<'MQTT'> 05 82 003C [] <'a'> <>]", NULL},
    {"Password alone: new in 5.0", V5, CLIENT, "10 [<'MQTT'> 05 42 003C [] <'a'> <'p'>]", NULL},
    {"User Name and Password", V5, CLIENT, "10 [<'MQTT'> 05 C2 003C [] <'a'> <'u'> <'p'>]", NULL},
    {"Password of any bytes", V5, CLIENT, "10 [<'MQTT'> 05 C2 003C [] <'a'> <'u'> <00FFC3>]", NULL},
    {"everything", V5, CLIENT,
     "10 [<'MQTT'> 05 F6 003C [11 00000001] <'a'> [18 00000002] <'w'> <'m'> <'u'> <'p'>]", NULL},
    {"Authentication Method and Data", V5, CLIENT, "10 [<'MQTT'> 05 02 003C [15 <'m'> 16 <00FF>] <'a'>]",
     NULL},
    {"Authentication Data before the Method: properties have no order [D-2.2.2.2-1]", V5, CLIENT,
     "10 [<'MQTT'> 05 02 003C [16 <00FF> 15 <'m'>] <'a'>]",
     "10 [<'MQTT'> 05 02 003C [15 <'m'> 16 <00FF>] <'a'>]"},
    {"Authentication Method without Data", V5, CLIENT, "10 [<'MQTT'> 05 02 003C [15 <'m'>] <'a'>]", NULL},

    {"the least CONNECT", V311, CLIENT, "10 [<'MQTT'> 04 02 003C <'a'>]", NULL},
    {"empty Client Identifier, Clean Session 1 [MQTT3-3.1.3-6]", V311, CLIENT, "10 [<'MQTT'> 04 02 003C <>]",
     NULL},
    {"Clean Session 0", V311, CLIENT, "10 [<'MQTT'> 04 00 003C <'a'>]", NULL},
    {"Client Identifier of 24 bytes: the Server may accept it", V311, CLIENT,
     "10 [<'MQTT'> 04 02 003C <61*24>]", NULL},
    {"Will, QoS 2, retained", V311, CLIENT, "10 [<'MQTT'> 04 36 003C <'a'> <'w'> <'m'>]", NULL},
    {"User Name alone", V311, CLIENT, "10 [<'MQTT'> 04 82 003C <'a'> <'u'>]", NULL},
    {"everything", V311, CLIENT, "10 [<'MQTT'> 04 F6 003C <'a'> <'w'> <'m'> <'u'> <'p'>]", NULL},

    {"the least CONNECT", V31, CLIENT, "10 [<'MQIsdp'> 03 02 003C <'a'>]", NULL},
    {"everything", V31, CLIENT, "10 [<'MQIsdp'> 03 F6 003C <'a'> <'w'> <'m'> <'u'> <'p'>]", NULL},
    {"User Name Flag without User Name: Remaining Length goes first", V31, CLIENT,
     "10 [<'MQIsdp'> 03 82 003C <'a'>]", "10 [<'MQIsdp'> 03 02 003C <'a'>]"},
    {"both flags without the fields", V31, CLIENT, "10 [<'MQIsdp'> 03 C2 003C <'a'>]",
     "10 [<'MQIsdp'> 03 02 003C <'a'>]"},
    {"both flags without Password", V31, CLIENT, "10 [<'MQIsdp'> 03 C2 003C <'a'> <'u'>]",
     "10 [<'MQIsdp'> 03 82 003C <'a'> <'u'>]"},
    {"Will QoS and Will Retain without Will Flag: disregarded", V31, CLIENT,
     "10 [<'MQIsdp'> 03 3A 003C <'a'>]", "10 [<'MQIsdp'> 03 02 003C <'a'>]"},
    {"Will QoS 3 without Will Flag: disregarded", V31, CLIENT, "10 [<'MQIsdp'> 03 1A 003C <'a'>]",
     "10 [<'MQIsdp'> 03 02 003C <'a'>]"},
};

/* 3.1.2.1 Protocol Name, 3.1.2.2 Protocol Version. Until both are read, 5.0 is cited. */
/* clang-format off */
static const struct refused protocol[] = {
    {"a letter of another case", V5, CLIENT, 0x84, 2, {MQTT_3_1_2_1}, {NONE},
     "10 [<'MQTt'> 05 02 003C [] <'a'>]",
     "10 [<'MQTT'> 05 02 003C [] <'a'>]"},
    {"a longer name", V5, CLIENT, 0x84, 2, {MQTT_3_1_2_1}, {NONE},
     "10 [<'MQTTX'> 05 02 003C [] <'a'>]",
     "10 [<'MQTT'> 05 02 003C [] <'a'>]"},
    {"a shorter name", V5, CLIENT, 0x84, 2, {MQTT_3_1_2_1}, {NONE},
     "10 [<'MQT'> 05 02 003C [] <'a'>]",
     "10 [<'MQTT'> 05 02 003C [] <'a'>]"},
    {"an empty name", V5, CLIENT, 0x84, 2, {MQTT_3_1_2_1}, {NONE},
     "10 [<> 05 02 003C [] <'a'>]",
     "10 [<'MQTT'> 05 02 003C [] <'a'>]"},
    {"a name with a byte order mark", V5, CLIENT, 0x84, 2, {MQTT_3_1_2_1}, {NONE},
     "10 [<EFBBBF 'MQTT'> 05 02 003C [] <'a'>]",
     "10 [<'MQTT'> 05 02 003C [] <'a'>]"},
    {"version 6", V5, CLIENT, 0x84, 8, {MQTT_3_1_2_2}, {NONE},
     "10 [<'MQTT'> 06 02 003C [] <'a'>]",
     "10 [<'MQTT'> 05 02 003C [] <'a'>]"},
    {"version 127", V5, CLIENT, 0x84, 8, {MQTT_3_1_2_2}, {NONE},
     "10 [<'MQTT'> 7F 02 003C [] <'a'>]",
     "10 [<'MQTT'> 05 02 003C [] <'a'>]"},
    /* bit 7 is how some bridges mark an older version, so that 3.1.1 may be cited as well */
    {"version 255", V5, CLIENT, 0x84, 8, {MQTT_3_1_2_2, MQTT3_3_1_2_2}, {NONE},
     "10 [<'MQTT'> FF 02 003C [] <'a'>]",
     "10 [<'MQTT'> 05 02 003C [] <'a'>]"},
    {"version 5 with the bridge bit", V5, CLIENT, 0x84, 8, {MQTT_3_1_2_2, MQTT3_3_1_2_2}, {NONE},
     "10 [<'MQTT'> 85 02 003C [] <'a'>]",
     "10 [<'MQTT'> 05 02 003C [] <'a'>]"},
    {"version 4 with the bridge bit", V311, CLIENT, 0x84, 8, {MQTT_3_1_2_2, MQTT3_3_1_2_2}, {NONE},
     "10 [<'MQTT'> 84 02 003C <'a'>]",
     "10 [<'MQTT'> 04 02 003C <'a'>]"},
    {"version 0", V5, CLIENT, 0x84, 8, {MQTT_3_1_2_2, MQTT3_3_1_2_2}, {NONE},
     "10 [<'MQTT'> 00 02 003C [] <'a'>]",
     "10 [<'MQTT'> 05 02 003C [] <'a'>]"},
    {"MQTT with version 3", V311, CLIENT, 0x84, 8, {MQTT_3_1_2_2, MQTT3_3_1_2_2}, {NONE},
     "10 [<'MQTT'> 03 02 003C <'a'>]",
     "10 [<'MQTT'> 04 02 003C <'a'>]"},
    {"MQIsdp with version 4", V31, CLIENT, 0x84, 10, {MQTT_3_1_2_2, MQTT3_3_1_2_2}, {NONE},
     "10 [<'MQIsdp'> 04 02 003C <'a'>]",
     "10 [<'MQIsdp'> 03 02 003C <'a'>]"},
    {"MQIsdp with version 5", V31, CLIENT, 0x84, 10, {MQTT_3_1_2_2, MQTT3_3_1_2_2}, {NONE},
     "10 [<'MQIsdp'> 05 02 003C <'a'>]",
     "10 [<'MQIsdp'> 03 02 003C <'a'>]"},
    {"ill-formed UTF-8 in the name", V5, CLIENT, 0x81, 7, {MQTT_1_5_4_1, MQTT_3_1_2_1}, {NONE},
     "10 [<'MQT' FF> 05 02 003C [] <'a'>]",
     "10 [<'MQTT'> 05 02 003C [] <'a'>]"},
    {"length of the name beyond the end", V5, CLIENT, 0x81, 2, {MQTT_3_1_4_1}, {NONE},
     "10 10 FFFF 'MQTT' 05 02 003C 00 0003 'abc'",
     "10 10 0004 'MQTT' 05 02 003C 00 0003 'abc'"},
};
/* clang-format on */

/* 3.1.2.3 - 3.1.2.9 Connect Flags */
/* clang-format off */
static const struct refused flags[] = {
    {"reserved flag", V5, CLIENT, 0x81, 9, {MQTT_3_1_2_3, P_3_1_2_3_1}, {NONE},
     "10 [<'MQTT'> 05 03 003C [] <'a'>]",
     "10 [<'MQTT'> 05 02 003C [] <'a'>]"},
    {"reserved flag", V311, CLIENT, 0x81, 9, {NONE}, {MQTT3_3_1_2_3},
     "10 [<'MQTT'> 04 03 003C <'a'>]",
     "10 [<'MQTT'> 04 02 003C <'a'>]"},
    {"reserved flag", V31, CLIENT, 0x81, 11, {NONE}, {MQTT3_3_1_2_3},
     "10 [<'MQIsdp'> 03 03 003C <'a'>]",
     "10 [<'MQIsdp'> 03 02 003C <'a'>]"},
    {"Will QoS 3", V5, CLIENT, 0x81, 9, {MQTT_3_1_2_12, P_3_1_2_6_1}, {NONE},
     "10 [<'MQTT'> 05 1E 003C [] <'a'> [] <'w'> <'m'>]",
     "10 [<'MQTT'> 05 06 003C [] <'a'> [] <'w'> <'m'>]"},
    {"Will QoS 3", V311, CLIENT, EITHER, 9, {NONE}, {MQTT3_3_1_2_14},
     "10 [<'MQTT'> 04 1E 003C <'a'> <'w'> <'m'>]",
     "10 [<'MQTT'> 04 06 003C <'a'> <'w'> <'m'>]"},
    {"Will QoS 3", V31, CLIENT, EITHER, 11, {NONE}, {MQTT3_3_1_2_14},
     "10 [<'MQIsdp'> 03 1E 003C <'a'> <'w'> <'m'>]",
     "10 [<'MQIsdp'> 03 16 003C <'a'> <'w'> <'m'>]"},
    {"Will QoS 1 without Will Flag", V5, CLIENT, EITHER, 9, {MQTT_3_1_2_11}, {NONE},
     "10 [<'MQTT'> 05 0A 003C [] <'a'>]",
     "10 [<'MQTT'> 05 02 003C [] <'a'>]"},
    {"Will QoS 2 without Will Flag", V5, CLIENT, EITHER, 9, {MQTT_3_1_2_11}, {NONE},
     "10 [<'MQTT'> 05 12 003C [] <'a'>]",
     "10 [<'MQTT'> 05 02 003C [] <'a'>]"},
    {"Will QoS 3 without Will Flag", V5, CLIENT, EITHER, 9, {MQTT_3_1_2_11}, {NONE},
     "10 [<'MQTT'> 05 1A 003C [] <'a'>]",
     "10 [<'MQTT'> 05 02 003C [] <'a'>]"},
    {"Will QoS 1 without Will Flag", V311, CLIENT, EITHER, 9, {NONE}, {MQTT3_3_1_2_13, MQTT3_3_1_2_11},
     "10 [<'MQTT'> 04 0A 003C <'a'>]",
     "10 [<'MQTT'> 04 02 003C <'a'>]"},
    {"Will Retain without Will Flag", V5, CLIENT, EITHER, 9, {MQTT_3_1_2_13}, {NONE},
     "10 [<'MQTT'> 05 22 003C [] <'a'>]",
     "10 [<'MQTT'> 05 02 003C [] <'a'>]"},
    {"Will Retain without Will Flag", V311, CLIENT, EITHER, 9, {NONE}, {MQTT3_3_1_2_15, MQTT3_3_1_2_11},
     "10 [<'MQTT'> 04 22 003C <'a'>]",
     "10 [<'MQTT'> 04 02 003C <'a'>]"},
    {"Password Flag without User Name Flag", V311, CLIENT, EITHER, 9, {NONE}, {MQTT3_3_1_2_22},
     "10 [<'MQTT'> 04 42 003C <'a'> <'p'>]",
     "10 [<'MQTT'> 04 82 003C <'a'> <'p'>]"},
    {"Password Flag without User Name Flag", V31, CLIENT, EITHER, 11, {NONE}, {MQTT3_3_1_2_22},
     "10 [<'MQIsdp'> 03 42 003C <'a'> <'p'>]",
     "10 [<'MQIsdp'> 03 82 003C <'a'> <'p'>]"},
};
/* clang-format on */

/* 3.1.3 Payload: what the flags announce is there, and nothing else. */
/* clang-format off */
static const struct refused payload[] = {
    {"no payload", V5, CLIENT, 0x81, 13, {MQTT_3_1_3_3, MQTT_3_1_4_1}, {NONE},
     "10 [<'MQTT'> 05 02 003C []]",
     "10 [<'MQTT'> 05 02 003C [] <'a'>]"},
    {"no payload", V311, CLIENT, 0x81, 12, {NONE}, {MQTT3_3_1_3_3, MQTT3_3_1_4_1},
     "10 [<'MQTT'> 04 02 003C]",
     "10 [<'MQTT'> 04 02 003C <'a'>]"},
    {"no properties, no payload", V5, CLIENT, 0x81, 12, {MQTT_2_2_2_1, MQTT_3_1_4_1}, {NONE},
     "10 [<'MQTT'> 05 02 003C]",
     "10 [<'MQTT'> 05 02 003C [] <'a'>]"},
    {"Client Identifier ill-formed", V5, CLIENT, 0x81, 15, {MQTT_1_5_4_1, MQTT_3_1_3_4}, {NONE},
     "10 [<'MQTT'> 05 02 003C [] <C0>]",
     "10 [<'MQTT'> 05 02 003C [] <'a'>]"},
    {"Client Identifier ill-formed", V311, CLIENT, 0x81, 14, {NONE}, {MQTT3_1_5_3_1, MQTT3_3_1_3_4},
     "10 [<'MQTT'> 04 02 003C <C0>]",
     "10 [<'MQTT'> 04 02 003C <'a'>]"},
    {"Client Identifier with U+0000", V5, CLIENT, 0x81, 15, {MQTT_1_5_4_2, MQTT_3_1_3_4}, {NONE},
     "10 [<'MQTT'> 05 02 003C [] <00>]",
     "10 [<'MQTT'> 05 02 003C [] <'a'>]"},
    {"Client Identifier beyond the end", V5, CLIENT, 0x81, 13, {MQTT_3_1_4_1}, {NONE},
     "10 0E 0004 'MQTT' 05 02 003C 00 0002 'a'",
     "10 0E 0004 'MQTT' 05 02 003C 00 0001 'a'"},
    {"empty Client Identifier, Clean Session 0", V311, CLIENT, 0x85, 12,
     {NONE}, {MQTT3_3_1_3_8, MQTT3_3_1_3_7},
     "10 [<'MQTT'> 04 00 003C <>]",
     "10 [<'MQTT'> 04 02 003C <>]"},
    {"empty Client Identifier", V31, CLIENT, 0x85, 14, {NONE}, {MQTT3_3_1_3_9, MQTT3_3_1_3_8},
     "10 [<'MQIsdp'> 03 02 003C <>]",
     "10 [<'MQIsdp'> 03 02 003C <'a'>]"},

    {"Will Flag, no Will", V5, CLIENT, 0x81, 16, {MQTT_3_1_2_9, MQTT_3_1_4_1}, {NONE},
     "10 [<'MQTT'> 05 06 003C [] <'a'>]",
     "10 [<'MQTT'> 05 06 003C [] <'a'> [] <'w'> <'m'>]"},
    {"Will Properties only", V5, CLIENT, 0x81, 17, {MQTT_3_1_2_9, MQTT_3_1_4_1}, {NONE},
     "10 [<'MQTT'> 05 06 003C [] <'a'> []]",
     "10 [<'MQTT'> 05 06 003C [] <'a'> [] <'w'> <'m'>]"},
    {"no Will Payload", V5, CLIENT, 0x81, 20, {MQTT_3_1_2_9, MQTT_3_1_4_1}, {NONE},
     "10 [<'MQTT'> 05 06 003C [] <'a'> [] <'w'>]",
     "10 [<'MQTT'> 05 06 003C [] <'a'> [] <'w'> <'m'>]"},
    {"Will Flag, no Will", V311, CLIENT, 0x81, 15, {NONE}, {MQTT3_3_1_2_9, MQTT3_3_1_4_1},
     "10 [<'MQTT'> 04 06 003C <'a'>]",
     "10 [<'MQTT'> 04 06 003C <'a'> <'w'> <'m'>]"},
    {"no Will Message", V311, CLIENT, 0x81, 18, {NONE}, {MQTT3_3_1_2_9, MQTT3_3_1_4_1},
     "10 [<'MQTT'> 04 06 003C <'a'> <'w'>]",
     "10 [<'MQTT'> 04 06 003C <'a'> <'w'> <'m'>]"},
    {"Will Topic ill-formed", V5, CLIENT, 0x81, 19, {MQTT_1_5_4_1, MQTT_3_1_3_11}, {NONE},
     "10 [<'MQTT'> 05 06 003C [] <'a'> [] <FF> <'m'>]",
     "10 [<'MQTT'> 05 06 003C [] <'a'> [] <'w'> <'m'>]"},
    {"Will Topic ill-formed", V311, CLIENT, 0x81, 17, {NONE}, {MQTT3_1_5_3_1, MQTT3_3_1_3_10},
     "10 [<'MQTT'> 04 06 003C <'a'> <FF> <'m'>]",
     "10 [<'MQTT'> 04 06 003C <'a'> <'w'> <'m'>]"},
    {"Will Topic with U+0000", V5, CLIENT, 0x81, 19, {MQTT_1_5_4_2, MQTT_4_7_3_2}, {NONE},
     "10 [<'MQTT'> 05 06 003C [] <'a'> [] <00> <'m'>]",
     "10 [<'MQTT'> 05 06 003C [] <'a'> [] <'w'> <'m'>]"},
    {"Will Topic empty", V5, CLIENT, EITHER, 19, {MQTT_4_7_3_1}, {NONE},
     "10 [<'MQTT'> 05 06 003C [] <'a'> [] <> <'m'>]",
     "10 [<'MQTT'> 05 06 003C [] <'a'> [] <'w'> <'m'>]"},
    {"Will Topic empty", V311, CLIENT, EITHER, 17, {NONE}, {MQTT3_4_7_3_1},
     "10 [<'MQTT'> 04 06 003C <'a'> <> <'m'>]",
     "10 [<'MQTT'> 04 06 003C <'a'> <'w'> <'m'>]"},
    {"Will Topic '#'", V5, CLIENT, EITHER, 19, {MQTT_4_7_0_1}, {NONE},
     "10 [<'MQTT'> 05 06 003C [] <'a'> [] <'#'> <'m'>]",
     "10 [<'MQTT'> 05 06 003C [] <'a'> [] <'w'> <'m'>]"},
    {"Will Topic with '+'", V311, CLIENT, EITHER, 17, {NONE}, {MQTT3_4_7_1_1},
     "10 [<'MQTT'> 04 06 003C <'a'> <'+'> <'m'>]",
     "10 [<'MQTT'> 04 06 003C <'a'> <'w'> <'m'>]"},

    {"User Name missing", V5, CLIENT, 0x81, 16, {MQTT_3_1_2_17, MQTT_3_1_4_1}, {NONE},
     "10 [<'MQTT'> 05 82 003C [] <'a'>]",
     "10 [<'MQTT'> 05 02 003C [] <'a'>]"},
    {"User Name missing", V311, CLIENT, 0x81, 15, {NONE}, {MQTT3_3_1_2_19, MQTT3_3_1_4_1},
     "10 [<'MQTT'> 04 82 003C <'a'>]",
     "10 [<'MQTT'> 04 02 003C <'a'>]"},
    {"User Name surplus", V5, CLIENT, 0x81, 16, {MQTT_3_1_2_16, MQTT_3_1_4_1}, {NONE},
     "10 [<'MQTT'> 05 02 003C [] <'a'> <'u'>]",
     "10 [<'MQTT'> 05 82 003C [] <'a'> <'u'>]"},
    {"User Name surplus", V311, CLIENT, 0x81, 15, {NONE}, {MQTT3_3_1_2_18, MQTT3_3_1_4_1},
     "10 [<'MQTT'> 04 02 003C <'a'> <'u'>]",
     "10 [<'MQTT'> 04 82 003C <'a'> <'u'>]"},
    {"User Name surplus", V31, CLIENT, 0x81, 17, {NONE}, {MQTT3_3_1_2_18, MQTT3_3_1_4_1},
     "10 [<'MQIsdp'> 03 02 003C <'a'> <'u'>]",
     "10 [<'MQIsdp'> 03 82 003C <'a'> <'u'>]"},
    {"User Name ill-formed", V5, CLIENT, 0x81, 18, {MQTT_1_5_4_1, MQTT_3_1_3_12}, {NONE},
     "10 [<'MQTT'> 05 C2 003C [] <'a'> <FF> <'p'>]",
     "10 [<'MQTT'> 05 C2 003C [] <'a'> <'u'> <'p'>]"},
    {"User Name ill-formed", V311, CLIENT, 0x81, 17, {NONE}, {MQTT3_1_5_3_1, MQTT3_3_1_3_11},
     "10 [<'MQTT'> 04 C2 003C <'a'> <FF> <'p'>]",
     "10 [<'MQTT'> 04 C2 003C <'a'> <'u'> <'p'>]"},
    {"User Name with U+0000", V5, CLIENT, 0x81, 18, {MQTT_1_5_4_2, MQTT_3_1_3_12}, {NONE},
     "10 [<'MQTT'> 05 C2 003C [] <'a'> <00> <'p'>]",
     "10 [<'MQTT'> 05 C2 003C [] <'a'> <'u'> <'p'>]"},
    {"User Name cut", V31, CLIENT, 0x81, 17, {NONE}, {MQTT3_3_1_4_1},
     "10 [<'MQIsdp'> 03 82 003C <'a'> 00]",
     "10 [<'MQIsdp'> 03 82 003C <'a'> 0000]"},
    {"Password missing", V5, CLIENT, 0x81, 19, {MQTT_3_1_2_19, MQTT_3_1_4_1}, {NONE},
     "10 [<'MQTT'> 05 C2 003C [] <'a'> <'u'>]",
     "10 [<'MQTT'> 05 C2 003C [] <'a'> <'u'> <'p'>]"},
    {"Password missing", V311, CLIENT, 0x81, 18, {NONE}, {MQTT3_3_1_2_21, MQTT3_3_1_4_1},
     "10 [<'MQTT'> 04 C2 003C <'a'> <'u'>]",
     "10 [<'MQTT'> 04 C2 003C <'a'> <'u'> <'p'>]"},
    {"Password surplus", V5, CLIENT, 0x81, 19, {MQTT_3_1_2_18, MQTT_3_1_4_1}, {NONE},
     "10 [<'MQTT'> 05 82 003C [] <'a'> <'u'> <'p'>]",
     "10 [<'MQTT'> 05 C2 003C [] <'a'> <'u'> <'p'>]"},
    {"Password surplus", V311, CLIENT, 0x81, 18, {NONE}, {MQTT3_3_1_2_20, MQTT3_3_1_4_1},
     "10 [<'MQTT'> 04 82 003C <'a'> <'u'> <'p'>]",
     "10 [<'MQTT'> 04 C2 003C <'a'> <'u'> <'p'>]"},
    {"bytes behind the Password", V5, CLIENT, 0x81, 22, {MQTT_3_1_4_1}, {NONE},
     "10 [<'MQTT'> 05 C2 003C [] <'a'> <'u'> <'p'> 00]",
     "10 [<'MQTT'> 05 C2 003C [] <'a'> <'u'> <'p'>]"},
    {"bytes behind the Password", V311, CLIENT, 0x81, 21, {NONE}, {MQTT3_3_1_4_1},
     "10 [<'MQTT'> 04 C2 003C <'a'> <'u'> <'p'> 00]",
     "10 [<'MQTT'> 04 C2 003C <'a'> <'u'> <'p'>]"},
};
/* clang-format on */

/* 3.1.2.11 and 3.1.3.2: rules that join properties; those of one property are in 2.2.2. */
/* clang-format off */
static const struct refused properties[] = {
    {"Authentication Data without Method", V5, CLIENT, 0x82, 12, {P_3_1_2_11_10_1}, {NONE},
     "10 [<'MQTT'> 05 02 003C [16 <00>] <'a'>]",
     "10 [<'MQTT'> 05 02 003C [15 <'m'> 16 <00>] <'a'>]"},
    {"Property Length beyond the end", V5, CLIENT, 0x81, 12, {MQTT_3_1_4_1}, {NONE},
     "10 0E 0004 'MQTT' 05 02 003C 05 0001 'a'",
     "10 0E 0004 'MQTT' 05 02 003C 00 0001 'a'"},
    {"Will Property Length beyond the end", V5, CLIENT, 0x81, 16, {MQTT_3_1_4_1}, {NONE},
     "10 15 0004 'MQTT' 05 06 003C 00 0001 'a' 07 0001 'w' 0001 'm'",
     "10 15 0004 'MQTT' 05 06 003C 00 0001 'a' 00 0001 'w' 0001 'm'"},
};
/* clang-format on */

static const struct cut cuts[] = {
    {"10 [<'MQTT'> 05 F6 003C [11 00000001 26 <'n'> <'v'>] <'abc'> [18 00000002 26 <'n'> <'v'>] <'w'> <'m'> "
     "<'u'> <'p'>]",
     V5, CLIENT, ""},
    {"10 [<'MQTT'> 04 F6 003C <'abc'> <'w'> <'m'> <'u'> <'p'>]", V311, CLIENT, ""},
    /* 3.1 takes a packet without User Name, and without Password */
    {"10 [<'MQIsdp'> 03 F6 003C <'abc'> <'w'> <'m'> <'u'> <'p'>]", V31, CLIENT, "23 26"},
};

START_TEST(accepts)
{
    check_accepted(&accepted[_i]);
}
END_TEST

START_TEST(mutations)
{
    check_mutations(&accepted[_i]);
}
END_TEST

START_TEST(refuses_protocol)
{
    check_refused(&protocol[_i]);
}
END_TEST

START_TEST(refuses_flags)
{
    check_refused(&flags[_i]);
}
END_TEST

START_TEST(refuses_payload)
{
    check_refused(&payload[_i]);
}
END_TEST

START_TEST(refuses_properties)
{
    check_refused(&properties[_i]);
}
END_TEST

START_TEST(every_cut)
{
    check_cuts(&cuts[_i]);
}
END_TEST

START_TEST(every_field)
{
    const struct bytes input =
        octets("10 [<'MQTT'> 05 F6 0102 [11 00000003 21 0004] <'client'> "
               "[18 00000005 03 <'text'>] <'will/topic'> <'will payload'> <'user'> <'password'>]");
    struct packet packet;
    check_decodes(&packet, PROTOCOL_3_1_1, SENDER_CLIENT,
                  input); /* the version of the connection is ignored */
    const struct connect *connect = &packet.connect;
    ck_assert_int_eq(packet.version, PROTOCOL_5_0);
    ck_assert(connect->clean_start && connect->has_user_name && connect->has_password);
    ck_assert_uint_eq(connect->keep_alive, 0x0102);
    ck_assert_uint_eq(properties_number(&connect->properties, ORDINAL_SESSION_EXPIRY_INTERVAL, 0), 3);
    ck_assert_uint_eq(properties_number(&connect->properties, ORDINAL_RECEIVE_MAXIMUM, 0), 4);
    ck_assert(!properties_has(&connect->properties, ORDINAL_WILL_DELAY_INTERVAL));
    check_text(connect->client_identifier, "client");
    ck_assert(connect->will.present && connect->will.retain);
    ck_assert_uint_eq(connect->will.qos, 2);
    ck_assert_uint_eq(properties_number(&connect->will.properties, ORDINAL_WILL_DELAY_INTERVAL, 0), 5);
    check_text(properties_bytes(&connect->will.properties, ORDINAL_CONTENT_TYPE), "text");
    check_text(connect->will.topic, "will/topic");
    check_text(connect->will.payload, "will payload");
    check_text(connect->user_name, "user");
    check_text(connect->password, "password");
    octets_free(input);
}
END_TEST

START_TEST(absent_fields)
{
    const struct bytes input = octets("10 [<'MQTT'> 04 00 0000 <'c'>]");
    struct packet packet;
    memset(&packet, 0xFF, sizeof packet);
    check_decodes(&packet, PROTOCOL_UNKNOWN, SENDER_CLIENT, input);
    const struct connect *connect = &packet.connect;
    ck_assert_int_eq(packet.version, PROTOCOL_3_1_1);
    ck_assert(!connect->clean_start && !connect->has_user_name && !connect->has_password &&
              !connect->will.present);
    ck_assert_uint_eq(connect->properties.present, 0);
    ck_assert_uint_eq(connect->user_name.length, 0);
    ck_assert_uint_eq(connect->password.length, 0);
    octets_free(input);
}
END_TEST

/* 4.13 answers by version, so the version is known even when a later field is refused. */
START_TEST(the_version_of_a_refused_packet)
{
    static const struct {
        const char *packet;
        enum protocol_version version;
    } rows[] = {
        {"10 [<'MQTT'> 05 03 003C [] <'a'>]", PROTOCOL_5_0},
        {"10 [<'MQTT'> 04 03 003C <'a'>]", PROTOCOL_3_1_1},
        {"10 [<'MQIsdp'> 03 42 003C <'a'>]", PROTOCOL_3_1},
        {"10 [<'MQTT'> 06 02 003C <'a'>]", PROTOCOL_UNKNOWN},
        {"10 [<'MQTX'> 05 02 003C <'a'>]", PROTOCOL_UNKNOWN},
        {"10 [<'MQTT'> 05]", PROTOCOL_5_0},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        const struct bytes input = octets(rows[i].packet);
        struct packet packet;
        ck_assert(packet_decode(&packet, PROTOCOL_3_1_1, SENDER_CLIENT, input, NULL).refused);
        ck_assert_int_eq(packet.version, rows[i].version);
        octets_free(input);
    }
}
END_TEST

/* The Password is told as a secret; the User Name is not one. */
static void find_secret(void *context, const struct decoded_field *field)
{
    int *secrets = context;
    if (field->kind == FIELD_SECRET)
        ++*secrets;
    else if (field->bytes.length == 6)
        ck_assert_mem_ne(field->bytes.data, "secret", 6);
}

START_TEST(the_password_is_a_secret)
{
    const struct bytes input =
        octets("10 [<'MQTT'> 05 C2 003C [15 <'m'> 16 <'secret'>] <'a'> <'u'> <'secret'>]");
    int secrets = 0;
    const struct decode_observer observer = {.field = find_secret, .context = &secrets};
    struct packet packet;
    ck_assert(!packet_decode(&packet, PROTOCOL_UNKNOWN, SENDER_CLIENT, input, &observer).refused);
    ck_assert_int_eq(secrets, 2);
    octets_free(input);
}
END_TEST

Suite *suite_3_01_connect(void)
{
    Suite *suite = suite_create("3.1 CONNECT");
    TCase *rules = tcase_create("rules");
    tcase_add_loop_test(rules, accepts, 0, COUNT(accepted));
    tcase_add_loop_test(rules, refuses_protocol, 0, COUNT(protocol));
    tcase_add_loop_test(rules, refuses_flags, 0, COUNT(flags));
    tcase_add_loop_test(rules, refuses_payload, 0, COUNT(payload));
    tcase_add_loop_test(rules, refuses_properties, 0, COUNT(properties));
    tcase_add_loop_test(rules, every_cut, 0, COUNT(cuts));
    tcase_add_loop_test(rules, mutations, 0, COUNT(accepted));
    suite_add_tcase(suite, rules);

    TCase *fields = tcase_create("fields");
    tcase_add_test(fields, every_field);
    tcase_add_test(fields, absent_fields);
    tcase_add_test(fields, the_version_of_a_refused_packet);
    tcase_add_test(fields, the_password_is_a_secret);
    suite_add_tcase(suite, fields);
    return suite;
}
