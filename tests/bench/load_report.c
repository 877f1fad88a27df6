/* The line of JSON. Names and texts come from this program and need no escapes, but for the error message. */
#include "load.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

static void report_add(struct load *load, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void report_add(struct load *load, const char *format, ...)
{
    struct report *report = &load->report;
    va_list arguments;
    va_start(arguments, format);
    int added = vsnprintf(report->text + report->length, REPORT_SIZE - report->length, format, arguments);
    va_end(arguments);
    if (added > 0 && (size_t)added < REPORT_SIZE - report->length) {
        report->length += (size_t)added;
    }
}

static const char *separator(const struct load *load)
{
    return load->report.length > 0 ? ", " : "";
}

void report_number(struct load *load, const char *name, double value)
{
    if (isfinite(value)) {
        report_add(load, "%s\"%s\": %.10g", separator(load), name, value);
        fprintf(stderr, "  %-28s %.6g\n", name, value);
    }
}

void report_text(struct load *load, const char *name, const char *value)
{
    report_add(load, "%s\"%s\": \"", separator(load), name);
    for (; *value != '\0'; value++) {
        bool plain = *value >= ' ' && *value != '"' && *value != '\\';
        report_add(load, "%c", plain ? *value : '?');
    }
    report_add(load, "\"");
}

void report_print(struct load *load)
{
    printf("{%s}\n", load->report.text);
    fflush(stdout);
}
