/* record: how a test in its process tells the runner what happens, over a socket.
 *
 * Exchanges are held back for moments, so that several go together; what the runner has to know if the test crashes
 * goes at once, and so does everything when the test begins to wait: a test that hangs leaves its exchange behind. On
 * the wire: one byte type, four bytes length, then the payload, whose numbers are in host order (both ends are the
 * same program). */
#ifndef ETALON_CONFORMANCE_RECORD_H
#define ETALON_CONFORMANCE_RECORD_H

#include "result.h"

/* Bytes of one packet, and of all packets of one test, that are kept. */
#define RECORD_PACKET_LIMIT (64U * 1024U)
#define RECORD_TEST_LIMIT (8U * 1024U * 1024U)

/* ---- Sending (the test's process) ---- */

/* `time`: seconds since the test began. */
void record_exchange(struct test *t, double time, enum direction direction, enum protocol_version version,
                     const char *client, const char *text, struct bytes bytes);
void record_note(struct test *t, const char *text);
void record_extension(struct test *t, double seconds);
void record_capabilities(struct test *t, const struct capabilities *capabilities);
void record_leftover(struct test *t, const char *text, bool session);
void record_tidied(struct test *t); /* nothing of it is left; also after the verdict */
void record_ready(struct test *t);  /* the process waits for another test; after the verdict */
void record_verdict(struct test *t, enum verdict_kind verdict, enum statement cited, const char *reason,
                    const char *expected, const char *observed);

/* Sends what is held back. */
void record_flush(struct test *t);

/* ---- Receiving (the runner) ---- */

struct record_reader {
    uint8_t *buffer;
    size_t length;
    size_t capacity;
};

/* What records change besides the result. */
struct record_sink {
    struct result *result;
    double *deadline;                  /* moved by record_extension; may be NULL */
    struct capabilities *capabilities; /* set by record_capabilities; may be NULL */
    struct left_behind *left;          /* filled by record_leftover, emptied by record_tidied; may be NULL */
    bool *ready;                       /* set by record_ready; NULL: makes no sense */
};

/* Takes `count` bytes from the socket and applies all records that are complete. False when they make no
 * sense. */
bool record_feed(struct record_reader *reader, const void *bytes, size_t count,
                 const struct record_sink *sink);

void record_reader_clear(struct record_reader *reader);

#endif
