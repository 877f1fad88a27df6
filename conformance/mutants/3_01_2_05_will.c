/* 3.1.2.5 to 3.1.2.7 Will Flag, Will QoS, Will Retain */
#include "mutant.h"

static bool has_will(const struct passage *passage)
{
    return is_type(passage, PACKET_CONNECT) && passage->packet.connect.will.present;
}

/* ---- When it is published ------------------------------------------------------------------------ */

static enum fate take_will_away(struct passage *passage)
{
    if (!has_will(passage))
        return PASS;
    passage->packet.connect.will.present = false;
    return ENCODE;
}

MUTANT(will_is_never_published, V_ALL, "Wills are forgotten",
       "will_is_published_when_connection_is_lost will_is_published_after_malformed_packet "
       "will_is_published_on_request will_is_published_on_takeover_of_session "
       "will_is_that_of_the_latest_connect will_is_published_at_shutdown_or_restart "
       "will_payload_is_binary wills_reach_clients_of_other_versions",
       MQTT_3_1_2_7, MQTT_3_1_2_8, MQTT3_3_1_2_8, D_3_1_2_5_1, D_3_1_2_5_3, D_3_1_2_5_5, D_3_1_3_2_2_1,
       D3_3_1_2_5_1, D3_3_1_2_5_3, D3_3_1_2_5_5) = {
    .from_client = take_will_away,
    .properties = "will_of_connected_client_after_crash will_due_while_down_after_crash "
                  "will_delay_goes_on_after_crash",
};

/* To the broker a DISCONNECT that never comes is a lost connection. */
static enum fate hide_disconnect(struct passage *passage)
{
    return is_type(passage, PACKET_DISCONNECT) ? CLOSE : PASS;
}

MUTANT(will_is_published_after_disconnect, V_ALL, "A DISCONNECT does not drop the will",
       "will_is_dropped_by_disconnect published_will_is_removed no_will_without_will_flag "
       "disconnect_discards_the_will disconnect_discards_the_will_when_client_closes "
       "disconnect_forms_discard_the_will",
       MQTT_3_1_2_10, MQTT3_3_1_2_10, MQTT_3_1_2_8, MQTT3_3_1_2_8, MQTT_3_14_4_3, MQTT3_3_14_4_3,
       R_3_14_2_1_1, D_3_14_2_1_1) = {
    .from_client = hide_disconnect,
    .properties = "will_taken_back_after_crash",
};

static enum fate make_disconnect_normal(struct passage *passage)
{
    if (!is_type(passage, PACKET_DISCONNECT))
        return PASS;
    passage->packet.disconnect.reason_code = REASON_NORMAL_DISCONNECTION;
    return ENCODE;
}

MUTANT(every_disconnect_drops_will, V5, "A DISCONNECT drops the will whatever its Reason Code",
       "will_is_published_on_request will_is_published_after_disconnect_for_an_error "
       "disconnect_with_will_message_publishes_it disconnect_with_error_publishes_the_will",
       MQTT_3_1_2_8, MQTT_3_1_2_10, D_3_1_2_5_3, R_3_14_1, D_3_14_2_2_1_1) = {
    .from_client = make_disconnect_normal,
};

static enum fate leave_politely_before_error(struct passage *passage)
{
    const bool again =
        passage->packet.type == PACKET_CONNECT && passage->connection->seen[FROM_CLIENT][PACKET_CONNECT] > 1;
    if (!passage->connection->accepted || (!passage->verdict.refused && !again))
        return PASS;
    send_bytes_to_server(passage->connection, "\xe0\x00", 2);
    return CLOSE;
}

MUTANT(error_drops_will, V_ALL, "The will of a client that breaks the protocol is not published",
       "will_is_published_after_malformed_packet will_is_published_after_second_connect", MQTT_3_1_2_8,
       MQTT3_3_1_2_8, D_3_1_2_5_4, D3_3_1_2_5_4) = {
    .from_client = leave_politely_before_error,
};

