/* 4.12 Enhanced authentication, by SCRAM-SHA-256 */
#include "mutant.h"

#include <string.h>

#define METHOD "SCRAM-SHA-256"

static struct properties *auth_properties(struct passage *passage)
{
    return &passage->packet.auth.properties;
}

/* An AUTH of the side at hand, before CONNACK or after it, with this Reason Code. */
static bool is_auth(const struct passage *passage, bool accepted, uint8_t reason_code)
{
    return is_type(passage, PACKET_AUTH) && passage->connection->accepted == accepted &&
           passage->packet.auth.reason_code == reason_code;
}

/* The CONNACK that ends an exchange, with success or without. */
static bool is_last(const struct passage *passage, bool success)
{
    return is_type(passage, PACKET_CONNACK) && (passage->packet.connack.reason_code == 0) == success &&
           passage->connection->seen[FROM_CLIENT][PACKET_AUTH] > 0;
}

static void answer_auth(struct passage *passage, uint8_t reason_code)
{
    struct packet auth = {.type = PACKET_AUTH};
    auth.auth.reason_code = reason_code;
    properties_set_bytes(&auth.auth.properties, ORDINAL_AUTHENTICATION_METHOD, bytes_of_text(METHOD));
    send_to_client(passage->connection, &auth);
}

/* ---- Admission ----------------------------------------------------------------------------------- */

static enum fate challenge_by_success(struct passage *passage)
{
    if (!is_auth(passage, false, REASON_CONTINUE_AUTHENTICATION))
        return PASS;
    passage->packet.auth.reason_code = REASON_SUCCESS;
    return ENCODE;
}

MUTANT(challenge_has_success, V5, "The AUTH that asks for more has Reason Code 0x00",
       "enhanced_authentication_admits_the_user", MQTT_4_12_0_2) = {
    .from_server = challenge_by_success,
};

static enum fate lose_method(struct passage *passage)
{
    if (!is_last(passage, true))
        return PASS;
    remove_property(&passage->packet.connack.properties, ORDINAL_AUTHENTICATION_METHOD);
    remove_property(&passage->packet.connack.properties, ORDINAL_AUTHENTICATION_DATA);
    return ENCODE;
}

MUTANT(connack_without_method, V5, "The CONNACK that ends the exchange names no Authentication Method",
       "enhanced_authentication_admits_the_user", MQTT_4_12_0_5) = {
    .from_server = lose_method,
};

static enum fate change_method(struct passage *passage)
{
    if (!is_type(passage, PACKET_AUTH) || !passage->connection->accepted)
        return PASS;
    properties_set_bytes(auth_properties(passage), ORDINAL_AUTHENTICATION_METHOD, bytes_of_text("SCRAM"));
    return ENCODE;
}

MUTANT(auth_with_another_method, V5, "AUTH has another Authentication Method than CONNECT",
       "re_authentication_succeeds", MQTT_4_12_0_5) = {
    .from_server = change_method,
};

static enum fate lose_data(struct passage *passage)
{
    if (!is_last(passage, true))
        return PASS;
    remove_property(&passage->packet.connack.properties, ORDINAL_AUTHENTICATION_DATA);
    return ENCODE;
}

MUTANT(connack_without_data, V5, "The server's last data do not come with CONNACK",
       "enhanced_authentication_admits_the_user", D_4_12_1) = {
    .from_server = lose_data,
};

static enum fate ask_without_end(struct passage *passage)
{
    if (!is_last(passage, true))
        return PASS;
    answer_auth(passage, REASON_CONTINUE_AUTHENTICATION);
    return DROP;
}

MUTANT(exchange_without_end, V5, "The server asks on when it has got all it needs",
       "enhanced_authentication_admits_the_user", R_4_12_1) = {
    .from_server = ask_without_end,
};

/* Where the Variable Header of an AUTH begins; it is shorter than 16 KiB. */
static size_t variable_header(const struct passage *passage)
{
    return passage->bytes[1] & 0x80 ? 3 : 2;
}

