/* 3.8.1 to 3.8.4 SUBSCRIBE; the options byte and Subscription Identifiers have files of their own. */
#include "3_08_subscribe.h"

/* ---- 3.8.1 Fixed Header -------------------------------------------------------------------------- */

CONFORMANCE_TEST(subscribe_reserved_flags_are_refused, V5 | V311, NEEDS_NOTHING,
                 "A SUBSCRIBE whose reserved header bits are not 0010 ends the connection", MQTT_3_8_1_1,
                 MQTT3_3_8_1_1)
{
    const char *a = topic(t, "a");
    struct client *control = connect_client(t, .name = "control", .clean_start = true);
    send_raw_subscribe(control, 0x82, a, 0);
    expect_suback(control, BY_HAND, 1);
    for (unsigned flags = 0; flags <= 15; flags++) {
        if (flags == 2)
            continue;
        struct client *client = connect_client(t, .name = text(t, "flags %u", flags), .clean_start = true);
        send_raw_subscribe(client, 0x80 | flags, a, 0);
        expect_refused(client, .reason_code = REASON_MALFORMED_PACKET);
    }
}

/* ---- 3.8.3 Payload ------------------------------------------------------------------------------- */

CONFORMANCE_TEST(subscribe_ill_formed_filter_is_refused, V5 | V311, NEEDS_NOTHING,
                 "A SUBSCRIBE whose Topic Filter is not well-formed UTF-8 ends the connection", MQTT_3_8_3_1,
                 MQTT3_3_8_3_1, MQTT_1_5_4_1, MQTT3_1_5_3_1)
{
    static const struct {
        const char *what;
        const char *bytes;
    } cases[] = {
        {"a byte that never occurs", "\xff"},  {"an overlong form of /", "\xc0\xaf"},
        {"a truncated character", "\xe2\x82"}, {"a continuation byte alone", "\x80"},
        {"a surrogate", "\xed\xa0\x80"},       {"a code point beyond U+10FFFF", "\xf4\x90\x80\x80"},
    };
    struct client *control = connect_client(t, .name = "control", .clean_start = true);
    send_raw_subscribe(control, 0x82, text(t, "%s/\xe2\x82\xac", topic(t, "a")), 0); /* U+20AC */
    expect_suback(control, BY_HAND, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        note(t, "Topic Filter with %s", cases[i].what);
        struct client *client = connect_client(t, .name = "offender", .clean_start = true);
        send_raw_subscribe(client, 0x82, text(t, "%s/%s", topic(t, "a"), cases[i].bytes), 0);
        expect_refused(client, .reason_code = REASON_MALFORMED_PACKET);
    }
}

CONFORMANCE_TEST(subscribe_without_filter_is_refused, V5 | V311, NEEDS_NOTHING,
                 "A SUBSCRIBE without any Topic Filter ends the connection", MQTT_3_8_3_2, MQTT3_3_8_3_3,
                 P_3_8_3_1)
{
    struct client *control = connect_client(t, .name = "control", .clean_start = true);
    send_raw_subscribe(control, 0x82, topic(t, "a"), 0);
    expect_suback(control, BY_HAND, 1);
    struct client *client = connect_client(t, .name = "offender", .clean_start = true);
    SEND_HEX(client, is_v5(t) ? "82 03 00 05 00" : "82 02 00 05");
    expect_refused(client, .reason_code = REASON_PROTOCOL_ERROR);
}

