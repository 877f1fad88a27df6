/* 5.4.8 Detecting abnormal behaviours: each limit, what it answers, and what it leaves alone. */
#include "broker_harness.h"

#include <string.h>

static struct harness *h;
static struct broker_settings settings;

static void begin(void)
{
    settings = harness_settings();
}

/* Begins with the settings, and one client. */
static struct client *first(enum protocol_version version)
{
    h = harness_create(&settings);
    return client_join(h, version, "a");
}

static uint64_t refused(enum broker_limit limit)
{
    return broker_statistics(h->broker).refused[limit];
}

static struct client *greedy(const char *connect)
{
    struct client *client = client_open(h);
    client_send(client, connect);
    return client;
}

START_TEST(first_packets_are_smaller)
{
    begin();
    settings.maximum_packet_size = 300;
    settings.maximum_first_packet = 100;
    h = harness_create(&settings);
    struct client *c = greedy("10 [<'MQTT'> 05 02 0000 [] <61*80>]"); /* 95 bytes */
    ck_assert_uint_eq(client_count(c, PACKET_CONNACK), 1);
    client_ignore(c);
    client_send(c, "30 [<'t'> [] 61*200]"); /* afterwards the larger limit holds */
    client_send(c, "C0 00");
    client_expect(c, "D0 00");
    ck_assert_uint_eq(refused(LIMIT_FIRST_PACKET), 0);
    client_expect_closed(greedy("10 64 0004 'MQTT' 05"), ""); /* 102 bytes; the version has not been read */
    client_expect_closed(greedy("10 [<'MQTT'> 04 02 0000 <61*120>]"), "");
    ck_assert_uint_eq(refused(LIMIT_FIRST_PACKET), 2);
    ck_assert(harness_logged(h, "packet_max_connect"));
    client_send(c, "30 [<'t'> [] 61*300]"); /* [P-3.2.2.3.6-2] */
    client_expect_disconnect(c, 0x95, "Maximum Packet Size");
    ck_assert_uint_eq(refused(LIMIT_PACKET_SIZE), 1);
    ck_assert(harness_logged(h, "max_packet_size"));
    harness_destroy(h);
}
END_TEST

START_TEST(the_smaller_size_holds_before_connack)
{
    begin();
    settings.maximum_packet_size = 50;
    settings.maximum_first_packet = 100;
    h = harness_create(&settings);
    client_expect_closed(greedy("10 [<'MQTT'> 04 02 0000 <61*60>]"), "");
    settings.maximum_first_packet = 0; /* no other limit */
    broker_configure(h->broker, &settings);
    client_expect_closed(greedy("10 [<'MQTT'> 04 02 0000 <61*60>]"), "");
    harness_destroy(h);
}
END_TEST

START_TEST(user_properties)
{
    begin();
    settings.maximum_user_properties = 2;
    struct client *c = first(PROTOCOL_5_0);
    client_send(c, "32 [<'t'> 0001 [26 <'n'> <'v'> 26 <'n'> <'v'>] 'x']");
    client_expect(c, "40 03 0001 10");
    client_send(c, "32 [<'t'> 0001 [26 <'n'> <'v'> 26 <'n'> <'v'> 26 <> <>] 'x']");
    client_expect_disconnect(c, 0x97, "User Properties");
    struct client *d = greedy("10 [<'MQTT'> 05 02 0000 [26 <> <> 26 <> <> 26 <> <>] <'d'>]");
    client_expect_refusal(d, 0x97, "User Properties");
    d = greedy("10 [<'MQTT'> 05 06 0000 [] <'d'> [26 <> <> 26 <> <> 26 <> <>] <'w'> <>]");
    client_expect_refusal(d, 0x97, "User Properties"); /* those of a Will as well */
    d = client_join(h, PROTOCOL_5_0, "d");
    client_send(d, "82 [0001 [26 <> <> 26 <> <> 26 <> <>] <'t'> 00]");
    client_expect_disconnect(d, 0x97, "User Properties");
    ck_assert_uint_eq(refused(LIMIT_USER_PROPERTIES), 4);
    ck_assert(harness_logged(h, "max_user_properties"));
    harness_destroy(h);
}
END_TEST

