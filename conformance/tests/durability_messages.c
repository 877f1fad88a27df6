/* Durability of messages: those that wait for a client, and those that are on their way when the broker
 * ends. */
#include <stdlib.h>

#include "durability.h"

#define STREAM_LENGTH 300U
#define STREAM_ENDS_AT 100U /* acknowledged messages after which the broker ends */
#define STREAM_WINDOW 16U   /* messages that wait for their PUBACK at any time */

/* ---- Waiting messages ---------------------------------------------------------------------------- */

DURABILITY_TEST(queued_qos_1_message, V311 | V5, NEEDS_QOS1,
                "A message acknowledged by PUBACK reaches a client that was away, whole and once")
{
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, "durable");
    leave_subscription(broker, "sub", a, 1);
    struct client *publisher = visit(broker, "publisher");
    publish(publisher, .topic = a, .payload = "kept", .qos = 1, .content_type = "text/plain",
            .response_topic = "answers", .correlation_data = bytes_of("\x00\x01", 2),
            .payload_format_indicator = 1, .user_properties = {{"b", "1"}, {"a", "2"}, {"b", "1"}});
    end_and_resume(broker, ending);
    struct client *subscriber = come_back(broker, "sub");
    const struct received *got = expect_publish(subscriber, .topic = a, .payload = "kept", .qos = 1);
    if (is_v5(t)) {
        const struct properties *properties = &got->packet.publish.properties;
        expect_user_property(subscriber, properties, 0, "b", "1");
        expect_user_property(subscriber, properties, 1, "a", "2");
        expect_user_property(subscriber, properties, 2, "b", "1");
        require(t, properties_number(properties, ORDINAL_PAYLOAD_FORMAT_INDICATOR, 0) == 1,
                "the Payload Format Indicator was lost: %s", describe_packet(t, &got->packet));
        require(t, is_text(properties_bytes(properties, ORDINAL_CONTENT_TYPE), "text/plain"),
                "the Content Type was lost: %s", describe_packet(t, &got->packet));
        require(t, is_text(properties_bytes(properties, ORDINAL_RESPONSE_TOPIC), "answers"),
                "the Response Topic was lost: %s", describe_packet(t, &got->packet));
        require(t,
                bytes_equal(properties_bytes(properties, ORDINAL_CORRELATION_DATA), bytes_of("\x00\x01", 2)),
                "the Correlation Data was lost: %s", describe_packet(t, &got->packet));
    }
    expect_live(subscriber, visit(broker, "publisher 2"), a, 1);
}

DURABILITY_TEST(queued_qos_2_message, V311 | V5, NEEDS_QOS2,
                "A message acknowledged by PUBCOMP reaches a client that was away, once")
{
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, "durable");
    leave_subscription(broker, "sub", a, 2);
    publish(visit(broker, "publisher"), .topic = a, .payload = "kept", .qos = 2);
    end_and_resume(broker, ending);
    struct client *subscriber = come_back(broker, "sub");
    expect_publish(subscriber, .topic = a, .payload = "kept", .qos = 2);
    expect_live(subscriber, visit(broker, "publisher 2"), a, 2);
}

DURABILITY_TEST(queued_messages_in_order, V311 | V5, NEEDS_QOS1,
                "Acknowledged messages that waited come in the order in which they were sent")
{
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, "durable");
    leave_subscription(broker, "sub", a, 1);
    struct client *publisher = visit(broker, "publisher");
    for (unsigned i = 1; i <= 20; i++)
        publish(publisher, .topic = a, .payload = text(t, "%u", i), .qos = 1);
    end_and_resume(broker, ending);
    struct client *subscriber = come_back(broker, "sub");
    for (unsigned i = 1; i <= 20; i++)
        expect_publish(subscriber, .topic = a, .payload = text(t, "%u", i), .qos = 1);
    expect_live(subscriber, visit(broker, "publisher 2"), a, 1);
}

