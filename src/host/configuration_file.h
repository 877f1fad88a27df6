/* configuration_file: a configuration as a file. Prefix: configuration_file_ */
#ifndef ETALON_HOST_CONFIGURATION_FILE_H
#define ETALON_HOST_CONFIGURATION_FILE_H

#include "configuration.h"

/* Where mistakes are told: each as one line "FILE:LINE:COLUMN: text", without line end. */
struct configuration_file_sink {
    void *context;
    void (*complain)(void *context, const char *text);
    bool store_given; /* as in struct configuration_sink */
};

/* Reads the file called `name`. False: it cannot be read or has mistakes, which `sink` was told of; then the
 * configuration must not be used. */
bool configuration_file_read(struct configuration *configuration, const char *name,
                             const struct configuration_file_sink *sink);

#endif
