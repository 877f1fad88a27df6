/* 2.2.2 Properties (MQTT 5.0) */
#include "2_1_by_hand.h"

/* ---- Property Length --------------------------------------------------------------------------------- */

/* Reads the Property Length at `at` with eyes of its own; behind the properties `rest` bytes must be left. */
static void require_property_length(struct client *client, const struct received *received, size_t at,
                                    size_t rest)
{
    struct test *t = client->test;
    struct bytes packet = received->bytes;
    require(t, at < packet.length, "no Property Length in %s", describe_packet(t, &received->packet));
    size_t length = packet.data[at++];
    if (length >= 128 && at < packet.length)
        length = (length & 0x7F) | (size_t)packet.data[at++] << 7;
    if (packet.length != at + length + rest)
        fail_expected(t, text(t, "%zu bytes behind a Property Length of %zu", length + rest, length),
                      "%zu: %s", packet.length - at, describe_packet(t, &received->packet));
    if (length > 0)
        note(t, "not empty: the properties of %s", describe_packet(t, &received->packet));
}

CONFORMANCE_TEST(property_length_is_there_without_properties, V5, NEEDS_NOTHING,
                 "CONNACK, SUBACK, PUBLISH and UNSUBACK have a Property Length, if only 0", MQTT_2_2_2_1,
                 D_2_2_2_1_1)
{
    const char *a = topic(t, "a");
    struct client *client = connect_client(t, .clean_start = true);
    size_t header = client->connack->bytes.length < 130 ? 2 : 3;
    require_property_length(client, client->connack, header + 2, 0);
    const struct received *suback = expect_suback(client, send_subscribe(client, a, .qos = 0), 1);
    require_property_length(client, suback, 4, 1);
    publish(client, .topic = a, .payload = "payload");
    const struct received *got = expect_publish(client, .topic = a, .payload = "payload");
    require_property_length(client, got, 2 + string_size(a), strlen("payload"));
    publish(client, .topic = a, .payload = "");
    got = expect_publish(client, .topic = a, .payload = "");
    require_property_length(client, got, 2 + string_size(a), 0);
    require_property_length(client, expect_unsuback(client, send_unsubscribe(client, a), 1), 4, 1);
}

