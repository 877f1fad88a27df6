/* 4.12 Enhanced authentication, and what 3.1.4 makes of the host's answers in general. */
#include "judge.h"

#define CONNACK_5 "20 [00 00 [22 000A]]"
#define CONNACK_3 "20 02 00 00"
#define WITH_METHOD "10 [<'MQTT'> 05 02 0000 [15 <'m'> 16 <'one'>] <'a'>]"
#define ACCEPTED "20 [00 00 [15 <'m'> 22 000A]]"

static struct client *begin(struct harness *h, const char *connect)
{
    struct client *client = client_open(h);
    client->five = strstr(connect, "<'MQTT'> 05") != NULL;
    client_send(client, connect);
    return client;
}

/* A client in the midst of its authentication: it owes an AUTH. */
static struct client *challenged(struct judge *judge, struct harness *h)
{
    judge_lay(judge, judge_continues("two"));
    struct client *client = begin(h, WITH_METHOD);
    judge_expect_asked(judge, "connect 'a' method 'm' data 'one'");
    client_expect(client, "F0 [18 [15 <'m'> 16 <'two'>]]");
    return client;
}

/* A client that has an Authentication Method and is connected, as user 'u'. */
static struct client *settled(struct judge *judge, struct harness *h)
{
    judge_lay(judge, judge_accepts("u", NULL));
    struct client *client = begin(h, WITH_METHOD);
    judge_expect_asked(judge, "connect 'a' method 'm' data 'one'");
    client_expect(client, ACCEPTED);
    return client;
}

/* What the host learns, and that it decides */

START_TEST(a_client_is_accepted_at_once) /* [MQTT-3.1.4-2] [S-4.12-2] */
{
    static const struct {
        const char *connect, *question, *connack;
    } rows[] = {
        {"10 [<'MQTT'> 05 02 0000 [] <'a'>]", "connect 'a'", CONNACK_5},
        {"10 [<'MQTT'> 05 C2 0000 [] <'a'> <'u'> <'p'>]", "connect 'a' user 'u' password 'p'", CONNACK_5},
        {"10 [<'MQTT'> 05 42 0000 [] <'a'> <'p'>]", "connect 'a' password 'p'", CONNACK_5},
        {"10 [<'MQTT'> 05 82 0000 [] <'a'> <>]", "connect 'a' user ''", CONNACK_5},
        {"10 [<'MQTT'> 04 C2 0000 <'a'> <'u'> <'p'>]", "connect 'a' user 'u' password 'p'", CONNACK_3},
        {"10 [<'MQTT'> 04 02 0000 <'a'>]", "connect 'a'", CONNACK_3},
        {"10 [<'MQIsdp'> 03 C2 0000 <'a'> <'u'> <'p'>]", "connect 'a' user 'u' password 'p'", CONNACK_3},
        {WITH_METHOD, "connect 'a' method 'm' data 'one'", ACCEPTED},
        {"10 [<'MQTT'> 05 82 0000 [15 <'m'>] <'a'> <'u'>]", "connect 'a' user 'u' method 'm'", ACCEPTED},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct judge judge = {0};
        struct harness *h = judge_harness(&judge, false);
        judge_lay(&judge, judge_accepts("u", NULL));
        struct client *c = begin(h, rows[i].connect);
        judge_expect_asked(&judge, rows[i].question);
        ck_assert_ptr_eq(judge.host, c);
        ck_assert_ptr_eq(judge.connection, c->connection);
        client_expect(c, rows[i].connack);
        client_drop(c);
        ck_assert_uint_eq(judge.ended, 0);
        harness_destroy(h);
    }
}
END_TEST

/* [MQTT-4.12.0-4] [MQTT-3.1.4-2]; the return codes of 3.1.1 [MQTT3-3.2.2-5] [MQTT3-3.2.2-6] */
START_TEST(a_client_is_refused)
{
    static const struct {
        unsigned reason_code, five;
        const char *three;
    } rows[] = {
        {0x80, 0x80, ""},
        {0x83, 0x83, ""},
        {0x85, 0x85, "20 02 00 02"},
        {0x86, 0x86, "20 02 00 04"},
        {0x87, 0x87, "20 02 00 05"},
        {0x88, 0x88, "20 02 00 03"},
        {0x89, 0x89, "20 02 00 03"},
        {0x8A, 0x8A, "20 02 00 05"},
        {0x8C, 0x8C, ""},
        {0x97, 0x97, "20 02 00 03"},
        {0x9F, 0x9F, "20 02 00 03"},
        {0x8E, 0x87, "20 02 00 05"}, /* not for CONNACK [MQTT-3.2.2-8] */
    };
    for (int late = 0; late < 2; late++)
        for (int i = 0; i < COUNT(rows); i++) {
            static const char *const connects[] = {"10 [<'MQTT'> 05 02 0000 [] <'a'>]", WITH_METHOD,
                                                   "10 [<'MQTT'> 04 02 0000 <'a'>]",
                                                   "10 [<'MQIsdp'> 03 02 0000 <'a'>]"};
            struct judge judge = {0};
            struct harness *h = judge_harness(&judge, false);
            for (int v = 0; v < COUNT(connects); v++) {
                judge_lay(&judge, late ? judge_waits() : judge_refuses(rows[i].reason_code));
                struct client *c = begin(h, connects[v]);
                judge.asked[0] = '\0';
                if (late)
                    judge_answer(c, judge_refuses(rows[i].reason_code));
                if (v < 2)
                    client_expect_refusal(c, rows[i].five, "the judge says no");
                else
                    client_expect_closed(c, rows[i].three);
            }
            ck_assert_uint_eq(judge.ended, 0);
            ck_assert_uint_eq(broker_statistics(h->broker).sessions, 0);
            harness_destroy(h);
        }
}
END_TEST

