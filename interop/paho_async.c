/*
 * The client interface over MQTTAsync, Paho's callback API.
 *
 * Every operation is started with a pair of callbacks that fill the client's one `answer`, and then waited
 * for: the cases have one operation per client under way at a time.
 */
#include "client.h"

#include <stdlib.h>
#include <string.h>

#include <MQTTAsync.h>

struct answer {
    bool arrived;
    int code;
    bool session_present;
    MQTTProperties properties;
};

struct client {
    MQTTAsync handle;
    struct endpoint endpoint;
    struct inbox *inbox;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct answer answer;
};

const char *client_library(void)
{
    return "paho-async";
}

static int on_message(void *context, char *topic, int topic_length, MQTTAsync_message *paho)
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
    MQTTAsync_freeMessage(&paho);
    MQTTAsync_free(topic);
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

static void put_answer(struct client *client, const struct answer *answer)
{
    pthread_mutex_lock(&client->mutex);
    client->answer = *answer;
    client->answer.arrived = true;
    pthread_cond_signal(&client->changed);
    pthread_mutex_unlock(&client->mutex);
}

/* Which member of the union in Paho's success data is valid depends on the operation, hence three callbacks.
 */
static void on_connected(void *context, MQTTAsync_successData *data)
{
    put_answer(context, &(struct answer){.session_present = data->alt.connect.sessionPresent != 0});
}

static void on_subscribed(void *context, MQTTAsync_successData *data)
{
    put_answer(context, &(struct answer){.code = data->alt.qos});
}

static void on_success(void *context, MQTTAsync_successData *data)
{
    (void)data;
    put_answer(context, &(struct answer){.code = 0});
}

static void on_failure(void *context, MQTTAsync_failureData *data)
{
    put_answer(context, &(struct answer){.code = data != NULL && data->code != 0 ? data->code : NO_ANSWER});
}

static void on_connected_5(void *context, MQTTAsync_successData5 *data)
{
    struct answer answer = {
        .code = (int)data->reasonCode,
        .session_present = data->alt.connect.sessionPresent != 0,
        .properties = MQTTProperties_copy(&data->properties),
    };
    put_answer(context, &answer);
}

static void on_success_5(void *context, MQTTAsync_successData5 *data)
{
    put_answer(context, &(struct answer){.code = data == NULL ? 0 : (int)data->reasonCode});
}

static void on_failure_5(void *context, MQTTAsync_failureData5 *data)
{
    int code = NO_ANSWER;
    if (data != NULL && data->reasonCode > 0) {
        code = (int)data->reasonCode;
    } else if (data != NULL && data->code != 0) {
        code = data->code;
    }
    put_answer(context, &(struct answer){.code = code});
}

/* Waits for the callback of the operation just started. `started` is what starting it returned. */
static struct answer take_answer(struct client *client, int started)
{
    if (started != MQTTASYNC_SUCCESS) {
        return (struct answer){.code = started};
    }
    struct timespec deadline = event_deadline();
    int expired = 0;
    pthread_mutex_lock(&client->mutex);
    while (!client->answer.arrived && !expired) {
        expired = pthread_cond_timedwait(&client->changed, &client->mutex, &deadline);
    }
    struct answer answer = {.code = NO_ANSWER};
    if (client->answer.arrived) {
        answer = client->answer;
        client->answer = (struct answer){.arrived = false};
    }
    pthread_mutex_unlock(&client->mutex);
    return answer;
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
    MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;
    options.MQTTVersion = (int)endpoint->protocol;
    int code = MQTTAsync_createWithOptions(&client->handle, endpoint->url, client_id,
                                           MQTTCLIENT_PERSISTENCE_NONE, NULL, &options);
    if (code != MQTTASYNC_SUCCESS) {
        client_destroy(client);
        return NULL;
    }
    MQTTAsync_setCallbacks(client->handle, client, on_connection_lost, on_message, NULL);
    if (endpoint->protocol == PROTOCOL_5) {
        MQTTAsync_setDisconnected(client->handle, client, on_server_disconnect);
    }
    return client;
}

static void fill_tls(MQTTAsync_SSLOptions *options, const struct endpoint *endpoint)
{
    options->trustStore = endpoint->ca_file;
    options->keyStore = endpoint->certificate_file;
    options->privateKey = endpoint->key_file;
    options->verify = 1;
}

static void fill_will(MQTTAsync_willOptions *options, const struct message *will)
{
    options->topicName = will->topic;
    options->payload.data = will->payload;
    options->payload.len = (int)will->payload_length;
    options->qos = will->qos;
    options->retained = will->retain;
}

