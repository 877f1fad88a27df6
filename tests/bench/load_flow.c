/*
 * Scenarios fan-in, fan-out, pairs: PUBLISH traffic in a closed loop.
 *
 * The payload carries the publisher's index, a sequence number and the time of sending. Both ends live in one
 * process, so a publisher learns of its progress directly:
 *
 *      base              oldest message that has not reached all of its subscribers
 *      next              sequence number of the next message
 *      next - base       at most `lead`
 *      unacknowledged    QoS 1 and 2: at most `window`
 *
 * A refill waits until `batch` messages may go, and sends them with one system call.
 *
 * Each subscriber expects the sequence numbers of a publisher in order. A gap is a loss, and the publisher
 * goes on as if the missing ones had arrived: QoS 0 may be dropped, and the loop must not stall for it. At
 * QoS 1 and 2 a loss that remains at the end is an error.
 */
#include "load.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define QOS_0_STALL (NANOSECONDS / 4) /* without progress: what is missing at QoS 0 counts as lost */
#define STALL (5 * NANOSECONDS)       /* without progress: the broker has stalled */

enum { SAMPLE_EVERY = 61 };

struct publisher {
    struct flow *flow;
    struct connection connection;
    struct publish_template template;
    uint32_t index;
    uint32_t base;
    uint32_t next;
    uint32_t unacknowledged;
    uint32_t missing_mask;
    uint16_t *missing;     /* by sequence number: subscribers that have not received it yet */
    uint16_t *identifiers; /* a stack: those from [unacknowledged] on are free */
    uint64_t *sent;        /* by Packet Identifier: when */
};

struct subscriber {
    struct flow *flow;
    struct connection connection;
    uint32_t index;
    uint32_t *expected; /* by publisher: next sequence number */
};

struct flow {
    struct load *load;
    const struct shape *shape;
    struct publisher *publishers;
    struct subscriber *subscribers;
    struct latency latency;
    struct latency acknowledgements;
    struct watcher watcher; /* with --durable */
    uint64_t acknowledged;
    uint64_t delivered;
    int64_t lost; /* below 0: delivered more than once */
    uint64_t last_progress;
    uint16_t per_message; /* deliveries of one message */
};

/* ---- the subscribers' side ---- */

static void count_arrival(struct publisher *publisher, uint32_t sequence)
{
    uint16_t *missing = publisher->missing;
    missing[sequence & publisher->missing_mask]--;
    while (publisher->base != publisher->next && missing[publisher->base & publisher->missing_mask] == 0) {
        publisher->base++;
    }
}

/* Goes on as if everything before `sequence` had arrived. */
static void skip_to(struct flow *flow, struct subscriber *subscriber, struct publisher *publisher,
                    uint32_t sequence)
{
    uint32_t *expected = &subscriber->expected[publisher->index];
    while (*expected != sequence) {
        count_arrival(publisher, (*expected)++);
        flow->lost++;
    }
}

static void note_delivery(struct subscriber *subscriber, const uint8_t *payload)
{
    struct flow *flow = subscriber->flow;
    uint32_t index;
    uint32_t sequence;
    uint64_t sent;
    memcpy(&index, payload, sizeof index);
    memcpy(&sequence, payload + 4, sizeof sequence);
    memcpy(&sent, payload + 8, sizeof sent);
    struct publisher *publisher = &flow->publishers[index < flow->shape->publishers ? index : 0];
    uint32_t ahead = sequence - subscriber->expected[publisher->index];
    flow->delivered++;
    if (ahead >= publisher->next - subscriber->expected[publisher->index]) {
        flow->lost--; /* counted as lost before, or delivered twice */
        return;
    }
    if (ahead > 0) {
        skip_to(flow, subscriber, publisher, sequence);
    }
    subscriber->expected[publisher->index]++;
    count_arrival(publisher, sequence);
    if (sequence % SAMPLE_EVERY == 0) {
        latency_add(&flow->latency, clock_now() - sent);
    }
}

static void acknowledge(struct connection *connection, enum packet_type type, uint16_t packet_identifier)
{
    write_acknowledgement(connection_gather(connection, 4), type, packet_identifier);
}

