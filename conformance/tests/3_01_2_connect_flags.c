/* 3.1.2.1 to 3.1.2.9 CONNECT: Protocol Name, Protocol Version, Connect Flags */
#include "3_01_connect.h"

/* ---- Protocol Name and Version ------------------------------------------------------------------- */

CONFORMANCE_TEST(wrong_protocol_name_is_refused, V5 | V311, NEEDS_NOTHING,
                 "A CONNECT with another protocol name is not served as MQTT", MQTT_3_1_2_1, MQTT3_3_1_2_1,
                 D3_3_1_2_1_1)
{
    static const char *const names[] = {"mqtt", "MQTU", "MQT", "MQTTT", ""};
    accept_connect_bytes(t, .protocol_name = "MQTT");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct client *client = open_connection(t, .name = text(t, "protocol \"%s\"", names[i]));
        send_connect_bytes(client, .protocol_name = names[i]);
        expect_refused(client, .reason_code = REASON_UNSUPPORTED_PROTOCOL_VERSION,
                       .or_reason_code = REASON_MALFORMED_PACKET);
    }
}

/* Whether the server speaks 5.0, whose rules for an unknown version are laxer than those of 3.1.1. */
static bool speaks_v5(struct test *t)
{
    const struct received *received;
    struct client *client = send_connect(t, .name = "of 5.0", .version = PROTOCOL_5_0, .clean_start = true);
    bool spoken = receive(client, &received) == RECEIVED_PACKET && received->packet.type == PACKET_CONNACK &&
                  received->packet.connack.reason_code == 0;
    if (spoken)
        disconnect(client);
    return spoken;
}

/* The CONNACK, if one came, in which an unknown version is refused. */
static void judge_version_refusal(struct test *t, const struct received *refusal, bool five)
{
    if (refusal == NULL && !five)
        fail_expected(t, "CONNACK with return code 1, unacceptable protocol version",
                      "the connection closed without one");
    if (refusal == NULL)
        return;
    const struct packet *packet = &refusal->packet;
    uint8_t code = packet->connack.reason_code;
    if (packet->type != PACKET_CONNACK || code == 0)
        fail_expected(t, "an unknown protocol version to be refused", "%s", describe_packet(t, packet));
    if (packet->version == PROTOCOL_5_0 && code != REASON_UNSUPPORTED_PROTOCOL_VERSION)
        note(t, "refused with Reason Code 0x%02X; the specification names 0x84 for this", code);
    if (packet->version != PROTOCOL_5_0 && code != 1)
        fail_expected(t, "CONNACK with return code 1, unacceptable protocol version", "%s",
                      describe_packet(t, packet));
}

/* A CONNECT that says it is of this version, in the form of 5.0 or of 3.1.1. */
static void send_version(struct client *client, int level, bool form_of_five)
{
    if (form_of_five) {
        send_connect_bytes(client, .protocol_level = level);
        return;
    }
    size_t remaining_length = 12 + strlen(client->client_identifier); /* below 128 */
    SEND_TEMPLATE(client, "10 %02x {MQTT} %02x 02 0000 {%s}", (unsigned)remaining_length, (unsigned)level,
                  client->client_identifier);
}

static void refuse_version(struct test *t, int level, bool form_of_five, bool five)
{
    const struct received *refusal = NULL;
    /* the answer may have the form of any version that the server speaks */
    struct client *client =
        open_connection(t, .version = PROTOCOL_5_0,
                        .name = text(t, "version %d like %s", level, form_of_five ? "5.0" : "3.1.1"));
    send_version(client, level, form_of_five);
    enum outcome outcome = receive(client, &refusal);
    if (outcome == RECEIVED_TIMEOUT)
        outcome = receive(client, &refusal); /* once more, for slow servers */
    if (outcome == RECEIVED_TIMEOUT)
        fail_expected(t, "the server to close the connection", "%s", describe_state(client, outcome));
    judge_version_refusal(t, refusal, five);
    expect_closed(client);
}

