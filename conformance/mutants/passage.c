/* What happens to a packet on its way: framing, decoding, the mutant, and its fate. */
#include <stdlib.h>

#include "proxy.h"

struct scratch {
    struct scratch *next;
    uint64_t bytes[];
};

/* ---- Framing ------------------------------------------------------------------------------------- */

/* Cuts more patiently than packet_frame, which refuses what is wrong at the first byte: a mutant that takes
 * a malformed packet for a good one has to know where it ends. */
static enum framing frame(struct bytes input, enum protocol_version version, size_t *size)
{
    size_t length = 0;
    struct verdict verdict;
    for (size_t i = 1; i < input.length && i <= 4; i++) {
        length |= (size_t)(input.data[i] & 0x7F) << (7 * (i - 1));
        *size = 1 + i + length;
        if ((input.data[i] & 0x80) == 0 && input.length >= *size)
            return FRAMING_COMPLETE;
        if ((input.data[i] & 0x80) == 0)
            break;
        if (i == 4) /* a fifth byte of length: no end can be found */
            return FRAMING_REFUSED;
    }
    /* What is wrong already must reach the broker before it is complete: it may never be. */
    return packet_frame(input, version, 0, &(size_t){0}, &verdict) == FRAMING_REFUSED ? FRAMING_REFUSED
                                                                                      : FRAMING_INCOMPLETE;
}

/* ---- What the connection learns ------------------------------------------------------------------ */

static void keep_identifier(struct link *link, struct bytes identifier)
{
    queue_take(&link->identifier, link->identifier.length);
    queue_append(&link->identifier, identifier.data, identifier.length);
    link->connection.client_identifier = bytes_of(queue_front(&link->identifier), identifier.length);
}

static void learn_from_connect(struct link *link, const struct passage *passage)
{
    link->connection.version = passage->packet.version;
    if (passage->verdict.refused)
        return;
    link->connection.clean_start = passage->packet.connect.clean_start;
    keep_identifier(link, passage->packet.connect.client_identifier);
}

static void learn_from_connack(struct link *link, const struct passage *passage)
{
    const struct connack *connack = &passage->packet.connack;
    link->connection.accepted = connack->reason_code == 0;
    if (passage->packet.version == PROTOCOL_5_0 &&
        properties_has(&connack->properties, ORDINAL_ASSIGNED_CLIENT_IDENTIFIER))
        keep_identifier(link, properties_bytes(&connack->properties, ORDINAL_ASSIGNED_CLIENT_IDENTIFIER));
}

static void learn(const struct passage *passage)
{
    struct connection *connection = passage->connection;
    const unsigned type = passage->bytes[0] >> 4;
    const unsigned before = connection->seen[passage->side][type]++;
    if (type == PACKET_CONNECT && passage->side == FROM_CLIENT && before == 0)
        learn_from_connect(link_of(connection), passage);
    if (type == PACKET_CONNACK && passage->side == FROM_SERVER && !passage->verdict.refused)
        learn_from_connack(link_of(connection), passage);
}

/* ---- The mutant ---------------------------------------------------------------------------------- */

/* The behaviour that this connection meets, or NULL: as long as its version is not known, any mutant's. */
static const struct behaviour *behaviour_for(const struct connection *connection)
{
    static const unsigned bits[] = {
        V_ALL, [PROTOCOL_3_1] = V31, [PROTOCOL_3_1_1] = V311, [PROTOCOL_5_0] = V5};
    const struct mutant *mutant = connection->proxy->mutant;
    if (mutant == NULL || (bits[connection->version] & mutant->versions) == 0)
        return NULL;
    return mutant->behaviour;
}

static bool is_tolerated(const struct behaviour *behaviour, const struct passage *passage)
{
    if (passage->side != FROM_CLIENT || !passage->verdict.refused)
        return false;
    for (size_t i = 0; i < MAXIMUM_TOLERATED && behaviour->tolerate[i] != STATEMENT_NONE; i++)
        if (passage->verdict.statement == behaviour->tolerate[i])
            return true;
    return false;
}

