#include "explain.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "../src/host/nearest.h"
#include "explain_data.h"
#include "groups.h"
#include "report_assets.h"
#include "result.h"
#include "selection.h"

#define LINE_WIDTH 100
#define LABEL_WIDTH 13

/* ---- Paragraphs ---------------------------------------------------------------------------------------------- */

/* Prints `text` in lines of LINE_WIDTH, all but the first behind `indent` blanks; the first begins at `column`. */
static void print_folded(const char *text, size_t column, size_t indent)
{
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (column > indent && column + 1 + length > LINE_WIDTH) {
            printf("\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            putchar(' ');
            column++;
        }
        printf("%.*s", (int)length, text);
        column += length;
        text += length;
        text += strspn(text, " ");
    }
    putchar('\n');
}

/* A line "  Label        text"; without a label the text stands below the one before. */
static void print_field(const char *label, const char *text)
{
    if (text[0] == '\0')
        return;
    printf("  %-*s", LABEL_WIDTH, label);
    print_folded(text, 2 + LABEL_WIDTH, 2 + LABEL_WIDTH);
}

/* "name: sentence", folded deeper. */
static void print_item(const char *label, const char *name, const char *sentence)
{
    char text[2048];
    snprintf(text, sizeof text, "%s: %s", name, sentence);
    printf("  %-*s", LABEL_WIDTH, label);
    print_folded(text, 2 + LABEL_WIDTH, 4 + LABEL_WIDTH);
}

/* ---- Statements ---------------------------------------------------------------------------------------------- */

static bool is_of_three(enum statement statement)
{
    return strncmp(statement_describe(statement)->id, "MQTT3-", 6) == 0;
}

static const char *title_of_section(const char *section, bool three)
{
    for (size_t i = 0; i < section_title_count; i++)
        if (strcmp(three ? section_titles[i].three : section_titles[i].five, section) == 0)
            return section_titles[i].title;
    return "";
}

static void print_where(enum statement statement)
{
    char text[300];
    const char *section = statement_describe(statement)->section;
    bool three = is_of_three(statement);
    snprintf(text, sizeof text, "section %s %s of MQTT %s", section, title_of_section(section, three),
             three ? "3.1.1" : "5.0");
    print_field("Read", text);
}

static const char *observable_in_words(const char *observable)
{
    static const char *const words[][2] = {
        {"server", "in what a server does"},
        {"reaction", "in what a server does when a client breaks it"},
        {"client-only", "nowhere in a server: it binds the client alone"},
        {"internal", "not from outside: no test can show it"},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(observable, words[i][0]) == 0)
            return words[i][1];
    return observable;
}

static void print_counterparts(enum statement statement)
{
    char list[200];
    const char *label = is_of_three(statement) ? "In 5.0" : "In 3.1.1";
    snprintf(list, sizeof list, "%s", statement_describe(statement)->counterpart);
    char *rest = list;
    for (const char *id; (id = strsep(&rest, " ")) != NULL; label = "") {
        enum statement other = statement_find(id);
        if (other != STATEMENT_NONE)
            print_item(label, id, statement_describe(other)->gloss);
    }
}

static bool is_listed(const uint16_t *statements, enum statement statement)
{
    for (size_t i = 0; statements[i] != STATEMENT_NONE; i++)
        if (statements[i] == statement)
            return true;
    return false;
}

static void print_tests_of(enum statement statement)
{
    size_t count;
    const char *label = "Tests";
    const struct conformance_test **tests = all_tests(&count);
    for (size_t i = 0; i < count; i++)
        if (is_listed(tests[i]->statements, statement)) {
            print_item(label, tests[i]->name, tests[i]->title);
            label = "";
        }
    if (label[0] != '\0')
        print_field(label, "none");
    free(tests);
}

static void print_mutants_of(enum statement statement)
{
    const char *label = "Mutants";
    for (const struct mutant_description *mutant = mutant_descriptions; mutant->name != NULL; mutant++)
        if (is_listed(mutant->statements, statement)) {
            print_item(label, mutant->name, mutant->breaks);
            label = "";
        }
    if (label[0] != '\0')
        print_field(label, "none");
}

static void explain_statement(enum statement statement)
{
    char level[100];
    const struct statement_description *description = statement_describe(statement);
    printf("%s\n\n  ", description->id);
    print_folded(description->gloss, 2, 2);
    printf("\n");
    print_where(statement);
    snprintf(level, sizeof level, "%s; binds %s%s", description->level,
             strcmp(description->binds, "both") == 0 ? "" : "the ", description->binds);
    print_field("Level", level);
    print_field("Seen", observable_in_words(description->observable));
    print_field("Needs", description->needs);
    print_field("Reason Code", description->reason_code);
    print_counterparts(statement);
    print_field("Remarks", description->note);
    print_tests_of(statement);
    print_mutants_of(statement);
    printf("\nRun its tests: %s -r %s mqtt://HOST\n", SUITE_NAME, description->id);
}

/* ---- Tests --------------------------------------------------------------------------------------------------- */

static void print_versions(const struct conformance_test *test)
{
    char text[40] = "";
    for (unsigned v = 0; v < VERSION_COUNT; v++)
        if ((test->versions & version_bit(version_of_index(v))) != 0) {
            size_t at = strlen(text);
            snprintf(text + at, sizeof text - at, "%s%s", at == 0 ? "" : ", ",
                     version_name(version_of_index(v)));
        }
    print_field("Versions", text);
}

