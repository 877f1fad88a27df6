/* 4.8.1 Non-shared Subscriptions */
#include "3_08_subscribe.h"

/* The first connection that gets a message keeps it for itself; the key is topic and payload. */
static enum fate first_come(struct passage *passage)
{
    if (!is_type(passage, PACKET_PUBLISH))
        return PASS;
    struct connection *connection = passage->connection;
    const struct publish *publish = &passage->packet.publish;
    struct bytes identifier = connection->client_identifier;
    const size_t size = publish->topic.length + publish->payload.length;
    uint8_t *key = scratch(passage, size + 1);
    memcpy(key, publish->topic.data, publish->topic.length);
    if (publish->payload.length > 0)
        memcpy(key + publish->topic.length, publish->payload.data, publish->payload.length);
    struct bytes owner = recall(connection->proxy, "owner", bytes_of(key, size));
    if (owner.data != NULL && !bytes_equal(owner, identifier))
        return swallow(passage);
    remember(connection->proxy, "owner", bytes_of(key, size), identifier);
    return PASS;
}

MUTANT(only_one_subscriber_gets_a_message, V_ALL, "Subscribers share messages as if they were a group",
       "every_subscriber_gets_a_copy subscription_belongs_to_its_session", D_4_8_1_2, D_4_7_3_7,
       D3_4_7_3_7) = {
    .from_server = first_come,
};
