/* 4.1 Session State */
#include "mutant.h"

/* Whether this Client Identifier was seen before; it is from now on. */
static bool has_been_here(struct passage *passage, const char *kind)
{
    struct proxy *proxy = passage->connection->proxy;
    const struct bytes identifier = passage->packet.connect.client_identifier;
    const bool before = recall(proxy, kind, identifier).data != NULL;
    remember(proxy, kind, identifier, bytes_of("", 1));
    return before;
}

/* A connection on which the client has sent nothing but its CONNECT, and acknowledgements: what comes to it
 * comes from its session. */
static bool is_resumed(const struct passage *passage)
{
    const struct connection *connection = passage->connection;
    const unsigned *seen = connection->seen[FROM_CLIENT];
    return !connection->clean_start &&
           seen[PACKET_SUBSCRIBE] + seen[PACKET_PUBLISH] + seen[PACKET_PINGREQ] == 0;
}

/* ---- The session as a whole ---------------------------------------------------------------------- */

static enum fate forget_session(struct passage *passage)
{
    if (!is_type(passage, PACKET_CONNECT) || !has_been_here(passage, "here"))
        return PASS;
    passage->packet.connect.clean_start = true;
    return ENCODE;
}

MUTANT(session_state_is_lost, V_ALL, "A client that comes back finds nothing of its session",
       "session_lasts_while_connected session_keeps_every_waiting_message_in_order session_keeps_granted_qos "
       "session_keeps_unsubscribing session_keeps_unacknowledged_messages session_keeps_received_pubrec",
       MQTT_4_1_0_1, MQTT3_4_1_0_1, MQTT3_4_1_0_2, D_4_1_1, D_4_1_2, D_4_1_3, D_4_1_4, MQTT3_3_1_2_4,
       MQTT3_3_1_2_5, MQTT_3_1_2_23, D3_3_1_2_4_3, D3_3_1_2_4_4, D3_3_1_2_4_5, D3_3_1_4_3) = {
    .from_client = forget_session,
};

/* DISCONNECT with Session Expiry Interval 0 */
#define END_SESSION "\xe0\x07\x00\x05\x11\x00\x00\x00\x00"

static enum fate expire_while_connected(struct passage *passage)
{
    if (is_type(passage, PACKET_CONNECT) &&
        properties_number(&passage->packet.connect.properties, ORDINAL_SESSION_EXPIRY_INTERVAL, 0) == 1)
        send_bytes_to_server_later(passage->connection, END_SESSION, sizeof END_SESSION - 1, 1);
    return PASS;
}

MUTANT(session_expires_while_connected, V5, "The Session Expiry Interval runs from CONNECT on",
       "session_lasts_while_connected", MQTT_4_1_0_1, D_4_1_1) = {
    .from_client = expire_while_connected,
};

static enum fate shorten_at_return(struct passage *passage)
{
    if (!is_type(passage, PACKET_CONNECT) || !has_been_here(passage, "here"))
        return PASS;
    properties_set_number(&passage->packet.connect.properties, ORDINAL_SESSION_EXPIRY_INTERVAL, 1);
    return ENCODE;
}

MUTANT(session_expiry_goes_on_at_return, V5,
       "Time away counts towards the Session Expiry Interval after a return",
       "session_expiry_begins_anew_with_each_connection", D_4_1_1, MQTT_3_1_2_23, MQTT_4_1_0_1) = {
    .from_client = shorten_at_return,
};

/* The session of a client that wished for 1 s stays, though CONNACK denies it. */
static enum fate keep_for_long(struct passage *passage)
{
    struct properties *properties = &passage->packet.connect.properties;
    if (!is_type(passage, PACKET_CONNECT) ||
        properties_number(properties, ORDINAL_SESSION_EXPIRY_INTERVAL, 0) != 1)
        return PASS;
    remember(passage->connection->proxy, "brief", passage->packet.connect.client_identifier, bytes_of("", 1));
    properties_set_number(properties, ORDINAL_SESSION_EXPIRY_INTERVAL, 300);
    return ENCODE;
}

