/* 4.1 Session State: how long it lives, and its messages in flight by identifier. */
#include "broker_harness.h"

#include "mqtt/broker_state.h"

START_TEST(the_interval_is_exact) /* [MQTT-4.1.0-1] [MQTT-4.1.0-2] [MQTT-3.1.2-23] [D-4.1-1] */
{
    struct harness *h = harness_create(NULL);
    struct client *c =
        client_connect(h, "10 [<'MQTT'> 05 02 0000 [11 00000002] <'a'>]", "20 06 00 00 03 22 000A");
    harness_advance(h, 86400000); /* not while connected [MQTT3-4.1.0-2] */
    client_expect_silence(c);
    client_drop(c);
    ck_assert_uint_eq(broker_deadline(h->broker), h->now + 2000);
    harness_advance(h, 1999);
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 1);
    harness_advance(h, 1);
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 0);
    ck_assert_uint_eq(broker_statistics(h->broker).sessions_expired, 1);
    client_connect(h, "10 [<'MQTT'> 05 00 0000 [11 00000002] <'a'>]", "20 06 00 00 03 22 000A");
    harness_destroy(h);
}
END_TEST

START_TEST(coming_back_stops_the_clock)
{
    struct harness *h = harness_create(NULL);
    client_drop(client_connect(h, "10 [<'MQTT'> 05 02 0000 [11 00000002] <'a'>]", "20 06 00 00 03 22 000A"));
    harness_advance(h, 1999);
    struct client *c =
        client_connect(h, "10 [<'MQTT'> 05 00 0000 [11 00000003] <'a'>]", "20 06 01 00 03 22 000A");
    harness_advance(h, 60000);
    client_drop(c);
    harness_advance(h, 2999); /* the new CONNECT's interval */
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 1);
    harness_advance(h, 1);
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 0);
    harness_destroy(h);
}
END_TEST

/* [D-3.1.2.11.2-1] [D-3.1.2.11.2-2] [MQTT3-3.1.2-6] */
START_TEST(without_interval_it_ends_with_its_connection)
{
    struct harness *h = harness_create(NULL);
    for (int v = 0; v < 3; v++) {
        client_drop(client_join(h, unit_versions[v], "a"));
        ck_assert_uint_eq(broker_statistics(h->broker).sessions, 0);
    }
    client_connect(h, "10 [<'MQTT'> 05 00 0000 [] <'a'>]", "20 06 00 00 03 22 000A");
    client_drop(h->clients);
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 0);
    harness_destroy(h);
}
END_TEST

START_TEST(it_can_last_forever) /* [D-3.1.2.11.2-3] [MQTT3-3.1.2-4] [MQTT3-4.1.0-1] */
{
    struct harness *h = harness_create(NULL);
    for (int v = 0; v < 3; v++) {
        char name[2] = {(char)('a' + v), '\0'};
        client_drop(client_resume(h, unit_versions[v], name, false));
    }
    ck_assert_uint_eq(broker_deadline(h->broker), UINT64_MAX);
    harness_advance(h, 86400000ULL * 36500);
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 3);
    harness_destroy(h);
}
END_TEST

/* [MQTT-4.5.0-1] [MQTT3-4.5.0-1] [MQTT3-3.1.2-5] [D-4.1-4] */
START_TEST(messages_are_kept_for_who_is_away)
{
    for (int v = 0; v < 3; v++) {
        const bool five = unit_versions[v] == PROTOCOL_5_0;
        struct harness *h = harness_create(NULL);
        struct client *sender = client_join(h, PROTOCOL_3_1_1, "s");
        struct client *c = client_resume(h, unit_versions[v], "a", false);
        client_subscribe(c, "t", 2);
        client_drop(c);
        client_send(sender, "32 [<'t'> 0001 '1'] 30 [<'t'> '0'] 34 [<'t'> 0002 '2'] 32 [<'t'> 0003 '3']");
        c = client_resume(h, unit_versions[v], "a", true); /* QoS 0 is not kept */
        client_expect(c, five ? "32 [<'t'> 0001 [] '1'] 34 [<'t'> 0002 [] '2'] 32 [<'t'> 0003 [] '3']"
                              : "32 [<'t'> 0001 '1'] 34 [<'t'> 0002 '2'] 32 [<'t'> 0003 '3']");
        harness_destroy(h);
    }
}
END_TEST

