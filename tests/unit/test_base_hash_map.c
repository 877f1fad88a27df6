/* base/hash and base/hash_map. */
#include <check.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/hash_map.h"

#define ITEMS 20000U

struct item {
    uint64_t hash;
    uint32_t key;
    bool in; /* whether it should be in the map */
};

static bool has_key(const void *item, const void *key)
{
    return ((const struct item *)item)->key == *(const uint32_t *)key;
}

static struct item *look_up(const struct hash_map *map, const struct item *item)
{
    return hash_map_find(map, item->hash, has_key, &item->key);
}

/* A small generator, so that a failure can be repeated. */
static uint64_t random_next(uint64_t *state)
{
    *state += UINT64_C(0x9E3779B97F4A7C15);
    return hash_mix(*state);
}

/* The values come from another implementation of SipHash-1-3 (that of CPython 3.11, key 0). */
START_TEST(hash_is_siphash_1_3)
{
    static const struct {
        const char *text;
        uint64_t hash;
    } known[] = {
        {"a", UINT64_C(0x407448d2b89b1813)},
        {"sport", UINT64_C(0xbcac89b47e779cbf)},
        {"abcdefg", UINT64_C(0x6db12aae9070f506)},
        {"abcdefgh", UINT64_C(0x3f7b849c0b8e35ea)},
        {"sport/tennis/player1", UINT64_C(0x48d44f26719c2390)},
    };
    const struct hash_key zero = {.first = 0, .second = 0};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        ck_assert_uint_eq(hash_bytes(&zero, bytes_of_text(known[i].text)), known[i].hash);

    uint8_t long_text[64];
    for (size_t i = 0; i < sizeof long_text; i++)
        long_text[i] = (uint8_t)i;
    ck_assert_uint_eq(hash_bytes(&zero, bytes_of(long_text, sizeof long_text)), UINT64_C(0x75e05fd5bbc870c6));
}
END_TEST

START_TEST(hash_depends_on_the_seed)
{
    const struct hash_key one = hash_key_of(1);
    const struct hash_key two = hash_key_of(2);
    const struct hash_key again = hash_key_of(1);
    const struct bytes text = bytes_of_text("a");
    ck_assert_uint_ne(hash_bytes(&one, text), hash_bytes(&two, text));
    ck_assert_uint_eq(hash_bytes(&one, text), hash_bytes(&again, text));
    ck_assert_uint_ne(hash_bytes(&one, text), hash_bytes(&one, bytes_of(NULL, 0)));
}
END_TEST

START_TEST(an_empty_map_finds_nothing)
{
    struct hash_map map = {.slots = NULL};
    const struct item item = {.hash = 7, .key = 7};
    ck_assert_ptr_null(look_up(&map, &item));
    ck_assert(!hash_map_remove(&map, 7, &item));
    hash_map_clear(&map);
    ck_assert_uint_eq(map.count, 0);
}
END_TEST

/* Items that share a hash, or stand beside each other, across the end of the table. */
START_TEST(equal_hashes_keep_items_apart)
{
    struct hash_map map = {.slots = NULL};
    struct item items[40];
    for (uint32_t i = 0; i < 40; i++) {
        items[i] = (struct item){.hash = i % 2 == 0 ? UINT64_MAX : UINT64_MAX - 1, .key = i};
        ck_assert(hash_map_insert(&map, items[i].hash, &items[i]));
    }
    for (uint32_t i = 0; i < 40; i += 3)
        ck_assert(hash_map_remove(&map, items[i].hash, &items[i]));
    for (uint32_t i = 0; i < 40; i++)
        ck_assert_ptr_eq(look_up(&map, &items[i]), i % 3 == 0 ? NULL : &items[i]);
    ck_assert(!hash_map_remove(&map, items[0].hash, &items[0]));
    hash_map_clear(&map);
}
END_TEST

START_TEST(reserved_room_needs_no_growth)
{
    struct hash_map map = {.slots = NULL};
    static struct item items[1000];
    ck_assert(hash_map_reserve(&map, 1000));
    const struct hash_map_slot *const before = map.slots;
    for (uint32_t i = 0; i < 1000; i++)
        ck_assert(hash_map_insert(&map, hash_mix(i), &items[i]));
    ck_assert_ptr_eq(map.slots, before);
    ck_assert(!hash_map_reserve(&map, UINT32_MAX));
    ck_assert_uint_eq(map.count, 1000);
    hash_map_clear(&map);
}
END_TEST

static bool count_one(void *context, void *item)
{
    if (!((const struct item *)item)->in)
        ck_abort_msg("item %u is in the map", ((const struct item *)item)->key);
    ++*(uint32_t *)context;
    return true;
}

