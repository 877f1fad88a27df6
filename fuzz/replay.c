/* replay: runs a harness over the files of a corpus, without libFuzzer and under any compiler.
 *
 *     fuzz-replay-NAME FILE|FOLDER ...
 *
 * Each file has a process of its own, so that one finding doesn't hide the next. Closes with "N passed, N
 * failed, N skipped". */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

#define SECONDS_PER_FILE 60U /* then it hangs */

struct tally {
    unsigned passed;
    unsigned failed;
};

static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    struct stat status;
    if (file == NULL || fstat(fileno(file), &status) != 0) {
        if (file != NULL)
            fclose(file);
        return NULL;
    }
    *size = (size_t)status.st_size;
    uint8_t *content = malloc(*size + 1);
    if (content != NULL && fread(content, 1, *size, file) != *size) {
        free(content);
        content = NULL;
    }
    fclose(file);
    return content;
}

static int run_here(const char *path)
{
    size_t size;
    alarm(SECONDS_PER_FILE);
    uint8_t *content = read_file(path, &size);
    if (content == NULL) {
        perror(path);
        return 1;
    }
    const struct bytes exact = fuzz_exact_copy(bytes_of(content, size));
    free(content);
    LLVMFuzzerTestOneInput(exact.data, exact.length);
    fuzz_free(exact);
    return 0;
}

static void replay_file(const char *path, struct tally *tally)
{
    int status = -1;
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0)
        exit(run_here(path)); /* not _exit: leaks are looked for at the end */
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        printf("failed: %s\n", path);
        tally->failed++;
        return;
    }
    tally->passed++;
}

static void replay_folder(const char *path, struct tally *tally)
{
    struct dirent **entries;
    const int count = scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char *entry = NULL;
        if (entries[i]->d_name[0] != '.' && asprintf(&entry, "%s/%s", path, entries[i]->d_name) > 0)
            replay_file(entry, tally);
        free(entry);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

static void replay(const char *path, struct tally *tally)
{
    const unsigned before = tally->passed + tally->failed;
    struct stat status;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        replay_folder(path, tally);
    else
        replay_file(path, tally);
    if (tally->passed + tally->failed == before) { /* an empty corpus proves nothing */
        printf("failed: %s: no files\n", path);
        tally->failed++;
    }
}

int main(int argc, char **argv)
{
    struct tally tally = {0, 0};
    for (int i = 1; i < argc; i++)
        replay(argv[i], &tally);
    printf("%u passed, %u failed, 0 skipped\n", tally.passed, tally.failed);
    return tally.failed > 0 || tally.passed == 0;
}
