/* Steps that the tests of section 3.3 share. */
#ifndef ETALON_CONFORMANCE_TESTS_3_03_PUBLISH_H
#define ETALON_CONFORMANCE_TESTS_3_03_PUBLISH_H

#include "../test.h"

/* Long enough for every test, short enough that a server may well grant it. */
#define SESSION_SECONDS 120

/* A client whose session outlives its connection. */
static inline struct client *connect_lasting(struct test *t, const char *name)
{
    return connect_client(t, .name = name, .client_identifier = client_id(t, name), .clean_start = false,
                          .session_expiry_interval = SESSION_SECONDS);
}

/* The test cannot go on without its session; whether that had to be there is the subject of others. */
static inline void demand_session(struct client *client)
{
    bool told = client->version != PROTOCOL_3_1; /* 3.1 has no Session Present */
    if (told && !client->connack->packet.connack.session_present)
        error(client->test, "set-up: the server did not keep the session of %s", client->name);
}

/* The same client again, with its session. */
static inline struct client *resume(struct test *t, const char *name)
{
    struct client *client = connect_lasting(t, name);
    demand_session(client);
    return client;
}

/* The QoS at which a message published at `published` reaches a subscription granted `granted`. */
static inline int delivered_qos(int published, int granted)
{
    return published < granted ? published : granted;
}

/* Length of a text with its two-byte prefix, for Remaining Lengths built by hand. */
static inline unsigned string_size(const char *string)
{
    return 2U + (unsigned)strlen(string);
}

#endif