static void subscriber_packet(struct connection *connection, const struct packet *packet)
{
    struct subscriber *subscriber = connection->owner;
    uint32_t payload = connection->load->options.payload;
    uint8_t type = packet->first & 0xF0;
    uint8_t qos = (uint8_t)(packet->first >> 1) & 0x03;
    if (type == PUBREL) {
        acknowledge(connection, PUBCOMP, get_u16(packet->body));
        return;
    }
    if (type != PUBLISH || packet->length < payload + 4) {
        load_fail(connection->load, "unexpected packet 0x%02x for a subscriber", packet->first);
        return;
    }
    if (qos > 0) {
        const uint8_t *packet_identifier = packet->body + 2 + get_u16(packet->body);
        acknowledge(connection, qos == 1 ? PUBACK : PUBREC, get_u16(packet_identifier));
    }
    note_delivery(subscriber, packet->body + packet->length - payload);
}

/* ---- the publishers' side ---- */

static bool acknowledges(const struct packet *packet)
{
    bool success = packet->length < 3 || packet->body[2] < 0x80;
    return packet->length >= 2 && success;
}

static void publisher_packet(struct connection *connection, const struct packet *packet)
{
    struct publisher *publisher = connection->owner;
    uint8_t type = packet->first & 0xF0;
    uint8_t last = connection->load->options.qos == 1 ? PUBACK : PUBCOMP;
    if ((type != last && type != PUBREC) || !acknowledges(packet) || publisher->unacknowledged == 0) {
        load_fail(connection->load, "unexpected packet 0x%02x for a publisher", packet->first);
        return;
    }
    uint16_t packet_identifier = get_u16(packet->body);
    if (packet_identifier == 0 || packet_identifier > connection->load->options.window) {
        load_fail(connection->load, "Packet Identifier %u was acknowledged, which nobody used",
                  packet_identifier);
        return;
    }
    if (type == PUBREC) {
        acknowledge(connection, PUBREL, packet_identifier);
        return;
    }
    publisher->unacknowledged--;
    publisher->identifiers[publisher->unacknowledged] = packet_identifier;
    if (++publisher->flow->acknowledged % SAMPLE_EVERY == 0) {
        latency_add(&publisher->flow->acknowledgements,
                    connection->load->now - publisher->sent[packet_identifier]);
    }
}

static uint32_t room_to_publish(const struct publisher *publisher)
{
    const struct options *options = &publisher->flow->load->options;
    uint32_t by_window = options->window - publisher->unacknowledged;
    uint32_t by_lead = options->lead - (publisher->next - publisher->base);
    return by_window < by_lead ? by_window : by_lead;
}

static void put_publish(struct publisher *publisher, uint8_t *to, uint64_t now)
{
    const struct publish_template *template = &publisher->template;
    memcpy(to, template->bytes, template->length);
    memcpy(to + template->payload + 4, &publisher->next, sizeof publisher->next);
    memcpy(to + template->payload + 8, &now, sizeof now);
    if (template->packet_identifier > 0) {
        uint16_t packet_identifier = publisher->identifiers[publisher->unacknowledged++];
        put_u16(to + template->packet_identifier, packet_identifier);
        publisher->sent[packet_identifier] = now;
    }
    publisher->missing[publisher->next & publisher->missing_mask] = publisher->flow->per_message;
    publisher->next++;
}

static void refill(struct publisher *publisher, uint64_t now)
{
    uint32_t room = room_to_publish(publisher);
    size_t length = publisher->template.length;
    if (room < publisher->flow->load->options.batch) {
        return;
    }
    uint8_t *to = connection_gather(&publisher->connection, room * length);
    for (uint32_t i = 0; i < room; i++) {
        put_publish(publisher, to + i * length, now);
    }
}

static void refill_all(struct flow *flow)
{
    uint64_t now = clock_now();
    for (uint32_t i = 0; i < flow->shape->publishers; i++) {
        refill(&flow->publishers[i], now);
    }
}

/* ---- progress ---- */

static bool reaches(const struct flow *flow, uint32_t publisher, uint32_t subscriber)
{
    return !flow->shape->paired || publisher == subscriber;
}

/* Nothing more is to be expected of what was sent: at QoS 0 that is no error. */
static void give_up_missing(struct flow *flow)
{
    for (uint32_t p = 0; p < flow->shape->publishers; p++) {
        for (uint32_t s = 0; s < flow->shape->subscribers; s++) {
            if (reaches(flow, p, s)) {
                skip_to(flow, &flow->subscribers[s], &flow->publishers[p], flow->publishers[p].next);
            }
        }
    }
}

/* Messages sent and not yet at all of their subscribers. */
static uint32_t undelivered(const struct flow *flow)
{
    uint32_t sum = 0;
    for (uint32_t p = 0; p < flow->shape->publishers; p++) {
        sum += flow->publishers[p].next - flow->publishers[p].base;
    }
    return sum;
}

