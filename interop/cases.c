/*
 * Cases that hold in every version of the protocol: flows, retained messages, wills, sessions, filters.
 *
 * Absence is never waited for. A case that says something must not arrive publishes something else
 * afterwards, by the same publisher, to the same subscription, at the same QoS (so that message ordering
 * binds the two), and expects that to be the next message.
 */
#include <stdio.h>
#include <string.h>

#include "cases.h"

#define QUEUED_MESSAGES 20
#define ORDERED_MESSAGES 100
#define ONE_MEBIBYTE ((size_t)1 << 20)

/* ---- flows ---- */

/* Every byte value, NUL first, in an order that no shift or truncation leaves intact. */
static const unsigned char *pattern(struct scene *scene, size_t length)
{
    unsigned char *bytes = scene_allocate(scene, length + 1);
    for (size_t i = 0; i < length; i++) {
        bytes[i] = (unsigned char)(i ^ (i >> 8) ^ (i >> 16));
    }
    return bytes;
}

static void payload_arrives_unaltered(struct scene *scene)
{
    static const size_t lengths[] = {
        [PAYLOAD_EMPTY] = 0,
        [PAYLOAD_ONE_BYTE] = 1,
        [PAYLOAD_BINARY] = 1000,
        [PAYLOAD_TEN_THOUSAND] = 10000,
        [PAYLOAD_ONE_MEBIBYTE] = ONE_MEBIBYTE,
    };
    size_t length = lengths[scene->this_case->payload];
    struct actor *subscriber = join(scene);
    struct actor *publisher = join(scene);
    struct message message = {
        .topic = topic(scene, "payload"),
        .payload = pattern(scene, length),
        .payload_length = length,
        .qos = scene->this_case->qos,
    };
    subscribe(subscriber, message.topic, message.qos);
    publish(publisher, &message);
    const struct message *received = expect(subscriber, &message);
    if (received->duplicate) {
        fail(scene, "a first delivery came with DUP set");
    }
    publish_text(publisher, message.topic, "sentinel", message.qos);
    expect_text(subscriber, message.topic, "sentinel", message.qos);
}

static void delivery_at_the_lower_qos(struct scene *scene)
{
    struct actor *publisher = join(scene);
    struct actor *subscribers[3];
    const char *shared_topic = topic(scene, "qos");
    for (int granted = 0; granted <= 2; granted++) {
        subscribers[granted] = join(scene);
        subscribe(subscribers[granted], shared_topic, granted);
    }
    for (int sent = 0; sent <= 2; sent++) {
        publish_text(publisher, shared_topic, "hello", sent);
        for (int granted = 0; granted <= 2; granted++) {
            expect_text(subscribers[granted], shared_topic, "hello", sent < granted ? sent : granted);
        }
    }
}

static void order_is_kept(struct scene *scene)
{
    struct actor *subscriber = join(scene);
    struct actor *publisher = join(scene);
    const char *name = topic(scene, "order");
    int qos = scene->this_case->qos;
    subscribe(subscriber, name, qos);
    char text[32];
    for (int i = 0; i < ORDERED_MESSAGES; i++) {
        snprintf(text, sizeof text, "message %d", i);
        publish_text(publisher, name, text, qos);
    }
    for (int i = 0; i < ORDERED_MESSAGES; i++) {
        snprintf(text, sizeof text, "message %d", i);
        expect_text(subscriber, name, text, qos);
    }
}

static void two_clients_converse(struct scene *scene)
{
    struct actor *left = join(scene);
    struct actor *right = join(scene);
    const char *to_left = topic(scene, "to/left");
    const char *to_right = topic(scene, "to/right");
    subscribe(left, to_left, 2);
    subscribe(right, to_right, 2);
    for (int qos = 0; qos <= 2; qos++) {
        publish_text(left, to_right, "question", qos);
        expect_text(right, to_right, "question", qos);
        publish_text(right, to_left, "answer", qos);
        expect_text(left, to_left, "answer", qos);
    }
}

