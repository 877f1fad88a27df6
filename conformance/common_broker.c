#include "common_broker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "verdicts.h"

#define FEWEST_MEMBERS 2U
#define MOST_MEMBERS 1000U /* of tests that do not wait for each other */
#define CONFIGURATION_SIZE 48
#define KEEPER_LIMIT 5   /* seconds that a keeper has to clear up after its tests */
#define ANSWER_LIMIT 120 /* seconds; a keeper that takes longer has lost one of its tests */

/* ---- The runner ---------------------------------------------------------------------------------- */

/* `kind`: SHARES_STOP, SHARES_CRASH, or NEEDS_PROFILE for tests that do not end their broker. */
static bool shares(const struct result *result, unsigned kind)
{
    unsigned needs = result->test->needs;
    bool ends = (needs & NEEDS_RESTART) != 0;
    return !result->finished && (needs & kind) == kind && ends == (kind != NEEDS_PROFILE);
}

/* One more broker for results[0 .. members]. */
static bool add_broker(struct common_brokers *all, const struct run *run, const size_t *results,
                       unsigned members)
{
    struct common_broker common = {.members = members};
    snprintf(common.meeting, sizeof common.meeting, "%s/%s/%u", SUITE_NAME, run->name, all->count);
    common.listener = meeting_open(common.meeting, members);
    if (common.listener < 0)
        return false;
    all->brokers = grow(all->brokers, all->count + 1, sizeof *all->brokers);
    all->brokers[all->count++] = common;
    for (unsigned i = 0; i < members; i++)
        all->of_result[results[i]] = (uint16_t)all->count;
    return true;
}

/* The results of one kind, in equal parts. */
static void plan_kind(struct common_brokers *all, const struct run *run, const size_t *results, size_t count,
                      unsigned together)
{
    size_t parts = (count + together - 1) / together;
    for (size_t i = 0, done = 0; i < parts; i++) {
        unsigned members = (unsigned)((count - done) / (parts - i));
        if (members >= FEWEST_MEMBERS && !add_broker(all, run, results + done, members))
            return;
        done += members;
    }
}

/* Results with a common broker first, by broker. */
static void move_to_front(const struct common_brokers *all, const struct run *run, size_t *order)
{
    size_t *sorted = allocate(run->count, sizeof *sorted);
    size_t count = 0;
    for (unsigned broker = 1; broker <= all->count + 1; broker++)
        for (size_t i = 0; i < run->count; i++)
            if (all->of_result[order[i]] == broker % (all->count + 1)) /* 0 comes last */
                sorted[count++] = order[i];
    memcpy(order, sorted, run->count * sizeof *sorted);
    free(sorted);
}

void common_brokers_plan(struct common_brokers *all, const struct run *run, size_t *order, unsigned together,
                         bool restarts_only)
{
    static const unsigned kinds[] = {SHARES_STOP, SHARES_CRASH, NEEDS_PROFILE};
    size_t kind_count = sizeof kinds / sizeof kinds[0] - restarts_only;
    size_t *results = allocate(run->count, sizeof *results);
    *all = (struct common_brokers){.of_result = allocate(run->count, sizeof *all->of_result)};
    for (size_t kind = 0; kind < kind_count && together >= FEWEST_MEMBERS; kind++) {
        size_t count = 0;
        for (size_t i = 0; i < run->count; i++)
            if (shares(&run->results[order[i]], kinds[kind]))
                results[count++] = order[i];
        plan_kind(all, run, results, count, kinds[kind] == NEEDS_PROFILE ? MOST_MEMBERS : together);
    }
    move_to_front(all, run, order);
    free(results);
}

void common_broker_call_off(struct common_brokers *all, const struct common_broker *common,
                            size_t result_count)
{
    for (size_t i = 0; i < result_count; i++)
        if (all->of_result[i] == 1 + (common - all->brokers))
            all->of_result[i] = 0;
}

/* Who comes and goes is not waited for any more. */
void common_broker_excuse(const struct common_broker *common)
{
    int socket = common_broker_join(common);
    if (socket >= 0)
        close(socket);
}

/* A keeper ends by itself when its tests are gone, and takes its brokers and their data along. */
static void await_end(pid_t keeper)
{
    struct pollfd wait = {.fd = (int)syscall(SYS_pidfd_open, keeper, 0U), .events = POLLIN};
    if (wait.fd < 0)
        return;
    (void)poll(&wait, 1, KEEPER_LIMIT * 1000);
    close(wait.fd);
}

static void end_keeper(pid_t keeper)
{
    await_end(keeper);
    kill(-keeper, SIGKILL);
    while (waitpid(keeper, NULL, 0) < 0 && errno == EINTR)
        continue;
    while (waitpid(-keeper, NULL, 0) > 0)
        continue;
}