static void watch_progress(struct flow *flow, uint64_t delivered_before)
{
    struct load *load = flow->load;
    if (flow->delivered != delivered_before) {
        flow->last_progress = load->now;
        return;
    }
    if (load->now < flow->last_progress) {
        return;
    }
    uint64_t idle = load->now - flow->last_progress;
    if (load->options.qos == 0 && idle > QOS_0_STALL) {
        give_up_missing(flow);
        flow->last_progress = load->now;
    } else if (idle > STALL) {
        load_fail(load, "stalls: no delivery for 5 s after %" PRIu64 ", %u messages under way",
                  flow->delivered, undelivered(flow));
    }
}

static bool flow_turn(struct flow *flow)
{
    uint64_t before = flow->delivered;
    bool going = load_turn(flow->load);
    watch_progress(flow, before);
    return going;
}

/* Publishes until `messages` more were delivered or `seconds` have passed. */
static bool run_until(struct flow *flow, uint64_t messages, double seconds)
{
    uint64_t start = clock_now();
    uint64_t until = flow->delivered + messages;
    while (flow->delivered < until && seconds_between(start, flow->load->now) < seconds) {
        refill_all(flow);
        if (!flow_turn(flow)) {
            return false;
        }
    }
    return true;
}

static bool is_drained(const struct flow *flow)
{
    uint32_t unacknowledged = 0;
    for (uint32_t p = 0; p < flow->shape->publishers; p++) {
        unacknowledged += flow->publishers[p].unacknowledged;
    }
    return unacknowledged == 0 && undelivered(flow) == 0;
}

/* Waits for what is under way; says whether what had to arrive did arrive. */
static bool drain(struct flow *flow)
{
    while (!is_drained(flow)) {
        if (!flow_turn(flow)) {
            return false;
        }
    }
    if (flow->lost > 0 && flow->load->options.qos > 0) {
        load_fail(flow->load, "lost %" PRId64 " messages", flow->lost);
    }
    if (flow->lost < 0 && flow->load->options.qos == 2) {
        load_fail(flow->load, "delivered %" PRId64 " messages twice at QoS 2", -flow->lost);
    }
    return !load_failed(flow->load);
}

/* ---- setting up ---- */

static void topic_of(const struct shape *shape, uint32_t index, char *topic)
{
    if (shape->paired) {
        snprintf(topic, TOPIC_SIZE, "bench/%s/%u", shape->name, index);
    } else {
        snprintf(topic, TOPIC_SIZE, "bench/%s", shape->name);
    }
}

static uint32_t power_of_two(uint32_t at_least)
{
    uint32_t power = 1;
    while (power < at_least) {
        power *= 2;
    }
    return power;
}

static void prepare_publisher(struct flow *flow, uint32_t index)
{
    struct publisher *publisher = &flow->publishers[index];
    const struct options *options = &flow->load->options;
    char topic[TOPIC_SIZE];
    publisher->flow = flow;
    publisher->index = index;
    publisher->connection.owner = publisher;
    publisher->missing_mask = power_of_two(options->lead) - 1;
    publisher->missing = load_allocate(flow->load, publisher->missing_mask + 1, sizeof *publisher->missing);
    publisher->identifiers = load_allocate(flow->load, options->window, sizeof *publisher->identifiers);
    publisher->sent = load_allocate(flow->load, options->window + 1, sizeof *publisher->sent);
    for (uint32_t i = 0; i < options->window; i++) {
        publisher->identifiers[i] = (uint16_t)(i + 1);
    }
    topic_of(flow->shape, index, topic);
    publish_template_make(&publisher->template, flow->load, topic, (uint8_t)(options->qos << 1));
    memcpy(publisher->template.bytes + publisher->template.payload, &index, sizeof index);
}

static void open_one(struct load *load, struct connection *connection, uint32_t index, const char *end,
                     const struct flow *flow, const struct connection_events *events)
{
    char identifier[TOPIC_SIZE];
    snprintf(identifier, sizeof identifier, "%s%s%u", flow->shape->name, end, index);
    connection->load = load;
    connection->number = index;
    connection->events = events;
    connection_open(connection, identifier);
}

static bool wait_ready(struct load *load, uint32_t ready)
{
    while (load->ready < ready) {
        if (!load_turn(load)) {
            return false;
        }
    }
    return true;
}

static bool open_publishers(struct flow *flow)
{
    static const struct connection_events events = {.packet = publisher_packet};
    uint32_t before = flow->load->ready;
    for (uint32_t i = 0; i < flow->shape->publishers; i++) {
        prepare_publisher(flow, i);
        open_one(flow->load, &flow->publishers[i].connection, i, "Pub", flow, &events);
    }
    return wait_ready(flow->load, before + flow->shape->publishers);
}

