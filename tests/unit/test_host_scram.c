/* SCRAM-SHA-256 and SCRAM-SHA-1: the file of users, and the server's side of the exchange against GNU SASL's
 * client. That an independent client agrees is for the conformance suite to show. */
#include <gsasl.h>
#include <stdio.h>

#include "host/scram.h"
#include "support.h"

/* RFC 7677, section 3: user "user", password "pencil". */
#define USER_256                                                                                             \
    "user:SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"         \
    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=\n"
/* The same as gsasl --mkpasswd prints it, and of RFC 5802, section 5. */
#define BRACES_256                                                                                           \
    "{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,"             \
    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=\n"
#define USER_1                                                                                               \
    "user:SCRAM-SHA-1$4096:QSXCR+Q6sek8bf92$6dlGYMOdZcOPutkcNY8U2g7vK9Y=:D+CSWLOshSulAsxiupA+qs2/fTE=\n"

static const struct hash_key key = {1, 2};

struct mistakes {
    size_t count;
    size_t line; /* of the first */
    char text[300];
};

static void note_mistake(void *context, size_t line, const char *text)
{
    struct mistakes *mistakes = context;
    if (mistakes->count++ > 0)
        return;
    mistakes->line = line;
    snprintf(mistakes->text, sizeof mistakes->text, "%s", text);
}

static struct scram_file *parse(const char *text, struct mistakes *mistakes)
{
    const struct text_sink sink = {.context = mistakes, .mistake = note_mistake};
    *mistakes = (struct mistakes){0};
    uint8_t *exact = octets_room(strlen(text)); /* so that a sanitizer sees every step beyond it */
    memcpy(exact, text, strlen(text));
    struct scram_file *file = scram_file_parse(bytes_of(exact, strlen(text)), &key, &sink);
    free(exact);
    ck_assert((file == NULL) == (mistakes->count > 0));
    return file;
}

static struct scram_file *good(const char *text)
{
    struct mistakes mistakes;
    struct scram_file *file = parse(text, &mistakes);
    ck_assert_msg(file != NULL, "line %zu: %s", mistakes.line, mistakes.text);
    return file;
}

START_TEST(lines_that_are_read)
{
    static const char *const texts[] = {USER_256,
                                        USER_1,
                                        USER_256 USER_1,
                                        "user:" BRACES_256,
                                        "\n# a comment\n\n" USER_256,
                                        "\xEF\xBB\xBF" USER_256};
    for (int i = 0; i < COUNT(texts); i++) {
        struct scram_secrets secrets;
        struct scram_file *file = good(texts[i]);
        const enum scram_hash hash = i == 1 ? SCRAM_SHA_1 : SCRAM_SHA_256;
        ck_assert(scram_file_offers(file, hash));
        ck_assert(scram_file_offers(file, SCRAM_SHA_1) == (i == 1 || i == 2));
        ck_assert(scram_file_find(file, hash, bytes_of_text("user"), &secrets));
        ck_assert_str_eq(secrets.iterations, "4096");
        ck_assert_str_eq(secrets.salt, i == 1 ? "QSXCR+Q6sek8bf92" : "W22ZaJ0SNY7soEsUEjb6gQ==");
        scram_file_release(file);
    }
}
END_TEST

#define REST_256 "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="

