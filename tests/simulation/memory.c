/* memory: counts the blocks that are allocated and not freed. Prefix: memory_ */
#include <stddef.h>

#include "simulation.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);

static long outstanding;

long memory_blocks(void)
{
    return outstanding;
}

static void *count(void *block)
{
    outstanding += block != NULL;
    return block;
}

void *__wrap_malloc(size_t size)
{
    return count(__real_malloc(size));
}

void *__wrap_calloc(size_t number, size_t size)
{
    return count(__real_calloc(number, size));
}

void *__wrap_realloc(void *block, size_t size)
{
    void *moved = __real_realloc(block, size);
    return block ? moved : count(moved);
}

void __wrap_free(void *block)
{
    outstanding -= block != NULL;
    __real_free(block);
}
