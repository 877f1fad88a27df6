/* etalon-conformance: measures an MQTT broker. This file is the order of events; see runner.h for how
 * tests run. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "capability.h"
#include "completion.h"
#include "diagnose.h"
#include "explain.h"
#include "groups.h"
#include "options.h"
#include "report_baseline.h"
#include "report_compare.h"
#include "report_load.h"
#include "runner.h"

enum { EXIT_PASSED = 0, EXIT_FAILED = 1, EXIT_NOT_RUN = 2 };

static uint64_t random_number(void)
{
    uint64_t number;
    if (getrandom(&number, sizeof number, 0) != sizeof number) {
        perror(SUITE_NAME);
        exit(EXIT_NOT_RUN);
    }
    return number;
}

/* A name for topics and Client Identifiers that no other run has, whatever the seed: the broker may
 * remember. */
static void name_run(char *name, size_t length)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    uint64_t number = random_number();
    for (size_t i = 0; i < length; i++, number /= 36)
        name[i] = digits[number % 36];
    name[length] = '\0';
}

/* UTC, as the reports show it. */
static const char *time_now(char *to, size_t size)
{
    struct tm parts;
    time_t now = time(NULL);
    bool good = gmtime_r(&now, &parts) != NULL && strftime(to, size, "%Y-%m-%dT%H:%M:%SZ", &parts) > 0;
    return good ? to : "";
}

static int list_tests(const struct run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        const struct result *result = &run->results[i];
        size_t at = 0;
        printf("%-5s  %-44s %s", version_name(result->version), result->test->name, result->test->title);
        for (enum statement id; (id = next_statement(result->test, result->version, &at)) != STATEMENT_NONE;)
            printf(" [%s]", statement_describe(id)->id);
        printf("%s%s%s\n", is_property(result->test) ? " (" : "",
               is_property(result->test) ? result->test->group : "", is_property(result->test) ? ")" : "");
    }
    return EXIT_PASSED;
}

static unsigned selected_versions(const struct run *run)
{
    unsigned versions = 0;
    for (size_t i = 0; i < run->count; i++)
        versions |= version_bit(run->results[i].version);
    return versions;
}

static int exit_status(const struct run *run, const struct options *options)
{
    if (run->totals[VERDICT_FAIL] > 0)
        return EXIT_FAILED;
    if (options->properties_must_hold && run->properties[VERDICT_FAIL] > 0)
        return EXIT_FAILED;
    return run->totals[VERDICT_ERROR] + run->properties[VERDICT_ERROR] > 0 ? EXIT_NOT_RUN : EXIT_PASSED;
}

/* Why there is nothing to be measured; `found` is what the first probe found. */
static void tell_why(const struct run *run, const struct options *options, const char *found)
{
    char problem[1200];
    unsigned v = VERSION_COUNT - 1;
    while (v > 0 && (selected_versions(run) & version_bit(version_of_index(v))) == 0)
        v--;
    diagnose_target(run->target, version_of_index(v), options->patience, found, problem, sizeof problem);
    fprintf(stderr, "%s: no MQTT broker to be measured at %s: %s%s\n", SUITE_NAME, run->target->url, problem,
            strchr("?.!", problem[strlen(problem) - 1]) == NULL ? "." : "");
}

/* Runs the tests. False with a message on standard error when that could not be done. */
static bool measure(struct run *run, const struct options *options)
{
    char problem[256] = "";
    struct runner_options runner = {.jobs = options->jobs,
                                    .patience = options->patience,
                                    .profile = options->profile,
                                    .properties_must_hold = options->properties_must_hold};
    if (!probe_target(run, &runner, selected_versions(run), problem, sizeof problem)) {
        tell_why(run, options, problem);
        return false;
    }
    bool terminal = isatty(STDOUT_FILENO) != 0;
    const char *no_colour = getenv("NO_COLOR");
    struct terminal_options output = {.progress = terminal && !options->no_progress,
                                      .verbose = options->verbose,
                                      .groups = options->wishes.groups,
                                      .group_count = options->wishes.group_count,
                                      .colour = terminal && (no_colour == NULL || no_colour[0] == '\0')};
    struct report report = report_terminal(&output);
    char *rerun = options_for_rerun(options);
    output.rerun = rerun;
    bool ended = run_tests(run, &runner, &report);
    free(rerun);
    if (ended)
        return true;
    fprintf(stderr, "\n%s: interrupted\n", SUITE_NAME);
    return false;
}

