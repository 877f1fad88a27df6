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

/* Tells the kernel how many bytes to keep for a reader; it may round them. */
void transport_set_receive_buffer(int socket, int bytes);

/* Reserves a TCP port of 127.0.0.1 that nobody uses: sets *port and returns a socket that is bound to it and
 * does not listen, or -1 with errno set. While that socket lives the kernel gives the port to nobody who asks
 * for any port, not as the near end of a connection either; a server with SO_REUSEADDR can listen on it. */
int transport_reserve_port(uint16_t *port);

/* Closes in an orderly way; with `reset` sends RST instead of FIN. */
void transport_close(int socket, int reset);

/* Closes the sending direction only. */
void transport_finish_sending(int socket);

#endif