/* What CONNECT asks for is looked at after who asks for it: a stranger learns nothing. */
START_TEST(a_stranger_learns_nothing_of_the_server)
{
    struct judge judge = {0};
    struct harness *h = judge_harness(&judge, false);
    static const char *const connects[] = {
        "10 [<'MQTT'> 05 06 0000 [] <'a'> [] <'$SYS/x'> <>]",     /* a Will that is refused */
        "10 [<'MQIsdp'> 03 02 0000 <'a23456789012345678901234'>]" /* an identifier that is too long for 3.1 */
    };
    judge_lay(&judge, judge_refuses(0x86));
    struct client *c = begin(h, connects[0]);
    client_expect_refusal(c, 0x86, "the judge");
    judge.asked[0] = '\0';
    judge_lay(&judge, judge_refuses(0x86));
    c = begin(h, connects[1]);
    client_expect_closed(c, "20 02 00 04");
    judge.asked[0] = '\0';
    judge_lay(&judge, judge_accepts(NULL, NULL));
    c = begin(h, connects[1]);
    client_expect_closed(c, "20 02 00 02");
    harness_destroy(h);
}
END_TEST

/* The host takes its time */

START_TEST(what_comes_meanwhile_is_kept_in_order) /* [MQTT-3.1.4-6] [MQTT3-3.1.4-5] */
{
    static const char *const connects[] = {"10 [<'MQTT'> 04 02 0000 <'a'>]",
                                           "10 [<'MQTT'> 05 02 0000 [] <'a'>]", WITH_METHOD};
    static const char *const connacks[] = {CONNACK_3, CONNACK_5, ACCEPTED};
    for (int v = 0; v < COUNT(connects); v++)
        for (int pieces = 0; pieces < 2; pieces++) {
            struct judge judge = {0};
            struct harness *h = judge_harness(&judge, false);
            judge_lay(&judge, judge_waits());
            char all[NOTATION_SIZE], rest[NOTATION_SIZE];
            octets_print(rest, "%s 32 [<'t'> 0002 %s 'x'] C0 00",
                         v ? "82 [0001 [] <'t'> 00]" : "82 [0001 <'t'> 00]", v ? "[]" : "");
            octets_print(all, "%s %s", connects[v], pieces ? "" : rest);
            struct client *c = begin(h, all);
            if (pieces)
                client_send_slowly(c, rest);
            client_expect_silence(c);
            ck_assert(!connection_wants_input(c->connection));
            judge_answer(c, judge_accepts("u", NULL));
            octets_print(all, "%s %s 40 02 0002 D0 00", connacks[v],
                         v ? "90 [0001 [] 00] 30 [<'t'> [] 'x']" : "90 [0001 00] 30 [<'t'> 'x']");
            client_expect(c, all);
            ck_assert(connection_wants_input(c->connection));
            client_send(c, "C0 00");
            client_expect(c, "D0 00");
            harness_destroy(h);
        }
}
END_TEST

START_TEST(half_a_packet_is_completed_afterwards)
{
    struct judge judge = {0};
    struct harness *h = judge_harness(&judge, false);
    judge_lay(&judge, judge_waits());
    struct client *c = begin(h, "10 [<'MQTT'> 04 02 0000 <'a'>] C0");
    judge_answer(c, judge_accepts(NULL, NULL));
    client_expect(c, CONNACK_3);
    client_send(c, "00");
    client_expect(c, "D0 00");
    harness_destroy(h);
}
END_TEST

START_TEST(a_connect_that_came_in_pieces_is_kept_whole)
{
    struct judge judge = {0};
    struct harness *h = judge_harness(&judge, false);
    judge_lay(&judge, judge_waits());
    struct client *c = client_open(h);
    client_send_slowly(c, "10 [<'MQTT'> 04 06 0000 <'a'> <'w'> <'gone'>] C0 00");
    judge_answer(c, judge_accepts(NULL, NULL));
    client_expect(c, CONNACK_3 "D0 00");
    judge_lay(&judge, judge_accepts(NULL, NULL));
    judge.asked[0] = '\0';
    struct client *watcher = client_join(h, PROTOCOL_3_1_1, "watcher");
    client_subscribe(watcher, "w", 0);
    client_drop(c);
    client_expect(watcher, "30 [<'w'> 'gone']");
    harness_destroy(h);
}
END_TEST

