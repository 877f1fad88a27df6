/* 3.14 DISCONNECT. A server may close the connection after a good and after a bad DISCONNECT, so closing
 * tells the two apart in no test: it is the Will Message that does. A normal DISCONNECT discards it,
 * everything else has it published. */
#include "../test.h"

#define SESSION_SECONDS 120

/* ---- Wills --------------------------------------------------------------------------------------- */

/* A subscriber to the will topic of the test. */
static struct client *watch_wills(struct test *t)
{
    struct client *watcher = connect_client(t, .name = "watcher", .clean_start = true);
    subscribe(watcher, topic(t, "will"), .qos = 0);
    return watcher;
}

/* A client whose Will Message has this payload. */
static struct client *connect_with_will(struct test *t, const char *payload)
{
    return connect_client(t, .name = payload, .clean_start = true,
                          .will = {.topic = topic(t, "will"), .payload = payload});
}

/* Demands that a will that was due before has not been published: the sentinel is another client's will. */
static void expect_no_will_yet(struct client *watcher)
{
    struct test *t = watcher->test;
    const char *payload = text(t, "sentinel %u", t->client_count);
    struct client *control = connect_with_will(t, payload);
    close_abruptly(control);
    expect_publish(watcher, .topic = topic(t, "will"), .payload = payload);
}

/* Waits until the server has closed, or at least dealt with what came: closes our side when it does not. */
static void finish(struct client *client)
{
    struct test *t = client->test;
    const struct received *received;
    enum outcome outcome;
    while ((outcome = receive(client, &received)) == RECEIVED_PACKET)
        note(t, "after DISCONNECT came %s", describe_packet(t, &received->packet));
    if (outcome == RECEIVED_CLOSED)
        return;
    warn(t, "the server did not close the connection after a DISCONNECT");
    close_abruptly(client);
}

CONFORMANCE_TEST(disconnect_discards_the_will, V_ALL, NEEDS_NOTHING,
                 "A client that leaves with DISCONNECT takes its Will Message with it", MQTT_3_14_4_3,
                 MQTT3_3_14_4_3, MQTT_3_1_2_8, MQTT3_3_1_2_8, R_3_14_2_1_1, D_3_14_2_1_1)
{
    struct client *watcher = watch_wills(t);
    expect_no_will_yet(watcher); /* positive control: without DISCONNECT it is published */
    struct client *client = connect_with_will(t, "unwanted");
    SEND_HEX(client, "e0 00");
    finish(client);
    expect_no_will_yet(watcher);
}

CONFORMANCE_TEST(disconnect_discards_the_will_when_client_closes, V_ALL, NEEDS_NOTHING,
                 "DISCONNECT followed at once by the end of the connection discards the Will Message",
                 MQTT_3_14_4_3, MQTT3_3_14_4_3, MQTT_3_1_2_8, MQTT3_3_1_2_8)
{
    struct client *watcher = watch_wills(t);
    expect_no_will_yet(watcher);
    for (int i = 0; i < 5; i++) {
        struct client *client = connect_with_will(t, "unwanted");
        disconnect(client);
    }
    expect_no_will_yet(watcher);
}

CONFORMANCE_TEST(disconnect_forms_discard_the_will, V5, NEEDS_NOTHING,
                 "DISCONNECT 0x00 discards the Will Message in its short and its long forms", MQTT_3_14_4_3,
                 R_3_14_2_1_1, D_3_14_2_1_1, D_3_14_2_2_1_1, R_3_14_2_1_2)
{
    static const char *const forms[] = {
        "e0 00",
        "e0 01 00",
        "e0 02 00 00",
        "e0 07 00 05 11 00 00 00 00",      /* Session Expiry Interval, as before */
        "e0 08 00 06 1f {why}",            /* Reason String */
        "e0 0e 00 0c 26 {a} {b} 26 {} {}", /* User Properties */
    };
    struct client *watcher = watch_wills(t);
    expect_no_will_yet(watcher);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct client *client = connect_with_will(t, text(t, "unwanted %zu", i));
        SEND_HEX(client, forms[i]);
        finish(client);
        expect_no_will_yet(watcher);
    }
}

/* Leaves with this Reason Code, in the form of the given bytes, and awaits the will. */
static void check_will_is_published(struct client *watcher, uint8_t reason_code, const char *form)
{
    struct test *t = watcher->test;
    const char *payload = text(t, "after 0x%02X", reason_code);
    struct client *client = connect_with_will(t, payload);
    send_template(client, text(t, form, reason_code));
    finish(client);
    expect_publish(watcher, .topic = topic(t, "will"), .payload = payload);
}

