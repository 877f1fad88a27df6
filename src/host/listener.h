/* listener: the sockets on which clients arrive. Prefix: listeners_ */
#ifndef ETALON_HOST_LISTENER_H
#define ETALON_HOST_LISTENER_H

#include <sys/stat.h>

#include <uv.h>

#include "../base/line.h"
#include "address_limits.h"
#include "configuration.h"
#include "log.h"
#include "socket.h"
#include "websocket.h"

enum { MAXIMUM_LISTENERS = 64, MAXIMUM_ENDPOINTS = 17, LONGEST_ADDRESS = 128 };
_Static_assert((int)MAXIMUM_ENDPOINTS <= (int)SOCKETS_GROUPS,
               "the clients of every endpoint are counted by themselves");

struct listeners;
struct tls_context;

/* The options of the filters, and the texts that they borrow. Stays in its place while there are clients. */
struct listener_websocket {
    struct websocket_options options;
    const char *paths[CONFIGURATION_WORDS];
    const char *origins[CONFIGURATION_WORDS];
    char path_text[CONFIGURATION_TEXT_SIZE];
    char origin_text[CONFIGURATION_TEXT_SIZE];
};

/* What all the sockets of an endpoint have in common. */
struct listener_group {
    struct tls_context *tls;        /* for those who come from now on; NULL: no TLS. Held on to */
    uint32_t maximum_connections;   /* UINT32_MAX: no limit */
    uint8_t protocol;               /* enum listener_protocol */
    bool use_identity, use_subject; /* as user name, from the client's certificate */
    uint64_t next_complaint;        /* when it may be logged again that it's full (ms of uv_now) */
    struct listener_websocket websocket;
};

struct listener {
    uv_poll_t poll;
    struct listeners *all;
    int descriptor;
    bool local;   /* no other machine reaches it */
    bool watched; /* `poll` is initialised */
    uint8_t group;
    uint16_t port;                 /* the one that is bound; 0: a Unix socket */
    struct stat file;              /* of a Unix socket: is it still ours? */
    char address[LONGEST_ADDRESS]; /* numeric, without the port; the path of a Unix socket */
};

struct listeners {
    uv_timer_t pause; /* runs while no connection can be accepted */
    struct sockets *sockets;
    const struct log *log;
    struct listener items[MAXIMUM_LISTENERS];
    size_t count;
    struct listener_group groups[MAXIMUM_ENDPOINTS];
    size_t group_count;
    int spare; /* given up when there is no other descriptor, to turn a client away with; -1: lost */
    uint64_t next_complaint; /* when this may be logged again (ms of uv_now) */
    uint64_t next_turned_away; /* likewise, for clients that their address keeps out */
};

/* One port on one address or on several, or one Unix socket. */
struct endpoint {
    const struct configuration_listener *settings;
    struct tls_context *tls;      /* NULL: no TLS; becomes the listeners' */
    uint16_t port;                /* 0: one that is free on all of the addresses */
    const char *const *addresses; /* numeric, or names */
    size_t count;                 /* 0: the Unix socket of `settings` */
    bool last_optional;           /* the machine may lack the last address (IPv6 beside IPv4) */
};

/* Takes all of the endpoints (MAXIMUM_ENDPOINTS at most) for the broker; clients are still refused. False: the
 * reason is logged, nothing is taken. Afterwards listeners_close is due in either case. */
bool listeners_open(struct listeners *listeners, struct sockets *sockets, const struct log *log,
                    const struct endpoint *endpoints, size_t count);

/* Listens. Clients are accepted, once the loop runs, into the `sockets` of listeners_open. False: the reason is
 * logged. */
bool listeners_start(struct listeners *listeners);

/* Gives the group at `index` other settings, for clients that come from now on. `tls` is handed over. */
void listeners_configure(struct listeners *listeners, size_t index,
                         const struct configuration_listener *settings, struct tls_context *tls);

/* Whether the client with this host handle is to be known by its certificate; then `*name` is its user name,
 * borrowed as long as the connection lives, or NULL: the certificate has no such name, and the client must
 * not get in. */
bool listeners_certify(const struct listeners *listeners, const void *host, const char **name);

/* How the listener is written in a log: "127.0.0.1 port 8883 (TLS)". */
struct line listener_describe(const struct listener *listener);

/* Stops listening. May be called more than once; the loop must run on until the handles are closed. */
void listeners_close(struct listeners *listeners);

#endif
