/* loop: the turn of events. Prefix: loop_
 *
 *      wait ─▶ timers ─▶ clients arrive, bytes arrive ─▶ end of the turn: send all output, hand what has changed to
 *      the store, set the alarm ─▶ wait
 *
 * The store's thread wakes the loop up when it is done. */
#ifndef ETALON_HOST_LOOP_H
#define ETALON_HOST_LOOP_H

#include <uv.h>

#include "keeper.h"
#include "listener.h"
#include "log.h"
#include "memory_limit.h"
#include "socket.h"
#include "system_topics.h"

enum { SIGNAL_COUNT = 3 };

struct loop {
    uv_loop_t uv;
    uv_prepare_t turn_end;
    uv_timer_t alarm;
    uv_timer_t watchdog;   /* of the service manager */
    uv_async_t store_news; /* the store's thread has something for the keeper */
    uv_signal_t signals[SIGNAL_COUNT];
    struct broker *broker;
    const struct log *log;
    struct sockets sockets;
    struct listeners listeners;
    struct system_topics system_topics;
    struct memory_limit memory;
    struct keeper *keeper;         /* NULL: memory only */
    bool hurry;                    /* a second signal came: whatever takes long is left undone */
    void (*reload)(void *context); /* what SIGHUP asks for; NULL: nothing */
    void *reload_context;
    uint64_t alarm_time;  /* what the alarm is set to (ms of uv_now); UINT64_MAX: not set */
    uint64_t ending_time; /* when the end waits for clients no longer; UINT64_MAX: no end was asked for */
};

/* Sets up a loop that listens nowhere yet. Broker and log are borrowed. False: the reason was logged,
 * nothing is to be destroyed. */
bool loop_create(struct loop *loop, struct broker *broker, const struct log *log);

/* Lets the loop drive a keeper, which it borrows; before the keeper is opened with loop_wake and loop_clock, the
 * loop being their context. False: the reason was logged. */
bool loop_keep(struct loop *loop, struct keeper *keeper);

/* Makes the loop look at the keeper's news. May be called on any thread. */
void loop_wake(void *context);

/* The present time, ms as of uv_now, however long the turn lasts already. */
uint64_t loop_clock(void *context);

/* Runs until SIGTERM or SIGINT has been obeyed: clients are told and have two seconds to take it. A second
 * signal ends the wait. */
void loop_run(struct loop *loop);

/* Closes everything: clients that are left are cut, the broker is told so, and what this changes is stored. False:
 * that could not be stored; this was logged. From here on a further signal ends the program if there's a store,
 * because a disk may be slow. */
bool loop_destroy(struct loop *loop);

#endif
