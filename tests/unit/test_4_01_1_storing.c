/* 4.1.1 Storing Session State: what is in the batch after each kind of change. The notation of changes is that
 * of EXPECT_BATCH in broker_harness.h. */
#include <stdio.h>

#include "broker_harness.h"
#include "mqtt/broker_state.h"

static struct harness *h;

static void begin_with(const struct broker_settings *settings)
{
    h = harness_create_stored(settings, STORAGE_BEHIND); /* what waits is the matter of another test */
}

static void begin(void)
{
    begin_with(NULL);
}

/* A session without end, subscribed to t, whose client is away: session 1, all stored. */
static void begin_with_away(const struct broker_settings *settings, unsigned qos)
{
    begin_with(settings);
    struct client *away = client_resume(h, PROTOCOL_5_0, "away", false);
    client_subscribe(away, "t", qos);
    client_drop(away);
    stored_all(h);
}

/* Sessions */

START_TEST(a_durable_session_is_stored_when_it_begins)
{
    begin();
    client_connect(h, "10 [<'MQTT'> 05 02 0000 [11 0000003C] <'a'>]", "20 [00 00 [22 000A]]");
    EXPECT_BATCH(h, "+S1 'a' connected expiry 60", "+alive +0");
    stored_expect_nothing(h);
    stored_finish(h);
}
END_TEST

START_TEST(a_session_of_3_1_1_has_no_end)
{
    begin();
    struct client *c = client_resume(h, PROTOCOL_3_1_1, "a", false);
    EXPECT_BATCH(h, "+S1 'a' connected expiry never", "+alive +0");
    client_drop(c);
    EXPECT_BATCH(h, "+S1 'a' expiry never until never");
    stored_finish(h);
}
END_TEST

START_TEST(a_session_whose_client_goes_has_its_deadline)
{
    begin();
    struct client *c =
        client_connect(h, "10 [<'MQTT'> 05 02 0000 [11 0000003C] <'a'>]", "20 [00 00 [22 000A]]");
    stored_all(h);
    harness_advance(h, 1500);
    client_drop(c);
    harness_advance(h, 700); /* counted from the end of the connection, not from the batch */
    EXPECT_BATCH(h, "+S1 'a' expiry 60 until +61500");
    stored_finish(h);
}
END_TEST

START_TEST(a_session_that_is_resumed_is_connected_again)
{
    begin();
    client_drop(client_resume(h, PROTOCOL_5_0, "a", false));
    stored_all(h);
    client_resume(h, PROTOCOL_5_0, "a", true);
    EXPECT_BATCH(h, "+S1 'a' connected expiry never", "+alive +0");
    stored_finish(h);
}
END_TEST

START_TEST(a_session_can_become_one_that_ends_with_its_connection)
{
    begin();
    client_drop(client_resume(h, PROTOCOL_5_0, "a", false));
    stored_all(h);
    struct client *c = client_connect(h, "10 [<'MQTT'> 05 00 0000 [] <'a'>]", "20 [01 00 [22 000A]]");
    EXPECT_BATCH(h, "+S1 'a' connected expiry 0", "+alive +0");
    client_drop(c);
    EXPECT_BATCH(h, "-S1");
    stored_expect_empty(h);
    stored_finish(h);
}
END_TEST

START_TEST(disconnect_can_change_the_deadline)
{
    begin();
    struct client *c = client_resume(h, PROTOCOL_5_0, "a", false);
    stored_all(h);
    client_send(c, "E0 [00 [11 00000005]]");
    EXPECT_BATCH(h, "+S1 'a' expiry 5 until +5000");
    harness_advance(h, 5000);
    EXPECT_BATCH(h, "-S1");
    stored_finish(h);
}
END_TEST

START_TEST(a_session_that_begins_and_ends_between_batches_leaves_nothing)
{
    begin();
    client_drop(client_connect(h, "10 [<'MQTT'> 05 02 0000 [11 00000001] <'a'>]", "20 [00 00 [22 000A]]"));
    harness_advance(h, 1000);
    EXPECT_BATCH(h, "+alive +1000"); /* noted at its beginning */
    stored_expect_nothing(h);
    stored_finish(h);
}
END_TEST

START_TEST(a_session_that_begins_anew_has_another_number)
{
    begin();
    client_drop(client_resume(h, PROTOCOL_3_1_1, "a", false));
    stored_all(h);
    client_connect(h, "10 [<'MQTT'> 05 02 0000 [11 0000003C] <'a'>]", "20 [00 00 [22 000A]]");
    EXPECT_BATCH(h, "-S1", "+S2 'a' connected expiry 60", "+alive +0");
    stored_finish(h);
}
END_TEST

START_TEST(a_session_taken_over_stays_connected)
{
    begin();
    client_resume(h, PROTOCOL_3_1_1, "a", false);
    stored_all(h);
    client_resume(h, PROTOCOL_3_1_1, "a", true);
    EXPECT_BATCH(h, "+S1 'a' connected expiry never", "+alive +0");
    stored_finish(h);
}
END_TEST

