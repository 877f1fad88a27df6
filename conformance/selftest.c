/* selftest: the suite's tests of itself. The sample tests below run against a stub with bad habits, and
 * each must end in the verdict that stands beside its name in the table: in particular, those that are
 * given a wrong server must fail. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "groups.h"
#include "nursery.h"
#include "options.h"
#include "record.h"
#include "profile.h"
#include "report.h"
#include "report_baseline.h"
#include "report_matrix.h"
#include "report_output.h"
#include "report_text.h"
#include "runner.h"
#include "scram.h"
#include "selection.h"
#include "stub.h"
#include "trace.h"
#include "websocket.h"

/* ---- Samples ------------------------------------------------------------------------------------- */

#define SAMPLE(name) CONFORMANCE_TEST(name, V311, NEEDS_NOTHING, "A sample", MQTT_3_12_4_1, MQTT3_3_12_4_1)

static struct client *meet(struct test *t, const char *habit)
{
    return connect_client(t, .client_identifier = habit, .clean_start = true);
}

static void require_outcome(struct client *client, enum outcome wanted)
{
    const struct received *received;
    enum outcome outcome = receive(client, &received);
    require(client->test, outcome == wanted, "outcome %d instead of %d", (int)outcome, (int)wanted);
}

SAMPLE(read_gives_packet)
{
    struct client *client = meet(t, "good");
    send_pingreq(client);
    require_outcome(client, RECEIVED_PACKET);
}

SAMPLE(read_gives_packet_in_pieces)
{
    struct client *client = meet(t, "stammer");
    send_pingreq(client);
    require_outcome(client, RECEIVED_PACKET);
}

SAMPLE(read_gives_timeout)
{
    struct client *client = meet(t, "silent");
    send_pingreq(client);
    require_outcome(client, RECEIVED_TIMEOUT);
    require(t, !client->closed, "a timeout is no close");
}

SAMPLE(read_gives_closed)
{
    struct client *client = meet(t, "hangup");
    send_pingreq(client);
    require_outcome(client, RECEIVED_CLOSED);
    require_outcome(client, RECEIVED_CLOSED); /* and stays so */
    require(t, !client->reset, "an orderly close is no reset");
}

SAMPLE(read_gives_closed_by_reset)
{
    struct client *client = meet(t, "reset");
    send_pingreq(client);
    require_outcome(client, RECEIVED_CLOSED);
    require(t, client->reset, "a reset is to be told from an orderly close");
}

SAMPLE(half_a_packet_is_no_packet)
{
    struct client *client = meet(t, "brokenoff");
    send_pingreq(client);
    require_outcome(client, RECEIVED_CLOSED);
    require(t, client->input_length == 1, "the half packet is to be remembered");
}

SAMPLE(malformed_packet_fails)
{
    ping(meet(t, "nonsense"));
}

SAMPLE(unanswered_ping_fails)
{
    ping(meet(t, "silent"));
}

SAMPLE(closed_instead_of_pong_fails)
{
    ping(meet(t, "hangup"));
}

SAMPLE(refusal_seen)
{
    struct client *client = meet(t, "hangup");
    send_pingreq(client);
    expect_refused(client);
}

SAMPLE(reset_is_a_refusal)
{
    struct client *client = meet(t, "reset");
    send_pingreq(client);
    expect_refused(client);
}

SAMPLE(silence_is_no_refusal)
{
    struct client *client = meet(t, "silent");
    send_pingreq(client);
    expect_refused(client);
}

SAMPLE(silence_is_no_close)
{
    expect_closed(meet(t, "silent"));
}

SAMPLE(early_close_fails)
{
    struct client *client = meet(t, "hangup");
    send_pingreq(client);
    expect_closed(client, .earliest = now(t) + 10, .latest = now(t) + 20);
}

SAMPLE(close_of_our_own_is_no_close_of_the_server)
{
    struct client *client = meet(t, "good");
    close_abruptly(client);
    expect_closed(client);
}

SAMPLE(acknowledged_publish)
{
    publish(meet(t, "good"), .topic = "a", .payload = "x", .qos = 1);
}

SAMPLE(unacknowledged_publish_fails)
{
    publish(meet(t, "noack"), .topic = "a", .payload = "x", .qos = 1);
}

SAMPLE(publish_as_expected)
{
    struct client *client = meet(t, "good");
    subscribe(client, "a");
    publish(client, .topic = "a", .payload = "x");
    expect_publish(client, .topic = "a", .payload = "x", .qos = 0, .retain = false);
    expect_nothing_before(client, .publisher = client, .topic = "a");
}

SAMPLE(wrong_payload_fails)
{
    struct client *client = meet(t, "good");
    publish(client, .topic = "a", .payload = "x");
    expect_publish(client, .payload = "y");
}

SAMPLE(missing_retain_fails)
{
    struct client *client = meet(t, "good");
    publish(client, .topic = "a", .payload = "x");
    expect_publish(client, .retain = true);
}

SAMPLE(second_copy_fails)
{
    struct client *client = meet(t, "twice");
    subscribe(client, "a");
    publish(client, .topic = "a", .payload = "x");
    expect_publish(client, .topic = "a", .payload = "x");
    expect_nothing_before(client, .publisher = client, .topic = "a");
}

SAMPLE(copies_are_counted)
{
    const struct received *list[1];
    struct client *client = meet(t, "twice");
    publish(client, .topic = "a", .payload = "x");
    publish(client, .topic = "a", .payload = "y");
    size_t count = collect_before(client, list, 1, .publisher = client, .topic = "a");
    require(t, count == 4, "%zu copies instead of 4", count);
    require(t, is_text(list[0]->packet.publish.payload, "x"), "the first is the oldest");
}

SAMPLE(early_publish_fails)
{
    struct client *client = meet(t, "good");
    publish(client, .topic = "a", .payload = "x");
    expect_publish(client, .earliest = now(t) + 5, .latest = now(t) + 10);
}

SAMPLE(arrival_is_stamped_while_waiting)
{
    struct client *client = meet(t, "good");
    publish(client, .topic = "a", .payload = "x");
    wait_until(t, now(t) + 0.3); /* sleep-allowed: the sample is about the time of arrival */
    const struct received *received = expect_publish(client, .payload = "x");
    require(t, received->time < now(t) - 0.1, "stamped when read instead of when it came");
}

SAMPLE(no_reaction)
{
    struct client *client = meet(t, "good");
    publish(client, .topic = "a", .payload = "x");
    expect_no_reaction(client, PACKET_PUBACK);
}

SAMPLE(reaction_fails)
{
    struct client *client = meet(t, "good");
    send_publish(client, .topic = "a", .payload = "x", .qos = 1);
    expect_no_reaction(client, PACKET_PUBACK);
}

SAMPLE(names_are_apart)
{
    require(t, strcmp(topic(t, "a"), topic(t, "b")) != 0, "topics");
    require(t, strlen(client_id(t, "12345678")) <= 23, "Client Identifiers are at most 23 characters");
    require(t, strcmp(client_id(t, "a"), client_id(t, "a")) == 0, "a name is stable within the test");
}

SAMPLE(crash_is_error)
{
    (void)t;
    abort();
}

SAMPLE(exit_is_error)
{
    (void)t;
    _exit(0);
}

SAMPLE(hang_is_error)
{
    wait_until(t, 1e6);
}

SAMPLE(skip_is_skip)
{
    skip(t, "because");
}

SAMPLE(warn_is_warn)
{
    warn(t, "careful");
}

SAMPLE(fail_after_warn_is_fail)
{
    warn(t, "careful");
    fail(t, "broken");
}

CONFORMANCE_TEST(should_cannot_fail, V311, NEEDS_NOTHING, "A sample", S3_3_8_3_1, D3_3_1_2_4_1)
{
    fail(t, "not as recommended");
}

CONFORMANCE_TEST(may_cannot_fail, V311, NEEDS_NOTHING, "A sample", D3_3_1_2_4_1)
{
    fail_expected(t, "the permission to be used", "it was not");
}

CONFORMANCE_TEST(should_beside_must_fails, V311, NEEDS_NOTHING, "A sample", S3_3_8_3_1, MQTT3_3_12_4_1)
{
    fail(t, "broken");
}

