/* etalon-mutant: a broker with one fault, made of a broker without. mutant.h tells how. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "proxy.h"

/* The linker puts the entries of all MUTANTs side by side and names both ends of the section. */
extern const struct mutant *const __start_mutants[];
extern const struct mutant *const __stop_mutants[];

struct arguments {
    const char *mutant;
    const char *target;
    const char *port_file;
    long port; /* -1: not given */
    struct distance distance;
    bool list;
};

static volatile int stop;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

static void usage(FILE *out)
{
    fputs("usage: etalon-mutant --list\n"
          "       etalon-mutant [--mutant NAME] [--latency MS] [--jitter SHARE:MS] --listen PORT "
          "[--port-file FILE]\n"
          "                     --target mqtt://HOST:PORT\n"
          "\n"
          "Listens on 127.0.0.1 (PORT 0: any free one) and passes everything on to the broker at HOST:PORT,\n"
          "except for the one fault of the mutant. Without --mutant nothing is changed.\n"
          "--latency delays everything by so many milliseconds, each way; --jitter 5:300 delays 5 % of the\n"
          "segments by 300 ms more. The order is kept in every connection.\n"
          "--list prints a line for each mutant: name, file, line, versions, what it breaks, the tests that\n"
          "must fail, those of the control sample that may fail as well, the properties that must not hold,\n"
           "the row of a table that the failures must name, the words that the tests must note instead of\n"
           "failing; separated by tabs.\n",
          out);
}

static const struct mutant *find_mutant(const char *name)
{
    for (const struct mutant *const *at = __start_mutants; at < __stop_mutants; at++)
        if (strcmp((*at)->name, name) == 0)
            return *at;
    return NULL;
}

static int list_mutants(void)
{
    for (const struct mutant *const *at = __start_mutants; at < __stop_mutants; at++) {
        const struct mutant *mutant = *at;
        printf("%s\t%s\t%d\t%s%s%s\t%s\t%s\t%s\t%s\t%s\t%s\n", mutant->name, mutant->file, mutant->line,
               (mutant->versions & V31) != 0 ? "3.1 " : "", (mutant->versions & V311) != 0 ? "3.1.1 " : "",
               (mutant->versions & V5) != 0 ? "5.0" : "", mutant->breaks, mutant->tests,
               mutant->behaviour->spoils == NULL ? "" : mutant->behaviour->spoils,
               mutant->behaviour->properties == NULL ? "" : mutant->behaviour->properties,
               mutant->behaviour->row == NULL ? "" : mutant->behaviour->row,
               mutant->behaviour->permitted == NULL ? "" : mutant->behaviour->permitted);
    }
    return 0;
}

static bool parse_port(const char *text, long *port)
{
    char *end;
    errno = 0;
    *port = strtol(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *port >= 0 && *port <= 65535;
}

/* "100": milliseconds, to seconds. */
static bool parse_milliseconds(const char *text, double *seconds)
{
    char *end;
    *seconds = strtod(text, &end) / 1000.0;
    return end != text && *end == '\0' && *seconds >= 0 && *seconds <= 60;
}

/* "5:300": 5 % of the segments, by 300 ms. */
static bool parse_jitter(const char *text, struct distance *distance)
{
    char *end;
    distance->share = strtod(text, &end) / 100.0;
    return end != text && *end == ':' && distance->share >= 0 && distance->share <= 1 &&
           parse_milliseconds(end + 1, &distance->more);
}

/* False: the command line is wrong. */
static bool parse(int count, char **words, struct arguments *arguments)
{
    static const struct option options[] = {
        {"list", no_argument, NULL, 'l'},         {"mutant", required_argument, NULL, 'm'},
        {"listen", required_argument, NULL, 'p'}, {"port-file", required_argument, NULL, 'f'},
        {"target", required_argument, NULL, 't'}, {"latency", required_argument, NULL, 'd'},
        {"jitter", required_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
    *arguments = (struct arguments){.port = -1};
    for (int option; (option = getopt_long(count, words, "", options, NULL)) != -1;) {
        if (option == 'l')
            arguments->list = true;
        else if (option == 'm')
            arguments->mutant = optarg;
        else if (option == 'f')
            arguments->port_file = optarg;
        else if (option == 't')
            arguments->target = optarg;
        else if (option == 'd' && parse_milliseconds(optarg, &arguments->distance.latency))
            continue;
        else if (option == 'j' && parse_jitter(optarg, &arguments->distance))
            continue;
        else if (option != 'p' || !parse_port(optarg, &arguments->port))
            return false;
    }
    return optind == count && (arguments->list || (arguments->port >= 0 && arguments->target != NULL));
}

/* Whoever waits for the file must never find half of it. */
static bool write_port_file(const char *path, uint16_t port)
{
    char temporary[4096];
    if (path == NULL)
        return true;
    if (snprintf(temporary, sizeof temporary, "%s.new", path) >= (int)sizeof temporary)
        return false;
    FILE *file = fopen(temporary, "w");
    if (file == NULL)
        return false;
    const bool written = fprintf(file, "%u\n", port) > 0;
    return fclose(file) == 0 && written && rename(temporary, path) == 0;
}

static void watch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* A connection takes two descriptors, and the suite makes a thousand connections at a time. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static int serve(struct proxy *proxy, const struct arguments *arguments)
{
    watch_signals();
    raise_descriptor_limit();
    const uint16_t port = proxy_open(proxy, (uint16_t)arguments->port);
    if (port == 0 || !write_port_file(arguments->port_file, port) || !proxy_run(proxy, &stop)) {
        perror("etalon-mutant");
        return 2;
    }
    proxy_close(proxy);
    return 0;
}

int main(int count, char **words)
{
    struct arguments arguments;
    struct proxy proxy = {.listener = -1, .poll = -1};
    if (!parse(count, words, &arguments)) {
        usage(stderr);
        return 2;
    }
    if (arguments.list)
        return list_mutants();
    if (arguments.mutant != NULL && (proxy.mutant = find_mutant(arguments.mutant)) == NULL) {
        fprintf(stderr, "etalon-mutant: there is no mutant %s\n", arguments.mutant);
        return 2;
    }
    if (!socket_parse(arguments.target, &proxy.target)) {
        fprintf(stderr, "etalon-mutant: %s is not of the form mqtt://HOST:PORT\n", arguments.target);
        return 2;
    }
    proxy.distance = arguments.distance;
    return serve(&proxy, &arguments);
}
