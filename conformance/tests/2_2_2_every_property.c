/* 2.2.2.2 Property (MQTT 5.0): every property in every packet of the client. Beside the samples of
 * 2_2_2_properties.c these are the whole tables: what may stand where, how often, and with which values. */
#include "2_1_forms.h"

/* ---- The properties ---------------------------------------------------------------------------------- */

/* What may stand where, written down from table 2-4 and not from the codec's tables; the letters are those of
 * `letters` below. */
static const struct property_row {
    unsigned identifier;
    const char *name;
    const char *places; /* where a client may send it */
    enum property_type type;
    const char *values[5]; /* good ones, templates; the first is the plainest */
} properties[] = {
    {0x01, "Payload Format Indicator", "WP", PROPERTY_TYPE_BYTE, {"00", "01"}},
    {0x02,
     "Message Expiry Interval",
     "WP",
     PROPERTY_TYPE_FOUR_BYTE_INTEGER,
     {"0000000a", "00000001", "ffffffff"}},
    {0x03, "Content Type", "WP", PROPERTY_TYPE_UTF8_STRING, {"{text}", "{}"}},
    {0x08, "Response Topic", "WP", PROPERTY_TYPE_UTF8_STRING, {"{reply/to}", "{r}"}},
    {0x09, "Correlation Data", "WP", PROPERTY_TYPE_BINARY_DATA, {"{id}", "{}", "0003 00ff80"}},
    {0x0b,
     "Subscription Identifier",
     "S",
     PROPERTY_TYPE_VARIABLE_BYTE_INTEGER,
     {"01", "7f", "8001", "ffff7f", "ffffff7f"}},
    {0x11, "Session Expiry Interval", "CD", PROPERTY_TYPE_FOUR_BYTE_INTEGER, {"00000000"}},
    {0x12, "Assigned Client Identifier", "", PROPERTY_TYPE_UTF8_STRING, {"{x}"}},
    {0x13, "Server Keep Alive", "", PROPERTY_TYPE_TWO_BYTE_INTEGER, {"000a"}},
    {0x15, "Authentication Method", "CA", PROPERTY_TYPE_UTF8_STRING, {"{x}"}},
    {0x16, "Authentication Data", "CA", PROPERTY_TYPE_BINARY_DATA, {"{x}"}},
    {0x17, "Request Problem Information", "C", PROPERTY_TYPE_BYTE, {"01", "00"}},
    {0x18, "Will Delay Interval", "W", PROPERTY_TYPE_FOUR_BYTE_INTEGER, {"00000000", "00000001", "ffffffff"}},
    {0x19, "Request Response Information", "C", PROPERTY_TYPE_BYTE, {"00", "01"}},
    {0x1a, "Response Information", "", PROPERTY_TYPE_UTF8_STRING, {"{x}"}},
    {0x1c, "Server Reference", "", PROPERTY_TYPE_UTF8_STRING, {"{x}"}},
    {0x1f, "Reason String", "arlcDA", PROPERTY_TYPE_UTF8_STRING, {"{why}", "{}"}},
    {0x21, "Receive Maximum", "C", PROPERTY_TYPE_TWO_BYTE_INTEGER, {"000a", "0001", "ffff"}},
    {0x22, "Topic Alias Maximum", "C", PROPERTY_TYPE_TWO_BYTE_INTEGER, {"000a", "0000", "ffff"}},
    {0x23, "Topic Alias", "P", PROPERTY_TYPE_TWO_BYTE_INTEGER, {"0001"}},
    {0x24, "Maximum QoS", "", PROPERTY_TYPE_BYTE, {"00"}},
    {0x25, "Retain Available", "", PROPERTY_TYPE_BYTE, {"01"}},
    {0x26,
     "User Property",
     "CWParlcSUDA",
     PROPERTY_TYPE_UTF8_STRING_PAIR,
     {"{n} {v}", "{} {}", "{n} {}", "{} {v}"}},
    {0x27, "Maximum Packet Size", "C", PROPERTY_TYPE_FOUR_BYTE_INTEGER, {"0000ffff", "ffffffff"}},
    {0x28, "Wildcard Subscription Available", "", PROPERTY_TYPE_BYTE, {"01"}},
    {0x29, "Subscription Identifier Available", "", PROPERTY_TYPE_BYTE, {"01"}},
    {0x2a, "Shared Subscription Available", "", PROPERTY_TYPE_BYTE, {"01"}},
};

#define PROPERTIES (sizeof properties / sizeof *properties)
#define VALUES (sizeof properties->values / sizeof *properties->values)

/* In the order of enum form. */
static const char letters[] = "CWParlcSUDA";

static bool may_stand(const struct property_row *property, enum form form)
{
    return strchr(property->places, letters[form]) != NULL;
}

/* What the catalogue says on the property in this place: which rules are broken. */
static const struct property_use *use_of(const struct property_row *property, enum form form)
{
    return property_use(property_find(property->identifier), form_context(form));
}

/* What the server offers, and what lies beyond it. */
static bool is_offered(struct test *t, const struct property_row *property)
{
    if (property->identifier == 0x23)
        return t->capabilities->topic_alias_maximum > 0;
    return property->identifier != 0x0b || t->capabilities->subscription_identifier;
}

/* A method nobody knows may be refused, and data without method has to be. */
static bool is_about_authentication(const struct property_row *property)
{
    return property->identifier == 0x15 || property->identifier == 0x16;
}

