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

/* ---- Of many --------------------------------------------------------------------------------------- */

#define MANY 500

/* There is room for so many answers, and no more, until the client sends something else. */
static enum fate lose_pubrel_of_many(struct passage *passage)
{
    unsigned *in_a_row = passage->connection->context;
    *in_a_row = is_type(passage, PACKET_PUBREL) ? *in_a_row + 1 : 0;
    return *in_a_row > MANY ? DROP : PASS;
}

MUTANT(pubrel_amid_many_others_is_lost, V5, "Of the PUBRELs that come in a row 500 are answered",
       "large_number_of_messages_from_a_client", MQTT_4_9_0_3, MQTT_4_3_3_11) = {
    .from_client = lose_pubrel_of_many,
    .context_size = sizeof(unsigned),
};

#define MANY_SUBSCRIPTIONS 5000

static enum fate forget_subscription(struct passage *passage)
{
    struct packet answer = {.type = PACKET_SUBACK};
    const bool late = passage->connection->seen[FROM_CLIENT][PACKET_SUBSCRIBE] > MANY_SUBSCRIPTIONS;
    if (!late || !is_type(passage, PACKET_SUBSCRIBE))
        return PASS;
    const struct subscription_request request = first_request(passage);
    answer.suback.packet_identifier = passage->packet.subscribe.packet_identifier;
    answer.suback.reason_codes = bytes_of(&request.qos, 1);
    send_to_client(passage->connection, &answer);
    return DROP;
}

PROPERTY_MUTANT(subscriptions_beyond_5000_are_forgotten, V_ALL,
                "Of a client's subscriptions the first 5,000 work; the rest is only acknowledged",
                "large_number_of_subscriptions") = {
    .from_client = forget_subscription,
};

static bool has_many_connections(struct proxy *proxy)
{
    unsigned count = 0;
    for (struct connection *at = NULL; (at = next_connection(proxy, at)) != NULL;)
        count++;
    return count > MANY;
}

static enum fate note_late_comer(struct passage *passage)
{
    bool *late = passage->connection->context;
    if (is_type(passage, PACKET_CONNECT))
        *late = has_many_connections(passage->connection->proxy);
    return PASS;
}

static enum fate starve_late_comer(struct passage *passage)
{
    const bool *late = passage->connection->context;
    return *late && is_type(passage, PACKET_PUBLISH) ? swallow(passage) : PASS;
}

PROPERTY_MUTANT(connections_beyond_500_get_no_messages, V5,
                "Who connects when 500 clients are connected gets no messages",
                "large_number_of_connections") = {
    .from_client = note_late_comer,
    .from_server = starve_late_comer,
    .context_size = sizeof(bool),
};

/* ---- What takes its time ------------------------------------------------------------------------------ */

/* Whoever publishes meanwhile is held up, tests of the control sample as well. */
static enum fate wait_for_large(struct passage *passage)
{
    struct connection *own = passage->connection;
    if (!is_type(passage, PACKET_PUBLISH))
        return PASS;
    for (struct connection *at = NULL; (at = next_connection(own->proxy, at)) != NULL;)
        if (at != own && bytes_of_begun_packet(at) > LARGE)
            return DROP;
    return PASS;
}

PROPERTY_MUTANT(large_message_holds_up_others, V_ALL,
                "While a part of a large packet has come no other PUBLISH is answered",
                "large_message_that_comes_slowly_holds_up_nobody") = {
    .from_client = wait_for_large,
    .spoils = "*",
};