/* Whether the packet is one of those that `overlooked` or `resented` describe. */
static bool is_described(const struct passage *passage, unsigned types, const char *bytes, size_t length)
{
    const unsigned bit = TYPE(passage->bytes[0] >> 4);
    return length > 0 && passage->side == FROM_CLIENT && (types == 0 || (types & bit) != 0) &&
           has_bytes(passage, bytes, length);
}

static enum fate decide(struct passage *passage)
{
    struct connection *connection = passage->connection;
    const struct behaviour *behaviour = behaviour_for(connection);
    const unsigned bit = TYPE(passage->bytes[0] >> 4);
    if (connection->pretending)
        return passage->side == FROM_CLIENT ? pretend(passage) : DROP;
    if (behaviour == NULL)
        return PASS;
    if (((passage->side == FROM_CLIENT ? behaviour->drop_from_client : behaviour->drop_from_server) & bit) !=
        0)
        return DROP;
    if (is_tolerated(behaviour, passage))
        return pretend(passage);
    if (passage->verdict.refused && is_described(passage, behaviour->overlooked.types,
                                                 behaviour->overlooked.bytes, behaviour->overlooked.length))
        return pass_over(passage);
    if (!passage->verdict.refused && is_described(passage, behaviour->resented.types,
                                                  behaviour->resented.bytes, behaviour->resented.length))
        return CLOSE;
    if (passage->side == FROM_SERVER && (behaviour->twice_from_server & bit) != 0)
        forward(passage);
    enum fate (*hook)(struct passage *) =
        passage->side == FROM_CLIENT ? behaviour->from_client : behaviour->from_server;
    return hook == NULL ? PASS : hook(passage);
}

/* ---- The fate ------------------------------------------------------------------------------------ */

static struct half *destination(const struct passage *passage)
{
    return half_towards(passage->connection, passage->side == FROM_CLIENT ? FROM_SERVER : FROM_CLIENT);
}

static void send_encoded(struct half *half, const struct packet *packet)
{
    struct packet copy = *packet;
    const enum protocol_version version = half->link->connection.version;
    copy.version = version == PROTOCOL_UNKNOWN ? PROTOCOL_3_1_1 : version;
    const size_t size = packet_encoded_size(&copy);
    void *bytes = allocate_or_die(size);
    struct writer writer = writer_into(bytes, size);
    proxy_send(half, bytes, packet_encode(&copy, &writer));
    free(bytes);
}

static void carry_out(struct passage *passage, enum fate fate)
{
    if (fate == PASS)
        proxy_send(destination(passage), passage->bytes, passage->size);
    if (fate == ENCODE)
        send_encoded(destination(passage), &passage->packet);
    if (fate == CLOSE)
        proxy_close_link(link_of(passage->connection));
}

static void free_scratch(struct proxy *proxy)
{
    while (proxy->scratch != NULL) {
        struct scratch *block = proxy->scratch;
        proxy->scratch = block->next;
        free(block);
    }
}

static enum fate deal_with(struct half *half, uint8_t *bytes, size_t size)
{
    struct passage passage = {
        .connection = &half->link->connection, .side = half->side, .bytes = bytes, .size = size};
    const enum sender sender = half->side == FROM_CLIENT ? SENDER_CLIENT : SENDER_SERVER;
    passage.verdict =
        packet_decode(&passage.packet, passage.connection->version, sender, bytes_of(bytes, size), NULL);
    learn(&passage);
    const enum fate fate = decide(&passage);
    carry_out(&passage, fate);
    free_scratch(passage.connection->proxy);
    return fate;
}

/* ---- The stream ---------------------------------------------------------------------------------- */

void passage_read(struct half *half)
{
    size_t size;
    if (frames_expected(half)) {
        frames_read(half);
        return;
    }
    while (half->input.length > 0 && !half->opaque) {
        uint8_t *bytes = queue_front(&half->input);
        struct bytes input = bytes_of(bytes, half->input.length);
        const enum framing found = frame(input, half->link->connection.version, &size);
        if (found == FRAMING_INCOMPLETE)
            return;
        if (found == FRAMING_REFUSED)
            size = input.length;
        const enum fate fate = deal_with(half, bytes, size);
        half->opaque = found == FRAMING_REFUSED && fate == PASS;
        queue_take(&half->input, size);
    }
    if (half->opaque)
        passage_end(half);
}

