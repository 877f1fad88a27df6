/* 3.1.4 CONNECT Actions: admission, sessions, take-over, CONNACK. */
#include "broker_harness.h"

static const char bare[3][60] = {"10 [<'MQIsdp'> 03 02 0000 <'%s'>]", "10 [<'MQTT'> 04 02 0000 <'%s'>]",
                                 "10 [<'MQTT'> 05 02 0000 [] <'%s'>]"};

/* [MQTT-3.1.4-5] [MQTT3-3.1.4-4] [MQTT-3.2.2-2] [MQTT3-3.2.2-1] */
START_TEST(a_good_connect_is_answered_with_success)
{
    struct harness *h = harness_create(NULL);
    client_connect(h, "10 [<'MQIsdp'> 03 02 0000 <'a'>]", "20 02 00 00");
    client_connect(h, "10 [<'MQTT'> 04 02 0000 <'b'>]", "20 02 00 00");
    client_connect(h, "10 [<'MQTT'> 05 02 0000 [] <'c'>]", "20 06 00 00 03 22 000A");
    const struct broker_statistics statistics = broker_statistics(h->broker);
    ck_assert_uint_eq(statistics.clients, 3);
    ck_assert_uint_eq(statistics.sessions, 3);
    ck_assert_uint_eq(statistics.connections, 3);
    ck_assert(harness_logged(h, "client 'c' (peer-3): connected"));
    harness_destroy(h);
}
END_TEST

START_TEST(connect_comes_first) /* [MQTT-3.1.0-1] [MQTT3-3.1.0-1] */
{
    static const char *const others[] = {"C0",    "C0 00", "30 [<'t'> 'x']", "E0 00", "82",
                                         "F0 00", "00",    "20 02 00 00"};
    struct harness *h = harness_create(NULL);
    for (int i = 0; i < COUNT(others); i++) {
        struct client *c = client_open(h);
        client_send(c, others[i]);
        client_expect_closed(c, "");
    }
    harness_destroy(h);
}
END_TEST

/* What the second CONNECT says plays no part, and so cannot bring a Reason Code that DISCONNECT does not have. */
START_TEST(a_second_connect_is_not_looked_into) /* [MQTT-3.1.0-2] [MQTT-3.14.2-1] */
{
    static const char *const connects[] = {
        "10 [<'MQIsdp'> 03 02 0000 <''>]",  /* 0x85 as the first packet */
        "10 [<'MQTT'> 04 00 0000 <''>]",    /* 0x85 */
        "10 [<'MQTT'> 06 02 0000 [] <'a'>]" /* 0x84 */
    };
    struct harness *h = harness_create(NULL);
    for (size_t i = 0; i < sizeof connects / sizeof connects[0]; i++) {
        struct client *client = client_join(h, PROTOCOL_5_0, "a");
        client_send(client, connects[i]);
        client_expect_disconnect(client, 0x82, "[MQTT-3.1.0-2]");
    }
    harness_destroy(h);
}
END_TEST

START_TEST(a_second_connect_is_a_protocol_error) /* [MQTT-3.1.0-2] [MQTT3-3.1.0-2] */
{
    struct harness *h = harness_create(NULL);
    struct client *five = client_join(h, PROTOCOL_5_0, "a");
    client_send(five, "10 [<'MQTT'> 05 02 0000 [] <'a'>]");
    client_expect_disconnect(five, 0x82, "[MQTT-3.1.0-2]");
    struct client *four = client_join(h, PROTOCOL_3_1_1, "a");
    client_send(four, "10 [<'MQTT'> 04 02 0000 <'a'>]");
    client_expect_closed(four, "");
    struct client *three = client_join(h, PROTOCOL_3_1, "a");
    client_send(three, "10 [<'MQIsdp'> 03 02 0000 <'a'>]");
    client_expect_closed(three, "");
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 0);
    harness_destroy(h);
}
END_TEST

