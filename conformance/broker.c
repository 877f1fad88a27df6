#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common_broker.h"
#include "profile.h"
#include "record.h"
#include "target.h"
#include "transport.h"
#include "verdicts.h"

#define START_LIMIT 30.0  /* seconds until a broker accepts connections, unless its profile says otherwise */
#define STOP_LIMIT 20.0   /* seconds that the end in good order may take */
#define RETRY_INTERVAL 20 /* milliseconds between looks at whether it is up, or down */

/* The seconds that the broker may take until it accepts connections. */
static double start_limit_of(struct test *t)
{
    double limit = profile_number(t->profile, "start-seconds", START_LIMIT);
    if (limit == 0)
        error(t, "%s/profile: start-seconds needs a number from 1 to 3600", t->profile);
    return limit;
}

/* A word of the profile that lives as long as the test; NULL when it is not there. */
static const char *word_of_profile(struct test *t, const char *key, unsigned index)
{
    char *word = profile_word(t->profile, key, index);
    const char *kept = word == NULL ? NULL : text(t, "%s", word);
    free(word);
    return kept;
}

/* What clients have to name themselves by, where the broker lets nobody in otherwise. */
static void read_login(struct broker *broker)
{
    struct test *t = broker->test;
    broker->user_name = word_of_profile(t, "login", 0);
    broker->password = word_of_profile(t, "login", 1);
    if (broker->user_name != NULL && broker->password == NULL)
        error(t, "%s/profile: login needs a user name and a password", t->profile);
}

/* In the new process: becomes the broker. It dies with the test, and its output stays in the data
 * directory. */
_Noreturn static void become_broker(const struct broker *broker, const char *start, const char *port,
                                    const char *log)
{
    int output = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (output >= 0) {
        dup2(output, STDOUT_FILENO);
        dup2(output, STDERR_FILENO);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_DFL);
    setenv("TRANSPORT", broker->test->target->scheme, 1);
    execl(start, start, broker->configuration, port, broker->data, (char *)NULL);
    _exit(127);
}

static bool has_ended(struct broker *broker)
{
    if (waitpid(broker->process, NULL, WNOHANG) != broker->process)
        return false;
    broker->process = 0;
    return true;
}

/* A broker that does not come up says nothing on a statement; but one that does not come up again has lost
 * what it promised to keep. */
_Noreturn static void not_up(const struct broker *broker, const char *problem)
{
    struct test *t = broker->test;
    if (broker->started > 1 && is_property(t->definition))
        fail_expected(t, "the broker starts again with its data", "%s", problem);
    error(t, "%s", problem);
}

static void await_listener(struct broker *broker)
{
    struct test *t = broker->test;
    double limit = now(t) + broker->start_limit;
    char problem[256];
    for (;;) {
        int made = transport_connect("127.0.0.1", text(t, "%u", broker->port), 1.0, problem, sizeof problem);
        if (made >= 0) {
            transport_close(made, 0);
            return;
        }
        if (has_ended(broker))
            not_up(broker, "the broker ended at once; see its output");
        if (now(t) > limit)
            not_up(broker,
                   text(t, "the broker did not listen within %.0f s: %s", broker->start_limit, problem));
        poll(NULL, 0, RETRY_INTERVAL); /* only paces the attempts; the connection is the sign */
    }
}

static void ask_keeper(struct broker *broker, enum common_wish wish)
{
    record_flush(broker->test); /* it may take long */
    broker->port = common_broker_ask(broker->test->common, wish, broker->configuration);
    if (broker->port == 0)
        error(broker->test, "the broker that this test shared with others could not be used any more");
}

void resume_broker(struct broker *broker)
{
    struct test *t = broker->test;
    if (broker->common) {
        ask_keeper(broker, COMMON_RESUME);
        return;
    }
    const char *start = text(t, "%s/start", t->profile);
    const char *port = text(t, "%u", broker->port);
    const char *log = text(t, "%s/output", broker->data);
    broker->started++;
    broker->process = fork();
    if (broker->process < 0)
        error(t, "cannot start a broker: %s", strerror(errno));
    if (broker->process == 0)
        become_broker(broker, start, port, log);
    await_listener(broker);
}