CONFORMANCE_TEST(named_statement_fails, V311, NEEDS_NOTHING, "A sample", S3_3_8_3_1)
{
    fail_statement(t, STATEMENT_NONE, MQTT3_3_8_4_1, "a SUBACK", "none came");
}

CONFORMANCE_TEST(unmet_need_is_skip, V311, NEEDS_QOS2, "A sample", MQTT3_3_12_4_1)
{
    fail(t, "this must not run");
}

/* Runs only where somebody asks for it. */
CONFORMANCE_TEST(long_sample, V311 | V31, NEEDS_REQUEST, "A sample", MQTT3_3_12_4_1)
{
    fail(t, "nobody asked for this");
}

CONFORMANCE_TEST(alone, V311, NEEDS_ALONE, "A sample", MQTT3_3_12_4_1)
{
    ping(meet(t, "good"));
}

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    for (int descriptor = 0; descriptor < 256; descriptor++)
        count += fcntl(descriptor, F_GETFD) != -1;
    return count;
}

/* Tells of its process, and leaves as much behind as a test can. */
static void use_process(struct test *t)
{
    note(t, "test %u in process %d with %u descriptors", t->number, (int)getpid(), open_descriptors());
    struct client *closed = meet(t, "hangup");
    send_pingreq(closed);
    require_outcome(closed, RECEIVED_CLOSED);
    send_publish(meet(t, "good"), .topic = "a", .payload = "x", .qos = 1);
    test_allocate(t, 100000);
}

SAMPLE(process_is_used)
{
    use_process(t);
}

SAMPLE(process_is_used_again)
{
    use_process(t);
}

SAMPLE(process_is_used_with_a_warning)
{
    use_process(t);
    warn(t, "nothing that a process would suffer from");
}

SAMPLE(process_is_used_and_the_test_skipped)
{
    use_process(t);
    skip(t, "likewise");
}

SAMPLE(process_ends_with_a_failure)
{
    use_process(t);
    fail(t, "who knows what else is wrong");
}

SAMPLE(process_ends_by_itself)
{
    use_process(t);
    _exit(0);
}

/* These three share a broker, and end it together. Without a profile they are skipped. */
static void crash_and_resume(struct test *t)
{
    struct broker *broker = start_broker(t, "durable");
    crash_broker(broker);
    resume_broker(broker);
}

#define SHARING_SAMPLE(name)                                                                                 \
    CONFORMANCE_TEST(name, V311, SHARES_CRASH, "A sample", MQTT3_3_12_4_1)                                   \
    {                                                                                                        \
        crash_and_resume(t);                                                                                 \
    }

SHARING_SAMPLE(sharing_first)
SHARING_SAMPLE(sharing_second)
SHARING_SAMPLE(sharing_third)

PROPERTY_TEST(good_property_holds, "temper", V311, NEEDS_NOTHING, "A sample")
{
    ping(meet(t, "good"));
}

PROPERTY_TEST(warned_property_holds, "temper", V311, NEEDS_NOTHING, "A sample")
{
    ping(meet(t, "good"));
    warn(t, "a property has no recommendations");
}

PROPERTY_TEST(bad_property_does_not_hold, "temper", V311, NEEDS_NOTHING, "A sample")
{
    ping(meet(t, "silent"));
}

PROPERTY_TEST(skipped_property_is_skipped, "patience", V311, NEEDS_QOS2, "A sample")
{
    fail(t, "this must not run");
}

/* The stub closes after a DISCONNECT, answers a PINGREQ, and passes over an AUTH. */
#define CLOSING HEX(t, "e0 00")
#define PASSED_OVER HEX(t, "f0 00")

static struct table *begin_table(struct test *t)
{
    struct table *table = table_begin(t, .packet = "SAMPLE", .situation = CONNECTED);
    table_add(table, .name = "a control", .bytes = HEX(t, "c0 00"), .demand = ROW_CONTROL);
    return table;
}

SAMPLE(rows_are_judged_by_their_demands)
{
    struct table *table = begin_table(t);
    for (int i = 0; i < 10; i++) { /* more than go side by side */
        table_add(table, .name = "closing", .bytes = CLOSING, .demand = ROW_REFUSED);
        table_add(table, .name = "passed over", .bytes = PASSED_OVER, .demand = ROW_ACCEPTED);
    }
    table_add(table, .name = "closing", .bytes = CLOSING, .demand = ROW_OPEN);
    table_add(table, .name = "passed over", .bytes = PASSED_OVER, .demand = ROW_OPEN);
    table_judge(table);
}

SAMPLE(row_that_is_not_refused_fails)
{
    struct table *table = begin_table(t);
    table_add(table, .name = "closing", .bytes = CLOSING, .demand = ROW_REFUSED);
    table_add(table, .name = "passed over", .bytes = PASSED_OVER, .demand = ROW_REFUSED,
              .three = MQTT3_2_2_2_2);
    table_judge(table);
}

SAMPLE(row_that_is_not_accepted_fails)
{
    struct table *table = begin_table(t);
    table_add(table, .name = "passed over", .bytes = PASSED_OVER, .demand = ROW_ACCEPTED);
    table_add(table, .name = "closing", .bytes = CLOSING, .demand = ROW_ACCEPTED);
    table_judge(table);
}

SAMPLE(all_rows_that_fail_are_named)
{
    struct table *table = begin_table(t);
    table_add(table, .name = "the second", .bytes = CLOSING, .demand = ROW_ACCEPTED);
    table_add(table, .name = "the third", .bytes = CLOSING, .demand = ROW_REFUSED);
    table_add(table, .name = "the fourth", .bytes = PASSED_OVER, .demand = ROW_REFUSED);
    table_judge(table);
}

/* The PINGREQ is taken for the rest of the packet. */
SAMPLE(row_that_is_neither_refused_nor_accepted_fails)
{
    struct table *table = begin_table(t);
    table_add(table, .name = "closing", .bytes = CLOSING, .demand = ROW_OPEN);
    table_add(table, .name = "cut", .bytes = HEX(t, "f0 7f 00"), .demand = ROW_OPEN);
    table_judge(table);
}

SAMPLE(row_that_is_answered_with_nonsense_fails)
{
    struct table *table = begin_table(t);
    table_add(table, .name = "closing", .bytes = CLOSING, .demand = ROW_OPEN);
    table_add(table, .name = "a provocation", .bytes = HEX(t, "f0 01 00"), .demand = ROW_OPEN);
    table_judge(table);
}

SAMPLE(connect_that_is_not_refused_fails)
{
    struct table *table = table_begin(t, .packet = "CONNECT", .situation = NOT_CONNECTED);
    table_add(table, .name = "a control", .demand = ROW_CONTROL,
              .bytes = HEX(t, "10 0d {MQTT} 04 02 0000 {a}"));
    table_add(table, .name = "with a reserved flag", .demand = ROW_REFUSED,
              .bytes = HEX(t, "10 0d {MQTT} 04 03 0000 {b}"));
    table_judge(table);
}

SAMPLE(control_that_is_not_accepted_is_error)
{
    struct table *table = table_begin(t, .packet = "SAMPLE", .situation = CONNECTED);
    table_add(table, .name = "a control", .bytes = CLOSING, .demand = ROW_CONTROL);
    table_judge(table);
}

