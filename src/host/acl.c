#include "acl.h"

#include <stdlib.h>

#include "../base/hash_map.h"
#include "../base/line.h"
#include "../mqtt/1_5_data_representation.h"
#include "../mqtt/4_07_topics.h"

enum {
    DEEPEST = 200,        /* levels of a rule; the depth of the recursion when topics are looked up */
    LONGEST_NAME = 65535, /* bytes; what MQTT can carry, 1.5.4 */
};

/* A set of rights. RIGHT_DENY wins over the others. */
enum { RIGHT_READ = 1, RIGHT_WRITE = 2, RIGHT_DENY = 4 };

/* One level of the rules of one tree. Its children with plain text are in acl.children, under its address. */
struct node {
    struct node *next;    /* of all nodes */
    struct node *parent;  /* NULL: a root */
    struct node *plus;    /* the child "+" */
    struct node *named;   /* the first child whose level has %u or %c */
    struct node *sibling; /* the next one of those */
    uint32_t plain;       /* children with plain text */
    uint32_t length;
    uint8_t here;  /* rights by rules that end at this level */
    uint8_t below; /* rights by rules whose next level is "#" */
    uint8_t text[];
};

struct acl_user {
    struct acl_user *next;
    struct node *root;
    size_t length;
    uint8_t name[];
};

struct acl {
    struct hash_key key;
    struct hash_map children;
    struct hash_map users;
    struct node *nodes;
    struct acl_user *list;
    struct node *anonymous;
    struct node *patterns;
};

/* Trees. */

struct place {
    const struct node *parent;
    struct bytes level;
};

static bool is_at(const void *item, const void *key)
{
    const struct node *node = item;
    const struct place *place = key;
    return node->parent == place->parent && bytes_equal(bytes_of(node->text, node->length), place->level);
}

static uint64_t hash_of(const struct acl *acl, const struct node *parent, struct bytes level)
{
    return hash_combine(hash_bytes(&acl->key, level), (uint64_t)(uintptr_t)parent);
}

static struct node *plain_child(const struct acl *acl, const struct node *parent, struct bytes level)
{
    const struct place place = {.parent = parent, .level = level};
    if (parent->plain == 0)
        return NULL;
    return hash_map_find(&acl->children, hash_of(acl, parent, level), is_at, &place);
}

static struct node *create_node(struct acl *acl, struct node *parent, struct bytes level)
{
    struct node *node = calloc(1, sizeof *node + level.length);
    if (!node)
        return NULL;
    node->parent = parent;
    node->length = (uint32_t)level.length;
    if (level.length > 0)
        memcpy(node->text, level.data, level.length);
    node->next = acl->nodes;
    acl->nodes = node;
    return node;
}

static struct node *add_plain(struct acl *acl, struct node *parent, struct bytes level)
{
    struct node *node = plain_child(acl, parent, level);
    if (node)
        return node;
    node = create_node(acl, parent, level);
    if (!node || !hash_map_insert(&acl->children, hash_of(acl, parent, level), node))
        return NULL;
    parent->plain++;
    return node;
}

static struct node *add_named(struct acl *acl, struct node *parent, struct bytes level)
{
    const struct place place = {.parent = parent, .level = level};
    for (struct node *node = parent->named; node; node = node->sibling) {
        if (is_at(node, &place))
            return node;
    }
    struct node *node = create_node(acl, parent, level);
    if (!node)
        return NULL;
    node->sibling = parent->named;
    parent->named = node;
    return node;
}

static struct node *add_plus(struct acl *acl, struct node *parent)
{
    if (!parent->plus)
        parent->plus = create_node(acl, parent, bytes_of_text("+"));
    return parent->plus;
}

/* How often a level has %u or %c. */
static size_t count_names(struct bytes level)
{
    size_t count = 0;
    for (size_t i = 0; i + 1 < level.length; i++)
        count += level.data[i] == '%' && (level.data[i + 1] == 'u' || level.data[i + 1] == 'c');
    return count;
}

static bool is_level(struct bytes level, char wildcard)
{
    return level.length == 1 && level.data[0] == (uint8_t)wildcard;
}

/* False: no memory. */
static bool add_rule(struct acl *acl, struct node *node, struct bytes filter, uint8_t rights)
{
    bool done = false;
    struct bytes level;
    while (topic_next_level(&filter, &done, &level)) {
        if (is_level(level, '#')) {
            node->below |= rights;
            return true;
        }
        if (is_level(level, '+'))
            node = add_plus(acl, node);
        else
            node = count_names(level) > 0 ? add_named(acl, node, level) : add_plain(acl, node, level);
        if (!node)
            return false;
    }
    node->here |= rights;
    return true;
}

