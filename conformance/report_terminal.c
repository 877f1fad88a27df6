/* The report for people at a terminal: progress while it runs, then what failed and why, then a summary. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "groups.h"
#include "report.h"
#include "report_prose.h"
#include "trace.h"

/* Colours by verdict, in the order of enum verdict_kind; the report needs no others. */
static const char *const colours[VERDICT_COUNT] = {"\033[32m", "\033[31m", "\033[33m", "\033[36m",
                                                   "\033[35m"};
#define COLOUR_END "\033[0m"
#define ERASE_LINE "\r\033[K"
#define NEAR 0.005        /* seconds of a round trip that are not worth a line */
#define ESTIMATE_FROM 20U /* tests, before which nothing is said on the time that is left */

static struct terminal_options *options_of(void *context)
{
    return context;
}

static void print_verdict(const struct terminal_options *options, const struct result *result)
{
    if (options->colour)
        printf("%s%-5s%s", colours[result->verdict], result_word(result), COLOUR_END);
    else
        printf("%-5s", result_word(result));
}

static size_t finished_count(const struct run *run)
{
    size_t count = 0;
    for (int i = 0; i < VERDICT_COUNT; i++)
        count += run->totals[i] + run->properties[i];
    return count;
}

static double seconds_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* "  about 12 s left", as soon as enough tests have ended to tell; they take each other's time, so it is rough. */
static const char *time_left(const struct terminal_options *options, const struct run *run, char *text,
                             size_t size)
{
    size_t left = run->count - finished_count(run);
    text[0] = '\0';
    if (options->ran >= ESTIMATE_FROM && left > 0)
        snprintf(text, size, "  about %.0f s left",
                 (seconds_now() - options->begun) * (double)left / (double)options->ran + 0.5);
    return text;
}

static void print_progress(const struct terminal_options *options, const struct run *run, const char *name)
{
    char left[40];
    if (!options->progress)
        return;
    printf(ERASE_LINE "%zu/%zu  fail %zu  error %zu%s  %.40s", finished_count(run), run->count,
           run->totals[VERDICT_FAIL], run->totals[VERDICT_ERROR], time_left(options, run, left, sizeof left),
           name);
    fflush(stdout);
}

static void begin(void *context, const struct run *run)
{
    struct terminal_options *options = options_of(context);
    options->begun = seconds_now();
    printf("%s %s, target %s, over %s, seed %llu, %zu tests\n", SUITE_NAME, SUITE_VERSION, run->target->url,
           run->target->transport, (unsigned long long)run->seed, run->count);
    for (unsigned v = 0; v < VERSION_COUNT; v++) {
        const struct capabilities *found = &run->capabilities[v];
        if (!found->accepted && found->refusal[0] != '\0')
            printf("  MQTT %-5s  not spoken: %s\n", version_name(version_of_index(v)), found->refusal);
        else if (found->accepted)
            printf("  MQTT %-5s  maximum QoS %u%s%s%s%s%s\n", version_name(version_of_index(v)),
                   found->maximum_qos, found->retain ? ", retain" : "", found->wildcard ? ", wildcards" : "",
                   found->shared ? ", shared subscriptions" : "",
                   found->subscription_identifier ? ", subscription identifiers" : "",
                   found->topic_alias_maximum > 0 ? ", topic aliases" : "");
    }
    if (run_round_trip(run) > NEAR)
        printf("  a round trip takes %.3f s, at worst %.3f s\n", run_round_trip(run),
               run_longest_round_trip(run));
    print_progress(options, run, "");
}

static void started(void *context, const struct run *run, const struct result *result)
{
    print_progress(options_of(context), run, result->test->name);
}

static void ended(void *context, const struct run *run, const struct result *result)
{
    struct terminal_options *options = options_of(context);
    options->ran += result->begun;
    if (options->verbose) {
        if (options->progress)
            printf(ERASE_LINE);
        print_verdict(options, result);
        printf(" %-5s  %-48s %7.3f s%s%s\n", version_name(result->version), result->test->name,
               result->seconds, result->reason[0] == '\0' ? "" : "  ", result->reason);
        if (result->verdict != VERDICT_FAIL &&
            result->verdict != VERDICT_ERROR) /* these are shown whole below */
            for (size_t i = 0; i < result->note_count; i++)
                printf("             - %s\n", result->notes[i]);
    }
    print_progress(options, run, result->test->name);
}