/* Each packet is read in another way without its Property Length, and then does not come out even. */
CONFORMANCE_TEST(missing_property_length_is_refused, V5, NEEDS_QOS1,
                 "A packet that lacks its Property Length ends the connection", MQTT_2_2_2_1)
{
    const char *a = topic(t, "a");
    const struct {
        unsigned first_byte;
        const char *header;
        const char *payload;
    } cases[] = {
        {0x82, "0005", text(t, "{%s} 00", a)},
        {0xa2, "0005", text(t, "{%s}", a)},
        {0x32, text(t, "{%s} 0005", a), NULL},
        {0x30, text(t, "{%s}", a), NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct client *control = connect_client(t, .name = "control", .clean_start = true);
        send_by_hand(control, cases[i].first_byte, cases[i].header, "", cases[i].payload);
        expect_open(control);
        struct client *client = connect_client(t, .name = "offender", .clean_start = true);
        send_by_hand(client, cases[i].first_byte, cases[i].header, NULL, cases[i].payload);
        expect_refused(client, .reason_code = REASON_MALFORMED_PACKET);
    }
    struct client *client = open_connection(t, .name = "offender");
    send_by_hand(client, 0x10, "{MQTT} 05 02 0000", NULL, text(t, "{%s}", client->client_identifier));
    expect_refused(client, .reason_code = REASON_MALFORMED_PACKET);
}

/* ---- Which property may stand where ------------------------------------------------------------------ */

/* Every Property Identifier with a value of the right type. */
static const struct {
    unsigned identifier;
    const char *bytes;
} properties[] = {
    {0x01, "01 01"},  {0x02, "02 0000000a"}, {0x03, "03 {x}"},      {0x08, "08 {x}"},      {0x09, "09 {x}"},
    {0x0b, "0b 01"},  {0x11, "11 0000000a"}, {0x12, "12 {x}"},      {0x13, "13 000a"},     {0x15, "15 {x}"},
    {0x16, "16 {x}"}, {0x17, "17 01"},       {0x18, "18 0000000a"}, {0x19, "19 00"},       {0x1a, "1a {x}"},
    {0x1c, "1c {x}"}, {0x1f, "1f {x}"},      {0x21, "21 000a"},     {0x22, "22 000a"},     {0x23, "23 0001"},
    {0x24, "24 00"},  {0x25, "25 00"},       {0x26, "26 {x} {y}"},  {0x27, "27 0000ffff"}, {0x28, "28 01"},
    {0x29, "29 01"},  {0x2a, "2a 01"},
};

/* Identifiers that no property has. */
static const char *const unknown[] = {"00 00", "04 00",    "0a 00",         "2b 00",
                                      "7f 00", "80 01 00", "ff ff ff 7f 00"};

/* The client's packets; `allowed` ends with 0. What a rule of its own forbids counts as allowed here. */
struct carrier {
    const char *what;
    unsigned first_byte;
    enum due due;
    const char *header; /* @: the Packet Identifier; $: a topic */
    const char *payload;
    uint8_t allowed[12];
};

static const struct carrier carriers[] = {
    {"PUBLISH", 0x30, DUE_NOTHING, "$", "6d", {0x01, 0x02, 0x03, 0x08, 0x09, 0x0b, 0x23, 0x26}},
    {"PUBACK", 0x40, DUE_PUBACK, "@ 00", NULL, {0x1f, 0x26}},
    {"PUBREC", 0x50, DUE_PUBREC, "@ 00", NULL, {0x1f, 0x26}},
    {"PUBREL", 0x62, DUE_PUBREL, "@ 00", NULL, {0x1f, 0x26}},
    {"PUBCOMP", 0x70, DUE_PUBCOMP, "@ 00", NULL, {0x1f, 0x26}},
    {"SUBSCRIBE", 0x82, DUE_NOTHING, "0005", "$ 00", {0x0b, 0x26}},
    {"UNSUBSCRIBE", 0xa2, DUE_NOTHING, "0005", "$", {0x26}},
};

static bool is_allowed(const uint8_t *allowed, unsigned identifier)
{
    for (; *allowed != 0; allowed++)
        if (*allowed == identifier)
            return true;
    return false;
}

static const char *fill_in(struct test *t, const char *template, uint16_t identifier)
{
    if (template == NULL)
        return NULL;
    if (template[0] == '$')
        return text(t, "{%s} %s", topic(t, "a"), template + 1);
    if (template[0] == '@')
        return text(t, "%04x %s", identifier, template + 1);
    return template;
}

static struct client *send_carrier(struct test *t, const char *name, const struct carrier *carrier,
                                   const char *bytes)
{
    struct client *client = connect_client(t, .name = name, .clean_start = true);
    uint16_t identifier = make_due(client, carrier->due);
    send_by_hand(client, carrier->first_byte, fill_in(t, carrier->header, identifier), bytes,
                 fill_in(t, carrier->payload, identifier));
    return client;
}

/* Each by a client of its own. All are sent before any is waited for: to a distant server they are many. */
static void refuse_in_carrier(struct test *t, const struct carrier *carrier, const char *const *bytes,
                              size_t count)
{
    struct client **offenders = test_allocate(t, count * sizeof(struct client *));
    for (size_t i = 0; i < count; i++)
        offenders[i] = send_carrier(t, "offender", carrier, bytes[i]);
    for (size_t i = 0; i < count; i++) {
        note(t, "the property %s in %s", bytes[i], carrier->what);
        expect_refused(offenders[i], .reason_code = REASON_MALFORMED_PACKET);
    }
}

#define CARRIERS (sizeof carriers / sizeof *carriers)
#define PROPERTIES (sizeof properties / sizeof *properties)

CONFORMANCE_TEST(property_of_another_packet_is_refused, V5, NEEDS_QOS2,
                 "A property that is not defined for a packet ends the connection", P_2_2_2_2_1)
{
    for (size_t i = 0; i < CARRIERS; i++) {
        struct client *control = send_carrier(t, "control", &carriers[i], "26 {x} {y}");
        expect_open(control);
        const char *refused[PROPERTIES];
        size_t count = 0;
        for (size_t j = 0; j < PROPERTIES; j++)
            if (!is_allowed(carriers[i].allowed, properties[j].identifier))
                refused[count++] = properties[j].bytes;
        refuse_in_carrier(t, &carriers[i], refused, count);
    }
}

CONFORMANCE_TEST(unknown_property_is_refused, V5, NEEDS_QOS2,
                 "A Property Identifier that does not exist ends the connection", P_2_2_2_2_1)
{
    for (size_t i = 0; i < CARRIERS; i++) {
        struct client *control = send_carrier(t, "control", &carriers[i], "26 {x} {y}");
        expect_open(control);
        refuse_in_carrier(t, &carriers[i], unknown, sizeof unknown / sizeof *unknown);
    }
}

static struct client *send_connect_with(struct test *t, const char *name, const char *bytes, bool in_will)
{
    struct client *client = open_connection(t, .name = name);
    const char *will = in_will ? text(t, "%s {%s} {m}", with_length(t, bytes), topic(t, "will")) : "";
    send_by_hand(client, 0x10, text(t, "{MQTT} 05 %s 0000", in_will ? "06" : "02"), in_will ? "" : bytes,
                 text(t, "{%s} %s", client->client_identifier, will));
    return client;
}

static void check_connect(struct test *t, bool in_will, const uint8_t *allowed)
{
    struct client *control = send_connect_with(t, "control", "26 {x} {y}", in_will);
    if (expect_connack(control, .reason_code = ANY)->packet.connack.reason_code != 0)
        skip(t, "the server lets nobody in without credentials");
    for (size_t i = 0; i < PROPERTIES; i++) {
        if (is_allowed(allowed, properties[i].identifier))
            continue;
        note(t, "the property %s", properties[i].bytes);
        struct client *client = send_connect_with(t, "offender", properties[i].bytes, in_will);
        expect_refused(client, .reason_code = REASON_MALFORMED_PACKET);
    }
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        note(t, "the property %s", unknown[i]);
        expect_refused(send_connect_with(t, "offender", unknown[i], in_will),
                       .reason_code = REASON_MALFORMED_PACKET);
    }
}

