#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "tls_state.h"

/* Complaining. All of these return false, so that a step can end with them. */

static bool complain(struct line *problem, const char *keyword, const char *file, const char *why)
{
    *problem = (struct line){0};
    line_text(problem, keyword);
    if (file[0]) {
        line_text(problem, " ");
        line_text(problem, file);
    }
    line_text(problem, ": ");
    line_text(problem, why);
    return false;
}

/* With OpenSSL's own reason behind it. */
static bool complain_with_reason(struct line *problem, const char *keyword, const char *file, const char *why)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    complain(problem, keyword, file, why);
    if (reason) {
        line_text(problem, " (OpenSSL: ");
        line_text(problem, reason);
        line_text(problem, ")");
    }
    return false;
}

/* Seen before OpenSSL does, which speaks of BIOs when a file is missing. */
static bool is_readable(const char *keyword, const char *file, struct line *problem)
{
    const int descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return complain(problem, keyword, file, strerror(errno));
    close(descriptor);
    return true;
}

/* Certificate and key. */

/* A broker has nobody to ask. `context` is a bool that remembers the wish. */
static int refuse_passphrase(char *text, int size, int writing, void *context)
{
    bool *asked = context;
    (void)text;
    (void)size;
    (void)writing;
    *asked = true;
    return -1;
}

static bool is_in_force(X509 *certificate, const char *file, struct line *problem)
{
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
        return complain(problem, "certfile", file, "the certificate has expired");
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
        return complain(problem, "certfile", file, "the certificate is not valid yet; is the clock right?");
    return true;
}

static bool load_certificate(SSL_CTX *ssl, const char *file, struct line *problem)
{
    if (!is_readable("certfile", file, problem))
        return false;
    if (SSL_CTX_use_certificate_chain_file(ssl, file) != 1)
        return complain_with_reason(problem, "certfile", file,
                                    "this is no certificate in PEM that can be used");
    return is_in_force(SSL_CTX_get0_certificate(ssl), file, problem);
}

static bool load_key(SSL_CTX *ssl, const char *file, struct line *problem)
{
    bool asked = false;
    if (!is_readable("keyfile", file, problem))
        return false;
    SSL_CTX_set_default_passwd_cb(ssl, refuse_passphrase);
    SSL_CTX_set_default_passwd_cb_userdata(ssl, &asked);
    const bool loaded = SSL_CTX_use_PrivateKey_file(ssl, file, SSL_FILETYPE_PEM) == 1;
    SSL_CTX_set_default_passwd_cb_userdata(ssl, NULL);
    SSL_CTX_set_default_passwd_cb(ssl, NULL);
    if (asked)
        return complain(
            problem, "keyfile", file,
            "the key is protected by a passphrase, and nobody is there to enter it; write it into a file "
            "that only the broker may read, with openssl pkey -in OLD -out NEW");
    if (!loaded && ERR_GET_REASON(ERR_peek_error()) == X509_R_KEY_VALUES_MISMATCH)
        return complain(problem, "keyfile", file, "this is not the key of the certificate in certfile");
    if (!loaded)
        return complain_with_reason(problem, "keyfile", file,
                                    "this is no private key in PEM that can be used");
    return SSL_CTX_check_private_key(ssl) == 1 ||
           complain(problem, "keyfile", file, "this is not the key of the certificate in certfile");
}

/* Clients' certificates. */

static bool load_authorities(SSL_CTX *ssl, const struct configuration_tls *tls, struct line *problem)
{
    const char *file = tls->cafile[0] ? tls->cafile : NULL;
    const char *path = tls->capath[0] ? tls->capath : NULL;
    if (file && !is_readable("cafile", file, problem))
        return false;
    if (path && !is_readable("capath", path, problem))
        return false;
    if (file && SSL_CTX_load_verify_file(ssl, file) != 1)
        return complain_with_reason(problem, "cafile", file,
                                    "there is no CA certificate in PEM that can be used");
    if (path && SSL_CTX_load_verify_dir(ssl, path) != 1)
        return complain_with_reason(problem, "capath", path, "this folder cannot be used");
    return true;
}

/* Tells clients which CAs their certificate may come from. */
static bool name_authorities(SSL_CTX *ssl, const struct configuration_tls *tls, struct line *problem)
{
    STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
    if (!names)
        return complain(problem, "cafile", tls->cafile, "not enough memory");
    const bool named = (!tls->cafile[0] || SSL_add_file_cert_subjects_to_stack(names, tls->cafile) == 1) &&
                       (!tls->capath[0] || SSL_add_dir_cert_subjects_to_stack(names, tls->capath) == 1);
    SSL_CTX_set0_CA_list(ssl, names);
    return named || complain_with_reason(problem, tls->capath[0] ? "capath" : "cafile",
                                         tls->capath[0] ? tls->capath : tls->cafile,
                                         "there is something else than certificates");
}

static bool load_revoked(SSL_CTX *ssl, const char *file, struct line *problem)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ssl);
    if (!is_readable("crlfile", file, problem))
        return false;
    X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
    if (!lookup || X509_load_crl_file(lookup, file, X509_FILETYPE_PEM) < 1)
        return complain_with_reason(problem, "crlfile", file,
                                    "this is no certificate revocation list in PEM");
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
    return true;
}

