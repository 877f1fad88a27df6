/* 4.7 Topic Names and Topic Filters as a tree of levels. Prefix: topic_tree_, topic_path_
 *
 * What the subscriptions (4.8) and the retained messages (3.3.1.3) have in common:
 *
 * root ── "sport" ── "tennis" ──┬── "player1"       One node per level; topics that begin alike share nodes.
 *                               └── "+"             A node knows its parent, not its children: those are
 *                                                   found in one hash table under (parent, level).
 *
 * So a node is small, a level is found in constant time however many siblings it has, and nobody can make a
 * branch slow by giving it many children. A topic may have 65,535 levels and strangers choose them: nothing
 * here recurses, and a walk needs neither a stack nor memory, since the way back up is in the nodes and in
 * the text of the topic. */
#ifndef ETALON_MQTT_4_07_TOPIC_TREE_H
#define ETALON_MQTT_4_07_TOPIC_TREE_H

#include "../base/hash.h"
#include "../base/hash_map.h"
#include "4_07_topics.h"

enum topic_node_kind {
    TOPIC_LEVEL,  /* a level to be taken literally */
    TOPIC_SINGLE, /* `+` */
    TOPIC_MULTI,  /* `#` */
    TOPIC_SHARE,  /* not a level: a ShareName (4.8.2), hung below the last level of its filter */
    TOPIC_NODE_KINDS
};

/* The head of a node; the trees embed it as their first member. The text follows the tree's own members. */
struct topic_node {
    struct topic_node *parent; /* NULL: the root */
    uint32_t children;         /* of every kind */
    uint16_t length;           /* of the text, in bytes */
    uint8_t kind;              /* enum topic_node_kind */
    uint8_t flags; /* 1 << TOPIC_SINGLE, 1 << TOPIC_MULTI: there is such a child; or TOPIC_NODE_OWN_FLAG */
};

/* A bit in the flags that the core of the tree leaves alone. */
#define TOPIC_NODE_OWN_FLAG 0x80U

/* How a kind of node is laid out: the size of its struct, and where in it the text (a flexible array) begins. */
struct topic_node_layout {
    uint16_t size;
    uint16_t text_at;
};

#define TOPIC_NODE_LAYOUT(type)                                                                              \
    {                                                                                                        \
        .size = sizeof(type), .text_at = offsetof(type, text)                                                \
    }

struct topic_tree {
    struct hash_key key;
    struct topic_node_layout layouts[TOPIC_NODE_KINDS];
    struct hash_map table;
    struct topic_node *root; /* has no text and is never removed */
};

/* A level (or ShareName) and its hash under the tree's key: made once, used in any number of branches. */
struct topic_level {
    uint64_t hash;
    struct bytes text;
    enum topic_node_kind kind;
};

/* An empty tree. `layouts`: one per kind. False: no memory. Freed by topic_tree_destroy. */
bool topic_tree_initialise(struct topic_tree *tree, uint64_t seed,
                           const struct topic_node_layout layouts[TOPIC_NODE_KINDS]);

/* Frees all nodes, in no particular order; before, `release` is called for each but the root. */
void topic_tree_destroy(struct topic_tree *tree, void (*release)(void *context, struct topic_node *node),
                        void *context);

/* The level for a text: of a Topic Name, where everything is literal, and of a Topic Filter, where `+` and
 * `#` are not. */
struct topic_level topic_tree_name_level(const struct topic_tree *tree, struct bytes text);
struct topic_level topic_tree_filter_level(const struct topic_tree *tree, struct bytes text);
struct topic_level topic_tree_share(const struct topic_tree *tree, struct bytes share_name);

/* The child of `parent` at that level, or NULL. */
struct topic_node *topic_tree_child(const struct topic_tree *tree, const struct topic_node *parent,
                                    const struct topic_level *level);

/* Adds the child, which must not exist yet; what the tree's struct adds to the head is zero. NULL: no memory. */
struct topic_node *topic_tree_add(struct topic_tree *tree, struct topic_node *parent,
                                  const struct topic_level *level);

/* Removes and frees a node without children, not the root. Never fails for lack of memory. */
void topic_tree_remove(struct topic_tree *tree, struct topic_node *node);

/* The text of a node; lives as long as the node. */
struct bytes topic_tree_text(const struct topic_tree *tree, const struct topic_node *node);

/* Whether a child of that kind (TOPIC_SINGLE, TOPIC_MULTI) exists: spares a look-up. */
static inline bool topic_node_has(const struct topic_node *node, enum topic_node_kind kind)
{
    return (node->flags & (1U << kind)) != 0;
}

/* Whether there may be a literal child (ShareNames are counted in): spares a look-up. */
static inline bool topic_node_may_have_level(const struct topic_node *node)
{
    return node->children >
           (uint32_t)topic_node_has(node, TOPIC_SINGLE) + (uint32_t)topic_node_has(node, TOPIC_MULTI);
}

/* A topic that is walked to and fro. Levels are cut and hashed once and remembered; of a topic with more
 * levels than there is room for, the later ones are worked out again when they're needed: they are short then. */
#define TOPIC_PATH_REMEMBERED 256U

struct topic_step {
    uint32_t begin; /* offset of the level in the topic */
    struct topic_level level;
};

struct topic_path {
    const struct topic_tree *tree;
    struct bytes topic;
    struct topic_level (*make_level)(const struct topic_tree *tree, struct bytes text);
    uint32_t known;          /* the first so many levels are among `steps` */
    uint32_t other_depth;    /* of `other`; UINT32_MAX: none */
    struct topic_step other; /* the last one that was worked out and is not among them */
    struct topic_step steps[TOPIC_PATH_REMEMBERED];
};

/* A place in a path: behind `depth` levels; the next one begins at `begin`. */
struct topic_place {
    uint32_t depth;
    uint32_t begin; /* length of the topic + 1: behind the last level */
};

/* Begins the walk of a topic whose levels are made by topic_tree_name_level or topic_tree_filter_level. */
void topic_path_begin(struct topic_path *path, const struct topic_tree *tree, struct bytes topic,
                      struct topic_level (*make_level)(const struct topic_tree *tree, struct bytes text));

/* Whether no level follows. */
static inline bool topic_path_ended(const struct topic_path *path, struct topic_place place)
{
    return place.begin > path->topic.length;
}

/* The level that follows `place`, where the path hasn't ended; valid until the next call for this path. */
const struct topic_level *topic_path_level(struct topic_path *path, struct topic_place place);

/* The place one level further, where the path hasn't ended; and the one before, where depth is not 0. */
struct topic_place topic_path_forward(struct topic_path *path, struct topic_place place);
struct topic_place topic_path_back(struct topic_path *path, struct topic_place place);

#endif
