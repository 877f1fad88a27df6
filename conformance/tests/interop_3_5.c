/* Clients of different versions on one server. The specifications do not speak of each other's clients, but what
 * each demands for its own does not depend on who is at the other end: a message is a message. The version of the
 * test is that of the client whose rules are looked at; the partner has each of the other versions that the server
 * takes. */
#include "../result.h"
#include "3_01_session.h"
#include "3_08_subscribe.h"

/* The client of another version; its topics are not those of other partners. */
struct partner {
    struct client *client;
    enum protocol_version version;
    const char *topic;
};

/* A client of another version, by default with an identifier of its own, or NULL when the server does not take that version. */
static struct client *meet(struct test *t, enum protocol_version version,
                           const struct connect_options *options)
{
    struct connect_options own = *options;
    const struct received *answer;
    own.version = version;
    if (own.client_identifier == NULL)
        own.client_identifier = client_id(t, text(t, "partner%u", version_index(version)));
    own.name = text(t, "partner of %s", version_name(version));
    struct client *client = client_send_connect(t, &own);
    const bool answered = receive_until(client, now(t) + 2 * t->patience, &answer) == RECEIVED_PACKET;
    if (answered && answer->packet.type == PACKET_CONNACK && answer->packet.connack.reason_code == 0)
        return client;
    note(t, "the server does not take MQTT %s", version_name(version));
    return NULL;
}

/* Runs `check` with a partner of each version but the test's own. */
static void with_partners(struct test *t, unsigned versions, const struct connect_options *options,
                          void (*check)(struct test *t, struct partner *partner))
{
    bool any = false;
    for (unsigned v = 0; v < VERSION_COUNT; v++) {
        struct partner partner = {.version = version_of_index(v)};
        if (partner.version == t->version || (versions & version_bit(partner.version)) == 0)
            continue;
        partner.topic = topic(t, text(t, "with-%u", (unsigned)partner.version));
        partner.client = meet(t, partner.version, options);
        any = any || partner.client != NULL;
        if (partner.client != NULL)
            check(t, &partner);
    }
    if (!any)
        skip(t, "the server takes no other version of MQTT");
}

#define WITH_PARTNERS(t, versions, check, ...)                                                               \
    with_partners((t), (versions), CONNECT_OPTIONS(__VA_ARGS__), (check))

static struct client *connect_subject(struct test *t, const struct partner *partner)
{
    return connect_client(t, .name = text(t, "with %s", version_name(partner->version)), .clean_start = true);
}

/* ---- Messages ----------------------------------------------------------------------------------------- */

/* Bytes that are no text, so that nobody takes them for one. */
static struct bytes odd_payload(void)
{
    static const uint8_t payload[] = {0x00, 0xFF, 0xFE, 0x0A, 0x00, 0x26, 'm'};
    return bytes_of(payload, sizeof payload);
}

static void exchange_messages(struct test *t, struct client *from, struct client *to, const char *a)
{
    for (int published = 0; published <= 2; published++)
        for (int granted = 0; granted <= 2; granted++) {
            const char *b = topic(t, text(t, "%s-%d%d", a, published, granted));
            const int got = subscribe(to, b, .qos = granted);
            publish(from, .topic = b, .payload_bytes = odd_payload(), .qos = published);
            expect_publish(to, .topic = b, .payload_bytes = odd_payload(),
                           .qos = delivered_qos(published, got), .retain = 0, .dup = 0);
            expect_nothing_before(to, .publisher = from, .topic = b, .qos = published);
        }
}

static void check_messages(struct test *t, struct partner *partner)
{
    struct client *subject = connect_subject(t, partner);
    exchange_messages(t, partner->client, subject, text(t, "from-%s", version_name(partner->version)));
    exchange_messages(t, subject, partner->client, text(t, "to-%s", version_name(partner->version)));
}

