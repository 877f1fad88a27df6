/* 3.3.4 PUBLISH Actions (3.1.1: 3.3.4, 3.3.5) */
#include "mutant.h"

static bool is_publish(const struct passage *passage)
{
    return is_type(passage, PACKET_PUBLISH);
}

/* ---- Responses ----------------------------------------------------------------------------------- */

static enum fate answer_qos_0(struct passage *passage)
{
    const struct packet puback = {.type = PACKET_PUBACK, .acknowledgement.packet_identifier = 1};
    if (is_publish(passage) && passage->packet.publish.qos == 0)
        send_to_client(passage->connection, &puback);
    return PASS;
}

MUTANT(qos_0_publish_is_answered, V_ALL, "A QoS 0 PUBLISH gets a PUBACK", "qos_0_publish_is_not_answered",
       MQTT_3_3_4_1, MQTT3_3_3_4_1, D3_4_3_1_1) = {
    .from_client = answer_qos_0,
    .spoils = "*",
};

MUTANT(puback_never_comes, V_ALL, "A QoS 1 PUBLISH gets no answer", "qos_1_publish_is_answered_by_puback",
       MQTT_3_3_4_1, MQTT3_3_3_4_1, MQTT_4_3_2_4, MQTT3_4_3_2_2) = {
    .drop_from_server = TYPE(PACKET_PUBACK),
    .spoils = "*",
};

MUTANT(puback_comes_twice, V_ALL, "A QoS 1 PUBLISH gets two PUBACKs", "qos_1_publish_is_answered_by_puback",
       MQTT_3_3_4_1, MQTT3_3_3_4_1) = {
    .twice_from_server = TYPE(PACKET_PUBACK),
};

static enum fate puback_for_pubrec(struct passage *passage)
{
    if (is_type(passage, PACKET_PUBREC))
        passage->bytes[0] = PACKET_PUBACK << 4;
    return PASS;
}

MUTANT(qos_2_publish_gets_puback, V_ALL, "A QoS 2 PUBLISH gets a PUBACK",
       "qos_2_publish_is_answered_by_pubrec qos_2_publish_is_taken_whatever_is_granted", MQTT_3_3_4_1,
       MQTT3_3_3_4_1, MQTT_4_3_3_8, MQTT3_4_3_3_2) = {
    .from_server = puback_for_pubrec,
};

static enum fate note_publisher(struct passage *passage)
{
    if (is_publish(passage))
        remember(passage->connection->proxy, "publisher", passage->packet.publish.topic,
                 passage->connection->client_identifier);
    return PASS;
}

static enum fate skip_publisher(struct passage *passage)
{
    if (!is_publish(passage))
        return PASS;
    const struct bytes publisher =
        recall(passage->connection->proxy, "publisher", passage->packet.publish.topic);
    return bytes_equal(publisher, passage->connection->client_identifier) ? DROP : PASS;
}

MUTANT(own_messages_do_not_come_back, V_ALL, "Nobody gets a message that he published himself",
       "message_reaches_every_subscriber without_no_local_own_messages_come", D_3_3_4_1, MQTT_4_5_0_1,
       MQTT3_4_5_0_1, D3_3_3_5_1, D_4_7_3_7, D3_4_7_3_7) = {
    .from_client = note_publisher,
    .from_server = skip_publisher,
};

/* ---- Overlapping subscriptions ------------------------------------------------------------------- */

static enum fate deliver_at_qos_0(struct passage *passage)
{
    if (!is_publish(passage) || passage->connection->seen[FROM_CLIENT][PACKET_SUBSCRIBE] < 2)
        return PASS;
    passage->packet.publish.qos = 0;
    passage->packet.publish.dup = false;
    return ENCODE;
}

MUTANT(overlapping_subscriptions_give_qos_0, V311 | V5,
       "A client with several subscriptions gets everything at QoS 0",
       "overlapping_subscriptions_give_the_highest_qos overlapping_subscriptions_give_qos_2", MQTT_3_3_4_2,
       MQTT3_3_3_5_1, D_3_3_4_3, D3_3_3_5_2) = {
    .from_server = deliver_at_qos_0,
};

/* ---- Subscription Identifiers -------------------------------------------------------------------- */

/* Leaves the first `most` Subscription Identifiers in a PUBLISH, and no User Property. */
static enum fate cut_identifiers(struct passage *passage, size_t most)
{
    struct properties *properties = &passage->packet.publish.properties;
    if (!is_publish(passage) || !properties_has(properties, ORDINAL_SUBSCRIPTION_IDENTIFIER))
        return PASS;
    struct writer writer = writer_into(scratch(passage, passage->size), passage->size);
    struct bytes rest = properties->repeated;
    uint32_t identifier;
    for (size_t i = 0; i < most && properties_next_subscription_identifier(&rest, &identifier); i++)
        properties_write_subscription_identifier(&writer, identifier);
    remove_property(properties, ORDINAL_USER_PROPERTY);
    if (most == 0)
        remove_property(properties, ORDINAL_SUBSCRIPTION_IDENTIFIER);
    properties->repeated = bytes_of(writer.start, writer_size(&writer));
    return ENCODE;
}

