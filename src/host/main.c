/* etalon: the broker. From here down this reads as the program starts. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "service.h"
#include "service_manager.h"
#include "trace.h"

enum { EXIT_USAGE = 2 }; /* also for a configuration that has mistakes */

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

static uint64_t lend_wall_clock(void *context)
{
    struct timespec time;
    (void)context;
    clock_gettime(CLOCK_REALTIME, &time);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

/* What the core says at this level is who came and went. */
static void lend_log(void *context, enum log_level level, const char *text)
{
    const struct service *service = context;
    if (level != LOG_INFO || service->configuration.connection_messages)
        log_write(&service->log, level, "%s", text);
}

static struct authentication_answer lend_authentication(void *context,
                                                        const struct authentication_request *request)
{
    struct service *service = context;
    return authenticator_answer(&service->entrance.authenticator, request);
}

static void end_authentication(void *context, void *host)
{
    struct service *service = context;
    authenticator_forget(&service->entrance.authenticator, host);
}

static bool lend_authorisation(void *context, const struct authorisation *question)
{
    const struct service *service = context;
    return entrance_authorise(&service->entrance, question);
}

static enum storage storage_of(const struct configuration *configuration)
{
    if (!configuration_store(configuration))
        return STORAGE_NONE;
    return configuration->durability == STORE_LAZY ? STORAGE_BEHIND : STORAGE_PROMISED;
}

static struct broker *create_broker(struct service *service)
{
    struct broker_settings settings = configuration_settings(&service->configuration);
    struct broker_environment environment = {
        .context = service,
        .storage = storage_of(&service->configuration),
        .wall_clock = lend_wall_clock,
        .authenticate = lend_authentication,
        .authentication_ended = end_authentication,
        .authorise = lend_authorisation,
        .random = lend_random,
        .log = lend_log,
        .trace = service->command_line->trace ? trace_packet : NULL,
    };
    return broker_create(&settings, &environment);
}

static void announce_keeping(const struct service *service)
{
    static const char *const promises[] = {
        [STORE_SYNC] = "durability sync: what is acknowledged survives power loss",
        [STORE_ASYNC] = "durability async: what is acknowledged survives the program, not power loss",
        [STORE_LAZY] = "durability none: a crash loses the last moments",
    };
    const char *directory = configuration_store(&service->configuration);
    if (directory)
        log_write(&service->log, LOG_NOTICE, "etalon " ETALON_VERSION "; state is kept in %s; %s", directory,
                  promises[service->configuration.durability]);
    else
        log_write(&service->log, LOG_NOTICE,
                  "etalon " ETALON_VERSION "; memory only: nothing survives a restart");
}

/* For users who don't know what they have done. */
static void warn_of_strangers(const struct service *service, const struct listener *listener)
{
    const bool ruled = service->entrance.acl != NULL;
    if (service->configuration.allow_anonymous)
        log_write(&service->log, LOG_WARNING,
                  "%s can be reached from other machines and there is no authentication: whoever connects may %s%s",
                  listener->address, ruled ? "do what is allowed without a user name by " : "read and publish everything",
                  ruled ? service->configuration.acl_file : "");
}

static void announce_listeners(const struct service *service)
{
    const struct listeners *listeners = &service->loop.listeners;
    for (size_t i = 0; i < listeners->count; i++) {
        const struct listener *listener = &listeners->items[i];
        const struct listener_group *group = &listeners->groups[listener->group];
        log_write(&service->log, LOG_NOTICE, "listening on %s", listener_describe(listener).text);
        if (!listener->local && !group->use_identity && !group->use_subject)
            warn_of_strangers(service, listener);
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

static int serve(struct service *service)
{
    struct loop *loop = &service->loop;
    const char *port_file = service->command_line->port_file;
    announce_keeping(service);
    service_admit(service);
    /* What only root may do comes first; the store, whose files are made as it goes, belongs to the user. While it
     * is loaded clients are refused: if they waited, they would not know for what. */
    if (!service_bind(service) || !service_become_user(service) || !service_keep(service) ||
        !listeners_start(&loop->listeners))
        return EXIT_FAILURE;
    announce_listeners(service);
    if (port_file && !write_port_file(port_file, loop->listeners.items[0].port, &service->log))
        return EXIT_FAILURE;
    system_topics_begin(&loop->system_topics, service->broker, uv_now(&loop->uv),
                        service->configuration.sys_interval);
    system_topics_show_host(&loop->system_topics, &loop->sockets.statistics);
    system_topics_show_store(&loop->system_topics, keeper_figures, &service->keeper);
    loop->reload = service_reload;
    loop->reload_context = service;
    service_manager_watch(&loop->uv, &loop->watchdog);
    service_manager_ready();
    loop_run(loop);
    return EXIT_SUCCESS;
}

static int run(struct service *service)
{
    int exit_status = EXIT_FAILURE;
    service->broker = create_broker(service);
    if (!service->broker) {
        log_write(&service->log, LOG_ERROR, "there is not enough memory to start");
        return EXIT_FAILURE;
    }
    if (loop_create(&service->loop, service->broker, &service->log)) {
        exit_status = serve(service);
        if (!loop_destroy(&service->loop))
            exit_status = EXIT_FAILURE;
        entrance_end(&service->entrance);
    }
    entrance_release(&service->files);
    broker_destroy(service->broker);
    if (exit_status == EXIT_SUCCESS)
        log_write(&service->log, LOG_NOTICE, "ended");
    return exit_status;
}

int main(int argc, char **argv)
{
    struct command_line command_line;
    struct service service;
    int exit_status;
    if (!command_line_parse(&command_line, argc, argv, &exit_status))
        return exit_status;
    if (command_line.check_configuration)
        return service_check(&command_line) ? EXIT_SUCCESS : EXIT_USAGE;

    raise_descriptor_limit();
    signal(SIGPIPE, SIG_IGN); /* a client that went away is an error of the write, not of the program */
    signal(SIGXFSZ, SIG_IGN); /* so is a file that must not grow */
    if (!service_configure(&service, &command_line))
        return EXIT_USAGE;
    exit_status = run(&service);
    log_end(&service.log);
    return exit_status;
}