START_TEST(the_client_leaves_meanwhile)
{
    struct judge judge = {0};
    struct harness *h = judge_harness(&judge, false);
    judge_lay(&judge, judge_waits());
    struct client *c = begin(h, WITH_METHOD);
    client_drop(c);
    ck_assert_uint_eq(judge.ended, 1);
    ck_assert_ptr_eq(judge.ended_host, c);
    harness_advance(h, 100000);
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 0);
    harness_destroy(h);
    ck_assert_uint_eq(judge.ended, 1);
}
END_TEST

START_TEST(the_time_runs_out) /* [S-3.1.4-1] */
{
    struct judge judge = {0};
    struct harness *h = judge_harness(&judge, false);
    struct client *c = challenged(&judge, h);
    harness_advance(h, 9999);
    client_expect_silence(c);
    harness_advance(h, 1);
    client_expect_closed(c, "");
    ck_assert(harness_logged(h, "was not authenticated in time"));
    ck_assert_uint_eq(judge.ended, 1);
    ck_assert_uint_eq(broker_statistics(h->broker).connects_late, 1);
    harness_destroy(h);
}
END_TEST

/* Only the client's own time counts, however long the host takes: a flood of logins is not its fault. */
START_TEST(the_time_stands_still_while_the_host_decides) /* [S-3.1.4-1] */
{
    struct judge judge = {0};
    struct harness *h = judge_harness(&judge, false);
    judge_lay(&judge, judge_waits());
    struct client *c = begin(h, WITH_METHOD);
    harness_advance(h, 100000);
    client_expect_silence(c);
    judge_answer(c, judge_continues("two"));
    client_expect(c, "F0 [18 [15 <'m'> 16 <'two'>]]");
    harness_advance(h, 6000);
    judge_lay(&judge, judge_waits());
    judge.asked[0] = '\0';
    client_send(c, "F0 [18 [15 <'m'> 16 <'three'>]]");
    harness_advance(h, 100000);
    judge.asked[0] = '\0';
    judge_answer(c, judge_continues("four"));
    client_expect(c, "F0 [18 [15 <'m'> 16 <'four'>]]");
    harness_advance(h, 3999);
    client_expect_silence(c);
    harness_advance(h, 1); /* 6 s and 4 s are what it may take */
    client_expect_closed(c, "");
    harness_destroy(h);
}
END_TEST

/* The clock that has stood still has nothing to say afterwards. */
START_TEST(who_has_waited_is_a_client_like_others)
{
    struct judge judge = {0};
    struct harness *h = judge_harness(&judge, false);
    judge_lay(&judge, judge_waits());
    struct client *c = begin(h, "10 [<'MQTT'> 05 02 0000 [] <'a'>]");
    judge.asked[0] = '\0';
    harness_advance(h, 100000);
    judge_answer(c, judge_accepts("u", NULL));
    client_expect(c, CONNACK_5);
    harness_advance(h, 100000);
    client_send(c, "C0 00");
    client_expect(c, "D0 00");
    harness_destroy(h);
}
END_TEST

/* The connection waits to be closed when the answer comes: it changes nothing, and the host is not told that
 * what it has ended itself has ended; of an exchange that it goes on with it is. */
START_TEST(an_answer_that_comes_too_late)
{
    const struct authentication_answer answers[] = {judge_accepts("u", NULL), judge_refuses(0x87),
                                                    judge_continues("two"), judge_waits()};
    static const unsigned ended[] = {0, 0, 1, 1};
    for (int i = 0; i < COUNT(answers); i++) {
        struct judge judge = {0};
        struct harness *h = judge_harness(&judge, false);
        judge_lay(&judge, judge_waits());
        struct client *c = begin(h, WITH_METHOD);
        c->stalled = true;
        harness_shutdown(h);
        judge_answer(c, answers[i]);
        ck_assert_uint_eq(broker_statistics(h->broker).clients, 0);
        client_read(c);
        client_expect_closed(c, "");
        ck_assert_uint_eq(judge.ended, ended[i]);
        harness_destroy(h);
    }
}
END_TEST

START_TEST(an_answer_that_nobody_waits_for_is_nothing)
{
    struct judge judge = {0};
    struct harness *h = judge_harness(&judge, false);
    struct client *c = client_open(h);
    judge_answer(c, judge_accepts("u", NULL));
    client_expect_silence(c);
    judge_lay(&judge, judge_accepts(NULL, NULL));
    client_send(c, "10 [<'MQTT'> 04 02 0000 <'a'>]");
    client_expect(c, CONNACK_3);
    judge_answer(c, judge_refuses(0x87));
    client_expect_silence(c);
    judge.asked[0] = '\0';
    c = challenged(&judge, h);
    judge_answer(c, judge_refuses(0x87));
    client_expect_silence(c);
    harness_destroy(h);
}
END_TEST

