/* store-tests [TEST...]: the tests of the store; each runs in a process of its own. */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests.h"

enum { LIMIT = 240 /* s */ };

static const struct {
    const char *name;
    void (*add)(TCase *test_case);
} groups[] = {
    {"kept", add_kept}, {"refused", add_refused}, {"killed", add_killed}, {"trouble", add_trouble},
};

/* Berkeley DB forgets a few hundred bytes when it cannot open an environment. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libdb-5.3.so";
}

static Suite *collect(int count, char **names)
{
    Suite *suite = suite_create("store");
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        bool chosen = count == 0;
        for (int j = 0; j < count; j++)
            chosen |= strcmp(groups[i].name, names[j]) == 0;
        if (!chosen)
            continue;
        TCase *test_case = tcase_create(groups[i].name);
        tcase_set_timeout(test_case, LIMIT);
        groups[i].add(test_case);
        suite_add_tcase(suite, test_case);
    }
    return suite;
}

int main(int argc, char **argv)
{
    SRunner *runner = srunner_create(collect(argc - 1, argv + 1));
    srunner_run_all(runner, CK_ENV);
    const int run = srunner_ntests_run(runner);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    const int skipped = tests_skipped();
    printf("%d passed, %d failed, %d skipped\n", run - failed - skipped, failed, skipped);
    return failed == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
