/* client: see client.h */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "forge.h"

enum {
    READ_SIZE = 65536,
    /* Packet Identifiers are few, so that each is used again soon: what the broker remembers wrongly shows
     * at once. */
    IDENTIFIERS_USED = WINDOW + 8,
    PUBLISH_BYTE = PACKET_PUBLISH << 4,
    DUP_FLAG = 8,
    PROPERTY_SESSION_EXPIRY = 17,
    PROPERTY_WILL_DELAY = 24,
    PROPERTY_RECEIVE_MAXIMUM = 33,
    PROPERTY_USER = 38,
    REASON_NOT_FOUND = 0x92,
    REASON_FAILURE = 0x80
};

struct client *client_create(struct world *world, const struct role *role, const char *id, bool v5,
                             size_t data_size)
{
    struct client *client = calloc(1, sizeof *client);
    uint64_t *held = calloc(IDENTIFIERS, sizeof *held);
    uint32_t *seen = calloc(IDENTIFIERS, sizeof *seen);
    void *data = calloc(1, data_size + 1);
    if (!client || !held || !seen || !data || world->client_count == CLIENTS)
        abort();
    *client = (struct client){.world = world,
                              .role = role,
                              .data = data,
                              .v5 = v5,
                              .expiry = 7200,
                              .receive_maximum = 100,
                              .hold = 1,
                              .socket = -1,
                              .window = WINDOW,
                              .held = held,
                              .seen = seen};
    snprintf(client->id, sizeof client->id, "%s", id);
    world->clients[world->client_count++] = client;
    return client;
}

void client_free(struct client *client)
{
    if (client->socket >= 0)
        close(client->socket);
    buffer_free(&client->input);
    buffer_free(&client->output);
    free(client->held);
    free(client->seen);
    free(client->data);
    free(client);
}

static void judge_flow(struct client *client, bool good, const char *what, uint16_t packet_identifier)
{
    books_judge(&client->world->books, CHECK_FLOW, good, "%s: %s, Packet Identifier %u", client->id, what,
                packet_identifier);
}

/* The connection */

static void lost(struct client *client)
{
    if (client->state == CLIENT_OFF)
        return;
    close(client->socket);
    client->socket = -1;
    client->was_on = client->state == CLIENT_ON;
    client->state = CLIENT_OFF;
    client->input.length = 0;
    client->output.length = 0;
    client->due_count = 0;
    client->inflight = 0;
    client->watching_output = false;
    if (client->request != 0)
        client->request_retried = true;
    client->request = 0;
    client->role->lost(client);
}

static void watch(struct client *client, bool output)
{
    struct epoll_event event = {.events = EPOLLIN | (output ? EPOLLOUT : 0U), .data.ptr = client};
    epoll_ctl(client->world->epoll, EPOLL_CTL_MOD, client->socket, &event);
    client->watching_output = output;
}

/* An error in writing is no reason to stop reading: acknowledgements may still be there to be read, and
 * they count. */
void client_flush(struct client *client)
{
    if (client->state == CLIENT_OFF || client->output.length == 0)
        return;
    ssize_t sent = send(client->socket, client->output.bytes, client->output.length, MSG_NOSIGNAL);
    if (sent > 0)
        buffer_drop(&client->output, (size_t)sent);
    else if (sent < 0 && errno != EAGAIN)
        client->output.length = 0;
    bool more = client->output.length > 0;
    if (more != client->watching_output)
        watch(client, more);
}

static void put_connect_properties(struct client *client)
{
    struct buffer *output = &client->output;
    put_u8(output, 8);
    put_u8(output, PROPERTY_SESSION_EXPIRY);
    put_u32(output, client->expiry);
    put_u8(output, PROPERTY_RECEIVE_MAXIMUM);
    put_u16(output, client->receive_maximum);
}