CONFORMANCE_TEST(disconnect_with_will_message_publishes_it, V5, NEEDS_NOTHING,
                 "DISCONNECT 0x04 (Disconnect with Will Message) has the Will Message published", R_3_14_1,
                 MQTT_3_1_2_8, D_3_14_2_2_1_1)
{
    struct client *watcher = watch_wills(t);
    check_will_is_published(watcher, REASON_DISCONNECT_WITH_WILL_MESSAGE, "e0 01 %02x");
    check_will_is_published(watcher, REASON_DISCONNECT_WITH_WILL_MESSAGE, "e0 02 %02x 00");
    expect_no_will_yet(watcher); /* once each */
}

CONFORMANCE_TEST(disconnect_with_error_publishes_the_will, V5, NEEDS_NOTHING,
                 "A client's DISCONNECT with a Reason Code of 0x80 or greater has the Will Message published",
                 R_3_14_1, MQTT_3_1_2_8)
{
    /* those that a client may send, Table 3-10 */
    static const uint8_t codes[] = {0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99};
    struct client *watcher = watch_wills(t);
    for (size_t i = 0; i < sizeof codes; i++)
        check_will_is_published(watcher, codes[i], i % 2 == 0 ? "e0 01 %02x" : "e0 02 %02x 00");
    expect_no_will_yet(watcher);
}

/* ---- Bad ones ------------------------------------------------------------------------------------ */

struct bad_disconnect {
    const char *what;
    const char *bytes;
    int reason_code;
};

/* Each is refused, which shows in the will. */
static void check_bad_disconnects(struct test *t, const struct bad_disconnect *list, size_t count)
{
    struct client *watcher = watch_wills(t);
    struct client *good = connect_with_will(t, "of a good DISCONNECT");
    disconnect(good);
    expect_no_will_yet(watcher);
    for (size_t i = 0; i < count; i++) {
        struct client *client = connect_with_will(t, list[i].what);
        SEND_HEX(client, list[i].bytes);
        expect_refused(client, .reason_code = list[i].reason_code);
        expect_publish(watcher, .topic = topic(t, "will"), .payload = list[i].what);
    }
}

CONFORMANCE_TEST(disconnect_reserved_bits_are_checked, V5 | V311, NEEDS_NOTHING,
                 "A DISCONNECT with a reserved bit set is refused, not obeyed", MQTT_3_14_1_1, MQTT3_3_14_1_1,
                 R_3_14_1)
{
    static const struct bad_disconnect list[] = {
        {"reserved bit 0", "e1 00", REASON_MALFORMED_PACKET},
        {"reserved bit 1", "e2 00", REASON_MALFORMED_PACKET},
        {"reserved bit 2", "e4 00", REASON_MALFORMED_PACKET},
        {"reserved bit 3", "e8 00", REASON_MALFORMED_PACKET},
    };
    check_bad_disconnects(t, list, 4);
}

CONFORMANCE_TEST(disconnect_with_second_session_expiry_is_refused, V5, NEEDS_NOTHING,
                 "A DISCONNECT with two Session Expiry Intervals is refused, not obeyed", P_3_14_2_2_2_1,
                 R_3_14_1)
{
    static const struct bad_disconnect list[] = {
        {"twice 0x11", "e0 0c 00 0a 11 00 00 00 00 11 00 00 00 00", REASON_PROTOCOL_ERROR}};
    check_bad_disconnects(t, list, 1);
}

CONFORMANCE_TEST(disconnect_with_second_reason_string_is_refused, V5, NEEDS_NOTHING,
                 "A DISCONNECT with two Reason Strings is refused, not obeyed", P_3_14_2_2_3_1, R_3_14_1)
{
    static const struct bad_disconnect list[] = {
        {"twice 0x1f", "e0 0a 00 08 1f {a} 1f {a}", REASON_PROTOCOL_ERROR}};
    check_bad_disconnects(t, list, 1);
}

CONFORMANCE_TEST(disconnect_with_second_server_reference_is_refused, V5, NEEDS_NOTHING,
                 "A DISCONNECT with two Server References is refused, not obeyed", P_3_14_2_2_5_1, R_3_14_1)
{
    static const struct bad_disconnect list[] = {
        {"twice 0x1c", "e0 0a 00 08 1c {a} 1c {a}", REASON_PROTOCOL_ERROR}};
    check_bad_disconnects(t, list, 1);
}

