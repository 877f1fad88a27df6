/* A server that finds nothing wrong with anything: what a mutant falls back on for packets that the broker
 * must not see. It reads packets that the codec refuses, so it reads with its own eyes and believes
 * little. */
#include "mutant.h"

/* Where the Variable Header begins. */
static size_t variable_header(const struct passage *passage)
{
    size_t at = 1;
    while (at < passage->size && at < 4 && (passage->bytes[at] & 0x80) != 0)
        at++;
    return at + 1;
}

/* A big-endian number of two bytes; 0 beyond the packet. */
static uint16_t two_bytes(const struct passage *passage, size_t at)
{
    if (at + 2 > passage->size)
        return 0;
    return (uint16_t)(passage->bytes[at] << 8 | passage->bytes[at + 1]);
}

struct bytes raw_topic(const struct passage *passage)
{
    const size_t at = variable_header(passage);
    const size_t length = two_bytes(passage, at);
    return at + 2 + length > passage->size ? bytes_of(NULL, 0) : bytes_of(passage->bytes + at + 2, length);
}

static void answer_with(struct passage *passage, enum packet_type type, uint16_t packet_identifier)
{
    struct packet answer = {.type = type};
    answer.acknowledgement.packet_identifier = packet_identifier;
    send_to_client(passage->connection, &answer);
}

/* A client of a version that does not exist understands the answer of the nearest one that does. */
static void accept_connect(struct passage *passage)
{
    struct connection *connection = passage->connection;
    struct packet answer = {.type = PACKET_CONNACK};
    const size_t name = variable_header(passage);
    const size_t level = name + 2 + two_bytes(passage, name);
    if (connection->version == PROTOCOL_UNKNOWN && level < passage->size)
        connection->version = passage->bytes[level] >= PROTOCOL_5_0 ? PROTOCOL_5_0 : PROTOCOL_3_1_1;
    connection->pretending = true;
    send_to_client(connection, &answer);
}

static void accept_publish(struct passage *passage)
{
    const unsigned qos = (passage->bytes[0] >> 1) & 3;
    const size_t topic = variable_header(passage);
    const uint16_t identifier = two_bytes(passage, topic + 2 + two_bytes(passage, topic));
    if (qos != 0)
        answer_with(passage, qos == 1 ? PACKET_PUBACK : PACKET_PUBREC, identifier);
}

/* Grants QoS 0 to each Topic Filter, or to one when they cannot be counted. */
static void accept_subscribe(struct passage *passage, enum packet_type answer_type)
{
    struct packet answer = {.type = answer_type};
    const bool legible = !passage->verdict.refused;
    const size_t count = !legible                       ? 1
                         : answer_type == PACKET_SUBACK ? passage->packet.subscribe.count
                                                        : passage->packet.unsubscribe.count;
    const bool none = answer_type == PACKET_UNSUBACK && passage->connection->version != PROTOCOL_5_0;
    answer.suback.packet_identifier = two_bytes(passage, variable_header(passage));
    answer.suback.reason_codes = bytes_of(scratch(passage, count), none ? 0 : count);
    send_to_client(passage->connection, &answer);
}

enum fate pretend(struct passage *passage)
{
    const unsigned type = passage->bytes[0] >> 4;
    if (type == PACKET_CONNECT)
        accept_connect(passage);
    if (type == PACKET_PUBLISH)
        accept_publish(passage);
    if (type == PACKET_PUBREL)
        answer_with(passage, PACKET_PUBCOMP, two_bytes(passage, variable_header(passage)));
    if (type == PACKET_SUBSCRIBE)
        accept_subscribe(passage, PACKET_SUBACK);
    if (type == PACKET_UNSUBSCRIBE)
        accept_subscribe(passage, PACKET_UNSUBACK);
    if (type == PACKET_PINGREQ)
        answer_with(passage, PACKET_PINGRESP, 0);
    return DROP;
}

enum fate pass_over(struct passage *passage)
{
    const struct packet disconnect = {.type = PACKET_DISCONNECT};
    const unsigned type = passage->bytes[0] >> 4;
    if (type == PACKET_CONNECT)
        return pretend(passage);
    if (type == PACKET_DISCONNECT)
        send_to_server(passage->connection, &disconnect);
    return DROP;
}
