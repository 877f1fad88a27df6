/* 3.1.2.11 CONNECT Properties, but for the Session Expiry Interval (3_01_2_11_02) */
#include "3_01_connect.h"
#include "3_01_session.h"
#include "4_09_window.h"

/* ---- Errors -------------------------------------------------------------------------------------- */

/* `control` is accepted, `wrong` is not. */
static void refuse_properties(struct test *t, const char *what, const char *control, const char *wrong)
{
    accept_connect_bytes(t, .properties = control);
    refuse_connect_bytes(t, what, REASON_PROTOCOL_ERROR, .properties = wrong);
}

CONFORMANCE_TEST(repeated_session_expiry_interval_is_refused, V5, NEEDS_NOTHING,
                 "A CONNECT that repeats Session Expiry Interval is refused", P_3_1_2_11_2_1, MQTT_3_1_4_1)
{
    refuse_properties(t, "repeated Session Expiry Interval", "11 00 00 00 00",
                      "11 00 00 00 00 11 00 00 00 00");
}

CONFORMANCE_TEST(repeated_receive_maximum_is_refused, V5, NEEDS_NOTHING,
                 "A CONNECT that repeats Receive Maximum is refused", P_3_1_2_11_3_1, MQTT_3_1_4_1)
{
    refuse_properties(t, "repeated Receive Maximum", "21 00 05", "21 00 05 21 00 05");
}

CONFORMANCE_TEST(repeated_maximum_packet_size_is_refused, V5, NEEDS_NOTHING,
                 "A CONNECT that repeats Maximum Packet Size is refused", P_3_1_2_11_4_1, MQTT_3_1_4_1)
{
    refuse_properties(t, "repeated Maximum Packet Size", "27 00 00 10 00", "27 00 00 10 00 27 00 00 10 00");
}

CONFORMANCE_TEST(repeated_topic_alias_maximum_is_refused, V5, NEEDS_NOTHING,
                 "A CONNECT that repeats Topic Alias Maximum is refused", P_3_1_2_11_5_1, MQTT_3_1_4_1)
{
    refuse_properties(t, "repeated Topic Alias Maximum", "22 00 05", "22 00 05 22 00 05");
}

CONFORMANCE_TEST(repeated_request_response_information_is_refused, V5, NEEDS_NOTHING,
                 "A CONNECT that repeats Request Response Information is refused", P_3_1_2_11_6_1,
                 MQTT_3_1_4_1)
{
    refuse_properties(t, "repeated Request Response Information", "19 00", "19 00 19 00");
}

CONFORMANCE_TEST(repeated_request_problem_information_is_refused, V5, NEEDS_NOTHING,
                 "A CONNECT that repeats Request Problem Information is refused", P_3_1_2_11_7_1,
                 MQTT_3_1_4_1)
{
    refuse_properties(t, "repeated Request Problem Information", "17 01", "17 01 17 01");
}

/* A server without extended authentication refuses a method in any case: the control goes without. */
CONFORMANCE_TEST(repeated_authentication_method_is_refused, V5, NEEDS_NOTHING,
                 "A CONNECT that repeats Authentication Method is refused", P_3_1_2_11_9_1, MQTT_3_1_4_1)
{
    refuse_properties(t, "repeated Authentication Method", "", "15 {etalon-none} 15 {etalon-none}");
}

CONFORMANCE_TEST(receive_maximum_0_is_refused, V5, NEEDS_NOTHING,
                 "A CONNECT with Receive Maximum 0 is refused", P_3_1_2_11_3_1, MQTT_3_1_4_1)
{
    refuse_properties(t, "Receive Maximum 0", "21 00 01", "21 00 00");
}

CONFORMANCE_TEST(maximum_packet_size_0_is_refused, V5, NEEDS_NOTHING,
                 "A CONNECT with Maximum Packet Size 0 is refused", P_3_1_2_11_4_1, MQTT_3_1_4_1)
{
    refuse_properties(t, "Maximum Packet Size 0", "27 00 00 10 00", "27 00 00 00 00");
}

CONFORMANCE_TEST(request_response_information_2_is_refused, V5, NEEDS_NOTHING,
                 "A CONNECT with Request Response Information 2 is refused", P_3_1_2_11_6_1, MQTT_3_1_4_1)
{
    refuse_properties(t, "Request Response Information 2", "19 01", "19 02");
}

CONFORMANCE_TEST(request_problem_information_2_is_refused, V5, NEEDS_NOTHING,
                 "A CONNECT with Request Problem Information 2 is refused", P_3_1_2_11_7_1, MQTT_3_1_4_1)
{
    refuse_properties(t, "Request Problem Information 2", "17 00", "17 02");
}

