/* 3.3 PUBLISH as the Server sends it: what travels unaltered, what is made anew, and what is too large. */
#include "broker_harness.h"

#include "mqtt/broker_state.h"
#include "mqtt/3_03_4_publish_forward.h"

static struct harness *h;
static struct client *from, *five, *four, *three;

static void begin_with(const struct broker_settings *settings)
{
    h = harness_create(settings);
    from = client_join(h, PROTOCOL_5_0, "from");
    five = client_join(h, PROTOCOL_5_0, "five");
    four = client_join(h, PROTOCOL_3_1_1, "four");
    three = client_join(h, PROTOCOL_3_1, "three");
    client_subscribe(five, "t", 2);
    client_subscribe(four, "t", 2);
    client_subscribe(three, "t", 2);
}

static void begin(void)
{
    begin_with(NULL);
}

START_TEST(one_message_in_three_versions)
{
    begin();
    client_send(from, "30 [<'t'> [] 'x']");
    client_expect(five, "30 [<'t'> [] 'x']");
    client_expect(four, "30 [<'t'> 'x']");
    client_expect(three, "30 [<'t'> 'x']");
    client_send(three, "34 [<'t'> 0001 'x']");
    client_expect(three, "34 [<'t'> 0001 'x'] 50 02 0001");
    client_expect(four, "34 [<'t'> 0001 'x']");
    client_expect(five, "34 [<'t'> 0001 [] 'x']");
    harness_destroy(h);
}
END_TEST

START_TEST(dup_is_never_passed_on) /* [MQTT-3.3.1-3] [MQTT3-3.3.1-3] */
{
    begin();
    client_send(from, "3A [<'t'> 0001 [] 'x']");
    client_expect(five, "32 [<'t'> 0001 [] 'x']");
    client_expect(four, "32 [<'t'> 0001 'x']");
    harness_destroy(h);
}
END_TEST

/* [MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-17] [MQTT-3.3.2-18] [MQTT-3.3.2-20] */
START_TEST(properties_travel_unaltered)
{
    begin();
    client_send(
        from,
        "30 [<'t'> [26 <'b'> <'1'> 01 01 08 <'r/t'> 26 <'a'> <'2'> 09 <00 FF> 03 <'text'> 26 <'b'> <>] 'x']");
    client_expect(
        five,
        "30 [<'t'> [26 <'b'> <'1'> 01 01 08 <'r/t'> 26 <'a'> <'2'> 09 <00 FF> 03 <'text'> 26 <'b'> <>] 'x']");
    client_expect(four, "30 [<'t'> 'x']");
    harness_destroy(h);
}
END_TEST

/* [MQTT-3.1.2-27] [D-3.3.2.3.4-5]; User Properties keep their order */
START_TEST(properties_of_one_hop_are_taken_out)
{
    begin();
    client_send(from, "30 [<'t'> [26 <'b'> <'1'> 23 0001 26 <'a'> <'2'> 02 0000000A] 'x']");
    client_expect(five, "30 [<'t'> [02 0000000A 26 <'b'> <'1'> 26 <'a'> <'2'>] 'x']");
    client_send(from, "30 [<> [26 <61*200> <62*300> 23 0001] 'x']"); /* a Property Length of two bytes */
    client_expect(five, "30 [<'t'> [26 <61*200> <62*300>] 'x']");
    client_expect(four, "30 [<'t'> 'x'] 30 [<'t'> 'x']");
    harness_destroy(h);
}
END_TEST

START_TEST(the_expiry_interval_shrinks_while_waiting) /* [MQTT-3.3.2-6] [MQTT-3.3.2-5] */
{
    begin();
    struct client *away = client_resume(h, PROTOCOL_5_0, "away", false);
    client_subscribe(away, "t", 1);
    client_drop(away);
    client_send(from,
                "32 [<'t'> 0001 [02 0000000A] 'x'] 32 [<'t'> 0001 [02 00000003] 'y'] 32 [<'t'> 0001 [] 'z']");
    harness_advance(h, 3000);
    away = client_resume(h, PROTOCOL_5_0, "away", true);
    client_expect(away,
                  "32 [<'t'> 0001 [02 00000007] 'x'] 32 [<'t'> 0002 [] 'z']"); /* y has expired, to the ms */
    harness_destroy(h);
}
END_TEST

START_TEST(a_message_of_no_time_is_sent_at_once_or_never) /* [MQTT-3.3.2-5] */
{
    begin();
    client_send(from, "30 [<'t'> [02 00000000] 'x']");
    client_expect(five, "30 [<'t'> [02 00000000] 'x']");
    harness_destroy(h);
}
END_TEST

/* [MQTT-3.3.4-3] [MQTT-3.3.4-4] [D-3.3.4-2] [D-3.3.4-4] */
START_TEST(subscription_identifiers_are_given_back)
{
    begin();
    struct client *c = client_join(h, PROTOCOL_5_0, "ids");
    client_send(c, "82 [0001 [0B 01] <'t'> 00] 82 [0001 [0B FF FF FF 7F] <'+'> 00] 82 [0001 [] <'#'> 00]");
    client_expect(c, "90 [0001 [] 00] 90 [0001 [] 00] 90 [0001 [] 00]");
    client_send(from, "30 [<'t'> [] 'x']");
    ck_assert_uint_eq(client_count(c, PACKET_PUBLISH), 1);
    struct packet packet; /* in any order */
    check_decodes(&packet, PROTOCOL_5_0, SENDER_SERVER, bytes_of(c->inbox, c->inbox_length));
    ck_assert_uint_eq(c->inbox_length, 2 + 3 + 1 + 2 + 5 + 1);
    ck_assert_ptr_nonnull(memmem(c->inbox, c->inbox_length, "\x0B\x01", 2));
    ck_assert_ptr_nonnull(memmem(c->inbox, c->inbox_length, "\x0B\xFF\xFF\xFF\x7F", 5));
    client_ignore(c);
    client_send(c, "82 [0001 [0B 01] <'+'> 00]");
    client_expect(c, "90 [0001 [] 00]");
    client_send(from, "30 [<'t'> [] 'x']");
    client_expect(c, "30 [<'t'> [0B 01 0B 01] 'x']");
    harness_destroy(h);
}
END_TEST