START_TEST(an_unknown_version_is_answered_in_the_nearest_form) /* [MQTT-3.1.2-2] [MQTT3-3.1.2-2] */
{
    struct harness *h = harness_create(NULL);
    struct client *newer = client_open(h);
    client_send(newer, "10 [<'MQTT'> 06 02 0000 [] <'a'>]");
    client_expect_refusal(newer, 0x84, "[MQTT-3.1.2-2]");
    struct client *older = client_open(h);
    client_send(older, "10 [<'MQTT'> 02 02 0000 <'a'>]");
    client_expect_closed(older, "20 02 00 01");
    struct client *other =
        client_open(h); /* [MQTT-3.1.2-1] [MQTT3-3.1.2-1] not MQTT at all: nothing has to be said */
    client_send(other, "10 [<'HTTP'> 05 02 0000 [] <'a'>]");
    ck_assert(other->closed_by_broker);
    harness_destroy(h);
}
END_TEST

START_TEST(a_malformed_connect_ends_the_connection) /* [MQTT-3.1.4-1] [MQTT3-3.1.4-1] [MQTT3-3.2.2-6] */
{
    struct harness *h = harness_create(NULL);
    struct client *five = client_open(h); /* [MQTT-3.1.2-3] the reserved flag */
    client_send(five, "10 [<'MQTT'> 05 03 0000 [] <'a'>]");
    client_expect_refusal(five, 0x81, "[MQTT-3.1.2-3]");
    struct client *four = client_open(h); /* [MQTT3-3.1.2-3]; no return code says that */
    client_send(four, "10 [<'MQTT'> 04 03 0000 <'a'>]");
    client_expect_closed(four, "");
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 0);
    harness_destroy(h);
}
END_TEST

/* [MQTT-3.1.3-6] [MQTT-3.1.3-7] [MQTT-3.2.2-16] [MQTT3-3.1.3-6] */
START_TEST(an_empty_identifier_is_replaced)
{
    struct harness *h = harness_create(NULL);
    struct client *c[2];
    for (int i = 0; i < 2; i++) {
        c[i] = client_open(h);
        client_send(c[i], "10 [<'MQTT'> 05 02 0000 [] <>]");
        ck_assert_uint_eq(c[i]->inbox_length, 2 + 3 + 3 + 1 + 2 + 27);
        ck_assert_ptr_nonnull(memmem(c[i]->inbox, c[i]->inbox_length,
                                     "\x12\x00\x1b"
                                     "etalon-",
                                     10));
    }
    ck_assert_mem_ne(c[0]->inbox, c[1]->inbox, c[0]->inbox_length);
    /* it is the identifier of the session: who connects with it takes over */
    char name[28] = {0};
    const uint8_t *found = memmem(c[0]->inbox, c[0]->inbox_length, "etalon-", 7);
    memcpy(name, found, 27);
    client_ignore(c[0]);
    client_join(h, PROTOCOL_5_0, name);
    client_expect_closed(c[0], "E0 01 8E");
    client_connect(h, "10 [<'MQTT'> 04 02 0000 <>]", "20 02 00 00");
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 3);
    struct client *keeps = client_open(h); /* [MQTT3-3.1.3-8] */
    client_send(keeps, "10 [<'MQTT'> 04 00 0000 <>]");
    client_expect_closed(keeps, "20 02 00 02");
    harness_destroy(h);
}
END_TEST

static uint8_t constant_byte;

/* Twice the same, then something else. */
static void repeating_random(void *context, void *bytes, size_t length)
{
    (void)context;
    memset(bytes, constant_byte++ / 6, length);
}

