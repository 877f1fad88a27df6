/* 4.1.1 Storing Session State. Prefix: storing_ */
#include "4_01_1_storing.h"

#include <assert.h>
#include <stdlib.h>

#include "4_01_1_promises.h"
#include "actions.h"

enum {
    /* what a record takes at most beside what is counted apart */
    LARGEST_FIXED_PART = 80,
    /* the alive record */
    ROOM_FOR_META = 64,
    /* sweeping is not worth while for fewer */
    SWEEP_FROM = 65536,
    /* notes of being alive come so much earlier (ms) than they must, for the time that storing takes */
    ALIVE_MARGIN = 2000,
    /* what may be logged for a store that nobody waits for while it fails (bytes) */
    BEHIND_LIMIT = 64 << 20
};

/* The owners of what is listed */

static struct session *session_of(struct stored *stored)
{
    return LIST_OWNER(stored, struct session, stored);
}

static struct message *message_of(struct stored *stored)
{
    return LIST_OWNER(stored, struct message, stored);
}

static struct delivery *delivery_of(struct stored *stored)
{
    return LIST_OWNER(stored, struct delivery, stored);
}

static struct session_will *will_of(struct stored *stored)
{
    return LIST_OWNER(stored, struct session_will, stored);
}

/* The list of what has changed */

/* Bytes that the change takes at most. Nothing that counts here changes while the owner is listed. */
static size_t size_of(struct stored *stored)
{
    switch ((enum stored_kind)stored->kind) {
    case STORED_SESSION: /* its end takes three changes */
        return 3 * LARGEST_FIXED_PART + session_of(stored)->client_identifier_length +
               (size_t)session_of(stored)->user_name_length;
    case STORED_MESSAGE: {
        const struct message *message = message_of(stored);
        return LARGEST_FIXED_PART + message->topic_length + (size_t)message->properties_length +
               message->payload_length;
    }
    case STORED_DELIVERY:
        return LARGEST_FIXED_PART + delivery_of(stored)->identifier_count * sizeof(uint32_t);
    case STORED_WILL:
    case STORED_KINDS:
        break;
    }
    return LARGEST_FIXED_PART;
}

static void append(struct storing *storing, struct stored *stored)
{
    stored->next = NULL;
    if (storing->last)
        storing->last->next = stored;
    else
        storing->first = stored;
    storing->last = stored;
    storing->listed++;
    storing->size += size_of(stored);
}

/* It's to be looked at when the batch is collected. A message stays in memory until then; all else is kept by
 * the functions that free it. */
static void changed(struct broker *broker, struct stored *stored)
{
    broker->storing.packet_changed = true;
    if (stored->listed)
        return;
    stored->listed = true;
    if (stored->kind == STORED_MESSAGE)
        message_share(message_of(stored));
    append(&broker->storing, stored);
}

void storing_restored(struct broker *broker, struct stored *stored)
{
    changed(broker, stored);
}

/* The owner has done away with it and nobody will look at it any more: frees the memory. */
static void dispose(struct stored *stored)
{
    switch ((enum stored_kind)stored->kind) {
    case STORED_SESSION:
        free(session_of(stored));
        break;
    case STORED_MESSAGE:
        message_release(message_of(stored));
        break;
    case STORED_DELIVERY:
        free(delivery_of(stored));
        break;
    case STORED_WILL:
        free(will_of(stored));
        break;
    case STORED_KINDS:
        break;
    }
}

/* The memory of what its owner does away with: freed now, unless its end is still to be noted. */
static void retire(struct broker *broker, struct stored *stored)
{
    if (stored->number != 0 && broker->storing.enabled) {
        stored->gone = true;
        if (stored->on_disk)
            changed(broker, stored);
    }
    if (!stored->listed)
        dispose(stored);
}

/* Whether the record should be in the store. */
static bool wanted(const struct stored *stored)
{
    return stored->kind == STORED_MESSAGE ? stored->holders > 0 : !stored->gone;
}

/* What logs of its own in the batch keeps a session from vanishing without a trace. */
static bool leaves_traces(struct stored *stored)
{
    return stored->on_disk || (stored->kind == STORED_SESSION && session_of(stored)->logged);
}

static void unlist(struct stored *stored)
{
    stored->listed = false;
    if (stored->gone || stored->kind == STORED_MESSAGE)
        dispose(stored);
}

