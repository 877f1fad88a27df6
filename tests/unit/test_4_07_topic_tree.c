/* 4.7 The tree of levels alone: what 4.8 and 3.3.1.3 build on it is tested there. */
#include "mqtt/4_07_topic_tree.h"

#include "support.h"

/* Two layouts: one whose text begins in the padding of its struct, one with much in front of it. */
struct small {
    struct topic_node head;
    uint8_t mark;
    uint8_t text[];
};

struct large {
    struct topic_node head;
    uint64_t marks[5];
    uint8_t text[];
};

static const struct topic_node_layout layouts[TOPIC_NODE_KINDS] = {
    [TOPIC_LEVEL] = TOPIC_NODE_LAYOUT(struct small),
    [TOPIC_SINGLE] = TOPIC_NODE_LAYOUT(struct large),
    [TOPIC_MULTI] = TOPIC_NODE_LAYOUT(struct small),
    [TOPIC_SHARE] = TOPIC_NODE_LAYOUT(struct large),
};

static struct topic_tree tree;

static void set_up(void)
{
    ck_assert(topic_tree_initialise(&tree, 1, layouts));
}

static void count_release(void *context, struct topic_node *node)
{
    (void)node;
    ++*(uint32_t *)context;
}

static void tear_down(void)
{
    uint32_t released = 0;
    const uint32_t present = tree.table.count;
    topic_tree_destroy(&tree, count_release, &released);
    ck_assert_uint_eq(released, present); /* each once, and not the root */
    ck_assert_ptr_null(tree.root);
}

static struct topic_level name(const char *text)
{
    return topic_tree_name_level(&tree, bytes_of_text(text));
}

static struct topic_level filter(const char *text)
{
    return topic_tree_filter_level(&tree, bytes_of_text(text));
}

static struct topic_node *child(const struct topic_node *parent, struct topic_level level)
{
    return topic_tree_child(&tree, parent, &level);
}

static struct topic_node *add(struct topic_node *parent, struct topic_level level)
{
    struct topic_node *node = topic_tree_add(&tree, parent, &level);
    ck_assert_ptr_nonnull(node);
    return node;
}

/* Levels and nodes */

/* 4.7.1: a wildcard is a level that holds nothing else, and in a Topic Filter only. [MQTT-4.7.1-2]
 * [MQTT3-4.7.1-3] */
START_TEST(kinds_of_levels)
{
    static const struct {
        const char *text;
        enum topic_node_kind in_filter;
    } rows[] = {{"+", TOPIC_SINGLE}, {"#", TOPIC_MULTI},  {"", TOPIC_LEVEL},   {"a", TOPIC_LEVEL},
                {"++", TOPIC_LEVEL}, {"#a", TOPIC_LEVEL}, {"a+", TOPIC_LEVEL}, {"$", TOPIC_LEVEL}};
    for (int i = 0; i < COUNT(rows); i++) {
        ck_assert_int_eq(filter(rows[i].text).kind, rows[i].in_filter);
        ck_assert_int_eq(name(rows[i].text).kind, TOPIC_LEVEL);
        ck_assert_int_eq(topic_tree_share(&tree, bytes_of_text(rows[i].text)).kind, TOPIC_SHARE);
        check_text(filter(rows[i].text).text, rows[i].text);
    }
}
END_TEST

START_TEST(a_node_is_found_where_it_was_added)
{
    struct topic_node *a = add(tree.root, name("a"));
    struct topic_node *ab = add(a, name("b"));
    ck_assert_ptr_eq(child(tree.root, name("a")), a);
    ck_assert_ptr_eq(child(a, name("b")), ab);
    ck_assert_ptr_null(child(tree.root, name("b"))); /* elsewhere it is not */
    ck_assert_ptr_null(child(ab, name("b")));
    ck_assert_ptr_null(child(a, name("a")));
    ck_assert_ptr_eq(ab->parent, a);
    ck_assert_ptr_null(tree.root->parent);
    check_text(topic_tree_text(&tree, ab), "b");
}
END_TEST

