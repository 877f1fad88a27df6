#include "login_throttle.h"

#include <stdlib.h>

enum {
    PERIOD = 60000, /* ms */
    SETS = 2048,    /* of the table, a power of two; */
    WAYS = 4        /* a debtor may be in any place of its set */
};

struct login_debt {
    uint64_t debtor; /* a hash under a secret key stands for address and name */
    uint64_t until;  /* ms; when the debt will have vanished; 0: nobody's place */
};

void login_throttle_begin(struct login_throttle *throttle, const struct hash_key *key)
{
    *throttle = (struct login_throttle){.key = *key};
}

void login_throttle_configure(struct login_throttle *throttle, uint32_t limit)
{
    throttle->limit = limit;
}

void login_throttle_end(struct login_throttle *throttle)
{
    free(throttle->debts);
    throttle->debts = NULL;
}

static bool is_limited(const struct login_throttle *throttle, const struct address_key *address)
{
    return throttle->limit > 0 && address && address->known && !address->own;
}

static uint64_t debtor_of(const struct login_throttle *throttle, const struct address_key *address,
                          const struct bytes *name)
{
    const uint64_t place = hash_bytes(&throttle->key, bytes_of(address->bytes, sizeof address->bytes));
    return name ? hash_combine(place, hash_bytes(&throttle->key, *name) | 1) : place;
}

/* What a wrong password costs, in microseconds. */
static uint64_t price_of(const struct login_throttle *throttle, const struct bytes *name)
{
    const uint64_t limit = (uint64_t)throttle->limit * (name ? 1 : LOGIN_THROTTLE_NAMES);
    return (uint64_t)PERIOD * 1000 / limit;
}

static struct login_debt *set_of(const struct login_throttle *throttle, uint64_t debtor)
{
    return &throttle->debts[(debtor & (SETS - 1)) * WAYS];
}

/* NULL: there is none. */
static struct login_debt *find(const struct login_throttle *throttle, uint64_t debtor)
{
    if (!throttle->debts)
        return NULL;
    struct login_debt *set = set_of(throttle, debtor);
    for (int way = 0; way < WAYS; way++)
        if (set[way].debtor == debtor && set[way].until > 0)
            return &set[way];
    return NULL;
}

/* Its place, or that of whoever owes least. NULL: no memory. */
static struct login_debt *obtain(struct login_throttle *throttle, uint64_t debtor)
{
    if (!throttle->debts)
        throttle->debts = calloc((size_t)SETS * WAYS, sizeof(struct login_debt));
    if (!throttle->debts)
        return NULL;
    struct login_debt *debt = find(throttle, debtor);
    if (debt)
        return debt;
    struct login_debt *set = set_of(throttle, debtor);
    debt = set;
    for (int way = 1; way < WAYS; way++)
        if (set[way].until < debt->until)
            debt = &set[way];
    *debt = (struct login_debt){.debtor = debtor};
    return debt;
}

static bool can_owe_more(const struct login_throttle *throttle, const struct address_key *address,
                         const struct bytes *name, uint64_t now)
{
    const struct login_debt *debt = find(throttle, debtor_of(throttle, address, name));
    const uint64_t owed = debt && debt->until > now * 1000 ? debt->until - now * 1000 : 0;
    return owed + price_of(throttle, name) <= (uint64_t)PERIOD * 1000;
}

bool login_throttle_allows(const struct login_throttle *throttle, const struct address_key *address,
                           const struct bytes *name, uint64_t now)
{
    if (!is_limited(throttle, address))
        return true;
    return can_owe_more(throttle, address, NULL, now) &&
           (!name || can_owe_more(throttle, address, name, now));
}

static void charge(struct login_throttle *throttle, const struct address_key *address,
                   const struct bytes *name, uint64_t now)
{
    struct login_debt *debt = obtain(throttle, debtor_of(throttle, address, name));
    if (!debt)
        return;
    debt->until = (debt->until > now * 1000 ? debt->until : now * 1000) + price_of(throttle, name);
}

void login_throttle_wrong(struct login_throttle *throttle, const struct address_key *address,
                          const struct bytes *name, uint64_t now)
{
    if (!is_limited(throttle, address))
        return;
    charge(throttle, address, NULL, now);
    if (name)
        charge(throttle, address, name, now);
}

void login_throttle_right(struct login_throttle *throttle, const struct address_key *address,
                          const struct bytes *name)
{
    struct login_debt *debt =
        is_limited(throttle, address) ? find(throttle, debtor_of(throttle, address, name)) : NULL;
    if (debt)
        debt->until = 0;
}
