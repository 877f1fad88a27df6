/* host/tls: connections that come about. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "tests.h"
#include "tls_world.h"

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
enum { VERSIONS = sizeof versions / sizeof *versions };

static void only_version(struct world *world, int version)
{
    SSL_CTX_set_min_proto_version(world->client_context, version);
    SSL_CTX_set_max_proto_version(world->client_context, version);
}

START_TEST(both_versions_talk)
{
    struct world world;
    world_begin(&world);
    only_version(&world, versions[_i]);
    ck_assert(world_connect(&world));
    ck_assert_int_eq(SSL_version(world.client), versions[_i]);
    world_check_talk(&world);
    ck_assert_ptr_null(transport_identity(world.server));
    world_end(&world);
}
END_TEST

START_TEST(the_newest_version_is_preferred)
{
    struct world world;
    world_begin(&world);
    ck_assert(world_connect(&world));
    ck_assert_int_eq(SSL_version(world.client), TLS1_3_VERSION);
    world_end(&world);
}
END_TEST

START_TEST(byte_by_byte)
{
    struct world world;
    world_begin(&world);
    world_require(&world);
    world_client_certificate(&world, "client");
    only_version(&world, versions[_i]);
    world.portion = 1;
    ck_assert(world_connect(&world));
    world_check_talk(&world);
    world_end(&world);
}
END_TEST

START_TEST(big_payloads)
{
    enum { SIZE = 3 * 1000 * 1000 };
    struct world world;
    uint8_t *bytes = malloc(SIZE);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (uint8_t)(i * 2654435761U >> 13);
    world_begin(&world);
    only_version(&world, versions[_i]);
    ck_assert(world_connect(&world));
    world_say(&world, bytes_of(bytes, SIZE));
    ck_assert(bytes_equal(buffer_all(&world.up), bytes_of(bytes, SIZE)));
    world_answer(&world, bytes_of(bytes, SIZE));
    ck_assert(bytes_equal(buffer_all(&world.received), bytes_of(bytes, SIZE)));
    world_end(&world);
    free(bytes);
}
END_TEST

START_TEST(the_client_ends_in_good_order)
{
    struct world world;
    world_begin(&world);
    only_version(&world, versions[_i]);
    ck_assert(world_connect(&world));
    ck_assert_int_eq(SSL_write(world.client, "last", 4), 4);
    SSL_shutdown(world.client);
    world_run(&world);
    ck_assert_int_eq(world.outcome, FILTER_ENDED);
    ck_assert(bytes_equal(buffer_all(&world.up), bytes_of_text("last")));
    transport_close(world.server, &world.scratch);
    world_run(&world);
    ck_assert(SSL_get_shutdown(world.client) & SSL_RECEIVED_SHUTDOWN);
    world_end(&world);
}
END_TEST

START_TEST(the_server_ends_in_good_order)
{
    struct world world;
    world_begin(&world);
    only_version(&world, versions[_i]);
    ck_assert(world_connect(&world));
    world_check_talk(&world);
    ck_assert_int_eq(SSL_get_shutdown(world.client), 0);
    transport_close(world.server, &world.scratch);
    world_run(&world);
    ck_assert_int_eq(SSL_get_shutdown(world.client), SSL_RECEIVED_SHUTDOWN);
    ck_assert_int_eq(world.client_alert, SSL3_AD_CLOSE_NOTIFY);
    world_end(&world);
}
END_TEST

/* A handshake cut off anywhere is one that waits; there's nothing to say farewell to. */
START_TEST(handshakes_that_stop)
{
    uint8_t hello[4096];
    struct world world;
    world_begin(&world);
    world_open(&world);
    SSL_do_handshake(world.client);
    const struct bytes all = world_take(&world, hello, sizeof hello);
    ck_assert_uint_gt(all.length, 100);
    for (size_t length = 0; length < all.length; length++) {
        world_open(&world);
        world_hand(&world, bytes_of(all.data, length));
        ck_assert_int_eq(world.outcome, FILTER_GOES_ON);
        ck_assert_uint_eq(buffer_all(&world.server->down).length, 0);
        transport_close(world.server, &world.scratch);
        ck_assert_uint_eq(buffer_all(&world.server->down).length, 0);
    }
    world_open(&world);
    world_hand(&world, all);
    ck_assert_uint_gt(buffer_all(&world.server->down).length, 0);
    world_end(&world);
}
END_TEST

