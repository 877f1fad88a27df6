/* 2.2.2 Properties: every one of the 27 in every place: allowed, not allowed, repeated, wrong value, cut,
 * ill-formed.
 *
 * The tables restate table 2-4 and the sections of the packets; they share nothing with the tables of the
 * codec. */
#include "support.h"

/* The places where properties can stand, and the packet around them: `%s` are the properties. `offset` is
 * where the first one begins when the lengths before it take one byte each. */
static const struct place {
    enum property_context context;
    const char *packet;
    size_t offset;
    int senders;
} places[CONTEXT_COUNT] = {
    [CONTEXT_CONNECT] = {CONTEXT_CONNECT, "10 [<'MQTT'> 05 02 003C [%s] <'a'>]", 13, CLIENT},
    [CONTEXT_CONNACK] = {CONTEXT_CONNACK, "20 [00 00 [%s]]", 5, SERVER},
    [CONTEXT_PUBLISH] = {CONTEXT_PUBLISH, "30 [<'a'> [%s] 'p']", 6, BOTH},
    [CONTEXT_WILL] = {CONTEXT_WILL, "10 [<'MQTT'> 05 06 003C [] <'a'> [%s] <'w'> <'m'>]", 17, CLIENT},
    [CONTEXT_PUBACK] = {CONTEXT_PUBACK, "40 [0001 00 [%s]]", 6, BOTH},
    [CONTEXT_PUBREC] = {CONTEXT_PUBREC, "50 [0001 00 [%s]]", 6, BOTH},
    [CONTEXT_PUBREL] = {CONTEXT_PUBREL, "62 [0001 00 [%s]]", 6, BOTH},
    [CONTEXT_PUBCOMP] = {CONTEXT_PUBCOMP, "70 [0001 00 [%s]]", 6, BOTH},
    [CONTEXT_SUBSCRIBE] = {CONTEXT_SUBSCRIBE, "82 [0001 [%s] <'a'> 00]", 5, CLIENT},
    [CONTEXT_SUBACK] = {CONTEXT_SUBACK, "90 [0001 [%s] 00]", 5, SERVER},
    [CONTEXT_UNSUBSCRIBE] = {CONTEXT_UNSUBSCRIBE, "A2 [0001 [%s] <'a'>]", 5, CLIENT},
    [CONTEXT_UNSUBACK] = {CONTEXT_UNSUBACK, "B0 [0001 [%s] 00]", 5, SERVER},
    [CONTEXT_DISCONNECT] = {CONTEXT_DISCONNECT, "E0 [00 [%s]]", 4, BOTH},
    [CONTEXT_AUTH] = {CONTEXT_AUTH, "F0 [18 [%s]]", 4, BOTH},
};

/* Table 2-4: identifier, type, and an example. */
enum kind { BYTE, TWO_BYTES, FOUR_BYTES, VARIABLE, STRING, BINARY, PAIR };
static const struct property_row {
    unsigned identifier;
    enum kind kind;
    const char *example;
} rows[] = {
    {0x01, BYTE, "01 01"},
    {0x02, FOUR_BYTES, "02 00000102"},
    {0x03, STRING, "03 <'type'>"},
    {0x08, STRING, "08 <'a/b'>"},
    {0x09, BINARY, "09 <00FF>"},
    {0x0B, VARIABLE, "0B 8001"},
    {0x11, FOUR_BYTES, "11 FFFFFFFF"},
    {0x12, STRING, "12 <'id'>"},
    {0x13, TWO_BYTES, "13 0102"},
    {0x15, STRING, "15 <'method'>"},
    {0x16, BINARY, "16 <00FF>"},
    {0x17, BYTE, "17 00"},
    {0x18, FOUR_BYTES, "18 00000000"},
    {0x19, BYTE, "19 01"},
    {0x1A, STRING, "1A <'info'>"},
    {0x1C, STRING, "1C <'host'>"},
    {0x1F, STRING, "1F <'why'>"},
    {0x21, TWO_BYTES, "21 0001"},
    {0x22, TWO_BYTES, "22 0000"},
    {0x23, TWO_BYTES, "23 FFFF"},
    {0x24, BYTE, "24 00"},
    {0x25, BYTE, "25 01"},
    {0x26, PAIR, "26 <'n'> <'v'>"},
    {0x27, FOUR_BYTES, "27 00000001"},
    {0x28, BYTE, "28 00"},
    {0x29, BYTE, "29 01"},
    {0x2A, BYTE, "2A 01"},
};

