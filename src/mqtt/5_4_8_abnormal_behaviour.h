/* 5.4.8 Detecting abnormal behaviours: what one client, or all of them together, may take from the others. Prefix:
 * limits_
 *
 *   what                      setting                            a client of 5.0 gets          of 3.1 and 3.1.1
 *   packets before CONNACK    maximum_first_packet               CONNACK 0x95                  is closed
 *   levels of a topic         maximum_topic_levels               0x8F, 0x90                    0x80; PUBLISH: acknowledged, dropped
 *   bytes of a topic          maximum_topic_length               likewise                      likewise
 *   User Properties           maximum_user_properties            0x97, and is closed           -
 *   sessions                  maximum_sessions                   CONNACK 0x97                  CONNACK 3
 *   subscriptions             maximum_subscriptions..._of_session  SUBACK 0x97                 SUBACK 0x80
 *   retained messages, bytes  maximum_retained, ..._bytes        PUBACK, PUBREC 0x97           is closed
 *   bytes that wait           maximum_queued_bytes, maximum_held_bytes   loses messages, as from any full queue
 *   memory                    broker_set_memory_short            all of these
 *
 * What is there already, or was read from the store, stays, even if it is more than a limit. */
#ifndef ETALON_MQTT_5_4_8_ABNORMAL_BEHAVIOUR_H
#define ETALON_MQTT_5_4_8_ABNORMAL_BEHAVIOUR_H

#include "3_packet.h"
#include "broker.h"

struct connection;
struct message;
struct publication;
struct session;

/* So many levels are what one subscription may have: looking for those that match costs time for each of them. */
enum { LIMITS_LEVELS_OF_ONE = 16 };

/* What a Topic Filter of so many levels, at least one, counts as, in subscriptions. */
static inline uint32_t limits_weight(uint32_t levels)
{
    return 1 + (levels - 1) / LIMITS_LEVELS_OF_ONE;
}

/* Something was refused: counts it and, not too often, logs which keyword of the configuration is concerned.
 * `connection` may be NULL. */
void limits_refused(struct broker *broker, const struct connection *connection, enum broker_limit limit);

/* The largest packet that the connection may send now, 0 = MQTT's own limit. */
uint32_t limits_packet_size(const struct broker *broker, const struct connection *connection);

/* Judges a packet by its User Properties. */
struct verdict limits_check_properties(struct broker *broker, const struct connection *connection,
                                       const struct packet *packet);

/* Judges the Will, and whether there may be a session more, if there has to be. */
struct verdict limits_check_connect(struct broker *broker, const struct connection *connection,
                                    const struct packet *packet, struct bytes client_identifier);

/* How many Topic Filters of one SUBSCRIBE are looked at: no more than the client may have, since millions of them
 * would keep everybody waiting. */
uint32_t limits_filters(const struct broker *broker);

/* Why a Topic Filter cannot be subscribed to, in 5.0's words; REASON_SUCCESS: it can. */
enum reason_code limits_subscribe(struct broker *broker, const struct connection *connection,
                                  struct bytes topic_filter);

/* Whether a Topic Name or Topic Filter has no more levels, and no more bytes, than it may; counts it if it has. */
bool limits_take_topic(struct broker *broker, const struct connection *connection, struct bytes topic);

/* Whether a publication may become the retained message of its topic, as far as there is room; counts if not. */
bool limits_retain(struct broker *broker, const struct connection *connection,
                   const struct publication *publication);

/* What a message counts as among retained ones, bytes. */
uint64_t limits_retained_size(const struct message *message);

/* What a message that waits counts as, bytes. */
uint64_t limits_message_size(const struct message *message);

/* Whether a publication may wait for a client, or be in flight to it, in view of all that does so; counts if not.
 * What waits for somebody else already costs nothing more. `at_once`: the client can be sent it now; one that keeps
 * acknowledging what it gets is served on even if others have taken everything. */
bool limits_hold(struct broker *broker, const struct session *session, const struct publication *publication,
                 bool at_once);

/* One more, or one less, delivery needs the message. */
void limits_held(struct broker *broker, struct message *message);
void limits_let_go(struct broker *broker, struct message *message);

/* Logs what was restored beyond the limits. */
void limits_restored(struct broker *broker);

#endif
