/* 2.1.4 Large packets, many of them, and many of everything. Where a server has less room than the protocol it may
 * say so in 5.0 (Maximum Packet Size); one that closes the connection instead, or refuses by Reason Code, is not
 * accused: the test skips with what it saw. What a server has accepted it has to deliver whole and unaltered. */
#include "3_01_session.h"
#include "3_08_subscribe.h"

#define MEBIBYTE (1024U * 1024U)
#define GREATEST_REMAINING_LENGTH 268435455U
#define CHUNK (256U * 1024U)

/* ---- One large message -------------------------------------------------------------------------------- */

/* Byte `at` of a payload: bytes that are lost, doubled or in another place show. */
static uint8_t byte_at(uint32_t at)
{
    return (uint8_t)(at ^ at >> 8 ^ at >> 16 ^ (at >> 24) * 7);
}

/* What stands before the payload of a QoS 1 PUBLISH. */
static struct bytes large_head(struct test *t, const char *a, uint16_t identifier, uint32_t payload)
{
    struct writer writer = writer_into(test_allocate(t, 400), 400);
    write_byte(&writer, 0x32);
    write_variable_byte_integer(&writer, string_size(a) + 2 + (is_v5(t) ? 1 : 0) + payload);
    write_string(&writer, bytes_of_text(a));
    write_two_byte_integer(&writer, identifier);
    if (is_v5(t))
        write_byte(&writer, 0);
    return bytes_of(writer.start, writer_size(&writer));
}

/* Bytes `from` to `to` of the payload. False: the server closed the connection. */
static bool send_part(struct client *publisher, uint32_t from, uint32_t to)
{
    uint8_t *chunk = test_allocate(publisher->test, CHUNK);
    bool open = true;
    while (open && from < to) {
        const uint32_t count = to - from < CHUNK ? to - from : CHUNK;
        for (uint32_t i = 0; i < count; i++)
            chunk[i] = byte_at(from + i);
        open = send_more(publisher, chunk, count);
        from += count;
    }
    return open;
}

static void skip_refused(struct client *publisher, uint32_t size, const char *how)
{
    skip(publisher->test, "the server does not take a payload of %u bytes: %s", size, how);
}

/* The PUBACK; a refusal ends the test. */
static void expect_accepted(struct client *publisher, uint16_t identifier, uint32_t size)
{
    struct test *t = publisher->test;
    const struct received *answer;
    enum outcome outcome = receive_until(publisher, now(t) + 10 * t->patience, &answer);
    if (outcome == RECEIVED_CLOSED)
        skip_refused(publisher, size, "it closed the connection");
    if (outcome == RECEIVED_PACKET && answer->packet.type == PACKET_DISCONNECT)
        skip_refused(publisher, size, describe_packet(t, &answer->packet));
    if (outcome != RECEIVED_PACKET || answer->packet.type != PACKET_PUBACK ||
        answer->packet.acknowledgement.packet_identifier != identifier)
        fail_expected(t, "PUBACK, or a refusal", "%s",
                      outcome == RECEIVED_PACKET ? describe_packet(t, &answer->packet)
                                                 : describe_state(publisher, outcome));
    if (answer->packet.acknowledgement.reason_code >= 0x80)
        skip_refused(publisher, size, describe_packet(t, &answer->packet));
}

/* The next PUBLISH; as long as more of it comes it is waited for. */
static const struct received *expect_large(struct client *subscriber)
{
    struct test *t = subscriber->test;
    const struct received *got;
    enum outcome outcome;
    size_t before;
    do {
        before = subscriber->input_length;
        outcome = receive_publish(subscriber, now(t) + 2 * t->patience, &got);
    } while (outcome == RECEIVED_TIMEOUT && subscriber->input_length > before);
    if (outcome != RECEIVED_PACKET)
        fail_expected(t, "the large message, which the server has acknowledged", "%zu bytes of it; %s",
                      subscriber->input_length, describe_state(subscriber, outcome));
    return got;
}

