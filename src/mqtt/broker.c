/* broker: step() and the dispatch of packets to their actions; every rule lives in the file of its section.
 * Prefix: broker_ */
#include "broker_state.h"

#include <assert.h>
#include <stdlib.h>

#include "../base/line.h"
#include "3_08_4_subscribe_answers.h"
#include "4_01_1_restoring.h"
#include "4_12_enhanced_authentication.h"
#include "4_13_handling_errors.h"
#include "actions.h"

struct broker_settings broker_default_settings(void)
{
    return (struct broker_settings){.maximum_packet_size = 16U << 20,
                                    .maximum_first_packet = 512U << 10,
                                    .maximum_user_properties = 1000,
                                    .maximum_sessions = 1000000,
                                    .maximum_subscriptions = 4000000,
                                    .maximum_subscriptions_of_session = 10000,
                                    .maximum_retained = 1000000,
                                    .maximum_retained_bytes = UINT64_C(1) << 30,
                                    .maximum_queued_bytes = 64U << 20,
                                    .maximum_held_bytes = UINT64_C(1) << 30,
                                    .receive_maximum = 1000,
                                    .topic_alias_maximum = 10,
                                    .maximum_inflight = 1000,
                                    .maximum_queued = 1000,
                                    .maximum_output = 1U << 20,
                                    .connect_timeout = 5000,
                                    .outgoing_topic_aliases = 16,
                                    .maximum_qos = 2,
                                    .retain_available = true,
                                    .wildcard_available = true,
                                    .subscription_identifier_available = true,
                                    .shared_available = true,
                                    .validate_payload_format = true};
}

/* Creation and end */

static uint64_t random_number(const struct broker_environment *environment)
{
    uint64_t number;
    environment->random(environment->context, &number, sizeof number);
    return number;
}

struct broker *broker_create(const struct broker_settings *settings,
                             const struct broker_environment *environment)
{
    struct broker *broker = calloc(1, sizeof *broker);
    if (!broker)
        return NULL;
    broker->settings = *settings;
    broker->environment = *environment;
    broker->storing = (struct storing){
        .alive = {.kind = TIMER_ALIVE}, .promised = environment->storage == STORAGE_PROMISED, .batch = 1};
    broker->client_identifier_key = hash_key_of(random_number(environment));
    broker->subscriptions = subscriptions_create(random_number(environment));
    broker->retained = retained_create(random_number(environment));
    if (broker->subscriptions && broker->retained)
        return broker;
    broker_destroy(broker);
    return NULL;
}

void broker_configure(struct broker *broker, const struct broker_settings *settings)
{
    broker->settings = *settings;
}

void broker_set_memory_short(struct broker *broker, bool memory_short)
{
    broker->memory_short = memory_short;
}

static void release_message(void *context, struct message *message)
{
    retained_release(context, message);
}

static void end_sessions(struct broker *broker)
{
    struct session *session;
    uint32_t at = 0;
    while ((session = hash_map_any(&broker->sessions, &at)) != NULL) {
        will_discard(broker, session); /* [D-3.1.2.5-5, D3-3.1.2.5-5] */
        session_end(broker, session);
    }
}

void broker_destroy(struct broker *broker)
{
    if (!broker)
        return;
    assert(list_empty(&broker->connections));
    broker->shutting_down = true;
    broker->ending = true;
    storing_end(broker); /* what is stored outlives us */
    restoring_free(broker->storing.restoring);
    end_sessions(broker);
    hash_map_clear(&broker->sessions);
    if (broker->retained)
        retained_destroy(broker->retained, release_message, broker);
    if (broker->subscriptions)
        subscriptions_destroy(broker->subscriptions);
    routing_clear(&broker->routing);
    output_pool_clear(&broker->output_pool);
    timer_heap_destroy(&broker->timers);
    free(broker);
}

bool broker_reserve_timers(struct broker *broker)
{
    const uint64_t timers =
        broker->statistics.sessions + broker->statistics.connections + broker->retained_expiring + 4;
    return timers < UINT32_MAX && timer_heap_reserve(&broker->timers, (uint32_t)timers);
}

