/* broker_model, what a client sends: which answers that asks for, and whether the broker may keep the
 * connection. */
#include <stdlib.h>

#include "broker_books.h"
#include "fuzz.h"

enum { DEAF = 64, ALL_BUT_CODES = 16 }; /* bytes */

static void goes_deaf(struct model *model, struct model_connection *connection)
{
    model->blind = true;
    connection->deaf = true;
    if (connection->session)
        connection->session->lost = true;
}

static void owe(struct model_connection *connection, enum packet_type type, uint16_t packet_identifier,
                struct bytes request, bool matters)
{
    struct model_answer *answer;
    BOOKS_ADD(connection->answers, connection->answer_count, &answer);
    *answer = (struct model_answer){.type = type,
                                    .packet_identifier = packet_identifier,
                                    .request = books_copy(request),
                                    .matters = matters};
}

/* CONNECT */

static uint64_t message_expiry(const struct model *model, const struct properties *properties)
{
    const uint32_t longest = model->settings.maximum_message_expiry;
    const uint64_t wanted = properties_has(properties, ORDINAL_MESSAGE_EXPIRY_INTERVAL)
                                ? properties->value[ORDINAL_MESSAGE_EXPIRY_INTERVAL].number
                                : MODEL_NEVER;
    return longest && wanted > longest ? longest : wanted;
}

static struct model_publication publication_of(const struct model *model, struct bytes topic,
                                               struct bytes payload, const struct properties *properties)
{
    return (struct model_publication){.content = books_hash(books_hash(BOOKS_HASH_START, topic), payload),
                                      .properties = books_hash_properties(properties),
                                      .expiry = message_expiry(model, properties)};
}

/* When it is published, and whether, is another matter. Its maximum may be another one by then, so none is
 * noted. */
static void note_will(struct model *model, const struct will *will)
{
    struct model_publication publication =
        publication_of(model, will->topic, will->payload, &will->properties);
    publication.expiry = properties_number(&will->properties, ORDINAL_MESSAGE_EXPIRY_INTERVAL, UINT32_MAX);
    if (publication.expiry == UINT32_MAX)
        publication.expiry = MODEL_NEVER;
    publication.qos = will->qos;
    publication.retain = will->retain;
    books_publish(model, NULL, publication, false);
}

static uint32_t session_expiry(const struct model *model, const struct packet *packet, uint32_t wanted)
{
    const uint32_t longest = model->settings.maximum_session_expiry;
    if (packet->version != PROTOCOL_5_0)
        wanted = packet->connect.clean_start ? 0 : UINT32_MAX;
    return longest && wanted > longest ? longest : wanted;
}

static uint32_t at_least_one(uint32_t limit)
{
    return limit ? limit : UINT16_MAX;
}

static void note_limits(struct model *model, struct model_connection *connection,
                        const struct connect *connect)
{
    const struct properties *properties = &connect->properties;
    const uint32_t ours = at_least_one(model->settings.maximum_inflight);
    const uint32_t theirs = properties_number(properties, ORDINAL_RECEIVE_MAXIMUM, UINT16_MAX);
    const uint16_t longest = model->settings.server_keep_alive;
    connection->window = theirs < ours ? theirs : ours;
    connection->maximum_packet_size = properties_number(properties, ORDINAL_MAXIMUM_PACKET_SIZE, UINT32_MAX);
    if (connection->maximum_packet_size < DEAF) {
        goes_deaf(model, connection);
        /* whatever the CONNECT does to the session, CONNACK may be too large to tell */
        struct model_session *session = books_find_session(model, connect->client_identifier);
        if (session)
            session->lost = true;
    }
    connection->alias_maximum = (uint16_t)properties_number(properties, ORDINAL_TOPIC_ALIAS_MAXIMUM, 0);
    connection->wants_problems = properties_number(properties, ORDINAL_REQUEST_PROBLEM_INFORMATION, 1) == 1;
    connection->keep_alive = connect->keep_alive;
    if (connection->version == PROTOCOL_5_0 && longest &&
        (!connect->keep_alive || connect->keep_alive > longest))
        connection->keep_alive = longest;
}

static void sends_connect(struct model *model, struct model_connection *connection,
                          const struct packet *packet)
{
    const struct connect *connect = &packet->connect;
    connection->doomed |= connection->connect_sent; /* [MQTT-3.1.0-2] */
    if (connection->connect_sent)
        return;
    connection->connect_sent = true;
    connection->clean = connect->clean_start;
    connection->client_identifier = books_copy(connect->client_identifier);
    const uint32_t wanted = properties_number(&connect->properties, ORDINAL_SESSION_EXPIRY_INTERVAL, 0);
    connection->expiry = session_expiry(model, packet, wanted);
    note_limits(model, connection, connect);
    if (connect->will.present)
        note_will(model, &connect->will);
}

/* PUBLISH */

