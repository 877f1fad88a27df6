#include "system_topics.h"

#include <assert.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>

enum { MILLISECONDS = 1000, LONGEST_TOPIC = 96, LONGEST_VALUE = 64 };

#define FIGURE(member) offsetof(struct broker_statistics, member)
#define REFUSED(limit) FIGURE(refused[LIMIT_##limit])

/* Topics that show one figure. */
static const struct {
    const char *name;
    size_t offset;
} figures[] = {
    {"bytes/received", FIGURE(bytes_received)},
    {"bytes/sent", FIGURE(bytes_sent)},
    {"clients/active", FIGURE(clients)}, /* the old name */
    {"clients/connected", FIGURE(clients)},
    {"clients/expired", FIGURE(sessions_expired)},
    {"clients/maximum", FIGURE(clients_maximum)},
    {"clients/total", FIGURE(sessions)},
    {"limits/connect_timeout", FIGURE(connects_late)},
    {"limits/global_max_clients", REFUSED(SESSIONS)},
    {"limits/max_packet_size", REFUSED(PACKET_SIZE)},
    {"limits/max_queued_bytes", REFUSED(QUEUED_BYTES)},
    {"limits/max_queued_bytes_total", REFUSED(HELD_BYTES)},
    {"limits/max_retained_bytes", REFUSED(RETAINED_BYTES)},
    {"limits/max_retained_messages", REFUSED(RETAINED)},
    {"limits/max_subscriptions", REFUSED(SUBSCRIPTIONS)},
    {"limits/max_subscriptions_per_client", REFUSED(SUBSCRIPTIONS_OF_SESSION)},
    {"limits/max_topic_length", REFUSED(TOPIC_LENGTH)},
    {"limits/max_topic_levels", REFUSED(TOPIC_LEVELS)},
    {"limits/max_user_properties", REFUSED(USER_PROPERTIES)},
    {"limits/memory_limit", REFUSED(MEMORY)},
    {"limits/packet_max_connect", REFUSED(FIRST_PACKET)},
    {"limits/unread_answers", REFUSED(ANSWERS)},
    {"logins/refused", FIGURE(logins_refused)},
    {"messages/received", FIGURE(packets_received)},
    {"messages/sent", FIGURE(packets_sent)},
    {"publish/messages/dropped", FIGURE(messages_dropped)},
    {"publish/messages/received", FIGURE(messages_received)},
    {"publish/messages/sent", FIGURE(messages_sent)},
    {"queued messages/bytes", FIGURE(held_bytes)},
    {"retained messages/bytes", FIGURE(retained_bytes)},
    {"retained messages/count", FIGURE(retained_messages)},
    {"shared_subscriptions/count", FIGURE(subscriptions_shared)},
    {"subscriptions/count", FIGURE(subscriptions)},
};
enum { FIGURE_COUNT = sizeof figures / sizeof *figures };

/* Figures of which the increase per minute is shown, averaged over the periods. */
static const struct {
    const char *name;
    size_t offset;
} loads[] = {
    {"bytes/received", FIGURE(bytes_received)},      {"bytes/sent", FIGURE(bytes_sent)},
    {"connections", FIGURE(connects_received)},      {"messages/received", FIGURE(packets_received)},
    {"messages/sent", FIGURE(packets_sent)},         {"publish/dropped", FIGURE(messages_dropped)},
    {"publish/received", FIGURE(messages_received)}, {"publish/sent", FIGURE(messages_sent)},
    {"sockets", FIGURE(connections_total)},
};
enum { LOAD_COUNT = sizeof loads / sizeof *loads };
_Static_assert(sizeof loads / sizeof *loads <= SYSTEM_LOADS, "SYSTEM_LOADS is too small");

static const struct {
    const char *name;
    double seconds;
} periods[SYSTEM_LOAD_PERIODS] = {{"1min", 60}, {"5min", 300}, {"15min", 900}};

/* `statistics`: struct broker_statistics, host_statistics or store_statistics. */
static uint64_t figure_of(const void *statistics, size_t offset)
{
    uint64_t figure;
    memcpy(&figure, (const char *)statistics + offset, sizeof figure);
    return figure;
}

/* Topics that show one figure of the host. */
#define HOST_FIGURE(member) offsetof(struct host_statistics, member)
static const struct {
    const char *name;
    size_t offset;
} host_figures[] = {
    {"handshakes/failed", HOST_FIGURE(handshakes_failed)},
    {"limits/global_max_connections", HOST_FIGURE(all_full)},
    {"limits/max_connection_rate", HOST_FIGURE(addresses_fast)},
    {"limits/max_connections", HOST_FIGURE(listeners_full)},
    {"limits/max_connections_per_address", HOST_FIGURE(addresses_full)},
    {"limits/max_failed_logins", HOST_FIGURE(logins_throttled)},
    {"limits/open_files", HOST_FIGURE(no_descriptor)},
    {"logins/busy", HOST_FIGURE(logins_busy)},
};
enum { HOST_FIGURE_COUNT = sizeof host_figures / sizeof *host_figures };

/* Topics that show one figure of the store, if there is one. */
#define STORE_FIGURE(member) offsetof(struct store_statistics, member)
static const struct {
    const char *name;
    size_t offset;
} store_figures[] = {
    {"store/batches", STORE_FIGURE(batches)},
    {"store/bytes", STORE_FIGURE(bytes)},
    {"store/changes", STORE_FIGURE(changes)},
    {"store/syncs", STORE_FIGURE(syncs)},
};
enum { STORE_FIGURE_COUNT = sizeof store_figures / sizeof *store_figures };

/* FNV-1a: only to see whether our own text has changed; 0 is kept for "never published". */
static uint64_t hash_of(const char *text)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (; *text != '\0'; text++)
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001B3);
    return hash ? hash : 1;
}

