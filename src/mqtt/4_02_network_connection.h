/* 4.2 Network Connections. Prefix: connection_ / output_
 *
 * A connection is what a socket is to the host. While it is idle it owns no buffer: an incomplete packet is
 * kept only until the rest of it has come, and output blocks go back to a pool when they are sent.
 *
 *   output: first ▶ [ block: copied packets ][ block: payload of a shared message ][ block: copied packets ] ◀ last
 *
 * Small packets are copied one behind the other into a block; a large payload is not copied but referenced. */
#ifndef ETALON_MQTT_4_02_NETWORK_CONNECTION_H
#define ETALON_MQTT_4_02_NETWORK_CONNECTION_H

#include "../base/list.h"
#include "../base/timer_heap.h"
#include "3_packet.h"
#include "4_01_1_promises.h"
#include "broker.h"

struct message;
struct session;
struct topic_aliases;
struct outgoing_aliases;
struct authentication;

enum connection_state {
    CONNECTION_AWAITS_CONNECT, /* [MQTT-3.1.0-1] */
    CONNECTION_AUTHENTICATES,  /* CONNECT has come, CONNACK not yet gone, 4.12 */
    CONNECTION_ESTABLISHED,    /* CONNACK with 0x00 was sent */
    CONNECTION_CLOSING         /* what is in the output is sent, nothing is read any more */
};

struct output_block {
    struct output_block *next;
    struct message *referenced; /* NULL: the bytes are the block's own */
    const uint8_t *bytes;       /* the referenced payload, or `own` */
    uint32_t start;             /* first byte not sent yet */
    uint32_t end;               /* one past the last byte to send */
    uint32_t capacity;          /* of `own`; 0 for references */
    uint8_t own[];
};

/* With more than this waiting, nothing more is read from a client: it has to take its answers first. */
#define CONNECTION_OUTPUT_CEILING (4U << 20) /* bytes */

enum { OUTPUT_SIZES = 3 };

/* Blocks of the usual sizes, kept for the next connection that has something to say. */
struct output_pool {
    struct output_block *free[OUTPUT_SIZES];
    uint32_t count[OUTPUT_SIZES];
};

struct connection {
    struct session *session; /* NULL before CONNECT and after the session let go of the connection */
    void *host;
    struct list_node node;           /* in broker.connections */
    struct list_node ready_node;     /* in broker.ready, while `ready` */
    struct connection *next_closing; /* in broker.closing, until its session has been told */
    struct output_block *output_first;
    struct output_block *output_last;
    uint8_t *partial; /* the beginning of a packet whose rest has not come yet; NULL mostly */
    struct topic_aliases *topic_aliases;       /* 3.3.2.3.4, set up by the client; NULL until it uses one */
    size_t output_size;                        /* bytes waiting */
    struct held_output held;                   /* those of them that wait for the store, the last ones */
    struct list_node held_node;                /* in broker.storing.held, while there are any */
    struct outgoing_aliases *outgoing_aliases; /* 3.3.2.3.4, set up by us; NULL until we use one */
    struct authentication *authentication;     /* 4.12; NULL mostly */
    uint64_t last_received;                    /* ms; for Keep Alive */
    struct timer timer;                        /* CONNECT time-out, then Keep Alive */
    uint32_t partial_length;
    uint32_t partial_capacity;
    uint32_t maximum_packet_size; /* bytes that the client accepts, 3.1.2.11.4; UINT32_MAX = no limit */
    uint16_t keep_alive;          /* s in force, 0 = off, 3.1.2.10 */
    uint16_t send_maximum;        /* messages that may be in flight to the client, 4.9 */
    uint16_t alias_maximum;       /* Topic Aliases that we may use towards the client, 3.1.2.11.5 */
    uint8_t version;              /* enum protocol_version */
    uint8_t state;                /* enum connection_state */
    bool ready;                   /* is in the list of ready connections */
    bool connack_waits;           /* CONNACK is among what waits for the store: the first of it */
    bool unsubscribes;            /* an UNSUBSCRIBE needs time, 3.10.4: nothing else is handled meanwhile */
    bool problem_information;     /* 3.1.2.11.7: Reason String and User Property are welcome */
    char peer[];                  /* the other side's address, for the log */
};

/* Opens and frees; see STEP_ACCEPTED and STEP_CLOSED. connection_free does not touch the session. */
struct connection *connection_create(struct broker *broker, void *host, const char *peer);
void connection_free(struct broker *broker, struct connection *connection);

/* Puts the connection on the list of those that the host has to look after. */
void connection_mark_ready(struct broker *broker, struct connection *connection);

/* Stops reading; what is in the output is still sent, then the host closes. The session is told at the end of
 * the step, when nobody is in the middle of routing a message (connection_detach). Harmless when closing
 * already. */
void connection_close(struct broker *broker, struct connection *connection);

/* Lets go of the session now: its Will and its expiry are set in motion (4.1, 3.1.2.5). The session may be
 * freed by it. */
void connection_detach(struct broker *broker, struct connection *connection);

/* As connection_close, but throws away what was not sent: for a peer that cannot be served any more. */
void connection_abort(struct broker *broker, struct connection *connection);

/* `size` contiguous bytes at the end of the output, to be filled by the caller at once; they wait for the store
 * to have batch number `waits_for` (0: for none, see 4_01_1_promises). NULL: no memory, or the store is in
 * trouble; the connection is closed. */
uint8_t *output_reserve(struct broker *broker, struct connection *connection, size_t size,
                        uint64_t waits_for);

/* Appends `bytes`, which lie in `message`, without copying them; takes a reference. False as above. */
bool output_reference(struct broker *broker, struct connection *connection, struct message *message,
                      struct bytes bytes, uint64_t waits_for);

/* Throws away what waits for the store. */
void output_drop_held(struct broker *broker, struct connection *connection);

/* Frees the pool's blocks. */
void output_pool_clear(struct output_pool *pool);

/* Encodes and sends a packet in the connection's protocol version. Reason String and User Properties are left
 * out where the client does not want them [MQTT-3.1.2-29] or cannot take them [MQTT-3.2.2-19]; a packet that
 * is still larger than the client's Maximum Packet Size is not sent [MQTT-3.1.2-24]. False: not sent. */
bool connection_send(struct broker *broker, struct connection *connection, struct packet *packet);

/* Sends PUBACK, PUBREC, PUBREL or PUBCOMP in its shortest form: the frequent case, without going through
 * struct packet. */
void connection_acknowledge(struct broker *broker, struct connection *connection, enum packet_type type,
                            uint16_t packet_identifier, enum reason_code reason_code);

/* Hands a sent packet to the host's trace, if it has one. */
void connection_trace(struct broker *broker, const struct connection *connection, enum sender sender,
                      struct bytes packet);

/* The MQTT 5.0 rules apply on this connection. */
static inline bool connection_is_5_0(const struct connection *connection)
{
    return connection->version == PROTOCOL_5_0;
}

#endif
