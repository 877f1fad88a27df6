#include "report_baseline.h"

#include <stdlib.h>

#include "report_prose.h"
#include "report_text.h"

static bool is_good(const struct result *result)
{
    return result->verdict == VERDICT_PASS || result->verdict == VERDICT_WARN;
}

static enum change change_of_new(const struct run *run, const struct result *is)
{
    if (is_failure(run, is))
        return CHANGE_WORSE;
    return is_good(is) || is->verdict == VERDICT_SKIP ? CHANGE_NONE : CHANGE_OTHER;
}

enum change change_of(const struct run *run, const struct result *was, const struct result *is)
{
    if (was == NULL)
        return change_of_new(run, is);
    if (is == NULL)
        return is_good(was) ? CHANGE_WORSE : CHANGE_OTHER;
    if (was->verdict == is->verdict)
        return CHANGE_NONE;
    if (is_good(is))
        return was->verdict == VERDICT_FAIL || was->verdict == VERDICT_ERROR ? CHANGE_BETTER : CHANGE_OTHER;
    return is_good(was) || is_failure(run, is) ? CHANGE_WORSE : CHANGE_OTHER;
}

/* ---- Finding the same test in both ---- */

static int compare_results(const void *left, const void *right)
{
    const struct result *a = *(const struct result *const *)left;
    const struct result *b = *(const struct result *const *)right;
    int names = strcmp(a->test->name, b->test->name);
    return names != 0 ? names : (int)a->version - (int)b->version;
}

static const struct result **sorted_results(const struct run *run)
{
    const struct result **sorted = allocate(run->count, sizeof *sorted);
    for (size_t i = 0; i < run->count; i++)
        sorted[i] = &run->results[i];
    qsort(sorted, run->count, sizeof *sorted, compare_results);
    return sorted;
}

static const struct result *find(const struct result *const *sorted, size_t count,
                                 const struct result *wanted)
{
    const struct result *const *found = bsearch(&wanted, sorted, count, sizeof *sorted, compare_results);
    return found == NULL ? NULL : *found;
}

/* ---- Printing ---- */

static const char *past(const struct result *was)
{
    static const char *const words[VERDICT_COUNT] = {"passed", "failed", "passed with a warning",
                                                     "was skipped", "could not be run"};
    static const char *const of_property[VERDICT_COUNT] = {"held", "did not hold", "held", "was skipped",
                                                           "could not be looked at"};
    if (was == NULL)
        return "is new";
    return is_property(was->test) ? of_property[was->verdict] : words[was->verdict];
}

static const char *present(const struct result *is)
{
    static const char *const words[VERDICT_COUNT] = {"passes", "fails", "passes with a warning", "is skipped",
                                                     "cannot be run"};
    static const char *const of_property[VERDICT_COUNT] = {"holds", "does not hold", "holds", "is skipped",
                                                           "cannot be looked at"};
    if (is == NULL)
        return "is missing";
    return is_property(is->test) ? of_property[is->verdict] : words[is->verdict];
}

static void print_change(FILE *out, enum change change, const struct result *was, const struct result *is)
{
    static const char *const words[CHANGE_COUNT] = {"", "worse", "better", "other"};
    const struct result *one = is == NULL ? was : is;
    char *why = text_clean(is == NULL ? "" : prose_reason(is), true);
    fprintf(out, "  %-6s  %-5s  %s: %s, now %s%s%s\n", words[change], version_name(one->version),
            one->test->name, past(was), present(is), why[0] == '\0' ? "" : ": ", why);
    free(why);
}

struct comparison {
    FILE *out;
    const struct run *run;
    size_t counts[CHANGE_COUNT];
};

/* Prints if it is a change of this kind, and counts it. */
static void consider(struct comparison *comparison, enum change kind, const struct result *was,
                     const struct result *is)
{
    enum change change = change_of(comparison->run, was, is);
    if (change != kind)
        return;
    comparison->counts[kind]++;
    if (kind != CHANGE_NONE)
        print_change(comparison->out, kind, was, is);
}

static void compare_all(struct comparison *comparison, const struct run *baseline,
                        const struct wishes *wishes, enum change kind)
{
    const struct run *run = comparison->run;
    const struct result **before = sorted_results(baseline);
    const struct result **now = sorted_results(run);
    for (size_t i = 0; i < run->count; i++)
        consider(comparison, kind, find(before, baseline->count, now[i]), now[i]);
    for (size_t i = 0; i < baseline->count; i++)
        if (is_selected(wishes, before[i]->test, before[i]->version) &&
            find(now, run->count, before[i]) == NULL)
            consider(comparison, kind, before[i], NULL);
    free(before);
    free(now);
}

static void print_head(FILE *out, const struct run *baseline)
{
    char *title = run_title(baseline);
    char *clean = text_clean(title, true);
    const char *started = baseline->started == NULL ? "" : baseline->started;
    fprintf(out, "\nCompared with the baseline: %s%s%s, measured with %s\n", clean,
            started[0] == '\0' ? "" : ", ", started, run_suite_name(baseline));
    free(clean);
    free(title);
}

size_t baseline_compare(FILE *out, const struct run *run, const struct run *baseline,
                        const struct wishes *wishes)
{
    struct comparison comparison = {.out = out, .run = run, .counts = {0}};
    print_head(out, baseline);
    compare_all(&comparison, baseline, wishes, CHANGE_NONE);
    compare_all(&comparison, baseline, wishes, CHANGE_OTHER);
    compare_all(&comparison, baseline, wishes, CHANGE_BETTER);
    compare_all(&comparison, baseline, wishes, CHANGE_WORSE); /* the worst comes last */
    fprintf(out, "%zu got worse, %zu got better, %zu changed otherwise, %zu as before\n",
            comparison.counts[CHANGE_WORSE], comparison.counts[CHANGE_BETTER],
            comparison.counts[CHANGE_OTHER], comparison.counts[CHANGE_NONE]);
    return comparison.counts[CHANGE_WORSE];
}
