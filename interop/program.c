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
    struct client *pacemaker;
    struct inbox pacemaker_inbox;
    const char *only; /* run only cases whose full name contains this; NULL: all */
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

static void report(struct program *program, enum case_outcome outcome, const char *name, const char *why) {
    program->totals[outcome]++;
    if (outcome == CASE_PASSED) {
        printf("ok %s\n", name);
    } else {
        printf("%s %s: %s\n", outcome == CASE_FAILED ? "FAIL" : "skip", name, why);
    }
    fflush(stdout);
}

static void run_case(struct program *program, const struct version *version, const struct interop_case *this_case) {
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
    scene->endpoint = (struct endpoint){program->url, program->ca_file, version->protocol, program->pacemaker};
    scene->run = program->run;
    scene->number = program->number++;
    enum case_outcome outcome = scene_run(scene);
    report(program, outcome, name, scene->why);
    free(scene);
}

static void run_table(struct program *program, const struct version *version, const struct interop_case *table) {
    for (const struct interop_case *row = table; row->name != NULL; row++) {
        if ((row->versions & version->bit) != 0) {
            run_case(program, version, row);
        }
    }
}

static int usage(const char *name) {
    fprintf(stderr, "usage: %s [--cafile FILE] [--only PART-OF-NAME] tcp://127.0.0.1:PORT\n", name);
    return 2;
}

static bool parse_arguments(struct program *program, int count, char **arguments) {
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--cafile") == 0 && i + 1 < count) {
            program->ca_file = arguments[++i];
        } else if (strcmp(arguments[i], "--only") == 0 && i + 1 < count) {
            program->only = arguments[++i];
        } else if (arguments[i][0] != '-' && program->url == NULL) {
            program->url = arguments[i];
        } else {
            return false;
        }
    }
    return program->url != NULL;
}

/* Returns false when not even the pacemaker can connect: then no case would say more. */
static bool start_pacemaker(struct program *program) {
    struct endpoint endpoint = {.url = program->url, .ca_file = program->ca_file, .protocol = PROTOCOL_3_1_1};
    char client_id[CLIENT_IDENTIFIER_SIZE];
    snprintf(client_id, sizeof client_id, "i%xpace", program->run);
    inbox_init(&program->pacemaker_inbox);
    program->pacemaker = client_create(&endpoint, client_id, &program->pacemaker_inbox);
    if (program->pacemaker == NULL) {
        return false;
    }
    struct connect_options options = {.clean_start = true};
    int code = client_connect(program->pacemaker, &options).code;
    if (code != 0) {
        fprintf(stderr, "%s could not connect to %s: code %d\n", client_library(), program->url, code);
    }
    return code == 0;
}

static void stop_pacemaker(struct program *program) {
    client_disconnect(program->pacemaker, 0);
    client_destroy(program->pacemaker);
    inbox_free(&program->pacemaker_inbox);
}

int main(int count, char **arguments) {
    signal(SIGPIPE, SIG_IGN);
    if (count > 1 && strcmp(arguments[1], DYING_CLIENT_FLAG) == 0) {
        return dying_client(count, arguments);
    }
    struct program program = {.run = ((unsigned)time(NULL) << 12) ^ (unsigned)getpid()};
    if (!parse_arguments(&program, count, arguments)) {
        return usage(arguments[0]);
    }
    if (!start_pacemaker(&program)) {
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        run_table(&program, &versions[i], cases_of_all_versions);
        run_table(&program, &versions[i], cases_of_version_5);
    }
    stop_pacemaker(&program);
    printf("%u passed, %u failed, %u skipped\n", program.totals[CASE_PASSED], program.totals[CASE_FAILED],
           program.totals[CASE_SKIPPED]);
    bool ran = program.totals[CASE_PASSED] + program.totals[CASE_FAILED] > 0;
    return ran && program.totals[CASE_FAILED] == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
