/* 4.1 Session State. Prefix: session_ / message_ / delivery_
 *
 * What outlives a Network Connection: subscriptions, messages sent or to be sent and not yet acknowledged,
 * QoS 2 identifiers received, the Will, and the moment at which all this ends. Retained messages are not part
 * of it [MQTT3-3.1.2-7] [D-4.1-6, D3-4.1-1]. */
#ifndef ETALON_MQTT_4_01_SESSION_STATE_H
#define ETALON_MQTT_4_01_SESSION_STATE_H

#include "../base/identifier_set.h"
#include "../base/list.h"
#include "../base/timer_heap.h"
#include "4_01_1_storing.h"
#include "4_03_qos_flows.h"
#include "4_08_subscriptions.h"

struct answer;
struct broker;
struct connection;

#define SESSION_EXPIRY_NEVER UINT32_MAX /* [3.1.2.11.2] 0xFFFFFFFF */
#define EXPIRES_NEVER UINT64_MAX

/* An Application Message, shared by everyone who waits for it. One block:
 *
 *   | struct message | topic name | properties | payload |
 *
 * The properties are those that travel unaltered (2.2.2 wire form, without Property Length): neither Message
 * Expiry Interval, which is recomputed, nor Topic Alias or Subscription Identifier, which belong to one hop. */
struct message {
    struct stored stored; /* 4.1.1 */
    uint64_t expires_at;  /* ms, or EXPIRES_NEVER */
    /* set while it is a retained message that expires; see 3_03_4_publish_actions */
    struct retained_expiry *retained_expiry;
    uint32_t references;
    uint32_t deliveries; /* those of the references that are deliveries, 5.4.8 */
    uint32_t properties_length;
    uint32_t payload_length;
    uint16_t topic_length;
    uint8_t qos;   /* as published */
    bool retained; /* it is stored as the retained message of its topic */
    uint8_t bytes[];
};

/* A message on its way through the broker; borrows from the packet that brought it, or from a shared message. */
struct publication {
    struct bytes topic;
    struct bytes properties; /* as in struct message */
    struct bytes payload;
    uint64_t expires_at;
    const struct session *publisher; /* for No Local, [MQTT-3.8.3-3]; NULL: the broker itself */
    struct message *shared;          /* made at first need; the publication holds one reference */
    uint8_t qos;
    bool retain;
};

/* One message that one session has to receive at QoS 1 or 2, or (from the retained messages) at QoS 0.
 * It is in the session's queue first, then, with a Packet Identifier, in flight. */
struct delivery {
    struct stored stored; /* 4.1.1 */
    struct list_node node;
    struct session *session; /* whose it is; set when it is stored */
    struct message *message; /* NULL once PUBREC was received: only the identifier still matters */
    uint64_t
        group; /* the Shared Subscription that it comes from, 4.8.2, see subscriptions_visitor; 0 = none */
    uint16_t packet_identifier; /* 0 while queued */
    uint8_t qos;
    uint8_t state; /* enum sender_state */
    bool retain;   /* the RETAIN flag that the client is to see, 3.3.1.3 */
    bool sent;     /* was sent at least once: a repetition carries DUP, [MQTT-3.3.1-1] */
    bool answer;   /* one of the retained messages that answer a SUBSCRIBE */
    bool unsent;   /* in flight, and to be sent again on this connection when its window has room (4.4) */
    uint16_t identifier_count;
    uint32_t identifiers[]; /* Subscription Identifiers, 3.3.2.3.8 */
};

/* 3.1.2.5: kept until it is published or discarded. */
struct session_will {
    struct stored stored;     /* 4.1.1; its number is the session's */
    struct message *message;  /* its expires_at is unused: the interval runs from publication */
    uint64_t due;             /* ms; EXPIRES_NEVER while the client is connected */
    uint32_t delay;           /* s, 3.1.3.2.2 */
    uint32_t expiry_interval; /* s, UINT32_MAX = none, 3.1.3.2.4 */
    uint8_t qos;
    bool retain;
};

