/* memory-tests: the scenario again and again; the first time the first allocation inside the broker
 * fails, the second time the second, and so on until none fails. The broker must neither crash nor leak
 * nor break an assertion, everybody but who was in need of that memory goes on being served, and
 * afterwards all works.
 *
 * All this without storage and with it, where the broker dies and another one goes on from what is stored.
 *
 * `memory-tests [N [stored]]` plays the scenario once, with the N-th allocation failing: for a debugger. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mqtt/broker_state.h"
#include "scenario.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);

static struct {
    unsigned long failing; /* which allocation fails; 0: none */
    unsigned long made;    /* allocations so far, inside the broker */
    long outstanding;      /* blocks allocated and not freed, everywhere */
    bool inside;           /* the broker is running, not the test */
} memory;

static bool fails(void)
{
    return memory.inside && ++memory.made == memory.failing;
}

static void *count(void *block)
{
    memory.outstanding += block != NULL;
    return block;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : count(__real_malloc(size));
}

void *__wrap_calloc(size_t number, size_t size)
{
    return fails() ? NULL : count(__real_calloc(number, size));
}

void *__wrap_realloc(void *block, size_t size)
{
    if (fails())
        return NULL;
    void *moved = __real_realloc(block, size);
    return block ? moved : count(moved);
}

void __wrap_free(void *block)
{
    memory.outstanding -= block != NULL;
    __real_free(block);
}

_Noreturn void harness_fail(const char *format, ...)
{
    va_list arguments;
    fprintf(stderr, "memory-tests %lu: ", memory.failing);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    printf("%lu passed, 1 failed, 0 skipped\n", memory.failing ? memory.failing - 1 : 0);
    fflush(stdout);
    _exit(EXIT_FAILURE);
}

/* An assertion of the broker: say which allocation it was. */
static void aborted(int signal_number)
{
    char text[80];
    const int length = snprintf(text, sizeof text, "memory-tests %lu: aborted\n", memory.failing);
    if (write(STDERR_FILENO, text, (size_t)length) < 0)
        _exit(EXIT_FAILURE);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void enter(void)
{
    memory.inside = true;
}

static void leave(void)
{
    memory.inside = false;
}

/* Plays with the given allocation failing; whether there was so many. */
static bool play(unsigned long failing, enum storage storage)
{
    const long before = memory.outstanding;
    memory.failing = failing;
    memory.made = 0;
    struct broker_settings settings = broker_default_settings();
    settings.maximum_queued = 50;
    settings.maximum_output = 20000;
    struct harness *harness = storage == STORAGE_NONE
                                  ? harness_create(&settings)
                                  : harness_create_asking(&settings, storage, &scenario_judge);
    harness->enter = enter;
    harness->leave = leave;
    unsigned promises = SCENARIO_PROMISES;
    if (storage == STORAGE_NONE)
        scenario_play(harness);
    else
        promises = scenario_play_stored(harness);
    if (failing == 0 && promises != SCENARIO_PROMISES)
        harness_fail("only %u promises: the scenario has lost its way", promises);
    const bool failed = failing > 0 && memory.made >= failing;
    harness->enter = NULL;
    harness->leave = NULL;
    scenario_prove(harness);
    if (storage != STORAGE_NONE)
        stored_check(harness);
    harness_destroy(harness);
    if (memory.outstanding != before)
        harness_fail("%ld blocks are not freed", memory.outstanding - before);
    return failed;
}

/* The creation of a broker: each of its allocations. */
static unsigned long create(void)
{
    const struct broker_settings settings = broker_default_settings();
    struct harness *lender = harness_create(NULL); /* lends its randomness */
    const long before = memory.outstanding;
    struct broker *broker = NULL;
    unsigned long failing = 0;
    while (!broker) {
        memory.failing = ++failing;
        memory.made = 0;
        enter();
        broker = broker_create(&settings, &lender->broker->environment);
        leave();
        if (!broker && memory.outstanding != before)
            harness_fail("broker_create leaves %ld blocks", memory.outstanding - before);
    }
    broker_destroy(broker);
    harness_destroy(lender);
    return failing - 1;
}

/* Every allocation of the scenario fails once; how many there are. */
static unsigned long play_all(enum storage storage, const char *name)
{
    play(0, storage);
    printf("%lu allocations in the scenario %s storage\n", memory.made, name);
    fflush(stdout);
    unsigned long failing = 1;
    while (play(failing, storage))
        failing++;
    if (failing < 500)
        harness_fail("only %lu allocations: the scenario has lost its way", failing);
    return failing - 1;
}

int main(int argc, char **argv)
{
    signal(SIGABRT, aborted);
    if (argc > 1) {
        const enum storage storage = argc > 2 ? STORAGE_PROMISED : STORAGE_NONE;
        const bool failed = play(strtoul(argv[1], NULL, 10), storage);
        printf("%s\n1 passed, 0 failed, 0 skipped\n", failed ? "an allocation failed" : "none failed");
        return EXIT_SUCCESS;
    }
    unsigned long passed = create();
    printf("%lu allocations while a broker is created\n", passed);
    passed += play_all(STORAGE_NONE, "without");
    passed += play_all(STORAGE_PROMISED, "with");
    printf("%lu passed, 0 failed, 0 skipped\n", passed);
    return EXIT_SUCCESS;
}