/* The pair is incomplete: the Topic Filter is there, its options byte is not. */
CONFORMANCE_TEST(subscribe_without_options_is_refused, V5 | V311, NEEDS_NOTHING,
                 "A SUBSCRIBE that ends behind a Topic Filter, without its options, ends the connection",
                 MQTT_3_8_3_2, MQTT3_3_8_3_3, D3_3_8_3_1)
{
    const char *properties = is_v5(t) ? "00" : "";
    const char *a = topic(t, "a");
    const char *b = topic(t, "b");
    unsigned whole = string_size(a) + 3 + (is_v5(t) ? 1U : 0U);
    struct client *control = connect_client(t, .name = "control", .clean_start = true);
    SEND_TEMPLATE(control, "82 %02x 00 05 %s {%s} 00 {%s} 00", whole + string_size(b) + 1, properties, a, b);
    expect_suback(control, BY_HAND, 2);
    struct client *first = connect_client(t, .name = "one filter", .clean_start = true);
    SEND_TEMPLATE(first, "82 %02x 00 05 %s {%s}", whole - 1, properties, a);
    expect_refused(first, .reason_code = REASON_MALFORMED_PACKET);
    struct client *second = connect_client(t, .name = "two filters", .clean_start = true);
    SEND_TEMPLATE(second, "82 %02x 00 05 %s {%s} 00 {%s}", whole + string_size(b), properties, a, b);
    expect_refused(second, .reason_code = REASON_MALFORMED_PACKET);
}

/* ---- 3.8.4 Actions: the answer ------------------------------------------------------------------- */

CONFORMANCE_TEST(subscribe_is_answered_with_its_packet_identifier, V_ALL, NEEDS_NOTHING,
                 "Each SUBSCRIBE is answered by a SUBACK with the same Packet Identifier", MQTT_3_8_4_1,
                 MQTT3_3_8_4_1, MQTT_3_8_4_2, MQTT3_3_8_4_2)
{
    static const uint16_t identifiers[] = {1, 255, 256, 0x1234, 65535, 2};
    struct client *client = connect_client(t, .clean_start = true);
    for (size_t i = 0; i < sizeof identifiers / sizeof *identifiers; i++) {
        send_subscribe(client, topic(t, text(t, "a%zu", i)), .packet_identifier = identifiers[i]);
        const struct received *answer = expect_packet(client, PACKET_SUBACK);
        if (answer->packet.suback.packet_identifier != identifiers[i])
            fail_statement(t, MQTT_3_8_4_2, MQTT3_3_8_4_2,
                           text(t, "SUBACK with Packet Identifier %u", identifiers[i]), "%s",
                           describe_packet(t, &answer->packet));
    }
    expect_no_reaction(client, PACKET_SUBACK);
}

CONFORMANCE_TEST(subscribe_again_is_answered_again, V_ALL, NEEDS_NOTHING,
                 "A SUBSCRIBE that repeats an existing subscription is answered by a SUBACK like the first",
                 MQTT_3_8_4_1, MQTT3_3_8_4_1, MQTT_3_8_4_2, MQTT3_3_8_4_2)
{
    const char *a = topic(t, "a");
    struct client *client = connect_client(t, .clean_start = true);
    uint16_t first = send_subscribe(client, a, .qos = 0);
    uint16_t second = send_subscribe(client, a, .qos = 0);
    expect_suback(client, first, 1);
    expect_suback(client, second, 1);
    expect_no_reaction(client, PACKET_SUBACK);
}

CONFORMANCE_TEST(subscribe_user_properties_are_accepted, V5, NEEDS_NOTHING,
                 "A SUBSCRIBE may carry several User Properties, even of one name", D_3_8_2_1_3_1)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    subscribe(subscriber, a, .user_properties = {{"name", "one"}, {"name", "two"}, {"", ""}});
    publish(publisher, .topic = a, .payload = "message");
    expect_publish(subscriber, .topic = a, .payload = "message");
}

/* ---- Several Topic Filters ----------------------------------------------------------------------- */

/* Wishes in an order that is not its own reverse, so that a grant above the wish gives a wrong order away. */
static const uint8_t wishes[] = {0, 2, 1, 0, 0, 1, 2, 2};
#define WISHES (sizeof wishes)

