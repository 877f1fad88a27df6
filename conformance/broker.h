/* broker: a broker that a test starts for itself, from the profile given with --profile. Needed for what
 * no running target can be asked for: another configuration, and a crash.
 *
 * A profile is a directory with an executable file `start`, called as
 *     start CONFIGURATION PORT DATA_DIRECTORY
 * which must become the broker (exec), listening on 127.0.0.1:PORT (with SO_REUSEADDR, as servers do that
 * are started again), keeping what it keeps in DATA_DIRECTORY, and not leave the foreground; and a text file
 * `profile`, one `key value` pair a line,
 * `#` for comments: `name`, and `configurations` followed by the configuration names that `start` knows.
 * Where the target is reached over another transport than TCP, its brokers are too: the file says for which
 * of mqtts, ws and wss `start` knows how (`transports mqtts ws wss`), and the environment variable TRANSPORT
 * tells `start` which it is (mqtt, mqtts, ws, wss). Their certificates are to be such that the suite
 * believes them, with the options of its command line.
 * `start-seconds SECONDS` is for brokers that are slow to start: how long it may take, on a busy machine, until
 * connections are accepted (otherwise 30 s). `brokers-at-once NUMBER` is for brokers whose start is much work: no
 * more tests that start some run at a time. `login USER PASSWORD` is for brokers that let nobody in without a
 * name, and cannot be told to: clients that have no credentials of their own then have these.
 * A broker that does not end in good order by SIGTERM needs another executable file, called as
 *     stop CONFIGURATION PORT DATA_DIRECTORY PID
 * `start` is called again with the same arguments after the broker was stopped or killed.
 * Tests ask for these:
 *     default      everything on, anonymous clients
 *     durable      like default, with persistence on, and otherwise as the broker comes
 *     retain-off, shared-off, wildcard-off, subscription-identifier-off   without that feature
 *     maximum-qos-0, maximum-qos-1    with that Maximum QoS
 *     users        user "alice", password "secret"; nobody else may enter
 *     enhanced-auth           the Authentication Method SCRAM-SHA-256, by which user "alice" can enter with
 *                  the password "secret"; anonymous clients may enter without a method
 *     publish-refused         nobody may publish to topics below "refused/"
 *     server-keep-alive       Keep Alive is limited to 10 s or less: a 5.0 client that asks for more, or
 *                  for none, is told a Server Keep Alive of 1 to 10
 *     receive-maximum-small   CONNACK has a Receive Maximum of 1 to 10
 *     packet-size-small       CONNACK has a Maximum Packet Size of 128 to 1024
 *     alias-off    no Topic Aliases from clients: the Topic Alias Maximum in CONNACK is absent or 0
 *     response-information    CONNACK has Response Information, if CONNECT asked for it
 *     redirect-temporary      nobody is served: CONNACK 0x9C Use another server, with a Server Reference
 *     redirect-permanent      likewise with 0x9D Server moved
 *     session-expiry-short    the Session Expiry Interval is limited to 5 s or less: a 5.0 client that asks
 *                  for more is told one of 1 to 5, and a session without connection is gone after that time
 *     overlapping-separate    a message that matches several subscriptions of a client is delivered once
 *                  for each
 * Otherwise each of them is like default. Values that lie in a range are to be read from CONNACK.
 * A configuration that the profile does not name skips the test. */
#ifndef ETALON_CONFORMANCE_BROKER_H
#define ETALON_CONFORMANCE_BROKER_H

struct broker {
    struct test *test;
    const char *configuration;
    const char *data;                 /* data directory */
    const char *user_name, *password; /* of clients that give none; NULL: they need none */
    double start_limit;               /* seconds until it accepts connections */
    uint16_t port;
    int holder;       /* a socket that keeps the port from others while the broker is down */
    int process;      /* pid; 0: not running */
    unsigned started; /* times */
    bool common;      /* its keeper has it; the test only asks (common_broker.h) */
    struct broker *next;
};

/* Starts a broker of the profile and waits until it accepts connections. Use with connect_client(t,
 * .broker = …). The test needs NEEDS_PROFILE or NEEDS_RESTART. The broker ends with the test; its data
 * directory, below TMPDIR or else /tmp, goes too, unless the test failed: then a note says where it is. */
struct broker *start_broker(struct test *t, const char *configuration);

/* Ends it with kill -9, as a crash would. Connections of clients then break. What the operating system was
 * given survives: a power cut is more than this. */
void crash_broker(struct broker *broker);

/* Ends it in good order, by SIGTERM or the profile's `stop`, and waits for its end. */
void stop_broker(struct broker *broker);

/* Starts it again, on the same port with the same data directory, and waits until it accepts connections. */
void resume_broker(struct broker *broker);

/* stop_broker and resume_broker. */
void restart_broker(struct broker *broker);

#endif
