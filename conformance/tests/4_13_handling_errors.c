/* 4.13 Handling errors (3.1.1: 4.8): what all errors have in common. What is an error stands in the sections
 * of the packets. Here is a sample of every class, of errors that hardly any server overlooks: what is
 * overlooked breaks the rule of its own section, not these. */
#include "3_01_connect.h"
#include "3_01_session.h"

/* Bytes that no server may take; a template as in SEND_TEMPLATE. */
struct offence {
    const char *name;
    const char *bytes;
};

static const struct offence malformed[] = {
    {"PUBLISH with QoS 3", "36 06 {a} 00 01 00"},
    {"SUBSCRIBE with wrong flags", "80 07 00 01 00 {a} 00"},
    {"UNSUBSCRIBE with wrong flags", "a0 06 00 01 00 {a}"},
    {"PUBREL with wrong flags", "60 02 00 01"},
    {"Subscription Options with reserved bits", "82 07 00 01 00 {a} c0"},
    {"an unknown property", "30 06 {a} 02 7f 00"},
    {"a Property Length beyond the packet", "30 04 {a} 05"},
    {"a Topic Name that is no UTF-8", "30 04 00 01 ff 00"},
    {"a Remaining Length of five bytes", "30 ff ff ff ff 7f"},
};

static const struct offence protocol_errors[] = {
    {"SUBSCRIBE without Topic Filter", "82 03 00 01 00"},
    {"UNSUBSCRIBE without Topic Filter", "a2 03 00 01 00"},
    {"Subscription Identifier 0", "82 09 00 01 02 0b 00 {a} 00"},
    {"Content Type twice", "30 0c {a} 08 03 {t} 03 {u}"},
    {"Retain Handling 3", "82 07 00 01 00 {a} 30"},
    {"CONNACK from a client", "20 03 00 00 00"},
    {"AUTH without Authentication Method", "f0 00"},
};

static const struct offence violations_of_3_1_1[] = {
    {"PUBLISH with QoS 3", "36 05 {a} 00 01"},
    {"SUBSCRIBE with wrong flags", "80 06 00 01 {a} 00"},
    {"UNSUBSCRIBE with wrong flags", "a0 05 00 01 {a}"},
    {"PUBREL with wrong flags", "60 02 00 01"},
    {"SUBSCRIBE without Topic Filter", "82 02 00 01"},
    {"UNSUBSCRIBE without Topic Filter", "a2 02 00 01"},
    {"a requested QoS of 3", "82 06 00 01 {a} 03"},
    {"a Topic Name that is no UTF-8", "30 03 00 01 ff"},
    {"a Remaining Length of five bytes", "30 ff ff ff ff 7f"},
    {"CONNACK from a client", "20 02 00 00"},
    {"packet type 0", "00 00"},
    {"packet type 15", "f0 00"},
};

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* Commits an offence on a connection that is in use. */
static struct client *offend(struct test *t, const struct offence *offence)
{
    struct client *offender = connect_client(t, .name = offence->name, .clean_start = true);
    ping(offender);
    SEND_TEMPLATE(offender, "%s", offence->bytes);
    return offender;
}

/* The Reason Code of the refusal, if there is one, must be one for such errors. A server may prefer not
 * to tell (0x80, 0x83), and 0x8F and 0x90 are more specific where a topic is wrong. */
static void demand_fitting_code(struct client *client, int code)
{
    static const int fitting[] = {ABSENT, REASON_MALFORMED_PACKET, REASON_PROTOCOL_ERROR, 0x80, 0x83, 0x8F,
                                  0x90};
    for (size_t i = 0; i < COUNT(fitting); i++)
        if (code == fitting[i])
            return;
    fail_statement(client->test, R_4_13_1_4, STATEMENT_NONE, "Reason Code 0x81 (Malformed Packet) or 0x82",
                   "%s was told 0x%02X", client->name, (unsigned)code);
}

