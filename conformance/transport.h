/* transport: the network connection below a client. Everything that knows of sockets is here. */
#ifndef ETALON_CONFORMANCE_TRANSPORT_H
#define ETALON_CONFORMANCE_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Connects to host and port (names or numbers) within `seconds`. Returns a non-blocking socket with
 * TCP_NODELAY, or -1 with a sentence in `problem` (size bytes). */
int transport_connect(const char *host, const char *port, double seconds, char *problem, size_t size);

/* Reads or writes what is possible now. Both return the number of bytes, 0 for the end of the stream
 * (reading), TRANSPORT_WOULD_BLOCK or TRANSPORT_BROKEN. */
#define TRANSPORT_WOULD_BLOCK (-1)
#define TRANSPORT_BROKEN (-2)
ssize_t transport_read(int socket, void *buffer, size_t size);
ssize_t transport_write(int socket, const void *data, size_t size);

/* A TCP port of 127.0.0.1 that nobody listens on at the moment, or 0 with errno set. */
uint16_t transport_free_port(void);

/* Closes in an orderly way; with `reset` sends RST instead of FIN. */
void transport_close(int socket, int reset);

/* Closes the sending direction only. */
void transport_finish_sending(int socket);

#endif
