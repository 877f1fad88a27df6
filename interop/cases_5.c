/*
 * Cases of what came with 5.0: properties, subscription options, Reason Codes, aliases, request and response.
 */
#include <stdio.h>
#include <string.h>

#include <MQTTReasonCodes.h>

#include "cases.h"

#define BURST 40

/* ---- looking at properties ---- */

/* Property accessors of Paho take a pointer to non-const although they only read. */
static MQTTProperty *find(const struct message *message, enum MQTTPropertyCodes identifier, int index)
{
    MQTTProperties properties = message->properties;
    return MQTTProperties_getPropertyAt(&properties, identifier, index);
}

static bool holds(const MQTTLenString *actual, const void *expected, size_t length)
{
    return (size_t)actual->len == length && (length == 0 || memcmp(actual->data, expected, length) == 0);
}

static void expect_data(struct scene *scene, const struct message *message, enum MQTTPropertyCodes identifier,
                        const void *expected, size_t length)
{
    MQTTProperty *property = find(message, identifier, 0);
    if (property == NULL) {
        fail(scene, "%s did not arrive", MQTTPropertyName(identifier));
    }
    if (!holds(&property->value.data, expected, length)) {
        fail(scene, "%s arrived altered: \"%.*s\" (%d bytes)", MQTTPropertyName(identifier),
             property->value.data.len, property->value.data.data, property->value.data.len);
    }
}

static void expect_user_property(struct scene *scene, const struct message *message, int index,
                                 const char *name, const char *value)
{
    MQTTProperty *property = find(message, MQTTPROPERTY_CODE_USER_PROPERTY, index);
    if (property == NULL) {
        fail(scene, "User Property %d (\"%s\") did not arrive", index, name);
    }
    if (!holds(&property->value.data, name, strlen(name)) ||
        !holds(&property->value.value, value, strlen(value))) {
        fail(scene, "User Property %d is \"%.*s\": \"%.*s\" instead of \"%s\": \"%s\"", index,
             property->value.data.len, property->value.data.data, property->value.value.len,
             property->value.value.data, name, value);
    }
}

static struct message with_properties(const char *topic_name, const char *text, int qos,
                                      const MQTTProperties *properties)
{
    return (struct message){
        .topic = topic_name,
        .payload = text,
        .payload_length = strlen(text),
        .qos = qos,
        .properties = *properties,
    };
}

/* ---- properties of PUBLISH ---- */

static void properties_travel_unaltered(struct scene *scene)
{
    static const char correlation[] = {'\0', 'c', '\xff', '\0', '\x80'};
    struct actor *subscriber = join(scene);
    struct actor *publisher = join(scene);
    MQTTProperties *properties = new_properties(scene);
    add_number(properties, MQTTPROPERTY_CODE_PAYLOAD_FORMAT_INDICATOR, 1);
    add_string(properties, MQTTPROPERTY_CODE_CONTENT_TYPE, "text/plain; charset=utf-8");
    add_string(properties, MQTTPROPERTY_CODE_RESPONSE_TOPIC, topic(scene, "answers"));
    add_data(properties, MQTTPROPERTY_CODE_CORRELATION_DATA, correlation, sizeof correlation);
    struct message message = with_properties(topic(scene, "properties"), "gr\xc3\xbc\xc3\x9f dich",
                                             scene->this_case->qos, properties);
    subscribe(subscriber, message.topic, message.qos);
    publish(publisher, &message);
    const struct message *received = expect(subscriber, &message);
    MQTTProperty *format = find(received, MQTTPROPERTY_CODE_PAYLOAD_FORMAT_INDICATOR, 0);
    if (format == NULL || format->value.byte != 1) {
        fail(scene, "the Payload Format Indicator 1 did not arrive");
    }
    expect_data(scene, received, MQTTPROPERTY_CODE_CONTENT_TYPE, "text/plain; charset=utf-8", 25);
    const char *answers = topic(scene, "answers");
    expect_data(scene, received, MQTTPROPERTY_CODE_RESPONSE_TOPIC, answers, strlen(answers));
    expect_data(scene, received, MQTTPROPERTY_CODE_CORRELATION_DATA, correlation, sizeof correlation);
}

