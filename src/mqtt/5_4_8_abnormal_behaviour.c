/* 5.4.8 Detecting abnormal behaviours. Prefix: limits_ */
#include "5_4_8_abnormal_behaviour.h"

#include <assert.h>

#include "../base/line.h"
#include "4_08_subscriptions.h"
#include "broker_state.h"

/* A node of a tree, with what the allocator adds. */
enum { LEVEL_SIZE = 80, DELIVERY_SIZE = 112, COMPLAINT_INTERVAL = 10000 /* ms */ };

/* The same filter may come several times in a SUBSCRIBE. */
enum { FILTERS_IN_ANY_CASE = 65536 };

/* What a client may have that acknowledges what it gets, however much others have taken. */
enum { FEW_IN_FLIGHT = 16, SMALL = 64 * 1024 /* bytes */ };

/* What the log says, once in a while: a refusal per packet would fill the disk. */
static const char *const complaints[LIMIT_COUNT] = {
    [LIMIT_PACKET_SIZE] = "a packet is larger than max_packet_size",
    [LIMIT_FIRST_PACKET] = "a packet before CONNACK is larger than packet_max_connect",
    [LIMIT_TOPIC_LEVELS] = "a topic has more levels than max_topic_levels",
    [LIMIT_TOPIC_LENGTH] = "a topic has more bytes than max_topic_length",
    [LIMIT_USER_PROPERTIES] = "a packet has more User Properties than max_user_properties",
    [LIMIT_SESSIONS] = "there are as many sessions as global_max_clients allows",
    [LIMIT_SUBSCRIPTIONS] = "there are as many subscriptions as max_subscriptions allows",
    [LIMIT_SUBSCRIPTIONS_OF_SESSION] =
        "the client has as many subscriptions as max_subscriptions_per_client allows",
    [LIMIT_ANSWERS] =
        "the client has to read the retained messages that it asked for, before it asks for more",
    [LIMIT_RETAINED] = "there are as many retained messages as max_retained_messages allows",
    [LIMIT_RETAINED_BYTES] = "the retained messages have as many bytes as max_retained_bytes allows",
    [LIMIT_QUEUED_BYTES] = "as many bytes wait for a client as max_queued_bytes allows",
    [LIMIT_HELD_BYTES] = "as many bytes wait for all clients as max_queued_bytes_total allows",
    [LIMIT_MEMORY] = "the broker needs as much memory as memory_limit allows",
};

void limits_refused(struct broker *broker, const struct connection *connection, enum broker_limit limit)
{
    broker->statistics.refused[limit]++;
    if (broker->now < broker->next_complaint[limit])
        return;
    broker->next_complaint[limit] = broker->now + COMPLAINT_INTERVAL;
    struct line line = {0};
    line_text(&line, "refused: ");
    line_text(&line, complaints[limit]);
    line_text(&line, "; ");
    line_number(&line, broker->statistics.refused[limit]);
    line_text(&line, " times so far");
    broker_log(broker, LOG_WARNING, connection, line.text, NULL);
}

uint32_t limits_packet_size(const struct broker *broker, const struct connection *connection)
{
    const uint32_t first = broker->settings.maximum_first_packet;
    const uint32_t largest = broker->settings.maximum_packet_size;
    if (connection->state == CONNECTION_ESTABLISHED || first == 0)
        return largest;
    return largest != 0 && largest < first ? largest : first;
}

/* User Properties */

static const struct properties *properties_of(const struct packet *packet)
{
    switch (packet->type) {
    case PACKET_CONNECT:
        return &packet->connect.properties;
    case PACKET_PUBLISH:
        return &packet->publish.properties;
    case PACKET_PUBACK:
    case PACKET_PUBREC:
    case PACKET_PUBREL:
    case PACKET_PUBCOMP:
        return &packet->acknowledgement.properties;
    case PACKET_SUBSCRIBE:
        return &packet->subscribe.properties;
    case PACKET_UNSUBSCRIBE:
        return &packet->unsubscribe.properties;
    case PACKET_DISCONNECT:
        return &packet->disconnect.properties;
    case PACKET_AUTH:
        return &packet->auth.properties;
    default:
        return NULL;
    }
}

static bool has_too_many(const struct broker *broker, const struct properties *properties)
{
    const uint32_t maximum = broker->settings.maximum_user_properties;
    if (!properties || maximum == 0 || !properties_has(properties, ORDINAL_USER_PROPERTY))
        return false;
    struct bytes rest = properties->repeated;
    if (rest.length / 5 < maximum) /* the shortest has five bytes */
        return false;
    struct string_pair pair;
    uint32_t count = 0;
    while (count <= maximum && properties_next_user_property(&rest, &pair))
        count++;
    return count > maximum;
}