/* [MQTT-4.7.3-1] asks for one character in a topic, not in a level; [MQTT-4.7.3-4] byte for byte. */
START_TEST(texts_are_told_apart)
{
    static const char *const texts[] = {"",
                                        "a",
                                        "A",
                                        "aa",
                                        "a ",
                                        " ",
                                        "\xc3\xa9",
                                        "e\xcc\x81",
                                        "$",
                                        "b",
                                        "aaaaaaa",
                                        "aaaaaaaa",
                                        "aaaaaaaaaaaaaaaaaaaaaaaa"};
    struct topic_node *nodes[COUNT(texts)];
    for (int i = 0; i < COUNT(texts); i++) {
        ck_assert_ptr_null(child(tree.root, name(texts[i])));
        nodes[i] = add(tree.root, name(texts[i]));
    }
    ck_assert_uint_eq(tree.root->children, COUNT(texts));
    for (int i = 0; i < COUNT(texts); i++) {
        ck_assert_ptr_eq(child(tree.root, name(texts[i])), nodes[i]);
        check_text(topic_tree_text(&tree, nodes[i]), texts[i]);
    }
}
END_TEST

/* The text "+" three times: a literal level (in no valid Topic Name, but the tree is not to rely on that), a
 * wildcard, and a ShareName. */
START_TEST(kinds_are_told_apart)
{
    struct topic_node *literal = add(tree.root, name("+"));
    ck_assert_ptr_null(child(tree.root, filter("+")));
    struct topic_node *single = add(tree.root, filter("+"));
    ck_assert_ptr_null(child(tree.root, topic_tree_share(&tree, bytes_of_text("+"))));
    struct topic_node *share = add(tree.root, topic_tree_share(&tree, bytes_of_text("+")));
    ck_assert_ptr_eq(child(tree.root, name("+")), literal);
    ck_assert_ptr_eq(child(tree.root, filter("+")), single);
    ck_assert_ptr_eq(child(tree.root, topic_tree_share(&tree, bytes_of_text("+"))), share);
    topic_tree_remove(&tree, single);
    ck_assert_ptr_null(child(tree.root, filter("+")));
    ck_assert_ptr_eq(child(tree.root, name("+")), literal);
    check_text(topic_tree_text(&tree, share), "+");
}
END_TEST

START_TEST(a_new_node_is_zero_and_its_own)
{
    struct large *first = (struct large *)add(tree.root, filter("+"));
    for (int i = 0; i < 5; i++)
        ck_assert_uint_eq(first->marks[i], 0);
    memset(first->marks, 0xFF, sizeof first->marks);
    check_text(topic_tree_text(&tree, &first->head), "+");
    struct small *second = (struct small *)add(&first->head, name("long enough to leave the padding"));
    ck_assert_uint_eq(second->mark, 0);
    second->mark = 0xFF;
    check_text(topic_tree_text(&tree, &second->head), "long enough to leave the padding");
    ck_assert_uint_eq(second->head.children, 0);
    ck_assert_uint_eq(second->head.flags, 0);
}
END_TEST

/* What spares look-ups has to be right in both directions. */
START_TEST(a_node_knows_of_its_wildcards)
{
    struct topic_node *node = add(tree.root, name("a"));
    node->flags |= TOPIC_NODE_OWN_FLAG;
    ck_assert(!topic_node_has(node, TOPIC_SINGLE) && !topic_node_has(node, TOPIC_MULTI));
    ck_assert(!topic_node_may_have_level(node));
    struct topic_node *single = add(node, filter("+"));
    ck_assert(topic_node_has(node, TOPIC_SINGLE) && !topic_node_has(node, TOPIC_MULTI));
    ck_assert(!topic_node_may_have_level(node));
    struct topic_node *multi = add(node, filter("#"));
    ck_assert(topic_node_has(node, TOPIC_SINGLE) && topic_node_has(node, TOPIC_MULTI));
    ck_assert(!topic_node_may_have_level(node));
    struct topic_node *literal = add(node, name("+"));
    ck_assert(topic_node_may_have_level(node));
    topic_tree_remove(&tree, single);
    ck_assert(!topic_node_has(node, TOPIC_SINGLE) && topic_node_has(node, TOPIC_MULTI));
    ck_assert(topic_node_may_have_level(node));
    topic_tree_remove(&tree, literal);
    ck_assert(!topic_node_may_have_level(node));
    topic_tree_remove(&tree, multi);
    ck_assert(!topic_node_has(node, TOPIC_MULTI));
    ck_assert_uint_eq(node->children, 0);
    ck_assert_uint_eq(node->flags, TOPIC_NODE_OWN_FLAG); /* which the tree leaves alone */
}
END_TEST

