/* 4.8.2 Shared Subscriptions */
#include "3_08_subscribe.h"

#define NEEDS_GROUP (NEEDS_SHARED | NEEDS_QOS1)
#define MOST 64

/* Messages are numbered: their payload is the number. */
static void publish_numbered(struct client *publisher, const char *a, size_t first, size_t count, int qos)
{
    for (size_t i = first; i < first + count; i++)
        publish(publisher, .topic = a, .payload = text(publisher->test, "%zu", i), .qos = qos);
}

static size_t number_of(struct test *t, const struct received *received)
{
    struct bytes payload = received->packet.publish.payload;
    size_t number = 0;
    for (size_t i = 0; i < payload.length; i++) {
        if (payload.data[i] < '0' || payload.data[i] > '9')
            fail(t, "an unexpected message came: %s", describe_packet(t, &received->packet));
        number = number * 10 + (size_t)(payload.data[i] - '0');
    }
    require(t, number < MOST, "an unexpected message came: %s", describe_packet(t, &received->packet));
    return number;
}

/* Who got what: copies by member and message. */
struct tally {
    unsigned copies[MOST];
    unsigned by_member[8];
    size_t total;
};

/* Takes what has come to the members, in turns, until `total` messages are counted or `deadline` has come,
 * which leaves the judgement to the caller. Messages to one member at a QoS above `limits[member]` (NULL: no
 * limits) are failures. */
static void take_turns(struct test *t, struct client *const *members, size_t count, const int *limits,
                       size_t total, double deadline, struct tally *tally)
{
    while (tally->total < total && now(t) < deadline) {
        for (size_t i = 0; i < count; i++) {
            const struct received *received;
            if (receive_publish(members[i], now(t) + 0.002, &received) != RECEIVED_PACKET)
                continue;
            if (limits != NULL && received->packet.publish.qos > limits[i])
                fail_expected(t, text(t, "at most QoS %d to %s", limits[i], members[i]->name), "%s",
                              describe_packet(t, &received->packet));
            acknowledge(members[i], received);
            tally->copies[number_of(t, received)]++;
            tally->by_member[i]++;
            tally->total++;
        }
    }
}

/* Messages first .. first + count - 1 come to the members together exactly `copies` times each. */
static void expect_shared(struct test *t, struct client *const *members, size_t member_count, size_t first,
                          size_t count, unsigned copies)
{
    struct tally tally = {.total = 0};
    take_turns(t, members, member_count, NULL, count * copies, now(t) + 2 * t->patience, &tally);
    for (size_t i = first; i < first + count; i++)
        if (tally.copies[i] != copies)
            fail_expected(t, text(t, "%u of message %zu to the members together", copies, i), "%u",
                          tally.copies[i]);
    for (size_t i = 0; i < member_count; i++) {
        note(t, "%s got %u of %zu messages", members[i]->name, tally.by_member[i], count);
        expect_nothing_more(members[i]);
    }
}

static struct client *join(struct test *t, const char *name, const char *filter, int qos)
{
    struct client *member = connect_client(t, .name = name, .clean_start = true);
    subscribe(member, filter, .qos = qos);
    return member;
}

/* ---- The Topic Filter ---------------------------------------------------------------------------- */

static void check_shared_is_refused(struct test *t, const char *filter)
{
    struct client *client = connect_client(t, .name = text(t, "%.30s", filter), .clean_start = true);
    send_raw_subscribe(client, 0x82, filter, 0);
    expect_filter_refused(client, filter);
}

CONFORMANCE_TEST(share_name_must_not_be_empty, V5, NEEDS_SHARED,
                 "A Topic Filter that begins with $share/ and has an empty ShareName is refused",
                 MQTT_4_8_2_1)
{
    join(t, "control", shared_filter(t, "g", topic(t, "a")), 0);
    join(t, "one character", text(t, "$share/g/%s", topic(t, "a")), 0);
    check_shared_is_refused(t, text(t, "$share//%s", topic(t, "a")));
    check_shared_is_refused(t, "$share//a");
    check_shared_is_refused(t, "$share/");
    check_shared_is_refused(t, "$share//");
}

