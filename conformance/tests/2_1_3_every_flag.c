/* 2.1.3 Flags, and the other bytes of a client's packets that are read bit by bit: Connect Flags (3.1.2.3) and
 * Subscription Options (3.8.3.1), every value of each. */
#include "2_1_forms.h"
#include "3_01_connect.h"

/* ---- The first byte ---------------------------------------------------------------------------------- */

/* The same packet with other flags. */
static struct bytes with_flags(struct test *t, struct bytes packet, unsigned flags)
{
    uint8_t *copy = test_allocate(t, packet.length);
    memcpy(copy, packet.data, packet.length);
    copy[0] = (uint8_t)((copy[0] & 0xF0) | flags);
    return bytes_of(copy, packet.length);
}

static struct row row_with_flags(struct test *t, const char *packet, struct bytes good, unsigned flags,
                                 enum statement five, enum statement three)
{
    return (struct row){.name = text(t, "%s with flags %u", packet, flags),
                        .bytes = with_flags(t, good, flags),
                        .demand = ROW_REFUSED,
                        .five = five,
                        .three = three,
                        .reason_code = REASON_MALFORMED_PACKET};
}

static void add_flags(struct test *t, struct table *table, const char *packet, struct bytes good,
                      enum statement five, enum statement three)
{
    for (unsigned flags = 0; flags < 16; flags++) {
        const struct row row = row_with_flags(t, packet, good, flags, five, three);
        if (flags != (good.data[0] & 0x0FU))
            table_append(table, &row);
    }
}

/* Every row has a packet made anew: each CONNECT another Client Identifier. */
static void refuse_flags(struct test *t, enum form form, enum statement five, enum statement three)
{
    struct table *table = table_begin(t, .packet = form_name(form), .situation = form_situation(form));
    struct bytes good = form_bytes(t, form, "");
    table_add(table, .name = "with the right flags", .bytes = good, .demand = ROW_CONTROL);
    for (unsigned flags = 0; flags < 16; flags++) {
        struct row row = row_with_flags(t, form_name(form), form_bytes(t, form, ""), flags, five, three);
        row.session = form_session(t, form);
        if (flags != (good.data[0] & 0x0FU))
            table_append(table, &row);
    }
    table_judge(table);
}

CONFORMANCE_TEST(every_flag_of_connect_is_checked, V5 | V311, NEEDS_NOTHING,
                 "A CONNECT with any flag set in its first byte ends the connection", MQTT_2_1_3_1, P_2_1_3_1,
                 MQTT3_2_2_2_1, MQTT3_2_2_2_2)
{
    refuse_flags(t, IN_CONNECT, P_2_1_3_1, MQTT3_2_2_2_2);
}

CONFORMANCE_TEST(every_flag_of_puback_is_checked, V5 | V311, NEEDS_QOS1,
                 "A PUBACK with any flag set ends the connection", MQTT_2_1_3_1, P_2_1_3_1, MQTT3_2_2_2_1,
                 MQTT3_2_2_2_2)
{
    refuse_flags(t, IN_PUBACK, P_2_1_3_1, MQTT3_2_2_2_2);
}

CONFORMANCE_TEST(every_flag_of_pubrec_is_checked, V5 | V311, NEEDS_QOS2,
                 "A PUBREC with any flag set ends the connection", MQTT_2_1_3_1, P_2_1_3_1, MQTT3_2_2_2_1,
                 MQTT3_2_2_2_2)
{
    refuse_flags(t, IN_PUBREC, P_2_1_3_1, MQTT3_2_2_2_2);
}

CONFORMANCE_TEST(every_flag_of_pubrel_is_checked, V5 | V311, NEEDS_QOS2,
                 "A PUBREL with flags other than 0010 ends the connection", MQTT_3_6_1_1, MQTT3_3_6_1_1)
{
    refuse_flags(t, IN_PUBREL, MQTT_3_6_1_1, MQTT3_3_6_1_1);
}

