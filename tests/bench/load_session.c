/* Opening many clients, subscribing. */
#include "load.h"

#include <stdio.h>

enum { IDENTIFIER_SIZE = 32 };

static void refuse_packet(struct connection *connection, const struct packet *packet)
{
    load_fail(connection->load, "unexpected packet 0x%02x on connection %u", packet->first,
              connection->number);
}

const struct connection_events silent_events = {.packet = refuse_packet};

bool open_clients(struct load *load, struct connection *connections, uint32_t count, uint32_t at_once,
                  const char *prefix, const struct connection_events *events)
{
    uint32_t before = load->ready;
    uint32_t opened = 0;
    while (load->ready - before < count) {
        while (opened < count && opened - (load->ready - before) < at_once && !load_failed(load)) {
            char identifier[IDENTIFIER_SIZE];
            struct connection *connection = &connections[opened];
            snprintf(identifier, sizeof identifier, "%s%u", prefix, opened);
            connection->load = load;
            connection->events = events;
            connection->number = opened++;
            connection_open(connection, identifier);
        }
        if (!load_turn(load)) {
            return false;
        }
    }
    return true;
}

bool suback_grants(struct connection *connection, const struct packet *packet)
{
    bool suback = (packet->first & 0xF0) == SUBACK && packet->length >= 3;
    bool grants = suback && packet->body[packet->length - 1] <= 2;
    if (!grants) {
        load_fail(connection->load, "a subscription of connection %u was refused", connection->number);
    }
    return grants;
}

struct waiting {
    void *owner;
    const struct connection_events *events;
    bool granted;
};

static void note_suback(struct connection *connection, const struct packet *packet)
{
    struct waiting *waiting = connection->owner;
    waiting->granted = suback_grants(connection, packet);
    connection->owner = waiting->owner;
    connection->events = waiting->events;
}

bool subscribe_and_wait(struct connection *connection, const char *filter, uint8_t qos)
{
    static const struct connection_events suback_events = {.packet = note_suback};
    struct waiting waiting = {.owner = connection->owner, .events = connection->events};
    connection->owner = &waiting;
    connection->events = &suback_events;
    uint8_t *to = connection_gather(connection, 2 * TOPIC_SIZE);
    size_t used = write_subscribe(to, connection->load->options.mqtt5, 1, filter, qos);
    connection_ungather(connection, 2 * TOPIC_SIZE - used);
    while (!waiting.granted) {
        if (!load_turn(connection->load)) {
            return false;
        }
    }
    return true;
}
