/* tidy: after the verdict, takes away what the test may have left on the server, so that a suite run
 * against somebody's broker leaves no retained messages and sessions behind. Best effort: nothing here can
 * change the verdict. */
#include "record.h"
#include "verdicts.h"

#define TIDY_PATIENCE 1.0 /* seconds for each step */

/* Ends the clients' connections in good order, so that no will is published. */
static void say_goodbye(struct test *t)
{
    for (struct client *client = t->clients; client != NULL; client = client->next)
        if (client->connection != NULL && !client->closed && client->connack != NULL)
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

void tidy_up(struct test *t)
{
    say_goodbye(t);
    if (t->leftovers == NULL || !was_let_in(t))
        return;
    t->patience = TIDY_PATIENCE;
    struct client *cleaner = connect_client(t, .name = "cleaner", .clean_start = true);
    for (const struct leftover *left = t->leftovers; left != NULL; left = left->next)
        if (left->topic != NULL)
            send_publish(cleaner, .topic = left->topic, .payload = "", .retain = true);
    send_pingreq(cleaner);
    const struct received *received;
    while (receive(cleaner, &received) == RECEIVED_PACKET && received->packet.type != PACKET_PINGRESP)
        continue;
    disconnect(cleaner);
    for (const struct leftover *left = t->leftovers; left != NULL; left = left->next)
        if (left->client_identifier != NULL)
            disconnect(connect_client(t, .client_identifier = left->client_identifier, .clean_start = true));
}
