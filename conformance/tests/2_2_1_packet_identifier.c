/* 2.2.1 Packet Identifier (3.1.1: 2.3.1) */
#include "2_1_by_hand.h"

/* ---- The client's identifiers ------------------------------------------------------------------------ */

CONFORMANCE_TEST(packet_identifier_0_is_refused, V311 | V5, NEEDS_QOS2,
                 "Packet Identifier 0 in SUBSCRIBE, UNSUBSCRIBE or PUBLISH above QoS 0 ends the connection",
                 MQTT_2_2_1_3, MQTT3_2_3_1_1)
{
    const char *a = topic(t, "a");
    const struct {
        const char *what;
        unsigned first_byte;
        const char *before; /* the Packet Identifier */
        const char *payload;
    } cases[] = {
        {"PUBLISH at QoS 1", 0x32, text(t, "{%s}", a), "6d"},
        {"PUBLISH at QoS 2", 0x34, text(t, "{%s}", a), "6d"},
        {"SUBSCRIBE", 0x82, "", text(t, "{%s} 00", a)},
        {"UNSUBSCRIBE", 0xa2, "", text(t, "{%s}", a)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        note(t, "%s", cases[i].what);
        struct client *control = connect_client(t, .name = "control", .clean_start = true);
        send_by_hand(control, cases[i].first_byte, text(t, "%s 0001", cases[i].before), "", cases[i].payload);
        expect_open(control);
        struct client *client = connect_client(t, .name = "offender", .clean_start = true);
        send_by_hand(client, cases[i].first_byte, text(t, "%s 0000", cases[i].before), "", cases[i].payload);
        expect_refused(client, .reason_code = REASON_PROTOCOL_ERROR,
                       .or_reason_code = REASON_MALFORMED_PACKET);
    }
}

static const uint16_t identifiers[] = {1, 0x00ff, 0x0100, 0x1234, 0x8000, 0xffff};
#define IDENTIFIERS (sizeof identifiers / sizeof *identifiers)

static void require_identifier(struct client *client, const struct received *answer, enum packet_type type,
                               uint16_t identifier)
{
    struct test *t = client->test;
    const struct packet *packet = &answer->packet;
    bool is_suback = type == PACKET_SUBACK || type == PACKET_UNSUBACK;
    uint16_t got = is_suback ? packet->suback.packet_identifier : packet->acknowledgement.packet_identifier;
    if (packet->type != type || got != identifier)
        fail_expected(t, text(t, "%s with Packet Identifier %u", packet_type_name(type), identifier), "%s",
                      describe_packet(t, packet));
}

CONFORMANCE_TEST(acknowledgements_repeat_the_packet_identifier, V_ALL, NEEDS_QOS2,
                 "PUBACK, PUBREC and PUBCOMP bear the Packet Identifier of the PUBLISH", MQTT_2_2_1_5,
                 MQTT3_2_3_1_6, MQTT_4_3_2_4, MQTT3_4_3_2_2, MQTT_4_3_3_8, MQTT_4_3_3_11, MQTT3_4_3_3_2,
                 D3_1_5_2_1)
{
    const char *a = topic(t, "a");
    struct client *client = connect_client(t, .clean_start = true);
    for (size_t i = 0; i < IDENTIFIERS; i++) {
        uint16_t id = identifiers[i];
        send_publish(client, .topic = a, .payload = "1", .qos = 1, .packet_identifier = id);
        require_identifier(client, expect_packet(client, PACKET_PUBACK), PACKET_PUBACK, id);
        send_publish(client, .topic = a, .payload = "2", .qos = 2, .packet_identifier = id);
        require_identifier(client, expect_packet(client, PACKET_PUBREC), PACKET_PUBREC, id);
        send_acknowledgement(client, PACKET_PUBREL, id, 0);
        require_identifier(client, expect_packet(client, PACKET_PUBCOMP), PACKET_PUBCOMP, id);
    }
}

CONFORMANCE_TEST(suback_and_unsuback_repeat_the_packet_identifier, V_ALL, NEEDS_NOTHING,
                 "SUBACK and UNSUBACK bear the Packet Identifier of what they answer", MQTT_2_2_1_6,
                 MQTT3_2_3_1_7, D_2_2_1_2, D3_1_5_2_1)
{
    struct client *client = connect_client(t, .clean_start = true);
    for (size_t i = 0; i < IDENTIFIERS; i++) {
        uint16_t id = identifiers[i];
        send_subscribe(client, topic(t, "a"), .packet_identifier = id);
        require_identifier(client, expect_packet(client, PACKET_SUBACK), PACKET_SUBACK, id);
        send_by_hand(client, 0xa2, text(t, "%04x", id), "", text(t, "{%s}", topic(t, "a")));
        require_identifier(client, expect_packet(client, PACKET_UNSUBACK), PACKET_UNSUBACK, id);
    }
}

/* Publishes under this identifier, and the message must arrive at `subscriber`, who may be the publisher. */
static void use_identifier(struct client *client, struct client *subscriber, const char *topic_name,
                           uint16_t id, const char *payload, int qos)
{
    publish(client, .topic = topic_name, .payload = payload, .qos = qos, .packet_identifier = id);
    expect_publish(subscriber, .topic = topic_name, .payload = payload);
}

CONFORMANCE_TEST(packet_identifier_is_free_after_its_acknowledgement, V_ALL, NEEDS_QOS2,
                 "One Packet Identifier serves one exchange after another, of any kind", D_2_2_1_1, D_2_2_1_2,
                 D_2_2_1_3, D_4_3_2_1, MQTT_4_3_2_5, MQTT_4_3_3_12, MQTT3_4_3_2_2, MQTT3_4_3_3_2, D3_4_3_2_1,
                 D3_4_3_3_1)
{
    const char *a = topic(t, "a");
    struct client *client = connect_client(t, .clean_start = true);
    subscribe(client, a, .qos = 0, .packet_identifier = 7);
    use_identifier(client, client, a, 7, "first", 1);
    use_identifier(client, client, a, 7, "second", 2);
    use_identifier(client, client, a, 7, "third", 2);
    use_identifier(client, client, a, 7, "fourth", 1);
    subscribe(client, a, .qos = 0, .packet_identifier = 7);
    use_identifier(client, client, a, 7, "fifth", 1);
}

/* What makes a server refuse a message with PUBREC is its own choice; one that looks at the Payload Format
 * Indicator does so here. */
CONFORMANCE_TEST(packet_identifier_is_free_after_a_refusing_pubrec, V5, NEEDS_QOS2,
                 "After a PUBREC with an error a PUBLISH under the same Packet Identifier is a new message",
                 MQTT_4_3_3_9, R_2_2_1_1, R_4_3_3_1, R_4_4_1)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    struct client *client = connect_client(t, .name = "publisher", .clean_start = true);
    subscribe(subscriber, a, .qos = 0);
    send_publish(client, .topic = a, .payload = "\xff", .qos = 2, .packet_identifier = 7,
                 .payload_format_indicator = 1);
    const struct received *answer;
    enum outcome outcome = receive(client, &answer);
    if (outcome != RECEIVED_PACKET || answer->packet.type == PACKET_DISCONNECT)
        skip(t, "the server ends the connection where it could send PUBREC with an error");
    require_identifier(client, answer, PACKET_PUBREC, 7);
    if (answer->packet.acknowledgement.reason_code < 0x80)
        skip(t, "the server does not look at the payload, which is its right");
    use_identifier(client, subscriber, a, 7, "new", 2);
    use_identifier(client, subscriber, a, 7, "newer", 1);
}

