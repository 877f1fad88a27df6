/* fuzz_base: the containers of src/base against models that are too simple to be wrong.
 *
 * Byte 0 selects the container, then come operations: a byte that says what, and its arguments. */
#include <string.h>

#include "base/hash_map.h"
#include "base/identifier_set.h"
#include "base/timer_heap.h"
#include "fuzz.h"

/* hash_map: against an array of flags. Items share keys, and keys share hashes, so that everything collides.
 */

#define ITEMS 256U
#define KEYS 64U

struct item {
    unsigned key;
    bool in_map;
    bool seen;
};

struct map_model {
    struct hash_map map;
    struct item items[ITEMS];
    unsigned by_key[KEYS]; /* items in the map */
    unsigned count;
};

/* Few slots at home, and homes at the end of the table, where a run of slots wraps around. */
static uint64_t hash_of(unsigned key)
{
    const uint64_t low = key & 3 ? key % 5 : UINT64_MAX - key % 3;
    return low ^ (uint64_t)(key / 8) << 61;
}

static bool has_key(const void *item, const void *key)
{
    return ((const struct item *)item)->key == *(const unsigned *)key;
}

static void check_find(const struct map_model *model, unsigned key)
{
    const struct item *found = hash_map_find(&model->map, hash_of(key), has_key, &key);
    REQUIRE((model->by_key[key] > 0) == (found != NULL));
    REQUIRE(found == NULL || (found->in_map && found->key == key));
}

struct visit {
    unsigned count;
    unsigned limit;
};

static bool on_item(void *context, void *pointer)
{
    struct visit *visit = context;
    struct item *item = pointer;
    REQUIRE(item->in_map && !item->seen);
    item->seen = true;
    return ++visit->count < visit->limit;
}

static void check_each(struct map_model *model, unsigned limit)
{
    struct visit visit = {.limit = limit == 0 ? ITEMS + 1 : limit};
    hash_map_each(&model->map, on_item, &visit);
    REQUIRE(visit.count == (model->count < visit.limit ? model->count : visit.limit));
    for (unsigned i = 0; i < ITEMS; i++)
        model->items[i].seen = false;
}

static void clear_map(struct map_model *model)
{
    hash_map_clear(&model->map);
    REQUIRE(model->map.count == 0 && model->map.slots == NULL);
    for (unsigned i = 0; i < ITEMS; i++)
        model->items[i].in_map = false;
    memset(model->by_key, 0, sizeof model->by_key);
    model->count = 0;
}

static void map_operation(struct map_model *model, uint8_t operation, uint8_t argument)
{
    struct item *item = &model->items[argument];
    switch (operation % 8) {
    case 0:
    case 1:
    case 2:
        if (item->in_map) {
            check_find(model, item->key);
            return;
        }
        REQUIRE(hash_map_insert(&model->map, hash_of(item->key), item));
        item->in_map = true;
        model->by_key[item->key]++;
        model->count++;
        return;
    case 3:
    case 4:
        REQUIRE(hash_map_remove(&model->map, hash_of(item->key), item) == item->in_map);
        model->count -= item->in_map;
        model->by_key[item->key] -= item->in_map;
        item->in_map = false;
        return;
    case 5:
        check_find(model, argument % KEYS);
        return;
    case 6:
        check_each(model, argument);
        return;
    default:
        if (argument == 255)
            clear_map(model);
        else
            REQUIRE(hash_map_reserve(&model->map, argument));
    }
}

static void run_map(struct input *input)
{
    struct map_model model;
    memset(&model, 0, sizeof model);
    for (unsigned i = 0; i < ITEMS; i++)
        model.items[i].key = i % KEYS;
    while (input->at < input->end) {
        const uint8_t operation = input_byte(input);
        map_operation(&model, operation, input_byte(input));
        REQUIRE(model.map.count == model.count);
    }
    check_each(&model, 0);
    for (unsigned key = 0; key < KEYS; key++)
        check_find(&model, key);
    clear_map(&model);
}

/* identifier_set: against one flag per identifier. An argument stands for a range, so that the set grows. */

#define IDENTIFIERS 65536U
#define SAMPLE 251U /* at the end, every identifier that was used and every SAMPLE-th other is looked up */

struct set_model {
    struct identifier_set set;
    bool in_set[IDENTIFIERS];
    bool used[IDENTIFIERS];
    uint32_t count;
};

