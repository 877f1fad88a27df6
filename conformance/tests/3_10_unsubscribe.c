/* 3.10 UNSUBSCRIBE */
#include "3_08_subscribe.h"

/* ---- 3.10.1 Fixed Header, 3.10.3 Payload --------------------------------------------------------- */

CONFORMANCE_TEST(unsubscribe_reserved_flags_are_refused, V5 | V311, NEEDS_NOTHING,
                 "An UNSUBSCRIBE whose reserved header bits are not 0010 ends the connection", MQTT_3_10_1_1,
                 MQTT3_3_10_1_1)
{
    const char *a = topic(t, "a");
    struct client *control = connect_client(t, .name = "control", .clean_start = true);
    send_raw_unsubscribe(control, 0xa2, a);
    expect_unsuback(control, BY_HAND, 1);
    for (unsigned flags = 0; flags <= 15; flags++) {
        if (flags == 2)
            continue;
        struct client *client = connect_client(t, .name = text(t, "flags %u", flags), .clean_start = true);
        send_raw_unsubscribe(client, 0xa0 | flags, a);
        expect_refused(client, .reason_code = REASON_MALFORMED_PACKET);
    }
}

CONFORMANCE_TEST(unsubscribe_ill_formed_filter_is_refused, V5 | V311, NEEDS_NOTHING,
                 "An UNSUBSCRIBE whose Topic Filter is not well-formed UTF-8 ends the connection",
                 MQTT_3_10_3_1, MQTT3_3_10_3_1, MQTT_1_5_4_1, MQTT3_1_5_3_1)
{
    static const char *const cases[] = {"\xff", "\xc0\xaf",     "\xe2\x82",
                                        "\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80"};
    struct client *control = connect_client(t, .name = "control", .clean_start = true);
    send_raw_unsubscribe(control, 0xa2, text(t, "%s/\xe2\x82\xac", topic(t, "a"))); /* U+20AC */
    expect_unsuback(control, BY_HAND, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct client *client = connect_client(t, .name = text(t, "case %zu", i), .clean_start = true);
        send_raw_unsubscribe(client, 0xa2, text(t, "%s/%s", topic(t, "a"), cases[i]));
        expect_refused(client, .reason_code = REASON_MALFORMED_PACKET);
    }
}

CONFORMANCE_TEST(unsubscribe_filters_are_packed, V5 | V311, NEEDS_NOTHING,
                 "An UNSUBSCRIBE that ends within a Topic Filter ends the connection", MQTT3_3_10_3_1,
                 MQTT_3_10_3_1)
{
    const char *properties = is_v5(t) ? "00" : "";
    const char *a = topic(t, "a");
    unsigned size = 2 * string_size(a) + 2 + (is_v5(t) ? 1U : 0U);
    struct client *control = connect_client(t, .name = "control", .clean_start = true);
    SEND_TEMPLATE(control, "a2 %02x 00 05 %s {%s} {%s}", size, properties, a, a);
    expect_unsuback(control, BY_HAND, 2);
    struct client *client = connect_client(t, .name = "offender", .clean_start = true);
    SEND_TEMPLATE(client, "a2 %02x 00 05 %s {%s} 00 05 61 2f", size - string_size(a) + 4, properties, a);
    expect_refused(client, .reason_code = REASON_MALFORMED_PACKET);
}

CONFORMANCE_TEST(unsubscribe_without_filter_is_refused, V5 | V311, NEEDS_NOTHING,
                 "An UNSUBSCRIBE without any Topic Filter ends the connection", MQTT_3_10_3_2, MQTT3_3_10_3_2,
                 P_3_10_3_1)
{
    struct client *control = connect_client(t, .name = "control", .clean_start = true);
    send_raw_unsubscribe(control, 0xa2, topic(t, "a"));
    expect_unsuback(control, BY_HAND, 1);
    struct client *client = connect_client(t, .name = "offender", .clean_start = true);
    SEND_HEX(client, is_v5(t) ? "a2 03 00 05 00" : "a2 02 00 05");
    expect_refused(client, .reason_code = REASON_PROTOCOL_ERROR);
}

CONFORMANCE_TEST(unsubscribe_user_properties_are_accepted, V5, NEEDS_NOTHING,
                 "An UNSUBSCRIBE may carry several User Properties, even of one name", D_3_10_2_1_2_1)
{
    struct client *client = connect_client(t, .clean_start = true);
    const char *a = topic(t, "a");
    subscribe(client, a);
    SEND_TEMPLATE(client, "a2 %02x 00 05 12 26 {n} {one} 26 {n} {two} {%s}", string_size(a) + 3 + 18, a);
    expect_unsuback(client, BY_HAND, 1);
    ping(client);
}

/* ---- 3.10.4 Actions ------------------------------------------------------------------------------ */

