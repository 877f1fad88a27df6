/* subscriber: a durable session whose subscriptions never change. See roles.h */
#include <string.h>

#include "roles.h"

enum { STAYS = 20000, AWAY = 100 };

struct subscriber {
    struct filter filters[FILTERS];
    unsigned count;
    bool subscribed;
    uint32_t stays; /* messages until it leaves */
};

static void connected(struct client *client, bool session_present)
{
    struct subscriber *subscriber = client->data;
    subscriber->stays = 1 + world_random(client->world, STAYS);
    if (!session_present)
        subscriber->subscribed = false;
    if (!subscriber->subscribed)
        client_subscribe(client, subscriber->filters, subscriber->count);
}

static void answered(struct client *client, enum packet_type type, uint8_t reason)
{
    (void)type;
    (void)reason;
    struct subscriber *subscriber = client->data;
    subscriber->subscribed = true;
}

static void delivered(struct client *client, unsigned stream, uint32_t number, bool retain)
{
    (void)stream;
    (void)number;
    (void)retain;
    struct world *world = client->world;
    struct subscriber *subscriber = client->data;
    if (world->phase != PHASE_LOAD || --subscriber->stays > 0)
        return;
    client->back_at = world->now + world_random(world, AWAY) * MILLISECOND;
    client_leave(client, world_random(world, 2) == 0);
}

/* When the broker was killed, most come back at once; some are away for longer than the next run, perhaps. */
static void lost(struct client *client)
{
    struct world *world = client->world;
    if (world->port == 0 && world->phase == PHASE_LOAD && world_random(world, 4) == 0)
        client->back_at = world->now + world_random(world, AWAY) * MILLISECOND;
}

const struct role subscriber_role = {.connected = connected,
                                     .delivered = delivered,
                                     .acknowledged = role_ignore_message,
                                     .room = role_ignore,
                                     .answered = answered,
                                     .lost = lost,
                                     .tick = role_ignore};

bool subscriber_subscribed(const struct client *client)
{
    const struct subscriber *subscriber = client->data;
    return subscriber->subscribed;
}

void subscriber_create(struct world *world, const char *id, bool v5, struct book *book,
                       const struct filter *filters, unsigned count)
{
    struct client *client = client_create(world, &subscriber_role, id, v5, sizeof(struct subscriber));
    struct subscriber *subscriber = client->data;
    memcpy(subscriber->filters, filters, count * sizeof *filters);
    subscriber->count = count;
    client->book = book;
    client->receive_maximum = (uint16_t)(20 + world_random(world, 200));
    client->hold = 1 + world_random(world, 16);
}
