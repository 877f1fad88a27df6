/* Scenarios idle (what a connection costs that does nothing) and connect-rate (how fast they come and go). */
#include "load.h"

#include <stdio.h>

enum { OPEN_AT_ONCE = 500, IDENTIFIER_SIZE = 32 };

bool scenario_idle(struct load *load)
{
    uint32_t count = load->options.count;
    struct connection *connections = load_allocate(load, count, sizeof *connections);
    uint64_t before = process_memory(load->broker);
    if (!open_clients(load, connections, count, OPEN_AT_ONCE, "idle", &silent_events)) {
        return false;
    }
    uint64_t after = process_memory(load->broker);
    report_number(load, "connections", count);
    report_number(load, "memory_before", (double)before);
    report_number(load, "memory_after", (double)after);
    report_number(load, "bytes_per_connection", ((double)after - (double)before) / count);
    return true;
}

/* All handshakes of the scenario; each slot has one under way. */
struct handshakes {
    uint32_t started;
    uint32_t finished;
    uint64_t *start; /* by slot: when the one under way began */
    struct latency latency;
};

static void start_handshake(struct connection *connection)
{
    /* A new client identifier each time: taking over from a connection still closing would be other work. */
    struct handshakes *handshakes = connection->owner;
    char identifier[IDENTIFIER_SIZE];
    snprintf(identifier, sizeof identifier, "connect%u", handshakes->started++);
    handshakes->start[connection->number] = clock_now();
    connection_open(connection, identifier);
}

static void finish_handshake(struct connection *connection)
{
    struct handshakes *handshakes = connection->owner;
    size_t size = write_disconnect(connection_gather(connection, 2));
    connection_ungather(connection, 2 - size);
    connection_flush(connection);
    connection_close(connection);
    handshakes->finished++;
    latency_add(&handshakes->latency, clock_now() - handshakes->start[connection->number]);
    start_handshake(connection);
}

static bool handshake_until(struct load *load, const struct handshakes *handshakes, uint32_t finished)
{
    while (handshakes->finished < finished) {
        if (!load_turn(load)) {
            return false;
        }
    }
    return true;
}

bool scenario_connect_rate(struct load *load)
{
    static const struct connection_events events = {.ready = finish_handshake};
    uint32_t slots = load->options.clients;
    struct handshakes handshakes = {.start = load_allocate(load, slots, sizeof *handshakes.start)};
    struct connection *connections = load_allocate(load, slots, sizeof *connections);
    latency_make(&handshakes.latency, load);
    for (uint32_t i = 0; i < slots; i++) {
        struct connection *connection = &connections[i];
        *connection = (struct connection){.load = load, .events = &events, .number = i};
        connection->owner = &handshakes;
        start_handshake(connection);
    }
    if (!handshake_until(load, &handshakes, load->options.count / 5)) {
        return false;
    }
    latency_reset(&handshakes.latency);
    uint32_t before = handshakes.finished;
    uint64_t cpu_before = process_cpu(load->broker);
    uint64_t start = clock_now();
    if (!handshake_until(load, &handshakes, before + load->options.count)) {
        return false;
    }
    double seconds = seconds_between(start, clock_now());
    double finished = handshakes.finished - before;
    double cpu = (double)(process_cpu(load->broker) - cpu_before);
    report_number(load, "connections", finished);
    report_number(load, "seconds", seconds);
    report_number(load, "connections_per_second", finished / seconds);
    report_number(load, "cpu_us_per_connection", cpu / finished / 1000);
    report_number(load, "latency_p50_us", latency_quantile(&handshakes.latency, 0.50));
    report_number(load, "latency_p99_us", latency_quantile(&handshakes.latency, 0.99));
    return true;
}
