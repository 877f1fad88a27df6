/* 3.1.2.4 Clean Start (3.1.1: Clean Session), 3.1.2.11.2 Session Expiry Interval, 3.2.2.1.1 Session
 * Present */
#include <ctype.h>

#include "mutant.h"

/* ---- Session Present ----------------------------------------------------------------------------- */

static enum fate deny_session(struct passage *passage)
{
    if (!is_type(passage, PACKET_CONNACK))
        return PASS;
    passage->packet.connack.session_present = false;
    return ENCODE;
}

MUTANT(session_present_is_always_0, V311 | V5, "Session Present is 0 also when a session is continued",
       "session_is_resumed session_survives_lost_connection empty_session_is_present "
       "session_after_restart_is_whole_or_absent",
       MQTT_3_2_2_3, MQTT3_3_2_2_2, D3_3_1_2_4_2) = {
    .from_server = deny_session,
    .properties = "session_present_after_crash",
};

/* Only for Clean Start 0: with Clean Start 1 every test would fall at its first step. */
static enum fate claim_session(struct passage *passage)
{
    struct connection *connection = passage->connection;
    if (!is_type(passage, PACKET_CONNACK) || connection->clean_start || !connection->accepted)
        return PASS;
    passage->packet.connack.session_present = true;
    return ENCODE;
}

MUTANT(session_present_for_new_session, V311 | V5, "Session Present is 1 with Clean Start 0, session or not",
       "new_session_is_not_present sessions_are_told_apart_by_client_identifier", MQTT_3_2_2_3, MQTT3_3_2_2_3,
       MQTT_3_1_2_6, MQTT3_3_1_2_4) = {
    .from_server = claim_session,
};

/* In 3.1 there is no Session Present to be wrong; but a session can be refused to who has none yet. */
static enum fate need_clean_start(struct passage *passage)
{
    return is_type(passage, PACKET_CONNECT) && !passage->packet.connect.clean_start ? CLOSE : PASS;
}

MUTANT(session_needs_a_clean_start, V31,
       "A client that has no session is cut off unless it asks for Clean Start", "new_session_is_not_present",
       MQTT3_3_1_2_4) = {
    .from_client = need_clean_start,
};

static enum fate note_session(struct passage *passage)
{
    const struct connect *connect = &passage->packet.connect;
    if (is_type(passage, PACKET_CONNECT) && !connect->clean_start)
        remember(passage->connection->proxy, "session", connect->client_identifier, bytes_of("", 1));
    return PASS;
}

static enum fate claim_discarded_session(struct passage *passage)
{
    struct connection *connection = passage->connection;
    if (!is_type(passage, PACKET_CONNACK) || !connection->clean_start ||
        recall(connection->proxy, "session", connection->client_identifier).data == NULL)
        return PASS;
    passage->packet.connack.session_present = true;
    return ENCODE;
}

MUTANT(session_present_after_clean_start, V311 | V5,
       "Session Present is 1 though Clean Start discarded the session",
       "clean_start_discards_session discarded_session_does_not_come_back", MQTT_3_2_2_2, MQTT3_3_2_2_1,
       MQTT_3_2_2_3, MQTT3_3_2_2_3) = {
    .from_client = note_session,
    .from_server = claim_discarded_session,
};

/* ---- Clean Start --------------------------------------------------------------------------------- */

/* An empty Client Identifier needs Clean Session 1 in 3.1.1. */
static enum fate clear_clean_start(struct passage *passage)
{
    if (!is_type(passage, PACKET_CONNECT) || passage->packet.connect.client_identifier.length == 0)
        return PASS;
    passage->packet.connect.clean_start = false;
    return ENCODE;
}

MUTANT(clean_start_is_ignored, V_ALL, "With Clean Start 1 the session of before goes on",
       "clean_start_discards_session discarded_session_does_not_come_back clean_session_ends_with_connection "
       "takeover_with_clean_start_begins_anew",
       MQTT_3_1_2_4, MQTT3_3_1_2_6, MQTT_3_1_4_4, MQTT3_3_1_4_3, D_3_1_2_4_1) = {
    .from_client = clear_clean_start,
    .properties = "session_discarded_by_clean_start_after_crash",
};

static enum fate set_clean_start(struct passage *passage)
{
    if (!is_type(passage, PACKET_CONNECT))
        return PASS;
    passage->packet.connect.clean_start = true;
    return ENCODE;
}

MUTANT(every_start_is_clean, V_ALL, "With Clean Start 0 the session of before is discarded all the same",
       "session_is_resumed session_keeps_messages_of_qos_2 session_survives_lost_connection "
       "clean_start_begins_a_session_that_lasts takeover_continues_the_session",
       MQTT_3_1_2_5, MQTT3_3_1_2_4, MQTT_3_1_2_23, MQTT3_3_1_2_5, MQTT_3_1_4_4, MQTT3_3_1_4_3) = {
    .from_client = set_clean_start,
};