START_TEST(the_server_ends_meanwhile)
{
    struct judge judge = {0};
    struct harness *h = judge_harness(&judge, false);
    judge_lay(&judge, judge_waits());
    struct client *c = begin(h, WITH_METHOD);
    harness_shutdown(h);
    client_expect_closed(c, ""); /* neither CONNACK, which would be a success or a failure, nor DISCONNECT */
    ck_assert_uint_eq(judge.ended, 1);
    harness_destroy(h);
}
END_TEST

/* The exchange, 4.12 */

/* [MQTT-4.12.0-2] [MQTT-4.12.0-5] [R-4.12-1] [D-4.12-1] */
START_TEST(an_exchange_of_several_auth)
{
    for (int late = 0; late < 2; late++) {
        struct judge judge = {0};
        struct harness *h = judge_harness(&judge, false);
        struct client *c = challenged(&judge, h);
        judge_lay(&judge, late ? judge_waits() : judge_continues(NULL));
        client_send(c, "F0 [18 [15 <'m'> 16 <'three'>]]");
        judge_expect_asked(&judge, "continue method 'm' data 'three'");
        if (late)
            judge_answer(c, judge_continues(NULL));
        client_expect(c, "F0 [18 [15 <'m'>]]");
        judge_lay(&judge, late ? judge_waits() : judge_accepts("u", "last"));
        client_send(c, "F0 [18 [15 <'m'> 26 <'n'> <'v'>]]");
        judge_expect_asked(&judge, "continue method 'm'");
        if (late)
            judge_answer(c, judge_accepts("u", "last"));
        client_expect(c, "20 [00 00 [15 <'m'> 16 <'last'> 22 000A]]");
        client_send(c, "C0 00");
        client_expect(c, "D0 00");
        client_drop(c);
        ck_assert_uint_eq(judge.ended, 0);
        harness_destroy(h);
    }
}
END_TEST

START_TEST(an_exchange_is_refused_at_any_point) /* [MQTT-4.12.0-4] */
{
    struct judge judge = {0};
    struct harness *h = judge_harness(&judge, false);
    struct client *c = challenged(&judge, h);
    judge_lay(&judge, judge_refuses(0x87));
    client_send(c, "F0 [18 [15 <'m'> 16 <'three'>]]");
    client_expect_refusal(c, 0x87, "[MQTT-4.12.0-4]");
    ck_assert_uint_eq(judge.ended, 0);
    harness_destroy(h);
}
END_TEST

START_TEST(a_client_gives_up) /* [D-4.12-2] */
{
    struct judge judge = {0};
    struct harness *h = judge_harness(&judge, false);
    struct client *c = challenged(&judge, h);
    client_send(c, "E0 00");
    client_expect_closed(c, "");
    ck_assert_uint_eq(judge.ended, 1);
    c = challenged(&judge, h);
    client_drop(c);
    ck_assert_uint_eq(judge.ended, 2);
    harness_destroy(h);
}
END_TEST

/* [MQTT-3.1.2-30] [MQTT-4.12.0-3] [MQTT-4.12.0-5] [P-3.15-1] and how AUTH has to be made. */
START_TEST(what_else_a_challenged_client_may_send)
{
    static const struct {
        const char *packet;
        unsigned reason_code;
        const char *why;
    } rows[] = {
        {"30 [<'t'> [] 'x']", 0x82, "[MQTT-3.1.2-30]"},
        {"82 [0001 [] <'t'> 00]", 0x82, "[MQTT-3.1.2-30]"},
        {"C0 00", 0x82, "[MQTT-3.1.2-30]"},
        {"36 [<'t'>]", 0x82, "[MQTT-3.1.2-30]"}, /* not looked into: a refusal must have a code for CONNACK */
        {WITH_METHOD, 0x82, "[MQTT-3.1.0-2]"},
        {"F0 [18 [15 <'n'>]]", 0x82, "[MQTT-4.12.0-5]"},
        {"F0 [18 [15 <'M'>]]", 0x82, "[MQTT-4.12.0-5]"},
        {"F0 [18 [15 <>]]", 0x82, "[MQTT-4.12.0-5]"},
        {"F0 [19 [15 <'m'>]]", 0x82, "[MQTT-4.12.0-3]"},
        {"F0 [00 [15 <'m'>]]", 0x82, "[MQTT-3.15.2-1]"},
        {"F0 00", 0x82, "[MQTT-3.15.2-1]"},
        {"F0 [18 []]", 0x82, "[P-3.15.2.2.2-1]"},
        {"F0 [18 [16 <'d'>]]", 0x82, "[P-3.15.2.2.2-1]"},
        {"F0 [18 [15 <'m'> 16 <'d'> 16 <'d'>]]", 0x82, "[P-3.15.2.2.3-1]"},
        {"F1 [18 [15 <'m'>]]", 0x81, "[MQTT-3.15.1-1]"},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct judge judge = {0};
        struct harness *h = judge_harness(&judge, false);
        struct client *c = challenged(&judge, h);
        client_send(c, rows[i].packet);
        client_expect_refusal(c, rows[i].reason_code, rows[i].why);
        judge_expect_asked(&judge, "");
        ck_assert_uint_eq(judge.ended, 1);
        harness_destroy(h);
    }
}
END_TEST

