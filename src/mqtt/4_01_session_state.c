/* 4.1 Session State. Prefix: session_ / message_ / delivery_ / inflight_ */
#include "4_01_session_state.h"

#include <assert.h>
#include <stdlib.h>

#include "3_08_4_subscribe_answers.h"
#include "actions.h"

/* Sessions by Client Identifier [MQTT-3.1.3-2] [MQTT3-3.1.3-2] */

static bool has_identifier(const void *item, const void *key)
{
    return bytes_equal(session_client_identifier(item), *(const struct bytes *)key);
}

static uint64_t identifier_hash(const struct broker *broker, struct bytes client_identifier)
{
    return hash_bytes(&broker->client_identifier_key, client_identifier);
}

struct session *session_find(struct broker *broker, struct bytes client_identifier)
{
    return hash_map_find(&broker->sessions, identifier_hash(broker, client_identifier), has_identifier,
                         &client_identifier);
}

struct session *session_create(struct broker *broker, struct bytes client_identifier)
{
    assert(client_identifier.length <= UINT16_MAX);
    if (!broker_reserve_timers(broker))
        return NULL;
    struct session *session = calloc(1, sizeof *session + client_identifier.length);
    if (!session)
        return NULL;
    session->timer.kind = TIMER_SESSION;
    session->expires_at = EXPIRES_NEVER;
    session->client_identifier_length = (uint16_t)client_identifier.length;
    memcpy(session->client_identifier, client_identifier.data, client_identifier.length);
    if (!hash_map_insert(&broker->sessions, identifier_hash(broker, client_identifier), session)) {
        free(session);
        return NULL;
    }
    broker->statistics.sessions++;
    return session;
}

bool session_is_of(const struct session *session, const struct bytes *user_name)
{
    return user_name ? session->user_name && bytes_equal(session_user_name(session), *user_name)
                     : !session->user_name;
}

bool session_belongs_to(struct session *session, const struct bytes *user_name)
{
    if (!user_name || session->user_name)
        return true;                                    /* that the user is the same was checked */
    session->user_name = malloc(user_name->length + 1); /* a user name may be empty */
    if (!session->user_name)
        return false;
    if (user_name->length > 0)
        memcpy(session->user_name, user_name->data, user_name->length);
    session->user_name_length = (uint16_t)user_name->length;
    return true;
}

bool session_online(const struct session *session)
{
    /* closing: nothing is sent behind a DISCONNECT [MQTT-3.14.4-1] */
    return session->connection && session->connection->state == CONNECTION_ESTABLISHED;
}

const struct flows *session_flows(const struct session *session)
{
    static const struct flows none = {.queued = 0};
    return session->flows ? session->flows : &none;
}

struct flows *session_change_flows(struct session *session)
{
    if (!session->flows)
        session->flows = calloc(1, sizeof *session->flows);
    return session->flows;
}

static void destroy_deliveries(struct broker *broker, struct list *list)
{
    while (!list_empty(list)) {
        struct delivery *delivery = LIST_OWNER(list->first, struct delivery, node);
        list_remove(list, &delivery->node);
        delivery_destroy(broker, delivery);
    }
}

static void destroy_flows(struct broker *broker, struct session *session)
{
    if (!session->flows)
        return;
    answers_clear(broker, session);
    destroy_deliveries(broker, &session->flows->queue);
    destroy_deliveries(broker, &session->flows->inflight_order);
    free(session->flows->inflight.slots);
    identifier_set_clear(&session->flows->received);
    free(session->flows);
    session->flows = NULL;
}

/* Nothing is under way and nothing says which identifier was the last. */
static bool flows_empty(const struct flows *flows)
{
    return flows->queued == 0 && flows->inflight.count == 0 && flows->received.count == 0 && !flows->answers;
}

/* [S-4.8.2-1] QoS 1 messages of Shared Subscriptions go to other members; those of QoS 2 never do
 * [MQTT-4.8.2-5]. While the session lasts, both wait for its client [MQTT-4.8.2-4] [D-4.8.2-13], though QoS 1
 * need not [D-4.8.2-14]; what that has refused is gone from here and goes to nobody [MQTT-4.8.2-6]. Where no member is left, they are gone
 * [D-4.8.2-11]. */
static void hand_over_shared(struct broker *broker, const struct list *deliveries)
{
    for (struct list_node *node = deliveries->first; node; node = node->next) {
        const struct delivery *delivery = LIST_OWNER(node, struct delivery, node);
        if (delivery->group && delivery->qos == 1 && delivery->message->expires_at > broker->now)
            routing_pass_to_group(broker, delivery->message, delivery->group);
    }
}

