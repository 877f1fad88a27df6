/* cycler: subscribes, publishes to itself, unsubscribes, publishes again. See roles.h
 *
 * A round: SUBSCRIBE to a filter; a message must come. UNSUBSCRIBE (or a connection with Clean Start); a
 * message must not come, which the message after it, to a subscription that stays, proves. Between two
 * steps it waits for the broker to be killed, every other time. */
#include <stdio.h>

#include "roles.h"

enum { KEPT = 7200 }; /* s */

enum step { STEP_BARRIER, STEP_SUBSCRIBE, STEP_IN, STEP_END, STEP_OUT, STEP_REST };

struct cycler {
    enum step step;
    enum step after_barrier;
    unsigned in, out, end; /* streams */
    uint32_t round;
    bool published;
    bool arrived;
    unsigned acknowledged; /* messages of this step */
    bool wiped;            /* the session has been ended, by a clean one that is not kept */
    unsigned wiped_in;     /* the broker's run in which that was confirmed; 0: not, or not any more */
    bool doubtful;         /* a CONNECT since then may have made a new one, although no CONNACK came */
    unsigned wait_for;     /* the broker's run before which it does nothing */
    uint64_t since;
};

static void enter(struct client *client, enum step step)
{
    struct cycler *cycler = client->data;
    struct world *world = client->world;
    cycler->step = step;
    cycler->published = false;
    cycler->arrived = false;
    cycler->acknowledged = 0;
    cycler->since = world->now;
    if (world_random(world, 2) == 0)
        cycler->wait_for = world->books.run + 1;
}

static void subscribe(struct client *client)
{
    struct cycler *cycler = client->data;
    struct world *world = client->world;
    char topic[NAME_SIZE];
    if (world->phase == PHASE_SETTLE)
        cycler->step = STEP_REST;
    if (world->phase != PHASE_LOAD)
        return;
    cycler->round = world->books.streams[cycler->in].sent + 1;
    stream_topic(&world->books.streams[cycler->in], cycler->round, topic);
    client_subscribe(client, &(struct filter){topic, 2}, 1);
}

static void subscribe_barrier(struct client *client)
{
    struct cycler *cycler = client->data;
    client_subscribe(client, &(struct filter){client->world->books.streams[cycler->end].topic, 2}, 1);
}

/* Tells a lie about the subscription, behind the books' back. True: it's under way, nothing else is to be
 * done. */
static bool meddle(struct client *client, enum forge forge)
{
    struct cycler *cycler = client->data;
    struct world *world = client->world;
    char topic[NAME_SIZE];
    if (world->forge != forge || world->forged)
        return false;
    stream_topic(&world->books.streams[cycler->in], cycler->round, topic);
    if (forge == FORGE_UNSUBSCRIBE)
        client_unsubscribe(client, topic);
    else
        client_subscribe(client, &(struct filter){topic, 2}, 1);
    return true;
}

static void publish_in(struct client *client)
{
    struct cycler *cycler = client->data;
    struct world *world = client->world;
    if (!cycler->published) {
        if (meddle(client, FORGE_UNSUBSCRIBE))
            return;
        client_publish(client, cycler->in);
        cycler->published = true;
        cycler->since = world->now;
    } else if (cycler->acknowledged > 0 && (cycler->arrived || world->now - cycler->since > world->stall)) {
        books_judge(&world->books, CHECK_SUBSCRIBED, cycler->arrived,
                    "%s does not get what it has subscribed to", client->id);
        enter(client, STEP_END);
    }
}

static void end_subscription(struct client *client)
{
    struct cycler *cycler = client->data;
    char topic[NAME_SIZE];
    if (cycler->round % 4 == 0 && (client->v5 || cycler->round % 8 == 0)) {
        client->clean = true;
        if (cycler->round % 8 == 0)
            client->expiry = 0;
        client_leave(client, false);
        return;
    }
    stream_topic(&client->world->books.streams[cycler->in], cycler->round, topic);
    client_unsubscribe(client, topic);
}

static void publish_out(struct client *client)
{
    struct cycler *cycler = client->data;
    struct world *world = client->world;
    if (!cycler->published) {
        if (meddle(client, FORGE_SUBSCRIBE))
            return;
        client_publish(client, cycler->out);
        client_publish(client, cycler->end);
        cycler->published = true;
        cycler->since = world->now;
    } else if (cycler->acknowledged == 2 && (cycler->arrived || world->now - cycler->since > world->stall)) {
        if (cycler->arrived)
            books_judge(&world->books, CHECK_UNSUBSCRIBED, true, "-");
        enter(client, STEP_SUBSCRIBE);
    }
}