static enum fate deny_what_was_kept(struct passage *passage)
{
    const struct connection *connection = passage->connection;
    if (!is_type(passage, PACKET_CONNACK) ||
        recall(connection->proxy, "brief", connection->client_identifier).data == NULL)
        return PASS;
    passage->packet.connack.session_present = false;
    properties_set_number(&passage->packet.connack.properties, ORDINAL_SESSION_EXPIRY_INTERVAL, 1);
    return ENCODE;
}

MUTANT(expired_session_leaves_its_state, V5, "Subscriptions and messages outlive their session",
       "session_state_goes_when_session_expires", MQTT_4_1_0_2, D_4_1_1) = {
    .from_client = keep_for_long,
    .from_server = deny_what_was_kept,
};

/* ---- Subscriptions ------------------------------------------------------------------------------- */

static enum fate lose_subscription_identifier(struct passage *passage)
{
    if (!is_type(passage, PACKET_PUBLISH) || !is_resumed(passage))
        return PASS;
    struct properties *properties = &passage->packet.publish.properties;
    remove_property(properties, ORDINAL_SUBSCRIPTION_IDENTIFIER);
    properties->repeated = (struct bytes){NULL, 0};
    return ENCODE;
}

MUTANT(session_loses_subscription_identifiers, V5, "Subscription Identifiers are lost with the connection",
       "session_keeps_subscription_identifiers", D_4_1_2, D_3_3_4_2) = {
    .from_server = lose_subscription_identifier,
    .properties = "subscription_with_identifier_after_crash",
};

static enum fate lose_retain_as_published(struct passage *passage)
{
    if (is_type(passage, PACKET_PUBLISH) && passage->connection->seen[FROM_CLIENT][PACKET_SUBSCRIBE] == 0)
        passage->bytes[0] &= 0xFE;
    return PASS;
}

MUTANT(session_loses_retain_as_published, V5, "Retain As Published is lost with the connection",
       "session_keeps_subscription_options", D_4_1_2, MQTT_3_3_1_13) = {
    .from_server = lose_retain_as_published,
    .properties = "subscription_with_retain_as_published_after_crash",
};

static void clear_no_local(struct passage *passage, struct subscription_request *request)
{
    (void)passage;
    request->no_local = false;
}

static enum fate lose_no_local(struct passage *passage)
{
    return change_subscriptions(passage, clear_no_local) ? ENCODE : PASS;
}

MUTANT(session_loses_no_local, V5, "No Local is lost", "session_keeps_subscription_options", D_4_1_2,
       MQTT_3_8_3_3) = {
    .from_client = lose_no_local,
    .properties = "subscription_with_no_local_after_crash",
};

static enum fate lose_granted_qos(struct passage *passage)
{
    if (is_type(passage, PACKET_PUBLISH) && is_resumed(passage) && passage->packet.publish.qos == 2)
        passage->bytes[0] = (uint8_t)((passage->bytes[0] & 0xF9) | 0x02);
    return PASS;
}

MUTANT(session_loses_granted_qos, V_ALL, "A resumed subscription is one of QoS 1",
       "session_keeps_granted_qos", D_4_1_2, MQTT3_3_1_2_4, MQTT3_4_1_0_1, D3_3_1_2_4_3) = {
    .from_server = lose_granted_qos,
    .properties = "subscriptions_with_their_qos_after_crash",
};

static enum fate forget_unsubscribe(struct passage *passage)
{
    return is_type(passage, PACKET_UNSUBSCRIBE) ? pretend(passage) : PASS;
}

MUTANT(session_forgets_unsubscribing, V_ALL, "What was unsubscribed from is still there in the session",
       "session_keeps_unsubscribing", D_4_1_2, MQTT3_3_1_2_4, MQTT3_4_1_0_1, D3_3_1_2_4_3) = {
    .from_client = forget_unsubscribe,
    .properties = "unsubscribed_after_crash",
};

/* ---- Messages to the client ---------------------------------------------------------------------- */

