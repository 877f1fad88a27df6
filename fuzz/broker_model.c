/* broker_model: the books, and what must hold at the end of a step. See the header. */
#include "broker_model.h"

#include <stdlib.h>

#include "broker_books.h"
#include "fuzz.h"
#include "naive_topics.h"

/* Memory */

void *books_grow(void *array, size_t *count, size_t element, void **grown)
{
    uint8_t *larger = array;
    if ((*count & (*count - 1)) == 0) /* full at every power of two, and at 0 */
        larger = realloc(array, (*count ? *count * 2 : 1) * element);
    if (!larger)
        exit(2);
    *grown = larger;
    void *added = larger + *count * element;
    memset(added, 0, element);
    (*count)++;
    return added;
}

struct bytes books_copy(struct bytes bytes)
{
    return fuzz_exact_copy(bytes);
}

void model_append(struct model_buffer *buffer, struct bytes bytes)
{
    if (bytes.length == 0)
        return;
    if (buffer->length + bytes.length > buffer->capacity) {
        buffer->capacity = (buffer->length + bytes.length) * 2;
        buffer->data = realloc(buffer->data, buffer->capacity);
        if (!buffer->data)
            exit(2);
    }
    memcpy(buffer->data + buffer->length, bytes.data, bytes.length);
    buffer->length += bytes.length;
}

void model_drop(struct model_buffer *buffer, size_t count)
{
    buffer->length -= count;
    if (buffer->length > 0 && count > 0)
        memmove(buffer->data, buffer->data + count, buffer->length);
}

uint64_t books_hash(uint64_t start, struct bytes bytes)
{
    uint64_t hash = (start ^ bytes.length) * 0x100000001b3U;
    for (size_t i = 0; i < bytes.length; i++)
        hash = (hash ^ bytes.data[i]) * 0x100000001b3U;
    return hash;
}

/* Sessions */

struct model_session *books_find_session(struct model *model, struct bytes client_identifier)
{
    for (size_t i = 0; i < MODEL_SESSIONS; i++) {
        struct model_session *session = &model->sessions[i];
        if (session->exists && !session->anonymous &&
            bytes_equal(session->client_identifier, client_identifier))
            return session;
    }
    return NULL;
}

static void clear_session(struct model_session *session)
{
    fuzz_free(session->client_identifier);
    free(session->flights);
    free(session->orders);
    *session = (struct model_session){.exists = false};
}

/* Places of ended sessions are not used again: publications remember who published them. */
struct model_session *books_new_session(struct model *model, struct bytes client_identifier, bool anonymous)
{
    for (size_t i = 0; i < MODEL_SESSIONS; i++) {
        struct model_session *session = &model->sessions[i];
        if (session->client_identifier.data)
            continue;
        session->exists = true;
        session->anonymous = anonymous;
        session->client_identifier = books_copy(client_identifier);
        return session;
    }
    abort(); /* there are fewer connections than places */
}

void books_end_session(struct model *model, struct model_session *session)
{
    session->exists = false;
    for (size_t i = 0; i < model->subscription_count; i++)
        if (model->subscriptions[i].session == session)
            model->subscriptions[i].live = false;
}

struct model_flight *books_find_flight(struct model_session *session, uint16_t packet_identifier)
{
    for (size_t i = 0; session && i < session->flight_count; i++)
        if (session->flights[i].packet_identifier == packet_identifier)
            return &session->flights[i];
    return NULL;
}

void books_remove_flight(struct model_session *session, struct model_flight *flight)
{
    *flight = session->flights[--session->flight_count];
}

void model_time(struct model *model, uint64_t now)
{
    model->now = now;
    for (size_t i = 0; i < MODEL_SESSIONS; i++) {
        struct model_session *session = &model->sessions[i];
        if (session->exists && !session->connection && session->expires_at <= now)
            books_end_session(model, session);
    }
}

/* Subscriptions */

static bool takes(const struct model_subscription *subscription, struct bytes topic)
{
    return naive_matches(subscription->inner, topic);
}

bool books_anybody(const struct model *model, struct bytes topic, const struct model_session *publisher)
{
    for (size_t i = 0; i < model->subscription_count; i++) {
        const struct model_subscription *subscription = &model->subscriptions[i];
        if (subscription->live && takes(subscription, topic) &&
            !(subscription->no_local && subscription->session == publisher))
            return true;
    }
    return false;
}

struct model_subscription *books_live(struct model *model, const struct model_session *session,
                                      struct bytes filter)
{
    for (size_t i = 0; i < model->subscription_count; i++) {
        struct model_subscription *subscription = &model->subscriptions[i];
        if (subscription->live && subscription->session == session &&
            bytes_equal(subscription->filter, filter))
            return subscription;
    }
    return NULL;
}