static void user_properties_keep_their_order(struct scene *scene)
{
    static const char *const pairs[][2] = {
        {"b", "1"},         {"a", "2"},          {"b", "3"},
        {"", "empty name"}, {"empty value", ""}, {"\xce\xb1", "\xf0\x9f\x94\x94"},
        {"b", "1"},
    };
    const int count = (int)(sizeof pairs / sizeof pairs[0]);
    struct actor *subscriber = join(scene);
    struct actor *publisher = join(scene);
    MQTTProperties *properties = new_properties(scene);
    for (int i = 0; i < count; i++) {
        add_user_property(properties, pairs[i][0], pairs[i][1]);
    }
    struct message message = with_properties(topic(scene, "user"), "x", scene->this_case->qos, properties);
    subscribe(subscriber, message.topic, message.qos);
    publish(publisher, &message);
    const struct message *received = expect(subscriber, &message);
    for (int i = 0; i < count; i++) {
        expect_user_property(scene, received, i, pairs[i][0], pairs[i][1]);
    }
    if (find(received, MQTTPROPERTY_CODE_USER_PROPERTY, count) != NULL) {
        fail(scene, "more than the %d User Properties sent arrived", count);
    }
}

static void properties_survive_retention(struct scene *scene)
{
    struct actor *publisher = join(scene);
    MQTTProperties *properties = new_properties(scene);
    add_string(properties, MQTTPROPERTY_CODE_CONTENT_TYPE, "text/plain");
    add_user_property(properties, "first", "1");
    add_user_property(properties, "second", "2");
    struct message message = with_properties(topic(scene, "retained"), "kept", 1, properties);
    message.retain = true;
    publish(publisher, &message);
    struct actor *subscriber = join(scene);
    subscribe(subscriber, message.topic, 1);
    const struct message *received = expect(subscriber, &message);
    expect_data(scene, received, MQTTPROPERTY_CODE_CONTENT_TYPE, "text/plain", 10);
    expect_user_property(scene, received, 0, "first", "1");
    expect_user_property(scene, received, 1, "second", "2");
    publish_retained(publisher, message.topic, "");
}

/* What arrives is what was sent less the time spent in the broker: never more, and here hardly less. */
static void expect_expiry(struct scene *scene, const struct message *message, unsigned sent)
{
    MQTTProperty *property = find(message, MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL, 0);
    if (property == NULL) {
        fail(scene, "the Message Expiry Interval did not arrive");
    }
    unsigned arrived = property->value.integer4;
    if (arrived > sent || arrived < sent - 2 * EVENT_DEADLINE_SECONDS) {
        fail(scene, "a Message Expiry Interval of %u arrived as %u", sent, arrived);
    }
}

static void message_expiry_is_passed_on(struct scene *scene)
{
    const unsigned expiry = 3600;
    struct actor *publisher = join(scene);
    struct actor *online = join(scene);
    MQTTProperties *properties = new_properties(scene);
    add_number(properties, MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL, expiry);
    struct message message = with_properties(topic(scene, "expiry"), "fresh", 1, properties);
    subscribe(online, message.topic, 1);
    publish(publisher, &message);
    expect_expiry(scene, expect(online, &message), expiry);
    message.retain = true;
    publish(publisher, &message);
    struct actor *late = join(scene);
    subscribe(late, message.topic, 1);
    expect_expiry(scene, expect(late, &message), expiry);
    publish_retained(publisher, message.topic, "");
}

static void request_and_response(struct scene *scene)
{
    struct actor *requester = join(scene);
    struct actor *responder = join(scene);
    const char *requests = topic(scene, "requests");
    const char *responses = topic(scene, "responses");
    subscribe(responder, requests, 1);
    subscribe(requester, responses, 1);
    MQTTProperties *properties = new_properties(scene);
    add_string(properties, MQTTPROPERTY_CODE_RESPONSE_TOPIC, responses);
    add_data(properties, MQTTPROPERTY_CODE_CORRELATION_DATA, "\0id", 3);
    struct message request = with_properties(requests, "6 x 7", 1, properties);
    publish(requester, &request);

    const struct message *asked = expect(responder, &request);
    MQTTProperty *where = find(asked, MQTTPROPERTY_CODE_RESPONSE_TOPIC, 0);
    MQTTProperty *correlation = find(asked, MQTTPROPERTY_CODE_CORRELATION_DATA, 0);
    if (where == NULL || correlation == NULL) {
        fail(scene, "the request came without Response Topic or Correlation Data");
    }
    char response_topic[128];
    snprintf(response_topic, sizeof response_topic, "%.*s", where->value.data.len, where->value.data.data);
    MQTTProperties *answer_properties = new_properties(scene);
    add_data(answer_properties, MQTTPROPERTY_CODE_CORRELATION_DATA, correlation->value.data.data,
             (size_t)correlation->value.data.len);
    struct message answer = with_properties(response_topic, "42", 1, answer_properties);
    publish(responder, &answer);
    expect_data(scene, expect_text(requester, responses, "42", 1), MQTTPROPERTY_CODE_CORRELATION_DATA, "\0id",
                3);
}

