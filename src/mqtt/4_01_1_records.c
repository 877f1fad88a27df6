/* 4.1.1 Storing Session State: the form of the records. Prefix: record_
 *
 *   table           value
 *   meta            number 8
 *   sessions        flags 1 | expires at 8 | expiry interval 4 | [User Name: length 2, text] | Client Identifier
 *   subscriptions   options 1 | Subscription Identifier 4, 0 = none | share group 8
 *   messages        flags 1 | expires at 8 | Topic Name, properties and payload as in a PUBLISH of MQTT 5.0
 *   deliveries      flags 1 | state 1 | session 8 | message 8 | share group 8 | Packet Identifier 2 |
 *                   Subscription Identifiers, 4 each
 *   received        (nothing)
 *   wills           flags 1 | message 8 | due 8 | delay 4 | expiry interval 4
 *
 * The fields have fixed places as far as possible, so that a hexadecimal dump can be read with this comment.
 * The Subscription Options are those of 3.8.3.1. */
#include "4_01_1_records.h"

#include <assert.h>

#include "../base/reader.h"
#include "../base/writer.h"
#include "2_2_2_properties.h"
#include "4_03_qos_flows.h"
#include "4_07_topics.h"

#define FLAG_QOS 0x03U /* in every first byte but that of a session */

#define SESSION_CONNECTED 0x01U
#define SESSION_OF_USER 0x02U

#define OPTION_NO_LOCAL 0x04U
#define OPTION_RETAIN_AS_PUBLISHED 0x08U
#define OPTION_RETAIN_HANDLING 4U /* bits to shift */
#define OPTIONS_RESERVED 0xC0U

#define MESSAGE_RETAINED 0x04U
#define DELIVERY_RETAIN 0x04U
#define DELIVERY_SENT 0x08U
#define WILL_RETAIN 0x04U

#define IDENTIFIER_SIZE 4U /* bytes of a Subscription Identifier */

/* Static, so that the lengths need no counting at run time. */
static const struct bytes meta_names[] = {
    [META_FORMAT] = {(const uint8_t *)"format", 6},
    [META_ALIVE] = {(const uint8_t *)"alive", 5},
};
enum { META_COUNT = sizeof meta_names / sizeof *meta_names };

/* Integers */

static inline void put_8(struct writer *writer, uint64_t value)
{
    uint8_t bytes[8];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(value >> (56 - 8 * i));
    write_raw(writer, bytes, sizeof bytes);
}

static inline void put_4(struct writer *writer, uint32_t value)
{
    const uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                              (uint8_t)value};
    write_raw(writer, bytes, sizeof bytes);
}

static inline void put_2(struct writer *writer, uint16_t value)
{
    const uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    write_raw(writer, bytes, sizeof bytes);
}

static inline uint64_t take_8(struct reader *reader)
{
    return reader_integer(reader, 8);
}

static inline uint32_t take_4(struct reader *reader)
{
    return (uint32_t)reader_integer(reader, 4);
}

static inline uint16_t take_2(struct reader *reader)
{
    return (uint16_t)reader_integer(reader, 2);
}

static inline uint8_t take_1(struct reader *reader)
{
    return (uint8_t)reader_integer(reader, 1);
}

static inline unsigned flag(bool value, unsigned bit)
{
    return value ? bit : 0;
}

/* A check of a reader that has read its last field. */
static inline const char *wrong_length(const struct reader *reader, const char *too_short,
                                       const char *too_long)
{
    if (reader->short_of)
        return too_short;
    return reader->at == reader->end ? NULL : too_long;
}

static inline const char *wrong_value_length(const struct reader *value)
{
    return wrong_length(value, "the value is too short", "the value is too long");
}

/* Keys */

static void put_meta_key(struct writer *writer, const struct record *record)
{
    const struct bytes name = meta_names[record->meta.meta];
    write_raw(writer, name.data, name.length);
}

static void put_session_key(struct writer *writer, const struct record *record)
{
    put_8(writer, record->session.session);
}

