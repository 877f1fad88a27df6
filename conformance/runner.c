#include "runner.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capability.h"
#include "common_broker.h"
#include "nursery.h"
#include "profile.h"
#include "record.h"
#include "selection.h"
#include "verdicts.h"
#include "watch.h"

#define BASE_LIMIT 60.0   /* seconds a test may take, and */
#define PATIENCE_LIMIT 12 /* so many times the patience, and */
#define TRIP_LIMIT 1000   /* so many times the usual round trip */
#define LATENCY_TRIPS 3   /* how often the longest round trip that was measured an answer may take */
#define JOBS_LIMIT 512U

/* A process, and the test in it. Behind a test of the target with which all was well the process rests, until it gets
 * another one: to make processes is much of what a short test costs. */
struct job {
    pid_t process;         /* 0: there is none */
    int socket;            /* records come from there, and the next test goes there */
    struct result *result; /* NULL: the process rests */
    bool ready;            /* the test is over, and the process can take another one */
    struct capabilities *capabilities;
    struct left_behind left;
    struct record_reader reader;
    double begun;
    double deadline;
    bool late;
    bool garbled;
};

struct crew {
    struct run *run;
    const struct runner_options *options;
    const struct report *report;
    struct job *jobs;
    unsigned size;
    unsigned brokers_at_once; /* so many tests that start brokers may run at a time */
    unsigned busy;
    unsigned next_number; /* distinguishes the tests' topics and Client Identifiers */
    size_t looked_at;     /* so many of the tests, in their order, are begun */
    bool cleaning;        /* all tests are over; a process clears away what they left */
    struct nursery nursery;
    struct common_brokers commons;
    struct watch *watch; /* NULL: what runs is no test of the run */
};

static volatile sig_atomic_t interrupted; /* how often */

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = interrupted + 1;
}

static uint64_t nanoseconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

static double seconds(void)
{
    return (double)nanoseconds() / 1e9;
}

/* ---- In the test's process ----------------------------------------------------------------------- */

/* The broker that the process is to keep; NULL: it runs a test. */
static const struct common_broker *broker_to_keep(const struct crew *crew, const void *item)
{
    for (unsigned i = 0; i < crew->commons.count; i++)
        if (item == &crew->commons.brokers[i])
            return &crew->commons.brokers[i];
    return NULL;
}

static const uint16_t no_statements[] = {STATEMENT_NONE};
static const struct conformance_test keeping = {.name = "keeping a broker",
                                                .title = "A broker serves several tests",
                                                .file = "",
                                                .versions = V_ALL,
                                                .statements = no_statements};

/* The broker that a result shares with others; NULL: none. */
static struct common_broker *common_broker_of(const struct crew *crew, const struct result *result)
{
    const struct run *run = crew->run;
    if (crew->commons.count == 0 || result < run->results || result >= run->results + run->count)
        return NULL;
    uint16_t number = crew->commons.of_result[result - run->results];
    return number == 0 ? NULL : &crew->commons.brokers[number - 1];
}

static void prepare_process(void)
{
    setpgid(0, 0); /* so that the runner can end the test together with the brokers it started */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
}

static struct test make_test(const struct crew *crew, const struct birth *birth, const struct result *result)
{
    const struct common_broker *uses = birth->alone ? NULL : common_broker_of(crew, result);
    double latency = LATENCY_TRIPS * run_longest_round_trip(crew->run);
    return (struct test){.version = result->version,
                         .capabilities = &crew->run->capabilities[version_index(result->version)],
                         .definition = result->test,
                         .target = crew->run->target,
                         .patience = crew->options->patience + latency,
                         .latency = latency,
                         .profile = crew->options->profile,
                         .properties_must_hold = crew->options->properties_must_hold,
                         .run = crew->run->name,
                         .number = birth->number,
                         .records = birth->records,
                         .common = uses == NULL ? -1 : common_broker_join(uses),
                         .started = nanoseconds()};
}

static void hand_down_left(struct test *t, const struct left_behind *left)
{
    for (size_t i = 0; i < left->count; i++)
        (left->items[i].session ? leave_session : leave_retained)(t, left->items[i].text);
}

static _Noreturn void run_test(const struct crew *crew, const struct common_broker *keeps, struct test *t)
{
    if (crew->cleaning)
        hand_down_left(t, &crew->run->left);
    if (keeps != NULL)
        common_broker_keep(t, keeps);
    else
        t->definition->body(t);
    bool warned = t->warned && !is_property(t->definition); /* a property has no recommendations */
    test_finish(t, warned ? VERDICT_WARN : VERDICT_PASS, STATEMENT_NONE, "", "", "");
}

