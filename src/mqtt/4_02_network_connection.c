/* 4.2 Network Connections. Prefix: connection_ / output_ */
#include "4_02_network_connection.h"

#include <assert.h>
#include <stdlib.h>

#include "3_03_2_3_4_topic_alias.h"
#include "4_06_message_ordering.h"
#include "4_12_enhanced_authentication.h"
#include "actions.h"
#include "broker_state.h"

/* Opening and closing. The transport is TCP, which the host brings [MQTT-4.2-1] [MQTT3-7.1.1-1] [D3-4.2-1]
 * [D-4.2-1, D3-7.1.1-2]; to us a connection is an ordered stream of bytes. */

struct connection *connection_create(struct broker *broker, void *host, const char *peer)
{
    if (!broker_reserve_timers(broker))
        return NULL;
    const size_t peer_size = peer ? strlen(peer) + 1 : 1;
    struct connection *connection = calloc(1, sizeof *connection + peer_size);
    if (!connection)
        return NULL;
    if (peer)
        memcpy(connection->peer, peer, peer_size);
    connection->host = host;
    connection->state = CONNECTION_AWAITS_CONNECT;
    connection->maximum_packet_size = UINT32_MAX;
    connection->last_received = broker->now;
    connection->timer.kind = TIMER_CONNECTION;
    list_append(&broker->connections, &connection->node);
    struct broker_statistics *statistics = &broker->statistics;
    statistics->connections_total++;
    if (++statistics->connections > statistics->connections_maximum)
        statistics->connections_maximum = statistics->connections;
    if (broker->settings.connect_timeout > 0)
        timer_heap_set(&broker->timers, &connection->timer, broker->now + broker->settings.connect_timeout);
    return connection;
}

static void output_drop(struct broker *broker, struct connection *connection);

void connection_free(struct broker *broker, struct connection *connection)
{
    assert(!connection->session);
    if (connection->ready)
        list_remove(&broker->ready, &connection->ready_node);
    timer_heap_cancel(&broker->timers, &connection->timer);
    list_remove(&broker->connections, &connection->node);
    output_drop(broker, connection);
    /* [MQTT-3.3.2-7] [D-3.3.2.3.4-4]; the aliases of either direction are their own [D-3.3.2.3.4-5] */
    topic_alias_free(connection->topic_aliases);
    outgoing_aliases_free(connection->outgoing_aliases);
    authentication_end(broker, connection);
    unsubscribe_abandon(broker, connection);
    free(connection->partial);
    free(connection);
    broker->statistics.connections--;
}

void connection_mark_ready(struct broker *broker, struct connection *connection)
{
    if (connection->ready)
        return;
    connection->ready = true;
    list_append(&broker->ready, &connection->ready_node);
}

void connection_close(struct broker *broker, struct connection *connection)
{
    if (connection->state == CONNECTION_CLOSING)
        return;
    connection->state = CONNECTION_CLOSING;
    timer_heap_cancel(&broker->timers, &connection->timer);
    connection_mark_ready(broker, connection);
    connection->next_closing = broker->closing;
    broker->closing = connection;
}

/* Whoever ended the connection, and for whatever reason: the session's Will, unless a DISCONNECT has
 * discarded it, is treated alike. [D-3.1.2.5-1, D3-3.1.2.5-1] [D-3.1.2.5-3, D3-3.1.2.5-3]
 * [D-3.1.2.5-4, D3-3.1.2.5-4] */
void connection_detach(struct broker *broker, struct connection *connection)
{
    struct session *session = connection->session;
    if (!session)
        return;
    connection->session = NULL;
    session->connection = NULL;
    broker->statistics.clients--;
    session_detach(broker, session);
}

void connection_abort(struct broker *broker, struct connection *connection)
{
    output_drop(broker, connection);
    connection_close(broker, connection);
}

/* Output */

/* The sizes of blocks, header included, and how many of each are kept. A connection's first block is the
 * smallest, the next ones grow: a message for ten thousand clients must not take ten thousand large blocks,
 * and a busy client shall not need many. */