/* The 64 uses. `repeated`: what a second occurrence violates; NONE where it is allowed. */
static const struct use {
    unsigned identifier;
    enum property_context context;
    int senders;
    enum statement repeated;
} uses[] = {
    {0x01, CONTEXT_PUBLISH, BOTH, P_3_1_3_2_3_1}, /* no rule of its own for PUBLISH; the Will's, by analogy */
    {0x01, CONTEXT_WILL, CLIENT, P_3_1_3_2_3_1},
    {0x02, CONTEXT_PUBLISH, BOTH, P_3_1_3_2_4_1}, /* likewise */
    {0x02, CONTEXT_WILL, CLIENT, P_3_1_3_2_4_1},
    {0x03, CONTEXT_PUBLISH, BOTH, P_3_3_2_3_9_1},
    {0x03, CONTEXT_WILL, CLIENT, P_3_1_3_2_5_1},
    {0x08, CONTEXT_PUBLISH, BOTH, P_3_3_2_3_5_1},
    {0x08, CONTEXT_WILL, CLIENT, P_3_1_3_2_6_1},
    {0x09, CONTEXT_PUBLISH, BOTH, P_3_3_2_3_6_1},
    {0x09, CONTEXT_WILL, CLIENT, P_3_1_3_2_7_1},
    {0x0B, CONTEXT_PUBLISH, SERVER, NONE},
    {0x0B, CONTEXT_SUBSCRIBE, CLIENT, P_3_8_2_1_2_2},
    {0x11, CONTEXT_CONNECT, CLIENT, P_3_1_2_11_2_1},
    {0x11, CONTEXT_CONNACK, SERVER, P_3_2_2_3_2_1},
    {0x11, CONTEXT_DISCONNECT, CLIENT, P_3_14_2_2_2_1},
    {0x12, CONTEXT_CONNACK, SERVER, P_3_2_2_3_7_1},
    {0x13, CONTEXT_CONNACK, SERVER, P_3_2_2_3_14_1},
    {0x15, CONTEXT_CONNECT, CLIENT, P_3_1_2_11_9_1},
    {0x15, CONTEXT_CONNACK, SERVER, P_3_2_2_3_17_1},
    {0x15, CONTEXT_AUTH, BOTH, P_3_15_2_2_2_1},
    {0x16, CONTEXT_CONNECT, CLIENT, P_3_1_2_11_10_2},
    {0x16, CONTEXT_CONNACK, SERVER, P_3_2_2_3_18_1},
    {0x16, CONTEXT_AUTH, BOTH, P_3_15_2_2_3_1},
    {0x17, CONTEXT_CONNECT, CLIENT, P_3_1_2_11_7_1},
    {0x18, CONTEXT_WILL, CLIENT, P_3_1_3_2_2_1},
    {0x19, CONTEXT_CONNECT, CLIENT, P_3_1_2_11_6_1},
    {0x1A, CONTEXT_CONNACK, SERVER, P_3_2_2_3_15_1},
    {0x1C, CONTEXT_CONNACK, SERVER, P_3_2_2_3_16_1},
    {0x1C, CONTEXT_DISCONNECT, SERVER, P_3_14_2_2_5_1},
    {0x1F, CONTEXT_CONNACK, SERVER, P_3_2_2_3_9_1},
    {0x1F, CONTEXT_PUBACK, BOTH, P_3_4_2_2_2_1},
    {0x1F, CONTEXT_PUBREC, BOTH, P_3_5_2_2_2_1},
    {0x1F, CONTEXT_PUBREL, BOTH, P_3_6_2_2_2_1},
    {0x1F, CONTEXT_PUBCOMP, BOTH, P_3_7_2_2_2_1},
    {0x1F, CONTEXT_SUBACK, SERVER, P_3_9_2_1_2_1},
    {0x1F, CONTEXT_UNSUBACK, SERVER, P_3_11_2_1_2_1},
    {0x1F, CONTEXT_DISCONNECT, BOTH, P_3_14_2_2_3_1},
    {0x1F, CONTEXT_AUTH, BOTH, P_3_15_2_2_4_1},
    {0x21, CONTEXT_CONNECT, CLIENT, P_3_1_2_11_3_1},
    {0x21, CONTEXT_CONNACK, SERVER, P_3_2_2_3_3_1},
    {0x22, CONTEXT_CONNECT, CLIENT, P_3_1_2_11_5_1},
    {0x22, CONTEXT_CONNACK, SERVER, P_3_2_2_3_8_1},
    {0x23, CONTEXT_PUBLISH, BOTH, P_3_3_2_3_4_1},
    {0x24, CONTEXT_CONNACK, SERVER, P_3_2_2_3_4_1},
    {0x25, CONTEXT_CONNACK, SERVER, P_3_2_2_3_5_1},
    {0x26, CONTEXT_CONNECT, CLIENT, NONE},
    {0x26, CONTEXT_CONNACK, SERVER, NONE},
    {0x26, CONTEXT_PUBLISH, BOTH, NONE},
    {0x26, CONTEXT_WILL, CLIENT, NONE},
    {0x26, CONTEXT_PUBACK, BOTH, NONE},
    {0x26, CONTEXT_PUBREC, BOTH, NONE},
    {0x26, CONTEXT_PUBREL, BOTH, NONE},
    {0x26, CONTEXT_PUBCOMP, BOTH, NONE},
    {0x26, CONTEXT_SUBSCRIBE, CLIENT, NONE},
    {0x26, CONTEXT_SUBACK, SERVER, NONE},
    {0x26, CONTEXT_UNSUBSCRIBE, CLIENT, NONE},
    {0x26, CONTEXT_UNSUBACK, SERVER, NONE},
    {0x26, CONTEXT_DISCONNECT, BOTH, NONE},
    {0x26, CONTEXT_AUTH, BOTH, NONE},
    {0x27, CONTEXT_CONNECT, CLIENT, P_3_1_2_11_4_1},
    {0x27, CONTEXT_CONNACK, SERVER, P_3_2_2_3_6_1},
    {0x28, CONTEXT_CONNACK, SERVER, P_3_2_2_3_11_1},
    {0x29, CONTEXT_CONNACK, SERVER, P_3_2_2_3_12_1},
    {0x2A, CONTEXT_CONNACK, SERVER, P_3_2_2_3_13_1},
};

