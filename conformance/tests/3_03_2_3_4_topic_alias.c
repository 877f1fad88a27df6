/* 3.3.2.3.4 Topic Alias */
#include "3_03_publish.h"

/* ---- From the client ----------------------------------------------------------------------------- */

/* A publisher and a subscriber to everything below "a". */
struct pair {
    struct client *publisher;
    struct client *subscriber;
};

static struct pair make_pair(struct test *t)
{
    struct pair pair = {.publisher = connect_client(t, .name = "publisher", .clean_start = true),
                        .subscriber = connect_client(t, .name = "subscriber", .clean_start = true)};
    subscribe(pair.subscriber, topic(t, "a/#"), .qos = t->capabilities->maximum_qos);
    return pair;
}

CONFORMANCE_TEST(alias_stands_for_its_topic, V5, NEEDS_TOPIC_ALIAS | NEEDS_WILDCARD,
                 "A PUBLISH with an empty Topic Name and a known Topic Alias goes to the alias's topic",
                 MQTT_3_3_2_12, D_3_3_2_3_4_1, D_3_3_2_3_4_2, D_3_3_4_6, D_3_3_4_8)
{
    struct pair pair = make_pair(t);
    const char *b = topic(t, "a/b");
    for (int qos = 0; qos <= t->capabilities->maximum_qos; qos++) {
        publish(pair.publisher, .topic = b, .payload = "sets", .qos = qos, .topic_alias = 1);
        expect_publish(pair.subscriber, .topic = b, .payload = "sets", .qos = qos);
        publish(pair.publisher, .payload = "uses", .qos = qos, .topic_alias = 1);
        expect_publish(pair.subscriber, .topic = b, .payload = "uses", .qos = qos);
    }
}

CONFORMANCE_TEST(every_alias_is_accepted, V5, NEEDS_TOPIC_ALIAS | NEEDS_WILDCARD,
                 "Every Topic Alias from 1 to the server's Topic Alias Maximum is accepted", MQTT_3_3_2_12)
{
    struct pair pair = make_pair(t);
    unsigned maximum = t->capabilities->topic_alias_maximum;
    unsigned count = maximum < 64 ? maximum : 64; /* of many, an even choice that ends with the maximum */
    for (int use = 0; use <= 1; use++) {
        for (unsigned i = 1; i <= count; i++) {
            unsigned alias = maximum < 64 ? i : maximum - (count - i) * ((maximum - 1) / (count - 1));
            const char *name = topic(t, text(t, "a/%u", alias));
            publish(pair.publisher, .topic = use == 0 ? name : NULL, .payload = "m", .topic_alias = alias);
            expect_publish(pair.subscriber, .topic = name, .payload = "m");
        }
    }
}

static void expect_all_properties(struct client *subscriber, const char *payload)
{
    struct test *t = subscriber->test;
    const struct properties *properties =
        &expect_publish(subscriber, .payload = payload)->packet.publish.properties;
    expect_user_property(subscriber, properties, 0, "one", "1");
    expect_user_property(subscriber, properties, 1, "two", "2");
    require(t,
            properties_has(properties, ORDINAL_RESPONSE_TOPIC) &&
                is_text(properties->value[ORDINAL_RESPONSE_TOPIC].bytes, topic(t, "answers")),
            "the Response Topic beside a Topic Alias was lost or changed");
    require(t,
            properties_has(properties, ORDINAL_CORRELATION_DATA) &&
                is_text(properties->value[ORDINAL_CORRELATION_DATA].bytes, "request"),
            "the Correlation Data beside a Topic Alias were lost or changed");
    require(t,
            properties_has(properties, ORDINAL_CONTENT_TYPE) &&
                is_text(properties->value[ORDINAL_CONTENT_TYPE].bytes, "text/plain"),
            "the Content Type beside a Topic Alias was lost or changed");
}

CONFORMANCE_TEST(properties_beside_an_alias_are_passed_on, V5, NEEDS_TOPIC_ALIAS | NEEDS_WILDCARD,
                 "A PUBLISH by way of a Topic Alias keeps its other properties", MQTT_3_3_2_17, MQTT_3_3_2_18,
                 MQTT_3_3_2_15, MQTT_3_3_2_16, MQTT_3_3_2_20)
{
    struct pair pair = make_pair(t);
    const char *names[] = {topic(t, "a/b"), NULL};
    for (int use = 0; use < 2; use++) {
        const char *payload = use == 0 ? "sets" : "uses";
        publish(pair.publisher, .topic = names[use], .payload = payload, .topic_alias = 1,
                .response_topic = topic(t, "answers"), .correlation_data = bytes_of_text("request"),
                .content_type = "text/plain", .user_properties = {{"one", "1"}, {"two", "2"}});
        expect_all_properties(pair.subscriber, payload);
    }
}