void storing_sweep(struct broker *broker)
{
    struct storing *storing = &broker->storing;
    if (storing->listed < storing->sweep_at || storing->listed < SWEEP_FROM)
        return;
    struct stored *next = storing->first;
    storing->first = storing->last = NULL;
    storing->listed = storing->size = 0;
    while (next) {
        struct stored *stored = next;
        next = stored->next;
        if (wanted(stored) || leaves_traces(stored))
            append(storing, stored);
        else
            unlist(stored);
    }
    storing->sweep_at = storing->listed * 2;
}

void storing_end(struct broker *broker)
{
    struct storing *storing = &broker->storing;
    struct stored *next = storing->first;
    storing->enabled = false;
    while (next) {
        struct stored *stored = next;
        next = stored->next;
        unlist(stored);
    }
    changes_free(&storing->log);
    storing->first = storing->last = NULL;
    storing->listed = 0;
}

bool storing_in_trouble(const struct broker *broker)
{
    const struct storing *storing = &broker->storing;
    return storing->trouble || (storing->failing && storing->log.length > BEHIND_LIMIT);
}

/* What the session's own answers rest on has changed. */
static void session_changed(struct broker *broker, struct session *session)
{
    session->changed_in = broker->storing.batch;
    broker->storing.packet_changed = true;
}

/* Sessions */

static void note_alive(struct broker *broker)
{
    broker->storing.alive_due = true;
    timer_heap_set(&broker->timers, &broker->storing.alive, broker->now + STORING_ALIVE_TIME - ALIVE_MARGIN);
}

void storing_alive_expired(struct broker *broker)
{
    if (broker->storing.connected > 0)
        note_alive(broker);
}

void storing_attached(struct broker *broker, struct session *session)
{
    struct storing *storing = &broker->storing;
    if (!storing->enabled)
        return;
    if (session->expiry_interval > 0) /* one that was durable stays it, so that its records are found again */
        session->durable = true;
    if (session->stored.number == 0)
        session->stored = (struct stored){.kind = STORED_SESSION, .number = ++storing->last_session};
    if (!session->durable)
        return;
    if (storing->connected++ == 0)
        note_alive(broker);
    if (session->stored.listed) /* it may have got its user since */
        storing->size += session->user_name_length;
    changed(broker, &session->stored);
    session_changed(broker, session);
}

void storing_detached(struct broker *broker, struct session *session)
{
    if (!session->durable || !broker->storing.enabled)
        return;
    broker->storing.connected--;
    changed(broker, &session->stored);
    session_changed(broker, session);
}

void storing_free_session(struct broker *broker, struct session *session)
{
    if (!session->durable) {
        free(session);
        return;
    }
    if (broker->storing.enabled)
        broker->storing.session_ended_in = broker->storing.batch;
    if (session->logged && broker->storing.enabled) /* what was logged is to be deleted */
        changed(broker, &session->stored);
    retire(broker, &session->stored);
}

/* Wills */

void storing_will(struct broker *broker, struct session *session)
{
    struct session_will *will = session->will;
    if (!broker->storing.enabled || !will)
        return;
    if (will->stored.number == 0) {
        will->stored = (struct stored){.kind = STORED_WILL, .number = session->stored.number};
        storing_hold(broker, will->message);
    }
    changed(broker, &will->stored);
}

void storing_free_will(struct broker *broker, struct session_will *will)
{
    will->stored.kind = STORED_WILL;
    retire(broker, &will->stored);
}

/* Messages */

void storing_hold(struct broker *broker, struct message *message)
{
    struct storing *storing = &broker->storing;
    if (!storing->enabled)
        return;
    if (message->stored.number == 0) {
        message->stored.kind = STORED_MESSAGE;
        message->stored.number = ++storing->last_message;
    }
    if (message->stored.holders++ == 0)
        changed(broker, &message->stored);
}

void storing_unhold(struct broker *broker, struct message *message)
{
    if (!broker->storing.enabled)
        return;
    assert(message->stored.holders > 0);
    if (--message->stored.holders == 0 && message->stored.on_disk)
        changed(broker, &message->stored);
    broker->storing.packet_changed = true;
}