START_TEST(auth_is_not_the_first_packet) /* [MQTT-3.1.0-1] */
{
    struct judge judge = {0};
    struct harness *h = judge_harness(&judge, false);
    struct client *c = client_open(h);
    client_send(c, "F0 [18 [15 <'m'>]]");
    client_expect_closed(c, "");
    judge_expect_asked(&judge, "");
    harness_destroy(h);
}
END_TEST

START_TEST(without_a_method_there_is_neither_auth_nor_method) /* [MQTT-4.12.0-6] [MQTT-4.12.0-7] */
{
    struct judge judge = {0};
    struct harness *h = judge_harness(&judge, false);
    for (int late = 0; late < 2; late++) {
        judge_lay(&judge, late ? judge_waits() : judge_accepts("u", "not for it"));
        struct client *c = begin(h, "10 [<'MQTT'> 05 02 0000 [] <'a'>]");
        judge_expect_asked(&judge, "connect 'a'");
        if (late)
            judge_answer(c, judge_accepts("u", "not for it"));
        client_expect(c, CONNACK_5);
        client_send(c, late ? "F0 [18 [15 <'m'>]]" : "F0 [19 [15 <'m'>]]");
        client_expect_disconnect(c, 0x82, "[MQTT-4.12.0-7]");
    }
    harness_destroy(h);
}
END_TEST

START_TEST(auth_without_a_method_while_the_host_thinks) /* [MQTT-4.12.0-7] */
{
    struct judge judge = {0};
    struct harness *h = judge_harness(&judge, false);
    judge_lay(&judge, judge_waits());
    struct client *c = begin(h, "10 [<'MQTT'> 05 02 0000 [] <'a'>] F0 [18 [15 <'m'>]]");
    client_expect_silence(c);
    judge_answer(c, judge_accepts("u", NULL));
    ck_assert_uint_eq(client_count(c, PACKET_CONNACK), 1);
    ck_assert_uint_eq(client_count(c, PACKET_DISCONNECT), 1);
    client_ignore(c);
    client_expect_closed(c, "");
    harness_destroy(h);
}
END_TEST

START_TEST(a_method_that_nobody_knows) /* [MQTT-4.12.0-1] [D-4.12-3] */
{
    struct harness *h = harness_create(NULL);
    struct client *c = begin(h, WITH_METHOD);
    client_expect_refusal(c, 0x8C, "[MQTT-4.12.0-1]");
    harness_destroy(h);
    struct judge judge = {0};
    h = judge_harness(&judge, false);
    judge_lay(&judge, judge_refuses(0x8C));
    c = begin(h, WITH_METHOD);
    client_expect_refusal(c, 0x8C, "[MQTT-4.12.0-1]");
    judge_expect_asked(&judge, "connect 'a' method 'm' data 'one'");
    /* one without a name is still one: CONNACK would have to repeat it */
    c = begin(h, "10 [<'MQTT'> 05 02 0000 [15 <>] <'a'>]");
    client_expect_refusal(c, 0x8C, "[MQTT-4.12.0-1]");
    judge_expect_asked(&judge, "");
    harness_destroy(h);
}
END_TEST

START_TEST(an_auth_that_is_too_large_for_the_client) /* [MQTT-3.1.2-24] [MQTT-3.15.2-2] [MQTT-3.15.2-3] */
{
    struct judge judge = {0};
    struct harness *h = judge_harness(&judge, false);
    judge_lay(&judge, judge_continues("1234"));
    struct client *c = begin(h, "10 [<'MQTT'> 05 02 0000 [27 0000000F 15 <'m'>] <'a'>]");
    client_expect(c, "F0 [18 [15 <'m'> 16 <'1234'>]]"); /* 15 bytes */
    judge_expect_asked(&judge, "connect 'a' method 'm'");
    judge_lay(&judge, judge_continues("1234"));
    c = begin(h, "10 [<'MQTT'> 05 02 0000 [27 0000000E 15 <'m'>] <'a'>]");
    client_expect_closed(c, "");
    ck_assert_uint_eq(judge.ended, 1);
    harness_destroy(h);
}
END_TEST

/* 4.12.1 */