/* Users. */

static bool has_name(const void *item, const void *key)
{
    const struct acl_user *user = item;
    return bytes_equal(bytes_of(user->name, user->length), *(const struct bytes *)key);
}

static struct acl_user *user_of(const struct acl *acl, struct bytes name)
{
    return hash_map_find(&acl->users, hash_bytes(&acl->key, name), has_name, &name);
}

static struct acl_user *add_user(struct acl *acl, struct bytes name)
{
    struct acl_user *user = malloc(sizeof *user + name.length);
    if (!user)
        return NULL;
    user->length = name.length;
    memcpy(user->name, name.data, name.length);
    user->root = create_node(acl, NULL, bytes_of(NULL, 0));
    if (!user->root || !hash_map_insert(&acl->users, hash_bytes(&acl->key, name), user)) {
        free(user);
        return NULL;
    }
    user->next = acl->list;
    acl->list = user;
    return user;
}

/* Reading. */

struct parser {
    struct acl *acl;
    const struct text_sink *sink;
    size_t line;
    size_t mistakes;
    struct node *tree; /* of the present user */
};

static void complain(struct parser *parser, const char *before, struct bytes stranger, const char *after)
{
    struct line text = {0};
    line_text(&text, before);
    if (stranger.length > 0) {
        line_text(&text, "\"");
        line_stranger(&text, stranger);
        line_text(&text, "\"");
    }
    line_text(&text, after);
    parser->mistakes++;
    parser->sink->mistake(parser->sink->context, parser->line, text.text);
}