void storing_message_changed(struct broker *broker, struct message *message)
{
    if (broker->storing.enabled && message->stored.holders > 0)
        changed(broker, &message->stored);
}

/* The broker's own topics are published anew at every start. */
static bool own_topic(const struct message *message)
{
    return message->topic_length > 0 && message->bytes[0] == '$';
}

void storing_retained(struct broker *broker, struct message *message)
{
    if (!broker->storing.enabled || own_topic(message))
        return;
    message->retained = true;
    storing_hold(broker, message);
    changed(broker, &message->stored);
}

void storing_unretained(struct broker *broker, struct message *message)
{
    if (!broker->storing.enabled || !message->retained)
        return;
    message->retained = false;
    broker->storing.retained_ended_in = broker->storing.batch;
    storing_unhold(broker, message);
    if (message->stored.holders > 0)
        changed(broker, &message->stored);
}

/* Deliveries */

static void delivery_changed(struct broker *broker, struct delivery *delivery)
{
    changed(broker, &delivery->stored);
    if (delivery->qos == 2) /* its Packet Identifier must not be forgotten; that of QoS 1 may */
        session_changed(broker, delivery->session);
}

void storing_delivery(struct broker *broker, struct session *session, struct delivery *delivery)
{
    if (!broker->storing.enabled || !session->durable || delivery->qos == 0)
        return;
    delivery->session = session;
    delivery->stored = (struct stored){.kind = STORED_DELIVERY, .number = ++broker->storing.last_delivery};
    storing_hold(broker, delivery->message);
    delivery_changed(broker, delivery);
}

void storing_delivery_changed(struct broker *broker, struct delivery *delivery)
{
    if (broker->storing.enabled && delivery->stored.number != 0)
        delivery_changed(broker, delivery);
}

void storing_free_delivery(struct broker *broker, struct delivery *delivery)
{
    delivery->stored.kind = STORED_DELIVERY;
    if (broker->storing.enabled && delivery->stored.number != 0 && delivery->qos == 2)
        session_changed(broker, delivery->session);
    retire(broker, &delivery->stored);
}

/* What is logged at once */

static bool logs(const struct broker *broker, const struct session *session)
{
    return broker->storing.enabled && session->durable;
}

static void logged(struct broker *broker, struct session *session)
{
    session->logged = true;
    session_changed(broker, session);
}

static struct record received_record(const struct session *session, uint16_t packet_identifier)
{
    return (struct record){
        .table = TABLE_RECEIVED,
        .received = {.session = session->stored.number, .packet_identifier = packet_identifier}};
}

bool storing_received(struct broker *broker, struct session *session, uint16_t packet_identifier)
{
    if (!logs(broker, session))
        return true;
    const struct record record = received_record(session, packet_identifier);
    if (!record_put(&broker->storing.log, &record))
        return false;
    logged(broker, session);
    return true;
}

bool storing_released(struct broker *broker, struct session *session, uint16_t packet_identifier)
{
    if (!logs(broker, session))
        return true;
    const struct record record = received_record(session, packet_identifier);
    if (!record_delete(&broker->storing.log, &record))
        return false;
    logged(broker, session);
    return true;
}

bool storing_reserve_subscription(struct broker *broker, const struct session *session, struct bytes filter)
{
    return !logs(broker, session) ||
           changes_reserve(&broker->storing.log, LARGEST_FIXED_PART + filter.length);
}

static struct record subscription_record(const struct session *session, struct bytes filter,
                                         const struct subscription_options *options, uint64_t group)
{
    return (struct record){.table = TABLE_SUBSCRIPTIONS,
                           .subscription = {.session = session->stored.number,
                                            .group = group,
                                            .identifier = options->identifier,
                                            .qos = options->qos,
                                            .retain_handling = options->retain_handling,
                                            .no_local = options->no_local,
                                            .retain_as_published = options->retain_as_published,
                                            .topic_filter = filter}};
}

void storing_subscribed(struct broker *broker, struct session *session, struct bytes filter,
                        const struct subscription_options *options, uint64_t group)
{
    if (!logs(broker, session))
        return;
    const struct record record = subscription_record(session, filter, options, group);
    const bool done = record_put(&broker->storing.log, &record);
    assert(done); /* room was made */
    logged(broker, session);
}

