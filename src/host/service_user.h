/* service_user: as whom the broker runs: what it does while it is still root, and what it can do no more
 * afterwards. Prefix: service_user_ */
#ifndef ETALON_HOST_SERVICE_USER_H
#define ETALON_HOST_SERVICE_USER_H

#include "command_line.h"
#include "configuration.h"
#include "log.h"
#include "privileges.h"

/* Makes the file of the log and the directory of the store, if there are none, as what `privileges` will own. */
void service_user_prepare(struct privileges *privileges, const struct configuration *configuration);

/* Becomes the user for good; says as whom the broker runs, where that needs saying, and which files SIGHUP
 * will not be able to read. False: the reason was logged. */
bool service_user_become(const struct privileges *privileges, const struct configuration *configuration,
                         const struct command_line *command_line, const struct log *log);

/* Keeps keys and passwords out of core dumps, if any were read. */
void service_user_hide_secrets(const struct configuration *configuration);

#endif
