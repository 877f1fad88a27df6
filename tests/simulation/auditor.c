/* auditor: a client that looks at all retained messages now and then, and clears them in the end. Its
 * sessions end
 * with their connections. Prefix: auditor_ */
#include <string.h>

#include "simulation.h"

enum { IDLE, CONNECTING, ASKING, CLEARING };

static void plan(struct world *world, uint32_t wait)
{
    world->due[DUE_ACTION + AUDITOR] = world->now + wait;
}

static void ask(struct world *world, struct client *client)
{
    static const uint8_t filters[] = {10, 11};
    static const uint8_t options[] = {0, 0};
    memset(world->audit_seen, 0, sizeof world->audit_seen);
    world->audit_stage = ASKING;
    client_subscribe(world, client, filters, options, 2);
    wire_ping(&world->wire);
    client_write(world, client, (struct note){.type = PACKET_PINGREQ});
}

static void clear(struct world *world, struct client *client)
{
    world->audit_stage = CLEARING;
    for (unsigned topic = 4; topic < 10; topic++)
        client_publish(world, client, topic, 1, true, true);
}

void auditor_act(struct world *world, struct client *client)
{
    const bool wanted =
        world->phase == PHASE_RUN || world->phase == PHASE_AUDIT || world->phase == PHASE_CLEAR;
    plan(world, world->phase == PHASE_RUN ? 300000 : 50000);
    if (!wanted || client->state == CLIENT_DONE)
        return;
    if (client->state == CLIENT_AWAY) {
        client_connect(world, client, true, 0, false);
        world->audit_stage = CONNECTING;
    } else if (client->state == CLIENT_ONLINE && world->audit_stage == CONNECTING) {
        if (world->phase == PHASE_CLEAR)
            clear(world, client);
        else
            ask(world, client);
    } else if (client->state == CLIENT_ONLINE && world->audit_stage == CLEARING &&
               client->outgoing_count == 0) {
        client_disconnect(world, client, 0);
        client_leave(world, client, 50000);
        client->state = CLIENT_DONE;
    }
}

void auditor_take(struct world *world, struct client *client, const struct note *note)
{
    if (world->audit_stage != ASKING)
        return;
    if (note->type == PACKET_PUBLISH && note->retain && note->publication)
        world->audit_seen[world->publications[note->publication].topic] = note->publication;
    if (note->type != PACKET_PINGRESP)
        return;
    check_retained(world);
    world_mark(world, MARK_retained_audited);
    world->audit_whole = world->phase == PHASE_AUDIT;
    client_disconnect(world, client, 0);
    client_leave(world, client, world->phase == PHASE_RUN ? prng_below(&world->prng, SECONDS) : 1000);
}
