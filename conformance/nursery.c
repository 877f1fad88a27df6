#include "nursery.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A control message of one descriptor, aligned as it must be. */
union descriptor_space {
    struct cmsghdr head;
    char bytes[CMSG_SPACE(sizeof(int))];
};

/* What the nursery answers. */
struct born {
    pid_t process; /* -1: `problem` tells why not */
    int problem;
};

static bool send_birth(int socket, const struct birth *birth)
{
    union descriptor_space space = {.bytes = {0}};
    struct iovec part = {.iov_base = (void *)birth, .iov_len = sizeof *birth};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &space, .msg_controllen = sizeof space};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &birth->records, sizeof(int));
    ssize_t sent;
    do
        sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)sizeof *birth;
}

static bool receive_birth(int socket, struct birth *birth)
{
    union descriptor_space space = {.bytes = {0}};
    struct iovec part = {.iov_base = birth, .iov_len = sizeof *birth};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &space, .msg_controllen = sizeof space};
    ssize_t got;
    do
        got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    const struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (got != (ssize_t)sizeof *birth || head == NULL || head->cmsg_type != SCM_RIGHTS)
        return false;
    memcpy(&birth->records, CMSG_DATA(head), sizeof(int));
    return true;
}

/* Like fork, but the new process is a sibling: a child of the runner. */
static pid_t fork_sibling(void)
{
    return (pid_t)syscall(SYS_clone, (long)(CLONE_PARENT | SIGCHLD), 0L, 0L, 0L, 0L);
}

/* Until the runner closes its end of the socket. */
_Noreturn static void run_nursery(int socket, nursery_body body, const void *context)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0); /* what interrupts the runner is the runner's to hear of */
    struct birth birth;
    while (receive_birth(socket, &birth)) {
        struct born born = {.process = fork_sibling()};
        if (born.process == 0) {
            close(socket);
            body(context, &birth);
            _exit(2);
        }
        born.problem = errno;
        close(birth.records);
        if (send(socket, &born, sizeof born, MSG_NOSIGNAL) != (ssize_t)sizeof born)
            break;
    }
    _exit(0);
}

void nursery_open(struct nursery *nursery, nursery_body body, const void *context)
{
    int ends[2];
    *nursery = (struct nursery){.socket = -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return;
    fflush(NULL);
    pid_t process = fork();
    if (process == 0) {
        close(ends[0]);
        run_nursery(ends[1], body, context);
    }
    close(ends[1]);
    if (process < 0) {
        close(ends[0]);
        return;
    }
    *nursery = (struct nursery){.socket = ends[0], .process = process};
}

static pid_t fork_here(nursery_body body, const void *context, const struct birth *birth)
{
    fflush(NULL);
    pid_t process = fork();
    if (process == 0) {
        body(context, birth);
        _exit(2);
    }
    return process;
}

static bool ask_nursery(const struct nursery *nursery, const struct birth *birth, struct born *born)
{
    if (!send_birth(nursery->socket, birth))
        return false;
    ssize_t got;
    do
        got = recv(nursery->socket, born, sizeof *born, 0);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof *born;
}

pid_t nursery_birth(const struct nursery *nursery, nursery_body body, const void *context,
                    const struct birth *birth)
{
    struct born born;
    if (nursery->socket < 0 || !ask_nursery(nursery, birth, &born)) /* it has ended */
        return fork_here(body, context, birth);
    errno = born.problem;
    return born.process;
}

bool nursery_channel(int ends[2])
{
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0;
}

bool nursery_hand_over(int channel, const struct birth *birth)
{
    return send(channel, birth, sizeof *birth, MSG_NOSIGNAL) == (ssize_t)sizeof *birth;
}

bool nursery_await(int records, struct birth *birth)
{
    ssize_t got;
    do
        got = recv(records, birth, sizeof *birth, MSG_WAITALL);
    while (got < 0 && errno == EINTR);
    birth->records = records;
    return got == (ssize_t)sizeof *birth;
}

void nursery_dismiss(int channel)
{
    shutdown(channel, SHUT_RDWR); /* processes that the caller forked itself are no obstacle */
    close(channel);
}

void nursery_close(struct nursery *nursery)
{
    if (nursery->socket < 0)
        return;
    close(nursery->socket);
    while (waitpid(nursery->process, NULL, 0) < 0 && errno == EINTR)
        continue;
    *nursery = (struct nursery){.socket = -1};
}
