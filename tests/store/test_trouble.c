/* Disks that are full or fail, for a while: nothing that was committed is lost, and in the end all is committed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults.h"
#include "mqtt/4_01_1_records.h"
#include "shelf.h"
#include "tests.h"

static void expect_same(struct shelf *shelf, const struct model *model, const char *what)
{
    shelf_open(shelf);
    const char *difference = shelf_difference(shelf, model);
    ck_assert_msg(!difference, "%s: %s; the log:\n%.1500s", what, difference, shelf->log);
    shelf_close(shelf);
}

/* One batch meets a disk that fails; the one before and the one after do not. */
static void meet(const struct fault *fault)
{
    struct shelf shelf;
    struct model model = {0};
    struct changes changes = {0};
    uint64_t state = 9;
    bool trouble = false;
    shelf_create(&shelf, NULL);
    shelf_open(&shelf);
    for (unsigned batch = 0; batch < 3; batch++) {
        random_changes(&state, &changes, 300, 3000);
        model_apply(&model, &changes);
        if (batch == 1)
            faults_set(fault);
        trouble |= shelf_commit_at_last(&shelf, &changes);
        faults_end();
    }
    ck_assert(trouble);
    ck_assert_uint_ge(store_statistics(shelf.store).failures, 1);
    ck_assert_uint_eq(store_statistics(shelf.store).batches, 3);
    ck_assert_msg(strstr(shelf.log, "can be written again"), "%.1500s", shelf.log);
    shelf_close(&shelf);
    expect_same(&shelf, &model, "after the trouble");
    shelf_destroy(&shelf);
    model_free(&model);
    changes_free(&changes);
}

static const struct fault fault_kinds[] = {
    {FAULT_WRITES, ENOSPC, false, 1, 20},  {FAULT_WRITES, ENOSPC, true, 1, 20},
    {FAULT_WRITES, EIO, false, 1, 900},    {FAULT_WRITES, EIO, true, 1, 900},
    {FAULT_SYNCS, EIO, false, 1, 1},       {FAULT_SYNCS, EIO, false, 1, 20},
    {FAULT_ANY, EROFS, false, 1, 50},      {FAULT_ANY, EIO, false, 1, 2000},
};

START_TEST(for_a_while)
{
    faults_install();
    meet(&fault_kinds[_i]);
}
END_TEST

struct life {
    struct shelf *shelf;
    struct model *model;
    struct changes changes;
};

/* Opens, commits, closes. False: the store could not even be opened. */
static bool live(struct life *life, uint64_t *state)
{
    char error[STORE_ERROR_SIZE] = "";
    struct shelf *shelf = life->shelf;
    shelf->notices = 0;
    shelf->log[0] = '\0';
    shelf->store = store_open(&shelf->options, error);
    if (!shelf->store) {
        ck_assert(error[0] != '\0');
        return false;
    }
    for (unsigned batch = 0; batch < 4; batch++) {
        random_changes(state, &life->changes, 40, 5000);
        model_apply(life->model, &life->changes);
        shelf_commit_at_last(shelf, &life->changes);
    }
    shelf_close(shelf);
    return true;
}

/* Fails the n-th operation for every n. */
static void each_operation(struct fault fault)
{
    struct shelf shelf;
    struct model model = {0};
    struct life life = {.shelf = &shelf, .model = &model};
    uint64_t state = 3;
    unsigned long failed;
    shelf_create(&shelf, NULL);
    fault.first = 0;
    do {
        char what[64];
        fault.first++;
        faults_set(&fault);
        live(&life, &state);
        faults_end();
        failed = faults_failed();
        snprintf(what, sizeof what, "operation %lu", fault.first);
        expect_same(&shelf, &model, what);
        ck_assert_uint_lt(fault.first, 5000);
    } while (failed > 0);
    ck_assert_uint_gt(fault.first, 20);
    shelf_destroy(&shelf);
    model_free(&model);
    changes_free(&life.changes);
}

static const struct fault each_kinds[] = {
    {FAULT_ANY, ENOSPC, false, 0, 1}, {FAULT_ANY, ENOSPC, true, 0, 1}, {FAULT_ANY, ENOSPC, true, 0, 10},
    {FAULT_ANY, EIO, false, 0, 101},  {FAULT_SYNCS, EIO, false, 0, 1}, {FAULT_ANY, EIO, true, 0, 500},
};

START_TEST(every_operation)
{
    faults_install();
    each_operation(each_kinds[_i]);
}
END_TEST

/* The n-th operation of making a new store. */
START_TEST(while_it_is_made)
{
    struct fault fault = {.target = FAULT_ANY, .error = ENOSPC, .count = 1};
    faults_install();
    bool failed = true;
    while (failed) {
        struct shelf shelf;
        char error[STORE_ERROR_SIZE];
        const struct model nothing = {0};
        shelf_create(&shelf, NULL);
        fault.first++;
        faults_set(&fault);
        shelf.store = store_open(&shelf.options, error);
        faults_end();
        failed = faults_failed() > 0;
        ck_assert_msg(failed || shelf.store, "%s", error);
        if (!shelf.store)
            ck_assert_msg(access(shelf.directory, F_OK) != 0, "operation %lu: the directory stays", fault.first);
        shelf_close(&shelf);
        expect_same(&shelf, &nothing, "new");
        shelf_destroy(&shelf);
    }
    ck_assert_uint_gt(fault.first, 5);
}
END_TEST

