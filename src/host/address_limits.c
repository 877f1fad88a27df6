#include "address_limits.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { SECOND = 1000, SWEEP_INTERVAL = 10 * SECOND, SWEEP_PAUSE = 100 /* ms */ };
enum { SWEEP_AT_ONCE = 4096 };

struct address_entry {
    uint8_t address[ADDRESS_KEY_SIZE]; /* the first byte: the family */
    uint32_t connections;
    uint32_t came;   /* in the second that began at `second` */
    uint64_t second; /* ms */
};

void address_limits_begin(struct address_limits *limits, const struct hash_key *key)
{
    *limits = (struct address_limits){.settings = {UINT32_MAX, UINT32_MAX, UINT32_MAX}, .key = *key};
}

void address_limits_configure(struct address_limits *limits,
                              const struct configuration_address_limits *settings)
{
    limits->settings = *settings;
}

struct address_key address_key_of(const struct sockaddr *address)
{
    struct address_key key = {.bytes = {(uint8_t)address->sa_family}};
    if (address->sa_family == AF_INET) {
        const struct in_addr *four = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
        memcpy(key.bytes + 1, four, sizeof *four);
        key.known = true;
        key.own = four->s_addr == htonl(INADDR_LOOPBACK);
    } else if (address->sa_family == AF_INET6) {
        const struct in6_addr *six = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
        memcpy(key.bytes + 1, six, ADDRESS_KEY_SIZE - 1);
        key.known = true;
        key.own = IN6_IS_ADDR_LOOPBACK(six);
    }
    return key;
}

static uint64_t hash_of(const struct address_limits *limits, const uint8_t *bytes)
{
    return hash_bytes(&limits->key, bytes_of(bytes, ADDRESS_KEY_SIZE));
}

static bool has_address(const void *item, const void *key)
{
    return memcmp(((const struct address_entry *)item)->address, key, ADDRESS_KEY_SIZE) == 0;
}

struct sweep {
    uint64_t now;
    size_t count;
    struct address_entry *found[SWEEP_AT_ONCE];
};

static bool find_one(void *context, void *item)
{
    struct sweep *sweep = context;
    struct address_entry *entry = item;
    if (entry->connections == 0 && sweep->now >= entry->second + SECOND)
        sweep->found[sweep->count++] = entry;
    return sweep->count < SWEEP_AT_ONCE;
}

static void forget(struct address_limits *limits, struct address_entry *entry)
{
    hash_map_remove(&limits->entries, hash_of(limits, entry->address), entry);
    free(entry);
}

/* Addresses that have gone are kept for a second, for the sake of their rate; then somebody has to forget them. Not all
 * at once, and not for every connection, because there may be very many. */
static void sweep(struct address_limits *limits, uint64_t now)
{
    struct sweep search;
    if (now < limits->next_sweep)
        return;
    search.now = now;
    search.count = 0;
    hash_map_each(&limits->entries, find_one, &search);
    for (size_t i = 0; i < search.count; i++)
        forget(limits, search.found[i]);
    limits->next_sweep = now + (search.count == SWEEP_AT_ONCE ? SWEEP_PAUSE : SWEEP_INTERVAL);
}

/* NULL: no memory. */
static struct address_entry *obtain(struct address_limits *limits, const uint8_t *bytes)
{
    struct address_entry *entry = hash_map_find(&limits->entries, hash_of(limits, bytes), has_address, bytes);
    if (entry)
        return entry;
    entry = calloc(1, sizeof *entry);
    if (!entry)
        return NULL;
    memcpy(entry->address, bytes, ADDRESS_KEY_SIZE);
    if (hash_map_insert(&limits->entries, hash_of(limits, bytes), entry))
        return entry;
    free(entry);
    return NULL;
}

static bool reserve(struct address_limits *limits, int descriptor)
{
    size_t count = limits->descriptor_count ? limits->descriptor_count : 64;
    if ((size_t)descriptor < limits->descriptor_count)
        return true;
    while (count <= (size_t)descriptor)
        count *= 2;
    struct address_entry **larger = realloc(limits->descriptors, count * sizeof(struct address_entry *));
    if (!larger)
        return false;
    memset(larger + limits->descriptor_count, 0,
           (count - limits->descriptor_count) * sizeof(struct address_entry *));
    limits->descriptors = larger;
    limits->descriptor_count = count;
    return true;
}

static enum address_limit judge(const struct address_limits *limits, struct address_entry *entry,
                                uint64_t now)
{
    if (now >= entry->second + SECOND) {
        entry->second = now;
        entry->came = 0;
    }
    if (entry->connections >= limits->settings.per_address)
        return ADDRESS_FULL;
    if (entry->came >= limits->settings.rate)
        return ADDRESS_TOO_FAST;
    return ADDRESS_WELCOME;
}

enum address_limit address_limits_enter(struct address_limits *limits, int descriptor,
                                        const struct sockaddr *address, uint64_t now)
{
    const struct configuration_address_limits *settings = &limits->settings;
    if (limits->connections >= settings->connections)
        return ADDRESS_ALL_FULL;
    const bool counts = settings->per_address != UINT32_MAX || settings->rate != UINT32_MAX;
    const struct address_key key = address_key_of(address);
    if (counts && key.known && reserve(limits, descriptor)) {
        sweep(limits, now);
        struct address_entry *entry = obtain(limits, key.bytes);
        const enum address_limit verdict = entry ? judge(limits, entry, now) : ADDRESS_WELCOME;
        if (verdict != ADDRESS_WELCOME)
            return verdict;
        if (entry) {
            entry->came++;
            entry->connections++;
        }
        limits->descriptors[descriptor] = entry;
    }
    limits->connections++;
    return ADDRESS_WELCOME;
}

void address_limits_leave(struct address_limits *limits, int descriptor)
{
    limits->connections--;
    if ((size_t)descriptor >= limits->descriptor_count || !limits->descriptors[descriptor])
        return;
    limits->descriptors[descriptor]->connections--;
    limits->descriptors[descriptor] = NULL;
}

const char *address_limits_describe(enum address_limit verdict)
{
    static const char *const texts[] = {
        [ADDRESS_ALL_FULL] = "there are as many connections as global_max_connections allows",
        [ADDRESS_FULL] = "its address has as many connections as max_connections_per_address allows",
        [ADDRESS_TOO_FAST] = "its address connects faster than max_connection_rate allows",
    };
    return texts[verdict];
}

void address_limits_end(struct address_limits *limits)
{
    struct address_entry *entry;
    uint32_t at = 0;
    while ((entry = hash_map_any(&limits->entries, &at)) != NULL)
        forget(limits, entry);
    hash_map_clear(&limits->entries);
    free(limits->descriptors);
    limits->descriptors = NULL;
    limits->descriptor_count = 0;
}
