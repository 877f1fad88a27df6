#include "inbox.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

void condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

struct timespec event_deadline(void)
{
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += EVENT_DEADLINE_SECONDS;
    return deadline;
}

void inbox_init(struct inbox *inbox)
{
    memset(inbox, 0, sizeof *inbox);
    pthread_mutex_init(&inbox->mutex, NULL);
    condition_init(&inbox->changed);
    inbox->last = &inbox->first;
    inbox->disconnect_reason_code = -1;
}

static void free_chain(struct received *received)
{
    while (received != NULL) {
        struct received *next = received->next;
        MQTTProperties_free(&received->message.properties);
        free(received);
        received = next;
    }
}

void inbox_free(struct inbox *inbox)
{
    free_chain(inbox->first);
    free_chain(inbox->taken);
    pthread_cond_destroy(&inbox->changed);
    pthread_mutex_destroy(&inbox->mutex);
}

/* One allocation holds the entry, the payload and the topic, so that one free ends it. */
static struct received *copy_message(const struct message *message)
{
    size_t topic_size = strlen(message->topic) + 1;
    struct received *received = malloc(sizeof *received + message->payload_length + topic_size);
    if (received == NULL) {
        abort();
    }
    char *payload = (char *)(received + 1);
    char *topic = payload + message->payload_length;
    if (message->payload_length > 0) {
        memcpy(payload, message->payload, message->payload_length);
    }
    memcpy(topic, message->topic, topic_size);
    received->message = *message;
    received->message.payload = payload;
    received->message.topic = topic;
    received->message.properties = MQTTProperties_copy(&message->properties);
    received->next = NULL;
    return received;
}

void inbox_put(struct inbox *inbox, const struct message *message)
{
    struct received *received = copy_message(message);
    pthread_mutex_lock(&inbox->mutex);
    *inbox->last = received;
    inbox->last = &received->next;
    pthread_cond_signal(&inbox->changed);
    pthread_mutex_unlock(&inbox->mutex);
}

void inbox_connection_lost(struct inbox *inbox, int reason_code)
{
    pthread_mutex_lock(&inbox->mutex);
    inbox->connection_lost = true;
    if (reason_code >= 0) {
        inbox->disconnect_reason_code = reason_code;
    }
    pthread_cond_signal(&inbox->changed);
    pthread_mutex_unlock(&inbox->mutex);
}

static struct received *unlink_first(struct inbox *inbox)
{
    struct received *received = inbox->first;
    inbox->first = received->next;
    if (inbox->first == NULL) {
        inbox->last = &inbox->first;
    }
    received->next = inbox->taken;
    inbox->taken = received;
    return received;
}

const struct message *inbox_take(struct inbox *inbox)
{
    struct timespec deadline = event_deadline();
    struct received *received = NULL;
    int expired = 0;
    pthread_mutex_lock(&inbox->mutex);
    while (inbox->first == NULL && !expired) {
        expired = pthread_cond_timedwait(&inbox->changed, &inbox->mutex, &deadline);
    }
    if (inbox->first != NULL) {
        received = unlink_first(inbox);
    }
    pthread_mutex_unlock(&inbox->mutex);
    return received == NULL ? NULL : &received->message;
}

bool inbox_wait_connection_lost(struct inbox *inbox)
{
    struct timespec deadline = event_deadline();
    int expired = 0;
    pthread_mutex_lock(&inbox->mutex);
    while (!inbox->connection_lost && !expired) {
        expired = pthread_cond_timedwait(&inbox->changed, &inbox->mutex, &deadline);
    }
    bool lost = inbox->connection_lost;
    pthread_mutex_unlock(&inbox->mutex);
    return lost;
}