START_TEST(re_authentication) /* [MQTT-4.12.1-1] [R-4.12.1-1] */
{
    for (int late = 0; late < 2; late++) {
        struct judge judge = {0};
        struct harness *h = judge_harness(&judge, false);
        struct client *c = settled(&judge, h);
        for (int times = 0; times < 2; times++) {
            judge_lay(&judge, late ? judge_waits() : judge_continues("two"));
            client_send(c, "F0 [19 [15 <'m'> 16 <'one'>]]");
            judge_expect_asked(&judge, "again method 'm' data 'one'");
            if (late)
                judge_answer(c, judge_continues("two"));
            client_expect(c, "F0 [18 [15 <'m'> 16 <'two'>]]");
            judge_lay(&judge, late ? judge_waits() : judge_accepts("u", "last"));
            client_send(c, "F0 [18 [15 <'m'> 16 <'three'>]]");
            judge_expect_asked(&judge, "continue method 'm' data 'three'");
            if (late)
                judge_answer(c, judge_accepts("u", "last"));
            client_expect(c, "F0 [00 [15 <'m'> 16 <'last'>]]");
        }
        client_send(c, "C0 00");
        client_expect(c, "D0 00");
        client_drop(c);
        ck_assert_uint_eq(judge.ended, 0);
        harness_destroy(h);
    }
}
END_TEST

START_TEST(re_authentication_that_is_accepted_at_once) /* [R-4.12.1-1] */
{
    struct judge judge = {0};
    struct harness *h = judge_harness(&judge, false);
    struct client *c = settled(&judge, h);
    judge_lay(&judge, judge_accepts("u", NULL));
    client_send(c, "F0 [19 [15 <'m'>]]");
    client_expect(c, "F0 [00 [15 <'m'>]]");
    harness_destroy(h);
}
END_TEST

START_TEST(re_authentication_fails) /* [MQTT-4.12.1-2] [MQTT-3.14.2-1] */
{
    static const struct {
        unsigned host, client;
    } rows[] = {{0x87, 0x87}, {0x86, 0x87}, {0x8A, 0x87}, {0x85, 0x87}, {0x89, 0x89}, {0x80, 0x80}};
    for (int late = 0; late < 2; late++)
        for (int i = 0; i < COUNT(rows); i++) {
            struct judge judge = {0};
            struct harness *h = judge_harness(&judge, false);
            struct client *c = settled(&judge, h);
            judge_lay(&judge, late ? judge_waits() : judge_refuses(rows[i].host));
            client_send(c, "F0 [19 [15 <'m'> 16 <'one'>]]");
            if (late)
                judge_answer(c, judge_refuses(rows[i].host));
            client_expect_disconnect(c, rows[i].client, "[MQTT-4.12.1-2]");
            ck_assert_uint_eq(judge.ended, 0);
            harness_destroy(h);
        }
}
END_TEST

START_TEST(
    re_authentication_as_somebody_else) /* [MQTT-4.12.1-2]: what was granted was granted to the first */
{
    const struct authentication_answer others[] = {judge_accepts("v", NULL), judge_accepts(NULL, NULL),
                                                   judge_accepts("", NULL)};
    for (int i = 0; i < COUNT(others); i++) {
        struct judge judge = {0};
        struct harness *h = judge_harness(&judge, false);
        struct client *c = settled(&judge, h);
        judge_lay(&judge, others[i]);
        client_send(c, "F0 [19 [15 <'m'>]]");
        client_expect_disconnect(c, 0x87, "another user");
        harness_destroy(h);
    }
    struct judge judge = {0};
    struct harness *h = judge_harness(&judge, false);
    judge_lay(&judge, judge_accepts(NULL, NULL));
    struct client *c = begin(h, WITH_METHOD);
    client_expect(c, ACCEPTED);
    judge.asked[0] = '\0';
    judge_lay(&judge, judge_accepts(NULL, NULL));
    client_send(c, "F0 [19 [15 <'m'>]]");
    client_expect(c, "F0 [00 [15 <'m'>]]");
    judge.asked[0] = '\0';
    judge_lay(&judge, judge_accepts("u", NULL));
    client_send(c, "F0 [19 [15 <'m'>]]");
    client_expect_disconnect(c, 0x87, "another user");
    harness_destroy(h);
}
END_TEST

START_TEST(
    an_auth_that_does_not_fit_an_established_connection) /* [MQTT-4.12.1-1] [MQTT-4.12.0-3] [P-3.15-1] */
{
    static const struct {
        const char *packet, *why;
    } rows[] = {{"F0 [19 [15 <'n'>]]", "[MQTT-4.12.1-1]"},
                {"F0 [18 [15 <'n'>]]", "[MQTT-4.12.1-1]"},
                {"F0 [18 [15 <'m'>]]", "[MQTT-4.12.0-3]"},
                {"F0 [00 [15 <'m'>]]", "[MQTT-3.15.2-1]"}};
    for (int i = 0; i < COUNT(rows); i++) {
        struct judge judge = {0};
        struct harness *h = judge_harness(&judge, false);
        struct client *c = settled(&judge, h);
        client_send(c, rows[i].packet);
        client_expect_disconnect(c, 0x82, rows[i].why);
        judge_expect_asked(&judge, "");
        harness_destroy(h);
    }
}
END_TEST