/* ---- What must come out -------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum verdict_kind verdict;
    const char *says; /* must occur in the reason; NULL: not looked at */
} wanted[] = {
    {"read_gives_packet", VERDICT_PASS, NULL},
    {"read_gives_packet_in_pieces", VERDICT_PASS, NULL},
    {"read_gives_timeout", VERDICT_PASS, NULL},
    {"read_gives_closed", VERDICT_PASS, NULL},
    {"read_gives_closed_by_reset", VERDICT_PASS, NULL},
    {"half_a_packet_is_no_packet", VERDICT_PASS, NULL},
    {"malformed_packet_fails", VERDICT_FAIL, "breaks a rule"},
    {"unanswered_ping_fails", VERDICT_FAIL, "PINGRESP"},
    {"closed_instead_of_pong_fails", VERDICT_FAIL, "the server closed the connection"},
    {"refusal_seen", VERDICT_PASS, NULL},
    {"reset_is_a_refusal", VERDICT_PASS, NULL},
    {"silence_is_no_refusal", VERDICT_FAIL, "still open"},
    {"silence_is_no_close", VERDICT_FAIL, "was open"},
    {"early_close_fails", VERDICT_FAIL, "closed at"},
    {"close_of_our_own_is_no_close_of_the_server", VERDICT_ERROR, "itself"},
    {"acknowledged_publish", VERDICT_PASS, NULL},
    {"unacknowledged_publish_fails", VERDICT_FAIL, "PUBACK"},
    {"publish_as_expected", VERDICT_PASS, NULL},
    {"wrong_payload_fails", VERDICT_FAIL, "payload=\"x\""},
    {"missing_retain_fails", VERDICT_FAIL, "retain=1"},
    {"second_copy_fails", VERDICT_FAIL, "sentinel"},
    {"copies_are_counted", VERDICT_PASS, NULL},
    {"early_publish_fails", VERDICT_FAIL, "not before"},
    {"arrival_is_stamped_while_waiting", VERDICT_PASS, NULL},
    {"no_reaction", VERDICT_PASS, NULL},
    {"reaction_fails", VERDICT_FAIL, "no PUBACK"},
    {"rows_are_judged_by_their_demands", VERDICT_PASS, NULL},
    {"row_that_is_not_refused_fails", VERDICT_FAIL,
     "1 of 3 rows are wrong: row 3, passed over [MQTT3-2.2.2-2]: sent f0 00, expected the connection closed, "
     "observed an answer to a later PINGREQ, the connection open"},
    {"row_that_is_not_accepted_fails", VERDICT_FAIL,
     "row 3, closing: sent e0 00 and PINGREQ, expected an answer to the PINGREQ, observed "
     "the "
     "connection closed"},
    {"row_that_is_neither_refused_nor_accepted_fails", VERDICT_FAIL,
     "row 3, cut: sent f0 7f 00 and PINGREQ, expected an answer to the PINGREQ or the "
     "connection "
     "closed, observed no answer to the PINGREQ, the connection open"},
    {"all_rows_that_fail_are_named", VERDICT_FAIL, "; row 4, the fourth"},
    {"row_that_is_answered_with_nonsense_fails", VERDICT_FAIL,
     "1 of 3 rows are wrong: row 3, a provocation ["},
    {"connect_that_is_not_refused_fails", VERDICT_FAIL,
     "expected the connection closed and no CONNACK with success, observed CONNACK code=0"},
    {"control_that_is_not_accepted_is_error", VERDICT_ERROR,
     "control: SAMPLE, a control: sent e0 00 and PINGREQ, expected an answer to the PINGREQ, observed the "
     "connection "
     "closed"},
    {"names_are_apart", VERDICT_PASS, NULL},
    {"crash_is_error", VERDICT_ERROR, "crashed"},
    {"exit_is_error", VERDICT_ERROR, "without a verdict"},
    {"hang_is_error", VERDICT_ERROR, "did not end"},
    {"skip_is_skip", VERDICT_SKIP, "because"},
    {"warn_is_warn", VERDICT_WARN, NULL},
    {"fail_after_warn_is_fail", VERDICT_FAIL, "broken"},
    {"should_cannot_fail", VERDICT_WARN, NULL},
    {"may_cannot_fail", VERDICT_ERROR, "nothing that this test is about forbids"},
    {"should_beside_must_fails", VERDICT_FAIL, "broken"},
    {"named_statement_fails", VERDICT_FAIL, "none came"},
    {"unmet_need_is_skip", VERDICT_SKIP, "no QoS 2"},
    {"alone", VERDICT_PASS, NULL},
    {"process_is_used", VERDICT_PASS, NULL},
    {"process_is_used_again", VERDICT_PASS, NULL},
    {"process_is_used_with_a_warning", VERDICT_WARN, NULL},
    {"process_is_used_and_the_test_skipped", VERDICT_SKIP, NULL},
    {"process_ends_with_a_failure", VERDICT_FAIL, NULL},
    {"process_ends_by_itself", VERDICT_ERROR, "without a verdict"},

    {"sharing_first", VERDICT_SKIP, "profile"},
    {"sharing_second", VERDICT_SKIP, "profile"},
    {"sharing_third", VERDICT_SKIP, "profile"},
    {"good_property_holds", VERDICT_PASS, NULL},
    {"warned_property_holds", VERDICT_PASS, NULL},
    {"bad_property_does_not_hold", VERDICT_FAIL, "PINGRESP"},
    {"skipped_property_is_skipped", VERDICT_SKIP, "no QoS 2"},
};
#define WANTED_COUNT (sizeof wanted / sizeof wanted[0])

struct tally {
    unsigned passed;
    unsigned failed;
};

static void check(struct tally *tally, bool good, const char *what)
{
    if (good) {
        tally->passed++;
        return;
    }
    tally->failed++;
    printf("FAIL  %s\n", what);
}

static const struct result *find_result(const struct run *run, const char *name)
{
    for (size_t i = 0; i < run->count; i++)
        if (strcmp(run->results[i].test->name, name) == 0)
            return &run->results[i];
    return NULL;
}

static void check_verdicts(struct tally *tally, const struct run *run)
{
    check(tally, run->count == WANTED_COUNT, "every sample stands in the table, and the other way round");
    for (size_t i = 0; i < WANTED_COUNT; i++) {
        const struct result *result = find_result(run, wanted[i].name);
        bool good = result != NULL && result->verdict == wanted[i].verdict &&
                    (wanted[i].says == NULL || strstr(result->reason, wanted[i].says) != NULL);
        check(tally, good, wanted[i].name);
        if (!good && result != NULL)
            printf("      is %s: %s\n", verdict_name(result->verdict), result->reason);
    }
}

static void check_details(struct tally *tally, const struct run *run)
{
    const struct result *late = find_result(run, "unacknowledged_publish_fails");
    check(tally, late != NULL && late->cited == MQTT3_4_3_2_2, "a missing PUBACK names its own statement");
    check(tally, late != NULL && late->note_count == 1 && strstr(late->notes[0], "was answered") != NULL,
          "a silent server is asked for a sign of life");
    const struct result *good = find_result(run, "read_gives_packet");
    check(tally, good != NULL && good->exchange_count >= 5, "the exchange is kept");
    bool found = false;
    for (size_t i = 0; good != NULL && i < good->exchange_count; i++)
        found =
            found || (good->exchanges[i].direction == DIRECTION_RECEIVED && good->exchanges[i].length == 2 &&
                      memcmp(good->exchanges[i].bytes, "\xd0\x00", 2) == 0);
    check(tally, found, "the exchange holds the bytes that came");
    const struct result *right = find_result(run, "rows_are_judged_by_their_demands");
    check(tally, right != NULL && right->exchange_count == 0,
          "rows that are right are kept out of the exchange");
    check(tally,
          right != NULL && right->note_count == 1 &&
              strstr(right->notes[0],
                     "10 refused as they must be, 11 accepted; the consequence is not stated: 1 "
                     "refused, 1 accepted") != NULL,
          "rows are counted");
    const struct result *wrong = find_result(run, "row_that_is_not_refused_fails");
    check(tally, wrong != NULL && wrong->cited == MQTT3_2_2_2_2, "a row that fails names its statement");
    found = wrong != NULL && wrong->exchange_count > 0;
    for (size_t i = 0; found && i < wrong->exchange_count; i++)
        found = strcmp(wrong->exchanges[i].client, "row 3") == 0;
    check(tally, found, "and shows its exchange alone");
    const struct result *warned = find_result(run, "warn_is_warn");
    check(tally, warned != NULL && warned->note_count == 1, "a warning is noted");
    const struct result *beside = find_result(run, "should_beside_must_fails");
    check(tally, beside != NULL && result_statement(beside) == MQTT3_3_12_4_1,
          "a failure names the MUST of the list, though a SHOULD stands before it");
    const struct result *advised = find_result(run, "should_cannot_fail");
    check(tally,
          advised != NULL && advised->note_count == 1 && strstr(advised->notes[0], "not as recommended"),
          "what a SHOULD recommends is missed by a warning");
    size_t sum = 0;
    for (int i = 0; i < VERDICT_COUNT; i++)
        sum += run->totals[i] + run->properties[i];
    check(tally, sum == run->count, "every test is counted once");
}

