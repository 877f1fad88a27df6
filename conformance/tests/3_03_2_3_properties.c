/* 3.3.2.3 PUBLISH Properties: what a server passes on, and what it refuses */
#include "3_03_publish.h"

/* ---- The ways of a message through the server ---------------------------------------------------- */

enum way { LIVE_QOS_0, LIVE_QOS_1, LIVE_QOS_2, QUEUED, RETAINED, WAY_COUNT };

static const char *const way_names[] = {"at QoS 0", "at QoS 1", "at QoS 2", "from the queue of a session",
                                        "as retained message"};

static bool way_is_open(const struct test *t, enum way way)
{
    static const uint8_t needed_qos[] = {0, 1, 2, 1, 0};
    return t->capabilities->maximum_qos >= needed_qos[way] && (way != RETAINED || t->capabilities->retain);
}

/* Sends a message on its way and returns what arrives at a subscriber. */
static const struct properties *deliver(struct test *t, enum way way, const struct publish_options *options)
{
    const char *a = topic(t, way_names[way][0] == 'f' ? "queued" : text(t, "way%d", way));
    struct publish_options message = *options;
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    const char *identifier = client_id(t, text(t, "sub%d", way));
    int64_t expiry = way == QUEUED ? SESSION_SECONDS : ABSENT;
    struct client *subscriber =
        connect_client(t, .name = "subscriber", .client_identifier = identifier, .clean_start = way != QUEUED,
                       .session_expiry_interval = expiry);
    message.topic = a;
    message.retain = way == RETAINED;
    message.qos = way <= LIVE_QOS_2 ? (int)way : t->capabilities->maximum_qos > 0 ? 1 : 0;
    if (way != RETAINED)
        subscribe(subscriber, a, .qos = message.qos);
    if (way == QUEUED)
        disconnect(subscriber);
    expect_publish_flow(publisher, &message);
    if (way == RETAINED) {
        ping(publisher);
        subscribe(subscriber, a, .qos = message.qos);
    }
    if (way == QUEUED) {
        subscriber = connect_client(t, .name = "subscriber again", .client_identifier = identifier,
                                    .clean_start = false, .session_expiry_interval = SESSION_SECONDS);
        demand_session(subscriber);
    }
    const struct received *got = expect_publish(subscriber, .topic = a);
    if (way == QUEUED)
        ping(
            subscriber); /* so that its PUBACK has arrived before it is taken over, and nothing comes again */
    return &got->packet.publish.properties;
}

static void require_bytes(struct test *t, enum way way, const struct properties *properties,
                          enum property_ordinal ordinal, const char *name, struct bytes wanted)
{
    if (!properties_has(properties, ordinal))
        fail_expected(t, text(t, "%s of %zu bytes %s", name, wanted.length, way_names[way]), "none");
    struct bytes got = properties_bytes(properties, ordinal);
    if (got.length != wanted.length || memcmp(got.data, wanted.data, wanted.length) != 0)
        fail_expected(t, text(t, "%s unaltered %s", name, way_names[way]),
                      "another value, of %zu instead of %zu bytes", got.length, wanted.length);
}

/* Binary data of every byte value, over and over. */
static struct bytes all_byte_values(struct test *t, size_t length)
{
    uint8_t *data = test_allocate(t, length + 1);
    for (size_t i = 0; i < length; i++)
        data[i] = (uint8_t)(255 - i % 256);
    return bytes_of(data, length);
}

/* A text of characters of one to four bytes, with U+FEFF, which must not be taken for a mark to strip. */
static const char *long_text(struct test *t, unsigned times)
{
    static const char piece[] = "\xef\xbb\xbf"
                                "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 ";
    char *made = test_allocate(t, (sizeof piece - 1) * times + 1);
    for (unsigned i = 0; i < times; i++)
        memcpy(made + i * (sizeof piece - 1), piece, sizeof piece - 1);
    return made;
}

