/* run: see run.h */
#include "run.h"

#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "forge.h"
#include "roles.h"

enum {
    EVENTS = 64,
    TICK = 10, /* ms */
    PUBLISHERS = 8,
    CYCLERS = 4,
    MAYFLIES = 4,
    WATCHERS = 2,
    SAMPLES = 4096,
    KILLS_FOR_OCCASION = 200,
    UNEXPECTED_ENDS = 3,  /* then there is no point in going on */
    ENOUGH_KILLS = 20,    /* from here on a run goes on until it has met all that it is to meet */
    LOAD_WITHOUT = 400000 /* packets, when nobody is killed */
};

/* A wait that has not ended by its event ends by this, and is a failure. */
#define PATIENCE (15 * SECOND)

/* The plan's packets may never come. */
#define LONGEST_RUN SECOND

/* When and how the broker of this run is to end. */
enum ending { ENDING_KILL, ENDING_TERM, ENDING_BOTH };

struct plan {
    enum ending ending;
    uint64_t packets; /* not before so many were received in this run */
    uint64_t delay;   /* ns, from then on: the random instant itself */
    bool armed;
    bool due;
    bool trapped; /* ends at a packet; `packets` is for the case that it does not come */
};

struct samples {
    double values[SAMPLES];
    unsigned count;
};

struct run {
    const struct run_options *options;
    struct world world;
    struct process process;
    char directory[PATH_SIZE];
    int timer;
    struct plan plan;
    uint64_t started_at, asked_to_stop_at;
    uint64_t ticked_at, next_tick, next_line, load_until;
    bool ready;    /* the port is open */
    bool answered; /* somebody got a CONNACK */
    unsigned kills, early_kills, trapped_kills, terms, busy_kills, starts, unexpected_ends;
    struct samples start_times, answer_times, inflight;
};

static uint64_t clock_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
}

static void sample(struct samples *samples, double value)
{
    if (samples->count < SAMPLES)
        samples->values[samples->count++] = value;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* `part` from 0 to 1: 0.5 is the median. */
static double quantile(struct samples *samples, double part)
{
    if (samples->count == 0)
        return 0;
    qsort(samples->values, samples->count, sizeof samples->values[0], compare);
    return samples->values[(unsigned)(part * (samples->count - 1))];
}

/* The population */

static void create_subscribers(struct run *run)
{
    static const struct {
        const char *id;
        bool v5;
        unsigned count;
        struct filter filters[FILTERS];
    } kinds[] = {
        {"subscriber-all-2", true, 3, {{"d/#", 2}, {"r/#", 2}, {"w/#", 2}}},
        {"subscriber-all-1", false, 3, {{"d/#", 1}, {"r/+", 1}, {"w/+", 1}}},
        {"subscriber-two", false, 1, {{"d/2/+", 2}}},
        {"subscriber-mixed", true, 2, {{"d/1/#", 2}, {"d/2/#", 1}}},
        {"subscriber-exact", true, 3, {{"d/2/0", 2}, {"d/2/7", 2}, {"d/1/3", 1}}},
        {"subscriber-levels", false, 3, {{"d/+/1", 2}, {"+/2/2", 2}, {"w/#", 2}}},
    };
    struct world *world = &run->world;
    struct books *books = &world->books;
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct book *book = book_create(books, kinds[i].id, true);
        world->subscribers[world->subscriber_count++] = book;
        for (unsigned j = 0; j < kinds[i].count; j++)
            book_subscribe(books, book, kinds[i].filters[j].text, kinds[i].filters[j].qos);
        subscriber_create(world, kinds[i].id, kinds[i].v5, book, kinds[i].filters, kinds[i].count);
    }
    static const struct filter shared[] = {{"$share/g/d/2/#", 2}, {"$share/g/d/1/#", 1}};
    struct book *group = book_create(books, "shared-group", false);
    world->subscribers[world->subscriber_count++] = group;
    book_subscribe(books, group, "d/2/#", 2);
    book_subscribe(books, group, "d/1/#", 1);
    subscriber_create(world, "shared-0", true, group, shared, 2);
    subscriber_create(world, "shared-1", true, group, shared, 2);
}