void books_subscribe(struct model *model, const struct model_connection *connection, struct bytes filter,
                     struct model_subscription subscription)
{
    struct bytes inner = filter;
    const bool shared = connection->version == PROTOCOL_5_0 && naive_is_shared(filter, &inner);
    struct model_subscription *before = books_live(model, connection->session, filter);
    if (before)
        before->live = false;
    subscription.session = connection->session;
    subscription.live = true;
    subscription.shared = shared;
    subscription.filter = books_copy(filter);
    subscription.inner = bytes_after(subscription.filter, filter.length - inner.length);
    connection->session->shared |= shared;
    struct model_subscription *added;
    BOOKS_ADD(model->subscriptions, model->subscription_count, &added);
    *added = subscription;
}

/* Publications */

uint64_t books_hash_properties(const struct properties *properties)
{
    static const enum property_ordinal unaltered[] = {ORDINAL_CONTENT_TYPE, ORDINAL_RESPONSE_TOPIC,
                                                      ORDINAL_CORRELATION_DATA};
    uint64_t hash = BOOKS_HASH_START + properties_number(properties, ORDINAL_PAYLOAD_FORMAT_INDICATOR, 2);
    for (size_t i = 0; i < sizeof unaltered / sizeof unaltered[0]; i++) {
        hash = hash * 31 + properties_has(properties, unaltered[i]);
        hash = books_hash(hash, properties_bytes(properties, unaltered[i]));
    }
    struct bytes rest = properties->repeated;
    struct string_pair pair;
    while (properties_has(properties, ORDINAL_USER_PROPERTY) && properties_next_user_property(&rest, &pair))
        hash = books_hash(books_hash(hash, pair.name), pair.value);
    return hash;
}

static uint64_t content_of(struct bytes topic, struct bytes payload)
{
    return books_hash(books_hash(BOOKS_HASH_START, topic), payload);
}

struct model_publication *books_publication(struct model *model, struct bytes topic, struct bytes payload,
                                            const struct properties *properties)
{
    const uint64_t content = content_of(topic, payload);
    const uint64_t hash = properties ? books_hash_properties(properties) : 0;
    for (size_t i = 0; i < model->publication_count; i++) {
        struct model_publication *known = &model->publications[i];
        if (known->content == content && (!properties || known->properties == hash))
            return known;
    }
    return NULL;
}

void books_publish(struct model *model, const struct model_session *publisher,
                   struct model_publication publication, bool serial)
{
    bool repeated = false;
    for (size_t i = 0; i < model->publication_count; i++) {
        struct model_publication *known = &model->publications[i];
        if (known->content != publication.content)
            continue;
        repeated = true; /* its order says nothing any more */
        known->serial = 0;
        known->retain |= publication.retain; /* clients before 5.0 cannot tell them apart */
        known->qos = publication.qos > known->qos ? publication.qos : known->qos;
        known->expiry = publication.expiry > known->expiry ? publication.expiry : known->expiry;
        known->others |= known->publisher != publisher;
        if (known->properties == publication.properties)
            return;
    }
    publication.publisher = publisher;
    publication.others = publisher == NULL || repeated;
    publication.serial = serial && !repeated ? ++model->serial : 0;
    struct model_publication *added;
    BOOKS_ADD(model->publications, model->publication_count, &added);
    *added = publication;
}

void model_publish_own(struct model *model, struct bytes topic, struct bytes payload)
{
    struct properties none;
    properties_clear(&none);
    books_publish(model, NULL,
                  (struct model_publication){.content = content_of(topic, payload),
                                             .properties = books_hash_properties(&none),
                                             .expiry = MODEL_NEVER,
                                             .retain = true},
                  false);
}

struct model_alias *books_alias(struct model_alias *aliases, size_t count, uint16_t number)
{
    for (size_t i = 0; i < count; i++)
        if (aliases[i].number == number)
            return &aliases[i];
    return NULL;
}

/* Connections */

void model_configure(struct model *model, const struct broker_settings *settings)
{
    model->settings = *settings;
    model->separate |= settings->separate_overlapping;
}

void model_opened(struct model *model, struct model_connection *connection)
{
    *connection = (struct model_connection){.open = true,
                                            .maximum_packet_size = UINT32_MAX,
                                            .last_packet = model->now,
                                            .connect_deadline = MODEL_NEVER};
    if (model->settings.connect_timeout > 0)
        connection->connect_deadline = model->now + model->settings.connect_timeout;
    model->connections_total++;
}

/* 3.1.2.11.2: from now on the session is alone. */
static void detach(struct model *model, struct model_connection *connection)
{
    struct model_session *session = connection->session;
    connection->session = NULL;
    if (!session)
        return;
    if (connection->raised && !connection->disconnect_said)
        session->expiry = connection->raised_expiry;
    session->connection = NULL;
    session->expires_at =
        session->expiry == UINT32_MAX ? MODEL_NEVER : model->now + (uint64_t)session->expiry * 1000;
    for (size_t i = 0; i < session->flight_count; i++) {
        /* what did not fit into this connection was given up */
        session->flights[i].unsure |=
            !session->flights[i].here && connection->maximum_packet_size != UINT32_MAX;
        session->flights[i].here = false;
        session->flights[i].published = false;
    }
    if (session->expiry == 0)
        books_end_session(model, session);
}

