/* actions: what the Server does on each Control Packet, one file per "Actions" section. Every action works on
 * a decoded packet of an established connection (except CONNECT) and returns a verdict; a refusal ends the
 * connection in 4_13_handling_errors. An action that closes the connection itself accepts. */
#ifndef ETALON_MQTT_ACTIONS_H
#define ETALON_MQTT_ACTIONS_H

#include "broker_state.h"

struct verdict connect_actions(struct broker *broker, struct connection *connection,
                               const struct packet *packet);
struct verdict publish_actions(struct broker *broker, struct connection *connection,
                               const struct packet *packet);
struct verdict puback_actions(struct broker *broker, struct connection *connection,
                              const struct packet *packet);
struct verdict pubrec_actions(struct broker *broker, struct connection *connection,
                              const struct packet *packet);
struct verdict pubrel_actions(struct broker *broker, struct connection *connection,
                              const struct packet *packet);
struct verdict pubcomp_actions(struct broker *broker, struct connection *connection,
                               const struct packet *packet);
struct verdict subscribe_actions(struct broker *broker, struct connection *connection,
                                 const struct packet *packet);
struct verdict unsubscribe_actions(struct broker *broker, struct connection *connection,
                                   const struct packet *packet);
/* 3.10.4: goes on with an UNSUBSCRIBE that takes long, if there is one. Returns the connection on which it is complete, so
 * that what came behind it can be handled; NULL: none. At the end of each step. */
struct connection *unsubscribe_work(struct broker *broker);
/* Forgets the one of a connection that is closed. */
void unsubscribe_abandon(struct broker *broker, struct connection *connection);
struct verdict pingreq_actions(struct broker *broker, struct connection *connection,
                               const struct packet *packet);
struct verdict disconnect_actions(struct broker *broker, struct connection *connection,
                                  const struct packet *packet);
struct verdict auth_actions(struct broker *broker, struct connection *connection,
                            const struct packet *packet);

/* 3.1.4: the client of this CONNECT is known; `user_name` NULL: nobody in particular. */
struct verdict connect_accept(struct broker *broker, struct connection *connection,
                              const struct packet *packet, const struct bytes *user_name);

/* 3.1.2.10 */
void keep_alive_start(struct broker *broker, struct connection *connection);
/* The connection's timer ran out: CONNECT did not come in time, or Keep Alive was exceeded. */
void keep_alive_timer_expired(struct broker *broker, struct connection *connection);

/* 3.1.2.5: judges topic and payload of the Will that a CONNECT asks for, if it does. */
struct verdict will_check(const struct broker_settings *settings, const struct packet *packet);
/* 3.1.2.5: the Will that a CONNECT asks for, to be owned by a session. NULL: no memory. */
struct session_will *will_create(const struct will *will);
/* Frees a Will that was not published. NULL is fine. */
void will_free(struct broker *broker, struct session_will *will);
/* Discards the session's Will, if it has one. */
void will_discard(struct broker *broker, struct session *session);
/* Publishes the session's Will, if it has one, and discards it. */
void will_publish(struct broker *broker, struct session *session);
/* Publishes a Will that no session owns any more, and frees it. `publisher` may be NULL. */
void will_publish_late(struct broker *broker, struct session_will *will, const struct session *publisher);

/* 3.3.1.3: stores or removes the retained message that a publication with RETAIN 1 stands for, then routes
 * it. `*recipients` as for routing_publish. False: no memory. */
bool publish_accept(struct broker *broker, struct publication *publication, uint32_t *recipients);

/* Gives back a message that is no longer the retained one of its topic, and its expiry timer. */
void retained_release(struct broker *broker, struct message *message);
/* Sets the expiry timer of a retained message that was read from the store. False: no memory. */
bool retained_arm_expiry(struct broker *broker, struct message *message);
/* The Message Expiry Interval of a retained message has run out: it's removed [MQTT-3.3.2-5]. */
void retained_timer_expired(struct broker *broker, struct timer *timer);

/* 4.4: sends again what was in flight when the last connection ended, as far as the window and the client's reading allow. */
void retry_resume(struct broker *broker, struct session *session);
/* Goes on with it when there may be room. */
void retry_continue(struct broker *broker, struct session *session);

#endif
