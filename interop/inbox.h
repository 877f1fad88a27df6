/*
 * A message as the interoperability programs speak of it, and the inbox in which a client's messages wait.
 *
 * Paho calls back on threads of its own; the cases run on the main thread. The inbox is the only thing they
 * share: callbacks put, the case takes, and a take that finds nothing waits on a condition variable until its
 * deadline. A deadline that passes is always a failure of the case, never a way of showing an absence.
 */
#ifndef INTEROP_INBOX_H
#define INTEROP_INBOX_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include <MQTTProperties.h>

/* How long one expected event may take. Far more than a healthy broker needs, so that a busy machine is not
 * mistaken for a broken broker. */
#define EVENT_DEADLINE_SECONDS 10

/* An Application Message. Outgoing ones borrow everything; an inbox owns what it holds. */
struct message {
    const char *topic;
    const void *payload;
    size_t payload_length;
    int qos;
    bool retain;
    bool duplicate;
    MQTTProperties properties; /* empty before 5.0 */
};

struct received {
    struct message message;
    struct received *next;
};

struct inbox {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct received *first;
    struct received **last;
    struct received *taken;
    bool connection_lost;
    int disconnect_reason_code; /* of the Server's DISCONNECT; -1 when there was none */
};

/* Prepares an empty inbox. */
void inbox_init(struct inbox *inbox);

/* Frees everything the inbox holds, the messages already taken too. No callback may be running any more. */
void inbox_free(struct inbox *inbox);

/* Copies `message` to the end of the inbox and wakes the taker. Ends the program when memory runs out. */
void inbox_put(struct inbox *inbox, const struct message *message);

/* Records that the connection ended without the client's wish. `reason_code` is that of the Server's
 * DISCONNECT, or -1 when the connection was only closed. */
void inbox_connection_lost(struct inbox *inbox, int reason_code);

/* Takes the oldest message, which stays the inbox's property until inbox_free. Returns NULL when none came
 * within EVENT_DEADLINE_SECONDS. */
const struct message *inbox_take(struct inbox *inbox);

/* Waits until the connection was lost. Returns false when EVENT_DEADLINE_SECONDS passed before. */
bool inbox_wait_connection_lost(struct inbox *inbox);

/* Initialises a condition variable that measures its deadlines with the monotonic clock. */
void condition_init(pthread_cond_t *condition);

/* The monotonic instant EVENT_DEADLINE_SECONDS from now, for pthread_cond_timedwait. */
struct timespec event_deadline(void);

#endif
