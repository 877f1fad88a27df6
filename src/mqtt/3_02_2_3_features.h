/* 3.2.2.3 CONNACK Properties: what this Server offers, announced in CONNACK and enforced afterwards. Prefix:
 * features_
 *
 *   feature                        announced by                     a client that uses it all the same
 *   QoS above Maximum QoS          3.2.2.3.4                        0x9B QoS not supported
 *   retained messages              3.2.2.3.5                        0x9A Retain not supported
 *   wildcards in Topic Filters     3.2.2.3.11                       0xA2 Wildcard Subscriptions not supported
 *   Subscription Identifiers       3.2.2.3.12                       0xA1 Subscription Identifiers not supported
 *   Shared Subscriptions           3.2.2.3.13                       0x9E Shared Subscriptions not supported
 *
 * MQTT 3.1 and 3.1.1 have no way to announce them; there a SUBSCRIBE is answered with failure and a PUBLISH
 * ends the connection. */
#ifndef ETALON_MQTT_3_02_2_3_FEATURES_H
#define ETALON_MQTT_3_02_2_3_FEATURES_H

#include "3_packet.h"
#include "broker.h"

/* Puts into the CONNACK of a 5.0 client what the settings switch off or limit. What is absent is fully
 * supported. */
void features_announce(const struct broker_settings *settings, struct properties *properties);

/* Judges the Will of a CONNECT. */
struct verdict features_check_will(const struct broker_settings *settings, const struct packet *packet);

/* Judges QoS and RETAIN of a PUBLISH. */
struct verdict features_check_publish(const struct broker_settings *settings, const struct packet *packet);

/* Judges a 5.0 SUBSCRIBE as a whole. */
struct verdict features_check_subscribe(const struct broker_settings *settings, const struct packet *packet);

/* Whether a 3.1 or 3.1.1 client may have this Topic Filter. */
bool features_allow_filter(const struct broker_settings *settings, struct bytes topic_filter);

#endif
