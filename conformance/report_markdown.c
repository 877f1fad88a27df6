/* The report as Markdown, as GitHub and GitLab show it: of one run its totals and what failed; of several the
 * matrix of requirements and brokers. */
#include <stdlib.h>

#include "report.h"
#include "report_matrix.h"
#include "report_prose.h"
#include "report_text.h"

/* In the order of the columns. */
static const enum verdict_kind columns[VERDICT_COUNT] = {VERDICT_PASS, VERDICT_FAIL, VERDICT_WARN,
                                                         VERDICT_SKIP, VERDICT_ERROR};

static void put_totals(FILE *out, const size_t *totals)
{
    for (int i = 0; i < VERDICT_COUNT; i++)
        fprintf(out, totals[columns[i]] == 0 ? "  |" : " %zu |", totals[columns[i]]);
    fputc('\n', out);
}

static void put_heads(FILE *out)
{
    for (int i = 0; i < VERDICT_COUNT; i++)
        fprintf(out, " %s |", verdict_name(columns[i]));
    fputs("\n", out);
}

static void put_rule(FILE *out, size_t left, size_t right)
{
    fputc('|', out);
    for (size_t i = 0; i < left + right; i++)
        fputs(i < left ? "---|" : "--:|", out);
    fputc('\n', out);
}

static void put_facts(FILE *out, const struct run *run)
{
    fputs("Target ", out);
    text_put_markdown(out, run->target->url);
    if (run->target->transport != NULL) {
        fputs(" over ", out);
        text_put_markdown(out, run->target->transport);
    }
    fputs(", measured with ", out);
    text_put_markdown(out, run_suite_name(run));
    if (run->started != NULL && run->started[0] != '\0') {
        fputs(" on ", out);
        text_put_markdown(out, run->started);
    }
    fprintf(out, " (%.1f s, seed %llu).\n\n", run->seconds, (unsigned long long)run->seed);
}

static void put_sections(FILE *out, const struct run *run)
{
    size_t count;
    struct section_summary *sections = section_summaries(run, &count);
    fputs("| MQTT | section | |", out);
    put_heads(out);
    put_rule(out, 3, VERDICT_COUNT);
    for (size_t i = 0; i < count; i++) {
        if (sections[i].property)
            continue;
        fprintf(out, "| %s | %s | ", version_name(sections[i].version), sections[i].section);
        text_put_markdown(out, prose_section_title(sections[i].section, sections[i].version));
        fputs(" |", out);
        put_totals(out, sections[i].totals);
    }
    fputs("| **all** | | |", out);
    put_totals(out, run->totals);
    fputc('\n', out);
    free(sections);
}

static void put_property_totals(FILE *out, const struct run *run)
{
    size_t count;
    const char **groups = property_groups(run, &count);
    for (size_t i = 0; i < count; i++) {
        size_t totals[VERDICT_COUNT];
        property_totals(run, groups[i], totals);
        fputs("Property ", out);
        text_put_markdown(out, groups[i]);
        fprintf(out, ": %zu of %zu hold, %zu skipped, %zu could not be looked at.\n\n", totals[VERDICT_PASS],
                totals[VERDICT_PASS] + totals[VERDICT_FAIL], totals[VERDICT_SKIP], totals[VERDICT_ERROR]);
    }
    free(groups);
}

/* `broker`: which it was, where there are several; NULL. */
static void put_losses(FILE *out, const struct run *run, const char *broker)
{
    for (size_t i = 0; i < run->loss_count; i++) {
        if (broker != NULL) {
            text_put_markdown(out, broker);
            fputs(". ", out);
        }
        fputs("**" PROSE_LOST "** ", out);
        text_put_markdown(out, run->losses[i]);
        fputs(".\n\n", out);
    }
}

static void put_line(FILE *out, const char *label, const char *text)
{
    if (text[0] == '\0')
        return;
    fprintf(out, "- **%s:** ", label);
    text_put_markdown(out, text);
    fputc('\n', out);
}

static void put_requirements(FILE *out, const struct result *result)
{
    size_t at = 0;
    enum statement id = result->cited;
    if (is_property(result->test))
        return;
    if (id == STATEMENT_NONE)
        id = next_statement(result->test, result->version, &at);
    while (id != STATEMENT_NONE) {
        fprintf(out, "- **Requirement:** \\[%s\\] ", statement_describe(id)->id);
        text_put_markdown(out, statement_describe(id)->gloss);
        fprintf(out, " (section %s)\n", statement_describe(id)->section);
        id = result->cited == STATEMENT_NONE ? next_statement(result->test, result->version, &at)
                                             : STATEMENT_NONE;
    }
}

