/* sockets: the operating system's calls, apart from the rest because <sys/socket.h> and the codec both have a
 * function named accept. */
#ifndef ETALON_CONFORMANCE_MUTANT_SOCKETS_H
#define ETALON_CONFORMANCE_MUTANT_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* An IPv4 address and port, in network byte order. */
struct endpoint {
    uint32_t address;
    uint16_t port;
};

/* Reads "mqtt://HOST:PORT"; a name is looked up. False if it is not of that form or unknown. */
bool socket_parse(const char *text, struct endpoint *endpoint);

/* A non-blocking listener on 127.0.0.1; *port 0 asks for any free one and is replaced by it. -1: errno. */
int socket_listen(uint16_t *port);

/* The next client that waits, non-blocking and without Nagle's delay; -1: none. */
int socket_take(int listener);

/* Connects, likewise; blocking until then: the broker is near. -1: errno. */
int socket_connect(const struct endpoint *endpoint);

/* Reads or writes what is possible now. The number of bytes; 0 for the end of the stream; SOCKET_LATER when
 * nothing is possible now; SOCKET_BROKEN. */
#define SOCKET_LATER (-1)
#define SOCKET_BROKEN (-2)
ssize_t socket_read(int socket, void *buffer, size_t size);
ssize_t socket_write(int socket, const void *data, size_t size);

/* Nothing more will be sent. */
void socket_finish(int socket);

/* Closes; with `reset` by RST. */
void socket_close(int socket, bool reset);

#endif