CONFORMANCE_TEST(share_name_has_no_wildcard, V5, NEEDS_SHARED | NEEDS_WILDCARD,
                 "A ShareName that contains + or # is refused", MQTT_4_8_2_2)
{
    const char *a = topic(t, "a");
    join(t, "control", shared_filter(t, "g", topic(t, "a/+")), 0);
    static const char *const names[] = {"+", "#", "g+", "+g", "g#", "#g", "g+h"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check_shared_is_refused(t, text(t, "$share/%s/%s", names[i], a));
}

CONFORMANCE_TEST(share_name_is_followed_by_a_filter, V5, NEEDS_SHARED | NEEDS_WILDCARD,
                 "A ShareName without a Topic Filter behind it, or with an invalid one, is refused",
                 MQTT_4_8_2_2)
{
    join(t, "control", shared_filter(t, "g", topic(t, "a/#")), 0);
    check_shared_is_refused(t, "$share/g");
    check_shared_is_refused(t, "$share/g/");
    check_shared_is_refused(t, "$share/g#");
    check_shared_is_refused(t, text(t, "$share/g/%s", topic(t, "a#")));
    check_shared_is_refused(t, text(t, "$share/g/%s", topic(t, "a/#/b")));
    check_shared_is_refused(t, text(t, "$share/g/%s", topic(t, "a+")));
}

CONFORMANCE_TEST(share_name_plays_no_part_in_matching, V5, NEEDS_GROUP | NEEDS_WILDCARD,
                 "A Shared Subscription matches what its filter behind the ShareName matches", D_4_8_2_2,
                 D_4_8_2_1)
{
    static const struct {
        const char *filter;
        const char *other;
        const char *matching;
    } table[] = {
        {"%s/a", "%s/b", "%s/a"},   {"%s/b/+", "%s/b/c/d", "%s/b/c"}, {"%s/c/#", "%s/cc", "%s/c"},
        {"/%s/d", "%s/d", "/%s/d"}, {"%s/e//f", "%s/e/f", "%s/e//f"}, {"+/%s/g", "%s/g", "x/%s/g"},
    };
    const char *base = text(t, "etalon-%s-%u", t->run, t->number);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *filter = text(t, table[i].filter, base);
        const char *matching = text(t, table[i].matching, base);
        struct client *member = join(t, text(t, "member %zu", i), shared_filter(t, "g", filter), 1);
        publish(publisher, .topic = text(t, table[i].other, base), .payload = "other", .qos = 1);
        publish(publisher, .topic = matching, .payload = "message", .qos = 1);
        expect_publish(member, .topic = matching, .payload = "message");
        expect_nothing_before(member, .publisher = publisher, .topic = matching, .qos = 1);
    }
}

/* ---- Distribution -------------------------------------------------------------------------------- */

static void check_distribution(struct test *t, int qos)
{
    const char *a = topic(t, text(t, "a%d", qos));
    const char *shared = shared_filter(t, "g", a);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *members[3];
    for (size_t i = 0; i < 3; i++)
        members[i] = join(t, text(t, "member %zu", i), shared, qos);
    publish_numbered(publisher, a, 0, 30, qos);
    expect_shared(t, members, 3, 0, 30, 1);
}

CONFORMANCE_TEST(shared_message_goes_to_one_member, V5, NEEDS_GROUP,
                 "Each message for a Shared Subscription goes to exactly one of its sessions", D_4_8_2_1,
                 D_4_8_2_7, D_4_8_2_5, D_3_8_4_4, D_3_8_4_5)
{
    check_distribution(t, 0);
    check_distribution(t, 1);
}

CONFORMANCE_TEST(shared_qos_2_message_goes_to_one_member, V5, NEEDS_SHARED | NEEDS_QOS2,
                 "Each QoS 2 message for a Shared Subscription goes to exactly one of its sessions",
                 D_4_8_2_1, D_4_8_2_7, D_4_8_2_5)
{
    check_distribution(t, 2);
}

CONFORMANCE_TEST(shared_subscription_with_one_member_gets_all, V5, NEEDS_GROUP,
                 "A Shared Subscription with one session delivers to it like a Non-shared one", D_4_8_2_4,
                 D_4_8_2_1)
{
    const char *a = topic(t, "a");
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *member = join(t, "member", shared_filter(t, "g", a), 1);
    for (int i = 0; i < 10; i++)
        publish(publisher, .topic = a, .payload = text(t, "%d", i), .qos = 1);
    for (int i = 0; i < 10; i++)
        expect_publish(member, .topic = a, .payload = text(t, "%d", i), .qos = 1, .retain = 0);
    expect_nothing_before(member, .publisher = publisher, .topic = a, .qos = 1);
}

