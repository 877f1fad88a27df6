#include "options.h"

#include "explain.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "groups.h"

#define TARGETS "{mqtt|mqtts|ws|wss}://[user:password@]host[:port][/path]"
#define DEFAULT_JOBS 64 /* tests mostly wait */
#define DEFAULT_PATIENCE 5.0

/* One option. `take` gets the value (NULL for those without); false: `problem` says why it is wrong. */
struct option {
    const char *brief; /* "-s" or NULL */
    const char *name;  /* "--section" */
    const char *value; /* "SECTION" or NULL */
    const char *help;
    bool (*take)(struct options *options, const char *value);
};

static void append(const char ***list, size_t *count, const char *value)
{
    *list = grow(*list, *count + 1, sizeof **list);
    (*list)[(*count)++] = value;
}

static bool take_section(struct options *options, const char *value)
{
    append(&options->wishes.sections, &options->wishes.section_count, value);
    return value[0] != '\0';
}

static bool take_statement(struct options *options, const char *value)
{
    struct wishes *wishes = &options->wishes;
    enum statement statement = statement_find(value);
    wishes->statements = grow(wishes->statements, wishes->statement_count + 1, sizeof *wishes->statements);
    wishes->statements[wishes->statement_count++] = statement;
    if (statement == STATEMENT_NONE)
        fprintf(stderr, "%s: there is no statement '%s'; the nearest is %s\n", SUITE_NAME, value,
                statement_nearest(value));
    return statement != STATEMENT_NONE;
}

static bool take_test(struct options *options, const char *value)
{
    append(&options->wishes.names, &options->wishes.name_count, value);
    return value[0] != '\0';
}

/* An unknown name is told from a wrong value: it has a nearest one, and the list is short. */
static bool is_group(const char *value)
{
    if (group_find(value) != NULL)
        return true;
    size_t count;
    const struct group *groups = all_groups(&count);
    fprintf(stderr, "%s: there is no group '%s'; the nearest name is '%s'. The groups are:", SUITE_NAME,
            value, group_nearest(value));
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, "%s %s", i == 0 ? "" : ",", groups[i].name);
    fprintf(stderr, "\n");
    return false;
}

static bool take_group(struct options *options, const char *value)
{
    append(&options->wishes.groups, &options->wishes.group_count, value);
    return is_group(value);
}

static bool take_group_left_out(struct options *options, const char *value)
{
    append(&options->wishes.groups_left_out, &options->wishes.left_out_count, value);
    return is_group(value);
}

static bool take_list_groups(struct options *options, const char *value)
{
    (void)value;
    return options->list_groups = true;
}

static bool take_explain(struct options *options, const char *value)
{
    options->explain = value;
    return value[0] != '\0';
}

static bool take_completion(struct options *options, const char *value)
{
    options->completion = value;
    return strcmp(value, "bash") == 0 || strcmp(value, "zsh") == 0;
}

static bool take_version(struct options *options, const char *value)
{
    for (unsigned v = 0; v < VERSION_COUNT; v++)
        if (strcmp(value, version_name(version_of_index(v))) == 0) {
            options->wishes.versions |= version_bit(version_of_index(v));
            return true;
        }
    return false;
}

static bool append_output(struct options *options, const struct report_format *format, const char *path)
{
    options->outputs = grow(options->outputs, options->output_count + 1, sizeof *options->outputs);
    options->outputs[options->output_count++] = (struct output){.format = format, .path = path};
    return path[0] != '\0';
}

static bool take_json(struct options *options, const char *value)
{
    return append_output(options, &report_json, value);
}

static bool take_junit(struct options *options, const char *value)
{
    return append_output(options, &report_junit, value);
}

static bool take_tap(struct options *options, const char *value)
{
    return append_output(options, &report_tap, value);
}

static bool take_markdown(struct options *options, const char *value)
{
    return append_output(options, &report_markdown, value);
}

static bool take_html(struct options *options, const char *value)
{
    return append_output(options, &report_html, value);
}

