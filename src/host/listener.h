/* listener: the sockets on which clients arrive. Prefix: listeners_ */
#ifndef ETALON_HOST_LISTENER_H
#define ETALON_HOST_LISTENER_H

#include <uv.h>

#include "log.h"
#include "socket.h"

enum { MAXIMUM_LISTENERS = 64, LONGEST_ADDRESS = 64 };

struct listeners;

struct listener {
    uv_poll_t poll;
    struct listeners *all;
    int descriptor;
    bool loopback;
    bool watched;                  /* `poll` is initialised */
    uint16_t port;                 /* the one that is bound */
    char address[LONGEST_ADDRESS]; /* numeric, without the port */
};

struct listeners {
    uv_timer_t pause; /* runs while no connection can be accepted */
    struct sockets *sockets;
    const struct log *log;
    struct listener items[MAXIMUM_LISTENERS];
    size_t count;
    int spare; /* a descriptor given up when there is no other, so that a client can be turned away; -1: lost */
    uint64_t next_complaint; /* when this may be logged again (ms of uv_now) */
};

/* One port, on one address or on several. */
struct endpoint {
    uint16_t port;                /* 0: one that is free on all of the addresses */
    const char *const *addresses; /* numeric, or names */
    size_t count;
    bool last_optional; /* the machine may lack the last address (IPv6 beside IPv4) */
};

/* Listens on all of the endpoints. Clients are accepted, once the loop runs, into `sockets`. False: the
 * reason is logged, nothing listens. Afterwards listeners_close is due in either case. */
bool listeners_open(struct listeners *listeners, struct sockets *sockets, const struct log *log,
                    const struct endpoint *endpoints, size_t count);

/* Stops listening. May be called more than once; the loop must run on until the handles are closed. */
void listeners_close(struct listeners *listeners);

#endif