static enum fate drop_at_resumption(struct passage *passage)
{
    const unsigned *seen = passage->connection->seen[FROM_CLIENT];
    const bool silent = seen[PACKET_SUBSCRIBE] + seen[PACKET_PINGREQ] + seen[PACKET_PUBLISH] == 0;
    return is_type(passage, PACKET_PUBLISH) && silent ? DROP : PASS;
}

MUTANT(session_keeps_no_messages, V_ALL,
       "A session keeps its subscriptions, but not the messages of its absence",
       "session_is_resumed session_keeps_messages_of_qos_2", MQTT_3_1_2_23, MQTT3_3_1_2_5) = {
    .from_server = drop_at_resumption,
};

static enum fate fold_client_identifier(struct passage *passage)
{
    if (!is_type(passage, PACKET_CONNECT))
        return PASS;
    struct bytes *identifier = &passage->packet.connect.client_identifier;
    uint8_t *folded = scratch(passage, identifier->length);
    for (size_t i = 0; i < identifier->length; i++)
        folded[i] = (uint8_t)tolower(identifier->data[i]);
    identifier->data = folded;
    return ENCODE;
}

MUTANT(client_identifiers_are_folded, V_ALL,
       "Client Identifiers that differ in capitals alone share a session",
       "sessions_are_told_apart_by_client_identifier", MQTT_3_1_3_2, MQTT3_3_1_3_2) = {
    .from_client = fold_client_identifier,
};

/* Deletes the latest message that the client had retained when it says goodbye. */
static enum fate take_retained_along(struct passage *passage)
{
    struct connection *connection = passage->connection;
    if (is_type(passage, PACKET_PUBLISH) && passage->packet.publish.retain)
        remember(connection->proxy, "retained", connection->client_identifier, passage->packet.publish.topic);
    const struct bytes topic = recall(connection->proxy, "retained", connection->client_identifier);
    const struct packet removal = {.type = PACKET_PUBLISH, .publish = {.retain = true, .topic = topic}};
    if (is_type(passage, PACKET_DISCONNECT) && topic.length > 0)
        send_to_server(connection, &removal);
    return PASS;
}

MUTANT(retained_messages_end_with_session, V_ALL, "A client's retained messages are part of its session",
       "retained_messages_outlive_the_session", MQTT3_3_1_2_7, D_4_1_6, D3_4_1_1) = {
    .from_client = take_retained_along,
};

/* ---- Session Expiry Interval --------------------------------------------------------------------- */

static enum fate set_expiry(struct passage *passage, uint32_t seconds)
{
    if (!is_type(passage, PACKET_CONNECT))
        return PASS;
    properties_set_number(&passage->packet.connect.properties, ORDINAL_SESSION_EXPIRY_INTERVAL, seconds);
    return ENCODE;
}

static enum fate expire_never(struct passage *passage)
{
    return set_expiry(passage, 3600);
}

MUTANT(sessions_never_expire, V5, "Every session stays for an hour",
       "session_without_expiry_interval_ends_with_connection session_expires "
       "latest_session_expiry_interval_counts will_delay_ends_with_session "
       "session_expires_while_server_is_down",
       MQTT_3_1_2_23, MQTT_4_1_0_2, D_3_1_2_11_2_1, D_3_1_2_11_2_2, D_3_1_3_2_2_2) = {
    .from_client = expire_never,
    .properties = "session_expiry_goes_on_after_crash "
                  "session_expiry_is_not_begun_anew_after_crash",
};

static enum fate expire_at_once(struct passage *passage)
{
    return set_expiry(passage, 0);
}

MUTANT(sessions_expire_at_once, V5, "Every session ends with its connection",
       "session_expires latest_session_expiry_interval_counts clean_start_begins_a_session_that_lasts",
       MQTT_3_1_2_23, MQTT_3_1_2_5, MQTT_3_2_2_3, D_3_1_2_11_2_3, D_3_2_2_3_2_1) = {
    .from_client = expire_at_once,
};

/* The interval that a Client Identifier gave first goes for all its connections. */
static enum fate keep_first_expiry(struct passage *passage)
{
    if (!is_type(passage, PACKET_CONNECT))
        return PASS;
    struct proxy *proxy = passage->connection->proxy;
    const struct connect *connect = &passage->packet.connect;
    uint32_t seconds = properties_number(&connect->properties, ORDINAL_SESSION_EXPIRY_INTERVAL, 0);
    const struct bytes kept = recall(proxy, "expiry", connect->client_identifier);
    if (kept.length == sizeof seconds)
        memcpy(&seconds, kept.data, sizeof seconds);
    else
        remember(proxy, "expiry", connect->client_identifier, bytes_of(&seconds, sizeof seconds));
    return set_expiry(passage, seconds);
}

MUTANT(first_expiry_interval_counts, V5, "A session lasts as long as the first CONNECT said",
       "latest_session_expiry_interval_counts", D_4_1_1, D_3_1_2_11_2_2) = {
    .from_client = keep_first_expiry,
};
