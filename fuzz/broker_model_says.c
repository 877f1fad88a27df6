/* broker_model, what the broker says: whether the client may be told that. */
#include <stdlib.h>

#include "broker_books.h"
#include "fuzz.h"
#include "naive_topics.h"

/* Answers */

/* The oldest answer of this type that is owed: the broker gives them in order. */
static struct model_answer take_answer(struct model_connection *connection, enum packet_type type)
{
    for (size_t i = 0; i < connection->answer_count; i++) {
        if (connection->answers[i].type != type)
            continue;
        const struct model_answer answer = connection->answers[i];
        connection->answer_count--;
        memmove(&connection->answers[i], &connection->answers[i + 1],
                (connection->answer_count - i) * sizeof answer);
        return answer;
    }
    return (struct model_answer){.type = PACKET_RESERVED};
}

/* The identifier of that answer; 0: none is owed. */
static uint16_t owed(const struct model_connection *connection, enum packet_type type)
{
    for (size_t i = 0; i < connection->answer_count; i++)
        if (connection->answers[i].type == type)
            return connection->answers[i].packet_identifier;
    return 0;
}

static struct packet decode_request(const struct model_connection *connection,
                                    const struct model_answer *answer)
{
    struct packet request;
    REQUIRE(!packet_decode(&request, connection->version, SENDER_CLIENT, answer->request, NULL).refused);
    return request;
}

/* 3.1 has no word for a subscription that is not allowed: SUBACK looks as for QoS 0. */
static bool is_granted_in_form(const struct model *model, const struct model_connection *connection,
                               struct bytes filter)
{
    return connection->version == PROTOCOL_3_1 && !model->settings.wildcard_available &&
           (memchr(filter.data, '#', filter.length) != NULL ||
            memchr(filter.data, '+', filter.length) != NULL);
}

static void says_suback(struct model *model, struct model_connection *connection, const struct suback *suback)
{
    const struct model_answer answer = take_answer(connection, PACKET_SUBACK);
    REQUIRE(answer.type == PACKET_SUBACK && answer.packet_identifier == suback->packet_identifier);
    const struct packet request = decode_request(connection, &answer);
    REQUIRE(suback->reason_codes.length == request.subscribe.count);
    const uint32_t identifier =
        properties_number(&request.subscribe.properties, ORDINAL_SUBSCRIPTION_IDENTIFIER, 0);
    struct bytes rest = request.subscribe.payload;
    struct subscription_request asked;
    for (size_t i = 0; subscribe_next(&rest, &asked); i++) {
        const uint8_t code = suback->reason_codes.data[i];
        REQUIRE(code >= 0x80 || (code <= asked.qos && code <= model->settings.maximum_qos));
        REQUIRE(connection->version == PROTOCOL_5_0 || code <= 0x80);
        REQUIRE(connection->version != PROTOCOL_3_1 || code < 0x80);
        const bool in_form = is_granted_in_form(model, connection, asked.topic_filter);
        REQUIRE(!in_form || code == 0);
        if (code < 0x80 && !in_form)
            books_subscribe(model, connection, asked.topic_filter,
                            (struct model_subscription){
                                .no_local = asked.no_local, .qos = code, .identifier = identifier});
    }
    fuzz_free(answer.request);
}

static void says_unsuback(struct model *model, struct model_connection *connection,
                          const struct suback *unsuback)
{
    const bool five = connection->version == PROTOCOL_5_0;
    const struct model_answer answer = take_answer(connection, PACKET_UNSUBACK);
    REQUIRE(answer.type == PACKET_UNSUBACK && answer.packet_identifier == unsuback->packet_identifier);
    const struct packet request = decode_request(connection, &answer);
    REQUIRE(unsuback->reason_codes.length == (five ? request.unsubscribe.count : 0));
    struct bytes rest = request.unsubscribe.payload;
    struct bytes filter;
    for (size_t i = 0; unsubscribe_next(&rest, &filter); i++) {
        struct model_subscription *live = books_live(model, connection->session, filter);
        if (five && !model->blind)
            REQUIRE(unsuback->reason_codes.data[i] == (live ? 0x00 : 0x11));
        if (live)
            live->live = false;
    }
    fuzz_free(answer.request);
}

