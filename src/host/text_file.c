#include "text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONGEST_COMPLAINT = 200 };

static void complain(const struct text_sink *sink, const char *what, const char *why)
{
    char text[LONGEST_COMPLAINT];
    snprintf(text, sizeof text, "%s%s", what, why);
    sink->mistake(sink->context, 0, text);
}

/* Returns a descriptor, or -1 after complaining. Not blocking, because a FIFO would keep the broker waiting
 * before it is seen that it is none of the files that are read here. */
static int open_file(const char *name, size_t *size, const struct text_sink *sink)
{
    struct stat status;
    const int descriptor = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0 || fstat(descriptor, &status) != 0) {
        complain(sink, "cannot be read: ", strerror(errno));
    } else if (S_ISDIR(status.st_mode)) {
        complain(sink, "is a directory; the name of a file is needed", "");
    } else if (!S_ISREG(status.st_mode)) {
        complain(sink, "is not a regular file", "");
    } else if (status.st_size > TEXT_FILE_LARGEST) {
        complain(sink, "is too large: 256 MiB are possible", "");
    } else {
        *size = (size_t)status.st_size;
        return descriptor;
    }
    if (descriptor >= 0)
        close(descriptor);
    return -1;
}

/* Reads up to `size` bytes; fewer when the file ends before. Returns their number, or -1 with errno. */
static ssize_t read_whole(int descriptor, char *bytes, size_t size)
{
    size_t length = 0;
    while (length < size) {
        const ssize_t count = read(descriptor, bytes + length, size - length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -1;
        if (count == 0)
            break;
        length += (size_t)count;
    }
    return (ssize_t)length;
}

char *text_file_read(const char *name, size_t *length, const struct text_sink *sink)
{
    size_t size = 0;
    const int descriptor = open_file(name, &size, sink);
    if (descriptor < 0)
        return NULL;
    char *bytes = malloc(size + 1);
    const ssize_t count = bytes ? read_whole(descriptor, bytes, size + 1) : -1;
    if (!bytes)
        errno = ENOMEM;
    if (count < 0)
        complain(sink, "cannot be read: ", strerror(errno));
    else if ((size_t)count > size) /* half a line must not be taken for a whole one */
        complain(sink, "is being written at this moment; try again when it is complete", "");
    close(descriptor);
    if (count >= 0 && (size_t)count <= size) {
        *length = (size_t)count;
        return bytes;
    }
    text_file_free(bytes, bytes ? size + 1 : 0);
    return NULL;
}

void text_file_free(char *bytes, size_t length)
{
    if (bytes)
        explicit_bzero(bytes, length);
    free(bytes);
}
