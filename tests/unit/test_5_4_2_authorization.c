/* 5.4.2 Authorization of Clients by the Server: when the host is asked, and what becomes of a no. */
#include "judge.h"

/* Clients get in as user 'u', and need not be judged. */
static struct client *join(struct judge *judge, struct harness *h, enum protocol_version version,
                           const char *client_identifier)
{
    judge_lay(judge, judge_accepts("u", NULL));
    struct client *client = client_join(h, version, client_identifier);
    judge->asked[0] = '\0';
    return client;
}

static struct harness *forbidding(struct judge *judge, const char *forbidden)
{
    *judge = (struct judge){.forbidden = forbidden};
    return judge_harness(judge, true);
}

START_TEST(what_is_asked_at_publish)
{
    struct judge judge;
    struct harness *h = forbidding(&judge, NULL);
    struct client *c = join(&judge, h, PROTOCOL_5_0, "a");
    client_send(c,
                "31 [<'t'> [] 'x'] 32 [<'t'> 0001 [] 'x'] 34 [<'t/u'> 0002 [] 'x'] 34 [<'t/u'> 0002 [] 'x']");
    judge_expect_questions(&judge, "a:u publish 't' qos 0 retain\n"
                                   "a:u publish 't' qos 1\n"
                                   "a:u publish 't/u' qos 2\n"); /* a repetition is no second message */
    client_ignore(c);
    client_send(c,
                "30 [<'long'> [23 0001] 'x'] 30 [<> [23 0001] 'x']"); /* by Topic Alias: the topic it means */
    judge_expect_questions(&judge, "a:u publish 'long' qos 0\na:u publish 'long' qos 0\n");
    judge_lay(&judge, judge_accepts(NULL, NULL));
    c = client_join(h, PROTOCOL_3_1_1, "b");
    client_send(c, "30 [<'t'> 'x']");
    judge_expect_questions(&judge, "b publish 't' qos 0\n"); /* nobody in particular */
    harness_destroy(h);
}
END_TEST

/* 5.0 is told by the acknowledgement; before, there is only the positive one [MQTT3-3.3.5-2]. */
START_TEST(publish_is_forbidden)
{
    static const struct {
        enum protocol_version version;
        const char *forbidden, *publish, *answer;
    } rows[] = {
        {PROTOCOL_5_0, "p:u publish 't' qos 0", "30 [<'t'> [] 'no']", ""},
        {PROTOCOL_5_0, "p:u publish 't' qos 1", "32 [<'t'> 0001 [] 'no']", "40 03 0001 87"},
        {PROTOCOL_5_0, "p:u publish 't' qos 2", "34 [<'t'> 0001 [] 'no']", "50 03 0001 87"},
        {PROTOCOL_5_0, "p:u publish 't' qos 1 retain", "33 [<'t'> 0001 [] 'no']", "40 03 0001 87"},
        {PROTOCOL_3_1_1, "p:u publish 't' qos 0", "30 [<'t'> 'no']", ""},
        {PROTOCOL_3_1_1, "p:u publish 't' qos 1", "32 [<'t'> 0001 'no']", "40 02 0001"},
        {PROTOCOL_3_1_1, "p:u publish 't' qos 2", "34 [<'t'> 0001 'no'] 62 02 0001", "50 02 0001 70 02 0001"},
        {PROTOCOL_3_1, "p:u publish 't' qos 1", "32 [<'t'> 0001 'no']", "40 02 0001"},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct judge judge;
        struct harness *h = forbidding(&judge, rows[i].forbidden);
        struct client *s = join(&judge, h, PROTOCOL_3_1_1, "s");
        client_subscribe(s, "#", 0);
        struct client *p = join(&judge, h, rows[i].version, "p");
        client_send(p, rows[i].publish);
        client_expect(p, rows[i].answer);
        client_expect_silence(p); /* it concerns this message and nothing else [R-4.13.2-1] */
        client_send(p, p->five ? "30 [<'u'> [] 'yes']" : "30 [<'u'> 'yes']");
        client_expect(s, "30 [<'u'> 'yes']");
        ck_assert_uint_eq(broker_statistics(h->broker).retained_messages, 0);
        harness_destroy(h);
    }
}
END_TEST