CONFORMANCE_TEST(
    shared_subscriptions_are_independent, V5, NEEDS_GROUP | NEEDS_WILDCARD,
    "Groups of another ShareName or another filter, and Non-shared subscribers, get their own copy",
    D_4_8_2_17, D_4_8_2_18, D_3_8_4_5)
{
    const char *b = topic(t, "a/b");
    const char *filters[] = {shared_filter(t, "g", b), shared_filter(t, "h", b),
                             shared_filter(t, "g", topic(t, "a/+")), b};
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *members[4][2];
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 2; k++)
            members[i][k] = join(t, text(t, "group %zu member %zu", i, k), filters[i], 1);
    publish_numbered(publisher, b, 0, 10, 1);
    for (size_t i = 0; i < 3; i++)
        expect_shared(t, members[i], 2, 0, 10, 1);
    expect_shared(t, members[3], 2, 0, 10, 2); /* each of the two */
}

/* "A second copy ... will be delivered to one of the subscribers": fewer are doubtful, more are wrong. */
CONFORMANCE_TEST(shared_and_non_shared_of_one_client, V5, NEEDS_GROUP,
                 "A Non-shared Subscription beside a shared one brings its copy; the group gets another",
                 D_4_8_2_19, D_4_8_2_20)
{
    const char *a = topic(t, "a");
    const char *shared = shared_filter(t, "g", a);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *both = join(t, "both", a, 1);
    struct client *member = join(t, "member", shared, 1);
    subscribe(both, shared, .qos = 1);
    struct tally own = {.total = 0};
    struct tally others = {.total = 0};
    publish_numbered(publisher, a, 0, 12, 1);
    double deadline = now(t) + 2 * t->patience;
    while (own.total + others.total < 24 && now(t) < deadline) {
        take_turns(t, &both, 1, NULL, own.total + 1, now(t) + 0.02, &own);
        take_turns(t, &member, 1, NULL, others.total + 1, now(t) + 0.02, &others);
    }
    for (size_t i = 0; i < 12; i++) {
        unsigned copies = own.copies[i] + others.copies[i];
        require(t, own.copies[i] >= 1, "the Non-shared Subscription did not bring message %zu", i);
        require(t, copies <= 2, "message %zu came %u times to the two clients", i, copies);
        if (copies < 2)
            warn(t, "message %zu came once, although a shared and a non-shared subscription match it", i);
    }
    expect_nothing_more(both);
    expect_nothing_more(member);
}

/* ---- Retained messages --------------------------------------------------------------------------- */

CONFORMANCE_TEST(shared_subscription_gets_no_retained, V5, NEEDS_GROUP | NEEDS_RETAIN,
                 "Subscribing to a Shared Subscription, first or later, brings no retained messages",
                 D_4_8_2_3, D_4_8_2_6, D_4_8_2_4)
{
    const char *a = topic(t, "a");
    const char *shared = shared_filter(t, "g", a);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    publish(publisher, .topic = a, .payload = "63", .qos = 1, .retain = true);
    struct client *control = join(t, "control", a, 1);
    expect_publish(control, .topic = a, .payload = "63", .retain = 1);
    struct client *members[2];
    members[0] = join(t, "first", shared, 1);
    expect_nothing_before(members[0], .publisher = publisher, .topic = a, .qos = 1);
    members[1] = join(t, "second", shared, 1);
    expect_nothing_more(members[1]);
    publish_numbered(publisher, a, 0, 6, 1);
    expect_shared(t, members, 2, 0, 6, 1);
}

/* ---- QoS ----------------------------------------------------------------------------------------- */

CONFORMANCE_TEST(shared_delivery_respects_each_members_qos, V5, NEEDS_SHARED | NEEDS_QOS2,
                 "Each session of a Shared Subscription gets messages at the QoS granted to it, or lower",
                 MQTT_4_8_2_3, D_4_8_2_12)
{
    const char *shared = shared_filter(t, "g", topic(t, "a"));
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *members[3];
    int granted[3];
    for (int i = 0; i < 3; i++) {
        members[i] = connect_client(t, .name = text(t, "QoS %d", i), .clean_start = true);
        granted[i] = subscribe(members[i], shared, .qos = i);
    }
    publish_numbered(publisher, topic(t, "a"), 0, 30, 2);
    struct tally tally = {.total = 0};
    take_turns(t, members, 3, granted, 30, now(t) + 2 * t->patience, &tally);
    require(t, tally.total == 30, "%zu of 30 messages came", tally.total);
}

