/* 3.12 PINGREQ, 3.13 PINGRESP */
#include "../test.h"

CONFORMANCE_TEST(pingreq_is_answered, V_ALL, NEEDS_NOTHING, "A PINGREQ is answered with a PINGRESP",
                 MQTT_3_12_4_1, MQTT3_3_12_4_1)
{
    struct client *client = connect_client(t, .clean_start = true);
    send_pingreq(client);
    expect_packet(client, PACKET_PINGRESP);
}

CONFORMANCE_TEST(every_pingreq_is_answered, V_ALL, NEEDS_NOTHING,
                 "Several PINGREQ sent in one go are answered with as many PINGRESP", MQTT_3_12_4_1,
                 MQTT3_3_12_4_1)
{
    struct client *client = connect_client(t, .clean_start = true);
    SEND_HEX(client, "c0 00  c0 00  c0 00");
    for (int i = 0; i < 3; i++)
        expect_packet(client, PACKET_PINGRESP);
}

CONFORMANCE_TEST(pingreq_is_answered_with_keep_alive_off_and_on, V_ALL, NEEDS_NOTHING,
                 "A PINGREQ is answered whatever the Keep Alive, and however often it comes", MQTT_3_12_4_1,
                 MQTT3_3_12_4_1, D3_3_1_2_10_1)
{
    static const uint16_t keep_alives[] = {0, 60, 65535};
    for (size_t i = 0; i < 3; i++) {
        struct client *client = connect_client(t, .clean_start = true, .keep_alive = keep_alives[i]);
        for (int pings = 0; pings < 20; pings++) {
            send_pingreq(client);
            expect_packet(client, PACKET_PINGRESP);
        }
    }
}

CONFORMANCE_TEST(pingresp_is_two_bytes, V_ALL, NEEDS_NOTHING,
                 "A PINGRESP has neither Variable Header nor payload", D_3_13_2_1, D_3_13_3_1, MQTT3_3_12_4_1,
                 D3_3_13_2_1, D3_3_13_3_1, D3_7_1_1_1)
{
    struct client *client = connect_client(t, .clean_start = true);
    send_pingreq(client);
    const struct received *answer = expect_packet(client, PACKET_PINGRESP);
    require(t, answer->bytes.length == 2 && answer->bytes.data[0] == 0xd0 && answer->bytes.data[1] == 0,
            "the PINGRESP is not d0 00 but %zu bytes beginning with %02x %02x", answer->bytes.length,
            answer->bytes.data[0], answer->bytes.data[1]);
}

/* Nothing names this an error, and 4.13.1 leaves the rigour of checks to the server; 3.1.1 is silent, too. */
CONFORMANCE_TEST(
    pingreq_with_content_is_refused, V_ALL, NEEDS_NOTHING,
    "A PINGREQ with bytes after its fixed header is malformed, and had better end the connection", D_3_12_2_1,
    D_3_12_3_1, D3_3_12_2_1, D3_3_12_3_1)
{
    static const char *const forms[] = {"c0 01 00", "c0 02 00 00", "c0 05 00 03 61 62 63"};
    for (size_t i = 0; i < 3; i++) {
        struct client *client = connect_client(t, .clean_start = true);
        ping(client);
        SEND_HEX(client, forms[i]);
        const struct received *answer;
        enum outcome outcome = receive(client, &answer);
        if (outcome == RECEIVED_PACKET && answer->packet.type == PACKET_PINGRESP) {
            warn(t, "a PINGREQ with content was taken for a good one: %s", forms[i]);
            expect_open(client); /* then at least in step with what follows */
            continue;
        }
        if (outcome == RECEIVED_TIMEOUT)
            fail_expected(t, "the connection to be closed, or a PINGRESP", "%s",
                          describe_state(client, outcome));
        if (outcome == RECEIVED_PACKET && answer->packet.type != PACKET_DISCONNECT)
            fail_expected(t, "DISCONNECT, or the connection closed", "%s",
                          describe_packet(t, &answer->packet));
        expect_closed(client);
    }
}
