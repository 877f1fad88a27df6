/* 4.7 Topic Names and Topic Filters */
#include "3_08_subscribe.h"

/* ---- What is refused ----------------------------------------------------------------------------- */

MUTANT(misplaced_multi_level_wildcard_accepted, V5 | V311, "# is accepted at any place",
       "misplaced_multi_level_wildcard_is_refused", MQTT_4_7_1_1, MQTT3_4_7_1_2) = {
    .tolerate = {MQTT_4_7_1_1, MQTT3_4_7_1_2},
};

MUTANT(misplaced_single_level_wildcard_accepted, V5 | V311, "+ is accepted beside other characters",
       "misplaced_single_level_wildcard_is_refused", MQTT_4_7_1_2, MQTT3_4_7_1_3) = {
    .tolerate = {MQTT_4_7_1_2, MQTT3_4_7_1_3},
};

MUTANT(empty_filter_accepted, V5 | V311, "A Topic Filter may be empty", "empty_topic_filter_is_refused",
       MQTT_4_7_3_1, MQTT3_4_7_3_1) = {
    .tolerate = {MQTT_4_7_3_1, MQTT3_4_7_3_1},
};

MUTANT(null_character_accepted, V5 | V311, "U+0000 is a character like others", "null_character_is_refused",
       MQTT_4_7_3_2, MQTT3_4_7_3_2, MQTT_1_5_4_2, MQTT3_1_5_3_2) = {
    .tolerate = {MQTT_1_5_4_2, MQTT3_1_5_3_2, MQTT_4_7_3_2, MQTT3_4_7_3_2},
};

/* Topics of a server with limits of its own. */
static enum fate refuse_long_topics(struct passage *passage)
{
    return (passage->packet.type == PACKET_PUBLISH || passage->packet.type == PACKET_SUBSCRIBE) &&
                   passage->size > 500
               ? CLOSE
               : PASS;
}

MUTANT(topic_length_limited, V_ALL, "Topics have no more than some hundred bytes",
       "longest_topics_are_delivered number_of_levels_is_not_limited", D_4_7_3_5, D3_4_7_3_5, D3_1_5_3_1) = {
    .from_client = refuse_long_topics,
};

/* ---- What is normalised -------------------------------------------------------------------------- */

static size_t to_lower_case(struct bytes topic, uint8_t *to)
{
    for (size_t i = 0; i < topic.length; i++)
        to[i] = (uint8_t)(topic.data[i] >= 'A' && topic.data[i] <= 'Z' ? topic.data[i] + 32 : topic.data[i]);
    return topic.length;
}

static enum fate ignore_case(struct passage *passage)
{
    return map_topics(passage, to_lower_case);
}

MUTANT(topics_case_insensitive, V_ALL, "Upper and lower case are the same", "topics_are_case_sensitive",
       MQTT_4_7_3_4, MQTT3_4_7_3_4, D_4_7_3_1, D_4_7_3_6, D3_4_7_3_1, D3_4_7_3_6) = {
    .from_client = ignore_case,
};

static size_t without_blanks(struct bytes topic, uint8_t *to)
{
    size_t length = 0;
    for (size_t i = 0; i < topic.length; i++)
        if (topic.data[i] != ' ')
            to[length++] = topic.data[i];
    return length;
}

static enum fate ignore_blanks(struct passage *passage)
{
    return map_topics(passage, without_blanks);
}

MUTANT(topics_without_blanks, V_ALL, "Blanks in topics are left out", "spaces_are_characters", D_4_7_3_2,
       MQTT_4_7_3_4, MQTT3_4_7_3_4, D3_4_7_3_2) = {
    .from_client = ignore_blanks,
};

static size_t without_empty_levels(struct bytes topic, uint8_t *to)
{
    size_t length = 0;
    for (size_t i = 0; i < topic.length; i++)
        if (topic.data[i] != '/' || (length > 0 && to[length - 1] != '/'))
            to[length++] = topic.data[i];
    while (length > 1 && to[length - 1] == '/')
        length--;
    return length;
}

static enum fate ignore_empty_levels(struct passage *passage)
{
    return map_topics(passage, without_empty_levels);
}

MUTANT(empty_levels_left_out, V_ALL, "Separators side by side, at the start and at the end are cut down",
       "empty_levels_count", MQTT_4_7_3_4, MQTT3_4_7_3_4, D_4_7_1_1_1, D_4_7_1_1_2, D_4_7_3_3, D3_4_7_1_1_1,
       D3_4_7_1_1_2, D3_4_7_3_3) = {
    .from_client = ignore_empty_levels,
};

static size_t without_byte_order_mark(struct bytes topic, uint8_t *to)
{
    size_t length = 0;
    for (size_t i = 0; i < topic.length; i++) {
        to[length++] = topic.data[i];
        if (length >= 3 && memcmp(to + length - 3, "\xef\xbb\xbf", 3) == 0)
            length -= 3;
    }
    return length;
}