static void says_acknowledgement(struct model *model, struct model_connection *connection,
                                 const struct packet *packet)
{
    const uint16_t packet_identifier = packet->acknowledgement.packet_identifier;
    const uint8_t code = packet->acknowledgement.reason_code;
    if (packet->type == PACKET_PUBREL && owed(connection, PACKET_PUBREL) != packet_identifier) {
        if (connection->session->lost)
            return; /* of a message that nobody knows of */
        /* once more on a new connection, 4.4 */
        struct model_flight *flight = books_find_flight(connection->session, packet_identifier);
        REQUIRE(flight && (flight->released || flight->unsure) && !flight->here);
        flight->here = true;
        return;
    }
    const struct model_answer answer = take_answer(connection, packet->type);
    REQUIRE(answer.type == packet->type && answer.packet_identifier == packet_identifier);
    if (packet->type == PACKET_PUBACK || packet->type == PACKET_PUBREC) {
        const bool known =
            answer.matters && code < 0x80 && connection->version == PROTOCOL_5_0 && !model->blind;
        const bool anybody = books_anybody(model, answer.request, connection->session);
        REQUIRE(!known || (code == 0x10) == !anybody);
        REQUIRE(code != 0x10 || model->blind || !anybody);
    }
    fuzz_free(answer.request);
}

static void says_pingresp(struct model_connection *connection)
{
    const struct model_answer answer = take_answer(connection, PACKET_PINGRESP);
    REQUIRE(answer.type == PACKET_PINGRESP);
    fuzz_free(answer.request);
}

/* CONNACK */

static bool was_early(const struct model_connection *connection, uint16_t packet_identifier)
{
    for (size_t i = 0; i < connection->early_count; i++)
        if (connection->early[i] == packet_identifier)
            return true;
    return false;
}

static struct bytes identifier_in_force(const struct model_connection *connection,
                                        const struct connack *connack)
{
    const struct bytes assigned = properties_bytes(&connack->properties, ORDINAL_ASSIGNED_CLIENT_IDENTIFIER);
    if (connection->version == PROTOCOL_5_0)
        REQUIRE((assigned.length > 0) == (connection->client_identifier.length == 0));
    return assigned.length > 0 ? assigned : connection->client_identifier;
}

static void says_connack(struct model *model, struct model_connection *connection,
                         const struct connack *connack)
{
    REQUIRE(!connection->connack_said); /* once */
    REQUIRE(connack->reason_code == 0 || !connack->session_present);
    connection->connack_said = true;
    connection->refused = connack->reason_code != 0;
    if (connection->refused)
        return;
    REQUIRE(connection->connect_sent && !model->shutting_down);
    const struct bytes identifier = identifier_in_force(connection, connack);
    struct model_session *session = identifier.length > 0 ? books_find_session(model, identifier) : NULL;
    REQUIRE(!session || !session->connection); /* who had it before is closed [MQTT-3.1.4-3] */
    bool present = session && !connection->clean;
    /* we may have missed the end of the session, and 3.1 does not tell whether it has ended */
    const bool untold = model->blind && present && connection->version == PROTOCOL_3_1;
    if (model->blind && present)
        present = connack->session_present;
    if (session && !present)
        books_end_session(model, session);
    if (!present)
        session = books_new_session(model, identifier, identifier.length == 0);
    if (!model->blind)
        REQUIRE(connack->session_present == (present && connection->version != PROTOCOL_3_1));
    session->connection = connection;
    session->expiry = connection->expiry;
    connection->session = session;
    session->lost |= connection->deaf || untold;
    for (size_t i = 0; i < session->flight_count; i++)
        session->flights[i].unsure |= was_early(connection, session->flights[i].packet_identifier);
    const uint32_t told = connection->version == PROTOCOL_5_0
                              ? properties_number(&connack->properties, ORDINAL_SERVER_KEEP_ALIVE, UINT32_MAX)
                              : UINT32_MAX;
    REQUIRE(told == UINT32_MAX || told == connection->keep_alive);
}

/* PUBLISH */

