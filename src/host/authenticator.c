#include "authenticator.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { NICENESS = 5 }; /* of the threads that compute hashes: who is connected comes first */

/* A password to be checked. */
struct check {
    uv_work_t work;
    struct authenticator *authenticator;
    struct list_node node; /* while it waits for its turn */
    void *host;            /* NULL: the connection is gone, nobody wants to know any more */
    struct connection *connection;
    struct password_file *file; /* held */
    struct password_check question;
    struct address_key address;
    bool running; /* on a worker thread */
    bool matches;
    uint32_t name_length;
    uint32_t password_length;
    uint8_t bytes[]; /* user name, then password */
};

/* A mechanism at work for a connection. */
struct dialogue {
    void *host;
    struct exchange *exchange;
};

/* By host. */

static uint64_t hash_of(const void *host)
{
    return hash_mix((uint64_t)(uintptr_t)host);
}

static bool check_is_for(const void *item, const void *host)
{
    return ((const struct check *)item)->host == host;
}

static bool dialogue_is_for(const void *item, const void *host)
{
    return ((const struct dialogue *)item)->host == host;
}

/* Answers. */

static struct authentication_answer refuse_with(enum reason_code reason_code, const char *why)
{
    return (struct authentication_answer){
        .outcome = AUTHENTICATION_REFUSED, .reason_code = reason_code, .why = why};
}

/* The same words whatever is wrong, so that nobody learns which users there are. */
static struct authentication_answer refuse_credentials(void)
{
    return refuse_with(REASON_BAD_USER_NAME_OR_PASSWORD, "user name or password is wrong");
}

static struct authentication_answer accept_user(struct bytes user_name)
{
    return (struct authentication_answer){
        .outcome = AUTHENTICATION_ACCEPTED, .has_user_name = true, .user_name = user_name};
}

/* Nobody in particular: a user name that nobody has checked gives no rights. */
static struct authentication_answer answer_unknown(const struct authenticator *authenticator)
{
    if (authenticator->rules.allow_anonymous)
        return (struct authentication_answer){.outcome = AUTHENTICATION_ACCEPTED};
    return refuse_with(REASON_NOT_AUTHORIZED, "clients without user name are not allowed");
}

/* How fast somebody guesses. */

static struct address_key address_of(const struct authenticator *authenticator, const void *host)
{
    return authenticator->options.address ? authenticator->options.address(host)
                                          : (struct address_key){.known = false};
}

static bool may_guess(const struct authenticator *authenticator, const struct address_key *address,
                      const struct bytes *name)
{
    return login_throttle_allows(&authenticator->throttle, address, name,
                                 uv_now(authenticator->options.loop));
}

/* [MQTT-3.1.4-2]; not 0x86, which would be a word about the password. */
static struct authentication_answer refuse_guess(const struct authenticator *authenticator)
{
    if (authenticator->options.statistics)
        authenticator->options.statistics->logins_throttled++;
    return refuse_with(REASON_CONNECTION_RATE_EXCEEDED,
                       "too many wrong passwords, try again in some minutes");
}

/* Checks. */

static struct bytes name_of(const struct check *check)
{
    return bytes_of(check->bytes, check->name_length);
}

static struct bytes password_of(const struct check *check)
{
    return bytes_of(check->bytes + check->name_length, check->password_length);
}

static size_t size_of(const struct check *check)
{
    return sizeof *check + check->name_length + check->password_length;
}

static void free_check(struct check *check)
{
    check->authenticator->waiting_bytes -= size_of(check);
    password_file_release(check->file);
    OPENSSL_cleanse(check->bytes, (size_t)check->name_length + check->password_length);
    free(check);
}

/* Lets the check be made by the rules of now. */
static void renew(struct check *check)
{
    password_file_release(check->file);
    check->file = password_file_hold(check->authenticator->rules.passwords);
    check->question = password_file_find(check->file, name_of(check));
}

static void report(struct check *check, struct authentication_answer answer)
{
    struct authenticator *authenticator = check->authenticator;
    struct step step = {.kind = STEP_AUTHENTICATED, .connection = check->connection, .answer = &answer};
    hash_map_remove(&authenticator->checks, hash_of(check->host), check);
    broker_step(authenticator->options.broker, uv_now(authenticator->options.loop), &step);
    free_check(check);
}

