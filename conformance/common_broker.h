/* common_broker: brokers that several tests use at the same time.
 *
 * Most of the work of a test that starts a broker is just that. So tests that need another configuration share one
 * broker of it, and tests on durability that end theirs in the same way and start it again at once do so together: a
 * keeper, in a process of its own, has the brokers, and ends one when all of its tests want that. They have their own
 * topics and Client Identifiers, as on the target. What a test finds there counts if it is well; if not, it runs once
 * more, with a broker of its own, and that counts. */
#ifndef ETALON_CONFORMANCE_COMMON_BROKER_H
#define ETALON_CONFORMANCE_COMMON_BROKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "meeting.h"
#include "result.h"

/* ---- The runner ---- */

struct common_broker {
    int listener; /* where the tests find its keeper */
    char meeting[MEETING_NAME_SIZE];
    unsigned members; /* tests that use it */
    pid_t keeper;     /* 0: not begun */
};

struct common_brokers {
    struct common_broker *brokers;
    unsigned count;
    uint16_t *of_result; /* 1 + the number of the result's broker; 0: it has one of its own */
};

/* Plans which of the results, in the order in which they begin, share brokers: the unfinished ones of tests that may;
 * of those that wait for each other at most `together`, which must be able to run at the same time. `restarts_only`:
 * where brokers are heavy, those that start one of each configuration do not. Changes `order` so that tests of one
 * keeper stand together, before all others. What finds no socket shares nothing. */
void common_brokers_plan(struct common_brokers *all, const struct run *run, size_t *order, unsigned together,
                         bool restarts_only);

/* Of `result_count` results, those with this broker have one of their own after all: it has no keeper. None of them may
 * have begun. */
void common_broker_call_off(struct common_brokers *all, const struct common_broker *common,
                            size_t result_count);

/* In the place of a test that could not be begun: the others do not wait for it. */
void common_broker_excuse(const struct common_broker *common);

/* Ends the keepers, and what is left of their brokers. */
void common_brokers_end(struct common_brokers *all);

/* ---- The keeper's process ---- */

/* Has the brokers until all tests have used them. */
void common_broker_keep(struct test *t, const struct common_broker *common);

/* ---- A test's process ---- */

enum common_wish { COMMON_USE, COMMON_STOP, COMMON_CRASH, COMMON_RESUME };

/* A connection to the keeper; -1 when there is none. */
int common_broker_join(const struct common_broker *common);

/* Asks for something and waits until it is done: the start of the broker of this configuration, its end by all tests,
 * the start after that. Gives the broker's port; 0 when the keeper is gone, because something went wrong there. */
uint16_t common_broker_ask(int keeper, enum common_wish wish, const char *configuration);

#endif
