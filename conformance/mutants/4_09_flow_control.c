/* 4.9 Flow Control */
#include "mutant.h"

/* Has the broker believe in another Receive Maximum. */
static enum fate change_maximum(struct passage *passage, uint32_t maximum)
{
    properties_set_number(&passage->packet.connect.properties, ORDINAL_RECEIVE_MAXIMUM, maximum);
    return ENCODE;
}

/* What the CONNECT says; 0: nothing, or this is no CONNECT. */
static uint32_t maximum_of(const struct passage *passage)
{
    if (!is_type(passage, PACKET_CONNECT))
        return 0;
    return properties_number(&passage->packet.connect.properties, ORDINAL_RECEIVE_MAXIMUM, 0);
}

static enum fate ignore_maximum(struct passage *passage)
{
    return maximum_of(passage) == 0 ? PASS : change_maximum(passage, 65535);
}

MUTANT(receive_maximum_is_overlooked, V5, "The client's Receive Maximum has no effect",
       "send_quota_is_kept_at_qos_1 send_quota_is_kept_at_qos_2 other_packets_go_on_at_quota_0 "
       "exchange_of_a_qos_2_message_goes_on_at_quota_0 qos_0_is_sent_or_held_back_at_quota_0 "
       "send_quota_begins_anew_with_each_connection send_quota_does_not_grow_beyond_its_beginning "
       "send_quota_belongs_to_one_client",
       MQTT_4_9_0_2, D_4_9_1) = {
    .from_client = ignore_maximum,
};

static enum fate add_one(struct passage *passage)
{
    return maximum_of(passage) == 0 ? PASS : change_maximum(passage, maximum_of(passage) + 1);
}

MUTANT(send_quota_begins_too_high, V5, "One message more than Receive Maximum is under way",
       "send_quota_is_kept_at_qos_1 send_quota_is_kept_at_qos_2", MQTT_4_9_0_1, MQTT_4_9_0_2) = {
    .from_client = add_one,
};

MUTANT(send_quota_is_not_raised, V5, "PUBACK and PUBCOMP make no room for other messages",
       "send_quota_is_kept_at_qos_1 send_quota_is_kept_at_qos_2 puback_forms_are_accepted", D_4_9_2) = {
    .drop_from_client = TYPE(PACKET_PUBACK) | TYPE(PACKET_PUBCOMP),
};

/* An acknowledgement that the server has, and has not looked at yet. */
struct unseen {
    bool limited; /* the client has a Receive Maximum */
    uint8_t bytes[16];
    size_t size;
};

static enum fate look_at_acknowledgements_later(struct passage *passage)
{
    struct unseen *unseen = passage->connection->context;
    const bool makes_room = is_type(passage, PACKET_PUBACK) || is_type(passage, PACKET_PUBCOMP);
    if (maximum_of(passage) != 0)
        unseen->limited = true;
    if (unseen->limited && makes_room && unseen->size == 0 && passage->size <= sizeof unseen->bytes) {
        memcpy(unseen->bytes, passage->bytes, passage->size);
        unseen->size = passage->size;
        return DROP;
    }
    send_bytes_to_server(passage->connection, unseen->bytes, unseen->size);
    unseen->size = 0;
    return PASS;
}

MUTANT(acknowledgement_alone_makes_no_room, V5,
       "PUBACK and PUBCOMP make room no sooner than the client sends something else",
       "receive_maximum_is_a_window_at_qos_1 receive_maximum_is_a_window_at_qos_2", D_4_9_2) = {
    .from_client = look_at_acknowledgements_later,
    .context_size = sizeof(struct unseen),
};

/* ---- At quota 0 --------------------------------------------------------------------------------------- */

struct limit {
    bool known; /* the client has a Receive Maximum */
};

static bool is_exhausted(const struct connection *connection)
{
    const struct limit *limit = connection->context;
    const unsigned *client = connection->seen[FROM_CLIENT];
    return limit->known &&
           connection->seen[FROM_SERVER][PACKET_PUBLISH] > client[PACKET_PUBACK] + client[PACKET_PUBCOMP];
}