static void put_subscription_key(struct writer *writer, const struct record *record)
{
    const struct bytes filter = record->subscription.topic_filter;
    put_8(writer, record->subscription.session);
    write_raw(writer, filter.data, filter.length);
}

static void put_message_key(struct writer *writer, const struct record *record)
{
    put_8(writer, record->message.message);
}

static void put_delivery_key(struct writer *writer, const struct record *record)
{
    put_8(writer, record->delivery.delivery);
}

static void put_received_key(struct writer *writer, const struct record *record)
{
    put_8(writer, record->received.session);
    put_2(writer, record->received.packet_identifier);
}

static void put_will_key(struct writer *writer, const struct record *record)
{
    put_8(writer, record->will.session);
}

/* Meta: what concerns the store as a whole */

static void put_meta(struct writer *writer, const struct record *record)
{
    put_8(writer, record->meta.number);
}

static const char *check_meta(const struct record_meta *meta)
{
    if (meta->meta == META_FORMAT && meta->number > RECORD_FORMAT)
        return "the store was written by a newer version, whose format this one does not know";
    if (meta->meta == META_FORMAT && meta->number == 0)
        return "there is no format 0";
    if (meta->meta == META_ALIVE && meta->number == MOMENT_NEVER)
        return "\"alive\" is no moment";
    return NULL;
}

static const char *read_meta(struct reader *key, struct reader *value, struct record *record)
{
    struct record_meta *meta = &record->meta;
    const struct bytes name = reader_rest(key);
    meta->number = take_8(value);
    for (unsigned i = 0; i < META_COUNT; i++) {
        if (!bytes_equal(name, meta_names[i]))
            continue;
        meta->meta = (enum meta)i;
        const char *wrong = wrong_value_length(value);
        return wrong ? wrong : check_meta(meta);
    }
    return "nothing of this name is known";
}

/* Sessions */

static void put_session(struct writer *writer, const struct record *record)
{
    const struct record_session *session = &record->session;
    write_byte(writer, (uint8_t)(flag(session->connected, SESSION_CONNECTED) |
                                 flag(session->has_user_name, SESSION_OF_USER)));
    put_8(writer, session->expires_at);
    put_4(writer, session->expiry_interval);
    if (session->has_user_name)
        write_string(writer, session->user_name);
    write_raw(writer, session->client_identifier.data, session->client_identifier.length);
}

static const char *check_utf8(struct bytes text)
{
    size_t bad;
    switch (utf8_check(text, &bad)) {
    case UTF8_WELL_FORMED:
        return NULL;
    case UTF8_NUL:
        return "a text contains U+0000";
    default:
        return "a text is not well-formed UTF-8";
    }
}

static const char *check_client_identifier(struct bytes identifier)
{
    if (identifier.length == 0) /* to an empty one the broker assigned another */
        return "the Client Identifier is empty";
    if (identifier.length > UINT16_MAX)
        return "the Client Identifier is longer than 65,535 bytes";
    return check_utf8(identifier);
}

static const char *read_session(struct reader *key, struct reader *value, struct record *record)
{
    struct record_session *session = &record->session;
    session->session = take_8(key);
    const unsigned flags = take_1(value);
    session->connected = flags & SESSION_CONNECTED;
    session->expires_at = take_8(value);
    session->expiry_interval = take_4(value);
    session->has_user_name = flags & SESSION_OF_USER;
    session->user_name = session->has_user_name ? reader_take(value, take_2(value)) : bytes_of(NULL, 0);
    session->client_identifier = reader_rest(value);
    if (value->short_of)
        return "the value is too short";
    if (flags & ~(SESSION_CONNECTED | SESSION_OF_USER))
        return "unknown flags";
    const char *wrong = check_utf8(session->user_name);
    if (wrong)
        return wrong;
    const bool stays = session->connected || session->expiry_interval == UINT32_MAX;
    if (stays != (session->expires_at == MOMENT_NEVER))
        return stays ? "a session that does not expire has a moment at which it does"
                     : "a session that expires has no moment at which it does";
    return check_client_identifier(session->client_identifier);
}

/* Subscriptions */

