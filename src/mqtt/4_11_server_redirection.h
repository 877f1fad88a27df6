/* 4.11 Server redirection. Prefix: redirection_ */
#ifndef ETALON_MQTT_4_11_SERVER_REDIRECTION_H
#define ETALON_MQTT_4_11_SERVER_REDIRECTION_H

#include "3_packet.h"
#include "broker.h"

/* Refuses a CONNECT with 0x9C (Use another server) or 0x9D (Server moved) if the settings send clients
 * elsewhere. */
struct verdict redirection_check(const struct broker_settings *settings);

/* Adds the Server Reference to the properties of a CONNACK or DISCONNECT that redirects; others are left
 * alone. */
void redirection_reference(const struct broker_settings *settings, uint8_t reason_code,
                           struct properties *properties);

#endif
