/* Clients of different versions on one server */
#include "3_08_subscribe.h"

static struct bytes version_of(const uint8_t *version)
{
    return bytes_of(version, 1);
}

/* ---- Messages ----------------------------------------------------------------------------------------- */

/* Remembers the version of who published to a topic, */
static enum fate note_publisher(struct passage *passage)
{
    const uint8_t version = (uint8_t)passage->connection->version;
    if (is_type(passage, PACKET_PUBLISH) && passage->packet.publish.topic.length > 0)
        remember(passage->connection->proxy, "publisher", passage->packet.publish.topic,
                 version_of(&version));
    return PASS;
}

static bool is_foreign(const struct passage *passage)
{
    if (!is_type(passage, PACKET_PUBLISH))
        return false;
    struct bytes publisher = recall(passage->connection->proxy, "publisher", passage->packet.publish.topic);
    return publisher.data != NULL && publisher.data[0] != (uint8_t)passage->connection->version;
}

/* and keeps the message from others. */
static enum fate lose_foreign(struct passage *passage)
{
    return is_foreign(passage) ? swallow(passage) : PASS;
}

MUTANT(versions_are_worlds_apart, V_ALL, "Messages go to clients of the publisher's version only",
       "messages_pass_between_versions properties_do_not_reach_clients_of_3 "
       "messages_of_clients_of_3_reach_those_of_5 retained_messages_are_those_of_all_versions "
       "no_local_lets_messages_of_3_through shared_subscription_takes_messages_of_3",
       MQTT_4_5_0_1, MQTT3_4_5_0_1, D_3_3_4_1, D_4_8_2_7) = {
    .from_client = note_publisher,
    .from_server = lose_foreign,
};

/* An empty list of properties, where 3.1.1 has the payload. */
static enum fate leak_properties(struct passage *passage)
{
    if (!is_foreign(passage))
        return PASS;
    struct bytes *payload = &passage->packet.publish.payload;
    uint8_t *longer = scratch(passage, payload->length + 1);
    longer[0] = 0;
    if (payload->length > 0)
        memcpy(longer + 1, payload->data, payload->length);
    *payload = bytes_of(longer, payload->length + 1);
    return ENCODE;
}

MUTANT(properties_leak_into_the_payload, V_ALL, "To clients of 3.1.1 the Property Length of 5.0 is sent, too",
       "properties_do_not_reach_clients_of_3 messages_pass_between_versions", MQTT3_4_5_0_1,
       MQTT3_3_3_2_1) = {
    .from_client = note_publisher,
    .from_server = leak_properties,
};

/* Sends the PUBLISH without the Property Length, which is 0. */
static enum fate forget_property_length(struct passage *passage)
{
    const struct publish *publish = &passage->packet.publish;
    if (!is_foreign(passage) || passage->connection->version != PROTOCOL_5_0 ||
        publish->properties.present != 0 || passage->size > 120)
        return PASS;
    const uint8_t length = (uint8_t)(passage->bytes[1] - 1);
    const size_t before = passage->size - publish->payload.length - 1;
    send_bytes_to_client(passage->connection, passage->bytes, 1);
    send_bytes_to_client(passage->connection, &length, 1);
    send_bytes_to_client(passage->connection, passage->bytes + 2, before - 2);
    send_bytes_to_client(passage->connection, publish->payload.data, publish->payload.length);
    return DROP;
}

MUTANT(messages_of_3_come_in_their_own_form, V_ALL,
       "A PUBLISH of a 3.1.1 client goes to 5.0 clients without Property Length",
       "messages_of_clients_of_3_reach_those_of_5", MQTT_2_2_2_1) = {
    .from_client = note_publisher,
    .from_server = forget_property_length,
};

static enum fate take_alias_for_topic(struct passage *passage)
{
    if (!is_type(passage, PACKET_PUBLISH) ||
        !bytes_equal(passage->packet.publish.payload, bytes_of_text("two")))
        return PASS;
    passage->packet.publish.topic = bytes_of_text("1");
    return ENCODE;
}

MUTANT(alias_is_taken_for_a_topic, V3, "A message by alias goes to 3.1.1 clients under the alias's number",
       "aliases_are_topics_to_clients_of_3", MQTT3_3_3_2_3) = {
    .from_server = take_alias_for_topic,
};

/* ---- Sessions ----------------------------------------------------------------------------------------- */

/* Whether the CONNECT has the identifier of a client of another version; that one's version is remembered. */
static bool changes_version(const struct passage *passage)
{
    struct proxy *proxy = passage->connection->proxy;
    const uint8_t version = (uint8_t)passage->connection->version;
    if (!is_type(passage, PACKET_CONNECT) || passage->packet.connect.client_identifier.length == 0)
        return false;
    struct bytes before = recall(proxy, "version", passage->packet.connect.client_identifier);
    const bool changes = before.data != NULL && before.data[0] != version;
    remember(proxy, "version", passage->packet.connect.client_identifier, version_of(&version));
    return changes;
}

static enum fate connect_as_another(struct passage *passage)
{
    if (!changes_version(passage))
        return PASS;
    struct bytes *identifier = &passage->packet.connect.client_identifier;
    uint8_t *other = scratch(passage, identifier->length);
    memcpy(other, identifier->data, identifier->length);
    other[identifier->length - 1] = 'X';
    *identifier = bytes_of(other, identifier->length);
    return ENCODE;
}

MUTANT(identifiers_belong_to_a_version, V_ALL,
       "Clients of different versions may have the same Client Identifier", "takeover_between_versions",
       MQTT_3_1_4_3, MQTT3_3_1_4_2) = {
    .from_client = connect_as_another,
    .properties = "session_outlives_a_change_of_version",
};

static enum fate note_change(struct passage *passage)
{
    bool *changed = passage->connection->context;
    *changed = *changed || changes_version(passage);
    return PASS;
}

static enum fate deny_session(struct passage *passage)
{
    const bool *changed = passage->connection->context;
    if (!is_type(passage, PACKET_CONNACK) || !*changed)
        return PASS;
    passage->packet.connack.session_present = false;
    return ENCODE;
}

MUTANT(session_of_another_version_is_denied, V311 | V5,
       "A session of another version is continued, and Session Present is 0",
       "session_of_another_version_is_whole_or_not_there", MQTT_3_2_2_3, MQTT3_3_2_2_2) = {
    .from_client = note_change,
    .from_server = deny_session,
    .context_size = sizeof(bool),
};
