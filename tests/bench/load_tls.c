/* TLS at the clients' side: OpenSSL straight on the sockets, version 1.3 and nothing older. */
#include "load.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

struct tls_client {
    SSL_CTX *context;
    SSL_SESSION *session; /* the newest ticket; NULL without --resume and before the first */
};

static int keep_session(SSL *tls, SSL_SESSION *session)
{
    struct tls_client *client = SSL_CTX_get_app_data(SSL_get_SSL_CTX(tls));
    SSL_SESSION_free(client->session);
    client->session = session;
    return 1; /* the session is ours now */
}

static const char *reason(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());
    return text != NULL ? text : "unknown";
}

bool tls_start(struct load *load)
{
    struct tls_client *client = load_allocate(load, 1, sizeof *client);
    client->context = SSL_CTX_new(TLS_client_method());
    if (client->context == NULL || SSL_CTX_set_min_proto_version(client->context, TLS1_3_VERSION) != 1) {
        load_fail(load, "TLS: %s", reason());
        return false;
    }
    load->tls = client;
    SSL_CTX_set_app_data(client->context, client);
    /* The certificate is not looked at: that would be work of the generator, and none of the broker. */
    SSL_CTX_set_verify(client->context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_mode(client->context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                          SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(client->context, 1); /* one call for many records, and for header and body */
    SSL_CTX_set_session_cache_mode(client->context, SSL_SESS_CACHE_OFF);
    if (load->options.resume) {
        SSL_CTX_set_session_cache_mode(client->context,
                                       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
        SSL_CTX_sess_set_new_cb(client->context, keep_session);
    }
    return true;
}

void tls_end(struct load *load)
{
    if (load->tls != NULL) {
        SSL_SESSION_free(load->tls->session);
        SSL_CTX_free(load->tls->context);
        load->tls = NULL;
    }
}

bool tls_has_ticket(const struct load *load)
{
    return load->tls != NULL && load->tls->session != NULL;
}

/* With a copy: OpenSSL lets a client use a session once, and marks it when the first handshake is over. */
static void resume(struct connection *connection, const SSL_SESSION *session)
{
    SSL_SESSION *copy = session != NULL ? SSL_SESSION_dup(session) : NULL;
    if (session != NULL && (copy == NULL || SSL_set_session(connection->tls, copy) != 1)) {
        load_fail(connection->load, "TLS: %s", reason());
    }
    SSL_SESSION_free(copy);
}

void tls_open(struct connection *connection)
{
    struct tls_client *client = connection->load->tls;
    connection->tls = SSL_new(client->context);
    if (connection->tls == NULL || SSL_set_fd(connection->tls, connection->fd) != 1) {
        load_fail(connection->load, "TLS: %s", reason());
        return;
    }
    SSL_set_connect_state(connection->tls);
    resume(connection, client->session);
}

void tls_close(struct connection *connection)
{
    /* close_notify, if the handshake was finished; without it the session would not be resumed. */
    ERR_clear_error();
    (void)SSL_shutdown(connection->tls);
    SSL_free(connection->tls);
    connection->tls = NULL;
}

void tls_forget(struct connection *connection)
{
    SSL_free(connection->tls);
    connection->tls = NULL;
}

bool tls_waits_for_input(const struct connection *connection)
{
    return SSL_want_read(connection->tls);
}

bool tls_is_resumed(const struct connection *connection)
{
    return SSL_session_reused(connection->tls) == 1;
}

/* What send() and recv() would return for a result of SSL_write() or SSL_read() that is no success. */
static ssize_t as_socket_result(struct connection *connection, int result)
{
    switch (SSL_get_error(connection->tls, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        errno = EAGAIN;
        return -1;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        load_fail(connection->load, "TLS on connection %u: %s", connection->number, reason());
        errno = EPROTO;
        return -1;
    }
}

ssize_t tls_send(struct connection *connection, const uint8_t *bytes, size_t size)
{
    size_t sent = 0;
    ERR_clear_error();
    int result = SSL_write_ex(connection->tls, bytes, size, &sent);
    return result == 1 ? (ssize_t)sent : as_socket_result(connection, result);
}

ssize_t tls_receive(struct connection *connection, uint8_t *to, size_t size)
{
    size_t received = 0;
    ERR_clear_error();
    while (received < size) {
        size_t more = 0;
        int result = SSL_read_ex(connection->tls, to + received, size - received, &more);
        if (result != 1) {
            return received > 0 ? (ssize_t)received : as_socket_result(connection, result);
        }
        received += more;
    }
    return (ssize_t)received;
}