/* On a worker thread. */
static void on_work(uv_work_t *work)
{
    struct check *check = work->data;
    setpriority(PRIO_PROCESS, (id_t)gettid(),
                NICENESS); /* of this thread alone; that it fails does no harm */
    check->matches = password_check_run(&check->question, password_of(check));
}

static void run_next(struct authenticator *authenticator);

static void judge_check(struct check *check)
{
    struct authenticator *authenticator = check->authenticator;
    const struct bytes name = name_of(check);
    if (check->matches)
        login_throttle_right(&authenticator->throttle, &check->address, &name);
    else
        login_throttle_wrong(&authenticator->throttle, &check->address, &name,
                             uv_now(authenticator->options.loop));
    report(check, check->matches ? accept_user(name_of(check)) : refuse_credentials());
}

static void on_done(uv_work_t *work, int status)
{
    struct check *check = work->data;
    struct authenticator *authenticator = check->authenticator;
    (void)status; /* nothing is ever cancelled */
    check->running = false;
    authenticator->running--;
    if (!check->host)
        free_check(check);
    else if (check->file != authenticator->rules.passwords) /* read anew meanwhile */
        list_append(&authenticator->waiting, &check->node);
    else
        judge_check(check);
    run_next(authenticator);
}

static void run(struct check *check)
{
    struct authenticator *authenticator = check->authenticator;
    const struct bytes name = name_of(check);
    if (!authenticator->rules.passwords) {
        report(check,
               authenticator->rules.allow_anonymous ? answer_unknown(authenticator) : refuse_credentials());
        return;
    }
    if (!may_guess(authenticator, &check->address, &name)) { /* those before it were wrong */
        report(check, refuse_guess(authenticator));
        return;
    }
    if (check->file != authenticator->rules.passwords)
        renew(check);
    check->work.data = check;
    check->running = true;
    authenticator->running++;
    const int result = uv_queue_work(authenticator->options.loop, &check->work, on_work, on_done);
    assert(result == 0);
}

static void run_next(struct authenticator *authenticator)
{
    while (authenticator->running < authenticator->options.checks && !list_empty(&authenticator->waiting)) {
        struct check *check = LIST_OWNER(authenticator->waiting.first, struct check, node);
        list_remove(&authenticator->waiting, &check->node);
        run(check);
    }
}

static bool is_busy(const struct authenticator *authenticator)
{
    return authenticator->checks.count >= authenticator->options.waiting ||
           authenticator->waiting_bytes >= AUTHENTICATOR_WAITING_BYTES;
}

static struct check *create_check(struct authenticator *authenticator,
                                  const struct authentication_request *request)
{
    const struct bytes name = request->user_name, password = request->password;
    struct check *check = malloc(sizeof *check + name.length + password.length);
    if (!check)
        return NULL;
    *check = (struct check){.authenticator = authenticator,
                            .host = request->host,
                            .connection = request->connection,
                            .name_length = (uint32_t)name.length,
                            .password_length = (uint32_t)password.length};
    if (name.length > 0)
        memcpy(check->bytes, name.data, name.length);
    if (password.length > 0)
        memcpy(check->bytes + name.length, password.data, password.length);
    authenticator->waiting_bytes += size_of(check);
    return check;
}

static struct authentication_answer refuse_busy(const struct authenticator *authenticator)
{
    if (authenticator->options.statistics)
        authenticator->options.statistics->logins_busy++;
    return refuse_with(REASON_SERVER_BUSY, "too many clients connect at the same time");
}

static struct authentication_answer begin_check(struct authenticator *authenticator,
                                                const struct authentication_request *request)
{
    const struct address_key address = address_of(authenticator, request->host);
    if (!may_guess(authenticator, &address, &request->user_name))
        return refuse_guess(authenticator);
    if (is_busy(authenticator))
        return refuse_busy(authenticator);
    struct check *check = create_check(authenticator, request);
    if (!check || !hash_map_insert(&authenticator->checks, hash_of(check->host), check)) {
        if (check)
            free_check(check);
        return refuse_with(REASON_SERVER_BUSY, "no memory for the authentication");
    }
    check->address = address;
    list_append(&authenticator->waiting, &check->node);
    run_next(authenticator);
    return (struct authentication_answer){.outcome = AUTHENTICATION_PENDING};
}

/* Mechanisms. */

