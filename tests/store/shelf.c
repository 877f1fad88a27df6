#include "shelf.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mqtt/4_01_1_records.h"

static void notice(void *context)
{
    struct shelf *shelf = context;
    pthread_mutex_lock(&shelf->mutex);
    shelf->notices++;
    pthread_cond_broadcast(&shelf->changed);
    pthread_mutex_unlock(&shelf->mutex);
}

static void write_log(void *context, int level, const char *text)
{
    struct shelf *shelf = context;
    pthread_mutex_lock(&shelf->mutex);
    const size_t length = strlen(shelf->log);
    snprintf(shelf->log + length, sizeof shelf->log - length, "%d %s\n", level, text);
    pthread_mutex_unlock(&shelf->mutex);
}

/* Nothing here depends on a real disk, and memory is faster by far. */
static const char *usual_place(void)
{
    const char *temporary = getenv("TMPDIR");
    if (temporary)
        return temporary;
    return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

void shelf_create(struct shelf *shelf, const char *parent)
{
    *shelf = (struct shelf){0};
    snprintf(shelf->folder, sizeof shelf->folder - 8, "%s/etalon-store-XXXXXX", parent ? parent : usual_place());
    ck_assert(mkdtemp(shelf->folder) != NULL);
    snprintf(shelf->directory, sizeof shelf->directory, "%.200s/store", shelf->folder);
    pthread_mutex_init(&shelf->mutex, NULL);
    pthread_cond_init(&shelf->changed, NULL);
    shelf->options = (struct store_options){
        .directory = shelf->directory,
        .durability = STORE_SYNC,
        .retry_time = 1,
        .context = shelf,
        .notify = notice,
        .log = write_log,
    };
}

void remove_folder(const char *path)
{
    DIR *entries = opendir(path);
    if (!entries)
        return;
    const struct dirent *entry;
    while ((entry = readdir(entries))) {
        char name[SHELF_PATH_SIZE * 2 + 16];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (entry->d_type == DT_DIR)
            remove_folder(name);
        else
            unlink(name);
    }
    closedir(entries);
    rmdir(path);
}

void shelf_destroy(struct shelf *shelf)
{
    shelf_close(shelf);
    remove_folder(shelf->folder);
    pthread_cond_destroy(&shelf->changed);
    pthread_mutex_destroy(&shelf->mutex);
}

void shelf_open(struct shelf *shelf)
{
    char error[STORE_ERROR_SIZE] = "";
    shelf->notices = 0;
    shelf->store = store_open(&shelf->options, error);
    ck_assert_msg(shelf->store != NULL, "%s", error);
}

void shelf_close(struct shelf *shelf)
{
    store_close(shelf->store);
    shelf->store = NULL;
}

static void wait_notice(struct shelf *shelf)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += SHELF_LIMIT;
    int late = 0;
    pthread_mutex_lock(&shelf->mutex);
    while (shelf->notices == 0 && late == 0)
        late = pthread_cond_timedwait(&shelf->changed, &shelf->mutex, &end);
    shelf->notices -= late == 0;
    pthread_mutex_unlock(&shelf->mutex);
    ck_assert_msg(late == 0, "no notice for %d s; the log:\n%.1500s", SHELF_LIMIT, shelf->log);
}

enum store_outcome shelf_wait(struct shelf *shelf, const char **reason)
{
    wait_notice(shelf);
    return store_outcome(shelf->store, reason);
}

void shelf_commit(struct shelf *shelf, struct changes *changes)
{
    const char *reason = "";
    store_commit(shelf->store, changes);
    ck_assert_uint_eq(changes->length, 0);
    const enum store_outcome outcome = shelf_wait(shelf, &reason);
    ck_assert_msg(outcome == STORE_COMMITTED, "outcome %d %s; the log:\n%.1500s", (int)outcome, reason, shelf->log);
    ck_assert_int_eq(store_outcome(shelf->store, &reason), STORE_IDLE);
}

bool shelf_commit_at_last(struct shelf *shelf, struct changes *changes)
{
    bool trouble = false;
    const char *reason = NULL;
    store_commit(shelf->store, changes);
    for (;;) {
        switch (shelf_wait(shelf, &reason)) {
        case STORE_COMMITTED:
            return trouble;
        case STORE_TROUBLE:
            ck_assert_msg(!trouble, "trouble is told once");
            ck_assert(reason && *reason);
            trouble = true;
            break;
        case STORE_WORKING:
            break;
        case STORE_IDLE: /* the notice of an outcome that was seen already */
            return trouble;
        }
    }
}

static void add(struct changes *changes, struct change change)
{
    ck_assert(changes_add(changes, &change));
}

void shelf_put(struct changes *changes, uint8_t table, struct bytes key, struct bytes value)
{
    add(changes, (struct change){.kind = CHANGE_PUT, .table = table, .key = key, .value = value});
}

void shelf_delete(struct changes *changes, uint8_t table, struct bytes key)
{
    add(changes, (struct change){.kind = CHANGE_DELETE, .table = table, .key = key});
}

void shelf_delete_prefix(struct changes *changes, uint8_t table, struct bytes prefix)
{
    add(changes, (struct change){.kind = CHANGE_DELETE_PREFIX, .table = table, .key = prefix});
}

