/* 4.8 Subscriptions, and 4.7 where the tree decides what matches. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "mqtt/4_08_subscriptions.h"

#define SUBSCRIBERS 20U
#define LOG_SIZE 4096U

/* What a match reported, in order. */
struct log {
    const struct subscriber *first; /* the array of subscribers, so that they have numbers */
    size_t count;
    struct {
        uint32_t subscriber;
        struct subscription_options options;
        char how; /* 'm' match, 'o' offer, 'n' nobody */
    } entries[LOG_SIZE];
    uint32_t declines; /* bit N: subscriber N declines what it is offered */
};

struct fixture {
    struct subscriptions *subscriptions;
    struct subscriber subscribers[SUBSCRIBERS];
    struct log log;
};

static struct fixture f;

static void set_up(void)
{
    memset(&f, 0, sizeof f);
    f.subscriptions = subscriptions_create(1);
    f.log.first = f.subscribers;
    ck_assert_ptr_nonnull(f.subscriptions);
}

static void tear_down(void)
{
    subscriptions_destroy(f.subscriptions);
}

static void log_add(struct log *log, const struct subscriber *subscriber,
                    const struct subscription_options *options, char how)
{
    if (log->count >= LOG_SIZE) /* not ck_assert, which costs a message each time */
        ck_abort_msg("more than %u reports", LOG_SIZE);
    log->entries[log->count].subscriber = (uint32_t)(subscriber - log->first);
    log->entries[log->count].options = *options;
    log->entries[log->count].how = how;
    log->count++;
}

static void on_match(void *context, struct subscriber *subscriber, const struct subscription_options *options)
{
    log_add(context, subscriber, options, 'm');
}

static bool on_offer(void *context, struct subscriber *member, const struct subscription_options *options)
{
    struct log *log = context;
    log_add(log, member, options, 'o');
    return (log->declines >> (member - log->first) & 1U) == 0;
}

static void on_nobody(void *context, struct subscriber *member, const struct subscription_options *options)
{
    log_add(context, member, options, 'n');
}

static void publish(struct bytes topic)
{
    const struct subscriptions_visitor visitor = {
        .context = &f.log, .match = on_match, .offer = on_offer, .nobody = on_nobody};
    f.log.count = 0;
    subscriptions_match(f.subscriptions, topic, &visitor);
}

/* The log of a publication as text: "m3 o1 o2 n1". */
static const char *published(const char *topic)
{
    static char text[LOG_SIZE];
    size_t length = 0;
    publish(bytes_of_text(topic));
    text[0] = '\0';
    for (size_t i = 0; i < f.log.count; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%c%u", i == 0 ? "" : " ",
                                   f.log.entries[i].how, (unsigned)f.log.entries[i].subscriber);
    return text;
}

static enum subscriptions_outcome put(uint32_t subscriber, const char *filter)
{
    const struct subscription_options options = {.qos = 1};
    return subscriptions_put(f.subscriptions, &f.subscribers[subscriber], bytes_of_text(filter), true,
                             &options);
}

static bool removed(uint32_t subscriber, const char *filter)
{
    return subscriptions_remove(f.subscriptions, &f.subscribers[subscriber], bytes_of_text(filter), true);
}