/* A fence that is longer than any in the text. */
static size_t fence_length(const char *text)
{
    size_t longest = 2;
    for (const char *at = text; *at != '\0';) {
        size_t length = strspn(at, "`");
        longest = length > longest ? length : longest;
        at += length == 0 ? 1 : length;
    }
    return longest + 1;
}

static void put_fence(FILE *out, size_t length)
{
    for (size_t i = 0; i < length; i++)
        fputc('`', out);
}

static void put_exchange(FILE *out, const struct result *result)
{
    char *raw = prose_exchange(result);
    char *text = text_clean(raw, true);
    if (text[0] != '\0') {
        size_t fence = fence_length(text);
        fputs("\n<details><summary>The exchange</summary>\n\n", out);
        put_fence(out, fence);
        fprintf(out, "text\n%s", text);
        put_fence(out, fence);
        fputs("\n\n</details>\n", out);
    }
    free(text);
    free(raw);
}

static void put_result(FILE *out, const struct result *result, bool exchange)
{
    fprintf(out, "### %s, MQTT %s: %s\n\n", result->test->name, version_name(result->version),
            result_word(result));
    text_put_markdown(out, result->test->title);
    fputs("\n\n", out);
    put_requirements(out, result);
    put_line(out, "Expected", result->expected);
    put_line(out, "Observed", result->observed);
    if (result->observed[0] == '\0')
        put_line(out, "Reason", result->reason);
    for (size_t i = 0; i < result->note_count; i++)
        put_line(out, "Note", result->notes[i]);
    fprintf(out, "- **Source:** `%s:%d`\n", result->test->file, result->test->line);
    if (exchange)
        put_exchange(out, result);
    fputc('\n', out);
}

static size_t count_of(const struct run *run, enum verdict_kind verdict, bool properties)
{
    return properties ? run->properties[verdict] : run->totals[verdict];
}

static void put_results(FILE *out, const struct run *run, enum verdict_kind verdict, bool properties,
                        const char *title)
{
    if (count_of(run, verdict, properties) == 0)
        return;
    fprintf(out, "## %s\n\n", title);
    for (size_t i = 0; i < run->count; i++)
        if (run->results[i].verdict == verdict && is_property(run->results[i].test) == properties)
            put_result(out, &run->results[i], verdict != VERDICT_WARN);
}

/* Many rest on one cause, so a line each is enough. */
static void put_missing_properties(FILE *out, const struct run *run)
{
    if (run->properties[VERDICT_FAIL] == 0)
        return;
    fputs("## Properties that do not hold\n\nThe specification does not demand them.\n\n"
          "| group | MQTT | property | |\n|---|---|---|---|\n",
          out);
    for (size_t i = 0; i < run->count; i++) {
        const struct result *result = &run->results[i];
        if (!is_property(result->test) || result->verdict != VERDICT_FAIL)
            continue;
        fputs("| ", out);
        text_put_markdown(out, result->test->group);
        fprintf(out, " | %s | %s | ", version_name(result->version), result->test->name);
        text_put_markdown(out, prose_reason(result));
        fputs(" |\n", out);
    }
    fputc('\n', out);
}

static void write_run(FILE *out, const struct run *run)
{
    char *title = run_title(run);
    fputs("# Conformance of ", out);
    text_put_markdown(out, title);
    fputs("\n\n", out);
    free(title);
    put_facts(out, run);
    put_sections(out, run);
    put_property_totals(out, run);
    put_losses(out, run, NULL);
    put_results(out, run, VERDICT_FAIL, false, "Failures");
    put_results(out, run, VERDICT_ERROR, false, "Could not be run");
    put_results(out, run, VERDICT_WARN, false, "Warnings");
    put_missing_properties(out, run);
    put_results(out, run, VERDICT_ERROR, true, "Properties that could not be looked at");
}

/* ---- Several runs ---- */

static void put_brokers(FILE *out, const struct report_input *input)
{
    fputs("| broker | suite | date |", out);
    put_heads(out);
    put_rule(out, 3, VERDICT_COUNT);
    for (size_t i = 0; i < input->count; i++) {
        const struct run *run = input->runs[i];
        char *title = run_title(run);
        fputs("| ", out);
        text_put_markdown(out, title);
        fputs(" | ", out);
        text_put_markdown(out, run_suite_name(run));
        fputs(" | ", out);
        text_put_markdown(out, run->started == NULL ? "" : run->started);
        fputs(" |", out);
        put_totals(out, run->totals);
        free(title);
    }
    fputc('\n', out);
}

