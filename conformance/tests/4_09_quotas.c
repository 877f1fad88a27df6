/* 4.9 Flow Control: quotas of several clients, of both directions, and large ones */
#include "3_03_publish.h"

static const char *number(struct test *t, int i)
{
    return text(t, "%d", i);
}

CONFORMANCE_TEST(
    send_quota_belongs_to_one_client, V5, NEEDS_QOS1,
    "A client whose quota is used up holds up no other client, with or without a Receive Maximum", D_4_3_2,
    MQTT_4_9_0_2)
{
    enum { COUNT = 10 };
    static const int64_t maxima[] = {1, 2, ABSENT};
    const char *a = topic(t, "a");
    struct client *clients[3];
    const struct received *first[3];
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    for (size_t i = 0; i < 3; i++) {
        clients[i] = connect_client(t, .clean_start = true, .receive_maximum = maxima[i]);
        subscribe(clients[i], a, .qos = 1);
    }
    publish(publisher, .topic = a, .payload = number(t, 0), .qos = 1);
    for (size_t i = 0; i < 3;
         i++) /* the third one's quota is never used up, however small the server makes it */
        first[i] = expect_publish(clients[i], .payload = number(t, 0), .acknowledge = i == 2);
    for (int i = 1; i < COUNT; i++) {
        publish(publisher, .topic = a, .payload = number(t, i), .qos = 1);
        expect_publish(clients[2], .payload = number(t, i), .qos = 1);
    }
    const struct received *early;
    ping(clients[0]);
    if (receive_publish(clients[0], now(t), &early) == RECEIVED_PACKET)
        fail_expected(t, "one message under way with a Receive Maximum of 1", "%s",
                      describe_packet(t, &early->packet));
    for (size_t i = 0; i < 2; i++) {
        acknowledge(clients[i], first[i]);
        for (int j = 1; j < COUNT; j++)
            expect_publish(clients[i], .payload = number(t, j), .qos = 1, .dup = 0);
    }
}

/* The client owes the server an acknowledgement, and the server the client. */
CONFORMANCE_TEST(send_quotas_of_both_directions_are_apart, V5, NEEDS_QOS2,
                 "A client whose messages are not finished gets its own, and the other way round",
                 MQTT_4_9_0_3, MQTT_4_9_0_2, MQTT_3_3_4_10)
{
    const char *a = topic(t, "a");
    const char *b = topic(t, "b");
    struct client *client = connect_client(t, .name = "client", .clean_start = true, .receive_maximum = 1);
    struct client *other = connect_client(t, .name = "other", .clean_start = true);
    subscribe(client, a, .qos = 1);
    subscribe(other, b, .qos = 2);
    publish(other, .topic = a, .payload = "one", .qos = 1);
    publish(other, .topic = a, .payload = "two", .qos = 1);
    const struct received *one = expect_publish(client, .payload = "one", .acknowledge = false);
    const uint16_t id = send_publish(client, .topic = b, .payload = "ours", .qos = 2);
    expect_pubrec(client, id); /* the server's quota is used up; this is no PUBLISH */
    acknowledge(client, one);  /* ours is not finished; that is no reason to wait */
    expect_publish(client, .payload = "two");
    send_acknowledgement(client, PACKET_PUBREL, id, 0);
    expect_pubcomp(client, id);
    expect_publish(other, .topic = b, .payload = "ours", .qos = 2);
    expect_nothing_before(other, .publisher = client, .topic = b, .qos = 2);
}

CONFORMANCE_TEST(receive_maximum_of_65535_is_accepted, V5, NEEDS_QOS1,
                 "With the largest Receive Maximum all messages come, as many at a time as the server likes",
                 MQTT_4_5_0_1, MQTT_4_6_0_5)
{
    enum { COUNT = 100 };
    const char *a = topic(t, "a");
    struct client *client =
        connect_client(t, .name = "client", .clean_start = true, .receive_maximum = UINT16_MAX);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    subscribe(client, a, .qos = 1);
    for (int i = 0; i < COUNT; i++)
        publish(publisher, .topic = a, .payload = number(t, i), .qos = 1);
    ping(client);
    int taken = 0;
    const struct received *got[COUNT];
    while (taken < COUNT && receive_publish(client, now(t) + 0.2, &got[taken]) == RECEIVED_PACKET)
        taken++;
    require(t, taken > 0, "no message came at all");
    note(t, "the server had %d of %d messages under way at a time", taken, COUNT);
    for (int i = 0; i < COUNT; i++) {
        if (i >= taken)
            got[i] = expect_publish(client, .qos = 1, .acknowledge = false);
        require(t, is_text(got[i]->packet.publish.payload, number(t, i)), "instead of message %d came %s", i,
                describe_packet(t, &got[i]->packet));
        acknowledge(client, got[i]);
    }
}
