/*
 * The load generator of the benchmark: one process, one thread, one epoll set, both ends of every message.
 *
 * It builds and reads MQTT packets by hand and shares no line with the broker: a generator that used the
 * broker's codec would slow down and speed up together with it, and would share its misunderstandings.
 *
 *   load.c                options, scenario table
 *   load_packet.c         packets to send
 *   load_connection.c     sockets, gathering of output, cutting the input into packets
 *   load_tls.c            TLS below the packets
 *   load_session.c        opening many clients, subscribing
 *   load_broker.c         what the broker costs: CPU and memory, read from /proc
 *   load_latency.c        latency samples
 *   load_report.c         the line of JSON
 *   load_flow.c           scenarios fan-in, fan-out, pairs
 *   load_population.c     scenarios idle, connect-rate
 *   load_subscriptions.c  scenarios subscriptions, subscriptions-one
 *   load_retained.c       scenario retained
 *   load_reading.c        what is read at both ends of a measured interval, and what Etalon's $SYS topics say
 *   load_stored.c         scenarios queue, retained-flow: messages that are stored and go nowhere yet
 *   load_kept.c           scenarios sessions, return, drain: what was kept while the clients were away
 */
#ifndef ETALON_BENCH_LOAD_H
#define ETALON_BENCH_LOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define NANOSECONDS UINT64_C(1000000000)

enum {
    READ_SIZE = 512 * 1024, /* bytes asked for by one recv() */
    PAYLOAD_HEADER = 16,    /* publisher, sequence, time: what the generator reads of a payload */
    REPORT_SIZE = 4096,
    ERROR_SIZE = 256,
    TOPIC_SIZE = 64,
    FIRST_PUBLISH_SIZE = 512 /* room for one PUBLISH beside its payload */
};

/* Types of Control Packets as they stand in the upper half of the first byte. */
enum packet_type {
    CONNACK = 0x20,
    PUBLISH = 0x30,
    PUBACK = 0x40,
    PUBREC = 0x50,
    PUBREL = 0x60,
    PUBCOMP = 0x70,
    SUBACK = 0x90,
    PINGRESP = 0xD0
};

/* What the command line asked for; the table in load.c says what each means. 0 in a count: as usual. */
struct options {
    const char *host;
    const char *scenario;
    bool mqtt5;
    bool durable;
    bool tls;
    bool resume;
    uint32_t port;
    uint32_t pid;
    uint32_t qos;
    uint32_t clients;
    uint32_t count;
    uint32_t payload;
    uint32_t window;
    uint32_t lead;
    uint32_t batch;
    uint32_t messages;
    double seconds;
    double deadline;
};

struct buffer {
    uint8_t *bytes;
    size_t length;
    size_t capacity;
};

/* One packet in the read buffer; valid during the callback only. */
struct packet {
    uint8_t first;
    uint32_t length;
    const uint8_t *body;
};

enum connection_state {
    CONNECTION_CLOSED,
    CONNECTION_OPENING,
    CONNECTION_WAITS_FOR_CONNACK,
    CONNECTION_READY
};

struct connection;
struct tls_client;
struct ssl_st; /* OpenSSL's SSL */

/* What a scenario wants to know of a connection. `ready` may be NULL. An event may close the connection. */
struct connection_events {
    void (*ready)(struct connection *connection);
    void (*packet)(struct connection *connection, const struct packet *packet);
};

struct connection {
    struct load *load;
    const struct connection_events *events;
    void *owner;
    struct connection *next_dirty;
    struct connection *next_known;
    struct buffer output;
    size_t output_sent;
    struct buffer partial;
    struct ssl_st *tls; /* NULL: plain */
    int fd;
    uint32_t number;
    enum connection_state state;
    bool dirty;
    bool known;
    bool watches_output;
    bool durable;         /* set before it is opened: the session outlives the connection */
    bool session_present; /* what the CONNACK said */
};

struct report {
    size_t length;
    char text[REPORT_SIZE];
};

/* The whole generator. `error` is empty until something fails; the first failure is kept. */
struct load {
    struct options options;
    struct report report;
    struct sockaddr_in address;
    pid_t broker;
    int epoll;
    uint64_t deadline;
    uint64_t now;
    uint32_t ready;
    struct connection *dirty;
    struct connection *known;
    struct memory *memory;
    struct tls_client *tls; /* NULL: plain */
    uint8_t *input;
    char error[ERROR_SIZE];
};

