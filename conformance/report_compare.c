#include "report_compare.h"

#include <stdio.h>
#include <stdlib.h>

#include "report_load.h"

static struct run *load(const char *path)
{
    char problem[600];
    size_t unknown;
    struct run *run = report_load(path, &unknown, problem, sizeof problem);
    if (run == NULL)
        fprintf(stderr, "%s: %s\n", SUITE_NAME, problem);
    else if (unknown > 0)
        fprintf(stderr, "%s: %s: names requirements %zu times that this program (%s) does not know\n",
                SUITE_NAME, path, unknown, SUITE_VERSION);
    return run;
}

bool load_baseline(const struct options *options, struct run **baseline)
{
    *baseline = options->baseline == NULL ? NULL : load(options->baseline);
    return options->baseline == NULL || *baseline != NULL;
}

/* Keeps what is selected. */
static void narrow(struct run *run, const struct wishes *wishes)
{
    size_t count = 0;
    memset(run->totals, 0, sizeof run->totals);
    memset(run->properties, 0, sizeof run->properties);
    for (size_t i = 0; i < run->count; i++) {
        struct result *result = &run->results[i];
        if (!is_selected(wishes, result->test, result->version)) {
            result_clear(result);
            continue;
        }
        (is_property(result->test) ? run->properties : run->totals)[result->verdict]++;
        run->results[count++] = *result;
    }
    run->count = count;
}

static size_t load_all(const struct options *options, struct run **runs)
{
    for (size_t i = 0; i < options->argument_count; i++) {
        runs[i] = load(options->arguments[i]);
        if (runs[i] == NULL)
            return i;
        narrow(runs[i], &options->wishes);
        if (runs[i]->broker_name[0] == '\0' && runs[i]->target->url[0] == '\0')
            runs[i]->broker_name = options->arguments[i];
    }
    return options->argument_count;
}

static bool write_reports(const struct options *options, struct run **runs)
{
    struct output standard = {.format = &report_markdown, .path = "-"};
    struct output *outputs = options->output_count == 0 ? &standard : options->outputs;
    size_t count = options->output_count == 0 ? 1 : options->output_count;
    struct report_input input = {.runs = (const struct run *const *)runs,
                                 .count = options->argument_count,
                                 .packets = options->packets};
    if (!options->packets_chosen && input.count > 1)
        input.packets = PACKETS_FAILURES;
    return outputs_open(outputs, count, input.count) && outputs_write(outputs, count, &input);
}

bool compare_reports(const struct options *options)
{
    struct run **runs = allocate(options->argument_count, sizeof(struct run *));
    size_t loaded = load_all(options, runs);
    bool good = loaded == options->argument_count && write_reports(options, runs);
    for (size_t i = 0; i < loaded; i++)
        report_unload(runs[i]);
    free(runs);
    return good;
}
