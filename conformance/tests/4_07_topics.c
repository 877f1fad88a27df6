/* 4.7 Topic Names and Topic Filters */
#include "3_08_subscribe.h"

/* ---- Topic Filters that are none ----------------------------------------------------------------- */

static void check_filters_are_refused(struct test *t, const char *const *filters, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *filter = topic(t, filters[i]);
        struct client *client = connect_client(t, .name = filters[i], .clean_start = true);
        send_raw_subscribe(client, 0x82, filter, 0);
        expect_filter_refused(client, filter);
    }
}

CONFORMANCE_TEST(misplaced_multi_level_wildcard_is_refused, V5 | V311, NEEDS_WILDCARD,
                 "A Topic Filter whose # is not a whole level, or not the last one, is refused", MQTT_4_7_1_1,
                 MQTT3_4_7_1_2)
{
    static const char *const filters[] = {"a#",  "a/b#",  "#a",   "a/#b", "a/#/b", "#/b",
                                          "#/#", "a/#/#", "a/##", "a/#/", "a/+#",  "a/#+"};
    struct client *control = connect_client(t, .name = "control", .clean_start = true);
    subscribe(control, topic(t, "a/#")); /* a plain # would get, and judge, what other tests are about */
    check_filters_are_refused(t, filters, sizeof filters / sizeof *filters);
}

CONFORMANCE_TEST(misplaced_single_level_wildcard_is_refused, V5 | V311, NEEDS_WILDCARD,
                 "A Topic Filter whose + shares its level with other characters is refused", MQTT_4_7_1_2,
                 MQTT3_4_7_1_3)
{
    static const char *const filters[] = {"a+",     "+a",   "a/b+", "a/+b",   "a/+b/c",
                                          "a/b+/c", "a/++", "++/a", "a/+b/#", "a/b+c"};
    struct client *control = connect_client(t, .name = "control", .clean_start = true);
    subscribe(control, topic(t, "+"));
    subscribe(control, topic(t, "a/+/c"));
    check_filters_are_refused(t, filters, sizeof filters / sizeof *filters);
}

CONFORMANCE_TEST(empty_topic_filter_is_refused, V5 | V311, NEEDS_NOTHING,
                 "A Topic Filter without any character is refused", MQTT_4_7_3_1, MQTT3_4_7_3_1)
{
    struct client *control = connect_client(t, .name = "control", .clean_start = true);
    send_raw_subscribe(control, 0x82, topic(t, "a"), 0);
    expect_suback(control, BY_HAND, 1);
    struct client *client = connect_client(t, .name = "offender", .clean_start = true);
    send_raw_subscribe(client, 0x82, "", 0);
    expect_filter_refused(client, "");
}

/* U+0000 in a SUBSCRIBE, an UNSUBSCRIBE and a PUBLISH: "61 00 62" where the control has "61 2f 62". */
CONFORMANCE_TEST(null_character_is_refused, V5 | V311, NEEDS_NOTHING,
                 "U+0000 in a Topic Filter or a Topic Name ends the connection", MQTT_4_7_3_2, MQTT3_4_7_3_2,
                 MQTT_1_5_4_2, MQTT3_1_5_3_2)
{
    static const char *const forms[2][3] = {
        {"82 08 00 05 00 03 61 %s 62 00", "a2 07 00 05 00 03 61 %s 62", "30 05 00 03 61 %s 62"},
        {"82 09 00 05 00 00 03 61 %s 62 00", "a2 08 00 05 00 00 03 61 %s 62", "30 06 00 03 61 %s 62 00"},
    };
    for (size_t i = 0; i < 3; i++) {
        const char *form = forms[is_v5(t)][i];
        struct client *control = connect_client(t, .name = "control", .clean_start = true);
        send_hex(control, text(t, form, "2f"));
        expect_open(control);
        struct client *client = connect_client(t, .name = "offender", .clean_start = true);
        send_hex(client, text(t, form, "00"));
        expect_refused(client, .reason_code = REASON_MALFORMED_PACKET);
    }
}

