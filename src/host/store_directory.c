#include "store_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../mqtt/4_01_1_records.h"

#define FORMAT_FILE "etalon-store"
#define FORMAT_FILE_NEW "etalon-store.new"
#define FORMAT_TEXT "etalon store, format "
#define LOCK_FILE "lock"
#define COPYING_FILE "copying"

enum { TEXT_SIZE = 64, BLOCK_SIZE = 1 << 20 };

const char *store_directory_table_file(unsigned table, char name[STORE_FILE_NAME_SIZE])
{
    snprintf(name, STORE_FILE_NAME_SIZE, "%s.db", record_table_name((enum record_table)table));
    return name;
}

static bool is_table_file(const char *name)
{
    char table[STORE_FILE_NAME_SIZE];
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        if (strcmp(name, store_directory_table_file(i, table)) == 0)
            return true;
    }
    return false;
}

static bool is_log_file(const char *name)
{
    return strlen(name) == 14 && strncmp(name, "log.", 4) == 0 && strspn(name + 4, "0123456789") == 10;
}

/* Berkeley DB makes files under such a name and renames them. */
static bool is_temporary_file(const char *name)
{
    return strncmp(name, "__db.", 5) == 0;
}

static bool is_database_file(const char *name)
{
    return is_table_file(name) || is_log_file(name) || is_temporary_file(name);
}

