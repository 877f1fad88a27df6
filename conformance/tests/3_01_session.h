/* Steps that the tests on sessions and wills share. */
#ifndef ETALON_CONFORMANCE_TESTS_3_01_SESSION_H
#define ETALON_CONFORMANCE_TESTS_3_01_SESSION_H

#include "../test.h"

/* Long enough to outlive every test. */
#define LONG_SESSION 300

/* Seconds that the server keeps the session of a client of 5.0 after its connection: the answer in the
 * CONNACK, or else the wish. */
static inline uint32_t granted_session_expiry(const struct client *client)
{
    int64_t wish = client->connected_with.session_expiry_interval;
    return properties_number(&client->connack->packet.connack.properties, ORDINAL_SESSION_EXPIRY_INTERVAL,
                             wish == ABSENT ? 0 : (uint32_t)wish);
}

/* A server may shorten every session of 5.0; below this nothing can be said about sessions in good time. */
static inline void need_sessions(struct test *t, uint32_t seconds)
{
    if (is_v5(t) && t->capabilities->probed && t->capabilities->session_expiry_maximum < seconds)
        skip(t, "the server keeps sessions for %u s at most, this test needs %u s",
             t->capabilities->session_expiry_maximum, seconds);
}

/* A client whose session outlives the connection, in the terms of either version. */
#define connect_lasting_client(t, identifier, ...)                                                           \
    connect_client((t), .client_identifier = client_id((t), (identifier)), .name = (identifier),             \
                   .clean_start = false, .session_expiry_interval = LONG_SESSION, __VA_ARGS__)

/* Sends DISCONNECT and waits until the server has dealt with it, which its closing shows. A server SHOULD
 * close then; one that does not is given the time, and no verdict depends on it. */
static inline void leave(struct client *client)
{
    const struct received *ignored;
    enum outcome outcome;
    send_disconnect(client);
    finish_sending(client);
    do
        outcome = receive(client, &ignored);
    while (outcome == RECEIVED_PACKET);
    if (outcome == RECEIVED_TIMEOUT)
        note(client->test, "the server left the connection of %s open after its DISCONNECT", client->name);
    close_abruptly(client);
}

/* The CONNACK that a client of the set-up got must say this. 3.1 has no Session Present: nothing to see. */
static inline void demand_session_present(struct client *client, bool present)
{
    struct test *t = client->test;
    if (t->version != PROTOCOL_3_1 && client->connack->packet.connack.session_present != present)
        fail_expected(t, text(t, "CONNACK with Session Present %d to %s", present, client->name), "%s",
                      describe_packet(t, &client->connack->packet));
}

/* The QoS to ask for where a session has to store messages. */
static inline int storing_qos(const struct test *t)
{
    return t->capabilities->maximum_qos > 0 ? 1 : 0;
}

#endif
