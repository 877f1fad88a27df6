/* What is committed is there, whatever happens in between that is no trouble. */
#include <stdlib.h>
#include <string.h>

#include "mqtt/4_01_1_records.h"
#include "shelf.h"
#include "tests.h"

START_TEST(every_kind_of_change)
{
    struct shelf shelf;
    struct model model = {0};
    struct changes changes = {0};
    shelf_create(&shelf, NULL);
    shelf_open(&shelf);
    ck_assert(!store_statistics(shelf.store).recovered);
    for (uint8_t table = 0; table < TABLE_COUNT; table++) {
        shelf_put(&changes, table, bytes_of_text("one"), bytes_of_text("1"));
        shelf_put(&changes, table, bytes_of_text("one more"), bytes_of_text(""));
        shelf_put(&changes, table, bytes_of_text("two"), bytes_of_text("2"));
        shelf_put(&changes, table, bytes_of_text("two"), bytes_of_text("not 2"));
        shelf_delete(&changes, table, bytes_of_text("three"));
    }
    shelf_delete_prefix(&changes, TABLE_WILLS, bytes_of_text("one"));
    shelf_delete_prefix(&changes, TABLE_RECEIVED, bytes_of_text("zero"));
    shelf_delete_prefix(&changes, TABLE_DELIVERIES, bytes_of_text(""));
    shelf_delete(&changes, TABLE_META, bytes_of_text("one"));
    model_apply(&model, &changes);
    shelf_commit(&shelf, &changes);
    shelf_close(&shelf);

    shelf_open(&shelf);
    ck_assert(!store_statistics(shelf.store).recovered);
    ck_assert_ptr_eq(shelf_difference(&shelf, &model), NULL);
    shelf_destroy(&shelf);
    model_free(&model);
    changes_free(&changes);
}
END_TEST

START_TEST(batches_without_end)
{
    struct shelf shelf;
    struct model model = {0};
    struct changes changes = {0};
    uint64_t state = 41;
    shelf_create(&shelf, NULL);
    for (unsigned round = 0; round < 30; round++) {
        shelf.options.durability = (enum store_durability)(round % 3);
        shelf_open(&shelf);
        const char *difference = shelf_difference(&shelf, &model);
        ck_assert_msg(!difference, "round %u: %s", round, difference);
        for (unsigned batch = 0; batch < 20; batch++) {
            random_changes(&state, &changes, 1 + (unsigned)(random_next(&state) % 200), 60000);
            model_apply(&model, &changes);
            shelf_commit(&shelf, &changes);
        }
        const struct store_statistics statistics = store_statistics(shelf.store);
        ck_assert_uint_eq(statistics.batches, 20);
        ck_assert_uint_eq(statistics.failures, 0);
        ck_assert(statistics.bytes > 0 && statistics.changes >= 20);
        ck_assert(store_finish(shelf.store));
        shelf_close(&shelf);
    }
    shelf_destroy(&shelf);
    model_free(&model);
    changes_free(&changes);
}
END_TEST

/* More log than one checkpoint lets stand: old log files go, and nothing else does. */
START_TEST(checkpoints)
{
    enum { SIZE = 1 << 20, ROUNDS = 200 };
    struct shelf shelf;
    struct model model = {0};
    struct changes changes = {0};
    uint8_t *value = calloc(1, SIZE);
    shelf_create(&shelf, NULL);
    shelf_open(&shelf);
    for (unsigned i = 0; i < ROUNDS; i++) {
        const uint8_t key = (uint8_t)(i % 7);
        value[0] = (uint8_t)i;
        shelf_put(&changes, TABLE_MESSAGES, bytes_of(&key, 1), bytes_of(value, SIZE));
        model_apply(&model, &changes);
        shelf_commit(&shelf, &changes);
    }
    const struct store_statistics statistics = store_statistics(shelf.store);
    ck_assert_uint_ge(statistics.checkpoints, 1);
    shelf_close(&shelf);
    shelf_open(&shelf);
    ck_assert_uint_lt(store_statistics(shelf.store).bytes, (uint64_t)120 << 20);
    ck_assert_ptr_eq(shelf_difference(&shelf, &model), NULL);
    shelf_destroy(&shelf);
    model_free(&model);
    changes_free(&changes);
    free(value);
}
END_TEST

static const char *dislike(void *context, uint8_t table, struct bytes key, struct bytes value)
{
    (void)context, (void)key, (void)value;
    return table == TABLE_WILLS ? "it has a wart" : NULL;
}

START_TEST(a_record_that_is_not_liked)
{
    struct shelf shelf;
    struct changes changes = {0};
    char error[STORE_ERROR_SIZE] = "";
    shelf_create(&shelf, NULL);
    shelf_open(&shelf);
    shelf_put(&changes, TABLE_META, bytes_of_text("a"), bytes_of_text("1"));
    shelf_put(&changes, TABLE_WILLS, bytes_of_text("\x01\xab"), bytes_of_text("2"));
    shelf_commit(&shelf, &changes);
    shelf_close(&shelf);
    shelf_open(&shelf);
    ck_assert(!store_load(shelf.store, dislike, NULL, error));
    ck_assert_msg(strstr(error, "wills") && strstr(error, "01ab") && strstr(error, "wart"), "%s", error);
    shelf_destroy(&shelf);
    changes_free(&changes);
}
END_TEST

void add_kept(TCase *test_case)
{
    tcase_add_test(test_case, every_kind_of_change);
    tcase_add_test(test_case, batches_without_end);
    tcase_add_test(test_case, checkpoints);
    tcase_add_test(test_case, a_record_that_is_not_liked);
}