/* Messages in flight to the client, found by Packet Identifier in constant time: slot = identifier mod
 * capacity. Since it is we who choose the identifiers, a new one is chosen so that its slot is free; the
 * table grows with the number in flight, of which there may be many [D-4.3.2-2, D3-4.3.2-2]. */
struct inflight {
    struct delivery **slots;
    uint32_t capacity; /* a power of two, 0 = none in flight */
    uint32_t count;
    uint16_t last_identifier;
};

/* The messages of a session that are under way. Most sessions of an idle fleet have none, and then no struct
 * flows. Messages in flight and waiting are Session State [D-4.1-3, D3-3.1.2.4-4] [D-4.1-4, D3-3.1.2.4-5]. Our
 * Packet Identifiers (`inflight`) and the client's (`received`) have nothing to do with each other [D-2.2.1-3]
 * [D-2.2.1-5, D3-2.3.1-1, D3-2.3.1-2]. */
struct flows {
    struct list queue;          /* deliveries that wait, oldest first (4.6) */
    struct list inflight_order; /* deliveries in flight in the order in which they were first sent (4.6) */
    struct inflight inflight;
    struct list_node *resume; /* the first of `inflight_order` that is `unsent`; NULL: none is */
    uint32_t unsent;          /* how many are: they take no place in the window */
    struct identifier_set
        received;             /* QoS 2 identifiers received, PUBREL outstanding [D-4.1-5, D3-3.1.2.4-6] */
    uint32_t received_before; /* so many of them, at most, came over earlier connections (4.9) */
    uint32_t queued;          /* length of `queue` */
    uint32_t queued_qos_0;    /* how many of them are at QoS 0 */
    uint32_t queued_answers;  /* how many of them are retained messages that answer a SUBSCRIBE */
    uint64_t queued_bytes;    /* of all of them, 5.4.8 */
    struct answer *answers;   /* SUBSCRIBEs whose retained messages are still to be delivered, 3.8.4 */
    size_t answers_size;      /* of these, bytes */
    struct list_node answers_node; /* in broker.answering, if `answers_listed` */
    struct session *session;       /* valid if there are `answers` */
    bool answers_listed;
};

struct session {
    struct subscriber subscriber;  /* 4.8 [D-4.1-2, D3-3.1.2.4-3]; must be the first member */
    struct stored stored;          /* 4.1.1 */
    uint8_t *user_name;            /* whose it is, 5.4; NULL: nobody's in particular */
    uint64_t changed_in;           /* 4.1.1: number of the last batch with changes that answers rest on */
    struct connection *connection; /* NULL while the client is away */
    struct session_will *will;
    struct flows *flows;      /* NULL: nothing is under way; read with session_flows */
    struct timer timer;       /* the earlier of session expiry and Will Delay, while the client is away */
    uint64_t expires_at;      /* ms; meaningful while the client is away */
    uint32_t expiry_interval; /* s */
    /* scratch of 3_03_4_publish_actions: where this session stands in the present routing */
    uint32_t routing_slot;
    uint32_t routing_turn;
    bool durable; /* 4.1.1: it outlives its connection, so it's stored */
    bool logged;  /* 4.1.1: there may be subscriptions or QoS 2 identifiers of it in the store */
    uint16_t user_name_length;
    uint16_t client_identifier_length;
    uint8_t client_identifier[];
};

/* The session that embeds this subscriber. */
static inline struct session *session_of_subscriber(struct subscriber *subscriber)
{
    return (struct session *)(void *)subscriber;
}

static inline struct bytes session_client_identifier(const struct session *session)
{
    return bytes_of(session->client_identifier, session->client_identifier_length);
}

static inline struct bytes session_user_name(const struct session *session)
{
    return bytes_of(session->user_name, session->user_name_length);
}

/* Gives the session to a user, unless it is nobody's (NULL). False: no memory. */
bool session_belongs_to(struct session *session, const struct bytes *user_name);