static enum fate put_code_last(struct passage *passage)
{
    if (!is_auth(passage, false, REASON_CONTINUE_AUTHENTICATION))
        return PASS;
    const size_t at = variable_header(passage);
    memmove(passage->bytes + at, passage->bytes + at + 1, passage->size - at - 1);
    passage->bytes[passage->size - 1] = REASON_CONTINUE_AUTHENTICATION;
    return PASS;
}

MUTANT(auth_begins_with_properties, V5, "The Reason Code of AUTH comes after its properties",
       "enhanced_authentication_admits_the_user", D_3_15_2_1) = {
    .from_server = put_code_last,
};

static enum fate shorten_auth(struct passage *passage)
{
    if (!is_auth(passage, false, REASON_CONTINUE_AUTHENTICATION))
        return PASS;
    send_bytes_to_client(passage->connection, "\xf0\x01\x18", 3);
    return DROP;
}

MUTANT(short_auth_without_success, V5, "AUTH leaves out its properties though its Reason Code is not 0x00",
       "enhanced_authentication_admits_the_user", R_3_15_2_1_1) = {
    .from_server = shorten_auth,
};

static enum fate admit(struct passage *passage)
{
    if (!is_last(passage, false))
        return PASS;
    struct properties *properties = &passage->packet.connack.properties;
    passage->packet.connack.reason_code = 0;
    remove_property(properties, ORDINAL_REASON_STRING);
    properties_set_bytes(properties, ORDINAL_AUTHENTICATION_METHOD, bytes_of_text(METHOD));
    return ENCODE;
}

static bool keep_authenticated(const struct connection *connection)
{
    return connection->seen[FROM_CLIENT][PACKET_AUTH] > 0;
}

MUTANT(any_proof_will_do, V5, "A client is admitted though its proof is wrong",
       "failed_authentication_ends_the_connection", MQTT_4_12_0_4) = {
    .from_server = admit,
    .keep_open = keep_authenticated,
};

/* ---- What a client may not do -------------------------------------------------------------------- */

static enum fate ignore_early(struct passage *passage)
{
    const struct connection *connection = passage->connection;
    const unsigned type = passage->bytes[0] >> 4;
    const bool waits = !connection->accepted && connection->seen[FROM_SERVER][PACKET_AUTH] > 0;
    return waits && type != PACKET_AUTH && type != PACKET_DISCONNECT ? DROP : PASS;
}

MUTANT(packets_before_authentication_are_ignored, V5,
       "Packets that may not come before CONNACK are passed over, and authentication goes on",
       "packets_before_authentication_are_refused", MQTT_3_1_2_30) = {
    .from_client = ignore_early,
};

static enum fate continue_always(struct passage *passage)
{
    const bool challenged = passage->connection->seen[FROM_SERVER][PACKET_AUTH] > 0;
    if (passage->bytes[0] == 0xF0 && !passage->connection->accepted && challenged && passage->size > 2)
        passage->bytes[variable_header(passage)] = REASON_CONTINUE_AUTHENTICATION;
    return PASS;
}

MUTANT(any_code_continues, V5, "An AUTH continues the authentication whatever its Reason Code",
       "authentication_is_continued_by_0x18_only", MQTT_4_12_0_3) = {
    .from_client = continue_always,
};

static enum fate restore_method(struct passage *passage, bool accepted, uint8_t reason_code)
{
    if (!is_auth(passage, accepted, reason_code))
        return PASS;
    properties_set_bytes(auth_properties(passage), ORDINAL_AUTHENTICATION_METHOD, bytes_of_text(METHOD));
    return ENCODE;
}

static enum fate restore_method_before(struct passage *passage)
{
    return restore_method(passage, false, REASON_CONTINUE_AUTHENTICATION);
}

MUTANT(any_method_continues, V5, "An AUTH continues the authentication whatever its Authentication Method",
       "authentication_method_does_not_change", P_3_15_1) = {
    .from_client = restore_method_before,
};

