/* fuzz_topics: Topic Names and Topic Filters, and the two trees, against the naive opinion of naive_topics.
 *
 * The input is a sequence of operations: a byte that says which, then its arguments. Topics are spelt with
 * the tokens below, so that names and filters meet, or (mode 15) literally. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "mqtt/3_03_1_3_retain.h"
#include "mqtt/4_08_subscriptions.h"
#include "naive_topics.h"

#define SUBSCRIBERS 12U    /* more than a ring of the tree holds before it is indexed */
#define SUBSCRIPTIONS 160U /* at most, at a time */
#define RETAINED 48U
#define TEXT_ROOM 3000U

struct message { /* opaque to the tree: here the number of its topic */
    unsigned released;
};

struct text {
    size_t length;
    uint8_t bytes[TEXT_ROOM];
};

/* A subscription as the model sees it. The array is in order of arrival. */
struct naive_subscription {
    unsigned subscriber;
    bool shared;
    struct bytes filter; /* owned */
    struct subscription_options options;
    uint64_t turn; /* of a member of a share group: the least one is next */
    bool seen;
};

struct naive_retained {
    struct bytes topic; /* owned */
    struct message *message;
    bool seen;
};

struct model {
    struct subscriptions *subscriptions;
    struct subscriber subscribers[SUBSCRIBERS];
    struct naive_subscription naive[SUBSCRIPTIONS];
    size_t count;
    uint32_t next_identifier;
    uint64_t next_turn;
    struct retained_tree *tree;
    struct naive_retained retained[RETAINED];
    size_t retained_count;
    struct bytes name; /* that is being matched */
    unsigned decline;  /* bit per subscriber */
    size_t limit;      /* of the retained messages wanted */
};

/* Topics */

static void append(struct text *text, const char *token, unsigned times)
{
    const size_t length = strlen(token);
    for (unsigned i = 0; i < times && text->length + length <= TEXT_ROOM; i++) {
        memcpy(text->bytes + text->length, token, length);
        text->length += length;
    }
}

/* The last of them are deeper than the trees remember hashes. */
static void append_token(struct text *text, unsigned which)
{
    static const struct {
        const char *text;
        unsigned times;
    } tokens[] = {{"/", 1},   {"a", 1},         {"+", 1},         {"#", 1},   {"a/", 1}, {"+/", 1},
                  {"b", 1},   {"$share/g/", 1}, {"$share/", 1},   {"/#", 1},  {"$", 1},  {"b/", 1},
                  {"a/", 65}, {"+/", 65},       {"$share/h/", 1}, {"a/+/", 1}};
    append(text, tokens[which & 15].text, tokens[which & 15].times);
}

/* A topic: a byte with the number of tokens, and the tokens; 15: a literal one, with its length. Never holds
 * U+0000, which the decoder of strings refuses. */
static struct bytes take_topic(struct input *input, struct text *text)
{
    const unsigned mode = input_byte(input) & 15;
    text->length = 0;
    if (mode < 15) {
        for (unsigned i = 0; i < mode; i++)
            append_token(text, input_byte(input));
        return bytes_of(text->bytes, text->length);
    }
    const struct bytes run = input_run(input, input_byte(input));
    for (size_t i = 0; i < run.length; i++)
        text->bytes[text->length++] = run.data[i] == 0 ? '/' : run.data[i];
    return bytes_of(text->bytes, text->length);
}

/* 4.7: the checks and the direct definition of matching */

