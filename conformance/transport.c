#include "transport.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Waits until a connection under way is made or has failed; 0 or an errno. */
static int await_connection(int socket, double seconds)
{
    struct pollfd wait = {.fd = socket, .events = POLLOUT};
    int ready = poll(&wait, 1, (int)(seconds * 1000.0));
    if (ready == 0)
        return ETIMEDOUT;
    int problem = 0;
    socklen_t length = sizeof problem;
    if (ready < 0 || getsockopt(socket, SOL_SOCKET, SO_ERROR, &problem, &length) != 0)
        return errno;
    return problem;
}

static int connect_one(const struct addrinfo *address, double seconds, int *failure)
{
    int made =
        socket(address->ai_family, address->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, address->ai_protocol);
    if (made < 0) {
        *failure = errno;
        return -1;
    }
    int outcome = 0;
    if (connect(made, address->ai_addr, address->ai_addrlen) != 0)
        outcome = errno == EINPROGRESS ? await_connection(made, seconds) : errno;
    if (outcome != 0) {
        *failure = outcome;
        close(made);
        return -1;
    }
    int on = 1;
    (void)setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return made;
}

int transport_connect(const char *host, const char *port, double seconds, char *problem, size_t size)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *addresses = NULL;
    int looked = getaddrinfo(host, port, &hints, &addresses);
    if (looked != 0) {
        snprintf(problem, size, "cannot resolve %s: %s", host, gai_strerror(looked));
        return -1;
    }
    int made = -1;
    int failure = 0;
    for (const struct addrinfo *address = addresses; address != NULL && made < 0; address = address->ai_next)
        made = connect_one(address, seconds, &failure);
    freeaddrinfo(addresses);
    if (made < 0)
        snprintf(problem, size, "cannot connect to %s port %s: %s", host, port, strerror(failure));
    return made;
}

ssize_t transport_read(int socket, void *buffer, size_t size)
{
    ssize_t got = recv(socket, buffer, size, 0);
    if (got >= 0)
        return got;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? TRANSPORT_WOULD_BLOCK
                                                                     : TRANSPORT_BROKEN;
}

ssize_t transport_write(int socket, const void *data, size_t size)
{
    ssize_t written = send(socket, data, size, MSG_NOSIGNAL);
    if (written >= 0)
        return written;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? TRANSPORT_WOULD_BLOCK
                                                                     : TRANSPORT_BROKEN;
}

void transport_close(int socket, int reset)
{
    if (reset) {
        struct linger now = {.l_onoff = 1, .l_linger = 0};
        (void)setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    close(socket);
}

void transport_finish_sending(int socket)
{
    (void)shutdown(socket, SHUT_WR);
}

void transport_set_receive_buffer(int socket, int bytes)
{
    setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes); /* a wish: nothing depends on it */
}

int transport_reserve_port(uint16_t *port)
{
    int on = 1;
    int holder = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (holder < 0)
        return -1;
    if (setsockopt(holder, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(holder, (struct sockaddr *)&address, sizeof address) != 0 ||
        getsockname(holder, (struct sockaddr *)&address, &length) != 0) {
        close(holder);
        return -1;
    }
    *port = ntohs(address.sin_port);
    return holder;
}
