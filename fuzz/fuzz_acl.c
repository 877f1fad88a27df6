/* fuzz_acl: an ACL file, and questions about it. The input is the file up to the first zero byte; behind it,
 * separated by zero bytes, a user name, a Client Identifier and a topic for each question. The answers are
 * compared with those of a list of rules that is gone through from the front, by the definitions of 4.7. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "host/acl.h"
#include "mqtt/1_5_data_representation.h"
#include "mqtt/4_07_topics.h"

enum { RULES = 64, QUESTIONS = 16, READ = 1, WRITE = 2, DENY = 4 };

struct rule {
    bool pattern;
    bool anonymous;
    struct bytes user;
    int rights;
    struct bytes filter;
};

struct rules {
    size_t count;
    bool overflow; /* there are more: nothing is compared */
    struct rule items[RULES];
};

struct mistakes {
    size_t count;
    size_t lines; /* of the text */
    size_t places[TEXT_MOST_MISTAKES];
};

static void on_mistake(void *context, size_t line, const char *text)
{
    struct mistakes *mistakes = context;
    REQUIRE(line >= 1 && line <= mistakes->lines && text[0] != '\0');
    for (; *text != '\0'; text++)
        REQUIRE((uint8_t)*text >= 0x20 && *text != 0x7F);
    REQUIRE(mistakes->count < TEXT_MOST_MISTAKES);
    mistakes->places[mistakes->count++] = line;
}

static size_t count_lines(struct bytes text)
{
    size_t count = 1;
    for (size_t i = 0; i < text.length; i++)
        count += text.data[i] == '\n';
    return count;
}

static struct acl *parse(struct bytes text, struct mistakes *mistakes)
{
    static const struct hash_key key = {.first = 5, .second = 6};
    const struct text_sink sink = {.context = mistakes, .mistake = on_mistake};
    *mistakes = (struct mistakes){.lines = count_lines(text)};
    struct acl *acl = acl_parse(text, &key, &sink);
    REQUIRE((acl == NULL) == (mistakes->count > 0));
    return acl;
}

/* The list of rules, of a file that was accepted. */

static struct bytes trim(struct bytes text)
{
    while (text.length > 0 && strchr(" \t", text.data[0]) && text.data[0])
        text = bytes_after(text, 1);
    while (text.length > 0 && strchr(" \t", text.data[text.length - 1]) && text.data[text.length - 1])
        text.length--;
    return text;
}

static bool begins(struct bytes text, const char *word, struct bytes *rest)
{
    const size_t length = strlen(word);
    if (text.length <= length || memcmp(text.data, word, length) != 0 ||
        (text.data[length] != ' ' && text.data[length] != '\t'))
        return false;
    *rest = trim(bytes_after(text, length));
    return true;
}

static void add(struct rules *rules, struct rule rule, struct bytes rest)
{
    static const struct {
        const char *word;
        int rights;
    } words[] = {{"read", READ}, {"write", WRITE}, {"readwrite", READ | WRITE}, {"deny", DENY}};
    rule.rights = READ | WRITE;
    rule.filter = rest;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (begins(rest, words[i].word, &rule.filter))
            rule.rights = words[i].rights;
    }
    if (rules->count == RULES)
        rules->overflow = true;
    else
        rules->items[rules->count++] = rule;
}

static void list_rules(struct rules *rules, struct bytes text)
{
    struct rule present = {.anonymous = true};
    struct text_lines lines = text_lines_of(text);
    struct bytes line, rest;
    *rules = (struct rules){.count = 0};
    while (text_next_line(&lines, &line)) {
        line = trim(line);
        if (line.length == 0 || line.data[0] == '#')
            continue;
        if (begins(line, "user", &rest)) {
            present.anonymous = false;
            present.user = rest;
        } else if (begins(line, "topic", &rest)) {
            add(rules, present, rest);
        } else {
            REQUIRE(begins(line, "pattern", &rest));
            add(rules, (struct rule){.pattern = true}, rest);
        }
    }
}

/* The naive answer. */

/* A level of a pattern with the name put in; false: there is none to be put in. Longer than any that matters
 * is cut. */
static bool put_in(struct bytes level, const struct authorisation *question, char *out, size_t size,
                   size_t *length)
{
    *length = 0;
    for (size_t i = 0; i < level.length && *length < size; i++) {
        struct bytes piece = bytes_of(level.data + i, 1);
        if (level.data[i] == '%' && i + 1 < level.length &&
            (level.data[i + 1] == 'u' || level.data[i + 1] == 'c')) {
            piece = level.data[i + 1] == 'c'  ? question->client_identifier
                    : question->has_user_name ? question->user_name
                                              : bytes_of(NULL, 0);
            if (piece.length == 0)
                return false;
            i++;
        }
        for (size_t j = 0; j < piece.length && *length < size; j++)
            out[(*length)++] = (char)piece.data[j];
    }
    return true;
}

static bool matches_pattern(struct bytes filter, const struct authorisation *question)
{
    struct bytes topic = question->topic, wanted, level;
    bool filter_done = false, topic_done = false;
    for (bool first = true;; first = false) {
        const bool more = topic_next_level(&filter, &filter_done, &wanted);
        const bool there = topic_next_level(&topic, &topic_done, &level);
        if (more && bytes_equal(wanted, bytes_of_text("#")))
            return !first || question->topic.data[0] != '$';
        if (!more || !there)
            return !more && !there;
        char text[2000];
        size_t length;
        const bool plain =
            !memmem(wanted.data, wanted.length, "%u", 2) && !memmem(wanted.data, wanted.length, "%c", 2);
        if (first && question->topic.data[0] == '$' && (!plain || bytes_equal(wanted, bytes_of_text("+"))))
            return false;
        if (!bytes_equal(wanted, bytes_of_text("+")) &&
            (!put_in(wanted, question, text, sizeof text, &length) ||
             !bytes_equal(bytes_of(text, length), level)))
            return false;
    }
}

