/* packet: see packet.h */
#include "packet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_ROOM = 5, LENGTH_BYTES = 4 };

uint8_t *buffer_room(struct buffer *buffer, size_t length)
{
    if (buffer->capacity - buffer->length < length) {
        size_t capacity = (buffer->length + length) * 2;
        uint8_t *bytes = realloc(buffer->bytes, capacity);
        if (!bytes) {
            fputs("crash: no memory\n", stderr);
            exit(2);
        }
        buffer->bytes = bytes;
        buffer->capacity = capacity;
    }
    return buffer->bytes + buffer->length;
}

void buffer_add(struct buffer *buffer, const void *bytes, size_t length)
{
    if (length == 0)
        return;
    memcpy(buffer_room(buffer, length), bytes, length);
    buffer->length += length;
}

void buffer_drop(struct buffer *buffer, size_t length)
{
    if (length == 0)
        return;
    memmove(buffer->bytes, buffer->bytes + length, buffer->length - length);
    buffer->length -= length;
}

void buffer_free(struct buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct buffer){0};
}

/* Writing */

size_t packet_begin(struct buffer *buffer, unsigned first_byte)
{
    size_t mark = buffer->length;
    memset(buffer_room(buffer, HEADER_ROOM), (int)first_byte, HEADER_ROOM);
    buffer->length += HEADER_ROOM;
    return mark;
}

void packet_end(struct buffer *buffer, size_t mark)
{
    size_t body = buffer->length - mark - HEADER_ROOM;
    size_t rest = body;
    size_t at = mark + 1;
    do {
        unsigned more = rest >= 128 ? 128 : 0;
        buffer->bytes[at++] = (uint8_t)(rest % 128 + more);
        rest /= 128;
    } while (rest > 0);
    memmove(buffer->bytes + at, buffer->bytes + mark + HEADER_ROOM, body);
    buffer->length = at + body;
}

void put_u8(struct buffer *buffer, unsigned value)
{
    uint8_t byte = (uint8_t)value;
    buffer_add(buffer, &byte, 1);
}

void put_u16(struct buffer *buffer, unsigned value)
{
    put_u8(buffer, value >> 8);
    put_u8(buffer, value & 0xff);
}

void put_u32(struct buffer *buffer, uint32_t value)
{
    put_u16(buffer, value >> 16);
    put_u16(buffer, value & 0xffff);
}

void put_text(struct buffer *buffer, const char *text)
{
    size_t length = strlen(text);
    put_u16(buffer, (unsigned)length);
    buffer_add(buffer, text, length);
}

void put_answer(struct buffer *buffer, unsigned first_byte, uint16_t packet_identifier, uint8_t reason)
{
    size_t mark = packet_begin(buffer, first_byte);
    put_u16(buffer, packet_identifier);
    if (reason != 0)
        put_u8(buffer, reason);
    packet_end(buffer, mark);
}

/* Reading */

struct reader get_bytes(struct reader *reader, size_t length)
{
    struct reader part = {.at = reader->at, .left = length};
    if (reader->bad || length > reader->left) {
        reader->bad = true;
        part.left = 0;
        part.bad = true;
        return part;
    }
    reader->at += length;
    reader->left -= length;
    return part;
}

uint8_t get_u8(struct reader *reader)
{
    struct reader part = get_bytes(reader, 1);
    return part.left ? part.at[0] : 0;
}

uint16_t get_u16(struct reader *reader)
{
    unsigned high = get_u8(reader);
    return (uint16_t)(high << 8 | get_u8(reader));
}

uint32_t get_u32(struct reader *reader)
{
    uint32_t high = get_u16(reader);
    return high << 16 | get_u16(reader);
}

struct reader get_text(struct reader *reader)
{
    size_t length = get_u16(reader);
    return get_bytes(reader, length);
}

static uint32_t get_variable(struct reader *reader)
{
    uint32_t value = 0;
    for (unsigned shift = 0; shift < 7 * LENGTH_BYTES; shift += 7) {
        uint8_t byte = get_u8(reader);
        value |= (uint32_t)(byte & 127) << shift;
        if (byte < 128)
            return value;
    }
    reader->bad = true;
    return 0;
}

enum packet_found packet_take(const uint8_t *bytes, size_t length, struct packet *packet, size_t *size)
{
    size_t header = 1;
    while (header < length && header <= LENGTH_BYTES && bytes[header] >= 128)
        header++;
    if (header > LENGTH_BYTES)
        return PACKET_BROKEN;
    if (header >= length)
        return PACKET_INCOMPLETE;
    struct reader rest = {.at = bytes + 1, .left = header};
    size_t body = get_variable(&rest);
    if (length - header - 1 < body)
        return PACKET_INCOMPLETE;
    packet->type = (enum packet_type)(bytes[0] >> 4);
    packet->flags = bytes[0] & 15;
    packet->body = (struct reader){.at = bytes + header + 1, .left = body};
    *size = header + 1 + body;
    return PACKET_WHOLE;
}

/* Properties, section 2.2.2.2 of 5.0: how long the value is, by identifier. */
enum value_kind { NO_SUCH, ONE, TWO, FOUR, VARIABLE, TEXT, PAIR };

static const uint8_t value_kinds[64] = {
    [1] = ONE,   [2] = FOUR,  [3] = TEXT,  [8] = TEXT,  [9] = TEXT, [11] = VARIABLE, [17] = FOUR,
    [18] = TEXT, [19] = TWO,  [21] = TEXT, [22] = TEXT, [23] = ONE, [24] = FOUR,     [25] = ONE,
    [26] = TEXT, [28] = TEXT, [31] = TEXT, [33] = TWO,  [34] = TWO, [35] = TWO,      [36] = ONE,
    [37] = ONE,  [38] = PAIR, [39] = FOUR, [40] = ONE,  [41] = ONE, [42] = ONE,
};

enum { PROPERTY_RECEIVE_MAXIMUM = 33, PROPERTY_USER = 38 };

static void get_value(struct reader *reader, uint8_t identifier, struct properties *properties)
{
    switch (identifier < 64 ? value_kinds[identifier] : NO_SUCH) {
    case ONE:
        get_u8(reader);
        return;
    case TWO: {
        uint16_t value = get_u16(reader);
        if (identifier == PROPERTY_RECEIVE_MAXIMUM)
            properties->receive_maximum = value;
        return;
    }
    case FOUR:
        get_u32(reader);
        return;
    case VARIABLE:
        get_variable(reader);
        return;
    case TEXT:
        get_text(reader);
        return;
    case PAIR:
        get_text(reader);
        properties->user_value = get_text(reader);
        properties->users++;
        return;
    default:
        reader->bad = true;
    }
}

struct properties get_properties(struct reader *reader)
{
    struct properties properties = {.receive_maximum = UINT16_MAX};
    size_t length = get_variable(reader);
    struct reader part = get_bytes(reader, length);
    while (part.left > 0 && !part.bad) {
        uint8_t identifier = get_u8(&part);
        get_value(&part, identifier, &properties);
    }
    if (part.bad)
        reader->bad = true;
    return properties;
}

bool packet_publish(const struct packet *packet, bool v5, struct publish *publish)
{
    struct reader body = packet->body;
    *publish = (struct publish){
        .dup = packet->flags & 8, .qos = packet->flags >> 1 & 3, .retain = packet->flags & 1};
    publish->topic = get_text(&body);
    if (publish->qos > 0)
        publish->packet_identifier = get_u16(&body);
    if (v5)
        publish->properties = get_properties(&body);
    publish->payload = body;
    return !body.bad && publish->qos < 3 && (publish->qos == 0 || publish->packet_identifier > 0);
}