static enum fate cut_all_identifiers(struct passage *passage)
{
    return cut_identifiers(passage, 0);
}

MUTANT(subscription_identifiers_are_lost, V5, "No PUBLISH carries a Subscription Identifier",
       "subscription_identifier_comes_back subscription_identifier_holds_for_every_filter "
       "subscription_identifier_stays_in_session retained_message_has_identifier_of_new_subscription",
       MQTT_3_3_4_3, D_3_3_4_2) = {
    .from_server = cut_all_identifiers,
};

static enum fate cut_to_one_identifier(struct passage *passage)
{
    return cut_identifiers(passage, 1);
}

MUTANT(one_subscription_identifier_only, V5, "Of several Subscription Identifiers only one comes",
       "overlapping_subscriptions_give_all_identifiers shared_identifier_is_repeated "
       "overlapping_subscriptions_without_identifier_add_none",
       MQTT_3_3_4_3, MQTT_3_3_4_4, MQTT_3_3_4_5, D_3_3_2_3_8_1, D_3_3_4_4) = {
    .from_server = cut_to_one_identifier,
};

static enum fate put_identifier(struct passage *passage, struct properties *properties, uint32_t identifier)
{
    struct writer writer = writer_into(scratch(passage, 8), 8);
    properties_write_subscription_identifier(&writer, identifier);
    properties->repeated = bytes_of(writer.start, writer_size(&writer));
    properties_mark(properties, ORDINAL_SUBSCRIPTION_IDENTIFIER);
    return ENCODE;
}

static enum fate invent_identifier(struct passage *passage)
{
    struct properties *properties = &passage->packet.publish.properties;
    if (!is_publish(passage) || properties_has(properties, ORDINAL_SUBSCRIPTION_IDENTIFIER) ||
        properties_has(properties, ORDINAL_USER_PROPERTY))
        return PASS;
    return put_identifier(passage, properties, 77);
}

MUTANT(subscription_identifier_is_invented, V5, "A PUBLISH for a subscription without identifier carries one",
       "no_subscription_identifier_without_one subscription_identifier_can_be_changed", P_3_3_4_1) = {
    .from_server = invent_identifier,
};

static enum fate freeze_identifier(struct passage *passage)
{
    uint32_t *first = passage->connection->context;
    if (!is_type(passage, PACKET_SUBSCRIBE))
        return PASS;
    struct properties *properties = &passage->packet.subscribe.properties;
    if (*first == 0)
        *first = properties_number(properties, ORDINAL_SUBSCRIPTION_IDENTIFIER, 0);
    return *first == 0 ? PASS : put_identifier(passage, properties, *first);
}

MUTANT(subscription_identifier_is_frozen, V5, "All subscriptions of a connection have its first identifier",
       "subscription_identifier_can_be_changed retained_message_has_identifier_of_new_subscription "
       "subscription_identifier_comes_back",
       MQTT_3_3_4_3, P_3_3_4_1, MQTT_3_8_4_3) = {
    .from_client = freeze_identifier,
    .context_size = sizeof(uint32_t),
};

static enum fate share_identifier(struct passage *passage)
{
    struct subscription_request request;
    uint32_t identifier = 0;
    if (!is_type(passage, PACKET_SUBSCRIBE))
        return PASS;
    struct proxy *proxy = passage->connection->proxy;
    struct properties *properties = &passage->packet.subscribe.properties;
    struct bytes rest = passage->packet.subscribe.payload;
    if (!subscribe_next(&rest, &request) || request.topic_filter.length < 7 ||
        memcmp(request.topic_filter.data, "$share/", 7) != 0)
        return PASS;
    const struct bytes kept = recall(proxy, "group", request.topic_filter);
    if (kept.length == sizeof identifier) {
        memcpy(&identifier, kept.data, sizeof identifier);
        return put_identifier(passage, properties, identifier);
    }
    identifier = properties_number(properties, ORDINAL_SUBSCRIPTION_IDENTIFIER, 0);
    if (identifier != 0)
        remember(proxy, "group", request.topic_filter, bytes_of(&identifier, sizeof identifier));
    return PASS;
}

MUTANT(subscription_identifier_of_the_group, V5,
       "All members of a Shared Subscription get its first identifier",
       "shared_subscription_gives_the_receivers_identifier", D_3_3_4_5, MQTT_3_3_4_3) = {
    .from_client = share_identifier,
};