static bool is_own(const struct rule *rule, const struct authorisation *question)
{
    if (rule->pattern)
        return false;
    return rule->anonymous ? !question->has_user_name
                           : question->has_user_name && bytes_equal(rule->user, question->user_name);
}

static bool naive_allows(const struct rules *rules, const struct authorisation *question)
{
    const int needed = question->access == ACCESS_PUBLISH ? WRITE : READ;
    int own = 0, patterns = 0;
    for (size_t i = 0; i < rules->count; i++) {
        const struct rule *rule = &rules->items[i];
        if (is_own(rule, question) && topic_matches(rule->filter, question->topic))
            own |= rule->rights;
        if (rule->pattern && matches_pattern(rule->filter, question))
            patterns |= rule->rights;
    }
    if (own & DENY)
        return false;
    return (own & needed) || (!(patterns & DENY) && (patterns & needed));
}

/* Questions. */

static bool next_part(struct bytes *rest, struct bytes *part)
{
    if (rest->length == 0)
        return false;
    const uint8_t *end = memchr(rest->data, 0, rest->length);
    *part = bytes_of(rest->data, end ? (size_t)(end - rest->data) : rest->length);
    *rest = bytes_after(*rest, end ? part->length + 1 : part->length);
    return true;
}

static bool allows(const struct acl *acl, struct authorisation question, enum access access)
{
    question.access = access;
    return acl_allows(acl, &question);
}

static bool naively(const struct rules *rules, struct authorisation question, enum access access)
{
    question.access = access;
    return naive_allows(rules, &question);
}

static void check_question(const struct acl *acl, const struct rules *rules,
                           const struct authorisation *question)
{
    if (topic_name_check(question->topic, PROTOCOL_5_0, 0).refused) {
        if (!topic_filter_check(question->topic, PROTOCOL_5_0, 0).refused)
            (void)allows(acl, *question, ACCESS_SUBSCRIBE);
        return;
    }
    REQUIRE(allows(acl, *question, ACCESS_PUBLISH) == naively(rules, *question, ACCESS_PUBLISH));
    REQUIRE(allows(acl, *question, ACCESS_RECEIVE) == naively(rules, *question, ACCESS_RECEIVE));
    if (!allows(acl, *question, ACCESS_SUBSCRIBE)) /* only if nothing can come of it */
        REQUIRE(!allows(acl, *question, ACCESS_RECEIVE));
}

/* Of two topics in the questions, one a filter: a refused subscription has nothing to receive. */
static void check_subscriptions(const struct acl *acl, const struct authorisation *questions, size_t count)
{
    for (size_t i = 0; i < count * count; i++) {
        struct authorisation asked = questions[i / count];
        const struct bytes filter = asked.topic;
        asked.topic = questions[i % count].topic;
        if (topic_filter_check(filter, PROTOCOL_3_1_1, 0).refused ||
            topic_name_check(asked.topic, PROTOCOL_5_0, 0).refused)
            continue;
        struct authorisation subscription = asked;
        subscription.topic = filter;
        if (!allows(acl, subscription, ACCESS_SUBSCRIBE) && topic_matches(filter, asked.topic))
            REQUIRE(!allows(acl, asked, ACCESS_RECEIVE));
    }
}

static void ask(const struct acl *acl, const struct rules *rules, struct bytes rest)
{
    struct authorisation questions[QUESTIONS];
    size_t count = 0;
    struct bytes user, client, topic;
    while (count < QUESTIONS && next_part(&rest, &user) && next_part(&rest, &client) &&
           next_part(&rest, &topic)) {
        size_t bad;
        if (utf8_check(topic, &bad) != UTF8_WELL_FORMED)
            continue;
        questions[count++] = (struct authorisation){
            .client_identifier = client, .has_user_name = user.length > 0, .user_name = user, .topic = topic};
        if (!rules->overflow)
            check_question(acl, rules, &questions[count - 1]);
    }
    check_subscriptions(acl, questions, count);
}

static void check_comment_in_front(struct bytes text, const struct mistakes *before)
{
    static struct mistakes after;
    uint8_t *longer = malloc(text.length + 2);
    if (!longer)
        exit(2);
    memcpy(longer, "#\n", 2);
    if (text.length > 0)
        memcpy(longer + 2, text.data, text.length);
    if (text.length == 0 || text.data[0] != 0xEF) { /* a mark in front of all is none behind a comment */
        acl_destroy(parse(bytes_of(longer, text.length + 2), &after));
        REQUIRE(after.count == before->count);
        for (size_t i = 0; i < after.count; i++)
            REQUIRE(after.places[i] == before->places[i] + 1);
    }
    free(longer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mistakes mistakes;
    static struct rules rules;
    struct bytes rest = bytes_of(data, size), part = {NULL, 0};
    next_part(&rest, &part);
    const struct bytes text = fuzz_exact_copy(part);
    struct acl *acl = parse(text, &mistakes);
    check_comment_in_front(text, &mistakes);
    if (acl) {
        list_rules(&rules, text);
        const struct bytes questions = fuzz_exact_copy(rest);
        ask(acl, &rules, questions);
        fuzz_free(questions);
    }
    acl_destroy(acl);
    fuzz_free(text);
    return 0;
}
