/* 2.1 Structure of an MQTT Control Packet (3.1.1: 2.2) */
#include "2_1_by_hand.h"

/* ---- Flags of the client's packets ------------------------------------------------------------------- */

/* A good packet of each kind. @ stands for the Packet Identifier, $ for a topic. */
struct kind {
    const char *what;
    unsigned first_byte;
    enum due due;
    const char *header;
    const char *properties;
    const char *payload;
};

static const struct kind kinds[] = {
    {"PUBACK", 0x40, DUE_PUBACK, "@", NULL, NULL},        {"PUBREC", 0x50, DUE_PUBREC, "@", NULL, NULL},
    {"PUBREL", 0x62, DUE_PUBREL, "@", NULL, NULL},        {"PUBCOMP", 0x70, DUE_PUBCOMP, "@", NULL, NULL},
    {"SUBSCRIBE", 0x82, DUE_NOTHING, "0005", "", "$ 00"}, {"UNSUBSCRIBE", 0xa2, DUE_NOTHING, "0005", "", "$"},
    {"PINGREQ", 0xc0, DUE_NOTHING, NULL, NULL, NULL},
};

static void send_kind(struct client *client, const struct kind *kind, unsigned flags)
{
    struct test *t = client->test;
    uint16_t identifier = make_due(client, kind->due);
    const char *header = kind->header;
    const char *payload = kind->payload;
    if (header != NULL && header[0] == '@')
        header = text(t, "%04x", identifier);
    if (payload != NULL && payload[0] == '$')
        payload = text(t, "{%s} %s", topic(t, "a"), payload + 1);
    send_by_hand(client, (kind->first_byte & 0xF0) | flags, header, kind->properties, payload);
}

/* All fifteen wrong values of the flags, except the one that 3.1 calls DUP. */
static void check_kind(struct test *t, const struct kind *kind)
{
    unsigned right = kind->first_byte & 0x0F;
    struct client *control = connect_client(t, .name = "control", .clean_start = true);
    send_kind(control, kind, right);
    expect_open(control);
    for (unsigned flags = 0; flags < 16; flags++) {
        if (flags == right || (t->version == PROTOCOL_3_1 && flags == (right | 8)))
            continue;
        const char *name = text(t, "%s, flags %u", kind->what, flags);
        struct client *client = connect_client(t, .name = name, .clean_start = true);
        send_kind(client, kind, flags);
        expect_refused(client, .reason_code = REASON_MALFORMED_PACKET);
    }
}

CONFORMANCE_TEST(reserved_flags_of_acknowledgements_are_checked, V311 | V5, NEEDS_QOS2,
                 "A PUBACK, PUBREC or PUBCOMP with flags other than 0000 ends the connection", MQTT_2_1_3_1,
                 MQTT3_2_2_2_1, MQTT3_2_2_2_2, P_2_1_3_1)
{
    check_kind(t, &kinds[0]);
    check_kind(t, &kinds[1]);
    check_kind(t, &kinds[3]);
}

CONFORMANCE_TEST(reserved_flags_of_pubrel_are_checked, V311 | V5, NEEDS_QOS2,
                 "A PUBREL with flags other than 0010 ends the connection", MQTT_3_6_1_1, MQTT3_3_6_1_1,
                 MQTT_2_1_3_1, MQTT3_2_2_2_1, MQTT3_2_2_2_2, P_2_1_3_1)
{
    check_kind(t, &kinds[2]);
}

CONFORMANCE_TEST(reserved_flags_of_requests_are_checked, V311 | V5, NEEDS_NOTHING,
                 "A SUBSCRIBE, UNSUBSCRIBE or PINGREQ with wrong flags ends the connection", MQTT_2_1_3_1,
                 MQTT3_2_2_2_1, MQTT3_2_2_2_2, P_2_1_3_1)
{
    for (size_t i = 4; i < sizeof kinds / sizeof *kinds; i++)
        check_kind(t, &kinds[i]);
}

CONFORMANCE_TEST(reserved_flags_of_connect_are_checked, V311 | V5, NEEDS_NOTHING,
                 "A CONNECT with flags other than 0000 in its first byte ends the connection", MQTT_2_1_3_1,
                 MQTT3_2_2_2_1, MQTT3_2_2_2_2, P_2_1_3_1)
{
    connect_client(t, .name = "control", .clean_start = true);
    for (unsigned flags = 1; flags < 16; flags++) {
        struct client *client = open_connection(t, .name = "offender");
        send_by_hand(client, 0x10 | flags, text(t, "{MQTT} %02x 02 0000", (unsigned)t->version), "",
                     text(t, "{%s}", client->client_identifier));
        expect_refused(client, .reason_code = REASON_MALFORMED_PACKET);
    }
}

