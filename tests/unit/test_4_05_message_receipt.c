/* 4.5 Message receipt: overlapping and Shared Subscriptions, and the broker's own messages. */
#include <stdio.h>

#include "broker_harness.h"

static struct harness *h;
static struct client *from, *to;

static void begin_with(const struct broker_settings *settings)
{
    h = harness_create(settings);
    from = client_join(h, PROTOCOL_3_1_1, "from");
    to = client_join(h, PROTOCOL_5_0, "to");
}

static void begin(void)
{
    begin_with(NULL);
}

START_TEST(overlapping_subscriptions_are_one_delivery) /* [MQTT-3.3.4-2] [MQTT3-3.3.5-1] [MQTT-3.3.4-4] */
{
    begin();
    client_send(to, "82 [0001 [0B 01] <'a/b'> 00] 82 [0001 [] <'a/+'> 0A] 82 [0001 [0B 02] <'#'> 01]");
    client_ignore(to);
    client_send(from, "35 [<'a/b'> 0001 'x']");
    /* the highest QoS; RETAIN because one of them wants it as published */
    client_expect(to, to->inbox[10] == 2 ? "35 [<'a/b'> 0001 [0B 02 0B 01] 'x']"
                                         : "35 [<'a/b'> 0001 [0B 01 0B 02] 'x']");
    harness_destroy(h);
}
END_TEST

START_TEST(overlapping_subscriptions_can_be_separate) /* [MQTT-3.3.4-5] [D-3.3.4-3] */
{
    struct broker_settings settings = harness_settings();
    settings.separate_overlapping = true;
    begin_with(&settings);
    client_send(to, "82 [0001 [0B 01] <'a/b'> 00] 82 [0001 [0B 02] <'a/#'> 01]");
    client_ignore(to);
    client_send(from, "34 [<'a/b'> 0001 'x']");
    ck_assert_uint_eq(client_count(to, PACKET_PUBLISH), 2);
    ck_assert_uint_eq(to->inbox_length, 11 + 13);
    ck_assert_ptr_nonnull(memmem(to->inbox, to->inbox_length,
                                 "\x30\x09\x00\x03"
                                 "a/b"
                                 "\x02\x0B\x01x",
                                 11));
    ck_assert_ptr_nonnull(memmem(to->inbox, to->inbox_length,
                                 "\x32\x0B\x00\x03"
                                 "a/b"
                                 "\x00\x01\x02\x0B\x02x",
                                 13));
    harness_destroy(h);
}
END_TEST

START_TEST(more_matches_than_the_scratch_space_has) /* [MQTT-3.3.4-4] */
{
    enum { FILTERS = 300 };
    begin();
    char notation[NOTATION_SIZE];
    /* a topic of nine levels has 512 filters that are made of itself and of + */
    for (unsigned i = 0; i < FILTERS; i++) {
        char filter[20] = "";
        for (unsigned level = 0; level < 9; level++) {
            filter[2 * level] = i >> level & 1 ? '+' : 'a';
            filter[2 * level + 1] = '/';
        }
        filter[17] = '\0';
        octets_print(notation, "82 [0001 [0B %02X %02X] <'%s'> 00]", 0x80 + i % 128, 1 + i / 128, filter);
        client_send(to, notation);
    }
    client_ignore(to);
    for (int times = 0; times < 2; times++) {
        client_send(from, "30 [<'a/a/a/a/a/a/a/a/a'> 'x']");
        struct packet packet;
        check_decodes(&packet, PROTOCOL_5_0, SENDER_SERVER, bytes_of(to->inbox, to->inbox_length));
        ck_assert_uint_eq(packet.size, 1 + 2 + 19 + 2 + 3 * FILTERS + 1);
        client_ignore(to);
    }
    harness_destroy(h);
}
END_TEST

START_TEST(many_recipients)
{
    begin();
    enum { MANY = 200 };
    struct client *many[MANY];
    char name[20];
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "c%d", i);
        many[i] = client_join(h, unit_versions[i % 3], name);
        client_subscribe(many[i], i % 2 ? "t" : "+", 0);
    }
    client_send(from, "30 [<'t'> 'x']");
    for (int i = 0; i < MANY; i++)
        client_expect(many[i], i % 3 == 2 ? "30 [<'t'> [] 'x']" : "30 [<'t'> 'x']");
    harness_destroy(h);
}
END_TEST

/* Shared Subscriptions, 4.8.2 */

START_TEST(a_group_takes_turns) /* [D-4.8.2-7] [D-4.8.2-19] [D-4.8.2-20] */
{
    begin();
    struct client *other = client_join(h, PROTOCOL_5_0, "other");
    client_send(to, "82 [0001 [0B 01] <'$share/g/t'> 00]");
    client_send(other, "82 [0001 [0B 02] <'$share/g/t'> 00]");
    client_ignore(to);
    client_ignore(other);
    for (int i = 0; i < 10; i++)
        client_send(from, "30 [<'t'> 'x']");
    ck_assert_uint_eq(client_count(to, PACKET_PUBLISH), 5);
    ck_assert_uint_eq(client_count(other, PACKET_PUBLISH), 5);
    client_ignore(to);
    client_ignore(other);
    client_send(to, "82 [0001 [0B 03] <'t'> 00]"); /* a subscription of its own besides */
    client_ignore(to);
    client_send(from, "30 [<'t'> 'x'] 30 [<'t'> 'x']");
    ck_assert_uint_eq(client_count(to, PACKET_PUBLISH), 3);
    ck_assert_uint_eq(client_count(other, PACKET_PUBLISH), 1);
    harness_destroy(h);
}
END_TEST