/* One member at a time: which one gets the message is then certain, and so is the QoS. */
CONFORMANCE_TEST(shared_delivery_is_at_the_granted_qos, V5, NEEDS_GROUP,
                 "The QoS of a Shared Subscription is that of the session it is sent to, not of others",
                 MQTT_4_8_2_3, D_4_8_2_12, D_4_8_2_15)
{
    const char *a = topic(t, "a");
    const char *shared = shared_filter(t, "g", a);
    static const int order[] = {0, 2, 1}; /* from QoS 1 to a grant of 0 duplicates may follow */
    int maximum = t->capabilities->maximum_qos;
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *member = connect_client(t, .name = "member", .clean_start = true);
    for (int wish = maximum; wish >= 0; wish--) {
        int granted = subscribe(member, shared, .qos = wish);
        struct client *passing = join(t, "passing", shared, maximum - wish);
        unsubscribe(passing, shared);
        for (size_t i = 0; i < 3; i++) {
            int qos = order[i];
            if (qos > maximum)
                continue;
            publish(publisher, .topic = a, .payload = "message", .qos = qos);
            expect_publish(member, .topic = a, .payload = "message", .qos = delivered_qos(qos, granted));
        }
    }
}

/* ---- Joining and leaving ------------------------------------------------------------------------- */

CONFORMANCE_TEST(shared_subscription_is_left_by_unsubscribe, V5, NEEDS_GROUP,
                 "A session that unsubscribes from a Shared Subscription gets no more; the others go on",
                 D_4_8_2_8, D_4_8_2_10, D_3_10_4_2, MQTT_3_10_4_2)
{
    const char *a = topic(t, "a");
    const char *shared = shared_filter(t, "g", a);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *founder = join(t, "founder", shared, 1);
    struct client *members[2] = {join(t, "member", shared, 1), join(t, "other", shared, 1)};
    require(t, unsubscribe(founder, shared) == REASON_SUCCESS, "UNSUBACK did not say success");
    publish_numbered(publisher, a, 0, 12, 1);
    expect_shared(t, members, 2, 0, 12, 1);
    expect_nothing_more(founder);
    unsubscribe(members[1], shared);
    publish_numbered(publisher, a, 12, 6, 1);
    expect_shared(t, members, 1, 12, 6, 1);
    expect_nothing_more(members[1]);
}

CONFORMANCE_TEST(shared_subscription_is_left_when_the_session_ends, V5, NEEDS_GROUP,
                 "A session that ends leaves its Shared Subscriptions; the other sessions get everything",
                 D_4_8_2_9, D_4_8_2_10)
{
    const char *a = topic(t, "a");
    const char *shared = shared_filter(t, "g", a);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *first = join(t, "founder", shared, 1);
    struct client *second = join(t, "second", shared, 1);
    struct client *member = join(t, "member", shared, 1);
    send_disconnect(first);
    expect_closed(first);
    send_disconnect(second);
    expect_closed(second);
    publish_numbered(publisher, a, 0, 12, 1);
    expect_shared(t, &member, 1, 0, 12, 1);
}

CONFORMANCE_TEST(shared_subscription_ends_with_its_last_session, V5, NEEDS_GROUP,
                 "When the last session has left, what it had not got is gone; a new group begins empty",
                 D_4_8_2_11, D_3_10_4_3)
{
    const char *a = topic(t, "a");
    const char *shared = shared_filter(t, "g", a);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *last = connect_lasting(t, "last");
    subscribe(last, shared, .qos = 1);
    disconnect(last);
    publish_numbered(publisher, a, 0, 3, 1);
    last = resume(t, "last"); /* positive control: they were kept for it */
    expect_shared(t, &last, 1, 0, 3, 1);
    disconnect(last);
    publish_numbered(publisher, a, 3, 3, 1);
    connect_client(t, .name = "last again", .client_identifier = client_id(t, "last"), .clean_start = true);
    struct client *member = join(t, "new group", shared, 1);
    publish_numbered(publisher, a, 6, 3, 1);
    expect_shared(t, &member, 1, 6, 3, 1);
}

