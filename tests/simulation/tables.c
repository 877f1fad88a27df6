/* tables: the few topics and filters of the simulation. Matching is by a naive matcher, once. */
#include <string.h>

#include "simulation.h"

const char *const topic_names[TOPICS] = {"o/0", "o/1", "o/2", "o/3", "r/0",       "r/1",
                                         "r/2", "w/0", "w/1", "w/2", "share/s/0", "share/s/1"};

const char *const filter_names[FILTERS] = {"o/0",
                                           "o/1",
                                           "o/2",
                                           "o/3",
                                           "o/+",
                                           "o/#",
                                           "+/1",
                                           "r/0",
                                           "r/1",
                                           "r/2",
                                           "r/#",
                                           "w/+",
                                           "w/0",
                                           "$share/g/share/s/0",
                                           "$share/g/share/s/+",
                                           "$share/h/share/s/0"};

enum topic_class topic_class(unsigned topic)
{
    if (topic < 4)
        return TOPIC_ORDINARY;
    if (topic < 7)
        return TOPIC_RETAINED;
    return topic < 10 ? TOPIC_WILL : TOPIC_SHARED;
}

static bool matches(const char *filter, const char *topic)
{
    if (strcmp(filter, "#") == 0)
        return true;
    const char *filter_end = strchr(filter, '/');
    const char *topic_end = strchr(topic, '/');
    const size_t filter_level = filter_end ? (size_t)(filter_end - filter) : strlen(filter);
    const size_t topic_level = topic_end ? (size_t)(topic_end - topic) : strlen(topic);
    const bool same = filter_level == topic_level && memcmp(filter, topic, filter_level) == 0;
    if (!same && !(filter_level == 1 && filter[0] == '+'))
        return false;
    if (!filter_end || !topic_end)
        return !filter_end && !topic_end;
    return matches(filter_end + 1, topic_end + 1);
}

uint16_t topic_filters(unsigned topic)
{
    static const size_t prefix = sizeof "$share/g/" - 1;
    uint16_t mask = 0;
    for (unsigned i = 0; i < FILTERS; i++)
        if (matches(filter_names[i] + (i >= FIRST_SHARED ? prefix : 0), topic_names[topic]))
            mask = (uint16_t)(mask | 1U << i);
    return mask;
}

unsigned topic_find(struct bytes name)
{
    for (unsigned i = 0; i < TOPICS; i++)
        if (bytes_equal(name, bytes_of_text(topic_names[i])))
            return i;
    return TOPICS;
}

const char *actor_name(unsigned actor)
{
    static const char *const names[ACTORS] = {"c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "audit"};
    return names[actor];
}