static void expect_all_refused(struct test *t, const struct offence *offences, size_t count, int reason_code)
{
    for (size_t i = 0; i < count; i++) {
        struct client *offender = offend(t, &offences[i]);
        int code =
            expect_refused(offender, .reason_code = reason_code, .or_reason_code = REASON_PROTOCOL_ERROR);
        demand_fitting_code(offender, code);
    }
}

CONFORMANCE_TEST(malformed_packets_end_the_connection, V5, NEEDS_NOTHING,
                 "Every Malformed Packet ends the connection, with a fitting Reason Code if any",
                 MQTT_4_13_1_1, R_4_13_1_1, R_4_13_1_4, MQTT_4_13_2_1)
{
    expect_all_refused(t, malformed, COUNT(malformed), REASON_MALFORMED_PACKET);
}

CONFORMANCE_TEST(protocol_errors_end_the_connection, V5, NEEDS_NOTHING,
                 "Every Protocol Error ends the connection, with a fitting Reason Code if any", MQTT_4_13_1_1,
                 R_4_13_1_1, R_4_13_1_4, MQTT_4_13_2_1)
{
    expect_all_refused(t, protocol_errors, COUNT(protocol_errors), REASON_PROTOCOL_ERROR);
}

CONFORMANCE_TEST(several_errors_in_one_packet, V5, NEEDS_NOTHING,
                 "A packet with several errors is refused for any of them", D_4_13_2_2, MQTT_4_13_1_1)
{
    static const struct offence offences[] = {
        {"QoS 3 and no UTF-8", "36 06 00 01 ff 00 01 00"},
        {"wrong flags and no Topic Filter", "80 03 00 01 00"},
        {"wrong flags, no identifier, reserved options", "80 07 00 00 00 {a} c3"},
    };
    expect_all_refused(t, offences, COUNT(offences), REASON_MALFORMED_PACKET);
}

CONFORMANCE_TEST(protocol_violations_end_the_connection, V311, NEEDS_NOTHING,
                 "Every protocol violation ends the connection", MQTT3_4_8_0_1)
{
    for (size_t i = 0; i < COUNT(violations_of_3_1_1); i++)
        expect_refused(offend(t, &violations_of_3_1_1[i]));
}

CONFORMANCE_TEST(
    errors_in_connect_end_the_connection, V5 | V311, NEEDS_NOTHING,
    "A CONNECT that is malformed or a Protocol Error ends the connection, after a CONNACK at most",
    MQTT_4_13_1_1, R_4_13_1_3, MQTT_4_13_2_1, MQTT3_4_8_0_1)
{
    accept_connect_bytes(t);
    refuse_connect_bytes(t, "reserved flag", REASON_MALFORMED_PACKET, .flags = 0x03);
    refuse_connect_bytes(t, "Will QoS 3", REASON_MALFORMED_PACKET, .flags = 0x1e);
    refuse_connect_bytes(t, "no payload", REASON_MALFORMED_PACKET, .payload = "");
    if (!is_v5(t))
        return;
    refuse_connect_bytes(t, "unknown property", REASON_MALFORMED_PACKET, .properties = "7f 00");
    refuse_connect_bytes(t, "Receive Maximum 0", REASON_PROTOCOL_ERROR, .properties = "21 00 00");
    refuse_connect_bytes(t, "Receive Maximum twice", REASON_PROTOCOL_ERROR,
                         .properties = "21 00 01 21 00 01");
    refuse_connect_bytes(t, "Maximum Packet Size 0", REASON_PROTOCOL_ERROR, .properties = "27 00 00 00 00");
}

CONFORMANCE_TEST(errors_are_told_before_closing, V5, NEEDS_NOTHING,
                 "Before it closes the server sends a DISCONNECT with the Reason Code of the error",
                 S_4_13_1_3)
{
    for (size_t i = 0; i < 4; i++) {
        struct client *client = offend(t, &malformed[i]);
        if (expect_refused(client, .reason_code = REASON_MALFORMED_PACKET) == ABSENT)
            warn(t, "%s: closed without DISCONNECT", client->name);
        client = offend(t, &protocol_errors[i]);
        if (expect_refused(client, .reason_code = REASON_PROTOCOL_ERROR) == ABSENT)
            warn(t, "%s: closed without DISCONNECT", client->name);
    }
}

