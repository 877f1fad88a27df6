/* 6 WebSocket as a network transport: which frames carry what. Needs a target ws://... or wss://... */
#include "../connection.h"
#include "../target.h"
#include "../test.h"

#define NO_MASK "00 00 00 00" /* a mask as good as any, and the bytes behind it can be read */

static const struct websocket_answer *answer_to(const struct client *client)
{
    return connection_answer(client->connection);
}

/* The PINGRESP to a PINGREQ made by hand. Expectations ask for a sign of life before they give up, and that
 * is a PINGRESP too: here it would stand for the one that is missing. */
static void expect_pingresp(struct client *client)
{
    struct test *t = client->test;
    const struct received *received;
    enum outcome outcome = receive_until(client, now(t) + 2 * t->patience, &received);
    if (outcome != RECEIVED_PACKET)
        fail_expected(t, "a PINGRESP", "%s", describe_state(client, outcome));
    if (received->packet.type != PACKET_PINGRESP)
        fail_expected(t, "a PINGRESP", "%s", describe_packet(t, &received->packet));
}

static bool is_pingresp(const struct packet *packet, const void *context)
{
    (void)context;
    return packet->type == PACKET_PINGRESP;
}

/* No other PINGRESP has come, by the time that the server has handled a SUBSCRIBE behind it all. */
static void expect_no_other_pingresp(struct client *client)
{
    struct test *t = client->test;
    const struct received *stray;
    subscribe(client, topic(t, "barrier"), .qos = 0);
    if (receive_matching(client, now(t), is_pingresp, NULL, &stray) == RECEIVED_PACKET)
        fail_expected(t, "no other PINGRESP", "one that nothing asked for");
}

/* ---- Binary frames only --------------------------------------------------------------------------- */

/* The connection is over once the server has sent a Close frame: nothing can come any more. That it ends
 * below as well is what RFC 6455 recommends (section 7.1.1). */
static void expect_end(struct client *client)
{
    struct test *t = client->test;
    unsigned code;
    expect_closed(client);
    if (!connection_was_told_to_close(client->connection, &code)) {
        note(t, "closed without a Close frame");
        return;
    }
    note(t, "closed with a Close frame, code %u", code);
    for (double limit = now(t) + t->patience; !connection_is_gone(client->connection);) {
        if (now(t) > limit) {
            warn(t, "behind its Close frame the server left the connection below open");
            return;
        }
        wait_until(t, now(t) + 0.01);
    }
}

CONFORMANCE_TEST(text_frame_ends_connection, V311 | V5, NEEDS_WEBSOCKET,
                 "A server closes the connection when a text frame comes", MQTT_6_0_0_1, MQTT3_6_0_0_1)
{
    struct client *client = connect_client(t, .name = "client", .clean_start = true);
    SEND_FRAME_HEX(client, "82 82 " NO_MASK " c0 00"); /* positive control: the same, binary */
    expect_pingresp(client);
    SEND_FRAME_HEX(client, "81 82 " NO_MASK " c0 00");
    expect_end(client);
}

CONFORMANCE_TEST(connect_in_text_frame_ends_connection, V311 | V5, NEEDS_WEBSOCKET,
                 "A server closes the connection when a CONNECT comes in a text frame", MQTT_6_0_0_1,
                 MQTT3_6_0_0_1)
{
    struct bytes connect =
        HEX(t, "10 %02x {MQTT} %02x 02 00 00 %s {%s}", is_v5(t) ? 26 : 25, is_v5(t) ? 5 : 4,
            is_v5(t) ? "00" : "", text(t, "%.13s", client_id(t, "text")));
    const char *hex = "";
    for (size_t i = 0; i < connect.length; i++)
        hex = text(t, "%s%02x", hex, connect.data[i]);
    struct client *control = open_connection(t, .name = "control");
    SEND_FRAME_HEX(control, "82 %02x " NO_MASK " %s", 0x80U | (unsigned)connect.length, hex);
    expect_connack(control);
    struct client *client = open_connection(t, .name = "client");
    SEND_FRAME_HEX(client, "81 %02x " NO_MASK " %s", 0x80U | (unsigned)connect.length, hex);
    expect_end(client);
}