/* ---- What matches -------------------------------------------------------------------------------- */

/* One Topic Filter and the Topic Names that it does not match, then those that it does. Every list ends with
 * a matching name, so a message that should not have come is seen before the last one that must. */
struct matching {
    const char *filter;
    const char *others[8];
    const char *matches[8];
};

static void check_matching(struct test *t, const struct matching *table, size_t count)
{
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    for (size_t i = 0; i < count; i++) {
        struct client *subscriber =
            connect_client(t, .name = text(t, "%.30s", table[i].filter), .clean_start = true);
        subscribe(subscriber, topic(t, table[i].filter), .qos = 1);
        for (size_t k = 0; k < 8 && table[i].others[k] != NULL; k++)
            publish(publisher, .topic = topic(t, table[i].others[k]), .payload = "other", .qos = 1);
        for (size_t k = 0; k < 8 && table[i].matches[k] != NULL; k++) {
            const char *name = topic(t, table[i].matches[k]);
            publish(publisher, .topic = name, .payload = table[i].matches[k], .qos = 1);
            expect_publish(subscriber, .topic = name, .payload = table[i].matches[k]);
            expect_nothing_before(subscriber, .publisher = publisher, .topic = name, .qos = 1);
        }
        disconnect(subscriber);
    }
}

CONFORMANCE_TEST(filter_without_wildcard_matches_itself, V_ALL, NEEDS_QOS1,
                 "A Topic Filter without wildcards matches the very same Topic Name and no other", D_4_7_3_6,
                 D_4_7_3_7, D_4_7_1_1, D3_4_7_1_1, D3_4_7_3_6, D3_4_7_3_7)
{
    static const struct matching table[] = {
        {"a", {"b", "a/b", "aa", "a/"}, {"a"}},
        {"a/b", {"a", "b", "a/c", "a/b/c", "ab", "a/bb", "aa/b"}, {"a/b"}},
        {"a/b/c", {"a/b", "a/b/d", "a/b/c/d", "b/c", "a/x/c"}, {"a/b/c"}},
    };
    check_matching(t, table, sizeof table / sizeof *table);
}

CONFORMANCE_TEST(multi_level_wildcard_matches, V_ALL, NEEDS_QOS1 | NEEDS_WILDCARD,
                 "# matches the parent level and any number of levels below it", D_4_7_1_2_1, D_4_7_1_2_2,
                 D_4_7_3_7, D3_4_7_1_2_1, D3_4_7_1_2_2, D3_4_7_3_7)
{
    static const struct matching table[] = {
        {"sport/tennis/player1/#",
         {"sport/tennis", "sport/tennis/player2", "sport/tennis/player12", "sport/tennis/player2/ranking",
          "sport/tennis/player12/score", "tennis/player1"},
         {"sport/tennis/player1", "sport/tennis/player1/ranking", "sport/tennis/player1/score/wimbledon",
          "sport/tennis/player1/", "sport/tennis/player1//"}},
        {"sport/#", {"sports", "sports/x", "spor", "tennis/sport"}, {"sport", "sport/", "sport/a/b/c/d/e/f"}},
    };
    check_matching(t, table, sizeof table / sizeof *table);
}

CONFORMANCE_TEST(single_level_wildcard_matches, V_ALL, NEEDS_QOS1 | NEEDS_WILDCARD,
                 "+ matches exactly one level, which may be empty", D_4_7_1_3_1, D_4_7_3_7, D_4_7_1_1_2,
                 D3_4_7_1_1_2, D3_4_7_1_3_1, D3_4_7_3_7)
{
    static const struct matching table[] = {
        {"sport/tennis/+",
         {"sport/tennis", "sport/tennis/player1/ranking", "sport", "sport/golf/player1", "sport/tennis//"},
         {"sport/tennis/player1", "sport/tennis/player2", "sport/tennis/"}},
        {"sport/+", {"sport", "sport/a/b", "sport//"}, {"sport/", "sport/a"}},
        {"sport/+/player1",
         {"sport/player1", "sport/a/b/player1", "sport/a/player2", "sport/a/player1/x", "sport/a"},
         {"sport/tennis/player1", "sport//player1"}},
        {"+/b", {"b", "a/b/c", "a/c", "a/a/b", "/a/b"}, {"a/b", "/b"}},
    };
    check_matching(t, table, sizeof table / sizeof *table);
}