CONFORMANCE_TEST(messages_pass_between_versions, V_ALL, NEEDS_QOS2,
                 "Messages between clients of different versions arrive once, unaltered, at the lower QoS",
                 MQTT_4_5_0_1, MQTT3_4_5_0_1, MQTT_3_8_4_8, MQTT3_3_8_4_6)
{
    WITH_PARTNERS(t, V_ALL, check_messages, .clean_start = true);
}

/* What 5.0 puts between topic and payload has no place in a PUBLISH of 3.1.1. */
static void check_properties_are_dropped(struct test *t, struct partner *partner)
{
    struct client *subject = connect_subject(t, partner);
    subscribe(subject, partner->topic, .qos = 1);
    for (int i = 0; i < 2; i++) {
        publish(partner->client, .topic = partner->topic, .payload = text(t, "payload %d", i), .qos = i,
                .payload_format_indicator = 1, .message_expiry_interval = 100, .content_type = "text/plain",
                .response_topic = "response", .correlation_data = odd_payload(),
                .user_properties = {{"name", "value"}, {"name", "another"}, {NULL, NULL}});
        expect_publish(subject, .topic = partner->topic, .payload = text(t, "payload %d", i), .qos = i);
    }
}

CONFORMANCE_TEST(properties_do_not_reach_clients_of_3, V3, NEEDS_QOS1,
                 "A message that a 5.0 client published with properties reaches a 3.1.1 client without them",
                 MQTT3_4_5_0_1, MQTT3_3_3_2_1)
{
    WITH_PARTNERS(t, V5, check_properties_are_dropped, .clean_start = true);
}

static void check_no_properties(struct test *t, struct partner *partner)
{
    struct client *subject = connect_subject(t, partner);
    subscribe(subject, partner->topic, .qos = 1);
    publish(partner->client, .topic = partner->topic, .payload = "payload", .qos = 1);
    const struct received *got =
        expect_publish(subject, .topic = partner->topic, .payload = "payload", .qos = 1);
    const struct properties *properties = &got->packet.publish.properties;
    if (properties->present != 0)
        note(t, "a message from MQTT %s came with properties: %s", version_name(partner->version),
             describe_packet(t, &got->packet));
    require(t, !properties_has(properties, ORDINAL_SUBSCRIPTION_IDENTIFIER),
            "a Subscription Identifier came that nobody had given");
}

CONFORMANCE_TEST(messages_of_clients_of_3_reach_those_of_5, V5, NEEDS_QOS1,
                 "A message of a 3.1.1 client reaches a 5.0 client in the form of 5.0, with its payload",
                 MQTT_4_5_0_1, MQTT_2_2_2_1)
{
    WITH_PARTNERS(t, V3, check_no_properties, .clean_start = true);
}

static void check_alias(struct test *t, struct partner *partner)
{
    struct client *subject = connect_subject(t, partner);
    subscribe(subject, partner->topic);
    const struct connack *connack = &partner->client->connack->packet.connack;
    if (properties_number(&connack->properties, ORDINAL_TOPIC_ALIAS_MAXIMUM, 0) == 0)
        skip(t, "the server takes no topic aliases (Topic Alias Maximum 0)");
    publish(partner->client, .topic = partner->topic, .payload = "one", .topic_alias = 1);
    publish(partner->client, .payload = "two", .topic_alias = 1);
    expect_publish(subject, .topic = partner->topic, .payload = "one");
    expect_publish(subject, .topic = partner->topic, .payload = "two");
}

CONFORMANCE_TEST(aliases_are_topics_to_clients_of_3, V3, NEEDS_NOTHING,
                 "A message that a 5.0 client published by alias reaches a 3.1.1 client with its Topic Name",
                 MQTT3_3_3_2_3, MQTT3_3_3_2_1)
{
    WITH_PARTNERS(t, V5, check_alias, .clean_start = true);
}

/* About time (sleep-allowed). The partner is away while the messages wait for it; the one without expiry is the
 * control. */