/* One update on its way: topics come in the same order every time, so their number identifies them. */
struct update {
    struct system_topics *topics;
    uint64_t now;
    size_t number;
};

static void show(struct update *update, const char *name, const char *value)
{
    assert(update->number < SYSTEM_TOPICS_MAXIMUM);
    uint64_t *published = &update->topics->published[update->number++];
    const uint64_t hash = hash_of(value);
    if (*published == hash)
        return;
    *published = hash;
    char topic[LONGEST_TOPIC];
    const int length = snprintf(topic, sizeof topic, "$SYS/broker/%s", name);
    assert(length > 0 && (size_t)length < sizeof topic);
    struct step step = {
        .kind = STEP_PUBLISH,
        .topic = bytes_of(topic, (size_t)length),
        .bytes = bytes_of_text(value),
    };
    broker_step(update->topics->broker, update->now, &step);
}

static void show_number(struct update *update, const char *name, uint64_t number)
{
    char value[LONGEST_VALUE];
    snprintf(value, sizeof value, "%llu", (unsigned long long)number);
    show(update, name, value);
}

static void show_uptime(struct update *update)
{
    char value[LONGEST_VALUE];
    const uint64_t seconds = (update->now - update->topics->started) / MILLISECONDS;
    snprintf(value, sizeof value, "%llu seconds", (unsigned long long)seconds);
    show(update, "uptime", value);
}

static void show_figures(struct update *update, const struct broker_statistics *statistics)
{
    const uint64_t disconnected = statistics->sessions - statistics->clients;
    for (size_t i = 0; i < FIGURE_COUNT; i++)
        show_number(update, figures[i].name, figure_of(statistics, figures[i].offset));
    show_number(update, "clients/disconnected", disconnected);
    show_number(update, "clients/inactive", disconnected); /* the old name */
}

static void show_host(struct update *update)
{
    for (size_t i = 0; update->topics->host && i < HOST_FIGURE_COUNT; i++)
        show_number(update, host_figures[i].name, figure_of(update->topics->host, host_figures[i].offset));
}

static void show_store(struct update *update)
{
    const struct system_topics *topics = update->topics;
    struct store_statistics statistics;
    if (!topics->store || !topics->store(topics->store_context, &statistics))
        return;
    for (size_t i = 0; i < STORE_FIGURE_COUNT; i++)
        show_number(update, store_figures[i].name, figure_of(&statistics, store_figures[i].offset));
}

/* mallinfo2 knows no maximum, so it is the largest that an update has seen. */
static void show_heap(struct update *update)
{
    const struct mallinfo2 information = mallinfo2();
    const uint64_t current = information.uordblks + information.hblkhd;
    if (current > update->topics->heap_maximum)
        update->topics->heap_maximum = current;
    show_number(update, "heap/current", current);
    show_number(update, "heap/maximum", update->topics->heap_maximum);
}

/* An exponential average, which forgets old increases as a period passes. */
static void average(struct system_topics *topics, const struct broker_statistics *statistics, double elapsed)
{
    if (elapsed <= 0)
        return;
    for (size_t i = 0; i < LOAD_COUNT; i++) {
        const uint64_t increase =
            figure_of(statistics, loads[i].offset) - figure_of(&topics->previous, loads[i].offset);
        const double per_minute = (double)increase * 60 / elapsed;
        for (size_t period = 0; period < SYSTEM_LOAD_PERIODS; period++) {
            double *load = &topics->load[i][period];
            *load = per_minute + exp(-elapsed / periods[period].seconds) * (*load - per_minute);
        }
    }
}

static void show_loads(struct update *update)
{
    for (size_t i = 0; i < LOAD_COUNT; i++) {
        for (size_t period = 0; period < SYSTEM_LOAD_PERIODS; period++) {
            char name[LONGEST_TOPIC];
            char value[LONGEST_VALUE];
            snprintf(name, sizeof name, "load/%s/%s", loads[i].name, periods[period].name);
            snprintf(value, sizeof value, "%.2f", update->topics->load[i][period]);
            show(update, name, value);
        }
    }
}

void system_topics_begin(struct system_topics *topics, struct broker *broker, uint64_t now, uint32_t interval)
{
    *topics = (struct system_topics){
        .broker = broker,
        .started = now,
        .updated = now,
        .interval = (uint64_t)interval * MILLISECONDS,
        .deadline = interval ? now : UINT64_MAX,
        .previous = broker_statistics(broker),
    };
}

void system_topics_show_host(struct system_topics *topics, const struct host_statistics *statistics)
{
    topics->host = statistics;
}

void system_topics_show_store(struct system_topics *topics, system_topics_store *store, void *context)
{
    topics->store = store;
    topics->store_context = context;
}

void system_topics_configure(struct system_topics *topics, uint64_t now, uint32_t interval)
{
    topics->interval = (uint64_t)interval * MILLISECONDS;
    const uint64_t due = topics->updated + topics->interval;
    topics->deadline = interval == 0 ? UINT64_MAX : due > now ? due : now;
}

void system_topics_update(struct system_topics *topics, uint64_t now)
{
    if (now < topics->deadline)
        return;
    struct update update = {.topics = topics, .now = now};
    const struct broker_statistics statistics = broker_statistics(topics->broker);
    average(topics, &statistics, (double)(now - topics->updated) / MILLISECONDS);
    topics->previous = statistics;
    topics->updated = now;
    topics->deadline = now + topics->interval;
    show(&update, "version", "etalon version " ETALON_VERSION);
    show_uptime(&update);
    show_figures(&update, &statistics);
    show_heap(&update);
    show_loads(&update);
    show_host(&update);
    show_store(&update);
}