/* ---- Session Expiry Interval --------------------------------------------------------------------- */

CONFORMANCE_TEST(session_expiry_may_not_be_raised_from_0, V5, NEEDS_NOTHING,
                 "A DISCONNECT that gives a session an end that had none is refused, and the will published",
                 P_3_14_2_2_2_2, R_3_14_2_2_2_1, D_3_14_2_2_2_2, R_3_14_1)
{
    struct client *watcher = watch_wills(t);
    for (int64_t before = ABSENT; before <= 0; before++) {
        const char *identifier = client_id(t, text(t, "raise%d", (int)-before));
        const char *payload = before == 0 ? "of Session Expiry Interval 0" : "of no Session Expiry Interval";
        struct client *client = connect_client(t, .name = "client", .client_identifier = identifier,
                                               .clean_start = true, .session_expiry_interval = before,
                                               .will = {.topic = topic(t, "will"), .payload = payload});
        SEND_HEX(client, "e0 07 00 05 11 00 00 00 64");
        expect_refused(client, .reason_code = REASON_PROTOCOL_ERROR);
        expect_publish(watcher, .topic = topic(t, "will"), .payload = payload);
        client = send_connect(t, .name = "client again", .client_identifier = identifier);
        expect_connack(client, .session_present = 0);
    }
}

/* Whether the server keeps a session as long as it is asked to; else nothing can be said. */
static void need_long_sessions(struct test *t)
{
    if (t->capabilities->session_expiry_maximum < SESSION_SECONDS)
        skip(t, "the server keeps sessions for %u s at most", t->capabilities->session_expiry_maximum);
}

static struct client *begin_session(struct test *t, const char *name, int64_t session_expiry_interval)
{
    return connect_client(t, .name = name, .client_identifier = client_id(t, name), .clean_start = true,
                          .session_expiry_interval = session_expiry_interval);
}

static void expect_session(struct test *t, const char *name, int present)
{
    struct client *client =
        send_connect(t, .name = name, .client_identifier = client_id(t, name), .session_expiry_interval = 0);
    expect_connack(client, .session_present = present);
    disconnect(client);
}

CONFORMANCE_TEST(session_expiry_of_connect_holds, V5, NEEDS_NOTHING,
                 "After a DISCONNECT without Session Expiry Interval the one of the CONNECT holds",
                 D_3_14_2_2_2_1, MQTT_3_1_2_23)
{
    need_long_sessions(t);
    struct client *lasting = begin_session(t, "lasting", SESSION_SECONDS);
    struct client *brief = begin_session(t, "brief", 0);
    disconnect(lasting);
    send_disconnect(brief);
    finish(brief);
    expect_session(t, "lasting", 1);
    expect_session(t, "brief", 0);
}

CONFORMANCE_TEST(session_expiry_can_be_lowered_to_0, V5, NEEDS_NOTHING,
                 "A DISCONNECT with Session Expiry Interval 0 ends the session with the connection",
                 MQTT_4_1_0_2, D_3_1_2_11_2_2, D_3_14_2_2_2_1)
{
    need_long_sessions(t);
    struct client *control = begin_session(t, "control", SESSION_SECONDS);
    disconnect(control);
    expect_session(t, "control", 1);
    struct client *client = begin_session(t, "ending", SESSION_SECONDS);
    send_disconnect(client, .session_expiry_interval = 0);
    finish(client);
    expect_session(t, "ending", 0);
}

/* Time is the subject: an interval of a second has to pass, and one of two minutes has to count instead. */
CONFORMANCE_TEST(session_expiry_can_be_changed, V5, NEEDS_TIME,
                 "A DISCONNECT with a Session Expiry Interval replaces that of the CONNECT, up or down",
                 MQTT_3_1_2_23, MQTT_4_1_0_2, D_3_14_2_2_2_1)
{
    need_long_sessions(t);
    struct client *raised = begin_session(t, "raised", 1);
    struct client *lowered = begin_session(t, "lowered", SESSION_SECONDS);
    struct client *kept = begin_session(t, "kept", SESSION_SECONDS);
    send_disconnect(raised, .session_expiry_interval = SESSION_SECONDS);
    finish(raised);
    disconnect(kept);
    send_disconnect(lowered, .session_expiry_interval = 1);
    finish(lowered);
    wait_until(t, now(t) + 3);
    expect_session(t, "kept", 1);
    expect_session(t, "raised", 1);
    expect_session(t, "lowered", 0);
}

