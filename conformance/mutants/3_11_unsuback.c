/* 3.11 UNSUBACK */
#include "3_08_subscribe.h"

static enum fate use_reserved_code(struct passage *passage)
{
    if (is_type(passage, PACKET_UNSUBACK) && passage->packet.suback.reason_codes.length > 4)
        passage->bytes[passage->size - 1] = 0x01;
    return PASS;
}

MUTANT(unsuback_has_reserved_code, V5, "An UNSUBACK holds a code that the specification does not have",
       "unsuback_holds_unsubscribe_codes_only", MQTT_3_11_3_2) = {
    .from_server = use_reserved_code,
};

static enum fate reverse_unsuback(struct passage *passage)
{
    return is_type(passage, PACKET_UNSUBACK) ? reverse_codes(passage) : PASS;
}

MUTANT(unsuback_codes_reversed, V5, "The codes of an UNSUBACK stand in reverse order",
       "unsuback_keeps_the_order_of_the_filters unsuback_answers_as_for_a_sequence", MQTT_3_11_3_1,
       D_3_11_3_1, MQTT_3_10_4_6) = {
    .from_server = reverse_unsuback,
};

static enum fate turn_unsuback_round(struct passage *passage)
{
    return is_type(passage, PACKET_UNSUBACK) ? turn_identifier_round(passage) : PASS;
}

MUTANT(unsuback_identifier_turned_round, V_ALL, "The Packet Identifier of an UNSUBACK has its low byte first",
       "unsuback_has_its_fields_in_order unsubscribe_is_answered_with_its_packet_identifier", D_3_11_2_1,
       MQTT_3_10_4_5, MQTT3_3_10_4_4, D3_3_11_1_1, D3_3_11_2_1) = {
    .from_server = turn_unsuback_round,
};

static enum fate add_to_limited(struct passage *passage, const char *properties, size_t size)
{
    const struct limited *limited = passage->connection->context;
    return is_type(passage, PACKET_UNSUBACK) && limited->limit ? add_properties(passage, properties, size)
                                                               : PASS;
}

static enum fate add_reason_string(struct passage *passage)
{
    return add_to_limited(passage, "\x1f\x00\x02no", 5);
}

MUTANT(unsuback_reason_string_beyond_limit, V5,
       "An UNSUBACK has a Reason String whatever the Maximum Packet Size",
       "unsuback_respects_maximum_packet_size", MQTT_3_11_2_1) = {
    .from_client = note_limit,
    .from_server = add_reason_string,
    .context_size = sizeof(struct limited),
};

static enum fate add_user_property(struct passage *passage)
{
    return add_to_limited(passage, "\x26\x00\x01n\x00\x01v", 7);
}

MUTANT(unsuback_user_property_beyond_limit, V5,
       "An UNSUBACK has a User Property whatever the Maximum Packet Size",
       "unsuback_respects_maximum_packet_size", MQTT_3_11_2_2) = {
    .from_client = note_limit,
    .from_server = add_user_property,
    .context_size = sizeof(struct limited),
};

static enum fate add_two_reason_strings(struct passage *passage)
{
    return add_to_limited(passage, "\x1f\x00\x01n\x1f\x00\x01n", 8);
}

MUTANT(unsuback_has_two_reason_strings, V5, "An UNSUBACK has two Reason Strings",
       "unsuback_respects_maximum_packet_size", P_3_11_2_1_2_1) = {
    .from_client = note_limit,
    .from_server = add_two_reason_strings,
    .context_size = sizeof(struct limited),
};

/* A code as in 5.0, where there is no payload. */
static enum fate add_code(struct passage *passage)
{
    const uint8_t bytes[] = {0xb0, 3, passage->bytes[2], passage->bytes[3], 0};
    if (!is_type(passage, PACKET_UNSUBACK))
        return PASS;
    send_bytes_to_client(passage->connection, bytes, sizeof bytes);
    return DROP;
}

MUTANT(unsuback_has_a_code_before_5_0, V3, "An UNSUBACK has a code behind its Packet Identifier",
       "unsuback_has_its_fields_in_order", D3_3_11_1_1, D3_3_11_3_1, D3_7_1_1_1) = {
    .from_server = add_code,
};
