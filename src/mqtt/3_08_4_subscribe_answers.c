/* 3.8.4 The retained messages that answer a SUBSCRIBE. Prefix: answers_ */
#include "3_08_4_subscribe_answers.h"

#include <stdlib.h>

#include "4_06_message_ordering.h"
#include "4_09_flow_control.h"
#include "5_4_2_authorization.h"
#include "broker_state.h"

/* One SUBSCRIBE that is being answered. */
struct answer {
    struct answer *next;
    struct bytes rest;         /* of its payload, behind the present filter */
    const uint8_t *granted;    /* of the filters that are left, the present one first */
    struct bytes filter;       /* the present one; NULL: the next one is to be taken */
    struct retained_walk walk; /* for the present filter */
    uint32_t identifier;       /* Subscription Identifier, 0: none */
    uint32_t size;             /* of `copy` */
    uint8_t qos;
    bool five;
    bool old; /* time has passed since its SUBACK: the subscription may be gone */
    uint8_t copy[];
};

struct delivering {
    struct broker *broker;
    struct session *session;
    const struct answer *answer;
};

/* Whether the client may be given more. */
static bool has_room(void *context)
{
    const struct delivering *delivering = context;
    const struct session *session = delivering->session;
    return session_online(session) && session_flows(session)->queued_answers < ANSWERS_QUEUED;
}

static bool deliver(void *context, struct message *message)
{
    const struct delivering *delivering = context;
    struct broker *broker = delivering->broker;
    const struct answer *answer = delivering->answer;
    if (message->expires_at <= broker->now) /* [MQTT-3.3.2-5] */
        return true;
    if (!authorization_receive(broker, delivering->session, message_topic(message)))
        return true;
    struct publication publication = publication_of_message(message);
    const struct forward forward = {
        .identifiers = &answer->identifier,
        .identifier_count = answer->identifier ? 1 : 0,
        .qos = message->qos < answer->qos ? message->qos : answer->qos,
        .retain = true, /* [MQTT3-3.3.1-8] [D-3.3.1.3-2] [D-3.8.3.1-3] */
    };
    if (!ordering_deliver(broker, delivering->session, &publication, &forward, true))
        broker_log(broker, LOG_ERROR, delivering->session->connection,
                   "out of memory, a retained message was not delivered", NULL);
    publication_end(&publication);
    return true;
}

/* Takes the next filter that is to be answered. False: there is none left. What the client has unsubscribed from
 * meanwhile is passed over [MQTT-3.10.4-2] [MQTT3-3.10.4-2]. */
static bool next_filter(struct broker *broker, const struct session *session, struct answer *answer,
                        uint32_t *budget)
{
    struct subscription_request request;
    while (subscribe_next(&answer->rest, &request)) {
        answer->qos = *answer->granted++;
        if (answer->qos == ANSWERS_NONE)
            continue;
        *budget -= *budget > 0;
        answer->filter = request.topic_filter;
        if (!answer->old ||
            subscriptions_has(broker->subscriptions, &session->subscriber, answer->filter, answer->five))
            return true;
    }
    return false;
}

/* Goes on with an answer. Whether it is complete. */
static bool run(struct broker *broker, struct session *session, struct answer *answer, uint32_t *budget)
{
    struct delivering delivering = {.broker = broker, .session = session, .answer = answer};
    if (answer->filter.data && answer->old &&
        !subscriptions_has(broker->subscriptions, &session->subscriber, answer->filter, answer->five)) {
        retained_walk_abandon(broker->retained, &answer->walk);
        answer->filter = (struct bytes){NULL, 0};
    }
    while (*budget > 0 && has_room(&delivering)) {
        if (!answer->filter.data && !next_filter(broker, session, answer, budget))
            return true;
        if (!retained_walk(broker->retained, &answer->walk, answer->filter, budget, has_room, deliver,
                           &delivering))
            return false;
        answer->filter = (struct bytes){NULL, 0};
    }
    return !answer->filter.data && answer->rest.length == 0;
}

bool answers_room(const struct session *session, size_t size)
{
    const struct flows *flows = session_flows(session);
    return !flows->answers || flows->answers_size + size <= ANSWERS_WAITING;
}

