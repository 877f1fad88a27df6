/* 4.7 Topic Names and Topic Filters, and the form of Shared Subscriptions (4.8.2). */
#include "support.h"

#include "mqtt/4_07_topics.h"

/* Rows judge a name or a filter: `five` and `three` are what it violates in 5.0 and before, NONE if it may
 * pass; `at` is the offending character. Where 5.0 gives no code, 0x81 and 0x82 are both right (0x8F and
 * 0x90 are not: they are for what is well formed). */
struct judged {
    const char *text;
    enum statement five;
    enum statement three;
    size_t at;
};

static void check_verdict(const struct judged *row, enum protocol_version version, struct verdict verdict)
{
    const enum statement expected = version == PROTOCOL_5_0 ? row->five : row->three;
    ck_assert_msg(verdict.refused == (expected != NONE), "\"%s\" in %s: %s", row->text, version_name(version),
                  verdict.refused ? "refused" : "accepted");
    if (!verdict.refused)
        return;
    ck_assert_msg(verdict.statement == expected, "\"%s\" in %s cites %s", row->text, version_name(version),
                  statement_describe(verdict.statement)->id);
    ck_assert(verdict.reason_code == REASON_MALFORMED_PACKET || verdict.reason_code == REASON_PROTOCOL_ERROR);
    ck_assert_msg(verdict.offset == 100 + row->at, "\"%s\" in %s: at %u", row->text, version_name(version),
                  verdict.offset - 100);
    ck_assert_ptr_nonnull(verdict.what);
}

/* Exact blocks, so that a sanitizer sees a step beyond the end. */
static struct bytes exactly(const char *text)
{
    const size_t length = strlen(text);
    uint8_t *room = octets_room(length);
    memcpy(room, text, length);
    return bytes_of(room, length);
}

/* 4.7.1, 4.7.3: names */
static const struct judged names[] = {
    {"a", NONE, NONE, 0},
    {"/", NONE, NONE, 0},
    {"//", NONE, NONE, 0},
    {"a/b/c", NONE, NONE, 0},
    {"/a", NONE, NONE, 0},
    {"a/", NONE, NONE, 0},
    {" ", NONE, NONE, 0},
    {"Accounts payable", NONE, NONE, 0},
    {"$SYS/broker/version", NONE, NONE, 0},
    {"$share/g/a", NONE, NONE, 0}, /* only a filter can be shared */
    {"$share//", NONE, NONE, 0},
    {"", MQTT_4_7_3_1, MQTT3_4_7_3_1, 0},
    {"#", MQTT_4_7_0_1, MQTT3_4_7_1_1, 0},
    {"+", MQTT_4_7_0_1, MQTT3_4_7_1_1, 0},
    {"a/#", MQTT_4_7_0_1, MQTT3_4_7_1_1, 2},
    {"a/+/b", MQTT_4_7_0_1, MQTT3_4_7_1_1, 2},
    {"a+", MQTT_4_7_0_1, MQTT3_4_7_1_1, 1},
    {"ab#cd", MQTT_4_7_0_1, MQTT3_4_7_1_1, 2},
    {"$SYS/#", MQTT_4_7_0_1, MQTT3_4_7_1_1, 5},
};

START_TEST(topic_names)
{
    const struct bytes name = exactly(names[_i].text);
    for (int v = 0; v < 3; v++)
        check_verdict(&names[_i], unit_versions[v], topic_name_check(name, unit_versions[v], 100));
    octets_free(name);
}
END_TEST

