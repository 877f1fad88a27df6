/* A process that is killed at any instant: every batch it was told of is there in full, and the one under way in full
 * or not at all. STORE_KILLS in the environment says how often, for each kind of durability; else 60 times. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shelf.h"
#include "tests.h"

enum { USUAL_KILLS = 60, LARGEST = 60000 };

static unsigned wanted_kills(void)
{
    const char *wish = getenv("STORE_KILLS");
    const long kills = wish == NULL ? USUAL_KILLS : strtol(wish, NULL, 10);
    ck_assert_msg(kills > 0 && kills <= 100000, "STORE_KILLS is a number, not %s", wish);
    return (unsigned)kills;
}

/* Batch `number` is the same wherever it is made. */
static void make_batch(uint32_t number, struct changes *changes)
{
    uint64_t state = UINT64_C(1000003) * number;
    changes_clear(changes);
    random_changes(&state, changes, 1 + (unsigned)(random_next(&state) % 150), LARGEST);
}

/* The child: commits without end and says through the pipe what is committed. */
static void commit_for_ever(struct shelf *shelf, uint32_t number, int pipe_end)
{
    struct changes changes = {0};
    shelf_open(shelf);
    for (;; number++) {
        make_batch(number, &changes);
        shelf_commit(shelf, &changes);
        if (write(pipe_end, &number, sizeof number) != sizeof number)
            _exit(1);
    }
}

/* Lets a random, short time pass by doing something. */
static uint64_t linger(uint64_t *state)
{
    uint64_t sum = 0;
    for (uint64_t i = random_next(state) % 400000; i > 0; i--)
        sum += random_next(&sum);
    return sum;
}

/* Starts at batch `next`; returns the number of the batch after the last one that was told of. */
static uint32_t run_and_kill(struct shelf *shelf, uint32_t next, uint64_t *state)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        close(ends[0]);
        commit_for_ever(shelf, next, ends[1]);
    }
    close(ends[1]);
    uint32_t number;
    uint64_t wanted = random_next(state) % 8 == 0 ? 150 : random_next(state) % 12;
    while (wanted-- > 0 && read(ends[0], &number, sizeof number) == sizeof number)
        next = number + 1;
    linger(state);
    kill(child, SIGKILL);
    while (read(ends[0], &number, sizeof number) == sizeof number)
        next = number + 1;
    close(ends[0]);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the child ended by itself: %d", status);
    return next;
}

static void apply_batches(struct model *model, uint32_t from, uint32_t to)
{
    struct changes changes = {0};
    for (uint32_t number = from; number < to; number++) {
        make_batch(number, &changes);
        model_apply(model, &changes);
    }
    changes_free(&changes);
}

START_TEST(killed_at_any_instant)
{
    struct shelf shelf;
    struct model model = {0};
    uint64_t state = 77;
    uint32_t next = 1;
    unsigned in_full = 0;
    const unsigned kills = wanted_kills();
    shelf_create(&shelf, NULL);
    shelf.options.durability = (enum store_durability)_i;
    for (unsigned round = 0; round < kills; round++) {
        const uint32_t told = run_and_kill(&shelf, next, &state);
        apply_batches(&model, next, told);
        next = told;
        shelf_open(&shelf);
        if (shelf_difference(&shelf, &model)) {
            apply_batches(&model, next, next + 1);
            next++;
            in_full++;
            const char *difference = shelf_difference(&shelf, &model);
            ck_assert_msg(!difference, "round %u, batch %u: %s", round, (unsigned)next, difference);
        }
        shelf_close(&shelf);
    }
    printf("%u batches, %u of %u under way were committed\n", (unsigned)next, in_full, kills);
    shelf_destroy(&shelf);
    model_free(&model);
}
END_TEST

START_TEST(an_unclean_end_is_noticed)
{
    struct shelf shelf;
    uint64_t state = 1;
    shelf_create(&shelf, NULL);
    while (run_and_kill(&shelf, 1, &state) == 1)
        ;
    shelf_open(&shelf);
    ck_assert(store_statistics(shelf.store).recovered);
    shelf_close(&shelf);
    shelf_open(&shelf);
    ck_assert(!store_statistics(shelf.store).recovered);
    shelf_destroy(&shelf);
}
END_TEST

void add_killed(TCase *test_case)
{
    tcase_add_loop_test(test_case, killed_at_any_instant, 0, 3);
    tcase_add_test(test_case, an_unclean_end_is_noticed);
}
