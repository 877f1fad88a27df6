/*
 * Scenarios subscriptions (many subscriptions over many clients: rate, memory, and what they cost the
 * messages of others) and subscriptions-one (all of them on one client).
 *
 * One Topic Filter per SUBSCRIBE, all filters distinct, up to OUTSTANDING of them unanswered per client.
 */
#include "load.h"

#include <stdio.h>

enum { OUTSTANDING = 64, OPEN_AT_ONCE = 500, SUBSCRIBE_SIZE = 128 };

struct herd {
    struct load *load;
    struct member *members;
    uint32_t size;
    uint32_t granted;
};

struct member {
    struct herd *herd;
    struct connection connection;
    uint32_t number;
    uint32_t share; /* subscriptions it is to make */
    uint32_t sent;
    uint32_t granted;
};

static void send_subscribes(struct member *member)
{
    if (member->sent - member->granted > OUTSTANDING / 2) {
        return;
    }
    while (member->sent < member->share && member->sent - member->granted < OUTSTANDING) {
        char filter[TOPIC_SIZE];
        uint16_t packet_identifier = (uint16_t)(member->sent % UINT16_MAX + 1);
        snprintf(filter, sizeof filter, "bench/c%u/s%u", member->number, member->sent);
        uint8_t *to = connection_gather(&member->connection, SUBSCRIBE_SIZE);
        size_t used = write_subscribe(to, member->herd->load->options.mqtt5, packet_identifier, filter, 0);
        connection_ungather(&member->connection, SUBSCRIBE_SIZE - used);
        member->sent++;
    }
}

static void member_packet(struct connection *connection, const struct packet *packet)
{
    struct member *member = connection->owner;
    if (suback_grants(connection, packet)) {
        member->granted++;
        member->herd->granted++;
        send_subscribes(member);
    }
}

static bool open_herd(struct herd *herd, uint32_t subscriptions)
{
    static const struct connection_events events = {.packet = member_packet};
    struct load *load = herd->load;
    uint32_t opened = 0;
    herd->members = load_allocate(load, herd->size, sizeof *herd->members);
    while (load->ready < herd->size) {
        while (opened < herd->size && opened - load->ready < OPEN_AT_ONCE) {
            char identifier[TOPIC_SIZE];
            struct member *member = &herd->members[opened];
            snprintf(identifier, sizeof identifier, "member%u", opened);
            member->herd = herd;
            member->number = opened;
            member->share = subscriptions / herd->size + (opened < subscriptions % herd->size ? 1 : 0);
            member->connection.load = load;
            member->connection.events = &events;
            member->connection.owner = member;
            member->connection.number = opened++;
            connection_open(&member->connection, identifier);
        }
        if (!load_turn(load)) {
            return false;
        }
    }
    return true;
}

/* Makes all subscriptions; reports rate and memory. */
static bool subscribe_herd(struct herd *herd, uint32_t subscriptions)
{
    struct load *load = herd->load;
    uint64_t memory = process_memory(load->broker);
    uint64_t cpu = process_cpu(load->broker);
    uint64_t start = clock_now();
    for (uint32_t i = 0; i < herd->size; i++) {
        send_subscribes(&herd->members[i]);
    }
    while (herd->granted < subscriptions) {
        if (!load_turn(load)) {
            report_number(load, "granted", herd->granted);
            return false;
        }
    }
    double seconds = seconds_between(start, clock_now());
    double grown = (double)process_memory(load->broker) - (double)memory;
    double spent = (double)(process_cpu(load->broker) - cpu);
    report_number(load, "subscriptions", subscriptions);
    report_number(load, "clients", herd->size);
    report_number(load, "subscribe_seconds", seconds);
    report_number(load, "subscriptions_per_second", subscriptions / seconds);
    report_number(load, "cpu_us_per_subscription", spent / subscriptions / 1000);
    report_number(load, "bytes_per_subscription", grown / subscriptions);
    return true;
}

bool scenario_subscriptions(struct load *load)
{
    static const struct shape pairs = {.name = "pair", .publishers = 50, .subscribers = 50, .paired = true};
    uint32_t count = load->options.count;
    struct herd herd = {.load = load, .size = load->options.clients};
    if (herd.size == 0) {
        herd.size = count > 10000 ? 1000 : 100;
    }
    return open_herd(&herd, count) && subscribe_herd(&herd, count) && measure_flow(load, &pairs);
}

bool scenario_subscriptions_one(struct load *load)
{
    struct herd herd = {.load = load, .size = 1};
    return open_herd(&herd, load->options.count) && subscribe_herd(&herd, load->options.count);
}
