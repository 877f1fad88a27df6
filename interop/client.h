/*
 * One MQTT client, whichever Paho library moves its bytes.
 *
 * paho_sync.c implements this interface with MQTTClient (libpaho-mqtt3cs), paho_async.c with MQTTAsync
 * (libpaho-mqtt3as). The cases know only this header, so both libraries go through the same ones. Every
 * function blocks until the broker answered or EVENT_DEADLINE_SECONDS passed.
 *
 * Results are MQTT Reason Codes (0 and up; before 5.0 the corresponding return codes). A negative result
 * means that no answer of the broker came out: a Paho error code, or NO_ANSWER.
 */
#ifndef INTEROP_CLIENT_H
#define INTEROP_CLIENT_H

#include <stdbool.h>

#include "inbox.h"

/* The Protocol Level bytes; Paho's MQTTVERSION_* constants have the same values. */
enum protocol { PROTOCOL_3_1 = 3, PROTOCOL_3_1_1 = 4, PROTOCOL_5 = 5 };

#define NO_ANSWER (-1000)

struct client;

/* Where the broker is, and as whom to go there. What is NULL is not used. */
struct endpoint {
    const char *url;
    const char *ca_file;          /* PEM file to verify the broker with */
    const char *certificate_file; /* PEM file that says who the client is, */
    const char *key_file;         /* and the key to it */
    const char *user_name;
    const char *password;
    enum protocol protocol;
};

struct connect_options {
    bool clean_start;
    const struct message *will;       /* NULL: no Will Message */
    const MQTTProperties *properties; /* NULL: none; ignored before 5.0 */
};

/* 3.1 has no such flag, and the synchronous library does not pass that of 5.0 on. */
enum session_present { SESSION_ABSENT, SESSION_PRESENT, SESSION_UNKNOWN };

struct connect_result {
    int code;
    enum session_present session_present;
    MQTTProperties properties; /* to be freed by the caller */
};

struct subscription {
    const char *filter;
    int qos;
    bool no_local;
    bool retain_as_published;
    unsigned char retain_handling;
    int identifier; /* 0: none */
};

/* The library's name in test names, e.g. "paho-sync". */
const char *client_library(void);

/* Creates a client whose messages go to `inbox`. Returns NULL when Paho refuses the arguments. */
struct client *client_create(const struct endpoint *endpoint, const char *client_id, struct inbox *inbox);

/* Connects, and waits for the CONNACK. */
struct connect_result client_connect(struct client *client, const struct connect_options *options);

/* Subscribes to one Topic Filter; returns the SUBACK's code, that is the granted QoS or a refusal. */
int client_subscribe(struct client *client, const struct subscription *subscription);

/* Unsubscribes from one Topic Filter; returns the UNSUBACK's Reason Code (0 before 5.0). */
int client_unsubscribe(struct client *client, const char *filter);

/* Publishes, and waits for the end of the flow: written (QoS 0), PUBACK (1), PUBCOMP (2). Returns the Reason
 * Code. */
int client_publish(struct client *client, const struct message *message);

/* Sends DISCONNECT with `reason_code` (ignored before 5.0) and closes the Network Connection. Returns 0 or a
 * Paho error. */
int client_disconnect(struct client *client, int reason_code);

/* Frees the client. A connection still open is ended without a DISCONNECT or with one, as Paho likes. */
void client_destroy(struct client *client);

#endif
