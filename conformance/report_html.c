/* The report for readers: one page that needs no network and no other file. The page itself is
 * report/page.html with style.css and script.js; this file writes the data that the script shows, and for
 * readers without scripts a short version. What a broker sent is text in here, never markup. */
#include <search.h>
#include <stdlib.h>

#include "../src/mqtt/dissect.h"
#include "groups.h"
#include "report.h"
#include "report_assets.h"
#include "report_matrix.h"
#include "report_prose.h"
#include "report_text.h"
#include "selection.h"
#include "trace.h"

/* How much of an exchange is shown: so many entries from its beginning and from its end, where the verdict
 * fell. A test may send thousands of packets. */
struct window {
    size_t first;
    size_t last;
};

static const struct window nothing = {0, 0};
static const struct window short_window = {10, 18};
static const struct window long_window = {40, 80};
static const struct window whole_window = {400, 600};

/* Texts that recur are written once and named by number: dissections have few different lines, and many
 * packets are alike. */
struct text {
    char *text;
    size_t number;
};

struct table {
    void *tree; /* of struct text */
    struct text **in_order;
    size_t count;
};

struct page {
    FILE *out;
    const struct report_input *input;
    struct table lines;
    struct table dissections;        /* each a list of numbers of lines */
    const char *separator;           /* of the entries of an exchange */
    char **clients;                  /* borrowed */
    const struct exchange *exchange; /* whose packets are being written */
};

static int compare_texts(const void *left, const void *right)
{
    return strcmp(((const struct text *)left)->text, ((const struct text *)right)->text);
}

static size_t number_in(struct table *table, const char *text, size_t length)
{
    struct text *wanted = allocate(1, sizeof *wanted);
    *wanted = (struct text){.text = copy_text(text, length), .number = table->count};
    struct text **found = tsearch(wanted, &table->tree, compare_texts);
    if (found == NULL) {
        fputs(SUITE_NAME ": out of memory\n", stderr);
        exit(2);
    }
    if (*found != wanted) {
        free(wanted->text);
        free(wanted);
        return (*found)->number;
    }
    if ((table->count & (table->count - 1)) == 0) /* room doubles at powers of two */
        table->in_order = grow(table->in_order, (table->count + 1) * 2, sizeof(struct text *));
    table->in_order[table->count++] = wanted;
    return wanted->number;
}

static void keep_node(void *node)
{
    (void)node; /* a text, which is freed below */
}

static void clear_table(struct table *table)
{
    tdestroy(table->tree, keep_node);
    for (size_t i = 0; i < table->count; i++) {
        free(table->in_order[i]->text);
        free(table->in_order[i]);
    }
    free(table->in_order);
}

/* ---- JSON ---- */

static void put_member(FILE *out, const char *name, const char *value)
{
    fprintf(out, "\"%s\":", name);
    text_put_json(out, value == NULL ? "" : value);
}

/* A member that is left out when it is empty, with a comma before it. */
static void put_optional(FILE *out, const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    fputc(',', out);
    put_member(out, name, value);
}

/* ---- The exchange ---- */

/* A text that is put together from pieces. */
struct collector {
    char *text;
    size_t length;
};

static void collect(void *context, const char *text, size_t length)
{
    struct collector *collector = context;
    collector->text = grow(collector->text, collector->length + length + 1, 1);
    memcpy(collector->text + collector->length, text, length);
    collector->length += length;
    collector->text[collector->length] = '\0';
}

/* The number of a dissection. */
static size_t dissection_of(struct page *page, struct bytes packet, enum protocol_version version,
                            enum sender sender)
{
    struct collector text = {copy_text("", 0), 0};
    struct collector list = {copy_text("", 0), 0};
    struct dissect_sink sink = {.text = collect, .context = &text};
    struct dissect_options options = dissect_defaults();
    options.titles = true;
    dissect_packet(packet, version, sender, &options, &sink);
    for (const char *at = text.text; *at != '\0';) {
        char number[24];
        size_t length = strcspn(at, "\n");
        int digits = snprintf(number, sizeof number, "%s%zu", list.length == 0 ? "" : ",",
                              number_in(&page->lines, at, length));
        collect(&list, number, (size_t)digits);
        at += length + (at[length] == '\n');
    }
    size_t found = number_in(&page->dissections, list.text, list.length);
    free(text.text);
    free(list.text);
    return found;
}

static size_t number_of_client(const struct page *page)
{
    size_t number = 0;
    while (strcmp(page->clients[number], page->exchange->client) != 0)
        number++;
    return number;
}

