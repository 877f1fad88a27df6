/* 4.3 Quality of Service levels and protocol flows */
#include "mutant.h"

#define DUP_BIT 0x08

static bool is_publish(const struct passage *passage, int qos)
{
    return is_type(passage, PACKET_PUBLISH) && passage->packet.publish.qos == qos;
}

/* ---- 4.3.1 -------------------------------------------------------------------------------------------- */

static enum fate send_twice(struct passage *passage)
{
    if (is_publish(passage, 0))
        forward(passage);
    return PASS;
}

MUTANT(qos_0_message_is_sent_twice, V_ALL, "A QoS 0 message is sent twice, to be on the safe side",
       "qos_0_message_is_sent_once_without_dup", MQTT_4_3_1_1, MQTT3_4_3_1_1, D_4_3_1_1, D3_4_3_1_2) = {
    .from_server = send_twice,
    .spoils = "*",
};

static enum fate set_dup_at_qos_0(struct passage *passage)
{
    if (is_publish(passage, 0))
        passage->bytes[0] |= DUP_BIT;
    return PASS;
}

MUTANT(qos_0_message_has_dup, V_ALL, "DUP is set at QoS 0",
       "qos_0_message_is_sent_once_without_dup qos_0_publish_has_no_packet_identifier", MQTT_4_3_1_1,
       MQTT3_4_3_1_1) = {
    .from_server = set_dup_at_qos_0,
    .spoils = "*",
};

/* Keeps the last QoS 0 message for the next connection. */
static enum fate keep_qos_0(struct passage *passage)
{
    struct connection *connection = passage->connection;
    if (is_publish(passage, 0))
        remember(connection->proxy, "QoS 0", connection->client_identifier,
                 bytes_of(passage->bytes, passage->size));
    if (!is_type(passage, PACKET_CONNACK) || connection->clean_start)
        return PASS;
    struct bytes kept = recall(connection->proxy, "QoS 0", connection->client_identifier);
    forward(passage);
    if (kept.data != NULL)
        send_bytes_to_client(connection, kept.data, kept.length);
    return DROP;
}

MUTANT(qos_0_message_is_kept, V_ALL, "The last QoS 0 message comes again with the session",
       "received_qos_0_message_is_not_sent_again", D_4_3_1_1, D3_4_3_1_2, D3_4_3_1_1) = {
    .from_server = keep_qos_0,
};

/* ---- 4.3.2, and first sendings ------------------------------------------------------------------------ */

static enum fate set_dup(struct passage *passage)
{
    if (is_publish(passage, 1) || is_publish(passage, 2))
        passage->bytes[0] |= DUP_BIT;
    return PASS;
}

MUTANT(first_sending_has_dup, V_ALL, "DUP is set on every PUBLISH above QoS 0",
       "qos_1_message_is_first_sent_without_dup qos_2_message_is_first_sent_without_dup", MQTT_4_3_2_2,
       MQTT_4_3_3_2, MQTT3_4_3_2_1, MQTT3_4_3_3_1) = {
    .from_server = set_dup,
    .spoils = "*",
};

static enum fate lower_qos(struct passage *passage)
{
    if (!is_publish(passage, 1))
        return PASS;
    passage->packet.publish.qos = 0;
    return ENCODE;
}

MUTANT(qos_1_message_is_sent_at_qos_0, V_ALL, "What is published at QoS 1 goes out at QoS 0",
       "qos_1_message_is_first_sent_without_dup", MQTT_4_3_2_2, MQTT3_4_3_2_1) = {
    .from_server = lower_qos,
};

static enum fate trust_dup(struct passage *passage)
{
    return is_publish(passage, 1) && passage->packet.publish.dup ? pretend(passage) : PASS;
}

MUTANT(dup_marks_a_known_message, V_ALL, "A QoS 1 PUBLISH with DUP is acknowledged and thrown away",
       "publish_after_puback_is_new", MQTT_4_3_2_5, MQTT3_4_3_2_2, MQTT_4_3_2_4) = {
    .from_client = trust_dup,
    .spoils = "dup_is_not_propagated_at_qos_1",
};

MUTANT(each_puback_is_doubled, V_ALL, "Each PUBACK is sent twice", "each_qos_1_publish_gets_one_puback",
       MQTT_4_3_2_4, MQTT3_4_3_2_2) = {
    .twice_from_server = TYPE(PACKET_PUBACK),
};

/* ---- 4.3.3 -------------------------------------------------------------------------------------------- */

#define ALIEN 0x4000 /* Packet Identifiers that the tests do not use */

