/* 2.4 Reason Code: servers that do not take one of those that a client may send */
#include "mutant.h"

static bool has_code(const struct passage *passage, enum packet_type type, uint8_t code)
{
    return is_type(passage, type) && passage->packet.acknowledgement.reason_code == code;
}

static enum fate refuse_codes(struct passage *passage)
{
    const bool refused = has_code(passage, PACKET_PUBACK, 0x97) || has_code(passage, PACKET_PUBREC, 0x97) ||
                         has_code(passage, PACKET_PUBREL, 0x92) || has_code(passage, PACKET_PUBCOMP, 0x92);
    return refused ? CLOSE : PASS;
}

MUTANT(quota_exceeded_is_refused, V5, "PUBACK and PUBREC may not say 0x97",
       "every_reason_code_of_puback_is_taken every_reason_code_of_pubrec_is_taken", MQTT_3_4_2_1,
       MQTT_3_5_2_1) = {
    .from_client = refuse_codes,
    .row = "Reason Code 0x97",
};

MUTANT(packet_identifier_not_found_is_refused, V5, "PUBREL and PUBCOMP may not say 0x92",
       "every_reason_code_of_pubrel_is_taken every_reason_code_of_pubcomp_is_taken", MQTT_3_6_2_1,
       MQTT_3_7_2_1) = {
    .from_client = refuse_codes,
    .row = "Reason Code 0x92",
};

/* The form with a Property Length. */
static enum fate refuse_length_behind_code(struct passage *passage)
{
    const unsigned type = passage->bytes[0] >> 4;
    const bool concerned = !passage->verdict.refused && type >= PACKET_PUBACK && type <= PACKET_PUBCOMP;
    return concerned && passage->size == 6 && passage->bytes[5] == 0 ? CLOSE : PASS;
}

MUTANT(property_length_0_is_refused, V5,
       "An acknowledgement without properties may not have a Property Length",
       "every_reason_code_of_puback_is_taken every_reason_code_of_pubrec_is_taken "
       "every_reason_code_of_pubrel_is_taken every_reason_code_of_pubcomp_is_taken",
       D_3_4_2_2_1_1, D_3_5_2_2_1_1, D_3_6_2_2_1_1, D_3_7_2_2_1_1) = {
    .from_client = refuse_length_behind_code,
    .row = "Reason Code 0x00 and Property Length 0",
};

/* A DISCONNECT with an error passes for a normal one. */
static enum fate forget_code(struct passage *passage)
{
    const bool hit = is_type(passage, PACKET_DISCONNECT) && passage->packet.disconnect.reason_code == 0x99;
    return hit ? pass_over(passage) : PASS;
}

MUTANT(payload_format_invalid_is_a_normal_disconnection, V5, "DISCONNECT 0x99 discards the Will Message",
       "every_reason_code_of_disconnect_is_taken", R_3_14_1) = {
    .from_client = forget_code,
    .row = "Reason Code 0x99",
};

static enum fate refuse_normal(struct passage *passage)
{
    const bool long_form =
        is_type(passage, PACKET_DISCONNECT) && passage->size == 4 && passage->bytes[2] == 0;
    return long_form ? CLOSE : PASS;
}

MUTANT(normal_disconnection_in_its_long_form_is_an_error, V5,
       "DISCONNECT 0x00 with a Property Length leaves the Will in force",
       "every_reason_code_of_disconnect_is_taken", MQTT_3_14_4_3, D_3_14_2_2_1_1) = {
    .from_client = refuse_normal,
    .row = "Reason Code 0x00 and Property Length 0",
};

/* A server that answers a legal DISCONNECT with one of its own. */
static enum fate protest(struct passage *passage)
{
    const struct packet answer = {.type = PACKET_DISCONNECT,
                                  .disconnect = {.reason_code = REASON_PROTOCOL_ERROR}};
    if (is_type(passage, PACKET_DISCONNECT) && passage->packet.disconnect.reason_code == 0x96)
        send_to_client(passage->connection, &answer);
    return PASS;
}

MUTANT(disconnect_0x96_is_answered, V5, "DISCONNECT 0x96 is answered as an error",
       "every_reason_code_of_disconnect_is_taken", MQTT_3_14_2_1) = {
    .from_client = protest,
    .row = "Reason Code 0x96",
};

/* Re-authentication goes on only with a User Property. */
static enum fate refuse_re_authentication(struct passage *passage)
{
    const struct auth *auth = &passage->packet.auth;
    const bool plain = is_type(passage, PACKET_AUTH) && auth->reason_code == REASON_RE_AUTHENTICATE &&
                       !properties_has(&auth->properties, ORDINAL_USER_PROPERTY);
    return plain ? CLOSE : PASS;
}

MUTANT(plain_re_authentication_is_refused, V5, "AUTH 0x19 ends the connection unless it has a User Property",
       "every_reason_code_of_auth_is_taken_or_refused", R_4_12_1_1) = {
    .from_client = refuse_re_authentication,
    .row = "Reason Code 0x19",
};