static void print_statement(enum statement statement, enum protocol_version version)
{
    const struct statement_description *description = statement_describe(statement);
    printf("    Requirement  [%s] %s\n", description->id, description->gloss);
    printf("                 read section %s of MQTT %s\n", description->section,
           version == PROTOCOL_5_0 ? "5.0" : "3.1.1");
}

static void print_statements(const struct result *result)
{
    size_t at = 0;
    if (result->cited != STATEMENT_NONE) {
        print_statement(result->cited, result->version);
        return;
    }
    for (enum statement id; (id = next_statement(result->test, result->version, &at)) != STATEMENT_NONE;)
        print_statement(id, result->version);
}

static void print_result(const struct terminal_options *options, const struct result *result)
{
    printf("\n");
    print_verdict(options, result);
    printf(" %s (MQTT %s): %s\n", result->test->name, version_name(result->version), result->test->title);
    if (result->verdict != VERDICT_ERROR && !is_property(result->test))
        print_statements(result);
    if (result->expected[0] != '\0')
        printf("    Expected     %s\n", result->expected);
    if (result->observed[0] != '\0')
        printf("    Observed     %s\n", result->observed);
    else if (result->reason[0] != '\0')
        printf("    Reason       %s\n", result->reason);
    for (size_t i = 0; i < result->note_count; i++)
        printf("    %s%s\n", i == 0 ? "Notes        " : "             ", result->notes[i]);
    printf("    Source       %s:%d\n", result->test->file, result->test->line);
    if (result->verdict == VERDICT_WARN || result->exchange_count == 0)
        return;
    printf("    Exchange     seconds, client, --> sent, <-- received\n");
    trace_print(stdout, result, options->verbose, options->colour);
}

static void print_totals(const struct terminal_options *options, const size_t *totals)
{
    for (int i = 0; i < VERDICT_COUNT; i++) {
        bool marked = options->colour && totals[i] > 0;
        printf("%s%6zu%s", marked ? colours[i] : "", totals[i], marked ? COLOUR_END : "");
    }
    printf("\n");
}

/* These are shown in a place of their own. */
static bool does_not_hold(const struct result *result)
{
    return is_property(result->test) && result->verdict == VERDICT_FAIL;
}

/* What was seen instead, in a line for each: many properties rest on one cause, so the packets are shown only
 * on request (--verbose). */
static void print_missing_properties(const struct terminal_options *options, const struct run *run)
{
    if (run->properties[VERDICT_FAIL] == 0)
        return;
    printf("\nProperties that the specification does not demand, and that this broker does not have:\n");
    for (size_t i = 0; i < run->count; i++) {
        const struct result *result = &run->results[i];
        if (!does_not_hold(result))
            continue;
        if (options->verbose)
            print_result(options, result);
        else
            printf("  %-5s  %s: %s\n", version_name(result->version), result->test->name, result->reason);
    }
}

/* "durability: 24 of 26 properties hold" */
static void print_property_totals(const struct run *run)
{
    size_t count;
    const char **groups = property_groups(run, &count);
    for (size_t i = 0; i < count; i++) {
        size_t totals[VERDICT_COUNT];
        property_totals(run, groups[i], totals);
        size_t seen = totals[VERDICT_PASS] + totals[VERDICT_FAIL];
        if (seen == 0)
            printf("%s: not looked at", groups[i]);
        else
            printf("%s: %zu of %zu properties hold", groups[i], totals[VERDICT_PASS], seen);
        if (totals[VERDICT_SKIP] > 0)
            printf(", %zu skipped", totals[VERDICT_SKIP]);
        if (totals[VERDICT_ERROR] > 0)
            printf(", %zu could not be run", totals[VERDICT_ERROR]);
        printf("\n");
    }
    free(groups);
}

static void print_sections(const struct terminal_options *options, const struct run *run)
{
    size_t count;
    struct section_summary *sections = section_summaries(run, &count);
    printf("\n  version  section");
    for (int i = 0; i < VERDICT_COUNT; i++)
        printf("%6s", verdict_name((enum verdict_kind)i));
    printf("\n");
    for (size_t i = 0; i < count; i++) {
        if (sections[i].property)
            continue;
        printf("  %-8s %-7s", version_name(sections[i].version), sections[i].section);
        print_totals(options, sections[i].totals);
    }
    printf("  %-16s", "all");
    print_totals(options, run->totals);
    free(sections);
}

