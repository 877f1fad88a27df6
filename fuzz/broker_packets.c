/* broker_packets: see the header. */
#include "broker_packets.h"

#include "mqtt/1_5_data_representation.h"

enum { BODY = PACKETS_ROOM - 8 };

#define LONG_TOPIC "a/long/topic/for/which/an/alias/is/worth/its/while"

struct bytes packets_topic(uint8_t which)
{
    static const char *const topics[] = {"a", "a/b", "b", LONG_TOPIC, "$SYS/x", "/", "a/b/c", "$share/g/a"};
    return bytes_of_text(topics[which % 8]);
}

static struct bytes filter_of(uint8_t which)
{
    static const char *const filters[] = {
        "a", "#",        "a/b",    "+",          "a/#", "$share/g/a",   "$share/g/#", "+/b",
        "b", LONG_TOPIC, "$SYS/#", "$share/h/+", "/+",  "$share/h/a/b", "+/+/#",      "a/+"};
    return bytes_of_text(filters[which % 16]);
}

/* Fixed header and body. */
static void finish(struct writer *writer, uint8_t first, const struct writer *body)
{
    write_byte(writer, first);
    write_variable_byte_integer(writer, (uint32_t)writer_size(body));
    write_raw(writer, body->start, writer_size(body));
    writer->overflow |= body->overflow;
}

static void write_list(struct writer *body, const struct writer *properties)
{
    write_variable_byte_integer(body, (uint32_t)writer_size(properties));
    write_raw(body, properties->start, writer_size(properties));
}

static void write_text_property(struct writer *properties, uint8_t identifier, const char *text)
{
    write_byte(properties, identifier);
    write_string(properties, bytes_of_text(text));
}

static void write_number_property(struct writer *properties, uint8_t identifier, uint32_t value,
                                  unsigned size)
{
    write_byte(properties, identifier);
    for (unsigned i = size; i > 0; i--)
        write_byte(properties, (uint8_t)(value >> 8 * (i - 1)));
}

static uint32_t interval_of(uint8_t which)
{
    static const uint32_t intervals[] = {0, 1, 2, 10, 100, 86400, 0xFFFFFFFE, 0xFFFFFFFF};
    return intervals[which & 7];
}

/* CONNECT */

static void connect_properties(struct writer *body, struct input *input)
{
    static const uint16_t few[] = {1, 2, 3, 10, 65535, 1, 5, 20};
    static const uint16_t sizes[] = {300, 64, 100, 30, 65535, 8, 5000, 128};
    uint8_t room[64];
    struct writer properties = writer_into(room, sizeof room);
    const uint8_t which = input_byte(input);
    const uint8_t value = which ? input_byte(input) : 0;
    if (which & 1)
        write_number_property(&properties, 0x11, interval_of(value), 4);
    if (which & 2)
        write_number_property(&properties, 0x21, few[value & 7], 2);
    if (which & 4)
        write_number_property(&properties, 0x22, few[value >> 3 & 7], 2);
    if (which & 8)
        write_number_property(&properties, 0x27, sizes[value >> 5], 4);
    if (which & 16)
        write_number_property(&properties, 0x17, value & 1, 1);
    if (which & 32)
        write_number_property(&properties, 0x19, 1, 1);
    if (which == 0xFF)
        write_text_property(&properties, 0x15, "M");
    write_list(body, &properties);
}

static void will_properties(struct writer *body, uint8_t which)
{
    uint8_t room[64];
    struct writer properties = writer_into(room, sizeof room);
    if (which & 1)
        write_number_property(&properties, 0x18, interval_of(which >> 4), 4);
    if (which & 2)
        write_number_property(&properties, 0x02, interval_of(which >> 3), 4);
    if (which & 4)
        write_text_property(&properties, 0x03, "will");
    write_list(body, &properties);
}

static void write_protocol(struct writer *body, unsigned version)
{
    write_string(body, bytes_of_text(version == 3 ? "MQIsdp" : "MQTT"));
    write_byte(body, (uint8_t)version);
}

/* Two bytes: version, Client Identifier, flags; then what these ask for. */
void packets_connect(struct writer *writer, struct input *input, enum protocol_version version)
{
    static const uint8_t versions[] = {5, 4, 5, 3};
    static const char *const identifiers[] = {"a",        "b", "c", "", "d", "longer than 23 characters",
                                              "\xC3\xA9", "e"};
    static const uint16_t keep_alives[] = {0, 1, 10, 65535};
    uint8_t room[BODY];
    struct writer body = writer_into(room, sizeof room);
    const uint8_t who = input_byte(input), flags = input_byte(input);
    const unsigned level = who == 0xFF ? 6 : versions[who & 3];
    const bool will = flags & 4;
    (void)version;
    write_protocol(&body, level);
    write_byte(&body, (uint8_t)((flags & 2) | (will ? flags & 0x3C : 0)));
    write_two_byte_integer(&body, keep_alives[flags >> 6]);
    if (level == 5)
        connect_properties(&body, input);
    write_string(&body, bytes_of_text(identifiers[who >> 2 & 7]));
    if (will) {
        const uint8_t which = input_byte(input);
        if (level == 5)
            will_properties(&body, which);
        write_string(&body, packets_topic(which));
        write_string(&body, bytes_of_text(which & 8 ? "" : "gone"));
    }
    finish(writer, 0x10, &body);
}