/* The Topic Name that is meant: one that was told before, or is now. */
static struct bytes resolve(struct model_connection *connection, const struct publish *publish)
{
    if (!properties_has(&publish->properties, ORDINAL_TOPIC_ALIAS)) {
        REQUIRE(publish->topic.length > 0);
        return publish->topic;
    }
    const uint16_t number = (uint16_t)publish->properties.value[ORDINAL_TOPIC_ALIAS].number;
    REQUIRE(number >= 1 && number <= connection->alias_maximum); /* [MQTT-3.1.2-26] */
    struct model_alias *alias = books_alias(connection->out_aliases, connection->out_alias_count, number);
    if (publish->topic.length == 0) {
        REQUIRE(alias);
        return alias->topic;
    }
    if (!alias)
        BOOKS_ADD(connection->out_aliases, connection->out_alias_count, &alias);
    fuzz_free(alias->topic);
    *alias = (struct model_alias){.topic = books_copy(publish->topic), .number = number};
    return alias->topic;
}

/* Every Subscription Identifier belongs to a subscription that matches. */
static void check_identifiers(const struct model *model, const struct model_session *session,
                              const struct publish *publish, struct bytes topic)
{
    struct bytes rest = publish->properties.repeated;
    uint32_t identifier;
    while (properties_has(&publish->properties, ORDINAL_SUBSCRIPTION_IDENTIFIER) &&
           properties_next_subscription_identifier(&rest, &identifier)) {
        bool known = false;
        for (size_t i = 0; i < model->subscription_count && !known; i++) {
            const struct model_subscription *subscription = &model->subscriptions[i];
            known = subscription->session == session && subscription->identifier == identifier &&
                    naive_matches(subscription->inner, topic);
        }
        REQUIRE(known);
    }
}

/* A subscription that this session has, or had, asked for such a message. */
static void check_wanted(const struct model *model, const struct model_session *session,
                         const struct publish *publish, struct bytes topic,
                         const struct model_publication *publication)
{
    bool wanted = false;
    uint8_t qos = 0;
    for (size_t i = 0; i < model->subscription_count; i++) {
        const struct model_subscription *subscription = &model->subscriptions[i];
        if (subscription->session != session || !naive_matches(subscription->inner, topic))
            continue;
        qos = subscription->qos > qos ? subscription->qos : qos;
        wanted |= !subscription->no_local || publish->retain || publication->others ||
                  publication->publisher != session;
    }
    REQUIRE(wanted);
    REQUIRE(publish->qos <= qos);
    check_identifiers(model, session, publish, topic);
}

static void check_content(const struct publish *publish, const struct model_publication *publication,
                          bool five)
{
    REQUIRE(publish->qos <= publication->qos);
    REQUIRE(!publish->retain || publication->retain);
    if (!five)
        return;
    const uint64_t expiry = properties_has(&publish->properties, ORDINAL_MESSAGE_EXPIRY_INTERVAL)
                                ? publish->properties.value[ORDINAL_MESSAGE_EXPIRY_INTERVAL].number
                                : MODEL_NEVER;
    REQUIRE(expiry <= publication->expiry);
}

/* [MQTT-4.6.0-6] Messages of one topic and QoS come in the order in which they were published, and, unless
 * subscriptions are served separately, once. */
static void check_order(const struct model *model, struct model_session *session,
                        const struct publish *publish, struct bytes topic,
                        const struct model_publication *publication)
{
    if (publish->retain || publish->dup || publication->serial == 0 || session->shared || model->blind)
        return;
    const uint64_t hash = books_hash(BOOKS_HASH_START, topic);
    struct model_order *order = NULL;
    for (size_t i = 0; i < session->order_count && !order; i++)
        if (session->orders[i].topic == hash && session->orders[i].qos == publish->qos)
            order = &session->orders[i];
    if (!order)
        BOOKS_ADD(session->orders, session->order_count, &order);
    REQUIRE(publication->serial > order->serial || (model->separate && publication->serial == order->serial));
    *order = (struct model_order){.topic = hash, .qos = publish->qos, .serial = publication->serial};
}

/* [MQTT-4.9.0-2] */
static void check_window(const struct model_connection *connection)
{
    uint32_t count = 0;
    for (size_t i = 0; i < connection->session->flight_count; i++)
        count += connection->session->flights[i].published && !connection->session->flights[i].unsure;
    REQUIRE(count <= connection->window);
}

