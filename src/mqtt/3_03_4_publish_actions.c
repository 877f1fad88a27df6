/* 3.3.4 PUBLISH Actions, and the acknowledgements of 3.4 to 3.7 that belong to them. Prefix: publish_ */
#include <assert.h>
#include <stdlib.h>

#include "3_03_2_3_4_topic_alias.h"
#include "3_03_4_publish_forward.h"
#include "3_02_2_3_features.h"
#include "4_06_message_ordering.h"
#include "4_09_flow_control.h"
#include "4_13_handling_errors.h"
#include "5_4_2_authorization.h"
#include "actions.h"

/* Receiving: 3.3.4 */

/* What belongs to one hop and is not passed on as it is. */
#define NOT_FORWARDED (1U << ORDINAL_MESSAGE_EXPIRY_INTERVAL | 1U << ORDINAL_TOPIC_ALIAS)

/* [MQTT-3.3.2-5] the moment at which the message expires */
static uint64_t expiry_of(const struct broker *broker, const struct publish *publish)
{
    const uint32_t longest = broker->settings.maximum_message_expiry;
    if (!properties_has(&publish->properties, ORDINAL_MESSAGE_EXPIRY_INTERVAL)) /* [D-3.3.2.3.3-1] */
        return longest ? broker->now + (uint64_t)longest * 1000 : EXPIRES_NEVER;
    uint32_t interval = publish->properties.value[ORDINAL_MESSAGE_EXPIRY_INTERVAL].number;
    if (longest && interval > longest)
        interval = longest;
    return broker->now + (uint64_t)interval * 1000;
}

/* A retained message that expires does so by itself, not only when somebody asks for it. */
struct retained_expiry {
    struct timer timer;
    struct message *message; /* the retained tree holds the reference */
};

bool retained_arm_expiry(struct broker *broker, struct message *message)
{
    struct retained_expiry *expiry = malloc(sizeof *expiry);
    if (!expiry || !broker_reserve_timers(broker)) {
        free(expiry);
        return false;
    }
    *expiry = (struct retained_expiry){.timer = {.kind = TIMER_RETAINED}, .message = message};
    message->retained_expiry = expiry;
    broker->retained_expiring++;
    timer_heap_set(&broker->timers, &expiry->timer, message->expires_at);
    return true;
}

void retained_release(struct broker *broker, struct message *message)
{
    broker->retained_bytes -= limits_retained_size(message);
    if (message->retained_expiry) {
        timer_heap_cancel(&broker->timers, &message->retained_expiry->timer);
        free(message->retained_expiry);
        message->retained_expiry = NULL;
        broker->retained_expiring--;
    }
    storing_unretained(broker, message);
    message_release(message);
}

/* [D-3.3.1.3-3] */
void retained_timer_expired(struct broker *broker, struct timer *timer)
{
    struct retained_expiry *expiry = LIST_OWNER(timer, struct retained_expiry, timer);
    struct message *removed = retained_remove(broker->retained, message_topic(expiry->message));
    assert(removed == expiry->message);
    retained_release(broker, removed);
}

/* Takes the publication's message into the retained tree. */
static bool put_retained(struct broker *broker, struct publication *publication, struct message **previous)
{
    struct message *message = publication_message(publication);
    if (!message)
        return false;
    message_share(message);
    broker->retained_bytes += limits_retained_size(message);
    if ((message->expires_at == EXPIRES_NEVER || retained_arm_expiry(broker, message)) &&
        retained_put(broker->retained, publication->topic, message, previous)) {
        storing_retained(broker, message);
        return true;
    }
    retained_release(broker, message);
    return false;
}

/* At QoS 0 as well [S-3.3.1.3-1]. */
static bool set_retained(struct broker *broker, struct publication *publication)
{
    struct message *previous = NULL;
    if (publication->payload.length ==
        0) { /* [MQTT-3.3.1-6] [MQTT-3.3.1-7] [MQTT3-3.3.1-10] [MQTT3-3.3.1-11] */
        previous = retained_remove(broker->retained, publication->topic);
        if (!previous)
            storing_no_retained(broker);
    } else if (!put_retained(broker, publication,
                             &previous)) { /* [MQTT-3.3.1-5] [MQTT3-3.3.1-5] [MQTT3-3.3.1-7] */
        return false;
    }
    if (previous)
        retained_release(broker, previous);
    return true;
}

bool publish_accept(struct broker *broker, struct publication *publication, uint32_t *recipients)
{
    *recipients = 0;
    if (publication->retain &&
        limits_retain(broker, NULL, publication) && /* a Will is published all the same */
        !set_retained(broker, publication))         /* [MQTT-3.3.1-8] [MQTT3-3.3.1-12] only then */
        return false;
    return routing_publish(broker, publication, recipients);
}

