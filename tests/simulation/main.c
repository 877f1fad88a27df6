/* simulate: runs seeds and says what came of it.
 *
 *   simulate --seeds N [--from S]   N seeds, from S on; marks and figures
 *   simulate [--scenario N] --seed S  one seed, with everything that happens
 *   simulate --faults               plants each fault and looks whether it is noticed
 *   simulate --short                some hundred seeds and the planted faults, for `make test` */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "simulation.h"

static const char *const mark_names[MARK_COUNT] = {
#define X(name, text) [MARK_##name] = text,
    MARKS(X) STORE_MARKS(X)
#undef X
};

enum {
    FIRST_STORE_MARK = MARK_crash_in_commit,
    ENOUGH_FOR_MARKS = 1000,
    FAULT_SEEDS = 400,
    SHORT_SEEDS = 1000,
    SCENARIO_SEEDS = 200
};

struct tally {
    uint64_t seeds, failed, steps, packets;
    double seconds;
    bool memory_only;
};

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* One in eight has no store: what holds without one is looked at, too. */
static enum storage storage_of(const struct tally *tally, uint64_t seed)
{
    return tally->memory_only || seed % 8 == 7 ? STORAGE_NONE : STORAGE_PROMISED;
}

static bool run(struct world *world, struct tally *tally, uint64_t seed)
{
    world->storage = storage_of(tally, seed);
    world->steps = world->packets = 0;
    world_run(world, seed);
    tally->seeds++;
    tally->steps += world->steps + world->packets;
    tally->packets += world->packets;
    if (!world->failed)
        return true;
    tally->failed++;
    return false;
}

static void report(const struct world *world)
{
    printf("seed %" PRIu64
           " after %.3f simulated seconds: %s\n    %s\n    replay: make simulate SEED=%" PRIu64 "\n",
           world->seed, (double)world->now / 1e6, world->checker, world->violation, world->seed);
    fflush(stdout);
}

static void report_figures(const struct tally *tally)
{
    printf("%" PRIu64 " seeds in %.1f s: %.0f seeds/s, %.0f steps/s (%" PRIu64 " steps, of them %" PRIu64
           " packets), %" PRIu64 " with findings\n",
           tally->seeds, tally->seconds, (double)tally->seeds / tally->seconds,
           (double)tally->steps / tally->seconds, tally->steps, tally->packets, tally->failed);
}

/* Whether all marks were reached. */
static bool report_marks(const struct world *world, const struct tally *tally, bool show)
{
    bool all = true;
    for (unsigned i = 0; i < MARK_COUNT; i++) {
        if (i >= FIRST_STORE_MARK && tally->memory_only)
            break;
        const bool missing = world->marks[i] == 0 && tally->seeds >= ENOUGH_FOR_MARKS;
        if (show || missing)
            printf("%12" PRIu64 "  %s%s\n", world->marks[i], mark_names[i],
                   missing ? "   <-- never reached" : "");
        all &= !missing;
    }
    return all;
}

static void run_seeds(struct world *world, struct tally *tally, uint64_t from, uint64_t count)
{
    const double began = seconds();
    double shown = began;
    for (uint64_t seed = from; seed < from + count; seed++) {
        if (!run(world, tally, seed) && tally->failed <= 10)
            report(world);
        tally->seconds = seconds() - began;
        if (seconds() - shown < 5)
            continue;
        shown = seconds();
        report_figures(tally);
        fflush(stdout);
    }
}

/* Planted faults */

static bool plant(struct world *world, struct tally *tally, const struct fault *fault)
{
    world->fault = fault;
    bool noticed = false;
    uint64_t seed = 0;
    while (!noticed && ++seed <= FAULT_SEEDS) /* others may notice what follows from it; only its own count */
        noticed = !run(world, tally, seed) && fault_expects(fault, world->checker);
    world->fault = NULL;
    if (noticed)
        printf("  %-42s caught at seed %3" PRIu64 " by %s\n", fault_name(fault), seed, world->checker);
    else
        printf("  %-42s NOT NOTICED in %d seeds by the checker for it\n", fault_name(fault), FAULT_SEEDS);
    fflush(stdout);
    return noticed;
}

static unsigned plant_all(struct world *world, bool memory_only, unsigned *planted)
{
    struct tally tally = {.memory_only = memory_only};
    unsigned failed = 0;
    *planted = 0;
    puts("planted faults:");
    for (unsigned i = 0; i < fault_count; i++) {
        const struct fault *fault = fault_at(i);
        if (memory_only && fault_needs_store(fault))
            continue;
        ++*planted;
        failed += !plant(world, &tally, fault);
    }
    return failed;
}

