#include "memory.h"

#include <stdio.h>
#include <stdlib.h>

/* A list: a run of the suite leaves a few hundred entries at most. */
struct memory_entry {
    struct memory_entry *next;
    const char *kind;
    struct bytes key;
    struct bytes value; /* both stand behind the entry */
};

void *grow_or_die(void *block, size_t size)
{
    void *grown = realloc(block, size == 0 ? 1 : size);
    if (grown == NULL) {
        fputs("etalon-mutant: out of memory\n", stderr);
        exit(2);
    }
    return grown;
}

void *allocate_or_die(size_t count)
{
    void *block = grow_or_die(NULL, count);
    memset(block, 0, count);
    return block;
}

/* The place where a pointer to the entry stands; that of the list's end if there is none. */
static struct memory_entry **find(struct memory *memory, const char *kind, struct bytes key)
{
    struct memory_entry **place = &memory->first;
    while (*place != NULL && (strcmp((*place)->kind, kind) != 0 || !bytes_equal((*place)->key, key)))
        place = &(*place)->next;
    return place;
}

void memory_put(struct memory *memory, const char *kind, struct bytes key, struct bytes value)
{
    struct memory_entry *entry = allocate_or_die(sizeof *entry + key.length + value.length);
    uint8_t *behind = (uint8_t *)(entry + 1);
    if (key.length > 0)
        memcpy(behind, key.data, key.length);
    if (value.length > 0)
        memcpy(behind + key.length, value.data, value.length);
    memory_remove(memory, kind, key); /* after copying: `value` may be what was kept */
    *entry = (struct memory_entry){.next = memory->first,
                                   .kind = kind,
                                   .key = bytes_of(behind, key.length),
                                   .value = bytes_of(behind + key.length, value.length)};
    memory->first = entry;
}

struct bytes memory_get(const struct memory *memory, const char *kind, struct bytes key)
{
    for (const struct memory_entry *entry = memory->first; entry != NULL; entry = entry->next)
        if (strcmp(entry->kind, kind) == 0 && bytes_equal(entry->key, key))
            return entry->value;
    return (struct bytes){NULL, 0};
}

void memory_remove(struct memory *memory, const char *kind, struct bytes key)
{
    struct memory_entry **place = find(memory, kind, key);
    struct memory_entry *entry = *place;
    if (entry == NULL)
        return;
    *place = entry->next;
    free(entry);
}

void memory_clear(struct memory *memory)
{
    while (memory->first != NULL) {
        struct memory_entry *entry = memory->first;
        memory->first = entry->next;
        free(entry);
    }
}