static const struct property_row *find_row(unsigned identifier)
{
    for (int i = 0; i < COUNT(rows); i++) {
        if (rows[i].identifier == identifier)
            return &rows[i];
    }
    return NULL;
}

static const struct use *find_use(unsigned identifier, enum property_context context)
{
    for (int i = 0; i < COUNT(uses); i++) {
        if (uses[i].identifier == identifier && uses[i].context == context)
            return &uses[i];
    }
    return NULL;
}

/* What must stand before a property so that only the property itself is judged: AUTH, and Authentication
 * Data, want an Authentication Method, which takes four bytes. */
static const char *company(unsigned identifier, enum property_context context)
{
    const bool wanted =
        identifier != 0x15 && (context == CONTEXT_AUTH || (context == CONTEXT_CONNECT && identifier == 0x16));
    return wanted ? "15 <'m'> " : "";
}

/* Writes the packet of `place` with these properties. */
static void compose(char *text, const struct place *place, const char *first, const char *second,
                    const char *third)
{
    char properties[NOTATION_SIZE];
    octets_print(properties, "%s%s %s", first, second, third);
    octets_print(text, place->packet, properties);
}

static void what_of(char *text, unsigned identifier, enum property_context context, const char *event)
{
    octets_print(text, "property 0x%02X in %s %s", identifier, property_context_name(context), event);
}

static size_t company_size(unsigned identifier, enum property_context context)
{
    return *company(identifier, context) == '\0' ? 0 : 4;
}

/* Checks one refusal: `bad` against `good`, both with their company. */
static void check_pair(const struct use *use, int senders, const char *event, const char *bad,
                       const char *good, enum statement statement, enum statement other, int reason,
                       size_t offset)
{
    const struct place *place = &places[use->context];
    const char *before = company(use->identifier, use->context);
    char what[NOTATION_SIZE];
    char bad_packet[NOTATION_SIZE];
    char good_packet[NOTATION_SIZE];
    what_of(what, use->identifier, use->context, event);
    compose(bad_packet, place, before, bad, "");
    compose(good_packet, place, before, good, "");
    const struct refused row = {
        .what = what,
        .versions = V5,
        .senders = senders,
        .bad = bad_packet,
        .five = {statement, other},
        .reason = reason,
        .offset = place->offset + company_size(use->identifier, use->context) + offset,
        .good = good_packet,
    };
    check_refused(&row);
}

/* A rule on the form, as refuse_form has it. */
static enum statement form(enum property_context context)
{
    return context == CONTEXT_CONNECT || context == CONTEXT_WILL ? MQTT_3_1_4_1 : MQTT_4_13_1_1;
}

START_TEST(allowed)
{
    const struct use *use = &uses[_i];
    char packet[NOTATION_SIZE];
    char what[NOTATION_SIZE];
    what_of(what, use->identifier, use->context, "once");
    compose(packet, &places[use->context], company(use->identifier, use->context),
            find_row(use->identifier)->example, "");
    const struct accepted row = {what, V5, use->senders, packet, NULL};
    check_accepted(&row);
    check_mutations(&row);
}
END_TEST

/* [P-2.2.2.2-1] [R-2.2.2.2-1]: an Identifier that is not valid for the packet. The User Property is valid
 * everywhere. */
START_TEST(not_allowed)
{
    const struct property_row *row = &rows[_i];
    for (unsigned context = 0; context < CONTEXT_COUNT; context++) {
        const struct use nowhere = {row->identifier, (enum property_context)context, 0, NONE};
        if (find_use(row->identifier, nowhere.context) == NULL)
            check_pair(&nowhere, places[context].senders, "is not allowed", row->example, "26 <'n'> <'v'>",
                       P_2_2_2_2_1, NONE, 0x81, 0);
    }
}
END_TEST

START_TEST(repeated)
{
    const struct use *use = &uses[_i];
    const char *example = find_row(use->identifier)->example;
    char twice[NOTATION_SIZE];
    octets_print(twice, "%s %s", example, example);
    if (use->repeated == NONE) {
        char packet[NOTATION_SIZE];
        compose(packet, &places[use->context], company(use->identifier, use->context), twice, example);
        check_accepted(&(struct accepted){"thrice the same", V5, use->senders, packet, NULL});
        return;
    }
    const struct bytes one = octets(example);
    check_pair(use, use->senders, "twice", twice, example, use->repeated, NONE, 0x82, one.length);
    octets_free(one);
}
END_TEST