CONFORMANCE_TEST(unsubscribe_ends_delivery, V_ALL, NEEDS_QOS1,
                 "After UNSUBSCRIBE no new message is delivered, at whatever QoS", MQTT_3_10_4_2,
                 MQTT3_3_10_4_2, MQTT_3_10_4_1, MQTT3_3_10_4_1)
{
    const char *a = topic(t, "a");
    int maximum = t->capabilities->maximum_qos;
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    struct client *witness = connect_client(t, .name = "witness", .clean_start = true);
    subscribe(witness, a, .qos = maximum);
    for (int wish = 0; wish <= maximum; wish++) {
        subscribe(subscriber, a, .qos = wish);
        publish(publisher, .topic = a, .payload = "before", .qos = maximum);
        expect_publish(subscriber, .topic = a, .payload = "before");
        expect_publish(witness, .topic = a, .payload = "before");
        unsubscribe(subscriber, a);
        publish(publisher, .topic = a, .payload = "after", .qos = maximum);
        expect_publish(witness, .topic = a, .payload = "after");
    }
    expect_nothing_more(subscriber);
}

CONFORMANCE_TEST(unsubscribe_ends_queueing, V_ALL, NEEDS_QOS1,
                 "After UNSUBSCRIBE no message waits for the client's return", MQTT_3_10_4_2, MQTT3_3_10_4_2)
{
    const char *a = topic(t, "a");
    const char *b = topic(t, "b");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_lasting(t, "sub");
    subscribe(subscriber, a, .qos = 1);
    subscribe(subscriber, b, .qos = 1);
    unsubscribe(subscriber, a);
    disconnect(subscriber);
    publish(publisher, .topic = a, .payload = "unwanted", .qos = 1);
    publish(publisher, .topic = b, .payload = "wanted", .qos = 1);
    subscriber = resume(t, "sub");
    expect_publish(subscriber, .topic = b, .payload = "wanted");
    expect_nothing_before(subscriber, .publisher = publisher, .topic = b, .qos = 1);
    expect_nothing_more(subscriber);
}

CONFORMANCE_TEST(unsubscribe_compares_character_by_character, V_ALL, NEEDS_QOS1,
                 "An UNSUBSCRIBE with a Topic Filter that is similar, even matching, deletes nothing",
                 MQTT_3_10_4_1, MQTT3_3_10_4_1)
{
    static const char *const similar[] = {"a/B",  "a/b/", "a//b", "/a/b", "a/b ", "a",
                                          "a/bb", "b",    "a/",   "A/b",  "a/b/c"};
    const char *b = topic(t, "a/b");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    subscribe(subscriber, b, .qos = 1);
    for (size_t i = 0; i < sizeof similar / sizeof *similar; i++) {
        unsubscribe(subscriber, topic(t, similar[i]));
        publish(publisher, .topic = b, .payload = similar[i], .qos = 1);
        expect_publish(subscriber, .topic = b, .payload = similar[i]);
    }
    unsubscribe(subscriber, b);
    publish(publisher, .topic = b, .payload = "after", .qos = 1);
    expect_nothing_more(subscriber);
}

/* Subscribes to `filters`, unsubscribes one after the other, and looks who is left after each. */
CONFORMANCE_TEST(unsubscribe_takes_wildcards_for_characters, V_ALL, NEEDS_QOS1 | NEEDS_WILDCARD,
                 "An UNSUBSCRIBE with wildcards deletes the subscription of that very Topic Filter, no other",
                 MQTT_3_10_4_1, MQTT3_3_10_4_1)
{
    static const char *const filters[] = {"a/#", "a/+", "+/b", "a/b"};
    const char *b = topic(t, "a/b");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    for (size_t owned = 0; owned < 4; owned++) {
        struct client *subscriber =
            connect_client(t, .name = text(t, "owner of %s", filters[owned]), .clean_start = true);
        subscribe(subscriber, topic(t, filters[owned]), .qos = 1);
        for (size_t other = 0; other < 4; other++)
            if (other != owned)
                unsubscribe(subscriber, topic(t, filters[other]));
        unsubscribe(subscriber, "#");
        publish(publisher, .topic = b, .payload = filters[owned], .qos = 1);
        expect_publish(subscriber, .topic = b, .payload = filters[owned]);
        unsubscribe(subscriber, topic(t, filters[owned]));
        publish(publisher, .topic = b, .payload = "after", .qos = 1);
        expect_nothing_more(subscriber);
    }
}