/* How many bytes a property may have here without the packet becoming too large for this server. */
static size_t moderate_size(const struct test *t)
{
    uint32_t limit = t->capabilities->maximum_packet_size;
    return limit == 0 || limit > 8192 ? 4000 : limit / 4;
}

/* ---- Passing on ---------------------------------------------------------------------------------- */

CONFORMANCE_TEST(payload_format_indicator_is_passed_on, V5, NEEDS_NOTHING,
                 "The Payload Format Indicator reaches every subscriber unaltered", MQTT_3_3_2_4)
{
    for (enum way way = 0; way < WAY_COUNT; way++) {
        if (!way_is_open(t, way))
            continue;
        const struct properties *got =
            deliver(t, way, PUBLISH_OPTIONS(.payload = "text", .payload_format_indicator = 1));
        uint32_t value = properties_number(got, ORDINAL_PAYLOAD_FORMAT_INDICATOR, 0);
        require(t, value == 1, "the Payload Format Indicator 1 was not there %s", way_names[way]);
    }
}

/* Absent and 0 mean the same; which of them comes is left to the server. */
CONFORMANCE_TEST(payload_format_indicator_0_stays, V5, NEEDS_NOTHING,
                 "A message of unspecified bytes is not called text", MQTT_3_3_2_4)
{
    for (enum way way = 0; way < WAY_COUNT; way++) {
        if (!way_is_open(t, way))
            continue;
        for (int64_t sent = ABSENT; sent <= 0; sent++) {
            const struct properties *got =
                deliver(t, way, PUBLISH_OPTIONS(.payload = "text", .payload_format_indicator = sent));
            require(t, properties_number(got, ORDINAL_PAYLOAD_FORMAT_INDICATOR, 0) == 0,
                    "a Payload Format Indicator of 1 came %s, which nobody had sent", way_names[way]);
            if (properties_has(got, ORDINAL_PAYLOAD_FORMAT_INDICATOR) != (sent == 0))
                note(t, "the server %s a Payload Format Indicator of 0", sent == 0 ? "drops" : "adds");
        }
    }
}

CONFORMANCE_TEST(response_topic_is_passed_on, V5, NEEDS_NOTHING,
                 "The Response Topic reaches every subscriber unaltered", MQTT_3_3_2_15)
{
    const char *answers = text(t, "%s/%s", topic(t, "answers"), long_text(t, 10));
    for (enum way way = 0; way < WAY_COUNT; way++) {
        if (!way_is_open(t, way))
            continue;
        const struct properties *got =
            deliver(t, way, PUBLISH_OPTIONS(.payload = "question", .response_topic = answers));
        require_bytes(t, way, got, ORDINAL_RESPONSE_TOPIC, "Response Topic", bytes_of_text(answers));
    }
}

CONFORMANCE_TEST(correlation_data_is_passed_on, V5, NEEDS_NOTHING,
                 "Correlation Data of any bytes and any length reaches every subscriber unaltered",
                 MQTT_3_3_2_16)
{
    size_t lengths[] = {1, 256, moderate_size(t)};
    for (enum way way = 0; way < WAY_COUNT; way++) {
        for (size_t i = 0; way_is_open(t, way) && i < 3; i++) {
            struct bytes sent = all_byte_values(t, lengths[i]);
            const struct properties *got =
                deliver(t, way, PUBLISH_OPTIONS(.payload = "question", .correlation_data = sent));
            require_bytes(t, way, got, ORDINAL_CORRELATION_DATA, "Correlation Data", sent);
        }
    }
}

CONFORMANCE_TEST(empty_correlation_data_is_passed_on, V5, NEEDS_NOTHING,
                 "Correlation Data of no bytes is passed on as such", MQTT_3_3_2_16)
{
    for (enum way way = 0; way < WAY_COUNT; way++) {
        if (!way_is_open(t, way))
            continue;
        struct bytes sent = all_byte_values(t, 0);
        const struct properties *got =
            deliver(t, way, PUBLISH_OPTIONS(.payload = "question", .correlation_data = sent));
        require_bytes(t, way, got, ORDINAL_CORRELATION_DATA, "Correlation Data", sent);
    }
}

