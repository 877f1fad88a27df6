#include "service.h"

#include <stdio.h>

#include "configuration_file.h"
#include "service_manager.h"
#include "service_user.h"
#include "wanted.h"

enum { WARNING_DAYS = 14 }; /* a certificate that expires so soon is a warning */

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
    struct configuration_file_sink file_sink = *sink;
    file_sink.store_given = command_line->data != NULL;
    configuration_default(configuration);
    if (command_line->configuration_file &&
        !configuration_file_read(configuration, command_line->configuration_file, &file_sink))
        return false;
    if (command_line->verbose) {
        configuration->log_levels = 1U << LOG_ERROR | 1U << LOG_WARNING | 1U << LOG_NOTICE | 1U << LOG_INFO;
        configuration->connection_messages = true;
    }
    /* That it's not too long was seen when the command line was read. */
    return !command_line->data || configuration_store_in(configuration, command_line->data);
}

static bool find_user(struct privileges *privileges, const struct configuration *configuration)
{
    struct line problem;
    if (privileges_find(privileges, configuration->user, &problem))
        return true;
    fprintf(stderr, "user %s\n", problem.text);
    return false;
}

/* What root writes to may be the user's: so it is opened as by the user. */
static bool open_log(struct service *service)
{
    service_user_prepare(&service->privileges, &service->configuration);
    if (!privileges_borrow(&service->privileges)) {
        log_write(&service->log, LOG_ERROR, "user %s: cannot be borrowed", service->configuration.user);
        return false;
    }
    const bool done = log_configure(&service->log, &service->configuration);
    privileges_return(&service->privileges);
    return done;
}

bool service_configure(struct service *service, const struct command_line *command_line)
{
    const struct configuration_file_sink sink = {.complain = complain_at_start};
    service->command_line = command_line;
    log_begin(&service->log);
    if (!read_configuration(&service->configuration, command_line, &sink) ||
        !find_user(&service->privileges, &service->configuration))
        return false;
    service_user_hide_secrets(&service->configuration);
    if (!entrance_read(&service->files, &service->configuration, complain_at_start, NULL))
        return false;
    if (open_log(service))
        return true;
    entrance_release(&service->files);
    return false;
}

bool service_check(const struct command_line *command_line)
{
    const struct configuration_file_sink sink = {.complain = complain_at_start};
    struct configuration configuration;
    struct privileges privileges;
    if (!read_configuration(&configuration, command_line, &sink) || !find_user(&privileges, &configuration))
        return false;
    struct entrance_files files;
    if (!entrance_read(&files, &configuration, complain_at_start, NULL))
        return false;
    entrance_release(&files);
    struct wanted wanted;
    wanted_find(&wanted, command_line, &configuration);
    if (!wanted_prepare(&wanted, complain_at_start, NULL))
        return false;
    for (size_t i = 0; i < wanted.count; i++)
        printf("%s\n", wanted_describe(&wanted, i).text);
    wanted_release(&wanted);
    printf("%s: fine\n", command_line->configuration_file);
    return true;
}

/* Who may come in. */

static bool is_certified(void *context, const void *host, const char **name)
{
    return listeners_certify(context, host, name);
}

static void announce_entrance(const struct service *service)
{
    const struct configuration *configuration = &service->configuration;
    const struct password_file *passwords = service->entrance.authenticator.rules.passwords;
    if (passwords)
        log_write(&service->log, LOG_NOTICE, "%s: %zu users%s", configuration->password_file,
                  password_file_users(passwords),
                  configuration->allow_anonymous ? "; clients without user name get in as well" : "");
    if (service->entrance.acl && acl_has_users(service->entrance.acl) && !configuration_knows_users(configuration))
        log_write(&service->log, LOG_WARNING,
                  "%s has rules for users, but without a password_file nobody is known by a name",
                  configuration->acl_file);
}

/* What of the limits is not the core's. */
static void apply_limits(struct service *service)
{
    address_limits_configure(&service->loop.sockets.addresses, &service->configuration.address_limits);
    memory_limit_configure(&service->loop.memory, service->configuration.memory_limit);
}

