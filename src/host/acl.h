/* acl: what each user may do, in the format of Mosquitto's ACL file, section 5.4.2. Prefix: acl_
 *
 *      topic read news/#                 for clients without user name, until the first line `user`
 *      user alice
 *      topic readwrite home/+/light      for alice
 *      topic deny home/cellar/#
 *      pattern write sensor/%u/data      for everybody, whatever line `user` is above it
 *
 * What is allowed by no line is forbidden. Lines with `deny` come first, wherever they stand; all of a user's
 * own lines come before all patterns. %u is the user name, %c the Client Identifier.
 *
 * The rules are two kinds of trees of topic levels, one for each user and one of all patterns. An answer
 * costs a look-up for each level of the topic, however many rules there are. What was read never changes. */
#ifndef ETALON_HOST_ACL_H
#define ETALON_HOST_ACL_H

#include "../base/hash.h"
#include "../mqtt/broker.h"
#include "text_file.h"

struct acl;

/* Reads the lines of `text`, which may be any bytes. `key` (secret) seeds the tables. Every mistake is told
 * to `sink`, up to TEXT_MOST_MISTAKES. NULL: there was one; nothing is ever taken by halves. Owned by the
 * caller. */
struct acl *acl_parse(struct bytes text, const struct hash_key *key, const struct text_sink *sink);

/* The same for the file called `name`. */
struct acl *acl_read(const char *name, const struct hash_key *key, const struct text_sink *sink);

void acl_destroy(struct acl *acl); /* NULL is fine */

/* Whether a client may do this. A subscription may be made unless one of the user's own lines with `deny`
 * covers all that could ever come of it: which messages come is asked for each of them (ACCESS_RECEIVE). */
bool acl_allows(const struct acl *acl, const struct authorisation *question);

/* Whether there are rules for users with a name, which nobody is as long as no names are checked. */
bool acl_has_users(const struct acl *acl);

#endif
