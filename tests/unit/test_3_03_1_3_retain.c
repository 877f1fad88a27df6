/* 3.3.1.3 RETAIN: the retained message of each topic. */
#include <check.h>
#include <stdlib.h>

#include "base/hash.h"
#include "mqtt/3_03_1_3_retain.h"

/* A stand-in: the tree must not look into messages. */
struct message {
    int found;
};

static struct retained_tree *tree;

static void set_up(void)
{
    tree = retained_create(1);
    ck_assert_ptr_nonnull(tree);
}

static void count_release(void *context, struct message *message)
{
    (void)message;
    ++*(size_t *)context;
}

static void tear_down(void)
{
    size_t released = 0;
    const uint64_t count = retained_count(tree);
    retained_destroy(tree, count_release, &released);
    ck_assert_uint_eq(released, count);
}

static bool count_found(void *context, struct message *message)
{
    ++*(size_t *)context;
    message->found++;
    return true;
}

static size_t matches(const char *filter)
{
    size_t found = 0;
    retained_match(tree, bytes_of_text(filter), count_found, &found);
    return found;
}

static struct message *put(const char *topic, struct message *message)
{
    struct message *previous;
    ck_assert(retained_put(tree, bytes_of_text(topic), message, &previous));
    return previous;
}

START_TEST(the_latest_message_of_a_topic_is_kept) /* [MQTT-3.3.1-5] [MQTT3-3.3.1-5] [MQTT3-3.3.1-7] */
{
    struct message first = {0}, second = {0}, other = {0};
    ck_assert_ptr_null(put("a/b", &first));
    ck_assert_ptr_null(put("a", &other));
    ck_assert_ptr_eq(put("a/b", &second), &first);
    ck_assert_ptr_eq(retained_get(tree, bytes_of_text("a/b")), &second);
    ck_assert_ptr_eq(retained_get(tree, bytes_of_text("a")), &other);
    ck_assert_ptr_null(retained_get(tree, bytes_of_text("a/b/c")));
    ck_assert_ptr_null(retained_get(tree, bytes_of_text("b")));
    ck_assert_uint_eq(retained_count(tree), 2);
}
END_TEST

START_TEST(a_removed_message_is_gone) /* [MQTT-3.3.1-6] [MQTT3-3.3.1-10] */
{
    struct message deep = {0}, shallow = {0};
    put("a/b/c", &deep);
    ck_assert_ptr_null(retained_remove(tree, bytes_of_text("a/b"))); /* a level, but no message */
    put("a/b", &shallow);
    ck_assert_ptr_eq(retained_remove(tree, bytes_of_text("a/b")), &shallow);
    ck_assert_uint_eq(matches("#"), 1);
    ck_assert_ptr_eq(retained_remove(tree, bytes_of_text("a/b/c")), &deep);
    ck_assert_ptr_null(retained_remove(tree, bytes_of_text("a/b/c")));
    ck_assert_uint_eq(matches("#"), 0);
    ck_assert_uint_eq(retained_count(tree), 0);
}
END_TEST

static const struct {
    const char *filter;
    size_t matches; /* of the topics below */
} cases[] = {
    /* 4.7.1, 4.7.2 [MQTT-4.7.2-1] [MQTT3-4.7.2-1], 4.7.3 [MQTT-4.7.3-4] [MQTT3-4.7.3-4] */
    {"#", 9},
    {"+", 2},
    {"+/+", 4},
    {"/+", 2},
    {"/", 1},
    {"//", 0},
    {"+/#", 9},
    {"sport/#", 4},
    {"sport/+", 2},
    {"sport/", 1},
    {"sport/tennis/#", 2},
    {"sport/tennis/+", 1},
    {"sport/tennis", 1},
    {"sport/+/player1", 1},
    {"+/tennis/#", 2},
    {"+/tennis", 1},
    {"Sport", 0},
    {"$SYS/#", 2},
    {"$SYS/+", 1},
    {"+/uptime", 0},
    {"$SYS/uptime", 1},
    {"a/#", 2},
    {"a/+", 0},
    {"a", 1},
    {"a/+/c/#", 1},
    {"none/#", 0},
};