CONFORMANCE_TEST(content_type_is_passed_on, V5, NEEDS_NOTHING,
                 "The Content Type, even an empty one, reaches every subscriber unaltered", MQTT_3_3_2_20)
{
    const char *const types[] = {"application/json; charset=utf-8", "", long_text(t, 50)};
    for (enum way way = 0; way < WAY_COUNT; way++) {
        for (size_t i = 0; way_is_open(t, way) && i < 3; i++) {
            const struct properties *got =
                deliver(t, way, PUBLISH_OPTIONS(.payload = "text", .content_type = types[i]));
            require_bytes(t, way, got, ORDINAL_CONTENT_TYPE, "Content Type", bytes_of_text(types[i]));
        }
    }
}

static size_t count_user_properties(const struct properties *properties)
{
    struct bytes rest = properties->repeated;
    struct string_pair pair;
    size_t count = 0;
    if (!properties_has(properties, ORDINAL_USER_PROPERTY))
        return 0;
    while (properties_next_user_property(&rest, &pair))
        count++;
    return count;
}

/* Whether a User Property is there, wherever; a server may add some of its own, so none is expected at a
 * place: what counts is that those of the publisher come in their order. */
static void require_in_order(struct test *t, enum way way, const struct properties *properties,
                             const struct user_property *wanted)
{
    struct bytes rest = properties->repeated;
    struct string_pair pair;
    size_t found = 0;
    bool there = properties_has(properties, ORDINAL_USER_PROPERTY);
    while (there && wanted[found].name != NULL && properties_next_user_property(&rest, &pair))
        if (is_text(pair.name, wanted[found].name) && is_text(pair.value, wanted[found].value))
            found++;
    if (wanted[found].name != NULL)
        fail_expected(t,
                      text(t, "User Property \"%s\" = \"%s\" as number %zu %s", wanted[found].name,
                           wanted[found].value, found + 1, way_names[way]),
                      "%zu User Properties, this one not in its place", count_user_properties(properties));
}

CONFORMANCE_TEST(user_properties_are_passed_on, V5, NEEDS_NOTHING,
                 "Every User Property reaches every subscriber unaltered", MQTT_3_3_2_17, D_3_3_2_3_7_1)
{
    const char *large = long_text(t, (unsigned)moderate_size(t) / 40);
    for (enum way way = 0; way < WAY_COUNT; way++) {
        if (!way_is_open(t, way))
            continue;
        const struct user_property one[] = {{"name", large}, {NULL, NULL}};
        require_in_order(
            t, way, deliver(t, way, PUBLISH_OPTIONS(.payload = "m", .user_properties = {{"name", large}})),
            one);
        const struct user_property odd[] = {{"", ""}, {"name", ""}, {"", "value"}, {NULL, NULL}};
        require_in_order(t, way,
                         deliver(t, way,
                                 PUBLISH_OPTIONS(.payload = "m",
                                                 .user_properties = {{"", ""}, {"name", ""}, {"", "value"}})),
                         odd);
    }
}

CONFORMANCE_TEST(user_properties_keep_their_order, V5, NEEDS_NOTHING,
                 "User Properties come in the order of the publisher, names that repeat included",
                 MQTT_3_3_2_18, MQTT_3_3_2_17)
{
    static const struct user_property wanted[] = {{"b", "1"}, {"a", "2"}, {"b", "1"}, {"c", "3"},
                                                  {"a", "1"}, {"B", "0"}, {"b", "0"}, {NULL, NULL}};
    for (enum way way = 0; way < WAY_COUNT; way++) {
        if (!way_is_open(t, way))
            continue;
        struct publish_options message = *PUBLISH_OPTIONS(.payload = "m");
        memcpy(message.user_properties, wanted, sizeof wanted);
        const struct properties *got = deliver(t, way, &message);
        require_in_order(t, way, got, wanted);
        if (count_user_properties(got) != 7)
            note(t, "%zu User Properties came instead of 7", count_user_properties(got));
    }
}