CONFORMANCE_TEST(wildcards_can_be_combined, V_ALL, NEEDS_QOS1 | NEEDS_WILDCARD,
                 "Several + in one Topic Filter, and + together with #, each match by their own rule",
                 D_4_7_1_3_2, D_4_7_1_3_1, D_4_7_1_2_1, D3_4_7_1_2_1, D3_4_7_1_3_1, D3_4_7_1_3_2)
{
    static const struct matching table[] = {
        {"+/tennis/#",
         {"tennis", "tennis/a", "sport/golf/tennis", "sport/a/tennis/b"},
         {"sport/tennis", "sport/tennis/a/b", "/tennis/"}},
        {"a/+/+/d", {"a/b/d", "a/b/c/c/d", "a/b/c", "a/b/c/d/e", "a/d"}, {"a/b/c/d", "a///d", "a/b//d"}},
        {"+/+", {"a", "a/b/c", "//"}, {"a/b", "/", "/b", "a/"}},
        {"a/+/#", {"a", "b/a/c"}, {"a/b", "a/b/c/d", "a/", "a//b"}},
    };
    check_matching(t, table, sizeof table / sizeof *table);
}

CONFORMANCE_TEST(empty_levels_count, V_ALL, NEEDS_QOS1,
                 "Separators at the start, at the end or side by side make levels of their own", D_4_7_1_1_1,
                 D_4_7_1_1_2, D_4_7_3_3, MQTT_4_7_3_4, MQTT3_4_7_3_4, D3_4_7_1_1_1, D3_4_7_1_1_2, D3_4_7_3_3)
{
    static const struct matching table[] = {
        {"a/b", {"a//b", "a/b/", "/a/b", "a/b//", "//a/b"}, {"a/b"}},
        {"a//b", {"a/b", "a///b", "a//b/", "a//"}, {"a//b"}},
        {"a/", {"a", "a//"}, {"a/"}},
        {"/a", {"a", "//a"}, {"/a"}},
        {"//", {"/", "///"}, {"//"}},
        {"/", {"//"}, {"/"}},
    };
    check_matching(t, table, sizeof table / sizeof *table);
}

CONFORMANCE_TEST(topics_are_case_sensitive, V_ALL, NEEDS_QOS1,
                 "Upper and lower case are different in Topic Names and Topic Filters", D_4_7_3_1, D_4_7_3_6,
                 MQTT_4_7_3_4, MQTT3_4_7_3_4, D3_4_7_3_1, D3_4_7_3_6)
{
    static const struct matching table[] = {
        {"ACCOUNTS", {"Accounts", "accounts", "ACCOUNTs"}, {"ACCOUNTS"}},
        {"accounts", {"Accounts", "ACCOUNTS"}, {"accounts"}},
        {"\xc3\xa9t\xc3\xa9", {"\xc3\x89T\xc3\x89", "\xc3\x89t\xc3\xa9"}, {"\xc3\xa9t\xc3\xa9"}},
    };
    check_matching(t, table, sizeof table / sizeof *table);
}

CONFORMANCE_TEST(spaces_are_characters, V_ALL, NEEDS_QOS1,
                 "Spaces in Topic Names and Topic Filters are allowed, and count", D_4_7_3_2, D_4_7_3_6,
                 MQTT_4_7_3_4, MQTT3_4_7_3_4, D3_4_7_3_2, D3_4_7_3_6)
{
    static const struct matching table[] = {
        {"Accounts payable",
         {"Accountspayable", "Accounts  payable", "Accounts payable "},
         {"Accounts payable"}},
        {" a", {"a", "  a", "a "}, {" a"}},
        {"a ", {"a", "a  ", " a"}, {"a "}},
        {" ", {"  ", ""}, {" "}},
        {"a/ /b", {"a//b", "a/b", "a/  /b"}, {"a/ /b"}},
    };
    check_matching(t, table, sizeof table / sizeof *table);
}

