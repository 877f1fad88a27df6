/* 4.7 Topic Names and Topic Filters, and the form of Shared Subscriptions (4.8.2). Prefix: topic_
 *
 * The specification names no Reason Code for a badly formed topic. 0x8F and 0x90 are for well-formed ones
 * that are not accepted, and such a packet can be parsed: so it is a Protocol Error by the definition in
 * section 1.2. */
#include "4_07_topics.h"

#include "1_5_data_representation.h"

static struct verdict refuse_topic(enum statement statement, size_t offset, const char *what)
{
    return refuse(statement, REASON_PROTOCOL_ERROR, offset, what);
}

/* The first of `character` in `text`, or NULL. */
static const uint8_t *find(struct bytes text, char character)
{
    return text.length == 0 ? NULL : memchr(text.data, character, text.length);
}

struct verdict topic_name_check(struct bytes name, enum protocol_version version, size_t offset)
{
    if (name.length == 0) /* [MQTT-4.7.3-1] [MQTT3-4.7.3-1] */
        return refuse_topic(version_cite(version, MQTT_4_7_3_1, MQTT3_4_7_3_1), offset,
                            "Topic Name is empty");

    const uint8_t *wildcard = find(name, '#');
    if (wildcard != NULL) /* [MQTT-4.7.0-1] [MQTT3-4.7.1-1] */
        return refuse_topic(version_cite(version, MQTT_4_7_0_1, MQTT3_4_7_1_1),
                            offset + (size_t)(wildcard - name.data),
                            "Topic Name contains the wildcard character '#'");
    wildcard = find(name, '+');
    if (wildcard != NULL)
        return refuse_topic(version_cite(version, MQTT_4_7_0_1, MQTT3_4_7_1_1),
                            offset + (size_t)(wildcard - name.data),
                            "Topic Name contains the wildcard character '+'");
    /* U+0000 and length are the string's: [MQTT-4.7.3-2] [MQTT3-4.7.3-2] [MQTT-4.7.3-3] [MQTT3-4.7.3-3];
     * everything else may stand in a name, spaces too [D-4.7.3-2, D3-4.7.3-2] */
    return accept();
}

/* Whether `level` is that one character. */
static bool level_is(struct bytes level, char character)
{
    return level.length == 1 && level.data[0] == (uint8_t)character;
}

/* One level of a filter; `last` when none follows. Other levels may hold wildcards as well
 * [D-4.7.1.3-2, D3-4.7.1.3-2]. */
static struct verdict filter_level_check(struct bytes level, bool last, enum protocol_version version,
                                         size_t offset)
{
    const uint8_t *multi = find(level, '#');
    if (multi != NULL && (level.length > 1 || !last)) /* [MQTT-4.7.1-1] [MQTT3-4.7.1-2] */
        return refuse_topic(version_cite(version, MQTT_4_7_1_1, MQTT3_4_7_1_2),
                            offset + (size_t)(multi - level.data),
                            "'#' in a Topic Filter is not alone in the last level");

    const uint8_t *single = find(level, '+');
    if (single != NULL && level.length > 1) /* [MQTT-4.7.1-2] [MQTT3-4.7.1-3] */
        return refuse_topic(version_cite(version, MQTT_4_7_1_2, MQTT3_4_7_1_3),
                            offset + (size_t)(single - level.data),
                            "'+' in a Topic Filter is not alone in its level");
    return accept();
}

/* Where the filter proper begins in "$share/ShareName/filter"; `filter` begins with "$share/". */
static struct verdict share_check(struct bytes filter, size_t offset, size_t *inner)
{
    const size_t name_at = strlen("$share/");
    const struct bytes rest = bytes_after(filter, name_at);
    const uint8_t *slash = find(rest, '/');
    const struct bytes name = bytes_of(rest.data, slash == NULL ? rest.length : (size_t)(slash - rest.data));