/* Hands a repetition on as another message, which is released with the first, */
static enum fate make_new(struct passage *passage)
{
    if (is_type(passage, PACKET_PUBREL)) {
        struct packet pubrel = passage->packet;
        pubrel.acknowledgement.packet_identifier |= ALIEN;
        send_to_server(passage->connection, &pubrel);
    }
    if (!is_publish(passage, 2) || !passage->packet.publish.dup)
        return PASS;
    passage->packet.publish.packet_identifier |= ALIEN;
    passage->packet.publish.dup = false;
    return ENCODE;
}

/* and its PUBREC back as that of the first. */
static enum fate hide_identifier(struct passage *passage)
{
    uint16_t *identifier = &passage->packet.acknowledgement.packet_identifier;
    if (is_type(passage, PACKET_PUBCOMP) && (*identifier & ALIEN) != 0)
        return DROP;
    if (!is_type(passage, PACKET_PUBREC))
        return PASS;
    *identifier &= (uint16_t)~ALIEN;
    return ENCODE;
}

MUTANT(repetition_is_delivered, V_ALL, "A repeated QoS 2 PUBLISH is delivered again",
       "repeated_publish_is_delivered_once several_qos_2_exchanges_overlap "
       "publish_repeated_on_a_new_connection_is_delivered_once publisher_lost_after_publish "
       "publisher_lost_before_pubrec publisher_lost_amid_several_exchanges both_lost_at_every_place",
       MQTT_4_3_3_10, MQTT3_4_3_3_2) = {
    .from_client = make_new,
    .from_server = hide_identifier,
};

static enum fate make_new_if_unknown(struct passage *passage)
{
    const bool repetition = is_publish(passage, 2) && passage->packet.publish.dup;
    const bool unknown = passage->connection->seen[FROM_CLIENT][PACKET_PUBLISH] == 1;
    return !repetition || unknown ? make_new(passage) : PASS;
}

MUTANT(received_identifiers_end_with_the_connection, V_ALL,
       "The identifiers received at QoS 2 are forgotten when the "
       "connection ends",
       "publish_repeated_on_a_new_connection_is_delivered_once publisher_lost_after_publish "
       "publisher_lost_before_pubrec",
       MQTT_4_3_3_10, MQTT3_4_3_3_2) = {
    .from_client = make_new_if_unknown,
    .from_server = hide_identifier,
};

static enum fate lose_repetition(struct passage *passage)
{
    return is_publish(passage, 2) && passage->packet.publish.dup ? DROP : PASS;
}

MUTANT(repetition_is_unanswered, V_ALL, "A repeated QoS 2 PUBLISH gets no PUBREC",
       "repeated_publish_is_delivered_once several_qos_2_exchanges_overlap "
       "publish_repeated_on_a_new_connection_is_delivered_once publish_after_pubcomp_is_new",
       MQTT_4_3_3_10, MQTT_4_3_3_8, MQTT_4_3_3_12, MQTT3_4_3_3_2) = {
    .from_client = lose_repetition,
};

struct kept {
    uint16_t identifier;
};

/* A server that goes by DUP: without it the message is new, and released with the one before. */
static enum fate trust_dup_0(struct passage *passage)
{
    struct kept *kept = passage->connection->context;
    uint16_t *identifier = &passage->packet.publish.packet_identifier;
    if (is_type(passage, PACKET_PUBREL))
        kept->identifier = 0;
    if (!is_publish(passage, 2) || passage->packet.publish.dup)
        return is_type(passage, PACKET_PUBREL) ? make_new(passage) : PASS;
    if (*identifier != kept->identifier) {
        kept->identifier = *identifier;
        return PASS;
    }
    *identifier |= ALIEN;
    return ENCODE;
}

MUTANT(repetition_without_dup_is_delivered, V311 | V5,
       "A second QoS 2 PUBLISH under an identifier that awaits PUBREL is a new message if it has DUP 0",
       "repetition_without_dup_is_not_delivered", MQTT_4_3_3_10, MQTT3_4_3_3_2) = {
    .from_client = trust_dup_0,
    .from_server = hide_identifier,
    .context_size = sizeof(struct kept),
};

/* A server that keeps the highest identifier beyond PUBREL. */
static enum fate keep_identifier(struct passage *passage)
{
    struct kept *kept = passage->connection->context;
    const uint16_t identifier = passage->packet.acknowledgement.packet_identifier;
    if (is_type(passage, PACKET_PUBREL) && identifier > kept->identifier)
        kept->identifier = identifier;
    const bool known =
        is_publish(passage, 2) && passage->packet.publish.packet_identifier == kept->identifier;
    return known ? pretend(passage) : PASS;
}

