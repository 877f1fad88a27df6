/* 3.6 PUBREL. Its flags: 2_1_fixed_header.c */
#include "3_04_acknowledgement.h"

CONFORMANCE_TEST(pubrel_forms_are_accepted, V_ALL, NEEDS_QOS2,
                 "A PUBREL may leave out Reason Code and Property Length, and may have properties",
                 R_3_6_2_1_1, D_3_6_2_2_1_1, MQTT_4_3_3_11, MQTT3_4_3_3_2)
{
    check_accepted_forms(t, DUE_PUBREL);
}

CONFORMANCE_TEST(pubrel_without_exchange_is_answered, V_ALL, NEEDS_QOS2,
                 "A PUBREL that the server knows nothing of, or comes again, is answered with PUBCOMP",
                 MQTT_4_3_3_11, MQTT3_4_3_3_2)
{
    struct client *client = connect_client(t, .clean_start = true);
    const struct received *got = provoke(client, PACKET_PUBCOMP);
    note(t, "the server answered with %s", describe_packet(t, &got->packet));
    uint16_t id = make_due(client, DUE_PUBREL);
    for (int i = 0; i < 3; i++) {
        send_acknowledgement(client, PACKET_PUBREL, id, i == 2 ? REASON_PACKET_IDENTIFIER_NOT_FOUND : 0);
        got = expect_packet(client, PACKET_PUBCOMP);
        require(t, got->packet.acknowledgement.packet_identifier == id, "the answer to PUBREL %u was %s", id,
                describe_packet(t, &got->packet));
    }
}

CONFORMANCE_TEST(repeated_reason_string_in_pubrel_is_refused, V5, NEEDS_QOS2,
                 "A PUBREL with two Reason Strings ends the connection", P_3_6_2_2_2_1)
{
    check_repeated_reason_string(t, DUE_PUBREL);
}

CONFORMANCE_TEST(pubrel_of_the_server_is_in_form, V_ALL, NEEDS_QOS2,
                 "The server's PUBREL has a Reason Code of the list, and its fields in order", MQTT_3_6_2_1,
                 D_3_6_2_1, R_3_6_2_1_2, MQTT_2_2_1_5, MQTT3_2_3_1_6, D3_3_6_1_1, D3_3_6_2_1, D3_3_6_3_1,
                 D3_7_1_1_1)
{
    static const uint8_t codes[] = {0x92, 0};
    struct client *client = connect_client(t, .clean_start = true);
    check_form(client, provoke(client, PACKET_PUBREL), codes);
}

CONFORMANCE_TEST(pubrel_keeps_to_maximum_packet_size, V5, NEEDS_QOS2,
                 "The server's PUBREL has no Reason String or User Property that makes it too large",
                 MQTT_3_6_2_2, MQTT_3_6_2_3)
{
    check_size_limit(t, PACKET_PUBREL);
}