CONFORMANCE_TEST(every_flag_of_pubcomp_is_checked, V5 | V311, NEEDS_QOS2,
                 "A PUBCOMP with any flag set ends the connection", MQTT_2_1_3_1, P_2_1_3_1, MQTT3_2_2_2_1,
                 MQTT3_2_2_2_2)
{
    refuse_flags(t, IN_PUBCOMP, P_2_1_3_1, MQTT3_2_2_2_2);
}

CONFORMANCE_TEST(every_flag_of_subscribe_is_checked, V5 | V311, NEEDS_NOTHING,
                 "A SUBSCRIBE with flags other than 0010 ends the connection", MQTT_3_8_1_1, MQTT3_3_8_1_1)
{
    refuse_flags(t, IN_SUBSCRIBE, MQTT_3_8_1_1, MQTT3_3_8_1_1);
}

CONFORMANCE_TEST(every_flag_of_unsubscribe_is_checked, V5 | V311, NEEDS_NOTHING,
                 "An UNSUBSCRIBE with flags other than 0010 ends the connection", MQTT_3_10_1_1,
                 MQTT3_3_10_1_1)
{
    refuse_flags(t, IN_UNSUBSCRIBE, MQTT_3_10_1_1, MQTT3_3_10_1_1);
}

CONFORMANCE_TEST(every_flag_of_disconnect_is_checked, V5 | V311, NEEDS_NOTHING,
                 "A DISCONNECT with any flag set does not count: the Will is published", MQTT_3_14_1_1,
                 MQTT3_3_14_1_1)
{
    refuse_flags(t, IN_DISCONNECT, MQTT_3_14_1_1, MQTT3_3_14_1_1);
}

CONFORMANCE_TEST(every_flag_of_auth_is_checked, V5, NEEDS_PROFILE,
                 "An AUTH with any flag set ends the connection", MQTT_3_15_1_1)
{
    refuse_flags(t, IN_AUTH, MQTT_3_15_1_1, STATEMENT_NONE);
}

/* Whose first byte the specification forbids, and whose it leaves to servers: of these only the flags are
 * spoken of, not what becomes of a client that sends them as a server would. */
CONFORMANCE_TEST(
    every_first_byte_of_no_client_is_checked, V5 | V311, NEEDS_NOTHING,
    "Packets of the reserved types, and a PINGREQ or a server's packet with wrong flags, end the "
    "connection",
    MQTT_4_13_1_1, P_2_1_3_1, MQTT_2_1_3_1, P3_2_2_1_1, P3_2_2_1_2, MQTT3_2_2_2_1, MQTT3_2_2_2_2)
{
    const struct {
        const char *name;
        struct bytes bytes;
    } servers[] = {
        {"CONNACK", bytes_by_hand(t, 0x20, "00 00", "", NULL)},
        {"SUBACK", bytes_by_hand(t, 0x90, "0005", "", "00")},
        {"UNSUBACK", bytes_by_hand(t, 0xb0, "0005", "", is_v5(t) ? "00" : NULL)},
        {"PINGRESP", bytes_by_hand(t, 0xd0, NULL, NULL, NULL)},
    };
    struct table *table = table_begin(t, .packet = "first bytes", .situation = CONNECTED);
    struct bytes pingreq = bytes_by_hand(t, 0xc0, NULL, NULL, NULL);
    table_add(table, .name = "PINGREQ", .bytes = pingreq, .demand = ROW_CONTROL);
    add_flags(t, table, "PINGREQ", pingreq, P_2_1_3_1, MQTT3_2_2_2_2);
    for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) {
        table_add(table, .name = servers[i].name, .bytes = servers[i].bytes, .demand = ROW_OPEN);
        add_flags(t, table, servers[i].name, servers[i].bytes, P_2_1_3_1, MQTT3_2_2_2_2);
    }
    for (unsigned first = 0; first < 16; first++)
        table_add(table, .name = "packet type 0", .bytes = bytes_by_hand(t, first, NULL, NULL, NULL),
                  .demand = ROW_REFUSED, .five = MQTT_4_13_1_1, .three = P3_2_2_1_1);
    for (unsigned first = 0xf0; first < 0x100 && !is_v5(t); first++)
        table_add(table, .name = "packet type 15", .bytes = bytes_by_hand(t, first, NULL, NULL, NULL),
                  .demand = ROW_REFUSED, .three = P3_2_2_1_2);
    table_judge(table);
}