CONFORMANCE_TEST(alias_can_be_set_anew, V5, NEEDS_TOPIC_ALIAS | NEEDS_WILDCARD,
                 "A PUBLISH with a Topic Name and a known Topic Alias gives the alias the new topic",
                 D_3_3_2_3_4_3, D_3_3_4_7, MQTT_3_3_2_12)
{
    struct pair pair = make_pair(t);
    static const char *const names[] = {"a/first", "a/second", "a/first"};
    for (size_t i = 0; i < 3; i++) {
        const char *name = topic(t, names[i]);
        publish(pair.publisher, .topic = name, .payload = "sets", .topic_alias = 1);
        expect_publish(pair.subscriber, .topic = name, .payload = "sets");
        publish(pair.publisher, .payload = "uses", .topic_alias = 1);
        expect_publish(pair.subscriber, .topic = name, .payload = "uses");
    }
}

CONFORMANCE_TEST(publish_without_alias_leaves_aliases, V5, NEEDS_TOPIC_ALIAS | NEEDS_WILDCARD,
                 "A PUBLISH without Topic Alias goes to its own topic and leaves the mappings alone",
                 D_3_3_2_3_4_2, D_3_3_4_6)
{
    struct pair pair = make_pair(t);
    publish(pair.publisher, .topic = topic(t, "a/b"), .payload = "sets", .topic_alias = 1);
    expect_publish(pair.subscriber, .topic = topic(t, "a/b"), .payload = "sets");
    publish(pair.publisher, .topic = topic(t, "a/c"), .payload = "plain");
    expect_publish(pair.subscriber, .topic = topic(t, "a/c"), .payload = "plain");
    publish(pair.publisher, .payload = "uses", .topic_alias = 1);
    expect_publish(pair.subscriber, .topic = topic(t, "a/b"), .payload = "uses");
}

CONFORMANCE_TEST(alias_works_for_retained_message, V5, NEEDS_TOPIC_ALIAS | NEEDS_RETAIN | NEEDS_QOS1,
                 "A message retained by way of a Topic Alias is retained for the alias's topic",
                 D_3_3_2_3_4_2, D_3_3_4_6)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    publish(publisher, .topic = a, .payload = "sets", .qos = 1, .retain = true, .topic_alias = 1);
    publish(publisher, .payload = "kept", .qos = 1, .retain = true, .topic_alias = 1);
    subscribe(subscriber, a, .qos = 1);
    const struct received *got = expect_publish(subscriber, .topic = a, .payload = "kept", .retain = 1);
    require(t, !properties_has(&got->packet.publish.properties, ORDINAL_TOPIC_ALIAS),
            "the server sent a Topic Alias to a client without Topic Alias Maximum");
}

/* ---- What is refused ----------------------------------------------------------------------------- */

/* QoS 0, with this Topic Alias, payload "m". */
static void send_aliased(struct client *client, const char *name, unsigned alias)
{
    SEND_TEMPLATE(client, "30 %02x {%s} 03 23 %04x 6d", string_size(name) + 5, name, alias);
}

CONFORMANCE_TEST(alias_0_is_refused, V5, NEEDS_NOTHING, "Topic Alias 0 ends the connection", MQTT_3_3_2_8,
                 P_3_3_4_2)
{
    const char *a = topic(t, "a");
    if (t->capabilities->topic_alias_maximum > 0) {
        struct client *control = connect_client(t, .name = "control", .clean_start = true);
        send_aliased(control, a, 1);
        expect_open(control);
    }
    struct client *client = connect_client(t, .name = "offender", .clean_start = true);
    send_aliased(client, a, 0);
    expect_refused(client, .reason_code = REASON_TOPIC_ALIAS_INVALID);
}

CONFORMANCE_TEST(alias_above_maximum_is_refused, V5, NEEDS_NOTHING,
                 "A Topic Alias above the server's Topic Alias Maximum ends the connection", MQTT_3_3_2_9,
                 P_3_3_4_2)
{
    const char *a = topic(t, "a");
    unsigned maximum = t->capabilities->topic_alias_maximum;
    if (maximum == UINT16_MAX)
        skip(t, "the server's Topic Alias Maximum is 65,535: no alias is above it");
    struct client *control = connect_client(t, .name = "control", .clean_start = true);
    if (maximum > 0)
        send_aliased(control, a, maximum);
    else
        send_publish(control, .topic = a, .payload = "m");
    expect_open(control);
    struct client *client = connect_client(t, .name = "offender", .clean_start = true);
    send_aliased(client, a, maximum + 1);
    expect_refused(client, .reason_code = REASON_TOPIC_ALIAS_INVALID);
}