static struct connect_result start_connect(struct client *client, const MQTTAsync_connectOptions *options)
{
    struct answer answer = take_answer(client, MQTTAsync_connect(client->handle, options));
    struct connect_result result = {answer.code, SESSION_UNKNOWN, answer.properties};
    if (client->endpoint.protocol != PROTOCOL_3_1) {
        result.session_present = answer.session_present ? SESSION_PRESENT : SESSION_ABSENT;
    }
    return result;
}

static struct connect_result connect_5(struct client *client, MQTTAsync_connectOptions *options,
                                       const struct connect_options *wanted)
{
    MQTTProperties connect_properties = MQTTProperties_initializer;
    MQTTProperties will_properties = MQTTProperties_initializer;
    if (wanted->properties != NULL) {
        connect_properties = *wanted->properties;
        options->connectProperties = &connect_properties;
    }
    if (wanted->will != NULL) {
        will_properties = wanted->will->properties;
        options->willProperties = &will_properties;
    }
    options->cleanstart = wanted->clean_start;
    options->cleansession = 0;
    options->onSuccess5 = on_connected_5;
    options->onFailure5 = on_failure_5;
    return start_connect(client, options);
}

struct connect_result client_connect(struct client *client, const struct connect_options *wanted)
{
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
    MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
    options.MQTTVersion = (int)client->endpoint.protocol;
    options.connectTimeout = EVENT_DEADLINE_SECONDS;
    options.context = client;
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
    options.cleansession = wanted->clean_start;
    options.onSuccess = on_connected;
    options.onFailure = on_failure;
    return start_connect(client, &options);
}

/* The callbacks of one operation, in the generation that the protocol asks for. */
static MQTTAsync_responseOptions callbacks(struct client *client, MQTTAsync_onSuccess *success)
{
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    options.context = client;
    if (client->endpoint.protocol == PROTOCOL_5) {
        options.onSuccess5 = on_success_5;
        options.onFailure5 = on_failure_5;
    } else {
        options.onSuccess = success;
        options.onFailure = on_failure;
    }
    return options;
}

int client_subscribe(struct client *client, const struct subscription *subscription)
{
    MQTTAsync_responseOptions options = callbacks(client, on_subscribed);
    options.subscribeOptions.noLocal = subscription->no_local;
    options.subscribeOptions.retainAsPublished = subscription->retain_as_published;
    options.subscribeOptions.retainHandling = subscription->retain_handling;
    if (subscription->identifier != 0) {
        MQTTProperty identifier = {.identifier = MQTTPROPERTY_CODE_SUBSCRIPTION_IDENTIFIER};
        identifier.value.integer4 = (unsigned)subscription->identifier;
        MQTTProperties_add(&options.properties, &identifier);
    }
    int started = MQTTAsync_subscribe(client->handle, subscription->filter, subscription->qos, &options);
    MQTTProperties_free(&options.properties);
    return take_answer(client, started).code;
}

int client_unsubscribe(struct client *client, const char *filter)
{
    MQTTAsync_responseOptions options = callbacks(client, on_success);
    return take_answer(client, MQTTAsync_unsubscribe(client->handle, filter, &options)).code;
}

int client_publish(struct client *client, const struct message *message)
{
    MQTTAsync_message paho = MQTTAsync_message_initializer;
    MQTTAsync_responseOptions options = callbacks(client, on_success);
    paho.payload = (void *)(size_t)message->payload;
    paho.payloadlen = (int)message->payload_length;
    paho.qos = message->qos;
    paho.retained = message->retain;
    paho.properties = message->properties;
    return take_answer(client, MQTTAsync_sendMessage(client->handle, message->topic, &paho, &options)).code;
}

int client_disconnect(struct client *client, int reason_code)
{
    MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
    options.context = client;
    options.timeout = EVENT_DEADLINE_SECONDS * 1000;
    if (client->endpoint.protocol == PROTOCOL_5) {
        options.struct_version = 1;
        options.reasonCode = (enum MQTTReasonCodes)reason_code;
        options.onSuccess5 = on_success_5;
        options.onFailure5 = on_failure_5;
    } else {
        options.onSuccess = on_success;
        options.onFailure = on_failure;
    }
    return take_answer(client, MQTTAsync_disconnect(client->handle, &options)).code;
}

void client_destroy(struct client *client)
{
    if (client == NULL) {
        return;
    }
    MQTTAsync_destroy(&client->handle);
    pthread_cond_destroy(&client->changed);
    pthread_mutex_destroy(&client->mutex);
    free(client);
}
