/* 1.5.5 Variable Byte Integer (3.1.1: 2.2.3 Remaining Length) */
#include "2_1_by_hand.h"

/* ---- What the server sends --------------------------------------------------------------------------- */

/* Reads the integer at `at`, which must be as short as its value allows, and moves behind it. */
static uint32_t minimal_integer(struct test *t, struct bytes packet, size_t *at, const char *what)
{
    uint32_t value = 0;
    size_t size = 0;
    bool more = true;
    while (more && size < 4 && *at < packet.length) {
        uint8_t byte = packet.data[(*at)++];
        value |= (uint32_t)(byte & 0x7F) << (7 * size++);
        more = (byte & 0x80) != 0;
    }
    size_t least = value < 128 ? 1 : value < 16384 ? 2 : value < 2097152 ? 3 : 4;
    require(t, !more && size == least, "the %s has %zu bytes for the value %u, which needs %zu", what, size,
            value, least);
    return value;
}

/* Looks at the Remaining Length and, for a PUBLISH of 5.0 at QoS 0, the Property Length. */
static void check_lengths(struct test *t, struct bytes packet, bool is_publish)
{
    size_t at = 1;
    uint32_t remaining = minimal_integer(t, packet, &at, "Remaining Length");
    require(t, remaining == packet.length - at, "Remaining Length is %u, but %zu bytes follow", remaining,
            packet.length - at);
    if (!is_publish || !is_v5(t))
        return;
    at += 2 + (size_t)(packet.data[at] << 8 | packet.data[at + 1]);
    uint32_t properties = minimal_integer(t, packet, &at, "Property Length");
    require(t, properties <= packet.length - at, "Property Length reaches beyond the packet");
}

/* Values on both sides of each border between lengths. */
static const uint32_t borders[] = {127, 128, 16383, 16384, 2097151, 2097152};
#define BORDERS (sizeof borders / sizeof *borders)

static bool is_too_large(struct test *t, size_t size)
{
    uint32_t limit = t->capabilities->maximum_packet_size;
    return limit != 0 && limit < size + 100;
}

CONFORMANCE_TEST(remaining_length_is_minimal, V_ALL, NEEDS_NOTHING,
                 "The Remaining Length of what the server sends is exact, and in the shortest form",
                 MQTT_1_5_5_1, D_2_1_4_1, D3_2_2_3_1, D3_2_2_3_2)
{
    const char *a = topic(t, "a");
    struct client *client = connect_client(t, .clean_start = true);
    check_lengths(t, client->connack->bytes, false);
    check_lengths(t, expect_suback(client, send_subscribe(client, a, .qos = 0), 1)->bytes, false);
    for (size_t i = 0; i < BORDERS; i++) {
        if (is_too_large(t, borders[i])) {
            note(t, "the server takes no packet of %u bytes", borders[i]);
            continue;
        }
        size_t length = borders[i] - string_size(a) - (is_v5(t) ? 1 : 0);
        uint8_t *payload = test_allocate(t, length);
        memset(payload, 'p', length);
        publish(client, .topic = a, .payload_bytes = bytes_of(payload, length));
        check_lengths(t, expect_publish(client, .topic = a)->bytes, true);
    }
}

CONFORMANCE_TEST(property_length_is_minimal, V5, NEEDS_NOTHING,
                 "The Property Length of what the server sends is in the shortest form", MQTT_1_5_5_1,
                 D_2_2_2_1_1)
{
    const char *a = topic(t, "a");
    struct client *client = connect_client(t, .clean_start = true);
    subscribe(client, a, .qos = 0);
    for (size_t i = 0; i < 4; i++) {
        if (is_too_large(t, borders[i]))
            continue;
        size_t length = borders[i] - 6; /* identifier, two lengths, and a name of one letter */
        char *value = test_allocate(t, length + 1);
        memset(value, 'v', length);
        publish(client, .topic = a, .payload = "m", .user_properties = {{"n", value}});
        const struct received *got = expect_publish(client, .topic = a, .payload = "m");
        check_lengths(t, got->bytes, true);
        expect_user_property(client, &got->packet.publish.properties, 0, "n", value);
    }
}