START_TEST(re_authentication_within_re_authentication)
{
    static const char *const twice[] = {"F0 [19 [15 <'m'>]]", "F0 [18 [15 <'n'>]]"};
    for (int late = 0; late < 2; late++)
        for (int i = 0; i < 2; i++) {
            struct judge judge = {0};
            struct harness *h = judge_harness(&judge, false);
            struct client *c = settled(&judge, h);
            judge_lay(&judge, late ? judge_waits() : judge_continues(NULL));
            client_send(c, "F0 [19 [15 <'m'>]]");
            client_ignore(c);
            client_send(c, twice[i]);
            client_expect_disconnect(c, 0x82, i ? "[MQTT-4.12.0-5]" : "[MQTT-4.12.0-3]");
            ck_assert_uint_eq(judge.ended, 1);
            harness_destroy(h);
        }
}
END_TEST

START_TEST(an_auth_while_it_is_the_servers_turn) /* [MQTT-4.12.0-3] */
{
    struct judge judge = {0};
    struct harness *h = judge_harness(&judge, false);
    struct client *c = settled(&judge, h);
    judge_lay(&judge, judge_waits());
    client_send(c, "F0 [19 [15 <'m'>]]");
    client_send(c, "F0 [18 [15 <'m'>]]");
    client_expect_disconnect(c, 0x82, "[MQTT-4.12.0-3]");
    harness_destroy(h);
}
END_TEST

START_TEST(traffic_goes_on_during_re_authentication) /* [D-4.12.1-1] */
{
    for (int late = 0; late < 2; late++) {
        struct judge judge = {0};
        struct harness *h = judge_harness(&judge, false);
        struct client *c = settled(&judge, h);
        client_subscribe(c, "t", 1);
        judge_lay(&judge, late ? judge_waits() : judge_continues(NULL));
        client_send(c, "F0 [19 [15 <'m'>]]");
        judge_expect_asked(&judge, "again method 'm'");
        client_expect(c, late ? "" : "F0 [18 [15 <'m'>]]");
        ck_assert(connection_wants_input(c->connection));
        client_send(c, "32 [<'t'> 0007 [] 'x']");
        client_expect(c, "32 [<'t'> 0001 [] 'x'] 40 02 0007");
        client_send(c, "40 02 0001 C0 00");
        client_expect(c, "D0 00");
        harness_publish(h, "t", "own");
        client_expect(c, "30 [<'t'> [] 'own']");
        if (late)
            judge_answer(c, judge_accepts("u", NULL));
        judge_lay(&judge, judge_accepts("u", NULL));
        if (!late)
            client_send(c, "F0 [18 [15 <'m'>]]");
        client_expect(c, "F0 [00 [15 <'m'>]]");
        harness_destroy(h);
    }
}
END_TEST

START_TEST(an_established_client_leaves_during_re_authentication)
{
    for (int taken_over = 0; taken_over < 2; taken_over++) {
        struct judge judge = {0};
        struct harness *h = judge_harness(&judge, false);
        struct client *c = settled(&judge, h);
        judge_lay(&judge, judge_waits());
        client_send(c, "F0 [19 [15 <'m'>]]");
        judge_expect_asked(&judge, "again method 'm'");
        if (taken_over) {
            settled(&judge, h);
            client_expect_disconnect(c, 0x8E, NULL);
        } else {
            client_send(c, "E0 00");
            client_expect_closed(c, "");
        }
        ck_assert_uint_eq(judge.ended, 1);
        ck_assert_ptr_eq(judge.ended_host, c);
        harness_destroy(h);
    }
}
END_TEST

/* Whose session it is, 5.4.2 */

static void expect_admission(struct judge *judge, struct harness *h, const char *connect,
                             struct authentication_answer answer, const char *connack)
{
    judge_lay(judge, answer);
    struct client *c = begin(h, connect);
    judge->asked[0] = '\0';
    if (connack)
        client_expect(c, connack);
    else
        client_expect_refusal(c, 0x87, "another user");
    client_drop(c);
}

#define RESUME "10 [<'MQTT'> 05 00 0000 [11 FFFFFFFF] <'a'>]"
#define CLEAN "10 [<'MQTT'> 05 02 0000 [11 FFFFFFFF] <'a'>]"
#define RESUMED "20 [01 00 [22 000A]]"

START_TEST(a_session_belongs_to_its_user)
{
    struct judge judge = {0};
    struct harness *h = judge_harness(&judge, false);
    expect_admission(&judge, h, RESUME, judge_accepts("u", NULL), CONNACK_5);
    expect_admission(&judge, h, RESUME, judge_accepts("v", NULL), NULL);
    expect_admission(&judge, h, RESUME, judge_accepts("", NULL), NULL);
    expect_admission(&judge, h, RESUME, judge_accepts(NULL, NULL), NULL);
    expect_admission(&judge, h, CLEAN, judge_accepts("v", NULL), NULL); /* nor may it be thrown away */
    expect_admission(&judge, h, RESUME, judge_accepts("u", NULL), RESUMED);
    harness_destroy(h);
}
END_TEST

