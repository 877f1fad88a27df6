/* client_flows: a client's side of the QoS flows, 4.3 and 4.4. Prefix: client_ */
#include <assert.h>
#include <string.h>

#include "simulation.h"

/* Publishing */

static uint16_t free_identifier(const struct client *client)
{
    uint32_t used = 1;
    for (unsigned i = 0; i < client->outgoing_count; i++)
        used |= 1U << client->outgoing[i].identifier;
    return (uint16_t)__builtin_ctz(~used);
}

static void send_publish(struct world *world, struct client *client, uint32_t number, uint16_t identifier,
                         bool dup)
{
    const struct publication *publication = &world->publications[number];
    uint8_t payload[WIRE_ROOM];
    const struct wire_publish publish = {.topic = topic_names[publication->topic],
                                         .payload = payload,
                                         .length = payload_write(world, number, payload),
                                         .identifier = identifier,
                                         .qos = publication->qos,
                                         .five = client->five,
                                         .dup = dup,
                                         .retain = publication->retain,
                                         .expiry = publication->interval};
    wire_publish(&world->wire, &publish);
    client_write(world, client,
                 (struct note){.type = PACKET_PUBLISH,
                               .qos = publication->qos,
                               .dup = dup,
                               .identifier = identifier,
                               .publication = number});
}

static void send_acknowledgement(struct world *world, struct client *client, unsigned type,
                                 uint16_t identifier, uint8_t code)
{
    wire_acknowledge(&world->wire, type, identifier, client->five ? code : 0);
    client_write(world, client, (struct note){.type = (uint8_t)type, .identifier = identifier, .code = code});
}

static uint16_t some_size(struct world *world)
{
    if (world->character.bulk && prng_chance(&world->prng, 30))
        return (uint16_t)prng_between(&world->prng, 3900, 6000);
    return (uint16_t)prng_below(&world->prng, 40);
}

static void publish_number(struct world *world, struct client *client, uint32_t number)
{
    uint16_t identifier = 0;
    if (world->publications[number].qos > 0) {
        identifier = free_identifier(client);
        client->outgoing[client->outgoing_count++] =
            (struct outgoing){.publication = number, .identifier = identifier};
    }
    send_publish(world, client, number, identifier, false);
}

bool client_publish(struct world *world, struct client *client, unsigned topic, unsigned qos, bool retain,
                    bool empty)
{
    if (client->outgoing_count == OUTGOING || world->publication_count + ACTORS >= PUBLICATIONS)
        return false;
    uint32_t interval = 0;
    if (client->five && !empty && prng_chance(&world->prng, world->character.message_expiry))
        interval = prng_between(&world->prng, 1, 10);
    const uint32_t number = world_publication(world, (struct publication){.publisher = client->actor,
                                                                          .topic = (uint8_t)topic,
                                                                          .qos = (uint8_t)qos,
                                                                          .retain = retain,
                                                                          .empty = empty,
                                                                          .size = some_size(world),
                                                                          .interval = interval});
    if (!number)
        return false;
    publish_number(world, client, number);
    return true;
}

static struct outgoing *find_outgoing(struct client *client, uint16_t identifier)
{
    for (unsigned i = 0; i < client->outgoing_count; i++)
        if (client->outgoing[i].identifier == identifier)
            return &client->outgoing[i];
    return NULL;
}

static void remove_outgoing(struct client *client, struct outgoing *outgoing)
{
    struct outgoing *end = client->outgoing + --client->outgoing_count;
    memmove(outgoing, outgoing + 1, (size_t)(end - outgoing) * sizeof *outgoing);
}

/* [MQTT-4.4.0-1] in the order in which they were sent. */
static void send_again(struct world *world, struct client *client)
{
    for (unsigned i = 0; i < client->outgoing_count; i++) {
        const struct outgoing *outgoing = &client->outgoing[i];
        if (outgoing->released) {
            world_mark(world, MARK_repeated_pubrel);
            send_acknowledgement(world, client, PACKET_PUBREL, outgoing->identifier, 0);
        } else {
            send_publish(world, client, outgoing->publication, outgoing->identifier, true);
        }
    }
}

/* The session is gone: what was not acknowledged is to be published anew, as another message. */
void client_forget(struct world *world, struct client *client)
{
    (void)world;
    for (unsigned i = 0; i < client->outgoing_count; i++)
        if (!client->outgoing[i].released && client->lost_count < OUTGOING)
            client->lost[client->lost_count++] = client->outgoing[i].publication;
    client->outgoing_count = 0;
    client->incoming_count = 0;
}

static void publish_anew(struct world *world, struct client *client)
{
    for (unsigned i = 0; i < client->lost_count; i++) {
        const struct publication *lost = &world->publications[client->lost[i]];
        world_mark(world, MARK_session_lost);
        client_publish(world, client, lost->topic, lost->qos, lost->retain, lost->empty);
    }
    client->lost_count = 0;
}

void client_resume(struct world *world, struct client *client)
{
    send_again(world, client);
    publish_anew(world, client);
    client->settled = true;
}

/* [MQTT-3.2.2-4] A client without the state of this session closes; it starts anew. So it comes about when
 * the CONNACK
 * that began the session got lost, or the end of an earlier one could not be stored. */
static void refuse_session(struct world *world, struct client *client)
{
    world_mark(world, MARK_session_unknown);
    client->must_clean = true;
    client_forget(world, client);
    client_leave(world, client, prng_below(&world->prng, 5000));
}