/* The next test that the process is to run; false: there is none. */
static bool await_next(struct test *t, struct birth *birth)
{
    record_ready(t);
    return nursery_await(t->records, birth);
}

/* The body of a process: of a test, whose result is the item, and of those that follow it; or of a broker's keeper. */
static void run_body(const void *context, const struct birth *birth)
{
    const struct crew *crew = context;
    const struct common_broker *keeps = broker_to_keep(crew, birth->item);
    const struct result kept = {.test = &keeping, .version = PROTOCOL_5_0};
    struct birth *now = allocate(1, sizeof *now); /* not on the stack, whose memory longjmp leaves in doubt */
    struct test *t = allocate(1, sizeof *t);
    jmp_buf next;
    *now = *birth;
    prepare_process();
    do {
        *t = make_test(crew, now, keeps == NULL ? now->item : &kept);
        t->next = now->stays ? &next : NULL;
        if (setjmp(next) == 0)
            run_test(crew, keeps, t);
        test_release(t);
    } while (await_next(t, now));
    _exit(0);
}

/* ---- In the runner ------------------------------------------------------------------------------- */

/* Whether the test runs in a process that others may have used, and may use after it: not one that starts brokers, and
 * no probe. */
static bool shares_process(const struct crew *crew, const struct result *result)
{
    return crew->watch != NULL && !starts_brokers(result->test);
}

/* Ends a process that rests, or is at its end; returns its status. */
static int end_process(struct job *job)
{
    int status = 0;
    nursery_dismiss(job->socket);
    while (waitpid(job->process, &status, 0) < 0 && errno == EINTR)
        continue;
    kill(-job->process, SIGKILL); /* brokers that a test left which crashed or was ended */
    while (waitpid(-job->process, NULL, 0) > 0)
        continue;
    record_reader_clear(&job->reader);
    job->process = 0;
    return status;
}

static void set_error(struct result *result, const char *reason)
{
    result->verdict = VERDICT_ERROR;
    result->finished = true;
    result_set_text(&result->reason, reason);
}

/* Nobody listens to what a keeper says: its tests do, and will find that it is gone when something was wrong. False:
 * there is none. */
static bool start_keeper(struct crew *crew, struct common_broker *common)
{
    struct birth birth = {
        .item = common, .number = ++crew->next_number, .records = open("/dev/null", O_WRONLY | O_CLOEXEC)};
    if (birth.records < 0)
        return false;
    common->keeper = nursery_birth(&crew->nursery, run_body, crew, &birth);
    close(birth.records);
    if (common->keeper > 0)
        setpgid(common->keeper, common->keeper);
    return common->keeper > 0;
}

/* A process of its own for the test; false with errno when there is none to be had. */
static bool make_process(struct crew *crew, struct job *job, struct birth *birth)
{
    int ends[2];
    if (!nursery_channel(ends))
        return false;
    birth->records = ends[1];
    pid_t process = nursery_birth(&crew->nursery, run_body, crew, birth);
    int problem = errno;
    close(ends[1]);
    if (process < 0) {
        close(ends[0]);
        errno = problem;
        return false;
    }
    setpgid(process, process);
    *job = (struct job){.process = process, .socket = ends[0]};
    return true;
}

static double limit_of_tests(const struct crew *crew)
{
    if (crew->options->limit > 0)
        return crew->options->limit;
    return BASE_LIMIT + PATIENCE_LIMIT * crew->options->patience + TRIP_LIMIT * run_round_trip(crew->run);
}

static void start_job(struct crew *crew, struct job *job, struct result *result)
{
    struct birth birth = {.item = result,
                          .number = ++crew->next_number,
                          .alone = common_broker_of(crew, result) == NULL,
                          .stays = shares_process(crew, result)};
    if (job->process != 0 && !nursery_hand_over(job->socket, &birth))
        end_process(job);
    if (job->process == 0 && !make_process(crew, job, &birth)) {
        set_error(result, strerror(errno));
        return;
    }
    job->result = result;
    job->ready = false;
    job->capabilities = &crew->run->capabilities[version_index(result->version)];
    job->begun = seconds();
    job->deadline = job->begun + limit_of_tests(crew);
    crew->busy++;
    if (crew->report != NULL && crew->report->started != NULL)
        crew->report->started(crew->report->context, crew->run, result);
}

