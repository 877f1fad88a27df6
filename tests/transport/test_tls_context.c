/* host/tls: what is wrong with the files of a listener is said in words that help. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests.h"
#include "tls_world.h"

struct trial {
    const char *certificate; /* names below the folder of certificates; NULL: not given */
    const char *key;
    const char *authority;
    const char *revoked;
    const char *keyword;
    const char *word;
};

static void prepare(struct configuration_listener *listener, const struct trial *trial)
{
    *listener = (struct configuration_listener){0};
    world_file(listener->tls.certfile, trial->certificate);
    world_file(listener->tls.keyfile, trial->key);
    if (trial->authority)
        world_file(listener->tls.cafile, trial->authority);
    if (trial->revoked)
        world_file(listener->tls.crlfile, trial->revoked);
    listener->tls.require_certificate = trial->authority != NULL;
}

START_TEST(bad_files)
{
    static const struct trial trials[] = {
        {"missing", "server.key", NULL, NULL, "certfile ", "No such file"},
        {"server.key", "server.key", NULL, NULL, "certfile ", "no certificate in PEM"},
        {"server-expired.crt", "server-expired.key", NULL, NULL, "certfile ", "has expired"},
        {"server.crt", "missing", NULL, NULL, "keyfile ", "No such file"},
        {"server.crt", "server.crt", NULL, NULL, "keyfile ", "no private key"},
        {"server.crt", "server-new.key", NULL, NULL, "keyfile ", "not the key of the certificate"},
        {"server.crt", "server-rsa.key", NULL, NULL, "keyfile ", "not the key of the certificate"},
        {"server.crt", "server-locked.key", NULL, NULL, "keyfile ", "passphrase"},
        {"server.crt", "server.key", "missing", NULL, "cafile ", "No such file"},
        {"server.crt", "server.key", "ca.key", NULL, "cafile ", "no CA certificate"},
        {"server.crt", "server.key", "ca.crt", "missing", "crlfile ", "No such file"},
        {"server.crt", "server.key", "ca.crt", "ca.crt", "crlfile ", "no certificate revocation list"},
    };
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++) {
        struct configuration_listener listener;
        struct line problem = {0};
        prepare(&listener, &trials[i]);
        ck_assert_ptr_null(tls_context_create(&listener, &problem));
        ck_assert_msg(strncmp(problem.text, trials[i].keyword, strlen(trials[i].keyword)) == 0 &&
                          strstr(problem.text, trials[i].word),
                      "%zu: %s", i, problem.text);
    }
}
END_TEST

START_TEST(good_files)
{
    static const struct trial trials[] = {
        {"server.crt", "server.key", NULL, NULL, NULL, NULL},
        {"server-rsa.crt", "server-rsa.key", NULL, NULL, NULL, NULL},
        {"server.crt", "server.key", "ca.crt", "revoked.crl", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++) {
        struct configuration_listener listener;
        struct line problem = {0};
        prepare(&listener, &trials[i]);
        struct tls_context *context = tls_context_create(&listener, &problem);
        ck_assert_msg(context != NULL, "%s", problem.text);
        ck_assert_int_gt(tls_context_days_left(context), 1000);
        tls_context_release(context);
    }
}
END_TEST

START_TEST(bad_cipher_suites)
{
    struct world world;
    struct line problem = {0};
    world_begin(&world);
    strcpy(world.listener.tls.ciphers, "NONSENSE");
    ck_assert_ptr_null(tls_context_create(&world.listener, &problem));
    ck_assert_ptr_nonnull(strstr(problem.text, "ciphers NONSENSE: "));
    world.listener.tls.ciphers[0] = '\0';
    strcpy(world.listener.tls.ciphers_1_3, "TLS_AES_0_NONSENSE");
    ck_assert_ptr_null(tls_context_create(&world.listener, &problem));
    ck_assert_ptr_nonnull(strstr(problem.text, "ciphers_tls1.3 TLS_AES_0_NONSENSE: "));
    world_end(&world);
}
END_TEST

void add_tls_context(TCase *test_case)
{
    tcase_add_test(test_case, bad_files);
    tcase_add_test(test_case, good_files);
    tcase_add_test(test_case, bad_cipher_suites);
}