START_TEST(a_session_that_ends_takes_everything_with_it)
{
    begin_with_away(NULL, 2);
    struct client *from = client_join(h, PROTOCOL_3_1_1, "from");
    client_send(from, "32 [<'t'> 0001 'x'] 34 [<'t'> 0002 'y']");
    stored_all(h);
    struct client *away = client_resume(h, PROTOCOL_5_0, "away", true);
    client_send(away, "34 [<'u'> 0007 [] 'z']");
    client_drop(away);
    stored_all(h);
    ck_assert_uint_eq(stored_count(h, TABLE_DELIVERIES), 2);
    ck_assert_uint_eq(stored_count(h, TABLE_RECEIVED), 1);
    client_join(h, PROTOCOL_5_0, "away");
    EXPECT_BATCH(h, "-S1", "-U1*", "-R1*", "-D1", "-D2", "-M1", "-M2");
    stored_expect_empty(h);
    stored_finish(h);
}
END_TEST

START_TEST(what_was_logged_goes_even_if_the_session_never_came_to_the_store)
{
    begin();
    struct client *c =
        client_connect(h, "10 [<'MQTT'> 05 02 0000 [11 0000003C] <'a'>]", "20 [00 00 [22 000A]]");
    client_subscribe(c, "t", 1);
    client_send(c, "E0 [00 [11 00000000]]");
    EXPECT_BATCH(h, "+U1 't' qos 1", "-U1*", "-R1*", "+alive +0");
    stored_expect_empty(h);
    stored_finish(h);
}
END_TEST

START_TEST(what_is_not_durable_leaves_nothing)
{
    begin();
    struct client *to = client_join(h, PROTOCOL_5_0, "to");
    struct client *from = client_join(h, PROTOCOL_3_1_1, "from");
    client_subscribe(to, "t", 2);
    client_send(from, "32 [<'t'> 0001 'x'] 34 [<'t'> 0002 'y']");
    client_send(to, "A2 [0001 [] <'t'>]");
    client_drop(to);
    ck_assert(!broker_wants_collect(h->broker));
    stored_expect_nothing(h);
    stored_finish(h);
}
END_TEST

START_TEST(without_storage_nothing_is_collected)
{
    h = harness_create_stored(NULL, STORAGE_NONE);
    struct client *c = client_resume(h, PROTOCOL_3_1_1, "a", false);
    client_subscribe(c, "t", 1);
    client_send(c, "33 [<'t'> 0001 'x']");
    ck_assert(!broker_wants_collect(h->broker));
    stored_expect_nothing(h);
    harness_destroy(h);
}
END_TEST

/* Alive */

START_TEST(the_broker_says_that_it_lives_while_a_durable_client_is_connected)
{
    begin();
    struct client *a = client_resume(h, PROTOCOL_3_1_1, "a", false);
    stored_all(h);
    harness_advance(h, 7999);
    stored_expect_nothing(h);
    client_resume(h, PROTOCOL_3_1_1, "b", false); /* a second one makes no difference */
    EXPECT_BATCH(h, "+S2 'b' connected expiry never");
    harness_advance(h, 1);
    EXPECT_BATCH(h, "+alive +8000");
    client_drop(a);
    stored_all(h);
    harness_advance(h, 8000);
    EXPECT_BATCH(h, "+alive +16000"); /* b is there still */
    ck_assert_uint_le(broker_deadline(h->broker), h->now + 10000);
    stored_finish(h);
}
END_TEST

START_TEST(nobody_connected_means_nothing_to_say)
{
    begin();
    client_drop(client_resume(h, PROTOCOL_3_1_1, "a", false));
    client_join(h, PROTOCOL_3_1_1, "b");
    stored_all(h);
    harness_advance(h, 60000);
    stored_expect_nothing(h);
    client_resume(h, PROTOCOL_3_1_1, "a", true);
    EXPECT_BATCH(h, "+S1 'a' connected expiry never", "+alive +60000");
    stored_finish(h);
}
END_TEST

/* Subscriptions */

START_TEST(subscriptions_are_stored_with_their_options)
{
    begin();
    struct client *c = client_resume(h, PROTOCOL_5_0, "a", false);
    stored_all(h);
    client_send(c, "82 [0001 [0B 85 01] <'t/#'> 2E <'+'> 10]");
    client_ignore(c);
    EXPECT_BATCH(h, "+U1 't/#' qos 2 id 133 no-local as-published retain-handling 2",
                 "+U1 '+' qos 0 id 133 retain-handling 1");
    client_send(c, "82 [0001 [] <'t/#'> 01]"); /* replaced */
    client_ignore(c);
    EXPECT_BATCH(h, "+U1 't/#' qos 1");
    client_send(c, "A2 [0001 [] <'t/#'> <'nothing'>]");
    client_expect(c, "B0 [0001 [] 00 11]");
    EXPECT_BATCH(h, "-U1 't/#'");
    EXPECT_STORE(h, "+S1 'a' connected expiry never", "+U1 '+' qos 0 id 133 retain-handling 1", "+alive +0");
    stored_finish(h);
}
END_TEST