/* ---- Rows -------------------------------------------------------------------------------------------- */

static const char *with_value(struct test *t, const struct property_row *property, const char *value)
{
    return text(t, "%02x %s", property->identifier, value);
}

static const char *plain(struct test *t, const struct property_row *property)
{
    return with_value(t, property, property->values[0]);
}

static struct table *begin(struct test *t, enum form form)
{
    struct table *table = table_begin(t, .packet = form_name(form), .situation = form_situation(form));
    table_add(table, .name = "with a User Property", .bytes = form_bytes(t, form, "26 {n} {v}"),
              .demand = ROW_CONTROL);
    return table;
}

/* What a rule of the catalogue forbids. Without a rule nothing is demanded. */
static void add_refused(struct test *t, struct table *table, enum form form, const char *name,
                        const char *template, enum statement statement, int reason_code)
{
    table_add(table, .name = name, .bytes = form_bytes(t, form, template), .five = statement,
              .demand = statement == STATEMENT_NONE ? ROW_OPEN : ROW_REFUSED, .reason_code = reason_code);
}

/* ---- What may stand there, once ---------------------------------------------------------------------- */

static void add_good_values(struct test *t, struct table *table, enum form form,
                            const struct property_row *property, enum statement statement)
{
    enum row_demand demand =
        is_about_authentication(property) || !is_offered(t, property) ? ROW_OPEN : ROW_ACCEPTED;
    for (size_t i = 0; i < VALUES && property->values[i] != NULL; i++)
        table_add(table, .name = text(t, "%s %s", property->name, property->values[i]), .five = statement,
                  .bytes = form_bytes(t, form, with_value(t, property, property->values[i])),
                  .demand = demand);
}

/* All at once, in both directions. */
static const char *all_of(struct test *t, enum form form, bool backwards)
{
    const char *all = "";
    for (size_t i = 0; i < PROPERTIES; i++) {
        const struct property_row *property = &properties[i];
        if (!may_stand(property, form) || is_about_authentication(property) || !is_offered(t, property))
            continue;
        all =
            backwards ? text(t, "%s %s", plain(t, property), all) : text(t, "%s %s", all, plain(t, property));
    }
    return all;
}

static void accept_properties(struct test *t, enum form form, enum statement statement)
{
    struct table *table = begin(t, form);
    table_add(table, .name = "no property", .bytes = form_bytes(t, form, ""), .demand = ROW_ACCEPTED,
              .five = statement);
    for (size_t i = 0; i < PROPERTIES; i++)
        if (may_stand(&properties[i], form) && !(form == IN_AUTH && is_about_authentication(&properties[i])))
            add_good_values(t, table, form, &properties[i], statement);
    for (int backwards = 0; backwards <= 1; backwards++)
        table_add(table, .name = backwards ? "all its properties, backwards" : "all its properties",
                  .bytes = form_bytes(t, form, all_of(t, form, backwards)), .demand = ROW_ACCEPTED,
                  .five = statement);
    table_judge(table);
}

/* ---- What may not ------------------------------------------------------------------------------------ */

/* What becomes of a client's Server Reference is not stated: it is for servers, in DISCONNECT. */
static void refuse_foreign(struct test *t, enum form form)
{
    struct table *table = begin(t, form);
    for (size_t i = 0; i < PROPERTIES; i++) {
        const struct property_row *property = &properties[i];
        const struct property_use *use = use_of(property, form);
        bool unsaid = form == IN_DISCONNECT && property->identifier == 0x1c;
        if (may_stand(property, form))
            continue;
        if ((use->senders & PROPERTY_FROM_CLIENT) != 0)
            error(t, "the tables disagree on %s in %s", property->name, form_name(form));
        add_refused(t, table, form, property->name, plain(t, property),
                    unsaid ? STATEMENT_NONE : use->wrong_sender, (int)use->wrong_sender_code);
        add_refused(t, table, form, text(t, "%s behind a User Property", property->name),
                    text(t, "26 {n} {v} %s", plain(t, property)), unsaid ? STATEMENT_NONE : use->wrong_sender,
                    (int)use->wrong_sender_code);
    }
    table_judge(table);
}

/* ---- More than once ---------------------------------------------------------------------------------- */

/* In PUBLISH no rule says that the Payload Format Indicator and the Message Expiry Interval come once. */
static bool is_once_by_analogy(const struct property_row *property, enum form form)
{
    return form == IN_PUBLISH && property->identifier <= 0x02;
}

static const char *another(const struct property_row *property)
{
    return property->values[1] == NULL ? property->values[0] : property->values[1];
}

static void add_repeated(struct test *t, struct table *table, enum form form,
                         const struct property_row *property)
{
    const struct property_use *use = use_of(property, form);
    bool there = form_needs(t, form)[0] != '\0' && is_about_authentication(property);
    const char *first = there ? "" : plain(t, property);
    enum statement statement = is_once_by_analogy(property, form) ? STATEMENT_NONE : use->repeated;
    int code = (int)use->repeated_code;
    /* no data without method, 3.1.2.11.10 */
    const char *before = form == IN_CONNECT && property->identifier == 0x16 ? "15 {x}" : "";
    add_refused(t, table, form, text(t, "%s twice", property->name),
                text(t, "%s %s %s", before, first, plain(t, property)), statement, code);
    add_refused(t, table, form, text(t, "%s twice, with another value", property->name),
                text(t, "%s %s %s", before, first, with_value(t, property, another(property))), statement,
                code);
    add_refused(t, table, form, text(t, "%s on both sides of a User Property", property->name),
                text(t, "%s %s 26 {n} {v} %s", before, first, plain(t, property)), statement, code);
}

