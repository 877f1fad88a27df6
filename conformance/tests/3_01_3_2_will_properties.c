/* 3.1.3.2 Will Properties */
#include "3_01_connect.h"
#include "3_01_session.h"
#include "3_01_will.h"

/* The interval counts whole seconds, and so do the clocks of some servers: a will that comes within the last
 * second of its interval is let pass, with a note. */
#define CLOCK_STEP 1.05

/* The will that must not come before `due`. */
static void expect_delayed_will(struct client *subscriber, const char *a, const char *payload, double due)
{
    struct test *t = subscriber->test;
    const struct received *will =
        expect_publish(subscriber, .topic = a, .payload = payload, .earliest = due - CLOCK_STEP,
                       .latest = due + 2 * t->patience);
    if (will->time < due - 0.02)
        note(t, "the will came %.2f s before its time; a clock of whole seconds may explain it",
             due - will->time);
    if (will->time > due + PROMPT + t->latency)
        warn(t, "the will came %.1f s after its time; it should come promptly [S-3.1.2.5-1]",
             will->time - due);
}

/* ---- Will Delay Interval ------------------------------------------------------------------------- */

CONFORMANCE_TEST(will_waits_for_its_delay, V5, NEEDS_TIME,
                 "A will is published when its Will Delay Interval has passed, not before and not much later",
                 MQTT_3_1_2_8, D_3_1_3_2_2_2, S_3_1_2_5_1, MQTT_3_1_2_10)
{
    need_sessions(t, 30);
    const char *a = topic(t, "a");
    struct client *subscriber = connect_subscriber(t, a, 1);
    struct client *lost =
        connect_lasting_client(t, "lost", .will = {.topic = a, .payload = "lost", .delay_interval = 3});
    double died = now(t);
    reset_connection(lost);
    expect_delayed_will(subscriber, a, "lost", died + 3); /* 3 s: half of it is not taken for a rough clock */
    expect_no_will(subscriber, a);
}

CONFORMANCE_TEST(will_waits_after_disconnect_with_will, V5, NEEDS_TIME,
                 "A will asked for by DISCONNECT 0x04 waits for its Will Delay Interval, too", MQTT_3_1_2_8,
                 D_3_1_3_2_2_2)
{
    need_sessions(t, 30);
    const char *a = topic(t, "a");
    struct client *subscriber = connect_subscriber(t, a, 1);
    struct client *leaving =
        connect_lasting_client(t, "leaving", .will = {.topic = a, .payload = "leaving", .delay_interval = 2});
    double died = now(t);
    disconnect(leaving, .reason_code = REASON_DISCONNECT_WITH_WILL_MESSAGE);
    expect_delayed_will(subscriber, a, "leaving", died + 2);
}

CONFORMANCE_TEST(
    will_delay_ends_with_session, V5, NEEDS_TIME,
    "A will whose session ends before its Will Delay Interval is published at the end of the session",
    MQTT_3_1_2_8, D_3_1_3_2_2_2, D_3_1_2_11_2_2)
{
    need_sessions(t, 30);
    const char *a = topic(t, "a");
    struct client *subscriber = connect_subscriber(t, a, 1);
    struct client *at_once =
        connect_client(t, .name = "no session", .clean_start = true,
                       .will = {.topic = a, .payload = "at once", .delay_interval = 600});
    struct client *soon =
        connect_client(t, .name = "brief session", .clean_start = true, .session_expiry_interval = 2,
                       .will = {.topic = a, .payload = "soon", .delay_interval = 600});
    if (granted_session_expiry(at_once) != 0 || granted_session_expiry(soon) != 2)
        skip(t, "the server grants other Session Expiry Intervals than 0 and 2 s");
    double died = now(t);
    close_abruptly(at_once);
    expect_will(subscriber, a, "at once", died);
    died = now(t);
    close_abruptly(soon);
    expect_delayed_will(subscriber, a, "soon", died + 2);
}

/* A client was lost and came back in time. `stays_away` is now lost as well, with the same Will Delay
 * Interval, and shows that such a will does come. */