void storing_unsubscribed(struct broker *broker, struct session *session, struct bytes filter)
{
    if (!logs(broker, session))
        return;
    const struct subscription_options options = {.identifier = 0};
    const struct record record = subscription_record(session, filter, &options, 0);
    const bool done = record_delete(&broker->storing.log, &record);
    assert(done);
    logged(broker, session);
}

/* Which session, or topic, it was is not noted, so an answer may wait without need; that's rare enough. */
static void rests_on(struct storing *storing, uint64_t batch)
{
    if (batch > storing->stored)
        storing->packet_changed = true;
}

/* In trouble, this would refuse everybody who needs no store, because of some session that has ended. */
void storing_no_session(struct broker *broker)
{
    if (!broker->storing.trouble)
        rests_on(&broker->storing, broker->storing.session_ended_in);
}

void storing_no_retained(struct broker *broker)
{
    rests_on(&broker->storing, broker->storing.retained_ended_in);
}

/* Collecting */

/* One batch being made. */
struct collection {
    struct changes *changes;
    uint64_t now;  /* ms, the broker's clock */
    uint64_t wall; /* the same moment */
};

static uint64_t moment_of(const struct collection *collection, uint64_t deadline)
{
    if (deadline == EXPIRES_NEVER)
        return MOMENT_NEVER;
    if (deadline >= collection->now)
        return collection->wall + (deadline - collection->now);
    const uint64_t ago = collection->now - deadline;
    return collection->wall > ago ? collection->wall - ago : 0;
}

static struct record record_of_session(const struct collection *collection, struct stored *stored)
{
    const struct session *session = session_of(stored);
    const bool connected = session->connection != NULL;
    return (struct record){
        .table = TABLE_SESSIONS,
        .session = {.session = stored->number,
                    .expires_at = connected ? MOMENT_NEVER : moment_of(collection, session->expires_at),
                    .expiry_interval = session->expiry_interval,
                    .connected = connected,
                    .has_user_name = session->user_name != NULL,
                    .user_name = session_user_name(session),
                    .client_identifier = session_client_identifier(session)}};
}

static struct record record_of_message(const struct collection *collection, struct stored *stored)
{
    const struct message *message = message_of(stored);
    return (struct record){.table = TABLE_MESSAGES,
                           .message = {.message = stored->number,
                                       .expires_at = moment_of(collection, message->expires_at),
                                       .qos = message->qos,
                                       .retained = message->retained,
                                       .topic = message_topic(message),
                                       .properties = message_properties(message),
                                       .payload = message_payload(message)}};
}

static struct record record_of_delivery(const struct collection *collection, struct stored *stored)
{
    const struct delivery *delivery = delivery_of(stored);
    (void)collection;
    return (struct record){.table = TABLE_DELIVERIES,
                           .delivery = {.delivery = stored->number,
                                        .session = delivery->session->stored.number,
                                        .message = delivery->message ? delivery->message->stored.number : 0,
                                        .group = delivery->group,
                                        .packet_identifier = delivery->packet_identifier,
                                        .qos = delivery->qos,
                                        .state = delivery->state,
                                        .retain = delivery->retain,
                                        .sent = delivery->sent,
                                        .identifier_count = delivery->identifier_count,
                                        .native_identifiers = delivery->identifiers}};
}

static struct record record_of_will(const struct collection *collection, struct stored *stored)
{
    const struct session_will *will = will_of(stored);
    return (struct record){.table = TABLE_WILLS,
                           .will = {.session = stored->number,
                                    .message = will->message->stored.number,
                                    .due = moment_of(collection, will->due),
                                    .delay = will->delay,
                                    .expiry_interval = will->expiry_interval,
                                    .qos = will->qos,
                                    .retain = will->retain}};
}

static const struct {
    enum record_table table;
    struct record (*record)(const struct collection *collection, struct stored *stored);
} kinds[STORED_KINDS] = {
    [STORED_SESSION] = {TABLE_SESSIONS, record_of_session},
    [STORED_MESSAGE] = {TABLE_MESSAGES, record_of_message},
    [STORED_DELIVERY] = {TABLE_DELIVERIES, record_of_delivery},
    [STORED_WILL] = {TABLE_WILLS, record_of_will},
};

