/* 2.1.4 Remaining Length: servers that take one packet which is cut for a whole one */
#include "mutant.h"

/* Whether the packet has this Remaining Length, which is less than 128. */
static bool is_cut_to(const struct passage *passage, unsigned length)
{
    return passage->verdict.refused && passage->size == 2 + length;
}

/* A DISCONNECT of one byte is whole; a CONNECT has to be long enough to tell its version. */
static enum fate overlook_cuts(struct passage *passage)
{
    const unsigned type = passage->bytes[0] >> 4;
    const unsigned length = type == PACKET_CONNECT ? 20 : type == PACKET_DISCONNECT ? 2 : 1;
    return is_cut_to(passage, length) ? pass_over(passage) : PASS;
}

MUTANT(some_cut_packets_are_overlooked, V5 | V311,
       "Packets of one byte are overlooked, and a CONNECT of twenty",
       "every_length_of_connect_is_checked every_length_of_connect_with_user_name_is_checked "
       "every_length_of_publish_is_checked every_length_of_puback_is_checked "
       "every_length_of_pubrec_is_checked every_length_of_pubrel_is_checked "
       "every_length_of_pubcomp_is_checked every_length_of_subscribe_is_checked "
       "every_length_of_unsubscribe_is_checked",
       MQTT_3_1_4_1, MQTT_4_13_1_1, MQTT3_3_1_4_1, MQTT3_4_8_0_1) = {
    .from_client = overlook_cuts,
    .row = "cut to a Remaining Length of",
};

MUTANT(some_cut_packets_of_5_0_are_overlooked, V5, "The same with AUTH, and with a DISCONNECT of two bytes",
       "every_length_of_disconnect_is_checked every_length_of_auth_is_checked", MQTT_4_13_1_1) = {
    .from_client = overlook_cuts,
    .row = "cut to a Remaining Length of",
};

static enum fate overlook_bytes_behind(struct passage *passage)
{
    const uint8_t *end = passage->bytes + passage->size;
    const bool three = passage->size > 4 && memcmp(end - 3, "\xff\xff\xff", 3) == 0 && end[-4] != 0xff;
    return passage->verdict.refused && three ? pass_over(passage) : PASS;
}

MUTANT(three_bytes_behind_the_end_are_overlooked, V5 | V311,
       "Three bytes behind the end of a request do no harm",
       "every_length_of_connect_is_checked every_length_of_connect_with_user_name_is_checked "
       "every_length_of_subscribe_is_checked every_length_of_unsubscribe_is_checked",
       MQTT_3_1_4_1, MQTT_4_13_1_1, MQTT3_3_1_4_1, MQTT3_4_8_0_1) = {
    .from_client = overlook_bytes_behind,
    .row = "3 bytes ff behind its end",
};

/* As if what stands behind the end of an acknowledgement were the beginning of a packet that never ends. */
static enum fate wait_for_the_rest(struct passage *passage)
{
    bool *waits = passage->connection->context;
    const unsigned type = passage->bytes[0] >> 4;
    const uint8_t *end = passage->bytes + passage->size;
    *waits = *waits || (type >= PACKET_PUBACK && type <= PACKET_PUBCOMP && passage->verdict.refused &&
                        passage->size > 4 && end[-1] == 0xff);
    return *waits ? DROP : PASS;
}

MUTANT(bytes_behind_the_end_are_waited_for, V5 | V311,
       "Behind an acknowledgement that is too long nothing is answered, and the connection stays open",
       "every_length_of_puback_is_checked every_length_of_pubrec_is_checked "
       "every_length_of_pubrel_is_checked every_length_of_pubcomp_is_checked",
       MQTT_4_13_1_1, MQTT3_4_8_0_1) = {
    .from_client = wait_for_the_rest,
    .context_size = sizeof(bool),
    .row = "1 byte ff behind its end|ff and PINGREQ, expected an answer to the PINGREQ or the connection "
           "closed, observed no answer to the PINGREQ, the connection open",
};
