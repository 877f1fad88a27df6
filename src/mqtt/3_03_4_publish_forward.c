/* 3.3 PUBLISH, as the Server sends it. Prefix: forward_ */
#include "3_03_4_publish_forward.h"

#include <assert.h>
#include <stdlib.h>

#include "3_03_2_3_4_topic_alias.h"
#include "broker_state.h"

bool forward_properties(const struct properties *properties, uint32_t withheld, uint8_t **memory,
                        struct bytes *forwarded)
{
    *memory = NULL;
    *forwarded = properties->wire;
    if ((properties->present & withheld) == 0)
        return true;
    struct properties kept = *properties;
    kept.present &= ~withheld;
    const size_t size = properties_encoded_size(&kept);
    *memory = malloc(size);
    if (!*memory)
        return false;
    struct writer writer = writer_into(*memory, size);
    properties_encode(&writer, &kept);
    size_t length_size = 1; /* the Property Length in front is not wanted here */
    while ((*memory)[length_size - 1] & 0x80)
        length_size++;
    *forwarded = bytes_of(*memory + length_size, size - length_size);
    return true;
}

/* 3.3.2.3: what a recipient's Properties consist of, besides those that travel unaltered. */
struct forward_properties {
    size_t length;           /* Property Length */
    struct bytes topic;      /* the Topic Name, or nothing when an alias stands for it */
    uint16_t alias;          /* 3.3.2.3.4; 0 = none */
    uint32_t expiry_seconds; /* 3.3.2.3.3 */
    bool has_expiry;
};

/* The seconds that remain of the Message Expiry Interval, a begun one counted whole [MQTT-3.3.2-6]. */
static uint32_t remaining_seconds(const struct broker *broker, uint64_t expires_at)
{
    const uint64_t left = expires_at > broker->now ? expires_at - broker->now : 0;
    return (uint32_t)((left + 999) / 1000);
}

static struct forward_properties measure_properties(const struct broker *broker,
                                                    const struct publication *publication,
                                                    const struct forward *forward)
{
    struct forward_properties properties = {.has_expiry = publication->expires_at != EXPIRES_NEVER};
    if (properties.has_expiry) {
        properties.expiry_seconds = remaining_seconds(broker, publication->expires_at);
        properties.length += 5;
    }
    for (uint16_t i = 0; i < forward->identifier_count; i++)
        properties.length += 1 + variable_byte_integer_size(forward->identifiers[i]);
    properties.length += publication->properties.length;
    return properties;
}

static void write_properties(struct writer *writer, const struct publication *publication,
                             const struct forward *forward, const struct forward_properties *properties)
{
    write_variable_byte_integer(writer, (uint32_t)properties->length);
    if (properties->has_expiry) {
        write_byte(writer, PROPERTY_MESSAGE_EXPIRY_INTERVAL);
        write_four_byte_integer(writer, properties->expiry_seconds);
    }
    if (properties->alias > 0) {
        write_byte(writer, PROPERTY_TOPIC_ALIAS);
        write_two_byte_integer(writer, properties->alias);
    }
    for (uint16_t i = 0; i < forward->identifier_count; i++) { /* [MQTT-3.3.4-3] [MQTT-3.3.4-4] */
        write_byte(writer, PROPERTY_SUBSCRIPTION_IDENTIFIER);
        write_variable_byte_integer(writer, forward->identifiers[i]);
    }
    /* unaltered and in order: [MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-17] [MQTT-3.3.2-18]
     * [MQTT-3.3.2-20] */
    write_raw(writer, publication->properties.data, publication->properties.length);
}

static uint8_t fixed_header_byte(const struct forward *forward)
{
    /* [MQTT-3.3.1-3] [MQTT3-3.3.1-3] DUP says what this sending is, never what the publisher's was;
     * [MQTT-3.3.1-2] [MQTT3-3.3.1-2] [MQTT-4.3.1-1] [MQTT3-4.3.1-1] [D-3.3.1.1-1, D3-3.3.1.1-1] */
    assert(!forward->dup || forward->qos > 0);
    return (uint8_t)((unsigned)PACKET_PUBLISH << 4 | (forward->dup ? 8U : 0U) | (unsigned)forward->qos << 1 |
                     (forward->retain ? 1U : 0U));
}

/* The Remaining Length; more than MQTT allows is possible. */
static size_t remaining_length(const struct publication *publication, const struct forward *forward,
                               const struct forward_properties *properties, bool five)
{
    size_t remaining =
        2 + properties->topic.length + (forward->qos > 0 ? 2U : 0U) + publication->payload.length;
    if (five && properties->length <= VARIABLE_BYTE_INTEGER_MAXIMUM)
        remaining += variable_byte_integer_size((uint32_t)properties->length);
    return five ? remaining + properties->length : remaining;
}

