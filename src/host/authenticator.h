/* authenticator: finds out who a client is, sections 3.1.4, 4.12 and 5.4.1. Prefix: authenticator_
 *
 *      CONNECT ──▶ authenticator_answer() ──┬─ Authentication Method ──▶ a mechanism (mechanism.h)
 *                                           ├─ certificate ──▶ its user name, at once
 *                                           ├─ no user name ──▶ allow_anonymous says it, at once
 *                                           └─ user name, password ──▶ pending; a worker thread computes the hash
 *      the worker is done ──▶ STEP_AUTHENTICATED
 *
 * To compute a hash takes long on purpose, so the loop must not do it; nor must a flood of logins take what
 * the clients need that are connected: a few checks run at a time, with low priority, the others wait, and
 * when too many wait, the next client is told that the Server is busy. */
#ifndef ETALON_HOST_AUTHENTICATOR_H
#define ETALON_HOST_AUTHENTICATOR_H

#include <uv.h>

#include "../base/hash_map.h"
#include "../base/list.h"
#include "../mqtt/broker.h"
#include "host_statistics.h"
#include "login_throttle.h"
#include "mechanism.h"
#include "password_file.h"

enum { AUTHENTICATOR_MECHANISMS = 4 };

/* What it decides by, all of which SIGHUP may change. A check that is under way is made again then, so nobody
 * gets in by what holds no longer. */
struct authenticator_rules {
    bool allow_anonymous;                                   /* clients without user name get in */
    struct password_file *passwords;                        /* NULL: nobody is known by a password */
    struct mechanism *mechanisms[AUTHENTICATOR_MECHANISMS]; /* up to the first NULL */
    uint32_t failures; /* wrong passwords a minute for a name at an address, see login_throttle; 0: any number */
};

struct authenticator_options {
    uv_loop_t *loop;
    struct broker *broker;
    uint32_t checks;  /* that run at a time; 0: one less than there are processors, at least one */
    uint32_t waiting; /* clients that may wait for a check; 0: AUTHENTICATOR_WAITING */
    /* Whether the connection with this host handle is to be known by its certificate; then `*name` is its
     * user name, which lives as long as the connection, or NULL: it must not get in. The member may be NULL:
     * none is. */
    bool (*certified)(void *context, const void *host, const char **name);
    void *certified_context;
    /* The address of the connection with this host handle. NULL: none has one, and passwords may be guessed as fast as
     * they can be checked. */
    struct address_key (*address)(const void *host);
    struct hash_key key;                /* secret and random */
    struct host_statistics *statistics; /* borrowed; NULL: nobody counts */
};

enum { AUTHENTICATOR_WAITING = 4096, AUTHENTICATOR_WAITING_BYTES = 16 << 20 };

/* Private, but for tests. */
struct authenticator {
    struct authenticator_options options;
    struct authenticator_rules rules;
    struct hash_map checks;    /* that somebody waits for, by host */
    struct hash_map dialogues; /* exchanges of mechanisms, by host */
    struct list waiting;       /* checks that do not run yet, oldest first */
    size_t waiting_bytes;      /* of all checks */
    uint32_t running;
    struct login_throttle throttle;
    struct exchange *finished; /* the last one that came to an end; its texts may still be read */
};

/* An authenticator that lets nobody in, until there are rules. What `options` refers to is borrowed. */
void authenticator_begin(struct authenticator *authenticator, const struct authenticator_options *options);

/* From now on `rules` hold, whose references are taken over. */
void authenticator_configure(struct authenticator *authenticator, const struct authenticator_rules *rules);

/* broker_environment.authenticate and .authentication_ended, with the authenticator as their context. */
struct authentication_answer authenticator_answer(struct authenticator *authenticator,
                                                  const struct authentication_request *request);
void authenticator_forget(struct authenticator *authenticator, void *host);

/* Frees everything, the rules as well. All connections are closed, and the loop has run until the checks that
 * ran were done. Harmless after authenticator_begin alone. */
void authenticator_end(struct authenticator *authenticator);

#endif
