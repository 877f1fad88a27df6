#include "report_prose.h"

#include <stdlib.h>

#include "report_assets.h"
#include "trace.h"

static void print_statement(FILE *out, enum statement statement, enum protocol_version version)
{
    const struct statement_description *description = statement_describe(statement);
    fprintf(out, "Requirement  [%s] %s\n", description->id, description->gloss);
    fprintf(out, "             read section %s of MQTT %s\n", description->section,
            version == PROTOCOL_5_0 ? "5.0" : "3.1.1");
}

static void print_statements(FILE *out, const struct result *result)
{
    size_t at = 0;
    if (is_property(result->test) || result->verdict == VERDICT_ERROR)
        return;
    if (result->cited != STATEMENT_NONE) {
        print_statement(out, result->cited, result->version);
        return;
    }
    for (enum statement id; (id = next_statement(result->test, result->version, &at)) != STATEMENT_NONE;)
        print_statement(out, id, result->version);
}

void prose_print(FILE *out, const struct result *result)
{
    fprintf(out, "%s\n", result->test->title);
    print_statements(out, result);
    if (result->expected[0] != '\0')
        fprintf(out, "Expected     %s\n", result->expected);
    if (result->observed[0] != '\0')
        fprintf(out, "Observed     %s\n", result->observed);
    else if (result->reason[0] != '\0')
        fprintf(out, "Reason       %s\n", result->reason);
    for (size_t i = 0; i < result->note_count; i++)
        fprintf(out, "%s%s\n", i == 0 ? "Notes        " : "             ", result->notes[i]);
    fprintf(out, "Source       %s:%d\n", result->test->file, result->test->line);
    if (result->exchange_count == 0)
        return;
    fprintf(out, "Exchange     seconds, client, --> sent, <-- received\n");
    trace_print(out, result, false, false);
}

/* What `print` writes, as a string. */
static char *printed(void (*print)(FILE *out, const struct result *result), const struct result *result)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    if (out != NULL)
        print(out, result);
    if (out == NULL || fclose(out) != 0 || text == NULL)
        return copy_text("", 0);
    return text;
}

char *prose_of(const struct result *result)
{
    return printed(prose_print, result);
}

static void print_exchange(FILE *out, const struct result *result)
{
    trace_print(out, result, false, false);
}

char *prose_exchange(const struct result *result)
{
    return printed(print_exchange, result);
}

const char *prose_reason(const struct result *result)
{
    if (result->reason[0] != '\0')
        return result->reason;
    if (result->observed[0] != '\0')
        return result->observed;
    for (size_t i = 0; result->verdict == VERDICT_WARN && i < result->note_count; i++)
        if (strncmp(result->notes[i], "warning: ", 9) == 0)
            return result->notes[i];
    return "";
}

char *prose_loss(const struct run *run, size_t number)
{
    const char *sentence = run->losses[number];
    size_t size = sizeof PROSE_LOST " ." + strlen(sentence);
    char *line = allocate(size, 1);
    snprintf(line, size, PROSE_LOST " %s.", sentence);
    return line;
}

const char *prose_section_title(const char *section, enum protocol_version version)
{
    for (size_t i = 0; i < section_title_count; i++) {
        const struct section_title *title = &section_titles[i];
        if (strcmp(version == PROTOCOL_5_0 ? title->five : title->three, section) == 0)
            return title->title;
    }
    return "";
}