/* A DISCONNECT ends the connection anyhow; a malformed one leaves the Will in force. */
CONFORMANCE_TEST(reserved_flags_of_disconnect_are_checked, V311 | V5, NEEDS_NOTHING,
                 "A DISCONNECT with flags other than 0000 does not count: the Will is published",
                 MQTT_2_1_3_1, MQTT3_2_2_2_1, MQTT3_2_2_2_2, P_2_1_3_1)
{
    const char *w = topic(t, "will");
    struct client *watcher = connect_client(t, .name = "watcher", .clean_start = true);
    subscribe(watcher, w, .qos = 0);
    for (unsigned flags = 0; flags < 16; flags++) {
        const char *payload = text(t, "will %u", flags);
        struct client *client = connect_client(t, .name = flags == 0 ? "control" : "offender",
                                               .clean_start = true, .will = {.topic = w, .payload = payload});
        send_by_hand(client, 0xe0 | flags, NULL, NULL, NULL);
        expect_closed(client);
        if (flags == 0)
            expect_nothing_before(watcher, .publisher = watcher, .topic = w, .qos = 0);
        else
            expect_publish(watcher, .topic = w, .payload = payload);
    }
}

/* ---- Flags of the server's packets ------------------------------------------------------------------- */

static void require_first_byte(struct client *client, const struct received *received, unsigned first_byte)
{
    struct test *t = client->test;
    if (received->bytes.data[0] != first_byte)
        fail_expected(t, text(t, "a first byte of 0x%02x", first_byte), "0x%02x: %s", received->bytes.data[0],
                      describe_packet(t, &received->packet));
}

CONFORMANCE_TEST(reserved_flags_are_set_as_prescribed, V_ALL, NEEDS_QOS2,
                 "The server's own packets have the reserved flags of their type", MQTT_2_1_3_1,
                 MQTT3_2_2_2_1, MQTT_3_6_1_1, MQTT3_3_6_1_1)
{
    const char *a = topic(t, "a");
    struct client *client = connect_client(t, .clean_start = true);
    require_first_byte(client, client->connack, 0x20);
    require_first_byte(client, expect_suback(client, send_subscribe(client, a, .qos = 2), 1), 0x90);
    uint16_t sent = send_publish(client, .topic = a, .payload = "1", .qos = 1);
    require_first_byte(client, expect_puback(client, sent), 0x40);
    expect_publish(client, .topic = a, .payload = "1");
    sent = send_publish(client, .topic = a, .payload = "2", .qos = 2);
    require_first_byte(client, expect_pubrec(client, sent), 0x50);
    send_acknowledgement(client, PACKET_PUBREL, sent, 0);
    require_first_byte(client, expect_pubcomp(client, sent), 0x70);
    const struct received *got = expect_publish(client, .topic = a, .payload = "2", .acknowledge = false);
    send_acknowledgement(client, PACKET_PUBREC, got->packet.publish.packet_identifier, 0);
    require_first_byte(client, expect_pubrel(client, got->packet.publish.packet_identifier), 0x62);
    send_acknowledgement(client, PACKET_PUBCOMP, got->packet.publish.packet_identifier, 0);
    require_first_byte(client, expect_unsuback(client, send_unsubscribe(client, a), 1), 0xb0);
    send_pingreq(client);
    require_first_byte(client, expect_packet(client, PACKET_PINGRESP), 0xd0);
}

/* ---- Framing ----------------------------------------------------------------------------------------- */