DURABILITY_TEST(queued_long_message, V311 | V5, NEEDS_QOS1,
                "A message that is longer than any page of a store is kept to the last byte")
{
    const char *a = topic(t, "a");
    const size_t length = 200000;
    uint8_t *payload = test_allocate(t, length);
    for (size_t i = 0; i < length; i++)
        payload[i] = (uint8_t)(i ^ (i >> 8) ^ (i >> 16));
    struct broker *broker = start_broker(t, "durable");
    leave_subscription(broker, "sub", a, 1);
    publish(visit(broker, "publisher"), .topic = a, .payload_bytes = bytes_of(payload, length), .qos = 1);
    end_and_resume(broker, ending);
    expect_publish(come_back(broker, "sub"), .topic = a, .payload_bytes = bytes_of(payload, length));
}

DURABILITY_TEST(queue_behind_two_ends, V311 | V5, NEEDS_QOS1,
                "What was kept once is kept again when the broker ends a second time")
{
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, "durable");
    leave_subscription(broker, "sub", a, 1);
    publish(visit(broker, "publisher"), .topic = a, .payload = "first", .qos = 1);
    end_and_resume(broker, ending);
    publish(visit(broker, "publisher 2"), .topic = a, .payload = "second", .qos = 1);
    end_and_resume(broker, ending);
    struct client *subscriber = come_back(broker, "sub");
    expect_publish(subscriber, .topic = a, .payload = "first", .qos = 1);
    expect_publish(subscriber, .topic = a, .payload = "second", .qos = 1);
}

DURABILITY_TEST(queue_of_shared_subscription, V5, NEEDS_QOS1 | NEEDS_SHARED,
                "Acknowledged messages for a Shared Subscription wait until one of its clients is back")
{
    const char *a = topic(t, "a");
    const char *filter = shared_filter(t, "g", a);
    struct broker *broker = start_broker(t, "durable");
    leave_subscription(broker, "sub", filter, 1);
    struct client *publisher = visit(broker, "publisher");
    publish(publisher, .topic = a, .payload = "before", .qos = 1);
    struct client *subscriber = come_back(broker, "sub");
    const struct received *got;
    if (receive_publish(subscriber, now(t) + t->patience, &got) != RECEIVED_PACKET)
        skip(t, "the server keeps no messages for Shared Subscriptions of absent clients");
    acknowledge(subscriber, got);
    leave(subscriber);
    publish(publisher, .topic = a, .payload = "kept", .qos = 1);
    end_and_resume(broker, ending);
    subscriber = come_back(broker, "sub");
    got = expect_publish(subscriber, .topic = a, .qos = 1);
    if (is_text(got->packet.publish.payload,
                "before")) /* its PUBACK was not acknowledged: it may come again */
        got = expect_publish(subscriber, .topic = a, .qos = 1);
    require(t, is_text(got->packet.publish.payload, "kept"), "%s", describe_packet(t, &got->packet));
}

/* ---- A stream that is cut ------------------------------------------------------------------------ */

/* Takes PUBACKs until the connection ends or `most` of them have come; the Packet Identifiers of the stream
 * are its numbers. Returns how many came. */
static unsigned take_pubacks(struct client *publisher, bool *acknowledged, unsigned most)
{
    const struct received *received;
    unsigned count = 0;
    while (count < most && receive(publisher, &received) == RECEIVED_PACKET) {
        const uint16_t identifier = received->packet.acknowledgement.packet_identifier;
        if (received->packet.type != PACKET_PUBACK || identifier == 0 || identifier > STREAM_LENGTH)
            continue;
        acknowledged[identifier] = received->packet.acknowledgement.reason_code < REASON_UNSPECIFIED_ERROR;
        count++;
    }
    return count;
}

static void send_stream(struct client *publisher, const char *name, bool *acknowledged, unsigned window)
{
    struct test *t = publisher->test;
    unsigned sent = 0;
    for (unsigned taken = 0; taken < STREAM_ENDS_AT;) {
        while (sent < STREAM_LENGTH && sent - taken < window) {
            sent++;
            send_publish(publisher, .topic = name, .payload = text(t, "%u", sent), .qos = 1,
                         .packet_identifier = (uint16_t)sent);
        }
        if (take_pubacks(publisher, acknowledged, 1) == 0)
            error(t, "the stream came to a halt after %u acknowledgements", taken);
        taken++;
    }
}

