/* host/store_verify and host/store_dump: what is wrong with records together, and how one looks as JSON. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/store_dump.h"
#include "host/store_verify.h"
#include "mqtt/4_03_qos_flows.h"

#define TEXT(text)                                                                                           \
    {                                                                                                        \
        (const uint8_t *)(text), sizeof(text) - 1                                                            \
    }
enum { REPORT_SIZE = 2000, MOST_RECORDS = 8 };

/* Findings, a line each. */
struct report {
    char text[REPORT_SIZE];
    size_t length;
};

static void write_finding(void *context, const struct finding *finding)
{
    struct report *report = context;
    char key[100];
    verify_describe_key(finding->table, finding->key, key, sizeof key);
    report->length +=
        (size_t)snprintf(report->text + report->length, sizeof report->text - report->length,
                         "%s %s %s: %s\n", finding->kind == FINDING_ERROR ? "E" : "N",
                         record_table_name((enum record_table)finding->table), key, finding->text);
    ck_assert_uint_lt(report->length, sizeof report->text);
}

/* Gives the records as a store would. */
static void give(struct verification *verification, const struct record *records, size_t count)
{
    struct changes changes = {0};
    for (size_t i = 0; i < count && records[i].table != TABLE_COUNT; i++)
        ck_assert(record_put(&changes, &records[i]));
    struct bytes rest = changes_all(&changes);
    struct change change;
    while (changes_next(&rest, &change))
        ck_assert(verify_record(verification, change.table, change.key, change.value));
    changes_free(&changes);
}

#define SESSION(number, name)                                                                                \
    {                                                                                                        \
        .table = TABLE_SESSIONS, .session = {                                                                \
            .session = (number),                                                                             \
            .expires_at = 1,                                                                                 \
            .expiry_interval = 1,                                                                            \
            .client_identifier = TEXT(name)                                                                  \
        }                                                                                                    \
    }
#define SUBSCRIPTION(number, filter, share)                                                                  \
    {                                                                                                        \
        .table = TABLE_SUBSCRIPTIONS, .subscription = {                                                      \
            .session = (number),                                                                             \
            .group = (share),                                                                                \
            .topic_filter = TEXT(filter)                                                                     \
        }                                                                                                    \
    }
#define MESSAGE(number, name, kept)                                                                          \
    {                                                                                                        \
        .table = TABLE_MESSAGES, .message = {                                                                \
            .message = (number),                                                                             \
            .expires_at = MOMENT_NEVER,                                                                      \
            .retained = (kept),                                                                              \
            .topic = TEXT(name),                                                                             \
            .payload = TEXT("p")                                                                             \
        }                                                                                                    \
    }
#define QUEUED(number, whose, what)                                                                          \
    {                                                                                                        \
        .table = TABLE_DELIVERIES, .delivery = {                                                             \
            .delivery = (number),                                                                            \
            .session = (whose),                                                                              \
            .message = (what),                                                                               \
            .qos = 1                                                                                         \
        }                                                                                                    \
    }
#define IN_FLIGHT(number, whose, what, identifier)                                                           \
    {                                                                                                        \
        .table = TABLE_DELIVERIES, .delivery = {                                                             \
            .delivery = (number),                                                                            \
            .session = (whose),                                                                              \
            .message = (what),                                                                               \
            .packet_identifier = (identifier),                                                               \
            .qos = 2,                                                                                        \
            .state = SENDER_AWAIT_PUBCOMP                                                                    \
        }                                                                                                    \
    }
#define RECEIVED(whose, identifier)                                                                          \
    {                                                                                                        \
        .table = TABLE_RECEIVED, .received = {(whose), (identifier) }                                        \
    }
#define WILL(whose, what)                                                                                    \
    {                                                                                                        \
        .table = TABLE_WILLS, .will = {.session = (whose), .message = (what) }                               \
    }
#define END                                                                                                  \
    {                                                                                                        \
        .table = TABLE_COUNT                                                                                 \
    }

/* Records and what is found. Each fault stands beside what is right and like it. */
struct sample {
    struct record records[MOST_RECORDS];
    const char *findings;
};

