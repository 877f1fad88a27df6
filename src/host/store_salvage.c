#include "store_salvage.h"

#include <db.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../mqtt/4_01_1_records.h"
#include "store_directory.h"

enum { PATH_SIZE = 4096 };

/* Berkeley DB would write to standard error what the caller is told anyway. */
static void say_nothing(const DB_ENV *environment, const char *prefix, const char *text)
{
    (void)environment, (void)prefix, (void)text;
}

/* 0: there was no more; -1: the caller has had enough; else the error. */
static int read_records(DB *table, uint8_t number, const struct salvage_sink *sink)
{
    DBT key = {0};
    DBT value = {0};
    DBC *cursor;
    int error = table->cursor(table, NULL, &cursor, 0);
    if (error != 0)
        return error;
    while ((error = cursor->get(cursor, &key, &value, DB_NEXT)) == 0) {
        if (!sink->record(sink->context, number, bytes_of(key.data, key.size),
                          bytes_of(value.data, value.size))) {
            error = -1;
            break;
        }
    }
    cursor->close(cursor);
    return error == DB_NOTFOUND ? 0 : error;
}

static int read_table(const char *directory, uint8_t number, const struct salvage_sink *sink)
{
    char path[PATH_SIZE];
    char name[STORE_FILE_NAME_SIZE];
    DB *table;
    if (snprintf(path, sizeof path, "%s/%s", directory, store_directory_table_file(number, name)) >=
        PATH_SIZE)
        return ENAMETOOLONG;
    int error = db_create(&table, NULL, 0);
    if (error != 0)
        return error;
    table->set_errcall(table, say_nothing);
    error = table->open(table, NULL, path, NULL, DB_BTREE, DB_RDONLY, 0);
    if (error == 0)
        error = read_records(table, number, sink);
    table->close(table, 0);
    return error;
}

void store_salvage(const char *directory, unsigned first, const struct salvage_sink *sink)
{
    for (uint8_t number = (uint8_t)first; number < TABLE_COUNT; number++) {
        const int error = read_table(directory, number, sink);
        if (error == -1)
            return;
        sink->table(sink->context, number, error == 0 ? NULL : db_strerror(error));
    }
}