/* What decides is the type of the message: its later frames have none. */
CONFORMANCE_TEST(fragmented_text_message_ends_connection, V311 | V5, NEEDS_WEBSOCKET,
                 "A server closes the connection when a text message comes in fragments", MQTT_6_0_0_1,
                 MQTT3_6_0_0_1)
{
    struct client *client = connect_client(t, .name = "client", .clean_start = true);
    SEND_FRAME_HEX(client, "02 81 " NO_MASK " c0"
                           "80 81 " NO_MASK " 00"); /* positive control: binary */
    expect_pingresp(client);
    SEND_FRAME_HEX(client, "01 81 " NO_MASK " c0"
                           "80 81 " NO_MASK " 00");
    expect_end(client);
}

/* Lengths around those at which the header of a frame grows. Every data frame of the server is looked at as
 * it comes; one that is not binary fails whichever test it comes to. */
CONFORMANCE_TEST(server_sends_binary_frames, V311 | V5, NEEDS_WEBSOCKET,
                 "A server sends its packets, of whatever size, in binary frames", MQTT_6_0_0_1,
                 MQTT3_6_0_0_1)
{
    static const uint32_t sizes[] = {0, 60, 125, 126, 4000, 65000, 65600, 140000};
    const char *a = topic(t, "a");
    uint32_t limit = t->capabilities->maximum_packet_size;
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    subscribe(subscriber, a, .qos = 0);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (limit != 0 && sizes[i] + 200 > limit)
            continue;
        uint8_t *payload = test_allocate(t, sizes[i] + 1);
        memset(payload, 'x', sizes[i]);
        publish(publisher, .topic = a, .payload_bytes = bytes_of(payload, sizes[i]));
        expect_publish(subscriber, .topic = a, .payload_bytes = bytes_of(payload, sizes[i]));
    }
    ping(subscriber);
    note(t, "%u data frames, all binary", connection_frames(subscriber->connection));
}

/* ---- Frames and packets --------------------------------------------------------------------------- */

CONFORMANCE_TEST(connect_may_be_split, V311 | V5, NEEDS_WEBSOCKET,
                 "A CONNECT may come in single bytes: in frames that are messages, and in fragments of one",
                 MQTT_6_0_0_2, MQTT3_6_0_0_2)
{
    for (int fragmented = 0; fragmented <= 1; fragmented++) {
        struct client *client =
            send_connect(t, .clean_start = true, .websocket = {.frame_size = 1, .fragmented = fragmented});
        expect_connack(client);
        ping(client);
    }
}

/* A client of which from now on no frame carries more than `size` bytes. */
static struct client *connect_cutting_client(struct test *t, size_t size, bool fragmented)
{
    struct client *client = connect_client(t, .name = "split", .clean_start = true);
    connection_cut(client->connection, size, fragmented);
    return client;
}

CONFORMANCE_TEST(packets_may_be_split_over_messages, V311 | V5, NEEDS_WEBSOCKET | NEEDS_QOS1,
                 "A Control Packet may be spread over several WebSocket messages, one for each byte",
                 MQTT_6_0_0_2, MQTT3_6_0_0_2)
{
    const char *a = topic(t, "a");
    struct client *whole = connect_client(t, .name = "whole", .clean_start = true);
    struct client *split = connect_cutting_client(t, 1, false);
    subscribe(split, a, .qos = 1);
    publish(whole, .topic = a, .payload = "from a client that does not split", .qos = 1);
    expect_publish(split, .topic = a, .payload = "from a client that does not split");
    publish(split, .topic = a, .payload = "from one that does", .qos = 1);
    expect_publish(split, .topic = a, .payload = "from one that does");
    ping(split);
}