/* What may be there without anybody's having put it there: lost+found is in every new file system. */
static bool is_neutral(const char *name)
{
    static const char *const names[] = {".", "..", "lost+found", LOCK_FILE, COPYING_FILE, FORMAT_FILE_NEW};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

/* Calls `each` for every name until it returns something else than 0, and returns that. */
static int for_each_file(const struct store_directory *directory,
                         int (*each)(const struct store_directory *directory, const char *name, void *context),
                         void *context)
{
    const int descriptor = openat(directory->descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = descriptor >= 0 ? fdopendir(descriptor) : NULL;
    if (!entries) {
        const int error = errno;
        if (descriptor >= 0)
            close(descriptor);
        return error;
    }
    int result = 0;
    const struct dirent *entry;
    while (result == 0 && (entry = readdir(entries)))
        result = each(directory, entry->d_name, context);
    closedir(entries);
    return result;
}

static bool file_exists(const struct store_directory *directory, const char *name)
{
    return faccessat(directory->descriptor, name, F_OK, 0) == 0;
}

/* The beginning of a small file as text. False: errno says why. */
static bool read_text(int descriptor, char text[TEXT_SIZE])
{
    const ssize_t length = pread(descriptor, text, TEXT_SIZE - 1, 0);
    if (length < 0)
        return false;
    text[length] = '\0';
    return true;
}

static bool refuse(char error[STORE_ERROR_SIZE], const struct store_directory *directory, const char *what)
{
    snprintf(error, STORE_ERROR_SIZE, "%s %s", directory->path, what);
    return false;
}

static bool refuse_errno(char error[STORE_ERROR_SIZE], const struct store_directory *directory,
                         const char *what)
{
    snprintf(error, STORE_ERROR_SIZE, "%s: %s: %s", directory->path, what, strerror(errno));
    return false;
}

/* The number in the format file's text; 0: it's not such a text. */
static unsigned long parse_format(const char *text)
{
    const size_t begin = strlen(FORMAT_TEXT);
    if (strncmp(text, FORMAT_TEXT, begin) != 0 || text[begin] < '1' || text[begin] > '9')
        return 0;
    char *end;
    const unsigned long number = strtoul(text + begin, &end, 10);
    return strcmp(end, "\n") == 0 ? number : 0;
}

static bool check_format(const struct store_directory *directory, char error[STORE_ERROR_SIZE])
{
    char text[TEXT_SIZE];
    const int descriptor = openat(directory->descriptor, FORMAT_FILE, O_RDONLY | O_CLOEXEC);
    const bool read = descriptor >= 0 && read_text(descriptor, text);
    if (!read)
        refuse_errno(error, directory, "cannot read the file " FORMAT_FILE);
    if (descriptor >= 0)
        close(descriptor);
    if (!read)
        return false;
    const unsigned long format = parse_format(text);
    if (format == RECORD_FORMAT)
        return true;
    if (format == 0)
        return refuse(error, directory, "is no store, or a damaged one: its file " FORMAT_FILE
                                        " is not as etalon writes it. Restore a backup, or choose another "
                                        "directory. Nothing was changed.");
    snprintf(error, STORE_ERROR_SIZE,
             "%s was written by a %s version of etalon (format %lu, this version knows format %u). Use that "
             "version, or choose another directory. Nothing was changed.",
             directory->path, format > RECORD_FORMAT ? "newer" : "different", format, RECORD_FORMAT);
    return false;
}

static int find_foreign(const struct store_directory *directory, const char *name, void *context)
{
    if (is_neutral(name) || (file_exists(directory, FORMAT_FILE_NEW) && is_database_file(name)))
        return 0;
    snprintf(context, NAME_MAX + 1, "%s", name);
    return -1;
}

static bool check_empty(const struct store_directory *directory, char error[STORE_ERROR_SIZE])
{
    char name[NAME_MAX + 1];
    const int result = for_each_file(directory, find_foreign, name);
    if (result == 0)
        return true;
    if (result > 0) {
        errno = result;
        return refuse_errno(error, directory, "cannot read the directory");
    }
    snprintf(error, STORE_ERROR_SIZE,
             "%s is no store of etalon (it has no file " FORMAT_FILE ") and is not empty (there is \"%.200s\"). "
             "Choose another directory. Nothing was changed.",
             directory->path, name);
    return false;
}

static int find_log(const struct store_directory *directory, const char *name, void *context)
{
    (void)directory, (void)context;
    return is_log_file(name) ? -1 : 0;
}

/* A table that is not there would be taken for an empty one, and without the log what was committed last is lost. */
static bool check_complete(const struct store_directory *directory, char error[STORE_ERROR_SIZE])
{
    const char *missing = NULL;
    char name[STORE_FILE_NAME_SIZE];
    for (unsigned i = 0; i < TABLE_COUNT && !missing; i++) {
        if (!file_exists(directory, store_directory_table_file(i, name)))
            missing = name;
    }
    if (!missing && for_each_file(directory, find_log, NULL) == 0)
        missing = "log.*";
    if (!missing)
        return true;
    snprintf(error, STORE_ERROR_SIZE,
             "%s is damaged: the file %s is missing. Restore a backup (`etalon-store verify DIRECTORY` tells "
             "what is left). Nothing was changed.",
             directory->path, missing);
    return false;
}

/* What the directory is. Changes nothing. */
static bool examine(struct store_directory *directory, char error[STORE_ERROR_SIZE])
{
    directory->is_new = !file_exists(directory, FORMAT_FILE) && errno == ENOENT;
    if (directory->is_new)
        return check_empty(directory, error);
    return check_format(directory, error) && check_complete(directory, error);
}

static bool open_directory(struct store_directory *directory, char error[STORE_ERROR_SIZE])
{
    directory->descriptor = open(directory->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory->descriptor < 0 && errno == ENOENT) {
        if (mkdir(directory->path, 0700) != 0)
            return refuse_errno(error, directory, "cannot make the directory");
        directory->made = true;
        directory->descriptor = open(directory->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    return directory->descriptor >= 0 || refuse_errno(error, directory, "cannot open the directory");
}

static bool refuse_used(const struct store_directory *directory, char error[STORE_ERROR_SIZE])
{
    char text[TEXT_SIZE];
    const long number = read_text(directory->lock, text) ? strtol(text, NULL, 10) : 0;
    if (number <= 0)
        return refuse(error, directory, "is used by another process. Stop it, or choose another directory.");
    snprintf(error, STORE_ERROR_SIZE,
             "%s is used by another process, number %ld. Stop it, or choose another directory.", directory->path,
             number);
    return false;
}

static bool take_lock(struct store_directory *directory, char error[STORE_ERROR_SIZE])
{
    directory->lock = openat(directory->descriptor, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (directory->lock < 0)
        return refuse_errno(error, directory, "cannot write to it (file " LOCK_FILE ")");
    if (flock(directory->lock, LOCK_EX | LOCK_NB) == 0)
        return true;
    if (errno == EWOULDBLOCK)
        refuse_used(directory, error);
    else
        refuse_errno(error, directory, "cannot lock it (file " LOCK_FILE ")");
    close(directory->lock);
    directory->lock = -1;
    return false;
}

static int remove_database_file(const struct store_directory *directory, const char *name, void *context)
{
    (void)context;
    if (is_database_file(name))
        unlinkat(directory->descriptor, name, 0);
    return 0;
}

/* Everything of a store that never was complete. The format file goes last: it says that the rest may go. */
static void remove_unfinished(const struct store_directory *directory)
{
    for_each_file(directory, remove_database_file, NULL);
    unlinkat(directory->descriptor, FORMAT_FILE_NEW, 0);
}

static bool begin_new(struct store_directory *directory, char error[STORE_ERROR_SIZE])
{
    remove_unfinished(directory);
    const int descriptor =
        openat(directory->descriptor, FORMAT_FILE_NEW, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const bool written = descriptor >= 0 && dprintf(descriptor, FORMAT_TEXT "%u\n", RECORD_FORMAT) > 0 &&
                         fsync(descriptor) == 0 && fsync(directory->descriptor) == 0;
    if (!written)
        refuse_errno(error, directory, "cannot write the file " FORMAT_FILE_NEW);
    if (descriptor >= 0)
        close(descriptor);
    return written;
}

static bool open_and_lock(struct store_directory *directory, char error[STORE_ERROR_SIZE])
{
    if (!open_directory(directory, error) || !examine(directory, error) || !take_lock(directory, error))
        return false;
    /* Before the lock was taken another process may have been at work. */
    if (!examine(directory, error))
        return false;
    struct stat status;
    directory->unclean = !directory->is_new && fstat(directory->lock, &status) == 0 && status.st_size > 0;
    return !directory->is_new || begin_new(directory, error);
}

bool store_directory_open(struct store_directory *directory, const char *path, char error[STORE_ERROR_SIZE])
{
    *directory = (struct store_directory){.descriptor = -1, .lock = -1, .path = strdup(path)};
    if (!directory->path) {
        snprintf(error, STORE_ERROR_SIZE, "%s: not enough memory", path);
        return false;
    }
    if (open_and_lock(directory, error))
        return true;
    store_directory_close(directory, false);
    return false;
}

bool store_directory_settle(struct store_directory *directory, char error[STORE_ERROR_SIZE])
{
    if (ftruncate(directory->lock, 0) != 0 || dprintf(directory->lock, "%ld\n", (long)getpid()) < 0)
        return refuse_errno(error, directory, "cannot write the file " LOCK_FILE);
    if (!directory->is_new)
        return true;
    const int folder = directory->descriptor;
    if (renameat(folder, FORMAT_FILE_NEW, folder, FORMAT_FILE) != 0)
        return refuse_errno(error, directory, "cannot write the file " FORMAT_FILE);
    if (fsync(folder) != 0) {
        refuse_errno(error, directory, "cannot write the directory");
        renameat(folder, FORMAT_FILE, folder, FORMAT_FILE_NEW); /* it goes with the rest */
        return false;
    }
    directory->is_new = false;
    return true;
}

void store_directory_close(struct store_directory *directory, bool clean)
{
    if (directory->lock >= 0 && directory->is_new) {
        remove_unfinished(directory);
        unlinkat(directory->descriptor, COPYING_FILE, 0);
        unlinkat(directory->descriptor, LOCK_FILE, 0);
    }
    if (directory->made && directory->is_new)
        rmdir(directory->path);
    if (directory->lock >= 0) {
        /* If this fails the next start believes in a crash, which is harmless. */
        if (clean && ftruncate(directory->lock, 0) == 0)
            fdatasync(directory->lock);
        close(directory->lock);
    }
    if (directory->descriptor >= 0)
        close(directory->descriptor);
    free(directory->path);
    *directory = (struct store_directory){.descriptor = -1, .lock = -1};
}

int store_directory_open_copying(const struct store_directory *directory)
{
    return openat(directory->descriptor, COPYING_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

int store_directory_sync(const struct store_directory *directory)
{
    return fsync(directory->descriptor) == 0 ? 0 : errno;
}

/* Holes stay holes: a log file is mostly one. */
static int rewrite_block(int descriptor, char *block, off_t *position)
{
    *position = lseek(descriptor, *position, SEEK_DATA);
    if (*position < 0)
        return errno; /* ENXIO: there is no more */
    const off_t end = lseek(descriptor, *position, SEEK_HOLE);
    if (end < 0)
        return errno;
    const size_t wanted = end - *position < BLOCK_SIZE ? (size_t)(end - *position) : BLOCK_SIZE;
    const ssize_t length = pread(descriptor, block, wanted, *position);
    if (length < 0)
        return errno;
    if (length == 0)
        return ENXIO;
    const ssize_t written = pwrite(descriptor, block, (size_t)length, *position);
    if (written <= 0)
        return written < 0 ? errno : ENOSPC;
    *position += written;
    return 0;
}

static int rewrite_content(int descriptor)
{
    char *block = malloc(BLOCK_SIZE);
    if (!block)
        return ENOMEM;
    off_t position = 0;
    int error = 0;
    while (error == 0)
        error = rewrite_block(descriptor, block, &position);
    free(block);
    if (error != ENXIO)
        return error;
    return fsync(descriptor) == 0 ? 0 : errno;
}

static int rewrite_file(const struct store_directory *directory, const char *name, void *context)
{
    (void)context;
    if (!is_table_file(name) && !is_log_file(name))
        return 0;
    const int descriptor = openat(directory->descriptor, name, O_RDWR | O_CLOEXEC);
    if (descriptor < 0)
        return errno;
    const int error = rewrite_content(descriptor);
    close(descriptor);
    return error;
}

int store_directory_rewrite(const struct store_directory *directory)
{
    return for_each_file(directory, rewrite_file, NULL);
}

static int add_size(const struct store_directory *directory, const char *name, void *context)
{
    uint64_t *size = context;
    struct stat status;
    if (fstatat(directory->descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode))
        *size += (uint64_t)status.st_blocks * 512;
    return 0;
}

uint64_t store_directory_size(const struct store_directory *directory)
{
    uint64_t size = 0;
    for_each_file(directory, add_size, &size);
    return size;
}
