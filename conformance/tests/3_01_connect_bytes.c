/* 3.1 CONNECT packets made by hand; 3_01_connect.h is the manual. */
#include "3_01_connect.h"

#include <stdio.h>

#include "../target.h"

/* Bytes that a template stands for. */
static size_t template_size(const char *template)
{
    size_t digits = 0;
    size_t size = 0;
    while (*template != '\0') {
        if (*template == '{') {
            size_t length = strcspn(template + 1, "}");
            size += 2 + length;
            template += length + 2;
        } else {
            digits += *template == ' ' ? 0 : 1;
            template ++;
        }
    }
    return size + digits / 2;
}

/* A Variable Byte Integer below 16,384, as hexadecimal digits. */
static const char *variable_byte_integer(struct test *t, size_t value)
{
    if (value < 128)
        return text(t, "%02x", (unsigned)value);
    return text(t, "%02x %02x", (unsigned)(0x80 | (value & 0x7F)), (unsigned)(value >> 7));
}

static const char *hex_string(struct test *t, const char *value)
{
    const char *hex = text(t, "%04x", (unsigned)strlen(value));
    for (; *value != '\0'; value++)
        hex = text(t, "%s%02x", hex, (unsigned)(unsigned char)*value);
    return hex;
}

const char *target_credentials(struct test *t, unsigned *flags)
{
    const struct target *target = t->target;
    if (!target->has_user_name)
        return "";
    *flags |= target->has_password ? 0xC0 : 0x80;
    return text(t, "%s %s", hex_string(t, target->user_name),
                target->has_password ? hex_string(t, target->password) : "");
}

static const char *payload_of(struct client *client, const struct connect_bytes *bytes, unsigned *flags)
{
    struct test *t = client->test;
    if (bytes->payload != NULL)
        return bytes->payload;
    const char *identifier =
        bytes->client_identifier == NULL ? client->client_identifier : bytes->client_identifier;
    const char *credentials = bytes->credentials == NULL ? target_credentials(t, flags) : bytes->credentials;
    return text(t, "{%s} %s %s", identifier, bytes->will == NULL ? "" : bytes->will, credentials);
}

void connect_bytes_send(struct client *client, const struct connect_bytes *bytes)
{
    struct test *t = client->test;
    bool old = client->version == PROTOCOL_3_1;
    unsigned flags = bytes->flags;
    const char *payload = payload_of(client, bytes, &flags);
    const char *name = bytes->protocol_name != NULL ? bytes->protocol_name : old ? "MQIsdp" : "MQTT";
    int level = bytes->protocol_level == ABSENT ? (int)client->version : bytes->protocol_level;
    const char *properties = bytes->properties == NULL ? "" : bytes->properties;
    if (client->version == PROTOCOL_5_0)
        properties = text(t, "%s %s", variable_byte_integer(t, template_size(properties)), properties);
    else
        properties = "";
    const char *body = text(t, "{%s} %02x %02x %04x %s %s", name, (unsigned)level, flags,
                            (unsigned)bytes->keep_alive, properties, payload);
    SEND_TEMPLATE(client, "10 %s %s %s", variable_byte_integer(t, template_size(body)), body,
                  bytes->behind == NULL ? "" : bytes->behind);
}

void connect_bytes_accept(struct test *t, const struct connect_bytes *bytes)
{
    const struct received *received;
    struct client *control = open_connection(t);
    connect_bytes_send(control, bytes);
    enum outcome outcome = receive_until(control, now(t) + 2 * t->patience, &received);
    if (outcome != RECEIVED_PACKET)
        error(t, "control: a valid CONNECT got no CONNACK: %s", describe_state(control, outcome));
    if (received->packet.type != PACKET_CONNACK || received->packet.connack.reason_code != 0)
        error(t, "control: a valid CONNECT was not accepted: %s", describe_packet(t, &received->packet));
    disconnect(control);
}

void expect_connect_refused(struct client *client, int reason_code)
{
    struct test *t = client->test;
    int code = expect_refused(client, .reason_code = reason_code);
    if (t->version == PROTOCOL_3_1_1 && code != ABSENT)
        fail_statement(t, STATEMENT_NONE, MQTT3_3_1_4_1, "the connection to be closed without a CONNACK",
                       "a CONNACK with return code %d came first", code);
}

void connect_bytes_refuse(struct test *t, const char *what, int reason_code,
                          const struct connect_bytes *bytes)
{
    struct client *client = open_connection(t, .name = what);
    connect_bytes_send(client, bytes);
    expect_connect_refused(client, reason_code);
}