START_TEST(topic_bytes)
{
    begin();
    settings.maximum_topic_length = 5;
    struct client *c = first(PROTOCOL_5_0);
    client_send(c, "82 [0001 [] <'a/b/c'> 00 <'a/bcde'> 00 <'#'> 00]");
    client_expect(c, "90 [0001 [] 00 8F 00]");
    client_send(c, "30 [<'abcde'> [] 'x'] 32 [<'abcdef'> 0001 [] 'x'] 34 [<'a/b/cd'> 0002 [] 'x'] 30 "
                   "[<'abcdef'> [] 'x']");
    client_expect(c, "30 [<'abcde'> [] 'x'] 40 03 0001 90 50 03 0002 90");
    struct client *old = client_join(h, PROTOCOL_3_1_1, "old");
    client_send(old, "82 [0001 <'abcdef'> 00] 32 [<'abcdef'> 0001 'x']");
    client_expect(old, "90 03 0001 80 40 02 0001");
    client_expect_refusal(greedy("10 [<'MQTT'> 05 06 0000 [] <'w'> [] <'abcdef'> <>]"), 0x90, "bytes");
    ck_assert_uint_eq(refused(LIMIT_TOPIC_LENGTH), 7);
    ck_assert_uint_eq(refused(LIMIT_TOPIC_LEVELS), 0);
    ck_assert(harness_logged(h, "max_topic_length"));
    harness_destroy(h);
}
END_TEST

START_TEST(levels)
{
    begin();
    settings.maximum_topic_levels = 3;
    struct client *c = first(PROTOCOL_5_0);
    client_send(c, "82 [0001 [] <'a/b/c'> 00 <'a/b/c/#'> 00 <'//'> 00 <'///'> 00]");
    client_expect(c, "90 [0001 [] 00 8F 00 8F]");
    client_send(c, "30 [<'a/b/c'> [] 'x'] 32 [<'a/b/c/d'> 0001 [] 'x'] 34 [<'///'> 0002 [] 'x'] 30 "
                   "[<'a/b/c/d'> [] 'x']");
    client_expect(c, "30 [<'a/b/c'> [] 'x'] 40 03 0001 90 50 03 0002 90");
    struct client *old = client_join(h, PROTOCOL_3_1_1, "old");
    client_send(old, "82 [0001 <'a/b/c/d'> 00] 32 [<'a/b/c/d'> 0001 'x']");
    client_expect(old, "90 03 0001 80 40 02 0001");
    client_expect_refusal(greedy("10 [<'MQTT'> 05 06 0000 [] <'w'> [] <'a/b/c/d'> <>]"), 0x90, "levels");
    ck_assert_uint_eq(refused(LIMIT_TOPIC_LEVELS), 8);
    ck_assert(harness_logged(h, "max_topic_levels"));
    harness_destroy(h);
}
END_TEST

START_TEST(sessions)
{
    begin();
    settings.maximum_sessions = 2;
    struct client *a = first(PROTOCOL_5_0);
    struct client *b = client_resume(h, PROTOCOL_5_0, "b", false);
    client_expect_refusal(greedy("10 [<'MQTT'> 05 02 0000 [] <'c'>]"), 0x97, "Sessions");
    client_expect_closed(greedy("10 [<'MQTT'> 04 02 0000 <'c'>]"), "20 02 00 03");
    client_drop(b);
    client_expect_refusal(greedy("10 [<'MQTT'> 05 02 0000 [] <'c'>]"), 0x97, "Sessions"); /* b's is there */
    b = client_resume(h, PROTOCOL_5_0, "b", true);
    struct client *again = client_join(h, PROTOCOL_5_0, "a"); /* takes the old one's place */
    ck_assert(a->closed_by_broker);
    client_drop(again);
    client_join(h, PROTOCOL_5_0, "c"); /* a's session has ended */
    client_expect_silence(b);
    ck_assert_uint_eq(refused(LIMIT_SESSIONS), 3);
    ck_assert(harness_logged(h, "global_max_clients"));
    harness_destroy(h);
}
END_TEST

