/* 3.8.2.1.2 Subscription Identifier, 3.8.3.1 Subscription Options */
#include "3_08_subscribe.h"

/* ---- 3.8.3.1: the byte --------------------------------------------------------------------------- */

/* Sends a SUBSCRIBE with these options, alone and behind a good Topic Filter; each must be refused. */
static void check_options_are_refused(struct test *t, unsigned options, int reason_code)
{
    const char *a = topic(t, "a");
    const char *properties = is_v5(t) ? "00" : "";
    struct client *alone = connect_client(t, .name = text(t, "options %02x", options), .clean_start = true);
    send_raw_subscribe(alone, 0x82, a, options);
    expect_refused(alone, .reason_code = reason_code);
    struct client *second = connect_client(t, .name = text(t, "second %02x", options), .clean_start = true);
    SEND_TEMPLATE(second, "82 %02x 00 05 %s {%s} 00 {%s} %02x",
                  2 * (string_size(a) + 1) + 2 + (is_v5(t) ? 1U : 0U), properties, a, a, options);
    expect_refused(second, .reason_code = reason_code);
}

static void check_options_are_accepted(struct test *t, unsigned options)
{
    struct client *control = connect_client(t, .name = "control", .clean_start = true);
    send_raw_subscribe(control, 0x82, topic(t, "a"), options);
    expect_suback(control, BY_HAND, 1);
}

CONFORMANCE_TEST(subscription_qos_3_is_refused, V5 | V311, NEEDS_NOTHING,
                 "A SUBSCRIBE that asks for QoS 3 ends the connection", P_3_8_3_1_1, MQTT3_3_8_3_4)
{
    check_options_are_accepted(t, 0x02);
    check_options_are_refused(t, 0x03, REASON_PROTOCOL_ERROR);
}

CONFORMANCE_TEST(reserved_option_bits_are_refused, V5 | V311, NEEDS_NOTHING,
                 "A SUBSCRIBE with a reserved bit in the byte behind a Topic Filter ends the connection",
                 MQTT_3_8_3_5, MQTT3_3_8_3_4)
{
    check_options_are_accepted(t, 0x01);
    for (unsigned bit = is_v5(t) ? 0x40 : 0x04; bit <= 0x80; bit <<= 1)
        check_options_are_refused(t, bit | 0x01, REASON_MALFORMED_PACKET);
}

CONFORMANCE_TEST(retain_handling_3_is_refused, V5, NEEDS_NOTHING,
                 "A SUBSCRIBE with Retain Handling 3 ends the connection", P_3_8_3_1_2)
{
    check_options_are_accepted(t, 0x20);
    check_options_are_refused(t, 0x30, REASON_PROTOCOL_ERROR);
}

CONFORMANCE_TEST(all_valid_options_are_accepted, V5, NEEDS_NOTHING,
                 "Every valid combination of QoS, No Local, Retain As Published, Retain Handling is accepted",
                 MQTT_3_8_4_6, MQTT_3_8_4_7, MQTT_3_8_4_1)
{
    struct client *client = connect_client(t, .clean_start = true);
    for (unsigned options = 0; options < 0x30; options++) {
        if ((options & 3) == 3)
            continue;
        send_raw_subscribe(client, 0x82, topic(t, text(t, "a%02x", options)), options);
        const struct received *suback = expect_suback(client, BY_HAND, 1);
        uint8_t code = suback->packet.suback.reason_codes.data[0];
        require(t, code >= 0x80 || code <= (options & 3), "options %02x were answered with %s", options,
                describe_packet(t, &suback->packet));
    }
}

/* ---- No Local ------------------------------------------------------------------------------------ */

/* `witness` shows that the message went through; only then `other` publishes the sentinel. */
static void check_no_local(struct test *t, const char *filter, const char *a, int qos)
{
    struct client *client = connect_client(t, .name = "client", .clean_start = true);
    struct client *witness = connect_client(t, .name = "witness", .clean_start = true);
    struct client *other = connect_client(t, .name = "other", .clean_start = true);
    subscribe(client, filter, .qos = qos, .no_local = true);
    subscribe(witness, filter, .qos = qos, .no_local = true);
    publish(client, .topic = a, .payload = "own", .qos = qos);
    expect_publish(witness, .topic = a, .payload = "own");
    publish(other, .topic = a, .payload = "foreign", .qos = qos);
    expect_publish(client, .topic = a, .payload = "foreign");
    expect_publish(witness, .topic = a, .payload = "foreign");
    publish(client, .topic = a, .payload = "own again", .qos = qos);
    expect_publish(witness, .topic = a, .payload = "own again");
    expect_nothing_before(client, .publisher = other, .topic = a, .qos = qos);
}

