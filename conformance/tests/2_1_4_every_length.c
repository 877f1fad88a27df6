/* 2.1.4 Remaining Length: every packet of the client cut at every place, so that it is complete by its Remaining
 * Length but ends too early, and with bytes behind its end. */
#include "2_1_forms.h"
#include "3_01_connect.h"

/* A whole packet. In `body`, a template, | marks where it may end as well, and ? where nobody says whether it may;
 * bytes behind its end are none of its own. */
struct whole {
    enum form form;
    unsigned first_byte;
    const char *body;
    bool
        may_be_whole_only; /* only what is cut is sent: whether the whole is accepted is the server's business */
    const char *identifier; /* of a CONNECT: by_number(0), in whose place every row has its own */
};

/* ---- Cutting ------------------------------------------------------------------------------------------- */

/* Client Identifiers of one length. */
static const char *by_number(struct test *t, unsigned number)
{
    return client_id(t, text(t, "t%03u", number));
}

static struct bytes with_own_identifier(struct test *t, const char *identifier, struct bytes body)
{
    uint8_t *copy = test_allocate(t, body.length);
    memcpy(copy, body.data, body.length);
    uint8_t *at = memmem(copy, body.length, identifier, strlen(identifier));
    if (at != NULL)
        memcpy(at, by_number(t, ++t->client_count), strlen(identifier)); /* as if it were a client's */
    return bytes_of(copy, body.length);
}

static struct bytes packet_of(struct test *t, const struct whole *whole, struct bytes body)
{
    struct writer writer = writer_into(test_allocate(t, body.length + 5), body.length + 5);
    if (whole->identifier != NULL && body.length > 0)
        body = with_own_identifier(t, whole->identifier, body);
    write_byte(&writer, (uint8_t)whole->first_byte);
    write_variable_byte_integer(&writer, (uint32_t)body.length);
    write_raw(&writer, body.data, body.length);
    return bytes_of(writer.start, writer_size(&writer));
}

static struct bytes with_surplus(struct test *t, struct bytes body, uint8_t byte, size_t count)
{
    uint8_t *longer = test_allocate(t, body.length + count);
    memcpy(longer, body.data, body.length);
    memset(longer + body.length, byte, count);
    return bytes_of(longer, body.length + count);
}

/* Takes the marks out of the template; `demands` gets what they say, by Remaining Length. */
static struct bytes read_marks(struct test *t, const char *template, enum row_demand *demands,
                               size_t capacity)
{
    const char *joined = "";
    while (*template != '\0') {
        size_t length = strcspn(template, "|?");
        joined = text(t, "%s %.*s", joined, (int)length, template);
        template += length;
        size_t size = template_bytes(t, joined).length;
        if (*template != '\0' && size < capacity)
            demands[size] = *template == '|' ? ROW_ACCEPTED : ROW_OPEN;
        template += *template != '\0';
    }
    return template_bytes(t, joined);
}

/* ---- The rules ------------------------------------------------------------------------------------------ */

struct rules {
    enum statement cut_five; /* violated by a server that takes what was cut */
    enum statement cut_three;
    bool surplus_refused; /* what follows the end is read as part of the packet, or forbidden */
};

/* 5.0: what cannot be read as the packet that it claims to be is malformed. */
static const struct rules general = {MQTT_4_13_1_1, MQTT3_4_8_0_1, false};
static const struct rules of_requests = {MQTT_4_13_1_1, MQTT3_4_8_0_1, true};
static const struct rules of_connect = {MQTT_3_1_4_1, MQTT3_3_1_4_1, true};

static void add_row(struct test *t, struct table *table, const struct whole *whole, const struct rules *rules,
                    const char *name, struct bytes body, enum row_demand demand)
{
    struct row row = {.name = name,
                      .bytes = packet_of(t, whole, body),
                      .demand = demand,
                      .five = rules->cut_five,
                      .three = rules->cut_three};
    if (whole->identifier != NULL)
        row.session = by_number(t, t->client_count);
    table_append(table, &row);
}

static void add_cuts(struct test *t, struct table *table, const struct whole *whole,
                     const struct rules *rules, struct bytes body, const enum row_demand *demands)
{
    for (size_t size = 0; size < body.length; size++)
        add_row(t, table, whole, rules, text(t, "cut to a Remaining Length of %zu", size),
                bytes_of(body.data, size), demands[size]);
}