/* Errors of several kinds, each of which ends its own connection. */
static void commit_offences(struct test *t)
{
    static const struct offence third = {"PUBREL with wrong flags", "60 02 00 01"};
    const struct offence *const list[] = {is_v5(t) ? &malformed[0] : &violations_of_3_1_1[0],
                                          is_v5(t) ? &protocol_errors[0] : &violations_of_3_1_1[5], &third};
    for (size_t i = 0; i < COUNT(list); i++)
        expect_refused(offend(t, list[i]));
    refuse_connect_bytes(t, "reserved flag", REASON_MALFORMED_PACKET, .flags = 0x03);
}

CONFORMANCE_TEST(errors_do_not_touch_other_clients, V5 | V311, NEEDS_QOS2,
                 "An error ends the connection on which it came, and leaves those of all others as they are",
                 D_4_13_1_2, R_4_13_2_2, MQTT3_4_8_0_1)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    subscribe(subscriber, a, .qos = 2);
    uint16_t identifier = send_publish(publisher, .topic = a, .payload = "under way", .qos = 2);
    expect_pubrec(publisher, identifier);
    commit_offences(t); /* while a flow is half done */
    send_acknowledgement(publisher, PACKET_PUBREL, identifier, REASON_SUCCESS);
    expect_pubcomp(publisher, identifier);
    expect_publish(subscriber, .topic = a, .payload = "under way", .qos = 2);
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 2);
    expect_open(publisher);
    expect_open(subscriber);
}

CONFORMANCE_TEST(errors_end_the_connection_but_not_the_session, V5 | V311, NEEDS_QOS1,
                 "After an error the session is there: what ended is the connection", MQTT_3_1_2_23,
                 MQTT3_3_1_2_4, D_4_1_1)
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *before = connect_lasting_client(t, "session");
    subscribe(before, a, .qos = 1);
    SEND_TEMPLATE(before, "36 %s {a} 00 01%s", is_v5(t) ? "06" : "05", is_v5(t) ? " 00" : ""); /* QoS 3 */
    expect_refused(before, .reason_code = REASON_MALFORMED_PACKET);
    publish(publisher, .topic = a, .payload = "kept", .qos = 1);
    struct client *after = connect_lasting_client(t, "session");
    demand_session_present(after, true);
    expect_publish(after, .topic = a, .payload = "kept", .qos = 1);
}

CONFORMANCE_TEST(refusing_acknowledgement_concerns_one_message, V5, NEEDS_QOS2,
                 "PUBACK and PUBREC with an error concern their message alone: the session and others go on",
                 R_4_13_2_1, D_4_13_2_1)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *refusing = connect_client(t, .name = "refusing", .clean_start = true);
    struct client *other = connect_client(t, .name = "other", .clean_start = true);
    subscribe(refusing, a, .qos = 2);
    subscribe(other, a, .qos = 2);
    for (int qos = 1; qos <= 2; qos++) {
        publish(publisher, .topic = a, .payload = "refused", .qos = qos);
        publish(publisher, .topic = a, .payload = "beside it", .qos = qos);
        const struct received *refused =
            expect_publish(refusing, .topic = a, .payload = "refused", .acknowledge = false);
        send_acknowledgement(refusing, qos == 1 ? PACKET_PUBACK : PACKET_PUBREC,
                             refused->packet.publish.packet_identifier, REASON_QUOTA_EXCEEDED);
        expect_open(refusing);
        expect_publish(refusing, .topic = a, .payload = "beside it");
        expect_nothing_before(refusing, .publisher = publisher, .topic = a, .qos = qos);
        expect_publish(other, .topic = a, .payload = "refused");
        expect_publish(other, .topic = a, .payload = "beside it");
    }
    expect_open(refusing);
}