/* The Packet Identifier of a QoS 2 message that was refused is free again [MQTT-4.3.3-9]. */
START_TEST(a_refused_packet_identifier_is_free)
{
    struct judge judge;
    struct harness *h = forbidding(&judge, "p:u publish 't' qos 2");
    struct client *p = join(&judge, h, PROTOCOL_5_0, "p");
    client_send(p, "34 [<'t'> 0001 [] 'no']");
    client_expect(p, "50 03 0001 87");
    client_send(p, "34 [<'u'> 0001 [] 'yes']");
    client_expect(p, "50 03 0001 10");
    client_send(p, "62 02 0001");
    client_expect(p, "70 02 0001");
    harness_destroy(h);
}
END_TEST

/* What was accepted stays accepted: its repetition is answered as the first was [MQTT-4.3.3-10]. */
START_TEST(a_right_is_lost_in_the_middle_of_qos_2)
{
    struct judge judge;
    struct harness *h = forbidding(&judge, NULL);
    struct client *p = join(&judge, h, PROTOCOL_5_0, "p");
    client_send(p, "34 [<'t'> 0001 [] 'yes']");
    client_expect(p, "50 03 0001 10");
    judge.forbidden = "p:u publish 't' qos 2";
    client_send(p, "3C [<'t'> 0001 [] 'yes'] 62 02 0001");
    client_expect(p, "50 02 0001 70 02 0001");
    client_send(p, "34 [<'t'> 0001 [] 'no']");
    client_expect(p, "50 03 0001 87");
    harness_destroy(h);
}
END_TEST

START_TEST(subscribe_is_forbidden) /* [MQTT3-3.8.4-5] [MQTT-3.8.4-7] */
{
    static const struct {
        enum protocol_version version;
        const char *subscribe, *suback;
    } rows[] = {
        {PROTOCOL_5_0, "82 [0001 [] <'t/#'> 01 <'u'> 00]", "90 [0001 [] 87 00]"},
        {PROTOCOL_3_1_1, "82 [0001 <'t/#'> 01 <'u'> 00]", "90 [0001 80 00]"},
        {PROTOCOL_3_1, "82 [0001 <'t/#'> 01 <'u'> 00]", "90 [0001 00 00]"}, /* 3.1 has no 0x80 */
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct judge judge;
        struct harness *h = forbidding(&judge, "a:u subscribe 't/#' qos 1");
        struct client *c = join(&judge, h, rows[i].version, "a");
        client_send(c, rows[i].subscribe);
        client_expect(c, rows[i].suback);
        judge_expect_questions(&judge, "a:u subscribe 't/#' qos 1\na:u subscribe 'u' qos 0\n");
        harness_publish(h, "t/x", "x");
        client_expect_silence(c);
        harness_publish(h, "u", "x");
        client_expect(c, c->five ? "30 [<'u'> [] 'x']" : "30 [<'u'> 'x']");
        harness_destroy(h);
    }
}
END_TEST

START_TEST(a_shared_filter_is_asked_for_whole)
{
    struct judge judge;
    struct harness *h = forbidding(&judge, "a:u subscribe '$share/g/t' qos 0");
    struct client *c = join(&judge, h, PROTOCOL_5_0, "a");
    client_send(c, "82 [0001 [] <'$share/g/t'> 00]");
    client_expect(c, "90 [0001 [] 87]");
    harness_destroy(h);
}
END_TEST

/* A subscription that is replaced stays as it was when its replacement is forbidden. */
START_TEST(a_forbidden_replacement_changes_nothing)
{
    struct judge judge;
    struct harness *h = forbidding(&judge, "a:u subscribe 't' qos 1");
    struct client *c = join(&judge, h, PROTOCOL_5_0, "a");
    client_subscribe(c, "t", 0);
    client_send(c, "82 [0001 [] <'t'> 01]");
    client_expect(c, "90 [0001 [] 87]");
    client_send(c, "32 [<'t'> 0001 [] 'x']");
    client_expect(c, "30 [<'t'> [] 'x'] 40 02 0001");
    harness_destroy(h);
}
END_TEST

