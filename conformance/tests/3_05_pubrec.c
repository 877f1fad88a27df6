/* 3.5 PUBREC */
#include "3_04_acknowledgement.h"

CONFORMANCE_TEST(pubrec_forms_are_accepted, V_ALL, NEEDS_QOS2,
                 "A PUBREC may leave out Reason Code and Property Length, and may have properties",
                 R_3_5_2_1_1, D_3_5_2_2_1_1, MQTT_4_3_3_4, MQTT3_4_3_3_1)
{
    check_accepted_forms(t, DUE_PUBREC);
}

static const uint8_t pubrec_errors[] = {0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99, 0};

CONFORMANCE_TEST(pubrec_with_error_ends_the_exchange, V5, NEEDS_QOS2,
                 "A PUBREC with an error ends the exchange: no PUBREL, and the next message may be sent",
                 R_4_9_1, MQTT_4_4_0_2, R_4_3_3_1)
{
    for (const uint8_t *code = pubrec_errors; *code != 0; code++) {
        struct exchange exchange = exchange_begin(t, DUE_PUBREC);
        expect_no_reaction(exchange.client, PACKET_PUBLISH);
        exchange_acknowledge(&exchange, text(t, "%02x", *code));
        exchange_expect_end(&exchange);
        disconnect(exchange.client);
    }
}

CONFORMANCE_TEST(repeated_reason_string_in_pubrec_is_refused, V5, NEEDS_QOS2,
                 "A PUBREC with two Reason Strings ends the connection", P_3_5_2_2_2_1)
{
    check_repeated_reason_string(t, DUE_PUBREC);
}

CONFORMANCE_TEST(pubrec_of_the_server_is_in_form, V_ALL, NEEDS_QOS2,
                 "The server's PUBREC has a Reason Code of the list, and its fields in order", MQTT_3_5_2_1,
                 D_3_5_2_1, R_3_5_2_1_2, MQTT3_4_3_3_2, D3_3_5_1_1, D3_3_5_2_1, D3_3_5_3_1, D3_7_1_1_1)
{
    static const uint8_t codes[] = {0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99, 0};
    const char *a = topic(t, "a");
    struct client *client = connect_client(t, .clean_start = true);
    check_form(client, provoke(client, PACKET_PUBREC), codes);
    subscribe(client, a, .qos = 0);
    uint16_t sent = send_publish(client, .topic = a, .payload = "m", .qos = 2);
    check_form(client, expect_pubrec(client, sent), codes);
    send_publish(client, .topic = a, .payload = "m", .qos = 2, .packet_identifier = sent, .dup = true);
    check_form(client, expect_pubrec(client, sent), codes);
}

CONFORMANCE_TEST(pubrec_keeps_to_maximum_packet_size, V5, NEEDS_QOS2,
                 "The server's PUBREC has no Reason String or User Property that makes it too large",
                 MQTT_3_5_2_2, MQTT_3_5_2_3)
{
    check_size_limit(t, PACKET_PUBREC);
}
