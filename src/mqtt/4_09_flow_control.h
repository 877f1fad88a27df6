/* 4.9 Flow control: how many QoS 1 and 2 messages may be under way. Prefix: flow_
 *
 * Towards the client the send quota is its Receive Maximum (or our own limit, if that is lower) less the
 * messages in flight; it needs no counter of its own and cannot exceed its first value
 * [D-4.9-3]. PUBREL and the like are never held back [MQTT-4.9.0-3]. */
#ifndef ETALON_MQTT_4_09_FLOW_CONTROL_H
#define ETALON_MQTT_4_09_FLOW_CONTROL_H

#include "4_02_network_connection.h"
#include "4_01_session_state.h"

/* The send quota that a connection begins with: the smaller of the client's Receive Maximum (0 = not given)
 * and our own limit, never 0 [MQTT-4.9.0-1]. */
uint16_t flow_send_maximum(uint16_t receive_maximum, uint16_t limit);

/* Whether one more QoS 1 or 2 PUBLISH may be sent to the session's client now [MQTT-4.9.0-2]. */
bool flow_may_send(const struct session *session);

/* Whether the connection's unsent output leaves room for a QoS 0 message. */
bool flow_has_room(const struct broker *broker, const struct connection *connection);

/* Judges the number of messages that the client has in flight to us, one more of QoS 1 or 2 included, against
 * the Receive Maximum that we announced [R-3.3.4-2]. Those of QoS 1 are acknowledged within their step, so only
 * QoS 2 messages that wait for PUBREL add up. Those of earlier connections do not count [D-4.9-4]; which of them
 * the client has released meanwhile we do not know, and assume what is best for it. */
struct verdict flow_check_received(const struct broker *broker, const struct session *session);

#endif
