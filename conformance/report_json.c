/* The report for programs: one JSON object with everything that the run found. */
#include <stdio.h>
#include <stdlib.h>

#include "groups.h"
#include "report.h"
#include "report_text.h"
#include "trace.h"

static void put_member(FILE *out, const char *name, const char *value, const char *after)
{
    fprintf(out, "\"%s\": ", name);
    text_put_json(out, value);
    fputs(after, out);
}

static void put_hex(FILE *out, const struct exchange *exchange)
{
    fputc('"', out);
    for (size_t i = 0; i < exchange->length; i++)
        fprintf(out, "%02x", exchange->bytes[i]);
    fputc('"', out);
}

/* Times have all digits of the clock: reports made from this file later round them as those of the run do. */
static void put_exchange(FILE *out, const struct exchange *exchange)
{
    static const char *const directions[] = {"sent", "received", "event"};
    fprintf(out, "{\"time\": %.9f, ", exchange->time);
    put_member(out, "direction", directions[exchange->direction], ", ");
    put_member(out, "client", exchange->client, ", ");
    if (exchange->direction == DIRECTION_EVENT) {
        put_member(out, "type", "", ", ");
        put_member(out, "text", exchange->text, ", ");
    } else {
        put_member(out, "type", trace_type(bytes_of(exchange->bytes, exchange->length)), ", ");
        put_member(out, "version", version_name(exchange->version), ", ");
        fprintf(out, "\"size\": %zu, ", exchange->size);
    }
    fputs("\"hex\": ", out);
    put_hex(out, exchange);
    fputc('}', out);
}

static void put_statements(FILE *out, const struct result *result)
{
    size_t at = 0;
    const char *before = "";
    fputs("\"statements\": [", out);
    for (enum statement id; (id = next_statement(result->test, result->version, &at)) != STATEMENT_NONE;) {
        fputs(before, out);
        text_put_json(out, statement_describe(id)->id);
        before = ", ";
    }
    fputs("],\n     ", out);
    put_member(out, "violated", statement_describe(result->cited)->id, ",\n     ");
}

static void put_groups(FILE *out, const struct result *result)
{
    size_t count;
    const char *before = "";
    const struct group *groups = all_groups(&count);
    fputs("\"groups\": [", out);
    for (size_t i = 0; i < count; i++) {
        if (!group_has(&groups[i], result->test, result->version))
            continue;
        fputs(before, out);
        text_put_json(out, groups[i].name);
        before = ", ";
    }
    fputs("],\n     ", out);
}

static void put_result(FILE *out, const struct result *result)
{
    fputs("    {", out);
    put_member(out, "name", result->test->name, ", ");
    put_member(out, "version", version_name(result->version), ", ");
    put_member(out, "kind", is_property(result->test) ? "property" : "conformance", ", ");
    put_member(out, "group", test_group(result->test), ", ");
    put_member(out, "verdict", result_word(result), ",\n     ");
    put_groups(out, result);
    put_member(out, "title", result->test->title, ",\n     ");
    put_statements(out, result);
    put_member(out, "reason", result->reason, ",\n     ");
    put_member(out, "expected", result->expected, ",\n     ");
    put_member(out, "observed", result->observed, ",\n     ");
    put_member(out, "file", result->test->file, ", ");
    fprintf(out, "\"line\": %d, \"seconds\": %.9f,\n     \"notes\": [", result->test->line, result->seconds);
    for (size_t i = 0; i < result->note_count; i++) {
        fputs(i == 0 ? "" : ", ", out);
        text_put_json(out, result->notes[i]);
    }
    fputs("],\n     \"exchange\": [", out);
    for (size_t i = 0; i < result->exchange_count; i++) {
        fputs(i == 0 ? "\n       " : ",\n       ", out);
        put_exchange(out, &result->exchanges[i]);
    }
    fputs("]}", out);
}

static const char *boolean(bool value)
{
    return value ? "true" : "false";
}

