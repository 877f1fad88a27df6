/* broker: the whole of MQTT behind one function, without a socket, a clock or a file. Prefix: broker_ /
 * connection_
 *
 *      step ──▶ broker_step() ──▶ connections that are ready: output to send, or to be closed
 *
 * The host (sockets, timers, log) hands in what happened and the present time; afterwards it asks which
 * connections are ready and sends their output. Nothing here blocks, and nothing here is global: two brokers
 * in one process do not know of each other. One thread at a time.
 *
 * A broker whose state is to survive (environment.storage) also says what has changed, section 4.1.1:
 *
 *      broker_collect() ──▶ changes ──▶ the host's store ──▶ STEP_STORED, and what waited for it may be sent
 *
 * What promises something (PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, CONNACK, PUBLISH at QoS 2) is not
 * among the output before the changes that it rests on are stored; nothing else waits, except behind those on
 * the same connection. One batch of changes is on its way at a time; meanwhile the next one gathers. */
#ifndef ETALON_MQTT_BROKER_H
#define ETALON_MQTT_BROKER_H

#include "../base/bytes.h"
#include "../base/changes.h"
#include "protocol.h"
#include "reason_code.h" /* generated from spec/reason-codes.tsv */

struct broker;
struct connection; /* one Network Connection, section 4.2 */

enum log_level { LOG_ERROR, LOG_WARNING, LOG_NOTICE, LOG_INFO };

/* What the broker is allowed and told to do. Zero means "no limit" where nothing else is said. Texts are
 * borrowed: they must live as long as the broker, or until broker_configure brings others. Begin with
 * broker_default_settings. */
struct broker_settings {
    uint32_t maximum_packet_size; /* bytes a client may send in one packet, 3.2.2.3.6; 0 = MQTT's own limit */
    uint32_t maximum_first_packet; /* the same before CONNACK; 0 = no other limit */
    /* What clients may take from each other, 5.4.8; 0 = no limit. A Topic Filter counts as one
     * subscription for each 16 levels begun. */
    uint32_t maximum_topic_levels;             /* of a Topic Name or Topic Filter */
    uint32_t maximum_topic_length;             /* bytes of a Topic Name or Topic Filter */
    uint32_t maximum_user_properties;          /* in one packet or Will */
    uint32_t maximum_sessions;                 /* connected or not */
    uint32_t maximum_subscriptions;            /* of all sessions */
    uint32_t maximum_subscriptions_of_session; /* of one */
    uint32_t maximum_retained;                 /* messages */
    uint64_t maximum_retained_bytes;
    uint64_t maximum_queued_bytes; /* that wait for one client beyond those in flight */
    uint64_t maximum_held_bytes;   /* that wait or are in flight, for all; a message for many counts once */
    uint16_t receive_maximum; /* QoS 1 and 2 messages a client may have in flight, 3.2.2.3.3; 0 = 65,535 */
    uint16_t topic_alias_maximum; /* aliases a client may use, 3.2.2.3.8; 0 = none */
    /* messages in flight to one client, on top of its own Receive Maximum; 0 = 65,535 */
    uint16_t maximum_inflight;
    uint32_t maximum_queued; /* messages that wait for one client beyond those in flight; 0 = none do */
    uint32_t maximum_output; /* bytes waiting for one connection beyond which QoS 0 messages are dropped */
    uint32_t
        connect_timeout; /* ms from the opening of a connection to its CONNECT, [S-3.1.4-1, S3-3.1.4-1] */
    uint16_t server_keep_alive; /* s; 0 = the client's own value holds, 3.2.2.3.14 */
    /* s; a longer Session Expiry Interval is cut to this, 3.2.2.3.2; 0 = no limit */
    uint32_t maximum_session_expiry;
    /* s; a longer Message Expiry Interval, or none, is cut to this; 0 = no limit */
    uint32_t maximum_message_expiry;
    /* aliases that we set up towards a client that allows them, 3.1.2.11.5; 0 = none */
    uint16_t outgoing_topic_aliases;
    uint8_t maximum_qos;                    /* 0, 1 or 2, 3.2.2.3.4 */
    bool retain_available;                  /* 3.2.2.3.5 */
    bool wildcard_available;                /* 3.2.2.3.11 */
    bool subscription_identifier_available; /* 3.2.2.3.12 */
    bool shared_available;                  /* 3.2.2.3.13 */
    bool drop_oldest;                       /* a full queue loses its oldest message instead of the newest */
    bool separate_overlapping;    /* one copy per matching subscription instead of one in all, 3.3.4 */
    bool validate_payload_format; /* refuse a payload that says it is UTF-8 and is not, 3.3.2.3.2 */
    bool server_moved; /* with server_reference: 0x9D Server moved instead of 0x9C Use another server */
    const char *response_information; /* 3.2.2.3.15, to clients that ask for it; NULL = none */
    const char *server_reference; /* every client is sent there instead of being served, 4.11; NULL = none */
};