static void put_will(struct client *client)
{
    const struct books *books = &client->world->books;
    const struct will *will = &client->will;
    if (client->v5) {
        put_u8(&client->output, 5);
        put_u8(&client->output, PROPERTY_WILL_DELAY);
        put_u32(&client->output, will->delay);
    }
    struct buffer payload = {0};
    stream_payload(books, will->stream, will->number, &payload);
    put_text(&client->output, books->streams[will->stream].topic);
    put_u16(&client->output, (unsigned)payload.length);
    buffer_add(&client->output, payload.bytes, payload.length);
    buffer_free(&payload);
}

static void put_connect(struct client *client)
{
    const struct will *will = &client->will;
    unsigned clean = client->clean || (!client->v5 && client->expiry == 0) ? 2 : 0;
    unsigned will_flags = 0;
    if (will->present)
        will_flags = 4U | (unsigned)client->world->books.streams[will->stream].qos << 3;
    size_t mark = packet_begin(&client->output, PACKET_CONNECT << 4);
    put_text(&client->output, "MQTT");
    put_u8(&client->output, client->v5 ? 5 : 4);
    put_u8(&client->output, clean | will_flags);
    put_u16(&client->output, 0);
    if (client->v5)
        put_connect_properties(client);
    put_text(&client->output, client->id);
    if (will->present)
        put_will(client);
    packet_end(&client->output, mark);
}

