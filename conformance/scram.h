/* scram: the client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), for tests of enhanced authentication. It
 * owes nothing to any broker's code. Prefix: scram_
 *
 *      scram_begin ──▶ first ──▶ server: salt, iterations ──▶ scram_answer ──▶ final ──▶ server: scram_is_proved
 *
 * User name, password and nonce are printable ASCII without ',' and '=', so SASLprep leaves them alone. */
#ifndef ETALON_CONFORMANCE_SCRAM_H
#define ETALON_CONFORMANCE_SCRAM_H

#include <stdbool.h>

#include "../src/base/bytes.h"

#define SCRAM_METHOD "SCRAM-SHA-256"

enum { SCRAM_MESSAGE_SIZE = 1000, SCRAM_HASH_SIZE = 32, SCRAM_SALT_SIZE = 300 };

/* SaltedPassword of one password, and what it was derived with: a client may remember it (RFC 5802, section 3), because
 * to derive it takes thousands of hashes. Empty when zeroed. */
struct scram_key {
    uint8_t salt[SCRAM_SALT_SIZE];
    size_t salt_size; /* bytes; 0: there is no key yet */
    long iterations;
    uint8_t salted[SCRAM_HASH_SIZE];
};

struct scram {
    const char *user_name;
    const char *password;
    const char *nonce;                   /* of the client */
    struct scram_key *key;               /* of this password, borrowed; NULL: nothing is remembered */
    char first[SCRAM_MESSAGE_SIZE];      /* the first message of the client */
    char final[SCRAM_MESSAGE_SIZE];      /* its last one, after scram_answer */
    char signature[SCRAM_HASH_SIZE * 2]; /* in base64: what proves the server */
};

/* The texts are borrowed. */
void scram_begin(struct scram *scram, const char *user_name, const char *password, const char *nonce);

/* Takes the server's challenge and makes `final`. NULL, or what is wrong with the challenge. */
const char *scram_answer(struct scram *scram, struct bytes challenge);

/* Whether the server's last message shows that it knows the user's keys. */
bool scram_is_proved(const struct scram *scram, struct bytes message);

#endif