MUTANT(identifier_outlives_pubcomp, V_ALL, "After PUBCOMP a PUBLISH with the same identifier is a repetition",
       "publish_after_pubcomp_is_new pubrel_on_a_new_connection_ends_the_exchange", MQTT_4_3_3_12,
       MQTT3_4_3_3_2) = {
    .from_client = keep_identifier,
    .context_size = sizeof(struct kept),
};

static enum fate lose_first_pubrel(struct passage *passage)
{
    const bool unknown = passage->connection->seen[FROM_CLIENT][PACKET_PUBLISH] == 0;
    return is_type(passage, PACKET_PUBREL) && unknown ? DROP : PASS;
}

MUTANT(
    pubrel_on_a_new_connection_is_unanswered, V_ALL,
    "A PUBREL without PUBLISH on the same connection is ignored",
    "pubrel_on_a_new_connection_ends_the_exchange publisher_lost_after_pubrec publisher_lost_before_pubrel "
    "publisher_lost_after_pubrel publisher_lost_before_pubcomp publisher_lost_amid_several_exchanges",
    MQTT_4_3_3_11, MQTT3_4_3_3_2) = {
    .from_client = lose_first_pubrel,
};

static enum fate lose_second_exchange(struct passage *passage)
{
    return is_type(passage, PACKET_PUBREL) && passage->packet.acknowledgement.packet_identifier == 7 ? DROP
                                                                                                     : PASS;
}

MUTANT(one_of_several_exchanges_is_lost, V_ALL, "Of exchanges that overlap one gets no PUBCOMP",
       "several_qos_2_exchanges_overlap", MQTT_4_3_3_11, MQTT3_4_3_3_2) = {
    .from_client = lose_second_exchange,
};

/* ---- Answers that belong to the other flow -------------------------------------------------------------- */

/* The QoS 2 message that is under way to the client. */
struct flight {
    uint16_t identifier;
    bool given_up;
};

static enum fate watch_flight(struct passage *passage)
{
    struct flight *flight = passage->connection->context;
    if (is_publish(passage, 2))
        flight->identifier = passage->packet.publish.packet_identifier;
    return is_type(passage, PACKET_PUBREL) && flight->given_up ? DROP : PASS;
}

static enum fate take_puback_for_all(struct passage *passage)
{
    struct flight *flight = passage->connection->context;
    if (!is_type(passage, PACKET_PUBACK) || flight->identifier == 0 ||
        passage->packet.acknowledgement.packet_identifier != flight->identifier)
        return PASS;
    struct packet answer = passage->packet;
    answer.type = PACKET_PUBREC;
    send_to_server(passage->connection, &answer);
    answer.type = PACKET_PUBCOMP;
    send_to_server(passage->connection, &answer);
    flight->given_up = true;
    return DROP;
}

MUTANT(puback_ends_a_qos_2_delivery, V_ALL, "A PUBACK acknowledges a QoS 2 message as well",
       "puback_does_not_acknowledge_qos_2", MQTT_4_3_3_3, MQTT3_4_3_3_1) = {
    .from_client = take_puback_for_all,
    .from_server = watch_flight,
    .context_size = sizeof(struct flight),
};

/* ---- Expiry ------------------------------------------------------------------------------------------- */

static bool can_expire(const struct passage *passage)
{
    return is_publish(passage, 2) &&
           properties_has(&passage->packet.publish.properties, ORDINAL_MESSAGE_EXPIRY_INTERVAL);
}

static enum fate lose_expired(struct passage *passage)
{
    return can_expire(passage) && passage->packet.publish.dup ? DROP : PASS;
}

MUTANT(exchange_expires_with_its_message, V5, "When a message may have expired its publisher gets no PUBREC",
       "exchange_goes_on_after_message_expiry", MQTT_4_3_3_13) = {
    .from_client = lose_expired,
};

static enum fate note_expiring(struct passage *passage)
{
    struct kept *kept = passage->connection->context;
    if (can_expire(passage))
        kept->identifier = passage->packet.publish.packet_identifier;
    return PASS;
}

static enum fate lose_pubrec(struct passage *passage)
{
    const struct kept *kept = passage->connection->context;
    const bool expired = is_type(passage, PACKET_PUBREC) &&
                         passage->packet.acknowledgement.packet_identifier == kept->identifier;
    return expired ? DROP : PASS;
}

MUTANT(pubrec_for_expired_message_is_unanswered, V5,
       "The PUBREC for a message that may have expired is ignored", "exchange_goes_on_after_message_expiry",
       MQTT_4_3_3_7) = {
    .from_client = lose_pubrec,
    .from_server = note_expiring,
    .context_size = sizeof(struct kept),
};

