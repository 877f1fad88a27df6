/* 3.3.4 PUBLISH Actions (3.1.1: 3.3.4, 3.3.5): responses, overlapping subscriptions, Subscription
 * Identifiers. Receive Maximum has a file of its own. */
#include "3_03_publish.h"

/* ---- Responses ----------------------------------------------------------------------------------- */

CONFORMANCE_TEST(qos_0_publish_is_not_answered, V_ALL, NEEDS_QOS1, "A QoS 0 PUBLISH gets no response",
                 MQTT_3_3_4_1, MQTT3_3_3_4_1, D3_4_3_1_1)
{
    const char *a = topic(t, "a");
    struct client *client = connect_client(t, .clean_start = true);
    publish(client, .topic = a, .payload = "control", .qos = 1);
    for (int i = 0; i < 3; i++)
        publish(client, .topic = a, .payload = "m", .qos = 0);
    expect_no_reaction(client, PACKET_PUBACK);
    expect_no_reaction(client, PACKET_PUBREC);
}

CONFORMANCE_TEST(qos_1_publish_is_answered_by_puback, V_ALL, NEEDS_QOS1,
                 "A QoS 1 PUBLISH gets one PUBACK with its Packet Identifier, and no PUBREC", MQTT_3_3_4_1,
                 MQTT3_3_3_4_1, MQTT_4_3_2_4, MQTT3_4_3_2_2)
{
    static const uint16_t identifiers[] = {1, 255, 256, 65535};
    const char *a = topic(t, "a");
    struct client *client = connect_client(t, .clean_start = true);
    for (size_t i = 0; i < 4; i++) {
        send_publish(client, .topic = a, .payload = "m", .qos = 1, .packet_identifier = identifiers[i]);
        expect_puback(client, identifiers[i]);
        expect_no_reaction(client, PACKET_PUBACK);
        expect_no_reaction(client, PACKET_PUBREC);
    }
}

CONFORMANCE_TEST(qos_2_publish_is_answered_by_pubrec, V_ALL, NEEDS_QOS2,
                 "A QoS 2 PUBLISH gets one PUBREC with its Packet Identifier, and no PUBACK", MQTT_3_3_4_1,
                 MQTT3_3_3_4_1, MQTT_4_3_3_8, MQTT3_4_3_3_2)
{
    static const uint16_t identifiers[] = {1, 255, 256, 65535};
    const char *a = topic(t, "a");
    struct client *client = connect_client(t, .clean_start = true);
    for (size_t i = 0; i < 4; i++) {
        send_publish(client, .topic = a, .payload = "m", .qos = 2, .packet_identifier = identifiers[i]);
        expect_pubrec(client, identifiers[i]);
        expect_no_reaction(client, PACKET_PUBACK);
        expect_no_reaction(client, PACKET_PUBREC);
        send_acknowledgement(client, PACKET_PUBREL, identifiers[i], 0);
        expect_pubcomp(client, identifiers[i]);
    }
}

/* A server may grant less than QoS 2 to subscribers. 5.0 lets it refuse QoS 2 from publishers, too, and say so; the
 * texts before know no such server. Whether it may end the connection of who publishes so is left open. */
CONFORMANCE_TEST(
    qos_2_publish_is_taken_whatever_is_granted, V3, NEEDS_NOTHING,
    "A QoS 2 PUBLISH is answered by PUBREC, also where subscriptions are granted less than QoS 2",
    MQTT3_4_3_3_2, MQTT3_3_3_4_1)
{
    struct client *client = connect_client(t, .clean_start = true);
    uint16_t id = send_publish(client, .topic = topic(t, "a"), .payload = "m", .qos = 2);
    const struct received *received;
    enum outcome outcome = receive_until(client, now(t) + 2 * t->patience, &received);
    if (outcome == RECEIVED_CLOSED) {
        warn(t, "a QoS 2 PUBLISH ends the connection: the server takes no such messages");
        return;
    }
    if (outcome == RECEIVED_TIMEOUT || received->packet.type != PACKET_PUBREC)
        fail_statement(t, STATEMENT_NONE, MQTT3_4_3_3_2, text(t, "PUBREC with Packet Identifier %u", id),
                       "%s",
                       outcome == RECEIVED_PACKET ? describe_packet(t, &received->packet)
                                                  : describe_state(client, outcome));
    send_acknowledgement(client, PACKET_PUBREL, id, 0);
    expect_pubcomp(client, id);
}