static void demand_payload(struct test *t, const struct received *got, uint32_t size)
{
    const struct bytes payload = got->packet.publish.payload;
    if (payload.length != size)
        fail_expected(t, text(t, "a payload of %u bytes", size), "%zu bytes", payload.length);
    for (uint32_t i = 0; i < size; i++)
        if (payload.data[i] != byte_at(i))
            fail_expected(t, "the payload unaltered", "another byte at %u of %u", i, size);
}

static uint32_t largest_payload(struct test *t, const char *a, uint32_t wanted)
{
    const uint32_t maximum = t->capabilities->maximum_packet_size;
    const uint32_t head = string_size(a) + 8;
    if (maximum != 0 && maximum < wanted + head)
        skip(t, "the server's Maximum Packet Size is %u", maximum);
    return wanted;
}

static void check_large_message(struct test *t, const char *a, uint32_t size)
{
    abridge(t, 64);
    largest_payload(t, a, size);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    subscribe(subscriber, a, .qos = 1);
    const struct bytes head = large_head(t, a, 1, size);
    send_bytes(publisher, head.data, head.length);
    send_part(publisher, 0, size);
    expect_accepted(publisher, 1, size);
    const struct received *got = expect_large(subscriber);
    acknowledge(subscriber, got);
    demand_payload(t, got, size);
    ping(subscriber);
    disconnect(subscriber);
}

CONFORMANCE_TEST(large_messages_are_delivered_whole, V_ALL, NEEDS_QOS1,
                 "A message of two megabytes that was acknowledged is delivered, every byte of it",
                 MQTT_4_5_0_1, MQTT3_4_5_0_1)
{
    /* around 2,097,152 the Remaining Length grows to four bytes */
    static const uint32_t sizes[] = {65536, 2097152 - 100, 2097152};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        check_large_message(t, topic(t, text(t, "%u", sizes[i])), sizes[i]);
}

/* The Remaining Length has four bytes, and so it ends. */
CONFORMANCE_TEST(large_message_of_the_greatest_size, V_ALL, NEEDS_QOS1 | NEEDS_REQUEST,
                 "A message with the greatest Remaining Length, 268,435,455, is refused, or delivered whole",
                 MQTT_4_5_0_1, MQTT3_4_5_0_1)
{
    allow_time(t, 600);
    const char *a = topic(t, "greatest");
    check_large_message(t, a, GREATEST_REMAINING_LENGTH - string_size(a) - 2 - (is_v5(t) ? 1 : 0));
    note(t, "the server takes packets of the greatest size");
}

CONFORMANCE_TEST(large_messages_keep_their_order_among_small_ones, V_ALL, NEEDS_QOS1,
                 "Small messages do not overtake a large one on the same topic", MQTT_4_6_0_5, MQTT3_4_6_0_6)
{
    enum { LARGE = 60 * 1024, ROUNDS = 4, SMALL = 5 };
    const char *a = topic(t, "a");
    abridge(t, 64);
    largest_payload(t, a, LARGE);
    uint8_t *payload = test_allocate(t, LARGE);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    if (t->capabilities->receive_maximum < SMALL + 1)
        skip(t, "the server's Receive Maximum is %u", t->capabilities->receive_maximum);
    subscribe(subscriber, a, .qos = 1);
    for (int round = 0; round < ROUNDS; round++) {
        uint16_t sent[SMALL + 1];
        payload[0] = (uint8_t)round;
        sent[SMALL] =
            send_publish(publisher, .topic = a, .payload_bytes = bytes_of(payload, LARGE), .qos = 1);
        for (int i = 0; i < SMALL; i++)
            sent[i] = send_publish(publisher, .topic = a, .payload = text(t, "%d-%d", round, i), .qos = 1);
        for (int i = 0; i <= SMALL; i++)
            expect_puback(publisher, sent[i]);
    }
    for (int round = 0; round < ROUNDS; round++) {
        payload[0] = (uint8_t)round;
        expect_publish(subscriber, .topic = a, .payload_bytes = bytes_of(payload, LARGE));
        for (int i = 0; i < SMALL; i++)
            expect_publish(subscriber, .topic = a, .payload = text(t, "%d-%d", round, i));
    }
}

