/* 3.4 PUBACK */
#include "3_04_acknowledgement.h"

static enum fate lose_without_reason_code(struct passage *passage)
{
    return need_reason_code(passage, PACKET_PUBACK);
}

MUTANT(puback_needs_reason_code, V5, "A PUBACK without Reason Code is lost", "puback_forms_are_accepted",
       R_3_4_2_1_1) = {
    .from_client = lose_without_reason_code,
    .spoils = "*",
};

static enum fate refuse_without_property_length(struct passage *passage)
{
    return need_property_length(passage, PACKET_PUBACK);
}

MUTANT(puback_needs_property_length, V5, "A PUBACK without Property Length is refused",
       "puback_forms_are_accepted", D_3_4_2_2_1_1) = {
    .from_client = refuse_without_property_length,
};

static enum fate accept_repeated_reason_string(struct passage *passage)
{
    return lose_repeated_reason_string(passage, PACKET_PUBACK);
}

MUTANT(puback_may_have_two_reason_strings, V5, "A second Reason String in a PUBACK does no harm",
       "repeated_reason_string_in_puback_is_refused", P_3_4_2_2_2_1) = {
    .from_client = accept_repeated_reason_string,
};

static enum fate send_unknown_reason_code(struct passage *passage)
{
    return spoil_reason_code(passage, PACKET_PUBACK);
}

MUTANT(puback_has_unknown_reason_code, V5, "The Reason Code of a PUBACK is none of its list",
       "puback_of_the_server_is_in_form", MQTT_3_4_2_1) = {
    .from_server = send_unknown_reason_code,
    .spoils = "*",
};

static enum fate send_wrong_order(struct passage *passage)
{
    return spoil_order(passage, PACKET_PUBACK);
}

MUTANT(puback_has_fields_in_wrong_order, V5, "The Property Length of a PUBACK comes before its Reason Code",
       "puback_of_the_server_is_in_form", D_3_4_2_1, R_3_4_2_1_2, D_3_4_2_1_1) = {
    .from_server = send_wrong_order,
    .spoils = "*",
};

static enum fate send_long_reason_string(struct passage *passage)
{
    return talk(passage, PACKET_PUBACK, false);
}

MUTANT(puback_has_reason_string_beyond_limit, V5, "A long Reason String in PUBACK is sent to any client",
       "puback_keeps_to_maximum_packet_size", MQTT_3_4_2_2) = {
    .from_server = send_long_reason_string,
};

static enum fate send_long_user_property(struct passage *passage)
{
    return talk(passage, PACKET_PUBACK, true);
}

MUTANT(puback_has_user_property_beyond_limit, V5, "A long User Property in PUBACK is sent to any client",
       "puback_keeps_to_maximum_packet_size", MQTT_3_4_2_3) = {
    .from_server = send_long_user_property,
};

static enum fate lose_error(struct passage *passage)
{
    return need_success(passage, PACKET_PUBACK);
}

MUTANT(puback_with_error_is_ignored, V5, "A PUBACK with an error does not end the exchange",
       "puback_with_any_code_ends_the_exchange", D_4_9_2, MQTT_4_4_0_2) = {
    .from_client = lose_error,
};

static enum fate send_reason_code(struct passage *passage)
{
    return add_reason_code(passage, PACKET_PUBACK);
}

MUTANT(puback_has_reason_code_before_5_0, V3, "A PUBACK has a Reason Code behind its Packet Identifier",
       "puback_of_the_server_is_in_form", D3_3_4_1_1, D3_3_4_3_1, D3_7_1_1_1) = {
    .from_server = send_reason_code,
    .spoils = "*",
};

static enum fate send_other_identifier(struct passage *passage)
{
    return mistake_identifier(passage, PACKET_PUBACK);
}

MUTANT(puback_has_another_identifier, V3, "A PUBACK has the Packet Identifier of another exchange",
       "puback_of_the_server_is_in_form", D3_3_4_2_1) = {
    .from_server = send_other_identifier,
    .spoils = "*",
};