static void refuse_repeated(struct test *t, enum form form, enum statement accepted)
{
    struct table *table = begin(t, form);
    for (size_t i = 0; i < PROPERTIES; i++) {
        bool both = form == IN_DISCONNECT && properties[i].identifier == 0x1c;
        if (properties[i].identifier != 0x26 && (may_stand(&properties[i], form) || both))
            add_repeated(t, table, form, &properties[i]);
    }
    table_add(table, .name = "User Property twice", .bytes = form_bytes(t, form, "26 {n} {v} 26 {o} {w}"),
              .demand = ROW_ACCEPTED, .five = accepted);
    table_add(table, .name = "the same User Property three times",
              .bytes = form_bytes(t, form, "26 {n} {v} 26 {n} {v} 26 {n} {v}"), .demand = ROW_ACCEPTED,
              .five = accepted);
    table_judge(table);
}

/* ---- Values ------------------------------------------------------------------------------------------ */

/* Whether numbers beyond 1 are forbidden, and to what consequence. */
static void add_wrong_numbers(struct test *t, struct table *table, enum form form,
                              const struct property_row *property)
{
    static const unsigned beyond[] = {2, 3, 0x7f, 0x80, 0xff};
    const struct property_use *use = use_of(property, form);
    bool unsaid = property->identifier == 0x01; /* its other values: no consequence is stated */
    for (size_t i = 0; property->type == PROPERTY_TYPE_BYTE && i < sizeof beyond / sizeof *beyond; i++)
        add_refused(t, table, form, text(t, "%s %u", property->name, beyond[i]),
                    text(t, "%02x %02x", property->identifier, beyond[i]),
                    unsaid ? STATEMENT_NONE : use->wrong_value, (int)use->wrong_value_code);
    if (use->minimum > 0) {
        static const char *const zeros[] = {[PROPERTY_TYPE_TWO_BYTE_INTEGER] = "0000",
                                            [PROPERTY_TYPE_FOUR_BYTE_INTEGER] = "00000000",
                                            [PROPERTY_TYPE_VARIABLE_BYTE_INTEGER] = "00"};
        add_refused(t, table, form, text(t, "%s 0", property->name),
                    with_value(t, property, zeros[property->type]), use->wrong_value,
                    (int)use->wrong_value_code);
    }
}

/* The properties end within the last one. */
static void add_cut_values(struct test *t, struct table *table, enum form form,
                           const struct property_row *property)
{
    struct bytes whole = template_bytes(t, plain(t, property));
    for (size_t size = 1; size < whole.length; size++) {
        const char *cut = "";
        for (size_t i = 0; i < size; i++)
            cut = text(t, "%s%02x", cut, whole.data[i]);
        add_refused(t, table, form, text(t, "%s cut to %zu bytes", property->name, size - 1), cut,
                    P_2_2_2_2_1, REASON_MALFORMED_PACKET);
    }
}

/* Integers of more than four bytes are none; those that are longer than need be break a rule for which no
 * consequence is stated. */
static void add_wrong_integers(struct test *t, struct table *table, enum form form)
{
    static const char *const five_bytes[] = {"ffffffff7f", "8080808001", "ffffffffff", "8180808080 00"};
    for (size_t i = 0; i < sizeof five_bytes / sizeof *five_bytes; i++)
        add_refused(t, table, form, text(t, "Subscription Identifier %s", five_bytes[i]),
                    text(t, "0b %s", five_bytes[i]), P_2_2_2_2_1, REASON_MALFORMED_PACKET);
    add_refused(t, table, form, "Subscription Identifier 1 in two bytes", "0b 8100", STATEMENT_NONE, 0);
    add_refused(t, table, form, "Subscription Identifier 1 in four bytes", "0b 81808000", STATEMENT_NONE, 0);
}

static void add_rules_of_its_own(struct test *t, struct table *table, enum form form)
{
    if (form == IN_AUTH)
        table_add(table, .name = "no Authentication Method", .five = P_3_15_2_2_2_1, .demand = ROW_REFUSED,
                  .bytes = form_with_length(t, form, "07", "26 {n} {v}"),
                  .reason_code = REASON_PROTOCOL_ERROR);
    if (form == IN_CONNECT)
        add_refused(t, table, form, "Authentication Data without Authentication Method", "16 {x}",
                    P_3_1_2_11_10_1, REASON_PROTOCOL_ERROR);
    if (form == IN_SUBSCRIBE)
        add_wrong_integers(t, table, form);
    if (form == IN_PUBLISH)
        add_refused(t, table, form, "Subscription Identifier 0", "0b 00", P_3_3_2_3_8_1,
                    REASON_PROTOCOL_ERROR);
    if (form == IN_PUBLISH && t->capabilities->topic_alias_maximum < 65535)
        add_refused(t, table, form, "Topic Alias above the server's maximum",
                    text(t, "23 %04x", t->capabilities->topic_alias_maximum + 1U), P_3_3_4_2,
                    REASON_TOPIC_ALIAS_INVALID);
    if (form == IN_PUBLISH)
        add_refused(t, table, form, "Topic Alias 65,535", "23 ffff",
                    t->capabilities->topic_alias_maximum < 65535 ? P_3_3_4_2 : STATEMENT_NONE,
                    REASON_TOPIC_ALIAS_INVALID);
}

