/* 3.3 PUBLISH, as the Server sends it. Prefix: forward_ */
#include "3_03_4_publish_forward.h"

#include <assert.h>

#include "broker_state.h"

/* 3.3.2.3: what a recipient's Properties consist of, besides those that travel unaltered. */
struct forward_properties {
    size_t length;           /* Property Length */
    uint32_t expiry_seconds; /* 3.3.2.3.3 */
    bool has_expiry;
};

/* The seconds that remain of the Message Expiry Interval, a begun one counted whole [MQTT-3.3.2-6]. */
static uint32_t remaining_seconds(const struct broker *broker, uint64_t expires_at)
{
    const uint64_t left = expires_at > broker->now ? expires_at - broker->now : 0;
    return (uint32_t)((left + 999) / 1000);
}

static struct forward_properties measure_properties(const struct broker *broker, const struct publication *publication,
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

static void write_properties(struct writer *writer, const struct publication *publication, const struct forward *forward,
                             const struct forward_properties *properties)
{
    write_variable_byte_integer(writer, (uint32_t)properties->length);
    if (properties->has_expiry) {
        write_byte(writer, PROPERTY_MESSAGE_EXPIRY_INTERVAL);
        write_four_byte_integer(writer, properties->expiry_seconds);
    }
    for (uint16_t i = 0; i < forward->identifier_count; i++) { /* [MQTT-3.3.4-3] [MQTT-3.3.4-4] */
        write_byte(writer, PROPERTY_SUBSCRIPTION_IDENTIFIER);
        write_variable_byte_integer(writer, forward->identifiers[i]);
    }
    /* unaltered and in order: [MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-17] [MQTT-3.3.2-18] [MQTT-3.3.2-20] */
    write_raw(writer, publication->properties.data, publication->properties.length);
}

static uint8_t fixed_header_byte(const struct forward *forward)
{
    /* [MQTT-3.3.1-3] DUP says what this sending is, never what the publisher's was; [MQTT-3.3.1-2] */
    assert(!forward->dup || forward->qos > 0);
    return (uint8_t)((unsigned)PACKET_PUBLISH << 4 | (forward->dup ? 8U : 0U) | (unsigned)forward->qos << 1 |
                     (forward->retain ? 1U : 0U));
}

enum forward_outcome forward_publish(struct broker *broker, struct connection *connection,
                                     const struct publication *publication, const struct forward *forward)
{
    const bool five = connection_is_5_0(connection);
    struct forward_properties properties = {0};
    size_t remaining = 2 + publication->topic.length + (forward->qos > 0 ? 2U : 0U) + publication->payload.length;
    if (five) {
        properties = measure_properties(broker, publication, forward);
        if (properties.length > VARIABLE_BYTE_INTEGER_MAXIMUM)
            return FORWARD_TOO_LARGE;
        remaining += variable_byte_integer_size((uint32_t)properties.length) + properties.length;
    }
    if (remaining > VARIABLE_BYTE_INTEGER_MAXIMUM)
        return FORWARD_TOO_LARGE;
    const size_t size = 1 + variable_byte_integer_size((uint32_t)remaining) + remaining;
    if (size > connection->maximum_packet_size) /* [MQTT-3.1.2-24] [MQTT-3.1.2-25] */
        return FORWARD_TOO_LARGE;

    const bool reference =
        publication->shared && publication->payload.length >= ROUTING_SHARE_FROM && !broker->environment.trace;
    const size_t copied = reference ? size - publication->payload.length : size;
    uint8_t *place = output_reserve(broker, connection, copied);
    if (!place)
        return FORWARD_FAILED;

    struct writer writer = writer_into(place, copied);
    write_byte(&writer, fixed_header_byte(forward));
    write_variable_byte_integer(&writer, (uint32_t)remaining);
    write_two_byte_integer(&writer, (uint16_t)publication->topic.length);
    write_raw(&writer, publication->topic.data, publication->topic.length);
    if (forward->qos > 0)
        write_two_byte_integer(&writer, forward->packet_identifier);
    if (five)
        write_properties(&writer, publication, forward, &properties);
    if (!reference)
        write_raw(&writer, publication->payload.data, publication->payload.length);
    assert(!writer.overflow && writer.at == writer.end);

    broker->statistics.messages_sent++;
    if (!reference) {
        connection_trace(broker, connection, SENDER_SERVER, bytes_of(place, size));
        return FORWARD_SENT;
    }
    /* the publication may still borrow from the packet; the shared message's own bytes are what lives on */
    return output_reference(broker, connection, publication->shared, message_payload(publication->shared))
               ? FORWARD_SENT
               : FORWARD_FAILED;
}
