/* 4.5 One message to many subscribers, and many publishers to one */
#include "3_08_subscribe.h"

/* Counts the copies of each message. */
static uint8_t count_copy(struct passage *passage)
{
    const struct publish *publish = &passage->packet.publish;
    struct proxy *proxy = passage->connection->proxy;
    const size_t size = publish->topic.length + publish->payload.length;
    uint8_t *key = scratch(passage, size + 1);
    memcpy(key, publish->topic.data, publish->topic.length);
    if (publish->payload.length > 0)
        memcpy(key + publish->topic.length, publish->payload.data, publish->payload.length);
    struct bytes known = recall(proxy, "copies", bytes_of(key, size));
    const uint8_t copies = (uint8_t)(known.data == NULL ? 1 : known.data[0] + 1);
    remember(proxy, "copies", bytes_of(key, size), bytes_of(&copies, 1));
    return copies;
}

static enum fate forget_thirtieth(struct passage *passage)
{
    return is_type(passage, PACKET_PUBLISH) && count_copy(passage) == 30 ? swallow(passage) : PASS;
}

MUTANT(thirtieth_subscriber_is_forgotten, V_ALL, "The thirtieth subscriber of a topic gets nothing",
       "fan_out_reaches_each_subscriber_once", MQTT_4_5_0_1, MQTT3_4_5_0_1, D_3_3_4_1) = {
    .from_server = forget_thirtieth,
};

static enum fate serve_fifth_twice(struct passage *passage)
{
    if (!is_type(passage, PACKET_PUBLISH) || passage->packet.publish.qos > 0 || count_copy(passage) != 5)
        return PASS;
    forward(passage);
    return PASS;
}

MUTANT(fifth_subscriber_is_served_twice, V_ALL, "The fifth subscriber of QoS 0 gets two copies",
       "fan_out_reaches_each_subscriber_once", D_3_3_4_1) = {
    .from_server = serve_fifth_twice,
};

/* A connection that got much at QoS 0 and may still be busy with it. */
static bool is_busy(const struct connection *connection)
{
    return connection->seen[FROM_SERVER][PACKET_PUBLISH] > 40 &&
           connection->seen[FROM_CLIENT][PACKET_PUBACK] == 0;
}

static enum fate wait_for_the_slowest(struct passage *passage)
{
    struct connection *other = NULL;
    if (!is_type(passage, PACKET_PUBLISH) || passage->size < 32768 || passage->packet.publish.qos == 0)
        return PASS;
    while ((other = next_connection(passage->connection->proxy, other)) != NULL)
        if (is_busy(other))
            return DROP;
    return PASS;
}

MUTANT(subscriber_that_does_not_read_holds_up_all, V_ALL,
       "Large messages wait until every subscriber has taken the ones before",
       "fan_out_passes_a_subscriber_that_does_not_read", D_4_3_2, MQTT_4_5_0_1, MQTT3_4_5_0_1) = {
    .from_server = wait_for_the_slowest,
};

/* ---- Many to one -------------------------------------------------------------------------------------- */

static bool has_payload(const struct passage *passage, const char *payload)
{
    return is_type(passage, PACKET_PUBLISH) &&
           bytes_equal(passage->packet.publish.payload, bytes_of_text(payload));
}

static enum fate lose_one(struct passage *passage)
{
    return has_payload(passage, "07 3") ? swallow(passage) : PASS;
}

MUTANT(one_message_of_a_crowd_is_lost, V_ALL, "Of the messages of many publishers one is lost",
       "fan_in_keeps_the_order_of_each_publisher", MQTT_4_5_0_1, MQTT3_4_5_0_1) = {
    .from_server = lose_one,
};

static enum fate hold_one_back(struct passage *passage)
{
    return has_payload(passage, "07 3") ? delay(passage, 0.5) : PASS;
}

MUTANT(one_message_of_a_crowd_is_late, V_ALL, "A message comes behind a later one of the same publisher",
       "fan_in_keeps_the_order_of_each_publisher", MQTT_4_6_0_5, MQTT3_4_6_0_6) = {
    .from_server = hold_one_back,
};