CONFORMANCE_TEST(unknown_alias_is_refused, V5, NEEDS_TOPIC_ALIAS,
                 "An empty Topic Name with a Topic Alias that has no mapping ends the connection", P_3_3_4_3)
{
    const char *a = topic(t, "a");
    unsigned maximum = t->capabilities->topic_alias_maximum;
    struct client *client = connect_client(t, .name = "offender", .clean_start = true);
    if (maximum > 1) { /* another alias is known */
        send_aliased(client, a, 1);
        send_aliased(client, "", 1);
        expect_open(client);
    }
    send_aliased(client, "", maximum);
    expect_refused(client, .reason_code = REASON_PROTOCOL_ERROR);
}

CONFORMANCE_TEST(second_alias_is_refused, V5, NEEDS_TOPIC_ALIAS,
                 "A PUBLISH with two Topic Aliases ends the connection", P_3_3_2_3_4_1)
{
    const char *a = topic(t, "a");
    struct client *client = connect_client(t, .name = "offender", .clean_start = true);
    send_aliased(client, a, 1);
    expect_open(client);
    SEND_TEMPLATE(client, "30 %02x {%s} 06 23 0001 23 0001 6d", string_size(a) + 8, a);
    expect_refused(client, .reason_code = REASON_PROTOCOL_ERROR);
}

CONFORMANCE_TEST(alias_ends_with_its_connection, V5, NEEDS_TOPIC_ALIAS,
                 "The mappings of one connection are not there in the next one of the same session",
                 MQTT_3_3_2_7, D_3_3_2_3_4_4, P_3_3_4_3)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_lasting(t, "pub");
    send_aliased(publisher, a, 1);
    send_aliased(publisher, "", 1);
    expect_open(publisher);
    disconnect(publisher);
    publisher = connect_lasting(t, "pub");
    send_aliased(publisher, "", 1);
    expect_refused(publisher, .reason_code = REASON_PROTOCOL_ERROR);
    publisher = connect_lasting(t, "pub");
    send_aliased(publisher, a, 1);
    send_aliased(publisher, "", 1);
    expect_open(publisher);
}

CONFORMANCE_TEST(alias_belongs_to_one_connection, V5, NEEDS_TOPIC_ALIAS,
                 "The mappings of one client are not those of another", MQTT_3_3_2_7, D_3_3_2_3_4_4)
{
    struct client *one = connect_client(t, .name = "one", .clean_start = true);
    struct client *other = connect_client(t, .name = "other", .clean_start = true);
    struct client *third = connect_client(t, .name = "third", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    subscribe(subscriber, topic(t, "one"), .qos = 0);
    subscribe(subscriber, topic(t, "other"), .qos = 0);
    publish(one, .topic = topic(t, "one"), .payload = "one sets", .topic_alias = 1);
    expect_publish(subscriber, .topic = topic(t, "one"), .payload = "one sets");
    publish(other, .topic = topic(t, "other"), .payload = "other sets", .topic_alias = 1);
    expect_publish(subscriber, .topic = topic(t, "other"), .payload = "other sets");
    publish(one, .payload = "one uses", .topic_alias = 1);
    expect_publish(subscriber, .topic = topic(t, "one"), .payload = "one uses");
    publish(other, .payload = "other uses", .topic_alias = 1);
    expect_publish(subscriber, .topic = topic(t, "other"), .payload = "other uses");
    send_aliased(third, "", 1);
    expect_refused(third, .reason_code = REASON_PROTOCOL_ERROR);
}

/* ---- To the client ------------------------------------------------------------------------------- */

CONFORMANCE_TEST(alias_is_not_passed_on, V5, NEEDS_TOPIC_ALIAS,
                 "A client without Topic Alias Maximum gets no Topic Alias, whatever the publisher uses",
                 MQTT_3_3_2_11, MQTT_3_1_2_27, MQTT_3_1_2_26)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    for (int64_t maximum = ABSENT; maximum <= 0; maximum++) {
        struct client *subscriber = connect_client(t, .clean_start = true, .topic_alias_maximum = maximum);
        subscribe(subscriber, a, .qos = 0);
        for (int i = 0; i < 3; i++) {
            publish(publisher, .topic = i < 2 ? a : NULL, .payload = "m", .topic_alias = 1);
            const struct received *got = expect_publish(subscriber, .topic = a, .payload = "m");
            require(t, !properties_has(&got->packet.publish.properties, ORDINAL_TOPIC_ALIAS),
                    "the server sent a Topic Alias");
        }
    }
}

/* What a client knows of the server's mappings. */
struct mappings {
    uint32_t maximum;
    struct bytes topic[8]; /* by alias; data == NULL: no mapping */
    bool used;
};