static void check_expiry(struct test *t, struct partner *partner)
{
    struct client *subject = connect_subject(t, partner);
    const char *identifier = partner->client->client_identifier;
    subscribe(partner->client, partner->topic, .qos = 1);
    leave(partner->client);
    publish(subject, .topic = partner->topic, .payload = "short", .qos = 1, .message_expiry_interval = 1);
    publish(subject, .topic = partner->topic, .payload = "long", .qos = 1, .message_expiry_interval = 100);
    wait_until(t, now(t) + 2.2);
    partner->client =
        meet(t, partner->version, CONNECT_OPTIONS(.client_identifier = identifier, .clean_start = false));
    if (partner->client == NULL)
        error(t, "set-up: the partner was not let in again");
    expect_publish(partner->client, .topic = partner->topic, .payload = "long", .qos = 1);
}

CONFORMANCE_TEST(messages_of_5_expire_for_clients_of_3, V5, NEEDS_QOS1 | NEEDS_TIME,
                 "A message with a Message Expiry Interval expires in the queue of a 3.1.1 client, too",
                 MQTT_3_3_2_5)
{
    WITH_PARTNERS(t, V3, check_expiry, .clean_start = false);
}

/* ---- Retained messages and wills ---------------------------------------------------------------------- */

static void check_retained(struct test *t, struct partner *partner)
{
    struct client *subject = connect_subject(t, partner);
    const char *back = topic(t, text(t, "back-%d", (int)partner->version));
    publish(partner->client, .topic = partner->topic, .payload = "theirs", .retain = true, .qos = 1);
    publish(subject, .topic = back, .payload = "ours", .retain = true, .qos = 1);
    subscribe(subject, partner->topic, .qos = 1);
    expect_publish(subject, .topic = partner->topic, .payload = "theirs", .retain = 1);
    subscribe(partner->client, back, .qos = 1);
    expect_publish(partner->client, .topic = back, .payload = "ours", .retain = 1);
    publish(subject, .topic = partner->topic, .payload = "", .retain = true, .qos = 1); /* removes it */
    publish(partner->client, .topic = back, .payload = "", .retain = true, .qos = 1);
    struct client *later = connect_subject(t, partner);
    subscribe(later, partner->topic, .qos = 1);
    subscribe(later, back, .qos = 1);
    expect_nothing_before(later, .publisher = subject, .topic = partner->topic, .qos = 1);
    expect_nothing_before(later, .publisher = subject, .topic = back, .qos = 1);
}

CONFORMANCE_TEST(
    retained_messages_are_those_of_all_versions, V_ALL, NEEDS_RETAIN | NEEDS_QOS1,
    "What a client of one version retains, those of others get when they subscribe, and can remove",
    MQTT_3_3_1_5, MQTT3_3_3_1_5, MQTT_3_3_1_9, MQTT3_3_3_1_6, MQTT_3_3_1_6, MQTT3_3_3_1_10)
{
    WITH_PARTNERS(t, V_ALL, check_retained, .clean_start = true);
}

static void check_retain_as_published(struct test *t, struct partner *partner)
{
    struct client *subject = connect_subject(t, partner);
    struct client *plain = connect_subject(t, partner);
    subscribe(subject, partner->topic, .retain_as_published = true);
    subscribe(plain, partner->topic);
    publish(partner->client, .topic = partner->topic, .payload = "retained", .retain = true);
    expect_publish(subject, .payload = "retained", .retain = 1);
    expect_publish(plain, .payload = "retained", .retain = 0);
    publish(partner->client, .topic = partner->topic, .payload = "not retained");
    expect_publish(subject, .payload = "not retained", .retain = 0);
    publish(partner->client, .topic = partner->topic, .payload = "", .retain = true);
}

CONFORMANCE_TEST(retain_as_published_holds_for_messages_of_3, V5, NEEDS_RETAIN,
                 "Retain As Published works on the messages of 3.1.1 clients, too", MQTT_3_3_1_13,
                 MQTT_3_3_1_12)
{
    WITH_PARTNERS(t, V3, check_retain_as_published, .clean_start = true);
}

