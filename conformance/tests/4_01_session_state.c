/* 4.1 Session State: what a session holds, and how long. When it begins and ends stands in 3.1.2.4 and
 * 3.1.2.11.2. */
#include "3_01_session.h"

#define KEPT 12 /* messages that wait for a client */

static struct client *connect_publisher(struct test *t)
{
    return connect_client(t, .name = "publisher", .clean_start = true);
}

/* The same client again, whose session must be there. */
static struct client *return_to_session(struct test *t)
{
    struct client *after = connect_lasting_client(t, "session");
    demand_session_present(after, true);
    return after;
}

CONFORMANCE_TEST(
    session_lasts_while_connected, V_ALL, NEEDS_QOS1 | NEEDS_TIME,
    "A session does not end while its connection is open, however short its Session Expiry Interval",
    MQTT_4_1_0_1, MQTT3_4_1_0_2, MQTT3_4_1_0_1, D_4_1_1)
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct client *publisher = connect_publisher(t);
    struct client *client = connect_lasting_client(t, "session", .session_expiry_interval = 1);
    subscribe(client, a, .qos = 1);
    if (is_v5(t)) /* beyond the Session Expiry Interval, which must not run yet; 3.1.1 has none */
        wait_until(t, now(t) + 2.5);
    publish(publisher, .topic = a, .payload = "while connected", .qos = 1);
    expect_publish(client, .topic = a, .payload = "while connected", .qos = 1);
    ping(client); /* else the acknowledgement could come behind the other connection */
    struct client *after = return_to_session(t); /* takes over: between the connections there is no time */
    publish(publisher, .topic = a, .payload = "afterwards", .qos = 1);
    expect_publish(after, .topic = a, .payload = "afterwards", .qos = 1);
}

CONFORMANCE_TEST(session_expiry_begins_anew_with_each_connection, V5, NEEDS_QOS1 | NEEDS_TIME,
                 "The Session Expiry Interval counts from the end of the latest connection", D_4_1_1,
                 MQTT_4_1_0_1, MQTT_3_1_2_23)
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct client *first = connect_lasting_client(t, "session", .session_expiry_interval = 3);
    if (granted_session_expiry(first) != 3)
        skip(t, "the server grants another Session Expiry Interval than 3 s");
    subscribe(first, a, .qos = 1);
    double begun = now(t);
    disconnect(first);
    wait_until(t, begun + 1.5);
    struct client *second = connect_lasting_client(t, "session", .session_expiry_interval = 3);
    if (second->connack->time < begun + 2.9) /* else this machine was too slow to tell anything */
        demand_session_present(second, true);
    subscribe(second, a, .qos = 1);
    double ended = now(t);
    disconnect(second);
    wait_until(t, begun + 3.7); /* the interval of the first connection is over, that of the second is not */
    struct client *third = connect_lasting_client(t, "session");
    if (third->connack->time >= ended + 2.9)
        error(t, "this machine was too slow: the session was left alone for %.1f s",
              third->connack->time - ended);
    demand_session_present(third, true);
}

CONFORMANCE_TEST(session_state_goes_when_session_expires, V5, NEEDS_QOS1 | NEEDS_TIME,
                 "With the session its subscriptions and the messages that waited are gone", MQTT_4_1_0_2,
                 D_4_1_1, MQTT_3_2_2_3)
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct client *publisher = connect_publisher(t);
    struct client *brief = connect_lasting_client(t, "brief", .session_expiry_interval = 1);
    struct client *control = connect_lasting_client(t, "control");
    if (granted_session_expiry(brief) != 1)
        skip(t, "the server grants another Session Expiry Interval than 1 s");
    subscribe(brief, a, .qos = 1);
    subscribe(control, a, .qos = 1);
    disconnect(brief);
    disconnect(control);
    publish(publisher, .topic = a, .payload = "kept", .qos = 1);
    wait_until(t, now(t) + 3.5); /* 1 s, and a generous while for servers that look now and then */
    brief = connect_lasting_client(t, "brief");
    demand_session_present(brief, false);
    control = connect_lasting_client(t, "control"); /* positive control: the same with a longer interval */
    demand_session_present(control, true);
    expect_publish(control, .topic = a, .payload = "kept", .qos = 1);
    publish(publisher, .topic = a, .payload = "live", .qos = 1);
    expect_publish(control, .topic = a, .payload = "live", .qos = 1);
    expect_nothing_more(brief); /* not subscribed any more */
    subscribe(brief, a, .qos = 1);
    expect_nothing_before(brief, .publisher = publisher, .topic = a, .qos = 1);
}

