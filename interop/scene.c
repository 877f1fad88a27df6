#include "scene.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* ---- ending ---- */

_Noreturn void fail(struct scene *scene, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(scene->why, sizeof scene->why, format, arguments);
    va_end(arguments);
    longjmp(scene->end, CASE_FAILED);
}

_Noreturn void skip(struct scene *scene, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(scene->why, sizeof scene->why, format, arguments);
    va_end(arguments);
    longjmp(scene->end, CASE_SKIPPED);
}

static void dismiss(struct actor *actor)
{
    if (actor->connected) {
        client_disconnect(actor->client, 0);
    }
    client_destroy(actor->client);
    inbox_free(&actor->inbox);
}

static void scene_free(struct scene *scene)
{
    pacemaker_settle(scene->pacemaker);
    for (size_t i = 0; i < scene->actor_count; i++) {
        dismiss(&scene->actors[i]);
    }
    for (size_t i = 0; i < scene->memory_count; i++) {
        free(scene->memory[i]);
    }
    for (size_t i = 0; i < scene->property_list_count; i++) {
        MQTTProperties_free(&scene->properties[i]);
    }
}

enum case_outcome scene_run(struct scene *scene)
{
    int outcome = setjmp(scene->end);
    if (outcome == CASE_PASSED) {
        scene->this_case->run(scene);
    }
    scene_free(scene);
    return (enum case_outcome)outcome;
}

/* ---- names and memory ---- */

void *scene_allocate(struct scene *scene, size_t size)
{
    if (scene->memory_count == SCENE_MEMORY) {
        fail(scene, "the case needs more than %d allocations: raise SCENE_MEMORY", SCENE_MEMORY);
    }
    void *memory = malloc(size);
    if (memory == NULL) {
        fail(scene, "out of memory");
    }
    scene->memory[scene->memory_count++] = memory;
    return memory;
}

const char *topic(struct scene *scene, const char *suffix)
{
    size_t size = strlen(suffix) + 64;
    char *name = scene_allocate(scene, size);
    snprintf(name, size, "interop/%x/%u/%s", scene->run, scene->number, suffix);
    return name;
}

const char *new_client_id(struct scene *scene)
{
    char *client_id = scene_allocate(scene, CLIENT_IDENTIFIER_SIZE);
    snprintf(client_id, CLIENT_IDENTIFIER_SIZE, "i%xn%un%u", scene->run, scene->number % 10000,
             scene->identifiers++);
    return client_id;
}

/* ---- properties ---- */

MQTTProperties *new_properties(struct scene *scene)
{
    if (scene->property_list_count == SCENE_MEMORY) {
        fail(scene, "the case needs more than %d property lists: raise SCENE_MEMORY", SCENE_MEMORY);
    }
    return &scene->properties[scene->property_list_count++];
}

void add_number(MQTTProperties *properties, enum MQTTPropertyCodes identifier, unsigned value)
{
    MQTTProperty property = {.identifier = identifier};
    switch (MQTTProperty_getType(identifier)) {
    case MQTTPROPERTY_TYPE_BYTE:
        property.value.byte = (unsigned char)value;
        break;
    case MQTTPROPERTY_TYPE_TWO_BYTE_INTEGER:
        property.value.integer2 = (unsigned short)value;
        break;
    default:
        property.value.integer4 = value;
        break;
    }
    MQTTProperties_add(properties, &property);
}

void add_data(MQTTProperties *properties, enum MQTTPropertyCodes identifier, const void *data, size_t length)
{
    MQTTProperty property = {.identifier = identifier};
    property.value.data.data = (char *)(size_t)data;
    property.value.data.len = (int)length;
    MQTTProperties_add(properties, &property);
}

void add_string(MQTTProperties *properties, enum MQTTPropertyCodes identifier, const char *string)
{
    add_data(properties, identifier, string, strlen(string));
}

void add_user_property(MQTTProperties *properties, const char *name, const char *value)
{
    MQTTProperty property = {.identifier = MQTTPROPERTY_CODE_USER_PROPERTY};
    property.value.data.data = (char *)(size_t)name;
    property.value.data.len = (int)strlen(name);
    property.value.value.data = (char *)(size_t)value;
    property.value.value.len = (int)strlen(value);
    MQTTProperties_add(properties, &property);
}

/* ---- actors ---- */

static struct actor *new_actor(struct scene *scene, const struct endpoint *endpoint, const char *client_id)
{
    if (scene->actor_count == SCENE_ACTORS) {
        fail(scene, "the case needs more than %d actors: raise SCENE_ACTORS", SCENE_ACTORS);
    }
    struct actor *actor = &scene->actors[scene->actor_count];
    memset(actor, 0, sizeof *actor);
    actor->scene = scene;
    snprintf(actor->client_id, sizeof actor->client_id, "%s", client_id);
    inbox_init(&actor->inbox);
    actor->client = client_create(endpoint, client_id, &actor->inbox);
    if (actor->client == NULL) {
        inbox_free(&actor->inbox);
        fail(scene, "Paho could not create the client \"%s\"", client_id);
    }
    scene->actor_count++;
    return actor;
}

