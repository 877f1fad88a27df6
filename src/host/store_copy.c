#include "store_copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FORMAT_FILE "etalon-store"

enum { PIECE = 1 << 20 }; /* bytes */

/* One copy being made. */
struct copying {
    const char *from;
    const char *to;
    int source; /* the directories */
    int target;
    struct store_copy *copy;
    char *error;
};

static bool fail(const struct copying *copying, const char *what, const char *name, int number)
{
    snprintf(copying->error, STORE_ERROR_SIZE, "%s %s%s%s", what, name, number ? ": " : "",
             number ? strerror(number) : "");
    return false;
}

/* Signals */

static sigset_t ending_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    return signals;
}

void store_copy_hold_signals(void)
{
    const sigset_t signals = ending_signals();
    sigprocmask(SIG_BLOCK, &signals, NULL);
}

void store_copy_release_signals(void)
{
    const sigset_t signals = ending_signals();
    sigprocmask(SIG_UNBLOCK, &signals, NULL);
}

bool store_copy_interrupted(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1 ||
            sigismember(&pending, SIGHUP) == 1);
}

/* The bytes of one file */

/* Through memory, for file systems that copy no ranges. */
static ssize_t copy_block(int from, int to, off_t at, size_t length)
{
    const size_t limit = PIECE;
    void *block = malloc(length < limit ? length : limit);
    if (!block)
        return -1;
    ssize_t count = pread(from, block, length < limit ? length : limit, at);
    if (count > 0)
        count = pwrite(to, block, (size_t)count, at);
    free(block);
    return count;
}

/* Returns the bytes copied at `at`; 0: the file is shorter than it was; -1: errno says why. */
static ssize_t copy_some(int from, int to, off_t at, size_t length)
{
    off_t in = at;
    off_t out = at;
    const ssize_t count = copy_file_range(from, &in, to, &out, length, 0);
    const bool unable =
        count < 0 && (errno == EXDEV || errno == ENOSYS || errno == EINVAL || errno == EOPNOTSUPP);
    /* 0 is also what some kernels say of files that they can't copy in this way */
    return unable || count == 0 ? copy_block(from, to, at, length) : count;
}

/* From `at` to `end`. 0 or errno. */
static int copy_data(struct copying *copying, int from, int to, off_t at, off_t end)
{
    while (at < end) {
        if (store_copy_interrupted())
            return EINTR;
        const size_t left = (size_t)(end - at);
        const ssize_t count = copy_some(from, to, at, left < 16 * PIECE ? left : 16 * PIECE);
        if (count <= 0)
            return count < 0 ? errno : EIO;
        at += count;
        copying->copy->bytes += (uint64_t)count;
    }
    return 0;
}

/* Holes stay holes: a log file is mostly one. 0 or errno. */
static int copy_content(struct copying *copying, int from, int to, off_t size)
{
    off_t at = 0;
    while (at < size) {
        const off_t data = lseek(from, at, SEEK_DATA);
        if (data < 0 && errno == ENXIO)
            break;
        const off_t hole = data < 0 ? -1 : lseek(from, data, SEEK_HOLE);
        if (hole < 0)
            return errno;
        const int error = copy_data(copying, from, to, data, hole < size ? hole : size);
        if (error)
            return error;
        at = hole;
    }
    return ftruncate(to, size) == 0 ? 0 : errno;
}

/* A file system that can shares the blocks instead. 0 or errno. */
static int copy_descriptors(struct copying *copying, int from, int to)
{
    struct stat status;
    if (fstat(from, &status) != 0)
        return errno;
    if (ioctl(to, FICLONE, from) != 0)
        return copy_content(copying, from, to, status.st_size);
    copying->copy->bytes += (uint64_t)status.st_size;
    return 0;
}

