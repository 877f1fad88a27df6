/* 3.6 PUBREL */
#include "3_04_acknowledgement.h"

static enum fate lose_without_reason_code(struct passage *passage)
{
    return need_reason_code(passage, PACKET_PUBREL);
}

MUTANT(pubrel_needs_reason_code, V_ALL, "A PUBREL without Reason Code is lost", "pubrel_forms_are_accepted",
       R_3_6_2_1_1, MQTT_4_3_3_11, MQTT3_4_3_3_2) = {
    .from_client = lose_without_reason_code,
    .spoils = "*",
};

static enum fate refuse_without_property_length(struct passage *passage)
{
    return need_property_length(passage, PACKET_PUBREL);
}

MUTANT(pubrel_needs_property_length, V5, "A PUBREL without Property Length is refused",
       "pubrel_forms_are_accepted", D_3_6_2_2_1_1) = {
    .from_client = refuse_without_property_length,
};

static enum fate accept_repeated_reason_string(struct passage *passage)
{
    return lose_repeated_reason_string(passage, PACKET_PUBREL);
}

MUTANT(pubrel_may_have_two_reason_strings, V5, "A second Reason String in a PUBREL does no harm",
       "repeated_reason_string_in_pubrel_is_refused", P_3_6_2_2_2_1) = {
    .from_client = accept_repeated_reason_string,
};

static enum fate send_unknown_reason_code(struct passage *passage)
{
    return spoil_reason_code(passage, PACKET_PUBREL);
}

MUTANT(pubrel_has_unknown_reason_code, V5, "The Reason Code of a PUBREL is none of its list",
       "pubrel_of_the_server_is_in_form", MQTT_3_6_2_1) = {
    .from_server = send_unknown_reason_code,
    .spoils = "*",
};

static enum fate send_wrong_order(struct passage *passage)
{
    return spoil_order(passage, PACKET_PUBREL);
}

MUTANT(pubrel_has_fields_in_wrong_order, V5, "The Property Length of a PUBREL comes before its Reason Code",
       "pubrel_of_the_server_is_in_form", D_3_6_2_1, R_3_6_2_1_2) = {
    .from_server = send_wrong_order,
    .spoils = "*",
};

static enum fate send_long_reason_string(struct passage *passage)
{
    return talk(passage, PACKET_PUBREL, false);
}

MUTANT(pubrel_has_reason_string_beyond_limit, V5, "A long Reason String in PUBREL is sent to any client",
       "pubrel_keeps_to_maximum_packet_size", MQTT_3_6_2_2) = {
    .from_server = send_long_reason_string,
};

static enum fate send_long_user_property(struct passage *passage)
{
    return talk(passage, PACKET_PUBREL, true);
}

MUTANT(pubrel_has_user_property_beyond_limit, V5, "A long User Property in PUBREL is sent to any client",
       "pubrel_keeps_to_maximum_packet_size", MQTT_3_6_2_3) = {
    .from_server = send_long_user_property,
};

/* A server that answers the first PUBREL of an exchange only. */
struct released {
    uint16_t identifier;
};

static enum fate lose_second_pubrel(struct passage *passage)
{
    struct released *released = passage->connection->context;
    const uint16_t identifier = passage->packet.acknowledgement.packet_identifier;
    if (!is_type(passage, PACKET_PUBREL))
        return PASS;
    if (released->identifier == identifier)
        return DROP;
    released->identifier = identifier;
    return PASS;
}

MUTANT(second_pubrel_is_unanswered, V_ALL, "A PUBREL that comes again is not answered",
       "pubrel_without_exchange_is_answered", MQTT_4_3_3_11, MQTT3_4_3_3_2) = {
    .from_client = lose_second_pubrel,
    .context_size = sizeof(struct released),
};

static enum fate send_reason_code(struct passage *passage)
{
    return add_reason_code(passage, PACKET_PUBREL);
}

MUTANT(pubrel_has_reason_code_before_5_0, V3, "A PUBREL has a Reason Code behind its Packet Identifier",
       "pubrel_of_the_server_is_in_form", D3_3_6_1_1, D3_3_6_3_1, D3_7_1_1_1) = {
    .from_server = send_reason_code,
    .spoils = "*",
};

static enum fate send_other_identifier(struct passage *passage)
{
    return mistake_identifier(passage, PACKET_PUBREL);
}

MUTANT(pubrel_has_another_identifier, V3, "A PUBREL has the Packet Identifier of another exchange",
       "pubrel_of_the_server_is_in_form", D3_3_6_2_1) = {
    .from_server = send_other_identifier,
    .spoils = "*",
};
