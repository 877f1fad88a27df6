/* Scenario retained: memory of retained messages, how fast they are taken, how fast a subscriber gets all. */
#include "load.h"

#include <stdio.h>
#include <string.h>

#define STALL (5 * NANOSECONDS)

enum { PUBLISHERS = 50, RETAIN_AT_QOS_1 = 0x03 };

struct archive {
    struct load *load;
    struct publish_template template;
    uint32_t next;
    uint32_t acknowledged;
    uint32_t received;
};

/* QoS 1, because the PUBACK says when a message is in place. */
static void publish_next(struct connection *connection, uint16_t packet_identifier)
{
    struct archive *archive = connection->owner;
    struct publish_template *template = &archive->template;
    char topic[TOPIC_SIZE];
    if (archive->next == archive->load->options.count) {
        return;
    }
    snprintf(topic, sizeof topic, "bench/retained/%u", archive->next++);
    publish_template_change(template, &archive->load->options, topic, RETAIN_AT_QOS_1);
    put_u16(template->bytes + template->packet_identifier, packet_identifier);
    memcpy(connection_gather(connection, template->length), template->bytes, template->length);
}

static void publisher_packet(struct connection *connection, const struct packet *packet)
{
    struct archive *archive = connection->owner;
    if ((packet->first & 0xF0) != PUBACK || packet->length < 2) {
        load_fail(archive->load, "unexpected packet 0x%02x for a publisher", packet->first);
        return;
    }
    archive->acknowledged++;
    publish_next(connection, get_u16(packet->body));
}

static void subscriber_packet(struct connection *connection, const struct packet *packet)
{
    struct archive *archive = connection->owner;
    uint8_t type = packet->first & 0xF0;
    if (type == PUBLISH && (packet->first & 0x01) != 0) {
        archive->received++;
    } else if (type != SUBACK || !suback_grants(connection, packet)) {
        load_fail(archive->load, "unexpected packet 0x%02x for the subscriber", packet->first);
    }
}

static bool publish_all(struct archive *archive, struct connection *publishers)
{
    struct load *load = archive->load;
    uint64_t memory = process_memory(load->broker);
    uint64_t cpu = process_cpu(load->broker);
    uint64_t start = clock_now();
    for (uint32_t i = 0; i < PUBLISHERS * load->options.window; i++) {
        publish_next(&publishers[i % PUBLISHERS], (uint16_t)(i / PUBLISHERS + 1));
    }
    while (archive->acknowledged < load->options.count) {
        if (!load_turn(load)) {
            return false;
        }
    }
    double seconds = seconds_between(start, clock_now());
    double count = load->options.count;
    double spent = (double)(process_cpu(load->broker) - cpu);
    double grown = (double)process_memory(load->broker) - (double)memory;
    report_number(load, "retained", count);
    report_number(load, "retain_seconds", seconds);
    report_number(load, "retained_per_second", count / seconds);
    report_number(load, "cpu_us_per_retained", spent / count / 1000);
    report_number(load, "bytes_per_retained", grown / count);
    return true;
}

static bool receive_all(struct archive *archive, struct connection *subscriber)
{
    struct load *load = archive->load;
    uint8_t *to = connection_gather(subscriber, 2 * TOPIC_SIZE);
    size_t used = write_subscribe(to, load->options.mqtt5, 1, "bench/retained/#", 0);
    uint64_t start = clock_now();
    uint64_t last = start;
    uint32_t before = 0;
    connection_ungather(subscriber, 2 * TOPIC_SIZE - used);
    while (archive->received < load->options.count) {
        if (!load_turn(load)) {
            return false;
        }
        last = archive->received != before ? load->now : last;
        before = archive->received;
        if (load->now > last && load->now - last > STALL) {
            load_fail(load, "only %u of the retained messages arrived", archive->received);
        }
    }
    double seconds = seconds_between(start, clock_now());
    report_number(load, "receive_seconds", seconds);
    report_number(load, "received_per_second", archive->received / seconds);
    return true;
}

bool scenario_retained(struct load *load)
{
    static const struct connection_events publisher_events = {.packet = publisher_packet};
    static const struct connection_events subscriber_events = {.packet = subscriber_packet};
    struct archive archive = {.load = load};
    struct connection *connections = load_allocate(load, PUBLISHERS + 1, sizeof *connections);
    struct connection *subscriber = &connections[PUBLISHERS];
    for (uint32_t i = 0; i <= PUBLISHERS; i++) {
        connections[i].owner = &archive;
    }
    publish_template_make(&archive.template, load, "bench/retained/4294967295", RETAIN_AT_QOS_1);
    return open_clients(load, connections, PUBLISHERS, PUBLISHERS, "retainPub", &publisher_events) &&
           open_clients(load, subscriber, 1, 1, "retainSub", &subscriber_events) &&
           publish_all(&archive, connections) && receive_all(&archive, subscriber);
}
