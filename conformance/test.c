#include "test.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "record.h"
#include "verdicts.h"

/* Memory that lives as long as its test. */
struct kept_memory {
    struct kept_memory *next;
    max_align_t bytes[];
};

void *test_allocate(struct test *t, size_t size)
{
    struct kept_memory *memory = calloc(1, sizeof *memory + size);
    if (memory == NULL)
        error(t, "out of memory");
    memory->next = t->memory;
    t->memory = memory;
    return memory->bytes;
}

static const char *format_text(struct test *t, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    assert(length >= 0);
    char *made = test_allocate(t, (size_t)length + 1);
    vsnprintf(made, (size_t)length + 1, format, again);
    va_end(again);
    return made;
}

const char *text(struct test *t, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const char *made = format_text(t, format, arguments);
    va_end(arguments);
    return made;
}

enum statement cite(const struct test *t, enum statement five, enum statement three)
{
    return t->version == PROTOCOL_5_0 ? five : three;
}

/* Whether somebody will want to look into what the test's brokers left behind. */
static bool is_of_interest(const struct test *t, enum verdict_kind verdict)
{
    bool failed = verdict == VERDICT_FAIL && (t->properties_must_hold || !is_property(t->definition));
    return failed || verdict == VERDICT_ERROR;
}

_Noreturn void test_finish(struct test *t, enum verdict_kind verdict, enum statement cited,
                           const char *reason, const char *expected, const char *observed)
{
    if (t->finished)
        _exit(0);
    bool bad = is_of_interest(t, verdict);
    if (bad)
        note_brokers(t);
    record_verdict(t, verdict, cited, reason, expected, observed);
    t->finished = true;
    end_brokers(t, bad);
    tidy_up(t);
    if (t->next == NULL || verdict == VERDICT_FAIL || verdict == VERDICT_ERROR)
        _exit(0); /* what went wrong may go on in the process: the next test gets another one */
    longjmp(*t->next, 1);
}

void test_release(struct test *t)
{
    for (struct client *client = t->clients; client != NULL; client = client->next)
        client_release(client);
    free(t->held);
    while (t->memory != NULL) {
        struct kept_memory *memory = t->memory;
        t->memory = memory->next;
        free(memory);
    }
    *t = (struct test){.records = t->records};
}

/* Ends a test that failed by its own list of statements. When that has nothing that can be broken, the failure
 * is none: what a SHOULD recommends is missed by a warning, and where there are but permissions the test cannot
 * say what is wrong. */
static _Noreturn void finish_by_list(struct test *t, const char *reason, const char *expected,
                                     const char *observed)
{
    size_t at = 0;
    enum statement first = next_statement(t->definition, t->version, &at);
    if (is_property(t->definition) || first == STATEMENT_NONE ||
        breakable_statement(t->definition, t->version) != STATEMENT_NONE)
        test_finish(t, VERDICT_FAIL, STATEMENT_NONE, reason, expected, observed);
    if (strcmp(statement_describe(first)->level, "SHOULD") != 0)
        error(t, "nothing that this test is about forbids what it met: %s", reason);
    warn(t, "%s", reason);
    test_finish(t, VERDICT_WARN, STATEMENT_NONE, "", "", "");
}

_Noreturn void fail(struct test *t, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const char *made = format_text(t, format, arguments);
    va_end(arguments);
    finish_by_list(t, made, t->definition->title, made);
}

_Noreturn void fail_expected(struct test *t, const char *expected, const char *observed_format, ...)
{
    va_list arguments;
    va_start(arguments, observed_format);
    const char *made = format_text(t, observed_format, arguments);
    va_end(arguments);
    finish_by_list(t, text(t, "expected %s; observed %s", expected, made), expected, made);
}

_Noreturn void fail_statement(struct test *t, enum statement five, enum statement three, const char *expected,
                              const char *observed_format, ...)
{
    va_list arguments;
    va_start(arguments, observed_format);
    const char *made = format_text(t, observed_format, arguments);
    va_end(arguments);
    test_finish(t, VERDICT_FAIL, cite(t, five, three), text(t, "expected %s; observed %s", expected, made),
                expected, made);
}

void warn(struct test *t, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    record_note(t, text(t, "warning: %s", format_text(t, format, arguments)));
    va_end(arguments);
    t->warned = true;
}

_Noreturn void skip(struct test *t, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const char *made = format_text(t, format, arguments);
    va_end(arguments);
    test_finish(t, VERDICT_SKIP, STATEMENT_NONE, made, "", "");
}

_Noreturn void error(struct test *t, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const char *made = t->finished ? "" : format_text(t, format, arguments);
    va_end(arguments);
    test_finish(t, VERDICT_ERROR, STATEMENT_NONE, made, "", "");
}

void note(struct test *t, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    record_note(t, format_text(t, format, arguments));
    va_end(arguments);
}

const char *topic(struct test *t, const char *name)
{
    return text(t, "etalon/%s/%u/%s", t->run, t->number, name);
}

const char *shared_filter(struct test *t, const char *group, const char *filter)
{
    return text(t, "$share/%s%s%u/%s", group, t->run, t->number, filter);
}

const char *client_id(struct test *t, const char *name)
{
    assert(strlen(name) <= 8);
    for (const char *at = name; *at != '\0'; at++)
        assert(isalnum((unsigned char)*at));
    return text(t, "e%s%04u%s", t->run, t->number, name); /* 1 + 8 + up to 6 + 8 */
}

double now(struct test *t)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    uint64_t nanoseconds = (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
    return (double)(nanoseconds - t->started) / 1e9;
}

void abridge(struct test *t, size_t bytes)
{
    t->abridged = bytes;
}

void allow_time(struct test *t, double seconds)
{
    record_extension(t, seconds);
}

static bool is_same(const char *left, const char *right)
{
    return left != NULL && right != NULL && strcmp(left, right) == 0;
}

static void leave(struct test *t, const char *left, const char *client_identifier)
{
    for (const struct leftover *known = t->leftovers; known != NULL; known = known->next)
        if (is_same(known->topic, left) || is_same(known->client_identifier, client_identifier))
            return;
    struct leftover *leftover = test_allocate(t, sizeof *leftover);
    *leftover =
        (struct leftover){.topic = left, .client_identifier = client_identifier, .next = t->leftovers};
    t->leftovers = leftover;
    record_leftover(t, left != NULL ? left : client_identifier, left == NULL);
}

void leave_retained(struct test *t, const char *left)
{
    leave(t, left, NULL);
}

void leave_session(struct test *t, const char *client_identifier)
{
    leave(t, NULL, client_identifier);
}
