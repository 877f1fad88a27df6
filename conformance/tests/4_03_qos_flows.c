/* 4.3 Quality of Service levels and protocol flows. What is sent again on another connection: 4_04 */
#include "3_03_publish.h"

/* A subscriber to "a" at `qos` and a publisher. */
struct pair {
    const char *topic;
    struct client *subscriber;
    struct client *publisher;
};

static struct pair make_pair(struct test *t, int qos)
{
    struct pair pair = {.topic = topic(t, "a")};
    pair.subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    pair.publisher = connect_client(t, .name = "publisher", .clean_start = true);
    if (subscribe(pair.subscriber, pair.topic, .qos = qos) < qos)
        skip(t, "the server granted less than QoS %d", qos);
    return pair;
}

/* ---- 4.3.1 -------------------------------------------------------------------------------------------- */

CONFORMANCE_TEST(qos_0_message_is_sent_once_without_dup, V_ALL, NEEDS_NOTHING,
                 "A QoS 0 message goes out as PUBLISH with QoS 0 and DUP 0, and no more than once",
                 MQTT_4_3_1_1, MQTT3_4_3_1_1, D_4_3_1_1, D3_4_3_1_2)
{
    struct pair pair = make_pair(t, 0);
    for (int i = 0; i < 5; i++) {
        publish(pair.publisher, .topic = pair.topic, .payload = text(t, "%d", i));
        expect_publish(pair.subscriber, .payload = text(t, "%d", i), .qos = 0, .dup = 0);
    }
    expect_nothing_before(pair.subscriber, .publisher = pair.publisher, .topic = pair.topic, .qos = 0);
}

CONFORMANCE_TEST(received_qos_0_message_is_not_sent_again, V_ALL, NEEDS_QOS1,
                 "A QoS 0 message that was received does not come again when the session is resumed",
                 MQTT_4_3_1_1, MQTT3_4_3_1_1, D_4_3_1_1, D3_4_3_1_1, D3_4_3_1_2)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_lasting(t, "sub");
    subscribe(subscriber, a, .qos = 0);
    publish(publisher, .topic = a, .payload = "once");
    expect_publish(subscriber, .payload = "once", .qos = 0, .dup = 0);
    close_abruptly(subscriber);
    subscriber = resume(t, "sub");
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 0);
}

/* ---- 4.3.2 -------------------------------------------------------------------------------------------- */

/* The first sending of a message, whatever its publisher's DUP flag was. */
static void check_first_sending(struct test *t, int qos)
{
    struct pair pair = make_pair(t, qos);
    for (int i = 0; i < 6; i++) {
        const char *payload = text(t, "%d", i);
        publish(pair.publisher, .topic = pair.topic, .payload = payload, .qos = qos, .dup = i % 2 == 1);
        const struct received *got =
            expect_publish(pair.subscriber, .payload = payload, .qos = qos, .dup = 0);
        require(t, got->packet.publish.packet_identifier != 0, "no Packet Identifier");
    }
    expect_nothing_before(pair.subscriber, .publisher = pair.publisher, .topic = pair.topic, .qos = qos);
}

CONFORMANCE_TEST(qos_1_message_is_first_sent_without_dup, V_ALL, NEEDS_QOS1,
                 "A QoS 1 message goes out as PUBLISH with QoS 1, DUP 0 and a Packet Identifier",
                 MQTT_4_3_2_2, MQTT3_4_3_2_1)
{
    check_first_sending(t, 1);
}

CONFORMANCE_TEST(qos_2_message_is_first_sent_without_dup, V_ALL, NEEDS_QOS2,
                 "A QoS 2 message goes out as PUBLISH with QoS 2, DUP 0 and a Packet Identifier",
                 MQTT_4_3_3_2, MQTT3_4_3_3_1)
{
    check_first_sending(t, 2);
}

