/* 3.3.2.3.4 Topic Alias, in both directions. */
#include "broker_harness.h"

static struct harness *h;
static struct client *from, *to;

static void begin_with(const struct broker_settings *settings)
{
    h = harness_create(settings);
    from = client_join(h, PROTOCOL_5_0, "from");
    to = client_join(h, PROTOCOL_3_1_1, "to");
    client_subscribe(to, "#", 0);
}

static void begin(void)
{
    begin_with(NULL);
}

/* From the client */

/* [MQTT-3.3.2-12] [D-3.3.2.3.4-1] [D-3.3.2.3.4-2] [D-3.3.4-6] [D-3.3.4-8] */
START_TEST(an_alias_stands_for_its_topic)
{
    begin();
    client_send(
        from,
        "30 [<'one'> [23 0001] 'x'] 30 [<'ten'> [23 000A] 'x'] 30 [<> [23 0001] 'y'] 30 [<> [23 000A] 'y']");
    client_expect(to, "30 [<'one'> 'x'] 30 [<'ten'> 'x'] 30 [<'one'> 'y'] 30 [<'ten'> 'y']");
    client_send(from, "32 [<> 0001 [23 0001] 'z'] 34 [<> 0002 [23 000A] 'z']");
    client_expect(from, "40 02 0001 50 02 0002");
    client_expect(to, "30 [<'one'> 'z'] 30 [<'ten'> 'z']");
    harness_destroy(h);
}
END_TEST

START_TEST(an_alias_gets_a_new_meaning) /* [D-3.3.2.3.4-3] [D-3.3.4-7] */
{
    begin();
    client_send(from, "30 [<'one'> [23 0001] 'x'] 30 [<'another'> [23 0001] 'x'] 30 [<> [23 0001] 'y']");
    client_expect(to, "30 [<'one'> 'x'] 30 [<'another'> 'x'] 30 [<'another'> 'y']");
    harness_destroy(h);
}
END_TEST

START_TEST(an_alias_above_the_maximum) /* [MQTT-3.3.2-9] [MQTT-3.2.2-17] */
{
    begin();
    client_send(from, "30 [<'one'> [23 000B] 'x']");
    client_expect_disconnect(from, 0x94, "[MQTT-3.3.2-9]");
    client_expect_silence(to);
    harness_destroy(h);
}
END_TEST

START_TEST(no_alias_where_none_is_announced) /* [MQTT-3.2.2-18] [MQTT-3.3.2-9] */
{
    struct broker_settings settings = harness_settings();
    settings.topic_alias_maximum = 0;
    begin_with(&settings);
    client_send(from, "30 [<'one'> [23 0001] 'x']");
    client_expect_disconnect(from, 0x94, "[MQTT-3.3.2-9]");
    harness_destroy(h);
}
END_TEST

START_TEST(the_greatest_alias) /* [MQTT-3.3.2-12] */
{
    struct broker_settings settings = harness_settings();
    settings.topic_alias_maximum = 65535;
    begin_with(&settings);
    client_send(from, "30 [<'last'> [23 FFFF] 'x'] 30 [<'first'> [23 0001] 'x'] 30 [<> [23 FFFF] 'y']");
    client_expect(to, "30 [<'last'> 'x'] 30 [<'first'> 'x'] 30 [<'last'> 'y']");
    client_send(from, "30 [<> [23 FFFE] 'y']");
    client_expect_disconnect(from, 0x82, "[P-3.3.4-3]");
    harness_destroy(h);
}
END_TEST

START_TEST(an_alias_that_was_not_set_up) /* [P-3.3.4-3] */
{
    static const char *const begun[] = {"", "30 [<'two'> [23 0002] 'x']"};
    for (int i = 0; i < COUNT(begun); i++) {
        begin();
        client_send(from, begun[i]);
        client_send(from, "30 [<> [23 0001] 'x']");
        client_expect_disconnect(from, 0x82, "[P-3.3.4-3]");
        harness_destroy(h);
    }
}
END_TEST

