#include "wire.h"

#include <assert.h>
#include <string.h>

enum {
    EXPIRY_INTERVAL = 0x11,
    MESSAGE_EXPIRY = 0x02,
    WILL_DELAY = 0x18,
    RECEIVE_MAXIMUM = 0x21,
    SUBSCRIPTION_IDENTIFIER = 0x0B
};

static void begin(struct wire *wire)
{
    wire->begin = WIRE_HEADER;
    wire->end = WIRE_HEADER;
}

static void byte(struct wire *wire, unsigned value)
{
    assert(wire->end < WIRE_ROOM);
    wire->data[wire->end++] = (uint8_t)value;
}

static void two(struct wire *wire, unsigned value)
{
    byte(wire, value >> 8 & 0xFF);
    byte(wire, value & 0xFF);
}

static void four(struct wire *wire, uint32_t value)
{
    two(wire, value >> 16);
    two(wire, value & 0xFFFF);
}

static void raw(struct wire *wire, const void *bytes, size_t length)
{
    assert(wire->end + length <= WIRE_ROOM);
    if (length > 0)
        memcpy(wire->data + wire->end, bytes, length);
    wire->end = (uint16_t)(wire->end + length);
}

static void binary(struct wire *wire, const void *bytes, size_t length)
{
    two(wire, (unsigned)length);
    raw(wire, bytes, length);
}

static void text(struct wire *wire, const char *string)
{
    binary(wire, string, strlen(string));
}

/* Puts the fixed header in front. */
static void finish(struct wire *wire, unsigned first)
{
    uint32_t remaining = (uint32_t)wire->end - WIRE_HEADER;
    uint8_t header[WIRE_HEADER];
    unsigned size = 0;
    header[size++] = (uint8_t)first;
    do {
        header[size++] = (uint8_t)((remaining & 0x7F) | (remaining > 0x7F ? 0x80U : 0));
        remaining >>= 7;
    } while (remaining > 0);
    wire->begin = (uint16_t)(WIRE_HEADER - size);
    memcpy(wire->data + wire->begin, header, size);
}

/* Properties are short here: their length is one byte, filled in afterwards. */
static uint16_t properties_begin(struct wire *wire)
{
    byte(wire, 0);
    return wire->end;
}

static void properties_end(struct wire *wire, uint16_t from)
{
    assert(wire->end - from < 128);
    wire->data[from - 1] = (uint8_t)(wire->end - from);
}

static void number(struct wire *wire, unsigned property, uint32_t value)
{
    byte(wire, property);
    four(wire, value);
}

static void connect_properties(struct wire *wire, const struct wire_connect *connect)
{
    const uint16_t from = properties_begin(wire);
    if (connect->expiry > 0)
        number(wire, EXPIRY_INTERVAL, connect->expiry);
    if (connect->receive_maximum > 0) {
        byte(wire, RECEIVE_MAXIMUM);
        two(wire, connect->receive_maximum);
    }
    properties_end(wire, from);
}

static void will(struct wire *wire, const struct wire_connect *connect)
{
    if (connect->five) {
        const uint16_t from = properties_begin(wire);
        if (connect->will_delay > 0)
            number(wire, WILL_DELAY, connect->will_delay);
        if (connect->will_expiry > 0)
            number(wire, MESSAGE_EXPIRY, connect->will_expiry);
        properties_end(wire, from);
    }
    text(wire, connect->will_topic);
    binary(wire, connect->will_payload, connect->will_length);
}

void wire_connect(struct wire *wire, const struct wire_connect *connect)
{
    begin(wire);
    text(wire, "MQTT");
    byte(wire, connect->five ? 5 : 4);
    unsigned flags = connect->clean ? 0x02 : 0;
    if (connect->will_topic)
        flags |= 0x04U | (unsigned)connect->will_qos << 3 | (connect->will_retain ? 0x20U : 0);
    byte(wire, flags);
    two(wire, 0); /* Keep Alive */
    if (connect->five)
        connect_properties(wire, connect);
    text(wire, connect->client_identifier);
    if (connect->will_topic)
        will(wire, connect);
    finish(wire, 0x10);
}

void wire_publish(struct wire *wire, const struct wire_publish *publish)
{
    begin(wire);
    text(wire, publish->topic);
    if (publish->qos > 0)
        two(wire, publish->identifier);
    if (publish->five) {
        const uint16_t from = properties_begin(wire);
        if (publish->expiry > 0)
            number(wire, MESSAGE_EXPIRY, publish->expiry);
        properties_end(wire, from);
    }
    raw(wire, publish->payload, publish->length);
    finish(wire, 0x30U | (publish->dup ? 8U : 0) | (unsigned)publish->qos << 1 | (publish->retain ? 1U : 0));
}

void wire_acknowledge(struct wire *wire, unsigned type, uint16_t identifier, uint8_t reason_code)
{
    begin(wire);
    two(wire, identifier);
    if (reason_code > 0)
        byte(wire, reason_code);
    finish(wire, type << 4 | (type == 6 ? 2U : 0));
}

void wire_subscribe(struct wire *wire, bool five, uint16_t identifier, uint32_t subscription_identifier,
                    const struct wire_filter *filters, unsigned count)
{
    begin(wire);
    two(wire, identifier);
    if (five) {
        const uint16_t from = properties_begin(wire);
        if (subscription_identifier > 0) {
            assert(subscription_identifier < 128);
            byte(wire, SUBSCRIPTION_IDENTIFIER);
            byte(wire, subscription_identifier);
        }
        properties_end(wire, from);
    }
    for (unsigned i = 0; i < count; i++) {
        text(wire, filters[i].filter);
        byte(wire, filters[i].options);
    }
    finish(wire, 0x82);
}

void wire_unsubscribe(struct wire *wire, bool five, uint16_t identifier, const struct wire_filter *filters,
                      unsigned count)
{
    begin(wire);
    two(wire, identifier);
    if (five)
        byte(wire, 0);
    for (unsigned i = 0; i < count; i++)
        text(wire, filters[i].filter);
    finish(wire, 0xA2);
}

void wire_disconnect(struct wire *wire, bool five, uint8_t reason_code, bool has_expiry, uint32_t expiry)
{
    begin(wire);
    if (five && (reason_code > 0 || has_expiry)) {
        byte(wire, reason_code);
        const uint16_t from = properties_begin(wire);
        if (has_expiry)
            number(wire, EXPIRY_INTERVAL, expiry);
        properties_end(wire, from);
    }
    finish(wire, 0xE0);
}

void wire_ping(struct wire *wire)
{
    begin(wire);
    finish(wire, 0xC0);
}