static void set_operation(struct set_model *model, uint8_t operation, uint16_t identifier)
{
    if (identifier == 0)
        return;
    bool *in_set = &model->in_set[identifier];
    model->used[identifier] = true;
    if (operation % 4 == 3) {
        REQUIRE(identifier_set_remove(&model->set, identifier) == *in_set);
        model->count -= *in_set;
        *in_set = false;
    } else if (operation % 4 == 2) {
        REQUIRE(identifier_set_has(&model->set, identifier) == *in_set);
    } else {
        REQUIRE(identifier_set_add(&model->set, identifier));
        model->count += !*in_set;
        *in_set = true;
    }
    REQUIRE(model->set.count == model->count);
}

static void run_set(struct input *input)
{
    static const unsigned strides[] = {1, 2, 256, 4096};
    struct set_model model;
    memset(&model, 0, sizeof model);
    while (input->at < input->end) {
        const uint8_t operation = input_byte(input);
        const uint16_t first = input_two_bytes(input);
        const unsigned length = 1 + (operation >> 4);
        for (unsigned i = 0; i < length; i++)
            set_operation(&model, operation, (uint16_t)(first + i * strides[operation >> 2 & 3]));
    }
    uint32_t found = 0;
    for (unsigned identifier = 1; identifier < IDENTIFIERS; identifier++) {
        if (!model.used[identifier] && identifier % SAMPLE != 0)
            continue;
        const bool has = identifier_set_has(&model.set, (uint16_t)identifier);
        REQUIRE(has == model.in_set[identifier]);
        found += has;
    }
    REQUIRE(found == model.set.count);
    identifier_set_clear(&model.set);
    REQUIRE(model.set.slots == NULL && !identifier_set_has(&model.set, 1));
}

/* timer_heap: against a look at all timers. */

#define TIMERS 96U

struct heap_model {
    struct timer_heap heap;
    struct timer timers[TIMERS];
    bool set[TIMERS];
    uint64_t deadlines[TIMERS];
};

static uint64_t earliest(const struct heap_model *model)
{
    uint64_t deadline = TIMER_NEVER;
    for (unsigned i = 0; i < TIMERS; i++)
        deadline = model->set[i] && model->deadlines[i] < deadline ? model->deadlines[i] : deadline;
    return deadline;
}

static void check_expire(struct heap_model *model, uint64_t now)
{
    const uint64_t expected = earliest(model);
    struct timer *timer = timer_heap_expire(&model->heap, now);
    REQUIRE((timer != NULL) == (expected != TIMER_NEVER && expected <= now));
    if (timer == NULL)
        return;
    const size_t index = (size_t)(timer - model->timers);
    REQUIRE(index < TIMERS && model->set[index] && model->deadlines[index] == expected);
    REQUIRE(timer->position == 0 && timer->deadline == expected);
    model->set[index] = false;
}

static void heap_operation(struct heap_model *model, uint8_t operation, uint8_t which, uint8_t deadline)
{
    const unsigned index = which % TIMERS;
    switch (operation % 4) {
    case 0:
    case 1:
        timer_heap_set(&model->heap, &model->timers[index], deadline);
        model->set[index] = true;
        model->deadlines[index] = deadline;
        return;
    case 2:
        timer_heap_cancel(&model->heap, &model->timers[index]);
        model->set[index] = false;
        return;
    default:
        check_expire(model, deadline);
    }
}

static void run_heap(struct input *input)
{
    struct heap_model model;
    memset(&model, 0, sizeof model);
    REQUIRE(timer_heap_reserve(&model.heap, TIMERS));
    while (input->at < input->end) {
        const uint8_t operation = input_byte(input);
        const uint8_t which = input_byte(input);
        heap_operation(&model, operation, which, input_byte(input));
        REQUIRE(timer_heap_deadline(&model.heap) == earliest(&model));
        for (unsigned i = 0; i < TIMERS; i++)
            REQUIRE((model.timers[i].position != 0) == model.set[i]);
    }
    while (earliest(&model) != TIMER_NEVER)
        check_expire(&model, UINT64_MAX - 1);
    REQUIRE(model.heap.count == 0);
    timer_heap_destroy(&model.heap);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const runs[])(struct input * input) = {run_map, run_set, run_heap};
    struct input input = {.at = data, .end = data + size};
    runs[input_byte(&input) % 3](&input);
    return 0;
}
