/* roles: what the crash test's clients do. Streams must all exist before the first book subscribes. */
#ifndef ETALON_CRASH_ROLES_H
#define ETALON_CRASH_ROLES_H

#include "client.h"

/* Does nothing: for the members of a role that need no more. */
void role_ignore(struct client *client);
void role_ignore_message(struct client *client, unsigned stream, uint32_t number);
void role_ignore_answer(struct client *client, enum packet_type type, uint8_t reason);

/* Keeps its window full of messages at QoS 1 and 2, some of them retained. */
void publisher_create(struct world *world, unsigned index);

/* One more message in each of its streams, the deleted one excepted. */
void publisher_publish_last(struct client *client);

/* A durable session with subscriptions that never change; is away now and then. */
void subscriber_create(struct world *world, const char *id, bool v5, struct book *book,
                       const struct filter *filters, unsigned count);

/* Whether all subscriptions are there. */
bool subscriber_subscribed(const struct client *client);

/* Subscribes, publishes to itself, unsubscribes (or begins clean), publishes again, and so on. */
void cycler_create(struct world *world, unsigned index);

/* Whether it rests between two rounds. */
bool cycler_rests(const struct client *client);

/* Connects with a Will and leaves, with DISCONNECT or without. */
void mortal_create(struct world *world, unsigned index, bool v5, uint32_t expiry, uint32_t delay);

/* Its session expires soon. */
void mayfly_create(struct world *world, unsigned index, uint32_t expiry);

/* Looks at retained messages. */
void watcher_create(struct world *world, unsigned index);

/* How many times it has seen all of them. */
unsigned watcher_rounds(const struct client *client);

extern const struct role publisher_role, subscriber_role, cycler_role, mortal_role, mayfly_role, watcher_role;

#endif
