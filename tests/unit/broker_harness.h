/* broker_harness: a host in memory, for tests of the broker without a socket. Prefixes: harness_, client_
 * (broker_harness.c), stored_ (broker_harness_store.c)
 *
 * Everything is synchronous: when client_send returns, whatever the broker had to say to anybody lies in
 * the clients' inboxes. So "nothing was sent" needs no waiting; it is a fact. Packets are written in the
 * notation of support.h, both those that are sent and those that are expected.
 *
 *      struct harness *h = harness_create(NULL);
 *      struct client *c = client_join(h, PROTOCOL_5_0, "a");
 *      client_send(c, "C0 00");
 *      client_expect(c, "D0 00");
 *      harness_destroy(h);
 *
 * Randomness is a counter, time is what the test says. A mistake ends the test (harness_fail). */
#ifndef ETALON_UNIT_BROKER_HARNESS_H
#define ETALON_UNIT_BROKER_HARNESS_H

#include "mqtt/4_01_1_records.h"
#include "mqtt/broker.h"
#include "support.h"

enum { HARNESS_LOG_SIZE = 8192 };

/* Who decides about clients, 4.12 and 5.4.2, for harness_create_asking; see broker.h. NULL: nobody. */
struct harness_judge {
    void *context; /* of the three */
    struct authentication_answer (*authenticate)(void *context, const struct authentication_request *request);
    void (*authentication_ended)(void *context, void *host);
    bool (*authorise)(void *context, const struct authorisation *question);
};

/* One end of a Network Connection, the client's. */
struct client {
    struct harness *harness;
    struct client *next;
    struct connection *connection; /* NULL once the broker has closed, or the client has dropped it */
    uint8_t *inbox;                /* what the broker sent and no client_expect has read yet */
    size_t inbox_length;
    size_t inbox_capacity;
    bool closed_by_broker;
    bool five;    /* MQTT 5.0, as its CONNECT said */
    bool stalled; /* does not read: the broker's output stays where it is */
};

struct harness {
    struct broker *broker;
    uint64_t now; /* ms */
    uint64_t random_state;
    struct client *clients;
    size_t opened; /* clients ever opened */
    /* Lines of log, each ended by a line feed; the newest are lost when it is full. */
    char log[HARNESS_LOG_SIZE];
    size_t log_length;
    uint64_t traced_received; /* Control Packets that the trace was told of */
    uint64_t traced_sent;
    /* Called around every call of the broker that may allocate; NULL mostly. */
    void (*enter)(void);
    void (*leave)(void);
    struct broker_settings settings;
    struct stored_map *stored; /* NULL: a broker without storage */
    struct harness_judge judge;
};

/* Ends the test with a message. Provided by the program: unit-tests fails the test, memory-tests ends
 * itself. */
_Noreturn void harness_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What the tests take as given: the broker's defaults, but for those that the documentation may well change,
 * which would change literal bytes in many tests: no Receive Maximum, no Maximum Packet Size, ten seconds for
 * CONNECT. */
struct broker_settings harness_settings(void);

/* A broker at time 1,000,000 ms. `settings` NULL: the defaults. */
struct harness *harness_create(const struct broker_settings *settings);
/* As above, with every packet traced. */
struct harness *harness_create_traced(const struct broker_settings *settings);
/* With somebody who decides about clients. */
struct harness *harness_create_asking(const struct broker_settings *settings, enum storage storage,
                                      const struct harness_judge *judge);
/* Drops every client and frees all. Inboxes that were not read are not complained of. */
void harness_destroy(struct harness *harness);

/* Lets `ms` pass and tells the broker. */
void harness_advance(struct harness *harness, uint64_t ms);
/* STEP_PUBLISH */
void harness_publish(struct harness *harness, const char *topic, const char *payload);
/* STEP_SHUTDOWN */
void harness_shutdown(struct harness *harness);
/* Hands out what is ready: output into inboxes, closing connections closed. Done by every function above
 * and below. */