CONFORMANCE_TEST(no_local_keeps_own_messages_away, V5, NEEDS_QOS1,
                 "With No Local a client gets the messages of others, not its own", MQTT_3_8_3_3)
{
    check_no_local(t, topic(t, "a0"), topic(t, "a0"), 0);
    check_no_local(t, topic(t, "a1"), topic(t, "a1"), 1);
}

CONFORMANCE_TEST(no_local_holds_for_wildcards, V5, NEEDS_QOS1 | NEEDS_WILDCARD,
                 "No Local holds for a subscription with wildcards as well", MQTT_3_8_3_3)
{
    check_no_local(t, topic(t, "a/+"), topic(t, "a/b"), 1);
    check_no_local(t, topic(t, "b/#"), topic(t, "b/c/d"), 1);
}

CONFORMANCE_TEST(no_local_holds_for_the_session, V5, NEEDS_QOS1,
                 "No Local still holds when the client comes back to its session", MQTT_3_8_3_3)
{
    const char *a = topic(t, "a");
    struct client *witness = connect_client(t, .name = "witness", .clean_start = true);
    struct client *other = connect_client(t, .name = "other", .clean_start = true);
    struct client *client = connect_lasting(t, "sub");
    subscribe(witness, a, .qos = 1);
    subscribe(client, a, .qos = 1, .no_local = true);
    disconnect(client);
    client = resume(t, "sub");
    publish(client, .topic = a, .payload = "own", .qos = 1);
    expect_publish(witness, .topic = a, .payload = "own");
    expect_nothing_before(client, .publisher = other, .topic = a, .qos = 1);
}

CONFORMANCE_TEST(without_no_local_own_messages_come, V_ALL, NEEDS_QOS1,
                 "Without No Local a client gets its own messages; so it does once a replacement lifts it",
                 MQTT_3_8_4_3, MQTT3_3_8_4_3, D_4_7_3_7, D3_4_7_3_7)
{
    const char *a = topic(t, "a");
    struct client *client = connect_client(t, .clean_start = true);
    subscribe(client, a, .qos = 1);
    publish(client, .topic = a, .payload = "own", .qos = 1);
    expect_publish(client, .topic = a, .payload = "own");
    if (!is_v5(t))
        return;
    struct client *other = connect_client(t, .name = "other", .clean_start = true);
    struct client *witness = connect_client(t, .name = "witness", .clean_start = true);
    subscribe(witness, a, .qos = 1);
    subscribe(client, a, .qos = 1, .no_local = true);
    publish(client, .topic = a, .payload = "unwanted", .qos = 1);
    expect_publish(witness, .topic = a, .payload = "unwanted");
    expect_nothing_before(client, .publisher = other, .topic = a, .qos = 1);
    subscribe(client, a, .qos = 1);
    publish(client, .topic = a, .payload = "wanted", .qos = 1);
    expect_publish(client, .topic = a, .payload = "wanted");
}

CONFORMANCE_TEST(no_local_with_shared_subscription_is_refused, V5, NEEDS_SHARED,
                 "A SUBSCRIBE with No Local for a Shared Subscription ends the connection", MQTT_3_8_3_4)
{
    const char *shared = shared_filter(t, "g", topic(t, "a"));
    struct client *control = connect_client(t, .name = "control", .clean_start = true);
    send_raw_subscribe(control, 0x82, shared, 0x01);
    const struct received *suback = expect_suback(control, BY_HAND, 1);
    if (suback->packet.suback.reason_codes.data[0] >= 0x80)
        skip(t, "the server refuses the Shared Subscription without No Local, too");
    struct client *client = connect_client(t, .name = "offender", .clean_start = true);
    send_raw_subscribe(client, 0x82, shared, 0x05);
    expect_refused(client, .reason_code = REASON_PROTOCOL_ERROR);
}

/* ---- Retain As Published, Retain Handling -------------------------------------------------------- */

CONFORMANCE_TEST(retain_as_published_rules_the_flag, V5, NEEDS_RETAIN | NEEDS_QOS1,
                 "With Retain As Published RETAIN stays as published, without it becomes 0; a replacement "
                 "changes that",
                 D_3_8_3_1_1, D_3_8_3_1_2, MQTT_3_8_4_3)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    for (int i = 0; i < 3; i++) {
        bool as_published = i % 2 == 0;
        subscribe(subscriber, a, .qos = 1, .retain_as_published = as_published, .retain_handling = 2);
        publish(publisher, .topic = a, .payload = "retained", .qos = 1, .retain = true);
        expect_publish(subscriber, .topic = a, .payload = "retained", .retain = as_published);
        publish(publisher, .topic = a, .payload = "plain", .qos = 1);
        expect_publish(subscriber, .topic = a, .payload = "plain", .retain = 0);
    }
}