CONFORMANCE_TEST(unsubscribe_leaves_overlapping_subscriptions, V_ALL, NEEDS_QOS1 | NEEDS_WILDCARD,
                 "An UNSUBSCRIBE deletes its own subscription, and leaves others that match the same topics",
                 MQTT_3_10_4_1, MQTT3_3_10_4_1)
{
    const char *b = topic(t, "a/b");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    subscribe(subscriber, b, .qos = 1);
    subscribe(subscriber, topic(t, "a/+"), .qos = 0);
    unsubscribe(subscriber, b);
    publish(publisher, .topic = b, .payload = "message", .qos = 0);
    expect_publish(subscriber, .topic = b, .payload = "message", .qos = 0);
    expect_nothing_before(subscriber, .publisher = publisher, .topic = b, .qos = 0);
}

CONFORMANCE_TEST(unsubscribe_concerns_its_own_session, V_ALL, NEEDS_QOS1,
                 "An UNSUBSCRIBE of one client leaves the same subscription of another one alone",
                 MQTT_3_10_4_1, MQTT3_3_10_4_1)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *leaving = connect_client(t, .name = "leaving", .clean_start = true);
    struct client *staying = connect_client(t, .name = "staying", .clean_start = true);
    subscribe(leaving, a, .qos = 1);
    subscribe(staying, a, .qos = 1);
    unsubscribe(leaving, a);
    publish(publisher, .topic = a, .payload = "message", .qos = 1);
    expect_publish(staying, .topic = a, .payload = "message");
    expect_nothing_more(leaving);
}

/* ---- Delivery that had begun --------------------------------------------------------------------- */

CONFORMANCE_TEST(unsubscribe_lets_qos_2_delivery_finish, V_ALL, NEEDS_QOS2,
                 "A QoS 2 delivery that had begun is completed after UNSUBSCRIBE", MQTT_3_10_4_3,
                 MQTT3_3_10_4_3)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    if (subscribe(subscriber, a, .qos = 2) < 2)
        skip(t, "the server granted less than QoS 2");
    publish(publisher, .topic = a, .payload = "message", .qos = 2);
    const struct received *message = expect_publish(subscriber, .payload = "message", .acknowledge = false);
    uint16_t identifier = message->packet.publish.packet_identifier;
    unsubscribe(subscriber, a);
    send_acknowledgement(subscriber, PACKET_PUBREC, identifier, 0);
    expect_pubrel(subscriber, identifier);
    send_acknowledgement(subscriber, PACKET_PUBCOMP, identifier, 0);
    ping(subscriber);
}

/* Sent but not acknowledged before the UNSUBSCRIBE: it comes again when the session is resumed. */
static void check_redelivery_after_unsubscribe(struct test *t, int qos)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_lasting(t, "sub");
    if (subscribe(subscriber, a, .qos = qos) < qos)
        skip(t, "the server granted less than QoS %d", qos);
    subscribe(subscriber, topic(t, "other")); /* a session without subscriptions is another test's subject */
    publish(publisher, .topic = a, .payload = "begun", .qos = qos);
    expect_publish(subscriber, .topic = a, .payload = "begun", .qos = qos, .acknowledge = false);
    unsubscribe(subscriber, a);
    close_abruptly(subscriber);
    subscriber = resume(t, "sub");
    expect_publish(subscriber, .topic = a, .payload = "begun", .qos = qos, .repeated = true);
    publish(publisher, .topic = a, .payload = "new", .qos = qos);
    expect_nothing_more(subscriber);
}

CONFORMANCE_TEST(unsubscribe_lets_qos_1_delivery_finish_later, V_ALL, NEEDS_QOS1,
                 "A QoS 1 message sent before UNSUBSCRIBE and not acknowledged is still delivered again",
                 MQTT_3_10_4_3, MQTT3_3_10_4_3)
{
    check_redelivery_after_unsubscribe(t, 1);
}

CONFORMANCE_TEST(unsubscribe_lets_qos_2_delivery_finish_later, V_ALL, NEEDS_QOS2,
                 "A QoS 2 message sent before UNSUBSCRIBE and not acknowledged is still delivered again",
                 MQTT_3_10_4_3, MQTT3_3_10_4_3)
{
    check_redelivery_after_unsubscribe(t, 2);
}

/* ---- The answer ---------------------------------------------------------------------------------- */

static void expect_unsuback_next(struct client *client, uint16_t identifier)
{
    struct test *t = client->test;
    const struct received *answer = expect_packet(client, PACKET_UNSUBACK);
    if (answer->packet.suback.packet_identifier != identifier)
        fail_statement(t, MQTT_3_10_4_5, MQTT3_3_10_4_4,
                       text(t, "UNSUBACK with Packet Identifier %u", identifier), "%s",
                       describe_packet(t, &answer->packet));
}

