/* 4.13 Handling errors. Prefix: errors_ */
#include "4_13_handling_errors.h"

#include "../base/line.h"
#include "4_11_server_redirection.h"
#include "broker_state.h"

/* 3.1.1 table 3.1: the return codes beside the 5.0 Reason Codes that say the same; no others [P3-3.2.2.3-1].
 * [R3-3.2.2.3-1] [R3-3.2.2.3-2] [R3-3.2.2.3-3] [R3-3.2.2.3-4] [R3-3.2.2.3-5] */
uint8_t errors_return_code(enum reason_code reason_code)
{
    static const struct {
        uint8_t reason_code;
        uint8_t return_code;
    } table[] = {{REASON_UNSUPPORTED_PROTOCOL_VERSION, 1},
                 {REASON_CLIENT_IDENTIFIER_NOT_VALID, 2},
                 {REASON_SERVER_UNAVAILABLE, 3},
                 {REASON_SERVER_BUSY, 3},
                 {REASON_SERVER_SHUTTING_DOWN, 3},
                 {REASON_QUOTA_EXCEEDED, 3},
                 {REASON_CONNECTION_RATE_EXCEEDED, 3},
                 {REASON_BAD_USER_NAME_OR_PASSWORD, 4},
                 {REASON_NOT_AUTHORIZED, 5},
                 {REASON_BANNED, 5},
                 {REASON_USE_ANOTHER_SERVER, 3},
                 {REASON_SERVER_MOVED, 3}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].reason_code == reason_code)
            return table[i].return_code;
    return 0;
}

/* "PUBLISH byte 0: QoS bits are both 1 [MQTT-3.3.1-4]" */
static void explain(struct line *line, enum packet_type type, const struct verdict *verdict)
{
    line_text(line, packet_type_name(type));
    line_text(line, " byte ");
    line_number(line, verdict->offset);
    line_text(line, ": ");
    line_text(line, verdict->what);
    line_text(line, " [");
    line_text(line, statement_describe((enum statement)verdict->statement)->id);
    line_text(line, "]");
}

/* Which protocol version to answer a refused CONNECT in. A version that we do not know is answered in the
 * form of 5.0 if it is newer and in that of 3.1.1 if it is older; the codec tells the two apart by the
 * statement. */
static enum protocol_version version_to_answer_in(const struct connection *connection,
                                                  const struct verdict *verdict)
{
    if (connection->version != PROTOCOL_UNKNOWN ||
        verdict->reason_code != REASON_UNSUPPORTED_PROTOCOL_VERSION)
        return connection->version;
    if (verdict->statement == MQTT_3_1_2_2)
        return PROTOCOL_5_0;
    return verdict->statement == MQTT3_3_1_2_2 ? PROTOCOL_3_1_1 : PROTOCOL_UNKNOWN;
}

/* [MQTT-3.1.4-2] [R-3.1.4-1] [R-3.1.4-2, S3-3.1.4-2] [R-3.2.2.2-1, S3-3.2.2.3-1] [R-4.13.1-3];
 * [MQTT3-3.2.2-6] [MQTT3-3.1.4-1] without a fitting return code nothing is said */
static void refuse_connect(struct broker *broker, struct connection *connection,
                           const struct verdict *verdict, const struct line *explanation)
{
    connection->version = (uint8_t)version_to_answer_in(connection, verdict);
    struct packet connack = {.type = PACKET_CONNACK, .flags = 0};
    connack.connack.session_present = false; /* [MQTT-3.2.2-6] [MQTT3-3.2.2-4] */
    connack.connack.reason_code = verdict->reason_code;
    properties_clear(&connack.connack.properties);
    if (connection_is_5_0(connection)) {
        properties_set_bytes(&connack.connack.properties, ORDINAL_REASON_STRING,
                             bytes_of(explanation->text, explanation->length));
        redirection_reference(&broker->settings, verdict->reason_code, &connack.connack.properties);
    } else {
        connack.connack.reason_code = errors_return_code((enum reason_code)verdict->reason_code);
        if (connection->version == PROTOCOL_UNKNOWN || connack.connack.reason_code == 0)
            return;
    }
    connection_send(broker, connection, &connack);
}

static void send_disconnect(struct broker *broker, struct connection *connection,
                            enum reason_code reason_code, struct bytes reason_string)
{
    /* [D-3.14-1] [MQTT-3.14.0-1] only after CONNACK; [P3-2.2.1-4] a Server before 5.0 has no DISCONNECT */
    if (connection->state != CONNECTION_ESTABLISHED || !connection_is_5_0(connection))
        return;
    struct packet disconnect = {.type = PACKET_DISCONNECT, .flags = 0};
    disconnect.disconnect.reason_code = (uint8_t)reason_code;
    properties_clear(&disconnect.disconnect.properties);
    if (reason_string.length > 0)
        properties_set_bytes(&disconnect.disconnect.properties, ORDINAL_REASON_STRING, reason_string);
    connection_send(broker, connection, &disconnect);
}

void errors_refuse(struct broker *broker, struct connection *connection, enum packet_type type,
                   struct verdict verdict)
{
    struct line explanation = {0};
    explain(&explanation, type, &verdict);
    broker_log(broker, LOG_NOTICE, connection, explanation.text, NULL);
    if ((type == PACKET_CONNECT && connection->state == CONNECTION_AWAITS_CONNECT) ||
        connection->state == CONNECTION_AUTHENTICATES) /* [MQTT-4.12.0-4] */
        refuse_connect(broker, connection, &verdict, &explanation);
    else /* [S-4.13.1-3] */
        send_disconnect(broker, connection, (enum reason_code)verdict.reason_code,
                        bytes_of(explanation.text, explanation.length));
    /* [MQTT-3.1.3-8] [MQTT-4.13.1-1] [MQTT-4.13.2-1] [MQTT-3.2.2-7] [MQTT-3.14.4-2] [MQTT3-4.8.0-1]
     * [MQTT3-3.2.2-5]; nobody else is concerned [R-4.13.2-2] [D-4.13.1-2] */
    connection_close(broker, connection);
}

void errors_disconnect(struct broker *broker, struct connection *connection, enum reason_code reason_code,
                       const char *why)
{
    broker_log(broker, LOG_INFO, connection, why, NULL);
    send_disconnect(broker, connection, reason_code, (struct bytes){NULL, 0});
    connection_close(broker, connection);
}