CONFORMANCE_TEST(several_filters_are_several_subscriptions, V_ALL, NEEDS_QOS2,
                 "A SUBSCRIBE with several Topic Filters works like as many with one, and is answered once",
                 MQTT_3_8_4_5, MQTT3_3_8_4_4, MQTT_3_8_4_6, MQTT3_3_8_4_5, MQTT_3_8_4_7, MQTT_3_9_3_1,
                 MQTT3_3_9_3_1, D3_3_8_3_1)
{
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    struct subscription_request requests[WISHES];
    const char *names[WISHES];
    for (size_t i = 0; i < WISHES; i++) {
        names[i] = topic(t, text(t, "a%zu", i));
        requests[i] =
            (struct subscription_request){.topic_filter = bytes_of_text(names[i]), .qos = wishes[i]};
    }
    const struct received *suback =
        expect_suback(subscriber, send_subscribe_list(subscriber, requests, WISHES, ABSENT), WISHES);
    const uint8_t *codes = suback->packet.suback.reason_codes.data;
    for (size_t i = 0; i < WISHES; i++) {
        if (codes[i] >= 0x80)
            error(t, "set-up: the server refused a subscription: %s", describe_packet(t, &suback->packet));
        require(t, codes[i] <= wishes[i], "Topic Filter %zu asked for QoS %u and was granted %u", i + 1,
                wishes[i], codes[i]);
        publish(publisher, .topic = names[i], .payload = names[i], .qos = 2);
        expect_publish(subscriber, .topic = names[i], .payload = names[i], .qos = codes[i]);
    }
    expect_no_reaction(subscriber, PACKET_SUBACK);
}

CONFORMANCE_TEST(
    filters_of_a_subscribe_take_effect_in_order, V_ALL, NEEDS_QOS2,
    "A Topic Filter that comes twice in one SUBSCRIBE leaves one subscription, with the later QoS",
    MQTT_3_8_4_5, MQTT3_3_8_4_4, MQTT_3_8_4_3, MQTT3_3_8_4_3, MQTT_3_8_4_6, MQTT3_3_8_4_5)
{
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    for (uint8_t last = 0; last <= 1; last++) {
        const char *a = topic(t, text(t, "a%u", last));
        struct subscription_request requests[] = {
            {.topic_filter = bytes_of_text(a), .qos = last == 0 ? 1 : 0},
            {.topic_filter = bytes_of_text(a), .qos = last},
        };
        const struct received *suback =
            expect_suback(subscriber, send_subscribe_list(subscriber, requests, 2, ABSENT), 2);
        uint8_t granted = suback->packet.suback.reason_codes.data[1];
        if (granted >= 0x80)
            error(t, "set-up: the server refused a subscription: %s", describe_packet(t, &suback->packet));
        publish(publisher, .topic = a, .payload = "once", .qos = 0);
        expect_publish(subscriber, .topic = a, .payload = "once");
        expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 0);
        publish(publisher, .topic = a, .payload = "at the later QoS", .qos = 2);
        expect_publish(subscriber, .topic = a, .payload = "at the later QoS", .qos = granted);
    }
}

/* ---- Replacement --------------------------------------------------------------------------------- */

/* QoS 0 and 2: a message of QoS 1 may be duplicated on its way to a subscription of QoS 0. */
CONFORMANCE_TEST(
    subscribing_again_replaces_the_subscription, V_ALL, NEEDS_QOS2,
    "A SUBSCRIBE with the Topic Filter of an existing subscription replaces it: one copy, new QoS",
    MQTT_3_8_4_3, MQTT3_3_8_4_3, D_4_8_1_1, D_3_8_4_2, D3_1_2_1, D3_3_8_4_2)
{
    static const int sequence[] = {1, 0, 1, 0, 0, 1};
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    for (size_t i = 0; i < sizeof sequence / sizeof *sequence; i++) {
        int granted = subscribe(subscriber, a, .qos = sequence[i]);
        publish(publisher, .topic = a, .payload = "once", .qos = 0);
        expect_publish(subscriber, .topic = a, .payload = "once", .qos = 0);
        expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 0);
        publish(publisher, .topic = a, .payload = "message", .qos = 2);
        expect_publish(subscriber, .topic = a, .payload = "message", .qos = delivered_qos(2, granted));
        subscribe(subscriber, topic(t, "other"), .qos = 0); /* not identical: leaves it alone */
    }
}

