/* 4.9 Flow control. Prefix: flow_ */
#include "4_09_flow_control.h"

#include "broker_state.h"

uint16_t flow_send_maximum(uint16_t receive_maximum, uint16_t limit)
{
    const uint16_t client = receive_maximum ? receive_maximum : UINT16_MAX; /* [D-3.1.2.11.3-2] */
    const uint16_t server = limit ? limit : UINT16_MAX;
    return client < server ? client : server; /* [MQTT-4.9.0-1] [MQTT-3.3.4-9] */
}

bool flow_may_send(const struct session *session)
{
    const struct flows *flows = session_flows(session);
    /* [MQTT-4.9.0-2]; what is not a PUBLISH is never held back [MQTT-3.3.4-10] */
    return flows->inflight.count - flows->unsent < session->connection->send_maximum;
}

enum { OUTPUT_WHEN_SHORT = 64 * 1024 }; /* bytes; 5.4.8 */

bool flow_has_room(const struct broker *broker, const struct connection *connection)
{
    const uint32_t most = broker->settings.maximum_output;
    return connection->output_size <=
           (broker->memory_short && most > OUTPUT_WHEN_SHORT ? OUTPUT_WHEN_SHORT : most);
}

struct verdict flow_check_received(const struct broker *broker, const struct session *session)
{
    const uint16_t announced = broker->settings.receive_maximum;
    const uint32_t maximum = announced ? announced : UINT16_MAX;
    const struct flows *flows = session_flows(session);
    const uint32_t in_flight =
        flows->received.count - flows->received_before; /* [D-4.9-4] on this connection */
    if (session->connection->version == PROTOCOL_5_0 && in_flight + 1 > maximum)
        return refuse(R_3_3_4_2, REASON_RECEIVE_MAXIMUM_EXCEEDED, 0,
                      "more messages in flight than the Receive Maximum allows");
    return accept();
}