static const char *surplus_name(struct test *t, size_t count, const char *byte)
{
    return text(t, "%zu byte%s %s behind its end", count, count == 1 ? "" : "s", byte);
}

static void add_surplus(struct test *t, struct table *table, const struct whole *whole,
                        const struct rules *rules, struct bytes body)
{
    const enum row_demand demand = rules->surplus_refused ? ROW_REFUSED : ROW_OPEN;
    for (size_t count = 1; count <= 8; count++)
        add_row(t, table, whole, rules, surplus_name(t, count, "ff"), with_surplus(t, body, 0xff, count),
                demand);
    for (size_t count = 1; count <= 2; count++)
        add_row(t, table, whole, rules, surplus_name(t, count, "00"), with_surplus(t, body, 0, count),
                whole->form == IN_UNSUBSCRIBE ? ROW_OPEN : demand);
}

#define LONGEST 512U

static void judge_lengths(struct test *t, const struct whole *whole, const struct rules *rules)
{
    enum row_demand demands[LONGEST] = {ROW_REFUSED};
    struct table *table =
        table_begin(t, .packet = form_name(whole->form), .situation = form_situation(whole->form));
    struct bytes body = read_marks(t, whole->body, demands, LONGEST);
    if (whole->may_be_whole_only)
        table_add(table, .name = "without the fields in question", .bytes = form_bytes(t, whole->form, ""),
                  .demand = ROW_CONTROL);
    else
        table_add(table, .name = "whole", .bytes = packet_of(t, whole, body), .demand = ROW_CONTROL);
    add_cuts(t, table, whole, rules, body, demands);
    if (whole->form != IN_PUBLISH) /* there all the rest is payload */
        add_surplus(t, table, whole, rules, body);
    table_judge(table);
}

static const char *in_5(struct test *t, const char *properties)
{
    return is_v5(t) ? with_length(t, properties) : "";
}

/* ---- The packets ---------------------------------------------------------------------------------------- */

CONFORMANCE_TEST(every_length_of_connect_is_checked, V5 | V311, NEEDS_NOTHING,
                 "A CONNECT with a Will that ends at any place but its end, or goes on behind it, is refused",
                 MQTT_3_1_4_1, MQTT3_3_1_4_1)
{
    unsigned flags = 0x06;
    const char *credentials = target_credentials(t, &flags);
    const char *properties = in_5(t, "11 00000000 21 000a 27 0000ffff 22 000a 19 00 17 01 26 {n} {v}");
    const char *will = in_5(t, "18 00000000 01 01 02 0000000a 03 {text} 08 {reply} 09 {id} 26 {n} {v}");
    const char *identifier = by_number(t, 0);
    const char *body = text(t, "{MQTT} %02x %02x 003c %s {%s} %s {%s} {m} %s", (unsigned)t->version, flags,
                            properties, identifier, will, topic(t, "will"), credentials);
    judge_lengths(t, &(struct whole){IN_WILL, 0x10, body, false, identifier}, &of_connect);
}

CONFORMANCE_TEST(
    every_length_of_connect_with_user_name_is_checked, V5 | V311, NEEDS_NOTHING,
    "A CONNECT with User Name and Password that ends at any place but its end, or goes on behind "
    "it, is refused",
    MQTT_3_1_4_1, MQTT3_3_1_4_1)
{
    const char *identifier = by_number(t, 0);
    const char *body =
        text(t, "{MQTT} %02x c2 003c %s {%s} {user} {secret}", (unsigned)t->version, in_5(t, ""), identifier);
    judge_lengths(t, &(struct whole){IN_CONNECT, 0x10, body, true, identifier}, &of_connect);
}

CONFORMANCE_TEST(
    every_length_of_publish_is_checked, V5 | V311, NEEDS_QOS1,
    "A PUBLISH that ends before its payload ends the connection; its payload may have any length",
    MQTT_4_13_1_1, MQTT3_4_8_0_1)
{
    const char *alias = t->capabilities->topic_alias_maximum > 0 ? "23 0001" : "";
    const char *properties = text(t, "01 00 02 0000000a 03 {text} 08 {reply} 09 {id} %s 26 {n} {v}", alias);
    const char *body = text(t, "{%s} 0005 %s | 6d | 6d | 6d", topic(t, "a"), in_5(t, properties));
    judge_lengths(t, &(struct whole){IN_PUBLISH, 0x32, body, false, NULL}, &general);
}