CONFORMANCE_TEST(replaced_wildcard_subscription_is_one, V_ALL, NEEDS_WILDCARD,
                 "A SUBSCRIBE with the wildcard Topic Filter of an existing subscription replaces it",
                 MQTT_3_8_4_3, MQTT3_3_8_4_3, D_4_8_1_1, D3_1_2_1)
{
    const char *b = topic(t, "a/b");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    subscribe(subscriber, topic(t, "a/+"), .qos = 0);
    subscribe(subscriber, topic(t, "a/+"), .qos = 0);
    publish(publisher, .topic = b, .payload = "once", .qos = 0);
    expect_publish(subscriber, .topic = b, .payload = "once");
    expect_nothing_before(subscriber, .publisher = publisher, .topic = b, .qos = 0);
}

CONFORMANCE_TEST(replacement_sends_retained_again, V_ALL, NEEDS_RETAIN | NEEDS_QOS1,
                 "Replacing a subscription (5.0: with Retain Handling 0) brings the retained message again",
                 MQTT_3_8_4_4, MQTT3_3_8_4_3, D_3_8_4_3, D3_3_8_4_2)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    publish(publisher, .topic = a, .payload = "kept", .qos = 1, .retain = true);
    for (int i = 0; i < 3; i++) {
        subscribe(subscriber, a, .qos = 1);
        expect_publish(subscriber, .topic = a, .payload = "kept", .retain = 1);
    }
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 1);
}

#define ROUND 40

/* Publishing and subscribing run side by side; neither waits for the other. */
CONFORMANCE_TEST(replacement_loses_no_message, V_ALL, NEEDS_QOS1,
                 "Messages published while a subscription is replaced again and again all arrive, in order",
                 MQTT_3_8_4_4, MQTT3_3_8_4_3)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    uint16_t identifiers[ROUND];
    if (subscribe(subscriber, a, .qos = 1) < 1)
        skip(t, "the server granted less than QoS 1");
    for (size_t i = 0; i < ROUND; i++) {
        uint16_t published = send_publish(publisher, .topic = a, .payload = text(t, "%zu", i), .qos = 1);
        identifiers[i] = send_subscribe(subscriber, a, .qos = 1);
        if (i % 4 == 3) /* a server may have a Receive Maximum: keep well below it */
            expect_puback(publisher, published);
    }
    /* first what was asked first: a server whose window is full sends more when it comes to our PUBACKs, and these
     * are behind all that */
    for (size_t i = 0; i < ROUND; i++)
        expect_suback(subscriber, identifiers[i], 1);
    for (size_t i = 0; i < ROUND; i++)
        expect_publish(subscriber, .topic = a, .payload = text(t, "%zu", i), .qos = 1);
}

/* In 5.0 a Receive Maximum of 1 keeps the later messages waiting in the server while it replaces. */
CONFORMANCE_TEST(replacement_loses_no_waiting_message, V_ALL, NEEDS_QOS1,
                 "Messages that wait for their delivery survive the replacement of their subscription",
                 MQTT_3_8_4_4, MQTT3_3_8_4_3)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber =
        connect_client(t, .name = "subscriber", .clean_start = true, .receive_maximum = 1);
    if (subscribe(subscriber, a, .qos = 1) < 1)
        skip(t, "the server granted less than QoS 1");
    for (int i = 0; i < 4; i++)
        publish(publisher, .topic = a, .payload = text(t, "%d", i), .qos = 1);
    subscribe(subscriber, a, .qos = 1);
    for (int i = 0; i < 4; i++)
        expect_publish(subscriber, .topic = a, .payload = text(t, "%d", i), .qos = 1);
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 1);
}

