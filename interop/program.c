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
    struct endpoint endpoint; /* its protocol is set for each version */
    const char *transport;    /* as it is called in test names */
    struct pacemaker *pacemaker;
    bool websocket;
    const char *other_ca_file; /* a CA that has not signed the broker's certificate */
    const char *protocol;      /* run only this version, e.g. "3.1.1"; NULL: all */
    const char *only;          /* run only cases whose full name contains this; NULL: all */
    unsigned run;
    unsigned number;
    unsigned totals[3]; /* by enum case_outcome */
};

struct version {
    enum protocol protocol;
    unsigned bit;
    const char *name;
};

struct scheme {
    const char *beginning;
    const char *transport;
    bool websocket;
};

static const struct scheme schemes[] = {
    {"tcp://", "tcp", false},   {"mqtt://", "tcp", false}, {"ssl://", "tls", false},
    {"mqtts://", "tls", false}, {"ws://", "ws", true},     {"wss://", "wss", true},
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
    snprintf(name, sizeof name, "%s/%s/%s/%s", client_library(), program->transport, version->name,
             this_case->name);
    if (program->only != NULL && strstr(name, program->only) == NULL) {
        return;
    }
    struct scene *scene = calloc(1, sizeof *scene);
    if (scene == NULL) {
        abort();
    }
    scene->this_case = this_case;
    scene->endpoint = program->endpoint;
    scene->endpoint.protocol = version->protocol;
    scene->other_ca_file = program->other_ca_file;
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
        if ((row->versions & version->bit) != 0 && !(program->websocket && row->not_over_websocket)) {
            run_case(program, version, row);
        }
    }
}

static int usage(const char *name)
{
    fprintf(
        stderr,
        "usage: %s [--cafile FILE] [--other-cafile FILE] [--protocol 3.1|3.1.1|5.0] [--only PART-OF-NAME]\n"
        "       [--user NAME --password PASSWORD | --cert FILE --key FILE] URL\n",
        name);
    return 2;
}

/* Where the value of an option goes, or NULL when there is no such option. */
static const char **place_of(struct program *program, const char *option)
{
    const struct {
        const char *name;
        const char **place;
    } options[] = {
        {"--cafile", &program->endpoint.ca_file},
        {"--cert", &program->endpoint.certificate_file},
        {"--key", &program->endpoint.key_file},
        {"--user", &program->endpoint.user_name},
        {"--password", &program->endpoint.password},
        {"--other-cafile", &program->other_ca_file},
        {"--only", &program->only},
        {"--protocol", &program->protocol},
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (strcmp(option, options[i].name) == 0) {
            return options[i].place;
        }
    }
    return NULL;
}

static bool find_transport(struct program *program)
{
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (strncmp(program->endpoint.url, schemes[i].beginning, strlen(schemes[i].beginning)) == 0) {
            program->transport = schemes[i].transport;
            program->websocket = schemes[i].websocket;
            return true;
        }
    }
    return false;
}

static bool parse_arguments(struct program *program, int count, char **arguments)
{
    for (int i = 1; i < count; i++) {
        const char **place = place_of(program, arguments[i]);
        if (place != NULL && i + 1 < count) {
            *place = arguments[++i];
        } else if (arguments[i][0] != '-' && program->endpoint.url == NULL) {
            program->endpoint.url = arguments[i];
        } else {
            return false;
        }
    }
    return program->endpoint.url != NULL && find_transport(program);
}

/* Which cases make sense depends on how the broker lets clients in. */
static void run_version(struct program *program, const struct version *version)
{
    if (program->endpoint.certificate_file != NULL) {
        run_table(program, version, cases_of_certificates);
        return;
    }
    if (program->endpoint.user_name != NULL) {
        run_table(program, version, cases_of_passwords);
        return;
    }
    run_table(program, version, cases_of_all_versions);
    run_table(program, version, cases_of_version_5);
    if (program->other_ca_file != NULL) {
        run_table(program, version, cases_of_tls);
    }
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
    program.pacemaker = pacemaker_start(&program.endpoint, program.run);
    if (program.pacemaker == NULL) {
        fprintf(stderr, "%s could not connect to %s\n", client_library(), program.endpoint.url);
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        if (program.protocol == NULL || strcmp(program.protocol, versions[i].name) == 0) {
            run_version(&program, &versions[i]);
        }
    }
    pacemaker_stop(program.pacemaker);
    printf("%u passed, %u failed, %u skipped\n", program.totals[CASE_PASSED], program.totals[CASE_FAILED],
           program.totals[CASE_SKIPPED]);
    bool ran = program.totals[CASE_PASSED] + program.totals[CASE_FAILED] > 0;
    return ran && program.totals[CASE_FAILED] == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