START_TEST(subscribed_and_unsubscribed_in_one_batch)
{
    begin();
    struct client *c = client_resume(h, PROTOCOL_5_0, "a", false);
    client_subscribe(c, "t", 1);
    client_send(c, "A2 [0001 [] <'t'>]");
    client_ignore(c);
    client_subscribe(c, "u", 1);
    client_send(c, "A2 [0001 [] <'u'>]");
    client_ignore(c);
    client_subscribe(c, "t", 0);
    stored_all(h);
    EXPECT_STORE(h, "+S1 'a' connected expiry never", "+U1 't' qos 0", "+alive +0");
    stored_finish(h);
}
END_TEST

START_TEST(what_is_granted_is_stored)
{
    struct broker_settings settings = harness_settings();
    settings.maximum_qos = 1;
    begin_with(&settings);
    struct client *c = client_resume(h, PROTOCOL_3_1_1, "a", false);
    stored_all(h);
    client_send(c, "82 [0001 <'t'> 02]");
    client_expect(c, "90 03 0001 01");
    EXPECT_BATCH(h, "+U1 't' qos 1");
    stored_finish(h);
}
END_TEST

START_TEST(share_groups_have_numbers)
{
    begin();
    struct client *a = client_resume(h, PROTOCOL_5_0, "a", false);
    struct client *b = client_resume(h, PROTOCOL_5_0, "b", false);
    struct client *old = client_resume(h, PROTOCOL_3_1_1, "old", false);
    stored_all(h);
    client_subscribe(a, "$share/g/t", 1);
    client_subscribe(b, "$share/g/t", 1);
    client_subscribe(b, "$share/h/t", 1);
    client_subscribe(old, "$share/g/t", 1); /* an ordinary filter in 3.1.1 */
    EXPECT_BATCH(h, "+U1 '$share/g/t' qos 1 group 1", "+U2 '$share/g/t' qos 1 group 1",
                 "+U2 '$share/h/t' qos 1 group 2", "+U3 '$share/g/t' qos 1");
    client_drop(a);
    client_drop(b);
    stored_all(h);
    client_send(old, "32 [<'t'> 0001 'x']");
    EXPECT_BATCH(h, "+M1 't' qos 1 'x'", "+D1 S2 M1 qos 1 queued group 2", "+D2 S1 M1 qos 1 queued group 1");
    stored_finish(h);
}
END_TEST

/* Messages and deliveries */

START_TEST(a_message_for_a_client_that_is_away_is_queued)
{
    begin_with_away(NULL, 2);
    struct client *from = client_join(h, PROTOCOL_5_0, "from");
    client_send(from, "30 [<'t'> [] '0']");
    stored_expect_nothing(h);
    client_send(from, "32 [<'t'> 0001 [] '1']");
    EXPECT_BATCH(h, "+M1 't' qos 1 '1'", "+D1 S1 M1 qos 1 queued");
    client_send(from, "34 [<'t'> 0002 [01 01 02 00000005] '2']");
    EXPECT_BATCH(h, "+M2 't' qos 2 until +5000 properties 2 '2'", "+D2 S1 M2 qos 2 queued");
    stored_finish(h);
}
END_TEST

START_TEST(the_qos_of_the_delivery_is_the_lower_one)
{
    begin_with_away(NULL, 1);
    client_send(client_join(h, PROTOCOL_3_1_1, "from"), "34 [<'t'> 0001 'x']");
    EXPECT_BATCH(h, "+M1 't' qos 2 'x'", "+D1 S1 M1 qos 1 queued");
    stored_finish(h);
}
END_TEST

START_TEST(a_delivery_carries_subscription_identifiers)
{
    begin();
    struct client *c = client_resume(h, PROTOCOL_5_0, "a", false);
    client_send(c, "82 [0001 [0B 07] <'t'> 01]");
    client_drop(c);
    stored_all(h);
    client_send(client_join(h, PROTOCOL_3_1_1, "from"), "32 [<'t'> 0001 'x']");
    EXPECT_BATCH(h, "+M1 't' qos 1 'x'", "+D1 S1 M1 qos 1 queued id 7");
    stored_finish(h);
}
END_TEST

START_TEST(a_delivery_at_qos_1_from_sending_to_puback)
{
    begin();
    struct client *to = client_resume(h, PROTOCOL_5_0, "to", false);
    client_subscribe(to, "t", 1);
    stored_all(h);
    struct client *from = client_join(h, PROTOCOL_3_1_1, "from");
    client_send(from, "32 [<'t'> 0001 'x']");
    EXPECT_BATCH(h, "+M1 't' qos 1 'x'", "+D1 S1 M1 qos 1 pid 1 publish sent");
    client_send(to, "40 02 0001");
    EXPECT_BATCH(h, "-D1", "-M1");
    stored_finish(h);
}
END_TEST

