#include "report_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_FREE 3 /* file number behind those of standard input, output and error */

static bool is_standard(const struct output *output)
{
    return strcmp(output->path, "-") == 0;
}

static bool complain(const struct output *output, const char *why)
{
    fprintf(stderr, "%s: cannot write the report %s %s: %s\n", SUITE_NAME, output->format->option,
            output->path, why);
    return false;
}

/* The report keeps the real standard output; the rest of the program gets standard error in its place. */
static bool take_standard_output(struct output *output)
{
    fflush(stdout);
    output->file = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, FIRST_FREE);
    return output->file >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0;
}

static bool open_file(struct output *output)
{
    output->file = open(output->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    output->created = output->file >= 0;
    if (output->file < 0 && errno == EEXIST)
        output->file = open(output->path, O_WRONLY | O_CLOEXEC);
    return output->file >= 0;
}

/* Two that are open, and the same regular file. */
static bool is_same_file(const struct output *left, const struct output *right)
{
    struct stat a;
    struct stat b;
    return fstat(left->file, &a) == 0 && fstat(right->file, &b) == 0 && S_ISREG(a.st_mode) &&
           a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static bool clashes(const struct output *outputs, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (is_same_file(&outputs[i], &outputs[at]))
            return true;
    return false;
}

static bool open_output(struct output *outputs, size_t at, size_t run_count)
{
    struct output *output = &outputs[at];
    if (run_count != 1 && !output->format->takes_many)
        return complain(output, "this form holds one run, and several are given");
    for (size_t i = 0; i < at; i++)
        if (is_standard(output) && is_standard(&outputs[i]))
            return complain(output, "another report goes to standard output already");
    output->opened = is_standard(output) ? take_standard_output(output) : open_file(output);
    if (!output->opened)
        return complain(output, strerror(errno));
    return !clashes(outputs, at) || complain(output, "another report goes there already");
}

bool outputs_open(struct output *outputs, size_t count, size_t run_count)
{
    for (size_t i = 0; i < count; i++)
        if (!open_output(outputs, i, run_count)) {
            outputs_discard(outputs, count);
            return false;
        }
    return true;
}

/* A file that was there before loses what stood in it; a pipe or a terminal cannot. */
static bool empty_file(int file)
{
    struct stat status;
    return fstat(file, &status) == 0 && (!S_ISREG(status.st_mode) || status.st_size == 0 ||
                                         lseek(file, 0, SEEK_CUR) != 0 || ftruncate(file, 0) == 0);
}

static bool write_output(struct output *output, const struct report_input *input)
{
    FILE *out = empty_file(output->file) ? fdopen(output->file, "w") : NULL;
    if (out == NULL)
        return complain(output, strerror(errno));
    output->opened = false; /* the stream closes it */
    output->format->write(out, input);
    bool good = !ferror(out);
    good = fclose(out) == 0 && good;
    return good || complain(output, strerror(errno));
}

bool outputs_write(struct output *outputs, size_t count, const struct report_input *input)
{
    bool good = true;
    for (size_t i = 0; i < count; i++)
        good = write_output(&outputs[i], input) && good;
    return good;
}

void outputs_discard(struct output *outputs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!outputs[i].opened)
            continue;
        close(outputs[i].file);
        outputs[i].opened = false;
        if (outputs[i].created)
            unlink(outputs[i].path);
    }
}
