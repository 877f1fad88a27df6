/* 3.3.1.3 RETAIN: the retained message of each topic. Prefix: retained_
 *
 * Here a filter asks for the names that match it, so that besides being found by its level a node must be
 * reached from its siblings: `+` goes through the children of a node, `#` through everything below it. */
#include "3_03_1_3_retain.h"

#include <assert.h>
#include <stdlib.h>

#include "4_07_topic_tree.h"

/* A walk that pauses at a node counts among the children of its head: then it stays. (Another member would cost what the
 * allocator rounds up: 16 bytes for each of a million.) */
struct retained_node {
    struct topic_node node;
    struct message *message; /* NULL: only a level on the way to others */
    struct retained_node *first_child;
    struct retained_node *next; /* siblings, NULL at the ends */
    struct retained_node *previous;
    uint8_t text[];
};

struct retained_tree {
    struct topic_tree tree;
    uint64_t count;
};

/* The head is the first member. */
static struct retained_node *retained_of(struct topic_node *node)
{
    return (struct retained_node *)node;
}

static struct retained_node *parent_of(const struct retained_node *node)
{
    return retained_of(node->node.parent);
}

struct retained_tree *retained_create(uint64_t seed)
{
    static const struct topic_node_layout layouts[TOPIC_NODE_KINDS] = {
        [TOPIC_LEVEL] = TOPIC_NODE_LAYOUT(struct retained_node), /* names have no other kind */
    };
    struct retained_tree *tree = calloc(1, sizeof *tree);
    if (tree == NULL)
        return NULL;
    if (!topic_tree_initialise(&tree->tree, seed, layouts)) {
        free(tree);
        return NULL;
    }
    return tree;
}

struct release {
    void (*release)(void *context, struct message *message);
    void *context;
};

static void release_message(void *context, struct topic_node *node)
{
    const struct release *release = context;
    struct message *message = retained_of(node)->message;
    if (message != NULL)
        release->release(release->context, message);
}

void retained_destroy(struct retained_tree *tree, void (*release)(void *context, struct message *message),
                      void *context)
{
    if (tree == NULL)
        return;
    struct release each = {.release = release, .context = context};
    topic_tree_destroy(&tree->tree, release_message, &each);
    free(tree);
}

static void link_child(struct retained_node *parent, struct retained_node *child)
{
    child->next = parent->first_child;
    if (parent->first_child != NULL)
        parent->first_child->previous = child;
    parent->first_child = child;
}

static void unlink_child(struct retained_node *parent, struct retained_node *child)
{
    if (child->next != NULL)
        child->next->previous = child->previous;
    if (child->previous != NULL)
        child->previous->next = child->next;
    else
        parent->first_child = child->next;
}

/* Frees `node` and those above it that lead nowhere any more. */
static void prune(struct retained_tree *tree, struct retained_node *node)
{
    while (node->node.parent != NULL && node->node.children == 0 && node->message == NULL) {
        struct retained_node *parent = parent_of(node);
        unlink_child(parent, node);
        topic_tree_remove(&tree->tree, &node->node);
        node = parent;
    }
}

/* The node of a Topic Name, or NULL. */
static struct retained_node *find(const struct retained_tree *tree, struct bytes topic_name)
{
    struct topic_node *node = tree->tree.root;
    struct bytes text;
    bool done = false;
    while (node != NULL && topic_next_level(&topic_name, &done, &text)) {
        const struct topic_level level = topic_tree_name_level(&tree->tree, text);
        node = topic_tree_child(&tree->tree, node, &level);
    }
    return node == NULL ? NULL : retained_of(node);
}

/* The node of a Topic Name, made if there is none. NULL: no memory, nothing changed. */
static struct retained_node *make(struct retained_tree *tree, struct bytes topic_name)
{
    struct topic_node *node = tree->tree.root;
    struct bytes text;
    bool done = false;
    while (topic_next_level(&topic_name, &done, &text)) {
        const struct topic_level level = topic_tree_name_level(&tree->tree, text);
        struct topic_node *child = topic_tree_child(&tree->tree, node, &level);
        if (child == NULL) {
            child = topic_tree_add(&tree->tree, node, &level);
            if (child == NULL) {
                prune(tree, retained_of(node));
                return NULL;
            }
            link_child(retained_of(node), retained_of(child));
        }
        node = child;
    }
    return retained_of(node);
}

bool retained_put(struct retained_tree *tree, struct bytes topic_name, struct message *message,
                  struct message **previous)
{
    assert(message != NULL);
    struct retained_node *node = make(tree, topic_name);
    if (node == NULL)
        return false;
    *previous = node->message;
    node->message = message; /* [MQTT-3.3.1-5] [MQTT3-3.3.1-5]; it stays until it is replaced [S3-4.1-1] */
    tree->count += *previous == NULL;
    return true;
}

struct message *retained_remove(struct retained_tree *tree, struct bytes topic_name)
{
    struct retained_node *node = find(tree, topic_name);
    if (node == NULL || node->message == NULL)
        return NULL;
    struct message *message = node->message;
    node->message = NULL; /* [MQTT-3.3.1-6] [MQTT3-3.3.1-10] */
    tree->count--;
    prune(tree, node);
    return message;
}

struct message *retained_get(struct retained_tree *tree, struct bytes topic_name)
{
    const struct retained_node *node = find(tree, topic_name);
    return node == NULL ? NULL : node->message;
}

/* Matching: a walk of the tree along the filter, iterative since both may be 65,535 levels deep. */

