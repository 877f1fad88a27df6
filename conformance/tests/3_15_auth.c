/* 3.15 AUTH and 4.12 Enhanced authentication, as far as a server shows them to a client without a method that
 * it knows: enhanced authentication is optional. */
#include "../test.h"

/* Its name is of this suite's making: no server can know it. */
#define UNKNOWN_METHOD "ETALON-NO-SUCH-METHOD"
#define METHOD_PROPERTY "15 {" UNKNOWN_METHOD "}" /* 24 bytes */

/* Sends AUTH on a connection without Authentication Method; it must end, whatever the AUTH says. */
static void refuse_auth(struct test *t, const char *name, const char *bytes, int reason_code)
{
    struct client *client = connect_client(t, .name = name, .clean_start = true);
    ping(client); /* positive control: the connection is in use */
    SEND_TEMPLATE(client, "%s", bytes);
    expect_refused(client, .reason_code = reason_code, .or_reason_code = REASON_PROTOCOL_ERROR);
}

CONFORMANCE_TEST(auth_without_method_is_refused, V5, NEEDS_NOTHING,
                 "AUTH from a client whose CONNECT had no Authentication Method ends the connection",
                 MQTT_4_12_0_7, P_3_15_1, MQTT_4_13_1_1)
{
    refuse_auth(t, "re-authenticate", "f0 1a 19 18 " METHOD_PROPERTY, REASON_PROTOCOL_ERROR);
    refuse_auth(t, "continue authentication", "f0 1a 18 18 " METHOD_PROPERTY, REASON_PROTOCOL_ERROR);
}

CONFORMANCE_TEST(auth_reserved_bits_are_checked, V5, NEEDS_NOTHING,
                 "AUTH with other flags than 0 ends the connection", MQTT_3_15_1_1)
{
    static const char *const firsts[] = {"f1", "f2", "f4", "f8", "ff"};
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++)
        refuse_auth(t, text(t, "first byte %s", firsts[i]),
                    text(t, "%s 1a 19 18 " METHOD_PROPERTY, firsts[i]), REASON_MALFORMED_PACKET);
}

CONFORMANCE_TEST(auth_of_invalid_form_is_refused, V5, NEEDS_NOTHING,
                 "AUTH without Authentication Method, or with a property twice, ends the connection",
                 P_3_15_2_2_2_1, P_3_15_2_2_3_1, P_3_15_2_2_4_1, MQTT_3_15_2_1)
{
    refuse_auth(t, "nothing", "f0 00", REASON_PROTOCOL_ERROR);
    refuse_auth(t, "no method", "f0 02 18 00", REASON_PROTOCOL_ERROR);
    refuse_auth(t, "method twice", "f0 32 19 30 " METHOD_PROPERTY METHOD_PROPERTY, REASON_PROTOCOL_ERROR);
    refuse_auth(t, "data twice", "f0 22 19 20 " METHOD_PROPERTY "16 {d} 16 {e}", REASON_PROTOCOL_ERROR);
    refuse_auth(t, "reason string twice", "f0 22 19 20 " METHOD_PROPERTY "1f {r} 1f {s}",
                REASON_PROTOCOL_ERROR);
    refuse_auth(t, "reason code 0x01", "f0 1a 01 18 " METHOD_PROPERTY, REASON_MALFORMED_PACKET);
}

/* The one answer to such a CONNECT is a refusal. */
static void refuse_method(struct client *client)
{
    struct test *t = client->test;
    const struct received *received;
    enum outcome outcome = receive(client, &received);
    if (outcome == RECEIVED_TIMEOUT)
        fail_expected(t, "the connection to be closed", "%s", describe_state(client, outcome));
    if (outcome == RECEIVED_CLOSED) {
        note(t, "closed without CONNACK");
        return;
    }
    if (received->packet.type != PACKET_CONNACK || received->packet.connack.reason_code < 0x80)
        fail_expected(t, "a refusal of the unknown Authentication Method", "%s",
                      describe_packet(t, &received->packet));
    uint8_t code = received->packet.connack.reason_code;
    if (code != REASON_BAD_AUTHENTICATION_METHOD && code != REASON_NOT_AUTHORIZED)
        note(t, "the CONNACK has the Reason Code 0x%02X, neither 0x8C nor 0x87", code);
    expect_closed(client);
}

CONFORMANCE_TEST(unknown_authentication_method_is_refused, V5, NEEDS_NOTHING,
                 "A CONNECT with an Authentication Method that the server does not know ends the connection",
                 MQTT_4_12_0_1, D_4_12_3, MQTT_4_13_2_1)
{
    struct client *control = connect_client(t, .name = "without method", .clean_start = true);
    refuse_method(
        send_connect(t, .name = "method", .clean_start = true, .authentication_method = UNKNOWN_METHOD));
    refuse_method(send_connect(t, .name = "method and data", .clean_start = true,
                               .authentication_method = UNKNOWN_METHOD,
                               .authentication_data = {(const uint8_t *)"data", 4}));
    refuse_method(send_connect(t, .name = "empty method", .clean_start = true, .authentication_method = ""));
    ping(control);
}

CONFORMANCE_TEST(no_authentication_without_method, V5, NEEDS_QOS2,
                 "A client without Authentication Method never sees AUTH, nor a method in CONNACK",
                 MQTT_4_12_0_6, D_3_1_2_11_9_1)
{
    const char *a = topic(t, "a");
    const struct received *received;
    struct client *client = send_connect(t, .clean_start = true);
    expect_packet(client, PACKET_CONNACK); /* not an AUTH before it */
    struct client *other = connect_client(t, .name = "other", .clean_start = true);
    if (properties_has(&other->connack->packet.connack.properties, ORDINAL_AUTHENTICATION_METHOD))
        fail_expected(t, "no Authentication Method", "%s", describe_packet(t, &other->connack->packet));
    subscribe(other, a, .qos = 2);
    publish(other, .topic = a, .payload = "x", .qos = 2);
    expect_publish(other, .topic = a, .payload = "x");
    send_disconnect(other);
    finish_sending(other);
    while (receive(other, &received) == RECEIVED_PACKET) /* nor at the end */
        if (received->packet.type == PACKET_AUTH)
            fail_expected(t, "no AUTH", "%s", describe_packet(t, &received->packet));
    expect_no_reaction(client, PACKET_AUTH);
}