CONFORMANCE_TEST(
    unknown_protocol_version_is_refused, V5 | V311, NEEDS_NOTHING,
    "A CONNECT with a protocol version that does not exist is refused, and the connection closed",
    MQTT_3_1_2_2, MQTT3_3_1_2_2, MQTT_3_2_2_7, MQTT3_3_2_2_5, R3_3_2_2_3_1)
{
    static const int levels[] = {6, 0x7F, 0};
    bool five = is_v5(t) || speaks_v5(t);
    accept_connect_bytes(t);
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        refuse_version(t, levels[i], true, five);
        refuse_version(t, levels[i], false, five); /* not to be refused for its form alone */
    }
}

/* ---- The reserved flag --------------------------------------------------------------------------- */

CONFORMANCE_TEST(reserved_connect_flag_is_refused, V5 | V311, NEEDS_NOTHING,
                 "A CONNECT whose reserved flag is set ends the connection", MQTT_3_1_2_3, MQTT3_3_1_2_3,
                 MQTT_3_1_4_1, MQTT3_3_1_4_1, P_3_1_2_3_1)
{
    accept_connect_bytes(t, .flags = 0x02);
    refuse_connect_bytes(t, "reserved flag", REASON_MALFORMED_PACKET, .flags = 0x03);
    refuse_connect_bytes(t, "reserved flag alone", REASON_MALFORMED_PACKET, .flags = 0x01);
}

/* ---- Flags of the will --------------------------------------------------------------------------- */

/* The will that goes with Will Flag 1, in the form of the version. */
static const char *will_bytes(struct test *t)
{
    return text(t, "%s {%s} {gone}", is_v5(t) ? "00" : "", topic(t, "will"));
}

CONFORMANCE_TEST(will_qos_without_will_is_refused, V5 | V311, NEEDS_NOTHING,
                 "A CONNECT with a Will QoS but Will Flag 0 ends the connection", MQTT_3_1_2_11,
                 MQTT3_3_1_2_13, MQTT3_3_1_2_11, MQTT_3_1_4_1, MQTT3_3_1_4_1)
{
    accept_connect_bytes(t, .flags = 0x02);
    refuse_connect_bytes(t, "Will QoS 1 without will", REASON_MALFORMED_PACKET, .flags = 0x02 | 0x08);
    refuse_connect_bytes(t, "Will QoS 2 without will", REASON_MALFORMED_PACKET, .flags = 0x02 | 0x10);
    refuse_connect_bytes(t, "Will QoS 3 without will", REASON_MALFORMED_PACKET, .flags = 0x02 | 0x18);
}

CONFORMANCE_TEST(will_retain_without_will_is_refused, V5 | V311, NEEDS_NOTHING,
                 "A CONNECT with Will Retain 1 but Will Flag 0 ends the connection", MQTT_3_1_2_13,
                 MQTT3_3_1_2_15, MQTT3_3_1_2_11, MQTT_3_1_4_1, MQTT3_3_1_4_1)
{
    accept_connect_bytes(t, .flags = 0x02);
    refuse_connect_bytes(t, "Will Retain without will", REASON_MALFORMED_PACKET, .flags = 0x02 | 0x20);
}

CONFORMANCE_TEST(will_qos_3_is_refused, V5 | V311, NEEDS_NOTHING,
                 "A CONNECT with Will QoS 3 ends the connection", MQTT_3_1_2_12, MQTT3_3_1_2_14, MQTT_3_1_4_1,
                 MQTT3_3_1_4_1, P_3_1_2_6_1)
{
    accept_connect_bytes(t, .flags = 0x06, .will = will_bytes(t));
    refuse_connect_bytes(t, "Will QoS 3", REASON_MALFORMED_PACKET, .flags = 0x06 | 0x18,
                         .will = will_bytes(t));
}