CONFORMANCE_TEST(publish_after_puback_is_new, V_ALL, NEEDS_QOS1,
                 "After PUBACK a PUBLISH under the same Packet Identifier is a new message, DUP or not",
                 MQTT_4_3_2_5, MQTT3_4_3_2_2, MQTT_4_3_2_4)
{
    struct pair pair = make_pair(t, 1);
    for (int i = 0; i < 4; i++) {
        publish(pair.publisher, .topic = pair.topic, .payload = "m", .qos = 1, .packet_identifier = 9,
                .dup = i > 0);
        expect_publish(pair.subscriber, .payload = "m", .qos = 1);
    }
    expect_nothing_before(pair.subscriber, .publisher = pair.publisher, .topic = pair.topic, .qos = 1);
}

CONFORMANCE_TEST(each_qos_1_publish_gets_one_puback, V_ALL, NEEDS_QOS1,
                 "Every QoS 1 PUBLISH is answered with one PUBACK, a QoS 0 PUBLISH with none", MQTT_4_3_2_4,
                 MQTT3_4_3_2_2)
{
    struct client *client = connect_client(t, .clean_start = true);
    const char *a = topic(t, "a");
    uint16_t sent[8];
    for (int i = 0; i < 8; i++) {
        send_publish(client, .topic = a, .payload = "0");
        sent[i] = send_publish(client, .topic = a, .payload = "1", .qos = 1);
        if (t->capabilities->receive_maximum < 8)
            expect_puback(client, sent[i]);
    }
    for (int i = 0; i < 8 && t->capabilities->receive_maximum >= 8; i++)
        expect_puback(client, sent[i]);
    expect_no_reaction(client, PACKET_PUBACK);
}

/* ---- 4.3.3, the server as receiver -------------------------------------------------------------------- */

static void send_at_qos_2(const struct pair *pair, uint16_t id, bool dup)
{
    send_publish(pair->publisher, .topic = pair->topic, .payload = "m", .qos = 2, .packet_identifier = id,
                 .dup = dup);
}

static void release(struct client *publisher, uint16_t id)
{
    send_acknowledgement(publisher, PACKET_PUBREL, id, 0);
    expect_pubcomp(publisher, id);
}

/* "m" came exactly once. */
static void expect_once(const struct pair *pair, int qos)
{
    expect_publish(pair->subscriber, .payload = "m", .qos = qos, .dup = 0);
    expect_nothing_before(pair->subscriber, .publisher = pair->publisher, .topic = pair->topic, .qos = 2);
}

/* The answer to one of several PUBLISH packets of the same exchange: PUBREC. In 5.0 clients must not repeat
 * within a connection [MQTT-4.4.0-1]. The server has no exception for that, but one that sees a Protocol
 * Error in it, and closes, is not accused: then the result is false. */
static bool expect_answer_to_repetition(const struct pair *pair, uint16_t id)
{
    struct client *publisher = pair->publisher;
    struct test *t = publisher->test;
    const struct received *answer;
    enum outcome outcome = receive(publisher, &answer);
    bool told = outcome == RECEIVED_PACKET && answer->packet.type == PACKET_DISCONNECT;
    if (is_v5(t) && (told || outcome == RECEIVED_CLOSED)) {
        note(t, "the server ends a connection on which a PUBLISH is repeated");
        expect_closed(publisher);
        return false;
    }
    if (outcome != RECEIVED_PACKET || answer->packet.type != PACKET_PUBREC ||
        answer->packet.acknowledgement.packet_identifier != id)
        fail_expected(t, text(t, "PUBREC with Packet Identifier %u", id), "%s",
                      outcome == RECEIVED_PACKET ? describe_packet(t, &answer->packet)
                                                 : describe_state(publisher, outcome));
    return true;
}

static void check_repetition(struct test *t, int granted)
{
    struct pair pair = make_pair(t, granted);
    send_at_qos_2(&pair, 9, false);
    send_at_qos_2(&pair, 9, true); /* before PUBREC can have come */
    if (!expect_answer_to_repetition(&pair, 9) || !expect_answer_to_repetition(&pair, 9))
        return;
    send_at_qos_2(&pair, 9, true);
    if (!expect_answer_to_repetition(&pair, 9))
        return;
    release(pair.publisher, 9);
    expect_once(&pair, granted);
}