static bool set_verification(SSL_CTX *ssl, const struct configuration_tls *tls, struct line *problem)
{
    static const unsigned char sessions[] = "etalon";
    if (!load_authorities(ssl, tls, problem))
        return false;
    if (tls->crlfile[0] && !load_revoked(ssl, tls->crlfile, problem))
        return false;
    if (!tls->require_certificate)
        return true;
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    /* Without it no session of a client with a certificate could be resumed. */
    SSL_CTX_set_session_id_context(ssl, sessions, sizeof sessions - 1);
    return name_authorities(ssl, tls, problem);
}

/* Versions, cipher suites, ALPN. */

static bool set_ciphers(SSL_CTX *ssl, const struct configuration_tls *tls, struct line *problem)
{
    if (tls->ciphers[0] && SSL_CTX_set_cipher_list(ssl, tls->ciphers) != 1)
        return complain(problem, "ciphers", tls->ciphers,
                        "OpenSSL knows none of these; see openssl ciphers -v");
    if (tls->ciphers_1_3[0] && SSL_CTX_set_ciphersuites(ssl, tls->ciphers_1_3) != 1)
        return complain(problem, "ciphers_tls1.3", tls->ciphers_1_3,
                        "OpenSSL does not know these; see openssl ciphers -s -v -tls1_3");
    return true;
}

/* A client that names no protocol is taken for one of MQTT; one that names others only has come to the wrong
 * server, and RFC 7301, section 3.2, wants it refused. */
static int choose_application(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_length,
                              const unsigned char *offered, unsigned int offered_length, void *argument)
{
    const struct tls_context *context = argument;
    const size_t length = strlen(context->application);
    (void)ssl;
    for (unsigned int at = 0; at < offered_length; at += 1U + offered[at]) {
        if (offered[at] != length || memcmp(&offered[at + 1], context->application, length) != 0)
            continue;
        *chosen = &offered[at + 1];
        *chosen_length = offered[at];
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* What was proved when a session began may not hold any more when it's resumed. A ticket with a certificate
 * that has expired meanwhile is worth nothing: the handshake is a whole one then, and comes to its own
 * verdict. */
static SSL_TICKET_RETURN judge_ticket(SSL *ssl, SSL_SESSION *session, const unsigned char *key_name,
                                      size_t length, SSL_TICKET_STATUS status, void *argument)
{
    const bool good = status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW;
    const X509 *certificate = good ? SSL_SESSION_get0_peer(session) : NULL;
    (void)ssl;
    (void)key_name;
    (void)length;
    (void)argument;
    if (!good || (certificate && X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0))
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

static void set_manners(struct tls_context *context, const struct configuration_tls *tls)
{
    SSL_CTX *ssl = context->ssl;
    SSL_CTX_set_min_proto_version(ssl, tls->version == TLS_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_SINGLE_ECDH_USE |
                                 SSL_OP_SINGLE_DH_USE);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_dh_auto(ssl, 1);
    SSL_CTX_set_max_early_data(ssl, 0); /* it can be replayed, and a PUBLISH must not be */
    /* A client resumes its session with a ticket; nothing of it is kept here. */
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ssl, 1);
    SSL_CTX_set_session_ticket_cb(ssl, NULL, judge_ticket, NULL);
    SSL_CTX_set_alpn_select_cb(ssl, choose_application, context);
}

/* Making and releasing. */

static struct tls_context *create_empty(void)
{
    struct tls_context *context = calloc(1, sizeof *context);
    if (!context)
        return NULL;
    context->users = 1;
    context->ssl = SSL_CTX_new(TLS_server_method());
    context->method = tls_method_create();
    if (context->ssl && context->method)
        return context;
    tls_context_release(context);
    return NULL;
}

struct tls_context *tls_context_create(const struct configuration_listener *listener, struct line *problem)
{
    const struct configuration_tls *tls = &listener->tls;
    struct tls_context *context = create_empty();
    ERR_clear_error();
    if (!context) {
        complain(problem, "TLS", "", "not enough memory");
        return NULL;
    }
    context->application = listener->protocol == PROTOCOL_WEBSOCKETS ? "http/1.1" : "mqtt";
    set_manners(context, tls);
    const bool made = load_certificate(context->ssl, tls->certfile, problem) &&
                      load_key(context->ssl, tls->keyfile, problem) &&
                      set_verification(context->ssl, tls, problem) && set_ciphers(context->ssl, tls, problem);
    ERR_clear_error();
    if (made)
        return context;
    tls_context_release(context);
    return NULL;
}

void tls_context_release(struct tls_context *context)
{
    if (!context || --context->users > 0)
        return;
    SSL_CTX_free(context->ssl);
    BIO_meth_free(context->method);
    free(context);
}

int tls_context_days_left(const struct tls_context *context)
{
    int days = 0, seconds = 0;
    const X509 *certificate = SSL_CTX_get0_certificate(context->ssl);
    if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)) != 1)
        return 0;
    return days > 0 ? days : 0;
}