/* Whether the target has to be looked after because of this test. */
static bool is_watched(const struct crew *crew, const struct result *result)
{
    return crew->watch != NULL && !starts_brokers(result->test);
}

static void see_verdict(const struct crew *crew, const struct result *result)
{
    if (is_watched(crew, result) && !interrupted)
        watch_verdict(crew->watch, result);
}

/* What a test without a verdict died of. */
static void judge_end(struct job *job, int status)
{
    char reason[160];
    struct result *result = job->result;
    if (result->finished && !job->garbled)
        return;
    if (job->late)
        snprintf(reason, sizeof reason, "the test did not end within %.0f s", job->deadline - job->begun);
    else if (job->garbled)
        snprintf(reason, sizeof reason, "the test's report makes no sense");
    else if (WIFSIGNALED(status))
        snprintf(reason, sizeof reason, "the test crashed: %s", strsignal(WTERMSIG(status)));
    else
        snprintf(reason, sizeof reason, "the test ended without a verdict, exit status %d",
                 WEXITSTATUS(status));
    set_error(result, reason);
}

static void announce(const struct crew *crew, struct result *result)
{
    if (crew->watch == NULL)
        return;
    size_t *totals = is_property(result->test) ? crew->run->properties : crew->run->totals;
    totals[result->verdict]++;
    if (crew->report != NULL && crew->report->ended != NULL)
        crew->report->ended(crew->report->context, crew->run, result);
}

/* What was found wrong of a broker that others used, too, must be found again when they do not. */
static bool is_to_be_repeated(const struct crew *crew, const struct result *result)
{
    return common_broker_of(crew, result) != NULL && !interrupted &&
           (result->verdict == VERDICT_FAIL || result->verdict == VERDICT_ERROR);
}

static void repeat_alone(struct crew *crew, struct result *result)
{
    crew->commons.of_result[result - crew->run->results] = 0;
    result_begin_again(result);
    crew->looked_at = 0;
}

/* A verdict from when the target went away is not told before it is clear what it is worth. */
static void conclude(struct crew *crew, struct result *result)
{
    if (is_to_be_repeated(crew, result)) {
        repeat_alone(crew, result);
        return;
    }
    if (!is_watched(crew, result) || watch_ended(crew->watch, result))
        announce(crew, result);
}

static void keep_left(struct crew *crew, struct job *job)
{
    for (size_t i = 0; i < job->left.count && !crew->cleaning; i++) {
        const char *left = job->left.items[i].text;
        left_behind_append(&crew->run->left, left, strlen(left), job->left.items[i].session);
    }
    left_behind_clear(&job->left);
}

/* The job's test is over; a process that stays rests. */
static void end_test(struct crew *crew, struct job *job)
{
    struct result *result = job->result;
    keep_left(crew, job);
    job->result = NULL;
    crew->busy--;
    conclude(crew, result);
}

static void end_job(struct crew *crew, struct job *job)
{
    int status = end_process(job);
    if (job->result == NULL)
        return;
    bool had_verdict = job->result->finished;
    judge_end(job, status);
    if (!had_verdict)
        see_verdict(crew, job->result);
    end_test(crew, job);
}

static void take_records(struct crew *crew, struct job *job, const uint8_t *bytes, size_t length)
{
    struct record_sink sink = {job->result, &job->deadline, job->capabilities, &job->left, &job->ready};
    bool had_verdict = job->result->finished;
    if (!job->garbled && !record_feed(&job->reader, bytes, length, &sink))
        job->garbled = true;
    crew->run->left_anything = crew->run->left_anything || job->left.count > 0;
    if (!job->result->finished || had_verdict)
        return;
    job->result->seconds = seconds() - job->begun;
    see_verdict(crew, job->result);
}

static void read_job(struct crew *crew, struct job *job)
{
    uint8_t buffer[65536];
    ssize_t got = read(job->socket, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR)
        return;
    if (got <= 0 || job->result == NULL) { /* a process that rests has nothing to say */
        end_job(crew, job);
        return;
    }
    take_records(crew, job, buffer, (size_t)got);
    if (job->ready && !job->garbled && !job->late)
        end_test(crew, job);
}

/* An interrupt ends the tests, and another one the clearing away, too. */
static bool is_given_up(const struct crew *crew)
{
    return interrupted > (crew->cleaning ? 1 : 0);
}

