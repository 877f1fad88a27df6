/* 3.7 PUBCOMP */
#include "3_04_acknowledgement.h"

CONFORMANCE_TEST(pubcomp_forms_are_accepted, V5, NEEDS_QOS2,
                 "A PUBCOMP may leave out Reason Code and Property Length, and may have properties",
                 R_3_7_2_1_1, D_3_7_2_2_1_1, D_4_9_2)
{
    check_accepted_forms(t, DUE_PUBCOMP);
}

CONFORMANCE_TEST(pubcomp_with_error_ends_the_exchange, V5, NEEDS_QOS2,
                 "A PUBCOMP with Reason Code 0x92 ends the exchange like any other", D_4_9_2)
{
    struct exchange exchange = exchange_begin(t, DUE_PUBCOMP);
    expect_no_reaction(exchange.client, PACKET_PUBLISH);
    exchange_acknowledge(&exchange, "92");
    exchange_expect_end(&exchange);
}

CONFORMANCE_TEST(repeated_reason_string_in_pubcomp_is_refused, V5, NEEDS_QOS2,
                 "A PUBCOMP with two Reason Strings ends the connection", P_3_7_2_2_2_1)
{
    check_repeated_reason_string(t, DUE_PUBCOMP);
}

CONFORMANCE_TEST(pubcomp_of_the_server_is_in_form, V_ALL, NEEDS_QOS2,
                 "The server's PUBCOMP has a Reason Code of the list, and its fields in order", MQTT_3_7_2_1,
                 D_3_7_2_1, R_3_7_2_1_2, MQTT_4_3_3_11, MQTT3_4_3_3_2, D3_3_7_1_1, D3_3_7_2_1, D3_3_7_3_1,
                 D3_7_1_1_1)
{
    static const uint8_t codes[] = {0x92, 0};
    struct client *client = connect_client(t, .clean_start = true);
    check_form(client, provoke(client, PACKET_PUBCOMP), codes);
    uint16_t id = make_due(client, DUE_PUBREL);
    send_acknowledgement(client, PACKET_PUBREL, id, 0);
    const struct received *got = expect_pubcomp(client, id);
    check_form(client, got, codes);
    require(t, got->packet.acknowledgement.reason_code == 0, "a complete exchange ended with %s",
            describe_packet(t, &got->packet));
}

CONFORMANCE_TEST(pubcomp_keeps_to_maximum_packet_size, V5, NEEDS_QOS2,
                 "The server's PUBCOMP has no Reason String or User Property that makes it too large",
                 MQTT_3_7_2_2, MQTT_3_7_2_3)
{
    check_size_limit(t, PACKET_PUBCOMP);
}
