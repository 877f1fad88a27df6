/* transport-tests --certificates FOLDER [GROUP...]: the tests of the filters; each runs in a process of its
 * own. */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests.h"

enum { LIMIT = 120 /* s */ };

const char *certificates;

static const struct {
    const char *name;
    void (*add)(TCase *test_case);
} groups[] = {
    {"first_bytes", add_first_bytes},
    {"tls_context", add_tls_context},
    {"tls_filter", add_tls_filter},
    {"tls_refused", add_tls_refused},
};

static Suite *collect(int count, char **names)
{
    Suite *suite = suite_create("transport");
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
    if (argc < 3 || strcmp(argv[1], "--certificates") != 0) {
        fputs("usage: transport-tests --certificates FOLDER [GROUP...]\n", stderr);
        return 2;
    }
    certificates = argv[2];
    SRunner *runner = srunner_create(collect(argc - 3, argv + 3));
    srunner_run_all(runner, CK_ENV);
    const int run = srunner_ntests_run(runner);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    printf("%d passed, %d failed, 0 skipped\n", run - failed, failed);
    return failed == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