static void check_topic(struct bytes topic)
{
    static const enum protocol_version versions[] = {PROTOCOL_3_1, PROTOCOL_3_1_1, PROTOCOL_5_0};
    for (size_t i = 0; i < 3; i++) {
        const bool shared = versions[i] == PROTOCOL_5_0;
        const struct verdict name = topic_name_check(topic, versions[i], 7);
        const struct verdict filter = topic_filter_check(topic, versions[i], 7);
        REQUIRE(name.refused == !naive_is_topic_name(topic));
        REQUIRE(filter.refused == !naive_is_topic_filter(topic, shared));
        REQUIRE(!name.refused ||
                (name.offset >= 7 && name.offset <= 7 + topic.length && name.statement != STATEMENT_NONE));
        REQUIRE(!filter.refused || (filter.offset >= 7 && filter.offset <= 7 + topic.length &&
                                    filter.statement != STATEMENT_NONE));
    }
    struct bytes share_name = {NULL, 0};
    struct bytes inner = {NULL, 0};
    struct bytes expected = {NULL, 0};
    if (!naive_is_topic_filter(topic, true))
        return;
    REQUIRE(topic_filter_shared(topic, &share_name, &inner) == naive_is_shared(topic, &expected));
    REQUIRE(bytes_equal(inner, expected));
}

static void compare_matching(struct input *input)
{
    struct text filter_text;
    struct text name_text;
    const struct bytes filter = take_topic(input, &filter_text);
    const struct bytes name = take_topic(input, &name_text);
    check_topic(filter);
    check_topic(name);
    if (naive_is_topic_filter(filter, false) && naive_is_topic_name(name))
        REQUIRE(topic_matches(filter, name) == naive_matches(filter, name));
}

/* 4.8: subscriptions */

static struct naive_subscription *find(struct model *model, unsigned subscriber, struct bytes filter,
                                       bool shared)
{
    for (size_t i = 0; i < model->count; i++) {
        struct naive_subscription *naive = &model->naive[i];
        if (naive->subscriber == subscriber && naive->shared == shared && bytes_equal(naive->filter, filter))
            return naive;
    }
    return NULL;
}

static void forget(struct model *model, struct naive_subscription *naive)
{
    fuzz_free(naive->filter);
    const size_t index = (size_t)(naive - model->naive);
    memmove(naive, naive + 1, (model->count - index - 1) * sizeof *naive);
    model->count--;
}

static void check_counts(const struct model *model)
{
    unsigned by_subscriber[SUBSCRIBERS] = {0};
    size_t shared = 0;
    for (size_t i = 0; i < model->count; i++) {
        by_subscriber[model->naive[i].subscriber]++;
        shared += model->naive[i].shared;
    }
    REQUIRE(subscriptions_count(model->subscriptions) == model->count);
    REQUIRE(subscriptions_shared_count(model->subscriptions) == shared);
    for (unsigned i = 0; i < SUBSCRIBERS; i++)
        REQUIRE(model->subscribers[i].count == by_subscriber[i]);
}

/* Takes a filter that the version allows; false: it is none. */
static bool take_filter(struct input *input, struct text *text, bool allow_shared, struct bytes *filter,
                        bool *shared)
{
    struct bytes inner;
    *filter = take_topic(input, text);
    if (!naive_is_topic_filter(*filter, allow_shared))
        return false;
    *shared = allow_shared && naive_is_shared(*filter, &inner);
    return true;
}

static void subscribe(struct model *model, struct input *input)
{
    struct text text;
    struct bytes filter;
    bool shared;
    const uint8_t who = input_byte(input);
    const unsigned subscriber = who % SUBSCRIBERS;
    const bool allow_shared = who < 192;
    if (!take_filter(input, &text, allow_shared, &filter, &shared))
        return;
    struct naive_subscription *naive = find(model, subscriber, filter, shared);
    if (naive == NULL && model->count == SUBSCRIPTIONS)
        return;
    const bool replaces = naive != NULL;
    if (!replaces) {
        naive = &model->naive[model->count++];
        *naive = (struct naive_subscription){
            .subscriber = subscriber, .shared = shared, .turn = model->next_turn++};
        naive->filter = fuzz_exact_copy(filter);
    }
    naive->options = (struct subscription_options){.identifier = ++model->next_identifier,
                                                   .qos = who % 3,
                                                   .no_local = who & 1,
                                                   .retain_handling = who / 2 % 3};
    const struct bytes exact = fuzz_exact_copy(filter);
    REQUIRE(subscriptions_put(model->subscriptions, &model->subscribers[subscriber], exact, allow_shared,
                              &naive->options) == (replaces ? SUBSCRIPTION_REPLACED : SUBSCRIPTION_ADDED));
    fuzz_free(exact);
}