static void print_needs(const struct conformance_test *test)
{
    static const struct {
        unsigned need;
        const char *words;
    } needs[] = {
        {NEEDS_RETAIN, "retained messages"},
        {NEEDS_WILDCARD, "wildcard subscriptions"},
        {NEEDS_SHARED, "shared subscriptions"},
        {NEEDS_SUBSCRIPTION_IDENTIFIER, "subscription identifiers"},
        {NEEDS_QOS1, "QoS 1"},
        {NEEDS_QOS2, "QoS 2"},
        {NEEDS_TOPIC_ALIAS, "topic aliases"},
        {NEEDS_NO_TOPIC_ALIAS, "a server without topic aliases"},
        {NEEDS_ALONE, "the target for itself"},
        {NEEDS_PROFILE, "a broker of its own (--profile)"},
        {NEEDS_RESTART, "a broker of its own that it can restart (--profile)"},
        {NEEDS_WEBSOCKET, "WebSocket (ws:// or wss://)"},
        {NEEDS_REQUEST, "to be asked for by its name, because it costs the server much"},
        {NEEDS_TIME, "some seconds: its rule is about time"},
    };
    const char *label = "Needs";
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++)
        if ((test->needs & needs[i].need) != 0) {
            print_field(label, needs[i].words);
            label = "";
        }
}

static void print_groups(const struct conformance_test *test)
{
    size_t count;
    const char *label = "Groups";
    const struct group *groups = all_groups(&count);
    for (size_t i = 0; i < count; i++) {
        bool has = false;
        for (unsigned v = 0; v < VERSION_COUNT; v++)
            has = has || ((test->versions & version_bit(version_of_index(v))) != 0 &&
                          group_has(&groups[i], test, version_of_index(v)));
        if (has) {
            print_field(label, groups[i].name);
            label = "";
        }
    }
}

static void print_statements_of(const struct conformance_test *test)
{
    const char *label = "Statements";
    for (size_t i = 0; test->statements[i] != STATEMENT_NONE; i++, label = "") {
        const struct statement_description *description =
            statement_describe((enum statement)test->statements[i]);
        print_item(label, description->id, description->gloss);
    }
}

static void print_proof(const struct conformance_test *test)
{
    char name[80];
    const char *label = "Mutants";
    snprintf(name, sizeof name, " %s ", test->name);
    for (const struct mutant_description *mutant = mutant_descriptions; mutant->name != NULL; mutant++)
        if (strstr(mutant->tests, name) != NULL) {
            print_item(label, mutant->name, mutant->breaks);
            label = "";
        }
}

static void explain_test(const struct conformance_test *test)
{
    char source[300];
    printf("%s\n\n  ", test->name);
    print_folded(test->title, 2, 2);
    printf("\n");
    print_versions(test);
    print_needs(test);
    print_groups(test);
    for (const struct test_remark *remark = test_remarks; remark->name != NULL; remark++)
        if (strcmp(remark->name, test->name) == 0)
            print_field("Remarks", remark->remark);
    print_statements_of(test);
    print_proof(test);
    snprintf(source, sizeof source, "%s:%d", test->file, test->line);
    print_field("Source", source);
    printf("\nRun it: %s -v -t %s mqtt://HOST\n", SUITE_NAME, test->name);
}

/* ---- Which of them --------------------------------------------------------------------------------------------- */

/* Case does not count. What is longer than any known word is like none. */
static size_t distance(const char *word, const char *known)
{
    char one[NEAREST_LONGEST + 1];
    char other[NEAREST_LONGEST + 1];
    if (strlen(word) > NEAREST_LONGEST || strlen(known) > NEAREST_LONGEST)
        return SIZE_MAX;
    for (size_t i = 0; i <= strlen(word); i++)
        one[i] = (char)tolower((unsigned char)word[i]);
    for (size_t i = 0; i <= strlen(known); i++)
        other[i] = (char)tolower((unsigned char)known[i]);
    return nearest_distance(one, other);
}

const char *statement_nearest(const char *word)
{
    size_t least = SIZE_MAX;
    const char *nearest = statement_describe((enum statement)1)->id;
    for (unsigned i = 1; i < STATEMENT_COUNT; i++) {
        const char *id = statement_describe((enum statement)i)->id;
        size_t apart = distance(word, id);
        nearest = apart < least ? id : nearest;
        least = apart < least ? apart : least;
    }
    return nearest;
}

static const struct conformance_test *nearest_test(const struct conformance_test *const *tests, size_t count,
                                                   const char *word)
{
    size_t least = SIZE_MAX;
    const struct conformance_test *nearest = tests[0];
    for (size_t i = 0; i < count; i++) {
        size_t apart = distance(word, tests[i]->name);
        nearest = apart < least ? tests[i] : nearest;
        least = apart < least ? apart : least;
    }
    return nearest;
}

bool explain(const char *what)
{
    size_t count;
    enum statement statement = statement_find(what);
    if (statement != STATEMENT_NONE) {
        explain_statement(statement);
        return true;
    }
    const struct conformance_test **tests = all_tests(&count);
    const struct conformance_test *test = nearest_test(tests, count, what);
    bool found = strcasecmp(test->name, what) == 0;
    const char *id = statement_nearest(what);
    if (found)
        explain_test(test);
    else
        fprintf(stderr, "%s: '%s' is neither a statement nor a test. The nearest is %s\n", SUITE_NAME, what,
                distance(what, id) <= distance(what, test->name) ? id : test->name);
    free(tests);
    return found;
}
