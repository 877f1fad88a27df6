/* 3.1 CONNECT */
#include "../test.h"

CONFORMANCE_TEST(first_packet_must_be_connect, V_ALL, NEEDS_NOTHING,
                 "A first packet other than CONNECT ends the connection", MQTT_3_1_0_1, MQTT3_3_1_0_1)
{
    struct client *client = open_connection(t);
    SEND_HEX(client, "c0 00"); /* PINGREQ */
    expect_refused(client, .reason_code = REASON_PROTOCOL_ERROR);
}

CONFORMANCE_TEST(second_connect_is_refused, V_ALL, NEEDS_NOTHING,
                 "A second CONNECT on one connection ends it", MQTT_3_1_0_2, MQTT3_3_1_0_2)
{
    struct client *client = connect_client(t, .clean_start = true);
    ping(client); /* positive control: the connection is in use */
    const char *level = is_v5(t) ? "05" : "04";
    const char *properties = is_v5(t) ? "00" : "";
    if (t->version == PROTOCOL_3_1)
        SEND_HEX(client, "10 0f {MQIsdp} 03 02 00 00 {a}");
    else
        SEND_TEMPLATE(client, "10 %s {MQTT} %s 02 00 00 %s {a}", is_v5(t) ? "0e" : "0d", level, properties);
    expect_refused(client, .reason_code = REASON_PROTOCOL_ERROR);
}

/* A CONNECT with these Connect Flags, byte by byte. */
static void send_connect_with_flags(struct client *client, unsigned flags)
{
    struct test *t = client->test;
    const char *identifier = client_id(t, "flags");
    unsigned length = (unsigned)strlen(identifier);
    if (is_v5(t))
        SEND_TEMPLATE(client, "10 %02x {MQTT} 05 %02x 00 00 00 {%s}", 13 + length, flags, identifier);
    else
        SEND_TEMPLATE(client, "10 %02x {MQTT} 04 %02x 00 00 {%s}", 12 + length, flags, identifier);
}

CONFORMANCE_TEST(reserved_connect_flag_is_refused, V5 | V311, NEEDS_NOTHING,
                 "A CONNECT whose reserved flag is set ends the connection", MQTT_3_1_2_3, MQTT3_3_1_2_3)
{
    struct client *control = open_connection(t, .name = "control");
    send_connect_with_flags(control, 0x02); /* Clean Start alone is fine: it is the lowest bit that is not */
    expect_connack(control);
    disconnect(control);
    struct client *client = open_connection(t);
    send_connect_with_flags(client, 0x03);
    expect_refused(client, .reason_code = REASON_MALFORMED_PACKET);
}

CONFORMANCE_TEST(
    same_client_identifier_takes_over, V_ALL, NEEDS_NOTHING,
    "A second client with the same Client Identifier makes the server end the first one's connection",
    MQTT_3_1_4_3, MQTT3_3_1_4_2)
{
    const char *identifier = client_id(t, "same");
    struct client *first = connect_client(t, .client_identifier = identifier, .clean_start = true);
    ping(first);
    struct client *second = connect_client(t, .client_identifier = identifier, .clean_start = true);
    expect_closed(first);
    ping(second);
}