static void refuse_values(struct test *t, enum form form)
{
    struct table *table = begin(t, form);
    for (size_t i = 0; i < PROPERTIES; i++) {
        bool there = form == IN_AUTH && is_about_authentication(&properties[i]);
        if (!may_stand(&properties[i], form) || there)
            continue;
        add_wrong_numbers(t, table, form, &properties[i]);
        add_cut_values(t, table, form, &properties[i]);
    }
    add_rules_of_its_own(t, table, form);
    table_judge(table);
}

/* ---- Property Identifiers that do not exist, and Property Lengths that are wrong ----------------------- */

static bool is_known(unsigned identifier)
{
    for (size_t i = 0; i < PROPERTIES; i++)
        if (properties[i].identifier == identifier)
            return true;
    return false;
}

/* All of one byte, and those of more at the limits of each length. */
static void refuse_unknown(struct test *t, enum form form)
{
    static const char *const longer[] = {"8001",   "8101",   "a601",     "ff01",     "807f",      "ff7f",
                                         "808001", "ffff7f", "80808001", "ffffff7f", "ffffffff7f"};
    struct table *table = begin(t, form);
    for (unsigned identifier = 0; identifier < 128; identifier++)
        if (!is_known(identifier))
            add_refused(t, table, form, text(t, "Property Identifier 0x%02x", identifier),
                        text(t, "%02x 00", identifier), P_2_2_2_2_1, REASON_MALFORMED_PACKET);
    for (size_t i = 0; i < sizeof longer / sizeof *longer; i++)
        add_refused(t, table, form, text(t, "Property Identifier of the bytes %s", longer[i]),
                    text(t, "%s 00", longer[i]), P_2_2_2_2_1, REASON_MALFORMED_PACKET);
    add_refused(t, table, form, "User Property, its identifier in two bytes", "a600 {n} {v}", STATEMENT_NONE,
                0);
    table_judge(table);
}

/* Behind the properties no packet goes on with bytes that would make another property. */
static void add_length(struct test *t, struct table *table, enum form form, const char *name,
                       const char *length, enum statement statement)
{
    table_add(table, .name = name, .five = statement, .reason_code = REASON_MALFORMED_PACKET,
              .bytes = form_with_length(t, form, length, text(t, "%s 26 {n} {v}", form_needs(t, form))),
              .demand = statement == STATEMENT_NONE ? ROW_OPEN : ROW_REFUSED);
}

static void refuse_lengths(struct test *t, enum form form)
{
    struct table *table = begin(t, form);
    size_t size = template_bytes(t, text(t, "%s 26 {n} {v}", form_needs(t, form))).length;
    for (size_t less = 1; less <= 6; less++)
        add_length(t, table, form, text(t, "Property Length too small by %zu", less),
                   variable_byte_integer_hex(t, size - less), P_2_2_2_2_1);
    for (size_t more = 1; more <= 64; more *= 2)
        add_length(t, table, form, text(t, "Property Length too large by %zu", more),
                   variable_byte_integer_hex(t, size + more), P_2_2_2_2_1);
    add_length(t, table, form, "Property Length 16,383", "ff7f", MQTT_4_13_1_1);
    add_length(t, table, form, "Property Length 268,435,455", "ffffff7f", MQTT_4_13_1_1);
    add_length(t, table, form, "Property Length of five bytes", "ffffffff7f", D_1_5_5_1);
    add_length(t, table, form, "Property Length of five bytes, in which it would be right",
               text(t, "%02zx 80 80 80 00", size | 0x80), D_1_5_5_1);
    add_length(t, table, form, "Property Length in two bytes instead of one",
               text(t, "%02zx 00", size | 0x80), STATEMENT_NONE);
    add_length(t, table, form, "Property Length in four bytes instead of one",
               text(t, "%02zx 80 80 00", size | 0x80), STATEMENT_NONE);
    table_judge(table);
}

/* ---- The tables ---------------------------------------------------------------------------------------- */

/* CONNECT */

CONFORMANCE_TEST(
    every_property_of_connect_is_accepted, V5, NEEDS_NOTHING,
    "A CONNECT may have each of its properties, with every value that is allowed, and all of them",
    MQTT_3_1_4_5)
{
    accept_properties(t, IN_CONNECT, MQTT_3_1_4_5);
}

CONFORMANCE_TEST(every_foreign_property_of_connect_is_refused, V5, NEEDS_NOTHING,
                 "A CONNECT with any of the properties that are not its own ends the connection", P_2_2_2_2_1)
{
    refuse_foreign(t, IN_CONNECT);
}

CONFORMANCE_TEST(every_repeated_property_of_connect_is_refused, V5, NEEDS_NOTHING,
                 "A CONNECT with two of any property but the User Property ends the connection",
                 P_3_1_2_11_2_1, P_3_1_2_11_3_1, P_3_1_2_11_4_1, P_3_1_2_11_5_1, P_3_1_2_11_6_1,
                 P_3_1_2_11_7_1, P_3_1_2_11_9_1, P_3_1_2_11_10_2, D_3_1_2_11_8_1)
{
    refuse_repeated(t, IN_CONNECT, D_3_1_2_11_8_1);
}