void service_admit(struct service *service)
{
    apply_limits(service);
    const struct authenticator_options options = {
        .loop = &service->loop.uv,
        .broker = service->broker,
        .certified = is_certified,
        .certified_context = &service->loop.listeners,
        .address = sockets_address,
        .statistics = &service->loop.sockets.statistics,
    };
    entrance_begin(&service->entrance, &options);
    entrance_apply(&service->entrance, &service->configuration, &service->files);
    announce_entrance(service);
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

/* IPv4 and IPv6, or the one that the user wants. */
static struct endpoint pair(const char *const addresses[2], enum listener_domain domain)
{
    if (domain != DOMAIN_ANY)
        return (struct endpoint){.addresses = &addresses[domain == DOMAIN_IPV6], .count = 1};
    return (struct endpoint){.addresses = addresses, .count = 2, .last_optional = true};
}

static struct endpoint commanded_endpoint(const struct command_line *command_line,
                                          const struct configuration_listener *settings)
{
    struct endpoint endpoint = pair(loopback, settings->domain);
    if (command_line->address_count > 0)
        endpoint =
            (struct endpoint){.addresses = command_line->addresses, .count = command_line->address_count};
    endpoint.port = command_line->port;
    return endpoint;
}

/* `address`: where the address may be put. */
static struct endpoint configured_endpoint(const struct configuration_listener *settings, const char **address)
{
    struct endpoint endpoint = {0};
    *address = settings->address;
    if (settings->address[0])
        endpoint = (struct endpoint){.addresses = address, .count = 1};
    else if (!settings->path[0])
        endpoint = pair(everywhere, settings->domain);
    endpoint.port = settings->port;
    return endpoint;
}

static void announce_certificates(const struct service *service, const struct wanted *wanted)
{
    for (size_t i = 0; i < wanted->count; i++) {
        if (!wanted->contexts[i])
            continue;
        const int days = tls_context_days_left(wanted->contexts[i]);
        log_write(&service->log, days < WARNING_DAYS ? LOG_WARNING : LOG_NOTICE,
                  "%s: the certificate expires in %d days", wanted_describe(wanted, i).text, days);
    }
}

/* Unix sockets are files: they belong to the user, who removes them at the end. */
static bool open_listeners(struct service *service, const struct endpoint *endpoints, size_t count)
{
    if (!privileges_borrow(&service->privileges)) {
        log_write(&service->log, LOG_ERROR, "user %s: cannot be borrowed", service->configuration.user);
        return false;
    }
    const bool done =
        listeners_open(&service->loop.listeners, &service->loop.sockets, &service->log, endpoints, count);
    privileges_return(&service->privileges);
    return done;
}

bool service_bind(struct service *service)
{
    struct wanted wanted;
    struct endpoint endpoints[CONFIGURATION_LISTENERS];
    const char *addresses[CONFIGURATION_LISTENERS];
    wanted_find(&wanted, service->command_line, &service->configuration);
    if (!wanted_prepare(&wanted, complain_in_log, &service->log))
        return false;
    announce_certificates(service, &wanted);
    for (size_t i = 0; i < wanted.count; i++) {
        const struct configuration_listener *settings = wanted.listeners[i];
        endpoints[i] = wanted.commanded ? commanded_endpoint(service->command_line, settings)
                                        : configured_endpoint(settings, &addresses[i]);
        endpoints[i].settings = settings;
        endpoints[i].tls = wanted.contexts[i];
    }
    return open_listeners(service, endpoints, wanted.count);
}

bool service_become_user(struct service *service)
{
    return service_user_become(&service->privileges, &service->configuration, service->command_line,
                               &service->log);
}

/* SIGHUP. */

static void tell_kept(void *context, const char *keyword)
{
    log_write(context, LOG_WARNING, "%s: the new value needs a restart, the old one stays in force", keyword);
}

/* Clients that are connected keep the certificates and keys that they came with. */
static void apply_to_listeners(struct service *service, const struct wanted *wanted)
{
    announce_certificates(service, wanted);
    for (size_t i = 0; i < wanted->count; i++)
        listeners_configure(&service->loop.listeners, i, wanted->listeners[i], wanted->contexts[i]);
}

/* What SIGHUP brings, whole, before any of it is applied. */
struct fresh {
    struct configuration configuration;
    struct entrance_files files;
    struct wanted wanted;
};

static bool prepare(struct service *service, struct fresh *fresh)
{
    const struct configuration_file_sink sink = {.context = &service->log, .complain = complain_in_log};
    if (!read_configuration(&fresh->configuration, service->command_line, &sink))
        return false;
    service_user_hide_secrets(&fresh->configuration);
    if (!entrance_read(&fresh->files, &fresh->configuration, complain_in_log, &service->log))
        return false;
    configuration_keep(&fresh->configuration, &service->configuration, tell_kept, &service->log);
    wanted_find(&fresh->wanted, service->command_line, &fresh->configuration);
    const bool certificates = wanted_prepare(&fresh->wanted, complain_in_log, &service->log);
    if (certificates && log_configure(&service->log, &fresh->configuration))
        return true;
    if (certificates)
        wanted_release(&fresh->wanted);
    entrance_release(&fresh->files);
    return false;
}

static void apply(struct service *service, struct fresh *fresh)
{
    apply_to_listeners(service, &fresh->wanted);
    service->configuration = fresh->configuration;
    const struct broker_settings settings = configuration_settings(&service->configuration);
    broker_configure(service->broker, &settings);
    apply_limits(service);
    entrance_apply(&service->entrance, &service->configuration, &fresh->files);
    announce_entrance(service);
    system_topics_configure(&service->loop.system_topics, uv_now(&service->loop.uv),
                            service->configuration.sys_interval);
}

static void reload(struct service *service)
{
    const char *name = service->command_line->configuration_file;
    struct fresh fresh;
    if (!name) {
        log_write(&service->log, LOG_WARNING, "SIGHUP ignored: no configuration file was given (-c)");
        return;
    }
    if (!prepare(service, &fresh)) {
        log_write(&service->log, LOG_ERROR,
                  "SIGHUP: %s, or a file that it names, has mistakes: nothing was changed", name);
        return;
    }
    apply(service, &fresh);
    log_write(&service->log, LOG_NOTICE, "SIGHUP: %s was read again", name);
}

void service_reload(void *context)
{
    service_manager_reloading();
    reload(context);
    service_manager_ready();
}