static int conclude(const struct run *run, const struct options *options, const struct run *baseline)
{
    struct report_input input = {.runs = &run, .count = 1, .packets = options->packets};
    bool written = outputs_write(options->outputs, options->output_count, &input);
    int status = exit_status(run, options);
    if (baseline != NULL)
        status = baseline_compare(stdout, run, baseline, &options->wishes) > 0 ? EXIT_FAILED : EXIT_PASSED;
    return written ? status : EXIT_NOT_RUN;
}

static int run_suite(struct run *run, const struct options *options)
{
    struct run *baseline = NULL;
    int status = EXIT_NOT_RUN;
    char started[sizeof "2026-01-31T23:59:59Z"];
    run->started = time_now(started, sizeof started);
    if (load_baseline(options, &baseline) && outputs_open(options->outputs, options->output_count, 1) &&
        measure(run, options))
        status = conclude(run, options, baseline);
    outputs_discard(options->outputs, options->output_count);
    report_unload(baseline);
    return status;
}

/* The files are read once, before all tests. */
static bool prepare_tls(struct target *target, const struct options *options)
{
    char problem[300];
    if (!target->encrypted)
        return true;
    target->tls = tls_context_create(&options->tls, problem, sizeof problem);
    if (target->tls == NULL)
        fprintf(stderr, "%s: %s\n", SUITE_NAME, problem);
    return target->tls != NULL;
}

static int select_and_run(const struct options *options)
{
    size_t test_count;
    struct target target = {.url = ""};
    char problem[600];
    struct run run = {.target = &target,
                      .broker_name = options->broker_name,
                      .broker_version = options->broker_version,
                      .broker_configuration = options->broker_configuration,
                      .properties_must_hold = options->properties_must_hold,
                      .seed = options->has_seed ? options->seed : random_number() % 1000000};
    if (options->url != NULL && !target_parse(&target, options->url, problem, sizeof problem)) {
        fprintf(stderr, "%s: %s\n", SUITE_NAME, problem);
        return EXIT_NOT_RUN;
    }
    if (!prepare_tls(&target, options))
        return EXIT_NOT_RUN;
    name_run(run.name, 6);
    const struct conformance_test **tests = all_tests(&test_count);
    run.results = select_tests(&options->wishes, tests, test_count, &run.count);
    int status = EXIT_NOT_RUN;
    if (run.count == 0)
        fprintf(stderr, "%s: no test is selected\n", SUITE_NAME);
    else
        status = options->list ? list_tests(&run) : run_suite(&run, options);
    for (size_t i = 0; i < run.count; i++)
        result_clear(&run.results[i]);
    free(run.results);
    run_clear_losses(&run);
    free(tests);
    tls_context_destroy(target.tls);
    return status;
}

int main(int argc, char **argv)
{
    struct options options;
    int status = EXIT_NOT_RUN;
    if (!options_read(&options, argc, argv))
        status = EXIT_NOT_RUN;
    else if (options.help || options.version) {
        status = EXIT_PASSED;
        if (options.help)
            options_print_help();
        else
            printf("%s %s\n", SUITE_NAME, SUITE_VERSION);
    } else if (options.list_groups)
        status = groups_print(options.verbose) ? EXIT_PASSED : EXIT_NOT_RUN;
    else if (options.explain != NULL)
        status = explain(options.explain) ? EXIT_PASSED : EXIT_NOT_RUN;
    else if (options.completion != NULL)
        status = completion_print(options.completion) ? EXIT_PASSED : EXIT_NOT_RUN;
    else if (options.compare)
        status = compare_reports(&options) ? EXIT_PASSED : EXIT_NOT_RUN;
    else
        status = select_and_run(&options);
    options_clear(&options);
    return status;
}