/* Dispatch of packets */

typedef struct verdict action(struct broker *broker, struct connection *connection,
                              const struct packet *packet);

/* What a client may send on an established connection; the decoder has refused every other type. */
static action *const actions[16] = {
    [PACKET_PUBLISH] = publish_actions,         [PACKET_PUBACK] = puback_actions,
    [PACKET_PUBREC] = pubrec_actions,           [PACKET_PUBREL] = pubrel_actions,
    [PACKET_PUBCOMP] = pubcomp_actions,         [PACKET_SUBSCRIBE] = subscribe_actions,
    [PACKET_UNSUBSCRIBE] = unsubscribe_actions, [PACKET_PINGREQ] = pingreq_actions,
    [PACKET_DISCONNECT] = disconnect_actions,   [PACKET_AUTH] = auth_actions,
};

static struct verdict dispatch(struct broker *broker, struct connection *connection,
                               const struct packet *packet)
{
    const bool five = connection_is_5_0(connection);
    if (connection->state == CONNECTION_AWAITS_CONNECT) {
        broker->statistics.connects_received++;
        return connect_actions(broker, connection, packet);
    }
    if (!actions[packet->type])
        return refuse(five ? MQTT_4_13_1_1 : MQTT3_4_8_0_1, REASON_PROTOCOL_ERROR, 0,
                      "a Control Packet that only a Server sends");
    return actions[packet->type](broker, connection, packet);
}

static enum packet_type type_of(struct bytes packet)
{
    return packet.length > 0 ? (enum packet_type)(packet.data[0] >> 4) : PACKET_RESERVED;
}

/* [MQTT-3.1.0-2] [MQTT3-3.1.0-2] */
static struct verdict second_connect(const struct connection *connection)
{
    return refuse(connection_is_5_0(connection) ? MQTT_3_1_0_2 : MQTT3_3_1_0_2, REASON_PROTOCOL_ERROR, 0,
                  "a second CONNECT on one Network Connection");
}

/* Some packets are refused whatever they say: a fault within them might have a Reason Code that the answer,
 * which is a CONNACK before authentication has ended, cannot have. */
static struct verdict check_type(const struct connection *connection, enum packet_type type)
{
    if (type == PACKET_CONNECT && connection->state != CONNECTION_AWAITS_CONNECT)
        return second_connect(connection);
    if (connection->state == CONNECTION_AUTHENTICATES && type != PACKET_AUTH && type != PACKET_DISCONNECT)
        return refuse(MQTT_3_1_2_30, REASON_PROTOCOL_ERROR, 0,
                      "neither AUTH nor DISCONNECT before authentication has ended");
    return accept();
}

/* One whole packet. */
static void handle_packet(struct broker *broker, struct connection *connection, struct bytes bytes)
{
    struct packet packet;
    packet.version = PROTOCOL_UNKNOWN;
    connection->last_received = broker->now;
    broker->handling = bytes;
    broker->storing.packet_changed = false;
    broker->statistics.packets_received++;
    connection_trace(broker, connection, SENDER_CLIENT, bytes);
    const bool first = connection->state == CONNECTION_AWAITS_CONNECT;
    struct verdict verdict = check_type(connection, type_of(bytes));
    if (!verdict.refused)
        verdict = packet_decode(&packet, connection->version, SENDER_CLIENT, bytes, NULL);
    if (first)
        connection->version = (uint8_t)packet.version;
    if (!verdict.refused)
        verdict = limits_check_properties(broker, connection, &packet);
    if (!verdict.refused)
        verdict = dispatch(broker, connection, &packet);
    if (verdict.refused)
        errors_refuse(broker, connection, type_of(bytes), verdict);
}

/* Input: from bytes to packets */

/* Finds the packet at the front of `input`. Refuses what can be refused before it has come whole: in
 * particular anything but CONNECT as the first packet [MQTT-3.1.0-1] [MQTT3-3.1.0-1]. */