CONFORMANCE_TEST(shared_subscription_is_joined_once, V5, NEEDS_GROUP,
                 "A second SUBSCRIBE to a Shared Subscription changes its QoS; one UNSUBSCRIBE leaves it",
                 D_4_8_2_15, D_4_8_2_16)
{
    const char *a = topic(t, "a");
    const char *shared = shared_filter(t, "g", a);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *member = join(t, "member", shared, 0);
    int granted = subscribe(member, shared, .qos = 1);
    publish(publisher, .topic = a, .payload = "once", .qos = 0);
    expect_publish(member, .topic = a, .payload = "once", .qos = 0);
    expect_nothing_before(member, .publisher = publisher, .topic = a, .qos = 0);
    publish(publisher, .topic = a, .payload = "at the new QoS", .qos = 1);
    expect_publish(member, .topic = a, .payload = "at the new QoS", .qos = delivered_qos(1, granted));
    unsubscribe(member, shared);
    publish(publisher, .topic = a, .payload = "after", .qos = 1);
    expect_nothing_more(member);
}

/* ---- Sessions that are away, or slow ------------------------------------------------------------- */

/* Whether the server gives messages to sessions without connection is its own choice; none may be lost or
 * come twice. */
CONFORMANCE_TEST(shared_messages_survive_an_absent_member, V5, NEEDS_GROUP,
                 "Messages that come while one session is away reach exactly one session, now or later",
                 D_4_8_2_7, D_4_8_2_13)
{
    const char *a = topic(t, "a");
    const char *shared = shared_filter(t, "g", a);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *members[2] = {join(t, "present", shared, 1), connect_lasting(t, "absent")};
    subscribe(members[1], shared, .qos = 1);
    disconnect(members[1]);
    publish_numbered(publisher, a, 0, 12, 1);
    members[1] = resume(t, "absent");
    expect_shared(t, members, 2, 0, 12, 1);
}

CONFORMANCE_TEST(shared_messages_pass_a_slow_member, V5, NEEDS_GROUP,
                 "A session that does not acknowledge delays only its own messages; none is lost or doubled",
                 D_4_8_2_7)
{
    const char *a = topic(t, "a");
    const char *shared = shared_filter(t, "g", a);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *slow = connect_client(t, .name = "slow", .clean_start = true, .receive_maximum = 1);
    subscribe(slow, shared, .qos = 1);
    publish_numbered(publisher, a, 0, 1, 1);
    const struct received *held = expect_publish(slow, .payload = "0", .acknowledge = false);
    struct client *members[2] = {slow, join(t, "quick", shared, 1)};
    publish_numbered(publisher, a, 1, 10, 1);
    struct tally quick = {.total = 0};
    /* Whom the server prefers is its own choice: what has come so far is noted, no more. */
    take_turns(t, &members[1], 1, NULL, 10, now(t) + 0.05, &quick);
    note(t, "%zu of ten messages went past the session that does not acknowledge", quick.total);
    acknowledge(slow, held);
    struct tally rest = {.total = 0};
    take_turns(t, members, 2, NULL, 10 - quick.total, now(t) + 2 * t->patience, &rest);
    for (size_t i = 1; i <= 10; i++) {
        unsigned copies = quick.copies[i] + rest.copies[i];
        require(t, copies == 1, "message %zu came %u times instead of once", i, copies);
    }
    expect_nothing_more(slow);
    expect_nothing_more(members[1]);
}

/* ---- Broken deliveries --------------------------------------------------------------------------- */

/* A delivery that has begun: `chosen` was the only session of the group and got "begun" without
 * acknowledging it; then `other` joined. */
struct begun {
    struct client *publisher;
    struct client *chosen;
    struct client *other;
    const char *topic;
    uint16_t packet_identifier;
};

static struct begun begin_delivery(struct test *t, int qos)
{
    const char *a = topic(t, "a");
    const char *shared = shared_filter(t, "g", a);
    struct begun begun = {.topic = a};
    begun.publisher = connect_client(t, .name = "publisher", .clean_start = true);
    begun.chosen = connect_lasting(t, "chosen");
    if (subscribe(begun.chosen, shared, .qos = qos) < qos)
        skip(t, "the server granted less than QoS %d", qos);
    publish(begun.publisher, .topic = a, .payload = "begun", .qos = qos);
    const struct received *message =
        expect_publish(begun.chosen, .topic = a, .payload = "begun", .qos = qos, .acknowledge = false);
    begun.packet_identifier = message->packet.publish.packet_identifier;
    begun.other = join(t, "other", shared, qos);
    return begun;
}

CONFORMANCE_TEST(shared_qos_2_delivery_is_completed_after_reconnect, V5, NEEDS_SHARED | NEEDS_QOS2,
                 "A QoS 2 delivery that was cut short is completed to the same client when it is back",
                 MQTT_4_8_2_4)
{
    struct begun begun = begin_delivery(t, 2);
    close_abruptly(begun.chosen);
    expect_nothing_more(begun.other);
    begun.chosen = resume(t, "chosen");
    expect_publish(begun.chosen, .topic = begun.topic, .payload = "begun", .qos = 2, .dup = 1);
    expect_nothing_more(begun.other);
}