START_TEST(lines_that_are_refused)
{
    static const struct {
        const char *text, *what;
        size_t line;
    } rows[] = {
        {"user", "colon", 1},
        {"\n:" BRACES_256, "name of a user", 2},
        {"\xFF:" BRACES_256, "UTF-8", 1},
        {"a\x01:" BRACES_256, "SASLprep", 1},
        {"\xC2\xAD:" BRACES_256, "SASLprep", 1}, /* nothing is left of it */
        {"user:pencil", "complete", 1},
        {"user:$7$101$AAAA$AAAA", "complete", 1},
        {"user:SCRAM-SHA-512$4096:W22ZaJ0SNY7soEsUEjb6gQ==" REST_256, "method", 1},
        {"user:SCRAM-SHA-256$4095:W22ZaJ0SNY7soEsUEjb6gQ==" REST_256, "4096", 1},
        {"user:SCRAM-SHA-256$1000001:W22ZaJ0SNY7soEsUEjb6gQ==" REST_256, "1000000", 1},
        {"user:SCRAM-SHA-256$99999999999999999999:W22ZaJ0SNY7soEsUEjb6gQ==" REST_256, "iterations", 1},
        {"user:SCRAM-SHA-256$04096:W22ZaJ0SNY7soEsUEjb6gQ==" REST_256, "iterations", 1},
        {"user:SCRAM-SHA-256$:W22ZaJ0SNY7soEsUEjb6gQ==" REST_256, "iterations", 1},
        {"user:SCRAM-SHA-256$4096:" REST_256, "salt", 1},
        {"user:SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gR==" REST_256, "salt", 1},
        {"user:SCRAM-SHA-256$4096:W22Z aJ0SNY7soEsUEjb6gQ" REST_256, "salt", 1},
        {"user:SCRAM-SHA-256$4096:AAAA$AAAA:AAAA", "StoredKey", 1},
        {"user:SCRAM-SHA-1$4096:AAAA" REST_256, "StoredKey", 1},
        {"user:SCRAM-SHA-256$4096:AAAA$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7",
         "ServerKey", 1},
        {"user:SCRAM-SHA-256$4096:AAAA" REST_256 " ", "ServerKey", 1},
        {USER_256 USER_256, "already", 2},
        {"IX:" BRACES_256 "I\xC2\xADX:" BRACES_256, "already", 2}, /* one name for SASLprep */
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct mistakes mistakes;
        ck_assert_ptr_null(parse(rows[i].text, &mistakes));
        ck_assert_msg(mistakes.count == 1 && mistakes.line == rows[i].line &&
                          strstr(mistakes.text, rows[i].what),
                      "row %d: %zu mistakes, line %zu: %s", i, mistakes.count, mistakes.line, mistakes.text);
        ck_assert_ptr_null(strstr(mistakes.text, "pencil")); /* what may be a password is not shown */
    }
}
END_TEST

/* Who asks for names learns nothing: the same each time, in the form of the others, and different for each.
 * */
START_TEST(users_that_do_not_exist)
{
    struct scram_file *file = good(USER_256 USER_1);
    struct scram_file *again = good(USER_256 USER_1 "other:" BRACES_256);
    struct scram_secrets a, b, c, real;
    for (enum scram_hash hash = 0; hash < SCRAM_HASHES; hash++) {
        ck_assert(scram_file_find(file, hash, bytes_of_text("user"), &real));
        ck_assert(!scram_file_find(file, hash, bytes_of_text("nobody"), &a));
        ck_assert(!scram_file_find(again, hash, bytes_of_text("nobody"), &b));
        ck_assert(!scram_file_find(file, hash, bytes_of_text("nobody2"), &c));
        ck_assert_str_eq(a.salt, b.salt);
        ck_assert_str_eq(a.iterations, real.iterations);
        ck_assert_str_ne(a.salt, c.salt);
        ck_assert_str_ne(a.salt, real.salt);
        ck_assert_uint_eq(strlen(a.salt), strlen(real.salt));
        ck_assert_uint_eq(strlen(a.stored_key), strlen(real.stored_key));
        ck_assert_uint_eq(strlen(a.server_key), strlen(real.server_key));
        ck_assert_str_ne(a.stored_key, c.stored_key);
        ck_assert_str_ne(a.server_key, a.stored_key);
    }
    scram_file_release(file);
    scram_file_release(again);
    file = good("");
    ck_assert(!scram_file_offers(file, SCRAM_SHA_256));
    ck_assert(!scram_file_find(file, SCRAM_SHA_256, bytes_of_text("nobody"), &a));
    scram_file_release(file);
}
END_TEST

/* A login by the library's client. */

struct login {
    const char *method, *user, *password, *acts_for; /* acts_for NULL: nobody else */
    bool spoil;                                      /* the proof is changed on its way */
    bool asked;                                      /* the client waits to be asked */
};

struct outcome {
    enum mechanism_outcome outcome;
    char user[100];
    char why[100];
    char challenge[200];
    bool server_proved; /* the client believes the server */
};

static struct bytes client_step(Gsasl_session *session, struct bytes challenge, char **output, int *result)
{
    size_t length = 0;
    *output = NULL;
    *result = gsasl_step(session, (const char *)challenge.data, challenge.length, output, &length);
    return bytes_of(*output, length);
}