/* A failing seed must fail again: the same seed twice says the same at the same moments. */
static bool replays(struct world *world, struct tally *tally, uint64_t seed)
{
    run(world, tally, seed);
    const uint64_t digest = world->digest;
    run(world, tally, seed + 1);
    run(world, tally, seed);
    if (digest != world->digest)
        printf("seed %" PRIu64 " does not replay\n", seed);
    return digest == world->digest;
}

static bool play(struct world *world, struct tally *tally, unsigned number)
{
    bool well = true;
    world->scenario = scenario_at(number);
    for (uint64_t seed = 1; well && seed <= SCENARIO_SEEDS; seed++)
        well = run(world, tally, seed);
    printf("  %-64s %s\n", scenario_name(world->scenario), well ? "well" : "NOT AS IT SHOULD BE");
    if (!well)
        printf("    seed %" PRIu64 ": %s: %s\n    replay: %s --scenario %u --seed %" PRIu64 "\n", world->seed,
               world->checker, world->violation, "build/simulate", number + 1, world->seed);
    world->scenario = NULL;
    return well;
}

static unsigned play_all(struct world *world, bool memory_only, unsigned *played)
{
    struct tally tally = {.memory_only = memory_only};
    unsigned failed = 0;
    puts("scenarios:");
    for (*played = 0; scenario_at(*played); ++*played)
        failed += !play(world, &tally, *played);
    return failed;
}

struct order {
    uint64_t from, seeds, seed, scenario;
    bool faults, quick, memory_only, one;
};

static bool read_order(int count, char **arguments, struct order *order)
{
    for (int i = 1; i < count; i++) {
        const char *next = i + 1 < count ? arguments[i + 1] : "0";
        if (strcmp(arguments[i], "--faults") == 0)
            order->faults = true;
        else if (strcmp(arguments[i], "--short") == 0)
            order->quick = true;
        else if (strcmp(arguments[i], "--memory") == 0)
            order->memory_only = true;
        else if (strcmp(arguments[i], "--seeds") == 0)
            order->seeds = strtoull(next, NULL, 10), i++;
        else if (strcmp(arguments[i], "--from") == 0)
            order->from = strtoull(next, NULL, 10), i++;
        else if (strcmp(arguments[i], "--scenario") == 0)
            order->scenario = strtoull(next, NULL, 10), i++;
        else if (strcmp(arguments[i], "--seed") == 0)
            order->seed = strtoull(next, NULL, 10), order->one = true, i++;
        else
            return false;
    }
    return order->one || order->faults || order->quick || order->seeds > 0;
}

static int obey(struct world *world, const struct order *order)
{
    struct tally tally = {.memory_only = order->memory_only};
    unsigned planted = 0;
    unsigned missed = 0;
    unsigned played = 0;
    unsigned wrong = 0;
    bool marks = true;
    if (order->one) {
        world->verbose = true;
        world->scenario = order->scenario ? scenario_at((unsigned)order->scenario - 1) : NULL;
        if (!run(world, &tally, order->seed))
            report(world);
    } else if (order->seeds > 0 || order->quick) {
        run_seeds(world, &tally, order->from, order->quick ? SHORT_SEEDS : order->seeds);
        report_figures(&tally);
        marks = report_marks(world, &tally, !order->quick);
        for (uint64_t seed = order->from; seed < order->from + 10; seed++)
            marks &= replays(world, &tally, seed);
    }
    if (order->seeds > 0 || order->quick)
        wrong = play_all(world, order->memory_only, &played);
    if (order->faults || order->quick)
        missed = plant_all(world, order->memory_only, &planted);
    const uint64_t failed = tally.failed + missed + wrong + !marks;
    printf("%" PRIu64 " passed, %" PRIu64 " failed, 0 skipped\n",
           tally.seeds - tally.failed + planted - missed + played - wrong + marks, failed);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int count, char **arguments)
{
    struct order order = {.from = 1};
    if (!read_order(count, arguments, &order)) {
        fputs("usage: simulate --seeds N [--from S] | [--scenario N] --seed S | --faults | --short  "
              "[--memory]\n",
              stderr);
        return 2;
    }
    struct world *world = calloc(1, sizeof *world);
    if (!world)
        return 2;
    const int status = obey(world, &order);
    free(world);
    return status;
}
