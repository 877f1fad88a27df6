/* test: everything that the author of a conformance test needs. Read this file, client.h and expect.h;
 * README.md has a worked example.
 *
 * A test is a function body in a file of tests/ named by section. It runs once for every protocol version
 * that it is declared for, each time in a process that no other test shares meanwhile: a crash, a hang or an early exit
 * is the verdict `error` of that one test. Nothing needs to be freed or closed at the end; but memory comes from
 * test_allocate, and nothing static may change, because the process goes on with another test when all was well.
 *
 * A test reaches the end of its body: verdict `pass` (or `warn`, when warn() was called on the way).
 * fail(), skip() and error() end it at once; the expectations of expect.h call them for you. Besides the
 * tests of what the specification demands there are tests of properties: PROPERTY_TEST. */
#ifndef ETALON_CONFORMANCE_TEST_H
#define ETALON_CONFORMANCE_TEST_H

#include <setjmp.h>

#include "../src/mqtt/3_packet.h"

/* Protocol versions that a test is written for; combine with |. A test that exists for several versions
 * sees the one at hand in t->version. */
enum version_mask {
    V31 = 1 << 0,  /* MQTT 3.1 (level 3); results name the statements of 3.1.1, which differs little */
    V311 = 1 << 1, /* MQTT 3.1.1 */
    V5 = 1 << 2,   /* MQTT 5.0 */
    V3 = V31 | V311,
    V_ALL = V31 | V311 | V5
};

/* What a broker must offer for a test to make sense; combine with |. A test whose needs are not met is
 * skipped with the reason. Only what the specification makes optional is a need: 3.1.1 obliges every
 * server to retain, so NEEDS_RETAIN is always met there. */
enum need {
    NEEDS_NOTHING = 0,
    NEEDS_RETAIN = 1 << 0,   /* 5.0: Retain Available */
    NEEDS_WILDCARD = 1 << 1, /* 5.0: Wildcard Subscription Available; 3.1.1: a SUBACK grants `#` */
    NEEDS_SHARED = 1 << 2,   /* 5.0: Shared Subscription Available; 3.1.1: by behaviour, an extension */
    NEEDS_SUBSCRIPTION_IDENTIFIER = 1 << 3, /* 5.0: Subscription Identifier Available */
    NEEDS_QOS1 = 1 << 4,                    /* 5.0: Maximum QoS >= 1; 3.1.1: a SUBACK grants QoS 1 */
    NEEDS_QOS2 = 1 << 5,                    /* 5.0: Maximum QoS = 2; 3.1.1: a SUBACK grants QoS 2 */
    NEEDS_TOPIC_ALIAS = 1 << 6,             /* 5.0: Topic Alias Maximum > 0 in CONNACK */
    NEEDS_ALONE = 1 << 7,           /* looks at global state of the target: no other test runs meanwhile */
    NEEDS_PROFILE = 1 << 8,         /* starts a broker of its own in a named configuration (broker.h) */
    NEEDS_RESTART = 1 << 9,         /* starts a broker of its own, kills and restarts it (broker.h) */
    NEEDS_NO_TOPIC_ALIAS = 1 << 10, /* 5.0: Topic Alias Maximum 0 or absent in CONNACK */
    NEEDS_WEBSOCKET = 1 << 11,      /* the target is reached over WebSocket; chapter 6 */
    NEEDS_REQUEST = 1 << 12,        /* costs the target much: runs only when its very name is asked for (-t),
                                     * or a group that says so (groups.h: -g large) */
    NEEDS_LAST =
        1 << 15 | NEEDS_ALONE, /* strains the target: a weak one may be busy for long, or go down; the
                                         * others come before it, and are not blamed */
    NEEDS_TIME = 1 << 13,      /* waits for seconds, because its rule is about time: is among the first */
    /* Besides NEEDS_RESTART: ends its broker, of the configuration `durable`, by stop_broker (by crash_broker) only, and
     * starts it again at once, so that other tests may use it, too (common_broker.h). */
    SHARES_STOP = 1 << 16 | NEEDS_RESTART,
    SHARES_CRASH = 1 << 17 | NEEDS_RESTART
};