CONFORMANCE_TEST(repeated_publish_is_delivered_once, V_ALL, NEEDS_QOS2,
                 "Until PUBREL a repeated QoS 2 PUBLISH is answered with PUBREC, and not delivered again",
                 MQTT_4_3_3_10, MQTT3_4_3_3_2, MQTT_4_3_3_8)
{
    check_repetition(t, 2);
    check_repetition(t, 1);
    check_repetition(t, 0);
}

/* A server may say that the Packet Identifier is in use, or end the connection; it must not deliver twice. */
CONFORMANCE_TEST(
    repetition_without_dup_is_not_delivered, V5 | V311, NEEDS_QOS2,
    "Until PUBREL a second QoS 2 PUBLISH under its identifier is no new message, even with DUP 0",
    MQTT_4_3_3_10, MQTT3_4_3_3_2)
{
    struct pair pair = make_pair(t, 2);
    send_at_qos_2(&pair, 9, false);
    expect_pubrec(pair.publisher, 9);
    send_at_qos_2(&pair, 9, false);
    if (expect_answer_to_repetition(&pair, 9)) {
        send_acknowledgement(pair.publisher, PACKET_PUBREL, 9, 0);
        expect_packet(pair.publisher, PACKET_PUBCOMP); /* whatever it says of the identifier */
    } else {
        pair.publisher = connect_client(t, .name = "another publisher", .clean_start = true);
    }
    expect_once(&pair, 2);
}

CONFORMANCE_TEST(several_qos_2_exchanges_overlap, V_ALL, NEEDS_QOS2,
                 "QoS 2 exchanges of one client that overlap each deliver their message once", MQTT_4_3_3_10,
                 MQTT_4_3_3_11, MQTT3_4_3_3_2)
{
    if (t->capabilities->receive_maximum < 3)
        skip(t, "the server's Receive Maximum is %u", t->capabilities->receive_maximum);
    struct pair pair = make_pair(t, 2);
    for (uint16_t id = 7; id <= 9; id++)
        send_at_qos_2(&pair, id, false);
    for (uint16_t id = 7; id <= 9; id++)
        expect_pubrec(pair.publisher, id);
    send_at_qos_2(&pair, 8, true);
    expect_pubrec(pair.publisher, 8);
    release(pair.publisher, 9);
    send_at_qos_2(&pair, 7, true);
    expect_pubrec(pair.publisher, 7);
    release(pair.publisher, 7);
    release(pair.publisher, 8);
    for (int i = 0; i < 3; i++)
        expect_publish(pair.subscriber, .payload = "m", .qos = 2, .dup = 0);
    expect_nothing_before(pair.subscriber, .publisher = pair.publisher, .topic = pair.topic, .qos = 2);
}

CONFORMANCE_TEST(publish_after_pubcomp_is_new, V_ALL, NEEDS_QOS2,
                 "After PUBCOMP a PUBLISH under the same Packet Identifier is a new message, DUP or not",
                 MQTT_4_3_3_12, MQTT3_4_3_3_2)
{
    struct pair pair = make_pair(t, 2);
    for (int i = 0; i < 4; i++) {
        publish(pair.publisher, .topic = pair.topic, .payload = "m", .qos = 2, .packet_identifier = 9,
                .dup = i > 0);
        expect_publish(pair.subscriber, .payload = "m", .qos = 2);
    }
    expect_nothing_before(pair.subscriber, .publisher = pair.publisher, .topic = pair.topic, .qos = 2);
}

static struct pair begin_and_break(struct test *t)
{
    struct pair pair = {.topic = topic(t, "a")};
    pair.subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    subscribe(pair.subscriber, pair.topic, .qos = 2);
    pair.publisher = connect_lasting(t, "pub");
    send_at_qos_2(&pair, 9, false);
    expect_pubrec(pair.publisher, 9);
    close_abruptly(pair.publisher);
    pair.publisher = resume(t, "pub");
    return pair;
}

