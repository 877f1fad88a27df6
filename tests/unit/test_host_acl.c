/* host/acl: what a user may do by an ACL file. Rights are asked for as one line "USER CLIENT ACCESS TOPIC";
 * the user "-" is nobody in particular. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/acl.h"
#include "mqtt/4_07_topics.h"

static const struct hash_key key = {.first = 3, .second = 4};

struct mistakes {
    size_t count;
    size_t line;
    char text[400]; /* of the first one */
};

static void remember(void *context, size_t line, const char *text)
{
    struct mistakes *mistakes = context;
    if (mistakes->count++ > 0)
        return;
    mistakes->line = line;
    snprintf(mistakes->text, sizeof mistakes->text, "%s", text);
}

static struct acl *parse(const char *text, size_t length, struct mistakes *mistakes)
{
    const struct text_sink sink = {.context = mistakes, .mistake = remember};
    *mistakes = (struct mistakes){0};
    char *copy = malloc(length ? length : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, length);
    struct acl *acl = acl_parse(bytes_of(copy, length), &key, &sink);
    free(copy); /* nothing of it is borrowed */
    ck_assert((acl == NULL) == (mistakes->count > 0));
    return acl;
}

static struct acl *accept_text(const char *text)
{
    struct mistakes mistakes;
    struct acl *acl = parse(text, strlen(text), &mistakes);
    ck_assert_msg(acl != NULL, "%zu: %s", mistakes.line, mistakes.text);
    return acl;
}

static bool asks(const struct acl *acl, const char *user, const char *client, enum access access,
                 const char *topic)
{
    const struct authorisation question = {.access = access,
                                           .client_identifier = bytes_of_text(client),
                                           .has_user_name = strcmp(user, "-") != 0,
                                           .user_name = bytes_of_text(user),
                                           .topic = bytes_of_text(topic)};
    return acl_allows(acl, &question);
}

/* `rights`: of "r" (receive), "w" (publish) and "s" (subscribe) those that there are. */
static void check_rights(const struct acl *acl, const char *user, const char *client, const char *topic,
                         const char *rights)
{
    char found[4] = "";
    if (!topic_has_wildcard(bytes_of_text(topic))) {
        strcat(found, asks(acl, user, client, ACCESS_RECEIVE, topic) ? "r" : "");
        strcat(found, asks(acl, user, client, ACCESS_PUBLISH, topic) ? "w" : "");
    }
    strcat(found, asks(acl, user, client, ACCESS_SUBSCRIBE, topic) ? "s" : "");
    ck_assert_msg(strcmp(found, rights) == 0, "%s (%s) at %s: %s, not %s", user, client, topic, found,
                  rights);
}

START_TEST(what_is_not_allowed_is_forbidden)
{
    struct acl *acl = accept_text("");
    check_rights(acl, "-", "c", "t", "s");
    check_rights(acl, "u", "c", "t", "s");
    ck_assert(!acl_has_users(acl));
    acl_destroy(acl);
    acl_destroy(NULL);
}
END_TEST

START_TEST(users_have_their_own_lines)
{
    struct acl *acl =
        accept_text("# all\r\n\r\ntopic read a\r\nuser u\r\n topic\twrite  b \r\ntopic c\r\nuser v w\r\n"
                    "topic readwrite d\r\nuser u\r\ntopic read e e\r\nuser nothing");
    check_rights(acl, "-", "c", "a", "rs");
    check_rights(acl, "u", "c", "a", "s"); /* what is for nobody in particular is not for users */
    check_rights(acl, "u", "c", "b", "ws");
    check_rights(acl, "u", "c", "c", "rws");
    check_rights(acl, "u", "c", "e e", "rs");
    check_rights(acl, "u", "c", "d", "s");
    check_rights(acl, "v w", "c", "d", "rws");
    check_rights(acl, "v", "c", "d", "s");
    check_rights(acl, "", "c", "a", "s"); /* a user, if with an empty name */
    check_rights(acl, "nothing", "c", "a", "s");
    check_rights(acl, "other", "c", "a", "s");
    ck_assert(acl_has_users(acl));
    acl_destroy(acl);
}
END_TEST

/* The rule matches what a Topic Filter matches. */
START_TEST(rules_are_topic_filters)
{
    static const char *const filters[] = {"a",     "a/b",  "a/+", "+/b",   "a/#", "#",      "+",
                                          "+/+",   "a//b", "/",   "+/+/#", "$s",  "$s/#",   "$s/+",
                                          "a/+/c", "/+/b", "a/",  "+/b/#", "/#",  "b/+/+/d"};
    static const char *const names[] = {"a", "b",      "a/b",     "a/c", "a/b/c", "a//b",
                                        "/", "//",     "/a/b",    "a/",  "$s",    "$s/x",
                                        "$", "$s/x/y", "b/a/c/d", "/b",  "A",     "a/b/c/d/e/f"};
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        char text[40];
        snprintf(text, sizeof text, "topic %s", filters[i]);
        struct acl *acl = accept_text(text);
        for (size_t j = 0; j < sizeof names / sizeof *names; j++) {
            const bool matches = topic_matches(bytes_of_text(filters[i]), bytes_of_text(names[j]));
            check_rights(acl, "-", "c", names[j], matches ? "rws" : "s");
        }
        acl_destroy(acl);
    }
}
END_TEST

