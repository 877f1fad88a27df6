/* simulation: broker, clients, network, store and clock in one thread from one seed. See README.md.
 *
 *   client.c ──▶ link.c ──▶ host.c ──▶ broker (the real one) ──▶ store_sim.c
 *      ▲           (network)   │ what goes in and comes out, packet by packet
 *      │                       ▼
 *      └────── link.c ◀── book.c (what must be so) ──▶ check_*.c (is it so?)
 *
 * Time is in microseconds here (world.now), in milliseconds for the broker and for the book. */
#ifndef ETALON_SIMULATION_SIMULATION_H
#define ETALON_SIMULATION_SIMULATION_H

#include "mqtt/3_packet.h"
#include "mqtt/broker.h"
#include "prng.h"
#include "store_sim.h"
#include "wire.h"

enum {
    CLIENTS = 8,
    AUDITOR = CLIENTS, /* a client of its own that looks at retained messages */
    ACTORS,
    LINKS = 20,
    TOPICS = 12,
    FILTERS = 16,
    FIRST_SHARED = 13, /* of the filters */
    GROUPS = FILTERS - FIRST_SHARED,
    PUBLICATIONS = 4096,
    OUTGOING = 12,  /* messages in flight from one client */
    INCOMING = 128, /* QoS 2 messages in flight to one client, most at one time */
    IDENTIFIERS = 20,
    SUBSCRIBE_IDENTIFIER = 50,
    PARTIAL = 16384,
    NOBODY = 255,
    LARGE_WINDOW = 1 << 20
};

#define NEVER UINT64_MAX
#define SECONDS 1000000U /* in microseconds */

/* What a packet says, as far as anybody here wants to know. */
struct note {
    uint8_t type, qos, code, count;
    bool dup, retain, present, clean, has_expiry;
    uint8_t will_topic, will_qos;
    bool will_retain;
    uint16_t identifier;
    uint16_t receive_maximum;
    uint32_t publication; /* number; 0: none */
    uint32_t end;         /* offset in the stream of the byte behind it */
    uint32_t sequence;    /* of the book, when it went by */
    uint32_t expiry;      /* s; of session or message */
    uint32_t will_delay, will_expiry;
    uint16_t filter_mask; /* Subscription Identifiers, a bit for each filter */
    uint8_t filters[4], options[4];
};

struct notes {
    struct note *notes;
    uint32_t first, count, capacity; /* those from `first` on are still to come */
};

/* One Network Connection */
struct link {
    bool used;
    uint8_t actor;
    bool five;
    bool attached;       /* the client still uses it */
    bool broken;         /* what is beyond the limits never arrives */
    bool client_ends;    /* the client closes when everything has arrived */
    bool broker_ended;   /* the broker has closed; the client learns of it behind the last byte */
    bool blocked;        /* the client takes no more for the moment */
    bool close_foreseen; /* the broker has a reason to close */
    bool established;
    struct connection *connection; /* NULL: the broker's end is closed */
    uint8_t *up;                   /* client to broker: bytes from up_given to up_written */
    uint32_t up_capacity, up_given, up_written, up_limit;
    uint32_t down_written, down_read, down_limit;
    struct notes up_notes, down_notes;
    uint8_t partial[PARTIAL]; /* the beginning of a packet from the broker */
    uint32_t partial_length;
    uint32_t window;  /* bytes that the network takes from the broker at a time */
    uint32_t latency; /* us, one way, at most */
    uint16_t epoch;   /* of the session that it serves */
    bool expect_present;
    uint16_t receive_maximum; /* 0: none */
    uint16_t in_flight;       /* PUBLISH QoS > 0 sent to the client and not acknowledged, here */
    uint32_t connect_sequence;
    uint32_t
        asked; /* sequence of the SUBSCRIBE or UNSUBSCRIBE that waits for its answer; 0: it changed nothing */
};

/* The book: what the broker must know. Plain data: what a crash leaves is a copy of an earlier book. */
struct book_subscription {
    bool live, no_local, retain_as_published, identified;
    uint8_t qos;
};

struct book_will {
    uint32_t publication; /* 0: none */
    uint8_t topic, qos;
    bool retain;
    bool open; /* due, but it is not known exactly since when */
    uint32_t delay, expiry;
    uint64_t due_low, due_high; /* ms */
};