/* Repetition is judged by Identifier, also when another value or another property stands between. */
/* clang-format off */
static const struct refused repeated_apart[] = {
    {"with another value", V5, CLIENT, 0x82, 16, {P_3_1_2_11_3_1}, {NONE},
     "10 [<'MQTT'> 05 02 003C [21 0001 21 0002] <'a'>]",
     "10 [<'MQTT'> 05 02 003C [21 0001 22 0002] <'a'>]"},
    {"with another property between", V5, CLIENT, 0x82, 23, {P_3_1_2_11_3_1}, {NONE},
     "10 [<'MQTT'> 05 02 003C [21 0001 26 <'n'> <'v'> 21 0001] <'a'>]",
     "10 [<'MQTT'> 05 02 003C [21 0001 26 <'n'> <'v'> 22 0001] <'a'>]"},
};
/* clang-format on */

START_TEST(refuses_repeated_apart)
{
    check_refused(&repeated_apart[_i]);
}
END_TEST

/* The three properties that one side alone may send in a packet of both. */
static const struct {
    struct use use;
    int wrong_sender;
    enum statement statement;
    enum statement other;
    int reason;
} one_sided[] = {
    {{0x0B, CONTEXT_PUBLISH, SERVER, NONE}, CLIENT, MQTT_3_3_4_6, NONE, 0x82},
    {{0x11, CONTEXT_DISCONNECT, CLIENT, NONE}, SERVER, MQTT_3_14_2_2, NONE, 0x82},
    /* no consequence is stated */
    {{0x1C, CONTEXT_DISCONNECT, SERVER, NONE}, CLIENT, R_3_14_2_2_5_1, P_2_2_2_2_1, EITHER},
};

START_TEST(wrong_sender)
{
    check_pair(&one_sided[_i].use, one_sided[_i].wrong_sender, "from the wrong side",
               find_row(one_sided[_i].use.identifier)->example, "26 <'n'> <'v'>", one_sided[_i].statement,
               one_sided[_i].other, one_sided[_i].reason, 0);
}
END_TEST

/* Values out of range, beside the nearest value that is in it. */
static const struct {
    unsigned identifier;
    enum property_context context;
    const char *bad;
    const char *good;
    enum statement statement;
    int reason;
} values[] = {
    {0x01, CONTEXT_PUBLISH, "01 02", "01 01", P_2_2_2_2_1, EITHER},
    {0x01, CONTEXT_PUBLISH, "01 FF", "01 00", P_2_2_2_2_1, EITHER},
    {0x01, CONTEXT_WILL, "01 02", "01 01", P_2_2_2_2_1, EITHER},
    {0x01, CONTEXT_WILL, "01 80", "01 00", P_2_2_2_2_1, EITHER},
    {0x0B, CONTEXT_PUBLISH, "0B 00", "0B 01", P_3_3_2_3_8_1, 0x82},
    {0x0B, CONTEXT_SUBSCRIBE, "0B 00", "0B 01", P_3_8_2_1_2_1, 0x82},
    {0x17, CONTEXT_CONNECT, "17 02", "17 01", P_3_1_2_11_7_1, 0x82},
    {0x17, CONTEXT_CONNECT, "17 FF", "17 00", P_3_1_2_11_7_1, 0x82},
    {0x19, CONTEXT_CONNECT, "19 02", "19 01", P_3_1_2_11_6_1, 0x82},
    {0x19, CONTEXT_CONNECT, "19 80", "19 00", P_3_1_2_11_6_1, 0x82},
    {0x21, CONTEXT_CONNECT, "21 0000", "21 0001", P_3_1_2_11_3_1, 0x82},
    {0x21, CONTEXT_CONNACK, "21 0000", "21 0100", P_3_2_2_3_3_1, 0x82},
    {0x23, CONTEXT_PUBLISH, "23 0000", "23 0001", MQTT_3_3_2_8, 0x94},
    {0x23, CONTEXT_PUBLISH, "23 0000", "23 0100", MQTT_3_3_2_8, 0x94},
    {0x24, CONTEXT_CONNACK, "24 02", "24 01", P_3_2_2_3_4_1, 0x82},
    {0x24, CONTEXT_CONNACK, "24 FF", "24 00", P_3_2_2_3_4_1, 0x82},
    {0x25, CONTEXT_CONNACK, "25 02", "25 00", P_3_2_2_3_5_1, 0x82},
    {0x27, CONTEXT_CONNECT, "27 00000000", "27 00000001", P_3_1_2_11_4_1, 0x82},
    {0x27, CONTEXT_CONNACK, "27 00000000", "27 01000000", P_3_2_2_3_6_1, 0x82},
    {0x28, CONTEXT_CONNACK, "28 02", "28 01", P_3_2_2_3_11_1, 0x82},
    {0x29, CONTEXT_CONNACK, "29 02", "29 00", P_3_2_2_3_12_1, 0x82},
    {0x2A, CONTEXT_CONNACK, "2A 02", "2A 00", P_3_2_2_3_13_1, 0x82},
    /* Subscription Identifier: the integer itself; the form of 1.5.5 */
    {0x0B, CONTEXT_SUBSCRIBE, "0B 8000", "0B 8001", MQTT_1_5_5_1, 0x81},
    {0x0B, CONTEXT_PUBLISH, "0B FFFFFF00", "0B FFFFFF7F", MQTT_1_5_5_1, 0x81},
    {0x0B, CONTEXT_SUBSCRIBE, "0B FFFFFFFF7F", "0B FFFFFF7F", D_1_5_5_1, 0x81},
};

