/* 4.10 Request / Response. Prefix: request_response_ The exchange itself is plain publishing with a Response
 * Topic and Correlation Data; all that a Server adds is 4.10.1. */
#ifndef ETALON_MQTT_4_10_REQUEST_RESPONSE_H
#define ETALON_MQTT_4_10_REQUEST_RESPONSE_H

#include "3_packet.h"
#include "broker.h"

/* 4.10.1: puts the Response Information into a CONNACK, if the client asked for it and the Server has some. */
void request_response_inform(const struct broker_settings *settings, const struct packet *connect,
                             struct properties *connack);

#endif