void harness_settle(struct harness *harness);
/* Whether a line of log contains `text`. */
bool harness_logged(const struct harness *harness, const char *text);

/* A Network Connection without a CONNECT. NULL: the broker had no memory. */
struct client *client_open(struct harness *harness);
/* Opens, sends the CONNECT in notation and expects exactly the CONNACK in notation. */
struct client *client_connect(struct harness *harness, const char *connect, const char *connack);
/* A clean session without Keep Alive, under the default settings; anything but a CONNACK of success
 * fails. */
struct client *client_join(struct harness *harness, enum protocol_version version,
                           const char *client_identifier);
/* As client_join with a session that stays: 5.0: Session Expiry Interval without end; and no Clean Start.
 * `present`: Session Present that CONNACK has to say (in 3.1 it is never said). */
struct client *client_resume(struct harness *harness, enum protocol_version version,
                             const char *client_identifier, bool present);

/* Sends; nothing happens when the connection is closed already. */
void client_send(struct client *client, const char *notation);
void client_send_bytes(struct client *client, struct bytes bytes);
/* Sends one byte per step. */
void client_send_slowly(struct client *client, const char *notation);
/* The Network Connection breaks without DISCONNECT. */
void client_drop(struct client *client);
/* Reads again after `stalled`. */
void client_read(struct client *client);

/* The inbox must hold exactly these bytes; it is empty afterwards. */
void client_expect(struct client *client, const char *notation);
void client_expect_bytes(struct client *client, struct bytes expected);
/* Exactly these bytes, and the broker has closed. */
void client_expect_closed(struct client *client, const char *notation);
/* A DISCONNECT of 5.0 with this Reason Code and nothing else, then closed. `why`: part of the Reason
 * String; NULL: there is none. */
void client_expect_disconnect(struct client *client, unsigned reason_code, const char *why);
/* A CONNACK of 5.0 with this Reason Code, Session Present 0 and nothing else, then closed. `why` as
 * above. */
void client_expect_refusal(struct client *client, unsigned reason_code, const char *why);
/* Still open, and nothing unread. */
void client_expect_silence(struct client *client);
/* Forgets what is unread. */
void client_ignore(struct client *client);
/* Number of whole packets of this type in the inbox, which stays. */
size_t client_count(const struct client *client, enum packet_type type);

/* Sends SUBSCRIBE 0x0001 and expects its SUBACK, with the requested QoS and nothing after it, in the
 * client's version. */
void client_subscribe(struct client *client, const char *filter, unsigned qos);

/* Storing, 4.1.1: a store in memory. Nothing is collected or stored but by the functions below, so a test
 * decides how far each batch has come: gathering, on its way (stored_collect), stored (stored_done). */

#define WALL_START UINT64_C(1700000000000) /* ms since 1970, when the harness begins */

/* A broker with storage over an empty store. */
struct harness *harness_create_stored(const struct broker_settings *settings, enum storage storage);

/* Collects a batch, which is on its way then. One that found no memory is tried again by the next call. */
enum collected stored_collect(struct harness *harness);
bool stored_on_way(const struct harness *harness);
/* The batch on its way is stored. */
void stored_done(struct harness *harness);
/* The batch on its way can't be stored now. */
void stored_trouble(struct harness *harness);
/* Both, if there is something; no batch may be on its way. */
void stored_all(struct harness *harness);
/* Collects, expects exactly these lines (in any order), and stores. Each line is a change:
 *
 *      +S1 'a' connected expiry 60         -S1            sessions; "until +60000", "until never"
 *      +U1 't/#' qos 1                     -U1 't/#'      subscriptions; "group 1", "id 5", "no-local", ...
 *      +M1 't' qos 1 'payload'             -M1            messages; "retained", "until +5000"
 *      +D1 S1 M1 qos 1 queued              -D1            deliveries; "pid 1 publish", "pid 1 pubrel"; "sent"
 *      +R1 #0001                           -R1 #0001      received
 *      +W1 M1 qos 0 due never              -W1            wills; "delay 5", "expiry 5", "retain"
 *      +alive +8000                        -U1* -R1*      alive; all of session 1
 *
 * A moment is written in ms from WALL_START. */
