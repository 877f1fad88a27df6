/* unix_socket: a listening socket that is a file. Prefix: unix_socket_ */
#ifndef ETALON_HOST_UNIX_SOCKET_H
#define ETALON_HOST_UNIX_SOCKET_H

#include <sys/stat.h>

/* Listens on `path`, for the broker's user and group alone. The file of a broker that is gone is replaced;
 * one on which somebody listens, or that is no socket, is not. Fills `file`, and returns the descriptor, or
 * -1 with errno (EADDRINUSE, ENOTSOCK, and those of bind). */
int unix_socket_listen(const char *path, int backlog, struct stat *file);

/* Removes the file, unless it's another one than `file` by now. */
void unix_socket_remove(const char *path, const struct stat *file);

#endif
