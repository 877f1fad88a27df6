/* What the broker costs, as the kernel counts it. */
#include "load.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_SIZE = 320, LINE_SIZE = 1024 };

static bool read_line(const char *path, char *line, size_t size)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    bool read = fgets(line, (int)size, file) != NULL;
    fclose(file);
    return read;
}

/* Nanoseconds on a processor, summed over the threads that exist now. 0: the kernel does not keep them. */
static uint64_t cpu_of_threads(pid_t process)
{
    char path[PATH_SIZE];
    char line[LINE_SIZE];
    uint64_t sum = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)process);
    DIR *threads = opendir(path);
    if (threads == NULL) {
        return 0;
    }
    for (struct dirent *entry = readdir(threads); entry != NULL; entry = readdir(threads)) {
        snprintf(path, sizeof path, "/proc/%d/task/%.20s/schedstat", (int)process, entry->d_name);
        if (entry->d_name[0] != '.' && read_line(path, line, sizeof line)) {
            sum += strtoull(line, NULL, 10);
        }
    }
    closedir(threads);
    return sum;
}

/* Ticks of user and system time, fields 14 and 15 of stat; includes threads that have ended. */
static uint64_t cpu_in_ticks(pid_t process)
{
    char path[PATH_SIZE];
    char line[LINE_SIZE];
    uint64_t user = 0;
    uint64_t system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
    if (!read_line(path, line, sizeof line)) {
        return 0;
    }
    /* The name of the program, in parentheses, may contain anything: count fields from its end. */
    const char *fields = strrchr(line, ')');
    const char *format = ") %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64 " %" SCNu64;
    if (fields == NULL || sscanf(fields, format, &user, &system) != 2) {
        return 0;
    }
    return (user + system) * (NANOSECONDS / (uint64_t)sysconf(_SC_CLK_TCK));
}

uint64_t process_cpu(pid_t process)
{
    uint64_t exact = cpu_of_threads(process);
    uint64_t coarse = cpu_in_ticks(process);
    /* Threads that ended are missing in the exact sum; a difference of more than some ticks betrays them. */
    return coarse > exact + NANOSECONDS / 5 ? coarse : exact;
}

/* The number behind `key` in a file of /proc. */
static uint64_t number_of_line(pid_t process, const char *file, const char *key)
{
    char path[PATH_SIZE];
    char line[LINE_SIZE];
    uint64_t number = 0;
    snprintf(path, sizeof path, "/proc/%d/%s", (int)process, file);
    FILE *lines = fopen(path, "re");
    if (lines == NULL) {
        return 0;
    }
    while (number == 0 && fgets(line, sizeof line, lines) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0) {
            number = strtoull(line + strlen(key), NULL, 10);
        }
    }
    fclose(lines);
    return number;
}

uint64_t process_memory(pid_t process)
{
    /* VmRSS is a sum of per-processor counters that may lag by 100s of kB; smaps_rollup counts the pages. */
    uint64_t exact = number_of_line(process, "smaps_rollup", "Rss:");
    return (exact > 0 ? exact : number_of_line(process, "status", "VmRSS:")) * 1024;
}

uint64_t machine_cpu(void)
{
    char line[LINE_SIZE];
    uint64_t user = 0;
    uint64_t nice = 0;
    uint64_t system = 0;
    uint64_t interrupts = 0;
    uint64_t soft = 0;
    const char *format = "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %*u %*u %" SCNu64 " %" SCNu64;
    if (!read_line("/proc/stat", line, sizeof line) ||
        sscanf(line, format, &user, &nice, &system, &interrupts, &soft) != 5) {
        return 0;
    }
    uint64_t ticks = user + nice + system + interrupts + soft;
    return ticks * (NANOSECONDS / (uint64_t)sysconf(_SC_CLK_TCK));
}

uint64_t process_written(pid_t process)
{
    return number_of_line(process, "io", "write_bytes:");
}
