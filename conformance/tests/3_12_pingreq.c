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