static enum fate lose_redelivery(struct passage *passage)
{
    return is_publish(passage, 2) && passage->packet.publish.dup ? DROP : PASS;
}

MUTANT(sent_message_expires, V5, "A message that was sent but may have expired is not sent again",
       "sent_qos_2_message_does_not_expire", MQTT_4_3_3_7, MQTT_4_3_3_3) = {
    .from_server = lose_redelivery,
};

/* ---- Several subscribers ------------------------------------------------------------------------------ */

static bool is_lazy(const struct connection *connection)
{
    return connection->seen[FROM_SERVER][PACKET_PUBLISH] > 10 &&
           connection->seen[FROM_CLIENT][PACKET_PUBACK] == 0;
}

static enum fate wait_for_all(struct passage *passage)
{
    struct connection *connection = NULL;
    if (!is_publish(passage, 1))
        return PASS;
    while ((connection = next_connection(passage->connection->proxy, connection)) != NULL)
        if (is_lazy(connection))
            return DROP;
    return PASS;
}

MUTANT(slowest_subscriber_holds_up_all, V_ALL,
       "No message goes out while a subscriber leaves ten unacknowledged",
       "subscribers_are_served_separately", D_4_3_2, MQTT_4_5_0_1, MQTT3_4_5_0_1, D3_4_3_2) = {
    .from_server = wait_for_all,
    .spoils = "*",
};

/* ---- When a QoS 2 message is handed on --------------------------------------------------------------- */

/* The QoS 2 PUBLISH of a connection that has not been released. */
struct held {
    uint8_t bytes[512];
    size_t size;
    bool released;
};

static bool hold_once(struct passage *passage)
{
    struct held *held = passage->connection->context;
    if (!is_type(passage, PACKET_PUBLISH) || passage->packet.publish.qos != 2 ||
        passage->size > sizeof held->bytes || !ends_with(passage->packet.publish.payload, "once"))
        return false;
    memcpy(held->bytes, passage->bytes, passage->size);
    held->size = passage->size;
    return true;
}

/* At the PUBREL the message goes out a second time, at a QoS that asks for no answer. */
static enum fate hand_on_again(struct passage *passage)
{
    struct held *held = passage->connection->context;
    if (hold_once(passage) || !is_type(passage, PACKET_PUBREL) || held->size == 0)
        return PASS;
    struct packet packet = {.type = PACKET_PUBLISH};
    packet.publish.topic = bytes_of(held->bytes + 4, (size_t)(held->bytes[2] << 8 | held->bytes[3]));
    packet.publish.payload = bytes_of_text("once");
    properties_clear(&packet.publish.properties);
    send_to_server(passage->connection, &packet);
    return PASS;
}

MUTANT(qos_2_message_is_handed_on_twice, V_ALL,
       "A QoS 2 message goes out when it comes, and at its PUBREL again", "qos_2_message_is_handed_on_once",
       MQTT_4_3_3_10, MQTT3_4_3_3_2, D3_4_3_3_2) = {
    .from_client = hand_on_again,
    .context_size = sizeof(struct held),
};

/* The other way to keep the promise: the broker gets the message when it is released, all at once. */
static enum fate wait_for_pubrel(struct passage *passage)
{
    struct held *held = passage->connection->context;
    struct packet pubrec = {.type = PACKET_PUBREC};
    if (hold_once(passage)) {
        pubrec.acknowledgement.packet_identifier = passage->packet.publish.packet_identifier;
        send_to_client(passage->connection, &pubrec);
        return DROP;
    }
    if (!is_type(passage, PACKET_PUBREL) || held->size == 0)
        return PASS;
    send_bytes_to_server(passage->connection, held->bytes, held->size);
    held->released = true;
    return DROP;
}

static enum fate release_at_once(struct passage *passage)
{
    struct held *held = passage->connection->context;
    struct packet pubrel = {.type = PACKET_PUBREL};
    if (!is_type(passage, PACKET_PUBREC) || !held->released)
        return PASS;
    *held = (struct held){.size = 0};
    pubrel.acknowledgement.packet_identifier = passage->packet.acknowledgement.packet_identifier;
    send_to_server(passage->connection, &pubrel);
    return DROP;
}

MUTANT(qos_2_message_waits_for_pubrel, V_ALL, "A QoS 2 message is handed on when it is released",
       "qos_2_message_is_handed_on_once", D3_4_3_3_2) = {
    .from_client = wait_for_pubrel,
    .from_server = release_at_once,
    .context_size = sizeof(struct held),
    .permitted = "handed on when the PUBREL comes",
};