LONE_DURABILITY_TEST(
    acknowledged_part_of_a_stream, V311 | V5, NEEDS_QOS1,
    "Of a stream that the broker's end cuts short all that was acknowledged is there, in order")
{
    const char *a = topic(t, "a");
    static bool acknowledged[STREAM_LENGTH + 1];
    const struct received **list = test_allocate(t, STREAM_LENGTH * sizeof *list);
    struct broker *broker = start_broker(t, "durable");
    leave_subscription(broker, "sub", a, 1);
    struct client *publisher = visit(broker, "publisher");
    const uint32_t maximum = properties_number(&publisher->connack->packet.connack.properties,
                                               ORDINAL_RECEIVE_MAXIMUM, STREAM_WINDOW);
    send_stream(publisher, a, acknowledged, maximum < STREAM_WINDOW ? maximum : STREAM_WINDOW);
    end_broker(broker, ending);
    take_pubacks(publisher, acknowledged, STREAM_LENGTH); /* those that were on their way */
    resume_broker(broker);
    struct client *subscriber = come_back(broker, "sub");
    size_t count = collect_before(subscriber, list, STREAM_LENGTH, .publisher = visit(broker, "publisher 2"),
                                  .topic = a, .qos = 1);
    unsigned long last = 0;
    for (size_t i = 0; i < count && i < STREAM_LENGTH; i++) {
        const struct bytes payload = list[i]->packet.publish.payload;
        const unsigned long number = strtoul(text(t, "%.*s", (int)payload.length, payload.data), NULL, 10);
        require(t, number > last && number <= STREAM_LENGTH, "message %lu came behind message %lu", number,
                last);
        acknowledged[number] = false;
        last = number;
    }
    for (unsigned i = 1; i <= STREAM_LENGTH; i++)
        require(t, !acknowledged[i], "message %u was acknowledged and is lost; %zu came", i, count);
}

/* ---- Messages on their way to a client ----------------------------------------------------------- */

/* Two messages reach the client, which acknowledges neither. */
static void unacknowledged(struct test *t, enum ending ending, int qos)
{
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, "durable");
    struct client *subscriber = join(broker, "sub");
    subscribe(subscriber, a, .qos = qos);
    struct client *publisher = visit(broker, "publisher");
    publish(publisher, .topic = a, .payload = "first", .qos = qos);
    publish(publisher, .topic = a, .payload = "second", .qos = qos);
    const struct received *first =
        expect_publish(subscriber, .topic = a, .payload = "first", .qos = qos, .acknowledge = false);
    const struct received *second =
        expect_publish(subscriber, .topic = a, .payload = "second", .qos = qos, .acknowledge = false);
    end_and_resume(broker, ending);
    subscriber = come_back(broker, "sub");
    expect_again(subscriber, first);
    expect_again(subscriber, second);
    expect_live(subscriber, visit(broker, "publisher 2"), a, qos);
}

DURABILITY_TEST(unacknowledged_qos_1_messages, V311 | V5, NEEDS_QOS1,
                "Messages that wait for the client's PUBACK come again with their Packet Identifiers and DUP")
{
    unacknowledged(t, ending, 1);
}

DURABILITY_TEST(unacknowledged_qos_2_messages, V311 | V5, NEEDS_QOS2,
                "Messages that wait for the client's PUBREC come again with their Packet Identifiers and DUP")
{
    unacknowledged(t, ending, 2);
}

DURABILITY_TEST(pubrel_to_the_subscriber, V311 | V5, NEEDS_QOS2,
                "Where PUBREL waits for the client's PUBCOMP, PUBREL comes again, and the message does not")
{
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, "durable");
    struct client *subscriber = join(broker, "sub");
    subscribe(subscriber, a, .qos = 2);
    publish(visit(broker, "publisher"), .topic = a, .payload = "half", .qos = 2);
    const struct received *half =
        expect_publish(subscriber, .topic = a, .payload = "half", .qos = 2, .acknowledge = false);
    const uint16_t identifier = half->packet.publish.packet_identifier;
    send_acknowledgement(subscriber, PACKET_PUBREC, identifier, REASON_SUCCESS);
    expect_pubrel(subscriber, identifier);
    end_and_resume(broker, ending);
    subscriber = come_back(broker, "sub");
    expect_pubrel(subscriber, identifier);
    send_acknowledgement(subscriber, PACKET_PUBCOMP, identifier, REASON_SUCCESS);
    expect_live(subscriber, visit(broker, "publisher 2"), a, 2);
}