static void expect_cancelled(struct client *subscriber, struct client *stays_away, const char *a)
{
    struct test *t = subscriber->test;
    double died = now(t);
    reset_connection(stays_away);
    expect_delayed_will(subscriber, a, "stays away", died + 2);
    wait_until(t, died + 2 + CLOCK_STEP); /* the other would have come by now on any clock */
    expect_no_will(subscriber, a);
}

CONFORMANCE_TEST(will_delay_is_cancelled_by_reconnect, V5, NEEDS_TIME,
                 "A client that continues its session within the Will Delay Interval leaves no will",
                 MQTT_3_1_3_9, MQTT_3_1_2_8, MQTT_3_1_2_10)
{
    need_sessions(t, 30);
    const char *a = topic(t, "a");
    struct client *subscriber = connect_subscriber(t, a, 1);
    struct client *control = connect_lasting_client(
        t, "control", .will = {.topic = a, .payload = "stays away", .delay_interval = 2});
    struct client *lost =
        connect_lasting_client(t, "lost", .will = {.topic = a, .payload = "comes back", .delay_interval = 2});
    reset_connection(lost);
    struct client *back = connect_lasting_client(t, "lost"); /* without a will of its own */
    demand_session_present(back, true);
    expect_cancelled(subscriber, control, a);
    close_abruptly(back);
    expect_no_will(subscriber, a);
}

CONFORMANCE_TEST(will_does_not_outlive_its_connection, V5, NEEDS_TIME,
                 "A will that was waiting is not published for a later connection that has none, and is lost",
                 MQTT_3_1_3_9, MQTT_3_1_2_8)
{
    need_sessions(t, 30);
    const char *a = topic(t, "a");
    struct client *subscriber = connect_subscriber(t, a, 1);
    struct client *control = connect_lasting_client(
        t, "control", .will = {.topic = a, .payload = "stays away", .delay_interval = 2});
    struct client *lost =
        connect_lasting_client(t, "lost", .will = {.topic = a, .payload = "comes back", .delay_interval = 2});
    reset_connection(lost);
    struct client *back = connect_lasting_client(t, "lost"); /* without a will of its own */
    demand_session_present(back, true);
    reset_connection(back);
    expect_cancelled(subscriber, control, a);
}

CONFORMANCE_TEST(will_delay_is_cancelled_by_takeover, V5, NEEDS_TIME,
                 "A takeover that continues the session leaves a delayed will unpublished", MQTT_3_1_3_9,
                 MQTT_3_1_2_8, D_3_1_4_2)
{
    need_sessions(t, 30);
    const char *a = topic(t, "a");
    struct client *subscriber = connect_subscriber(t, a, 1);
    struct client *control = connect_lasting_client(
        t, "control", .will = {.topic = a, .payload = "stays away", .delay_interval = 2});
    struct client *old =
        connect_lasting_client(t, "same", .will = {.topic = a, .payload = "taken over", .delay_interval = 2});
    struct client *new = connect_lasting_client(t, "same");
    demand_session_present(new, true);
    expect_closed(old);
    expect_cancelled(subscriber, control, a);
    ping(new);
}

/* ---- What goes with the message ------------------------------------------------------------------ */

CONFORMANCE_TEST(
    will_user_properties_keep_their_order, V5, NEEDS_NOTHING,
    "The User Properties of a will arrive in the order in which they were given, repetitions too",
    MQTT_3_1_3_10, D_3_1_3_2_8_1)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_subscriber(t, a, 1);
    close_abruptly(connect_client(
        t, .name = "mortal", .clean_start = true,
        .will = {.topic = a,
                 .payload = "gone",
                 .user_properties = {{"z", "1"}, {"a", "2"}, {"z", "3"}, {"", ""}, {"a", "2"}}}));
    const struct received *will = expect_publish(subscriber, .topic = a, .payload = "gone");
    const struct properties *properties = &will->packet.publish.properties;
    expect_user_property(subscriber, properties, 0, "z", "1");
    expect_user_property(subscriber, properties, 1, "a", "2");
    expect_user_property(subscriber, properties, 2, "z", "3");
    expect_user_property(subscriber, properties, 3, "", "");
    expect_user_property(subscriber, properties, 4, "a", "2");
    struct bytes rest = properties->repeated;
    struct string_pair pair;
    size_t count = 0;
    while (properties_next_user_property(&rest, &pair))
        count++;
    if (count != 5) /* a server may add some of its own to no Application Message: [MQTT-3.3.2-17] */
        fail_expected(t, "5 User Properties", "%zu", count);
}