/* Properties are counted by group, and neither pass nor fail. */
static void check_properties(struct tally *tally, const struct run *run)
{
    size_t count;
    size_t totals[VERDICT_COUNT];
    const char **groups = property_groups(run, &count);
    check(tally, count == 2 && strcmp(groups[0], "temper") == 0 && strcmp(groups[1], "patience") == 0,
          "each group once");
    property_totals(run, "temper", totals);
    check(tally, totals[VERDICT_PASS] == 2 && totals[VERDICT_FAIL] == 1 && totals[VERDICT_SKIP] == 0,
          "the properties of a group are counted");
    size_t failed = 0;
    for (size_t i = 0; i < run->count; i++)
        failed += run->results[i].verdict == VERDICT_FAIL;
    check(tally, run->properties[VERDICT_FAIL] == 1 && run->totals[VERDICT_FAIL] == failed - 1,
          "a property that does not hold is no failure");
    const struct result *bad = find_result(run, "bad_property_does_not_hold");
    const struct result *good = find_result(run, "warned_property_holds");
    check(tally, bad != NULL && strcmp(result_word(bad), "does not hold") == 0, "does not hold");
    check(tally, good != NULL && strcmp(result_word(good), "holds") == 0, "holds");
    free(groups);
}

/* Every form of report of a run with every verdict, and nothing is left out that has no test of its own. */
static void check_reports(struct tally *tally, const struct run *run)
{
    static const struct report_format *const formats[] = {&report_json, &report_junit, &report_tap,
                                                          &report_markdown, &report_html};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct output output = {.format = formats[i], .path = "/dev/null"};
        struct report_input input = {.runs = &run, .count = 1};
        check(tally, outputs_open(&output, 1, 1) && outputs_write(&output, 1, &input), formats[i]->option);
    }
}

/* Runs the samples that are wished for, and calls `look` for the result. */
static void run_samples(struct tally *tally, const struct wishes *wishes, unsigned jobs, uint64_t seed,
                        void (*look)(struct tally *tally, const struct run *run))
{
    uint16_t port;
    size_t count;
    char url[64];
    char problem[100];
    struct target target;
    pid_t stub = stub_start(&port);
    struct run run = {.target = &target, .seed = seed, .name = "selfte"};
    struct runner_options options = {.jobs = jobs, .patience = 0.4, .limit = 3};
    struct report silent = {.begin = NULL};
    snprintf(url, sizeof url, "mqtt://127.0.0.1:%u", port);
    check(tally, stub > 0 && target_parse(&target, url, problem, sizeof problem), "the stub starts");
    run.capabilities[version_index(PROTOCOL_3_1_1)] =
        (struct capabilities){.accepted = true, .maximum_qos = 1};
    const struct conformance_test **tests = all_tests(&count);
    run.results = select_tests(wishes, tests, count, &run.count);
    check(tally, run_tests(&run, &options, &silent), "the run ends");
    look(tally, &run);
    for (size_t i = 0; i < run.count; i++)
        result_clear(&run.results[i]);
    free(run.results);
    free(tests);
    kill(stub, SIGKILL);
    waitpid(stub, NULL, 0);
}

static void look_at_all(struct tally *tally, const struct run *run)
{
    check_verdicts(tally, run);
    check_details(tally, run);
    check_properties(tally, run);
    check_reports(tally, run);
}

static void check_run(struct tally *tally)
{
    struct wishes all = {.sections = NULL};
    run_samples(tally, &all, 8, 7, look_at_all);
}

/* What use_process noted. */
struct use {
    unsigned test;
    int process;
    unsigned descriptors;
    bool last_of_process;
};

static int compare_uses(const void *left, const void *right)
{
    const struct use *const uses[] = {left, right};
    return uses[0]->test < uses[1]->test ? -1 : uses[0]->test > uses[1]->test;
}

/* One test at a time: each in the process of the one before, unless that ended otherwise than well. */
static void look_at_processes(struct tally *tally, const struct run *run)
{
    struct use uses[8] = {{0}};
    size_t count = 0;
    for (size_t i = 0; i < run->count && count < 8; i++) {
        const struct result *result = &run->results[i];
        struct use use = {.last_of_process = strncmp(result->test->name, "process_ends", 12) == 0};
        if (result->note_count > 0 && sscanf(result->notes[0], "test %u in process %d with %u descriptors",
                                             &use.test, &use.process, &use.descriptors) == 3)
            uses[count++] = use;
    }
    check(tally, count == 6, "every test tells of its process");
    qsort(uses, count, sizeof uses[0], compare_uses);
    for (size_t i = 0; i + 1 < count; i++) {
        check(tally, (uses[i].process == uses[i + 1].process) != uses[i].last_of_process,
              "tests share a process until one goes wrong");
        check(tally, uses[i].descriptors == uses[0].descriptors, "no test leaves a connection open");
    }
    check(tally, !uses[0].last_of_process && !uses[count - 1].last_of_process,
          "the order is one that shows something: else choose another seed");
}

static void check_processes(struct tally *tally)
{
    const char *names[] = {"process_*"};
    struct wishes processes = {.names = names, .name_count = 1};
    run_samples(tally, &processes, 1, 5, look_at_processes);
}

/* ---- Brokers that tests share -------------------------------------------------------------------- */

/* Processes that a run asked for, and those that it does not get. */
static struct births {
    const struct run *run;
    const struct result *missing; /* this one not, unless it is alone */
    bool no_keepers;
    unsigned keepers;
    unsigned together;
    unsigned alone;
} births;

static bool is_keeper(const struct birth *birth)
{
    for (size_t i = 0; births.run != NULL && i < births.run->count; i++)
        if (birth->item == &births.run->results[i])
            return false;
    return births.run != NULL;
}

/* The linker puts the first in the place of nursery_birth, which is then called like the second (module.mk). */
pid_t __wrap_nursery_birth(const struct nursery *nursery, nursery_body body, const void *context,
                           const struct birth *birth);
pid_t __real_nursery_birth(const struct nursery *nursery, nursery_body body, const void *context,
                           const struct birth *birth);

pid_t __wrap_nursery_birth(const struct nursery *nursery, nursery_body body, const void *context,
                           const struct birth *birth)
{
    bool keeper = is_keeper(birth);
    *(keeper ? &births.keepers : birth->alone ? &births.alone : &births.together) += 1;
    if (keeper ? !births.no_keepers : births.missing != birth->item || birth->alone)
        return __real_nursery_birth(nursery, body, context, birth);
    errno = EAGAIN;
    return -1;
}

static bool write_file(const char *folder, const char *name, const char *content, const char *more)
{
    char path[96];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    return file != NULL && fprintf(file, "%s%s\n", content, more) > 0 && fclose(file) == 0 &&
           chmod(path, 0700) == 0;
}

/* A profile whose broker is the stub, with as many files as take a moment to remove. */
static bool make_profile(char *folder)
{
    char program[512];
    char start[640];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length < 0 ? 0 : length] = '\0';
    snprintf(start, sizeof start, "cd \"$3\" && seq 1000 | xargs touch && exec '%s' --serve \"$2\"", program);
    return length > 0 && mkdtemp(folder) != NULL &&
           write_file(folder, "profile", "configurations durable", "") &&
           write_file(folder, "start", "#!/bin/sh\n", start);
}

/* False when anything else is in its folder. */
static bool remove_profile(const char *folder)
{
    static const char *const names[] = {"profile", "start"};
    char path[96];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder) == 0;
}

/* What a run asks for where processes are lacking; in the end every test passes. Who waited in vain for another would
 * have run once more, alone. */
static const struct sharing {
    const char *what;
    unsigned missing; /* the number of the test that cannot be begun; 0: all can */
    bool no_keepers;
    unsigned keepers;
    unsigned together;
    unsigned alone;
} sharings[] = {
    {"tests share a broker", 0, false, 1, 3, 0},
    {"a test that cannot be begun is not waited for", 1, false, 1, 3, 1},
    {"nor is another", 2, false, 1, 3, 1},
    {"nor is the third", 3, false, 1, 3, 1},
    {"where its keeper cannot be begun each has a broker of its own", 0, true, 1, 0, 3},
};

