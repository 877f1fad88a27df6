/*
 * Scenarios queue (one durable subscriber, which is away) and retained-flow: a broker has to store every
 * message, and nobody receives it now.
 *
 * A closed loop on acknowledgements (PUBACK; at QoS 2 PUBCOMP): each publisher has at most `window` messages
 * without one. With --count the queue gets exactly that many, all of them measured: so it is filled for a
 * later start. Payloads are as in load_flow.c: publisher, sequence number, time.
 */
#include "load.h"

#include <stdio.h>
#include <string.h>

#define STALL (5 * NANOSECONDS)

enum { SAMPLE_EVERY = 61, TOPIC_DIGITS = 8, RETAINED_TOPICS = 50000, RETAIN = 0x01 };

struct stored_flow {
    struct load *load;
    struct storer *storers;
    struct latency latency;
    struct watcher watcher;
    uint64_t left; /* messages still to be sent */
    uint64_t acknowledged;
    uint32_t topics; /* of one publisher; 0: all publish to QUEUE_TOPIC */
};

struct storer {
    struct stored_flow *flow;
    struct connection connection;
    struct publish_template template;
    uint32_t index;
    uint32_t next;
    uint32_t unacknowledged;
    uint16_t *identifiers; /* a stack: those from [unacknowledged] on are free */
    uint64_t *sent;        /* by Packet Identifier: when */
};

static bool acknowledges(const struct packet *packet, uint32_t window)
{
    uint16_t packet_identifier = packet->length >= 2 ? get_u16(packet->body) : 0;
    bool success = packet->length < 3 || packet->body[2] < 0x80;
    return success && packet_identifier > 0 && packet_identifier <= window;
}

static void storer_packet(struct connection *connection, const struct packet *packet)
{
    struct storer *storer = connection->owner;
    struct load *load = connection->load;
    uint8_t type = packet->first & 0xF0;
    uint8_t last = load->options.qos == 1 ? PUBACK : PUBCOMP;
    bool expected = type == last || (type == PUBREC && last == PUBCOMP);
    if (!expected || !acknowledges(packet, load->options.window) || storer->unacknowledged == 0) {
        load_fail(load, "unexpected packet 0x%02x for a publisher", packet->first);
        return;
    }
    uint16_t packet_identifier = get_u16(packet->body);
    if (type == PUBREC) {
        write_acknowledgement(connection_gather(connection, 4), PUBREL, packet_identifier);
        return;
    }
    storer->identifiers[--storer->unacknowledged] = packet_identifier;
    if (++storer->flow->acknowledged % SAMPLE_EVERY == 0) {
        latency_add(&storer->flow->latency, load->now - storer->sent[packet_identifier]);
    }
}

/* The topic's number stands at its end, always with the same number of digits. */
static void put_topic(const struct publish_template *template, uint8_t *to, uint32_t number)
{
    uint8_t *digit = to + template->packet_identifier;
    for (int i = 0; i < TOPIC_DIGITS; i++) {
        *--digit = (uint8_t)('0' + number % 10);
        number /= 10;
    }
}

static void put_publish(struct storer *storer, uint8_t *to, uint64_t now)
{
    const struct publish_template *template = &storer->template;
    uint32_t topics = storer->flow->topics;
    uint16_t packet_identifier = storer->identifiers[storer->unacknowledged++];
    memcpy(to, template->bytes, template->length);
    memcpy(to + template->payload + 4, &storer->next, sizeof storer->next);
    memcpy(to + template->payload + 8, &now, sizeof now);
    put_u16(to + template->packet_identifier, packet_identifier);
    if (topics > 0) {
        put_topic(template, to, storer->index * topics + storer->next % topics);
    }
    storer->sent[packet_identifier] = now;
    storer->next++;
}

static void refill(struct storer *storer, uint64_t now)
{
    struct stored_flow *flow = storer->flow;
    uint32_t room = flow->load->options.window - storer->unacknowledged;
    size_t length = storer->template.length;
    room = room < flow->left ? room : (uint32_t)flow->left;
    if (room == 0) {
        return;
    }
    uint8_t *to = connection_gather(&storer->connection, room * length);
    for (uint32_t i = 0; i < room; i++) {
        put_publish(storer, to + i * length, now);
    }
    flow->left -= room;
}

static bool turn(struct stored_flow *flow, uint64_t *last_progress)
{
    struct load *load = flow->load;
    uint64_t before = flow->acknowledged;
    uint64_t now = clock_now();
    for (uint32_t i = 0; i < load->options.clients; i++) {
        refill(&flow->storers[i], now);
    }
    if (!load_turn(load)) {
        return false;
    }
    *last_progress = flow->acknowledged != before ? load->now : *last_progress;
    if (load->now > *last_progress + STALL) {
        load_fail(load, "stalls: no acknowledgement for 5 s after %llu",
                  (unsigned long long)flow->acknowledged);
    }
    return !load_failed(load);
}