static void end_late_jobs(struct crew *crew)
{
    for (unsigned i = 0; i < crew->size; i++) {
        struct job *job = &crew->jobs[i];
        if (job->result == NULL || job->late || (seconds() < job->deadline && !is_given_up(crew)))
            continue;
        job->late = true;
        job->result->seconds = seconds() - job->begun;
        kill(-job->process, SIGKILL);
    }
}

static int milliseconds_to_deadline(const struct crew *crew)
{
    bool asks = crew->watch != NULL && (crew->watch->doubted || watch_waits(crew->watch));
    double first = seconds() + (asks ? WATCH_INTERVAL : 60.0);
    for (unsigned i = 0; i < crew->size; i++)
        if (crew->jobs[i].result != NULL && !crew->jobs[i].late && crew->jobs[i].deadline < first)
            first = crew->jobs[i].deadline;
    double left = (first - seconds()) * 1000.0;
    return left < 0 ? 0 : (int)left + 1;
}

/* Waits until something happens in any job. */
static void attend(struct crew *crew)
{
    struct pollfd waits[JOBS_LIMIT];
    struct job *jobs[JOBS_LIMIT];
    nfds_t count = 0;
    for (unsigned i = 0; i < crew->size; i++)
        if (crew->jobs[i].process != 0) {
            jobs[count] = &crew->jobs[i];
            waits[count++] = (struct pollfd){.fd = crew->jobs[i].socket, .events = POLLIN};
        }
    if (poll(waits, count, milliseconds_to_deadline(crew)) > 0)
        for (nfds_t i = 0; i < count; i++)
            if (waits[i].revents != 0)
                read_job(crew, jobs[i]);
    end_late_jobs(crew);
}

/* A job for a test that begins: where it may, it gets a process that rests. */
static struct job *job_for(const struct crew *crew, const struct result *result)
{
    bool shares = shares_process(crew, result);
    struct job *other = NULL;
    for (unsigned i = 0; i < crew->size; i++) {
        struct job *job = &crew->jobs[i];
        if (job->result != NULL)
            continue;
        if ((job->process != 0) == shares)
            return job;
        other = job;
    }
    assert(other != NULL);
    if (!shares)
        end_process(other);
    return other;
}

static void end_resting(struct crew *crew)
{
    for (unsigned i = 0; i < crew->size; i++)
        if (crew->jobs[i].process != 0)
            end_process(&crew->jobs[i]);
}

static void skip_unmet(struct crew *crew)
{
    char reason[256];
    for (size_t i = 0; i < crew->run->count; i++) {
        struct result *result = &crew->run->results[i];
        if (result->finished || unmet_need(crew->run, crew->options, result->test, result->version, reason,
                                           sizeof reason) == NULL)
            continue;
        result->verdict = VERDICT_SKIP;
        result->finished = true;
        result_set_text(&result->reason, reason);
        announce(crew, result);
    }
}

/* ---- The order ------------------------------------------------------------------------------------------- */

/* In this order tests are begun: what waits for long early, so that nothing waits for it in the end. */
enum rank { RANK_BROKER_TIME, RANK_TIME, RANK_MEETING, RANK_TARGET, RANK_BROKER, RANK_ALONE, RANK_LAST };

static enum rank rank_of(const struct crew *crew, const struct result *result)
{
    const struct conformance_test *test = result->test;
    bool time = (test->needs & NEEDS_TIME) != 0;
    if (common_broker_of(crew, result) != NULL && (test->needs & NEEDS_RESTART) != 0)
        return RANK_MEETING; /* they wait for each other before they end their broker, and so are begun together */
    if ((test->needs & NEEDS_LAST) == NEEDS_LAST)
        return RANK_LAST;
    if ((test->needs & NEEDS_ALONE) != 0)
        return RANK_ALONE;
    if (starts_brokers(test))
        return time ? RANK_BROKER_TIME : RANK_BROKER;
    return time ? RANK_TIME : RANK_TARGET;
}

/* By rank, and otherwise as `order` has them. */
static void sort_by_rank(const struct crew *crew, size_t *order)
{
    const struct run *run = crew->run;
    size_t *sorted = allocate(run->count, sizeof *sorted);
    size_t count = 0;
    for (int rank = RANK_BROKER_TIME; rank <= RANK_LAST; rank++)
        for (size_t i = 0; i < run->count; i++)
            if (rank_of(crew, &run->results[order[i]]) == (enum rank)rank)
                sorted[count++] = order[i];
    memcpy(order, sorted, run->count * sizeof *sorted);
    free(sorted);
}