START_TEST(a_message_is_not_for_everybody)
{
    struct judge judge;
    struct harness *h = forbidding(&judge, "a:u receive 't'");
    struct client *a = join(&judge, h, PROTOCOL_5_0, "a");
    struct client *b = join(&judge, h, PROTOCOL_5_0, "b");
    client_subscribe(a, "#", 1);
    client_subscribe(b, "#", 1);
    client_send(b, "32 [<'t'> 0001 [] 'x']");
    client_expect(b, "32 [<'t'> 0001 [] 'x'] 40 02 0001");
    client_expect_silence(a);
    client_send(b, "30 [<'u'> [] 'x']");
    client_expect(a, "30 [<'u'> [] 'x']");
    /* nobody that may have it: nobody has it [D-3.4.2.1-1] */
    client_drop(b);
    b = join(&judge, h, PROTOCOL_5_0, "c");
    client_send(b, "32 [<'t'> 0002 [] 'x']");
    client_expect(b, "40 03 0002 10");
    harness_destroy(h);
}
END_TEST

START_TEST(a_retained_message_is_not_for_everybody)
{
    for (int forbidden = 0; forbidden < 2; forbidden++) {
        struct judge judge;
        struct harness *h = forbidding(&judge, forbidden ? "a:u receive 't'" : NULL);
        struct client *a = join(&judge, h, PROTOCOL_5_0, "a");
        client_send(a, "31 [<'t'> [] 'x'] 31 [<'u'> [] 'y']");
        client_send(a, "82 [0001 [] <'t'> 00 <'u'> 00]");
        client_expect(a, forbidden ? "90 [0001 [] 00 00] 31 [<'u'> [] 'y']"
                                   : "90 [0001 [] 00 00] 31 [<'t'> [] 'x'] 31 [<'u'> [] 'y']");
        harness_destroy(h);
    }
}
END_TEST

START_TEST(a_message_is_not_queued_for_everybody)
{
    struct judge judge;
    struct harness *h = forbidding(&judge, "a:u receive 't'");
    judge_lay(&judge, judge_accepts("u", NULL));
    struct client *a = client_resume(h, PROTOCOL_3_1_1, "a", false);
    judge.asked[0] = '\0';
    client_subscribe(a, "#", 1);
    client_drop(a);
    struct client *b = join(&judge, h, PROTOCOL_3_1_1, "b");
    client_send(b, "32 [<'t'> 0001 'no'] 32 [<'u'> 0002 'yes']");
    judge_lay(&judge, judge_accepts("u", NULL));
    a = client_resume(h, PROTOCOL_3_1_1, "a", true);
    client_expect(a, "32 [<'u'> 0001 'yes']");
    harness_destroy(h);
}
END_TEST

/* 4.8.2: whoever of a group may have the message gets it, and nobody else. */
START_TEST(a_group_has_members_that_may_not)
{
    struct judge judge;
    struct harness *h = forbidding(&judge, "a:u receive 't'");
    struct client *a = join(&judge, h, PROTOCOL_5_0, "a");
    struct client *b = join(&judge, h, PROTOCOL_5_0, "b");
    client_subscribe(a, "$share/g/t", 0);
    client_subscribe(b, "$share/g/t", 0);
    for (int i = 0; i < 4; i++) {
        harness_publish(h, "t", "x");
        client_expect(b, "30 [<'t'> [] 'x']");
        client_expect_silence(a);
    }
    client_drop(b);
    harness_publish(h, "t", "x");
    client_expect_silence(a);
    harness_destroy(h);
}
END_TEST

START_TEST(a_will_is_a_publication)
{
    static const struct {
        const char *connect, *answer;
    } rows[] = {{"10 [<'MQTT'> 04 2E 0000 <'a'> <'w'> <'x'>]", "20 02 00 05"},
                {"10 [<'MQIsdp'> 03 2E 0000 <'a'> <'w'> <'x'>]", "20 02 00 05"},
                {"10 [<'MQTT'> 05 2E 0000 [] <'a'> [] <'w'> <'x'>]", NULL}};
    for (int i = 0; i < COUNT(rows); i++) {
        struct judge judge;
        struct harness *h = forbidding(&judge, "a:u publish 'w' qos 1 retain");
        judge_lay(&judge, judge_accepts("u", NULL));
        struct client *c = client_open(h);
        client_send(c, rows[i].connect);
        if (rows[i].answer)
            client_expect_closed(c, rows[i].answer);
        else
            client_expect_refusal(c, 0x87, "Will");
        judge_expect_questions(&judge, "a:u publish 'w' qos 1 retain\n");
        ck_assert_uint_eq(broker_statistics(h->broker).sessions, 0);
        harness_destroy(h);
    }
    struct judge judge;
    struct harness *h = forbidding(&judge, "b:u publish 'w' qos 1 retain"); /* somebody else's matter */
    judge_lay(&judge, judge_accepts("u", NULL));
    client_connect(h, rows[0].connect, "20 02 00 00");
    harness_destroy(h);
}
END_TEST