START_TEST(a_delivery_at_qos_2_from_sending_to_pubcomp)
{
    begin();
    struct client *to = client_resume(h, PROTOCOL_3_1_1, "to", false);
    client_subscribe(to, "t", 2);
    stored_all(h);
    struct client *from = client_join(h, PROTOCOL_3_1_1, "from");
    client_send(from, "34 [<'t'> 0001 'x']");
    EXPECT_BATCH(h, "+M1 't' qos 2 'x'", "+D1 S1 M1 qos 2 pid 1 publish sent");
    client_send(to, "50 02 0001");
    EXPECT_BATCH(h, "+D1 S1 M0 qos 2 pid 1 pubrel sent", "-M1");
    client_send(to, "70 02 0001");
    EXPECT_BATCH(h, "-D1");
    stored_finish(h);
}
END_TEST

START_TEST(a_queue_that_moves_up_is_stored)
{
    begin_with_away(NULL, 2);
    struct client *from = client_join(h, PROTOCOL_3_1_1, "from");
    client_send(from, "32 [<'t'> 0001 'x'] 34 [<'t'> 0002 'y']");
    stored_all(h);
    struct client *away = client_connect(h, "10 [<'MQTT'> 05 00 0000 [11 FFFFFFFF 21 0001] <'away'>]",
                                         "20 [01 00 [22 000A]] 32 [<'t'> 0001 [] 'x']");
    EXPECT_BATCH(h, "+S1 'away' connected expiry never", "+D1 S1 M1 qos 1 pid 1 publish sent", "+alive +0");
    client_send(away, "40 02 0001");
    EXPECT_BATCH(h, "-D1", "-M1", "+D2 S1 M2 qos 2 pid 2 publish sent");
    stored_finish(h);
}
END_TEST

START_TEST(a_negative_pubrec_ends_the_delivery)
{
    begin();
    struct client *to = client_resume(h, PROTOCOL_5_0, "to", false);
    client_subscribe(to, "t", 2);
    client_send(client_join(h, PROTOCOL_3_1_1, "from"), "34 [<'t'> 0001 'x']");
    stored_all(h);
    client_send(to, "50 [0001 83]");
    EXPECT_BATCH(h, "-D1", "-M1");
    stored_finish(h);
}
END_TEST

START_TEST(what_is_done_before_its_batch_never_touches_the_disk)
{
    begin();
    struct client *to = client_resume(h, PROTOCOL_5_0, "to", false);
    client_subscribe(to, "t", 2);
    stored_all(h);
    struct client *from = client_join(h, PROTOCOL_3_1_1, "from");
    client_send(from, "32 [<'t'> 0001 'x'] 34 [<'t'> 0002 'y']");
    client_send(to, "40 02 0001 50 02 0002 70 02 0002");
    ck_assert(broker_wants_collect(h->broker));
    stored_expect_nothing(h);
    /* and the numbers go on: */
    client_send(from, "32 [<'t'> 0003 'z']");
    EXPECT_BATCH(h, "+M3 't' qos 1 'z'", "+D3 S1 M3 qos 1 pid 3 publish sent");
    stored_finish(h);
}
END_TEST

START_TEST(one_message_for_many_is_stored_once)
{
    begin();
    struct client *to[3];
    for (int i = 0; i < 3; i++) {
        char name[2] = {(char)('a' + i), '\0'};
        to[i] = client_resume(h, PROTOCOL_5_0, name, false);
        client_subscribe(to[i], "t", 1);
    }
    client_subscribe(client_join(h, PROTOCOL_5_0, "fleeting"), "t", 2); /* holds nothing */
    stored_all(h);
    client_send(client_join(h, PROTOCOL_3_1_1, "from"), "32 [<'t'> 0001 'x']");
    EXPECT_BATCH(h, "+M1 't' qos 1 'x'", "+D1 S1 M1 qos 1 pid 1 publish sent",
                 "+D2 S2 M1 qos 1 pid 1 publish sent", "+D3 S3 M1 qos 1 pid 1 publish sent");
    client_send(to[1], "40 02 0001");
    EXPECT_BATCH(h, "-D2");
    client_send(to[0], "40 02 0001");
    EXPECT_BATCH(h, "-D1");
    client_send(to[2], "40 02 0001");
    EXPECT_BATCH(h, "-D3", "-M1"); /* with its last holder */
    stored_finish(h);
}
END_TEST

START_TEST(the_oldest_message_dropped_goes_from_the_store)
{
    struct broker_settings settings = harness_settings();
    settings.maximum_queued = 2;
    settings.drop_oldest = true;
    begin_with_away(&settings, 1);
    struct client *from = client_join(h, PROTOCOL_3_1_1, "from");
    client_send(from, "32 [<'t'> 0001 'x'] 32 [<'t'> 0002 'y']");
    stored_all(h);
    client_send(from, "32 [<'t'> 0003 'z']");
    EXPECT_BATCH(h, "-D1", "-M1", "+M3 't' qos 1 'z'", "+D3 S1 M3 qos 1 queued");
    stored_finish(h);
}
END_TEST

