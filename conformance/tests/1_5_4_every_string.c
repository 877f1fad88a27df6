/* 1.5.4 UTF-8 Encoded String (3.1.1: 1.5.3): every class of bytes that are no UTF-8, in every string that a client
 * sends. */
#include "2_1_forms.h"
#include "3_01_connect.h"

/* ---- What is wrong ------------------------------------------------------------------------------------- */

/* By the table of well-formed byte sequences of the Unicode Standard (3-7): what a first byte may be, and what
 * may follow each, at the limits on both sides. */
static const char *const ill_formed[] = {
    /* no first byte */
    "80",
    "8f",
    "90",
    "9f",
    "a0",
    "bf",
    "c0 80",
    "c0 af",
    "c0 bf",
    "c1 80",
    "c1 bf",
    "f5 80 80 80",
    "f6 80 80 80",
    "f7 bf bf bf",
    "f8 88 80 80 80",
    "fb bf bf bf bf",
    "fc 84 80 80 80 80",
    "fd bf bf bf bf bf",
    "fe",
    "ff",
    /* cut short, by the end of the string */
    "c2",
    "df",
    "e0",
    "e0 a0",
    "e1",
    "e1 80",
    "ed 9f",
    "ef bf",
    "f0",
    "f0 90",
    "f0 90 80",
    "f1",
    "f1 80 80",
    "f4 8f bf",
    /* cut short, by another character */
    "c2 41",
    "df 7f",
    "c2 c2 80",
    "e1 41 80",
    "e1 80 41",
    "e1 c2 80",
    "e1 80 c0",
    "f1 41 80 80",
    "f1 80 41 80",
    "f1 80 80 41",
    "f1 80 80 c0",
    /* a second byte that does not go with the first: too long, surrogates, beyond U+10FFFF */
    "e0 80 80",
    "e0 80 af",
    "e0 9f bf",
    "ed a0 80",
    "ed ad bf",
    "ed ae 80",
    "ed af bf",
    "ed b0 80",
    "ed bf bf",
    "ed a0 bd ed b8 80",
    "f0 80 80 80",
    "f0 80 80 af",
    "f0 8f bf bf",
    "f4 90 80 80",
    "f4 bf bf bf",
};

static const char *const null_character[] = {"00", "00 00", "00 61", "c3 a9 00",
                                             "62 62 62 62 62 62 62 00 62"};

/* The limits of what is right, U+FEFF among it. Of U+FFFE and the like 5.0 advises against. */
static const char *const well_formed[] = {"7e",          "c2 a0",       "df bf",      "e0 a0 80",
                                          "ed 9f bf",    "ee 80 80",    "ef bf bd",   "ef bb bf",
                                          "f0 90 80 80", "f3 b0 80 80", "f4 8f bf bd"};

/* ---- Where --------------------------------------------------------------------------------------------- */

/* A string of a packet: made of a template in which $ stands for it. */
struct string_field {
    const char *name;
    enum form form;
    unsigned first_byte; /* 0: `rest` is a property of the form */
    const char *rest;    /* & stands for a topic, ^ for the Property Length 0 in 5.0 */
    bool is_free;        /* good strings must be accepted: no server has to like every topic or name */
    bool in_3_1_1;
};