START_TEST(wrong_value)
{
    const struct use *use = find_use(values[_i].identifier, values[_i].context);
    const struct bytes bad = octets(values[_i].bad);
    /* in a Variable Byte Integer the byte that is wrong, else the value */
    const size_t offset = values[_i].statement == MQTT_1_5_5_1 ? bad.length - 1
                          : values[_i].statement == D_1_5_5_1  ? 4
                                                               : 1;
    check_pair(use, use->senders, values[_i].bad, values[_i].bad, values[_i].good, values[_i].statement,
               values[_i].reason == 0x94 ? P_3_3_4_2 : NONE, values[_i].reason, offset);
    octets_free(bad);
}
END_TEST

/* Both ends of the ranges of numbers, which the examples leave open. */
static const struct accepted extremes[] = {
    {"all numbers at their least", V5, CLIENT,
     "10 [<'MQTT'> 05 06 0000 [11 00000000 17 00 19 00 21 0001 22 0000 27 00000001] <'a'> [01 00 02 00000000 "
     "18 00000000] "
     "<'w'> <>]",
     NULL},
    {"all numbers at their greatest", V5, CLIENT,
     "10 [<'MQTT'> 05 06 FFFF [11 FFFFFFFF 17 01 19 01 21 FFFF 22 FFFF 27 FFFFFFFF] <'a'> [01 01 02 FFFFFFFF "
     "18 FFFFFFFF] "
     "<'w'> <>]",
     NULL},
    {"all numbers at their least", V5, SERVER,
     "20 [00 00 [11 00000000 13 0000 21 0001 22 0000 24 00 25 00 27 00000001 28 00 29 00 2A 00]]", NULL},
    {"all numbers at their greatest", V5, SERVER,
     "20 [00 00 [11 FFFFFFFF 13 FFFF 21 FFFF 22 FFFF 24 01 25 01 27 FFFFFFFF 28 01 29 01 2A 01]]", NULL},
    {"Subscription Identifier 268,435,455, Topic Alias 65,535", V5, SERVER,
     "30 [<'a'> [23 FFFF 0B FFFFFF7F]]", NULL},
    {"all properties of CONNACK, backwards [D-2.2.2.2-1]", V5, SERVER,
     "20 [00 00 [2A 01 29 01 28 01 27 00000001 26 <'n'> <'v'> 25 01 24 01 22 0001 21 0001 1F <'r'> 1C <'s'> "
     "1A <'i'> "
     "16 <'d'> 15 <'m'> 13 0001 12 <'c'> 11 00000001]]",
     "20 [00 00 [11 00000001 12 <'c'> 13 0001 15 <'m'> 16 <'d'> 1A <'i'> 1C <'s'> 1F <'r'> 21 0001 22 0001 "
     "24 01 25 01 "
     "27 00000001 28 01 29 01 2A 01 26 <'n'> <'v'>]]"},
    {"repeatable properties keep their order, among themselves and across others", V5, SERVER,
     "30 [<'a'> [0B 03 26 <'b'> <'1'> 01 01 0B 01 26 <'a'> <'2'> 26 <'b'> <'0'>] 'p']",
     "30 [<'a'> [01 01 0B 03 26 <'b'> <'1'> 0B 01 26 <'a'> <'2'> 26 <'b'> <'0'>] 'p']"},
    {"empty strings and data", V5, SERVER, "20 [00 00 [12 <> 15 <> 16 <> 1A <> 1C <> 1F <> 26 <> <>]]", NULL},
    {"Property Length of two bytes", V5, BOTH, "30 [<'a'> [26 <61*60> <62*63>] 'p']", NULL},
    {"strings of 65,535 bytes: Property Length of three", V5, BOTH, "30 [<'a'> [03 <61*65535>] 'p']", NULL},
    {"a pair of 65,535 bytes each", V5, BOTH, "30 [<'a'> [26 <61*65535> <62*65535>] 'p']", NULL},
};

START_TEST(accepts_extremes)
{
    check_accepted(&extremes[_i]);
}
END_TEST

/* Every string of every property is judged: ill-formed UTF-8 and U+0000, at the first byte of the text. */
START_TEST(strings)
{
    const struct use *use = &uses[_i];
    const enum kind kind = find_row(use->identifier)->kind;
    char bad[NOTATION_SIZE];
    char good[NOTATION_SIZE];
    if (kind != STRING && kind != PAIR)
        return;
    const char *end = kind == PAIR ? " <>" : "";
    octets_print(good, "%02X <'t'>%s", use->identifier, end);
    octets_print(bad, "%02X <FF>%s", use->identifier, end);
    check_pair(use, use->senders, "ill-formed", bad, good, kind == PAIR ? MQTT_1_5_7_1 : MQTT_1_5_4_1, NONE,
               0x81, 3);
    octets_print(bad, "%02X <00>%s", use->identifier, end);
    check_pair(use, use->senders, "with U+0000", bad, good, MQTT_1_5_4_2, kind == PAIR ? MQTT_1_5_7_1 : NONE,
               0x81, 3);
    if (kind != PAIR)
        return;
    octets_print(good, "%02X <> <'t'>", use->identifier);
    octets_print(bad, "%02X <> <EDA080>", use->identifier);
    check_pair(use, use->senders, "with an ill-formed value", bad, good, MQTT_1_5_7_1, NONE, 0x81, 5);
}
END_TEST