DURABILITY_TEST(
    pubrec_from_the_subscriber, V311 | V5, NEEDS_QOS2,
    "A PUBREC that the broker's end may have overtaken leads to PUBLISH or PUBREL, and to no loss")
{
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, "durable");
    struct client *subscriber = join(broker, "sub");
    subscribe(subscriber, a, .qos = 2);
    publish(visit(broker, "publisher"), .topic = a, .payload = "half", .qos = 2);
    const struct received *half =
        expect_publish(subscriber, .topic = a, .payload = "half", .qos = 2, .acknowledge = false);
    const uint16_t identifier = half->packet.publish.packet_identifier;
    send_acknowledgement(subscriber, PACKET_PUBREC, identifier, REASON_SUCCESS);
    end_and_resume(broker, ending);
    subscriber = come_back(broker, "sub");
    const struct received *next;
    enum outcome outcome = receive(subscriber, &next);
    if (outcome != RECEIVED_PACKET)
        fail_expected(t, "PUBLISH or PUBREL again", "%s", describe_state(subscriber, outcome));
    note(t, "%s came", packet_type_name(next->packet.type));
    if (next->packet.type == PACKET_PUBREL && next->packet.acknowledgement.packet_identifier == identifier)
        send_acknowledgement(subscriber, PACKET_PUBCOMP, identifier, REASON_SUCCESS);
    else if (next->packet.type == PACKET_PUBLISH && next->packet.publish.packet_identifier == identifier &&
             next->packet.publish.dup)
        acknowledge(subscriber, next);
    else
        fail_expected(t, text(t, "PUBLISH with DUP, or PUBREL, with Packet Identifier %u", identifier), "%s",
                      describe_packet(t, &next->packet));
    expect_live(subscriber, visit(broker, "publisher 2"), a, 2);
}

DURABILITY_TEST(messages_under_way_and_behind, V5, NEEDS_QOS1,
                "Messages on their way come again before those that waited behind Receive Maximum")
{
    const char *a = topic(t, "a");
    const struct received *first[2];
    struct broker *broker = start_broker(t, "durable");
    struct client *subscriber = join(broker, "sub", .receive_maximum = 2);
    subscribe(subscriber, a, .qos = 1);
    struct client *publisher = visit(broker, "publisher");
    for (unsigned i = 1; i <= 5; i++)
        publish(publisher, .topic = a, .payload = text(t, "%u", i), .qos = 1);
    for (unsigned i = 1; i <= 2; i++)
        first[i - 1] = expect_publish(subscriber, .payload = text(t, "%u", i), .acknowledge = false);
    end_and_resume(broker, ending);
    subscriber = come_back(broker, "sub", .receive_maximum = 2);
    expect_again(subscriber, first[0]);
    expect_again(subscriber, first[1]);
    for (unsigned i = 3; i <= 5; i++)
        expect_publish(subscriber, .topic = a, .payload = text(t, "%u", i), .qos = 1);
    expect_live(subscriber, visit(broker, "publisher 2"), a, 1);
}

/* ---- Messages on their way from a client --------------------------------------------------------- */

/* A client publishes at QoS 2 up to PUBREC; then the broker ends, and the client is back. */
static struct client *return_behind_pubrec(struct broker *broker, enum ending ending, const char *name,
                                           uint16_t *identifier)
{
    struct client *publisher = join(broker, "pub");
    leave_subscription(broker, "sub", name, 2);
    *identifier = send_publish(publisher, .topic = name, .payload = "once", .qos = 2);
    expect_pubrec(publisher, *identifier);
    end_and_resume(broker, ending);
    return come_back(broker, "pub");
}