CONFORMANCE_TEST(retain_handling_concerns_the_moment_of_subscribing, V5, NEEDS_RETAIN | NEEDS_QOS1,
                 "Retain Handling 2 keeps back what is retained, not what is published later", D_3_8_3_1_3,
                 D_3_8_3_1_4, D_3_8_4_3)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    publish(publisher, .topic = a, .payload = "kept", .qos = 1, .retain = true);
    for (int handling = 0; handling <= 2; handling++) {
        struct client *subscriber =
            connect_client(t, .name = text(t, "handling %d", handling), .clean_start = true);
        subscribe(subscriber, a, .qos = 1, .retain_handling = handling);
        if (handling < 2)
            expect_publish(subscriber, .topic = a, .payload = "kept", .retain = 1);
        publish(publisher, .topic = a, .payload = "kept", .qos = 1, .retain = true);
        expect_publish(subscriber, .topic = a, .payload = "kept", .retain = 0);
    }
}

/* ---- 3.8.2.1.2 Subscription Identifier ----------------------------------------------------------- */

#define NEEDS_IDENTIFIER (NEEDS_SUBSCRIPTION_IDENTIFIER | NEEDS_QOS1)

CONFORMANCE_TEST(subscription_identifier_is_returned, V5, NEEDS_IDENTIFIER,
                 "Every Subscription Identifier from 1 to 268,435,455 comes back with the messages",
                 D_3_8_2_1_2_1, D_3_8_2_1_2_3, MQTT_3_3_4_3)
{
    static const uint32_t identifiers[] = {1, 127, 128, 16383, 16384, 2097151, 2097152, 268435455};
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    for (size_t i = 0; i < sizeof identifiers / sizeof *identifiers; i++) {
        const char *a = topic(t, text(t, "a%zu", i));
        subscribe(subscriber, a, .qos = 1, .subscription_identifier = identifiers[i]);
        for (int qos = 0; qos <= 1; qos++) {
            publish(publisher, .topic = a, .payload = "message", .qos = qos);
            expect_publish(subscriber, .topic = a, .payload = "message",
                           .subscription_identifier = identifiers[i]);
        }
    }
}

CONFORMANCE_TEST(subscription_identifier_0_is_refused, V5, NEEDS_SUBSCRIPTION_IDENTIFIER,
                 "A SUBSCRIBE with Subscription Identifier 0 ends the connection", P_3_8_2_1_2_1)
{
    const char *a = topic(t, "a");
    struct client *control = connect_client(t, .name = "control", .clean_start = true);
    SEND_TEMPLATE(control, "82 %02x 00 05 02 0b 01 {%s} 00", string_size(a) + 6, a);
    expect_suback(control, BY_HAND, 1);
    struct client *client = connect_client(t, .name = "offender", .clean_start = true);
    SEND_TEMPLATE(client, "82 %02x 00 05 02 0b 00 {%s} 00", string_size(a) + 6, a);
    expect_refused(client, .reason_code = REASON_PROTOCOL_ERROR);
}

CONFORMANCE_TEST(two_subscription_identifiers_are_refused, V5, NEEDS_SUBSCRIPTION_IDENTIFIER,
                 "A SUBSCRIBE with two Subscription Identifiers ends the connection", P_3_8_2_1_2_2)
{
    const char *a = topic(t, "a");
    static const unsigned seconds[] = {2, 1}; /* another one, the same again */
    struct client *control = connect_client(t, .name = "control", .clean_start = true);
    SEND_TEMPLATE(control, "82 %02x 00 05 02 0b 01 {%s} 00", string_size(a) + 6, a);
    expect_suback(control, BY_HAND, 1);
    for (size_t i = 0; i < 2; i++) {
        struct client *client = connect_client(t, .name = "offender", .clean_start = true);
        SEND_TEMPLATE(client, "82 %02x 00 05 04 0b 01 0b %02x {%s} 00", string_size(a) + 8, seconds[i], a);
        expect_refused(client, .reason_code = REASON_PROTOCOL_ERROR);
    }
}