CONFORMANCE_TEST(missing_will_fields_are_refused, V_ALL, NEEDS_NOTHING,
                 "A CONNECT with Will Flag 1 but without all the fields of the will ends the connection",
                 MQTT_3_1_2_9, MQTT3_3_1_2_9, MQTT_3_1_4_1, MQTT3_3_1_4_1)
{
    const char *before_topic = is_v5(t) ? "00" : "";
    const char *id = client_id(t, "will");
    accept_connect_bytes(t, .flags = 0x06, .credentials = NULL, .will = will_bytes(t));
    refuse_connect_bytes(t, "no field of the will", REASON_MALFORMED_PACKET, .flags = 0x06,
                         .payload = text(t, "{%s}", id));
    if (is_v5(t))
        refuse_connect_bytes(t, "Will Properties only", REASON_MALFORMED_PACKET, .flags = 0x06,
                             .payload = text(t, "{%s} 00", id));
    refuse_connect_bytes(t, "no Will Payload", REASON_MALFORMED_PACKET, .flags = 0x06,
                         .payload = text(t, "{%s} %s {%s}", id, before_topic, topic(t, "will")));
}

CONFORMANCE_TEST(will_fields_without_will_flag_are_refused, V311, NEEDS_NOTHING,
                 "A CONNECT with Will Flag 0 but with the fields of a will ends the connection",
                 MQTT3_3_1_2_11, MQTT3_3_1_4_1)
{
    accept_connect_bytes(t, .flags = 0x06, .will = will_bytes(t));
    refuse_connect_bytes(t, "will without Will Flag", REASON_MALFORMED_PACKET, .flags = 0x02,
                         .credentials = "", .will = will_bytes(t));
}

/* ---- User Name Flag, Password Flag --------------------------------------------------------------- */

CONFORMANCE_TEST(missing_user_name_is_refused, V5 | V311, NEEDS_NOTHING,
                 "A CONNECT with User Name Flag 1 but without a User Name ends the connection", MQTT_3_1_2_17,
                 MQTT3_3_1_2_19, MQTT_3_1_4_1, MQTT3_3_1_4_1)
{
    accept_connect_bytes(t);
    refuse_connect_bytes(t, "User Name missing", REASON_MALFORMED_PACKET, .flags = 0x02 | 0x80,
                         .credentials = "");
    refuse_connect_bytes(t, "User Name cut short", REASON_MALFORMED_PACKET, .flags = 0x02 | 0x80,
                         .credentials = "00 05 61 62");
}

CONFORMANCE_TEST(missing_password_is_refused, V5 | V311, NEEDS_NOTHING,
                 "A CONNECT with Password Flag 1 but without a Password ends the connection", MQTT_3_1_2_19,
                 MQTT3_3_1_2_21, MQTT_3_1_4_1, MQTT3_3_1_4_1)
{
    accept_connect_bytes(t);
    refuse_connect_bytes(t, "Password missing", REASON_MALFORMED_PACKET, .flags = 0x02 | 0xC0,
                         .credentials = "{user}");
    refuse_connect_bytes(t, "Password cut short", REASON_MALFORMED_PACKET, .flags = 0x02 | 0xC0,
                         .credentials = "{user} 00 05 61 62");
}

CONFORMANCE_TEST(user_name_without_its_flag_is_refused, V5 | V311, NEEDS_NOTHING,
                 "A CONNECT with a User Name but User Name Flag 0 ends the connection", MQTT_3_1_2_16,
                 MQTT3_3_1_2_18, MQTT_3_1_4_1, MQTT3_3_1_4_1)
{
    accept_connect_bytes(t);
    refuse_connect_bytes(t, "User Name without flag", REASON_MALFORMED_PACKET, .flags = 0x02,
                         .credentials = "{user}");
}

CONFORMANCE_TEST(password_without_its_flag_is_refused, V5 | V311, NEEDS_NOTHING,
                 "A CONNECT with a Password but Password Flag 0 ends the connection", MQTT_3_1_2_18,
                 MQTT3_3_1_2_20, MQTT_3_1_4_1, MQTT3_3_1_4_1)
{
    accept_connect_bytes(t);
    refuse_connect_bytes(t, "Password without flag", REASON_MALFORMED_PACKET, .flags = 0x02 | 0x80,
                         .credentials = "{user} {secret}");
}