/* 4.7.1.2, 4.7.1.3, 4.8.2: filters */
static const struct judged filters[] = {
    {"a", NONE, NONE, 0},
    {"/", NONE, NONE, 0},
    {"#", NONE, NONE, 0},
    {"+", NONE, NONE, 0},
    {"/#", NONE, NONE, 0},
    {"+/#", NONE, NONE, 0},
    {"+/+", NONE, NONE, 0},
    {"/+", NONE, NONE, 0},
    {"+/", NONE, NONE, 0},
    {"+/+/+/+", NONE, NONE, 0},
    {"sport/tennis/#", NONE, NONE, 0},
    {"sport/+/player1", NONE, NONE, 0},
    {"+/tennis/#", NONE, NONE, 0},
    {"//#", NONE, NONE, 0},
    {"$SYS/#", NONE, NONE, 0},
    {"$SYS/+/x", NONE, NONE, 0},
    {"", MQTT_4_7_3_1, MQTT3_4_7_3_1, 0},
    {"#/", MQTT_4_7_1_1, MQTT3_4_7_1_2, 0},
    {"#/a", MQTT_4_7_1_1, MQTT3_4_7_1_2, 0},
    {"sport/tennis#", MQTT_4_7_1_1, MQTT3_4_7_1_2, 12},
    {"sport/#/ranking", MQTT_4_7_1_1, MQTT3_4_7_1_2, 6},
    {"a/#b", MQTT_4_7_1_1, MQTT3_4_7_1_2, 2},
    {"##", MQTT_4_7_1_1, MQTT3_4_7_1_2, 0},
    {"a/##", MQTT_4_7_1_1, MQTT3_4_7_1_2, 2},
    {"#/#", MQTT_4_7_1_1, MQTT3_4_7_1_2, 0},
    {"sport+", MQTT_4_7_1_2, MQTT3_4_7_1_3, 5},
    {"+a", MQTT_4_7_1_2, MQTT3_4_7_1_3, 0},
    {"a/b+/c", MQTT_4_7_1_2, MQTT3_4_7_1_3, 3},
    {"a/+b", MQTT_4_7_1_2, MQTT3_4_7_1_3, 2},
    {"++", MQTT_4_7_1_2, MQTT3_4_7_1_3, 0},
    {"+/++", MQTT_4_7_1_2, MQTT3_4_7_1_3, 2},

    {"$share/g/a", NONE, NONE, 0},
    {"$share/g/#", NONE, NONE, 0},
    {"$share/g/+/a", NONE, NONE, 0},
    {"$share/g//", NONE, NONE, 0},
    {"$share/g//a", NONE, NONE, 0},
    {"$share/ /a", NONE, NONE, 0},
    {"$share/g/$share/h/a", NONE, NONE, 0}, /* a filter, like any other, behind the ShareName */
    {"$shared/a", NONE, NONE, 0},
    {"$SHARE//a", NONE, NONE, 0},
    {"share//a", NONE, NONE, 0},
    {"/$share//a", NONE, NONE, 0},
    {"$share//a", MQTT_4_8_2_1, NONE, 7},
    {"$share//", MQTT_4_8_2_1, NONE, 7},
    {"$share/", MQTT_4_8_2_1, NONE, 7},
    {"$share/g", MQTT_4_8_2_2, NONE, 7},
    {"$share/group", MQTT_4_8_2_2, NONE, 11},
    {"$share/g/", MQTT_4_8_2_2, NONE, 8},
    {"$share/+/a", MQTT_4_8_2_2, NONE, 7},
    {"$share/#", MQTT_4_8_2_2, NONE, 7},
    {"$share/+", MQTT_4_8_2_2, NONE, 7},
    {"$share/a+b/c", MQTT_4_8_2_2, MQTT3_4_7_1_3, 7},
    {"$share/g#/c", MQTT_4_8_2_2, MQTT3_4_7_1_2, 7},
    {"$share/g/#/c", MQTT_4_7_1_1, MQTT3_4_7_1_2, 9},
    {"$share/g/c#", MQTT_4_7_1_1, MQTT3_4_7_1_2, 10},
    {"$share/g/c+", MQTT_4_7_1_2, MQTT3_4_7_1_3, 10},
};

START_TEST(topic_filters)
{
    const struct judged *row = &filters[_i];
    const struct bytes filter = exactly(row->text);
    for (int v = 0; v < 3; v++) {
        struct judged expected = *row;
        if (unit_versions[v] != PROTOCOL_5_0 && row->five == MQTT_4_8_2_2 && row->three != NONE)
            expected.at = 8; /* before 5.0 it is the wildcard itself that is wrong */
        check_verdict(&expected, unit_versions[v], topic_filter_check(filter, unit_versions[v], 100));
    }
    octets_free(filter);
}
END_TEST

