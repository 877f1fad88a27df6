/* 3.1.2.5 to 3.1.2.7 Will Flag, Will QoS, Will Retain */
#include "3_01_connect.h"
#include "3_01_session.h"
#include "3_01_will.h"

/* ---- When it is published ------------------------------------------------------------------------ */

CONFORMANCE_TEST(
    will_is_published_when_connection_is_lost, V_ALL, NEEDS_NOTHING,
    "The will of a client is published when its connection ends without DISCONNECT, once, not before",
    MQTT_3_1_2_8, MQTT3_3_1_2_8, MQTT_3_1_2_7, MQTT_3_1_2_10, MQTT3_3_1_2_10, D_3_1_2_5_1, D_3_1_2_5_3,
    S_3_1_2_5_1, D_3_1_3_2_2_1, S3_3_1_2_5_1, D3_3_1_2_5_1, D3_3_1_2_5_3)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_subscriber(t, a, 1);
    struct client *closing = connect_mortal(t, a, "closing");
    struct client *resetting = connect_mortal(t, a, "resetting");
    struct client *halving = connect_mortal(t, a, "half closed");
    ping(closing);
    expect_nothing_more(subscriber);

    double died = now(t);
    close_abruptly(closing);
    expect_will(subscriber, a, "closing", died);
    died = now(t);
    reset_connection(resetting);
    expect_will(subscriber, a, "resetting", died);
    died = now(t);
    finish_sending(halving); /* nothing can come from it any more */
    expect_will(subscriber, a, "half closed", died);
    expect_no_will(subscriber, a); /* each came once */
}

CONFORMANCE_TEST(
    will_is_published_after_malformed_packet, V5 | V311, NEEDS_NOTHING,
    "The will of a client is published when the server ends its connection for a malformed packet",
    MQTT_3_1_2_8, MQTT3_3_1_2_8, D_3_1_2_5_4, MQTT_3_1_2_10, MQTT3_3_1_2_10, D3_3_1_2_5_4)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_subscriber(t, a, 1);
    struct client *mortal = connect_mortal(t, a, "malformed packet");
    double died = now(t);
    SEND_HEX(mortal, "36 06 {a} 00 01 00"); /* PUBLISH with QoS 3 */
    expect_will(subscriber, a, "malformed packet", died);
    expect_refused(mortal, .reason_code = REASON_MALFORMED_PACKET);
    expect_no_will(subscriber, a);
}

CONFORMANCE_TEST(will_is_published_after_second_connect, V5 | V311, NEEDS_NOTHING,
                 "The will of a client is published when the server ends its connection for a second CONNECT",
                 MQTT_3_1_2_8, MQTT3_3_1_2_8, D_3_1_2_5_4, MQTT_3_1_2_10, MQTT3_3_1_2_10, D3_3_1_2_5_4)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_subscriber(t, a, 1);
    struct client *mortal = connect_mortal(t, a, "second CONNECT");
    double died = now(t);
    send_connect_bytes(mortal);
    expect_will(subscriber, a, "second CONNECT", died);
    expect_refused(mortal, .reason_code = REASON_PROTOCOL_ERROR);
    expect_no_will(subscriber, a);
}

/* A CONNECT with this Will Topic, which is none, and a connection that is lost if the CONNECT is accepted. */
static void lose_client_with_will(struct test *t, const char *will_topic)
{
    const struct received *answer;
    struct client *client = send_connect(t, .name = text(t, "will to %s", will_topic), .clean_start = true,
                                         .will = {.topic = will_topic, .payload = "to many"});
    enum outcome outcome = receive_until(client, now(t) + 2 * t->patience, &answer);
    if (outcome == RECEIVED_TIMEOUT)
        fail_expected(t, "CONNACK, or the end of the connection", "%s", describe_state(client, outcome));
    const struct packet *packet = outcome == RECEIVED_PACKET ? &answer->packet : NULL;
    bool accepted = packet != NULL && packet->type == PACKET_CONNACK && packet->connack.reason_code == 0;
    note(t, "a CONNECT with Will Topic %s is %s", will_topic, accepted ? "accepted" : "refused");
    close_abruptly(client);
}

