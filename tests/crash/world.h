/* world: all that the crash test's clients share. Prefix: world_ */
#ifndef ETALON_CRASH_WORLD_H
#define ETALON_CRASH_WORLD_H

#include <sys/types.h>

#include "books.h"

struct client;

enum { CLIENTS = 64 };

#define MILLISECOND 1000000ULL
#define SECOND (1000 * MILLISECOND)

enum phase {
    PHASE_SETUP,  /* durable subscribers make their subscriptions; no kill yet */
    PHASE_LOAD,   /* kills */
    PHASE_SETTLE, /* nothing new is sent; what is under way is to arrive */
};

/* A lie that one client tells the books, once: the self-test sees whether the check notices. */
enum forge {
    FORGE_NOTHING,
    FORGE_FORGET,      /* a message at QoS 2 that was acknowledged did not come */
    FORGE_FORGET_1,    /* the same at QoS 1 */
    FORGE_REPEAT,      /* one came twice */
    FORGE_SWAP,        /* two came in the wrong order */
    FORGE_ALTER,       /* a byte was changed */
    FORGE_SESSION,     /* Session Present was 0 */
    FORGE_STALE,       /* Session Present was 1 */
    FORGE_UNSUBSCRIBE, /* a confirmed subscription has gone */
    FORGE_SUBSCRIBE,   /* an ended one is there */
    FORGE_RETAINED,    /* a retained message was older than the last acknowledged one */
    FORGE_CLEARED,     /* a deleted one came */
    FORGE_WILL,        /* a Will did not come */
    FORGE_WILL_OFF,    /* one came that was discharged */
    FORGE_EXPIRY,      /* an expired session was present */
    FORGE_DUP,         /* DUP was missing */
    FORGES
};

struct world_statistics {
    uint64_t published_again; /* PUBLISH sent again by clients */
    uint64_t released_again;  /* PUBREL sent again by clients */
    uint64_t redelivered;     /* PUBLISH QoS 2 that came again under a Packet Identifier still held */
    uint64_t rereleased;      /* PUBREL that came again */
    uint64_t dup_1;           /* PUBLISH QoS 1 with DUP that came */
    uint64_t sessions;        /* CONNACK with Session Present */
};

/* The message that a forge is about. */
struct lie {
    struct book *book; /* NULL: none yet */
    unsigned stream;
    uint32_t number;
};

/* The broker is killed at the very packet: what that promises, and nothing later, must be there. */
struct trap {
    bool set;
    enum packet_type type; /* PACKET_RESERVED: a CONNACK that ended an older session for good */
    uint32_t left;         /* packets of this type until then */
    pid_t victim;
    bool sprung;
};

struct world {
    struct trap trap;
    struct books books;
    struct client *clients[CLIENTS];
    unsigned client_count;
    struct book *subscribers[BOOKS]; /* whose backlog holds publishers up */
    unsigned subscriber_count;
    int epoll;
    uint16_t port;         /* 0: no broker to connect to */
    uint64_t now;          /* ns */
    uint64_t run_confirms; /* when the first CONNACK of this run came; 0: not yet */
    uint64_t packets;      /* received in this run */
    uint64_t total;        /* ever received */
    uint64_t random;
    uint64_t patience; /* ns: a request that has not been answered by then has failed */
    uint64_t stall;    /* ns: a message that has not come by then has failed */
    enum phase phase;
    enum forge forge;
    bool forged;    /* done */
    struct lie lie; /* of those that are about a message */
    struct world_statistics statistics;
};

/* A number below `limit`. */
uint32_t world_random(struct world *world, uint32_t limit);

/* A packet has come: kills the broker if this is the one. */
void world_trap(struct world *world, enum packet_type type);

/* Whether the lie is to be told now; only once. */
bool world_forge(struct world *world, enum forge forge);

/* Whether the slowest subscriber is too far behind. */
bool world_congested(const struct world *world);

#endif