/* ---- What the server does on a DISCONNECT -------------------------------------------------------- */

CONFORMANCE_TEST(server_closes_after_disconnect, V_ALL, NEEDS_NOTHING,
                 "The server closes the connection on which it received a DISCONNECT", S_3_14_4_1,
                 MQTT3_3_14_4_1, S3_3_14_4_1)
{
    struct client *client = connect_client(t, .name = "client", .clean_start = true);
    ping(client);
    send_disconnect(client);
    const struct received *received;
    enum outcome outcome = receive(client, &received);
    if (outcome == RECEIVED_PACKET)
        fail_expected(t, "nothing more, and the connection closed", "%s",
                      describe_packet(t, &received->packet));
    if (outcome == RECEIVED_TIMEOUT)
        warn(t, "the server had not closed the connection %.1f s after a DISCONNECT", t->patience);
}

/* The rule binds the client. A server that closes, as it should, sees no later packet. */
CONFORMANCE_TEST(packets_after_disconnect_are_not_processed, V_ALL, NEEDS_NOTHING,
                 "What a client sends after its DISCONNECT has no effect", MQTT3_3_14_4_2, S_3_14_4_1,
                 S3_3_14_4_1)
{
    const char *a = topic(t, "a");
    const char *properties = is_v5(t) ? "00" : "";
    unsigned length = 2 + (unsigned)strlen(a) + (is_v5(t) ? 1U : 0U) + 1;
    struct client *watcher = connect_client(t, .name = "watcher", .clean_start = true);
    struct client *client = connect_client(t, .name = "client", .clean_start = true);
    subscribe(watcher, a, .qos = 0);
    SEND_TEMPLATE(client, "30 %02x {%s} %s 31   e0 00   30 %02x {%s} %s 32", length, a, properties, length, a,
                  properties);
    expect_publish(watcher, .topic = a, .payload = "1");
    finish(client);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    const struct received *stray;
    if (collect_before(watcher, &stray, 1, .publisher = publisher, .topic = a) > 0)
        warn(t, "the server processed a PUBLISH that followed a DISCONNECT on the same connection: %s",
             describe_packet(t, &stray->packet));
}

/* ---- What the server sends ----------------------------------------------------------------------- */

/* Table 3-10, those that a server sends. A server that closes normally may say 0x00. */
static bool is_code_of_server(uint8_t code)
{
    static const uint8_t codes[] = {0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e,
                                    0x8f, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a,
                                    0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2};
    return memchr(codes, code, sizeof codes) != NULL;
}

static void examine_disconnect(struct test *t, const struct received *received)
{
    const struct disconnect *packet = &received->packet.disconnect;
    const char *seen = describe_packet(t, &received->packet);
    note(t, "the server sent %s", seen);
    if (!is_code_of_server(packet->reason_code))
        fail_statement(t, MQTT_3_14_2_1, STATEMENT_NONE, "a Reason Code that a server may send in DISCONNECT",
                       "%s", seen);
    if (properties_has(&packet->properties, ORDINAL_SESSION_EXPIRY_INTERVAL))
        fail_statement(t, MQTT_3_14_2_2, STATEMENT_NONE, "no Session Expiry Interval from the server", "%s",
                       seen);
}

/* Reads to the end of the connection. Returns the DISCONNECT, if one came; nothing may follow it. */
static const struct received *read_disconnect(struct client *client)
{
    struct test *t = client->test;
    const struct received *received;
    const struct received *disconnect = NULL;
    enum outcome outcome;
    while ((outcome = receive(client, &received)) == RECEIVED_PACKET) {
        if (disconnect != NULL)
            fail_statement(t, MQTT_3_14_4_1, STATEMENT_NONE, "nothing after the server's DISCONNECT", "%s",
                           describe_packet(t, &received->packet));
        if (received->packet.type == PACKET_DISCONNECT)
            disconnect = received;
    }
    if (outcome == RECEIVED_TIMEOUT && disconnect != NULL)
        fail_statement(t, MQTT_3_14_4_2, STATEMENT_NONE,
                       "the connection closed after the server's DISCONNECT", "%s",
                       describe_state(client, outcome));
    if (outcome == RECEIVED_TIMEOUT)
        fail_statement(t, MQTT_4_13_1_1, STATEMENT_NONE, "the connection closed after a violation", "%s",
                       describe_state(client, outcome));
    if (disconnect != NULL)
        examine_disconnect(t, disconnect);
    else
        note(t, "the server closed the connection without DISCONNECT");
    return disconnect;
}