/* Pairs that look or mean the same elsewhere. The delivered Topic Name is compared byte by byte. */
CONFORMANCE_TEST(topics_are_not_normalised, V5 | V311, NEEDS_QOS1,
                 "Topic Names and Topic Filters are compared as they are, without any normalisation",
                 MQTT_4_7_3_4, MQTT3_4_7_3_4, MQTT_1_5_4_3, MQTT3_1_5_3_3, D_4_7_3_6, D3_4_7_3_6)
{
    static const struct matching table[] = {
        {"\xc3\xa9", {"e\xcc\x81", "e", "\xc3\x89"}, {"\xc3\xa9"}},    /* composed, decomposed */
        {"e\xcc\x81", {"\xc3\xa9", "e"}, {"e\xcc\x81"}},               /* decomposed, composed */
        {"\xe2\x84\xab", {"\xc3\x85", "A\xcc\x8a"}, {"\xe2\x84\xab"}}, /* angstrom sign, A with ring */
        {"\xef\xac\x81", {"fi"}, {"\xef\xac\x81"}},                    /* ligature fi */
        {"\xef\xbc\xa1", {"A", "a"}, {"\xef\xbc\xa1"}},                /* fullwidth A */
        {"a\xe2\x80\x8b", {"a"}, {"a\xe2\x80\x8b"}},                   /* zero width space */
        {"\xef\xbb\xbf"
         "a",
         {"a"},
         {"\xef\xbb\xbf"
          "a"}}, /* U+FEFF in front */
        {"a\xef\xbb\xbf",
         {"a", "\xef\xbb\xbf"
               "a"},
         {"a\xef\xbb\xbf"}},                               /* and behind */
        {"a\xef\xbb\xbf/b", {"a/b"}, {"a\xef\xbb\xbf/b"}}, /* and in the middle */
        {"a/./b", {"a/b", "a//b"}, {"a/./b"}},
        {"a/../b", {"b", "a/b"}, {"a/../b"}},
        {"%41", {"A", "a"}, {"%41"}},
        {"a\\b", {"a/b", "ab", "a\\\\b"}, {"a\\b"}},
        {"a*", {"a", "ab", "abc"}, {"a*"}},
        {"a?", {"ab", "a"}, {"a?"}},
        {"\xf0\x9f\x90\x9d", {"\xf0\x9f\x90\x9c", "?"}, {"\xf0\x9f\x90\x9d"}}, /* beyond the BMP */
    };
    check_matching(t, table, sizeof table / sizeof *table);
}

CONFORMANCE_TEST(wildcards_match_any_character, V5 | V311, NEEDS_QOS1 | NEEDS_WILDCARD,
                 "A Topic Name that a wildcard matched is delivered byte for byte, whatever its characters",
                 MQTT_4_7_3_4, MQTT3_4_7_3_4, MQTT_1_5_4_3, MQTT3_1_5_3_3)
{
    static const struct matching table[] = {
        {"a/+",
         {NULL},
         {"a/\xef\xbb\xbf", "a/\xef\xbb\xbfx", "a/e\xcc\x81", "a/%2f", "a/ ", "a/\xf0\x9f\x90\x9d", "a/*"}},
        {"b/#", {NULL}, {"b/\xef\xbb\xbf/x", "b/./..", "b/\xe2\x80\x8b", "b/\\", "b/$SYS", "b/$share/x/y"}},
    };
    check_matching(t, table, sizeof table / sizeof *table);
}

/* ---- Filters that begin with a wildcard ---------------------------------------------------------- */

/* A first level that nobody else uses. */
static const char *first_level(struct test *t, const char *name)
{
    return text(t, "etalon-%s-%u-%s", t->run, t->number, name);
}