START_TEST(the_newest_message_dropped_never_comes_to_the_store)
{
    struct broker_settings settings = harness_settings();
    settings.maximum_queued = 1;
    begin_with_away(&settings, 1);
    struct client *from = client_join(h, PROTOCOL_3_1_1, "from");
    client_send(from, "32 [<'t'> 0001 'x'] 32 [<'t'> 0002 'y']");
    EXPECT_BATCH(h, "+M1 't' qos 1 'x'", "+D1 S1 M1 qos 1 queued");
    stored_finish(h);
}
END_TEST

START_TEST(what_is_too_large_for_the_client_goes_from_the_store)
{
    begin_with_away(NULL, 1);
    client_send(client_join(h, PROTOCOL_3_1_1, "from"), "32 [<'t'> 0001 61*100]");
    stored_all(h);
    client_connect(h, "10 [<'MQTT'> 05 00 0000 [11 FFFFFFFF 27 00000020] <'away'>]", "20 [01 00 [22 000A]]");
    EXPECT_BATCH(h, "+S1 'away' connected expiry never", "-D1", "-M1", "+alive +0");
    stored_finish(h);
}
END_TEST

START_TEST(what_expires_in_the_queue_goes_from_the_store)
{
    begin_with_away(NULL, 1);
    client_send(client_join(h, PROTOCOL_5_0, "from"), "32 [<'t'> 0001 [02 00000001] 'x']");
    stored_all(h);
    harness_advance(h, 1000);
    client_resume(h, PROTOCOL_5_0, "away", true);
    EXPECT_BATCH(h, "+S1 'away' connected expiry never", "-D1", "-M1", "+alive +1000");
    stored_finish(h);
}
END_TEST

START_TEST(the_identifiers_of_qos_2_are_stored)
{
    begin();
    struct client *from = client_resume(h, PROTOCOL_5_0, "from", false);
    stored_all(h);
    client_send(from, "34 [<'t'> 0102 [] 'x']");
    EXPECT_BATCH(h, "+R1 #0102");
    client_send(from, "3C [<'t'> 0102 [] 'x']"); /* a repetition */
    stored_expect_nothing(h);
    client_send(from, "62 02 0102");
    EXPECT_BATCH(h, "-R1 #0102");
    client_send(from, "62 02 0102"); /* not found */
    stored_expect_nothing(h);
    stored_finish(h);
}
END_TEST

/* Retained messages */

START_TEST(retained_messages_are_stored_replaced_and_cleared)
{
    begin();
    struct client *c = client_join(h, PROTOCOL_5_0, "c");
    client_send(c, "31 [<'t'> [] 'x']"); /* at QoS 0, too */
    EXPECT_BATCH(h, "+M1 't' qos 0 retained 'x'");
    client_send(c, "33 [<'t'> 0001 [] 'y']");
    EXPECT_BATCH(h, "-M1", "+M2 't' qos 1 retained 'y'");
    client_send(c, "31 [<'t'> []]");
    EXPECT_BATCH(h, "-M2");
    client_send(c, "31 [<'t'> []]");
    stored_expect_nothing(h);
    client_send(c, "31 [<'t'> [] 'z'] 31 [<'t'> []]");
    stored_expect_nothing(h);
    stored_finish(h);
}
END_TEST

START_TEST(retained_messages_expire)
{
    begin();
    client_send(client_join(h, PROTOCOL_5_0, "c"), "31 [<'t'> [02 00000003] 'x']");
    EXPECT_BATCH(h, "+M1 't' qos 0 retained until +3000 'x'");
    harness_advance(h, 2999);
    stored_expect_nothing(h);
    harness_advance(h, 1);
    EXPECT_BATCH(h, "-M1");
    stored_finish(h);
}
END_TEST

START_TEST(a_message_can_be_retained_and_queued)
{
    begin_with_away(NULL, 1);
    struct client *c = client_join(h, PROTOCOL_5_0, "c");
    client_send(c, "33 [<'t'> 0001 [] 'x']");
    EXPECT_BATCH(h, "+M1 't' qos 1 retained 'x'", "+D1 S1 M1 qos 1 queued");
    client_send(c, "33 [<'t'> 0001 [] 'y']"); /* the queue has it still, the tree not any more */
    EXPECT_BATCH(h, "+M1 't' qos 1 'x'", "+M2 't' qos 1 retained 'y'", "+D2 S1 M2 qos 1 queued");
    client_send(client_resume(h, PROTOCOL_5_0, "away", true), "40 02 0001 40 02 0002");
    EXPECT_BATCH(h, "+S1 'away' connected expiry never", "-D1", "-D2", "-M1", "+alive +0");
    client_send(c, "31 [<'t'> []]");
    EXPECT_BATCH(h, "-M2");
    stored_finish(h);
}
END_TEST