static enum framing frame(struct broker *broker, struct connection *connection, struct bytes input,
                          size_t *size)
{
    struct verdict verdict = accept();
    enum framing framing =
        packet_frame(input, connection->version, limits_packet_size(broker, connection), size, &verdict);
    if (framing != FRAMING_REFUSED && connection->state == CONNECTION_AWAITS_CONNECT &&
        type_of(input) != PACKET_CONNECT) {
        verdict = refuse(MQTT_3_1_0_1, REASON_PROTOCOL_ERROR, 0, "the first Control Packet is not CONNECT");
        framing = FRAMING_REFUSED;
    }
    if (framing == FRAMING_REFUSED && verdict.reason_code == REASON_PACKET_TOO_LARGE)
        limits_refused(broker, connection,
                       connection->state == CONNECTION_ESTABLISHED ? LIMIT_PACKET_SIZE : LIMIT_FIRST_PACKET);
    if (framing == FRAMING_REFUSED)
        errors_refuse(broker, connection, type_of(input), verdict);
    return framing;
}

enum { PARTIAL_WHEN_SHORT = 64 * 1024 }; /* bytes */

static void drop_partial(struct connection *connection)
{
    free(connection->partial);
    connection->partial = NULL;
    connection->partial_length = 0;
    connection->partial_capacity = 0;
}

/* Grows by doubling, whatever size the fixed header claims: a client has to send what it wants us to hold. */
static bool reserve_partial(struct connection *connection, size_t needed)
{
    if (needed <= connection->partial_capacity)
        return true;
    size_t capacity = connection->partial_capacity ? connection->partial_capacity : 64;
    while (capacity < needed)
        capacity *= 2;
    uint8_t *larger = realloc(connection->partial, capacity);
    if (!larger)
        return false;
    connection->partial = larger;
    connection->partial_capacity = (uint32_t)capacity;
    return true;
}

/* 5.4.8: large packets are the first that we do without. */
static bool may_keep(struct broker *broker, struct connection *connection, struct bytes input, size_t needed)
{
    const enum packet_type type =
        connection->partial_length > 0 ? (enum packet_type)(connection->partial[0] >> 4) : type_of(input);
    if (!broker->memory_short || needed <= PARTIAL_WHEN_SHORT)
        return true;
    limits_refused(broker, connection, LIMIT_MEMORY);
    errors_refuse(broker, connection, type,
                  refuse(connection_is_5_0(connection) ? MQTT_4_13_2_1 : MQTT3_4_8_0_2, REASON_QUOTA_EXCEEDED,
                         0, "this Server is short of memory"));
    return false;
}

/* Keeps the first `count` bytes of `input` behind what is kept already. */
static bool keep_partial(struct broker *broker, struct connection *connection, struct bytes input,
                         size_t count)
{
    if (!may_keep(broker, connection, input, connection->partial_length + count))
        return false;
    if (!reserve_partial(connection, connection->partial_length + count)) {
        broker_log(broker, LOG_ERROR, connection, "out of memory, connection closed", NULL);
        connection_abort(broker, connection);
        return false;
    }
    memcpy(connection->partial + connection->partial_length, input.data, count);
    connection->partial_length += (uint32_t)count;
    return true;
}

enum { LONGEST_FIXED_HEADER = 5 };

/* How many bytes of `input` the kept packet wants next: first the rest of its fixed header, byte by byte,
 * then all that it lacks. */
static size_t wanted_by_partial(size_t kept, size_t size, struct bytes input)
{
    const size_t lacking = size > kept ? size - kept : 1;
    return lacking < input.length ? lacking : input.length;
}

/* Completes the packet that was begun earlier. Returns what is left of the input. */
static struct bytes receive_rest(struct broker *broker, struct connection *connection, struct bytes input)
{
    while (input.length > 0 && connection->state != CONNECTION_CLOSING) {
        size_t size = 0;
        enum framing framing =
            frame(broker, connection, bytes_of(connection->partial, connection->partial_length), &size);
        assert(framing != FRAMING_COMPLETE);
        if (framing == FRAMING_REFUSED)
            break;
        const size_t count = wanted_by_partial(connection->partial_length, size, input);
        if (!keep_partial(broker, connection, input, count))
            break;
        input = bytes_after(input, count);
        if (size > 0 && connection->partial_length < size)
            break; /* the input is used up */
        const struct bytes whole = bytes_of(connection->partial, connection->partial_length);
        framing = frame(broker, connection, whole, &size);
        if (framing == FRAMING_COMPLETE) {
            handle_packet(broker, connection, whole);
            drop_partial(connection);
            break;
        }
    }
    return input;
}