/* The codec writes User Properties last; here other properties stand between them. */
CONFORMANCE_TEST(
    user_properties_between_others_keep_their_order, V5, NEEDS_NOTHING,
    "User Properties that stand between other properties keep their order and go missing nowhere",
    MQTT_3_3_2_18, MQTT_3_3_2_17, MQTT_3_3_2_16, MQTT_3_3_2_20)
{
    static const struct user_property wanted[] = {{"k", "2"}, {"k", "1"}, {"k", "3"}, {NULL, NULL}};
    const char *a = topic(t, "a");
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    subscribe(subscriber, a, .qos = 0);
    SEND_TEMPLATE(publisher, "30 %02x {%s} 21  26{k}{2}  03{type}  26{k}{1}  09 {xy}  26{k}{3}  6d",
                  string_size(a) + 1 + 0x21 + 1, a);
    const struct properties *got =
        &expect_publish(subscriber, .topic = a, .payload = "m")->packet.publish.properties;
    require_in_order(t, LIVE_QOS_0, got, wanted);
    require_bytes(t, LIVE_QOS_0, got, ORDINAL_CONTENT_TYPE, "Content Type", bytes_of_text("type"));
    require_bytes(t, LIVE_QOS_0, got, ORDINAL_CORRELATION_DATA, "Correlation Data", bytes_of_text("xy"));
}

CONFORMANCE_TEST(all_properties_are_passed_on_together, V5, NEEDS_NOTHING,
                 "A message with every property keeps them all", MQTT_3_3_2_4, MQTT_3_3_2_15, MQTT_3_3_2_16,
                 MQTT_3_3_2_17, MQTT_3_3_2_18, MQTT_3_3_2_20)
{
    static const struct user_property wanted[] = {{"x", "1"}, {"y", "2"}, {NULL, NULL}};
    const char *answers = topic(t, "answers");
    struct bytes correlation = all_byte_values(t, 300);
    for (enum way way = 0; way < WAY_COUNT; way++) {
        if (!way_is_open(t, way))
            continue;
        const struct properties *got = deliver(
            t, way,
            PUBLISH_OPTIONS(.payload = "text", .payload_format_indicator = 1, .content_type = "text/plain",
                            .message_expiry_interval = 1000, .response_topic = answers,
                            .correlation_data = correlation, .user_properties = {{"x", "1"}, {"y", "2"}}));
        require(t, properties_number(got, ORDINAL_PAYLOAD_FORMAT_INDICATOR, 0) == 1,
                "the Payload Format Indicator was lost %s", way_names[way]);
        require(t, properties_has(got, ORDINAL_MESSAGE_EXPIRY_INTERVAL),
                "the Message Expiry Interval was lost %s", way_names[way]);
        require_bytes(t, way, got, ORDINAL_CONTENT_TYPE, "Content Type", bytes_of_text("text/plain"));
        require_bytes(t, way, got, ORDINAL_RESPONSE_TOPIC, "Response Topic", bytes_of_text(answers));
        require_bytes(t, way, got, ORDINAL_CORRELATION_DATA, "Correlation Data", correlation);
        require_in_order(t, way, got, wanted);
    }
}

