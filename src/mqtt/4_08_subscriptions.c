/* 4.8 Subscriptions: who gets what. Prefix: subscriptions_
 *
 *     filter_node "+"  ── first ──▶ ring of subscriptions to this filter, in order of arrival
 *          │
 *          └ shares ──▶ share_node "group" ── first ──▶ ring of members; `first` is the one whose turn it is
 *
 * A subscription hangs in two rings: that of its filter (or share group) and that of its subscriber. Both are
 * left in constant time. To find the subscription of one subscriber to one filter, a short ring is looked
 * through; once a ring has been longer than UNINDEXED, its members are in the table `members` as well. */
#include "4_08_subscriptions.h"

#include <assert.h>
#include <stdlib.h>

#include "4_07_topic_tree.h"
#include "5_4_8_abnormal_behaviour.h"

#define UNINDEXED 8U                /* members of a ring that is looked through */
#define INDEXED TOPIC_NODE_OWN_FLAG /* the members of this audience are in the table */

struct subscription {
    struct subscriber *subscriber;
    struct audience *audience;
    struct subscription *next; /* in the ring of the audience */
    struct subscription *previous;
    struct subscription *own_next; /* in the list of the subscriber, NULL at its ends */
    struct subscription *own_previous;
    struct subscription_options options;
};

/* What filters and share groups have in common: somebody listens. */
struct audience {
    struct topic_node node;
    struct subscription *first; /* of the ring; NULL: nobody */
};

struct filter_node {
    struct audience audience;
    struct share_node *shares; /* the share groups of this filter */
    uint8_t text[];
};

struct share_node {
    struct audience audience;
    uint64_t number;         /* names the group, 1 and up; never used again, unlike the address */
    struct share_node *next; /* in the list of the filter, NULL at its ends */
    struct share_node *previous;
    uint8_t text[];
};

struct subscriptions {
    struct topic_tree tree;
    struct hash_map members; /* (audience, subscriber) -> subscription, for INDEXED audiences */
    struct topic_level single;
    struct topic_level multi;
    uint64_t count;
    uint64_t shared_count;
    uint64_t weight;     /* limits_weight of all */
    uint64_t last_share; /* number of the share group that was made last */
};

/* A Topic Filter taken apart. */
struct target {
    struct bytes filter;
    struct bytes share_name;
    bool shared;
};

/* $share/ and ShareName take no part in matching [D-4.8.2-2]. */
static struct target target_of(struct bytes filter, bool allow_shared)
{
    assert(filter.length <= TOPIC_MAXIMUM_LENGTH);
    struct target target = {.filter = filter};
    if (allow_shared)
        target.shared = topic_filter_shared(filter, &target.share_name, &target.filter);
    return target;
}

/* The heads are first members all the way down. */
static struct audience *audience_of(struct topic_node *node)
{
    return (struct audience *)node;
}

static struct filter_node *filter_of(struct topic_node *node)
{
    return (struct filter_node *)node;
}

static struct share_node *share_of(struct topic_node *node)
{
    return (struct share_node *)node;
}

struct subscriptions *subscriptions_create(uint64_t seed)
{
    static const struct topic_node_layout layouts[TOPIC_NODE_KINDS] = {
        [TOPIC_LEVEL] = TOPIC_NODE_LAYOUT(struct filter_node),
        [TOPIC_SINGLE] = TOPIC_NODE_LAYOUT(struct filter_node),
        [TOPIC_MULTI] = TOPIC_NODE_LAYOUT(struct filter_node),
        [TOPIC_SHARE] = TOPIC_NODE_LAYOUT(struct share_node),
    };
    struct subscriptions *subscriptions = calloc(1, sizeof *subscriptions);
    if (subscriptions == NULL)
        return NULL;
    if (!topic_tree_initialise(&subscriptions->tree, seed, layouts)) {
        free(subscriptions);
        return NULL;
    }
    subscriptions->single = topic_tree_filter_level(&subscriptions->tree, bytes_of_text("+"));
    subscriptions->multi = topic_tree_filter_level(&subscriptions->tree, bytes_of_text("#"));
    return subscriptions;
}

