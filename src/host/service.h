/* service: the running broker as its user has asked for it: the configuration file and, winning over it,
 * the command line. Prefix: service_ */
#ifndef ETALON_HOST_SERVICE_H
#define ETALON_HOST_SERVICE_H

#include "command_line.h"
#include "configuration.h"
#include "entrance.h"
#include "keeper.h"
#include "log.h"
#include "loop.h"
#include "privileges.h"

struct service {
    const struct command_line *command_line;
    struct configuration configuration; /* in force; the broker borrows its texts */
    struct privileges privileges; /* of the user in the configuration */
    struct log log;
    struct entrance_files files; /* read at the start, until the entrance has them */
    struct entrance entrance;
    struct broker *broker;
    struct keeper keeper;
    struct loop loop;
};

/* Reads the configuration file, if the command line names one, and the files that it names, and puts the log where it is wanted. Broker
 * and loop are not there yet. False: what is wrong has been written to standard error. */
bool service_configure(struct service *service, const struct command_line *command_line);

/* Whether the file that the command line names could be used: says so on standard output, or why not on
 * standard error. Nothing is touched. */
bool service_check(const struct command_line *command_line);

/* Opens the entrance, once broker and loop are there. */
void service_admit(struct service *service);

/* Opens the store, if the user wants one, and loads what is in it. Otherwise as keeper_open. */
bool service_keep(struct service *service);

/* Takes the ports that the user wants, and the keys that perhaps only root may read. Otherwise as
 * listeners_open. */
bool service_bind(struct service *service);

/* Becomes the user of the configuration; otherwise as service_user_become. */
bool service_become_user(struct service *service);

/* What SIGHUP asks for: reads the file again and applies what a running broker can change. A file with
 * mistakes changes nothing. `context` is the service. */
void service_reload(void *context);

#endif