static void publisher_receives_its_own(struct scene *scene)
{
    struct actor *both = join(scene);
    const char *name = topic(scene, "own");
    subscribe(both, name, scene->this_case->qos);
    publish_text(both, name, "to myself", scene->this_case->qos);
    expect_text(both, name, "to myself", scene->this_case->qos);
}

static void every_subscriber_gets_a_copy(struct scene *scene)
{
    struct actor *publisher = join(scene);
    struct actor *subscribers[4];
    const char *name = topic(scene, "copies");
    for (size_t i = 0; i < 4; i++) {
        subscribers[i] = join(scene);
        subscribe(subscribers[i], name, 1);
    }
    publish_text(publisher, name, "copy", 1);
    publish_text(publisher, name, "sentinel", 1);
    for (size_t i = 0; i < 4; i++) {
        expect_text(subscribers[i], name, "copy", 1);
        expect_text(subscribers[i], name, "sentinel", 1);
    }
}

/* ---- retained messages ---- */

static void retained_reaches_new_subscribers(struct scene *scene)
{
    struct actor *publisher = join(scene);
    const char *name = topic(scene, "retained");
    publish_retained(publisher, name, "kept");
    for (int qos = 0; qos <= 2; qos++) {
        struct actor *subscriber = join(scene);
        subscribe(subscriber, name, qos);
        expect_retained(subscriber, name, "kept", qos < 1 ? qos : 1);
    }
    publish_retained(publisher, name, "");
}

static void retained_is_replaced(struct scene *scene)
{
    struct actor *publisher = join(scene);
    const char *name = topic(scene, "retained");
    publish_retained(publisher, name, "old");
    publish_retained(publisher, name, "new");
    struct actor *subscriber = join(scene);
    subscribe(subscriber, name, 1);
    expect_retained(subscriber, name, "new", 1);
    publish_text(publisher, name, "sentinel", 1);
    expect_text(subscriber, name, "sentinel", 1);
    publish_retained(publisher, name, "");
}

static void retained_is_cleared(struct scene *scene)
{
    struct actor *publisher = join(scene);
    const char *name = topic(scene, "retained");
    publish_retained(publisher, name, "kept");
    struct actor *before = join(scene);
    subscribe(before, name, 1);
    expect_retained(before, name, "kept", 1);
    publish_retained(publisher, name, "");
    expect_text(before, name, "", 1);
    struct actor *after = join(scene);
    subscribe(after, name, 1);
    publish_text(publisher, name, "sentinel", 1);
    expect_text(after, name, "sentinel", 1);
}

static void retain_flag_is_off_for_existing_subscriptions(struct scene *scene)
{
    struct actor *publisher = join(scene);
    struct actor *subscriber = join(scene);
    const char *name = topic(scene, "retained");
    subscribe(subscriber, name, 1);
    publish_retained(publisher, name, "kept");
    expect_text(subscriber, name, "kept", 1);
    publish_retained(publisher, name, "");
    expect_text(subscriber, name, "", 1);
}

static void unretained_leaves_retained_alone(struct scene *scene)
{
    struct actor *publisher = join(scene);
    const char *name = topic(scene, "retained");
    publish_retained(publisher, name, "kept");
    publish_text(publisher, name, "passing", 1);
    struct actor *subscriber = join(scene);
    subscribe(subscriber, name, 1);
    expect_retained(subscriber, name, "kept", 1);
    publish_retained(publisher, name, "");
    expect_text(subscriber, name, "", 1);
}

static void retained_matches_wildcards(struct scene *scene)
{
    struct actor *publisher = join(scene);
    const char *one = topic(scene, "floor/1/lamp");
    const char *other = topic(scene, "floor/1/door");
    publish_retained(publisher, one, "on");
    publish_retained(publisher, other, "shut");
    struct actor *subscriber = join(scene);
    subscribe(subscriber, topic(scene, "floor/+/lamp"), 1);
    expect_retained(subscriber, one, "on", 1);
    publish_retained(publisher, one, "");
    expect_text(subscriber, one, "", 1);
    publish_retained(publisher, other, "");
}