CONFORMANCE_TEST(wildcard_in_will_topic_is_not_passed_on, V_ALL, NEEDS_WILDCARD,
                 "A CONNECT with a wildcard character in its Will Topic is refused, at least not passed on",
                 MQTT_3_3_2_2, MQTT3_3_3_2_2, MQTT_4_7_0_1, MQTT3_4_7_1_1)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_subscriber(t, text(t, "%s/#", a), 1);
    lose_client_with_will(t, text(t, "%s/#", a));
    expect_no_will(subscriber, text(t, "%s/b", a));
    lose_client_with_will(t, text(t, "%s/+/c", a));
    expect_no_will(subscriber, text(t, "%s/b", a));
}

CONFORMANCE_TEST(empty_will_topic_is_not_passed_on, V5 | V311, NEEDS_WILDCARD,
                 "A CONNECT with an empty Will Topic is refused, at least not passed on", MQTT_4_7_3_1,
                 MQTT3_4_7_3_1)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_subscriber(t, "+", 1); /* would match the empty name */
    subscribe(subscriber, a, .qos = 1);
    lose_client_with_will(t, "");
    close_abruptly(connect_mortal(t, a, "sentinel will"));
    for (;;) { /* others may publish to topics of one level */
        const struct publish *publish = &expect_publish(subscriber)->packet.publish;
        if (publish->topic.length == 0)
            fail_expected(t, "no PUBLISH with an empty Topic Name", "the will of an empty Will Topic");
        if (is_text(publish->topic, a))
            return;
    }
}

CONFORMANCE_TEST(will_is_dropped_by_disconnect, V_ALL, NEEDS_NOTHING, "A normal DISCONNECT drops the will",
                 MQTT_3_1_2_8, MQTT3_3_1_2_8, MQTT_3_1_2_10, MQTT3_3_1_2_10)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_subscriber(t, a, 1);
    struct client *polite = connect_mortal(t, a, "polite");
    struct client *explicit = connect_mortal(t, a, "explicit");
    leave(polite);
    if (is_v5(t))
        SEND_HEX(explicit, "e0 02 00 00"); /* Reason Code 0x00 and an empty list of properties, spelled out */
    else
        SEND_HEX(explicit, "e0 00");
    close_abruptly(explicit);
    expect_no_will(subscriber, a); /* with its positive control inside */
}

CONFORMANCE_TEST(will_is_published_on_request, V5, NEEDS_NOTHING,
                 "DISCONNECT 0x04 (Disconnect with Will Message) has the will published", MQTT_3_1_2_8,
                 MQTT_3_1_2_10, D_3_1_2_5_3)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_subscriber(t, a, 1);
    struct client *mortal = connect_mortal(t, a, "with will");
    double died = now(t);
    disconnect(mortal, .reason_code = REASON_DISCONNECT_WITH_WILL_MESSAGE);
    expect_will(subscriber, a, "with will", died);
    expect_no_will(subscriber, a);
}

CONFORMANCE_TEST(will_is_published_after_disconnect_for_an_error, V5, NEEDS_NOTHING,
                 "A DISCONNECT that reports an error does not drop the will: only 0x00 does", MQTT_3_1_2_8,
                 MQTT_3_1_2_10, D_3_1_2_5_3)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_subscriber(t, a, 1);
    struct client *mortal = connect_mortal(t, a, "unspecified error");
    double died = now(t);
    disconnect(mortal, .reason_code = REASON_UNSPECIFIED_ERROR);
    expect_will(subscriber, a, "unspecified error", died);
    expect_no_will(subscriber, a);
}

/* A client with a will loses its Client Identifier to another that connects in the same way. */
static void take_over_with_will(struct test *t, bool clean_start)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_subscriber(t, a, 1);
    const char *identifier = client_id(t, "same");
    struct client *old = connect_client(t, .name = "old", .client_identifier = identifier,
                                        .clean_start = clean_start, .session_expiry_interval = LONG_SESSION,
                                        .will = {.topic = a, .payload = "taken over"});
    double died = now(t);
    struct client *new = connect_client(t, .name = "new", .client_identifier = identifier,
                                        .clean_start = clean_start, .session_expiry_interval = LONG_SESSION);
    expect_will(subscriber, a, "taken over", died);
    expect_closed(old);
    ping(new);
    expect_no_will(subscriber, a);
}

