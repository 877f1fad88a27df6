/* etalon-conformance: measures an MQTT broker. This file is the order of events; see runner.h for how
 * tests run. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "capability.h"
#include "groups.h"
#include "options.h"
#include "report.h"
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

static int run_suite(struct run *run, const struct options *options)
{
    char problem[256] = "";
    struct runner_options runner = {.jobs = options->jobs,
                                    .patience = options->patience,
                                    .profile = options->profile,
                                    .properties_must_hold = options->properties_must_hold};
    if (!probe_target(run, &runner, selected_versions(run), problem, sizeof problem)) {
        fprintf(stderr, "%s: no MQTT broker to be measured at %s: %s\n", SUITE_NAME, run->target->url,
                problem);
        return EXIT_NOT_RUN;
    }
    bool terminal = isatty(STDOUT_FILENO) != 0;
    const char *no_colour = getenv("NO_COLOR");
    struct terminal_options output = {.progress = terminal && !options->no_progress,
                                      .verbose = options->verbose,
                                      .groups = options->wishes.groups,
                                      .group_count = options->wishes.group_count,
                                      .colour = terminal && (no_colour == NULL || no_colour[0] == '\0')};
    struct report report = report_terminal(&output);
    if (!run_tests(run, &runner, &report)) {
        fprintf(stderr, "\n%s: interrupted\n", SUITE_NAME);
        return EXIT_NOT_RUN;
    }
    bool written = true;
    for (size_t i = 0; i < options->output_count; i++)
        written = options->outputs[i].write(run, options->outputs[i].path) && written;
    return written ? exit_status(run, options) : EXIT_NOT_RUN;
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
    else
        status = select_and_run(&options);
    options_clear(&options);
    return status;
}