/* The defaults that the documentation states. */
struct broker_settings broker_default_settings(void);

/* Whether state survives the broker, 4.1.1. */
enum storage {
    STORAGE_NONE,     /* memory only; broker_collect finds nothing */
    STORAGE_BEHIND,   /* changes are reported, but nothing waits for them: a crash loses the last moments */
    STORAGE_PROMISED, /* nothing that promises something is sent before its changes are stored */
};

/* Who a client is: 3.1.4, 4.12, 5.4.1 */

enum authentication_phase {
    AUTHENTICATE_CONNECT,  /* a CONNECT came */
    AUTHENTICATE_CONTINUE, /* an AUTH came in answer to that of AUTHENTICATION_CONTINUES */
    AUTHENTICATE_AGAIN     /* an AUTH came that asks for re-authentication, 4.12.1 */
};

/* What the host is asked. Bytes live during the call. Only `host`, `phase`, `method` and `data` mean something
 * after AUTHENTICATE_CONNECT. */
struct authentication_request {
    void *host;                    /* the connection's, as given at STEP_ACCEPTED */
    struct connection *connection; /* for STEP_AUTHENTICATED */
    enum authentication_phase phase;
    struct bytes client_identifier; /* may be empty: the Server will choose one */
    struct bytes user_name;
    struct bytes password;
    struct bytes method; /* Authentication Method; empty: none */
    struct bytes data;   /* Authentication Data */
    bool has_user_name, has_password, has_data;
};

enum authentication_outcome {
    AUTHENTICATION_ACCEPTED,
    AUTHENTICATION_REFUSED,   /* with `reason_code`, 0x80 or above */
    AUTHENTICATION_CONTINUES, /* `data` goes to the client; only with a method */
    AUTHENTICATION_PENDING    /* STEP_AUTHENTICATED will tell */
};

/* Bytes live during the call or the step. */
struct authentication_answer {
    enum authentication_outcome outcome;
    enum reason_code reason_code;
    bool has_data;
    bool has_user_name;
    struct bytes data;      /* ACCEPTED, CONTINUES */
    struct bytes user_name; /* ACCEPTED: whose rights the client has from now on, copied; none: nobody's in
                             * particular */
    const char *why; /* REFUSED: for the log and the Reason String (static text); must not help to guess */
};

/* What a client may do: 5.4.2 */

enum access { ACCESS_PUBLISH, ACCESS_SUBSCRIBE, ACCESS_RECEIVE };

struct authorisation {
    enum access access;
    struct bytes client_identifier;
    bool has_user_name;
    struct bytes user_name;
    struct bytes topic; /* Topic Name; Topic Filter, "$share/..." included, for ACCESS_SUBSCRIBE */
    uint8_t qos;        /* of the PUBLISH; requested by the SUBSCRIBE */
    bool retain;
};

/* What the host lends to the broker. Its members are called from inside broker_create, broker_step and
 * connection_sent only. `random` must be given; `log` and `trace` may be NULL. */
struct broker_environment {
    void *context;
    enum storage storage;
    /* The time of day, ms since 1970 (UTC). Asked only for what is stored, so that it keeps its deadlines
     * while no broker runs. Must be given unless storage is STORAGE_NONE. */
    uint64_t (*wall_clock)(void *context);
    /* Finds out who a client is; answers at once, or AUTHENTICATION_PENDING and later by STEP_AUTHENTICATED. NULL:
     * everybody is let in, and there is no Authentication Method. */
    struct authentication_answer (*authenticate)(void *context, const struct authentication_request *request);
    /* The connection with this host handle ended while AUTHENTICATION_PENDING or AUTHENTICATION_CONTINUES was
     * the last answer. May be NULL. */
    void (*authentication_ended)(void *context, void *host);
    /* Whether a client may do something; asked often, so answer fast. NULL: everybody may do everything. */
    bool (*authorise)(void *context, const struct authorisation *question);
    /* Fills `length` bytes with unpredictable bytes (seeds of hash tables, assigned Client Identifiers). */
    void (*random)(void *context, void *bytes, size_t length);
    /* One line of log, without line end. */
    void (*log)(void *context, enum log_level level, const char *text);
    /* One whole Control Packet received from (SENDER_CLIENT) or sent to (SENDER_SERVER) a client. When it is
     * NULL, no time is spent on it. Before CONNECT `client_identifier` is empty. */
    void (*trace)(void *context, enum sender sender, struct bytes client_identifier,
                  enum protocol_version version, struct bytes packet);
};

