/* 3.1.3 CONNECT Payload, 3.1.4 CONNECT Actions */
#include "mutant.h"

static bool is_connect(const struct passage *passage)
{
    return is_type(passage, PACKET_CONNECT);
}

/* ---- Client Identifier --------------------------------------------------------------------------- */

static enum fate refuse_one_character(struct passage *passage)
{
    struct packet connack = {.type = PACKET_CONNACK};
    if (!is_connect(passage) || passage->packet.connect.client_identifier.length != 1)
        return PASS;
    connack.connack.reason_code =
        passage->packet.version == PROTOCOL_5_0 ? REASON_CLIENT_IDENTIFIER_NOT_VALID : 2;
    send_to_client(passage->connection, &connack);
    return CLOSE;
}

MUTANT(short_client_identifier_is_refused, V_ALL, "A Client Identifier of one character is refused",
       "plain_client_identifiers_are_accepted", MQTT_3_1_3_5, MQTT3_3_1_3_5) = {
    .from_client = refuse_one_character,
};

static enum fate ignore_long_identifier(struct passage *passage)
{
    return is_connect(passage) && passage->packet.connect.client_identifier.length > 23 ? DROP : PASS;
}

MUTANT(long_client_identifier_is_not_answered, V311 | V5,
       "A CONNECT with a long Client Identifier is not answered", "unusual_client_identifiers", MQTT_3_1_3_8,
       MQTT3_3_1_3_9) = {
    .from_client = ignore_long_identifier,
};

/* Whether this connection's CONNECT came without a Client Identifier. */
static enum fate name_all_alike(struct passage *passage)
{
    bool *nameless = passage->connection->context;
    if (!is_connect(passage) || passage->packet.connect.client_identifier.length > 0 ||
        !passage->packet.connect.clean_start)
        return PASS;
    *nameless = true;
    passage->packet.connect.client_identifier = bytes_of_text("nameless");
    return ENCODE;
}

static enum fate tell_name(struct passage *passage)
{
    const bool *nameless = passage->connection->context;
    if (!is_type(passage, PACKET_CONNACK) || !*nameless || passage->connection->version != PROTOCOL_5_0)
        return PASS;
    properties_set_bytes(&passage->packet.connack.properties, ORDINAL_ASSIGNED_CLIENT_IDENTIFIER,
                         bytes_of_text("nameless"));
    return ENCODE;
}

MUTANT(nameless_clients_are_one, V311 | V5, "All clients without Client Identifier get the same",
       "empty_client_identifier_is_replaced", MQTT_3_1_3_6, MQTT_3_2_2_16, MQTT3_3_1_3_6) = {
    .from_client = name_all_alike,
    .from_server = tell_name,
    .context_size = sizeof(bool),
};

static enum fate hide_assigned_identifier(struct passage *passage)
{
    struct properties *properties = &passage->packet.connack.properties;
    if (!is_type(passage, PACKET_CONNACK) || !properties_has(properties, ORDINAL_ASSIGNED_CLIENT_IDENTIFIER))
        return PASS;
    remove_property(properties, ORDINAL_ASSIGNED_CLIENT_IDENTIFIER);
    return ENCODE;
}

MUTANT(assigned_client_identifier_is_not_told, V5, "The CONNACK does not tell the Assigned Client Identifier",
       "empty_client_identifier_is_replaced assigned_client_identifier_is_a_real_one", MQTT_3_1_3_7,
       MQTT_3_2_2_16) = {
    .from_server = hide_assigned_identifier,
};

static enum fate misname_client(struct passage *passage)
{
    struct properties *properties = &passage->packet.connack.properties;
    if (!is_type(passage, PACKET_CONNACK) || !properties_has(properties, ORDINAL_ASSIGNED_CLIENT_IDENTIFIER))
        return PASS;
    properties_set_bytes(properties, ORDINAL_ASSIGNED_CLIENT_IDENTIFIER, bytes_of_text("somebodyelse"));
    return ENCODE;
}

MUTANT(assigned_client_identifier_is_another, V5,
       "The Assigned Client Identifier in the CONNACK is not the one in use",
       "assigned_client_identifier_is_a_real_one", MQTT_3_1_3_7, MQTT_3_1_3_2, MQTT_3_1_3_6) = {
    .from_server = misname_client,
};