static const struct {
    const char *filter;
    const char *topic;
    bool matches;
} cases[] = {
    /* 4.7.1.2, the examples of the text */
    {"sport/tennis/player1/#", "sport/tennis/player1", true},
    {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
    {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
    {"sport/tennis/player1/#", "sport/tennis/player2", false},
    {"sport/#", "sport", true},
    {"sport/#", "sports", false},
    {"#", "a", true},
    {"#", "/", true},
    {"#", "a/b/c", true},
    {"sport/tennis/#", "sport", false},
    /* 4.7.1.3 */
    {"sport/tennis/+", "sport/tennis/player1", true},
    {"sport/tennis/+", "sport/tennis/player2", true},
    {"sport/tennis/+", "sport/tennis/player1/ranking", false},
    {"sport/+", "sport", false},
    {"sport/+", "sport/", true},
    {"+", "a", true},
    {"+", "a/b", false},
    {"+/tennis/#", "sport/tennis", true},
    {"+/tennis/#", "sport/tennis/x/y", true},
    {"+/tennis/#", "tennis", false},
    {"sport/+/player1", "sport/tennis/player1", true},
    {"sport/+/player1", "sport/player1", false},
    {"+/+", "/finance", true},
    {"/+", "/finance", true},
    {"+", "/finance", false},
    {"+/#", "/", true},
    {"+/+/#", "a", false},
    /* 4.7.2 [MQTT-4.7.2-1] [MQTT3-4.7.2-1] */
    {"#", "$SYS/monitor/Clients", false},
    {"+/monitor/Clients", "$SYS/monitor/Clients", false},
    {"+/#", "$SYS", false},
    {"+", "$SYS", false},
    {"$SYS/#", "$SYS/monitor/Clients", true},
    {"$SYS/monitor/+", "$SYS/monitor/Clients", true},
    {"+/$SYS", "a/$SYS", true},
    {"a/#", "a/$SYS", true},
    {"$SYS/#", "$SYS", true},
    /* 4.7.3 [MQTT-4.7.3-4] [MQTT3-4.7.3-4]: nothing is normalised */
    {"ACCOUNTS", "Accounts", false},
    {"Accounts payable", "Accounts payable", true},
    {"finance", "/finance", false},
    {"finance/", "finance", false},
    {"a//b", "a/b", false},
    {"a//b", "a//b", true},
    {"/", "/", true},
    {"//", "/", false},
    {"a/", "a/", true},
    {"\xc3\xa9", "e\xcc\x81", false},
};

START_TEST(examples_match_as_the_text_says)
{
    ck_assert_int_eq(put(3, cases[_i].filter), SUBSCRIPTION_ADDED);
    ck_assert_msg((strcmp(published(cases[_i].topic), "m3") == 0) == cases[_i].matches, "%s %s: '%s'",
                  cases[_i].filter, cases[_i].topic, published(cases[_i].topic));
    ck_assert(removed(3, cases[_i].filter));
    ck_assert_str_eq(published(cases[_i].topic), "");
    ck_assert_uint_eq(subscriptions_count(f.subscriptions), 0);
}
END_TEST

START_TEST(identical_filter_replaces_options) /* [MQTT-3.8.4-3] [MQTT3-3.8.4-3] */
{
    const struct subscription_options second = {.identifier = 268435455,
                                                .qos = 2,
                                                .no_local = true,
                                                .retain_as_published = true,
                                                .retain_handling = 2};
    ck_assert_int_eq(put(0, "a/+"), SUBSCRIPTION_ADDED);
    ck_assert_int_eq(put(1, "a/+"), SUBSCRIPTION_ADDED);
    ck_assert_int_eq(
        subscriptions_put(f.subscriptions, &f.subscribers[0], bytes_of_text("a/+"), true, &second),
        SUBSCRIPTION_REPLACED);
    ck_assert_str_eq(published("a/b"), "m0 m1");
    const struct subscription_options *seen = &f.log.entries[0].options;
    ck_assert_uint_eq(seen->identifier, second.identifier);
    ck_assert_uint_eq(seen->qos, 2);
    ck_assert(seen->no_local && seen->retain_as_published);
    ck_assert_uint_eq(seen->retain_handling, 2);
    ck_assert_uint_eq(f.log.entries[1].options.qos, 1);
    ck_assert_uint_eq(f.subscribers[0].count, 1);
    ck_assert_uint_eq(subscriptions_count(f.subscriptions), 2);
}
END_TEST

START_TEST(each_matching_subscription_is_reported)
{
    put(0, "a/b");
    put(0, "a/+");
    put(0, "#");
    put(1, "+/b");
    put(2, "a/b/#");
    put(3, "a/b/c");
    publish(bytes_of_text("a/b"));
    uint32_t times[SUBSCRIBERS] = {0};
    for (size_t i = 0; i < f.log.count; i++)
        times[f.log.entries[i].subscriber]++;
    ck_assert_uint_eq(times[0], 3);
    ck_assert_uint_eq(times[1], 1);
    ck_assert_uint_eq(times[2], 1);
    ck_assert_uint_eq(times[3], 0);
}
END_TEST

START_TEST(what_is_not_there_is_not_removed)
{
    put(0, "a/b");
    ck_assert(!removed(0, "a"));
    ck_assert(!removed(0, "a/b/c"));
    ck_assert(!removed(0, "a/+"));
    ck_assert(!removed(1, "a/b"));
    ck_assert(!removed(0, "$share/g/a/b"));
    ck_assert_str_eq(published("a/b"), "m0");
    ck_assert(removed(0, "a/b"));
    ck_assert(!removed(0, "a/b"));
}
END_TEST

START_TEST(a_session_that_ends_takes_its_subscriptions_along)
{
    put(0, "a/b");
    put(0, "$share/g/a/b");
    put(0, "#");
    put(1, "a/b");
    subscriptions_remove_all(f.subscriptions, &f.subscribers[0]);
    ck_assert_str_eq(published("a/b"), "m1");
    ck_assert_uint_eq(f.subscribers[0].count, 0);
    ck_assert_ptr_null(f.subscribers[0].first);
    ck_assert_uint_eq(subscriptions_count(f.subscriptions), 1);
    ck_assert_uint_eq(subscriptions_shared_count(f.subscriptions), 0);
    subscriptions_remove_all(f.subscriptions, &f.subscribers[0]);
}
END_TEST

/* 4.8.2: a publication that matches goes to one session of each group and to every non-shared subscription. */
START_TEST(groups_are_told_apart_by_name_and_filter)
{
    put(0, "sport/tennis/+");
    put(1, "$share/consumer1/sport/tennis/+");
    put(2, "$share/consumer2/sport/tennis/+");
    put(3, "$share/consumer1//finance");
    ck_assert_str_eq(published("sport/tennis/x"), "m0 o2 o1");
    ck_assert_str_eq(published("/finance"), "o3");
    ck_assert_str_eq(published("$share/consumer1/sport/tennis/x"), "");
    ck_assert_uint_eq(subscriptions_shared_count(f.subscriptions), 3);
    ck_assert(removed(2, "$share/consumer2/sport/tennis/+"));
    ck_assert_str_eq(published("sport/tennis/x"), "m0 o1");
    ck_assert(removed(0, "sport/tennis/+"));
    ck_assert_str_eq(published("sport/tennis/x"), "o1");
}
END_TEST

/* Three groups of one filter end in every order; those that are left are offered what comes. */
START_TEST(groups_of_one_filter_end_in_any_order)
{
    static const char *const filters[] = {"$share/x/a", "$share/y/a", "$share/z/a"};
    static const uint32_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (size_t order = 0; order < sizeof orders / sizeof *orders; order++) {
        uint32_t left = 7;
        for (uint32_t i = 0; i < 3; i++)
            put(i, filters[i]);
        for (size_t step = 0; step < 3; step++) {
            const uint32_t who = orders[order][step];
            ck_assert(removed(who, filters[who]));
            left &= ~(1U << who);
            uint32_t offered = 0;
            publish(bytes_of_text("a"));
            for (size_t i = 0; i < f.log.count; i++)
                offered += 1U << f.log.entries[i].subscriber; /* twice the same would carry over */
            ck_assert_uint_eq(offered, left);
            ck_assert_uint_eq(f.log.count, 2 - step);
        }
        ck_assert_uint_eq(subscriptions_count(f.subscriptions), 0);
    }
}
END_TEST

START_TEST(without_shared_subscriptions_the_filter_is_an_ordinary_one)
{
    const struct subscription_options options = {.qos = 0};
    const struct bytes filter = bytes_of_text("$share/g/a");
    subscriptions_put(f.subscriptions, &f.subscribers[0], filter, false, &options);
    ck_assert_str_eq(published("a"), "");
    ck_assert_str_eq(published("$share/g/a"), "m0");
    ck_assert_uint_eq(subscriptions_shared_count(f.subscriptions), 0);
    put(0, "$share/g/a");
    ck_assert_uint_eq(f.subscribers[0].count, 2);
    ck_assert(subscriptions_remove(f.subscriptions, &f.subscribers[0], filter, false));
    ck_assert_str_eq(published("a"), "o0");
}
END_TEST

START_TEST(members_take_turns)
{
    for (uint32_t i = 0; i < 3; i++)
        put(i, "$share/g/a");
    ck_assert_str_eq(published("a"), "o0");
    ck_assert_str_eq(published("a"), "o1");
    ck_assert_str_eq(published("a"), "o2");
    ck_assert_str_eq(published("a"), "o0");
    put(1, "$share/g/a"); /* subscribing again doesn't change the order */
    ck_assert_str_eq(published("a"), "o1");
    f.log.declines = 1U << 2;
    ck_assert_str_eq(published("a"), "o2 o0"); /* 2 declines, 0 takes it: 1 is next */
    ck_assert_str_eq(published("a"), "o1");
}
END_TEST

START_TEST(when_all_decline_the_one_whose_turn_it_was_is_told)
{
    for (uint32_t i = 0; i < 3; i++)
        put(i, "$share/g/a");
    f.log.declines = 7;
    ck_assert_str_eq(published("a"), "o0 o1 o2 n0");
    ck_assert_str_eq(published("a"), "o1 o2 o0 n1");
    const struct subscriptions_visitor quiet = {.context = &f.log, .match = on_match, .offer = on_offer};
    subscriptions_match(f.subscriptions, bytes_of_text("a"), &quiet);
    f.log.declines = 0;
    ck_assert_str_eq(published("a"), "o2"); /* nobody was told, so the turn stayed */
}
END_TEST

START_TEST(leaving_neither_skips_nor_repeats_others)
{
    for (uint32_t i = 0; i < 4; i++)
        put(i, "$share/g/a");
    ck_assert_str_eq(published("a"), "o0");
    ck_assert(removed(1, "$share/g/a")); /* it was 1's turn */
    ck_assert_str_eq(published("a"), "o2");
    ck_assert(removed(2, "$share/g/a")); /* it has just had its turn */
    ck_assert_str_eq(published("a"), "o3");
    put(5, "$share/g/a"); /* joins behind all who wait */
    ck_assert_str_eq(published("a"), "o0");
    ck_assert_str_eq(published("a"), "o3");
    ck_assert_str_eq(published("a"), "o5");
}
END_TEST

static void collect(void *context, struct bytes filter, const struct subscription_options *options)
{
    char *text = context;
    (void)options;
    const size_t length = strlen(text);
    memcpy(text + length, filter.data, filter.length);
    memcpy(text + length + filter.length, " ", 2);
}

START_TEST(own_subscriptions_keep_their_text)
{
    static const char *const filters[] = {
        "/", "a//b/", "+", "#", "$a/#", "/+/#", "$share/g//x/", "$share/group/#"};
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        char text[100] = "";
        char expected[100];
        put(0, filters[i]);
        subscriptions_each(f.subscriptions, &f.subscribers[0], collect, text);
        snprintf(expected, sizeof expected, "%s ", filters[i]);
        ck_assert_str_eq(text, expected);
        ck_assert(removed(0, filters[i]));
    }
}
END_TEST

/* Many in one ring: the table of members takes over from looking through. */
START_TEST(large_audiences)
{
    enum { MANY = 3000 };
    struct subscriber *many = calloc(MANY, sizeof *many);
    const struct subscription_options options = {.qos = 1};
    static const char *const filters[] = {"a/b", "$share/g/a/b"};
    for (size_t filter = 0; filter < 2; filter++) {
        const struct bytes text = bytes_of_text(filters[filter]);
        for (size_t i = 0; i < MANY; i++)
            ck_assert_int_eq(subscriptions_put(f.subscriptions, &many[i], text, true, &options),
                             SUBSCRIPTION_ADDED);
        for (size_t i = 0; i < MANY; i++)
            ck_assert_int_eq(subscriptions_put(f.subscriptions, &many[i], text, true, &options),
                             SUBSCRIPTION_REPLACED);
    }
    f.log.first = many;
    publish(bytes_of_text("a/b"));
    ck_assert_uint_eq(f.log.count, MANY + 1);
    for (size_t i = 0; i < MANY; i++) {
        ck_assert_uint_eq(f.log.entries[i].subscriber, i);
        const struct bytes text = bytes_of_text(filters[i % 2]);
        ck_assert(subscriptions_remove(f.subscriptions, &many[i], text, true));
        ck_assert(!subscriptions_remove(f.subscriptions, &many[i], text, true));
    }
    publish(bytes_of_text("a/b"));
    ck_assert_uint_eq(f.log.count, MANY / 2 + 1);
    for (size_t i = 0; i < MANY; i++)
        subscriptions_remove_all(f.subscriptions, &many[i]);
    ck_assert_uint_eq(subscriptions_count(f.subscriptions), 0);
    free(many);
}
END_TEST

/* As many levels as fit: "+///…", with one `+` at first and more of them, far apart, in each filter that follows. The path
 * remembers 64 levels, the rest has to be worked out on the way back. */
START_TEST(the_deepest_topic)
{
    enum { LEVELS = 65000, FILTERS = 4 };
    static uint8_t topic[TOPIC_MAXIMUM_LENGTH];
    static uint8_t filter[TOPIC_MAXIMUM_LENGTH];
    const struct subscription_options options = {.qos = 1};
    memset(topic, '/', sizeof topic);
    put(0, "#");
    for (uint32_t pluses = 1; pluses <= FILTERS; pluses++) {
        size_t length = 0;
        for (uint32_t level = 0; level < LEVELS; level++) {
            if (level % 16000 == 0 && level / 16000 < pluses)
                filter[length++] = '+';
            filter[length++] = '/';
        }
        ck_assert_int_eq(subscriptions_put(f.subscriptions, &f.subscribers[pluses], bytes_of(filter, length),
                                           true, &options),
                         SUBSCRIPTION_ADDED);
    }
    publish(bytes_of(topic, LEVELS)); /* `+` stands for an empty level too */
    ck_assert_uint_eq(f.log.count, 1 + FILTERS);
    publish(bytes_of(topic, LEVELS - 1));
    ck_assert_uint_eq(f.log.count, 1);
    publish(bytes_of(topic, TOPIC_MAXIMUM_LENGTH));
    ck_assert_uint_eq(f.log.count, 1);
    topic[0] = 'x';
    topic[1] = '/';
    publish(bytes_of(topic, LEVELS + 1));
    ck_assert_uint_eq(f.log.count, 1 + FILTERS);
    subscriptions_remove_all(f.subscriptions, &f.subscribers[2]);
    publish(bytes_of(topic, LEVELS + 1));
    ck_assert_uint_eq(f.log.count, FILTERS);
}
END_TEST

/* The tree against the definition. */

static size_t random_text(uint64_t *state, const char *const *levels, size_t count, char *text)
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
    return length;
}