CONFORMANCE_TEST(property_that_connect_does_not_have_is_refused, V5, NEEDS_NOTHING,
                 "A property that is not defined for CONNECT ends the connection", P_2_2_2_2_1)
{
    static const uint8_t allowed[] = {0x11, 0x15, 0x16, 0x17, 0x19, 0x21, 0x22, 0x26, 0x27, 0};
    check_connect(t, false, allowed);
}

CONFORMANCE_TEST(property_that_a_will_does_not_have_is_refused, V5, NEEDS_NOTHING,
                 "A property that is not defined for a Will ends the connection", P_2_2_2_2_1)
{
    static const uint8_t allowed[] = {0x01, 0x02, 0x03, 0x08, 0x09, 0x18, 0x26, 0};
    check_connect(t, true, allowed);
}

CONFORMANCE_TEST(
    property_that_disconnect_does_not_have_is_an_error, V5, NEEDS_NOTHING,
    "A DISCONNECT with a property that is not defined for it does not count: the Will is published",
    P_2_2_2_2_1)
{
    static const uint8_t allowed[] = {0x11, 0x1c, 0x1f, 0x26, 0};
    const char *w = topic(t, "will");
    struct client *watcher = connect_client(t, .name = "watcher", .clean_start = true);
    subscribe(watcher, w, .qos = 0);
    struct client *control =
        connect_client(t, .name = "control", .clean_start = true, .will = {.topic = w, .payload = "will"});
    send_by_hand(control, 0xe0, "00", "26 {x} {y}", NULL);
    expect_closed(control);
    expect_nothing_before(watcher, .publisher = watcher, .topic = w, .qos = 0);
    for (size_t i = 0; i < PROPERTIES; i++) {
        if (is_allowed(allowed, properties[i].identifier))
            continue;
        struct client *client = connect_client(t, .name = "offender", .clean_start = true,
                                               .will = {.topic = w, .payload = properties[i].bytes});
        send_by_hand(client, 0xe0, "00", properties[i].bytes, NULL);
        expect_closed(client);
        expect_publish(watcher, .topic = w, .payload = properties[i].bytes);
    }
}

/* ---- Values ------------------------------------------------------------------------------------------ */