/* [milliseconds, direction, client, line of text, whether something is wrong with it, dissection] */
static void put_packet(void *context, struct bytes packet, enum protocol_version version, enum sender sender)
{
    struct page *page = context;
    struct collector summary = {copy_text("", 0), 0};
    struct dissect_sink sink = {.text = collect, .context = &summary};
    struct verdict verdict = dissect_summary(packet, version, sender, NULL, &sink);
    bool cut = page->exchange->length < page->exchange->size;
    fprintf(page->out, "%s[%.1f,%d,%zu,%zu,%d,%zu]", page->separator, page->exchange->time * 1e3,
            (int)page->exchange->direction, number_of_client(page),
            number_in(&page->lines, summary.text, summary.length), verdict.refused && !cut,
            dissection_of(page, packet, version, sender));
    page->separator = ",";
    free(summary.text);
}

static void put_entry(struct page *page, const struct exchange *exchange)
{
    page->exchange = exchange;
    if (exchange->direction != DIRECTION_EVENT) {
        trace_packets(exchange, put_packet, page);
        return;
    }
    fprintf(page->out, "%s[%.1f,%d,%zu,%zu,0]", page->separator, exchange->time * 1e3,
            (int)exchange->direction, number_of_client(page),
            number_in(&page->lines, exchange->text, strlen(exchange->text)));
    page->separator = ",";
}

/* The names of a result's clients in the order of their appearance; the array is the caller's to free. */
static char **put_clients(FILE *out, const struct result *result)
{
    size_t count = 0;
    char **clients = allocate(result->exchange_count, sizeof *clients);
    fputs(",\"k\":[", out);
    for (size_t i = 0; i < result->exchange_count; i++) {
        size_t at = 0;
        while (at < count && strcmp(clients[at], result->exchanges[i].client) != 0)
            at++;
        if (at < count)
            continue;
        clients[count++] = result->exchanges[i].client;
        fputs(count > 1 ? "," : "", out);
        text_put_json(out, result->exchanges[i].client);
    }
    fputc(']', out);
    return clients;
}

static void put_exchange(struct page *page, const struct result *result, struct window window)
{
    size_t count = result->exchange_count;
    bool whole = count <= window.first + window.last + 1;
    if (count == 0)
        return;
    if (window.last == 0) {
        fprintf(page->out, ",\"o\":[0,%zu]", count);
        return;
    }
    page->clients = put_clients(page->out, result);
    page->separator = "";
    fputs(",\"x\":[", page->out);
    for (size_t i = 0; i < count; i++)
        if (whole || i < window.first || i >= count - window.last)
            put_entry(page, &result->exchanges[i]);
        else if (i == window.first) /* in place of what is left out: how many */
            fprintf(page->out, ",[%zu]", count - window.first - window.last);
    fputc(']', page->out);
    free(page->clients);
}

/* ---- Tests ---- */

static bool is_plain(const struct result *result)
{
    return result->verdict == VERDICT_PASS || result->verdict == VERDICT_SKIP;
}

/* `contested`: another broker did not pass the test, so it is of interest how this one did. */
static struct window window_for(const struct result *result, enum report_packets packets, bool contested)
{
    if (packets == PACKETS_FULL)
        return whole_window;
    if (!is_plain(result))
        return long_window;
    return packets == PACKETS_BRIEF || contested ? short_window : nothing;
}

/* The statements that the test claims for the version. */
static void put_statements(FILE *out, const struct result *result)
{
    size_t at = 0;
    const char *before = "";
    if (is_property(result->test))
        return;
    fputs(",\"i\":[", out);
    for (enum statement id; (id = next_statement(result->test, result->version, &at)) != STATEMENT_NONE;) {
        fputs(before, out);
        text_put_json(out, statement_describe(id)->id);
        before = ",";
    }
    fputc(']', out);
}

/* Numbers of the groups that the test belongs to. */
static void put_groups(FILE *out, const struct result *result)
{
    size_t count;
    const char *before = "";
    const struct group *groups = all_groups(&count);
    fputs(",\"q\":[", out);
    for (size_t i = 0; i < count; i++) {
        if (!group_has(&groups[i], result->test, result->version))
            continue;
        fprintf(out, "%s%zu", before, i);
        before = ",";
    }
    fputc(']', out);
}

