/* 4.2 Network Connections */
#include "mutant.h"

static enum fate garble(struct passage *passage)
{
    if (is_type(passage, PACKET_PUBLISH) && passage->size > 4096)
        passage->bytes[passage->size - 1] ^= 0xFF;
    return PASS;
}

MUTANT(large_messages_are_garbled, V_ALL, "The last byte of a large message is wrong",
       "transport_is_ordered_and_lossless", MQTT_4_2_1, MQTT3_7_1_1_1, D_4_2_1, D3_4_2_1, D3_7_1_1_2) = {
    .from_client = garble,
};