/* Ways to make a server end a connection. */
static const char *const provocations[] = {
    "36 06 0001 61 0001 00",         /* PUBLISH with QoS 3 */
    "10 0d {MQTT} 05 02 0000 00 {}", /* a second CONNECT */
    "80 06 0001 00 0000 00",         /* SUBSCRIBE with wrong flags */
    "30 08 {a} 03 23 0000 6d",       /* Topic Alias 0 */
    "00 00",                         /* a packet type that does not exist */
};

CONFORMANCE_TEST(
    server_disconnect_is_the_end, V5, NEEDS_NOTHING,
    "A DISCONNECT from the server is well-formed, nothing follows it, and the connection is closed",
    MQTT_3_14_4_2, MQTT_3_14_4_1, MQTT_3_14_2_1, MQTT_3_14_2_2, D_3_14_1, D_3_14_2_1)
{
    for (size_t i = 0; i < sizeof provocations / sizeof *provocations; i++) {
        struct client *client = connect_client(t, .name = "client", .clean_start = true);
        SEND_HEX(client,
                 text(t, "%s c0 00 c0 00", provocations[i])); /* the pings must not be answered after */
        read_disconnect(client);
    }
}

CONFORMANCE_TEST(server_disconnect_ends_a_busy_connection, V5, NEEDS_NOTHING,
                 "After its DISCONNECT the server sends none of the messages that wait for the client",
                 MQTT_3_14_4_1, MQTT_3_14_4_2, MQTT_3_14_2_1, MQTT_3_14_2_2)
{
    const char *a = topic(t, "a");
    const char *identifier = client_id(t, "same");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *first =
        connect_client(t, .name = "first", .client_identifier = identifier, .clean_start = true);
    subscribe(first, a, .qos = 0);
    publish(publisher, .topic = a, .payload = "control");
    expect_publish(first, .topic = a, .payload = "control");
    for (int i = 0; i < 20; i++)
        publish(publisher, .topic = a, .payload = "before");
    struct client *second =
        send_connect(t, .name = "second", .client_identifier = identifier, .clean_start = true);
    for (int i = 0; i < 20; i++)
        publish(publisher, .topic = a, .payload = "after");
    expect_connack(second);
    ping(publisher);
    read_disconnect(first);
}

CONFORMANCE_TEST(no_disconnect_before_connack, V5, NEEDS_NOTHING,
                 "The server sends no DISCONNECT before it has accepted the CONNECT", MQTT_3_14_0_1)
{
    static const char *const openings[] = {
        "c0 00",                                 /* not a CONNECT */
        "30 05 {a} 00 6d",                       /* neither */
        "e0 00",                                 /* neither */
        "10 0d {MQTT} 05 03 0000 00 {}",         /* reserved Connect Flag */
        "11 0d {MQTT} 05 02 0000 00 {}",         /* reserved flags of the fixed header */
        "10 0d {MQTT} 06 02 0000 00 {}",         /* a version that does not exist */
        "10 10 {MQTT} 05 02 0000 03 21 0000 {}", /* Receive Maximum 0 */
    };
    for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) {
        struct client *client = open_connection(t, .name = "client");
        SEND_HEX(client, openings[i]);
        const struct received *received;
        enum outcome outcome;
        while ((outcome = receive(client, &received)) == RECEIVED_PACKET)
            if (received->packet.type == PACKET_DISCONNECT)
                fail_expected(t, "a CONNACK with a Reason Code, or nothing, before the connection is closed",
                              "%s", describe_packet(t, &received->packet));
        if (outcome == RECEIVED_TIMEOUT)
            fail_statement(t, MQTT_4_13_1_1, STATEMENT_NONE, "the connection closed", "%s",
                           describe_state(client, outcome));
    }
}

