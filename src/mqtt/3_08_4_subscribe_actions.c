/* 3.8.4 SUBSCRIBE Actions. Prefix: subscribe_ */
#include <stdlib.h>

#include "3_02_2_3_features.h"
#include "3_08_4_subscribe_answers.h"
#include "5_4_2_authorization.h"
#include "actions.h"

/* What became of one Topic Filter [D-3.9.3-1, D3-3.9.3-1]. */
struct granted {
    uint8_t reason_code;
    bool is_new; /* no subscription with this Topic Filter before */
};

/* The answer to a whole SUBSCRIBE, each member with an entry per filter. */
struct answers {
    uint8_t *reason_codes;
    uint8_t *told; /* what SUBACK says */
    bool *is_new;
};

/* [MQTT-3.8.4-3] "$share/..." is a Shared Subscription in 5.0 and an ordinary filter before. For a session that
 * has changed its version the new meaning replaces the old one: it has each Topic Filter once, here as in the
 * store. */
static void replace_other_meaning(struct broker *broker, struct session *session, struct bytes filter,
                                  bool five)
{
    struct bytes share_name, inner;
    if (topic_filter_shared(filter, &share_name, &inner))
        subscriptions_remove(broker->subscriptions, &session->subscriber, filter, !five);
}

/* Each gets the Subscription Identifier of the packet, or none [D-3.8.2.1.2-2] [D-3.8.2.1.2-4]. */
static struct granted grant(struct broker *broker, struct connection *connection,
                            const struct subscription_request *request, uint32_t identifier)
{
    const bool five = connection_is_5_0(connection);
    /* [MQTT-3.2.2-10] [D-3.8.4-6] granted less, not refused */
    const uint8_t maximum_qos = broker->settings.maximum_qos;
    const uint8_t qos = request->qos < maximum_qos ? request->qos : maximum_qos;
    /* [MQTT3-3.8.3-2] unless they are switched off, all wildcards are granted [S3-3.8.3-1] [R-3.2.2.3.11-2] */
    if (!five && !features_allow_filter(&broker->settings, request->topic_filter))
        return (struct granted){.reason_code = REASON_UNSPECIFIED_ERROR};
    struct session *session = connection->session;
    const struct granted quota = {.reason_code = five ? REASON_QUOTA_EXCEEDED : REASON_UNSPECIFIED_ERROR};
    if (storing_in_trouble(broker) && session->durable) /* 4.1.1: SUBACK would promise what is not stored */
        return quota;
    /* 5.4.2: SUBACK tells, in 3.1.1 as well [MQTT3-3.8.4-5] */
    if (!authorization_subscribe(broker, session, request->topic_filter, request->qos))
        return (struct granted){.reason_code = five ? REASON_NOT_AUTHORIZED : REASON_UNSPECIFIED_ERROR};
    const enum reason_code beyond = limits_subscribe(broker, connection, request->topic_filter); /* 5.4.8 */
    if (beyond != REASON_SUCCESS)
        return (struct granted){.reason_code = five ? (uint8_t)beyond : REASON_UNSPECIFIED_ERROR};
    if (!storing_reserve_subscription(broker, session, request->topic_filter))
        return quota;
    const struct subscription_options options = {.identifier = identifier,
                                                 .qos = qos,
                                                 .no_local = request->no_local,
                                                 .retain_as_published = request->retain_as_published,
                                                 .retain_handling = request->retain_handling};
    const enum subscriptions_outcome outcome =
        subscriptions_put(broker->subscriptions, &session->subscriber, request->topic_filter, five, &options);
    if (outcome == SUBSCRIPTION_NO_MEMORY)
        return quota;
    replace_other_meaning(broker, session, request->topic_filter, five);
    storing_subscribed(broker, session, request->topic_filter, &options,
                       five ? subscriptions_group(broker->subscriptions, request->topic_filter) : 0);
    /* not new: [MQTT-3.8.4-3] [MQTT-3.8.4-4] [MQTT3-3.8.4-3] */
    return (struct granted){.reason_code = qos, .is_new = outcome == SUBSCRIPTION_ADDED};
}

/* Retained messages for a subscription, 3.3.1.3 [D-3.3.1.3-1] [D-3.8.4-3, D3-3.8.4-2] */

/* [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11] [MQTT3-3.3.1-6]; Retain Handling plays a part here and
 * nowhere else [D-3.8.3.1-4] */
static bool wants_retained(const struct connection *connection, const struct subscription_request *request,
                           bool is_new)
{
    struct bytes share_name, inner;
    if (connection_is_5_0(connection) && topic_filter_shared(request->topic_filter, &share_name, &inner))
        return false; /* [D-4.8.2-3] [D-4.8.2-6] */
    return request->retain_handling == 0 || (request->retain_handling == 1 && is_new);
}

/* Whether it takes a look at more than the packet to know that no retained messages are wanted. */
static bool may_want_retained(const struct subscription_request *request)
{
    return request->retain_handling != 2;
}

static struct granted put_off(struct broker *broker, const struct connection *connection,
                              enum broker_limit limit)
{
    limits_refused(broker, connection, limit);
    return (struct granted){.reason_code = connection_is_5_0(connection) ? REASON_QUOTA_EXCEEDED
                                                                         : REASON_UNSPECIFIED_ERROR};
}