/* Whole topics */

static struct topic_node *add_topic(const char *topic)
{
    struct topic_path path;
    struct topic_place place = {0};
    struct topic_node *node = tree.root;
    topic_path_begin(&path, &tree, bytes_of_text(topic), topic_tree_filter_level);
    for (; !topic_path_ended(&path, place); place = topic_path_forward(&path, place)) {
        const struct topic_level *level = topic_path_level(&path, place);
        struct topic_node *next = topic_tree_child(&tree, node, level);
        node = next != NULL ? next : topic_tree_add(&tree, node, level);
    }
    return node;
}

static struct topic_node *find_topic(const char *topic)
{
    struct topic_path path;
    struct topic_place place = {0};
    struct topic_node *node = tree.root;
    topic_path_begin(&path, &tree, bytes_of_text(topic), topic_tree_filter_level);
    for (; node != NULL && !topic_path_ended(&path, place); place = topic_path_forward(&path, place))
        node = topic_tree_child(&tree, node, topic_path_level(&path, place));
    return node;
}

/* Removes a node and what is left without children above it, as the users of the tree do. */
static void prune(struct topic_node *node)
{
    while (node->parent != NULL && node->children == 0 && (node->flags & TOPIC_NODE_OWN_FLAG) == 0) {
        struct topic_node *parent = node->parent;
        topic_tree_remove(&tree, node);
        node = parent;
    }
}

START_TEST(topics_that_begin_alike_share_nodes)
{
    struct topic_node *one = add_topic("sport/tennis/player1");
    ck_assert_uint_eq(tree.table.count, 3);
    struct topic_node *two = add_topic("sport/tennis/+");
    ck_assert_uint_eq(tree.table.count, 4);
    ck_assert_ptr_eq(one->parent, two->parent);
    ck_assert_ptr_eq(add_topic("sport"), one->parent->parent);
    ck_assert_uint_eq(tree.table.count, 4);
    add_topic("/sport"); /* [MQTT-4.7.3-4] a leading separator makes another topic */
    ck_assert_uint_eq(tree.table.count, 6);
    ck_assert_ptr_null(find_topic("tennis"));
    ck_assert_ptr_null(find_topic("sport/tennis/player"));
    ck_assert_ptr_null(find_topic("sport/tennis/"));
    ck_assert_ptr_eq(find_topic("sport/tennis/player1"), one);
}
END_TEST

START_TEST(what_is_unused_goes)
{
    struct topic_node *one = add_topic("a/b/c/d");
    struct topic_node *two = add_topic("a/b/x");
    prune(one);
    ck_assert_uint_eq(tree.table.count, 3);
    ck_assert_ptr_null(find_topic("a/b/c"));
    ck_assert_ptr_eq(find_topic("a/b/x"), two);
    prune(find_topic("a/b")); /* has a child yet */
    ck_assert_uint_eq(tree.table.count, 3);
    prune(two);
    ck_assert_uint_eq(tree.table.count, 0);
    ck_assert_uint_eq(tree.root->children, 0);
    ck_assert_ptr_null(find_topic("a"));
    ck_assert_ptr_nonnull(add_topic("a/b/c/d")); /* and may come back */
    ck_assert_uint_eq(tree.table.count, 4);
}
END_TEST

/* The tree against a list: a prefix has a node exactly while a topic that is in use begins with it. */