/* Running tests, and how many of them start brokers, use the target, or wait most of their time. */
struct load {
    unsigned starting_brokers;
    unsigned sharing_brokers;
    unsigned on_target;
    unsigned waiting;
};

/* Tests that take seconds in which they hardly do anything. */
static bool waits_mostly(const struct crew *crew, const struct result *result)
{
    return starts_brokers(result->test) || rank_of(crew, result) == RANK_TIME;
}

/* Beside them there is always room for tests that are quick. Those that meet at a broker fit in, too. */
static unsigned most_waiting(const struct crew *crew)
{
    return crew->size - crew->size / 4;
}

static struct load load_of(const struct crew *crew)
{
    struct load load = {0};
    for (unsigned i = 0; i < crew->size; i++) {
        if (crew->jobs[i].result == NULL)
            continue;
        if (common_broker_of(crew, crew->jobs[i].result) != NULL)
            load.sharing_brokers++;
        else if (starts_brokers(crew->jobs[i].result->test))
            load.starting_brokers++;
        else
            load.on_target++;
        load.waiting += waits_mostly(crew, crew->jobs[i].result);
    }
    return load;
}

/* Tests that must run alone have the target for themselves, while brokers of other tests may be busy. Where the
 * profile limits these, its brokers are heavy, and disturb nobody. */
static bool may_begin(const struct crew *crew, struct load load, const struct result *result)
{
    const struct conformance_test *test = result->test;
    unsigned limit = crew->brokers_at_once;
    if (waits_mostly(crew, result) && load.waiting >= most_waiting(crew))
        return false;
    if (common_broker_of(crew, result) != NULL)
        return limit == crew->size || (load.on_target == 0 && load.starting_brokers == 0);
    if (!starts_brokers(test))
        return watch_admits(crew->watch) && ((test->needs & NEEDS_ALONE) == 0 || load.on_target == 0);
    return load.starting_brokers < limit &&
           (limit == crew->size || (load.on_target == 0 && load.sharing_brokers == 0));
}

/* The next of `order` that may begin now; SIZE_MAX: none. Tests of the target come before those that must run alone,
 * so these have to look at the running ones only. */
static size_t next_to_begin(struct crew *crew, const size_t *order)
{
    const struct result *results = crew->run->results;
    struct load load = load_of(crew);
    bool begun = true;
    for (size_t i = crew->looked_at; i < crew->run->count; i++) {
        if (results[order[i]].begun || results[order[i]].finished) {
            crew->looked_at = begun ? i + 1 : crew->looked_at;
            continue;
        }
        begun = false;
        if (may_begin(crew, load, &results[order[i]]))
            return order[i];
    }
    return SIZE_MAX;
}

static bool needs_target_alone(const struct conformance_test *test)
{
    return !starts_brokers(test) && (test->needs & NEEDS_ALONE) != 0;
}

/* The same, or a test that is to run once more, alone: when tests that share the target are over, and before those that
 * strain it. */
static size_t next_of_all(struct crew *crew, const size_t *order)
{
    if (crew->busy == crew->size)
        return SIZE_MAX;
    size_t next = next_to_begin(crew, order);
    if (load_of(crew).on_target > 0 ||
        (next != SIZE_MAX && !needs_target_alone(crew->run->results[next].test)))
        return next;
    size_t trial = watch_next_trial(crew->watch);
    if (trial == WATCH_NONE)
        return watch_admits(crew->watch) ? next : SIZE_MAX;
    watch_try(crew->watch, &crew->run->results[trial]);
    return trial;
}

static void begin_test(struct crew *crew, struct result *result)
{
    struct common_broker *common = common_broker_of(crew, result);
    if (common != NULL && common->keeper == 0 && !start_keeper(crew, common)) {
        common_broker_call_off(&crew->commons, common, crew->run->count);
        return;
    }
    result->begun = true;
    if (is_watched(crew, result))
        watch_begun(crew->watch, result);
    start_job(crew, job_for(crew, result), result);
    if (!result->finished)
        return;
    if (common != NULL)
        common_broker_excuse(common);
    conclude(crew, result);
}

