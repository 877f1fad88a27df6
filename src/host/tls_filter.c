#include <assert.h>
#include <stdlib.h>

#include <openssl/err.h>

#include "first_bytes.h"
#include "tls_state.h"

enum { LARGEST_RECORD = SSL3_RT_MAX_PLAIN_LENGTH, LATE_MAXIMUM = 256 * 1024 };

struct tls_filter {
    struct filter filter;
    SSL *ssl;                    /* owned */
    struct tls_context *context; /* held on to */
    /* Those of the call that is going on. */
    struct bytes input;
    struct buffer *down;
    struct buffer late;            /* to be sent as soon as OpenSSL sends again */
    char *complaint;               /* owned; NULL: there was no memory for it, or nothing has failed */
    struct peer_identity identity; /* its texts are owned */
    bool begun;                    /* bytes have come */
    bool open;                     /* the handshake is done */
    bool failed;
};

/* The BIO: OpenSSL's hands on the caller's buffers. */

static int take_input(BIO *bio, char *bytes, int size)
{
    struct tls_filter *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (tls->input.length == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    const size_t wanted = (size_t)size;
    const size_t count = wanted < tls->input.length ? wanted : tls->input.length;
    memcpy(bytes, tls->input.data, count);
    tls->input = bytes_after(tls->input, count);
    return (int)count;
}

static int give_output(BIO *bio, const char *bytes, int size)
{
    struct tls_filter *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    return tls->down && buffer_append(tls->down, bytes_of(bytes, (size_t)size)) ? size : -1;
}

static long control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static int begin_bio(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

BIO_METHOD *tls_method_create(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "transport");
    if (!method)
        return NULL;
    BIO_meth_set_create(method, begin_bio);
    BIO_meth_set_read(method, take_input);
    BIO_meth_set_write(method, give_output);
    BIO_meth_set_ctrl(method, control);
    return method;
}

/* Complaining. */

static enum filter_outcome fail(struct tls_filter *tls, const char *why, const char *reason)
{
    struct line text = {0};
    line_text(&text, "TLS: ");
    line_text(&text, why);
    if (reason) {
        line_text(&text, " (OpenSSL: ");
        line_text(&text, reason);
        line_text(&text, ")");
    }
    tls->failed = true;
    if (!tls->complaint)
        tls->complaint = strdup(text.text);
    return FILTER_FAILED;
}

/* The certificate of the client was refused. */
static enum filter_outcome fail_verification(struct tls_filter *tls)
{
    static const char stranger[] = "the client certificate comes from no CA that is known here";
    static const struct {
        long result;
        const char *why;
    } results[] = {
        {X509_V_ERR_CERT_HAS_EXPIRED, "the client certificate has expired"},
        {X509_V_ERR_CERT_REVOKED, "the client certificate is revoked"},
        {X509_V_ERR_CRL_HAS_EXPIRED, "the client certificate cannot be judged: crlfile has expired"},
        {X509_V_ERR_UNABLE_TO_GET_CRL,
         "the client certificate cannot be judged: crlfile has nothing of its CA"},
        {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, stranger},
        {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, stranger},
        {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, stranger},
        {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, stranger},
        {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, stranger},
    };
    const long result = SSL_get_verify_result(tls->ssl);
    const char *why = "the client certificate is refused";
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        if (results[i].result == result)
            why = results[i].why;
    }
    return fail(tls, why, X509_verify_cert_error_string(result));
}

/* An alert that came from the client. */
static enum filter_outcome fail_by_alert(struct tls_filter *tls, int alert)
{
    struct line text = {0};
    line_text(&text, tls->open ? "the client has given up: " : "the client refuses us: ");
    line_text(&text, SSL_alert_desc_string_long(alert));
    if (alert == SSL_AD_UNKNOWN_CA)
        line_text(&text, "; it does not know the CA of our certificate");
    return fail(tls, text.text, NULL);
}

static enum filter_outcome fail_by_reason(struct tls_filter *tls)
{
    static const struct {
        int reason;
        const char *why;
    } reasons[] = {
        {SSL_R_UNSUPPORTED_PROTOCOL, "the client offers no version that is allowed"},
        {SSL_R_NO_PROTOCOLS_AVAILABLE, "the client offers no version that is allowed"},
        {SSL_R_VERSION_TOO_LOW, "the client offers no version that is allowed"},
        {SSL_R_NO_SHARED_CIPHER, "the client offers no cipher suite that is allowed"},
        {SSL_R_NO_SUITABLE_KEY_SHARE, "the client offers no group for the key exchange that is known here"},
        {SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM,
         "the client accepts no signature that our certificate can make"},
        {SSL_R_NO_APPLICATION_PROTOCOL, "the client asks by ALPN for a protocol that is not spoken here"},
        {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "the client has no certificate, and one is required"},
    };
    const unsigned long error = ERR_peek_error();
    const int reason = ERR_GET_REASON(error);
    if (error == 0)
        return fail(tls, "not enough memory", NULL);
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
        return fail_verification(tls);
    if (reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256)
        return fail_by_alert(tls, reason - SSL_AD_REASON_OFFSET);
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (reason == reasons[i].reason)
            return fail(tls, reasons[i].why, ERR_reason_error_string(error));
    }
    return fail(tls, tls->open ? "what came is no TLS" : "the handshake failed",
                ERR_reason_error_string(error));
}