/* All filters from number `first` on, of which there may be millions, at once. */
static void put_off_rest(struct broker *broker, const struct connection *connection,
                         const struct answers *answers, uint32_t first, uint32_t count)
{
    if (first == count)
        return;
    const struct granted granted = put_off(broker, connection, LIMIT_SUBSCRIPTIONS_OF_SESSION);
    broker->statistics.refused[LIMIT_SUBSCRIPTIONS_OF_SESSION] += count - first - 1;
    memset(answers->reason_codes + first, granted.reason_code, count - first);
    memset(answers->is_new + first, false, count - first);
}

/* Turns the answers into what is to be delivered for each filter: its QoS, or nothing. */
static void send_retained(struct broker *broker, struct connection *connection,
                          const struct subscribe *subscribe, uint32_t identifier,
                          const struct answers *answers, uint32_t looked_at)
{
    struct bytes rest = subscribe->payload;
    struct subscription_request request;
    memset(answers->reason_codes + looked_at, ANSWERS_NONE, subscribe->count - looked_at);
    for (uint32_t i = 0; i < looked_at && subscribe_next(&rest, &request); i++)
        if (answers->reason_codes[i] >= REASON_UNSPECIFIED_ERROR ||
            !wants_retained(connection, &request, answers->is_new[i]))
            answers->reason_codes[i] = ANSWERS_NONE;
    answers_begin(broker, connection, subscribe, identifier, answers->reason_codes);
}

/* Writes what SUBACK says. 3.1 has no code for a failure: QoS 0 is granted in form (spec/mqtt-3.1.md). */
static void put_in_words(struct broker *broker, const struct connection *connection,
                         const struct answers *answers, uint32_t count)
{
    const bool silent = connection->version == PROTOCOL_3_1;
    bool hidden = false;
    for (uint32_t i = 0; i < count; i++) {
        const bool hide = silent && answers->reason_codes[i] >= REASON_UNSPECIFIED_ERROR;
        answers->told[i] = hide ? 0 : answers->reason_codes[i];
        hidden = hidden || hide;
    }
    if (hidden)
        broker_log(broker, LOG_NOTICE, connection,
                   "a subscription was refused, which MQTT 3.1 cannot tell: it is acknowledged with QoS 0",
                   NULL);
}

/* One SUBACK for all, in the order of the Topic Filters. The Packet Identifier is free again [D-2.2.1-2]. It
 * goes before the messages, though [D-3.8.4-1, D3-3.8.4-1] would let it come later.
 * [MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-3.8.4-5] [MQTT-3.8.4-6] [MQTT-3.8.4-7] [MQTT-3.9.3-1] [MQTT-3.9.3-2]
 * [MQTT3-3.8.4-1] [MQTT3-3.8.4-2] [MQTT3-3.8.4-4] [MQTT3-3.8.4-5] [MQTT3-3.9.3-1] [MQTT3-3.9.3-2] */
static void send_suback(struct broker *broker, struct connection *connection,
                        const struct subscribe *subscribe, const struct answers *answers)
{
    struct packet suback = {.type = PACKET_SUBACK, .flags = 0};
    put_in_words(broker, connection, answers, subscribe->count);
    suback.suback.packet_identifier = subscribe->packet_identifier;
    suback.suback.reason_codes = bytes_of(answers->told, subscribe->count);
    properties_clear(&suback.suback.properties);
    connection_send(broker, connection, &suback);
}

struct verdict subscribe_actions(struct broker *broker, struct connection *connection,
                                 const struct packet *packet)
{
    const struct subscribe *subscribe = &packet->subscribe;
    if (connection_is_5_0(connection)) {
        GUARD(features_check_subscribe(&broker->settings, packet));
    }
    const uint32_t identifier = properties_number(&subscribe->properties, ORDINAL_SUBSCRIPTION_IDENTIFIER, 0);
    uint8_t *memory = malloc((size_t)subscribe->count * 3);
    if (!memory)
        return refuse(connection_is_5_0(connection) ? MQTT_4_13_2_1 : MQTT3_4_8_0_2, REASON_QUOTA_EXCEEDED, 0,
                      "no memory for the answer to SUBSCRIBE");
    const struct answers answers = {.reason_codes = memory,
                                    .told = memory + subscribe->count,
                                    .is_new = (bool *)(memory + (size_t)subscribe->count * 2)};

    /* 5.4.8: who has not read what he asked for before cannot ask for more */
    const uint32_t most = limits_filters(broker);
    const bool patient = answers_room(connection->session, subscribe->payload.length);
    struct bytes rest = subscribe->payload;
    struct subscription_request request;
    const uint32_t looked_at = subscribe->count < most ? subscribe->count : most;
    for (uint32_t i = 0; i < looked_at && subscribe_next(&rest, &request); i++) {
        struct granted granted;
        if (!patient && may_want_retained(&request))
            granted = put_off(broker, connection, LIMIT_ANSWERS);
        else
            granted = grant(broker, connection, &request, identifier);
        answers.reason_codes[i] = granted.reason_code;
        answers.is_new[i] = granted.is_new;
    }
    put_off_rest(broker, connection, &answers, looked_at, subscribe->count);
    send_suback(broker, connection, subscribe, &answers);
    send_retained(broker, connection, subscribe, identifier, &answers, looked_at);
    free(memory);
    return accept();
}