void stored_expect(struct harness *harness, const char *const *lines, size_t count);
#define EXPECT_BATCH(harness, ...)                                                                           \
    do {                                                                                                     \
        const char *const batch_[] = {__VA_ARGS__};                                                          \
        stored_expect(harness, batch_, sizeof batch_ / sizeof batch_[0]);                                    \
    } while (0)
/* Nothing is to be stored. */
void stored_expect_nothing(struct harness *harness);
/* The whole store is exactly this (lines with '+'). */
void stored_expect_all(struct harness *harness, const char *const *lines, size_t count);
#define EXPECT_STORE(harness, ...)                                                                           \
    do {                                                                                                     \
        const char *const all_[] = {__VA_ARGS__};                                                            \
        stored_expect_all(harness, all_, sizeof all_ / sizeof all_[0]);                                      \
    } while (0)
/* Nothing is left in the store but meta records. */
void stored_expect_empty(const struct harness *harness);
/* How many records a table has. */
size_t stored_count(const struct harness *harness, enum record_table table);
/* Puts a record straight into the store, or takes it out. */
void stored_put(struct harness *harness, const struct record *record);
void stored_delete(struct harness *harness, const struct record *record);

/* Opens, sends the CONNECT, stores all that it changes, and expects exactly the CONNACK. */
struct client *stored_connect(struct harness *harness, const char *connect, const char *connack);
/* As client_resume, with what it changes stored. */
struct client *stored_resume(struct harness *harness, enum protocol_version version,
                             const char *client_identifier, bool present);
/* As client_subscribe, likewise. */
void stored_subscribe(struct client *client, const char *filter, unsigned qos);

/* The broker dies with all its connections. What is on its way reaches the disk (`arrives`) or doesn't; what
 * gathers never does. No broker is there afterwards, until stored_load. */
void stored_die(struct harness *harness, bool arrives);
/* A new broker reads what is stored. NULL, or what is wrong; then there is no broker. */
const char *stored_load(struct harness *harness);
/* Both, with `ms` passing in between; loading must succeed. */
void stored_crash(struct harness *harness, bool arrives, uint64_t ms);
/* Passes the time of day without the broker's clock. */
void stored_wall(struct harness *harness, uint64_t ms);

/* Stores all, then checks that records refer to records that are there, and that a second broker, made from
 * the store, holds what the first one does. Call it at the end of any test. */
void stored_check(struct harness *harness);
/* stored_check and harness_destroy. */
void stored_finish(struct harness *harness);

/* Between broker_harness.c and broker_harness_store.c */
void stored_begin(struct harness *harness, enum storage storage);
enum storage stored_mode(const struct harness *harness);
uint64_t stored_wall_clock(void *context);
void stored_free(struct harness *harness);
/* A broker over the harness's environment, not yet part of it. NULL: no memory. */
struct broker *harness_broker(struct harness *harness);
void harness_step(struct harness *harness, struct step step);
/* All connections are gone, of which the broker is told; what it has to say about it nobody hears. */
void harness_disconnect_all(struct harness *harness);

/* Makes a suite of the tests of one file. */
Suite *harness_suite(const char *name, const TTest *const *tests, size_t count);

/* Both by name, for the short tables at the ends of the files. */
#define HARNESS_SUITE(name, ...)                                                                             \
    do {                                                                                                     \
        const TTest *const harness_tests_[] = {__VA_ARGS__};                                                 \
        return harness_suite(name, harness_tests_, sizeof harness_tests_ / sizeof harness_tests_[0]);        \
    } while (0)

#endif
