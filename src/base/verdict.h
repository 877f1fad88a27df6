/* verdict: what a decoder or an action thinks of its input, and on which requirement that rests.
 *
 * Nothing in src/mqtt returns a bare error. A refusal names the statement of the specification that was
 * violated, the Reason Code that MQTT 5.0 gives it, and the byte of the Control Packet where it was seen;
 * `4_13_handling_errors` alone turns that into packets, by protocol version. */
#ifndef ETALON_BASE_VERDICT_H
#define ETALON_BASE_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "reason_code.h" /* generated from spec/reason-codes.tsv */
#include "statement.h"   /* generated from spec/mqtt-5.0.tsv and spec/mqtt-3.1.1.tsv */

struct verdict {
    const char *what;    /* static text: what was seen, e.g. "QoS bits are both 1"; NULL when accepted */
    uint32_t offset;     /* byte of the Control Packet (0 = first byte of the fixed header) */
    uint16_t statement;  /* enum statement; STATEMENT_NONE when accepted */
    uint8_t reason_code; /* enum reason_code */
    bool refused;        /* false: go on */
};

/* The verdict that lets everything pass. */
static inline struct verdict accept(void)
{
    return (struct verdict){.what = NULL, .offset = 0, .statement = STATEMENT_NONE, .reason_code = 0};
}

/* A refusal. `what` must be a string with static lifetime. */
static inline struct verdict refuse(enum statement statement, enum reason_code reason_code, size_t offset,
                                    const char *what)
{
    return (struct verdict){.what = what,
                            .offset = (uint32_t)offset,
                            .statement = (uint16_t)statement,
                            .reason_code = (uint8_t)reason_code,
                            .refused = true};
}

/* Leaves the calling function with the verdict of `expression` unless it accepted. */
#define GUARD(expression)                                                                                    \
    do {                                                                                                     \
        const struct verdict guarded_verdict = (expression);                                                 \
        if (guarded_verdict.refused)                                                                         \
            return guarded_verdict;                                                                          \
    } while (0)

#endif
