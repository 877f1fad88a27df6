/* The report for programs: one JSON object with everything that the run found. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "groups.h"
#include "report.h"
#include "trace.h"

/* Texts may hold any bytes (topics in descriptions are escaped already, but file names and errors are
 * not): what is not ASCII is passed on only as part of well-formed UTF-8. */
static void put_string(FILE *out, const char *value)
{
    size_t bad;
    bool good = utf8_check(bytes_of_text(value), &bad) == UTF8_WELL_FORMED;
    fputc('"', out);
    for (const char *at = value; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte == '"' || byte == '\\')
            fprintf(out, "\\%c", byte);
        else if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !good))
            fprintf(out, "\\u%04x", byte);
        else
            fputc(byte, out);
    }
    fputc('"', out);
}

static void put_member(FILE *out, const char *name, const char *value, const char *after)
{
    fprintf(out, "\"%s\": ", name);
    put_string(out, value);
    fputs(after, out);
}

static void put_hex(FILE *out, const struct exchange *exchange)
{
    fputc('"', out);
    for (size_t i = 0; i < exchange->length; i++)
        fprintf(out, "%02x", exchange->bytes[i]);
    fputc('"', out);
}

static void put_exchange(FILE *out, const struct exchange *exchange)
{
    static const char *const directions[] = {"sent", "received", "event"};
    fprintf(out, "{\"time\": %.6f, ", exchange->time);
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
        put_string(out, statement_describe(id)->id);
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
        put_string(out, groups[i].name);
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
    fprintf(out, "\"line\": %d, \"seconds\": %.6f,\n     \"notes\": [", result->test->line, result->seconds);
    for (size_t i = 0; i < result->note_count; i++) {
        fputs(i == 0 ? "" : ", ", out);
        put_string(out, result->notes[i]);
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

static void put_run(FILE *out, const struct run *run)
{
    fputs("{\n  ", out);
    put_member(out, "suite", SUITE_NAME " " SUITE_VERSION, ",\n  ");
    put_member(out, "target", run->target->url, ",\n  ");
    put_member(out, "transport", run->target->transport, ",\n");
    fprintf(out, "  \"seed\": %llu,\n  \"seconds\": %.3f,\n  \"summary\": {", (unsigned long long)run->seed,
            run->seconds);
    for (int i = 0; i < VERDICT_COUNT; i++)
        fprintf(out, "%s\"%s\": %zu", i == 0 ? "" : ", ", verdict_name((enum verdict_kind)i), run->totals[i]);
    fputs("},\n", out);
    put_properties(out, run);
    put_capabilities(out, run);
    fputs("  \"tests\": [", out);
    for (size_t i = 0; i < run->count; i++) {
        fputs(i == 0 ? "\n" : ",\n", out);
        put_result(out, &run->results[i]);
    }
    fputs("\n  ]\n}\n", out);
}

bool report_json_write(const struct run *run, const char *path)
{
    FILE *out = fopen(path, "we");
    bool good = out != NULL;
    if (out != NULL) {
        put_run(out, run);
        good = !ferror(out);
        good = fclose(out) == 0 && good;
    }
    if (!good) {
        fprintf(stderr, "%s: cannot write %s: %s\n", SUITE_NAME, path, strerror(errno));
    }
    return good;
}
