#include "sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool socket_parse(const char *text, struct endpoint *endpoint)
{
    char host[256];
    char port[8];
    int end = 0;
    const struct addrinfo wanted = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    if (sscanf(text, "mqtt://%255[^:/]:%7[0-9]%n", host, port, &end) != 2 || text[end] != '\0')
        return false;
    if (getaddrinfo(host, port, &wanted, &found) != 0)
        return false;
    struct sockaddr_in address;
    memcpy(&address, found->ai_addr, sizeof address);
    freeaddrinfo(found);
    *endpoint = (struct endpoint){.address = address.sin_addr.s_addr, .port = address.sin_port};
    return true;
}

int socket_listen(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(*port)};
    socklen_t size = sizeof address;
    const int on = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0)
        return -1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, SOMAXCONN) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        close(listener);
        return -1;
    }
    *port = ntohs(address.sin_port);
    return listener;
}

static void send_at_once(int socket)
{
    const int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int socket_take(int listener)
{
    const int client = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client >= 0)
        send_at_once(client);
    return client;
}

int socket_connect(const struct endpoint *endpoint)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = endpoint->port, .sin_addr = {.s_addr = endpoint->address}};
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server < 0)
        return -1;
    if (connect(server, (const struct sockaddr *)&address, sizeof address) != 0 ||
        fcntl(server, F_SETFL, O_NONBLOCK) != 0) {
        close(server);
        return -1;
    }
    send_at_once(server);
    return server;
}

static ssize_t outcome(ssize_t result)
{
    if (result >= 0)
        return result;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? SOCKET_LATER : SOCKET_BROKEN;
}

ssize_t socket_read(int socket, void *buffer, size_t size)
{
    return outcome(recv(socket, buffer, size, 0));
}

ssize_t socket_write(int socket, const void *data, size_t size)
{
    return outcome(send(socket, data, size, MSG_NOSIGNAL));
}

void socket_finish(int socket)
{
    shutdown(socket, SHUT_WR);
}

void socket_close(int socket, bool reset)
{
    const struct linger linger = {.l_onoff = 1, .l_linger = 0};
    if (reset)
        setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(socket);
}
