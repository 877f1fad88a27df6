#include "selection.h"

#include <fnmatch.h>
#include <stdlib.h>

#include "groups.h"

/* The linker puts the entries of all CONFORMANCE_TESTs side by side and names both ends of the section. */
extern const struct conformance_test *const __start_conformance_tests[];
extern const struct conformance_test *const __stop_conformance_tests[];

static int compare_tests(const void *left, const void *right)
{
    const struct conformance_test *a = *(const struct conformance_test *const *)left;
    const struct conformance_test *b = *(const struct conformance_test *const *)right;
    int files = strcmp(a->file, b->file);
    if (files != 0)
        return files;
    return a->line != b->line ? a->line - b->line : strcmp(a->name, b->name);
}

const struct conformance_test **all_tests(size_t *count)
{
    *count = (size_t)(__stop_conformance_tests - __start_conformance_tests);
    const struct conformance_test **tests = allocate(*count, sizeof *tests);
    for (size_t i = 0; i < *count; i++)
        tests[i] = __start_conformance_tests[i];
    qsort(tests, *count, sizeof *tests, compare_tests);
    return tests;
}

bool section_is_within(const char *section, const char *prefix)
{
    size_t length = strlen(prefix);
    while (length > 0 && prefix[length - 1] == '.') /* "3.3." means 3.3 */
        length--;
    return strncmp(section, prefix, length) == 0 && (section[length] == '\0' || section[length] == '.');
}

static bool any_section(const struct wishes *wishes, enum statement statement)
{
    for (size_t i = 0; i < wishes->section_count; i++)
        if (section_is_within(statement_describe(statement)->section, wishes->sections[i]))
            return true;
    return wishes->section_count == 0;
}

static bool any_statement(const struct wishes *wishes, enum statement statement)
{
    for (size_t i = 0; i < wishes->statement_count; i++)
        if (wishes->statements[i] == statement)
            return true;
    return wishes->statement_count == 0;
}

static bool any_name(const struct wishes *wishes, const char *name)
{
    for (size_t i = 0; i < wishes->name_count; i++)
        if (fnmatch(wishes->names[i], name, 0) == 0)
            return true;
    return wishes->name_count == 0;
}

static bool is_in_group(const char *name, const struct conformance_test *test, enum protocol_version version)
{
    const struct group *group = group_find(name);
    return group == NULL ? strcmp(test_group(test), name) == 0 : group_has(group, test, version);
}

static bool any_group(const struct wishes *wishes, const struct conformance_test *test,
                      enum protocol_version version)
{
    for (size_t i = 0; i < wishes->group_count; i++)
        if (is_in_group(wishes->groups[i], test, version))
            return true;
    return wishes->group_count == 0;
}

static bool is_left_out(const struct wishes *wishes, const struct conformance_test *test,
                        enum protocol_version version)
{
    for (size_t i = 0; i < wishes->left_out_count; i++)
        if (is_in_group(wishes->groups_left_out[i], test, version))
            return true;
    return false;
}

/* Whether a wish asks for what is not done unasked. */
static bool is_requested(const struct wishes *wishes, const struct conformance_test *test,
                         enum protocol_version version)
{
    for (size_t i = 0; i < wishes->group_count; i++) {
        const struct group *group = group_find(wishes->groups[i]);
        if (group != NULL && group->on_request && group_has(group, test, version))
            return true;
    }
    for (size_t i = 0; i < wishes->name_count; i++)
        if (strcmp(wishes->names[i], test->name) == 0)
            return true;
    return (test->needs & NEEDS_REQUEST) == 0;
}

bool is_selected(const struct wishes *wishes, const struct conformance_test *test,
                 enum protocol_version version)
{
    if (((wishes->versions == 0 ? V_ALL : wishes->versions) & test->versions & version_bit(version)) == 0)
        return false;
    if (!any_name(wishes, test->name) || !any_group(wishes, test, version) ||
        !is_requested(wishes, test, version) || is_left_out(wishes, test, version))
        return false;
    bool section = wishes->section_count == 0;
    bool statement = wishes->statement_count == 0;
    size_t at = 0;
    for (enum statement id; (id = next_statement(test, version, &at)) != STATEMENT_NONE;) {
        section = section || any_section(wishes, id);
        statement = statement || any_statement(wishes, id);
    }
    return section && statement;
}

struct result *select_tests(const struct wishes *wishes, const struct conformance_test **tests,
                            size_t test_count, size_t *count)
{
    struct result *results = allocate(test_count * VERSION_COUNT, sizeof *results);
    *count = 0;
    for (size_t i = 0; i < test_count; i++)
        for (unsigned v = 0; v < VERSION_COUNT; v++) {
            if (!is_selected(wishes, tests[i], version_of_index(v)))
                continue;
            result_begin(&results[(*count)++], tests[i], version_of_index(v));
        }
    return results;
}

/* splitmix64: small, and good enough to shuffle. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

void shuffle(size_t *order, size_t count, uint64_t seed)
{
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    for (size_t i = count; i > 1; i--) {
        size_t other = (size_t)(next_random(&seed) % i);
        size_t kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
}
