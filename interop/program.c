/*
 * The frame of an interoperability program: options, the loop over versions and cases, one line per case.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cases.h"

struct program {
    const char *url;
    const char *ca_file;
    struct pacemaker *pacemaker;
    const char *protocol; /* run only this version, e.g. "3.1.1"; NULL: all */
    const char *only;     /* run only cases whose full name contains this; NULL: all */
    unsigned run;
    unsigned number;
    unsigned totals[3]; /* by enum case_outcome */
};

struct version {
    enum protocol protocol;
    unsigned bit;
    const char *name;
};

static const struct version versions[] = {
    {PROTOCOL_3_1, V31, "3.1"},
    {PROTOCOL_3_1_1, V311, "3.1.1"},
    {PROTOCOL_5, V5, "5.0"},
};

static void report(struct program *program, enum case_outcome outcome, const char *name, const char *why)
{
    program->totals[outcome]++;
    if (outcome == CASE_PASSED) {
        printf("ok %s\n", name);
    } else {
        printf("%s %s: %s\n", outcome == CASE_FAILED ? "FAIL" : "skip", name, why);
    }
    fflush(stdout);
}

static void run_case(struct program *program, const struct version *version,
                     const struct interop_case *this_case)
{
    char name[160];
    snprintf(name, sizeof name, "%s/%s/%s", client_library(), version->name, this_case->name);
    if (program->only != NULL && strstr(name, program->only) == NULL) {
        return;
    }
    struct scene *scene = calloc(1, sizeof *scene);
    if (scene == NULL) {
        abort();
    }
    scene->this_case = this_case;
    scene->endpoint = (struct endpoint){program->url, program->ca_file, version->protocol};
    scene->pacemaker = program->pacemaker;
    scene->run = program->run;
    scene->number = program->number++;
    enum case_outcome outcome = scene_run(scene);
    report(program, outcome, name, scene->why);
    free(scene);
}

static void run_table(struct program *program, const struct version *version,
                      const struct interop_case *table)
{
    for (const struct interop_case *row = table; row->name != NULL; row++) {
        if ((row->versions & version->bit) != 0) {
            run_case(program, version, row);
        }
    }
}

static int usage(const char *name)
{
    fprintf(stderr, "usage: %s [--cafile FILE] [--protocol 3.1|3.1.1|5.0] [--only PART-OF-NAME] URL\n", name);
    return 2;
}

static bool parse_arguments(struct program *program, int count, char **arguments)
{
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--cafile") == 0 && i + 1 < count) {
            program->ca_file = arguments[++i];
        } else if (strcmp(arguments[i], "--only") == 0 && i + 1 < count) {
            program->only = arguments[++i];
        } else if (strcmp(arguments[i], "--protocol") == 0 && i + 1 < count) {
            program->protocol = arguments[++i];
        } else if (arguments[i][0] != '-' && program->url == NULL) {
            program->url = arguments[i];
        } else {
            return false;
        }
    }
    return program->url != NULL;
}

int main(int count, char **arguments)
{
    signal(SIGPIPE, SIG_IGN);
    if (count > 1 && strcmp(arguments[1], DYING_CLIENT_FLAG) == 0) {
        return dying_client(count, arguments);
    }
    struct program program = {.run = ((unsigned)time(NULL) << 12) ^ (unsigned)getpid()};
    if (!parse_arguments(&program, count, arguments)) {
        return usage(arguments[0]);
    }
    program.pacemaker = pacemaker_start(program.url, program.ca_file, program.run);
    if (program.pacemaker == NULL) {
        fprintf(stderr, "%s could not connect to %s\n", client_library(), program.url);
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        if (program.protocol == NULL || strcmp(program.protocol, versions[i].name) == 0) {
            run_table(&program, &versions[i], cases_of_all_versions);
            run_table(&program, &versions[i], cases_of_version_5);
        }
    }
    pacemaker_stop(program.pacemaker);
    printf("%u passed, %u failed, %u skipped\n", program.totals[CASE_PASSED], program.totals[CASE_FAILED],
           program.totals[CASE_SKIPPED]);
    bool ran = program.totals[CASE_PASSED] + program.totals[CASE_FAILED] > 0;
    return ran && program.totals[CASE_FAILED] == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
