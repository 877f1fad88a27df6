/* 4.13 Handling errors (3.1.1: 4.8) */
#include "mutant.h"

/* Whether a packet on an accepted connection was refused by the codec with this Reason Code. */
static bool is_offence(const struct passage *passage, uint8_t reason_code)
{
    return passage->connection->accepted && passage->verdict.refused &&
           passage->verdict.reason_code == reason_code;
}

static enum fate skip_malformed(struct passage *passage)
{
    return is_offence(passage, REASON_MALFORMED_PACKET) ? DROP : PASS;
}

MUTANT(malformed_packets_are_skipped, V5, "A Malformed Packet is thrown away, and the connection goes on",
       "malformed_packets_end_the_connection several_errors_in_one_packet", MQTT_4_13_1_1, D_4_13_2_2) = {
    .from_client = skip_malformed,
};

static enum fate skip_protocol_error(struct passage *passage)
{
    return is_offence(passage, REASON_PROTOCOL_ERROR) ? DROP : PASS;
}

MUTANT(protocol_errors_are_skipped, V5,
       "A packet that is a Protocol Error is thrown away, and the connection goes on",
       "protocol_errors_end_the_connection", MQTT_4_13_1_1) = {
    .from_client = skip_protocol_error,
};

static enum fate skip_violation(struct passage *passage)
{
    return passage->connection->accepted && passage->verdict.refused ? DROP : PASS;
}

MUTANT(protocol_violations_are_skipped, V311, "A packet that breaks the rules is thrown away",
       "protocol_violations_end_the_connection", MQTT3_4_8_0_1) = {
    .from_client = skip_violation,
};

/* What can be seen of a bad CONNECT is a CONNACK that accepts it. */
static enum fate overlook_bad_connect(struct passage *passage)
{
    return passage->bytes[0] >> 4 == PACKET_CONNECT && passage->verdict.refused ? pretend(passage) : PASS;
}

MUTANT(errors_in_connect_are_overlooked, V5 | V311, "A CONNECT that breaks the rules is accepted",
       "errors_in_connect_end_the_connection", MQTT_4_13_1_1, R_4_13_1_3, MQTT_4_13_2_1, MQTT3_4_8_0_1) = {
    .from_client = overlook_bad_connect,
    .spoils = "reserved_connect_flag_is_refused",
};

static enum fate tell_lies(struct passage *passage)
{
    if (!is_type(passage, PACKET_DISCONNECT))
        return PASS;
    passage->packet.disconnect.reason_code = REASON_SERVER_SHUTTING_DOWN;
    return ENCODE;
}

MUTANT(errors_are_called_shutdown, V5, "Whatever the error, DISCONNECT says Server shutting down",
       "malformed_packets_end_the_connection protocol_errors_end_the_connection", R_4_13_1_1, R_4_13_1_4) = {
    .from_server = tell_lies,
};

static bool has_said_disconnect(const struct connection *connection)
{
    return connection->seen[FROM_SERVER][PACKET_DISCONNECT] > 0;
}

MUTANT(open_after_telling_the_error, V5,
       "After a DISCONNECT with an error the server waits for the client to close",
       "malformed_packets_end_the_connection protocol_errors_end_the_connection", MQTT_4_13_1_1,
       MQTT_4_13_2_1) = {
    .keep_open = has_said_disconnect,
};

MUTANT(errors_are_not_told, V5, "The server closes without a DISCONNECT", "errors_are_told_before_closing",
       S_4_13_1_3) = {
    .drop_from_server = TYPE(PACKET_DISCONNECT),
};

/* An error takes all connections of this process along, as a crash of it would: those of its own
 * version, so that tests at the same time do not meet. */
static enum fate end_all_connections(struct passage *passage)
{
    struct proxy *proxy = passage->connection->proxy;
    if (!passage->connection->accepted || !passage->verdict.refused)
        return PASS;
    for (struct connection *at = next_connection(proxy, NULL); at != NULL; at = next_connection(proxy, at))
        if (at != passage->connection && at->version == passage->connection->version)
            send_bytes_to_server(at, "\xe0\x00", 2);
    return PASS;
}

MUTANT(error_ends_all_connections, V5 | V311, "An error on one connection ends them all",
       "errors_do_not_touch_other_clients", D_4_13_1_2, R_4_13_2_2, MQTT3_4_8_0_1) = {
    .from_client = end_all_connections,
    .spoils = "*",
};

static enum fate discard_after_error(struct passage *passage)
{
    struct connection *connection = passage->connection;
    struct proxy *proxy = connection->proxy;
    if (connection->accepted && passage->verdict.refused)
        remember(proxy, "erred", connection->client_identifier, bytes_of("", 1));
    if (!is_type(passage, PACKET_CONNECT) ||
        recall(proxy, "erred", connection->client_identifier).data == NULL)
        return PASS;
    passage->packet.connect.clean_start = true;
    return ENCODE;
}

MUTANT(error_ends_the_session, V5 | V311, "An error ends the session with the connection",
       "errors_end_the_connection_but_not_the_session", MQTT_3_1_2_23, MQTT3_3_1_2_4, D_4_1_1) = {
    .from_client = discard_after_error,
};

