/* Steps of the tests in which messages stay unacknowledged.
 *
 * How many messages a server has under way is its own choice, down to one: its send quota begins at a number above 0
 * that does not exceed Receive Maximum (4.9), and 3.1.1 speaks of a window of one (4.6). A test that waits for a second
 * message before it acknowledges the first accuses such a server. */
#ifndef ETALON_CONFORMANCE_TESTS_4_09_WINDOW_H
#define ETALON_CONFORMANCE_TESTS_4_09_WINDOW_H

#include "../test.h"

/* What the server has had to do so far for this client is done: its packets of other kinds than PUBLISH are answered in
 * turn, and nothing may hold them back. */
static inline void settle(struct client *client)
{
    const char *barrier = topic(client->test, "barrier");
    ping(client);
    unsubscribe(client, barrier);
    subscribe(client, barrier, .qos = 0);
    ping(client);
}

/* Takes `count` messages and acknowledges the oldest one whenever the server sends nothing more. Never may more than
 * `maximum` be under way; how many are is the server's choice, down to one (4.9: the send quota begins at a number above
 * 0 that does not exceed the Receive Maximum). All messages must have been sent by their publisher, and have reached
 * others. `list` gets them. */
static inline void take_through_window(struct client *subscriber, const char *topic_name, unsigned maximum,
                                       const struct received **list, unsigned count)
{
    struct test *t = subscriber->test;
    unsigned taken = 0, acknowledged = 0, most = 0;
    while (acknowledged < count) {
        if (taken == acknowledged)
            list[taken++] = expect_publish(subscriber, .topic = topic_name, .acknowledge = false);
        settle(subscriber);
        while (taken < count && receive_publish(subscriber, now(t), &list[taken]) == RECEIVED_PACKET)
            taken++;
        unsigned under_way = taken - acknowledged;
        most = under_way > most ? under_way : most;
        if (under_way > maximum)
            fail_expected(t,
                          text(t, "no more than %u unacknowledged messages to %s", maximum, subscriber->name),
                          "%u, the last of them %s", under_way, describe_packet(t, &list[taken - 1]->packet));
        acknowledge(subscriber, list[acknowledged++]);
    }
    if (most < maximum)
        note(t, "%s: the server had %u messages under way at most, where %u were allowed", subscriber->name,
             most, maximum);
}

#endif