/* 5.0 does not say what a server does here; it has Reason Code 0x91 for it, but must not stay silent. */
CONFORMANCE_TEST(packet_identifier_in_use_is_answered, V5, NEEDS_QOS2,
                 "A PUBLISH under the Packet Identifier of an open QoS 2 exchange is answered or refused",
                 D_2_2_1_4, MQTT_4_3_2_4, MQTT_4_3_3_11)
{
    const char *a = topic(t, "a");
    const struct received *answer;
    struct client *client = connect_client(t, .clean_start = true);
    send_publish(client, .topic = a, .payload = "open", .qos = 2, .packet_identifier = 7);
    expect_pubrec(client, 7);
    send_publish(client, .topic = a, .payload = "intruder", .qos = 1, .packet_identifier = 7);
    enum outcome outcome = receive_until(client, now(t) + 2 * t->patience, &answer);
    if (outcome == RECEIVED_TIMEOUT)
        fail_expected(t, "a PUBACK, or the end of the connection", "%s", describe_state(client, outcome));
    if (outcome == RECEIVED_CLOSED || answer->packet.type == PACKET_DISCONNECT) {
        note(t, "the server ends the connection");
        expect_closed(client);
        return;
    }
    note(t, "the server answered %s", describe_packet(t, &answer->packet));
    require_identifier(client, answer, PACKET_PUBACK, 7);
    send_acknowledgement(client, PACKET_PUBREL, 7, 0);
    expect_pubcomp(client, 7); /* the open exchange is as it was */
}