START_TEST(a_session_can_change_its_version)
{
    struct harness *h = harness_create(NULL);
    struct client *sender = client_join(h, PROTOCOL_5_0, "s");
    struct client *c = client_resume(h, PROTOCOL_3_1, "a", false);
    client_subscribe(c, "t", 1);
    client_drop(c);
    client_send(sender, "32 [<'t'> 0001 [01 01] 'x']");
    c = client_resume(h, PROTOCOL_5_0, "a", true);
    client_expect(c, "32 [<'t'> 0001 [01 01] 'x']");
    client_drop(c);
    c = client_resume(h, PROTOCOL_3_1_1, "a", true);
    client_expect(c, "3A [<'t'> 0001 'x']");
    harness_destroy(h);
}
END_TEST

START_TEST(identifiers_tell_sessions_apart) /* [MQTT-3.1.3-2] [MQTT3-3.1.3-2] */
{
    struct harness *h = harness_create(NULL);
    client_join(h, PROTOCOL_5_0, "a");
    client_join(h, PROTOCOL_5_0, "A");
    client_join(h, PROTOCOL_5_0, "a ");
    client_join(h, PROTOCOL_3_1_1, "aa");
    ck_assert_uint_eq(broker_statistics(h->broker).clients, 4);
    harness_destroy(h);
}
END_TEST

/* Messages in flight, without a broker */

static struct message *message;
static struct broker nobody; /* stores nothing */

static struct delivery *put_in_flight(struct session *session)
{
    struct delivery *delivery = delivery_create(&nobody, message, 1, false, NULL, 0);
    if (!inflight_add(session, delivery)) {
        delivery_destroy(&nobody, delivery);
        return NULL;
    }
    return delivery;
}

static void take_out(struct session *session, struct delivery *delivery)
{
    inflight_remove(session, delivery);
    delivery_destroy(&nobody, delivery);
}

START_TEST(every_identifier_can_be_in_flight) /* [MQTT-2.2.1-3] [MQTT-2.2.1-4] */
{
    struct session *session = calloc(1, sizeof *session);
    message = message_create(bytes_of_text("t"), bytes_of("", 0), bytes_of_text("x"), 1, EXPIRES_NEVER);
    static struct delivery *deliveries[65536];
    for (unsigned i = 1; i <= 65535; i++) {
        struct delivery *delivery = put_in_flight(session);
        if (!delivery || delivery->packet_identifier == 0 || deliveries[delivery->packet_identifier])
            ck_abort_msg("identifier %u of 65,535 is not to be had", i);
        deliveries[delivery->packet_identifier] = delivery;
    }
    ck_assert_ptr_null(put_in_flight(session));
    for (unsigned i = 1; i <= 65535; i++) {
        if (inflight_find(session, (uint16_t)i) != deliveries[i])
            ck_abort_msg("%u is not found", i);
    }
    /* the only one that is free is found again, wherever the search begins */
    take_out(session, deliveries[40000]);
    ck_assert_ptr_null(inflight_find(session, 40000));
    deliveries[40000] = put_in_flight(session);
    ck_assert_uint_eq(deliveries[40000]->packet_identifier, 40000);
    for (unsigned i = 1; i <= 65535; i++)
        take_out(session, deliveries[i]);
    ck_assert_ptr_null(inflight_find(session, 1));
    ck_assert_uint_eq(session_flows(session)->inflight.count, 0);
    ck_assert_uint_eq(message->references, 1);
    message_release(message);
    free(session->flows->inflight.slots);
    free(session->flows);
    free(session);
}
END_TEST