static void check_flight(struct model_connection *connection, const struct publish *publish)
{
    struct model_session *session = connection->session;
    struct model_flight *flight = books_find_flight(session, publish->packet_identifier);
    REQUIRE(publish->packet_identifier != 0);
    if (publish->dup) /* only what was in flight when the client came back [MQTT-4.4.0-1] */
        REQUIRE(flight &&
                (flight->unsure || (!flight->here && !flight->released && flight->qos == publish->qos)));
    else if (flight) /* too large for this connection, and so given up [MQTT-3.1.2-25] */
        REQUIRE(flight->unsure || (!flight->here && connection->maximum_packet_size != UINT32_MAX));
    if (!flight)
        BOOKS_ADD(session->flights, session->flight_count, &flight);
    *flight = (struct model_flight){.packet_identifier = publish->packet_identifier,
                                    .qos = publish->qos,
                                    .here = true,
                                    .published = true,
                                    .unsure = was_early(connection, publish->packet_identifier)};
    check_window(connection);
}

static void says_publish(struct model *model, struct model_connection *connection,
                         const struct publish *publish)
{
    const bool five = connection->version == PROTOCOL_5_0;
    const struct bytes topic = resolve(connection, publish);
    const struct model_publication *publication =
        books_publication(model, topic, publish->payload, five ? &publish->properties : NULL);
    REQUIRE(publication); /* nobody has published that */
    check_content(publish, publication, five);
    if (!model->blind)
        check_wanted(model, connection->session, publish, topic, publication);
    check_order(model, connection->session, publish, topic, publication);
    if (publish->qos > 0 && !connection->session->lost)
        check_flight(connection, publish);
}

/* All */

/* Reason String and User Properties where they are not wanted [MQTT-3.1.2-29]. */
static void check_diagnostics(const struct model_connection *connection, const struct properties *properties)
{
    REQUIRE(connection->wants_problems || !properties_has(properties, ORDINAL_REASON_STRING));
    REQUIRE(connection->wants_problems || !properties_has(properties, ORDINAL_USER_PROPERTY));
}

static void says(struct model *model, struct model_connection *connection, const struct packet *packet)
{
    REQUIRE((packet->type == PACKET_CONNACK) == !connection->connack_said);
    REQUIRE(!connection->refused && !connection->disconnect_said);
    REQUIRE(packet->size <= connection->maximum_packet_size); /* [MQTT-3.1.2-24] */
    if (connection->deaf && packet->type != PACKET_CONNACK) {
        connection->disconnect_said = packet->type == PACKET_DISCONNECT;
        return;
    }
    switch (packet->type) {
    case PACKET_CONNACK:
        says_connack(model, connection, &packet->connack);
        return;
    case PACKET_PUBLISH:
        says_publish(model, connection, &packet->publish);
        return;
    case PACKET_SUBACK:
        check_diagnostics(connection, &packet->suback.properties);
        says_suback(model, connection, &packet->suback);
        return;
    case PACKET_UNSUBACK:
        check_diagnostics(connection, &packet->suback.properties);
        says_unsuback(model, connection, &packet->suback);
        return;
    case PACKET_PINGRESP:
        says_pingresp(connection);
        return;
    case PACKET_DISCONNECT:
        connection->disconnect_said = true;
        return;
    default:
        REQUIRE(packet->type >= PACKET_PUBACK && packet->type <= PACKET_PUBCOMP);
        check_diagnostics(connection, &packet->acknowledgement.properties);
        says_acknowledgement(model, connection, packet);
    }
}

/* A CONNECT that could not be read is answered in the form that the broker takes it for; a CONNACK before
 * 5.0 has two bytes. */
static enum protocol_version version_of(const struct model_connection *connection, struct bytes packet)
{
    if (connection->version != PROTOCOL_UNKNOWN)
        return connection->version;
    return packet.length == 4 ? PROTOCOL_3_1_1 : PROTOCOL_5_0;
}

void model_says(struct model *model, struct model_connection *connection, struct bytes bytes)
{
    while (bytes.length > 0) {
        size_t size = 0;
        struct verdict verdict;
        struct packet packet;
        REQUIRE(packet_frame(bytes, PROTOCOL_UNKNOWN, 0, &size, &verdict) == FRAMING_COMPLETE);
        const struct bytes whole = bytes_of(bytes.data, size);
        verdict = packet_decode(&packet, version_of(connection, whole), SENDER_SERVER, whole, NULL);
        REQUIRE(!verdict.refused);
        says(model, connection, &packet);
        bytes = bytes_after(bytes, size);
    }
}