START_TEST(application_protocols)
{
    static const struct {
        const char *offer;
        enum listener_protocol protocol;
        const char *chosen; /* NULL: refused */
    } cases[] = {
        {"\x04mqtt", PROTOCOL_MQTT, "mqtt"},
        {"\x02h2\x08http/1.1\x04mqtt", PROTOCOL_MQTT, "mqtt"},
        {"\x02h2\x08http/1.1", PROTOCOL_WEBSOCKETS, "http/1.1"},
        {"\x02h2\x08http/1.1", PROTOCOL_MQTT, NULL},
        {"\x04mqtt", PROTOCOL_WEBSOCKETS, NULL},
        {"\x05mqtt5", PROTOCOL_MQTT, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world;
        const unsigned char *chosen = NULL;
        unsigned int length = 0;
        world_begin(&world);
        world.listener.protocol = (uint8_t)cases[i].protocol;
        SSL_CTX_set_alpn_protos(world.client_context, (const unsigned char *)cases[i].offer,
                                (unsigned int)strlen(cases[i].offer));
        ck_assert_msg(world_connect(&world) == (cases[i].chosen != NULL), "%zu", i);
        SSL_get0_alpn_selected(world.client, &chosen, &length);
        if (cases[i].chosen)
            ck_assert(bytes_equal(bytes_of(chosen, length), bytes_of_text(cases[i].chosen)));
        else
            ck_assert_int_eq(world.client_alert, SSL_AD_NO_APPLICATION_PROTOCOL);
        world_end(&world);
    }
}
END_TEST

START_TEST(who_the_client_is)
{
    struct world world;
    world_begin(&world);
    world_require(&world);
    world_client_certificate(&world, "client");
    only_version(&world, versions[_i]);
    world_open(&world);
    ck_assert_ptr_null(transport_identity(world.server)); /* not before it is proved */
    ck_assert(world_connect(&world));
    const struct peer_identity *identity = transport_identity(world.server);
    ck_assert_ptr_nonnull(identity);
    ck_assert_str_eq(identity->common_name, "alice");
    ck_assert_str_eq(identity->subject, "CN=alice,O=Etalon");
    ck_assert_ptr_eq(transport_identity(world.server), identity);
    world_client_certificate(&world, "client-nameless");
    ck_assert(world_connect(&world));
    identity = transport_identity(world.server);
    ck_assert_ptr_nonnull(identity);
    ck_assert_ptr_null(identity->common_name);
    ck_assert_str_eq(identity->subject, "O=Etalon");
    world_end(&world);
}
END_TEST

static EVP_PKEY *read_key(const char *name)
{
    char path[600];
    world_file(path, name);
    BIO *file = BIO_new_file(path, "r");
    EVP_PKEY *key = PEM_read_bio_PrivateKey(file, NULL, NULL, NULL);
    ck_assert_ptr_nonnull(key);
    BIO_free(file);
    return key;
}

static X509 *read_certificate(const char *name)
{
    char path[600];
    world_file(path, name);
    BIO *file = BIO_new_file(path, "r");
    X509 *certificate = PEM_read_bio_X509(file, NULL, NULL, NULL);
    ck_assert_ptr_nonnull(certificate);
    BIO_free(file);
    return certificate;
}

/* Gives the client a certificate of the CA with this Common Name, valid for so many seconds. */
static void certify(struct world *world, const char *name, int length, long validity)
{
    EVP_PKEY *key = read_key("client.key");
    EVP_PKEY *authority_key = read_key("ca.key");
    X509 *authority = read_certificate("ca.crt");
    X509 *certificate = X509_new();
    X509_NAME *subject = X509_NAME_new();
    ck_assert(X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, (const unsigned char *)name,
                                         length, -1, 0));
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 77);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -100);
    X509_gmtime_adj(X509_getm_notAfter(certificate), validity);
    X509_set_subject_name(certificate, subject);
    X509_set_issuer_name(certificate, X509_get_subject_name(authority));
    X509_set_pubkey(certificate, key);
    ck_assert_int_gt(X509_sign(certificate, authority_key, EVP_sha256()), 0);
    ck_assert_int_eq(SSL_CTX_use_certificate(world->client_context, certificate), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey(world->client_context, key), 1);
    X509_NAME_free(subject);
    X509_free(certificate);
    X509_free(authority);
    EVP_PKEY_free(authority_key);
    EVP_PKEY_free(key);
}

