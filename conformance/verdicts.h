/* verdicts: how a test ends. For the framework; authors use fail, skip, error and the expectations. */
#ifndef ETALON_CONFORMANCE_VERDICTS_H
#define ETALON_CONFORMANCE_VERDICTS_H

#include "result.h"
#include "test.h"

/* Something that the test may leave behind on the server and that is cleared away at its end. */
struct leftover {
    const char *topic;             /* a retained message, or */
    const char *client_identifier; /* a session */
    struct leftover *next;
};

/* Reports the verdict, tidies up and ends the process. */
_Noreturn void test_finish(struct test *t, enum verdict_kind verdict, enum statement cited,
                           const char *reason, const char *expected, const char *observed);

/* Remembers that a message may be retained on `topic`, or that a session of `client_identifier` may
 * remain. */
void leave_retained(struct test *t, const char *topic);
void leave_session(struct test *t, const char *client_identifier);

/* Takes everything away that was left; best effort. Called once the verdict is out. */
void tidy_up(struct test *t);

/* Notes where the brokers of the test keep their data and output. */
void note_brokers(struct test *t);

/* Ends the brokers that the test started; without `keep` their data directories are removed. */
void end_brokers(struct test *t, bool keep);

/* The statement for the version at hand. */
enum statement cite(const struct test *t, enum statement five, enum statement three);

#endif
