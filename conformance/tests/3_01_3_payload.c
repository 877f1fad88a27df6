/* 3.1.3 CONNECT Payload: Client Identifier, the order of the fields, strings */
#include "3_01_connect.h"
#include "3_01_session.h"

/* ---- Client Identifier --------------------------------------------------------------------------- */

static void connect_with_identifier(struct test *t, const char *identifier)
{
    struct client *client =
        send_connect(t, .client_identifier = identifier, .name = identifier, .clean_start = true);
    expect_connack(client);
    ping(client);
    disconnect(client);
}

CONFORMANCE_TEST(plain_client_identifiers_are_accepted, V_ALL, NEEDS_NOTHING,
                 "Client Identifiers of 1 to 23 digits and letters are accepted", MQTT_3_1_3_5, MQTT3_3_1_3_5,
                 MQTT_3_1_4_5, MQTT3_3_1_4_4)
{
    static const char all[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const char *own = client_id(t, ""); /* makes the others unique, and is a short one itself */
    size_t room = 23 - strlen(own);
    connect_with_identifier(t, own);
    for (size_t at = 0; at < sizeof all - 1; at += room) {
        const char *identifier = text(t, "%s%.*s", own, (int)room, all + at);
        connect_with_identifier(t, identifier);
    }
    /* one character is no unique name: it only has to be accepted */
    expect_connack(send_connect(t, .client_identifier = text(t, "%d", (int)t->version), .clean_start = true));
}

CONFORMANCE_TEST(
    unusual_client_identifiers, V5 | V311, NEEDS_NOTHING,
    "Longer Client Identifiers and other characters may be accepted; a refusal ends the connection",
    MQTT_3_1_3_8, MQTT3_3_1_3_9, D_3_1_3_1_1, D_3_1_3_1_2, R3_3_2_2_3_2, D3_3_1_3_1_1, D3_3_1_3_1_2)
{
    const char *const identifiers[] = {
        text(t, "%s-beyond-23-bytes-of-plain-letters", client_id(t, "long")),
        text(t, "%s \xC3\xA9 /+#$", client_id(t, "odd")),
    };
    for (size_t i = 0; i < 2; i++) {
        const struct received *received;
        const char *which = i == 0 ? "longer than 23 bytes" : "of other characters";
        struct client *client =
            send_connect(t, .client_identifier = identifiers[i], .name = which, .clean_start = true);
        enum outcome outcome = receive(client, &received);
        if (outcome == RECEIVED_PACKET && received->packet.connack.reason_code == 0) {
            note(t, "a Client Identifier %s is accepted", which);
            ping(client);
            continue;
        }
        bool told = outcome == RECEIVED_PACKET;
        if (outcome == RECEIVED_TIMEOUT)
            fail_expected(t, "a CONNACK, or the connection closed", "%s", describe_state(client, outcome));
        note(t, "a Client Identifier %s is refused%s", which, told ? "" : " without a CONNACK");
        if (!is_v5(t) && (!told || received->packet.connack.reason_code != 2))
            fail_statement(t, STATEMENT_NONE, MQTT3_3_1_3_9,
                           "CONNACK with return code 2, identifier rejected", "%s",
                           told ? describe_packet(t, &received->packet) : "closed without a CONNACK");
        expect_closed(client);
    }
}

/* A CONNECT without Client Identifier, if the server takes it; else the test is skipped. */
static struct client *connect_nameless(struct test *t, const char *name, bool clean_start)
{
    const struct received *received;
    struct client *client = send_connect(t, .client_identifier = "", .name = name, .clean_start = clean_start,
                                         .session_expiry_interval = clean_start ? ABSENT : LONG_SESSION);
    enum outcome outcome = receive(client, &received);
    if (outcome == RECEIVED_PACKET && received->packet.connack.reason_code == 0) {
        struct bytes assigned =
            properties_bytes(&received->packet.connack.properties, ORDINAL_ASSIGNED_CLIENT_IDENTIFIER);
        if (is_v5(t) && assigned.length == 0)
            fail_statement(t, MQTT_3_1_3_7, STATEMENT_NONE, "an Assigned Client Identifier in the CONNACK",
                           "%s", describe_packet(t, &received->packet));
        client->client_identifier = text(t, "%.*s", (int)assigned.length, (const char *)assigned.data);
        return client;
    }
    if (outcome == RECEIVED_TIMEOUT)
        fail_expected(t, "a CONNACK, or the connection closed", "%s", describe_state(client, outcome));
    expect_closed(client);
    skip(t, "the server refuses a CONNECT without Client Identifier");
}

CONFORMANCE_TEST(empty_client_identifier_is_replaced, V5 | V311, NEEDS_NOTHING,
                 "Clients without Client Identifier get one each, and do not take each other over",
                 MQTT_3_1_3_6, MQTT_3_1_3_7, MQTT_3_2_2_16, MQTT3_3_1_3_6)
{
    struct client *first = connect_nameless(t, "first", true);
    struct client *second = connect_nameless(t, "second", true);
    if (is_v5(t) && strcmp(first->client_identifier, second->client_identifier) == 0)
        fail_statement(t, MQTT_3_2_2_16, STATEMENT_NONE, "different Assigned Client Identifiers",
                       "both \"%s\"", first->client_identifier);
    const char *a = topic(t, "a");
    subscribe(first, a);
    publish(second, .topic = a, .payload = "to the first");
    expect_publish(first, .topic = a, .payload = "to the first");
    expect_open(second);
}

CONFORMANCE_TEST(assigned_client_identifier_is_a_real_one, V5, NEEDS_QOS1,
                 "An Assigned Client Identifier is used like one the client gave: its session can be resumed",
                 MQTT_3_1_3_7, MQTT_3_1_3_2, MQTT_3_1_3_6)
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *nameless = connect_nameless(t, "nameless", false);
    const char *assigned = nameless->client_identifier;
    require(t, !nameless->connack->packet.connack.session_present, "a new identifier came with a session");
    subscribe(nameless, a, .qos = 1);
    leave(nameless);
    publish(publisher, .topic = a, .payload = "kept", .qos = 1);
    struct client *named = connect_client(t, .name = "named", .client_identifier = assigned,
                                          .clean_start = false, .session_expiry_interval = LONG_SESSION);
    demand_session_present(named, true);
    expect_publish(named, .topic = a, .payload = "kept");

    struct client *thief =
        connect_client(t, .name = "the same again", .client_identifier = assigned, .clean_start = true);
    expect_closed(named); /* it identifies the connection as well */
    ping(thief);
}

