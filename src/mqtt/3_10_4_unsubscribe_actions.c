/* 3.10.4 UNSUBSCRIBE Actions. Prefix: unsubscribe_ */
#include <stdlib.h>

#include "4_13_handling_errors.h"
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

/* An UNSUBSCRIBE that is being acted upon. One of a great many Topic Filters takes time that others need, too: after
 * some of them it waits for its next turn, as a copy, and so does all that its client has sent behind it. */
struct unsubscribing {
    struct list_node node; /* in broker.unsubscribing */
    struct connection *connection;
    struct bytes rest;     /* of the payload */
    uint8_t *reason_codes; /* of all filters */
    uint32_t count, done;  /* filters */
    uint16_t packet_identifier;
    bool changed;   /* a subscription has ended that was stored, 4.1.1 */
    uint8_t copy[]; /* of the payload, then the reason codes */
};

enum { FILTERS_AT_ONCE = 10000 };

/* Takes up to FILTERS_AT_ONCE filters. */
static struct verdict run(struct broker *broker, struct unsubscribing *work)
{
    struct connection *connection = work->connection;
    const bool five = connection_is_5_0(connection);
    /* 4.1.1: UNSUBACK would promise what is not stored; that of 3.1.1 has no other word for it */
    const bool refused = storing_in_trouble(broker) && connection->session->durable;
    struct bytes topic_filter;
    if (refused && !five)
        return refuse(MQTT3_4_8_0_2, REASON_QUOTA_EXCEEDED, 0,
                      "the end of a subscription cannot be stored now");
    for (uint32_t i = 0; i < FILTERS_AT_ONCE && unsubscribe_next(&work->rest, &topic_filter); i++)
        work->reason_codes[work->done++] = refused
                                               ? REASON_IMPLEMENTATION_SPECIFIC_ERROR
                                               : remove_one(broker, connection->session, topic_filter, five);
    work->changed = work->changed || broker->storing.packet_changed;
    return accept();
}

static void answer(struct broker *broker, const struct unsubscribing *work)
{
    broker->storing.packet_changed = work->changed;
    send_unsuback(broker, work->connection, work->packet_identifier,
                  bytes_of(work->reason_codes, work->count));
}

/* The rest of `begun` for later. Its reason codes are the copy's from now on. False: no memory. */
static bool put_off(struct broker *broker, const struct unsubscribing *begun)
{
    struct unsubscribing *work = malloc(sizeof *work + begun->rest.length);
    if (!work)
        return false;
    *work = *begun;
    memcpy(work->copy, begun->rest.data, begun->rest.length);
    work->rest = bytes_of(work->copy, begun->rest.length);
    work->connection->unsubscribes = true;
    list_append(&broker->unsubscribing, &work->node);
    connection_mark_ready(broker,
                          work->connection); /* it wants no input any more, which the host has to see */
    return true;
}

static void end(struct broker *broker, struct unsubscribing *work)
{
    work->connection->unsubscribes = false;
    list_remove(&broker->unsubscribing, &work->node);
    free(work->reason_codes);
    free(work);
}

struct verdict unsubscribe_actions(struct broker *broker, struct connection *connection,
                                   const struct packet *packet)
{
    const struct unsubscribe *unsubscribe = &packet->unsubscribe;
    const struct verdict no_memory =
        refuse(connection_is_5_0(connection) ? MQTT_4_13_2_1 : MQTT3_4_8_0_2, REASON_QUOTA_EXCEEDED, 0,
               "no memory for the answer to UNSUBSCRIBE");
    struct unsubscribing work = {.connection = connection,
                                 .rest = unsubscribe->payload,
                                 .reason_codes = malloc(unsubscribe->count),
                                 .count = unsubscribe->count,
                                 .packet_identifier = unsubscribe->packet_identifier};
    if (!work.reason_codes)
        return no_memory;
    struct verdict verdict = run(broker, &work);
    if (!verdict.refused && work.done < work.count) {
        if (put_off(broker, &work))
            return accept();
        verdict = no_memory;
    }
    if (!verdict.refused)
        answer(broker, &work);
    free(work.reason_codes);
    return verdict;
}

struct connection *unsubscribe_work(struct broker *broker)
{
    if (list_empty(&broker->unsubscribing))
        return NULL;
    struct unsubscribing *work = LIST_OWNER(broker->unsubscribing.first, struct unsubscribing, node);
    struct connection *connection = work->connection;
    list_remove(&broker->unsubscribing, &work->node);
    list_append(&broker->unsubscribing, &work->node); /* the others are next */
    if (connection->state == CONNECTION_CLOSING) {    /* nobody waits for it any more */
        end(broker, work);
        return NULL;
    }
    broker->storing.packet_changed = false;
    const struct verdict verdict = run(broker, work);
    if (!verdict.refused && work->done < work->count)
        return NULL;
    if (verdict.refused)
        errors_refuse(broker, connection, PACKET_UNSUBSCRIBE, verdict);
    else
        answer(broker, work);
    end(broker, work);
    return connection;
}

void unsubscribe_abandon(struct broker *broker, struct connection *connection)
{
    struct list_node *node = connection->unsubscribes ? broker->unsubscribing.first : NULL;
    while (node) {
        struct unsubscribing *work = LIST_OWNER(node, struct unsubscribing, node);
        node = node->next;
        if (work->connection == connection)
            end(broker, work);
    }
}
