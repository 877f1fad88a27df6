/* log: lines in the form that users of Mosquitto know: "SECONDS: text", seconds since 1970. Prefix: log_ */
#ifndef ETALON_HOST_LOG_H
#define ETALON_HOST_LOG_H

#include <pthread.h>

#include "configuration.h"

struct log {
    pthread_mutex_t lock; /* the store has threads, and SIGHUP may close the file they write to */
    uint8_t levels;       /* bit N: lines of enum log_level N are written */
    bool timestamp;       /* a line begins with the time */
    int descriptor;       /* where lines go; -1: nowhere */
    bool owned;           /* the descriptor is a file that was opened here */
};

/* Begins the log, before there is a configuration: errors, warnings and notices on standard error. */
void log_begin(struct log *log);

/* Goes on as the configuration says. A file is opened even if it is open already, because it may have been
 * renamed in the meantime (logrotate). False: it cannot be opened; this was logged in the old place, and
 * the log stays there. */
bool log_configure(struct log *log, const struct configuration *configuration);

/* Closes what log_configure has opened; the log then goes to standard error. */
void log_end(struct log *log);

/* Writes one line. Control characters are escaped, because a Client Identifier or a topic comes from a
 * stranger and must not be able to forge a line or to steer the terminal. A line that is too long is cut.
 * Nothing is reported when it cannot be written. Any thread may call it. */
void log_write(const struct log *log, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