static void exchange(struct mechanism *mechanism, Gsasl_session *client, const struct login *login,
                     struct outcome *outcome)
{
    struct mechanism_answer answer;
    char *output;
    int result;
    struct bytes message = client_step(client, bytes_of(NULL, 0), &output, &result);
    const struct mechanism_request request = {.has_data = !login->asked, .data = message};
    struct exchange *server = mechanism->class->begin(mechanism, &request, &answer);
    ck_assert_ptr_nonnull(server);
    if (login->asked) {
        ck_assert(answer.outcome == MECHANISM_CONTINUES && !answer.has_data);
        mechanism->class->proceed(server, true, message, &answer);
    }
    gsasl_free(output);
    if (answer.outcome == MECHANISM_CONTINUES) {
        snprintf(outcome->challenge, sizeof outcome->challenge, "%.*s", (int)answer.data.length,
                 (const char *)answer.data.data);
        message = client_step(client, answer.data, &output, &result);
        if (login->spoil) { /* a letter in the middle of the proof, which stays base64 */
            char *letter = output + message.length - 10;
            *letter = *letter == 'A' ? 'B' : 'A';
        }
        mechanism->class->proceed(server, true, message, &answer);
        gsasl_free(output);
    }
    outcome->outcome = answer.outcome;
    snprintf(outcome->user, sizeof outcome->user, "%.*s", (int)answer.user_name.length,
             answer.user_name.length ? (const char *)answer.user_name.data : "");
    snprintf(outcome->why, sizeof outcome->why, "%s", answer.why ? answer.why : "");
    if (answer.outcome == MECHANISM_ACCEPTS) {
        client_step(client, answer.data, &output, &result);
        outcome->server_proved = result == GSASL_OK;
        gsasl_free(output);
    }
    mechanism_release(mechanism); /* as a reload does: the exchange keeps it */
    exchange_end(server);
}

static struct outcome log_in(const char *text, const struct login *login)
{
    struct outcome outcome = {0};
    Gsasl *library;
    Gsasl_session *client;
    const enum scram_hash hash = strcmp(login->method, "SCRAM-SHA-1") == 0 ? SCRAM_SHA_1 : SCRAM_SHA_256;
    struct scram_file *file = good(text);
    struct mechanism *mechanism = scram_create(hash, file);
    ck_assert_ptr_nonnull(mechanism);
    ck_assert_str_eq(mechanism->method, login->method);
    scram_file_release(file);
    ck_assert_int_eq(gsasl_init(&library), GSASL_OK);
    ck_assert_int_eq(gsasl_client_start(library, login->method, &client), GSASL_OK);
    gsasl_property_set(client, GSASL_AUTHID, login->user);
    gsasl_property_set(client, GSASL_PASSWORD, login->password);
    if (login->acts_for)
        gsasl_property_set(client, GSASL_AUTHZID, login->acts_for);
    exchange(mechanism, client, login, &outcome);
    gsasl_finish(client);
    gsasl_done(library);
    return outcome;
}