struct book_session {
    bool exists, connected;
    uint8_t link;
    uint16_t epoch;
    uint32_t expiry;              /* s */
    uint64_t ends_low, ends_high; /* ms; after a crash nobody knows exactly when the client had gone */
    uint32_t received;            /* QoS 2 identifiers, a bit for each */
    uint16_t ever;                /* every filter that it has had */
    uint16_t filters;             /* live subscriptions, a bit for each */
    struct book_subscription subscriptions[FILTERS];
    struct book_will will;
};

struct book {
    uint32_t sequence;
    struct book_session sessions[ACTORS];
    uint32_t retained[TOPICS];
    uint32_t retained_unsure[TOPICS]; /* the Will that may have replaced it; 0: none */
};

struct publication {
    uint8_t publisher, topic, qos;
    bool retain, will, empty, refused, answered;
    uint32_t number; /* of its publisher */
    uint16_t size;
    uint16_t identifier;
    uint32_t interval; /* s, 0: none */
    uint64_t deadline; /* ms; the latest, when it was published again */
    uint64_t earliest_deadline;
    uint64_t published; /* ms */
    bool repeated;      /* published again, after its publisher lost its connection */
    uint32_t sequence;  /* when it was routed last */
    uint32_t replaced;  /* the retained message that it has replaced */
    uint32_t group_owed[GROUPS];
    uint8_t group_holder[GROUPS]; /* who got it at QoS 2, plus 1 */
    uint16_t group_epoch[GROUPS];
    uint16_t group_crashes[GROUPS];
};

enum { ENTITLED = 1, GOT = 2, GOT_AT_2 = 4, MIXED = 8, TRIED = 16 };

/* What one session is to have of one publication. */
struct reception {
    uint32_t owed; /* sequence since when; 0: not */
    uint16_t epoch;
    uint16_t filters; /* that match */
    uint8_t flags;
    uint8_t qos;
    uint8_t routed; /* how often */
    uint8_t fresh;  /* PUBLISH without DUP */
};

struct outgoing {
    uint32_t publication;
    uint16_t identifier;
    bool released;
};

struct incoming {
    uint32_t publication;
    uint16_t identifier;
};

struct pending_acknowledgement {
    uint8_t type;
    uint8_t code;
    uint16_t identifier;
};

enum client_state { CLIENT_AWAY, CLIENT_CONNECTING, CLIENT_ONLINE, CLIENT_DONE };

struct client {
    uint8_t actor, state, link;
    bool five, must_clean, subscribing, ping, settled;
    bool clean_sent;
    uint8_t end_stage;
    uint32_t expiry; /* s; what it asks for mostly */
    uint32_t number; /* of its publications */
    struct outgoing outgoing[OUTGOING];
    unsigned outgoing_count;
    struct incoming incoming[INCOMING];
    unsigned incoming_count;
    struct pending_acknowledgement acknowledgements[256]; /* a ring */
    uint8_t acknowledgement_first;
    unsigned acknowledgement_count;
    uint32_t acknowledgement_delay; /* us */
    uint64_t stalled_until;
    uint16_t order_epoch;
    uint16_t epoch;          /* of the session that it knows */
    uint32_t lost[OUTGOING]; /* to be published anew */
    unsigned lost_count;
};

/* What a run is like, drawn from the seed. */
struct character {
    unsigned clients;
    uint32_t actions;
    uint32_t gap;                                  /* us between two actions of a client, mostly */
    uint32_t long_gaps;                            /* in thousand */
    uint32_t drops, abandons, disconnects, stalls; /* in thousand actions */
    uint32_t crash_every;                          /* us; 0: never */
    uint32_t trouble_every;
    uint32_t orderly; /* of restarts, in thousand */
    uint32_t down;    /* us at most */
    uint32_t commit;  /* us at most */
    uint32_t wills, shared, message_expiry, retained, short_sessions, no_sessions; /* in thousand */
    uint32_t small_windows;
    bool bulk; /* large payloads */
};

enum phase { PHASE_RUN, PHASE_DRAIN, PHASE_AUDIT, PHASE_END, PHASE_CLEAR, PHASE_OVER };

/* Who is due when, us. */
enum {
    DUE_BROKER,
    DUE_COLLECT,
    DUE_COMMIT,
    DUE_CRASH,
    DUE_START,
    DUE_TROUBLE,
    DUE_PHASE,
    DUE_SCENE,
    DUE_ACTION,
    DUE_ACKNOWLEDGE = DUE_ACTION + ACTORS,
    DUE_UP = DUE_ACKNOWLEDGE + ACTORS,
    DUE_DOWN = DUE_UP + LINKS,
    DUE_CLOSE = DUE_DOWN + LINKS,
    DUE_COUNT = DUE_CLOSE + LINKS
};