/* The next PUBLISH that belongs to this test: these subscriptions see whatever the server holds. */
static const struct received *expect_own(struct client *client, const char *own, const char *wanted)
{
    struct test *t = client->test;
    const char *expected = text(t, "PUBLISH with topic \"%s\" to %s", wanted, client->name);
    for (;;) {
        const struct received *received;
        enum outcome outcome = receive_publish(client, now(t) + 2 * t->patience, &received);
        if (outcome != RECEIVED_PACKET)
            fail_expected(t, expected, "%s", describe_state(client, outcome));
        acknowledge(client, received);
        struct bytes payload = received->packet.publish.payload;
        if (payload.length < strlen(own) || memcmp(payload.data, own, strlen(own)) != 0)
            continue;
        if (!is_text(received->packet.publish.topic, wanted))
            fail_expected(t, expected, "%s", describe_packet(t, &received->packet));
        return received;
    }
}

CONFORMANCE_TEST(filters_that_begin_with_a_wildcard_match, V_ALL, NEEDS_QOS1 | NEEDS_WILDCARD | NEEDS_ALONE,
                 "#, +, +/+, +/# and /+ match at the root, each by its rule; / is a topic like others",
                 D_4_7_1_2_1, D_4_7_1_3_1, D_4_7_1_3_2, D_4_7_3_4, D_4_7_3_7, D3_4_7_1_2_1, D3_4_7_1_3_1,
                 D3_4_7_1_3_2, D3_4_7_3_4, D3_4_7_3_7)
{
    const char *a = first_level(t, "a");
    const char *names[] = {a, text(t, "/%s", a), text(t, "%s/b", a), text(t, "%s/b/c", a), "/"};
    static const struct {
        const char *filter;
        bool matches[5];
    } table[] = {
        {"#", {true, true, true, true, true}},         {"+", {true, false, false, false, false}},
        {"+/+", {false, true, true, false, true}},     {"/+", {false, true, false, false, true}},
        {"+/#", {true, true, true, true, true}},       {"/#", {false, true, false, false, true}},
        {"+/b/+", {false, false, false, true, false}}, {"/", {false, false, false, false, true}},
    };
    const char *own = first_level(t, "message");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct client *subscriber =
            connect_client(t, .name = text(t, "filter %s", table[i].filter), .clean_start = true);
        subscribe(subscriber, table[i].filter, .qos = 1);
        size_t last = 0;
        for (size_t k = 0; k < 5; k++) {
            publish(publisher, .topic = names[k], .payload = own, .qos = 1);
            if (!table[i].matches[k])
                continue;
            expect_own(subscriber, own, names[k]);
            last = k;
        }
        publish(publisher, .topic = names[last], .payload = text(t, "%s end", own), .qos = 1);
        const struct received *end = expect_own(subscriber, own, names[last]);
        require(t, is_text(end->packet.publish.payload, text(t, "%s end", own)),
                "a message came twice, or one that does not match: %s", describe_packet(t, &end->packet));
        disconnect(subscriber);
    }
}

/* ---- Topics that begin with $ -------------------------------------------------------------------- */

/* Publishes to a topic that begins with $; whether `subscriber`, subscribed to this very topic, gets it. The connection
 * of `publisher` may end. What comes later than `grace` seconds behind another publisher's message counts as not
 * exchanged, which accuses nobody. */
static bool exchanges(struct client *publisher, struct client *subscriber, const char *name, const char *own,
                      double grace)
{
    struct test *t = subscriber->test;
    const char *end = topic(t, "end-of-exchange");
    struct client *herald = connect_client(t, .name = "herald", .clean_start = true);
    if (subscribe(subscriber, name, .qos = 1, .may_be_refused = true) >= 0x80)
        return false;
    subscribe(subscriber, end, .qos = 1);
    send_publish(publisher, .topic = name, .payload = own, .qos = 1);
    const struct received *answer;
    if (receive(publisher, &answer) == RECEIVED_TIMEOUT)
        fail_statement(t, MQTT_4_3_2_4, MQTT3_4_3_2_2, "a PUBACK, or the connection closed",
                       "a QoS 1 PUBLISH to \"%s\" was neither acknowledged nor refused", name);
    publish(herald, .topic = end, .payload = "end", .qos = 1);
    const struct received *received = expect_publish(subscriber);
    bool exchanged = is_text(received->packet.publish.topic, name);
    if (exchanged)
        expect_publish(subscriber, .topic = end);
    else /* messages of two publishers come in any order: the other one may be on its way */
        exchanged = receive_publish(subscriber, now(t) + grace, &received) == RECEIVED_PACKET &&
                    is_text(received->packet.publish.topic, name);
    disconnect(herald);
    return exchanged;
}