/* A Reason Code alone, or nothing behind the Packet Identifier, is a whole packet as well. */
static void judge_acknowledgement(struct test *t, enum form form, unsigned first_byte)
{
    const char *tail = is_v5(t) ? text(t, "| 00 | %s", with_length(t, "1f {why} 26 {n} {v}")) : "";
    judge_lengths(t, &(struct whole){form, first_byte, text(t, "0000 %s", tail), false, NULL}, &general);
}

CONFORMANCE_TEST(every_length_of_puback_is_checked, V5 | V311, NEEDS_QOS1,
                 "A PUBACK that ends within its fields ends the connection; behind one that is too long the "
                 "server goes on, or closes it",
                 MQTT_4_13_1_1, MQTT3_4_8_0_1)
{
    judge_acknowledgement(t, IN_PUBACK, 0x40);
}

CONFORMANCE_TEST(every_length_of_pubrec_is_checked, V5 | V311, NEEDS_QOS2,
                 "A PUBREC that ends within its fields ends the connection; behind one that is too long the "
                 "server goes on, or closes it",
                 MQTT_4_13_1_1, MQTT3_4_8_0_1)
{
    judge_acknowledgement(t, IN_PUBREC, 0x50);
}

CONFORMANCE_TEST(every_length_of_pubrel_is_checked, V5 | V311, NEEDS_QOS2,
                 "A PUBREL that ends within its fields ends the connection; behind one that is too long the "
                 "server goes on, or closes it",
                 MQTT_4_13_1_1, MQTT3_4_8_0_1)
{
    judge_acknowledgement(t, IN_PUBREL, 0x62);
}

CONFORMANCE_TEST(every_length_of_pubcomp_is_checked, V5 | V311, NEEDS_QOS2,
                 "A PUBCOMP that ends within its fields ends the connection; behind one that is too long the "
                 "server goes on, or closes it",
                 MQTT_4_13_1_1, MQTT3_4_8_0_1)
{
    judge_acknowledgement(t, IN_PUBCOMP, 0x70);
}

CONFORMANCE_TEST(every_length_of_subscribe_is_checked, V5 | V311, NEEDS_NOTHING,
                 "A SUBSCRIBE that does not end behind the options of a Topic Filter ends the connection",
                 MQTT_4_13_1_1, MQTT3_4_8_0_1)
{
    const char *identifier = t->capabilities->subscription_identifier ? "0b 8001" : "";
    const char *body =
        text(t, "0005 %s {%s} 00 | {%s} 01 | {%s} 02", in_5(t, text(t, "%s 26 {n} {v}", identifier)),
             topic(t, "a"), topic(t, "b"), topic(t, "c"));
    judge_lengths(t, &(struct whole){IN_SUBSCRIBE, 0x82, body, false, NULL}, &of_requests);
}

CONFORMANCE_TEST(every_length_of_unsubscribe_is_checked, V5 | V311, NEEDS_NOTHING,
                 "An UNSUBSCRIBE that does not end behind a Topic Filter ends the connection", MQTT_4_13_1_1,
                 MQTT3_4_8_0_1)
{
    const char *body = text(t, "0005 %s {%s} | {%s} | {%s}", in_5(t, "26 {n} {v}"), topic(t, "a"),
                            topic(t, "b"), topic(t, "c"));
    judge_lengths(t, &(struct whole){IN_UNSUBSCRIBE, 0xa2, body, false, NULL}, &of_requests);
}

CONFORMANCE_TEST(every_length_of_disconnect_is_checked, V5, NEEDS_NOTHING,
                 "A DISCONNECT that ends within its properties does not count: the Will is published",
                 MQTT_4_13_1_1)
{
    const char *body = text(t, "| 00 | %s", with_length(t, "11 00000000 1f {why} 26 {n} {v}"));
    judge_lengths(t, &(struct whole){IN_DISCONNECT, 0xe0, body, false, NULL}, &general);
}

/* An AUTH of nothing means Success: a form that is allowed, though a client has no reason to send it. */
CONFORMANCE_TEST(every_length_of_auth_is_checked, V5, NEEDS_PROFILE,
                 "An AUTH that ends within its properties ends the connection", MQTT_4_13_1_1)
{
    const char *body =
        text(t, "? 19 %s", with_length(t, text(t, "%s 1f {why} 26 {n} {v}", form_needs(t, IN_AUTH))));
    judge_lengths(t, &(struct whole){IN_AUTH, 0xf0, body, false, NULL}, &general);
}