static bool open_subscribers(struct flow *flow)
{
    static const struct connection_events events = {.packet = subscriber_packet};
    uint32_t before = flow->load->ready;
    for (uint32_t i = 0; i < flow->shape->subscribers; i++) {
        struct subscriber *subscriber = &flow->subscribers[i];
        subscriber->flow = flow;
        subscriber->index = i;
        subscriber->connection.owner = subscriber;
        subscriber->connection.durable = flow->load->options.durable;
        subscriber->expected =
            load_allocate(flow->load, flow->shape->publishers, sizeof *subscriber->expected);
        open_one(flow->load, &subscriber->connection, i, "Sub", flow, &events);
    }
    return wait_ready(flow->load, before + flow->shape->subscribers);
}

static bool subscribe_all(struct flow *flow)
{
    uint8_t qos = (uint8_t)flow->load->options.qos;
    for (uint32_t i = 0; i < flow->shape->subscribers; i++) {
        char topic[TOPIC_SIZE];
        topic_of(flow->shape, i, topic);
        if (!subscribe_and_wait(&flow->subscribers[i].connection, topic, qos)) {
            return false;
        }
    }
    return true;
}

/* ---- measuring ---- */

static void report_flow(struct flow *flow, const struct reading *from, const struct reading *to)
{
    struct load *load = flow->load;
    reading_report(load, "delivered", from, to);
    report_number(load, "latency_p50_us", latency_quantile(&flow->latency, 0.50));
    report_number(load, "latency_p99_us", latency_quantile(&flow->latency, 0.99));
    report_number(load, "lost", (double)flow->lost);
    if (load->options.qos > 0) {
        report_number(load, "acknowledged_p50_us", latency_quantile(&flow->acknowledgements, 0.50));
        report_number(load, "acknowledged_p99_us", latency_quantile(&flow->acknowledgements, 0.99));
    }
    watcher_report(&flow->watcher);
}

static bool run_measured(struct flow *flow)
{
    const struct options *options = &flow->load->options;
    uint64_t messages = options->messages > 0 ? options->messages : UINT32_MAX;
    flow->last_progress = clock_now();
    if (!run_until(flow, messages / 5, options->seconds / 5)) {
        return false;
    }
    latency_reset(&flow->latency);
    latency_reset(&flow->acknowledgements);
    watcher_reset(&flow->watcher);
    struct reading from = reading_take(flow->load, flow->delivered);
    if (!run_until(flow, messages, options->seconds)) {
        return false;
    }
    struct reading to = reading_take(flow->load, flow->delivered);
    if (to.messages == from.messages) {
        load_fail(flow->load, "nothing was delivered");
    }
    if (!drain(flow)) {
        return false;
    }
    report_flow(flow, &from, &to);
    return true;
}

bool measure_flow(struct load *load, const struct shape *shape)
{
    struct flow *flow = load_allocate(load, 1, sizeof *flow);
    *flow = (struct flow){.load = load, .shape = shape};
    flow->per_message = (uint16_t)(shape->paired ? 1 : shape->subscribers);
    flow->publishers = load_allocate(load, shape->publishers, sizeof *flow->publishers);
    flow->subscribers = load_allocate(load, shape->subscribers, sizeof *flow->subscribers);
    latency_make(&flow->latency, load);
    latency_make(&flow->acknowledgements, load);
    if (load->options.durable && !watcher_open(&flow->watcher, load)) {
        return false;
    }
    return open_subscribers(flow) && subscribe_all(flow) && open_publishers(flow) && run_measured(flow);
}

static uint32_t clients_or(const struct load *load, uint32_t usual)
{
    return load->options.clients > 0 ? load->options.clients : usual;
}

bool scenario_fan_in(struct load *load)
{
    struct shape shape = {.name = "fanin", .publishers = clients_or(load, 50), .subscribers = 1};
    return measure_flow(load, &shape);
}

bool scenario_fan_out(struct load *load)
{
    struct shape shape = {.name = "fanout", .publishers = 1, .subscribers = clients_or(load, 50)};
    return measure_flow(load, &shape);
}

bool scenario_pairs(struct load *load)
{
    uint32_t clients = clients_or(load, 50);
    struct shape shape = {.name = "pair", .publishers = clients, .subscribers = clients, .paired = true};
    return measure_flow(load, &shape);
}