enum { TOPICS = 120, LEVELS = 6, PREFIXES = TOPICS * LEVELS };

static struct model {
    char topics[TOPICS][LEVELS * 4];
    bool in_use[TOPICS];
    char prefixes[PREFIXES][LEVELS * 4];
    uint32_t users[PREFIXES];
    int prefix_count;
    int prefixes_of[TOPICS][LEVELS];
    int levels[TOPICS];
} model;

static int prefix_number(const char *text, size_t length)
{
    for (int i = 0; i < model.prefix_count; i++) {
        if (strlen(model.prefixes[i]) == length && memcmp(model.prefixes[i], text, length) == 0)
            return i;
    }
    memcpy(model.prefixes[model.prefix_count], text, length);
    return model.prefix_count++;
}

/* Each begins with a level that is not empty, so that no prefix is an empty text. */
static void make_topic(uint64_t *state, int number)
{
    static const char *const levels[] = {"a", "b", "", "+", "ab", "#"};
    char *text = model.topics[number];
    const int count = 1 + (int)(hash_mix(++*state) % LEVELS);
    strcpy(text, "r");
    model.levels[number] = count;
    model.prefixes_of[number][0] = prefix_number(text, 1);
    for (int i = 1; i < count; i++) {
        strcat(text, "/");
        strcat(text, levels[hash_mix(++*state) % 6]);
        model.prefixes_of[number][i] = prefix_number(text, strlen(text));
    }
}

static void change(int number)
{
    const bool now = !model.in_use[number];
    model.in_use[number] = now;
    for (int i = 0; i < model.levels[number]; i++)
        model.users[model.prefixes_of[number][i]] += now ? 1 : (uint32_t)-1;
    struct topic_node *node = now ? add_topic(model.topics[number]) : find_topic(model.topics[number]);
    if (node == NULL)
        ck_abort_msg("%s is lost", model.topics[number]);
    node->flags ^= TOPIC_NODE_OWN_FLAG;
    if (!now)
        prune(node);
}

static void compare(void)
{
    uint32_t expected = 0;
    for (int i = 0; i < model.prefix_count; i++) {
        expected += model.users[i] > 0;
        if ((find_topic(model.prefixes[i]) != NULL) != (model.users[i] > 0))
            ck_abort_msg("%s has %u users", model.prefixes[i], model.users[i]);
    }
    if (tree.table.count != expected)
        ck_abort_msg("%u nodes, not %u", tree.table.count, expected);
}

/* All different, so that the flag says who uses a node. */
static void make_topics(uint64_t *state)
{
    memset(&model, 0, sizeof model);
    for (int i = 0; i < TOPICS; i++) {
        bool known = true;
        while (known) {
            make_topic(state, i);
            known = false;
            for (int j = 0; j < i; j++)
                known |= strcmp(model.topics[i], model.topics[j]) == 0;
        }
    }
}

START_TEST(random_changes_agree_with_a_list)
{
    uint64_t state = (uint64_t)_i * 1000003;
    make_topics(&state);
    for (int step = 0; step < 3000; step++) {
        change((int)(hash_mix(++state) % TOPICS));
        if (step % 8 == 0)
            compare();
    }
    for (int i = 0; i < TOPICS; i++) {
        if (model.in_use[i])
            change(i);
    }
    ck_assert_uint_eq(tree.table.count, 0);
    ck_assert_uint_eq(tree.root->children, 0);
}
END_TEST

/* Paths */

/* Where the levels of a topic begin, found by looking at one character after the other. */
struct split {
    uint32_t count;
    uint32_t begin[65537]; /* one more than there are: behind the last */
};

static struct split *split_of(struct bytes topic)
{
    static struct split split;
    split.count = 1;
    split.begin[0] = 0;
    for (uint32_t i = 0; i < topic.length; i++) {
        if (topic.data[i] == '/')
            split.begin[split.count++] = i + 1;
    }
    split.begin[split.count] = (uint32_t)topic.length + 1;
    return &split;
}

