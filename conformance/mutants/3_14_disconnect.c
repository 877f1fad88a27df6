/* 3.14 DISCONNECT */
#include "mutant.h"

static bool is_disconnect(const struct passage *passage)
{
    return is_type(passage, PACKET_DISCONNECT);
}

/* ---- From the client ----------------------------------------------------------------------------- */

static enum fate obey_short_form_only(struct passage *passage)
{
    return is_disconnect(passage) && passage->packet.remaining_length > 0 ? CLOSE : PASS;
}

MUTANT(long_disconnect_keeps_will, V5, "Only the DISCONNECT without Reason Code drops the will",
       "disconnect_forms_discard_the_will", D_3_14_2_1_1, D_3_14_2_2_1_1, R_3_14_2_1_2, MQTT_3_14_4_3) = {
    .from_client = obey_short_form_only,
};

static enum fate obey_bad_disconnect(struct passage *passage)
{
    if (!passage->verdict.refused || passage->packet.type != PACKET_DISCONNECT ||
        !passage->connection->accepted)
        return PASS;
    send_bytes_to_server(passage->connection, "\xe0\x00", 2);
    return DROP;
}

MUTANT(bad_disconnect_is_obeyed, V311 | V5, "A DISCONNECT that breaks the rules is taken for a good one",
       "disconnect_reserved_bits_are_checked disconnect_with_second_session_expiry_is_refused "
       "disconnect_with_second_reason_string_is_refused disconnect_with_second_server_reference_is_refused",
       MQTT_3_14_1_1, MQTT3_3_14_1_1, P_3_14_2_2_2_1, P_3_14_2_2_3_1, P_3_14_2_2_5_1, R_3_14_1) = {
    .from_client = obey_bad_disconnect,
};

static enum fate ignore_expiry(struct passage *passage)
{
    if (!is_disconnect(passage))
        return PASS;
    remove_property(&passage->packet.disconnect.properties, ORDINAL_SESSION_EXPIRY_INTERVAL);
    return ENCODE;
}

MUTANT(disconnect_expiry_is_ignored, V5, "The Session Expiry Interval of a DISCONNECT is ignored",
       "session_expiry_may_not_be_raised_from_0 session_expiry_can_be_lowered_to_0 "
       "session_expiry_can_be_changed",
       P_3_14_2_2_2_2, R_3_14_2_2_2_1, D_3_14_2_2_2_2, MQTT_4_1_0_2, MQTT_3_1_2_23, D_3_1_2_11_2_2) = {
    .from_client = ignore_expiry,
};

static enum fate end_session(struct passage *passage)
{
    struct properties *properties = &passage->packet.disconnect.properties;
    if (!is_disconnect(passage) || properties_has(properties, ORDINAL_SESSION_EXPIRY_INTERVAL))
        return PASS;
    properties_set_number(properties, ORDINAL_SESSION_EXPIRY_INTERVAL, 0);
    return ENCODE;
}

MUTANT(disconnect_ends_session, V5, "A DISCONNECT without Session Expiry Interval ends the session",
       "session_expiry_of_connect_holds", D_3_14_2_2_2_1, MQTT_3_1_2_23) = {
    .from_client = end_session,
};

static bool has_left(const struct connection *connection)
{
    return connection->seen[FROM_CLIENT][PACKET_DISCONNECT] > 0;
}

MUTANT(open_after_clients_disconnect, V_ALL, "After a DISCONNECT the server waits for the client to close",
       "server_closes_after_disconnect", S_3_14_4_1, MQTT3_3_14_4_1, S3_3_14_4_1) = {
    .keep_open = has_left,
};

/* The DISCONNECT waits until what follows it is carried out. */
static enum fate go_on_after_disconnect(struct passage *passage)
{
    if (is_disconnect(passage))
        return DROP;
    if (!has_left(passage->connection))
        return PASS;
    forward(passage);
    send_bytes_to_server(passage->connection, "\xe0\x00", 2);
    return CLOSE;
}

MUTANT(packets_after_disconnect, V_ALL, "What follows a DISCONNECT is carried out",
       "packets_after_disconnect_are_not_processed", MQTT3_3_14_4_2, S_3_14_4_1, S3_3_14_4_1) = {
    .from_client = go_on_after_disconnect,
};

/* ---- From the server ----------------------------------------------------------------------------- */

static bool has_dismissed(const struct connection *connection)
{
    return connection->seen[FROM_SERVER][PACKET_DISCONNECT] > 0;
}

MUTANT(open_after_own_disconnect, V5, "The server does not close the connection after its DISCONNECT",
       "server_disconnect_is_the_end server_disconnect_ends_a_busy_connection", MQTT_3_14_4_2) = {
    .keep_open = has_dismissed,
};