CONFORMANCE_TEST(clients_do_not_exchange_messages_over_dollar_topics, V_ALL, NEEDS_QOS1,
                 "The server should keep clients from exchanging messages over topics that begin with $",
                 S_4_7_2_1, S3_4_7_2_1)
{
    const char *name = text(t, "$%s/b", first_level(t, "a"));
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    if (exchanges(publisher, subscriber, name, "message", 1))
        warn(t, "a message that one client published to \"%s\" reached another one", name);
}

/* A message to NAME, which begins with $, reached its subscriber; those of # and + must not get it. */
static void check_own_dollar_topic(struct test *t, struct client *publisher, struct client *exact,
                                   const char *name, const char *own)
{
    static const char *const filters[] = {"#", "+/#", "+/b", "+/+"};
    struct client *wild[4];
    const char *plain = text(t, "%s/b", first_level(t, "plain"));
    for (size_t i = 0; i < 4; i++) {
        wild[i] = connect_client(t, .name = text(t, "filter %s", filters[i]), .clean_start = true);
        subscribe(wild[i], filters[i], .qos = 1);
    }
    publish(publisher, .topic = name, .payload = own, .qos = 1);
    expect_publish(exact, .topic = name, .payload = own);
    publish(publisher, .topic = plain, .payload = own, .qos = 1);
    for (size_t i = 0; i < 4; i++)
        expect_own(wild[i], own, plain);
}

/* Demands that nothing that begins with $ comes to a client subscribed to `filter` before a message of our
 * own to `plain`. Retained messages are what comes first. */
static void check_system_topic(struct test *t, const char *filter, const char *plain)
{
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *wild = connect_client(t, .name = text(t, "%.30s", filter), .clean_start = true);
    const char *own = first_level(t, "message");
    subscribe(wild, filter, .qos = 1);
    publish(publisher, .topic = plain, .payload = own, .qos = 1);
    for (;;) {
        const struct received *received;
        enum outcome outcome = receive_publish(wild, now(t) + 2 * t->patience, &received);
        if (outcome != RECEIVED_PACKET)
            fail_expected(t, text(t, "the message to \"%s\"", plain), "%s", describe_state(wild, outcome));
        acknowledge(wild, received);
        struct bytes name = received->packet.publish.topic;
        if (name.length > 0 && name.data[0] == '$')
            fail_expected(t, text(t, "no Topic Name that begins with $ for the Topic Filter \"%s\"", filter),
                          "%s", describe_packet(t, &received->packet));
        if (is_text(received->packet.publish.payload, own))
            return;
    }
}

/* The first message under $SYS; NULL: the server has none now. */
static const struct received *find_system_topic(struct test *t)
{
    struct client *client = connect_client(t, .name = "positive control", .clean_start = true);
    const char *end = topic(t, "end-of-retained");
    const struct received *received;
    if (subscribe(client, "$SYS/#", .qos = 0, .may_be_refused = true) >= 0x80)
        return NULL;
    subscribe(client, end, .qos = 0);
    publish(client, .topic = end, .payload = "end");
    if (receive_publish(client, now(t) + 2 * t->patience, &received) != RECEIVED_PACKET)
        fail(t, "the sentinel did not come");
    struct bytes name = received->packet.publish.topic;
    return name.length > 6 && memcmp(name.data, "$SYS/", 5) == 0 ? received : NULL;
}