CONFORMANCE_TEST(message_reaches_every_subscriber, V_ALL, NEEDS_WILDCARD,
                 "A message goes to every client with a matching subscription, and to no other", D_3_3_4_1,
                 MQTT_3_3_2_3, MQTT3_3_3_2_3, MQTT_4_5_0_1, MQTT3_4_5_0_1, D3_3_3_5_1)
{
    const char *b = topic(t, "a/b");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *exact = connect_client(t, .name = "exact", .clean_start = true);
    struct client *wild = connect_client(t, .name = "wild", .clean_start = true);
    struct client *other = connect_client(t, .name = "other", .clean_start = true);
    subscribe(exact, b, .qos = 0);
    subscribe(wild, topic(t, "a/#"), .qos = 0);
    subscribe(publisher, topic(t, "a/+"), .qos = 0); /* its own messages too */
    subscribe(other, topic(t, "b/a"), .qos = 0);
    publish(publisher, .topic = b, .payload = "m");
    expect_publish(exact, .topic = b, .payload = "m");
    expect_publish(wild, .topic = b, .payload = "m");
    expect_publish(publisher, .topic = b, .payload = "m");
    expect_nothing_before(other, .publisher = publisher, .topic = topic(t, "b/a"));
}

/* ---- Overlapping subscriptions ------------------------------------------------------------------- */

/* Subscribes to three filters that all match "a/b", at these wishes, and has a message published at
 * `published`. One copy has to come at the highest QoS; up to two more are legal. */
static void check_overlap(struct test *t, const int wishes[3], int published)
{
    static const char *const filters[] = {"a/b", "a/+", "a/#"};
    const char *b = topic(t, "a/b");
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    int granted = 0;
    for (size_t i = 0; i < 3; i++) {
        int grant = subscribe(subscriber, topic(t, filters[i]), .qos = wishes[i]);
        granted = grant > granted ? grant : granted;
    }
    int highest = delivered_qos(published, granted);
    publish(publisher, .topic = b, .payload = "m", .qos = published);
    size_t count = 1;
    const struct received *got = expect_publish(subscriber, .topic = b, .payload = "m");
    for (; got->packet.publish.qos != highest && count < 3; count++) {
        if (receive_publish(subscriber, now(t) + t->patience, &got) != RECEIVED_PACKET)
            fail_expected(t, text(t, "a copy at QoS %d", highest), "only copies below that, %zu of them",
                          count);
        acknowledge(subscriber, got);
    }
    require(t, got->packet.publish.qos == highest, "no copy came at QoS %d, the last one was %s", highest,
            describe_packet(t, &got->packet));
    const struct received *more[3];
    count += collect_before(subscriber, more, 3, .publisher = publisher, .topic = b, .qos = published);
    require(t, count <= 3, "%zu copies came for three matching subscriptions", count);
    note(t, "%zu copies for three matching subscriptions", count);
    disconnect(subscriber);
}

CONFORMANCE_TEST(overlapping_subscriptions_give_the_highest_qos, V5 | V311, NEEDS_QOS1 | NEEDS_WILDCARD,
                 "A message that matches several subscriptions is delivered at the highest QoS among them",
                 MQTT_3_3_4_2, MQTT3_3_3_5_1, D_3_3_4_3, D3_3_3_5_2)
{
    static const int wishes[][3] = {{0, 1, 0}, {1, 0, 0}, {0, 0, 1}, {0, 0, 0}};
    for (size_t i = 0; i < 4; i++)
        for (int published = 0; published <= 1; published++)
            check_overlap(t, wishes[i], published);
}

CONFORMANCE_TEST(
    overlapping_subscriptions_give_qos_2, V5 | V311, NEEDS_QOS2 | NEEDS_WILDCARD,
    "A message that matches subscriptions of QoS 0, 1 and 2 is delivered at QoS 2 if it has that",
    MQTT_3_3_4_2, MQTT3_3_3_5_1, D_3_3_4_3, D3_3_3_5_2)
{
    static const int wishes[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}, {1, 1, 0}};
    for (size_t i = 0; i < 4; i++)
        for (int published = 1; published <= 2; published++)
            check_overlap(t, wishes[i], published);
}

