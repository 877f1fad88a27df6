/* 4.13 Handling errors: the only place where a verdict becomes packets. Prefix: errors_ */
#ifndef ETALON_MQTT_4_13_HANDLING_ERRORS_H
#define ETALON_MQTT_4_13_HANDLING_ERRORS_H

#include "4_02_network_connection.h"

/* A packet of type `type` was refused. Tells the client as its protocol version allows, logs, and closes the
 * connection:
 *
 *   before CONNACK   5.0: CONNACK with the Reason Code      3.1, 3.1.1: CONNACK if a return code fits, else nothing
 *   afterwards       5.0: DISCONNECT with the Reason Code   3.1, 3.1.1: nothing */
void errors_refuse(struct broker *broker, struct connection *connection, enum packet_type type,
                   struct verdict verdict);

/* Disconnects a client that did nothing wrong (taken over, shutting down, Keep Alive): DISCONNECT with
 * `reason_code` for 5.0 clients, then closes. The session's Will is treated as for any connection that ends
 * without DISCONNECT from the client. */
void errors_disconnect(struct broker *broker, struct connection *connection, enum reason_code reason_code,
                       const char *why);

/* The CONNACK return code of 3.1 and 3.1.1 (table 3.1 there) that says what a 5.0 Reason Code says; 0 when
 * none does. 3.2.2.3 */
uint8_t errors_return_code(enum reason_code reason_code);

#endif