START_TEST(identifiers_wrap_around) /* [MQTT-2.2.1-4] never 0, never one that is in use */
{
    struct session *session = calloc(1, sizeof *session);
    message = message_create(bytes_of_text("t"), bytes_of("", 0), bytes_of_text("x"), 1, EXPIRES_NEVER);
    struct delivery *first = put_in_flight(session);
    struct delivery *third = NULL;
    ck_assert_uint_eq(first->packet_identifier, 1);
    for (unsigned i = 0; i < 200000; i++) {
        struct delivery *delivery = put_in_flight(session);
        const uint16_t identifier = delivery->packet_identifier;
        if (identifier == 0 || identifier == 1 || (third && identifier == third->packet_identifier))
            ck_abort_msg("%u was given", identifier);
        if (i == 1)
            third = delivery;
        else
            take_out(session, delivery);
    }
    ck_assert_ptr_eq(inflight_find(session, 1), first);
    ck_assert_ptr_eq(inflight_find(session, third->packet_identifier), third);
    take_out(session, first);
    take_out(session, third);
    message_release(message);
    free(session->flows->inflight.slots);
    free(session->flows);
    free(session);
}
END_TEST

START_TEST(a_full_window_of_65535_through_the_broker) /* [MQTT-3.3.4-9] */
{
    struct broker_settings settings = harness_settings();
    settings.maximum_inflight = 0;
    settings.maximum_queued = 5;
    settings.maximum_output = UINT32_MAX;
    struct harness *h = harness_create(&settings);
    struct client *c = client_join(h, PROTOCOL_3_1_1, "a");
    client_subscribe(c, "t", 1);
    struct client *sender = client_join(h, PROTOCOL_3_1_1, "s");
    const struct bytes publish = octets("32 [<'t'> 0001 'x']");
    for (unsigned i = 0; i < 65535; i++)
        client_send_bytes(sender, publish);
    ck_assert_uint_eq(client_count(c, PACKET_PUBLISH), 65535);
    client_ignore(c);
    for (unsigned i = 0; i < 6; i++) /* five wait, the sixth is lost */
        client_send_bytes(sender, publish);
    client_expect_silence(c);
    ck_assert_uint_eq(broker_statistics(h->broker).messages_dropped, 1);
    client_send(c, "40 02 8000");
    client_expect(c, "32 [<'t'> 8000 'x']");
    octets_free(publish);
    harness_destroy(h);
}
END_TEST

/* Shared Subscriptions when a session ends, 4.8.2. In each of these `first` was chosen for the message and
 * `second` is the other member. */

static struct harness *h;
static struct client *publisher, *first, *second;

static void begin_group(unsigned qos, bool lasting)
{
    h = harness_create(NULL);
    publisher = client_join(h, PROTOCOL_3_1_1, "publisher");
    first = lasting ? client_resume(h, PROTOCOL_5_0, "first", false) : client_join(h, PROTOCOL_5_0, "first");
    second = client_join(h, PROTOCOL_5_0, "second");
    client_subscribe(first, "$share/g/t", qos);
    client_subscribe(second, "$share/g/t", qos);
}

/* The other member has got nothing so far, and would have. */
static void expect_nothing_handed_over(void)
{
    client_expect_silence(second);
    client_send(publisher, "30 [<'t'> 'after']");
    client_expect(second, "30 [<'t'> [] 'after']");
    harness_destroy(h);
}

START_TEST(what_was_in_flight_goes_to_another_member) /* [S-4.8.2-1] */
{
    begin_group(1, false);
    client_send(publisher, "32 [<'t'> 0001 '1']");
    client_expect(first, "32 [<'t'> 0001 [] '1']");
    client_expect_silence(second);
    client_drop(first);
    client_expect(second, "32 [<'t'> 0001 [] '1']"); /* the first time for this client: no DUP */
    client_send(second, "40 02 0001");
    client_drop(second); /* and nobody is left */
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 1);
    harness_destroy(h);
}
END_TEST

START_TEST(what_was_acknowledged_does_not)
{
    static const char *const answers[] = {"40 02 0001", "40 03 0001 80"}; /* [MQTT-4.8.2-6] refused, too */
    for (int i = 0; i < COUNT(answers); i++) {
        begin_group(1, false);
        client_send(publisher, "32 [<'t'> 0001 '1']");
        client_expect(first, "32 [<'t'> 0001 [] '1']");
        client_send(first, answers[i]);
        client_drop(first);
        expect_nothing_handed_over();
    }
}
END_TEST