static void release_audience(void *context, struct topic_node *node)
{
    (void)context;
    struct subscription *subscription = audience_of(node)->first;
    if (subscription == NULL)
        return;
    subscription->previous->next = NULL; /* opens the ring */
    while (subscription != NULL) {
        struct subscription *next = subscription->next;
        free(subscription);
        subscription = next;
    }
}

void subscriptions_destroy(struct subscriptions *subscriptions)
{
    if (subscriptions == NULL)
        return;
    topic_tree_destroy(&subscriptions->tree, release_audience, NULL);
    hash_map_clear(&subscriptions->members);
    free(subscriptions);
}

/* The members of audiences. Keys are addresses: nobody outside chooses them. */

struct member_key {
    const struct audience *audience;
    const struct subscriber *subscriber;
};

static uint64_t member_hash(const struct subscriptions *subscriptions, const struct audience *audience,
                            const struct subscriber *subscriber)
{
    const uint64_t hash = hash_combine(subscriptions->tree.key.first, (uint64_t)(uintptr_t)audience);
    return hash_combine(hash, (uint64_t)(uintptr_t)subscriber);
}

static bool is_member(const void *item, const void *key)
{
    const struct subscription *subscription = item;
    const struct member_key *wanted = key;
    return subscription->subscriber == wanted->subscriber && subscription->audience == wanted->audience;
}

static struct subscription *find_member(const struct subscriptions *subscriptions,
                                        const struct audience *audience, const struct subscriber *subscriber)
{
    if (audience->node.flags & INDEXED) {
        const struct member_key key = {.audience = audience, .subscriber = subscriber};
        return hash_map_find(&subscriptions->members, member_hash(subscriptions, audience, subscriber),
                             is_member, &key);
    }
    struct subscription *subscription = audience->first;
    if (subscription == NULL)
        return NULL;
    do {
        if (subscription->subscriber == subscriber)
            return subscription;
        subscription = subscription->next;
    } while (subscription != audience->first);
    return NULL;
}

static bool index_member(struct subscriptions *subscriptions, struct subscription *subscription)
{
    const uint64_t hash = member_hash(subscriptions, subscription->audience, subscription->subscriber);
    return hash_map_insert(&subscriptions->members, hash, subscription);
}

/* Indexes an audience that outgrows looking through. False: no memory, nothing changed. */
static bool index_audience(struct subscriptions *subscriptions, struct audience *audience)
{
    struct subscription *subscription = audience->first;
    uint32_t count = 0;
    if (subscription == NULL || audience->node.flags & INDEXED)
        return true;
    do {
        count++;
        subscription = subscription->next;
    } while (subscription != audience->first);
    if (count < UNINDEXED)
        return true;

    if (!hash_map_reserve(&subscriptions->members, count))
        return false;
    do {
        const bool inserted = index_member(subscriptions, subscription);
        assert(inserted); /* there is room for all */
        (void)inserted;
        subscription = subscription->next;
    } while (subscription != audience->first);
    audience->node.flags |= INDEXED;
    return true;
}

static void link_to_audience(struct audience *audience, struct subscription *subscription)
{
    struct subscription *first = audience->first;
    if (first == NULL) {
        subscription->next = subscription->previous = subscription;
        audience->first = subscription;
        return;
    }
    subscription->next = first; /* last in the ring: in a share group, behind all who wait for their turn */
    subscription->previous = first->previous;
    first->previous->next = subscription;
    first->previous = subscription;
}

/* Who leaves while it is his turn hands it to the next. */
static void unlink_from_audience(struct audience *audience, struct subscription *subscription)
{
    if (subscription->next == subscription) {
        audience->first = NULL;
        return;
    }
    subscription->next->previous = subscription->previous;
    subscription->previous->next = subscription->next;
    if (audience->first == subscription)
        audience->first = subscription->next;
}

static void link_to_subscriber(struct subscriber *subscriber, struct subscription *subscription)
{
    subscription->own_previous = NULL;
    subscription->own_next = subscriber->first;
    if (subscriber->first != NULL)
        subscriber->first->own_previous = subscription;
    subscriber->first = subscription;
    subscriber->count++;
}