/* Nothing forbids a server to wait for a slow client; nobody would want one that does. */
PROPERTY_TEST(large_message_that_comes_slowly_holds_up_nobody, "large", V_ALL, NEEDS_QOS1,
              "While a large packet is on its way from one client others are served")
{
    const char *a = topic(t, "a");
    const char *b = topic(t, "b");
    const uint32_t size = largest_payload(t, a, MEBIBYTE);
    abridge(t, 64);
    struct client *slow = connect_client(t, .name = "slow", .clean_start = true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    subscribe(subscriber, a, .qos = 1);
    subscribe(subscriber, b, .qos = 1);
    const struct bytes head = large_head(t, a, 1, size);
    send_bytes(slow, head.data, head.length);
    for (uint32_t part = 0; part < 3; part++) {
        send_part(slow, size / 4 * part, size / 4 * (part + 1));
        for (int i = 0; i < 5; i++) {
            publish(publisher, .topic = b, .payload = text(t, "%u-%d", part, i), .qos = 1);
            expect_publish(subscriber, .topic = b, .payload = text(t, "%u-%d", part, i), .qos = 1);
        }
    }
    send_part(slow, size / 4 * 3, size);
    expect_accepted(slow, 1, size);
    const struct received *got = expect_large(subscriber);
    acknowledge(subscriber, got);
    demand_payload(t, got, size);
}

static bool is_end_or_pingresp(const struct packet *packet, const void *context)
{
    (void)context;
    return packet->type == PACKET_DISCONNECT || packet->type == PACKET_PINGRESP;
}

#define LARGE_LIMIT 10 /* so many times the patience: a thousand of something may take longer than one */

/* The server has handled what was sent, or has ended the connection because it was too much. */
static void skip_closed(struct client *client, const char *what)
{
    struct test *t = client->test;
    const struct received *answer;
    const double limit = LARGE_LIMIT * t->patience;
    allow_time(t, limit);
    send_pingreq(client);
    enum outcome outcome = receive_matching(client, now(t) + limit, is_end_or_pingresp, NULL, &answer);
    if (outcome == RECEIVED_CLOSED ||
        (outcome == RECEIVED_PACKET && answer->packet.type == PACKET_DISCONNECT))
        skip(t, "the server does not take %s: %s", what,
             outcome == RECEIVED_CLOSED ? "it closed the connection" : describe_packet(t, &answer->packet));
    if (outcome == RECEIVED_TIMEOUT)
        fail_expected(t, "PINGRESP", "%s", describe_state(client, outcome));
}

/* ---- Many of something -------------------------------------------------------------------------------- */

CONFORMANCE_TEST(large_subscribe_is_answered_in_full, V_ALL, NEEDS_QOS1,
                 "A SUBSCRIBE with a thousand Topic Filters gets a thousand Reason Codes, and the messages",
                 MQTT_3_8_4_6, MQTT3_3_8_4_5, MQTT_3_9_3_1, MQTT3_3_9_3_1)
{
    enum { COUNT = 1000 };
    struct subscription_request *requests = test_allocate(t, COUNT * sizeof *requests);
    struct client *client = connect_client(t, .clean_start = true);
    for (size_t i = 0; i < COUNT; i++)
        requests[i] = (struct subscription_request){
            .topic_filter = bytes_of_text(topic(t, text(t, "%zu", i))), .qos = (uint8_t)(i % 2)};
    largest_payload(t, topic(t, "1000"), COUNT * 40);
    const uint16_t identifier = send_subscribe_list(client, requests, COUNT, ABSENT);
    skip_closed(client, "a SUBSCRIBE with a thousand Topic Filters");
    const struct received *suback = expect_suback(client, identifier, COUNT);
    const uint8_t *codes = suback->packet.suback.reason_codes.data;
    for (size_t i = 0; i < COUNT; i += 111) {
        if (codes[i] >= 0x80)
            skip(t, "the server refuses the Topic Filter number %zu with 0x%02X", i, codes[i]);
        publish(client, .topic = topic(t, text(t, "%zu", i)), .payload = text(t, "%zu", i), .qos = 1);
        expect_publish(client, .topic = topic(t, text(t, "%zu", i)), .payload = text(t, "%zu", i),
                       .qos = delivered_qos(1, codes[i]));
    }
}

CONFORMANCE_TEST(large_will_is_published, V311 | V5, NEEDS_NOTHING,
                 "A Will Message of 65,535 bytes is published whole", MQTT_3_1_2_8, MQTT3_3_1_2_8)
{
    enum { LONGEST = 65535 };
    const char *wills = topic(t, "wills");
    largest_payload(t, wills, LONGEST + 100);
    abridge(t, 64);
    uint8_t *payload = test_allocate(t, LONGEST);
    for (uint32_t i = 0; i < LONGEST; i++)
        payload[i] = byte_at(i);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    subscribe(subscriber, wills);
    struct client *client =
        send_connect(t, .name = "with will", .clean_start = true,
                     .will = {.topic = wills, .payload_bytes = bytes_of(payload, LONGEST)});
    const struct received *answer;
    if (receive_until(client, now(t) + 2 * t->patience, &answer) != RECEIVED_PACKET ||
        answer->packet.type != PACKET_CONNACK || answer->packet.connack.reason_code != 0)
        skip(t, "the server does not take a CONNECT with a Will Message of 65,535 bytes");
    close_abruptly(client);
    demand_payload(t, expect_large(subscriber), LONGEST);
}

CONFORMANCE_TEST(large_number_of_user_properties, V5, NEEDS_NOTHING,
                 "A thousand User Properties of a message arrive, in their order", MQTT_3_3_2_17,
                 MQTT_3_3_2_18)
{
    enum { COUNT = 1000, SIZE = 16 }; /* 26 0003 6b6579 0008 digits */
    const char *a = topic(t, "a");
    largest_payload(t, a, COUNT * SIZE);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    subscribe(subscriber, a);
    const size_t room = COUNT * SIZE + 300;
    struct writer writer = writer_into(test_allocate(t, room), room);
    write_byte(&writer, 0x30);
    write_variable_byte_integer(&writer, string_size(a) + 2 + COUNT * SIZE); /* two: the Property Length */
    write_string(&writer, bytes_of_text(a));
    write_variable_byte_integer(&writer, COUNT * SIZE);
    for (size_t i = 0; i < COUNT; i++) {
        write_byte(&writer, 0x26);
        write_string(&writer, bytes_of_text("key"));
        write_string(&writer, bytes_of_text(text(t, "%08zu", i)));
    }
    send_bytes(publisher, writer.start, writer_size(&writer));
    skip_closed(publisher, "a PUBLISH with a thousand User Properties");
    const struct received *got = expect_publish(subscriber, .topic = a);
    for (size_t i = 0; i < COUNT; i++)
        expect_user_property(subscriber, &got->packet.publish.properties, i, "key", text(t, "%08zu", i));
}

/* ---- Only on request: many packets -------------------------------------------------------------------- */

#define ALL_IDENTIFIERS 65535U

/* As many PUBLISH packets as there are Packet Identifiers, in parts, so that answers are read meanwhile. */
static void send_with_all_identifiers(struct client *publisher, const char *a, uint32_t count)
{
    struct test *t = publisher->test;
    for (uint32_t i = 1; i <= count; i++)
        send_publish(publisher, .topic = a, .payload = text(t, "%u", i), .qos = 2,
                     .packet_identifier = (uint16_t)i);
}

CONFORMANCE_TEST(
    large_number_of_messages_from_a_client, V5, NEEDS_QOS2 | NEEDS_REQUEST,
    "As many unfinished QoS 2 messages of a client as the server's Receive Maximum allows, up to "
    "65,535, are taken, and each is brought to its end",
    MQTT_4_9_0_3, MQTT_4_3_3_8, MQTT_4_3_3_11)
{
    allow_time(t, 300);
    const char *a = topic(t, "a");
    const uint32_t count = t->capabilities->receive_maximum;
    struct client *subscriber =
        connect_client(t, .name = "subscriber", .clean_start = true, .kept_back = true);
    subscribe(subscriber, a);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true, .kept_back = true);
    send_with_all_identifiers(publisher, a, count);
    for (uint32_t i = 1; i <= count; i++)
        expect_pubrec(publisher, (uint16_t)i);
    for (uint32_t i = 1; i <= count; i++)
        send_acknowledgement(publisher, PACKET_PUBREL, (uint16_t)i, 0);
    for (uint32_t i = 1; i <= count; i++)
        expect_pubcomp(publisher, (uint16_t)i);
    note(t, "%u messages were under way at a time", count);
    ping(subscriber);
}

