/* Reading whole tables, many records at a time: part of store_tables. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "store_directory.h"
#include "store_tables.h"

enum { FIRST_BUFFER_SIZE = 1 << 20, KEY_SHOWN = 32 };

struct loading {
    struct tables *tables;
    unsigned table;
    const char *(*each)(void *context, uint8_t table, struct bytes key, struct bytes value);
    void *context;
    char *error;
    DBT key;    /* the first one of the buffer; its data are owned */
    DBT buffer; /* its data are owned */
};

/* The key that is wrong, in hexadecimal: what it means only the records know. */
static bool refuse_record(struct loading *loading, struct bytes key, const char *cause)
{
    char hexadecimal[KEY_SHOWN * 2 + 1] = "";
    for (size_t i = 0; i < key.length && i < KEY_SHOWN; i++)
        snprintf(hexadecimal + i * 2, 3, "%02x", key.data[i]);
    snprintf(loading->error, STORE_ERROR_SIZE,
             "%s: table %s, key %s%s: %s. Restore a backup (`etalon-store verify DIRECTORY` tells what is "
             "left).",
             loading->tables->options.path, record_table_name((enum record_table)loading->table), hexadecimal,
             key.length > KEY_SHOWN ? "..." : "", cause);
    return false;
}

static bool refuse_table(struct loading *loading, int error)
{
    char reason[TABLES_REASON_SIZE];
    char name[STORE_FILE_NAME_SIZE];
    snprintf(loading->error, STORE_ERROR_SIZE,
             "%s is damaged: the file %s cannot be read: %s. Restore a backup (`etalon-store verify DIRECTORY` "
             "tells what is left).",
             loading->tables->options.path, store_directory_table_file(loading->table, name),
             tables_reason(loading->tables, error, reason));
    return false;
}

static bool give_buffer(struct loading *loading)
{
    void *position;
    DB_MULTIPLE_INIT(position, &loading->buffer);
    for (;;) {
        void *key;
        void *value;
        size_t key_length;
        size_t value_length;
        DB_MULTIPLE_KEY_NEXT(position, &loading->buffer, key, key_length, value, value_length);
        if (!position)
            return true;
        const char *wrong = loading->each(loading->context, (uint8_t)loading->table, bytes_of(key, key_length),
                                          bytes_of(value, value_length));
        if (wrong)
            return refuse_record(loading, bytes_of(key, key_length), wrong);
    }
}

/* One record may be larger than the buffer, which then says by how much. */
static bool grow_buffer(DBT *buffer)
{
    const uint32_t wanted = ((buffer->size > buffer->ulen ? buffer->size : buffer->ulen) / 4096 + 2) * 4096;
    void *larger = realloc(buffer->data, wanted);
    if (!larger)
        return false;
    buffer->data = larger;
    buffer->ulen = wanted;
    return true;
}

static int next_records(struct loading *loading, DBC *cursor)
{
    for (;;) {
        DBT key = {.flags = DB_DBT_MALLOC}; /* the first key comes here as well; nobody needs it */
        const int error = cursor->get(cursor, &loading->key, &loading->buffer, DB_NEXT | DB_MULTIPLE_KEY);
        free(key.data);
        if (error != DB_BUFFER_SMALL)
            return error;
        if (!grow_buffer(&loading->buffer))
            return ENOMEM;
    }
}

static bool load_table(struct loading *loading)
{
    DB *table = loading->tables->tables[loading->table];
    DBC *cursor;
    int error = table->cursor(table, NULL, &cursor, 0);
    if (error != 0)
        return refuse_table(loading, error);
    bool good = true;
    while (good && error == 0) {
        error = next_records(loading, cursor);
        if (error == 0)
            good = give_buffer(loading);
        else if (error != DB_NOTFOUND)
            good = refuse_table(loading, error);
    }
    cursor->close(cursor);
    return good;
}

bool tables_load(struct tables *tables,
                 const char *(*each)(void *context, uint8_t table, struct bytes key, struct bytes value),
                 void *context, char error[STORE_ERROR_SIZE])
{
    struct loading loading = {
        .tables = tables,
        .each = each,
        .context = context,
        .error = error,
        .key = {.flags = DB_DBT_REALLOC},
        .buffer = {.ulen = FIRST_BUFFER_SIZE, .flags = DB_DBT_USERMEM},
    };
    loading.buffer.data = malloc(FIRST_BUFFER_SIZE);
    if (!loading.buffer.data) {
        snprintf(error, STORE_ERROR_SIZE, "%s: not enough memory to read the store", tables->options.path);
        return false;
    }
    bool good = true;
    for (loading.table = 0; good && loading.table < TABLE_COUNT; loading.table++)
        good = load_table(&loading);
    free(loading.key.data);
    free(loading.buffer.data);
    return good;
}