static bool copy_file(struct copying *copying, const char *name)
{
    const int from = openat(copying->source, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (from < 0)
        return fail(copying, "cannot read the file", name, errno);
    const int to = openat(copying->target, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int error = to < 0 ? errno : copy_descriptors(copying, from, to);
    close(from);
    if (to >= 0 && close(to) != 0 && !error)
        error = errno;
    copying->copy->files++;
    return !error || fail(copying, "cannot copy the file", name, error);
}

/* The files of the store */

/* What is in the directory and is not the store's stays behind. The format file is copied last: before that
 * nobody takes the copy for a store. */
static bool is_part(const char *name)
{
    static const char *const parts[] = {"lock", "*.db", "log.*", "__db.*"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (fnmatch(parts[i], name, 0) == 0)
            return true;
    }
    return false;
}

/* `entries` is closed. */
static bool for_each_part(struct copying *copying, DIR *entries, bool (*each)(struct copying *, const char *))
{
    const struct dirent *entry;
    bool well = true;
    while (well && (entry = readdir(entries))) {
        if (is_part(entry->d_name))
            well = each(copying, entry->d_name);
    }
    closedir(entries);
    return well;
}

static DIR *open_entries(int directory)
{
    const int descriptor = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = descriptor >= 0 ? fdopendir(descriptor) : NULL;
    if (!entries && descriptor >= 0)
        close(descriptor);
    return entries;
}

static bool copy_files(struct copying *copying)
{
    DIR *entries = open_entries(copying->source);
    if (!entries)
        return fail(copying, "cannot read the directory", copying->from, errno);
    return for_each_part(copying, entries, copy_file) && copy_file(copying, FORMAT_FILE);
}

static bool sync_file(struct copying *copying, const char *name)
{
    const int descriptor = openat(copying->target, name, O_RDONLY | O_CLOEXEC);
    const int error = descriptor < 0 || fsync(descriptor) != 0 ? errno : 0;
    if (descriptor >= 0)
        close(descriptor);
    return !error || fail(copying, "cannot sync the file", name, error);
}

/* Without the lock: it takes time, and nobody else knows of the copy. */
static bool sync_files(struct copying *copying)
{
    DIR *entries = open_entries(copying->target);
    if (!entries)
        return fail(copying, "cannot read the directory", copying->to, errno);
    if (!for_each_part(copying, entries, sync_file) || !sync_file(copying, FORMAT_FILE))
        return false;
    return fsync(copying->target) == 0 || fail(copying, "cannot sync the directory", copying->to, errno);
}

/* The lock and the directories */

static uint64_t microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int refuse(char error[STORE_ERROR_SIZE], const char *from, const char *what, int number)
{
    snprintf(error, STORE_ERROR_SIZE, "%s %s%s%s", from, what, number ? ": " : "",
             number ? strerror(number) : "");
    return -1;
}

int store_copy_lock(const char *from, char error[STORE_ERROR_SIZE])
{
    const int directory = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return refuse(error, from, "cannot be opened", errno);
    if (faccessat(directory, FORMAT_FILE, F_OK, 0) != 0) {
        close(directory);
        return refuse(error, from, "is no store of etalon: it has no file " FORMAT_FILE, 0);
    }
    int lock = openat(directory, "copying", O_RDONLY | O_CLOEXEC);
    if (lock < 0 && errno == ENOENT) /* then nobody writes either */
        return directory;
    if (lock >= 0 && flock(lock, LOCK_EX) != 0) {
        close(lock);
        lock = -1;
    }
    if (lock < 0)
        refuse(error, from, "cannot be locked (file copying)", errno);
    close(directory);
    return lock;
}

static bool open_source(struct copying *copying)
{
    copying->source = open(copying->from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return copying->source >= 0 || fail(copying, "cannot open the directory", copying->from, errno);
}

static bool make_target(struct copying *copying)
{
    if (mkdir(copying->to, 0700) != 0)
        return fail(copying, "cannot make the directory", copying->to, errno);
    copying->target = open(copying->to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copying->target >= 0)
        return true;
    rmdir(copying->to);
    return fail(copying, "cannot open the directory", copying->to, errno);
}

bool store_copy(const char *from, const char *to, int lock, struct store_copy *copy,
                char error[STORE_ERROR_SIZE])
{
    const uint64_t start = microseconds();
    struct copying copying = {
        .from = from, .to = to, .source = -1, .target = -1, .copy = copy, .error = error};
    *copy = (struct store_copy){0};
    bool copied = open_source(&copying) && make_target(&copying) && copy_files(&copying);
    close(lock);
    copy->lock_time = microseconds() - start;
    copied = copied && sync_files(&copying);
    if (copying.source >= 0)
        close(copying.source);
    if (copying.target >= 0)
        close(copying.target);
    if (!copied && copying.target >= 0)
        store_copy_remove(to);
    return copied;
}

bool store_copy_remove(const char *directory)
{
    const int descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *entries = descriptor >= 0 ? fdopendir(descriptor) : NULL;
    if (!entries) {
        if (descriptor >= 0)
            close(descriptor);
        return false;
    }
    const struct dirent *entry;
    while ((entry = readdir(entries)))
        unlinkat(descriptor, entry->d_name, 0); /* which leaves directories alone */
    closedir(entries);
    return rmdir(directory) == 0;
}