START_TEST(another_user_does_not_take_over) /* [MQTT-3.1.4-3] is for the Client Identifier's owner */
{
    struct judge judge = {0};
    struct harness *h = judge_harness(&judge, false);
    struct client *c = settled(&judge, h);
    expect_admission(&judge, h, CLEAN, judge_accepts("v", NULL), NULL);
    client_expect_silence(c);
    expect_admission(&judge, h, CLEAN, judge_accepts("u", NULL), CONNACK_5);
    client_expect_disconnect(c, 0x8E, NULL);
    harness_destroy(h);
}
END_TEST

START_TEST(a_session_of_nobody_is_for_the_first_user)
{
    struct judge judge = {0};
    struct harness *h = judge_harness(&judge, false);
    expect_admission(&judge, h, RESUME, judge_accepts(NULL, NULL), CONNACK_5);
    expect_admission(&judge, h, RESUME, judge_accepts(NULL, NULL), RESUMED);
    expect_admission(&judge, h, RESUME, judge_accepts("u", NULL), RESUMED);
    expect_admission(&judge, h, RESUME, judge_accepts(NULL, NULL), NULL);
    expect_admission(&judge, h, RESUME, judge_accepts("v", NULL), NULL);
    harness_destroy(h);
}
END_TEST

START_TEST(whose_a_session_is_is_stored) /* [4.1.1] */
{
    struct judge judge = {0};
    struct harness *h = judge_harness_stored(&judge);
    judge_lay(&judge, judge_waits());
    struct client *c = begin(h, RESUME);
    judge.asked[0] = '\0';
    judge_answer(c, judge_accepts("u", NULL));
    client_expect_silence(c); /* CONNACK is a promise */
    stored_all(h);
    client_expect(c, CONNACK_5);
    stored_crash(h, true, 1000);
    expect_admission(&judge, h, RESUME, judge_accepts("v", NULL), NULL);
    judge_lay(&judge, judge_accepts("u", NULL));
    c = begin(h, RESUME);
    stored_all(h);
    client_expect(c, RESUMED);
    stored_finish(h);
}
END_TEST

START_TEST(that_a_session_has_found_its_user_is_stored) /* [4.1.1] */
{
    struct judge judge = {0};
    struct harness *h = judge_harness_stored(&judge);
    const struct authentication_answer answers[] = {judge_accepts(NULL, NULL), judge_accepts("u", NULL)};
    for (int i = 0; i < 2; i++) {
        judge_lay(&judge, answers[i]);
        struct client *c = begin(h, RESUME);
        judge.asked[0] = '\0';
        stored_all(h);
        client_expect(c, i ? RESUMED : CONNACK_5);
        client_drop(c);
    }
    stored_all(h);
    stored_crash(h, true, 1000);
    expect_admission(&judge, h, RESUME, judge_accepts("v", NULL), NULL);
    expect_admission(&judge, h, RESUME, judge_accepts(NULL, NULL), NULL);
    stored_finish(h);
}
END_TEST

Suite *suite_4_12_enhanced_authentication(void);
Suite *suite_4_12_enhanced_authentication(void)
{
    HARNESS_SUITE("4.12 Enhanced authentication", a_client_is_accepted_at_once, a_client_is_refused,
                  a_stranger_learns_nothing_of_the_server, what_comes_meanwhile_is_kept_in_order,
                  half_a_packet_is_completed_afterwards, a_connect_that_came_in_pieces_is_kept_whole,
                  the_client_leaves_meanwhile, the_time_runs_out,
                  the_time_stands_still_while_the_host_decides, who_has_waited_is_a_client_like_others, an_answer_that_comes_too_late,
                  an_answer_that_nobody_waits_for_is_nothing, the_server_ends_meanwhile,
                  an_exchange_of_several_auth, an_exchange_is_refused_at_any_point, a_client_gives_up,
                  what_else_a_challenged_client_may_send, auth_is_not_the_first_packet,
                  without_a_method_there_is_neither_auth_nor_method,
                  auth_without_a_method_while_the_host_thinks, a_method_that_nobody_knows,
                  an_auth_that_is_too_large_for_the_client, re_authentication,
                  re_authentication_that_is_accepted_at_once, re_authentication_fails,
                  re_authentication_as_somebody_else, an_auth_that_does_not_fit_an_established_connection,
                  re_authentication_within_re_authentication, an_auth_while_it_is_the_servers_turn,
                  traffic_goes_on_during_re_authentication,
                  an_established_client_leaves_during_re_authentication, a_session_belongs_to_its_user,
                  another_user_does_not_take_over, a_session_of_nobody_is_for_the_first_user,
                  whose_a_session_is_is_stored, that_a_session_has_found_its_user_is_stored);
}