/* DUP at QoS 0 breaks a rule [MQTT-3.3.1-2] for which no consequence is stated. */
CONFORMANCE_TEST(every_flag_of_publish_is_read, V5 | V311, NEEDS_QOS2 | NEEDS_RETAIN,
                 "A PUBLISH may have any of DUP, QoS 0 to 2 and RETAIN; with QoS 3 it ends the connection",
                 MQTT_3_3_1_4, P_3_3_1_2_1, MQTT3_3_3_1_4, MQTT_3_3_4_1, MQTT3_3_3_4_1)
{
    struct table *table = table_begin(t, .packet = "PUBLISH", .situation = CONNECTED);
    table_add(table, .name = "flags 0", .demand = ROW_CONTROL,
              .bytes = bytes_by_hand(t, 0x30, text(t, "{%s}", topic(t, "a")), "", NULL));
    for (unsigned flags = 1; flags < 16; flags++) { /* the payload is empty, so nothing remains retained */
        unsigned qos = flags >> 1 & 3;
        bool unsaid = qos == 0 && (flags & 8) != 0;
        const char *header = text(t, "{%s} %s", topic(t, "a"), qos == 0 ? "" : "0005");
        table_add(table, .name = text(t, "flags %u", flags), .five = qos == 3 ? P_3_3_1_2_1 : MQTT_3_3_4_1,
                  .three = qos == 3 ? MQTT3_3_3_1_4 : MQTT3_3_3_4_1,
                  .bytes = bytes_by_hand(t, 0x30 | flags, header, "", NULL),
                  .demand = unsaid     ? ROW_OPEN
                            : qos == 3 ? ROW_REFUSED
                                       : ROW_ACCEPTED,
                  .reason_code = REASON_MALFORMED_PACKET);
    }
    table_judge(table);
}

/* ---- 3.1.2.3 Connect Flags ----------------------------------------------------------------------------- */

enum { CLEAN = 0x02, WILL = 0x04, WILL_QOS = 0x18, WILL_RETAIN = 0x20, PASSWORD = 0x40, USER_NAME = 0x80 };

/* What is wrong with a value of the Connect Flags, if anything. */
static void judge_connect_flags(const struct test *t, unsigned flags, struct row *row)
{
    row->demand = ROW_REFUSED;
    if ((flags & 1) != 0) {
        row->reason_code = REASON_MALFORMED_PACKET;
        row->five = P_3_1_2_3_1;
        row->three = MQTT3_3_1_2_3;
    } else if ((flags & WILL) == 0 && (flags & WILL_QOS) != 0) {
        row->five = MQTT_3_1_2_11;
        row->three = MQTT3_3_1_2_13;
    } else if ((flags & WILL) == 0 && (flags & WILL_RETAIN) != 0) {
        row->five = MQTT_3_1_2_13;
        row->three = MQTT3_3_1_2_15;
    } else if ((flags & WILL_QOS) == WILL_QOS) {
        row->reason_code = REASON_MALFORMED_PACKET;
        row->five = P_3_1_2_6_1;
        row->three = MQTT3_3_1_2_14;
    } else if (!is_v5(t) && (flags & PASSWORD) != 0 && (flags & USER_NAME) == 0) {
        row->three = MQTT3_3_1_2_22;
    } else { /* whether a user is let in is the server's business */
        bool limited = (flags & WILL_QOS) >> 3 > t->capabilities->maximum_qos ||
                       ((flags & WILL_RETAIN) != 0 && !t->capabilities->retain);
        row->demand = limited || (flags & (USER_NAME | PASSWORD)) != 0 ? ROW_OPEN : ROW_ACCEPTED;
        row->five = MQTT_3_1_4_5;
        row->three = MQTT3_3_1_4_4;
    }
}