static void complain_of_memory(struct parser *parser)
{
    parser->mistakes = TEXT_MOST_MISTAKES; /* the rest would fare no better */
    complain(parser, "there is not enough memory for so many rules", bytes_of(NULL, 0), "");
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static struct bytes trim(struct bytes text)
{
    size_t blanks = 0;
    while (text.length > 0 && is_blank(text.data[text.length - 1]))
        text.length--;
    while (blanks < text.length && is_blank(text.data[blanks]))
        blanks++;
    return bytes_after(text, blanks);
}

/* Takes the first word from `*text`, which is trimmed and stays so. */
static struct bytes take_word(struct bytes *text)
{
    size_t end = 0;
    while (end < text->length && !is_blank(text->data[end]))
        end++;
    const struct bytes word = bytes_of(text->data, end);
    *text = trim(bytes_after(*text, end));
    return word;
}

/* 0: it's no word for rights. */
static uint8_t rights_of(struct bytes word)
{
    static const struct {
        const char *word;
        uint8_t rights;
    } table[] = {{"read", RIGHT_READ},
                 {"write", RIGHT_WRITE},
                 {"readwrite", RIGHT_READ | RIGHT_WRITE},
                 {"deny", RIGHT_DENY}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (bytes_equal(word, bytes_of_text(table[i].word)))
            return table[i].rights;
    }
    return 0;
}

/* A level with two names could be cut in more than one way, and the Client Identifier is the client's choice:
 * whoever chooses it well would be taken for somebody else. */
static const char *objection_to_levels(struct bytes filter, bool pattern)
{
    size_t count = 0;
    bool done = false;
    struct bytes level;
    while (topic_next_level(&filter, &done, &level)) {
        const size_t names = count_names(level);
        if (++count > DEEPEST)
            return " has too many levels: 200 are possible";
        if (names > 0 && !pattern)
            return " has %u or %c, which mean something in lines with pattern only";
        if (names > 1)
            return " has a level with more than one of %u and %c";
    }
    return NULL;
}

static const char *objection_to_filter(struct bytes filter, bool pattern)
{
    size_t bad;
    if (filter.length > TOPIC_MAXIMUM_LENGTH)
        return " is too long: 65535 bytes are possible";
    if (utf8_check(filter, &bad) != UTF8_WELL_FORMED || memchr(filter.data, '\0', filter.length))
        return " is not well-formed UTF-8";
    if (topic_filter_check(filter, PROTOCOL_3_1_1, 0).refused)
        return " is no Topic Filter: # must be the last level, and # and + the whole of their level";
    return objection_to_levels(filter, pattern);
}

/* `rest`: what follows the keyword. */
static void take_rule(struct parser *parser, struct bytes rest, bool pattern)
{
    const struct bytes word = take_word(&rest);
    uint8_t rights = rights_of(word);
    struct bytes filter = rest;
    if (word.length == 0 || (rest.length == 0 && rights != 0)) {
        complain(parser, "the topic is missing", bytes_of(NULL, 0),
                 word.length > 0 ? "; if it has this name, write readwrite in front of it" : "");
        return;
    }
    if (rest.length == 0) {
        rights = RIGHT_READ | RIGHT_WRITE;
        filter = word;
    } else if (rights == 0) {
        complain(parser, "", word, " is none of read, write, readwrite and deny");
        return;
    }
    const char *objection = objection_to_filter(filter, pattern);
    if (objection)
        complain(parser, "", filter, objection);
    else if (!add_rule(parser->acl, pattern ? parser->acl->patterns : parser->tree, filter, rights))
        complain_of_memory(parser);
}

static void take_user(struct parser *parser, struct bytes name)
{
    size_t bad;
    if (name.length == 0) {
        complain(parser, "the name of the user is missing", bytes_of(NULL, 0), "");
        return;
    }
    if (name.length > LONGEST_NAME || utf8_check(name, &bad) != UTF8_WELL_FORMED) {
        complain(parser, "", name, " is no name that a user can have: UTF-8 of up to 65535 bytes");
        return;
    }
    struct acl_user *user = user_of(parser->acl, name);
    if (!user)
        user = add_user(parser->acl, name);
    if (user)
        parser->tree = user->root;
    else
        complain_of_memory(parser);
}

static void take_line(struct parser *parser, struct bytes line)
{
    line = trim(line);
    if (line.length == 0 || line.data[0] == '#')
        return;
    const struct bytes keyword = take_word(&line);
    if (bytes_equal(keyword, bytes_of_text("topic")))
        take_rule(parser, line, false);
    else if (bytes_equal(keyword, bytes_of_text("pattern")))
        take_rule(parser, line, true);
    else if (bytes_equal(keyword, bytes_of_text("user")))
        take_user(parser, line);
    else
        complain(parser, "", keyword, " is none of user, topic and pattern");
}

static bool begin(struct parser *parser, const struct hash_key *key)
{
    struct acl *acl = parser->acl;
    if (!acl)
        return false;
    acl->key = *key;
    acl->anonymous = create_node(acl, NULL, bytes_of(NULL, 0));
    acl->patterns = create_node(acl, NULL, bytes_of(NULL, 0));
    parser->tree = acl->anonymous;
    return acl->anonymous && acl->patterns;
}

struct acl *acl_parse(struct bytes text, const struct hash_key *key, const struct text_sink *sink)
{
    struct parser parser = {.acl = calloc(1, sizeof *parser.acl), .sink = sink};
    struct text_lines lines = text_lines_of(text);
    struct bytes line;
    if (!begin(&parser, key))
        complain_of_memory(&parser);
    while (parser.mistakes < TEXT_MOST_MISTAKES && text_next_line(&lines, &line)) {
        parser.line = lines.number;
        take_line(&parser, line);
    }
    if (parser.mistakes == 0)
        return parser.acl;
    acl_destroy(parser.acl);
    return NULL;
}

struct acl *acl_read(const char *name, const struct hash_key *key, const struct text_sink *sink)
{
    size_t length = 0;
    char *bytes = text_file_read(name, &length, sink);
    if (!bytes)
        return NULL;
    struct acl *acl = acl_parse(bytes_of(bytes, length), key, sink);
    text_file_free(bytes, length);
    return acl;
}

void acl_destroy(struct acl *acl)
{
    if (!acl)
        return;
    for (struct node *node = acl->nodes, *next; node; node = next) {
        next = node->next;
        free(node);
    }
    for (struct acl_user *user = acl->list, *next; user; user = next) {
        next = user->next;
        free(user);
    }
    hash_map_clear(&acl->children);
    hash_map_clear(&acl->users);
    free(acl);
}

bool acl_has_users(const struct acl *acl)
{
    return acl->users.count > 0;
}

/* Answering. */

struct walk {
    const struct acl *acl;
    const struct authorisation *question;
    uint8_t found; /* rights by all rules that match */
};

/* Takes `name` from the front of `*level`, if that is there. An empty name is nobody's. */
static bool take_name(struct bytes *level, struct bytes name)
{
    if (name.length == 0 || name.length > level->length || memcmp(level->data, name.data, name.length) != 0)
        return false;
    *level = bytes_after(*level, name.length);
    return true;
}

/* Whether a level of the topic is that of a pattern with the client's names put in. Byte by byte: wildcard
 * characters in a name mean nothing, and with a '/' in it no level can be equal to it. */
static bool matches_named(const struct node *node, const struct authorisation *question, struct bytes level)
{
    const struct bytes user_name = question->has_user_name ? question->user_name : bytes_of(NULL, 0);
    for (size_t i = 0; i < node->length; i++) {
        const uint8_t next = i + 1 < node->length ? node->text[i + 1] : 0;
        if (node->text[i] == '%' && (next == 'u' || next == 'c')) {
            if (!take_name(&level, next == 'u' ? user_name : question->client_identifier))
                return false;
            i++;
        } else if (level.length == 0 || level.data[0] != node->text[i]) {
            return false;
        } else {
            level = bytes_after(level, 1);
        }
    }
    return level.length == 0;
}

/* Gathers the rights of all rules below `node` that match the levels in `rest`. As deep as the rules, not as
 * the topic. */
static void descend(struct walk *walk, const struct node *node, struct bytes rest, bool done)
{
    struct bytes level;
    walk->found |= node->below;
    if (!topic_next_level(&rest, &done, &level)) {
        walk->found |= node->here;
        return;
    }
    const struct node *plain = plain_child(walk->acl, node, level);
    if (plain)
        descend(walk, plain, rest, done);
    if (node->plus)
        descend(walk, node->plus, rest, done);
    for (const struct node *named = node->named; named; named = named->sibling) {
        if (matches_named(named, walk->question, level))
            descend(walk, named, rest, done);
    }
}

/* The rights by all rules of a tree that match the topic. A topic with '$' in front needs a rule that has it,
 * too [MQTT-4.7.2-1]. */
static uint8_t rights_in(const struct acl *acl, const struct node *tree, const struct authorisation *question)
{
    struct walk walk = {.acl = acl, .question = question};
    struct bytes rest = question->topic;
    bool done = false;
    struct bytes level;
    if (rest.length == 0 || rest.data[0] != '$') {
        descend(&walk, tree, rest, done);
    } else if (topic_next_level(&rest, &done, &level)) {
        const struct node *plain = plain_child(acl, tree, level);
        if (plain)
            descend(&walk, plain, rest, done);
    }
    return walk.found;
}

/* Whether rules with `deny` below `node` match whatever the Topic Filter in `rest` matches. */
static bool denies_all(const struct acl *acl, const struct node *node, struct bytes rest, bool done)
{
    struct bytes level;
    if (node->below & RIGHT_DENY)
        return true;
    if (!topic_next_level(&rest, &done, &level))
        return (node->here & RIGHT_DENY) != 0;
    if (is_level(level, '#'))
        return false;
    const struct node *plain = plain_child(acl, node, level); /* "+" is never plain */
    return (plain && denies_all(acl, plain, rest, done)) ||
           (node->plus && denies_all(acl, node->plus, rest, done));
}

static bool may_subscribe(const struct acl *acl, const struct node *tree, struct bytes filter)
{
    struct bytes share_name, level;
    bool done = false;
    topic_filter_shared(filter, &share_name, &filter);
    if (filter.length == 0 || filter.data[0] != '$')
        return !denies_all(acl, tree, filter, done);
    topic_next_level(&filter, &done, &level);
    const struct node *plain = plain_child(acl, tree, level);
    return !plain || !denies_all(acl, plain, filter, done);
}

bool acl_allows(const struct acl *acl, const struct authorisation *question)
{
    static const uint8_t needed[] = {[ACCESS_PUBLISH] = RIGHT_WRITE, [ACCESS_RECEIVE] = RIGHT_READ};
    const struct acl_user *user = question->has_user_name ? user_of(acl, question->user_name) : NULL;
    const struct node *tree = user ? user->root : question->has_user_name ? NULL : acl->anonymous;
    if (question->access == ACCESS_SUBSCRIBE)
        return !tree || may_subscribe(acl, tree, question->topic);
    const uint8_t own = tree ? rights_in(acl, tree, question) : 0;
    if (own & (RIGHT_DENY | needed[question->access]))
        return (own & RIGHT_DENY) == 0;
    const uint8_t rights = rights_in(acl, acl->patterns, question);
    return (rights & RIGHT_DENY) == 0 && (rights & needed[question->access]) != 0;
}