static void check_sharing_of(struct tally *tally, const struct sharing *sharing, const char *profile)
{
    size_t count;
    const char *names[] = {"sharing_*"};
    struct target target = {.url = "", .scheme = "mqtt"};
    struct wishes wishes = {.names = names, .name_count = 1};
    struct run run = {.target = &target, .seed = 7};
    struct runner_options options = {.jobs = 8, .patience = 5, .limit = 30, .profile = profile};
    struct report silent = {.begin = NULL};
    snprintf(run.name, sizeof run.name, "s%d", (int)getpid() % 1000000); /* other runs find each other, too */
    const struct conformance_test **tests = all_tests(&count);
    run.results = select_tests(&wishes, tests, count, &run.count);
    births = (struct births){.run = &run,
                             .missing = sharing->missing > 0 ? &run.results[sharing->missing - 1] : NULL,
                             .no_keepers = sharing->no_keepers};
    run.capabilities[version_index(PROTOCOL_3_1_1)] = (struct capabilities){.accepted = true};
    check(tally, run.count == 3 && run_tests(&run, &options, &silent),
          "the run of tests that share a broker ends");
    check(tally, run.totals[VERDICT_PASS] == run.count, "and all pass");
    bool good = births.keepers == sharing->keepers && births.together == sharing->together &&
                births.alone == sharing->alone;
    check(tally, good, sharing->what);
    if (!good)
        printf("      %u keepers, %u tests together, %u alone\n", births.keepers, births.together,
               births.alone);
    births = (struct births){.run = NULL};
    for (size_t i = 0; i < run.count; i++)
        result_clear(&run.results[i]);
    free(run.results);
    free(tests);
}

static void check_sharing(struct tally *tally)
{
    char folder[] = "/tmp/etalon-selftest-XXXXXX";
    check(tally, make_profile(folder), "a profile of the stub can be written");
    setenv("TMPDIR", folder, 1);
    for (size_t i = 0; i < sizeof sharings / sizeof sharings[0]; i++)
        check_sharing_of(tally, &sharings[i], folder);
    check(tally, remove_profile(folder), "nothing is left of brokers that tests shared");
    unsetenv("TMPDIR");
}

/* ---- Parts --------------------------------------------------------------------------------------- */

static void check_records(struct tally *tally)
{
    int ends[2];
    uint8_t bytes[4096];
    struct result result = {.test = NULL};
    struct record_reader reader = {NULL, 0, 0};
    double deadline = 1;
    struct capabilities sent = {.accepted = true, .receive_maximum = 77};
    struct capabilities got = {.accepted = false};
    struct left_behind left = {NULL, 0};
    bool ready = false;
    struct record_sink sink = {&result, &deadline, &got, &left, &ready};
    check(tally, pipe(ends) == 0, "pipe");
    struct test t = {.records = ends[1]};
    record_exchange(&t, now(&t), DIRECTION_SENT, PROTOCOL_5_0, "client", "", bytes_of("\x00\xff\x10", 3));
    record_note(&t, "noted");
    record_extension(&t, 2.5);
    record_capabilities(&t, &sent);
    record_leftover(&t, "a/b", false);
    record_leftover(&t, "client", true);
    record_verdict(&t, VERDICT_FAIL, MQTT_3_1_0_1, "why", "this", "that");
    ssize_t count = read(ends[0], bytes, sizeof bytes);
    bool good = count > 0;
    for (ssize_t i = 0; i < count; i++) /* one byte at a time */
        good = record_feed(&reader, bytes + i, 1, &sink) && good;
    check(tally, good && reader.length == 0, "records are understood byte by byte");
    check(tally, result.finished && result.verdict == VERDICT_FAIL && result.cited == MQTT_3_1_0_1,
          "verdict");
    check(tally, good && strcmp(result.expected, "this") == 0 && strcmp(result.observed, "that") == 0,
          "texts");
    check(tally, result.note_count == 1 && strcmp(result.notes[0], "noted") == 0, "note");
    check(tally, deadline == 3.5, "extension");
    check(tally, got.accepted && got.receive_maximum == 77, "capabilities");
    check(tally,
          left.count == 2 && !left.items[0].session && strcmp(left.items[0].text, "a/b") == 0 &&
              left.items[1].session && strcmp(left.items[1].text, "client") == 0,
          "what may be left");
    t.finished = true;
    record_note(&t, "after the verdict");
    record_tidied(&t);
    count = read(ends[0], bytes, sizeof bytes);
    good = count > 0 && record_feed(&reader, bytes, (size_t)count, &sink);
    check(tally, good && left.count == 0 && result.note_count == 1, "nothing is left");
    check(tally, !ready, "the process is not ready yet");
    record_ready(&t);
    count = read(ends[0], bytes, sizeof bytes);
    check(tally, count > 0 && record_feed(&reader, bytes, (size_t)count, &sink) && ready,
          "the process is ready");
    check(tally,
          result.exchange_count == 1 && result.exchanges[0].length == 3 &&
              memcmp(result.exchanges[0].bytes, "\x00\xff\x10", 3) == 0,
          "packet");
    check(tally, !record_feed(&reader, "\x63\x00\x00\x00\x00", 5, &sink), "an unknown record is refused");
    check(tally, !record_feed(&reader, "\x02\x01\x00\x00\x00x", 6, &sink), "a short record is refused");
    free(t.held);
    record_reader_clear(&reader);
    result_clear(&result);
    close(ends[0]);
    close(ends[1]);
}

static void check_selection(struct tally *tally)
{
    check(tally, section_is_within("3.3.1", "3.3") && section_is_within("3.3", "3.3"),
          "a section and those below");
    check(tally, section_is_within("3.3.1", "3.3."), "a full stop at the end is no matter");
    check(tally, !section_is_within("3.30", "3.3") && !section_is_within("3.3", "3.3.1"), "but not others");
    const struct conformance_test *test = &conformance_test_crash_is_error;
    const char *sections[] = {"4", "3.12"};
    const char *names[] = {"crash_*"};
    enum statement statements[] = {MQTT_3_12_4_1};
    struct wishes all = {.versions = 0};
    struct wishes by_section = {.sections = sections, .section_count = 2};
    struct wishes by_wrong_section = {.sections = sections, .section_count = 1};
    struct wishes by_name = {.names = names, .name_count = 1, .versions = V311};
    struct wishes by_other_version = {.names = names, .name_count = 1, .versions = V5};
    const char *groups[] = {"temper"};
    const char *conformance[] = {"conformance"};
    struct wishes by_group = {.groups = groups, .group_count = 1};
    struct wishes by_conformance = {.groups = conformance, .group_count = 1};
    struct wishes by_statement = {.statements = statements, .statement_count = 1};
    check(tally, is_selected(&all, test, PROTOCOL_3_1_1) && !is_selected(&all, test, PROTOCOL_5_0),
          "versions");
    check(tally, is_selected(&by_section, test, PROTOCOL_3_1_1), "any of the sections");
    check(tally, !is_selected(&by_wrong_section, test, PROTOCOL_3_1_1), "none of the sections");
    check(tally, is_selected(&by_name, test, PROTOCOL_3_1_1), "name with a star");
    check(tally, !is_selected(&by_other_version, test, PROTOCOL_3_1_1), "another version");
    check(tally, !is_selected(&by_statement, test, PROTOCOL_3_1_1), "a statement of the other version");
    const struct conformance_test *property = &conformance_test_good_property_holds;
    check(tally, is_selected(&all, property, PROTOCOL_3_1_1), "properties belong to everything");
    check(tally, !is_selected(&by_section, property, PROTOCOL_3_1_1), "but to no section");
    check(tally,
          is_selected(&by_group, property, PROTOCOL_3_1_1) && !is_selected(&by_group, test, PROTOCOL_3_1_1),
          "a group of properties");
    struct wishes without_group = {.groups_left_out = groups, .left_out_count = 1};
    check(tally,
          !is_selected(&without_group, property, PROTOCOL_3_1_1) &&
              is_selected(&without_group, test, PROTOCOL_3_1_1),
          "all but a group");
    check(tally,
          is_selected(&by_conformance, test, PROTOCOL_3_1_1) &&
              !is_selected(&by_conformance, property, PROTOCOL_3_1_1),
          "no properties");
}