static enum fate keep_ten(struct passage *passage)
{
    return is_type(passage, PACKET_PUBLISH) && is_resumed(passage) &&
                   passage->connection->seen[FROM_SERVER][PACKET_PUBLISH] > 10
               ? DROP
               : PASS;
}

MUTANT(session_keeps_ten_messages, V_ALL, "Of the messages that waited only ten are delivered",
       "session_keeps_every_waiting_message_in_order", D_4_1_4, MQTT3_3_1_2_5, MQTT3_4_1_0_1, MQTT_3_1_2_23,
       D3_3_1_2_4_5) = {
    .from_server = keep_ten,
};

static enum fate keep_qos_0_only(struct passage *passage)
{
    return is_type(passage, PACKET_PUBLISH) && is_resumed(passage) &&
                   ends_with(passage->packet.publish.payload, "QoS 1")
               ? DROP
               : PASS;
}

MUTANT(session_drops_qos_1, V_ALL, "QoS 1 messages for an absent client are dropped",
       "qos_0_messages_may_wait", D_4_1_4, MQTT3_3_1_2_5) = {
    .from_server = keep_qos_0_only,
};

static enum fate put_first_last(struct passage *passage)
{
    return is_type(passage, PACKET_PUBLISH) && is_resumed(passage) &&
                   passage->connection->seen[FROM_SERVER][PACKET_PUBLISH] == 1
               ? delay(passage, 0.3)
               : PASS;
}

MUTANT(waiting_messages_are_shuffled, V_ALL, "The first of the messages that waited comes last",
       "session_keeps_every_waiting_message_in_order", MQTT_4_6_0_5, MQTT3_4_6_0_6) = {
    .from_server = put_first_last,
    .properties = "queued_messages_in_order_after_crash",
};

static enum fate deliver_again(struct passage *passage)
{
    struct connection *connection = passage->connection;
    struct proxy *proxy = connection->proxy;
    if (is_type(passage, PACKET_PUBLISH))
        remember(proxy, "last", connection->client_identifier, bytes_of(passage->bytes, passage->size));
    if (!is_type(passage, PACKET_CONNACK) || connection->clean_start)
        return PASS;
    const struct bytes last = recall(proxy, "last", connection->client_identifier);
    forward(passage);
    if (last.data != NULL)
        send_bytes_to_client(connection, last.data, last.length);
    return DROP;
}

MUTANT(acknowledged_messages_come_again, V_ALL,
       "The latest message stays in the session, acknowledged or not", "waiting_messages_are_delivered_once",
       D_4_1_3, D_4_1_4, MQTT_4_4_0_1, MQTT3_4_1_0_1, D3_3_1_2_4_4) = {
    .from_server = deliver_again,
};

static enum fate forget_what_is_under_way(struct passage *passage)
{
    const bool again =
        is_type(passage, PACKET_PUBREL) || (is_type(passage, PACKET_PUBLISH) && passage->packet.publish.dup);
    return again && is_resumed(passage) ? DROP : PASS;
}

MUTANT(unacknowledged_messages_are_forgotten, V_ALL, "Messages under way are not part of the session",
       "session_keeps_unacknowledged_messages session_keeps_received_pubrec "
       "unacknowledged_messages_come_again_after_restart",
       D_4_1_3, MQTT_4_4_0_1, MQTT3_4_4_0_1, MQTT3_4_1_0_1, D3_3_1_2_4_4) = {
    .from_server = forget_what_is_under_way,
};

/* ---- Messages from the client -------------------------------------------------------------------- */

/* Lets the broker finish the flow that was begun before, so that what comes again is new to it. */
static enum fate end_flow_before(struct passage *passage)
{
    if (!is_type(passage, PACKET_PUBLISH) || !passage->packet.publish.dup || passage->packet.publish.qos != 2)
        return PASS;
    const struct packet pubrel = {
        .type = PACKET_PUBREL,
        .acknowledgement = {.packet_identifier = passage->packet.publish.packet_identifier}};
    send_to_server(passage->connection, &pubrel);
    *(bool *)passage->connection->context = true;
    return PASS;
}