/* ---- Receive Maximum ----------------------------------------------------------------------------- */

static enum fate ignore_receive_maximum(struct passage *passage)
{
    if (!is_type(passage, PACKET_CONNECT))
        return PASS;
    remove_property(&passage->packet.connect.properties, ORDINAL_RECEIVE_MAXIMUM);
    return ENCODE;
}

MUTANT(clients_receive_maximum_is_ignored, V5, "The client's Receive Maximum is ignored",
       "receive_maximum_of_client_holds_at_qos_1 receive_maximum_of_client_holds_at_qos_2 "
       "pubrec_does_not_make_room "
       "receive_maximum_of_client_counts_both_qos receive_maximum_of_new_connection_holds "
       "receive_maximum_is_respected receive_maximum_belongs_to_the_connection",
       MQTT_3_3_4_9, MQTT_4_9_0_2, MQTT_4_9_0_1, D_4_9_4, D_3_1_2_11_3_1) = {
    .from_client = ignore_receive_maximum,
};

static enum fate ignore_refusing_pubrec(struct passage *passage)
{
    return is_type(passage, PACKET_PUBREC) && passage->packet.acknowledgement.reason_code >= 0x80 ? DROP
                                                                                                  : PASS;
}

MUTANT(refusing_pubrec_is_ignored, V5, "A PUBREC that refuses does not end its PUBLISH",
       "refusing_pubrec_makes_room", MQTT_3_3_4_9, MQTT_4_4_0_2) = {
    .from_client = ignore_refusing_pubrec,
};

static enum fate note_receive_maximum(struct passage *passage)
{
    uint32_t *maximum = passage->connection->context;
    if (is_type(passage, PACKET_CONNECT))
        *maximum =
            properties_number(&passage->packet.connect.properties, ORDINAL_RECEIVE_MAXIMUM, UINT16_MAX);
    return PASS;
}

/* QoS 1 alone is counted. */
static enum fate hold_back_everything(struct passage *passage)
{
    const struct connection *connection = passage->connection;
    const uint32_t *maximum = connection->context;
    const unsigned sent = connection->seen[FROM_SERVER][PACKET_PUBLISH];
    const unsigned done = connection->seen[FROM_CLIENT][PACKET_PUBACK];
    return is_type(passage, PACKET_SUBACK) && sent >= done + *maximum ? DROP : PASS;
}

MUTANT(receive_maximum_holds_back_suback, V5, "While the Receive Maximum is used up no SUBACK is sent",
       "other_packets_are_not_held_back receive_maximum_of_client_holds_at_qos_1", MQTT_3_3_4_10,
       MQTT_4_9_0_3) = {
    .from_client = note_receive_maximum,
    .from_server = hold_back_everything,
    .context_size = sizeof(uint32_t),
};

/* A maximum small enough for the tests to reach. */
#define SERVERS_MAXIMUM 20U

static enum fate announce_maximum(struct passage *passage)
{
    if (!is_type(passage, PACKET_CONNACK))
        return PASS;
    properties_set_number(&passage->packet.connack.properties, ORDINAL_RECEIVE_MAXIMUM, SERVERS_MAXIMUM);
    return ENCODE;
}

/* Messages of the client that are not finished, the present packet included. */
static unsigned unfinished(const struct connection *connection)
{
    const unsigned *answered = connection->seen[FROM_SERVER];
    return connection->seen[FROM_CLIENT][PACKET_PUBLISH] - answered[PACKET_PUBACK] - answered[PACKET_PUBCOMP];
}

static enum fate take_one_too_many(struct passage *passage)
{
    const bool counts = is_publish(passage) && passage->packet.publish.qos > 0;
    return counts && unfinished(passage->connection) > SERVERS_MAXIMUM ? pretend(passage) : PASS;
}

MUTANT(servers_receive_maximum_is_not_enforced, V5,
       "More unfinished messages than the server's Receive Maximum are taken",
       "receive_maximum_of_server_exceeded", R_3_3_4_2, MQTT_3_3_4_7) = {
    .from_client = take_one_too_many,
    .from_server = announce_maximum,
};

static enum fate take_one_too_few(struct passage *passage)
{
    return is_publish(passage) && unfinished(passage->connection) >= SERVERS_MAXIMUM ? CLOSE : PASS;
}

MUTANT(servers_receive_maximum_is_one_less, V5,
       "The last message that the server's Receive Maximum allows is refused",
       "receive_maximum_of_server_is_accepted", R_3_3_4_2, MQTT_4_9_0_3) = {
    .from_client = take_one_too_few,
    .from_server = announce_maximum,
};
