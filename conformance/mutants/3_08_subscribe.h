/* What the mutants of 3.8 to 3.11, 4.7 and 4.8 share. */
#ifndef ETALON_MUTANTS_3_08_SUBSCRIBE_H
#define ETALON_MUTANTS_3_08_SUBSCRIBE_H

#include "mutant.h"

/* The first Topic Filter of a SUBSCRIBE that is in order. */
static inline struct subscription_request first_request(const struct passage *passage)
{
    struct bytes rest = passage->packet.subscribe.payload;
    struct subscription_request request = {.qos = 0};
    subscribe_next(&rest, &request);
    return request;
}

/* Takes a PUBLISH in the client's place: the broker thinks it delivered. Returns DROP. */
static inline enum fate swallow(struct passage *passage)
{
    const struct publish *publish = &passage->packet.publish;
    struct packet answer = {.type = publish->qos == 1 ? PACKET_PUBACK : PACKET_PUBREC};
    answer.acknowledgement.packet_identifier = publish->packet_identifier;
    if (publish->qos > 0)
        send_to_server(passage->connection, &answer);
    return DROP;
}

/* Writes what becomes of a Topic Name or Topic Filter to `to`, which has room for 8 bytes more than it has;
 * returns the new length. */
typedef size_t topic_map(struct bytes topic, uint8_t *to);

static inline enum fate map_subscribe(struct passage *passage, topic_map *map)
{
    struct bytes rest = passage->packet.subscribe.payload;
    const size_t room = passage->size + 16 * (size_t)passage->packet.subscribe.count;
    struct writer writer = writer_into(scratch(passage, room), room);
    struct subscription_request request;
    while (subscribe_next(&rest, &request)) {
        uint8_t *to = scratch(passage, request.topic_filter.length + 8);
        request.topic_filter = bytes_of(to, map(request.topic_filter, to));
        subscribe_write(&writer, &request);
    }
    passage->packet.subscribe.payload = bytes_of(writer.start, writer_size(&writer));
    return ENCODE;
}

static inline enum fate map_unsubscribe(struct passage *passage, topic_map *map)
{
    struct bytes rest = passage->packet.unsubscribe.payload;
    const size_t room = passage->size + 16 * (size_t)passage->packet.unsubscribe.count;
    struct writer writer = writer_into(scratch(passage, room), room);
    struct bytes filter;
    while (unsubscribe_next(&rest, &filter)) {
        uint8_t *to = scratch(passage, filter.length + 8);
        unsubscribe_write(&writer, bytes_of(to, map(filter, to)));
    }
    passage->packet.unsubscribe.payload = bytes_of(writer.start, writer_size(&writer));
    return ENCODE;
}

/* Rewrites every Topic Filter and Topic Name of a client. */
static inline enum fate map_topics(struct passage *passage, topic_map *map)
{
    if (is_type(passage, PACKET_SUBSCRIBE))
        return map_subscribe(passage, map);
    if (is_type(passage, PACKET_UNSUBSCRIBE))
        return map_unsubscribe(passage, map);
    if (!is_type(passage, PACKET_PUBLISH))
        return PASS;
    struct bytes *topic = &passage->packet.publish.topic;
    uint8_t *to = scratch(passage, topic->length + 8);
    *topic = bytes_of(to, map(*topic, to));
    return ENCODE;
}

/* Puts the Reason Codes of a SUBACK or UNSUBACK into reverse order. */
static inline enum fate reverse_codes(struct passage *passage)
{
    struct bytes *codes = &passage->packet.suback.reason_codes;
    uint8_t *reversed = scratch(passage, codes->length + 1);
    for (size_t i = 0; i < codes->length; i++)
        reversed[i] = codes->data[codes->length - 1 - i];
    codes->data = reversed;
    return ENCODE;
}

/* A SUBACK or UNSUBACK of 5.0 without properties, of less than 128 bytes: sends it with these properties. */
static inline enum fate add_properties(struct passage *passage, const char *properties, size_t size)
{
    if (passage->size > 100 || passage->bytes[4] != 0)
        return PASS;
    struct writer writer = writer_into(scratch(passage, passage->size + size), passage->size + size);
    write_byte(&writer, passage->bytes[0]);
    write_byte(&writer, (uint8_t)(passage->bytes[1] + size));
    write_raw(&writer, passage->bytes + 2, 2);
    write_byte(&writer, (uint8_t)size);
    write_raw(&writer, properties, size);
    write_raw(&writer, passage->bytes + 5, passage->size - 5);
    send_bytes_to_client(passage->connection, writer.start, writer_size(&writer));
    return DROP;
}

/* Turns a Packet Identifier with two different bytes round; it stands behind the fixed header. */
static inline enum fate turn_identifier_round(struct passage *passage)
{
    uint8_t *identifier = passage->bytes + 2;
    const uint8_t first = identifier[0];
    if (first == 0 || identifier[1] == 0)
        return PASS;
    identifier[0] = identifier[1];
    identifier[1] = first;
    return PASS;
}

/* Whether the client of this connection named a Maximum Packet Size. */
struct limited {
    bool limit;
};

static inline enum fate note_limit(struct passage *passage)
{
    struct limited *limited = passage->connection->context;
    if (is_type(passage, PACKET_CONNECT))
        limited->limit = properties_has(&passage->packet.connect.properties, ORDINAL_MAXIMUM_PACKET_SIZE);
    return PASS;
}

#endif