/* ---- subscriptions ---- */

static void subscription_identifier_arrives(struct scene *scene)
{
    static const int identifiers[] = {1, 127, 128, 268435455};
    struct actor *publisher = join(scene);
    struct actor *subscriber = join(scene);
    for (size_t i = 0; i < sizeof identifiers / sizeof identifiers[0]; i++) {
        char suffix[32];
        snprintf(suffix, sizeof suffix, "identified/%zu", i);
        const char *name = topic(scene, suffix);
        subscribe_with(subscriber,
                       &(struct subscription){.filter = name, .qos = 1, .identifier = identifiers[i]});
        publish_text(publisher, name, "x", 1);
        MQTTProperty *property =
            find(expect_text(subscriber, name, "x", 1), MQTTPROPERTY_CODE_SUBSCRIPTION_IDENTIFIER, 0);
        if (property == NULL || property->value.integer4 != (unsigned)identifiers[i]) {
            fail(scene, "Subscription Identifier %d arrived as %d", identifiers[i],
                 property == NULL ? 0 : (int)property->value.integer4);
        }
    }
}

static void no_subscription_identifier_unasked(struct scene *scene)
{
    struct actor *publisher = join(scene);
    struct actor *subscriber = join(scene);
    const char *name = topic(scene, "unidentified");
    subscribe(subscriber, name, 1);
    publish_text(publisher, name, "x", 1);
    if (find(expect_text(subscriber, name, "x", 1), MQTTPROPERTY_CODE_SUBSCRIPTION_IDENTIFIER, 0) != NULL) {
        fail(scene, "a Subscription Identifier arrived although none was given");
    }
}

static void no_local_keeps_own_messages_away(struct scene *scene)
{
    struct actor *listener = join(scene);
    struct actor *other = join(scene);
    const char *name = topic(scene, "local");
    subscribe_with(listener, &(struct subscription){.filter = name, .qos = 1, .no_local = true});
    subscribe(other, name, 1);
    publish_text(listener, name, "mine", 1);
    expect_text(other, name, "mine", 1);
    publish_text(other, name, "sentinel", 1);
    expect_text(listener, name, "sentinel", 1);
}

static void retain_as_published(struct scene *scene)
{
    struct actor *publisher = join(scene);
    struct actor *as_published = join(scene);
    struct actor *plain = join(scene);
    const char *name = topic(scene, "rap");
    subscribe_with(as_published,
                   &(struct subscription){.filter = name, .qos = 1, .retain_as_published = true});
    subscribe(plain, name, 1);
    publish_retained(publisher, name, "kept");
    expect_retained(as_published, name, "kept", 1);
    expect_text(plain, name, "kept", 1);
    publish_text(publisher, name, "passing", 1);
    expect_text(as_published, name, "passing", 1);
    expect_text(plain, name, "passing", 1);
    publish_retained(publisher, name, "");
}

/* Retain Handling 0 sends on every SUBSCRIBE. */
static void retain_handling_always(struct scene *scene)
{
    struct actor *publisher = join(scene);
    struct actor *subscriber = join(scene);
    const char *name = topic(scene, "rh");
    publish_retained(publisher, name, "kept");
    for (int i = 0; i < 2; i++) {
        subscribe_with(subscriber, &(struct subscription){.filter = name, .qos = 1, .retain_handling = 0});
        expect_retained(subscriber, name, "kept", 1);
    }
    publish_retained(publisher, name, "");
}

/* Retain Handling 1 sends only when the subscription is new. */
static void retain_handling_new_only(struct scene *scene)
{
    struct actor *publisher = join(scene);
    struct actor *subscriber = join(scene);
    const char *name = topic(scene, "rh");
    const struct subscription subscription = {.filter = name, .qos = 1, .retain_handling = 1};
    publish_retained(publisher, name, "kept");
    subscribe_with(subscriber, &subscription);
    expect_retained(subscriber, name, "kept", 1);
    subscribe_with(subscriber, &subscription);
    publish_text(publisher, name, "sentinel", 1);
    expect_text(subscriber, name, "sentinel", 1);
    unsubscribe(subscriber, name, 0);
    subscribe_with(subscriber, &subscription);
    expect_retained(subscriber, name, "kept", 1);
    publish_retained(publisher, name, "");
}

/* Retain Handling 2 never sends. */
static void retain_handling_never(struct scene *scene)
{
    struct actor *publisher = join(scene);
    struct actor *subscriber = join(scene);
    const char *name = topic(scene, "rh");
    publish_retained(publisher, name, "kept");
    subscribe_with(subscriber, &(struct subscription){.filter = name, .qos = 1, .retain_handling = 2});
    publish_text(publisher, name, "sentinel", 1);
    expect_text(subscriber, name, "sentinel", 1);
    publish_retained(publisher, name, "");
}

