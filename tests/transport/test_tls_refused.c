/* host/tls: connections that don't come about. The client gets the right alert, the log a reason in plain
 * words. */
#include <stdlib.h>
#include <string.h>

#include "tests.h"
#include "tls_world.h"

static void refuse(struct world *world, int alert, const char *word)
{
    ck_assert(!world_connect(world));
    ck_assert_msg(strstr(world_complaint(world), word) != NULL, "%s", world_complaint(world));
    ck_assert_int_eq(world->client_alert, alert);
    ck_assert_ptr_null(transport_identity(world->server));
    ck_assert_uint_eq(buffer_all(&world->up).length, 0);
    transport_close(world->server, &world->scratch); /* has nothing to add */
    ck_assert_uint_eq(buffer_all(&world->server->down).length, 0);
}

START_TEST(old_versions)
{
    static const int old[] = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION};
    struct world world;
    world_begin(&world);
    world.listener.tls.version = old[_i] == TLS1_2_VERSION ? TLS_1_3 : TLS_1_2;
    SSL_CTX_set_security_level(world.client_context, 0);
    SSL_CTX_set_min_proto_version(world.client_context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(world.client_context, old[_i]);
    refuse(&world, SSL_AD_PROTOCOL_VERSION, "TLS: the client offers no version that is allowed (OpenSSL: ");
    world_end(&world);
}
END_TEST

START_TEST(no_common_cipher_suite)
{
    struct world world;
    world_begin(&world);
    SSL_CTX_set_max_proto_version(world.client_context, TLS1_2_VERSION);
    strcpy(world.listener.tls.ciphers, "ECDHE-ECDSA-AES256-GCM-SHA384");
    SSL_CTX_set_cipher_list(world.client_context, "ECDHE-ECDSA-AES128-GCM-SHA256");
    refuse(&world, SSL_AD_HANDSHAKE_FAILURE, "the client offers no cipher suite that is allowed");
    world_end(&world);
}
END_TEST

START_TEST(client_certificates)
{
    static const struct {
        const char *name; /* NULL: none */
        int version;
        int alert;
        const char *word;
    } cases[] = {
        {NULL, TLS1_3_VERSION, SSL_AD_CERTIFICATE_REQUIRED, "has no certificate, and one is required"},
        {NULL, TLS1_2_VERSION, SSL_AD_HANDSHAKE_FAILURE, "has no certificate, and one is required"},
        {"client-expired", TLS1_3_VERSION, SSL_AD_CERTIFICATE_EXPIRED, "the client certificate has expired"},
        {"client-expired", TLS1_2_VERSION, SSL_AD_CERTIFICATE_EXPIRED, "the client certificate has expired"},
        {"client-revoked", TLS1_3_VERSION, SSL_AD_CERTIFICATE_REVOKED, "the client certificate is revoked"},
        {"client-revoked", TLS1_2_VERSION, SSL_AD_CERTIFICATE_REVOKED, "the client certificate is revoked"},
        {"client-other", TLS1_3_VERSION, SSL_AD_UNKNOWN_CA, "comes from no CA that is known here"},
        {"client-other", TLS1_2_VERSION, SSL_AD_UNKNOWN_CA, "comes from no CA that is known here"},
        {"server", TLS1_3_VERSION, SSL_AD_UNSUPPORTED_CERTIFICATE, "the client certificate is refused"},
    };
    struct world world;
    world_begin(&world);
    world_require(&world);
    world_file(world.listener.tls.crlfile, "revoked.crl");
    SSL_CTX_set_min_proto_version(world.client_context, cases[_i].version);
    SSL_CTX_set_max_proto_version(world.client_context, cases[_i].version);
    if (cases[_i].name)
        world_client_certificate(&world, cases[_i].name);
    refuse(&world, cases[_i].alert, cases[_i].word);
    world_client_certificate(&world, "client"); /* the same server lets this one in */
    ck_assert(world_connect(&world));
    world_end(&world);
}
END_TEST
enum { CLIENT_CERTIFICATES = 9 };

/* Also with a ticket of the time before. */
START_TEST(revoked_later)
{
    struct world world;
    world_begin(&world);
    world_require(&world);
    world_client_certificate(&world, "client-revoked");
    world_file(world.listener.tls.crlfile, "empty.crl");
    ck_assert(world_connect(&world));
    world_check_talk(&world);
    ck_assert_ptr_nonnull(world.session);
    SSL_SESSION *session = SSL_SESSION_dup(world.session);
    world_file(world.listener.tls.crlfile, "revoked.crl");
    world_serve(&world);
    world_open(&world);
    ck_assert_int_eq(SSL_set_session(world.client, session), 1);
    world_run(&world);
    ck_assert_ptr_nonnull(strstr(world_complaint(&world), "revoked"));
    SSL_SESSION_free(session);
    world_end(&world);
}
END_TEST

