/*
 * What a case is written with: a scene, and the actors (clients) in it.
 *
 * Every function that meets something it does not expect ends the case with FAIL and the reason, so a case
 * reads as a straight line. Whatever the scene hands out lives until the case ends; actors that are still
 * connected then are disconnected. Topics and Client Identifiers are unique to the case and to the run.
 */
#ifndef INTEROP_SCENE_H
#define INTEROP_SCENE_H

#include <setjmp.h>
#include <stddef.h>

#include "client.h"
#include "pacemaker.h"

enum { V31 = 1, V311 = 2, V5 = 4, ALL_VERSIONS = V31 | V311 | V5 };

enum payload_kind { PAYLOAD_EMPTY, PAYLOAD_ONE_BYTE, PAYLOAD_BINARY, PAYLOAD_TEN_THOUSAND, PAYLOAD_ONE_MEBIBYTE };

struct scene;

/* One row of a table of cases. `qos` and `payload` are parameters that only some of them look at. */
struct interop_case {
    const char *name;
    unsigned versions;
    void (*run)(struct scene *scene);
    int qos;
    enum payload_kind payload;
    bool not_over_websocket; /* the library cannot do it: see the README */
};

#define SCENE_ACTORS 8
#define SCENE_MEMORY 64
#define CLIENT_IDENTIFIER_SIZE 24 /* 3.1 allows 23 characters */

struct actor {
    struct scene *scene;
    struct client *client;
    struct inbox inbox;
    char client_id[CLIENT_IDENTIFIER_SIZE];
    bool connected;
};

struct scene {
    const struct interop_case *this_case;
    struct endpoint endpoint;
    const char *other_ca_file; /* a CA that has not signed the broker's certificate, or NULL */
    struct pacemaker *pacemaker;
    unsigned run;    /* makes names unique to this run */
    unsigned number; /* and to this case */
    unsigned identifiers;
    struct actor actors[SCENE_ACTORS];
    size_t actor_count;
    void *memory[SCENE_MEMORY];
    size_t memory_count;
    MQTTProperties properties[SCENE_MEMORY];
    size_t property_list_count;
    jmp_buf end;
    char why[512];
};

enum case_outcome { CASE_PASSED, CASE_FAILED, CASE_SKIPPED };

/* Runs one case to its end and frees what it used. The reason of a failure or skip is left in scene->why. */
enum case_outcome scene_run(struct scene *scene);

/* Ends the case. */
_Noreturn void fail(struct scene *scene, const char *format, ...) __attribute__((format(printf, 2, 3)));
_Noreturn void skip(struct scene *scene, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Memory that lives as long as the case. */
void *scene_allocate(struct scene *scene, size_t size);

/* A Topic Name or Topic Filter below the case's own root. */
const char *topic(struct scene *scene, const char *suffix);

/* A Client Identifier nobody else uses. */
const char *new_client_id(struct scene *scene);

/* A list of properties that lives as long as the case, and what may be put in it. */
MQTTProperties *new_properties(struct scene *scene);
void add_number(MQTTProperties *properties, enum MQTTPropertyCodes identifier, unsigned value);
void add_data(MQTTProperties *properties, enum MQTTPropertyCodes identifier, const void *data, size_t length);
void add_string(MQTTProperties *properties, enum MQTTPropertyCodes identifier, const char *string);
void add_user_property(MQTTProperties *properties, const char *name, const char *value);

/* Connects a client with a clean session and a Client Identifier of its own. */
struct actor *join(struct scene *scene);

/* Connects a client as the options say. `client_id` may be empty. When `result` is not NULL the CONNACK is
 * copied there (its properties live as long as the case). */
struct actor *join_as(struct scene *scene, const char *client_id, const struct connect_options *options,
                      struct connect_result *result);

/* Comes to `endpoint`, which may refuse. Returns the CONNACK's code, or a negative one when none came; the actor
 * is left in `actor` (which may be NULL) when the code is 0. */
int knock(struct scene *scene, const struct endpoint *endpoint, struct actor **actor);

/* Ends the connection with DISCONNECT and Reason Code 0x00, or the one given. */
void leave(struct actor *actor);
void leave_with(struct actor *actor, int reason_code);

/* Subscribes and expects exactly the requested QoS to be granted. */
void subscribe(struct actor *actor, const char *filter, int qos);
void subscribe_with(struct actor *actor, const struct subscription *subscription);

/* Unsubscribes and expects `code`. */
void unsubscribe(struct actor *actor, const char *filter, int code);

/* Publishes and expects the flow to end in success (a Reason Code below 0x80). */
void publish(struct actor *actor, const struct message *message);
void publish_text(struct actor *actor, const char *topic_name, const char *text, int qos);
void publish_retained(struct actor *actor, const char *topic_name, const char *text);

/* The next message of `actor` must be this one: topic, payload, QoS and RETAIN. Returns what arrived. Because
 * it is the *next* one that must match, anything that should not have come fails here: this is how absence is
 * shown. */
const struct message *expect(struct actor *actor, const struct message *expected);
const struct message *expect_text(struct actor *actor, const char *topic_name, const char *text, int qos);
const struct message *expect_retained(struct actor *actor, const char *topic_name, const char *text, int qos);

/* The next message, whatever it is. */
const struct message *next_message(struct actor *actor);

/* Lets a client in a process of its own connect with this Will Message, and kills that process once its
 * CONNACK has arrived: no DISCONNECT, no goodbye, as after a power cut. */
void die_with_will(struct scene *scene, const struct message *will);

/* What the killed process runs; does not return when it could connect. `arguments` is what die_with_will
 * passed. */
int dying_client(int count, char **arguments);
#define DYING_CLIENT_FLAG "--dying-client"

#endif