CONFORMANCE_TEST(password_without_user_name_is_refused, V311, NEEDS_NOTHING,
                 "A CONNECT with Password Flag 1 but User Name Flag 0 ends the connection", MQTT3_3_1_2_22,
                 MQTT3_3_1_4_1)
{
    accept_connect_bytes(t);
    refuse_connect_bytes(t, "Password without User Name", 0, .flags = 0x02 | 0x40, .credentials = "{secret}");
}

/* ---- What is otherwise in MQTT 3.1: spec/mqtt-3.1.md --------------------------------------------- */

/* How a CONNECT of 3.1 with these flags, and with its own Client Identifier as the only field, was answered: the
 * return code, or ABSENT when the connection was closed without one. */
static int answer_of_3_1(struct test *t, const char *name, const char *protocol, int level, unsigned flags)
{
    const struct received *answer;
    struct client *client = open_connection(t, .name = name, .version = PROTOCOL_3_1);
    send_connect_bytes(client, .protocol_name = protocol, .protocol_level = level, .flags = flags,
                       .credentials = (flags & 0xC0) != 0 ? "" : NULL);
    enum outcome outcome = receive(client, &answer);
    if (outcome == RECEIVED_TIMEOUT)
        fail_expected(t, "a CONNACK, or the connection closed", "%s", describe_state(client, outcome));
    if (outcome == RECEIVED_CLOSED)
        return ABSENT;
    if (answer->packet.type != PACKET_CONNACK)
        fail_expected(t, "a CONNACK", "%s", describe_packet(t, &answer->packet));
    return answer->packet.connack.reason_code;
}

CONFORMANCE_TEST(name_and_level_belong_together, V31, NEEDS_NOTHING,
                 "\"MQIsdp\" goes with level 3 alone, and \"MQTT\" not with it", MQTT3_3_1_2_2, MQTT3_3_1_2_1)
{
    static const struct {
        const char *name;
        const char *protocol;
        int level;
    } pairs[] = {{"MQIsdp 4", "MQIsdp", 4}, {"MQIsdp 2", "MQIsdp", 2}, {"MQTT 3", "MQTT", 3}};
    if (answer_of_3_1(t, "MQIsdp 3", "MQIsdp", 3, 0x02) != 0)
        error(t, "control: a CONNECT of MQTT 3.1 was refused");
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        int code = answer_of_3_1(t, pairs[i].name, pairs[i].protocol, pairs[i].level, 0x02);
        if (code == 0) /* a server may know a protocol that we do not */
            warn(t, "%s was served", pairs[i].name);
        else if (code != ABSENT && code != 1)
            fail_statement(t, STATEMENT_NONE, MQTT3_3_1_2_2, "CONNACK with return code 1",
                           "%s got return code %d", pairs[i].name, code);
    }
}

CONFORMANCE_TEST(flags_of_no_will_are_disregarded, V31, NEEDS_NOTHING,
                 "In 3.1 Will QoS and Will Retain mean nothing where the Will Flag is 0", MQTT3_3_1_4_4)
{
    static const unsigned flags[] = {0x02 | 0x08, 0x02 | 0x10, 0x02 | 0x20};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        int code = answer_of_3_1(t, text(t, "flags 0x%02X", flags[i]), NULL, ABSENT, flags[i]);
        if (code != 0)
            warn(t, "a CONNECT of 3.1 with the flags 0x%02X was refused", flags[i]);
    }
}

/* Earlier clients of version 3 did not know of User Name and Password. Whether a server lets somebody in who
 * names himself not is its own affair; but it says so. */
CONFORMANCE_TEST(
    credentials_may_be_missing_in_3_1, V31, NEEDS_NOTHING,
    "In 3.1 a CONNECT that ends before the User Name or Password that its flags announce is valid",
    MQTT3_3_1_4_4)
{
    static const unsigned flags[] = {0x82, 0xC2};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        int code = answer_of_3_1(t, text(t, "flags 0x%02X", flags[i]), NULL, ABSENT, flags[i]);
        if (code == 4 || code == 5)
            note(t, "who does not name himself is refused with return code %d", code);
        else if (code != 0)
            warn(t, "a CONNECT of 3.1 with the flags 0x%02X and without those fields was refused", flags[i]);
    }
}
