#include "memory_limit.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "configuration.h"

enum { INTERVAL = 20 /* ms */, INTERVAL_ABOVE = 100 /* the allocator takes longer to answer */ };

/* The number in the first line of a file; UINT64_MAX: there is none. */
static uint64_t number_in(const char *name)
{
    char text[64] = "";
    FILE *file = fopen(name, "re");
    if (!file)
        return UINT64_MAX;
    char *line = fgets(text, sizeof text, file);
    fclose(file);
    if (!line || text[0] < '0' || text[0] > '9')
        return UINT64_MAX;
    return strtoull(text, NULL, 10);
}

/* What the machine has, or the control group allows. */
static uint64_t memory_there(void)
{
    static const char *const files[] = {"/sys/fs/cgroup/memory.max",
                                        "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
    uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const uint64_t group = number_in(files[i]);
        memory = group < memory ? group : memory;
    }
    return memory;
}

void memory_limit_begin(struct memory_limit *memory, struct broker *broker, const struct log *log)
{
    *memory = (struct memory_limit){
        .broker = broker, .log = log, .statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)};
}

void memory_limit_configure(struct memory_limit *memory, uint64_t limit)
{
    memory->limit = limit == CONFIGURATION_MEMORY_HALF ? memory_there() / 2 : limit;
    memory->next = 0;
}

/* Resident memory, bytes; UINT64_MAX: unknown. */
static uint64_t resident(const struct memory_limit *memory)
{
    char text[128];
    const ssize_t length = pread(memory->statm, text, sizeof text - 1, 0);
    if (length <= 0)
        return UINT64_MAX;
    text[length] = '\0';
    const char *second = strchr(text, ' ');
    return second ? strtoull(second, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : UINT64_MAX;
}

static uint64_t allocated(void)
{
    const struct mallinfo2 information = mallinfo2();
    return information.uordblks + information.hblkhd;
}

/* Below nine tenths it's enough again, so that the verdict does not change all the time. */
static bool is_short(const struct memory_limit *memory)
{
    const uint64_t bound = memory->is_short ? memory->limit / 10 * 9 : memory->limit;
    return resident(memory) > bound && allocated() > bound;
}

void memory_limit_look(struct memory_limit *memory, uint64_t now)
{
    if (now < memory->next)
        return;
    const bool now_short = memory->limit != 0 && is_short(memory);
    memory->next = now + (now_short ? INTERVAL_ABOVE : INTERVAL);
    if (now_short == memory->is_short)
        return;
    memory->is_short = now_short;
    broker_set_memory_short(memory->broker, now_short);
    if (now_short)
        log_write(memory->log, LOG_WARNING,
                  "memory_limit (%llu bytes) is reached: nothing more is taken that stays in memory",
                  (unsigned long long)memory->limit);
    else
        log_write(memory->log, LOG_NOTICE,
                  "memory is below nine tenths of memory_limit again: everything is taken");
}

uint64_t memory_limit_deadline(const struct memory_limit *memory)
{
    return memory->is_short ? memory->next : UINT64_MAX;
}

void memory_limit_end(struct memory_limit *memory)
{
    if (memory->statm >= 0)
        close(memory->statm);
    memory->statm = -1;
}
