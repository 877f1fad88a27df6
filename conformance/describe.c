/* describe: packets and situations in one line each, for the texts of results. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include "connection.h"
#include "test.h"

#define LINE_SIZE 700U
#define SHOWN_BYTES 60U /* of a payload or topic */

struct line {
    char *text;
    size_t length;
};

PRINTF_LIKE(2, 3) static void add(struct line *line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int made = vsnprintf(line->text + line->length, LINE_SIZE - line->length, format, arguments);
    va_end(arguments);
    line->length += made < 0 ? 0 : (size_t)made;
    if (line->length >= LINE_SIZE)
        line->length = LINE_SIZE - 1;
}

/* Bytes as quoted text; what is not printable ASCII becomes \xNN. */
static void add_bytes(struct line *line, const char *name, struct bytes bytes)
{
    add(line, " %s=\"", name);
    for (size_t i = 0; i < bytes.length && i < SHOWN_BYTES; i++)
        add(line, isprint(bytes.data[i]) ? "%c" : "\\x%02x", bytes.data[i]);
    if (bytes.length > SHOWN_BYTES)
        add(line, "\"... (%zu bytes)", bytes.length);
    else
        add(line, "\"");
}

static void add_code(struct line *line, const struct packet *packet, uint8_t code)
{
    if (packet->version == PROTOCOL_5_0)
        add(line, " 0x%02X (%s)", code, reason_code_name(packet->type, code));
    else
        add(line, " code=%u", code);
}

static void add_reason_string(struct line *line, const struct packet *packet,
                              const struct properties *properties)
{
    if (packet->version == PROTOCOL_5_0 && properties_has(properties, ORDINAL_REASON_STRING))
        add_bytes(line, "reason-string", properties_bytes(properties, ORDINAL_REASON_STRING));
}

static void describe_connack(struct line *line, const struct packet *packet)
{
    add_code(line, packet, packet->connack.reason_code);
    add(line, " session-present=%d", packet->connack.session_present);
    add_reason_string(line, packet, &packet->connack.properties);
}

static void describe_publish(struct line *line, const struct packet *packet)
{
    const struct publish *publish = &packet->publish;
    add(line, " qos=%u", publish->qos);
    if (publish->qos > 0)
        add(line, " id=%u", publish->packet_identifier);
    add(line, "%s%s", publish->retain ? " retain" : "", publish->dup ? " dup" : "");
    add_bytes(line, "topic", publish->topic);
    add_bytes(line, "payload", publish->payload);
}

static void describe_acknowledgement(struct line *line, const struct packet *packet)
{
    add(line, " id=%u", packet->acknowledgement.packet_identifier);
    if (packet->version == PROTOCOL_5_0)
        add_code(line, packet, packet->acknowledgement.reason_code);
    add_reason_string(line, packet, &packet->acknowledgement.properties);
}

static void describe_suback(struct line *line, const struct packet *packet)
{
    add(line, " id=%u", packet->suback.packet_identifier);
    for (size_t i = 0; i < packet->suback.reason_codes.length; i++)
        add_code(line, packet, packet->suback.reason_codes.data[i]);
    add_reason_string(line, packet, &packet->suback.properties);
}

static void describe_disconnect(struct line *line, const struct packet *packet)
{
    if (packet->version != PROTOCOL_5_0)
        return;
    add_code(line, packet, packet->disconnect.reason_code);
    add_reason_string(line, packet, &packet->disconnect.properties);
}

static void describe_auth(struct line *line, const struct packet *packet)
{
    add_code(line, packet, packet->auth.reason_code);
}

static void add_packet(struct line *line, const struct packet *packet)
{
    static void (*const describers[16])(struct line *, const struct packet *) = {
        [PACKET_CONNACK] = describe_connack,        [PACKET_PUBLISH] = describe_publish,
        [PACKET_PUBACK] = describe_acknowledgement, [PACKET_PUBREC] = describe_acknowledgement,
        [PACKET_PUBREL] = describe_acknowledgement, [PACKET_PUBCOMP] = describe_acknowledgement,
        [PACKET_SUBACK] = describe_suback,          [PACKET_UNSUBACK] = describe_suback,
        [PACKET_DISCONNECT] = describe_disconnect,  [PACKET_AUTH] = describe_auth,
    };
    add(line, "%s", packet_type_name(packet->type));
    if (describers[packet->type] != NULL)
        describers[packet->type](line, packet);
}

const char *describe_packet(struct test *t, const struct packet *packet)
{
    struct line line = {.text = test_allocate(t, LINE_SIZE)};
    add_packet(&line, packet);
    return line.text;
}

const char *describe_state(struct client *client, enum outcome outcome)
{
    struct test *t = client->test;
    struct line line = {.text = test_allocate(t, LINE_SIZE)};
    if (client->connection == NULL)
        add(&line, "the client had closed the connection itself");
    else if (client->closed)
        add(&line, "the server %s the connection at %.3f s%s%s", client->reset ? "reset" : "closed",
            client->closed_at, connection_farewell(client->connection)[0] == '\0' ? "" : ": ",
            connection_farewell(client->connection));
    else if (outcome == RECEIVED_TIMEOUT)
        add(&line, "no such packet until %.3f s, and the connection stayed open", now(t));
    else
        add(&line, "the connection is open");
    if (client->input_length > 0)
        add(&line, "; %zu bytes of an unfinished packet", client->input_length);
    if (client->inbox != NULL)
        add(&line, "; unread: ");
    for (const struct received *unread = client->inbox; unread != NULL && line.length < LINE_SIZE - 1;
         unread = unread->next) {
        add_packet(&line, &unread->packet);
        add(&line, unread->next == NULL ? "" : ", ");
    }
    return line.text;
}
