/* 4.9 Flow Control (MQTT 5.0). More on Receive Maximum: 3_03_4_receive_maximum.c */
#include "3_03_publish.h"
#include "4_09_window.h"

#define MESSAGES 12

static struct client *limited_client(struct test *t, int maximum)
{
    return connect_client(t, .name = "sub", .client_identifier = client_id(t, "sub"), .clean_start = false,
                          .session_expiry_interval = SESSION_SECONDS, .receive_maximum = maximum);
}

static const char *message(struct test *t, int number)
{
    return text(t, "message %d", number);
}

static void publish_some(struct test *t, const char *topic_name, int first, int count, int qos)
{
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    for (int i = first; i < first + count; i++)
        publish(publisher, .topic = topic_name, .payload = message(t, i), .qos = qos);
    disconnect(publisher);
}

/* Takes what is there now; at least one message has to come. */
static int take_all(struct client *client, const struct received **list, int capacity)
{
    struct test *t = client->test;
    int count = 0;
    list[count++] = expect_publish(client, .acknowledge = false);
    settle(client);
    while (count < capacity && receive_publish(client, now(t), &list[count]) == RECEIVED_PACKET)
        count++;
    return count;
}

/* Never more than `maximum` are under way, and in the end all have come. */
static void check_quota(struct test *t, int qos, int maximum)
{
    const char *a = topic(t, text(t, "a%d%d", qos, maximum));
    struct client *client = connect_client(t, .name = text(t, "Receive Maximum %d", maximum),
                                           .clean_start = true, .receive_maximum = maximum);
    if (subscribe(client, a, .qos = qos) < qos)
        skip(t, "the server granted less than QoS %d", qos);
    publish_some(t, a, 0, MESSAGES, qos);
    const struct received *got[MESSAGES];
    take_through_window(client, a, (unsigned)maximum, got, MESSAGES);
    for (int i = 0; i < MESSAGES; i++)
        require(t, is_text(got[i]->packet.publish.payload, message(t, i)), "message %d was %s", i,
                describe_packet(t, &got[i]->packet));
}

CONFORMANCE_TEST(send_quota_is_kept_at_qos_1, V5, NEEDS_QOS1,
                 "QoS 1 messages under way never exceed Receive Maximum, and one PUBACK makes room for one",
                 MQTT_4_9_0_2, MQTT_4_9_0_1, D_4_9_2)
{
    static const int maxima[] = {1, 2, 5};
    for (size_t i = 0; i < sizeof maxima / sizeof *maxima; i++)
        check_quota(t, 1, maxima[i]);
}

CONFORMANCE_TEST(send_quota_is_kept_at_qos_2, V5, NEEDS_QOS2,
                 "QoS 2 messages under way never exceed Receive Maximum, and one PUBCOMP makes room for one",
                 MQTT_4_9_0_2, MQTT_4_9_0_1, D_4_9_2)
{
    static const int maxima[] = {1, 2, 5};
    for (size_t i = 0; i < sizeof maxima / sizeof *maxima; i++)
        check_quota(t, 2, maxima[i]);
}

/* A client whose quota is used up by the first of three messages. */
static struct client *exhausted_client(struct test *t, const char *topic_name, uint16_t *identifier)
{
    struct client *client = connect_client(t, .name = "client", .clean_start = true, .receive_maximum = 1);
    subscribe(client, topic_name, .qos = 1);
    publish_some(t, topic_name, 0, 3, 1);
    const struct received *got = expect_publish(client, .payload = message(t, 0), .acknowledge = false);
    *identifier = got->packet.publish.packet_identifier;
    return client;
}

CONFORMANCE_TEST(other_packets_go_on_at_quota_0, V5, NEEDS_QOS2,
                 "With the send quota at 0 the server goes on with all other Control Packets", MQTT_4_9_0_3,
                 MQTT_4_9_0_2)
{
    const char *a = topic(t, "a");
    const char *b = topic(t, "b");
    uint16_t id;
    struct client *client = exhausted_client(t, a, &id);
    struct client *other = connect_client(t, .name = "other", .clean_start = true);
    subscribe(other, b, .qos = 2);
    ping(client);
    subscribe(client, topic(t, "c"), .qos = 1);
    unsubscribe(client, topic(t, "c"));
    for (int qos = 0; qos <= 2; qos++) {
        publish(client, .topic = b, .payload = text(t, "at QoS %d", qos), .qos = qos);
        expect_publish(other, .topic = b, .payload = text(t, "at QoS %d", qos));
    }
    settle(client);
    const struct received *early;
    if (receive_publish(client, now(t), &early) == RECEIVED_PACKET)
        fail_expected(t, "no second message under way", "%s", describe_packet(t, &early->packet));
    send_acknowledgement(client, PACKET_PUBACK, id, 0);
    expect_publish(client, .payload = message(t, 1));
    expect_publish(client, .payload = message(t, 2));
}

