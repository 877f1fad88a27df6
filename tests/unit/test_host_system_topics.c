/* host/system_topics: when the $SYS topics are published, and which of them. */
#include <check.h>
#include <string.h>

#include "host/system_topics.h"

static void fill(void *context, void *bytes, size_t length)
{
    (void)context;
    memset(bytes, 7, length);
}

/* The figures that an update changes by itself show how much it has published. */
struct fixture {
    struct broker *broker;
    struct system_topics topics;
};

static struct fixture begin(uint64_t now, uint32_t interval)
{
    const struct broker_settings settings = broker_default_settings();
    const struct broker_environment environment = {.random = fill};
    struct fixture f = {.broker = broker_create(&settings, &environment)};
    ck_assert_ptr_nonnull(f.broker);
    system_topics_begin(&f.topics, f.broker, now, interval);
    return f;
}

static uint64_t retained(const struct fixture *f)
{
    return broker_statistics(f->broker).retained_messages;
}

START_TEST(the_first_update_is_due_at_once)
{
    struct fixture f = begin(5000, 10);
    ck_assert_uint_eq(system_topics_deadline(&f.topics), 5000);
    system_topics_update(&f.topics, 5000);
    ck_assert_uint_gt(retained(&f), 40);
    ck_assert_uint_lt(retained(&f), SYSTEM_TOPICS_MAXIMUM);
    ck_assert_uint_eq(system_topics_deadline(&f.topics), 15000);
    broker_destroy(f.broker);
}
END_TEST

START_TEST(nothing_happens_before_the_deadline)
{
    struct fixture f = begin(0, 10);
    system_topics_update(&f.topics, 0);
    const struct system_topics before = f.topics;
    system_topics_update(&f.topics, 9999);
    ck_assert_mem_eq(before.published, f.topics.published, sizeof before.published);
    ck_assert_uint_eq(system_topics_deadline(&f.topics), 10000);
    system_topics_update(&f.topics, 10000);
    ck_assert_mem_ne(before.published, f.topics.published, sizeof before.published); /* the uptime */
    ck_assert_uint_eq(system_topics_deadline(&f.topics), 20000);
    broker_destroy(f.broker);
}
END_TEST

START_TEST(without_an_interval_there_are_no_topics)
{
    struct fixture f = begin(0, 0);
    ck_assert(system_topics_deadline(&f.topics) == UINT64_MAX);
    system_topics_update(&f.topics, 1000000);
    ck_assert_uint_eq(retained(&f), 0);
    broker_destroy(f.broker);
}
END_TEST

START_TEST(the_interval_can_be_changed)
{
    struct fixture f = begin(0, 10);
    system_topics_update(&f.topics, 0);
    system_topics_configure(&f.topics, 4000, 60);
    ck_assert_uint_eq(system_topics_deadline(&f.topics), 60000);
    system_topics_configure(&f.topics, 4000, 2);
    ck_assert_uint_eq(system_topics_deadline(&f.topics), 4000); /* overdue already */
    system_topics_configure(&f.topics, 4000, 0);
    ck_assert(system_topics_deadline(&f.topics) == UINT64_MAX);
    system_topics_configure(&f.topics, 5000, 7);
    ck_assert_uint_eq(system_topics_deadline(&f.topics), 7000);
    broker_destroy(f.broker);
}
END_TEST

/* Sixty connections in one minute that began without any: after one period an average has come 1 - 1/e of
 * the way. */
START_TEST(loads_are_averages_per_minute)
{
    struct fixture f = begin(0, 60);
    system_topics_update(&f.topics, 0);
    for (int i = 0; i < 60; i++) {
        struct step step = {.kind = STEP_ACCEPTED, .peer = ""};
        broker_step(f.broker, 1, &step);
        struct step closed = {.kind = STEP_CLOSED, .connection = step.connection};
        broker_step(f.broker, 1, &closed);
    }
    system_topics_update(&f.topics, 60000);
    double greatest = 0;
    for (size_t i = 0; i < SYSTEM_LOADS; i++)
        greatest = f.topics.load[i][0] > greatest ? f.topics.load[i][0] : greatest;
    ck_assert_double_eq_tol(greatest, 60 * (1 - 0.36787944), 0.001);
    system_topics_update(&f.topics, 120000);
    double later = 0;
    for (size_t i = 0; i < SYSTEM_LOADS; i++)
        later = f.topics.load[i][0] > later ? f.topics.load[i][0] : later;
    ck_assert_double_eq_tol(later, greatest * 0.36787944, 0.001);
    broker_destroy(f.broker);
}
END_TEST

static bool lend_figures(void *context, struct store_statistics *statistics)
{
    const bool *store = context;
    *statistics = (struct store_statistics){.batches = 1, .changes = 2, .syncs = 3, .bytes = 4};
    return *store;
}

START_TEST(a_store_has_topics_of_its_own)
{
    struct fixture f = begin(0, 10);
    bool store = false;
    system_topics_show_store(&f.topics, lend_figures, &store);
    system_topics_update(&f.topics, 0);
    const uint64_t without = retained(&f);
    store = true;
    system_topics_update(&f.topics, 10000);
    ck_assert_uint_eq(retained(&f), without + 4);
    ck_assert_uint_lt(retained(&f), SYSTEM_TOPICS_MAXIMUM);
    broker_destroy(f.broker);
}
END_TEST

/* [D-4.7.2-1]: as many as are shown, and what changes is published. */
START_TEST(the_host_has_topics_of_its_own)
{
    struct fixture f = begin(0, 10);
    system_topics_update(&f.topics, 0);
    const uint64_t without = retained(&f);
    struct host_statistics statistics = {.handshakes_failed = 1};
    system_topics_show_host(&f.topics, &statistics);
    system_topics_update(&f.topics, 10000);
    ck_assert_uint_eq(retained(&f), without + sizeof statistics / sizeof(uint64_t));
    const struct system_topics before = f.topics;
    statistics.logins_throttled++;
    system_topics_update(&f.topics, 20000);
    ck_assert_uint_ne(f.topics.published[without + 5], before.published[without + 5]);
    ck_assert_uint_eq(f.topics.published[without + 4], before.published[without + 4]);
    broker_destroy(f.broker);
}
END_TEST

Suite *suite_host_system_topics(void);

Suite *suite_host_system_topics(void)
{
    Suite *suite = suite_create("host/system_topics");
    TCase *tcase = tcase_create("updates");
    tcase_add_test(tcase, the_first_update_is_due_at_once);
    tcase_add_test(tcase, nothing_happens_before_the_deadline);
    tcase_add_test(tcase, without_an_interval_there_are_no_topics);
    tcase_add_test(tcase, the_interval_can_be_changed);
    tcase_add_test(tcase, loads_are_averages_per_minute);
    tcase_add_test(tcase, the_host_has_topics_of_its_own);
    tcase_add_test(tcase, a_store_has_topics_of_its_own);
    suite_add_tcase(suite, tcase);
    return suite;
}