static struct mechanism *mechanism_for(const struct authenticator *authenticator, struct bytes method)
{
    for (size_t i = 0; i < AUTHENTICATOR_MECHANISMS && authenticator->rules.mechanisms[i]; i++) {
        if (bytes_equal(bytes_of_text(authenticator->rules.mechanisms[i]->method), method))
            return authenticator->rules.mechanisms[i];
    }
    return NULL;
}

static struct dialogue *dialogue_of(const struct authenticator *authenticator, void *host)
{
    return hash_map_find(&authenticator->dialogues, hash_of(host), dialogue_is_for, host);
}

static void retire(struct authenticator *authenticator, struct exchange *exchange)
{
    exchange_end(authenticator->finished);
    authenticator->finished = exchange;
}

/* Its texts stay until the next request. */
static void end_dialogue(struct authenticator *authenticator, struct dialogue *dialogue)
{
    hash_map_remove(&authenticator->dialogues, hash_of(dialogue->host), dialogue);
    retire(authenticator, dialogue->exchange);
    free(dialogue);
}

static struct authentication_answer translate(const struct mechanism_answer *answer)
{
    if (answer->outcome == MECHANISM_REFUSES)
        return refuse_with(answer->reason_code >= REASON_UNSPECIFIED_ERROR ? answer->reason_code
                                                                           : REASON_BAD_USER_NAME_OR_PASSWORD,
                           answer->why ? answer->why : "authentication failed");
    struct authentication_answer translated = {
        .outcome = AUTHENTICATION_CONTINUES, .has_data = answer->has_data, .data = answer->data};
    if (answer->outcome == MECHANISM_ACCEPTS) {
        assert(answer->user_name.length > 0);
        translated.outcome = AUTHENTICATION_ACCEPTED;
        translated.has_user_name = true;
        translated.user_name = answer->user_name;
    }
    return translated;
}

static bool keep(struct authenticator *authenticator, void *host, struct exchange *exchange)
{
    struct dialogue *dialogue = malloc(sizeof *dialogue);
    if (!dialogue)
        return false;
    *dialogue = (struct dialogue){.host = host, .exchange = exchange};
    if (hash_map_insert(&authenticator->dialogues, hash_of(host), dialogue))
        return true;
    free(dialogue);
    return false;
}

/* A mechanism may find out who it is about late, so that only addresses are held to account. */
static struct authentication_answer weigh(struct authenticator *authenticator,
                                          const struct address_key *address,
                                          const struct mechanism_answer *answer)
{
    if (answer->outcome == MECHANISM_REFUSES)
        login_throttle_wrong(&authenticator->throttle, address, NULL, uv_now(authenticator->options.loop));
    return translate(answer);
}

static struct authentication_answer begin_exchange(struct authenticator *authenticator,
                                                   const struct authentication_request *request)
{
    struct mechanism *mechanism = mechanism_for(authenticator, request->method);
    struct mechanism_answer answer = {.outcome = MECHANISM_REFUSES};
    if (!mechanism)
        return refuse_with(REASON_BAD_AUTHENTICATION_METHOD, "Authentication Method is not supported");
    const struct address_key address = address_of(authenticator, request->host);
    if (!may_guess(authenticator, &address, NULL))
        return refuse_guess(authenticator);
    const struct mechanism_request beginning = {.client_identifier = request->client_identifier,
                                                .has_user_name = request->has_user_name,
                                                .user_name = request->user_name,
                                                .again = request->phase == AUTHENTICATE_AGAIN,
                                                .has_data = request->has_data,
                                                .data = request->data};
    struct exchange *exchange = mechanism->class->begin(mechanism, &beginning, &answer);
    assert(exchange || answer.outcome == MECHANISM_REFUSES);
    if (answer.outcome != MECHANISM_CONTINUES) {
        retire(authenticator, exchange);
    } else if (!keep(authenticator, request->host, exchange)) {
        retire(authenticator, exchange);
        return refuse_with(REASON_SERVER_BUSY, "no memory for the authentication");
    }
    return weigh(authenticator, &address, &answer);
}

