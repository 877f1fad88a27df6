#include "command_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "configuration.h"
#include "nearest.h"

enum { DEFAULT_PORT = 1883, EXIT_USAGE = 2, LONGEST_NAME = 32 };

enum answer { GO_ON, END_WELL, END_BADLY };

struct option {
    const char *letter; /* "-p", or NULL */
    const char *name;   /* "--port" */
    const char *value;  /* what the value is called; NULL: the option takes none */
    const char *help;
    enum answer (*take)(struct command_line *command_line, const char *value);
};

static enum answer take_port(struct command_line *command_line, const char *value)
{
    char *end = NULL;
    unsigned long port = strtoul(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || port > UINT16_MAX) {
        fprintf(stderr, "etalon: \"%s\" is not a port: a number from 0 (any free port) to 65535 is needed\n",
                value);
        return END_BADLY;
    }
    command_line->port = (uint16_t)port;
    command_line->port_given = true;
    return GO_ON;
}

static enum answer take_address(struct command_line *command_line, const char *value)
{
    if (value[0] == '\0') {
        fputs("etalon: --bind needs an address, for instance 127.0.0.1 or ::1\n", stderr);
        return END_BADLY;
    }
    if (command_line->address_count == MAXIMUM_ADDRESSES) {
        fprintf(stderr, "etalon: --bind may be given %d times at most\n", MAXIMUM_ADDRESSES);
        return END_BADLY;
    }
    command_line->addresses[command_line->address_count++] = value;
    return GO_ON;
}

static enum answer take_verbose(struct command_line *command_line, const char *value)
{
    (void)value;
    command_line->verbose = true;
    return GO_ON;
}

static enum answer take_trace(struct command_line *command_line, const char *value)
{
    (void)value;
    command_line->trace = true;
    return GO_ON;
}

static enum answer take_port_file(struct command_line *command_line, const char *value)
{
    if (value[0] == '\0') {
        fputs("etalon: --port-file needs the name of a file\n", stderr);
        return END_BADLY;
    }
    command_line->port_file = value;
    return GO_ON;
}

static enum answer take_configuration_file(struct command_line *command_line, const char *value)
{
    if (value[0] == '\0') {
        fputs("etalon: --config-file needs the name of a file\n", stderr);
        return END_BADLY;
    }
    command_line->configuration_file = value;
    return GO_ON;
}

static enum answer take_data(struct command_line *command_line, const char *value)
{
    if (value[0] == '\0' || strlen(value) >= CONFIGURATION_TEXT_SIZE) {
        fprintf(stderr, "etalon: --data needs the name of a directory, of %d bytes at most\n",
                CONFIGURATION_TEXT_SIZE - 1);
        return END_BADLY;
    }
    command_line->data = value;
    return GO_ON;
}

static enum answer take_check(struct command_line *command_line, const char *value)
{
    (void)value;
    command_line->check_configuration = true;
    return GO_ON;
}

static void print_line(void *context, const char *text)
{
    (void)context;
    puts(text);
}

static enum answer answer_configuration(struct command_line *command_line, const char *value)
{
    (void)command_line;
    (void)value;
    configuration_describe(print_line, NULL);
    return END_WELL;
}

static enum answer answer_version(struct command_line *command_line, const char *value)
{
    (void)command_line;
    (void)value;
    puts("etalon " ETALON_VERSION);
    return END_WELL;
}

static enum answer answer_help(struct command_line *command_line, const char *value);

static const struct option options[] = {
    {"-c", "--config-file", "FILE", "read this configuration; what the command line says wins over it",
     take_configuration_file},
    {NULL, "--check-config", NULL, "only check the file given with -c, and end", take_check},
    {NULL, "--help-configuration", NULL, "describe what may be in the file, and end", answer_configuration},
    {"-p", "--port", "PORT", "listen on this port; 0 takes any free one (default: 1883)", take_port},
    {NULL, "--bind", "ADDRESS", "listen on this address, may be repeated (default: 127.0.0.1 and ::1)",
     take_address},
    {NULL, "--data", "DIR", "keep state in this directory, beyond the end of the broker (made when missing)",
     take_data},
    {"-v", "--verbose", NULL, "log every connection, disconnection and refusal", take_verbose},
    {NULL, "--trace", NULL, "show every packet on standard error, field by field", take_trace},
    {NULL, "--port-file", "FILE", "write the port to FILE once the broker listens", take_port_file},
    {NULL, "--version", NULL, "print the version and end", answer_version},
    {"-h", "--help", NULL, "print this text and end", answer_help},
};
enum { OPTION_COUNT = sizeof options / sizeof *options };