static void go_on(struct client *client)
{
    struct cycler *cycler = client->data;
    static void (*const steps[])(struct client *) = {
        [STEP_BARRIER] = subscribe_barrier, [STEP_SUBSCRIBE] = subscribe, [STEP_IN] = publish_in,
        [STEP_END] = end_subscription,      [STEP_OUT] = publish_out,     [STEP_REST] = role_ignore,
    };
    bool waits = client->world->phase == PHASE_LOAD && client->world->books.run < cycler->wait_for;
    if (client->state == CLIENT_ON && client->clean) {
        if (!waits)
            client_leave(client, true);
        return;
    }
    if (client->state == CLIENT_ON && client->request == 0 && !waits)
        steps[cycler->step](client);
}

static void connected(struct client *client, bool session_present)
{
    struct cycler *cycler = client->data;
    if (client->clean && client->expiry == 0) {
        /* the session has gone for good; what there is now goes with the connection, which waits for a
         * kill */
        cycler->wiped_in = client->world->books.run;
        cycler->wait_for = cycler->wiped_in + 1;
        return;
    }
    const bool fresh = !session_present || cycler->doubtful;
    if (cycler->wiped_in != 0 && cycler->wiped_in != client->world->books.run && !cycler->doubtful)
        books_judge(&client->world->books, CHECK_FRESH, !session_present,
                    "%s: a session that was ended is back", client->id);
    cycler->wiped = cycler->wiped_in != 0;
    cycler->wiped_in = 0;
    cycler->doubtful = false;
    if (fresh) {
        cycler->after_barrier = client->clean || cycler->wiped ? STEP_OUT : STEP_SUBSCRIBE;
        client->clean = false;
        cycler->wiped = false;
        enter(client, STEP_BARRIER);
    }
    go_on(client);
}

static void answered(struct client *client, enum packet_type type, uint8_t reason)
{
    struct cycler *cycler = client->data;
    if (type == PACKET_UNSUBACK && cycler->step == STEP_END && !client->request_retried)
        books_judge(&client->world->books, CHECK_SUBSCRIBED, reason == 0, "%s: UNSUBACK says 0x%02x",
                    client->id, reason);
    if (cycler->step == STEP_BARRIER)
        enter(client, cycler->after_barrier);
    else if (cycler->step == STEP_SUBSCRIBE)
        enter(client, STEP_IN);
    else if (cycler->step == STEP_END)
        enter(client, STEP_OUT);
    else
        client->world->forged = true; /* nothing was asked for but to meddle */
    go_on(client);
}

static void delivered(struct client *client, unsigned stream, uint32_t number, bool retain)
{
    (void)retain;
    struct cycler *cycler = client->data;
    unsigned awaited = cycler->step == STEP_IN ? cycler->in : cycler->end;
    if (stream == awaited && number == client->world->books.streams[stream].sent)
        cycler->arrived = true;
    go_on(client);
}

static void acknowledged(struct client *client, unsigned stream, uint32_t number)
{
    (void)stream;
    (void)number;
    struct cycler *cycler = client->data;
    cycler->acknowledged++;
    go_on(client);
}

static void lost(struct client *client)
{
    struct cycler *cycler = client->data;
    if (cycler->wiped_in == 0)
        return;
    if (!client->was_on) {
        cycler->doubtful |= !client->clean;
        return;
    }
    client->clean = false;
    client->expiry = KEPT;
    client->confirmed = false;
}

const struct role cycler_role = {.connected = connected,
                                 .delivered = delivered,
                                 .acknowledged = acknowledged,
                                 .room = role_ignore,
                                 .answered = answered,
                                 .lost = lost,
                                 .tick = go_on};

bool cycler_rests(const struct client *client)
{
    const struct cycler *cycler = client->data;
    return cycler->step == STEP_REST;
}

void cycler_create(struct world *world, unsigned index)
{
    char name[NAME_SIZE];
    uint8_t qos = index & 2 ? 1 : 2;
    snprintf(name, sizeof name, "cycler-%u", index);
    struct client *client = client_create(world, &cycler_role, name, index & 1, sizeof(struct cycler));
    struct cycler *cycler = client->data;
    snprintf(name, sizeof name, "u/c/%u", index);
    cycler->in = stream_create(&world->books, STREAM_IN, qos, client->v5, name);
    cycler->out = stream_create(&world->books, STREAM_OUT, qos, client->v5, name);
    snprintf(name, sizeof name, "u/c/%u/end", index);
    cycler->end = stream_create(&world->books, STREAM_END, qos, client->v5, name);
    cycler->after_barrier = STEP_SUBSCRIBE;
    client->book = book_create(&world->books, client->id, true);
    book_want(&world->books, client->book, cycler->in, 2);
    book_want(&world->books, client->book, cycler->end, 2);
}
