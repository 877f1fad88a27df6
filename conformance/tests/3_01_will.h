/* Steps that the tests on wills share. */
#ifndef ETALON_CONFORMANCE_TESTS_3_01_WILL_H
#define ETALON_CONFORMANCE_TESTS_3_01_WILL_H

#include "../test.h"

/* Seconds within which a will that is due should be out, S-3.1.2.5-1: also at servers that look once a
 * second by a clock of whole seconds, on a machine that is busy. */
#define PROMPT 5.0

/* A client that is going to die, its will going to `a` with its name as payload. */
#define connect_mortal(t, a, who, ...)                                                                       \
    connect_client((t), .name = (who), .clean_start = true,                                                  \
                   .will = {.topic = (a), .payload = (who), __VA_ARGS__})

static inline struct client *connect_subscriber(struct test *t, const char *filter, int qos)
{
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    subscribe(subscriber, filter, .qos = qos);
    return subscriber;
}

/* The will that became due at `due` comes. */
static inline const struct received *expect_will(struct client *subscriber, const char *a,
                                                 const char *payload, double due)
{
    struct test *t = subscriber->test;
    const struct received *will =
        expect_publish(subscriber, .topic = a, .payload = payload, .latest = due + 2 * t->patience);
    if (will->time > due + PROMPT + t->latency)
        warn(t, "the will came %.1f s after it was due; it should come promptly [S-3.1.2.5-1]",
             will->time - due);
    return will;
}

/* Shows that no will is on its way: another client dies, later, and its will comes first. The will of that
 * client takes the same ways through the server as the one that must not be there. */
static inline void expect_no_will(struct client *subscriber, const char *a)
{
    struct test *t = subscriber->test;
    struct client *last = connect_mortal(t, a, "sentinel will");
    double died = now(t);
    close_abruptly(last);
    expect_will(subscriber, a, "sentinel will", died);
    expect_nothing_more(subscriber);
}

#endif
