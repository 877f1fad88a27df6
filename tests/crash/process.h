/* process: the broker as a process of its own. Prefix: process_ */
#ifndef ETALON_CRASH_PROCESS_H
#define ETALON_CRASH_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum broker_kind {
    BROKER_ETALON,
    BROKER_MEMORY,    /* Etalon without a data directory: forgets everything, as a control */
    BROKER_MOSQUITTO, /* with persistence as Debian has it: forgets what it has not saved */
    BROKER_KINDS
};

enum { PATH_SIZE = 512 };

struct process {
    enum broker_kind kind;
    const char *program;
    const char *directory;  /* for everything that it writes */
    const char *durability; /* of Etalon; NULL: the default */
    pid_t pid;              /* 0: not running */
    int watch;              /* readable when `pid` has ended; -1: not running */
    int news;               /* inotify: a file was made in `directory` */
    uint16_t port;          /* 0: not known yet */
};

/* Kind, program, directory (which must exist and be empty) and durability are given. */
void process_prepare(struct process *process);

/* Starts it; the port is known at once (Mosquitto), or once process_port has found it. */
void process_start(struct process *process);

/* Reads the port, when it is there. Also takes what `news` has. */
uint16_t process_port(struct process *process);

void process_signal(const struct process *process, int signal);

/* Waits for its end; returns what waitpid says. */
int process_wait(struct process *process);

/* Shows the last lines of its log. */
void process_show_log(const struct process *process);

void process_release(struct process *process);

#endif
