/* broker_harness: a host in memory, for tests of the broker without a socket. Prefixes: harness_, client_
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

#include "mqtt/broker.h"
#include "support.h"

enum { HARNESS_LOG_SIZE = 8192 };

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
};

/* Ends the test with a message. Provided by the program: unit-tests fails the test, memory-tests ends
 * itself. */
_Noreturn void harness_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What the tests take as given: the broker's defaults, but for those that the documentation may well change, which would
 * change literal bytes in many tests: no Receive Maximum, ten seconds for CONNECT. */
struct broker_settings harness_settings(void);

/* A broker at time 1,000,000 ms. `settings` NULL: the defaults. */
struct harness *harness_create(const struct broker_settings *settings);
/* As above, with every packet traced. */
struct harness *harness_create_traced(const struct broker_settings *settings);
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

/* Makes a suite of the tests of one file. */
Suite *harness_suite(const char *name, const TTest *const *tests, size_t count);

/* Both by name, for the short tables at the ends of the files. */
#define HARNESS_SUITE(name, ...)                                                                             \
    do {                                                                                                     \
        const TTest *const harness_tests_[] = {__VA_ARGS__};                                                 \
        return harness_suite(name, harness_tests_, sizeof harness_tests_ / sizeof harness_tests_[0]);        \
    } while (0)

#endif
