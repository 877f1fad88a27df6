/* 3.12 PINGREQ, 3.13 PINGRESP */
#include "mutant.h"

MUTANT(pingreq_unanswered, V_ALL, "No PINGRESP is ever sent",
       "pingreq_is_answered every_pingreq_is_answered pingreq_is_answered_with_keep_alive_off_and_on",
       MQTT_3_12_4_1, MQTT3_3_12_4_1, D3_3_1_2_10_1) = {
    .drop_from_server = TYPE(PACKET_PINGRESP),
    .spoils = "*",
};

/* A server that answers the first only: one that ignores what it finds behind a packet in the same read. */
static enum fate first_only(struct passage *passage)
{
    return passage->connection->seen[FROM_SERVER][PACKET_PINGRESP] > 1 && is_type(passage, PACKET_PINGRESP)
               ? DROP
               : PASS;
}

MUTANT(only_first_pingreq_answered, V_ALL, "Only the first PINGREQ of a connection is answered",
       "every_pingreq_is_answered pingreq_is_answered_with_keep_alive_off_and_on", MQTT_3_12_4_1,
       MQTT3_3_12_4_1) = {
    .from_server = first_only,
    .spoils = "*",
};

static enum fate add_content(struct passage *passage)
{
    if (!is_type(passage, PACKET_PINGRESP))
        return PASS;
    send_bytes_to_client(passage->connection, "\xd0\x01\x00", 3);
    return DROP;
}

MUTANT(pingresp_with_content, V_ALL, "A PINGRESP has a byte behind its fixed header", "pingresp_is_two_bytes",
       D_3_13_2_1, D_3_13_3_1, D3_3_13_2_1, D3_3_13_3_1) = {
    .from_server = add_content,
    .spoils = "*",
};

MUTANT(pingreq_with_content, V_ALL, "A PINGREQ with bytes behind its fixed header is answered",
       "pingreq_with_content_is_refused", D_3_12_2_1, D_3_12_3_1, D3_3_12_2_1, D3_3_12_3_1) = {
    .tolerate = {D_3_12_2_1, D3_3_12_2_1},
};
