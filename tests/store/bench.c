/* store-bench FOLDER: how fast a store is there (it is made in a folder of its own, and removed). */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mqtt/4_01_1_records.h"
#include "shelf.h"

enum { TINY = 2000, ROUNDS = 200, BATCH = 1000, MILLION = 1000000, SIZE = 100 };

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void put_numbers(struct changes *changes, uint8_t table, uint32_t from, uint32_t count)
{
    static const uint8_t value[SIZE] = {1};
    for (uint32_t number = from; number < from + count; number++) {
        const uint8_t key[8] = {0, 0, 0, 0, (uint8_t)(number >> 24), (uint8_t)(number >> 16),
                                (uint8_t)(number >> 8), (uint8_t)number};
        shelf_put(changes, table, bytes_of(key, 8), bytes_of(value, table == TABLE_MESSAGES ? SIZE : 40));
    }
}

static void delete_numbers(struct changes *changes, uint8_t table, uint32_t from, uint32_t count)
{
    for (uint32_t number = from; number < from + count; number++) {
        const uint8_t key[8] = {0, 0, 0, 0, (uint8_t)(number >> 24), (uint8_t)(number >> 16),
                                (uint8_t)(number >> 8), (uint8_t)number};
        shelf_delete(changes, table, bytes_of(key, 8));
    }
}

static void measure_commits(struct shelf *shelf, struct changes *changes)
{
    double begin = seconds();
    for (uint32_t i = 0; i < TINY; i++) {
        put_numbers(changes, TABLE_MESSAGES, i, 1);
        shelf_commit(shelf, changes);
    }
    printf("commits of one put: %.0f/s\n", TINY / (seconds() - begin));
    delete_numbers(changes, TABLE_MESSAGES, 0, TINY);
    begin = seconds();
    for (uint32_t i = 0; i < ROUNDS; i++) {
        put_numbers(changes, TABLE_MESSAGES, i * BATCH, BATCH);
        if (i > 0)
            delete_numbers(changes, TABLE_MESSAGES, (i - 1) * BATCH, BATCH);
        shelf_commit(shelf, changes);
    }
    printf("pairs of put and delete, %d in a batch: %.0f/s\n", BATCH, ROUNDS * BATCH / (seconds() - begin));
}

static const char *count_record(void *context, uint8_t table, struct bytes key, struct bytes value)
{
    (void)table, (void)key, (void)value;
    ++*(uint64_t *)context;
    return NULL;
}

static void measure_load(struct shelf *shelf, struct changes *changes)
{
    char error[STORE_ERROR_SIZE];
    uint64_t count = 0;
    double begin = seconds();
    for (uint32_t i = 0; i < MILLION; i += 10000) {
        put_numbers(changes, TABLE_MESSAGES, i, 10000);
        put_numbers(changes, TABLE_DELIVERIES, i, 10000);
        shelf_commit(shelf, changes);
    }
    printf("1,000,000 messages and deliveries written: %.2f s\n", seconds() - begin);
    begin = seconds();
    shelf_close(shelf);
    printf("closed: %.2f s\n", seconds() - begin);
    begin = seconds();
    shelf_open(shelf);
    printf("opened: %.3f s\n", seconds() - begin);
    begin = seconds();
    ck_assert_msg(store_load(shelf->store, count_record, &count, error), "%s", error);
    printf("%llu records read: %.2f s\n", (unsigned long long)count, seconds() - begin);
}

static const char *folder;

/* What a shelf expects works only within a test. */
START_TEST(measure)
{
    struct shelf shelf;
    struct changes changes = {0};
    shelf_create(&shelf, folder);
    shelf_open(&shelf);
    measure_commits(&shelf, &changes);
    measure_load(&shelf, &changes);
    printf("%.1f MB on disk\n", (double)store_statistics(shelf.store).bytes / 1e6);
    shelf_destroy(&shelf);
    changes_free(&changes);
}
END_TEST

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: store-bench FOLDER\n");
        return EXIT_FAILURE;
    }
    folder = argv[1];
    Suite *suite = suite_create("store-bench");
    TCase *test_case = tcase_create("measure");
    tcase_add_test(test_case, measure);
    suite_add_tcase(suite, test_case);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
