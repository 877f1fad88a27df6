/* host/address_limits: how many connections an address may have, and how fast. */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "host/address_limits.h"

static struct address_limits limits;
static uint64_t now;

static void begin(uint32_t connections, uint32_t per_address, uint32_t rate)
{
    const struct hash_key key = {1, 2};
    const struct configuration_address_limits settings = {connections, per_address, rate};
    now = 100000;
    address_limits_begin(&limits, &key);
    address_limits_configure(&limits, &settings);
}

static enum address_limit enter(int descriptor, const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    const struct sockaddr *address = (const struct sockaddr *)(const void *)&local;
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        address = (const struct sockaddr *)(const void *)&v4;
    else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
        address = (const struct sockaddr *)(const void *)&v6;
    return address_limits_enter(&limits, descriptor, address, now);
}

START_TEST(without_limits_everybody_is_welcome)
{
    const struct hash_key key = {1, 2};
    address_limits_begin(&limits, &key);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(enter(i, "127.0.0.1"), ADDRESS_WELCOME);
    ck_assert_ptr_null(limits.descriptors); /* and costs nothing */
    for (int i = 0; i < 1000; i++)
        address_limits_leave(&limits, i);
    ck_assert_uint_eq(limits.connections, 0);
    address_limits_end(&limits);
}
END_TEST

START_TEST(connections_of_one_address)
{
    begin(UINT32_MAX, 2, UINT32_MAX);
    ck_assert_int_eq(enter(10, "127.0.0.1"), ADDRESS_WELCOME);
    ck_assert_int_eq(enter(11, "127.0.0.1"), ADDRESS_WELCOME);
    ck_assert_int_eq(enter(12, "127.0.0.1"), ADDRESS_FULL);
    ck_assert_int_eq(enter(12, "127.0.0.2"), ADDRESS_WELCOME);
    ck_assert_int_eq(enter(13, "/socket"), ADDRESS_WELCOME); /* has no address */
    ck_assert_int_eq(enter(14, "/socket"), ADDRESS_WELCOME);
    ck_assert_int_eq(enter(15, "/socket"), ADDRESS_WELCOME);
    address_limits_leave(&limits, 11);
    ck_assert_int_eq(enter(500, "127.0.0.1"), ADDRESS_WELCOME);
    ck_assert_int_eq(enter(501, "127.0.0.1"), ADDRESS_FULL);
    address_limits_end(&limits);
}
END_TEST

START_TEST(ipv6_addresses_count_by_their_network)
{
    begin(UINT32_MAX, 2, UINT32_MAX);
    ck_assert_int_eq(enter(1, "2001:db8:1:2::1"), ADDRESS_WELCOME);
    ck_assert_int_eq(enter(2, "2001:db8:1:2:ffff::9"), ADDRESS_WELCOME);
    ck_assert_int_eq(enter(3, "2001:db8:1:2:8::"), ADDRESS_FULL);
    ck_assert_int_eq(enter(3, "2001:db8:1:3::1"), ADDRESS_WELCOME);
    address_limits_end(&limits);
}
END_TEST

START_TEST(connections_in_all)
{
    begin(3, UINT32_MAX, UINT32_MAX);
    ck_assert_int_eq(enter(1, "127.0.0.1"), ADDRESS_WELCOME);
    ck_assert_int_eq(enter(2, "127.0.0.2"), ADDRESS_WELCOME);
    ck_assert_int_eq(enter(3, "/socket"), ADDRESS_WELCOME);
    ck_assert_int_eq(enter(4, "127.0.0.3"), ADDRESS_ALL_FULL);
    address_limits_leave(&limits, 2);
    ck_assert_int_eq(enter(4, "127.0.0.3"), ADDRESS_WELCOME);
    address_limits_end(&limits);
}
END_TEST

START_TEST(the_rate_of_one_address)
{
    begin(UINT32_MAX, UINT32_MAX, 2);
    for (int second = 0; second < 3; second++) {
        for (int i = 0; i < 2; i++) {
            ck_assert_int_eq(enter(1, "127.0.0.1"), ADDRESS_WELCOME);
            address_limits_leave(&limits, 1); /* that it goes at once is no excuse */
        }
        ck_assert_int_eq(enter(1, "127.0.0.1"), ADDRESS_TOO_FAST);
        ck_assert_int_eq(enter(2, "127.0.0.2"), ADDRESS_WELCOME);
        address_limits_leave(&limits, 2);
        now += 999;
        ck_assert_int_eq(enter(1, "127.0.0.1"), ADDRESS_TOO_FAST);
        now += 1;
    }
    address_limits_end(&limits);
}
END_TEST

START_TEST(addresses_are_forgotten)
{
    begin(UINT32_MAX, 5, UINT32_MAX);
    for (int i = 0; i < 5000; i++) {
        char text[32];
        snprintf(text, sizeof text, "10.0.%d.%d", i / 250, i % 250);
        ck_assert_int_eq(enter(i, text), ADDRESS_WELCOME);
    }
    ck_assert_uint_eq(limits.entries.count, 5000);
    for (int i = 0; i < 4000; i++)
        address_limits_leave(&limits, i);
    now += 60000;
    ck_assert_int_eq(enter(1, "127.0.0.1"), ADDRESS_WELCOME);
    ck_assert_uint_eq(limits.entries.count, 1001);
    address_limits_end(&limits);
}
END_TEST

/* The limits come while there are connections already. */
START_TEST(limits_that_come_later)
{
    const struct hash_key key = {1, 2};
    const struct configuration_address_limits settings = {UINT32_MAX, 1, UINT32_MAX};
    address_limits_begin(&limits, &key);
    ck_assert_int_eq(enter(1, "127.0.0.1"), ADDRESS_WELCOME);
    address_limits_configure(&limits, &settings);
    ck_assert_int_eq(enter(2, "127.0.0.1"), ADDRESS_WELCOME);
    ck_assert_int_eq(enter(3, "127.0.0.1"), ADDRESS_FULL);
    address_limits_leave(&limits, 1);
    ck_assert_int_eq(enter(3, "127.0.0.1"), ADDRESS_FULL);
    address_limits_leave(&limits, 2);
    ck_assert_int_eq(enter(3, "127.0.0.1"), ADDRESS_WELCOME);
    address_limits_end(&limits);
}
END_TEST

START_TEST(each_verdict_names_its_keyword)
{
    ck_assert_ptr_nonnull(strstr(address_limits_describe(ADDRESS_ALL_FULL), "global_max_connections"));
    ck_assert_ptr_nonnull(strstr(address_limits_describe(ADDRESS_FULL), "max_connections_per_address"));
    ck_assert_ptr_nonnull(strstr(address_limits_describe(ADDRESS_TOO_FAST), "max_connection_rate"));
}
END_TEST

Suite *suite_host_address_limits(void);
Suite *suite_host_address_limits(void)
{
    const TTest *const tests[] = {without_limits_everybody_is_welcome,
                                  connections_of_one_address,
                                  ipv6_addresses_count_by_their_network,
                                  connections_in_all,
                                  the_rate_of_one_address,
                                  addresses_are_forgotten,
                                  limits_that_come_later,
                                  each_verdict_names_its_keyword};
    Suite *suite = suite_create("host/address_limits");
    TCase *cases = tcase_create("all");
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(cases, tests[i]);
    suite_add_tcase(suite, cases);
    return suite;
}