START_TEST(filters_find_what_the_text_says)
{
    static const char *const topics[] = {
        "sport", "sport/", "sport/tennis", "sport/tennis/player1", "/", "/finance", "a",
        "a/b/c", "x/$y/z", "$SYS",         "$SYS/uptime"};
    struct message messages[11] = {{0}};
    for (size_t i = 0; i < 11; i++)
        put(topics[i], &messages[i]);
    ck_assert_msg(matches(cases[_i].filter) == cases[_i].matches, "%s: %zu", cases[_i].filter,
                  matches(cases[_i].filter));
    for (size_t i = 0; i < 11; i++)
        ck_assert_int_le(messages[i].found, 2); /* once in each call at most */
}
END_TEST

static bool stop_at_third(void *context, struct message *message)
{
    (void)message;
    return ++*(size_t *)context < 3;
}

START_TEST(the_walk_stops_when_told)
{
    static const char *const filters[] = {"#", "+", "+/#"};
    char topic[] = "a";
    struct message messages[10] = {{0}};
    for (size_t i = 0; i < 10; i++, topic[0]++)
        put(topic, &messages[i]);
    for (size_t i = 0; i < 3; i++) {
        size_t found = 0;
        retained_match(tree, bytes_of_text(filters[i]), stop_at_third, &found);
        ck_assert_uint_eq(found, 3);
    }
}
END_TEST

START_TEST(the_deepest_topics)
{
    static uint8_t topic[TOPIC_MAXIMUM_LENGTH];
    static uint8_t filter[TOPIC_MAXIMUM_LENGTH];
    struct message messages[2] = {{0}};
    struct message *previous;
    memset(topic, '/', sizeof topic);
    ck_assert(retained_put(tree, bytes_of(topic, sizeof topic), &messages[0], &previous));
    ck_assert(retained_put(tree, bytes_of(topic, 32767), &messages[1], &previous));
    ck_assert_uint_eq(matches("#"), 2);
    ck_assert_uint_eq(matches("+/+//#"), 2);

    size_t length = 0; /* "+/+/…/+": 32,768 levels, those of the shorter topic */
    while (length < sizeof filter) {
        filter[length] = length % 2 == 0 ? '+' : '/';
        length++;
    }
    size_t found = 0;
    retained_match(tree, bytes_of(filter, sizeof filter), count_found, &found);
    ck_assert_uint_eq(found, 1);
    ck_assert_int_eq(messages[1].found, 3);
    filter[sizeof filter - 1] = '#'; /* it, and all below it */
    found = 0;
    retained_match(tree, bytes_of(filter, sizeof filter), count_found, &found);
    ck_assert_uint_eq(found, 2);
}
END_TEST

/* The tree against the definition. */

static void random_text(uint64_t *state, const char *const *levels, size_t count, char *text)
{
    size_t length = 0;
    do {
        *state += UINT64_C(0x9E3779B97F4A7C15);
        const uint64_t random = hash_mix(*state);
        const char *level = levels[random % count];
        if (length > 0)
            text[length++] = '/';
        memcpy(text + length, level, strlen(level));
        length += strlen(level);
        if (level[0] == '#' || (random >> 32) % 4 == 0)
            break;
    } while (length < 24);
    if (length == 0)
        text[length++] = '/';
    text[length] = '\0';
}

enum { TOPICS = 400 };

struct model {
    char topics[TOPICS][64]; /* equal ones may occur: the last written counts */
    struct message messages[TOPICS];
    bool retained[TOPICS];
};

static void change(struct model *model, size_t topic, bool keep)
{
    const struct bytes name = bytes_of_text(model->topics[topic]);
    struct message *expected = NULL;
    for (size_t i = 0; i < TOPICS; i++) {
        if (model->retained[i] && strcmp(model->topics[i], model->topics[topic]) == 0) {
            expected = &model->messages[i];
            model->retained[i] = false;
        }
    }
    if (keep)
        ck_assert_ptr_eq(put(model->topics[topic], &model->messages[topic]), expected);
    else
        ck_assert_ptr_eq(retained_remove(tree, name), expected);
    model->retained[topic] = keep;
    ck_assert_ptr_eq(retained_get(tree, name), keep ? &model->messages[topic] : NULL);
}