static struct record key_of(const struct stored *stored)
{
    struct record record = {.table = kinds[stored->kind].table};
    switch ((enum stored_kind)stored->kind) {
    case STORED_SESSION:
        record.session.session = stored->number;
        break;
    case STORED_MESSAGE:
        record.message.message = stored->number;
        break;
    case STORED_DELIVERY:
        record.delivery.delivery = stored->number;
        break;
    case STORED_WILL:
        record.will.session = stored->number;
        break;
    case STORED_KINDS:
        break;
    }
    return record;
}

static bool collect_end(const struct collection *collection, struct stored *stored)
{
    bool done = true;
    if (stored->on_disk) {
        const struct record record = key_of(stored);
        done = record_delete(collection->changes, &record);
    }
    if (stored->kind == STORED_SESSION && session_of(stored)->logged)
        done = done && record_delete_all(collection->changes, TABLE_SUBSCRIPTIONS, stored->number) &&
               record_delete_all(collection->changes, TABLE_RECEIVED, stored->number);
    stored->on_disk = false;
    return done;
}

static bool collect_one(const struct collection *collection, struct stored *stored)
{
    if (!wanted(stored))
        return collect_end(collection, stored);
    stored->on_disk = true;
    const struct record record = kinds[stored->kind].record(collection, stored);
    return record_put(collection->changes, &record);
}

static void collect_list(struct storing *storing, const struct collection *collection)
{
    struct stored *next = storing->first;
    while (next) {
        struct stored *stored = next;
        next = stored->next;
        const bool done = collect_one(collection, stored);
        assert(done); /* room was made for all */
        unlist(stored);
    }
    storing->first = storing->last = NULL;
    storing->listed = storing->size = 0;
    storing->sweep_at = 0;
}

static void collect_alive(struct storing *storing, const struct collection *collection)
{
    if (!storing->alive_due)
        return;
    const struct record record = {.table = TABLE_META,
                                  .meta = {.meta = META_ALIVE, .number = collection->wall}};
    const bool done = record_put(collection->changes, &record);
    assert(done);
    storing->alive_due = false;
}

static void swap(struct changes *a, struct changes *b)
{
    const struct changes kept = *a;
    *a = *b;
    *b = kept;
}

bool broker_wants_collect(const struct broker *broker)
{
    const struct storing *storing = &broker->storing;
    return storing->enabled && storing->stored + 1 == storing->batch &&
           (storing->first || storing->log.count > 0 || storing->alive_due || !list_empty(&storing->held));
}

enum collected broker_collect(struct broker *broker, uint64_t now, struct changes *changes)
{
    struct storing *storing = &broker->storing;
    if (!storing->enabled)
        return COLLECTED_NOTHING;
    assert(storing->stored + 1 == storing->batch && changes->count == 0 && now >= broker->now);
    swap(changes, &storing->log);
    if (!changes_reserve(changes, storing->size + ROOM_FOR_META)) {
        swap(changes, &storing->log);
        return COLLECTED_LATER;
    }
    const struct collection collection = {
        .changes = changes, .now = now, .wall = broker->environment.wall_clock(broker->environment.context)};
    collect_list(storing, &collection);
    collect_alive(storing, &collection);
    const uint64_t batch = storing->batch++;
    if (changes->count > 0) {
        storing->way_changes = changes->count;
        return COLLECTED_CHANGES;
    }
    storing->stored = batch;
    promises_keep(broker, batch);
    return COLLECTED_NOTHING;
}

void storing_done(struct broker *broker)
{
    struct storing *storing = &broker->storing;
    assert(storing->stored + 2 == storing->batch);
    storing->stored++;
    broker->statistics.batches_stored++;
    broker->statistics.changes_stored += storing->way_changes;
    if (storing->failing)
        broker_log(broker, LOG_NOTICE, NULL, "the store takes changes again", NULL);
    storing->trouble = storing->failing = false;
    promises_keep(broker, storing->stored);
}

void storing_trouble(struct broker *broker, const char *why)
{
    struct storing *storing = &broker->storing;
    assert(storing->stored + 2 == storing->batch);
    if (!storing->failing)
        broker_log(broker, LOG_ERROR, NULL, why ? why : "the store takes no changes", NULL);
    storing->failing = true;
    storing->trouble = storing->promised;
    if (storing->promised)
        promises_break(broker);
}
