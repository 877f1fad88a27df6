/* options: the command line. */
#ifndef ETALON_CONFORMANCE_OPTIONS_H
#define ETALON_CONFORMANCE_OPTIONS_H

#include "selection.h"
#include "tls.h"

/* A report that goes to a file: a function of report.h and the file's name. */
struct output {
    bool (*write)(const struct run *run, const char *path);
    const char *path;
};

/* What the command line asks for. Texts are borrowed from argv. */
struct options {
    struct wishes wishes;
    const char *url;
    const char *profile;
    struct tls_settings tls;
    struct output *outputs; /* files to write when all is over */
    size_t output_count;
    unsigned jobs;
    double patience;
    uint64_t seed;
    bool has_seed;
    bool properties_must_hold; /* a property that does not hold is a failure of the run */
    bool no_progress;
    bool verbose;
    bool list;
    bool list_groups;
    bool help;
    bool version;
};

/* Reads the command line. False with a message on standard error when it is wrong. The lists inside are
 * allocated; options_clear frees them. */
bool options_read(struct options *options, int argc, char **argv);
void options_clear(struct options *options);

void options_print_help(void);

#endif