/* Binary Data is not judged. */
START_TEST(binary_data_is_not_text)
{
    check_accepted(
        &(struct accepted){"Correlation Data", V5, BOTH, "30 [<'a'> [09 <00FFC0EDA080>] 'p']", NULL});
    check_accepted(
        &(struct accepted){"Authentication Data", V5, BOTH, "F0 [18 [15 <'m'> 16 <00FFC0EDA080>]]", NULL});
}
END_TEST

/* The Response Topic is a Topic Name. [MQTT-3.3.2-14] [MQTT-4.7.3-1] */
/* clang-format off */
static const struct refused response_topics[] = {
    {"'#'", V5, BOTH, EITHER, 9, {MQTT_3_3_2_14}, {NONE},
     "30 [<'a'> [08 <'#'>]]",
     "30 [<'a'> [08 <'b'>]]"},
    {"'+' among others", V5, BOTH, EITHER, 9, {MQTT_3_3_2_14}, {NONE},
     "30 [<'a'> [08 <'b/+/c'>]]",
     "30 [<'a'> [08 <'b/-/c'>]]"},
    {"empty", V5, BOTH, EITHER, 9, {MQTT_4_7_3_1}, {NONE},
     "30 [<'a'> [08 <>]]",
     "30 [<'a'> [08 <'b'>]]"},
    {"in a Will", V5, CLIENT, EITHER, 20, {MQTT_3_3_2_14}, {NONE},
     "10 [<'MQTT'> 05 06 003C [] <'a'> [08 <'#'>] <'w'> <'m'>]",
     "10 [<'MQTT'> 05 06 003C [] <'a'> [08 <'b'>] <'w'> <'m'>]"},
};
/* clang-format on */

START_TEST(refuses_response_topics)
{
    check_refused(&response_topics[_i]);
}
END_TEST

/* A property that does not end within the Property Length is refused, though the packet goes on behind it:
 * the example of each use, cut after every byte. */
START_TEST(cut)
{
    const struct use *use = &uses[_i];
    const struct property_row *row = find_row(use->identifier);
    const struct bytes example = octets(row->example);
    for (size_t kept = 1; kept < example.length; kept++) {
        char bad[NOTATION_SIZE] = "";
        for (size_t i = 0; i < kept; i++)
            octets_print(bad + 2 * i, "%02X", example.data[i]);
        /* a field of fixed size and the value of a pair are refused where they begin, as is all else: the
         * value */
        const size_t name_end = 1 + 2 + 1;
        const size_t offset = row->kind == PAIR && kept >= name_end ? name_end : 1;
        check_pair(use, use->senders, "cut", bad, row->example, form(use->context), NONE, 0x81, offset);
    }
    octets_free(example);
}
END_TEST

/* 2.2.2.1 Property Length, in every place: `%s` in the packet is within brackets, which are replaced. */
static void compose_length(char *text, const struct place *place, const char *length)
{
    const char *bracket = strstr(place->packet, "[%s]");
    octets_print(text, "%.*s%s%s", (int)(bracket - place->packet), place->packet, length, bracket + 4);
}

/* The bracket that holds the Remaining Length stays. */
static void check_length(const struct place *place, const char *event, const char *length,
                         enum statement statement, size_t offset)
{
    char bad[NOTATION_SIZE];
    char good[NOTATION_SIZE];
    const char *content = place->context == CONTEXT_AUTH ? "04 15 <'m'>" : "00";
    compose_length(bad, place, length);
    compose_length(good, place, content);
    check_refused(&(struct refused){
        event, V5, place->senders, 0x81, place->offset - 1 + offset, {statement}, {NONE}, bad, good});
}

START_TEST(property_length)
{
    const struct place *place = &places[_i];
    check_length(place, "Property Length not minimal", "8000", MQTT_1_5_5_1, 1);
    check_length(place, "Property Length of five bytes", "8080808001", D_1_5_5_1, 3);
    check_length(place, "Property Length beyond the end", "7F", form(place->context), 0);
}
END_TEST

/* A Property Length that ends within what is not a property. */
START_TEST(properties_fill_their_length)
{
    const struct place *place = &places[_i];
    check_length(place, "one byte too long for its property", "08 26 <'n'> <'v'> 00", P_2_2_2_2_1, 8);
}
END_TEST

