/* wanted: the listeners that the user wants, from the configuration and the command line, and what their TLS
 * needs. Prefix: wanted_ */
#ifndef ETALON_HOST_WANTED_H
#define ETALON_HOST_WANTED_H

#include "command_line.h"
#include "configuration.h"
#include "tls.h"

struct wanted {
    bool commanded; /* one listener, where the command line says */
    size_t count;
    const struct configuration_listener *listeners[CONFIGURATION_LISTENERS]; /* borrowed */
    struct tls_context *contexts[CONFIGURATION_LISTENERS]; /* owned, until they are taken; NULL: no TLS */
};

/* Which listeners they are. --port or --bind replace all of the file: half of the one and half of the other
 * would surprise. */
void wanted_find(struct wanted *wanted, const struct command_line *command_line,
                 const struct configuration *configuration);

/* Reads the certificates and keys. False: `complain` was told of each listener that can't be had, nothing is
 * to be released. */
bool wanted_prepare(struct wanted *wanted, void (*complain)(void *context, const char *text), void *context);

/* Releases the contexts that nobody has taken. */
void wanted_release(struct wanted *wanted);

/* The listener as the user has written it, and what is spoken there: "listener 8883 127.0.0.1 (TLS)". */
struct line wanted_describe(const struct wanted *wanted, size_t index);

#endif
