/* broker_model: what a client, and somebody who watches all clients, may expect of a broker. Prefix:
 * model_
 *
 * It is told every byte that goes to the broker before the broker gets it, and every byte that comes from
 * it in the order in which it was produced, and keeps books of its own: sessions, subscriptions,
 * publications, messages in flight. It uses the codec to read packets (fuzz_packet is about the codec) and
 * nothing else of the broker.
 *
 * Where it cannot know what the broker did (an answer that is too large for the client, say), it goes
 * `blind` and checks less for the rest of the run; a false accusation would be worth nothing. */
#ifndef ETALON_FUZZ_BROKER_MODEL_H
#define ETALON_FUZZ_BROKER_MODEL_H

#include "mqtt/3_packet.h"
#include "mqtt/broker.h"

enum { MODEL_SLOTS = 4, MODEL_SESSIONS = 48, MODEL_UNRELEASED = 32 };

struct model_buffer {
    uint8_t *data;
    size_t length;
    size_t capacity;
};
void model_append(struct model_buffer *buffer, struct bytes bytes);
/* Takes `count` bytes off the front. */
void model_drop(struct model_buffer *buffer, size_t count);

/* A message in flight to a client: sent, and its last acknowledgement was not sent by the client yet. */
struct model_flight {
    uint16_t packet_identifier;
    uint8_t qos;
    bool released;  /* PUBREC was sent: PUBCOMP is next */
    bool here;      /* PUBLISH, or PUBREL, was sent on the present connection */
    bool published; /* PUBLISH was sent on the present connection */
    bool unsure;
};

/* The last message that a session got in order, per topic and QoS. */
struct model_order {
    uint64_t topic;
    uint8_t qos;
    uint32_t serial;
};

struct model_session {
    bool exists;
    bool anonymous;                 /* the broker chose a Client Identifier that the client was not told */
    bool shared;                    /* ever had a Shared Subscription */
    bool lost;                      /* nobody knows what is in flight */
    struct bytes client_identifier; /* owned */
    struct model_connection *connection;
    uint32_t expiry;     /* s */
    uint64_t expires_at; /* ms, while its client is away */
    struct model_flight *flights;
    size_t flight_count;
    struct model_order *orders;
    size_t order_count;
};

/* A Topic Filter that was granted. All of a session are kept, those that were replaced or given back too. */
struct model_subscription {
    struct model_session *session;
    struct bytes filter; /* owned; whole */
    struct bytes inner;  /* without $share/NAME/ */
    bool shared;
    bool live;
    bool no_local;
    uint8_t qos;
    uint32_t identifier;
};

/* Content that was published, by anybody. */
struct model_publication {
    uint64_t content;    /* topic and payload */
    uint64_t properties; /* that travel unaltered */
    uint32_t serial;     /* order of publication; 0: not published at a known moment, or more than once */
    uint64_t expiry;     /* s, the longest; UINT64_MAX: none */
    uint8_t qos;         /* the highest */
    bool retain;
    bool others; /* published by more than `publisher` */
    const struct model_session *publisher;
};

/* An answer that the broker owes. */
struct model_answer {
    enum packet_type type;
    uint16_t packet_identifier;
    struct bytes request; /* owned: topic of a PUBLISH, whole SUBSCRIBE or UNSUBSCRIBE */
    bool matters;         /* PUBLISH: whether its Reason Code says who subscribes */
};

struct model_alias {
    struct bytes topic; /* owned */
    uint16_t number;
};

/* One Network Connection. */
struct model_connection {
    struct model_session *session; /* from CONNACK on */
    enum protocol_version version;
    bool open;
    bool closing;      /* the broker closes it */
    bool connect_sent; /* well-formed */
    bool connack_said;
    bool refused;
    bool disconnect_said; /* by the broker */
    bool deaf;            /* takes only packets so small that not every answer comes */
    bool doomed;          /* sent something after which the broker has to close */
    bool clean;
    bool raised; /* DISCONNECT brought a Session Expiry Interval */
    uint32_t raised_expiry;
    uint32_t expiry;
    uint32_t keep_alive;
    uint32_t window; /* messages that may be in flight to it */
    uint32_t maximum_packet_size;
    uint16_t alias_maximum;
    bool wants_problems;
    struct bytes client_identifier; /* owned; of CONNECT */
    uint64_t last_packet;           /* ms */
    uint64_t connect_deadline;
    struct model_buffer input;
    struct model_answer *answers;
    size_t answer_count;
    struct model_alias *in_aliases; /* the client's */
    size_t in_alias_count;
    struct model_alias *out_aliases; /* the broker's */
    size_t out_alias_count;
    uint16_t unreleased[MODEL_UNRELEASED]; /* QoS 2 identifiers sent here, PUBREL not sent */
    size_t unreleased_count;
    uint16_t early[MODEL_UNRELEASED]; /* acknowledged in this step and not known to be in flight */
    size_t early_count;
};

struct model {
    struct broker_settings settings;
    uint64_t now;
    bool blind;
    bool separate; /* overlapping subscriptions were, at some time, served separately */
    bool shutting_down;
    struct model_session sessions[MODEL_SESSIONS];
    struct model_connection connections[MODEL_SLOTS];
    struct model_subscription *subscriptions;
    size_t subscription_count;
    struct model_publication *publications;
    size_t publication_count;
    uint32_t serial;
    uint64_t bytes_received;
    uint64_t bytes_sent;
    uint64_t connections_total;
};

void model_configure(struct model *model, const struct broker_settings *settings);
void model_clear(struct model *model);
/* Time has come to `now`; before the step that says so. */
void model_time(struct model *model, uint64_t now);
void model_opened(struct model *model, struct model_connection *connection);
/* The broker itself publishes. */
void model_publish_own(struct model *model, struct bytes topic, struct bytes payload);
/* A client sends `bytes`; before the step. */
void model_sends(struct model *model, struct model_connection *connection, struct bytes bytes);
/* The broker has produced `bytes`, which are whole packets, for a client. */
void model_says(struct model *model, struct model_connection *connection, struct bytes bytes);
/* The broker closes the connection, or its client has gone; what it said before was told. */
void model_closes(struct model *model, struct model_connection *connection, bool by_broker);
/* The slot is free again. */
void model_closed(struct model *model, struct model_connection *connection);
/* Whether there is a reason to close a connection that sent nothing in this step; `speaker` may be NULL. */
bool model_may_close(const struct model *model, const struct model_connection *connection,
                     const struct model_connection *speaker);
/* What must hold when a step is over and everything was told. */
void model_check(const struct model *model, const struct broker *broker);
/* After the step in which `connection` sent something: everything was answered, or the broker closes. */
void model_check_answered(struct model_connection *connection);

#endif
