/* mortal: connects with a Will and leaves, with DISCONNECT or without. See roles.h */
#include <stdio.h>

#include "roles.h"

enum { STAYS = 80, AWAY = 20 };

struct mortal {
    uint32_t delay;
    uint32_t open;     /* number of the Will of the connection that CONNACK confirmed last; 0: settled */
    bool disconnected; /* that connection was ended by DISCONNECT */
    unsigned open_run; /* the broker's run in which CONNACK came */
    uint64_t leaves_at;
};

/* Every connection has a Will of its own; whether it exists is not known before CONNACK. */
static void prepare(struct client *client)
{
    client->will.number = stream_send(&client->world->books, client->will.stream);
}

/* The broker answers for this connection: the Will of the one before was discharged by DISCONNECT, in the
 * same run, or by coming back before its delay had passed. */
static void connected(struct client *client, bool session_present)
{
    (void)session_present;
    struct mortal *mortal = client->data;
    struct world *world = client->world;
    bool discharged = mortal->delay > 0 || (mortal->disconnected && mortal->open_run == world->books.run);
    if (mortal->open != 0 && discharged) {
        stream_settle(&world->books, client->will.stream, mortal->open, STATUS_OFF);
        if (world_forge(world, FORGE_WILL_OFF))
            book_receive(&world->books, world->subscribers[0], client->will.stream, mortal->open);
    }
    mortal->open = client->will.number;
    mortal->open_run = world->books.run;
    mortal->disconnected = false;
    mortal->leaves_at = world->now + world_random(world, STAYS) * MILLISECOND;
}

static void lost(struct client *client)
{
    struct mortal *mortal = client->data;
    struct world *world = client->world;
    bool ends = world->phase == PHASE_SETTLE;
    client->back_at = ends ? UINT64_MAX : world->now + world_random(world, AWAY) * MILLISECOND;
    if (!client->was_on || mortal->disconnected || mortal->delay > 0)
        return;
    stream_settle(&world->books, client->will.stream, mortal->open, STATUS_OWED);
    mortal->open = 0;
}

static void tick(struct client *client)
{
    struct mortal *mortal = client->data;
    struct world *world = client->world;
    bool ends = world->phase == PHASE_SETTLE;
    if (client->state != CLIENT_ON || (!ends && world->now < mortal->leaves_at))
        return;
    mortal->disconnected = ends || world_random(world, 2) == 0;
    client_leave(client, mortal->disconnected);
}

static void delivered(struct client *client, unsigned stream, uint32_t number, bool retain)
{
    (void)retain;
    role_ignore_message(client, stream, number);
}

const struct role mortal_role = {.prepare = prepare,
                                 .connected = connected,
                                 .delivered = delivered,
                                 .acknowledged = role_ignore_message,
                                 .room = role_ignore,
                                 .answered = role_ignore_answer,
                                 .lost = lost,
                                 .tick = tick};

void mortal_create(struct world *world, unsigned index, bool v5, uint32_t expiry, uint32_t delay)
{
    char name[NAME_SIZE];
    snprintf(name, sizeof name, "mortal-%u", index);
    struct client *client = client_create(world, &mortal_role, name, v5, sizeof(struct mortal));
    struct mortal *mortal = client->data;
    mortal->delay = delay;
    client->expiry = expiry;
    snprintf(name, sizeof name, "w/%u", index);
    client->will.present = true;
    client->will.delay = delay;
    client->will.stream = stream_create(&world->books, STREAM_WILL, index & 1 ? 2 : 1, false, name);
}
