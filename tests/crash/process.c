/* process: see process.h */
#include "process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOG_SHOWN = 2000 };

static void fail(const char *what)
{
    fprintf(stderr, "crash: %s: %s\n", what, strerror(errno));
    exit(2);
}

static void path_of(const struct process *process, const char *name, char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "%s/%s", process->directory, name);
}

static FILE *create(const struct process *process, const char *name)
{
    char path[PATH_SIZE];
    path_of(process, name, path);
    FILE *file = fopen(path, "w");
    if (!file)
        fail(path);
    return file;
}

/* Queues without limit: what is queued is not to be dropped, or nothing could be said about losses. */
static void write_configuration(struct process *process)
{
    FILE *file = create(process, "broker.conf");
    fputs(process->kind == BROKER_MOSQUITTO ? "max_queued_messages 1000000\nmax_inflight_messages 200\n"
                                            : "max_queued_messages 0\n",
          file);
    if (process->durability)
        fprintf(file, "persistence true\ndurability %s\n", process->durability);
    if (process->kind == BROKER_MOSQUITTO) {
        fprintf(file, "listener %u 127.0.0.1\nallow_anonymous true\n", process->port);
        fprintf(file, "persistence true\npersistence_location %s/data/\n", process->directory);
        if (geteuid() == 0)
            fputs("user root\n", file);
    }
    fclose(file);
}

static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(descriptor, (struct sockaddr *)&address, sizeof address) < 0 ||
        getsockname(descriptor, (struct sockaddr *)&address, &length) < 0)
        fail("no port");
    close(descriptor);
    return ntohs(address.sin_port);
}

void process_prepare(struct process *process)
{
    process->watch = -1;
    process->news = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (process->news < 0 || inotify_add_watch(process->news, process->directory, IN_MOVED_TO) < 0)
        fail("inotify");
    char path[PATH_SIZE];
    path_of(process, "data", path);
    if (process->kind == BROKER_MOSQUITTO && mkdir(path, 0700) < 0)
        fail(path);
    write_configuration(process);
}

/* In the child. The broker ends with the test, however that ends. */
static void run(const struct process *process)
{
    char log[PATH_SIZE], data[PATH_SIZE], port_file[PATH_SIZE], configuration[PATH_SIZE];
    path_of(process, "log", log);
    path_of(process, "data", data);
    path_of(process, "port", port_file);
    path_of(process, "broker.conf", configuration);
    int output = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    int input = open("/dev/null", O_RDWR);
    if (output < 0 || input < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        _exit(127);
    dup2(input, 0);
    dup2(output, 1);
    dup2(output, 2);
    const char *program = process->program;
    if (process->kind == BROKER_ETALON)
        execl(program, program, "--data", data, "-c", configuration, "--bind", "127.0.0.1", "--port", "0",
              "--port-file", port_file, (char *)NULL);
    else if (process->kind == BROKER_MEMORY)
        execl(program, program, "-c", configuration, "--bind", "127.0.0.1", "--port", "0", "--port-file",
              port_file, (char *)NULL);
    else
        execl(program, program, "-c", configuration, (char *)NULL);
    _exit(127);
}

void process_start(struct process *process)
{
    char path[PATH_SIZE];
    path_of(process, "port", path);
    unlink(path);
    process->port = 0;
    if (process->kind == BROKER_MOSQUITTO) {
        process->port = free_port();
        write_configuration(process);
    }
    process->pid = fork();
    if (process->pid < 0)
        fail("fork");
    if (process->pid == 0)
        run(process);
    process->watch = pidfd_open(process->pid, 0);
    if (process->watch < 0)
        fail("pidfd_open");
}

uint16_t process_port(struct process *process)
{
    char events[4096], path[PATH_SIZE];
    while (read(process->news, events, sizeof events) > 0)
        ;
    path_of(process, "port", path);
    FILE *file = process->port == 0 && process->pid != 0 ? fopen(path, "r") : NULL;
    unsigned port = 0;
    if (file) {
        if (fscanf(file, "%u", &port) == 1)
            process->port = (uint16_t)port;
        fclose(file);
    }
    return process->port;
}

void process_signal(const struct process *process, int signal)
{
    if (process->pid != 0)
        kill(process->pid, signal);
}

int process_wait(struct process *process)
{
    int status = 0;
    while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
        ;
    close(process->watch);
    process->watch = -1;
    process->pid = 0;
    process->port = 0;
    return status;
}

void process_show_log(const struct process *process)
{
    char path[PATH_SIZE], text[LOG_SHOWN + 1];
    path_of(process, "log", path);
    FILE *file = fopen(path, "r");
    if (!file)
        return;
    if (fseek(file, -LOG_SHOWN, SEEK_END) < 0)
        rewind(file);
    size_t length = fread(text, 1, LOG_SHOWN, file);
    text[length] = '\0';
    fclose(file);
    printf("the end of its log:\n%s\n", text);
}

void process_release(struct process *process)
{
    if (process->pid != 0) {
        process_signal(process, SIGKILL);
        process_wait(process);
    }
    close(process->news);
}