CONFORMANCE_TEST(
    every_wrong_property_value_of_connect_is_refused, V5, NEEDS_NOTHING,
    "A CONNECT with a property that is cut short, or has a value it may not have, ends the connection",
    P_2_2_2_2_1, P_3_1_2_11_3_1, P_3_1_2_11_4_1, P_3_1_2_11_6_1, P_3_1_2_11_7_1, P_3_1_2_11_10_1)
{
    refuse_values(t, IN_CONNECT);
}

CONFORMANCE_TEST(every_unknown_property_of_connect_is_refused, V5, NEEDS_NOTHING,
                 "A CONNECT with a Property Identifier that does not exist ends the connection", P_2_2_2_2_1)
{
    refuse_unknown(t, IN_CONNECT);
}

CONFORMANCE_TEST(every_wrong_property_length_of_connect_is_refused, V5, NEEDS_NOTHING,
                 "A CONNECT whose Property Length is not that of its properties ends the connection",
                 P_2_2_2_2_1, MQTT_4_13_1_1, D_1_5_5_1)
{
    refuse_lengths(t, IN_CONNECT);
}

/* Will */

CONFORMANCE_TEST(every_property_of_will_is_accepted, V5, NEEDS_NOTHING,
                 "A Will may have each of its properties, with every value that is allowed, and all of them",
                 MQTT_3_1_4_5)
{
    accept_properties(t, IN_WILL, MQTT_3_1_4_5);
}

CONFORMANCE_TEST(every_foreign_property_of_will_is_refused, V5, NEEDS_NOTHING,
                 "A Will with any of the properties that are not its own ends the connection of its CONNECT",
                 P_2_2_2_2_1)
{
    refuse_foreign(t, IN_WILL);
}

CONFORMANCE_TEST(every_repeated_property_of_will_is_refused, V5, NEEDS_NOTHING,
                 "A Will with two of any property but the User Property ends the connection of its CONNECT",
                 P_3_1_3_2_2_1, P_3_1_3_2_3_1, P_3_1_3_2_4_1, P_3_1_3_2_5_1, P_3_1_3_2_6_1, P_3_1_3_2_7_1,
                 D_3_1_3_2_8_1)
{
    refuse_repeated(t, IN_WILL, D_3_1_3_2_8_1);
}

CONFORMANCE_TEST(every_wrong_property_value_of_will_is_refused, V5, NEEDS_NOTHING,
                 "A Will with a property that is cut short, or has a value it may not have, ends the "
                 "connection of its CONNECT",
                 P_2_2_2_2_1)
{
    refuse_values(t, IN_WILL);
}

CONFORMANCE_TEST(every_unknown_property_of_will_is_refused, V5, NEEDS_NOTHING,
                 "A Will with a Property Identifier that does not exist ends the connection of its CONNECT",
                 P_2_2_2_2_1)
{
    refuse_unknown(t, IN_WILL);
}

CONFORMANCE_TEST(
    every_wrong_property_length_of_will_is_refused, V5, NEEDS_NOTHING,
    "A Will whose Property Length is not that of its properties ends the connection of its CONNECT",
    P_2_2_2_2_1, MQTT_4_13_1_1, D_1_5_5_1)
{
    refuse_lengths(t, IN_WILL);
}

/* PUBLISH */

CONFORMANCE_TEST(
    every_property_of_publish_is_accepted, V5, NEEDS_NOTHING,
    "A PUBLISH may have each of its properties, with every value that is allowed, and all of them", D_3_3_2_1)
{
    accept_properties(t, IN_PUBLISH, D_3_3_2_1);
}

CONFORMANCE_TEST(every_foreign_property_of_publish_is_refused, V5, NEEDS_NOTHING,
                 "A PUBLISH with any of the properties that are not its own ends the connection", P_2_2_2_2_1,
                 MQTT_3_3_4_6)
{
    refuse_foreign(t, IN_PUBLISH);
}

CONFORMANCE_TEST(every_repeated_property_of_publish_is_refused, V5, NEEDS_NOTHING,
                 "A PUBLISH with two of any property but the User Property ends the connection",
                 P_3_3_2_3_4_1, P_3_3_2_3_5_1, P_3_3_2_3_6_1, P_3_3_2_3_9_1, D_3_3_2_3_7_1)
{
    refuse_repeated(t, IN_PUBLISH, D_3_3_2_3_7_1);
}

CONFORMANCE_TEST(
    every_wrong_property_value_of_publish_is_refused, V5, NEEDS_NOTHING,
    "A PUBLISH with a property that is cut short, or has a value it may not have, ends the connection",
    P_2_2_2_2_1, MQTT_3_3_2_8, P_3_3_4_2, P_3_3_2_3_8_1)
{
    refuse_values(t, IN_PUBLISH);
}

CONFORMANCE_TEST(every_unknown_property_of_publish_is_refused, V5, NEEDS_NOTHING,
                 "A PUBLISH with a Property Identifier that does not exist ends the connection", P_2_2_2_2_1)
{
    refuse_unknown(t, IN_PUBLISH);
}

CONFORMANCE_TEST(every_wrong_property_length_of_publish_is_refused, V5, NEEDS_NOTHING,
                 "A PUBLISH whose Property Length is not that of its properties ends the connection",
                 P_2_2_2_2_1, MQTT_4_13_1_1, D_1_5_5_1)
{
    refuse_lengths(t, IN_PUBLISH);
}