START_TEST(the_client_does_not_trust_us)
{
    struct world world;
    char path[600];
    world_begin(&world);
    SSL_CTX_set_cert_store(world.client_context, X509_STORE_new());
    world_file(path, "other-ca.crt");
    ck_assert_int_eq(SSL_CTX_load_verify_file(world.client_context, path), 1);
    ck_assert(!world_connect(&world));
    ck_assert_ptr_nonnull(
        strstr(world_complaint(&world), "the client refuses us: unknown CA; it does not know"));
    ck_assert_int_eq(world.client_alert, -1);
    world_end(&world);
}
END_TEST

START_TEST(other_languages)
{
    static const struct {
        struct bytes bytes;
        const char *word;
    } cases[] = {
        {{(const uint8_t *)"\x10\x0c\0\x04MQTT\x04\x02\0\x3c\0\0", 14}, "the client speaks plain MQTT"},
        {{(const uint8_t *)"GET / HTTP/1.1\r\n\r\n", 18}, "the client speaks plain HTTP"},
        {{(const uint8_t *)"\x16\x03\x01\0\x05hello", 10}, "handshake"},
        {{(const uint8_t *)"\x80\x09\x01\0\x02\0\0\0\0\0\x10", 11}, "handshake"},
        {{(const uint8_t *)"SSH-2.0-OpenSSH\r\n", 17}, "handshake"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t portion = 0; portion < 2; portion++) {
            struct world world;
            world_begin(&world);
            world.portion = i < 2 && portion ? cases[i].bytes.length : portion;
            world_open(&world);
            world_hand(&world, cases[i].bytes);
            ck_assert_msg(strstr(world_complaint(&world), cases[i].word) != NULL, "%zu: %s", i,
                          world_complaint(&world));
            world_end(&world);
        }
    }
}
END_TEST

/* Bytes of the client's first flight changed, one at a time: the handshake must not come about. */
START_TEST(forged_handshakes)
{
    uint8_t hello[4096];
    size_t failed = 0;
    struct world world;
    world_begin(&world);
    world_open(&world);
    SSL_do_handshake(world.client);
    const size_t length = world_take(&world, hello, sizeof hello).length;
    for (size_t i = 0; i < length; i++) {
        world_open(&world);
        SSL_do_handshake(world.client);
        const struct bytes bytes = world_take(&world, hello, sizeof hello);
        hello[i] ^= 0x40;
        world_hand(&world, bytes);
        world_run(&world);
        /* The version of the record is nobody's business (RFC 8446, section 5.1); all else is. */
        const bool through = world.outcome == FILTER_GOES_ON && SSL_is_init_finished(world.client);
        ck_assert_msg(!through || i == 2, "byte %zu", i);
        failed += world.outcome == FILTER_FAILED;
    }
    ck_assert_uint_gt(failed, length / 2);
    world_end(&world);
}
END_TEST

START_TEST(forged_records)
{
    uint8_t record[200];
    for (size_t i = 0; i < 30; i++) {
        struct world world;
        world_begin(&world);
        ck_assert(world_connect(&world));
        ck_assert_int_eq(SSL_write(world.client, "question", 8), 8);
        const struct bytes bytes = world_take(&world, record, sizeof record);
        ck_assert_uint_eq(bytes.length, 5 + 8 + 1 + 16);
        record[i] ^= 0x01;
        world_hand(&world, bytes);
        ck_assert_uint_eq(buffer_all(&world.up).length, 0);
        if (world.outcome == FILTER_FAILED) {
            ck_assert_ptr_nonnull(strstr(world_complaint(&world), "TLS: what came is no TLS (OpenSSL: "));
            ck_assert_int_eq(transport_send(world.server, &world.scratch, bytes_of_text("x")), FILTER_FAILED);
            world_run(&world);
            ck_assert_int_gt(world.client_alert, 0);
        } else {
            ck_assert(i == 3 || i == 4); /* a longer record: the rest is waited for */
        }
        world_end(&world);
    }
}
END_TEST

void add_tls_refused(TCase *test_case)
{
    tcase_add_loop_test(test_case, old_versions, 0, 3);
    tcase_add_test(test_case, no_common_cipher_suite);
    tcase_add_loop_test(test_case, client_certificates, 0, CLIENT_CERTIFICATES);
    tcase_add_test(test_case, revoked_later);
    tcase_add_test(test_case, the_client_does_not_trust_us);
    tcase_add_test(test_case, other_languages);
    tcase_add_test(test_case, forged_handshakes);
    tcase_add_test(test_case, forged_records);
}
