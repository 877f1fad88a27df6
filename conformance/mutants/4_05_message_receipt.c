/* 4.5 Message receipt */
#include "mutant.h"

static bool contains(const struct passage *passage, const char *text)
{
    const size_t length = strlen(text);
    for (size_t i = 0; i + length <= passage->size; i++)
        if (memcmp(passage->bytes + i, text, length) == 0)
            return true;
    return false;
}

struct overlooked {
    bool yes;
};

static enum fate note_filter(struct passage *passage)
{
    struct overlooked *overlooked = passage->connection->context;
    if (is_type(passage, PACKET_SUBSCRIBE) && contains(passage, "/+/b"))
        overlooked->yes = true;
    return PASS;
}

static enum fate overlook(struct passage *passage)
{
    const struct overlooked *overlooked = passage->connection->context;
    return is_type(passage, PACKET_PUBLISH) && overlooked->yes ? DROP : PASS;
}

MUTANT(one_matching_subscription_is_overlooked, V_ALL, "A wildcard within a Topic Filter never matches",
       "message_goes_to_all_matching_subscriptions", MQTT_4_5_0_1, MQTT3_4_5_0_1, D_4_3_2, D3_4_3_2) = {
    .from_client = note_filter,
    .from_server = overlook,
    .context_size = sizeof(struct overlooked),
};

static enum fate lose_own(struct passage *passage)
{
    const bool publisher = passage->connection->seen[FROM_CLIENT][PACKET_PUBLISH] > 0;
    return is_type(passage, PACKET_PUBLISH) && publisher ? DROP : PASS;
}

MUTANT(publisher_does_not_get_its_own_message, V_ALL, "A client that publishes gets no message",
       "message_goes_to_all_matching_subscriptions", MQTT_4_5_0_1, MQTT3_4_5_0_1) = {
    .from_server = lose_own,
    .spoils = "*",
};

/* A connection that was made for what waits. */
static bool is_collecting(const struct connection *connection)
{
    return !connection->clean_start && connection->seen[FROM_CLIENT][PACKET_SUBSCRIBE] == 0;
}

static enum fate lose_queued(struct passage *passage)
{
    const bool first = is_type(passage, PACKET_PUBLISH) && !passage->packet.publish.dup;
    return first && is_collecting(passage->connection) ? DROP : PASS;
}

MUTANT(nothing_is_queued, V_ALL, "Messages for a client that is not connected are lost",
       "messages_are_queued_while_offline queued_messages_are_kept_until_acknowledged "
       "will_goes_to_connected_and_absent_subscribers fan_out_includes_absent_clients",
       MQTT_4_5_0_1, MQTT3_4_5_0_1) = {
    .from_server = lose_queued,
};

static enum fate lose_after_first_sending(struct passage *passage)
{
    return is_type(passage, PACKET_PUBLISH) && passage->packet.publish.dup ? DROP : PASS;
}

MUTANT(queued_message_is_sent_once, V_ALL, "A message that waited is forgotten once it is sent",
       "queued_messages_are_kept_until_acknowledged", MQTT_4_3_2_3, MQTT3_4_3_2_1, MQTT_4_5_0_1,
       MQTT3_4_5_0_1) = {
    .from_server = lose_after_first_sending,
};

struct held {
    uint8_t bytes[512];
    size_t size;
};

/* The queue begins with its second message of the QoS. */
static enum fate swap_first_two(struct passage *passage)
{
    struct held *held = passage->connection->context;
    const unsigned count = passage->connection->seen[FROM_SERVER][PACKET_PUBLISH];
    if (!is_type(passage, PACKET_PUBLISH) || !is_collecting(passage->connection) ||
        passage->size > sizeof held->bytes)
        return PASS;
    if (count == 1) {
        memcpy(held->bytes, passage->bytes, passage->size);
        held->size = passage->size;
        return DROP;
    }
    forward(passage);
    send_bytes_to_client(passage->connection, held->bytes, held->size);
    held->size = 0;
    return DROP;
}

MUTANT(queue_begins_with_its_second_message, V_ALL, "Of the messages that waited the second comes first",
       "messages_are_queued_while_offline", MQTT_4_6_0_5, MQTT3_4_6_0_6) = {
    .from_server = swap_first_two,
    .context_size = sizeof(struct held),
};
