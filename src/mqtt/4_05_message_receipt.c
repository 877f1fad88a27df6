/* 4.5 Message receipt. Prefix: routing_ */
#include "4_05_message_receipt.h"

#include <assert.h>
#include <stdlib.h>

#include "4_06_message_ordering.h"
#include "4_09_flow_control.h"
#include "5_4_2_authorization.h"
#include "broker_state.h"

struct match {
    struct broker *broker;
    struct publication *publication;
    uint64_t only_group; /* look at this Shared Subscription alone; 0: at everything */
    uint64_t group;      /* the one that the tree is asking for now */
};

/* Makes room for one more element in an array of the scratch space. */
static bool make_room(struct routing *routing, void **array, uint32_t count, uint32_t *capacity,
                      size_t element)
{
    if (count < *capacity)
        return true;
    const uint32_t larger = *capacity ? *capacity * 2 : 64;
    void *grown = realloc(*array, larger * element);
    if (!grown) {
        routing->out_of_memory = true;
        return false;
    }
    *array = grown;
    *capacity = larger;
    return true;
}

static struct recipient *add_recipient(struct routing *routing, struct session *session,
                                       const struct subscription_options *options)
{
    void *recipients = routing->recipients;
    if (!make_room(routing, &recipients, routing->recipient_count, &routing->recipient_capacity,
                   sizeof *routing->recipients))
        return NULL;
    routing->recipients = recipients;
    struct recipient *recipient = &routing->recipients[routing->recipient_count++];
    *recipient = (struct recipient){
        .session = session, .qos = options->qos, .retain_as_published = options->retain_as_published};
    return recipient;
}

/* The identifiers of all subscriptions that match, as their SUBSCRIBEs gave them, even if one comes
 * twice, and no others: [MQTT-3.3.4-4] [P-3.3.4-1] [D-3.3.2.3.8-1] [D-3.3.4-2] [D-3.3.4-4] */
static void add_identifier(struct routing *routing, struct recipient *recipient, uint32_t identifier)
{
    if (identifier == 0)
        return;
    void *identifiers = routing->identifiers;
    if (!make_room(routing, &identifiers, routing->identifier_count, &routing->identifier_capacity,
                   sizeof *routing->identifiers))
        return;
    routing->identifiers = identifiers;
    routing->identifiers[routing->identifier_count++] =
        (struct routed_identifier){.identifier = identifier, .next = recipient->first_identifier};
    recipient->first_identifier = routing->identifier_count;
}

/* Whether the session has an entry in the present routing. */
static bool is_recipient(const struct routing *routing, const struct session *session)
{
    /* the second comparison matters once in 2^32 publications, when a turn's number comes again */
    return session->routing_turn == routing->turn && session->routing_slot < routing->recipient_count &&
           routing->recipients[session->routing_slot].session == session;
}

/* A non-shared subscription matches: a new recipient, or one more subscription of a recipient that we have
 * already. */
static void on_match(void *context, struct subscriber *subscriber, const struct subscription_options *options)
{
    const struct match *match = context;
    struct routing *routing = &match->broker->routing;
    struct session *session = session_of_subscriber(subscriber);
    if (match->only_group)
        return;
    if (options->no_local && session == match->publication->publisher) /* [MQTT-3.8.3-3] */
        return;
    if (!authorization_receive(match->broker, session, match->publication->topic))
        return;

    struct recipient *recipient;
    /* [MQTT-3.3.4-5] [D-3.3.4-3, D3-3.3.5-2] separate copies have the identifiers of their own subscriptions */
    if (is_recipient(routing, session) && !match->broker->settings.separate_overlapping) {
        recipient = &routing->recipients[session->routing_slot];
        if (options->qos > recipient->qos) /* [MQTT-3.3.4-2] [MQTT3-3.3.5-1] */
            recipient->qos = options->qos;
        recipient->retain_as_published |= options->retain_as_published;
    } else {
        recipient = add_recipient(routing, session, options);
        if (!recipient)
            return;
        session->routing_turn = routing->turn;
        session->routing_slot = routing->recipient_count - 1;
    }
    add_identifier(routing, recipient, options->identifier);
}

static bool on_group(void *context, uint64_t group)
{
    struct match *match = context;
    match->group = group;
    return !match->only_group || match->only_group == group;
}

/* One more copy, whatever the member has got otherwise [D-4.8.2-19] [D-4.8.2-20]; at the QoS [D-4.8.2-12] and
 * with the identifier [D-3.3.4-5] of its own subscription. */
static void add_shared(const struct match *match, struct subscriber *member,
                       const struct subscription_options *options)
{
    struct routing *routing = &match->broker->routing;
    struct recipient *recipient = add_recipient(routing, session_of_subscriber(member), options);
    if (!recipient)
        return;
    recipient->group = match->group;
    add_identifier(routing, recipient, options->identifier);
}

/* 4.8.2: a member takes the message if it can be sent to it now. */
static bool on_offer(void *context, struct subscriber *member, const struct subscription_options *options)
{
    const struct match *match = context;
    const struct session *session = session_of_subscriber(member);
    if (!session_online(session) || session_waiting(session) ||
        !flow_has_room(match->broker, session->connection))
        return false;
    if (!authorization_receive(match->broker, session, match->publication->topic))
        return false;
    const bool needs_window = options->qos > 0 && match->publication->qos > 0;
    if (needs_window && !flow_may_send(session))
        return false;
    add_shared(match, member, options);
    return true;
}