static void check_place(struct topic_path *path, const struct split *split, struct topic_place place,
                        uint32_t depth)
{
    if (place.depth != depth || place.begin != split->begin[depth] ||
        topic_path_ended(path, place) != (depth == split->count))
        ck_abort_msg("at level %u: depth %u, begin %u", depth, place.depth, place.begin);
    if (depth == split->count)
        return;
    const struct topic_level *level = topic_path_level(path, place);
    const struct bytes expected =
        bytes_of(path->topic.data + split->begin[depth], split->begin[depth + 1] - 1 - split->begin[depth]);
    if (!bytes_equal(level->text, expected) || level->hash != hash_bytes(&tree.key, expected))
        ck_abort_msg("level %u has %zu bytes, not %zu", depth, level->text.length, expected.length);
}

static struct topic_place step(struct topic_path *path, const struct split *split, struct topic_place place,
                               bool forward)
{
    const uint32_t depth = forward ? place.depth + 1 : place.depth - 1;
    place = forward ? topic_path_forward(path, place) : topic_path_back(path, place);
    check_place(path, split, place, depth);
    return place;
}

/* To the end and back, twice: the second time the path may remember. */
static void walk(struct bytes topic)
{
    const struct split *split = split_of(topic);
    struct topic_path path;
    struct topic_place place = {0};
    topic_path_begin(&path, &tree, topic, topic_tree_name_level);
    check_place(&path, split, place, 0);
    for (int times = 0; times < 2; times++) {
        while (!topic_path_ended(&path, place))
            place = step(&path, split, place, true);
        while (place.depth > 0)
            place = step(&path, split, place, false);
    }
}

START_TEST(paths_over_empty_levels) /* 4.7.1.1: a level may be empty, at either end too */
{
    static const char *const topics[] = {"a",
                                         "/",
                                         "//",
                                         "/a",
                                         "a/",
                                         "a//b",
                                         "//a",
                                         "a//",
                                         "/a/",
                                         "///",
                                         "a/b/c",
                                         "aa//bbb/",
                                         "sport/tennis/player1",
                                         " ",
                                         "+/#",
                                         "\xc3\xa9/\xe2\x82\xac"};
    for (int i = 0; i < COUNT(topics); i++)
        walk(bytes_of_text(topics[i]));
}
END_TEST

/* More levels than are remembered: a power of two of them, so that they share places in every way. */
START_TEST(long_paths)
{
    static const uint32_t lengths[] = {TOPIC_PATH_REMEMBERED - 1,
                                       TOPIC_PATH_REMEMBERED,
                                       TOPIC_PATH_REMEMBERED + 1,
                                       2 * TOPIC_PATH_REMEMBERED + 1,
                                       1000,
                                       TOPIC_MAXIMUM_LENGTH};
    static uint8_t text[TOPIC_MAXIMUM_LENGTH];
    for (int shape = 0; shape < 3; shape++) {
        memset(text, '/', sizeof text);
        for (uint32_t i = 0; shape > 0 && i < sizeof text; i++) {
            if (hash_mix(i) % 4 < (unsigned)shape)
                text[i] = 'x';
        }
        for (int i = 0; i < COUNT(lengths); i++)
            walk(bytes_of(text, lengths[i]));
    }
    memset(text, 'x', sizeof text); /* and one level that is as long */
    walk(bytes_of(text, sizeof text));
}
END_TEST

/* To and fro as a search does, with short and long ways back. */
START_TEST(paths_to_and_fro)
{
    static uint8_t text[2000];
    uint64_t state = 5;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = hash_mix(++state) % 3 == 0 ? 'x' : '/';
    const struct bytes topic = bytes_of(text, sizeof text);
    const struct split *split = split_of(topic);
    struct topic_path path;
    struct topic_place place = {0};
    uint32_t deepest = 0;
    topic_path_begin(&path, &tree, topic, topic_tree_name_level);
    for (int round = 0; round < 2000; round++) {
        const uint64_t random = hash_mix(++state);
        const bool forward = random % 16 < 9;
        for (uint64_t steps = 1 + (random >> 32) % 100; steps > 0; steps--) {
            if (forward ? topic_path_ended(&path, place) : place.depth == 0)
                break;
            place = step(&path, split, place, forward);
        }
        deepest = place.depth > deepest ? place.depth : deepest;
    }
    ck_assert_uint_gt(deepest, 4 * TOPIC_PATH_REMEMBERED); /* else nothing was forgotten on the way */
}
END_TEST