static bool selects(const char *group, const char *name, const struct conformance_test *test,
                    enum protocol_version version)
{
    const struct wishes wishes = {.groups = &group,
                                  .group_count = group == NULL ? 0 : 1,
                                  .names = &name,
                                  .name_count = name == NULL ? 0 : 1};
    return is_selected(&wishes, test, version);
}

static void check_groups(struct tally *tally)
{
    const struct conformance_test *sample = &conformance_test_crash_is_error;
    const struct conformance_test *large = &conformance_test_long_sample;
    const struct conformance_test qos_2 = {.name = "qos_2_message_is_sent",
                                           .file = "a/4_03.c",
                                           .versions = V5,
                                           .statements = sample->statements};
    const struct conformance_test ordered = {
        .name = "sample", .file = "a/4_06_x.c", .versions = V31 | V5, .statements = sample->statements};
    check(tally, selects("exactly-once", NULL, &qos_2, PROTOCOL_5_0), "a group takes a test by its name");
    check(tally, !selects("shared", NULL, &qos_2, PROTOCOL_5_0), "another group does not");
    check(tally, !selects("exactly-once", NULL, &qos_2, PROTOCOL_3_1_1), "nor in a version that it lacks");
    check(tally, selects("conformance", NULL, &qos_2, PROTOCOL_5_0), "a test may belong to several groups");
    check(tally, selects("ordering", NULL, &ordered, PROTOCOL_5_0), "a group takes a test by its file");
    check(tally,
          selects("3.1", NULL, &ordered, PROTOCOL_3_1) && !selects("3.1", NULL, &ordered, PROTOCOL_5_0),
          "a group takes a version");
    check(tally, selects(NULL, NULL, sample, PROTOCOL_3_1_1), "who asks for nothing gets all");
    check(tally, !selects(NULL, NULL, large, PROTOCOL_3_1_1), "but what costs the target much");
    check(tally, !selects("conformance", NULL, large, PROTOCOL_3_1_1), "nor who asks for what is demanded");
    check(tally, !selects("3.1", NULL, large, PROTOCOL_3_1), "nor who asks for a version");
    check(tally, !selects(NULL, "long_*", large, PROTOCOL_3_1_1), "nor who asks for many names");
    check(tally, selects("large", NULL, large, PROTOCOL_3_1_1), "that takes its group");
    check(tally, selects(NULL, "long_sample", large, PROTOCOL_3_1_1), "or its very name");
    check(tally, strcmp(group_nearest("exactly_once"), "exactly-once") == 0, "the nearest name of a group");
    check(tally, group_find("ordering") != NULL && group_find("order") == NULL, "the names of groups");
}

static void check_shuffle(struct tally *tally)
{
    size_t first[50];
    size_t again[50];
    size_t other[50];
    bool seen[50] = {false};
    shuffle(first, 50, 1);
    shuffle(again, 50, 1);
    shuffle(other, 50, 2);
    for (size_t i = 0; i < 50; i++)
        seen[first[i]] = true;
    bool all = true;
    for (size_t i = 0; i < 50; i++)
        all = all && seen[i];
    check(tally, all, "a shuffled order is a permutation");
    check(tally, memcmp(first, again, sizeof first) == 0, "one seed, one order");
    check(tally, memcmp(first, other, sizeof first) != 0, "another seed, another order");
}

static void check_target(struct tally *tally)
{
    struct target target;
    char problem[600];
    static const char *const wrong[] = {
        "",           "localhost", "http://a",    "mqtt://",    "mqtt://:1",   "mqtt://a:0", "mqtt://a:65536",
        "mqtt://a:x", "mqtt://a:", "mqtt://[::1", "mqtt://a/b", "mqtts://a/b", "ws://a/b c", "ws://a/#b",
        "wsx://a",    "ws:/a",     "ws://:80/",   "wss://a:/"};
    static const struct {
        const char *url;
        const char *shown;
        const char *transport;
    } right[] = {
        {"mqtts://a", "mqtts://a:8883", "TLS"},
        {"ws://a", "ws://a:80/mqtt", "WebSocket"},
        {"wss://a/", "wss://a:443/", "WebSocket over TLS"},
        {"wss://u:p@[::1]:8084/x/y?z=1", "wss://u@[::1]:8084/x/y?z=1", "WebSocket over TLS"},
    };
    check(tally,
          target_parse(&target, "mqtt://broker", problem, sizeof problem) &&
              strcmp(target.host, "broker") == 0 && strcmp(target.port, "1883") == 0,
          "plain URL");
    check(tally,
          target_parse(&target, "mqtt://me:p@s:s@[::1]:77/", problem, sizeof problem) &&
              strcmp(target.host, "::1") == 0 && strcmp(target.port, "77") == 0 &&
              strcmp(target.user_name, "me") == 0 && strcmp(target.password, "p@s:s") == 0,
          "full URL");
    check(tally, strstr(target.url, "p@s") == NULL, "the password is not shown");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        check(tally, !target_parse(&target, wrong[i], problem, sizeof problem), wrong[i]);
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
        check(tally,
              target_parse(&target, right[i].url, problem, sizeof problem) &&
                  strcmp(target.url, right[i].shown) == 0 &&
                  strcmp(target.transport, right[i].transport) == 0,
              right[i].url);
}

/* ---- WebSocket ----------------------------------------------------------------------------------- */

/* Key and hash of RFC 6455 section 1.3. */
#define SAMPLE_KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define UPGRADED "HTTP/1.1 101 Switching Protocols\r\n"
#define UPGRADE "Upgrade: websocket\r\n"
#define CONNECTION "Connection: Upgrade\r\n"
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

static bool accepts_answer(const char *head)
{
    struct websocket_answer answer;
    websocket_judge_answer(&answer, head, strlen(head), SAMPLE_KEY);
    return answer.accepted;
}

static void check_answers(struct tally *tally)
{
    static const char *const wrong[] = {
        "HTTP/1.1 200 OK\r\n" UPGRADE CONNECTION ACCEPT "\r\n",
        "HTTP/1.0 101 Switching Protocols\r\n" UPGRADE CONNECTION ACCEPT "\r\n",
        "\r\n\r\n",
        UPGRADED CONNECTION ACCEPT "\r\n",
        UPGRADED UPGRADE ACCEPT "\r\n",
        UPGRADED UPGRADE CONNECTION "\r\n",
        UPGRADED UPGRADE CONNECTION "Sec-WebSocket-Accept: " SAMPLE_KEY "\r\n\r\n",
        UPGRADED UPGRADE CONNECTION "Sec-WebSocket-Accept: S3PPLMBITXAQ9KYGZZHZRBK+XOO=\r\n\r\n",
        UPGRADED UPGRADE CONNECTION ACCEPT ACCEPT "\r\n",
        UPGRADED UPGRADE CONNECTION ACCEPT "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
        UPGRADED UPGRADE CONNECTION ACCEPT
        "Sec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n",
    };
    struct websocket_answer answer;
    const char *head = UPGRADED "upgrade:WebSocket\r\nCONNECTION: keep-alive, upgrade \r\n" ACCEPT
                                "Sec-WebSocket-Protocol:  mqtt \r\n\r\n";
    websocket_judge_answer(&answer, head, strlen(head), SAMPLE_KEY);
    check(tally, answer.accepted && answer.chosen && strcmp(answer.subprotocol, "mqtt") == 0,
          "an answer that opens a WebSocket");
    check(tally, accepts_answer(UPGRADED UPGRADE CONNECTION ACCEPT "\r\n"), "the least that an answer needs");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        check(tally, !accepts_answer(wrong[i]), wrong[i]);
}