void common_brokers_end(struct common_brokers *all)
{
    for (unsigned i = 0; i < all->count; i++)
        meeting_call_off(all->brokers[i].listener);
    for (unsigned i = 0; i < all->count; i++) {
        if (all->brokers[i].keeper > 0)
            end_keeper(all->brokers[i].keeper);
        close(all->brokers[i].listener);
    }
    free(all->brokers);
    free(all->of_result);
    *all = (struct common_brokers){0};
}

/* ---- The keeper ---------------------------------------------------------------------------------- */

struct request {
    enum common_wish wish;
    char configuration[CONFIGURATION_SIZE];
};

struct member {
    int socket;
    bool waits; /* for the broker's end */
};

struct keeper {
    struct test *test;
    const struct common_broker *common;
    struct broker *broker; /* the one that was asked for last; where tests end it, there is no other */
    struct member *members;
    unsigned known; /* tests that have joined, those that are gone included */
    unsigned present;
    unsigned waiting;
    enum common_wish ending;
    bool down;
    bool complete; /* nobody else will join */
};

static void answer(const struct keeper *keeper, const struct member *member)
{
    uint16_t port = keeper->broker->port;
    (void)meeting_say(member->socket, &port, sizeof port); /* who is gone will be noticed */
}

static void take_in(struct keeper *keeper)
{
    int socket = meeting_next(keeper->common->listener);
    if (socket < 0) {
        keeper->complete = errno == EINVAL; /* it was called off */
        return;
    }
    keeper->members[keeper->known++] = (struct member){.socket = socket};
    keeper->present++;
    keeper->complete = keeper->known == keeper->common->members;
}

static void let_go(struct keeper *keeper, struct member *member)
{
    close(member->socket);
    keeper->waiting -= member->waits;
    *member = (struct member){.socket = -1};
    keeper->present--;
}

/* The broker of a configuration, started if it is not there yet. */
static struct broker *broker_of(struct test *t, const char *configuration)
{
    for (struct broker *broker = t->brokers; broker != NULL; broker = broker->next)
        if (strcmp(broker->configuration, configuration) == 0)
            return broker;
    return start_broker(t, text(t, "%s", configuration));
}

static void serve(struct keeper *keeper, struct member *member)
{
    struct request request;
    if (!meeting_hear(member->socket, &request, sizeof request)) {
        let_go(keeper, member);
        return;
    }
    if (request.wish == COMMON_STOP || request.wish == COMMON_CRASH) {
        member->waits = true;
        keeper->waiting++;
        keeper->ending = request.wish;
        return;
    }
    keeper->broker = broker_of(keeper->test, request.configuration);
    if (keeper->down)
        resume_broker(keeper->broker);
    keeper->down = false;
    answer(keeper, member);
}

static void end_together(struct keeper *keeper)
{
    (keeper->ending == COMMON_CRASH ? crash_broker : stop_broker)(keeper->broker);
    keeper->down = true;
    keeper->waiting = 0;
    for (unsigned i = 0; i < keeper->known; i++) {
        if (!keeper->members[i].waits)
            continue;
        keeper->members[i].waits = false;
        answer(keeper, &keeper->members[i]);
    }
}

/* Waits for a request, or for the next test to join. */
static void attend_members(struct keeper *keeper)
{
    struct pollfd waits[keeper->common->members + 1];
    unsigned known = keeper->known;
    for (unsigned i = 0; i < known; i++) /* poll passes over negative ones */
        waits[i] = (struct pollfd){.fd = keeper->members[i].socket, .events = POLLIN};
    waits[known] = (struct pollfd){.fd = keeper->complete ? -1 : keeper->common->listener, .events = POLLIN};
    if (poll(waits, known + 1, -1) < 0)
        return;
    for (unsigned i = 0; i < known; i++)
        if (waits[i].revents != 0)
            serve(keeper, &keeper->members[i]);
    if (waits[known].revents != 0)
        take_in(keeper);
}

void common_broker_keep(struct test *t, const struct common_broker *common)
{
    struct keeper keeper = {
        .test = t, .common = common, .members = test_allocate(t, common->members * sizeof *keeper.members)};
    while (!keeper.complete || keeper.present > 0) {
        attend_members(&keeper);
        if (keeper.complete && keeper.waiting > 0 && keeper.waiting == keeper.present)
            end_together(&keeper);
    }
}

/* ---- A test -------------------------------------------------------------------------------------- */

int common_broker_join(const struct common_broker *common)
{
    return meeting_join(common->meeting, ANSWER_LIMIT);
}

uint16_t common_broker_ask(int keeper, enum common_wish wish, const char *configuration)
{
    uint16_t port;
    struct request request = {.wish = wish};
    snprintf(request.configuration, sizeof request.configuration, "%s", configuration);
    bool answered = meeting_say(keeper, &request, sizeof request) && meeting_hear(keeper, &port, sizeof port);
    return answered ? port : 0;
}