START_TEST(subscriptions_of_one_client)
{
    begin();
    settings.maximum_subscriptions_of_session = 2;
    struct client *c = first(PROTOCOL_5_0);
    client_send(c, "82 [0001 [] <'1'> 00 <'2'> 00 <'3'> 00 <'1'> 01 <'$share/g/1'> 00]");
    client_expect(c, "90 [0001 [] 00 00 97 01 97]"); /* one that is there may get other options */
    client_send(c, "A2 [0002 [] <'2'>] 82 [0003 [] <'3'> 00]");
    client_expect(c, "B0 [0002 [] 00] 90 [0003 [] 00]");
    struct client *old = client_join(h, PROTOCOL_3_1_1, "old");
    client_send(old, "82 [0001 <'1'> 00 <'2'> 00 <'3'> 00]");
    client_expect(old, "90 [0001 00 00 80]");
    ck_assert_uint_eq(refused(LIMIT_SUBSCRIPTIONS_OF_SESSION), 3);
    ck_assert(harness_logged(h, "max_subscriptions_per_client"));
    harness_destroy(h);
}
END_TEST

/* However often one filter comes in a packet, it is looked at 65,536 times, or as often as there may be others. */
START_TEST(filters_of_one_packet)
{
    enum { FILTERS = 65537, HEADER = 4, SIZE = HEADER + 2 + FILTERS * 4 };
    begin();
    settings.maximum_subscriptions_of_session = 1;
    struct client *c = first(PROTOCOL_3_1_1);
    uint8_t *packet = calloc(1, SIZE);
    ck_assert_ptr_nonnull(packet);
    memcpy(packet, (const uint8_t[]){0x82, 0x86, 0x80, 0x10, 0, 1}, HEADER + 2); /* 262,150 bytes follow */
    for (size_t i = 0; i < FILTERS; i++)
        memcpy(packet + HEADER + 2 + i * 4, "\0\1t", 4);
    client_send_bytes(c, bytes_of(packet, SIZE));
    ck_assert_uint_eq(c->inbox_length, HEADER + 2 + FILTERS);
    ck_assert_uint_eq(c->inbox[HEADER + 2 + FILTERS - 2], 0);
    ck_assert_uint_eq(c->inbox[HEADER + 2 + FILTERS - 1], 0x80);
    ck_assert_uint_eq(refused(LIMIT_SUBSCRIPTIONS_OF_SESSION), 1);
    client_ignore(c);
    settings.maximum_subscriptions_of_session = 0;
    broker_configure(h->broker, &settings);
    client_send_bytes(c, bytes_of(packet, SIZE));
    ck_assert_uint_eq(c->inbox[HEADER + 2 + FILTERS - 1], 0);
    free(packet);
    harness_destroy(h);
}
END_TEST

START_TEST(subscriptions_of_all)
{
    begin();
    settings.maximum_subscriptions = 3;
    struct client *c = first(PROTOCOL_5_0);
    struct client *d = client_join(h, PROTOCOL_5_0, "d");
    client_send(c, "82 [0001 [] <'1'> 00 <'2'> 00]");
    client_expect(c, "90 [0001 [] 00 00]");
    client_send(d, "82 [0001 [] <'1'> 00 <'2'> 00]");
    client_expect(d, "90 [0001 [] 00 97]");
    client_drop(c);
    client_send(d, "82 [0001 [] <'2'> 00 <'3'> 00 <'4'> 00]");
    client_expect(d, "90 [0001 [] 00 00 97]");
    ck_assert(harness_logged(h, "max_subscriptions allows"));
    ck_assert_uint_eq(refused(LIMIT_SUBSCRIPTIONS), 2);
    harness_destroy(h);
}
END_TEST

/* 16 levels are one subscription, 17 are two. */
START_TEST(deep_filters_count_more)
{
    begin();
    settings.maximum_subscriptions_of_session = 4;
    struct client *c = first(PROTOCOL_5_0);
    client_send(c, "82 [0001 [] <2F*15> 00 <2F*16> 00 <2F*17> 00 <'x'> 00 <'y'> 00]");
    client_expect(c, "90 [0001 [] 00 00 97 00 97]");
    client_send(c, "A2 [0002 [] <2F*16>] 82 [0003 [] <'y'> 00 <'z'> 00 <'+'> 00]");
    client_expect(c, "B0 [0002 [] 00] 90 [0003 [] 00 00 97]");
    harness_destroy(h);
}
END_TEST