CONFORMANCE_TEST(exchange_of_a_qos_2_message_goes_on_at_quota_0, V5, NEEDS_QOS2,
                 "With the send quota at 0 the server answers PUBREC with PUBREL", MQTT_4_9_0_3, MQTT_4_9_0_2)
{
    const char *a = topic(t, "a");
    struct client *client = connect_client(t, .name = "client", .clean_start = true, .receive_maximum = 1);
    if (subscribe(client, a, .qos = 2) < 2)
        skip(t, "the server granted less than QoS 2");
    publish_some(t, a, 0, 2, 2);
    const struct received *got = expect_publish(client, .payload = message(t, 0), .acknowledge = false);
    uint16_t id = got->packet.publish.packet_identifier;
    send_acknowledgement(client, PACKET_PUBREC, id, 0);
    expect_pubrel(client, id);
    settle(client);
    const struct received *early;
    if (receive_publish(client, now(t), &early) == RECEIVED_PACKET)
        fail_expected(t, "no second message before PUBCOMP", "%s", describe_packet(t, &early->packet));
    send_acknowledgement(client, PACKET_PUBCOMP, id, 0);
    expect_publish(client, .payload = message(t, 1));
}

CONFORMANCE_TEST(qos_0_is_sent_or_held_back_at_quota_0, V5, NEEDS_QOS1,
                 "QoS 0 messages at quota 0 may be sent or held back; they leave the quota alone", D_4_9_1,
                 MQTT_4_9_0_2)
{
    const char *a = topic(t, "a");
    const char *b = topic(t, "b");
    uint16_t id;
    struct client *client = exhausted_client(t, a, &id);
    struct client *other = connect_client(t, .name = "other", .clean_start = true);
    subscribe(client, b, .qos = 0);
    for (int i = 0; i < 5; i++)
        publish(other, .topic = b, .payload = "at QoS 0");
    ping(other);
    settle(client);
    const struct received *got;
    int count = 0;
    while (receive_publish(client, now(t), &got) == RECEIVED_PACKET) {
        if (got->packet.publish.qos > 0)
            fail_expected(t, "no second message under way", "%s", describe_packet(t, &got->packet));
        count++;
    }
    note(t, count > 0 ? "QoS 0 messages are sent at quota 0" : "QoS 0 messages are held back or dropped");
    send_acknowledgement(client, PACKET_PUBACK, id, 0);
    do
        got = expect_publish(client);
    while (got->packet.publish.qos == 0);
    require(t, is_text(got->packet.publish.payload, message(t, 1)), "the next message was %s",
            describe_packet(t, &got->packet));
}

/* ---- Quota and connections ---------------------------------------------------------------------------- */

CONFORMANCE_TEST(send_quota_begins_anew_with_each_connection, V5, NEEDS_QOS1,
                 "The Receive Maximum of the new connection counts, and counts for messages sent again",
                 D_4_9_4, MQTT_4_9_0_2)
{
    const char *a = topic(t, "a");
    const struct received *got[8];
    struct client *client = limited_client(t, 4);
    subscribe(client, a, .qos = 1);
    publish_some(t, a, 0, 8, 1);
    int before = take_all(client, got, 8);
    require(t, before <= 4, "%d messages under way with a Receive Maximum of 4", before);
    close_abruptly(client);
    client = limited_client(t, 1);
    demand_session(client);
    int after = take_all(client, got, 8);
    require(t, after == 1, "%d messages under way with a Receive Maximum of 1", after);
    acknowledge(client, got[0]);
    for (int i = 1; i < 8; i++) {
        const struct received *early;
        const struct received *next = expect_publish(client, .payload = message(t, i), .acknowledge = false);
        settle(client);
        require(t, receive_publish(client, now(t), &early) != RECEIVED_PACKET,
                "a second message was under way with a Receive Maximum of 1");
        acknowledge(client, next);
    }
}

/* A PUBCOMP for an exchange of an earlier connection finds the quota full. */
CONFORMANCE_TEST(send_quota_does_not_grow_beyond_its_beginning, V5, NEEDS_QOS2,
                 "The PUBCOMP of an exchange of the connection before does not raise the quota", D_4_9_3,
                 MQTT_4_9_0_2)
{
    const char *a = topic(t, "a");
    struct client *client = limited_client(t, 1);
    if (subscribe(client, a, .qos = 2) < 2)
        skip(t, "the server granted less than QoS 2");
    publish_some(t, a, 0, 1, 2);
    const struct received *got[4];
    take_all(client, got, 4);
    uint16_t id = got[0]->packet.publish.packet_identifier;
    send_acknowledgement(client, PACKET_PUBREC, id, 0);
    expect_pubrel(client, id);
    close_abruptly(client);
    client = limited_client(t, 1);
    expect_pubrel(client, id);
    send_acknowledgement(client, PACKET_PUBCOMP, id, 0);
    ping(client);
    publish_some(t, a, 1, 3, 2);
    int count = take_all(client, got, 4);
    require(t, count == 1, "%d messages under way with a Receive Maximum of 1", count);
}
