/* 3.3.2.3.4 Topic Alias */
#include "mutant.h"

/* The Topic Alias of a PUBLISH; 0: none. */
static uint32_t alias_of(const struct passage *passage)
{
    if (!is_type(passage, PACKET_PUBLISH))
        return 0;
    return properties_number(&passage->packet.publish.properties, ORDINAL_TOPIC_ALIAS, 0);
}

static struct bytes topic_of(const struct passage *passage)
{
    return passage->packet.publish.topic;
}

/* ---- From the client ----------------------------------------------------------------------------- */

static enum fate strip_alias(struct passage *passage)
{
    if (alias_of(passage) == 0 || topic_of(passage).length == 0)
        return PASS;
    remove_property(&passage->packet.publish.properties, ORDINAL_TOPIC_ALIAS);
    return ENCODE;
}

MUTANT(aliases_are_not_learnt, V5, "A Topic Alias set by a client has no effect",
       "alias_stands_for_its_topic every_alias_is_accepted alias_can_be_set_anew "
       "publish_without_alias_leaves_aliases "
       "alias_works_for_retained_message",
       MQTT_3_3_2_12, D_3_3_2_3_4_1, D_3_3_2_3_4_2, D_3_3_4_6, D_3_3_4_8) = {
    .from_client = strip_alias,
};

/* Aliases below 64 that a connection knows. */
struct known {
    uint64_t set;
};

static uint64_t bit_of(uint32_t alias)
{
    return alias < 64 ? 1ULL << alias : 0;
}

/* Whether the packet's alias was known before. */
static bool learn_alias(struct passage *passage)
{
    struct known *known = passage->connection->context;
    const uint64_t bit = bit_of(alias_of(passage));
    const bool before = (known->set & bit) != 0;
    known->set |= topic_of(passage).length > 0 ? bit : 0;
    return before;
}

static enum fate set_alias_once(struct passage *passage)
{
    return alias_of(passage) != 0 && learn_alias(passage) ? strip_alias(passage) : PASS;
}

MUTANT(alias_is_set_once, V5, "A Topic Alias keeps its first topic for as long as the connection lasts",
       "alias_can_be_set_anew", D_3_3_2_3_4_3, D_3_3_4_7, MQTT_3_3_2_12) = {
    .from_client = set_alias_once,
    .context_size = sizeof(struct known),
};

static enum fate set_alias_always(struct passage *passage)
{
    if (!is_type(passage, PACKET_PUBLISH))
        return PASS;
    if (alias_of(passage) != 0) {
        learn_alias(passage);
        return PASS;
    }
    if ((((struct known *)passage->connection->context)->set & bit_of(1)) == 0)
        return PASS;
    properties_set_number(&passage->packet.publish.properties, ORDINAL_TOPIC_ALIAS, 1);
    return ENCODE;
}

MUTANT(plain_publish_changes_alias, V5, "A PUBLISH without Topic Alias gives its topic to an alias in use",
       "publish_without_alias_leaves_aliases", D_3_3_2_3_4_2, D_3_3_4_6) = {
    .from_client = set_alias_always,
    .context_size = sizeof(struct known),
};

static enum fate keep_alias_only(struct passage *passage)
{
    const uint32_t alias = alias_of(passage);
    if (alias == 0 || topic_of(passage).length > 0)
        return PASS;
    properties_clear(&passage->packet.publish.properties);
    properties_set_number(&passage->packet.publish.properties, ORDINAL_TOPIC_ALIAS, alias);
    return ENCODE;
}

MUTANT(alias_displaces_properties, V5, "A PUBLISH by way of a Topic Alias loses its other properties",
       "properties_beside_an_alias_are_passed_on", MQTT_3_3_2_17, MQTT_3_3_2_15, MQTT_3_3_2_16,
       MQTT_3_3_2_20) = {
    .from_client = keep_alias_only,
};

MUTANT(alias_0_is_accepted, V5, "Topic Alias 0 is accepted", "alias_0_is_refused", MQTT_3_3_2_8,
       P_3_3_4_2) = {
    .tolerate = {MQTT_3_3_2_8, P_3_3_4_2},
};

MUTANT(second_alias_is_accepted, V5, "A PUBLISH with two Topic Aliases is accepted",
       "second_alias_is_refused", P_3_3_2_3_4_1) = {
    .tolerate = {P_3_3_2_3_4_1},
};

static enum fate note_maximum(struct passage *passage)
{
    const uint32_t maximum =
        is_type(passage, PACKET_CONNACK)
            ? properties_number(&passage->packet.connack.properties, ORDINAL_TOPIC_ALIAS_MAXIMUM, 0)
            : 0;
    if (is_type(passage, PACKET_CONNACK))
        memcpy(passage->connection->context, &maximum, sizeof maximum);
    return PASS;
}

