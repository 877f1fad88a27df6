/* mayfly: its session expires soon. See roles.h
 *
 * It comes back at once, and the session must be there; or it stays away until the session must have gone.
 * The broker may count a connection that it was killed under from its next start on, so the latest moment
 * is reckoned from the first answer that any client got in a later run: by then that start is stored. */
#include <stdio.h>

#include "roles.h"

enum { STAYS = 100 };
/* What expiry may be late, on a busy machine. */
#define LATE SECOND

struct mayfly {
    uint64_t ended_at;   /* when the last confirmed connection ended; 0: never */
    uint64_t counted_at; /* from when on the interval certainly counts; 0: not yet */
    unsigned ended_run;
    bool waits; /* until it must have expired */
    uint64_t leaves_at;
};

static void connected(struct client *client, bool session_present)
{
    struct mayfly *mayfly = client->data;
    struct world *world = client->world;
    uint64_t interval = client->expiry * SECOND;
    mayfly->leaves_at = world->now + world_random(world, STAYS) * MILLISECOND;
    if (mayfly->ended_at != 0 && world->now - mayfly->ended_at < interval * 8 / 10)
        books_judge(&world->books, CHECK_KEPT, session_present, "%s: the session was gone too early",
                    client->id);
    else if (mayfly->counted_at != 0 && client->asked_at - mayfly->counted_at > interval + LATE)
        books_judge(&world->books, CHECK_EXPIRED, !session_present && !world_forge(world, FORGE_EXPIRY),
                    "%s: the session is still there", client->id);
}

/* A CONNECT without answer may have begun or taken up a session: that changes nothing for the early bound,
 * and the late one is reckoned anew. */
static void lost(struct client *client)
{
    struct mayfly *mayfly = client->data;
    struct world *world = client->world;
    mayfly->counted_at = 0;
    mayfly->ended_run = world->books.run;
    if (client->was_on) {
        mayfly->ended_at = world->now;
        mayfly->waits = world_random(world, 2) == 0;
    }
    client->back_at = mayfly->waits || world->phase == PHASE_SETTLE ? UINT64_MAX : 0;
}

static void tick(struct client *client)
{
    struct mayfly *mayfly = client->data;
    struct world *world = client->world;
    if (client->state == CLIENT_ON && (world->now >= mayfly->leaves_at || world->phase == PHASE_SETTLE)) {
        client_leave(client, world_random(world, 2) == 0);
        return;
    }
    if (client->state != CLIENT_OFF || !mayfly->waits || world->phase != PHASE_LOAD)
        return;
    if (mayfly->counted_at == 0 && world->books.run > mayfly->ended_run)
        mayfly->counted_at = world->run_confirms;
    if (mayfly->counted_at != 0 && world->now > mayfly->counted_at + client->expiry * SECOND + LATE)
        client->back_at = 0;
}

static void delivered(struct client *client, unsigned stream, uint32_t number, bool retain)
{
    (void)retain;
    role_ignore_message(client, stream, number);
}

const struct role mayfly_role = {.connected = connected,
                                 .delivered = delivered,
                                 .acknowledged = role_ignore_message,
                                 .room = role_ignore,
                                 .answered = role_ignore_answer,
                                 .lost = lost,
                                 .tick = tick};

void mayfly_create(struct world *world, unsigned index, uint32_t expiry)
{
    char id[NAME_SIZE];
    snprintf(id, sizeof id, "mayfly-%u", index);
    struct client *client = client_create(world, &mayfly_role, id, true, sizeof(struct mayfly));
    client->expiry = expiry;
    client->judges_itself = true;
}