START_TEST(an_assigned_identifier_is_unique) /* [MQTT-3.2.2-16] */
{
    const struct broker_settings settings = harness_settings();
    const struct broker_environment environment = {.random = repeating_random};
    constant_byte = 0;
    struct broker *broker = broker_create(&settings, &environment); /* takes three numbers */
    struct step open[2];
    for (int i = 0; i < 2; i++) {
        open[i] = (struct step){.kind = STEP_ACCEPTED};
        broker_step(broker, 1, &open[i]);
        const struct bytes connect = octets("10 [<'MQTT'> 04 02 0000 <>]");
        struct step received = {.kind = STEP_RECEIVED, .connection = open[i].connection, .bytes = connect};
        broker_step(broker, 1, &received);
        octets_free(connect);
    }
    ck_assert_uint_eq(broker_statistics(broker).sessions, 2);
    ck_assert_uint_eq(broker_statistics(broker).clients, 2);
    for (int i = 0; i < 2; i++) {
        struct step closed = {.kind = STEP_CLOSED, .connection = open[i].connection};
        broker_step(broker, 1, &closed);
    }
    broker_destroy(broker);
}
END_TEST

START_TEST(only_3_1_limits_the_identifier) /* [MQTT-3.1.3-5] [MQTT3-3.1.3-5] [MQTT3-3.1.3-9] */
{
    static const char longest[] = "0123456789abcdefghijKLM";
    static const char longer[] = "0123456789abcdefghijKLMN";
    struct harness *h = harness_create(NULL);
    for (int v = 0; v < 3; v++)
        client_drop(client_join(h, unit_versions[v], longest));
    client_drop(client_join(h, PROTOCOL_3_1_1, longer));
    client_drop(client_join(h, PROTOCOL_5_0, longer));
    struct client *three = client_open(h);
    char notation[NOTATION_SIZE];
    octets_print(notation, bare[0], longer);
    client_send(three, notation);
    client_expect_closed(three, "20 02 00 02");
    /* characters, not bytes: 23 of two bytes each */
    client_connect(
        h,
        "10 [<'MQIsdp'> 03 02 0000 <C3 A4 C3 A4 C3 A4 C3 A4 C3 A4 C3 A4 C3 A4 C3 A4 C3 A4 C3 A4 C3 A4 C3 A4"
        " C3 A4 C3 A4 C3 A4 C3 A4 C3 A4 C3 A4 C3 A4 C3 A4 C3 A4 C3 A4 C3 A4>]",
        "20 02 00 00");
    harness_destroy(h);
}
END_TEST

/* [MQTT-3.1.2-5] [MQTT-3.1.2-6] [MQTT-3.2.2-3] [MQTT3-3.1.2-4] [MQTT3-3.2.2-2] [MQTT3-3.2.2-3] */
START_TEST(a_session_is_resumed)
{
    for (int v = 0; v < 3; v++) {
        struct harness *h = harness_create(NULL);
        const bool five = unit_versions[v] == PROTOCOL_5_0;
        struct client *c = client_resume(h, unit_versions[v], "a", false);
        client_subscribe(c, "t", 1);
        client_drop(c);
        ck_assert_uint_eq(broker_statistics(h->broker).sessions, 1);
        ck_assert_uint_eq(broker_statistics(h->broker).clients, 0);
        c = client_resume(h, unit_versions[v], "a", true);
        client_send(c, five ? "30 [<'t'> [] 'x']" : "30 [<'t'> 'x']");
        client_expect(c, five ? "30 [<'t'> [] 'x']" : "30 [<'t'> 'x']");
        ck_assert(harness_logged(h, "session resumed"));
        harness_destroy(h);
    }
}
END_TEST

/* [MQTT-3.1.2-4] [MQTT3-3.1.2-6] [MQTT-3.1.4-4] [MQTT3-3.1.4-3] */
START_TEST(clean_start_discards_the_session)
{
    for (int v = 0; v < 3; v++) {
        struct harness *h = harness_create(NULL);
        const bool five = unit_versions[v] == PROTOCOL_5_0;
        struct client *c = client_resume(h, unit_versions[v], "a", false);
        client_subscribe(c, "t", 1);
        client_drop(c);
        c = client_join(h, unit_versions[v], "a");
        client_send(c, five ? "30 [<'t'> [] 'x']" : "30 [<'t'> 'x']");
        client_expect_silence(c);
        ck_assert_uint_eq(broker_statistics(h->broker).subscriptions, 0);
        client_drop(c); /* [MQTT-4.1.0-2] and ends with its connection */
        ck_assert_uint_eq(broker_statistics(h->broker).sessions, 0);
        harness_destroy(h);
    }
}
END_TEST