static enum fate close_on_refusal(struct passage *passage)
{
    const bool acknowledges = is_type(passage, PACKET_PUBACK) || is_type(passage, PACKET_PUBREC);
    return acknowledges && passage->packet.acknowledgement.reason_code >= 0x80 ? CLOSE : PASS;
}

MUTANT(refusing_acknowledgement_ends_connection, V5, "PUBACK and PUBREC with an error end the connection",
       "refusing_acknowledgement_concerns_one_message", R_4_13_2_1, D_4_13_2_1) = {
    .from_client = close_on_refusal,
};

/* ---- The Reason Code of the error ---------------------------------------------------------------------- */

/* Closes as it should, and gives another reason. */
static enum fate rename_error(struct passage *passage, uint8_t right, uint8_t wrong)
{
    if (is_type(passage, PACKET_DISCONNECT) && passage->packet.disconnect.reason_code == right)
        passage->packet.disconnect.reason_code = wrong;
    else if (is_type(passage, PACKET_CONNACK) && passage->packet.connack.reason_code == right)
        passage->packet.connack.reason_code = wrong;
    else
        return PASS;
    return ENCODE;
}

static enum fate call_malformed_protocol_error(struct passage *passage)
{
    return rename_error(passage, REASON_MALFORMED_PACKET, REASON_PROTOCOL_ERROR);
}

MUTANT(malformed_packet_is_called_protocol_error, V5, "A Malformed Packet is refused as a Protocol Error",
       "will_qos_3_is_refused reserved_connect_flag_is_refused qos_3_is_refused "
       "reserved_flags_of_pubrel_are_checked ill_formed_string_in_publish_is_refused "
       "unknown_property_is_refused malformed_properties_are_called_so",
       P_3_1_2_6_1, P_3_1_2_3_1, P_3_3_1_2_1, R_3_3_1_2_2, P_2_1_3_1, P_1_5_4_1, P_2_2_2_2_1, R_2_2_2_2_1) = {
    .from_server = call_malformed_protocol_error,
    .spoils = "reserved_connect_flag_is_refused",
};

static enum fate call_protocol_error_malformed(struct passage *passage)
{
    return rename_error(passage, REASON_PROTOCOL_ERROR, REASON_MALFORMED_PACKET);
}

MUTANT(protocol_error_is_called_malformed_packet, V5, "A Protocol Error is refused as a Malformed Packet",
       "receive_maximum_0_is_refused repeated_session_expiry_interval_is_refused second_alias_is_refused "
       "unknown_alias_is_refused subscribe_without_filter_is_refused retain_handling_3_is_refused "
       "empty_topic_name_is_refused",
       P_3_1_2_11_3_1, P_3_1_2_11_2_1, P_3_3_2_3_4_1, P_3_3_4_3, P_3_8_3_1, P_3_8_3_1_2, P_3_3_2_1_1) = {
    .from_server = call_protocol_error_malformed,
};

static enum fate call_everything_protocol_error(struct passage *passage)
{
    static const uint8_t special[] = {REASON_TOPIC_ALIAS_INVALID,
                                      REASON_PACKET_TOO_LARGE,
                                      REASON_QOS_NOT_SUPPORTED,
                                      REASON_RETAIN_NOT_SUPPORTED,
                                      REASON_WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED,
                                      REASON_SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED,
                                      REASON_SHARED_SUBSCRIPTIONS_NOT_SUPPORTED,
                                      REASON_RECEIVE_MAXIMUM_EXCEEDED,
                                      REASON_SESSION_TAKEN_OVER};
    for (size_t i = 0; i < sizeof special; i++)
        if (rename_error(passage, special[i], REASON_PROTOCOL_ERROR) == ENCODE)
            return ENCODE;
    return PASS;
}

MUTANT(
    special_reason_codes_are_not_used, V5, "Errors that have a Reason Code of their own are told as 0x82",
    "alias_0_is_refused packet_above_maximum_size_is_refused maximum_qos_0_is_announced_and_enforced "
    "publish_with_retain_is_refused_without_retain wildcards_are_refused_where_unavailable "
    "subscription_identifier_is_refused_where_unavailable shared_subscription_is_refused_where_unavailable "
    "messages_above_receive_maximum_are_refused same_client_identifier_takes_over "
    "will_above_maximum_qos_is_refused will_retain_is_refused_without_retain",
    P_3_3_4_2, P_3_2_2_3_6_2, P_3_2_2_3_4_2, R_3_2_2_3_4_1, P_3_2_2_3_5_2, R_3_3_1_3_1, S_3_2_2_3_5_1,
    P_3_2_2_3_11_2, R_3_2_2_3_11_1, P_3_2_2_3_12_2, R_3_2_2_3_12_1, P_3_2_2_3_13_2, R_3_2_2_3_13_1, R_3_3_4_2,
    MQTT_3_1_4_3, MQTT_3_2_2_12, MQTT_3_2_2_13) = {
    .from_server = call_everything_protocol_error,
};
