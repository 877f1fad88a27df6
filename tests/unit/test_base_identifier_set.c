/* identifier_set: against an array with a place for each identifier. */
#include "base/identifier_set.h"
#include "broker_harness.h"

START_TEST(it_agrees_with_an_array)
{
    static bool has[65536];
    struct identifier_set set = {0};
    uint64_t state = 7;
    memset(has, 0, sizeof has);
    /* narrow ranges make clusters and holes, wide ones make it grow */
    static const uint32_t ranges[] = {10, 100, 2000, 65535, 65535, 50, 7};
    for (int r = 0; r < COUNT(ranges); r++) {
        for (int i = 0; i < 100000; i++) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            const uint16_t identifier = (uint16_t)(1 + (state >> 33) % ranges[r]);
            const bool add = r < 4 ? state >> 62 != 0 : state >> 62 == 0;
            if (identifier_set_has(&set, identifier) != has[identifier])
                ck_abort_msg("%u is %d", identifier, has[identifier]);
            if (add && !identifier_set_add(&set, identifier))
                ck_abort_msg("no memory");
            if (!add && identifier_set_remove(&set, identifier) != has[identifier])
                ck_abort_msg("%u was %d", identifier, has[identifier]);
            has[identifier] = add;
        }
    }
    uint32_t count = 0;
    for (unsigned i = 1; i < 65536; i++) {
        count += has[i];
        if (identifier_set_has(&set, (uint16_t)i) != has[i])
            ck_abort_msg("%u is %d in the end", i, has[i]);
    }
    ck_assert_uint_eq(set.count, count);
    identifier_set_clear(&set);
}
END_TEST

START_TEST(all_of_them)
{
    struct identifier_set set = {0};
    for (unsigned i = 1; i < 65536; i++)
        if (!identifier_set_add(&set, (uint16_t)i) || !identifier_set_add(&set, (uint16_t)i))
            ck_abort_msg("no memory");
    ck_assert_uint_eq(set.count, 65535);
    for (unsigned i = 65535; i > 0; i--)
        if (!identifier_set_remove(&set, (uint16_t)i) || identifier_set_remove(&set, (uint16_t)i))
            ck_abort_msg("%u", i);
    ck_assert_ptr_null(set.slots); /* a large table is given back */
    ck_assert(!identifier_set_has(&set, 1));
    ck_assert(identifier_set_add(&set, 1));
    ck_assert(identifier_set_remove(&set, 1));
    ck_assert_ptr_nonnull(set.slots); /* a small one is kept */
    identifier_set_clear(&set);
    ck_assert_ptr_null(set.slots);
}
END_TEST

Suite *suite_base_identifier_set(void);
Suite *suite_base_identifier_set(void)
{
    HARNESS_SUITE("identifier_set", it_agrees_with_an_array, all_of_them);
}