CONFORMANCE_TEST(packets_are_read_from_any_fragments, V_ALL, NEEDS_QOS1,
                 "Packets arriving byte by byte, or several at once, are each read to their Remaining Length",
                 D_2_1_4_1, MQTT_4_3_2_4, MQTT3_4_3_2_2, D3_2_2_3_1)
{
    if (t->capabilities->receive_maximum < 3)
        skip(t, "the server's Receive Maximum is %u", t->capabilities->receive_maximum);
    const char *a = topic(t, "a");
    struct client *client = connect_client(t, .clean_start = true);
    subscribe(client, a, .qos = 1);
    const char *payload = "in pieces";
    size_t header = string_size(a) + 2 + (is_v5(t) ? 1 : 0);
    size_t size = 2 + header + strlen(payload);
    uint8_t *bytes = test_allocate(t, 3 * size);
    struct writer writer = writer_into(bytes, size);
    write_byte(&writer, 0x32);
    write_byte(&writer, (uint8_t)(size - 2));
    write_string(&writer, bytes_of_text(a));
    write_two_byte_integer(&writer, 0x0101);
    if (is_v5(t))
        write_byte(&writer, 0);
    memcpy(bytes + 2 + header, payload, strlen(payload));
    for (size_t i = 0; i < size; i++)
        send_bytes(client, bytes + i, 1);
    expect_puback(client, 0x0101);
    expect_publish(client, .topic = a, .payload = payload);

    size_t identifier = 2 + string_size(a);
    memcpy(bytes + size, bytes, size);
    memcpy(bytes + 2 * size, bytes, size);
    bytes[identifier] = 2;
    bytes[size + identifier] = 3;
    bytes[2 * size + identifier] = 4;
    send_bytes(client, bytes, 3 * size);
    for (uint16_t i = 2; i <= 4; i++) {
        expect_puback(client, (uint16_t)(i << 8 | 1));
        expect_publish(client, .topic = a, .payload = payload);
    }
}

/* ---- Types ------------------------------------------------------------------------------------------- */

/* In 5.0 type 15 is AUTH, and type 0 is a Malformed Packet among others. */
CONFORMANCE_TEST(reserved_packet_types_are_refused, V3, NEEDS_NOTHING,
                 "A packet of type 0 or 15, whatever it contains, ends the connection", P3_2_2_1_1,
                 P3_2_2_1_2, MQTT3_4_8_0_1)
{
    static const char *const packets[] = {"00 00", "0f 00", "00 02 00 01", "f0 00", "ff 00", "f0 02 00 01"};
    for (size_t i = 0; i < sizeof packets / sizeof *packets; i++) {
        struct client *client = connect_client(t, .name = packets[i], .clean_start = true);
        ping(client); /* positive control */
        SEND_HEX(client, packets[i]);
        expect_refused(client);
    }
}

/* What only a server sends. The table gives PINGRESP the same direction, but some servers take it from other
 * servers, and it asks for nothing. */
CONFORMANCE_TEST(packets_of_the_server_are_refused, V3, NEEDS_NOTHING,
                 "A CONNACK, SUBACK or UNSUBACK from a client ends the connection", P3_2_2_1_3, MQTT3_4_8_0_1)
{
    static const char *const packets[] = {"20 02 00 00", "90 03 00 01 00", "b0 02 00 01"};
    for (size_t i = 0; i < sizeof packets / sizeof *packets; i++) {
        struct client *client = connect_client(t, .name = packets[i], .clean_start = true);
        ping(client); /* positive control */
        SEND_HEX(client, packets[i]);
        expect_refused(client);
    }
    const struct received *answer;
    struct client *client = connect_client(t, .name = "sends PINGRESP", .clean_start = true);
    SEND_HEX(client, "d0 00");
    send_pingreq(client);
    if (receive(client, &answer) == RECEIVED_PACKET && answer->packet.type == PACKET_PINGRESP)
        note(t, "a PINGRESP from a client is ignored");
    else
        note(t, "a PINGRESP from a client ends the connection");
}

/* ---- DUP in MQTT 3.1 --------------------------------------------------------------------------------- */

/* There these three are messages of QoS 1, and a client that sends one of them again says so. */
CONFORMANCE_TEST(repeated_requests_of_3_1_have_dup, V31, NEEDS_QOS2,
                 "In 3.1 a SUBSCRIBE, UNSUBSCRIBE or PUBREL with DUP is answered like one without",
                 MQTT3_3_8_4_1, MQTT3_3_10_4_4, MQTT3_4_3_3_2)
{
    const char *a = topic(t, "a");
    struct client *client = connect_client(t, .clean_start = true);
    send_by_hand(client, 0x82, "0005", NULL, text(t, "{%s} 00", a)); /* positive control */
    expect_suback(client, 5, 1);
    send_by_hand(client, 0x8A, "0005", NULL, text(t, "{%s} 00", a));
    expect_suback(client, 5, 1);
    send_by_hand(client, 0xAA, "0006", NULL, text(t, "{%s}", a));
    expect_unsuback(client, 6, 1);
    uint16_t identifier = send_publish(client, .topic = a, .payload = "m", .qos = 2);
    expect_pubrec(client, identifier);
    send_by_hand(client, 0x6A, text(t, "%04x", identifier), NULL, NULL);
    expect_pubcomp(client, identifier);
}