/* 4.8.2: the parts of a Shared Subscription */
static const struct {
    const char *filter;
    const char *share_name; /* NULL: it is not one */
    const char *inner;
} shared[] = {
    {"$share/g/a", "g", "a"},    {"$share/group/a/b/#", "group", "a/b/#"},
    {"$share/g//", "g", "/"},    {"$share/g/$share/h/x", "g", "$share/h/x"},
    {"$share/g", NULL, NULL},    {"$share", NULL, NULL},
    {"$share/", NULL, NULL},     {"$shar/g/a", NULL, NULL},
    {"$shared/g/a", NULL, NULL}, {"a/$share/g/a", NULL, NULL},
    {"a", NULL, NULL},           {"", NULL, NULL},
};

START_TEST(shared_subscriptions)
{
    const struct bytes filter = exactly(shared[_i].filter);
    struct bytes share_name = bytes_of_text("untouched");
    struct bytes inner = bytes_of_text("untouched");
    const bool is_shared = topic_filter_shared(filter, &share_name, &inner);
    ck_assert_int_eq(is_shared, shared[_i].share_name != NULL);
    check_text(share_name, is_shared ? shared[_i].share_name : "untouched");
    check_text(inner, is_shared ? shared[_i].inner : "untouched");
    octets_free(filter);
}
END_TEST