START_TEST(aliases_end_with_the_connection) /* [MQTT-3.3.2-7] [D-3.3.2.3.4-4] */
{
    begin();
    struct client *c = client_resume(h, PROTOCOL_5_0, "a", false);
    client_send(c, "30 [<'one'> [23 0001] 'x']");
    client_drop(c);
    c = client_resume(h, PROTOCOL_5_0, "a", true);
    client_send(c, "30 [<> [23 0001] 'x']");
    client_expect_disconnect(c, 0x82, "[P-3.3.4-3]");
    client_expect(to, "30 [<'one'> 'x']");
    harness_destroy(h);
}
END_TEST

START_TEST(each_connection_has_its_own)
{
    begin();
    struct client *other = client_join(h, PROTOCOL_5_0, "other");
    client_send(from, "30 [<'one'> [23 0001] 'x']");
    client_send(other, "30 [<'two'> [23 0001] 'x']");
    client_send(from, "30 [<> [23 0001] 'y']");
    client_send(other, "30 [<> [23 0001] 'y']");
    client_expect(to, "30 [<'one'> 'x'] 30 [<'two'> 'x'] 30 [<'one'> 'y'] 30 [<'two'> 'y']");
    harness_destroy(h);
}
END_TEST

START_TEST(an_aliased_message_is_kept_under_its_topic)
{
    begin();
    client_send(from, "31 [<'one'> [23 0001] 'x'] 31 [<> [23 0001] 'y']");
    client_ignore(to);
    client_send(to, "82 [0001 <'one'> 00]");
    client_expect(to, "90 03 0001 00 31 [<'one'> 'y']");
    harness_destroy(h);
}
END_TEST

/* Towards the client */

static struct client *alias_taker(const char *properties)
{
    char notation[NOTATION_SIZE];
    octets_print(notation, "10 [<'MQTT'> 05 02 0000 [%s] <'taker'>]", properties);
    struct client *c = client_connect(h, notation, "20 [00 00 [22 000A]]");
    client_subscribe(c, "#", 1);
    return c;
}

START_TEST(the_broker_uses_aliases_that_are_allowed) /* [MQTT-3.1.2-26] [MQTT-3.3.2-11] */
{
    begin();
    struct client *c = alias_taker("22 0002");
    for (int i = 0; i < 2; i++)
        client_send(from, "30 [<'topic/one'> [] 'x'] 30 [<'topic/two'> [] 'x'] 30 [<'topic/three'> [] 'x']");
    client_expect(
        c, "30 [<'topic/one'> [23 0001] 'x'] 30 [<'topic/two'> [23 0002] 'x'] 30 [<'topic/three'> [] 'x']"
           "30 [<> [23 0001] 'x'] 30 [<> [23 0002] 'x'] 30 [<'topic/three'> [] 'x']");
    client_send(from, "32 [<'topic/two'> 0001 [26 <'n'> <'v'> 02 0000000A] 'x']");
    client_expect(c, "32 [<> 0001 [02 0000000A 23 0002 26 <'n'> <'v'>] 'x']");
    harness_destroy(h);
}
END_TEST

START_TEST(no_alias_for_who_allows_none) /* [MQTT-3.1.2-27] [D-3.1.2.11.5-1] */
{
    begin();
    struct client *c = alias_taker("");
    client_send(from, "30 [<'topic/one'> [] 'x'] 30 [<'topic/one'> [] 'x']");
    client_expect(c, "30 [<'topic/one'> [] 'x'] 30 [<'topic/one'> [] 'x']");
    c = alias_taker("22 0000");
    client_send(from, "30 [<'topic/one'> [] 'x'] 30 [<'topic/one'> [] 'x']");
    client_expect(c, "30 [<'topic/one'> [] 'x'] 30 [<'topic/one'> [] 'x']");
    harness_destroy(h);
}
END_TEST