START_TEST(the_new_connection_takes_over) /* [MQTT-3.1.4-3] [MQTT3-3.1.4-2] */
{
    struct harness *h = harness_create(NULL);
    struct client *c[4];
    c[0] = client_join(h, PROTOCOL_5_0, "a");
    c[1] = client_join(h, PROTOCOL_3_1_1, "a");
    client_expect_closed(c[0], "E0 01 8E");
    c[2] = client_join(h, PROTOCOL_3_1, "a");
    client_expect_closed(c[1], "");
    c[3] = client_join(h, PROTOCOL_5_0, "a");
    client_expect_closed(c[2], "");
    client_send(c[3], "C0 00");
    client_expect(c[3], "D0 00");
    ck_assert_uint_eq(broker_statistics(h->broker).clients, 1);
    ck_assert_uint_eq(broker_statistics(h->broker).clients_maximum, 1);
    ck_assert(harness_logged(h, "its Client Identifier connected again"));
    harness_destroy(h);
}
END_TEST

START_TEST(a_session_taken_over_is_the_same_session)
{
    struct harness *h = harness_create(NULL);
    struct client *old = client_resume(h, PROTOCOL_5_0, "a", false);
    client_subscribe(old, "t", 2);
    struct client *sender = client_join(h, PROTOCOL_3_1_1, "s");
    struct client *new = client_resume(h, PROTOCOL_5_0, "a", true);
    client_expect_closed(old, "E0 01 8E");
    client_send(sender, "32 [<'t'> 0007 'x']");
    client_expect(sender, "40 02 0007");
    client_expect(new, "32 [<'t'> 0001 [] 'x']");
    harness_destroy(h);
}
END_TEST

START_TEST(an_authentication_method_is_refused) /* [MQTT-4.12.0-1] */
{
    struct harness *h = harness_create(NULL);
    struct client *c = client_open(h);
    client_send(c, "10 [<'MQTT'> 05 02 0000 [15 <'SCRAM'>] <'a'>]");
    client_expect_refusal(c, 0x8C, "[MQTT-4.12.0-1]");
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 0);
    harness_destroy(h);
}
END_TEST

START_TEST(a_refusal_fits_the_maximum_packet_size) /* [MQTT-3.2.2-19] [MQTT-3.1.2-24] [MQTT-3.1.2-25] */
{
    struct harness *h = harness_create(NULL);
    struct client *c = client_open(h);
    client_send(c, "10 [<'MQTT'> 05 02 0000 [15 <'SCRAM'> 27 00000014] <'a'>]");
    client_expect_closed(c, "20 03 00 8C 00");
    c = client_open(h);
    client_send(c, "10 [<'MQTT'> 05 02 0000 [15 <'SCRAM'> 27 00000004] <'a'>]");
    client_expect_closed(c, "");
    harness_destroy(h);
}
END_TEST

START_TEST(a_connack_that_does_not_fit_is_not_sent) /* [MQTT-3.1.2-24] */
{
    struct broker_settings settings = harness_settings();
    settings.topic_alias_maximum = 0;
    struct harness *h = harness_create(&settings);
    struct client *c = client_connect(h, "10 [<'MQTT'> 05 02 0000 [27 00000005] <'a'>]", "20 03 00 00 00");
    client_send(c, "C0 00");
    client_expect(c, "D0 00");
    client_drop(c);
    c = client_open(h);
    client_send(c, "10 [<'MQTT'> 05 02 0000 [27 00000004] <'a'>]");
    client_expect_closed(c, "");
    ck_assert_uint_eq(broker_statistics(h->broker).clients, 0);
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 0);
    harness_destroy(h);
}
END_TEST