/* The broker must have dealt with the DISCONNECT on the old connection before it sees the new CONNECT. */
static enum fate end_old_connection_politely(struct passage *passage)
{
    struct connection *own = passage->connection;
    bool found = false;
    if (!is_type(passage, PACKET_CONNECT) || own->client_identifier.length == 0)
        return PASS;
    for (struct connection *at = NULL; (at = next_connection(own->proxy, at)) != NULL;) {
        if (at == own || !bytes_equal(at->client_identifier, own->client_identifier))
            continue;
        send_bytes_to_server(at, "\xe0\x00", 2);
        found = true;
    }
    return found ? delay(passage, 0.2) : PASS;
}

MUTANT(takeover_drops_will, V_ALL, "A takeover ends the old connection as if its client had said DISCONNECT",
       "will_is_published_on_takeover_with_clean_start will_is_published_on_takeover_of_session",
       MQTT_3_1_2_8, MQTT3_3_1_2_8, D_3_1_4_2) = {
    .from_client = end_old_connection_politely,
};

/* ---- Which will is published --------------------------------------------------------------------- */

/* A will as it is remembered: its topic with the QoS behind it, by Client Identifier. */
static void remember_will(struct proxy *proxy, const struct connect *connect)
{
    remember(proxy, "will topic", connect->client_identifier, connect->will.topic);
    remember(proxy, "will payload", connect->client_identifier, connect->will.payload);
}

/* Puts the remembered will, if there is one, in place of the packet's. */
static enum fate put_remembered_will(struct passage *passage)
{
    struct connect *connect = &passage->packet.connect;
    struct proxy *proxy = passage->connection->proxy;
    const struct bytes topic = recall(proxy, "will topic", connect->client_identifier);
    if (topic.length == 0)
        return PASS;
    connect->will.present = true;
    if (connect->will.topic.length == 0 || connect->will.payload.data == NULL)
        properties_clear(&connect->will.properties);
    connect->will.topic = topic;
    connect->will.payload = recall(proxy, "will payload", connect->client_identifier);
    return ENCODE;
}

static enum fate keep_will_for_ever(struct passage *passage)
{
    if (has_will(passage))
        remember_will(passage->connection->proxy, &passage->packet.connect);
    if (!is_type(passage, PACKET_CONNECT) || has_will(passage))
        return PASS;
    passage->packet.connect.will = (struct will){.present = false};
    return put_remembered_will(passage);
}

MUTANT(will_outlives_its_connection, V_ALL,
       "A will stays with the Client Identifier for its later connections",
       "published_will_is_removed no_will_without_will_flag will_does_not_outlive_its_connection",
       MQTT_3_1_2_10, MQTT3_3_1_2_10, MQTT3_3_1_2_12, MQTT_3_1_3_9) = {
    .from_client = keep_will_for_ever,
};

static enum fate keep_first_will(struct passage *passage)
{
    if (!has_will(passage))
        return PASS;
    const enum fate fate = put_remembered_will(passage);
    if (fate == PASS)
        remember_will(passage->connection->proxy, &passage->packet.connect);
    return fate;
}

MUTANT(first_will_counts, V_ALL, "The first will of a Client Identifier is the one that is published",
       "will_is_that_of_the_latest_connect", MQTT_3_1_2_7, MQTT_3_1_2_8, MQTT3_3_1_2_8) = {
    .from_client = keep_first_will,
};

static enum fate note_will_topic(struct passage *passage)
{
    if (has_will(passage))
        remember(passage->connection->proxy, "will", passage->packet.connect.will.topic, bytes_of("", 1));
    return PASS;
}

static enum fate repeat_will(struct passage *passage)
{
    if (is_type(passage, PACKET_PUBLISH) && passage->packet.publish.qos == 0 &&
        recall(passage->connection->proxy, "will", passage->packet.publish.topic).data != NULL)
        forward(passage);
    return PASS;
}

MUTANT(will_is_published_twice, V_ALL, "A will is published twice",
       "will_is_published_when_connection_is_lost will_is_published_on_takeover_of_session", MQTT_3_1_2_8,
       MQTT3_3_1_2_8) = {
    .from_client = note_will_topic,
    .from_server = repeat_will,
};