CONFORMANCE_TEST(authentication_data_without_method_is_refused, V5, NEEDS_NOTHING,
                 "A CONNECT with Authentication Data but no Authentication Method is refused",
                 P_3_1_2_11_10_1, MQTT_3_1_4_1)
{
    refuse_properties(t, "Authentication Data but no Authentication Method", "", "16 {data}");
}

CONFORMANCE_TEST(repeated_authentication_data_is_refused, V5, NEEDS_NOTHING,
                 "A CONNECT with Authentication Data twice is refused", P_3_1_2_11_10_2, MQTT_3_1_4_1)
{
    refuse_properties(t, "Authentication Data twice", "", "15 {etalon-none} 16 {data} 16 {data}");
}

CONFORMANCE_TEST(connect_user_properties_are_accepted, V5, NEEDS_NOTHING,
                 "A CONNECT may carry many User Properties, and one name several times", D_3_1_2_11_8_1,
                 D_3_1_2_11_8_2)
{
    struct client *client = send_connect(
        t, .clean_start = true,
        .user_properties = {{"name", "1"}, {"name", "2"}, {"name", "1"}, {"", ""}, {"other", "3"}});
    expect_connack(client);
    ping(client);
}

CONFORMANCE_TEST(no_authentication_exchange_unasked, V5, NEEDS_NOTHING,
                 "Without an Authentication Method in the CONNECT, CONNACK is the answer and has none either",
                 D_3_1_2_11_9_1)
{
    struct client *client = send_connect(t, .clean_start = true);
    const struct received *connack = expect_connack(client); /* the very next packet: no AUTH before it */
    const struct properties *properties = &connack->packet.connack.properties;
    require(t, !properties_has(properties, ORDINAL_AUTHENTICATION_METHOD),
            "the CONNACK names an Authentication Method that nobody asked for");
    require(t, !properties_has(properties, ORDINAL_AUTHENTICATION_DATA),
            "the CONNACK carries Authentication Data that nobody asked for");
}

/* ---- Request Response Information, Request Problem Information ----------------------------------- */

CONFORMANCE_TEST(response_information_only_on_request, V5, NEEDS_NOTHING,
                 "The CONNACK carries Response Information only for a client that asked for it",
                 MQTT_3_1_2_28, D_3_1_2_11_6_1, D_3_1_2_11_6_2, D_3_2_2_3_15_1)
{
    static const int64_t requests[] = {ABSENT, 0, 1};
    for (size_t i = 0; i < 3; i++) {
        struct client *client =
            send_connect(t, .clean_start = true, .request_response_information = requests[i]);
        const struct received *connack = expect_connack(client);
        bool there = properties_has(&connack->packet.connack.properties, ORDINAL_RESPONSE_INFORMATION);
        if (requests[i] == 1)
            note(t, "asked for it, the server %s Response Information", there ? "sends" : "sends no");
        else if (there)
            fail_expected(t, "a CONNACK without Response Information", "%s",
                          describe_packet(t, &connack->packet));
    }
}

/* Brings about acknowledgements of many kinds, with such codes as a server might like to explain, and counts
 * those that carry a Reason String or a User Property. `forbidden`: none may. */
static unsigned count_explanations(struct client *client, bool forbidden)
{
    struct test *t = client->test;
    unsigned explained = 0;
    const struct received *received;
    int qos = t->capabilities->maximum_qos;
    send_subscribe(client, topic(t, "a"), .qos = 0);
    send_subscribe(client, "$SYS/#", .qos = 0); /* perhaps not allowed */
    send_unsubscribe(client, topic(t, "never-subscribed"));
    if (qos >= 1)
        send_publish(client, .topic = topic(t, "nobody-is-there"), .payload = "1", .qos = 1);
    if (qos >= 2) {
        send_publish(client, .topic = topic(t, "nobody-is-there"), .payload = "2", .qos = 2);
        SEND_HEX(client, "62 02 77 77"); /* PUBREL of an unknown Packet Identifier: PUBCOMP 0x92 */
    }
    send_pingreq(client);
    for (;;) {
        enum outcome outcome = receive(client, &received);
        if (outcome != RECEIVED_PACKET)
            error(t, "the end of the acknowledgements did not come: %s", describe_state(client, outcome));
        enum packet_type type = received->packet.type;
        if (type == PACKET_PINGRESP)
            return explained;
        if (type == PACKET_PUBLISH) /* of $SYS */
            continue;
        const struct properties *properties = type == PACKET_SUBACK || type == PACKET_UNSUBACK
                                                  ? &received->packet.suback.properties
                                                  : &received->packet.acknowledgement.properties;
        if (!properties_has(properties, ORDINAL_REASON_STRING) &&
            !properties_has(properties, ORDINAL_USER_PROPERTY))
            continue;
        explained++;
        if (forbidden)
            fail_expected(t, "neither Reason String nor User Property", "%s",
                          describe_packet(t, &received->packet));
    }
}