CONFORMANCE_TEST(no_assigned_identifier_without_need, V5, NEEDS_NOTHING,
                 "A client that gave a Client Identifier keeps it: another client with it takes it over",
                 MQTT_3_1_3_2)
{
    const char *identifier = client_id(t, "mine");
    struct client *client = send_connect(t, .client_identifier = identifier, .clean_start = true);
    const struct received *connack = expect_connack(client);
    if (properties_has(&connack->packet.connack.properties, ORDINAL_ASSIGNED_CLIENT_IDENTIFIER))
        note(t, "the server names an Assigned Client Identifier to a client that has one: %s",
             describe_packet(t, &connack->packet));
    struct client *other = connect_client(t, .client_identifier = identifier, .clean_start = true);
    expect_closed(client);
    ping(other);
}

CONFORMANCE_TEST(empty_client_identifier_needs_clean_session, V311, NEEDS_NOTHING,
                 "A CONNECT without Client Identifier and with Clean Session 0 is refused with return code 2",
                 MQTT3_3_1_3_8, MQTT3_3_1_3_7, MQTT3_3_2_2_5, MQTT3_3_2_2_4, R3_3_2_2_3_2)
{
    accept_connect_bytes(t, .flags = 0x00);
    struct client *client = open_connection(t);
    send_connect_bytes(client, .flags = 0x00, .client_identifier = "");
    expect_connack(client, .reason_code = 2, .session_present = false);
    expect_closed(client);
}

/* ---- The fields and their order ------------------------------------------------------------------ */

CONFORMANCE_TEST(missing_client_identifier_is_refused, V_ALL, NEEDS_NOTHING,
                 "A CONNECT that ends before the Client Identifier, or within it, is refused", MQTT_3_1_3_3,
                 MQTT3_3_1_3_3, MQTT_3_1_4_1, MQTT3_3_1_4_1)
{
    accept_connect_bytes(t);
    refuse_connect_bytes(t, "no payload", REASON_MALFORMED_PACKET, .payload = "");
    refuse_connect_bytes(t, "half a length", REASON_MALFORMED_PACKET, .payload = "00");
    refuse_connect_bytes(t, "cut short", REASON_MALFORMED_PACKET, .payload = "00 05 61 62");
}

/* With a will of its own making on this topic. */
static struct client *connect_in_order(struct test *t, const char *topic_name)
{
    struct client *client = open_connection(t, .client_identifier = client_id(t, "mortal"));
    send_connect_bytes(client, .flags = 0x06,
                       .will = text(t, "%s {%s} {the payload}", is_v5(t) ? "00" : "", topic_name));
    const struct received *connack = expect_packet(client, PACKET_CONNACK);
    require(t, connack->packet.connack.reason_code == 0, "a CONNECT with its fields in order was refused");
    return client;
}

