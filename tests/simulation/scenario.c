/* scenario: short scripted runs beside the random ones, for situations that chance brings about seldom.
 * Network,
 * disk and the exact moments still come from the seed, so a scenario is many runs. Prefix: scenario_ */
#include "simulation.h"

enum verb {
    CONNECT,    /* a: Clean Start; value: Session Expiry Interval */
    WILL,       /* the same with a Will drawn by chance */
    SUBSCRIBE,  /* a: filter, b: options */
    PUBLISH,    /* a: topic, b: QoS, value: how many */
    RETAIN,     /* a: topic, b: QoS, value: how many; the last one clears if it is odd */
    BREAK,      /* the connection breaks */
    TAKE_OVER,  /* connects without having left */
    DISCONNECT, /* a: Reason Code */
    CRASH,      /* within the next `value` us */
    SHUT_DOWN,
    WAIT, /* value: us at most */
    DISK_FAILS,
    DISK_WORKS,
    END
};

struct line {
    uint8_t actor, verb, a, b;
    uint32_t value;
};

enum { LINES = 20, LASTING = 3600 };

struct scenario {
    const char *name;
    struct line lines[LINES];
};

static const struct scenario scenarios[] = {
    {"QoS 2 through crashes",
     {{1, CONNECT, 0, 0, LASTING},
      {1, SUBSCRIBE, 4, 2, 0},
      {0, CONNECT, 0, 0, LASTING},
      {0, PUBLISH, 0, 2, 3},
      {0, CRASH, 0, 0, 3000},
      {0, PUBLISH, 1, 2, 3},
      {0, CRASH, 0, 0, 3000},
      {0, PUBLISH, 1, 2, 2},
      {0, END, 0, 0, 0}}},
    {"queued for a client that is away, over a crash and a shutdown",
     {{1, CONNECT, 0, 0, LASTING},
      {1, SUBSCRIBE, 5, 1, 0},
      {1, BREAK, 0, 0, 0},
      {0, CONNECT, 0, 0, LASTING},
      {0, PUBLISH, 0, 1, 4},
      {0, PUBLISH, 0, 2, 4},
      {0, CRASH, 0, 0, 5000},
      {0, PUBLISH, 0, 2, 3},
      {0, SHUT_DOWN, 0, 0, 0},
      {1, CONNECT, 0, 0, LASTING},
      {0, CRASH, 0, 0, 2000},
      {0, END, 0, 0, 0}}},
    {"a Will that is due while the broker is down",
     {{1, CONNECT, 0, 0, LASTING},
      {1, SUBSCRIBE, 11, 2, 0},
      {0, WILL, 0, 0, 30},
      {0, BREAK, 0, 0, 0},
      {0, WAIT, 0, 0, 50000},
      {0, CRASH, 0, 0, 100},
      {0, WAIT, 0, 0, 3000000},
      {0, END, 0, 0, 0}}},
    {"taken over while messages are sent again",
     {{1, CONNECT, 0, 0, LASTING},
      {1, SUBSCRIBE, 5, 2, 0},
      {0, CONNECT, 0, 0, LASTING},
      {0, PUBLISH, 2, 2, 8},
      {1, TAKE_OVER, 0, 0, LASTING},
      {0, WAIT, 0, 0, 1500},
      {1, TAKE_OVER, 0, 0, LASTING},
      {0, CRASH, 0, 0, 1500},
      {1, TAKE_OVER, 0, 0, LASTING},
      {0, END, 0, 0, 0}}},
    {"retained, cleared, and a crash",
     {{0, CONNECT, 0, 0, LASTING},
      {0, RETAIN, 4, 1, 2},
      {0, RETAIN, 4, 1, 3},
      {0, CRASH, 0, 0, 2000},
      {0, RETAIN, 5, 2, 3},
      {0, RETAIN, 5, 0, 2},
      {0, CRASH, 0, 0, 2000},
      {0, END, 0, 0, 0}}},
    {"the disk fails while answers wait",
     {{1, CONNECT, 0, 0, LASTING},
      {1, SUBSCRIBE, 5, 2, 0},
      {0, CONNECT, 0, 0, LASTING},
      {0, DISK_FAILS, 0, 0, 0},
      {0, PUBLISH, 0, 2, 4},
      {0, WAIT, 0, 0, 40000},
      {0, DISK_WORKS, 0, 0, 0},
      {0, PUBLISH, 0, 1, 4},
      {0, CRASH, 0, 0, 3000},
      {0, END, 0, 0, 0}}},
    {"Clean Start, lost, again, and a crash",
     {{0, CONNECT, 0, 0, LASTING},
      {0, SUBSCRIBE, 0, 2, 0},
      {0, PUBLISH, 0, 2, 3},
      {0, WAIT, 0, 0, 3000},
      {0, TAKE_OVER, 1, 0, 0},
      {0, TAKE_OVER, 1, 0, 0},
      {0, WAIT, 0, 0, 1000},
      {0, CRASH, 0, 0, 1000},
      {0, TAKE_OVER, 0, 0, LASTING},
      {0, END, 0, 0, 0}}},
    {"a member of a Shared Subscription leaves for good",
     {{1, CONNECT, 0, 0, LASTING},
      {1, SUBSCRIBE, 13, 1, 0},
      {2, CONNECT, 0, 0, LASTING},
      {2, SUBSCRIBE, 13, 1, 0},
      {1, BREAK, 0, 0, 0},
      {2, BREAK, 0, 0, 0},
      {0, CONNECT, 0, 0, LASTING},
      {0, PUBLISH, 10, 1, 6},
      {0, WAIT, 0, 0, 40000},
      {1, CONNECT, 1, 0, LASTING},
      {0, CRASH, 0, 0, 20000},
      {0, END, 0, 0, 0}}},
    {"a fleeting member of a Shared Subscription goes with the shutdown",
     {{2, CONNECT, 0, 0, LASTING},
      {2, SUBSCRIBE, 13, 1, 0},
      {1, CONNECT, 1, 0, 0},
      {1, SUBSCRIBE, 13, 1, 0},
      {0, CONNECT, 0, 0, LASTING},
      {0, PUBLISH, 10, 1, 6},
      {0, WAIT, 0, 0, 1000},
      {0, SHUT_DOWN, 0, 0, 0},
      {0, END, 0, 0, 0}}},
};