struct match {
    struct retained_tree *tree;
    struct retained_node *node;
    struct retained_node *top; /* as in struct retained_walk */
    struct topic_place place;  /* in the filter */
    bool (*found)(void *context, struct message *message);
    void *context;
    struct topic_path path;
};

/* `node` or the first after it among its siblings that a wildcard may choose: in the first level, names that
 * begin with `$` are passed over [MQTT-4.7.2-1] [MQTT3-4.7.2-1]. */
static struct retained_node *eligible(const struct match *match, struct retained_node *node)
{
    if (node == NULL || node->node.parent != match->tree->tree.root)
        return node;
    while (node != NULL && node->node.length > 0 && node->text[0] == '$')
        node = node->next;
    return node;
}

/* False: the walk is to stop. */
static bool report(const struct match *match, const struct retained_node *node)
{
    return node->message == NULL || match->found(match->context, node->message);
}

/* The node behind `node` in the branch below `top`, parents before children; NULL: there is none. */
static struct retained_node *next_in_branch(const struct match *match, struct retained_node *node,
                                            const struct retained_node *top)
{
    struct retained_node *next = eligible(match, node->first_child);
    while (next == NULL && node != top) {
        next = eligible(match, node->next);
        node = parent_of(node);
    }
    return next;
}

/* The child into which the next level of the filter leads first, or NULL. */
static struct retained_node *first_choice(struct match *match)
{
    if (match->node->first_child == NULL || topic_path_ended(&match->path, match->place))
        return NULL;
    const struct topic_level *level = topic_path_level(&match->path, match->place);
    if (level->kind == TOPIC_MULTI)
        return NULL; /* what is behind it was looked at as a branch */
    if (level->kind == TOPIC_SINGLE)
        return eligible(match, match->node->first_child);
    return retained_of(topic_tree_child(&match->tree->tree, &match->node->node, level));
}

/* Goes to the next node that the filter leads to; false: there is none. */
static bool advance(struct match *match)
{
    struct retained_node *next = first_choice(match);
    while (next == NULL) {
        if (match->node->node.parent == NULL)
            return false;
        match->place = topic_path_back(&match->path, match->place);
        if (topic_path_level(&match->path, match->place)->kind == TOPIC_SINGLE)
            next = eligible(match, match->node->next);
        match->node = parent_of(match->node);
    }
    match->node = next;
    match->place = topic_path_forward(&match->path, match->place);
    return true;
}

/* `#`: the level above it and all below (4.7.1.2), one at a time. False: it was the last of the whole walk. */
static bool advance_in_branch(struct match *match)
{
    struct retained_node *next = next_in_branch(match, match->node, match->top);
    if (next != NULL) {
        match->node = next;
        return true;
    }
    match->node = match->top;
    match->top = NULL;
    return advance(match);
}

/* Looks at the present node and leaves it. False: the walk has ended. */
static bool visit(struct match *match)
{
    const bool ended = topic_path_ended(&match->path, match->place);
    if (match->top == NULL && !ended && topic_path_level(&match->path, match->place)->kind == TOPIC_MULTI)
        match->top = match->node;
    if ((match->top != NULL || ended) && !report(match, match->node))
        return false;
    return match->top != NULL ? advance_in_branch(match) : advance(match);
}

static void pause(struct retained_walk *walk, const struct match *match)
{
    *walk = (struct retained_walk){.node = match->node,
                                   .top = match->top,
                                   .depth = match->place.depth,
                                   .begin = match->place.begin,
                                   .paused = true};
    walk->node->node.children++;
}

/* The node that it paused at need not stay any more. */
static void resume(struct retained_tree *tree, struct retained_walk *walk)
{
    if (walk->paused) {
        walk->node->node.children--;
        return;
    }
    *walk = (struct retained_walk){.node = retained_of(tree->tree.root)};
}

bool retained_walk(struct retained_tree *tree, struct retained_walk *walk, struct bytes filter,
                   uint32_t *budget, bool (*go_on)(void *context),
                   bool (*found)(void *context, struct message *message), void *context)
{
    struct match match; /* the path is large and made ready by topic_path_begin */
    resume(tree, walk);
    struct retained_node *left = walk->paused ? walk->node : NULL;
    match.tree = tree;
    match.node = walk->node;
    match.top = walk->top;
    match.place = (struct topic_place){.depth = walk->depth, .begin = walk->begin};
    match.found = found;
    match.context = context;
    topic_path_begin(&match.path, &tree->tree, filter, topic_tree_filter_level);

    bool more = true;
    while (more && *budget > 0 && go_on(context)) {
        (*budget)--;
        more = visit(&match);
    }
    walk->paused = false;
    if (more)
        pause(walk, &match);
    if (left != NULL)
        prune(tree, left);
    return !more;
}

void retained_walk_abandon(struct retained_tree *tree, struct retained_walk *walk)
{
    if (!walk->paused)
        return;
    walk->paused = false;
    walk->node->node.children--;
    prune(tree, walk->node);
}

static bool never_pause(void *context)
{
    (void)context;
    return true;
}

void retained_match(struct retained_tree *tree, struct bytes filter,
                    bool (*found)(void *context, struct message *message), void *context)
{
    struct retained_walk walk = {.paused = false};
    uint32_t budget;
    do {
        budget = UINT32_MAX;
    } while (!retained_walk(tree, &walk, filter, &budget, never_pause, found, context));
}

uint64_t retained_count(const struct retained_tree *tree)
{
    return tree->count;
}