/* [D-3.1.4-3]; [MQTT-3.1.4-6] [MQTT3-3.1.4-5] none behind a refused one */
START_TEST(packets_behind_a_connect)
{
    struct harness *h = harness_create(NULL);
    struct client *c = client_open(h);
    client_send(c, "10 [<'MQTT'> 04 02 0000 <'a'>] C0 00 C0 00");
    client_expect(c, "20 02 00 00 D0 00 D0 00");
    struct client *watcher = client_join(h, PROTOCOL_3_1_1, "w");
    client_subscribe(watcher, "#", 0);
    c = client_open(h);
    client_send(c, "10 [<'MQTT'> 05 02 0000 [15 <'X'>] <'b'>] 30 [<'t'> [] 'x'] C0 00");
    client_expect_refusal(c, 0x8C, "[MQTT-4.12.0-1]");
    client_expect_silence(watcher);
    harness_destroy(h);
}
END_TEST

START_TEST(the_session_expiry_interval_can_be_cut) /* [D-3.1.2.11.2-1] 3.2.2.3.2 */
{
    struct broker_settings settings = harness_settings();
    settings.topic_alias_maximum = 0;
    settings.maximum_session_expiry = 100;
    struct harness *h = harness_create(&settings);
    client_connect(h, "10 [<'MQTT'> 05 02 0000 [11 00000064] <'a'>]", "20 [00 00 []]");
    client_connect(h, "10 [<'MQTT'> 05 02 0000 [11 00000065] <'b'>]", "20 [00 00 [11 00000064]]");
    client_connect(h, "10 [<'MQTT'> 05 02 0000 [11 FFFFFFFF] <'c'>]", "20 [00 00 [11 00000064]]");
    client_connect(h, "10 [<'MQTT'> 05 02 0000 [] <'d'>]", "20 [00 00 []]");
    client_connect(h, "10 [<'MQTT'> 04 00 0000 <'e'>]", "20 02 00 00");
    for (struct client *c = h->clients; c; c = c->next)
        client_drop(c);
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 4); /* all but d */
    harness_advance(h, 99999);
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 4);
    harness_advance(h, 1);
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 0);
    ck_assert_uint_eq(broker_statistics(h->broker).sessions_expired, 4);
    harness_destroy(h);
}
END_TEST

/* [MQTT-3.1.2-29]: no Reason String in what is no CONNACK or DISCONNECT */
START_TEST(requests_of_the_client_are_heeded)
{
    struct harness *h = harness_create(NULL);
    struct client *c = client_connect(h, "10 [<'MQTT'> 05 02 0000 [17 00] <'a'>]", "20 [00 00 [22 000A]]");
    client_send(c, "82 [0001 [] <'t'> 01]");
    client_expect(c, "90 [0001 [] 01]");
    client_send(c, "A2 [0002 [] <'u'>]");
    client_expect(c, "B0 [0002 [] 11]");
    client_send(c, "36 [<'t'> 0001 [] 'x']"); /* QoS 3; a DISCONNECT may explain all the same */
    client_expect_disconnect(c, 0x81, "[MQTT-3.3.1-4]");
    harness_destroy(h);
}
END_TEST

Suite *suite_3_01_4_connect_actions(void);
Suite *suite_3_01_4_connect_actions(void)
{
    HARNESS_SUITE("3.1.4 CONNECT Actions", a_good_connect_is_answered_with_success, connect_comes_first,
                  a_second_connect_is_a_protocol_error, a_second_connect_is_not_looked_into,
                  an_unknown_version_is_answered_in_the_nearest_form, a_malformed_connect_ends_the_connection,
                  an_empty_identifier_is_replaced, an_assigned_identifier_is_unique,
                  only_3_1_limits_the_identifier, a_session_is_resumed, clean_start_discards_the_session,
                  the_new_connection_takes_over, a_session_taken_over_is_the_same_session,
                  an_authentication_method_is_refused, a_refusal_fits_the_maximum_packet_size,
                  a_connack_that_does_not_fit_is_not_sent, packets_behind_a_connect,
                  the_session_expiry_interval_can_be_cut, requests_of_the_client_are_heeded);
}
