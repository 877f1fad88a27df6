#include "faults.h"

#include <db.h>
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

/* Berkeley DB's replaceable functions have no context. */
static struct {
    pthread_mutex_t mutex;
    struct fault fault;
    unsigned long operations;
    unsigned long failed;
} disk = {.mutex = PTHREAD_MUTEX_INITIALIZER};

int __real_fdatasync(int descriptor);
int __real_fsync(int descriptor);
ssize_t __real_pwrite(int descriptor, const void *bytes, size_t length, off_t offset);
int __wrap_fdatasync(int descriptor);
int __wrap_fsync(int descriptor);
ssize_t __wrap_pwrite(int descriptor, const void *bytes, size_t length, off_t offset);

static bool fails(enum fault_target target)
{
    bool result = false;
    pthread_mutex_lock(&disk.mutex);
    const struct fault *fault = &disk.fault;
    if (fault->target == FAULT_ANY || fault->target == target) {
        const unsigned long number = ++disk.operations;
        result = fault->first > 0 && number >= fault->first && number - fault->first < fault->count;
        disk.failed += result;
    }
    errno = result ? fault->error : errno;
    pthread_mutex_unlock(&disk.mutex);
    return result;
}

int __wrap_fdatasync(int descriptor)
{
    return fails(FAULT_SYNCS) ? -1 : __real_fdatasync(descriptor);
}

int __wrap_fsync(int descriptor)
{
    return fails(FAULT_SYNCS) ? -1 : __real_fsync(descriptor);
}

/* Disks and file systems write a block of 4 KiB whole or not at all. */
static size_t half(size_t length)
{
    return length / 2 / 4096 * 4096;
}

static bool is_partial(void)
{
    pthread_mutex_lock(&disk.mutex);
    const bool partly = disk.fault.partly;
    pthread_mutex_unlock(&disk.mutex);
    return partly;
}

ssize_t __wrap_pwrite(int descriptor, const void *bytes, size_t length, off_t offset)
{
    if (!fails(FAULT_WRITES))
        return __real_pwrite(descriptor, bytes, length, offset);
    const int error = errno;
    if (is_partial())
        (void)!__real_pwrite(descriptor, bytes, half(length), offset);
    errno = error;
    return -1;
}

/* After recovery the rest of the last log file is written with zeros, in thousands of writes: few of them count. */
static bool is_filling(int descriptor, size_t length)
{
    return length == 4096 && lseek(descriptor, 0, SEEK_CUR) % (1 << 22) >= 4096;
}

static ssize_t write_or_fail(int descriptor, const void *bytes, size_t length)
{
    if (is_filling(descriptor, length))
        return write(descriptor, bytes, length);
    if (!fails(FAULT_WRITES))
        return write(descriptor, bytes, length);
    const int error = errno;
    if (is_partial())
        (void)!write(descriptor, bytes, half(length));
    errno = error;
    return -1;
}

void faults_install(void)
{
    db_env_set_func_write(write_or_fail);
    db_env_set_func_pwrite(__wrap_pwrite);
}

void faults_set(const struct fault *fault)
{
    pthread_mutex_lock(&disk.mutex);
    disk.fault = *fault;
    disk.operations = 0;
    disk.failed = 0;
    pthread_mutex_unlock(&disk.mutex);
}

unsigned long faults_end(void)
{
    pthread_mutex_lock(&disk.mutex);
    disk.fault = (struct fault){0};
    const unsigned long operations = disk.operations;
    pthread_mutex_unlock(&disk.mutex);
    return operations;
}

unsigned long faults_failed(void)
{
    pthread_mutex_lock(&disk.mutex);
    const unsigned long failed = disk.failed;
    pthread_mutex_unlock(&disk.mutex);
    return failed;
}