/* Whether packets may be handled now: not of a client about whom the host is still being asked, nor behind an
 * UNSUBSCRIBE that is not complete yet [MQTT-3.10.4-2]. */
static bool may_handle(const struct connection *connection)
{
    return connection->state != CONNECTION_CLOSING && !authentication_pending(connection) &&
           !connection->unsubscribes;
}

static void receive(struct broker *broker, struct connection *connection, struct bytes input)
{
    if (connection->partial && may_handle(connection))
        input = receive_rest(broker, connection, input);
    while (input.length > 0 && may_handle(connection)) { /* [MQTT-3.1.4-6] [MQTT3-3.1.4-5] */
        size_t size = 0;
        switch (frame(broker, connection, input, &size)) {
        case FRAMING_COMPLETE:
            handle_packet(broker, connection, bytes_of(input.data, size));
            input = bytes_after(input, size);
            break;
        case FRAMING_INCOMPLETE:
            keep_partial(broker, connection, input, input.length);
            return;
        case FRAMING_REFUSED:
            return;
        }
    }
    if (input.length > 0 &&
        connection->state != CONNECTION_CLOSING) /* [MQTT-3.1.4-6] sent before CONNACK came */
        keep_partial(broker, connection, input, input.length);
}

/* What came while nothing could be handled is handled now. */
static void catch_up(struct broker *broker, struct connection *connection)
{
    if (!connection->partial || !may_handle(connection))
        return;
    uint8_t *kept = connection->partial;
    const struct bytes input = bytes_of(kept, connection->partial_length);
    connection->partial = NULL;
    connection->partial_length = connection->partial_capacity = 0;
    receive(broker, connection, input);
    free(kept);
    connection_mark_ready(broker, connection); /* it wants input again */
}

static void authenticated(struct broker *broker, struct connection *connection,
                          const struct authentication_answer *answer)
{
    authentication_answered(broker, connection, answer);
    catch_up(broker, connection);
}

static void unsubscribe_on(struct broker *broker)
{
    struct connection *connection = unsubscribe_work(broker);
    if (connection) {
        catch_up(broker, connection);
        connection_mark_ready(broker, connection);
    }
}

/* Steps */

static void run_timers(struct broker *broker)
{
    struct timer *timer;
    while ((timer = timer_heap_expire(&broker->timers, broker->now)) != NULL) {
        if (timer->kind == TIMER_CONNECTION)
            keep_alive_timer_expired(broker, LIST_OWNER(timer, struct connection, timer));
        else if (timer->kind == TIMER_SESSION)
            session_timer_expired(broker, LIST_OWNER(timer, struct session, timer));
        else if (timer->kind == TIMER_ALIVE)
            storing_alive_expired(broker);
        else
            retained_timer_expired(broker, timer);
    }
}

static void close_all(struct broker *broker)
{
    broker->shutting_down = true;
    for (struct list_node *node = broker->connections.first; node; node = node->next) {
        struct connection *connection = LIST_OWNER(node, struct connection, node);
        if (connection->state != CONNECTION_CLOSING)
            errors_disconnect(broker, connection, REASON_SERVER_SHUTTING_DOWN, "the Server shuts down");
    }
}

static void forget_closing(struct broker *broker, const struct connection *connection)
{
    struct connection **link = &broker->closing;
    while (*link && *link != connection)
        link = &(*link)->next_closing;
    if (*link)
        *link = connection->next_closing;
}

/* Tells the sessions of the connections that were closed in this step. Publishing their Wills may close more. */
static void settle(struct broker *broker)
{
    while (broker->closing) {
        struct connection *connection = broker->closing;
        broker->closing = connection->next_closing;
        connection_detach(broker, connection);
    }
}