CONFORMANCE_TEST(wildcards_at_the_start_do_not_match_dollar, V_ALL, NEEDS_QOS1 | NEEDS_WILDCARD | NEEDS_ALONE,
                 "A Topic Filter that begins with # or + matches no Topic Name that begins with $",
                 MQTT_4_7_2_1, MQTT3_4_7_2_1)
{
    const char *name = text(t, "$%s/b", first_level(t, "a"));
    const char *own = first_level(t, "message");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *exact = connect_client(t, .name = "exact", .clean_start = true);
    bool exchanged =
        exchanges(publisher, exact, name, own, 0.25 + t->latency); /* the others wait for this test */
    if (exchanged)
        check_own_dollar_topic(t, publisher, exact, name, own);
    const struct received *found = find_system_topic(t);
    if (!exchanged && found == NULL)
        skip(t, "no message with a topic that begins with $ can be had from this server");
    if (found == NULL)
        return;
    struct bytes system = found->packet.publish.topic;
    const char *rest = text(t, "%.*s", (int)system.length - 4, (const char *)system.data + 4);
    note(t, "positive control: $SYS%s", rest);
    check_system_topic(t, "#", first_level(t, "plain"));
    check_system_topic(t, "+/#", first_level(t, "plain"));
    check_system_topic(t, text(t, "+%s", rest), text(t, "%s%s", first_level(t, "plain"), rest));
}

CONFORMANCE_TEST(dollar_elsewhere_is_a_character, V_ALL, NEEDS_QOS1 | NEEDS_WILDCARD,
                 "A $ that is not the first character of the Topic Name is like any other", D_4_7_3_7,
                 D_4_7_1_3_1, D_4_7_1_2_1, D3_4_7_1_2_1, D3_4_7_1_3_1, D3_4_7_3_7)
{
    static const struct matching table[] = {
        {"a/+", {"$a/b"}, {"a/$b", "a/$SYS", "a/$share"}},
        {"b/#", {"$b"}, {"b/$SYS/x", "b/$"}},
        {"+/c", {NULL}, {"$b/c", "$SYS/c", "b$/c"}}, /* behind the test's own first level */
    };
    check_matching(t, table, sizeof table / sizeof *table);
}

/* ---- Size ---------------------------------------------------------------------------------------- */

#define LONGEST 65535U

/* `prefix`, and behind it `pattern` again and again up to `length` bytes. */
static const char *long_topic(struct test *t, const char *prefix, const char *pattern, size_t length)
{
    char *made = test_allocate(t, length + 1);
    size_t at = strlen(prefix);
    memcpy(made, prefix, at);
    for (size_t i = 0; at < length; i++)
        made[at++] = pattern[i % strlen(pattern)];
    return made;
}

/* Waits for the answer to a SUBSCRIBE with a long filter. False, after a warning, when the server is busy with it
 * all the time: slowness is no failure. */
static bool await_long_suback(struct client *subscriber, const char *what, const struct received **answer)
{
    struct test *t = subscriber->test;
    double begun = now(t);
    enum outcome outcome = receive_until(subscriber, begun + 2 * t->patience, answer);
    if (outcome != RECEIVED_TIMEOUT)
        return true;
    send_pingreq(subscriber);
    outcome = receive_until(subscriber, now(t) + 4 * t->patience, answer);
    if (outcome == RECEIVED_PACKET && (*answer)->packet.type == PACKET_PINGRESP)
        fail(t, "the SUBSCRIBE was neither answered nor refused");
    if (outcome == RECEIVED_TIMEOUT)
        warn(t, "%s: the server was busy with the SUBSCRIBE for more than %.0f s", what, now(t) - begun);
    return outcome != RECEIVED_TIMEOUT;
}

/* Subscribes to `filter` and publishes to `name`, both long. A refusal is no failure, because a server may
 * have limits, but the text knows none for this: it is a warning. */