static const struct {
    uint32_t capacity;
    uint32_t depth;
} pooled[OUTPUT_SIZES] = {
    {512 - sizeof(struct output_block), 512},
    {4096 - sizeof(struct output_block), 128},
    {32768 - sizeof(struct output_block), 32},
};

/* Index of the pool for blocks of this capacity, OUTPUT_SIZES when they are not pooled. */
static size_t pool_of(uint32_t capacity)
{
    size_t index = 0;
    while (index < OUTPUT_SIZES && pooled[index].capacity != capacity)
        index++;
    return index;
}

static struct output_block *block_take(struct output_pool *pool, uint32_t capacity)
{
    const size_t index = pool_of(capacity);
    struct output_block *block;
    if (index < OUTPUT_SIZES && pool->free[index]) {
        block = pool->free[index];
        pool->free[index] = block->next;
        pool->count[index]--;
    } else {
        block = malloc(sizeof *block + capacity);
        if (!block)
            return NULL;
    }
    *block = (struct output_block){.bytes = block->own, .capacity = capacity};
    return block;
}

static void block_give(struct output_pool *pool, struct output_block *block)
{
    if (block->referenced)
        message_release(block->referenced);
    const size_t index = pool_of(block->capacity);
    if (index == OUTPUT_SIZES || pool->count[index] >= pooled[index].depth) {
        free(block);
        return;
    }
    block->next = pool->free[index];
    pool->free[index] = block;
    pool->count[index]++;
}

void output_pool_clear(struct output_pool *pool)
{
    for (size_t i = 0; i < OUTPUT_SIZES; i++)
        while (pool->free[i]) {
            struct output_block *block = pool->free[i];
            pool->free[i] = block->next;
            free(block);
        }
    *pool = (struct output_pool){0};
}

static void output_drop(struct broker *broker, struct connection *connection)
{
    while (connection->output_first) {
        struct output_block *block = connection->output_first;
        connection->output_first = block->next;
        block_give(&broker->output_pool, block);
    }
    connection->output_last = NULL;
    connection->output_size = 0;
    promises_forget(broker, connection);
}

/* Throws away all but the first `kept` bytes. */
static void output_cut(struct broker *broker, struct connection *connection, size_t kept)
{
    struct output_block **link = &connection->output_first;
    connection->output_size = kept;
    connection->output_last = NULL;
    while (*link && kept > 0) {
        struct output_block *block = *link;
        if (block->end - block->start > kept)
            block->end = block->start + (uint32_t)kept;
        kept -= block->end - block->start;
        connection->output_last = block;
        link = &block->next;
    }
    while (*link) {
        struct output_block *block = *link;
        *link = block->next;
        block_give(&broker->output_pool, block);
    }
}

void output_drop_held(struct broker *broker, struct connection *connection)
{
    output_cut(broker, connection, connection->output_size - held_bytes(&connection->held));
    promises_forget(broker, connection);
}

static void output_append(struct connection *connection, struct output_block *block)
{
    if (connection->output_last)
        connection->output_last->next = block;
    else
        connection->output_first = block;
    connection->output_last = block;
}

static uint32_t capacity_for(const struct connection *connection, size_t size)
{
    const uint32_t last = connection->output_last ? connection->output_last->capacity : 0;
    for (size_t i = 0; i < OUTPUT_SIZES; i++)
        if (size <= pooled[i].capacity && (last < pooled[i].capacity || i == OUTPUT_SIZES - 1))
            return pooled[i].capacity;
    return (uint32_t)size;
}

/* `size` bytes were appended. */
static void output_grown(struct broker *broker, struct connection *connection, size_t size,
                         uint64_t waits_for)
{
    connection->output_size += size;
    if (promises_append(broker, connection, size, waits_for))
        connection_mark_ready(broker, connection);
}

