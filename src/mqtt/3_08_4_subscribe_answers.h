/* 3.8.4 The retained messages that answer a SUBSCRIBE, 3.3.1.3. Prefix: answers_
 *
 * A SUBSCRIBE of a few bytes may ask for all retained messages, many times over. So only as much of the answer is
 * made as the client takes:
 *
 *   SUBSCRIBE ──▶ begin ──▶ output, then the queue, up to ANSWERS_QUEUED ──▶ the rest waits as the SUBSCRIBE itself
 *                                   ▲                                                     │
 *                                   └────── continue, when the client has taken some ◀────┘
 *
 * A retained message that is replaced before its turn comes is delivered as it is then. Like what exceeds the
 * queue's limit, answers that are still to be made are not stored: a restart ends them. */
#ifndef ETALON_MQTT_3_08_4_SUBSCRIBE_ANSWERS_H
#define ETALON_MQTT_3_08_4_SUBSCRIBE_ANSWERS_H

#include "4_02_network_connection.h"
#include "4_01_session_state.h"

enum {
    ANSWERS_QUEUED = 1000,      /* messages of answers in one session's queue, at most */
    ANSWERS_STEP = 20000,       /* nodes and filters that are looked at before others have their turn */
    ANSWERS_WAITING = 1U << 20, /* bytes of SUBSCRIBEs that wait for their answers, if it's more than one */
    ANSWERS_NONE = 0xFF         /* a filter that is not to be answered */
};

/* Whether a session may ask for more, with a SUBSCRIBE of this size. */
bool answers_room(const struct session *session, size_t size);

/* Answers a SUBSCRIBE. `granted`: for each of its filters the QoS, or ANSWERS_NONE. */
void answers_begin(struct broker *broker, struct connection *connection, const struct subscribe *subscribe,
                   uint32_t identifier, const uint8_t *granted);

/* Goes on as far as the client's reading allows. */
void answers_continue(struct broker *broker, struct session *session);

/* Gives somebody whose answers need time, and nothing else, some of it. At the end of each step. */
void answers_work(struct broker *broker);

/* Forgets all that is still to be answered. */
void answers_clear(struct broker *broker, struct session *session);

#endif