static bool counts_group(const struct terminal_options *options, const char *name)
{
    for (size_t i = 0; i < options->group_count; i++)
        if (strcmp(options->groups[i], name) == 0)
            return true;
    return options->verbose && options->group_count == 0;
}

/* A test is counted in every group that it belongs to. A property that does not hold counts as a failure. */
static void print_group(const struct terminal_options *options, const struct run *run,
                        const struct group *group)
{
    size_t totals[VERDICT_COUNT] = {0};
    size_t count = 0;
    for (size_t i = 0; i < run->count; i++)
        if (group_has(group, run->results[i].test, run->results[i].version)) {
            totals[run->results[i].verdict]++;
            count++;
        }
    if (count == 0)
        return;
    printf("  %-16s", group->name);
    print_totals(options, totals);
}

static void print_groups(const struct terminal_options *options, const struct run *run)
{
    size_t count;
    const struct group *groups = all_groups(&count);
    if (options->group_count == 0 && !options->verbose)
        return;
    printf("\n  group           ");
    for (int i = 0; i < VERDICT_COUNT; i++)
        printf("%6s", verdict_name((enum verdict_kind)i));
    printf("\n");
    for (size_t i = 0; i < count; i++)
        if (counts_group(options, groups[i].name))
            print_group(options, run, &groups[i]);
}

static bool looks_at_conformance(const struct run *run)
{
    for (size_t i = 0; i < run->count; i++)
        if (!is_property(run->results[i].test))
            return true;
    return false;
}

/* Once more, a line for each, with the command that runs just this test again. */
static void print_bad_again(const struct terminal_options *options, const struct run *run)
{
    bool any = false;
    for (size_t i = 0; i < run->count; i++) {
        const struct result *result = &run->results[i];
        if (does_not_hold(result) || (result->verdict != VERDICT_FAIL && result->verdict != VERDICT_ERROR))
            continue;
        printf("%s", any ? "" : "\n");
        any = true;
        print_verdict(options, result);
        printf("  %s -v -V %s -t %s%s %s\n", SUITE_NAME, version_name(result->version), result->test->name,
               options->rerun == NULL ? "" : options->rerun, run->target->url);
    }
}

static void print_losses(const struct run *run)
{
    for (size_t i = 0; i < run->loss_count; i++) {
        char *line = prose_loss(run, i);
        printf("%s\n", line);
        free(line);
    }
}

static void print_summary(const struct terminal_options *options, const struct run *run)
{
    if (looks_at_conformance(run))
        print_sections(options, run);
    print_groups(options, run);
    print_missing_properties(options, run);
    print_bad_again(options, run);
    printf("\n");
    print_losses(run);
    print_property_totals(run);
    printf("%zu passed, %zu failed, %zu skipped", run->totals[VERDICT_PASS] + run->totals[VERDICT_WARN],
           run->totals[VERDICT_FAIL], run->totals[VERDICT_SKIP]);
    if (run->totals[VERDICT_WARN] > 0)
        printf(", %zu of those passed with warnings", run->totals[VERDICT_WARN]);
    if (run->totals[VERDICT_ERROR] > 0)
        printf(", %zu could not be run", run->totals[VERDICT_ERROR]);
    printf(" (over %s, %.1f s, seed %llu)\n", run->target->transport, run->seconds,
           (unsigned long long)run->seed);
}

static void end(void *context, const struct run *run)
{
    static const enum verdict_kind shown[] = {VERDICT_WARN, VERDICT_ERROR,
                                              VERDICT_FAIL}; /* the worst comes last */
    const struct terminal_options *options = options_of(context);
    if (options->progress)
        printf(ERASE_LINE);
    for (size_t kind = 0; kind < sizeof shown / sizeof shown[0]; kind++)
        for (size_t i = 0; i < run->count; i++)
            if (run->results[i].verdict == shown[kind] && !does_not_hold(&run->results[i]))
                print_result(options, &run->results[i]);
    print_summary(options, run);
    fflush(stdout);
}

struct report report_terminal(struct terminal_options *options)
{
    return (struct report){
        .begin = begin, .started = started, .ended = ended, .end = end, .context = options};
}
