/* MQTT 3.1, where it differs from 3.1.1. It has no numbered statements and is in no catalogue: what its clients
 * rely on is tested as properties. spec/mqtt-3.1.md tells the differences. */
#include "3_01_session.h"
#include "3_08_subscribe.h"

/* The first byte of a packet that the client sends again: 3.1 knows DUP there. */
#define SUBSCRIBE_AGAIN 0x8A
#define UNSUBSCRIBE_AGAIN 0xAA
#define PUBREL_AGAIN 0x6A

PROPERTY_TEST(packets_may_be_repeated_with_dup, "3.1", V31, NEEDS_QOS2,
              "SUBSCRIBE, UNSUBSCRIBE and PUBREL that a 3.1 client sends again, with DUP, are answered again")
{
    const char *a = topic(t, "a");
    struct client *client = connect_client(t, .clean_start = true);
    for (int i = 0; i < 2; i++) {
        send_raw_subscribe(client, i == 0 ? 0x82 : SUBSCRIBE_AGAIN, a, 1);
        expect_suback(client, BY_HAND, 1);
    }
    const uint16_t id = send_publish(client, .topic = a, .payload = "m", .qos = 2);
    expect_pubrec(client, id);
    send_acknowledgement(client, PACKET_PUBREL, id, 0);
    expect_pubcomp(client, id);
    SEND_TEMPLATE(client, "%02x 02 %04x", PUBREL_AGAIN, id);
    expect_pubcomp(client, id);
    expect_publish(client, .topic = a, .payload = "m", .qos = 1);
    for (int i = 0; i < 2; i++) {
        send_raw_unsubscribe(client, i == 0 ? 0xA2 : UNSUBSCRIBE_AGAIN, a);
        expect_unsuback(client, BY_HAND, 0);
    }
    publish(client, .topic = a, .payload = "not any more", .qos = 2);
    expect_nothing_more(client);
}

/* 3.1.1 put Session Present there. */
PROPERTY_TEST(connack_has_no_session_present, "3.1", V31, NEEDS_NOTHING,
              "The first byte of a CONNACK to a 3.1 client is 0, also when its session is continued")
{
    struct client *before = connect_lasting_client(t, "session");
    subscribe(before, topic(t, "a"), .qos = storing_qos(t));
    leave(before);
    struct client *after = connect_lasting_client(t, "session");
    const struct bytes bytes = after->connack->bytes;
    require(t, bytes.length == 4 && bytes.data[2] == 0, "it is 0x%02X", bytes.data[2]);
}

PROPERTY_TEST(suback_grants_a_qos, "3.1", V31, NEEDS_NOTHING,
              "A SUBACK to a 3.1 client holds granted QoS levels and nothing else, whatever was asked for")
{
    static const char *const filters[] = {"a", "a/+", "a/#", "+/a", "#"};
    struct client *client = connect_client(t, .clean_start = true);
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        const uint8_t code = subscribe(client, topic(t, filters[i]), .qos = 2, .may_be_refused = true);
        require(t, code <= 2, "the SUBACK for %s holds 0x%02X", filters[i], code);
    }
}

/* 3.1.1 made this mean "choose one for me". */
PROPERTY_TEST(empty_identifier_is_refused, "3.1", V31, NEEDS_NOTHING,
              "A 3.1 client without Client Identifier is refused with return code 2")
{
    struct client *client = send_connect(t, .client_identifier = "", .clean_start = true);
    expect_connack(client, .reason_code = 2);
    expect_closed(client);
}

PROPERTY_TEST(identifiers_of_23_characters_are_accepted, "3.1", V31, NEEDS_NOTHING,
              "A Client Identifier of 23 characters is accepted, and not taken for one that it begins with")
{
    const char *longest = text(t, "%.23s", text(t, "%sabcdefghijklmnopqrstuvw", client_id(t, "x")));
    struct client *second = connect_client(t, .client_identifier = client_id(t, "x"), .clean_start = true);
    struct client *first = send_connect(t, .client_identifier = longest, .clean_start = true);
    expect_connack(first, .reason_code = 0);
    expect_open(first);
    expect_open(second);
}