static void put_subscription(struct writer *writer, const struct record *record)
{
    const struct record_subscription *subscription = &record->subscription;
    write_byte(writer, (uint8_t)(subscription->qos | flag(subscription->no_local, OPTION_NO_LOCAL) |
                                 flag(subscription->retain_as_published, OPTION_RETAIN_AS_PUBLISHED) |
                                 (unsigned)subscription->retain_handling << OPTION_RETAIN_HANDLING));
    put_4(writer, subscription->identifier);
    put_8(writer, subscription->group);
}

static const char *check_subscription(const struct record_subscription *subscription)
{
    if (subscription->qos > 2)
        return "the QoS is 3";
    if (subscription->retain_handling > 2)
        return "Retain Handling is 3";
    if (subscription->identifier > VARIABLE_BYTE_INTEGER_MAXIMUM)
        return "the Subscription Identifier is too large";
    return NULL;
}

/* Before MQTT 5.0 "$share/..." is a filter like others: whether it is shared the record itself says. */
static const char *check_filter(const struct record_subscription *subscription)
{
    const struct bytes filter = subscription->topic_filter;
    const bool shared = subscription->group != 0;
    struct bytes name;
    struct bytes inner;
    if (filter.length > TOPIC_MAXIMUM_LENGTH)
        return "the Topic Filter is longer than 65,535 bytes";
    if (shared && !topic_filter_shared(filter, &name, &inner))
        return "a subscription in a share group has a Topic Filter that is not shared";
    if (shared && subscription->no_local)
        return "a Shared Subscription has No Local";
    const char *wrong = check_utf8(filter);
    return wrong ? wrong : topic_filter_check(filter, shared ? PROTOCOL_5_0 : PROTOCOL_3_1_1, 0).what;
}

static const char *read_subscription(struct reader *key, struct reader *value, struct record *record)
{
    struct record_subscription *subscription = &record->subscription;
    subscription->session = take_8(key);
    subscription->topic_filter = reader_rest(key);
    const unsigned options = take_1(value);
    subscription->qos = options & FLAG_QOS;
    subscription->no_local = options & OPTION_NO_LOCAL;
    subscription->retain_as_published = options & OPTION_RETAIN_AS_PUBLISHED;
    subscription->retain_handling = options >> OPTION_RETAIN_HANDLING & 3U;
    subscription->identifier = take_4(value);
    subscription->group = take_8(value);
    const char *wrong = wrong_value_length(value);
    if (wrong)
        return wrong;
    if (options & OPTIONS_RESERVED)
        return "unknown flags";
    wrong = check_subscription(subscription);
    return wrong ? wrong : check_filter(subscription);
}

/* Messages */

static size_t message_size(const struct record_message *message)
{
    return 2 + message->topic.length + variable_byte_integer_size((uint32_t)message->properties.length) +
           message->properties.length + message->payload.length;
}

static void put_message(struct writer *writer, const struct record *record)
{
    const struct record_message *message = &record->message;
    write_byte(writer, (uint8_t)(message->qos | flag(message->retained, MESSAGE_RETAINED)));
    put_8(writer, message->expires_at);
    write_string(writer, message->topic);
    write_variable_byte_integer(writer, (uint32_t)message->properties.length);
    write_raw(writer, message->properties.data, message->properties.length);
    write_raw(writer, message->payload.data, message->payload.length);
}

/* Takes Property Length and the properties, which are those of a PUBLISH from a client. Of these the expiry
 * has become a moment, and a Topic Alias ended with the connection that it came on. */
static const char *take_properties(struct reader *value, struct bytes *wire)
{
    *wire = bytes_of(NULL, 0);
    if (reader_left(value) > 0 && *value->at == 0) { /* none, as usual */
        value->at++;
        return NULL;
    }
    struct decoder decoder = {.start = value->at,
                              .at = value->at,
                              .end = value->end,
                              .version = PROTOCOL_5_0,
                              .sender = SENDER_CLIENT,
                              .type = PACKET_PUBLISH};
    struct properties properties;
    const struct verdict verdict = properties_decode(&decoder, CONTEXT_PUBLISH, &properties);
    if (verdict.refused)
        return verdict.what;
    if (properties_has(&properties, ORDINAL_MESSAGE_EXPIRY_INTERVAL))
        return "Message Expiry Interval among the properties";
    if (properties_has(&properties, ORDINAL_TOPIC_ALIAS))
        return "Topic Alias among the properties";
    *wire = properties.wire;
    value->at = decoder.at;
    return NULL;
}