CONFORMANCE_TEST(publish_repeated_on_a_new_connection_is_delivered_once, V_ALL, NEEDS_QOS2,
                 "A QoS 2 PUBLISH that is sent again after a reconnection is not delivered again",
                 MQTT_4_3_3_10, MQTT3_4_3_3_2)
{
    struct pair pair = begin_and_break(t);
    send_at_qos_2(&pair, 9, true);
    expect_pubrec(pair.publisher, 9);
    release(pair.publisher, 9);
    expect_once(&pair, 2);
    send_at_qos_2(&pair, 9, false); /* and now it is new */
    expect_pubrec(pair.publisher, 9);
    release(pair.publisher, 9);
    expect_once(&pair, 2);
}

CONFORMANCE_TEST(pubrel_on_a_new_connection_ends_the_exchange, V_ALL, NEEDS_QOS2,
                 "A QoS 2 exchange that a broken connection interrupted goes on with PUBREL", MQTT_4_3_3_11,
                 MQTT_4_3_3_12, MQTT3_4_3_3_2)
{
    struct pair pair = begin_and_break(t);
    release(pair.publisher, 9);
    expect_once(&pair, 2);
    publish(pair.publisher, .topic = pair.topic, .payload = "m", .qos = 2, .packet_identifier = 9);
    expect_once(&pair, 2);
}

/* ---- Expiry: the rule is about time (sleep-allowed) --------------------------------------------------- */

CONFORMANCE_TEST(exchange_goes_on_after_message_expiry, V5, NEEDS_QOS2 | NEEDS_TIME,
                 "The exchange of a message goes on in both directions after the message has expired",
                 MQTT_4_3_3_13, MQTT_4_3_3_7)
{
    struct pair pair = make_pair(t, 2);
    send_publish(pair.publisher, .topic = pair.topic, .payload = "m", .qos = 2, .packet_identifier = 9,
                 .message_expiry_interval = 1);
    expect_pubrec(pair.publisher, 9);
    const struct received *got = NULL; /* some servers deliver only after PUBREL */
    bool early = receive_publish(pair.subscriber, now(t) + 0.5 + t->latency, &got) == RECEIVED_PACKET;
    wait_until(t, now(t) + 2.2);
    send_publish(pair.publisher, .topic = pair.topic, .payload = "m", .qos = 2, .packet_identifier = 9,
                 .message_expiry_interval = 1, .dup = true);
    expect_pubrec(pair.publisher, 9);
    release(pair.publisher, 9);
    if (!early) {
        note(t, "the server delivers QoS 2 messages after their PUBREL");
        return;
    }
    send_acknowledgement(pair.subscriber, PACKET_PUBREC, got->packet.publish.packet_identifier, 0);
    expect_pubrel(pair.subscriber, got->packet.publish.packet_identifier);
    send_acknowledgement(pair.subscriber, PACKET_PUBCOMP, got->packet.publish.packet_identifier, 0);
    expect_nothing_before(pair.subscriber, .publisher = pair.publisher, .topic = pair.topic, .qos = 2);
}

CONFORMANCE_TEST(sent_qos_2_message_does_not_expire, V5, NEEDS_QOS2 | NEEDS_TIME,
                 "A QoS 2 message that was sent once is sent again even if it has expired meanwhile",
                 MQTT_4_3_3_7, MQTT_4_3_3_3)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_lasting(t, "sub");
    if (subscribe(subscriber, a, .qos = 2) < 2)
        skip(t, "the server granted less than QoS 2");
    publish(publisher, .topic = a, .payload = "m", .qos = 2, .message_expiry_interval = 1);
    const struct received *first = expect_publish(subscriber, .payload = "m", .qos = 2, .acknowledge = false);
    close_abruptly(subscriber);
    wait_until(t, now(t) + 2.2);
    subscriber = resume(t, "sub");
    const struct received *again = expect_publish(subscriber, .payload = "m", .qos = 2, .dup = 1);
    require(t, first->packet.publish.packet_identifier == again->packet.publish.packet_identifier,
            "the Packet Identifier changed");
}