START_TEST(a_client_gets_nothing_larger_than_it_takes) /* [MQTT-3.1.2-24] [MQTT-3.1.2-25] */
{
    begin();
    struct client *c =
        client_connect(h, "10 [<'MQTT'> 05 02 0000 [27 00000014] <'small'>]", "20 [00 00 [22 000A]]");
    client_subscribe(c, "t", 1);
    client_send(from, "30 [<'t'> [] 61*14]"); /* 2 + 3 + 1 + 14 = 20 */
    client_expect(c, "30 [<'t'> [] 61*14]");
    client_send(from, "30 [<'t'> [] 61*15]");
    client_expect_silence(c);
    /* as if it had been sent and acknowledged: the next identifier, and no place in the window */
    client_send(from, "32 [<'t'> 0001 [] 61*12] 32 [<'t'> 0001 [] 61*13] 32 [<'t'> 0001 [] 61*12]");
    client_expect(c, "32 [<'t'> 0001 [] 61*12] 32 [<'t'> 0003 [] 61*12]");
    ck_assert_uint_eq(client_count(five, PACKET_PUBLISH), 5);
    ck_assert_uint_eq(broker_statistics(h->broker).messages_dropped, 2);
    harness_destroy(h);
}
END_TEST

/* A payload that is shared instead of copied, ROUTING_SHARE_FROM. */
START_TEST(a_large_payload_comes_whole)
{
    for (int traced = 0; traced < 2; traced++) {
        h = traced ? harness_create_traced(NULL) : harness_create(NULL);
        from = client_join(h, PROTOCOL_5_0, "from");
        struct client *c[3];
        for (int i = 0; i < 3; i++) {
            char name[2] = {(char)('a' + i), '\0'};
            c[i] = client_join(h, unit_versions[i], name);
            client_subscribe(c[i], "t", (unsigned)i);
        }
        client_send(from, "34 [<'t'> 0001 [] 62 61*4094 62] 34 [<'t'> 0002 [] 63*4097 64]");
        client_expect(c[0], "30 [<'t'> 62 61*4094 62] 30 [<'t'> 63*4097 64]");
        client_expect(c[1], "32 [<'t'> 0001 62 61*4094 62] 32 [<'t'> 0002 63*4097 64]");
        client_expect(c[2], "34 [<'t'> 0001 [] 62 61*4094 62] 34 [<'t'> 0002 [] 63*4097 64]");
        client_expect(from, "50 02 0001 50 02 0002");
        harness_destroy(h);
    }
}
END_TEST

/* The greatest packet of MQTT, of which a subscriber's form can be greater still. The payload is memory
 * that is never touched. */
START_TEST(a_packet_beyond_what_mqtt_allows_is_not_sent) /* [MQTT-3.1.2-25] */
{
    enum { GREATEST = 268435455 };
    h = harness_create(NULL);
    const size_t fits = GREATEST - 2 - 5 - 1; /* Topic Name, Property Length */
    for (size_t less = 0; less <= 12; less++) {
        five = client_connect(h, "10 [<'MQTT'> 05 02 0000 [22 0005] <'a'>]", "20 [00 00 [22 000A]]");
        five->stalled = true;
        struct message *message = calloc(1, sizeof *message + 5 + fits);
        ck_assert_ptr_nonnull(message);
        *message = (struct message){.expires_at = EXPIRES_NEVER,
                                    .references = 1,
                                    .payload_length = (uint32_t)(fits + 1 - less),
                                    .topic_length = 5};
        memcpy(message->bytes, "topic", 5);
        struct publication publication = publication_of_message(message);
        const struct forward forward = {0};
        const enum forward_outcome outcome =
            forward_publish(h->broker, five->connection, &publication, &forward);
        ck_assert_int_eq(outcome, less == 0 ? FORWARD_TOO_LARGE : FORWARD_SENT);
        client_drop(five); /* gives the message back */
        publication_end(&publication);
        ck_assert_uint_eq(message->references, 1);
        message_release(message);
    }
    harness_destroy(h);
}
END_TEST

Suite *suite_3_03_4_publish_forward(void);
Suite *suite_3_03_4_publish_forward(void)
{
    HARNESS_SUITE("3.3 PUBLISH, sent", one_message_in_three_versions, dup_is_never_passed_on,
                  properties_travel_unaltered, properties_of_one_hop_are_taken_out,
                  the_expiry_interval_shrinks_while_waiting, a_message_of_no_time_is_sent_at_once_or_never,
                  subscription_identifiers_are_given_back, a_client_gets_nothing_larger_than_it_takes,
                  a_large_payload_comes_whole, a_packet_beyond_what_mqtt_allows_is_not_sent);
}
