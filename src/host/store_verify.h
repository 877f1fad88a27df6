/* store_verify: whether the records of a store make sense together. Prefix: verify_
 *
 * The records are given one by one in the order of the store. Each is read on its own first (record_read);
 * then what it refers to must be there, and what may be there once must not be there twice. */
#ifndef ETALON_HOST_STORE_VERIFY_H
#define ETALON_HOST_STORE_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "../mqtt/4_01_1_records.h"

enum finding_kind {
    FINDING_ERROR, /* a broker would refuse to start, or lose or confuse something */
    FINDING_NOTE   /* odd and harmless */
};

/* One finding. Texts and bytes live during the call only. */
struct finding {
    enum finding_kind kind;
    uint8_t table;
    struct bytes key;
    const char *text;
};

struct verify_summary {
    uint64_t records[TABLE_COUNT];
    uint64_t retained;
    uint64_t errors;
    uint64_t notes;
};

struct verify_sink {
    void *context;
    void (*finding)(void *context, const struct finding *finding);
};

struct verification;

/* Begins. NULL: no memory. `sink` is copied. */
struct verification *verify_begin(const struct verify_sink *sink);

/* Takes the next record. False: no memory. */
bool verify_record(struct verification *verification, uint8_t table, struct bytes key, struct bytes value);

/* No more records come: finds what can be seen only now. `complete`: they were all that the store has. */
void verify_finish(struct verification *verification, bool complete, struct verify_summary *summary);

/* NULL is fine. */
void verify_end(struct verification *verification);

/* What a key means, for people: "17", "7, a/+", "alive"; what no key of the table can be, as bytes. At most
 * `size` bytes with the NUL. */
void verify_describe_key(uint8_t table, struct bytes key, char *text, size_t size);

#endif