CONFORMANCE_TEST(
    problem_information_can_be_declined, V5, NEEDS_NOTHING,
    "With Request Problem Information 0 no acknowledgement carries Reason String or User Property",
    MQTT_3_1_2_29, D_3_1_2_11_7_1, D_3_1_2_11_7_2)
{
    struct client *willing = connect_client(t, .name = "willing", .clean_start = true);
    struct client *declining =
        connect_client(t, .name = "declining", .clean_start = true, .request_problem_information = 0);
    unsigned usual = count_explanations(willing, false);
    count_explanations(declining, true);
    note(t, "to a client that does not decline, the server explained %s",
         usual > 0 ? text(t, "%u acknowledgements", usual) : "nothing");
}

/* ---- Topic Alias Maximum ------------------------------------------------------------------------- */

/* Publishes on several topics, several times each, and looks at the Topic Aliases that reach `subscriber`,
 * which allows them up to `maximum`. */
static void look_at_aliases(struct client *subscriber, struct client *publisher, unsigned maximum)
{
    struct test *t = subscriber->test;
    unsigned seen = 0;
    const char *names[16] = {NULL};
    subscribe(subscriber, topic(t, "+"));
    for (int i = 0; i < 15; i++) {
        const char *name = topic(t, text(t, "%c", 'a' + i % 5));
        publish(publisher, .topic = name, .payload = text(t, "%d", i));
        const struct received *received = expect_publish(subscriber, .payload = text(t, "%d", i));
        const struct publish *publish = &received->packet.publish;
        uint32_t alias = properties_number(&publish->properties, ORDINAL_TOPIC_ALIAS, 0);
        if (alias > maximum)
            fail_expected(t, maximum == 0 ? "no Topic Alias" : text(t, "Topic Aliases up to %u", maximum),
                          "%s", describe_packet(t, &received->packet));
        seen += alias != 0;
        if (alias != 0 && publish->topic.length > 0)
            names[alias] = name;
        const char *meant = publish->topic.length > 0 ? NULL : names[alias];
        bool right = meant == NULL ? is_text(publish->topic, name) : strcmp(meant, name) == 0;
        if (!right)
            fail_expected(t, text(t, "a PUBLISH to \"%s\"", name), "%s",
                          describe_packet(t, &received->packet));
    }
    note(t, "with Topic Alias Maximum %u, %u of 15 messages had a Topic Alias", maximum, seen);
}

CONFORMANCE_TEST(no_topic_alias_to_a_client_without_them, V5, NEEDS_WILDCARD,
                 "A client that gives no Topic Alias Maximum, or 0, receives no Topic Alias", MQTT_3_1_2_27,
                 D_3_1_2_11_5_1)
{
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *absent = connect_client(t, .name = "absent", .clean_start = true);
    look_at_aliases(absent, publisher, 0);
    struct client *zero = connect_client(t, .name = "zero", .clean_start = true, .topic_alias_maximum = 0);
    look_at_aliases(zero, publisher, 0);
}

CONFORMANCE_TEST(topic_alias_maximum_is_respected, V5, NEEDS_WILDCARD,
                 "The Topic Aliases that a client receives do not exceed its Topic Alias Maximum",
                 MQTT_3_1_2_26)
{
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *two = connect_client(t, .name = "two", .clean_start = true, .topic_alias_maximum = 2);
    look_at_aliases(two, publisher, 2);
}

/* ---- Receive Maximum ----------------------------------------------------------------------------- */

/* Publishes "0" to "4" at QoS 1; they have all reached somebody. */
static void publish_five(struct test *t, const char *a)
{
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *control = connect_client(t, .name = "control", .clean_start = true);
    subscribe(control, a, .qos = 1);
    for (int i = 0; i < 5; i++) {
        publish(publisher, .topic = a, .payload = text(t, "%d", i), .qos = 1);
        expect_publish(control, .topic = a, .payload = text(t, "%d", i));
    }
}

