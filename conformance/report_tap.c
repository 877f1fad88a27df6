/* The report in the Test Anything Protocol, version 14. A warning is `ok`, and told in the diagnostic block; a
 * property that does not hold, unless properties must, is skipped, as in JUnit. */
#include <stdlib.h>

#include "report.h"
#include "report_prose.h"
#include "report_text.h"

/* Every value is a string in double quotes as JSON writes it, which is a string of YAML, too. */
static void put_value(FILE *out, const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    fprintf(out, "  %s: ", name);
    text_put_json(out, value);
    fputc('\n', out);
}

static void put_list_entry(FILE *out, const char *value)
{
    fputs("    - ", out);
    text_put_json(out, value);
    fputc('\n', out);
}

static void put_statements(FILE *out, const struct result *result)
{
    size_t at = 0;
    enum statement id = result->cited;
    if (is_property(result->test))
        return;
    fputs("  requirements:\n", out);
    if (id != STATEMENT_NONE)
        put_list_entry(out, statement_describe(id)->id);
    else
        while ((id = next_statement(result->test, result->version, &at)) != STATEMENT_NONE)
            put_list_entry(out, statement_describe(id)->id);
    put_value(out, "requirement", statement_describe(result_statement(result))->gloss);
}

static void put_exchange(FILE *out, const struct result *result)
{
    char *rest = NULL;
    char *text = prose_exchange(result);
    fputs("  exchange:\n", out);
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        put_list_entry(out, line);
    free(text);
}

/* For everything that has more to tell than its line. */
static void put_diagnostic(FILE *out, const struct result *result)
{
    bool bad = result->verdict == VERDICT_FAIL || result->verdict == VERDICT_ERROR;
    if (!bad && result->note_count == 0)
        return;
    fputs("  ---\n", out);
    put_value(out, "verdict", result_word(result));
    if (bad || result->verdict == VERDICT_WARN)
        put_statements(out, result);
    put_value(out, "reason", result->reason);
    put_value(out, "expected", result->expected);
    put_value(out, "observed", result->observed);
    if (result->note_count > 0)
        fputs("  notes:\n", out);
    for (size_t i = 0; i < result->note_count; i++)
        put_list_entry(out, result->notes[i]);
    if (bad) {
        put_value(out, "file", result->test->file);
        fprintf(out, "  line: %d\n", result->test->line);
        if (result->exchange_count > 0)
            put_exchange(out, result);
    }
    fprintf(out, "  duration_ms: %.0f\n  ...\n", result->seconds * 1e3);
}

static void put_result(FILE *out, const struct run *run, const struct result *result, size_t number)
{
    bool bad = is_failure(run, result) || result->verdict == VERDICT_ERROR;
    fprintf(out, "%s %zu - MQTT %s %s: ", bad ? "not ok" : "ok", number, version_name(result->version),
            result->test->name);
    text_put_tap(out, result->test->title);
    if (!bad && result->verdict == VERDICT_FAIL)
        fputs(" # SKIP the property does not hold", out);
    if (result->verdict == VERDICT_SKIP) {
        fputs(" # SKIP ", out);
        text_put_tap(out, result->reason);
    }
    fputc('\n', out);
    put_diagnostic(out, result);
}

static void put_losses(FILE *out, const struct run *run)
{
    for (size_t i = 0; i < run->loss_count; i++) {
        char *line = prose_loss(run, i);
        fputs("# ", out);
        text_put_tap(out, line);
        fputc('\n', out);
        free(line);
    }
}

static void write_tap(FILE *out, const struct report_input *input)
{
    const struct run *run = input->runs[0];
    char *title = run_title(run);
    fprintf(out, "TAP version 14\n1..%zu\n# ", run->count);
    text_put_tap(out, run_suite_name(run));
    fputs(", ", out);
    text_put_tap(out, title);
    fprintf(out, ", seed %llu\n", (unsigned long long)run->seed);
    put_losses(out, run);
    for (size_t i = 0; i < run->count; i++)
        put_result(out, run, &run->results[i], i + 1);
    free(title);
}

const struct report_format report_tap = {.option = "--tap", .write = write_tap};
