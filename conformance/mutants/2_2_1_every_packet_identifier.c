/* 2.2.1 Packet Identifier: a server that overlooks 0 in one packet */
#include "mutant.h"

static enum fate overlook_0(struct passage *passage)
{
    return passage->verdict.refused && passage->bytes[0] == 0x3c ? pass_over(passage) : PASS;
}

MUTANT(packet_identifier_0_of_a_resent_publish_is_overlooked, V5 | V311,
       "A PUBLISH of QoS 2 with DUP may have the Packet Identifier 0",
       "every_packet_identifier_but_0_is_accepted", MQTT_2_2_1_3, MQTT3_2_3_1_1) = {
    .from_client = overlook_0,
    .row = "0 in PUBLISH of QoS 2 with DUP",
};