/* ---- load.c ---- */

/* Monotonic time in nanoseconds. */
uint64_t clock_now(void);
/* Seconds between two readings of clock_now(). */
double seconds_between(uint64_t from, uint64_t to);
/* Notes the first failure; the loop ends at its next turn. */
void load_fail(struct load *load, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool load_failed(const struct load *load);
/* Zeroed memory that lives as long as the load; ends the process when there is none. */
void *load_allocate(struct load *load, size_t count, size_t size);

/* ---- load_packet.c: each writes one packet at `to`, which has room for it, and returns its length ---- */

/* `durable`: the session is continued and kept for ever. */
size_t write_connect(uint8_t *to, bool mqtt5, bool durable, const char *client_identifier);
size_t write_disconnect(uint8_t *to);
size_t write_acknowledgement(uint8_t *to, enum packet_type type, uint16_t packet_identifier);
/* One SUBSCRIBE with the single Topic Filter `filter`. */
size_t write_subscribe(uint8_t *to, bool mqtt5, uint16_t packet_identifier, const char *filter, uint8_t qos);

/* A PUBLISH ready to be copied; the offsets say what to change in each copy. */
struct publish_template {
    size_t length;
    size_t packet_identifier;
    size_t payload;
    uint8_t *bytes;
};

/* Encodes the PUBLISH once. `packet_identifier` (offset) is 0 at QoS 0. The payload is a pattern. */
void publish_template_make(struct publish_template *template, struct load *load, const char *topic,
                           uint8_t flags);
/* Encodes it again for another topic into the same memory. */
void publish_template_change(struct publish_template *template, const struct options *options,
                             const char *topic, uint8_t flags);

void put_u16(uint8_t *to, uint16_t value);
uint16_t get_u16(const uint8_t *from);

/* ---- load_connection.c ---- */

/* Starts to connect, and queues the CONNECT; events->ready follows when the CONNACK is there. */
void connection_open(struct connection *connection, const char *client_identifier);
void connection_close(struct connection *connection);
/* DISCONNECT, and waits until the broker has closed its side: then it knows that the client is away. */
void connection_leave(struct connection *connection);
/* Frees the buffers of all connections that were ever opened. */
void connections_release(struct load *load);
/* Room for `size` more bytes of output, which the caller fills; sent with the next turn, in one call. */
uint8_t *connection_gather(struct connection *connection, size_t size);
/* Gives back the last `size` bytes of what was gathered. */
void connection_ungather(struct connection *connection, size_t size);
/* Sends now what was gathered. */
void connection_flush(struct connection *connection);
/*
 * One turn: send what was gathered since the last one, wait at most 100 ms, handle what arrived. What the
 * handlers and the scenario gather leaves together at the next turn. False once the load has failed.
 */
bool load_turn(struct load *load);

/* ---- load_tls.c: a socket's life below load_connection.c ---- */

/* What all connections share; load->tls is set afterwards. False: failed. */
bool tls_start(struct load *load);
void tls_end(struct load *load);
/* With --resume: the broker has given a ticket, and from now on every connection resumes a session. */
bool tls_has_ticket(const struct load *load);
/* Once for each connection, after connect(); the handshake goes on with tls_send and tls_receive. */
void tls_open(struct connection *connection);
/* Says goodbye; the socket is still to be closed. */
void tls_close(struct connection *connection);
/* Frees the state without another word to the broker. */
void tls_forget(struct connection *connection);
/* What tls_send could not do has to wait for the broker, not for room in the socket. */
bool tls_waits_for_input(const struct connection *connection);
bool tls_is_resumed(const struct connection *connection);
/* As send() and recv(), errno included, but errors other than EAGAIN fail the load. */
ssize_t tls_send(struct connection *connection, const uint8_t *bytes, size_t size);
/* Never leaves anything in OpenSSL's buffers when it returns less than `size`. */
ssize_t tls_receive(struct connection *connection, uint8_t *to, size_t size);

/* ---- load_session.c ---- */

/* Opens `count` connections, at most `at_once` of them under way; client identifiers: prefix and number. */
bool open_clients(struct load *load, struct connection *connections, uint32_t count, uint32_t at_once,
                  const char *prefix, const struct connection_events *events);
/* Subscribes one filter and waits for the SUBACK; the events of the connection are suspended meanwhile. */
bool subscribe_and_wait(struct connection *connection, const char *filter, uint8_t qos);
/* True for a SUBACK that grants; otherwise fails the load. */
bool suback_grants(struct connection *connection, const struct packet *packet);
/* Events that accept no packet at all. */
extern const struct connection_events silent_events;

/* ---- load_broker.c ---- */

/* CPU time (user and system) of all threads of `process` in nanoseconds; 0 when it is gone. */
uint64_t process_cpu(pid_t process);
/* Resident memory of `process` in bytes; 0 when it is gone. */
uint64_t process_memory(pid_t process);
/* CPU time of the whole machine that was not idle, in nanoseconds; 0 where nobody counts it. */
uint64_t machine_cpu(void);
/* Bytes that `process` has given to file systems for the disk (pages made dirty); 0 where nobody counts. */
uint64_t process_written(pid_t process);

/* ---- load_latency.c ---- */

struct latency {
    uint64_t *samples;
    uint64_t seen;
};

void latency_make(struct latency *latency, struct load *load);
void latency_reset(struct latency *latency);
void latency_add(struct latency *latency, uint64_t nanoseconds);
/* The value in microseconds below which `share` (0…1) of the samples lie; sorts the samples. */
double latency_quantile(struct latency *latency, double share);

/* ---- load_reading.c ---- */

struct reading {
    uint64_t time;
    uint64_t messages; /* the scenario's own count */
    uint64_t broker_cpu;
    uint64_t own_cpu;
    uint64_t all_cpu;
    uint64_t written;
};

struct reading reading_take(const struct load *load, uint64_t messages);
/* Reports what lies between two readings; `name` ("delivered") is what the messages were. */
void reading_report(struct load *load, const char *name, const struct reading *from,
                    const struct reading *to);

enum { SYSTEM_FIGURES = 3 };

/* Follows $SYS/broker/store/..., a broker's own figures of its store; none come when it has no store. */
struct watcher {
    struct connection connection;
    struct {
        uint64_t from_time, to_time;
        double from, to;
    } figures[SYSTEM_FIGURES];
};

/* Connects and subscribes. */
bool watcher_open(struct watcher *watcher, struct load *load);
/* Forgets what came so far: the measured interval begins. */
void watcher_reset(struct watcher *watcher);
/* Reports rates between the first and the last figures that came; nothing when there were not two of each. */
void watcher_report(const struct watcher *watcher);

/* ---- load_report.c ---- */

void report_number(struct load *load, const char *name, double value);
void report_text(struct load *load, const char *name, const char *value);
/* Prints the line of JSON to stdout. */
void report_print(struct load *load);

/* ---- what load_stored.c leaves in the broker and load_kept.c looks for ---- */

#define QUEUE_TOPIC "bench/queue"
#define QUEUE_CLIENT "queueSub"
#define SENTINEL UINT32_MAX /* the publisher's index in a message that is none of the queue's */

/* ---- scenarios: true when all of it was measured; otherwise load->error says why not ---- */

/* A run of PUBLISH traffic over a given shape. */
struct shape {
    const char *name; /* beginning of topics and client identifiers */
    uint32_t publishers;
    uint32_t subscribers;
    bool paired; /* publisher n reaches subscriber n only; otherwise every subscriber */
};

bool measure_flow(struct load *load, const struct shape *shape);
bool scenario_fan_in(struct load *load);
bool scenario_fan_out(struct load *load);
bool scenario_pairs(struct load *load);
bool scenario_idle(struct load *load);
bool scenario_connect_rate(struct load *load);
bool scenario_subscriptions(struct load *load);
bool scenario_subscriptions_one(struct load *load);
bool scenario_retained(struct load *load);
bool scenario_queue(struct load *load);
bool scenario_retained_flow(struct load *load);
bool scenario_sessions(struct load *load);
bool scenario_return(struct load *load);
bool scenario_drain(struct load *load);

#endif