/* ---- wills ---- */

static void will_after_death(struct scene *scene)
{
    struct actor *watcher = join(scene);
    int qos = scene->this_case->qos;
    struct message will = {
        .topic = topic(scene, "will"),
        .payload = "gone",
        .payload_length = strlen("gone"),
        .qos = qos,
    };
    subscribe(watcher, will.topic, qos);
    die_with_will(scene, &will);
    expect_text(watcher, will.topic, "gone", qos);
}

static void retained_will(struct scene *scene)
{
    struct actor *watcher = join(scene);
    struct message will = {
        .topic = topic(scene, "will"),
        .payload = "gone",
        .payload_length = strlen("gone"),
        .qos = 1,
        .retain = true,
    };
    subscribe(watcher, will.topic, 1);
    die_with_will(scene, &will);
    expect_text(watcher, will.topic, "gone", 1);
    struct actor *late = join(scene);
    subscribe(late, will.topic, 1);
    expect_retained(late, will.topic, "gone", 1);
    publish_retained(watcher, will.topic, "");
}

/* The sentinel is itself a will: it takes the same road through the broker as the one that must not come. */
static void no_will_after_disconnect(struct scene *scene)
{
    struct actor *watcher = join(scene);
    struct message will = {
        .topic = topic(scene, "will"),
        .payload = "wrong",
        .payload_length = strlen("wrong"),
        .qos = 1,
    };
    struct message sentinel = will;
    sentinel.payload = "died later";
    sentinel.payload_length = strlen("died later");
    subscribe(watcher, will.topic, 1);
    struct connect_options options = {.clean_start = true, .will = &will};
    struct actor *polite = join_as(scene, new_client_id(scene), &options, NULL);
    leave(polite);
    die_with_will(scene, &sentinel);
    expect_text(watcher, will.topic, "died later", 1);
}

/* ---- sessions ---- */

/* A session that outlives its connection: from 5.0 on that needs a Session Expiry Interval too. */
static struct connect_options lasting_session(struct scene *scene)
{
    struct connect_options options = {.clean_start = false};
    if (scene->endpoint.protocol == PROTOCOL_5) {
        MQTTProperties *properties = new_properties(scene);
        add_number(properties, MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL, 600);
        options.properties = properties;
    }
    return options;
}

static void expect_session(struct scene *scene, const struct connect_result *result,
                           enum session_present expected)
{
    if (result->session_present != expected && result->session_present != SESSION_UNKNOWN) {
        fail(scene, "Session Present is %d instead of %d", (int)result->session_present, (int)expected);
    }
}

static void drop_session(struct scene *scene, const char *client_id)
{
    leave(join_as(scene, client_id, &(struct connect_options){.clean_start = true}, NULL));
}

static void offline_messages_are_queued(struct scene *scene)
{
    struct connect_options options = lasting_session(scene);
    struct connect_result result;
    const char *client_id = new_client_id(scene);
    const char *name = topic(scene, "queue");
    int qos = scene->this_case->qos;
    struct actor *first = join_as(scene, client_id, &options, &result);
    expect_session(scene, &result, SESSION_ABSENT);
    subscribe(first, name, qos);
    leave(first);

    struct actor *publisher = join(scene);
    char text[32];
    for (int i = 0; i < QUEUED_MESSAGES; i++) {
        snprintf(text, sizeof text, "queued %d", i);
        publish_text(publisher, name, text, qos);
    }
    struct actor *second = join_as(scene, client_id, &options, &result);
    expect_session(scene, &result, SESSION_PRESENT);
    for (int i = 0; i < QUEUED_MESSAGES; i++) {
        snprintf(text, sizeof text, "queued %d", i);
        expect_text(second, name, text, qos);
    }
    publish_text(publisher, name, "sentinel", qos);
    expect_text(second, name, "sentinel", qos);
    leave(second);
    drop_session(scene, client_id);
}