START_TEST(retained_messages)
{
    begin();
    settings.maximum_retained = 2;
    struct client *c = first(PROTOCOL_5_0);
    client_subscribe(c, "#", 0);
    client_send(c, "33 [<'1'> 0001 [] 'x'] 35 [<'2'> 0002 [] 'x'] 62 02 0002");
    client_expect(c, "30 [<'1'> [] 'x'] 40 02 0001 30 [<'2'> [] 'x'] 50 02 0002 70 02 0002");
    client_send(c, "33 [<'3'> 0001 [] 'x'] 35 [<'3'> 0002 [] 'x'] 31 [<'3'> [] 'x']");
    client_expect(c, "40 03 0001 97 50 03 0002 97"); /* nobody gets them */
    client_send(c, "33 [<'1'> 0001 [] 'longer'] 33 [<'3'> 0003 [] ]");
    client_expect(c, "30 [<'1'> [] 'longer'] 40 02 0001 30 [<'3'> [] ] 40 02 0003");
    struct client *old = client_join(h, PROTOCOL_3_1_1, "old");
    client_send(old, "31 [<'4'> 'x'] C0 00");
    client_expect(old, "D0 00");
    client_send(old, "33 [<'4'> 0001 'x']"); /* it comes again when there may be room [MQTT3-4.8.0-2] */
    client_expect_closed(old, "");
    client_send(c, "31 [<'1'> [] ] 33 [<'3'> 0001 [] 'x']");
    client_expect(c, "30 [<'1'> [] ] 30 [<'3'> [] 'x'] 40 02 0001");
    ck_assert_uint_eq(broker_statistics(h->broker).retained_messages, 2);
    ck_assert_uint_eq(refused(LIMIT_RETAINED), 5);
    ck_assert(harness_logged(h, "max_retained_messages"));
    harness_publish(h, "$SYS/own", "x"); /* the broker's own are not refused */
    ck_assert_uint_eq(broker_statistics(h->broker).retained_messages, 3);
    harness_destroy(h);
}
END_TEST

START_TEST(a_will_is_published_though_not_retained)
{
    begin();
    settings.maximum_retained = 1;
    struct client *c = first(PROTOCOL_5_0);
    client_send(c, "31 [<'1'> [] 'x']");
    client_subscribe(c, "w", 0);
    struct client *w = client_connect(h, "10 [<'MQTT'> 04 26 0000 <'w'> <'w'> <'gone'>]", "20 02 00 00");
    client_drop(w);
    client_expect(c, "30 [<'w'> [] 'gone']");
    ck_assert_uint_eq(broker_statistics(h->broker).retained_messages, 1);
    harness_destroy(h);
}
END_TEST

START_TEST(retained_bytes)
{
    begin();
    settings.maximum_retained_bytes = 3000;
    struct client *c = first(PROTOCOL_5_0);
    client_send(c, "33 [<'1'> 0001 [] 61*1000] 33 [<'2'> 0002 [] 61*1000] 33 [<'3'> 0003 [] 61*1000]");
    client_expect(c, "40 03 0001 10 40 03 0002 10 40 03 0003 97");
    client_send(c, "33 [<'2'> 0001 [] 61*900] 33 [<'2'> 0002 [] 61*2000]"); /* a smaller one has room */
    client_expect(c, "40 03 0001 10 40 03 0002 97");
    client_send(c, "31 [<'1'> [] ] 31 [<'2'> [] ]");
    ck_assert_uint_eq(broker_statistics(h->broker).retained_bytes, 0);
    client_send(c, "33 [<'2'> 0002 [] 61*2000]");
    client_expect(c, "40 03 0002 10");
    client_send(c, "33 [<2F*60> 0001 [] 'x']"); /* levels cost as well */
    client_expect(c, "40 03 0001 97");
    ck_assert_uint_eq(refused(LIMIT_RETAINED_BYTES), 3);
    ck_assert(harness_logged(h, "max_retained_bytes"));
    harness_destroy(h);
}
END_TEST

