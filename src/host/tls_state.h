/* tls_state: what tls_context.c and tls_filter.c know of a context. */
#ifndef ETALON_HOST_TLS_STATE_H
#define ETALON_HOST_TLS_STATE_H

#include <openssl/ssl.h>

#include "tls.h"

struct tls_context {
    SSL_CTX *ssl;            /* owned */
    BIO_METHOD *method;      /* owned; reads from and writes to the buffers of a filter's call */
    const char *application; /* static: the protocol that may be agreed on by ALPN, RFC 7301 */
    uint32_t users;          /* the owner and the filters */
};

/* The BIO of a filter: tls_filter.c. NULL: no memory. */
BIO_METHOD *tls_method_create(void);

#endif