/* Now and then Paho C gives up a secure WebSocket before it is one, see the README: tries again then. */
static struct connect_result connect_client(struct client *client, const char *url,
                                            const struct connect_options *options)
{
    const bool secure_websocket = strncmp(url, "wss://", 6) == 0;
    struct connect_result connected = client_connect(client, options);
    for (int attempt = 1; secure_websocket && connected.code == -1 && attempt < 3; attempt++) {
        connected = client_connect(client, options);
    }
    return connected;
}

static struct connect_result connect_actor(struct actor *actor, const struct connect_options *options)
{
    struct scene *scene = actor->scene;
    pacemaker_set(scene->pacemaker, true);
    struct connect_result connected = connect_client(actor->client, scene->endpoint.url, options);
    pacemaker_set(scene->pacemaker, false);
    MQTTProperties *properties = new_properties(scene);
    *properties = connected.properties;
    return connected;
}

int knock(struct scene *scene, const struct endpoint *endpoint, struct actor **actor)
{
    struct actor *newcomer = new_actor(scene, endpoint, new_client_id(scene));
    int code = connect_actor(newcomer, &(struct connect_options){.clean_start = true}).code;
    newcomer->connected = code == 0;
    if (code == 0 && actor != NULL) {
        *actor = newcomer;
    }
    return code;
}

struct actor *join_as(struct scene *scene, const char *client_id, const struct connect_options *options,
                      struct connect_result *result)
{
    struct actor *actor = new_actor(scene, &scene->endpoint, client_id);
    struct connect_result connected = connect_actor(actor, options);
    if (connected.code != 0) {
        fail(scene, "connecting as \"%s\" ended with code %d", client_id, connected.code);
    }
    actor->connected = true;
    if (result != NULL) {
        *result = connected;
    }
    return actor;
}

struct actor *join(struct scene *scene)
{
    return join_as(scene, new_client_id(scene), &(struct connect_options){.clean_start = true}, NULL);
}

void leave_with(struct actor *actor, int reason_code)
{
    pacemaker_settle(actor->scene->pacemaker);
    int code = client_disconnect(actor->client, reason_code);
    actor->connected = false;
    if (code != 0) {
        fail(actor->scene, "disconnecting \"%s\" ended with code %d", actor->client_id, code);
    }
}

void leave(struct actor *actor)
{
    leave_with(actor, 0);
}

void subscribe_with(struct actor *actor, const struct subscription *subscription)
{
    int code = client_subscribe(actor->client, subscription);
    if (code != subscription->qos) {
        fail(actor->scene, "subscribing to \"%s\" at QoS %d was answered with code %d", subscription->filter,
             subscription->qos, code);
    }
}

void subscribe(struct actor *actor, const char *filter, int qos)
{
    subscribe_with(actor, &(struct subscription){.filter = filter, .qos = qos});
}

void unsubscribe(struct actor *actor, const char *filter, int code)
{
    int answered = client_unsubscribe(actor->client, filter);
    if (answered != code) {
        fail(actor->scene, "unsubscribing from \"%s\" was answered with code %d instead of %d", filter,
             answered, code);
    }
}

/* ---- messages ---- */

void publish(struct actor *actor, const struct message *message)
{
    int code = client_publish(actor->client, message);
    if (code < 0 || code >= 0x80) {
        fail(actor->scene, "publishing to \"%s\" at QoS %d ended with code %d", message->topic, message->qos,
             code);
    }
}

static struct message text_message(const char *topic_name, const char *text, int qos)
{
    return (struct message){.topic = topic_name, .payload = text, .payload_length = strlen(text), .qos = qos};
}

void publish_text(struct actor *actor, const char *topic_name, const char *text, int qos)
{
    struct message message = text_message(topic_name, text, qos);
    publish(actor, &message);
}

void publish_retained(struct actor *actor, const char *topic_name, const char *text)
{
    struct message message = text_message(topic_name, text, 1);
    message.retain = true;
    publish(actor, &message);
}

const struct message *next_message(struct actor *actor)
{
    const struct message *message = inbox_take(&actor->inbox);
    if (message == NULL) {
        fail(actor->scene, "\"%s\" received nothing within %d s", actor->client_id, EVENT_DEADLINE_SECONDS);
    }
    return message;
}

static bool same_payload(const struct message *one, const struct message *other)
{
    return one->payload_length == other->payload_length &&
           (one->payload_length == 0 || memcmp(one->payload, other->payload, one->payload_length) == 0);
}

