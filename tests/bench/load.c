/* Options and the table of scenarios. */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_USAGE = 1, EXIT_FAILED = 2 };
enum { LARGEST_LEAD = 65536, LARGEST_WINDOW = 4096, LARGEST_PAYLOAD = 65536, LONGEST_SECONDS = 86400 };

struct scenario {
    const char *name;
    bool (*run)(struct load *load);
    uint32_t clients; /* 0: the scenario decides */
    uint32_t count;
    bool acknowledged; /* publishes at QoS 1 whatever --qos says */
};

static const struct scenario scenarios[] = {
    {"fan-in", scenario_fan_in, 0, 0, false},
    {"fan-out", scenario_fan_out, 0, 0, false},
    {"pairs", scenario_pairs, 0, 0, false},
    {"idle", scenario_idle, 0, 10000, false},
    {"connect-rate", scenario_connect_rate, 1000, 30000, false},
    {"subscriptions", scenario_subscriptions, 0, 100000, false},
    {"subscriptions-one", scenario_subscriptions_one, 0, 1000000, false},
    {"retained", scenario_retained, 0, 100000, true},
    {"queue", scenario_queue, 50, 0, true},
    {"retained-flow", scenario_retained_flow, 50, 0, true},
    {"sessions", scenario_sessions, 500, 100000, true},
    {"return", scenario_return, 500, 100000, true},
    {"drain", scenario_drain, 0, 0, true},
};

enum { SCENARIOS = sizeof scenarios / sizeof scenarios[0] };

enum argument_kind { TEXT, FLAG, NUMBER, SECONDS };

struct option_row {
    const char *name;
    enum argument_kind kind;
    size_t offset;
    const char *help;
};

#define MEMBER(name) offsetof(struct options, name)

static const struct option_row option_rows[] = {
    {"host", TEXT, MEMBER(host), "IPv4 address of the broker (127.0.0.1)"},
    {"port", NUMBER, MEMBER(port), "its port"},
    {"pid", NUMBER, MEMBER(pid), "its process, whose CPU and memory are measured"},
    {"scenario", TEXT, MEMBER(scenario), "what to measure"},
    {"qos", NUMBER, MEMBER(qos), "QoS of publishers and subscribers (0)"},
    {"mqtt5", FLAG, MEMBER(mqtt5), "speak MQTT 5.0 rather than 3.1.1"},
    {"durable", FLAG, MEMBER(durable), "the subscribers of a flow have sessions that are kept"},
    {"tls", FLAG, MEMBER(tls), "speak TLS 1.3; the certificate is not looked at"},
    {"resume", FLAG, MEMBER(resume), "with --tls in connect-rate: resume a session each time"},
    {"clients", NUMBER, MEMBER(clients), "clients of a flow (50), handshakes under way, subscribing clients"},
    {"count", NUMBER, MEMBER(count), "connections, subscriptions, sessions or messages"},
    {"payload", NUMBER, MEMBER(payload), "bytes in a message (64; at least 16)"},
    {"window", NUMBER, MEMBER(window), "messages without acknowledgement per publisher (QoS 0: 32, else 16)"},
    {"lead", NUMBER, MEMBER(lead), "messages per publisher not yet with all subscribers (as --window)"},
    {"batch", NUMBER, MEMBER(batch), "a publisher waits until it may send that many at once (1)"},
    {"messages", NUMBER, MEMBER(messages), "deliveries to measure (no limit)"},
    {"seconds", SECONDS, MEMBER(seconds), "or seconds to measure, whichever ends first (2)"},
    {"deadline", SECONDS, MEMBER(deadline), "give up with an error after that many seconds (60)"},
};

enum { OPTIONS = sizeof option_rows / sizeof option_rows[0] };

uint64_t clock_now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * NANOSECONDS + (uint64_t)time.tv_nsec;
}

double seconds_between(uint64_t from, uint64_t to)
{
    return to > from ? (double)(to - from) / (double)NANOSECONDS : 0;
}

void load_fail(struct load *load, const char *format, ...)
{
    va_list arguments;
    if (load_failed(load)) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(load->error, sizeof load->error, format, arguments);
    va_end(arguments);
}

bool load_failed(const struct load *load)
{
    return load->error[0] != '\0';
}

/* One piece of memory, in a chain from load->memory. */
struct memory {
    struct memory *next;
    max_align_t bytes[];
};

void *load_allocate(struct load *load, size_t count, size_t size)
{
    struct memory *memory = calloc(1, sizeof *memory + count * size);
    if (memory == NULL) {
        fputs("bench-load: out of memory\n", stderr);
        exit(EXIT_FAILED);
    }
    memory->next = load->memory;
    load->memory = memory;
    return memory->bytes;
}

static void load_release(struct load *load)
{
    connections_release(load);
    tls_end(load); /* before its memory */
    while (load->memory != NULL) {
        struct memory *memory = load->memory;
        load->memory = memory->next;
        free(memory);
    }
    close(load->epoll);
}

static void print_usage(void)
{
    fputs("usage: bench-load --port PORT --pid PROCESS --scenario NAME [options]\n", stderr);
    for (size_t i = 0; i < OPTIONS; i++) {
        fprintf(stderr, "  --%-10s %s\n", option_rows[i].name, option_rows[i].help);
    }
    fputs("scenarios:", stderr);
    for (size_t i = 0; i < SCENARIOS; i++) {
        fprintf(stderr, " %s", scenarios[i].name);
    }
    fputs("\n", stderr);
}