/* The broker gets the CONNECT without its fault; its CONNACK is the end of the connection. */
static enum fate accept_only_the_will(struct passage *passage)
{
    if (!is_refused_by(passage, MQTT_3_1_2_3) && !is_refused_by(passage, MQTT3_3_1_2_3))
        return PASS;
    bool *accepted = passage->connection->context;
    *accepted = true;
    passage->bytes[9] &= 0xFE; /* Connect Flags, in a packet with one byte of Remaining Length */
    forward(passage);
    return DROP;
}

static enum fate close_instead_of_connack(struct passage *passage)
{
    const bool *accepted = passage->connection->context;
    return *accepted ? CLOSE : PASS;
}

MUTANT(refused_connect_leaves_will, V_ALL, "The will of a CONNECT that is refused is published",
       "will_of_a_refused_connect_is_not_published refused_connect_takes_nothing_over", MQTT_3_1_4_6,
       MQTT3_3_1_4_5, MQTT3_3_1_2_8, MQTT_3_1_4_1, MQTT3_3_1_4_1) = {
    .from_client = accept_only_the_will,
    .from_server = close_instead_of_connack,
    .context_size = sizeof(bool),
};

/* ---- Will Topics that are none ------------------------------------------------------------------- */

/* What the broker gets in their place: it would refuse the CONNECT. */
#define FOR_HASH '!'
#define FOR_PLUS '^'

static enum fate hide_wildcard(struct passage *passage)
{
    if (passage->packet.type != PACKET_CONNECT ||
        (!is_refused_by(passage, MQTT_4_7_0_1) && !is_refused_by(passage, MQTT3_4_7_1_1)))
        return PASS;
    uint8_t *wildcard = passage->bytes + passage->verdict.offset;
    *wildcard = *wildcard == '#' ? FOR_HASH : FOR_PLUS;
    return PASS;
}

static enum fate show_wildcard(struct passage *passage)
{
    const struct bytes topic = passage->packet.publish.topic;
    if (!is_type(passage, PACKET_PUBLISH))
        return PASS;
    uint8_t *name = passage->bytes + (topic.data - passage->bytes);
    for (size_t i = 0; i < topic.length; i++)
        name[i] = name[i] == FOR_HASH ? '#' : name[i] == FOR_PLUS ? '+' : name[i];
    return PASS;
}

MUTANT(will_topic_may_have_wildcards, V_ALL, "A will whose topic has a wildcard is published to that topic",
       "wildcard_in_will_topic_is_not_passed_on", MQTT_3_3_2_2, MQTT3_3_3_2_2, MQTT_4_7_0_1,
       MQTT3_4_7_1_1) = {
    .from_client = hide_wildcard,
    .from_server = show_wildcard,
};

/* To the broker the empty topic is one of a character, another one in each version: the test listens to all topics of
 * one level, and must not fail for what it does in another version at the same time. */
static uint8_t for_nothing(const struct connection *connection)
{
    return (uint8_t)('0' + connection->version);
}

/* In a packet with one byte of Remaining Length. */
static enum fate fill_empty_topic(struct passage *passage)
{
    const size_t at = passage->verdict.offset;
    if (passage->packet.type != PACKET_CONNECT ||
        (!is_refused_by(passage, MQTT_4_7_3_1) && !is_refused_by(passage, MQTT3_4_7_3_1)))
        return PASS;
    uint8_t *longer = scratch(passage, passage->size + 1);
    memcpy(longer, passage->bytes, at);
    memcpy(longer + at + 1, passage->bytes + at, passage->size - at);
    longer[1]++;
    longer[at - 1] = 1;
    longer[at] = for_nothing(passage->connection);
    send_bytes_to_server(passage->connection, longer, passage->size + 1);
    return DROP;
}

static enum fate empty_topic(struct passage *passage)
{
    const uint8_t filled = for_nothing(passage->connection);
    if (!is_type(passage, PACKET_PUBLISH) ||
        !bytes_equal(passage->packet.publish.topic, bytes_of(&filled, 1)))
        return PASS;
    passage->packet.publish.topic = bytes_of(NULL, 0);
    return ENCODE;
}

