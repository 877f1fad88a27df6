/* 4.8 Subscriptions: who gets what. Prefix: subscriptions_
 *
 * A tree of topic levels. Matching a Topic Name walks its levels and, in each, at most three branches (the
 * level itself, `+` and `#`), so its cost depends on the topic and on the number of matches, never on the
 * number of subscriptions. A session's own subscriptions are indexed too: adding, replacing and removing one
 * takes constant time even if one client has a million of them, or a million clients share one filter. */
#ifndef ETALON_MQTT_4_08_SUBSCRIPTIONS_H
#define ETALON_MQTT_4_08_SUBSCRIPTIONS_H

#include "4_07_topics.h"

struct subscriptions; /* all subscriptions of a broker */
struct subscription;  /* one Topic Filter of one subscriber; opaque outside */

/* The part of a Session that subscribes; the session embeds one, zero-initialised. */
struct subscriber {
    struct subscription *first; /* the subscriber's own subscriptions, in no particular order */
    uint32_t count;
    uint32_t weight; /* their number, those of very many levels counted several times: limits_weight */
};

/* Subscription Options (3.8.3.1) and the Subscription Identifier (3.8.2.1.2). */
struct subscription_options {
    uint32_t identifier; /* 0: none */
    uint8_t qos;         /* maximum QoS granted */
    bool no_local;
    bool retain_as_published;
    uint8_t retain_handling;
};

/* What the tree tells of the matches of one Topic Name. */
struct subscriptions_visitor {
    void *context;
    /* A non-shared subscription matches. A subscriber is reported once per matching subscription. */
    void (*match)(void *context, struct subscriber *subscriber, const struct subscription_options *options);
    /* A Shared Subscription (4.8.2) matches: `group`, never 0, is its number until its last member has left;
     * no other one ever has it. False: pass it over. NULL: take all. */
    bool (*group)(void *context, uint64_t group);
    /* A member of a matching Shared Subscription (4.8.2) is offered the message; true: it takes it and no
     * other member of the group is asked. Members are asked round robin, beginning after the one that took
     * the last message. When all have declined, `nobody` is called (may be NULL) with the member whose turn
     * it was, and the turn passes on. */
    bool (*offer)(void *context, struct subscriber *member, const struct subscription_options *options);
    void (*nobody)(void *context, struct subscriber *member, const struct subscription_options *options);
    bool peek; /* only to see who would get the message: the turn does not pass on */
};

enum subscriptions_outcome { SUBSCRIPTION_ADDED, SUBSCRIPTION_REPLACED, SUBSCRIPTION_NO_MEMORY };

/* A new, empty collection; `seed` keys its hash tables against crafted collisions. NULL: no memory.
 * Owned by the caller: subscriptions_destroy. */
struct subscriptions *subscriptions_create(uint64_t seed);

/* Frees everything (NULL is allowed). The subscribers are not touched: none of them may be used here any
 * more. */
void subscriptions_destroy(struct subscriptions *subscriptions);

/* Adds the subscription, or replaces the options of the one with the identical Topic Filter [MQTT-3.8.4-3].
 * `filter` was accepted by topic_filter_check; "$share/NAME/FILTER" joins that group when `allow_shared`
 * (5.0), else it's an ordinary filter. Without memory nothing has changed. */
enum subscriptions_outcome subscriptions_put(struct subscriptions *subscriptions,
                                             struct subscriber *subscriber, struct bytes filter,
                                             bool allow_shared, const struct subscription_options *options);

/* Removes one subscription by its exact filter; false: there was none. Never fails for lack of memory. */
bool subscriptions_remove(struct subscriptions *subscriptions, struct subscriber *subscriber,
                          struct bytes filter, bool allow_shared);

/* Removes all subscriptions of a subscriber (its session ends). */
void subscriptions_remove_all(struct subscriptions *subscriptions, struct subscriber *subscriber);

/* The number of the Shared Subscription that `filter` ("$share/...") names, as visitors see it; 0: there is
 * none, or the filter is not shared. */
uint64_t subscriptions_group(const struct subscriptions *subscriptions, struct bytes filter);

/* Gives a Shared Subscription the number that it had before a restart. */
void subscriptions_set_group(struct subscriptions *subscriptions, struct bytes filter, uint64_t number);

/* Sees to it that no new Shared Subscription gets this number or a lower one. */
void subscriptions_skip_groups(struct subscriptions *subscriptions, uint64_t number);

/* Reports every subscription that matches `topic_name` (4.7). The visitor must not change the collection. */
void subscriptions_match(struct subscriptions *subscriptions, struct bytes topic_name,
                         const struct subscriptions_visitor *visitor);

/* Walks a subscriber's own subscriptions (for persistence and $SYS): calls `each` with the full Topic Filter
 * ("$share/..." included); the filter's bytes live only during the call. `each` must not change the
 * collection. */
void subscriptions_each(struct subscriptions *subscriptions, const struct subscriber *subscriber,
                        void (*each)(void *context, struct bytes filter,
                                     const struct subscription_options *options),
                        void *context);

/* Whether the subscriber has a subscription with this filter. */
bool subscriptions_has(const struct subscriptions *subscriptions, const struct subscriber *subscriber,
                       struct bytes filter, bool allow_shared);

/* As in struct subscriber, of all together. */
uint64_t subscriptions_weight(const struct subscriptions *subscriptions);

/* Number of subscriptions, all subscribers together; number of those that are shared. */
uint64_t subscriptions_count(const struct subscriptions *subscriptions);
uint64_t subscriptions_shared_count(const struct subscriptions *subscriptions);

#endif