/* Identifiers: all values of one byte, and some of two. [P-2.2.2.2-1] */
START_TEST(unknown_identifiers)
{
    char bad[NOTATION_SIZE];
    const struct use use = {0, CONTEXT_PUBLISH, BOTH, NONE};
    for (unsigned identifier = 0; identifier < 128; identifier++) {
        if (find_row(identifier) != NULL)
            continue;
        octets_print(bad, "%02X 00", identifier);
        check_pair(&use, BOTH, "is unknown", bad, "01 00", P_2_2_2_2_1, NONE, 0x81, 0);
    }
    check_pair(&use, BOTH, "of two bytes", "8101 00", "01 00", P_2_2_2_2_1, NONE, 0x81, 0);
    check_pair(&use, BOTH, "of four bytes", "FFFFFF7F 00", "01 00", P_2_2_2_2_1, NONE, 0x81, 0);
    check_pair(&use, BOTH, "in a form that is not minimal", "8100 00", "01 00", MQTT_1_5_5_1, NONE, 0x81, 1);
    check_pair(&use, BOTH, "of five bytes", "8180808001 00", "01 00", D_1_5_5_1, NONE, 0x81, 3);
    check_pair(&use, BOTH, "cut", "81", "01 00", form(CONTEXT_PUBLISH), NONE, 0x81, 0);
}
END_TEST

/* What decoding keeps of each property: the examples of the table, by ordinal. */
START_TEST(values_are_kept)
{
    const struct bytes input =
        octets("20 [00 00 [11 01020304 12 <'id'> 13 0506 15 <'method'> 16 <'data'> 1A <'info'> "
               "1C <'host'> 1F <'why'> 21 0708 22 090A 24 01 25 00 27 0B0C0D0E 28 01 29 00 2A 01]]");
    struct packet packet;
    check_decodes(&packet, PROTOCOL_5_0, SENDER_SERVER, input);
    const struct properties *properties = &packet.connack.properties;
    ck_assert_uint_eq(properties_number(properties, ORDINAL_SESSION_EXPIRY_INTERVAL, 0), 0x01020304);
    check_text(properties_bytes(properties, ORDINAL_ASSIGNED_CLIENT_IDENTIFIER), "id");
    ck_assert_uint_eq(properties_number(properties, ORDINAL_SERVER_KEEP_ALIVE, 0), 0x0506);
    check_text(properties_bytes(properties, ORDINAL_AUTHENTICATION_METHOD), "method");
    check_text(properties_bytes(properties, ORDINAL_AUTHENTICATION_DATA), "data");
    check_text(properties_bytes(properties, ORDINAL_RESPONSE_INFORMATION), "info");
    check_text(properties_bytes(properties, ORDINAL_SERVER_REFERENCE), "host");
    check_text(properties_bytes(properties, ORDINAL_REASON_STRING), "why");
    ck_assert_uint_eq(properties_number(properties, ORDINAL_RECEIVE_MAXIMUM, 0), 0x0708);
    ck_assert_uint_eq(properties_number(properties, ORDINAL_TOPIC_ALIAS_MAXIMUM, 0), 0x090A);
    ck_assert_uint_eq(properties_number(properties, ORDINAL_MAXIMUM_QOS, 9), 1);
    ck_assert_uint_eq(properties_number(properties, ORDINAL_RETAIN_AVAILABLE, 9), 0);
    ck_assert_uint_eq(properties_number(properties, ORDINAL_MAXIMUM_PACKET_SIZE, 0), 0x0B0C0D0E);
    ck_assert_uint_eq(properties_number(properties, ORDINAL_WILDCARD_SUBSCRIPTION_AVAILABLE, 9), 1);
    ck_assert_uint_eq(properties_number(properties, ORDINAL_SUBSCRIPTION_IDENTIFIER_AVAILABLE, 9), 0);
    ck_assert_uint_eq(properties_number(properties, ORDINAL_SHARED_SUBSCRIPTION_AVAILABLE, 9), 1);
    ck_assert(!properties_has(properties, ORDINAL_USER_PROPERTY));
    ck_assert_uint_eq(properties_number(properties, ORDINAL_WILL_DELAY_INTERVAL, 77), 77);
    octets_free(input);
}
END_TEST

/* [MQTT-3.3.2-18] order of User Properties; Subscription Identifiers in wire order, too. */
START_TEST(repeatable_properties_are_walked)
{
    const struct bytes input = octets("30 [<'a'> [0B 03 26 <'b'> <'1'> 02 00000007 0B C102 26 <'a'> <> 03 "
                                      "<'t'> 26 <'b'> <'0'> 01 00] 'p']");
    struct packet packet;
    check_decodes(&packet, PROTOCOL_5_0, SENDER_SERVER, input);
    const struct properties *properties = &packet.publish.properties;
    static const char *const expected[][2] = {{"b", "1"}, {"a", ""}, {"b", "0"}};
    struct bytes rest = properties->repeated;
    struct string_pair pair;
    for (int i = 0; i < 3; i++) {
        ck_assert(properties_next_user_property(&rest, &pair));
        check_text(pair.name, expected[i][0]);
        check_text(pair.value, expected[i][1]);
    }
    ck_assert(!properties_next_user_property(&rest, &pair));

    rest = properties->repeated;
    uint32_t identifier = 0;
    ck_assert(properties_next_subscription_identifier(&rest, &identifier));
    ck_assert_uint_eq(identifier, 3);
    ck_assert(properties_next_subscription_identifier(&rest, &identifier));
    ck_assert_uint_eq(identifier, 321);
    ck_assert(!properties_next_subscription_identifier(&rest, &identifier));
    ck_assert_uint_eq(properties_number(properties, ORDINAL_SUBSCRIPTION_IDENTIFIER, 0), 3); /* the first */
    octets_free(input);
}
END_TEST

