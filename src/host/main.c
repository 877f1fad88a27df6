/* etalon: the broker. From here down this reads as the program starts. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../mqtt/broker.h"
#include "command_line.h"
#include "listener.h"
#include "log.h"
#include "loop.h"
#include "trace.h"

/* The descriptors are the limit of clients, and a soft limit of 1024 is no wish of anybody. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* Without unpredictable seeds strangers could choose colliding keys: better no broker. */
static void lend_random(void *context, void *bytes, size_t length)
{
    (void)context;
    uint8_t *next = bytes;
    while (length > 0) {
        ssize_t count = getrandom(next, length, 0);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            abort();
        next += count;
        length -= (size_t)count;
    }
}

static void lend_log(void *context, enum log_level level, const char *text)
{
    log_write(context, level, "%s", text);
}

static struct broker *create_broker(struct log *log, bool trace)
{
    struct broker_settings settings = broker_default_settings();
    struct broker_environment environment = {
        .context = log,
        .random = lend_random,
        .log = lend_log,
        .trace = trace ? trace_packet : NULL,
    };
    return broker_create(&settings, &environment);
}

static void announce(const struct listeners *listeners, const struct log *log)
{
    log_write(log, LOG_NOTICE, "etalon %s; memory only: nothing survives a restart", ETALON_VERSION);
    for (size_t i = 0; i < listeners->count; i++) {
        const struct listener *listener = &listeners->items[i];
        log_write(log, LOG_NOTICE, "listening on %s port %u", listener->address, (unsigned)listeners->port);
        if (!listener->loopback)
            log_write(
                log, LOG_WARNING,
                "%s can be reached from other machines and there is no authentication: whoever connects may "
                "read and publish everything",
                listener->address);
    }
}

/* Fills `descriptor` and closes it. */
static bool write_port(int descriptor, uint16_t port)
{
    bool written = fchmod(descriptor, 0644) == 0 && dprintf(descriptor, "%u\n", (unsigned)port) > 0;
    return close(descriptor) == 0 && written;
}

/* The file appears whole or not at all: who waits for it must not read half a number. */
static bool write_port_file(const char *name, uint16_t port, const struct log *log)
{
    char *temporary = NULL;
    if (asprintf(&temporary, "%s.XXXXXX", name) < 0)
        return false;
    int descriptor = mkstemp(temporary);
    bool done = descriptor >= 0 && write_port(descriptor, port) && rename(temporary, name) == 0;
    if (!done) {
        log_write(log, LOG_ERROR, "cannot write the port to %s: %s", name, strerror(errno));
        if (descriptor >= 0)
            unlink(temporary);
    }
    free(temporary);
    return done;
}

static int serve(struct loop *loop, const struct command_line *command_line, const struct log *log)
{
    if (!listeners_open(&loop->listeners, &loop->sockets, log, command_line->addresses,
                        command_line->address_count, command_line->port))
        return EXIT_FAILURE;
    announce(&loop->listeners, log);
    if (command_line->port_file && !write_port_file(command_line->port_file, loop->listeners.port, log))
        return EXIT_FAILURE;
    loop_run(loop);
    log_write(log, LOG_NOTICE, "ended");
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct command_line command_line;
    int exit_status = EXIT_FAILURE;
    if (!command_line_parse(&command_line, argc, argv, &exit_status))
        return exit_status;

    raise_descriptor_limit();
    signal(SIGPIPE, SIG_IGN); /* a client that went away is an error of the write, not of the program */

    struct log log = {.level = command_line.verbose ? LOG_INFO : LOG_NOTICE};
    struct broker *broker = create_broker(&log, command_line.trace);
    if (!broker) {
        log_write(&log, LOG_ERROR, "there is not enough memory to start");
        return EXIT_FAILURE;
    }
    struct loop loop;
    if (loop_create(&loop, broker, &log)) {
        exit_status = serve(&loop, &command_line, &log);
        loop_destroy(&loop);
    }
    broker_destroy(broker);
    return exit_status;
}