/* "alice" and a NUL must not be taken for alice. */
START_TEST(names_that_are_not_what_they_seem)
{
    struct world world;
    world_begin(&world);
    world_require(&world);
    certify(&world, "alice\0.example", 14, 1000);
    ck_assert(world_connect(&world));
    const struct peer_identity *identity = transport_identity(world.server);
    ck_assert_ptr_nonnull(identity);
    ck_assert_ptr_null(identity->common_name);
    certify(&world, "J\xC3\xBCrgen", 7, 1000);
    ck_assert(world_connect(&world));
    identity = transport_identity(world.server);
    ck_assert_ptr_nonnull(identity);
    ck_assert_str_eq(identity->common_name, "J\xC3\xBCrgen");
    world_end(&world);
}
END_TEST

/* A ticket brings the identity along; it's no good for the context of other files. */
START_TEST(sessions_are_resumed)
{
    struct world world;
    world_begin(&world);
    world_require(&world);
    world_client_certificate(&world, "client");
    only_version(&world, versions[_i]);
    ck_assert(world_connect(&world));
    world_check_talk(&world);
    ck_assert(!SSL_session_reused(world.client));
    ck_assert_ptr_nonnull(world.session);
    for (int round = 0; round < 2; round++) {
        SSL_SESSION *session = SSL_SESSION_dup(world.session);
        if (round == 1)
            world_serve(&world); /* the files were read again */
        world_open(&world);
        ck_assert_int_eq(SSL_set_session(world.client, session), 1);
        world_run(&world);
        ck_assert_int_eq(SSL_session_reused(world.client), round == 0);
        world_check_talk(&world);
        ck_assert_str_eq(transport_identity(world.server)->common_name, "alice");
        SSL_SESSION_free(session);
    }
    world_end(&world);
}
END_TEST

/* The rule itself is about time: the certificate expires between two connections (sleep-allowed). */
START_TEST(tickets_end_with_their_certificate)
{
    struct world world;
    const time_t end = time(NULL) + 2;
    world_begin(&world);
    world_require(&world);
    only_version(&world, versions[_i]);
    certify(&world, "late", 4, 2);
    ck_assert(world_connect(&world));
    world_check_talk(&world);
    SSL_SESSION *session = SSL_SESSION_dup(world.session);
    while (time(NULL) <= end) /* for the second in which it ends it is still good */
        sched_yield();
    world_open(&world);
    ck_assert_int_eq(SSL_set_session(world.client, session), 1);
    world_run(&world);
    ck_assert_ptr_nonnull(strstr(world_complaint(&world), "TLS: the client certificate has expired"));
    ck_assert_int_eq(world.client_alert, SSL_AD_CERTIFICATE_EXPIRED);
    ck_assert_ptr_null(transport_identity(world.server));
    SSL_SESSION_free(session);
    world_end(&world);
}
END_TEST

START_TEST(connections_outlive_their_context)
{
    struct world world;
    world_begin(&world);
    ck_assert(world_connect(&world));
    tls_context_release(world.context);
    world.context = NULL;
    world_check_talk(&world);
    world_end(&world);
}
END_TEST

START_TEST(keys_are_updated)
{
    struct world world;
    world_begin(&world);
    only_version(&world, TLS1_3_VERSION);
    ck_assert(world_connect(&world));
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(SSL_key_update(world.client, SSL_KEY_UPDATE_REQUESTED), 1);
        world_check_talk(&world);
    }
    world_end(&world);
}
END_TEST

/* Somebody may send as many as he likes without reading an answer: none of it stays with the filter. What
 * waits for the socket is bounded by socket.c. */
START_TEST(many_key_updates)
{
    enum { UPDATES = 1000 };
    static uint8_t block[4096];
    struct world world;
    world_begin(&world);
    only_version(&world, TLS1_3_VERSION);
    ck_assert(world_connect(&world));
    for (int i = 0; i < UPDATES; i++) {
        ck_assert_int_eq(SSL_key_update(world.client, SSL_KEY_UPDATE_REQUESTED), 1);
        ck_assert_int_eq(SSL_write(world.client, "x", 1), 1);
        world_hand(&world, world_take(&world, block, sizeof block));
        ck_assert_int_eq(world.outcome, FILTER_GOES_ON);
    }
    ck_assert_uint_eq(buffer_all(&world.up).length, UPDATES);
    ck_assert_uint_le(buffer_all(&world.server->down).length, UPDATES * 64);
    buffer_clear(&world.up);
    world_run(&world);
    world_check_talk(&world);
    world_end(&world);
}
END_TEST