/* ---- Subscription Identifiers -------------------------------------------------------------------- */

CONFORMANCE_TEST(subscription_identifier_comes_back, V5, NEEDS_SUBSCRIPTION_IDENTIFIER,
                 "A PUBLISH carries the Subscription Identifier of its subscription, at every QoS",
                 MQTT_3_3_4_3, D_3_3_4_2, P_3_3_4_1)
{
    static const uint32_t identifiers[] = {1, 127, 128, 16383, 16384, 2097151, 2097152, 268435455};
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    int highest = t->capabilities->maximum_qos;
    for (size_t i = 0; i < 8; i++) {
        const char *a = topic(t, text(t, "a%zu", i));
        subscribe(subscriber, a, .qos = highest, .subscription_identifier = identifiers[i]);
        for (int qos = 0; qos <= highest; qos++) {
            publish(publisher, .topic = a, .payload = "m", .qos = qos);
            expect_publish(subscriber, .topic = a, .payload = "m", .qos = qos,
                           .subscription_identifier = identifiers[i]);
        }
    }
}

CONFORMANCE_TEST(no_subscription_identifier_without_one, V5, NEEDS_SUBSCRIPTION_IDENTIFIER,
                 "A PUBLISH for a subscription without Subscription Identifier carries none", P_3_3_4_1)
{
    const char *a = topic(t, "a");
    const char *b = topic(t, "b");
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    struct client *other = connect_client(t, .name = "other", .clean_start = true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    subscribe(subscriber, a, .qos = 0);
    subscribe(subscriber, b, .qos = 0, .subscription_identifier = 5);
    subscribe(other, a, .qos = 0, .subscription_identifier = 6);
    publish(publisher, .topic = a, .payload = "m");
    expect_publish(other, .topic = a, .payload = "m", .subscription_identifier = 6);
    expect_publish(subscriber, .topic = a, .payload = "m", .subscription_identifier = 0);
    publish(publisher, .topic = b, .payload = "m");
    expect_publish(subscriber, .topic = b, .payload = "m", .subscription_identifier = 5);
}

CONFORMANCE_TEST(subscription_identifier_can_be_changed, V5, NEEDS_SUBSCRIPTION_IDENTIFIER,
                 "Subscribing again replaces the Subscription Identifier, or takes it away", MQTT_3_3_4_3,
                 P_3_3_4_1, MQTT_3_8_4_3)
{
    static const int64_t identifiers[] = {1, 2, ABSENT, 3};
    const char *a = topic(t, "a");
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    for (size_t i = 0; i < 4; i++) {
        subscribe(subscriber, a, .qos = 0, .subscription_identifier = identifiers[i]);
        publish(publisher, .topic = a, .payload = "m");
        expect_publish(subscriber, .topic = a, .payload = "m",
                       .subscription_identifier = identifiers[i] == ABSENT ? 0 : identifiers[i]);
    }
}

CONFORMANCE_TEST(subscription_identifier_holds_for_every_filter, V5, NEEDS_SUBSCRIPTION_IDENTIFIER,
                 "The Subscription Identifier of a SUBSCRIBE holds for every Topic Filter in it",
                 MQTT_3_3_4_3, D_3_3_4_2)
{
    const char *const names[] = {topic(t, "a"), topic(t, "b"), topic(t, "c")};
    struct subscription_request requests[3];
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    for (size_t i = 0; i < 3; i++)
        requests[i] = (struct subscription_request){.topic_filter = bytes_of_text(names[i])};
    expect_suback(subscriber, send_subscribe_list(subscriber, requests, 3, 300), 3);
    for (size_t i = 0; i < 3; i++) {
        publish(publisher, .topic = names[i], .payload = "m");
        expect_publish(subscriber, .topic = names[i], .payload = "m", .subscription_identifier = 300);
    }
}

CONFORMANCE_TEST(
    subscription_identifier_stays_in_session, V5, NEEDS_SUBSCRIPTION_IDENTIFIER | NEEDS_QOS1,
    "A message that waited carries the Subscription Identifier, and so does one after the return",
    MQTT_3_3_4_3, D_3_3_4_2)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_lasting(t, "sub");
    subscribe(subscriber, a, .qos = 1, .subscription_identifier = 77);
    disconnect(subscriber);
    publish(publisher, .topic = a, .payload = "waiting", .qos = 1);
    subscriber = resume(t, "sub");
    expect_publish(subscriber, .topic = a, .payload = "waiting", .subscription_identifier = 77);
    publish(publisher, .topic = a, .payload = "live", .qos = 1);
    expect_publish(subscriber, .topic = a, .payload = "live", .subscription_identifier = 77);
}

