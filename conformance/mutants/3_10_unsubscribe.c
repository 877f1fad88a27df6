/* 3.10 UNSUBSCRIBE */
#include "3_08_subscribe.h"

/* ---- 3.10.1, 3.10.3: what is refused ------------------------------------------------------------- */

MUTANT(unsubscribe_flags_unchecked, V5 | V311, "The reserved header bits of UNSUBSCRIBE are not checked",
       "unsubscribe_reserved_flags_are_refused", MQTT_3_10_1_1, MQTT3_3_10_1_1) = {
    .tolerate = {MQTT_3_10_1_1, MQTT3_3_10_1_1},
};

static enum fate accept_ill_formed_filter(struct passage *passage)
{
    return passage->packet.type == PACKET_UNSUBSCRIBE &&
                   (is_refused_by(passage, MQTT_1_5_4_1) || is_refused_by(passage, MQTT3_1_5_3_1))
               ? pretend(passage)
               : PASS;
}

MUTANT(unsubscribe_filter_utf8_unchecked, V5 | V311, "Topic Filters of UNSUBSCRIBE need not be UTF-8",
       "unsubscribe_ill_formed_filter_is_refused", MQTT_3_10_3_1, MQTT3_3_10_3_1, MQTT_1_5_4_1,
       MQTT3_1_5_3_1) = {
    .from_client = accept_ill_formed_filter,
};

static enum fate accept_cut_unsubscribe(struct passage *passage)
{
    return passage->packet.type == PACKET_UNSUBSCRIBE && passage->verdict.refused ? pretend(passage) : PASS;
}

MUTANT(unsubscribe_cut_short_accepted, V5 | V311, "An UNSUBSCRIBE that was cut short is answered",
       "unsubscribe_filters_are_packed", MQTT3_3_10_3_1, MQTT_3_10_3_1) = {
    .from_client = accept_cut_unsubscribe,
};

MUTANT(unsubscribe_without_filter_accepted, V5 | V311, "An UNSUBSCRIBE without Topic Filter is answered",
       "unsubscribe_without_filter_is_refused", MQTT_3_10_3_2, MQTT3_3_10_3_2, P_3_10_3_1) = {
    .tolerate = {MQTT_3_10_3_2, MQTT3_3_10_3_2},
};

static enum fate refuse_user_properties(struct passage *passage)
{
    return is_type(passage, PACKET_UNSUBSCRIBE) &&
                   properties_has(&passage->packet.unsubscribe.properties, ORDINAL_USER_PROPERTY)
               ? CLOSE
               : PASS;
}

MUTANT(unsubscribe_user_property_refused, V5, "An UNSUBSCRIBE with a User Property ends the connection",
       "unsubscribe_user_properties_are_accepted", D_3_10_2_1_2_1) = {
    .from_client = refuse_user_properties,
};

/* ---- 3.10.4: what it does ------------------------------------------------------------------------ */

static enum fate only_answer(struct passage *passage)
{
    return is_type(passage, PACKET_UNSUBSCRIBE) ? pretend(passage) : PASS;
}

MUTANT(unsubscribe_does_nothing, V_ALL, "An UNSUBSCRIBE is answered, and that is all",
       "unsubscribe_ends_delivery unsubscribe_ends_queueing unsubscribe_compares_character_by_character "
       "unsubscribe_takes_wildcards_for_characters unsubscribe_concerns_its_own_session "
       "unsubscribe_of_several_filters_is_answered_once",
       MQTT_3_10_4_1, MQTT3_3_10_4_1, MQTT_3_10_4_2, MQTT3_3_10_4_2, MQTT_3_10_4_6, MQTT3_3_10_4_6) = {
    .from_client = only_answer,
};

/* Blanks and separators at the end are cut off. */
static size_t trim(struct bytes topic, uint8_t *to)
{
    size_t length = topic.length;
    while (length > 1 && (topic.data[length - 1] == '/' || topic.data[length - 1] == ' '))
        length--;
    memcpy(to, topic.data, length);
    return length;
}

static enum fate trim_unsubscribe(struct passage *passage)
{
    return is_type(passage, PACKET_UNSUBSCRIBE) ? map_unsubscribe(passage, trim) : PASS;
}

MUTANT(unsubscribe_trims_its_filters, V_ALL,
       "An UNSUBSCRIBE deletes what differs in blanks and separators only",
       "unsubscribe_compares_character_by_character", MQTT_3_10_4_1, MQTT3_3_10_4_1) = {
    .from_client = trim_unsubscribe,
};

/* As if the filter matched the other one. */
static size_t name_for_wildcard(struct bytes topic, uint8_t *to)
{
    memcpy(to, topic.data, topic.length);
    if (ends_with(topic, "/+"))
        to[topic.length - 1] = 'b';
    return topic.length;
}

static enum fate match_unsubscribe(struct passage *passage)
{
    return is_type(passage, PACKET_UNSUBSCRIBE) ? map_unsubscribe(passage, name_for_wildcard) : PASS;
}

