/* 3.5 PUBREC */
#include "3_04_acknowledgement.h"

static enum fate lose_without_reason_code(struct passage *passage)
{
    return need_reason_code(passage, PACKET_PUBREC);
}

MUTANT(pubrec_needs_reason_code, V5, "A PUBREC without Reason Code is lost", "pubrec_forms_are_accepted",
       R_3_5_2_1_1) = {
    .from_client = lose_without_reason_code,
    .spoils = "*",
};

static enum fate refuse_without_property_length(struct passage *passage)
{
    return need_property_length(passage, PACKET_PUBREC);
}

MUTANT(pubrec_needs_property_length, V5, "A PUBREC without Property Length is refused",
       "pubrec_forms_are_accepted", D_3_5_2_2_1_1) = {
    .from_client = refuse_without_property_length,
};

static enum fate accept_repeated_reason_string(struct passage *passage)
{
    return lose_repeated_reason_string(passage, PACKET_PUBREC);
}

MUTANT(pubrec_may_have_two_reason_strings, V5, "A second Reason String in a PUBREC does no harm",
       "repeated_reason_string_in_pubrec_is_refused", P_3_5_2_2_2_1) = {
    .from_client = accept_repeated_reason_string,
};

static enum fate send_unknown_reason_code(struct passage *passage)
{
    return spoil_reason_code(passage, PACKET_PUBREC);
}

MUTANT(pubrec_has_unknown_reason_code, V5, "The Reason Code of a PUBREC is none of its list",
       "pubrec_of_the_server_is_in_form", MQTT_3_5_2_1) = {
    .from_server = send_unknown_reason_code,
    .spoils = "*",
};

static enum fate send_wrong_order(struct passage *passage)
{
    return spoil_order(passage, PACKET_PUBREC);
}

MUTANT(pubrec_has_fields_in_wrong_order, V5, "The Property Length of a PUBREC comes before its Reason Code",
       "pubrec_of_the_server_is_in_form", D_3_5_2_1, R_3_5_2_1_2) = {
    .from_server = send_wrong_order,
    .spoils = "*",
};

static enum fate send_long_reason_string(struct passage *passage)
{
    return talk(passage, PACKET_PUBREC, false);
}

MUTANT(pubrec_has_reason_string_beyond_limit, V5, "A long Reason String in PUBREC is sent to any client",
       "pubrec_keeps_to_maximum_packet_size", MQTT_3_5_2_2) = {
    .from_server = send_long_reason_string,
};

static enum fate send_long_user_property(struct passage *passage)
{
    return talk(passage, PACKET_PUBREC, true);
}

MUTANT(pubrec_has_user_property_beyond_limit, V5, "A long User Property in PUBREC is sent to any client",
       "pubrec_keeps_to_maximum_packet_size", MQTT_3_5_2_3) = {
    .from_server = send_long_user_property,
};

static enum fate lose_error(struct passage *passage)
{
    return need_success(passage, PACKET_PUBREC);
}

MUTANT(pubrec_with_error_is_ignored, V5, "A PUBREC with an error does not end the exchange",
       "pubrec_with_error_ends_the_exchange", R_4_9_1, MQTT_4_4_0_2, R_4_3_3_1) = {
    .from_client = lose_error,
};

/* Takes every PUBREC for a good one. */
static enum fate mend_error(struct passage *passage)
{
    if (!is_type(passage, PACKET_PUBREC) || passage->packet.acknowledgement.reason_code < 0x80)
        return PASS;
    passage->packet.acknowledgement.reason_code = 0;
    return ENCODE;
}

MUTANT(pubrec_with_error_is_answered_with_pubrel, V5, "A PUBREC with an error is taken for a good one",
       "pubrec_with_error_ends_the_exchange", R_4_9_1, R_4_3_3_1) = {
    .from_client = mend_error,
};

MUTANT(pubrel_is_never_sent, V_ALL, "A PUBREC of the client is not answered", "pubrec_forms_are_accepted",
       MQTT_4_3_3_4, MQTT3_4_3_3_1) = {
    .drop_from_server = TYPE(PACKET_PUBREL),
};

static enum fate send_reason_code(struct passage *passage)
{
    return add_reason_code(passage, PACKET_PUBREC);
}

MUTANT(pubrec_has_reason_code_before_5_0, V3, "A PUBREC has a Reason Code behind its Packet Identifier",
       "pubrec_of_the_server_is_in_form", D3_3_5_1_1, D3_3_5_3_1, D3_7_1_1_1) = {
    .from_server = send_reason_code,
    .spoils = "*",
};

static enum fate send_other_identifier(struct passage *passage)
{
    return mistake_identifier(passage, PACKET_PUBREC);
}

MUTANT(pubrec_has_another_identifier, V3, "A PUBREC has the Packet Identifier of another exchange",
       "pubrec_of_the_server_is_in_form", D3_3_5_2_1) = {
    .from_server = send_other_identifier,
    .spoils = "*",
};