/* An orderly end while the disk fails: it ends, says so, and what was committed before is there. */
START_TEST(the_end_does_not_wait)
{
    const struct fault fault = {FAULT_ANY, ENOSPC, false, 1, 1000000000};
    struct shelf shelf;
    struct model model = {0};
    struct changes changes = {0};
    const char *reason = NULL;
    uint64_t state = 12;
    faults_install();
    shelf_create(&shelf, NULL);
    shelf.options.retry_time = 3600 * 1000;
    shelf_open(&shelf);
    random_changes(&state, &changes, 300, 3000);
    model_apply(&model, &changes);
    shelf_commit(&shelf, &changes);
    faults_set(&fault);
    random_changes(&state, &changes, 300, 3000);
    store_commit(shelf.store, &changes);
    ck_assert_int_eq(shelf_wait(&shelf, &reason), STORE_TROUBLE);
    ck_assert_msg(strstr(reason, "space"), "%s", reason);
    ck_assert(!store_finish(shelf.store));
    shelf_close(&shelf);
    faults_end();
    expect_same(&shelf, &model, "after the end");
    shelf_destroy(&shelf);
    model_free(&model);
    changes_free(&changes);
}
END_TEST

/* A failing checkpoint in the background. */
START_TEST(checkpoints_that_fail)
{
    enum { SIZE = 1 << 20 };
    const struct fault fault = {FAULT_SYNCS, EIO, false, 0, 0};
    struct fault failing = fault;
    struct shelf shelf;
    struct model model = {0};
    struct changes changes = {0};
    uint8_t *value = calloc(1, SIZE);
    faults_install();
    shelf_create(&shelf, NULL);
    shelf.options.durability = STORE_ASYNC; /* so that syncs are those of checkpoints */
    shelf_open(&shelf);
    failing.first = 2;
    failing.count = 3;
    faults_set(&failing);
    for (unsigned i = 0; i < 300; i++) {
        const uint8_t key = (uint8_t)(i % 3);
        value[i] = (uint8_t)(i + 1);
        shelf_put(&changes, TABLE_MESSAGES, bytes_of(&key, 1), bytes_of(value, SIZE));
        model_apply(&model, &changes);
        shelf_commit_at_last(&shelf, &changes);
    }
    faults_end();
    ck_assert_uint_eq(faults_failed(), 3);
    ck_assert_uint_ge(store_statistics(shelf.store).failures, 1);
    shelf_close(&shelf);
    expect_same(&shelf, &model, "after failing checkpoints");
    shelf_destroy(&shelf);
    model_free(&model);
    changes_free(&changes);
    free(value);
}
END_TEST

/* A small file system of its own. False: that needs a privilege. */
static bool mount_small(const char *folder)
{
    return geteuid() == 0 && mkdir(folder, 0700) == 0 && mount("tmpfs", folder, "tmpfs", 0, "size=12m") == 0;
}

int tests_skipped(void)
{
    char folder[] = "/tmp/etalon-mount-XXXXXX";
    char inner[64];
    if (!mkdtemp(folder))
        return 1;
    snprintf(inner, sizeof inner, "%s/disk", folder);
    const bool works = mount_small(inner);
    if (works)
        umount(inner);
    rmdir(inner);
    rmdir(folder);
    return works ? 0 : 1;
}

/* Fills the disk with a file, sees trouble, removes the file, sees its end. */
static void fill_and_free(const char *disk)
{
    enum { SIZE = 100000 };
    struct shelf shelf;
    struct model model = {0};
    struct changes changes = {0};
    const char *reason = NULL;
    uint8_t *value = calloc(1, SIZE);
    char ballast[SHELF_PATH_SIZE + 16];
    snprintf(ballast, sizeof ballast, "%s/ballast", disk);
    FILE *file = fopen(ballast, "wb");
    shelf_create(&shelf, disk);
    shelf_open(&shelf);
    for (int i = 0; i < 95; i++)
        fwrite(value, 1, SIZE, file);
    fclose(file);
    enum store_outcome outcome = STORE_COMMITTED;
    for (uint8_t key = 0; key < 200 && outcome == STORE_COMMITTED; key++) {
        shelf_put(&changes, TABLE_MESSAGES, bytes_of(&key, 1), bytes_of(value, SIZE));
        model_apply(&model, &changes);
        store_commit(shelf.store, &changes);
        outcome = shelf_wait(&shelf, &reason);
    }
    ck_assert_int_eq(outcome, STORE_TROUBLE);
    ck_assert_msg(strstr(reason, "space"), "%s", reason);
    unlink(ballast);
    ck_assert_int_eq(shelf_wait(&shelf, &reason), STORE_COMMITTED);
    shelf_close(&shelf);
    expect_same(&shelf, &model, "after a full disk");
    shelf_destroy(&shelf);
    model_free(&model);
    changes_free(&changes);
    free(value);
}

START_TEST(a_disk_that_is_full)
{
    struct shelf outer;
    char disk[SHELF_PATH_SIZE];
    shelf_create(&outer, NULL);
    snprintf(disk, sizeof disk, "%.200s/disk", outer.folder);
    if (mount_small(disk)) {
        fill_and_free(disk);
        umount(disk);
    }
    shelf_destroy(&outer);
}
END_TEST

void add_trouble(TCase *test_case)
{
    tcase_add_loop_test(test_case, for_a_while, 0, sizeof fault_kinds / sizeof *fault_kinds);
    tcase_add_loop_test(test_case, every_operation, 0, sizeof each_kinds / sizeof *each_kinds);
    tcase_add_test(test_case, while_it_is_made);
    tcase_add_test(test_case, the_end_does_not_wait);
    tcase_add_test(test_case, checkpoints_that_fail);
    tcase_add_test(test_case, a_disk_that_is_full);
}
