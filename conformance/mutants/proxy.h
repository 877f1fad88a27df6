/* proxy: the sockets below the mutants. Every connection has two halves, towards the client and towards the
 * broker; what is read from one half is cut into Control Packets (passage.c) and leaves by the other.
 *
 * Without a mutant the same path is taken, and every byte leaves as it came. */
#ifndef ETALON_CONFORMANCE_MUTANT_PROXY_H
#define ETALON_CONFORMANCE_MUTANT_PROXY_H

#include "distance.h"
#include "memory.h"
#include "mutant.h"
#include "sockets.h"

/* Bytes that wait; those before `start` are gone. */
struct queue {
    uint8_t *data;
    size_t start;
    size_t length; /* of what waits */
    size_t capacity;
};

/* Appends a copy. */
void queue_append(struct queue *queue, const void *data, size_t size);
/* Takes `size` bytes off the front. */
void queue_take(struct queue *queue, size_t size);
static inline uint8_t *queue_front(const struct queue *queue)
{
    return queue->data == NULL ? NULL : queue->data + queue->start;
}

struct link;

/* One of the two sockets. `side` tells who sits there: what is read here is FROM_CLIENT or FROM_SERVER. */
struct half {
    struct link *link;
    enum side side;
    int socket;
    uint32_t watched;    /* epoll events */
    struct queue input;  /* read here, not yet a whole packet */
    struct queue output; /* to be written here */
    struct route route;  /* read here, not yet arrived */
    bool over;           /* nothing more can be read; the end of the stream may be under way */
    bool ended;          /* its peer has finished sending, and that was dealt with */
    bool upgrading;      /* a WebSocket's: the head of the handshake has begun here */
    bool upgraded;       /* and ended: frames follow */
    bool opaque;         /* the stream cannot be cut into packets any more: it passes as it is */
    bool finish;         /* shut down for writing once the output is empty */
    bool finished;
};

/* A connection with what authors need not see. */
struct link {
    struct connection connection; /* first: authors' functions get a pointer to it */
    struct half half[2];          /* by side */
    struct queue identifier;      /* holds connection.client_identifier */
    bool dead;
    struct link *next;
};

/* Bytes to be sent when their time has come. */
struct delayed;

struct scratch;

struct proxy {
    const struct mutant *mutant; /* NULL: transparent */
    struct endpoint target;
    struct distance distance;
    int listener;
    int poll;
    struct link *links;
    struct delayed *delayed; /* the earliest first */
    struct memory memory;
    struct scratch *scratch; /* what hooks asked for; freed when the packet is dealt with */
};

static inline struct link *link_of(struct connection *connection)
{
    return (struct link *)connection;
}

/* The half that a packet leaves by. */
static inline struct half *half_towards(struct connection *connection, enum side destination)
{
    return &link_of(connection)->half[destination];
}

/* Opens the listener on 127.0.0.1 (port 0: any free one) and returns its port, or 0 with errno set. */
uint16_t proxy_open(struct proxy *proxy, uint16_t port);

/* Serves until `*stop` is set by a signal handler. False with errno set if it cannot go on. */
bool proxy_run(struct proxy *proxy, const volatile int *stop);

/* Closes everything and releases all memory. */
void proxy_close(struct proxy *proxy);

/* Queues bytes for the peer of this half. */
void proxy_send(struct half *half, const void *bytes, size_t size);

/* Queues a copy of the bytes for `seconds` from now; forgotten if the connection ends before. */
void proxy_send_later(struct half *half, const void *bytes, size_t size, double seconds);

/* Both sides are closed once their output is sent. */
void proxy_close_link(struct link *link);

/* Cuts what waits in half->input into packets and deals with each. passage.c */
void passage_read(struct half *half);

/* Whether the connection is a WebSocket's; and what passage_read is to those. frames.c */
bool frames_expected(const struct half *half);
void frames_read(struct half *half);

/* The peer of this half has finished sending: the rest of its input passes as it is. passage.c */
void passage_end(struct half *half);

/* Whether the broker's closing is to be kept from this client. passage.c */
bool passage_keeps_open(struct link *link);

#endif