enum { MODEL_FILTERS = 300 };

struct model {
    char filters[MODEL_FILTERS][64];
    uint32_t identifiers[MODEL_FILTERS][SUBSCRIBERS]; /* 0: not subscribed */
};

/* Each report is of a subscription that matches, with its present options, and no subscription is reported
 * twice. The loops are long and Check sends a message for every ck_assert, hence none. */
static bool is_right(const struct model *model, size_t entry, const bool *matches)
{
    const uint32_t identifier = f.log.entries[entry].options.identifier;
    const uint32_t subscriber = f.log.entries[entry].subscriber;
    const size_t filter = identifier % MODEL_FILTERS;
    for (size_t i = 0; i < entry; i++) {
        if (f.log.entries[i].options.identifier == identifier && f.log.entries[i].subscriber == subscriber)
            return false;
    }
    return matches[filter] && model->identifiers[filter][subscriber] == identifier;
}

static void compare_with_model(struct model *model, const char *topic)
{
    bool matches[MODEL_FILTERS];
    publish(bytes_of_text(topic));
    size_t expected = 0;
    for (size_t i = 0; i < MODEL_FILTERS; i++) {
        matches[i] = topic_matches(bytes_of_text(model->filters[i]), bytes_of_text(topic));
        for (size_t who = 0; matches[i] && who < SUBSCRIBERS; who++)
            expected += model->identifiers[i][who] != 0;
    }
    if (f.log.count != expected)
        ck_abort_msg("%s: %zu reported, %zu expected", topic, f.log.count, expected);
    for (size_t i = 0; i < f.log.count; i++) {
        if (!is_right(model, i, matches))
            ck_abort_msg("%s: report %zu", topic, i);
    }
}