void client_connect(struct client *client)
{
    struct world *world = client->world;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(world->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) {
        close(descriptor);
        return;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    epoll_ctl(world->epoll, EPOLL_CTL_ADD, descriptor, &event);
    client->socket = descriptor;
    client->state = CLIENT_ASKED;
    client->asked_at = world->now;
    client->connections++;
    if (client->role->prepare)
        client->role->prepare(client);
    put_connect(client);
    watch(client, true);
}

void client_leave(struct client *client, bool disconnect)
{
    if (disconnect && client->state == CLIENT_ON) {
        packet_end(&client->output, packet_begin(&client->output, PACKET_DISCONNECT << 4));
        client_flush(client);
    }
    lost(client);
}

/* Messages of its own */

static struct outgoing *find_outgoing(struct client *client, uint16_t packet_identifier)
{
    for (unsigned i = 0; i < client->outgoing_count; i++) {
        if (client->outgoing[i].packet_identifier == packet_identifier)
            return &client->outgoing[i];
    }
    return NULL;
}

static uint16_t next_identifier(struct client *client)
{
    do {
        client->last_identifier = (uint16_t)(client->last_identifier % IDENTIFIERS_USED + 1);
    } while (find_outgoing(client, client->last_identifier) || client->last_identifier == client->request);
    return client->last_identifier;
}

static void remove_outgoing(struct client *client, struct outgoing *outgoing)
{
    size_t after = (size_t)(client->outgoing + client->outgoing_count - (outgoing + 1));
    memmove(outgoing, outgoing + 1, after * sizeof *outgoing);
    client->outgoing_count--;
}

static void put_user_property(struct client *client, uint32_t number)
{
    char text[16];
    int length = snprintf(text, sizeof text, "%u", number);
    put_u8(&client->output, (unsigned)length + 6);
    put_u8(&client->output, PROPERTY_USER);
    put_text(&client->output, "n");
    put_text(&client->output, text);
}

static void put_publish(struct client *client, const struct outgoing *outgoing, bool dup)
{
    const struct books *books = &client->world->books;
    const struct stream *stream = &books->streams[outgoing->stream];
    bool retain = stream->kind == STREAM_RETAINED || stream->kind == STREAM_CLEARED;
    unsigned flags = (unsigned)stream->qos << 1 | (dup ? DUP_FLAG : 0U) | (retain ? 1U : 0U);
    char topic[NAME_SIZE];
    stream_topic(stream, outgoing->number, topic);
    size_t mark = packet_begin(&client->output, PUBLISH_BYTE | flags);
    put_text(&client->output, topic);
    put_u16(&client->output, outgoing->packet_identifier);
    if (client->v5 && outgoing->number % 4 == 0)
        put_user_property(client, outgoing->number);
    else if (client->v5)
        put_u8(&client->output, 0);
    stream_payload(books, outgoing->stream, outgoing->number, &client->output);
    packet_end(&client->output, mark);
}

bool client_may_publish(const struct client *client)
{
    return client->state == CLIENT_ON && client->outgoing_count < client->window &&
           client->output.length < READ_SIZE;
}

void client_publish(struct client *client, unsigned stream)
{
    uint16_t packet_identifier = next_identifier(client);
    struct outgoing *outgoing = &client->outgoing[client->outgoing_count++];
    *outgoing = (struct outgoing){.stream = stream, .packet_identifier = packet_identifier};
    outgoing->number = stream_send(&client->world->books, stream);
    put_publish(client, outgoing, false);
}

static void resend(struct client *client)
{
    for (unsigned i = 0; i < client->outgoing_count; i++) {
        struct outgoing *outgoing = &client->outgoing[i];
        if (outgoing->released) {
            put_answer(&client->output, PACKET_PUBREL << 4 | 2, outgoing->packet_identifier, 0);
            outgoing->resent = true;
            client->world->statistics.released_again++;
        } else {
            put_publish(client, outgoing, true);
            client->world->statistics.published_again++;
        }
    }
}

/* The session has gone, though it ought not to: what the broker has not confirmed is published anew, and
 * what it has confirmed is its own affair. */
static void restart_session(struct client *client)
{
    memset(client->held, 0, IDENTIFIERS * sizeof *client->held);
    for (unsigned i = client->outgoing_count; i-- > 0;) {
        if (client->outgoing[i].released)
            remove_outgoing(client, &client->outgoing[i]);
    }
    for (unsigned i = 0; i < client->outgoing_count; i++)
        put_publish(client, &client->outgoing[i], false);
}

/* What comes in */

static void judge_session(struct client *client, bool present)
{
    struct world *world = client->world;
    if (client->judges_itself)
        return;
    if (client->clean || client->expiry == 0) {
        /* a session without expiry may still be there when its connection was not seen to end */
        bool certain = client->clean || client->run != world->books.run || !client->v5;
        if (certain)
            books_judge(&world->books, CHECK_FRESH, !present && !world_forge(world, FORGE_STALE),
                        "%s found a session", client->id);
    } else if (client->confirmed) {
        books_judge(&world->books, CHECK_SESSION, present && !world_forge(world, FORGE_SESSION),
                    "%s found no session", client->id);
    }
}

static void take_connack(struct client *client, const struct packet *packet)
{
    struct world *world = client->world;
    struct reader body = packet->body;
    bool present = get_u8(&body) & 1;
    uint8_t reason = get_u8(&body);
    struct properties properties = {.receive_maximum = UINT16_MAX};
    if (client->v5)
        properties = get_properties(&body);
    bool good = !body.bad && reason == 0 && client->state == CLIENT_ASKED;
    books_judge(&world->books, CHECK_ANSWERS, good, "%s: CONNACK refuses with %u", client->id, reason);
    if (!good) {
        client->back_at = world->now + 10 * MILLISECOND;
        lost(client);
        return;
    }
    if (world->run_confirms == 0)
        world->run_confirms = world->now;
    judge_session(client, present);
    world->statistics.sessions += present;
    if (client->clean && client->confirmed)
        world_trap(world, PACKET_RESERVED);
    client->state = CLIENT_ON;
    client->run = world->books.run;
    if (client->window > properties.receive_maximum)
        client->window = properties.receive_maximum;
    if (present)
        resend(client);
    else
        restart_session(client);
    client->confirmed = client->expiry > 0;
    client->role->connected(client, present);
}

static void answer(struct client *client, enum packet_type type, unsigned flags, uint16_t packet_identifier,
                   uint8_t reason)
{
    unsigned at = client->due_count++;
    client->due[at].first_byte = (uint8_t)((unsigned)type << 4 | flags);
    client->due[at].packet_identifier = packet_identifier;
    client->due[at].reason = reason;
}

static void release_answers(struct client *client)
{
    for (unsigned i = 0; i < client->due_count; i++) {
        uint8_t first_byte = client->due[i].first_byte;
        uint16_t packet_identifier = client->due[i].packet_identifier;
        put_answer(&client->output, first_byte, packet_identifier, client->due[i].reason);
        bool finished = first_byte >> 4 != PACKET_PUBREC;
        if (finished && client->seen[packet_identifier] == client->connections) {
            client->seen[packet_identifier] = 0;
            client->inflight--;
        }
    }
    client->due_count = 0;
}

/* Receive Maximum, section 4.9: counts what came on this connection and was not finished. */
static void count_inflight(struct client *client, const struct publish *publish)
{
    uint16_t packet_identifier = publish->packet_identifier;
    if (client->seen[packet_identifier] == client->connections) {
        judge_flow(client, false, "a PUBLISH before the one before it was finished", packet_identifier);
        return;
    }
    client->seen[packet_identifier] = client->connections;
    client->inflight++;
    judge_flow(client, !client->v5 || client->inflight <= client->receive_maximum,
               "more than Receive Maximum", packet_identifier);
}

static void deliver(struct client *client, unsigned stream, uint32_t number, bool retain)
{
    if (client->book)
        forge_receive(client, stream, number);
    client->role->delivered(client, stream, number, retain);
}

/* Section 4.3.3, method of the receiver: the message counts when it first comes, its identifier is held
 * until PUBREL. */
static void take_qos_2(struct client *client, const struct publish *publish, unsigned stream, uint32_t number)
{
    struct world *world = client->world;
    uint64_t message = (uint64_t)stream << 32 | number;
    uint64_t *held = &client->held[publish->packet_identifier];
    answer(client, PACKET_PUBREC, 0, publish->packet_identifier, 0);
    if (*held == 0) {
        *held = message;
        deliver(client, stream, number, publish->retain);
        return;
    }
    world->statistics.redelivered++;
    bool dup = publish->dup && !world_forge(world, FORGE_DUP);
    books_judge(
        &world->books, CHECK_RESENT, *held == message && dup,
        "%s holds Packet Identifier %u for number %u of stream %u, and got number %u of stream %u, DUP %d",
        client->id, publish->packet_identifier, (uint32_t)*held, (unsigned)(*held >> 32), number, stream,
        dup);
}

static void take_publish(struct client *client, const struct packet *packet)
{
    struct publish publish;
    unsigned stream;
    uint32_t number;
    if (!packet_publish(packet, client->v5, &publish)) {
        judge_flow(client, false, "a malformed PUBLISH", 0);
        return;
    }
    if (publish.qos > 0)
        count_inflight(client, &publish);
    if (publish.payload.left == 0) { /* a deletion, as it passes by */
        if (publish.qos > 0)
            answer(client, publish.qos == 1 ? PACKET_PUBACK : PACKET_PUBREC, 0, publish.packet_identifier, 0);
        return;
    }
    if (client->world->books.run > 1 && world_forge(client->world, FORGE_ALTER))
        publish.payload.left--;
    bool known = stream_recognise(&client->world->books, client->id, client->v5, &publish, &stream, &number);
    if (publish.qos == 2 && known) {
        take_qos_2(client, &publish, stream, number);
        return;
    }
    if (publish.qos > 0)
        answer(client, publish.qos == 1 ? PACKET_PUBACK : PACKET_PUBREC, 0, publish.packet_identifier, 0);
    client->world->statistics.dup_1 += publish.dup;
    if (known)
        deliver(client, stream, number, publish.retain);
}

static void take_pubrel(struct client *client, const struct packet *packet)
{
    struct reader body = packet->body;
    uint16_t packet_identifier = get_u16(&body);
    bool known = client->held[packet_identifier] != 0;
    judge_flow(client, packet->flags == 2 && !body.bad, "a malformed PUBREL", packet_identifier);
    client->held[packet_identifier] = 0;
    client->world->statistics.rereleased += !known;
    answer(client, PACKET_PUBCOMP, 0, packet_identifier, !known && client->v5 ? REASON_NOT_FOUND : 0);
}

/* Reads PUBACK, PUBREC or PUBCOMP and finds what it's about. NULL (and judged): nothing. */
static struct outgoing *take_answer(struct client *client, const struct packet *packet, uint8_t qos,
                                    bool released, uint8_t *reason)
{
    struct reader body = packet->body;
    uint16_t packet_identifier = get_u16(&body);
    *reason = client->v5 && body.left > 0 ? get_u8(&body) : 0;
    struct outgoing *outgoing = find_outgoing(client, packet_identifier);
    bool good = outgoing && client->world->books.streams[outgoing->stream].qos == qos &&
                outgoing->released == released;
    judge_flow(client, good && !body.bad, "an acknowledgement that fits nothing", packet_identifier);
    return good ? outgoing : NULL;
}

static void acknowledged(struct client *client, const struct outgoing *outgoing, uint8_t reason)
{
    struct books *books = &client->world->books;
    books_judge(books, CHECK_ANSWERS, reason < REASON_FAILURE, "%s: number %u of %s refused with 0x%02x",
                client->id, outgoing->number, books->streams[outgoing->stream].topic, reason);
    if (reason < REASON_FAILURE) {
        stream_acknowledged(books, outgoing->stream, outgoing->number);
        client->role->acknowledged(client, outgoing->stream, outgoing->number);
    }
    if (client_may_publish(client))
        client->role->room(client);
}

static void take_puback(struct client *client, const struct packet *packet)
{
    uint8_t reason;
    struct outgoing *outgoing = take_answer(client, packet, 1, false, &reason);
    if (!outgoing)
        return;
    struct outgoing finished = *outgoing;
    remove_outgoing(client, outgoing);
    stream_completed(&client->world->books, finished.stream, finished.number);
    acknowledged(client, &finished, reason);
}

static void take_pubrec(struct client *client, const struct packet *packet)
{
    uint8_t reason;
    struct outgoing *outgoing = take_answer(client, packet, 2, false, &reason);
    if (!outgoing)
        return;
    struct outgoing taken = *outgoing;
    if (reason < REASON_FAILURE) {
        outgoing->released = true;
        put_answer(&client->output, PACKET_PUBREL << 4 | 2, taken.packet_identifier, 0);
    } else {
        remove_outgoing(client, outgoing);
    }
    acknowledged(client, &taken, reason);
}

static void take_pubcomp(struct client *client, const struct packet *packet)
{
    uint8_t reason;
    struct outgoing *outgoing = take_answer(client, packet, 2, true, &reason);
    if (!outgoing)
        return;
    /* after a PUBREL that is sent again the broker may have forgotten the identifier already */
    judge_flow(client, reason == 0 || (reason == REASON_NOT_FOUND && outgoing->resent),
               "PUBCOMP with a Reason Code", outgoing->packet_identifier);
    stream_completed(&client->world->books, outgoing->stream, outgoing->number);
    remove_outgoing(client, outgoing);
    if (client_may_publish(client))
        client->role->room(client);
}

static void take_request_answer(struct client *client, const struct packet *packet)
{
    struct reader body = packet->body;
    uint16_t packet_identifier = get_u16(&body);
    if (client->v5)
        get_properties(&body);
    uint8_t reason = body.left > 0 ? get_u8(&body) : 0;
    bool good = client->request == packet_identifier && packet_identifier != 0 && !body.bad;
    judge_flow(client, good, "SUBACK or UNSUBACK for nothing", packet_identifier);
    books_judge(&client->world->books, CHECK_ANSWERS, reason < REASON_FAILURE, "%s: %s refused with 0x%02x",
                client->id, packet->type == PACKET_SUBACK ? "SUBSCRIBE" : "UNSUBSCRIBE", reason);
    if (!good)
        return;
    client->request = 0;
    client->role->answered(client, packet->type, reason);
    client->request_retried = false;
}

static void take_nothing(struct client *client, const struct packet *packet)
{
    judge_flow(client, packet->type == PACKET_DISCONNECT && client->v5, "a packet that no server sends", 0);
}

static void take(struct client *client, const struct packet *packet)
{
    static void (*const takers[PACKET_TYPES])(struct client *, const struct packet *) = {
        [PACKET_CONNACK] = take_connack,       [PACKET_PUBLISH] = take_publish,
        [PACKET_PUBACK] = take_puback,         [PACKET_PUBREC] = take_pubrec,
        [PACKET_PUBREL] = take_pubrel,         [PACKET_PUBCOMP] = take_pubcomp,
        [PACKET_SUBACK] = take_request_answer, [PACKET_UNSUBACK] = take_request_answer,
    };
    client->world->packets++;
    client->world->total++;
    world_trap(client->world, packet->type);
    if (takers[packet->type])
        takers[packet->type](client, packet);
    else
        take_nothing(client, packet);
    if (client->due_count >= client->hold || client->due_count == DUE)
        release_answers(client);
}

/* Takes all whole packets. A role may end the connection in the middle. */
static void take_all(struct client *client)
{
    size_t at = 0;
    struct packet packet;
    size_t size = 0;
    uint32_t connection = client->connections;
    while (client->state != CLIENT_OFF && client->connections == connection) {
        enum packet_found found =
            packet_take(client->input.bytes + at, client->input.length - at, &packet, &size);
        if (found == PACKET_BROKEN) {
            judge_flow(client, false, "bytes that are no packet", 0);
            lost(client);
            return;
        }
        if (found == PACKET_INCOMPLETE)
            break;
        at += size;
        take(client, &packet);
    }
    if (client->state != CLIENT_OFF)
        buffer_drop(&client->input, at);
}

enum gulp { GULP_SOME, GULP_NONE, GULP_END };

static enum gulp gulp(struct client *client)
{
    uint8_t *room = buffer_room(&client->input, READ_SIZE);
    ssize_t count = recv(client->socket, room, READ_SIZE, 0);
    if (count < 0)
        return errno == EAGAIN ? GULP_NONE : GULP_END;
    if (count == 0)
        return GULP_END;
    client->input.length += (size_t)count;
    take_all(client);
    return GULP_SOME;
}

void client_ready(struct client *client, uint32_t events)
{
    if (client->state == CLIENT_OFF)
        return;
    enum gulp got = events & (EPOLLIN | EPOLLHUP | EPOLLERR) ? gulp(client) : GULP_NONE;
    if (got == GULP_END)
        lost(client);
    else
        client_flush(client);
}

void client_finish(struct client *client)
{
    while (client->state != CLIENT_OFF && gulp(client) == GULP_SOME)
        ;
    lost(client);
}

/* Subscriptions */

static size_t begin_request(struct client *client, unsigned first_byte)
{
    client->request = next_identifier(client);
    client->request_since = client->world->now;
    size_t mark = packet_begin(&client->output, first_byte);
    put_u16(&client->output, client->request);
    if (client->v5)
        put_u8(&client->output, 0);
    return mark;
}

void client_subscribe(struct client *client, const struct filter *filters, unsigned count)
{
    size_t mark = begin_request(client, PACKET_SUBSCRIBE << 4 | 2);
    for (unsigned i = 0; i < count; i++) {
        put_text(&client->output, filters[i].text);
        put_u8(&client->output, filters[i].qos);
    }
    packet_end(&client->output, mark);
}

void client_unsubscribe(struct client *client, const char *filter)
{
    size_t mark = begin_request(client, PACKET_UNSUBSCRIBE << 4 | 2);
    put_text(&client->output, filter);
    packet_end(&client->output, mark);
}

/* Time */

static void give_up(struct client *client, const char *what)
{
    books_judge(&client->world->books, CHECK_ANSWERS, false, "%s: no %s in time", client->id, what);
    lost(client);
}

void client_tick(struct client *client)
{
    struct world *world = client->world;
    if (client->state == CLIENT_OFF && world->port != 0 && client->back_at <= world->now)
        client_connect(client);
    else if (client->state == CLIENT_ASKED && world->now - client->asked_at > world->patience)
        give_up(client, "CONNACK");
    else if (client->state == CLIENT_ON && client->request != 0 &&
             world->now - client->request_since > world->patience)
        give_up(client, "SUBACK or UNSUBACK");
    if (client->state == CLIENT_ON)
        release_answers(client);
    client->role->tick(client);
    client_flush(client);
}