static void unlink_from_subscriber(struct subscriber *subscriber, struct subscription *subscription)
{
    if (subscription->own_next != NULL)
        subscription->own_next->own_previous = subscription->own_previous;
    if (subscription->own_previous != NULL)
        subscription->own_previous->own_next = subscription->own_next;
    else
        subscriber->first = subscription->own_next;
    subscriber->count--;
}

static void link_share(struct filter_node *filter, struct share_node *share)
{
    share->next = filter->shares;
    if (filter->shares != NULL)
        filter->shares->previous = share;
    filter->shares = share;
}

static void unlink_share(struct filter_node *filter, struct share_node *share)
{
    if (share->next != NULL)
        share->next->previous = share->previous;
    if (share->previous != NULL)
        share->previous->next = share->next;
    else
        filter->shares = share->next;
}

/* Frees `node` and those above it that lead nowhere any more. A share group ends with its last member
 * (4.8.2) and no earlier [D-3.10.4-3] [D-4.8.2-10]. */
static void prune(struct subscriptions *subscriptions, struct topic_node *node)
{
    while (node->parent != NULL && node->children == 0 && audience_of(node)->first == NULL) {
        struct topic_node *parent = node->parent;
        if (node->kind == TOPIC_SHARE)
            unlink_share(filter_of(parent), share_of(node));
        topic_tree_remove(&subscriptions->tree, node);
        node = parent;
    }
}

/* The audience of a filter, or NULL. */
static struct audience *find_audience(const struct subscriptions *subscriptions, const struct target *target)
{
    const struct topic_tree *tree = &subscriptions->tree;
    struct topic_node *node = tree->root;
    struct bytes rest = target->filter;
    struct bytes text;
    bool done = false;
    while (node != NULL && topic_next_level(&rest, &done, &text)) {
        const struct topic_level level = topic_tree_filter_level(tree, text);
        node = topic_tree_child(tree, node, &level);
    }
    if (node != NULL && target->shared) {
        const struct topic_level share = topic_tree_share(tree, target->share_name);
        node = topic_tree_child(tree, node, &share);
    }
    return node == NULL ? NULL : audience_of(node);
}

/* The child of `*node`, made if there is none, becomes `*node`. False: no memory; what led here and is of no
 * use is freed. */
static bool enter(struct subscriptions *subscriptions, struct topic_node **node,
                  const struct topic_level *level)
{
    struct topic_node *child = topic_tree_child(&subscriptions->tree, *node, level);
    if (child == NULL) {
        child = topic_tree_add(&subscriptions->tree, *node, level);
        if (child == NULL) {
            prune(subscriptions, *node);
            return false;
        }
        if (level->kind == TOPIC_SHARE) {
            share_of(child)->number = ++subscriptions->last_share;
            link_share(filter_of(*node), share_of(child));
        }
    }
    *node = child;
    return true;
}

/* The audience of a filter, made if there is none: of a share group by ShareName and filter, so that groups
 * whose filters overlap are apart [D-3.8.4-5] [D-4.8.2-17]. Topics exist as soon as somebody names them
 * [D-4.7.3-8]. NULL: no memory, nothing changed. */
static struct audience *make_audience(struct subscriptions *subscriptions, const struct target *target)
{
    const struct topic_tree *tree = &subscriptions->tree;
    struct topic_node *node = tree->root;
    struct bytes rest = target->filter;
    struct bytes text;
    bool done = false;
    while (topic_next_level(&rest, &done, &text)) {
        const struct topic_level level = topic_tree_filter_level(tree, text);
        if (!enter(subscriptions, &node, &level))
            return NULL;
    }
    if (target->shared) {
        const struct topic_level share = topic_tree_share(tree, target->share_name);
        if (!enter(subscriptions, &node, &share))
            return NULL;
    }
    return audience_of(node);
}

static uint32_t weight_of(const struct audience *audience)
{
    uint32_t levels = 0;
    for (const struct topic_node *node = &audience->node; node->parent != NULL; node = node->parent)
        levels += node->kind != TOPIC_SHARE;
    return limits_weight(levels);
}

