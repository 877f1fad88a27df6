#include "result.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const char *verdict_name(enum verdict_kind verdict)
{
    static const char *const names[VERDICT_COUNT] = {"pass", "fail", "warn", "skip", "error"};
    return names[verdict];
}

bool is_property(const struct conformance_test *test)
{
    return test->group != NULL;
}

const char *test_group(const struct conformance_test *test)
{
    return is_property(test) ? test->group : "conformance";
}

const char *property_word(enum verdict_kind verdict)
{
    static const char *const words[VERDICT_COUNT] = {
        [VERDICT_PASS] = "holds", [VERDICT_WARN] = "holds", [VERDICT_FAIL] = "does not hold"};
    return words[verdict] != NULL ? words[verdict] : verdict_name(verdict);
}

const char *result_word(const struct result *result)
{
    return is_property(result->test) ? property_word(result->verdict) : verdict_name(result->verdict);
}

bool starts_brokers(const struct conformance_test *test)
{
    return (test->needs & (NEEDS_PROFILE | NEEDS_RESTART)) != 0;
}

bool is_failure(const struct run *run, const struct result *result)
{
    return result->verdict == VERDICT_FAIL && (!is_property(result->test) || run->properties_must_hold);
}

static const char *or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

char *run_title(const struct run *run)
{
    const char *name = or_empty(run->broker_name);
    const char *version = or_empty(run->broker_version);
    const char *configuration = or_empty(run->broker_configuration);
    if (name[0] == '\0')
        name = run->target->url;
    size_t size = strlen(name) + strlen(version) + strlen(configuration) +
                  sizeof " ("
                         " )";
    char *title = allocate(size, 1);
    snprintf(title, size, "%s%s%s%s%s%s", name, version[0] == '\0' ? "" : " ", version,
             configuration[0] == '\0' ? "" : " (", configuration, configuration[0] == '\0' ? "" : ")");
    return title;
}

const char *run_suite_name(const struct run *run)
{
    return run->suite == NULL ? SUITE_NAME " " SUITE_VERSION : run->suite;
}

void result_section(const struct result *result, char *to, size_t size)
{
    size_t at = 0;
    if (is_property(result->test)) {
        snprintf(to, size, "%s", result->test->group);
        return;
    }
    const char *section = statement_describe(next_statement(result->test, result->version, &at))->section;
    const char *dot = strchr(section, '.');
    const char *second = dot == NULL ? NULL : strchr(dot + 1, '.');
    size_t length = second == NULL ? strlen(section) : (size_t)(second - section);
    snprintf(to, size, "%.*s", (int)length, section);
}

static int compare_sections(const void *left, const void *right)
{
    const struct section_summary *a = left;
    const struct section_summary *b = right;
    if (a->version != b->version)
        return (int)a->version - (int)b->version;
    if (a->property != b->property)
        return (int)a->property - (int)b->property;
    return strverscmp(a->section, b->section);
}

static struct section_summary *find_section(struct section_summary *sections, size_t *count,
                                            const struct result *result)
{
    struct section_summary wanted = {.version = result->version, .property = is_property(result->test)};
    result_section(result, wanted.section, sizeof wanted.section);
    for (size_t i = 0; i < *count; i++)
        if (compare_sections(&sections[i], &wanted) == 0)
            return &sections[i];
    sections[*count] = wanted;
    return &sections[(*count)++];
}

struct section_summary *section_summaries(const struct run *run, size_t *count)
{
    struct section_summary *sections = allocate(run->count, sizeof *sections);
    *count = 0;
    for (size_t i = 0; i < run->count; i++) {
        struct section_summary *section = find_section(sections, count, &run->results[i]);
        section->totals[run->results[i].verdict]++;
        section->seconds += run->results[i].seconds;
    }
    qsort(sections, *count, sizeof *sections, compare_sections);
    return sections;
}

static bool is_listed(const char *const *groups, size_t count, const char *group)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(groups[i], group) == 0)
            return true;
    return false;
}

const char **property_groups(const struct run *run, size_t *count)
{
    const char **groups = allocate(run->count, sizeof *groups);
    *count = 0;
    for (size_t i = 0; i < run->count; i++) {
        const struct conformance_test *test = run->results[i].test;
        if (is_property(test) && !is_listed(groups, *count, test->group))
            groups[(*count)++] = test->group;
    }
    return groups;
}

void property_totals(const struct run *run, const char *group, size_t totals[VERDICT_COUNT])
{
    memset(totals, 0, VERDICT_COUNT * sizeof *totals);
    for (size_t i = 0; i < run->count; i++) {
        const struct result *result = &run->results[i];
        if (result->finished && is_property(result->test) && strcmp(result->test->group, group) == 0)
            totals[result->verdict]++;
    }
}

static const struct {
    enum protocol_version version;
    const char *name;
    unsigned bit;
} versions[VERSION_COUNT] = {
    {PROTOCOL_3_1, "3.1", V31},
    {PROTOCOL_3_1_1, "3.1.1", V311},
    {PROTOCOL_5_0, "5.0", V5},
};

unsigned version_index(enum protocol_version version)
{
    return (unsigned)version - PROTOCOL_3_1;
}