START_TEST(random_changes_agree_with_the_definition)
{
    static const char *const filter_levels[] = {"a", "b", "", "+", "#", "$s", "ab", "+", "a"};
    static const char *const name_levels[] = {"a", "b", "", "$s", "ab"};
    static struct model model;
    char filter[64];
    uint64_t state = (uint64_t)_i;
    size_t found_at_all = 0;
    memset(&model, 0, sizeof model);
    for (size_t i = 0; i < TOPICS; i++)
        random_text(&state, name_levels, 5, model.topics[i]);
    for (int step = 0; step < 4000; step++) {
        state += UINT64_C(0x9E3779B97F4A7C15);
        const uint64_t random = hash_mix(state);
        change(&model, random % TOPICS, (random >> 40) % 2 == 0);
        random_text(&state, filter_levels, 9, filter);
        for (size_t i = 0; i < TOPICS; i++)
            model.messages[i].found = 0;
        found_at_all += matches(filter);
        for (size_t i = 0; i < TOPICS; i++) {
            const bool expected =
                model.retained[i] && topic_matches(bytes_of_text(filter), bytes_of_text(model.topics[i]));
            if (model.messages[i].found != expected) /* not ck_assert: each one is a message to the parent */
                ck_abort_msg("%s %s", filter, model.topics[i]);
        }
    }
    ck_assert_uint_gt(found_at_all, 0);
}
END_TEST

static bool always(void *context)
{
    (void)context;
    return true;
}

/* Node by node, with the message that was found last removed at each pause. */
START_TEST(a_walk_may_pause)
{
    static const char *const topics[] = {"a", "a/b", "a/b/c", "a/c", "b/b", "b/b/c", "/", "$x/b"};
    static const char *const filters[] = {"#", "+/b", "a/#", "+/+/c", "a/b", "a/+/#", "none/#", "$x/#"};
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        struct message messages[8] = {{0}};
        for (size_t j = 0; j < 8; j++)
            ck_assert_ptr_null(put(topics[j], &messages[j]));
        const size_t expected = matches(filters[i]);
        struct retained_walk walk = {.paused = false};
        size_t found = 0, removed = 0;
        bool ended;
        do {
            uint32_t budget = 1;
            ended =
                retained_walk(tree, &walk, bytes_of_text(filters[i]), &budget, always, count_found, &found);
            for (size_t j = 0; j < 8; j++)
                if (messages[j].found > 1 && retained_get(tree, bytes_of_text(topics[j])))
                    removed += retained_remove(tree, bytes_of_text(topics[j])) == &messages[j];
        } while (!ended);
        ck_assert_msg(found == expected, "%s: %zu of %zu", filters[i], found, expected);
        ck_assert_uint_eq(removed, expected);
        for (size_t j = 0; j < 8; j++)
            retained_remove(tree, bytes_of_text(topics[j]));
        ck_assert_uint_eq(retained_count(tree), 0);
    }
}
END_TEST

START_TEST(a_walk_may_be_abandoned)
{
    struct message message = {0}, other = {0};
    put("a/b/c", &message);
    struct retained_walk first = {.paused = false}, second = {.paused = false};
    size_t found = 0;
    uint32_t budget = 2; /* as far as "a/b", which is kept twice */
    ck_assert(!retained_walk(tree, &first, bytes_of_text("a/b/c"), &budget, always, count_found, &found));
    budget = 2;
    ck_assert(!retained_walk(tree, &second, bytes_of_text("a/b/#"), &budget, always, count_found, &found));
    ck_assert_ptr_eq(retained_remove(tree, bytes_of_text("a/b/c")), &message);
    retained_walk_abandon(tree, &first);
    retained_walk_abandon(tree, &first); /* harmless */
    put("a/b/d", &other);                /* comes later, and is met */
    budget = 100;
    ck_assert(retained_walk(tree, &second, bytes_of_text("a/b/#"), &budget, always, count_found, &found));
    ck_assert_uint_eq(found, 1);
    ck_assert_ptr_eq(retained_remove(tree, bytes_of_text("a/b/d")), &other);
}
END_TEST

Suite *suite_3_03_1_3_retain(void);

Suite *suite_3_03_1_3_retain(void)
{
    Suite *suite = suite_create("3_03_1_3_retain");
    TCase *tcase = tcase_create("retain");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, the_latest_message_of_a_topic_is_kept);
    tcase_add_test(tcase, a_removed_message_is_gone);
    tcase_add_loop_test(tcase, filters_find_what_the_text_says, 0, (int)(sizeof cases / sizeof *cases));
    tcase_add_test(tcase, the_walk_stops_when_told);
    tcase_add_test(tcase, the_deepest_topics);
    tcase_add_test(tcase, a_walk_may_pause);
    tcase_add_test(tcase, a_walk_may_be_abandoned);
    tcase_add_loop_test(tcase, random_changes_agree_with_the_definition, 0, 4);
    suite_add_tcase(suite, tcase);
    return suite;
}