CONFORMANCE_TEST(session_keeps_every_waiting_message_in_order, V_ALL, NEEDS_QOS1,
                 "All messages that came while the client was away are delivered, in order, before new ones",
                 D_4_1_4, MQTT3_3_1_2_5, MQTT3_4_1_0_1, MQTT_3_1_2_23, MQTT_4_6_0_5, MQTT3_4_6_0_6,
                 D3_3_1_2_4_5, D3_3_1_4_3)
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct client *publisher = connect_publisher(t);
    struct client *before = connect_lasting_client(t, "session");
    subscribe(before, a, .qos = 1);
    disconnect(before);
    for (unsigned i = 1; i <= KEPT; i++)
        publish(publisher, .topic = a, .payload = text(t, "kept %u", i), .qos = 1);
    struct client *after = return_to_session(t);
    for (unsigned i = 1; i <= KEPT; i++)
        expect_publish(after, .topic = a, .payload = text(t, "kept %u", i), .qos = 1);
    expect_nothing_before(after, .publisher = publisher, .topic = a, .qos = 1);
}

CONFORMANCE_TEST(waiting_messages_are_delivered_once, V_ALL, NEEDS_QOS2,
                 "A message that waited and was acknowledged does not wait for the next connection again",
                 D_4_1_4, D_4_1_3, MQTT3_4_1_0_1, MQTT_4_4_0_1, D3_3_1_2_4_4, D3_3_1_2_4_5)
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct client *publisher = connect_publisher(t);
    struct client *before = connect_lasting_client(t, "session");
    subscribe(before, a, .qos = 2);
    disconnect(before);
    publish(publisher, .topic = a, .payload = "kept", .qos = 2);
    struct client *during = return_to_session(t);
    expect_publish(during, .topic = a, .payload = "kept", .qos = 2);
    ping(during); /* the PUBCOMP has been dealt with */
    disconnect(during);
    struct client *after = return_to_session(t);
    expect_nothing_before(after, .publisher = publisher, .topic = a, .qos = 2);
}

CONFORMANCE_TEST(qos_0_messages_may_wait, V_ALL, NEEDS_QOS1,
                 "QoS 0 messages for an absent client may wait or be dropped; those of QoS 1 wait", D_4_1_4,
                 MQTT3_3_1_2_5, D3_3_1_2_4_1, D3_3_1_2_4_7)
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    const struct received *list[4];
    struct client *publisher = connect_publisher(t);
    struct client *before = connect_lasting_client(t, "session");
    subscribe(before, a, .qos = 1);
    disconnect(before);
    publish(publisher, .topic = a, .payload = "QoS 0", .qos = 0);
    publish(publisher, .topic = a, .payload = "QoS 1", .qos = 1);
    struct client *after = return_to_session(t);
    size_t count = collect_before(after, list, 4, .publisher = publisher, .topic = a, .qos = 1);
    bool waited = false;
    bool kept = false;
    for (size_t i = 0; i < count && i < 4; i++) {
        waited = waited || is_text(list[i]->packet.publish.payload, "QoS 0");
        kept = kept || is_text(list[i]->packet.publish.payload, "QoS 1");
    }
    require(t, kept, "the message of QoS 1 was not delivered");
    note(t, "the message of QoS 0 was %s", waited ? "kept" : "dropped");
}

CONFORMANCE_TEST(session_keeps_subscription_identifiers, V5, NEEDS_QOS1 | NEEDS_SUBSCRIPTION_IDENTIFIER,
                 "Subscription Identifiers belong to the session: messages carry them after a reconnect too",
                 D_4_1_2, D_3_3_4_2)
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct client *publisher = connect_publisher(t);
    struct client *before = connect_lasting_client(t, "session");
    subscribe(before, a, .qos = 1, .subscription_identifier = 268435455);
    publish(publisher, .topic = a, .payload = "before", .qos = 1);
    expect_publish(before, .topic = a, .payload = "before", .subscription_identifier = 268435455);
    disconnect(before);
    publish(publisher, .topic = a, .payload = "kept", .qos = 1);
    struct client *after = return_to_session(t);
    expect_publish(after, .topic = a, .payload = "kept", .subscription_identifier = 268435455);
    publish(publisher, .topic = a, .payload = "live", .qos = 1);
    expect_publish(after, .topic = a, .payload = "live", .subscription_identifier = 268435455);
}

