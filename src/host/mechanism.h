/* mechanism: how an Authentication Method plugs in, section 4.12. Prefix: mechanism_ / exchange_
 *
 *      CONNECT with an Authentication Method ──▶ authenticator ──▶ mechanism: begin ──▶ continues ──▶ AUTH 0x18
 *      AUTH 0x18 ────────────────────────────▶ authenticator ──▶ exchange: proceed ──▶ accepts ──▶ CONNACK 0x00
 *                                                                                   └─▶ refuses ──▶ CONNACK 0x86
 *      AUTH 0x19 (re-authentication, 4.12.1) ─▶ authenticator ──▶ mechanism: begin ──▶ ...
 *
 * One file per mechanism. All is called on the loop's thread and must be quick: whatever takes long (deriving
 * keys) has been done before, when the secrets were read. The mechanism knows no socket and no core. */
#ifndef ETALON_HOST_MECHANISM_H
#define ETALON_HOST_MECHANISM_H

#include "../base/bytes.h"
#include "../mqtt/broker.h"

struct mechanism;
struct exchange;

/* What begins an exchange. Bytes live during the call. */
struct mechanism_request {
    struct bytes client_identifier; /* of the CONNECT; empty at a re-authentication */
    struct bytes user_name;         /* of the CONNECT; a mechanism that has names of its own may ignore it */
    bool has_user_name;
    bool again; /* re-authentication; that it ends with the same user is seen to by the core */
    bool has_data;
    struct bytes data; /* Authentication Data */
};

enum mechanism_outcome {
    MECHANISM_REFUSES, /* the zero value: what is forgotten lets nobody in */
    MECHANISM_CONTINUES,
    MECHANISM_ACCEPTS
};

struct mechanism_answer {
    enum mechanism_outcome outcome;
    enum reason_code reason_code; /* REFUSES; 0 stands for 0x86 Bad User Name or Password */
    bool has_data;
    /* CONTINUES, ACCEPTS: Authentication Data; lives until the next call for this exchange */
    struct bytes data;
    struct bytes user_name; /* ACCEPTS: who it is, not empty; lives as long as the exchange */
    /* REFUSES: static text for the log and the Reason String; must not help to guess; may be NULL */
    const char *why;
};

struct mechanism_class {
    /* Begins an exchange and fills `answer`. The caller ends it with `end`, whatever the answer is. NULL: no
     * memory, or refused without anything to be ended; `answer` is REFUSES then. */
    struct exchange *(*begin)(struct mechanism *mechanism, const struct mechanism_request *request,
                              struct mechanism_answer *answer);
    /* The client has answered: `data` is its Authentication Data (`has_data`: whether there was any). Only
     * after CONTINUES. */
    void (*proceed)(struct exchange *exchange, bool has_data, struct bytes data,
                    struct mechanism_answer *answer);
    /* Frees the exchange and wipes its secrets; it may be in the middle. */
    void (*end)(struct exchange *exchange);
    /* Frees the mechanism: nobody holds it any more. */
    void (*destroy)(struct mechanism *mechanism);
};

/* First member of every mechanism. What it knows (the secrets) never changes: SIGHUP makes a new one. */
struct mechanism {
    const struct mechanism_class *class;
    const char *method;  /* Authentication Method, as the clients write it; static text */
    uint32_t references; /* the authenticator's, and one for each exchange */
};

/* First member of every exchange; begin sets `mechanism` by exchange_join. */
struct exchange {
    struct mechanism *mechanism;
};

static inline void mechanism_release(struct mechanism *mechanism)
{
    if (mechanism && --mechanism->references == 0)
        mechanism->class->destroy(mechanism);
}

/* The exchange keeps its mechanism alive. */
static inline void exchange_join(struct exchange *exchange, struct mechanism *mechanism)
{
    exchange->mechanism = mechanism;
    mechanism->references++;
}

/* Ends an exchange, and its mechanism if that was replaced meanwhile. NULL is fine. */
static inline void exchange_end(struct exchange *exchange)
{
    if (!exchange)
        return;
    struct mechanism *mechanism = exchange->mechanism;
    mechanism->class->end(exchange);
    mechanism_release(mechanism);
}

#endif
