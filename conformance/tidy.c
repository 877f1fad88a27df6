/* tidy: after the verdict, takes away what the test may have left on the server, so that a suite run against
 * somebody's broker leaves no retained messages and sessions behind. Best effort: nothing here can change the
 * verdict. What a test cannot take away, because it crashed or was ended, the last process of the run does. */
#include "record.h"
#include "verdicts.h"

#define TIDY_PATIENCE 1.0 /* seconds for each step, besides the way */
#define SWEEPS 3          /* how often retained messages are looked for, at most */

/* Ends the clients' connections in good order, so that no will is published. */
static void say_goodbye(struct test *t)
{
    for (struct client *client = t->clients; client != NULL; client = client->next)
        if (client->connection != NULL && !client->closed)
            disconnect(client);
}

/* Whether the server let any client of the test in: otherwise it keeps nothing of it. */
static bool was_let_in(const struct test *t)
{
    for (const struct client *client = t->clients; client != NULL; client = client->next)
        if (client->connack != NULL && client->connack->packet.connack.reason_code == 0)
            return true;
    return false;
}

/* A session that is continued with Clean Start 1 ends with its connection. */
static void end_sessions(struct test *t)
{
    for (const struct leftover *left = t->leftovers; left != NULL; left = left->next)
        if (left->client_identifier != NULL)
            disconnect(connect_client(t, .client_identifier = left->client_identifier, .clean_start = true));
}

static void await_pingresp(struct client *client)
{
    const struct received *received;
    send_pingreq(client);
    while (receive(client, &received) == RECEIVED_PACKET && received->packet.type != PACKET_PINGRESP)
        continue;
}

/* After the sessions: the end of one may be the time for its will, which may be retained. */
static void remove_retained(struct test *t)
{
    struct client *cleaner = connect_client(t, .name = "cleaner", .clean_start = true);
    for (const struct leftover *left = t->leftovers; left != NULL; left = left->next)
        if (left->topic != NULL)
            send_publish(cleaner, .topic = left->topic, .payload = "", .retain = true);
    await_pingresp(cleaner);
    disconnect(cleaner);
}

static void take_away(struct test *t)
{
    t->patience = TIDY_PATIENCE + t->latency;
    end_sessions(t);
    remove_retained(t);
    t->leftovers = NULL;
}

void tidy_up(struct test *t)
{
    say_goodbye(t);
    if (t->leftovers != NULL && was_let_in(t))
        take_away(t);
    record_tidied(t);
}

/* ---- At the end of the run ------------------------------------------------------------------------------- */

/* Remembers the topics of the retained messages that come before the sentinel; returns whether there were any. */
static bool gather_strays(struct client *sweeper, const char *sentinel)
{
    const struct received *received;
    bool any = false;
    while (receive(sweeper, &received) == RECEIVED_PACKET && received->packet.type == PACKET_PUBLISH) {
        const struct publish *publish = &received->packet.publish;
        if (is_text(publish->topic, sentinel))
            break;
        any = any || publish->retain;
        if (publish->retain)
            leave_retained(sweeper->test, text(sweeper->test, "%.*s", (int)publish->topic.length,
                                               (const char *)publish->topic.data));
    }
    return any;
}

/* Finds what no test knew of: messages of wills, and of servers that retained what they should not have. */
static void sweep_topics(struct test *t)
{
    const char *all = text(t, "etalon/%s/#", t->run);
    const char *sentinel = topic(t, "swept");
    struct client *sweeper = connect_client(t, .name = "sweeper", .clean_start = true);
    for (int i = 0; i < SWEEPS; i++) {
        if (subscribe(sweeper, all, .may_be_refused = true) >= 0x80)
            break;
        publish(sweeper, .topic = sentinel, .payload = "x");
        bool any = gather_strays(sweeper, sentinel);
        unsubscribe(sweeper, all);
        if (!any)
            break;
        remove_retained(t);
    }
    disconnect(sweeper);
}

void tidy_run(struct test *t)
{
    take_away(t);
    if (t->capabilities->retain && t->capabilities->wildcard)
        sweep_topics(t);
}