void session_end(struct broker *broker, struct session *session)
{
    assert(!session->connection); /* [MQTT-4.1.0-1] [MQTT3-4.1.0-2] never while the client is connected */
    timer_heap_cancel(&broker->timers, &session->timer);
    /* before its Will, which a Shared Subscription could otherwise leave to nobody but this session */
    subscriptions_remove_all(broker->subscriptions, &session->subscriber); /* [D-4.8.2-9] */
    will_publish(broker, session); /* [MQTT-3.1.2-8] at the end of the session at the latest */
    if (!broker->ending) {
        hand_over_shared(broker, &session_flows(session)->inflight_order);
        hand_over_shared(broker, &session_flows(session)->queue);
    }
    destroy_flows(broker, session);
    hash_map_remove(&broker->sessions, identifier_hash(broker, session_client_identifier(session)), session);
    broker->statistics.sessions--;
    free(session->user_name);
    session->user_name = NULL;
    storing_free_session(broker, session); /* [MQTT-4.1.0-2] */
}

/* The moment `seconds` from now; UINT32_MAX means never (3.1.2.11.2) [D-3.1.2.11.2-3]. */
static uint64_t after(const struct broker *broker, uint32_t seconds)
{
    return seconds == UINT32_MAX ? EXPIRES_NEVER : broker->now + (uint64_t)seconds * 1000;
}

void session_arm_timer(struct broker *broker, struct session *session)
{
    const uint64_t will_due = session->will ? session->will->due : EXPIRES_NEVER;
    const uint64_t deadline = will_due < session->expires_at ? will_due : session->expires_at;
    if (deadline == EXPIRES_NEVER)
        timer_heap_cancel(&broker->timers, &session->timer);
    else
        timer_heap_set(&broker->timers, &session->timer, deadline);
}

/* The session ends at once if its Session Expiry Interval is 0 [D-3.1.2.11.2-2], else when that has passed
 * [D-4.1-1]. Its Will is published now, or when the Will Delay has passed or the session ends
 * [S-3.1.2.5-1, S3-3.1.2.5-1] [D-3.1.3.2.2-2]. */
void session_detach(struct broker *broker, struct session *session)
{
    assert(!session->connection);
    storing_detached(broker, session);
    if (session->expiry_interval ==
        0) { /* [MQTT-4.1.0-2]; [MQTT3-3.1.2-6] a Clean Session ends with its connection */
        session_end(broker, session);
        return;
    }
    if (flows_empty(session_flows(session)))
        destroy_flows(broker, session);
    if (session->will && session->will->delay == 0)
        will_publish(broker, session);
    if (session->will)
        session->will->due = after(broker, session->will->delay);
    storing_will(broker, session);
    session->expires_at = after(broker, session->expiry_interval); /* [MQTT-3.1.2-23] [MQTT3-4.1.0-1] */
    session_arm_timer(broker, session);
}

void session_timer_expired(struct broker *broker, struct session *session)
{
    if (session->expires_at <= broker->now) {
        broker->statistics.sessions_expired++;
        session_end(broker, session);
        return;
    }
    if (session->will && session->will->due <= broker->now)
        will_publish(broker, session);
    session_arm_timer(broker, session);
}

/* Application Messages */

struct message *message_create(struct bytes topic, struct bytes properties, struct bytes payload, uint8_t qos,
                               uint64_t expires_at)
{
    struct message *message = malloc(sizeof *message + topic.length + properties.length + payload.length);
    if (!message)
        return NULL;
    *message = (struct message){.expires_at = expires_at,
                                .references = 1,
                                .properties_length = (uint32_t)properties.length,
                                .payload_length = (uint32_t)payload.length,
                                .topic_length = (uint16_t)topic.length,
                                .qos = qos};
    struct writer writer = writer_into(message->bytes, topic.length + properties.length + payload.length);
    write_raw(&writer, topic.data, topic.length);
    write_raw(&writer, properties.data, properties.length);
    write_raw(&writer, payload.data, payload.length);
    assert(!writer.overflow);
    return message;
}

void message_release(struct message *message)
{
    assert(message->references > 0);
    if (--message->references == 0)
        free(message);
}

struct message *publication_message(struct publication *publication)
{
    if (!publication->shared)
        publication->shared = message_create(publication->topic, publication->properties,
                                             publication->payload, publication->qos, publication->expires_at);
    return publication->shared;
}

struct publication publication_of_message(struct message *message)
{
    return (struct publication){.topic = message_topic(message),
                                .properties = message_properties(message),
                                .payload = message_payload(message),
                                .expires_at = message->expires_at,
                                .shared = message_share(message),
                                .qos = message->qos};
}

void publication_end(struct publication *publication)
{
    if (publication->shared)
        message_release(publication->shared);
    publication->shared = NULL;
}

/* Deliveries */

struct delivery *delivery_create(struct broker *broker, struct message *message, uint8_t qos, bool retain,
                                 const uint32_t *identifiers, uint16_t identifier_count)
{
    struct delivery *delivery = malloc(sizeof *delivery + identifier_count * sizeof identifiers[0]);
    if (!delivery)
        return NULL;
    *delivery = (struct delivery){.message = message ? message_share(message) : NULL,
                                  .qos = qos,
                                  .state = SENDER_QUEUED,
                                  .retain = retain,
                                  .identifier_count = identifier_count};
    if (message)
        limits_held(broker, message);
    for (uint16_t i = 0; identifiers && i < identifier_count; i++)
        delivery->identifiers[i] = identifiers[i];
    return delivery;
}

