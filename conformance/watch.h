/* watch: whether the target is still there, and what becomes of the tests that ran when it went away.
 *
 * A server that ends at one test's packet takes the connections of all others with it. What these then find says
 * nothing of the server, so their verdicts are held back. When the server comes back they run once more, each alone;
 * a test at which it is lost again, alone, is the cause. When it does not, they could not be run. Tests that start
 * brokers of their own have no part in this. */
#ifndef ETALON_CONFORMANCE_WATCH_H
#define ETALON_CONFORMANCE_WATCH_H

#include "runner.h"

#define WATCH_NONE SIZE_MAX
#define WATCH_INTERVAL 0.2 /* seconds between two questions whether the server is there */

/* How a test of the target stands. */
struct standing {
    double begun; /* seconds, as of the runner's clock; 0: it was not */
    double ended; /* 0: it has not */
    size_t loss;  /* at which it ran; WATCH_NONE */
    bool before;  /* it had ended then, but nothing tells that the server was well at its end */
    bool held;    /* its verdict is not told yet */
    bool tried;   /* it ran alone since */
    bool guilty;  /* the server went away while nothing else ran */
};

struct loss {
    size_t tests;    /* that ran */
    size_t causes;   /* of them with which it was lost alone */
    double away;     /* seconds until it was back; 0: it was never */
    size_t untested; /* tests that were not begun because of it */
};

struct watch {
    struct run *run;
    const struct runner_options *options;
    struct standing *standings; /* by result */
    struct loss *losses;
    size_t loss_count;
    size_t begun; /* tests of the target */
    double proof; /* when the latest test began that passed: the server was well then */
    bool doubted; /* the server is to be asked whether it is there */
    bool away;    /* the server does not accept connections */
    bool gone;    /* and is not waited for any more */
    double since; /* it is away */
    double asked; /* the last time whether it is back */
    size_t trial; /* the result of the test that runs alone; WATCH_NONE */
};

void watch_open(struct watch *watch, struct run *run, const struct runner_options *options);
void watch_close(struct watch *watch);

/* Whether tests of the target may begin. */
bool watch_admits(const struct watch *watch);

/* To be told of every test of the target: it begins; it has a verdict, whereupon the server may be asked whether
 * it is still there; its process has ended. The last returns whether the verdict, which it may change, is to be
 * told. */
void watch_begun(struct watch *watch, const struct result *result);
void watch_verdict(struct watch *watch, const struct result *result);
bool watch_ended(struct watch *watch, struct result *result);

/* Asks the server, if a verdict was a reason to and that is not done yet: a burst of verdicts is a reason for one
 * question. `now`: without delay. */
void watch_ask(struct watch *watch, bool now);

/* Whether the server is away and something waits for it. */
bool watch_waits(const struct watch *watch);

/* Asks a server that is away whether it is back, now and then. True when it is given up: then every test that is
 * not begun and every verdict that is held, of a test that has ended, is to be passed to watch_settle and told. */
bool watch_look(struct watch *watch);

/* Whether the result waits for that, and makes it an error. */
bool watch_settle(struct watch *watch, struct result *result);

/* The next test that is to run once more, alone; WATCH_NONE. To be called while no test of the target runs. Looks
 * first whether the server is well. */
size_t watch_next_trial(struct watch *watch);

/* Empties the result of such a test. */
void watch_try(struct watch *watch, struct result *result);

/* Writes what happened into run->losses. */
void watch_report(struct watch *watch);

#endif
