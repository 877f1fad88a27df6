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
    uint32_t resumed;
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
    handshakes->resumed += connection->tls != NULL && tls_is_resumed(connection) ? 1 : 0;
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

static void open_slots(struct load *load, struct handshakes *handshakes, uint32_t slots)
{
    static const struct connection_events events = {.ready = finish_handshake};
    struct connection *connections = load_allocate(load, slots, sizeof *connections);
    for (uint32_t i = 0; i < slots; i++) {
        struct connection *connection = &connections[i];
        *connection = (struct connection){.load = load, .events = &events, .number = i};
        connection->owner = handshakes;
        start_handshake(connection);
    }
}

/* One client, who gets a ticket: it comes with the end of the handshake, so before the CONNACK. */
static bool take_first_ticket(struct load *load)
{
    struct connection *connection = load_allocate(load, 1, sizeof *connection);
    if (!open_clients(load, connection, 1, 1, "ticket", &silent_events)) {
        return false;
    }
    if (!tls_has_ticket(load)) {
        load_fail(load, "the broker gives no session ticket");
    }
    return !load_failed(load);
}

static bool report_handshakes(struct load *load, struct handshakes *handshakes, const struct reading *from,
                              const struct reading *to)
{
    uint32_t finished = handshakes->finished;
    double seconds = seconds_between(from->time, to->time);
    double cpu = (double)(to->broker_cpu - from->broker_cpu);
    double own_cpu = (double)(to->own_cpu - from->own_cpu);
    double others_cpu = (double)(to->all_cpu - from->all_cpu) - cpu - own_cpu;
    report_number(load, "connections", finished);
    report_number(load, "resumed", handshakes->resumed);
    report_number(load, "seconds", seconds);
    report_number(load, "connections_per_second", finished / seconds);
    report_number(load, "cpu_us_per_connection", cpu / finished / 1000);
    report_number(load, "cpu_share", cpu / 1e9 / seconds);
    report_number(load, "load_cpu_share", own_cpu / 1e9 / seconds);
    report_number(load, "others_cpu_share", others_cpu > 0 ? others_cpu / 1e9 / seconds : 0);
    report_number(load, "latency_p50_us", latency_quantile(&handshakes->latency, 0.50));
    report_number(load, "latency_p99_us", latency_quantile(&handshakes->latency, 0.99));
    if (handshakes->resumed != (load->options.resume ? finished : 0)) {
        load_fail(load, "%u of %u handshakes resumed a session", handshakes->resumed, finished);
    }
    return !load_failed(load);
}

bool scenario_connect_rate(struct load *load)
{
    uint32_t slots = load->options.clients;
    struct handshakes handshakes = {.start = load_allocate(load, slots, sizeof *handshakes.start)};
    latency_make(&handshakes.latency, load);
    if (load->options.resume && !take_first_ticket(load)) {
        return false;
    }
    open_slots(load, &handshakes, slots);
    if (!handshake_until(load, &handshakes, load->options.count / 5)) {
        return false;
    }
    latency_reset(&handshakes.latency);
    handshakes.resumed = 0;
    handshakes.finished = 0;
    struct reading from = reading_take(load, 0);
    if (!handshake_until(load, &handshakes, load->options.count)) {
        return false;
    }
    struct reading to = reading_take(load, handshakes.finished);
    return report_handshakes(load, &handshakes, &from, &to);
}