static const struct string_field fields[] = {
    {"the Client Identifier", IN_CONNECT, 0x10, "{MQTT} # 02 0000 ^ $", false, true},
    {"the User Name", IN_CONNECT, 0x10, "{MQTT} # 82 0000 ^ % $", false, true},
    {"the name of a User Property", IN_CONNECT, 0, "26 $ {v}", true, false},
    {"the value of a User Property", IN_CONNECT, 0, "26 {n} $", true, false},
    {"the Authentication Method", IN_CONNECT, 0, "15 $", false, false},
    {"the Will Topic", IN_WILL, 0x10, "{MQTT} # 06 0000 ^ % ^ $ {m}", false, true},
    {"the Content Type", IN_WILL, 0, "03 $", true, false},
    {"the Response Topic", IN_WILL, 0, "08 $", false, false},
    {"the name of a User Property", IN_WILL, 0, "26 $ {v}", true, false},
    {"the value of a User Property", IN_WILL, 0, "26 {n} $", true, false},
    {"the Topic Name", IN_PUBLISH, 0x30, "$ ^", false, true},
    {"the Content Type", IN_PUBLISH, 0, "03 $", true, false},
    {"the Response Topic", IN_PUBLISH, 0, "08 $", false, false},
    {"the name of a User Property", IN_PUBLISH, 0, "26 $ {v}", true, false},
    {"the value of a User Property", IN_PUBLISH, 0, "26 {n} $", true, false},
    {"the Reason String", IN_PUBACK, 0, "1f $", true, false},
    {"the name of a User Property", IN_PUBACK, 0, "26 $ {v}", true, false},
    {"the value of a User Property", IN_PUBACK, 0, "26 {n} $", true, false},
    {"the Reason String", IN_PUBREC, 0, "1f $", true, false},
    {"the name of a User Property", IN_PUBREC, 0, "26 $ {v}", true, false},
    {"the value of a User Property", IN_PUBREC, 0, "26 {n} $", true, false},
    {"the Reason String", IN_PUBREL, 0, "1f $", true, false},
    {"the name of a User Property", IN_PUBREL, 0, "26 $ {v}", true, false},
    {"the value of a User Property", IN_PUBREL, 0, "26 {n} $", true, false},
    {"the Reason String", IN_PUBCOMP, 0, "1f $", true, false},
    {"the name of a User Property", IN_PUBCOMP, 0, "26 $ {v}", true, false},
    {"the value of a User Property", IN_PUBCOMP, 0, "26 {n} $", true, false},
    {"the Topic Filter", IN_SUBSCRIBE, 0x82, "0005 ^ $ 00", false, true},
    {"the second Topic Filter", IN_SUBSCRIBE, 0x82, "0005 ^ & 00 $ 00", false, true},
    {"the name of a User Property", IN_SUBSCRIBE, 0, "26 $ {v}", true, false},
    {"the value of a User Property", IN_SUBSCRIBE, 0, "26 {n} $", true, false},
    {"the Topic Filter", IN_UNSUBSCRIBE, 0xa2, "0005 ^ $", false, true},
    {"the second Topic Filter", IN_UNSUBSCRIBE, 0xa2, "0005 ^ & $", false, true},
    {"the name of a User Property", IN_UNSUBSCRIBE, 0, "26 $ {v}", true, false},
    {"the value of a User Property", IN_UNSUBSCRIBE, 0, "26 {n} $", true, false},
    {"the Reason String", IN_DISCONNECT, 0, "1f $", true, false},
    {"the name of a User Property", IN_DISCONNECT, 0, "26 $ {v}", true, false},
    {"the value of a User Property", IN_DISCONNECT, 0, "26 {n} $", true, false},
    {"the Reason String", IN_AUTH, 0, "1f $", true, false},
    {"the name of a User Property", IN_AUTH, 0, "26 $ {v}", true, false},
    {"the value of a User Property", IN_AUTH, 0, "26 {n} $", true, false},
};

/* ---- Rows ---------------------------------------------------------------------------------------------- */

/* "a" and the bytes, as a string with its length. */
static const char *string_of(struct test *t, const char *bytes)
{
    return text(t, "%04zx 61 %s", template_bytes(t, bytes).length + 1, bytes);
}

static const char *replacement(struct test *t, char mark, const char *string)
{
    switch (mark) {
    case '$':
        return string;
    case '&':
        return text(t, "{%s}", topic(t, "a"));
    case '%':
        return new_identifier(t);
    case '^':
        return is_v5(t) ? "00" : "";
    case '#':
        return text(t, "%02x", (unsigned)t->version);
    default:
        return text(t, "%c", mark);
    }
}

static const char *fill_in(struct test *t, const char *template, const char *string)
{
    const char *result = "";
    for (; *template != '\0'; template ++)
        result = text(t, "%s%s", result, replacement(t, *template, string));
    return result;
}

static struct bytes packet_with(struct test *t, const struct string_field *field, const char *bytes)
{
    const char *rest = fill_in(t, field->rest, string_of(t, bytes));
    return field->first_byte == 0 ? form_bytes(t, field->form, rest)
                                  : bytes_by_hand(t, field->first_byte, rest, NULL, NULL);
}

static void add_strings(struct test *t, struct table *table, const struct string_field *field,
                        const char *const *strings, size_t count, const struct row *pattern)
{
    for (size_t i = 0; i < count; i++) {
        struct row row = *pattern;
        row.name = text(t, "%s is 61 %s", field->name, strings[i]);
        row.bytes = packet_with(t, field, strings[i]);
        table_append(table, &row);
    }
}

#define COUNT(list) (sizeof(list) / sizeof *(list))

static void add_field(struct test *t, struct table *table, const struct string_field *field,
                      enum statement accepted)
{
    bool is_pair = strncmp(field->rest, "26", 2) == 0;
    struct row wrong = {.demand = ROW_REFUSED,
                        .reason_code = REASON_MALFORMED_PACKET,
                        .five = is_pair ? P_1_5_7_1 : MQTT_1_5_4_1,
                        .three = MQTT3_1_5_3_1};
    struct row null = {.demand = ROW_REFUSED,
                       .reason_code = REASON_MALFORMED_PACKET,
                       .five = is_pair ? P_1_5_7_1 : MQTT_1_5_4_2,
                       .three = MQTT3_1_5_3_2};
    struct row right = {.demand = field->is_free ? ROW_ACCEPTED : ROW_OPEN, .five = accepted};
    add_strings(t, table, field, ill_formed, COUNT(ill_formed), &wrong);
    add_strings(t, table, field, null_character, COUNT(null_character), &null);
    add_strings(t, table, field, well_formed, COUNT(well_formed), &right);
}