static const char *read_message(struct reader *key, struct reader *value, struct record *record)
{
    struct record_message *message = &record->message;
    message->message = take_8(key);
    const unsigned flags = take_1(value);
    message->qos = flags & FLAG_QOS;
    message->retained = flags & MESSAGE_RETAINED;
    message->expires_at = take_8(value);
    message->topic = reader_take(value, take_2(value));
    if (value->short_of)
        return "the value is too short";
    if (flags & ~(FLAG_QOS | MESSAGE_RETAINED))
        return "unknown flags";
    if (message->qos > 2)
        return "the QoS is 3";
    const char *wrong = check_utf8(message->topic);
    if (!wrong)
        wrong = topic_name_check(message->topic, PROTOCOL_5_0, 0).what;
    if (!wrong)
        wrong = take_properties(value, &message->properties);
    if (wrong)
        return wrong;
    message->payload = reader_rest(value);
    if (message->retained && message->payload.length == 0) /* [MQTT-3.3.1-6] such a message removes one */
        return "a retained message without payload";
    return NULL;
}

/* Deliveries */

static void put_identifiers(struct writer *writer, const struct record_delivery *delivery)
{
    if (!delivery->native_identifiers) {
        assert(delivery->identifiers.length == (size_t)IDENTIFIER_SIZE * delivery->identifier_count);
        write_raw(writer, delivery->identifiers.data, delivery->identifiers.length);
        return;
    }
    for (unsigned i = 0; i < delivery->identifier_count; i++)
        put_4(writer, delivery->native_identifiers[i]);
}

static void put_delivery(struct writer *writer, const struct record *record)
{
    const struct record_delivery *delivery = &record->delivery;
    write_byte(writer, (uint8_t)(delivery->qos | flag(delivery->retain, DELIVERY_RETAIN) |
                                 flag(delivery->sent, DELIVERY_SENT)));
    write_byte(writer, delivery->state);
    put_8(writer, delivery->session);
    put_8(writer, delivery->message);
    put_8(writer, delivery->group);
    put_2(writer, delivery->packet_identifier);
    put_identifiers(writer, delivery);
}

/* The QoS that each state belongs to, as bits. */
static const uint8_t state_qos[SENDER_STATE_COUNT] = {
    [SENDER_QUEUED] = 1U << 1 | 1U << 2,
    [SENDER_AWAIT_PUBACK] = 1U << 1,
    [SENDER_AWAIT_PUBREC] = 1U << 2,
    [SENDER_AWAIT_PUBCOMP] = 1U << 2,
};

static const char *check_delivery(const struct record_delivery *delivery)
{
    if (delivery->session == 0)
        return "session 0 does not exist";
    if (delivery->qos != 1 && delivery->qos != 2)
        return "the QoS is neither 1 nor 2";
    if (delivery->state >= SENDER_STATE_COUNT)
        return "unknown state";
    if (!(state_qos[delivery->state] >> delivery->qos & 1U))
        return "the state belongs to the other QoS";
    if (delivery->packet_identifier != 0 && delivery->state == SENDER_QUEUED)
        return "a queued message has a Packet Identifier";
    if (delivery->packet_identifier == 0 && delivery->state != SENDER_QUEUED)
        return "a message in flight has no Packet Identifier";
    if (delivery->message == 0 && delivery->state != SENDER_AWAIT_PUBCOMP)
        return "the message is missing";
    return NULL;
}