static bool count_and_stop(void *context, void *item)
{
    (void)item;
    ++*(uint32_t *)context;
    return false;
}

/* Hashes of few values make long runs; of many values, the usual case. */
static void compare_with_array(uint64_t distinct_hashes)
{
    struct hash_map map = {.slots = NULL};
    struct item *const items = calloc(ITEMS, sizeof *items);
    ck_assert_ptr_nonnull(items);
    uint64_t state = distinct_hashes;
    uint32_t expected = 0;
    for (uint32_t i = 0; i < ITEMS; i++)
        items[i] = (struct item){.hash = hash_mix(random_next(&state) % distinct_hashes), .key = i};

    for (uint32_t step = 0; step < 6 * ITEMS; step++) {
        const bool growing = (step / ITEMS) % 2 == 0;
        struct item *const item = &items[random_next(&state) % ITEMS];
        bool right = look_up(&map, item) == (item->in ? item : NULL);
        if (growing && !item->in)
            right = hash_map_insert(&map, item->hash, item) && right;
        if (!growing)
            right = hash_map_remove(&map, item->hash, item) == item->in && right;
        expected = growing ? expected + !item->in : expected - item->in;
        item->in = growing;
        if (!right || map.count != expected) /* ck_assert in here would cost a message each time */
            ck_abort_msg("step %u, item %u: %u items, %u expected", step, item->key, map.count, expected);
    }
    uint32_t counted = 0;
    hash_map_each(&map, count_one, &counted);
    ck_assert_uint_eq(counted, expected);
    counted = 0;
    hash_map_each(&map, count_and_stop, &counted);
    ck_assert_uint_eq(counted, 1);

    for (uint32_t i = 0; i < ITEMS; i++) {
        if (hash_map_remove(&map, items[i].hash, &items[i]) != items[i].in)
            ck_abort_msg("item %u", i);
    }
    ck_assert_ptr_null(map.slots); /* all memory went back */
    free(items);
}

START_TEST(random_changes_agree_with_an_array)
{
    compare_with_array(UINT64_MAX);
    compare_with_array(500);
}
END_TEST

START_TEST(memory_follows_the_number_of_items)
{
    struct hash_map map = {.slots = NULL};
    static struct item items[ITEMS];
    for (uint32_t i = 0; i < ITEMS; i++) {
        if (!hash_map_insert(&map, hash_mix(i), &items[i]))
            ck_abort_msg("item %u", i);
    }
    ck_assert_uint_le(map.capacity, ITEMS * 2);
    for (uint32_t i = 100; i < ITEMS; i++) {
        if (!hash_map_remove(&map, hash_mix(i), &items[i]))
            ck_abort_msg("item %u", i);
    }
    ck_assert_uint_le(map.capacity, 400);
    hash_map_clear(&map);
}
END_TEST

/* Each item comes once, although removing moves others about and the table shrinks. */
START_TEST(a_map_is_emptied_item_by_item)
{
    struct hash_map map = {.slots = NULL};
    static struct item items[ITEMS];
    uint32_t at = 0;
    ck_assert_ptr_null(hash_map_any(&map, &at));
    for (uint32_t i = 0; i < ITEMS; i++) {
        items[i] = (struct item){.hash = hash_mix(i % (ITEMS / 2)), .key = i, .in = true};
        if (!hash_map_insert(&map, items[i].hash, &items[i]))
            ck_abort_msg("item %u", i);
    }
    for (uint32_t i = 0; i < ITEMS; i++) {
        struct item *item = hash_map_any(&map, &at);
        if (item == NULL || !item->in || !hash_map_remove(&map, item->hash, item))
            ck_abort_msg("step %u", i);
        item->in = false;
    }
    ck_assert_ptr_null(hash_map_any(&map, &at));
    ck_assert_uint_eq(map.count, 0);
}
END_TEST

Suite *suite_base_hash_map(void);

Suite *suite_base_hash_map(void)
{
    Suite *suite = suite_create("base_hash_map");
    TCase *tcase = tcase_create("hash_map");
    tcase_add_test(tcase, hash_is_siphash_1_3);
    tcase_add_test(tcase, hash_depends_on_the_seed);
    tcase_add_test(tcase, an_empty_map_finds_nothing);
    tcase_add_test(tcase, equal_hashes_keep_items_apart);
    tcase_add_test(tcase, reserved_room_needs_no_growth);
    tcase_add_test(tcase, random_changes_agree_with_an_array);
    tcase_add_test(tcase, memory_follows_the_number_of_items);
    tcase_add_test(tcase, a_map_is_emptied_item_by_item);
    suite_add_tcase(suite, tcase);
    return suite;
}