CONFORMANCE_TEST(packets_may_be_split_over_fragments, V311 | V5, NEEDS_WEBSOCKET | NEEDS_QOS1,
                 "A Control Packet may be spread over the fragments of a WebSocket message", MQTT_6_0_0_2,
                 MQTT3_6_0_0_2)
{
    const char *a = topic(t, "a");
    struct client *split = connect_cutting_client(t, 3, true);
    subscribe(split, a, .qos = 1);
    publish(split, .topic = a, .payload = "in fragments of three bytes", .qos = 1);
    expect_publish(split, .topic = a, .payload = "in fragments of three bytes");
    ping(split);
}

CONFORMANCE_TEST(frame_may_hold_several_packets, V311 | V5, NEEDS_WEBSOCKET,
                 "One frame may hold several Control Packets", MQTT_6_0_0_2, MQTT3_6_0_0_2)
{
    struct client *client = connect_client(t, .name = "client", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    const char *a = topic(t, "a");
    const char *none = is_v5(t) ? "00" : ""; /* Property Length */
    unsigned length = (unsigned)strlen(a) + (is_v5(t) ? 4 : 3);
    subscribe(subscriber, a, .qos = 0);
    /* what send_bytes sends at once goes in one frame: two messages and a PINGREQ */
    SEND_TEMPLATE(client, "30 %02x {%s} %s 31 30 %02x {%s} %s 32 c0 00", length, a, none, length, a, none);
    expect_pingresp(client);
    expect_publish(subscriber, .topic = a, .payload = "1");
    expect_publish(subscriber, .topic = a, .payload = "2");
}

CONFORMANCE_TEST(frame_may_end_within_the_next_packet, V311 | V5, NEEDS_WEBSOCKET,
                 "A frame may hold the end of one Control Packet and the beginning of the next", MQTT_6_0_0_2,
                 MQTT3_6_0_0_2)
{
    struct client *client = connect_client(t, .name = "client", .clean_start = true);
    SEND_FRAME_HEX(client, "82 81 " NO_MASK " c0");
    SEND_FRAME_HEX(client, "82 82 " NO_MASK " 00 c0");
    expect_pingresp(client);
    SEND_FRAME_HEX(client, "82 81 " NO_MASK " 00");
    expect_pingresp(client);
    expect_no_other_pingresp(client);
}

/* Control frames may come within a message (RFC 6455 section 5.4); they are no part of the stream. */
CONFORMANCE_TEST(control_frames_are_not_in_the_stream, V311 | V5, NEEDS_WEBSOCKET,
                 "Ping and Pong between the frames of a Control Packet do not disturb it", MQTT_6_0_0_2,
                 MQTT3_6_0_0_2)
{
    struct client *client = connect_client(t, .name = "client", .clean_start = true);
    SEND_FRAME_HEX(client, "02 81 " NO_MASK " c0"    /* the first half of a PINGREQ */
                           "89 82 " NO_MASK " c0 00" /* a Ping, whose payload must not be taken for one */
                           "8a 80 " NO_MASK          /* a Pong that nobody asked for */
                           "80 81 " NO_MASK " 00");
    expect_pingresp(client);
    expect_no_other_pingresp(client);
}

/* ---- The subprotocol ------------------------------------------------------------------------------ */

/* The server took the offer; it must have chosen "mqtt" then. */
static void demand_choice(struct test *t, const struct client *client, const char *offer)
{
    const struct websocket_answer *answer = answer_to(client);
    if (!answer->accepted)
        fail_expected(t, text(t, "a WebSocket for a client that offers \"%s\"", offer), "%s",
                      answer->problem);
    if (!answer->chosen || strcmp(answer->subprotocol, "mqtt") != 0)
        fail_expected(t, "subprotocol \"mqtt\"", "%s%s%s to the offer \"%s\"", answer->chosen ? "\"" : "",
                      answer->chosen ? answer->subprotocol : "no subprotocol", answer->chosen ? "\"" : "",
                      offer);
}

CONFORMANCE_TEST(
    server_chooses_subprotocol_mqtt, V311 | V5, NEEDS_WEBSOCKET,
    "The subprotocol that the server chooses is \"mqtt\", whatever else is offered and wherever it "
    "stands",
    MQTT_6_0_0_4, MQTT3_6_0_0_4, MQTT_6_0_0_3, MQTT3_6_0_0_3)
{
    static const char *const offers[] = {"mqtt", "mqtt, etalon.example", "etalon.example, mqtt",
                                         "etalon.example,mqtt,other.example"};
    for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
        struct client *client = request_connection(t, .websocket = {.subprotocols = offers[i]});
        demand_choice(t, client, offers[i]);
    }
    ping(connect_client(t, .clean_start = true, .websocket = {.subprotocols = "etalon.example, mqtt"}));
}

