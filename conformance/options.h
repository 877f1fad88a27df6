/* options: the command line. */
#ifndef ETALON_CONFORMANCE_OPTIONS_H
#define ETALON_CONFORMANCE_OPTIONS_H

#include "report_output.h"
#include "selection.h"
#include "tls.h"

/* What the command line asks for. Texts are borrowed from argv. */
struct options {
    struct wishes wishes;
    const char **arguments; /* what is no option: the target, or the files to compare */
    size_t argument_count;
    const char *url; /* NULL with --compare, --list … */
    const char *profile;
    struct tls_settings tls;
    struct output *outputs; /* files to write when all is over */
    size_t output_count;
    enum report_packets packets;
    bool packets_chosen;
    bool compare; /* no run: reports of the files that are named */
    const char *baseline;
    const char *broker_name; /* for the reports; NULL: not given */
    const char *broker_version;
    const char *broker_configuration;
    unsigned jobs;
    double patience;
    uint64_t seed;
    bool has_seed;
    bool properties_must_hold; /* a property that does not hold is a failure of the run */
    bool no_progress;
    bool verbose;
    const char *explain;    /* a statement or a test; NULL: not asked for */
    const char *completion; /* a shell; NULL: not asked for */
    bool list;
    bool list_groups;
    bool help;
    bool version;
};

/* Reads the command line. False with a message on standard error when it is wrong. The lists inside are
 * allocated; options_clear frees them. */
bool options_read(struct options *options, int argc, char **argv);
void options_clear(struct options *options);

/* What a command line needs besides a test and the target to run it again in the same way: " --profile FOLDER
 * --cafile FILE", quoted for a shell; "" for most. The caller frees it. */
char *options_for_rerun(const struct options *options);

void options_print_help(void);

/* The option number `index` in the order of the help, as the user sees it; `brief` and `value` may be NULL. False:
 * there are no more. */
struct option_text {
    const char *brief;
    const char *name;
    const char *value;
    const char *help;
};
bool options_text(size_t index, struct option_text *text);

#endif