static void unsubscribing_from_nothing(struct scene *scene)
{
    struct actor *client = join(scene);
    const char *name = topic(scene, "never");
    unsubscribe(client, name, MQTTREASONCODE_NO_SUBSCRIPTION_FOUND);
    subscribe(client, name, 0);
    unsubscribe(client, name, 0);
    unsubscribe(client, name, MQTTREASONCODE_NO_SUBSCRIPTION_FOUND);
}

/* Which of the two gets which message is the broker's choice; that each message goes to exactly one is not.
 */
static void shared_subscription_divides(struct scene *scene)
{
    struct actor *publisher = join(scene);
    struct actor *members[2] = {join(scene), join(scene)};
    const char *name = topic(scene, "work");
    const char *end = topic(scene, "end");
    size_t size = strlen(name) + 32;
    char *filter = scene_allocate(scene, size);
    snprintf(filter, size, "$share/group/%s", name);
    bool seen[BURST] = {false};
    for (int i = 0; i < 2; i++) {
        subscribe(members[i], filter, 1);
        subscribe(members[i], end, 1);
    }
    for (unsigned char i = 0; i < BURST; i++) {
        publish(publisher, &(struct message){.topic = name, .payload = &i, .payload_length = 1, .qos = 1});
    }
    publish_text(publisher, end, "end", 1);
    int arrived = 0;
    for (int i = 0; i < 2; i++) {
        const struct message *message = next_message(members[i]);
        for (; strcmp(message->topic, end) != 0; message = next_message(members[i])) {
            unsigned number = *(const unsigned char *)message->payload;
            if (number >= BURST || seen[number]) {
                fail(scene, "message %u went to both members of the group", number);
            }
            seen[number] = true;
            arrived++;
        }
    }
    if (arrived != BURST) {
        fail(scene, "%d of %d messages reached the group", arrived, BURST);
    }
}

/* ---- connecting ---- */

static void client_identifier_is_assigned(struct scene *scene)
{
    struct connect_result result;
    struct connect_options options = {.clean_start = true};
    struct actor *nameless = join_as(scene, "", &options, &result);
    MQTTProperty *assigned =
        MQTTProperties_getProperty(&result.properties, MQTTPROPERTY_CODE_ASSIGNED_CLIENT_IDENTIFER);
    if (assigned == NULL || assigned->value.data.len == 0) {
        fail(scene, "the CONNACK carries no Assigned Client Identifier");
    }
    char client_id[256];
    snprintf(client_id, sizeof client_id, "%.*s", assigned->value.data.len, assigned->value.data.data);
    join_as(scene, client_id, &options, NULL);
    if (!inbox_wait_connection_lost(&nameless->inbox)) {
        fail(scene, "connecting as \"%s\" did not take the nameless client's session over", client_id);
    }
    nameless->connected = false;
}

static void session_taken_over_says_so(struct scene *scene)
{
    const char *client_id = new_client_id(scene);
    struct connect_options options = {.clean_start = true};
    struct actor *old = join_as(scene, client_id, &options, NULL);
    join_as(scene, client_id, &options, NULL);
    if (!inbox_wait_connection_lost(&old->inbox)) {
        fail(scene, "the older connection with the same Client Identifier was left open");
    }
    old->connected = false;
    if (old->inbox.disconnect_reason_code != MQTTREASONCODE_SESSION_TAKEN_OVER) {
        fail(scene, "the older client's DISCONNECT had Reason Code %d", old->inbox.disconnect_reason_code);
    }
}

static void receive_maximum_of_one(struct scene *scene)
{
    MQTTProperties *properties = new_properties(scene);
    add_number(properties, MQTTPROPERTY_CODE_RECEIVE_MAXIMUM, 1);
    struct connect_options options = {.clean_start = true, .properties = properties};
    struct actor *subscriber = join_as(scene, new_client_id(scene), &options, NULL);
    struct actor *publisher = join(scene);
    const char *name = topic(scene, "narrow");
    int qos = scene->this_case->qos;
    subscribe(subscriber, name, qos);
    char text[32];
    for (int i = 0; i < BURST; i++) {
        snprintf(text, sizeof text, "message %d", i);
        publish_text(publisher, name, text, qos);
    }
    for (int i = 0; i < BURST; i++) {
        snprintf(text, sizeof text, "message %d", i);
        expect_text(subscriber, name, text, qos);
    }
}