/* A target that is away is asked for; tests that it would be needed for are given up together with it. */
static void look_for_target(const struct crew *crew)
{
    struct run *run = crew->run;
    if (!watch_look(crew->watch))
        return;
    for (size_t i = 0; i < run->count; i++)
        if (watch_settle(crew->watch, &run->results[i]))
            announce(crew, &run->results[i]);
}

/* Runs the unfinished tests. */
static void run_all(struct crew *crew, const size_t *order)
{
    while (!interrupted) {
        watch_ask(crew->watch, load_of(crew).on_target == 0);
        look_for_target(crew);
        size_t next = next_of_all(crew, order);
        if (next == SIZE_MAX && crew->busy == 0 && !watch_waits(crew->watch))
            break;
        if (next == SIZE_MAX)
            attend(crew);
        else
            begin_test(crew, &crew->run->results[next]);
    }
    while (crew->busy > 0)
        attend(crew);
}

static void catch_interrupts(void)
{
    struct sigaction action = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

/* As the profile says, which is asked once: it is a file. */
static unsigned brokers_at_once(const char *profile, unsigned size)
{
    double number = profile == NULL ? 0 : profile_number(profile, "brokers-at-once", 0);
    return number > 0 && number < size ? (unsigned)number : size;
}

static struct crew make_crew(struct run *run, const struct runner_options *options,
                             const struct report *report, unsigned jobs)
{
    unsigned size = jobs < 1 ? 1 : jobs > JOBS_LIMIT ? JOBS_LIMIT : jobs;
    return (struct crew){.run = run,
                         .options = options,
                         .report = report,
                         .size = size,
                         .brokers_at_once = brokers_at_once(options->profile, size),
                         .jobs = allocate(size, sizeof(struct job)),
                         .nursery = {.socket = -1}};
}

static const struct conformance_test cleaning = {.name = "clearing away",
                                                 .title = "Nothing of the tests is left on the server",
                                                 .file = "",
                                                 .versions = V_ALL,
                                                 .statements = no_statements,
                                                 .body = tidy_run};

/* Takes away what the tests left on the target. Also after an interrupt: then there is a little, of the tests that
 * were running. */
static void clean_up(struct crew *crew)
{
    struct result result;
    struct run *run = crew->run;
    if (!run->left_anything)
        return;
    result_begin(&result, &cleaning, best_version(run));
    crew->cleaning = true;
    crew->watch = NULL;
    crew->report = NULL;
    start_job(crew, &crew->jobs[0], &result);
    while (crew->busy > 0)
        attend(crew);
    if (result.verdict != VERDICT_PASS)
        fprintf(stderr,
                "%s: what tests left on the broker could not be cleared away: %s. Retained messages may "
                "remain below "
                "etalon/%s/, sessions of Client Identifiers that begin with e%s.\n",
                SUITE_NAME, result.reason, run->name, run->name);
    result_clear(&result);
    left_behind_clear(&run->left);
}

bool run_tests(struct run *run, const struct runner_options *options, const struct report *report)
{
    struct crew crew = make_crew(run, options, report, options->jobs);
    struct watch watch;
    size_t *order = allocate(run->count, sizeof *order);
    double begun = seconds();
    watch_open(&watch, run, options);
    crew.watch = &watch;
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* orphans of tests are then the runner's to wait for */
    crew.next_number = VERSION_COUNT; /* the first numbers belong to the probes */
    catch_interrupts();
    shuffle(order, run->count, run->seed);
    if (report->begin != NULL)
        report->begin(report->context, run);
    skip_unmet(&crew);
    common_brokers_plan(&crew.commons, run, order, crew.size / 2, crew.brokers_at_once < crew.size);
    sort_by_rank(&crew, order);
    nursery_open(&crew.nursery, run_body, &crew);
    run_all(&crew, order);
    end_resting(&crew);
    nursery_close(&crew.nursery);
    common_brokers_end(&crew.commons);
    clean_up(&crew);
    watch_report(&watch);
    watch_close(&watch);
    run->seconds = seconds() - begun;
    if (report->end != NULL && !interrupted)
        report->end(report->context, run);
    free(order);
    free(crew.jobs);
    return !interrupted;
}

void run_probe(struct run *run, const struct runner_options *options, const struct conformance_test *probe,
               enum protocol_version version, struct result *result)
{
    struct crew crew = make_crew(run, options, NULL, 1);
    crew.next_number = version_index(version);
    result_begin(result, probe, version);
    start_job(&crew, &crew.jobs[0], result);
    while (crew.busy > 0)
        attend(&crew);
    free(crew.jobs);
}