static void judge_strings(struct test *t, enum form form)
{
    struct table *table = table_begin(t, .packet = form_name(form), .situation = form_situation(form));
    unsigned needed = 0;
    target_credentials(t, &needed);
    if (needed != 0 && (form == IN_CONNECT || form == IN_WILL))
        skip(t, "the server wants a user name");
    table_add(table, .name = "with good strings", .demand = ROW_CONTROL, .bytes = form_bytes(t, form, ""));
    for (size_t i = 0; i < COUNT(fields); i++)
        if (fields[i].form == form && (is_v5(t) || fields[i].in_3_1_1))
            add_field(t, table, &fields[i], MQTT_1_5_4_1);
    table_judge(table);
}

CONFORMANCE_TEST(every_string_of_connect_is_checked, V5 | V311, NEEDS_NOTHING,
                 "A CONNECT with any string that is not well-formed UTF-8, or holds U+0000, is refused",
                 MQTT_1_5_4_1, MQTT_1_5_4_2, P_1_5_7_1, MQTT3_1_5_3_1, MQTT3_1_5_3_2)
{
    judge_strings(t, IN_CONNECT);
}

CONFORMANCE_TEST(
    every_string_of_will_is_checked, V5 | V311, NEEDS_NOTHING,
    "A Will with any string that is not well-formed UTF-8, or holds U+0000, is refused with its CONNECT",
    MQTT_1_5_4_1, MQTT_1_5_4_2, P_1_5_7_1, MQTT3_1_5_3_1, MQTT3_1_5_3_2)
{
    judge_strings(t, IN_WILL);
}

CONFORMANCE_TEST(
    every_string_of_publish_is_checked, V5 | V311, NEEDS_NOTHING,
    "A PUBLISH with any string that is not well-formed UTF-8, or holds U+0000, ends the connection",
    MQTT_1_5_4_1, MQTT_1_5_4_2, P_1_5_7_1, MQTT3_1_5_3_1, MQTT3_1_5_3_2)
{
    judge_strings(t, IN_PUBLISH);
}

CONFORMANCE_TEST(
    every_string_of_puback_is_checked, V5, NEEDS_QOS1,
    "A PUBACK with any string that is not well-formed UTF-8, or holds U+0000, ends the connection",
    MQTT_1_5_4_1, MQTT_1_5_4_2, P_1_5_7_1)
{
    judge_strings(t, IN_PUBACK);
}

CONFORMANCE_TEST(
    every_string_of_pubrec_is_checked, V5, NEEDS_QOS2,
    "A PUBREC with any string that is not well-formed UTF-8, or holds U+0000, ends the connection",
    MQTT_1_5_4_1, MQTT_1_5_4_2, P_1_5_7_1)
{
    judge_strings(t, IN_PUBREC);
}

CONFORMANCE_TEST(
    every_string_of_pubrel_is_checked, V5, NEEDS_QOS2,
    "A PUBREL with any string that is not well-formed UTF-8, or holds U+0000, ends the connection",
    MQTT_1_5_4_1, MQTT_1_5_4_2, P_1_5_7_1)
{
    judge_strings(t, IN_PUBREL);
}

CONFORMANCE_TEST(
    every_string_of_pubcomp_is_checked, V5, NEEDS_QOS2,
    "A PUBCOMP with any string that is not well-formed UTF-8, or holds U+0000, ends the connection",
    MQTT_1_5_4_1, MQTT_1_5_4_2, P_1_5_7_1)
{
    judge_strings(t, IN_PUBCOMP);
}

CONFORMANCE_TEST(
    every_string_of_subscribe_is_checked, V5 | V311, NEEDS_NOTHING,
    "A SUBSCRIBE with any string that is not well-formed UTF-8, or holds U+0000, ends the connection",
    MQTT_1_5_4_1, MQTT_1_5_4_2, P_1_5_7_1, MQTT3_1_5_3_1, MQTT3_1_5_3_2)
{
    judge_strings(t, IN_SUBSCRIBE);
}

CONFORMANCE_TEST(
    every_string_of_unsubscribe_is_checked, V5 | V311, NEEDS_NOTHING,
    "An UNSUBSCRIBE with any string that is not well-formed UTF-8, or holds U+0000, ends the connection",
    MQTT_1_5_4_1, MQTT_1_5_4_2, P_1_5_7_1, MQTT3_1_5_3_1, MQTT3_1_5_3_2)
{
    judge_strings(t, IN_UNSUBSCRIBE);
}

CONFORMANCE_TEST(every_string_of_disconnect_is_checked, V5, NEEDS_NOTHING,
                 "A DISCONNECT with any string that is not well-formed UTF-8, or holds U+0000, does not "
                 "count: the Will is published",
                 MQTT_1_5_4_1, MQTT_1_5_4_2, P_1_5_7_1)
{
    judge_strings(t, IN_DISCONNECT);
}

CONFORMANCE_TEST(
    every_string_of_auth_is_checked, V5, NEEDS_PROFILE,
    "An AUTH with any string that is not well-formed UTF-8, or holds U+0000, ends the connection",
    MQTT_1_5_4_1, MQTT_1_5_4_2, P_1_5_7_1)
{
    judge_strings(t, IN_AUTH);
}
