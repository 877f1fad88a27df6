/* 4.12 Enhanced authentication, and the authentication of 3.1.4 and 5.4.1 in general. Prefix: authentication_
 *
 * Who a client is, is the host's to find out (broker_environment.authenticate): by user name and password, by
 * a certificate, or by an exchange of AUTH packets. It may answer at once or take its time. What happens
 * meanwhile is here:
 *
 *                    CONNECT ──▶ the host ──accepted──────────────────────────▶ CONNACK 0x00
 *                                 │  ▲  │ └─refused──▶ CONNACK 0x86, 0x87 ..., closed
 *               takes its time:   │  │  └─continues──▶ AUTH 0x18 ──▶ the client ──AUTH 0x18──▶ the host ...
 *               nothing is read   ▼  │
 *                           STEP_AUTHENTICATED
 *
 *   4.12.1 re-authentication: the same from AUTH 0x19 on, on an established connection, which goes on meanwhile;
 *   it ends with AUTH 0x00, or with DISCONNECT. */
#ifndef ETALON_MQTT_4_12_ENHANCED_AUTHENTICATION_H
#define ETALON_MQTT_4_12_ENHANCED_AUTHENTICATION_H

#include "broker.h"
#include "3_packet.h"

/* Of a connection whose authentication is going on, or whose CONNECT had an Authentication Method. */
struct authentication;

/* A CONNECT came and nothing speaks against it but that its sender is unknown: asks the host, and goes on as
 * it says, at once or later. */
struct verdict authentication_begin(struct broker *broker, struct connection *connection,
                                    const struct packet *connect);

/* An AUTH came. */
struct verdict authentication_continue(struct broker *broker, struct connection *connection,
                                       const struct packet *auth);

/* STEP_AUTHENTICATED: the host has made up its mind. */
void authentication_answered(struct broker *broker, struct connection *connection,
                             const struct authentication_answer *answer);

/* The connection ends: tells the host, if it has something going on for it, and frees. */
void authentication_end(struct broker *broker, struct connection *connection);

/* Whether the host is being waited for before CONNACK: then nothing is read. */
bool authentication_pending(const struct connection *connection);

/* The CONNACK of a connection with an Authentication Method repeats it, with the last data of the Server. */
void authentication_inform(const struct connection *connection, struct properties *properties);

#endif