CONFORMANCE_TEST(properties_of_one_message_do_not_stick, V5, NEEDS_NOTHING,
                 "A message without properties does not get those of the message before it", MQTT_3_3_2_15,
                 MQTT_3_3_2_16, MQTT_3_3_2_17, MQTT_3_3_2_20)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    subscribe(subscriber, a, .qos = 0);
    publish(publisher, .topic = a, .payload = "with", .content_type = "type", .response_topic = topic(t, "r"),
            .correlation_data = bytes_of_text("xy"), .user_properties = {{"sticky", "1"}});
    expect_publish(subscriber, .topic = a, .payload = "with");
    publish(publisher, .topic = a, .payload = "without");
    const struct properties *got =
        &expect_publish(subscriber, .topic = a, .payload = "without")->packet.publish.properties;
    require(t, !properties_has(got, ORDINAL_CONTENT_TYPE), "a Content Type came that nobody had sent");
    require(t, !properties_has(got, ORDINAL_RESPONSE_TOPIC), "a Response Topic came that nobody had sent");
    require(t, !properties_has(got, ORDINAL_CORRELATION_DATA), "Correlation Data came that nobody had sent");
    struct bytes rest = got->repeated;
    struct string_pair pair;
    while (properties_has(got, ORDINAL_USER_PROPERTY) && properties_next_user_property(&rest, &pair))
        require(t, !is_text(pair.name, "sticky"), "the User Property of another message came");
}

/* ---- What is refused ----------------------------------------------------------------------------- */

/* A QoS 0 PUBLISH with these properties, in the notation of send_template and `size` bytes long. */
static void send_with_properties(struct client *client, const char *a, unsigned size, const char *properties)
{
    SEND_TEMPLATE(client, "30 %02x {%s} %02x %s 6d", string_size(a) + 1 + size + 1, a, size, properties);
}

struct bad_properties {
    unsigned right_size; /* the positive control: the same property without the fault */
    const char *right;
    unsigned size;
    const char *wrong;
};

static void check_refused(struct test *t, const struct bad_properties *bad, int reason_code)
{
    const char *a = topic(t, "a");
    struct client *control = connect_client(t, .name = "control", .clean_start = true);
    send_with_properties(control, a, bad->right_size, bad->right);
    expect_open(control);
    struct client *client = connect_client(t, .name = "offender", .clean_start = true);
    send_with_properties(client, a, bad->size, bad->wrong);
    expect_refused(client, .reason_code = reason_code);
}

CONFORMANCE_TEST(second_response_topic_is_refused, V5, NEEDS_NOTHING,
                 "A PUBLISH with two Response Topics ends the connection", P_3_3_2_3_5_1)
{
    check_refused(t, &(struct bad_properties){4, "08{r}", 8, "08{r} 08{r}"}, REASON_PROTOCOL_ERROR);
}

CONFORMANCE_TEST(second_correlation_data_is_refused, V5, NEEDS_NOTHING,
                 "A PUBLISH with Correlation Data twice ends the connection", P_3_3_2_3_6_1)
{
    check_refused(t, &(struct bad_properties){4, "09{c}", 8, "09{c} 09{c}"}, REASON_PROTOCOL_ERROR);
}

CONFORMANCE_TEST(second_content_type_is_refused, V5, NEEDS_NOTHING,
                 "A PUBLISH with two Content Types ends the connection", P_3_3_2_3_9_1)
{
    check_refused(t, &(struct bad_properties){4, "03{t}", 8, "03{t} 03{t}"}, REASON_PROTOCOL_ERROR);
}

CONFORMANCE_TEST(ill_formed_response_topic_is_refused, V5, NEEDS_NOTHING,
                 "A Response Topic that is not well-formed UTF-8 ends the connection", MQTT_3_3_2_13,
                 MQTT_1_5_4_1)
{
    struct bad_properties bad = {6, "08{a\xc3\xa9}", 6, "08{a\xc3\x28}"};
    check_refused(t, &bad, REASON_MALFORMED_PACKET);
}

CONFORMANCE_TEST(ill_formed_content_type_is_refused, V5, NEEDS_NOTHING,
                 "A Content Type that is not well-formed UTF-8 ends the connection", MQTT_3_3_2_19,
                 MQTT_1_5_4_1)
{
    struct bad_properties bad = {6, "03{a\xc3\xa9}", 6, "03{a\xc3\x28}"};
    check_refused(t, &bad, REASON_MALFORMED_PACKET);
}

