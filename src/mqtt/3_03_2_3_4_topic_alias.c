/* 3.3.2.3.4 Topic Alias. Prefix: topic_alias_ */
#include "3_03_2_3_4_topic_alias.h"

#include <stdlib.h>

struct alias {
    uint8_t *topic; /* NULL: not in use */
    uint16_t length;
};

/* The names behind the aliases 1 to `count`; it grows to the highest alias used, never beyond the maximum. */
struct topic_aliases {
    uint16_t count;
    struct alias names[];
};

/* What is left of the message when there is no memory for an alias. */
static struct verdict no_memory(void)
{
    return refuse(MQTT_4_13_2_1, REASON_QUOTA_EXCEEDED, 0, "no memory for the Topic Alias");
}

static struct topic_aliases *grow(struct topic_aliases *aliases, uint16_t count)
{
    const uint16_t old = aliases ? aliases->count : 0;
    struct topic_aliases *larger = realloc(aliases, sizeof *larger + count * sizeof larger->names[0]);
    if (!larger)
        return NULL;
    for (uint16_t i = old; i < count; i++)
        larger->names[i] = (struct alias){0};
    larger->count = count;
    return larger;
}

/* [D-3.3.2.3.4-1] [D-3.3.2.3.4-3] [D-3.3.4-7] [D-3.3.4-8] sets the alias up, or gives it a new meaning */
static struct verdict learn(struct topic_aliases **aliases, uint16_t number, struct bytes topic)
{
    if (!*aliases || (*aliases)->count < number) {
        struct topic_aliases *larger = grow(*aliases, number);
        if (!larger)
            return no_memory();
        *aliases = larger;
    }
    struct alias *alias = &(*aliases)->names[number - 1];
    uint8_t *copy = malloc(topic.length);
    if (!copy)
        return no_memory();
    memcpy(copy, topic.data, topic.length);
    free(alias->topic);
    *alias = (struct alias){.topic = copy, .length = (uint16_t)topic.length};
    return accept();
}

struct verdict topic_alias_resolve(struct topic_aliases **aliases, uint16_t maximum,
                                   const struct publish *publish, struct bytes *topic)
{
    *topic = publish->topic;
    const uint32_t number = properties_number(&publish->properties, ORDINAL_TOPIC_ALIAS, 0);
    if (number == 0)
        return accept();
    if (number > maximum) /* [MQTT-3.3.2-9]; all others are taken [MQTT-3.3.2-12] */
        return refuse(MQTT_3_3_2_9, REASON_TOPIC_ALIAS_INVALID, 0,
                      "Topic Alias is above the Topic Alias Maximum");
    if (publish->topic.length > 0)
        return learn(aliases, (uint16_t)number, publish->topic);
    if (!*aliases || number > (*aliases)->count || !(*aliases)->names[number - 1].topic)
        return refuse(P_3_3_4_3, REASON_PROTOCOL_ERROR, 0, "Topic Alias was not set up on this connection");
    const struct alias *alias = &(*aliases)->names[number - 1];
    *topic = bytes_of(alias->topic, alias->length); /* [D-3.3.2.3.4-2] [D-3.3.4-6] */
    return accept();
}

void topic_alias_free(struct topic_aliases *aliases)
{
    if (!aliases)
        return;
    for (uint16_t i = 0; i < aliases->count; i++)
        free(aliases->names[i].topic);
    free(aliases);
}

/* Towards the client: the first topics get the aliases and keep them. */

struct outgoing_name {
    uint64_t hash;
    uint8_t *topic;
    size_t length;
};

struct outgoing_aliases {
    uint16_t count;
    uint16_t maximum;
    struct outgoing_name names[];
};

static struct outgoing_aliases *outgoing_create(uint16_t maximum)
{
    struct outgoing_aliases *aliases = malloc(sizeof *aliases + maximum * sizeof aliases->names[0]);
    if (aliases)
        *aliases = (struct outgoing_aliases){.maximum = maximum};
    return aliases;
}

static uint16_t outgoing_find(const struct outgoing_aliases *aliases, struct bytes topic, uint64_t hash)
{
    for (uint16_t i = 0; i < aliases->count; i++)
        if (aliases->names[i].hash == hash &&
            bytes_equal(bytes_of(aliases->names[i].topic, aliases->names[i].length), topic))
            return (uint16_t)(i + 1);
    return 0;
}

static uint16_t outgoing_add(struct outgoing_aliases *aliases, struct bytes topic, uint64_t hash)
{
    if (aliases->count == aliases->maximum)
        return 0;
    uint8_t *copy = malloc(topic.length);
    if (!copy)
        return 0;
    memcpy(copy, topic.data, topic.length);
    aliases->names[aliases->count++] =
        (struct outgoing_name){.hash = hash, .topic = copy, .length = topic.length};
    return aliases->count;
}

uint16_t outgoing_alias(struct outgoing_aliases **aliases, uint16_t maximum, struct bytes topic,
                        uint64_t hash, bool *known)
{
    *known = false;
    if (!*aliases)
        *aliases = outgoing_create(maximum);
    if (!*aliases)
        return 0;
    const uint16_t alias = outgoing_find(*aliases, topic, hash);
    *known = alias != 0;
    return alias ? alias : outgoing_add(*aliases, topic, hash);
}

void outgoing_aliases_free(struct outgoing_aliases *aliases)
{
    if (!aliases)
        return;
    for (uint16_t i = 0; i < aliases->count; i++)
        free(aliases->names[i].topic);
    free(aliases);
}