static void change_model(struct model *model, uint64_t random, uint32_t serial)
{
    const uint32_t filter = (uint32_t)(random % MODEL_FILTERS);
    const uint32_t who = (uint32_t)(random >> 20) % SUBSCRIBERS;
    uint32_t *const identifier = &model->identifiers[filter][who];
    const struct bytes text = bytes_of_text(model->filters[filter]);
    if ((random >> 40) % 8 == 0 && (random >> 50) % 16 == 0) {
        subscriptions_remove_all(f.subscriptions, &f.subscribers[who]);
        for (size_t i = 0; i < MODEL_FILTERS; i++)
            model->identifiers[i][who] = 0;
    } else if ((random >> 40) % 2 == 0) {
        const struct subscription_options options = {.identifier = serial * MODEL_FILTERS + filter};
        if (subscriptions_put(f.subscriptions, &f.subscribers[who], text, true, &options) !=
            (*identifier == 0 ? SUBSCRIPTION_ADDED : SUBSCRIPTION_REPLACED))
            ck_abort_msg("%s, subscriber %u", model->filters[filter], who);
        *identifier = options.identifier;
    } else {
        if (subscriptions_remove(f.subscriptions, &f.subscribers[who], text, true) != (*identifier != 0))
            ck_abort_msg("%s, subscriber %u", model->filters[filter], who);
        *identifier = 0;
    }
}