static bool take_html_packets(struct options *options, const char *value)
{
    static const char *const names[PACKETS_COUNT] = {
        [PACKETS_BRIEF] = "brief", [PACKETS_FAILURES] = "failures", [PACKETS_FULL] = "full"};
    options->packets_chosen = true;
    for (int i = 0; i < PACKETS_COUNT; i++)
        if (strcmp(value, names[i]) == 0) {
            options->packets = (enum report_packets)i;
            return true;
        }
    return false;
}

static bool take_compare(struct options *options, const char *value)
{
    (void)value;
    return options->compare = true;
}

static bool take_baseline(struct options *options, const char *value)
{
    options->baseline = value;
    return value[0] != '\0';
}

static bool take_broker_name(struct options *options, const char *value)
{
    options->broker_name = value;
    return true;
}

static bool take_broker_version(struct options *options, const char *value)
{
    options->broker_version = value;
    return true;
}

static bool take_broker_configuration(struct options *options, const char *value)
{
    options->broker_configuration = value;
    return true;
}

static bool take_jobs(struct options *options, const char *value)
{
    char *end;
    unsigned long number = strtoul(value, &end, 10);
    options->jobs = (unsigned)number;
    return value[0] >= '0' && value[0] <= '9' && *end == '\0' && number >= 1 && number <= 512;
}

static bool take_timeout(struct options *options, const char *value)
{
    char *end;
    options->patience = strtod(value, &end);
    return end != value && *end == '\0' && isfinite(options->patience) && options->patience > 0 &&
           options->patience <= 3600;
}

static bool take_seed(struct options *options, const char *value)
{
    char *end;
    options->seed = strtoull(value, &end, 10);
    options->has_seed = true;
    return value[0] >= '0' && value[0] <= '9' && *end == '\0';
}

static bool take_profile(struct options *options, const char *value)
{
    options->profile = value;
    return value[0] != '\0';
}

static bool take_authorities(struct options *options, const char *value)
{
    options->tls.authorities = value;
    return value[0] != '\0';
}

static bool take_certificate(struct options *options, const char *value)
{
    options->tls.certificate = value;
    return value[0] != '\0';
}

static bool take_key(struct options *options, const char *value)
{
    options->tls.key = value;
    return value[0] != '\0';
}

static bool take_server_name(struct options *options, const char *value)
{
    options->tls.server_name = value;
    return value[0] != '\0';
}

static bool take_insecure(struct options *options, const char *value)
{
    (void)value;
    return options->tls.insecure = true;
}

static bool take_properties_must_hold(struct options *options, const char *value)
{
    (void)value;
    return options->properties_must_hold = true;
}

static bool take_no_progress(struct options *options, const char *value)
{
    (void)value;
    return options->no_progress = true;
}

static bool take_verbose(struct options *options, const char *value)
{
    (void)value;
    return options->verbose = true;
}

static bool take_list(struct options *options, const char *value)
{
    (void)value;
    return options->list = true;
}

static bool take_help(struct options *options, const char *value)
{
    (void)value;
    return options->help = true;
}

static bool take_program_version(struct options *options, const char *value)
{
    (void)value;
    return options->version = true;
}