static void check_no_local(struct test *t, struct partner *partner)
{
    struct client *subject = connect_subject(t, partner);
    subscribe(subject, partner->topic, .no_local = true);
    subscribe(partner->client, partner->topic);
    publish(subject, .topic = partner->topic, .payload = "our own");
    expect_publish(partner->client, .topic = partner->topic, .payload = "our own");
    publish(partner->client, .topic = partner->topic, .payload = "theirs");
    expect_publish(subject, .topic = partner->topic, .payload = "theirs"); /* the first that comes */
    expect_publish(partner->client, .topic = partner->topic, .payload = "theirs");
}

CONFORMANCE_TEST(no_local_lets_messages_of_3_through, V5, NEEDS_NOTHING,
                 "No Local keeps a 5.0 client's own messages from it, not those of 3.1.1 clients",
                 MQTT_3_8_3_3, D_3_3_4_1)
{
    WITH_PARTNERS(t, V3, check_no_local, .clean_start = true);
}

static void check_will_of_partner(struct test *t, struct partner *partner)
{
    const char *wills = topic(t, "wills");
    struct client *subject = connect_subject(t, partner);
    subscribe(subject, wills, .qos = 1);
    close_abruptly(partner->client);
    expect_publish(subject, .topic = wills, .payload = "will", .qos = 1);
    expect_nothing_before(subject, .publisher = subject, .topic = wills, .qos = 1);
}

CONFORMANCE_TEST(wills_reach_clients_of_other_versions, V_ALL, NEEDS_QOS1,
                 "The will of a client of another version arrives like any message", MQTT_4_5_0_1,
                 MQTT3_4_5_0_1)
{
    WITH_PARTNERS(t, V_ALL, check_will_of_partner, .clean_start = true,
                  .will = {.topic = topic(t, "wills"), .payload = "will", .qos = 1});
}

/* ---- One Client Identifier, several versions ---------------------------------------------------------- */

static void check_takeover(struct test *t, struct partner *partner)
{
    struct client *subject =
        connect_client(t, .name = text(t, "after %s", version_name(partner->version)),
                       .client_identifier = partner->client->client_identifier, .clean_start = true);
    expect_closed(partner->client); /* 3.1 and 3.1.1 have no DISCONNECT from the server */
    ping(subject);
    disconnect(subject);
}

CONFORMANCE_TEST(takeover_between_versions, V_ALL, NEEDS_NOTHING,
                 "A client of another version with the same Client Identifier is disconnected", MQTT_3_1_4_3,
                 MQTT3_3_1_4_2)
{
    WITH_PARTNERS(t, V_ALL, check_takeover, .clean_start = true);
}

/* Whether a session outlives a change of version is not said anywhere: it may be there, or not. But it is there
 * as a whole or not at all, and Session Present tells. */
static void check_session(struct test *t, struct partner *partner)
{
    const char *identifier = partner->client->client_identifier;
    struct client *publisher = connect_subject(t, partner);
    subscribe(partner->client, partner->topic, .qos = 1);
    publish(publisher, .topic = partner->topic, .payload = "under way", .qos = 1);
    const struct received *first =
        expect_publish(partner->client, .payload = "under way", .qos = 1, .acknowledge = false);
    leave(partner->client);
    publish(publisher, .topic = partner->topic, .payload = "waiting", .qos = 1);
    struct client *subject = connect_client(
        t, .name = text(t, "session of %s", version_name(partner->version)), .client_identifier = identifier,
        .clean_start = false, .session_expiry_interval = LONG_SESSION);
    const bool present = subject->connack->packet.connack.session_present;
    note(t, "MQTT %s %s the session of MQTT %s", version_name(t->version),
         present ? "continues" : "does not continue", version_name(partner->version));
    if (present) {
        const struct received *again =
            expect_publish(subject, .topic = partner->topic, .payload = "under way", .qos = 1, .dup = 1);
        require(t, again->packet.publish.packet_identifier == first->packet.publish.packet_identifier,
                "the Packet Identifier changed from %u to %u", first->packet.publish.packet_identifier,
                again->packet.publish.packet_identifier);
        expect_publish(subject, .topic = partner->topic, .payload = "waiting", .qos = 1);
        expect_nothing_before(subject, .publisher = publisher, .topic = partner->topic, .qos = 1);
        ping(subject);
    } else {
        publish(publisher, .topic = partner->topic, .payload = "new", .qos = 1);
        expect_nothing_more(subject);
    }
    disconnect(subject, .session_expiry_interval = 0);
}

