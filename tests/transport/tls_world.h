/* tls_world: the filter as server, OpenSSL as client, nothing but memory between them. Prefix: world_ */
#ifndef ETALON_TESTS_TRANSPORT_TLS_WORLD_H
#define ETALON_TESTS_TRANSPORT_TLS_WORLD_H

#include <openssl/ssl.h>

#include "host/tls.h"

struct world {
    struct configuration_listener listener; /* of the server: server.crt, unless told otherwise */
    struct tls_context *context;
    struct transport *server;
    struct transport_scratch scratch;
    struct buffer up;            /* what came up at the server */
    enum filter_outcome outcome; /* of the last call of the server */
    SSL_CTX *client_context;     /* trusts ca.crt */
    SSL *client;
    struct buffer received; /* what came up at the client */
    int client_alert;       /* the alert that the client got; -1: none */
    SSL_SESSION *session;   /* the ticket that the client got last, owned; NULL: none */
    size_t portion;         /* bytes that the server gets at a time; 0: whatever there is */
};

/* The configuration of the server and the client's context; both may be changed before world_connect. */
void world_begin(struct world *world);
void world_end(struct world *world);

/* Puts a file of the certificates' folder into a place of the configuration. */
void world_file(char *place, const char *name);

/* The server requires certificates of ca.crt. */
void world_require(struct world *world);

/* The client has this certificate, "client" for client.crt and client.key. */
void world_client_certificate(struct world *world, const char *name);

/* Makes the context of the server. */
void world_serve(struct world *world);

/* A new connection (instead of the one before); world_serve first, if it was not yet. */
void world_open(struct world *world);

/* As world_open, and shakes hands. Returns whether both sides are content. */
bool world_connect(struct world *world);

/* Carries bytes to and fro until nothing moves any more. */
void world_run(struct world *world);

/* The client sends; what is said goes all the way. */
void world_say(struct world *world, struct bytes bytes);

/* The server sends. */
void world_answer(struct world *world, struct bytes bytes);

/* Bytes that the client has for the server, taken out. */
struct bytes world_take(struct world *world, uint8_t *room, size_t size);

/* Hands bytes to the server as if they came from the client. */
void world_hand(struct world *world, struct bytes bytes);

/* Both directions work. */
void world_check_talk(struct world *world);

/* What the server complains of; fails unless it does. */
const char *world_complaint(const struct world *world);

#endif
