/* client: what clients do by chance: connect, publish, subscribe, leave, break off. They follow the
 * specification
 * strictly. Prefix: client_ */
#include <assert.h>
#include <string.h>

#include "mqtt/dissect.h"
#include "simulation.h"

static struct link *link_of(struct world *world, const struct client *client)
{
    return client->link == NOBODY ? NULL : &world->links[client->link];
}

static void trace(const struct world *world, const struct client *client)
{
    char text[400];
    if (!world->verbose)
        return;
    dissect_summary_to_buffer(
        bytes_of(world->wire.data + world->wire.begin, (size_t)(world->wire.end - world->wire.begin)),
        client->five ? PROTOCOL_5_0 : PROTOCOL_3_1_1, SENDER_CLIENT, NULL, text, sizeof text);
    world_log(world, "%-5s --> %s", actor_name(client->actor), text);
}

void client_write(struct world *world, struct client *client, struct note note)
{
    struct link *link = link_of(world, client);
    assert(link);
    trace(world, client);
    link_write(world, link, &world->wire, note);
}

static uint32_t gap(struct world *world)
{
    if (prng_chance(&world->prng, world->character.long_gaps))
        return prng_below(&world->prng, 3 * SECONDS);
    return 1 + prng_below(&world->prng, world->character.gap * 2);
}

static void plan(struct world *world, const struct client *client, uint64_t wait)
{
    world->due[DUE_ACTION + client->actor] = world->now + wait;
}

void client_begin(struct world *world, unsigned actor)
{
    struct client *client = &world->clients[actor];
    *client = (struct client){.actor = (uint8_t)actor, .link = NOBODY, .five = actor == AUDITOR};
    if (actor != AUDITOR)
        client->five = prng_chance(&world->prng, 600);
    client->acknowledgement_delay = prng_chance(&world->prng, 500) ? 0 : 20000;
    client->expiry = UINT32_MAX;
    if (prng_chance(&world->prng, world->character.short_sessions))
        client->expiry = prng_between(&world->prng, 1, 20);
    if (prng_chance(&world->prng, world->character.no_sessions))
        client->expiry = 0;
    plan(world, client, prng_below(&world->prng, 5000));
}

/* CONNECT */

static void add_will(struct world *world, struct client *client, struct wire_connect *connect,
                     struct note *note, uint8_t *payload)
{
    const unsigned topic = 7 + prng_below(&world->prng, 3);
    note->will_topic = (uint8_t)topic;
    note->will_qos = (uint8_t)prng_below(&world->prng, 3);
    note->will_retain = prng_chance(&world->prng, 250);
    if (client->five && prng_chance(&world->prng, 600))
        note->will_delay = prng_between(&world->prng, 1, 6);
    if (client->five && prng_chance(&world->prng, world->character.message_expiry))
        note->will_expiry = prng_between(&world->prng, 1, 10);
    note->publication = world_publication(world, (struct publication){.publisher = client->actor,
                                                                      .topic = (uint8_t)topic,
                                                                      .qos = note->will_qos,
                                                                      .retain = note->will_retain,
                                                                      .interval = note->will_expiry,
                                                                      .will = true});
    connect->will_topic = topic_names[topic];
    connect->will_length = payload_write(world, note->publication, payload);
    connect->will_payload = payload;
    connect->will_qos = note->will_qos;
    connect->will_retain = note->will_retain;
    connect->will_delay = note->will_delay;
    connect->will_expiry = note->will_expiry;
}

void client_connect(struct world *world, struct client *client, bool clean, uint32_t expiry, bool will)
{
    struct link *link = link_open(world, client->actor, client->five);
    if (!link)
        return;
    if (!client->five)
        expiry = clean ? 0 : UINT32_MAX;
    uint8_t payload[WIRE_ROOM];
    struct note note = {.type = PACKET_CONNECT, .clean = clean, .expiry = expiry};
    struct wire_connect connect = {.client_identifier = actor_name(client->actor),
                                   .five = client->five,
                                   .clean = clean,
                                   .expiry = expiry};
    if (client->five && prng_chance(&world->prng, 500))
        note.receive_maximum = connect.receive_maximum = (uint16_t)prng_between(&world->prng, 1, 8);
    if (will)
        add_will(world, client, &connect, &note, payload);
    client->link = (uint8_t)link_number(world, link);
    client->state = CLIENT_CONNECTING;
    client->clean_sent = clean;
    if (clean) { /* the session is over on both sides, even when the CONNECT gets lost: so once more, then */
        client->must_clean = true;
        client_forget(world, client);
    }
    if (world->fault)
        fault_connect(world, &connect);
    wire_connect(&world->wire, &connect);
    client_write(world, client, note);
}

