/* What is no store, not ours or not whole is refused, and no byte of it is changed. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mqtt/4_01_1_records.h"
#include "shelf.h"
#include "tests.h"

static uint64_t mix(uint64_t sum, const void *bytes, size_t length)
{
    const uint8_t *next = bytes;
    for (size_t i = 0; i < length; i++)
        sum = (sum ^ next[i]) * UINT64_C(0x100000001b3);
    return sum;
}

static uint64_t sum_file(const char *path, const char *name)
{
    static uint8_t block[1 << 16];
    uint64_t sum = mix(UINT64_C(0xcbf29ce484222325), name, strlen(name));
    FILE *file = fopen(path, "rb");
    if (!file)
        return sum;
    size_t length;
    while ((length = fread(block, 1, sizeof block, file)) > 0)
        sum = mix(sum, block, length);
    fclose(file);
    return sum;
}

/* A sum of all names and contents, in whatever order the directory has them. */
static uint64_t sum_folder(const char *folder)
{
    uint64_t sum = 0;
    DIR *entries = opendir(folder);
    if (!entries)
        return 0;
    const struct dirent *entry;
    while ((entry = readdir(entries))) {
        char path[SHELF_PATH_SIZE * 2];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        sum += sum_file(path, entry->d_name);
    }
    closedir(entries);
    return sum;
}

static void write_file(struct shelf *shelf, const char *name, const char *text)
{
    char path[SHELF_PATH_SIZE * 2];
    snprintf(path, sizeof path, "%s/%s", shelf->directory, name);
    FILE *file = fopen(path, "wb");
    ck_assert(file != NULL);
    fputs(text, file);
    fclose(file);
}

static void expect_refused(struct shelf *shelf, const char *word)
{
    char error[STORE_ERROR_SIZE] = "";
    const uint64_t before = sum_folder(shelf->directory);
    struct store *store = store_open(&shelf->options, error);
    ck_assert_msg(!store, "%s: was opened", word);
    ck_assert_msg(strstr(error, word) && strstr(error, shelf->directory), "%s", error);
    ck_assert_msg(sum_folder(shelf->directory) == before, "%s: the directory has changed", word);
}

/* A store with a few records, closed. */
static void fill(struct shelf *shelf, struct model *model)
{
    struct changes changes = {0};
    uint64_t state = 5;
    shelf_create(shelf, NULL);
    shelf_open(shelf);
    random_changes(&state, &changes, 1000, 2000);
    model_apply(model, &changes);
    shelf_commit(shelf, &changes);
    shelf_close(shelf);
    changes_free(&changes);
}

START_TEST(foreign_directories)
{
    struct shelf shelf;
    shelf_create(&shelf, NULL);
    ck_assert_int_eq(mkdir(shelf.directory, 0700), 0);
    write_file(&shelf, "thesis.txt", "the only copy");
    expect_refused(&shelf, "thesis.txt");
    write_file(&shelf, "sessions.db", "somebody else's");
    expect_refused(&shelf, "is not empty");
    shelf_destroy(&shelf);
}
END_TEST

START_TEST(other_formats)
{
    static const char *const texts[] = {"",
                                        "etalon store, format 0\n",
                                        "etalon store, format 1",
                                        "etalon store, format 1 \n",
                                        "etalon store, format -1\n",
                                        "<html>"};
    struct shelf shelf;
    struct model model = {0};
    fill(&shelf, &model);
    write_file(&shelf, "etalon-store", "etalon store, format 2\n");
    expect_refused(&shelf, "newer");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        write_file(&shelf, "etalon-store", texts[i]);
        expect_refused(&shelf, "damaged");
    }
    write_file(&shelf, "etalon-store", "etalon store, format 1\n");
    shelf_open(&shelf);
    ck_assert_ptr_eq(shelf_difference(&shelf, &model), NULL);
    shelf_destroy(&shelf);
    model_free(&model);
}
END_TEST

START_TEST(no_directory)
{
    struct shelf shelf;
    char error[STORE_ERROR_SIZE];
    shelf_create(&shelf, NULL);
    shelf.options.directory = "/proc/nowhere/store";
    ck_assert(!store_open(&shelf.options, error));
    ck_assert_msg(strstr(error, "/proc/nowhere/store"), "%s", error);
    shelf.options.directory = "/proc/self/cmdline";
    ck_assert(!store_open(&shelf.options, error));
    shelf_destroy(&shelf);
}
END_TEST