/* Values that do not have the length of their type, or do not fit into the Property Length. */
static const struct {
    unsigned first_byte;
    const char *bytes;
} wrong_values[] = {
    {0x30, "01"},         /* a byte that is not there */
    {0x30, "02 000a"},    /* four bytes of which there are two */
    {0x30, "03 0005 61"}, /* a string that is longer than the properties */
    {0x30, "09 00"},      /* half a length */
    {0x30, "26 {x}"},     /* a name without value */
    {0x30, "26 {x} 0002 79"},
    {0x30, "01 0100"}, /* a byte, and a property 0x00 */
    {0x82, "0b"},      /* an integer that is not there */
    {0x82, "0b 80"},   /* half an integer */
};

CONFORMANCE_TEST(value_of_another_type_is_refused, V5, NEEDS_NOTHING,
                 "A property whose value does not have the form of its type ends the connection", P_2_2_2_2_1)
{
    static const char *const controls[] = {"01 01", "02 0000000a", "03 {a}", "09 {a}", "26 {x} {y}"};
    const struct carrier *publish = &carriers[0];
    const struct carrier *subscribe = &carriers[5];
    for (size_t i = 0; i < sizeof controls / sizeof *controls; i++)
        expect_open(send_carrier(t, "control", publish, controls[i]));
    for (size_t i = 0; i < sizeof wrong_values / sizeof *wrong_values; i++)
        refuse_in_carrier(t, wrong_values[i].first_byte == 0x30 ? publish : subscribe, &wrong_values[i].bytes,
                          1);
    expect_refused(send_connect_with(t, "offender", "21 0a", false), .reason_code = REASON_MALFORMED_PACKET);
    expect_refused(send_connect_with(t, "offender", "18 000a", true), .reason_code = REASON_MALFORMED_PACKET);
}

CONFORMANCE_TEST(malformed_properties_are_called_so, V5, NEEDS_NOTHING,
                 "The Reason Code for a property that cannot stand there is 0x81, if one is sent",
                 R_2_2_2_2_1)
{
    expect_open(send_carrier(t, "control", &carriers[0], "26 {x} {y}"));
    struct client *clients[] = {
        send_carrier(t, "unknown in PUBLISH", &carriers[0], "04 00"),
        send_carrier(t, "unknown in SUBSCRIBE", &carriers[5], "7f 00"),
        send_carrier(t, "not in PUBLISH", &carriers[0], "13 000a"),
        send_carrier(t, "not in UNSUBSCRIBE", &carriers[6], "1f {x}"),
        send_connect_with(t, "unknown in CONNECT", "04 00", false),
        send_connect_with(t, "not in CONNECT", "24 00", false),
    };
    for (size_t i = 0; i < sizeof clients / sizeof *clients; i++)
        expect_refused(clients[i], .reason_code = REASON_MALFORMED_PACKET, .code_required = true);
}

CONFORMANCE_TEST(order_of_properties_does_not_matter, V5, NEEDS_NOTHING,
                 "Properties with different identifiers are accepted in any order", D_2_2_2_2_1)
{
    static const char *const orders[] = {
        "01 01 02 00000e10 03 {t} 08 {r} 09 {c} 26 {n} {v}",
        "26 {n} {v} 09 {c} 08 {r} 03 {t} 02 00000e10 01 01",
        "08 {r} 26 {n} {v} 01 01 09 {c} 02 00000e10 03 {t}",
    };
    const char *a = topic(t, "a");
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    subscribe(subscriber, a, .qos = 0);
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        send_by_hand(publisher, 0x30, text(t, "{%s}", a), orders[i], "6d");
        const struct properties *got = &expect_publish(subscriber, .topic = a)->packet.publish.properties;
        require(t, properties_number(got, ORDINAL_PAYLOAD_FORMAT_INDICATOR, 9) == 1,
                "the indicator was lost");
        require(t, is_text(properties_bytes(got, ORDINAL_CONTENT_TYPE), "t"), "the Content Type was lost");
        require(t, is_text(properties_bytes(got, ORDINAL_RESPONSE_TOPIC), "r"),
                "the Response Topic was lost");
        require(t, is_text(properties_bytes(got, ORDINAL_CORRELATION_DATA), "c"), "the data was lost");
        expect_user_property(subscriber, got, 0, "n", "v");
    }
}
