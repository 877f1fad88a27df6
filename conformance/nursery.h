/* nursery: a small process that makes the tests' processes.
 *
 * The runner gathers every packet of every test, and to copy a process with so much memory a thousand times is slow.
 * The nursery is copied from the runner before anything was gathered, and makes the tests' processes as copies of
 * itself. They are children of the runner all the same: it waits for them, and they end when it does. */
#ifndef ETALON_CONFORMANCE_NURSERY_H
#define ETALON_CONFORMANCE_NURSERY_H

#include <stdbool.h>
#include <sys/types.h>

struct nursery {
    int socket; /* -1: there is none */
    pid_t process;
};

/* What a process is for. */
struct birth {
    const void *item; /* the caller's; with a nursery, of memory that it had at nursery_open */
    unsigned number;  /* the caller's */
    bool alone;       /* the caller's */
    bool stays;       /* the caller's */
    int records;      /* a descriptor that the new process gets; the caller keeps its own */
};

/* Begins a new process, with the memory that the caller had at nursery_open. Does not return. */
typedef void (*nursery_body)(const void *context, const struct birth *birth);

/* Makes the nursery. Where that fails, or when it has ended, nursery_birth makes the processes of the caller itself. */
void nursery_open(struct nursery *nursery, nursery_body body, const void *context);

/* A process that runs `body`, a child of the caller; -1 with errno when it cannot be made. */
pid_t nursery_birth(const struct nursery *nursery, nursery_body body, const void *context,
                    const struct birth *birth);

/* A channel between the caller, which keeps ends[0], and a process that gets ends[1] as `records` and that may run
 * several bodies one after the other. A program that either of them starts does not hold it open. False with errno. */
bool nursery_channel(int ends[2]);

/* Gives a process that has come to the end of a body another one to run, through the caller's end of the channel.
 * False: the process is gone. */
bool nursery_hand_over(int channel, const struct birth *birth);

/* In the process: waits for what is handed over, with `records` as its descriptor. False: the caller has closed its
 * end, and the process is to go. */
bool nursery_await(int records, struct birth *birth);

/* Closes the caller's end: a process that waits for another body goes, even where other processes hold that end, too. */
void nursery_dismiss(int channel);

/* Ends the nursery; the processes it made go on. */
void nursery_close(struct nursery *nursery);

#endif