/* What happened. */
enum step_kind {
    /* a Network Connection was opened: `host` and `peer` in, `connection` out (NULL: no memory, close it) */
    STEP_ACCEPTED,
    STEP_RECEIVED,      /* `bytes` arrived on `connection`; they are not needed after the step */
    STEP_AUTHENTICATED, /* `answer` to the AUTHENTICATION_PENDING of `connection` */
    STEP_CLOSED,        /* the Network Connection is gone; `connection` must not be used afterwards */
    STEP_TIME,          /* nothing but time has passed */
    /* the broker itself publishes `topic` and `bytes` (payload) at QoS 0, retained: $SYS and the like,
     * 4.7.2 */
    STEP_PUBLISH,
    STEP_SHUTDOWN, /* the broker ends: every client is told and disconnected */
    STEP_STORED,   /* the batch of the last broker_collect is stored: what waited for it may be sent */
    /* The batch of the last broker_collect can't be stored now. The host keeps it and tries again until it can
     * report STEP_STORED. Until then the broker makes no promise any more: connections whose answers wait are
     * closed, and what would need the store is refused; what needs none goes on. `text` says why, for the log. */
    STEP_STORE_TROUBLE
};

struct step {
    enum step_kind kind;
    struct connection *connection;
    void *host;         /* STEP_ACCEPTED: what connection_host() gives back */
    const char *peer;   /* STEP_ACCEPTED: the other side's address for the log; copied */
    struct bytes bytes; /* STEP_RECEIVED, STEP_PUBLISH */
    struct bytes topic; /* STEP_PUBLISH: a valid Topic Name */
    const struct authentication_answer *answer; /* STEP_AUTHENTICATED */
    const char
        *text; /* STEP_STORE_TROUBLE; STEP_CLOSED: why the host closed, for the log (NULL: the client did) */
};

/* Makes a broker without sessions. Settings and environment are copied. NULL: no memory. Owned by the caller. */
struct broker *broker_create(const struct broker_settings *settings,
                             const struct broker_environment *environment);

/* Replaces the settings while the broker runs. New connections, subscriptions and messages come under them;
 * what exists stays. What CONNACK has announced (the packet size, Receive Maximum, Topic Alias Maximum, Maximum
 * QoS, and what is available) binds connected clients anew as well, though nobody can tell them: a host leaves
 * it as it was. */
void broker_configure(struct broker *broker, const struct broker_settings *settings);

/* The host has less memory left than it wants to keep, or enough again. While it is short nothing grows: new sessions,
 * subscriptions and retained messages are refused, and nothing more waits for clients. */
void broker_set_memory_short(struct broker *broker, bool memory_short);

/* Frees the broker and everything it holds. Connections must have been closed (STEP_CLOSED) before. */
void broker_destroy(struct broker *broker);

/* Takes one step at `now` (ms of a clock that never goes back). Timers that are due run first. */
void broker_step(struct broker *broker, uint64_t now, struct step *step);

/* When to call with STEP_TIME at the latest (ms, same clock); UINT64_MAX: not before something happens. */
uint64_t broker_deadline(const struct broker *broker);

/* Takes the next connection that has become ready since it was last taken, in the order in which they did;
 * NULL: none left. The host then sends connection_output and, when that is drained and connection_closing()
 * holds, closes the Network Connection and reports STEP_CLOSED. A connection whose output could not be sent
 * whole is not ready again by itself: the host asks again when the socket takes more. */
struct connection *broker_next_ready(struct broker *broker);

/* Fills `vector` with up to `maximum` runs of bytes to be sent, in order; returns their number, 0 = nothing
 * to send now (what waits for the store is not among them; when it's stored the connection becomes ready again).
 * They stay valid until the next call that concerns this connection. */