START_TEST(random_changes_agree_with_the_definition)
{
    static const char *const filter_levels[] = {"a", "b", "", "+", "#", "$s", "ab", "+", "a"};
    static const char *const name_levels[] = {"a", "b", "", "$s", "ab"};
    static struct model model;
    char topic[64];
    uint64_t state = (uint64_t)_i;
    memset(&model, 0, sizeof model);
    for (size_t i = 0; i < MODEL_FILTERS; i++) { /* all different */
        bool known = true;
        while (known) {
            random_text(&state, filter_levels, 9, model.filters[i]);
            known = false;
            for (size_t j = 0; j < i; j++)
                known |= strcmp(model.filters[i], model.filters[j]) == 0;
        }
    }
    for (uint32_t step = 1; step <= 4000; step++) {
        state += UINT64_C(0x9E3779B97F4A7C15);
        change_model(&model, hash_mix(state), step);
        random_text(&state, name_levels, 5, topic);
        if (step % 2 == 0)
            compare_with_model(&model, topic);
    }
    uint64_t count = 0;
    for (size_t i = 0; i < MODEL_FILTERS; i++)
        for (size_t who = 0; who < SUBSCRIBERS; who++)
            count += model.identifiers[i][who] != 0;
    ck_assert_uint_eq(subscriptions_count(f.subscriptions), count);
    ck_assert_uint_gt(count, 0);
}
END_TEST

