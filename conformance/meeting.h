/* meeting: sockets by which processes of one run find each other and exchange short messages. */
#ifndef ETALON_CONFORMANCE_MEETING_H
#define ETALON_CONFORMANCE_MEETING_H

#include <stdbool.h>
#include <stddef.h>

#define MEETING_NAME_SIZE 64

/* A socket where `most` others may come at a time; -1 with errno. The name is one of the system, not of a file: it is
 * gone with the socket. */
int meeting_open(const char *name, unsigned most);

/* A socket to whoever waits there; -1 with errno. meeting_hear waits `seconds` at most. */
int meeting_join(const char *name, unsigned seconds);

/* A socket to the next that has come; -1 with errno. */
int meeting_next(int meeting);

/* Nobody can join any more, and when all that came are taken in meeting_next fails with EINVAL; in every process. */
void meeting_call_off(int meeting);

/* Sends a message, or waits for one of just this size. False when the other is gone, or something else has come. */
bool meeting_say(int other, const void *message, size_t size);
bool meeting_hear(int other, void *message, size_t size);

#endif