START_TEST(a_path_makes_the_levels_it_was_told_to)
{
    struct topic_path path;
    const struct topic_place third = {.depth = 2, .begin = 4};
    topic_path_begin(&path, &tree, bytes_of_text("a/+/#"), topic_tree_filter_level);
    ck_assert_int_eq(topic_path_level(&path, (struct topic_place){0})->kind, TOPIC_LEVEL);
    ck_assert_int_eq(topic_path_level(&path, (struct topic_place){.depth = 1, .begin = 2})->kind,
                     TOPIC_SINGLE);
    ck_assert_int_eq(topic_path_level(&path, third)->kind, TOPIC_MULTI);
    topic_path_begin(&path, &tree, bytes_of_text("a/+/#"), topic_tree_name_level);
    ck_assert_int_eq(topic_path_level(&path, third)->kind, TOPIC_LEVEL); /* nothing was kept of the first */
}
END_TEST

/* The longest topic there is, of one level and of as many as fit, in the tree and out of it again. */
START_TEST(the_longest_topics)
{
    static char text[TOPIC_MAXIMUM_LENGTH + 1];
    for (int shape = 0; shape < 2; shape++) {
        memset(text, shape == 0 ? 'x' : '/', TOPIC_MAXIMUM_LENGTH);
        struct topic_node *node = add_topic(text);
        ck_assert_uint_eq(tree.table.count, shape == 0 ? 1 : TOPIC_MAXIMUM_LENGTH + 1);
        ck_assert_uint_eq(topic_tree_text(&tree, node).length, shape == 0 ? TOPIC_MAXIMUM_LENGTH : 0);
        ck_assert_ptr_eq(find_topic(text), node);
        text[TOPIC_MAXIMUM_LENGTH - 1] = '\0'; /* its neighbour, shorter by one character */
        ck_assert_ptr_eq(find_topic(text), shape == 0 ? NULL : node->parent);
        prune(node);
        ck_assert_uint_eq(tree.table.count, 0);
    }
}
END_TEST

Suite *suite_4_07_topic_tree(void);
Suite *suite_4_07_topic_tree(void)
{
    Suite *suite = suite_create("4.7 Topic tree");
    TCase *nodes = tcase_create("nodes");
    tcase_add_checked_fixture(nodes, set_up, tear_down);
    tcase_set_timeout(nodes, 60);
    tcase_add_test(nodes, kinds_of_levels);
    tcase_add_test(nodes, a_node_is_found_where_it_was_added);
    tcase_add_test(nodes, texts_are_told_apart);
    tcase_add_test(nodes, kinds_are_told_apart);
    tcase_add_test(nodes, a_new_node_is_zero_and_its_own);
    tcase_add_test(nodes, a_node_knows_of_its_wildcards);
    tcase_add_test(nodes, topics_that_begin_alike_share_nodes);
    tcase_add_test(nodes, what_is_unused_goes);
    tcase_add_loop_test(nodes, random_changes_agree_with_a_list, 0, 3);
    tcase_add_test(nodes, the_longest_topics);
    suite_add_tcase(suite, nodes);

    TCase *paths = tcase_create("paths");
    tcase_add_checked_fixture(paths, set_up, tear_down);
    tcase_set_timeout(paths, 60);
    tcase_add_test(paths, paths_over_empty_levels);
    tcase_add_test(paths, long_paths);
    tcase_add_test(paths, paths_to_and_fro);
    tcase_add_test(paths, a_path_makes_the_levels_it_was_told_to);
    suite_add_tcase(suite, paths);
    return suite;
}