/* ---- Several subscribers ------------------------------------------------------------------------------ */

CONFORMANCE_TEST(subscribers_are_served_separately, V_ALL, NEEDS_QOS1,
                 "A subscriber that does not acknowledge holds up nobody else", D_4_3_2, MQTT_4_5_0_1,
                 MQTT3_4_5_0_1, D3_4_3_2)
{
    struct pair pair = make_pair(t, 1);
    struct client *lazy = connect_client(t, .name = "lazy", .clean_start = true);
    subscribe(lazy, pair.topic, .qos = 1);
    for (int i = 0; i < 50; i++) {
        const char *payload = text(t, "%d", i);
        publish(pair.publisher, .topic = pair.topic, .payload = payload, .qos = 1);
        expect_publish(pair.subscriber, .payload = payload, .qos = 1, .dup = 0);
    }
    expect_publish(lazy, .payload = "0", .dup = 0);
}

/* ---- Answers that belong to the other flow ------------------------------------------------------------ */

/* The client answers with `wrong`, which is not what the message waits for; the server may end the connection
 * for that. The message is still not acknowledged, so that it comes again. */
static void check_wrong_answer(struct test *t, int qos, enum packet_type wrong)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_lasting(t, "sub");
    const struct received *ignored;
    if (subscribe(subscriber, a, .qos = qos) != qos)
        skip(t, "the server granted less than QoS %d", qos);
    publish(publisher, .topic = a, .payload = "m", .qos = qos);
    const struct received *first =
        expect_publish(subscriber, .payload = "m", .qos = qos, .acknowledge = false);
    const uint16_t id = first->packet.publish.packet_identifier;
    send_acknowledgement(subscriber, wrong, id, 0);
    finish_sending(subscriber);
    while (receive(subscriber, &ignored) == RECEIVED_PACKET)
        continue;
    close_abruptly(subscriber);
    subscriber = resume(t, "sub");
    const struct received *again = expect_publish(subscriber, .payload = "m", .qos = qos, .dup = 1);
    require(t, again->packet.publish.packet_identifier == id,
            "the message came again with Packet Identifier %u instead of %u",
            again->packet.publish.packet_identifier, id);
}

CONFORMANCE_TEST(puback_does_not_acknowledge_qos_2, V_ALL, NEEDS_QOS2,
                 "A QoS 2 message that is answered with PUBACK has not been acknowledged", MQTT_4_3_3_3,
                 MQTT3_4_3_3_1)
{
    check_wrong_answer(t, 2, PACKET_PUBACK);
}

/* ---- When a QoS 2 message is handed on ----------------------------------------------------------- */

CONFORMANCE_TEST(qos_2_message_is_handed_on_once, V_ALL, NEEDS_QOS2,
                 "A QoS 2 message is handed on when it comes or when it is released, and not at both times",
                 MQTT_4_3_3_10, MQTT3_4_3_3_2, D3_4_3_3_2)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *other = connect_client(t, .name = "other publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    subscribe(subscriber, a, .qos = 2);
    uint16_t identifier = send_publish(publisher, .topic = a, .payload = "once", .qos = 2);
    expect_pubrec(publisher, identifier);
    const struct received *early[8] = {NULL};
    size_t count = collect_before(subscriber, early, 8, .publisher = other, .topic = a, .qos = 2);
    send_acknowledgement(publisher, PACKET_PUBREL, identifier, 0);
    expect_pubcomp(publisher, identifier);
    const struct received *late[8] = {NULL};
    size_t more = collect_before(subscriber, late, 8, .publisher = publisher, .topic = a, .qos = 2);
    if (count + more != 1)
        fail_expected(t, "one copy of the message", "%zu before the PUBREL, %zu behind it", count, more);
    note(t, "a QoS 2 message is handed on when the %s comes", count == 1 ? "PUBLISH" : "PUBREL");
}