/* A new member of `audience` [D-3.8.4-2, D3-3.8.4-2] [D-3.8.4-4] [D-4.8.2-5]; false: no memory, nothing
 * changed. */
static bool join(struct subscriptions *subscriptions, struct audience *audience,
                 struct subscriber *subscriber, const struct subscription_options *options)
{
    struct subscription *subscription = malloc(sizeof *subscription);
    if (subscription == NULL)
        return false;
    *subscription =
        (struct subscription){.subscriber = subscriber, .audience = audience, .options = *options};
    if (!index_audience(subscriptions, audience) ||
        (audience->node.flags & INDEXED && !index_member(subscriptions, subscription))) {
        free(subscription);
        return false;
    }
    link_to_audience(audience, subscription);
    link_to_subscriber(subscriber, subscription);
    subscriptions->count++;
    const uint32_t weight = weight_of(audience);
    subscriptions->weight += weight;
    subscriber->weight += weight;
    subscriptions->shared_count += audience->node.kind == TOPIC_SHARE;
    return true;
}

/* One subscription for each filter, and in each share group: [D-4.8.1-1, D3-1.2-1] [D-4.8.2-15] [D-4.8.2-16].
 * With its Subscription Identifier [D-3.8.2.1.2-3], which replaces the former one [D-3.8.4-8]. */
enum subscriptions_outcome subscriptions_put(struct subscriptions *subscriptions,
                                             struct subscriber *subscriber, struct bytes filter,
                                             bool allow_shared, const struct subscription_options *options)
{
    const struct target target = target_of(filter, allow_shared);
    struct audience *audience = make_audience(subscriptions, &target);
    if (audience == NULL)
        return SUBSCRIPTION_NO_MEMORY;

    struct subscription *existing = find_member(subscriptions, audience, subscriber);
    if (existing != NULL) { /* [MQTT-3.8.4-3] [MQTT3-3.8.4-3]; a member keeps its turn */
        existing->options = *options;
        return SUBSCRIPTION_REPLACED;
    }
    if (!join(subscriptions, audience, subscriber, options)) {
        prune(subscriptions, &audience->node);
        return SUBSCRIPTION_NO_MEMORY;
    }
    return SUBSCRIPTION_ADDED;
}

static void leave(struct subscriptions *subscriptions, struct subscription *subscription)
{
    struct audience *audience = subscription->audience;
    if (audience->node.flags & INDEXED) {
        const uint64_t hash = member_hash(subscriptions, audience, subscription->subscriber);
        const bool was_there = hash_map_remove(&subscriptions->members, hash, subscription);
        assert(was_there);
        (void)was_there;
    }
    unlink_from_audience(audience, subscription);
    const uint32_t weight = weight_of(audience);
    subscriptions->weight -= weight;
    subscription->subscriber->weight -= weight;
    unlink_from_subscriber(subscription->subscriber, subscription);
    free(subscription);

    subscriptions->count--;
    subscriptions->shared_count -= audience->node.kind == TOPIC_SHARE;
    if (audience->first == NULL)
        audience->node.flags &= (uint8_t)~INDEXED;
    prune(subscriptions, &audience->node);
}

/* [D-3.10.4-2] [D-4.8.2-8] */
bool subscriptions_remove(struct subscriptions *subscriptions, struct subscriber *subscriber,
                          struct bytes filter, bool allow_shared)
{
    const struct target target = target_of(filter, allow_shared);
    const struct audience *audience = find_audience(subscriptions, &target);
    struct subscription *subscription =
        audience == NULL ? NULL : find_member(subscriptions, audience, subscriber);
    if (subscription == NULL)
        return false;
    leave(subscriptions, subscription);
    return true;
}

void subscriptions_remove_all(struct subscriptions *subscriptions, struct subscriber *subscriber)
{
    while (subscriber->first != NULL)
        leave(subscriptions, subscriber->first);
}