static void unsubscribe(struct model *model, struct input *input)
{
    struct text text;
    struct bytes filter;
    bool shared;
    const uint8_t who = input_byte(input);
    const unsigned subscriber = who % SUBSCRIBERS;
    const bool allow_shared = who < 192;
    if (!take_filter(input, &text, allow_shared, &filter, &shared))
        return;
    struct naive_subscription *naive = find(model, subscriber, filter, shared);
    REQUIRE(subscriptions_remove(model->subscriptions, &model->subscribers[subscriber], filter,
                                 allow_shared) == (naive != NULL));
    if (naive != NULL)
        forget(model, naive);
}

static void unsubscribe_all(struct model *model, unsigned subscriber)
{
    subscriptions_remove_all(model->subscriptions, &model->subscribers[subscriber]);
    REQUIRE(model->subscribers[subscriber].first == NULL);
    for (size_t i = model->count; i-- > 0;) {
        if (model->naive[i].subscriber == subscriber)
            forget(model, &model->naive[i]);
    }
}

/* Matching */

/* The subscription that was just reported: its identifier is its own. */
static struct naive_subscription *reported(struct model *model, const struct subscriber *subscriber,
                                           const struct subscription_options *options)
{
    for (size_t i = 0; i < model->count; i++) {
        struct naive_subscription *naive = &model->naive[i];
        if (naive->options.identifier != options->identifier)
            continue;
        REQUIRE(subscriber == &model->subscribers[naive->subscriber]);
        REQUIRE(naive->options.qos == options->qos && naive->options.no_local == options->no_local);
        REQUIRE(naive->options.retain_handling == options->retain_handling);
        return naive;
    }
    fuzz_fail(__FILE__, __LINE__, "the subscription that was reported exists");
}

static bool same_group(const struct naive_subscription *first, const struct naive_subscription *second)
{
    return first->shared && second->shared && bytes_equal(first->filter, second->filter);
}

static bool should_match(const struct model *model, const struct naive_subscription *naive)
{
    struct bytes filter = naive->filter;
    if (naive->shared)
        naive_is_shared(naive->filter, &filter);
    return naive_matches(filter, model->name);
}

static void on_match(void *context, struct subscriber *subscriber, const struct subscription_options *options)
{
    struct model *model = context;
    struct naive_subscription *naive = reported(model, subscriber, options);
    REQUIRE(!naive->shared && !naive->seen && should_match(model, naive));
    naive->seen = true;
}

/* The member of `naive`'s group that has waited longest among those not asked yet. */
static const struct naive_subscription *next_in_turn(const struct model *model,
                                                     const struct naive_subscription *naive)
{
    const struct naive_subscription *next = NULL;
    for (size_t i = 0; i < model->count; i++) {
        const struct naive_subscription *other = &model->naive[i];
        if (same_group(naive, other) && !other->seen && (next == NULL || other->turn < next->turn))
            next = other;
    }
    return next;
}

/* Sends the member who took a message, and those asked before, to the end of the ring: as they stand, behind
 * the others. */
static void pass_turn(struct model *model, const struct naive_subscription *last)
{
    const uint64_t turn = last->turn;
    for (;;) {
        struct naive_subscription *first = NULL;
        for (size_t i = 0; i < model->count; i++) {
            struct naive_subscription *other = &model->naive[i];
            if (same_group(last, other) && other->turn <= turn &&
                (first == NULL || other->turn < first->turn))
                first = other;
        }
        if (first == NULL)
            return;
        first->turn = model->next_turn++;
    }
}

