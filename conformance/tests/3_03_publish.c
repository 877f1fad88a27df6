/* 3.3.1.2 QoS, 3.3.2.1 Topic Name, 3.3.3 Payload */
#include "3_03_publish.h"

/* ---- 3.3.1.2 ------------------------------------------------------------------------------------- */

/* A PUBLISH with Packet Identifier 5 and the payload "m", with a first byte of the test's choice. */
static void send_with_first_byte(struct client *client, unsigned first_byte, const char *topic_name)
{
    bool five = is_v5(client->test);
    SEND_TEMPLATE(client, "%02x %02x {%s} 00 05 %s 6d", first_byte,
                  string_size(topic_name) + 3 + (five ? 1U : 0U), topic_name, five ? "00" : "");
}

CONFORMANCE_TEST(qos_3_is_refused, V5 | V311, NEEDS_QOS1,
                 "A PUBLISH with both QoS bits set ends the connection", MQTT_3_3_1_4, MQTT3_3_3_1_4,
                 P_3_3_1_2_1, R_3_3_1_2_2)
{
    static const unsigned first_bytes[] = {0x36, 0x3e}; /* without and with DUP */
    const char *a = topic(t, "a");
    for (size_t i = 0; i < 2; i++) {
        struct client *control = connect_client(t, .name = "control", .clean_start = true);
        send_with_first_byte(control, first_bytes[i] & ~4U, a); /* QoS 1 */
        expect_puback(control, 5);
        struct client *client = connect_client(t, .name = "offender", .clean_start = true);
        send_with_first_byte(client, first_bytes[i], a);
        expect_refused(client, .reason_code = REASON_MALFORMED_PACKET);
    }
}

CONFORMANCE_TEST(qos_3_is_not_delivered, V5 | V311, NEEDS_QOS1,
                 "The message of a PUBLISH with both QoS bits set reaches no subscriber", MQTT_3_3_1_4,
                 MQTT3_3_3_1_4)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *offender = connect_client(t, .name = "offender", .clean_start = true);
    subscribe(subscriber, a, .qos = 1);
    send_with_first_byte(publisher, 0x32, a);
    expect_puback(publisher, 5);
    expect_publish(subscriber, .topic = a, .payload = "m");
    send_with_first_byte(offender, 0x36, a);
    expect_closed(offender);
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 1);
}

/* ---- 3.3.2.1 ------------------------------------------------------------------------------------- */

CONFORMANCE_TEST(ill_formed_topic_name_is_refused, V5 | V311, NEEDS_QOS1,
                 "A PUBLISH whose Topic Name is not well-formed UTF-8 ends the connection", MQTT_3_3_2_1,
                 MQTT3_3_3_2_1, MQTT_1_5_4_1, MQTT3_1_5_3_1)
{
    static const struct {
        const char *what;
        const char *bytes;
    } cases[] = {
        {"a byte that never occurs", "\xff"},
        {"an overlong form of /", "\xc0\xaf"},
        {"a truncated character", "\xe2\x82"},
        {"a surrogate", "\xed\xa0\x80"},
        {"a code point beyond U+10FFFF", "\xf4\x90\x80\x80"},
    };
    struct client *control = connect_client(t, .name = "control", .clean_start = true);
    send_with_first_byte(control, 0x32, text(t, "%s/\xe2\x82\xac", topic(t, "a"))); /* U+20AC */
    expect_puback(control, 5);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        note(t, "Topic Name with %s", cases[i].what);
        struct client *client = connect_client(t, .name = "offender", .clean_start = true);
        send_with_first_byte(client, 0x32, text(t, "%s/%s", topic(t, "a"), cases[i].bytes));
        expect_refused(client, .reason_code = REASON_MALFORMED_PACKET);
    }
}

CONFORMANCE_TEST(topic_name_beyond_the_packet_is_refused, V5 | V311, NEEDS_QOS1,
                 "A PUBLISH that is shorter than its Topic Name claims to be ends the connection",
                 MQTT_3_3_2_1, MQTT3_3_3_2_1)
{
    struct client *control = connect_client(t, .name = "control", .clean_start = true);
    send_with_first_byte(control, 0x32, topic(t, "a"));
    expect_puback(control, 5);
    struct client *client = connect_client(t, .name = "offender", .clean_start = true);
    SEND_HEX(client, "30 05 00 20 61 62 63");
    expect_refused(client, .reason_code = REASON_MALFORMED_PACKET);
}