void model_closes(struct model *model, struct model_connection *connection, bool by_broker)
{
    if (connection->closing)
        return;
    connection->closing = true;
    /* its CONNACK was too large for it: whether its session is new, nobody knows */
    if (by_broker && connection->connect_sent && !connection->connack_said)
        model->blind = true;
    detach(model, connection);
}

static void clear_aliases(struct model_alias *aliases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fuzz_free(aliases[i].topic);
    free(aliases);
}

void model_closed(struct model *model, struct model_connection *connection)
{
    detach(model, connection);
    for (size_t i = 0; i < connection->answer_count; i++)
        fuzz_free(connection->answers[i].request);
    free(connection->answers);
    clear_aliases(connection->in_aliases, connection->in_alias_count);
    clear_aliases(connection->out_aliases, connection->out_alias_count);
    fuzz_free(connection->client_identifier);
    free(connection->input.data);
    *connection = (struct model_connection){.open = false};
}

void model_clear(struct model *model)
{
    for (size_t i = 0; i < MODEL_SLOTS; i++)
        model_closed(model, &model->connections[i]);
    for (size_t i = 0; i < MODEL_SESSIONS; i++)
        clear_session(&model->sessions[i]);
    for (size_t i = 0; i < model->subscription_count; i++)
        fuzz_free(model->subscriptions[i].filter);
    free(model->subscriptions);
    free(model->publications);
}

/* Checks */

static uint64_t patience_ends(const struct model_connection *connection)
{
    if (!connection->connect_sent)
        return connection->connect_deadline;
    return connection->keep_alive == 0 ? MODEL_NEVER
                                       : connection->last_packet + (uint64_t)connection->keep_alive * 1500;
}

bool model_may_close(const struct model *model, const struct model_connection *connection,
                     const struct model_connection *speaker)
{
    if (model->shutting_down || patience_ends(connection) <= model->now)
        return true;
    return speaker && speaker->connect_sent && connection->session &&
           bytes_equal(speaker->client_identifier, connection->session->client_identifier);
}

static void check_statistics(const struct model *model, const struct broker *broker)
{
    const struct broker_statistics statistics = broker_statistics(broker);
    uint64_t connections = 0, clients = 0, sessions = 0, subscriptions = 0, shared = 0;
    for (size_t i = 0; i < MODEL_SLOTS; i++) {
        connections += model->connections[i].open;
        clients += model->connections[i].session != NULL;
    }
    for (size_t i = 0; i < MODEL_SESSIONS; i++)
        sessions += model->sessions[i].exists;
    for (size_t i = 0; i < model->subscription_count; i++) {
        subscriptions += model->subscriptions[i].live;
        shared += model->subscriptions[i].live && model->subscriptions[i].shared;
    }
    REQUIRE(statistics.connections == connections);
    REQUIRE(statistics.connections_total == model->connections_total);
    REQUIRE(statistics.bytes_received == model->bytes_received);
    REQUIRE(statistics.bytes_sent == model->bytes_sent);
    if (model->blind)
        return;
    REQUIRE(statistics.clients == clients);
    REQUIRE(statistics.sessions == sessions);
    REQUIRE(statistics.subscriptions == subscriptions);
    REQUIRE(statistics.subscriptions_shared == shared);
}

/* Whoever was silent for too long has been closed, and the broker wants to be called in time for the next. */
static void check_time(const struct model *model, const struct broker *broker)
{
    const uint64_t deadline = broker_deadline(broker);
    REQUIRE(deadline >= model->now); /* a message may expire the moment it is retained */
    for (size_t i = 0; i < MODEL_SLOTS; i++) {
        const struct model_connection *connection = &model->connections[i];
        if (!connection->open || connection->closing)
            continue;
        REQUIRE(patience_ends(connection) > model->now);
        REQUIRE(deadline <= patience_ends(connection));
    }
    for (size_t i = 0; i < MODEL_SESSIONS && !model->blind; i++) {
        const struct model_session *session = &model->sessions[i];
        REQUIRE(!session->exists || session->connection || deadline <= session->expires_at);
    }
}

void model_check(const struct model *model, const struct broker *broker)
{
    check_statistics(model, broker);
    check_time(model, broker);
    for (size_t i = 0; i < MODEL_SLOTS; i++) {
        const struct model_connection *connection = &model->connections[i];
        REQUIRE(!connection->open || connection->closing ||
                !(connection->doomed || connection->refused || connection->disconnect_said));
        REQUIRE(!model->shutting_down || !connection->session);
    }
}

void model_check_answered(struct model_connection *connection)
{
    connection->early_count = 0;
    if (connection->closing || connection->deaf)
        return;
    REQUIRE(connection->answer_count == 0);
    REQUIRE(connection->connack_said || !connection->connect_sent);
}