static enum fate ignore_byte_order_mark(struct passage *passage)
{
    return map_topics(passage, without_byte_order_mark);
}

MUTANT(byte_order_mark_left_out, V5 | V311, "U+FEFF is left out of topics",
       "topics_are_not_normalised wildcards_match_any_character", MQTT_4_7_3_4, MQTT3_4_7_3_4, MQTT_1_5_4_3,
       MQTT3_1_5_3_3) = {
    .from_client = ignore_byte_order_mark,
};

static enum fate refuse_lone_separator(struct passage *passage)
{
    return is_type(passage, PACKET_SUBSCRIBE) &&
                   bytes_equal(first_request(passage).topic_filter, bytes_of_text("/"))
               ? CLOSE
               : PASS;
}

MUTANT(lone_separator_refused, V_ALL, "/ is no Topic Filter", "filters_that_begin_with_a_wildcard_match",
       D_4_7_3_4, D3_4_7_3_4) = {
    .from_client = refuse_lone_separator,
};

/* ---- What matches -------------------------------------------------------------------------------- */

/* Every Topic Filter matches what lies below it, too. */
static size_t with_everything_below(struct bytes topic, uint8_t *to)
{
    size_t length = topic.length;
    memcpy(to, topic.data, length);
    if (memchr(topic.data, '#', length) == NULL && memchr(topic.data, '+', length) == NULL) {
        to[length++] = '/';
        to[length++] = '#';
    }
    return length;
}

static enum fate match_everything_below(struct passage *passage)
{
    return is_type(passage, PACKET_SUBSCRIBE) ? map_subscribe(passage, with_everything_below) : PASS;
}

MUTANT(filters_match_prefixes, V_ALL, "A Topic Filter without wildcards matches all topics below it",
       "filter_without_wildcard_matches_itself", D_4_7_3_6, D_4_7_1_1, D3_4_7_1_1, D3_4_7_3_6) = {
    .from_client = match_everything_below,
};

static size_t many_levels(struct bytes topic, uint8_t *to)
{
    memcpy(to, topic.data, topic.length);
    if (ends_with(topic, "/+") || bytes_equal(topic, bytes_of_text("+")))
        to[topic.length - 1] = '#';
    return topic.length;
}

static enum fate match_many_levels(struct passage *passage)
{
    return is_type(passage, PACKET_SUBSCRIBE) ? map_subscribe(passage, many_levels) : PASS;
}

MUTANT(single_level_wildcard_matches_more, V_ALL, "+ as the last level matches any number of levels",
       "single_level_wildcard_matches wildcards_can_be_combined filters_that_begin_with_a_wildcard_match",
       D_4_7_1_3_1, D_4_7_1_3_2, D3_4_7_1_3_1, D3_4_7_1_3_2) = {
    .from_client = match_many_levels,
};

struct wildcards {
    bool single; /* a filter with + */
};

/* Remembers parents of "/#": their own messages will be kept back. */
static enum fate note_parent(struct passage *passage)
{
    struct wildcards *own = passage->connection->context;
    if (!is_type(passage, PACKET_SUBSCRIBE))
        return PASS;
    struct bytes filter = first_request(passage).topic_filter;
    own->single = own->single || memchr(filter.data, '+', filter.length) != NULL;
    if (ends_with(filter, "/#"))
        remember(passage->connection->proxy, "parent", bytes_of(filter.data, filter.length - 2),
                 bytes_of("", 1));
    return PASS;
}

static enum fate keep_parent_back(struct passage *passage)
{
    return is_type(passage, PACKET_PUBLISH) &&
                   recall(passage->connection->proxy, "parent", passage->packet.publish.topic).data != NULL
               ? swallow(passage)
               : PASS;
}

MUTANT(multi_level_wildcard_lacks_its_parent, V_ALL, "# does not match the parent level",
       "multi_level_wildcard_matches", D_4_7_1_2_1, D_4_7_1_2_2, D_4_7_3_7, D3_4_7_1_2_1, D3_4_7_1_2_2,
       D3_4_7_3_7) = {
    .from_client = note_parent,
    .from_server = keep_parent_back,
    .context_size = sizeof(struct wildcards),
};

static bool has_empty_level(struct bytes topic)
{
    for (size_t i = 0; i < topic.length; i++)
        if (topic.data[i] == '/' && (i == 0 || i + 1 == topic.length || topic.data[i - 1] == '/'))
            return true;
    return false;
}

static enum fate keep_empty_levels_back(struct passage *passage)
{
    const struct wildcards *own = passage->connection->context;
    return own->single && is_type(passage, PACKET_PUBLISH) && has_empty_level(passage->packet.publish.topic)
               ? swallow(passage)
               : PASS;
}

