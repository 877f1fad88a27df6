/* client: a client that keeps to MQTT 3.1.1 or 5.0 strictly. Prefix: client_
 *
 * Its Session State is in memory and survives its connections: PUBLISH and PUBREL without answer are sent
 * again on the next one, Packet Identifiers of QoS 2 messages received are held until PUBREL. What it does
 * with that is its role. */
#ifndef ETALON_CRASH_CLIENT_H
#define ETALON_CRASH_CLIENT_H

#include "books.h"
#include "world.h"

enum { WINDOW = 64, IDENTIFIERS = 65536, DUE = 64, FILTERS = 4 };

enum client_state {
    CLIENT_OFF,
    CLIENT_ASKED, /* CONNECT is on its way */
    CLIENT_ON
};

/* A message of the client's own that is not completely acknowledged. */
struct outgoing {
    unsigned stream;
    uint32_t number;
    uint16_t packet_identifier;
    bool released; /* PUBREC has come, PUBREL was sent */
    bool resent;   /* PUBREL was sent on more than one connection */
};

struct client;

struct role {
    /* About to send CONNECT. May be NULL. */
    void (*prepare)(struct client *client);
    /* CONNACK has come; the Session State has been sent again already. */
    void (*connected)(struct client *client, bool session_present);
    /* A message has come, once per copy that counts. */
    void (*delivered)(struct client *client, unsigned stream, uint32_t number, bool retain);
    /* The broker has taken responsibility (PUBACK, PUBREC). */
    void (*acknowledged)(struct client *client, unsigned stream, uint32_t number);
    /* There is room for another message of its own. */
    void (*room)(struct client *client);
    /* SUBACK (`type` PACKET_SUBACK) or UNSUBACK, with the first reason, 0 when there is none. */
    void (*answered)(struct client *client, enum packet_type type, uint8_t reason);
    /* The connection has gone. */
    void (*lost)(struct client *client);
    /* Called about every ten milliseconds, connected or not. */
    void (*tick)(struct client *client);
};

struct will {
    bool present;
    unsigned stream;
    uint32_t number;
    uint32_t delay;
};

struct client {
    struct world *world;
    const struct role *role;
    void *data;        /* the role's own; owned */
    struct book *book; /* NULL: what it gets is nobody's */
    char id[NAME_SIZE];
    bool v5;
    bool clean;         /* Clean Start; in 3.1.1 the session ends with the connection */
    uint32_t expiry;    /* s; 3.1.1: not 0 means that `clean` is false */
    bool judges_itself; /* its role knows whether the session is present */
    uint16_t receive_maximum;
    unsigned hold; /* acknowledgements that it keeps back before sending them together */
    struct will will;

    int socket;
    enum client_state state;
    uint64_t back_at;  /* not to be connected before */
    uint64_t asked_at; /* when CONNECT was sent */
    uint32_t connections;
    unsigned run; /* the broker's run in which CONNACK came last */
    bool was_on;  /* for the role's `lost`: CONNACK had come */
    bool watching_output;
    struct buffer input;
    struct buffer output;

    /* Session State */
    bool confirmed; /* a CONNACK said that the session is there and will stay */
    struct outgoing outgoing[WINDOW];
    unsigned outgoing_count;
    unsigned window; /* how many there may be, by its own choice and the broker's Receive Maximum */
    uint16_t last_identifier;
    uint64_t *held; /* by Packet Identifier: the QoS 2 message that was received under it; 0 = none; owned */

    /* State of the connection */
    uint32_t
        *seen; /* by Packet Identifier: the connection on which a PUBLISH came and was not finished; owned */
    unsigned inflight;
    struct {
        uint8_t first_byte;
        uint8_t reason;
        uint16_t packet_identifier;
    } due[DUE]; /* acknowledgements kept back */
    unsigned due_count;
    uint16_t request; /* Packet Identifier of the SUBSCRIBE or UNSUBSCRIBE under way; 0 = none */
    bool request_retried;
    uint64_t request_since;
};

struct client *client_create(struct world *world, const struct role *role, const char *id, bool v5,
                             size_t data_size);
void client_free(struct client *client);

/* Connects, without waiting for the result. */
void client_connect(struct client *client);

/* Something happened at the socket. */
void client_ready(struct client *client, uint32_t events);

/* Reads what has come until the end of the stream, and closes. */
void client_finish(struct client *client);

/* Ends the connection: with DISCONNECT or without. */
void client_leave(struct client *client, bool disconnect);

/* Whether another message may be sent. */
bool client_may_publish(const struct client *client);

/* Sends the next message of the stream. */
void client_publish(struct client *client, unsigned stream);

struct filter {
    const char *text;
    uint8_t qos;
};

/* One at a time. */
void client_subscribe(struct client *client, const struct filter *filters, unsigned count);
void client_unsubscribe(struct client *client, const char *filter);

/* Sends what is gathered. */
void client_flush(struct client *client);

/* Sends the acknowledgements kept back, looks at deadlines, lets the role act. */
void client_tick(struct client *client);

#endif