static enum filter_outcome fail_by_stranger(struct tls_filter *tls, enum spoken spoken)
{
    return fail(tls,
                spoken == SPOKEN_HTTP ? "the client speaks plain HTTP, and this listener speaks TLS"
                                      : "the client speaks plain MQTT, and this listener speaks TLS",
                NULL);
}

/* Receiving. */

/* Returns FILTER_GOES_ON as well when more bytes are needed. */
static enum filter_outcome shake_hands(struct tls_filter *tls)
{
    const int result = SSL_do_handshake(tls->ssl);
    tls->open = result == 1;
    if (tls->open)
        return FILTER_GOES_ON;
    return SSL_get_error(tls->ssl, result) == SSL_ERROR_WANT_READ ? FILTER_GOES_ON : fail_by_reason(tls);
}

static enum filter_outcome read_records(struct tls_filter *tls, struct buffer *up)
{
    for (;;) {
        size_t count = 0;
        uint8_t *room = buffer_room(up, LARGEST_RECORD);
        if (!room)
            return fail(tls, "not enough memory", NULL);
        const int result = SSL_read_ex(tls->ssl, room, LARGEST_RECORD, &count);
        if (result == 1) {
            buffer_grew(up, count);
            continue;
        }
        const int error = SSL_get_error(tls->ssl, result);
        if (error == SSL_ERROR_ZERO_RETURN)
            return FILTER_ENDED;
        return error == SSL_ERROR_WANT_READ ? FILTER_GOES_ON : fail_by_reason(tls);
    }
}

static enum filter_outcome receive_bytes(struct tls_filter *tls, struct buffer *up)
{
    if (!tls->begun && tls->input.length > 0) {
        const enum spoken spoken = first_bytes_tell(tls->input);
        tls->begun = true;
        if (spoken == SPOKEN_HTTP || spoken == SPOKEN_MQTT)
            return fail_by_stranger(tls, spoken);
    }
    if (!tls->open) {
        const enum filter_outcome outcome = shake_hands(tls);
        if (outcome != FILTER_GOES_ON || !tls->open)
            return outcome;
    }
    return read_records(tls, up);
}

/* Hands bytes to OpenSSL. `*taken`: whether it has sent them. In the midst of a handshake message of the client (half of a
 * key update came, in a record of its own) it sends nothing. */
static enum filter_outcome write_records(struct tls_filter *tls, struct bytes bytes, bool *taken)
{
    size_t count = 0;
    const int result = SSL_write_ex(tls->ssl, bytes.data, bytes.length, &count);
    *taken = result == 1;
    if (*taken || SSL_get_error(tls->ssl, result) == SSL_ERROR_WANT_READ)
        return FILTER_GOES_ON;
    return fail_by_reason(tls);
}

static enum filter_outcome send_late(struct tls_filter *tls)
{
    bool taken = false;
    if (buffer_all(&tls->late).length == 0)
        return FILTER_GOES_ON;
    const enum filter_outcome outcome = write_records(tls, buffer_all(&tls->late), &taken);
    if (taken)
        buffer_free(&tls->late);
    return outcome;
}

static enum filter_outcome tls_receive(struct filter *filter, struct bytes bytes, struct buffer *up,
                                       struct buffer *down)
{
    struct tls_filter *tls = (struct tls_filter *)filter;
    ERR_clear_error();
    tls->input = bytes;
    tls->down = down;
    enum filter_outcome outcome = receive_bytes(tls, up);
    if (outcome == FILTER_GOES_ON)
        outcome = send_late(tls);
    tls->input = (struct bytes){0}; /* what follows an end or a failure is of no interest */
    tls->down = NULL;
    ERR_clear_error();
    return outcome;
}

/* Sending. */

