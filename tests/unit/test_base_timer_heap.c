/* timer_heap: deadlines in order, against a naive search. */
#include "base/timer_heap.h"
#include "broker_harness.h"

START_TEST(the_earliest_comes_first)
{
    struct timer_heap heap = {0};
    struct timer a = {0}, b = {0}, c = {0};
    ck_assert_uint_eq(timer_heap_deadline(&heap), TIMER_NEVER);
    ck_assert_ptr_null(timer_heap_expire(&heap, UINT64_MAX));
    ck_assert(timer_heap_reserve(&heap, 3));
    timer_heap_set(&heap, &a, 20);
    timer_heap_set(&heap, &b, 10);
    timer_heap_set(&heap, &c, 30);
    ck_assert_uint_eq(timer_heap_deadline(&heap), 10);
    ck_assert_ptr_null(timer_heap_expire(&heap, 9));
    ck_assert_ptr_eq(timer_heap_expire(&heap, 10), &b);
    timer_heap_set(&heap, &c, 5); /* moved to the front */
    ck_assert_ptr_eq(timer_heap_expire(&heap, 100), &c);
    timer_heap_cancel(&heap, &a);
    timer_heap_cancel(&heap, &a); /* harmless */
    ck_assert_uint_eq(timer_heap_deadline(&heap), TIMER_NEVER);
    timer_heap_destroy(&heap);
}
END_TEST

START_TEST(it_agrees_with_a_search)
{
    enum { TIMERS = 300 };
    static struct timer timers[TIMERS];
    struct timer_heap heap = {0};
    uint64_t state = 1, now = 0;
    memset(timers, 0, sizeof timers);
    ck_assert(timer_heap_reserve(&heap, TIMERS));
    for (int i = 0; i < 100000; i++) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        struct timer *timer = &timers[(state >> 33) % TIMERS];
        switch (state >> 60) {
        case 0:
        case 1:
            timer_heap_cancel(&heap, timer);
            break;
        case 2:
            now += 50;
            for (struct timer *expired; (expired = timer_heap_expire(&heap, now)) != NULL;)
                if (expired->deadline > now || expired->position != 0)
                    ck_abort_msg("expired too early");
            break;
        default:
            timer_heap_set(&heap, timer, now + 1 + (state >> 40) % 1000);
        }
        uint64_t earliest = TIMER_NEVER;
        uint32_t count = 0;
        for (int t = 0; t < TIMERS; t++) {
            if (timers[t].position == 0)
                continue;
            count++;
            if (timers[t].deadline < earliest)
                earliest = timers[t].deadline;
        }
        if (count != heap.count || earliest != timer_heap_deadline(&heap))
            ck_abort_msg("step %d: %u timers, earliest %lu", i, count, (unsigned long)earliest);
    }
    timer_heap_destroy(&heap);
}
END_TEST

Suite *suite_base_timer_heap(void);
Suite *suite_base_timer_heap(void)
{
    HARNESS_SUITE("timer_heap", the_earliest_comes_first, it_agrees_with_a_search);
}