/* One message more than the limit fits, however large: else a large one never could. */
START_TEST(queued_bytes)
{
    begin();
    settings.maximum_queued_bytes = 2000;
    struct client *c = first(PROTOCOL_5_0);
    client_drop(client_resume(h, PROTOCOL_5_0, "away", false));
    struct client *away = client_resume(h, PROTOCOL_5_0, "away", true);
    client_subscribe(away, "t", 1);
    client_drop(away);
    for (int i = 0; i < 5; i++)
        client_send(c, "32 [<'t'> 0001 [] 61*1000]");
    ck_assert_uint_eq(broker_statistics(h->broker).messages_dropped, 3);
    ck_assert_uint_eq(refused(LIMIT_QUEUED_BYTES), 3);
    ck_assert(harness_logged(h, "max_queued_bytes allows"));
    away = client_resume(h, PROTOCOL_5_0, "away", true);
    ck_assert_uint_eq(client_count(away, PACKET_PUBLISH), 2);
    client_ignore(away);
    client_send(away, "40 02 0001 40 02 0002");
    ck_assert_uint_eq(broker_statistics(h->broker).held_bytes, 0);
    harness_destroy(h);
}
END_TEST

START_TEST(held_bytes)
{
    begin();
    settings.maximum_held_bytes = 3000;
    struct client *c = first(PROTOCOL_5_0);
    struct client *away[3];
    static const char *const names[] = {"x", "y", "z"};
    for (int i = 0; i < 3; i++) {
        away[i] = client_resume(h, PROTOCOL_5_0, names[i], false);
        client_subscribe(away[i], "t", 1);
        client_drop(away[i]);
    }
    for (int i = 0; i < 4; i++)
        client_send(c, "32 [<'t'> 0001 [] 61*1000]"); /* each counts once, though it waits for three */
    ck_assert_uint_eq(broker_statistics(h->broker).messages_dropped, 6);
    ck_assert_uint_eq(refused(LIMIT_HELD_BYTES), 6);
    ck_assert(harness_logged(h, "max_queued_bytes_total"));
    struct client *here = client_join(h, PROTOCOL_5_0, "here"); /* who acknowledges is served all the time */
    client_subscribe(here, "t", 1);
    for (int i = 0; i < 40; i++) {
        client_send(c, "32 [<'t'> 0001 [] 'x']");
        ck_assert_uint_eq(client_count(here, PACKET_PUBLISH), 1);
        const uint8_t puback[] = {0x40, 2, 0, (uint8_t)(i + 1)};
        client_ignore(here);
        client_send_bytes(here, bytes_of(puback, sizeof puback));
    }
    for (int i = 0; i < 40; i++) /* who does not, is not */
        client_send(c, "32 [<'t'> 0001 [] 'x']");
    ck_assert_uint_lt(client_count(here, PACKET_PUBLISH), 20);
    harness_destroy(h);
}
END_TEST

START_TEST(memory_is_short)
{
    begin();
    struct client *c = first(PROTOCOL_5_0);
    struct client *old = client_join(h, PROTOCOL_3_1_1, "old");
    client_send(c, "82 [0001 [] <'t'> 00] 31 [<'r'> [] 'x']");
    client_ignore(c);
    broker_set_memory_short(h->broker, true);
    client_expect_refusal(greedy("10 [<'MQTT'> 05 02 0000 [] <'b'>]"), 0x97, "memory");
    client_send(c, "82 [0001 [] <'t'> 20 <'u'> 00]");
    client_expect(c, "90 [0001 [] 00 97]");
    client_send(old, "82 [0001 <'u'> 00]");
    client_expect(old, "90 03 0001 80");
    client_send(c, "33 [<'s'> 0001 [] 'x'] 33 [<'r'> 0001 [] 'y'] 33 [<'r'> 0001 [] 'longer']");
    client_expect(c, "40 03 0001 97 40 03 0001 10 40 03 0001 97");
    client_send(c, "30 [<'t'> [] 'x']"); /* what needs no memory is done */
    client_expect(c, "30 [<'t'> [] 'x']");
    struct client *large = client_join(h, PROTOCOL_5_0, "a");
    ck_assert(c->closed_by_broker);
    client_send(large, "30 80 80 80 01 0001 't' 00"); /* its first bytes are no reason yet */
    client_send(large, "61*60000");
    client_expect_silence(large);
    client_send(large, "61*10000");
    client_expect_disconnect(large, 0x97, "memory");
    broker_set_memory_short(h->broker, false);
    client_join(h, PROTOCOL_5_0, "b");
    ck_assert_uint_gt(refused(LIMIT_MEMORY), 4);
    ck_assert(harness_logged(h, "memory_limit"));
    harness_destroy(h);
}
END_TEST