/* [MQTT-3.3.4-1] [MQTT3-3.3.4-1]; nothing at QoS 0 [D3-4.3.1-1]; whether the message was accepted [R-4.4-1] */
static void answer(struct broker *broker, struct connection *connection, const struct publish *publish,
                   enum reason_code reason_code)
{
    if (publish->qos == 1) /* [MQTT-4.3.2-4] [MQTT3-4.3.2-2] */
        connection_acknowledge(broker, connection, PACKET_PUBACK, publish->packet_identifier, reason_code);
    else if (publish->qos == 2) /* [MQTT-4.3.3-8] [MQTT3-4.3.3-2] */
        connection_acknowledge(broker, connection, PACKET_PUBREC, publish->packet_identifier, reason_code);
}

/* The QoS 2 identifiers that the client has not released yet, 4.3.3 */

/* What the table of 4.3 says to a packet with this identifier. */
static enum receiver_action receiver_action(const struct session *session, uint16_t identifier,
                                            enum receiver_event event)
{
    const bool received = identifier_set_has(&session_flows(session)->received, identifier);
    return qos_receiver_action(received ? RECEIVER_AWAIT_PUBREL : RECEIVER_FREE, event);
}

static bool remember_received(struct broker *broker, struct session *session, uint16_t identifier)
{
    struct flows *flows = session_change_flows(session);
    if (!flows || !identifier_set_add(&flows->received, identifier))
        return false;
    if (storing_received(broker, session, identifier))
        return true;
    identifier_set_remove(&flows->received, identifier);
    return false;
}

/* False: no memory, it's still remembered. */
static bool forget_received(struct broker *broker, struct session *session, uint16_t identifier)
{
    struct flows *flows = session->flows;
    if (!storing_released(broker, session, identifier))
        return false;
    if (flows && identifier_set_remove(&flows->received, identifier) &&
        flows->received_before > flows->received.count)
        flows->received_before = flows->received.count;
    return true;
}

/* The message could not be kept or passed on to everybody: it isn't ours. A 5.0 client is told, an older one
 * sends it again when it has reconnected [MQTT3-4.8.0-2]. `why` NULL: the log knows. */
static struct verdict decline(struct broker *broker, struct connection *connection,
                              const struct publish *publish, const char *why)
{
    if (why)
        broker_log(broker, LOG_ERROR, connection, why, NULL);
    if (publish->qos == 2 && receiver_action(connection->session, publish->packet_identifier,
                                             RECEIVER_PUBLISH_2) == RECEIVER_REPEAT)
        (void)forget_received(broker, connection->session, publish->packet_identifier); /* [MQTT-4.3.3-9] */
    if (connection_is_5_0(connection))
        answer(broker, connection, publish, REASON_QUOTA_EXCEEDED);
    else if (publish->qos > 0)
        connection_close(broker, connection);
    return accept();
}

static const char no_memory[] = "out of memory, PUBLISH declined";
static const char no_store[] = "PUBLISH declined: the store takes no changes";

/* 4.1.1: whether the answer would promise what cannot be stored at present. At QoS 0 nothing is promised. */
static bool beyond_the_store(struct broker *broker, struct publication *publication)
{
    return storing_in_trouble(broker) && publication->qos > 0 &&
           (publication->retain || routing_needs_store(broker, publication));
}

static struct verdict pass_on(struct broker *broker, struct connection *connection,
                              const struct publish *publish, struct bytes topic)
{
    struct publication publication = {.topic = topic,
                                      .payload = publish->payload,
                                      .expires_at = expiry_of(broker, publish),
                                      .publisher = connection->session,
                                      .qos = publish->qos,
                                      .retain = publish->retain};
    uint8_t *rewritten;
    uint32_t recipients = 0;
    if (beyond_the_store(broker, &publication))
        return decline(broker, connection, publish, no_store);
    if (publication.retain && !limits_retain(broker, connection, &publication)) /* 5.4.8 */
        return decline(broker, connection, publish, NULL);
    const bool done =
        forward_properties(&publish->properties, NOT_FORWARDED, &rewritten, &publication.properties) &&
        publish_accept(broker, &publication, &recipients);
    publication_end(&publication);
    free(rewritten);
    if (!done)
        return decline(broker, connection, publish, no_memory);
    answer(broker, connection, publish, recipients ? REASON_SUCCESS : REASON_NO_MATCHING_SUBSCRIBERS);
    return accept();
}