enum protocol_version version_of_index(unsigned index)
{
    return versions[index].version;
}

const char *version_name(enum protocol_version version)
{
    return versions[version_index(version)].name;
}

unsigned version_bit(enum protocol_version version)
{
    return versions[version_index(version)].bit;
}

bool statement_is_of(enum statement statement, enum protocol_version version)
{
    bool of_three = strcmp(statement_describe(statement)->version, "3.1.1") == 0;
    return of_three == (version != PROTOCOL_5_0);
}

enum statement next_statement(const struct conformance_test *test, enum protocol_version version, size_t *at)
{
    while (test->statements[*at] != STATEMENT_NONE) {
        enum statement statement = test->statements[(*at)++];
        if (statement_is_of(statement, version))
            return statement;
    }
    return STATEMENT_NONE;
}

bool can_be_broken(enum statement statement)
{
    const char *level = statement_describe(statement)->level;
    return strcmp(level, "SHOULD") != 0 && strcmp(level, "MAY") != 0;
}

enum statement breakable_statement(const struct conformance_test *test, enum protocol_version version)
{
    size_t at = 0;
    enum statement statement;
    do
        statement = next_statement(test, version, &at);
    while (statement != STATEMENT_NONE && !can_be_broken(statement));
    return statement;
}

enum statement result_statement(const struct result *result)
{
    size_t at = 0;
    enum statement broken = STATEMENT_NONE;
    if (result->cited != STATEMENT_NONE)
        return result->cited;
    if (result->verdict == VERDICT_FAIL) /* no SHOULD or MAY is the reason of a failure */
        broken = breakable_statement(result->test, result->version);
    return broken != STATEMENT_NONE ? broken : next_statement(result->test, result->version, &at);
}

static void *or_die(void *memory)
{
    if (memory == NULL) {
        fputs(SUITE_NAME ": out of memory\n", stderr);
        exit(2);
    }
    return memory;
}

char *copy_text(const char *text, size_t length)
{
    char *copy = or_die(malloc(length + 1));
    if (length > 0)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

void *allocate(size_t count, size_t size)
{
    return or_die(calloc(count == 0 ? 1 : count, size));
}

void *grow(void *memory, size_t count, size_t size)
{
    return or_die(reallocarray(memory, count, size));
}

static void exchange_clear(struct exchange *exchange)
{
    free(exchange->client);
    free(exchange->text);
    free(exchange->bytes);
}

void result_begin(struct result *result, const struct conformance_test *test, enum protocol_version version)
{
    *result = (struct result){.test = test,
                              .version = version,
                              .reason = copy_text("", 0),
                              .expected = copy_text("", 0),
                              .observed = copy_text("", 0)};
}

void result_clear(struct result *result)
{
    free(result->reason);
    free(result->expected);
    free(result->observed);
    for (size_t i = 0; i < result->note_count; i++)
        free(result->notes[i]);
    free(result->notes);
    for (size_t i = 0; i < result->exchange_count; i++)
        exchange_clear(&result->exchanges[i]);
    free(result->exchanges);
    memset(result, 0, sizeof *result);
}

void left_behind_append(struct left_behind *left, const char *text, size_t length, bool session)
{
    if ((left->count & (left->count - 1)) == 0) /* room doubles at powers of two */
        left->items = grow(left->items, (left->count + 1) * 2, sizeof *left->items);
    left->items[left->count].text = copy_text(text, length);
    left->items[left->count++].session = session;
}

void left_behind_clear(struct left_behind *left)
{
    for (size_t i = 0; i < left->count; i++)
        free(left->items[i].text);
    free(left->items);
    *left = (struct left_behind){NULL, 0};
}

double run_round_trip(const struct run *run)
{
    double longest = 0;
    for (unsigned v = 0; v < VERSION_COUNT; v++)
        longest = fmax(longest, run->capabilities[v].round_trip);
    return longest;
}

double run_longest_round_trip(const struct run *run)
{
    double longest = 0;
    for (unsigned v = 0; v < VERSION_COUNT; v++)
        longest = fmax(longest, run->capabilities[v].longest_round_trip);
    return longest;
}

void run_add_loss(struct run *run, const char *sentence)
{
    run->losses = grow(run->losses, run->loss_count + 1, sizeof *run->losses);
    run->losses[run->loss_count++] = copy_text(sentence, strlen(sentence));
}

void run_clear_losses(struct run *run)
{
    for (size_t i = 0; i < run->loss_count; i++)
        free(run->losses[i]);
    free(run->losses);
    run->losses = NULL;
    run->loss_count = 0;
}

enum protocol_version best_version(const struct run *run)
{
    unsigned v = VERSION_COUNT - 1;
    while (v > 0 && !run->capabilities[v].accepted)
        v--;
    return version_of_index(v);
}

void result_begin_again(struct result *result)
{
    const struct conformance_test *test = result->test;
    enum protocol_version version = result->version;
    result_clear(result);
    result_begin(result, test, version);
}

void result_set_text(char **text, const char *value)
{
    char *copy = copy_text(value, strlen(value));
    free(*text);
    *text = copy;
}