/* PUBLISH */

static void publish_properties(struct writer *body, struct input *input, uint8_t which)
{
    uint8_t room[128];
    struct writer properties = writer_into(room, sizeof room);
    if (which & 1)
        write_number_property(&properties, 0x02, interval_of(input_byte(input)), 4);
    if (which & 2)
        write_number_property(&properties, 0x23, input_byte(input), 2);
    if (which & 4) {
        write_text_property(&properties, 0x26, "k");
        write_string(&properties, bytes_of_text("v"));
        write_text_property(&properties, 0x03, "text");
    }
    if (which & 8)
        write_number_property(&properties, 0x01, 1, 1);
    if (which & 16) {
        write_text_property(&properties, 0x08, "reply");
        write_text_property(&properties, 0x09, "\xFF");
    }
    write_list(body, &properties);
}

/* Beyond the number, which is text so that it may be called UTF-8. */
static void write_payload(struct writer *body, uint32_t number, uint8_t which)
{
    static const uint16_t lengths[] = {8, 8, 40, 100, 300, 4096, 5000, 0};
    const uint16_t length = lengths[which & 7];
    for (unsigned i = 0; i < length; i++)
        write_byte(body, (uint8_t)(i < 8 ? 'A' + (number >> 4 * i & 15) : which & 8 ? 0xFF : '.'));
}

/* Flags: bits 0 to 3 as in the fixed header; then topic (bit 7: left out), Packet Identifier, properties,
 * payload. */
void packets_publish(struct writer *writer, struct input *input, enum protocol_version version,
                     uint32_t number)
{
    uint8_t room[BODY];
    struct writer body = writer_into(room, sizeof room);
    const uint8_t flags = input_byte(input), topic = input_byte(input), payload = input_byte(input);
    const bool five = version == PROTOCOL_5_0;
    write_string(&body, five && topic & 0x80 ? bytes_of_text("") : packets_topic(topic));
    if (flags & 6)
        write_two_byte_integer(&body, input_byte(input));
    if (five)
        publish_properties(&body, input, topic & 0x80 ? 2 : payload >> 3);
    write_payload(&body, number, payload & 0x40 ? 15 & payload : 7 & payload);
    finish(writer, (uint8_t)(0x30 | (flags & 15)), &body);
}

/* SUBSCRIBE, UNSUBSCRIBE, DISCONNECT */

static void subscribe_properties(struct writer *body, uint8_t which)
{
    uint8_t room[16];
    struct writer properties = writer_into(room, sizeof room);
    if (which & 0x10) {
        write_byte(&properties, 0x0B);
        write_variable_byte_integer(&properties, which & 0x20 ? 200 : (which & 15U) + 1);
    }
    write_list(body, &properties);
}

static void write_filters(struct writer *writer, struct input *input, enum protocol_version version,
                          uint8_t first)
{
    uint8_t room[BODY];
    struct writer body = writer_into(room, sizeof room);
    const bool subscribe = first == 0x82;
    const uint8_t which = input_byte(input);
    write_two_byte_integer(&body, (uint16_t)(which % 16 + 1));
    if (version == PROTOCOL_5_0)
        subscribe_properties(&body, subscribe ? which : 0);
    for (unsigned i = 0; i <= which >> 6; i++) {
        write_string(&body, filter_of(input_byte(input)));
        if (subscribe)
            write_byte(&body, input_byte(input) & (version == PROTOCOL_5_0 ? 0x3F : 3));
    }
    finish(writer, first, &body);
}

void packets_subscribe(struct writer *writer, struct input *input, enum protocol_version version)
{
    write_filters(writer, input, version, 0x82);
}

void packets_unsubscribe(struct writer *writer, struct input *input, enum protocol_version version)
{
    write_filters(writer, input, version, 0xA2);
}

void packets_disconnect(struct writer *writer, struct input *input, enum protocol_version version)
{
    uint8_t room[16], list[8];
    struct writer body = writer_into(room, sizeof room);
    struct writer properties = writer_into(list, sizeof list);
    const uint8_t which = input_byte(input);
    if (version == PROTOCOL_5_0 && which) {
        write_byte(&body, which & 1 ? 0x04 : 0x00);
        if (which & 2)
            write_number_property(&properties, 0x11, interval_of(which >> 2), 4);
        write_list(&body, &properties);
    }
    finish(writer, 0xE0, &body);
}