static void topic_alias_from_the_client(struct scene *scene)
{
    struct connect_result result;
    struct actor *publisher =
        join_as(scene, new_client_id(scene), &(struct connect_options){.clean_start = true}, &result);
    if (MQTTProperties_getNumericValue(&result.properties, MQTTPROPERTY_CODE_TOPIC_ALIAS_MAXIMUM) < 1) {
        skip(scene, "the broker takes no Topic Alias");
    }
    struct actor *subscriber = join(scene);
    const char *first = topic(scene, "alias/first");
    const char *second = topic(scene, "alias/second");
    subscribe(subscriber, topic(scene, "alias/+"), 2);
    MQTTProperties *properties = new_properties(scene);
    add_number(properties, MQTTPROPERTY_CODE_TOPIC_ALIAS, 1);
    for (int qos = 0; qos <= 2; qos++) {
        const char *name = qos == 1 ? second : first; /* the alias is set anew each time */
        struct message defining = with_properties(name, "defining", qos, properties);
        struct message using = with_properties("", "using", qos, properties);
        publish(publisher, &defining);
        expect_text(subscriber, name, "defining", qos);
        publish(publisher, &using);
        expect_text(subscriber, name, "using", qos);
    }
}

/* ---- wills ---- */

static void disconnect_with_will(struct scene *scene)
{
    struct actor *watcher = join(scene);
    MQTTProperties *properties = new_properties(scene);
    add_string(properties, MQTTPROPERTY_CODE_CONTENT_TYPE, "text/plain");
    add_user_property(properties, "why", "on purpose");
    struct message will = with_properties(topic(scene, "will"), "farewell", 1, properties);
    subscribe(watcher, will.topic, 1);
    struct connect_options options = {.clean_start = true, .will = &will};
    struct actor *leaving = join_as(scene, new_client_id(scene), &options, NULL);
    leave_with(leaving, MQTTREASONCODE_DISCONNECT_WITH_WILL_MESSAGE);
    const struct message *received = expect(watcher, &will);
    expect_data(scene, received, MQTTPROPERTY_CODE_CONTENT_TYPE, "text/plain", 10);
    expect_user_property(scene, received, 0, "why", "on purpose");
}

const struct interop_case cases_of_version_5[] = {
    {"properties_travel_unaltered_qos_0", V5, properties_travel_unaltered, 0, 0, false},
    {"properties_travel_unaltered_qos_1", V5, properties_travel_unaltered, 1, 0, false},
    {"properties_travel_unaltered_qos_2", V5, properties_travel_unaltered, 2, 0, false},
    {"user_properties_keep_their_order_qos_0", V5, user_properties_keep_their_order, 0, 0, false},
    {"user_properties_keep_their_order_qos_1", V5, user_properties_keep_their_order, 1, 0, false},
    {"user_properties_keep_their_order_qos_2", V5, user_properties_keep_their_order, 2, 0, false},
    {"properties_survive_retention", V5, properties_survive_retention, 0, 0, false},
    {"message_expiry_is_passed_on", V5, message_expiry_is_passed_on, 0, 0, false},
    {"request_and_response", V5, request_and_response, 0, 0, false},
    {"subscription_identifier_arrives", V5, subscription_identifier_arrives, 0, 0, false},
    {"no_subscription_identifier_unasked", V5, no_subscription_identifier_unasked, 0, 0, false},
    {"no_local_keeps_own_messages_away", V5, no_local_keeps_own_messages_away, 0, 0, false},
    {"retain_as_published", V5, retain_as_published, 0, 0, false},
    {"retain_handling_always", V5, retain_handling_always, 0, 0, false},
    {"retain_handling_new_only", V5, retain_handling_new_only, 0, 0, false},
    {"retain_handling_never", V5, retain_handling_never, 0, 0, false},
    {"unsubscribing_from_nothing", V5, unsubscribing_from_nothing, 0, 0, false},
    {"shared_subscription_divides", V5, shared_subscription_divides, 0, 0, false},
    {"client_identifier_is_assigned", V5, client_identifier_is_assigned, 0, 0, false},
    {"session_taken_over_says_so", V5, session_taken_over_says_so, 0, 0, false},
    {"receive_maximum_of_one_qos_1", V5, receive_maximum_of_one, 1, 0, false},
    {"receive_maximum_of_one_qos_2", V5, receive_maximum_of_one, 2, 0, false},
    {"topic_alias_from_the_client", V5, topic_alias_from_the_client, 0, 0, false},
    {"disconnect_with_will", V5, disconnect_with_will, 0, 0, false},
    {0},
};