/* A line for each refusal would itself be an attack. */
START_TEST(the_log_is_not_flooded)
{
    begin();
    settings.maximum_topic_levels = 1;
    struct client *c = first(PROTOCOL_5_0);
    client_send(c, "82 [0001 [] <'a/b'> 00]");
    ck_assert(harness_logged(h, "1 times so far"));
    for (int i = 0; i < 99; i++)
        client_send(c, "82 [0001 [] <'a/b'> 00]");
    ck_assert(!harness_logged(h, "2 times so far"));
    harness_advance(h, 10000);
    client_send(c, "82 [0001 [] <'a/b'> 00]");
    ck_assert(harness_logged(h, "101 times so far"));
    harness_destroy(h);
}
END_TEST

/* 4.1.1: nothing that was stored is lost because a limit has become smaller. */
START_TEST(what_is_stored_stays)
{
    begin();
    h = harness_create_stored(&settings, STORAGE_PROMISED);
    struct client *c = stored_resume(h, PROTOCOL_5_0, "c", false);
    client_send(c, "82 [0001 [] <'1'> 01 <'2'> 01] 33 [<'r/1'> 0001 [] 'x'] 33 [<'r/2'> 0002 [] 'x']");
    stored_all(h);
    client_ignore(c);
    struct client *d = stored_resume(h, PROTOCOL_5_0, "d", false);
    client_drop(c);
    client_send(d, "32 [<'1'> 0001 [] 'x'] 32 [<'2'> 0002 [] 'x']");
    stored_all(h);
    h->settings.maximum_sessions = h->settings.maximum_subscriptions = 1;
    h->settings.maximum_subscriptions_of_session = h->settings.maximum_retained = 1;
    h->settings.maximum_retained_bytes = h->settings.maximum_held_bytes = 1;
    h->settings.maximum_queued_bytes = 1;
    stored_crash(h, true, 0);
    const struct broker_statistics statistics = broker_statistics(h->broker);
    ck_assert_uint_eq(statistics.sessions, 2);
    ck_assert_uint_eq(statistics.subscriptions, 2);
    ck_assert_uint_eq(statistics.retained_messages, 2);
    static const char *const keywords[] = {"global_max_clients", "max_subscriptions", "max_retained_messages",
                                           "max_retained_bytes", "max_queued_bytes_total"};
    for (int i = 0; i < COUNT(keywords); i++)
        ck_assert_msg(harness_logged(h, keywords[i]), "%s", keywords[i]);
    c = greedy("10 [<'MQTT'> 05 00 0000 [11 FFFFFFFF] <'c'>]");
    stored_all(h);
    ck_assert_uint_eq(client_count(c, PACKET_PUBLISH), 2);
    harness_destroy(h);
}
END_TEST

Suite *suite_5_4_8_abnormal_behaviour(void);
Suite *suite_5_4_8_abnormal_behaviour(void)
{
    HARNESS_SUITE("5.4.8 Detecting abnormal behaviours", first_packets_are_smaller,
                  the_smaller_size_holds_before_connack, user_properties, levels, topic_bytes, sessions,
                  subscriptions_of_one_client, filters_of_one_packet, subscriptions_of_all,
                  deep_filters_count_more, retained_messages, a_will_is_published_though_not_retained,
                  retained_bytes, queued_bytes, held_bytes, memory_is_short, the_log_is_not_flooded,
                  what_is_stored_stays);
}