CONFORMANCE_TEST(payload_fields_are_read_in_order, V_ALL, NEEDS_NOTHING,
                 "The fields of the payload are taken in their order: Client Identifier, will, credentials",
                 MQTT_3_1_3_1, MQTT3_3_1_3_1, MQTT_3_1_2_9, MQTT3_3_1_2_9, D_3_1_2_1, D3_3_1_2_1)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    subscribe(subscriber, a);
    /* every field can be told from the others by what becomes of it; the will is not tried by a takeover, which not
     * every server counts as the end of a connection */
    struct client *mortal = connect_in_order(t, a);
    close_abruptly(mortal);
    expect_publish(subscriber, .topic = a, .payload = "the payload");
    mortal = connect_in_order(t, a);
    struct client *other =
        connect_client(t, .client_identifier = mortal->client_identifier, .clean_start = true);
    expect_closed(mortal); /* the first field is the Client Identifier */
    ping(other);
}

CONFORMANCE_TEST(bytes_behind_the_payload_are_refused, V5 | V311, NEEDS_NOTHING,
                 "A CONNECT with more in its payload than its flags announce is refused", MQTT_3_1_4_1,
                 MQTT3_3_1_4_1)
{
    accept_connect_bytes(t);
    refuse_connect_bytes(t, "one byte more", REASON_MALFORMED_PACKET, .credentials = "00");
}

CONFORMANCE_TEST(will_properties_are_no_field_of_the_client_identifier, V5, NEEDS_NOTHING,
                 "A CONNECT whose Will Topic stands where the Will Properties belong is refused",
                 MQTT_3_1_3_1, MQTT_3_1_2_9, MQTT_3_1_4_1)
{
    const char *a = topic(t, "a");
    accept_connect_bytes(t, .flags = 0x06, .will = text(t, "00 {%s} {gone}", a));
    /* as in 3.1.1: the first byte of the topic's length is then Property Length 0, and nothing fits */
    refuse_connect_bytes(t, "no Will Properties", REASON_MALFORMED_PACKET, .flags = 0x06,
                         .will = text(t, "{%s} {gone}", a));
}

/* ---- Strings ------------------------------------------------------------------------------------- */

/* Ill-formed in three ways: a surrogate, an overlong form, a lone continuation byte. */
static const char *const ill_formed[] = {"00 05 61 ED A0 80 62", "00 04 61 C0 AF 62", "00 03 61 80 62"};
#define ILL_FORMED (sizeof ill_formed / sizeof *ill_formed)

CONFORMANCE_TEST(ill_formed_client_identifier_is_refused, V5 | V311, NEEDS_NOTHING,
                 "A CONNECT whose Client Identifier is not well-formed UTF-8, or has a null, is refused",
                 MQTT_3_1_3_4, MQTT3_3_1_3_4, MQTT_1_5_4_1, MQTT3_1_5_3_1, MQTT_1_5_4_2, MQTT3_1_5_3_2,
                 MQTT_3_1_4_1)
{
    accept_connect_bytes(t);
    for (size_t i = 0; i <= ILL_FORMED; i++) {
        struct client *client = open_connection(t, .name = i == ILL_FORMED ? "null" : "ill-formed");
        send_connect_bytes(client, .payload = i == ILL_FORMED ? "00 03 61 00 62" : ill_formed[i]);
        expect_refused(client, .reason_code = REASON_MALFORMED_PACKET,
                       .or_reason_code = REASON_CLIENT_IDENTIFIER_NOT_VALID);
    }
}

CONFORMANCE_TEST(ill_formed_will_topic_is_refused, V5 | V311, NEEDS_NOTHING,
                 "A CONNECT whose Will Topic is not well-formed UTF-8, or has a null, is refused",
                 MQTT_3_1_3_11, MQTT3_3_1_3_10, MQTT_1_5_4_1, MQTT3_1_5_3_1, MQTT_1_5_4_2, MQTT3_1_5_3_2,
                 MQTT_3_1_4_1)
{
    const char *properties = is_v5(t) ? "00" : "";
    accept_connect_bytes(t, .flags = 0x06, .will = text(t, "%s {%s} {gone}", properties, topic(t, "a")));
    for (size_t i = 0; i <= ILL_FORMED; i++) {
        struct client *client = open_connection(t, .name = i == ILL_FORMED ? "null" : "ill-formed");
        send_connect_bytes(
            client, .flags = 0x06,
            .will = text(t, "%s %s {gone}", properties, i == ILL_FORMED ? "00 03 61 00 62" : ill_formed[i]));
        expect_refused(client, .reason_code = REASON_MALFORMED_PACKET,
                       .or_reason_code = REASON_TOPIC_NAME_INVALID);
    }
}