uint8_t *output_reserve(struct broker *broker, struct connection *connection, size_t size, uint64_t waits_for)
{
    if (!promises_admit(broker, connection, waits_for))
        return NULL;
    struct output_block *block = connection->output_last;
    if (!block || block->referenced ||
        block->capacity - block->end < size) { /* a reference has no room of its own */
        block = block_take(&broker->output_pool, capacity_for(connection, size));
        if (!block) {
            broker_log(broker, LOG_ERROR, connection, "out of memory, connection closed", NULL);
            connection_abort(broker, connection);
            return NULL;
        }
        output_append(connection, block);
    }
    uint8_t *place = block->own + block->end;
    block->end += (uint32_t)size;
    output_grown(broker, connection, size, waits_for);
    return place;
}

bool output_reference(struct broker *broker, struct connection *connection, struct message *message,
                      struct bytes bytes, uint64_t waits_for)
{
    struct output_block *block = block_take(&broker->output_pool, 0);
    if (!block) {
        connection_abort(broker, connection);
        return false;
    }
    block->referenced = message_share(message);
    block->bytes = bytes.data;
    block->end = (uint32_t)bytes.length;
    output_append(connection, block);
    output_grown(broker, connection, bytes.length, waits_for);
    return true;
}

size_t connection_output(struct connection *connection, struct bytes *vector, size_t maximum)
{
    size_t count = 0;
    size_t free_to_go = connection->output_size - held_bytes(&connection->held);
    for (struct output_block *block = connection->output_first; block && count < maximum && free_to_go > 0;
         block = block->next) {
        const size_t left = block->end - block->start;
        const size_t length = left < free_to_go ? left : free_to_go;
        vector[count++] = bytes_of(block->bytes + block->start, length);
        free_to_go -= length;
    }
    return count;
}

/* Takes `count` sent bytes off the front of the output. */
static void output_sent(struct broker *broker, struct connection *connection, size_t count)
{
    assert(count <= connection->output_size - held_bytes(&connection->held));
    connection->output_size -= count;
    while (connection->output_first) {
        struct output_block *block = connection->output_first;
        const size_t left = block->end - block->start;
        if (count < left) {
            block->start += (uint32_t)count;
            return;
        }
        count -= left;
        connection->output_first = block->next;
        block_give(&broker->output_pool, block);
    }
    connection->output_last = NULL;
}

void connection_sent(struct broker *broker, struct connection *connection, size_t count)
{
    broker->statistics.bytes_sent += count;
    output_sent(broker, connection, count);
    if (connection->session &&
        (session_waiting(connection->session) || session_flows(connection->session)->answers))
        ordering_pump(broker, connection->session);
}

bool connection_closing(const struct connection *connection)
{
    return connection->state == CONNECTION_CLOSING && held_bytes(&connection->held) == 0;
}

bool connection_wants_input(const struct connection *connection)
{
    return connection->state != CONNECTION_CLOSING && connection->output_size < CONNECTION_OUTPUT_CEILING &&
           !authentication_pending(connection) && !connection->unsubscribes;
}

void *connection_host(const struct connection *connection)
{
    return connection->host;
}

/* Sending packets */

void connection_trace(struct broker *broker, const struct connection *connection, enum sender sender,
                      struct bytes packet)
{
    const struct broker_environment *environment = &broker->environment;
    if (!environment->trace)
        return;
    const struct bytes nobody = {NULL, 0};
    environment->trace(environment->context, sender,
                       connection->session ? session_client_identifier(connection->session) : nobody,
                       connection->version, packet);
}

/* The properties of a packet in which the Server may place Reason String and User Property; NULL for other
 * packets. */
static struct properties *diagnostics_of(struct packet *packet)
{
    switch (packet->type) {
    case PACKET_CONNACK:
        return &packet->connack.properties;
    case PACKET_PUBACK:
    case PACKET_PUBREC:
    case PACKET_PUBREL:
    case PACKET_PUBCOMP:
        return &packet->acknowledgement.properties;
    case PACKET_SUBACK:
    case PACKET_UNSUBACK:
        return &packet->suback.properties;
    case PACKET_DISCONNECT:
        return &packet->disconnect.properties;
    default:
        return NULL;
    }
}

