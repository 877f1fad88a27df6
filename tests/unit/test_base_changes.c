#include <check.h>

#include "base/changes.h"

START_TEST(come_back_in_order)
{
    struct changes changes = {0};
    const struct change added[] = {
        {CHANGE_PUT, 3, bytes_of_text("key"), bytes_of_text("value")},
        {CHANGE_PUT, 255, bytes_of_text("key"), bytes_of(NULL, 0)},
        {CHANGE_DELETE, 0, bytes_of_text("k"), bytes_of(NULL, 0)},
        {CHANGE_DELETE_PREFIX, 1, bytes_of(NULL, 0), bytes_of(NULL, 0)},
    };
    const size_t count = sizeof added / sizeof *added;
    for (size_t i = 0; i < count; i++)
        ck_assert(changes_add(&changes, &added[i]));
    ck_assert_uint_eq(changes.count, count);
    struct bytes rest = changes_all(&changes);
    struct change change;
    for (size_t i = 0; i < count; i++) {
        ck_assert(changes_next(&rest, &change));
        ck_assert(change.kind == added[i].kind && change.table == added[i].table);
        ck_assert(bytes_equal(change.key, added[i].key) && bytes_equal(change.value, added[i].value));
    }
    ck_assert(!changes_next(&rest, &change));
    changes_clear(&changes);
    ck_assert(changes.count == 0 && changes.capacity > 0);
    changes_free(&changes);
    ck_assert(changes.capacity == 0 && !changes.bytes);
}
END_TEST

START_TEST(room_that_was_reserved_is_enough)
{
    struct changes changes = {0};
    const struct change change = {CHANGE_PUT, 1, bytes_of_text("a key"), bytes_of_text("a value")};
    const size_t each = CHANGE_OVERHEAD + change.key.length + change.value.length;
    ck_assert(changes_reserve(&changes, 1000 * each));
    const uint8_t *const place = changes.bytes;
    for (int i = 0; i < 1000; i++)
        ck_assert(changes_add(&changes, &change));
    ck_assert_ptr_eq(changes.bytes, place);
    ck_assert_uint_eq(changes.length, 1000 * each);
    ck_assert(!changes_reserve(&changes, SIZE_MAX));
    ck_assert_uint_eq(changes.count, 1000);
    changes_free(&changes);
}
END_TEST

Suite *suite_base_changes(void);
Suite *suite_base_changes(void)
{
    Suite *suite = suite_create("base/changes");
    TCase *test_case = tcase_create("changes");
    tcase_add_test(test_case, come_back_in_order);
    tcase_add_test(test_case, room_that_was_reserved_is_enough);
    suite_add_tcase(suite, test_case);
    return suite;
}