CONFORMANCE_TEST(will_properties_go_with_the_message, V5, NEEDS_NOTHING,
                 "The Will Properties that belong to the message arrive with it", MQTT_3_1_2_7, MQTT_3_3_2_4,
                 MQTT_3_3_2_15, MQTT_3_3_2_16, MQTT_3_3_2_20, D_3_1_3_2_4_1)
{
    const char *a = topic(t, "a");
    const char *answer = topic(t, "answer");
    struct client *subscriber = connect_subscriber(t, a, 1);
    close_abruptly(connect_client(t, .name = "mortal", .clean_start = true,
                                  .will = {.topic = a,
                                           .payload = "gone",
                                           .payload_format_indicator = 1,
                                           .message_expiry_interval = 3600,
                                           .content_type = "text/plain",
                                           .response_topic = answer,
                                           .correlation_data = {(const uint8_t *)"\0\xFF\x01", 3}}));
    const struct received *will = expect_publish(subscriber, .topic = a, .payload = "gone");
    const struct properties *properties = &will->packet.publish.properties;
    require(t, properties_number(properties, ORDINAL_PAYLOAD_FORMAT_INDICATOR, 0) == 1,
            "the will came without its Payload Format Indicator 1");
    require(t, is_text(properties_bytes(properties, ORDINAL_CONTENT_TYPE), "text/plain"),
            "the will came without its Content Type, or with another");
    require(t, is_text(properties_bytes(properties, ORDINAL_RESPONSE_TOPIC), answer),
            "the will came without its Response Topic, or with another");
    struct bytes data = properties_bytes(properties, ORDINAL_CORRELATION_DATA);
    require(t, data.length == 3 && memcmp(data.data, "\0\xFF\x01", 3) == 0,
            "the will came without its Correlation Data, or with other data");
    uint32_t expiry = properties_number(properties, ORDINAL_MESSAGE_EXPIRY_INTERVAL, 0);
    require(t, expiry <= 3600 && expiry >= 3540, "the will came with Message Expiry Interval %u, not 3600",
            expiry);
}

CONFORMANCE_TEST(will_without_properties_has_none, V5, NEEDS_NOTHING,
                 "A will without Will Properties arrives without properties", D_3_1_3_2_4_2)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_subscriber(t, a, 1);
    close_abruptly(connect_mortal(t, a, "bare"));
    const struct received *will = expect_publish(subscriber, .topic = a, .payload = "bare");
    const struct properties *properties = &will->packet.publish.properties;
    static const struct {
        enum property_ordinal ordinal;
        const char *name;
    } own[] = {{ORDINAL_MESSAGE_EXPIRY_INTERVAL, "Message Expiry Interval"},
               {ORDINAL_CONTENT_TYPE, "Content Type"},
               {ORDINAL_RESPONSE_TOPIC, "Response Topic"},
               {ORDINAL_CORRELATION_DATA, "Correlation Data"},
               {ORDINAL_USER_PROPERTY, "User Property"}};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        require(t, !properties_has(properties, own[i].ordinal), "the will came with a %s that nobody gave it",
                own[i].name);
    require(t, properties_number(properties, ORDINAL_PAYLOAD_FORMAT_INDICATOR, 0) == 0,
            "the will came with a Payload Format Indicator that nobody gave it");
}

/* ---- Errors -------------------------------------------------------------------------------------- */