static void clean_session_forgets(struct scene *scene)
{
    struct connect_options lasting = lasting_session(scene);
    struct connect_options clean = lasting;
    clean.clean_start = true;
    struct connect_result result;
    const char *client_id = new_client_id(scene);
    const char *name = topic(scene, "forgotten");
    struct actor *first = join_as(scene, client_id, &lasting, &result);
    subscribe(first, name, 1);
    leave(first);
    struct actor *publisher = join(scene);
    publish_text(publisher, name, "to be forgotten", 1);

    struct actor *second = join_as(scene, client_id, &clean, &result);
    expect_session(scene, &result, SESSION_ABSENT);
    publish_text(publisher, name, "without a subscriber", 1);
    subscribe(second, name, 1);
    publish_text(publisher, name, "sentinel", 1);
    expect_text(second, name, "sentinel", 1);
    leave(second);
    drop_session(scene, client_id);
}

static void clean_session_ends_with_its_connection(struct scene *scene)
{
    struct connect_options lasting = lasting_session(scene);
    struct connect_result result;
    const char *client_id = new_client_id(scene);
    const char *name = topic(scene, "transient");
    struct actor *first = join_as(scene, client_id, &(struct connect_options){.clean_start = true}, &result);
    expect_session(scene, &result, SESSION_ABSENT);
    subscribe(first, name, 1);
    leave(first);
    struct actor *second = join_as(scene, client_id, &lasting, &result);
    expect_session(scene, &result, SESSION_ABSENT);
    subscribe(second, name, 1);
    leave(second);
    struct actor *third = join_as(scene, client_id, &lasting, &result);
    expect_session(scene, &result, SESSION_PRESENT);
    leave(third);
    drop_session(scene, client_id);
}

static void taken_over_client_is_disconnected(struct scene *scene)
{
    const char *client_id = new_client_id(scene);
    struct connect_options options = {.clean_start = true};
    struct actor *old = join_as(scene, client_id, &options, NULL);
    struct actor *new = join_as(scene, client_id, &options, NULL);
    if (!inbox_wait_connection_lost(&old->inbox)) {
        fail(scene, "the older connection with the same Client Identifier was left open");
    }
    old->connected = false;
    const char *name = topic(scene, "alive");
    subscribe(new, name, 1);
    publish_text(new, name, "the newer one works", 1);
    expect_text(new, name, "the newer one works", 1);
}

static void empty_client_identifier(struct scene *scene)
{
    struct actor *nameless = join_as(scene, "", &(struct connect_options){.clean_start = true}, NULL);
    struct actor *other = join_as(scene, "", &(struct connect_options){.clean_start = true}, NULL);
    const char *name = topic(scene, "nameless");
    subscribe(nameless, name, 1);
    publish_text(other, name, "both are here", 1);
    expect_text(nameless, name, "both are here", 1);
}

/* ---- filters ---- */

struct filter_row {
    const char *suffix;
    bool matches;
};

/* Publishes to every topic of the rows (the last must match: it is the sentinel) and expects the matching
 * ones. */
static void check_filter(struct scene *scene, const char *filter, const struct filter_row *rows, size_t count)
{
    struct actor *subscriber = join(scene);
    struct actor *publisher = join(scene);
    subscribe(subscriber, topic(scene, filter), 1);
    for (size_t i = 0; i < count; i++) {
        publish_text(publisher, topic(scene, rows[i].suffix), rows[i].suffix, 1);
    }
    for (size_t i = 0; i < count; i++) {
        if (rows[i].matches) {
            expect_text(subscriber, topic(scene, rows[i].suffix), rows[i].suffix, 1);
        }
    }
}

static void single_level_wildcard(struct scene *scene)
{
    static const struct filter_row rows[] = {
        {"sport/tennis/score", true}, {"sport/score", false},         {"sport/tennis/final/score", false},
        {"sport//score", true},       {"sport/tennis/scores", false}, {"sport/golf/score", true},
    };
    check_filter(scene, "sport/+/score", rows, sizeof rows / sizeof rows[0]);
}

