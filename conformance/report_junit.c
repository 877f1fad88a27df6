/* The report for CI servers: JUnit XML. A <testsuite> for each section of each version, a <testcase> for each
 * test. A warning is a passed case with a word in its <system-out>; a property that does not hold, unless
 * properties must, is a skipped one: it is no failure, and to call it passed would be wrong. */
#include <stdlib.h>

#include "report.h"
#include "report_prose.h"
#include "report_text.h"

static void put_attribute(FILE *out, const char *name, const char *value)
{
    fprintf(out, " %s=\"", name);
    text_put_xml_attribute(out, value);
    fputc('"', out);
}

/* The element's name says what CI servers make of it. */
static const char *element_of(const struct run *run, const struct result *result)
{
    if (is_failure(run, result))
        return "failure";
    if (result->verdict == VERDICT_ERROR)
        return "error";
    return result->verdict == VERDICT_SKIP || result->verdict == VERDICT_FAIL ? "skipped" : NULL;
}

static void put_outcome(FILE *out, const struct run *run, const struct result *result)
{
    const char *element = element_of(run, result);
    if (element == NULL)
        return;
    fprintf(out, "      <%s", element);
    put_attribute(out, "message", prose_reason(result));
    if (element[0] == 's') {
        fputs("/>\n", out);
        return;
    }
    enum statement statement = is_property(result->test) ? STATEMENT_NONE : result_statement(result);
    put_attribute(out, "type",
                  statement == STATEMENT_NONE ? test_group(result->test) : statement_describe(statement)->id);
    fputc('>', out);
    char *text = prose_of(result);
    text_put_xml(out, text);
    free(text);
    fprintf(out, "</%s>\n", element);
}

/* Notes of what passed; those of the others are in their text. */
static void put_notes(FILE *out, const struct run *run, const struct result *result)
{
    const char *element = element_of(run, result);
    bool missing = result->verdict == VERDICT_FAIL && element[0] == 's';
    if ((element != NULL && !missing) || (result->note_count == 0 && !missing))
        return;
    fputs("      <system-out>", out);
    if (missing)
        fprintf(out, "does not hold (a property, which the specification does not demand)\n");
    for (size_t i = 0; i < result->note_count; i++) {
        text_put_xml(out, result->notes[i]);
        fputc('\n', out);
    }
    fputs("</system-out>\n", out);
}

/* Dots become dashes: Jenkins takes what stands before the last dot of a class name for its package. */
static char *without_dots(const char *text)
{
    char *copy = copy_text(text, strlen(text));
    for (char *at = copy; *at != '\0'; at++)
        if (*at == '.')
            *at = '-';
    return copy;
}

/* "mqtt-5-0.section-3-1", "mqtt-5-0.durability" */
static void put_class_name(FILE *out, const struct section_summary *section)
{
    char *version = without_dots(version_name(section->version));
    char *name = without_dots(section->section);
    fprintf(out, " classname=\"mqtt-%s.%s", version, section->property ? "" : "section-");
    text_put_xml(out, name);
    fputc('"', out);
    free(name);
    free(version);
}

static void put_case(FILE *out, const struct run *run, const struct section_summary *section,
                     const struct result *result)
{
    fputs("    <testcase", out);
    put_class_name(out, section);
    put_attribute(out, "name", result->test->name);
    fprintf(out, " time=\"%.3f\"", result->seconds);
    put_attribute(out, "file", result->test->file);
    fprintf(out, " line=\"%d\">\n", result->test->line);
    put_outcome(out, run, result);
    put_notes(out, run, result);
    fputs("    </testcase>\n", out);
}

struct counts {
    size_t tests;
    size_t failures;
    size_t errors;
    size_t skipped;
};

static bool is_of(const struct result *result, const struct section_summary *section)
{
    char name[sizeof section->section];
    result_section(result, name, sizeof name);
    return result->version == section->version && is_property(result->test) == section->property &&
           strcmp(name, section->section) == 0;
}

/* Of one section, or of the whole run (NULL). */
static struct counts count_cases(const struct run *run, const struct section_summary *section)
{
    struct counts counts = {0, 0, 0, 0};
    for (size_t i = 0; i < run->count; i++) {
        const struct result *result = &run->results[i];
        if (section != NULL && !is_of(result, section))
            continue;
        const char *element = element_of(run, result);
        counts.tests++;
        counts.failures += element != NULL && element[0] == 'f';
        counts.errors += element != NULL && element[0] == 'e';
        counts.skipped += element != NULL && element[0] == 's';
    }
    return counts;
}

static void put_counts(FILE *out, const struct run *run, struct counts counts, double seconds)
{
    fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" time=\"%.3f\"", counts.tests,
            counts.failures, counts.errors, counts.skipped, seconds);
    if (run->started != NULL && strlen(run->started) >= 19)
        fprintf(out, " timestamp=\"%.19s\"", run->started);
}

static void put_property(FILE *out, const char *name, const char *value)
{
    fputs("      <property", out);
    put_attribute(out, "name", name);
    put_attribute(out, "value", value == NULL ? "" : value);
    fputs("/>\n", out);
}

static void put_properties(FILE *out, const struct run *run, const struct section_summary *section)
{
    char seed[24];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)run->seed);
    fputs("    <properties>\n", out);
    put_property(out, "suite", run_suite_name(run));
    put_property(out, "broker", run->broker_name);
    put_property(out, "broker.version", run->broker_version);
    put_property(out, "broker.configuration", run->broker_configuration);
    put_property(out, "target", run->target->url);
    put_property(out, "transport", run->target->transport);
    put_property(out, "mqtt", version_name(section->version));
    put_property(out, "seed", seed);
    fputs("    </properties>\n", out);
}

/* What happened to the server bears on every suite, and a reader of one may see no other. */
static void put_losses(FILE *out, const struct run *run)
{
    if (run->loss_count == 0)
        return;
    fputs("    <system-out>", out);
    for (size_t i = 0; i < run->loss_count; i++) {
        char *line = prose_loss(run, i);
        text_put_xml(out, line);
        fputc('\n', out);
        free(line);
    }
    fputs("</system-out>\n", out);
}

static void put_suite(FILE *out, const struct run *run, const struct section_summary *section, size_t number)
{
    char name[160];
    const char *title = prose_section_title(section->section, section->version);
    snprintf(name, sizeof name, "MQTT %s, %s%s%s%s", version_name(section->version),
             section->property ? "property " : "section ", section->section, title[0] == '\0' ? "" : " ",
             title);
    fprintf(out, "  <testsuite id=\"%zu\"", number);
    put_attribute(out, "name", name);
    put_counts(out, run, count_cases(run, section), section->seconds);
    fputs(">\n", out);
    put_properties(out, run, section);
    for (size_t i = 0; i < run->count; i++)
        if (is_of(&run->results[i], section))
            put_case(out, run, section, &run->results[i]);
    put_losses(out, run);
    fputs("  </testsuite>\n", out);
}

static void write_junit(FILE *out, const struct report_input *input)
{
    size_t count;
    const struct run *run = input->runs[0];
    struct section_summary *sections = section_summaries(run, &count);
    char *title = run_title(run);
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites", out);
    put_attribute(out, "name", title);
    struct counts counts = count_cases(run, NULL);
    fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" time=\"%.3f\">\n", counts.tests,
            counts.failures, counts.errors, run->seconds);
    for (size_t i = 0; i < count; i++)
        put_suite(out, run, &sections[i], i);
    fputs("</testsuites>\n", out);
    free(title);
    free(sections);
}

const struct report_format report_junit = {.option = "--junit", .write = write_junit};