static void put_capabilities(FILE *out, const struct run *run)
{
    fputs("  \"capabilities\": {", out);
    for (unsigned v = 0; v < VERSION_COUNT; v++) {
        const struct capabilities *found = &run->capabilities[v];
        fprintf(out, "%s\n    \"%s\": {\"accepted\": %s, ", v == 0 ? "" : ",",
                version_name(version_of_index(v)), boolean(found->accepted));
        put_member(out, "refusal", found->refusal, ", ");
        fprintf(out, "\"retain\": %s, \"wildcard\": %s, \"shared\": %s, \"subscription_identifier\": %s, ",
                boolean(found->retain), boolean(found->wildcard), boolean(found->shared),
                boolean(found->subscription_identifier));
        fprintf(out, "\"maximum_qos\": %u, \"topic_alias_maximum\": %u, \"receive_maximum\": %u, ",
                found->maximum_qos, found->topic_alias_maximum, found->receive_maximum);
        fprintf(out, "\"maximum_packet_size\": %u, \"server_keep_alive\": %u}", found->maximum_packet_size,
                found->server_keep_alive);
    }
    fputs("},\n", out);
}

/* A member for each group: how many of its properties hold, do not hold, and could not be looked at. */
static void put_properties(FILE *out, const struct run *run)
{
    static const enum verdict_kind shown[] = {VERDICT_PASS, VERDICT_FAIL, VERDICT_SKIP, VERDICT_ERROR};
    size_t count;
    const char **groups = property_groups(run, &count);
    fputs("  \"properties\": {", out);
    for (size_t i = 0; i < count; i++) {
        size_t totals[VERDICT_COUNT];
        property_totals(run, groups[i], totals);
        fprintf(out, "%s\"%s\": {", i == 0 ? "" : ", ", groups[i]);
        for (size_t kind = 0; kind < sizeof shown / sizeof shown[0]; kind++)
            fprintf(out, "%s\"%s\": %zu", kind == 0 ? "" : ", ", property_word(shown[kind]),
                    totals[shown[kind]]);
        fputc('}', out);
    }
    fputs("},\n", out);
    free(groups);
}

static const char *or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

static void put_broker(FILE *out, const struct run *run)
{
    fputs("\"broker\": {", out);
    put_member(out, "name", or_empty(run->broker_name), ", ");
    put_member(out, "version", or_empty(run->broker_version), ", ");
    put_member(out, "configuration", or_empty(run->broker_configuration), "},\n  ");
}

/* In words: at which tests the server went away, and what became of it. */
static void put_losses(FILE *out, const struct run *run)
{
    fputs("  \"losses\": [", out);
    for (size_t i = 0; i < run->loss_count; i++) {
        fputs(i == 0 ? "" : ", ", out);
        text_put_json(out, run->losses[i]);
    }
    fputs("],\n", out);
}

static void put_run(FILE *out, const struct run *run)
{
    fprintf(out, "{\n  \"schema\": %d,\n  ", REPORT_SCHEMA);
    put_member(out, "suite", run_suite_name(run), ",\n  ");
    put_member(out, "started", or_empty(run->started), ",\n  ");
    put_broker(out, run);
    put_member(out, "target", run->target->url, ",\n  ");
    put_member(out, "transport", or_empty(run->target->transport), ",\n");
    fprintf(out, "  \"properties_must_hold\": %s,\n", boolean(run->properties_must_hold));
    fprintf(out, "  \"seed\": %llu,\n  \"seconds\": %.9f,\n  \"summary\": {", (unsigned long long)run->seed,
            run->seconds);
    for (int i = 0; i < VERDICT_COUNT; i++)
        fprintf(out, "%s\"%s\": %zu", i == 0 ? "" : ", ", verdict_name((enum verdict_kind)i), run->totals[i]);
    fputs("},\n", out);
    put_properties(out, run);
    put_losses(out, run);
    put_capabilities(out, run);
    fputs("  \"tests\": [", out);
    for (size_t i = 0; i < run->count; i++) {
        fputs(i == 0 ? "\n" : ",\n", out);
        put_result(out, &run->results[i]);
    }
    fputs("\n  ]\n}\n", out);
}

static void write_json(FILE *out, const struct report_input *input)
{
    put_run(out, input->runs[0]);
}

const struct report_format report_json = {.option = "--json", .write = write_json};