/* 5.0 obliges the sender only; a server may turn down the one message instead of the connection. */
static void check_wildcard_is_refused(struct test *t, const char *topic_name)
{
    struct client *client = connect_client(t, .name = "offender", .clean_start = true);
    note(t, "Topic Name %s", topic_name);
    send_with_first_byte(client, 0x32, topic_name);
    if (!is_v5(t)) {
        expect_refused(client);
        return;
    }
    send_pingreq(client);
    const struct received *answer;
    enum outcome outcome = receive(client, &answer);
    if (outcome == RECEIVED_CLOSED)
        return;
    if (outcome == RECEIVED_TIMEOUT)
        fail_expected(t, "the connection to be closed, or a PUBACK with a Reason Code of 0x80 or greater",
                      "%s", describe_state(client, outcome));
    const struct packet *packet = &answer->packet;
    note(t, "the server answered with %s", describe_packet(t, packet));
    if (packet->type == PACKET_DISCONNECT) {
        expect_closed(client);
        return;
    }
    if (packet->type != PACKET_PUBACK || packet->acknowledgement.reason_code < 0x80)
        fail_expected(t, "the connection to be closed, or a PUBACK with a Reason Code of 0x80 or greater",
                      "%s", describe_packet(t, packet));
}

CONFORMANCE_TEST(wildcard_in_topic_name_is_refused, V5 | V311, NEEDS_QOS1,
                 "A PUBLISH whose Topic Name contains a wildcard character is refused", MQTT_3_3_2_2,
                 MQTT3_3_3_2_2, MQTT_4_7_0_1, MQTT3_4_7_1_1)
{
    const char *base = topic(t, "a");
    struct client *control = connect_client(t, .name = "control", .clean_start = true);
    send_with_first_byte(control, 0x32, base);
    expect_puback(control, 5);
    check_wildcard_is_refused(t, text(t, "%s/#", base));
    check_wildcard_is_refused(t, text(t, "%s/+", base));
    check_wildcard_is_refused(t, text(t, "%s/+/b", base));
    check_wildcard_is_refused(t, text(t, "%s/b+", base));
}