START_TEST(topics_of_the_broker_are_not_stored)
{
    begin();
    struct client *c = client_resume(h, PROTOCOL_5_0, "c", false);
    client_subscribe(c, "$SYS/#", 2);
    stored_all(h);
    harness_publish(h, "$SYS/broker/uptime", "1");
    harness_publish(h, "$SYS/broker/uptime", "2");
    ck_assert_uint_eq(broker_statistics(h->broker).retained_messages, 1);
    stored_expect_nothing(h);
    stored_finish(h);
}
END_TEST

START_TEST(retained_messages_for_a_subscription_are_deliveries)
{
    begin();
    client_send(client_join(h, PROTOCOL_5_0, "from"), "33 [<'t'> 0001 [] 'x']");
    struct client *c = client_resume(h, PROTOCOL_5_0, "c", false);
    stored_all(h);
    client_send(c, "82 [0001 [] <'t'> 01]");
    EXPECT_BATCH(h, "+U2 't' qos 1", "+D1 S2 M1 qos 1 pid 1 publish sent retain");
    client_send(c, "40 02 0001");
    EXPECT_BATCH(h, "-D1"); /* retained still */
    stored_finish(h);
}
END_TEST

/* Wills */

START_TEST(a_will_is_stored_and_discarded)
{
    begin();
    struct client *c = client_connect(
        h, "10 [<'MQTT'> 05 36 0000 [11 0000003C] <'a'> [18 00000005 02 00000007] <'w'> <'bye'>]",
        "20 [00 00 [22 000A]]");
    EXPECT_BATCH(h, "+S1 'a' connected expiry 60", "+M1 'w' qos 2 'bye'",
                 "+W1 M1 qos 2 delay 5 expiry 7 retain due never", "+alive +0");
    client_send(c, "E0 00");
    EXPECT_BATCH(h, "+S1 'a' expiry 60 until +60000", "-W1", "-M1");
    stored_finish(h);
}
END_TEST

START_TEST(a_will_that_waits_has_its_moment)
{
    begin();
    struct client *c =
        client_connect(h, "10 [<'MQTT'> 05 06 0000 [11 0000003C] <'a'> [18 00000005] <'w'> <'bye'>]",
                       "20 [00 00 [22 000A]]");
    stored_all(h);
    harness_advance(h, 100);
    client_drop(c);
    EXPECT_BATCH(h, "+S1 'a' expiry 60 until +60100", "+W1 M1 qos 0 delay 5 due +5100");
    harness_advance(h, 5000);
    EXPECT_BATCH(h, "-W1", "-M1");
    stored_finish(h);
}
END_TEST

START_TEST(a_session_that_is_not_durable_leaves_its_will)
{
    begin();
    struct client *c = client_connect(h, "10 [<'MQTT'> 04 06 0000 <'a'> <'w'> <'bye'>]", "20 02 00 00");
    EXPECT_BATCH(h, "+M1 'w' qos 0 'bye'", "+W1 M1 qos 0 due never");
    client_drop(c);
    EXPECT_BATCH(h, "-W1", "-M1");
    stored_expect_empty(h);
    stored_finish(h);
}
END_TEST

START_TEST(a_will_that_is_published_becomes_what_it_is_delivered_as)
{
    begin_with_away(NULL, 1);
    struct client *c = client_connect(h, "10 [<'MQTT'> 05 2E 0000 [] <'a'> [02 00000007] <'t'> <'bye'>]",
                                      "20 [00 00 [22 000A]]");
    EXPECT_BATCH(h, "+M1 't' qos 1 'bye'", "+W2 M1 qos 1 expiry 7 retain due never");
    harness_advance(h, 1000);
    client_drop(c);
    /* the interval runs from publication, 3.1.3.2.4 */
    EXPECT_BATCH(h, "-W2", "+M1 't' qos 1 retained until +8000 'bye'", "+D1 S1 M1 qos 1 queued");
    stored_finish(h);
}
END_TEST

START_TEST(the_interval_of_a_will_in_a_queue_runs_from_its_publication) /* 3.1.3.2.4 */
{
    begin_with_away(NULL, 1);
    struct client *c = client_connect(h, "10 [<'MQTT'> 05 0E 0000 [] <'a'> [02 00000007] <'t'> <'bye'>]",
                                      "20 [00 00 [22 000A]]");
    stored_all(h);
    client_drop(c);
    EXPECT_BATCH(h, "-W2", "+M1 't' qos 1 until +7000 'bye'", "+D1 S1 M1 qos 1 queued");
    stored_finish(h);
}
END_TEST

