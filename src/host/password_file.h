/* password_file: users and what is needed to check their passwords, in the format of mosquitto_passwd.
 * Prefix: password_file_ / password_
 *
 *      NAME:$7$ITERATIONS$SALT$HASH      PBKDF2 with HMAC-SHA-512, of the password, salt and hash in base64
 *      NAME:$6$SALT$HASH                 SHA-512 of password and salt: quick to guess, as mosquitto_passwd
 * once made it
 *
 * What was read never changes and is shared by reference: SIGHUP makes another one, while worker threads
 * still look at the old one. The counting is done on one thread only. */
#ifndef ETALON_HOST_PASSWORD_FILE_H
#define ETALON_HOST_PASSWORD_FILE_H

#include "../base/hash.h"
#include "text_file.h"

struct password_file;

/* Reads the lines of `text`, which may be any bytes. `key` (secret) seeds the table of users. Every mistake
 * is told to `sink`, up to TEXT_MOST_MISTAKES. NULL: there was one; nothing is ever taken by halves. The
 * caller has the one reference. */
struct password_file *password_file_parse(struct bytes text, const struct hash_key *key,
                                          const struct text_sink *sink);

/* The same for the file called `name`. */
struct password_file *password_file_read(const char *name, const struct hash_key *key,
                                         const struct text_sink *sink);

struct password_file *password_file_hold(struct password_file *file);
void password_file_release(struct password_file *file); /* NULL is fine */

size_t password_file_users(const struct password_file *file);

/* One check. Made on the thread that has the references, made use of on any. */
struct password_check {
    const struct password_entry *entry; /* borrowed from the file, which must be held meanwhile */
    bool known;                         /* the user exists */
};

/* What checks this user. For one that doesn't exist it's the entry of some other user (for the same name
 * always the same), so that the check takes as long as for one that does, and fails in the end. */
struct password_check password_file_find(const struct password_file *file, struct bytes user_name);

/* Whether this is the user's password. Takes long; any thread. False as well when OpenSSL has no memory. */
bool password_check_run(const struct password_check *check, struct bytes password);

#endif
