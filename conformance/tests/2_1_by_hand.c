/* Control Packets made by hand; 2_1_by_hand.h is the manual. */
#include "2_1_by_hand.h"

/* Bytes that a template stands for. */
static size_t size_of_template(const char *template)
{
    size_t digits = 0;
    size_t strings = 0;
    while (*template != '\0') {
        if (*template == '{') {
            size_t length = strcspn(template + 1, "}");
            strings += 2 + length;
            template += length + 1;
        } else if (*template != ' ') {
            digits++;
        }
        template ++;
    }
    return strings + digits / 2;
}

const char *variable_byte_integer_hex(struct test *t, size_t value)
{
    const char *hex = "";
    for (; value >= 128; value >>= 7)
        hex = text(t, "%s%02x", hex, (unsigned)(0x80 | (value & 0x7F)));
    return text(t, "%s%02x", hex, (unsigned)value);
}

const char *with_length(struct test *t, const char *properties)
{
    return text(t, "%s %s", variable_byte_integer_hex(t, size_of_template(properties)), properties);
}

static const char *template_of(struct test *t, bool five, const struct by_hand *packet)
{
    const char *properties = five && packet->properties != NULL ? with_length(t, packet->properties) : "";
    const char *body = text(t, "%s %s %s", packet->header == NULL ? "" : packet->header, properties,
                            packet->payload == NULL ? "" : packet->payload);
    return text(t, "%02x %s %s", packet->first_byte, variable_byte_integer_hex(t, size_of_template(body)),
                body);
}

void by_hand_send(struct client *client, const struct by_hand *packet)
{
    send_template(client, template_of(client->test, client->version == PROTOCOL_5_0, packet));
}

struct bytes by_hand_bytes(struct test *t, const struct by_hand *packet)
{
    return template_bytes(t, template_of(t, is_v5(t), packet));
}

/* The client sends itself a message, and has to acknowledge it. */
static uint16_t receive_own_message(struct client *client, int qos)
{
    struct test *t = client->test;
    const char *own = topic(t, text(t, "own/%s", client->client_identifier));
    if (subscribe(client, own, .qos = qos) < qos)
        skip(t, "the server granted less than QoS %d", qos);
    publish(client, .topic = own, .payload = "own", .qos = qos);
    const struct received *got = expect_publish(client, .topic = own, .qos = qos, .acknowledge = false);
    return got->packet.publish.packet_identifier;
}

uint16_t make_due(struct client *client, enum due due)
{
    struct test *t = client->test;
    if (due == DUE_NOTHING)
        return 0;
    if (due == DUE_PUBACK)
        return receive_own_message(client, 1);
    if (due == DUE_PUBREL) {
        const char *own = topic(t, text(t, "own/%s", client->client_identifier));
        uint16_t sent = send_publish(client, .topic = own, .payload = "own", .qos = 2);
        expect_pubrec(client, sent);
        return sent;
    }
    uint16_t identifier = receive_own_message(client, 2);
    if (due == DUE_PUBCOMP) {
        send_acknowledgement(client, PACKET_PUBREC, identifier, 0);
        expect_pubrel(client, identifier);
    }
    return identifier;
}