#define MARKS(X)                                                                                             \
    X(crash, "crash")                                                                                        \
    X(orderly_restart, "orderly restart")                                                                    \
    X(takeover, "Client Identifier taken over")                                                              \
    X(takeover_in_flight, "takeover while messages were in flight to the client")                            \
    X(half_delivered_up, "connection broke within a packet of the client")                                   \
    X(half_delivered_down, "connection broke within a packet of the broker")                                 \
    X(network_full, "the network took only part of the output")                                              \
    X(repeated_publish, "client repeated a PUBLISH")                                                         \
    X(repeated_pubrel, "client repeated a PUBREL")                                                           \
    X(suppressed, "broker knew the Packet Identifier of a repeated QoS 2 PUBLISH")                           \
    X(redelivered, "broker repeated a PUBLISH")                                                              \
    X(redelivered_2, "client knew the Packet Identifier of a repeated QoS 2 PUBLISH")                        \
    X(pubrel_again, "broker repeated a PUBREL that had done its work")                                       \
    X(session_unknown, "client found a session of which it knew nothing")                                    \
    X(session_lost, "client published anew what its lost session had in flight")                             \
    X(window_full, "as many messages in flight as Receive Maximum allows")                                   \
    X(queued_away, "message queued for a client that was away")                                              \
    X(will_published, "Will published")                                                                      \
    X(will_delayed, "Will published after its delay")                                                        \
    X(will_at_session_end, "delayed Will published because its session ended")                               \
    X(will_cancelled, "delayed Will never sent because the client came back")                                \
    X(will_discarded, "Will discarded by DISCONNECT")                                                        \
    X(session_expired, "session expired")                                                                    \
    X(expiry_changed, "DISCONNECT changed the Session Expiry Interval")                                      \
    X(expired_waiting, "message expired while it waited")                                                    \
    X(expired_in_flight, "message expired while it was in flight")                                           \
    X(retained_audited, "retained messages compared")                                                        \
    X(retained_cleared, "retained message cleared")                                                          \
    X(shared_delivered, "Shared Subscription served")                                                        \
    X(shared_member_left, "member of a Shared Subscription ended with others left")

/* Those that need a store. */
#define STORE_MARKS(X)                                                                                       \
    X(crash_in_commit, "crash with a batch under way, which was lost")                                       \
    X(crash_after_commit, "crash with a batch under way, which was committed")                               \
    X(crash_uncollected, "crash with changes not yet collected")                                             \
    X(crash_in_recovery, "crash while records were read")                                                    \
    X(crash_after_recovery, "crash right after recovery")                                                    \
    X(crash_publisher_2, "crash with a client between PUBREC and PUBREL")                                    \
    X(crash_subscriber_2, "crash with the broker between PUBREC and PUBREL")                                 \
    X(crash_connecting, "crash before CONNACK")                                                              \
    X(session_survived, "session resumed after a crash")                                                     \
    X(trouble, "store trouble")                                                                              \
    X(trouble_waiting, "store trouble with answers waiting")                                                 \
    X(trouble_refused, "something refused for store trouble")                                                \
    X(crash_in_trouble, "crash during store trouble")                                                        \
    X(will_while_down, "Will due while the broker was down")                                                 \
    X(will_at_start, "Will of a client that was connected at the crash")                                     \
    X(session_expired_down, "session expired while the broker was down")                                     \
    X(message_expired_down, "message expired while the broker was down")                                     \
    X(annihilated, "changes undone before they were collected")                                              \
    X(waited, "answer waited for its batch")                                                                 \
    X(waited_behind, "packet that promises nothing waited behind another")                                   \
    X(early, "message at QoS 1 delivered before it was committed")

enum mark {
#define X(name, text) MARK_##name,
    MARKS(X) STORE_MARKS(X) MARK_COUNT
#undef X
};

enum { VIOLATION = 2048 };

