/* trees: what the topic trees cost, without a broker around them.
 *
 *   bench-trees [COUNT]    COUNT subscriptions or topics, 1,000,000 by default
 *
 * Memory is the growth of the resident set, so run it on its own. A line for each figure: what, and how much of it. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "mqtt/3_03_1_3_retain.h"
#include "mqtt/4_08_subscriptions.h"

#define CLIENTS 1000U

struct message {
    uint32_t number;
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static double resident(void)
{
    long total = 0;
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%ld %ld", &total, &pages) != 2)
        exit(EXIT_FAILURE);
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* The Topic Filter with a number: three or four levels, every one different, ten on a device. */
static struct bytes filter_text(uint32_t number, char text[64])
{
    const uint32_t device = number / 10;
    const char *format = number % 2 == 0 ? "site%u/device%u/sensor%u" : "site%u/device%u/sensor%u/value";
    const int length = snprintf(text, 64, format, device % 100, device, number % 10);
    return bytes_of(text, (size_t)length);
}

static void count_match(void *context, struct subscriber *subscriber,
                        const struct subscription_options *options)
{
    *(uint64_t *)context += subscriber->count > 0 && options->qos == 1;
}

static bool take(void *context, struct subscriber *member, const struct subscription_options *options)
{
    count_match(context, member, options);
    return true;
}

static void must_be(bool right, const char *what)
{
    if (right)
        return;
    fprintf(stderr, "bench-trees: %s\n", what);
    exit(EXIT_FAILURE);
}

static void rate(const char *what, uint32_t count, double began)
{
    const double seconds = now() - began;
    printf("%-52s %8.0f ns each, %6.2f M/s, %7.3f s\n", what, seconds * 1e9 / count, count / seconds / 1e6,
           seconds);
}

static const struct subscription_options options = {.qos = 1};

static void put(struct subscriptions *subscriptions, struct subscriber *subscriber, struct bytes filter)
{
    must_be(subscriptions_put(subscriptions, subscriber, filter, true, &options) == SUBSCRIPTION_ADDED,
            "not added");
}

/* Topics in random order, each with one subscriber; among `among` of them. */
static void match(struct subscriptions *subscriptions, uint32_t among)
{
    enum { ASKED = 1000000, PREPARED = 10000 };
    static char texts[PREPARED][64];
    static struct bytes topics[PREPARED];
    uint64_t matches = 0;
    const struct subscriptions_visitor visitor = {.context = &matches, .match = count_match, .offer = take};
    char what[64];
    double seconds = 0;
    for (uint32_t round = 0; round < ASKED / PREPARED; round++) {
        for (uint32_t i = 0; i < PREPARED; i++)
            topics[i] = filter_text((uint32_t)(hash_mix(round * PREPARED + i) % (among / 2)) * 2, texts[i]);
        const double began = now();
        for (uint32_t i = 0; i < PREPARED; i++)
            subscriptions_match(subscriptions, topics[i], &visitor);
        seconds += now() - began;
    }
    must_be(matches == ASKED, "a match is missing");
    snprintf(what, sizeof what, "match of 3 levels, topics among %u", among);
    printf("%-52s %8.0f ns each\n", what, seconds * 1e9 / ASKED);
}

/* Part of every figure below that has distinct filters. */
static void texts_alone(uint32_t count)
{
    char text[64];
    size_t length = 0;
    const double began = now();
    for (uint32_t i = 0; i < count; i++)
        length += filter_text(i, text).length;
    must_be(length > count, "empty filters");
    rate("writing the text of a filter (included below)", count, began);
}