static void create_clients(struct run *run)
{
    struct world *world = &run->world;
    for (unsigned i = 0; i < PUBLISHERS; i++)
        publisher_create(world, i);
    mortal_create(world, 0, false, 0, 0);
    mortal_create(world, 1, true, 0, 0);
    mortal_create(world, 2, false, 7200, 0);
    mortal_create(world, 3, true, 7200, 0);
    mortal_create(world, 4, true, 7200, 3600);
    for (unsigned i = 0; i < CYCLERS; i++)
        cycler_create(world, i);
    for (unsigned i = 0; i < MAYFLIES; i++)
        mayfly_create(world, i, 1);
    for (unsigned i = 0; i < WATCHERS; i++)
        watcher_create(world, i);
    create_subscribers(run);
}

static bool all_subscribed(const struct world *world)
{
    for (unsigned i = 0; i < world->client_count; i++) {
        if (world->clients[i]->role == &subscriber_role && !subscriber_subscribed(world->clients[i]))
            return false;
    }
    return true;
}

/* Messages that clients have sent and that are not completely acknowledged. Watchers always have some. */
static unsigned inflight(const struct world *world)
{
    unsigned count = 0;
    for (unsigned i = 0; i < world->client_count; i++) {
        if (world->clients[i]->role != &watcher_role)
            count += world->clients[i]->outgoing_count;
    }
    return count;
}

/* Kills */

/* The packets at which the broker is killed, and among how many of them the one is drawn. */
static void set_trap(struct run *run)
{
    static const struct {
        enum packet_type type;
        uint32_t among;
    } baits[] = {
        {PACKET_RESERVED, 1}, {PACKET_CONNACK, 25},  {PACKET_SUBACK, 3},
        {PACKET_UNSUBACK, 2}, {PACKET_PUBACK, 400},  {PACKET_PUBREC, 400},
        {PACKET_PUBREL, 400}, {PACKET_PUBCOMP, 400}, {PACKET_PUBLISH, 2000},
    };
    struct world *world = &run->world;
    uint32_t chosen = world_random(world, sizeof baits / sizeof baits[0]);
    world->trap = (struct trap){.set = true,
                                .type = baits[chosen].type,
                                .left = 1 + world_random(world, baits[chosen].among),
                                .victim = run->process.pid};
}

static void make_plan(struct run *run)
{
    struct world *world = &run->world;
    uint32_t number = world_random(world, 100);
    struct plan plan = {.delay = world_random(world, 2000) * 1000ULL};
    if (number < 25) { /* while it starts */
        double usual = run->start_times.count ? quantile(&run->start_times, 0.5) : 10;
        plan.delay = (uint64_t)world_random(world, 1000) * (uint64_t)(usual * 1200);
    } else if (number < 45) { /* while its clients come back */
        plan.packets = world_random(world, 300);
    } else if (number < 70) { /* at a packet */
        set_trap(run);
        plan.trapped = true;
        plan.packets = 20000;
    } else { /* in full work */
        plan.packets = (uint64_t)(300 * pow(100, world_random(world, 1000) / 1000.0));
    }
    number = world_random(world, 100);
    plan.ending = number < 86 ? ENDING_KILL : number < 93 ? ENDING_TERM : ENDING_BOTH;
    if (plan.packets == 0 || plan.trapped)
        plan.ending = ENDING_KILL;
    run->plan = plan;
}

/* sleep-allowed: the delay is the random instant at which the broker is killed; nothing is waited for. */
static void arm(struct run *run, uint64_t delay)
{
    struct itimerspec time = {
        .it_value = {.tv_sec = (time_t)(delay / SECOND), .tv_nsec = (long)(delay % SECOND) + 1}};
    timerfd_settime(run->timer, 0, &time, NULL);
    run->plan.armed = true;
}

/* A lie has been noticed: the self-test knows enough. */
static bool noticed(const struct run *run)
{
    enum forge forge = run->options->forge;
    return forge != FORGE_NOTHING && run->world.books.failed[forge_check(forge)] > 0;
}

/* What comes up only now and then has come up: a lie its occasion, a check something to judge. Where
 * something has failed already, nothing more is waited for. */