/* The second one may be in the same process or in another. */
START_TEST(used_by_another)
{
    struct shelf shelf;
    char error[STORE_ERROR_SIZE] = "";
    char number[32];
    shelf_create(&shelf, NULL);
    shelf_open(&shelf);
    snprintf(number, sizeof number, "number %ld", (long)getpid());
    ck_assert(!store_open(&shelf.options, error));
    ck_assert_msg(strstr(error, number), "%s", error);
    const pid_t child = fork();
    if (child == 0) {
        const bool refused = !store_open(&shelf.options, error) && strstr(error, number);
        _exit(refused ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    shelf_close(&shelf);
    shelf_open(&shelf);
    shelf_destroy(&shelf);
}
END_TEST

static void damage(struct shelf *shelf, const char *name, off_t from, off_t length)
{
    char path[SHELF_PATH_SIZE * 2];
    snprintf(path, sizeof path, "%s/%s", shelf->directory, name);
    const int descriptor = open(path, O_WRONLY);
    ck_assert_int_ge(descriptor, 0);
    for (off_t i = 0; i < length; i += 7)
        ck_assert_int_eq(pwrite(descriptor, "!", 1, from + i), 1);
    close(descriptor);
}

static void shorten(struct shelf *shelf, const char *name, off_t length)
{
    char path[SHELF_PATH_SIZE * 2];
    snprintf(path, sizeof path, "%s/%s", shelf->directory, name);
    ck_assert_int_eq(truncate(path, length), 0);
}

START_TEST(files_that_are_missing)
{
    struct shelf shelf;
    struct model model = {0};
    char from[SHELF_PATH_SIZE * 2];
    char to[SHELF_PATH_SIZE * 2];
    fill(&shelf, &model);
    snprintf(from, sizeof from, "%s/messages.db", shelf.directory);
    snprintf(to, sizeof to, "%s/messages.db", shelf.folder);
    ck_assert_int_eq(rename(from, to), 0);
    expect_refused(&shelf, "messages.db");
    ck_assert_int_eq(rename(to, from), 0);
    snprintf(from, sizeof from, "%s/log.0000000001", shelf.directory);
    snprintf(to, sizeof to, "%s/log", shelf.folder);
    ck_assert_int_eq(rename(from, to), 0);
    expect_refused(&shelf, "log.");
    ck_assert_int_eq(rename(to, from), 0);
    shelf_open(&shelf);
    ck_assert_ptr_eq(shelf_difference(&shelf, &model), NULL);
    shelf_destroy(&shelf);
    model_free(&model);
}
END_TEST

START_TEST(files_that_begin_otherwise)
{
    struct shelf shelf;
    struct model model = {0};
    fill(&shelf, &model);
    damage(&shelf, "sessions.db", 0, 64);
    expect_refused(&shelf, "sessions.db");
    shelf_destroy(&shelf);
    fill(&shelf, &model);
    shorten(&shelf, "wills.db", 0);
    expect_refused(&shelf, "wills.db");
    shelf_destroy(&shelf);
    model_free(&model);
}
END_TEST

static const char *ignore(void *context, uint8_t table, struct bytes key, struct bytes value)
{
    (void)table, (void)key, (void)value;
    ++*(unsigned *)context;
    return NULL;
}

/* Found when the page is read. The table's file stays as it is. */
START_TEST(pages_that_are_damaged)
{
    static const struct {
        off_t shorten_by;
        off_t from;
    } cases[] = {{0, 2 * 4096 + 1000}, {0, 3 * 4096}, {4096, 0}, {5000, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct shelf shelf;
        struct model model = {0};
        struct changes changes = {0};
        char error[STORE_ERROR_SIZE] = "";
        char path[SHELF_PATH_SIZE * 2];
        struct stat status;
        unsigned count = 0;
        shelf_create(&shelf, NULL);
        shelf_open(&shelf);
        for (uint8_t key = 0; key < 200; key++)
            shelf_put(&changes, TABLE_MESSAGES, bytes_of(&key, 1), bytes_of_text("a value of some length, to fill it"));
        shelf_commit(&shelf, &changes);
        shelf_close(&shelf);
        snprintf(path, sizeof path, "%s/messages.db", shelf.directory);
        ck_assert_int_eq(stat(path, &status), 0);
        if (cases[i].shorten_by > 0)
            shorten(&shelf, "messages.db", status.st_size - cases[i].shorten_by);
        else
            damage(&shelf, "messages.db", cases[i].from, 30);
        const uint64_t before = sum_file(path, "");
        shelf.store = store_open(&shelf.options, error);
        if (shelf.store)
            ck_assert_msg(!store_load(shelf.store, ignore, &count, error), "case %zu: was read", i);
        shelf_close(&shelf);
        ck_assert_msg(strstr(error, "estore a backup") && strstr(error, "messages"), "case %zu: %s", i, error);
        ck_assert_msg(sum_file(path, "") == before, "case %zu: has changed", i);
        shelf_destroy(&shelf);
        model_free(&model);
        changes_free(&changes);
    }
}
END_TEST

/* A store that never became complete is no damage: it begins anew. */
START_TEST(unfinished)
{
    struct shelf shelf;
    struct model model = {0};
    char from[SHELF_PATH_SIZE * 2];
    char to[SHELF_PATH_SIZE * 2];
    fill(&shelf, &model);
    snprintf(from, sizeof from, "%s/etalon-store", shelf.directory);
    snprintf(to, sizeof to, "%s/etalon-store.new", shelf.directory);
    ck_assert_int_eq(rename(from, to), 0);
    shorten(&shelf, "wills.db", 100);
    model_free(&model);
    shelf_open(&shelf);
    ck_assert_ptr_eq(shelf_difference(&shelf, &model), NULL);
    shelf_destroy(&shelf);
}
END_TEST

void add_refused(TCase *test_case)
{
    tcase_add_test(test_case, foreign_directories);
    tcase_add_test(test_case, other_formats);
    tcase_add_test(test_case, no_directory);
    tcase_add_test(test_case, used_by_another);
    tcase_add_test(test_case, files_that_are_missing);
    tcase_add_test(test_case, files_that_begin_otherwise);
    tcase_add_test(test_case, pages_that_are_damaged);
    tcase_add_test(test_case, unfinished);
}