static void connect_somehow(struct world *world, struct client *client)
{
    const bool clean =
        client->must_clean || prng_chance(&world->prng, 60) || (!client->five && client->expiry == 0);
    uint32_t expiry = client->expiry;
    if (prng_chance(&world->prng, 80))
        expiry = prng_below(&world->prng, 8);
    client_connect(world, client, clean, expiry, prng_chance(&world->prng, world->character.wills));
}

/* The end of a connection */

void client_lost_connection(struct world *world, struct client *client)
{
    client->link = NOBODY;
    client->state = CLIENT_AWAY;
    client->acknowledgement_count = 0;
    client->subscribing = false;
    client->ping = false;
    client->settled = false;
    client->stalled_until = 0;
    world->due[DUE_ACKNOWLEDGE + client->actor] = NEVER;
    if (world->due[DUE_ACTION + client->actor] == NEVER)
        plan(world, client, gap(world));
    if (client->actor == AUDITOR)
        world->audit_stage = 0;
}

void client_leave(struct world *world, struct client *client, uint64_t until)
{
    struct link *link = link_of(world, client);
    if (link)
        link_leave(world, link);
    world->due[DUE_ACTION + client->actor] = NEVER;
    client_lost_connection(world, client);
    plan(world, client, until);
}

void client_disconnect(struct world *world, struct client *client, uint8_t code)
{
    struct link *link = link_of(world, client);
    struct note note = {.type = PACKET_DISCONNECT, .code = client->five ? code : 0};
    const struct book_session *session = &world->book.sessions[client->actor];
    if (client->five && session->expiry != 0 && world->phase == PHASE_RUN && prng_chance(&world->prng, 200)) {
        note.has_expiry = true;
        note.expiry = prng_chance(&world->prng, 300) ? 0 : prng_between(&world->prng, 1, 20);
    }
    const uint8_t said = world->fault ? fault_disconnect(world, note.code) : note.code;
    wire_disconnect(&world->wire, client->five, said, note.has_expiry, note.expiry);
    client_write(world, client, note);
    link->client_ends = true;
}

/* SUBSCRIBE */

void client_subscribe(struct world *world, struct client *client, const uint8_t *filters,
                      const uint8_t *options, unsigned count)
{
    struct wire_filter wire[4];
    struct note note = {
        .type = PACKET_SUBSCRIBE, .identifier = SUBSCRIBE_IDENTIFIER, .count = (uint8_t)count};
    for (unsigned i = 0; i < count; i++) {
        note.filters[i] = filters[i];
        note.options[i] = options[i];
        wire[i] = (struct wire_filter){.filter = filter_names[filters[i]], .options = options[i]};
    }
    const uint32_t identifier = client->five && count == 1 ? filters[0] + 1U : 0;
    if (identifier)
        note.filter_mask = (uint16_t)(1U << filters[0]);
    client->subscribing = true;
    wire_subscribe(&world->wire, client->five, note.identifier, identifier, wire, count);
    client_write(world, client, note);
}

static uint8_t some_options(struct world *world, const struct client *client, unsigned filter)
{
    unsigned options = filter < FIRST_SHARED ? prng_below(&world->prng, 3) : prng_between(&world->prng, 1, 2);
    if (!client->five)
        return (uint8_t)options;
    if (filter < FIRST_SHARED && prng_chance(&world->prng, 200))
        options |= 4; /* No Local */
    if (prng_chance(&world->prng, 300))
        options |= 8; /* Retain As Published */
    return (uint8_t)(options | prng_below(&world->prng, 3) << 4);
}

static void subscribe_somehow(struct world *world, struct client *client)
{
    uint8_t filters[4];
    uint8_t options[4];
    const bool shared = client->five && prng_chance(&world->prng, world->character.shared);
    const unsigned count = shared ? 1 : prng_between(&world->prng, 1, 3);
    if (client->subscribing)
        return;
    for (unsigned i = 0; i < count; i++) {
        filters[i] = (uint8_t)(shared ? FIRST_SHARED + prng_below(&world->prng, GROUPS)
                                      : prng_below(&world->prng, FIRST_SHARED));
        options[i] = some_options(world, client, filters[i]);
    }
    client_subscribe(world, client, filters, options, count);
}

