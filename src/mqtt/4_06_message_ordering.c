/* 4.6 Message ordering. Prefix: ordering_ */
#include "4_06_message_ordering.h"

#include <assert.h>

#include "3_08_4_subscribe_answers.h"
#include "4_09_flow_control.h"
#include "actions.h"

static bool expired(const struct broker *broker, const struct message *message)
{
    return message->expires_at <= broker->now;
}

/* The queue */

static void queue_count(struct flows *flows, const struct delivery *delivery, int change)
{
    flows->queued += (uint32_t)change;
    if (delivery->qos == 0)
        flows->queued_qos_0 += (uint32_t)change;
    if (delivery->answer)
        flows->queued_answers += (uint32_t)change;
    const uint64_t size = limits_message_size(delivery->message);
    flows->queued_bytes += change > 0 ? size : 0 - size;
}

static void queue_remove(struct session *session, struct delivery *delivery)
{
    list_remove(&session->flows->queue, &delivery->node);
    queue_count(session->flows, delivery, -1);
}

static void queue_put_back(struct session *session, struct delivery *delivery)
{
    list_prepend(&session->flows->queue, &delivery->node);
    queue_count(session->flows, delivery, 1);
}

static struct delivery *queue_first(const struct session *session)
{
    const struct list *queue = &session_flows(session)->queue;
    return list_empty(queue) ? NULL : LIST_OWNER(queue->first, struct delivery, node);
}

/* Whether the queue is full: by number, or by bytes [5.4.8], of which a single message may have any number. */
static bool queue_is_full(const struct broker *broker, const struct session *session)
{
    const struct flows *flows = session_flows(session);
    const uint64_t most = broker->settings.maximum_queued_bytes;
    return flows->queued >= broker->settings.maximum_queued || (most != 0 && flows->queued_bytes >= most);
}

/* Makes room by deleting what has expired at the front of a full queue [MQTT-3.3.2-5]. */
static bool queue_has_room(struct broker *broker, struct session *session)
{
    struct delivery *first = queue_first(session);
    while (queue_is_full(broker, session) && first && expired(broker, first->message)) {
        queue_remove(session, first);
        delivery_destroy(broker, first);
        first = queue_first(session);
    }
    return !queue_is_full(broker, session);
}

/* A full queue loses the message that has waited longest, if it is set so, else the new one. Whether the new
 * one may come in. */
static bool queue_drop(struct broker *broker, struct session *session)
{
    struct delivery *first = queue_first(session);
    broker->statistics.messages_dropped++;
    if (session_flows(session)->queued < broker->settings.maximum_queued)
        limits_refused(broker, session->connection, LIMIT_QUEUED_BYTES);
    if (!broker->settings.drop_oldest || !first)
        return false;
    queue_remove(session, first);
    delivery_destroy(broker, first);
    return true;
}

static struct delivery *make_delivery(struct broker *broker, struct publication *publication,
                                      const struct forward *forward)
{
    struct message *message = publication_message(publication);
    if (!message)
        return NULL;
    struct delivery *delivery = delivery_create(broker, message, forward->qos, forward->retain,
                                                forward->identifiers, forward->identifier_count);
    if (delivery)
        delivery->group = forward->group;
    return delivery;
}

static bool enqueue(struct broker *broker, struct session *session, struct publication *publication,
                    const struct forward *forward, bool keep)
{
    if (!keep && !queue_has_room(broker, session) && !queue_drop(broker, session))
        return true;
    struct flows *flows = session_change_flows(session);
    struct delivery *delivery = flows ? make_delivery(broker, publication, forward) : NULL;
    if (!delivery)
        return false;
    delivery->answer = keep;
    list_append(&flows->queue, &delivery->node);
    queue_count(flows, delivery,
                1); /* [MQTT-4.5.0-1] [MQTT3-4.5.0-1] [MQTT3-3.1.2-5] part of the Session State from now on */
    storing_delivery(broker, session, delivery);
    return true;
}

bool ordering_restore(struct session *session, struct delivery *delivery)
{
    struct flows *flows = session_change_flows(session);
    if (!flows)
        return false;
    list_append(&flows->queue, &delivery->node);
    queue_count(flows, delivery, 1);
    return true;
}

/* Sending */

static void send_qos_0(struct broker *broker, struct session *session, const struct publication *publication,
                       const struct forward *forward)
{
    if (forward_publish(broker, session->connection, publication, forward) != FORWARD_SENT)
        broker->statistics.messages_dropped++;
}