static void many_clients(uint32_t count)
{
    struct subscriptions *subscriptions = subscriptions_create(1);
    static struct subscriber clients[CLIENTS];
    char text[64];
    const double before = resident();
    double began = now();
    for (uint32_t i = 0; i < count; i++)
        put(subscriptions, &clients[i % CLIENTS], filter_text(i, text));
    rate("put, distinct filters, 1,000 clients", count, began);
    printf("%-52s %8.0f B each\n", "  memory", (resident() - before) / count);
    match(subscriptions, count);
    match(subscriptions, 2000);
    began = now();
    for (uint32_t i = 0; i < CLIENTS; i++)
        subscriptions_remove_all(subscriptions, &clients[i]);
    rate("remove all", count, began);
    malloc_trim(0); /* what was freed, but lies between what is used */
    printf("%-52s %8.1f B each\n", "  memory kept", (resident() - before) / count);
    subscriptions_destroy(subscriptions);
}

static void one_client(uint32_t count)
{
    struct subscriptions *subscriptions = subscriptions_create(1);
    struct subscriber client = {.first = NULL};
    char text[64];
    double began = now();
    for (uint32_t i = 0; i < count; i++)
        put(subscriptions, &client, filter_text(i, text));
    rate("put, all on one subscriber", count, began);
    began = now();
    for (uint32_t i = 0; i < count; i++)
        must_be(subscriptions_remove(subscriptions, &client, filter_text(i, text), true), "not removed");
    rate("remove one by one", count, began);
    subscriptions_destroy(subscriptions);
}

static void one_filter(uint32_t count, const char *filter)
{
    struct subscriptions *subscriptions = subscriptions_create(1);
    struct subscriber *clients = calloc(count, sizeof *clients);
    must_be(clients != NULL, "no memory");
    printf("%s\n", filter);
    double began = now();
    for (uint32_t i = 0; i < count; i++)
        put(subscriptions, &clients[i], bytes_of_text(filter));
    rate("put, all on one filter", count, began);

    uint64_t matches = 0;
    const struct subscriptions_visitor visitor = {.context = &matches, .match = count_match, .offer = take};
    began = now();
    subscriptions_match(subscriptions, bytes_of_text("a/b/c"), &visitor);
    rate("one match", (uint32_t)matches, began);
    began = now();
    for (uint32_t i = 0; i < count; i++)
        must_be(subscriptions_remove(subscriptions, &clients[i], bytes_of_text(filter), true), "not removed");
    rate("remove one by one", count, began);
    free(clients);
    subscriptions_destroy(subscriptions);
}

static bool count_found(void *context, struct message *message)
{
    (void)message;
    ++*(uint32_t *)context;
    return true;
}

static void release(void *context, struct message *message)
{
    (void)context;
    (void)message;
}

static void retained(uint32_t count)
{
    struct retained_tree *tree = retained_create(1);
    struct message message = {0};
    struct message *previous;
    char text[64];
    malloc_trim(0);
    const double before = resident();
    double began = now();
    for (uint32_t i = 0; i < count; i++)
        must_be(retained_put(tree, filter_text(i, text), &message, &previous), "not retained");
    rate("retain", count, began);
    printf("%-52s %8.0f B each\n", "  memory without messages", (resident() - before) / count);
    static const char *const filters[] = {"#", "+/+/#", "+/+/+/value"};
    for (size_t i = 0; i < 3; i++) {
        uint32_t found = 0;
        began = now();
        retained_match(tree, bytes_of_text(filters[i]), count_found, &found);
        rate(filters[i], found, began);
    }
    began = now();
    for (uint32_t i = 0; i < count; i++)
        must_be(retained_remove(tree, filter_text(i, text)) == &message, "not removed");
    rate("remove", count, began);
    retained_destroy(tree, release, NULL);
}

int main(int argc, char **argv)
{
    const uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000U;
    must_be(count >= 2000, "the count must be 2,000 or more");
    texts_alone(count);
    many_clients(count);
    one_client(count);
    one_filter(count, "a/b/c");
    one_filter(count, "$share/group/a/b/c");
    retained(count / 10 + 1);
    retained(count);
    return EXIT_SUCCESS;
}