/* Properties made for encoding, and the walk over bytes that nobody has checked: it ends, and reads
 * nothing outside. */
START_TEST(properties_are_built)
{
    uint8_t room[64];
    struct writer writer = writer_into(room, sizeof room);
    properties_write_user_property(&writer, (struct string_pair){bytes_of_text("n"), bytes_of_text("v")});
    properties_write_subscription_identifier(&writer, 16384);
    struct packet packet = {.type = PACKET_PUBLISH, .version = PROTOCOL_5_0};
    packet.publish.topic = bytes_of_text("a");
    struct properties *properties = &packet.publish.properties;
    properties_clear(properties);
    properties_set_number(properties, ORDINAL_TOPIC_ALIAS, 0x0102);
    properties_set_bytes(properties, ORDINAL_CONTENT_TYPE, bytes_of_text("t"));
    properties_set_number(properties, ORDINAL_MESSAGE_EXPIRY_INTERVAL, 5);
    properties->repeated = bytes_of(room, writer_size(&writer));
    properties_mark(properties, ORDINAL_USER_PROPERTY);
    properties_mark(properties, ORDINAL_SUBSCRIPTION_IDENTIFIER);
    check_encodes(&packet, "30 [<'a'> [02 00000005 03 <'t'> 23 0102 26 <'n'> <'v'> 0B 808001]]");
}
END_TEST

/* More properties than a Property Length can count: no packet, and none of their bytes is read. */
START_TEST(too_many_properties)
{
    struct packet packet = {.type = PACKET_PUBLISH, .version = PROTOCOL_5_0};
    uint8_t room[16];
    struct writer writer = writer_into(room, sizeof room);
    packet.publish.topic = bytes_of_text("a");
    properties_set_bytes(&packet.publish.properties, ORDINAL_CONTENT_TYPE, bytes_of("t", 268435456));
    ck_assert_uint_gt(properties_encoded_size(&packet.publish.properties), 268435455);
    ck_assert_uint_eq(packet_encoded_size(&packet), 0);
    ck_assert_uint_eq(packet_encode(&packet, &writer), 0);
    properties_set_bytes(&packet.publish.properties, ORDINAL_CONTENT_TYPE, bytes_of("t", 1));
    ck_assert_uint_eq(packet_encode(&packet, &writer), 10);
}
END_TEST

START_TEST(the_walk_trusts_nothing)
{
    static const char *const broken[] = {
        "26",        "26 00", "26 0001", "26 <'n'>",    "26 <'n'> 00", "26 <'n'> 0001",
        "0B",        "0B 80", "0B 8000", "0B FFFFFFFF", "7F 00",       "01",
        "02 000000", "09 00", "09 FFFF", "03 0002 'a'", "13 00"};
    for (int i = 0; i < COUNT(broken); i++) {
        const struct bytes input = octets(broken[i]);
        struct string_pair pair;
        uint32_t identifier;
        struct bytes rest = input;
        ck_assert_msg(!properties_next_user_property(&rest, &pair), "%s", broken[i]);
        rest = input;
        ck_assert_msg(!properties_next_subscription_identifier(&rest, &identifier), "%s", broken[i]);
        octets_free(input);
    }
}
END_TEST

Suite *suite_2_2_2_properties(void)
{
    Suite *suite = suite_create("2.2.2 Properties");
    TCase *every = tcase_create("every property in every place");
    tcase_add_loop_test(every, allowed, 0, COUNT(uses));
    tcase_add_loop_test(every, not_allowed, 0, COUNT(rows));
    tcase_add_loop_test(every, repeated, 0, COUNT(uses));
    tcase_add_loop_test(every, refuses_repeated_apart, 0, COUNT(repeated_apart));
    tcase_add_loop_test(every, wrong_sender, 0, COUNT(one_sided));
    tcase_add_loop_test(every, wrong_value, 0, COUNT(values));
    tcase_add_loop_test(every, accepts_extremes, 0, COUNT(extremes));
    tcase_add_loop_test(every, strings, 0, COUNT(uses));
    tcase_add_test(every, binary_data_is_not_text);
    tcase_add_loop_test(every, refuses_response_topics, 0, COUNT(response_topics));
    tcase_add_loop_test(every, cut, 0, COUNT(uses));
    suite_add_tcase(suite, every);

    TCase *lengths = tcase_create("lengths and identifiers");
    tcase_add_loop_test(lengths, property_length, 0, COUNT(places));
    tcase_add_loop_test(lengths, properties_fill_their_length, 0, COUNT(places));
    tcase_add_test(lengths, unknown_identifiers);
    suite_add_tcase(suite, lengths);

    TCase *content = tcase_create("values");
    tcase_add_test(content, values_are_kept);
    tcase_add_test(content, repeatable_properties_are_walked);
    tcase_add_test(content, properties_are_built);
    tcase_add_test(content, too_many_properties);
    tcase_add_test(content, the_walk_trusts_nothing);
    suite_add_tcase(suite, content);
    return suite;
}