const struct scenario *scenario_at(unsigned number)
{
    return number < sizeof scenarios / sizeof scenarios[0] ? &scenarios[number] : NULL;
}

const char *scenario_name(const struct scenario *scenario)
{
    return scenario->name;
}

void scenario_character(struct character *character)
{
    *character =
        (struct character){.clients = 3, .actions = 1, .gap = 500, .down = 8 * SECONDS, .commit = 2000};
}

/* Whether the client is there to act; if not, it is on its way. */
static bool online(struct world *world, struct client *client)
{
    if (client->state == CLIENT_ONLINE && client->settled)
        return true;
    if (client->state == CLIENT_AWAY && world->broker)
        client_connect(world, client, client->must_clean, LASTING, false);
    return false;
}

static void publish(struct world *world, struct client *client, const struct line *line)
{
    for (uint32_t i = 0; i < line->value; i++) {
        const bool empty = line->verb == RETAIN && i + 1 == line->value && line->value % 2;
        client_publish(world, client, line->a, line->b, line->verb == RETAIN, empty);
    }
}

/* False: not yet. */
static bool act_online(struct world *world, struct client *client, const struct line *line)
{
    if (!online(world, client))
        return world->failing; /* refused for as long as the disk does not work: the script goes on */
    if (line->verb == SUBSCRIBE)
        client_subscribe(world, client, &line->a, &line->b, 1);
    else if (line->verb == PUBLISH || line->verb == RETAIN)
        publish(world, client, line);
    else if (line->verb == BREAK)
        link_break(world, &world->links[client->link]);
    else if (line->verb == DISCONNECT) {
        client_disconnect(world, client, line->a);
        client_leave(world, client, 1000);
    }
    return true;
}

static bool connect(struct world *world, struct client *client, const struct line *line)
{
    if (!world->broker)
        return false;
    if (client->state != CLIENT_AWAY)
        client_leave(world, client, 1000);
    client_connect(world, client, client->must_clean || line->a, line->value, line->verb == WILL);
    return true;
}

/* What is not a client's; returns whether it could be done. */
static bool act_otherwise(struct world *world, const struct line *line)
{
    if (line->verb == END) {
        world->actions = 0;
        world->due[DUE_SCENE] = NEVER;
    } else if (line->verb == DISK_FAILS || line->verb == DISK_WORKS) {
        world->failing = line->verb == DISK_FAILS && world->storage != STORAGE_NONE;
    } else if (line->verb == CRASH) {
        if (!world->broker)
            return false;
        world->due[DUE_CRASH] = world->now + prng_below(&world->prng, line->value);
        world->due[DUE_SCENE] = world->due[DUE_CRASH] + 1;
    } else if (line->verb == SHUT_DOWN) {
        if (!world->broker)
            return false;
        host_shut_down(world);
    }
    return true;
}

void scenario_due(struct world *world)
{
    const struct line *line = &world->scenario->lines[world->scene];
    struct client *client = &world->clients[line->actor];
    const uint32_t wait = line->verb == WAIT ? line->value : 400;
    bool done;
    world->due[DUE_SCENE] = world->now + 1 + prng_below(&world->prng, wait);
    if (line->verb == CONNECT || line->verb == WILL || line->verb == TAKE_OVER)
        done = connect(world, client, line);
    else if (line->verb < CRASH)
        done = act_online(world, client, line);
    else
        done = act_otherwise(world, line);
    world->scene += done;
}
