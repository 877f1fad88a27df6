/* host/login_throttle: how fast passwords may be guessed. */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>

#include "host/login_throttle.h"

static struct login_throttle throttle;
static uint64_t now;

static void begin(uint32_t limit)
{
    const struct hash_key key = {1, 2};
    now = 1000000;
    login_throttle_begin(&throttle, &key);
    login_throttle_configure(&throttle, limit);
}

static struct address_key address_of(const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return address_key_of((const struct sockaddr *)(const void *)&v4);
    if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
        return address_key_of((const struct sockaddr *)(const void *)&v6);
    const struct sockaddr none = {.sa_family = AF_UNIX};
    return address_key_of(&none);
}

static bool allows(const char *address, const char *name)
{
    const struct address_key key = address_of(address);
    const struct bytes bytes = bytes_of_text(name ? name : "");
    return login_throttle_allows(&throttle, &key, name ? &bytes : NULL, now);
}

static void wrong(const char *address, const char *name)
{
    const struct address_key key = address_of(address);
    const struct bytes bytes = bytes_of_text(name ? name : "");
    login_throttle_wrong(&throttle, &key, name ? &bytes : NULL, now);
}

static void right(const char *address, const char *name)
{
    const struct address_key key = address_of(address);
    const struct bytes bytes = bytes_of_text(name);
    login_throttle_right(&throttle, &key, &bytes);
}

/* How many wrong passwords it takes until no more are looked at. */
static unsigned guesses(const char *address, const char *name)
{
    unsigned count = 0;
    for (; count < 100000 && allows(address, name); count++)
        wrong(address, name);
    return count;
}

START_TEST(a_name_at_an_address)
{
    begin(5);
    ck_assert_uint_eq(guesses("192.0.2.1", "alice"), 5);
    ck_assert(allows("192.0.2.1", "bob"));
    ck_assert(allows("192.0.2.2", "alice")); /* nobody is kept out elsewhere */
    now += 11999;
    ck_assert(!allows("192.0.2.1", "alice"));
    now += 1;
    ck_assert_uint_eq(guesses("192.0.2.1", "alice"), 1);
    now += 60000;
    ck_assert_uint_eq(guesses("192.0.2.1", "alice"), 5);
    login_throttle_end(&throttle);
}
END_TEST

START_TEST(all_names_at_an_address)
{
    char name[16];
    unsigned count = 0;
    begin(5);
    for (; count < 1000; count++) {
        snprintf(name, sizeof name, "user%u", count);
        if (!allows("2001:db8:1:2::3", name))
            break;
        wrong("2001:db8:1:2::3", name);
    }
    ck_assert_uint_eq(count, 5 * LOGIN_THROTTLE_NAMES);
    ck_assert(!allows("2001:db8:1:2::3", NULL));
    ck_assert(!allows("2001:db8:1:2:ffff::", "alice")); /* the same 64 bits */
    ck_assert(allows("2001:db8:1:3::3", "alice"));
    now += 1200;
    ck_assert_uint_eq(guesses("2001:db8:1:2::3", NULL), 1);
    login_throttle_end(&throttle);
}
END_TEST

/* Of the name. What the address owes is not forgiven to whoever has an account there. */
START_TEST(the_right_password_forgives)
{
    begin(5);
    ck_assert_uint_eq(guesses("192.0.2.1", "alice"), 5);
    right("192.0.2.1", "bob");
    right("192.0.2.2", "alice");
    ck_assert(!allows("192.0.2.1", "alice"));
    right("192.0.2.1", "alice");
    ck_assert_uint_eq(guesses("192.0.2.1", "alice"), 5);
    ck_assert_uint_eq(guesses("192.0.2.1", NULL), 40);
    login_throttle_end(&throttle);
}
END_TEST

/* What was begun before it was too much counts as well. */
START_TEST(a_debt_may_be_greater)
{
    begin(5);
    for (int i = 0; i < 10; i++)
        wrong("192.0.2.1", "alice");
    now += 71999;
    ck_assert(!allows("192.0.2.1", "alice"));
    now += 1;
    ck_assert(allows("192.0.2.1", "alice"));
    login_throttle_end(&throttle);
}
END_TEST

START_TEST(who_owes_nothing)
{
    begin(1);
    ck_assert_uint_eq(guesses("127.0.0.1", "alice"), 100000);
    ck_assert_uint_eq(guesses("::1", "alice"), 100000);
    ck_assert_uint_eq(guesses("/socket", "alice"), 100000);
    right("127.0.0.1", "alice");
    ck_assert_ptr_null(throttle.debts);
    ck_assert_uint_eq(guesses("127.0.0.2", "alice"), 1);
    ck_assert(login_throttle_allows(&throttle, NULL, NULL, now));
    login_throttle_end(&throttle);
    begin(0);
    ck_assert_uint_eq(guesses("192.0.2.1", "alice"), 100000);
    ck_assert_ptr_null(throttle.debts);
    login_throttle_end(&throttle);
}
END_TEST

/* The table does not grow; whoever owes much keeps his place in it, so that he can't wash himself clean. */
START_TEST(the_table_is_full)
{
    char address[32];
    begin(5);
    ck_assert_uint_eq(guesses("192.0.2.1", "alice"), 5);
    for (unsigned i = 0; i < 100000; i++) {
        snprintf(address, sizeof address, "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        wrong(address, "alice");
    }
    ck_assert(!allows("192.0.2.1", "alice"));
    ck_assert_uint_eq(guesses("192.0.2.2", "alice"), 5);
    login_throttle_end(&throttle);
}
END_TEST

Suite *suite_host_login_throttle(void);

Suite *suite_host_login_throttle(void)
{
    Suite *suite = suite_create("host/login_throttle");
    TCase *tcase = tcase_create("debts");
    tcase_add_test(tcase, a_name_at_an_address);
    tcase_add_test(tcase, all_names_at_an_address);
    tcase_add_test(tcase, the_right_password_forgives);
    tcase_add_test(tcase, a_debt_may_be_greater);
    tcase_add_test(tcase, who_owes_nothing);
    tcase_add_test(tcase, the_table_is_full);
    suite_add_tcase(suite, tcase);
    return suite;
}