MUTANT(nameless_session_is_kept, V311, "A CONNECT without Client Identifier may have Clean Session 0",
       "empty_client_identifier_needs_clean_session", MQTT3_3_1_3_7, MQTT3_3_1_3_8, R3_3_2_2_3_2) = {
    .tolerate = {MQTT3_3_1_3_8},
};

static enum fate claim_session_in_refusal(struct passage *passage)
{
    if (is_type(passage, PACKET_CONNACK) && passage->packet.connack.reason_code != 0)
        passage->bytes[2] = 1;
    return PASS;
}

MUTANT(refusal_with_session_present, V311, "A CONNACK that refuses has Session Present 1",
       "empty_client_identifier_needs_clean_session", MQTT3_3_2_2_4) = {
    .from_server = claim_session_in_refusal,
};

static bool has_refused(const struct connection *connection)
{
    return !connection->accepted && connection->seen[FROM_SERVER][PACKET_CONNACK] > 0;
}

MUTANT(open_after_rejecting_identifier, V311, "After return code 2 the connection stays open",
       "empty_client_identifier_needs_clean_session", MQTT3_3_2_2_5, MQTT3_3_1_3_8) = {
    .keep_open = has_refused,
};

/* ---- The fields ---------------------------------------------------------------------------------- */

MUTANT(client_identifier_may_be_missing, V_ALL,
       "A CONNECT that ends before its Client Identifier is accepted", "missing_client_identifier_is_refused",
       MQTT_3_1_3_3, MQTT3_3_1_3_3) = {
    .tolerate = {MQTT_3_1_3_3, MQTT3_3_1_3_3},
};

static enum fate swap_will_fields(struct passage *passage)
{
    struct will *will = &passage->packet.connect.will;
    if (!is_connect(passage) || !will->present || will->payload.length == 0)
        return PASS;
    const struct bytes topic = will->topic;
    will->topic = will->payload;
    will->payload = topic;
    return ENCODE;
}

MUTANT(will_payload_is_read_first, V_ALL, "Will Topic and Will Payload are taken in the wrong order",
       "payload_fields_are_read_in_order", MQTT_3_1_3_1, MQTT3_3_1_3_1, D_3_1_2_1, D3_3_1_2_1) = {
    .from_client = swap_will_fields,
};

/* ---- Actions ------------------------------------------------------------------------------------- */

static bool has_double(const struct connection *connection)
{
    for (struct connection *at = NULL; (at = next_connection(connection->proxy, at)) != NULL;)
        if (at != connection && at->client_identifier.length > 0 &&
            bytes_equal(at->client_identifier, connection->client_identifier))
            return true;
    return false;
}

MUTANT(takeover_leaves_old_connection, V_ALL, "After a takeover the old connection stays open",
       "same_client_identifier_takes_over takeover_of_a_session_that_ends_begins_anew", MQTT_3_1_4_3,
       MQTT3_3_1_4_2) = {
    .keep_open = has_double,
};

static enum fate drop_before_connack(struct passage *passage)
{
    return passage->connection->accepted || passage->packet.type == PACKET_CONNECT ? PASS : DROP;
}

MUTANT(packets_before_connack_are_lost, V_ALL, "What a client sends before its CONNACK is ignored",
       "packets_behind_connect_are_accepted", D_3_1_4_3, D3_3_1_4_4) = {
    .from_client = drop_before_connack,
};

/* Every connection gets a Client Identifier of its own, whatever the client asked for. */
static enum fate name_anew(struct passage *passage)
{
    struct bytes *identifier = &passage->packet.connect.client_identifier;
    const struct connection *connection = passage->connection;
    if (!is_connect(passage) || identifier->length == 0)
        return PASS;
    uint8_t *longer = scratch(passage, identifier->length + sizeof connection);
    memcpy(longer, identifier->data, identifier->length);
    for (size_t i = 0; i < sizeof connection; i++) /* letters made of the address */
        longer[identifier->length + i] = (uint8_t)('a' + (((uintptr_t)connection >> (4 + 4 * i)) & 15));
    *identifier = bytes_of(longer, identifier->length + sizeof connection);
    return ENCODE;
}

MUTANT(client_identifier_is_replaced, V_ALL,
       "Every connection gets a Client Identifier of the server's own making",
       "no_assigned_identifier_without_need same_client_identifier_takes_over", MQTT_3_1_3_2, MQTT3_3_1_3_2,
       MQTT_3_1_4_3, MQTT3_3_1_4_2) = {
    .from_client = name_anew,
};

