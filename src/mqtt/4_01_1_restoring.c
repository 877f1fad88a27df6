/* 4.1.1: reading back what was stored. Prefix: restoring_
 *
 * Records come in the order of their tables, so what one refers to is there. Moments stay as they are until all
 * has been read; broker_restored turns them into deadlines of the broker's clock. */
#include "4_01_1_restoring.h"

#include <stdlib.h>

#include "4_06_message_ordering.h"
#include "actions.h"

static const char no_memory[] = "there is not enough memory to load it";

/* The Will of a session that ended with its connection: all that is left of it. */
struct orphan {
    struct orphan *next;
    struct session_will *will;
};

struct restoring {
    struct hash_map sessions; /* by number */
    struct hash_map messages; /* by number; each holds a reference */
    struct orphan *orphans;
    uint64_t ended; /* the moment at which the broker before us is taken to have ended */
};

/* Numbers come one after the other; that is what the table likes least. */
static uint64_t spread(uint64_t number)
{
    number ^= number >> 33;
    number *= UINT64_C(0xFF51AFD7ED558CCD);
    return number ^ number >> 33;
}

static bool session_has_number(const void *item, const void *key)
{
    return ((const struct session *)item)->stored.number == *(const uint64_t *)key;
}

static bool message_has_number(const void *item, const void *key)
{
    return ((const struct message *)item)->stored.number == *(const uint64_t *)key;
}

static struct session *find_session(const struct broker *broker, uint64_t number)
{
    return hash_map_find(&broker->storing.restoring->sessions, spread(number), session_has_number, &number);
}

static struct message *find_message(const struct broker *broker, uint64_t number)
{
    return hash_map_find(&broker->storing.restoring->messages, spread(number), message_has_number, &number);
}

static void raise(uint64_t *last, uint64_t number)
{
    if (*last < number)
        *last = number;
}

static bool release_one(void *context, void *item)
{
    (void)context;
    message_release(item);
    return true;
}

void restoring_free(struct restoring *restoring)
{
    if (!restoring)
        return;
    while (restoring->orphans) {
        struct orphan *orphan = restoring->orphans;
        restoring->orphans = orphan->next;
        message_release(orphan->will->message);
        free(orphan->will);
        free(orphan);
    }
    hash_map_each(&restoring->messages, release_one, NULL);
    hash_map_clear(&restoring->messages);
    hash_map_clear(&restoring->sessions);
    free(restoring);
}

/* When a client that was connected lost its connection: not before this, and hardly later. */
static uint64_t end_of(uint64_t ended, uint32_t seconds)
{
    return seconds == UINT32_MAX ? MOMENT_NEVER : ended + (uint64_t)seconds * 1000;
}

/* One function for each table; each returns NULL or what is wrong. */

static const char *restore_meta(struct broker *broker, const struct record *record)
{
    struct restoring *restoring = broker->storing.restoring;
    const uint64_t wall = broker->environment.wall_clock(broker->environment.context);
    if (record->meta.meta == META_FORMAT && record->meta.number != RECORD_FORMAT)
        return "the records are of a format that this version does not know";
    if (record->meta.meta == META_ALIVE && record->meta.number + STORING_ALIVE_TIME < wall)
        restoring->ended = record->meta.number + STORING_ALIVE_TIME;
    return NULL;
}

static const char *restore_session(struct broker *broker, const struct record *record)
{
    const struct record_session *stored = &record->session;
    struct restoring *restoring = broker->storing.restoring;
    if (session_find(broker, stored->client_identifier))
        return "two sessions have this Client Identifier";
    struct session *session = session_create(broker, stored->client_identifier);
    if (!session || !hash_map_insert(&restoring->sessions, spread(stored->session), session))
        return no_memory;
    session->stored = (struct stored){.kind = STORED_SESSION, .number = stored->session, .on_disk = true};
    if (!session_belongs_to(session, stored->has_user_name ? &stored->user_name : NULL))
        return no_memory;
    session->durable = true;
    session->expiry_interval = stored->expiry_interval;
    session->expires_at = stored->connected ? end_of(restoring->ended, stored->expiry_interval) /* 4.1 */
                                            : stored->expires_at;
    raise(&broker->storing.last_session, stored->session);
    if (stored->connected)
        storing_restored(broker, &session->stored);
    return NULL;
}