static struct broker *use_common_broker(struct test *t, const char *configuration)
{
    struct broker *broker = test_allocate(t, sizeof *broker);
    *broker = (struct broker){.test = t, .configuration = configuration, .common = true, .next = t->brokers};
    read_login(broker);
    t->brokers = broker;
    ask_keeper(broker, COMMON_USE);
    return broker;
}

struct broker *start_broker(struct test *t, const char *configuration)
{
    if (t->profile == NULL)
        skip(t, "needs a broker profile (--profile)");
    if (access(text(t, "%s/profile", t->profile), R_OK) != 0)
        error(t, "the profile has no file %s/profile", t->profile);
    if (!profile_names(t->profile, "configurations", configuration))
        skip(t, "the profile offers no configuration '%s'", configuration);
    if (strcmp(t->target->scheme, "mqtt") != 0 && !profile_names(t->profile, "transports", t->target->scheme))
        skip(t, "the profile does not tell how to start brokers that speak %s", t->target->scheme);
    if (t->common >= 0)
        return use_common_broker(t, configuration);
    struct broker *broker = test_allocate(t, sizeof *broker);
    const char *folder = getenv("TMPDIR");
    const char *pattern = text(t, "%s/etalon-conformance-XXXXXX", folder != NULL ? folder : "/tmp");
    char *data = test_allocate(t, strlen(pattern) + 1);
    strcpy(data, pattern);
    if (mkdtemp(data) == NULL)
        error(t, "no data directory: %s", strerror(errno));
    *broker = (struct broker){
        .test = t, .configuration = configuration, .data = data, .start_limit = start_limit_of(t)};
    read_login(broker);
    broker->holder = transport_reserve_port(&broker->port);
    if (broker->holder < 0)
        error(t, "no free port: %s", strerror(errno));
    broker->next = t->brokers;
    t->brokers = broker;
    allow_time(t, broker->start_limit);
    resume_broker(broker);
    return broker;
}

void crash_broker(struct broker *broker)
{
    if (broker->common) {
        ask_keeper(broker, COMMON_CRASH);
        return;
    }
    if (broker->process <= 0)
        return;
    kill(broker->process, SIGKILL);
    while (waitpid(broker->process, NULL, 0) < 0 && errno == EINTR)
        continue;
    broker->process = 0;
}

/* Whether the profile has a way of its own to stop its brokers; then it was taken. */
static bool stopped_by_profile(struct broker *broker)
{
    struct test *t = broker->test;
    const char *stop = text(t, "%s/stop", t->profile);
    if (access(stop, X_OK) != 0)
        return false;
    const char *port = text(t, "%u", broker->port);
    const char *process = text(t, "%d", broker->process);
    pid_t child = fork();
    if (child < 0)
        error(t, "cannot stop a broker: %s", strerror(errno));
    if (child == 0) {
        execl(stop, stop, broker->configuration, port, broker->data, process, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        error(t, "the profile could not stop its broker");
    return true;
}

void stop_broker(struct broker *broker)
{
    struct test *t = broker->test;
    if (broker->common) {
        ask_keeper(broker, COMMON_STOP);
        return;
    }
    if (broker->process <= 0)
        return;
    if (!stopped_by_profile(broker))
        kill(broker->process, SIGTERM);
    for (double limit = now(t) + STOP_LIMIT; !has_ended(broker);) {
        if (now(t) > limit)
            error(t, "the broker did not end within %.0f s after it was asked to", STOP_LIMIT);
        poll(NULL, 0, RETRY_INTERVAL); /* only paces the looks; the end of the process is the sign */
    }
}

void restart_broker(struct broker *broker)
{
    stop_broker(broker);
    resume_broker(broker);
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

void note_brokers(struct test *t)
{
    for (const struct broker *broker = t->brokers; broker != NULL; broker = broker->next)
        if (!broker->common)
            note(t, "data and output of the broker '%s' are in %s", broker->configuration, broker->data);
}

void end_brokers(struct test *t, bool keep)
{
    for (struct broker *broker = t->brokers; broker != NULL; broker = broker->next) {
        if (broker->common)
            continue;
        crash_broker(broker);
        if (!keep)
            (void)nftw(broker->data, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    }
}
