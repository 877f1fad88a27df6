/* watcher: looks at retained messages, again and again. See roles.h
 *
 * In each round it notes what is acknowledged, subscribes, and waits until every retained message that
 * must be there has come. Then it publishes to itself; when that has come, a retained message that was
 * deleted has not. */
#include <stdio.h>
#include <string.h>

#include "roles.h"

enum { AWAY = 30 };

struct watcher {
    unsigned end;            /* stream */
    uint32_t floor[STREAMS]; /* what was completely acknowledged when it subscribed */
    uint32_t sent[STREAMS];  /* what was sent then */
    uint32_t seen[STREAMS];  /* the retained message that came; 0: none */
    bool subscribed;
    bool published;
    unsigned rounds;
    uint64_t since;
};

static void connected(struct client *client, bool session_present)
{
    (void)session_present;
    struct watcher *watcher = client->data;
    const struct books *books = &client->world->books;
    static const struct filter filters[] = {{"r/#", 1}, {"c/#", 2}};
    watcher->subscribed = false;
    watcher->published = false;
    watcher->since = client->world->now;
    memset(watcher->seen, 0, sizeof watcher->seen);
    for (unsigned i = 0; i < books->stream_count; i++) {
        watcher->floor[i] = books->streams[i].completed;
        watcher->sent[i] = books->streams[i].sent;
    }
    client_subscribe(client, filters, 2);
}

/* The retained message must come: there is one, and since nobody has sent what could delete it. */
static bool must_come(const struct watcher *watcher, const struct books *books, unsigned stream)
{
    const struct stream *of = &books->streams[stream];
    if (of->kind == STREAM_RETAINED)
        return watcher->floor[stream] > 0;
    return of->kind == STREAM_CLEARED && watcher->floor[stream] % 2 == 1 &&
           of->sent == watcher->floor[stream];
}

static bool must_not_come(const struct watcher *watcher, const struct books *books, unsigned stream)
{
    const struct stream *of = &books->streams[stream];
    return of->kind == STREAM_CLEARED && of->sent > 0 && of->sent % 2 == 0 &&
           watcher->floor[stream] == of->sent;
}

/* How many are missing; judges them when `late`. */
static unsigned missing(struct client *client, bool late)
{
    struct watcher *watcher = client->data;
    struct books *books = &client->world->books;
    unsigned count = 0;
    for (unsigned i = 0; i < books->stream_count; i++) {
        if (!must_come(watcher, books, i) || watcher->seen[i] != 0)
            continue;
        count++;
        if (late)
            books_judge(books, CHECK_RETAINED, false, "%s: nothing is retained at %s, acknowledged was %u",
                        client->id, books->streams[i].topic, watcher->floor[i]);
    }
    return count;
}

static void leave(struct client *client)
{
    struct world *world = client->world;
    client->back_at = world->now + world_random(world, AWAY) * MILLISECOND;
    client_leave(client, true);
}

static void go_on(struct client *client)
{
    struct watcher *watcher = client->data;
    struct world *world = client->world;
    if (client->state != CLIENT_ON || !watcher->subscribed || watcher->published)
        return;
    bool late = world->now - watcher->since > world->stall;
    if (missing(client, late) == 0) {
        watcher->published = true;
        client_publish(client, watcher->end);
    } else if (late) {
        leave(client);
    }
}

static void finish(struct client *client)
{
    struct watcher *watcher = client->data;
    struct books *books = &client->world->books;
    for (unsigned i = 0; i < books->stream_count; i++) {
        if (must_not_come(watcher, books, i)) {
            if (world_forge(client->world, FORGE_CLEARED))
                watcher->seen[i] = books->streams[i].sent - 1;
            books_judge(books, CHECK_CLEARED, watcher->seen[i] == 0,
                        "%s: number %u is back at %s, deleted by %u", client->id, watcher->seen[i],
                        books->streams[i].topic, books->streams[i].sent);
        }
    }
    watcher->rounds++;
    leave(client);
}

static void delivered(struct client *client, unsigned stream, uint32_t number, bool retain)
{
    struct watcher *watcher = client->data;
    struct world *world = client->world;
    if (stream == watcher->end && watcher->published && number == world->books.streams[stream].sent) {
        finish(client);
        return;
    }
    if (!retain || stream == watcher->end)
        return;
    if (world->books.run > 1 && watcher->floor[stream] > 1 && world_forge(world, FORGE_RETAINED))
        number = watcher->floor[stream] - 1;
    watcher->seen[stream] = number;
    books_judge(&world->books, CHECK_RETAINED, number >= watcher->floor[stream],
                "%s: number %u is retained at %s, acknowledged was %u", client->id, number,
                world->books.streams[stream].topic, watcher->floor[stream]);
    go_on(client);
}

static void answered(struct client *client, enum packet_type type, uint8_t reason)
{
    (void)type;
    (void)reason;
    struct watcher *watcher = client->data;
    watcher->subscribed = true;
    go_on(client);
}

const struct role watcher_role = {.connected = connected,
                                  .delivered = delivered,
                                  .acknowledged = role_ignore_message,
                                  .room = role_ignore,
                                  .answered = answered,
                                  .lost = role_ignore,
                                  .tick = go_on};

unsigned watcher_rounds(const struct client *client)
{
    const struct watcher *watcher = client->data;
    return watcher->rounds;
}

void watcher_create(struct world *world, unsigned index)
{
    char name[NAME_SIZE];
    snprintf(name, sizeof name, "watcher-%u", index);
    struct client *client = client_create(world, &watcher_role, name, index & 1, sizeof(struct watcher));
    struct watcher *watcher = client->data;
    client->clean = true;
    client->expiry = 0;
    snprintf(name, sizeof name, "c/end/%u", index);
    watcher->end = stream_create(&world->books, STREAM_END, 1, client->v5, name);
}
