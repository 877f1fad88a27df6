#include "unix_socket.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { MODE = S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP };

static int open_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const size_t length = strlen(path);
    assert(length < sizeof address.sun_path);
    memcpy(address.sun_path, path, length);
    return address;
}

static int connect_to(const struct sockaddr_un *address)
{
    const int descriptor = open_socket();
    if (descriptor < 0)
        return errno;
    const int error = connect(descriptor, (const struct sockaddr *)address, sizeof *address) == 0 ? 0 : errno;
    close(descriptor);
    return error;
}

/* Makes place for a new socket. False, with errno: there is something that may not be removed. */
static bool remove_stale(const char *path)
{
    struct stat status;
    const struct sockaddr_un address = address_of(path);
    if (lstat(path, &status) != 0)
        return errno == ENOENT;
    if (!S_ISSOCK(status.st_mode)) {
        errno = ENOTSOCK;
        return false;
    }
    if (connect_to(&address) == ECONNREFUSED) /* nobody listens */
        return unlink(path) == 0;
    errno = EADDRINUSE;
    return false;
}

/* The mode is set before there is a file, so that it's never open to everybody; and again afterwards, because
 * the umask may have taken some of it away. */
static bool bind_to(int descriptor, const char *path)
{
    const struct sockaddr_un address = address_of(path);
    return fchmod(descriptor, MODE) == 0 &&
           bind(descriptor, (const struct sockaddr *)&address, sizeof address) == 0 && chmod(path, MODE) == 0;
}

int unix_socket_listen(const char *path, int backlog, struct stat *file)
{
    if (!remove_stale(path))
        return -1;
    const int descriptor = open_socket();
    if (descriptor < 0)
        return -1;
    if (bind_to(descriptor, path) && stat(path, file) == 0 && listen(descriptor, backlog) == 0)
        return descriptor;
    const int error = errno;
    close(descriptor);
    errno = error;
    return -1;
}

void unix_socket_remove(const char *path, const struct stat *file)
{
    struct stat status;
    if (lstat(path, &status) == 0 && status.st_dev == file->st_dev && status.st_ino == file->st_ino)
        unlink(path);
}