/* Matching: a walk of the tree along the Topic Name, into the level itself first, then into `+`, until all
 * filters that match are found [D-4.7.3-7, D3-4.7.3-7], be the levels as many as they may
 * [D-4.7.3-5, D3-4.7.3-5]. The way back needs no stack: the parent is in the node, the branch left to take
 * follows from the kind of the one returned from. */

struct match {
    const struct subscriptions *subscriptions;
    const struct subscriptions_visitor *visitor;
    struct topic_node *node;
    struct topic_place place;
    bool begins_with_dollar;
    struct topic_path path;
};

/* One member of a share group gets the message [D-4.8.2-1]; the turn passes to the one after it. */
static void report_share(struct share_node *share, const struct subscriptions_visitor *visitor)
{
    struct audience *audience = &share->audience;
    struct subscription *first = audience->first;
    struct subscription *member = first;
    if (first == NULL || (visitor->group != NULL && !visitor->group(visitor->context, share->number)))
        return;
    do { /* one of them [D-4.8.2-4] [D-4.8.2-7] */
        if (visitor->offer(visitor->context, member->subscriber, &member->options)) {
            if (!visitor->peek)
                audience->first = member->next;
            return;
        }
        member = member->next;
    } while (member != first);

    if (visitor->nobody != NULL) {
        visitor->nobody(visitor->context, first->subscriber, &first->options);
        if (!visitor->peek)
            audience->first = first->next;
    }
}

static void report(const struct match *match, struct topic_node *node)
{
    const struct subscriptions_visitor *visitor = match->visitor;
    const struct subscription *first = audience_of(node)->first;
    const struct subscription *subscription = first;
    if (first != NULL) {
        do {
            visitor->match(visitor->context, subscription->subscriber, &subscription->options);
            subscription = subscription->next;
        } while (subscription != first);
    }
    /* each group by itself [D-4.8.2-18] */
    for (struct share_node *share = filter_of(node)->shares; share != NULL; share = share->next)
        report_share(share, visitor);
}

/* The wildcard child, where there is one; a filter that begins with a wildcard doesn't match `$`
 * [MQTT-4.7.2-1] [MQTT3-4.7.2-1]. */
static struct topic_node *wildcard_child(const struct match *match, const struct topic_level *wildcard)
{
    const struct topic_node *node = match->node;
    if (!topic_node_has(node, wildcard->kind) || (match->begins_with_dollar && node->parent == NULL))
        return NULL;
    return topic_tree_child(&match->subscriptions->tree, node, wildcard);
}

/* What the present node contributes: `#` below it matches the rest of the name, be it nothing
 * (4.7.1.2) [D-4.7.1.2-1, D3-4.7.1.2-1] [D-4.7.1.2-2, D3-4.7.1.2-2]. */
static void arrive(const struct match *match)
{
    struct topic_node *multi = wildcard_child(match, &match->subscriptions->multi);
    if (multi != NULL)
        report(match, multi);
    if (topic_path_ended(&match->path, match->place))
        report(match, match->node);
}

/* Goes one level down; false: `child` is NULL. */
static bool descend(struct match *match, struct topic_node *child)
{
    if (child == NULL)
        return false;
    match->node = child;
    match->place = topic_path_forward(&match->path, match->place);
    return true;
}

static struct topic_node *literal_child(struct match *match)
{
    if (!topic_node_may_have_level(match->node))
        return NULL;
    const struct topic_level *level = topic_path_level(&match->path, match->place);
    return topic_tree_child(&match->subscriptions->tree, match->node, level);
}

/* Goes to the next node that the name leads to, `+` standing for one level [D-4.7.1.3-1, D3-4.7.1.3-1]; false:
 * there is none. */
static bool advance(struct match *match)
{
    const struct topic_level *single = &match->subscriptions->single;
    if (!topic_path_ended(&match->path, match->place) &&
        (descend(match, literal_child(match)) || descend(match, wildcard_child(match, single))))
        return true;

    while (match->node->parent != NULL) {
        const bool was_literal = match->node->kind == TOPIC_LEVEL;
        match->node = match->node->parent;
        match->place = topic_path_back(&match->path, match->place);
        if (was_literal && descend(match, wildcard_child(match, single)))
            return true;
    }
    return false;
}