static const char *restore_subscription(struct broker *broker, const struct record *record)
{
    const struct record_subscription *stored = &record->subscription;
    struct session *session = find_session(broker, stored->session);
    if (!session)
        return "it belongs to a session that is not there";
    const struct subscription_options options = {.identifier = stored->identifier,
                                                 .qos = stored->qos,
                                                 .no_local = stored->no_local,
                                                 .retain_as_published = stored->retain_as_published,
                                                 .retain_handling = stored->retain_handling};
    if (subscriptions_put(broker->subscriptions, &session->subscriber, stored->topic_filter,
                          stored->group != 0, &options) == SUBSCRIPTION_NO_MEMORY)
        return no_memory;
    if (stored->group != 0)
        subscriptions_set_group(broker->subscriptions, stored->topic_filter, stored->group);
    session->logged = true;
    return NULL;
}

static const char *restore_retained(struct broker *broker, struct message *message)
{
    struct message *previous = NULL;
    if (!retained_put(broker->retained, message_topic(message), message_share(message), &previous)) {
        message_release(message);
        return no_memory;
    }
    message->retained = true;
    message->stored.holders++;
    broker->retained_bytes += limits_retained_size(message);
    if (!previous)
        return NULL;
    message_release(previous);
    return "two retained messages have this topic";
}

static const char *restore_message(struct broker *broker, const struct record *record)
{
    const struct record_message *stored = &record->message;
    struct message *message =
        message_create(stored->topic, stored->properties, stored->payload, stored->qos, stored->expires_at);
    if (!message)
        return no_memory;
    message->stored = (struct stored){.kind = STORED_MESSAGE, .number = stored->message, .on_disk = true};
    if (!hash_map_insert(&broker->storing.restoring->messages, spread(stored->message), message)) {
        message_release(message);
        return no_memory;
    }
    raise(&broker->storing.last_message, stored->message);
    return stored->retained ? restore_retained(broker, message) : NULL;
}

/* A delivery like the stored one, not yet anybody's. NULL: no memory. */
static struct delivery *make_delivery(struct broker *broker, const struct record_delivery *stored,
                                      struct message *message)
{
    struct delivery *delivery =
        delivery_create(broker, message, stored->qos, stored->retain, NULL, stored->identifier_count);
    if (!delivery)
        return NULL;
    for (uint16_t i = 0; i < stored->identifier_count; i++)
        delivery->identifiers[i] = record_identifier(stored, i);
    delivery->stored = (struct stored){.kind = STORED_DELIVERY, .number = stored->delivery, .on_disk = true};
    delivery->group = stored->group;
    delivery->packet_identifier = stored->packet_identifier;
    delivery->state = stored->state;
    delivery->sent = stored->sent;
    return delivery;
}

/* Deliveries come in the order in which they were made: first what is in flight, then what waits (4.6). */
static const char *place(struct session *session, struct delivery *delivery)
{
    if (delivery->packet_identifier == 0)
        return ordering_restore(session, delivery) ? NULL : no_memory;
    if (inflight_find(session, delivery->packet_identifier))
        return "its Packet Identifier is in use";
    return inflight_restore(session, delivery) ? NULL : no_memory;
}

static const char *restore_delivery(struct broker *broker, const struct record *record)
{
    const struct record_delivery *stored = &record->delivery;
    struct session *session = find_session(broker, stored->session);
    struct message *message = stored->message ? find_message(broker, stored->message) : NULL;
    if (!session)
        return "it belongs to a session that is not there";
    if (stored->message && !message)
        return "its message is not there";
    struct delivery *delivery = make_delivery(broker, stored, message);
    if (!delivery)
        return no_memory;
    delivery->session = session;
    const char *wrong = place(session, delivery);
    if (wrong) {
        delivery->stored = (struct stored){.number = 0}; /* so that its end is not noted */
        delivery_destroy(broker, delivery);
        return wrong;
    }
    if (message)
        message->stored.holders++;
    subscriptions_skip_groups(broker->subscriptions, stored->group);
    raise(&broker->storing.last_delivery, stored->delivery);
    return NULL;
}

static const char *restore_received(struct broker *broker, const struct record *record)
{
    struct session *session = find_session(broker, record->received.session);
    if (!session)
        return "it belongs to a session that is not there";
    struct flows *flows = session_change_flows(session);
    if (!flows || !identifier_set_add(&flows->received, record->received.packet_identifier))
        return no_memory;
    session->logged = true;
    return NULL;
}

static struct session_will *make_will(const struct record_will *stored, struct message *message,
                                      uint64_t ended)
{
    struct session_will *will = calloc(1, sizeof *will);
    if (!will)
        return NULL;
    *will =
        (struct session_will){.stored = {.kind = STORED_WILL, .number = stored->session, .on_disk = true},
                              .message = message_share(message),
                              .due = stored->due == MOMENT_NEVER ? end_of(ended, stored->delay) : stored->due,
                              .delay = stored->delay,
                              .expiry_interval = stored->expiry_interval,
                              .qos = stored->qos,
                              .retain = stored->retain};
    message->stored.holders++;
    return will;
}