static void trailing_single_level_wildcard(struct scene *scene)
{
    static const struct filter_row rows[] = {
        {"sport/tennis", true}, {"sport", false},       {"sport/tennis/score", false},
        {"sport/", true},       {"sports/golf", false}, {"sport/golf", true},
    };
    check_filter(scene, "sport/+", rows, sizeof rows / sizeof rows[0]);
}

static void multi_level_wildcard(struct scene *scene)
{
    static const struct filter_row rows[] = {
        {"sport/tennis", true}, {"sport", true},        {"sport/", true},      {"sport/tennis/score", true},
        {"sports", false},      {"sports/golf", false}, {"Sport/golf", false}, {"sport/golf", true},
    };
    check_filter(scene, "sport/#", rows, sizeof rows / sizeof rows[0]);
}

static void unsubscribe_stops_delivery(struct scene *scene)
{
    struct actor *subscriber = join(scene);
    struct actor *publisher = join(scene);
    const char *left = topic(scene, "left");
    const char *kept = topic(scene, "kept");
    subscribe(subscriber, left, 1);
    subscribe(subscriber, kept, 1);
    publish_text(publisher, left, "still there", 1);
    expect_text(subscriber, left, "still there", 1);
    unsubscribe(subscriber, left, 0);
    publish_text(publisher, left, "too late", 1);
    publish_text(publisher, kept, "sentinel", 1);
    expect_text(subscriber, kept, "sentinel", 1);
}

static void subscribing_again_replaces(struct scene *scene)
{
    struct actor *subscriber = join(scene);
    struct actor *publisher = join(scene);
    const char *name = topic(scene, "replaced");
    subscribe(subscriber, name, 0);
    subscribe(subscriber, name, 2);
    publish_text(publisher, name, "once", 2);
    publish_text(publisher, name, "sentinel", 2);
    expect_text(subscriber, name, "once", 2);
    expect_text(subscriber, name, "sentinel", 2);
}