CONFORMANCE_TEST(
    retained_message_has_identifier_of_new_subscription, V5,
    NEEDS_SUBSCRIPTION_IDENTIFIER | NEEDS_RETAIN | NEEDS_QOS1 | NEEDS_WILDCARD,
    "A retained message carries the Subscription Identifier of the SUBSCRIBE that brought it only", P_3_3_4_1,
    MQTT_3_3_4_3, D_3_3_4_2)
{
    const char *b = topic(t, "a/b");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    publish(publisher, .topic = b, .payload = "kept", .qos = 1, .retain = true);
    subscribe(subscriber, topic(t, "a/+"), .qos = 1, .subscription_identifier = 1);
    expect_publish(subscriber, .topic = b, .payload = "kept", .retain = 1, .subscription_identifier = 1);
    subscribe(subscriber, b, .qos = 1, .subscription_identifier = 2);
    expect_publish(subscriber, .topic = b, .payload = "kept", .retain = 1, .subscription_identifier = 2);
}

/* Adds the Subscription Identifiers of a PUBLISH to a list; returns how many it had. */
static size_t gather_identifiers(struct test *t, const struct received *received, uint32_t *list,
                                 size_t *count, size_t capacity)
{
    const struct properties *properties = &received->packet.publish.properties;
    struct bytes rest = properties->repeated;
    size_t before = *count;
    uint32_t identifier;
    if (!properties_has(properties, ORDINAL_SUBSCRIPTION_IDENTIFIER))
        return 0;
    while (properties_next_subscription_identifier(&rest, &identifier)) {
        require(t, *count < capacity, "more Subscription Identifiers than subscriptions: %s",
                describe_packet(t, &received->packet));
        list[(*count)++] = identifier;
    }
    return *count - before;
}

static size_t occurrences(const uint32_t *list, size_t count, uint32_t identifier)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += list[i] == identifier;
    return found;
}

/* Three overlapping subscriptions of one QoS with these identifiers (ABSENT: none). In one copy or in one
 * for each subscription, all identifiers have to come, and no other. */
static void check_identifiers(struct test *t, const int64_t identifiers[3], int qos)
{
    static const char *const filters[] = {"a/b", "a/+", "a/#"};
    const char *b = topic(t, "a/b");
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    const struct received *copies[4];
    uint32_t got[4];
    size_t got_count = 0;
    size_t wanted_count = 0;
    for (size_t i = 0; i < 3; i++) {
        subscribe(subscriber, topic(t, filters[i]), .qos = qos, .subscription_identifier = identifiers[i]);
        wanted_count += identifiers[i] != ABSENT;
    }
    subscribe(subscriber, topic(t, "other/#"), .qos = qos, .subscription_identifier = 99);
    publish(publisher, .topic = b, .payload = "m", .qos = qos);
    size_t count = collect_before(subscriber, copies, 4, .publisher = publisher, .topic = b, .qos = qos);
    require(t, count >= 1 && count <= 3, "%zu copies came for three matching subscriptions", count);
    note(t, "%zu copies for three matching subscriptions", count);
    for (size_t i = 0; i < count; i++) {
        size_t here = gather_identifiers(t, copies[i], got, &got_count, 4);
        if (count == 3 && here > 1)
            fail_statement(t, MQTT_3_3_4_5, STATEMENT_NONE, "in each copy the identifier of its subscription",
                           "%s", describe_packet(t, &copies[i]->packet));
    }
    for (size_t i = 0; i < 3; i++) {
        if (identifiers[i] == ABSENT)
            continue;
        if (occurrences(got, got_count, (uint32_t)identifiers[i]) == 0)
            fail_statement(t, count == 1 ? MQTT_3_3_4_4 : MQTT_3_3_4_5, STATEMENT_NONE,
                           text(t, "Subscription Identifier %u", (unsigned)identifiers[i]),
                           "%zu copies, the first being %s", count, describe_packet(t, &copies[0]->packet));
    }
    require(t, occurrences(got, got_count, 99) == 0,
            "the identifier of a subscription that did not match came");
    if (got_count < wanted_count)
        warn(t, "an identifier shared by several matching subscriptions came %zu times less than those",
             wanted_count - got_count);
    if (got_count > wanted_count)
        fail_statement(t, P_3_3_4_1, STATEMENT_NONE, text(t, "%zu Subscription Identifiers", wanted_count),
                       "%zu", got_count);
    disconnect(subscriber);
}

