/* 4.1.1: what waits for the store. Prefix: promises_ */
#include "4_01_1_promises.h"

#include "4_13_handling_errors.h"
#include "broker_state.h"

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* What gathers for a store that nobody has to wait for: beyond this (bytes) they wait all the same, or a crash would
 * lose more than the last moments. */
#define LAG_LIMIT ((size_t)16 << 20)

/* Whether anybody has to wait for the store now. */
static bool store_is_awaited(const struct broker *broker)
{
    const struct storing *storing = &broker->storing;
    if (storing->promised || !storing->enabled)
        return storing->promised;
    return !storing->failing && storing->size + storing->log.length > LAG_LIMIT;
}

uint64_t promises_of_delivery(const struct broker *broker, const struct session *session)
{
    if (!session || !store_is_awaited(broker))
        return 0;
    return session->changed_in > broker->storing.stored ? session->changed_in : 0;
}

uint64_t promises_of_answer(const struct broker *broker, const struct connection *connection)
{
    const struct storing *storing = &broker->storing;
    if (!store_is_awaited(broker))
        return 0;
    const uint64_t packet = storing->packet_changed ? storing->batch : 0;
    return later(packet, promises_of_delivery(broker, connection->session));
}

bool promises_admit(struct broker *broker, struct connection *connection, uint64_t batch)
{
    if (batch == 0 || !broker->storing.trouble)
        return true;
    errors_disconnect(broker, connection, REASON_QUOTA_EXCEEDED,
                      "the store takes no changes, and the answer may not be given without");
    return false;
}

static struct held_output *held_of(struct connection *connection)
{
    return &connection->held;
}

static void list_held(struct broker *broker, struct connection *connection)
{
    if (held_bytes(held_of(connection)) == 0)
        list_append(&broker->storing.held, &connection->held_node);
}

static void unlist_held(struct broker *broker, struct connection *connection)
{
    if (held_bytes(held_of(connection)) == 0)
        list_remove(&broker->storing.held, &connection->held_node);
}

bool promises_append(struct broker *broker, struct connection *connection, size_t size, uint64_t batch)
{
    struct held_output *held = held_of(connection);
    const uint64_t gathering = broker->storing.batch;
    if (batch == 0 && held_bytes(held) == 0)
        return true;
    /* behind what waits for the batch that gathers, or else for the one that is on its way */
    const bool last = batch == gathering || held->waiting[gathering % 2] > 0;
    list_held(broker, connection);
    held->waiting[last ? gathering % 2 : (gathering + 1) % 2] += size;
    return false;
}

void promises_keep(struct broker *broker, uint64_t batch)
{
    struct list_node *next;
    for (struct list_node *node = broker->storing.held.first; node; node = next) {
        struct connection *connection = LIST_OWNER(node, struct connection, held_node);
        next = node->next;
        if (connection->held.waiting[batch % 2] == 0)
            continue;
        connection->held.waiting[batch % 2] = 0;
        connection->connack_waits = false;
        unlist_held(broker, connection);
        connection_mark_ready(broker, connection);
    }
}

void promises_forget(struct broker *broker, struct connection *connection)
{
    if (held_bytes(held_of(connection)) == 0)
        return;
    connection->held = (struct held_output){{0, 0}};
    unlist_held(broker, connection);
}

/* Tells a client whose answers were thrown away. One that has not seen its CONNACK yet gets one that refuses:
 * [MQTT-3.14.0-1] there is no DISCONNECT before CONNACK. */
static void break_off(struct broker *broker, struct connection *connection)
{
    static const char why[] = "the store takes no changes, and answers were waiting for it";
    if (connection->state == CONNECTION_CLOSING)
        return;
    if (!connection->connack_waits) {
        errors_disconnect(broker, connection, REASON_QUOTA_EXCEEDED, why);
        return;
    }
    connection->state = CONNECTION_AWAITS_CONNECT;
    errors_refuse(broker, connection, PACKET_CONNECT, refuse(MQTT_3_1_4_2, REASON_QUOTA_EXCEEDED, 0, why));
}

void promises_break(struct broker *broker)
{
    while (!list_empty(&broker->storing.held)) {
        struct connection *connection = LIST_OWNER(broker->storing.held.first, struct connection, held_node);
        output_drop_held(broker, connection);
        connection_mark_ready(broker, connection);
        break_off(broker, connection);
    }
}