struct verdict limits_check_properties(struct broker *broker, const struct connection *connection,
                                       const struct packet *packet)
{
    const bool will = packet->type == PACKET_CONNECT && packet->connect.will.present;
    if (packet->version != PROTOCOL_5_0 ||
        (!has_too_many(broker, properties_of(packet)) &&
         !(will && has_too_many(broker, &packet->connect.will.properties))))
        return accept();
    limits_refused(broker, connection, LIMIT_USER_PROPERTIES);
    return refuse(packet->type == PACKET_CONNECT ? MQTT_3_1_4_2 : MQTT_4_13_2_1, REASON_QUOTA_EXCEEDED, 0,
                  "more User Properties than this Server takes");
}

/* Sessions */

struct verdict limits_check_connect(struct broker *broker, const struct connection *connection,
                                    const struct packet *packet, struct bytes client_identifier)
{
    const uint64_t most = broker->settings.maximum_sessions;
    const bool full = most != 0 && broker->statistics.sessions >= most;
    const struct will *will = &packet->connect.will;
    if (will->present && !limits_take_topic(broker, connection, will->topic))
        return refuse(MQTT_3_1_4_2, REASON_TOPIC_NAME_INVALID, 0,
                      "the Will Topic has more levels or bytes than this Server takes");
    if ((!full && !broker->memory_short) || session_find(broker, client_identifier))
        return accept();
    limits_refused(broker, connection, full ? LIMIT_SESSIONS : LIMIT_MEMORY);
    return refuse(MQTT_3_1_4_2, REASON_QUOTA_EXCEEDED, 0, /* [MQTT-3.1.4-2]; 3.1.1: return code 3 */
                  full ? "this Server has as many Sessions as it takes" : "this Server is short of memory");
}

/* Topics and subscriptions */

static uint32_t levels_of(struct bytes topic)
{
    uint32_t levels = 1;
    for (size_t i = 0; i < topic.length; i++)
        levels += topic.data[i] == '/';
    return levels;
}

/* Which limit a topic exceeds; LIMIT_COUNT: none. */
static enum broker_limit exceeded_by_topic(const struct broker *broker, struct bytes topic)
{
    const uint32_t levels = broker->settings.maximum_topic_levels;
    const uint32_t length = broker->settings.maximum_topic_length;
    if (length != 0 && topic.length > length)
        return LIMIT_TOPIC_LENGTH;
    return levels != 0 && topic.length >= levels && levels_of(topic) > levels ? LIMIT_TOPIC_LEVELS
                                                                              : LIMIT_COUNT;
}

bool limits_take_topic(struct broker *broker, const struct connection *connection, struct bytes topic)
{
    const enum broker_limit exceeded = exceeded_by_topic(broker, topic);
    if (exceeded != LIMIT_COUNT)
        limits_refused(broker, connection, exceeded);
    return exceeded == LIMIT_COUNT;
}

uint32_t limits_filters(const struct broker *broker)
{
    const uint32_t most = broker->settings.maximum_subscriptions_of_session;
    if (most == 0)
        return UINT32_MAX;
    return most > FILTERS_IN_ANY_CASE ? most : FILTERS_IN_ANY_CASE;
}

/* Which limit a subscription more would exceed; LIMIT_COUNT: none. */
static enum broker_limit exceeded_by(const struct broker *broker, const struct session *session,
                                     struct bytes topic_filter)
{
    const struct broker_settings *settings = &broker->settings;
    const uint64_t weight = limits_weight(levels_of(topic_filter));
    if (settings->maximum_subscriptions_of_session != 0 &&
        session->subscriber.weight + weight > settings->maximum_subscriptions_of_session)
        return LIMIT_SUBSCRIPTIONS_OF_SESSION;
    if (settings->maximum_subscriptions != 0 &&
        subscriptions_weight(broker->subscriptions) + weight > settings->maximum_subscriptions)
        return LIMIT_SUBSCRIPTIONS;
    return broker->memory_short ? LIMIT_MEMORY : LIMIT_COUNT;
}

enum reason_code limits_subscribe(struct broker *broker, const struct connection *connection,
                                  struct bytes topic_filter)
{
    const struct session *session = connection->session;
    if (!limits_take_topic(broker, connection, topic_filter))
        return REASON_TOPIC_FILTER_INVALID;
    const enum broker_limit exceeded = exceeded_by(broker, session, topic_filter);
    if (exceeded == LIMIT_COUNT ||
        subscriptions_has(broker->subscriptions, &session->subscriber, topic_filter,
                          connection_is_5_0(connection))) /* it only gets other options */
        return REASON_SUCCESS;
    limits_refused(broker, connection, exceeded);
    return REASON_QUOTA_EXCEEDED;
}