static void closed(struct broker *broker, struct connection *connection, const char *why)
{
    if (why)
        broker_log(broker, LOG_NOTICE, connection, why, NULL);
    else if (connection->state != CONNECTION_CLOSING)
        broker_log(broker, LOG_INFO, connection, "closed its connection without DISCONNECT", NULL);
    connection_close(broker, connection);
    forget_closing(broker, connection);
    connection_detach(broker, connection);
    drop_partial(connection);
    connection_free(broker, connection);
}

/* What the broker itself has to say. */
static void publish_own(struct broker *broker, struct bytes topic, struct bytes payload)
{
    struct publication publication = {.topic = topic,
                                      .payload = payload,
                                      .expires_at = EXPIRES_NEVER,
                                      .retain = broker->settings.retain_available};
    uint32_t recipients = 0;
    if (!publish_accept(broker, &publication, &recipients))
        broker_log(broker, LOG_ERROR, NULL, "out of memory, a message of the broker's own was lost", NULL);
    publication_end(&publication);
}

static void take(struct broker *broker, struct step *step)
{
    switch (step->kind) {
    case STEP_ACCEPTED:
        step->connection = connection_create(broker, step->host, step->peer);
        break;
    case STEP_RECEIVED:
        broker->statistics.bytes_received += step->bytes.length;
        receive(broker, step->connection, step->bytes);
        break;
    case STEP_AUTHENTICATED:
        authenticated(broker, step->connection, step->answer);
        break;
    case STEP_CLOSED:
        closed(broker, step->connection, step->text);
        break;
    case STEP_TIME:
        break;
    case STEP_PUBLISH:
        publish_own(broker, step->topic, step->bytes);
        break;
    case STEP_SHUTDOWN:
        close_all(broker);
        break;
    case STEP_STORED:
        storing_done(broker);
        break;
    case STEP_STORE_TROUBLE:
        storing_trouble(broker, step->text);
        break;
    }
}

void broker_step(struct broker *broker, uint64_t now, struct step *step)
{
    assert(now >= broker->now);
    broker->now = now;
    storing_sweep(broker);
    run_timers(broker);
    settle(broker);
    take(broker, step);
    answers_work(broker);
    unsubscribe_on(broker);
    settle(broker);
}

uint64_t broker_deadline(const struct broker *broker)
{
    if (!list_empty(&broker->answering) ||
        !list_empty(&broker->unsubscribing)) /* there is work to go on with */
        return broker->now;
    return timer_heap_deadline(&broker->timers);
}

struct connection *broker_next_ready(struct broker *broker)
{
    if (list_empty(&broker->ready))
        return NULL;
    struct connection *connection = LIST_OWNER(broker->ready.first, struct connection, ready_node);
    list_remove(&broker->ready, &connection->ready_node);
    connection->ready = false;
    return connection;
}

/* The log */

void broker_log(struct broker *broker, enum log_level level, const struct connection *connection,
                const char *text, const struct verdict *verdict)
{
    const struct broker_environment *environment = &broker->environment;
    if (!environment->log)
        return;
    struct line line = {0};
    if (connection && connection->session) {
        line_text(&line, "client '");
        line_stranger(&line, session_client_identifier(connection->session));
        line_text(&line, "' ");
    }
    if (connection) {
        line_text(&line, "(");
        line_text(&line, connection->peer);
        line_text(&line, "): ");
    }
    line_text(&line, text);
    if (verdict && verdict->refused) {
        line_text(&line, ": ");
        line_text(&line, verdict->what);
    }
    environment->log(environment->context, level, line.text);
}

struct broker_statistics broker_statistics(const struct broker *broker)
{
    struct broker_statistics statistics = broker->statistics;
    statistics.subscriptions = subscriptions_count(broker->subscriptions);
    statistics.subscriptions_shared = subscriptions_shared_count(broker->subscriptions);
    statistics.retained_messages = retained_count(broker->retained);
    statistics.retained_bytes = broker->retained_bytes;
    statistics.held_bytes = broker->held_bytes;
    return statistics;
}