void passage_end(struct half *half)
{
    struct half *other = &half->link->half[half->side == FROM_CLIENT ? FROM_SERVER : FROM_CLIENT];
    proxy_send(other, queue_front(&half->input), half->input.length);
    queue_take(&half->input, half->input.length);
}

bool passage_keeps_open(struct link *link)
{
    const struct behaviour *behaviour = behaviour_for(&link->connection);
    return link->connection.pretending ||
           (behaviour != NULL && behaviour->keep_open != NULL && behaviour->keep_open(&link->connection));
}

/* ---- Words for mutants --------------------------------------------------------------------------- */

bool is_type(const struct passage *passage, enum packet_type type)
{
    return !passage->verdict.refused && passage->packet.type == type;
}

bool is_refused_by(const struct passage *passage, enum statement statement)
{
    return passage->verdict.refused && passage->verdict.statement == statement;
}

bool has_bytes(const struct passage *passage, const void *bytes, size_t length)
{
    return memmem(passage->bytes, passage->size, bytes, length) != NULL;
}

bool ends_with(struct bytes bytes, const char *text)
{
    const size_t length = strlen(text);
    return bytes.length >= length &&
           bytes_equal(bytes_after(bytes, bytes.length - length), bytes_of_text(text));
}

size_t bytes_of_begun_packet(const struct connection *connection)
{
    return ((const struct link *)connection)->half[FROM_CLIENT].input.length;
}

bool keep_all_open(const struct connection *connection)
{
    (void)connection;
    return true;
}

bool change_subscriptions(struct passage *passage, change_subscription *change)
{
    if (!is_type(passage, PACKET_SUBSCRIBE))
        return false;
    struct subscribe *subscribe = &passage->packet.subscribe;
    const size_t room = 4 * passage->size; /* a filter may have been replaced by a longer one */
    struct writer writer = writer_into(scratch(passage, room), room);
    struct bytes rest = subscribe->payload;
    struct subscription_request request;
    while (subscribe_next(&rest, &request)) {
        change(passage, &request);
        subscribe_write(&writer, &request);
    }
    subscribe->payload = bytes_of(writer.start, writer_size(&writer));
    return true;
}

void forward(struct passage *passage)
{
    proxy_send(destination(passage), passage->bytes, passage->size);
}

void send_to_client(struct connection *connection, const struct packet *packet)
{
    send_encoded(half_towards(connection, FROM_CLIENT), packet);
}

void send_to_server(struct connection *connection, const struct packet *packet)
{
    send_encoded(half_towards(connection, FROM_SERVER), packet);
}

void send_bytes_to_client(struct connection *connection, const void *bytes, size_t size)
{
    proxy_send(half_towards(connection, FROM_CLIENT), bytes, size);
}

void send_bytes_to_server(struct connection *connection, const void *bytes, size_t size)
{
    proxy_send(half_towards(connection, FROM_SERVER), bytes, size);
}

void send_bytes_to_server_later(struct connection *connection, const void *bytes, size_t size, double seconds)
{
    proxy_send_later(half_towards(connection, FROM_SERVER), bytes, size, seconds);
}

enum fate delay(struct passage *passage, double seconds)
{
    proxy_send_later(destination(passage), passage->bytes, passage->size, seconds);
    return DROP;
}

void *scratch(struct passage *passage, size_t size)
{
    struct proxy *proxy = passage->connection->proxy;
    struct scratch *block = allocate_or_die(sizeof *block + size);
    block->next = proxy->scratch;
    proxy->scratch = block;
    return block->bytes;
}

void remember(struct proxy *proxy, const char *kind, struct bytes key, struct bytes value)
{
    memory_put(&proxy->memory, kind, key, value);
}

struct bytes recall(struct proxy *proxy, const char *kind, struct bytes key)
{
    return memory_get(&proxy->memory, kind, key);
}

void forget(struct proxy *proxy, const char *kind, struct bytes key)
{
    memory_remove(&proxy->memory, kind, key);
}

struct connection *next_connection(struct proxy *proxy, struct connection *before)
{
    struct link *link = before == NULL ? proxy->links : link_of(before)->next;
    while (link != NULL && link->dead)
        link = link->next;
    return link == NULL ? NULL : &link->connection;
}