/* ---- 4.12.1 Re-authentication -------------------------------------------------------------------- */

static enum fate never_finish(struct passage *passage)
{
    if (!is_auth(passage, true, REASON_SUCCESS))
        return PASS;
    passage->packet.auth.reason_code = REASON_CONTINUE_AUTHENTICATION;
    return ENCODE;
}

MUTANT(re_authentication_without_success, V5,
       "A re-authentication that is complete is not answered by AUTH 0x00", "re_authentication_succeeds",
       R_4_12_1_1) = {
    .from_server = never_finish,
};

static enum fate drop_again(struct passage *passage)
{
    return is_auth(passage, true, REASON_RE_AUTHENTICATE) ? DROP : PASS;
}

MUTANT(re_authentication_is_ignored, V5, "AUTH 0x19 is not answered", "re_authentication_succeeds",
       R_4_12_1_1) = {
    .from_client = drop_again,
};

static enum fate restore_method_again(struct passage *passage)
{
    return restore_method(passage, true, REASON_RE_AUTHENTICATE);
}

MUTANT(re_authentication_by_any_method, V5, "A re-authentication may be by another method than the first one",
       "re_authentication_keeps_its_method", MQTT_4_12_1_1) = {
    .from_client = restore_method_again,
};

static enum fate forgive(struct passage *passage)
{
    if (!is_type(passage, PACKET_DISCONNECT) || passage->packet.disconnect.reason_code < 0x80 ||
        passage->connection->seen[FROM_CLIENT][PACKET_AUTH] == 0)
        return PASS;
    answer_auth(passage, REASON_SUCCESS);
    return DROP;
}

MUTANT(failed_re_authentication_is_forgiven, V5,
       "A connection goes on though its re-authentication has failed",
       "failed_re_authentication_ends_the_connection", MQTT_4_12_1_2) = {
    .from_server = forgive,
    .keep_open = keep_authenticated,
};

static enum fate stop_for_authentication(struct passage *passage)
{
    const bool *busy = passage->connection->context;
    return *busy && !is_type(passage, PACKET_AUTH) ? DROP : PASS;
}

static enum fate watch_authentication(struct passage *passage)
{
    bool *busy = passage->connection->context;
    if (is_type(passage, PACKET_AUTH) && passage->connection->accepted)
        *busy = passage->packet.auth.reason_code == REASON_CONTINUE_AUTHENTICATION;
    return PASS;
}

MUTANT(nothing_is_served_during_re_authentication, V5,
       "Packets are dropped while a re-authentication is going on",
       "traffic_goes_on_during_re_authentication", D_4_12_1_1) = {
    .from_client = stop_for_authentication,
    .from_server = watch_authentication,
    .context_size = sizeof(bool),
};

/* ---- Maximum Packet Size ------------------------------------------------------------------------- */

static enum fate give_reason(struct passage *passage)
{
    if (!is_type(passage, PACKET_AUTH))
        return PASS;
    properties_set_bytes(auth_properties(passage), ORDINAL_REASON_STRING, bytes_of_text("go on"));
    return ENCODE;
}

MUTANT(auth_reason_string_beyond_limit, V5, "An AUTH has a Reason String whatever the Maximum Packet Size",
       "auth_keeps_to_the_maximum_packet_size", MQTT_3_15_2_2) = {
    .from_server = give_reason,
};

static enum fate give_user_property(struct passage *passage)
{
    static const char property[] = "\x26\x00\x01n\x00\x01v";
    if (!is_type(passage, PACKET_AUTH))
        return PASS;
    auth_properties(passage)->repeated = bytes_of(property, sizeof property - 1);
    properties_mark(auth_properties(passage), ORDINAL_USER_PROPERTY);
    return ENCODE;
}

MUTANT(auth_user_property_beyond_limit, V5, "An AUTH has a User Property whatever the Maximum Packet Size",
       "auth_keeps_to_the_maximum_packet_size", MQTT_3_15_2_3) = {
    .from_server = give_user_property,
};