static enum fate hide_pubcomp(struct passage *passage)
{
    bool *hide = passage->connection->context;
    if (!*hide || !is_type(passage, PACKET_PUBCOMP))
        return PASS;
    *hide = false;
    return DROP;
}

MUTANT(received_identifiers_are_forgotten, V_ALL, "A QoS 2 message sent again after a reconnect is a new one",
       "session_keeps_received_packet_identifiers received_identifiers_are_known_after_restart", D_4_1_5,
       MQTT_4_3_3_10, MQTT3_4_3_3_2, MQTT3_4_1_0_1, D3_3_1_2_4_6) = {
    .from_client = end_flow_before,
    .from_server = hide_pubcomp,
    .context_size = sizeof(bool),
    .properties = "publish_again_behind_pubrec_after_crash",
};

/* A QoS 2 message reaches the broker with its PUBREL only, and not at all when that comes on another
 * connection. */
static enum fate hold_until_pubrel(struct passage *passage)
{
    struct connection *connection = passage->connection;
    struct proxy *proxy = connection->proxy;
    const struct bytes identifier = connection->client_identifier;
    if (is_type(passage, PACKET_CONNECT))
        forget(proxy, "held", identifier);
    if (is_type(passage, PACKET_PUBLISH) && passage->packet.publish.qos == 2) {
        remember(proxy, "held", identifier, bytes_of(passage->bytes, passage->size));
        return pretend(passage);
    }
    const struct bytes held = recall(proxy, "held", identifier);
    if (is_type(passage, PACKET_PUBREL) && held.data != NULL) {
        *(bool *)connection->context = true;
        send_bytes_to_server(connection, held.data, held.length);
        forget(proxy, "held", identifier);
    }
    return PASS;
}

static enum fate hide_pubrec(struct passage *passage)
{
    bool *hide = passage->connection->context;
    if (!*hide || !is_type(passage, PACKET_PUBREC))
        return PASS;
    *hide = false;
    return DROP;
}

MUTANT(received_messages_are_forgotten, V_ALL, "A QoS 2 message that awaits PUBREL goes with the connection",
       "qos_2_flow_goes_on_after_reconnect", D_4_1_5, MQTT3_4_1_0_1, MQTT3_4_3_3_2, D3_3_1_2_4_6) = {
    .from_client = hold_until_pubrel,
    .from_server = hide_pubrec,
    .context_size = sizeof(bool),
};

/* ---- QoS 0 --------------------------------------------------------------------------------------- */

#define ID_OF_QOS_0 0x6001

/* The broker keeps what is of QoS 1, and so it is on its way through the broker. */
static enum fate raise_qos_0(struct passage *passage)
{
    struct publish *publish = &passage->packet.publish;
    if (!is_type(passage, PACKET_PUBLISH) || !ends_with(publish->payload, "QoS 0"))
        return PASS;
    publish->qos = 1;
    publish->packet_identifier = ID_OF_QOS_0;
    return ENCODE;
}

static enum fate lower_to_qos_0(struct passage *passage)
{
    struct publish *publish = &passage->packet.publish;
    struct packet puback = {.type = PACKET_PUBACK};
    if (is_type(passage, PACKET_PUBACK) && passage->packet.acknowledgement.packet_identifier == ID_OF_QOS_0)
        return DROP;
    if (!is_type(passage, PACKET_PUBLISH) || !ends_with(publish->payload, "QoS 0"))
        return PASS;
    puback.acknowledgement.packet_identifier = publish->packet_identifier;
    send_to_server(passage->connection, &puback);
    publish->qos = 0;
    publish->dup = false;
    return ENCODE;
}

MUTANT(session_keeps_qos_0, V_ALL, "QoS 0 messages for an absent client wait, too", "qos_0_messages_may_wait",
       D3_3_1_2_4_1, D3_3_1_2_4_7) = {
    .from_client = raise_qos_0,
    .from_server = lower_to_qos_0,
    .permitted = "the message of QoS 0 was kept",
};
