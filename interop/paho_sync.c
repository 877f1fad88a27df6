/*
 * The client interface over MQTTClient, Paho's blocking API, in its multi-threaded mode (with callbacks).
 *
 * MQTTClient_waitForCompletion polls every 100 ms; the end of a flow is therefore learnt from the
 * deliveryComplete callback. That callback may run before MQTTClient_publish has returned the token, so
 * completed tokens are remembered by Packet Identifier rather than compared with the one being waited for. It
 * runs with Paho's own lock held, so nothing of Paho may be called from it.
 */
#include "client.h"

#include <stdlib.h>
#include <string.h>

#include <MQTTClient.h>

#define PACKET_IDENTIFIERS 65536

struct client {
    MQTTClient handle;
    struct endpoint endpoint;
    struct inbox *inbox;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool completed[PACKET_IDENTIFIERS];
};

const char *client_library(void)
{
    return "paho-sync";
}

static int on_message(void *context, char *topic, int topic_length, MQTTClient_message *paho)
{
    (void)topic_length; /* not 0 only for topics with a NUL, which no broker may pass on */
    struct client *client = context;
    struct message message = {
        .topic = topic,
        .payload = paho->payload,
        .payload_length = (size_t)paho->payloadlen,
        .qos = paho->qos,
        .retain = paho->retained != 0,
        .duplicate = paho->dup != 0,
        .properties = paho->properties,
    };
    inbox_put(client->inbox, &message);
    MQTTClient_freeMessage(&paho);
    MQTTClient_free(topic);
    return 1;
}

static void on_connection_lost(void *context, char *cause)
{
    (void)cause;
    struct client *client = context;
    inbox_connection_lost(client->inbox, -1);
}

static void on_server_disconnect(void *context, MQTTProperties *properties, enum MQTTReasonCodes reason_code)
{
    (void)properties;
    struct client *client = context;
    inbox_connection_lost(client->inbox, (int)reason_code);
}

static void on_delivered(void *context, MQTTClient_deliveryToken token)
{
    struct client *client = context;
    pthread_mutex_lock(&client->mutex);
    client->completed[token % PACKET_IDENTIFIERS] = true;
    pthread_cond_signal(&client->changed);
    pthread_mutex_unlock(&client->mutex);
}

struct client *client_create(const struct endpoint *endpoint, const char *client_id, struct inbox *inbox)
{
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return NULL;
    }
    client->endpoint = *endpoint;
    client->inbox = inbox;
    pthread_mutex_init(&client->mutex, NULL);
    condition_init(&client->changed);
    MQTTClient_createOptions options = MQTTClient_createOptions_initializer;
    options.MQTTVersion = (int)endpoint->protocol;
    int code = MQTTClient_createWithOptions(&client->handle, endpoint->url, client_id,
                                            MQTTCLIENT_PERSISTENCE_NONE, NULL, &options);
    if (code != MQTTCLIENT_SUCCESS) {
        client_destroy(client);
        return NULL;
    }
    MQTTClient_setCallbacks(client->handle, client, on_connection_lost, on_message, on_delivered);
    if (endpoint->protocol == PROTOCOL_5) {
        MQTTClient_setDisconnected(client->handle, client, on_server_disconnect);
    }
    MQTTClient_setCommandTimeout(client->handle, EVENT_DEADLINE_SECONDS * 1000UL);
    return client;
}

static void fill_tls(MQTTClient_SSLOptions *options, const struct endpoint *endpoint)
{
    options->trustStore = endpoint->ca_file;
    options->keyStore = endpoint->certificate_file;
    options->privateKey = endpoint->key_file;
    options->verify = 1;
}

static void fill_will(MQTTClient_willOptions *options, const struct message *will)
{
    options->topicName = will->topic;
    options->payload.data = will->payload;
    options->payload.len = (int)will->payload_length;
    options->qos = will->qos;
    options->retained = will->retain;
}

/* Moves the answer to a 5.0 call out of Paho's response. */
static struct connect_result take_response(MQTTResponse response)
{
    struct connect_result result = {.code = (int)response.reasonCode, .session_present = SESSION_UNKNOWN};
    if (response.properties != NULL) {
        result.properties = MQTTProperties_copy(response.properties);
    }
    MQTTResponse_free(response);
    return result;
}

static struct connect_result connect_5(struct client *client, MQTTClient_connectOptions *options,
                                       const struct connect_options *wanted)
{
    MQTTProperties connect_properties = MQTTProperties_initializer;
    MQTTProperties will_properties = MQTTProperties_initializer;
    if (wanted->properties != NULL) {
        connect_properties = *wanted->properties;
    }
    if (wanted->will != NULL) {
        will_properties = wanted->will->properties;
    }
    options->cleanstart = wanted->clean_start;
    options->cleansession = 0;
    MQTTResponse response =
        MQTTClient_connect5(client->handle, options, &connect_properties, &will_properties);
    return take_response(response);
}

