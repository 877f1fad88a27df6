/* 3.1.2.10 Keep Alive. These rules are about time: their tests wait, for the shortest Keep Alive there is. */
#include "3_01_session.h"
#include "3_01_will.h"

#define SLACK 0.05 /* seconds by which clocks and networks may differ here */
#define LATE                                                                                                 \
    10.0 /* beyond 1.5 times: the text sets no limit, and servers look at their clients now and then */

/* The Keep Alive in force: Server Keep Alive replaces the client's wish, 3.2.2.3.14. */
static unsigned keep_alive_in_force(const struct client *client)
{
    return properties_number(&client->connack->packet.connack.properties, ORDINAL_SERVER_KEEP_ALIVE,
                             client->connected_with.keep_alive);
}

static void need_keep_alive(const struct client *client, unsigned seconds)
{
    if (keep_alive_in_force(client) != seconds)
        skip(client->test, "the server sets a Keep Alive of %u s itself", keep_alive_in_force(client));
}

/* The server closes at one and a half times Keep Alive after `last`, the moment of the last packet. The text
 * says within which time a packet must have come, and not how soon afterwards the server must have closed:
 * it is late only by a margin. Closing before Keep Alive itself has passed is closing on a client that kept
 * to the rules; what lies between that and one and a half times breaks no rule. */
static void expect_timeout(struct client *client, double last, unsigned keep_alive)
{
    struct test *t = client->test;
    double due = last + 1.5 * keep_alive;
    int code = expect_closed(client, .earliest = last + keep_alive - SLACK, .latest = due + LATE);
    note(t, "closed after %.2f times Keep Alive", (client->closed_at - last) / keep_alive);
    if (is_v5(t) && code != ABSENT && code != REASON_KEEP_ALIVE_TIMEOUT)
        note(t, "the DISCONNECT had the Reason Code 0x%02X, not 0x8D (Keep Alive timeout)", (unsigned)code);
}

CONFORMANCE_TEST(
    silent_client_is_disconnected, V_ALL, NEEDS_TIME,
    "A client that is silent for one and a half times Keep Alive is disconnected, but not within Keep Alive",
    MQTT_3_1_2_22, MQTT3_3_1_2_24, MQTT_3_1_2_20, MQTT3_3_1_2_23, MQTT_3_2_2_22, D3_3_1_4_3)
{
    double begun = now(t);
    struct client *silent = connect_client(t, .name = "silent", .clean_start = true, .keep_alive = 1);
    need_keep_alive(silent, 1);
    expect_timeout(silent, begun, 1);
}

/* A server may end the connection of a client that it takes for inactive, so that only the reason that it
 * gives can be wrong. */
CONFORMANCE_TEST(
    keep_alive_0_turns_it_off, V_ALL, NEEDS_NOTHING,
    "A client with Keep Alive 0 may be silent for longer than one with the shortest Keep Alive there is",
    D_3_1_2_10_1, D3_3_1_2_10_2, D3_3_1_2_10_3)
{
    struct client *unlimited = connect_client(t, .name = "Keep Alive 0", .clean_start = true);
    need_keep_alive(unlimited, 0);
    double begun = now(t);
    struct client *silent = connect_client(t, .name = "silent", .clean_start = true, .keep_alive = 1);
    need_keep_alive(silent, 1);
    expect_timeout(silent, begun, 1); /* positive control */
    wait_until(t, now(t) + 0.5);
    if (!unlimited->closed) {
        note(t, "a client with Keep Alive 0 is not looked after");
        expect_open(unlimited);
        return;
    }
    int code = expect_closed(unlimited);
    if (code == REASON_KEEP_ALIVE_TIMEOUT)
        fail_expected(t, "no Keep Alive timeout without Keep Alive", "DISCONNECT 0x8D after %.1f s",
                      unlimited->closed_at - begun);
    note(t, "a client with Keep Alive 0 was disconnected after %.1f s", unlimited->closed_at - begun);
}

CONFORMANCE_TEST(
    keep_alive_runs_from_the_last_packet, V_ALL, NEEDS_TIME,
    "Keep Alive runs from the client's last packet, whatever its type; packets to it do not count",
    MQTT_3_1_2_22, MQTT3_3_1_2_24, MQTT_3_1_2_20, MQTT3_3_1_2_23)
{
    const char *a = topic(t, "a");
    /* 2 s: a machine on which somebody between us and the server does not run for a second must not look like a
     * server that counts wrongly; nor must a long way */
    uint16_t keep_alive = (uint16_t)(2 + t->latency);
    struct client *listens =
        connect_client(t, .name = "listens", .clean_start = true, .keep_alive = keep_alive);
    need_keep_alive(listens, keep_alive);
    subscribe(listens, a); /* before the others come, because servers may take their time for it */
    double begun = now(t);
    double last = now(t); /* no packet of theirs is older: they must not time out while the other connects */
    struct client *pings = connect_client(t, .name = "pings", .clean_start = true, .keep_alive = keep_alive);
    struct client *publishes =
        connect_client(t, .name = "publishes", .clean_start = true, .keep_alive = keep_alive);
    allow_time(t, 2 * keep_alive);
    /* until `listens` is out, and at least twice Keep Alive: long enough to see that the other two are not */
    while ((!listens->closed && now(t) < begun + 1.5 * keep_alive + LATE + t->latency) ||
           now(t) < begun + 2 * keep_alive) {
        wait_until(t, last + 0.6);
        if (now(t) > last + keep_alive - 0.4)
            error(t, "this machine is too slow to keep to a Keep Alive of %u s", keep_alive);
        last = now(t);
        send_pingreq(pings);
        send_publish(publishes, .topic = a, .payload = "alive"); /* QoS 0: `listens` need not answer */
    }
    expect_open(publishes);
    expect_open(pings);
    expect_timeout(listens, begun, keep_alive); /* messages went to it all the time, none came from it */
}

CONFORMANCE_TEST(keep_alive_is_in_seconds, V_ALL, NEEDS_TIME,
                 "A longer Keep Alive is a longer time: 2 s of it are not over after 1.5 times 1 s",
                 MQTT_3_1_2_22, MQTT3_3_1_2_24, MQTT_3_2_2_22)
{
    double begun = now(t);
    struct client *two = connect_client(t, .name = "2 s", .clean_start = true, .keep_alive = 2);
    struct client *many = connect_client(t, .name = "256 s", .clean_start = true, .keep_alive = 256);
    need_keep_alive(two, 2);
    expect_timeout(two, begun, 2);
    expect_open(many); /* 256 is 01 00 on the wire: a server that reads one byte of it would close */
}

CONFORMANCE_TEST(keep_alive_timeout_is_a_lost_connection, V_ALL, NEEDS_TIME,
                 "A client disconnected by Keep Alive leaves its will, as after a failure of the network",
                 MQTT_3_1_2_22, MQTT3_3_1_2_24, D_3_1_2_5_2, MQTT_3_1_2_8, MQTT3_3_1_2_8, D3_3_1_2_5_2)
{
    const char *a = topic(t, "a");
    struct client *subscriber = connect_subscriber(t, a, 1);
    double begun = now(t);
    struct client *silent = connect_client(t, .name = "silent", .clean_start = true, .keep_alive = 1,
                                           .will = {.topic = a, .payload = "timed out"});
    need_keep_alive(silent, 1);
    expect_publish(subscriber, .topic = a, .payload = "timed out", .earliest = begun + 1 - SLACK,
                   .latest = begun + 1.5 + LATE);
    expect_closed(silent);
    expect_no_will(subscriber, a);
}