CONFORMANCE_TEST(wildcard_in_topic_name_reaches_nobody, V5 | V311, NEEDS_QOS1 | NEEDS_WILDCARD,
                 "A PUBLISH to a Topic Name with a wildcard character is delivered to no subscriber",
                 MQTT_3_3_2_2, MQTT3_3_3_2_2, MQTT_4_7_0_1, MQTT3_4_7_1_1)
{
    const char *b = topic(t, "a/b");
    struct client *exact = connect_client(t, .name = "exact", .clean_start = true);
    struct client *wild = connect_client(t, .name = "wild", .clean_start = true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *offender = connect_client(t, .name = "offender", .clean_start = true);
    subscribe(exact, b, .qos = 1);
    subscribe(wild, topic(t, "a/#"), .qos = 1);
    send_with_first_byte(publisher, 0x32, b);
    expect_puback(publisher, 5);
    expect_publish(exact, .topic = b, .payload = "m");
    expect_publish(wild, .topic = b, .payload = "m");
    send_with_first_byte(offender, 0x32, topic(t, "a/+"));
    const struct received *answer;
    if (receive(offender, &answer) == RECEIVED_TIMEOUT) /* refused or acknowledged: dealt with */
        fail(t, "no reaction to a PUBLISH with a wildcard character in its Topic Name");
    expect_nothing_before(exact, .publisher = publisher, .topic = b, .qos = 1);
    expect_nothing_before(wild, .publisher = publisher, .topic = b, .qos = 1);
}

CONFORMANCE_TEST(empty_topic_name_is_refused, V5 | V311, NEEDS_QOS1,
                 "A PUBLISH with an empty Topic Name and no Topic Alias ends the connection", P_3_3_2_1_1,
                 MQTT_4_7_3_1, MQTT3_4_7_3_1)
{
    struct client *control = connect_client(t, .name = "control", .clean_start = true);
    send_with_first_byte(control, 0x32, topic(t, "a"));
    expect_puback(control, 5);
    struct client *client = connect_client(t, .name = "offender", .clean_start = true);
    send_with_first_byte(client, 0x32, "");
    expect_refused(client, .reason_code = REASON_PROTOCOL_ERROR);
}

static bool begins_and_ends(struct bytes name, const char *beginning, const char *end)
{
    size_t first = strlen(beginning);
    size_t last = strlen(end);
    return name.length >= first + last && memcmp(name.data, beginning, first) == 0 &&
           memcmp(name.data + name.length - last, end, last) == 0;
}

CONFORMANCE_TEST(delivered_topic_name_matches_the_filter, V_ALL, NEEDS_WILDCARD,
                 "The Topic Name of a PUBLISH to a subscriber matches its Topic Filter", MQTT_3_3_2_3,
                 MQTT3_3_3_2_3, D_3_3_4_1, D_3_3_2_1_1, D3_3_3_2_1_1, D3_3_3_5_1)
{
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    struct client *everything = connect_client(t, .name = "everything", .clean_start = true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    subscribe(subscriber, topic(t, "a/+/c"), .qos = 0);
    subscribe(everything, topic(t, "a/#"), .qos = 0);
    static const char *const names[] = {"a/b/d", "a/c", "a/b/c/d", "a/b/c", "a//c"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        publish(publisher, .topic = topic(t, names[i]), .payload = names[i], .qos = 0);
        expect_publish(everything, .payload = names[i]); /* this one was dealt with */
    }
    for (size_t i = 3; i < sizeof names / sizeof *names; i++) {
        const struct received *got = expect_publish(subscriber, .payload = names[i]);
        struct bytes name = got->packet.publish.topic;
        if (!begins_and_ends(name, topic(t, "a/"), "/c"))
            fail_expected(t, text(t, "a Topic Name that matches \"%s\"", topic(t, "a/+/c")), "%s",
                          describe_packet(t, &got->packet));
        if (!is_text(name, topic(t, names[i])))
            note(t, "the server maps Topic Names: %s", describe_packet(t, &got->packet));
    }
    expect_nothing_before(subscriber, .publisher = publisher, .topic = topic(t, "a/b/c"), .qos = 0);
}

/* ---- 3.3.2.2, 3.3.3 ------------------------------------------------------------------------------ */

CONFORMANCE_TEST(empty_payload_is_delivered, V_ALL, NEEDS_NOTHING, "A PUBLISH without payload is delivered",
                 D_3_3_3_1, D_3_3_4_1, MQTT3_3_3_2_3, D3_3_3_3_2, D3_3_3_5_1)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    subscribe(subscriber, a, .qos = 0);
    publish(publisher, .topic = a, .payload = "", .qos = 0);
    expect_publish(subscriber, .topic = a, .payload = "");
}

/* The expected bytes are put together here: an examination of the header that does not rest on the codec. */
CONFORMANCE_TEST(delivered_publish_has_its_fields_in_order, V_ALL, NEEDS_QOS1,
                 "A PUBLISH holds Topic Name, Packet Identifier above QoS 0 only, properties in 5.0, payload",
                 D_3_3_2_1, D_3_3_2_2_1, MQTT_3_3_2_1, MQTT3_3_3_2_1, D3_3_3_2_1, D3_3_3_2_2_1, D3_7_1_1_1)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    subscribe(subscriber, a, .qos = 1);
    for (int qos = 0; qos <= 1; qos++) {
        publish(publisher, .topic = a, .payload = "payload", .qos = qos);
        const struct received *got = expect_publish(subscriber, .topic = a, .payload = "payload", .qos = qos);
        const uint8_t *bytes = got->bytes.data;
        size_t length = strlen(a);
        size_t header = 2 + 2 + length + (qos == 0 ? 0 : 2) + (is_v5(t) ? 1 : 0);
        if (is_v5(t) && got->packet.publish.properties.present != 0) {
            note(t, "the server adds properties: %s", describe_packet(t, &got->packet));
            continue;
        }
        require(t, got->bytes.length == header + 7, "the PUBLISH has %zu bytes instead of %zu",
                got->bytes.length, header + 7);
        require(t, bytes[0] == (0x30 | qos << 1), "the first byte is 0x%02x", bytes[0]);
        require(t, bytes[2] == 0 && bytes[3] == length && memcmp(bytes + 4, a, length) == 0,
                "the Topic Name does not come first");
        require(t, memcmp(bytes + header, "payload", 7) == 0, "the payload does not come last");
    }
}

/* ---- Payload ------------------------------------------------------------------------------------- */

CONFORMANCE_TEST(payload_is_delivered_byte_for_byte, V3, NEEDS_NOTHING,
                 "A payload is delivered as it came, whatever its bytes", D3_3_3_3_1, MQTT3_4_5_0_1)
{
    uint8_t every[512];
    for (size_t i = 0; i < sizeof every; i++)
        every[i] = (uint8_t)(i < 256 ? i : 511 - i);
    const char *a = topic(t, "a");
    const int highest = t->capabilities->maximum_qos;
    struct client *client = connect_client(t, .clean_start = true);
    subscribe(client, a, .qos = highest);
    for (int qos = 0; qos <= highest; qos++) {
        struct bytes payload = bytes_of(every, sizeof every);
        publish(client, .topic = a, .payload_bytes = payload, .qos = qos);
        expect_publish(client, .topic = a, .payload_bytes = payload, .qos = qos);
    }
}