/* A record as the client of TLS 1.3 would make it with TLS_AES_128_GCM_SHA256: OpenSSL does not cut a message in two. */
static uint8_t client_secret[32]; /* of the present connection */

static void note_secret(const SSL *ssl, const char *line)
{
    static const char label[] = "CLIENT_TRAFFIC_SECRET_0 ";
    (void)ssl;
    if (strncmp(line, label, sizeof label - 1) != 0)
        return;
    const char *hex = strrchr(line, ' ') + 1;
    for (size_t i = 0; i < sizeof client_secret; i++)
        ck_assert_int_eq(sscanf(hex + 2 * i, "%2hhx", &client_secret[i]), 1);
}

/* HKDF-Expand-Label of RFC 8446, section 7.1; up to 32 bytes, so that one round does. */
static void derive(const char *label, uint8_t *derived, uint8_t size)
{
    uint8_t info[64] = {0, size, (uint8_t)(6 + strlen(label))}, digest[32];
    const int length = sprintf((char *)info + 3, "tls13 %s", label);
    info[3 + length + 1] = 1; /* behind an empty context */
    HMAC(EVP_sha256(), client_secret, sizeof client_secret, info, (size_t)length + 5, digest, NULL);
    memcpy(derived, digest, size);
}

/* Record number `number` since the handshake, with `content` of type Handshake. */
static void hand_record(struct world *world, uint8_t number, struct bytes content)
{
    uint8_t key[16], nonce[12], record[64] = {0x17, 3, 3, 0, (uint8_t)(content.length + 17)}, plain[32];
    int length = 0, rest = 0;
    derive("key", key, sizeof key);
    derive("iv", nonce, sizeof nonce);
    nonce[11] ^= number;
    memcpy(plain, content.data, content.length);
    plain[content.length] = 22;
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    ck_assert_int_eq(EVP_EncryptInit_ex(cipher, EVP_aes_128_gcm(), NULL, key, nonce), 1);
    ck_assert_int_eq(EVP_EncryptUpdate(cipher, NULL, &length, record, 5), 1);
    ck_assert_int_eq(EVP_EncryptUpdate(cipher, record + 5, &length, plain, (int)content.length + 1), 1);
    ck_assert_int_eq(EVP_EncryptFinal_ex(cipher, record + 5 + length, &rest), 1);
    ck_assert_int_eq(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, 16, record + 5 + length), 1);
    EVP_CIPHER_CTX_free(cipher);
    world_hand(world, bytes_of(record, 5 + (size_t)length + 16));
}

static void begin_half_updates(struct world *world)
{
    world_begin(world);
    only_version(world, TLS1_3_VERSION);
    ck_assert_int_eq(SSL_CTX_set_ciphersuites(world->client_context, "TLS_AES_128_GCM_SHA256"), 1);
    SSL_CTX_set_keylog_callback(world->client_context, note_secret);
    ck_assert(world_connect(world));
}

static const uint8_t key_update[] = {24, 0, 0, 1, 0};

/* RFC 8446, section 5.1 lets a message come in several records. What is to be sent meanwhile is sent then. */
START_TEST(half_a_key_update)
{
    struct world world;
    begin_half_updates(&world);
    hand_record(&world, 0, bytes_of(key_update, 4));
    ck_assert_int_eq(world.outcome, FILTER_GOES_ON);
    world_answer(&world, bytes_of_text("one "));
    world_answer(&world, bytes_of_text("two"));
    ck_assert_int_eq(world.outcome, FILTER_GOES_ON);
    ck_assert_uint_eq(buffer_all(&world.received).length, 0);
    hand_record(&world, 1, bytes_of(key_update + 4, 1));
    ck_assert_int_eq(world.outcome, FILTER_GOES_ON);
    world_run(&world);
    ck_assert(bytes_equal(buffer_all(&world.received), bytes_of_text("one two")));
    world_answer(&world, bytes_of_text(" three"));
    ck_assert(bytes_equal(buffer_all(&world.received), bytes_of_text("one two three")));
    world_end(&world);
}
END_TEST