CONFORMANCE_TEST(replacement_keeps_messages_queued_offline, V_ALL, NEEDS_QOS1,
                 "Messages that came while the client was away survive a SUBSCRIBE as its first act",
                 MQTT_3_8_4_4, MQTT3_3_8_4_3)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_lasting(t, "sub");
    if (subscribe(subscriber, a, .qos = 1) < 1)
        skip(t, "the server granted less than QoS 1");
    disconnect(subscriber);
    for (int i = 0; i < 3; i++)
        publish(publisher, .topic = a, .payload = text(t, "%d", i), .qos = 1);
    subscriber = resume(t, "sub");
    subscribe(subscriber, a, .qos = 1);
    for (int i = 0; i < 3; i++)
        expect_publish(subscriber, .topic = a, .payload = text(t, "%d", i), .qos = 1);
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 1);
}

/* ---- QoS ----------------------------------------------------------------------------------------- */

CONFORMANCE_TEST(delivery_is_at_the_lower_qos, V_ALL, NEEDS_NOTHING,
                 "A message is delivered at the lower of its own QoS and the QoS that was granted",
                 MQTT_3_8_4_8, MQTT3_3_8_4_6, MQTT_3_8_4_7, MQTT3_3_8_4_5, D3_4_3_3)
{
    static const int order[] = {0, 2, 1}; /* from QoS 1 to a grant of 0 duplicates may follow */
    int maximum = t->capabilities->maximum_qos;
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    for (int wish = 0; wish <= 2; wish++) {
        struct client *subscriber =
            connect_client(t, .name = text(t, "subscriber %d", wish), .clean_start = true);
        for (size_t i = 0; i < 3; i++) {
            int published = order[i];
            if (published > maximum)
                continue;
            const char *a = topic(t, text(t, "a%d%d", wish, published));
            int granted = subscribe(subscriber, a, .qos = wish);
            publish(publisher, .topic = a, .payload = "message", .qos = published);
            expect_publish(subscriber, .topic = a, .payload = "message",
                           .qos = delivered_qos(published, granted));
        }
    }
}

CONFORMANCE_TEST(granted_qos_holds_for_the_session, V_ALL, NEEDS_QOS1,
                 "The QoS that was granted also limits messages that waited for the client's return",
                 MQTT_3_8_4_8, MQTT3_3_8_4_6)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_lasting(t, "sub");
    int granted = subscribe(subscriber, a, .qos = 1);
    if (granted < 1)
        skip(t, "the server granted less than QoS 1");
    int maximum = t->capabilities->maximum_qos;
    disconnect(subscriber);
    for (int published = 1; published <= maximum; published++)
        publish(publisher, .topic = a, .payload = text(t, "QoS %d", published), .qos = published);
    subscriber = resume(t, "sub");
    for (int published = 1; published <= maximum; published++)
        expect_publish(subscriber, .topic = a, .payload = text(t, "QoS %d", published), .qos = 1);
}

/* ---- What is granted ----------------------------------------------------------------------------- */

/* No need: this is about what NEEDS_WILDCARD asks for. */
CONFORMANCE_TEST(wildcards_are_granted, V3, NEEDS_NOTHING,
                 "Topic Filters with wildcards are granted, each of them", S3_3_8_3_1)
{
    const char *filters[] = {topic(t, "#"), topic(t, "+"), topic(t, "+/a"), topic(t, "a/+/b/#")};
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        const struct received *answer;
        struct client *client = connect_client(t, .name = text(t, "filter %zu", i), .clean_start = true);
        subscribe(client, topic(t, "plain"), .qos = 0); /* positive control */
        send_subscribe(client, filters[i], .qos = 0);
        enum outcome outcome = receive(client, &answer);
        if (outcome == RECEIVED_TIMEOUT)
            fail_statement(t, STATEMENT_NONE, MQTT3_3_8_4_1, "a SUBACK, or the connection closed", "%s",
                           describe_state(client, outcome));
        if (outcome == RECEIVED_CLOSED)
            warn(t, "a SUBSCRIBE to \"%s\" ended the connection", filters[i]);
        else if (answer->packet.type != PACKET_SUBACK || answer->packet.suback.reason_codes.length != 1 ||
                 answer->packet.suback.reason_codes.data[0] >= 0x80)
            warn(t, "a SUBSCRIBE to \"%s\" was answered with %s", filters[i],
                 describe_packet(t, &answer->packet));
    }
}