/* Whether it's the session of this user, or of nobody in particular for NULL. */
bool session_is_of(const struct session *session, const struct bytes *user_name);

/* Whether the session's client can be sent something now. */
bool session_online(const struct session *session);

/* What is under way, for reading; never NULL. */
const struct flows *session_flows(const struct session *session);

/* The same for changing, made now if there is none. NULL: no memory. */
struct flows *session_change_flows(struct session *session);

/* Whether anything waits to be sent, for the first time or again. */
static inline bool session_waiting(const struct session *session)
{
    const struct flows *flows = session_flows(session);
    return flows->queued > 0 || flows->unsent > 0;
}

/* The session of a Client Identifier, or NULL. */
struct session *session_find(struct broker *broker, struct bytes client_identifier);

/* A new, empty session, registered under its Client Identifier, which must not be in use. NULL: no memory. */
struct session *session_create(struct broker *broker, struct bytes client_identifier);

/* Ends the session now: its Will is published if it is still to be [MQTT-3.1.2-8], its state is discarded.
 * There must be no connection any more. */
void session_end(struct broker *broker, struct session *session);

/* The client has gone: starts the Session Expiry Interval and the Will Delay, or ends the session at once.
 * May free the session. */
void session_detach(struct broker *broker, struct session *session);

/* The session's timer ran out. May free the session. */
void session_timer_expired(struct broker *broker, struct session *session);

/* Sets the timer of a session whose client is away, by its deadlines. */
void session_arm_timer(struct broker *broker, struct session *session);

/* Makes a shared message with one reference, owned by the caller. NULL: no memory. */
struct message *message_create(struct bytes topic, struct bytes properties, struct bytes payload, uint8_t qos,
                               uint64_t expires_at);
void message_release(struct message *message);
static inline struct message *message_share(struct message *message)
{
    message->references++;
    return message;
}
static inline struct bytes message_topic(const struct message *message)
{
    return bytes_of(message->bytes, message->topic_length);
}
static inline struct bytes message_properties(const struct message *message)
{
    return bytes_of(message->bytes + message->topic_length, message->properties_length);
}
static inline struct bytes message_payload(const struct message *message)
{
    return bytes_of(message->bytes + message->topic_length + message->properties_length,
                    message->payload_length);
}

/* The shared message of a publication, made now if there is none yet. The publication keeps its own
 * reference. NULL: no memory. */
struct message *publication_message(struct publication *publication);

/* A publication that borrows from a shared message and holds a reference to it. */
struct publication publication_of_message(struct message *message);

/* Gives back what the publication holds. */
void publication_end(struct publication *publication);

/* A delivery of `message` (a reference is taken; NULL: it is forgotten already). `identifiers` NULL: the caller
 * fills them in. NULL: no memory. */
struct delivery *delivery_create(struct broker *broker, struct message *message, uint8_t qos, bool retain,
                                 const uint32_t *identifiers, uint16_t identifier_count);
void delivery_destroy(struct broker *broker, struct delivery *delivery);

/* Gives the delivery's message back, if it still has it. */
void delivery_forget_message(struct broker *broker, struct delivery *delivery);

/* Puts a delivery in flight: gives it a Packet Identifier that is not in use [MQTT-2.2.1-4] and appends it to
 * the order. False: no memory or all 65,535 identifiers in use; nothing changed. */
bool inflight_add(struct session *session, struct delivery *delivery);

/* Puts back in flight a delivery that was read from the store and has its Packet Identifier. False: no memory
 * or it's in use. */
bool inflight_restore(struct session *session, struct delivery *delivery);

/* The delivery in flight with this Packet Identifier, or NULL. */
struct delivery *inflight_find(const struct session *session, uint16_t packet_identifier);

/* Notes that a delivery in flight is not to be sent again on this connection, or not any more. */
void inflight_settle(struct flows *flows, struct delivery *delivery);

/* Takes a delivery out of flight; its Packet Identifier may be used again. The caller owns the delivery. */
void inflight_remove(struct session *session, struct delivery *delivery);

#endif