static bool read_number(const char *text, uint32_t *number)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    *number = (uint32_t)value;
    return errno == 0 && end != text && *end == '\0' && value <= UINT32_MAX && text[0] != '-';
}

static bool read_seconds(const char *text, double *seconds)
{
    char *end;
    *seconds = strtod(text, &end);
    return end != text && *end == '\0' && *seconds > 0 && *seconds < LONGEST_SECONDS;
}

static bool take_option(struct options *options, const struct option_row *row, const char *argument)
{
    void *member = (char *)options + row->offset;
    switch (row->kind) {
    case TEXT:
        *(const char **)member = argument;
        return true;
    case FLAG:
        *(bool *)member = true;
        return true;
    case NUMBER:
        return read_number(argument, member);
    case SECONDS:
        return read_seconds(argument, member);
    }
    return false;
}

/* True when all arguments were understood. */
static bool take_options(struct options *options, int count, char **arguments)
{
    struct option known[OPTIONS + 1] = {0};
    int index = 0;
    int found;
    for (size_t i = 0; i < OPTIONS; i++) {
        known[i].name = option_rows[i].name;
        known[i].has_arg = option_rows[i].kind == FLAG ? no_argument : required_argument;
    }
    while ((found = getopt_long(count, arguments, "", known, &index)) == 0) {
        if (!take_option(options, &option_rows[index], optarg)) {
            fprintf(stderr, "bench-load: --%s: '%s' will not do\n", option_rows[index].name, optarg);
            return false;
        }
    }
    return found == -1 && optind == count;
}

static const struct scenario *find_scenario(const char *name)
{
    for (size_t i = 0; name != NULL && i < SCENARIOS; i++) {
        if (strcmp(scenarios[i].name, name) == 0) {
            return &scenarios[i];
        }
    }
    return NULL;
}

static uint32_t or_default(uint32_t given, uint32_t usual)
{
    return given > 0 ? given : usual;
}

static void fill_defaults(struct options *options, const struct scenario *scenario)
{
    options->qos = scenario->acknowledged ? or_default(options->qos, 1) : options->qos;
    bool acknowledged = options->qos > 0;
    options->clients = or_default(options->clients, scenario->clients);
    options->count = or_default(options->count, scenario->count);
    options->window = or_default(options->window, acknowledged ? 16 : 32);
    options->lead = or_default(options->lead, options->window);
    options->batch = or_default(options->batch, 1);
}

static bool options_are_sound(const struct options *options)
{
    bool target =
        options->port > 0 && options->port <= UINT16_MAX && options->pid > 0 && options->pid <= INT32_MAX;
    bool message =
        options->qos <= 2 && options->payload >= PAYLOAD_HEADER && options->payload <= LARGEST_PAYLOAD;
    bool loop = options->window <= LARGEST_WINDOW && options->lead <= LARGEST_LEAD &&
                options->batch <= options->window && options->batch <= options->lead;
    bool tls = options->tls || !options->resume;
    return target && message && loop && tls;
}

static const struct scenario *read_options(struct options *options, int count, char **arguments)
{
    *options = (struct options){.host = "127.0.0.1", .payload = 64, .seconds = 2, .deadline = 60};
    bool understood = take_options(options, count, arguments);
    const struct scenario *scenario = find_scenario(options->scenario);
    if (scenario != NULL) {
        fill_defaults(options, scenario);
    }
    if (!understood || scenario == NULL || !options_are_sound(options)) {
        print_usage();
        exit(EXIT_USAGE);
    }
    return scenario;
}

static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void load_start(struct load *load)
{
    load->address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)load->options.port)};
    load->broker = (pid_t)load->options.pid;
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    load->input = load_allocate(load, 1, READ_SIZE);
    load->now = clock_now();
    load->deadline = load->now + (uint64_t)(load->options.deadline * (double)NANOSECONDS);
    if (inet_pton(AF_INET, load->options.host, &load->address.sin_addr) != 1) {
        load_fail(load, "--host wants an IPv4 address");
    }
    if (load->options.tls) {
        (void)tls_start(load);
    }
    if (load->epoll < 0) {
        load_fail(load, "epoll_create1: %s", strerror(errno));
    }
    if (process_memory(load->broker) == 0) {
        load_fail(load, "no process %u to measure", load->options.pid);
    }
}

int main(int count, char **arguments)
{
    struct load whole = {0};
    struct load *load = &whole;
    const struct scenario *scenario = read_options(&load->options, count, arguments);
    raise_file_limit();
    load_start(load);
    report_text(load, "scenario", scenario->name);
    report_number(load, "qos", load->options.qos);
    bool measured = !load_failed(load) && scenario->run(load) && !load_failed(load);
    if (!measured) {
        report_text(load, "error", load_failed(load) ? load->error : "not measured");
        fprintf(stderr, "bench-load: %s: %s\n", scenario->name, load->error);
    }
    report_print(load);
    load_release(load);
    return measured ? EXIT_SUCCESS : EXIT_FAILED;
}
