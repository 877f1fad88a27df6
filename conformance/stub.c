#include "stub.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport.h"

#define PACKET_LIMIT 129U /* two bytes of fixed header and what one byte of Remaining Length can announce */

/* One habit. `react` handles a packet that came after the CONNECT; false: close. */
struct habit {
    const char *name;
    bool (*react)(int connection, const uint8_t *packet, size_t size);
};

static void say(int connection, const void *bytes, size_t size)
{
    if (send(connection, bytes, size, MSG_NOSIGNAL) < 0)
        _exit(0);
}

/* Answers as a server should. A PUBLISH goes back to its sender, `copies` times. */
static bool answer(int connection, const uint8_t *packet, size_t size, int copies)
{
    uint8_t type = packet[0] >> 4;
    uint8_t qos = (packet[0] >> 1) & 3;
    size_t topic_end = 4U + packet[3];
    if (type == 8)
        say(connection, (uint8_t[]){0x90, 3, packet[2], packet[3], 0}, 5);
    if (type == 12)
        say(connection, (uint8_t[]){0xd0, 0}, 2);
    if (type == 15 && size == 3) /* a PINGRESP with a payload: malformed */
        say(connection, "\xd0\x01\x00", 3);
    if (type == 3 && qos == 1)
        say(connection, (uint8_t[]){0x40, 2, packet[topic_end], packet[topic_end + 1]}, 4);
    for (int i = 0; type == 3 && qos == 0 && i < copies; i++)
        say(connection, packet, size);
    return type != 14;
}

static bool behave(int connection, const uint8_t *packet, size_t size)
{
    return answer(connection, packet, size, 1);
}

static bool deliver_twice(int connection, const uint8_t *packet, size_t size)
{
    bool sentinel = memmem(packet, size, "sentinel", 8) != NULL;
    return answer(connection, packet, size, sentinel ? 1 : 2);
}

static bool say_nothing(int connection, const uint8_t *packet, size_t size)
{
    (void)connection;
    (void)packet;
    (void)size;
    return true;
}

static bool hang_up(int connection, const uint8_t *packet, size_t size)
{
    (void)connection;
    (void)packet;
    (void)size;
    return false;
}

static bool hang_up_rudely(int connection, const uint8_t *packet, size_t size)
{
    (void)packet;
    (void)size;
    transport_close(connection, 1);
    _exit(0);
}

/* A PINGRESP with a payload: malformed. */
static bool say_nonsense(int connection, const uint8_t *packet, size_t size)
{
    (void)packet;
    (void)size;
    say(connection, "\xd0\x01\x00", 3);
    return true;
}

/* Half a packet, then the end of the stream. */
static bool break_off(int connection, const uint8_t *packet, size_t size)
{
    (void)packet;
    (void)size;
    say(connection, "\xd0", 1);
    return false;
}

/* Each answer in single bytes; TCP_NODELAY is on. */
static bool stammer(int connection, const uint8_t *packet, size_t size)
{
    (void)packet;
    (void)size;
    say(connection, "\xd0", 1);
    say(connection, "\x00", 1);
    return true;
}

/* Answers a ping but acknowledges nothing. */
static bool forget_acknowledgements(int connection, const uint8_t *packet, size_t size)
{
    return packet[0] >> 4 == 12 ? behave(connection, packet, size) : true;
}

static const struct habit habits[] = {
    {"good", behave},         {"twice", deliver_twice},  {"silent", say_nothing},
    {"hangup", hang_up},      {"reset", hang_up_rudely}, {"nonsense", say_nonsense},
    {"brokenoff", break_off}, {"stammer", stammer},      {"noack", forget_acknowledgements},
};

static const struct habit *habit_of(const char *identifier)
{
    for (size_t i = 0; i < sizeof habits / sizeof habits[0]; i++)
        if (strcmp(habits[i].name, identifier) == 0)
            return &habits[i];
    return &habits[0];
}

/* Reads one packet; false at the end of the stream. */
static bool hear(int connection, uint8_t *packet, size_t *size)
{
    if (recv(connection, packet, 2, MSG_WAITALL) != 2 || packet[1] >= 128)
        return false;
    *size = 2U + packet[1];
    return packet[1] == 0 || recv(connection, packet + 2, packet[1], MSG_WAITALL) == packet[1];
}

_Noreturn static void converse(int connection)
{
    uint8_t packet[PACKET_LIMIT + 1];
    char identifier[PACKET_LIMIT] = "";
    size_t size;
    int on = 1;
    (void)setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (hear(connection, packet, &size) && packet[0] == 0x10 && size >= 14U + packet[13]) {
        memcpy(identifier, packet + 14, packet[13]); /* 3.1.1: behind ten bytes of variable header */
        say(connection, "\x20\x02\x00\x00", 4);
        while (hear(connection, packet, &size) && habit_of(identifier)->react(connection, packet, size))
            continue;
    }
    transport_close(connection, 0);
    _exit(0);
}

_Noreturn static void serve(int listener)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGCHLD, SIG_IGN); /* nobody waits for the conversations */
    for (;;) {
        int connection = accept(listener, NULL, NULL);
        if (connection < 0)
            continue;
        if (fork() == 0)
            converse(connection);
        close(connection);
    }
}

/* On *port, or any where that is 0, and then it is set. */
static int listen_at(uint16_t *port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(*port)};
    int on = 1;
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 64) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) != 0)
        return -1;
    *port = ntohs(address.sin_port);
    return listener;
}

void stub_become(uint16_t port)
{
    int listener = listen_at(&port);
    if (listener >= 0)
        serve(listener);
}

pid_t stub_start(uint16_t *port)
{
    *port = 0;
    int listener = listen_at(port);
    if (listener < 0)
        return -1;
    fflush(NULL);
    pid_t process = fork();
    if (process == 0)
        serve(listener);
    close(listener);
    return process;
}
