/* 4.6 Message ordering */
#include "mutant.h"

struct held {
    uint8_t bytes[512];
    size_t size;
    uint8_t topic[256];
    size_t topic_size;
    uint8_t qos;
};

static void hold(struct held *held, const struct passage *passage)
{
    const struct publish *publish = &passage->packet.publish;
    memcpy(held->bytes, passage->bytes, passage->size);
    memcpy(held->topic, publish->topic.data, publish->topic.length);
    held->size = passage->size;
    held->topic_size = publish->topic.length;
    held->qos = publish->qos;
}

/* Sends the message "7" behind the next one of its topic and QoS. */
static enum fate delay_seven(struct passage *passage)
{
    struct held *held = passage->connection->context;
    const struct publish *publish = &passage->packet.publish;
    if (!is_type(passage, PACKET_PUBLISH) || passage->size > sizeof held->bytes ||
        publish->topic.length > sizeof held->topic)
        return PASS;
    if (held->size == 0 && bytes_equal(publish->payload, bytes_of_text("7"))) {
        hold(held, passage);
        return DROP;
    }
    if (held->size == 0 || publish->qos != held->qos ||
        !bytes_equal(publish->topic, bytes_of(held->topic, held->topic_size)))
        return PASS;
    forward(passage);
    send_bytes_to_client(passage->connection, held->bytes, held->size);
    held->size = 0;
    return DROP;
}

MUTANT(one_message_is_overtaken, V_ALL, "A message is overtaken by the next one of its topic and QoS",
       "order_is_kept_at_qos_0 order_is_kept_at_qos_1 order_is_kept_at_qos_2 "
       "order_is_kept_for_each_topic_and_qos order_is_kept_when_later_messages_are_acknowledged_first "
       "order_is_kept_through_reconnections_at_qos_1 order_is_kept_through_reconnections_at_qos_2",
       MQTT_4_6_0_5, MQTT3_4_6_0_6, MQTT_4_6_0_6, MQTT3_4_6_0_5) = {
    .from_server = delay_seven,
    .context_size = sizeof(struct held),
};

/* The same for clients with a small Receive Maximum: what waits leaves by the wrong end. */
static enum fate delay_seven_if_limited(struct passage *passage)
{
    return passage->connection->version == PROTOCOL_5_0 ? delay_seven(passage) : PASS;
}

MUTANT(waiting_message_is_overtaken, V5, "A message that waits for acknowledgements is overtaken",
       "order_is_kept_with_small_receive_maximum "
       "order_is_kept_through_reconnections_with_small_receive_maximum",
       MQTT_4_6_0_5, MQTT_4_6_0_6) = {
    .from_server = delay_seven_if_limited,
    .context_size = sizeof(struct held),
};

/* PUBREL for the second message before that for the first. */
static enum fate swap_pubrels(struct passage *passage)
{
    struct held *held = passage->connection->context;
    if (!is_type(passage, PACKET_PUBREL))
        return PASS;
    if (passage->connection->seen[FROM_SERVER][PACKET_PUBREL] == 1) {
        memcpy(held->bytes, passage->bytes, passage->size);
        held->size = passage->size;
        return DROP;
    }
    forward(passage);
    send_bytes_to_client(passage->connection, held->bytes, held->size);
    held->size = 0;
    return DROP;
}

MUTANT(first_pubrel_is_overtaken, V3, "The second PUBREL comes before the first",
       "pubrels_come_in_the_order_of_pubrecs", MQTT3_4_6_0_6) = {
    .from_server = swap_pubrels,
    .context_size = sizeof(struct held),
};