/* The other half comes at once, but from a client that means harm. */
static enum filter_outcome keep_late(struct tls_filter *tls, struct bytes bytes)
{
    if (buffer_all(&tls->late).length + bytes.length > LATE_MAXIMUM)
        return fail(tls, "the client has sent half of a key update, and not the other half", NULL);
    return buffer_append(&tls->late, bytes) ? FILTER_GOES_ON : fail(tls, "not enough memory", NULL);
}

static enum filter_outcome tls_send(struct filter *filter, struct bytes bytes, struct buffer *down)
{
    struct tls_filter *tls = (struct tls_filter *)filter;
    bool taken = false;
    if (tls->failed || bytes.length == 0)
        return tls->failed ? FILTER_FAILED : FILTER_GOES_ON;
    assert(tls->open);
    if (buffer_all(&tls->late).length > 0)
        return keep_late(tls, bytes);
    ERR_clear_error();
    tls->down = down;
    enum filter_outcome outcome = write_records(tls, bytes, &taken);
    if (outcome == FILTER_GOES_ON && !taken)
        outcome = keep_late(tls, bytes);
    tls->down = NULL;
    ERR_clear_error();
    return outcome;
}

static void tls_close(struct filter *filter, struct buffer *down)
{
    struct tls_filter *tls = (struct tls_filter *)filter;
    if (tls->failed || !tls->open)
        return; /* an alert has said it, or there is nothing that could be closed in order */
    tls->down = down;
    (void)SSL_shutdown(tls->ssl); /* the answer isn't waited for: MQTT knows by itself where it ends */
    tls->down = NULL;
    ERR_clear_error();
}

static const char *tls_complaint(const struct filter *filter)
{
    const struct tls_filter *tls = (const struct tls_filter *)filter;
    if (!tls->failed)
        return NULL;
    return tls->complaint ? tls->complaint : "TLS: not enough memory";
}

/* Who the client is. */

/* The first Common Name. NULL: there's none, or one with a NUL in it, which would be cut short. */
static char *copy_common_name(const X509_NAME *subject)
{
    unsigned char *utf8 = NULL;
    const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (index < 0)
        return NULL;
    const int length =
        ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
    if (length < 0)
        return NULL;
    char *name =
        length > 0 && strlen((const char *)utf8) == (size_t)length ? strdup((const char *)utf8) : NULL;
    OPENSSL_free(utf8);
    return name;
}

/* As Mosquitto writes it: RFC 2253. */
static char *copy_subject(const X509_NAME *subject)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes = NULL;
    if (!bio)
        return NULL;
    X509_NAME_print_ex(bio, subject, 0, XN_FLAG_RFC2253);
    const long length = BIO_get_mem_data(bio, &bytes);
    char *text = length > 0 ? strndup(bytes, (size_t)length) : NULL;
    BIO_free(bio);
    return text;
}

static const struct peer_identity *tls_identity(struct filter *filter)
{
    struct tls_filter *tls = (struct tls_filter *)filter;
    if (tls->failed || !tls->open || SSL_get_verify_result(tls->ssl) != X509_V_OK)
        return NULL;
    const X509 *certificate = SSL_get0_peer_certificate(tls->ssl);
    if (!certificate)
        return NULL;
    const X509_NAME *subject = X509_get_subject_name(certificate);
    if (!tls->identity.common_name)
        tls->identity.common_name = copy_common_name(subject);
    if (!tls->identity.subject)
        tls->identity.subject = copy_subject(subject);
    ERR_clear_error();
    return &tls->identity;
}

/* Making and destroying. */

static void tls_destroy(struct filter *filter)
{
    struct tls_filter *tls = (struct tls_filter *)filter;
    SSL_free(tls->ssl);
    tls_context_release(tls->context);
    buffer_free(&tls->late);
    free(tls->complaint);
    free(tls->identity.common_name);
    free(tls->identity.subject);
    free(tls);
}

static const struct filter_class tls_class = {.name = "TLS",
                                              .receive = tls_receive,
                                              .send = tls_send,
                                              .close = tls_close,
                                              .complaint = tls_complaint,
                                              .identity = tls_identity,
                                              .destroy = tls_destroy};

struct filter *tls_filter_create(struct tls_context *context)
{
    struct tls_filter *tls = calloc(1, sizeof *tls);
    if (!tls)
        return NULL;
    BIO *bio = BIO_new(context->method);
    tls->filter.class = &tls_class;
    tls->context = context;
    context->users++;
    tls->ssl = SSL_new(context->ssl);
    if (!bio || !tls->ssl) {
        BIO_free(bio);
        tls_destroy(&tls->filter);
        ERR_clear_error();
        return NULL;
    }
    BIO_set_data(bio, tls);
    SSL_set_bio(tls->ssl, bio, bio);
    SSL_set_accept_state(tls->ssl);
    return &tls->filter;
}
