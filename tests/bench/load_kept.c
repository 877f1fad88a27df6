/*
 * Scenarios sessions (many durable sessions with one subscription each, whose clients go away), return (some
 * of them come back: are their sessions still there?) and drain (the subscriber of scenario queue comes back
 * and receives what was kept for it).
 */
#include "load.h"

#include <stdio.h>
#include <string.h>

#define STALL (10 * NANOSECONDS)

enum { IDENTIFIER_SIZE = 32, RETURN_EVERY = 100, PUBLISHERS = 1000 };

/* ---- sessions, return ---- */

/* Each slot has one client under way. */
struct crowd {
    struct load *load;
    uint32_t number; /* of the next client */
    uint32_t step;
    uint32_t started;
    uint32_t finished;
    uint32_t present;
    uint32_t wanted;
    bool subscribes;
};

static void start_client(struct connection *connection)
{
    struct crowd *crowd = connection->owner;
    char identifier[IDENTIFIER_SIZE];
    if (crowd->started == crowd->wanted) {
        return;
    }
    snprintf(identifier, sizeof identifier, "session%u", crowd->number);
    connection->number = crowd->number;
    crowd->number += crowd->step;
    crowd->started++;
    connection_open(connection, identifier);
}

static void finish_client(struct connection *connection)
{
    struct crowd *crowd = connection->owner;
    size_t size = write_disconnect(connection_gather(connection, 2));
    connection_ungather(connection, 2 - size);
    connection_flush(connection);
    connection_close(connection);
    crowd->finished++;
    start_client(connection);
}

static void client_ready(struct connection *connection)
{
    struct crowd *crowd = connection->owner;
    char filter[TOPIC_SIZE];
    crowd->present += connection->session_present ? 1 : 0;
    if (!crowd->subscribes) {
        finish_client(connection);
        return;
    }
    snprintf(filter, sizeof filter, "bench/session/%u", connection->number);
    uint8_t *to = connection_gather(connection, 2 * TOPIC_SIZE);
    size_t used = write_subscribe(to, crowd->load->options.mqtt5, 1, filter, 1);
    connection_ungather(connection, 2 * TOPIC_SIZE - used);
}

static void client_packet(struct connection *connection, const struct packet *packet)
{
    if (suback_grants(connection, packet)) {
        finish_client(connection);
    }
}

static bool run_crowd(struct crowd *crowd)
{
    static const struct connection_events events = {.ready = client_ready, .packet = client_packet};
    struct load *load = crowd->load;
    uint32_t slots = load->options.clients < crowd->wanted ? load->options.clients : crowd->wanted;
    struct connection *connections = load_allocate(load, slots, sizeof *connections);
    uint64_t start = clock_now();
    for (uint32_t i = 0; i < slots; i++) {
        connections[i] =
            (struct connection){.load = load, .events = &events, .owner = crowd, .durable = true};
        start_client(&connections[i]);
    }
    while (crowd->finished < crowd->wanted) {
        if (!load_turn(load)) {
            return false;
        }
    }
    double seconds = seconds_between(start, clock_now());
    report_number(load, "sessions", crowd->finished);
    report_number(load, "sessions_per_second", crowd->finished / seconds);
    report_number(load, "present_share", (double)crowd->present / crowd->finished);
    return true;
}

bool scenario_sessions(struct load *load)
{
    struct crowd crowd = {.load = load, .step = 1, .wanted = load->options.count, .subscribes = true};
    return run_crowd(&crowd);
}

bool scenario_return(struct load *load)
{
    uint32_t wanted = (load->options.count + RETURN_EVERY - 1) / RETURN_EVERY;
    struct crowd crowd = {.load = load, .step = RETURN_EVERY, .wanted = wanted};
    return run_crowd(&crowd);
}

/* ---- drain ---- */

struct drain {
    uint32_t expected[PUBLISHERS]; /* by publisher: next sequence number */
    uint64_t received;
    uint64_t disordered;
    bool ended;
};

static void note_message(struct drain *drain, const uint8_t *payload)
{
    uint32_t index;
    uint32_t sequence;
    memcpy(&index, payload, sizeof index);
    memcpy(&sequence, payload + 4, sizeof sequence);
    if (index == SENTINEL) {
        drain->ended = true;
        return;
    }
    uint32_t *expected = &drain->expected[index % PUBLISHERS];
    drain->received++;
    drain->disordered += sequence != *expected ? 1 : 0;
    *expected = sequence + 1;
}

static void drain_packet(struct connection *connection, const struct packet *packet)
{
    uint32_t payload = connection->load->options.payload;
    uint8_t type = packet->first & 0xF0;
    uint8_t qos = (uint8_t)(packet->first >> 1) & 0x03;
    if (type == PUBREL && packet->length >= 2) {
        write_acknowledgement(connection_gather(connection, 4), PUBCOMP, get_u16(packet->body));
        return;
    }
    if (type != PUBLISH || qos == 0 || packet->length < payload + 4) {
        load_fail(connection->load, "unexpected packet 0x%02x for the subscriber", packet->first);
        return;
    }
    uint16_t packet_identifier = get_u16(packet->body + 2 + get_u16(packet->body));
    enum packet_type answer = qos == 1 ? PUBACK : PUBREC;
    write_acknowledgement(connection_gather(connection, 4), answer, packet_identifier);
    note_message(connection->owner, packet->body + packet->length - payload);
}

static void accept_puback(struct connection *connection, const struct packet *packet)
{
    if ((packet->first & 0xF0) != PUBACK) {
        load_fail(connection->load, "unexpected packet 0x%02x for a publisher", packet->first);
    }
}

/* Order says that it comes after all that was kept. */
static bool send_sentinel(struct load *load, struct connection *publisher)
{
    static const struct connection_events events = {.packet = accept_puback};
    struct publish_template template;
    uint32_t sentinel = SENTINEL;
    if (!open_clients(load, publisher, 1, 1, "sentinel", &events)) {
        return false;
    }
    publish_template_make(&template, load, QUEUE_TOPIC, 0x02);
    put_u16(template.bytes + template.packet_identifier, 1);
    memcpy(template.bytes + template.payload, &sentinel, sizeof sentinel);
    memcpy(connection_gather(publisher, template.length), template.bytes, template.length);
    return true;
}

static bool receive_all(struct load *load, const struct drain *drain)
{
    uint64_t last = clock_now();
    while (!drain->ended) {
        uint64_t before = drain->received;
        if (!load_turn(load)) {
            return false;
        }
        last = drain->received != before ? load->now : last;
        if (load->now > last + STALL) {
            load_fail(load, "stalls: nothing received for 10 s after %llu", (unsigned long long)before);
        }
    }
    return true;
}

bool scenario_drain(struct load *load)
{
    static const struct connection_events events = {.packet = drain_packet};
    struct drain *drain = load_allocate(load, 1, sizeof *drain);
    struct connection *connections = load_allocate(load, 2, sizeof *connections);
    uint64_t start = clock_now();
    connections[0] = (struct connection){.load = load, .events = &events, .owner = drain, .durable = true};
    connection_open(&connections[0], QUEUE_CLIENT);
    while (load->ready < 1) {
        if (!load_turn(load)) {
            return false;
        }
    }
    bool present = connections[0].session_present;
    if (present && (!send_sentinel(load, &connections[1]) || !receive_all(load, drain))) {
        return false;
    }
    double seconds = seconds_between(start, clock_now());
    report_number(load, "session_present", present);
    report_number(load, "drained", (double)drain->received);
    report_number(load, "disordered", (double)drain->disordered);
    report_number(load, "drained_per_second", (double)drain->received / seconds);
    return true;
}
