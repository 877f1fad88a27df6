/* harness_fail for unit-tests: fails the test that is running. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "broker_harness.h"

_Noreturn void harness_fail(const char *format, ...)
{
    char text[4000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    ck_abort_msg("%s", text);
    abort();
}