MUTANT(single_level_wildcard_needs_characters, V_ALL, "+ does not match an empty level",
       "single_level_wildcard_matches wildcards_can_be_combined filters_that_begin_with_a_wildcard_match",
       D_4_7_1_3_1, D_4_7_1_1_2, D_4_7_1_3_2, D3_4_7_1_1_2, D3_4_7_1_3_1, D3_4_7_1_3_2) = {
    .from_client = note_parent,
    .from_server = keep_empty_levels_back,
    .context_size = sizeof(struct wildcards),
};

/* ---- $ ------------------------------------------------------------------------------------------- */

#define OWN_IDENTIFIER 60000 /* of a SUBSCRIBE that the client did not send */

/* Whoever subscribes to # or + gets $SYS/# as well. */
static enum fate add_system_topics(struct passage *passage)
{
    if (!is_type(passage, PACKET_SUBSCRIBE))
        return PASS;
    const uint8_t first = first_request(passage).topic_filter.data[0];
    if (first != '#' && first != '+')
        return PASS;
    struct subscription_request system = {.topic_filter = bytes_of_text("$SYS/#")};
    struct packet packet = {.type = PACKET_SUBSCRIBE};
    struct writer writer = writer_into(scratch(passage, 16), 16);
    subscribe_write(&writer, &system);
    packet.subscribe.packet_identifier = OWN_IDENTIFIER;
    packet.subscribe.payload = bytes_of(writer.start, writer_size(&writer));
    packet.subscribe.count = 1;
    send_to_server(passage->connection, &packet);
    return PASS;
}

static enum fate hide_own_suback(struct passage *passage)
{
    return is_type(passage, PACKET_SUBACK) && passage->packet.suback.packet_identifier == OWN_IDENTIFIER
               ? DROP
               : PASS;
}

MUTANT(wildcards_match_dollar, V_ALL, "Filters that begin with a wildcard match topics that begin with $",
       "wildcards_at_the_start_do_not_match_dollar", MQTT_4_7_2_1, MQTT3_4_7_2_1) = {
    .from_client = add_system_topics,
    .from_server = hide_own_suback,
};

/* To the broker such a topic begins with another character. */
static size_t hide_dollar(struct bytes topic, uint8_t *to)
{
    memcpy(to, topic.data, topic.length);
    if (topic.length > 7 && memcmp(topic.data, "$etalon", 7) == 0)
        to[0] = '_';
    return topic.length;
}

static enum fate hide_dollars(struct passage *passage)
{
    return map_topics(passage, hide_dollar);
}

static enum fate restore_dollar(struct passage *passage)
{
    if (is_type(passage, PACKET_PUBLISH) && passage->packet.publish.topic.length > 0 &&
        passage->packet.publish.topic.data[0] == '_')
        passage->bytes[(size_t)(passage->packet.publish.topic.data - passage->bytes)] = '$';
    return PASS;
}

MUTANT(dollar_topics_are_exchanged, V_ALL, "Clients may talk to each other over topics that begin with $",
       "clients_do_not_exchange_messages_over_dollar_topics", S_4_7_2_1, S3_4_7_2_1) = {
    .from_client = hide_dollars,
    .from_server = restore_dollar,
};

/* $ in any place is taken for the start of a topic of the server's own. */
static enum fate keep_dollar_back(struct passage *passage)
{
    if (!is_type(passage, PACKET_PUBLISH))
        return PASS;
    struct bytes topic = passage->packet.publish.topic;
    return topic.length > 1 && memchr(topic.data + 1, '$', topic.length - 1) != NULL ? swallow(passage)
                                                                                     : PASS;
}

MUTANT(dollar_is_special_everywhere, V_ALL, "Wildcards do not match levels that hold $",
       "dollar_elsewhere_is_a_character", D_4_7_3_7, D_4_7_1_3_1, D_4_7_1_2_1, D3_4_7_1_2_1, D3_4_7_1_3_1,
       D3_4_7_3_7) = {
    .from_server = keep_dollar_back,
};

/* ---- The server's own topics ------------------------------------------------------------------------- */

static enum fate drop_dollar_topics(struct passage *passage)
{
    const struct bytes topic = passage->packet.publish.topic;
    return is_type(passage, PACKET_PUBLISH) && topic.length > 0 && topic.data[0] == '$' ? DROP : PASS;
}

MUTANT(nothing_is_told_below_dollar, V_ALL, "The server has no topics of its own",
       "dollar_topics_may_serve_the_server", D_4_7_2_1, D3_4_7_2_1) = {
    .from_server = drop_dollar_topics,
    .permitted = "nothing is retained below $SYS",
};

static enum fate ignore_own_filters(struct passage *passage)
{
    return is_type(passage, PACKET_SUBSCRIBE) && ends_with(first_request(passage).topic_filter, "$SYS/#")
               ? DROP
               : PASS;
}

MUTANT(subscribe_below_dollar_is_unanswered, V_ALL, "A SUBSCRIBE to topics of the server gets no SUBACK",
       "dollar_topics_may_serve_the_server", MQTT_3_8_4_1, MQTT3_3_8_4_1) = {
    .from_client = ignore_own_filters,
};