/* PUBACK */

CONFORMANCE_TEST(
    every_property_of_puback_is_accepted, V5, NEEDS_QOS1,
    "A PUBACK may have each of its properties, with every value that is allowed, and all of them", D_3_4_2_1)
{
    accept_properties(t, IN_PUBACK, D_3_4_2_1);
}

CONFORMANCE_TEST(every_foreign_property_of_puback_is_refused, V5, NEEDS_QOS1,
                 "A PUBACK with any of the properties that are not its own ends the connection", P_2_2_2_2_1)
{
    refuse_foreign(t, IN_PUBACK);
}

CONFORMANCE_TEST(every_repeated_property_of_puback_is_refused, V5, NEEDS_QOS1,
                 "A PUBACK with two of any property but the User Property ends the connection", P_3_4_2_2_2_1,
                 D_3_4_2_1)
{
    refuse_repeated(t, IN_PUBACK, D_3_4_2_1);
}

CONFORMANCE_TEST(
    every_wrong_property_value_of_puback_is_refused, V5, NEEDS_QOS1,
    "A PUBACK with a property that is cut short, or has a value it may not have, ends the connection",
    P_2_2_2_2_1)
{
    refuse_values(t, IN_PUBACK);
}

CONFORMANCE_TEST(every_unknown_property_of_puback_is_refused, V5, NEEDS_QOS1,
                 "A PUBACK with a Property Identifier that does not exist ends the connection", P_2_2_2_2_1)
{
    refuse_unknown(t, IN_PUBACK);
}

CONFORMANCE_TEST(every_wrong_property_length_of_puback_is_refused, V5, NEEDS_QOS1,
                 "A PUBACK whose Property Length is not that of its properties ends the connection",
                 P_2_2_2_2_1, MQTT_4_13_1_1, D_1_5_5_1)
{
    refuse_lengths(t, IN_PUBACK);
}

/* PUBREC */

CONFORMANCE_TEST(
    every_property_of_pubrec_is_accepted, V5, NEEDS_QOS2,
    "A PUBREC may have each of its properties, with every value that is allowed, and all of them", D_3_5_2_1)
{
    accept_properties(t, IN_PUBREC, D_3_5_2_1);
}

CONFORMANCE_TEST(every_foreign_property_of_pubrec_is_refused, V5, NEEDS_QOS2,
                 "A PUBREC with any of the properties that are not its own ends the connection", P_2_2_2_2_1)
{
    refuse_foreign(t, IN_PUBREC);
}

CONFORMANCE_TEST(every_repeated_property_of_pubrec_is_refused, V5, NEEDS_QOS2,
                 "A PUBREC with two of any property but the User Property ends the connection", P_3_5_2_2_2_1,
                 D_3_5_2_1)
{
    refuse_repeated(t, IN_PUBREC, D_3_5_2_1);
}

CONFORMANCE_TEST(
    every_wrong_property_value_of_pubrec_is_refused, V5, NEEDS_QOS2,
    "A PUBREC with a property that is cut short, or has a value it may not have, ends the connection",
    P_2_2_2_2_1)
{
    refuse_values(t, IN_PUBREC);
}

CONFORMANCE_TEST(every_unknown_property_of_pubrec_is_refused, V5, NEEDS_QOS2,
                 "A PUBREC with a Property Identifier that does not exist ends the connection", P_2_2_2_2_1)
{
    refuse_unknown(t, IN_PUBREC);
}

CONFORMANCE_TEST(every_wrong_property_length_of_pubrec_is_refused, V5, NEEDS_QOS2,
                 "A PUBREC whose Property Length is not that of its properties ends the connection",
                 P_2_2_2_2_1, MQTT_4_13_1_1, D_1_5_5_1)
{
    refuse_lengths(t, IN_PUBREC);
}

/* PUBREL */

CONFORMANCE_TEST(
    every_property_of_pubrel_is_accepted, V5, NEEDS_QOS2,
    "A PUBREL may have each of its properties, with every value that is allowed, and all of them", D_3_6_2_1)
{
    accept_properties(t, IN_PUBREL, D_3_6_2_1);
}

CONFORMANCE_TEST(every_foreign_property_of_pubrel_is_refused, V5, NEEDS_QOS2,
                 "A PUBREL with any of the properties that are not its own ends the connection", P_2_2_2_2_1)
{
    refuse_foreign(t, IN_PUBREL);
}

CONFORMANCE_TEST(every_repeated_property_of_pubrel_is_refused, V5, NEEDS_QOS2,
                 "A PUBREL with two of any property but the User Property ends the connection", P_3_6_2_2_2_1,
                 D_3_6_2_1)
{
    refuse_repeated(t, IN_PUBREL, D_3_6_2_1);
}

CONFORMANCE_TEST(
    every_wrong_property_value_of_pubrel_is_refused, V5, NEEDS_QOS2,
    "A PUBREL with a property that is cut short, or has a value it may not have, ends the connection",
    P_2_2_2_2_1)
{
    refuse_values(t, IN_PUBREL);
}

CONFORMANCE_TEST(every_unknown_property_of_pubrel_is_refused, V5, NEEDS_QOS2,
                 "A PUBREL with a Property Identifier that does not exist ends the connection", P_2_2_2_2_1)
{
    refuse_unknown(t, IN_PUBREL);
}