START_TEST(qos_2_is_never_handed_over) /* [MQTT-4.8.2-5] whether received or not */
{
    for (int received = 0; received < 2; received++) {
        begin_group(2, false);
        client_send(publisher, "34 [<'t'> 0001 '1']");
        client_expect(first, "34 [<'t'> 0001 [] '1']");
        if (received == 1) {
            client_send(first, "50 02 0001");
            client_expect(first, "62 02 0001");
        }
        client_drop(first);
        expect_nothing_handed_over();
    }
}
END_TEST

START_TEST(while_the_session_lasts_its_message_waits) /* [MQTT-4.8.2-4] */
{
    begin_group(1, true);
    client_send(publisher, "32 [<'t'> 0001 '1']");
    client_expect(first, "32 [<'t'> 0001 [] '1']");
    client_drop(first);
    client_expect_silence(second);
    first = client_resume(h, PROTOCOL_5_0, "first", true);
    client_expect(first, "3A [<'t'> 0001 [] '1']");
    client_drop(first);
    client_expect_silence(second);
    client_join(h, PROTOCOL_5_0, "first"); /* Clean Start ends it */
    client_expect(second, "32 [<'t'> 0001 [] '1']");
    harness_destroy(h);
}
END_TEST

START_TEST(what_waited_goes_to_another_member_too) /* [S-4.8.2-1] from the queue, into a queue, in order */
{
    begin_group(1, true);
    struct client *lasting = client_resume(h, PROTOCOL_5_0, "lasting", false);
    client_subscribe(lasting, "$share/g/t", 1);
    client_drop(lasting);
    client_drop(second); /* its session ends, and it had nothing */
    client_drop(first);
    client_send(publisher, "32 [<'t'> 0001 '1'] 34 [<'t'> 0002 '2'] 32 [<'t'> 0003 '3']");
    client_drop(client_join(h, PROTOCOL_5_0, "first")); /* both sessions were chosen for some of them */
    lasting = client_resume(h, PROTOCOL_5_0, "lasting", true);
    ck_assert_uint_eq(client_count(lasting, PACKET_PUBLISH), 3); /* granted QoS 1, all of them */
    harness_destroy(h);
}
END_TEST

START_TEST(an_expired_message_is_not_handed_over) /* [MQTT-3.3.2-5] */
{
    begin_group(1, true);
    struct client *five = client_join(h, PROTOCOL_5_0, "five");
    client_send(five, "32 [<'t'> 0001 [02 0000000A] '1']");
    client_expect(first, "32 [<'t'> 0001 [02 0000000A] '1']");
    client_drop(first);
    harness_advance(h, 10000);
    client_drop(client_join(h, PROTOCOL_5_0, "first"));
    expect_nothing_handed_over();
}
END_TEST

START_TEST(only_the_group_inherits)
{
    begin_group(1, false);
    struct client *other = client_join(h, PROTOCOL_5_0, "other"); /* another group, and a filter of its own */
    client_subscribe(other, "$share/x/t", 1);
    client_subscribe(other, "t", 0);
    client_send(publisher, "32 [<'t'> 0001 '1']");
    ck_assert_uint_eq(client_count(other, PACKET_PUBLISH), 2); /* its own shares of it */
    client_ignore(other);
    client_drop(first);
    client_expect(second, "32 [<'t'> 0001 [] '1']");
    client_expect_silence(other);
    client_drop(other); /* its message of QoS 1 has no heir in its group */
    client_expect_silence(second);
    harness_destroy(h);
}
END_TEST

Suite *suite_4_01_session_state(void);
Suite *suite_4_01_session_state(void)
{
    HARNESS_SUITE("4.1 Session State", the_interval_is_exact, coming_back_stops_the_clock,
                  without_interval_it_ends_with_its_connection, it_can_last_forever,
                  messages_are_kept_for_who_is_away, a_session_can_change_its_version,
                  identifiers_tell_sessions_apart, every_identifier_can_be_in_flight, identifiers_wrap_around,
                  a_full_window_of_65535_through_the_broker, what_was_in_flight_goes_to_another_member,
                  what_was_acknowledged_does_not, qos_2_is_never_handed_over,
                  while_the_session_lasts_its_message_waits, what_waited_goes_to_another_member_too,
                  an_expired_message_is_not_handed_over, only_the_group_inherits);
}