/* Sends a delivery that has just got its Packet Identifier. */
static void send_in_flight(struct broker *broker, struct session *session, struct delivery *delivery,
                           const struct publication *publication)
{
    const struct forward forward = {
        .identifiers = delivery->identifiers,
        .identifier_count = delivery->identifier_count,
        .packet_identifier = delivery->packet_identifier,
        .qos = delivery->qos,
        .retain = delivery->retain,
        .dup = false}; /* [MQTT-4.3.2-2] [MQTT-4.3.3-2] [MQTT3-4.3.2-1] [MQTT3-4.3.3-1] */
    delivery->state = delivery->qos == 1 ? SENDER_AWAIT_PUBACK : SENDER_AWAIT_PUBREC;
    delivery->sent = true;
    storing_delivery_changed(broker, delivery);
    if (forward_publish(broker, session->connection, publication, &forward) != FORWARD_TOO_LARGE)
        return;
    /* [MQTT-3.1.2-25] as if it had been completed; one of a Shared Subscription, too, which no other
     * member is asked to take instead [D-3.1.2.11.4-2] */
    inflight_remove(session, delivery);
    delivery_destroy(broker, delivery);
    broker->statistics.messages_dropped++;
}

static bool send_now(struct broker *broker, struct session *session, struct publication *publication,
                     const struct forward *forward)
{
    struct delivery *delivery = make_delivery(broker, publication, forward);
    if (!delivery)
        return false;
    if (!inflight_add(session, delivery)) {
        delivery_destroy(broker, delivery);
        return false;
    }
    storing_delivery(broker, session, delivery);
    send_in_flight(broker, session, delivery, publication);
    return true;
}

/* Once or not at all [D-4.3.1-1, D3-4.3.1-2]; the send quota plays no part [D-4.9-1]. */
static bool deliver_qos_0(struct broker *broker, struct session *session, struct publication *publication,
                          const struct forward *forward, bool keep)
{
    if (!session_online(session))
        return true; /* [D-4.1-4, D3-3.1.2.4-1, D3-3.1.2.4-7] QoS 0 need not be kept for a client that is away */
    if (session_flows(session)->queued_qos_0 == 0 && flow_has_room(broker, session->connection)) {
        send_qos_0(broker, session, publication, forward);
        return true;
    }
    if (keep || session_flows(session)->queued_qos_0 > 0)
        return enqueue(broker, session, publication, forward, keep);
    broker->statistics.messages_dropped++; /* a client that does not read loses QoS 0, nobody else does */
    return true;
}

bool ordering_deliver(struct broker *broker, struct session *session, struct publication *publication,
                      const struct forward *forward, bool keep)
{
    assert(forward->packet_identifier == 0 && !forward->dup);
    if (forward->qos == 0)
        return deliver_qos_0(broker, session, publication, forward, keep);
    const bool at_once = !session_waiting(session) && session_online(session) && flow_may_send(session) &&
                         flow_has_room(broker, session->connection);
    if (!keep && !limits_hold(broker, session, publication, at_once)) { /* as if the queue were full */
        broker->statistics.messages_dropped++;
        return true;
    }
    if (at_once)
        return send_now(broker, session, publication, forward);
    return enqueue(broker, session, publication, forward, keep);
}

/* Sends the first of the queue. False: it has to wait. */
static bool pump_one(struct broker *broker, struct session *session, struct delivery *delivery)
{
    if (delivery->qos > 0 && !flow_may_send(session))
        return false;
    queue_remove(session, delivery);
    if (delivery->qos > 0 && !inflight_add(session, delivery)) {
        queue_put_back(session, delivery); /* no memory now; the next acknowledgement tries again */
        return false;
    }
    struct publication publication = publication_of_message(delivery->message);
    if (delivery->qos > 0) {
        send_in_flight(broker, session, delivery, &publication);
    } else {
        const struct forward forward = {.identifiers = delivery->identifiers,
                                        .identifier_count = delivery->identifier_count,
                                        .retain = delivery->retain};
        send_qos_0(broker, session, &publication, &forward);
        delivery_destroy(broker, delivery);
    }
    publication_end(&publication);
    return true;
}

void ordering_pump(struct broker *broker, struct session *session)
{
    retry_continue(broker, session); /* goes before everything that was never sent [MQTT-4.6.0-5] */
    while (session_flows(session)->unsent == 0 && session_online(session) &&
           flow_has_room(broker, session->connection)) {
        struct delivery *delivery = queue_first(session);
        if (!delivery)
            break;
        if (expired(broker, delivery->message)) { /* [MQTT-3.3.2-5] */
            queue_remove(session, delivery);
            delivery_destroy(broker, delivery);
        } else if (!pump_one(broker, session, delivery)) {
            break;
        }
    }
    answers_continue(broker, session);
}
