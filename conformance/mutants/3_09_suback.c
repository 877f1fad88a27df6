/* 3.9 SUBACK */
#include "3_08_subscribe.h"

static enum fate use_reserved_code(struct passage *passage)
{
    if (is_type(passage, PACKET_SUBACK) && passage->packet.suback.reason_codes.length > 8)
        passage->bytes[passage->size - 1] = 0x03;
    return PASS;
}

MUTANT(suback_has_reserved_code, V_ALL, "A SUBACK holds a code that the specification does not have",
       "suback_holds_subscribe_codes_only", MQTT_3_9_3_2, MQTT3_3_9_3_2) = {
    .from_server = use_reserved_code,
};

static enum fate reverse_suback(struct passage *passage)
{
    return is_type(passage, PACKET_SUBACK) ? reverse_codes(passage) : PASS;
}

MUTANT(suback_codes_reversed, V_ALL, "The codes of a SUBACK stand in reverse order",
       "suback_keeps_the_order_of_the_filters several_filters_are_several_subscriptions", MQTT_3_9_3_1,
       MQTT3_3_9_3_1, D_3_9_3_1, D3_3_9_3_1) = {
    .from_server = reverse_suback,
};

static enum fate turn_suback_round(struct passage *passage)
{
    return is_type(passage, PACKET_SUBACK) ? turn_identifier_round(passage) : PASS;
}

MUTANT(suback_identifier_turned_round, V_ALL, "The Packet Identifier of a SUBACK has its low byte first",
       "suback_has_its_fields_in_order subscribe_is_answered_with_its_packet_identifier", D_3_9_2_1,
       MQTT_3_8_4_2, MQTT3_3_8_4_2, D3_3_9_2_1) = {
    .from_server = turn_suback_round,
};

static enum fate add_to_limited(struct passage *passage, const char *properties, size_t size)
{
    const struct limited *limited = passage->connection->context;
    return is_type(passage, PACKET_SUBACK) && limited->limit ? add_properties(passage, properties, size)
                                                             : PASS;
}

static enum fate add_reason_string(struct passage *passage)
{
    return add_to_limited(passage, "\x1f\x00\x02no", 5);
}

MUTANT(suback_reason_string_beyond_limit, V5, "A SUBACK has a Reason String whatever the Maximum Packet Size",
       "suback_respects_maximum_packet_size", MQTT_3_9_2_1) = {
    .from_client = note_limit,
    .from_server = add_reason_string,
    .context_size = sizeof(struct limited),
};

static enum fate add_user_property(struct passage *passage)
{
    return add_to_limited(passage, "\x26\x00\x01n\x00\x01v", 7);
}

MUTANT(suback_user_property_beyond_limit, V5, "A SUBACK has a User Property whatever the Maximum Packet Size",
       "suback_respects_maximum_packet_size", MQTT_3_9_2_2) = {
    .from_client = note_limit,
    .from_server = add_user_property,
    .context_size = sizeof(struct limited),
};

static enum fate add_two_reason_strings(struct passage *passage)
{
    return add_to_limited(passage, "\x1f\x00\x01n\x1f\x00\x01n", 8);
}

MUTANT(suback_has_two_reason_strings, V5, "A SUBACK has two Reason Strings",
       "suback_respects_maximum_packet_size", P_3_9_2_1_2_1) = {
    .from_client = note_limit,
    .from_server = add_two_reason_strings,
    .context_size = sizeof(struct limited),
};