/* The topic that is meant. NULL data: the alias says nothing. */
static struct bytes resolve(struct model_connection *connection, const struct publish *publish)
{
    const uint16_t number = (uint16_t)properties_number(&publish->properties, ORDINAL_TOPIC_ALIAS, 0);
    if (number == 0)
        return publish->topic;
    struct model_alias *alias = books_alias(connection->in_aliases, connection->in_alias_count, number);
    if (publish->topic.length == 0)
        return alias ? alias->topic : (struct bytes){NULL, 0};
    if (!alias)
        BOOKS_ADD(connection->in_aliases, connection->in_alias_count, &alias);
    fuzz_free(alias->topic);
    *alias = (struct model_alias){.topic = books_copy(publish->topic), .number = number};
    return publish->topic;
}

static bool payload_lies(const struct model *model, const struct publish *publish)
{
    size_t bad;
    return model->settings.validate_payload_format &&
           properties_number(&publish->properties, ORDINAL_PAYLOAD_FORMAT_INDICATOR, 0) == 1 &&
           utf8_check(publish->payload, &bad) != UTF8_WELL_FORMED;
}

/* Whether the identifier is that of a QoS 2 message which was not released; if not, it is from now on. */
static bool unreleased(struct model_connection *connection, uint16_t packet_identifier)
{
    for (size_t i = 0; i < connection->unreleased_count; i++)
        if (connection->unreleased[i] == packet_identifier)
            return true;
    if (connection->unreleased_count < MODEL_UNRELEASED)
        connection->unreleased[connection->unreleased_count++] = packet_identifier;
    return false;
}

static bool forbidden(const struct model *model, const struct publish *publish)
{
    return publish->qos > model->settings.maximum_qos ||
           (publish->retain && !model->settings.retain_available) ||
           properties_number(&publish->properties, ORDINAL_TOPIC_ALIAS, 0) >
               model->settings.topic_alias_maximum;
}

static void sends_publish(struct model *model, struct model_connection *connection,
                          const struct packet *packet)
{
    const struct publish *publish = &packet->publish;
    connection->doomed |= forbidden(model, publish);
    if (connection->doomed)
        return;
    const struct bytes topic = resolve(connection, publish);
    connection->doomed |= !topic.data;
    if (!topic.data)
        return;
    const bool own = topic.data[0] == '$';
    const bool lies = payload_lies(model, publish);
    connection->doomed |= publish->qos == 0 && lies && !own;
    if (publish->qos > 0)
        owe(connection, publish->qos == 1 ? PACKET_PUBACK : PACKET_PUBREC, publish->packet_identifier, topic,
            publish->qos == 1 && !own && !lies);
    if (own || lies)
        return;
    struct model_publication publication =
        publication_of(model, topic, publish->payload, &publish->properties);
    publication.qos = publish->qos;
    publication.retain = publish->retain;
    const bool again = publish->qos == 2 && unreleased(connection, publish->packet_identifier);
    if (!again || !books_publication(model, topic, publish->payload, NULL))
        books_publish(model, connection->session, publication, publish->qos < 2 || !again);
}

/* Acknowledgements */

static void forget_unreleased(struct model_connection *connection, uint16_t packet_identifier)
{
    for (size_t i = 0; i < connection->unreleased_count; i++)
        if (connection->unreleased[i] == packet_identifier)
            connection->unreleased[i] = connection->unreleased[--connection->unreleased_count];
}

/* Nothing is known to be in flight under this identifier. If there will be something before this step is
 * over, the acknowledgement may have been meant for that. */
static void note_early(struct model *model, struct model_connection *connection, uint16_t packet_identifier)
{
    if (connection->early_count < MODEL_UNRELEASED)
        connection->early[connection->early_count++] = packet_identifier;
    else
        model->blind = true;
}

static void acknowledges(struct model_connection *connection, struct model_flight *flight,
                         const struct packet *packet)
{
    const bool error = packet->acknowledgement.reason_code >= 0x80;
    const bool fits = packet->type == PACKET_PUBACK   ? flight->qos == 1
                      : packet->type == PACKET_PUBREC ? flight->qos == 2
                                                      : flight->qos == 2 && flight->released;
    connection->doomed |= !fits && !flight->unsure;
    if (!fits)
        return;
    if (packet->type != PACKET_PUBREC || (error && !flight->released)) {
        books_remove_flight(connection->session, flight);
    } else if (!error) {
        flight->released = true;
        flight->here = true;
    }
}

static void sends_acknowledgement(struct model *model, struct model_connection *connection,
                                  const struct packet *packet)
{
    const uint16_t packet_identifier = packet->acknowledgement.packet_identifier;
    const struct bytes nothing = {NULL, 0};
    if (packet->type == PACKET_PUBREL) {
        forget_unreleased(connection, packet_identifier);
        owe(connection, PACKET_PUBCOMP, packet_identifier, nothing, false);
        return;
    }
    struct model_flight *flight = books_find_flight(connection->session, packet_identifier);
    if (flight)
        acknowledges(connection, flight, packet);
    else
        note_early(model, connection, packet_identifier);
    if (packet->type == PACKET_PUBREC && packet->acknowledgement.reason_code < 0x80 && !connection->doomed)
        owe(connection, PACKET_PUBREL, packet_identifier, nothing, false);
}

