/* 3.3.1.1 DUP */
#include "3_01_session.h"
#include "3_03_publish.h"

/* Publishes with DUP set by the client; what the subscriber gets must not show it. */
static void check_dup_is_not_propagated(struct test *t, int published, int granted)
{
    const char *a = topic(t, text(t, "a%d%d", published, granted));
    struct client *subscriber = connect_client(t, .clean_start = true);
    struct client *publisher = connect_client(t, .clean_start = true);
    subscribe(subscriber, a, .qos = granted);
    publish(publisher, .topic = a, .payload = "first", .qos = published, .dup = true);
    expect_publish(subscriber, .topic = a, .payload = "first", .dup = 0);
    publish(publisher, .topic = a, .payload = "second", .qos = published);
    expect_publish(subscriber, .topic = a, .payload = "second", .dup = 0);
}

CONFORMANCE_TEST(dup_is_not_propagated_at_qos_1, V5 | V311, NEEDS_QOS1,
                 "The DUP flag of a client's QoS 1 PUBLISH is not passed on to subscribers", MQTT_3_3_1_3,
                 MQTT3_3_3_1_3, D_3_3_1_1_1, D3_3_3_1_1_1)
{
    check_dup_is_not_propagated(t, 1, 1);
}

CONFORMANCE_TEST(dup_is_not_propagated_at_qos_2, V5 | V311, NEEDS_QOS2,
                 "The DUP flag of a client's QoS 2 PUBLISH is not passed on to subscribers", MQTT_3_3_1_3,
                 MQTT3_3_3_1_3, D_3_3_1_1_1, D3_3_3_1_1_1)
{
    check_dup_is_not_propagated(t, 2, 2);
    check_dup_is_not_propagated(t, 2, 1);
}

CONFORMANCE_TEST(dup_is_0_at_qos_0, V5 | V311, NEEDS_QOS1,
                 "A message that was published with DUP goes to a QoS 0 subscription with DUP 0",
                 MQTT_3_3_1_2, MQTT3_3_3_1_2, MQTT_3_3_1_3, MQTT3_3_3_1_3)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_client(t, .clean_start = true);
    struct client *publisher = connect_client(t, .clean_start = true);
    subscribe(subscriber, a, .qos = 0);
    publish(publisher, .topic = a, .payload = "message", .qos = 1, .dup = true);
    expect_publish(subscriber, .topic = a, .payload = "message", .qos = 0, .dup = 0);
}

/* A client must not set DUP at QoS 0, and no reaction is laid down; only passing the flag on is wrong. */
CONFORMANCE_TEST(dup_of_a_qos_0_publish_is_not_propagated, V5 | V311, NEEDS_NOTHING,
                 "DUP at QoS 0 is refused or ignored, but not passed on", MQTT_3_3_1_2, MQTT3_3_3_1_2,
                 MQTT_3_3_1_3, MQTT3_3_3_1_3)
{
    const char *a = topic(t, "a");
    const char *properties = is_v5(t) ? "00" : "";
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *other = connect_client(t, .name = "other", .clean_start = true);
    subscribe(subscriber, a, .qos = 0);
    publish(publisher, .topic = a, .payload = "control", .qos = 0);
    expect_publish(subscriber, .topic = a, .payload = "control", .qos = 0, .dup = 0);
    SEND_TEMPLATE(publisher, "38 %02x {%s} %s 64", string_size(a) + (is_v5(t) ? 2U : 1U), a, properties);
    send_pingreq(publisher);
    const struct received *answer = NULL;
    enum outcome outcome = receive(publisher, &answer);
    if (outcome == RECEIVED_TIMEOUT)
        fail(t, "a QoS 0 PUBLISH with DUP was neither refused, nor did the server answer a PINGREQ after it");
    bool refused = outcome == RECEIVED_CLOSED || answer->packet.type != PACKET_PINGRESP;
    note(t, refused ? "the server refuses DUP at QoS 0" : "the server ignores DUP at QoS 0");
    const struct received *got[2];
    size_t count =
        collect_before(subscriber, got, 2, .publisher = refused ? other : publisher, .topic = a, .qos = 0);
    for (size_t i = 0; i < count && i < 2; i++)
        require(t, !got[i]->packet.publish.dup, "the server sent %s", describe_packet(t, &got[i]->packet));
}

/* A PUBLISH that was received but not acknowledged comes again with DUP when the session is resumed. */
static void check_redelivery_has_dup(struct test *t, int qos)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_lasting(t, "sub");
    if (subscribe(subscriber, a, .qos = qos) < qos)
        skip(t, "the server granted less than QoS %d", qos);
    publish(publisher, .topic = a, .payload = "message", .qos = qos);
    const struct received *first = expect_publish(subscriber, .topic = a, .payload = "message", .qos = qos,
                                                  .dup = 0, .acknowledge = false);
    close_abruptly(subscriber);

    subscriber = resume(t, "sub");
    const struct received *again =
        expect_publish(subscriber, .topic = a, .payload = "message", .qos = qos, .dup = 1);
    uint16_t before = first->packet.publish.packet_identifier;
    uint16_t after = again->packet.publish.packet_identifier;
    if (before != after)
        fail_statement(t, MQTT_4_4_0_1, MQTT3_4_4_0_1, "the redelivery under the original Packet Identifier",
                       "%u instead of %u", after, before);
    publish(publisher, .topic = a, .payload = "next", .qos = qos);
    expect_publish(subscriber, .topic = a, .payload = "next", .qos = qos, .dup = 0);
}

CONFORMANCE_TEST(redelivery_has_dup_at_qos_1, V_ALL, NEEDS_QOS1,
                 "An unacknowledged QoS 1 PUBLISH is sent again with DUP set, the next one without",
                 MQTT_3_3_1_1, MQTT3_3_3_1_1, MQTT_4_4_0_1, MQTT3_4_4_0_1)
{
    check_redelivery_has_dup(t, 1);
}

CONFORMANCE_TEST(redelivery_has_dup_at_qos_2, V_ALL, NEEDS_QOS2,
                 "A QoS 2 PUBLISH without PUBREC is sent again with DUP set, the next one without",
                 MQTT_3_3_1_1, MQTT3_3_3_1_1, MQTT_4_4_0_1, MQTT3_4_4_0_1)
{
    check_redelivery_has_dup(t, 2);
}

CONFORMANCE_TEST(queued_message_has_dup_0, V5 | V311, NEEDS_QOS1,
                 "A message that waited for its subscriber and was never sent before has DUP 0", MQTT_3_3_1_3,
                 MQTT3_3_3_1_3, D_3_3_1_1_1, D3_3_3_1_1_1)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_lasting(t, "sub");
    subscribe(subscriber, a, .qos = 1);
    leave(subscriber); /* else the server might send the message to this connection */
    publish(publisher, .topic = a, .payload = "waiting", .qos = 1, .dup = true);
    subscriber = resume(t, "sub");
    expect_publish(subscriber, .topic = a, .payload = "waiting", .dup = 0);
}