/* How many a server keeps for a client is not laid down. */
PROPERTY_TEST(large_number_of_messages_to_a_client, "large", V_ALL, NEEDS_QOS1 | NEEDS_REQUEST,
              "65,535 messages that a client does not acknowledge are all kept, and delivered in order")
{
    enum { AT_A_TIME = 100 };
    allow_time(t, 300);
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true, .kept_back = true);
    struct client *subscriber =
        connect_client(t, .name = "subscriber", .clean_start = true, .kept_back = true);
    subscribe(subscriber, a, .qos = 1);
    const uint32_t window =
        t->capabilities->receive_maximum < AT_A_TIME ? t->capabilities->receive_maximum : AT_A_TIME;
    for (uint32_t i = 0; i < ALL_IDENTIFIERS; i += window) {
        uint16_t sent[AT_A_TIME];
        for (uint32_t j = 0; j < window; j++)
            sent[j] = send_publish(publisher, .topic = a, .payload = text(t, "%u", i + j), .qos = 1);
        for (uint32_t j = 0; j < window; j++)
            expect_puback(publisher, sent[j]);
    }
    ping(subscriber);
    const struct received *got = expect_publish(subscriber, .payload = "0", .qos = 1, .acknowledge = false);
    for (uint32_t i = 1; i < ALL_IDENTIFIERS; i++) {
        const struct received *next;
        send_acknowledgement(subscriber, PACKET_PUBACK, got->packet.publish.packet_identifier, 0);
        if (receive_publish(subscriber, now(t) + 2 * t->patience, &next) != RECEIVED_PACKET ||
            !is_text(next->packet.publish.payload, text(t, "%u", i)))
            fail(t, "message %u did not come in its turn", i);
        got = next;
    }
}