CONFORMANCE_TEST(unsubscribe_is_answered_with_its_packet_identifier, V_ALL, NEEDS_NOTHING,
                 "Each UNSUBSCRIBE is answered by an UNSUBACK with the same Packet Identifier", MQTT_3_10_4_4,
                 MQTT3_3_10_4_4, MQTT_3_10_4_5)
{
    static const uint16_t identifiers[] = {1, 255, 256, 0x1234, 65535, 2};
    const char *a = topic(t, "a");
    const char *properties = is_v5(t) ? "00" : "";
    struct client *client = connect_client(t, .clean_start = true);
    for (size_t i = 0; i < sizeof identifiers / sizeof *identifiers; i++) {
        subscribe(client, a);
        SEND_TEMPLATE(client, "a2 %02x %04x %s {%s}", string_size(a) + 2 + (is_v5(t) ? 1U : 0U),
                      identifiers[i], properties, a);
        expect_unsuback_next(client, identifiers[i]);
    }
    expect_no_reaction(client, PACKET_UNSUBACK);
}

CONFORMANCE_TEST(unsubscribe_of_nothing_is_answered, V_ALL, NEEDS_NOTHING,
                 "An UNSUBSCRIBE that deletes no subscription is answered by an UNSUBACK, too", MQTT_3_10_4_5,
                 MQTT3_3_10_4_5)
{
    const char *a = topic(t, "a");
    struct client *client = connect_client(t, .clean_start = true);
    expect_unsuback_next(client, send_unsubscribe(client, a)); /* never subscribed to anything */
    subscribe(client, topic(t, "b"));
    expect_unsuback_next(client, send_unsubscribe(client, a));
    subscribe(client, a);
    expect_unsuback_next(client, send_unsubscribe(client, a));
    expect_unsuback_next(client, send_unsubscribe(client, a)); /* not any more */
    expect_no_reaction(client, PACKET_UNSUBACK);
}

CONFORMANCE_TEST(
    unsubscribe_of_several_filters_is_answered_once, V_ALL, NEEDS_QOS1,
    "An UNSUBSCRIBE with several Topic Filters works like as many with one, and is answered once",
    MQTT_3_10_4_6, MQTT3_3_10_4_6)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    for (size_t i = 0; i < 4; i++)
        subscribe(subscriber, topic(t, names[i]), .qos = 1);
    uint16_t identifier = send_unsubscribe(subscriber, topic(t, "a"), topic(t, "none"), topic(t, "b"),
                                           topic(t, "a"), topic(t, "d"));
    expect_unsuback(subscriber, identifier, 5);
    expect_no_reaction(subscriber, PACKET_UNSUBACK);
    for (size_t i = 0; i < 4; i++)
        publish(publisher, .topic = topic(t, names[i]), .payload = names[i], .qos = 1);
    expect_publish(subscriber, .topic = topic(t, "c"), .payload = "c"); /* the only one left */
    expect_nothing_before(subscriber, .publisher = publisher, .topic = topic(t, "c"), .qos = 1);
    expect_nothing_more(subscriber);
}

/* ---- What was buffered --------------------------------------------------------------------------- */

#define MANY 300 /* more than servers send to a client that acknowledges nothing */

#define PAUSE                                                                                                \
    1.0 /* seconds; what comes later than that is as good as dropped: it is a note that depends on it */

CONFORMANCE_TEST(buffered_messages_may_come_after_unsubscribe, V_ALL, NEEDS_QOS1,
                 "Messages that wait when the client unsubscribes may still come", D_3_10_4_1, D3_3_10_4_1,
                 MQTT_3_10_4_4, MQTT3_3_10_4_4)
{
    const char *a = topic(t, "buffered");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *client = connect_client(t, .name = "client", .clean_start = true, .receive_maximum = 1);
    subscribe(client, a, .qos = 1);
    for (int i = 0; i < MANY; i++)
        publish(publisher, .topic = a, .payload = text(t, "%d", i), .qos = 1);
    const struct received *message;
    if (receive_publish(client, now(t) + 2 * t->patience, &message) != RECEIVED_PACKET)
        fail_statement(t, MQTT_4_5_0_1, MQTT3_4_5_0_1, "the first message", "nothing came");
    uint16_t identifier = send_unsubscribe(client, a);
    expect_unsuback(client, identifier, 1);
    acknowledge(client, message);
    unsigned before = 1; /* under way when the client unsubscribed */
    while (receive_publish(client, now(t), &message) == RECEIVED_PACKET) {
        acknowledge(client, message);
        before++;
    }
    unsigned after = 0;
    while (before + after < MANY && receive_publish(client, now(t) + PAUSE, &message) == RECEIVED_PACKET) {
        acknowledge(client, message);
        after++;
    }
    expect_open(client);
    note(t, "%u of %d messages were under way when the client unsubscribed", before, MANY);
    note(t, after > 0 ? "of those that waited some came afterwards"
                      : "of those that waited none came afterwards");
}