/* A copy that lives on when the packet is gone. NULL: no memory. */
static struct answer *keep(const struct answer *answer, uint32_t granted_count)
{
    const size_t size = answer->filter.length + answer->rest.length + granted_count;
    struct answer *kept = malloc(sizeof *kept + size);
    if (!kept)
        return NULL;
    *kept = *answer;
    kept->size = (uint32_t)size;
    struct writer writer = writer_into(kept->copy, size);
    write_raw(&writer, answer->filter.data, answer->filter.length);
    write_raw(&writer, answer->rest.data, answer->rest.length);
    write_raw(&writer, answer->granted, granted_count);
    if (answer->filter.data)
        kept->filter = bytes_of(kept->copy, answer->filter.length);
    kept->rest = bytes_of(kept->copy + answer->filter.length, answer->rest.length);
    kept->granted = kept->copy + answer->filter.length + answer->rest.length;
    return kept;
}

/* Somebody has to go on with it: the client by reading, or answers_work. */
static void wait_for_turn(struct broker *broker, struct session *session)
{
    struct flows *flows = session->flows;
    if (flows->answers_listed)
        return;
    flows->answers_listed = true;
    list_append(&broker->answering, &flows->answers_node);
}

static void leave_turn(struct broker *broker, struct flows *flows)
{
    if (!flows->answers_listed)
        return;
    flows->answers_listed = false;
    list_remove(&broker->answering, &flows->answers_node);
}

static void append(struct session *session, struct answer *answer)
{
    struct flows *flows = session->flows;
    struct answer **last = &flows->answers;
    while (*last)
        last = &(*last)->next;
    *last = answer;
    flows->answers_size += answer->size;
}

static bool wants_any(const struct subscribe *subscribe, const uint8_t *granted)
{
    for (uint32_t i = 0; i < subscribe->count; i++)
        if (granted[i] != ANSWERS_NONE)
            return true;
    return false;
}

void answers_begin(struct broker *broker, struct connection *connection, const struct subscribe *subscribe,
                   uint32_t identifier, const uint8_t *granted)
{
    struct session *session = connection->session;
    struct answer answer = {.rest = subscribe->payload,
                            .granted = granted,
                            .identifier = identifier,
                            .five = connection_is_5_0(connection)};
    uint32_t budget = ANSWERS_STEP;
    if (!session || !wants_any(subscribe, granted))
        return;
    if (!session_flows(session)->answers && run(broker, session, &answer, &budget))
        return;
    answer.old = true;
    const uint32_t left = subscribe->count - (uint32_t)(answer.granted - granted);
    struct flows *flows = session_change_flows(session);
    struct answer *kept = flows ? keep(&answer, left) : NULL;
    if (!kept) {
        retained_walk_abandon(broker->retained, &answer.walk);
        broker_log(broker, LOG_ERROR, connection, "out of memory, retained messages were not delivered",
                   NULL);
        return;
    }
    flows->session = session;
    append(session, kept);
    if (budget == 0) /* else it waits for the client, or for an answer before it */
        wait_for_turn(broker, session);
}

static void forget_first(struct flows *flows)
{
    struct answer *answer = flows->answers;
    flows->answers = answer->next;
    flows->answers_size -= answer->size;
    free(answer);
}

void answers_continue(struct broker *broker, struct session *session)
{
    struct flows *flows = session->flows;
    if (!flows || !flows->answers)
        return;
    uint32_t budget = ANSWERS_STEP;
    while (flows->answers && run(broker, session, flows->answers, &budget))
        forget_first(flows);
    if (flows->answers && budget == 0)
        wait_for_turn(broker, session); /* it waits for nobody but us */
    else
        leave_turn(broker, flows);
}

void answers_work(struct broker *broker)
{
    if (list_empty(&broker->answering))
        return;
    struct flows *flows = LIST_OWNER(broker->answering.first, struct flows, answers_node);
    leave_turn(broker, flows);
    answers_continue(broker, flows->session);
}

void answers_clear(struct broker *broker, struct session *session)
{
    struct flows *flows = session->flows;
    while (flows->answers) {
        retained_walk_abandon(broker->retained, &flows->answers->walk);
        forget_first(flows);
    }
    leave_turn(broker, flows);
}