CONFORMANCE_TEST(subscription_identifier_from_client_is_refused, V5, NEEDS_NOTHING,
                 "A PUBLISH from a client with a Subscription Identifier ends the connection", MQTT_3_3_4_6,
                 P_3_3_4_1, P_3_3_2_3_8_1)
{
    check_refused(t, &(struct bad_properties){2, "01 00", 2, "0b 01"}, REASON_PROTOCOL_ERROR);
    check_refused(t, &(struct bad_properties){2, "01 00", 2, "0b 00"}, REASON_PROTOCOL_ERROR);
}

/* The rule binds the sender, and no reaction is laid down. But a server that passes such a message on
 * becomes its sender. */
static void check_response_topic_with_wildcard(struct test *t, const char *response_topic)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *offender = connect_client(t, .name = "offender", .clean_start = true);
    subscribe(subscriber, a, .qos = 1);
    publish(publisher, .topic = a, .payload = "control", .qos = 1, .response_topic = topic(t, "r"));
    expect_publish(subscriber, .topic = a, .payload = "control");
    unsigned size = string_size(response_topic) + 1;
    SEND_TEMPLATE(offender, "32 %02x {%s} 00 05 %02x 08{%s} 6d", string_size(a) + 2 + 1 + size + 1, a, size,
                  response_topic);
    const struct received *answer;
    enum outcome outcome = receive(offender, &answer);
    if (outcome == RECEIVED_TIMEOUT)
        fail(t, "no reaction to a PUBLISH with a wildcard character in its Response Topic");
    note(t, "Response Topic %s: %s", response_topic,
         outcome == RECEIVED_CLOSED ? "the server closed the connection"
                                    : describe_packet(t, &answer->packet));
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 1);
}

CONFORMANCE_TEST(
    wildcard_in_response_topic_is_not_passed_on, V5, NEEDS_QOS1,
    "A PUBLISH with a wildcard character in its Response Topic is refused, at least not passed on",
    MQTT_3_3_2_14)
{
    check_response_topic_with_wildcard(t, "r/#");
    check_response_topic_with_wildcard(t, "r/+/s");
}

/* ---- 3.3.2.3.2 Validating the payload, which is optional ----------------------------------------- */

CONFORMANCE_TEST(payload_that_is_not_text_is_delivered_or_refused, V5, NEEDS_QOS1,
                 "A payload that is not the UTF-8 its indicator claims is delivered, or refused with 0x99",
                 U_3_3_2_3_2_1, R_3_3_2_3_2_1)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    subscribe(subscriber, a, .qos = 1);
    struct bytes wrong = bytes_of((const uint8_t *)"\xc3\x28", 2);
    uint16_t id =
        send_publish(publisher, .topic = a, .payload_bytes = wrong, .qos = 1, .payload_format_indicator = 1);
    const struct received *answer;
    enum outcome outcome = receive(publisher, &answer);
    if (outcome == RECEIVED_TIMEOUT)
        fail(t, "the PUBLISH %u was neither acknowledged nor refused", id);
    if (outcome == RECEIVED_CLOSED) {
        note(t, "the server validates payloads, and closes the connection");
        return;
    }
    bool puback = answer->packet.type == PACKET_PUBACK;
    int code = puback ? answer->packet.acknowledgement.reason_code : answer->packet.disconnect.reason_code;
    if (puback && code < 0x80) {
        note(t, "the server does not validate payloads");
        expect_publish(subscriber, .topic = a, .payload_bytes = wrong);
        return;
    }
    note(t, "the server validates payloads: %s", describe_packet(t, &answer->packet));
    require(t, puback || answer->packet.type == PACKET_DISCONNECT, "the server answered with %s",
            describe_packet(t, &answer->packet));
    if (code != REASON_PAYLOAD_FORMAT_INVALID)
        note(t, "the specification names 0x99 for this");
}