static enum fate allow_beyond_maximum(struct passage *passage)
{
    uint32_t maximum;
    memcpy(&maximum, passage->connection->context, sizeof maximum);
    return alias_of(passage) > maximum ? strip_alias(passage) : PASS;
}

MUTANT(alias_above_maximum_is_accepted, V5, "Topic Aliases above the server's own maximum are accepted",
       "alias_above_maximum_is_refused topic_alias_above_maximum_is_refused", MQTT_3_3_2_9, P_3_3_4_2,
       MQTT_3_2_2_17) = {
    .from_client = allow_beyond_maximum,
    .from_server = note_maximum,
    .context_size = sizeof(uint32_t),
};

static enum fate ignore_unknown_alias(struct passage *passage)
{
    if (alias_of(passage) == 0)
        return PASS;
    return !learn_alias(passage) && topic_of(passage).length == 0 ? DROP : PASS;
}

MUTANT(unknown_alias_is_ignored, V5, "A PUBLISH with a Topic Alias that stands for nothing is ignored",
       "unknown_alias_is_refused alias_ends_with_its_connection", P_3_3_4_3) = {
    .from_client = ignore_unknown_alias,
    .context_size = sizeof(struct known),
};

/* One table of aliases for all connections. */
static enum fate share_aliases(struct passage *passage)
{
    struct proxy *proxy = passage->connection->proxy;
    const uint32_t alias = alias_of(passage);
    const struct bytes key = bytes_of(&alias, sizeof alias);
    if (alias == 0)
        return PASS;
    if (topic_of(passage).length > 0) {
        remember(proxy, "alias", key, topic_of(passage));
        return PASS;
    }
    passage->packet.publish.topic = recall(proxy, "alias", key);
    return topic_of(passage).length > 0 ? ENCODE : PASS;
}

MUTANT(aliases_are_shared, V5, "All connections share one table of Topic Aliases",
       "alias_ends_with_its_connection alias_belongs_to_one_connection", MQTT_3_3_2_7, D_3_3_2_3_4_4) = {
    .from_client = share_aliases,
};

/* ---- To the client ------------------------------------------------------------------------------- */

static enum fate add_alias(struct passage *passage)
{
    if (!is_type(passage, PACKET_PUBLISH))
        return PASS;
    properties_set_number(&passage->packet.publish.properties, ORDINAL_TOPIC_ALIAS, 1);
    return ENCODE;
}

MUTANT(
    alias_to_client_that_wants_none, V5, "Every PUBLISH to a client has a Topic Alias",
    "alias_is_not_passed_on alias_to_client_stays_within_its_maximum no_topic_alias_to_a_client_without_them",
    MQTT_3_3_2_11, MQTT_3_1_2_26, MQTT_3_1_2_27, D_3_1_2_11_5_1) = {
    .from_server = add_alias, .spoils = "*", /* wherever a client checks what it gets */
};

static enum fate alias_instead_of_topic(struct passage *passage)
{
    if (!is_type(passage, PACKET_PUBLISH))
        return PASS;
    passage->packet.publish.topic = bytes_of(NULL, 0);
    properties_set_number(&passage->packet.publish.properties, ORDINAL_TOPIC_ALIAS, 1);
    return ENCODE;
}

static enum fate continue_aliases(struct passage *passage)
{
    bool *resumed = passage->connection->context;
    if (is_type(passage, PACKET_CONNACK))
        *resumed = passage->packet.connack.session_present;
    return *resumed ? alias_instead_of_topic(passage) : PASS;
}

MUTANT(alias_to_client_outlives_connection, V5,
       "A Topic Alias toward the client is used in its next connection",
       "alias_to_client_ends_with_its_connection", MQTT_3_3_2_7) = {
    .from_server = continue_aliases,
    .context_size = sizeof(bool),
};

static enum fate learn_any_alias(struct passage *passage)
{
    if (alias_of(passage) != 0)
        learn_alias(passage);
    return PASS;
}

static enum fate use_alias_of_client(struct passage *passage)
{
    const struct known *known = passage->connection->context;
    return (known->set & bit_of(1)) != 0 ? alias_instead_of_topic(passage) : PASS;
}

MUTANT(aliases_of_both_directions_are_one, V5, "The server uses the Topic Aliases that the client set",
       "aliases_of_both_directions_are_apart", D_3_3_2_3_4_5) = {
    .from_client = learn_any_alias,
    .from_server = use_alias_of_client,
    .context_size = sizeof(struct known),
};