static struct authentication_answer continue_exchange(struct authenticator *authenticator,
                                                      const struct authentication_request *request)
{
    struct mechanism_answer answer = {.outcome = MECHANISM_REFUSES};
    struct dialogue *dialogue = dialogue_of(authenticator, request->host);
    assert(dialogue); /* the core asks only after AUTHENTICATION_CONTINUES */
    struct exchange *exchange = dialogue->exchange;
    const struct address_key address = address_of(authenticator, request->host);
    if (!may_guess(authenticator, &address, NULL)) { /* others have guessed since this one began */
        end_dialogue(authenticator, dialogue);
        return refuse_guess(authenticator);
    }
    exchange->mechanism->class->proceed(exchange, request->has_data, request->data, &answer);
    if (answer.outcome != MECHANISM_CONTINUES)
        end_dialogue(authenticator, dialogue);
    return weigh(authenticator, &address, &answer);
}

/* The whole. */

static uint32_t default_checks(void)
{
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors > 2 ? (uint32_t)processors - 1 : 1;
}

void authenticator_begin(struct authenticator *authenticator, const struct authenticator_options *options)
{
    *authenticator = (struct authenticator){.options = *options};
    if (authenticator->options.checks == 0)
        authenticator->options.checks = default_checks();
    if (authenticator->options.waiting == 0)
        authenticator->options.waiting = AUTHENTICATOR_WAITING;
    login_throttle_begin(&authenticator->throttle, &options->key);
}

static void release_rules(struct authenticator_rules *rules)
{
    password_file_release(rules->passwords);
    for (size_t i = 0; i < AUTHENTICATOR_MECHANISMS; i++)
        mechanism_release(rules->mechanisms[i]);
    *rules = (struct authenticator_rules){.passwords = NULL};
}

void authenticator_configure(struct authenticator *authenticator, const struct authenticator_rules *rules)
{
    login_throttle_configure(&authenticator->throttle, rules->failures);
    release_rules(&authenticator->rules);
    authenticator->rules = *rules;
}

/* What a CONNECT without Authentication Method leads to. */
static struct authentication_answer judge(struct authenticator *authenticator,
                                          const struct authentication_request *request)
{
    const bool credentials = request->has_user_name || request->has_password;
    if (!credentials)
        return answer_unknown(authenticator);
    if (!authenticator->rules.passwords)
        return authenticator->rules.allow_anonymous ? answer_unknown(authenticator) : refuse_credentials();
    if (!request->has_user_name || !request->has_password)
        return refuse_credentials();
    return begin_check(authenticator, request);
}

/* The certificate alone says who it is, whatever the client claims besides. */
static struct authentication_answer judge_certified(const struct authentication_request *request,
                                                    const char *name)
{
    if (request->method.length > 0)
        return refuse_with(REASON_BAD_AUTHENTICATION_METHOD, "clients are known by their certificates here");
    if (!name || name[0] == '\0')
        return refuse_with(REASON_NOT_AUTHORIZED, "there is no user name in the certificate");
    return accept_user(bytes_of_text(name));
}

struct authentication_answer authenticator_answer(struct authenticator *authenticator,
                                                  const struct authentication_request *request)
{
    const struct authenticator_options *options = &authenticator->options;
    const char *name = NULL;
    retire(authenticator, NULL);
    if (request->phase == AUTHENTICATE_CONTINUE)
        return continue_exchange(authenticator, request);
    if (request->phase == AUTHENTICATE_CONNECT && options->certified &&
        options->certified(options->certified_context, request->host, &name))
        return judge_certified(request, name);
    if (request->phase == AUTHENTICATE_AGAIN || request->method.length > 0)
        return begin_exchange(authenticator, request);
    return judge(authenticator, request);
}

void authenticator_forget(struct authenticator *authenticator, void *host)
{
    struct dialogue *dialogue = dialogue_of(authenticator, host);
    if (dialogue)
        end_dialogue(authenticator, dialogue);
    struct check *check = hash_map_find(&authenticator->checks, hash_of(host), check_is_for, host);
    if (!check)
        return;
    hash_map_remove(&authenticator->checks, hash_of(host), check);
    check->host = NULL;
    if (check->running)
        return; /* it's freed when it's done */
    list_remove(&authenticator->waiting, &check->node);
    free_check(check);
}

void authenticator_end(struct authenticator *authenticator)
{
    assert(authenticator->running == 0 && authenticator->checks.count == 0);
    retire(authenticator, NULL);
    hash_map_clear(&authenticator->checks);
    hash_map_clear(&authenticator->dialogues);
    login_throttle_end(&authenticator->throttle);
    release_rules(&authenticator->rules);
}