/* "topic, 5 bytes "hello", QoS 1, RETAIN 0", shortened so that two of them fit one line. */
static const char *describe(const struct message *message, char *buffer, size_t size)
{
    int shown = message->payload_length < 24 ? (int)message->payload_length : 24;
    snprintf(buffer, size, "%.80s, %zu bytes \"%.*s\", QoS %d, RETAIN %d", message->topic,
             message->payload_length, shown, shown == 0 ? "" : (const char *)message->payload, message->qos,
             message->retain);
    return buffer;
}

const struct message *expect(struct actor *actor, const struct message *expected)
{
    char wanted[200];
    char arrived[200];
    const struct message *message = inbox_take(&actor->inbox);
    describe(expected, wanted, sizeof wanted);
    if (message == NULL) {
        fail(actor->scene, "nothing arrived within %d s instead of %s", EVENT_DEADLINE_SECONDS, wanted);
    }
    if (strcmp(message->topic, expected->topic) != 0 || !same_payload(message, expected) ||
        message->qos != expected->qos || message->retain != expected->retain) {
        fail(actor->scene, "arrived: %s; expected: %s", describe(message, arrived, sizeof arrived), wanted);
    }
    return message;
}

const struct message *expect_text(struct actor *actor, const char *topic_name, const char *text, int qos)
{
    struct message expected = text_message(topic_name, text, qos);
    return expect(actor, &expected);
}

const struct message *expect_retained(struct actor *actor, const char *topic_name, const char *text, int qos)
{
    struct message expected = text_message(topic_name, text, qos);
    expected.retain = true;
    return expect(actor, &expected);
}

/* ---- dying ---- */

enum {
    DYING_URL = 2,
    DYING_CA_FILE,
    DYING_CERTIFICATE_FILE,
    DYING_KEY_FILE,
    DYING_USER_NAME,
    DYING_PASSWORD,
    DYING_PROTOCOL,
    DYING_CLIENT_ID,
    DYING_TOPIC,
    DYING_PAYLOAD,
    DYING_QOS,
    DYING_RETAIN,
    DYING_ARGUMENTS
};

/* An argument cannot be NULL. */
static const char *empty_if_null(const char *text)
{
    return text == NULL ? "" : text;
}

static const char *null_if_empty(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

/* Started as a new program rather than forked: Paho's threads and locks do not survive a fork. */
static pid_t start_dying_client(struct scene *scene, const struct message *will)
{
    char protocol[12];
    char qos[12];
    snprintf(protocol, sizeof protocol, "%d", (int)scene->endpoint.protocol);
    snprintf(qos, sizeof qos, "%d", will->qos);
    const char *arguments[DYING_ARGUMENTS + 1] = {
        "dying-client",
        DYING_CLIENT_FLAG,
        scene->endpoint.url,
        empty_if_null(scene->endpoint.ca_file),
        empty_if_null(scene->endpoint.certificate_file),
        empty_if_null(scene->endpoint.key_file),
        empty_if_null(scene->endpoint.user_name),
        empty_if_null(scene->endpoint.password),
        protocol,
        new_client_id(scene),
        will->topic,
        will->payload,
        qos,
        will->retain ? "1" : "0",
        NULL,
    };
    pid_t child;
    int error = posix_spawn(&child, "/proc/self/exe", NULL, NULL, (char *const *)(size_t)arguments, environ);
    if (error != 0) {
        fail(scene, "could not start the dying client: %s", strerror(error));
    }
    return child;
}

void die_with_will(struct scene *scene, const struct message *will)
{
    pid_t child = start_dying_client(scene, will);
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            fail(scene, "could not wait for the dying client: %s", strerror(errno));
        }
    }
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
        fail(scene, "the client with the Will Message could not connect");
    }
}

int dying_client(int count, char **arguments)
{
    if (count != DYING_ARGUMENTS) {
        return EXIT_FAILURE;
    }
    struct endpoint endpoint = {
        .url = arguments[DYING_URL],
        .ca_file = null_if_empty(arguments[DYING_CA_FILE]),
        .certificate_file = null_if_empty(arguments[DYING_CERTIFICATE_FILE]),
        .key_file = null_if_empty(arguments[DYING_KEY_FILE]),
        .user_name = null_if_empty(arguments[DYING_USER_NAME]),
        .password = null_if_empty(arguments[DYING_PASSWORD]),
        .protocol = (enum protocol)atoi(arguments[DYING_PROTOCOL]),
    };
    struct message will =
        text_message(arguments[DYING_TOPIC], arguments[DYING_PAYLOAD], atoi(arguments[DYING_QOS]));
    will.retain = arguments[DYING_RETAIN][0] == '1';
    struct inbox inbox;
    inbox_init(&inbox);
    struct client *client = client_create(&endpoint, arguments[DYING_CLIENT_ID], &inbox);
    if (client == NULL) {
        return EXIT_FAILURE;
    }
    const struct connect_options options = {.clean_start = true, .will = &will};
    if (connect_client(client, endpoint.url, &options).code != 0) {
        return EXIT_FAILURE;
    }
    raise(SIGKILL);
    return EXIT_FAILURE;
}
