/* result: what a run of the suite found; everything that a report can ask for. */
#ifndef ETALON_CONFORMANCE_RESULT_H
#define ETALON_CONFORMANCE_RESULT_H

#include "target.h"
#include "test.h"

#define SUITE_NAME "etalon-conformance"
#define SUITE_VERSION ETALON_VERSION /* given by the Makefile */

enum verdict_kind { VERDICT_PASS, VERDICT_FAIL, VERDICT_WARN, VERDICT_SKIP, VERDICT_ERROR, VERDICT_COUNT };

enum direction {
    DIRECTION_SENT,     /* by the suite's client */
    DIRECTION_RECEIVED, /* from the server */
    DIRECTION_EVENT     /* no packet: `text` says what happened (connected, closed by the server …) */
};

/* One packet of the exchange, or one event of a connection. */
struct exchange {
    double time; /* seconds since the test began */
    enum direction direction;
    enum protocol_version version; /* of the connection, for dissecting */
    char *client;                  /* name */
    char *text;                    /* events only, else empty */
    uint8_t *bytes;                /* as on the wire; the first `length` of `size` bytes */
    size_t length;
    size_t size;
};

/* What one test x version found. Strings are never NULL. */
struct result {
    const struct conformance_test *test;
    enum protocol_version version;
    enum verdict_kind verdict;
    bool begun;
    bool finished;
    char *reason; /* one sentence; empty for `pass` */
    char *expected;
    char *observed;
    enum statement cited; /* what a test found violated besides its own statements; or STATEMENT_NONE */
    char **notes;
    size_t note_count;
    struct exchange *exchanges;
    size_t exchange_count;
    double seconds;
};

#define VERSION_COUNT 3

/* What tests may have left on the server: retained messages, by their topics, and sessions, by their Client
 * Identifiers. */
struct left_behind {
    struct {
        char *text;
        bool session;
    } * items;
    size_t count;
};

/* A whole run. Texts may be NULL, which means empty. */
struct run {
    const struct target *target;
    const char *broker_name; /* as the user calls it */
    const char *broker_version;
    const char *broker_configuration;
    const char *suite;   /* the program that ran it, with its version; NULL: this one */
    const char *started; /* UTC, "2026-01-31T23:59:59Z" */
    bool properties_must_hold;
    uint64_t seed;
    char name[12]; /* distinguishes this run's topics and Client Identifiers */
    struct capabilities capabilities[VERSION_COUNT]; /* by version_index */
    struct result *results; /* in the suite's order: by file, then line, then version */
    size_t count;
    struct left_behind left;          /* by tests that could not clear it away themselves */
    bool left_anything;               /* some test may have left something, cleared away or not */
    size_t totals[VERDICT_COUNT];     /* of the tests of what the specification demands */
    size_t properties[VERDICT_COUNT]; /* of the tests of properties, all groups together */
    double seconds;
    char **losses; /* a sentence for each time that the server stopped accepting connections */
    size_t loss_count;
};

/* "pass", "fail", "warn", "skip", "error". */
const char *verdict_name(enum verdict_kind verdict);

/* Whether the test is about a property, which the specification does not demand. */
bool is_property(const struct conformance_test *test);

/* Whether the test starts brokers of its own, and leaves the target to others. */
bool starts_brokers(const struct conformance_test *test);

/* Whether the verdict counts against the broker: a violation, or a property that was to hold. */
bool is_failure(const struct run *run, const struct result *result);

/* What to call the broker of a run: its name and version, or else where it was reached. The caller frees it. */
char *run_title(const struct run *run);

/* "etalon-conformance 0.1.0" */
const char *run_suite_name(const struct run *run);

/* The section under which a result is counted: two levels of that of its first statement, e.g. "3.1"; for a
 * property, its group. */
void result_section(const struct result *result, char *to, size_t size);

/* Counts of one section in one version. */
struct section_summary {
    char section[32];
    enum protocol_version version;
    bool property;
    size_t totals[VERDICT_COUNT];
    double seconds;
};

/* The sections of a run by version, then in the order of their numbers ("3.9" before "3.10"), properties
 * behind them. The array is the caller's to free. */
struct section_summary *section_summaries(const struct run *run, size_t *count);

/* "conformance", or the group of the property. */
const char *test_group(const struct conformance_test *test);

/* The verdict in the words of the kind of test: a property "holds" or "does not hold"; the rest is as
 * above. */
const char *result_word(const struct result *result);
const char *property_word(enum verdict_kind verdict);

/* Names of the groups of properties in the run, each once; the array is the caller's to free. */
const char **property_groups(const struct run *run, size_t *count);

/* Counts the results of a group of properties. */
void property_totals(const struct run *run, const char *group, size_t totals[VERDICT_COUNT]);

/* 0, 1, 2 for 3.1, 3.1.1, 5.0, and back; the names are "3.1", "3.1.1", "5.0". */
unsigned version_index(enum protocol_version version);
enum protocol_version version_of_index(unsigned index);
const char *version_name(enum protocol_version version);
unsigned version_bit(enum protocol_version version);

/* Whether a statement belongs to the catalogue that is used for `version` (3.1 uses that of 3.1.1). */
bool statement_is_of(enum statement statement, enum protocol_version version);

/* Whether a server can break a statement: a SHOULD it can only disregard, a MAY not even that. */
bool can_be_broken(enum statement statement);

/* The first of a test's statements for a version that can be broken; STATEMENT_NONE if there is none. */
enum statement breakable_statement(const struct conformance_test *test, enum protocol_version version);

/* The statement of a result to name first: the one found violated, or the first of the test's for its
 * version; of a failure the first that can be broken. */
enum statement result_statement(const struct result *result);

/* The number that `statements` has for `version`; *at is an iterator: begin with 0, ends with
 * STATEMENT_NONE. */
enum statement next_statement(const struct conformance_test *test, enum protocol_version version, size_t *at);

/* A text of the process's own, never NULL; ends the program when memory is out. */
char *copy_text(const char *text, size_t length);
void *allocate(size_t count, size_t size);
void *grow(void *memory, size_t count, size_t size);

/* An empty result of a test; what it held before is cleared first by the caller. */
void result_begin(struct result *result, const struct conformance_test *test, enum protocol_version version);
void result_clear(struct result *result);

/* Empties a result, so that its test can run once more. */
void result_begin_again(struct result *result);

/* Replaces one of a result's texts by a copy of `value`, which may be that text itself. */
void result_set_text(char **text, const char *value);

/* Adds a sentence, which is copied; frees them all. */
void run_add_loss(struct run *run, const char *sentence);
void run_clear_losses(struct run *run);

/* The newest version that the server takes. */
enum protocol_version best_version(const struct run *run);

/* Seconds of a round trip to the target, on the average and at worst: those of the version with the longest, because
 * all go the same way. */
double run_round_trip(const struct run *run);
double run_longest_round_trip(const struct run *run);

void left_behind_append(struct left_behind *left, const char *text, size_t length, bool session);
void left_behind_clear(struct left_behind *left);

#endif