/* Until `acknowledged` or the seconds are over. */
static bool run_until(struct stored_flow *flow, uint64_t acknowledged, double seconds)
{
    uint64_t start = clock_now();
    uint64_t last_progress = start;
    while (flow->acknowledged < acknowledged && seconds_between(start, flow->load->now) < seconds) {
        if (!turn(flow, &last_progress)) {
            return false;
        }
    }
    return true;
}

static void report_stored(struct stored_flow *flow, const struct reading *from, const struct reading *to)
{
    reading_report(flow->load, "acknowledged", from, to);
    report_number(flow->load, "acknowledged_p50_us", latency_quantile(&flow->latency, 0.50));
    report_number(flow->load, "acknowledged_p99_us", latency_quantile(&flow->latency, 0.99));
    watcher_report(&flow->watcher);
    report_number(flow->load, "memory_after", (double)process_memory(flow->load->broker));
}

/* All that was sent is acknowledged at the end, so that the number of messages stored is known. */
static bool run_measured(struct stored_flow *flow)
{
    const struct options *options = &flow->load->options;
    bool counted = options->count > 0;
    double for_ever = options->deadline;
    flow->left = counted ? options->count : UINT64_MAX;
    if (!counted && !run_until(flow, UINT64_MAX, options->seconds / 5)) {
        return false;
    }
    latency_reset(&flow->latency);
    watcher_reset(&flow->watcher);
    struct reading from = reading_take(flow->load, flow->acknowledged);
    if (!run_until(flow, counted ? options->count : UINT64_MAX, counted ? for_ever : options->seconds)) {
        return false;
    }
    struct reading to = reading_take(flow->load, flow->acknowledged);
    flow->left = 0;
    uint64_t sent = 0;
    for (uint32_t i = 0; i < options->clients; i++) {
        sent += flow->storers[i].next;
    }
    if (!run_until(flow, sent, for_ever)) {
        return false;
    }
    report_stored(flow, &from, &to);
    report_number(flow->load, "stored", (double)(flow->topics > 0 ? flow->topics * options->clients : sent));
    return true;
}

static void prepare_storer(struct stored_flow *flow, uint32_t index)
{
    struct storer *storer = &flow->storers[index];
    const struct options *options = &flow->load->options;
    const char *topic = flow->topics > 0 ? "bench/kept/00000000" : QUEUE_TOPIC;
    uint8_t flags = (uint8_t)(options->qos << 1 | (flow->topics > 0 ? RETAIN : 0U));
    storer->flow = flow;
    storer->index = index;
    storer->identifiers = load_allocate(flow->load, options->window, sizeof *storer->identifiers);
    storer->sent = load_allocate(flow->load, options->window + 1, sizeof *storer->sent);
    for (uint32_t i = 0; i < options->window; i++) {
        storer->identifiers[i] = (uint16_t)(i + 1);
    }
    publish_template_make(&storer->template, flow->load, topic, flags);
    memcpy(storer->template.bytes + storer->template.payload, &index, sizeof index);
}

static bool open_storers(struct stored_flow *flow)
{
    static const struct connection_events events = {.packet = storer_packet};
    struct load *load = flow->load;
    uint32_t ready = load->ready + load->options.clients;
    flow->storers = load_allocate(load, load->options.clients, sizeof *flow->storers);
    for (uint32_t i = 0; i < load->options.clients; i++) {
        struct connection *connection = &flow->storers[i].connection;
        char identifier[TOPIC_SIZE];
        prepare_storer(flow, i);
        snprintf(identifier, sizeof identifier, "storer%u", i);
        *connection =
            (struct connection){.load = load, .owner = &flow->storers[i], .number = i, .events = &events};
        connection_open(connection, identifier);
    }
    while (load->ready < ready) {
        if (!load_turn(load)) {
            return false;
        }
    }
    return true;
}

/* The session that the messages are kept for. */
static bool leave_subscriber(struct load *load)
{
    struct connection *subscriber = load_allocate(load, 1, sizeof *subscriber);
    subscriber->load = load;
    subscriber->events = &silent_events;
    subscriber->durable = true;
    connection_open(subscriber, QUEUE_CLIENT);
    while (load->ready < 1) {
        if (!load_turn(load)) {
            return false;
        }
    }
    if (!subscribe_and_wait(subscriber, QUEUE_TOPIC, (uint8_t)load->options.qos)) {
        return false;
    }
    connection_leave(subscriber);
    return !load_failed(load);
}

static bool measure_stored(struct load *load, uint32_t topics)
{
    struct stored_flow *flow = load_allocate(load, 1, sizeof *flow);
    *flow = (struct stored_flow){.load = load, .topics = topics};
    latency_make(&flow->latency, load);
    return watcher_open(&flow->watcher, load) && open_storers(flow) && run_measured(flow);
}

bool scenario_queue(struct load *load)
{
    return leave_subscriber(load) && measure_stored(load, 0);
}

bool scenario_retained_flow(struct load *load)
{
    return measure_stored(load, RETAINED_TOPICS / load->options.clients + 1);
}