static bool all_came_up(const struct run *run)
{
    static const enum check rare[] = {CHECK_STOPS, CHECK_SUBSCRIBED, CHECK_UNSUBSCRIBED, CHECK_CLEARED,
                                      CHECK_KEPT,  CHECK_EXPIRED,    CHECK_RESENT};
    if (run->options->forge != FORGE_NOTHING)
        return run->world.forged;
    for (unsigned i = 0; i < CHECKS; i++) {
        if (run->world.books.failed[i] > 0)
            return true;
    }
    for (unsigned i = 0; run->options->kills >= ENOUGH_KILLS && i < sizeof rare / sizeof rare[0]; i++) {
        if (run->world.books.judged[rare[i]] == 0)
            return false;
    }
    return true;
}

static bool load_is_over(const struct run *run)
{
    const unsigned kills = run->options->kills;
    if (noticed(run) || run->unexpected_ends >= UNEXPECTED_ENDS || run->world.phase == PHASE_SETTLE)
        return true;
    return kills > 0 && run->kills >= kills && (all_came_up(run) || run->kills >= kills + KILLS_FOR_OCCASION);
}

static void begin_settling(struct run *run)
{
    run->world.phase = PHASE_SETTLE;
    for (unsigned i = 0; i < run->world.client_count; i++) {
        if (run->world.clients[i]->back_at != UINT64_MAX)
            run->world.clients[i]->back_at = 0;
    }
}

static void start(struct run *run)
{
    struct world *world = &run->world;
    world->books.run++;
    world->packets = 0;
    world->run_confirms = 0;
    run->ready = false;
    run->answered = false;
    run->asked_to_stop_at = 0;
    run->plan = (struct plan){.packets = UINT64_MAX};
    run->started_at = world->now = clock_now();
    process_start(&run->process);
    run->starts++;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &run->process.watch};
    epoll_ctl(world->epoll, EPOLL_CTL_ADD, run->process.watch, &event);
    if (world->phase == PHASE_LOAD && run->options->kills > 0)
        make_plan(run);
    if (run->plan.packets == 0)
        arm(run, run->plan.delay);
}

/* The broker has ended, or is about to: reads what it still has sent, since an acknowledgement that has
 * left it is a promise. */
static int finish(struct run *run)
{
    struct world *world = &run->world;
    struct itimerspec never = {0};
    timerfd_settime(run->timer, 0, &never, NULL);
    world->trap.set = false;
    int status = process_wait(&run->process);
    world->port = 0;
    world->now = clock_now();
    for (unsigned i = 0; i < world->client_count; i++)
        client_finish(world->clients[i]);
    return status;
}

static void kill_now(struct run *run)
{
    unsigned under_way = inflight(&run->world);
    bool early = !run->ready;
    run->trapped_kills += run->world.trap.sprung;
    run->world.trap = (struct trap){.set = false};
    process_signal(&run->process, SIGKILL);
    int status = finish(run);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
        if (run->asked_to_stop_at == 0)
            books_judge(&run->world.books, CHECK_STARTS, false, "it had ended by itself, status %d", status);
        return;
    }
    run->kills++;
    run->early_kills += early;
    run->busy_kills += under_way > 0;
    sample(&run->inflight, under_way);
}

static void stop(struct run *run)
{
    run->world.port = 0;
    run->asked_to_stop_at = run->world.now;
    process_signal(&run->process, SIGTERM);
    if (run->plan.ending == ENDING_BOTH)
        arm(run, world_random(&run->world, 5000) * 1000ULL);
}

/* The instant has come. */
static void act(struct run *run)
{
    run->plan.due = false;
    if (run->plan.ending == ENDING_KILL || run->asked_to_stop_at != 0)
        kill_now(run);
    else
        stop(run);
}