static const struct option known[] = {
    {"-s", "--section", "SECTION", "tests of this section and below, e.g. 3.3 (repeatable)", take_section},
    {"-r", "--requirement", "STATEMENT", "tests of this statement, e.g. MQTT-3.1.2-4 (repeatable)",
     take_statement},
    {"-t", "--test", "NAME", "tests with this name; * and ? match as in a shell (repeatable)", take_test},
    {"-g", "--group", "GROUP", "only this group, e.g. exactly-once; see --list-groups (repeatable)",
     take_group},
    {NULL, "--without-group", "GROUP", "not this group, e.g. tables (repeatable)", take_group_left_out},
    {"-V", "--mqtt", "VERSION", "3.1, 3.1.1 or 5.0 (repeatable; default all)", take_version},
    {"-l", "--list", NULL, "list the tests instead of running them", take_list},
    {NULL, "--list-groups", NULL, "list the groups, with the number of their tests (-v: and what they take)",
     take_list_groups},
    {NULL, "--explain", "WHAT", "tell what is known of a statement, e.g. MQTT-3.3.1-5, or of a test",
     take_explain},
    {NULL, "--html", "FILE", "write a report to be read in a browser to FILE (- is standard output)",
     take_html},
    {NULL, "--json", "FILE", "write the results, with all packets, to FILE", take_json},
    {NULL, "--junit", "FILE", "write JUnit XML to FILE", take_junit},
    {NULL, "--tap", "FILE", "write TAP 14 to FILE", take_tap},
    {NULL, "--markdown", "FILE", "write tables and failures in Markdown to FILE", take_markdown},
    {NULL, "--html-packets", "WHICH", "packets in the HTML report: failures, brief (default) or full",
     take_html_packets},
    {NULL, "--compare", NULL, "no run: reports of the JSON files that are named, --html and --markdown",
     take_compare},
    {NULL, "--baseline", "FILE", "exit status 1 only for what is worse than in this JSON report",
     take_baseline},
    {NULL, "--broker-name", "TEXT", "what the reports call the broker", take_broker_name},
    {NULL, "--broker-version", "TEXT", "and its version", take_broker_version},
    {NULL, "--broker-configuration", "TEXT", "and how it was configured", take_broker_configuration},
    {"-j", "--jobs", "JOBS", "tests at the same time (default 64)", take_jobs},
    {NULL, "--timeout", "SECONDS", "how long to wait for what must come (default 5)", take_timeout},
    {NULL, "--seed", "NUMBER", "order of the tests (default random; printed)", take_seed},
    {NULL, "--profile", "FOLDER", "how to start the broker: tests of restarts and configurations",
     take_profile},
    {NULL, "--cafile", "FILE", "TLS: the CAs to believe (default: those of the system)", take_authorities},
    {NULL, "--cert", "FILE", "TLS: the certificate to show to the broker", take_certificate},
    {NULL, "--key", "FILE", "TLS: its private key (default: in the file of --cert)", take_key},
    {NULL, "--servername", "NAME", "TLS: the name in the broker's certificate (default: the host's)",
     take_server_name},
    {NULL, "--insecure", NULL, "TLS: do not look at the broker's certificate", take_insecure},
    {NULL, "--properties-must-hold", NULL, "exit status 1 when a property does not hold, too",
     take_properties_must_hold},
    {NULL, "--no-progress", NULL, "no progress line", take_no_progress},
    {"-v", "--verbose", NULL, "show each test as it ends, with its notes, and failures field by field",
     take_verbose},
    {NULL, "--completion", "SHELL", "print the script with which bash or zsh completes this command line",
     take_completion},
    {"-h", "--help", NULL, "this text", take_help},
    {NULL, "--version", NULL, "version of the suite", take_program_version},
};
#define KNOWN_COUNT (sizeof known / sizeof known[0])

/* The option that `argument` names. `*value` is what stands in the same argument: "--name=value" or
 * "-nvalue". */
static const struct option *find_option(const char *argument, const char **value)
{
    *value = NULL;
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        const struct option *option = &known[i];
        size_t length = strlen(option->name);
        if (strcmp(argument, option->name) == 0 ||
            (option->brief != NULL && strcmp(argument, option->brief) == 0))
            return option;
        if (strncmp(argument, option->name, length) == 0 && argument[length] == '=' &&
            option->value != NULL) {
            *value = argument + length + 1;
            return option;
        }
        if (option->brief != NULL && option->value != NULL && strncmp(argument, option->brief, 2) == 0) {
            *value = argument + 2;
            return option;
        }
    }
    return NULL;
}

static bool complain(const char *format, const char *what, const char *value)
{
    fprintf(stderr, "%s: ", SUITE_NAME);
    fprintf(stderr, format, what, value);
    fprintf(stderr, "\nTry '%s --help'.\n", SUITE_NAME);
    return false;
}