static const char *check_identifiers(const struct record_delivery *delivery)
{
    for (unsigned i = 0; i < delivery->identifier_count; i++) {
        const uint32_t identifier = record_identifier(delivery, (uint16_t)i);
        if (identifier == 0 || identifier > VARIABLE_BYTE_INTEGER_MAXIMUM)
            return "a Subscription Identifier is 0 or too large";
    }
    return NULL;
}

static const char *read_delivery(struct reader *key, struct reader *value, struct record *record)
{
    struct record_delivery *delivery = &record->delivery;
    delivery->delivery = take_8(key);
    const unsigned flags = take_1(value);
    delivery->qos = flags & FLAG_QOS;
    delivery->retain = flags & DELIVERY_RETAIN;
    delivery->sent = flags & DELIVERY_SENT;
    delivery->state = take_1(value);
    delivery->session = take_8(value);
    delivery->message = take_8(value);
    delivery->group = take_8(value);
    delivery->packet_identifier = take_2(value);
    delivery->native_identifiers = NULL;
    delivery->identifiers = reader_rest(value);
    if (value->short_of)
        return "the value is too short";
    const size_t count = delivery->identifiers.length / IDENTIFIER_SIZE;
    if (delivery->identifiers.length % IDENTIFIER_SIZE != 0 || count > UINT16_MAX)
        return "the Subscription Identifiers have an odd length";
    delivery->identifier_count = (uint16_t)count;
    if (flags & ~(FLAG_QOS | DELIVERY_RETAIN | DELIVERY_SENT))
        return "unknown flags";
    const char *wrong = check_delivery(delivery);
    return wrong ? wrong : check_identifiers(delivery);
}

uint32_t record_identifier(const struct record_delivery *delivery, uint16_t index)
{
    assert(index < delivery->identifier_count);
    struct reader reader = reader_of(bytes_after(delivery->identifiers, (size_t)index * IDENTIFIER_SIZE));
    return take_4(&reader);
}

/* Received: QoS 2, PUBREL outstanding */

static void put_received(struct writer *writer, const struct record *record)
{
    (void)writer, (void)record;
}

static const char *read_received(struct reader *key, struct reader *value, struct record *record)
{
    record->received.session = take_8(key);
    record->received.packet_identifier = take_2(key);
    if (record->received.packet_identifier == 0)
        return key->short_of ? "the key is too short" : "Packet Identifier 0 does not exist";
    return wrong_value_length(value);
}

/* Wills */

static void put_will(struct writer *writer, const struct record *record)
{
    const struct record_will *will = &record->will;
    write_byte(writer, (uint8_t)(will->qos | flag(will->retain, WILL_RETAIN)));
    put_8(writer, will->message);
    put_8(writer, will->due);
    put_4(writer, will->delay);
    put_4(writer, will->expiry_interval);
}

static const char *read_will(struct reader *key, struct reader *value, struct record *record)
{
    struct record_will *will = &record->will;
    will->session = take_8(key);
    const unsigned flags = take_1(value);
    will->qos = flags & FLAG_QOS;
    will->retain = flags & WILL_RETAIN;
    will->message = take_8(value);
    will->due = take_8(value);
    will->delay = take_4(value);
    will->expiry_interval = take_4(value);
    const char *wrong = wrong_value_length(value);
    if (wrong)
        return wrong;
    if (flags & ~(FLAG_QOS | WILL_RETAIN))
        return "unknown flags";
    if (will->qos > 2)
        return "the QoS is 3";
    return will->message == 0 ? "the message is missing" : NULL;
}

/* All tables */

struct form {
    const char *name;
    uint8_t key_size; /* bytes at fixed places; for the rest see key_size() and value_size() */
    uint8_t value_size;
    bool numbered; /* the key begins with a number, which is never 0 */
    bool by_session;
    void (*put_key)(struct writer *writer, const struct record *record);
    void (*put_value)(struct writer *writer, const struct record *record);
    /* The reader of the key holds at least key_size bytes. */
    const char *(*read)(struct reader *key, struct reader *value, struct record *record);
};

