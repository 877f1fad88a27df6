/* address_limits: how many connections one IP address, and all of them, may have, and how fast they may come. Prefix:
 * address_limits_
 *
 * Asked at accept(), so that whom it turns away costs one system call more: he is disconnected without a word. Addresses
 * are IPv4 ones and the first 64 bits of IPv6 ones, because who has one of those has all that begin alike. Connections
 * of Unix sockets count among all, but have no address. */
#ifndef ETALON_HOST_ADDRESS_LIMITS_H
#define ETALON_HOST_ADDRESS_LIMITS_H

#include <sys/socket.h>

#include "../base/hash.h"
#include "../base/hash_map.h"
#include "configuration.h"

enum { ADDRESS_KEY_SIZE = 9 };

/* What stands for an address. */
struct address_key {
    uint8_t bytes[ADDRESS_KEY_SIZE]; /* the first one: the family */
    bool known;                      /* false: it has none */
    bool own;                        /* 127.0.0.1 or ::1 */
};

struct address_key address_key_of(const struct sockaddr *address);

enum address_limit { ADDRESS_WELCOME, ADDRESS_ALL_FULL, ADDRESS_FULL, ADDRESS_TOO_FAST };

struct address_entry;

struct address_limits {
    struct configuration_address_limits settings;
    struct hash_key key;
    struct hash_map entries;            /* of addresses that have connections, or had some a second ago */
    struct address_entry **descriptors; /* whose connection each descriptor is; NULL: nobody's */
    size_t descriptor_count;
    uint64_t connections;
    uint64_t next_sweep; /* ms */
};

/* Begins without limits. `key` must be secret: strangers choose addresses. */
void address_limits_begin(struct address_limits *limits, const struct hash_key *key);

/* For connections that come from now on. Those that are there are not all known by their addresses if there was no limit
 * until now: the limits then hold for later ones. */
void address_limits_configure(struct address_limits *limits, const struct configuration_address_limits *settings);

/* Judges a new connection at `now` (ms) and, if it's welcome, counts it until address_limits_leave. Without memory for
 * counting everybody is welcome. */
enum address_limit address_limits_enter(struct address_limits *limits, int descriptor, const struct sockaddr *address,
                                        uint64_t now);

/* The descriptor is about to be closed. */
void address_limits_leave(struct address_limits *limits, int descriptor);

/* What the log says to each verdict but ADDRESS_WELCOME. */
const char *address_limits_describe(enum address_limit verdict);

/* Frees everything. */
void address_limits_end(struct address_limits *limits);

#endif