void delivery_forget_message(struct broker *broker, struct delivery *delivery)
{
    if (!delivery->message)
        return;
    if (delivery->stored.number != 0)
        storing_unhold(broker, delivery->message);
    limits_let_go(broker, delivery->message);
    message_release(delivery->message);
    delivery->message = NULL;
}

void delivery_destroy(struct broker *broker, struct delivery *delivery)
{
    delivery_forget_message(broker, delivery);
    storing_free_delivery(broker, delivery);
}

/* Messages in flight */

enum { INFLIGHT_SMALLEST = 8, INFLIGHT_TO_KEEP = 64, INFLIGHT_LARGEST = 65536, IDENTIFIERS = 65535 };

static struct delivery **slot_of(const struct inflight *inflight, uint16_t packet_identifier)
{
    return &inflight->slots[packet_identifier & (inflight->capacity - 1)];
}

static bool inflight_grow(struct inflight *inflight)
{
    struct inflight larger = *inflight;
    larger.capacity = inflight->capacity ? inflight->capacity * 2 : INFLIGHT_SMALLEST;
    larger.slots = calloc(larger.capacity, sizeof *larger.slots);
    if (!larger.slots)
        return false;
    for (uint32_t i = 0; i < inflight->capacity; i++)
        if (inflight->slots[i])
            *slot_of(&larger, inflight->slots[i]->packet_identifier) = inflight->slots[i];
    free(inflight->slots);
    *inflight = larger;
    return true;
}

/* The next Packet Identifier whose slot is free [D-2.2.1-4]; at least one is. [MQTT-2.2.1-4] never 0 */
static uint16_t free_identifier(struct inflight *inflight)
{
    do {
        inflight->last_identifier = (uint16_t)(inflight->last_identifier + 1);
    } while (inflight->last_identifier == 0 || *slot_of(inflight, inflight->last_identifier));
    return inflight->last_identifier;
}

bool inflight_add(struct session *session, struct delivery *delivery)
{
    struct flows *flows = session_change_flows(session);
    if (!flows || flows->inflight.count == IDENTIFIERS)
        return false;
    struct inflight *inflight = &flows->inflight;
    if ((inflight->count + 1) * 2 > inflight->capacity && inflight->capacity < INFLIGHT_LARGEST &&
        !inflight_grow(inflight))
        return false;
    delivery->packet_identifier = free_identifier(inflight); /* [MQTT-4.3.2-1] [MQTT-4.3.3-1] */
    *slot_of(inflight, delivery->packet_identifier) = delivery;
    inflight->count++;
    list_append(&flows->inflight_order, &delivery->node);
    return true;
}

/* Where the slot is taken by another identifier, a larger table has one for each, at the latest with one slot
 * for every identifier. */
static bool inflight_room_for(struct inflight *inflight, uint16_t packet_identifier)
{
    while (inflight->capacity == 0 || *slot_of(inflight, packet_identifier)) {
        if (inflight->capacity > 0 &&
            (*slot_of(inflight, packet_identifier))->packet_identifier == packet_identifier)
            return false;
        if (!inflight_grow(inflight))
            return false;
    }
    return true;
}

bool inflight_restore(struct session *session, struct delivery *delivery)
{
    struct flows *flows = session_change_flows(session);
    if (!flows || !inflight_room_for(&flows->inflight, delivery->packet_identifier))
        return false;
    *slot_of(&flows->inflight, delivery->packet_identifier) = delivery;
    flows->inflight.count++;
    flows->inflight.last_identifier = delivery->packet_identifier;
    list_append(&flows->inflight_order, &delivery->node);
    return true;
}

struct delivery *inflight_find(const struct session *session, uint16_t packet_identifier)
{
    const struct inflight *inflight = &session_flows(session)->inflight;
    if (inflight->count == 0)
        return NULL;
    struct delivery *delivery = *slot_of(inflight, packet_identifier);
    return delivery && delivery->packet_identifier == packet_identifier ? delivery : NULL;
}

void inflight_settle(struct flows *flows, struct delivery *delivery)
{
    if (!delivery->unsent)
        return;
    delivery->unsent = false;
    flows->unsent--;
    while (flows->resume && !LIST_OWNER(flows->resume, struct delivery, node)->unsent)
        flows->resume = flows->resume->next;
}

void inflight_remove(struct session *session, struct delivery *delivery)
{
    inflight_settle(session->flows, delivery);
    struct inflight *inflight = &session->flows->inflight;
    struct delivery **slot = slot_of(inflight, delivery->packet_identifier);
    assert(*slot == delivery);
    *slot = NULL;
    list_remove(&session->flows->inflight_order, &delivery->node);
    if (--inflight->count > 0 || inflight->capacity <= INFLIGHT_TO_KEEP)
        return;
    free(inflight->slots);
    inflight->slots = NULL;
    inflight->capacity = 0;
}