CONFORMANCE_TEST(every_wrong_property_length_of_pubrel_is_refused, V5, NEEDS_QOS2,
                 "A PUBREL whose Property Length is not that of its properties ends the connection",
                 P_2_2_2_2_1, MQTT_4_13_1_1, D_1_5_5_1)
{
    refuse_lengths(t, IN_PUBREL);
}

/* PUBCOMP */

CONFORMANCE_TEST(
    every_property_of_pubcomp_is_accepted, V5, NEEDS_QOS2,
    "A PUBCOMP may have each of its properties, with every value that is allowed, and all of them", D_3_7_2_1)
{
    accept_properties(t, IN_PUBCOMP, D_3_7_2_1);
}

CONFORMANCE_TEST(every_foreign_property_of_pubcomp_is_refused, V5, NEEDS_QOS2,
                 "A PUBCOMP with any of the properties that are not its own ends the connection", P_2_2_2_2_1)
{
    refuse_foreign(t, IN_PUBCOMP);
}

CONFORMANCE_TEST(every_repeated_property_of_pubcomp_is_refused, V5, NEEDS_QOS2,
                 "A PUBCOMP with two of any property but the User Property ends the connection",
                 P_3_7_2_2_2_1, D_3_7_2_1)
{
    refuse_repeated(t, IN_PUBCOMP, D_3_7_2_1);
}

CONFORMANCE_TEST(
    every_wrong_property_value_of_pubcomp_is_refused, V5, NEEDS_QOS2,
    "A PUBCOMP with a property that is cut short, or has a value it may not have, ends the connection",
    P_2_2_2_2_1)
{
    refuse_values(t, IN_PUBCOMP);
}

CONFORMANCE_TEST(every_unknown_property_of_pubcomp_is_refused, V5, NEEDS_QOS2,
                 "A PUBCOMP with a Property Identifier that does not exist ends the connection", P_2_2_2_2_1)
{
    refuse_unknown(t, IN_PUBCOMP);
}

CONFORMANCE_TEST(every_wrong_property_length_of_pubcomp_is_refused, V5, NEEDS_QOS2,
                 "A PUBCOMP whose Property Length is not that of its properties ends the connection",
                 P_2_2_2_2_1, MQTT_4_13_1_1, D_1_5_5_1)
{
    refuse_lengths(t, IN_PUBCOMP);
}

/* SUBSCRIBE */

CONFORMANCE_TEST(
    every_property_of_subscribe_is_accepted, V5, NEEDS_NOTHING,
    "A SUBSCRIBE may have each of its properties, with every value that is allowed, and all of them",
    MQTT_3_8_4_1)
{
    accept_properties(t, IN_SUBSCRIBE, MQTT_3_8_4_1);
}

CONFORMANCE_TEST(every_foreign_property_of_subscribe_is_refused, V5, NEEDS_NOTHING,
                 "A SUBSCRIBE with any of the properties that are not its own ends the connection",
                 P_2_2_2_2_1)
{
    refuse_foreign(t, IN_SUBSCRIBE);
}

CONFORMANCE_TEST(every_repeated_property_of_subscribe_is_refused, V5, NEEDS_NOTHING,
                 "A SUBSCRIBE with two of any property but the User Property ends the connection",
                 P_3_8_2_1_2_2, D_3_8_2_1_3_1)
{
    refuse_repeated(t, IN_SUBSCRIBE, D_3_8_2_1_3_1);
}

CONFORMANCE_TEST(
    every_wrong_property_value_of_subscribe_is_refused, V5, NEEDS_NOTHING,
    "A SUBSCRIBE with a property that is cut short, or has a value it may not have, ends the connection",
    P_2_2_2_2_1, P_3_8_2_1_2_1)
{
    refuse_values(t, IN_SUBSCRIBE);
}

CONFORMANCE_TEST(every_unknown_property_of_subscribe_is_refused, V5, NEEDS_NOTHING,
                 "A SUBSCRIBE with a Property Identifier that does not exist ends the connection",
                 P_2_2_2_2_1)
{
    refuse_unknown(t, IN_SUBSCRIBE);
}

CONFORMANCE_TEST(every_wrong_property_length_of_subscribe_is_refused, V5, NEEDS_NOTHING,
                 "A SUBSCRIBE whose Property Length is not that of its properties ends the connection",
                 P_2_2_2_2_1, MQTT_4_13_1_1, D_1_5_5_1)
{
    refuse_lengths(t, IN_SUBSCRIBE);
}

/* UNSUBSCRIBE */

CONFORMANCE_TEST(
    every_property_of_unsubscribe_is_accepted, V5, NEEDS_NOTHING,
    "An UNSUBSCRIBE may have each of its properties, with every value that is allowed, and all of them",
    MQTT_3_10_4_4)
{
    accept_properties(t, IN_UNSUBSCRIBE, MQTT_3_10_4_4);
}

CONFORMANCE_TEST(every_foreign_property_of_unsubscribe_is_refused, V5, NEEDS_NOTHING,
                 "An UNSUBSCRIBE with any of the properties that are not its own ends the connection",
                 P_2_2_2_2_1)
{
    refuse_foreign(t, IN_UNSUBSCRIBE);
}

