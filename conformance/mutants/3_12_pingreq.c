/* 3.12 PINGREQ, 3.13 PINGRESP */
#include "mutant.h"

MUTANT(pingreq_unanswered, V_ALL, "No PINGRESP is ever sent", "pingreq_is_answered every_pingreq_is_answered",
       MQTT_3_12_4_1, MQTT3_3_12_4_1) = {
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
       "every_pingreq_is_answered", MQTT_3_12_4_1, MQTT3_3_12_4_1) = {
    .from_server = first_only,
    .spoils = "*",
};
