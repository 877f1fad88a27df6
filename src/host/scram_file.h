/* scram_file: users and what is needed to check that they know their passwords by SCRAM (RFC 5802, RFC 7677),
 * which are never told. Prefix: scram_file_
 *
 *      NAME:SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY    as PostgreSQL keeps them in pg_authid
 *      NAME:{SCRAM-SHA-256}ITERATIONS,SALT,STOREDKEY,SERVERKEY   as `gsasl --mkpasswd` prints them
 *
 * Salt and keys are in base64. A user may have one line for SCRAM-SHA-256 and one for SCRAM-SHA-1. From the
 * keys nobody can compute the password, nor log in, but for guessing; from StoredKey and an overheard login
 * together one can log in, so the file is a secret all the same.
 *
 * What was read never changes and is shared by reference: SIGHUP makes another one. */
#ifndef ETALON_HOST_SCRAM_FILE_H
#define ETALON_HOST_SCRAM_FILE_H

#include "../base/hash.h"
#include "text_file.h"

enum scram_hash { SCRAM_SHA_256, SCRAM_SHA_1, SCRAM_HASHES };

enum {
    SCRAM_FEWEST_ITERATIONS = 4096,  /* RFC 7677, section 4 */
    SCRAM_MOST_ITERATIONS = 1000000, /* the client's work; some seconds on a small one */
    SCRAM_SALT_SIZE = 64,            /* bytes, at most */
    SCRAM_SALT_TEXT = 89,            /* the same in base64, with its NUL */
    SCRAM_KEY_SIZE = 32,             /* bytes, at most */
    SCRAM_KEY_TEXT = 45
};

/* What the server's side of SCRAM works with, as text: base64, but for `iterations`. */
struct scram_secrets {
    char iterations[12];
    char salt[SCRAM_SALT_TEXT];
    char stored_key[SCRAM_KEY_TEXT];
    char server_key[SCRAM_KEY_TEXT];
};

struct scram_file;

/* The Authentication Method of a hash: "SCRAM-SHA-256". */
const char *scram_method(enum scram_hash hash);

/* Reads the lines of `text`, which may be any bytes. `key` (secret) seeds the table of users. Every mistake
 * is told to `sink`, up to TEXT_MOST_MISTAKES. NULL: there was one; nothing is ever taken by halves. The
 * caller has the one reference. */
struct scram_file *scram_file_parse(struct bytes text, const struct hash_key *key,
                                    const struct text_sink *sink);

/* The same for the file called `name`. */
struct scram_file *scram_file_read(const char *name, const struct hash_key *key,
                                   const struct text_sink *sink);

struct scram_file *scram_file_hold(struct scram_file *file);
void scram_file_release(struct scram_file *file); /* NULL is fine */

/* Whether any user can log in by this hash. */
bool scram_file_offers(const struct scram_file *file, enum scram_hash hash);

/* Fills in the secrets of a user, whose name has gone through SASLprep. False: there is no such user, or the
 * hash is not offered. Then they are made up, as believable as they can be and the same each time, so that a
 * stranger who asks for a name does not learn whether it exists; nobody can log in by them. */
bool scram_file_find(const struct scram_file *file, enum scram_hash hash, struct bytes name,
                     struct scram_secrets *secrets);

#endif
