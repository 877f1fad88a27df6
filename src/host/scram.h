/* scram: the Authentication Methods SCRAM-SHA-256 (RFC 7677) and SCRAM-SHA-1 (RFC 5802), by GNU SASL.
 * Prefix: scram_
 *
 *      CONNECT    n,,n=user,r=NONCE                              the client begins
 *      AUTH 0x18  r=NONCE+OURS,s=SALT,i=ITERATIONS
 *      AUTH 0x18  c=biws,r=NONCE+OURS,p=PROOF                    it knows the password
 *      CONNACK    v=SIGNATURE                                    the Server is the right one, too
 *
 * The user of the session is the name that SCRAM has authenticated; the user name of the CONNECT plays no
 * part. There is no channel binding ("-PLUS"), and no authorisation identity other than the user himself. */
#ifndef ETALON_HOST_SCRAM_H
#define ETALON_HOST_SCRAM_H

#include "mechanism.h"
#include "scram_file.h"

/* A mechanism for the users of `file`, of which it takes a reference. The caller has the one reference. NULL:
 * no memory, or the library has no such method. */
struct mechanism *scram_create(enum scram_hash hash, struct scram_file *file);

#endif
