/* 4.11 Server redirection */
#include "../test.h"

static void expect_redirection(struct test *t, const char *configuration, uint8_t reason_code)
{
    struct broker *broker = start_broker(t, configuration);
    struct client *client = send_connect(t, .broker = broker, .clean_start = true);
    const struct received *connack = expect_connack(client, .reason_code = ANY);
    uint8_t code = connack->packet.connack.reason_code;
    if (code < 0x80) { /* sent elsewhere only later, which is as legal */
        const struct received *disconnect = expect_packet(client, PACKET_DISCONNECT);
        code = disconnect->packet.disconnect.reason_code;
        connack = disconnect;
    }
    const struct properties *properties = connack->packet.type == PACKET_CONNACK
                                              ? &connack->packet.connack.properties
                                              : &connack->packet.disconnect.properties;
    if (code != reason_code)
        fail_expected(t, text(t, "Reason Code 0x%02X", reason_code), "%s",
                      describe_packet(t, &connack->packet));
    if (properties_has(properties, ORDINAL_SERVER_REFERENCE))
        note(t, "with a Server Reference");
    expect_closed(client);
}

CONFORMANCE_TEST(temporary_redirection, V5, NEEDS_PROFILE,
                 "A server that sends clients elsewhere for now says 0x9C (Use another server) and closes",
                 R_4_11_1, R_3_2_2_3_16_1, MQTT_4_13_2_1, MQTT_3_2_2_7)
{
    expect_redirection(t, "redirect-temporary", REASON_USE_ANOTHER_SERVER);
}

CONFORMANCE_TEST(permanent_redirection, V5, NEEDS_PROFILE,
                 "A server that has moved says 0x9D (Server moved) and closes", R_4_11_1, R_3_2_2_3_16_1,
                 MQTT_4_13_2_1, MQTT_3_2_2_7)
{
    expect_redirection(t, "redirect-permanent", REASON_SERVER_MOVED);
}

/* A reference that stands beside any other Reason Code would send clients away that are served. */
CONFORMANCE_TEST(server_reference_only_in_redirection, V5, NEEDS_NOTHING,
                 "A Server Reference comes with 0x9C and 0x9D only", R_3_2_2_3_16_1, R_3_14_2_2_5_1)
{
    const struct received *received;
    struct client *served = connect_client(t, .name = "served", .clean_start = true);
    if (properties_has(&served->connack->packet.connack.properties, ORDINAL_SERVER_REFERENCE))
        fail_expected(t, "no Server Reference in a CONNACK of success", "%s",
                      describe_packet(t, &served->connack->packet));
    SEND_TEMPLATE(served, "36 06 {a} 00 01 00"); /* QoS 3: ends the connection */
    while (receive(served, &received) == RECEIVED_PACKET)
        if (received->packet.type == PACKET_DISCONNECT &&
            properties_has(&received->packet.disconnect.properties, ORDINAL_SERVER_REFERENCE))
            fail_expected(t, "no Server Reference", "%s", describe_packet(t, &received->packet));
}