static const struct form forms[TABLE_COUNT] = {
    [TABLE_META] = {"meta", 0, 8, false, false, put_meta_key, put_meta, read_meta},
    [TABLE_SESSIONS] = {"sessions", 8, 13, true, true, put_session_key, put_session, read_session},
    [TABLE_SUBSCRIPTIONS] = {"subscriptions", 8, 13, true, true, put_subscription_key, put_subscription,
                             read_subscription},
    [TABLE_MESSAGES] = {"messages", 8, 9, true, false, put_message_key, put_message, read_message},
    [TABLE_DELIVERIES] = {"deliveries", 8, 28, true, false, put_delivery_key, put_delivery, read_delivery},
    [TABLE_RECEIVED] = {"received", 10, 0, true, true, put_received_key, put_received, read_received},
    [TABLE_WILLS] = {"wills", 8, 25, true, true, put_will_key, put_will, read_will},
};

const char *record_table_name(enum record_table table)
{
    assert((unsigned)table < TABLE_COUNT);
    return forms[table].name;
}

static size_t key_size(const struct record *record)
{
    const size_t fixed = forms[record->table].key_size;
    if (record->table == TABLE_META)
        return fixed + meta_names[record->meta.meta].length;
    if (record->table == TABLE_SUBSCRIPTIONS)
        return fixed + record->subscription.topic_filter.length;
    return fixed;
}

static size_t value_size(const struct record *record)
{
    const size_t fixed = forms[record->table].value_size;
    if (record->table == TABLE_SESSIONS)
        return fixed + record->session.client_identifier.length +
               (record->session.has_user_name ? 2 + record->session.user_name.length : 0);
    if (record->table == TABLE_MESSAGES)
        return fixed + message_size(&record->message);
    if (record->table == TABLE_DELIVERIES)
        return fixed + (size_t)IDENTIFIER_SIZE * record->delivery.identifier_count;
    return fixed;
}

bool record_put(struct changes *changes, const struct record *record)
{
    assert((unsigned)record->table < TABLE_COUNT);
    const struct form *form = &forms[record->table];
    const size_t key = key_size(record);
    const size_t value = value_size(record);
    uint8_t *room = changes_room(changes, CHANGE_PUT, (uint8_t)record->table, key, value);
    if (!room)
        return false;
    struct writer writer = writer_into(room, key + value);
    form->put_key(&writer, record);
    form->put_value(&writer, record);
    assert(!writer.overflow && writer.at == writer.end);
    return true;
}

bool record_delete(struct changes *changes, const struct record *record)
{
    assert((unsigned)record->table < TABLE_COUNT);
    const size_t key = key_size(record);
    uint8_t *room = changes_room(changes, CHANGE_DELETE, (uint8_t)record->table, key, 0);
    if (!room)
        return false;
    struct writer writer = writer_into(room, key);
    forms[record->table].put_key(&writer, record);
    assert(!writer.overflow && writer.at == writer.end);
    return true;
}

bool record_delete_all(struct changes *changes, enum record_table table, uint64_t session)
{
    assert((unsigned)table < TABLE_COUNT && forms[table].by_session);
    uint8_t *room = changes_room(changes, CHANGE_DELETE_PREFIX, (uint8_t)table, sizeof session, 0);
    if (!room)
        return false;
    struct writer writer = writer_into(room, sizeof session);
    put_8(&writer, session);
    return true;
}

/* Whether the number at the start of the key is one that was given. */
static bool number_is_zero(struct bytes key)
{
    static const uint8_t zero[8];
    return memcmp(key.data, zero, sizeof zero) == 0;
}

const char *record_read(enum record_table table, struct bytes key, struct bytes value, struct record *record)
{
    if ((unsigned)table >= TABLE_COUNT)
        return "unknown table";
    const struct form *form = &forms[table];
    if (key.length < form->key_size)
        return "the key is too short";
    if (form->numbered && number_is_zero(key))
        return "the number in the key is 0";
    record->table = table;
    struct reader key_reader = reader_of(key);
    struct reader value_reader = reader_of(value);
    const char *wrong = form->read(&key_reader, &value_reader, record);
    if (wrong)
        return wrong;
    return key_reader.at == key_reader.end ? NULL : "the key is too long";
}