CONFORMANCE_TEST(session_keeps_granted_qos, V_ALL, NEEDS_NOTHING,
                 "A subscription has the same QoS after a reconnect", D_4_1_2, MQTT3_3_1_2_4, MQTT3_4_1_0_1,
                 D3_3_1_2_4_3)
{
    need_sessions(t, 10);
    int highest = t->capabilities->maximum_qos;
    const char *names[] = {topic(t, "0"), topic(t, "1"), topic(t, "2")};
    struct client *publisher = connect_publisher(t);
    struct client *before = connect_lasting_client(t, "session");
    for (int qos = 0; qos <= highest; qos++)
        if (subscribe(before, names[qos], .qos = qos) != qos)
            skip(t, "the server does not grant QoS %d", qos);
    disconnect(before);
    struct client *after = return_to_session(t);
    for (int qos = 0; qos <= highest; qos++) {
        publish(publisher, .topic = names[qos], .payload = "live", .qos = highest);
        expect_publish(after, .topic = names[qos], .payload = "live", .qos = qos);
    }
}

CONFORMANCE_TEST(session_keeps_subscription_options, V5, NEEDS_QOS1,
                 "No Local and Retain As Published hold after a reconnect", D_4_1_2, MQTT_3_8_3_3,
                 MQTT_3_3_1_13)
{
    need_sessions(t, 10);
    const char *mine = topic(t, "no-local");
    const char *kept = topic(t, "as-published");
    struct client *publisher = connect_publisher(t);
    struct client *before = connect_lasting_client(t, "session");
    subscribe(before, mine, .qos = 1, .no_local = true);
    subscribe(before, kept, .qos = 1, .retain_as_published = true);
    disconnect(before);
    struct client *after = return_to_session(t);
    publish(publisher, .topic = mine, .payload = "from another", .qos = 1); /* positive control */
    expect_publish(after, .topic = mine, .payload = "from another");
    publish(after, .topic = mine, .payload = "my own", .qos = 1);
    expect_nothing_before(after, .publisher = publisher, .topic = mine, .qos = 1);
    if (!t->capabilities->retain)
        return;
    publish(publisher, .topic = kept, .payload = "retained", .qos = 1, .retain = true);
    expect_publish(after, .topic = kept, .payload = "retained", .retain = true);
}

CONFORMANCE_TEST(
    session_keeps_unsubscribing, V_ALL, NEEDS_QOS1,
    "What a client has unsubscribed from stays so in its session; its other subscriptions stay too", D_4_1_2,
    MQTT3_3_1_2_4, MQTT3_4_1_0_1, D3_3_1_2_4_3)
{
    need_sessions(t, 10);
    const char *gone = topic(t, "gone");
    const char *kept = topic(t, "kept");
    struct client *publisher = connect_publisher(t);
    struct client *before = connect_lasting_client(t, "session");
    subscribe(before, gone, .qos = 1);
    subscribe(before, kept, .qos = 1);
    publish(publisher, .topic = gone, .payload = "there", .qos = 1);
    expect_publish(before, .topic = gone, .payload = "there"); /* positive control */
    unsubscribe(before, gone);
    disconnect(before);
    publish(publisher, .topic = gone, .payload = "not wanted", .qos = 1);
    publish(publisher, .topic = kept, .payload = "wanted", .qos = 1);
    struct client *after = return_to_session(t);
    expect_publish(after, .topic = kept, .payload = "wanted");
    publish(publisher, .topic = gone, .payload = "not wanted either", .qos = 1);
    expect_nothing_more(after);
}

CONFORMANCE_TEST(session_keeps_unacknowledged_messages, V_ALL, NEEDS_QOS2,
                 "Messages sent and not acknowledged at QoS 1 and 2 are in the session: they come again",
                 D_4_1_3, MQTT3_4_1_0_1, MQTT_4_4_0_1, MQTT3_4_4_0_1, D3_3_1_2_4_4)
{
    need_sessions(t, 10);
    for (int qos = 1; qos <= 2; qos++) {
        const char *a = topic(t, text(t, "%d", qos));
        struct client *publisher = connect_publisher(t);
        struct client *before = connect_lasting_client(t, "session");
        subscribe(before, a, .qos = qos);
        publish(publisher, .topic = a, .payload = "not acknowledged", .qos = qos);
        const struct received *first = expect_publish(before, .topic = a, .payload = "not acknowledged",
                                                      .qos = qos, .acknowledge = false);
        uint16_t identifier = first->packet.publish.packet_identifier;
        close_abruptly(before);
        struct client *after = return_to_session(t);
        const struct received *again =
            expect_publish(after, .topic = a, .payload = "not acknowledged", .qos = qos);
        if (again->packet.publish.packet_identifier != identifier)
            fail_statement(t, MQTT_4_4_0_1, MQTT3_4_4_0_1, text(t, "Packet Identifier %u again", identifier),
                           "%s", describe_packet(t, &again->packet));
        expect_nothing_before(after, .publisher = publisher, .topic = a, .qos = qos);
    }
}

