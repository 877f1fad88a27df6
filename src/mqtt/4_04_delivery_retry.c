/* 4.4 Message delivery retry. Prefix: retry_
 *
 * Only here, when a client comes back to its session, is anything sent a second time [MQTT-4.4.0-1] [MQTT3-4.4.0-1]: under the original Packet
 * Identifiers, in the original order [MQTT-4.6.0-1] [MQTT3-4.6.0-6], PUBLISH with DUP 1 [MQTT-3.3.1-1] [MQTT3-3.3.1-1], and PUBREL where PUBREC
 * had come. */
#include "3_03_4_publish_forward.h"
#include "actions.h"

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
    const enum forward_outcome outcome = forward_publish(broker, session->connection, &publication, &forward);
    publication_end(&publication);
    if (outcome != FORWARD_TOO_LARGE)
        return;
    inflight_remove(session, delivery); /* [MQTT-3.1.2-25]: the new connection takes less than the old one did */
    delivery_destroy(delivery);
    broker->statistics.messages_dropped++;
}

void retry_resume(struct broker *broker, struct session *session)
{
    struct list_node *next;
    for (struct list_node *node = session_flows(session)->inflight_order.first; node && session_online(session); node = next) {
        struct delivery *delivery = LIST_OWNER(node, struct delivery, node);
        next = node->next;
        if (delivery->state == SENDER_AWAIT_PUBCOMP)
            connection_acknowledge(broker, session->connection, PACKET_PUBREL, delivery->packet_identifier,
                                   REASON_SUCCESS);
        else
            resend_publish(broker, session, delivery);
    }
}