static bool keep_orphan(struct restoring *restoring, struct session_will *will)
{
    struct orphan *orphan = malloc(sizeof *orphan);
    if (!orphan)
        return false;
    *orphan = (struct orphan){.next = restoring->orphans, .will = will};
    restoring->orphans = orphan;
    return true;
}

static const char *restore_will(struct broker *broker, const struct record *record)
{
    struct restoring *restoring = broker->storing.restoring;
    struct session *session = find_session(broker, record->will.session);
    struct message *message = find_message(broker, record->will.message);
    if (!message)
        return "its message is not there";
    struct session_will *will = make_will(&record->will, message, restoring->ended);
    if (!will)
        return no_memory;
    if (session) {
        session->will = will;
        if (record->will.due == MOMENT_NEVER)
            storing_restored(broker, &will->stored);
    } else if (!keep_orphan(restoring, will)) {
        message_release(message);
        free(will);
        return no_memory;
    }
    /* a session that is not durable leaves nothing but this behind, and its number must not be given again */
    raise(&broker->storing.last_session, record->will.session);
    return NULL;
}

static const char *begin(struct broker *broker)
{
    if (broker->storing.restoring)
        return NULL;
    broker->storing.restoring = calloc(1, sizeof *broker->storing.restoring);
    if (!broker->storing.restoring)
        return no_memory;
    broker->storing.restoring->ended = broker->environment.wall_clock(broker->environment.context);
    return NULL;
}

const char *broker_restore(struct broker *broker, uint8_t table, struct bytes key, struct bytes value)
{
    static const char *(*const restore[TABLE_COUNT])(struct broker *, const struct record *) = {
        [TABLE_META] = restore_meta,
        [TABLE_SESSIONS] = restore_session,
        [TABLE_SUBSCRIPTIONS] = restore_subscription,
        [TABLE_MESSAGES] = restore_message,
        [TABLE_DELIVERIES] = restore_delivery,
        [TABLE_RECEIVED] = restore_received,
        [TABLE_WILLS] = restore_will,
    };
    struct record record;
    if (table >= TABLE_COUNT)
        return "there is no such table";
    const char *wrong = begin(broker);
    if (!wrong)
        wrong = record_read((enum record_table)table, key, value, &record);
    return wrong ? wrong : restore[table](broker, &record);
}

/* All is read: moments become deadlines */

struct settling {
    struct broker *broker;
    uint64_t wall; /* the moment that is `broker->now` */
    const char *wrong;
};

static uint64_t deadline_of(const struct settling *settling, uint64_t moment)
{
    if (moment == MOMENT_NEVER)
        return EXPIRES_NEVER;
    const uint64_t now = settling->broker->now;
    return moment > settling->wall ? now + (moment - settling->wall) : now;
}

/* What nobody refers to is left over from a message that went while it was not stored as such: it goes. */
static bool settle_message(void *context, void *item)
{
    struct settling *settling = context;
    struct message *message = item;
    message->expires_at = deadline_of(settling, message->expires_at);
    if (message->stored.holders == 0)
        storing_restored(settling->broker, &message->stored);
    if (message->retained && message->expires_at != EXPIRES_NEVER &&
        !retained_arm_expiry(settling->broker, message))
        settling->wrong = no_memory;
    return true;
}

static bool settle_session(void *context, void *item)
{
    struct settling *settling = context;
    struct session *session = item;
    session->expires_at = deadline_of(settling, session->expires_at);
    if (session->will)
        session->will->due = deadline_of(settling, session->will->due);
    session_arm_timer(settling->broker, session);
    return true;
}

/* [MQTT-3.1.2-8] late, as 3.1.2.5 allows after a failure of the Server */
static void publish_orphans(struct broker *broker, struct restoring *restoring)
{
    while (restoring->orphans) {
        struct orphan *orphan = restoring->orphans;
        restoring->orphans = orphan->next;
        will_publish_late(broker, orphan->will, NULL);
        free(orphan);
    }
}

const char *broker_restored(struct broker *broker, uint64_t now)
{
    if (broker->environment.storage == STORAGE_NONE)
        return NULL;
    const char *wrong = begin(broker);
    if (wrong)
        return wrong;
    struct restoring *restoring = broker->storing.restoring;
    broker->now = now;
    struct settling settling = {.broker = broker,
                                .wall = broker->environment.wall_clock(broker->environment.context)};
    if (!broker_reserve_timers(broker))
        return no_memory;
    broker->storing.enabled = true;
    hash_map_each(&restoring->messages, settle_message, &settling);
    hash_map_each(&restoring->sessions, settle_session, &settling);
    publish_orphans(broker, restoring);
    limits_restored(broker);
    broker->storing.restoring = NULL;
    restoring_free(restoring);
    return settling.wrong;
}