/* A CONNECT with these flags and just the fields that they announce. */
static struct bytes connect_with_flags(struct test *t, unsigned flags, const char *identifier)
{
    const char *will =
        (flags & WILL) == 0 ? "" : text(t, "%s {%s} {m}", is_v5(t) ? "00" : "", topic(t, "will"));
    return bytes_by_hand(t, 0x10, text(t, "{MQTT} %02x %02x 0000", (unsigned)t->version, flags), "",
                         text(t, "%s %s %s %s", identifier, will, (flags & USER_NAME) == 0 ? "" : "{user}",
                              (flags & PASSWORD) == 0 ? "" : "{secret}"));
}

CONFORMANCE_TEST(
    every_value_of_connect_flags, V5 | V311, NEEDS_NOTHING,
    "A CONNECT with any of the 256 values of its Connect Flags is accepted or refused as it must be",
    P_3_1_2_3_1, MQTT_3_1_2_11, MQTT_3_1_2_13, P_3_1_2_6_1, MQTT_3_1_4_5, MQTT3_3_1_2_3, MQTT3_3_1_2_13,
    MQTT3_3_1_2_14, MQTT3_3_1_2_15, MQTT3_3_1_2_22, MQTT3_3_1_4_4)
{
    unsigned needed = 0;
    target_credentials(t, &needed);
    if (needed != 0)
        skip(t, "the server wants a user name");
    struct table *table = table_begin(t, .packet = "CONNECT", .situation = NOT_CONNECTED);
    table_add(table, .name = "Connect Flags 0x02", .demand = ROW_CONTROL,
              .bytes = connect_with_flags(t, CLEAN, new_identifier(t)));
    for (unsigned flags = 0; flags < 256; flags++) {
        const char *identifier = new_identifier(t);
        struct row row = {.name = text(t, "Connect Flags 0x%02x", flags),
                          .bytes = connect_with_flags(t, flags, identifier)};
        if (!is_v5(t) && (flags & CLEAN) == 0)
            row.session = form_session(t, IN_CONNECT);
        judge_connect_flags(t, flags, &row);
        table_append(table, &row);
    }
    table_judge(table);
}

/* ---- 3.8.3.1 Subscription Options ---------------------------------------------------------------------- */

static void judge_options(const struct test *t, unsigned options, struct row *row)
{
    unsigned qos = options & 3;
    unsigned retain_handling = options >> 4 & 3;
    row->three = MQTT3_3_8_3_4;
    row->reason_code = is_v5(t) ? REASON_PROTOCOL_ERROR : 0;
    row->demand = ROW_REFUSED;
    if ((options & 0xC0) != 0) {
        row->five = MQTT_3_8_3_5;
        row->reason_code = REASON_MALFORMED_PACKET;
    } else if (qos == 3) {
        row->five = P_3_8_3_1_1;
    } else if (retain_handling == 3) {
        row->five = P_3_8_3_1_2;
    } else if (is_v5(t) || options < 3) {
        row->demand = ROW_ACCEPTED;
        row->five = MQTT_3_8_4_1;
        row->three = MQTT3_3_8_4_1;
    }
}

CONFORMANCE_TEST(
    every_value_of_subscription_options, V5 | V311, NEEDS_NOTHING,
    "A SUBSCRIBE with any of the 256 values behind a Topic Filter is accepted or refused as it must be",
    MQTT_3_8_3_5, P_3_8_3_1_1, P_3_8_3_1_2, MQTT_3_8_4_1, MQTT3_3_8_3_4, MQTT3_3_8_4_1)
{
    struct table *table = table_begin(t, .packet = "SUBSCRIBE", .situation = CONNECTED);
    table_add(table, .name = "options 0x00", .demand = ROW_CONTROL, .bytes = form_bytes(t, IN_SUBSCRIBE, ""));
    for (unsigned options = 1; options < 256; options++) {
        struct row row = {
            .name = text(t, "options 0x%02x", options),
            .bytes = bytes_by_hand(t, 0x82, "0005", "", text(t, "{%s} %02x", topic(t, "a"), options))};
        judge_options(t, options, &row);
        table_append(table, &row);
    }
    table_judge(table);
}