void subscriptions_match(struct subscriptions *subscriptions, struct bytes topic_name,
                         const struct subscriptions_visitor *visitor)
{
    struct match match; /* the path is large and made ready by topic_path_begin */
    match.subscriptions = subscriptions;
    match.visitor = visitor;
    match.node = subscriptions->tree.root;
    match.place = (struct topic_place){.depth = 0, .begin = 0};
    match.begins_with_dollar = topic_name.length > 0 && topic_name.data[0] == '$';
    topic_path_begin(&match.path, &subscriptions->tree, topic_name, topic_tree_name_level);

    do {
        arrive(&match);
    } while (advance(&match));
}

/* Writing a filter from its last byte to its first, the way the nodes lead. */

struct backward {
    size_t begin;
    uint8_t text[TOPIC_MAXIMUM_LENGTH];
};

static void prepend(struct backward *backward, struct bytes text)
{
    assert(text.length <= backward->begin); /* the filter that made these nodes had room */
    backward->begin -= text.length;
    if (text.length > 0)
        memcpy(backward->text + backward->begin, text.data, text.length);
}

static struct bytes filter_text(const struct topic_tree *tree, const struct topic_node *audience,
                                struct backward *backward)
{
    const struct topic_node *node = audience->kind == TOPIC_SHARE ? audience->parent : audience;
    backward->begin = sizeof backward->text;
    prepend(backward, topic_tree_text(tree, node));
    for (node = node->parent; node->parent != NULL; node = node->parent) {
        prepend(backward, bytes_of_text("/"));
        prepend(backward, topic_tree_text(tree, node));
    }
    if (audience->kind == TOPIC_SHARE) {
        prepend(backward, bytes_of_text("/"));
        prepend(backward, topic_tree_text(tree, audience));
        prepend(backward, bytes_of_text("$share/"));
    }
    return bytes_of(backward->text + backward->begin, sizeof backward->text - backward->begin);
}

void subscriptions_each(struct subscriptions *subscriptions, const struct subscriber *subscriber,
                        void (*each)(void *context, struct bytes filter,
                                     const struct subscription_options *options),
                        void *context)
{
    struct backward backward; /* 64 KiB of stack: nothing to fail, nothing shared */
    for (const struct subscription *subscription = subscriber->first; subscription != NULL;
         subscription = subscription->own_next)
        each(context, filter_text(&subscriptions->tree, &subscription->audience->node, &backward),
             &subscription->options);
}

static struct share_node *find_share(const struct subscriptions *subscriptions, struct bytes filter)
{
    const struct target target = target_of(filter, true);
    struct audience *audience = target.shared ? find_audience(subscriptions, &target) : NULL;
    return audience == NULL ? NULL : share_of(&audience->node);
}

uint64_t subscriptions_group(const struct subscriptions *subscriptions, struct bytes filter)
{
    const struct share_node *share = find_share(subscriptions, filter);
    return share == NULL ? 0 : share->number;
}

void subscriptions_set_group(struct subscriptions *subscriptions, struct bytes filter, uint64_t number)
{
    struct share_node *share = find_share(subscriptions, filter);
    if (share != NULL)
        share->number = number;
    subscriptions_skip_groups(subscriptions, number);
}

void subscriptions_skip_groups(struct subscriptions *subscriptions, uint64_t number)
{
    if (subscriptions->last_share < number)
        subscriptions->last_share = number;
}

bool subscriptions_has(const struct subscriptions *subscriptions, const struct subscriber *subscriber,
                       struct bytes filter, bool allow_shared)
{
    const struct target target = target_of(filter, allow_shared);
    const struct audience *audience = find_audience(subscriptions, &target);
    return audience != NULL && find_member(subscriptions, audience, subscriber) != NULL;
}

uint64_t subscriptions_weight(const struct subscriptions *subscriptions)
{
    return subscriptions->weight;
}

uint64_t subscriptions_count(const struct subscriptions *subscriptions)
{
    return subscriptions->count;
}

uint64_t subscriptions_shared_count(const struct subscriptions *subscriptions)
{
    return subscriptions->shared_count;
}
