#include "tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "transport.h"

struct tls_context {
    SSL_CTX *openssl;
    const char *server_name; /* NULL: the host's */
    bool insecure;
};

struct tls {
    SSL *openssl;
    char farewell[160];
};

/* ---- Problems in words --------------------------------------------------------------------------- */

/* The reason of the oldest error that OpenSSL remembers, and forgets all of them. */
static const char *reason(void)
{
    unsigned long code = ERR_get_error();
    const char *words =
        ERR_GET_LIB(code) == ERR_LIB_SYS ? strerror(ERR_GET_REASON(code)) : ERR_reason_error_string(code);
    ERR_clear_error();
    return words == NULL ? "no reason given" : words;
}

void tls_context_destroy(struct tls_context *context)
{
    if (context == NULL)
        return;
    SSL_CTX_free(context->openssl);
    free(context);
}

static struct tls_context *give_up(struct tls_context *context, char *problem, size_t size, const char *what,
                                   const char *file)
{
    snprintf(problem, size, "%s %s: %s", what, file, reason());
    tls_context_destroy(context);
    return NULL;
}

/* ---- The context --------------------------------------------------------------------------------- */

static bool read_authorities(SSL_CTX *openssl, const struct tls_settings *settings)
{
    if (settings->insecure)
        return true;
    if (settings->authorities != NULL)
        return SSL_CTX_load_verify_file(openssl, settings->authorities) == 1;
    return SSL_CTX_set_default_verify_paths(openssl) == 1;
}

struct tls_context *tls_context_create(const struct tls_settings *settings, char *problem, size_t size)
{
    struct tls_context *context = calloc(1, sizeof *context);
    const char *key = settings->key == NULL ? settings->certificate : settings->key;
    if (context == NULL || (context->openssl = SSL_CTX_new(TLS_client_method())) == NULL) {
        snprintf(problem, size, "TLS cannot be set up: %s", reason());
        free(context);
        return NULL;
    }
    context->server_name = settings->server_name;
    context->insecure = settings->insecure;
    SSL_CTX_set_verify(context->openssl, settings->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(context->openssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (!read_authorities(context->openssl, settings))
        return give_up(context, problem, size, "cannot read the CAs of",
                       settings->authorities == NULL ? "the system" : settings->authorities);
    if (settings->certificate != NULL &&
        SSL_CTX_use_certificate_chain_file(context->openssl, settings->certificate) != 1)
        return give_up(context, problem, size, "cannot read the certificate", settings->certificate);
    if (key != NULL && SSL_CTX_use_PrivateKey_file(context->openssl, key, SSL_FILETYPE_PEM) != 1)
        return give_up(context, problem, size, "cannot use the private key", key);
    return context;
}

/* ---- Opening ------------------------------------------------------------------------------------- */

/* Demands that the certificate names whom we talk to. Numbers are no names to ask for (RFC 6066). */
static bool expect_name(SSL *openssl, const char *name, bool insecure)
{
    unsigned char address[sizeof(struct in6_addr)];
    bool number = inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
    if (!number && SSL_set_tlsext_host_name(openssl, name) != 1)
        return false;
    if (insecure)
        return true;
    return number ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(openssl), name) == 1
                  : SSL_set1_host(openssl, name) == 1;
}

static double seconds_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Waits until the handshake can go on; false when it cannot, or `limit` has come. */
static bool may_go_on(int socket, int error, double limit)
{
    double left = limit - seconds_now();
    struct pollfd wait = {.fd = socket, .events = error == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN};
    if ((error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) || left <= 0)
        return false;
    return poll(&wait, 1, (int)(left * 1000) + 1) > 0;
}

static void tell_failure(SSL *openssl, int error, char *problem, size_t size)
{
    long verdict = SSL_get_verify_result(openssl);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        snprintf(problem, size, "the TLS handshake did not end in time");
    else if (verdict != X509_V_OK)
        snprintf(problem, size, "the server's certificate is not believed: %s",
                 X509_verify_cert_error_string(verdict));
    else if (error == SSL_ERROR_SYSCALL)
        snprintf(problem, size, "the connection ended during the TLS handshake");
    else
        snprintf(problem, size, "the TLS handshake failed: %s", reason());
    ERR_clear_error();
}

struct tls *tls_open(const struct tls_context *context, int socket, const char *host, double seconds,
                     char *problem, size_t size)
{
    struct tls *tls = calloc(1, sizeof *tls);
    double limit = seconds_now() + seconds;
    const char *name = context->server_name == NULL ? host : context->server_name;
    if (tls == NULL || (tls->openssl = SSL_new(context->openssl)) == NULL ||
        SSL_set_fd(tls->openssl, socket) != 1 || !expect_name(tls->openssl, name, context->insecure)) {
        snprintf(problem, size, "TLS cannot be set up: %s", reason());
        tls_destroy(tls);
        return NULL;
    }
    for (;;) {
        ERR_clear_error();
        int made = SSL_connect(tls->openssl);
        if (made == 1)
            return tls;
        int error = SSL_get_error(tls->openssl, made);
        if (may_go_on(socket, error, limit))
            continue;
        tell_failure(tls->openssl, error, problem, size);
        tls_destroy(tls);
        return NULL;
    }
}

/* ---- Bytes --------------------------------------------------------------------------------------- */

/* What OpenSSL calls an error: the server ended the stream without close_notify, sent an alert (which ends it
 * likewise), or reset the connection. */
static ssize_t judge_error(struct tls *tls, int error, const char **farewell)
{
    unsigned long code = ERR_peek_error();
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return TRANSPORT_WOULD_BLOCK;
    if (error == SSL_ERROR_ZERO_RETURN)
        return 0;
    if (error != SSL_ERROR_SSL)
        return TRANSPORT_BROKEN;
    if (ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        snprintf(tls->farewell, sizeof tls->farewell, "without close_notify of TLS");
    else
        snprintf(tls->farewell, sizeof tls->farewell, "TLS: %s", reason());
    *farewell = tls->farewell;
    return 0;
}

ssize_t tls_read(struct tls *tls, void *buffer, size_t size, const char **farewell)
{
    size_t got;
    ERR_clear_error();
    errno = 0;
    int done = SSL_read_ex(tls->openssl, buffer, size, &got);
    return done == 1 ? (ssize_t)got : judge_error(tls, SSL_get_error(tls->openssl, done), farewell);
}

ssize_t tls_write(struct tls *tls, const void *data, size_t size)
{
    size_t written;
    ERR_clear_error();
    int done = SSL_write_ex(tls->openssl, data, size, &written);
    if (done == 1)
        return (ssize_t)written;
    int error = SSL_get_error(tls->openssl, done);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? TRANSPORT_WOULD_BLOCK
                                                                         : TRANSPORT_BROKEN;
}

bool tls_has_more(const struct tls *tls)
{
    return SSL_pending(tls->openssl) > 0;
}

void tls_finish_sending(struct tls *tls)
{
    ERR_clear_error();
    (void)SSL_shutdown(tls->openssl);
}

void tls_describe(const struct tls *tls, char *text, size_t size)
{
    snprintf(text, size, "%s, %s", SSL_get_version(tls->openssl), SSL_get_cipher_name(tls->openssl));
}

void tls_destroy(struct tls *tls)
{
    if (tls == NULL)
        return;
    SSL_free(tls->openssl);
    free(tls);
}