START_TEST(deny_comes_first)
{
    struct acl *acl =
        accept_text("topic #\ntopic deny a/#\ntopic readwrite a/b\nuser u\ntopic deny x\ntopic read x\n"
                    "pattern y\npattern deny y/z\npattern y/#\nuser v\ntopic y/z\ntopic deny y");
    check_rights(acl, "-", "c", "b", "rws");
    check_rights(acl, "-", "c", "a", "");
    check_rights(acl, "-", "c", "a/b", "");
    check_rights(acl, "u", "c", "x", "");
    check_rights(acl, "u", "c", "y", "rws");
    check_rights(acl, "u", "c", "y/z", "s");
    check_rights(acl, "u", "c", "y/q", "rws");
    check_rights(acl, "v", "c", "y/z", "rws"); /* own lines win over patterns */
    check_rights(acl, "v", "c", "y", "");
    acl_destroy(acl);
}
END_TEST

/* A subscription is refused only when nothing can come of it. */
START_TEST(subscriptions_that_are_denied)
{
    struct acl *acl =
        accept_text("topic deny a/#\ntopic deny b/+\ntopic deny $SYS/#\ntopic deny c/d\ntopic deny +/e");
    static const struct {
        const char *filter;
        bool granted;
    } rows[] = {{"a", false},
                {"a/#", false},
                {"a/+/x", false},
                {"a/b", false},
                {"b", true},
                {"b/#", true},
                {"b/+", false},
                {"b/x", false},
                {"b/x/y", true},
                {"#", true},
                {"+", true},
                {"$SYS/#", false},
                {"$SYS/a", false},
                {"$SYS", false},
                {"$other/e", true},
                {"c/+", true},
                {"c/d", false},
                {"c/d/#", true},
                {"+/#", true},
                {"+/e", false},
                {"x/e", false},
                {"+/+", true},
                {"$share/g/a/x", false},
                {"$share/g/x", true},
                {"$share/g/$SYS/#", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_msg(asks(acl, "-", "c", ACCESS_SUBSCRIBE, rows[i].filter) == rows[i].granted, "%s",
                      rows[i].filter);
    check_rights(acl, "u", "c", "a", "s"); /* somebody else's lines */
    acl_destroy(acl);
    acl = accept_text("topic deny #");
    ck_assert(!asks(acl, "-", "c", ACCESS_SUBSCRIBE, "#"));
    ck_assert(!asks(acl, "-", "c", ACCESS_SUBSCRIBE, "+/a"));
    ck_assert(asks(acl, "-", "c", ACCESS_SUBSCRIBE, "$SYS/#"));
    acl_destroy(acl);
}
END_TEST

START_TEST(patterns_have_names)
{
    struct acl *acl = accept_text("user x\npattern write s/%u/data\npattern read d/%c/#\npattern p/%u/%c\n"
                                  "pattern read dev-%c/+\npattern %u\npattern q/%uu");
    check_rights(acl, "u", "c", "s/u/data", "ws");
    check_rights(acl, "x", "c", "s/x/data", "ws");
    check_rights(acl, "u", "c", "s/v/data", "s");
    check_rights(acl, "u", "c", "s/%u/data", "s");
    check_rights(acl, "u", "c", "s/uu/data", "s");
    check_rights(acl, "uu", "c", "s/u/data", "s");
    check_rights(acl, "-", "c", "s/u/data", "s"); /* nobody has no name */
    check_rights(acl, "-", "c", "s//data", "s");
    check_rights(acl, "", "c", "s//data", "s");
    check_rights(acl, "-", "c", "d/c", "rs");
    check_rights(acl, "-", "c", "d/c/x", "rs");
    check_rights(acl, "-", "c", "d/e/x", "s");
    check_rights(acl, "u", "c", "p/u/c", "rws");
    check_rights(acl, "u", "c", "p/c/u", "s");
    check_rights(acl, "u", "c", "dev-c/x", "rs");
    check_rights(acl, "u", "c", "dev-/x", "s");
    check_rights(acl, "u", "c", "dev-cc/x", "s");
    check_rights(acl, "u", "c", "u", "rws");
    check_rights(acl, "u", "c", "q/uu", "rws");
    check_rights(acl, "u", "c", "q/u", "s");
    acl_destroy(acl);
}
END_TEST

/* CVE-2017-7650 and its relatives: no name, however it's chosen, gives rights at what is another's. */
START_TEST(names_widen_nothing)
{
    struct acl *acl =
        accept_text("pattern readwrite s/%u/data\npattern readwrite d/%c/data\npattern readwrite %u/x");
    static const char *const names[] = {"+",      "#",      "+/+", "u/#", "u/+", "/",
                                        "a/data", "u/data", "%u",  "%c",  "$SYS"};
    static const char *const topics[] = {"s/u/data", "d/c/data",   "s/a/data/data", "s/u/data/data",
                                         "s//",      "s/a/b/data", "d/a/data/data", "u/x",
                                         "$SYS/x",   "u/data/x"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (size_t j = 0; j < sizeof topics / sizeof *topics; j++) {
            check_rights(acl, names[i], names[i], topics[j], "s");
            check_rights(acl, "-", names[i], topics[j], "s");
        }
    }
    check_rights(acl, "%c", "c", "s/c/data", "s"); /* what was put in is not looked at again */
    check_rights(acl, "%c", "c", "s/%c/data", "rws");
    check_rights(acl, "a b", "c", "s/a b/data", "rws");
    acl_destroy(acl);
}
END_TEST

START_TEST(mistakes_have_their_line)
{
    static char deep[500] = "topic a", deepest[500] = "topic a";
    for (int i = 0; i < 199; i++)
        strcat(deepest, "/a");
    strcpy(deep, deepest);
    strcat(deep, "/a");
    acl_destroy(accept_text(deepest));
    const struct {
        const char *text;
        size_t line;
        const char *word;
    } cases[] = {
        {"topic a\n\n# x\ntopics a", 4, "\"topics\" is none of user, topic and pattern"},
        {"topic", 1, "topic is missing"},
        {"topic read", 1, "topic is missing"},
        {"pattern deny  ", 1, "topic is missing"},
        {"topic all a", 1, "\"all\" is none of read"},
        {"topic Read a", 1, "none of read"},
        {"user", 1, "name of the user"},
        {"user  ", 1, "name of the user"},
        {"user \xC3(", 1, "UTF-8"},
        {"topic a/#/b", 1, "no Topic Filter"},
        {"topic a+", 1, "no Topic Filter"},
        {"topic read #a", 1, "no Topic Filter"},
        {"topic \xFF", 1, "UTF-8"},
        {"topic a/%u", 1, "pattern only"},
        {"pattern a/%u%c", 1, "more than one"},
        {"pattern a/%u-%u/b", 1, "more than one"},
        {deep, 1, "200 are possible"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mistakes mistakes;
        ck_assert(parse(cases[i].text, strlen(cases[i].text), &mistakes) == NULL);
        ck_assert_msg(
            mistakes.count == 1 && mistakes.line == cases[i].line && strstr(mistakes.text, cases[i].word),
            "%s: %zu mistakes, line %zu: %s", cases[i].text, mistakes.count, mistakes.line, mistakes.text);
    }
    struct mistakes mistakes;
    ck_assert(parse("topic a\0b", 9, &mistakes) == NULL);
    ck_assert(parse("x\nx\ntopic y\nx", 13, &mistakes) == NULL);
    ck_assert_uint_eq(mistakes.count, 3);
    ck_assert_uint_eq(mistakes.line, 1);
}
END_TEST

/* Many rules and users: all of them are found, and none beside them. */
START_TEST(many_rules)
{
    enum { USERS = 200, RULES = 100 };
    char *text = malloc(USERS * (RULES * 40 + 40));
    size_t length = 0;
    ck_assert_ptr_nonnull(text);
    for (int user = 0; user < USERS; user++) {
        length += (size_t)sprintf(text + length, "user u%d\n", user);
        for (int rule = 0; rule < RULES; rule++)
            length += (size_t)sprintf(text + length, "topic %s a/%d/+/%d\n", rule % 2 ? "read" : "write",
                                      rule, user);
    }
    struct acl *acl = accept_text(text);
    free(text);
    for (int i = 0; i < USERS * RULES; i += 7) {
        char name[20], topic[40], other[40];
        const int user = i / RULES, rule = i % RULES;
        snprintf(name, sizeof name, "u%d", user);
        snprintf(topic, sizeof topic, "a/%d/x/%d", rule, user);
        snprintf(other, sizeof other, "a/%d/x/%d", rule, user + 1);
        if (asks(acl, name, "c", ACCESS_RECEIVE, topic) != (rule % 2 == 1) ||
            asks(acl, name, "c", ACCESS_PUBLISH, topic) != (rule % 2 == 0) ||
            asks(acl, name, "c", ACCESS_RECEIVE, other) || asks(acl, name, "c", ACCESS_PUBLISH, other))
            ck_abort_msg("%s at %s", name, topic);
    }
    acl_destroy(acl);
}
END_TEST

Suite *suite_host_acl(void);
Suite *suite_host_acl(void)
{
    Suite *suite = suite_create("host/acl");
    TCase *reading = tcase_create("reading");
    TCase *rights = tcase_create("rights");
    tcase_add_test(reading, mistakes_have_their_line);
    tcase_add_test(reading, many_rules);
    tcase_add_test(rights, what_is_not_allowed_is_forbidden);
    tcase_add_test(rights, users_have_their_own_lines);
    tcase_add_test(rights, rules_are_topic_filters);
    tcase_add_test(rights, deny_comes_first);
    tcase_add_test(rights, subscriptions_that_are_denied);
    tcase_add_test(rights, patterns_have_names);
    tcase_add_test(rights, names_widen_nothing);
    suite_add_tcase(suite, reading);
    suite_add_tcase(suite, rights);
    return suite;
}
