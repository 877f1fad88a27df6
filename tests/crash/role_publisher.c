/* publisher: keeps its window full of messages. See roles.h */
#include <stdio.h>

#include "roles.h"

enum { LEAVES_ONE_IN = 150, AWAY = 20 };

struct publisher {
    unsigned data[2]; /* streams at QoS 1 and 2 */
    unsigned retained;
    unsigned cleared;
};

static unsigned choose(struct client *client)
{
    const struct publisher *publisher = client->data;
    uint32_t number = world_random(client->world, 1000);
    if (number < 2)
        return publisher->cleared;
    return number < 40 ? publisher->retained : publisher->data[number & 1];
}

static void publish(struct client *client)
{
    while (client->world->phase == PHASE_LOAD && client_may_publish(client) &&
           !world_congested(client->world))
        client_publish(client, choose(client));
}

static void connected(struct client *client, bool session_present)
{
    (void)session_present;
    publish(client);
}

static void tick(struct client *client)
{
    struct world *world = client->world;
    if (client->state != CLIENT_ON || world->phase != PHASE_LOAD)
        return;
    if (world_random(world, LEAVES_ONE_IN) == 0) {
        client->back_at = world->now + world_random(world, AWAY) * MILLISECOND;
        client_leave(client, false);
        return;
    }
    publish(client);
}

static void delivered(struct client *client, unsigned stream, uint32_t number, bool retain)
{
    (void)retain;
    role_ignore_message(client, stream, number);
}

const struct role publisher_role = {.connected = connected,
                                    .delivered = delivered,
                                    .acknowledged = role_ignore_message,
                                    .room = publish,
                                    .answered = role_ignore_answer,
                                    .lost = role_ignore,
                                    .tick = tick};

void publisher_publish_last(struct client *client)
{
    const struct publisher *publisher = client->data;
    if (client->state != CLIENT_ON)
        return;
    client_publish(client, publisher->data[0]);
    client_publish(client, publisher->data[1]);
    client_publish(client, publisher->retained);
    client_flush(client);
}

static unsigned create_stream(struct world *world, enum stream_kind kind, const char *format, unsigned index,
                              uint8_t qos, bool v5)
{
    char topic[NAME_SIZE];
    snprintf(topic, sizeof topic, format, index);
    return stream_create(&world->books, kind, qos, v5, topic);
}

void publisher_create(struct world *world, unsigned index)
{
    char id[NAME_SIZE];
    bool v5 = index & 1;
    uint8_t qos = index & 2 ? 1 : 2;
    snprintf(id, sizeof id, "publisher-%u", index);
    struct client *client = client_create(world, &publisher_role, id, v5, sizeof(struct publisher));
    struct publisher *publisher = client->data;
    publisher->data[0] = create_stream(world, STREAM_DATA, "d/1/%u", index, 1, v5);
    publisher->data[1] = create_stream(world, STREAM_DATA, "d/2/%u", index, 2, v5);
    publisher->retained = create_stream(world, STREAM_RETAINED, "r/%u", index, qos, v5);
    publisher->cleared = create_stream(world, STREAM_CLEARED, "c/%u", index, qos, v5);
    client->window = 10 + index * 50 / 8;
}
