/* faults: planted one at a time, to see that a checker notices. Prefix: fault_ */
#include <string.h>

#include "simulation.h"

struct fault {
    const char *name;
    bool store;
    const char *checkers[4]; /* those that may notice it first */
};

enum {
    FAULT_RECEIVED_LOST,
    FAULT_DELIVERY_LOST,
    FAULT_DELIVERIES_SWAPPED,
    FAULT_DELIVERY_DOUBLED,
    FAULT_RETAINED_FLAG_LOST,
    FAULT_SESSION_LATE,
    FAULT_SESSION_EARLY,
    FAULT_WILL_LATE,
    FAULT_WILL_LOST,
    FAULT_SUBSCRIPTION_LOST,
    FAULT_SUBSCRIPTION_QOS,
    FAULT_SESSION_LOST,
    FAULT_SENT_LOST,
    FAULT_MESSAGE_LATE,
    FAULT_CHANGE_DROPPED,
    FAULT_DELETE_DROPPED,
    FAULT_COMMIT_DROPPED,
    FAULT_BEHIND,
    FAULT_PUBLISH_SWALLOWED,
    FAULT_DUP_CLEARED,
    FAULT_PRESENT_FLIPPED,
    FAULT_RETAINED_SWALLOWED,
    FAULT_WINDOW_IGNORED,
    FAULT_WILL_IGNORED,
    FAULT_WILL_NOT_DISCARDED,
    FAULT_EXPIRY_IGNORED,
    FAULT_UNSUBSCRIBE_IGNORED,
    FAULT_COUNT
};

static const struct fault faults[] = {
    [FAULT_RECEIVED_LOST] = {"received QoS 2 identifiers forgotten", true, {"exactly-once"}},
    [FAULT_DELIVERY_LOST] = {"a delivery forgotten", true, {"at-least-once"}},
    [FAULT_DELIVERIES_SWAPPED] = {"two queued deliveries change places", true, {"order"}},
    [FAULT_DELIVERY_DOUBLED] = {"a queued delivery doubled", true, {"exactly-once"}},
    [FAULT_RETAINED_FLAG_LOST] = {"a retained message is none any more", true, {"retained"}},
    [FAULT_SESSION_LATE] = {"a session's deadline too late", true, {"deadline"}},
    [FAULT_SESSION_EARLY] = {"a session's deadline too early", true, {"session-present"}},
    [FAULT_WILL_LATE] = {"a Will's deadline too late", true, {"deadline"}},
    [FAULT_WILL_LOST] = {"a Will lost", true, {"will"}},
    [FAULT_SUBSCRIPTION_LOST] = {"a subscription lost", true, {"at-least-once"}},
    [FAULT_SUBSCRIPTION_QOS] = {"a subscription's QoS changed", true, {"subscription"}},
    [FAULT_SESSION_LOST] = {"a session's record lost", true, {"session-present"}},
    [FAULT_SENT_LOST] = {"forgotten that a message was sent before", true, {"dup"}},
    [FAULT_MESSAGE_LATE] = {"a message's deadline wrong", true, {"message-expiry"}},
    [FAULT_CHANGE_DROPPED] = {"a put not committed", true, {NULL}},
    [FAULT_DELETE_DROPPED] = {"a deleted record stays", true, {NULL}},
    [FAULT_COMMIT_DROPPED] = {"a whole commit lost", true, {NULL}},
    [FAULT_BEHIND] = {"output does not wait for the commit", true, {"gate"}},
    [FAULT_PUBLISH_SWALLOWED] = {"some messages never leave", false, {"at-least-once"}},
    [FAULT_DUP_CLEARED] = {"DUP flag not set", false, {"dup"}},
    [FAULT_PRESENT_FLIPPED] = {"Session Present wrong", false, {"session-present"}},
    [FAULT_RETAINED_SWALLOWED] = {"some retained messages not sent", false, {"retained"}},
    [FAULT_WINDOW_IGNORED] = {"Receive Maximum ignored", false, {"receive-maximum"}},
    [FAULT_WILL_IGNORED] = {"Wills ignored", false, {"will"}},
    [FAULT_WILL_NOT_DISCARDED] = {"DISCONNECT discards no Will", false, {"will"}},
    [FAULT_EXPIRY_IGNORED] = {"Session Expiry Interval doubled", false, {"deadline"}},
    [FAULT_UNSUBSCRIBE_IGNORED] = {"UNSUBSCRIBE does nothing", false, {"subscription"}},
};
const unsigned fault_count = FAULT_COUNT;

static unsigned kind_of(const struct fault *fault)
{
    return (unsigned)(fault - faults);
}

const char *fault_name(const struct fault *fault)
{
    return fault->name;
}