const struct interop_case cases_of_all_versions[] = {
    {"payload_empty_qos_0", ALL_VERSIONS, payload_arrives_unaltered, 0, PAYLOAD_EMPTY, false},
    {"payload_empty_qos_1", ALL_VERSIONS, payload_arrives_unaltered, 1, PAYLOAD_EMPTY, false},
    {"payload_empty_qos_2", ALL_VERSIONS, payload_arrives_unaltered, 2, PAYLOAD_EMPTY, false},
    {"payload_one_byte_qos_0", ALL_VERSIONS, payload_arrives_unaltered, 0, PAYLOAD_ONE_BYTE, false},
    {"payload_one_byte_qos_1", ALL_VERSIONS, payload_arrives_unaltered, 1, PAYLOAD_ONE_BYTE, false},
    {"payload_one_byte_qos_2", ALL_VERSIONS, payload_arrives_unaltered, 2, PAYLOAD_ONE_BYTE, false},
    {"payload_binary_qos_0", ALL_VERSIONS, payload_arrives_unaltered, 0, PAYLOAD_BINARY, false},
    {"payload_binary_qos_1", ALL_VERSIONS, payload_arrives_unaltered, 1, PAYLOAD_BINARY, false},
    {"payload_binary_qos_2", ALL_VERSIONS, payload_arrives_unaltered, 2, PAYLOAD_BINARY, false},
    {"payload_ten_thousand_qos_0", ALL_VERSIONS, payload_arrives_unaltered, 0, PAYLOAD_TEN_THOUSAND, false},
    {"payload_ten_thousand_qos_1", ALL_VERSIONS, payload_arrives_unaltered, 1, PAYLOAD_TEN_THOUSAND, false},
    {"payload_ten_thousand_qos_2", ALL_VERSIONS, payload_arrives_unaltered, 2, PAYLOAD_TEN_THOUSAND, false},
    {"payload_one_mebibyte_qos_0", ALL_VERSIONS, payload_arrives_unaltered, 0, PAYLOAD_ONE_MEBIBYTE, true},
    {"payload_one_mebibyte_qos_1", ALL_VERSIONS, payload_arrives_unaltered, 1, PAYLOAD_ONE_MEBIBYTE, true},
    {"payload_one_mebibyte_qos_2", ALL_VERSIONS, payload_arrives_unaltered, 2, PAYLOAD_ONE_MEBIBYTE, true},
    {"delivery_at_the_lower_qos", ALL_VERSIONS, delivery_at_the_lower_qos, 0, 0, false},
    {"order_is_kept_qos_0", ALL_VERSIONS, order_is_kept, 0, 0, false},
    {"order_is_kept_qos_1", ALL_VERSIONS, order_is_kept, 1, 0, false},
    {"order_is_kept_qos_2", ALL_VERSIONS, order_is_kept, 2, 0, false},
    {"two_clients_converse", ALL_VERSIONS, two_clients_converse, 0, 0, false},
    {"publisher_receives_its_own_qos_0", ALL_VERSIONS, publisher_receives_its_own, 0, 0, false},
    {"publisher_receives_its_own_qos_1", ALL_VERSIONS, publisher_receives_its_own, 1, 0, false},
    {"publisher_receives_its_own_qos_2", ALL_VERSIONS, publisher_receives_its_own, 2, 0, false},
    {"every_subscriber_gets_a_copy", ALL_VERSIONS, every_subscriber_gets_a_copy, 0, 0, false},
    {"retained_reaches_new_subscribers", ALL_VERSIONS, retained_reaches_new_subscribers, 0, 0, false},
    {"retained_is_replaced", ALL_VERSIONS, retained_is_replaced, 0, 0, false},
    {"retained_is_cleared", ALL_VERSIONS, retained_is_cleared, 0, 0, false},
    {"retain_flag_is_off_for_existing_subscriptions", ALL_VERSIONS,
     retain_flag_is_off_for_existing_subscriptions, 0, 0, false},
    {"unretained_leaves_retained_alone", ALL_VERSIONS, unretained_leaves_retained_alone, 0, 0, false},
    {"retained_matches_wildcards", ALL_VERSIONS, retained_matches_wildcards, 0, 0, false},
    {"will_after_death_qos_0", ALL_VERSIONS, will_after_death, 0, 0, false},
    {"will_after_death_qos_1", ALL_VERSIONS, will_after_death, 1, 0, false},
    {"will_after_death_qos_2", ALL_VERSIONS, will_after_death, 2, 0, false},
    {"retained_will", ALL_VERSIONS, retained_will, 0, 0, false},
    {"no_will_after_disconnect", ALL_VERSIONS, no_will_after_disconnect, 0, 0, false},
    {"offline_messages_are_queued_qos_1", ALL_VERSIONS, offline_messages_are_queued, 1, 0, false},
    {"offline_messages_are_queued_qos_2", ALL_VERSIONS, offline_messages_are_queued, 2, 0, false},
    {"clean_session_forgets", ALL_VERSIONS, clean_session_forgets, 0, 0, false},
    {"clean_session_ends_with_its_connection", ALL_VERSIONS, clean_session_ends_with_its_connection, 0, 0, false},
    {"taken_over_client_is_disconnected", ALL_VERSIONS, taken_over_client_is_disconnected, 0, 0, false},
    {"empty_client_identifier", V311 | V5, empty_client_identifier, 0, 0, false},
    {"single_level_wildcard", ALL_VERSIONS, single_level_wildcard, 0, 0, false},
    {"trailing_single_level_wildcard", ALL_VERSIONS, trailing_single_level_wildcard, 0, 0, false},
    {"multi_level_wildcard", ALL_VERSIONS, multi_level_wildcard, 0, 0, false},
    {"unsubscribe_stops_delivery", ALL_VERSIONS, unsubscribe_stops_delivery, 0, 0, false},
    {"subscribing_again_replaces", ALL_VERSIONS, subscribing_again_replaces, 0, 0, false},
    {0},
};
