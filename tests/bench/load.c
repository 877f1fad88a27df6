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
enum { LARGEST_LEAD = 65536, LARGEST_WINDOW = 4096, LARGEST_PAYLOAD = 65536 };

struct scenario {
    const char *name;
    bool (*run)(struct load *load);
    uint32_t clients;           /* 0: the scenario decides */
    uint32_t count;
    bool acknowledged;          /* publishes at QoS 1 whatever --qos says */
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
};

static const struct option long_options[] = {
    {"host", required_argument, NULL, 'h'},     {"port", required_argument, NULL, 'p'},
    {"pid", required_argument, NULL, 'P'},      {"scenario", required_argument, NULL, 's'},
    {"qos", required_argument, NULL, 'q'},      {"mqtt5", no_argument, NULL, '5'},
    {"clients", required_argument, NULL, 'c'},  {"count", required_argument, NULL, 'n'},
    {"payload", required_argument, NULL, 'l'},  {"window", required_argument, NULL, 'w'},
    {"lead", required_argument, NULL, 'L'},     {"batch", required_argument, NULL, 'b'},
    {"messages", required_argument, NULL, 'm'}, {"seconds", required_argument, NULL, 't'},
    {"deadline", required_argument, NULL, 'd'}, {NULL, 0, NULL, 0},
};

static const char usage[] =
    "usage: bench-load --port PORT --pid BROKER --scenario NAME [options]\n"
    "  --host ADDRESS     IPv4 address of the broker (127.0.0.1)\n"
    "  --qos 0|1|2        QoS of publishers and subscribers (0)\n"
    "  --mqtt5            speak MQTT 5.0 rather than 3.1.1\n"
    "  --clients N        clients on the many side of a flow (50); handshakes at a time; subscribers\n"
    "  --count N          connections, subscriptions or retained messages\n"
    "  --payload BYTES    payload of a message (64, at least 16)\n"
    "  --window N         messages without acknowledgement per publisher (QoS 0: 32, else 16)\n"
    "  --lead N           messages per publisher that some subscriber has not received yet (as --window)\n"
    "  --batch N          a publisher waits until it may send that many at once (1)\n"
    "  --messages N       deliveries to measure (no limit)\n"
    "  --seconds S        or seconds to measure, whichever ends first (2)\n"
    "  --deadline S       give up with an error after that time (60)\n";

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

void *load_allocate(size_t count, size_t size)
{
    void *memory = calloc(count > 0 ? count : 1, size);
    if (memory == NULL) {
        fputs("bench-load: out of memory\n", stderr);
        exit(EXIT_FAILED);
    }
    return memory;
}

static uint32_t number_of(const char *text)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value > UINT32_MAX || text[0] == '-') {
        fprintf(stderr, "bench-load: '%s' is not a number in range\n", text);
        exit(EXIT_USAGE);
    }
    return (uint32_t)value;
}

static void take_option(struct options *options, int option, const char *argument)
{
    switch (option) {
    case 'h': options->host = argument; break;
    case 'p': options->port = (uint16_t)number_of(argument); break;
    case 'P': options->broker = (pid_t)number_of(argument); break;
    case 's': options->scenario = argument; break;
    case 'q': options->qos = (uint8_t)number_of(argument); break;
    case '5': options->mqtt5 = true; break;
    case 'c': options->clients = number_of(argument); break;
    case 'n': options->count = number_of(argument); break;
    case 'l': options->payload = number_of(argument); break;
    case 'w': options->window = number_of(argument); break;
    case 'L': options->lead = number_of(argument); break;
    case 'b': options->batch = number_of(argument); break;
    case 'm': options->messages = number_of(argument); break;
    case 't': options->seconds = strtod(argument, NULL); break;
    case 'd': options->deadline = strtod(argument, NULL); break;
    default: fputs(usage, stderr); exit(EXIT_USAGE);
    }
}

static const struct scenario *find_scenario(const char *name)
{
    for (size_t i = 0; name != NULL && i < sizeof scenarios / sizeof scenarios[0]; i++) {
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
    bool acknowledged = scenario->acknowledged || options->qos > 0;
    options->clients = or_default(options->clients, scenario->clients);
    options->count = or_default(options->count, scenario->count);
    options->window = or_default(options->window, acknowledged ? 16 : 32);
    options->lead = or_default(options->lead, options->window);
    options->batch = or_default(options->batch, 1);
    options->messages = options->messages > 0 ? options->messages : UINT64_MAX / 2;
}

static bool options_are_sound(const struct options *options)
{
    bool target = options->port > 0 && options->broker > 0;
    bool message = options->qos <= 2 && options->payload >= PAYLOAD_HEADER &&
                   options->payload <= LARGEST_PAYLOAD;
    bool loop = options->window <= LARGEST_WINDOW && options->lead <= LARGEST_LEAD &&
                options->batch <= options->window && options->batch <= options->lead;
    return target && message && loop && options->seconds > 0 && options->deadline > 0;
}

static const struct scenario *read_options(struct options *options, int count, char **arguments)
{
    *options = (struct options) {.host = "127.0.0.1", .payload = 64, .seconds = 2, .deadline = 60};
    for (int option; (option = getopt_long(count, arguments, "", long_options, NULL)) != -1;) {
        take_option(options, option, optarg);
    }
    const struct scenario *scenario = find_scenario(options->scenario);
    if (scenario != NULL) {
        fill_defaults(options, scenario);
    }
    if (scenario == NULL || optind != count || !options_are_sound(options)) {
        fputs(usage, stderr);
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
    load->address = (struct sockaddr_in) {.sin_family = AF_INET, .sin_port = htons(load->options.port)};
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    load->input = load_allocate(1, READ_SIZE);
    load->now = clock_now();
    load->deadline = load->now + (uint64_t)(load->options.deadline * (double)NANOSECONDS);
    if (inet_pton(AF_INET, load->options.host, &load->address.sin_addr) != 1) {
        load_fail(load, "--host wants an IPv4 address");
    }
    if (load->epoll < 0) {
        load_fail(load, "epoll_create1: %s", strerror(errno));
    }
    if (process_memory(load->options.broker) == 0) {
        load_fail(load, "no process %d to measure", (int)load->options.broker);
    }
}

int main(int count, char **arguments)
{
    struct load *load = load_allocate(1, sizeof *load);
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
    return measured ? EXIT_SUCCESS : EXIT_FAILED;
}
