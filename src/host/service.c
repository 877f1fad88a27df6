#include "service.h"

#include <stdio.h>

#include "configuration_file.h"

/* Configuring. */

static void complain_at_start(void *context, const char *text)
{
    (void)context;
    fprintf(stderr, "%s\n", text);
}

static void complain_in_log(void *context, const char *text)
{
    log_write(context, LOG_ERROR, "%s", text);
}

/* The configuration that a file and the command line make together; the command line wins. */
static bool read_configuration(struct configuration *configuration, const struct command_line *command_line,
                               const struct configuration_file_sink *sink)
{
    configuration_default(configuration);
    if (command_line->configuration_file &&
        !configuration_file_read(configuration, command_line->configuration_file, sink))
        return false;
    if (command_line->verbose) {
        configuration->log_levels = 1U << LOG_ERROR | 1U << LOG_WARNING | 1U << LOG_NOTICE | 1U << LOG_INFO;
        configuration->connection_messages = true;
    }
    /* That it's not too long was seen when the command line was read. */
    return !command_line->data || configuration_store_in(configuration, command_line->data);
}

bool service_configure(struct service *service, const struct command_line *command_line)
{
    const struct configuration_file_sink sink = {.complain = complain_at_start};
    service->command_line = command_line;
    log_begin(&service->log);
    return read_configuration(&service->configuration, command_line, &sink) &&
           log_configure(&service->log, &service->configuration);
}

bool service_check(const struct command_line *command_line)
{
    const struct configuration_file_sink sink = {.complain = complain_at_start};
    struct configuration configuration;
    if (!read_configuration(&configuration, command_line, &sink))
        return false;
    printf("%s: fine\n", command_line->configuration_file);
    return true;
}

/* Keeping. */

bool service_keep(struct service *service)
{
    const struct keeper_options options = {
        .broker = service->broker,
        .log = &service->log,
        .directory = configuration_store(&service->configuration),
        .durability = (enum store_durability)service->configuration.durability,
        .context = &service->loop,
        .clock = loop_clock,
        .wake = loop_wake,
    };
    keeper_begin(&service->keeper);
    return !options.directory ||
           (loop_keep(&service->loop, &service->keeper) && keeper_open(&service->keeper, &options));
}

/* Listening. */

static const char *const loopback[] = {"127.0.0.1", "::1"};
static const char *const everywhere[] = {"0.0.0.0", "::"};

static struct endpoint pair(const char *const addresses[2], uint16_t port)
{
    return (struct endpoint){.port = port, .addresses = addresses, .count = 2, .last_optional = true};
}

static bool listen_as_commanded(struct service *service)
{
    const struct command_line *command_line = service->command_line;
    struct endpoint endpoint = pair(loopback, command_line->port);
    if (command_line->address_count > 0)
        endpoint = (struct endpoint){.port = command_line->port,
                                     .addresses = command_line->addresses,
                                     .count = command_line->address_count};
    return listeners_open(&service->loop.listeners, &service->loop.sockets, &service->log, &endpoint, 1);
}

static bool listen_as_configured(struct service *service)
{
    const struct configuration_listeners *listeners = &service->configuration.listeners;
    struct endpoint endpoints[CONFIGURATION_LISTENERS];
    const char *addresses[CONFIGURATION_LISTENERS];
    for (size_t i = 0; i < listeners->count; i++) {
        const struct configuration_listener *listener = &listeners->items[i];
        addresses[i] = listener->address;
        endpoints[i] = listener->address[0]
                           ? (struct endpoint){.port = listener->port, .addresses = &addresses[i], .count = 1}
                           : pair(everywhere, listener->port);
    }
    return listeners_open(&service->loop.listeners, &service->loop.sockets, &service->log, endpoints,
                          listeners->count);
}

/* --port or --bind replace all listeners of the file: half of the one and half of the other would
 * surprise. */
bool service_listen(struct service *service)
{
    const struct command_line *command_line = service->command_line;
    const bool commanded = command_line->port_given || command_line->address_count > 0;
    return commanded || service->configuration.listeners.count == 0 ? listen_as_commanded(service)
                                                                    : listen_as_configured(service);
}

/* SIGHUP. */

static void tell_kept(void *context, const char *keyword)
{
    log_write(context, LOG_WARNING, "%s: the new value needs a restart, the old one stays in force", keyword);
}

static void apply(struct service *service, const struct configuration *configuration)
{
    service->configuration = *configuration;
    const struct broker_settings settings = configuration_settings(&service->configuration);
    broker_configure(service->broker, &settings);
    system_topics_configure(&service->loop.system_topics, uv_now(&service->loop.uv),
                            service->configuration.sys_interval);
}

void service_reload(void *context)
{
    struct service *service = context;
    const char *name = service->command_line->configuration_file;
    const struct configuration_file_sink sink = {.context = &service->log, .complain = complain_in_log};
    struct configuration configuration;
    if (!name) {
        log_write(&service->log, LOG_WARNING, "SIGHUP ignored: no configuration file was given (-c)");
        return;
    }
    if (!read_configuration(&configuration, service->command_line, &sink)) {
        log_write(&service->log, LOG_ERROR, "SIGHUP: %s has mistakes, nothing was changed", name);
        return;
    }
    configuration_keep(&configuration, &service->configuration, tell_kept, &service->log);
    if (!log_configure(&service->log, &configuration))
        return;
    apply(service, &configuration);
    log_write(&service->log, LOG_NOTICE, "SIGHUP: %s was read again", name);
}