struct connect_result client_connect(struct client *client, const struct connect_options *wanted)
{
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
    MQTTClient_willOptions will = MQTTClient_willOptions_initializer;
    MQTTClient_SSLOptions tls = MQTTClient_SSLOptions_initializer;
    options.MQTTVersion = (int)client->endpoint.protocol;
    options.cleansession = wanted->clean_start;
    options.connectTimeout = EVENT_DEADLINE_SECONDS;
    options.reliable = 0; /* several messages may be in flight */
    options.username = client->endpoint.user_name;
    options.password = client->endpoint.password;
    if (client->endpoint.ca_file != NULL) {
        fill_tls(&tls, &client->endpoint);
        options.ssl = &tls;
    }
    if (wanted->will != NULL) {
        fill_will(&will, wanted->will);
        options.will = &will;
    }
    if (client->endpoint.protocol == PROTOCOL_5) {
        return connect_5(client, &options, wanted);
    }
    int code = MQTTClient_connect(client->handle, &options);
    struct connect_result result = {.code = code, .session_present = SESSION_UNKNOWN};
    if (client->endpoint.protocol == PROTOCOL_3_1_1) {
        result.session_present = options.returned.sessionPresent != 0 ? SESSION_PRESENT : SESSION_ABSENT;
    }
    return result;
}

static int subscribe_5(struct client *client, const struct subscription *subscription)
{
    MQTTSubscribe_options options = MQTTSubscribe_options_initializer;
    MQTTProperties properties = MQTTProperties_initializer;
    options.noLocal = subscription->no_local;
    options.retainAsPublished = subscription->retain_as_published;
    options.retainHandling = subscription->retain_handling;
    if (subscription->identifier != 0) {
        MQTTProperty identifier = {.identifier = MQTTPROPERTY_CODE_SUBSCRIPTION_IDENTIFIER};
        identifier.value.integer4 = (unsigned)subscription->identifier;
        MQTTProperties_add(&properties, &identifier);
    }
    MQTTResponse response =
        MQTTClient_subscribe5(client->handle, subscription->filter, subscription->qos, &options, &properties);
    int code = (int)response.reasonCode;
    MQTTResponse_free(response);
    MQTTProperties_free(&properties);
    return code;
}

int client_subscribe(struct client *client, const struct subscription *subscription)
{
    if (client->endpoint.protocol == PROTOCOL_5) {
        return subscribe_5(client, subscription);
    }
    /* The Many form is the one that gives the granted QoS back instead of hiding it behind a success code. */
    char *filter = strdup(subscription->filter);
    int qos = subscription->qos;
    int code = MQTTClient_subscribeMany(client->handle, 1, &filter, &qos);
    free(filter);
    return code == MQTTCLIENT_SUCCESS ? qos : code;
}

int client_unsubscribe(struct client *client, const char *filter)
{
    if (client->endpoint.protocol < PROTOCOL_5) {
        return MQTTClient_unsubscribe(client->handle, filter);
    }
    MQTTResponse response = MQTTClient_unsubscribe5(client->handle, filter, NULL);
    int code = (int)response.reasonCode;
    if (response.reasonCodeCount == 1 && response.reasonCodes != NULL) {
        code = (int)response.reasonCodes[0];
    }
    MQTTResponse_free(response);
    return code;
}

static int wait_until_delivered(struct client *client, MQTTClient_deliveryToken token)
{
    struct timespec deadline = event_deadline();
    int expired = 0;
    pthread_mutex_lock(&client->mutex);
    bool *completed = &client->completed[token % PACKET_IDENTIFIERS];
    while (!*completed && !expired) {
        expired = pthread_cond_timedwait(&client->changed, &client->mutex, &deadline);
    }
    int code = *completed ? 0 : NO_ANSWER;
    *completed = false; /* the Packet Identifier may be used again */
    pthread_mutex_unlock(&client->mutex);
    return code;
}

int client_publish(struct client *client, const struct message *message)
{
    MQTTClient_message paho = MQTTClient_message_initializer;
    MQTTClient_deliveryToken token = 0;
    paho.payload = (void *)(size_t)message->payload;
    paho.payloadlen = (int)message->payload_length;
    paho.qos = message->qos;
    paho.retained = message->retain;
    paho.properties = message->properties;
    int code;
    if (client->endpoint.protocol == PROTOCOL_5) {
        MQTTResponse response = MQTTClient_publishMessage5(client->handle, message->topic, &paho, &token);
        code = (int)response.reasonCode;
        MQTTResponse_free(response);
    } else {
        code = MQTTClient_publishMessage(client->handle, message->topic, &paho, &token);
    }
    if (code != 0 || message->qos == 0) {
        return code;
    }
    return wait_until_delivered(client, token);
}

int client_disconnect(struct client *client, int reason_code)
{
    if (client->endpoint.protocol < PROTOCOL_5) {
        return MQTTClient_disconnect(client->handle, EVENT_DEADLINE_SECONDS * 1000);
    }
    return MQTTClient_disconnect5(client->handle, EVENT_DEADLINE_SECONDS * 1000,
                                  (enum MQTTReasonCodes)reason_code, NULL);
}

void client_destroy(struct client *client)
{
    if (client == NULL) {
        return;
    }
    MQTTClient_destroy(&client->handle);
    pthread_cond_destroy(&client->changed);
    pthread_mutex_destroy(&client->mutex);
    free(client);
}