static void finish_flow(struct client *publisher, uint16_t identifier)
{
    struct test *t = publisher->test;
    send_acknowledgement(publisher, PACKET_PUBREL, identifier, REASON_SUCCESS);
    const struct received *pubcomp = expect_pubcomp(publisher, identifier);
    if (is_v5(t) && pubcomp->packet.acknowledgement.reason_code != REASON_SUCCESS)
        fail_expected(t, "PUBCOMP with Success: the Packet Identifier is known", "%s",
                      describe_packet(t, &pubcomp->packet));
}

static void expect_it_once(struct broker *broker, const char *name)
{
    struct client *subscriber = come_back(broker, "sub");
    expect_publish(subscriber, .topic = name, .payload = "once", .qos = 2);
    expect_live(subscriber, visit(broker, "publisher 2"), name, 2);
}

DURABILITY_TEST(pubrel_from_the_publisher, V311 | V5, NEEDS_QOS2,
                "After PUBREC the publisher's PUBREL ends the flow; the message is delivered once")
{
    const char *a = topic(t, "a");
    uint16_t identifier;
    struct broker *broker = start_broker(t, "durable");
    struct client *publisher = return_behind_pubrec(broker, ending, a, &identifier);
    finish_flow(publisher, identifier);
    expect_it_once(broker, a);
}

DURABILITY_TEST(
    publish_again_behind_pubrec, V311 | V5, NEEDS_QOS2,
    "After PUBREC a PUBLISH that comes again is known by its Packet Identifier; it is delivered once")
{
    const char *a = topic(t, "a");
    uint16_t identifier;
    struct broker *broker = start_broker(t, "durable");
    struct client *publisher = return_behind_pubrec(broker, ending, a, &identifier);
    send_publish(publisher, .topic = a, .payload = "once", .qos = 2, .dup = true,
                 .packet_identifier = identifier);
    expect_pubrec(publisher, identifier);
    finish_flow(publisher, identifier);
    expect_it_once(broker, a);
}

DURABILITY_TEST(pubrel_again_behind_pubcomp, V311 | V5, NEEDS_QOS2,
                "After PUBCOMP the Packet Identifier is free: a PUBLISH with it is another message")
{
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, "durable");
    struct client *publisher = join(broker, "pub");
    leave_subscription(broker, "sub", a, 2);
    publish(publisher, .topic = a, .payload = "once", .qos = 2, .packet_identifier = 7);
    end_and_resume(broker, ending);
    publisher = come_back(broker, "pub");
    publish(publisher, .topic = a, .payload = "another", .qos = 2, .packet_identifier = 7);
    struct client *subscriber = come_back(broker, "sub");
    expect_publish(subscriber, .topic = a, .payload = "once", .qos = 2);
    expect_publish(subscriber, .topic = a, .payload = "another", .qos = 2);
    expect_live(subscriber, visit(broker, "publisher 2"), a, 2);
}

/* ---- Message Expiry Interval: time does not stand still ------------------------------------------ */

LONE_DURABILITY_TEST(message_expiry_goes_on, V5, NEEDS_QOS1,
                     "The Message Expiry Interval runs while the broker is down: what is left of it is right")
{
    const char *a = topic(t, "a");
    struct broker *broker = start_broker(t, "durable");
    leave_subscription(broker, "sub", a, 1);
    struct client *publisher = visit(broker, "publisher");
    publish(publisher, .topic = a, .payload = "short", .qos = 1, .message_expiry_interval = 1);
    double sent = now(t);
    publish(publisher, .topic = a, .payload = "long", .qos = 1, .message_expiry_interval = 100);
    double acknowledged = now(t);
    end_broker(broker, ending);
    wait_until(t, acknowledged + 2.6);
    resume_broker(broker);
    double asked = now(t);
    struct client *subscriber = come_back(broker, "sub");
    const struct received *got = expect_publish(subscriber, .topic = a, .payload = "long", .qos = 1);
    const struct properties *properties = &got->packet.publish.properties;
    double left = properties_number(properties, ORDINAL_MESSAGE_EXPIRY_INTERVAL, 0);
    double most = 100 - (asked - acknowledged) + 1; /* seconds may be rounded */
    double least = 100 - (got->time - sent) - 1;
    if (left > most || left < least)
        fail_expected(t, text(t, "a Message Expiry Interval from %.2f to %.2f s", least, most), "%.0f s",
                      left);
}