/* Nobody can take it now: it waits for the member whose turn it was, if that may have it. */
static void on_nobody(void *context, struct subscriber *member, const struct subscription_options *options)
{
    const struct match *match = context;
    if (authorization_receive(match->broker, session_of_subscriber(member), match->publication->topic))
        add_shared(match, member, options);
}

static uint16_t gather_identifiers(struct routing *routing, const struct recipient *recipient)
{
    uint16_t count = 0;
    for (uint32_t at = recipient->first_identifier; at != 0 && count < UINT16_MAX;
         at = routing->identifiers[at - 1].next)
        routing->identifier_list[count++] = routing->identifiers[at - 1].identifier;
    return count;
}

static bool deliver_to(struct broker *broker, struct publication *publication,
                       const struct recipient *recipient)
{
    struct routing *routing = &broker->routing;
    const struct forward forward = {
        .identifiers = routing->identifier_list,
        .group = recipient->group,
        .identifier_count = gather_identifiers(routing, recipient),
        /* [MQTT-3.8.4-8] [MQTT-4.8.2-3] [MQTT3-3.8.4-6] [D3-4.3-3] the lower of published and granted;
         * one copy at QoS 0, too, though [D-3.8.4-7] would allow more of what was published at QoS 1 */
        .qos = publication->qos < recipient->qos ? publication->qos : recipient->qos,
        /* [MQTT-3.3.1-12] [MQTT-3.3.1-13] [MQTT3-3.3.1-9] [D-3.8.3.1-1] [D-3.8.3.1-2]; in 3.1.1 never, not
         * even for what clears a retained message [D3-3.3.1.3-1] */
        .retain = recipient->retain_as_published && publication->retain,
    };
    return ordering_deliver(broker, recipient->session, publication, &forward, false);
}

/* Room for the identifiers of all recipients in the list of one. It is at least 1, so that the list exists. */
static bool reserve_identifier_list(struct routing *routing)
{
    const uint32_t capacity = routing->identifier_capacity + 1;
    if (routing->list_capacity >= capacity)
        return true;
    uint32_t *list = realloc(routing->identifier_list, capacity * sizeof *list);
    if (!list)
        return false;
    routing->identifier_list = list;
    routing->list_capacity = capacity;
    return true;
}

static void find_recipients(struct broker *broker, struct publication *publication, uint64_t only_group,
                            bool peek)
{
    struct routing *routing = &broker->routing;
    routing->recipient_count = 0;
    routing->identifier_count = 0;
    routing->out_of_memory = false;
    if (++routing->turn == 0) /* 0 is what new sessions have */
        routing->turn = 1;
    struct match match = {.broker = broker, .publication = publication, .only_group = only_group};
    const struct subscriptions_visitor visitor = {.context = &match,
                                                  .match = on_match,
                                                  .group = on_group,
                                                  .offer = on_offer,
                                                  .nobody = on_nobody,
                                                  .peek = peek};
    subscriptions_match(broker->subscriptions, publication->topic,
                        &visitor); /* [MQTT-3.3.2-3] [MQTT3-3.3.2-3] */
    if (!reserve_identifier_list(routing))
        routing->out_of_memory = true;
}

/* To each by itself [D-3.3.4-1, D3-3.3.5-1] [D-4.3-2, D3-4.3-2] [D-4.8.1-2]. */
static bool deliver_to_all(struct broker *broker, struct publication *publication)
{
    struct routing *routing = &broker->routing;
    if (routing->list_capacity <= routing->identifier_count) /* without room for the list nobody is served */
        return false;
    bool complete = !routing->out_of_memory;
    /* a large payload for several is shared rather than copied; without memory for that, copying still works */
    if (routing->recipient_count > 1 && publication->payload.length >= ROUTING_SHARE_FROM)
        (void)publication_message(publication);
    for (uint32_t i = 0; i < routing->recipient_count; i++)
        complete = deliver_to(broker, publication, &routing->recipients[i]) && complete;
    return complete;
}

bool routing_publish(struct broker *broker, struct publication *publication, uint32_t *recipients)
{
    find_recipients(broker, publication, 0, false);
    *recipients = broker->routing.recipient_count;
    return deliver_to_all(broker, publication);
}

bool routing_needs_store(struct broker *broker, struct publication *publication)
{
    const struct routing *routing = &broker->routing;
    find_recipients(broker, publication, 0, true);
    for (uint32_t i = 0; i < routing->recipient_count; i++)
        if (publication->qos > 0 && routing->recipients[i].qos > 0 && routing->recipients[i].session->durable)
            return true;
    return false;
}

void routing_pass_to_group(struct broker *broker, struct message *message, uint64_t group)
{
    struct publication publication = publication_of_message(message);
    find_recipients(broker, &publication, group, false);
    if (!deliver_to_all(broker, &publication))
        broker_log(broker, LOG_ERROR, NULL, "out of memory, a message of a Shared Subscription was lost",
                   NULL);
    publication_end(&publication);
}

void routing_clear(struct routing *routing)
{
    free(routing->recipients);
    free(routing->identifiers);
    free(routing->identifier_list);
    *routing = (struct routing){0};
}
