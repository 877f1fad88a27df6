#include "service_user.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { LOG_MODE = 0640, STORE_MODE = 0700 }; /* as log and store make them */

void service_user_prepare(struct privileges *privileges, const struct configuration *configuration)
{
    const struct configuration_log_destination *destination = &configuration->log_destination;
    const char *store = configuration_store(configuration);
    if (destination->kind == LOG_TO_FILE)
        privileges_make_file(privileges, destination->file, LOG_MODE);
    if (store)
        privileges_make_directory(privileges, store, STORE_MODE);
}

/* Opened without waiting, in case that it is a pipe. */
static void check_readable(const char *name, const struct log *log)
{
    if (!name || !name[0])
        return;
    const int descriptor = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        log_write(log, LOG_WARNING,
                  "%s cannot be read by the user that the broker runs as, so SIGHUP will fail: %s", name,
                  strerror(errno));
    else
        close(descriptor);
}

static void check_listener(const struct configuration_listener *listener, const struct log *log)
{
    const char *const files[] = {listener->tls.certfile, listener->tls.keyfile, listener->tls.cafile,
                                 listener->tls.capath, listener->tls.crlfile};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        check_readable(files[i], log);
}

static void check_files(const struct configuration *configuration, const char *configuration_file,
                        const struct log *log)
{
    check_readable(configuration_file, log);
    check_readable(configuration->password_file, log);
    check_readable(configuration->scram_file, log);
    check_readable(configuration->acl_file, log);
    check_listener(&configuration->default_listener, log);
    for (size_t i = 0; i < configuration->listeners.count; i++)
        check_listener(&configuration->listeners.items[i], log);
}

static void announce(const struct privileges *privileges, const struct configuration *configuration,
                     const struct log *log)
{
    const char *user = configuration->user;
    if (privileges->changing)
        log_write(log, LOG_NOTICE, "running as user %s from here on", user);
    else if (!user[0] && privileges_are_root())
        log_write(log, LOG_WARNING,
                  "running as root: the keyword user makes the broker give up what it does not need");
    else if (user[0] && geteuid() != privileges->user)
        log_write(log, LOG_WARNING, "user %s has no effect: only root can become another user", user);
}

bool service_user_become(const struct privileges *privileges, const struct configuration *configuration,
                         const struct command_line *command_line, const struct log *log)
{
    struct line problem = {0};
    if (!privileges_drop(privileges, &problem)) {
        log_write(log, LOG_ERROR, "user %s: %s", configuration->user, problem.text);
        return false;
    }
    announce(privileges, configuration, log);
    if (privileges->changing)
        check_files(configuration, command_line->configuration_file, log);
    service_user_hide_secrets(configuration); /* becoming another user may have undone it */
    return true;
}

static bool has_secrets(const struct configuration *configuration)
{
    bool has = configuration->password_file[0] || configuration->scram_file[0] ||
               configuration_uses_tls(&configuration->default_listener);
    for (size_t i = 0; i < configuration->listeners.count; i++)
        has = has || configuration_uses_tls(&configuration->listeners.items[i]);
    return has;
}

void service_user_hide_secrets(const struct configuration *configuration)
{
    if (has_secrets(configuration))
        privileges_hide_memory();
}