size_t connection_output(struct connection *connection, struct bytes *vector, size_t maximum);

/* `count` bytes of the output were sent. More may become ready by it (a queue moves up). */
void connection_sent(struct broker *broker, struct connection *connection, size_t count);

/* Whether the connection is to be closed once its output is sent. False while some of that waits for the store. */
bool connection_closing(const struct connection *connection);

/* Whether more input may be handed in now. False while the client does not read what it is owed; the host
 * then leaves its bytes in the socket until output was sent. */
bool connection_wants_input(const struct connection *connection);

/* The host's own handle, as given at STEP_ACCEPTED. */
void *connection_host(const struct connection *connection);

/* Storing, 4.1.1 */

/* Hands in one stored record, in the order of tables and keys, before the first step. `table` is enum
 * record_table. NULL: taken; otherwise what is wrong (static text): the store is damaged, or there is no memory.
 * Nothing of a broker that was refused a record may be used but broker_destroy. */
const char *broker_restore(struct broker *broker, uint8_t table, struct bytes key, struct bytes value);

/* All records have been handed in (none, for a new store): deadlines are set, Wills of clients that were
 * connected when the broker ended are on their way. NULL, or what is wrong, as above. */
const char *broker_restored(struct broker *broker, uint64_t now);

enum collected {
    COLLECTED_NOTHING, /* nothing has changed; what waited only for this may be sent */
    COLLECTED_CHANGES, /* a batch: the host stores it in one transaction, then takes STEP_STORED */
    COLLECTED_LATER    /* no memory for it now; everything waits on */
};

/* Appends to `changes` (empty) all that has changed since the last call. Must not be called between
 * COLLECTED_CHANGES and its STEP_STORED. `now` as for broker_step. What was made and undone meanwhile does not
 * appear. */
enum collected broker_collect(struct broker *broker, uint64_t now, struct changes *changes);

/* Whether broker_collect has something to do (some answer waits or something has changed). */
bool broker_wants_collect(const struct broker *broker);

/* What can be refused because there is enough of it, 5.4.8. */
enum broker_limit {
    LIMIT_PACKET_SIZE,
    LIMIT_FIRST_PACKET,
    LIMIT_TOPIC_LEVELS,
    LIMIT_TOPIC_LENGTH,
    LIMIT_USER_PROPERTIES,
    LIMIT_SESSIONS,
    LIMIT_SUBSCRIPTIONS,
    LIMIT_SUBSCRIPTIONS_OF_SESSION,
    LIMIT_ANSWERS, /* SUBSCRIBEs whose retained messages the client has not read */
    LIMIT_RETAINED,
    LIMIT_RETAINED_BYTES,
    LIMIT_QUEUED_BYTES,
    LIMIT_HELD_BYTES,
    LIMIT_MEMORY,
    LIMIT_COUNT
};

/* Figures for tests, benchmarks and $SYS. */
struct broker_statistics {
    uint64_t connections;         /* Network Connections open now */
    uint64_t connections_maximum; /* most of them at one time */
    uint64_t connections_total;   /* ever opened */
    uint64_t clients;             /* clients connected now (CONNECT accepted) */
    uint64_t clients_maximum;
    uint64_t sessions;         /* sessions, connected or not */
    uint64_t sessions_expired; /* whose Session Expiry Interval ran out */
    uint64_t subscriptions;
    uint64_t subscriptions_shared;
    uint64_t retained_messages;
    uint64_t retained_bytes;
    uint64_t held_bytes; /* of messages that wait or are in flight */
    uint64_t bytes_received;
    uint64_t bytes_sent;
    uint64_t packets_received;
    uint64_t packets_sent;
    uint64_t connects_received; /* CONNECT packets that could be decoded */
    uint64_t connects_late;     /* connections closed because they were not accepted within connect_timeout */
    uint64_t logins_refused;    /* authentications that the host has refused, 4.12, 5.4.1 */
    uint64_t messages_received; /* PUBLISH packets */
    uint64_t messages_sent;
    uint64_t messages_dropped;     /* for a full queue or a slow reader */
    uint64_t batches_stored;       /* transactions */
    uint64_t changes_stored;       /* puts and deletes in them */
    uint64_t refused[LIMIT_COUNT]; /* how often each limit was in the way */
};
struct broker_statistics broker_statistics(const struct broker *broker);

#endif
