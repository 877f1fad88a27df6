#include "loop.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "service_manager.h"

enum { ENDING_TIME = 2000 /* ms */ };

static const int signal_numbers[SIGNAL_COUNT] = {SIGTERM, SIGINT, SIGHUP};

static void step_without_connection(struct loop *loop, enum step_kind kind)
{
    struct step step = {.kind = kind};
    broker_step(loop->broker, uv_now(&loop->uv), &step);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void on_alarm(uv_timer_t *timer)
{
    struct loop *loop = timer->data;
    loop->alarm_time = UINT64_MAX;
    step_without_connection(loop, STEP_TIME);
    system_topics_update(&loop->system_topics, uv_now(&loop->uv));
    sockets_expire(&loop->sockets);
    if (uv_now(&loop->uv) >= loop->ending_time)
        uv_stop(&loop->uv);
}

static void set_alarm(struct loop *loop)
{
    uint64_t time = earlier(broker_deadline(loop->broker), sockets_deadline(&loop->sockets));
    time = earlier(time, loop->ending_time);
    time = earlier(time, system_topics_deadline(&loop->system_topics));
    time = earlier(time, memory_limit_deadline(&loop->memory));
    if (loop->keeper)
        time = earlier(time, keeper_deadline(loop->keeper));
    if (time == loop->alarm_time)
        return;
    loop->alarm_time = time;
    uint64_t now = uv_now(&loop->uv);
    if (time == UINT64_MAX)
        uv_timer_stop(&loop->alarm);
    else
        uv_timer_start(&loop->alarm, on_alarm, time > now ? time - now : 0, 0);
}

/* Sends what may be sent and has the rest stored. Nothing that could be done now is left for later: the next turn
 * begins only when something happens. */
static void flush(struct loop *loop)
{
    sockets_flush(&loop->sockets);
    while (loop->keeper && keeper_collect(loop->keeper, uv_now(&loop->uv)))
        sockets_flush(&loop->sockets);
}

/* The next batch goes to the store at once, so that the disk does not wait for the rest of the turn. */
static void on_store_news(uv_async_t *store_news)
{
    struct loop *loop = store_news->data;
    keeper_take_news(loop->keeper, uv_now(&loop->uv));
    flush(loop);
}

/* Runs just before the loop waits. */
static void on_turn_end(uv_prepare_t *prepare)
{
    struct loop *loop = prepare->data;
    flush(loop);
    memory_limit_look(&loop->memory, uv_now(&loop->uv));
    if (loop->ending_time != UINT64_MAX && loop->sockets.count == 0)
        uv_stop(&loop->uv);
    set_alarm(loop);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct loop *loop = handle->data;
    if (number == SIGHUP) {
        if (loop->reload)
            loop->reload(loop->reload_context);
        return;
    }
    if (loop->ending_time != UINT64_MAX) {
        log_write(loop->log, LOG_NOTICE, "second signal: ending at once");
        loop->hurry = true;
        uv_stop(&loop->uv);
        return;
    }
    log_write(loop->log, LOG_NOTICE, "%s: disconnecting %zu clients, then ending",
              number == SIGTERM ? "SIGTERM" : "SIGINT", loop->sockets.count);
    loop->ending_time = uv_now(&loop->uv) + ENDING_TIME;
    service_manager_stopping();
    listeners_close(&loop->listeners);
    step_without_connection(loop, STEP_SHUTDOWN);
}

static int start_handles(struct loop *loop)
{
    loop->turn_end.data = loop->alarm.data = loop;
    uv_prepare_init(&loop->uv, &loop->turn_end);
    uv_timer_init(&loop->uv, &loop->alarm);
    uv_prepare_start(&loop->turn_end, on_turn_end);
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        loop->signals[i].data = loop;
        int result = uv_signal_init(&loop->uv, &loop->signals[i]);
        if (result == 0)
            result = uv_signal_start(&loop->signals[i], on_signal, signal_numbers[i]);
        if (result != 0)
            return result;
    }
    return 0;
}

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* Everything that libuv knows of is closed, and the loop runs until it has let go of it. */
static void release(struct loop *loop)
{
    uv_walk(&loop->uv, close_handle, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    uv_loop_close(&loop->uv);
}

bool loop_create(struct loop *loop, struct broker *broker, const struct log *log)
{
    *loop = (struct loop){.broker = broker, .log = log, .alarm_time = UINT64_MAX, .ending_time = UINT64_MAX};
    loop->listeners.spare = -1;
    int result = uv_loop_init(&loop->uv);
    if (result != 0) {
        log_write(log, LOG_ERROR, "cannot make an event loop: %s", uv_strerror(result));
        return false;
    }
    if (!sockets_create(&loop->sockets, &loop->uv, broker))
        result = UV_ENOMEM;
    if (result == 0)
        result = start_handles(loop);
    system_topics_begin(&loop->system_topics, broker, uv_now(&loop->uv), 0);
    memory_limit_begin(&loop->memory, broker, log);
    if (result == 0)
        return true;
    log_write(log, LOG_ERROR, "cannot start the event loop: %s", uv_strerror(result));
    memory_limit_end(&loop->memory);
    sockets_destroy(&loop->sockets);
    release(loop);
    return false;
}

bool loop_keep(struct loop *loop, struct keeper *keeper)
{
    const int result = uv_async_init(&loop->uv, &loop->store_news, on_store_news);
    if (result != 0) {
        log_write(loop->log, LOG_ERROR, "cannot listen to the store: %s", uv_strerror(result));
        return false;
    }
    loop->store_news.data = loop;
    loop->keeper = keeper;
    return true;
}

void loop_wake(void *context)
{
    struct loop *loop = context;
    uv_async_send(&loop->store_news);
}

uint64_t loop_clock(void *context)
{
    struct loop *loop = context;
    uv_update_time(&loop->uv);
    return uv_now(&loop->uv);
}

void loop_run(struct loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

/* Signals get their default effect again; SIGHUP, which means no harm, is left to the loop. */
static void let_signals_end(struct loop *loop)
{
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        if (signal_numbers[i] != SIGHUP)
            uv_signal_stop(&loop->signals[i]);
    }
}

/* A disk that takes long, or for ever, is not to be waited for after a second signal. Nothing that was promised is
 * lost by that; the store's thread can't be stopped in any other way. */
static void end_in_a_hurry(const struct loop *loop)
{
    log_write(loop->log, LOG_WARNING, "the disk is still busy: what it has not taken yet is lost");
    _exit(EXIT_FAILURE);
}

/* The store's thread must not wake up a loop that is gone: the keeper is closed before. */
static bool end_keeping(struct loop *loop)
{
    if (!loop->keeper)
        return true;
    let_signals_end(loop);
    if (loop->hurry && keeper_busy(loop->keeper))
        end_in_a_hurry(loop);
    const bool stored = keeper_finish(loop->keeper, loop_clock(loop));
    keeper_close(loop->keeper);
    return stored;
}

bool loop_destroy(struct loop *loop)
{
    listeners_close(&loop->listeners);
    sockets_destroy(&loop->sockets);
    const bool stored = end_keeping(loop);
    memory_limit_end(&loop->memory);
    release(loop);
    return stored;
}