CONFORMANCE_TEST(ill_formed_user_name_is_refused, V5 | V311, NEEDS_NOTHING,
                 "A CONNECT whose User Name is not well-formed UTF-8, or has a null, is refused",
                 MQTT_3_1_3_12, MQTT3_3_1_3_11, MQTT_1_5_4_1, MQTT3_1_5_3_1, MQTT_1_5_4_2, MQTT3_1_5_3_2,
                 MQTT_3_1_4_1)
{
    const struct received *received;
    struct client *control = open_connection(t, .name = "control");
    send_connect_bytes(control, .flags = 0x82, .credentials = "{nobody}");
    if (receive(control, &received) != RECEIVED_PACKET || received->packet.connack.reason_code != 0)
        skip(t, "the server refuses unknown User Names, so a refusal would show nothing");
    for (size_t i = 0; i <= ILL_FORMED; i++) {
        struct client *client = open_connection(t, .name = i == ILL_FORMED ? "null" : "ill-formed");
        send_connect_bytes(client, .flags = 0x82,
                           .credentials = i == ILL_FORMED ? "00 03 61 00 62" : ill_formed[i]);
        expect_refused(client, .reason_code = REASON_MALFORMED_PACKET,
                       .or_reason_code = REASON_BAD_USER_NAME_OR_PASSWORD);
    }
}

/* ---- Password ------------------------------------------------------------------------------------ */

/* Whether a CONNECT with this Password is let in. */
static bool is_let_in(struct test *t, const char *name, struct bytes password)
{
    const struct received *answer;
    struct client *client = send_connect(t, .name = name, .clean_start = true, .user_name = "somebody",
                                         .password_bytes = password);
    enum outcome outcome = receive(client, &answer);
    if (outcome == RECEIVED_TIMEOUT)
        fail_expected(t, "a CONNACK, or the connection closed", "%s", describe_state(client, outcome));
    return outcome == RECEIVED_PACKET && answer->packet.type == PACKET_CONNACK &&
           answer->packet.connack.reason_code == 0;
}

/* Any server may refuse any Password, so that a refusal is no breach; but one that takes whatever is text and
 * nothing else can hardly be said to take it for binary data. */
CONFORMANCE_TEST(password_is_binary_data, V311 | V5, NEEDS_NOTHING,
                 "A server that looks at no Password takes one of any bytes, of any length", D3_3_1_3_5_1,
                 D_1_5_6_1)
{
    static const uint8_t odd[] = {0x00, 0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0x00};
    const uint32_t limit = t->capabilities->maximum_packet_size;
    const size_t most = limit != 0 && limit < 65735 ? 1024 : 65535;
    uint8_t *many = test_allocate(t, most);
    memset(many, 'p', most);
    if (!is_let_in(t, "text", bytes_of_text("text")))
        skip(t, "the server does not let everybody in");
    if (!is_let_in(t, "no bytes", bytes_of(odd, 0)))
        warn(t, "a Password of zero bytes was refused");
    if (!is_let_in(t, "any bytes", bytes_of(odd, sizeof odd)))
        warn(t, "a Password that is no UTF-8 was refused");
    if (!is_let_in(t, "many bytes", bytes_of(many, most)))
        warn(t, "a Password of %zu bytes was refused", most);
}

/* ---- MQTT 3.1 ------------------------------------------------------------------------------------ */

/* 3.1 has Client Identifiers of 1 to 23 characters, and a return code for all others. Servers that are not so
 * strict follow 3.1.1. */
CONFORMANCE_TEST(
    client_identifiers_of_3_1_have_1_to_23_characters, V31, NEEDS_NOTHING,
    "In 3.1 a Client Identifier of no character, or of more than 23, is rejected with return code 2",
    MQTT3_3_1_3_9, MQTT3_3_2_2_5)
{
    char *longer = test_allocate(t, 25);
    memset(longer, 'x', 24);
    memcpy(longer, client_id(t, "long"), strlen(client_id(t, "long")));
    for (size_t i = 0; i < 2; i++) {
        const struct received *answer;
        const char *what = i == 0 ? "without characters" : "of 24 characters";
        struct client *client =
            send_connect(t, .name = what, .clean_start = true, .client_identifier = i == 0 ? "" : longer);
        enum outcome outcome = receive(client, &answer);
        if (outcome == RECEIVED_PACKET && answer->packet.connack.reason_code == 0) {
            note(t, "a Client Identifier %s is accepted, as in 3.1.1", what);
            continue;
        }
        if (outcome != RECEIVED_PACKET || answer->packet.connack.reason_code != 2)
            fail_expected(t, "CONNACK with return code 2, identifier rejected", "%s: %s", what,
                          outcome == RECEIVED_PACKET ? describe_packet(t, &answer->packet)
                                                     : describe_state(client, outcome));
        note(t, "a Client Identifier %s is rejected", what);
        expect_closed(client);
    }
}