CONFORMANCE_TEST(single_wildcards_may_be_rejected, V5, NEEDS_WILDCARD,
                 "A server that supports wildcards may reject a certain one, with 0xA2", R_3_2_2_3_11_2,
                 MQTT_3_8_4_1)
{
    static const char *const tails[] = {"#", "+", "a/#", "+/b", "+/+/+", "a/+/#"};
    struct client *client = connect_client(t, .clean_start = true);
    unsigned rejected = 0;
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        uint8_t code = subscribe(client, topic(t, tails[i]), .may_be_refused = true);
        if (code < 0x80)
            continue;
        note(t, "%s: rejected with 0x%02X", tails[i], code);
        rejected++;
    }
    note(t, "%u of %zu Topic Filters with wildcards were rejected", rejected, sizeof tails / sizeof *tails);
    expect_open(client);
}

CONFORMANCE_TEST(granted_qos_may_be_lower, V_ALL, NEEDS_QOS1,
                 "A server may grant less than the QoS that was asked for, and then keeps to it", D_3_8_4_6,
                 MQTT_3_8_4_8, MQTT3_3_8_4_6)
{
    const char *a = topic(t, "granted");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    int granted = subscribe(subscriber, a, .qos = 1);
    if (granted == 1)
        note(t, "QoS 1 was granted, as asked for");
    for (int qos = 0; qos <= 1; qos++) {
        publish(publisher, .topic = a, .payload = text(t, "%d", qos), .qos = qos);
        expect_publish(subscriber, .topic = a, .payload = text(t, "%d", qos),
                       .qos = qos < granted ? qos : granted);
    }
}

/* ---- Messages of a new subscription -------------------------------------------------------------- */

/* A retained message is at hand when the SUBSCRIBE comes; nothing orders it and the SUBACK. */
CONFORMANCE_TEST(messages_may_come_before_suback, V_ALL, NEEDS_RETAIN,
                 "The first message for a subscription may come ahead of its SUBACK; both come", D_3_8_4_1,
                 D3_3_8_4_1, MQTT_3_8_4_1, MQTT3_3_8_4_1)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    publish(publisher, .topic = a, .payload = "retained", .retain = true);
    ping(publisher);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    uint16_t identifier = send_subscribe(subscriber, a, .qos = 0);
    const struct received *message = expect_publish(subscriber, .topic = a, .payload = "retained");
    const struct received *suback = expect_suback(subscriber, identifier, 1);
    note(t, "the message came %s the SUBACK", message->time < suback->time ? "ahead of" : "behind");
}

/* A copy too many is allowed for QoS 1 that was reduced to QoS 0, and for nothing else. */
CONFORMANCE_TEST(qos_0_copies_of_a_qos_1_message, V_ALL, NEEDS_QOS1,
                 "A message published at QoS 1 may come more than once to a subscription of QoS 0", D_3_8_4_7,
                 MQTT_3_8_4_8, MQTT3_3_8_4_6)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    subscribe(subscriber, a, .qos = 0);
    publish(publisher, .topic = a, .payload = "copied", .qos = 1);
    const struct received *copies[8] = {NULL};
    size_t count = collect_before(subscriber, copies, 8, .publisher = publisher, .topic = a, .qos = 1);
    if (count == 0)
        fail_expected(t, "the message", "nothing came before the sentinel");
    for (size_t i = 0; i < count && i < 8; i++)
        if (copies[i]->packet.publish.qos != 0 || copies[i]->packet.publish.dup)
            fail_expected(t, "PUBLISH with QoS 0 and DUP 0", "%s", describe_packet(t, &copies[i]->packet));
    if (count == 1)
        note(t, "the message came once");
    else
        note(t, "the message came more than once: %zu times", count);
}