static void put_result(struct page *page, size_t run, const struct result *result, bool contested)
{
    FILE *out = page->out;
    fprintf(out, "{\"b\":%zu,\"v\":%u,\"w\":%d,\"s\":%.3f", run, version_index(result->version),
            (int)result->verdict, result->seconds);
    put_optional(out, "r", result->reason);
    put_optional(out, "e", result->expected);
    put_optional(out, "a", result->observed);
    put_optional(out, "c", statement_describe(result->cited)->id);
    put_statements(out, result);
    put_groups(out, result);
    for (size_t i = 0; i < result->note_count; i++) {
        fputs(i == 0 ? ",\"n\":[" : ",", out);
        text_put_json(out, result->notes[i]);
        fputs(i + 1 == result->note_count ? "]" : "", out);
    }
    put_exchange(page, result, window_for(result, page->input->packets, contested));
    fputc('}', out);
}

/* One result of each test x version x run, those of one test side by side. */
struct placed {
    const struct result *result;
    size_t run;
    size_t order; /* of the first appearance of its name */
};

static int compare_names(const void *left, const void *right)
{
    const struct placed *a = left;
    const struct placed *b = right;
    int names = strcmp(a->result->test->name, b->result->test->name);
    return names != 0 ? names : (a->order > b->order) - (a->order < b->order);
}

static int compare_orders(const void *left, const void *right)
{
    const struct placed *a = left;
    const struct placed *b = right;
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    if (a->result->version != b->result->version)
        return (int)b->result->version - (int)a->result->version; /* the newest first */
    return (a->run > b->run) - (a->run < b->run);
}

static struct placed *gather_results(const struct report_input *input, size_t *count)
{
    size_t total = 0;
    for (size_t run = 0; run < input->count; run++)
        total += input->runs[run]->count;
    struct placed *placed = allocate(total, sizeof *placed);
    *count = 0;
    for (size_t run = 0; run < input->count; run++)
        for (size_t i = 0; i < input->runs[run]->count; i++) {
            placed[*count] = (struct placed){&input->runs[run]->results[i], run, *count};
            ++*count;
        }
    qsort(placed, total, sizeof *placed, compare_names);
    for (size_t i = 1; i < total; i++)
        if (strcmp(placed[i].result->test->name, placed[i - 1].result->test->name) == 0)
            placed[i].order = placed[i - 1].order;
    qsort(placed, total, sizeof *placed, compare_orders);
    return placed;
}

static void put_test_begin(FILE *out, const struct conformance_test *test)
{
    fputs("{", out);
    put_member(out, "n", test->name);
    fputc(',', out);
    put_member(out, "t", test->title);
    put_optional(out, "g", test->group);
    put_optional(out, "f", test->file);
    fprintf(out, ",\"l\":%d,\"r\":[", test->line);
}

/* Whether any run did not pass the test x version of placed[at]; its neighbours are those of the other runs. */
static bool is_contested(const struct placed *placed, size_t count, size_t at)
{
    const struct placed *one = &placed[at];
    while (at > 0 && placed[at - 1].order == one->order &&
           placed[at - 1].result->version == one->result->version)
        at--;
    for (; at < count && placed[at].order == one->order && placed[at].result->version == one->result->version;
         at++)
        if (!is_plain(placed[at].result))
            return true;
    return false;
}

static void put_tests(struct page *page)
{
    size_t count;
    struct placed *placed = gather_results(page->input, &count);
    fputs("\"tests\":[\n", page->out);
    for (size_t i = 0; i < count; i++) {
        bool begins = i == 0 || placed[i].order != placed[i - 1].order;
        if (begins && i > 0)
            fputs("]},\n", page->out);
        if (begins)
            put_test_begin(page->out, placed[i].result->test);
        else
            fputs(",\n", page->out);
        put_result(page, placed[i].run, placed[i].result, is_contested(placed, count, i));
    }
    fputs(count == 0 ? "]" : "]}]", page->out);
    free(placed);
}

/* ---- Everything else of the data ---- */

static void put_capabilities(FILE *out, const struct run *run)
{
    fputs(",\"capabilities\":[", out);
    for (unsigned v = 0; v < VERSION_COUNT; v++) {
        const struct capabilities *found = &run->capabilities[v];
        fprintf(out, "%s{\"accepted\":%d,\"qos\":%u,\"has\":[", v == 0 ? "" : ",", found->accepted,
                found->maximum_qos);
        const struct {
            bool there;
            const char *name;
        } features[] = {{found->retain, "retained messages"},
                        {found->wildcard, "wildcard subscriptions"},
                        {found->shared, "shared subscriptions"},
                        {found->subscription_identifier, "subscription identifiers"}};
        const char *before = "";
        for (size_t i = 0; i < sizeof features / sizeof features[0]; i++) {
            if (!features[i].there)
                continue;
            fprintf(out, "%s\"%s\"", before, features[i].name);
            before = ",";
        }
        fputc(']', out);
        put_optional(out, "refusal", found->refusal);
        fputc('}', out);
    }
    fputc(']', out);
}