static enum fate stall(struct passage *passage)
{
    struct limit *limit = passage->connection->context;
    if (maximum_of(passage) != 0)
        limit->known = true;
    const bool other = is_type(passage, PACKET_SUBSCRIBE) || is_type(passage, PACKET_PUBLISH);
    return other && is_exhausted(passage->connection) ? DROP : PASS;
}

MUTANT(everything_stops_at_quota_0, V5, "At quota 0 the client's PUBLISH and SUBSCRIBE are not dealt with",
       "other_packets_go_on_at_quota_0 send_quotas_of_both_directions_are_apart", MQTT_4_9_0_3) = {
    .from_client = stall,
    .context_size = sizeof(struct limit),
};

static enum fate note_limit(struct passage *passage)
{
    struct limit *limit = passage->connection->context;
    if (maximum_of(passage) != 0)
        limit->known = true;
    return PASS;
}

static enum fate hold_back_pubrel(struct passage *passage)
{
    return is_type(passage, PACKET_PUBREL) && is_exhausted(passage->connection) ? DROP : PASS;
}

MUTANT(pubrel_is_held_back_at_quota_0, V5, "At quota 0 no PUBREL is sent",
       "exchange_of_a_qos_2_message_goes_on_at_quota_0", MQTT_4_9_0_3) = {
    .from_client = note_limit,
    .from_server = hold_back_pubrel,
    .context_size = sizeof(struct limit),
};

/* ---- Quota and connections ---------------------------------------------------------------------------- */

static enum fate keep_first_maximum(struct passage *passage)
{
    struct connection *connection = passage->connection;
    const uint32_t maximum = maximum_of(passage);
    if (maximum == 0)
        return PASS;
    struct bytes kept = recall(connection->proxy, "maximum", connection->client_identifier);
    if (kept.data == NULL) {
        const uint8_t value[] = {(uint8_t)(maximum >> 8), (uint8_t)maximum};
        remember(connection->proxy, "maximum", connection->client_identifier, bytes_of(value, sizeof value));
        return PASS;
    }
    return change_maximum(passage, (uint32_t)kept.data[0] << 8 | kept.data[1]);
}

MUTANT(first_receive_maximum_counts_for_ever, V5,
       "The Receive Maximum of a session's first connection stays in force",
       "send_quota_begins_anew_with_each_connection", D_4_9_4) = {
    .from_client = keep_first_maximum,
};

/* An exchange of the connection before ends on this one and makes room that was never taken. */
static enum fate note_pubrel(struct passage *passage)
{
    struct connection *connection = passage->connection;
    if (is_type(passage, PACKET_PUBREL))
        remember(connection->proxy, "pubrel", connection->client_identifier, bytes_of_text("seen"));
    return PASS;
}

static enum fate add_one_for_pubrel(struct passage *passage)
{
    struct connection *connection = passage->connection;
    const uint32_t maximum = maximum_of(passage);
    if (maximum == 0 || recall(connection->proxy, "pubrel", connection->client_identifier).data == NULL)
        return PASS;
    return change_maximum(passage, maximum + 1);
}

MUTANT(send_quota_grows_with_old_exchanges, V5,
       "The PUBCOMP of an exchange of the connection before raises the quota",
       "send_quota_does_not_grow_beyond_its_beginning", D_4_9_3) = {
    .from_client = add_one_for_pubrel,
    .from_server = note_pubrel,
};

/* ---- Large windows ------------------------------------------------------------------------------------ */

static enum fate lose_fiftieth(struct passage *passage)
{
    const bool fiftieth = is_type(passage, PACKET_PUBLISH) &&
                          passage->connection->seen[FROM_SERVER][PACKET_PUBLISH] == 50 &&
                          passage->packet.publish.qos == 1;
    struct packet answer = {.type = PACKET_PUBACK};
    answer.acknowledgement.packet_identifier = passage->packet.publish.packet_identifier;
    if (fiftieth)
        send_to_server(passage->connection, &answer);
    return fiftieth ? DROP : PASS;
}

MUTANT(fiftieth_message_is_lost, V5, "Of many messages under way the fiftieth is lost",
       "receive_maximum_of_65535_is_accepted", MQTT_4_5_0_1) = {
    .from_server = lose_fiftieth,
};