static enum answer answer_help(struct command_line *command_line, const char *value)
{
    (void)command_line;
    (void)value;
    puts("usage: etalon [OPTION...]\n"
         "\n"
         "The reference MQTT broker: MQTT 5.0, 3.1.1 and 3.1. Without --data, or persistence in the\n"
         "configuration, everything is kept in memory and nothing survives a restart.\n");
    for (const struct option *option = options; option < options + OPTION_COUNT; option++) {
        char left[LONGEST_NAME];
        snprintf(left, sizeof left, "%s%s%s%s%s", option->letter ? option->letter : "  ",
                 option->letter ? ", " : "  ", option->name, option->value ? " " : "",
                 option->value ? option->value : "");
        printf("  %-26s%s\n", left, option->help);
    }
    puts(
        "\nThe log goes to standard error. SIGTERM or SIGINT ends the broker; a second one ends it at once.\n"
        "SIGHUP reads the configuration file again.");
    return END_WELL;
}

static const char *nearest_name(const char *word)
{
    const char *nearest = options[0].name;
    for (const struct option *option = options; option < options + OPTION_COUNT; option++) {
        if (nearest_distance(word, option->name) < nearest_distance(word, nearest))
            nearest = option->name;
    }
    return nearest;
}

static void complain_of_unknown(const char *argument)
{
    if (argument[0] != '-') {
        fprintf(stderr, "etalon: unexpected argument \"%s\"; see etalon --help\n", argument);
        return;
    }
    /* A single letter resembles every name equally little. */
    if (argument[1] != '-') {
        fprintf(stderr, "etalon: unknown option %s; known are -c, -p, -v and -h, see etalon --help\n",
                argument);
        return;
    }
    char word[LONGEST_NAME];
    snprintf(word, sizeof word, "%.*s", (int)strcspn(argument, "="), argument);
    fprintf(stderr, "etalon: unknown option %s; the nearest known one is %s, see etalon --help\n", word,
            nearest_name(word));
}

/* Finds the option that an argument begins with. `*value` becomes what is attached to it ("--port=1",
 * "-p1"), or NULL. */
static const struct option *find_option(const char *argument, const char **value)
{
    for (const struct option *option = options; option < options + OPTION_COUNT; option++) {
        size_t length = strlen(option->name);
        if (strncmp(argument, option->name, length) == 0 &&
            (argument[length] == '\0' || argument[length] == '=')) {
            *value = argument[length] == '=' ? argument + length + 1 : NULL;
            return option;
        }
        if (option->letter && strncmp(argument, option->letter, 2) == 0 &&
            (argument[2] == '\0' || option->value)) {
            *value = argument[2] == '\0' ? NULL : argument + 2;
            return option;
        }
    }
    return NULL;
}

/* Takes the argument at `*index` and, when its value is the next argument, that one as well. */
static enum answer take_argument(struct command_line *command_line, char **argv, int argc, int *index)
{
    const char *value = NULL;
    const struct option *option = find_option(argv[*index], &value);
    if (!option) {
        complain_of_unknown(argv[*index]);
        return END_BADLY;
    }
    if (!option->value && value) {
        fprintf(stderr, "etalon: %s takes no value\n", option->name);
        return END_BADLY;
    }
    if (option->value && !value) {
        if (*index + 1 == argc) {
            fprintf(stderr, "etalon: %s needs a value: %s %s\n", argv[*index], option->name, option->value);
            return END_BADLY;
        }
        value = argv[++*index];
    }
    return option->take(command_line, value);
}

bool command_line_parse(struct command_line *command_line, int argc, char **argv, int *exit_status)
{
    *command_line = (struct command_line){.port = DEFAULT_PORT};
    *exit_status = EXIT_USAGE;
    for (int index = 1; index < argc; index++) {
        enum answer answer = take_argument(command_line, argv, argc, &index);
        if (answer != GO_ON) {
            *exit_status = answer == END_WELL ? EXIT_SUCCESS : EXIT_USAGE;
            return false;
        }
    }
    if (!command_line->check_configuration || command_line->configuration_file)
        return true;
    fputs("etalon: --check-config needs the file to check: -c FILE\n", stderr);
    return false;
}
