/* 5.4.2 Authorization of Clients by the Server. Prefix: authorization_
 *
 * What a client may do is the host's to say (broker_environment.authorise); when it's asked is here: at PUBLISH,
 * for the Will at CONNECT and when it is due, at SUBSCRIBE, and before a message is delivered. */
#ifndef ETALON_MQTT_5_4_2_AUTHORIZATION_H
#define ETALON_MQTT_5_4_2_AUTHORIZATION_H

#include "broker_state.h"

/* Whether the session's user may publish to this topic. */
bool authorization_publish(const struct broker *broker, const struct session *session, struct bytes topic,
                           uint8_t qos, bool retain);

/* Whether it may have a subscription with this Topic Filter. */
bool authorization_subscribe(const struct broker *broker, const struct session *session,
                             struct bytes topic_filter, uint8_t qos);

/* Whether it may be sent a message of this topic. */
bool authorization_receive(const struct broker *broker, const struct session *session, struct bytes topic);

/* Whether a client that is not connected yet may leave a Will. */
bool authorization_will(const struct broker *broker, const struct packet *connect,
                        struct bytes client_identifier, const struct bytes *user_name);

#endif