MUTANT(will_properties_may_be_missing, V5, "A will without Will Properties is accepted as in 3.1.1",
       "will_properties_are_no_field_of_the_client_identifier missing_will_fields_are_refused", MQTT_3_1_2_9,
       MQTT_3_1_3_1) = {
    .tolerate = {MQTT_3_1_2_9, MQTT_3_1_4_1},
};

/* The broker gets the CONNECT without its fault, and closes; the client does not see why. */
static enum fate carry_out_in_secret(struct passage *passage)
{
    if (!is_refused_by(passage, MQTT_3_1_2_3) && !is_refused_by(passage, MQTT3_3_1_2_3))
        return PASS;
    passage->bytes[9] &= 0xFE; /* Connect Flags, in a packet with one byte of Remaining Length */
    passage->connection->version = passage->packet.version;
    return PASS;
}

static enum fate refuse_after_all(struct passage *passage)
{
    const bool secret = passage->connection->seen[FROM_CLIENT][PACKET_CONNECT] > 0 &&
                        passage->connection->client_identifier.length == 0;
    if (!secret || passage->connection->version == PROTOCOL_3_1)
        return PASS;
    return passage->packet.type == PACKET_CONNACK ? CLOSE : DROP;
}

MUTANT(refused_connect_is_carried_out, V311 | V5,
       "A CONNECT that is refused takes effect, as does what comes with it",
       "refused_connect_keeps_the_session packets_behind_a_refused_connect_are_ignored", MQTT_3_1_4_1,
       MQTT3_3_1_4_1, MQTT_3_1_4_6, MQTT3_3_1_4_5) = {
    .from_client = carry_out_in_secret,
    .from_server = refuse_after_all,
};

/* ---- Rights ------------------------------------------------------------------------------------------ */

static enum fate reject(struct passage *passage)
{
    struct packet connack = {.type = PACKET_CONNACK};
    connack.connack.reason_code =
        passage->connection->version == PROTOCOL_5_0 ? REASON_CLIENT_IDENTIFIER_NOT_VALID : 2;
    send_to_client(passage->connection, &connack);
    return CLOSE;
}

static enum fate reject_long_identifier(struct passage *passage)
{
    return is_connect(passage) && ends_with(passage->packet.connect.client_identifier, "plain-letters")
               ? reject(passage)
               : PASS;
}

MUTANT(long_client_identifier_is_rejected, V311 | V5, "A Client Identifier of more than 23 bytes is rejected",
       "unusual_client_identifiers", D_3_1_3_1_1, D3_3_1_3_1_1) = {
    .from_client = reject_long_identifier,
    .permitted = "longer than 23 bytes is refused",
};

static enum fate reject_odd_identifier(struct passage *passage)
{
    return is_connect(passage) && ends_with(passage->packet.connect.client_identifier, "/+#$")
               ? reject(passage)
               : PASS;
}

MUTANT(odd_client_identifier_is_rejected, V311 | V5, "A Client Identifier with other characters is rejected",
       "unusual_client_identifiers", D_3_1_3_1_2, D3_3_1_3_1_2) = {
    .from_client = reject_odd_identifier,
    .permitted = "of other characters is refused",
};

/* ---- Password ---------------------------------------------------------------------------------------- */

static enum fate refuse_binary_password(struct passage *passage)
{
    const struct bytes password = passage->packet.connect.password;
    return is_connect(passage) && passage->packet.connect.has_password && password.length > 0 &&
                   memchr(password.data, 0xff, password.length) != NULL
               ? CLOSE
               : PASS;
}

MUTANT(password_is_text, V311 | V5, "A Password that is no UTF-8 ends the connection",
       "password_is_binary_data", D3_3_1_3_5_1, D_1_5_6_1) = {
    .from_client = refuse_binary_password,
};

/* ---- MQTT 3.1 -------------------------------------------------------------------------------------- */

static enum fate call_it_unavailable(struct passage *passage)
{
    if (is_type(passage, PACKET_CONNACK) && passage->packet.connack.reason_code == 2)
        passage->bytes[3] = 3;
    return PASS;
}

MUTANT(client_identifier_of_3_1_is_called_unavailable, V31,
       "Whose Client Identifier is rejected is told that the server is not available",
       "client_identifiers_of_3_1_have_1_to_23_characters", MQTT3_3_1_3_9) = {
    .from_server = call_it_unavailable,
    .properties = "empty_identifier_is_refused",
};