/* 3.3.2.3.2: whether a payload that is declared to be UTF-8 is, as far as we are told to look */
static bool payload_format_valid(const struct broker *broker, const struct publish *publish)
{
    size_t bad;
    if (!broker->settings.validate_payload_format ||
        properties_number(&publish->properties, ORDINAL_PAYLOAD_FORMAT_INDICATOR, 0) == 0)
        return true;
    return utf8_check(publish->payload, &bad) == UTF8_WELL_FORMED;
}

/* Why this Server doesn't take a PUBLISH that is well-formed; REASON_SUCCESS: it does. */
static enum reason_code objection_to(struct broker *broker, const struct connection *connection,
                                     const struct publish *publish, struct bytes topic)
{
    if (topic.data[0] == '$') /* [S-4.7.2-1, S3-4.7.2-1] such topics are ours, not for clients to talk over */
        return REASON_TOPIC_NAME_INVALID;
    if (!limits_take_topic(broker, connection, topic)) /* 5.4.8 */
        return REASON_TOPIC_NAME_INVALID;
    if (!authorization_publish(broker, connection->session, topic, publish->qos, publish->retain)) /* 5.4.2 */
        return REASON_NOT_AUTHORIZED;
    if (!payload_format_valid(broker, publish)) /* [U-3.3.2.3.2-1] [R-3.3.2.3.2-1] */
        return REASON_PAYLOAD_FORMAT_INVALID;
    if (publish->qos == 1 && receiver_action(connection->session, publish->packet_identifier,
                                             RECEIVER_PUBLISH_1) == RECEIVER_IN_USE)
        return REASON_PACKET_IDENTIFIER_IN_USE; /* a QoS 2 message still has it [D-2.2.1-4] */
    return REASON_SUCCESS;
}

/* A negative acknowledgement, where version and QoS have one. An older client cannot be told: it gets the
 * answer that its QoS demands, and the message goes nowhere [MQTT3-3.3.5-2]. It concerns this packet and
 * nothing else [R-4.13.2-1] [D-4.13.2-1]. */
static struct verdict object(struct broker *broker, struct connection *connection,
                             const struct publish *publish, enum reason_code reason_code)
{
    if (publish->qos == 0 && reason_code == REASON_PAYLOAD_FORMAT_INVALID)
        return refuse(MQTT_4_13_2_1, REASON_PAYLOAD_FORMAT_INVALID, 0,
                      "payload is not the UTF-8 that it says it is");
    broker_log(broker, LOG_NOTICE, connection, reason_code_name(PACKET_PUBACK, (uint8_t)reason_code), NULL);
    broker->statistics.messages_dropped++;
    answer(broker, connection, publish, reason_code);
    return accept();
}

/* 4.3.3: the first PUBLISH with its Packet Identifier is passed on, repetitions are only answered: whatever
 * could be said against them now, the message has been accepted. */
static bool repeats(const struct connection *connection, const struct publish *publish)
{
    return publish->qos == 2 && receiver_action(connection->session, publish->packet_identifier,
                                                RECEIVER_PUBLISH_2) == RECEIVER_REPEAT;
}

static struct verdict receive_qos_2(struct broker *broker, struct connection *connection,
                                    const struct publish *publish, struct bytes topic)
{
    GUARD(flow_check_received(broker, connection->session));
    if (storing_in_trouble(broker) && connection->session->durable)
        return decline(broker, connection, publish, no_store);
    if (!remember_received(broker, connection->session, publish->packet_identifier))
        return decline(broker, connection, publish, no_memory);
    return pass_on(broker, connection, publish, topic);
}

struct verdict publish_actions(struct broker *broker, struct connection *connection,
                               const struct packet *packet)
{
    const struct publish *publish = &packet->publish;
    struct bytes topic;
    broker->statistics.messages_received++;
    GUARD(features_check_publish(&broker->settings, packet));
    GUARD(topic_alias_resolve(&connection->topic_aliases, broker->settings.topic_alias_maximum, publish,
                              &topic));
    if (repeats(connection, publish)) { /* [MQTT-4.3.3-10] */
        answer(broker, connection, publish, REASON_SUCCESS);
        return accept();
    }
    const enum reason_code objection = objection_to(broker, connection, publish, topic);
    if (objection != REASON_SUCCESS)
        return object(broker, connection, publish, objection);
    if (publish->qos == 2)
        return receive_qos_2(broker, connection, publish, topic);
    if (publish->qos == 1) { /* a new message whatever its DUP flag says [MQTT-4.3.2-5] */
        GUARD(flow_check_received(broker, connection->session));
    }
    return pass_on(broker, connection, publish, topic);
}

/* 3.6.4: the client releases a QoS 2 message, expired meanwhile or not [MQTT-4.3.3-13]. [MQTT-4.3.3-11]
 * [MQTT-4.3.3-12] */