static enum fate say_more(struct passage *passage)
{
    if (!is_disconnect(passage))
        return PASS;
    forward(passage);
    send_bytes_to_client(passage->connection, "\xd0\x00", 2);
    return DROP;
}

MUTANT(packet_after_own_disconnect, V5, "The server sends a packet after its DISCONNECT",
       "server_disconnect_is_the_end server_disconnect_ends_a_busy_connection", MQTT_3_14_4_1) = {
    .from_server = say_more,
};

static enum fate say_bad_code(struct passage *passage)
{
    if (!is_disconnect(passage))
        return PASS;
    passage->packet.disconnect.reason_code = REASON_BAD_AUTHENTICATION_METHOD;
    return ENCODE;
}

MUTANT(disconnect_with_foreign_code, V5, "The server's DISCONNECT has the Reason Code of another packet",
       "server_disconnect_is_the_end server_disconnect_ends_a_busy_connection", MQTT_3_14_2_1, D_3_14_1,
       D_3_14_2_1) = {
    .from_server = say_bad_code,
};

static enum fate say_expiry(struct passage *passage)
{
    if (!is_disconnect(passage))
        return PASS;
    properties_set_number(&passage->packet.disconnect.properties, ORDINAL_SESSION_EXPIRY_INTERVAL, 5);
    return ENCODE;
}

MUTANT(disconnect_with_expiry, V5, "The server's DISCONNECT has a Session Expiry Interval",
       "server_disconnect_is_the_end server_disconnect_ends_a_busy_connection", MQTT_3_14_2_2) = {
    .from_server = say_expiry,
};

static enum fate dismiss_before_connack(struct passage *passage)
{
    if (passage->connection->accepted || !passage->verdict.refused)
        return PASS;
    send_bytes_to_client(passage->connection, "\xe0\x01\x82", 3);
    return CLOSE;
}

MUTANT(disconnect_before_connack, V5, "A CONNECT that is refused gets a DISCONNECT",
       "no_disconnect_before_connack", MQTT_3_14_0_1) = {
    .from_client = dismiss_before_connack,
    .spoils = "reserved_connect_flag_is_refused",
};

/* Longer than any Maximum Packet Size of the test. */
static const char long_winded[] =
    "Everything that could be said about this was said here, and then all of it was said again, "
    "because the first time nobody had listened, and the second time nobody did either.";

static enum fate explain_at_length(struct passage *passage)
{
    if (!is_disconnect(passage))
        return PASS;
    properties_set_bytes(&passage->packet.disconnect.properties, ORDINAL_REASON_STRING,
                         bytes_of_text(long_winded));
    return ENCODE;
}

MUTANT(disconnect_reason_exceeds_limit, V5,
       "The Reason String of a DISCONNECT ignores the Maximum Packet Size",
       "server_disconnect_fits_maximum_packet_size", MQTT_3_14_2_3, MQTT_3_1_2_24) = {
    .from_server = explain_at_length,
};

static enum fate decorate_at_length(struct passage *passage)
{
    const struct string_pair pair = {.name = bytes_of_text("because"), .value = bytes_of_text(long_winded)};
    if (!is_disconnect(passage))
        return PASS;
    struct properties *properties = &passage->packet.disconnect.properties;
    struct writer writer = writer_into(scratch(passage, sizeof long_winded + 16), sizeof long_winded + 16);
    properties_write_user_property(&writer, pair);
    properties->repeated = bytes_of(writer.start, writer_size(&writer));
    properties_mark(properties, ORDINAL_USER_PROPERTY);
    return ENCODE;
}

MUTANT(disconnect_property_exceeds_limit, V5,
       "A User Property of a DISCONNECT ignores the Maximum Packet Size",
       "server_disconnect_fits_maximum_packet_size", MQTT_3_14_2_4, MQTT_3_1_2_24) = {
    .from_server = decorate_at_length,
};

/* ---- Before 5.0 -------------------------------------------------------------------------------------- */

MUTANT(disconnect_with_content_is_ignored, V3,
       "A DISCONNECT with bytes behind its fixed header is passed over",
       "disconnect_with_content_ends_the_connection", D3_3_14_2_1, D3_3_14_3_1, MQTT3_4_8_0_1) = {
    .tolerate = {D3_3_14_2_1},
};

/* As a server of 5.0 would. */
static enum fate say_goodbye(struct passage *passage)
{
    if (passage->connection->accepted && passage->verdict.refused)
        send_bytes_to_client(passage->connection, "\xe0\x00", 2);
    return PASS;
}

MUTANT(server_says_disconnect, V3, "The server sends DISCONNECT to clients that do not know of it",
       "no_disconnect_from_the_server", P3_2_2_1_4) = {
    .from_client = say_goodbye,
};