CONFORMANCE_TEST(overlapping_subscriptions_give_all_identifiers, V5,
                 NEEDS_SUBSCRIPTION_IDENTIFIER | NEEDS_WILDCARD,
                 "A message that matches several subscriptions brings the identifiers of all of them",
                 MQTT_3_3_4_3, MQTT_3_3_4_4, MQTT_3_3_4_5, P_3_3_4_1, D_3_3_2_3_8_1)
{
    static const int64_t identifiers[][3] = {{1, 2, 3}, {3, 200, 100000}};
    for (size_t i = 0; i < 2; i++)
        for (int qos = 0; qos <= t->capabilities->maximum_qos; qos++)
            check_identifiers(t, identifiers[i], qos);
}

CONFORMANCE_TEST(overlapping_subscriptions_without_identifier_add_none, V5,
                 NEEDS_SUBSCRIPTION_IDENTIFIER | NEEDS_WILDCARD,
                 "Of several matching subscriptions, those that have an identifier show it", MQTT_3_3_4_3,
                 MQTT_3_3_4_4, MQTT_3_3_4_5, P_3_3_4_1)
{
    static const int64_t identifiers[][3] = {{ABSENT, 2, 3}, {1, ABSENT, 3}, {ABSENT, 7, ABSENT}};
    for (size_t i = 0; i < 3; i++)
        check_identifiers(t, identifiers[i], 0);
}

CONFORMANCE_TEST(shared_identifier_is_repeated, V5, NEEDS_SUBSCRIPTION_IDENTIFIER | NEEDS_WILDCARD,
                 "One identifier of several matching subscriptions comes once for each of them", D_3_3_4_4,
                 MQTT_3_3_4_3)
{
    static const int64_t identifiers[3] = {7, 7, 7};
    check_identifiers(t, identifiers, 0);
}

CONFORMANCE_TEST(shared_subscription_gives_the_receivers_identifier, V5,
                 NEEDS_SUBSCRIPTION_IDENTIFIER | NEEDS_SHARED,
                 "For a Shared Subscription only the receiving client's own Subscription Identifier comes",
                 D_3_3_4_5, P_3_3_4_1, MQTT_3_3_4_3)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *member[2];
    for (int i = 0; i < 2; i++) {
        member[i] = connect_client(t, .name = i == 0 ? "member 1" : "member 2", .clean_start = true);
        subscribe(member[i], shared_filter(t, "g", a), .qos = 0, .subscription_identifier = 10 + i);
    }
    publish(publisher, .topic = a, .payload = "m");
    publish(publisher, .topic = a, .payload = "m");
    disconnect(member[0]); /* whatever it got; the other one is now the only member */
    expect_open(member[1]);
    const struct received *got;
    while (receive_publish(member[1], now(t), &got) == RECEIVED_PACKET) {
        uint32_t list[2];
        size_t count = 0;
        gather_identifiers(t, got, list, &count, 2);
        require(t, count == 1 && list[0] == 11, "member 2, whose identifier is 11, received %s",
                describe_packet(t, &got->packet));
    }
    publish(publisher, .topic = a, .payload = "last");
    expect_publish(member[1], .topic = a, .subscription_identifier = 11);
    for (const struct received *at = member[0]->inbox; at != NULL; at = at->next)
        if (at->packet.type == PACKET_PUBLISH)
            note(t, "member 1 received %s", describe_packet(t, &at->packet));
}
