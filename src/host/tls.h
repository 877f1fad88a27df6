/* tls: the TLS of a listener, on OpenSSL 3. Prefix: tls_
 *
 * A context is what the files of a listener say: certificate, key, CAs, revoked certificates, versions,
 * cipher suites. Every connection has a filter of its own that holds on to the context it was made from; so a
 * listener can be given a new context at any time, and old connections go on with theirs.
 *
 * The filter works on bytes in memory (transport.h). OpenSSL reads them in place and writes straight into the
 * buffer for below; while nothing happens it holds no buffer. */
#ifndef ETALON_HOST_TLS_H
#define ETALON_HOST_TLS_H

#include "../base/line.h"
#include "configuration.h"
#include "transport.h"

struct tls_context;

/* Reads the files that `listener` names. NULL: `problem` says what is wrong, with the name of the file. Owned
 * by the caller, see tls_context_release. */
struct tls_context *tls_context_create(const struct configuration_listener *listener, struct line *problem);

/* The owner has no use for it any more; it lives on as long as its filters do. NULL is fine. */
void tls_context_release(struct tls_context *context);

/* Days until the certificate of the server expires; 0: in less than a day. */
int tls_context_days_left(const struct tls_context *context);

/* The server's end of one connection. NULL: no memory. Owned by the caller, normally transport_add. Its
 * identity (transport_identity) is that of a client certificate that was verified. */
struct filter *tls_filter_create(struct tls_context *context);

#endif