MUTANT(unsubscribe_matches, V_ALL, "An UNSUBSCRIBE with a wildcard deletes subscriptions that it matches",
       "unsubscribe_takes_wildcards_for_characters", MQTT_3_10_4_1, MQTT3_3_10_4_1) = {
    .from_client = match_unsubscribe,
};

#define OWN_IDENTIFIER 60000 /* of an UNSUBSCRIBE that the client did not send */

/* Whoever unsubscribes from "a/b" loses "a/+", too. */
static enum fate unsubscribe_wildcard_as_well(struct passage *passage)
{
    struct bytes rest = passage->packet.unsubscribe.payload;
    struct bytes filter;
    if (!is_type(passage, PACKET_UNSUBSCRIBE) || !unsubscribe_next(&rest, &filter))
        return PASS;
    const uint8_t *separator = memrchr(filter.data, '/', filter.length);
    if (separator == NULL)
        return PASS;
    const size_t length = (size_t)(separator - filter.data) + 2;
    uint8_t *wider = scratch(passage, length);
    memcpy(wider, filter.data, length - 1);
    wider[length - 1] = '+';
    struct writer writer = writer_into(scratch(passage, length + 2), length + 2);
    unsubscribe_write(&writer, bytes_of(wider, length));
    struct packet packet = {.type = PACKET_UNSUBSCRIBE};
    packet.unsubscribe.packet_identifier = OWN_IDENTIFIER;
    packet.unsubscribe.payload = bytes_of(writer.start, writer_size(&writer));
    packet.unsubscribe.count = 1;
    send_to_server(passage->connection, &packet);
    return PASS;
}

static enum fate hide_own_unsuback(struct passage *passage)
{
    return is_type(passage, PACKET_UNSUBACK) && passage->packet.suback.packet_identifier == OWN_IDENTIFIER
               ? DROP
               : PASS;
}

MUTANT(unsubscribe_takes_overlapping_along, V_ALL,
       "An UNSUBSCRIBE deletes subscriptions with a wildcard that match its topic, too",
       "unsubscribe_leaves_overlapping_subscriptions", MQTT_3_10_4_1, MQTT3_3_10_4_1) = {
    .from_client = unsubscribe_wildcard_as_well,
    .from_server = hide_own_unsuback,
};

/* The first one only: the others get another last character. */
static enum fate spoil_later_filters(struct passage *passage)
{
    if (!is_type(passage, PACKET_UNSUBSCRIBE))
        return PASS;
    struct bytes rest = passage->packet.unsubscribe.payload;
    struct bytes filter;
    for (size_t i = 0; unsubscribe_next(&rest, &filter); i++)
        if (i > 0)
            passage->bytes[(size_t)(filter.data - passage->bytes) + filter.length - 1] = 'X';
    return PASS;
}

MUTANT(only_first_filter_unsubscribed, V_ALL, "Only the first Topic Filter of an UNSUBSCRIBE takes effect",
       "unsubscribe_of_several_filters_is_answered_once", MQTT_3_10_4_6, MQTT3_3_10_4_6) = {
    .from_client = spoil_later_filters,
};

/* ---- Deliveries under way ------------------------------------------------------------------------ */

struct flight {
    uint8_t qos; /* of the last PUBLISH to the client, 0 once it is acknowledged */
    uint16_t packet_identifier;
    bool given_up;
};

/* Acknowledges to the broker what the client has not: it will not come again. */
static enum fate give_up_at_unsubscribe(struct passage *passage)
{
    struct flight *flight = passage->connection->context;
    if (is_type(passage, PACKET_PUBACK) || is_type(passage, PACKET_PUBREC))
        flight->qos = 0;
    if (!is_type(passage, PACKET_UNSUBSCRIBE) || flight->qos == 0)
        return PASS;
    struct packet answer = {.type = flight->qos == 1 ? PACKET_PUBACK : PACKET_PUBREC};
    answer.acknowledgement.packet_identifier = flight->packet_identifier;
    send_to_server(passage->connection, &answer);
    flight->given_up = true;
    return PASS;
}

static enum fate watch_flight(struct passage *passage)
{
    struct flight *flight = passage->connection->context;
    if (is_type(passage, PACKET_PUBLISH) && passage->packet.publish.qos > 0) {
        flight->qos = passage->packet.publish.qos;
        flight->packet_identifier = passage->packet.publish.packet_identifier;
    }
    if (!is_type(passage, PACKET_PUBREL) || !flight->given_up)
        return PASS;
    struct packet answer = {.type = PACKET_PUBCOMP};
    answer.acknowledgement.packet_identifier = passage->packet.acknowledgement.packet_identifier;
    send_to_server(passage->connection, &answer);
    return DROP;
}

MUTANT(unsubscribe_drops_deliveries, V_ALL, "An UNSUBSCRIBE ends deliveries that had begun",
       "unsubscribe_lets_qos_2_delivery_finish unsubscribe_lets_qos_1_delivery_finish_later "
       "unsubscribe_lets_qos_2_delivery_finish_later",
       MQTT_3_10_4_3, MQTT3_3_10_4_3) = {
    .from_client = give_up_at_unsubscribe,
    .from_server = watch_flight,
    .context_size = sizeof(struct flight),
};

