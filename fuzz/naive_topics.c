/* naive_topics: the rules of section 4.7 once more. */
#include "naive_topics.h"

/* The level that begins at `begin`: up to the next slash or the end. */
static struct bytes level_at(struct bytes topic, size_t begin)
{
    size_t end = begin;
    while (end < topic.length && topic.data[end] != '/')
        end++;
    return bytes_of(topic.data + begin, end - begin);
}

static bool holds(struct bytes text, char character)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == (uint8_t)character)
            return true;
    }
    return false;
}

static bool is_only(struct bytes level, char character)
{
    return level.length == 1 && level.data[0] == (uint8_t)character;
}

bool naive_is_topic_name(struct bytes name)
{
    return name.length > 0 && !holds(name, '+') && !holds(name, '#');
}

static bool begins_with(struct bytes text, const char *prefix)
{
    for (size_t i = 0; prefix[i] != '\0'; i++) {
        if (i >= text.length || text.data[i] != (uint8_t)prefix[i])
            return false;
    }
    return true;
}

static bool is_plain_filter(struct bytes filter)
{
    if (filter.length == 0)
        return false;
    for (size_t at = 0; at <= filter.length;) {
        const struct bytes level = level_at(filter, at);
        const bool last = at + level.length == filter.length;
        if (holds(level, '#') && !(is_only(level, '#') && last))
            return false;
        if (holds(level, '+') && !is_only(level, '+'))
            return false;
        at += level.length + 1;
    }
    return true;
}

bool naive_is_topic_filter(struct bytes filter, bool shared)
{
    if (!shared || !begins_with(filter, "$share/"))
        return is_plain_filter(filter);
    const struct bytes name = level_at(filter, 7);
    const size_t inner = 7 + name.length + 1;
    return name.length > 0 && !holds(name, '+') && !holds(name, '#') && inner < filter.length &&
           is_plain_filter(bytes_of(filter.data + inner, filter.length - inner));
}

bool naive_is_shared(struct bytes filter, struct bytes *inner)
{
    if (!begins_with(filter, "$share/"))
        return false;
    const size_t begin = 7 + level_at(filter, 7).length + 1;
    *inner = bytes_of(filter.data + begin, filter.length - begin);
    return true;
}

/* Level by level from both places; a place behind the end is length + 1. */
static bool matches_from(struct bytes filter, size_t in_filter, struct bytes name, size_t in_name)
{
    if (in_filter > filter.length)
        return in_name > name.length;
    const struct bytes wanted = level_at(filter, in_filter);
    if (is_only(wanted, '#'))
        return true; /* also when the name has ended: "a/#" matches "a" */
    if (in_name > name.length)
        return false;
    const struct bytes level = level_at(name, in_name);
    if (!is_only(wanted, '+') && !bytes_equal(wanted, level))
        return false;
    return matches_from(filter, in_filter + wanted.length + 1, name, in_name + level.length + 1);
}

bool naive_matches(struct bytes filter, struct bytes name)
{
    if (name.data[0] == '$' && (filter.data[0] == '+' || filter.data[0] == '#'))
        return false;
    return matches_from(filter, 0, name, 0);
}