CONFORMANCE_TEST(server_disconnect_fits_maximum_packet_size, V5, NEEDS_NOTHING,
                 "A DISCONNECT from the server is no larger than the client's Maximum Packet Size, whatever "
                 "Reason String and User Properties it has otherwise",
                 MQTT_3_14_2_3, MQTT_3_14_2_4, MQTT_3_1_2_24)
{
    /* What the CONNACK needs a server has to be allowed. */
    struct client *probe = connect_client(t, .name = "probe", .clean_start = true);
    uint32_t limit = (uint32_t)probe->connack->bytes.length + 2;
    size_t largest = 0;
    for (size_t i = 0; i < sizeof provocations / sizeof *provocations; i++) {
        struct client *unlimited = connect_client(t, .name = "unlimited", .clean_start = true);
        SEND_HEX(unlimited, provocations[i]);
        const struct received *free_size = read_disconnect(unlimited);
        if (free_size != NULL && free_size->bytes.length > largest)
            largest = free_size->bytes.length;
        struct client *client =
            connect_client(t, .name = "limited", .clean_start = true, .maximum_packet_size = limit);
        SEND_HEX(client, provocations[i]);
        const struct received *disconnect = read_disconnect(client);
        if (disconnect != NULL && disconnect->bytes.length > limit)
            fail_expected(t, text(t, "a DISCONNECT of at most %u bytes", limit), "%zu bytes: %s",
                          disconnect->bytes.length, describe_packet(t, &disconnect->packet));
    }
    note(t, "without a limit, the largest DISCONNECT had %zu bytes; the limit was %u", largest, limit);
}

/* ---- Before 5.0 ---------------------------------------------------------------------------------- */

/* What is to become of it is not said, beyond 4.8: the connection ends. A server that takes it for a good one
 * drops the will, and should close. */
CONFORMANCE_TEST(
    disconnect_with_content_ends_the_connection, V3, NEEDS_NOTHING,
    "Before 5.0 a DISCONNECT with bytes behind its fixed header is the end of the connection, too",
    D3_3_14_2_1, D3_3_14_3_1, MQTT3_4_8_0_1, S3_3_14_4_1)
{
    static const char *const forms[] = {"e0 01 00", "e0 02 00 00", "e0 05 00 03 61 62 63"};
    struct client *watcher = watch_wills(t);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const struct received *answer;
        struct client *client = connect_with_will(t, text(t, "will %zu", i));
        ping(client); /* positive control */
        SEND_HEX(client, forms[i]);
        enum outcome outcome = receive(client, &answer);
        if (outcome == RECEIVED_PACKET)
            fail_expected(t, "the connection closed", "%s", describe_packet(t, &answer->packet));
        if (outcome == RECEIVED_CLOSED)
            continue;
        send_pingreq(client);
        if (receive(client, &answer) == RECEIVED_PACKET)
            fail_expected(t, "the connection closed", "it went on: %s", describe_packet(t, &answer->packet));
        warn(t, "%s: the server did not close the connection", forms[i]);
    }
    const struct received *will;
    struct client *last = connect_with_will(t, "sentinel");
    close_abruptly(last);
    size_t published = 0;
    while (receive_publish(watcher, now(t) + 2 * t->patience, &will) == RECEIVED_PACKET &&
           !is_text(will->packet.publish.payload, "sentinel"))
        published++;
    note(t, "of %zu wills %zu were published: such a DISCONNECT %s", sizeof forms / sizeof *forms, published,
         published > 0 ? "is an error" : "is taken for a good one");
}

/* A client of 3.1 or 3.1.1 has no use for it: only clients send DISCONNECT there. The suite fails whatever
 * test one comes to; here are the occasions. */
CONFORMANCE_TEST(no_disconnect_from_the_server, V3, NEEDS_NOTHING,
                 "Before 5.0 a server that ends a connection closes it, and sends no DISCONNECT", P3_2_2_1_4)
{
    struct client *first = connect_client(t, .name = "taken over", .client_identifier = client_id(t, "same"),
                                          .clean_start = true);
    connect_client(t, .name = "takes over", .client_identifier = client_id(t, "same"), .clean_start = true);
    expect_closed(first);
    struct client *wrong = connect_client(t, .name = "breaks the protocol", .clean_start = true);
    SEND_HEX(wrong, "80 06 00 01 00 01 61 00");
    send_pingreq(wrong);
    const struct received
        *answer; /* 3.1 lets a server overlook it; a DISCONNECT would be noticed all the same */
    if (t->version != PROTOCOL_3_1 || receive(wrong, &answer) != RECEIVED_PACKET)
        expect_closed(wrong);
    struct client *gone = connect_client(t, .name = "leaves", .clean_start = true);
    send_disconnect(gone);
    finish(gone);
}