CONFORMANCE_TEST(
    receive_maximum_is_respected, V5, NEEDS_QOS1,
    "The server sends no more unacknowledged messages than Receive Maximum, and goes on after a PUBACK",
    MQTT_3_3_4_9, D_3_1_2_11_3_1)
{
    const char *a = topic(t, "a");
    const struct received *got[5];
    struct client *subscriber =
        connect_client(t, .name = "subscriber", .clean_start = true, .receive_maximum = 2);
    subscribe(subscriber, a, .qos = 1);
    publish_five(t, a);
    take_through_window(subscriber, a, 2, got, 5);
}

CONFORMANCE_TEST(receive_maximum_belongs_to_the_connection, V5, NEEDS_QOS1,
                 "Receive Maximum is that of the present connection, not of one before", D_3_1_2_11_3_1,
                 MQTT_3_3_4_9)
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    const struct received *got[5];
    struct client *first = connect_lasting_client(t, "session", .receive_maximum = 5);
    subscribe(first, a, .qos = 1);
    leave(first);
    publish_five(t, a);
    struct client *second = connect_lasting_client(t, "session", .receive_maximum = 1);
    take_through_window(second, a, 1, got, 5);
}

/* ---- Maximum Packet Size ------------------------------------------------------------------------- */

#define PACKET_LIMIT 100U

/* The payload that makes a PUBLISH of QoS 1, without properties, `size` bytes long (at most 129). */
static const char *payload_for_size(struct test *t, const char *a, size_t size, char fill)
{
    size_t length = size - 2 - 2 - strlen(a) - 2 - 1;
    char *payload = test_allocate(t, length + 1);
    memset(payload, fill, length);
    return payload;
}

CONFORMANCE_TEST(
    maximum_packet_size_is_respected, V5, NEEDS_QOS1,
    "A message of exactly Maximum Packet Size arrives, a larger one is dropped, and the next one comes",
    MQTT_3_1_2_24, MQTT_3_1_2_25, D_3_1_2_11_4_1)
{
    const char *a = topic(t, "a");
    const char *fits = payload_for_size(t, a, PACKET_LIMIT, 'f');
    const char *too_large = payload_for_size(t, a, PACKET_LIMIT + 1, 'x');
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *unlimited = connect_client(t, .name = "unlimited", .clean_start = true);
    /* with Receive Maximum 1, a server that dropped the message but waits for its PUBACK is stuck */
    struct client *limited = connect_client(t, .name = "limited", .clean_start = true, .receive_maximum = 1,
                                            .maximum_packet_size = PACKET_LIMIT);
    subscribe(unlimited, a, .qos = 1);
    subscribe(limited, a, .qos = 1);
    publish(publisher, .topic = a, .payload = fits, .qos = 1);
    publish(publisher, .topic = a, .payload = too_large, .qos = 1);
    publish(publisher, .topic = a, .payload = too_large, .qos = 1);
    publish(publisher, .topic = a, .payload = "after", .qos = 1);

    expect_publish(limited, .topic = a, .payload = fits);
    expect_publish(limited, .topic = a, .payload = "after");
    expect_nothing_before(limited, .publisher = publisher, .topic = a, .qos = 1);
    expect_publish(unlimited, .topic = a, .payload = fits);
    expect_publish(unlimited, .topic = a, .payload = too_large); /* positive control */
    expect_publish(unlimited, .topic = a, .payload = too_large);
    expect_publish(unlimited, .topic = a, .payload = "after");
}

CONFORMANCE_TEST(maximum_packet_size_holds_for_qos_0_and_2, V5, NEEDS_QOS2,
                 "A message larger than Maximum Packet Size is dropped at QoS 0 and 2 as well", MQTT_3_1_2_24,
                 MQTT_3_1_2_25)
{
    const char *a = topic(t, "a");
    const char *too_large = payload_for_size(t, a, PACKET_LIMIT + 10, 'x');
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *unlimited = connect_client(t, .name = "unlimited", .clean_start = true);
    struct client *limited = connect_client(t, .name = "limited", .clean_start = true, .receive_maximum = 1,
                                            .maximum_packet_size = PACKET_LIMIT);
    subscribe(unlimited, a, .qos = 2);
    subscribe(limited, a, .qos = 2);
    for (int qos = 0; qos <= 2; qos += 2) {
        publish(publisher, .topic = a, .payload = too_large, .qos = qos);
        publish(publisher, .topic = a, .payload = "after", .qos = qos);
        expect_publish(unlimited, .topic = a, .payload = too_large); /* positive control */
        expect_publish(unlimited, .topic = a, .payload = "after");
        expect_publish(limited, .topic = a, .payload = "after");
        expect_nothing_before(limited, .publisher = publisher, .topic = a, .qos = qos);
        expect_nothing_before(unlimited, .publisher = publisher, .topic = a, .qos = qos);
        unsubscribe(limited, a); /* the sentinels of the other QoS must not be in the way */
        subscribe(limited, a, .qos = 2);
    }
}

