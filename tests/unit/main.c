/* unit-tests: runs the suite of every tests/unit/test_*.c. The list is made by module.mk.
 *
 * `unit-tests [SUITE...]` runs only the named suites; CK_FORK=no keeps everything in one process, for a
 * debugger. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit_registry.h"

static int is_chosen(const char *name, int count, char **names)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0)
            return 1;
    }
    return count == 0;
}

int main(int argc, char **argv)
{
    SRunner *runner = srunner_create(NULL);
    for (size_t i = 0; i < sizeof unit_suites / sizeof *unit_suites; i++) {
        if (is_chosen(unit_suites[i].name, argc - 1, argv + 1))
            srunner_add_suite(runner, unit_suites[i].create());
    }
    srunner_run_all(runner, CK_ENV);
    const int run = srunner_ntests_run(runner);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);

    /* Check has no notion of a skipped test: what was not chosen was not asked for. */
    printf("%d passed, %d failed, 0 skipped\n", run - failed, failed);
    if (run == 0)
        fprintf(stderr, "unit-tests: no test was run\n");
    return failed == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
