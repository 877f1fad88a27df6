#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
    LONGEST_TEXT = 1024,
    LONGEST_LINE = 32 + 4 * LONGEST_TEXT /* every byte may become \xNN */
};

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

void log_write(const struct log *log, enum log_level level, const char *format, ...)
{
    if (level > log->level)
        return;
    char text[LONGEST_TEXT];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);

    char line[LONGEST_LINE];
    size_t length = (size_t)sprintf(line, "%lld: ", (long long)time(NULL));
    length += escape(line + length, text);
    line[length++] = '\n';
    /* One call, so that lines of several processes into the same file do not mix. */
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written;
}