struct verdict pubrel_actions(struct broker *broker, struct connection *connection,
                              const struct packet *packet)
{
    const uint16_t identifier = packet->acknowledgement.packet_identifier;
    const enum receiver_action action = receiver_action(connection->session, identifier, RECEIVER_PUBREL);
    if (action == RECEIVER_COMPLETE && !forget_received(broker, connection->session, identifier))
        return refuse(connection_is_5_0(connection) ? MQTT_4_13_2_1 : MQTT3_4_8_0_2, REASON_QUOTA_EXCEEDED, 0,
                      "no memory to note that the message is released");
    connection_acknowledge(broker, connection, PACKET_PUBCOMP, identifier,
                           action == RECEIVER_COMPLETE ? REASON_SUCCESS : REASON_PACKET_IDENTIFIER_NOT_FOUND);
    return accept();
}

/* Sending: the client's answers to what we sent, by the table of 4.3 */

/* The Packet Identifier is free again [R-2.2.1-1] [D-2.2.1-1, D3-4.3.3-1] [D-4.3.2-1, D3-4.3.2-1], and the send
 * quota larger by one [R-4.9-1] [D-4.9-2]. */
static void complete(struct broker *broker, struct session *session, struct delivery *delivery)
{
    inflight_remove(session, delivery);
    delivery_destroy(broker, delivery);
    ordering_pump(broker, session);
}

static void release(struct broker *broker, struct connection *connection, struct delivery *delivery)
{
    delivery_forget_message(broker, delivery); /* [MQTT-4.3.3-6] [MQTT3-4.3.3-1] it is never sent again */
    connection_acknowledge(broker, connection, PACKET_PUBREL, delivery->packet_identifier, REASON_SUCCESS);
}

/* The client answers with the packet of another flow. */
static struct verdict wrong_flow(const struct connection *connection, const struct delivery *delivery)
{
    const bool five = connection_is_5_0(connection);
    if (delivery->qos == 1)
        return refuse(five ? MQTT_4_3_2_4 : MQTT3_4_3_2_2, REASON_PROTOCOL_ERROR, 0,
                      "a message of QoS 1 is acknowledged as if it were of QoS 2");
    return refuse(five ? MQTT_4_3_3_8 : MQTT3_4_3_3_2, REASON_PROTOCOL_ERROR, 0,
                  "a message of QoS 2 is acknowledged out of sequence");
}

static struct verdict on_event(struct broker *broker, struct connection *connection,
                               struct delivery *delivery, enum sender_event event)
{
    const struct sender_transition transition = qos_sender_transition(delivery->state, event);
    switch ((enum sender_action)transition.action) {
    case SENDER_IGNORE:
        break;
    case SENDER_DONE:
        complete(broker, connection->session, delivery);
        break;
    case SENDER_RELEASE:
    case SENDER_RELEASE_AGAIN:
        delivery->state = transition.next;
        inflight_settle(connection->session->flows, delivery);
        storing_delivery_changed(broker, delivery);
        release(broker, connection, delivery);
        break;
    case SENDER_PROTOCOL_ERROR:
        return wrong_flow(connection, delivery);
    }
    return accept();
}

struct verdict puback_actions(struct broker *broker, struct connection *connection,
                              const struct packet *packet)
{
    struct delivery *delivery = inflight_find(connection->session, packet->acknowledgement.packet_identifier);
    if (!delivery)
        return accept(); /* an answer that crossed the end of its message; it harms nobody */
    return on_event(broker, connection, delivery,
                    SENDER_PUBACK); /* [MQTT-4.4.0-2] whatever the Reason Code */
}

struct verdict pubrec_actions(struct broker *broker, struct connection *connection,
                              const struct packet *packet)
{
    const struct acknowledgement *pubrec = &packet->acknowledgement;
    const bool error = pubrec->reason_code >= REASON_UNSPECIFIED_ERROR;
    struct delivery *delivery = inflight_find(connection->session, pubrec->packet_identifier);
    if (delivery)
        return on_event(broker, connection, delivery, error ? SENDER_PUBREC_ERROR : SENDER_PUBREC);
    if (!error) /* so that the client can finish what we do not know */
        connection_acknowledge(broker, connection, PACKET_PUBREL, pubrec->packet_identifier,
                               REASON_PACKET_IDENTIFIER_NOT_FOUND);
    return accept();
}

struct verdict pubcomp_actions(struct broker *broker, struct connection *connection,
                               const struct packet *packet)
{
    struct delivery *delivery = inflight_find(connection->session, packet->acknowledgement.packet_identifier);
    if (!delivery)
        return accept();
    return on_event(broker, connection, delivery, SENDER_PUBCOMP);
}