CONFORMANCE_TEST(
    session_keeps_received_pubrec, V_ALL, NEEDS_QOS2,
    "After PUBREC the session knows that PUBREL is next: it comes again, and the message does not", D_4_1_3,
    MQTT3_4_1_0_1, MQTT_4_4_0_1, MQTT3_4_4_0_1, D3_3_1_2_4_4)
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    struct client *publisher = connect_publisher(t);
    struct client *before = connect_lasting_client(t, "session");
    subscribe(before, a, .qos = 2);
    publish(publisher, .topic = a, .payload = "half", .qos = 2);
    const struct received *first =
        expect_publish(before, .topic = a, .payload = "half", .qos = 2, .acknowledge = false);
    uint16_t identifier = first->packet.publish.packet_identifier;
    send_acknowledgement(before, PACKET_PUBREC, identifier, REASON_SUCCESS);
    expect_pubrel(before, identifier);
    close_abruptly(before);
    struct client *after = return_to_session(t);
    expect_pubrel(after, identifier);
    send_acknowledgement(after, PACKET_PUBCOMP, identifier, REASON_SUCCESS);
    expect_nothing_before(after, .publisher = publisher, .topic = a, .qos = 2);
}

/* Publishes at QoS 2 up to PUBREC, loses the connection and is back. */
static struct client *return_behind_pubrec(struct test *t, const char *a, const char *payload,
                                           uint16_t *identifier)
{
    struct client *before = connect_lasting_client(t, "session");
    *identifier = send_publish(before, .topic = a, .payload = payload, .qos = 2);
    expect_pubrec(before, *identifier);
    close_abruptly(before);
    return return_to_session(t);
}

CONFORMANCE_TEST(
    session_keeps_received_packet_identifiers, V_ALL, NEEDS_QOS2,
    "A QoS 2 message sent again after a reconnect is known by its Packet Identifier, and delivered once",
    D_4_1_5, MQTT3_4_1_0_1, MQTT_4_3_3_10, MQTT3_4_3_3_2, D3_3_1_2_4_6)
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    uint16_t identifier;
    struct client *publisher = connect_publisher(t);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    subscribe(subscriber, a, .qos = 2);
    struct client *after = return_behind_pubrec(t, a, "once", &identifier);
    send_publish(after, .topic = a, .payload = "once", .qos = 2, .dup = true,
                 .packet_identifier = identifier);
    expect_pubrec(after, identifier);
    send_acknowledgement(after, PACKET_PUBREL, identifier, REASON_SUCCESS);
    expect_pubcomp(after, identifier);
    expect_publish(subscriber, .topic = a, .payload = "once", .qos = 2);
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 2);

    /* the identifier is free now: the same bytes are another message */
    send_publish(after, .topic = a, .payload = "another", .qos = 2, .packet_identifier = identifier);
    expect_pubrec(after, identifier);
    send_acknowledgement(after, PACKET_PUBREL, identifier, REASON_SUCCESS);
    expect_pubcomp(after, identifier);
    expect_publish(subscriber, .topic = a, .payload = "another", .qos = 2);
}

CONFORMANCE_TEST(qos_2_flow_goes_on_after_reconnect, V_ALL, NEEDS_QOS2,
                 "PUBREL after a reconnect ends the flow that was begun before, as if nothing had happened",
                 D_4_1_5, MQTT3_4_1_0_1, MQTT3_4_3_3_2, D3_3_1_2_4_6)
{
    need_sessions(t, 10);
    const char *a = topic(t, "a");
    uint16_t identifier;
    struct client *publisher = connect_publisher(t);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    subscribe(subscriber, a, .qos = 2);
    struct client *after = return_behind_pubrec(t, a, "message", &identifier);
    send_acknowledgement(after, PACKET_PUBREL, identifier, REASON_SUCCESS);
    const struct received *pubcomp = expect_pubcomp(after, identifier);
    if (is_v5(t) && pubcomp->packet.acknowledgement.reason_code != REASON_SUCCESS)
        fail_expected(t, "PUBCOMP with Success: the session knows the Packet Identifier", "%s",
                      describe_packet(t, &pubcomp->packet));
    expect_publish(subscriber, .topic = a, .payload = "message", .qos = 2);
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 2);
}