/* ---- The server's identifiers ------------------------------------------------------------------------ */

CONFORMANCE_TEST(qos_0_publish_has_no_packet_identifier, V_ALL, NEEDS_QOS1,
                 "A PUBLISH that the server sends at QoS 0 contains no Packet Identifier", MQTT_2_2_1_2,
                 MQTT3_2_3_1_5, MQTT_4_3_1_1, MQTT3_4_3_1_1)
{
    const char *a = topic(t, "a");
    struct client *low = connect_client(t, .name = "QoS 0", .clean_start = true);
    struct client *high = connect_client(t, .name = "QoS 1", .clean_start = true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    subscribe(low, a, .qos = 0);
    subscribe(high, a, .qos = 1);
    for (int qos = 0; qos <= 1; qos++) {
        publish(publisher, .topic = a, .payload = "payload", .qos = qos);
        struct client *client = qos == 0 ? high : low;
        const struct received *got = expect_publish(client, .topic = a, .qos = 0, .dup = 0);
        size_t properties = is_v5(t) ? 1 + got->packet.publish.properties.wire.length : 0;
        size_t size = 2 + string_size(a) + properties + strlen("payload");
        if (got->bytes.length != size || !is_text(got->packet.publish.payload, "payload"))
            fail_expected(t, text(t, "a PUBLISH of %zu bytes", size), "%zu: %s", got->bytes.length,
                          describe_packet(t, &got->packet));
    }
    expect_publish(high, .topic = a, .payload = "payload", .qos = 1);
}

/* Takes what the server sends without being acknowledged, up to `capacity`; a server may send but one. */
static size_t take_unacknowledged(struct client *subscriber, const struct received **list, size_t capacity)
{
    struct test *t = subscriber->test;
    size_t count = 0;
    ping(subscriber);
    ping(subscriber);
    list[count++] = expect_publish(subscriber, .acknowledge = false);
    while (count < capacity && receive_publish(subscriber, now(t), &list[count]) == RECEIVED_PACKET)
        count++;
    if (count < 2)
        skip(t, "the server has only one message under way at a time");
    return count;
}

CONFORMANCE_TEST(packet_identifiers_of_the_server_are_unique, V_ALL, NEEDS_QOS2,
                 "Unacknowledged messages have Packet Identifiers other than 0 and all different",
                 MQTT_2_2_1_4, MQTT3_2_3_1_4, MQTT3_2_3_1_1, MQTT_4_3_2_1, MQTT_4_3_3_1, MQTT3_4_3_2_1,
                 MQTT3_4_3_3_1, D_4_3_2_2, D3_4_3_2_2)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    subscribe(subscriber, a, .qos = 2);
    for (int i = 0; i < 16; i++)
        publish(publisher, .topic = a, .payload = text(t, "%d", i), .qos = 1 + i % 2);
    const struct received *got[16];
    size_t count = take_unacknowledged(subscriber, got, 16);
    for (size_t i = 0; i < count; i++) {
        require(t, got[i]->packet.publish.packet_identifier != 0, "a Packet Identifier was 0");
        for (size_t j = 0; j < i; j++)
            require(t, got[i]->packet.publish.packet_identifier != got[j]->packet.publish.packet_identifier,
                    "messages %zu and %zu both have Packet Identifier %u", j, i,
                    got[i]->packet.publish.packet_identifier);
    }
    note(t, "the server had %zu messages under way", count);
}

#define MESSAGES_AT_ONCE 10 /* one by one they would take their time with a distant server */