/* The client is in the wrong here, and what the server does then is not laid down; but it chooses "mqtt" or
 * nothing. */
CONFORMANCE_TEST(server_chooses_no_other_subprotocol, V311 | V5, NEEDS_WEBSOCKET,
                 "A server that is not offered \"mqtt\" chooses no other subprotocol", MQTT_6_0_0_4,
                 MQTT3_6_0_0_4, MQTT_6_0_0_3, MQTT3_6_0_0_3)
{
    static const char *const offers[] = {"etalon.example", "mqtt.example, MQTT5", ""};
    demand_choice(t, request_connection(t, .name = "control"), "mqtt"); /* positive control */
    for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
        struct client *client = request_connection(t, .websocket = {.subprotocols = offers[i]});
        const struct websocket_answer *answer = answer_to(client);
        const char *offer = offers[i][0] == '\0' ? "nothing" : text(t, "\"%s\"", offers[i]);
        if (answer->chosen && strcmp(answer->subprotocol, "mqtt") != 0)
            fail_expected(t, "\"mqtt\" or nothing", "\"%s\" to the offer of %s", answer->subprotocol, offer);
        note(t, "who offers %s is %s", offer,
             answer->accepted ? "let in" : text(t, "not: %s", answer->problem));
    }
}

/* ---- The URI -------------------------------------------------------------------------------------- */

/* A server need not listen at every URI. Behind those where it does there is one and the same MQTT. */
CONFORMANCE_TEST(uri_makes_no_difference, V311 | V5, NEEDS_WEBSOCKET | NEEDS_QOS1,
                 "Clients that came by different URIs meet, and find the same server", D_6_1, D3_6_1)
{
    const char *a = topic(t, "a");
    const char *own = t->target->path;
    const char *others[] = {text(t, "%s%setalon=1", own, strchr(own, '?') == NULL ? "?" : "&"), "/", "/mqtt",
                            "/etalon/other"};
    unsigned met = 0;
    struct client *usual = connect_client(t, .name = "usual", .clean_start = true);
    subscribe(usual, a, .qos = 1);
    publish(usual, .topic = a, .payload = "control", .qos = 1);
    expect_publish(usual, .topic = a, .payload = "control", .qos = 1);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (strcmp(others[i], own) == 0)
            continue;
        if (!answer_to(request_connection(t, .name = "asking", .websocket = {.path = others[i]}))->accepted) {
            note(t, "no WebSocket at %s", others[i]);
            continue;
        }
        struct client *other = connect_client(t, .name = text(t, "by %.20s", others[i]), .clean_start = true,
                                              .websocket = {.path = others[i]});
        subscribe(other, a, .qos = 1);
        publish(other, .topic = a, .payload = others[i], .qos = 1);
        expect_publish(usual, .topic = a, .payload = others[i], .qos = 1);
        expect_publish(other, .topic = a, .payload = others[i], .qos = 1);
        disconnect(other);
        met++;
    }
    if (met == 0)
        skip(t, "the server offers WebSocket at %s only", own);
}