static int compare(const struct shelf_record *record, uint8_t table, struct bytes key)
{
    if (record->table != table)
        return record->table < table ? -1 : 1;
    const size_t shorter = record->key_length < key.length ? record->key_length : key.length;
    const int order = shorter ? memcmp(record->key, key.data, shorter) : 0;
    if (order != 0)
        return order;
    return record->key_length < key.length ? -1 : record->key_length > key.length;
}

/* Where the first record is that is not before this key. */
static size_t find(const struct model *model, uint8_t table, struct bytes key)
{
    size_t low = 0;
    size_t high = model->count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (compare(&model->records[middle], table, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct model *model, size_t index, uint8_t table, struct bytes key)
{
    return index < model->count && compare(&model->records[index], table, key) == 0;
}

static void take_out(struct model *model, size_t index)
{
    free(model->records[index].key);
    model->count--;
    memmove(&model->records[index], &model->records[index + 1],
            (model->count - index) * sizeof *model->records);
}

static void put_in(struct model *model, size_t index, const struct change *change)
{
    if (model->count == model->capacity) {
        model->capacity = model->capacity ? model->capacity * 2 : 64;
        model->records = realloc(model->records, model->capacity * sizeof *model->records);
        ck_assert(model->records != NULL);
    }
    memmove(&model->records[index + 1], &model->records[index],
            (model->count - index) * sizeof *model->records);
    model->count++;
    uint8_t *bytes = malloc(change->key.length + change->value.length + 1);
    ck_assert(bytes != NULL);
    if (change->key.length > 0)
        memcpy(bytes, change->key.data, change->key.length);
    if (change->value.length > 0)
        memcpy(bytes + change->key.length, change->value.data, change->value.length);
    model->records[index] = (struct shelf_record){change->table, bytes, change->key.length, change->value.length};
}

static bool has_prefix(const struct shelf_record *record, uint8_t table, struct bytes prefix)
{
    return record->table == table && record->key_length >= prefix.length &&
           memcmp(record->key, prefix.data, prefix.length) == 0;
}

static void apply_change(struct model *model, const struct change *change)
{
    const size_t index = find(model, change->table, change->key);
    if (change->kind == CHANGE_DELETE_PREFIX) {
        while (index < model->count && has_prefix(&model->records[index], change->table, change->key))
            take_out(model, index);
        return;
    }
    if (is_at(model, index, change->table, change->key))
        take_out(model, index);
    if (change->kind == CHANGE_PUT)
        put_in(model, index, change);
}

void model_apply(struct model *model, const struct changes *changes)
{
    struct bytes rest = changes_all(changes);
    struct change change;
    while (changes_next(&rest, &change))
        apply_change(model, &change);
}

void model_free(struct model *model)
{
    while (model->count > 0)
        take_out(model, model->count - 1);
    free(model->records);
    *model = (struct model){0};
}

struct comparing {
    const struct model *model;
    size_t next;
};

static const char *compare_next(void *context, uint8_t table, struct bytes key, struct bytes value)
{
    struct comparing *comparing = context;
    const struct model *model = comparing->model;
    const size_t index = comparing->next++;
    if (!is_at(model, index, table, key))
        return index < model->count ? "another key than expected" : "more records than expected";
    const struct shelf_record *record = &model->records[index];
    return bytes_equal(value, bytes_of(record->key + record->key_length, record->value_length))
               ? NULL
               : "another value than expected";
}

const char *shelf_difference(struct shelf *shelf, const struct model *model)
{
    static char error[STORE_ERROR_SIZE];
    struct comparing comparing = {.model = model};
    if (!store_load(shelf->store, compare_next, &comparing, error))
        return error;
    return comparing.next == model->count ? NULL : "fewer records than expected";
}

uint64_t random_next(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t mixed = *state;
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

/* Two numbers: a prefix that several records share, and the rest. */
static void random_key(uint64_t *state, uint8_t key[10])
{
    const uint64_t number = random_next(state);
    memset(key, 0, 10);
    key[7] = (uint8_t)(number % 8);
    key[8] = (uint8_t)(number >> 8 & 1);
    key[9] = (uint8_t)(number >> 16 & 0x1f);
}

static size_t random_length(uint64_t *state, size_t largest)
{
    const uint64_t number = random_next(state);
    return (size_t)((number >> 8) % ((number & 15) == 0 ? largest : largest / 32 + 1));
}

void random_changes(uint64_t *state, struct changes *changes, unsigned count, size_t largest)
{
    uint8_t key[10];
    uint8_t *value = malloc(largest + 1);
    ck_assert(value != NULL);
    for (unsigned i = 0; i < count; i++) {
        const uint8_t table = (uint8_t)(random_next(state) % TABLE_COUNT);
        const uint64_t choice = random_next(state) % 100;
        random_key(state, key);
        if (choice < 60) {
            const size_t length = random_length(state, largest);
            memset(value, (int)(random_next(state) & 0xff), length);
            shelf_put(changes, table, bytes_of(key, sizeof key), bytes_of(value, length));
        } else if (choice < 98) {
            shelf_delete(changes, table, bytes_of(key, sizeof key));
        } else {
            shelf_delete_prefix(changes, table, bytes_of(key, 8));
        }
    }
    free(value);
}
