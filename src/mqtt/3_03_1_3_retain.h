/* 3.3.1.3 RETAIN: the retained message of each topic. Prefix: retained_
 *
 * A tree of topic levels like that of the subscriptions, the other way round: here the names are stored and a
 * filter asks. */
#ifndef ETALON_MQTT_3_03_1_3_RETAIN_H
#define ETALON_MQTT_3_03_1_3_RETAIN_H

#include "4_07_topics.h"

struct message;       /* 4_01_session_state's shared application message; opaque here */
struct retained_tree; /* all retained messages of a broker */
struct retained_node; /* one level of a topic in it */

/* A new, empty tree; `seed` keys its hash table. NULL: no memory. */
struct retained_tree *retained_create(uint64_t seed);

/* Destroys the tree; `release` is called for each message still in it. */
void retained_destroy(struct retained_tree *tree, void (*release)(void *context, struct message *message),
                      void *context);

/* Stores `message` as the retained message of `topic_name` and hands back the one before it in `*previous`
 * (NULL: none) [MQTT-3.3.1-5]. The tree takes over the caller's reference. False: no memory, nothing changed. */
bool retained_put(struct retained_tree *tree, struct bytes topic_name, struct message *message,
                  struct message **previous);

/* Removes the retained message of a topic and returns it (the caller owns the reference now), NULL when there
 * is none. [MQTT-3.3.1-6] Branches that became empty are freed. */
struct message *retained_remove(struct retained_tree *tree, struct bytes topic_name);

/* The retained message of exactly this topic, or NULL; still owned by the tree. */
struct message *retained_get(struct retained_tree *tree, struct bytes topic_name);

/* Calls `found` for each retained message whose topic matches `filter` (4.7; `$` topics are not matched by a
 * leading wildcard [MQTT-4.7.2-1]). `found` must not change the tree; false stops the walk. */
void retained_match(struct retained_tree *tree, struct bytes filter,
                    bool (*found)(void *context, struct message *message), void *context);

/* The same walk, which may pause: what a client is to get need neither be made all at once nor be kept aside. The
 * node at which it pauses stays in the tree whatever becomes of its message; messages that come, change or go
 * meanwhile are met as they are then, or not at all. Zeroed: not begun. */
struct retained_walk {
    struct retained_node *node; /* the one that is looked at next */
    struct retained_node *top;  /* below it all match; NULL: not behind a `#` */
    uint32_t depth, begin;      /* place in the filter */
    bool paused;                /* the tree knows that the walk is at `node` */
};

/* Goes on with the walk that `filter` leads, the same at each call, for up to `*budget` nodes, from which those
 * visited are taken off. `found` as above, for each match; before each, `go_on` may ask for a pause. Whether the walk
 * has ended; otherwise it's paused, and retained_walk or retained_walk_abandon is due. */
bool retained_walk(struct retained_tree *tree, struct retained_walk *walk, struct bytes filter,
                   uint32_t *budget, bool (*go_on)(void *context),
                   bool (*found)(void *context, struct message *message), void *context);

/* Gives up a paused walk. Harmless for one that is not. */
void retained_walk_abandon(struct retained_tree *tree, struct retained_walk *walk);

/* Number of retained messages. */
uint64_t retained_count(const struct retained_tree *tree);

#endif