START_TEST(a_new_connection_brings_a_new_will)
{
    begin();
    static const char *const connect =
        "10 [<'MQTT'> 05 04 0000 [11 0000003C] <'a'> [18 00000005] <'w'> <'%s'>]";
    char notation[NOTATION_SIZE];
    octets_print(notation, connect, "one");
    client_drop(client_connect(h, notation, "20 [00 00 [22 000A]]"));
    stored_all(h);
    octets_print(notation, connect, "two");
    client_connect(h, notation, "20 [01 00 [22 000A]]");
    EXPECT_BATCH(h, "+S1 'a' connected expiry 60", "-W1", "-M1", "+M2 'w' qos 0 'two'",
                 "+W1 M2 qos 0 delay 5 due never", "+alive +0");
    EXPECT_STORE(h, "+alive +0", "+S1 'a' connected expiry 60", "+M2 'w' qos 0 'two'",
                 "+W1 M2 qos 0 delay 5 due never");
    /* twice between two batches */
    octets_print(notation, connect, "three");
    client_connect(h, notation, "20 [01 00 [22 000A]]");
    octets_print(notation, connect, "four");
    client_connect(h, notation, "20 [01 00 [22 000A]]");
    stored_all(h);
    EXPECT_STORE(h, "+alive +0", "+S1 'a' connected expiry 60", "+M4 'w' qos 0 'four'",
                 "+W1 M4 qos 0 delay 5 due never");
    stored_finish(h);
}
END_TEST

/* Batches */

START_TEST(what_changes_while_a_batch_is_on_its_way_is_in_the_next)
{
    begin();
    struct client *to = client_resume(h, PROTOCOL_5_0, "to", false);
    client_subscribe(to, "t", 1);
    struct client *from = client_join(h, PROTOCOL_3_1_1, "from");
    stored_all(h);
    client_send(from, "32 [<'t'> 0001 'x']");
    ck_assert_int_eq(stored_collect(h), COLLECTED_CHANGES);
    client_send(to, "40 02 0001");
    client_send(from, "32 [<'t'> 0002 'y']");
    ck_assert(!broker_wants_collect(h->broker)); /* one at a time */
    stored_done(h);
    ck_assert(broker_wants_collect(h->broker));
    EXPECT_BATCH(h, "-D1", "-M1", "+M2 't' qos 1 'y'", "+D2 S1 M2 qos 1 pid 2 publish sent");
    stored_finish(h);
}
END_TEST

START_TEST(statistics_count_what_is_stored)
{
    begin();
    client_resume(h, PROTOCOL_5_0, "a", false);
    stored_collect(h);
    ck_assert_uint_eq(broker_statistics(h->broker).batches_stored, 0);
    stored_done(h);
    ck_assert_uint_eq(broker_statistics(h->broker).batches_stored, 1);
    ck_assert_uint_eq(broker_statistics(h->broker).changes_stored, 2);
    stored_finish(h);
}
END_TEST

/* A store that is slow, or was not asked, must not make the broker's memory grow by what comes and goes. */
START_TEST(what_comes_and_goes_while_nothing_is_collected_takes_no_memory)
{
    begin();
    struct client *to = client_resume(h, PROTOCOL_5_0, "to", false);
    client_subscribe(to, "t", 1);
    struct client *from = client_join(h, PROTOCOL_3_1_1, "from");
    size_t most = 0;
    char notation[NOTATION_SIZE];
    for (unsigned i = 0; i < 100000; i++) {
        client_send(from, "32 [<'t'> 0001 'x']");
        octets_print(notation, "40 02 %04X", i % 65535 + 1);
        client_send(to, notation);
        client_ignore(to);
        client_ignore(from);
        if (most < h->broker->storing.listed)
            most = h->broker->storing.listed;
    }
    ck_assert_uint_gt(most, 1000);
    ck_assert_uint_le(most, 65540);
    EXPECT_BATCH(h, "+S1 'to' connected expiry never", "+U1 't' qos 1", "+alive +0");
    stored_finish(h);
}
END_TEST

/* What was logged needs its session's end, whatever is looked through meanwhile. */
START_TEST(sweeping_keeps_the_end_of_what_was_logged)
{
    begin();
    struct client *c =
        client_connect(h, "10 [<'MQTT'> 05 02 0000 [11 0000003C] <'a'>]", "20 [00 00 [22 000A]]");
    client_subscribe(c, "t", 1);
    client_send(c, "E0 [00 [11 00000000]]"); /* never came to the store, and is gone */
    struct client *to = client_resume(h, PROTOCOL_5_0, "to", false);
    client_subscribe(to, "t", 1);
    struct client *from = client_join(h, PROTOCOL_3_1_1, "from");
    char notation[NOTATION_SIZE];
    for (unsigned i = 0; i < 40000; i++) {
        client_send(from, "32 [<'t'> 0001 'x']");
        octets_print(notation, "40 02 %04X", i + 1);
        client_send(to, notation);
        client_ignore(to);
        client_ignore(from);
    }
    ck_assert_uint_lt(h->broker->storing.listed, 40000);
    EXPECT_BATCH(h, "+U1 't' qos 1", "-U1*", "-R1*", "+S2 'to' connected expiry never", "+U2 't' qos 1",
                 "+alive +0");
    stored_finish(h);
}
END_TEST

