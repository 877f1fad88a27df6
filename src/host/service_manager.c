#include "service_manager.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE = 1 /* s that a full queue of the service manager may hold up the broker */ };

/* A path, or "@" and an abstract name. Returns the length of the address; 0: there is nobody to tell. */
static socklen_t find_address(struct sockaddr_un *address)
{
    const char *name = getenv("NOTIFY_SOCKET");
    const size_t length = name ? strlen(name) : 0;
    if (length < 2 || length >= sizeof address->sun_path || (name[0] != '/' && name[0] != '@'))
        return 0;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, name, length);
    if (name[0] == '@')
        address->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

/* What does not arrive is not told again: the service manager has its own time limits. */
static void tell(const char *text)
{
    struct sockaddr_un address;
    const struct timeval patience = {.tv_sec = PATIENCE};
    const socklen_t length = find_address(&address);
    if (length == 0)
        return;
    const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return;
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    const ssize_t sent =
        sendto(descriptor, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&address, length);
    (void)sent;
    close(descriptor);
}

void service_manager_ready(void)
{
    tell("READY=1\nSTATUS=serving");
}

/* The time tells this reload from the one before. */
void service_manager_reloading(void)
{
    struct timespec now;
    char text[96];
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(text, sizeof text, "RELOADING=1\nSTATUS=reading the configuration\nMONOTONIC_USEC=%" PRIu64,
             (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
    tell(text);
}

void service_manager_stopping(void)
{
    tell("STOPPING=1\nSTATUS=disconnecting clients");
}

/* A whole positive number in the environment; 0: there is none. */
static uint64_t number_of(const char *variable)
{
    const char *text = getenv(variable);
    char *end = NULL;
    if (!text || text[0] < '0' || text[0] > '9')
        return 0;
    errno = 0;
    const unsigned long long number = strtoull(text, &end, 10);
    return *end == '\0' && errno == 0 ? number : 0;
}

static void on_watchdog(uv_timer_t *watchdog)
{
    (void)watchdog;
    tell("WATCHDOG=1");
}

void service_manager_watch(uv_loop_t *loop, uv_timer_t *watchdog)
{
    const uint64_t period = number_of("WATCHDOG_USEC") / 1000 / 2;
    const uint64_t process = number_of("WATCHDOG_PID");
    if (period == 0 || (process != 0 && process != (uint64_t)getpid()))
        return;
    uv_timer_init(loop, watchdog);
    uv_timer_start(watchdog, on_watchdog, period, period);
    uv_unref((uv_handle_t *)watchdog);
}