/* At QoS 1 and 2 in turns; returns when all are acknowledged. */
static void publish_at_once(struct client *publisher, const char *a)
{
    uint16_t ids[MESSAGES_AT_ONCE];
    for (int i = 0; i < MESSAGES_AT_ONCE; i++)
        ids[i] =
            send_publish(publisher, .topic = a, .payload = text(publisher->test, "%d", i), .qos = 1 + i % 2);
    for (int i = 0; i < MESSAGES_AT_ONCE; i++) {
        if (i % 2 == 0)
            expect_puback(publisher, ids[i]);
        else
            expect_pubrec(publisher, ids[i]);
    }
    for (int i = 1; i < MESSAGES_AT_ONCE; i += 2)
        send_acknowledgement(publisher, PACKET_PUBREL, ids[i], 0);
    for (int i = 1; i < MESSAGES_AT_ONCE; i += 2)
        expect_pubcomp(publisher, ids[i]);
}

CONFORMANCE_TEST(packet_identifier_in_use_is_passed_over, V_ALL, NEEDS_QOS2,
                 "A Packet Identifier is not given to another message until its exchange is complete",
                 MQTT_2_2_1_4, MQTT3_2_3_1_4, MQTT_4_3_2_1, MQTT_4_3_3_1, MQTT3_4_3_2_1, MQTT3_4_3_3_1)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    subscribe(subscriber, a, .qos = 2);
    publish(publisher, .topic = a, .payload = "held at QoS 1", .qos = 1);
    publish(publisher, .topic = a, .payload = "held at QoS 2", .qos = 2);
    publish(publisher, .topic = a, .payload = "third", .qos = 1);
    const struct received *got[3];
    if (take_unacknowledged(subscriber, got, 3) < 3)
        skip(t, "the server has less than three messages under way at a time");
    uint16_t first = got[0]->packet.publish.packet_identifier;
    uint16_t second = got[1]->packet.publish.packet_identifier;
    send_acknowledgement(subscriber, PACKET_PUBREC, second, 0);
    expect_pubrel(subscriber, second);
    acknowledge(subscriber, got[2]);
    for (int i = 0; i < 300; i += MESSAGES_AT_ONCE) { /* past the end of one byte */
        publish_at_once(publisher, a);
        for (int j = 0; j < MESSAGES_AT_ONCE; j++) {
            const struct received *next = expect_publish(subscriber, .topic = a, .acknowledge = false);
            uint16_t id = next->packet.publish.packet_identifier;
            require(t, id != first, "Packet Identifier %u was used again before its PUBACK", id);
            require(t, id != second, "Packet Identifier %u was used again before its PUBCOMP", id);
            acknowledge(subscriber, next);
        }
    }
}

CONFORMANCE_TEST(packet_identifiers_of_both_sides_are_independent, V_ALL, NEEDS_QOS2,
                 "The same Packet Identifier can be under way in both directions", D_2_2_1_5, D_2_2_1_3,
                 D_4_3_1, MQTT3_4_3_2_2, D3_2_3_1_1, D3_2_3_1_2, D3_4_3_1)
{
    const char *a = topic(t, "a");
    const char *b = topic(t, "b");
    struct client *client = connect_client(t, .name = "client", .clean_start = true);
    struct client *other = connect_client(t, .name = "other", .clean_start = true);
    subscribe(client, a, .qos = 2);
    subscribe(other, b, .qos = 0);
    publish(other, .topic = a, .payload = "to the client", .qos = 2);
    const struct received *got = expect_publish(client, .topic = a, .qos = 2, .acknowledge = false);
    uint16_t id = got->packet.publish.packet_identifier;

    publish(client, .topic = b, .payload = "at QoS 1", .qos = 1, .packet_identifier = id);
    expect_publish(other, .topic = b, .payload = "at QoS 1");
    send_acknowledgement(client, PACKET_PUBREC, id, 0);
    expect_pubrel(client, id);
    publish(client, .topic = b, .payload = "at QoS 2", .qos = 2, .packet_identifier = id);
    expect_publish(other, .topic = b, .payload = "at QoS 2");
    subscribe(client, topic(t, "c"), .qos = 0, .packet_identifier = id);
    send_acknowledgement(client, PACKET_PUBCOMP, id, 0);
    publish(other, .topic = a, .payload = "next", .qos = 2);
    expect_publish(client, .topic = a, .payload = "next");
}