CONFORMANCE_TEST(
    subscription_identifier_is_for_every_filter, V5, NEEDS_IDENTIFIER,
    "The Subscription Identifier of a SUBSCRIBE belongs to each of its Topic Filters, new or not",
    D_3_8_2_1_2_2, D_3_8_2_1_2_3)
{
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    struct subscription_request requests[3];
    for (size_t i = 0; i < 3; i++)
        requests[i] = (struct subscription_request){
            .topic_filter = bytes_of_text(topic(t, text(t, "a%zu", i))), .qos = 1};
    subscribe(subscriber, topic(t, "a1"), .qos = 1, .subscription_identifier = 7);
    expect_suback(subscriber, send_subscribe_list(subscriber, requests, 3, 9), 3);
    for (size_t i = 0; i < 3; i++) {
        publish(publisher, .topic = topic(t, text(t, "a%zu", i)), .payload = "message", .qos = 1);
        expect_publish(subscriber, .payload = "message", .subscription_identifier = 9);
    }
}

CONFORMANCE_TEST(subscription_identifier_is_replaced, V5, NEEDS_IDENTIFIER,
                 "Subscribing again replaces the Subscription Identifier: by another one, or by none",
                 D_3_8_2_1_2_2, D_3_8_2_1_2_4, D_3_8_4_8, D_3_8_4_9, MQTT_3_8_4_3)
{
    static const int64_t identifiers[] = {5, 6, ABSENT, 7, ABSENT};
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    for (size_t i = 0; i < sizeof identifiers / sizeof *identifiers; i++) {
        int64_t wanted = identifiers[i] == ABSENT ? 0 : identifiers[i];
        subscribe(subscriber, a, .qos = 1, .subscription_identifier = identifiers[i]);
        for (int round = 0; round < 2; round++) {
            publish(publisher, .topic = a, .payload = "message", .qos = 1);
            expect_publish(subscriber, .topic = a, .payload = "message", .subscription_identifier = wanted);
        }
    }
}

CONFORMANCE_TEST(subscription_identifier_ends_with_unsubscribe, V5, NEEDS_IDENTIFIER,
                 "After UNSUBSCRIBE, and in a new session, a Subscription Identifier is forgotten", D_3_8_4_8,
                 D_3_8_2_1_2_4)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_lasting(t, "sub");
    subscribe(subscriber, a, .qos = 1, .subscription_identifier = 5);
    publish(publisher, .topic = a, .payload = "first", .qos = 1);
    expect_publish(subscriber, .payload = "first", .subscription_identifier = 5);
    unsubscribe(subscriber, a);
    subscribe(subscriber, a, .qos = 1);
    publish(publisher, .topic = a, .payload = "second", .qos = 1);
    expect_publish(subscriber, .payload = "second", .subscription_identifier = 0);
    subscribe(subscriber, a, .qos = 1, .subscription_identifier = 6);
    disconnect(subscriber);
    subscriber =
        connect_client(t, .name = "sub", .client_identifier = client_id(t, "sub"), .clean_start = true);
    subscribe(subscriber, a, .qos = 1);
    publish(publisher, .topic = a, .payload = "third", .qos = 1);
    expect_publish(subscriber, .payload = "third", .subscription_identifier = 0);
}

CONFORMANCE_TEST(subscription_identifier_is_part_of_the_session, V5, NEEDS_IDENTIFIER,
                 "A session that is resumed still knows the Subscription Identifiers", D_3_8_2_1_2_3)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_lasting(t, "sub");
    subscribe(subscriber, a, .qos = 1, .subscription_identifier = 5);
    disconnect(subscriber);
    publish(publisher, .topic = a, .payload = "waiting", .qos = 1);
    subscriber = resume(t, "sub");
    expect_publish(subscriber, .payload = "waiting", .subscription_identifier = 5);
    publish(publisher, .topic = a, .payload = "live", .qos = 1);
    expect_publish(subscriber, .payload = "live", .subscription_identifier = 5);
}

CONFORMANCE_TEST(subscription_identifier_is_the_clients_own, V5, NEEDS_IDENTIFIER,
                 "Each client gets its own Subscription Identifier, a client without one gets none",
                 D_3_8_2_1_2_2, D_3_8_2_1_2_4)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    static const int64_t identifiers[] = {5, 6, ABSENT};
    struct client *subscribers[3];
    for (size_t i = 0; i < 3; i++) {
        subscribers[i] = connect_client(t, .name = text(t, "subscriber %zu", i), .clean_start = true);
        subscribe(subscribers[i], a, .qos = 1, .subscription_identifier = identifiers[i]);
    }
    publish(publisher, .topic = a, .payload = "message", .qos = 1);
    for (size_t i = 0; i < 3; i++)
        expect_publish(subscribers[i], .payload = "message",
                       .subscription_identifier = identifiers[i] == ABSENT ? 0 : identifiers[i]);
}