struct world {
    uint64_t seed;
    struct prng prng;
    uint64_t now; /* us */
    uint64_t due[DUE_COUNT];
    enum phase phase;
    struct character character;
    enum storage storage;
    struct broker *broker;       /* NULL: down */
    uint64_t start;              /* ms on the clock that never goes back, at world.now 0 */
    uint64_t wall;               /* ms since 1970 at world.now 0 */
    uint64_t went_down, started; /* us */
    uint64_t gone_low;           /* ms: clients count as gone from here on at the earliest */
    struct store_sim store;
    struct changes collected;
    bool failing;         /* the disk does not work */
    bool trouble;         /* and the broker was told */
    bool orderly;         /* the broker shuts down */
    bool refused;         /* an answer in this step said no */
    bool storing;         /* the step is STEP_STORED */
    uint64_t last_commit; /* us */
    struct book book, batch_book, committed;
    struct publication publications[PUBLICATIONS];
    uint32_t publication_count; /* numbers 1 to this */
    struct reception receptions[ACTORS][PUBLICATIONS];
    uint32_t order[ACTORS][ACTORS][TOPICS][3][3];
    uint16_t epochs;
    uint16_t revived[ACTORS]; /* sessions that a crash has brought back */
    uint16_t crashes;
    struct client clients[ACTORS];
    struct link links[LINKS];
    uint32_t actions; /* left */
    uint32_t ends_left;
    struct wire wire;
    uint16_t topic_masks[TOPICS]; /* topic_filters() of each */
    uint32_t audit_expected[TOPICS];
    uint32_t audit_seen[TOPICS];
    bool audit_unsure[TOPICS];
    unsigned audit_stage;
    bool audit_whole;
    uint64_t steps, packets;
    uint64_t digest; /* of everything that the broker has said, and when */
    uint64_t marks[MARK_COUNT];
    bool failed;
    const char *checker;
    char violation[VIOLATION];
    bool verbose;
    const struct fault *fault; /* NULL: none planted */
    uint32_t fault_state;
    uint32_t fault_done;
    const struct scenario *scenario; /* NULL: by chance */
    unsigned scene;
    uint64_t phase_began;
    long blocks_before, blocks_idle;
};

/* tables.c: topics and filters */
extern const char *const topic_names[TOPICS];
extern const char *const filter_names[FILTERS];
enum topic_class { TOPIC_ORDINARY, TOPIC_RETAINED, TOPIC_WILL, TOPIC_SHARED };
enum topic_class topic_class(unsigned topic);
/* The filters that match, a bit for each. */
uint16_t topic_filters(unsigned topic);
unsigned topic_find(struct bytes name); /* TOPICS: none of ours */
const char *actor_name(unsigned actor);

/* payload.c */
uint16_t payload_write(const struct world *world, uint32_t publication, uint8_t *buffer);
/* The number of the publication; 0: not what anybody has published. */
uint32_t payload_read(struct world *world, struct bytes payload);

