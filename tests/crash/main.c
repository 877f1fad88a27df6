/* The crash test: the real broker, killed at random instants under load. See README.md
 *
 *   crash-tests --program FILE [--broker etalon|memory|mosquitto] [--kills N] [--seed N] [--keep]
 *               [--durability sync|async]
 *   crash-tests --program FILE --self-test
 *
 * The last line is "N passed, N failed, N skipped"; the exit status is 1 when something failed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "forge.h"
#include "run.h"

enum { ENOUGH_KILLS = 20, SELF_TEST_KILLS = 3, CONTROL_KILLS = 5 };

#define STALL (15 * SECOND)
#define SELF_TEST_STALL SECOND

struct options {
    struct run_options run;
    bool self_test;
};

static const char *const broker_names[BROKER_KINDS] = {
    [BROKER_ETALON] = "etalon", [BROKER_MEMORY] = "memory", [BROKER_MOSQUITTO] = "mosquitto"};

static int usage(void)
{
    fputs("usage: crash-tests [--program FILE] [--broker etalon|memory|mosquitto] [--kills N] [--seed N] "
          "[--keep]\n"
          "                   [--durability sync|async]\n"
          "       crash-tests [--program FILE] --self-test\n",
          stderr);
    return 2;
}

static bool take_broker(const char *name, enum broker_kind *kind)
{
    for (unsigned i = 0; i < BROKER_KINDS; i++) {
        if (strcmp(name, broker_names[i]) == 0) {
            *kind = (enum broker_kind)i;
            return true;
        }
    }
    return false;
}

static bool take_option(struct options *options, const char *name, const char *value)
{
    if (!value)
        return false;
    if (strcmp(name, "--program") == 0)
        options->run.program = value;
    else if (strcmp(name, "--kills") == 0)
        options->run.kills = (unsigned)strtoul(value, NULL, 10);
    else if (strcmp(name, "--seed") == 0)
        options->run.seed = strtoull(value, NULL, 10);
    else if (strcmp(name, "--durability") == 0)
        options->run.durability = value;
    else
        return strcmp(name, "--broker") == 0 && take_broker(value, &options->run.kind);
    return true;
}

static bool take_options(struct options *options, int count, char **values)
{
    for (int i = 1; i < count; i++) {
        if (strcmp(values[i], "--self-test") == 0)
            options->self_test = true;
        else if (strcmp(values[i], "--keep") == 0)
            options->run.keep = true;
        else if (!take_option(options, values[i], values[i + 1]))
            return false;
        else
            i++;
    }
    return true;
}

static int closing(unsigned passed, unsigned failed, unsigned skipped)
{
    printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
    return failed > 0 ? 1 : 0;
}

static int run_main(const struct run_options *options)
{
    struct run_result result;
    unsigned counts[3] = {0};
    static const char *const words[] = {"ok  ", "FAIL", "skip"};
    printf("%s, %u kills, seed %llu\n", options->program, options->kills, (unsigned long long)options->seed);
    run_test(options, &result);
    for (unsigned i = 0; i < CHECKS; i++) {
        unsigned long long judged = result.judged[i], failed = result.failed[i];
        unsigned word = failed > 0 ? 1 : 0;
        if (judged == 0) /* a run of some length meets everything */
            word = options->kills >= ENOUGH_KILLS ? 1 : 2;
        counts[word]++;
        printf("%s %-12s %s: ", words[word], check_name((enum check)i), check_statement((enum check)i));
        if (judged == 0)
            puts("never came up");
        else
            printf("%llu of %llu\n", judged - failed, judged);
    }
    return closing(counts[0], counts[1], counts[2]);
}

static void show_case(bool good, const char *what, const char *noticed)
{
    printf("%s %s: %s\n", good ? "ok  " : "FAIL", what, noticed);
    fflush(stdout);
}

static uint64_t failures(const struct run_result *result)
{
    uint64_t failed = 0;
    for (unsigned i = 0; i < CHECKS; i++)
        failed += result->failed[i];
    return failed;
}

static bool test_forge(struct run_options options, enum forge forge)
{
    struct run_result result;
    options.forge = forge;
    if (forge != FORGE_NOTHING)
        options.stall = SELF_TEST_STALL;
    run_test(&options, &result);
    if (forge == FORGE_NOTHING) {
        bool quiet = failures(&result) == 0;
        show_case(quiet, "nothing is forged", quiet ? "nothing is noticed" : "and yet something failed");
        return quiet;
    }
    bool noticed = result.failed[forge_check(forge)] > 0;
    show_case(result.forged && noticed, forge_name(forge),
              !result.forged ? "there was no occasion"
              : noticed      ? check_name(forge_check(forge))
                             : "not noticed");
    return result.forged && noticed;
}

/* A broker that keeps nothing must fail what this is all about. */
static bool test_control(struct run_options options)
{
    static const enum check expected[] = {CHECK_LOST_1, CHECK_LOST_2, CHECK_SESSION, CHECK_RETAINED};
    struct run_result result;
    bool good = true;
    options.kind = BROKER_MEMORY;
    options.kills = CONTROL_KILLS;
    options.stall = SELF_TEST_STALL;
    run_test(&options, &result);
    for (unsigned i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        if (result.failed[expected[i]] == 0) {
            printf("not noticed: %s\n", check_statement(expected[i]));
            good = false;
        }
    }
    show_case(good, "a broker without data directory is killed",
              good ? "what it lost is noticed" : "see above");
    return good;
}

static int self_test(const struct run_options *options)
{
    struct run_options quick = *options;
    unsigned passed = 0, failed = 0;
    quick.silent = true;
    quick.kills = SELF_TEST_KILLS;
    for (unsigned i = 0; i < FORGES; i++) {
        bool good = test_forge(quick, (enum forge)i);
        passed += good;
        failed += !good;
    }
    bool good = test_control(quick);
    return closing(passed + good, failed + !good, 0);
}

int main(int count, char **values)
{
    struct options options = {.run = {.kind = BROKER_ETALON,
                                      .program = NULL,
                                      .kills = 200,
                                      .seed = (uint64_t)time(NULL),
                                      .stall = STALL}};
    if (!take_options(&options, count, values))
        return usage();
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (options.run.kind == BROKER_MOSQUITTO && !options.run.program) {
        options.run.program = "/usr/sbin/mosquitto";
        if (access(options.run.program, X_OK) < 0) {
            puts("skip: Mosquitto is not installed");
            return closing(0, 0, 1);
        }
    }
    if (!options.run.program)
        return usage();
    return options.self_test ? self_test(&options.run) : run_main(&options.run);
}
