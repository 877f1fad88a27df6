#include "configuration_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LARGEST_FILE = 1 << 20, /* bytes; nobody writes more by hand, and /dev/zero shall not fill the memory */
    LONGEST_COMPLAINT = 1024
};

struct reading {
    const char *name;
    const struct configuration_file_sink *sink;
};

static void complain(const struct reading *reading, const char *what, const char *why)
{
    char text[LONGEST_COMPLAINT];
    snprintf(text, sizeof text, "%s: %s%s", reading->name, what, why);
    reading->sink->complain(reading->sink->context, text);
}

static void on_error(void *context, const struct configuration_error *error)
{
    const struct reading *reading = context;
    char text[LONGEST_COMPLAINT];
    snprintf(text, sizeof text, "%s:%zu:%zu: %s", reading->name, error->line, error->column, error->text);
    reading->sink->complain(reading->sink->context, text);
}

/* Returns a descriptor, or -1 after complaining. Not blocking, because a FIFO would keep the broker
 * waiting before it is seen that it is none of the files that are read here. */
static int open_file(const struct reading *reading)
{
    struct stat status;
    int descriptor = open(reading->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0 || fstat(descriptor, &status) != 0) {
        complain(reading, "cannot be read: ", strerror(errno));
    } else if (S_ISDIR(status.st_mode)) {
        complain(reading, "is a directory; the name of a configuration file is needed", "");
    } else if (!S_ISREG(status.st_mode)) {
        complain(reading, "is not a regular file", "");
    } else if (status.st_size > LARGEST_FILE) {
        complain(reading, "is too large for a configuration: 1 MiB is possible", "");
    } else {
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

static bool parse_file(struct configuration *configuration, struct reading *reading, int descriptor,
                       char *bytes)
{
    const struct configuration_sink sink = {
        .context = reading, .error = on_error, .store_given = reading->sink->store_given};
    const ssize_t length = read_whole(descriptor, bytes, LARGEST_FILE);
    if (length < 0) {
        complain(reading, "cannot be read: ", strerror(errno));
        return false;
    }
    return configuration_parse(configuration, bytes_of(bytes, (size_t)length), &sink);
}

bool configuration_file_read(struct configuration *configuration, const char *name,
                             const struct configuration_file_sink *sink)
{
    struct reading reading = {.name = name, .sink = sink};
    const int descriptor = open_file(&reading);
    if (descriptor < 0)
        return false;
    char *bytes = malloc(LARGEST_FILE);
    const bool read = bytes && parse_file(configuration, &reading, descriptor, bytes);
    if (!bytes)
        complain(&reading, "cannot be read: ", strerror(ENOMEM));
    free(bytes);
    close(descriptor);
    return read;
}