static bool take_argument(struct options *options, int argc, char **argv, int *at)
{
    const char *argument = argv[(*at)++];
    const char *value;
    if (argument[0] != '-') {
        append(&options->arguments, &options->argument_count, argument);
        return true;
    }
    const struct option *option = find_option(argument, &value);
    if (option == NULL)
        return complain("unknown option '%s'%s", argument, "");
    if (option->value != NULL && value == NULL) {
        if (*at == argc)
            return complain("option '%s' needs a value: %s", argument, option->value);
        value = argv[(*at)++];
    }
    if (!option->take(options, value))
        return complain("option '%s' does not take '%s'", option->name, value);
    return true;
}

/* The arguments that are no options. */
static bool take_target(struct options *options)
{
    if (options->compare && options->argument_count == 0)
        return complain("which reports are to be compared? %s%s", "A.json B.json ...", "");
    if (options->compare)
        return true;
    if (options->argument_count > 1)
        return complain("more than one target: '%s' and '%s'", options->arguments[0], options->arguments[1]);
    if (options->argument_count == 1)
        options->url = options->arguments[0];
    if (options->url == NULL && !options->list && !options->list_groups && !options->help &&
        !options->version && options->explain == NULL && options->completion == NULL)
        return complain("which broker? %s%s", TARGETS, "");
    return true;
}

bool options_read(struct options *options, int argc, char **argv)
{
    *options = (struct options){.jobs = DEFAULT_JOBS, .patience = DEFAULT_PATIENCE};
    for (int at = 1; at < argc;)
        if (!take_argument(options, argc, argv, &at))
            return false;
    return take_target(options);
}

void options_clear(struct options *options)
{
    free(options->wishes.sections);
    free(options->wishes.statements);
    free(options->wishes.names);
    free(options->wishes.groups);
    free(options->wishes.groups_left_out);
    free(options->outputs);
    free(options->arguments);
}

static void append_argument(char **text, const char *argument)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,+@%";
    bool quoted = argument[strspn(argument, plain)] != '\0';
    size_t length = strlen(*text);
    *text = grow(*text, length + 4 * strlen(argument) + 4, 1);
    char *at = *text + length;
    *at++ = ' ';
    if (quoted)
        *at++ = '\'';
    for (; *argument != '\0'; argument++)
        at = *argument == '\'' ? stpcpy(at, "'\\''") : (*at = *argument, at + 1);
    if (quoted)
        *at++ = '\'';
    *at = '\0';
}

char *options_for_rerun(const struct options *options)
{
    const char *const pairs[][2] = {{"--profile", options->profile},
                                    {"--cafile", options->tls.authorities},
                                    {"--cert", options->tls.certificate},
                                    {"--key", options->tls.key},
                                    {"--servername", options->tls.server_name}};
    char *text = copy_text("", 0);
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (pairs[i][1] != NULL) {
            append_argument(&text, pairs[i][0]);
            append_argument(&text, pairs[i][1]);
        }
    if (options->tls.insecure)
        append_argument(&text, "--insecure");
    return text;
}

bool options_text(size_t index, struct option_text *text)
{
    if (index >= KNOWN_COUNT)
        return false;
    const struct option *option = &known[index];
    *text = (struct option_text){option->brief, option->name, option->value, option->help};
    return true;
}

void options_print_help(void)
{
    printf("Usage: %s [OPTION]... %s\n"
           "       %s --compare [OPTION]... FILE.json...\n"
           "Measures an MQTT broker against MQTT 3.1, 3.1.1 and 5.0, over TCP (mqtt), TLS (mqtts), WebSocket "
           "(ws) or\nWebSocket over TLS (wss).\n\n",
           SUITE_NAME, TARGETS, SUITE_NAME);
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        char left[40];
        const struct option *option = &known[i];
        snprintf(left, sizeof left, "%s%s %s%s%s", option->brief == NULL ? "   " : option->brief,
                 option->brief == NULL ? "" : ",", option->name, option->value == NULL ? "" : " ",
                 option->value == NULL ? "" : option->value);
        printf("  %-32s %s\n", left, option->help);
    }
    printf(
        "\nProperties, such as durability, are not demanded by the specification: they hold or do not, and "
        "are counted apart.\n"
        "Exit status: 0 when nothing failed, 1 when a test failed, 2 when a test or the suite could not "
        "be run.\n");
}
