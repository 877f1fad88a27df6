#include "completion.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "groups.h"
#include "options.h"
#include "result.h"
#include "selection.h"

/* ---- Words: what may stand behind an option -------------------------------------------------------------------- */

static int compare_texts(const void *left, const void *right)
{
    return strverscmp(*(const char *const *)left, *(const char *const *)right);
}

static bool is_claimed(const struct conformance_test *const *tests, size_t count, enum statement statement)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; tests[i]->statements[j] != STATEMENT_NONE; j++)
            if (tests[i]->statements[j] == statement)
                return true;
    return false;
}

/* A section and those that it lies in: 3.3.1, 3.3, 3. */
static size_t append_with_outer(char **sections, size_t count, const char *section)
{
    for (size_t length = strlen(section); length > 0; length--)
        if (section[length] == '\0' || section[length] == '.')
            sections[count++] = copy_text(section, length);
    return count;
}

#define DEEPEST 8 /* levels of a section */

/* Sections that hold a statement with a test. */
static void print_sections(void)
{
    size_t test_count;
    size_t count = 0;
    const struct conformance_test **tests = all_tests(&test_count);
    char **sections = allocate(STATEMENT_COUNT * DEEPEST, sizeof *sections);
    for (unsigned i = 1; i < STATEMENT_COUNT; i++)
        if (is_claimed(tests, test_count, (enum statement)i))
            count = append_with_outer(sections, count, statement_describe((enum statement)i)->section);
    qsort(sections, count, sizeof *sections, compare_texts);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || strcmp(sections[i], sections[i - 1]) != 0)
            printf(" %s", sections[i]);
    for (size_t i = 0; i < count; i++)
        free(sections[i]);
    free(sections);
    free(tests);
}

static void print_statements(void)
{
    for (unsigned i = 1; i < STATEMENT_COUNT; i++)
        printf(" %s", statement_describe((enum statement)i)->id);
}

static void print_tests(void)
{
    size_t count;
    const struct conformance_test **tests = all_tests(&count);
    for (size_t i = 0; i < count; i++)
        printf(" %s", tests[i]->name);
    free(tests);
}

static void print_groups(void)
{
    size_t count;
    const struct group *groups = all_groups(&count);
    for (size_t i = 0; i < count; i++)
        printf(" %s", groups[i].name);
}

static void print_versions(void)
{
    for (unsigned v = 0; v < VERSION_COUNT; v++)
        printf(" %s", version_name(version_of_index(v)));
}

static void print_statements_and_tests(void)
{
    print_statements();
    print_tests();
}

static void print_shells(void)
{
    printf(" bash zsh");
}

static void print_packets(void)
{
    printf(" failures brief full");
}

static const struct {
    const char *option;
    void (*print)(void);
} words[] = {
    {"--section", print_sections},  {"--requirement", print_statements},
    {"--test", print_tests},        {"--group", print_groups},
    {"--mqtt", print_versions},     {"--explain", print_statements_and_tests},
    {"--completion", print_shells}, {"--html-packets", print_packets},
};

/* ---- Scripts --------------------------------------------------------------------------------------------------- */

/* The pattern of a case: "-s | --section". */
static void print_pattern(const struct option_text *option)
{
    printf("    %s%s%s)\n", option->brief == NULL ? "" : option->brief, option->brief == NULL ? "" : " | ",
           option->name);
}

static const char *kind_of_files(const struct option_text *option)
{
    if (strcmp(option->value, "FILE") == 0)
        return "-f";
    return strcmp(option->value, "FOLDER") == 0 ? "-d" : NULL;
}

/* Both shells run this: the list of words for the option in $1, or else the kind of files that it wants in $kind. */
static void print_words_of_options(void)
{
    struct option_text option;
    printf("_etalon_conformance_words()\n{\n    kind=none list=''\n    case $1 in\n");
    for (size_t i = 0; options_text(i, &option); i++) {
        if (option.value == NULL)
            continue;
        print_pattern(&option);
        const char *files = kind_of_files(&option);
        printf("        kind=%s\n", files == NULL ? "words" : files);
        for (size_t j = 0; j < sizeof words / sizeof words[0]; j++)
            if (strcmp(words[j].option, option.name) == 0) {
                printf("        list='");
                words[j].print();
                printf("'\n");
            }
        printf("        ;;\n");
    }
    printf("    esac\n}\n\n");
}

static void print_all_options(void)
{
    struct option_text option;
    for (size_t i = 0; options_text(i, &option); i++)
        printf(" %s%s%s", option.brief == NULL ? "" : option.brief, option.brief == NULL ? "" : " ",
               option.name);
}

static void print_bash(void)
{
    printf("# bash completion of %s %s; made by its option --completion.\n\n", SUITE_NAME, SUITE_VERSION);
    print_words_of_options();
    printf("_etalon_conformance()\n"
           "{\n"
           "    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} kind list\n"
           "    # bash takes --option=value apart\n"
           "    [ \"$current\" != = ] || current=\n"
           "    [ \"$before\" != = ] || before=${COMP_WORDS[COMP_CWORD - 2]}\n"
           "    _etalon_conformance_words \"$before\"\n"
           "    case $kind in\n"
           "    words) COMPREPLY=($(compgen -W \"$list\" -- \"$current\")) ;;\n"
           "    -f | -d) COMPREPLY=($(compgen $kind -- \"$current\")) ;;\n"
           "    *)\n"
           "        COMPREPLY=($(compgen -W 'mqtt:// mqtts:// ws:// wss://");
    print_all_options();
    printf("' -- \"$current\"))\n"
           "        [[ ${COMPREPLY[0]-} != *:// ]] || compopt -o nospace 2>/dev/null\n"
           "        ;;\n"
           "    esac\n"
           "}\n"
           "complete -o filenames -F _etalon_conformance %s\n",
           SUITE_NAME);
}

/* A text within single quotes, in which zsh's brackets and colons have no meaning. */
static void print_quoted(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            printf("'\\'");
        if (strchr("[]:\\", *text) != NULL)
            putchar('\\');
        putchar(*text);
    }
}

static void print_zsh(void)
{
    struct option_text option;
    printf("#compdef %s\n# zsh completion of %s %s; made by its option --completion.\n\n", SUITE_NAME,
           SUITE_NAME, SUITE_VERSION);
    print_words_of_options();
    printf("_etalon_conformance_value()\n"
           "{\n"
           "    local kind list\n"
           "    _etalon_conformance_words \"$1\"\n"
           "    case $kind in\n"
           "    -f) _files ;;\n"
           "    -d) _files -/ ;;\n"
           "    words) compadd -- ${=list} ;;\n"
           "    esac\n"
           "}\n\n"
           "_arguments -s \\\n");
    for (size_t i = 0; options_text(i, &option); i++)
        for (int brief = option.brief == NULL ? 0 : 1; brief >= 0; brief--) {
            printf("    '*%s%s[", brief == 1 ? option.brief : option.name,
                   option.value == NULL ? ""
                   : brief == 1         ? "+"
                                        : "=");
            print_quoted(option.help);
            printf("]");
            if (option.value != NULL)
                printf(":%s:{_etalon_conformance_value %s}", option.value, option.name);
            printf("' \\\n");
        }
    printf("    '*:target:(mqtt\\:// mqtts\\:// ws\\:// wss\\://)'\n");
}

bool completion_print(const char *shell)
{
    if (strcmp(shell, "bash") == 0)
        print_bash();
    else if (strcmp(shell, "zsh") == 0)
        print_zsh();
    else
        return false;
    return true;
}