/* What was learnt about the target for one protocol version before the tests began. */
struct capabilities {
    bool probed;   /* the probe came to its end */
    bool accepted; /* the server accepts this protocol version */
    bool retain;
    bool wildcard;
    bool shared;
    bool subscription_identifier;
    uint8_t maximum_qos;
    uint16_t topic_alias_maximum;
    uint16_t receive_maximum;        /* 65,535 when the server names none */
    uint32_t maximum_packet_size;    /* bytes; 0: no limit named */
    uint16_t server_keep_alive;      /* seconds; 0: the server leaves the client's value */
    uint32_t session_expiry_maximum; /* seconds: the answer to a wish of UINT32_MAX, which means for ever */
    bool assigns_client_identifier;  /* a CONNECT without Client Identifier is accepted */
    double round_trip;               /* seconds that a PINGRESP took, on the average, */
    double longest_round_trip;       /* and at worst */
    char refusal[160];               /* why `accepted` is false, in words */
};

struct test; /* the running test; members for authors below */

/* A test as declared. */
struct conformance_test {
    const char *name;
    const char *title; /* one sentence: the behaviour that is right */
    const char *file;
    int line;
    unsigned versions;          /* enum version_mask */
    unsigned needs;             /* enum need */
    const char *group;          /* of properties, e.g. "durability"; NULL: the specification demands it */
    const uint16_t *statements; /* enum statement, ended by STATEMENT_NONE; both versions' mixed */
    void (*body)(struct test *t);
};

/* Declares a test and opens its body:
 *
 *     CONFORMANCE_TEST(name, versions, needs, "title", IDS...)
 *     {
 *         ... uses t ...
 *     }
 *
 * `name` is unique in the whole suite. IDS are enum statements: name every one that the test can find
 * violated, of every version that it runs for, the first being what it is about; a result names only those
 * of the version that ran. */
#define CONFORMANCE_TEST(identifier, versions_, needs_, title_, ...)                                         \
    DECLARE_TEST(identifier, NULL, versions_, needs_, title_, __VA_ARGS__)

/* Declares a test of a property that no statement demands, though people choose brokers by it, and opens its
 * body. What would be a pass elsewhere is `holds` here, and what would be a failure `does not hold`: it is
 * counted apart, violates nothing and does not change the exit status, unless --properties-must-hold asks
 * for that. Whatever the property rests on (steps that the specification demands) counts towards it, too.
 * `group_`: a word under which its properties are counted and selected. */
#define PROPERTY_TEST(identifier, group_, versions_, needs_, title_)                                         \
    DECLARE_TEST(identifier, group_, versions_, needs_, title_, STATEMENT_NONE)

#define DECLARE_TEST(identifier, group_, versions_, needs_, title_, ...)                                     \
    static void conformance_body_##identifier(struct test *t);                                               \
    static const uint16_t conformance_statements_##identifier[] = {__VA_ARGS__, STATEMENT_NONE};             \
    const struct conformance_test conformance_test_##identifier;                                             \
    const struct conformance_test conformance_test_##identifier = {.name = #identifier,                      \
                                                                   .title = title_,                          \
                                                                   .file = __FILE__,                         \
                                                                   .line = __LINE__,                         \
                                                                   .versions = (versions_),                  \
                                                                   .needs = (needs_),                        \
                                                                   .group = (group_),                        \
                                                                   .statements =                             \
                                                                       conformance_statements_##identifier,  \
                                                                   .body = conformance_body_##identifier};   \
    __attribute__((used, section("conformance_tests"))) static const struct conformance_test                 \
        *const conformance_entry_##identifier = &conformance_test_##identifier;                              \
    static void conformance_body_##identifier(struct test *t)

struct client;
struct target;

/* The running test. Authors read the first members; the rest belongs to the framework. */
struct test {
    enum protocol_version version;           /* the version that this run is about */
    const struct capabilities *capabilities; /* of the target, for this version */
    const struct conformance_test *definition;
    const struct target *target; /* where, user name and password */
    double patience;             /* seconds to wait for what must come (--timeout), and for its way */
    double latency; /* seconds that an answer may be under way, by the round trips measured beforehand; what
                     * measures times adds it to every upper bound. expect.h does so by itself */
    const char *profile; /* --profile: directory of the broker's profile; NULL without one */
    const char *run; /* distinguishes this run of the suite from all others: lower-case letters and digits */
    unsigned number; /* distinguishes this test x version within the run */
    int records;     /* pipe to the runner */
    uint8_t *held;   /* what is to go there with the next records */
    size_t held_length;
    uint64_t recorded; /* bytes of packets recorded so far */
    size_t abridged;   /* bytes of each packet that are recorded; 0: the usual limit */
    uint64_t started;  /* monotonic clock, nanoseconds */
    struct client *clients;
    unsigned client_count;
    struct broker *brokers;
    int common; /* the keeper of the broker that it has together with other tests; -1: it has its own */
    bool properties_must_hold;  /* then a property that does not hold keeps its brokers' data, too */
    struct leftover *leftovers; /* retained messages and sessions to clear away at the end */
    struct kept_memory *memory; /* what test_allocate gave, the last first */
    jmp_buf *next;              /* where the process goes on with another test; NULL: it ends with this one */
    bool warned;
    bool finished; /* the verdict is out; what follows is tidying up, and nobody listens */
};

