/* system_topics: $SYS/broker/..., the figures of the broker as retained messages, under the names that
 * users of Mosquitto know: no client may publish to them [D-4.7.2-1, D3-4.7.2-1]. Prefix: system_topics_
 *
 * Between two updates nothing is done at all. An update publishes those topics whose text has changed. */
#ifndef ETALON_HOST_SYSTEM_TOPICS_H
#define ETALON_HOST_SYSTEM_TOPICS_H

#include "../mqtt/broker.h"
#include "host_statistics.h"
#include "store.h"

enum { SYSTEM_LOADS = 9, SYSTEM_LOAD_PERIODS = 3, SYSTEM_TOPICS_MAXIMUM = 112 };

/* Fills in the figures of the store. False: there is none, and no topics for it. */
typedef bool system_topics_store(void *context, struct store_statistics *statistics);

struct system_topics {
    struct broker *broker;
    const struct host_statistics *host; /* NULL: none are shown */
    system_topics_store *store;         /* NULL: there is none */
    void *store_context;
    uint64_t started;                  /* ms */
    uint64_t updated;                  /* ms; when the loads were last brought up to date */
    uint64_t deadline;                 /* ms; UINT64_MAX: never */
    uint64_t interval;                 /* ms; 0: off */
    uint64_t heap_maximum;             /* bytes; the most that was seen at an update */
    struct broker_statistics previous; /* as of `updated` */
    double load[SYSTEM_LOADS][SYSTEM_LOAD_PERIODS];
    uint64_t published[SYSTEM_TOPICS_MAXIMUM]; /* hash of the text last published; 0: none yet */
};

/* Begins at `now` (ms, the clock of broker_step); the first update is due at once. The broker is borrowed.
 * `interval` in seconds; 0: no topics. */
void system_topics_begin(struct system_topics *topics, struct broker *broker, uint64_t now,
                         uint32_t interval);

/* Shows the figures of the host, which are borrowed, from the next update on. */
void system_topics_show_host(struct system_topics *topics, const struct host_statistics *statistics);

/* Shows the figures of a store from the next update on. */
void system_topics_show_store(struct system_topics *topics, system_topics_store *store, void *context);

/* Changes the interval, from the present one's last update on. With 0 the topics keep their last values. */
void system_topics_configure(struct system_topics *topics, uint64_t now, uint32_t interval);

/* When to call system_topics_update at the latest (ms); UINT64_MAX: not at all. */
static inline uint64_t system_topics_deadline(const struct system_topics *topics)
{
    return topics->deadline;
}

/* Publishes what has changed, if the deadline has come. */
void system_topics_update(struct system_topics *topics, uint64_t now);

#endif
