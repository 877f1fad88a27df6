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

/* Reports the verdict, tidies up and ends the process; or goes on at `t->next`, where that is set and nothing was
 * wrong. */
_Noreturn void test_finish(struct test *t, enum verdict_kind verdict, enum statement cited,
                           const char *reason, const char *expected, const char *observed);

/* Closes and frees whatever the test has; not for one that started brokers. */
void test_release(struct test *t);

/* Closes the client's connection without a word and frees what test_allocate did not give. */
void client_release(struct client *client);

/* Remembers, and tells the runner, that a message may be retained on `topic`, or that a session of
 * `client_identifier` may remain. client.c watches what is sent and says so before it leaves. */
void leave_retained(struct test *t, const char *topic);
void leave_session(struct test *t, const char *client_identifier);

/* Takes everything away that was left, and tells the runner when nothing is; what goes wrong on the way ends the
 * process, and then the runner sees to it. Called once the verdict is out. */
void tidy_up(struct test *t);

/* The body of the last process of a run: takes away what tests could not (those that crashed, or were ended), and
 * every message that is retained on a topic of this run. */
void tidy_run(struct test *t);

/* Notes where the brokers of the test keep their data and output. */
void note_brokers(struct test *t);

/* Ends the brokers that the test started; without `keep` their data directories are removed. */
void end_brokers(struct test *t, bool keep);

/* The statement for the version at hand. */
enum statement cite(const struct test *t, enum statement five, enum statement three);

#endif