static void put_run(FILE *out, const struct run *run)
{
    char *title = run_title(run);
    fputc('{', out);
    put_member(out, "title", title);
    put_optional(out, "name", run->broker_name);
    put_optional(out, "version", run->broker_version);
    put_optional(out, "configuration", run->broker_configuration);
    put_optional(out, "suite", run_suite_name(run));
    put_optional(out, "started", run->started);
    put_optional(out, "target", run->target->url);
    put_optional(out, "transport", run->target->transport);
    fprintf(out, ",\"seed\":\"%llu\",\"seconds\":%.1f", (unsigned long long)run->seed, run->seconds);
    put_capabilities(out, run);
    fputc('}', out);
    free(title);
}

/* Which statements a test of this program claims, whether it was run or not. */
static bool *claimed_statements(void)
{
    size_t count;
    bool *claimed = allocate(STATEMENT_COUNT, sizeof *claimed);
    const struct conformance_test **tests = all_tests(&count);
    for (size_t i = 0; i < count; i++)
        for (size_t s = 0; !is_property(tests[i]) && tests[i]->statements[s] != STATEMENT_NONE; s++)
            claimed[tests[i]->statements[s]] = true;
    free(tests);
    return claimed;
}

/* [id, section, level, bound, observable, gloss, counterparts, whether the suite has a test, whether it is of
 * MQTT 5.0] */
static void put_catalogue(FILE *out)
{
    bool *claimed = claimed_statements();
    fputs("\"statements\":[\n", out);
    for (unsigned id = STATEMENT_NONE + 1; id < STATEMENT_COUNT; id++) {
        const struct statement_description *description = statement_describe((enum statement)id);
        const char *const texts[] = {description->id,         description->section,    description->level,
                                     description->binds,      description->observable, description->gloss,
                                     description->counterpart};
        fputc('[', out);
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
            text_put_json(out, texts[i]);
            fputc(',', out);
        }
        fprintf(out, "%d,%d]%s\n", claimed[id], statement_is_of((enum statement)id, PROTOCOL_5_0),
                id + 1 == STATEMENT_COUNT ? "" : ",");
    }
    fputs("],\n\"sections\":[\n", out);
    for (size_t i = 0; i < section_title_count; i++) {
        fputc('[', out);
        text_put_json(out, section_titles[i].five);
        fputc(',', out);
        text_put_json(out, section_titles[i].three);
        fputc(',', out);
        text_put_json(out, section_titles[i].title);
        fputs(i + 1 == section_title_count ? "]\n" : "],\n", out);
    }
    fputs("],\n", out);
    free(claimed);
}

static void put_group_names(FILE *out)
{
    size_t count;
    const struct group *groups = all_groups(&count);
    fputs("\"groups\":[", out);
    for (size_t i = 0; i < count; i++) {
        fputs(i == 0 ? "[" : ",[", out);
        text_put_json(out, groups[i].name);
        fputc(',', out);
        text_put_json(out, groups[i].title);
        fputc(']', out);
    }
    fputs("],\n", out);
}

/* Last: until then they were gathered. */
static void put_tables(struct page *page)
{
    fputs(",\n\"lines\":[\n", page->out);
    for (size_t i = 0; i < page->lines.count; i++) {
        fputs(i == 0 ? "" : ",\n", page->out);
        text_put_json(page->out, page->lines.in_order[i]->text);
    }
    fputs("],\n\"dissections\":[\n", page->out);
    for (size_t i = 0; i < page->dissections.count; i++)
        fprintf(page->out, "%s[%s]", i == 0 ? "" : ",\n", page->dissections.in_order[i]->text);
    fputs("]", page->out);
}

static void put_data(FILE *out, const struct report_input *input)
{
    struct page page = {.out = out, .input = input};
    fputs("{\"runs\":[", out);
    for (size_t i = 0; i < input->count; i++) {
        fputs(i == 0 ? "" : ",\n", out);
        put_run(out, input->runs[i]);
    }
    fputs("],\n", out);
    put_catalogue(out);
    put_group_names(out);
    put_tests(&page);
    put_tables(&page);
    fputs("}", out);
    clear_table(&page.lines);
    clear_table(&page.dissections);
}

/* ---- Without scripts ---- */