/* The process has ended, and not by SIGKILL of ours. */
static void ended(struct run *run)
{
    int status = finish(run);
    struct books *books = &run->world.books;
    if (run->asked_to_stop_at != 0) {
        run->terms++;
        books_judge(books, CHECK_STOPS, WIFEXITED(status) && WEXITSTATUS(status) == 0,
                    "status %d after SIGTERM", status);
        return;
    }
    run->unexpected_ends++;
    books_judge(books, CHECK_STARTS, false, "it ended by itself, %s %d",
                WIFSIGNALED(status) ? "signal" : "exit status",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    if (!books->silent)
        process_show_log(&run->process);
}

/* The loop */

static void note_start(struct run *run, uint64_t moment)
{
    run->ready = true;
    books_judge(&run->world.books, CHECK_STARTS, true, "-");
    sample(&run->start_times, (double)(moment - run->started_at) / (double)MILLISECOND);
}

static void look_for_port(struct run *run)
{
    struct world *world = &run->world;
    uint16_t port = process_port(&run->process);
    if (port == 0 || run->asked_to_stop_at != 0)
        return;
    world->port = port;
    if (!run->ready && run->process.kind != BROKER_MOSQUITTO)
        note_start(run, clock_now());
}

static void show_progress(struct run *run)
{
    struct books *books = &run->world.books;
    if (run->options->silent || run->world.now < run->next_line)
        return;
    run->next_line = run->world.now + 2 * SECOND;
    uint64_t failed = 0;
    for (unsigned i = 0; i < CHECKS; i++)
        failed += books->failed[i];
    printf("%u/%u kills, %llu messages acknowledged, %llu delivered, %llu failures\n", run->kills,
           run->options->kills, (unsigned long long)books->acknowledged, (unsigned long long)books->delivered,
           (unsigned long long)failed);
    fflush(stdout);
}

static void judge_times(struct run *run)
{
    struct world *world = &run->world;
    const bool planned = run->plan.packets != UINT64_MAX && !run->plan.armed;
    if (planned && world->now - run->started_at > LONGEST_RUN) /* where much is lost, little moves */
        arm(run, 0);
    if (run->asked_to_stop_at != 0 && world->now - run->asked_to_stop_at > PATIENCE) {
        books_judge(&world->books, CHECK_STOPS, false, "still there after SIGTERM");
        kill_now(run);
    } else if (run->asked_to_stop_at == 0 && world->run_confirms == 0 &&
               world->now - run->started_at > PATIENCE) {
        books_judge(&world->books, CHECK_STARTS, false, "nobody got a CONNACK in time");
        run->unexpected_ends++;
        process_show_log(&run->process);
        kill_now(run);
    }
}

static void tick(struct run *run)
{
    struct world *world = &run->world;
    run->ticked_at = world->now;
    run->next_tick = world->now + TICK * MILLISECOND;
    look_for_port(run);
    for (unsigned i = 0; i < world->client_count; i++)
        client_tick(world->clients[i]);
    if (world->phase == PHASE_SETUP && all_subscribed(world)) {
        world->phase = PHASE_LOAD;
        run->load_until = world->total + LOAD_WITHOUT;
        if (run->options->kills > 0)
            make_plan(run);
    }
    show_progress(run);
    judge_times(run);
}

/* The first answer of this run. Of a broker that writes no port file this is also the sign that it has
 * started. */
static void note_answer(struct run *run)
{
    if (run->answered || run->world.run_confirms == 0)
        return;
    run->answered = true;
    if (!run->ready)
        note_start(run, run->world.run_confirms);
    sample(&run->answer_times, (double)(run->world.run_confirms - run->started_at) / (double)MILLISECOND);
}

static void dispatch(struct run *run, const struct epoll_event *event)
{
    if (event->data.ptr == &run->process.watch) {
        if (run->process.pid != 0)
            ended(run);
    } else if (event->data.ptr == &run->process.news) {
        look_for_port(run);
        run->next_tick = 0;
    } else if (event->data.ptr == &run->timer) {
        uint64_t expirations;
        if (read(run->timer, &expirations, sizeof expirations) > 0)
            run->plan.due = true;
    } else {
        client_ready(event->data.ptr, event->events);
    }
}

/* One turn. Returns false once the broker has ended. */
static bool turn(struct run *run)
{
    struct world *world = &run->world;
    struct epoll_event events[EVENTS];
    int count = epoll_wait(world->epoll, events, EVENTS, run->process.kind == BROKER_MOSQUITTO ? 1 : TICK);
    world->now = clock_now();
    for (int i = 0; i < count && run->process.pid != 0; i++) {
        dispatch(run, &events[i]);
        if (world->packets >= run->plan.packets && !run->plan.armed)
            arm(run, run->plan.delay);
        if (run->plan.due || world->trap.sprung)
            act(run);
    }
    if (run->process.pid == 0)
        return false;
    note_answer(run);
    if (world->now >= run->next_tick)
        tick(run);
    return run->process.pid != 0;
}

/* Whether everything that was begun has come to its end. */
static uint64_t outstanding(const struct run *run)
{
    const struct world *world = &run->world;
    uint64_t count = inflight(world);
    for (unsigned i = 0; i < world->books.book_count; i++)
        count += book_missing(&world->books, world->books.books[i]);
    for (unsigned i = 0; i < world->client_count; i++) {
        const struct client *client = world->clients[i];
        bool stays = client->back_at != UINT64_MAX;
        count += client->role == &cycler_role && !cycler_rests(client);
        count += client->role == &subscriber_role && client->state != CLIENT_ON;
        count += client->role == &publisher_role && client->state != CLIENT_ON;
        count += client->role == &mortal_role && stays;
    }
    return count;
}

static unsigned rounds_watched(const struct world *world)
{
    unsigned least = UINT32_MAX;
    for (unsigned i = 0; i < world->client_count; i++) {
        if (world->clients[i]->role == &watcher_role && watcher_rounds(world->clients[i]) < least)
            least = watcher_rounds(world->clients[i]);
    }
    return least;
}

/* Nothing new is sent; goes on until all has arrived and the watchers have seen it, or nothing moves any
 * more. */
static bool settle(struct run *run)
{
    uint64_t least = UINT64_MAX, moved_at = run->world.now;
    unsigned rounds = rounds_watched(&run->world);
    unsigned more_rounds = 2;
    while (turn(run)) {
        if (run->world.now != run->ticked_at)
            continue; /* looked at once a tick */
        uint64_t left = outstanding(run);
        bool seen = rounds_watched(&run->world) > rounds;
        if (left < least || (left == 0 && seen))
            moved_at = run->world.now;
        if (left < least)
            least = left;
        if (left == 0 && seen && more_rounds-- == 0)
            return true;
        rounds = rounds_watched(&run->world);
        if (run->world.now - moved_at > run->world.stall) {
            books_judge(&run->world.books, CHECK_ANSWERS, false, "%llu things do not come to an end",
                        (unsigned long long)left);
            return false;
        }
    }
    return false;
}

static void load(struct run *run)
{
    const struct run_options *options = run->options;
    while (!load_is_over(run)) {
        start(run);
        while (turn(run)) {
            if (options->kills == 0 && run->world.phase == PHASE_LOAD && run->world.total > run->load_until) {
                begin_settling(run);
                return;
            }
        }
    }
    begin_settling(run);
}

/* One more message in every stream, after one more kill: what comes before it now had been delivered
 * already. */
static void publish_last(struct run *run)
{
    struct world *world = &run->world;
    for (unsigned i = 0; i < world->client_count; i++) {
        if (world->clients[i]->role == &publisher_role)
            publisher_publish_last(world->clients[i]);
    }
}

static void judge_exercise(struct run *run)
{
    struct books *books = &run->world.books;
    const struct world_statistics *statistics = &run->world.statistics;
    if (run->options->kills < ENOUGH_KILLS)
        return;
    books_judge(books, CHECK_EXERCISED, statistics->published_again > 0, "no PUBLISH had to be sent again");
    books_judge(books, CHECK_EXERCISED, statistics->released_again > 0, "no PUBREL had to be sent again");
    books_judge(books, CHECK_EXERCISED, statistics->redelivered > 0, "no QoS 2 PUBLISH came again");
    books_judge(books, CHECK_EXERCISED, statistics->rereleased > 0, "no PUBREL came again");
    books_judge(books, CHECK_EXERCISED, statistics->dup_1 > 0, "no QoS 1 PUBLISH came again");
    books_judge(books, CHECK_EXERCISED, run->early_kills > 0, "no kill came while it was starting");
    books_judge(books, CHECK_EXERCISED, run->busy_kills * 2 > run->kills,
                "only %u of %u kills found it at work", run->busy_kills, run->kills);
}

static void show_summary(struct run *run)
{
    struct books *books = &run->world.books;
    const struct world_statistics *statistics = &run->world.statistics;
    printf("%u starts, %u kills (%u while starting, %u at a packet), %u stops by SIGTERM\n", run->starts,
           run->kills, run->early_kills, run->trapped_kills, run->terms);
    printf(
        "port open after: median %.1f ms, at most %.1f ms; first CONNACK: median %.1f ms, at most %.1f ms\n",
        quantile(&run->start_times, 0.5), quantile(&run->start_times, 1), quantile(&run->answer_times, 0.5),
        quantile(&run->answer_times, 1));
    printf("under way at a kill: median %.0f, at most %.0f messages of publishers\n",
           quantile(&run->inflight, 0.5), quantile(&run->inflight, 1));
    printf("%llu messages acknowledged, %llu delivered, %llu duplicates at QoS 1\n",
           (unsigned long long)books->acknowledged, (unsigned long long)books->delivered,
           (unsigned long long)books->duplicates);
    printf("sent again: %llu PUBLISH, %llu PUBREL; came again: %llu PUBLISH at QoS 1, %llu at QoS 2, %llu "
           "PUBREL\n",
           (unsigned long long)statistics->published_again, (unsigned long long)statistics->released_again,
           (unsigned long long)statistics->dup_1, (unsigned long long)statistics->redelivered,
           (unsigned long long)statistics->rereleased);
}

static int remove_entry(const char *path, const struct stat *status, int flag, struct FTW *position)
{
    (void)status;
    (void)flag;
    (void)position;
    return remove(path);
}

static void prepare(struct run *run)
{
    const char *parent = getenv("TMPDIR");
    snprintf(run->directory, sizeof run->directory, "%s/etalon-crash-XXXXXX",
             parent && *parent ? parent : "/tmp");
    if (!mkdtemp(run->directory)) {
        fprintf(stderr, "crash: %s: %s\n", run->directory, strerror(errno));
        exit(2);
    }
    struct world *world = &run->world;
    world->random = run->options->seed * 2 + 1;
    world->forge = run->options->forge;
    world->patience = PATIENCE;
    world->stall = run->options->stall;
    world->books.silent = run->options->silent;
    world->epoll = epoll_create1(EPOLL_CLOEXEC);
    run->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    run->process = (struct process){.kind = run->options->kind,
                                    .program = run->options->program,
                                    .directory = run->directory,
                                    .durability = run->options->durability};
    process_prepare(&run->process);
    struct epoll_event news = {.events = EPOLLIN, .data.ptr = &run->process.news};
    struct epoll_event timer = {.events = EPOLLIN, .data.ptr = &run->timer};
    epoll_ctl(world->epoll, EPOLL_CTL_ADD, run->process.news, &news);
    epoll_ctl(world->epoll, EPOLL_CTL_ADD, run->timer, &timer);
    create_clients(run);
}

static void release(struct run *run)
{
    struct world *world = &run->world;
    for (unsigned i = 0; i < world->client_count; i++)
        client_free(world->clients[i]);
    process_release(&run->process);
    books_free(&world->books);
    close(world->epoll);
    close(run->timer);
    if (run->options->keep)
        printf("kept: %s\n", run->directory);
    else
        nftw(run->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* One more end: by SIGTERM when the run is one without kills. */
static void end_once_more(struct run *run)
{
    if (run->options->kills > 0) {
        kill_now(run);
        return;
    }
    run->plan.ending = ENDING_TERM;
    stop(run);
    while (turn(run))
        ;
}

/* All must arrive; after one more end nothing of it may come again. */
static void conclude(struct run *run)
{
    if (run->process.pid == 0)
        start(run);
    if (!settle(run))
        return;
    end_once_more(run);
    start(run);
    if (settle(run)) {
        publish_last(run);
        settle(run);
    }
}

void run_test(const struct run_options *options, struct run_result *result)
{
    struct run *run = calloc(1, sizeof *run);
    if (!run)
        abort();
    run->options = options;
    prepare(run);
    load(run);
    if (run->unexpected_ends < UNEXPECTED_ENDS && !noticed(run))
        conclude(run);
    books_close(&run->world.books);
    judge_exercise(run);
    memcpy(result->judged, run->world.books.judged, sizeof result->judged);
    memcpy(result->failed, run->world.books.failed, sizeof result->failed);
    result->forged = run->world.forged;
    if (!options->silent)
        show_summary(run);
    release(run);
    free(run);
}