/* world.c */
void world_run(struct world *world, uint64_t seed);
/* Frees what the run left. */
void world_end(struct world *world);
static inline uint64_t world_ms(const struct world *world)
{
    return world->now / 1000;
}
static inline void world_mark(struct world *world, enum mark mark)
{
    world->marks[mark]++;
}
/* The first violation counts; the run ends. */
void world_violation(struct world *world, const char *checker, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void world_log(const struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
uint32_t world_publication(struct world *world, struct publication publication);

/* host.c: between network, broker and store */
void host_start(struct world *world);
void host_crash(struct world *world);
void host_shut_down(struct world *world);
void host_step(struct world *world, struct step step, struct link *link);
/* Hands `count` bytes of the client to the broker. */
void host_receive(struct world *world, struct link *link, uint32_t count);
/* Lets the broker's output onto the network. */
void host_send(struct world *world, struct link *link);
void host_collect(struct world *world);
void host_commit(struct world *world);
void host_disconnect(struct world *world, struct link *link);
void host_plan(struct world *world);
void host_let_go(struct world *world);

/* link.c: the network */
struct link *link_open(struct world *world, unsigned actor, bool five);
void link_write(struct world *world, struct link *link, const struct wire *wire, struct note note);
/* The broker has sent bytes. */
void link_carry(struct world *world, struct link *link, struct bytes bytes);
/* A packet of the broker's is on its way, `size` bytes of it. */
void link_deliver(struct world *world, struct link *link, struct note note, size_t size);
void link_up_due(struct world *world, struct link *link);
void link_down_due(struct world *world, struct link *link);
void link_close_due(struct world *world, struct link *link);
/* Breaks; the broker learns of it sooner or later. */
void link_break(struct world *world, struct link *link);
/* The client does not use it any more. */
void link_leave(struct world *world, struct link *link);
void link_broker_closed(struct world *world, struct link *link);
void link_crash(struct world *world, struct link *link);
void link_free_all(struct world *world);
static inline unsigned link_number(const struct world *world, const struct link *link)
{
    return (unsigned)(link - world->links);
}
static inline bool link_idle(const struct link *link)
{
    return link->up_given == link->up_written && link->down_read == link->down_written;
}

/* listen.c: reads what the broker says */
void listen_packet(struct world *world, struct link *link, struct bytes packet);

/* client.c, client_flows.c */
void client_begin(struct world *world, unsigned actor);
void client_act(struct world *world, struct client *client);
void client_acknowledge_due(struct world *world, struct client *client);
void client_take(struct world *world, struct client *client, const struct note *note);
void client_lost_connection(struct world *world, struct client *client);
void client_leave(struct world *world, struct client *client, uint64_t until);
void client_write(struct world *world, struct client *client, struct note note);
bool client_publish(struct world *world, struct client *client, unsigned topic, unsigned qos, bool retain,
                    bool empty);
void client_resume(struct world *world, struct client *client);
void client_forget(struct world *world, struct client *client);
void client_connect(struct world *world, struct client *client, bool clean, uint32_t expiry, bool will);
void client_disconnect(struct world *world, struct client *client, uint8_t code);
void client_subscribe(struct world *world, struct client *client, const uint8_t *filters,
                      const uint8_t *options, unsigned count);
bool client_may_connect(const struct world *world, const struct client *client);

/* scenario.c */
struct scenario;
const struct scenario *scenario_at(unsigned number); /* NULL: there is none */
const char *scenario_name(const struct scenario *scenario);
void scenario_character(struct character *character);
/* The next line of it. */
void scenario_due(struct world *world);

/* auditor.c */
void auditor_act(struct world *world, struct client *client);
void auditor_take(struct world *world, struct client *client, const struct note *note);

/* book.c */
void book_clear(struct world *world);
/* What time alone does, until now. */
void book_time(struct world *world);
/* A packet was handed to the broker. */
void book_take(struct world *world, struct link *link, const struct note *note);
/* The broker has let go of the connection. */
void book_detach(struct world *world, struct link *link);
void book_detach_all(struct world *world);
/* The broker is back with what was committed; `low` ms: earliest moment at which it had gone. */
void book_restart(struct world *world, uint64_t low);
/* Undoes what was routed at or after `sequence`, which was refused. */
void book_refused(struct world *world, uint32_t sequence);
uint32_t book_retained(const struct world *world, const struct book *book, unsigned topic);
uint64_t book_deadline(const struct world *world);
static inline struct reception *reception_of(struct world *world, unsigned actor, uint32_t publication)
{
    return &world->receptions[actor][publication];
}

/* check_*.c, each for one promise */
void check_gate(struct world *world, const struct link *link, const struct note *note);
void check_flow_sent(struct world *world, struct link *link, const struct note *note);
void check_flow_acknowledged(struct world *world, struct link *link, const struct note *note);
void check_session_present(struct world *world, const struct link *link, const struct note *note);
void check_entitled(struct world *world, const struct link *link, const struct note *note);
void check_message_expiry(struct world *world, const struct link *link, const struct note *note);
void check_exactly_once(struct world *world, const struct client *client, const struct link *link,
                        const struct note *note);
void check_order(struct world *world, struct client *client, const struct link *link,
                 const struct note *note);
void check_duplicate_flag(struct world *world, const struct client *client, const struct note *note,
                          const struct incoming *known);
void check_at_least_once(struct world *world);
void check_deadline(struct world *world);
void check_retained(struct world *world);
void check_nothing_left(struct world *world);
void check_store_empty(struct world *world);
void check_closed(struct world *world, struct link *link);

/* faults.c */
struct fault;
const struct fault *fault_at(unsigned number);
extern const unsigned fault_count;
const char *fault_name(const struct fault *fault);
/* Whether it is this checker that is to notice it. */
bool fault_expects(const struct fault *fault, const char *checker);
bool fault_needs_store(const struct fault *fault);
bool fault_of_gate(const struct fault *fault);
enum storage fault_storage(const struct fault *fault, enum storage storage);
/* Before the records are loaded. */
void fault_damage(struct world *world);
/* Changes a packet of the broker; false: it is lost. */
bool fault_listen(struct world *world, struct link *link, uint8_t *packet, size_t length);
bool fault_commit(void *context, const struct change *change, uint64_t index);
bool fault_drops_commit(struct world *world);
/* Change what the broker gets of a client. */
void fault_connect(const struct world *world, struct wire_connect *connect);
uint8_t fault_disconnect(const struct world *world, uint8_t code);
bool fault_unsubscribe(const struct world *world);

/* memory.c */
long memory_blocks(void);

#endif