static void put_plain_totals(FILE *out, const struct report_input *input)
{
    fputs("<table><thead><tr><th>Broker</th>", out);
    for (int i = 0; i < VERDICT_COUNT; i++)
        fprintf(out, "<th>%s</th>", verdict_name((enum verdict_kind)i));
    fputs("</tr></thead><tbody>\n", out);
    for (size_t run = 0; run < input->count; run++) {
        char *title = run_title(input->runs[run]);
        fputs("<tr><th scope=\"row\">", out);
        text_put_xml(out, title);
        fputs("</th>", out);
        for (int i = 0; i < VERDICT_COUNT; i++)
            fprintf(out, "<td>%zu</td>", input->runs[run]->totals[i]);
        fputs("</tr>\n", out);
        free(title);
    }
    fputs("</tbody></table>\n", out);
}

static void put_plain_failures(FILE *out, const struct run *run)
{
    fputs("<ul>\n", out);
    for (size_t i = 0; i < run->count; i++) {
        const struct result *result = &run->results[i];
        if (result->verdict != VERDICT_FAIL && result->verdict != VERDICT_ERROR)
            continue;
        fprintf(out, "<li><strong>%s</strong> %s, MQTT %s: ", result_word(result), result->test->name,
                version_name(result->version));
        text_put_xml(out, result->test->title);
        fputs("<br>", out);
        if (!is_property(result->test))
            fprintf(out, "[%s] ", statement_describe(result_statement(result))->id);
        text_put_xml(out, prose_reason(result));
        fputs("</li>\n", out);
    }
    fputs("</ul>\n", out);
}

static void put_plain(FILE *out, const struct report_input *input)
{
    put_plain_totals(out, input);
    for (size_t i = 0; i < input->count; i++) {
        char *title = run_title(input->runs[i]);
        fputs("<h2>", out);
        text_put_xml(out, title);
        fputs(": what did not pass</h2>\n", out);
        put_plain_failures(out, input->runs[i]);
        free(title);
    }
}

/* ---- The page ---- */

static void put_title(FILE *out, const struct report_input *input)
{
    if (input->count != 1) {
        fprintf(out, "Conformance of %zu MQTT brokers", input->count);
        return;
    }
    char *title = run_title(input->runs[0]);
    fputs("MQTT conformance of ", out);
    text_put_xml(out, title);
    free(title);
}

/* Where there are several brokers, each sentence says of which it is. */
static void put_losses_of(FILE *out, const struct run *run, bool several)
{
    char *title = run_title(run);
    for (size_t i = 0; i < run->loss_count; i++) {
        fputs("<p>", out);
        if (several) {
            text_put_xml(out, title);
            fputs(". ", out);
        }
        fputs("<strong>" PROSE_LOST "</strong> ", out);
        text_put_xml(out, run->losses[i]);
        fputs(".</p>\n", out);
    }
    free(title);
}

/* A notice that needs no script; with one, the tests that it names become links. */
static void put_losses(FILE *out, const struct report_input *input)
{
    size_t losses = 0;
    for (size_t i = 0; i < input->count; i++)
        losses += input->runs[i]->loss_count;
    if (losses == 0)
        return;
    fputs("<section id=\"losses\" aria-label=\"Losses of the server\">\n", out);
    for (size_t i = 0; i < input->count; i++)
        put_losses_of(out, input->runs[i], input->count > 1);
    fputs("</section>\n", out);
}

static void put_style(FILE *out, const struct report_input *input)
{
    (void)input;
    fputs(report_style, out);
}

static void put_script(FILE *out, const struct report_input *input)
{
    (void)input;
    fputs(report_script, out);
}

static const struct part {
    const char *mark; /* in page.html */
    void (*put)(FILE *out, const struct report_input *input);
} parts[] = {
    {"@TITLE@", put_title}, {"@STYLE@", put_style}, {"@LOSSES@", put_losses},
    {"@PLAIN@", put_plain}, {"@DATA@", put_data},   {"@SCRIPT@", put_script},
};

static const struct part *part_at(const char *at)
{
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strncmp(at, parts[i].mark, strlen(parts[i].mark)) == 0)
            return &parts[i];
    return NULL;
}

static void write_html(FILE *out, const struct report_input *input)
{
    for (const char *at = report_page; *at != '\0';) {
        const struct part *part = *at == '@' ? part_at(at) : NULL;
        if (part == NULL) {
            fputc(*at++, out);
            continue;
        }
        part->put(out, input);
        at += strlen(part->mark);
    }
}

const struct report_format report_html = {.option = "--html", .takes_many = true, .write = write_html};
