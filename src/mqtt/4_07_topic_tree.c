/* 4.7 Topic Names and Topic Filters as a tree of levels. Prefix: topic_tree_, topic_path_ */
#include "4_07_topic_tree.h"

#include <assert.h>
#include <stdlib.h>

/* A node's key: one parent, one level. */
struct child_key {
    const struct topic_tree *tree;
    const struct topic_node *parent;
    const struct topic_level *level;
};

/* The level's hash is secret to strangers, so that binding it to the parent needs no key again. */
static uint64_t child_hash(const struct topic_node *parent, const struct topic_level *level)
{
    return hash_combine(level->hash, (uint64_t)(uintptr_t)parent + level->kind);
}

struct bytes topic_tree_text(const struct topic_tree *tree, const struct topic_node *node)
{
    return bytes_of((const uint8_t *)node + tree->layouts[node->kind].text_at, node->length);
}

static bool is_child(const void *item, const void *key)
{
    const struct topic_node *node = item;
    const struct child_key *wanted = key;
    return node->parent == wanted->parent && node->kind == wanted->level->kind &&
           bytes_equal(
               topic_tree_text(wanted->tree, node),
               wanted->level
                   ->text); /* [MQTT-4.7.3-4] [D-4.7.3-1, D3-4.7.3-1] [D-4.7.3-6, D3-4.7.3-6] byte for byte */
}

static size_t node_size(const struct topic_node_layout *layout, size_t text_length)
{
    const size_t size = layout->text_at + text_length;
    return size < layout->size ? layout->size : size;
}

bool topic_tree_initialise(struct topic_tree *tree, uint64_t seed,
                           const struct topic_node_layout layouts[TOPIC_NODE_KINDS])
{
    *tree = (struct topic_tree){.key = hash_key_of(seed)};
    memcpy(tree->layouts, layouts, sizeof tree->layouts);
    tree->root = calloc(1, tree->layouts[TOPIC_LEVEL].size);
    return tree->root != NULL;
}

struct destruction {
    void (*release)(void *context, struct topic_node *node);
    void *context;
};

static bool destroy_node(void *context, void *item)
{
    const struct destruction *destruction = context;
    destruction->release(destruction->context, item);
    free(item);
    return true;
}

void topic_tree_destroy(struct topic_tree *tree, void (*release)(void *context, struct topic_node *node),
                        void *context)
{
    struct destruction destruction = {.release = release, .context = context};
    hash_map_each(&tree->table, destroy_node, &destruction);
    hash_map_clear(&tree->table);
    free(tree->root);
    tree->root = NULL;
}

struct topic_level topic_tree_name_level(const struct topic_tree *tree, struct bytes text)
{
    return (struct topic_level){.hash = hash_bytes(&tree->key, text), .text = text, .kind = TOPIC_LEVEL};
}

struct topic_level topic_tree_filter_level(const struct topic_tree *tree, struct bytes text)
{
    struct topic_level level = topic_tree_name_level(tree, text);
    if (text.length == 1 && text.data[0] == '+')
        level.kind = TOPIC_SINGLE;
    if (text.length == 1 && text.data[0] == '#')
        level.kind = TOPIC_MULTI;
    return level;
}

struct topic_level topic_tree_share(const struct topic_tree *tree, struct bytes share_name)
{
    struct topic_level level = topic_tree_name_level(tree, share_name);
    level.kind = TOPIC_SHARE;
    return level;
}

struct topic_node *topic_tree_child(const struct topic_tree *tree, const struct topic_node *parent,
                                    const struct topic_level *level)
{
    const struct child_key key = {.tree = tree, .parent = parent, .level = level};
    return hash_map_find(&tree->table, child_hash(parent, level), is_child, &key);
}

struct topic_node *topic_tree_add(struct topic_tree *tree, struct topic_node *parent,
                                  const struct topic_level *level)
{
    assert(level->text.length <= TOPIC_MAXIMUM_LENGTH);
    const struct topic_node_layout *layout = &tree->layouts[level->kind];
    struct topic_node *node = malloc(node_size(layout, level->text.length));
    if (node == NULL)
        return NULL;
    memset(node, 0, layout->size);
    node->parent = parent;
    node->length = (uint16_t)level->text.length;
    node->kind = (uint8_t)level->kind;
    if (level->text.length > 0)
        memcpy((uint8_t *)node + layout->text_at, level->text.data, level->text.length);

    if (!hash_map_insert(&tree->table, child_hash(parent, level), node)) {
        free(node);
        return NULL;
    }
    parent->children++;
    if (level->kind == TOPIC_SINGLE || level->kind == TOPIC_MULTI)
        parent->flags |= (uint8_t)(1U << level->kind);
    return node;
}

void topic_tree_remove(struct topic_tree *tree, struct topic_node *node)
{
    assert(node->children == 0 && node->parent != NULL);
    struct topic_level level = topic_tree_name_level(tree, topic_tree_text(tree, node));
    level.kind = (enum topic_node_kind)node->kind;
    const bool was_there = hash_map_remove(&tree->table, child_hash(node->parent, &level), node);
    assert(was_there);
    (void)was_there;

    node->parent->children--;
    if (level.kind == TOPIC_SINGLE || level.kind == TOPIC_MULTI)
        node->parent->flags &= (uint8_t) ~(1U << level.kind);
    free(node);
}

void topic_path_begin(struct topic_path *path, const struct topic_tree *tree, struct bytes topic,
                      struct topic_level (*make_level)(const struct topic_tree *tree, struct bytes text))
{
    path->tree = tree;
    path->topic = topic;
    path->make_level = make_level;
    path->known = 0; /* the steps themselves may hold anything */
    path->other_depth = UINT32_MAX;
}

/* Cuts the level out and hashes it. */
static void work_out(const struct topic_path *path, uint32_t begin, struct topic_step *step)
{
    const struct bytes rest = bytes_after(path->topic, begin);
    const uint8_t *slash = rest.length == 0 ? NULL : memchr(rest.data, '/', rest.length);
    const size_t length = slash == NULL ? rest.length : (size_t)(slash - rest.data);
    step->begin = begin;
    step->level = path->make_level(path->tree, bytes_of(rest.data, length));
}

const struct topic_level *topic_path_level(struct topic_path *path, struct topic_place place)
{
    if (place.depth < path->known)
        return &path->steps[place.depth].level;
    if (place.depth == path->known && place.depth < TOPIC_PATH_REMEMBERED) {
        work_out(path, place.begin, &path->steps[place.depth]);
        return &path->steps[path->known++].level;
    }
    if (place.depth != path->other_depth) {
        work_out(path, place.begin, &path->other);
        path->other_depth = place.depth;
    }
    return &path->other.level;
}

struct topic_place topic_path_forward(struct topic_path *path, struct topic_place place)
{
    const size_t length = topic_path_level(path, place)->text.length;
    return (struct topic_place){.depth = place.depth + 1, .begin = place.begin + (uint32_t)length + 1};
}

struct topic_place topic_path_back(struct topic_path *path, struct topic_place place)
{
    const uint32_t depth = place.depth - 1;
    if (depth < path->known)
        return (struct topic_place){.depth = depth, .begin = path->steps[depth].begin};

    /* The level before ends at the slash before `begin`, and begins behind the slash before that. */
    const size_t end = place.begin - 1;
    const uint8_t *slash = end == 0 ? NULL : memrchr(path->topic.data, '/', end);
    const uint32_t begin = slash == NULL ? 0 : (uint32_t)(slash - path->topic.data) + 1;
    return (struct topic_place){.depth = depth, .begin = begin};
}
