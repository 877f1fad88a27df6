/* 4.4 Message delivery retry. Prefix: retry_
 *
 * Only here, when a client comes back to its session, is anything sent a second time [MQTT-4.4.0-1]
 * [MQTT3-4.4.0-1] [D3-4.4-1]: under the original Packet Identifiers, in the original order [MQTT-4.6.0-5]
 * [MQTT3-4.6.0-6], PUBLISH with DUP 1 [MQTT-3.3.1-1] [MQTT3-3.3.1-1], and PUBREL where PUBREC had come. */
#include "3_03_4_publish_forward.h"
#include "4_09_flow_control.h"
#include "actions.h"

/* Whether the message has expired meanwhile plays no part: its delivery has begun [MQTT-4.3.3-7]. */
static void resend_publish(struct broker *broker, struct session *session, struct delivery *delivery)
{
    struct publication publication = publication_of_message(delivery->message);
    const struct forward forward = {.identifiers = delivery->identifiers,
                                    .identifier_count = delivery->identifier_count,
                                    .packet_identifier = delivery->packet_identifier,
                                    .qos = delivery->qos,
                                    .retain = delivery->retain,
                                    .dup = delivery->sent};
    delivery->sent = true;
    inflight_settle(session->flows, delivery);
    const enum forward_outcome outcome = forward_publish(broker, session->connection, &publication, &forward);
    publication_end(&publication);
    if (outcome != FORWARD_TOO_LARGE)
        return;
    inflight_remove(session,
                    delivery); /* [MQTT-3.1.2-25]: the new connection takes less than the old one did */
    delivery_destroy(broker, delivery);
    broker->statistics.messages_dropped++;
}

/* Nothing was sent on this connection yet: every PUBLISH in flight is to be sent again. */
static void mark_unsent(struct flows *flows)
{
    flows->unsent = 0;
    flows->resume = NULL;
    for (struct list_node *node = flows->inflight_order.last; node; node = node->previous) {
        struct delivery *delivery = LIST_OWNER(node, struct delivery, node);
        delivery->unsent = delivery->state != SENDER_AWAIT_PUBCOMP;
        if (!delivery->unsent)
            continue;
        flows->unsent++;
        flows->resume = node;
    }
}

/* [MQTT-4.9.0-2] [MQTT-3.3.4-9] the new connection's window may be smaller than the old one's was */
static bool may_resend(const struct broker *broker, const struct session *session)
{
    return session_online(session) && flow_may_send(session) && flow_has_room(broker, session->connection);
}

void retry_continue(struct broker *broker, struct session *session)
{
    while (session_flows(session)->resume && may_resend(broker, session))
        resend_publish(broker, session, LIST_OWNER(session->flows->resume, struct delivery, node));
}

void retry_resume(struct broker *broker, struct session *session)
{
    struct flows *flows = session->flows;
    if (!flows)
        return;
    mark_unsent(flows);
    struct list_node *next;
    for (struct list_node *node = flows->inflight_order.first; node && session_online(session); node = next) {
        struct delivery *delivery = LIST_OWNER(node, struct delivery, node);
        next = node->next;
        if (delivery->state == SENDER_AWAIT_PUBCOMP) /* [MQTT-4.9.0-3] never held back */
            connection_acknowledge(broker, session->connection, PACKET_PUBREL, delivery->packet_identifier,
                                   REASON_SUCCESS);
        else if (may_resend(broker, session))
            resend_publish(broker, session, delivery);
    }
}