START_TEST(the_broker_has_its_own_limit)
{
    struct broker_settings settings = harness_settings();
    settings.outgoing_topic_aliases = 1;
    begin_with(&settings);
    struct client *c = alias_taker("22 FFFF");
    client_send(from, "30 [<'topic/one'> [] 'x'] 30 [<'topic/two'> [] 'x']");
    client_expect(c, "30 [<'topic/one'> [23 0001] 'x'] 30 [<'topic/two'> [] 'x']");
    client_drop(c);
    settings.outgoing_topic_aliases = 0;
    broker_configure(h->broker, &settings);
    c = alias_taker("22 FFFF");
    client_send(from, "30 [<'topic/one'> [] 'x']");
    client_expect(c, "30 [<'topic/one'> [] 'x']");
    harness_destroy(h);
}
END_TEST

START_TEST(a_short_topic_needs_no_alias)
{
    begin();
    struct client *c = alias_taker("22 0005");
    client_send(from, "30 [<'abc'> [] 'x'] 30 [<'abcd'> [] 'x']");
    client_expect(c, "30 [<'abc'> [] 'x'] 30 [<'abcd'> [23 0001] 'x']");
    harness_destroy(h);
}
END_TEST

START_TEST(no_alias_in_a_packet_that_it_makes_too_large) /* [MQTT-3.1.2-24] */
{
    begin();
    struct client *c = alias_taker("22 0005 27 0000001E"); /* 30 bytes */
    client_send(from, "30 [<'topic'> [] 61*20]");          /* 2 + 7 + 1 + 20: exactly, without an alias */
    client_expect(c, "30 [<'topic'> [] 61*20]");
    client_send(from, "30 [<'topic'> [] 61*10] 30 [<'topic'> [] 61*20]");
    client_expect(c, "30 [<'topic'> [23 0001] 61*10] 30 [<'topic'> [] 61*20]");
    client_send(from, "30 [<'topic'> [] 61*21]");
    client_expect_silence(c);
    harness_destroy(h);
}
END_TEST

START_TEST(what_is_sent_again_is_aliased_anew) /* [MQTT-3.3.2-7] on the new connection */
{
    begin();
    struct client *c =
        client_connect(h, "10 [<'MQTT'> 05 00 0000 [22 0005 11 FFFFFFFF] <'a'>]", "20 [00 00 [22 000A]]");
    client_subscribe(c, "#", 1);
    client_send(from, "32 [<'topic'> 0001 [] 'x'] 32 [<'topic'> 0001 [] 'y']");
    client_expect(c, "32 [<'topic'> 0001 [23 0001] 'x'] 32 [<> 0002 [23 0001] 'y']");
    client_drop(c);
    c = client_connect(h, "10 [<'MQTT'> 05 00 0000 [22 0005 11 FFFFFFFF] <'a'>]",
                       "20 [01 00 [22 000A]] 3A [<'topic'> 0001 [23 0001] 'x'] 3A [<> 0002 [23 0001] 'y']");
    client_drop(c);
    client_connect(h, "10 [<'MQTT'> 05 00 0000 [11 FFFFFFFF] <'a'>]",
                   "20 [01 00 [22 000A]] 3A [<'topic'> 0001 [] 'x'] 3A [<'topic'> 0002 [] 'y']");
    harness_destroy(h);
}
END_TEST

Suite *suite_3_03_2_3_4_topic_alias(void);
Suite *suite_3_03_2_3_4_topic_alias(void)
{
    HARNESS_SUITE("3.3.2.3.4 Topic Alias", an_alias_stands_for_its_topic, an_alias_gets_a_new_meaning,
                  an_alias_above_the_maximum, no_alias_where_none_is_announced, the_greatest_alias,
                  an_alias_that_was_not_set_up, aliases_end_with_the_connection, each_connection_has_its_own,
                  an_aliased_message_is_kept_under_its_topic, the_broker_uses_aliases_that_are_allowed,
                  no_alias_for_who_allows_none, the_broker_has_its_own_limit, a_short_topic_needs_no_alias,
                  no_alias_in_a_packet_that_it_makes_too_large, what_is_sent_again_is_aliased_anew);
}