CONFORMANCE_TEST(every_repeated_property_of_unsubscribe_is_accepted, V5, NEEDS_NOTHING,
                 "An UNSUBSCRIBE may have any number of User Properties, and has no other property",
                 D_3_10_2_1_2_1)
{
    refuse_repeated(t, IN_UNSUBSCRIBE, D_3_10_2_1_2_1);
}

CONFORMANCE_TEST(
    every_wrong_property_value_of_unsubscribe_is_refused, V5, NEEDS_NOTHING,
    "An UNSUBSCRIBE with a property that is cut short, or has a value it may not have, ends the connection",
    P_2_2_2_2_1)
{
    refuse_values(t, IN_UNSUBSCRIBE);
}

CONFORMANCE_TEST(every_unknown_property_of_unsubscribe_is_refused, V5, NEEDS_NOTHING,
                 "An UNSUBSCRIBE with a Property Identifier that does not exist ends the connection",
                 P_2_2_2_2_1)
{
    refuse_unknown(t, IN_UNSUBSCRIBE);
}

CONFORMANCE_TEST(every_wrong_property_length_of_unsubscribe_is_refused, V5, NEEDS_NOTHING,
                 "An UNSUBSCRIBE whose Property Length is not that of its properties ends the connection",
                 P_2_2_2_2_1, MQTT_4_13_1_1, D_1_5_5_1)
{
    refuse_lengths(t, IN_UNSUBSCRIBE);
}

/* DISCONNECT */

CONFORMANCE_TEST(
    every_property_of_disconnect_is_accepted, V5, NEEDS_NOTHING,
    "A DISCONNECT may have each of its properties, with every value that is allowed, and all of them",
    MQTT_3_14_4_3)
{
    accept_properties(t, IN_DISCONNECT, MQTT_3_14_4_3);
}

CONFORMANCE_TEST(
    every_foreign_property_of_disconnect_is_refused, V5, NEEDS_NOTHING,
    "A DISCONNECT with any of the properties that are not its own does not count: the Will is published",
    P_2_2_2_2_1)
{
    refuse_foreign(t, IN_DISCONNECT);
}

CONFORMANCE_TEST(
    every_repeated_property_of_disconnect_is_refused, V5, NEEDS_NOTHING,
    "A DISCONNECT with two of any property but the User Property does not count: the Will is published",
    P_3_14_2_2_2_1, P_3_14_2_2_3_1, P_3_14_2_2_5_1, MQTT_3_14_4_3)
{
    refuse_repeated(t, IN_DISCONNECT, MQTT_3_14_4_3);
}

CONFORMANCE_TEST(every_wrong_property_value_of_disconnect_is_refused, V5, NEEDS_NOTHING,
                 "A DISCONNECT with a property that is cut short, or has a value it may not have, does not "
                 "count: the Will is published",
                 P_2_2_2_2_1)
{
    refuse_values(t, IN_DISCONNECT);
}

CONFORMANCE_TEST(
    every_unknown_property_of_disconnect_is_refused, V5, NEEDS_NOTHING,
    "A DISCONNECT with a Property Identifier that does not exist does not count: the Will is published",
    P_2_2_2_2_1)
{
    refuse_unknown(t, IN_DISCONNECT);
}

CONFORMANCE_TEST(
    every_wrong_property_length_of_disconnect_is_refused, V5, NEEDS_NOTHING,
    "A DISCONNECT whose Property Length is not that of its properties does not count: the Will is published",
    P_2_2_2_2_1, MQTT_4_13_1_1, D_1_5_5_1)
{
    refuse_lengths(t, IN_DISCONNECT);
}

/* AUTH */

CONFORMANCE_TEST(every_property_of_auth_is_accepted, V5, NEEDS_PROFILE,
                 "An AUTH may have each of its properties, with every value that is allowed, and all of them",
                 R_4_12_1_1)
{
    accept_properties(t, IN_AUTH, R_4_12_1_1);
}

CONFORMANCE_TEST(every_foreign_property_of_auth_is_refused, V5, NEEDS_PROFILE,
                 "An AUTH with any of the properties that are not its own ends the connection", P_2_2_2_2_1)
{
    refuse_foreign(t, IN_AUTH);
}

CONFORMANCE_TEST(every_repeated_property_of_auth_is_refused, V5, NEEDS_PROFILE,
                 "An AUTH with two of any property but the User Property ends the connection", P_3_15_2_2_2_1,
                 P_3_15_2_2_3_1, P_3_15_2_2_4_1, R_4_12_1_1)
{
    refuse_repeated(t, IN_AUTH, R_4_12_1_1);
}

CONFORMANCE_TEST(
    every_wrong_property_value_of_auth_is_refused, V5, NEEDS_PROFILE,
    "An AUTH with a property that is cut short, or has a value it may not have, ends the connection",
    P_2_2_2_2_1, P_3_15_2_2_2_1)
{
    refuse_values(t, IN_AUTH);
}

CONFORMANCE_TEST(every_unknown_property_of_auth_is_refused, V5, NEEDS_PROFILE,
                 "An AUTH with a Property Identifier that does not exist ends the connection", P_2_2_2_2_1)
{
    refuse_unknown(t, IN_AUTH);
}

CONFORMANCE_TEST(every_wrong_property_length_of_auth_is_refused, V5, NEEDS_PROFILE,
                 "An AUTH whose Property Length is not that of its properties ends the connection",
                 P_2_2_2_2_1, MQTT_4_13_1_1, D_1_5_5_1)
{
    refuse_lengths(t, IN_AUTH);
}