/* Reads frames of a server byte by byte. The data are appended to `data`; false: a violation. */
static bool read_frames(const char *frames, size_t length, char *data, struct websocket_reader *reader)
{
    *reader = (struct websocket_reader){.header_length = 0};
    for (size_t i = 0; i < length; i++) {
        const uint8_t *at = (const uint8_t *)frames + i;
        size_t left = 1;
        const uint8_t *payload;
        size_t payload_length;
        enum websocket_event event = websocket_read(reader, &at, &left, &payload, &payload_length);
        if (event == WEBSOCKET_VIOLATION)
            return false;
        if (event == WEBSOCKET_DATA)
            strncat(data, (const char *)payload, payload_length);
    }
    return true;
}

static void check_frames(struct tally *tally)
{
    static const struct {
        const char *bytes;
        size_t length;
        const char *data; /* NULL: a violation */
        const char *what;
    } frames[] = {
        {"\x82\x02hi", 4, "hi", "a binary frame"},
        {"\x82\x00\x82\x01x", 5, "x", "an empty frame"},
        {"\x02\x01h\x89\x01p\x80\x01i", 9, "hi", "fragments with a Ping between them"},
        {"\x82\x7e\x00\x02hi", 6, "hi", "a length of two bytes"},
        {"\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x02hi", 12, "hi", "a length of eight bytes"},
        {"\x81\x02hi", 4, NULL, "a text frame"},
        {"\x01\x02hi", 4, NULL, "a text frame that begins a message"},
        {"\x82\x82\x00\x00\x00\x00hi", 8, NULL, "a masked frame"},
        {"\xc2\x02hi", 4, NULL, "a reserved bit"},
        {"\x83\x02hi", 4, NULL, "a reserved opcode"},
        {"\x8b\x00", 2, NULL, "a reserved opcode of control"},
        {"\x80\x02hi", 4, NULL, "a continuation of nothing"},
        {"\x02\x01h\x82\x01i", 6, NULL, "a message within a message"},
        {"\x09\x00", 2, NULL, "a Ping in fragments"},
        {"\x89\x7e\x00\x7e", 4, NULL, "a long Ping"},
    };
    struct websocket_reader reader;
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        char data[64] = "";
        bool good = read_frames(frames[i].bytes, frames[i].length, data, &reader);
        check(tally, frames[i].data == NULL ? !good : good && strcmp(data, frames[i].data) == 0,
              frames[i].what);
        check(tally, reader.text == (good ? false : strstr(frames[i].what, "text") != NULL), frames[i].what);
    }
}

static void check_websocket(struct tally *tally)
{
    char key[WEBSOCKET_KEY_SIZE];
    char other[WEBSOCKET_KEY_SIZE];
    uint8_t header[WEBSOCKET_HEADER_LIMIT];
    static const uint8_t mask[4] = {1, 2, 3, 4};
    uint8_t data[] = {0, 0, 0, 0, 0};
    websocket_make_key(key);
    websocket_make_key(other);
    check(tally, strlen(key) == 24 && strcmp(key, other) != 0, "each key is another");
    check(tally, websocket_write_header(header, 0x82, 125, mask) == 6 && header[1] == 0xfd, "125 bytes");
    check(tally, websocket_write_header(header, 0x82, 126, mask) == 8 && header[1] == 0xfe, "126 bytes");
    check(tally, websocket_write_header(header, 0x82, 65536, mask) == 14 && header[1] == 0xff,
          "65,536 bytes");
    websocket_mask(data, sizeof data, mask);
    check(tally, data[3] == 4 && data[4] == 1, "the mask repeats");
    check(tally, websocket_close_code((const uint8_t *)"\x03\xe9", 2) == 1001, "a code");
    check(tally, websocket_close_code(NULL, 0) == 0, "no code");
    check_answers(tally);
    check_frames(tally);
}

static bool reads(struct options *options, char **argv)
{
    int argc = 0;
    while (argv[argc] != NULL)
        argc++;
    return options_read(options, argc, argv);
}

static void check_options(struct tally *tally)
{
    struct options options;
    char *good[] = {"x",   "-s",        "3.1", "-s3.2",    "--section=4", "-gshared", "-V",
                    "5.0", "--timeout", "0.5", "--seed=9", "mqtt://a",    NULL};
    char *wrong[][4] = {{"x", "--nope", "mqtt://a", NULL},        {"x", "mqtt://a", "-s", NULL},
                        {"x", "mqtt://a", "mqtt://b", NULL},      {"x", "-V4", "mqtt://a", NULL},
                        {"x", "--timeout=nan", "mqtt://a", NULL}, {"x", "-r1", "mqtt://a", NULL},
                        {"x", "-gorder", "mqtt://a", NULL},       {"x", NULL}};
    check(tally, reads(&options, good), "a good command line");
    check(tally, options.wishes.section_count == 3 && options.wishes.versions == V5, "repeated options");
    check(tally, options.patience > 0.4 && options.patience < 0.6 && options.has_seed && options.seed == 9,
          "values");
    options_clear(&options);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        check(tally, !reads(&options, wrong[i]), wrong[i][1] == NULL ? "no target" : wrong[i][1]);
        options_clear(&options);
    }
}

/* ---- Profiles of brokers ------------------------------------------------------------------------- */

static bool is_word(const char *folder, const char *key, unsigned index, const char *expected)
{
    char *word = profile_word(folder, key, index);
    bool right = expected == NULL ? word == NULL : word != NULL && strcmp(word, expected) == 0;
    free(word);
    return right;
}

/* Writes the profile of a made-up broker; false if that is not possible here. */
static bool write_profile(const char *folder, char *path, size_t size)
{
    static const char content[] = "# name of-a-comment\n"
                                  "name acme\r\n"
                                  "configurations default users\n"
                                  "\n"
                                  "  configurations\tdurable \n"
                                  "login me  secret\n"
                                  "start-seconds 90\n"
                                  "zero 0\n"
                                  "wrong 9x\n"
                                  "bare\n"
                                  "last word";
    snprintf(path, size, "%s/profile", folder);
    FILE *file = fopen(path, "we");
    return file != NULL && fputs(content, file) >= 0 && fclose(file) == 0;
}

static void check_profiles(struct tally *tally)
{
    char folder[] = "/tmp/etalon-selftest-XXXXXX";
    char path[64];
    if (mkdtemp(folder) == NULL || !write_profile(folder, path, sizeof path)) {
        check(tally, false, "a profile can be written");
        return;
    }
    check(tally, profile_names(folder, "configurations", "users"), "profile: a word of the first line");
    check(tally, profile_names(folder, "configurations", "durable"), "profile: a word of another line");
    check(tally, !profile_names(folder, "configurations", "login"), "profile: a word that is not there");
    check(tally, !profile_names(folder, "config", "users"), "profile: half a key");
    check(tally, is_word(folder, "name", 0, "acme"), "profile: comments and CR are no words");
    check(tally, is_word(folder, "login", 1, "secret"), "profile: a second word");
    check(tally, is_word(folder, "login", 2, NULL), "profile: no third word");
    check(tally, is_word(folder, "bare", 0, NULL), "profile: a key without words");
    check(tally, is_word(folder, "last", 0, "word"), "profile: a last line without end");
    check(tally, (int)profile_number(folder, "start-seconds", 30) == 90, "profile: a number");
    check(tally, (int)profile_number(folder, "nothing", 30) == 30, "profile: no number");
    check(tally, (int)profile_number(folder, "zero", 30) == 0, "profile: a number out of range");
    check(tally, (int)profile_number(folder, "wrong", 30) == 0, "profile: a wrong number");
    unlink(path);
    check(tally, !profile_names(folder, "name", "acme") && is_word(folder, "name", 0, NULL),
          "profile: no file");
    rmdir(folder);
}