START_TEST(a_user_logs_in)
{
    static const struct login logins[] = {
        {.method = "SCRAM-SHA-256", .user = "user", .password = "pencil"},
        {.method = "SCRAM-SHA-256", .user = "user", .password = "pencil", .asked = true},
        {.method = "SCRAM-SHA-256", .user = "user", .password = "pencil", .acts_for = "user"},
        {.method = "SCRAM-SHA-256",
         .user = "u\xC2\xADser",
         .password = "pen\xC2\xAD"
                     "cil"}, /* SASLprep */
        {.method = "SCRAM-SHA-1", .user = "user", .password = "pencil"},
    };
    for (int i = 0; i < COUNT(logins); i++) {
        const struct outcome outcome = log_in(USER_256 USER_1, &logins[i]);
        ck_assert_msg(outcome.outcome == MECHANISM_ACCEPTS, "login %d: %s", i, outcome.why);
        ck_assert_str_eq(outcome.user, "user");
        ck_assert(outcome.server_proved);
        ck_assert_ptr_nonnull(strstr(outcome.challenge, i == 4 ? ",s=QSXCR+Q6sek8bf92,i=4096"
                                                               : ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"));
    }
}
END_TEST

START_TEST(names_with_commas_and_equals_signs)
{
    const struct login login = {.method = "SCRAM-SHA-256", .user = "a,b=c", .password = "pencil"};
    const struct outcome outcome = log_in("a,b=c:" BRACES_256, &login);
    ck_assert(outcome.outcome == MECHANISM_ACCEPTS);
    ck_assert_str_eq(outcome.user, "a,b=c");
}
END_TEST

START_TEST(who_does_not_know_the_password)
{
    static const struct login logins[] = {
        {.method = "SCRAM-SHA-256", .user = "user", .password = "pencil", .spoil = true},
        {.method = "SCRAM-SHA-256", .user = "user", .password = "Pencil"},
        {.method = "SCRAM-SHA-256", .user = "User", .password = "pencil"},
        {.method = "SCRAM-SHA-256", .user = "nobody", .password = "pencil"},
        {.method = "SCRAM-SHA-1", .user = "user", .password = "pencils"},
        {.method = "SCRAM-SHA-1", .user = "nobody", .password = "pencil"},
    };
    for (int i = 0; i < COUNT(logins); i++) {
        const struct outcome outcome = log_in(USER_256 USER_1, &logins[i]);
        ck_assert_int_eq(outcome.outcome, MECHANISM_REFUSES);
        ck_assert_str_eq(outcome.why, "user name or password is wrong"); /* and not which of the two */
        ck_assert_str_ne(outcome.challenge, "");
    }
}
END_TEST

START_TEST(nobody_acts_for_another)
{
    const struct login login = {
        .method = "SCRAM-SHA-256", .user = "user", .password = "pencil", .acts_for = "admin"};
    const struct outcome outcome = log_in(USER_256 "admin:" BRACES_256, &login);
    ck_assert_int_eq(outcome.outcome, MECHANISM_REFUSES);
    ck_assert_ptr_nonnull(strstr(outcome.why, "act for another"));
}
END_TEST

START_TEST(what_is_no_scram)
{
    static const char *const firsts[] = {"x",
                                         "n,,",
                                         "n,,n=user",
                                         "n,,r=abc,n=user",
                                         "p=tls-unique,,n=user,r=abc",

                                         "n,,n=,r=abc",
                                         "n,,m=x,n=user,r=abc",
                                         "n,,n=user,r="};
    static const char *const finals[] = {"", "x", "c=biws,r=abc,p=AAAA", "c=eSws,r=abc,p=AAAA"};
    struct scram_file *file = good(USER_256);
    struct mechanism *mechanism = scram_create(SCRAM_SHA_256, file);
    for (int i = 0; i < COUNT(firsts) + COUNT(finals); i++) {
        const bool first = i < COUNT(firsts);
        struct mechanism_answer answer;
        const struct mechanism_request request = {
            .has_data = true, .data = bytes_of_text(first ? firsts[i] : "n,,n=user,r=abc")};
        struct exchange *server = mechanism->class->begin(mechanism, &request, &answer);
        if (!first) {
            ck_assert_int_eq(answer.outcome, MECHANISM_CONTINUES);
            mechanism->class->proceed(server, true, bytes_of_text(finals[i - COUNT(firsts)]), &answer);
        }
        ck_assert_msg(answer.outcome == MECHANISM_REFUSES, "message %d", i);
        ck_assert_int_eq(answer.reason_code, REASON_NOT_AUTHORIZED);
        exchange_end(server);
    }
    struct mechanism_answer answer;
    const struct mechanism_request request = {.has_data = false};
    struct exchange *server = mechanism->class->begin(mechanism, &request, &answer);
    mechanism->class->proceed(server, false, bytes_of(NULL, 0), &answer); /* it was asked, and says nothing */
    ck_assert_int_eq(answer.outcome, MECHANISM_REFUSES);
    exchange_end(server);
    mechanism_release(mechanism);
    scram_file_release(file);
}
END_TEST

Suite *suite_host_scram(void);
Suite *suite_host_scram(void)
{
    Suite *suite = suite_create("host/scram");
    TCase *cases = tcase_create("host/scram");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, lines_that_are_read);
    tcase_add_test(cases, lines_that_are_refused);
    tcase_add_test(cases, users_that_do_not_exist);
    tcase_add_test(cases, a_user_logs_in);
    tcase_add_test(cases, names_with_commas_and_equals_signs);
    tcase_add_test(cases, who_does_not_know_the_password);
    tcase_add_test(cases, nobody_acts_for_another);
    tcase_add_test(cases, what_is_no_scram);
    suite_add_tcase(suite, cases);
    return suite;
}