CONFORMANCE_TEST(subscription_identifier_is_minimal, V5, NEEDS_SUBSCRIPTION_IDENTIFIER,
                 "Subscription Identifiers come back in the shortest form", MQTT_1_5_5_1)
{
    static const uint32_t identifiers[] = {1, 127, 128, 16383, 16384, 2097151, 2097152, 268435455};
    const char *a = topic(t, "a");
    struct client *client = connect_client(t, .clean_start = true);
    for (size_t i = 0; i < sizeof identifiers / sizeof *identifiers; i++) {
        subscribe(client, a, .qos = 0, .subscription_identifier = identifiers[i]);
        publish(client, .topic = a, .payload = "m");
        const struct received *got =
            expect_publish(client, .topic = a, .subscription_identifier = identifiers[i]);
        struct bytes wire = got->packet.publish.properties.wire;
        if (wire.length == 0 || wire.data[0] != 0x0b) {
            note(t, "other properties stand before the Subscription Identifier");
            continue;
        }
        size_t at = 1;
        minimal_integer(t, wire, &at, "Subscription Identifier");
    }
}

/* ---- What the client sends --------------------------------------------------------------------------- */

CONFORMANCE_TEST(long_remaining_length_of_a_client_is_accepted, V_ALL, NEEDS_NOTHING,
                 "A client's packets are read whatever the size of their Remaining Length", D_1_5_5_1,
                 MQTT_4_5_0_1, MQTT3_4_5_0_1, D3_2_2_3_3)
{
    const char *a = topic(t, "a");
    struct client *client = connect_client(t, .clean_start = true);
    subscribe(client, a, .qos = 0);
    for (size_t i = 0; i < BORDERS; i++) {
        if (is_too_large(t, borders[i]))
            continue;
        size_t length = borders[i] - string_size(a) - (is_v5(t) ? 1 : 0);
        uint8_t *payload = test_allocate(t, length);
        memset(payload, 'q', length);
        publish(client, .topic = a, .payload_bytes = bytes_of(payload, length));
        expect_publish(client, .topic = a, .payload_bytes = bytes_of(payload, length));
    }
}

CONFORMANCE_TEST(remaining_length_of_five_bytes_is_refused, V_ALL, NEEDS_NOTHING,
                 "A Remaining Length whose fourth byte announces a fifth ends the connection", D_1_5_5_1,
                 MQTT3_4_8_0_1, D3_2_2_3_3)
{
    const char *a = topic(t, "a");
    struct client *control = connect_client(t, .name = "control", .clean_start = true);
    send_by_hand(control, 0x30, text(t, "{%s}", a), "", "6d");
    expect_open(control);
    static const char *const starts[] = {"30 80 80 80 80 01", "30 ff ff ff ff 7f", "c0 80 80 80 80 00"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        struct client *client = connect_client(t, .name = "offender", .clean_start = true);
        SEND_HEX(client, starts[i]);
        expect_refused(client, .reason_code = REASON_MALFORMED_PACKET);
    }
    struct client *first = open_connection(t, .name = "first packet");
    SEND_HEX(first, "10 80 80 80 80 01");
    expect_refused(first, .reason_code = REASON_MALFORMED_PACKET);
}

CONFORMANCE_TEST(variable_byte_integer_of_five_bytes_is_refused, V5, NEEDS_SUBSCRIPTION_IDENTIFIER,
                 "A Property Length or Subscription Identifier of five bytes ends the connection", D_1_5_5_1)
{
    const char *a = topic(t, "a");
    static const char *const lengths[] = {"05 0b ff ff ff 7f", "06 0b 80 80 80 80 01",
                                          "82 80 80 80 00 0b 01"};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct client *client =
            connect_client(t, .name = i == 0 ? "control" : "offender", .clean_start = true);
        send_by_hand(client, 0x82, text(t, "0005 %s", lengths[i]), NULL, text(t, "{%s} 00", a));
        if (i == 0)
            expect_suback(client, 5, 1);
        else
            expect_refused(client, .reason_code = REASON_MALFORMED_PACKET);
    }
}

/* 5.0 binds the sender and names no reaction; 3.1.1 only describes the short form. */
CONFORMANCE_TEST(overlong_remaining_length_is_refused_or_read, V_ALL, NEEDS_NOTHING,
                 "A PINGREQ whose Remaining Length 0 takes two bytes is either refused or answered",
                 MQTT_1_5_5_1, D3_2_2_3_2)
{
    struct client *client = connect_client(t, .clean_start = true);
    const struct received *answer;
    SEND_HEX(client, "c0 80 00");
    enum outcome outcome = receive(client, &answer);
    if (outcome == RECEIVED_TIMEOUT)
        fail(t, "the server neither answered nor closed the connection");
    bool answered = outcome == RECEIVED_PACKET && answer->packet.type == PACKET_PINGRESP;
    note(t, answered ? "the server reads overlong integers" : "the server refuses overlong integers");
    if (!answered)
        expect_closed(client);
}