/* The others */

static void sends_disconnect(struct model *model, struct model_connection *connection,
                             const struct packet *packet)
{
    const struct properties *properties = &packet->disconnect.properties;
    connection->doomed = true;
    if (packet->version != PROTOCOL_5_0 || !properties_has(properties, ORDINAL_SESSION_EXPIRY_INTERVAL))
        return;
    const uint32_t wanted = properties->value[ORDINAL_SESSION_EXPIRY_INTERVAL].number;
    if (connection->expiry == 0 && wanted > 0)
        return; /* a Protocol Error: what CONNECT said remains */
    const uint32_t longest = model->settings.maximum_session_expiry;
    connection->raised = true;
    connection->raised_expiry = longest && wanted > longest ? longest : wanted;
}

static bool subscribe_forbidden(const struct model *model, const struct packet *packet)
{
    struct subscription_request request;
    struct bytes rest = packet->subscribe.payload;
    bool wildcard = false, shared = false;
    while (subscribe_next(&rest, &request)) {
        wildcard |= memchr(request.topic_filter.data, '#', request.topic_filter.length) != NULL ||
                    memchr(request.topic_filter.data, '+', request.topic_filter.length) != NULL;
        shared |= request.topic_filter.length > 7 && memcmp(request.topic_filter.data, "$share/", 7) == 0;
    }
    const bool identifier = properties_has(&packet->subscribe.properties, ORDINAL_SUBSCRIPTION_IDENTIFIER);
    return packet->version == PROTOCOL_5_0 &&
           ((wildcard && !model->settings.wildcard_available) ||
            (shared && !model->settings.shared_available) ||
            (identifier && !model->settings.subscription_identifier_available));
}

static void sends(struct model *model, struct model_connection *connection, const struct packet *packet,
                  struct bytes whole)
{
    const struct bytes nothing = {NULL, 0};
    switch (packet->type) {
    case PACKET_CONNECT:
        sends_connect(model, connection, packet);
        return;
    case PACKET_PUBLISH:
        sends_publish(model, connection, packet);
        return;
    case PACKET_SUBSCRIBE:
        connection->doomed |= subscribe_forbidden(model, packet);
        if (packet->subscribe.count + ALL_BUT_CODES > connection->maximum_packet_size)
            goes_deaf(model, connection);
        owe(connection, PACKET_SUBACK, packet->subscribe.packet_identifier, whole, false);
        return;
    case PACKET_UNSUBSCRIBE:
        if (packet->unsubscribe.count + ALL_BUT_CODES > connection->maximum_packet_size)
            goes_deaf(model, connection);
        owe(connection, PACKET_UNSUBACK, packet->unsubscribe.packet_identifier, whole, false);
        return;
    case PACKET_PINGREQ:
        owe(connection, PACKET_PINGRESP, 0, nothing, false);
        return;
    case PACKET_DISCONNECT:
        sends_disconnect(model, connection, packet);
        return;
    case PACKET_PUBACK:
    case PACKET_PUBREC:
    case PACKET_PUBREL:
    case PACKET_PUBCOMP:
        sends_acknowledgement(model, connection, packet);
        return;
    default: /* AUTH without a method, and what only a Server sends */
        connection->doomed = true;
    }
}

/* One packet from the front of the input; false: it is not whole, or the broker must close. */
static bool take(struct model *model, struct model_connection *connection)
{
    const struct bytes input = bytes_of(connection->input.data, connection->input.length);
    size_t size = 0;
    struct verdict verdict;
    struct packet packet = {.version = PROTOCOL_UNKNOWN};
    const enum framing framing =
        packet_frame(input, connection->version, model->settings.maximum_packet_size, &size, &verdict);
    const bool connect = input.data[0] >> 4 == PACKET_CONNECT;
    connection->doomed |= framing == FRAMING_REFUSED || (!connection->connect_sent && !connect);
    if (framing != FRAMING_COMPLETE || connection->doomed)
        return false;
    connection->last_packet = model->now;
    verdict = packet_decode(&packet, connection->version, SENDER_CLIENT, bytes_of(input.data, size), NULL);
    if (!connection->connect_sent)
        connection->version = packet.version;
    connection->doomed |= verdict.refused;
    if (!connection->doomed)
        sends(model, connection, &packet, bytes_of(input.data, size));
    model_drop(&connection->input, size);
    return !connection->doomed;
}

void model_sends(struct model *model, struct model_connection *connection, struct bytes bytes)
{
    model->bytes_received += bytes.length;
    if (connection->closing)
        return;
    model_append(&connection->input, bytes);
    while (connection->input.length > 0 && take(model, connection))
        continue;
}