/* Rights may be lost between CONNECT and the end; with the connection and after a Will Delay alike. */
START_TEST(a_will_that_is_forbidden_meanwhile)
{
    static const char *const connects[] = {
        "10 [<'MQTT'> 05 2E 003C [] <'a'> [] <'w'> <'x'>]",
        "10 [<'MQTT'> 05 2E 003C [11 00000064] <'a'> [18 00000005] <'w'> <'x'>]"};
    for (int i = 0; i < 2 * COUNT(connects); i++) {
        struct judge judge;
        struct harness *h = forbidding(&judge, NULL);
        struct client *s = join(&judge, h, PROTOCOL_3_1_1, "s");
        client_subscribe(s, "#", 0);
        judge_lay(&judge, judge_accepts("u", NULL));
        struct client *c = client_open(h);
        client_send(c, connects[i / 2]);
        client_ignore(c);
        if (i % 2 == 0)
            judge.forbidden = "a:u publish 'w' qos 1 retain";
        client_drop(c);
        harness_advance(h, 6000);
        if (i % 2 == 0)
            client_expect_silence(s);
        else
            client_expect(s, "30 [<'w'> 'x']"); /* the control */
        ck_assert_uint_eq(broker_statistics(h->broker).retained_messages, (uint64_t)(i % 2));
        harness_destroy(h);
    }
}
END_TEST

/* An identifier that the Server has assigned is the one that is asked about. */
START_TEST(a_will_of_a_client_without_identifier)
{
    struct judge judge;
    struct harness *h = forbidding(&judge, NULL);
    judge_lay(&judge, judge_accepts(NULL, NULL));
    struct client *c = client_open(h);
    client_send(c, "10 [<'MQTT'> 04 06 0000 <> <'w'> <'x'>]");
    client_expect(c, "20 02 00 00");
    ck_assert(strncmp(judge.questions, "etalon-", 7) == 0);
    ck_assert_ptr_nonnull(strstr(judge.questions, " publish 'w' qos 0\n"));
    harness_destroy(h);
}
END_TEST

START_TEST(what_the_broker_says_itself_is_judged_for_its_receivers)
{
    struct judge judge;
    struct harness *h = forbidding(&judge, "a:u receive '$SYS/x'");
    struct client *a = join(&judge, h, PROTOCOL_5_0, "a");
    struct client *b = join(&judge, h, PROTOCOL_5_0, "b");
    client_subscribe(a, "$SYS/#", 0);
    client_subscribe(b, "$SYS/#", 0);
    harness_publish(h, "$SYS/x", "1");
    client_expect_silence(a);
    client_expect(b, "30 [<'$SYS/x'> [] '1']");
    harness_destroy(h);
}
END_TEST

Suite *suite_5_4_2_authorization(void);
Suite *suite_5_4_2_authorization(void)
{
    HARNESS_SUITE("5.4.2 Authorization", what_is_asked_at_publish, publish_is_forbidden,
                  a_refused_packet_identifier_is_free, a_right_is_lost_in_the_middle_of_qos_2,
                  subscribe_is_forbidden, a_shared_filter_is_asked_for_whole,
                  a_forbidden_replacement_changes_nothing, a_message_is_not_for_everybody,
                  a_retained_message_is_not_for_everybody, a_message_is_not_queued_for_everybody,
                  a_group_has_members_that_may_not, a_will_is_a_publication,
                  a_will_that_is_forbidden_meanwhile, a_will_of_a_client_without_identifier,
                  what_the_broker_says_itself_is_judged_for_its_receivers);
}