CONFORMANCE_TEST(shared_qos_2_delivery_goes_on_behind_pubrec, V5, NEEDS_SHARED | NEEDS_QOS2,
                 "A QoS 2 delivery that was cut short behind PUBREC goes on with PUBREL, to the same client",
                 MQTT_4_8_2_4)
{
    struct begun begun = begin_delivery(t, 2);
    send_acknowledgement(begun.chosen, PACKET_PUBREC, begun.packet_identifier, 0);
    expect_pubrel(begun.chosen, begun.packet_identifier);
    close_abruptly(begun.chosen);
    begun.chosen = resume(t, "chosen");
    expect_pubrel(begun.chosen, begun.packet_identifier);
    send_acknowledgement(begun.chosen, PACKET_PUBCOMP, begun.packet_identifier, 0);
    expect_nothing_more(begun.chosen);
    expect_nothing_more(begun.other);
}

CONFORMANCE_TEST(shared_qos_2_message_is_not_passed_on, V5, NEEDS_SHARED | NEEDS_QOS2,
                 "A QoS 2 message whose chosen client lost its session goes to no other client", MQTT_4_8_2_5)
{
    struct begun begun = begin_delivery(t, 2);
    close_abruptly(begun.chosen);
    connect_client(t, .name = "chosen anew", .client_identifier = client_id(t, "chosen"),
                   .clean_start = true);
    publish(begun.publisher, .topic = begun.topic, .payload = "next", .qos = 2);
    expect_publish(begun.other, .topic = begun.topic, .payload = "next"); /* it is the group now */
    expect_nothing_before(begun.other, .publisher = begun.publisher, .topic = begun.topic, .qos = 2);
}

/* The same with a session that ends by a DISCONNECT with Session Expiry Interval 0. */
CONFORMANCE_TEST(shared_qos_2_message_ends_with_disconnect, V5, NEEDS_SHARED | NEEDS_QOS2,
                 "A QoS 2 message whose chosen client ended its session goes to no other client",
                 MQTT_4_8_2_5)
{
    struct begun begun = begin_delivery(t, 2);
    send_disconnect(begun.chosen, .session_expiry_interval = 0);
    expect_closed(begun.chosen);
    publish(begun.publisher, .topic = begun.topic, .payload = "next", .qos = 2);
    expect_publish(begun.other, .topic = begun.topic, .payload = "next");
    expect_nothing_before(begun.other, .publisher = begun.publisher, .topic = begun.topic, .qos = 2);
}

/* A recommendation; whether the message moves at once, or when the session ends, is the server's choice. */
CONFORMANCE_TEST(shared_qos_1_message_is_passed_on, V5, NEEDS_GROUP,
                 "A QoS 1 message whose chosen client lost its session should go to another client",
                 S_4_8_2_1, D_4_8_2_7)
{
    struct begun begun = begin_delivery(t, 1);
    send_disconnect(begun.chosen, .session_expiry_interval = 0);
    expect_closed(begun.chosen);
    publish(begun.publisher, .topic = begun.topic, .payload = "next", .qos = 1);
    const struct received *got[2];
    size_t count =
        collect_before(begun.other, got, 2, .publisher = begun.publisher, .topic = begun.topic, .qos = 1);
    bool passed_on = false;
    for (size_t i = 0; i < count && i < 2; i++)
        passed_on = passed_on || is_text(got[i]->packet.publish.payload, "begun");
    if (count != (passed_on ? 2U : 1U))
        fail_statement(t, D_4_8_2_7, STATEMENT_NONE, "each message once",
                       "%zu messages came to the other client", count);
    if (!passed_on)
        warn(t, "an unacknowledged QoS 1 message did not go to another session when its own ended");
}

