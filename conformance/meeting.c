#include "meeting.h"

#include <assert.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* In the abstract namespace, which begins with a NUL. */
static socklen_t make_address(const char *name, struct sockaddr_un *address)
{
    size_t length = strlen(name);
    assert(length < MEETING_NAME_SIZE);
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path + 1, name, length);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
}

static int close_failed(int made)
{
    close(made);
    return -1;
}

int meeting_open(const char *name, unsigned most)
{
    struct sockaddr_un address;
    socklen_t length = make_address(name, &address);
    int made = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (made < 0)
        return -1;
    bool listens = bind(made, (struct sockaddr *)&address, length) == 0 && listen(made, (int)most) == 0;
    return listens ? made : close_failed(made);
}

int meeting_join(const char *name, unsigned seconds)
{
    struct sockaddr_un address;
    socklen_t length = make_address(name, &address);
    struct timeval limit = {.tv_sec = (time_t)seconds};
    int made = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (made < 0)
        return -1;
    bool joined = setsockopt(made, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 &&
                  connect(made, (struct sockaddr *)&address, length) == 0;
    return joined ? made : close_failed(made);
}

int meeting_next(int meeting)
{
    return accept4(meeting, NULL, NULL, SOCK_CLOEXEC);
}

void meeting_call_off(int meeting)
{
    (void)shutdown(meeting, SHUT_RDWR);
}

bool meeting_say(int other, const void *message, size_t size)
{
    return send(other, message, size, MSG_NOSIGNAL) == (ssize_t)size;
}

bool meeting_hear(int other, void *message, size_t size)
{
    return recv(other, message, size, 0) == (ssize_t)size;
}
