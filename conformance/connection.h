/* connection: the stream of bytes below a client, whatever carries it: TCP, and on top of it TLS, WebSocket,
 * or WebSocket in TLS. Everything above sees bytes that come and go, and one end.
 *
 * What is written is queued as a whole and leaves when the socket takes it. */
#ifndef ETALON_CONFORMANCE_CONNECTION_H
#define ETALON_CONFORMANCE_CONNECTION_H

#include <sys/types.h>

#include "tls.h"
#include "transport.h"
#include "websocket.h"

struct connection_wishes {
    const char *host;
    const char *port;
    const struct tls_context *tls; /* NULL: no TLS */
    const char *path;              /* of the WebSocket's URI; NULL: no WebSocket */
    const char *subprotocols;      /* to be offered there; NULL: none */
};

struct connection;

/* Connects, with all handshakes, within `seconds`. NULL with a sentence in `problem` (size bytes). An answer
 * to the upgrade that does not open a WebSocket is no problem here: connection_answer tells, and such a
 * connection is at its end. */
struct connection *connection_open(const struct connection_wishes *wishes, double seconds, char *problem,
                                   size_t size);

/* The socket, to be polled. */
int connection_socket(const struct connection *connection);

/* Whether something to be read waits where poll does not see it. */
bool connection_has_more(const struct connection *connection);

/* Reads what is there: the number of bytes, 0 for the end of the stream, TRANSPORT_WOULD_BLOCK or
 * TRANSPORT_BROKEN as in transport.h, or CONNECTION_VIOLATED: the server broke the WebSocket protocol. */
#define CONNECTION_VIOLATED (-3)
ssize_t connection_read(struct connection *connection, void *buffer, size_t size);

/* After 0: how the stream ended, in words, "" for the usual way. After CONNECTION_VIOLATED: what the server
 * did. Borrowed. */
const char *connection_farewell(const struct connection *connection);

/* After CONNECTION_VIOLATED: whether the fault is a data frame that is not binary. */
bool connection_got_text(const struct connection *connection);

/* Queues bytes; over WebSocket as a binary frame, or as several when connection_cut asked for it. */
void connection_queue(struct connection *connection, const void *data, size_t size);

/* Writes what is queued as far as possible: the number of bytes that left, TRANSPORT_WOULD_BLOCK or
 * TRANSPORT_BROKEN. */
ssize_t connection_flush(struct connection *connection);

/* Bytes that are queued. */
size_t connection_unsent(const struct connection *connection);

enum connection_end {
    CONNECTION_IN_ORDER, /* each layer says farewell */
    CONNECTION_ABRUPT,   /* the socket is closed, and nothing said: as when a process ends */
    CONNECTION_RESET     /* RST, as when a host is gone */
};

/* Closes the connection and releases it. */
void connection_close(struct connection *connection, enum connection_end how);

/* The first half of connection_close: each layer says farewell as `how` says, and then the sending direction of
 * the socket is closed, so that the server reads to the end of the stream. connection_close has to follow, with
 * CONNECTION_ABRUPT. Not for CONNECTION_RESET. */
void connection_part(struct connection *connection, enum connection_end how);

/* Closes the sending direction only. WebSocket has no such thing; there it is the stream below that ends. */
void connection_finish_sending(struct connection *connection);

/* "TCP", "TLSv1.3, TLS_AES_256_GCM_SHA384", "WebSocket /mqtt, subprotocol mqtt" … */
const char *connection_description(const struct connection *connection);

/* ---- WebSocket only; NULL, 0 or nothing without it ---------------------------------------------- */

/* What the server answered to the upgrade. */
const struct websocket_answer *connection_answer(const struct connection *connection);

/* From now on no frame carries more than `frame_size` bytes (0: no limit), and what is queued at once is one
 * message of several fragments (`fragmented`) or several messages. */
void connection_cut(struct connection *connection, size_t frame_size, bool fragmented);

/* Queues bytes as they stand below WebSocket: frames made by hand, illegal ones too. */
void connection_queue_raw(struct connection *connection, const void *data, size_t size);

/* How many data frames the server has sent. */
unsigned connection_frames(const struct connection *connection);

/* Whether the server has sent a Close frame, and its code (0: it had none). */
bool connection_was_told_to_close(const struct connection *connection, unsigned *code);

/* Whether the socket below has been closed by the server, too; reads on, and drops what comes. */
bool connection_is_gone(struct connection *connection);

#endif
