/* socket: the TCP connections of the clients. Prefix: sockets_
 *
 *                 connection_closing()          drained, shutdown()            EOF or deadline
 *      OPEN ─────────────────────▶ DRAINING ─────────────────────▶ LINGERING ─────────────────▶ gone
 *       │   output still waits        │       the core is told        what still comes is
 *       │                             │       STEP_CLOSED             read and thrown away
 *       └── EOF, error ──▶ gone       └── error, deadline ──▶ gone
 *
 * Lingering is needed because closing a socket that holds unread input resets the connection, and the
 * reset may overtake the last packet (a CONNACK or DISCONNECT with its Reason Code) before the client has
 * read it.
 *
 * The sockets are read and written here: one read per wake-up into a buffer that all share, one writev per
 * connection at the end of a loop turn. So an idle connection owns no buffer, and output gathers over the
 * turn. They are watched by an epoll of their own, which the loop sees as a single descriptor: a uv_poll_t for
 * each would cost 160 bytes and five more system calls per connection. */
#ifndef ETALON_HOST_SOCKET_H
#define ETALON_HOST_SOCKET_H

#include <uv.h>

#include "../base/list.h"
#include "../mqtt/broker.h"
#include "address_limits.h"
#include "host_statistics.h"
#include "transport.h"

enum { SOCKETS_GROUPS = 32 }; /* clients are counted by the listener they came to */

/* All of them. Every client is in exactly one of the lists. */
struct sockets {
    uv_loop_t *loop; /* its `data` points back to this structure */
    uv_poll_t gate;  /* watches `epoll` */
    int epoll;
    struct broker *broker;
    uint8_t *input;   /* the shared read buffer */
    struct buffer plain; /* what has come through the filters of a transport, or is to go through them; shared, too */
    struct transport_scratch scratch;
    size_t unflushed; /* bytes read since output was last sent */
    struct list open;
    struct list draining;  /* by deadline: all wait equally long */
    struct list lingering; /* likewise */
    struct list gone;      /* closed, to be freed when the events at hand have been dealt with */
    size_t count;
    struct address_limits addresses; /* each descriptor adopted has entered */
    struct host_statistics statistics;
    uint32_t population[SOCKETS_GROUPS]; /* by group; without those that the core has done with */
};

/* Sets up the population without a member. Loop and broker are borrowed. False: no memory. */
bool sockets_create(struct sockets *sockets, uv_loop_t *loop, struct broker *broker);

/* Cuts every connection without a farewell, telling the broker, and frees the buffer. The loop must then
 * run until the handles are closed. */
void sockets_destroy(struct sockets *sockets);

/* Takes over a connected, non-blocking descriptor, and `transport` (NULL: plain TCP). `peer` is the other
 * side's address for the log; `group` is below SOCKETS_GROUPS. */
void sockets_adopt(struct sockets *sockets, int descriptor, const char *peer, struct transport *transport,
                   uint8_t group);

/* Of a connection whose host handle (connection_host, authentication_request.host) this is: the group that it was
 * adopted with, what its address is, and who the client has proved to be (NULL: nobody), valid as long as the
 * connection. */
uint8_t sockets_group(const void *host);
struct address_key sockets_address(const void *host);
const struct peer_identity *sockets_identity(const void *host);

/* Sends the output of every connection that has become ready, and closes those that are to be closed. */
void sockets_flush(struct sockets *sockets);

/* Cuts those whose time for draining or lingering is over. */
void sockets_expire(struct sockets *sockets);

/* When to call sockets_expire (ms of uv_now); UINT64_MAX: not before something happens. */
uint64_t sockets_deadline(const struct sockets *sockets);

#endif
