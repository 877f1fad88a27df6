/* 4.3.3 QoS 2 when connections are lost. More of this kind: 4_03_qos_flows.c, 4_04_delivery_retry.c */
#include "mutant.h"

#define ALIEN 0x4000 /* Packet Identifiers that the tests do not use */

static bool is_first_sending(const struct passage *passage)
{
    return is_type(passage, PACKET_PUBLISH) && passage->packet.publish.qos == 2 &&
           !passage->packet.publish.dup;
}

/* ---- From the publisher ------------------------------------------------------------------------------- */

static enum fate take_first_for_known(struct passage *passage)
{
    const struct connection *connection = passage->connection;
    const bool first = connection->seen[FROM_CLIENT][PACKET_PUBLISH] == 1;
    return !connection->clean_start && first && is_first_sending(passage) ? pretend(passage) : PASS;
}

MUTANT(first_publish_of_a_connection_is_taken_for_known, V_ALL,
       "The first QoS 2 PUBLISH on a connection with a session is acknowledged, and thrown away",
       "publisher_lost_before_publish", MQTT_4_3_3_8, MQTT3_4_3_3_2) = {
    .from_client = take_first_for_known,
};

/* A server that hands a message on at its PUBREL, */
struct held {
    uint8_t bytes[512];
    size_t size; /* 0: none */
    uint16_t identifier;
};

static enum fate hold_until_pubrel(struct passage *passage)
{
    struct held *held = passage->connection->context;
    if (is_first_sending(passage) && held->size == 0 && passage->size <= sizeof held->bytes) {
        memcpy(held->bytes, passage->bytes, passage->size);
        held->size = passage->size;
        held->identifier = passage->packet.publish.packet_identifier;
        return pretend(passage);
    }
    if (is_type(passage, PACKET_PUBREL) && held->size > 0 &&
        passage->packet.acknowledgement.packet_identifier == held->identifier) {
        send_bytes_to_server(passage->connection, held->bytes, held->size);
        held->size = 0;
    }
    return PASS;
}

/* whose PUBREC was sent long ago, */
static enum fate hide_late_pubrec(struct passage *passage)
{
    const struct held *held = passage->connection->context;
    const bool late = is_type(passage, PACKET_PUBREC) && held->size == 0 &&
                      passage->packet.acknowledgement.packet_identifier == held->identifier;
    return late ? DROP : PASS;
}

/* and keeps it with the connection. */
MUTANT(held_message_ends_with_its_connection, V_ALL,
       "A QoS 2 message that waits for PUBREL is lost with the connection",
       "publisher_lost_after_pubrec publisher_lost_before_pubrel", MQTT_4_3_3_11, MQTT3_4_3_3_2) = {
    .from_client = hold_until_pubrel,
    .from_server = hide_late_pubrec,
    .context_size = sizeof(struct held),
};

static void deliver_another(const struct passage *passage)
{
    struct connection *connection = passage->connection;
    struct packet copy = {.type = PACKET_PUBLISH};
    copy.publish.payload = bytes_of_text("m");
    copy.publish.topic = recall(connection->proxy, "topic", connection->client_identifier);
    if (copy.publish.topic.data != NULL)
        send_to_server(connection, &copy);
}

static enum fate deliver_at_each_pubrel(struct passage *passage)
{
    struct connection *connection = passage->connection;
    if (is_first_sending(passage))
        remember(connection->proxy, "topic", connection->client_identifier, passage->packet.publish.topic);
    if (is_type(passage, PACKET_PUBREL) && connection->seen[FROM_CLIENT][PACKET_PUBLISH] == 0)
        deliver_another(passage);
    return PASS;
}

MUTANT(message_is_delivered_at_each_pubrel, V_ALL, "A PUBREL that comes again delivers the message again",
       "publisher_lost_after_pubrel publisher_lost_before_pubcomp", MQTT_4_3_3_11, MQTT_4_3_3_12,
       MQTT3_4_3_3_2) = {
    .from_client = deliver_at_each_pubrel,
};

/* Keeps the highest identifier of a complete exchange with the session. */
static enum fate keep_for_all_connections(struct passage *passage)
{
    struct connection *connection = passage->connection;
    struct bytes done = recall(connection->proxy, "done", connection->client_identifier);
    uint16_t known = 0;
    if (done.data != NULL)
        memcpy(&known, done.data, sizeof known);
    const uint16_t released = passage->packet.acknowledgement.packet_identifier;
    if (is_type(passage, PACKET_PUBREL) && released > known)
        remember(connection->proxy, "done", connection->client_identifier,
                 bytes_of((const uint8_t *)&released, sizeof released));
    const bool repetition = is_first_sending(passage) && passage->packet.publish.packet_identifier == known;
    return repetition ? pretend(passage) : PASS;
}

MUTANT(identifier_outlives_its_connection, V_ALL,
       "On the next connection, too, the identifier of a complete exchange stands for a repetition",
       "publisher_lost_after_pubcomp", MQTT_4_3_3_12, MQTT3_4_3_3_2) = {
    .from_client = keep_for_all_connections,
};

/* ---- To the subscriber -------------------------------------------------------------------------------- */

static enum fate deliver_twice_at_return(struct passage *passage)
{
    const struct connection *connection = passage->connection;
    const bool at_return = !connection->clean_start && connection->seen[FROM_CLIENT][PACKET_SUBSCRIBE] == 0;
    if (!at_return || !is_type(passage, PACKET_PUBLISH) || passage->packet.publish.qos != 2)
        return PASS;
    struct packet copy = passage->packet;
    copy.publish.packet_identifier |= ALIEN;
    forward(passage);
    send_to_client(passage->connection, &copy);
    return DROP;
}

MUTANT(waiting_message_is_delivered_twice, V_ALL, "What waited for a client is sent to it twice",
       "subscriber_lost_before_publish", MQTT_3_1_2_5, MQTT3_3_1_2_5, D_4_1_4) = {
    .from_server = deliver_twice_at_return,
};