CONFORMANCE_TEST(
    will_is_published_on_takeover_with_clean_start, V5 | V311, NEEDS_NOTHING,
    "The will of a client is published when another with Clean Start 1 takes its identifier over",
    MQTT_3_1_2_8, MQTT3_3_1_2_8, D_3_1_4_2, D_3_1_2_5_4, D3_3_1_2_5_4)
{
    take_over_with_will(t, true);
}

CONFORMANCE_TEST(
    will_is_published_on_takeover_of_session, V5 | V311, NEEDS_NOTHING,
    "A will without delay is published when another connection takes over and continues the session",
    MQTT_3_1_2_8, MQTT3_3_1_2_8, D_3_1_4_2, D_3_1_2_5_4, D_3_1_3_2_2_1, D3_3_1_2_5_4)
{
    take_over_with_will(t, false);
}

CONFORMANCE_TEST(published_will_is_removed, V_ALL, NEEDS_NOTHING,
                 "A will that was published, or dropped, is not published at the end of a later connection",
                 MQTT_3_1_2_10, MQTT3_3_1_2_10, MQTT3_3_1_2_12)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_subscriber(t, a, 1);
    struct client *dies = connect_lasting_client(t, "dies", .will = {.topic = a, .payload = "died"});
    struct client *leaves = connect_lasting_client(t, "leaves", .will = {.topic = a, .payload = "left"});
    double died = now(t);
    close_abruptly(dies);
    expect_will(subscriber, a, "died", died);
    leave(leaves);

    dies = connect_lasting_client(t, "dies"); /* again, in the same sessions, without will */
    leaves = connect_lasting_client(t, "leaves");
    close_abruptly(dies);
    close_abruptly(leaves);
    expect_no_will(subscriber, a);
}

CONFORMANCE_TEST(no_will_without_will_flag, V_ALL, NEEDS_NOTHING,
                 "A client that connected with Will Flag 0 leaves no will, even after one with a will",
                 MQTT3_3_1_2_12, MQTT_3_1_2_10, MQTT3_3_1_2_10)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_subscriber(t, a, 1);
    const char *identifier = client_id(t, "same");
    struct client *with = connect_client(t, .name = "with will", .client_identifier = identifier,
                                         .clean_start = true, .will = {.topic = a, .payload = "first"});
    leave(with);
    struct client *without =
        connect_client(t, .name = "without will", .client_identifier = identifier, .clean_start = true);
    close_abruptly(without);
    expect_no_will(subscriber, a);
}

CONFORMANCE_TEST(will_is_that_of_the_latest_connect, V_ALL, NEEDS_NOTHING,
                 "The will that is published is the one of the connection that ended, not of one before",
                 MQTT_3_1_2_7, MQTT3_3_1_2_8, MQTT_3_1_2_8, MQTT_3_1_2_10, MQTT3_3_1_2_10)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_subscriber(t, a, 1);
    leave(connect_lasting_client(t, "client", .will = {.topic = a, .payload = "first"}));
    struct client *second = connect_lasting_client(t, "client", .will = {.topic = a, .payload = "second"});
    double died = now(t);
    close_abruptly(second);
    expect_will(subscriber, a, "second", died);
    expect_no_will(subscriber, a);
}

CONFORMANCE_TEST(will_of_a_refused_connect_is_not_published, V5 | V311, NEEDS_NOTHING,
                 "The will in a CONNECT that is refused is never published", MQTT_3_1_4_6, MQTT3_3_1_4_5,
                 MQTT3_3_1_2_8)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_subscriber(t, a, 1);
    struct client *refused = open_connection(t, .name = "refused");
    const char *will = text(t, "%s {%s} {no}", is_v5(t) ? "00" : "", a);
    send_connect_bytes(refused, .flags = 0x07, .will = will); /* the reserved flag is 1 */
    expect_refused(refused, .reason_code = REASON_MALFORMED_PACKET);
    expect_no_will(subscriber, a);
}

/* ---- How it is published ------------------------------------------------------------------------- */