bool fault_needs_store(const struct fault *fault)
{
    return fault->store;
}

bool fault_expects(const struct fault *fault, const char *checker)
{
    for (unsigned i = 0; i < 4 && fault->checkers[i]; i++)
        if (strcmp(fault->checkers[i], checker) == 0)
            return true;
    return !fault->checkers[0]; /* anything may be the consequence */
}

bool fault_of_gate(const struct fault *fault)
{
    return kind_of(fault) == FAULT_BEHIND;
}

enum storage fault_storage(const struct fault *fault, enum storage storage)
{
    return fault && kind_of(fault) == FAULT_BEHIND ? STORAGE_BEHIND : storage;
}

/* What is damaged while no broker runs. Each takes a record and says whether it was one for it; the
 * changes that
 * do the damage are appended. */

typedef bool damage(struct world *world, struct changes *changes, struct record *record);

static bool put_again(struct changes *changes, const struct record *record)
{
    return record_put(changes, record);
}

static bool damage_delete(struct world *world, struct changes *changes, struct record *record)
{
    (void)world;
    return record_delete(changes, record);
}

static bool damage_double(struct world *world, struct changes *changes, struct record *record)
{
    (void)world;
    if (record->delivery.packet_identifier != 0)
        return false;
    record->delivery.delivery += 1U << 20;
    return put_again(changes, record);
}

static bool damage_retained(struct world *world, struct changes *changes, struct record *record)
{
    (void)world;
    if (!record->message.retained)
        return false;
    record->message.retained = false;
    return put_again(changes, record);
}

static bool damage_session_deadline(struct world *world, struct changes *changes, struct record *record)
{
    const bool late = kind_of(world->fault) == FAULT_SESSION_LATE;
    if (record->session.connected || record->session.expires_at == MOMENT_NEVER ||
        record->session.expires_at <= world->wall + world_ms(world) + 100)
        return false;
    record->session.expires_at = late ? record->session.expires_at + 100000 : world->wall + world_ms(world);
    return put_again(changes, record);
}

static bool damage_will_deadline(struct world *world, struct changes *changes, struct record *record)
{
    (void)world;
    if (record->will.due == MOMENT_NEVER)
        return false;
    record->will.due += 100000;
    return put_again(changes, record);
}

static bool damage_qos(struct world *world, struct changes *changes, struct record *record)
{
    (void)world;
    record->subscription.qos = (uint8_t)((record->subscription.qos + 1) % 3);
    return put_again(changes, record);
}

static bool damage_sent(struct world *world, struct changes *changes, struct record *record)
{
    (void)world;
    if (!record->delivery.sent)
        return false;
    record->delivery.sent = false;
    return put_again(changes, record);
}

static bool damage_message_deadline(struct world *world, struct changes *changes, struct record *record)
{
    (void)world;
    if (record->message.expires_at == MOMENT_NEVER)
        return false;
    record->message.expires_at += 30000;
    return put_again(changes, record);
}

static const struct {
    uint8_t table;
    damage *damage;
} damages[FAULT_COUNT] = {
    [FAULT_RECEIVED_LOST] = {TABLE_RECEIVED, damage_delete},
    [FAULT_DELIVERY_LOST] = {TABLE_DELIVERIES, damage_delete},
    [FAULT_DELIVERY_DOUBLED] = {TABLE_DELIVERIES, damage_double},
    [FAULT_RETAINED_FLAG_LOST] = {TABLE_MESSAGES, damage_retained},
    [FAULT_SESSION_LATE] = {TABLE_SESSIONS, damage_session_deadline},
    [FAULT_SESSION_EARLY] = {TABLE_SESSIONS, damage_session_deadline},
    [FAULT_WILL_LATE] = {TABLE_WILLS, damage_will_deadline},
    [FAULT_WILL_LOST] = {TABLE_WILLS, damage_delete},
    [FAULT_SUBSCRIPTION_LOST] = {TABLE_SUBSCRIPTIONS, damage_delete},
    [FAULT_SUBSCRIPTION_QOS] = {TABLE_SUBSCRIPTIONS, damage_qos},
    [FAULT_SESSION_LOST] = {TABLE_SESSIONS, damage_delete},
    [FAULT_SENT_LOST] = {TABLE_DELIVERIES, damage_sent},
    [FAULT_MESSAGE_LATE] = {TABLE_MESSAGES, damage_message_deadline},
};

static bool read_at(const struct world *world, unsigned table, uint32_t at, struct record *record)
{
    const struct store_record *stored = world->store.tables[table].records[at];
    return !record_read((enum record_table)table, store_record_key(stored), store_record_value(stored),
                        record);
}