/* Messages */

uint64_t limits_message_size(const struct message *message)
{
    return sizeof *message + message->topic_length + message->properties_length + message->payload_length;
}

uint64_t limits_retained_size(const struct message *message)
{
    return limits_message_size(message) + (uint64_t)levels_of(message_topic(message)) * LEVEL_SIZE;
}

static uint64_t publication_size(const struct publication *publication)
{
    return sizeof(struct message) + publication->topic.length + publication->properties.length +
           publication->payload.length;
}

/* The broker's own topics are few, and needed most when others have taken too much. */
static bool is_own(const struct publication *publication)
{
    return publication->topic.data[0] == '$';
}

bool limits_retain(struct broker *broker, const struct connection *connection,
                   const struct publication *publication)
{
    const struct broker_settings *settings = &broker->settings;
    const uint64_t added =
        publication_size(publication) + (uint64_t)levels_of(publication->topic) * LEVEL_SIZE;
    const bool many =
        settings->maximum_retained != 0 && retained_count(broker->retained) >= settings->maximum_retained;
    const bool large = settings->maximum_retained_bytes != 0 &&
                       broker->retained_bytes + added > settings->maximum_retained_bytes;
    if (publication->payload.length == 0 || is_own(publication) || !(many || large || broker->memory_short))
        return true;
    const struct message *previous = retained_get(broker->retained, publication->topic);
    const uint64_t removed = previous ? limits_retained_size(previous) : 0;
    if (previous && (added <= removed ||
                     (!broker->memory_short &&
                      (settings->maximum_retained_bytes == 0 ||
                       broker->retained_bytes + added - removed <= settings->maximum_retained_bytes))))
        return true;
    limits_refused(broker, connection,
                   large                  ? LIMIT_RETAINED_BYTES
                   : broker->memory_short ? LIMIT_MEMORY
                                          : LIMIT_RETAINED);
    return false;
}

bool limits_hold(struct broker *broker, const struct session *session, const struct publication *publication,
                 bool at_once)
{
    const uint64_t most = broker->settings.maximum_held_bytes;
    const uint64_t added =
        publication->shared && publication->shared->deliveries > 0 ? 0 : publication_size(publication);
    const bool full = most != 0 && broker->held_bytes + added + DELIVERY_SIZE > most;
    if (!full && !broker->memory_short)
        return true;
    if (at_once && session_flows(session)->inflight.count < FEW_IN_FLIGHT && added <= SMALL)
        return true;
    limits_refused(broker, session->connection, full ? LIMIT_HELD_BYTES : LIMIT_MEMORY);
    return false;
}

void limits_held(struct broker *broker, struct message *message)
{
    broker->held_bytes += DELIVERY_SIZE + (message->deliveries++ == 0 ? limits_message_size(message) : 0);
}

void limits_let_go(struct broker *broker, struct message *message)
{
    assert(message->deliveries > 0);
    broker->held_bytes -= DELIVERY_SIZE + (--message->deliveries == 0 ? limits_message_size(message) : 0);
}

/* Restoring */

static void warn_if_more(struct broker *broker, uint64_t number, uint64_t most, const char *what,
                         const char *keyword)
{
    if (most == 0 || number <= most)
        return;
    struct line line = {0};
    line_text(&line, "the store holds ");
    line_number(&line, number);
    line_text(&line, what);
    line_text(&line, keyword);
    line_text(&line, " allows (");
    line_number(&line, most);
    line_text(&line, "): all of it was loaded, nothing more is taken before there is less");
    broker_log(broker, LOG_WARNING, NULL, line.text, NULL);
}

void limits_restored(struct broker *broker)
{
    const struct broker_settings *settings = &broker->settings;
    warn_if_more(broker, broker->statistics.sessions, settings->maximum_sessions, " sessions, more than ",
                 "global_max_clients");
    warn_if_more(broker, subscriptions_weight(broker->subscriptions), settings->maximum_subscriptions,
                 " subscriptions, more than ", "max_subscriptions");
    warn_if_more(broker, retained_count(broker->retained), settings->maximum_retained,
                 " retained messages, more than ", "max_retained_messages");
    warn_if_more(broker, broker->retained_bytes, settings->maximum_retained_bytes,
                 " bytes of retained messages, more than ", "max_retained_bytes");
    warn_if_more(broker, broker->held_bytes, settings->maximum_held_bytes,
                 " bytes of messages that wait, more than ", "max_queued_bytes_total");
}