static void take_connack(struct world *world, struct client *client, const struct note *note)
{
    const uint16_t epoch = world->links[client->link].epoch;
    if (note->code != 0)
        return; /* the broker closes */
    if (note->present && client->epoch != epoch) {
        refuse_session(world, client);
        return;
    }
    client->state = CLIENT_ONLINE;
    client->must_clean = false;
    if (!note->present)
        client_forget(world, client);
    else if (world->crashes > 0)
        world_mark(world, MARK_session_survived);
    client->epoch = epoch;
    client_resume(world, client);
}

static void answer_to_nothing(struct world *world, const struct client *client, const struct note *note)
{
    world_violation(
        world, "flow", "%s gets a %s with the Packet Identifier %u, under which it has nothing in flight",
        actor_name(client->actor), packet_type_name((enum packet_type)note->type), note->identifier);
}

static void take_puback(struct world *world, struct client *client, const struct note *note)
{
    struct outgoing *outgoing = find_outgoing(client, note->identifier);
    if (!outgoing) {
        answer_to_nothing(world, client, note);
        return;
    }
    world->publications[outgoing->publication].answered = true;
    if (note->type == PACKET_PUBREC && note->code < 0x80) {
        outgoing->released = true;
        send_acknowledgement(world, client, PACKET_PUBREL, note->identifier, 0);
        return;
    }
    if (note->code >= 0x80)
        world->publications[outgoing->publication].refused = true;
    remove_outgoing(client, outgoing);
}

/* Receiving */

static void acknowledge(struct world *world, struct client *client, unsigned type, uint16_t identifier,
                        uint8_t code)
{
    uint64_t *due = &world->due[DUE_ACKNOWLEDGE + client->actor];
    const bool later = client->acknowledgement_delay > 0 && world->phase == PHASE_RUN;
    if ((!later && client->acknowledgement_count == 0) || client->acknowledgement_count == 256) {
        send_acknowledgement(world, client, type, identifier, code);
        return;
    }
    client->acknowledgements[(uint8_t)(client->acknowledgement_first + client->acknowledgement_count++)] =
        (struct pending_acknowledgement){.type = (uint8_t)type, .identifier = identifier, .code = code};
    if (*due == NEVER)
        *due = world->now + prng_below(&world->prng, client->acknowledgement_delay + 1);
}

void client_acknowledge_due(struct world *world, struct client *client)
{
    uint64_t *due = &world->due[DUE_ACKNOWLEDGE + client->actor];
    *due = NEVER;
    if (client->acknowledgement_count == 0 || client->link == NOBODY)
        return;
    const struct pending_acknowledgement next = client->acknowledgements[client->acknowledgement_first++];
    client->acknowledgement_count--;
    send_acknowledgement(world, client, next.type, next.identifier, next.code);
    if (client->acknowledgement_count > 0)
        *due = world->now +
               prng_below(&world->prng, world->phase == PHASE_RUN ? client->acknowledgement_delay + 1 : 1);
}

static struct incoming *find_incoming(struct client *client, uint16_t identifier)
{
    for (unsigned i = 0; i < client->incoming_count; i++)
        if (client->incoming[i].identifier == identifier)
            return &client->incoming[i];
    return NULL;
}

/* The application gets the message. */
static void receive(struct world *world, struct client *client, const struct link *link,
                    const struct note *note)
{
    if (!note->publication)
        return;
    check_exactly_once(world, client, link, note);
    check_order(world, client, link, note);
    struct publication *publication = &world->publications[note->publication];
    struct reception *reception = reception_of(world, client->actor, note->publication);
    if (reception->epoch == link->epoch) {
        reception->owed = 0;
        reception->flags |= (uint8_t)(GOT | (note->qos == 2 ? GOT_AT_2 : 0));
    }
    for (unsigned group = 0; group < GROUPS; group++)
        if (note->filter_mask >> (FIRST_SHARED + group) & 1) {
            publication->group_owed[group] = 0;
            world_mark(world, MARK_shared_delivered);
        }
}

static void take_publish(struct world *world, struct client *client, const struct note *note)
{
    const struct link *link = &world->links[client->link];
    if (note->dup)
        world_mark(world, MARK_redelivered);
    if (note->qos < 2) {
        receive(world, client, link, note);
        if (note->qos == 1)
            acknowledge(world, client, PACKET_PUBACK, note->identifier, 0);
        return;
    }
    const struct incoming *known = find_incoming(client, note->identifier);
    check_duplicate_flag(world, client, note, known);
    if (known) {
        world_mark(world, MARK_redelivered_2);
    } else {
        receive(world, client, link, note);
        assert(client->incoming_count < INCOMING);
        client->incoming[client->incoming_count++] =
            (struct incoming){.publication = note->publication, .identifier = note->identifier};
    }
    acknowledge(world, client, PACKET_PUBREC, note->identifier, 0);
}

static void take_pubrel(struct world *world, struct client *client, const struct note *note)
{
    struct incoming *known = find_incoming(client, note->identifier);
    if (known)
        *known = client->incoming[--client->incoming_count];
    else
        world_mark(world, MARK_pubrel_again);
    acknowledge(world, client, PACKET_PUBCOMP, note->identifier, known ? 0 : 0x92);
}

void client_take(struct world *world, struct client *client, const struct note *note)
{
    if (client->actor == AUDITOR)
        auditor_take(world, client, note);
    if (note->type == PACKET_CONNACK)
        take_connack(world, client, note);
    else if (note->type == PACKET_PUBLISH)
        take_publish(world, client, note);
    else if (note->type == PACKET_PUBREL)
        take_pubrel(world, client, note);
    else if (note->type == PACKET_PUBACK || note->type == PACKET_PUBREC || note->type == PACKET_PUBCOMP)
        take_puback(world, client, note);
    else if (note->type == PACKET_SUBACK || note->type == PACKET_UNSUBACK)
        client->subscribing = false;
}
