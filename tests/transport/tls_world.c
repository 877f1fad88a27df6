#include "tls_world.h"

#include <check.h>
#include <stdio.h>

#include "tests.h"

enum { PATH_SIZE = 600, BLOCK = 65536 };

void world_file(char *place, const char *name)
{
    const int length = snprintf(place, PATH_SIZE, "%s/%s", certificates, name);
    ck_assert(length > 0 && length < PATH_SIZE);
}

void world_begin(struct world *world)
{
    char path[PATH_SIZE];
    *world = (struct world){.client_alert = -1};
    world_file(world->listener.tls.certfile, "server.crt");
    world_file(world->listener.tls.keyfile, "server.key");
    world->client_context = SSL_CTX_new(TLS_client_method());
    ck_assert_ptr_nonnull(world->client_context);
    world_file(path, "ca.crt");
    ck_assert_int_eq(SSL_CTX_load_verify_file(world->client_context, path), 1);
    SSL_CTX_set_verify(world->client_context, SSL_VERIFY_PEER, NULL);
}

void world_require(struct world *world)
{
    world->listener.tls.require_certificate = true;
    world_file(world->listener.tls.cafile, "ca.crt");
}

void world_client_certificate(struct world *world, const char *name)
{
    char file[PATH_SIZE / 2], path[PATH_SIZE];
    snprintf(file, sizeof file, "%s.crt", name);
    world_file(path, file);
    ck_assert_int_eq(SSL_CTX_use_certificate_file(world->client_context, path, SSL_FILETYPE_PEM), 1);
    snprintf(file, sizeof file, "%s.key", name);
    world_file(path, file);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(world->client_context, path, SSL_FILETYPE_PEM), 1);
}

void world_serve(struct world *world)
{
    struct line problem = {0};
    tls_context_release(world->context);
    world->context = tls_context_create(&world->listener, &problem);
    ck_assert_msg(world->context != NULL, "%s", problem.text);
}

static void end_connection(struct world *world)
{
    SSL_free(world->client);
    world->client = NULL;
    transport_destroy(world->server);
    world->server = NULL;
    buffer_clear(&world->up);
    buffer_clear(&world->received);
    world->client_alert = -1;
    world->outcome = FILTER_GOES_ON;
}

void world_end(struct world *world)
{
    end_connection(world);
    tls_context_release(world->context);
    SSL_SESSION_free(world->session);
    SSL_CTX_free(world->client_context);
    buffer_free(&world->up);
    buffer_free(&world->received);
    transport_scratch_free(&world->scratch);
}

static void note_alert(const SSL *ssl, int where, int value)
{
    struct world *world = SSL_get_app_data(ssl);
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT)
        world->client_alert = value & 0xFF;
}

static int note_session(SSL *ssl, SSL_SESSION *session)
{
    struct world *world = SSL_get_app_data(ssl);
    SSL_SESSION_free(world->session);
    world->session = session;
    return 1; /* it's ours */
}

void world_open(struct world *world)
{
    end_connection(world);
    if (!world->context)
        world_serve(world);
    world->server = transport_create();
    struct filter *filter = tls_filter_create(world->context);
    ck_assert(world->server != NULL && filter != NULL);
    transport_add(world->server, filter);
    SSL_CTX_set_session_cache_mode(world->client_context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(world->client_context, note_session);
    world->client = SSL_new(world->client_context);
    ck_assert_ptr_nonnull(world->client);
    SSL_set_app_data(world->client, world);
    SSL_set_info_callback(world->client, note_alert);
    SSL_set_bio(world->client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(world->client);
}

/* Lets the client read; its handshake goes on by that. */
static void client_turn(struct world *world)
{
    uint8_t block[BLOCK];
    int count;
    if (SSL_get_shutdown(world->client) & SSL_RECEIVED_SHUTDOWN)
        return;
    while ((count = SSL_read(world->client, block, BLOCK)) > 0)
        ck_assert(buffer_append(&world->received, bytes_of(block, (size_t)count)));
}

void world_hand(struct world *world, struct bytes bytes)
{
    while (bytes.length > 0 && world->outcome == FILTER_GOES_ON) {
        const size_t portion =
            world->portion > 0 && world->portion < bytes.length ? world->portion : bytes.length;
        /* In a block of its own, so that a sanitizer sees a byte too far. */
        uint8_t *copy = malloc(portion);
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, bytes.data, portion);
        world->outcome =
            transport_receive(world->server, &world->scratch, bytes_of(copy, portion), &world->up);
        free(copy);
        bytes = bytes_after(bytes, portion);
    }
}

struct bytes world_take(struct world *world, uint8_t *room, size_t size)
{
    const int count = BIO_read(SSL_get_wbio(world->client), room, (int)size);
    return bytes_of(room, count > 0 ? (size_t)count : 0);
}

/* Returns whether something moved. */
static bool carry_down(struct world *world)
{
    struct buffer *down = &world->server->down;
    const struct bytes bytes = buffer_all(down);
    if (bytes.length == 0)
        return false;
    ck_assert_int_eq(BIO_write(SSL_get_rbio(world->client), bytes.data, (int)bytes.length),
                     (int)bytes.length);
    buffer_clear(down);
    return true;
}

void world_run(struct world *world)
{
    static uint8_t block[BLOCK];
    bool moved = true;
    while (moved) {
        client_turn(world);
        const struct bytes bytes = world_take(world, block, sizeof block);
        moved = bytes.length > 0;
        world_hand(world, bytes);
        moved = carry_down(world) || moved;
    }
}

bool world_connect(struct world *world)
{
    world_open(world);
    world_run(world);
    return world->outcome == FILTER_GOES_ON && SSL_is_init_finished(world->client) && world->client_alert < 0;
}

void world_say(struct world *world, struct bytes bytes)
{
    ck_assert_int_eq(SSL_write(world->client, bytes.data, (int)bytes.length), (int)bytes.length);
    world_run(world);
}

void world_answer(struct world *world, struct bytes bytes)
{
    ck_assert_int_eq(transport_send(world->server, &world->scratch, bytes), FILTER_GOES_ON);
    world_run(world);
}

void world_check_talk(struct world *world)
{
    const struct bytes question = bytes_of_text("question");
    const struct bytes answer = bytes_of_text("answer");
    buffer_clear(&world->up);
    buffer_clear(&world->received);
    world_say(world, question);
    ck_assert(bytes_equal(buffer_all(&world->up), question));
    world_answer(world, answer);
    ck_assert(bytes_equal(buffer_all(&world->received), answer));
    ck_assert_int_eq(world->outcome, FILTER_GOES_ON);
}

const char *world_complaint(const struct world *world)
{
    ck_assert_int_eq(world->outcome, FILTER_FAILED);
    return transport_complaint(world->server);
}