/* The size of the whole packet, or SIZE_MAX if the client, or MQTT, doesn't allow it. */
static size_t allowed_size(const struct connection *connection, size_t remaining)
{
    if (remaining > VARIABLE_BYTE_INTEGER_MAXIMUM)
        return SIZE_MAX;
    const size_t size = 1 + variable_byte_integer_size((uint32_t)remaining) + remaining;
    return size > connection->maximum_packet_size ? SIZE_MAX : size; /* [MQTT-3.1.2-24] */
}

enum { ALIAS_PROPERTY = 3, ALIAS_SLACK = 8 };

/* The largest packet that MQTT and the client allow. */
static size_t largest_packet(const struct connection *connection)
{
    const size_t largest = 1 + 4 + (size_t)VARIABLE_BYTE_INTEGER_MAXIMUM;
    return connection->maximum_packet_size < largest ? connection->maximum_packet_size : largest;
}

/* Lets an alias stand for the topic, if the client allows any. Only where even the longest form of the packet
 * fits, so that what the client is told is never a packet that is not sent. */
static void apply_alias(struct broker *broker, struct connection *connection, size_t size,
                        struct forward_properties *properties)
{
    if (connection->alias_maximum == 0 || properties->topic.length <= ALIAS_PROPERTY ||
        size + ALIAS_SLACK > largest_packet(connection))
        return;
    bool known = false;
    properties->alias =
        outgoing_alias(&connection->outgoing_aliases, connection->alias_maximum, properties->topic,
                       hash_bytes(&broker->client_identifier_key, properties->topic), &known);
    if (properties->alias == 0)
        return;
    properties->length += ALIAS_PROPERTY;
    if (known)
        properties->topic = (struct bytes){NULL, 0};
}

/* The order of [D-3.3.2-1, D3-3.3.2-1]; a Packet Identifier at QoS 1 and 2 only [D-3.3.2.2-1, D3-3.3.2.2-1].
 * The Topic Name is the publisher's: none is mapped to another [D-3.3.2.1-1, D3-3.3.2.1-1]. What the payload is
 * matters to applications alone [D3-3.3.3-1]. */
static void write_publish(struct writer *writer, const struct publication *publication,
                          const struct forward *forward, const struct forward_properties *properties,
                          size_t remaining, bool five)
{
    write_byte(writer, fixed_header_byte(forward));
    write_variable_byte_integer(writer, (uint32_t)remaining);
    write_two_byte_integer(writer, (uint16_t)properties->topic.length);
    write_raw(writer, properties->topic.data, properties->topic.length);
    if (forward->qos > 0)
        write_two_byte_integer(writer, forward->packet_identifier);
    if (five)
        write_properties(writer, publication, forward, properties);
}

enum forward_outcome forward_publish(struct broker *broker, struct connection *connection,
                                     const struct publication *publication, const struct forward *forward)
{
    const bool five = connection_is_5_0(connection);
    struct forward_properties properties = {0};
    if (five)
        properties = measure_properties(broker, publication, forward);
    properties.topic = publication->topic;
    size_t size = allowed_size(connection, remaining_length(publication, forward, &properties, five));
    if (size == SIZE_MAX) /* [MQTT-3.1.2-25] */
        return FORWARD_TOO_LARGE;
    if (five)
        apply_alias(broker, connection, size, &properties);
    const size_t remaining = remaining_length(publication, forward, &properties, five);
    size = allowed_size(connection, remaining);
    assert(size != SIZE_MAX);

    const bool reference = publication->shared && publication->payload.length >= ROUTING_SHARE_FROM &&
                           !broker->environment.trace;
    const size_t copied = reference ? size - publication->payload.length : size;
    const uint64_t waits_for =
        forward->qos == 2 ? promises_of_delivery(broker, connection->session) : 0; /* 4.1.1 */
    uint8_t *place = output_reserve(broker, connection, copied, waits_for);
    if (!place)
        return FORWARD_FAILED;

    struct writer writer = writer_into(place, copied);
    write_publish(&writer, publication, forward, &properties, remaining, five);
    if (!reference)
        write_raw(&writer, publication->payload.data, publication->payload.length);
    assert(!writer.overflow && writer.at == writer.end);

    broker->statistics.messages_sent++;
    broker->statistics.packets_sent++;
    if (!reference) {
        connection_trace(broker, connection, SENDER_SERVER, bytes_of(place, size));
        return FORWARD_SENT;
    }
    /* the publication may still borrow from the packet; the shared message's own bytes are what lives on */
    return output_reference(broker, connection, publication->shared, message_payload(publication->shared),
                            waits_for)
               ? FORWARD_SENT
               : FORWARD_FAILED;
}
