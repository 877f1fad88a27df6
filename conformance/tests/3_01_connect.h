/* CONNECT packets made by hand, for tests of section 3.1. What a test does not say is the plainest thing
 * that is right, so that only what the test is about can be the cause of a refusal. */
#ifndef ETALON_CONFORMANCE_TESTS_3_01_CONNECT_H
#define ETALON_CONFORMANCE_TESTS_3_01_CONNECT_H

#include "../test.h"

/* Texts are templates as in SEND_TEMPLATE: hexadecimal digits, and {strings} with their length in front. */
struct connect_bytes {
    const char *protocol_name;     /* default: the version's */
    int protocol_level;            /* ABSENT: the version's */
    unsigned flags;                /* Connect Flags; default 0x02: Clean Start alone */
    uint16_t keep_alive;           /* seconds */
    const char *properties;        /* 5.0: without the Property Length, which is computed */
    const char *client_identifier; /* default: one of the test's own */
    const char *will;              /* what follows the Client Identifier */
    const char *credentials; /* what follows that, with its flags in `flags`. NULL: those of the target, with
                                    * their flags added */
    const char *payload;     /* replaces everything behind the Variable Header */
    const char *behind;      /* bytes of other packets, sent with the same write */
};

/* Sends a CONNECT; the Remaining Length is computed. Leaves the answer to the test. */
#define send_connect_bytes(client, ...)                                                                      \
    connect_bytes_send((client),                                                                             \
                       &(struct connect_bytes){.protocol_level = ABSENT, .flags = 0x02, __VA_ARGS__})
void connect_bytes_send(struct client *client, const struct connect_bytes *bytes);

/* The target's credentials as a template, "" if it needs none; the flags that announce them are added. */
const char *target_credentials(struct test *t, unsigned *flags);

/* Opens a connection, sends such a CONNECT and demands that it is accepted, then disconnects: the positive
 * control of a refusal. The test ends with `error` when it is not. */
#define accept_connect_bytes(t, ...)                                                                         \
    connect_bytes_accept((t), &(struct connect_bytes){.protocol_level = ABSENT, .flags = 0x02, __VA_ARGS__})
void connect_bytes_accept(struct test *t, const struct connect_bytes *bytes);

/* Opens a connection, sends such a CONNECT and demands that it is refused as one that does not keep to
 * section 3.1: in 5.0 with or without a CONNACK; in 3.1.1 without one ([MQTT3-3.1.4-1]). `what` names the
 * fault in the trace. */
#define refuse_connect_bytes(t, what, code, ...)                                                             \
    connect_bytes_refuse((t), (what), (code),                                                                \
                         &(struct connect_bytes){.protocol_level = ABSENT, .flags = 0x02, __VA_ARGS__})
void connect_bytes_refuse(struct test *t, const char *what, int reason_code,
                          const struct connect_bytes *bytes);

/* The judgement alone, on a client that sent such a CONNECT. */
void expect_connect_refused(struct client *client, int reason_code);

#endif
