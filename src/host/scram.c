#include "scram.h"

#include <gsasl.h>
#include <stdlib.h>

struct scram {
    struct mechanism base;
    Gsasl *library;
    struct scram_file *file;
    enum scram_hash hash;
};

struct scram_exchange {
    struct exchange base;
    Gsasl_session *session;
    struct scram_secrets secrets;
    char *user;   /* after SASLprep; NULL: nobody has been named yet */
    char *output; /* of the last step */
    bool begun;   /* the client's first message has come */
    bool known;   /* `secrets` are those of a user */
};

/* The library asks. */

/* Who it is about is known once the client's first message was read. */
static void look_up(struct scram_exchange *exchange)
{
    const struct scram *scram = (const struct scram *)exchange->base.mechanism;
    const char *name = gsasl_property_fast(exchange->session, GSASL_AUTHID);
    if (exchange->user || !name)
        return;
    if (gsasl_saslprep(name, GSASL_ALLOW_UNASSIGNED, &exchange->user, NULL) != GSASL_OK)
        exchange->user = strdup(name); /* nobody has such a name */
    if (exchange->user)
        exchange->known =
            scram_file_find(scram->file, scram->hash, bytes_of_text(exchange->user), &exchange->secrets);
}

static int on_property(Gsasl *library, Gsasl_session *session, Gsasl_property property)
{
    struct scram_exchange *exchange = gsasl_session_hook_get(session);
    const struct {
        Gsasl_property property;
        const char *value;
    } answers[] = {{GSASL_SCRAM_ITER, exchange->secrets.iterations},
                   {GSASL_SCRAM_SALT, exchange->secrets.salt},
                   {GSASL_SCRAM_STOREDKEY, exchange->secrets.stored_key},
                   {GSASL_SCRAM_SERVERKEY, exchange->secrets.server_key}};
    (void)library;
    look_up(exchange);
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        if (answers[i].property == property && exchange->user)
            return gsasl_property_set(session, property, answers[i].value);
    }
    return GSASL_NO_CALLBACK;
}

/* The exchange. */

static struct mechanism_answer refuse_with(enum reason_code reason_code, const char *why)
{
    return (struct mechanism_answer){.outcome = MECHANISM_REFUSES, .reason_code = reason_code, .why = why};
}

/* One answer for whoever does not exist and whoever does not know the password. */
static struct mechanism_answer answer_failure(int result)
{
    if (result == GSASL_MALLOC_ERROR || result == GSASL_CRYPTO_ERROR)
        return refuse_with(REASON_SERVER_BUSY, "no memory for the authentication");
    if (result == GSASL_AUTHENTICATION_ERROR || result == GSASL_OK)
        return refuse_with(REASON_NOT_AUTHORIZED, "user name or password is wrong");
    return refuse_with(REASON_NOT_AUTHORIZED, "Authentication Data is not what the method demands");
}

/* Whether the client wants to act as somebody else. */
static bool acts_for_another(const struct scram_exchange *exchange)
{
    const char *wanted = gsasl_property_fast(exchange->session, GSASL_AUTHZID);
    const char *name = gsasl_property_fast(exchange->session, GSASL_AUTHID);
    return wanted && wanted[0] != '\0' && (!name || strcmp(wanted, name) != 0);
}

static struct mechanism_answer step(struct scram_exchange *exchange, struct bytes data)
{
    size_t length = 0;
    if (!exchange->begun && data.data[0] == 'p') /* the library would find out later, or not at all */
        return refuse_with(REASON_NOT_AUTHORIZED, "channel binding is not supported");
    exchange->begun = true;
    gsasl_free(exchange->output);
    exchange->output = NULL;
    const int result =
        gsasl_step(exchange->session, (const char *)data.data, data.length, &exchange->output, &length);
    if (result != GSASL_OK && result != GSASL_NEEDS_MORE)
        return answer_failure(result);
    if (acts_for_another(exchange))
        return refuse_with(REASON_NOT_AUTHORIZED, "nobody may act for another user");
    if (result == GSASL_OK && !exchange->known)
        return answer_failure(result);
    struct mechanism_answer answer = {
        .outcome = MECHANISM_CONTINUES, .has_data = length > 0, .data = bytes_of(exchange->output, length)};
    if (result == GSASL_OK) {
        answer.outcome = MECHANISM_ACCEPTS;
        answer.user_name = bytes_of_text(exchange->user);
    }
    return answer;
}

static void proceed(struct exchange *base, bool has_data, struct bytes data, struct mechanism_answer *answer)
{
    struct scram_exchange *exchange = (struct scram_exchange *)base;
    if (has_data && data.length > 0) /* nothing to say is not for SCRAM, but to begin with */
        *answer = step(exchange, data);
    else
        *answer = answer_failure(GSASL_MECHANISM_PARSE_ERROR);
}

static void end(struct exchange *base)
{
    struct scram_exchange *exchange = (struct scram_exchange *)base;
    gsasl_finish(exchange->session);
    gsasl_free(exchange->user);
    gsasl_free(exchange->output);
    explicit_bzero(exchange, sizeof *exchange);
    free(exchange);
}

static struct exchange *begin(struct mechanism *base, const struct mechanism_request *request,
                              struct mechanism_answer *answer)
{
    struct scram *scram = (struct scram *)base;
    struct scram_exchange *exchange = calloc(1, sizeof *exchange);
    if (!exchange || gsasl_server_start(scram->library, base->method, &exchange->session) != GSASL_OK) {
        free(exchange);
        *answer = answer_failure(GSASL_MALLOC_ERROR);
        return NULL;
    }
    exchange_join(&exchange->base, base);
    gsasl_session_hook_set(exchange->session, exchange);
    if (request->has_data && request->data.length > 0)
        *answer = step(exchange, request->data);
    else /* the client may leave it to the Server to ask */
        *answer = (struct mechanism_answer){.outcome = MECHANISM_CONTINUES};
    return &exchange->base;
}

static void destroy(struct mechanism *base)
{
    struct scram *scram = (struct scram *)base;
    gsasl_done(scram->library);
    scram_file_release(scram->file);
    free(scram);
}

struct mechanism *scram_create(enum scram_hash hash, struct scram_file *file)
{
    static const struct mechanism_class class = {
        .begin = begin, .proceed = proceed, .end = end, .destroy = destroy};
    struct scram *scram = calloc(1, sizeof *scram);
    if (!scram)
        return NULL;
    scram->base = (struct mechanism){.class = &class, .method = scram_method(hash), .references = 1};
    scram->hash = hash;
    scram->file = scram_file_hold(file);
    if (gsasl_init(&scram->library) == GSASL_OK &&
        gsasl_server_support_p(scram->library, scram->base.method)) {
        gsasl_callback_set(scram->library, on_property);
        return &scram->base;
    }
    destroy(&scram->base);
    return NULL;
}