static const struct sample samples[] = {
    {{END}, ""},
    {{SESSION(1, "a"), SUBSCRIPTION(1, "a/+", 0), MESSAGE(1, "t", false), QUEUED(1, 1, 1),
      IN_FLIGHT(2, 1, 0, 7), RECEIVED(1, 7), WILL(1, 1), END},
     ""},
    {{SESSION(1, "a"), SUBSCRIPTION(2, "a/+", 0), END},
     "E subscriptions 2, a/+: its session 2 is not there\n"},
    {{SESSION(2, "a"), MESSAGE(1, "t", true), QUEUED(7, 1, 1), QUEUED(8, 2, 1), END},
     "E deliveries 7: its session 1 is not there\n"},
    {{SESSION(1, "a"), MESSAGE(2, "t", true), QUEUED(7, 1, 2), QUEUED(8, 1, 3), END},
     "E deliveries 8: its message 3 is not there\n"},
    {{SESSION(1, "a"), RECEIVED(1, 9), RECEIVED(2, 10), END},
     "E received 2, Packet Identifier 10: its session 2 is not there\n"},
    {{MESSAGE(1, "t", false), WILL(1, 1), WILL(2, 2), END}, "E wills 2: its message 2 is not there\n"},
    {{SESSION(1, "a"), SESSION(2, "b"), SESSION(3, "a"), END},
     "E sessions 3: the same Client Identifier as sessions 1\n"},
    {{MESSAGE(1, "b", true), MESSAGE(2, "a", true), MESSAGE(3, "b", true), END},
     "E messages 3: retained, and the same topic as messages 1\n"},
    {{SESSION(1, "a"), MESSAGE(1, "b", true), MESSAGE(2, "b", false), QUEUED(1, 1, 2), END}, ""},
    {{SESSION(1, "a"), SESSION(2, "b"), IN_FLIGHT(1, 1, 0, 7), IN_FLIGHT(2, 2, 0, 7), IN_FLIGHT(3, 1, 0, 7),
      END},
     "E deliveries 3: the same session and Packet Identifier as deliveries 1\n"},
    {{MESSAGE(4, "t", true), MESSAGE(5, "t", false), END},
     "N messages 5: nobody waits for it, it is nobody's Will and it is not retained: it takes room for "
     "nothing\n"},
    {{SESSION(1, "a"), SESSION(2, "b"), SUBSCRIPTION(1, "$share/g/a", 5), SUBSCRIPTION(2, "$share/g/a", 5),
      SUBSCRIPTION(2, "$share/h/a", 6), END},
     ""},
    {{SESSION(1, "a"), SESSION(2, "b"), SUBSCRIPTION(1, "$share/g/a", 5), SUBSCRIPTION(2, "$share/h/a", 5),
      END},
     "E subscriptions 2: share group 5 has another Topic Filter, too (session 1)\n"},
};

START_TEST(what_is_wrong_is_found)
{
    const struct sample *sample = &samples[_i];
    struct report report = {.text = ""};
    struct verify_summary summary;
    const struct verify_sink sink = {.context = &report, .finding = write_finding};
    struct verification *verification = verify_begin(&sink);
    ck_assert_ptr_nonnull(verification);
    give(verification, sample->records, MOST_RECORDS);
    verify_finish(verification, true, &summary);
    ck_assert_str_eq(report.text, sample->findings);
    ck_assert_uint_eq(summary.errors, sample->findings[0] == 'E');
    ck_assert_uint_eq(summary.notes, sample->findings[0] == 'N');
    uint64_t given = 0;
    uint64_t counted = 0;
    for (; sample->records[given].table != TABLE_COUNT; given++) {
    }
    for (unsigned i = 0; i < TABLE_COUNT; i++)
        counted += summary.records[i];
    ck_assert_uint_eq(counted, given);
    verify_end(verification);
}
END_TEST

/* Where a table could not be read, a message that seems to be nobody's may be somebody's. */
START_TEST(orphans_are_looked_for_only_when_all_was_read)
{
    static const struct record records[] = {MESSAGE(5, "t", false), END};
    struct report report = {.text = ""};
    struct verify_summary summary;
    const struct verify_sink sink = {.context = &report, .finding = write_finding};
    struct verification *verification = verify_begin(&sink);
    give(verification, records, 2);
    verify_finish(verification, false, &summary);
    ck_assert_str_eq(report.text, "");
    verify_end(verification);
    verify_end(NULL);
}
END_TEST

START_TEST(records_that_cannot_be_read_are_told_by_their_bytes)
{
    struct report report = {.text = ""};
    struct verify_summary summary;
    const struct verify_sink sink = {.context = &report, .finding = write_finding};
    struct verification *verification = verify_begin(&sink);
    verify_record(verification, TABLE_META, bytes_of_text("x\n\\y"), bytes_of("", 0));
    verify_record(verification, TABLE_SESSIONS, bytes_of("\0\1z", 3), bytes_of("", 0));
    verify_record(verification, TABLE_RECEIVED, bytes_of("\0\0\0\0\0\0\0\1\0", 9), bytes_of("", 0));
    verify_finish(verification, true, &summary);
    ck_assert_str_eq(report.text, "E meta x\\x0a\\x5cy: nothing of this name is known\n"
                                  "E sessions with the key \\x00\\x01z: the key is too short\n"
                                  "E received 1, \\x00: the key is too short\n");
    ck_assert_uint_eq(summary.errors, 3);
    verify_end(verification);
}
END_TEST