PROPERTY_TEST(large_number_of_connections, "large", V_ALL, NEEDS_REQUEST | NEEDS_LAST,
              "A thousand clients are connected at a time, and all are served")
{
    enum { COUNT = 1000 };
    allow_time(t, 120);
    const char *a = topic(t, "a");
    struct client *clients[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        clients[i] = connect_client(t, .clean_start = true, .kept_back = true);
        subscribe(clients[i], a);
    }
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    publish(publisher, .topic = a, .payload = "to all");
    for (size_t i = 0; i < COUNT; i++)
        expect_publish(clients[i], .topic = a, .payload = "to all");
}

PROPERTY_TEST(large_number_of_subscriptions, "large", V_ALL, NEEDS_QOS1 | NEEDS_REQUEST,
              "A client has ten thousand subscriptions, and each works")
{
    enum { COUNT = 10000 };
    allow_time(t, 120);
    struct client *client = connect_client(t, .clean_start = true, .kept_back = true);
    for (size_t i = 0; i < COUNT; i++)
        subscribe(client, topic(t, text(t, "%zu", i)), .qos = 1);
    for (size_t i = 0; i < COUNT; i += 777) {
        publish(client, .topic = topic(t, text(t, "%zu", i)), .payload = "m", .qos = 1);
        expect_publish(client, .topic = topic(t, text(t, "%zu", i)), .payload = "m", .qos = 1);
    }
}