/* 4.7.1 - 4.7.3: matching. The examples of the specification, and what their rules imply. */
static const struct {
    const char *filter;
    const char *name;
    bool matches;
} matches[] = {
    /* multi-level wildcard, with the parent level [D-4.7.1.2-2] */
    {"sport/tennis/player1/#", "sport/tennis/player1", true},
    {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
    {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
    {"sport/tennis/player1/#", "sport/tennis/player10", false},
    {"sport/tennis/player1/#", "sport/tennis", false},
    {"sport/#", "sport", true},
    {"sport/#", "sport/", true},
    {"sport/#", "sports", false},
    {"#", "a", true},
    {"#", "/", true},
    {"#", "a/b/c", true},
    {"/#", "/", true},
    {"/#", "/a", true},
    {"/#", "a", false},
    {"+/#", "a", true},
    {"+/#", "/a/b", true},
    /* single-level wildcard */
    {"sport/tennis/+", "sport/tennis/player1", true},
    {"sport/tennis/+", "sport/tennis/player1/ranking", false},
    {"sport/+", "sport", false},
    {"sport/+", "sport/", true},
    {"+", "a", true},
    {"+", "/finance", false},
    {"+/+", "/finance", true},
    {"/+", "/finance", true},
    {"+/+", "a", false},
    {"+/+", "a/b", true},
    {"+/+", "a/b/c", false},
    {"+", "/", false},
    {"+/+", "/", true},
    {"a/+/c", "a/b/c", true},
    {"a/+/c", "a//c", true},
    {"a/+/c", "a/c", false},
    {"a/+/+/d", "a/b/c/d", true},
    {"+/tennis/#", "a/tennis", true},
    {"+/tennis/#", "tennis", false},
    /* [MQTT-4.7.3-4] levels as they are: no normalisation, no folding */
    {"a", "a", true},
    {"a", "A", false},
    {"a", "/a", false},
    {"/a", "a", false},
    {"a", "a/", false},
    {"a/", "a", false},
    {"a//b", "a/b", false},
    {"a/b", "a//b", false},
    {"/", "/", true},
    {"/", "//", false},
    {"//", "//", true},
    {"a b", "a b", true},
    {"a", "a ", false},
    {"ab", "a", false},
    {"a", "ab", false},
    {"a/b", "a/b/c", false},
    {"a/b/c", "a/b", false},
    {"\xC3\xA4", "a\xCC\x88", false}, /* composed and decomposed are two names */
    {"\xEF\xBB\xBF"
     "a",
     "a", false},
    /* [MQTT-4.7.2-1] $ is matched by name only */
    {"#", "$SYS", false},
    {"#", "$SYS/monitor", false},
    {"+/monitor/Clients", "$SYS/monitor/Clients", false},
    {"+", "$SYS", false},
    {"+/#", "$SYS/monitor", false},
    {"$SYS/#", "$SYS/monitor/Clients", true},
    {"$SYS/#", "$SYS", true},
    {"$SYS/monitor/+", "$SYS/monitor/Clients", true},
    {"$SYS/+", "$SYS/x", true},
    {"$", "$", true},
    {"#", "a/$SYS", true},
    {"+/+", "a/$SYS", true},
    {"/#", "/$SYS", true},
    /* nothing is no topic */
    {"", "", false},
    {"#", "", false},
    {"+", "", false},
    {"", "a", false},
};

START_TEST(matching)
{
    const struct bytes filter = exactly(matches[_i].filter);
    const struct bytes name = exactly(matches[_i].name);
    ck_assert_msg(topic_matches(filter, name) == matches[_i].matches, "\"%s\" and \"%s\"", matches[_i].filter,
                  matches[_i].name);
    octets_free(filter);
    octets_free(name);
}
END_TEST

/* Levels: every '/' ends one, and what is left is one, empty or not. */
static const struct {
    const char *topic;
    const char *levels[5];
} split[] = {
    {"a", {"a"}},        {"a/b/c", {"a", "b", "c"}}, {"/", {"", ""}},      {"/a", {"", "a"}},
    {"a/", {"a", ""}},   {"a//b", {"a", "", "b"}},   {"//", {"", "", ""}}, {"", {""}},
    {"+/#", {"+", "#"}},
};

START_TEST(levels)
{
    struct bytes rest = bytes_of_text(split[_i].topic);
    struct bytes level;
    bool done = false;
    int count = 0;
    while (topic_next_level(&rest, &done, &level)) {
        ck_assert_int_lt(count, 4);
        ck_assert_ptr_nonnull(split[_i].levels[count]);
        check_text(level, split[_i].levels[count]);
        count++;
    }
    ck_assert_ptr_null(split[_i].levels[count]);
    ck_assert(!topic_next_level(&rest, &done, &level));
}
END_TEST

START_TEST(wildcards)
{
    static const struct {
        const char *text;
        bool has;
    } rows[] = {{"", false}, {"a", false}, {"/", false},  {"$SYS", false},
                {"#", true}, {"+", true},  {"a/#", true}, {"a+b", true}};
    for (int i = 0; i < COUNT(rows); i++)
        ck_assert_msg(topic_has_wildcard(bytes_of_text(rows[i].text)) == rows[i].has, "%s", rows[i].text);
    ck_assert(!topic_has_wildcard(bytes_of(NULL, 0)));
}
END_TEST

/* [MQTT-4.7.3-3] the greatest length, and as many levels as it can hold */
START_TEST(longest)
{
    uint8_t *room = octets_room(TOPIC_MAXIMUM_LENGTH);
    memset(room, '/', TOPIC_MAXIMUM_LENGTH);
    const struct bytes topic = bytes_of(room, TOPIC_MAXIMUM_LENGTH);
    ck_assert(!topic_name_check(topic, PROTOCOL_5_0, 0).refused);
    ck_assert(!topic_filter_check(topic, PROTOCOL_5_0, 0).refused);
    ck_assert(topic_matches(topic, topic));
    ck_assert(topic_matches(bytes_of_text("#"), topic));
    ck_assert(!topic_matches(bytes_of(room, TOPIC_MAXIMUM_LENGTH - 1), topic));
    room[TOPIC_MAXIMUM_LENGTH - 1] = '#';
    ck_assert(!topic_filter_check(topic, PROTOCOL_5_0, 0).refused);
    const struct verdict verdict = topic_name_check(topic, PROTOCOL_5_0, 7);
    ck_assert(verdict.refused);
    ck_assert_uint_eq(verdict.offset, 7 + TOPIC_MAXIMUM_LENGTH - 1);
    free(room);
}
END_TEST

Suite *suite_4_07_topics(void)
{
    Suite *suite = suite_create("4.7 Topics");
    TCase *form = tcase_create("form");
    tcase_add_loop_test(form, topic_names, 0, COUNT(names));
    tcase_add_loop_test(form, topic_filters, 0, COUNT(filters));
    tcase_add_loop_test(form, shared_subscriptions, 0, COUNT(shared));
    tcase_add_test(form, wildcards);
    tcase_add_test(form, longest);
    suite_add_tcase(suite, form);

    TCase *match = tcase_create("matching");
    tcase_add_loop_test(match, matching, 0, COUNT(matches));
    tcase_add_loop_test(match, levels, 0, COUNT(split));
    suite_add_tcase(suite, match);
    return suite;
}