CONFORMANCE_TEST(shared_qos_1_message_is_not_lost, V5, NEEDS_GROUP,
                 "A QoS 1 message whose chosen client broke off reaches it again, or another one", D_4_8_2_13,
                 D_4_8_2_14, MQTT_4_4_0_1)
{
    struct begun begun = begin_delivery(t, 1);
    close_abruptly(begun.chosen);
    begun.chosen = resume(t, "chosen");
    struct client *members[2] = {begun.chosen, begun.other};
    double deadline = now(t) + 2 * t->patience;
    const struct received *received;
    for (size_t i = 0; now(t) < deadline; i++) {
        if (receive_publish(members[i % 2], now(t) + 0.01, &received) != RECEIVED_PACKET)
            continue;
        acknowledge(members[i % 2], received);
        require(t, is_text(received->packet.publish.payload, "begun"), "an unexpected message came: %s",
                describe_packet(t, &received->packet));
        note(t, "the message came again to %s", members[i % 2]->name);
        return;
    }
    fail_statement(t, MQTT_4_4_0_1, STATEMENT_NONE, "the message once more, at whichever session",
                   "a QoS 1 message that had not been acknowledged reached nobody any more");
}

/* ---- Negative acknowledgements ------------------------------------------------------------------- */

static void check_refused_message_is_discarded(struct test *t, int qos)
{
    struct begun begun = begin_delivery(t, qos);
    send_acknowledgement(begun.chosen, qos == 1 ? PACKET_PUBACK : PACKET_PUBREC, begun.packet_identifier,
                         REASON_IMPLEMENTATION_SPECIFIC_ERROR);
    ping(begun.chosen);
    expect_nothing_more(begun.other);
    close_abruptly(begun.chosen);
    begun.chosen = resume(t, "chosen");
    expect_nothing_more(begun.chosen);
    struct client *members[2] = {begun.chosen, begun.other};
    publish_numbered(begun.publisher, begun.topic, 0, 4, qos); /* positive control: the group works */
    expect_shared(t, members, 2, 0, 4, 1);
}

CONFORMANCE_TEST(shared_message_refused_by_puback_is_discarded, V5, NEEDS_GROUP,
                 "A QoS 1 message that its client refuses goes to no other client, nor there again",
                 MQTT_4_8_2_6)
{
    check_refused_message_is_discarded(t, 1);
}

CONFORMANCE_TEST(shared_message_refused_by_pubrec_is_discarded, V5, NEEDS_SHARED | NEEDS_QOS2,
                 "A QoS 2 message that its client refuses goes to no other client, nor there again",
                 MQTT_4_8_2_6)
{
    check_refused_message_is_discarded(t, 2);
}

/* ---- What is too large for some of them ---------------------------------------------------------- */

#define LARGE 6
#define PAUSE 1.0 /* seconds; on what comes later only a note depends */

/* A message that one session cannot take goes to another one, or nowhere; it must not go to the first. */
CONFORMANCE_TEST(shared_message_too_large_for_one_member, V5, NEEDS_SHARED | NEEDS_QOS1,
                 "What is too large for one session of a Shared Subscription goes to another, or is dropped",
                 D_3_1_2_11_4_2, MQTT_3_1_2_24)
{
    const char *a = topic(t, "large");
    const char *filter = shared_filter(t, "group", a);
    char large[301];
    memset(large, 'x', 300);
    large[300] = '\0';
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *takes_all = connect_client(t, .name = "takes all", .clean_start = true);
    struct client *small =
        send_connect(t, .name = "takes small ones", .clean_start = true, .maximum_packet_size = 250);
    const struct received *answer;
    if (receive(small, &answer) != RECEIVED_PACKET || answer->packet.type != PACKET_CONNACK ||
        answer->packet.connack.reason_code != 0)
        skip(t, "the server accepts no Maximum Packet Size of 250");
    subscribe(takes_all, filter, .qos = 1);
    subscribe(small, filter, .qos = 1);
    for (int i = 0; i < LARGE; i++)
        publish(publisher, .topic = a, .payload = large, .qos = 1);
    unsigned count = 0;
    while (count < LARGE && receive_publish(takes_all, now(t) + PAUSE, &answer) == RECEIVED_PACKET) {
        acknowledge(takes_all, answer);
        count++;
    }
    if (receive_publish(small, now(t), &answer) == RECEIVED_PACKET)
        fail_statement(t, MQTT_3_1_2_24, STATEMENT_NONE, "nothing larger than 250 bytes", "%s",
                       describe_packet(t, &answer->packet));
    if (count == LARGE)
        note(t, "what is too large for one session goes to another");
    else
        note(t, "what is too large for one session is dropped: %u of %d came", count, LARGE);
    expect_open(small);
}

/* ---- Members that come and go -------------------------------------------------------------------- */

/* Ends the session with the connection, and waits until the server has done so. */
static void end_session(struct client *member)
{
    send_disconnect(member, .session_expiry_interval = 0);
    expect_closed(member);
}