/* ---- The answer ---------------------------------------------------------------------------------- */

MUTANT(unsubscribe_unanswered, V_ALL, "There is no UNSUBACK",
       "unsubscribe_is_answered_with_its_packet_identifier unsubscribe_of_nothing_is_answered", MQTT_3_10_4_4,
       MQTT3_3_10_4_4, MQTT_3_10_4_5, MQTT3_3_10_4_5) = {
    .drop_from_server = TYPE(PACKET_UNSUBACK),
};

static enum fate drop_without_subscription(struct passage *passage)
{
    return is_type(passage, PACKET_UNSUBACK) && passage->connection->seen[FROM_CLIENT][PACKET_SUBSCRIBE] == 0
               ? DROP
               : PASS;
}

MUTANT(unsubscribe_of_nothing_unanswered, V_ALL, "An UNSUBSCRIBE that deletes nothing gets no UNSUBACK",
       "unsubscribe_of_nothing_is_answered", MQTT_3_10_4_5, MQTT3_3_10_4_5) = {
    .from_server = drop_without_subscription,
};

static enum fate lose_high_byte(struct passage *passage)
{
    if (is_type(passage, PACKET_UNSUBACK) && passage->bytes[3] != 0)
        passage->bytes[2] = 0;
    return PASS;
}

MUTANT(unsuback_identifier_has_one_byte, V_ALL, "The Packet Identifier of an UNSUBACK loses its high byte",
       "unsubscribe_is_answered_with_its_packet_identifier unsuback_has_its_fields_in_order", MQTT_3_10_4_5,
       MQTT3_3_10_4_4) = {
    .from_server = lose_high_byte,
};

struct several {
    bool filters;
};

static enum fate note_several(struct passage *passage)
{
    struct several *own = passage->connection->context;
    if (is_type(passage, PACKET_UNSUBSCRIBE))
        own->filters = passage->packet.unsubscribe.count > 1;
    return PASS;
}

static enum fate repeat_unsuback(struct passage *passage)
{
    const struct several *own = passage->connection->context;
    if (own->filters && is_type(passage, PACKET_UNSUBACK))
        forward(passage);
    return PASS;
}

MUTANT(unsuback_per_filter, V_ALL, "An UNSUBSCRIBE with several Topic Filters is answered more than once",
       "unsubscribe_of_several_filters_is_answered_once", MQTT_3_10_4_6, MQTT3_3_10_4_6) = {
    .from_client = note_several,
    .from_server = repeat_unsuback,
    .context_size = sizeof(struct several),
};

/* ---- What was buffered ------------------------------------------------------------------------------- */

/* Acknowledges in the client's stead what comes behind the UNSUBACK. */
static enum fate drop_buffered(struct passage *passage)
{
    const struct publish *publish = &passage->packet.publish;
    struct packet puback = {.type = PACKET_PUBACK};
    if (!is_type(passage, PACKET_PUBLISH) || publish->qos != 1 || !ends_with(publish->topic, "/buffered") ||
        passage->connection->seen[FROM_SERVER][PACKET_UNSUBACK] == 0)
        return PASS;
    puback.acknowledgement.packet_identifier = publish->packet_identifier;
    send_to_server(passage->connection, &puback);
    return DROP;
}

MUTANT(buffered_messages_are_dropped, V5, "What waits when the client unsubscribes is dropped",
       "buffered_messages_may_come_after_unsubscribe", D_3_10_4_1) = {
    .from_server = drop_buffered,
    .permitted = "of those that waited none came afterwards",
};

/* A server that takes its time, where the broker sends all at once. */
static enum fate dawdle(struct passage *passage)
{
    const struct publish *publish = &passage->packet.publish;
    const bool later = is_type(passage, PACKET_PUBLISH) && ends_with(publish->topic, "/buffered") &&
                       passage->connection->seen[FROM_SERVER][PACKET_PUBLISH] > 20;
    return later ? delay(passage, 0.5) : PASS;
}

MUTANT(buffered_messages_come_late, V3, "What waits when the client unsubscribes is delivered afterwards",
       "buffered_messages_may_come_after_unsubscribe", D3_3_10_4_1) = {
    .from_server = dawdle,
    .permitted = "of those that waited some came afterwards",
};

/* A server that answers once all has been acknowledged, and does not look again. */
static enum fate keep_unsuback_back(struct passage *passage)
{
    const struct connection *connection = passage->connection;
    const bool waits =
        connection->seen[FROM_SERVER][PACKET_PUBLISH] > connection->seen[FROM_CLIENT][PACKET_PUBACK];
    return is_type(passage, PACKET_UNSUBACK) && waits ? DROP : PASS;
}

MUTANT(unsubscribe_amid_deliveries_is_unanswered, V_ALL,
       "An UNSUBSCRIBE gets no UNSUBACK while a message is not acknowledged",
       "buffered_messages_may_come_after_unsubscribe", MQTT_3_10_4_4, MQTT3_3_10_4_4) = {
    .from_server = keep_unsuback_back,
};