CONFORMANCE_TEST(session_of_another_version_is_whole_or_not_there, V311 | V5, NEEDS_QOS1,
                 "A session that a client of another version left is continued as a whole, or not at all",
                 MQTT_3_2_2_3, MQTT3_3_2_2_2, MQTT3_3_2_2_3, MQTT_4_4_0_1, MQTT3_4_4_0_1)
{
    need_sessions(t, 10);
    WITH_PARTNERS(t, V311 | V5, check_session, .clean_start = false, .session_expiry_interval = LONG_SESSION);
}

/* 3.1 has no Session Present; there the messages alone would tell. */
PROPERTY_TEST(session_outlives_a_change_of_version, "interop-3-5", V311 | V5, NEEDS_QOS1,
              "A client that is upgraded, or downgraded, finds its session")
{
    need_sessions(t, 10);
    struct client *before =
        meet(t, is_v5(t) ? PROTOCOL_3_1_1 : PROTOCOL_5_0,
             CONNECT_OPTIONS(.client_identifier = client_id(t, "upgrade"), .clean_start = false,
                             .session_expiry_interval = LONG_SESSION));
    if (before == NULL)
        skip(t, "the server takes no other version of MQTT");
    const char *a = topic(t, "a");
    subscribe(before, a, .qos = 1);
    leave(before);
    struct client *after = connect_lasting_client(t, "upgrade");
    demand_session_present(after, true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    publish(publisher, .topic = a, .payload = "after the change", .qos = 1);
    expect_publish(after, .topic = a, .payload = "after the change", .qos = 1);
}

/* ---- Shared subscriptions ----------------------------------------------------------------------------- */

static void check_shared(struct test *t, struct partner *partner)
{
    enum { COUNT = 12 };
    const char *filter = shared_filter(t, text(t, "g%u", (unsigned)partner->version), partner->topic);
    struct client *members[2];
    unsigned copies[COUNT] = {0};
    for (size_t i = 0; i < 2; i++) {
        members[i] = connect_client(t, .name = text(t, "member %zu", i), .clean_start = true);
        subscribe(members[i], filter, .qos = 1);
    }
    for (int i = 0; i < COUNT; i++)
        publish(partner->client, .topic = partner->topic, .payload = text(t, "%c", 'a' + i), .qos = 1);
    double deadline = now(t) + 2 * t->patience;
    for (size_t total = 0, turn = 0; total < COUNT && now(t) < deadline; turn++) {
        const struct received *got;
        if (receive_publish(members[turn % 2], now(t) + 0.002, &got) != RECEIVED_PACKET)
            continue;
        acknowledge(members[turn % 2], got);
        const struct bytes payload = got->packet.publish.payload;
        const int number = payload.length == 1 ? payload.data[0] - 'a' : COUNT;
        require(t, number >= 0 && number < COUNT && got->packet.publish.qos == 1, "%s",
                describe_packet(t, &got->packet));
        copies[number]++;
        total++;
    }
    for (size_t i = 0; i < 2; i++)
        expect_nothing_more(members[i]);
    for (int i = 0; i < COUNT; i++)
        require(t, copies[i] == 1, "message %c came to %u members", 'a' + i, copies[i]);
}

CONFORMANCE_TEST(shared_subscription_takes_messages_of_3, V5, NEEDS_SHARED | NEEDS_QOS1,
                 "Each message of a 3.1.1 client goes to one member of a shared subscription", D_4_8_2_7,
                 D_4_8_2_1)
{
    WITH_PARTNERS(t, V3, check_shared, .clean_start = true);
}