START_TEST(long_keys_are_cut_off)
{
    uint8_t key[400];
    char text[64];
    memset(key, 0, sizeof key);
    verify_describe_key(TABLE_SUBSCRIPTIONS, bytes_of(key, sizeof key), text, sizeof text);
    ck_assert_uint_lt(strlen(text), sizeof text);
    ck_assert_int_eq(strncmp(text, "0, \\x00\\x00", 11), 0);
    verify_describe_key(TABLE_META, bytes_of(key, sizeof key), text, sizeof text);
    ck_assert_uint_lt(strlen(text), sizeof text);
}
END_TEST

/* JSON. The rest is tested with a parser that is not ours: tests/cli/store. */
static void expect_dump(const struct record *record, size_t limit, const char *expected)
{
    struct changes changes = {0};
    struct change change;
    char *text;
    size_t length;
    ck_assert(record_put(&changes, record));
    struct bytes rest = changes_all(&changes);
    ck_assert(changes_next(&rest, &change));
    const struct dump_options options = {.file = open_memstream(&text, &length), .payload_limit = limit};
    ck_assert(dump_record(&options, change.table, change.key, change.value));
    fclose(options.file);
    ck_assert_str_eq(text, expected);
    free(text);
    changes_free(&changes);
}

START_TEST(records_as_json)
{
    static const struct record delivery = IN_FLIGHT(3, 4, 0, 7);
    static const struct record alive = {.table = TABLE_META, .meta = {META_ALIVE, 253402300799999}};
    static const struct record later = {.table = TABLE_META, .meta = {META_ALIVE, 253402300800000}};
    static const struct record format = {.table = TABLE_META, .meta = {META_FORMAT, 1}};
    static const struct record session = SESSION(1, "a\x01\"\\\x7F\xC2\x85\xC2\xA0");
    expect_dump(
        &delivery, SIZE_MAX,
        "{\"table\":\"deliveries\",\"delivery\":3,\"session\":4,\"message\":null,\"state\":\"await PUBCOMP\","
        "\"packet_identifier\":7,\"qos\":2,\"retain\":false,\"sent\":false,\"share_group\":null,"
        "\"subscription_identifiers\":[]}\n");
    expect_dump(&alive, SIZE_MAX,
                "{\"table\":\"meta\",\"name\":\"alive\",\"moment\":253402300799999,"
                "\"moment_utc\":\"9999-12-31T23:59:59.999Z\"}\n");
    expect_dump(&later, SIZE_MAX,
                "{\"table\":\"meta\",\"name\":\"alive\",\"moment\":253402300800000,\"moment_utc\":null}\n");
    expect_dump(&format, SIZE_MAX, "{\"table\":\"meta\",\"name\":\"format\",\"number\":1}\n");
    expect_dump(&session, SIZE_MAX,
                "{\"table\":\"sessions\",\"session\":1,\"client_identifier\":"
                "\"a\\u0001\\\"\\\\\\u007f\\u0085\xC2\xA0\","
                "\"user_name\":null,\"connected\":false,\"expiry_interval\":1,\"expires_at\":1,"
                "\"expires_at_utc\":\"1970-01-01T00:00:00.001Z\"}\n");
    struct record of_user = session;
    of_user.session.has_user_name = true;
    of_user.session.user_name = bytes_of_text("joe");
    of_user.session.client_identifier = bytes_of_text("a");
    expect_dump(&of_user, SIZE_MAX,
                "{\"table\":\"sessions\",\"session\":1,\"client_identifier\":\"a\",\"user_name\":\"joe\","
                "\"connected\":false,\"expiry_interval\":1,\"expires_at\":1,"
                "\"expires_at_utc\":\"1970-01-01T00:00:00.001Z\"}\n");
}
END_TEST

START_TEST(what_cannot_be_read_is_dumped_as_it_is)
{
    char *text;
    size_t length;
    const struct dump_options options = {.file = open_memstream(&text, &length), .payload_limit = 0};
    ck_assert(!dump_record(&options, TABLE_SESSIONS, bytes_of("\x00\xAB", 2), bytes_of("\x10", 1)));
    fclose(options.file);
    ck_assert_str_eq(text, "{\"table\":\"sessions\",\"key_hex\":\"00ab\",\"value_hex\":\"10\","
                           "\"wrong\":\"the key is too short\"}\n");
    free(text);
}
END_TEST

Suite *suite_host_store_verify(void);
Suite *suite_host_store_verify(void)
{
    Suite *suite = suite_create("store_verify");
    TCase *tcase = tcase_create("store_verify");
    tcase_add_loop_test(tcase, what_is_wrong_is_found, 0, (int)(sizeof samples / sizeof *samples));
    tcase_add_test(tcase, orphans_are_looked_for_only_when_all_was_read);
    tcase_add_test(tcase, records_that_cannot_be_read_are_told_by_their_bytes);
    tcase_add_test(tcase, long_keys_are_cut_off);
    tcase_add_test(tcase, records_as_json);
    tcase_add_test(tcase, what_cannot_be_read_is_dumped_as_it_is);
    suite_add_tcase(suite, tcase);
    return suite;
}
