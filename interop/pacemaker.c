#include "pacemaker.h"

#include <stdio.h>
#include <stdlib.h>

#include "client.h"

#define CONNECT_ATTEMPTS 3

struct pacemaker {
    struct client *client;
    struct inbox inbox; /* stays empty */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool beating;
    bool stopping;
    bool broken; /* the connection is gone: nobody shall wait for beats any more */
    unsigned long beats;
};

static void *beat(void *argument)
{
    struct pacemaker *pacemaker = argument;
    const struct message message = {.topic = "interop/pacemaker", .payload = "", .qos = 1};
    pthread_mutex_lock(&pacemaker->mutex);
    while (!pacemaker->stopping && !pacemaker->broken) {
        if (!pacemaker->beating) {
            pthread_cond_wait(&pacemaker->changed, &pacemaker->mutex);
            continue;
        }
        pthread_mutex_unlock(&pacemaker->mutex);
        int code = client_publish(pacemaker->client, &message);
        pthread_mutex_lock(&pacemaker->mutex);
        pacemaker->broken = code < 0;
        pacemaker->beats++;
        pthread_cond_broadcast(&pacemaker->changed);
    }
    pthread_mutex_unlock(&pacemaker->mutex);
    return NULL;
}

static void release(struct pacemaker *pacemaker)
{
    client_destroy(pacemaker->client);
    inbox_free(&pacemaker->inbox);
    pthread_cond_destroy(&pacemaker->changed);
    pthread_mutex_destroy(&pacemaker->mutex);
    free(pacemaker);
}

/* The pacemaker is not what is tested: it tries again, and says so, when Paho gives up (see the README). */
static bool connect_patiently(struct client *client, const struct connect_options *options)
{
    for (int attempt = 1; attempt <= CONNECT_ATTEMPTS; attempt++) {
        const int code = client_connect(client, options).code;
        if (code == 0) {
            return true;
        }
        fprintf(stderr, "the pacemaker's connection: code %d, attempt %d of %d\n", code, attempt,
                CONNECT_ATTEMPTS);
    }
    return false;
}

struct pacemaker *pacemaker_start(const struct endpoint *endpoint, unsigned run)
{
    struct pacemaker *pacemaker = calloc(1, sizeof *pacemaker);
    if (pacemaker == NULL) {
        return NULL;
    }
    struct endpoint here = *endpoint;
    here.protocol = PROTOCOL_3_1_1;
    char client_id[24];
    snprintf(client_id, sizeof client_id, "i%xpace", run);
    pthread_mutex_init(&pacemaker->mutex, NULL);
    condition_init(&pacemaker->changed);
    inbox_init(&pacemaker->inbox);
    pacemaker->client = client_create(&here, client_id, &pacemaker->inbox);
    struct connect_options options = {.clean_start = true};
    if (pacemaker->client == NULL || !connect_patiently(pacemaker->client, &options) ||
        pthread_create(&pacemaker->thread, NULL, beat, pacemaker) != 0) {
        release(pacemaker);
        return NULL;
    }
    return pacemaker;
}

void pacemaker_set(struct pacemaker *pacemaker, bool beating)
{
    pthread_mutex_lock(&pacemaker->mutex);
    pacemaker->beating = beating;
    pthread_cond_broadcast(&pacemaker->changed);
    pthread_mutex_unlock(&pacemaker->mutex);
}

/* Two beats: the first to end may have been acknowledged before the call, the second was not even published.
 */
void pacemaker_settle(struct pacemaker *pacemaker)
{
    pacemaker_set(pacemaker, true);
    pthread_mutex_lock(&pacemaker->mutex);
    unsigned long enough = pacemaker->beats + 2;
    while (pacemaker->beats < enough && !pacemaker->broken) {
        pthread_cond_wait(&pacemaker->changed, &pacemaker->mutex);
    }
    pthread_mutex_unlock(&pacemaker->mutex);
    pacemaker_set(pacemaker, false);
}

void pacemaker_stop(struct pacemaker *pacemaker)
{
    pthread_mutex_lock(&pacemaker->mutex);
    pacemaker->stopping = true;
    pthread_cond_broadcast(&pacemaker->changed);
    pthread_mutex_unlock(&pacemaker->mutex);
    pthread_join(pacemaker->thread, NULL);
    client_disconnect(pacemaker->client, 0);
    release(pacemaker);
}
