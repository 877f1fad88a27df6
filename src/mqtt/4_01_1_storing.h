/* 4.1.1 Storing Session State: what has changed since the last batch. Prefix: storing_
 *
 * Whatever is stored embeds a struct stored. When it changes it joins the list of what is to be looked at, and
 * stays in memory until then, even if its owner has done away with it. broker_collect looks at each once:
 *
 *      still there                 ▶ put                 made and gone meanwhile ▶ nothing
 *      gone, and on disk           ▶ delete
 *
 * So a QoS 1 message that was acknowledged before its batch is written never touches the disk, and noting a
 * change needs no memory: it can't fail. Only what has no structure of its own in memory (subscriptions,
 * QoS 2 identifiers received) is written to a log at once, which can.
 *
 * Messages are counted: `holders` is the number of stored deliveries, Wills and retained topics that need one.
 *
 * What has to wait for the batch is the matter of 4_01_1_promises; reading it back that of 4_01_1_restoring. */
#ifndef ETALON_MQTT_4_01_1_STORING_H
#define ETALON_MQTT_4_01_1_STORING_H

#include "../base/changes.h"
#include "../base/list.h"
#include "../base/timer_heap.h"
#include "4_01_1_records.h"

struct broker;
struct delivery;
struct message;
struct session;
struct session_will;
struct subscription_options;
struct restoring;

enum stored_kind { STORED_SESSION, STORED_MESSAGE, STORED_DELIVERY, STORED_WILL, STORED_KINDS };

/* Zero-initialised means: not stored and not to be. */
struct stored {
    struct stored *next; /* in the list of what has changed */
    uint64_t number;     /* in the record's key; 0: none yet */
    uint32_t holders;    /* messages only */
    uint8_t kind;        /* enum stored_kind */
    bool listed;
    bool on_disk; /* in the store, or in the batch that is on its way there */
    bool gone;    /* its owner has done away with it */
};

/* A broker that was silent that long (ms) has been dead: so often it says that it lives. */
#define STORING_ALIVE_TIME 10000U

/* Part of struct broker. */
struct storing {
    struct stored *first; /* what has changed, oldest first */
    struct stored *last;
    size_t listed;
    size_t sweep_at; /* look for what has become of no interest when so many are listed */
    size_t size;     /* bytes that the changes of all listed will take at most */
    struct changes log;
    uint64_t last_session; /* numbers given so far */
    uint64_t last_message;
    uint64_t last_delivery;
    uint64_t batch; /* number of the batch that is gathering, from 1 */
    uint64_t
        stored; /* number of the last one that is stored: batch - 1, or batch - 2 while one is on its way */
    uint64_t session_ended_in;   /* number of the last batch with the end of a session */
    uint64_t retained_ended_in;  /* number of the last batch with the end of a retained message */
    struct list held;            /* connections with output that waits; 4_01_1_promises */
    struct timer alive;          /* next note of META_ALIVE */
    uint32_t connected;          /* durable sessions whose clients are connected */
    bool enabled;                /* there is a store and everything was read from it */
    bool promised;               /* STORAGE_PROMISED: promises wait */
    bool trouble;                /* STEP_STORE_TROUBLE until STEP_STORED */
    bool failing;                /* the same, for STORAGE_BEHIND as well */
    bool alive_due;              /* META_ALIVE is to be written */
    bool packet_changed;         /* something to be stored has changed since the present packet began */
    uint64_t way_changes;        /* changes in the batch on its way, for statistics */
    struct restoring *restoring; /* while records are read; NULL afterwards */
};

/* Sessions. A session is durable when its state outlives its connection: from its beginning, for good. */

/* A session got its client: decides whether it's durable when it is new. */
void storing_attached(struct broker *broker, struct session *session);
/* The client is away, or the session's deadlines have changed. */
void storing_detached(struct broker *broker, struct session *session);
/* Frees the session's memory, now or when its end is noted. */
void storing_free_session(struct broker *broker, struct session *session);

/* Wills, of durable sessions and of others: what was connected when the broker died has a Will, too. */
void storing_will(struct broker *broker, struct session *session);
/* Frees a Will's memory; its message is given back by the caller, after storing_unhold. */
void storing_free_will(struct broker *broker, struct session_will *will);

/* Messages */

/* One more, or one less, stored record needs the message. */
void storing_hold(struct broker *broker, struct message *message);
void storing_unhold(struct broker *broker, struct message *message);
/* What the record says of the message (its expiry) has changed. */
void storing_message_changed(struct broker *broker, struct message *message);
/* The message is the retained one of its topic, or not any more. */
void storing_retained(struct broker *broker, struct message *message);
void storing_unretained(struct broker *broker, struct message *message);

/* Deliveries, of durable sessions and at QoS 1 and 2 only; the functions ignore others. */

/* It has joined the session's queue or is in flight. */
void storing_delivery(struct broker *broker, struct session *session, struct delivery *delivery);
/* It has got its Packet Identifier, or another state. */
void storing_delivery_changed(struct broker *broker, struct delivery *delivery);
/* Frees the delivery's memory, now or when its end is noted. Its message was given back. */
void storing_free_delivery(struct broker *broker, struct delivery *delivery);

/* What is logged at once. False: no memory, and what was to be noted must not happen. */

bool storing_received(struct broker *broker, struct session *session, uint16_t packet_identifier);
bool storing_released(struct broker *broker, struct session *session, uint16_t packet_identifier);
/* Makes room for noting a subscription or its end. */
bool storing_reserve_subscription(struct broker *broker, const struct session *session, struct bytes filter);
/* After storing_reserve_subscription, which has made room. */
void storing_subscribed(struct broker *broker, struct session *session, struct bytes filter,
                        const struct subscription_options *options, uint64_t group);
void storing_unsubscribed(struct broker *broker, struct session *session, struct bytes filter);

/* The record that was read is not up to date: it is to be written or deleted with the first batch. */
void storing_restored(struct broker *broker, struct stored *stored);

/* The present packet finds no session, or no retained message, and the answer to it says so: the end of the one
 * that was there may be on its way to the store still, brought by somebody else. */
void storing_no_session(struct broker *broker);
void storing_no_retained(struct broker *broker);

/* STEP_STORED and STEP_STORE_TROUBLE. */
void storing_done(struct broker *broker);
void storing_trouble(struct broker *broker, const char *why);

/* The store takes nothing at present: what would need it is to be refused. */
bool storing_in_trouble(const struct broker *broker);

/* Takes out of the list what would lead to no change, when that has become much. Between steps only. */
void storing_sweep(struct broker *broker);

/* The timer `alive` ran out. */
void storing_alive_expired(struct broker *broker);

/* The broker ends: nothing more is noted, what only waited to be is freed. */
void storing_end(struct broker *broker);

#endif