CONFORMANCE_TEST(will_qos_is_used, V_ALL, NEEDS_QOS2, "The will is published with its Will QoS",
                 MQTT_3_1_2_12, MQTT3_3_1_2_9, MQTT3_3_1_2_14, MQTT_3_1_2_8, MQTT3_3_1_2_8)
{
    static const char *const names[] = {"QoS 0", "QoS 1", "QoS 2"};
    const char *a = topic(t, "a");
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    int granted = subscribe(subscriber, a, .qos = 2);
    for (int qos = 0; qos <= 2; qos++) {
        struct client *mortal = connect_mortal(t, a, names[qos], .qos = qos);
        close_abruptly(mortal);
        expect_publish(subscriber, .topic = a, .payload = names[qos], .qos = qos < granted ? qos : granted,
                       .dup = false);
    }
}

CONFORMANCE_TEST(will_is_stored_for_absent_subscribers, V_ALL, NEEDS_QOS1,
                 "A will of QoS 1 is kept for a subscriber that is away, like any message", MQTT_3_1_2_12,
                 MQTT3_3_1_2_9, MQTT_3_1_2_8, MQTT3_3_1_2_8)
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct client *witness = connect_subscriber(t, a, 1);
    struct client *absent = connect_lasting_client(t, "absent");
    subscribe(absent, a, .qos = 1);
    leave(absent);
    close_abruptly(connect_mortal(t, a, "kept will", .qos = 1));
    expect_publish(witness, .topic = a, .payload = "kept will");
    absent = connect_lasting_client(t, "absent");
    expect_publish(absent, .topic = a, .payload = "kept will", .qos = 1);
}

CONFORMANCE_TEST(will_retain_is_followed, V_ALL, NEEDS_RETAIN,
                 "A will with Will Retain 1 becomes a retained message, one with Will Retain 0 does not",
                 MQTT_3_1_2_15, MQTT3_3_1_2_17, MQTT_3_1_2_14, MQTT3_3_1_2_16)
{
    const char *filter = topic(t, "+");
    const char *plain = topic(t, "plain");
    const char *kept = topic(t, "kept");
    struct client *witness = connect_subscriber(t, filter, 1);
    close_abruptly(connect_mortal(t, plain, "plain will"));
    expect_publish(witness, .topic = plain, .payload = "plain will", .retain = false);
    close_abruptly(connect_mortal(t, kept, "retained will", .retain = true));
    expect_publish(witness, .topic = kept, .payload = "retained will", .retain = false);

    struct client *late = connect_subscriber(t, kept, 1);
    expect_publish(late, .topic = kept, .payload = "retained will", .retain = true);
    struct client *later = connect_subscriber(t, plain, 1);
    expect_nothing_before(later, .publisher = witness, .topic = plain);
    expect_nothing_more(later);
}

CONFORMANCE_TEST(will_without_retain_leaves_retained_message, V_ALL, NEEDS_RETAIN,
                 "A will with Will Retain 0 leaves the retained message of its topic as it is", MQTT_3_1_2_14,
                 MQTT3_3_1_2_16)
{
    const char *a = topic(t, "a");
    struct client *witness = connect_subscriber(t, a, 1);
    publish(witness, .topic = a, .payload = "retained", .retain = true, .qos = storing_qos(t));
    expect_publish(witness, .topic = a, .payload = "retained");
    close_abruptly(connect_mortal(t, a, "plain will"));
    expect_publish(witness, .topic = a, .payload = "plain will", .retain = false);
    struct client *late = connect_subscriber(t, a, 1);
    expect_publish(late, .topic = a, .payload = "retained", .retain = true);
}

CONFORMANCE_TEST(will_payload_is_binary, V5 | V311, NEEDS_NOTHING,
                 "A Will Payload can hold any bytes, and none", MQTT_3_1_2_7, MQTT3_3_1_2_8, MQTT_3_1_2_8,
                 D3_3_1_3_3_1, D3_3_1_3_3_2)
{
    static const uint8_t any[] = {0x00, 0xFF, 0xC0, 0x80, 0x00, 0x0A};
    const char *a = topic(t, "a");
    struct client *subscriber = connect_subscriber(t, a, 1);
    struct bytes payload = bytes_of(any, sizeof any);
    close_abruptly(connect_client(t, .clean_start = true, .will = {.topic = a, .payload_bytes = payload}));
    expect_publish(subscriber, .topic = a, .payload_bytes = payload);
    close_abruptly(connect_client(t, .clean_start = true, .will = {.topic = a, .payload = ""}));
    expect_publish(subscriber, .topic = a, .payload = "");
}