/* The topic of a PUBLISH by way of the mappings, which it may change. */
static struct bytes resolve(struct test *t, struct mappings *mappings, const struct received *received)
{
    const struct publish *publish = &received->packet.publish;
    const char *seen = describe_packet(t, &received->packet);
    if (!properties_has(&publish->properties, ORDINAL_TOPIC_ALIAS)) {
        require(t, publish->topic.length > 0, "neither Topic Name nor Topic Alias: %s", seen);
        return publish->topic;
    }
    uint32_t alias = properties_number(&publish->properties, ORDINAL_TOPIC_ALIAS, 0);
    mappings->used = true;
    if (alias == 0)
        fail_statement(t, MQTT_3_3_2_8, STATEMENT_NONE, "no Topic Alias 0", "%s", seen);
    if (alias > mappings->maximum)
        fail_statement(t, MQTT_3_3_2_11, STATEMENT_NONE,
                       text(t, "a Topic Alias of at most %u", mappings->maximum), "%s", seen);
    if (publish->topic.length > 0)
        mappings->topic[alias] = publish->topic;
    else if (mappings->topic[alias].data == NULL)
        fail_statement(t, MQTT_3_3_2_7, STATEMENT_NONE,
                       "a Topic Name with the first use of an alias on a connection", "%s", seen);
    return mappings->topic[alias];
}

/* Has messages to four topics sent to a subscriber that allows `maximum` aliases. */
static void check_aliases_to_client(struct test *t, struct client *publisher, struct client *subscriber,
                                    uint32_t maximum)
{
    struct mappings mappings = {.maximum = maximum};
    static const char order[] = "aaabbbaaccdddabcdabcd";
    for (const char *at = order; *at != '\0'; at++) {
        const char *name = topic(t, text(t, "%c", *at));
        publish(publisher, .topic = name, .payload = name);
        const struct received *got = expect_publish(subscriber, .payload = name);
        if (!is_text(resolve(t, &mappings, got), name))
            fail_expected(t, text(t, "a PUBLISH whose alias stands for \"%s\"", name), "%s",
                          describe_packet(t, &got->packet));
    }
    note(t, mappings.used ? "the server uses Topic Aliases" : "the server uses no Topic Aliases");
}

CONFORMANCE_TEST(alias_to_client_stays_within_its_maximum, V5, NEEDS_NOTHING,
                 "A server that uses Topic Aliases keeps to the client's maximum and to its own mappings",
                 MQTT_3_3_2_11, MQTT_3_1_2_26, MQTT_3_3_2_8)
{
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    for (uint32_t maximum = 0; maximum <= 3; maximum++) {
        struct client *subscriber = connect_client(t, .clean_start = true, .topic_alias_maximum = maximum);
        for (char name = 'a'; name <= 'd'; name++)
            subscribe(subscriber, topic(t, text(t, "%c", name)), .qos = 0);
        check_aliases_to_client(t, publisher, subscriber, maximum);
        disconnect(subscriber);
    }
}

CONFORMANCE_TEST(alias_to_client_ends_with_its_connection, V5, NEEDS_NOTHING,
                 "On a new connection a server uses no Topic Alias before it has set it there", MQTT_3_3_2_7,
                 MQTT_3_3_2_11)
{
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    const char *identifier = client_id(t, "sub");
    for (int round = 0; round < 2; round++) {
        struct client *subscriber =
            connect_client(t, .name = "subscriber", .client_identifier = identifier, .clean_start = false,
                           .session_expiry_interval = SESSION_SECONDS, .topic_alias_maximum = 4);
        if (round > 0)
            demand_session(subscriber);
        for (char name = 'a'; name <= 'd' && round == 0; name++)
            subscribe(subscriber, topic(t, text(t, "%c", name)), .qos = 0);
        check_aliases_to_client(t, publisher, subscriber, 4);
        disconnect(subscriber);
    }
}

CONFORMANCE_TEST(aliases_of_both_directions_are_apart, V5, NEEDS_TOPIC_ALIAS,
                 "The client's mapping of an alias does not touch the server's, nor the other way round",
                 D_3_3_2_3_4_5)
{
    const char *in = topic(t, "in");
    const char *out = topic(t, "out");
    struct mappings mappings = {.maximum = 1};
    struct client *both = connect_client(t, .name = "both", .clean_start = true, .topic_alias_maximum = 1);
    struct client *other = connect_client(t, .name = "other", .clean_start = true);
    subscribe(both, in, .qos = 0);
    subscribe(other, out, .qos = 0);
    for (int round = 0; round < 3; round++) {
        publish(both, .topic = round == 0 ? out : NULL, .payload = "out", .topic_alias = 1);
        expect_publish(other, .topic = out, .payload = "out");
        publish(other, .topic = in, .payload = "in");
        const struct received *got = expect_publish(both, .payload = "in");
        require(t, is_text(resolve(t, &mappings, got), in), "the message came as %s",
                describe_packet(t, &got->packet));
    }
    note(t, mappings.used ? "the server uses Topic Aliases" : "the server uses no Topic Aliases");
}