/* A will with this property, of `size` bytes, is accepted; with the same twice the CONNECT is refused. */
static void refuse_will_properties(struct test *t, const char *what, unsigned size, const char *hex)
{
    const char *a = topic(t, "a");
    accept_connect_bytes(t, .flags = 0x06, .will = text(t, "%02x %s {%s} {gone}", size, hex, a));
    refuse_connect_bytes(t, what, REASON_PROTOCOL_ERROR, .flags = 0x06,
                         .will = text(t, "%02x %s %s {%s} {gone}", 2 * size, hex, hex, a));
}

CONFORMANCE_TEST(repeated_will_delay_interval_is_refused, V5, NEEDS_NOTHING,
                 "A CONNECT that repeats the Will Delay Interval of its will is refused", P_3_1_3_2_2_1,
                 MQTT_3_1_4_1)
{
    refuse_will_properties(t, "repeated Will Delay Interval", 5, "18 00 00 00 05");
}

CONFORMANCE_TEST(repeated_will_payload_format_is_refused, V5, NEEDS_NOTHING,
                 "A CONNECT that repeats the Payload Format Indicator of its will is refused", P_3_1_3_2_3_1,
                 MQTT_3_1_4_1)
{
    refuse_will_properties(t, "repeated Payload Format Indicator", 2, "01 01");
}

CONFORMANCE_TEST(repeated_will_message_expiry_is_refused, V5, NEEDS_NOTHING,
                 "A CONNECT that repeats the Message Expiry Interval of its will is refused", P_3_1_3_2_4_1,
                 MQTT_3_1_4_1)
{
    refuse_will_properties(t, "repeated Message Expiry Interval", 5, "02 00 00 00 05");
}

CONFORMANCE_TEST(repeated_will_content_type_is_refused, V5, NEEDS_NOTHING,
                 "A CONNECT that repeats the Content Type of its will is refused", P_3_1_3_2_5_1,
                 MQTT_3_1_4_1)
{
    refuse_will_properties(t, "repeated Content Type", 4, "03 {a}");
}

CONFORMANCE_TEST(repeated_will_response_topic_is_refused, V5, NEEDS_NOTHING,
                 "A CONNECT that repeats the Response Topic of its will is refused", P_3_1_3_2_6_1,
                 MQTT_3_1_4_1)
{
    refuse_will_properties(t, "repeated Response Topic", 4, "08 {a}");
}

CONFORMANCE_TEST(repeated_will_correlation_data_is_refused, V5, NEEDS_NOTHING,
                 "A CONNECT that repeats the Correlation Data of its will is refused", P_3_1_3_2_7_1,
                 MQTT_3_1_4_1)
{
    refuse_will_properties(t, "repeated Correlation Data", 4, "09 {a}");
}

CONFORMANCE_TEST(will_payload_that_is_no_utf8, V5, NEEDS_NOTHING,
                 "A Will Payload that is not the UTF-8 it is said to be may be refused, with 0x99",
                 U_3_1_3_2_3_1, R_3_1_3_2_3_1)
{
    const char *a = topic(t, "a");
    const struct received *connack;
    accept_connect_bytes(t, .flags = 0x06, .will = text(t, "02 01 01 {%s} 00 02 C3 A9", a));
    struct client *client = open_connection(t);
    send_connect_bytes(client, .flags = 0x06, .will = text(t, "02 01 01 {%s} 00 02 C3 28", a));
    enum outcome outcome = receive(client, &connack);
    if (outcome == RECEIVED_TIMEOUT)
        fail_expected(t, "a CONNACK, or the connection closed", "%s", describe_state(client, outcome));
    if (outcome == RECEIVED_CLOSED) {
        note(t, "the server closed the connection without a packet");
        return;
    }
    note(t, "the server answered with %s", describe_packet(t, &connack->packet));
    if (connack->packet.type == PACKET_CONNACK && connack->packet.connack.reason_code == 0) {
        disconnect(client); /* it does not look into the payload, which is its right */
        return;
    }
    expect_closed(client);
}
