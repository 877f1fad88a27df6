#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
    LONGEST_TEXT = 1024,
    LONGEST_LINE = 32 + 4 * LONGEST_TEXT /* every byte may become \xNN */
};

/* Writing a line changes nothing of the log but who may write the next one. */
static void lock(const struct log *log)
{
    pthread_mutex_lock((pthread_mutex_t *)(uintptr_t)&log->lock);
}

static void unlock(const struct log *log)
{
    pthread_mutex_unlock((pthread_mutex_t *)(uintptr_t)&log->lock);
}

void log_begin(struct log *log)
{
    *log = (struct log){
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .levels = 1U << LOG_ERROR | 1U << LOG_WARNING | 1U << LOG_NOTICE,
        .timestamp = true,
        .descriptor = STDERR_FILENO,
    };
}

/* Readable by the group, as logs are: what clients call themselves is nobody else's business. */
static int open_file(const struct log *log, const char *name)
{
    int descriptor = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
    if (descriptor < 0)
        log_write(log, LOG_ERROR, "cannot write the log to %s: %s", name, strerror(errno));
    return descriptor;
}

static void close_file(struct log *log)
{
    if (log->owned)
        close(log->descriptor);
    log->owned = false;
    log->descriptor = STDERR_FILENO;
}

bool log_configure(struct log *log, const struct configuration *configuration)
{
    static const int standard[] = {
        [LOG_TO_STDERR] = STDERR_FILENO, [LOG_TO_STDOUT] = STDOUT_FILENO, [LOG_TO_NOWHERE] = -1};
    const struct configuration_log_destination *destination = &configuration->log_destination;
    const bool file = destination->kind == LOG_TO_FILE;
    int descriptor = file ? open_file(log, destination->file) : standard[destination->kind];
    if (file && descriptor < 0)
        return false;
    lock(log);
    close_file(log);
    log->levels = configuration->log_levels;
    log->timestamp = configuration->log_timestamp;
    log->descriptor = descriptor;
    log->owned = file;
    unlock(log);
    return true;
}

void log_end(struct log *log)
{
    lock(log);
    close_file(log);
    unlock(log);
}

/* U+0080 to U+009F, two bytes in UTF-8, steer some terminals as well. */
static bool is_control(const char *text)
{
    unsigned char first = (unsigned char)text[0];
    unsigned char second = first == 0 ? 0 : (unsigned char)text[1];
    return first < 0x20 || first == 0x7F || (first == 0xC2 && second >= 0x80 && second <= 0x9F);
}

/* Returns the number of characters put into `line`, which is long enough for any text. */
static size_t escape(char *line, const char *text)
{
    size_t length = 0;
    for (; *text != '\0'; text++) {
        if (is_control(text))
            length += (size_t)sprintf(line + length, "\\x%02X", (unsigned)(unsigned char)*text);
        else
            line[length++] = *text;
    }
    return length;
}

/* The log is locked. */
static void write_line(const struct log *log, const char *text)
{
    char line[LONGEST_LINE];
    size_t length = log->timestamp ? (size_t)sprintf(line, "%lld: ", (long long)time(NULL)) : 0;
    length += escape(line + length, text);
    line[length++] = '\n';
    /* One call, so that lines of several processes into the same file do not mix. */
    ssize_t written = write(log->descriptor, line, length);
    (void)written;
}

void log_write(const struct log *log, enum log_level level, const char *format, ...)
{
    lock(log);
    if ((log->levels & 1U << level) && log->descriptor >= 0) {
        char text[LONGEST_TEXT];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(text, sizeof text, format, arguments);
        va_end(arguments);
        write_line(log, text);
    }
    unlock(log);
}