/* What waits is bounded. */
START_TEST(half_a_key_update_and_no_more)
{
    static const uint8_t block[65536];
    struct world world;
    int blocks = 0;
    begin_half_updates(&world);
    hand_record(&world, 0, bytes_of(key_update, 4));
    for (; blocks < 100 && world.outcome == FILTER_GOES_ON; blocks++)
        world.outcome = transport_send(world.server, &world.scratch, bytes_of(block, sizeof block));
    ck_assert_int_eq(blocks, 5);
    ck_assert_ptr_nonnull(strstr(world_complaint(&world), "half of a key update"));
    world_end(&world);
}
END_TEST

/* The server says that it will not. This client then leaves; others go on. */
START_TEST(no_renegotiation)
{
    struct world world;
    world_begin(&world);
    only_version(&world, TLS1_2_VERSION);
    ck_assert(world_connect(&world));
    ck_assert_int_eq(SSL_renegotiate(world.client), 1);
    SSL_do_handshake(world.client);
    world_run(&world);
    ck_assert_int_eq(world.client_alert, SSL_AD_NO_RENEGOTIATION);
    ck_assert_ptr_nonnull(strstr(world_complaint(&world), "the client has given up: "));
    world_end(&world);
}
END_TEST

START_TEST(the_cipher_suite_is_that_of_the_server)
{
    struct world world;
    world_begin(&world);
    only_version(&world, versions[_i]);
    strcpy(world.listener.tls.ciphers, "ECDHE-ECDSA-CHACHA20-POLY1305");
    strcpy(world.listener.tls.ciphers_1_3, "TLS_CHACHA20_POLY1305_SHA256");
    ck_assert(world_connect(&world));
    ck_assert_ptr_nonnull(strstr(SSL_get_cipher_name(world.client), "CHACHA20"));
    world_end(&world);
}
END_TEST

START_TEST(the_server_prefers)
{
    static const char *const names[] = {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"};
    for (int i = 0; i < 2; i++) {
        char list[100];
        struct world world;
        world_begin(&world);
        only_version(&world, TLS1_2_VERSION);
        snprintf(world.listener.tls.ciphers, sizeof world.listener.tls.ciphers, "%s:%s", names[i], names[!i]);
        snprintf(list, sizeof list, "%s:%s", names[!i], names[i]);
        SSL_CTX_set_cipher_list(world.client_context, list);
        ck_assert(world_connect(&world));
        ck_assert_str_eq(SSL_get_cipher_name(world.client), names[i]);
        world_end(&world);
    }
}
END_TEST

/* For clients that know nothing of elliptic curves: no parameters need be given. */
START_TEST(finite_fields)
{
    struct world world;
    world_begin(&world);
    world_file(world.listener.tls.certfile, "server-rsa.crt");
    world_file(world.listener.tls.keyfile, "server-rsa.key");
    only_version(&world, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(world.client_context, "DHE-RSA-AES128-GCM-SHA256");
    ck_assert(world_connect(&world));
    world_check_talk(&world);
    world_end(&world);
}
END_TEST

void add_tls_filter(TCase *test_case)
{
    tcase_add_loop_test(test_case, both_versions_talk, 0, VERSIONS);
    tcase_add_test(test_case, the_newest_version_is_preferred);
    tcase_add_loop_test(test_case, byte_by_byte, 0, VERSIONS);
    tcase_add_loop_test(test_case, big_payloads, 0, VERSIONS);
    tcase_add_loop_test(test_case, the_client_ends_in_good_order, 0, VERSIONS);
    tcase_add_loop_test(test_case, the_server_ends_in_good_order, 0, VERSIONS);
    tcase_add_test(test_case, handshakes_that_stop);
    tcase_add_test(test_case, application_protocols);
    tcase_add_loop_test(test_case, who_the_client_is, 0, VERSIONS);
    tcase_add_test(test_case, names_that_are_not_what_they_seem);
    tcase_add_loop_test(test_case, sessions_are_resumed, 0, VERSIONS);
    tcase_add_loop_test(test_case, tickets_end_with_their_certificate, 0, VERSIONS);
    tcase_add_test(test_case, connections_outlive_their_context);
    tcase_add_test(test_case, keys_are_updated);
    tcase_add_test(test_case, many_key_updates);
    tcase_add_test(test_case, half_a_key_update);
    tcase_add_test(test_case, half_a_key_update_and_no_more);
    tcase_add_test(test_case, no_renegotiation);
    tcase_add_loop_test(test_case, the_cipher_suite_is_that_of_the_server, 0, VERSIONS);
    tcase_add_test(test_case, the_server_prefers);
    tcase_add_test(test_case, finite_fields);
}