static void mark_group(struct model *model, const struct naive_subscription *naive)
{
    for (size_t i = 0; i < model->count; i++) {
        if (same_group(naive, &model->naive[i]))
            model->naive[i].seen = true;
    }
}

static bool on_offer(void *context, struct subscriber *member, const struct subscription_options *options)
{
    struct model *model = context;
    struct naive_subscription *naive = reported(model, member, options);
    REQUIRE(naive->shared && !naive->seen && should_match(model, naive));
    REQUIRE(naive == next_in_turn(model, naive));
    naive->seen = true;
    if (model->decline >> naive->subscriber & 1U)
        return false;
    pass_turn(model, naive);
    mark_group(model, naive); /* nobody else may be asked */
    return true;
}

static void on_nobody(void *context, struct subscriber *member, const struct subscription_options *options)
{
    struct model *model = context;
    struct naive_subscription *naive = reported(model, member, options);
    REQUIRE(naive->shared && naive->seen);
    for (size_t i = 0; i < model->count;
         i++) { /* all were asked, all have declined, and it is the turn of this one */
        const struct naive_subscription *other = &model->naive[i];
        REQUIRE(!same_group(naive, other) || (other->seen && (model->decline >> other->subscriber & 1U)));
        REQUIRE(!same_group(naive, other) || naive->turn <= other->turn);
    }
    pass_turn(model, naive);
}

static void publish(struct model *model, struct input *input)
{
    const struct subscriptions_visitor visitor = {
        .context = model, .match = on_match, .offer = on_offer, .nobody = on_nobody};
    struct text text;
    model->name = take_topic(input, &text);
    model->decline = input_byte(input);
    model->decline |= model->decline == 0xFF ? 0xF00U : model->decline << 6 & 0xF00U;
    if (!naive_is_topic_name(model->name))
        return;
    for (size_t i = 0; i < model->count; i++)
        model->naive[i].seen = false;
    const struct bytes exact = fuzz_exact_copy(model->name);
    subscriptions_match(model->subscriptions, exact, &visitor);
    fuzz_free(exact);
    for (size_t i = 0; i < model->count; i++)
        REQUIRE(model->naive[i].seen == should_match(model, &model->naive[i]));
}

struct listing {
    struct model *model;
    unsigned subscriber;
    uint32_t count;
};

static void on_own(void *context, struct bytes filter, const struct subscription_options *options)
{
    struct listing *listing = context;
    struct model *model = listing->model;
    const struct naive_subscription *naive =
        reported(model, &model->subscribers[listing->subscriber], options);
    REQUIRE(naive->subscriber == listing->subscriber && bytes_equal(naive->filter, filter));
    listing->count++;
}

static void list_own(struct model *model, unsigned subscriber)
{
    struct listing listing = {.model = model, .subscriber = subscriber};
    subscriptions_each(model->subscriptions, &model->subscribers[subscriber], on_own, &listing);
    REQUIRE(listing.count == model->subscribers[subscriber].count);
}

/* 3.3.1.3: retained messages */

static struct naive_retained *find_retained(struct model *model, struct bytes topic)
{
    for (size_t i = 0; i < model->retained_count; i++) {
        if (bytes_equal(model->retained[i].topic, topic))
            return &model->retained[i];
    }
    return NULL;
}

static void retain(struct model *model, struct input *input)
{
    struct text text;
    const struct bytes topic = take_topic(input, &text);
    struct message *previous = NULL;
    if (!naive_is_topic_name(topic))
        return;
    struct naive_retained *naive = find_retained(model, topic);
    if (naive == NULL && model->retained_count == RETAINED)
        return;
    struct message *message = calloc(1, sizeof *message);
    if (message == NULL)
        exit(2);
    REQUIRE(retained_put(model->tree, topic, message, &previous));
    REQUIRE(previous == (naive == NULL ? NULL : naive->message));
    free(previous);
    if (naive == NULL) {
        naive = &model->retained[model->retained_count++];
        *naive = (struct naive_retained){.topic = fuzz_exact_copy(topic)};
    }
    naive->message = message;
}

