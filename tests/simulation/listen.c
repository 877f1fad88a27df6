/* listen: every packet of the broker's, read when it leaves the broker. Prefix: listen_ */
#include "mqtt/dissect.h"
#include "simulation.h"

static void trace(const struct world *world, const struct link *link, struct bytes packet)
{
    char text[400];
    if (!world->verbose)
        return;
    dissect_summary_to_buffer(packet, link->five ? PROTOCOL_5_0 : PROTOCOL_3_1_1, SENDER_SERVER, NULL, text,
                              sizeof text);
    world_log(world, "%-5s <-- %s", actor_name(link->actor), text);
}

static void read_publish(struct world *world, const struct packet *packet, struct note *note)
{
    const struct publish *publish = &packet->publish;
    note->qos = publish->qos;
    note->dup = publish->dup;
    note->retain = publish->retain;
    note->identifier = publish->packet_identifier;
    note->expiry = properties_number(&publish->properties, ORDINAL_MESSAGE_EXPIRY_INTERVAL, 0);
    note->has_expiry = properties_has(&publish->properties, ORDINAL_MESSAGE_EXPIRY_INTERVAL);
    struct bytes rest = publish->properties.repeated;
    uint32_t identifier;
    if (packet->version == PROTOCOL_5_0 &&
        properties_has(&publish->properties, ORDINAL_SUBSCRIPTION_IDENTIFIER))
        while (properties_next_subscription_identifier(&rest, &identifier))
            note->filter_mask = (uint16_t)(note->filter_mask | 1U << (identifier - 1) % 16);
    if (publish->payload.length == 0)
        return;
    note->publication = payload_read(world, publish->payload);
    if (note->publication == 0)
        world_violation(world, "content", "a payload of %zu bytes that nobody has published",
                        publish->payload.length);
}

static void read_packet(struct world *world, const struct packet *packet, struct note *note)
{
    switch (packet->type) {
    case PACKET_CONNACK:
        note->present = packet->connack.session_present;
        note->code = packet->connack.reason_code;
        break;
    case PACKET_PUBLISH:
        read_publish(world, packet, note);
        break;
    case PACKET_PUBACK:
    case PACKET_PUBREC:
    case PACKET_PUBREL:
    case PACKET_PUBCOMP:
        note->identifier = packet->acknowledgement.packet_identifier;
        note->code = packet->acknowledgement.reason_code;
        break;
    case PACKET_SUBACK:
    case PACKET_UNSUBACK:
        note->identifier = packet->suback.packet_identifier;
        for (size_t i = 0; i < packet->suback.reason_codes.length; i++)
            if (packet->suback.reason_codes.data[i] >= 0x80)
                note->code = packet->suback.reason_codes.data[i];
        break;
    case PACKET_DISCONNECT:
        note->code = packet->disconnect.reason_code;
        break;
    default:
        break;
    }
}

/* The publication that an acknowledgement is about. */
static uint32_t acknowledged(const struct world *world, const struct link *link, uint16_t identifier)
{
    const struct client *client = &world->clients[link->actor];
    if (!link->attached || client->link != link_number(world, link))
        return 0;
    for (unsigned i = 0; i < client->outgoing_count; i++)
        if (client->outgoing[i].identifier == identifier)
            return client->outgoing[i].publication;
    return 0;
}

static void mark_waited(struct world *world, const struct note *note)
{
    if (!world->storing)
        return;
    world_mark(world, MARK_waited);
    if (note->type == PACKET_PINGRESP || (note->type == PACKET_PUBLISH && note->qos < 2))
        world_mark(world, MARK_waited_behind);
}

static void check(struct world *world, struct link *link, struct note *note)
{
    if (note->type == PACKET_CONNACK) {
        world->refused |= note->code != 0;
        link->close_foreseen |= note->code != 0;
        check_session_present(world, link, note);
        link->established = true;
    } else if (note->type == PACKET_PUBLISH) {
        check_entitled(world, link, note);
        check_message_expiry(world, link, note);
        check_flow_sent(world, link, note);
    } else if (note->type == PACKET_PUBACK || note->type == PACKET_PUBREC) {
        note->publication = acknowledged(world, link, note->identifier);
        world->refused |= note->code >= 0x80;
    } else if (note->type == PACKET_SUBACK || note->type == PACKET_UNSUBACK) {
        world->refused |= note->code >= 0x80;
    }
    const bool gate =
        !world->fault || fault_of_gate(world->fault); /* a damaged store is no matter of the gate's */
    if (gate && world->storage == STORAGE_PROMISED && note->code < 0x80 &&
        !(note->type == PACKET_CONNACK && note->code))
        check_gate(world, link, note);
}

void listen_packet(struct world *world, struct link *link, struct bytes bytes)
{
    struct packet packet;
    const enum protocol_version version = link->five ? PROTOCOL_5_0 : PROTOCOL_3_1_1;
    trace(world, link, bytes);
    world->digest = (world->digest ^ (world->now << 16 ^ bytes.length << 8 ^ bytes.data[0])) * 0x100000001B3U;
    const struct verdict verdict = packet_decode(&packet, version, SENDER_SERVER, bytes, NULL);
    if (verdict.refused) {
        world_violation(world, "content", "%s gets a packet that is wrong: %s", actor_name(link->actor),
                        verdict.what);
        return;
    }
    struct note note = {.type = (uint8_t)packet.type, .sequence = world->book.sequence};
    read_packet(world, &packet, &note);
    mark_waited(world, &note);
    check(world, link, &note);
    link_deliver(world, link, note, bytes.length);
}