/* ---- Verdicts ------------------------------------------------------------------------------------ */

#define PRINTF_LIKE(template, first) __attribute__((format(printf, template, first)))

/* The server broke a MUST that this test is about: the first one of its list, in the version at hand, that is no
 * SHOULD and no MAY. If the list has no other, the verdict is `warn`, or `error` where all are permissions. Ends
 * the test. Say what happened, in the past tense;
 * what was expected is better told with fail_expected. */
_Noreturn void fail(struct test *t, const char *format, ...) PRINTF_LIKE(2, 3);

/* The same, with the two halves apart, as the report shows them. */
_Noreturn void fail_expected(struct test *t, const char *expected, const char *observed_format, ...)
    PRINTF_LIKE(3, 4);

/* The server broke a certain statement, named instead of the test's own list: `five` for 5.0, `three` for
 * the others. For violations that a test meets on its way. STATEMENT_NONE for both: the test's own list. */
_Noreturn void fail_statement(struct test *t, enum statement five, enum statement three, const char *expected,
                              const char *observed_format, ...) PRINTF_LIKE(5, 6);

/* The server did not do what a SHOULD recommends. Does not end the test; its verdict becomes `warn` unless
 * it fails. */
void warn(struct test *t, const char *format, ...) PRINTF_LIKE(2, 3);

/* The test does not apply to this server; say why. Ends the test. */
_Noreturn void skip(struct test *t, const char *format, ...) PRINTF_LIKE(2, 3);

/* The test could not be run: a step of the set-up was refused or went wrong in a way that breaks no
 * statement. Ends the test. A refusal that the specification permits is an error, never a failure. */
_Noreturn void error(struct test *t, const char *format, ...) PRINTF_LIKE(2, 3);

/* Puts a sentence into the result: which of several legal behaviours was seen. */
void note(struct test *t, const char *format, ...) PRINTF_LIKE(2, 3);

/* ---- Names that nobody else uses ----------------------------------------------------------------- */

/* A topic that belongs to this test alone: "etalon/RUN/NUMBER/name". `name` may have levels and, for Topic
 * Filters, wildcards. Two calls with one name give the same topic. */
const char *topic(struct test *t, const char *name);

/* "$share/GROUP/" before `filter` (which topic() made); GROUP is unique to the test. Section 4.8.2. */
const char *shared_filter(struct test *t, const char *group, const char *filter);

/* A Client Identifier that belongs to this test alone; at most 23 letters and digits, so that every server
 * must take it ([MQTT-3.1.3-5]). `name`: at most 8 letters or digits. Two calls with one name give the
 * same identifier. */
const char *client_id(struct test *t, const char *name);

/* Formats a text that lives until the test ends. */
const char *text(struct test *t, const char *format, ...) PRINTF_LIKE(2, 3);

/* Zeroed memory that lives until the test ends; never NULL. */
void *test_allocate(struct test *t, size_t size);

/* ---- Time ---------------------------------------------------------------------------------------- */

/* Seconds since this test began. Every `moment` in this suite is such a number. */
double now(struct test *t);

/* Reads on behalf of all clients of the test until `moment`, so that what arrives is stamped with the time
 * of its arrival. Only for rules that are about time: it is never a way to make something have happened. */
void wait_until(struct test *t, double moment);

/* Tells the runner that this test, by its nature, takes `seconds` more than the usual limit. */
void allow_time(struct test *t, double seconds);

/* From now on the report gets the first `bytes` of each packet and its size: for tests that send much. */
void abridge(struct test *t, size_t bytes);

/* ---- Everything else a test says ----------------------------------------------------------------- */

/* Whether this run is about MQTT 5.0. */
static inline bool is_v5(const struct test *t)
{
    return t->version == PROTOCOL_5_0;
}

/* The rest of the language. These headers rely on what stands above; include test.h, not them. */
#include "client.h"

#include "expect.h"

#include "broker.h"

#include "table.h"

#endif
