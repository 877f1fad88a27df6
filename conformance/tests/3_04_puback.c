/* 3.4 PUBACK */
#include "3_04_acknowledgement.h"

CONFORMANCE_TEST(puback_forms_are_accepted, V5, NEEDS_QOS1,
                 "A PUBACK may leave out Reason Code and Property Length, and may have properties",
                 R_3_4_2_1_1, D_3_4_2_2_1_1, D_4_9_2)
{
    check_accepted_forms(t, DUE_PUBACK);
}

static const uint8_t puback_codes[] = {0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99, 0};

CONFORMANCE_TEST(puback_with_any_code_ends_the_exchange, V5, NEEDS_QOS1,
                 "A PUBACK ends the exchange whatever its Reason Code says", D_4_9_2, MQTT_4_4_0_2)
{
    for (const uint8_t *code = puback_codes + 1; *code != 0; code++) { /* 0x10 is the server's alone */
        struct exchange exchange = exchange_begin(t, DUE_PUBACK);
        exchange_acknowledge(&exchange, text(t, "%02x", *code));
        exchange_expect_end(&exchange);
        disconnect(exchange.client);
    }
}

CONFORMANCE_TEST(repeated_reason_string_in_puback_is_refused, V5, NEEDS_QOS1,
                 "A PUBACK with two Reason Strings ends the connection", P_3_4_2_2_2_1)
{
    check_repeated_reason_string(t, DUE_PUBACK);
}

CONFORMANCE_TEST(puback_of_the_server_is_in_form, V_ALL, NEEDS_QOS1,
                 "The server's PUBACK has a Reason Code of the list, and its fields in order", MQTT_3_4_2_1,
                 D_3_4_2_1, D_3_4_2_1_1, R_3_4_2_1_2, MQTT3_4_3_2_2, D3_3_4_1_1, D3_3_4_2_1, D3_3_4_3_1,
                 D3_7_1_1_1)
{
    const char *a = topic(t, "a");
    struct client *client = connect_client(t, .clean_start = true);
    check_form(client, provoke(client, PACKET_PUBACK), puback_codes);
    subscribe(client, a, .qos = 0);
    uint16_t sent = send_publish(client, .topic = a, .payload = "m", .qos = 1);
    check_form(client, expect_puback(client, sent), puback_codes);
    send_publish(client, .topic = a, .payload = "\xff", .qos = 1, .payload_format_indicator = 1);
    const struct received *answer;
    enum outcome outcome;
    do /* deliveries may come before and behind the answer */
        outcome = receive(client, &answer);
    while (outcome == RECEIVED_PACKET && answer->packet.type == PACKET_PUBLISH);
    if (outcome == RECEIVED_TIMEOUT)
        fail_expected(t, "a PUBACK, or the connection closed", "%s", describe_state(client, outcome));
    if (outcome == RECEIVED_PACKET && answer->packet.type == PACKET_PUBACK)
        check_form(client, answer, puback_codes);
}

CONFORMANCE_TEST(puback_keeps_to_maximum_packet_size, V5, NEEDS_QOS1,
                 "The server's PUBACK has no Reason String or User Property that makes it too large",
                 MQTT_3_4_2_2, MQTT_3_4_2_3)
{
    check_size_limit(t, PACKET_PUBACK);
}