static void clear_retained(struct model *model, struct input *input)
{
    struct text text;
    const struct bytes topic = take_topic(input, &text);
    if (!naive_is_topic_name(topic))
        return;
    struct naive_retained *naive = find_retained(model, topic);
    REQUIRE(retained_get(model->tree, topic) == (naive == NULL ? NULL : naive->message));
    struct message *message = retained_remove(model->tree, topic);
    REQUIRE(message == (naive == NULL ? NULL : naive->message));
    free(message);
    if (naive == NULL)
        return;
    fuzz_free(naive->topic);
    *naive = model->retained[--model->retained_count];
}

static bool on_found(void *context, struct message *message)
{
    struct model *model = context;
    REQUIRE(model->limit > 0);
    for (size_t i = 0; i < model->retained_count; i++) {
        struct naive_retained *naive = &model->retained[i];
        if (naive->message != message)
            continue;
        REQUIRE(!naive->seen && naive_matches(model->name, naive->topic));
        naive->seen = true;
        return --model->limit > 0;
    }
    fuzz_fail(__FILE__, __LINE__, "the retained message that was found exists");
}

static void ask_retained(struct model *model, struct input *input)
{
    struct text text;
    const unsigned limit = input_byte(input);
    model->name = take_topic(input, &text);
    if (!naive_is_topic_filter(model->name, false))
        return;
    size_t matching = 0;
    for (size_t i = 0; i < model->retained_count; i++) {
        model->retained[i].seen = false;
        matching += naive_matches(model->name, model->retained[i].topic);
    }
    const size_t wanted = limit & 1 ? 1 + limit / 2 : RETAINED + 1;
    model->limit = wanted;
    const struct bytes exact = fuzz_exact_copy(model->name);
    retained_match(model->tree, exact, on_found, model);
    fuzz_free(exact);
    REQUIRE(wanted - model->limit == (matching < wanted ? matching : wanted));
}

static void release(void *context, struct message *message)
{
    struct model *model = context;
    for (size_t i = 0; i < model->retained_count; i++)
        message->released += model->retained[i].message == message;
    REQUIRE(message->released == 1); /* it is one of ours, and it's the first time */
}

/* The whole */

static void operation(struct model *model, struct input *input)
{
    switch (input_byte(input) % 8) {
    case 0:
        subscribe(model, input);
        break;
    case 1:
        unsubscribe(model, input);
        break;
    case 2:
        publish(model, input);
        break;
    case 3:
        retain(model, input);
        break;
    case 4:
        clear_retained(model, input);
        break;
    case 5:
        ask_retained(model, input);
        break;
    case 6:
        compare_matching(input);
        break;
    default: {
        const uint8_t who = input_byte(input);
        list_own(model, who % SUBSCRIBERS);
        if (who >= 128)
            unsubscribe_all(model, who % SUBSCRIBERS);
    }
    }
}

static void finish(struct model *model)
{
    for (unsigned i = 0; i < SUBSCRIBERS; i++)
        list_own(model, i);
    subscriptions_destroy(model->subscriptions);
    retained_destroy(model->tree, release, model);
    for (size_t i = 0; i < model->count; i++)
        fuzz_free(model->naive[i].filter);
    for (size_t i = 0; i < model->retained_count; i++) {
        REQUIRE(model->retained[i].message->released == 1);
        fuzz_free(model->retained[i].topic);
        free(model->retained[i].message);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {.at = data, .end = data + size};
    struct model model;
    memset(&model, 0, sizeof model);
    model.subscriptions = subscriptions_create(size);
    model.tree = retained_create(size);
    REQUIRE(model.subscriptions != NULL && model.tree != NULL);
    while (input.at < input.end) {
        operation(&model, &input);
        check_counts(&model);
        REQUIRE(retained_count(model.tree) == model.retained_count);
    }
    finish(&model);
    return 0;
}