static void put_losses_of_all(FILE *out, const struct report_input *input)
{
    for (size_t i = 0; i < input->count; i++) {
        char *title = run_title(input->runs[i]);
        put_losses(out, input->runs[i], title);
        free(title);
    }
}

/* The versions that a catalogue speaks of: 5.0, or 3.1.1 and 3.1. */
static bool shares_catalogue(unsigned v, bool five)
{
    return (version_of_index(v) == PROTOCOL_5_0) == five;
}

static void put_matrix_heads(FILE *out, const struct report_input *input, bool five)
{
    size_t cells = 0;
    fputs("| requirement | |", out);
    for (size_t run = 0; run < input->count; run++)
        for (unsigned v = VERSION_COUNT; v-- > 0;) {
            if (!shares_catalogue(v, five))
                continue;
            char *title = run_title(input->runs[run]);
            fputc(' ', out);
            text_put_markdown(out, title);
            fprintf(out, five ? " |" : ", %s |", version_name(version_of_index(v)));
            free(title);
            cells++;
        }
    fputs("\n|", out);
    for (size_t i = 0; i < cells + 2; i++)
        fputs("---|", out);
    fputc('\n', out);
}

static void put_matrix_row(FILE *out, const struct matrix *matrix, enum statement statement, bool five)
{
    const struct statement_description *description = statement_describe(statement);
    fprintf(out, "| %s | ", description->id);
    text_put_markdown(out, description->gloss);
    fputs(" |", out);
    for (size_t run = 0; run < matrix->runs; run++)
        for (unsigned v = VERSION_COUNT; v-- > 0;) {
            const struct matrix_cell *cell = matrix_at(matrix, statement, run, version_of_index(v));
            if (!shares_catalogue(v, five))
                continue;
            bool bad = cell->tested && (cell->verdict == VERDICT_FAIL || cell->verdict == VERDICT_ERROR);
            fprintf(out, bad ? " **%s** |" : " %s |", cell->tested ? verdict_name(cell->verdict) : "");
        }
    fputc('\n', out);
}

static bool is_shown(const struct matrix *matrix, enum statement statement, bool five, bool differences)
{
    return statement_is_of(statement, five ? PROTOCOL_5_0 : PROTOCOL_3_1_1) &&
           (differences ? matrix_differs(matrix, statement) : matrix_has(matrix, statement));
}

static void put_matrix(FILE *out, const struct report_input *input, const struct matrix *matrix, bool five,
                       bool differences)
{
    bool any = false;
    fprintf(out, "### %s\n\n", five ? "MQTT 5.0" : "MQTT 3.1.1 and 3.1");
    for (unsigned statement = STATEMENT_NONE + 1; statement < STATEMENT_COUNT; statement++) {
        if (!is_shown(matrix, (enum statement)statement, five, differences))
            continue;
        if (!any)
            put_matrix_heads(out, input, five);
        any = true;
        put_matrix_row(out, matrix, (enum statement)statement, five);
    }
    fputs(any ? "\n" : "None.\n\n", out);
}

static void write_comparison(FILE *out, const struct report_input *input)
{
    struct matrix matrix = matrix_make(input);
    fputs("# Conformance of MQTT brokers\n\n", out);
    put_brokers(out, input);
    put_losses_of_all(out, input);
    fputs(
        "A requirement has the worst verdict of its tests; an empty cell: not tested. `error`: it could not "
        "be looked at, for instance because its test ended on a violation of another requirement.\n\n",
        out);
    fputs("## Differences\n\n", out);
    put_matrix(out, input, &matrix, true, true);
    put_matrix(out, input, &matrix, false, true);
    fputs("## All requirements that were tested\n\n", out);
    put_matrix(out, input, &matrix, true, false);
    put_matrix(out, input, &matrix, false, false);
    matrix_clear(&matrix);
}

static void write_markdown(FILE *out, const struct report_input *input)
{
    if (input->count == 1)
        write_run(out, input->runs[0]);
    else
        write_comparison(out, input);
}

const struct report_format report_markdown = {
    .option = "--markdown", .takes_many = true, .write = write_markdown};
