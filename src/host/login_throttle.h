/* login_throttle: how fast passwords may be guessed. Prefix: login_throttle_
 *
 *      a password is wrong ──▶ the user name at this address owes a 60 s : limit
 *                         └──▶ the address owes a tenth of that, whatever the name
 *      who would owe more than 60 s ──▶ is refused without a look at the password
 *
 * Debts vanish as time passes. Only addresses owe: who guesses somebody's password keeps him out at his own address at
 * most. The table has a fixed size; in a full one those who owe least make room. 127.0.0.1 and ::1 owe nothing, because
 * behind them is often a proxy with all clients. */
#ifndef ETALON_HOST_LOGIN_THROTTLE_H
#define ETALON_HOST_LOGIN_THROTTLE_H

#include "../base/hash.h"
#include "address_limits.h"

enum {
    LOGIN_THROTTLE_NAMES =
        10 /* as many wrong passwords may come from an address as for one name, times this */
};

struct login_debt;

/* Zero-initialised it lets everything through. */
struct login_throttle {
    struct hash_key key;
    uint32_t limit;           /* wrong passwords a minute for a name at an address; 0: no limit */
    struct login_debt *debts; /* NULL: nobody has owed anything yet */
};

/* `key` must be secret. */
void login_throttle_begin(struct login_throttle *throttle, const struct hash_key *key);

void login_throttle_configure(struct login_throttle *throttle, uint32_t limit);

/* Whether somebody at `address` (NULL or one without a key: everything may) may try a password at `now` (ms). `name`
 * NULL: one that is not known yet. */
bool login_throttle_allows(const struct login_throttle *throttle, const struct address_key *address,
                           const struct bytes *name, uint64_t now);

/* A password was wrong, or right: that forgives all that the name owes at this address. Without memory nobody owes
 * anything. */
void login_throttle_wrong(struct login_throttle *throttle, const struct address_key *address,
                          const struct bytes *name, uint64_t now);
void login_throttle_right(struct login_throttle *throttle, const struct address_key *address,
                          const struct bytes *name);

void login_throttle_end(struct login_throttle *throttle);

#endif