CONFORMANCE_TEST(
    message_too_large_is_not_sent_later, V5, NEEDS_QOS1,
    "A message dropped for Maximum Packet Size counts as sent: a later connection does not get it",
    MQTT_3_1_2_25, MQTT_3_1_2_24)
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    const char *too_large = payload_for_size(t, a, PACKET_LIMIT + 10, 'x');
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *limited = connect_lasting_client(t, "session", .maximum_packet_size = PACKET_LIMIT);
    subscribe(limited, a, .qos = 1);
    publish(publisher, .topic = a, .payload = too_large, .qos = 1);
    publish(publisher, .topic = a, .payload = "after", .qos = 1);
    expect_publish(limited, .topic = a, .payload = "after");
    ping(limited); /* its PUBACK has arrived */
    leave(limited);
    publish(publisher, .topic = a, .payload = too_large,
            .qos = 1); /* while away, and without a limit on return */
    struct client *unlimited = connect_lasting_client(t, "session");
    demand_session_present(unlimited, true);
    expect_publish(unlimited, .topic = a, .payload = too_large); /* the second one: the only one */
    expect_nothing_before(unlimited, .publisher = publisher, .topic = a, .qos = 1);
}

CONFORMANCE_TEST(maximum_packet_size_holds_for_other_packets, V5, NEEDS_NOTHING,
                 "No CONNACK and no SUBACK is larger than the client's Maximum Packet Size", MQTT_3_1_2_24,
                 MQTT_3_2_2_19, MQTT_3_2_2_20)
{
    static const uint32_t limits[] = {1, 4, 5, 12, 20, 40};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        const struct received *received;
        enum outcome outcome;
        unsigned count = 0;
        struct client *client = send_connect(t, .name = text(t, "limit %u", limits[i]), .clean_start = true,
                                             .maximum_packet_size = limits[i]);
        /* 60 Topic Filters: a SUBACK of 65 bytes, which must be left out */
        struct subscription_request requests[60];
        for (size_t j = 0; j < 60; j++)
            requests[j] = (struct subscription_request){.topic_filter = bytes_of_text(topic(t, "a"))};
        send_subscribe_list(client, requests, 60, ABSENT);
        if (!client->closed)
            send_disconnect(client);
        if (!client->closed)
            finish_sending(client);
        while ((outcome = receive(client, &received)) == RECEIVED_PACKET) {
            count++;
            if (received->bytes.length > limits[i])
                fail_expected(t, text(t, "no packet of more than %u bytes", limits[i]), "%zu bytes: %s",
                              received->bytes.length, describe_packet(t, &received->packet));
        }
        if (outcome == RECEIVED_TIMEOUT)
            error(t, "the server did not close the connection of %s after its DISCONNECT", client->name);
        note(t, "with Maximum Packet Size %u the server sent %u packets", limits[i], count);
    }
    struct client *roomy =
        connect_client(t, .name = "roomy", .clean_start = true, .maximum_packet_size = 200);
    subscribe(roomy, topic(t, "a")); /* positive control: where there is room, they come */
}

/* ---- Receive Maximum, absent --------------------------------------------------------------------- */

#define UNACKNOWLEDGED 300
#define PAUSE 1.0 /* seconds; on what comes later only a note depends */

/* The server may keep fewer under way than the client allows. */
CONFORMANCE_TEST(receive_maximum_absent_is_no_limit, V5, NEEDS_QOS1,
                 "To a client without Receive Maximum many messages may be under way", D_3_1_2_11_3_2,
                 MQTT_4_5_0_1)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *client = connect_client(t, .name = "client", .clean_start = true);
    subscribe(client, a, .qos = 1);
    for (int i = 0; i < UNACKNOWLEDGED; i++)
        publish(publisher, .topic = a, .payload = text(t, "%d", i), .qos = 1);
    const struct received *list[UNACKNOWLEDGED] = {NULL};
    size_t count = 0;
    while (count < UNACKNOWLEDGED && receive_publish(client, now(t) + PAUSE, &list[count]) == RECEIVED_PACKET)
        count++;
    if (count == UNACKNOWLEDGED)
        note(t, "%zu messages came unacknowledged", count);
    else
        note(t, "the server stopped at %zu messages", count);
    for (size_t i = 0; i < count; i++) /* then the others come, too */
        acknowledge(client, list[i]);
    for (; count < UNACKNOWLEDGED; count++)
        expect_publish(client, .topic = a, .payload = text(t, "%zu", count));
}