MUTANT(will_topic_may_be_empty, V311 | V5, "A will with an empty topic is published",
       "empty_will_topic_is_not_passed_on", MQTT_4_7_3_1, MQTT3_4_7_3_1) = {
    .from_client = fill_empty_topic,
    .from_server = empty_topic,
};

/* ---- How it is published ------------------------------------------------------------------------- */

static enum fate set_will_qos_0(struct passage *passage)
{
    if (!has_will(passage))
        return PASS;
    passage->packet.connect.will.qos = 0;
    return ENCODE;
}

MUTANT(will_qos_is_always_0, V_ALL, "Wills are published at QoS 0",
       "will_qos_is_used will_is_stored_for_absent_subscribers", MQTT_3_1_2_12, MQTT3_3_1_2_9, MQTT_3_1_2_8,
       MQTT3_3_1_2_8) = {
    .from_client = set_will_qos_0,
};

static enum fate clear_will_retain(struct passage *passage)
{
    if (!has_will(passage))
        return PASS;
    passage->packet.connect.will.retain = false;
    return ENCODE;
}

MUTANT(will_is_never_retained, V_ALL, "Will Retain is ignored: a will is never retained",
       "will_retain_is_followed", MQTT_3_1_2_15, MQTT3_3_1_2_17) = {
    .from_client = clear_will_retain,
};

static enum fate set_will_retain(struct passage *passage)
{
    if (!has_will(passage))
        return PASS;
    passage->packet.connect.will.retain = true;
    return ENCODE;
}

MUTANT(will_is_always_retained, V_ALL, "Will Retain is ignored: a will is always retained",
       "will_retain_is_followed will_without_retain_leaves_retained_message", MQTT_3_1_2_14,
       MQTT3_3_1_2_16) = {
    .from_client = set_will_retain,
};

static enum fate end_will_at_nul(struct passage *passage)
{
    if (!has_will(passage))
        return PASS;
    struct bytes *payload = &passage->packet.connect.will.payload;
    const uint8_t *nul = payload->length == 0 ? NULL : memchr(payload->data, 0, payload->length);
    if (nul != NULL)
        payload->length = (size_t)(nul - payload->data);
    return ENCODE;
}

MUTANT(will_payload_is_text, V311 | V5, "A Will Payload ends at its first zero byte",
       "will_payload_is_binary", MQTT_3_1_2_7, MQTT_3_1_2_8, MQTT3_3_1_2_8, D3_3_1_3_3_1) = {
    .from_client = end_will_at_nul,
};

/* ---- Promptness -------------------------------------------------------------------------------------- */

static enum fate dawdle(struct passage *passage)
{
    return is_type(passage, PACKET_PUBLISH) && ends_with(passage->packet.publish.payload, "closing")
               ? delay(passage, 6)
               : PASS;
}

MUTANT(will_comes_late, V_ALL, "A will takes six seconds", "will_is_published_when_connection_is_lost",
       S_3_1_2_5_1, S3_3_1_2_5_1) = {
    .from_server = dawdle,
};

/* The two bytes of its length, as they stand in the CONNECT, are taken for the beginning of the payload. */
static enum fate keep_length(struct passage *passage)
{
    struct will *will = &passage->packet.connect.will;
    if (!has_will(passage))
        return PASS;
    uint8_t *longer = scratch(passage, will->payload.length + 2);
    longer[0] = (uint8_t)(will->payload.length >> 8);
    longer[1] = (uint8_t)will->payload.length;
    memcpy(longer + 2, will->payload.data, will->payload.length);
    will->payload = bytes_of(longer, will->payload.length + 2);
    return ENCODE;
}

MUTANT(will_payload_has_its_length, V311 | V5, "A will is published with the length of its payload in front",
       "will_payload_is_binary", MQTT_3_1_2_8, MQTT3_3_1_2_8, D3_3_1_3_3_2) = {
    .from_client = keep_length,
};
