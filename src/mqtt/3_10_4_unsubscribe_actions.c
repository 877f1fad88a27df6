/* 3.10.4 UNSUBSCRIBE Actions. Prefix: unsubscribe_ */
#include <stdlib.h>

#include "actions.h"

/* [MQTT-3.10.4-4] [MQTT-3.10.4-5] [MQTT-3.10.4-6] [MQTT-3.11.3-1] [MQTT-3.11.3-2] [D-3.11.3-1]
 * [MQTT3-3.10.4-4] [MQTT3-3.10.4-5] [MQTT3-3.10.4-6] */
static void send_unsuback(struct broker *broker, struct connection *connection, uint16_t packet_identifier,
                          struct bytes reason_codes)
{
    struct packet unsuback = {.type = PACKET_UNSUBACK, .flags = 0};
    unsuback.suback.packet_identifier = packet_identifier;
    unsuback.suback.reason_codes = connection_is_5_0(connection) ? reason_codes : (struct bytes){NULL, 0};
    properties_clear(&unsuback.suback.properties);
    connection_send(broker, connection, &unsuback);
}

/* One Topic Filter of the packet. */
static uint8_t remove_one(struct broker *broker, struct session *session, struct bytes topic_filter,
                          bool five)
{
    if (!storing_reserve_subscription(broker, session, topic_filter))
        return REASON_UNSPECIFIED_ERROR;
    /* [MQTT-3.10.4-1] [MQTT-3.10.4-2] [MQTT3-3.10.4-1] [MQTT3-3.10.4-2]; what is queued or in flight is
     * not touched [MQTT-3.10.4-3] [MQTT3-3.10.4-3] [D-3.10.4-1, D3-3.10.4-1] */
    struct subscriptions *subscriptions = broker->subscriptions;
    if (!subscriptions_remove(subscriptions, &session->subscriber, topic_filter, five) &&
        !subscriptions_remove(subscriptions, &session->subscriber, topic_filter,
                              !five)) /* of a time when the client spoke another version */
        return REASON_NO_SUBSCRIPTION_EXISTED;
    storing_unsubscribed(broker, session, topic_filter);
    return REASON_SUCCESS;
}

struct verdict unsubscribe_actions(struct broker *broker, struct connection *connection,
                                   const struct packet *packet)
{
    const struct unsubscribe *unsubscribe = &packet->unsubscribe;
    const bool five = connection_is_5_0(connection);
    /* 4.1.1: UNSUBACK would promise what is not stored; that of 3.1.1 has no other word for it */
    const bool refused = storing_in_trouble(broker) && connection->session->durable;
    if (refused && !five)
        return refuse(MQTT3_4_8_0_2, REASON_QUOTA_EXCEEDED, 0,
                      "the end of a subscription cannot be stored now");
    uint8_t *reason_codes = malloc(unsubscribe->count);
    if (!reason_codes)
        return refuse(five ? MQTT_4_13_2_1 : MQTT3_4_8_0_2, REASON_QUOTA_EXCEEDED, 0,
                      "no memory for the answer to UNSUBSCRIBE");

    struct bytes rest = unsubscribe->payload;
    struct bytes topic_filter;
    for (uint32_t i = 0; unsubscribe_next(&rest, &topic_filter); i++) {
        reason_codes[i] = refused ? REASON_IMPLEMENTATION_SPECIFIC_ERROR
                                  : remove_one(broker, connection->session, topic_filter, five);
    }
    send_unsuback(broker, connection, unsubscribe->packet_identifier,
                  bytes_of(reason_codes, unsubscribe->count));
    free(reason_codes);
    return accept();
}