Suite *suite_4_08_subscriptions(void);

Suite *suite_4_08_subscriptions(void)
{
    Suite *suite = suite_create("4_08_subscriptions");
    TCase *tcase = tcase_create("subscriptions");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, examples_match_as_the_text_says, 0, (int)(sizeof cases / sizeof *cases));
    tcase_add_test(tcase, identical_filter_replaces_options);
    tcase_add_test(tcase, each_matching_subscription_is_reported);
    tcase_add_test(tcase, what_is_not_there_is_not_removed);
    tcase_add_test(tcase, a_session_that_ends_takes_its_subscriptions_along);
    tcase_add_test(tcase, groups_are_told_apart_by_name_and_filter);
    tcase_add_test(tcase, groups_of_one_filter_end_in_any_order);
    tcase_add_test(tcase, without_shared_subscriptions_the_filter_is_an_ordinary_one);
    tcase_add_test(tcase, members_take_turns);
    tcase_add_test(tcase, when_all_decline_the_one_whose_turn_it_was_is_told);
    tcase_add_test(tcase, leaving_neither_skips_nor_repeats_others);
    tcase_add_test(tcase, own_subscriptions_keep_their_text);
    tcase_add_test(tcase, large_audiences);
    tcase_add_test(tcase, the_deepest_topic);
    tcase_add_loop_test(tcase, random_changes_agree_with_the_definition, 0, 4);
    suite_add_tcase(suite, tcase);
    return suite;
}
