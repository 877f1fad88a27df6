/* Packets to send, written byte by byte. */
#include "load.h"

#include <string.h>

enum { CLEAN_START = 0x02 };

void put_u16(uint8_t *to, uint16_t value)
{
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)(value & 0xFF);
}

uint16_t get_u16(const uint8_t *from)
{
    return (uint16_t)(from[0] << 8 | from[1]);
}

static size_t put_remaining_length(uint8_t *to, size_t length)
{
    size_t used = 0;
    do {
        uint8_t digit = (uint8_t)(length % 128);
        length /= 128;
        to[used++] = length > 0 ? (uint8_t)(digit | 0x80) : digit;
    } while (length > 0);
    return used;
}

static size_t put_string(uint8_t *to, const char *text)
{
    size_t length = strlen(text);
    put_u16(to, (uint16_t)length);
    memcpy(to + 2, text, length);
    return length + 2;
}

size_t write_connect(uint8_t *to, bool mqtt5, bool durable, const char *client_identifier)
{
    static const uint8_t never_expires[] = {5, 0x11, 0xFF, 0xFF, 0xFF, 0xFF};
    static const uint8_t no_properties[] = {0};
    const uint8_t *properties = durable ? never_expires : no_properties;
    size_t property_size = !mqtt5 ? 0 : durable ? sizeof never_expires : sizeof no_properties;
    size_t remaining = 10U + property_size + 2U + strlen(client_identifier);
    size_t at = 0;
    to[at++] = 0x10;
    at += put_remaining_length(to + at, remaining);
    at += put_string(to + at, "MQTT");
    to[at++] = mqtt5 ? 5 : 4;
    to[at++] = durable ? 0 : CLEAN_START;
    put_u16(to + at, 0);
    at += 2;
    memcpy(to + at, properties, property_size);
    at += property_size;
    return at + put_string(to + at, client_identifier);
}

size_t write_disconnect(uint8_t *to)
{
    to[0] = 0xE0;
    to[1] = 0;
    return 2;
}

size_t write_acknowledgement(uint8_t *to, enum packet_type type, uint16_t packet_identifier)
{
    to[0] = (uint8_t)(type == PUBREL ? (int)type | 0x02 : (int)type);
    to[1] = 2;
    put_u16(to + 2, packet_identifier);
    return 4;
}

size_t write_subscribe(uint8_t *to, bool mqtt5, uint16_t packet_identifier, const char *filter, uint8_t qos)
{
    size_t remaining = 2U + (mqtt5 ? 1U : 0U) + 2U + strlen(filter) + 1U;
    size_t at = 0;
    to[at++] = 0x82;
    at += put_remaining_length(to + at, remaining);
    put_u16(to + at, packet_identifier);
    at += 2;
    if (mqtt5) {
        to[at++] = 0;
    }
    at += put_string(to + at, filter);
    to[at++] = qos;
    return at;
}

void publish_template_make(struct publish_template *template, struct load *load, const char *topic,
                           uint8_t flags)
{
    template->bytes = load_allocate(load, 1, FIRST_PUBLISH_SIZE + load->options.payload);
    publish_template_change(template, &load->options, topic, flags);
}

void publish_template_change(struct publish_template *template, const struct options *options,
                             const char *topic, uint8_t flags)
{
    bool has_identifier = (flags & 0x06) != 0;
    size_t beside_topic = 2U + (has_identifier ? 2U : 0U) + (options->mqtt5 ? 1U : 0U) + options->payload;
    uint8_t *to = template->bytes;
    size_t at = 0;
    to[at++] = (uint8_t)((int)PUBLISH | flags);
    at += put_remaining_length(to + at, beside_topic + strlen(topic));
    at += put_string(to + at, topic);
    template->packet_identifier = has_identifier ? at : 0;
    at += has_identifier ? 2U : 0U;
    if (options->mqtt5) {
        to[at++] = 0;
    }
    template->payload = at;
    memset(to + at, 'x', options->payload);
    template->length = at + options->payload;
}