/* Two deliveries that wait in one queue change their numbers. */
static bool damage_swap(struct world *world, struct changes *changes, uint32_t at)
{
    struct record first, second;
    if (at + 1 >= world->store.tables[TABLE_DELIVERIES].count ||
        !read_at(world, TABLE_DELIVERIES, at, &first) || first.delivery.packet_identifier)
        return false;
    for (uint32_t i = at + 1; i < world->store.tables[TABLE_DELIVERIES].count; i++) {
        if (!read_at(world, TABLE_DELIVERIES, i, &second) ||
            second.delivery.session != first.delivery.session || second.delivery.packet_identifier)
            continue;
        const uint64_t number = first.delivery.delivery;
        first.delivery.delivery = second.delivery.delivery;
        second.delivery.delivery = number;
        return record_put(changes, &first) && record_put(changes, &second);
    }
    return false;
}

static bool damage_at(struct world *world, struct changes *changes, unsigned table, uint32_t at)
{
    struct record record;
    if (kind_of(world->fault) == FAULT_DELIVERIES_SWAPPED)
        return damage_swap(world, changes, at);
    return read_at(world, table, at, &record) &&
           damages[kind_of(world->fault)].damage(world, changes, &record);
}

void fault_damage(struct world *world)
{
    const unsigned kind = kind_of(world->fault);
    const unsigned table = kind == FAULT_DELIVERIES_SWAPPED ? TABLE_DELIVERIES : damages[kind].table;
    const uint32_t count = world->store.tables[table].count;
    struct changes changes = {0};
    if ((!damages[kind].damage && kind != FAULT_DELIVERIES_SWAPPED) || count == 0)
        return;
    const uint32_t from = prng_below(&world->prng, count);
    for (uint32_t i = 0; i < count && changes.count == 0; i++)
        if (damage_at(world, &changes, table, (from + i) % count))
            world_log(world, "======= planted fault: %s", world->fault->name);
    if (changes.count > 0) {
        store_sim_begin(&world->store, &changes);
        store_sim_commit(&world->store);
    }
    changes_free(&changes);
}

/* What is lost on the way to the disk */

bool fault_commit(void *context, const struct change *change, uint64_t index)
{
    struct world *world = context;
    const unsigned kind = kind_of(world->fault);
    if (change->table == TABLE_META)
        return true;
    if (kind == FAULT_CHANGE_DROPPED && change->kind == CHANGE_PUT && index % 23 == 0)
        return false;
    return !(kind == FAULT_DELETE_DROPPED && change->kind != CHANGE_PUT && index % 11 == 0);
}

bool fault_drops_commit(struct world *world)
{
    return kind_of(world->fault) == FAULT_COMMIT_DROPPED && prng_chance(&world->prng, 50);
}

/* What goes wrong between broker and clients */

static size_t body_of(const uint8_t *packet)
{
    size_t at = 1;
    while (packet[at] & 0x80)
        at++;
    return at + 1;
}

bool fault_listen(struct world *world, struct link *link, uint8_t *packet, size_t length)
{
    const unsigned kind = kind_of(world->fault);
    const unsigned type = packet[0] >> 4;
    (void)link;
    if (type == PACKET_CONNACK && kind == FAULT_PRESENT_FLIPPED && packet[body_of(packet) + 1] == 0 &&
        prng_chance(&world->prng, 100))
        packet[body_of(packet)] ^= 1;
    if (type != PACKET_PUBLISH)
        return true;
    if (kind == FAULT_DUP_CLEARED && (packet[0] & 6) == 4)
        packet[0] &= 0xF7;
    /* by its last byte, so that it is lost again when it is repeated */
    if (kind == FAULT_PUBLISH_SWALLOWED && (packet[0] & 6) == 2 && packet[length - 1] == 'k')
        return false;
    return !(kind == FAULT_RETAINED_SWALLOWED && packet[0] & 1 && prng_chance(&world->prng, 100));
}

/* What the broker does not get as the client says it */

void fault_connect(const struct world *world, struct wire_connect *connect)
{
    const unsigned kind = kind_of(world->fault);
    if (kind == FAULT_WINDOW_IGNORED)
        connect->receive_maximum = 0;
    if (kind == FAULT_WILL_IGNORED)
        connect->will_topic = NULL;
    if (kind == FAULT_EXPIRY_IGNORED && connect->expiry < UINT32_MAX / 2)
        connect->expiry *= 2;
}

uint8_t fault_disconnect(const struct world *world, uint8_t code)
{
    return kind_of(world->fault) == FAULT_WILL_NOT_DISCARDED ? 4 : code;
}

bool fault_unsubscribe(const struct world *world)
{
    return kind_of(world->fault) == FAULT_UNSUBSCRIBE_IGNORED;
}

const struct fault *fault_at(unsigned number)
{
    return &faults[number];
}
