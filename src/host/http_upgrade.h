/* http_upgrade: the HTTP request that a WebSocket begins with. Prefix: http_upgrade_
 *
 * Bytes in, verdict out; the same however the network has cut them. A line is dealt with when it has ended
 * and not kept, so that a request costs no more memory than its longest line. Wrong form is refused at its
 * line, wrong content when the header block has ended, because then the answer can name what matters most.
 * RFC 6455 section 4.2.1, RFC 9112. */
#ifndef ETALON_HOST_HTTP_UPGRADE_H
#define ETALON_HOST_HTTP_UPGRADE_H

#include "../base/buffer.h"

enum {
    HTTP_UPGRADE_SIZE = 8192, /* bytes of a header block, unless the rules say otherwise */
    HTTP_UPGRADE_LINES = 64,  /* of a header block; browsers send about 15 */
    HTTP_UPGRADE_KEY_SIZE = 24
};

/* Zero-initialised: everything is allowed. */
struct http_upgrade_rules {
    const char *const *paths; /* what stands in front of a '?' must be one of these; none: any path */
    size_t path_count;
    const char *const *origins; /* "https://example.org": of which sites' pages may come here; none: any */
    size_t origin_count;
    uint32_t maximum_size; /* of the header block in bytes; 0: HTTP_UPGRADE_SIZE */
};

enum http_upgrade_outcome { HTTP_UPGRADE_INCOMPLETE, HTTP_UPGRADE_ACCEPTED, HTTP_UPGRADE_REFUSED };

/* A request that is being read. */
struct http_upgrade {
    const struct http_upgrade_rules *rules; /* borrowed */
    struct buffer line;                     /* the one that has not ended yet */
    uint32_t size;                          /* bytes of the request so far */
    uint16_t lines;                         /* that have ended */
    uint16_t seen;                          /* bit N: a header of row N of the table has come */
    uint16_t facts;                         /* what is known of the request, a bit each */
    uint16_t status;                        /* refused: of the answer; 0: this is no HTTP, say nothing */
    bool head;                              /* a HEAD request: the answer has no body */
    const char *why;                        /* refused: for the log and the answer; static text */
    const char *subprotocol;                /* chosen; static text */
    char key[HTTP_UPGRADE_KEY_SIZE];
};

/* `rules` are borrowed until http_upgrade_end. */
void http_upgrade_begin(struct http_upgrade *request, const struct http_upgrade_rules *rules);

/* Takes bytes off the front of `*bytes`, which begins where the last call has ended: all of them, or up to
 * the end of the request, behind which frames may follow. Not to be called again once it has not been
 * INCOMPLETE. */
enum http_upgrade_outcome http_upgrade_receive(struct http_upgrade *request, struct bytes *bytes);

/* Refuses a request that has not ended, for a reason that does not lie in it. */
void http_upgrade_refuse(struct http_upgrade *request, uint16_t status, const char *why);

/* Appends the answer: 101 to a request that was accepted, a page for people to one that was refused.
 * False: no memory, or no SHA-1. */
bool http_upgrade_answer(const struct http_upgrade *request, struct buffer *down);

/* Frees what it holds. */
void http_upgrade_end(struct http_upgrade *request);

#endif
