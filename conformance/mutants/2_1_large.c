/* 2.1.4 Large packets, and many of everything */
#include "3_08_subscribe.h"

#define LARGE 32768

static enum fate alter_last_byte(struct passage *passage)
{
    if (is_type(passage, PACKET_PUBLISH) && passage->size > LARGE)
        passage->bytes[passage->size - 1] ^= 1;
    return PASS;
}

MUTANT(last_byte_of_a_large_message_is_wrong, V_ALL, "The last byte of a large message is altered",
       "large_messages_are_delivered_whole", MQTT_4_5_0_1, MQTT3_4_5_0_1) = {
    .from_server = alter_last_byte,
};

static enum fate cut_large(struct passage *passage)
{
    if (!is_type(passage, PACKET_PUBLISH) || passage->size < LARGE)
        return PASS;
    passage->packet.publish.payload.length /= 2;
    return ENCODE;
}

MUTANT(large_messages_are_cut, V_ALL, "Of a large message the first half is delivered",
       "large_messages_are_delivered_whole", MQTT_4_5_0_1, MQTT3_4_5_0_1) = {
    .from_server = cut_large,
};

static enum fate let_small_overtake(struct passage *passage)
{
    return is_type(passage, PACKET_PUBLISH) && passage->size > LARGE ? delay(passage, 0.3) : PASS;
}

MUTANT(small_messages_overtake_large_ones, V_ALL, "Large messages wait, and small ones go out meanwhile",
       "large_messages_keep_their_order_among_small_ones", MQTT_4_6_0_5, MQTT3_4_6_0_6) = {
    .from_server = let_small_overtake,
};

static enum fate lose_last_code(struct passage *passage)
{
    if (!is_type(passage, PACKET_SUBACK) || passage->packet.suback.reason_codes.length < 100)
        return PASS;
    passage->packet.suback.reason_codes.length--;
    return ENCODE;
}

MUTANT(large_suback_lacks_a_code, V_ALL, "The SUBACK to a large SUBSCRIBE lacks its last Reason Code",
       "large_subscribe_is_answered_in_full", MQTT_3_8_4_6, MQTT3_3_8_4_5) = {
    .from_server = lose_last_code,
};

static enum fate reverse_large(struct passage *passage)
{
    const bool large = is_type(passage, PACKET_SUBACK) && passage->packet.suback.reason_codes.length > 100;
    return large ? reverse_codes(passage) : PASS;
}

MUTANT(large_suback_is_out_of_order, V_ALL,
       "The SUBACK to a large SUBSCRIBE begins with its last Reason Code",
       "large_subscribe_is_answered_in_full", MQTT_3_9_3_1, MQTT3_3_9_3_1) = {
    .from_server = reverse_large,
};

static enum fate cut_will(struct passage *passage)
{
    if (!is_type(passage, PACKET_CONNECT) || passage->packet.connect.will.payload.length < LARGE)
        return PASS;
    passage->packet.connect.will.payload.length = LARGE - 1;
    return ENCODE;
}

MUTANT(large_will_is_cut, V311 | V5, "Of a large Will Message 32,767 bytes are published",
       "large_will_is_published", MQTT_3_1_2_8, MQTT3_3_1_2_8) = {
    .from_client = cut_will,
};

#define FIRST                                                                                                \
    "\x26\0\3key\0\10"                                                                                       \
    "00000000"
#define PAIR (sizeof FIRST - 1)

/* Puts the second of many User Properties where the first stands. */
static enum fate repeat_second(struct passage *passage)
{
    if (!is_type(passage, PACKET_PUBLISH))
        return PASS;
    for (size_t i = 0; i + 2 * PAIR < passage->size && i < 400; i++)
        if (memcmp(passage->bytes + i, FIRST, PAIR) == 0) {
            memcpy(passage->bytes + i, passage->bytes + i + PAIR, PAIR);
            break;
        }
    return PASS;
}

MUTANT(one_of_many_user_properties_is_another, V5,
       "Of many User Properties the first is a copy of the second", "large_number_of_user_properties",
       MQTT_3_3_2_17, MQTT_3_3_2_18) = {
    .from_server = repeat_second,
};
