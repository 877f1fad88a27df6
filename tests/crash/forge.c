/* forge: see forge.h */
#include "forge.h"

#include "roles.h"

static const struct {
    const char *name;
    enum check check;
} forges[FORGES] = {
    [FORGE_NOTHING] = {"nothing", CHECKS},
    [FORGE_FORGET] = {"an acknowledged message at QoS 2 is forgotten", CHECK_LOST_2},
    [FORGE_FORGET_1] = {"an acknowledged message at QoS 1 is forgotten", CHECK_LOST_1},
    [FORGE_REPEAT] = {"a message at QoS 2 comes twice", CHECK_TWICE},
    [FORGE_SWAP] = {"two messages change places", CHECK_ORDER},
    [FORGE_ALTER] = {"a message is one byte short", CHECK_INTACT},
    [FORGE_SESSION] = {"a confirmed session is not present", CHECK_SESSION},
    [FORGE_STALE] = {"a session that has ended is present", CHECK_FRESH},
    [FORGE_UNSUBSCRIBE] = {"a confirmed subscription is forgotten", CHECK_SUBSCRIBED},
    [FORGE_SUBSCRIBE] = {"an ended subscription is back", CHECK_UNSUBSCRIBED},
    [FORGE_RETAINED] = {"a retained message is older than acknowledged", CHECK_RETAINED},
    [FORGE_CLEARED] = {"a deleted retained message is back", CHECK_CLEARED},
    [FORGE_WILL] = {"a Will is forgotten", CHECK_WILL},
    [FORGE_WILL_OFF] = {"a discharged Will is published", CHECK_WILL_OFF},
    [FORGE_EXPIRY] = {"an expired session is present", CHECK_EXPIRED},
    [FORGE_DUP] = {"a message is sent again without DUP", CHECK_RESENT},
};

const char *forge_name(enum forge forge)
{
    return forges[forge].name;
}

enum check forge_check(enum forge forge)
{
    return forges[forge].check;
}

static bool is_told(const struct client *client, unsigned stream, uint32_t number)
{
    const struct lie *lie = &client->world->lie;
    return lie->book == client->book && lie->stream == stream && lie->number == number;
}

static void tell(struct client *client, unsigned stream, uint32_t number)
{
    client->world->lie = (struct lie){client->book, stream, number};
}

/* All copies of it: at QoS 1 it may come again. */
static bool withhold(struct client *client, unsigned stream, uint32_t number)
{
    struct world *world = client->world;
    const struct stream *of = &world->books.streams[stream];
    enum forge forge = client->book->tallies[stream].qos == 2 ? FORGE_FORGET : FORGE_FORGET_1;
    if (is_told(client, stream, number))
        return world->forge != FORGE_SWAP;
    if (number <= client->book->tallies[stream].highest)
        return false; /* it may have been there before */
    if (of->kind == STREAM_WILL ? of->status[number] != STATUS_OWED : of->kind != STREAM_DATA)
        return false;
    if (!world_forge(world, of->kind == STREAM_WILL ? FORGE_WILL : forge))
        return false;
    tell(client, stream, number);
    return true;
}

/* Keeps a message back until the next of its stream has come. */
static bool swap(struct client *client, unsigned stream, uint32_t number)
{
    struct world *world = client->world;
    bool fits = world->books.streams[stream].kind == STREAM_DATA && client->book->ordered &&
                client->book->tallies[stream].qos == 2;
    if (!fits || !world_forge(world, FORGE_SWAP))
        return false;
    tell(client, stream, number);
    return true;
}

void forge_receive(struct client *client, unsigned stream, uint32_t number)
{
    struct world *world = client->world;
    struct books *books = &world->books;
    bool may_lie = books->run > 1 && client->role == &subscriber_role;
    if (may_lie && (withhold(client, stream, number) || swap(client, stream, number)))
        return;
    book_receive(books, client->book, stream, number);
    if (may_lie && client->book->tallies[stream].qos == 2 && world_forge(world, FORGE_REPEAT))
        book_receive(books, client->book, stream, number);
    struct lie *lie = &world->lie;
    if (world->forge == FORGE_SWAP && lie->book == client->book && lie->stream == stream) {
        lie->book = NULL;
        book_receive(books, client->book, stream, lie->number);
    }
}