static void strip_diagnostics(struct packet *packet)
{
    struct properties *properties = diagnostics_of(packet);
    if (properties)
        properties->present &= ~(1U << ORDINAL_REASON_STRING | 1U << ORDINAL_USER_PROPERTY);
}

/* A refusal promises nothing. */
static bool refuses(const struct packet *packet)
{
    return packet->type == PACKET_CONNACK && packet->connack.reason_code != REASON_SUCCESS;
}

/* The batch that a packet has to wait for; 0: none. */
static uint64_t promised_by(const struct broker *broker, const struct connection *connection,
                            enum packet_type type)
{
    const unsigned promising = 1U << PACKET_CONNACK | 1U << PACKET_PUBACK | 1U << PACKET_PUBREC |
                               1U << PACKET_PUBREL | 1U << PACKET_PUBCOMP | 1U << PACKET_SUBACK |
                               1U << PACKET_UNSUBACK;
    return promising >> type & 1U ? promises_of_answer(broker, connection) : 0;
}

bool connection_send(struct broker *broker, struct connection *connection, struct packet *packet)
{
    packet->version = connection->version;
    if (!connection->problem_information && packet->type != PACKET_CONNACK &&
        packet->type != PACKET_DISCONNECT)
        strip_diagnostics(packet); /* [MQTT-3.1.2-29]; else they may stay [D-3.1.2.11.7-2] */
    size_t size = packet_encoded_size(packet);
    if (size > connection->maximum_packet_size) {
        /* Reason String:  [MQTT-3.2.2-19] [MQTT-3.4.2-2] [MQTT-3.5.2-2] [MQTT-3.6.2-2] [MQTT-3.7.2-2]
         *                 [MQTT-3.9.2-1] [MQTT-3.11.2-1] [MQTT-3.14.2-3]
         * User Property:  [MQTT-3.2.2-20] [MQTT-3.4.2-3] [MQTT-3.5.2-3] [MQTT-3.6.2-3] [MQTT-3.7.2-3]
         *                 [MQTT-3.9.2-2] [MQTT-3.11.2-2] [MQTT-3.14.2-4] */
        strip_diagnostics(packet);
        size = packet_encoded_size(packet);
    }
    if (size == 0 || size > connection->maximum_packet_size) /* [MQTT-3.1.2-24] */
        return false;
    const uint64_t waits_for = refuses(packet) ? 0 : promised_by(broker, connection, packet->type);
    uint8_t *place = output_reserve(broker, connection, size, waits_for);
    if (!place)
        return false;
    struct writer writer = writer_into(place, size);
    const size_t written = packet_encode(packet, &writer);
    assert(written == size);
    broker->statistics.packets_sent++;
    connection_trace(broker, connection, SENDER_SERVER, bytes_of(place, size));
    return true;
}

void connection_acknowledge(struct broker *broker, struct connection *connection, enum packet_type type,
                            uint16_t packet_identifier, enum reason_code reason_code)
{
    const bool with_reason = connection_is_5_0(connection) && reason_code != REASON_SUCCESS;
    const size_t size = with_reason ? 5 : 4;
    if (size > connection->maximum_packet_size) /* [MQTT-3.1.2-24] */
        return;
    uint8_t *place = output_reserve(broker, connection, size, promised_by(broker, connection, type));
    if (!place)
        return;
    place[0] = (uint8_t)((unsigned)type << 4 | (type == PACKET_PUBREL ? 2U : 0U)); /* [MQTT-3.6.1-1] */
    place[1] = (uint8_t)(size - 2);
    place[2] = (uint8_t)(packet_identifier >> 8);
    place[3] = (uint8_t)packet_identifier;
    if (with_reason)
        place[4] = (uint8_t)reason_code;
    broker->statistics.packets_sent++;
    connection_trace(broker, connection, SENDER_SERVER, bytes_of(place, size));
}