/* RFC 7677, section 3 */
static void check_scram(struct tally *tally)
{
    struct scram scram;
    scram_begin(&scram, "user", "pencil", "rOprNGfwEbeRWgbNEkqO");
    check(tally, strcmp(scram.first, "n,,n=user,r=rOprNGfwEbeRWgbNEkqO") == 0, "SCRAM: first message");
    const char *challenge =
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    check(tally, scram_answer(&scram, bytes_of_text(challenge)) == NULL, "SCRAM: challenge");
    check(tally,
          strcmp(scram.final, "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                              "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=") == 0,
          "SCRAM: proof");
    check(tally, scram_is_proved(&scram, bytes_of_text("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")),
          "SCRAM: the server's signature");
    check(tally, !scram_is_proved(&scram, bytes_of_text("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=")),
          "SCRAM: a wrong signature");
    char final[SCRAM_MESSAGE_SIZE];
    struct scram_key key = {.salt_size = 0};
    scram.key = &key;
    memcpy(final, scram.final, sizeof final);
    scram_answer(&scram, bytes_of_text(challenge));
    check(tally, key.iterations == 4096, "SCRAM: a key is remembered");
    scram_answer(&scram, bytes_of_text(challenge));
    check(tally, strcmp(scram.final, final) == 0, "SCRAM: the same with a key that is remembered");
    key.salted[0] ^= 1;
    scram_answer(&scram, bytes_of_text(challenge));
    check(tally, strcmp(scram.final, final) != 0, "SCRAM: the key that is remembered is used");
    scram_answer(&scram, bytes_of_text("r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4097"));
    check(tally, key.iterations == 4097, "SCRAM: another number of iterations is another key");
    scram.key = NULL;
    check(tally, scram_answer(&scram, bytes_of_text("r=other,s=AAAA,i=4096")) != NULL,
          "SCRAM: another's nonce");
    check(tally, scram_answer(&scram, bytes_of_text("e=other-error")) != NULL, "SCRAM: no challenge");
}

/* ---- Reports ---- */

static bool cleans_to(const char *text, bool printable, const char *due)
{
    char *clean = text_clean(text, printable);
    bool good = strcmp(clean, due) == 0;
    free(clean);
    return good;
}

/* Whether `put` writes `text` so. */
static bool is_put(void (*put)(FILE *out, const char *text), const char *text, const char *due)
{
    char *written = NULL;
    size_t length;
    FILE *out = open_memstream(&written, &length);
    if (out == NULL)
        return false;
    put(out, text);
    bool good = fclose(out) == 0 && strcmp(written, due) == 0;
    free(written);
    return good;
}

static void check_texts(struct tally *tally)
{
    check(tally, cleans_to("a\xc3\xa4\n", true, "a\xc3\xa4\n"), "what is well-formed stays");
    check(tally, cleans_to("\xff\xc3(\xc3\xa4\xe2\x82", true, "\\xFF\\xC3(\xc3\xa4\\xE2\\x82"),
          "bytes that are no UTF-8 appear one by one");
    check(tally, cleans_to("\x1b[1m\x7f", true, "\\x1B[1m\\x7F"), "controls");
    check(tally, cleans_to("\x1b\xc2\x85", false, "\x1b\xc2\x85"), "controls, where they may be written");
    check(tally, cleans_to("\xc2\x85\xef\xbf\xbf\xef\xbf\xbd", true, "\\xC2\\x85\\xEF\\xBF\\xBF\xef\xbf\xbd"),
          "controls of two bytes, and what is no character");
    check(tally, is_put(text_put_json, "</a>\"\\\n\x01", "\"\\u003c/a>\\\"\\\\\\u000a\\u0001\""), "JSON");
    check(tally, is_put(text_put_xml, "]]>&<\"\x02", "]]&gt;&amp;&lt;&quot;\\x02"), "XML");
    check(tally, is_put(text_put_xml_attribute, "\na\tb", "&#10;a&#9;b"), "attributes of XML");
    check(tally, is_put(text_put_markdown, "a|b\n<c>", "a\\|b &lt;c&gt;"), "Markdown");
    check(tally, is_put(text_put_tap, "a # SKIP\nb\\", "a \\# SKIP b\\\\"), "TAP");
}

/* Each change of verdict, for a test of what is demanded and for a property; N is none. */
static void check_changes(struct tally *tally)
{
    enum {
        N = VERDICT_COUNT,
        P = VERDICT_PASS,
        F = VERDICT_FAIL,
        W = VERDICT_WARN,
        S = VERDICT_SKIP,
        E = VERDICT_ERROR
    };
    static const struct {
        int was;
        int is;
        enum change change;
        enum change of_property;
    } changes[] = {
        {P, P, CHANGE_NONE, CHANGE_NONE},     {P, F, CHANGE_WORSE, CHANGE_WORSE},
        {P, W, CHANGE_OTHER, CHANGE_OTHER},   {P, S, CHANGE_WORSE, CHANGE_WORSE},
        {P, E, CHANGE_WORSE, CHANGE_WORSE},   {P, N, CHANGE_WORSE, CHANGE_WORSE},
        {F, P, CHANGE_BETTER, CHANGE_BETTER}, {F, F, CHANGE_NONE, CHANGE_NONE},
        {F, S, CHANGE_OTHER, CHANGE_OTHER},   {F, E, CHANGE_OTHER, CHANGE_OTHER},
        {F, N, CHANGE_OTHER, CHANGE_OTHER},   {W, F, CHANGE_WORSE, CHANGE_WORSE},
        {W, P, CHANGE_OTHER, CHANGE_OTHER},   {S, P, CHANGE_OTHER, CHANGE_OTHER},
        {S, F, CHANGE_WORSE, CHANGE_OTHER},   {S, E, CHANGE_OTHER, CHANGE_OTHER},
        {E, P, CHANGE_BETTER, CHANGE_BETTER}, {E, F, CHANGE_WORSE, CHANGE_OTHER},
        {N, P, CHANGE_NONE, CHANGE_NONE},     {N, F, CHANGE_WORSE, CHANGE_OTHER},
        {N, S, CHANGE_NONE, CHANGE_NONE},     {N, E, CHANGE_OTHER, CHANGE_OTHER},
    };
    struct conformance_test demanded = {.name = "a"};
    struct conformance_test property = {.name = "a", .group = "temper"};
    struct run run = {.count = 0};
    struct run strict = {.properties_must_hold = true};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char what[60];
        struct result was = {.test = &demanded, .verdict = (enum verdict_kind)changes[i].was};
        struct result is = {.test = &demanded, .verdict = (enum verdict_kind)changes[i].is};
        const struct result *before = changes[i].was == N ? NULL : &was;
        const struct result *now = changes[i].is == N ? NULL : &is;
        snprintf(what, sizeof what, "the change from verdict %d to %d", changes[i].was, changes[i].is);
        check(tally, change_of(&run, before, now) == changes[i].change, what);
        was.test = is.test = &property;
        check(tally, change_of(&run, before, now) == changes[i].of_property, what);
        check(tally, change_of(&strict, before, now) == changes[i].change, what);
    }
}

static void check_verdicts_on_statements(struct tally *tally)
{
    struct result result = {.verdict = VERDICT_FAIL, .cited = MQTT_3_1_0_1};
    check(tally, verdict_on(&result, MQTT_3_1_0_1) == VERDICT_FAIL, "the violated statement fails");
    check(tally, verdict_on(&result, MQTT_3_12_4_1) == VERDICT_ERROR, "another could not be looked at");
    result.cited = STATEMENT_NONE;
    check(tally, verdict_on(&result, MQTT_3_12_4_1) == VERDICT_FAIL,
          "without a certain one, all of the test's");
    check(tally, worse_verdict(VERDICT_SKIP, VERDICT_PASS) == VERDICT_PASS, "skipped tells less than passed");
    check(tally, worse_verdict(VERDICT_ERROR, VERDICT_FAIL) == VERDICT_FAIL, "a failure tells the most");
}

int main(int argc, char **argv)
{
    struct tally tally = {0, 0};
    if (argc == 3 && strcmp(argv[1], "--serve") == 0) {
        stub_become((uint16_t)strtoul(argv[2], NULL, 10));
        return 2;
    }
    if (freopen("/dev/null", "w", stderr) == NULL) /* wrong command lines and crashes are meant here */
        return 2;
    check_records(&tally);
    check_selection(&tally);
    check_groups(&tally);
    check_shuffle(&tally);
    check_target(&tally);
    check_websocket(&tally);
    check_options(&tally);
    check_scram(&tally);
    check_texts(&tally);
    check_changes(&tally);
    check_verdicts_on_statements(&tally);
    check_profiles(&tally);
    check_run(&tally);
    check_processes(&tally);

    check_sharing(&tally);
    printf("%u passed, %u failed, 0 skipped\n", tally.passed, tally.failed);
    return tally.failed == 0 ? 0 : 1;
}