static void check_coming_and_going(struct test *t, int qos)
{
    const char *a = topic(t, text(t, "a%d", qos));
    const char *shared = shared_filter(t, "g", a);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *members[3];
    for (size_t i = 0; i < 2; i++)
        members[i] = join(t, text(t, "member %zu", i), shared, qos);
    publish_numbered(publisher, a, 0, 6, qos);
    expect_shared(t, members, 2, 0, 6, 1);
    members[2] = join(t, "member 2", shared, qos);
    publish_numbered(publisher, a, 6, 6, qos);
    expect_shared(t, members, 3, 6, 6, 1);
    unsubscribe(members[0], shared);
    publish_numbered(publisher, a, 12, 6, qos);
    expect_shared(t, members + 1, 2, 12, 6, 1);
    end_session(members[1]);
    publish_numbered(publisher, a, 18, 6, qos);
    expect_shared(t, members + 2, 1, 18, 6, 1);
    expect_nothing_more(members[0]);
}

CONFORMANCE_TEST(shared_members_come_and_go, V5, NEEDS_SHARED | NEEDS_QOS2,
                 "While members join, unsubscribe and leave, each message goes to one that is a member",
                 D_4_8_2_7, D_4_8_2_5, D_4_8_2_8, D_4_8_2_9)
{
    for (int qos = 0; qos <= 2; qos++)
        check_coming_and_going(t, qos);
}

/* About time (sleep-allowed): the session of the absent member is over. */
CONFORMANCE_TEST(shared_member_whose_session_expired_gets_nothing, V5, NEEDS_GROUP | NEEDS_TIME,
                 "When the session of an absent member has expired all messages go to the others", D_4_8_2_9,
                 MQTT_4_1_0_2)
{
    const char *a = topic(t, "a");
    struct client *absent = connect_client(t, .name = "absent", .client_identifier = client_id(t, "absent"),
                                           .clean_start = true, .session_expiry_interval = 1);
    subscribe(absent, shared_filter(t, "g", a), .qos = 1);
    struct client *present = join(t, "present", shared_filter(t, "g", a), 1);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    disconnect(absent);
    wait_until(t, now(t) + 4); /* servers look for expired sessions now and then */
    publish_numbered(publisher, a, 0, 10, 1);
    expect_shared(t, &present, 1, 0, 10, 1);
}

/* ---- What the specification leaves to the server, and people expect (4.8.2, the last comment) ----- */

PROPERTY_TEST(shared_messages_are_spread_over_all_members, "shared", V5, NEEDS_GROUP,
              "Each of three members that are equally fast gets a good part of the messages")
{
    enum { COUNT = 60, LEAST = 6 };
    const char *a = topic(t, "a");
    struct tally tally = {.total = 0};
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *members[3];
    for (size_t i = 0; i < 3; i++)
        members[i] = join(t, text(t, "member %zu", i), shared_filter(t, "g", a), 1);
    for (size_t i = 0; i < COUNT; i++) { /* one after the other: nobody is ever busy */
        publish_numbered(publisher, a, i, 1, 1);
        take_turns(t, members, 3, NULL, i + 1, now(t) + 2 * t->patience, &tally);
        require(t, tally.total == i + 1, "message %zu came to no member", i);
    }
    note(t, "the members got %u, %u and %u of %d messages", tally.by_member[0], tally.by_member[1],
         tally.by_member[2], COUNT);
    for (size_t i = 0; i < 3; i++)
        require(t, tally.by_member[i] >= LEAST, "a member got %u of %d messages", tally.by_member[i], COUNT);
}

PROPERTY_TEST(shared_messages_pass_absent_members, "shared", V5, NEEDS_GROUP,
              "While a member is away its part of the messages goes to the one that is connected")
{
    const char *a = topic(t, "a");
    struct client *absent = connect_lasting(t, "absent");
    subscribe(absent, shared_filter(t, "g", a), .qos = 1);
    struct client *present = join(t, "present", shared_filter(t, "g", a), 1);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    disconnect(absent);
    publish_numbered(publisher, a, 0, 20, 1);
    expect_shared(t, &present, 1, 0, 20, 1);
}

PROPERTY_TEST(shared_subscriptions_serve_clients_of_3, "shared", V311, NEEDS_GROUP,
              "Clients of 3.1.1 can share a subscription: each message goes to one of them")
{
    check_distribution(t, 1);
}