static void check_long_topic(struct test *t, const char *what, const char *filter, const char *name)
{
    uint32_t limit = t->capabilities->maximum_packet_size;
    if (limit != 0 && limit < strlen(name) + 40)
        skip(t, "the server's Maximum Packet Size is %u", limit);
    struct client *publisher = connect_client(t, .name = text(t, "publisher %s", what), .clean_start = true);
    struct client *subscriber =
        connect_client(t, .name = text(t, "subscriber %s", what), .clean_start = true);
    const struct received *answer;
    send_subscribe(subscriber, filter, .qos = 1);
    if (!await_long_suback(subscriber, what, &answer))
        return;
    if (subscriber->closed || answer->packet.type != PACKET_SUBACK ||
        answer->packet.suback.reason_codes.data[0] >= 0x80) {
        warn(t, "%s: the server refused the Topic Filter", what);
        return;
    }
    send_publish(publisher, .topic = name, .payload = what, .qos = 1);
    enum outcome outcome = receive_until(publisher, now(t) + 2 * t->patience, &answer);
    if (outcome == RECEIVED_TIMEOUT)
        fail(t, "the PUBLISH was neither acknowledged nor refused");
    if (outcome == RECEIVED_CLOSED || answer->packet.type != PACKET_PUBACK ||
        answer->packet.acknowledgement.reason_code >= 0x80) {
        warn(t, "%s: the server refused the Topic Name", what);
        return;
    }
    expect_publish(subscriber, .topic = name, .payload = what);
}

CONFORMANCE_TEST(longest_topics_are_delivered, V_ALL, NEEDS_QOS1 | NEEDS_LAST,
                 "Topic Names and Topic Filters of 65,535 bytes work like short ones", D_4_7_3_5, D_4_7_3_7,
                 D3_1_5_3_1, D3_4_7_3_5, D3_4_7_3_7)
{
    const char *name = long_topic(t, topic(t, "a/"), "0123456789", LONGEST);
    check_long_topic(t, "65,535 bytes", name, name);
    if (t->capabilities->wildcard)
        check_long_topic(t, "65,535 bytes and #", topic(t, "a/#"), name);
}

CONFORMANCE_TEST(number_of_levels_is_not_limited, V_ALL, NEEDS_QOS1 | NEEDS_LAST,
                 "Topic Names and Topic Filters can have as many levels as 65,535 bytes hold", D_4_7_3_5,
                 D3_4_7_3_5)
{
    static const size_t lengths[] = {600, 20000, LONGEST};
    allow_time(t, 12 * t->patience);
    for (size_t i = 0; i < 3; i++) {
        const char *name = long_topic(t, topic(t, text(t, "a%zu", i)), "/b", lengths[i]);
        check_long_topic(t, text(t, "%zu bytes of levels", lengths[i]), name, name);
    }
    if (!t->capabilities->wildcard)
        return;
    const char *filter = long_topic(t, topic(t, "plus"), "/+", LONGEST);
    check_long_topic(t, "65,535 bytes of +", filter, long_topic(t, topic(t, "plus"), "/b", LONGEST));
}

/* ---- The server's own topics --------------------------------------------------------------------- */

/* How a server uses them is its own affair; what is retained there comes before the answer to a ping. */
CONFORMANCE_TEST(dollar_topics_may_serve_the_server, V_ALL, NEEDS_WILDCARD,
                 "A server may use topics that begin with $ for purposes of its own", D_4_7_2_1, D3_4_7_2_1,
                 MQTT_3_8_4_1, MQTT3_3_8_4_1)
{
    struct client *client = connect_client(t, .clean_start = true);
    uint8_t code = subscribe(client, "$SYS/#", .may_be_refused = true);
    if (code >= 0x80)
        note(t, "a subscription to $SYS/# is refused with 0x%02X", code);
    ping(client);
    const struct received *message;
    unsigned count = 0;
    for (; receive_publish(client, now(t), &message) == RECEIVED_PACKET; count++)
        acknowledge(client, message);
    note(t, count > 0 ? "the server tells of itself below $SYS" : "nothing is retained below $SYS");
}