    if (name.length == 0) /* [MQTT-4.8.2-1] */
        return refuse_topic(MQTT_4_8_2_1, offset + name_at, "ShareName is empty");
    if (topic_has_wildcard(name)) /* [MQTT-4.8.2-2] */
        return refuse_topic(MQTT_4_8_2_2, offset + name_at, "ShareName contains '+' or '#'");
    if (slash == NULL || name.length + 1 == rest.length) /* [MQTT-4.8.2-2] */
        return refuse_topic(MQTT_4_8_2_2, offset + filter.length - 1,
                            "no Topic Filter follows the ShareName");
    *inner = name_at + name.length + 1;
    return accept();
}

static bool begins_with_share(struct bytes filter)
{
    const struct bytes prefix = bytes_of_text("$share/");
    return filter.length >= prefix.length && memcmp(filter.data, prefix.data, prefix.length) == 0;
}

struct verdict topic_filter_check(struct bytes filter, enum protocol_version version, size_t offset)
{
    if (filter.length == 0) /* [MQTT-4.7.3-1] [MQTT3-4.7.3-1] */
        return refuse_topic(version_cite(version, MQTT_4_7_3_1, MQTT3_4_7_3_1), offset,
                            "Topic Filter is empty");

    size_t inner = 0;
    if (version == PROTOCOL_5_0 && begins_with_share(filter))
        GUARD(share_check(filter, offset, &inner));

    struct bytes rest = bytes_after(filter, inner);
    if (!topic_has_wildcard(rest))
        return accept();
    bool done = false;
    struct bytes level;
    while (topic_next_level(&rest, &done, &level))
        GUARD(filter_level_check(level, done, version, offset + (size_t)(level.data - filter.data)));
    return accept();
}

bool topic_filter_shared(struct bytes filter, struct bytes *share_name, struct bytes *inner)
{
    if (!begins_with_share(filter))
        return false;
    const struct bytes rest = bytes_after(filter, strlen("$share/"));
    const uint8_t *slash = find(rest, '/');
    if (slash == NULL)
        return false;
    *share_name = bytes_of(rest.data, (size_t)(slash - rest.data));
    *inner = bytes_after(rest, share_name->length + 1);
    return true;
}

bool topic_has_wildcard(struct bytes filter)
{
    return find(filter, '#') != NULL || find(filter, '+') != NULL;
}

/* Each separator ends a level, wherever it stands; a level may be empty: [D-4.7.1-1, D3-4.7.1-1]
 * [D-4.7.1.1-1, D3-4.7.1.1-1] [D-4.7.1.1-2, D3-4.7.1.1-2] [D-4.7.3-3, D3-4.7.3-3] [D-4.7.3-4, D3-4.7.3-4] */
bool topic_next_level(struct bytes *rest, bool *done, struct bytes *level)
{
    if (*done)
        return false;
    const uint8_t *slash = find(*rest, '/');
    if (slash == NULL) { /* an empty remainder is a level too: "a/" has two */
        *level = *rest;
        *done = true;
        return true;
    }
    *level = bytes_of(rest->data, (size_t)(slash - rest->data));
    *rest = bytes_of(slash + 1, rest->length - level->length - 1);
    return true;
}

bool topic_matches(struct bytes filter, struct bytes name)
{
    if (filter.length == 0 || name.length == 0)
        return false;
    if (name.data[0] == '$' &&
        (filter.data[0] == '#' || filter.data[0] == '+')) /* [MQTT-4.7.2-1] [MQTT3-4.7.2-1] */
        return false;

    bool filter_done = false;
    bool name_done = false;
    struct bytes filter_level = {NULL, 0};
    struct bytes name_level = {NULL, 0};
    for (;;) {
        const bool in_filter = topic_next_level(&filter, &filter_done, &filter_level);
        const bool in_name = topic_next_level(&name, &name_done, &name_level);
        if (in_filter && level_is(filter_level, '#')) /* also the parent level itself, 4.7.1.2 */
            return true;
        if (!in_filter || !in_name)
            return !in_filter && !in_name;
        /* byte by byte, nothing normalised [MQTT-4.7.3-4] [MQTT3-4.7.3-4] */
        if (!level_is(filter_level, '+') && !bytes_equal(filter_level, name_level))
            return false;
    }
}