/* The same with much that is to stay: looking through it must not become the main occupation. */
START_TEST(sweeping_keeps_what_is_to_be_stored)
{
    struct broker_settings settings = harness_settings();
    settings.maximum_queued = 0xFFFFFF;
    begin_with_away(&settings, 1);
    struct client *from = client_join(h, PROTOCOL_3_1_1, "from");
    enum { MANY = 40000 }; /* two listed for each */
    for (unsigned i = 0; i < MANY; i++) {
        client_send(from, "32 [<'t'> 0001 'x']");
        client_ignore(from);
    }
    ck_assert_uint_eq(h->broker->storing.listed, 2 * MANY);
    ck_assert_uint_ge(h->broker->storing.sweep_at, 2 * 65536);
    ck_assert_int_eq(stored_collect(h), COLLECTED_CHANGES);
    stored_done(h);
    ck_assert_uint_eq(broker_statistics(h->broker).changes_stored, 2 * MANY + 3);
    harness_destroy(h);
}
END_TEST

START_TEST(at_the_end_the_store_is_empty)
{
    begin();
    struct client *a =
        client_connect(h, "10 [<'MQTT'> 05 06 0000 [11 0000003C] <'a'> [18 0000001E] <'w'> <'bye'>]",
                       "20 [00 00 [22 000A]]");
    struct client *b = client_resume(h, PROTOCOL_3_1_1, "b", false);
    struct client *from = client_join(h, PROTOCOL_5_0, "from");
    client_send(a, "82 [0001 [0B 01] <'#'> 02 <'$share/g/#'> 01]");
    client_subscribe(b, "+", 1);
    client_send(from, "33 [<'r'> 0001 [] 'x'] 35 [<'s'> 0002 [02 00000005] 'y'] 62 02 0002");
    client_send(b, "34 [<'t'> 0001 'z'] 40 02 0001");
    stored_check(h);
    client_drop(a);
    client_drop(b);
    client_send(from, "32 [<'t'> 0003 [] 'x'] 34 [<'t'> 0004 [] 'y']");
    stored_check(h);
    ck_assert_uint_gt(stored_count(h, TABLE_DELIVERIES), 3);
    harness_advance(h, 60000); /* the Will of a, then its session, then what expires */
    stored_check(h);
    client_drop(client_join(h, PROTOCOL_3_1_1, "b"));
    client_send(from, "31 [<'r'> []]");
    stored_check(h);
    stored_expect_empty(h);
    stored_finish(h);
}
END_TEST

Suite *suite_4_01_1_storing(void);
Suite *suite_4_01_1_storing(void)
{
    HARNESS_SUITE(
        "4.1.1 storing", a_durable_session_is_stored_when_it_begins, a_session_of_3_1_1_has_no_end,
        a_session_whose_client_goes_has_its_deadline, a_session_that_is_resumed_is_connected_again,
        a_session_can_become_one_that_ends_with_its_connection, disconnect_can_change_the_deadline,
        a_session_that_begins_and_ends_between_batches_leaves_nothing,
        a_session_that_begins_anew_has_another_number, a_session_taken_over_stays_connected,
        a_session_that_ends_takes_everything_with_it,
        what_was_logged_goes_even_if_the_session_never_came_to_the_store, what_is_not_durable_leaves_nothing,
        without_storage_nothing_is_collected,
        the_broker_says_that_it_lives_while_a_durable_client_is_connected,
        nobody_connected_means_nothing_to_say, subscriptions_are_stored_with_their_options,
        subscribed_and_unsubscribed_in_one_batch, what_is_granted_is_stored, share_groups_have_numbers,
        a_message_for_a_client_that_is_away_is_queued, the_qos_of_the_delivery_is_the_lower_one,
        a_delivery_carries_subscription_identifiers, a_delivery_at_qos_1_from_sending_to_puback,
        a_delivery_at_qos_2_from_sending_to_pubcomp, a_queue_that_moves_up_is_stored,
        a_negative_pubrec_ends_the_delivery, what_is_done_before_its_batch_never_touches_the_disk,
        one_message_for_many_is_stored_once, the_oldest_message_dropped_goes_from_the_store,
        the_newest_message_dropped_never_comes_to_the_store,
        what_is_too_large_for_the_client_goes_from_the_store, what_expires_in_the_queue_goes_from_the_store,
        the_identifiers_of_qos_2_are_stored, retained_messages_are_stored_replaced_and_cleared,
        retained_messages_expire, a_message_can_be_retained_and_queued, topics_of_the_broker_are_not_stored,
        retained_messages_for_a_subscription_are_deliveries, a_will_is_stored_and_discarded,
        a_will_that_waits_has_its_moment, a_session_that_is_not_durable_leaves_its_will,
        a_will_that_is_published_becomes_what_it_is_delivered_as,
        the_interval_of_a_will_in_a_queue_runs_from_its_publication, a_new_connection_brings_a_new_will,
        what_changes_while_a_batch_is_on_its_way_is_in_the_next, statistics_count_what_is_stored,
        what_comes_and_goes_while_nothing_is_collected_takes_no_memory,
        sweeping_keeps_the_end_of_what_was_logged, sweeping_keeps_what_is_to_be_stored,
        at_the_end_the_store_is_empty);
}