static void unsubscribe_somehow(struct world *world, struct client *client)
{
    if (client->subscribing)
        return;
    client->subscribing = true;
    struct note note = {.type = PACKET_UNSUBSCRIBE, .identifier = SUBSCRIBE_IDENTIFIER + 1, .count = 1};
    note.filters[0] = (uint8_t)prng_below(&world->prng, client->five ? FILTERS : FIRST_SHARED);
    struct wire_filter wire = {.filter = filter_names[note.filters[0]]};
    if (world->fault && fault_unsubscribe(world))
        wire.filter = "another";
    wire_unsubscribe(&world->wire, client->five, note.identifier, &wire, 1);
    client_write(world, client, note);
}

/* Actions */

static void publish_somehow(struct world *world, struct client *client)
{
    unsigned topic = prng_below(&world->prng, 4);
    if (prng_chance(&world->prng, world->character.retained))
        topic = 4 + prng_below(&world->prng, 3);
    else if (prng_chance(&world->prng, world->character.shared))
        topic = 10 + prng_below(&world->prng, 2);
    const bool retained = topic_class(topic) == TOPIC_RETAINED && prng_chance(&world->prng, 800);
    const unsigned kind = prng_below(&world->prng, 10);
    const unsigned qos = kind == 0 ? 0 : kind < 5 ? 1 : 2;
    client_publish(world, client, topic, qos, retained, retained && prng_chance(&world->prng, 200));
}

static void act_online(struct world *world, struct client *client)
{
    const struct character *character = &world->character;
    const uint32_t kind = prng_below(&world->prng, 1000);
    world->actions -= world->actions > 0;
    plan(world, client, gap(world));
    if (kind < character->drops) {
        link_break(world, link_of(world, client));
    } else if (kind < character->drops + character->abandons) {
        client_leave(world, client, prng_below(&world->prng, 3000));
    } else if (kind < character->drops + character->abandons + character->disconnects) {
        client_disconnect(world, client, prng_chance(&world->prng, 300) ? 4 : 0);
        client_leave(world, client, gap(world));
    } else if (kind < character->drops + character->abandons + character->disconnects + character->stalls) {
        client->stalled_until = world->now + prng_below(&world->prng, 200000);
    } else if (kind > 970) {
        wire_ping(&world->wire);
        client_write(world, client, (struct note){.type = PACKET_PINGREQ});
    } else if (kind > 900 || !world->book.sessions[client->actor].filters) {
        subscribe_somehow(world, client);
    } else if (kind > 880) {
        unsubscribe_somehow(world, client);
    } else {
        publish_somehow(world, client);
    }
}

static void act_in_drain(struct world *world, struct client *client)
{
    plan(world, client, 30000);
    if (client->state != CLIENT_AWAY)
        return;
    client_connect(world, client, client->must_clean, client->expiry ? UINT32_MAX : 0, false);
}

/* Ends the session: connects with one that ends with its connection, and disconnects. */
static void act_at_end(struct world *world, struct client *client)
{
    plan(world, client, 30000);
    if (client->state == CLIENT_ONLINE) {
        client_disconnect(world, client, 0);
        client_leave(world, client, 30000);
        if (client->end_stage > 0)
            client->state = CLIENT_DONE;
    } else if (client->state == CLIENT_AWAY) {
        client->end_stage = 1;
        client_connect(world, client, true, 0, false);
    }
}

void client_act(struct world *world, struct client *client)
{
    world->due[DUE_ACTION + client->actor] = NEVER;
    if (client->actor == AUDITOR) {
        auditor_act(world, client);
        return;
    }
    if (client->state == CLIENT_DONE)
        return;
    if (world->phase == PHASE_DRAIN || world->phase == PHASE_AUDIT) {
        act_in_drain(world, client);
    } else if (world->phase == PHASE_END) {
        act_at_end(world, client);
    } else if (world->phase == PHASE_RUN && !world->scenario) {
        if (client->state == CLIENT_AWAY)
            connect_somehow(world, client);
        if (client->state == CLIENT_ONLINE && client->settled)
            act_online(world, client);
        else
            plan(world, client, 1000 + gap(world));
    }
}
