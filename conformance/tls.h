/* tls: TLS between the socket and what is above it, by OpenSSL. */
#ifndef ETALON_CONFORMANCE_TLS_H
#define ETALON_CONFORMANCE_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What the command line says of TLS; members that are NULL or false were not given. */
struct tls_settings {
    const char *authorities; /* file of the CAs to believe; without: those that the system believes */
    const char *certificate; /* file of our own certificate, and those between it and the CA */
    const char *key;         /* file of its private key */
    const char *server_name; /* the name to ask for and to find in the certificate; without: the host's */
    bool insecure;           /* the server's certificate is not looked at */
};

struct tls_context;
struct tls;

/* Reads the files once, for all connections. NULL with a sentence in `problem` (size bytes). Settings are
 * borrowed. */
struct tls_context *tls_context_create(const struct tls_settings *settings, char *problem, size_t size);
void tls_context_destroy(struct tls_context *context); /* NULL: nothing */

/* Performs the handshake on a connected, non-blocking socket within `seconds`. `host` is the name or number
 * that was connected to. NULL with a sentence in `problem`; the socket remains the caller's. */
struct tls *tls_open(const struct tls_context *context, int socket, const char *host, double seconds,
                     char *problem, size_t size);

/* As transport_read and transport_write. The end of the stream is told by reading 0 whether or not the
 * server said so in TLS (close_notify): *farewell tells how it ended, and is NULL for the usual way. */
ssize_t tls_read(struct tls *tls, void *buffer, size_t size, const char **farewell);
ssize_t tls_write(struct tls *tls, const void *data, size_t size);

/* Whether bytes have been read from the socket that tls_read has not returned: poll does not see them. */
bool tls_has_more(const struct tls *tls);

/* Tells the server that nothing more will be sent (close_notify). Best effort. */
void tls_finish_sending(struct tls *tls);

/* Version and cipher: "TLSv1.3, TLS_AES_256_GCM_SHA384". */
void tls_describe(const struct tls *tls, char *text, size_t size);

/* Releases it; the socket stays open. */
void tls_destroy(struct tls *tls);

#endif