START_TEST(a_member_that_is_away_is_passed_over)
{
    begin();
    struct client *away = client_resume(h, PROTOCOL_5_0, "away", false);
    client_subscribe(away, "$share/g/t", 1);
    client_subscribe(to, "$share/g/t", 1);
    client_drop(away);
    client_send(from, "32 [<'t'> 0001 '1'] 32 [<'t'> 0002 '2']");
    client_expect(to, "32 [<'t'> 0001 [] '1'] 32 [<'t'> 0002 [] '2']");
    client_send(to, "40 02 0001 40 02 0002");
    client_drop(to); /* nobody is there: it waits for one of them */
    client_send(from, "32 [<'t'> 0003 '3']");
    client_expect(from, "40 02 0001 40 02 0002 40 02 0003");
    away = client_resume(h, PROTOCOL_5_0, "away", true);
    client_expect(away, "32 [<'t'> 0001 [] '3']");
    harness_destroy(h);
}
END_TEST

START_TEST(a_member_with_a_full_window_is_passed_over) /* [MQTT-4.9.0-2] */
{
    begin();
    struct client *slow =
        client_connect(h, "10 [<'MQTT'> 05 02 0000 [21 0001] <'slow'>]", "20 06 00 00 03 22 000A");
    client_subscribe(slow, "$share/g/t", 1);
    client_subscribe(to, "$share/g/t", 1);
    for (int i = 0; i < 4; i++)
        client_send(from, "32 [<'t'> 0001 'x']");
    ck_assert_uint_eq(client_count(slow, PACKET_PUBLISH), 1);
    ck_assert_uint_eq(client_count(to, PACKET_PUBLISH), 3);
    client_send(from, "30 [<'t'> 'x'] 30 [<'t'> 'x']"); /* QoS 0 needs no window */
    ck_assert_uint_eq(client_count(slow, PACKET_PUBLISH), 2);
    harness_destroy(h);
}
END_TEST

START_TEST(a_group_of_one_that_cannot_take_it)
{
    begin();
    struct client *slow =
        client_connect(h, "10 [<'MQTT'> 05 02 0000 [21 0001] <'slow'>]", "20 06 00 00 03 22 000A");
    client_subscribe(slow, "$share/g/t", 1);
    client_send(from, "32 [<'t'> 0001 '1'] 32 [<'t'> 0002 '2']");
    client_expect(slow, "32 [<'t'> 0001 [] '1']");
    client_send(slow, "40 02 0001");
    client_expect(slow, "32 [<'t'> 0002 [] '2']");
    harness_destroy(h);
}
END_TEST

/* [S-4.8.2-1] other members of the same group, not of a later one that happens to lie where that one lay */
START_TEST(a_group_that_is_gone_has_no_heirs)
{
    begin();
    struct client *member = client_join(h, PROTOCOL_5_0, "member");
    client_subscribe(member, "$share/g/t", 1);
    client_send(from, "32 [<'t'> 0001 '1']");
    client_send(member, "A2 [0001 [] <'$share/g/t'>]");
    client_subscribe(to, "$share/h/t", 1);
    client_drop(member);
    client_expect_silence(to);
    client_send(from, "32 [<'t'> 0002 '2']"); /* it would have been heard */
    client_expect(to, "32 [<'t'> 0001 [] '2']");
    harness_destroy(h);
}
END_TEST

/* STEP_PUBLISH */

START_TEST(the_broker_itself_publishes) /* 4.7.2 */
{
    begin();
    client_subscribe(to, "$SYS/#", 1);
    client_subscribe(from, "#", 0); /* [MQTT-4.7.2-1] [MQTT3-4.7.2-1] */
    harness_publish(h, "$SYS/broker/uptime", "1");
    client_expect(to, "30 [<'$SYS/broker/uptime'> [] '1']");
    client_expect_silence(from);
    client_send(from, "82 [0001 <'$SYS/broker/+'> 02]"); /* retained */
    client_expect(from, "90 03 0001 02 31 [<'$SYS/broker/uptime'> '1']");
    harness_publish(h, "$SYS/broker/uptime", "");
    client_expect(from, "30 [<'$SYS/broker/uptime'>]");
    ck_assert_uint_eq(broker_statistics(h->broker).retained_messages, 0);
    harness_destroy(h);
}
END_TEST

Suite *suite_4_05_message_receipt(void);
Suite *suite_4_05_message_receipt(void)
{
    HARNESS_SUITE("4.5 Message receipt", overlapping_subscriptions_are_one_delivery,
                  overlapping_subscriptions_can_be_separate, more_matches_than_the_scratch_space_has,
                  many_recipients, a_group_takes_turns, a_member_that_is_away_is_passed_over,
                  a_member_with_a_full_window_is_passed_over, a_group_of_one_that_cannot_take_it,
                  a_group_that_is_gone_has_no_heirs, the_broker_itself_publishes);
}
