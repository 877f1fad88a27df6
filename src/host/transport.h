/* transport: what lies between a socket and the core. Prefixes: transport_ / filter_
 *
 *      socket ⇄ [ TLS ] ⇄ [ WebSocket ] ⇄ core          section 4.2, chapter 6
 *
 * A plain TCP connection has no transport: its bytes go straight to the core. The others are a chain of
 * filters, from the socket upwards. A filter never touches a socket: bytes in, bytes out; so it can be tested and
 * fuzzed by itself. Bytes going up are for the core, bytes going down for the socket. */
#ifndef ETALON_HOST_TRANSPORT_H
#define ETALON_HOST_TRANSPORT_H

#include "../base/buffer.h"

enum filter_outcome {
    FILTER_GOES_ON,
    FILTER_ENDED, /* the other side has ended in good order; what went down may still be sent */
    FILTER_FAILED /* no use going on (filter_class.complaint says why); what went down (an alert, an error page) may
                   * still be sent */
};

struct filter;

/* Who the other side is, as it has proved. The texts are NULL when there are none. */
struct peer_identity {
    char *common_name; /* of the subject of its certificate, UTF-8 */
    char *subject;     /* all of it, in the form of RFC 2253 */
};

/* What a kind of filter can do. Every function gets its own filter; `up` and `down` are the caller's buffers, to
 * which it appends. A filter that has no memory fails. */
struct filter_class {
    const char *name;
    /* Bytes that came from below. Appends to `up` what they mean for above and to `down` what has to be answered
     * (a handshake, a pong). May be called with no bytes. After FILTER_ENDED or FILTER_FAILED it isn't called again. */
    enum filter_outcome (*receive)(struct filter *filter, struct bytes bytes, struct buffer *up,
                                   struct buffer *down);
    /* Bytes from above, to be sent. Not before something has come up. */
    enum filter_outcome (*send)(struct filter *filter, struct bytes bytes, struct buffer *down);
    /* Nothing more will be sent: a farewell (close_notify, a Close frame), if there is one. */
    void (*close)(struct filter *filter, struct buffer *down);
    /* Why it failed, for the log; valid as long as the filter. */
    const char *(*complaint)(const struct filter *filter);
    /* What the other side has proved of its identity; NULL: nothing. Valid as long as the filter. The member may be
     * NULL: there is never anything. */
    const struct peer_identity *(*identity)(struct filter *filter);
    void (*destroy)(struct filter *filter);
};

/* First member of every filter. */
struct filter {
    const struct filter_class *class;
};

enum { TRANSPORT_FILTERS = 2 };

struct transport {
    struct filter *filters[TRANSPORT_FILTERS]; /* [0] is next to the socket */
    uint32_t count;
    struct buffer down; /* bytes for the socket */
};

/* Buffers that all transports of a thread share while one call lasts. Zero-initialised is fine. */
struct transport_scratch {
    struct buffer up[TRANSPORT_FILTERS];
    struct buffer down[TRANSPORT_FILTERS];
};
void transport_scratch_free(struct transport_scratch *scratch);

/* A transport without filters. NULL: no memory. Owned by the caller. */
struct transport *transport_create(void);

/* Puts `filter` on top; the transport owns it from now on. */
void transport_add(struct transport *transport, struct filter *filter);

void transport_destroy(struct transport *transport);

/* Bytes came from the socket; what they mean for the core is appended to `up`, what has to be sent is in
 * transport->down. */
enum filter_outcome transport_receive(struct transport *transport, struct transport_scratch *scratch,
                                      struct bytes bytes, struct buffer *up);

/* Bytes of the core are to be sent; they end in transport->down. */
enum filter_outcome transport_send(struct transport *transport, struct transport_scratch *scratch,
                                   struct bytes bytes);

/* Farewells of all filters, from the top. */
void transport_close(struct transport *transport, struct transport_scratch *scratch);

/* Who the other side has proved to be; NULL: it has proved nothing. `transport` may be NULL. Valid as long as the
 * transport. */
const struct peer_identity *transport_identity(const struct transport *transport);

/* Why a call failed; names the filter. Never NULL. */
const char *transport_complaint(const struct transport *transport);

#endif
